"""A layer's numbers may be SymPy expressions: how to tell them, and how to compare what cannot be compared.

SymPy is never imported for a caller who does not use it.  An expression is known by its `free_symbols`, and the
arithmetic of receptive fields is the same code for both, sums and products.  Only what compares must tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias, cast

from refconv.geometry.arguments import Padding, Pair, as_padding, as_pair, is_sequence


class Expression(Protocol):
    """What refconv asks of a SymPy expression; its arithmetic is that of an int."""

    @property
    def free_symbols(self) -> set[Any]:
        """The symbols in it."""
        ...


SizeLike: TypeAlias = int | Expression | Sequence[int | Expression]
PadLike: TypeAlias = int | str | Expression | Sequence[int | Expression] | Sequence[Sequence[int | Expression]]


def is_symbolic(value: object) -> bool:
    """Whether a number, or any number in nested sequences, is an expression with symbols in it."""
    if is_sequence(value):
        return any(map(is_symbolic, value))
    return bool(getattr(value, "free_symbols", ()))


def _with_numbers(value: object, number: int) -> object:
    """Return nested sequences with `number` in place of every expression, so that their form can be checked."""
    if is_sequence(value):
        return tuple(_with_numbers(element, number) for element in value)
    return number if is_symbolic(value) else value


def _doubled(value: object) -> tuple[Any, Any]:
    return tuple(value) if is_sequence(value) else (value, value)  # type: ignore[return-value]  # its length is checked


def as_size_pair(name: str, value: object, minimum: int) -> Pair:
    """Return a pair as `as_pair` does; an expression stays as it is, and is an int to the type checker."""
    numbers = as_pair(name, _with_numbers(value, minimum), minimum)
    return cast("Pair", _doubled(value)) if is_symbolic(value) else numbers


def as_pad_sizes(value: object) -> Padding | str:
    """Return ``((top, bottom), (left, right))`` or a string as `as_padding` does; expressions stay as they are."""
    numbers = cast("Padding | str", as_padding(_with_numbers(value, 0)))  # a plane has two axes
    if not is_symbolic(value):
        return numbers
    height, width = _doubled(value)
    return _doubled(height), _doubled(width)


def least(values: Iterable[int]) -> int:
    """Return the smallest value; of expressions, SymPy's Min."""
    return _extreme(min, "Min", tuple(values))


def greatest(values: Iterable[int]) -> int:
    """Return the largest value; of expressions, SymPy's Max."""
    return _extreme(max, "Max", tuple(values))


def _extreme(of_numbers: Any, name: str, values: tuple[int, ...]) -> int:
    if all(isinstance(value, int) for value in values) or not is_symbolic(values):  # which is asked of every layer
        return cast("int", of_numbers(values))
    import sympy  # noqa: PLC0415  # the caller's own expressions come from it

    return cast("int", getattr(sympy, name)(*values))
