"""How may a caller write a stride, a padding, a kernel size, in each space?  Normalised once, refused with the numbers.

What people write (`2`, `(2, 1)`, `((1, 0), (2, 3))`, `"same"`) becomes the one form that the rest of refconv reads: a
pair of ints for (height, width), and ``((top, bottom), (left, right))`` for a padding.  Errors get the shapes at the
boundary (`adding_context`).  A function that differs by its space alone is written once (`for_each_space`).
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template
from types import FunctionType
from typing import Concatenate, ParamSpec, TypeAlias, TypeGuard, TypeVar

import numpy as np

Pair: TypeAlias = tuple[int, int]
IntOrPair: TypeAlias = int | Sequence[int]
Padding: TypeAlias = tuple[Pair, Pair]
PaddingLike: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]

P = ParamSpec("P")
R = TypeVar("R")

PADDING_STRINGS = ("valid", "same", "same_upper", "same_lower")
LARGEST_INT = int(np.iinfo(np.intp).max)  # beyond it no array can be indexed


@dataclass(frozen=True, slots=True)
class Space:
    """The spatial axes of a convolution by name, and what messages call their letters and numbers."""

    axes: tuple[str, ...]
    pixels: str
    outputs: str
    taps: str
    numbers: str
    sides: tuple[str, ...]

    @property
    def rank(self) -> int:
        """1, 2 or 3: how many axes there are."""
        return len(self.axes)


# fmt: off
LINE = Space(("length",), "L", "P", "K", "a tuple (length,)", ("(before, after)",))
PLANE = Space(("height", "width"), "H, W", "P, Q", "K_h, K_w", "a pair (height, width)",
              ("(top, bottom)", "(left, right)"))
VOLUME = Space(("depth", "height", "width"), "Z, H, W", "R, P, Q", "K_d, K_h, K_w", "a triple (depth, height, width)",
               ("(front, back)", "(top, bottom)", "(left, right)"))
# fmt: on


def for_each_space(
    *names: str, spaces: tuple[Space, ...] = (LINE, PLANE, VOLUME), **words: str
) -> Callable[[Callable[Concatenate[Space, P], R]], tuple[Callable[P, R], ...]]:
    """Turn a function of a space into one for each space, by each of the names, with the number of axes for N.

    What stands in its docstring, and what becomes of it for two axes: ``$H`` (H, W), ``$P`` (P, Q), ``$K`` (K_h, K_w)
    and as indices ``$h``, ``$p``, ``$k`` (i, j); ``${N}`` (2); ``${ones}`` and ``${zeros}``, a size of 1 and a padding
    of (0, 0) for all axes but the last.  And before these `words` of its own, one of which may stand in another.
    """

    def along(template: Callable[Concatenate[Space, P], R], space: Space, name: str) -> Callable[P, R]:
        def function(*arguments: P.args, **parameters: P.kwargs) -> R:
            return template(space, *arguments, **parameters)

        # With the template's globals, by which doctest tells where a function comes from.
        made = FunctionType(function.__code__, template.__globals__, name, None, function.__closure__)
        made.__qualname__, others = name, space.rank - 1
        indices = {"h": space.pixels.lower(), "p": space.outputs.lower(), "k": ("i", "i, j", "k, i, j")[others]}
        sizes = {"H": space.pixels, "P": space.outputs, "K": space.taps, "N": str(space.rank)}
        text = template.__doc__ or ""
        for _ in words:
            text = Template(text).safe_substitute(words)
        made.__doc__ = Template(text).substitute(indices, **sizes, ones="1, " * others, zeros="(0, 0), " * others)
        _, *parameters = inspect.signature(template).parameters.values()
        made.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return made

    def decorate(template: Callable[Concatenate[Space, P], R]) -> tuple[Callable[P, R], ...]:
        each = [(space, name.replace("N", str(space.rank))) for name in names for space in spaces]
        return tuple(along(template, space, name) for space, name in each)

    return decorate


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


def as_ints(name: str, value: object, minimum: int, space: Space) -> tuple[int, ...]:
    """Return one int for each axis of a space: one stands for all."""
    return _as_tuple(name, value, minimum, space.rank, space.numbers)


def as_pair(name: str, value: object, minimum: int, form: str = "(height, width)") -> Pair:
    """Return a pair of ints: an int stands for both.  `form` names the two in messages."""
    first, second = _as_tuple(name, value, minimum, 2, f"a pair {form}")
    return first, second


def _as_tuple(name: str, value: object, minimum: int, count: int, form: str) -> tuple[int, ...]:
    if not is_sequence(value):
        return (as_int(name, value, minimum),) * count
    if len(value) != count:
        raise ValueError(f"{name}={value!r} has length {len(value)}; it must be an int or {form}")
    return tuple(as_int(f"{name}[{axis}]", element, minimum) for axis, element in enumerate(value))


def as_padding(value: object, space: Space = PLANE) -> tuple[Pair, ...] | str:
    """Return ``(before, after)`` for every axis, or a padding string: an int pads all sides, one for each axis both."""
    if isinstance(value, str):
        if value not in PADDING_STRINGS:
            raise ValueError(f"padding={value!r} must be one of {', '.join(map(repr, PADDING_STRINGS))}, or numbers")
        return value
    if not is_sequence(value) or not any(map(is_sequence, value)):
        return tuple((size, size) for size in as_ints("padding", value, 0, space))
    if len(value) != space.rank or not all(map(is_sequence, value)):
        sides = f"({', '.join(space.sides)}{',' if space.rank == 1 else ''})"
        raise ValueError(f"padding={value!r} must be an int, {space.numbers} or {sides}")
    named = enumerate(zip(value, space.sides, strict=True))
    return tuple(as_pair(f"padding[{axis}]", pair, 0, form) for axis, (pair, form) in named)


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Refuse a value that is none of `choices`."""
    if value not in tuple(choices):  # a tuple, for what cannot be hashed
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, choices))}")


@contextmanager
def adding_context(context: str) -> Iterator[None]:
    """Add `context`, such as the shapes, to the message of a TypeError or ValueError that passes through."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} ({context})") from None
