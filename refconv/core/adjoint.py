"""The two adjoints of a convolution, by its weight and by its input, as matrix products: W, X and Y as in `products`.

    weight's adjoint  W = Y · Xᵀ, added up over the images
    input's adjoint   X = Wᵀ · Y, and every column is added back to the pixels that it was read from

Where it can, the second is read the other way: each pixel gathers what went through the taps that met it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from refconv.core import direct, products
from refconv.core.products import columns_of, convolution, is_narrow, pad, windows
from refconv.core.sums import TILE, WEIGHTS, Cut, Sum, boxes, by_output, chunks, joined, one_by_one, part_of, tiles
from refconv.geometry.plan import ConvGeometry, Index
from refconv.geometry.transposed import phases, read_by
from refconv.numbers.formats import Array

PIXELS: Final = 1 << 20  # numbers that a part scatters to, 8 MiB of float64
FEWEST_CHANNELS: Final = 16  # of these pixels: a matrix product of fewer rows is slow
MOST_GATHERED: Final = 1024  # numbers that a pixel gathers: for more, what flipping the kernel costs shows


def weight_adjoint(input: Array, grad_outputs: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (O, C/G, *K) of each gradient (N, O, *P)."""
    shape = plan.batch, plan.groups, plan.group_out_channels, plan.positions
    arriving = (gradient.reshape(shape) for gradient in grad_outputs)
    if is_narrow(plan.group_in_channels, plan.group_out_channels, plan):
        return [_by_taps(windows(pad(input, plan), plan), y, plan) for y in arriving]
    columns = columns_of(input, plan).swapaxes(-1, -2)
    return [(y @ columns).sum(axis=0).reshape(plan.weight_shape) for y in arriving]


def _by_taps(view: Array, arriving: Array, plan: ConvGeometry) -> Array:
    """Multiply with what one tap after the other has read: of so few channels, the columns of all cost more."""
    weight = np.empty(plan.weight_shape, view.dtype)
    for tap in np.ndindex(*plan.kernel_size):
        read = view[(slice(None), slice(None), *tap)].reshape(plan.batch, plan.groups, -1, plan.positions)
        weight[(..., *tap)] = (arriving @ read.swapaxes(-1, -2)).sum(axis=0).reshape(plan.out_channels, -1)
    return weight


