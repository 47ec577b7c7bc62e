"""How may a caller write a stride, a padding, a kernel size?  Normalised once, refused with the numbers.

Every function here takes what people write (`2`, `(2, 1)`, `((1, 0), (2, 3))`, `"same"`) and gives the one form that
the rest of refconv reads: a pair of ints for (height, width), and ``((top, bottom), (left, right))`` for a padding.
An error says the subject, its value and what it should be; the shapes are added at the boundary by `adding_context`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeGuard

import numpy as np

Pair: TypeAlias = tuple[int, int]
IntOrPair: TypeAlias = int | Sequence[int]
Padding: TypeAlias = tuple[Pair, Pair]
PaddingLike: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]

PADDING_STRINGS = ("valid", "same", "same_upper", "same_lower")
LARGEST_INT = int(np.iinfo(np.intp).max)  # beyond it no array can be indexed


def as_int(name: str, value: object, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; a float, a bool or a string is a TypeError."""
    try:
        if isinstance(value, bool):
            raise TypeError  # noqa: TRY301  # True is an int to Python, and a mistake to us
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}={value!r} must be an int, not {type(value).__name__}") from None
    if not minimum <= number <= LARGEST_INT:
        limit = f"at least {minimum}" if number < minimum else f"at most {LARGEST_INT}"
        raise ValueError(f"{name}={number} must be {limit}")
    return number


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Whether `value` is a list, a tuple or an array of them, and not a number or a string."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def as_pair(name: str, value: object, minimum: int, form: str = "(height, width)") -> Pair:
    """Return a pair of ints: an int stands for both.  `form` names the two in messages."""
    if not is_sequence(value):
        number = as_int(name, value, minimum)
        return number, number
    if len(value) != 2:
        raise ValueError(f"{name}={value!r} has length {len(value)}; it must be an int or a pair {form}")
    first, second = (as_int(f"{name}[{axis}]", element, minimum) for axis, element in enumerate(value))
    return first, second


def _as_padding_string(value: str) -> str:
    if value not in PADDING_STRINGS:
        raise ValueError(f"padding={value!r} must be one of {', '.join(map(repr, PADDING_STRINGS))}, or numbers")
    return value


def as_pad_sides(value: object) -> Pair | str:
    """Return one axis' padding ``(before, after)``, or one of `PADDING_STRINGS`: an int stands for both sides."""
    if isinstance(value, str):
        return _as_padding_string(value)
    return as_pair("padding", value, minimum=0, form="(before, after)")


def as_padding(value: object) -> Padding | str:
    """Return ``((top, bottom), (left, right))``, or one of `PADDING_STRINGS`.

    An int pads all four sides; a pair of ints is (height, width), each on both sides.
    """
    if isinstance(value, str):
        return _as_padding_string(value)
    if not is_sequence(value) or not any(map(is_sequence, value)):
        height, width = as_pair("padding", value, minimum=0)
        return (height, height), (width, width)
    if len(value) != 2 or not all(map(is_sequence, value)):
        raise ValueError(f"padding={value!r} must be an int, a pair (height, width) or ((top, bottom), (left, right))")
    vertical = as_pair("padding[0]", value[0], minimum=0, form="(top, bottom)")
    horizontal = as_pair("padding[1]", value[1], minimum=0, form="(left, right)")
    return vertical, horizontal


@contextmanager
def adding_context(context: str) -> Iterator[None]:
    """Add `context`, such as the shapes, to the message of a TypeError or ValueError that passes through."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} ({context})") from None
