"""Probe a target with numbered pixels and one tap at a time, and decode what each output has read.

Each pixel holds its number, from 1 on, and in a second call its number counted from the other end: whatever pixels an
output adds up, the two sums add up to their count times one more than the number of pixels.  A count of 1 names the
pixel, 0 is padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.diagnosis.axis_fit import UNREAD
from refconv.testing.targets import Target


@dataclass(frozen=True, slots=True)
class Trace:
    """What each output reads through each tap: arrays of shape (N, O, P, Q, C/G, K_h, K_w).

    Attributes
    ----------
    images, channels, rows, columns : ndarray of int
        The pixel that is read, `UNREAD` where none is, or more than one.
    counts : ndarray of int
        How many pixels are read.
    """

    images: Array
    channels: Array
    rows: Array
    columns: Array
    counts: Array


def run_trace(target: Target, case: Case, geometry: ConvGeometry) -> Trace:
    """Call a target twice for each tap; whatever it raises passes through, and a wrong shape is a ValueError."""
    pixels = np.arange(1.0, np.prod(case.input_shape) + 1).reshape(case.input_shape)
    shape = (geometry.batch, geometry.in_channels, geometry.axes[0].input_size, geometry.axes[1].input_size)
    numbers, counts = [], []
    for tap in np.ndindex(*case.weight_shape[1:]):
        kernel = np.zeros(case.weight_shape)
        kernel[(slice(None), *tap)] = 1
        up, down = (called(target, case, geometry, image, kernel) for image in (pixels, pixels.size + 1 - pixels))
        numbers.append(up)
        counts.append((up + down) / (pixels.size + 1))
    taps = case.weight_shape[1:]
    read = np.stack(numbers, axis=-1).reshape(*geometry.output_shape, *taps)
    count = np.rint(np.stack(counts, axis=-1)).astype(np.int64).reshape(read.shape)
    is_one = (count == 1) & (read >= 1) & (read <= pixels.size)
    found = np.unravel_index(np.where(is_one, read - 1, 0).astype(np.intp), shape)
    images, channels, rows, columns = (np.where(is_one, axis, UNREAD) for axis in found)
    return Trace(images, channels, rows, columns, count)


def called(
    target: Target, case: Case, geometry: ConvGeometry, image: Array, kernel: Array, bias: Array | None = None
) -> Array:
    """Return what a target makes of some arrays under a case's parameters, with a batch axis, in float64."""
    dtype: np.dtype[Any] = case.numpy_dtype
    operands = (operand if operand is None else operand.astype(dtype) for operand in (image, kernel, bias))
    result = as_array("the result", target(*operands, case.stride, case.padding, case.dilation, case.groups))
    output = (
        result.astype(np.float64).reshape((-1, *result.shape[-3:])) if result.ndim == 3 else result.astype(np.float64)
    )
    if output.shape != geometry.output_shape:
        raise ValueError(f"the result has shape {result.shape}, where {geometry.output_shape} was expected: {case.id}")
    return output
