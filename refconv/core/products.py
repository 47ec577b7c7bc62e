"""The convolution by einsum, and as a matrix product with the columns of the input.

With W for the kernel matrix (O/G, C/G·K_h·K_w) of a group, X for its columns (C/G·K_h·K_w, P·Q) and Y for its outputs
(O/G, P·Q), as in im2col, ``Y = W · X``.  The columns are written once for any number of second factors.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array

FEW: Final = 4  # output channels of a group: for so few, measured, columns cost more than all else
MOST_TAPS: Final = 1024  # one after the other: of more, what each call of NumPy costs shows
ROWS: Final = 32  # of a matrix product of taps: fewer are slow, and more fall out of the cache
LINES: Final = 1 << 16  # numbers of all the lines that are added up at a time: they stay in the cache
_IN_NUMPY: Final[dict[str, Literal["edge", "wrap"]]] = {"replicate": "edge", "circular": "wrap"}


def einsum(input: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Contract the windows with the kernels, group by group: of images, ``ngcijpq,gocij->ngopq``."""
    groups, each, rank = plan.groups, plan.group_in_channels, len(plan.axes)
    view = windows(pad(input, plan), plan).reshape(plan.batch, groups, each, *plan.kernel_size, *plan.output_size)
    shape, k, p = (groups, plan.group_out_channels, each, *plan.kernel_size), "ijk"[:rank], "pqr"[:rank]
    kernels = (weight.reshape(shape) for weight in weights)
    return [np.einsum(f"ngc{k}{p},goc{k}->ngo{p}", view, w).reshape(plan.output_shape) for w in kernels]


def convolution(input: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (N, O, *P) of each weight (O, C/G, *K)."""
    if is_narrow(plan.group_in_channels, plan.group_out_channels, plan):
        return [_by_taps(pad(input, plan), weight, plan) for weight in weights]
    columns = columns_of(input, plan)
    kernels = (weight.reshape(plan.groups, plan.group_out_channels, plan.taps_per_output) for weight in weights)
    return [(w @ columns).reshape(plan.output_shape) for w in kernels]


def is_narrow(inputs: int, outputs: int, plan: ConvGeometry) -> bool:
    """Whether a group has so few channels that all taps' products are few numbers beside what outputs read."""
    strides = math.prod(axis.stride for axis in plan.axes)
    is_few = 2 * outputs * strides <= inputs or inputs == strides == 1
    return 0 < outputs <= FEW and is_few and 1 < math.prod(plan.kernel_size) <= MOST_TAPS


def numbers_per_output(inputs: int, outputs: int, plan: ConvGeometry) -> int:
    """Return how many numbers stand in memory for each output: those of its column, or the products of some taps."""
    some = ROWS + inputs if inputs > 1 else 4  # a line, its products, their sums, and what is kept of these
    return some if is_narrow(inputs, outputs, plan) else inputs * math.prod(plan.kernel_size)


def _by_taps(padded: Array, weight: Array, plan: ConvGeometry) -> Array:
    """Multiply every pixel with every tap, and add up what meets: 3 channels of 64 make 3·9 numbers of it, not 64·9.

    Each channel is read as one line: in rows of 5 pixels, tap (1, 2) meets what lies 7 pixels further on.  What the end
    of a row makes with the next one, and what lies between the strides, is left out.
    """
    groups, inputs, each, size = plan.groups, plan.group_in_channels, plan.group_out_channels, padded.shape[2:]
    steps = [axis.dilation * math.prod(size[n:]) for n, axis in enumerate(plan.axes, start=1)]
    starts = [sum(map(operator.mul, tap, steps)) for tap in np.ndindex(*plan.kernel_size)]
    lines = padded.reshape(plan.batch, groups, inputs, -1)
    kernels = weight.reshape(groups, each, inputs, -1).transpose(0, 3, 1, 2)
    multiply, taps = (np.matmul, max(1, ROWS // each)) if inputs > 1 else (np.multiply, 1)
    sums = np.zeros((plan.batch, groups, each, lines.shape[-1]), weight.dtype)
    length, together = lines.shape[-1] - starts[-1], min(groups, 1 + LINES // max(1, sums[:, :1].size))
    products = np.empty((plan.batch, together, taps * each, lines.shape[-1]), weight.dtype)
    for group, tap in itertools.product(range(0, groups, together), range(0, len(starts), taps)):
        some, kernel = np.s_[group : group + together], kernels[group : group + together, tap : tap + taps]
        shifts = [start - starts[tap] for start in starts[tap : tap + taps]]
        read = lines[:, some, :, starts[tap] : starts[tap] + shifts[-1] + length]
        found = products[:, : len(kernel), : len(shifts) * each, : read.shape[-1]]
        multiply(kernel.reshape(len(kernel), -1, inputs), read, out=found)
        for n, shift in enumerate(shifts):
            sums[:, some, :, :length] += found[:, :, n * each : (n + 1) * each, shift : shift + length]
    at_strides: tuple[Any, ...] = (..., *(axis.reads(0) for axis in plan.axes))
    return np.asarray(sums.reshape(plan.batch, plan.out_channels, *size)[at_strides])


def columns_of(input: Array, plan: ConvGeometry) -> Array:
    """Return (N, G, C/G·K_h·K_w, P·Q): for each output, what it reads through every tap; without a copy if K is 1."""
    return windows(pad(input, plan), plan).reshape(plan.batch, plan.groups, plan.taps_per_output, plan.positions)


def pad(input: Array, plan: ConvGeometry) -> Array:
    """Return the input (N, C, *H) padded to (N, C, *(T + H + B)); the input itself where there is no padding.

    One row of 1, 2, 3 with two pixels of padding on either side becomes, by mode::

        zeros      0 0 1 2 3 0 0
        reflect    3 2 1 2 3 2 1     the edge pixel is the mirror, and is not repeated
        replicate  1 1 1 2 3 3 3
        circular   2 3 1 2 3 1 2
    """
    sides = [axis.padding for axis in plan.axes]
    if not any(map(any, sides)):
        return input
    if plan.padding_mode != "zeros":
        return np.pad(input, ((0, 0), (0, 0), *sides), mode=_IN_NUMPY.get(plan.padding_mode, "reflect"))
    # np.pad would write np.int64(0) beside Python's integers, which wraps when one of them is added to it.
    padded = np.zeros((*input.shape[:2], *(axis.padded_size for axis in plan.axes)), input.dtype)
    inside: tuple[Any, ...] = (..., *(axis.interior for axis in plan.axes))
    padded[inside] = input
    return padded


def windows(padded: Array, plan: ConvGeometry, *, writeable: bool = False) -> Array:
    """Return the view (N, C, *K, *P): [n, c, *k, *p] is what output p reads through tap k.

    Windows as wide as the dilated kernel, one at every stride, and of each only every dilation-th pixel.  A row of
    0, 1, 2, 3, 4 read by 2 taps at dilation 2 and stride 1 is [[0, 1, 2], [2, 3, 4]].
    """
    spatial = tuple(range(-len(plan.axes), 0))
    reach = tuple(axis.effective_kernel_size for axis in plan.axes)
    dense = np.lib.stride_tricks.sliding_window_view(padded, reach, spatial, writeable=writeable)
    strided, dilated = zip(*((np.s_[:: axis.stride], np.s_[:: axis.dilation]) for axis in plan.axes), strict=True)
    every: tuple[Any, ...] = (..., *strided, *dilated)
    return np.moveaxis(dense[every], spatial, range(-2 * len(spatial), -len(spatial)))
