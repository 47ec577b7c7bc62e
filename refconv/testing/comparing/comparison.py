"""Actual against truth, as data: how many elements are wrong, which is the worst, and by how much of its own bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from refconv.numbers.dtypes import is_integral
from refconv.numbers.formats import Array, float_info
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.limits import overflow
from refconv.testing.comparing.reference import Reference

__all__ = ["Comparison"]

MOST_PLACES = 5  # of wrong elements
SUSPECT = 4.0  # times the random-order bound; accumulators that cut off come to 2.4 at 4,096 products
LONGEST_MESSAGE = 300  # characters of an exception's text: frameworks print whole graphs


class Obstacle(StrEnum):
    """Why arrays could not be compared element by element."""

    SHAPE = "wrong-shape"
    DTYPE = "wrong-dtype"
    UNREADABLE = "no-array"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison with the truth found; it holds numbers, not arrays.

    Attributes
    ----------
    problem : str
        Why the arrays could not be compared element by element (a wrong shape or type), in words, or empty.
    elements, mismatched : int
        All elements, and those that are wrong.
    worst_index : tuple of int or None
        The element whose error is largest in units of its own bound; None where nothing was compared.
    actual, desired : int, float, complex or None
        What stands there, and what should: the truth rounded to the type of the result.
    error, bound : float
        ``|actual − truth|`` there, and what an honest kernel may be off by.  A bound of 0 asks for equality.
    error_in_bounds : float
        ``error / bound`` there: the headroom of a comparison that passes, infinite where the bound is 0.
    first_wrong : tuple of tuple of int
        Where the first wrong elements stand, five at most, in the order of the indices.
    nans, infinities, zeroed : int
        Of the wrong elements, those in which a NaN, or else an infinity, stands on one side alone; and those that are 0
        and ought not to be.
    exempt : int
        Elements without a bound, since a partial sum may overflow in some order: any result is right there.
    zeros : int
        Elements that ought to be 0, which says little about a convolution.
    unreached : int
        Of these, those to which no product and no bias is added, so that 0 belongs there; counted for a `Case` alone.
    convention : str
        Where the result is right by another convention than refconv's: which one, in words; empty otherwise.
    obstacle : Obstacle or None
        What the problem is: "wrong-shape", "wrong-dtype" or "no-array".
    surprise : float
        The largest error in units of the random-order bound (see `refconv.error_bound`), where that says more than the
        proven one; up to 2, what it is at most.  Honest rounding comes to 0.6; from 4 on a result is suspect.
    resembles : str
        What a suspect or wrong result looks like, in words, if that is a narrower arithmetic; empty otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from refconv.testing import compare_conv2d
    >>> ones = np.ones((1, 1, 3, 3), dtype=np.float32)
    >>> comparison = compare_conv2d(np.full((1, 1, 1, 1), 8, np.float32), ones, ones)
    >>> comparison.passed, comparison.actual, comparison.desired, comparison.error
    (False, 8.0, 9.0, 1.0)
    """

    problem: str = ""
    elements: int = 0
    mismatched: int = 0
    worst_index: tuple[int, ...] | None = None
    actual: complex | None = None
    desired: complex | None = None
    error: float = 0.0
    bound: float = 0.0
    error_in_bounds: float = 0.0
    first_wrong: tuple[tuple[int, ...], ...] = ()
    nans: int = 0
    infinities: int = 0
    zeroed: int = 0
    exempt: int = 0
    zeros: int = 0
    convention: str = ""
    unreached: int = 0
    obstacle: Obstacle | None = None
    surprise: float = 0.0
    resembles: str = ""

    @property
    def is_suspect(self) -> bool:
        """Whether it is within its proven bound, and yet far outside what random rounding gives."""
        return self.passed and self.surprise > SUSPECT

    @property
    def passed(self) -> bool:
        """Whether every element is within its bound."""
        return self.obstacle is None and not self.mismatched

    def __str__(self) -> str:
        """Say it in one or three lines."""
        if self.obstacle is not None:
            return self.problem
        if self.passed:
            return self._agreement()
        if not self.bound:
            unit = "where none is allowed"
        elif math.isinf(self.error):
            unit = f"where {self.bound:.2g} is allowed"
        else:
            unit = f"{self.error_in_bounds:.3g} × its bound {self.bound:.2g}"
        index = ", ".join(map(str, self.worst_index or ()))
        return (
            f"{self.mismatched} of {self.elements} elements wrong; the worst is [{index}]\n"
            f"got  {self.actual}\nwant {self.desired}\nerror {self.error:.3g}, {unit}"
        )

    def _agreement(self) -> str:
        headroom = f"; the worst uses {self.error_in_bounds:.2g} of its bound" if self.bound else ""
        exempt = f"; {self.exempt} may overflow, and are exempt" if self.exempt else ""
        convention = f"; they differ by convention: {self.convention}" if self.convention else ""
        return f"all {self.elements} elements agree{headroom}{exempt}{convention}{self.suspicion}"

    @property
    def suspicion(self) -> str:
        """Why it is suspect, in words; empty where it is not."""
        if not self.is_suspect:
            return ""
        like = self.resembles or "like no arithmetic that is known here"
        return f"; suspect: {self.surprise:.3g} times what random rounding gives, {like}"


