"""The parts of a sum: which places of two factors make which places of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from refconv.numbers.formats import Array

Places: TypeAlias = tuple["slice | list[int]", ...]  # along each axis of an array, from the first
Product: TypeAlias = Callable[[Array, Sequence[Array], Any], Sequence[Array]]
Total: TypeAlias = Callable[["Sequence[Part]", "Array | None"], Array]


class Part(NamedTuple):
    """``result[target] = Σ product(first[part.first], second[part.second], plan)``, over the parts of one target."""

    target: Places
    first: Places
    second: Places
    plan: Any


class Latest:
    """The parts of an operand, made ready: the latest is kept, for it is often asked for again."""

    def __init__(self, operand: Array, prepare: Callable[[Array], Any]) -> None:
        self._operand, self._prepare = operand, prepare
        self._places: Places | None = None
        self._prepared: Any = None

    def __getitem__(self, places: Places) -> Any:
        if self._places != places:
            self._places, self._prepared = places, self._prepare(taken(self._operand, places))
        return self._prepared


def taken(array: Array, places: Places) -> Array:
    """Return what stands in these places: a view, where they are slices alone."""
    part = array[tuple(place if isinstance(place, slice) else slice(None) for place in places)]
    for axis, place in enumerate(places):
        part = part if isinstance(place, slice) else part.take(place, axis)
    return part


def per_channel(bias: Array, ndim: int) -> Array:
    """Return (O,) as (O, 1, ...), to be added to the second of so many axes."""
    return bias.reshape(-1, *(1,) * (ndim - 2))
