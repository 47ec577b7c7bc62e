"""The sums, each by all its methods, and how a large one is taken apart into many small ones.

A part is a convolution with a plan of its own.  Padding, columns and wider copies are made for one part at a time, so
that a few MiB are all the work space that any method takes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy.typing as npt

from refconv.core import direct, products
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.accumulate import accumulate
from refconv.numbers.formats import Array
from refconv.numbers.parts import Part, Places, Product

# Measured over the layers of tests/benchmarks: smaller tiles starve wide layers' GEMM, larger ones miss the cache.
TILE: Final = 1 << 20  # numbers in the columns that stand in memory at once, 8 MiB of float64
WEIGHTS: Final = 1 << 20  # numbers in the weight of a part, 8 MiB of float64


class Cut(NamedTuple):
    """Places of a plan's input, weight and output that belong together, and the plan of what is between them."""

    input: Places
    weight: Places
    output: Places
    plan: ConvGeometry


class Sum(NamedTuple):
    """A convolution or one of its adjoints."""

    roles: tuple[str, str, str]  # which of the plan's input, weight and output are its factors, and which its result
    methods: Mapping[str, Product]  # by name: product(first, seconds, plan)
    cut: Callable[[ConvGeometry, int], Iterator[Cut]]  # how all but the direct method take it apart
    terms: Callable[[ConvGeometry], int]  # how many products one number of a plan's result adds up at most

    def of(self, plan: ConvGeometry, method: str, dtype: npt.DTypeLike | None, operands: Mapping[str, Array]) -> Array:
        """Return the sum for a plan and its operands, two factors and perhaps a bias, without N if it came without."""
        first, second, result = self.roles
        shape = {role: getattr(plan, f"{role}_shape") for role in self.roles}
        factors = zip(operands.items(), self.roles[:2], strict=False)
        shaped = dict(operands) | {name: array.reshape(shape[role]) for (name, array), role in factors}

        def parts(share: int) -> Iterator[Part]:  # the direct method shares nothing with the others but the plan
            for cut in self.cut(plan, share) if method != "direct" else [Cut((), (), (), plan)]:
                yield Part(getattr(cut, result), getattr(cut, first), getattr(cut, second), cut.plan)

        product, exact = self.methods[method], method == "exact"
        found = accumulate(product, parts, shaped, shape[result], self.terms(plan), dtype, exact=exact)
        return found if plan.batched or result == "weight" else found[0]

    def shape(self, plan: ConvGeometry) -> Index:
        """Return that of the result, with N."""
        found: Index = getattr(plan, f"{self.roles[2]}_shape")
        return found


def one_by_one(loops: Callable[[Array, Array, ConvGeometry], Array]) -> Product:
    """Return the product that loops give, for any number of second factors."""
    return lambda first, seconds, plan: [loops(first, second, plan) for second in seconds]


