"""A part of a tensor's dimension: an axis of the image, or a part of one, or channels; and what its positions see."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from refconv.analysis.axis_map import AxisMap, LayerMap, join, window
from refconv.analysis.graph.nodes import Size, Unsaid, derived
from refconv.analysis.region import Maps
from refconv.analysis.taps import NOTHING, Span

__all__: list[str] = []

# A pattern that repeats after more outputs than this is no pattern; the largest in 60 real networks repeats after 546.
MOST_PHASES = 20_000
# Branches whose strides differ by rounding alone; real networks have two.
MOST_STRIDES = 8


def require_few(phases: int) -> None:
    """Refuse a pattern that repeats too late, before it is made."""
    if phases > MOST_PHASES:
        raise Unsaid(f"its pattern repeats after {phases} outputs only, and {MOST_PHASES} are the most")


SAME = window(1)  # the map of a layer that reads what it writes


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of a dimension.

    Attributes
    ----------
    size : int or Unknown
    axis : int or None
        The image axis that it is linked to.
    maps : tuple of AxisMap
        What its positions see there.
    blocks : (int, Maps, Maps) or None
        Set for the inner part of an axis that was cut into blocks: the axis, its maps, and those of the blocks.
    scattered : tuple of (int, Maps)
        What is seen somewhere along it where positions got lost, as when feature maps are flattened and concatenated.
    """

    size: Size
    axis: int | None = None
    maps: Maps = ()
    blocks: tuple[int, Maps, Maps] | None = None
    scattered: tuple[tuple[int, Maps], ...] = ()

    @property
    def seen(self) -> tuple[tuple[int, Maps], ...]:
        """What is seen along it, with a place for every position or without."""
        return self.scattered if self.axis is None else ((self.axis, self.maps),)

    def under(self, layer: LayerMap, size: Size) -> Factor:
        """Return the factor after a layer: a part of a block has no place in the image any more, and no neighbours."""
        if layer == SAME:
            return replace(self, size=size)
        if self.axis is None:
            if self.scattered or self.blocks:
                raise Unsaid("its neighbours along a dimension are no neighbours in the image")
            return Factor(size)
        return Factor(size, self.axis, tuple(_under(below, layer, size) for below in self.maps))


def _under(below: AxisMap[Span], layer: LayerMap, size: Size) -> AxisMap[Span]:
    """Return the map of a layer on top of another; output by output, where there are fewer of those than of phases."""
    phases = len(layer.phases) * math.lcm(layer.shift, below.period) // layer.shift
    if phases <= MOST_PHASES:
        return below.under(layer)
    require_few(size if isinstance(size, int) else phases)
    assert isinstance(size, int)
    return listed([Span.gather((0, below.reads(place)) for place in layer.reads(output)) for output in range(size)])


def listed(spans: Sequence[Span]) -> AxisMap[Span]:
    """Return the map of outputs that each see what they see; behind the last one it goes on where that ends."""
    end = max((span.last for span in spans if span != NOTHING), default=0) + 1
    return AxisMap(max(end, 1), tuple(spans))


Dim = tuple[Factor, ...]


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes; that of several unknown ones is another unknown one."""
    many = [size for size in sizes if size != 1]
    if len(many) == 1:
        return many[0]
    known = [size for size in many if isinstance(size, int)]
    return math.prod(known) if len(known) == len(many) else derived("product", *many)


def both(one: Factor, two: Factor) -> Factor:
    """Return the factor whose positions see what both see."""
    if one == two:
        return one
    size = one.size if isinstance(one.size, int) else two.size
    if one.axis is None:
        return Factor(
            size, blocks=one.blocks or two.blocks, scattered=tuple(dict.fromkeys((*one.scattered, *two.scattered)))
        )
    maps = one.maps if one.maps == two.maps else join((*one.maps, *two.maps))
    if len(maps) > MOST_STRIDES:
        raise Unsaid(f"it combines branches of {len(maps)} strides")
    return Factor(size, one.axis, maps)


def unblocked(factor: Factor, axis: int) -> Factor:
    return Factor(factor.size) if factor.blocks is not None and factor.blocks[0] == axis else factor
