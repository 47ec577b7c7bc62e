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

from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS, Operation
from refconv.testing.frameworks.adapter import (
    Framework,
    Target,
    differentiated,
    native,
    padding_word,
    refuse_integers,
    refuse_unbatched,
    sides_of,
    transposed_shape,
)

# What its documentation has one name for sums in a wider type: the bias is then added before the one rounding.
_SUMS: Final = {"float16": np.float32, "bfloat16": np.float32, "int8": np.int32, "uint8": np.int32}


def jax_array(array: Array, device: str = "") -> Any:
    """Return an array of JAX on a device, ``"gpu:1"`` for the second of a kind."""
    jax = _jax()
    kind, _, number = device.partition(":")
    place = jax.devices(kind)[int(number or 0)] if device else None
    return jax.device_put(jax.numpy.array(native(array)), place)


def _jax() -> Any:
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003  # without it, float64 becomes float32
    return jax


def _convolve(image: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: Any, sums: Any = None) -> Any:
    words = {"valid": "VALID", "same_upper": "SAME", "same_lower": "SAME_LOWER"}
    axes = "DHW"[-(kernel.ndim - 2) :]
    if image.dtype != kernel.dtype:
        raise NotImplementedError(f"it does not multiply {image.dtype} by {kernel.dtype}")
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


def _add_bias(output: Any, bias: Any) -> Any:
    return output if bias is None else output + native(bias).reshape(-1, *[1] * (output.ndim - 2))


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    """Return what arrives at the output of a linear function, pulled back to its argument of this shape."""
    refuse_integers(dtype)
    _, backward = import_module("jax").vjp(linear, np.zeros(shape, native(arriving).dtype))
    return backward(native(arriving))[0]


def _convolution(operation: Operation) -> Target:
    rank = operation.space.rank

    def jax_convolution(
        image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        sums = None if operation.is_gradient else _SUMS.get(image.dtype.name)
        output = _convolve(native(image), native(kernel), stride, padding, dilation, groups, sums)
        output = _add_bias(output, bias)
        return output.astype(native(image).dtype) if sums == np.float32 else output

    return jax_convolution


def _transposed_convolution(operation: Operation) -> Target:
    rank = operation.space.rank

    def jax_transposed(
        image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any
    ) -> Any:
        refuse_unbatched(image.shape, rank)
        if isinstance(padding, str):
            raise NotImplementedError(f"it has no padding={padding!r} here")
        steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
        shape = transposed_shape(operation, image, kernel, steps | {"dilation": dilation})
        # What is added to the output at its end is what the padding crops less there, be that below nothing.
        sides = [(low, high - extra) for (low, high), extra in zip(sides_of(padding), output_padding, strict=True)]
        pixels, taps = native(image), native(kernel)
        refuse_integers(np.dtype(pixels.dtype))
        dtype = pixels.dtype
        is_narrow = dtype == taps.dtype and dtype.name in _SUMS and bias is not None and not operation.is_gradient
        if is_narrow:  # a sum is not to be rounded before the bias is added
            pixels, taps = (factor.astype(_SUMS[dtype.name]) for factor in (pixels, taps))
        jax = import_module("jax")
        linear = partial(_convolve, kernel=taps, stride=stride, padding=sides, dilation=dilation, groups=groups)
        transposed = jax.linear_transpose(linear, jax.ShapeDtypeStruct(shape, pixels.dtype))
        output = _add_bias(transposed(pixels)[0], bias)
        return output.astype(dtype) if is_narrow else output

    return jax_transposed


def _load(operation: Operation) -> Target:
    _jax()
    forward = (_transposed_convolution if operation.is_transposed else _convolution)(operation)
    if not operation.is_gradient:
        return forward
    gradient = differentiated(operation, forward, _pull_back)
    if not operation.conjugated:
        return gradient
    place = operation.leading.index(operation.conjugated)

    def jax_gradient(*arguments: Any) -> Any:
        """Conjugate the other factor: its product, unlike a gradient by PyTorch's rule, conjugates nothing."""
        given = list(arguments)
        given[place] = given[place].conj() if given[place].dtype.kind == "c" else given[place]
        return gradient(*given)

    return jax_gradient


JAX: Final = Framework(
    {name: partial(_load, operation) for name, operation in OPERATIONS.items() if not operation.arithmetic},
    {"jax": "jax"},
)
