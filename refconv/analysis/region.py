"""A rectangle of pixels, part of which may lie outside the image."""

from __future__ import annotations

from dataclasses import dataclass

from refconv.arguments import IntOrPair, Padding, Pair, as_pair

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
