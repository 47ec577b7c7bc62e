"""Which part of the image do the elements of a tensor see?  Said for each dimension, and carried from node to node.

A tensor's dimension is a product of `Factor`s, the slowest first.  The factor of an image axis is *linked* to it: its
`maps` say which pixels of that axis each position sees.  Channels, the batch, and whatever a node mixed together have
no link.  So NCHW is four dimensions of one factor each; flattened to tokens, height and width are the two factors of
one dimension; and a reshape back finds both again.

Whoever reads all positions of a linked factor sees the whole axis from there on (`View.whole`), beside what it still
sees locally: a squeeze-and-excitation block multiplies a feature map with a gate that has seen all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import NamedTuple

from refconv.analysis.axis_map import NOTHING, PIXEL, SAME, AxisMap, LayerMap, Maps, Span, join, nearest
from refconv.analysis.graph.nodes import Size, Unsaid, derived

__all__: list[str] = []

# A pattern that repeats after more outputs than this is no pattern; the largest in 60 real networks repeats after 546.
MOST_PHASES = 20_000
# Branches whose strides differ by rounding alone; real networks have two.
MOST_STRIDES = 8

Seen = tuple[tuple[int, Maps], ...]  # for some axes of the image, what is seen there


def require_few(phases: int) -> None:
    """Refuse a pattern that repeats too late, before it is made."""
    if phases > MOST_PHASES:
        raise Unsaid(f"its pattern repeats after {phases} outputs only, and {MOST_PHASES} are the most")


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of a dimension: an axis of the image, or a part of one, or channels; and what its positions see."""

    size: Size
    axis: int | None = None  # the image axis that it is linked to
    maps: Maps = ()  # what its positions see there
    blocks: tuple[int, Maps, Maps] | None = None  # of the inner part of an axis in blocks: axis, its maps, the blocks'
    scattered: Seen = ()  # seen somewhere along it, where positions got lost, as in concatenated lists of tokens

    @property
    def seen(self) -> Seen:
        """What is seen along it, with a place for every position or without."""
        return self.scattered if self.axis is None else ((self.axis, self.maps),)

    @property
    def is_plain(self) -> bool:
        """Whether its positions differ in nothing that is seen, as channels do."""
        return not self.seen and not self.blocks

    def under(self, layer: LayerMap, size: Size) -> Factor:
        """Return the factor after a layer: a part of a block has no place in the image any more, and no neighbours."""
        if layer == SAME or self.is_plain:
            return replace(self, size=size)
        if self.axis is None:
            raise Unsaid("its neighbours along a dimension are no neighbours in the image")
        return Factor(size, self.axis, tuple(_under(below, layer, size) for below in self.maps))


def _under(below: AxisMap, layer: LayerMap, size: Size) -> AxisMap:
    """Return the map of a layer on top of another; output by output, where there are fewer of those than of phases."""
    phases = len(layer.phases) * math.lcm(layer.shift, below.period) // layer.shift
    if phases <= MOST_PHASES:
        return below.under(layer)
    require_few(size if isinstance(size, int) else phases)
    return listed([Span.gather((0, below.reads(at)) for at in layer.reads(output)) for output in range(int(size))])  # type: ignore[arg-type]  # known, or refused


def listed(spans: Sequence[Span]) -> AxisMap:
    """Return the map of outputs that each see what they see; behind the last one it goes on where that ends."""
    end = max((span.last for span in spans if span != NOTHING), default=0) + 1
    return AxisMap(max(end, 1), tuple(spans))


