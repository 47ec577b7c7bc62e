"""A result in blocks, each a sum of its own: for whoever looks at all of a large result piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from refconv.core.adjoint import part_of_input, parts_of_input
from refconv.core.sums import WEIGHTS, Cut, chunks, joined, part_of, part_of_output, parts_of_output
from refconv.geometry.plan import ConvGeometry, Index

BLOCK: Final = 1 << 17  # numbers, 1 MiB of float64: of 2^15 the calls show in the time, of 2^20 the memory does


def blocks(plan: ConvGeometry, asked: str, most: int = BLOCK, *, whole: bool = False) -> Iterator[Cut]:
    """Yield parts of the output, the input or the weight of at most so many numbers, each with all that goes into it.

    2 images of 3 channels of 4×5 outputs in blocks of 60 are the two images; in blocks of 30, each two rows of all
    channels.  Where images are to stay `whole`, as for an algorithm that takes them apart itself, of fewer channels.
    """
    taps = math.prod(plan.kernel_size)
    if asked == "weight":
        yield from _by_tap(plan, most)
    elif asked == "input":
        each = plan.group_in_channels
        channels = _channels(each, math.prod(plan.input_size), plan.group_out_channels * taps, most)
        yield from parts_of_input(plan, most, channels, least=min(channels, each))
    else:
        each = plan.group_out_channels
        channels = _channels(each, plan.positions, plan.taps_per_output, most)
        channels = min(channels, max(1, most // max(1, plan.positions))) if whole else channels
        yield from parts_of_output(plan, most // max(1, min(channels, each)), channels, whole=whole)


def block_at(plan: ConvGeometry, asked: str, image: int, group: int, place: Index) -> Cut:
    """Return the part of one place of an output or an input, of all channels of a group."""
    images, groups = slice(image, image + 1), slice(group, group + 1)
    box = [slice(p, p + 1) for p in place]
    if asked == "input":
        return part_of_input(plan, images, groups, slice(0, plan.group_in_channels), box)
    return part_of_output(plan, images, groups, slice(0, plan.group_out_channels), box)


def _channels(each: int, size: int, weights: int, most: int) -> int:
    """Return how many channels of a group, or of how many groups, a block has: as many as weights and images allow."""
    together = max(1, min(each, most, WEIGHTS // max(1, weights)))
    return together * max(1, most // (together * max(1, size))) if together >= each else together


def _by_tap(plan: ConvGeometry, most: int) -> Iterator[Cut]:
    """Take the weight apart by channels; all images and outputs go into each tap."""
    taps, each = max(1, math.prod(plan.kernel_size)), plan.group_in_channels
    for groups, channels in chunks(plan.groups, plan.group_out_channels, most // (taps * max(1, each))):
        outputs = joined(groups, channels, plan.group_out_channels)
        for _, some in chunks(1, each, most // taps if groups.stop - groups.start == 1 else each):
            yield _part_of_weight(plan, outputs, joined(groups, some, each), some, groups)


def _part_of_weight(plan: ConvGeometry, outputs: slice, inputs: slice, some: slice, groups: slice) -> Cut:
    images = slice(0, plan.batch)
    pixels, places = ([slice(0, extent) for extent in size] for size in (plan.input_size, plan.output_size))
    part = part_of(plan, images, inputs, outputs, groups, plan.axes)
    return Cut((images, inputs, *pixels), (outputs, some), (images, outputs, *places), part)
