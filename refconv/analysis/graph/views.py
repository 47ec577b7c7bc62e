"""Which part of the image do the elements of a tensor see?  Said for each dimension, and carried from node to node.

A tensor's dimension is a product of `Factor`s, the slowest first.  The factor of an image axis is *linked* to it: its
`maps` say which pixels of that axis each position sees.  Channels, the batch, and whatever a node mixed together have
no link.  So NCHW is four dimensions of one factor each; flattened to tokens, height and width are the two factors of one
dimension; and a reshape back finds both again.

Whoever reads all positions of a linked factor sees the whole axis from there on (`View.whole`), beside what it still
sees locally: a squeeze-and-excitation block multiplies a feature map with a gate that has seen all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import NamedTuple

from refconv.analysis.axis_map import PIXEL_SPAN, AxisMap, LayerMap, join, window
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


class Whole(NamedTuple):
    """The first node through which all of an axis is seen, by its number, and the factors it was seen at."""

    number: int
    title: str


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
    """Return the map of a layer on top of another; output by output, where the pattern is longer than the outputs are."""
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


class Link(NamedTuple):
    """How a tensor reads another one locally: a map for each image axis; None where no path can be counted."""

    source: str
    steps: tuple[LayerMap, ...] | None


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes; that of several unknown ones is another unknown one."""
    many = [size for size in sizes if size != 1]
    if len(many) == 1:
        return many[0]
    known = [size for size in many if isinstance(size, int)]
    return math.prod(known) if len(known) == len(many) else derived("product", *many)


