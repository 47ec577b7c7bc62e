"""What stands where an output is wrong: zeros, NaN, the bias alone, the truth plus a constant, another element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from refconv.dtypes import Array
from refconv.testing.evidence import Evidence, is_near
from refconv.testing.reading import spread

ENOUGH = 4  # wrong elements, below which a constant or a neighbour may be chance
SAMPLE = 64


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in the place of the truth: a stable code, and words."""

    code: str
    sentence: str


def content(evidence: Evidence) -> Content | None:
    """Return the first simple thing that stands at every wrong place, or None."""
    for look in (_zeros, _not_finite, _bias_alone, _constant, _factor, _exchanged_maps, _neighbour, _stale):
        if (found := look(evidence)) is not None:
            return found
    return None


def _values(evidence: Evidence) -> tuple[Array, Array, Array]:
    """Return what stands at the wrong places, what should, and how near is near."""
    wrong = evidence.wrong
    return evidence.actual[wrong], evidence.truth[wrong], evidence.bound[wrong]


def _zeros(evidence: Evidence) -> Content | None:
    actual, _, _ = _values(evidence)
    return Content("zero", "zeros stand there") if not actual.any() else None


def _not_finite(evidence: Evidence) -> Content | None:
    actual, truth, _ = _values(evidence)
    wide = actual.astype(truth.dtype)
    if np.isnan(wide).all():
        return Content("nan", "NaN stands there")
    if np.isinf(wide).all():
        return Content("infinite", "infinity stands there")
    if np.isnan(truth).all() and np.isfinite(wide).all():
        return Content("nan-lost", "numbers stand there, where NaN belongs")
    return None


def _bias_alone(evidence: Evidence) -> Content | None:
    n, o, _, _ = evidence.places
    actual, _, bound = _values(evidence)
    if is_near(actual, evidence.right.bias[n, o], bound).all():
        return Content("bias-alone", "the bias alone stands there")
    return None


def _constant(evidence: Evidence) -> Content | None:
    """Find the truth plus one number."""
    return _altered(evidence, lambda actual, truth: actual - truth, np.add, "plus-constant", "the truth plus {:.6g}")


def _factor(evidence: Evidence) -> Content | None:
    """Find the truth times one number."""
    return _altered(evidence, lambda actual, truth: actual / truth, np.multiply, "scaled", "{:.6g} times the truth")


def _altered(
    evidence: Evidence,
    solve: Callable[[Array, Array], Array],
    apply: Callable[[Array, Array], Array],
    code: str,
    words: str,
) -> Content | None:
    actual, truth, bound = _values(evidence)
    if len(actual) < ENOUGH or actual.dtype.kind == "c":
        return None
    with np.errstate(all="ignore"):
        largest = int(np.argmax(np.where(np.isfinite(truth), np.abs(truth), -1)))
        number = solve(actual.astype(truth.dtype), truth)[largest]
        if not (np.isfinite(number) and is_near(actual, apply(truth, number), 4 * bound).all()):
            return None
    return Content(code, f"{words.format(float(number))} stands there")


def _exchanged_maps(evidence: Evidence) -> Content | None:
    """Find whole maps (n, o) that stand in each other's places."""
    maps = np.argwhere(evidence.wrong.any(axis=(2, 3)))
    if len(maps) < 2 or evidence.actual[0, 0].size < ENOUGH:
        return None
    moved = []
    for n, o in maps:
        matches = is_near(evidence.actual[n, o], evidence.truth, evidence.bound).all(axis=(2, 3))
        if not matches.any():
            return None
        moved.append((n, o, *map(int, np.argwhere(matches)[0])))
    n, o, from_n, from_o = moved[0]
    where = f"image {n}, channel {o} holds what belongs to image {from_n}, channel {from_o}"
    return Content("maps-exchanged", f"whole maps stand in each other's places: {where}")


def _neighbour(evidence: Evidence) -> Content | None:
    """Find the truth of the output a fixed way off."""
    for offset in _offsets(evidence):
        source = tuple(axis + step for axis, step in zip(evidence.places, offset, strict=True))
        shape = evidence.truth.shape
        if all(((axis >= 0) & (axis < size)).all() for axis, size in zip(source, shape, strict=True)):
            actual = evidence.actual[evidence.places]
            if len(actual) >= ENOUGH and is_near(actual, evidence.truth[source], evidence.bound[source]).all():
                steps = ", ".join(f"{step:+d}" for step in offset)
                return Content("neighbour", f"the truth of the output at [{steps}] from there stands there")
    return None


def _offsets(evidence: Evidence) -> Iterator[tuple[int, ...]]:
    """Yield the nearest steps first."""
    reach = [range(-2, 3) if size > 1 else range(1) for size in evidence.truth.shape]
    yield from sorted((step for step in product(*reach) if any(step)), key=lambda step: sum(map(abs, step)))


def _stale(evidence: Evidence) -> Content | None:
    """Find elements of the truth of other places, in no order."""
    if evidence.count < ENOUGH:
        return None
    places = spread(evidence.places, SAMPLE)
    actual = evidence.actual[places].astype(evidence.truth.dtype)
    rounded = np.sort(evidence.truth.astype(evidence.actual.dtype).astype(evidence.truth.dtype), axis=None)
    found = rounded[np.minimum(np.searchsorted(rounded, actual), rounded.size - 1)] == actual
    is_chance = len(np.unique(actual)) < ENOUGH or rounded.size > np.ptp(rounded)  # whole numbers, densely spread
    if found.all() and not is_chance:
        return Content("stale", "elements of the truth stand there that belong elsewhere")
    return None
