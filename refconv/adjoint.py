"""The two adjoints of conv2d, each two ways: with respect to its input, and with respect to its weight.

A convolution adds ``weight[i] · pixel[S·p + D·i − T]`` to the output p, for every tap i.  That line connects a pixel, a
tap and an output; each adjoint walks it in another direction.

    conv2d            the pixel and the tap meet in the output
    input's adjoint   the output and the tap meet in the pixel: every output is scattered through the kernel
    weight's adjoint  the pixel and the output meet in the tap

The direct methods are the loops of conv2d's definition with another place to add to.  The im2col methods multiply the
matrices of conv2d's, transposed, and put the columns back with col2im.  All take arrays that are wide enough, and a
plan: that of the convolution itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.im2col import add_columns, bands, windows
from refconv.numbers.formats import Array
from refconv.padding import fold, pad


def conjugate(operand: Array) -> Array:
    """Return the conjugate of complex numbers and of objects, and real numbers as they are."""
    return operand.conj() if operand.dtype.kind in "cO" else operand


def most_products(geometry: ConvGeometry) -> int:
    """Return the most products that one pixel of the adjoint can add up: every tap once, for all it stands for."""
    ones = np.ones((1, 1, *geometry.padded_size), np.int64)
    sources = int(fold(ones, geometry).max(initial=1))
    return geometry.group_out_channels * geometry.height.kernel_size * geometry.width.kernel_size * sources


def _input_direct(grad_output: Array, weight: Array, geometry: ConvGeometry) -> Array:
    """Compute the scatter as loops, letter by letter: those of conv2d, which reads where this adds."""
    pixels = np.zeros(geometry.input_shape, weight.dtype)
    height, width, mode = geometry.height, geometry.width, geometry.padding_mode
    for n, o, p, q in np.ndindex(*grad_output.shape):
        for c, i, j in np.ndindex(*weight.shape[1:]):
            h = height.source_index(height.input_index(p, i), mode)
            w = width.source_index(width.input_index(q, j), mode)
            if h is not None and w is not None:
                pixels[n, geometry.input_channel(o, c), h, w] += weight[o, c, i, j] * grad_output[n, o, p, q]
    return pixels


def _input_im2col(grad_output: Array, weight: Array, geometry: ConvGeometry) -> Array:
    """Multiply each group's transposed kernel matrix (C/G·K_h·K_w, O/G) with the gradient, and add the columns up."""
    groups, each, taps = geometry.groups, geometry.group_out_channels, geometry.taps_per_output
    kernels = weight.reshape(groups, each, taps).swapaxes(1, 2)
    padded = np.zeros((geometry.batch, geometry.in_channels, *geometry.padded_size), weight.dtype)
    shape = geometry.in_channels, *geometry.kernel_size
    height, width = grad_output.shape[-2:]
    view = windows(padded, geometry, writeable=True)[:, :, :height, :width]
    for n, rows, positions in bands(geometry, (height, width)):
        arriving = grad_output.reshape(geometry.batch, groups, each, height * width)[n, ..., positions]
        columns = (kernels @ arriving).reshape(*shape, rows.stop - rows.start, width)
        add_columns(view[n, :, rows], columns)
    return fold(padded, geometry)


def _weight_direct(input: Array, grad_output: Array, geometry: ConvGeometry) -> Array:
    """Compute the formula as loops, letter by letter."""
    gradient = np.zeros(geometry.weight_shape, input.dtype)
    height, width, mode = geometry.height, geometry.width, geometry.padding_mode
    for n, o, p, q in np.ndindex(*grad_output.shape):
        for c, i, j in np.ndindex(*gradient.shape[1:]):
            h = height.source_index(height.input_index(p, i), mode)
            w = width.source_index(width.input_index(q, j), mode)
            pixel = 0 if h is None or w is None else input[n, geometry.input_channel(o, c), h, w]
            gradient[o, c, i, j] += pixel * grad_output[n, o, p, q]
    return gradient


def _weight_im2col(input: Array, grad_output: Array, geometry: ConvGeometry) -> Array:
    """Multiply the gradient (O/G, P·Q) of each group with its transposed columns (P·Q, C/G·K_h·K_w), band by band."""
    groups, each, taps = geometry.groups, geometry.group_out_channels, geometry.taps_per_output
    view = windows(pad(input, geometry), geometry).transpose(0, 1, 4, 5, 2, 3)  # N, C, K_h, K_w, P, Q
    arriving = grad_output.reshape(geometry.batch, groups, each, geometry.positions)
    gradient = np.zeros((groups, each, taps), input.dtype)
    for n, rows, positions in bands(geometry):
        columns = view[n, ..., rows, :].reshape(groups, taps, positions.stop - positions.start)
        gradient += arriving[n, ..., positions] @ columns.swapaxes(1, 2)
    return gradient.reshape(geometry.weight_shape)


# Of integers and objects, whose arithmetic is exact as it is, "exact" is the matrix product; of all others it is in
# `exact_adjoint`.
Method = Callable[[Array, Array, ConvGeometry], Array]

INPUT_METHODS: Final[dict[str, Method]] = {
    "im2col": _input_im2col,
    "direct": _input_direct,
    "exact": _input_im2col,
}
WEIGHT_METHODS: Final[dict[str, Method]] = {
    "im2col": _weight_im2col,
    "direct": _weight_direct,
    "exact": _weight_im2col,
}
