"""How often does an output use each pixel?  Paths counted backwards, from the output to the image, tensor by tensor.

Each tensor holds the number of paths from the output to each of its positions, and hands them on to the tensors that it
reads: an array per tensor, in that tensor's own, coarser grid.  In a network without branches the axes are independent,
and an array per axis will do.

Numbers are floats.  Sums of whole numbers up to 2^53 are exact in them, and a larger one is off by a part in 10^15; but
a pixel has a 0 if and only if no path leads to it, for nothing is subtracted.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.axis_map import LayerMap
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.graph.views import SAME

__all__ = ["Use", "use_of"]

Counts = NDArray[np.float64]

# 2,400 pixels square: DenseNet-121's 2071 fit, at half a second and 48 MB an array.
MOST_PIXELS = 6_000_000
# Additions of one number to another; about three seconds.
MOST_WORK = 1_500_000_000
EXACT = 2**53


class Block(NamedTuple):
    """Counts of a rectangle of positions, and its first position along every axis."""

    counts: Counts
    origin: tuple[int, ...]


@dataclass(frozen=True)
class Use:
    """How often one output uses each pixel that it sees.

    Attributes
    ----------
    output : tuple of int
    blocks : tuple of Block
        One with all axes, or one for each axis, whose outer product it is.
    """

    output: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def region(self) -> tuple[range, ...]:
        """The pixels along every axis, from the first that is read to the last."""
        starts = [start for block in self.blocks for start in block.origin]
        sizes = [size for block in self.blocks for size in block.counts.shape]
        return tuple(range(start, start + size) for start, size in zip(starts, sizes, strict=True))

    @property
    def pixels(self) -> int:
        """The number of pixels in the region."""
        return int(np.prod([float(len(axis)) for axis in self.region]))

    @property
    def used(self) -> int:
        """The number of pixels that are read."""
        return int(np.prod([float(np.count_nonzero(block.counts)) for block in self.blocks]))

    @cached_property
    def total(self) -> float:
        """The number of paths."""
        return float(np.prod([block.counts.sum() for block in self.blocks]))

    @property
    def evenness(self) -> float | None:
        """``(Σ c)² / (pixels · Σ c²)`` over the counts c, as `AxisUse.evenness`; None where they are too large."""
        if not np.isfinite(self.total) or not self.used:
            return None
        shares = [block.counts / block.counts.sum() for block in self.blocks]
        return float(np.prod([1 / (share.size * np.sum(share**2)) for share in shares]))

    @property
    def largest(self) -> float:
        """The count of the pixel that is used most."""
        return float(np.prod([block.counts.max(initial=0) for block in self.blocks]))

    @cached_property
    def counts(self) -> Counts:
        """The number of paths to every pixel of the region."""
        if self.pixels > MOST_PIXELS:
            raise Unsaid(
                f"it has {' x '.join(str(len(axis)) for axis in self.region)} pixels; {MOST_PIXELS} are the most"
            )
        counts = self.blocks[0].counts
        for block in self.blocks[1:]:
            counts = np.multiply.outer(counts, block.counts)
        return counts

    def along(self, axis: int) -> Counts:
        """Return the paths to all pixels of one place along an axis, up to a factor."""
        if len(self.blocks) > 1:
            return self.blocks[axis].counts
        rank = self.counts.ndim
        counts: Counts = self.counts.sum(axis=tuple(other for other in range(rank) if other != axis % rank))
        return counts

    def side_of(self, share: float) -> int:
        """Return the side of the smallest square in the middle in which this share of all paths ends."""
        distances = [np.abs(2 * np.arange(len(axis)) - len(axis) + 1) for axis in self.region]
        shares = self.counts / self.counts.sum()
        farthest = distances[0]
        for distance in distances[1:]:
            farthest = np.maximum.outer(farthest, distance)
        within = np.cumsum(np.bincount(farthest.ravel(), weights=shares.ravel()))
        return int(np.searchsorted(within, share - 1e-12)) + 1


def use_of(graph: Graph, name: str, output: Sequence[int]) -> Use:
    """Count the paths from one output of a tensor to the pixels of an image without a border.

    Raises
    ------
    Unsaid
        If there are too many pixels, or a node on the way moves them about.
    """
    tensors = list(_behind(graph, name))
    axes = range(len(graph.axes))
    is_chain = all(len(graph.tensors[each].links) == 1 for each in tensors if each != graph.image)
    parts = [[axis] for axis in axes] if is_chain else [list(axes)]
    sizes = [field.size or 1 for field in graph.field(name)]
    if max(sizes) * len(tensors) > MOST_WORK // 3 or (not is_chain and math.prod(sizes) > MOST_PIXELS):
        raise Unsaid(f"{'x'.join(map(str, sizes))} pixels under {len(tensors)} tensors are too many to count")
    work = [0.0]
    blocks = (
        _followed(graph, name, Block(np.ones((1,) * len(part)), tuple(output[axis] for axis in part)), part, work)
        for part in parts
    )
    return Use(tuple(output), tuple(map(_trimmed, blocks)))


def _trimmed(block: Block) -> Block:
    """Return the block without the rows and columns at its edges to which no path leads."""
    places = np.nonzero(block.counts)
    if not len(places[0]):
        return Block(np.zeros((0,) * block.counts.ndim), block.origin)
    edges = [slice(int(axis.min()), int(axis.max()) + 1) for axis in places]
    return Block(
        block.counts[tuple(edges)], tuple(start + edge.start for start, edge in zip(block.origin, edges, strict=True))
    )


def _behind(graph: Graph, name: str) -> Iterator[str]:
    """Yield a tensor and all that lead to it."""
    todo, done = [name], {name}
    while todo:
        here = todo.pop()
        yield here
        for link in graph.tensors[here].links:
            if link.source not in done:
                done.add(link.source)
                todo.append(link.source)


def _followed(graph: Graph, name: str, start: Block, axes: Sequence[int], work: list[float]) -> Block:
    """Hand counts on from tensor to tensor, the last ones first, until they are at the image."""
    order = graph.places
    waiting = {name: start}
    heap = [-order[name]]
    names = list(order)
    while True:  # until the image, to which all paths lead
        here = names[-heapq.heappop(heap)]
        block = waiting.pop(here)
        if here == graph.image:
            return block
        tensor = graph.tensors[here]
        for source, steps in tensor.links:
            if steps is None:
                raise Unsaid(f"{tensor.node!r} ({tensor.label}) moves pixels about, or reads each time others")
            read = block
            for place, axis in enumerate(axes):
                read = _pulled(read, place, steps[axis], work) if steps[axis] != SAME else read
            if source in waiting:
                waiting[source] = _sum(waiting[source], read, work)
            else:
                waiting[source] = read
                heapq.heappush(heap, -order[source])


def _pulled(block: Block, place: int, layer: LayerMap, work: list[float]) -> Block:
    """Return the paths to the positions that a layer reads along one axis, out of those to its outputs.

    Two outputs with 1 and 2 paths, under three taps at stride 2: pixel 1 is read by both.

    >>> from refconv.analysis.axis_map import window
    >>> block = Block(np.array([1.0, 2.0]), (0,))
    >>> _pulled(block, 0, window(3, stride=2, before=1), [0.0])
    Block(counts=array([1., 1., 3., 2., 2.]), origin=(-1,))
    """
    counts, first = np.moveaxis(block.counts, place, 0), block.origin[place]
    period = len(layer.phases)
    reads = []
    for start in range(min(period, len(counts))):
        periods, phase = divmod(first + start, period)
        taps = layer.phases[phase]
        if taps.count:
            reads.append((counts[start::period], layer.shift * periods, taps))
    if not reads:
        return Block(
            np.zeros([0 if axis == place else size for axis, size in enumerate(block.counts.shape)]), block.origin
        )
    low = min(base + taps.first for _, base, taps in reads)
    high = max(base + layer.shift * (len(part) - 1) + taps.last for part, base, taps in reads)
    rest = counts[0].size
    work[0] += sum(part.size * taps.count for part, _, taps in reads)
    if (high - low + 1) * rest > MOST_PIXELS or work[0] > MOST_WORK:
        raise Unsaid(f"it sees more pixels than can be counted; {MOST_PIXELS} are the most")
    result = np.zeros((high - low + 1, *counts.shape[1:]))
    for part, base, taps in reads:
        for tap in taps:
            start = base + tap - low
            with np.errstate(over="ignore"):  # more than 10^308 paths are infinitely many
                result[start : start + layer.shift * (len(part) - 1) + 1 : layer.shift] += part
    origin = (*block.origin[:place], low, *block.origin[place + 1 :])
    return Block(np.moveaxis(result, 0, place), origin)


def _sum(one: Block, two: Block, work: list[float]) -> Block:
    """Return the paths of both, on the rectangle that holds both."""
    if one.origin == two.origin and one.counts.shape == two.counts.shape:
        with np.errstate(over="ignore"):
            return Block(one.counts + two.counts, one.origin)
    if not (one.counts.size and two.counts.size):
        return one if one.counts.size else two
    ends = [[o + s for o, s in zip(block.origin, block.counts.shape, strict=True)] for block in (one, two)]
    origin = tuple(map(min, one.origin, two.origin))
    shape = [max(pair) - start for pair, start in zip(zip(*ends, strict=True), origin, strict=True)]
    if np.prod(shape, dtype=float) > MOST_PIXELS:
        raise Unsaid(f"it sees more pixels than can be counted; {MOST_PIXELS} are the most")
    work[0] += float(np.prod(shape, dtype=float))
    total = np.zeros(shape)
    for block in (one, two):
        spots = zip(block.origin, block.counts.shape, origin, strict=True)
        total[tuple(slice(start - base, start - base + size) for start, size, base in spots)] += block.counts
    return Block(total, origin)
