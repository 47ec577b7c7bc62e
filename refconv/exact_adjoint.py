"""The correctly rounded adjoints: each written as one matrix product, for conv2d's exact method to do.

A number that is added up from products is a dot product, whatever picks its factors.  So the factors are gathered, for
every pixel of the input's adjoint or for every tap of the weight's, and laid along the channels of an image, over which
a 1×1 convolution is the dot product.  That one is exact, and nothing is added up on the way to it.

All arrays here are of finite float64 or complex128 numbers: `accumulate` sees to that, and to the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from refconv.conv import conv2d
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.im2col import windows
from refconv.numbers.formats import Array
from refconv.padding import pad


def exact_input(
    grad_output: Array,
    weight: Array,
    *bias: Array,
    result: np.dtype[Any],
    axes: Sequence[AxisGeometry],
    groups: int,
    padding_mode: str = "zeros",
) -> Array:
    """Return the adjoint with respect to the input, (N, C, ...) over any number of axes, rounded once to `result`.

    Every pixel takes, tap by tap, the outputs that read it, and multiplies them with the taps.
    """
    gathered = grad_output
    for position, axis in enumerate(axes):
        gathered = _gather_readers(gathered, axis, 2 + 2 * position, padding_mode)
    batch, channels, *by_tap = gathered.shape[: 2 + 2 * len(axes)]  # K and the readers through a tap, for each axis
    pixels = gathered.shape[2 + 2 * len(axes) :]

    each = channels // groups
    one_reader = (size for axis in axes for size in (axis.kernel_size, 1))
    kernels = weight.reshape(groups, each, weight.shape[1], *one_reader).swapaxes(1, 2)
    kernels = np.broadcast_to(kernels, (*kernels.shape[:3], *by_tap))
    terms = each * math.prod(by_tap)
    columns = gathered.reshape(batch, groups * terms, math.prod(pixels))
    kernel_matrix = kernels.reshape(groups * weight.shape[1], terms)
    return _dot_products(columns, kernel_matrix, *bias, groups=groups, result=result).reshape(
        batch, len(kernel_matrix), *pixels
    )


def _dot_products(
    columns: Array, kernels: Array, bias: Array | None = None, *, groups: int, result: np.dtype[Any]
) -> Array:
    """Multiply kernels (O, terms) with columns (N, G·terms, pixels), group by group: a convolution of a height of 1."""
    if columns.shape[-1] == 0:  # an image of no pixels, which conv2d has no place for
        return np.zeros((len(columns), len(kernels), 0), result)
    image, weight = columns[:, :, np.newaxis], kernels[..., np.newaxis, np.newaxis]
    return conv2d(image, weight, bias, groups=groups, method="exact", dtype=result)[:, :, 0]


def _gather_readers(array: Array, axis: AxisGeometry, position: int, padding_mode: str) -> Array:
    """Replace an axis of outputs by two, the taps and the readers through each; lay one of pixels at the end."""
    table = reader_table(axis, array.shape[position], padding_mode)
    border = [(0, 1) if each == position else (0, 0) for each in range(array.ndim)]  # where the index −1 finds a zero
    return np.moveaxis(np.take(np.pad(array, border), table, axis=position), position + 2, -1)


def reader_table(axis: AxisGeometry, outputs: int, padding_mode: str) -> Array:
    """Return (K, most readers, H): which outputs read a pixel through a tap, and −1 after the last of them."""
    readers = axis.readers(outputs, padding_mode)
    most = max((len(found) for by_pixel in readers for found in by_pixel), default=0)
    table = np.full((axis.kernel_size, most, axis.input_size), -1)
    for tap, by_pixel in enumerate(readers):
        for pixel, found in enumerate(by_pixel):
            table[tap, : len(found), pixel] = found
    return table


def exact_weight(input: Array, grad_output: Array, *, result: np.dtype[Any], geometry: ConvGeometry) -> Array:
    """Return the adjoint with respect to the weight, (O, C/G, K_h, K_w), rounded once to `result`.

    Every tap is a pixel, and every output of every image a channel.
    """
    view = windows(pad(input, geometry), geometry)  # N, C, P, Q, K_h, K_w
    groups, each_in = geometry.groups, geometry.group_in_channels
    terms, taps = geometry.batch * geometry.positions, geometry.taps_per_output
    by_group = view.reshape(geometry.batch, groups, each_in, *view.shape[2:]).transpose(1, 0, 3, 4, 2, 5, 6)
    columns = by_group.reshape(1, groups * terms, taps)
    kernels = grad_output.swapaxes(0, 1).reshape(geometry.out_channels, terms)
    return _dot_products(columns, kernels, groups=groups, result=result).reshape(geometry.weight_shape)
