"""Nodes that put other borders between dimensions: the factors of all dimensions stay in their row.

    (N, C, H, W) → (N, C, H·W)            two factors in one dimension: tokens
    (N, C, H, W) → (N, 2, C/2, H, W)      a factor without a link is cut in two
    (N, C, H, W) → (N, C, H/4, 4, W)      an axis of the image is cut into blocks of 4, and each block sees 4 pixels

Where blocks and the place in the block come together again, the axis is what it was before, if nothing read it between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refconv.analysis.axis_map import LayerMap, nearest, window
from refconv.analysis.graph.call import Call
from refconv.analysis.graph.nodes import Size, Unsaid
from refconv.analysis.graph.views import ONE, Dim, Factor, View, product, seen_in, size_of

__all__: list[str] = []


def reshape(call: Call) -> View:
    """Give the same elements, in the same order, other dimensions."""
    view, keeps = call.view(), not call.node.number("allowzero", 0)
    target = call.given("shape", 1, ())
    if sum(size == -1 for size in target) > 1 or (keeps and any(size == 0 for size in target[len(view.dims) :])):
        call.node.wrong(f"shape={target} must have one -1 at most, and no 0 without a dimension before it")
    return reshaped(view, [view.shape[place] if size == 0 and keeps else size for place, size in enumerate(target)])


def flatten(call: Call) -> View:
    """Make two dimensions: those before `axis`, and those from there on."""
    view, axis = call.view(), call.node.attributes.get("axis", 1)
    rank = len(view.dims)
    axis = rank if axis == rank else call.node.dimension(axis, rank, "axis")
    return reshaped(view, [product(view.shape[:axis]), -1])


def squeeze(call: Call) -> View:
    """Leave out dimensions of size 1."""
    view = call.view()
    chosen = call.numbers("axes", 1, [place for place, size in enumerate(view.shape) if size == 1])
    for place in sorted({call.node.dimension(place, len(view.dims)) for place in chosen}, reverse=True):
        view = view.dropped(place)
    return view


def unsqueeze(call: Call) -> View:
    """Put in dimensions of size 1."""
    view, chosen = call.view(), call.numbers("axes", 1)
    rank = len(view.dims) + len(chosen)
    for place in sorted(call.node.dimension(place, rank) for place in chosen):
        view = replace(view, dims=(*view.dims[:place], ONE, *view.dims[place:]))
    return view


class _Row:
    """The factors of a tensor in a row, of which dimensions are taken from either end; `steps` is what cuts read."""

    def __init__(self, factors: list[Factor]) -> None:
        self.factors = factors
        self.steps: list[tuple[int, LayerMap | None]] = []

    def taken(self, size: Size, end: int) -> Dim:
        """Take the factors of a dimension of this size off the front, 0, or the back, -1; cut the last of them."""
        dim: list[Factor] = []
        while size != 1 or (not dim and self.factors and self.factors[end].size == 1):
            if not self.factors:
                raise Unsaid("its sizes do not divide those before it")
            if together := self._together(size, end):
                dim += together
                break
            factor = self.factors.pop(end)
            if factor.size is size or factor.size == size:
                dim.append(factor)
                break
            if not isinstance(size, int) or not isinstance(factor.size, int):
                raise Unsaid(f"{size} cannot be taken off {factor.size} positions; --input says how large the image is")
            if size % factor.size == 0:
                dim.append(factor)
                size //= factor.size
            elif factor.size % size:
                self._put(self._with_next(factor, end), end)
            else:
                parts = self._cut(factor, size if end == 0 else factor.size // size)
                self._put(parts[end + 1], end)
                dim.append(parts[end])
                break
        return tuple(dim[::-1] if end else dim)

    def _put(self, factor: Factor, end: int) -> None:
        self.factors.insert(len(self.factors) if end else 0, factor)

    def _together(self, size: Size, end: int) -> list[Factor]:
        """Take the factors that make up an unknown size together, as those of all pixels do."""
        for count in range(2, 0 if isinstance(size, int) else len(self.factors) + 1):
            part = slice(-count, None) if end else slice(count)
            if product(factor.size for factor in self.factors[part]) is size:
                found = self.factors[part]
                del self.factors[part]
                return found[::-1] if end else found
        return []

    def _with_next(self, factor: Factor, end: int) -> Factor:
        """Return a factor and its neighbour as one, for a border that falls between: 8·7 positions as 7·8."""
        other = self.factors.pop(end) if self.factors else Factor(1)
        pair = self.tidied([other, factor] if end else [factor, other])
        if all(each.is_plain for each in pair):
            pair = (Factor(size_of(pair)),)
        if len(pair) > 1 or pair[0].size == factor.size:
            raise Unsaid(f"a dimension of {factor.size} is cut where it has no border")
        return pair[0]

    def _cut(self, factor: Factor, outer: int) -> tuple[Factor, Factor]:
        """Cut a factor into blocks and the place in a block."""
        side = int(factor.size) // outer  # type: ignore[arg-type]  # whoever cuts knows how much
        if factor.axis is None:
            if factor.blocks:
                raise Unsaid("a block of the image is cut once more")
            return replace(factor, size=outer), Factor(side)
        layer = window(side, stride=side)
        blocks = factor.under(layer, outer)
        self.steps.append((factor.axis, layer))
        return blocks, Factor(side, blocks=(factor.axis, factor.maps, blocks.maps))

    def tidied(self, dim: Sequence[Factor]) -> Dim:
        """Put blocks together with the places in them; an axis with other factors behind it repeats each pixel."""
        done: list[Factor] = []
        for factor in dim:
            before = done[-1] if done else None
            if before is None or before.axis is None or factor.axis is not None or factor.scattered:
                done.append(factor)
            elif factor.blocks and factor.blocks[0] == before.axis:
                if before.maps != factor.blocks[2]:
                    raise Unsaid("it puts blocks of the image together that were read block by block")
                done[-1] = Factor(size_of((before, factor)), before.axis, factor.blocks[1])
                self.steps.append((before.axis, None))
            elif isinstance(factor.size, int):
                done[-1] = before.under(nearest(factor.size), size_of((before, factor)))
                self.steps.append((before.axis, nearest(factor.size)))
            else:
                done.append(factor)
        return tuple(done)


def reshaped(view: View, sizes: Sequence[Size]) -> View:
    """Return the view of a reshaped tensor; one size may be -1, for all that is left."""
    row = _Row([factor for dim in view.dims for factor in dim if factor.size != 1 or factor.axis is not None])
    free = next((place for place, size in enumerate(sizes) if size == -1), len(sizes))
    dims = [row.taken(size, 0) for size in sizes[:free]]
    back = [row.taken(size, -1) for size in reversed(sizes[free + 1 :])]
    dims += [tuple(row.factors)] if free < len(sizes) else []
    if free == len(sizes) and any(factor.size != 1 for factor in row.factors):
        raise Unsaid("its sizes do not divide those before it")
    # Of an axis with one position there may be nothing left but what that position sees.
    lost = seen_in([tuple(row.factors)]) if free == len(sizes) else ()
    tidied = tuple(map(row.tidied, (*dims, *reversed(back))))
    view = replace(view, dims=tidied, gone=tuple(dict.fromkeys((*view.gone, *lost))))
    for axis, layer in row.steps:
        view = view.uncounted() if layer is None else view.stepping(axis, layer)
    return view
