"""What stands where an output is wrong: zeros, NaN, the bias alone, the truth plus a constant, another element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.diagnosis.evidence import Evidence, accounts_for, is_near
from refconv.testing.diagnosis.reading import Places, spread

MOST_CHANNELS: Final = 64  # whose biases are tried in each other's place
ENOUGH: Final = 4  # wrong elements, below which a constant or a neighbour may be chance
SAMPLE: Final = 64


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in the place of the truth, by a stable code and in words."""

    code: str
    sentence: str
    mask: Array  # every element where it stands, wrong or (by chance, as zeros where zero is right) right
    has_region: bool = True  # whether it matters where that is
    is_derived: bool = False  # whether it is made of the truth, so that where it stands is no accident


def contents(evidence: Evidence) -> list[Content]:
    """Return the simple things that stand at every wrong place; several where, say, the bias is zero."""
    plain = [content for content in _plain(evidence) if (content.mask | ~evidence.wrong).all()]
    if plain:
        return plain
    derived = (look(evidence) for look in _DERIVED)
    first = next((content for content in derived if content is not None), None)
    return [] if first is None else [replace(first, is_derived=True)]


def _plain(evidence: Evidence) -> Iterator[Content]:
    """Yield what is known whatever the truth is."""
    actual, bias = evidence.wide, np.broadcast_to(evidence.bias, evidence.truth.shape)
    yield Content("zero", "zeros stand there", evidence.actual == 0)
    if evidence.right.adds_bias:
        yield Content("bias-alone", "the bias alone stands there", is_near(evidence.actual, bias, evidence.bound))
    yield Content("nan", "NaN stands there", np.isnan(actual))
    yield Content("infinite", "infinity stands there", np.isinf(actual))
    numbers = np.isfinite(actual) & np.isnan(evidence.truth)
    yield Content("nan-lost", "numbers stand where NaN belongs", numbers, has_region=False)


def _wrapped(evidence: Evidence) -> Content | None:
    """Find whole numbers that have gone round in an integer type."""
    actual, truth = evidence.wide, evidence.truth
    if truth.dtype.kind == "c" or not np.isfinite(actual).all() or not (truth == np.rint(truth)).all():
        return None
    if (np.abs(truth) >= 2.0**53).any():  # where every number is a multiple of those below
        return None
    turned = actual - truth
    for bits in (32, 16, 8):
        if len(np.unique(turned[evidence.wrong])) > 1 and (turned % 2**bits == 0).all():
            words = f"sums go round in a type of {bits} bits: the truth modulo 2^{bits} stands there"
            return Content(f"wraps-at-{bits}-bits", words, evidence.wrong, has_region=False)
    return None


def _saturated(evidence: Evidence) -> Content | None:
    """Find one limit, or two, at which larger numbers stop."""
    actual, truth, _ = (array[evidence.wrong] for array in (evidence.actual, evidence.truth, evidence.bound))
    limits = np.unique(actual)
    if truth.dtype.kind == "c" or evidence.count < ENOUGH or len(limits) > 2 or not np.isfinite(limits).all():
        return None
    is_beyond = np.where(actual > 0, truth > actual, truth < actual)
    if not is_beyond.all():
        return None
    stops = " and ".join(f"{limit:g}" for limit in limits.tolist())
    return Content("saturated", f"what is larger stops at {stops}", evidence.wrong, has_region=False)


def _other_bias(evidence: Evidence) -> Content | None:
    """Find in every channel the sums, with the bias of one channel or another."""
    bias, truth, actual = evidence.right.bias[:1], evidence.truth, evidence.actual
    maps = evidence.wrong.any(axis=(0, *range(2, truth.ndim))).sum()
    if not bias.any() or bias.shape[1] > MOST_CHANNELS or evidence.count < ENOUGH or maps < 2:
        return None
    for o in np.flatnonzero(evidence.wrong.any(axis=(0, *range(2, truth.ndim)))):
        others = (truth[:, o] + offset for offset in bias[0] - bias[0, o])
        if not any(
            is_near(actual[:, o], other, 2 * evidence.bound[:, o]).all()
            and accounts_for(actual[:, o], other, truth[:, o])
            for other in others
        ):
            return None
    return Content("bias-of-another-channel", "channels have each other's biases", evidence.wrong, has_region=False)


