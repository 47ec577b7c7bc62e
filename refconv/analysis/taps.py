"""The offsets that an output reads along one axis: those of a layer in a row, those of a stack from first to last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from refconv.analysis.symbols import greatest, least

__all__ = ["Progression", "Span"]


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


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last of several offsets, which costs next to nothing and works for symbols; or `NOTHING`.

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


NOTHING = Span(0, -1)
