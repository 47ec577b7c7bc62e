"""Which rectangle of pixels does an output see?  Part of it may lie outside the image."""

from __future__ import annotations

from dataclasses import dataclass

from refconv.analysis.axis_map import NOTHING, Maps, Span
from refconv.geometry.arguments import IntOrPair, Padding, Pair, as_pair

__all__ = ["Region"]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels; those at negative indices, or behind the last row or column, are padding.

    Parameters
    ----------
    rows, columns : range
        The pixels along the height and the width.

    Examples
    --------
    >>> region = Region(rows=range(-1, 4), columns=range(2, 7))
    >>> region.inside((5, 5))
    Region(rows=range(0, 4), columns=range(2, 5))
    >>> region.padding((5, 5))
    ((1, 0), (0, 2))
    """

    rows: range
    columns: range

    def inside(self, input_size: IntOrPair) -> Region:
        """Return the part on an image of this size."""
        height, width = as_pair("input_size", input_size, minimum=1)
        return Region(_clip(self.rows, height), _clip(self.columns, width))

    def padding(self, input_size: IntOrPair) -> Padding:
        """Return how much is padding, around an image of this size, as ``((top, bottom), (left, right))``."""
        height, width = as_pair("input_size", input_size, minimum=1)
        return _outside(self.rows, height), _outside(self.columns, width)


def _clip(pixels: range, size: int) -> range:
    start = min(max(pixels.start, 0), size)
    return range(start, max(start, min(pixels.stop, size)))


def _outside(pixels: range, size: int) -> Pair:
    before, after = range(pixels.start, min(pixels.stop, 0)), range(max(pixels.start, size), pixels.stop)
    return len(before), len(after)


def pixels_seen(maps: Maps, output: int) -> range:
    """Return the pixels along one axis from the first that an output sees to the last."""
    span = Span.gather((0, axis_map.reads(output)) for axis_map in maps)
    return range(span.first, span.last + 1)


def outputs_seeing(maps: Maps, pixel: int, stop: int | None) -> list[int]:
    """Return the p = P·q + φ, in order, with ``S·q + first <= pixel <= S·q + last``."""
    found: set[int] = set()
    for axis_map in maps:
        for phase, span in enumerate(axis_map.phases):
            periods = range(-((span.last - pixel) // axis_map.shift), (pixel - span.first) // axis_map.shift + 1)
            found.update(axis_map.period * period + phase for period in periods if span != NOTHING)
    return sorted(output for output in found if output >= 0 and (stop is None or output < stop))