def input_adjoint(grad_output: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Return (N, C, *H) of each weight (O, C/G, *K)."""
    if _can_gather(plan) and all(weight.dtype.kind != "O" and np.isfinite(weight).all() for weight in weights):
        return _gathered(grad_output, weights, plan)
    return [_scattered(grad_output, weight, plan) for weight in weights]


def _can_gather(plan: ConvGeometry) -> bool:
    """Whether a pixel may read all around it, zeros that are nobody's: 0 times a weight is 0 if that is finite."""
    gathered = plan.group_out_channels * math.prod(plan.kernel_size)
    numbers = products.numbers_per_output(plan.group_out_channels, plan.group_in_channels, plan)
    return plan.padding_mode == "zeros" and min(gathered, numbers) <= MOST_GATHERED


def _scattered(grad_output: Array, weight: Array, plan: ConvGeometry) -> Array:
    """Add the columns Wᵀ·Y into the padded pixels, band by band, as many as fill a tile."""
    kernels = weight.reshape(plan.groups, plan.group_out_channels, plan.taps_per_output).swapaxes(-1, -2)
    arriving = grad_output.reshape(plan.batch, plan.groups, plan.group_out_channels, *grad_output.shape[2:])
    span = (max(axis.padded_size, axis.interior.stop) for axis in plan.axes)  # with what lies beyond every window
    padded = np.zeros((plan.batch, plan.in_channels, *span), weight.dtype)
    view = windows(padded, plan, writeable=True)
    multiply = np.multiply if plan.group_out_channels == 1 else np.matmul  # of a column and a row, ten times as fast
    for box in boxes(grad_output.shape[2:], TILE // max(1, math.prod(view.shape[: -len(plan.axes)]))):
        at: tuple[Any, ...] = (..., *box)
        place, gradient = view[at], arriving[at]
        columns = multiply(kernels, gradient.reshape(*gradient.shape[:3], -1))
        add_windows(place, columns.reshape(place.shape), plan.kernel_size)
    return fold(padded, plan)


def _gathered(grad_output: Array, weights: Sequence[Array], plan: ConvGeometry) -> list[Array]:
    """Read, for each pixel, the outputs that it went to: for each phase, a convolution with its own taps, flipped."""
    shape = plan.groups, plan.group_out_channels, plan.group_in_channels, *plan.kernel_size
    kernels, last = [weight.reshape(shape).swapaxes(1, 2) for weight in weights], tuple(range(3, 3 + len(plan.axes)))
    inputs = [np.zeros(plan.input_shape, weight.dtype) for weight in weights]
    for phase in itertools.product(*map(phases, plan.axes, grad_output.shape[2:])):
        pixels, taps, read, axes = zip(*phase, strict=True)
        flips = [np.flip(kernel[(..., *taps)], last) for kernel in kernels]
        flips = [w.reshape(plan.in_channels, plan.group_out_channels, *w.shape[3:]) for w in flips]
        back = ConvGeometry(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)
        found = convolution(grad_output[(..., *read)], flips, back)
        if back.output_size == plan.input_size:  # at stride 1 one phase is all
            return found
        for into, some in zip(inputs, found, strict=True):
            into[(..., *pixels)] = some
    return inputs


def add_windows(view: Array, columns: Array, kernel_size: Index) -> None:
    """Add columns (..., *K, *P) into the writeable view of the pixels that they came from, as `windows` gives it."""
    rank = len(kernel_size)
    # Tap by tap: no two outputs read the same pixel through the same tap, so that += meets each pixel once.
    with np.errstate(all="ignore"):  # as in conv2d: inf − inf is an answer
        for tap in np.ndindex(*kernel_size):
            at = (..., *tap, *(slice(None),) * rank)
            view[at] += columns[at]


def fold(padded: Array, plan: ConvGeometry) -> Array:
    """Return (N, C, *H): what stands in the padding added to the pixel that it came from, the adjoint of `pad`.

    One row of a, b, 1, 2, 3, c, d with two pixels of padding on either side becomes, by mode::

        zeros      1      2          3           what came from nowhere is dropped
        reflect    1+d    2+b+c      3+a
        replicate  1+a+b  2          3+c+d
        circular   1+c    2+a+d      3+b
    """
    for position, axis in enumerate(plan.axes, start=padded.ndim - len(plan.axes)):
        lines = np.moveaxis(padded, position, 0)
        inside, (before, _) = lines[axis.interior], axis.padding
        if plan.padding_mode != "zeros":
            inside = inside.copy()
            for index in (*range(-before, 0), *range(axis.input_size, axis.padded_size - before)):
                inside[axis.source_index(index, plan.padding_mode)] += lines[before + index]
        padded = np.moveaxis(inside, 0, position)
    return padded


def by_input(plan: ConvGeometry, share: int = 1) -> Iterator[Cut]:
    """Take the input apart; into whole images, where pixels stand in the padding too."""
    each, weights = plan.group_in_channels, plan.group_out_channels * math.prod(plan.kernel_size)
    size = max(1, math.prod(plan.input_size))
    if _can_gather(plan):  # the convolution back
        numbers = products.numbers_per_output(plan.group_out_channels, each, plan)
        numbers //= math.prod(axis.stride for axis in plan.axes)  # of one phase
        room = each * (TILE // share // max(1, numbers, each // 2))
        fewest = each
    else:
        room, fewest = PIXELS // share, FEWEST_CHANNELS
    most = min(max(fewest, room // size), WEIGHTS // share // max(1, weights))
    return parts_of_input(plan, room, most, least=each if _can_gather(plan) else 1)


def parts_of_input(plan: ConvGeometry, room: int, most: int, least: int = 1) -> Iterator[Cut]:
    """Take the input apart: into so many channels at most, and boxes of them, or of the least, of so many numbers."""
    each, is_zeros = plan.group_in_channels, plan.padding_mode == "zeros"
    for groups, channels in chunks(plan.groups, each, most):
        together = (groups.stop - groups.start) * max(1, channels.stop - channels.start, least)
        for images, box in tiles(plan.batch, plan.input_size, room // together, whole=not is_zeros):
            yield part_of_input(plan, images, groups, channels, box)


def part_of_input(plan: ConvGeometry, images: slice, groups: slice, channels: slice, box: Sequence[slice]) -> Cut:
    """Return the part of some pixels, or of all where some stand in the padding, of some channels of some groups."""
    inputs = joined(groups, channels, plan.group_in_channels)
    outputs = joined(groups, slice(0, plan.group_out_channels))
    read, axes = [slice(0, extent) for extent in plan.output_size], plan.axes
    if plan.padding_mode == "zeros":
        parts = [read_by(axis, pixels) for axis, pixels in zip(plan.axes, box, strict=True)]
        read, axes = [outputs for outputs, _ in parts], tuple(axis for _, axis in parts)
    else:
        box = [slice(0, extent) for extent in plan.input_size]
    part = part_of(plan, images, inputs, outputs, groups, axes)
    return Cut((images, inputs, *box), (outputs, channels), (images, outputs, *read), part)


def _most_read(plan: ConvGeometry) -> int:
    """Return how many places of the padded input one pixel stands in at most: with itself, 1 before and 1 after."""
    most = {"zeros": 1, "reflect": 3, "circular": 3}.get(plan.padding_mode)
    return math.prod(1 + sum(axis.padding) if most is None else most for axis in plan.axes)


INPUT_ADJOINT: Final = Sum(
    ("output", "weight", "input"),
    {"im2col": input_adjoint, "direct": one_by_one(direct.input_adjoint), "exact": input_adjoint},
    by_input,
    terms=lambda plan: plan.group_out_channels * math.prod(plan.kernel_size) * _most_read(plan),
)
WEIGHT_ADJOINT: Final = Sum(
    ("input", "output", "weight"),
    {"im2col": weight_adjoint, "direct": one_by_one(direct.weight_adjoint), "exact": weight_adjoint},
    by_output,
    terms=lambda plan: plan.batch * plan.positions,
)
