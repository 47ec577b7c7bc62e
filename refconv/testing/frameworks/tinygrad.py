"""Tinygrad: one convolution and one transposed convolution for any rank, and its gradients of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array, is_ml_dtype
from refconv.operations import Operation
from refconv.testing.frameworks.adapter import (
    Framework,
    Target,
    differentiable,
    native,
    padding_word,
    refuse_integers,
    refuse_unbatched,
    sides_of,
)


def _tensor(array: Any) -> Any:
    if array is None or not isinstance(array, np.ndarray):
        return array
    if is_ml_dtype(array.dtype) or array.dtype.kind == "c":
        raise NotImplementedError(f"it does not compile {array.dtype} for every processor")
    return import_module("tinygrad").Tensor(native(array))


def _padding(padding: Any) -> Any:
    """Return all sides in a row, those of the last axis first."""
    if isinstance(padding, str):
        return padding_word(padding, {})
    return [side for sides in reversed(sides_of(padding)) for side in sides]


def _forward(operation: Operation) -> Target:
    name = "conv_transpose2d" if operation.is_transposed else "conv2d"  # of any rank

    def tinygrad_operation(image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, *steps: Any) -> Any:
        refuse_unbatched(image.shape, operation.space.rank)
        given = dict(zip(operation.forward.parameters[2:], steps, strict=False))
        image, kernel, bias = map(_tensor, (image, kernel, bias))
        return getattr(image, name)(kernel, bias, stride=stride, padding=_padding(padding), **given)

    return tinygrad_operation


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    refuse_integers(dtype)
    argument = _tensor(np.zeros(shape, native(arriving).dtype))
    return linear(argument).gradient(argument, gradient=_tensor(arriving))[0]


TINYGRAD: Final = Framework(
    differentiable(_forward, _pull_back, read=lambda tensor: tensor.numpy()), {"tinygrad": "tinygrad"}
)
