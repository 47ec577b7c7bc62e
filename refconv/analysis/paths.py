"""How many paths lead from an output to each pixel?  Counted forwards for any image, and backwards near a border.

In 2-D a path is one path down and one across, so the counts of a chain are the outer product of those of the two axes.
Those of branches are a sum of outer products, which is no outer product any more: hence a list of terms.

In the inside of an image every output of the same phase has the same counts.  Near the border it has not: a path that
runs through the padding of any layer, not only of the first, ends there, because nothing but zeros comes that way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from refconv.analysis.axis_map import PIXEL_TAPS, AxisMap, LayerMap
from refconv.analysis.layers import Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.taps import Taps
from refconv.analysis.trace import feature_maps, trace
from refconv.geometry.arguments import Pair

__all__: list[str] = []


class Term(NamedTuple):
    """An outer product: how often the paths down and across are combined."""

    rows: Taps
    columns: Taps
    times: int

    @property
    def total(self) -> int:
        """The number of all paths."""
        return self.times * self.rows.total * self.columns.total


class MapTerm(NamedTuple):
    """An outer product of axis maps: a `Term` for every output."""

    height: AxisMap[Taps]
    width: AxisMap[Taps]
    times: int

    def under(self, layer: Layer) -> MapTerm:
        """Return the term of a layer on top of this one; where both axes are the same, the work is done once."""
        down, across = layer.axis_map(0), layer.axis_map(1)
        height = self.height.under(down)
        is_square = self.height is self.width and down is across
        return MapTerm(height, height if is_square else self.width.under(across), self.times)

    def of_output(self, output: Pair) -> Term:
        """Return what one output reads."""
        return Term(self.height.reads(output[0]), self.width.reads(output[1]), self.times)


T = TypeVar("T", Term, MapTerm)


def map_terms(layers: Layers) -> list[tuple[MapTerm, ...]]:
    """Return the terms before the first layer and after each one."""
    start = (MapTerm(PIXEL_TAPS, PIXEL_TAPS, 1),)
    return trace(layers, start, lambda terms, layer: tuple(term.under(layer) for term in terms), _collected)


def _collected(branches: Iterable[Iterable[T]]) -> tuple[T, ...]:
    """Return the terms of all branches, with those that differ only in `times` as one.

    A network of residual blocks would double its terms with each block; as most blocks are alike, so are most terms.
    """
    times: dict[tuple[Any, Any], T] = {}
    for term in chain.from_iterable(branches):
        same = times.get(term[:2])
        times[term[:2]] = term if same is None else term._replace(times=same.times + term.times)
    return tuple(times.values())


def follow_back(layers: Layers, input_size: Pair, terms: Sequence[Term]) -> Sequence[Term]:
    """Return the terms at the input, given those at the output: backwards, as each layer's padding ends paths."""
    sizes = feature_maps(layers, input_size)
    for layer, size in zip(reversed(layers), reversed(sizes[:-1]), strict=True):
        if isinstance(layer, Parallel):
            terms = _collected(follow_back(branch, size, terms) for branch in layer.branches)
        else:
            down, across = layer.axis_map(0), layer.axis_map(1)
            terms = [
                Term(_paths_back(rows, down, size[0]), _paths_back(columns, across, size[1]), times)
                for rows, columns, times in terms
            ]
    return terms


def _paths_back(taps: Taps, layer: LayerMap, size: int) -> Taps:
    """Return how many paths lead to each input of a layer, given those that lead to its outputs."""
    counts: dict[int, int] = {}
    for output, count in taps.counts.items():
        for place in layer.reads(output):
            if 0 <= place < size:
                counts[place] = counts.get(place, 0) + count
    return Taps(counts)


def variance(terms: Iterable[Term], taps_along_axis: Iterable[Taps]) -> Fraction:
    """Return ``E[h²] − E[h]²`` of the places h where paths end along one axis: of each term, its taps there."""
    paths = first = second = 0
    for term, taps in zip(terms, taps_along_axis, strict=True):
        across = term.total // taps.total if taps.total else 0
        paths += term.total
        first += across * sum(count * place for place, count in taps.counts.items())
        second += across * sum(count * place**2 for place, count in taps.counts.items())
    return Fraction(second, paths) - Fraction(first, paths) ** 2


def paths_within_sides(terms: Iterable[Term], rows: range, columns: range) -> list[int]:
    """Return how many paths end in the square in the middle of the rows and columns, for each side from 0 on."""
    sides = max(len(rows), len(columns)) + 1
    paths = [0] * sides
    for term in terms:
        down, across = term.rows.within_sides(rows, sides), term.columns.within_sides(columns, sides)
        for side in range(sides):
            paths[side] += term.times * down[side] * across[side]
    return paths