def _altered(code: str, words: str, solve: np.ufunc, apply: np.ufunc, evidence: Evidence) -> Content | None:
    """Solve for the number at the wrong element whose truth is largest, and try it at all others."""
    actual, truth = evidence.wide, evidence.truth
    if evidence.count < ENOUGH or actual.dtype.kind == "c":
        return None
    with np.errstate(all="ignore"):
        sizes = np.where(evidence.wrong & np.isfinite(truth), np.abs(truth), -1)
        largest = np.unravel_index(int(np.argmax(sizes)), truth.shape)
        number = solve(actual[largest], truth[largest])
        altered = apply(truth, number)
        mask = is_near(evidence.actual, altered, 4 * evidence.bound)
    wrong = evidence.wrong
    if not (np.isfinite(number) and mask[wrong].all() and accounts_for(actual[wrong], altered[wrong], truth[wrong])):
        return None
    texts = (f"{float(number):.{digits}g}" for digits in range(1, 10))  # the shortest that does as well
    near = (
        text
        for text in texts
        if is_near(actual[wrong], apply(truth, np.asarray(float(text)))[wrong], 4 * evidence.bound[wrong]).all()
    )
    return Content(code, words.format(next(near, f"{float(number):.9g}")), mask)


def _exchanged_maps(evidence: Evidence) -> Content | None:
    """Find whole maps (n, o) that stand in each other's places."""
    space = tuple(range(2, evidence.wrong.ndim))
    maps = np.argwhere(evidence.wrong.any(axis=space))
    if len(maps) < 2 or evidence.actual[0, 0].size < ENOUGH:
        return None
    origins = []
    for n, o in maps:
        matches = is_near(evidence.actual[n, o], evidence.truth, evidence.bound).all(axis=space)
        if not matches.any():
            return None
        origins.append(np.argwhere(matches)[0])
    (n, o), (from_n, from_o) = maps[0], origins[0]
    one, other = (many.removesuffix("s") for many in evidence.right.names[:2])
    where = f"{one} {n}, {other} {o} holds what belongs to {one} {from_n}, {other} {from_o}"
    return Content(
        "outputs-swapped", f"whole maps stand in each other's places: {where}", evidence.wrong, has_region=False
    )


def _neighbour(evidence: Evidence) -> Content | None:
    """Find the truth of the output a fixed way off."""
    if evidence.count < ENOUGH:
        return None
    places, shape = evidence.places, evidence.truth.shape
    lowest, highest = [int(axis.min()) for axis in places], [int(axis.max()) for axis in places]
    few = spread(places, ENOUGH)
    for offset in _offsets(shape):
        bounds = zip(lowest, highest, offset, shape, strict=True)
        fits = all(low + step >= 0 and high + step < size for low, high, step, size in bounds)
        if fits and _is_off_by(evidence, few, offset) and _is_off_by(evidence, places, offset):
            steps = ", ".join(f"{step:+d}" for step in offset)
            return Content("neighbour", f"the truth of the output at [{steps}] from there stands there", evidence.wrong)
    return None


def _is_off_by(evidence: Evidence, places: Places, offset: tuple[int, ...]) -> bool:
    there = tuple(axis + step for axis, step in zip(places, offset, strict=True))
    return bool(is_near(evidence.actual[places], evidence.truth[there], evidence.bound[there]).all())


def _offsets(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the nearest steps first."""
    reach = [range(-2, 3) if size > 1 else range(1) for size in shape]
    yield from sorted((step for step in product(*reach) if any(step)), key=lambda step: sum(map(abs, step)))


def _stale(evidence: Evidence) -> Content | None:
    """Find elements of the truth of other places, in no order."""
    places = spread(evidence.places, SAMPLE)
    actual = evidence.wide[places]
    rounded = np.sort(evidence.truth.astype(evidence.actual.dtype).astype(evidence.truth.dtype), axis=None)
    found = rounded[np.minimum(np.searchsorted(rounded, actual), rounded.size - 1)] == actual
    is_dense = bool((rounded == np.rint(rounded)).all()) and rounded.size > np.ptp(rounded)
    is_chance = len(np.unique(actual)) < ENOUGH or is_dense  # whole numbers soon have all been there
    if not found.all() or is_chance:
        return None
    return Content("stale", "elements of the truth stand there that belong elsewhere", evidence.wrong)


_DERIVED: Final[tuple[Callable[[Evidence], Content | None], ...]] = (
    _wrapped,
    _saturated,
    _other_bias,
    partial(_altered, "plus-constant", "the truth plus {} stands there", np.subtract, np.add),
    partial(_altered, "scaled", "{} times the truth stands there", np.divide, np.multiply),
    _exchanged_maps,
    _neighbour,
    _stale,
)