def by_output(plan: ConvGeometry, share: int = 1) -> Iterator[Cut]:
    """Take the output apart, `share` times smaller than could be: beside a tile of columns, up to two of outputs."""
    each, taps = plan.group_out_channels, max(1, plan.taps_per_output)
    room = TILE // share // max(1, products.numbers_per_output(plan.group_in_channels, each, plan), each // 2)
    most = min(WEIGHTS // share // taps, each * max(1, room // max(1, plan.positions)))
    return parts_of_output(plan, room, most)


def parts_of_output(plan: ConvGeometry, room: int, most: int, *, whole: bool = False) -> Iterator[Cut]:
    """Take the output apart, into so many channels at most and, of each group, so many places, or a `whole` image."""
    for groups, channels in chunks(plan.groups, plan.group_out_channels, most):
        for images, box in tiles(plan.batch, plan.output_size, room // (groups.stop - groups.start), whole=whole):
            yield part_of_output(plan, images, groups, channels, box)


def part_of_output(plan: ConvGeometry, images: slice, groups: slice, channels: slice, box: Sequence[slice]) -> Cut:
    """Return the part of some places, of some channels of some groups."""
    inputs = joined(groups, slice(0, plan.group_in_channels))
    outputs = joined(groups, channels, plan.group_out_channels)
    read = [_read(axis, places, plan.padding_mode) for axis, places in zip(plan.axes, box, strict=True)]
    part = part_of(plan, images, inputs, outputs, groups, [axis for _, axis in read])
    return Cut((images, inputs, *(pixels for pixels, _ in read)), (outputs,), (images, outputs, *box), part)


def _read(axis: AxisGeometry, outputs: slice, padding_mode: str) -> tuple[slice | list[int], AxisGeometry]:
    """Return the pixels that some outputs read, those that stand in the padding by name, and the axis between."""
    if padding_mode == "zeros":
        return axis.reading(outputs)
    first, reach = axis.input_index(outputs.start, 0), axis.reach(outputs.stop - outputs.start)
    sources = (axis.source_index(index, padding_mode) for index in range(first, first + reach))
    pixels = [source for source in sources if source is not None]  # all of them: only zeros come from nowhere
    return pixels, replace(axis, input_size=reach, padding=(0, 0), unread=0)


def chunks(groups: int, each: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield groups, and channels of each, at most so many together: some whole groups, or a part of one.

    3 groups of 4 channels, at most 8 together: groups 0 and 1, then 2.  At most 3: of each group 0 to 2, then 3.
    """
    together, length = max(1, most // max(1, each)), max(1, min(each, most))
    for group in range(0, groups, together):
        for start in range(0, max(1, each), length):
            yield slice(group, min(group + together, groups)), slice(start, min(start + length, each))


def tiles(batch: int, size: Index, room: int, *, whole: bool = False) -> Iterator[tuple[slice, tuple[slice, ...]]]:
    """Yield images and the box of each, of at most so many places: some whole images, or a part of one unless `whole`.

    3 images of 2 rows of 4 places, at most 16 together: images 0 and 1, then 2.  At most 5: row by row of each image.
    """
    places = max(1, math.prod(size))
    together = max(1, room // places)
    for start in range(0, batch, together):
        for box in boxes(size, places if whole else room):
            yield slice(start, min(start + together, batch)), box


def joined(groups: slice, channels: slice, each: int | None = None) -> slice:
    """Return the channels of these groups, counted through: of whole groups, or of one."""
    each = channels.stop if each is None else each
    return slice(groups.start * each + channels.start, (groups.stop - 1) * each + channels.stop)


def part_of(
    plan: ConvGeometry, images: slice, inputs: slice, outputs: slice, groups: slice, axes: Sequence[AxisGeometry]
) -> ConvGeometry:
    """Return a part's own plan, in which no pixel stands in the padding any more, unless it has all the axes."""
    mode = plan.padding_mode if tuple(axes) == plan.axes else "zeros"
    batch, channels, results, parts = (places.stop - places.start for places in (images, inputs, outputs, groups))
    return ConvGeometry(batch, channels, results, parts, tuple(axes), mode)


def boxes(size: Index, room: int) -> Iterator[tuple[slice, ...]]:
    """Yield the parts of a grid, each of at most `room` places if it can be: whole rows, as many as fit.

    A grid of 4 rows of 5 in boxes of 11 falls into two of 2 rows each; in boxes of 3, into rows of 3 and of 2.
    """
    lengths: list[int] = []
    for extent in reversed(size):
        lengths.insert(0, max(1, min(extent, room)))
        room //= lengths[0]
    starts = (range(0, extent, length) for extent, length in zip(size, lengths, strict=True))
    for corner in itertools.product(*starts):
        edges = zip(corner, lengths, size, strict=True)
        yield tuple(slice(start, min(start + length, extent)) for start, length, extent in edges)


# Of integers and objects, whose arithmetic is exact as it is, "exact" is the matrix product; of others, that in digits.
CONVOLUTION: Final = Sum(
    ("input", "weight", "output"),
    {
        "im2col": products.convolution,
        "einsum": products.einsum,
        "direct": one_by_one(direct.convolution),
        "exact": products.convolution,
    },
    by_output,
    terms=lambda plan: plan.taps_per_output,
)
