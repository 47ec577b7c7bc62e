"""The table of named mistakes: each a small pure function from the right reading to a wrong one.

To add one, add five lines to the table of the chapter that it belongs to (`mistakes_in_windows`,
`mistakes_in_channels`, `mistakes_in_numbers`): a code, which is stable from then on, a sentence, the corrected
reading, and the change.  A mistake that cannot be made in some convolution, such as a wrong order of groups where there
is one, changes nothing there, and so explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, TypeAlias

from refconv.axis import AxisGeometry
from refconv.testing.reading import Reading

Change: TypeAlias = Callable[[Reading], Reading]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way of getting a convolution wrong.

    Parameters
    ----------
    code : str
        Stable, for programs.
    sentence : str
        What the implementation does.
    should : str
        The corrected reading.
    change : callable
        From the right reading to the wrong one.
    is_common : bool
        Whether it is so common that pairs with it are tried.
    is_variant : bool
        Whether it is another mistake on one axis alone.
    """

    code: str
    sentence: str
    should: str
    change: Change
    is_common: bool = False
    is_variant: bool = False

    def and_then(self, other: Mistake) -> Mistake:
        """Return the pair of two mistakes."""
        return Mistake(
            f"{self.code}+{other.code}",
            f"{self.sentence}, and {other.sentence}",
            f"{self.should}; {other.should}",
            lambda reading: other.change(self.change(reading)),
        )


def on_axes(*, height: Callable[[AxisGeometry], AxisGeometry], width: Callable[[AxisGeometry], AxisGeometry]) -> Change:
    """Return the change that changes the two axes."""
    return lambda reading: replace(reading, height=height(reading.height), width=width(reading.width))


def per_axis(
    code: str, sentence: str, should: str, change: Callable[[AxisGeometry], AxisGeometry], *, is_common: bool = False
) -> list[Mistake]:
    """Return a mistake on both axes, along the height alone, and along the width alone."""

    def kept(axis: AxisGeometry) -> AxisGeometry:
        return axis

    height, width = on_axes(height=change, width=kept), on_axes(height=kept, width=change)
    height, width = on_axes(height=change, width=kept), on_axes(height=kept, width=change)
    return [
        Mistake(code, sentence, should, on_axes(height=change, width=change), is_common),
        Mistake(f"{code}-along-height", f"{sentence} along the height", should, height, is_variant=True),
        Mistake(f"{code}-along-width", f"{sentence} along the width", should, width, is_variant=True),
    ]


def pairs_of_common(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """Return every pair of the common mistakes."""
    common: Final = [mistake for mistake in mistakes if mistake.is_common]
    return tuple(first.and_then(second) for first, second in combinations(common, 2))
