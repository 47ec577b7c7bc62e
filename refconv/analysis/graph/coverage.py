"""Which pixels does a network leave out, and how unevenly does it use the others?  Asked of every output of a period.

Three questions are kept apart.

*Holes*: pixels inside what one output sees that it does not read.  A transposed convolution makes outputs that read
differently, in turn, so each phase is asked: over a dilated layer, every odd output may have holes and no even one.

*Pixels that no output reads*: a kernel of two taps at stride 3 has no holes, and every third pixel is read by nobody.

*Evenness*: with shortcuts some path leads to every pixel, and a hundred million lead to the one in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.axis_use import AxisUse, listed
from refconv.analysis.graph.counting import EXACT, Use, use_of
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unsaid

__all__ = ["Coverage", "coverage"]

MOST_OUTPUTS = 64  # that are tried one by one; more take seconds
MOST_COUNTED = 10_000_000  # pixels of all of these together; about a second
MOST_PHASES = 1024  # along one axis, where the axes are independent


@dataclass(frozen=True)
class Coverage:
    """What the outputs of one period of a tensor read.

    Attributes
    ----------
    axes : tuple of str
        What the axes of the image are called.
    period, shift : tuple of int
        Along each axis, the outputs after which the pattern repeats, and the pixels that it has moved on by then.
    phases : tuple of lists of Use, or None
        For each axis, what each phase reads along it, where the axes are independent.
    uses : tuple of Use
        The outputs that were counted: one of each pair of phases, or some of them, where the axes are not.

    Examples
    --------
    Over a dilated layer, of the four outputs of a period of 2×2 one alone has no holes.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> found = coverage(graph_of(Layers.parse("k3d2 convt3s2p1")), "layer 2")
    >>> found.period, found.outputs, found.holed, found.hole_free
    ((2, 2), 4, 3, False)
    """

    axes: tuple[str, ...]
    period: tuple[int, ...]
    shift: tuple[int, ...]
    phases: tuple[Sequence[Use], ...] | None
    uses: tuple[Use, ...]

    @property
    def outputs(self) -> int:
        """The number of outputs in a period."""
        return math.prod(self.period)

    @property
    def is_complete(self) -> bool:
        """Whether every output of a period was looked at."""
        return self.phases is not None or len(self.uses) == self.outputs

    @property
    def widest(self) -> Use:
        """The use of an output that sees as much as any."""
        return max(self.uses, key=_extent)

    @cached_property
    def holed(self) -> int:
        """The outputs of a period, of those looked at, that have holes."""
        if self.phases is None:
            return sum(use.used < use.pixels for use in self.uses)
        return math.prod(map(_reading, self.phases)) - math.prod(map(_full, self.phases))

    @cached_property
    def blind(self) -> int:
        """The outputs of a period, of those looked at, that read nothing."""
        if self.phases is None:
            return sum(not use.used for use in self.uses)
        return self.outputs - math.prod(map(_reading, self.phases))

    @property
    def hole_free(self) -> bool:
        """Whether every output that was looked at reads all pixels of its receptive field."""
        return not self.holed and not self.blind

    @cached_property
    def unread(self) -> NDArray[np.bool_]:
        """Which of the pixels of one shift, by their place modulo the shift, no output reads."""
        if self.phases is None:
            return ~_read(self.uses, self.shift)
        return ~reduce(np.logical_and.outer, map(_read, self.phases, zip(self.shift, strict=True)))

    def explain(self) -> Iterator[str]:
        """Yield what there is to say, a line each."""
        told = [tuple(_of_axis(blocks)) for blocks in self.phases or ()]
        for lines in dict.fromkeys(told):
            names = [name for name, other in zip(self.axes, told, strict=True) if other == lines]
            yield from lines if len(self.axes) == 1 else (f"{' and '.join(names)}:", *(f"  {line}" for line in lines))
        yield from self._summary()
        yield from self._unread()

    def _summary(self) -> Iterator[str]:
        use = self.widest
        if self.outputs > 1:
            those = f"{self.outputs} in a period of {'x'.join(map(str, self.period))}"
            those = those if self.is_complete else f"{len(self.uses)} that were looked at ({those})"
            yield f"outputs with holes: {self.holed} of {those}{_blind(self.blind)}"
        elif len(self.axes) > 1 or self.phases is None:
            verdict = "no holes" if self.hole_free else "holes"
            yield f"in {len(self.axes)}-D: {use.used} of {use.pixels} pixels used, {verdict}"
        holed = [each for each in self.uses if each.used < each.pixels]
        if self.phases is None and holed and self.outputs > 1:
            worst = min(holed, key=lambda each: each.used / each.pixels)
            yield f"most in output {_place(worst.output)}: {worst.used} of {worst.pixels} pixels used"
        if use.evenness is not None and use.pixels > 1:
            equal = max(1, round(use.evenness * use.pixels))
            share = f"{use.evenness:.2f}" if use.evenness >= 0.1 else f"{use.evenness:.2g}"
            which = f" of output {_place(use.output)}, which sees most," if self.outputs > 1 else ""
            yield f"evenness{which} {share}: as if {equal} of {use.pixels} pixels were used equally often, and no other"

    def _unread(self) -> Iterator[str]:
        count = int(self.unread.sum())
        if count and self.is_complete:
            every = f"{self.unread.size} ({'x'.join(map(str, self.shift))})"
            shown = ", ".join(_place(place) for place in np.argwhere(self.unread)[:3].tolist())
            more = f" and {count - 3} more" if count > 3 else ""
            yield f"pixels that no output reads: {count} of every {every}: {shown}{more}, and so on"


def _blind(count: int) -> str:
    return f"; reading no pixel at all: {count}" if count else ""


def _place(place: Sequence[int]) -> str:
    return str(place[0]) if len(place) == 1 else f"({', '.join(map(str, place))})"


def _extent(use: Use) -> tuple[int, float]:
    return use.pixels, use.total


def _reading(uses: Sequence[Use]) -> int:
    return sum(use.used > 0 for use in uses)


def _full(uses: Sequence[Use]) -> int:
    return sum(0 < use.used == use.pixels for use in uses)


def _read(uses: Sequence[Use], shift: Sequence[int]) -> NDArray[np.bool_]:
    """Return which pixels any of these reads, by their place modulo the shift."""
    read = np.zeros(shift, dtype=bool)
    for use in uses:
        found = zip(np.nonzero(use.counts), use.region, shift, strict=True)
        read[tuple((places + axis.start) % size for places, axis, size in found)] = True
    return read


def _of_axis(uses: Sequence[Use]) -> Iterator[str]:
    """Say of one axis which phases have holes, and show the first that has."""
    period = len(uses)
    seeing = [phase for phase, use in enumerate(uses) if use.used]
    holed = [phase for phase in seeing if uses[phase].used < uses[phase].pixels]
    if period > 1:
        yield f"outputs with holes: {len(holed)} of every {period}{_blind(period - len(seeing))}"
    for phase in (holed or seeing)[:1]:
        counts, start = uses[phase].counts, uses[phase].region[0].start
        which = f"output {phase}, as every {period}{_ordinal(period)} from there: " if period > 1 else ""
        exact = counts if counts.sum() < EXACT else (counts > 0)
        use = AxisUse(tuple(map(int, exact)))
        yield f"{which}{use.summary}"
        if exact is counts:
            yield use.range_of_counts
        if use.holes and period > 1:
            yield f"reads {listed([start + place for place in use.positions])} of {start} ... {start + use.size - 1}"
        elif use.holes:
            yield f"not used: {listed(use.holes)}"


def _ordinal(number: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")


def coverage(graph: Graph, name: str) -> Coverage:
    """Count what the outputs of one period of a tensor read.

    Parameters
    ----------
    graph : Graph
        A network, as of `from_onnx` or `from_torch`.
    name : str
        The tensor.

    Returns
    -------
    Coverage

    Raises
    ------
    Unsaid
        If that cannot be counted, or takes too long.

    Examples
    --------
    Of a kernel of two taps at stride 3 no output has a hole, and every third pixel is read by none.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> found = coverage(graph_of(Layers.parse("c1: k2s3"), is_line=True), "layer 1")
    >>> found.hole_free, found.unread.tolist()
    (True, [False, False, True])
    """
    fields = graph.field(name)
    if not all(field.maps and field.is_placed for field in fields):
        raise Unsaid("its positions have no place in the image")
    if any(len(field.maps) != 1 for field in fields):  # no two outputs read alike: one in the middle stands for all
        sizes = [field.outputs for field in fields if field.outputs is not None]
        if len(sizes) < len(fields):
            raise Unsaid("every output reads differently, and --input does not say how many there are")
        return Coverage(
            graph.axes, tuple(sizes), (1,) * len(sizes), None, (use_of(graph, name, [size // 2 for size in sizes]),)
        )
    period = tuple(field.maps[0].period for field in fields)
    shift = tuple(field.maps[0].shift for field in fields)
    first = use_of(graph, name, [0] * len(fields))
    if len(first.blocks) == len(fields) and max(period) <= MOST_PHASES:
        phases = tuple(
            [_along(graph, name, axis, phase) for phase in range(count)] for axis, count in enumerate(period)
        )
        best = [max(uses, key=_extent) for uses in phases]
        most = Use(tuple(use.output[0] for use in best), tuple(use.blocks[0] for use in best))
        return Coverage(graph.axes, period, shift, phases, (most,))
    affordable = max(1, min(MOST_OUTPUTS, MOST_COUNTED // max(1, first.pixels)))
    is_small = math.prod(period) <= affordable
    every = list(product(*map(range, period))) if is_small else _diagonal(period, affordable)
    return Coverage(graph.axes, period, shift, None, tuple(use_of(graph, name, output) for output in every))


def _along(graph: Graph, name: str, axis: int, phase: int) -> Use:
    """Return what the outputs of a phase read along one axis alone."""
    output = [phase if other == axis else 0 for other in range(len(graph.axes))]
    return Use((phase,), (use_of(graph, name, output).blocks[axis],))


def _diagonal(period: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """Return outputs from all over a period, along its diagonal."""
    steps = min(max(period), most)
    return [tuple(count * step // steps for count in period) for step in range(steps)]
