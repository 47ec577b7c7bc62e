"""A result in blocks, each with the call that it should be the result of: a few MiB at a time, whatever its size."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from refconv.numbers.formats import Array
from refconv.numbers.parts import Places
from refconv.operations import Call
from refconv.testing.comparing.comparison import Comparison, reindexed

KEPT: Final = 1 << 21  # numbers, 16 MiB: half of what blocks take together
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
        return reindexed(comparison, lambda index: moved(index, self.place)[self.axes])


def moved(index: tuple[int, ...], place: Places) -> tuple[int, ...]:
    """Return the index in the whole of one in a part, whose last axes may be missing: (1, 2) of 4:6, 7:9 is (5, 9)."""
    starts = (at.start if isinstance(at, slice) else at[0] for at in place)
    return tuple(i + start for i, start in zip(index, (*starts, *(0,) * len(index)), strict=False))


def blocks_of(array: Array, call: Call, *, whole: bool = False) -> Iterator[Block]:
    """Yield a result in blocks, some twenty of which, in float64, are all that stands in memory at once."""
    actual = array.reshape(call.operation.sum.shape(call.plan))
    axes = slice(1) if call.operation.by == "bias" else slice(actual.ndim - array.ndim, None)
    return (Block(place, part, actual[place], axes) for place, part in call.blocks(whole=whole))


def mapped(
    function: Callable[[_Given], _Found], given: Iterable[_Given], map: MapLike
) -> Iterator[tuple[_Given, _Found]]:
    """Yield all that is given with what a `map`, perhaps somebody else's, makes of it, a window at a time."""
    np.empty(KEPT)  # freed at once: glibc keeps what it frees, up to twice the largest that was, and clears it no more
    rest, together = iter(given), 1 if map is builtins.map else WINDOW
    while window := list(islice(rest, together)):
        found = list(map(function, window))
        if len(found) != len(window):
            raise ValueError(f"map= must return what it is given, in order; of {len(window)} it returned {len(found)}")
        yield from zip(window, found, strict=True)