Dim = tuple[Factor, ...]
ONE: Dim = (Factor(1),)


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes; that of several unknown ones is another unknown one."""
    many = [size for size in sizes if size != 1]
    known = [size for size in many if isinstance(size, int)]
    return many[0] if len(many) == 1 else math.prod(known) if len(known) == len(many) else derived("product", *many)


def size_of(dim: Dim) -> Size:
    """Return the size of a dimension."""
    return product(factor.size for factor in dim)


def seen_in(dims: Iterable[Dim]) -> Seen:
    """Return all that is seen along dimensions."""
    return tuple(dict.fromkeys(each for dim in dims for factor in dim for each in factor.seen))


class Whole(NamedTuple):
    """The first node through which all of an axis is seen, by its number, and what reports call it."""

    number: int
    title: str


class Link(NamedTuple):
    """How a tensor reads another one locally: a map for each image axis; None where no path can be counted."""

    source: str
    steps: tuple[LayerMap, ...] | None

    @property
    def is_same(self) -> bool:
        """Whether each element reads the one in its own place."""
        return self.steps is not None and all(step == SAME for step in self.steps)

    def stepping(self, axis: int, layer: LayerMap) -> Link:
        """Return the link with a step along an axis; a second one on top cannot be counted."""
        if self.steps is None or self.steps[axis] != SAME:
            return Link(self.source, None)
        return Link(self.source, (*self.steps[:axis], layer, *self.steps[axis + 1 :]))


@dataclass(frozen=True, slots=True)
class View:
    """What the elements of a tensor see."""

    dims: tuple[Dim, ...]
    whole: Mapping[int, Whole] = field(default_factory=dict)  # of every axis that all see in whole, the node to thank
    normalised: Whole | None = None  # the first normalisation over whole planes: beside the field, for it only scales
    gone: Seen = ()  # what was seen along dimensions that are no more, as by the last output of a sequence alone
    links: tuple[Link, ...] = ()  # the local paths to the tensors before it

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size of every dimension."""
        return tuple(map(size_of, self.dims))

    @property
    def linked(self) -> dict[int, Factor]:
        """The factors of the image axes along which positions are told apart."""
        return {factor.axis: factor for dim in self.dims for factor in dim if factor.axis is not None}

    @property
    def seen(self) -> dict[int, Maps]:
        """What is seen locally along every image axis: by every position, or where those got lost, by any of them."""
        parts: dict[int, Maps] = {}
        for axis, maps in (*(each for dim in self.dims for factor in dim for each in factor.scattered), *self.gone):
            parts[axis] = tuple(dict.fromkeys((*parts.get(axis, ()), *maps)))
        return parts | {axis: factor.maps for axis, factor in self.linked.items()}

    def with_dim(self, place: int, *factors: Factor) -> View:
        """Return the view with another dimension in place of one."""
        return replace(self, dims=(*self.dims[:place], factors, *self.dims[place + 1 :]))

    def under(self, place: int, layer: LayerMap, size: Size) -> View:
        """Return the view after a layer along one dimension."""
        many = [factor for factor in self.dims[place] if factor.size != 1] or list(self.dims[place][:1])
        if len(many) > 1 and any(factor.seen for factor in many):
            raise Unsaid("two axes of the image lie along one dimension")
        before = many[0] if len(many) == 1 else Factor(size_of(tuple(many)))
        return self.with_dim(place, before.under(layer, size)).stepping(before.axis, layer)

    def stepping(self, axis: int | None, layer: LayerMap) -> View:
        """Return the view with a step along an axis in all of its links."""
        if axis is None or layer == SAME:
            return self
        return replace(self, links=tuple(link.stepping(axis, layer) for link in self.links))

    def uncounted(self) -> View:
        """Return the view with links through which no paths are counted."""
        return replace(self, links=tuple(Link(source, None) for source, _ in self.links))

    def lost(self, place: int, size: Size) -> View:
        """Return the view after a dimension's positions got lost: what is seen there is seen somewhere along it."""
        seen = seen_in([self.dims[place]])
        view = self.with_dim(place, Factor(size, scattered=seen))
        return view.uncounted() if seen else view

    def mixing(self, places: Iterable[int], by: Whole, *, keep: bool = False) -> View:
        """Return the view whose elements read all positions along some dimensions, which are left with one each.

        With `keep` they stay as they are: a softmax reads all, and gives as many.
        """
        view = self
        for place in places:
            for factor in view.dims[place]:
                view = view._seeing_all(factor, by)
            if not keep:
                view = view.with_dim(place, *ONE)
        if view.linked.keys() == self.linked.keys():
            return view
        return view.uncounted() if view.linked else replace(view, links=())

    def _seeing_all(self, factor: Factor, by: Whole) -> View:
        """Return the view whose elements each see all of a factor; inside a block, that is the block."""
        dims, blocks = self.dims, factor.blocks
        if blocks is not None:
            dims = tuple(tuple(_unblocked(each, blocks[0]) for each in dim) for dim in dims)
        if factor.size == 1:  # all of one position is what that position sees
            return replace(self, dims=dims, gone=tuple(dict.fromkeys((*self.gone, *factor.seen))))
        return replace(self, dims=dims, whole=_earliest([self.whole, {axis: by for axis, _ in factor.seen}]))

    def normalised_by(self, by: Whole) -> View:
        """Return the view with the note that its scale depends on whole planes."""
        return replace(self, normalised=min(self.normalised or by, by))

    def dropped(self, place: int) -> View:
        """Return the view at one position along a dimension, which is gone then."""
        seen = seen_in([self.dims[place]])
        view = replace(self, dims=(*self.dims[:place], *self.dims[place + 1 :]), gone=(*self.gone, *seen))
        return view.uncounted() if seen else view


def _earliest(wholes: Iterable[Mapping[int, Whole]]) -> dict[int, Whole]:
    """Return for each axis the node that comes first in the graph."""
    found: dict[int, Whole] = {}
    for whole in wholes:
        found |= {axis: min(by, found.get(axis, by)) for axis, by in whole.items()}
    return found


