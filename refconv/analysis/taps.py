"""The offsets that an output reads along one axis: listed, counted, or only the first and the last.

A layer's own offsets are a `Progression`.  What a stack of layers reads is a multiset of offsets, in one of two
resolutions: `Taps` counts every offset, `Span` keeps the first and the last, which costs next to nothing and works for
symbols, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.symbols import greatest, least

__all__ = ["Span", "Taps"]


@dataclass(frozen=True, slots=True)
class Progression:
    """The offsets that one layer reads: ``first, first + step, …``, `count` of them."""

    first: int
    step: int
    count: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.first + self.step * self.count, self.step))

    @property
    def last(self) -> int:
        """The largest offset; before the first where there is none."""
        return self.first + self.step * (self.count - 1)

    def ends(self, count: int) -> Progression | tuple[int, ...]:
        """Return the first and the last `count` offsets, and those between only where there are few of them."""
        if self.count <= 2 * count:
            return self
        first = Progression(self.first, self.step, count)
        return (*first, *Progression(self.last - self.step * (count - 1), self.step, count))


PIXEL = Progression(0, 1, 1)


class Contents(Protocol):
    """What a phase holds: a summary of a multiset of offsets."""

    @classmethod
    def gather(cls, parts: Iterable[tuple[int, Self]]) -> Self:
        """Return the sum of all parts, each moved by its own number of pixels."""
        ...

    def through(self, layer: Progression, shift: int) -> Self:
        """Return what a layer reads on top of a map with one phase, `shift` pixels from output to output."""
        ...

    def needed(self, layer: Progression, period: int) -> Iterable[int]:
        """Return the layer's offsets that have to be looked at, on top of a map of so many phases."""
        ...


@dataclass(frozen=True, slots=True)
class Taps:
    """A multiset of offsets: a polynomial with an exponent for every offset and its count as the coefficient.

    Parameters
    ----------
    counts : mapping of int to int
        How many paths lead to each offset; offsets that no path leads to are not in it.

    Examples
    --------
    Two taps on two taps, ``(1 + x)·(1 + x) = 1 + 2x + x²``, have three offsets, and the middle one twice.

    >>> Taps({0: 1, 1: 1}).through(Progression(first=0, step=1, count=2), shift=1).counts
    {0: 1, 1: 2, 2: 1}
    """

    counts: Mapping[int, int]

    @classmethod
    def gather(cls, parts: Iterable[tuple[int, Taps]]) -> Taps:
        """Return the sum of all parts, each moved by its own number of pixels."""
        total: dict[int, int] = {}
        for move, taps in parts:
            for offset, count in taps.counts.items():
                total[offset + move] = total.get(offset + move, 0) + count
        return cls(total)

    def through(self, layer: Progression, shift: int) -> Taps:
        """Return the product of the two polynomials, the layer's with steps of `shift` pixels."""
        if layer == PIXEL:
            return self
        return self.gather((shift * tap, self) for tap in layer)

    def needed(self, layer: Progression, period: int) -> Iterable[int]:  # noqa: ARG002  # a span needs fewer
        """Return all offsets: each is a path."""
        return layer

    @property
    def total(self) -> int:
        """The number of all paths."""
        return sum(self.counts.values())

    @property
    def span(self) -> Span:
        """The first and the last offset."""
        return Span(min(self.counts), max(self.counts)) if self.counts else NOTHING

    def dense(self, pixels: range, dtype: type, block: int = 1) -> NDArray[Any]:
        """Return the counts of every `block` pixels together, zeros included."""
        counts: NDArray[Any] = np.zeros(-(-len(pixels) // block), dtype)
        for offset, count in self.counts.items():
            counts[(offset - pixels.start) // block] += count
        return counts

    def within_sides(self, pixels: range, sides: int) -> list[int]:
        """Return how many paths end at most ``(side − 1)/2`` from the middle of the pixels, for each side from 0 on."""
        at_side = [0] * sides
        for offset, count in self.counts.items():
            at_side[abs(2 * offset - pixels[0] - pixels[-1]) + 1] += count
        return list(accumulate(at_side))

    def __hash__(self) -> int:
        return hash(frozenset(self.counts.items()))


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last of a multiset of offsets; `NOTHING` is the empty one's.

    Parameters
    ----------
    first, last : int
        Both are read.

    Examples
    --------
    >>> Span(-1, 1).through(Progression(first=-2, step=2, count=3), shift=1)
    Span(first=-3, last=3)
    """

    first: int
    last: int

    @property
    def size(self) -> int:
        """``last − first + 1`` pixels."""
        return self.last - self.first + 1

    @classmethod
    def gather(cls, parts: Iterable[tuple[int, Span]]) -> Span:
        """Return the span of all parts, each moved by its own number of pixels."""
        moved = [(move + span.first, move + span.last) for move, span in parts if span != NOTHING]
        return cls(least(first for first, _ in moved), greatest(last for _, last in moved)) if moved else NOTHING

    def through(self, layer: Progression, shift: int) -> Span:
        """Return the span from the layer's first tap to its last, which are the only ones that count here."""
        if layer.count == 0 or self == NOTHING:
            return NOTHING
        return Span(self.first + shift * layer.first, self.last + shift * layer.last)

    def needed(self, layer: Progression, period: int) -> Iterable[int]:
        """Return the offsets at either end, one for each phase: a million taps cost no more than two."""
        return layer.ends(period)


NOTHING = Span(0, -1)
