"""A result in blocks, each with the call that it should be the result of: a few MiB at a time, whatever its size."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from refconv.numbers.formats import Array
from refconv.numbers.parts import Places
from refconv.operations import Call
from refconv.testing.comparing.comparison import Comparison

WINDOW: Final = 64  # blocks that are given to a `map` at once

MapLike: TypeAlias = Callable[[Callable[[Any], Any], Any], Iterable[Any]]
_Given = TypeVar("_Given")
_Found = TypeVar("_Found")


class Block(NamedTuple):
    """A part of a result: where it stands in (N, C, *H) or (O, C/G, *K), the call of it, and what was returned.

    `axes` are those of these that the result has.
    """

    place: Places
    call: Call
    actual: Array
    axes: slice = slice(None)

    def placed(self, comparison: Comparison) -> Comparison:
        """Return the comparison of the block with the indices that its elements have in the whole."""

        def moved(index: tuple[int, ...]) -> tuple[int, ...]:
            starts = (place.start if isinstance(place, slice) else place[0] for place in self.place)
            return tuple(i + start for i, start in zip(index, (*starts, *(0,) * len(index)), strict=False))[self.axes]

        worst = comparison.worst_index
        first_wrong = tuple(map(moved, comparison.first_wrong))
        return replace(comparison, worst_index=worst and moved(worst), first_wrong=first_wrong)


def blocks_of(array: Array, call: Call, *, whole: bool = False) -> Iterator[Block]:
    """Yield a result in blocks, some twenty of which, in float64, are all that stands in memory at once."""
    actual = array.reshape(call.operation.sum.shape(call.plan))
    axes = slice(1) if call.operation.by == "bias" else slice(actual.ndim - array.ndim, None)
    return (Block(place, part, actual[place], axes) for place, part in call.blocks(whole=whole))


def mapped(
    function: Callable[[_Given], _Found], given: Iterable[_Given], map: MapLike
) -> Iterator[tuple[_Given, _Found]]:
    """Yield all that is given with what a `map`, perhaps somebody else's, makes of it, a window at a time."""
    rest, together = iter(given), 1 if map is builtins.map else WINDOW
    while window := list(islice(rest, together)):
        found = list(map(function, window))
        if len(found) != len(window):
            raise ValueError(f"map= must return what it is given, in order; of {len(window)} it returned {len(found)}")
        yield from zip(window, found, strict=True)
