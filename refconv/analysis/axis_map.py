"""What one output reads along one axis: the algebra that every analysis reads off.

Output ``p = P·q + φ`` reads the inputs ``h = S·q + t``, for every offset t in the contents of phase φ.

    P   period: the number of phases, after which the pattern repeats
    S   shift: how far the pattern has moved on after one period, in input pixels
    φ   phase: p modulo P

A convolution has one phase, moves S = its stride, and its offsets are ``D·k − T``.  A transposed convolution and an
upsampling have several phases and move one pixel a period.  Layers on top of each other are an `AxisMap` again, and so
are branches that are added or concatenated.

Of the offsets only the first and the last are kept, a `Span`; `paths` counts them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from refconv.analysis.symbols import greatest, is_symbolic, least

__all__ = ["AxisMap", "LayerMap", "Progression", "Span"]


@dataclass(frozen=True, slots=True)
class Progression:
    """The offsets that one layer reads: ``first, first + step, …``, `count` of them.

    Examples
    --------
    >>> list(Progression(first=-2, step=3, count=3)), Progression(-2, 3, 3).last
    ([-2, 1, 4], 4)
    """

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


@dataclass(frozen=True, slots=True)
class AxisMap:
    """What every output along one axis reads: output ``P·q + φ`` the inputs ``S·q + t``, t in ``phases[φ]``.

    Parameters
    ----------
    shift : int
        S, input pixels a period.
    phases : tuple of Span
        The offsets of each of the P phases.

    Examples
    --------
    A pixel reads itself.  Two layers of three taps on top, the first at stride 2, read 7 pixels.

    >>> both = PIXEL.under(window(3, stride=2)).under(window(3))
    >>> both.shift, both.phases
    (2, (Span(first=0, last=6),))
    >>> both.reads(output=10)
    Span(first=20, last=26)
    """

    shift: int
    phases: tuple[Span, ...]

    @property
    def period(self) -> int:
        """P, the number of phases."""
        return len(self.phases)

    @property
    def size(self) -> int:
        """The most pixels that any output sees, from the first to the last."""
        return greatest([span.size for span in self.phases])

    @property
    def stride(self) -> int | Fraction:
        """The pixels between neighbouring outputs, ``S / P``."""
        return ratio(self.shift, self.period)

    def reads(self, output: int) -> Span:
        """Return the first and the last input pixel that one output reads."""
        periods, phase = divmod(output, self.period)
        return Span.gather([(self.shift * periods, self.phases[phase])])

    def under(self, layer: LayerMap) -> AxisMap:
        """Return the map of a layer on top of this one: its outputs, in terms of this map's inputs.

        One period of the layer moves on by `layer.shift` outputs of this map; the pattern repeats after as many
        periods as make that a multiple of this map's own period.
        """
        if self.period == 1:  # nothing repeats, so that a stride may be a symbol
            return AxisMap(self.shift * layer.shift, tuple(self.phases[0].through(t, self.shift) for t in layer.phases))
        common = math.lcm(layer.shift, self.period)
        starts = range(0, common, layer.shift)
        phases = tuple(self._through(taps, start) for start in starts for taps in layer.phases)
        return AxisMap(self.shift * (common // self.period), phases)

    def _through(self, taps: Progression, start: int) -> Span:
        """Return what `taps`, moved by `start` outputs of this map, read: at either end one for each phase will do."""
        places = [divmod(start + tap, self.period) for tap in taps.ends(self.period)]
        return Span.gather((self.shift * periods, self.phases[phase]) for periods, phase in places)

    def repeated(self, times: int) -> AxisMap:
        """Return the same map with `times` its periods as one."""
        outputs = range(self.period * times)
        return self if times == 1 else AxisMap(self.shift * times, tuple(map(self.reads, outputs)))

    def moves_like(self, other: AxisMap) -> bool:
        """Whether both maps move equally far from output to output: ``S / P`` is the same."""
        return bool(self.shift * other.period == other.shift * self.period)


def ratio(numerator: int, denominator: int) -> int | Fraction:
    """Return the quotient, as an int where it is one; that of an expression is an expression."""
    if denominator == 1 or is_symbolic(numerator):
        return numerator if denominator == 1 else numerator / denominator  # type: ignore[return-value]  # SymPy's
    quotient = Fraction(numerator, denominator)
    return quotient.numerator if quotient.denominator == 1 else quotient


@dataclass(frozen=True, slots=True)
class LayerMap:
    """What every output of a single layer reads; as `AxisMap`, each phase a progression.

    Examples
    --------
    >>> window(3, stride=2, dilation=4, before=1).reads(output=5)
    [9, 13, 17]
    """

    shift: int
    phases: tuple[Progression, ...]

    def reads(self, output: int) -> list[int]:
        """Return the inputs that one output reads."""
        periods, phase = divmod(output, len(self.phases))
        return [self.shift * periods + offset for offset in self.phases[phase]]


def join(maps: Iterable[AxisMap]) -> tuple[AxisMap, ...]:
    """Return the sum of maps: what outputs read that add or concatenate several branches.

    Maps that move equally far from output to output become one map; the others cannot, and stay beside each other.
    """
    joined: list[AxisMap] = []
    for branch in maps:
        alike = [other for other in joined if other.moves_like(branch)]
        joined = [other for other in joined if not other.moves_like(branch)]
        joined.append(_sum([*alike, branch]))
    return tuple(joined)


def _sum(maps: Sequence[AxisMap]) -> AxisMap:
    if len(maps) == 1:
        return maps[0]
    period = math.lcm(*(branch.period for branch in maps))
    aligned = [branch.repeated(period // branch.period) for branch in maps]
    phases = zip(*(branch.phases for branch in aligned), strict=True)
    return AxisMap(aligned[0].shift, tuple(Span.gather((0, span) for span in same) for same in phases))


@lru_cache
def window(kernel_size: int, stride: int = 1, dilation: int = 1, before: int = 0) -> LayerMap:
    """Return a convolution's or a pooling's map: output p reads ``S·p + D·k − T``; `before` is T."""
    return LayerMap(stride, (Progression(-before, dilation, kernel_size),))


@lru_cache
def transposed_window(kernel_size: int, stride: int, dilation: int, before: int) -> LayerMap:
    """Return a transposed convolution's map: input h writes to ``S·h + D·k − T``; p reads ``(p + T − D·k) / S``.

    Only the taps for which that is a whole number are read, and which ones these are repeats after S outputs.
    """
    factor = math.gcd(dilation, stride)
    step, every = dilation // factor, stride // factor
    phases = []
    for phase in range(stride):
        place, rest = divmod(phase + before, factor)
        # D·k = p + T modulo S: the first such tap, and from there on every one that is S/gcd further.
        first = place * pow(step, -1, every) % every if rest == 0 else kernel_size
        count = max(0, -(-(kernel_size - first) // every))
        lowest = (phase + before - dilation * (first + every * (count - 1))) // stride if count else 0
        phases.append(Progression(lowest, step, count))
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


@lru_cache
def adaptive(input_size: int, output_size: int) -> LayerMap:
    """Return the map of a pooling of H pixels to P: output p reads ``floor(p·H / P) ... ceil((p + 1)·H / P) − 1``."""
    step = Fraction(input_size, output_size)
    starts = [(p * input_size // output_size, -(-(p + 1) * input_size // output_size)) for p in range(step.denominator)]
    return LayerMap(step.numerator, tuple(Progression(first, 1, stop - first) for first, stop in starts))


PIXEL = AxisMap(1, (Span(0, 0),))
SAME = window(1)  # the map of a layer that reads what it writes
Maps: TypeAlias = tuple[AxisMap, ...]  # of one tensor: one, unless branches have different strides