def of_sizes(sizes: Iterable[Size]) -> View:
    """Return the view of what sees nothing of the image."""
    return View(tuple((Factor(size),) for size in sizes))


def of_image(shape: Sequence[Size], plane: Sequence[int]) -> View:
    """Return the view of the image itself: each pixel sees itself along the dimensions that are its plane."""
    linked = {place: axis for axis, place in enumerate(plane)}
    return View(tuple((Factor(n, linked.get(d), (PIXEL,) * (d in linked)),) for d, n in enumerate(shape)))


def merged(views: Sequence[View], at: int | None = None, row: Dim = ()) -> View:
    """Return what elements see that are computed from an element of each of these views: added, multiplied, chosen.

    Views are aligned at the last dimension, and a dimension of size 1 stands for any size, as NumPy has it.  Dimension
    `at`, along which views are concatenated, is the `row`.
    """
    views = [_spread(view, views) for view in views]
    rank = max(len(view.dims) for view in views)
    choices = list(zip(*((ONE,) * (rank - len(view.dims)) + view.dims for view in views), strict=True))
    joined = [(row, ()) if place == at else _joined(dims) for place, dims in enumerate(choices)]
    # Who sees a block of an axis as a whole, and not its own place there, sees more than that place.
    cut = [{factor.blocks[0] for dim in view.dims for factor in dim if factor.blocks} for view in views]
    mixed = {axis for view, own in zip(views, cut, strict=True) for axis in view.linked if axis not in own}
    mixed = mixed if len(views) > 1 else set()
    gone = [*(each for view in views for each in view.gone), *(each for _, lost in joined for each in lost)]
    wide = {factor.axis for dim, _ in joined for factor in dim if factor.size != 1}
    if any(axis in wide for view in views for axis, _ in view.gone if axis not in view.linked):
        raise Unsaid("each position sees its own place, and a second one that is the same for all")
    return View(
        tuple(tuple(reduce(_unblocked, mixed, factor) for factor in dim) for dim, _ in joined),
        _earliest(view.whole for view in views),
        min((view.normalised for view in views if view.normalised), default=None),
        tuple(dict.fromkeys(gone)),
        tuple(link for view in views for link in view.links),
    )  # fmt: skip


def _spread(view: View, views: Sequence[View]) -> View:
    """Return the view with its one position of an axis repeated, where another view has all positions of that axis."""
    for place, dim in enumerate(view.dims):
        others = [other.dims[place - len(view.dims)] for other in views if len(other.dims) >= len(view.dims) - place]
        axes = {axis for axis, _ in seen_in([dim])} if size_of(dim) == 1 else set()
        wide = [other[0].size for other in others if len(other) == 1 and other[0].axis in axes and other[0].size != 1]
        if wide and not (isinstance(wide[0], int) and any(factor.axis in axes for factor in dim)):
            raise Unsaid("it repeats one position of the image over an axis, whose size --input says")
        view = view.under(place, nearest(wide[0]), wide[0]) if wide else view
    return view


def _joined(dims: Sequence[Dim]) -> tuple[Dim, Seen]:
    """Return one dimension for several that are combined position by position, and what is seen without a place."""
    many = [dim for dim in dims if size_of(dim) != 1] or list(dims)
    lone: list[Factor] = []
    if len({tuple(factor.axis for factor in dim if not factor.is_plain) for dim in many}) > 1:
        # Where an axis has one position left, a reshape may have put it into any dimension; it tells nothing apart.
        lone = [factor for dim in many if len(dim) > 1 for factor in dim if factor.size == 1]
        many = [tuple(factor for factor in dim if factor not in lone) for dim in many]
    linked = [dim for dim in many if not all(factor.is_plain for factor in dim)]
    first = (linked or many)[0]
    for other in linked[1:]:
        if [factor.axis for factor in other] != [factor.axis for factor in first]:
            raise Unsaid("what it combines lies along different axes of the image")
        first = tuple(_both(one, two) for one, two in zip(first, other, strict=True))
    return first, seen_in([*(dim for dim in dims if size_of(dim) == 1 != size_of(first)), tuple(lone)])


def _both(one: Factor, two: Factor) -> Factor:
    """Return the factor whose positions see what both see."""
    if one == two:
        return one
    size = one.size if isinstance(one.size, int) else two.size
    maps = one.maps if one.maps == two.maps else join((*one.maps, *two.maps))
    if len(maps) > MOST_STRIDES:
        raise Unsaid(f"it combines branches of {len(maps)} strides")
    scattered = tuple(dict.fromkeys((*one.scattered, *two.scattered)))
    return Factor(size, one.axis, maps, None if one.axis is not None else one.blocks or two.blocks, scattered)


def _unblocked(factor: Factor, axis: int) -> Factor:
    return Factor(factor.size) if factor.blocks is not None and factor.blocks[0] == axis else factor
