"""The table of named mistakes: each a small pure function from the right reading to a wrong one.

To add one, add a row to the table of the chapter that it belongs to, one of `mistakes_in_windows`,
`mistakes_in_channels`, `mistakes_in_loops`, `mistakes_in_numbers`, `mistakes_in_scattering`, `mistakes_in_tiles` and
`mistakes_in_gradients`: a code, which is stable from then on, the change, a sentence, and the corrected reading.  A
mistake that cannot be made in some convolution, such as a wrong order of groups where there is one, changes nothing
there, and so explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.reading import AXES, Reading

Change: TypeAlias = Callable[[Reading], Reading]

ANY_AXES: Final = (0, 1, 2, 3)
SEVERAL_AXES: Final = (2, 3)
PLANES: Final = (2,)
VOLUMES: Final = (3,)
ALONG: Final = {"height": SEVERAL_AXES, "width": SEVERAL_AXES, "depth": VOLUMES}  # each axis, and where there are more


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way of getting a convolution, or an adjoint of one, wrong."""

    code: str  # stable, for programs
    change: Change  # from the right reading to the wrong one
    sentence: str = ""  # what the implementation does
    should: str = ""  # the corrected reading
    is_common: bool = False  # so common that pairs with it are tried
    is_variant: bool = False  # another mistake on one axis alone
    ranks: tuple[int, ...] = ANY_AXES  # how many axes of space there may be, for it to be a mistake of its own
    is_of_size: bool = False  # a matter of the result's size alone

    def says(self, sentence: str, should: str) -> Mistake:
        """Return the mistake in words: what the implementation does, and what it should."""
        return replace(self, sentence=sentence, should=should)

    def made(self, reading: Reading) -> Reading:
        """Return the reading with this mistake; as it is, where a kernel with the mistake must refuse it."""
        try:
            with np.errstate(all="ignore"):  # of infinity, say, in a bias
                return self.change(reading)
        except ValueError:
            return reading

    def and_then(self, other: Mistake) -> Mistake:
        """Return the pair of two mistakes."""
        return Mistake(
            f"{self.code}+{other.code}",
            lambda reading: other.change(self.change(reading)),
            ranks=tuple(rank for rank in self.ranks if rank in other.ranks),
        ).says(f"{self.sentence}, and {other.sentence}", f"{self.should}; {other.should}")


def changed(part: str, value: Callable[[Reading], Any]) -> Change:
    """Return the change of one part of a reading, to a function of the reading."""
    return lambda reading: replace(reading, **{part: value(reading)})


def set_to(**parts: Any) -> Change:
    """Return the change of some parts of a reading to these."""
    return lambda reading: replace(reading, **parts)


def on_axes(change: Callable[[AxisGeometry], AxisGeometry], *names: str) -> Change:
    """Return the change that changes the axes of these names, or all."""
    return lambda reading: reading.with_axes(change, *names)


class PerAxis(NamedTuple):
    """A mistake on all axes, and along each alone."""

    code: str
    change: Callable[[AxisGeometry], AxisGeometry]
    is_common: bool = False

    def says(self, sentence: str, should: str) -> list[Mistake]:
        """Return all of them in words."""
        whole = Mistake(self.code, on_axes(self.change), is_common=self.is_common).says(sentence, should)
        return [whole, *along_each(self.code, sentence, should, partial(on_axes, self.change))]


def along_each(code: str, sentence: str, should: str, change: Callable[[str], Change]) -> list[Mistake]:
    """Return a mistake along each axis alone, given by its name, where there are several."""
    return [
        Mistake(f"{code}-along-{axis}", change(axis), is_variant=True, ranks=ranks).says(
            f"{sentence} along the {axis}", should
        )
        for axis, ranks in ALONG.items()
    ]


def along_all_and_each(
    code: str, words: str, should: str, change: Callable[[Sequence[str]], Change]
) -> tuple[Mistake, ...]:
    """Return the mistake along all axes, and along each."""
    return (
        Mistake(code, change(AXES)).says(words, should),
        *along_each(code, words, should, lambda name: change([name])),
    )


def beyond(axis: AxisGeometry) -> int:
    """Return an index beyond the last pixel and all padding, where nothing is read."""
    return axis.input_size + sum(axis.padding)


def read_as(kind: Callable[..., AxisGeometry], **more: Any) -> Callable[[Sequence[str]], Change]:
    """Return a function of some axes' names: the change of these to a kind that reads otherwise."""

    def other(axis: AxisGeometry) -> AxisGeometry:
        return kind(**{field.name: getattr(axis, field.name) for field in fields(AxisGeometry)}, **more)

    return lambda names: on_axes(other, *names)


def pairs_of_common(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """Return every pair of the common mistakes."""
    common: Final = [mistake for mistake in mistakes if mistake.is_common]
    return tuple(first.and_then(second) for first, second in combinations(common, 2))
