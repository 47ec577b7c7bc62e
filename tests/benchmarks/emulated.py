"""Kernels that add up one product after the other in a type of their choice, and the mistakes of precision that are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refconv import im2col
from refconv.geometry.build import plan_convolution
from refconv.numbers.formats import Array, float_info, round_to_format


def in_a_row(
    image: Array, kernel: Array, bias: Array | None, parameters: Mapping[str, Any], dtype: type[np.floating[Any]]
) -> Array:
    """Convolve in `dtype` alone: every product and every sum is rounded to it, tap by tap, the bias last.

    NumPy rounds each float16 operation once: it computes in float32, which has more than twice the digits.
    """
    geometry = plan_convolution(image.shape, kernel.shape, None if bias is None else bias.shape, **parameters)
    windowing = {name: parameters[name] for name in ("stride", "padding", "dilation") if name in parameters}
    groups = geometry.groups
    columns = im2col(image.astype(dtype), kernel.shape[2:], **windowing)
    columns = columns.reshape(geometry.batch, groups, 1, geometry.taps_per_output, geometry.positions)
    kernels = kernel.astype(dtype).reshape(groups, geometry.group_out_channels, geometry.taps_per_output, 1)
    total = np.zeros((geometry.batch, groups, geometry.group_out_channels, geometry.positions), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for tap in range(geometry.taps_per_output):
            total += kernels[..., tap, :] * columns[..., tap, :]
        output = total.reshape(geometry.output_shape)
        if bias is not None:
            output = output + bias.astype(dtype)[:, np.newaxis, np.newaxis]
    return output if geometry.batched else output[0]


def rounded_to_tf32(array: Array) -> Array:
    """Round float32 numbers to the 11 digits of TF32, to nearest."""
    return round_to_format(array.astype(np.float64), float_info("tf32")).astype(np.float32)


def without_last_tap(kernel: Array) -> Array:
    """Return the kernel as one that stops a tap short reads it: the last row's last tap of the last channel is 0."""
    shortened = kernel.copy()
    shortened[:, -1, -1, -1] = 0
    return shortened
