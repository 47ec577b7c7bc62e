"""A large sum as many small ones: parts of the result, each with the parts of the two factors that it is made of.

A part is a convolution of its own, with a plan of its own.  Padding, columns and wider copies are made for one part at
a time, so that a few MiB are all the work space that any method takes, whatever the sizes.  `blocks` are such parts,
too, for whoever looks at the whole of a result piece by piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from refconv.core.windows import boxes
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.accumulate import Part, Places

# Measured over the layers of tests/benchmarks: smaller tiles starve the GEMM of wide layers, larger ones fall out of
# the cache.
TILE: Final = 1 << 19  # numbers in the columns of a part, 4 MiB of float64
WEIGHTS: Final = 1 << 20  # numbers in its weight
PIXELS: Final = 1 << 20  # numbers that an input's adjoint scatters to
FEWEST_CHANNELS: Final = 16  # of these pixels: a matrix product of fewer rows is slow


def whole(plan: ConvGeometry, share: int = 1) -> Iterator[Part]:  # noqa: ARG001
    """Yield all at once: the direct method shares nothing with the others but the plan."""
    yield Part((), (), (), plan)


def convolution(plan: ConvGeometry, share: int = 1) -> Iterator[Part]:
    """Yield parts of the output, `share` times smaller than they could be."""
    for images, inputs, outputs, pixels, box, part in _by_output(plan, *_output_sizes(plan, share)):
        yield Part((images, outputs, *box), (images, inputs, *pixels), (outputs,), part)


def weight_adjoint(plan: ConvGeometry, share: int = 1) -> Iterator[Part]:
    """Yield parts of the taps, each of them once for every part of the output."""
    for images, inputs, outputs, pixels, box, part in _by_output(plan, *_output_sizes(plan, share)):
        yield Part((outputs,), (images, inputs, *pixels), (images, outputs, *box), part)


def input_adjoint(plan: ConvGeometry, share: int = 1) -> Iterator[Part]:
    """Yield parts of the pixels; of whole images, where pixels stand in the padding too."""
    each, weights, size = plan.group_in_channels, _weights_of_pixel(plan), max(1, math.prod(plan.input_size))
    if plan.padding_mode == "zeros" and plan.has_stride_1:  # which reads columns of outputs
        places = TILE // share // max(1, weights, each // 4)
        numbers, most, least = places * each, each * max(1, places // size), each
    else:  # which adds to pixels
        numbers, most, least = PIXELS // share, max(FEWEST_CHANNELS, PIXELS // share // size), 1
    yield from _by_input(plan, numbers, min(most, WEIGHTS // share // max(1, weights)), least)


def blocks(plan: ConvGeometry, asked: str, most: int) -> Iterator[Part]:
    """Yield parts of the output, the input or the weight of at most so many numbers, each with all that goes into it.

    2 images of 3 channels of 4×5 outputs in blocks of 60 are the two images; in blocks of 30, each two rows of all
    channels.
    """
    if asked == "weight":
        yield from _by_tap(plan, most)
    elif asked == "input":
        each, size, weights = plan.group_in_channels, plan.input_size, _weights_of_pixel(plan)
        yield from _by_input(plan, most, _channels(each, math.prod(size), weights, most))
    else:
        each, size, weights = plan.group_out_channels, plan.output_size, plan.taps_per_output
        channels = _channels(each, math.prod(size), weights, most)
        for images, inputs, outputs, pixels, box, part in _by_output(plan, most // max(1, min(channels, each)), channels):
            yield Part((images, outputs, *box), (images, inputs, *pixels), (outputs,), part)


def _channels(each: int, size: int, weights: int, most: int) -> int:
    """Return how many channels of a group, or of how many groups, a block has: as many as weights and images allow."""
    together = max(1, min(each, most, WEIGHTS // max(1, weights)))
    return together * max(1, most // (together * max(1, size))) if together >= each else together


def _weights_of_pixel(plan: ConvGeometry) -> int:
    return plan.group_out_channels * math.prod(plan.kernel_size)


def _by_tap(plan: ConvGeometry, most: int) -> Iterator[Part]:
    """Take the weight apart by channels; all images and outputs go into each tap."""
    taps, each = max(1, math.prod(plan.kernel_size)), plan.group_in_channels
    images, pixels, places = _all(plan.batch), map(_all, plan.input_size), map(_all, plan.output_size)
    ends = (*pixels,), (*places,)
    for groups, channels in _chunks(plan.groups, plan.group_out_channels, most // (taps * max(1, each))):
        outputs = _joined(groups, channels, plan.group_out_channels)
        for _, some in _chunks(1, each, most // taps if groups.stop - groups.start == 1 else each):
            inputs = _joined(groups, some, each)
            part = _part(plan, images, groups, inputs, outputs, plan.axes)
            yield Part((outputs, some), (images, inputs, *ends[0]), (images, outputs, *ends[1]), part)


def _by_input(plan: ConvGeometry, numbers: int, most: int, least: int = 1) -> Iterator[Part]:
    """Take the input apart: into so many channels at most, and boxes of them, or of the least, of so many numbers."""
    each, is_zeros, size = plan.group_in_channels, plan.padding_mode == "zeros", math.prod(plan.input_size)
    for groups, channels in _chunks(plan.groups, each, most):
        inputs, outputs = _joined(groups, channels, each), _joined(groups, _all(plan.group_out_channels))
        room = numbers // max(1, least, inputs.stop - inputs.start)
        for images, box in _tiles(plan.batch, plan.input_size, room if is_zeros else size, room // max(1, size)):
            read = [axis.read_by(_range(pixels)) for axis, pixels in zip(plan.axes, box, strict=True)]
            found = [outputs for outputs, _ in read] if is_zeros else map(_all, plan.output_size)
            axes = [axis for _, axis in read] if is_zeros else plan.axes
            part = _part(plan, images, groups, inputs, outputs, axes)
            yield Part((images, inputs, *box), (images, outputs, *found), (outputs, channels), part)


class _Piece(NamedTuple):
    images: slice
    inputs: slice
    outputs: slice
    pixels: Places
    box: tuple[slice, ...]
    plan: ConvGeometry


def _output_sizes(plan: ConvGeometry, share: int) -> tuple[int, int]:
    """Return at how many places, of how many channels, a part may stand: the columns fit, and the weights do."""
    each, taps = plan.group_out_channels, plan.taps_per_output
    places = TILE // share // max(1, taps, each // 4)  # beside the columns, up to four times as many outputs
    return places, min(WEIGHTS // share // max(1, taps), each * max(1, places // max(1, plan.positions)))


def _by_output(plan: ConvGeometry, places: int, most: int) -> Iterator[_Piece]:
    """Take the output apart: into channels whose weights fit, groups before rows so that these are long, then boxes."""
    each = plan.group_out_channels
    for groups, channels in _chunks(plan.groups, each, most):
        inputs, outputs = _joined(groups, _all(plan.group_in_channels)), _joined(groups, channels, each)
        room = places // (groups.stop - groups.start)
        for images, box in _tiles(plan.batch, plan.output_size, room, room // max(1, plan.positions)):
            read = [_read(axis, _range(places), plan.padding_mode) for axis, places in zip(plan.axes, box, strict=True)]
            part = _part(plan, images, groups, inputs, outputs, [axis for _, axis in read])
            yield _Piece(images, inputs, outputs, tuple(pixels for pixels, _ in read), box, part)


def _read(axis: AxisGeometry, outputs: range, padding_mode: str) -> tuple[slice | list[int], AxisGeometry]:
    """Return the pixels that some outputs read, those that stand in the padding by name, and the axis between."""
    if padding_mode == "zeros":
        return axis.reading(outputs)
    first, reach = axis.input_index(outputs.start, 0), axis.reach(len(outputs))
    pixels = [axis.source_index(index, padding_mode) for index in range(first, first + reach)]
    return pixels, replace(axis, input_size=reach, padding=(0, 0), unread=0)


def _chunks(groups: int, each: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield groups, and channels of each, at most so many together: some whole groups, or a part of one.

    3 groups of 4 channels, at most 8 of them together: groups 0 and 1, then group 2.  At most 3 together: of each
    group the channels 0 to 2, then 3.
    """
    together, length = max(1, most // max(1, each)), max(1, min(each, most))
    for group in range(0, groups, together):
        for start in range(0, max(1, each), length):
            yield slice(group, min(group + together, groups)), slice(start, min(start + length, each))


def _tiles(batch: int, size: Index, places: int, together: int) -> Iterator[tuple[slice, tuple[slice, ...]]]:
    """Yield images and the box of each, at most so many places together: some whole images, or a part of one."""
    together = max(1, together)
    for start in range(0, batch, together):
        for box in boxes(size, places):
            yield slice(start, min(start + together, batch)), box


def _joined(groups: slice, channels: slice, each: int | None = None) -> slice:
    """Return the channels of these groups, counted through: of whole groups, or of one."""
    each = channels.stop if each is None else each
    return slice(groups.start * each + channels.start, (groups.stop - 1) * each + channels.stop)


def _part(
    plan: ConvGeometry, images: slice, groups: slice, inputs: slice, outputs: slice, axes: Sequence[AxisGeometry]
) -> ConvGeometry:
    """Return a part's own plan, in which no pixel stands in the padding any more, unless it has all the axes."""
    mode = plan.padding_mode if tuple(axes) == plan.axes else "zeros"
    numbers = (piece.stop - piece.start for piece in (images, inputs, outputs, groups))
    return ConvGeometry(*numbers, tuple(axes), mode)


def _all(size: int) -> slice:
    return slice(0, size)


def _range(places: slice) -> range:
    return range(places.start, places.stop)
