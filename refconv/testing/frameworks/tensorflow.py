"""TensorFlow wants channels last, takes the number of groups from the shapes, and differentiates by its tape."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
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
    transposed_shape,
)

# What its kernels for a CPU say of groups, dilations and types that they cannot do.
_LACKING: Final = (
    "do not yet support",
    "currently only supports",
    "are not supported on CPU",
    "must have the same depth",
    "Number of channels in filter",
    "was expected to be a",  # of a factor of another type
)


def _import_tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return import_module("tensorflow")


@contextmanager
def _refusals(dtype: np.dtype[Any]) -> Iterator[None]:
    """Turn what TensorFlow says of a type or an argument that a kernel does not take into NotImplementedError."""
    try:
        yield
    except Exception as error:
        if "is not in the list of allowed values" in str(error):
            raise NotImplementedError(f"it does not convolve {dtype}") from error
        if not any(words in str(error) for words in _LACKING):
            raise
        raise NotImplementedError(re.sub(r"\{\{.*\}\} | \[Op:.*", "", str(error))) from error


def _channels_last(image: Any) -> Any:
    """Return (N, C, *H) as (N, *H, C), on the tape."""
    rank = len(image.shape) - 2
    return import_module("tensorflow").transpose(native(image), (0, *range(2, rank + 2), 1))


def _channels_first(output: Any) -> Any:
    rank = len(output.shape) - 2
    return import_module("tensorflow").transpose(output, (0, rank + 1, *range(1, rank + 1)))


def _taps_first(kernel: Any) -> Any:
    """Return a kernel of (O, C/G, *taps) as (*taps, C/G, O)."""
    rank = len(kernel.shape) - 2
    return import_module("tensorflow").transpose(native(kernel), (*range(2, rank + 2), 1, 0))


def _per_axis(numbers: Any, rest: Any) -> list[Any]:
    return [rest, *numbers, rest]


def _padding(padding: Any, rank: int) -> Any:
    """Return its own word, or numbers for each side of all axes, as its operations on images have it."""
    if isinstance(padding, str):
        return padding_word(padding, {"valid": "VALID", "same_upper": "SAME"})
    sides = sides_of(padding)
    if rank == 2:
        return _per_axis(sides, (0, 0))
    if any(map(any, sides)):
        raise NotImplementedError("along one axis or three it has no numbers for the padding")
    return "VALID"


def _refuse_groups(groups: int, channels: int, group_channels: int) -> None:
    if groups * group_channels != channels:
        raise NotImplementedError("it takes the number of groups from the shapes")


def _convolution(operation: Operation) -> Target:
    tensorflow, rank = import_module("tensorflow"), operation.space.rank
    convolve = getattr(tensorflow.nn, f"conv{rank}d")

    def tensorflow_convolution(
        image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        _refuse_groups(groups, image.shape[1], kernel.shape[1])
        sides = _padding(padding, rank)
        with _refusals(image.dtype):
            operands = _channels_last(image), _taps_first(kernel)
            output = convolve(*operands, _per_axis(stride, 1), sides, dilations=_per_axis(dilation, 1))
            output = output if bias is None else tensorflow.nn.bias_add(output, native(bias))
        return _channels_first(output)

    return tensorflow_convolution


def _transposed_convolution(operation: Operation) -> Target:
    tensorflow, rank = import_module("tensorflow"), operation.space.rank
    transpose = getattr(tensorflow.nn, f"conv{rank}d_transpose")

    def tensorflow_transposed(
        image: Any,
        kernel: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        groups: Any,
        dilation: Any,
        output_size: Any = None,
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
        steps |= {"dilation": dilation, "output_size": output_size}
        batch, channels, *size = transposed_shape(operation, image, kernel, steps)
        if any(extra >= step for extra, step in zip(output_padding, stride, strict=True)):
            raise NotImplementedError("it takes no output_padding of a stride or more")
        if isinstance(padding, str) and any(output_padding):
            raise NotImplementedError("its SAME knows no output_padding")
        if groups > 1:
            raise NotImplementedError("it has no groups here")
        sides = _padding(padding, rank)
        with _refusals(image.dtype):
            operands = _channels_last(image), _taps_first(kernel), (batch, *size, channels)
            output = transpose(*operands, stride, sides, dilations=dilation)
            output = output if bias is None else tensorflow.nn.bias_add(output, native(bias))
        return _channels_first(output)

    return tensorflow_transposed


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    """Return the gradient of a linear function with respect to its argument, from that of its output."""
    tensorflow = import_module("tensorflow")
    refuse_integers(dtype)
    argument = tensorflow.constant(np.zeros(shape, native(arriving).dtype))
    with _refusals(dtype), tensorflow.GradientTape() as tape:
        tape.watch(argument)
        output = linear(argument)
        return tape.gradient(output, argument, output_gradients=tensorflow.constant(native(arriving)))


def _forward(operation: Operation) -> Target:
    _import_tensorflow()
    return (_transposed_convolution if operation.is_transposed else _convolution)(operation)


TENSORFLOW: Final = Framework(differentiable(_forward, _pull_back), {"tensorflow": "tensorflow"})
