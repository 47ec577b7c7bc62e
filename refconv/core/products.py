"""The convolution by einsum, and it and its two adjoints as matrix products with the columns of the input.

With W for the kernel matrix (O/G, C/G·K_h·K_w) of a group, X for its columns (C/G·K_h·K_w, P·Q) and Y for its outputs
(O/G, P·Q), as in im2col:

    convolution       Y = W · X
    input's adjoint   X = Wᵀ · Y, and every column is added back to the pixels that it was read from
    weight's adjoint  W = Y · Xᵀ, added up over the images

Each takes any number of second factors at once, for whose products the columns are written once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from refconv.core.windows import add_windows, boxes, fold, pad, windows
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array

TILE = 1 << 19  # numbers in the columns that stand in memory at once, 4 MiB of float64: see `parts`


def einsum(input: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Contract the windows with the kernels, group by group: of images, ``ngcijpq,gocij->ngopq``."""
    groups, each, rank = plan.groups, plan.group_in_channels, len(plan.axes)
    view = windows(pad(input, plan), plan)
    view = view.reshape(plan.batch, groups, each, *view.shape[2:])
    shape, k, p = (groups, plan.group_out_channels, each, *plan.kernel_size), "ijk"[:rank], "pqr"[:rank]
    kernels = (weight.reshape(shape) for weight in weights)
    return [np.einsum(f"ngc{k}{p},goc{k}->ngo{p}", view, w).reshape(plan.output_shape) for w in kernels]


def convolution(input: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (N, O, *P) of each weight (O, C/G, *K)."""
    columns = _columns(input, plan)
    kernels = (weight.reshape(plan.groups, plan.group_out_channels, plan.taps_per_output) for weight in weights)
    return [(w @ columns).reshape(plan.output_shape) for w in kernels]


def weight_adjoint(input: Array, grad_outputs: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (O, C/G, *K) of each gradient (N, O, *P)."""
    columns = _columns(input, plan).swapaxes(-1, -2)
    shape = plan.batch, plan.groups, plan.group_out_channels, plan.positions
    arriving = (gradient.reshape(shape) for gradient in grad_outputs)
    return [(y @ columns).sum(axis=0).reshape(plan.weight_shape) for y in arriving]


def input_adjoint(grad_output: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (N, C, *H) of each weight (O, C/G, *K)."""
    if plan.has_stride_1 and plan.padding_mode == "zeros" and all(map(_is_finite, weights)):
        return _gathered(grad_output, weights, plan)
    return [_scattered(grad_output, weight, plan) for weight in weights]


def _is_finite(weight: Array) -> bool:
    """Whether 0 times any weight is 0, so that zeros may be read that are nobody's."""
    return weight.dtype.kind != "O" and bool(np.isfinite(weight).all())


def _scattered(grad_output: Array, weight: Array, plan: ConvGeometry) -> Array:
    """Add the columns Wᵀ·Y into the padded pixels, band by band, as many as fill a tile."""
    kernels = weight.reshape(plan.groups, plan.group_out_channels, plan.taps_per_output).swapaxes(-1, -2)
    arriving = grad_output.reshape(plan.batch, plan.groups, plan.group_out_channels, *grad_output.shape[2:])
    padded = np.zeros((plan.batch, plan.in_channels, *plan.span), weight.dtype)
    view = windows(padded, plan, writeable=True)
    multiply = np.multiply if plan.group_out_channels == 1 else np.matmul  # of a column and a row, ten times as fast
    for box in boxes(grad_output.shape[2:], TILE // max(1, math.prod(view.shape[: -len(plan.axes)]))):
        place, gradient = view[(..., *box)], arriving[(..., *box)]
        columns = multiply(kernels, gradient.reshape(*gradient.shape[:3], -1))
        add_windows(place, columns.reshape(place.shape), plan.kernel_size)
    return fold(padded, plan)


def _gathered(grad_output: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Read, for each pixel, the outputs that it went to: at stride 1, a convolution with the flipped kernel."""
    taps = plan.kernel_size
    shape = plan.groups, plan.group_out_channels, plan.group_in_channels, *taps
    flipped = (np.flip(weight.reshape(shape), tuple(range(3, 3 + len(taps)))).swapaxes(1, 2) for weight in weights)
    kernels = [w.reshape(plan.in_channels, plan.group_out_channels, *taps) for w in flipped]
    axes = tuple(axis.flipped(outputs) for axis, outputs in zip(plan.axes, grad_output.shape[2:], strict=True))
    adjoint = ConvGeometry(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)
    return convolution(grad_output, kernels, adjoint)


def _columns(input: Array, plan: ConvGeometry) -> Array:
    """Return (N, G, C/G·K_h·K_w, P·Q): for each output, what it reads through every tap; without a copy if K is 1."""
    return windows(pad(input, plan), plan).reshape(plan.batch, plan.groups, plan.taps_per_output, plan.positions)
