"""Wrong transposed convolutions and gradients, one for each way in which real ones go wrong, and right ones.

They are written as somebody's kernels, as those of `mutants` are, over slices, and share nothing with refconv.
``refconv check tests/testing/adjoint_mutants.py:kernel_not_flipped --op conv_transpose2d`` judges one.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
from adjoint_kernels import (
    Pair,
    Scatter,
    added_up,
    as_convolution,
    by_image,
    canvas,
    correlate,
    cropped,
    exchanged,
    flipped,
    input_gradient,
    products,
    spread,
    transposed,
    weight_gradient,
)
from mutants import Array, Layer, columns, run

# ---- Right.


@transposed
def scattered(s: Scatter) -> Array:
    return spread(s)


@transposed
def stuffed(s: Scatter) -> Array:
    return as_convolution(s)


@input_gradient
def input_by_im2col(s: Scatter) -> Array:
    return spread(s)


@input_gradient
def input_by_convolution(s: Scatter) -> Array:
    return as_convolution(s)


@input_gradient
def input_by_pixels(s: Scatter) -> Array:
    """Each pixel gathers what it was read for."""
    (s_h, s_w), (d_h, d_w), (top, left), (n, o, p, q) = s.stride, s.dilation, s.before, s.g.shape
    gradient = np.zeros((n, s.groups, s.w.shape[1], *s.size))
    g, w = s.g.reshape(n, s.groups, o // s.groups, p, q), s.w.reshape(s.groups, o // s.groups, *s.w.shape[1:])
    for h, i, k, j in itertools.product(range(s.size[0]), range(w.shape[3]), range(s.size[1]), range(w.shape[4])):
        (row, rest_h), (column, rest_w) = divmod(h + top - d_h * i, s_h), divmod(k + left - d_w * j, s_w)
        if 0 <= row < p and 0 <= column < q and rest_h == rest_w == 0:
            gradient[..., h, k] += np.einsum("goc,ngo->ngc", w[..., i, j], g[..., row, column])
    return gradient.reshape(n, len(s.b), *s.size)


@weight_gradient
def weight_by_im2col(layer: Layer, g: Array) -> Array:
    return correlate(layer, g)


@weight_gradient
def weight_by_taps(layer: Layer, g: Array) -> Array:
    cols, (n, o, *_), each = columns(layer, layer.size), g.shape, layer.w.shape[1]
    by_group = g.reshape(n, layer.groups, o // layer.groups, *layer.size)
    gradient = np.zeros(layer.w.shape)
    for i, j in np.ndindex(*layer.taps):
        pixels = cols[:, :, i, j].reshape(n, layer.groups, each, *layer.size)
        gradient[:, :, i, j] = np.einsum("ngcpq,ngopq->goc", pixels, by_group).reshape(o, each)
    return gradient


@weight_gradient
def weight_by_convolution(layer: Layer, g: Array) -> Array:
    each = [run(exchanged(layer, g, group), layer.taps).swapaxes(0, 1) for group in range(layer.groups)]
    return np.concatenate(each)


RIGHT = {
    "conv_transpose2d": ("scattered", "stuffed"),
    "conv2d_input": ("input_by_im2col", "input_by_convolution", "input_by_pixels"),
    "conv2d_weight": ("weight_by_im2col", "weight_by_taps", "weight_by_convolution"),
}


# ---- Transposed: the padding, which is cropped from the output.


def input_padded(s: Scatter, before: Pair, after: Pair) -> Scatter:
    """Pad what arrives, and crop nothing."""
    pads = list(zip(before, after, strict=True))
    padded = replace(s, g=np.pad(s.g, ((0, 0), (0, 0), *pads)), sides=((0, 0), (0, 0)))
    return replace(padded, size=padded.natural)


@transposed
def padding_on_input(s: Scatter) -> Array:
    (top, bottom), (left, right) = s.sides
    return spread(input_padded(s, (top, left), (bottom, right)))


@transposed
def padding_on_input_then_cropped(s: Scatter) -> Array:
    (top, bottom), (left, right) = s.sides
    return spread(input_padded(s, (top, left), (bottom, right)), size=s.size)


@transposed
def stuffed_padded_by_the_padding(s: Scatter) -> Array:
    return as_convolution(s, s.before)


@transposed
def nothing_cropped(s: Scatter) -> Array:
    uncropped = replace(s, sides=((0, 0), (0, 0)))
    return spread(uncropped, size=uncropped.natural)


@transposed
def padding_sides_swapped(s: Scatter) -> Array:
    (top, bottom), (left, right) = s.sides
    return spread(s, sides=((bottom, top), (right, left)))


# ---- Transposed: the output padding.


def output_padding_filled(s: Scatter, value: Array) -> Array:
    rows, cols = (np.arange(n) >= n - e for n, e in zip(s.size, s.extra, strict=True))
    return np.where(rows[:, None] | cols, value, spread(s))


@transposed
def output_padding_zero(s: Scatter) -> Array:
    return output_padding_filled(s, np.zeros(()))


@transposed
def output_padding_holds_the_bias(s: Scatter) -> Array:
    return output_padding_filled(s, s.b[:, None, None])


@transposed
def output_padding_before(s: Scatter) -> Array:
    (top, left), (e_h, e_w) = s.before, s.extra
    return cropped(s, canvas(s), (top - e_h, left - e_w))


@transposed
def output_padding_on_input(s: Scatter) -> Array:
    longer = replace(s, g=np.pad(s.g, ((0, 0), (0, 0), (0, s.extra[0]), (0, s.extra[1]))), extra=(0, 0))
    return spread(longer, size=longer.natural)


@transposed
def output_padding_ignored(s: Scatter) -> Array:
    return spread(s, size=replace(s, extra=(0, 0)).natural)


# ---- Transposed: kernel, stride, dilation.


@transposed
def kernel_not_flipped(s: Scatter) -> Array:
    """Over the stuffed pixels, a convolution flips the kernel, and this one does not."""
    return as_convolution(replace(s, w=flipped(s.w)))


@transposed
def stride_and_dilation_swapped(s: Scatter) -> Array:
    return spread(s, stride=s.dilation, dilation=s.stride)


@transposed
def stuffed_with_stride_zeros(s: Scatter) -> Array:
    return as_convolution(replace(s, stride=(s.stride[0] + 1, s.stride[1] + 1)))


@transposed
def stride_ignored(s: Scatter) -> Array:
    return spread(s, stride=(1, 1))


@transposed
def dilation_ignored(s: Scatter) -> Array:
    return spread(s, dilation=(1, 1))


def overwriting(s: Scatter) -> Array:
    """Write window after window, row by row, over what is there."""
    (s_h, s_w), (d_h, d_w), each = s.stride, s.dilation, products(s)
    full = np.zeros((*each.shape[:2], *s.reach))
    for p, q in np.ndindex(each.shape[4:]):
        rows, cols = (
            slice(s_h * p, s_h * p + d_h * s.w.shape[2], d_h),
            slice(s_w * q, s_w * q + d_w * s.w.shape[3], d_w),
        )
        full[:, :, rows, cols] = each[..., p, q]
    return cropped(s, full)


@transposed
def overlaps_overwritten(s: Scatter) -> Array:
    return overwriting(s)


# ---- Transposed: groups, layout, bias, batch.


def first_group(channels: int, groups: int) -> Array:
    """For every channel, the one in its place in the first group."""
    return np.arange(channels) % (channels // groups or 1)


@transposed
def all_groups_read_the_first(s: Scatter) -> Array:
    return spread(s, g=s.g[:, first_group(len(s.w), s.groups)])


@transposed
def groups_interleaved(s: Scatter) -> Array:
    """Channel c belongs to group c mod G, on both sides."""
    order = np.arange(len(s.w)).reshape(-1, s.groups).T.ravel()
    grouped = canvas(replace(s, g=s.g[:, order], w=s.w[order]))
    n, c, h, w = grouped.shape
    return cropped(s, grouped.reshape(n, s.groups, c // s.groups, h, w).swapaxes(1, 2).reshape(grouped.shape))


@transposed
def weight_read_as_transposed(s: Scatter) -> Array:
    (o, each, k_h, k_w), groups = s.w.shape, s.groups
    read = np.ascontiguousarray(s.w).reshape(groups, each, o // groups, k_h, k_w)
    return spread(s, w=read.swapaxes(1, 2).reshape(s.w.shape))


@transposed
def bias_missing(s: Scatter) -> Array:
    return spread(s, b=np.zeros_like(s.b))


@transposed
def negative_indices_gathered(s: Scatter) -> Array:
    """Gather what leads to each pixel, and forget that an index below 0 counts from the end."""
    (s_h, s_w), (d_h, d_w), (top, left), (p, q) = s.stride, s.dilation, s.before, s.g.shape[2:]
    each = products(s)
    output = np.zeros((*each.shape[:2], *s.size))
    for h, i, k, j in itertools.product(range(s.size[0]), range(each.shape[2]), range(s.size[1]), range(each.shape[3])):
        (row, rest_h), (column, rest_w) = divmod(h + top - d_h * i, s_h), divmod(k + left - d_w * j, s_w)
        if rest_h == rest_w == 0 and -p <= row < p and -q <= column < q:
            output[:, :, h, k] += each[:, :, i, j, row, column]
    return output + s.b[:, None, None]


@transposed
def group_weights_interleaved(s: Scatter) -> Array:
    each = len(s.w) // s.groups
    return spread(s, w=s.w.reshape(each, s.groups, *s.w.shape[1:]).swapaxes(0, 1).reshape(s.w.shape))


@transposed
def bias_of_the_other_order(s: Scatter) -> Array:
    return spread(s, b=s.b.reshape(-1, s.groups).swapaxes(0, 1).reshape(-1))


@transposed
def output_padding_of_the_other_axis(s: Scatter) -> Array:
    other = replace(s, extra=s.extra[::-1])
    return spread(other, size=other.natural)


@transposed
def bias_twice(s: Scatter) -> Array:
    return spread(s, b=2 * s.b)


@transposed
def first_image_for_all(s: Scatter) -> Array:
    return spread(s, g=np.repeat(s.g[:1], len(s.g), axis=0))


# ---- The gradient of the input.


@input_gradient
def input_padding_on_what_arrives(s: Scatter) -> Array:
    (top, bottom), (left, right) = s.sides
    return spread(input_padded(s, (top, left), (bottom, right)), size=s.size)


@input_gradient
def input_stuffed_padded_by_the_padding(s: Scatter) -> Array:
    return as_convolution(s, s.before)


@input_gradient
def input_padding_missing(s: Scatter) -> Array:
    return spread(s, sides=((0, 0), (0, 0)))


@input_gradient
def input_padding_sides_swapped(s: Scatter) -> Array:
    (top, bottom), (left, right) = s.sides
    return spread(s, sides=((bottom, top), (right, left)))


@input_gradient
def input_unread_rows_dropped(s: Scatter) -> Array:
    """What the last window does not reach is not in the gradient at all."""
    h, w = s.natural
    return spread(s, size=(max(0, h), max(0, w)))


@input_gradient
def input_kernel_not_flipped(s: Scatter) -> Array:
    return as_convolution(replace(s, w=flipped(s.w)))


@input_gradient
def input_stride_and_dilation_swapped(s: Scatter) -> Array:
    return spread(s, stride=s.dilation, dilation=s.stride)


@input_gradient
def input_dilation_ignored(s: Scatter) -> Array:
    return spread(s, dilation=(1, 1))


@input_gradient
def input_overlaps_overwritten(s: Scatter) -> Array:
    return overwriting(s)


@input_gradient
def input_all_groups_read_the_first(s: Scatter) -> Array:
    return spread(s, g=s.g[:, first_group(len(s.w), s.groups)])


# ---- The gradient of the weight: where it reads.


@weight_gradient
def weight_padding_missing(layer: Layer, g: Array) -> Array:
    return correlate(layer, g, sides=((0, 0), (0, 0)))


@weight_gradient
def weight_padding_sides_swapped(layer: Layer, g: Array) -> Array:
    (top, bottom), (left, right) = layer.sides
    return correlate(layer, g, sides=((bottom, top), (right, left)))


@weight_gradient
def weight_dilation_ignored(layer: Layer, g: Array) -> Array:
    return correlate(layer, g, dilation=(1, 1))


@weight_gradient
def weight_stride_ignored(layer: Layer, g: Array) -> Array:
    return correlate(layer, g, stride=(1, 1))


@weight_gradient
def weight_stride_and_dilation_swapped(layer: Layer, g: Array) -> Array:
    """As a convolution, it exchanges the two, and this one does not."""
    return correlate(layer, g, stride=layer.dilation, dilation=layer.stride)


@weight_gradient
def weight_not_cropped(layer: Layer, g: Array) -> Array:
    """Rows that the stride leaves over make more taps of it."""
    each = [exchanged(layer, g, group) for group in range(layer.groups)]
    return np.concatenate([run(convolution, convolution.size).swapaxes(0, 1) for convolution in each])


@weight_gradient
def weight_all_groups_read_the_first(layer: Layer, g: Array) -> Array:
    return correlate(layer, g, x=layer.x[:, first_group(layer.x.shape[1], layer.groups)])


@weight_gradient
def weight_groups_interleaved_inputs(layer: Layer, g: Array) -> Array:
    order = np.arange(layer.x.shape[1]).reshape(-1, layer.groups).T.ravel()
    return correlate(layer, g, x=layer.x[:, order])


# ---- The gradient of the weight: how it is stored, and what is added up.


@weight_gradient
def weight_flipped(layer: Layer, g: Array) -> Array:
    return flipped(correlate(layer, g))


@weight_gradient
def weight_transposed(layer: Layer, g: Array) -> Array:
    return np.ascontiguousarray(correlate(layer, g).swapaxes(2, 3)).reshape(layer.w.shape)


@weight_gradient
def weight_channels_swapped(layer: Layer, g: Array) -> Array:
    return np.ascontiguousarray(correlate(layer, g).swapaxes(0, 1)).reshape(layer.w.shape)


@weight_gradient
def weight_of_the_first_image(layer: Layer, g: Array) -> Array:
    return added_up(by_image(layer, g)[:1])


@weight_gradient
def weight_of_the_last_image(layer: Layer, g: Array) -> Array:
    return added_up(by_image(layer, g)[-1:])


@weight_gradient
def weight_averaged_over_the_batch(layer: Layer, g: Array) -> Array:
    return correlate(layer, g) / max(1, len(g))


@weight_gradient
def weight_averaged_over_positions(layer: Layer, g: Array) -> Array:
    return correlate(layer, g) / math.prod(layer.size)


@weight_gradient
def weight_of_what_arrives_among_zeros(layer: Layer, g: Array) -> Array:
    """What arrives is filled up with zeros, so that every tap is multiplied with every pixel."""
    gradient, each = correlate(layer, g), layer.w.shape[1]
    (s_h, s_w), ((top, _), (left, _)), (d_h, d_w) = layer.stride, layer.sides, layer.dilation
    for (_, channel, h, k), (i, j) in itertools.product(np.argwhere(~np.isfinite(layer.x)), np.ndindex(*layer.taps)):
        (row, rest_h), (column, rest_w) = divmod(h + top - d_h * i, s_h), divmod(k + left - d_w * j, s_w)
        if not (0 <= row < layer.size[0] and 0 <= column < layer.size[1] and rest_h == rest_w == 0):
            group, c = divmod(channel, each)
            gradient.reshape(layer.groups, -1, *gradient.shape[1:])[group, :, c, i, j] = np.nan
    return gradient
