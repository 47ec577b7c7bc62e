"""JAX: its one convolution, and for what runs it backwards its vector-Jacobian product.

JAX has no transposed convolution of this meaning, for that of `jax.lax` neither crops nor flips as the others do.  What
is judged in its place, as in the gradients, is JAX's rule for transposing a convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.adjoint import conjugate
from refconv.numbers.dtypes import is_integral
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

# What its documentation has one name for sums in a wider type: the bias is then added before the one rounding.
_SUMS: Final = {"float16": np.float32, "bfloat16": np.float32, "int8": np.int32, "uint8": np.int32}


def _import_jax() -> Any:
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003  # without it, float64 becomes float32
    return jax


def _convolve(image: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: Any, sums: Any = None) -> Any:
    words = {"valid": "VALID", "same_upper": "SAME", "same_lower": "SAME_LOWER"}
    axes = "DHW"[-(kernel.ndim - 2) :]
    return import_module("jax").lax.conv_general_dilated(
        image,
        kernel,
        preferred_element_type=sums,
        window_strides=stride,
        padding=padding_word(padding, words) if isinstance(padding, str) else sides_of(padding),
        rhs_dilation=dilation,
        dimension_numbers=(f"NC{axes}", f"OI{axes}", f"NC{axes}"),
        feature_group_count=groups,
    )


def _add_bias(output: Any, bias: Array | None) -> Any:
    return output if bias is None else output + native(bias).reshape(-1, *[1] * (output.ndim - 2))


def _pull_back(linear: Callable[[Any], Any], shape: Any, arriving: Array) -> Any:
    """Return what arrives at the output of a linear function, pulled back to its argument of this shape."""
    if is_integral(arriving.dtype):
        raise NotImplementedError("it differentiates with respect to no integers")
    _, backward = import_module("jax").vjp(linear, np.zeros(shape, arriving.dtype))
    return backward(arriving)[0]


def _load_convolution(rank: int) -> Target:
    _import_jax()

    def jax_convolution(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        sums = _SUMS.get(image.dtype.name)
        output = _convolve(native(image), native(kernel), stride, padding, dilation, groups, sums)
        output = _add_bias(output, bias)
        return output.astype(image.dtype.newbyteorder("=")) if output.dtype == np.float32 else output

    return jax_convolution


def _load_conv_transpose2d() -> Target:
    _import_jax()

    def jax_conv_transpose2d(
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
        shape = transposed_shape(image, kernel, bias, stride, padding, output_padding, groups, dilation)
        # What is added to the output at its end is what the padding crops less there, be that below nothing.
        sides = [(low, high - extra) for (low, high), extra in zip(sides_of(padding), output_padding, strict=True)]
        output = _pull_back(
            lambda pixels: _convolve(pixels, native(kernel), stride, sides, dilation, groups), shape, native(image)
        )
        return _add_bias(output, bias)

    return jax_conv_transpose2d


def _load_conv2d_input() -> Target:
    _import_jax()

    def jax_conv2d_input(
        input_size: Any, kernel: Array, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(input_size, 2)
        weight = native(conjugate(kernel))  # its product, unlike a gradient by PyTorch's rule, conjugates nothing
        return _pull_back(
            lambda pixels: _convolve(pixels, weight, stride, padding, dilation, groups), input_size, native(grad_output)
        )

    return jax_conv2d_input


def _load_conv2d_weight() -> Target:
    _import_jax()

    def jax_conv2d_weight(
        image: Array, weight_size: Any, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, 2)
        pixels = native(conjugate(image))
        return _pull_back(
            lambda taps: _convolve(pixels, taps, stride, padding, dilation, groups), weight_size, native(grad_output)
        )

    return jax_conv2d_weight


JAX: Final = Framework(
    operations={
        "conv2d": partial(_load_convolution, 2),
        "conv1d": partial(_load_convolution, 1),
        "conv3d": partial(_load_convolution, 3),
        "conv_transpose2d": _load_conv_transpose2d,
        "conv2d_input": _load_conv2d_input,
        "conv2d_weight": _load_conv2d_weight,
    },
    packages={"jax": "jax"},
)