@dataclass(frozen=True, slots=True)
class View:
    """What the elements of a tensor see.

    Attributes
    ----------
    dims : tuple of tuples of Factor
    whole : dict
        For every image axis that all elements see in whole, the first node that brought it about.
    normalised : Whole or None
        The first normalisation that reads whole planes: a fact beside the field, for all it does is to scale.
    gone : tuple of (int, Maps)
        What was seen along dimensions that are no more, as by the last output of a sequence alone.
    links : tuple of Link
        The local paths to the tensors before it.
    """

    dims: tuple[Dim, ...]
    whole: Mapping[int, Whole] = field(default_factory=dict)
    normalised: Whole | None = None
    gone: tuple[tuple[int, Maps], ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size of every dimension."""
        return tuple(product(factor.size for factor in dim) for dim in self.dims)

    @property
    def seen(self) -> dict[int, Maps]:
        """What is seen locally along every image axis: by every position, or where those got lost, by any of them."""
        lost = [*(each for dim in self.dims for factor in dim for each in factor.scattered), *self.gone]
        parts: dict[int, Maps] = {}
        for axis, maps in lost:
            parts[axis] = tuple(dict.fromkeys((*parts.get(axis, ()), *maps)))
        parts |= {factor.axis: factor.maps for dim in self.dims for factor in dim if factor.axis is not None}
        return parts

    @property
    def axes(self) -> set[int]:
        """The image axes along which positions are told apart."""
        return {factor.axis for dim in self.dims for factor in dim if factor.axis is not None}

    @property
    def cut_axes(self) -> set[int]:
        """The image axes that are cut into blocks, with the places in them told apart."""
        return {factor.blocks[0] for dim in self.dims for factor in dim if factor.blocks is not None}

    def with_dim(self, place: int, *factors: Factor) -> View:
        """Return the view with another dimension in place of one."""
        return replace(self, dims=(*self.dims[:place], factors, *self.dims[place + 1 :]))

    def under(self, place: int, layer: LayerMap, size: Size) -> View:
        """Return the view after a layer along one dimension."""
        many = [factor for factor in self.dims[place] if factor.size != 1] or list(self.dims[place][:1])
        if len(many) > 1 and any(factor.seen for factor in many):
            raise Unsaid("two axes of the image lie along one dimension")
        (before,) = many if len(many) == 1 else [Factor(product(factor.size for factor in many))]
        return self.with_dim(place, before.under(layer, size)).stepping(before.axis, layer)

    def stepping(self, axis: int | None, layer: LayerMap) -> View:
        """Return the view with a step along an axis in all of its links; a second one on top cannot be counted."""
        if axis is None or layer == SAME:
            return self
        return replace(self, links=tuple(Link(source, _stepped(steps, axis, layer)) for source, steps in self.links))

    def uncounted(self) -> View:
        """Return the view with links through which no paths are counted."""
        return replace(self, links=tuple(Link(source, None) for source, _ in self.links))

    def sees_all(self, factors: Iterable[Factor], by: Whole) -> View:
        """Return the view whose elements each see all of these factors; inside a block, that is the block."""
        whole, gone = dict(self.whole), self.gone
        dims = self.dims
        for factor in factors:
            if factor.size == 1:  # all of one position is what that position sees
                gone = (*gone, *factor.seen)
            else:
                whole |= {axis: earliest(whole.get(axis), by) for axis, _ in factor.seen}
            if factor.blocks is not None:
                dims = tuple(tuple(_unblocked(each, factor.blocks[0]) for each in dim) for dim in dims)
        return replace(self, dims=dims, whole=whole, gone=tuple(dict.fromkeys(gone)))

    def mixing(self, places: Iterable[int], by: Whole, *, keep: bool = False) -> View:
        """Return the view whose elements read all positions along some dimensions, which are left with one each.

        With `keep` they stay as they are: a softmax reads all, and gives as many.
        """
        view = self
        for place in places:
            view = view.sees_all(view.dims[place], by)
            if not keep:
                view = view.with_dim(place, Factor(1))
        if view.axes == self.axes:
            return view
        return view.uncounted() if view.axes else replace(view, links=())

    def permuted(self, order: Sequence[int]) -> View:
        """Return the view with its dimensions in another order."""
        return replace(self, dims=tuple(self.dims[place] for place in order))

    def dropped(self, place: int) -> View:
        """Return the view at one position along a dimension, which is gone then."""
        seen = tuple(each for factor in self.dims[place] for each in factor.seen)
        view = replace(self, dims=(*self.dims[:place], *self.dims[place + 1 :]), gone=(*self.gone, *seen))
        return view.uncounted() if seen else view

    def inserted(self, place: int) -> View:
        """Return the view with a dimension of size 1 more."""
        return replace(self, dims=(*self.dims[:place], (Factor(1),), *self.dims[place:]))


def _stepped(steps: tuple[LayerMap, ...] | None, axis: int, layer: LayerMap) -> tuple[LayerMap, ...] | None:
    if steps is None or steps[axis] != SAME:
        return None
    return (*steps[:axis], layer, *steps[axis + 1 :])


def _unblocked(factor: Factor, axis: int) -> Factor:
    return Factor(factor.size) if factor.blocks is not None and factor.blocks[0] == axis else factor


def earliest(first: Whole | None, second: Whole) -> Whole:
    """Return the one that comes first in the graph."""
    return second if first is None else min(first, second)


def merged(views: Sequence[View], dim: Callable[[Sequence[Dim]], Dim] | None = None, at: int | None = None) -> View:
    """Return what elements see that are computed from an element of each of these views: added, multiplied, chosen.

    Views are aligned at the last dimension, and a dimension of size 1 stands for any size, as NumPy has it.  Dimension
    `at`, along which views are concatenated, is left to `dim`.
    """
    rank = max(len(view.dims) for view in views)
    padded = [replace(view, dims=((Factor(1),),) * (rank - len(view.dims)) + view.dims) for view in views]
    dims = []
    gone = [each for view in views for each in view.gone]
    for place in range(rank):
        choices = [view.dims[place] for view in padded]
        if place == at and dim is not None:
            dims.append(dim(choices))
            continue
        kept, lost = _joined(choices)
        dims.append(kept)
        gone += lost
    # Who sees a block of an axis as a whole, and not its own place there, sees more than that place.
    mixed = {axis for view in views for axis in view.axes if len(views) > 1 and axis not in view.cut_axes}
    dims = [tuple(reduce(_unblocked, mixed, factor) for factor in dim) for dim in dims]
    whole: dict[int, Whole] = {}
    for view in views:
        whole |= {axis: min(by, whole.get(axis, by)) for axis, by in view.whole.items()}
    normalised = min((view.normalised for view in views if view.normalised), default=None)
    links = tuple(link for view in views for link in view.links)
    return View(tuple(dims), whole, normalised, tuple(dict.fromkeys(gone)), links)


def _joined(dims: Sequence[Dim]) -> tuple[Dim, list[tuple[int, Maps]]]:
    """Return one dimension for several that are combined position by position, and what is seen without a place."""
    many = [dim for dim in dims if product(factor.size for factor in dim) != 1] or list(dims)
    lost = [each for dim in dims if dim not in many for factor in dim for each in factor.seen]
    linked = [dim for dim in many if any(factor.seen or factor.blocks for factor in dim)]
    first = (linked or many)[0]
    for other in linked[1:]:
        if [factor.axis for factor in other] != [factor.axis for factor in first]:
            raise Unsaid("what it combines lies along different axes of the image")
        first = tuple(_both(one, two) for one, two in zip(first, other, strict=True))
    return first, lost


def _both(one: Factor, two: Factor) -> Factor:
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


def of_image(shape: Sequence[Size], plane: Sequence[int]) -> View:
    """Return the view of the image itself: each pixel sees itself along the dimensions that are its plane."""
    factors = [
        Factor(size, plane.index(d), (PIXEL_SPAN,)) if d in plane else Factor(size) for d, size in enumerate(shape)
    ]
    return View(tuple((factor,) for factor in factors))
