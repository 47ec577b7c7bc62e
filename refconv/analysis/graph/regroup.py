"""A reshape: the factors of all dimensions in a row, and other borders between dimensions.

    (N, C, H, W) → (N, C, H·W)            two factors in one dimension: tokens
    (N, C, H, W) → (N, 2, C/2, H, W)      a factor without a link is cut in two
    (N, C, H, W) → (N, C, H/4, 4, W)      an axis of the image is cut into blocks of 4, and each block sees 4 pixels

Where blocks and the place in the block come together again, the axis is what it was before, if nothing read it between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refconv.analysis.axis_map import LayerMap, nearest, window
from refconv.analysis.graph.factors import Dim, Factor, product
from refconv.analysis.graph.nodes import Size, Unsaid
from refconv.analysis.graph.views import View

__all__: list[str] = []

Steps = list[tuple[int, LayerMap | None]]


def reshaped(view: View, sizes: Sequence[Size]) -> View:
    """Return the view of a reshaped tensor; one size may be -1, for all that is left."""
    factors = [factor for dim in view.dims for factor in dim if factor.size != 1 or factor.axis is not None]
    steps: Steps = []
    places = [place for place, size in enumerate(sizes) if size == -1] or [len(sizes)]
    front = [_taken(factors, size, steps) for size in sizes[: places[0]]]
    back = [_taken(factors, size, steps, last=True) for size in reversed(sizes[places[0] + 1 :])]
    if len(sizes) == places[0] and any(factor.size != 1 for factor in factors):
        raise Unsaid("its sizes do not divide those before it")
    middle = [tuple(factors)] if places[0] < len(sizes) else []
    dims = [_tidied(list(dim), steps) for dim in [*front, *middle, *reversed(back)]]
    # Of an axis with one position there may be nothing left but what that position sees.
    lost = [] if middle else [each for factor in factors for each in factor.seen]
    result = replace(view, dims=tuple(dims), gone=tuple(dict.fromkeys((*view.gone, *lost))))
    for axis, layer in steps:
        result = result.uncounted() if layer is None else result.stepping(axis, layer)
    return result


def _taken(factors: list[Factor], size: Size, steps: Steps, *, last: bool = False) -> Dim:
    """Take factors that make up a dimension of this size off one end of the row, and cut the last one where needed."""
    end = -1 if last else 0
    dim: list[Factor] = []
    while size != 1 or (not dim and factors and factors[end].size == 1):
        if not factors:
            raise Unsaid("its sizes do not divide those before it")
        together = _making(factors, size, last=last)
        if together:
            dim += together
            break
        factor = factors.pop(end)
        if factor.size is not size and factor.size != size:
            if not isinstance(size, int) or not isinstance(factor.size, int):
                raise Unsaid(f"{size} cannot be taken off {factor.size} positions; --input says how large the image is")
            if size % factor.size == 0:
                dim.append(factor)
                size //= factor.size
                continue
            if factor.size % size:
                factors.insert(len(factors) if last else 0, _with_next(factor, factors, steps, last=last))
                continue
            outer, inner = _cut(factor, factor.size // size if last else size, steps)
            factors.insert(len(factors) if last else 0, outer if last else inner)
            factor = inner if last else outer
        dim.append(factor)
        break
    return tuple(reversed(dim)) if last else tuple(dim)


def _making(factors: list[Factor], size: Size, *, last: bool) -> list[Factor]:
    """Take the factors off one end that make up an unknown size together, as those of all pixels do."""
    if isinstance(size, int):
        return []
    for count in range(2, len(factors) + 1):
        taken = factors[-count:] if last else factors[:count]
        if product(factor.size for factor in taken) is size:
            del factors[-count if last else 0 : len(factors) if last else count]
            return taken[::-1] if last else taken
    return []


def _with_next(factor: Factor, factors: list[Factor], steps: Steps, *, last: bool) -> Factor:
    """Return a factor and its neighbour as one, for a border that falls between: 8·7 positions as 7·8."""
    other = factors.pop(-1 if last else 0) if factors else Factor(1)
    pair = _tidied([other, factor] if last else [factor, other], steps)
    if all(each.axis is None and not each.blocks and not each.scattered for each in pair):
        pair = (Factor(product(each.size for each in pair)),)
    if len(pair) > 1 or pair[0].size == factor.size:
        raise Unsaid(f"a dimension of {factor.size} is cut where it has no border")
    return pair[0]


def _cut(factor: Factor, outer: int, steps: Steps) -> tuple[Factor, Factor]:
    """Cut a factor into blocks and the place in a block."""
    assert isinstance(factor.size, int)
    side = factor.size // outer
    if factor.axis is None:
        if factor.blocks:
            raise Unsaid("a block of the image is cut once more")
        return Factor(outer, scattered=factor.scattered), Factor(side)
    blocks = factor.under(window(side, stride=side), outer)
    steps.append((factor.axis, window(side, stride=side)))
    return blocks, Factor(side, blocks=(factor.axis, factor.maps, blocks.maps))


def _tidied(dim: list[Factor], steps: Steps) -> Dim:
    """Put blocks together with the places in them; an axis with other factors behind it repeats each pixel."""
    done: list[Factor] = []
    for factor in dim:
        before = done[-1] if done else None
        if before is None or before.axis is None or factor.axis is not None or factor.scattered:
            done.append(factor)
        elif factor.blocks and factor.blocks[0] == before.axis:
            if before.maps != factor.blocks[2]:
                raise Unsaid("it puts blocks of the image together that were read block by block")
            done[-1] = Factor(product([before.size, factor.size]), before.axis, factor.blocks[1])
            steps.append((before.axis, None))
        elif isinstance(factor.size, int):
            done[-1] = before.under(nearest(factor.size), product([before.size, factor.size]))
            steps.append((before.axis, nearest(factor.size)))
        else:
            done.append(factor)
    return tuple(done)
