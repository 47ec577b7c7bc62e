"""How many paths lead from an output to each pixel?  Counted backwards, from the output to the image, tensor by tensor.

Each tensor holds the number of paths from the output to each of its positions, and hands them on to the tensors that it
reads: an array per tensor, in that tensor's own, coarser grid.  In a network without branches the axes are independent,
and an array per axis will do.

Near the border of an image a path that runs through the padding of any tensor, not only of the image, ends there,
because nothing but zeros comes that way.

Counts are whole numbers where they must be exact (`footprint`), and floats where they must be fast (`graph`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.axis_map import SAME, LayerMap

__all__: list[str] = []

Counts = NDArray[Any]
# For each tensor, after those that it reads: the tensors that it reads, each with a layer's map for every axis.
Links = dict[str, Sequence[tuple[str, Sequence[LayerMap]]]]
Spend = Callable[[float, float], None]  # told the additions and the positions before an array is made, it may refuse


class Block(NamedTuple):
    """Counts of a rectangle of positions, and its first position along every axis."""

    counts: Counts
    origin: tuple[int, ...]

    def cut(self, parts: Sequence[range]) -> Block:
        """Return the block of other positions, with zeros where this one has none."""
        result = np.zeros([len(part) for part in parts], self.counts.dtype)
        spots, origins = [], []
        for part, start, size in zip(parts, self.origin, self.counts.shape, strict=True):
            both = range(max(part.start, start), max(part.start, start, min(part.stop, start + size)))
            spots.append(slice(both.start - part.start, both.stop - part.start))
            origins.append(slice(both.start - start, both.stop - start))
        result[tuple(spots)] = self.counts[tuple(origins)]
        return Block(result, tuple(part.start for part in parts))

    @property
    def region(self) -> tuple[range, ...]:
        """Its positions along every axis."""
        return tuple(range(start, start + size) for start, size in zip(self.origin, self.counts.shape, strict=True))


def unlimited(additions: float, positions: float) -> None:
    """Refuse nothing."""


def one_path(output: Sequence[int], dtype: type) -> Block:
    """Return the block of an output alone, to which one path leads from itself."""
    return Block(np.ones((1,) * len(output), dtype), tuple(output))


def marginal(counts: Counts, axis: int) -> Counts:
    """Return the counts of all positions of one place along an axis."""
    total: Counts = counts.sum(axis=tuple(other for other in range(counts.ndim) if other != axis % counts.ndim))
    return total


def side_of(parts: Sequence[Counts], paths: float | Fraction) -> int:
    """Return the side of the smallest square in the middle in which so many paths end; `parts` are of independent axes.

    >>> side_of([np.array([1, 2, 3, 2, 1])] * 2, 49), side_of([np.ones((2, 2))], 1)
    (3, 2)
    """
    sides = max(size for counts in parts for size in counts.shape)
    within: Any = 1  # for each side from 1 on, the paths that end at most (side − 1)/2 from the middle
    for counts in parts:
        farthest = reduce(np.maximum.outer, [np.abs(2 * np.arange(size) - size + 1) for size in counts.shape])
        ended = np.zeros(sides, counts.dtype)
        np.add.at(ended, farthest.ravel(), counts.ravel())
        within = within * np.cumsum(ended)
    return bisect_left(within.tolist(), paths) + 1


def followed(
    links: Links,
    start: Block,
    axes: Sequence[int],
    sizes: Mapping[str, Sequence[int]] | None = None,
    spend: Spend = unlimited,
) -> Block:
    """Hand counts on from tensor to tensor, from the last of `links` to the first, the image.

    With `sizes`, those of the tensors along all axes, nothing is handed on to what lies outside of them.
    """
    image, last = next(iter(links)), next(reversed(links))
    waiting = {last: start}
    for here in reversed(links):
        if here == image or here not in waiting:
            continue
        block = waiting.pop(here)
        for source, steps in links[here]:
            read = block
            for place, axis in enumerate(axes):
                read = pulled(read, place, steps[axis], spend)
            if sizes is not None:
                inside = zip(read.region, (range(sizes[source][axis]) for axis in axes), strict=True)
                read = read.cut([range(max(seen.start, 0), min(seen.stop, axis.stop)) for seen, axis in inside])
            waiting[source] = added(waiting[source], read, spend) if source in waiting else read
    return trimmed(waiting[image])


def pulled(block: Block, place: int, layer: LayerMap, spend: Spend = unlimited) -> Block:
    """Return the paths to the positions that a layer reads along one axis, out of those to its outputs.

    Two outputs with 1 and 2 paths, under three taps at stride 2: pixel 1 is read by both.

    >>> from refconv.analysis.axis_map import window
    >>> pulled(Block(np.array([1, 2]), (0,)), 0, window(3, stride=2, before=1))
    Block(counts=array([1, 1, 3, 2, 2]), origin=(-1,))
    """
    if layer == SAME:
        return block
    counts, first = np.moveaxis(block.counts, place, 0), block.origin[place]
    period = len(layer.phases)
    reads = []
    for start in range(min(period, len(counts))):
        periods, phase = divmod(first + start, period)
        taps = layer.phases[phase]
        if taps.count:
            reads.append((counts[start::period], layer.shift * periods, taps))
    if not reads:
        return Block(np.zeros_like(np.moveaxis(counts[:0], 0, place)), block.origin)
    low = min(base + taps.first for _, base, taps in reads)
    high = max(base + layer.shift * (len(part) - 1) + taps.last for part, base, taps in reads)
    spend(sum(part.size * taps.count for part, _, taps in reads), (high - low + 1) * (counts.size // len(counts)))
    result = np.zeros((high - low + 1, *counts.shape[1:]), counts.dtype)
    with np.errstate(over="ignore"):  # more than 10^308 paths are infinitely many
        for part, base, taps in reads:
            start = base + taps.first - low
            if len(part) < taps.count:  # one addition for each output: a kernel may have a million taps
                for number, paths in enumerate(part):
                    result[start + layer.shift * number :: taps.step][: taps.count] += paths
            else:
                for number in range(taps.count):
                    result[start + taps.step * number :: layer.shift][: len(part)] += part
    return Block(np.moveaxis(result, 0, place), (*block.origin[:place], low, *block.origin[place + 1 :]))


def added(one: Block, two: Block, spend: Spend = unlimited) -> Block:
    """Return the paths of both, on the rectangle that holds both."""
    if not (one.counts.size and two.counts.size):
        return one if one.counts.size else two
    if one.region != two.region:
        both = [range(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one.region, two.region, strict=True)]
        positions = float(np.prod([float(len(axis)) for axis in both]))
        spend(positions, positions)
        one, two = one.cut(both), two.cut(both)
    with np.errstate(over="ignore"):
        return Block(one.counts + two.counts, one.origin)


def trimmed(block: Block) -> Block:
    """Return the block without the rows and columns at its edges to which no path leads."""
    places = np.nonzero(block.counts)
    if not len(places[0]):
        return Block(np.zeros((0,) * block.counts.ndim, block.counts.dtype), block.origin)
    edges = zip(block.origin, places, strict=True)
    return block.cut([range(start + int(axis.min()), start + int(axis.max()) + 1) for start, axis in edges])
