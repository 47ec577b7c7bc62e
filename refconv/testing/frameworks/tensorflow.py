"""TensorFlow wants channels last, takes the number of groups from the shapes, and differentiates by its tape."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.frameworks.adapter import (
    Framework,
    Target,
    native,
    padding_word,
    refuse_unbatched,
    sides_of,
    transposed_shape,
)

# What its kernels for a CPU say of groups and dilations that they cannot do.
_LACKING: Final = (
    "do not yet support",
    "currently only supports",
    "are not supported on CPU",
    "must have the same depth",
    "Number of channels in filter",
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


def _channels_last(image: Array) -> Array:
    return np.moveaxis(native(image), 1, -1)


def _channels_first(output: Any) -> Array:
    return np.moveaxis(output.numpy(), -1, 1)


def _taps_first(kernel: Array) -> Array:
    """Return a kernel of (O, C/G, taps) as (taps, C/G, O)."""
    return np.moveaxis(native(kernel), (0, 1), (-1, -2))


def _taps_last(kernel: Any) -> Array:
    return np.moveaxis(kernel.numpy(), (-1, -2), (0, 1))


def _per_axis(numbers: Any, rest: Any) -> list[Any]:
    return [rest, *numbers, rest]


def _padding(padding: Any) -> Any:
    """Return its own word, or numbers for each side of all axes, as its operations on images have it."""
    if isinstance(padding, str):
        return padding_word(padding, {"valid": "VALID", "same_upper": "SAME"})
    return _per_axis(sides_of(padding), (0, 0))


def _word(padding: Any) -> Any:
    """Return its own word, where that is all that an operation takes."""
    sides = _padding(padding)
    if isinstance(sides, list) and any(map(any, sides)):
        raise NotImplementedError("along one axis or three it has no numbers for the padding")
    return "VALID" if isinstance(sides, list) else sides


def _refuse_groups(groups: int, channels: int, group_channels: int) -> None:
    if groups * group_channels != channels:
        raise NotImplementedError("it takes the number of groups from the shapes")


def _load_convolution(rank: int) -> Target:
    tensorflow = _import_tensorflow()
    convolve = getattr(tensorflow.nn, f"conv{rank}d")

    def tensorflow_convolution(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        _refuse_groups(groups, image.shape[1], kernel.shape[1])
        sides = _padding(padding) if rank == 2 else _word(padding)
        operands = _channels_last(image), _taps_first(kernel)
        with _refusals(image.dtype):
            output = convolve(*operands, _per_axis(stride, 1), sides, dilations=_per_axis(dilation, 1))
        output = output if bias is None else tensorflow.nn.bias_add(output, native(bias))
        return _channels_first(output)

    return tensorflow_convolution


def _load_conv_transpose2d() -> Target:
    tensorflow = _import_tensorflow()

    def tensorflow_conv_transpose2d(
        image: Array,
        kernel: Array,
        bias: Array | None,
        stride: Any,
        padding: Any,
        output_padding: Any,
        groups: Any,
        dilation: Any,
    ) -> Any:
        refuse_unbatched(image.shape, 2)
        batch, channels, *size = transposed_shape(
            image, kernel, bias, stride, padding, output_padding, groups, dilation
        )
        if any(extra >= step for extra, step in zip(output_padding, stride, strict=True)):
            raise NotImplementedError("it takes no output_padding of a stride or more")
        with _refusals(image.dtype):
            output = tensorflow.nn.conv2d_transpose(
                _channels_last(image),
                _taps_first(kernel),
                (batch, *size, channels),
                stride,
                _padding(padding),
                dilations=dilation,
            )
        output = output if bias is None else tensorflow.nn.bias_add(output, native(bias))
        return _channels_first(output)

    return tensorflow_conv_transpose2d


def _differentiate(linear: Callable[[Any], Any], at: Array, arriving: Array) -> Any:
    """Return the gradient of a linear function with respect to its argument, from that of its output."""
    tensorflow = import_module("tensorflow")
    if at.dtype.kind in "biu":
        raise NotImplementedError("it differentiates with respect to no integers")
    argument = tensorflow.constant(at)
    with _refusals(at.dtype), tensorflow.GradientTape() as tape:
        tape.watch(argument)
        output = linear(argument)
        return tape.gradient(output, argument, output_gradients=tensorflow.constant(arriving))


def _load_conv2d_input() -> Target:
    convolve = _import_tensorflow().nn.conv2d

    def tensorflow_conv2d_input(
        input_size: Any, kernel: Array, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(input_size, 2)
        _refuse_groups(groups, input_size[1], kernel.shape[1])
        weight, sides = _taps_first(kernel), _padding(padding)
        gradient = _differentiate(
            lambda image: convolve(image, weight, stride, sides, dilations=dilation),
            _channels_last(np.zeros(input_size, weight.dtype)),
            _channels_last(grad_output),
        )
        return _channels_first(gradient)

    return tensorflow_conv2d_input


def _load_conv2d_weight() -> Target:
    convolve = _import_tensorflow().nn.conv2d

    def tensorflow_conv2d_weight(
        image: Array, weight_size: Any, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, 2)
        _refuse_groups(groups, image.shape[1], weight_size[1])
        pixels, sides = _channels_last(image), _padding(padding)
        gradient = _differentiate(
            lambda kernel: convolve(pixels, kernel, stride, sides, dilations=dilation),
            _taps_first(np.zeros(weight_size, pixels.dtype)),
            _channels_last(grad_output),
        )
        return _taps_last(gradient)

    return tensorflow_conv2d_weight


TENSORFLOW: Final = Framework(
    operations={
        "conv2d": partial(_load_convolution, 2),
        "conv1d": partial(_load_convolution, 1),
        "conv3d": partial(_load_convolution, 3),
        "conv_transpose2d": _load_conv_transpose2d,
        "conv2d_input": _load_conv2d_input,
        "conv2d_weight": _load_conv2d_weight,
    },
    packages={"tensorflow": "tensorflow"},
)
