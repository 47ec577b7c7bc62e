"""PaddlePaddle: its functional operations, and its automatic differentiation for the gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.operations import Operation
from refconv.testing.frameworks.adapter import Framework, Target, differentiable, native, padding_word, refuse_unbatched


def _tensor(array: Any) -> Any:
    return import_module("paddle").to_tensor(native(array)) if isinstance(array, np.ndarray) else array


def _padding(padding: Any) -> Any:
    """Return its own word, one number for each axis, or all sides in a row."""
    if isinstance(padding, str):
        return padding_word(padding, {"valid": "VALID", "same_upper": "SAME"})
    return [number for sides in padding for number in (sides if isinstance(sides, tuple) else (sides,))]


@contextmanager
def _refusals(dtype: np.dtype[Any]) -> Iterator[None]:
    """Turn what PaddlePaddle says of a type that a kernel does not take into NotImplementedError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not any(
            words in str(error)
            for words in ("support following DataTypes", "array data type", "does not match the type of data")
        ):
            raise
        raise NotImplementedError(f"it does not convolve {dtype}, or with another type") from error


def _forward(operation: Operation) -> Target:
    rank = operation.space.rank
    ending = "_transpose" if operation.is_transposed else ""
    function = getattr(import_module("paddle").nn.functional, f"conv{rank}d{ending}")

    def paddle_operation(image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, *steps: Any) -> Any:
        refuse_unbatched(image.shape, rank)
        if operation.is_transposed and isinstance(padding, str) and padding != "valid":
            raise NotImplementedError(f"it has no padding={padding!r} here")  # its SAME is that of a convolution
        given = dict(zip(operation.forward.parameters[2:], steps, strict=False))
        sides = _padding(padding)
        with _refusals(image.dtype):
            return function(*map(_tensor, (image, kernel, bias)), stride=stride, padding=sides, **given)

    return paddle_operation


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    paddle = import_module("paddle")
    with _refusals(dtype):
        argument = paddle.zeros(shape, native(arriving).dtype.name)
        argument.stop_gradient = False
        return paddle.grad(linear(argument), argument, _tensor(arriving))[0]


PADDLE: Final = Framework(differentiable(_forward, _pull_back), {"paddle": "paddlepaddle"})
