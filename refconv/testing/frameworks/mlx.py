"""MLX: channels last, one convolution for any rank, transposed ones, and its vector-Jacobian product for gradients."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array, as_dtype
from refconv.operations import Operation
from refconv.testing.frameworks.adapter import (
    Framework,
    Target,
    differentiable,
    native,
    padding_word,
    refuse_unbatched,
    sides_of,
)

_TYPES: Final = ("float32", "float16", "bfloat16")  # it makes a float32 of a float64


def _array(array: Any) -> Any:
    if array is None or not isinstance(array, np.ndarray):
        return array
    if array.dtype.name not in _TYPES:
        raise NotImplementedError(f"it does not convolve {array.dtype}")
    return import_module("mlx.core").array(np.array(native(array)))  # it takes no negative strides


def _last(array: Any) -> Any:
    """Return (·, channels, *pixels) as (·, *pixels, channels)."""
    return import_module("mlx.core").moveaxis(_array(array), 1, -1)


def _readable(output: Any) -> Array:
    """Return a result as NumPy's, computed in the thread that asked for it; it reads bfloat16 by its bits alone."""
    core = import_module("mlx.core")
    if output.dtype == core.bfloat16:
        return np.array(output.view(core.uint16)).view(as_dtype("bfloat16"))
    return np.array(output)


def _forward(operation: Operation) -> Target:
    core, rank = import_module("mlx.core"), operation.space.rank
    transpose = getattr(core, f"conv_transpose{rank}d")

    def convolved(image: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
        sides = padding_word(padding, {}) if isinstance(padding, str) else tuple(zip(*sides_of(padding), strict=True))
        return core.conv_general(_last(image), _last(kernel), stride, sides, dilation, groups=groups)

    def transposed(image: Any, kernel: Any, stride: Any, padding: Any, more: Any, groups: int, dilation: Any) -> Any:
        if isinstance(padding, str) or any(low != high for low, high in sides_of(padding)):
            raise NotImplementedError("it pads both sides of an axis alike here, by numbers")
        # (C, O/G, *taps) as its (O, *taps, C/G)
        taps = _array(kernel).reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2).flatten(0, 1)
        steps = [number if rank > 1 else number[0] for number in (stride, padding, dilation, more)]
        return transpose(_last(image), _last(taps), *steps, groups)

    def mlx_operation(image: Any, kernel: Any, bias: Any, *steps: Any) -> Any:
        refuse_unbatched(image.shape, rank)
        if rank == 3 and steps[operation.forward.parameters.index("groups")] > 1:
            raise NotImplementedError("it has groups along one axis and two alone")
        output = (transposed if operation.is_transposed else convolved)(image, kernel, *steps)
        return core.moveaxis(output if bias is None else output + _array(bias), -1, 1)

    return mlx_operation


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    argument = _array(np.zeros(shape, dtype))
    return import_module("mlx.core").vjp(linear, [argument], [_array(arriving)])[1][0]


MLX: Final = Framework(differentiable(_forward, _pull_back, _readable), {"mlx": "mlx[cpu]"})
