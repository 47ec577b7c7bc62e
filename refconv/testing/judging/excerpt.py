"""A window on a wrong output, small enough to show: what stands there, what should, and how far it is off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refconv.numbers.dtypes import round_once
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.comparison import Comparison

__all__: list[str] = []

LARGEST = 16  # rows and columns
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Two axes of a result, such as one channel of one image, or the part of it about the worst element.

    Attributes
    ----------
    place : str
        Where on the other axes that is, in words: ``"image 0, channel 2"``; empty where there are none.
    row, column : int
        Where the window begins.
    actual, desired : tuple of tuple of float
        By rows; `actual` is empty where the result has another shape in these places.
    error_in_bounds : tuple of tuple of float
        ``|actual − truth| / bound``, 0 where equal and infinite where no error is allowed; empty with `actual`.
    wrong : tuple of tuple of int
        Wrong elements of every plane: a row for each image, a column for each of its channels.
    """

    place: str
    row: int
    column: int
    actual: Rows
    desired: Rows
    error_in_bounds: Rows
    wrong: tuple[tuple[int, ...], ...] = ()


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def excerpt_of(case: Case, actual: object, comparison: Comparison) -> Excerpt | None:
    """Return the window about the worst element, or at the origin where shapes differ; None for what is no array."""
    reference = case.reference()
    truth, allowed = reference.truth, reference.allowed
    try:
        result = to_numpy("the result", actual)
        if not truth.size or result.ndim != truth.ndim or result.dtype.kind not in "biuf":
            return None
    except Exception:  # noqa: BLE001  # whatever an array-like raises when it is read, there is nothing to show
        return None
    if truth.ndim == 1:  # a vector, as one row
        result, truth, allowed = result[np.newaxis], truth[np.newaxis], allowed[np.newaxis]
    worst = (0, *(comparison.worst_index or (0,) * truth.ndim))[-truth.ndim :]
    plane = worst[:-2]
    place = ", ".join(f"{name} {index}" for name, index in zip(_outer_axes(case), plane, strict=False))
    row, column = (_start(place, size) for place, size in zip(worst[-2:], truth.shape[-2:], strict=True))
    window: tuple[int | slice, ...] = (*plane, slice(row, row + LARGEST), slice(column, column + LARGEST))
    desired = round_once(truth, reference.dtype)[window]
    if comparison.worst_index is None:
        shown = result[window] if all(place < size for place, size in zip(plane, result.shape, strict=False)) else ()
        return Excerpt(place, row, column, _rows(np.asarray(shown)), _rows(desired), ())
    found = result.astype(truth.dtype)
    errors = _errors(found, truth, round_once(truth, reference.dtype), allowed)
    counts = np.count_nonzero(errors > 1, axis=(-2, -1))
    wrong = tuple(tuple(map(int, each)) for each in counts.reshape(-1, counts.shape[-1] if counts.ndim else 1))
    return Excerpt(place, row, column, _rows(found[window]), _rows(desired), _rows(errors[window]), wrong)


def _outer_axes(case: Case) -> tuple[str, ...]:
    """Return what the axes of a result are called, but for the last ones."""
    if case.operation.asked == "weight":
        return "output channel", "input channel", "kernel plane"
    is_batched = len(case.input_shape) == case.operation.space.rank + 2
    return ("image", "channel", "depth") if is_batched else ("channel", "depth")


def _start(place: int, size: int) -> int:
    """Return where a window of `LARGEST` begins, so that it lies within `size` and the place near its middle."""
    return max(0, min(place - LARGEST // 2, size - LARGEST))


def _errors(found: Array, truth: Array, desired: Array, allowed: Array) -> Array:
    """Return each error in units of its bound: 0 where equal, infinite where it is no number or none is allowed."""
    with np.errstate(all="ignore"):
        ratio = np.abs(found - truth) / allowed
    equal = (found == desired) | (np.isnan(found) & np.isnan(desired))
    return np.where(equal, 0.0, np.where(np.isnan(ratio), np.inf, ratio))


def _rows(window: Array) -> Rows:
    return tuple(tuple(map(float, row)) for row in window)
