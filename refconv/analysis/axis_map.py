"""What one output reads along one axis: the algebra that every analysis reads off.

Output ``p = P·q + φ`` reads the inputs ``h = S·q + t``, for every offset t in the contents of phase φ.

    P   period: the number of phases, after which the pattern repeats
    S   shift: how far the pattern has moved on after one period, in input pixels
    φ   phase: p modulo P

A convolution has one phase, moves S = its stride, and its offsets are ``D·k − T``.  A transposed convolution and an
upsampling have several phases and move one pixel a period.  Layers on top of each other are an `AxisMap` again, with
the product of their tap polynomials as contents, and so are branches that are added or concatenated, with the sum.

The contents come in two resolutions: `Taps` counts every offset, `Span` keeps only the first and the last, which costs
next to nothing and works for symbols, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Protocol, Self, TypeVar

from refconv.analysis.symbols import greatest, least

__all__ = ["AxisMap", "Span", "Taps"]


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


class Contents(Protocol):
    """What a phase holds: a summary of a multiset of offsets."""

    @classmethod
    def gather(cls, parts: Iterable[tuple[int, Self]]) -> Self:
        """Return the sum of all parts, each moved by its own number of pixels."""
        ...

    def through(self, layer: Progression, shift: int) -> Self:
        """Return what a layer reads on top of a map with one phase, `shift` pixels from output to output."""
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
        return self.gather((shift * tap, self) for tap in layer)

    @property
    def span(self) -> Span:
        """The first and the last offset."""
        return Span(min(self.counts), max(self.counts)) if self.counts else NOTHING

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


NOTHING = Span(0, -1)
C = TypeVar("C", bound=Contents)


@dataclass(frozen=True, slots=True)
class AxisMap(Generic[C]):
    """What every output along one axis reads: output ``P·q + φ`` the inputs ``S·q + t``, t in ``phases[φ]``.

    Parameters
    ----------
    shift : int
        S, input pixels a period.
    phases : tuple of Taps or Span
        The contents of each of the P phases.

    Examples
    --------
    A pixel reads itself.  Two layers of three taps on top, the first at stride 2, read 7 pixels: 1, 1, 2, 1, 2, 1, 1
    times.

    >>> pixel = AxisMap(1, (Taps({0: 1}),))
    >>> both = pixel.under(window(3, stride=2)).under(window(3))
    >>> both.shift, both.phases[0].counts
    (2, {0: 1, 1: 1, 2: 2, 3: 1, 4: 2, 5: 1, 6: 1})
    >>> both.reads(output=10).span
    Span(first=20, last=26)
    """

    shift: int
    phases: tuple[C, ...]

    @property
    def period(self) -> int:
        """P, the number of phases."""
        return len(self.phases)

    def reads(self, output: int) -> C:
        """Return what one output reads, as input pixels."""
        periods, phase = divmod(output, self.period)
        contents = self.phases[phase]
        return contents.gather([(self.shift * periods, contents)])

    def under(self, layer: LayerMap) -> AxisMap[C]:
        """Return the map of a layer on top of this one: its outputs, in terms of this map's inputs.

        One period of the layer moves on by `layer.shift` outputs of this map; the pattern repeats after as many
        periods as make that a multiple of this map's own period.
        """
        # With one phase there is nothing to find a common multiple with, and a stride may be a symbol.
        repeats = self.period // math.gcd(layer.shift, self.period) if self.period > 1 else 1
        starts = [layer.shift * repeat for repeat in range(repeats)]
        phases = tuple(self._through(taps, start) for start in starts for taps in layer.phases)
        return AxisMap(self.shift * (layer.shift * repeats) // self.period, phases)

    def _through(self, taps: Progression, start: int) -> C:
        """Return what `taps`, moved by `start` outputs of this map, read."""
        if self.period == 1:
            return self.phases[0].through(taps, self.shift)
        places = [divmod(start + tap, self.period) for tap in taps]
        return self.phases[0].gather((self.shift * periods, self.phases[phase]) for periods, phase in places)

    def repeated(self, times: int) -> AxisMap[C]:
        """Return the same map with `times` its periods as one."""
        outputs = range(self.period * times)
        return self if times == 1 else AxisMap(self.shift * times, tuple(map(self.reads, outputs)))

    def moves_like(self, other: AxisMap[C]) -> bool:
        """Whether both maps move equally far from output to output: ``S / P`` is the same."""
        return bool(self.shift * other.period == other.shift * self.period)


@dataclass(frozen=True, slots=True)
class LayerMap:
    """What every output of a single layer reads; as `AxisMap`, each phase a progression."""

    shift: int
    phases: tuple[Progression, ...]


def join(maps: Iterable[AxisMap[C]]) -> tuple[AxisMap[C], ...]:
    """Return the sum of maps: what outputs read that add or concatenate several branches.

    Maps that move equally far from output to output become one map; the others cannot, and stay beside each other.
    """
    joined: list[AxisMap[C]] = []
    for branch in maps:
        alike = [other for other in joined if other.moves_like(branch)]
        joined = [other for other in joined if not other.moves_like(branch)]
        joined.append(_sum([*alike, branch]))
    return tuple(joined)


def _sum(maps: Sequence[AxisMap[C]]) -> AxisMap[C]:
    if len(maps) == 1:
        return maps[0]
    period = math.lcm(*(branch.period for branch in maps))
    aligned = [branch.repeated(period // branch.period) for branch in maps]
    phases = zip(*(branch.phases for branch in aligned), strict=True)
    return AxisMap(aligned[0].shift, tuple(same[0].gather((0, contents) for contents in same) for same in phases))


@lru_cache
def window(kernel_size: int, stride: int = 1, dilation: int = 1, before: int = 0) -> LayerMap:
    """Return a convolution's or a pooling's map: output p reads ``S·p + D·k − T``; `before` is T."""
    return LayerMap(stride, (Progression(-before, dilation, kernel_size),))


@lru_cache
def transposed_window(kernel_size: int, stride: int, dilation: int, before: int) -> LayerMap:
    """Return a transposed convolution's map: input h writes to ``S·h + D·k − T``; p reads ``(p + T − D·k) / S``.

    Only the taps for which that is a whole number are read, and which ones these are repeats after S outputs.
    """
    step = dilation // math.gcd(dilation, stride)
    phases = []
    for phase in range(stride):
        places = [divmod(phase + before - dilation * tap, stride) for tap in range(kernel_size)]
        offsets = [offset for offset, remainder in places if remainder == 0]
        phases.append(Progression(min(offsets, default=0), step, len(offsets)))
    return LayerMap(1, tuple(phases))


@lru_cache
def nearest(scale: int) -> LayerMap:
    """Return the map of an upsampling that repeats each pixel: output p reads ``floor(p / scale)``."""
    return LayerMap(1, (Progression(0, 1, 1),) * scale)


@lru_cache
def linear(scale: int) -> LayerMap:
    """Return a linear upsampling's map: output p lies at ``(p + ½)/scale − ½`` and reads the pixels on either side.

    Where it falls on a pixel it reads that one only.  This is PyTorch's ``align_corners=False``, ONNX's ``half_pixel``.
    """
    places = [divmod(2 * phase + 1 - scale, 2 * scale) for phase in range(scale)]
    return LayerMap(1, tuple(Progression(offset, 1, 1 if rest == 0 else 2) for offset, rest in places))


PIXEL_TAPS: AxisMap[Taps] = AxisMap(1, (Taps({0: 1}),))
PIXEL_SPAN: AxisMap[Span] = AxisMap(1, (Span(0, 0),))