def compare_arrays(actual: object, reference: Reference) -> Comparison:
    """Compare anything at all with the reference, element by element.

    An element is right if it equals the truth in the type of the result, or is no further from the truth than allowed;
    NaN equals NaN, and ``-0.0`` equals ``0.0``.
    """
    array = comparable(actual, reference.truth.shape, reference.dtype, any_integer=reference.any_integer)
    return array if isinstance(array, Comparison) else compare_elements(array, reference)


def comparable(
    actual: object, shape: tuple[int, ...], dtype: np.dtype[Any], *, any_integer: bool = False
) -> Array | Comparison:
    """Return anything at all as an array of this shape and type, or the comparison that says why it is none."""
    array = _readable(actual)
    if isinstance(array, str):
        return Comparison(array, obstacle=Obstacle.UNREADABLE)
    if array.shape != shape:
        return Comparison(f"shape {array.shape}, where {shape} was expected", obstacle=Obstacle.SHAPE)
    native = array.dtype.newbyteorder("=")
    if native != dtype and not (any_integer and is_integral(dtype) and is_integral(native)):
        return Comparison(f"dtype {array.dtype}, where {dtype} was expected", obstacle=Obstacle.DTYPE)
    return array


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def errors(array: Array, reference: Reference) -> Array:
    """Return ``|actual − truth|`` in float64, or how far the truth is from what overflows, or 0 for a clamp's limit."""
    error = _distance(array, reference.truth, reference.desired)
    if reference.truth.dtype.kind == "f" and not np.isfinite(array).all():
        overflow = _distance_to_overflow(array, reference.truth, reference.dtype)
        error = np.where(overflow <= np.fmax(reference.allowed, 0.0), overflow, error)
    for limit in filter(np.isfinite, reference.limits if reference.truth.dtype.kind == "f" else ()):
        error = np.where(np.isnan(reference.truth) & (array == np.asarray(limit).astype(array.dtype)), 0.0, error)
    return error


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def compare_elements(array: Array, reference: Reference, error: Array | None = None) -> Comparison:
    """Compare an array of the right shape and type with the reference; the errors may be known already."""
    if not array.size:
        return Comparison()
    error = errors(array, reference) if error is None else error
    desired, allowed = reference.desired, np.fmax(reference.allowed, 0.0)  # NaN and infinity are right, or not
    in_bounds = np.fmax(error / allowed, 0.0)  # 0 of 0 is none, and so is infinity where anything is right
    wrong = error > allowed
    largest = np.flatnonzero(in_bounds == in_bounds.max())
    worst = np.unravel_index(largest[np.argmax(error.reshape(-1)[largest])], array.shape)
    found = Comparison(
        elements=array.size,
        exempt=int(np.isinf(allowed).sum()),
        zeros=int(array.size - np.count_nonzero(desired)),
        worst_index=tuple(map(int, worst)),
        actual=array.item(worst),
        desired=desired.item(worst),
        error=float(error[worst]),
        bound=float(allowed[worst]),
        error_in_bounds=float(in_bounds[worst]),
    )
    return _with_wrong(found, array, desired, wrong) if wrong.any() else found


def _with_wrong(found: Comparison, array: Array, desired: Array, wrong: Array) -> Comparison:
    """Add how many elements are wrong, where the first of them stand, and what stands there."""
    is_nan, is_infinite = (_differ(kind, array, desired) & wrong for kind in (np.isnan, np.isinf))
    return replace(
        found,
        mismatched=int(wrong.sum()),
        first_wrong=tuple(tuple(map(int, index)) for index in np.argwhere(wrong)[:MOST_PLACES]),
        nans=int(is_nan.sum()),
        infinities=int((is_infinite & ~is_nan).sum()),
        zeroed=int((wrong & (array == 0)).sum()),
    )


