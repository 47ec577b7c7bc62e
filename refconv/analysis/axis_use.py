"""How often is each pixel of a receptive field used, along one axis?  Holes, gaps and evenness, read off the counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

__all__ = ["AxisUse"]

MOST_LISTED = 12  # pixels, in one line


@dataclass(frozen=True, slots=True)
class AxisUse:
    """How often one output uses each pixel of its receptive field, along one axis.

    Attributes
    ----------
    counts : tuple of int
        From the first pixel used to the last; 0 at a hole.

    Examples
    --------
    Three layers of three taps at rate 2 use every other pixel of 13, the middle one most often.

    >>> use = AxisUse((1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1))
    >>> use.size, use.used, use.holes, use.largest_gap, use.common_factor
    (13, 7, (1, 3, 5, 7, 9, 11), 2, 2)
    >>> use.largest, use.smallest, use.centre
    (7, 0, (7,))
    """

    counts: tuple[int, ...]

    @classmethod
    def of_taps(cls, counts: Mapping[int, int]) -> AxisUse:
        """Fill the gaps of ``{offset: count}`` with zeros."""
        return cls(tuple(counts.get(offset, 0) for offset in range(min(counts), max(counts) + 1)))

    @property
    def size(self) -> int:
        """Pixels from the first used to the last, both counted: the receptive field."""
        return len(self.counts)

    @property
    def positions(self) -> tuple[int, ...]:
        """The pixels that are used, from 0."""
        return tuple(place for place, count in enumerate(self.counts) if count)

    @property
    def used(self) -> int:
        """How many pixels are used."""
        return len(self.positions)

    @property
    def holes(self) -> tuple[int, ...]:
        """The pixels that are not used, from 0."""
        return tuple(place for place, count in enumerate(self.counts) if not count)

    @property
    def largest_gap(self) -> int:
        """Largest distance between two neighbouring used pixels: 1 without holes, and 0 for a single pixel."""
        return max((after - before for before, after in pairwise(self.positions)), default=0)

    @property
    def common_factor(self) -> int:
        """Greatest common divisor of the distances between used pixels; 0 for a single pixel.

        Above 1, every output is computed from a sub-grid, and its neighbour from another one: gridding.
        """
        return math.gcd(*self.positions)

    @property
    def largest(self) -> int:
        """Count of the pixel that is used most often."""
        return max(self.counts)

    @property
    def smallest(self) -> int:
        """Count of the pixel that is used least often; 0 where there is a hole."""
        return min(self.counts)

    @property
    def centre(self) -> tuple[int, ...]:
        """Count of the pixel in the middle; those of the middle two where the size is even."""
        return self.counts[(self.size - 1) // 2 : self.size // 2 + 1]

    @property
    def evenness(self) -> Fraction:
        """``(Σ c)² / (size · Σ c²)``: 1 where every pixel is used equally often, and the less the more it varies.

        It is the share of the receptive field that would do with equal counts (Kish's effective sample size).
        """
        return Fraction(sum(self.counts) ** 2, self.size * sum(count * count for count in self.counts))

    @property
    def summary(self) -> str:
        """How many pixels are used, in a line."""
        gaps = f"largest gap {self.largest_gap}, common factor {self.common_factor}"
        return f"{self.used} of {self.size} pixels used, {gaps}"

    @property
    def range_of_counts(self) -> str:
        """How often pixels are used, in a line."""
        return f"counts from {self.smallest} to {self.largest}, {' and '.join(map(str, self.centre))} in the centre"


def listed(places: Sequence[int]) -> str:
    """Return the first few places, and how many more there are."""
    rest = len(places) - MOST_LISTED
    return ", ".join(map(str, places[:MOST_LISTED])) + (f" and {rest} more" if rest > 0 else "")
