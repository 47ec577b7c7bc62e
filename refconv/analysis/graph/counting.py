"""How often does an output of a graph use each pixel?  The paths of `refconv.analysis.paths`, counted in floats.

Sums of whole numbers up to 2^53 are exact in them, and a larger one is off by a part in 10^15; but a pixel has a 0 if
and only if no path leads to it, for nothing is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from refconv.analysis.graph.network_graph import Graph, reachable
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.paths import Block, Counts, Links, followed, marginal, one_path, side_of

__all__ = ["Use", "use_of"]

# 2,400 pixels square: DenseNet-121's 2071 fit, at half a second and 48 MB an array.
MOST_PIXELS = 6_000_000
# Additions of one number to another; about three seconds.
MOST_WORK = 1_500_000_000
EXACT = 2**53


@dataclass(frozen=True)
class Use:
    """How often one output uses each pixel that it sees.

    Attributes
    ----------
    output : tuple of int
        Its place along every axis of the image.
    blocks : tuple of Block
        One with all axes, or one for each axis, whose outer product it is.

    Examples
    --------
    Nine of 25 pixels, each through one path, out of two axes with a 1 0 1 0 1 each.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> use = use_of(graph_of(Layers.parse("k3d2")), "layer 1", (0, 0))
    >>> use.used, use.pixels, use.total, round(use.evenness, 2)
    (9, 25, 9.0, 0.36)
    """

    output: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def region(self) -> tuple[range, ...]:
        """The pixels along every axis, from the first that is read to the last."""
        return tuple(axis for block in self.blocks for axis in block.region)

    @property
    def pixels(self) -> int:
        """The number of pixels in the region."""
        return math.prod(map(len, self.region))

    @property
    def used(self) -> int:
        """The number of pixels that are read."""
        return math.prod(int(np.count_nonzero(block.counts)) for block in self.blocks)

    @cached_property
    def total(self) -> float:
        """The number of paths."""
        return math.prod(float(block.counts.sum()) for block in self.blocks)

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
        return math.prod(float(block.counts.max(initial=0)) for block in self.blocks)

    @cached_property
    def counts(self) -> Counts:
        """The number of paths to every pixel of the region."""
        if self.pixels > MOST_PIXELS:
            raise Unsaid(
                f"it has {' x '.join(str(len(axis)) for axis in self.region)} pixels; {MOST_PIXELS} are the most"
            )
        return reduce(np.multiply.outer, [block.counts for block in self.blocks])

    def along(self, axis: int) -> Counts:
        """Return the paths to all pixels of one place along an axis, up to a factor."""
        return self.blocks[axis].counts if len(self.blocks) > 1 else marginal(self.counts, axis)

    def side_of(self, share: float) -> int:
        """Return the side of the smallest square in the middle in which this share of all paths ends."""
        paths = share * self.total * (1 - 1e-12)  # sums of floats are off by less
        return side_of([block.counts for block in self.blocks], paths)


def use_of(graph: Graph, name: str, output: Sequence[int]) -> Use:
    """Count the paths from one output of a tensor to the pixels of an image without a border.

    Parameters
    ----------
    graph : Graph
    name : str
        The tensor.
    output : sequence of int
        The output's place along every axis of the image.

    Returns
    -------
    Use

    Raises
    ------
    Unsaid
        If there are too many pixels, or a node on the way moves them about.

    Examples
    --------
    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> use_of(graph_of(Layers.parse("c1: k3 k2d2"), is_line=True), "layer 2", [0]).counts
    array([1., 1., 2., 1., 1.])
    """
    behind = reachable(name, lambda each: [link.source for link in graph.tensors[each].links])
    tensors = [graph.tensors[each] for each in sorted(behind, key=graph.places.__getitem__)]
    axes = range(len(graph.axes))
    is_chain = all(len(tensor.links) == 1 for tensor in tensors[1:])
    parts = [[axis] for axis in axes] if is_chain else [list(axes)]
    sizes = [field.size or 1 for field in graph.field(name)]
    if max(sizes) * len(tensors) > MOST_WORK // 3 or (not is_chain and math.prod(sizes) > MOST_PIXELS):
        raise Unsaid(f"{'x'.join(map(str, sizes))} pixels under {len(tensors)} tensors are too many to count")
    links: Links = {}
    for tensor in tensors:
        links[tensor.name] = [(link.source, link.steps) for link in tensor.links if link.steps is not None]
    for tensor in reversed(tensors):
        if len(links[tensor.name]) < len(tensor.links):
            raise Unsaid(f"{tensor.node!r} ({tensor.label}) moves pixels about, or reads each time others")
    spent = 0.0

    def spend(additions: float, positions: float) -> None:
        nonlocal spent
        spent += additions
        if positions > MOST_PIXELS or spent > MOST_WORK:
            raise Unsaid(f"it sees more pixels than can be counted; {MOST_PIXELS} are the most")

    starts = [one_path([output[axis] for axis in part], float) for part in parts]
    blocks = (followed(links, start, part, spend=spend) for start, part in zip(starts, parts, strict=True))
    return Use(tuple(output), tuple(blocks))