def joined(first: Comparison, second: Comparison) -> Comparison:
    """Return the comparison of two parts of one result, whose indices are those of the whole."""

    def badness(one: Comparison) -> tuple[Any, ...]:
        return one.worst_index is not None, one.error_in_bounds, one.error, *(-i for i in one.worst_index or ())

    sums = ("elements", "mismatched", "nans", "infinities", "zeroed", "exempt", "zeros")
    return replace(
        max(first, second, key=badness),
        first_wrong=tuple(sorted(first.first_wrong + second.first_wrong)[:MOST_PLACES]),
        surprise=max(first.surprise, second.surprise),
        **{name: getattr(first, name) + getattr(second, name) for name in sums},
    )


def reindexed(found: Comparison, index_of: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Comparison:
    """Return the comparison of a part with the indices that its elements have in the whole."""
    worst = found.worst_index
    return replace(found, worst_index=worst and index_of(worst), first_wrong=tuple(map(index_of, found.first_wrong)))


def _differ(kind: Callable[[Array], Array], actual: Array, desired: Array) -> Array:
    """Return where one of the two alone is of this kind; whole numbers and objects are not asked."""
    if desired.dtype.kind in "biuO" or actual.dtype.kind in "biuO":
        return np.zeros(desired.shape, bool)
    return np.asarray(kind(actual) != kind(desired))


def _readable(actual: object) -> Array | str:
    """Return what a target returned as an array, or why that cannot be."""
    if actual is None:
        return "None was returned"
    try:
        return to_numpy("the result", actual)
    except Exception as unreadable:  # noqa: BLE001  # whatever an array-like raises when it is read is its own failure
        return exception_text(unreadable)


def _distance(actual: Array, truth: Array, desired: Array) -> Array:
    """Return ``|actual − truth|`` in float64: 0 where equal to `desired`, infinite where either is not a number."""
    if desired.dtype.kind in "biuO":  # float64 would not see every difference
        differences = np.zeros(desired.shape)
        differs = np.ones(desired.shape, bool) if "O" in (desired.dtype.kind, actual.dtype.kind) else actual != desired
        pairs = zip(actual[differs].astype(object), desired[differs].astype(object), strict=True)
        differences[differs] = [_object_distance(*pair) for pair in pairs]
        return differences
    wide = actual.astype(truth.dtype)
    distance: Array = np.abs(wide - truth).astype(np.float64, copy=False)
    distance *= wide != desired
    if np.isfinite(distance).all():
        return distance
    equal = (wide == desired) | (np.isnan(wide) & np.isnan(desired))
    return np.where(equal, 0.0, np.where(np.isfinite(truth) & ~np.isnan(distance), distance, np.inf))


def _distance_to_overflow(actual: Array, truth: Array, dtype: np.dtype[Any]) -> Array:
    """Return how far the truth is from what overflows to infinity, where that stands with the truth's sign.

    In a type without infinities it is NaN that stands for it.  Infinite everywhere else.
    """
    if truth.dtype.kind != "f":
        return np.full(truth.shape, np.inf)
    infinity = np.copysign(np.inf, truth).astype(dtype).astype(truth.dtype)
    wide = actual.astype(truth.dtype)
    has_overflowed = ~np.isfinite(wide) & ((wide == infinity) | (np.isnan(wide) & np.isnan(infinity)))
    distance = np.maximum(overflow(float_info(dtype)) - np.abs(truth), 0.0).astype(np.float64)
    return np.where(has_overflowed & np.isfinite(truth), distance, np.inf)


def _object_distance(actual: Any, desired: Any) -> float:
    """Return ``|actual − desired|``, above 0 for what differs at all, and infinite for what cannot be subtracted."""
    try:
        if actual == desired or (actual != actual and desired != desired):  # noqa: PLR0124  # both NaN
            return 0.0
        distance = float(abs(actual - desired))
        return math.inf if math.isnan(distance) else max(distance, 5e-324)
    except Exception:  # noqa: BLE001  # a target may put anything into an object array
        return math.inf


def exception_text(error: BaseException) -> str:
    """Return an exception's type and text on one line, printable and not too long."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # an exception whose __str__ raises is an exception all the same
        words = "(its message cannot be read)"
    text = printable(words)
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE] + " ..."
    name = printable(type(error).__name__)
    return f"{name}: {text}" if text else name


def printable(text: str) -> str:
    """Return a text in which nothing steers a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
