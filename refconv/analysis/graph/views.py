"""Which part of the image do the elements of a tensor see?  Said for each dimension, and carried from node to node.

A tensor's dimension is a product of `Factor`s, the slowest first.  The factor of an image axis is *linked* to it: its
`maps` say which pixels of that axis each position sees.  Channels, the batch, and whatever a node mixed together have
no link.  So NCHW is four dimensions of one factor each; flattened to tokens, height and width are the two factors of
one dimension; and a reshape back finds both again.

Whoever reads all positions of a linked factor sees the whole axis from there on (`View.whole`), beside what it still
sees locally: a squeeze-and-excitation block multiplies a feature map with a gate that has seen all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import NamedTuple

from refconv.analysis.axis_map import PIXEL_SPAN, LayerMap
from refconv.analysis.graph.factors import SAME, Dim, Factor, both, product, unblocked
from refconv.analysis.graph.nodes import Size, Unsaid
from refconv.analysis.region import Maps

__all__: list[str] = []


class Whole(NamedTuple):
    """The first node through which all of an axis is seen, by its number, and the factors it was seen at."""

    number: int
    title: str


class Link(NamedTuple):
    """How a tensor reads another one locally: a map for each image axis; None where no path can be counted."""

    source: str
    steps: tuple[LayerMap, ...] | None


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
                dims = tuple(tuple(unblocked(each, factor.blocks[0]) for each in dim) for dim in dims)
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
    dims = [tuple(reduce(unblocked, mixed, factor) for factor in dim) for dim in dims]
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
        first = tuple(both(one, two) for one, two in zip(first, other, strict=True))
    return first, lost


def of_image(shape: Sequence[Size], plane: Sequence[int]) -> View:
    """Return the view of the image itself: each pixel sees itself along the dimensions that are its plane."""
    factors = [
        Factor(size, plane.index(d), (PIXEL_SPAN,)) if d in plane else Factor(size) for d, size in enumerate(shape)
    ]
    return View(tuple((factor,) for factor in factors))
