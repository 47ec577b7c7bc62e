"""By which narrower arithmetic would a result be right, and does it look as if it came from one?

A kernel that multiplies in TF32, or keeps its sums in float16, is right by a standard of its own.  Each type has a list
of such standards, the likeliest first.  Two questions are asked of a result: is it within what the standard allows, and
does it bear its mark?  Sums that were kept in float16 are numbers of float16; and factors that were rounded first come
near to the same sum of rounded factors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.random_order import CONFIDENCE, random_order_bound
from refconv.bounds.summation import Precision, gamma
from refconv.bounds.sums import roundings_of
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype, round_to_format
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.comparison import Comparison, compare_arrays
from refconv.testing.comparing.reference import Reference

__all__: list[str] = []

MARGIN: Final = 4.0  # times the random-order bound, that an honest kernel of a standard may be off by
FAR: Final = 2.0  # times the random-order bound, and far from suspect
FEWEST_TERMS: Final = 32  # of shorter sums the proven bound is the sharper one
NEARLY: Final = 0.95  # of the results are numbers of the type in which they were kept
SLACK: Final = 2.0**-21  # that a bias, added to them in float32, may round them by
NEARER: Final = 0.5  # times as far from the sum of rounded factors as from the truth
CUT_OFF: Final = 0.5  # correlation of errors with what is cut off


@dataclass(frozen=True, slots=True)
class Narrower:
    """A narrower arithmetic by which a result may be right."""

    code: str  # stable, for programs
    sentence: str  # what it looks like
    how: Arithmetic  # what a caller would say of such a kernel


def _inputs(code: str, kind: str, written: str) -> Narrower:
    words = f"as if input and weight were rounded to {written}"
    return Narrower(f"inputs-rounded-to-{code}", words, Arithmetic(input_dtype=kind))


def _sums(kind: str) -> Narrower:
    return Narrower(f"accumulated-in-{kind}", f"as if sums were kept in {kind}", Arithmetic(accumulate_dtype=kind))


def _computed(kind: str) -> Narrower:
    how = Arithmetic(accumulate_dtype=kind, input_dtype=kind)
    return Narrower(f"computed-in-{kind}", f"as if it were computed in {kind}", how)


# Float16 has TF32's eleven digits and a smaller range: what tells them apart is what is lost beyond it.
_ROUNDED: Final = (
    _inputs("tf32", "tf32", "TF32"),
    _inputs("bf16", "bfloat16", "bfloat16"),
    _inputs("fp16", "float16", "float16"),
)
_NARROW: Final = (*map(_sums, ("float16", "bfloat16")), *map(_computed, ("float16", "bfloat16")))
STANDARDS: Final[dict[str, tuple[Narrower, ...]]] = {
    **dict.fromkeys(("float32", "complex64"), (*_ROUNDED, *_NARROW)),
    "float64": (
        _computed("float32"),
        *(replace(each, how=replace(each.how, accumulate_dtype="float32")) for each in _ROUNDED),
        *_NARROW,
    ),
    "float16": (_sums("float16"), _ROUNDED[1], _sums("bfloat16")),
    "bfloat16": tuple(map(_sums, ("bfloat16", "float16"))),
}


def standards_of(dtype: np.dtype[Any], how: Arithmetic) -> Iterator[Narrower]:
    """Yield the standards of a type, the likeliest first, that are narrower than what is said of a kernel already."""
    for standard in STANDARDS.get(dtype.name, ()):
        weaker = replace(how, **standard.how.said)
        own, other = (_units(Precision.of(dtype, each)) for each in (how, weaker))
        if own != other and all(unit <= wider for unit, wider in zip(own, other, strict=True)):
            yield replace(standard, how=weaker)


def _units(precision: Precision) -> tuple[float, float]:
    return precision.accumulator.unit, 0.0 if precision.multiplier is None else precision.multiplier.unit


def surprise_of(found: Comparison, error: Array, call: Call, reference: Reference, how: Arithmetic) -> float:
    """Return the largest of the errors in units of the random-order bound, where that is the sharper one; else 0.

    Where it is at most 2 in any case, as is known from the proven bound, it is that which is returned.
    """
    how = how.applied(call.operation)
    terms = call.plan.taps_per_output if call.operation.asked == "output" else FEWEST_TERMS
    if not error.size or not _has_random_bound(reference, how) or terms < FEWEST_TERMS:
        return 0.0
    precision = Precision.of(reference.dtype, how)
    at_most = found.error_in_bounds / max(_least_share(call, precision, error.size), 1e-300)
    if at_most <= FAR:
        return at_most
    truth = call(dtype=wide_dtype(reference.dtype, *call.dtypes)) if how.epilogue.text else reference.truth
    likely = random_order_bound(call, precision, truth, reference.allowed)
    with np.errstate(all="ignore"):
        largest = float(np.fmax(error / likely, 0.0).max(initial=0.0))
    return largest if np.isfinite(largest) else 0.0


def _least_share(call: Call, precision: Precision, size: int) -> float:
    """Return of how much of the proven bound the random-order bound is more, for all of so many elements; 0 if unknown.

    Of K products Σp² is no less than (Σ|p|)²/K, and so λ·u·√((K + 9)/6·Σp²) no less than λ·u·√((K + 9)/6K)·Σ|p|.
    """
    terms, unit = float(roundings_of(call, precision).max()), precision.accumulator.unit
    if precision.how.said or precision.rounds_result or call.is_complex or not terms:
        return 0.0
    deviations = math.sqrt(2 * math.log(2 * size / (1 - CONFIDENCE)))
    return deviations * math.sqrt((terms + 9) / (6 * terms)) * unit / float(gamma(np.asarray(terms + 2), unit))


def _has_random_bound(reference: Reference, how: Arithmetic) -> bool:
    is_floating = reference.dtype.kind in "fc" or is_ml_dtype(reference.dtype)
    return is_floating and how.algorithm == "direct" and not how.tolerance


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def likeness(actual: object, call: Call, reference: Reference, how: Arithmetic) -> str:
    """Return what a result looks like that is further off than honest rounding: a standard that it fits, in words."""
    if not _has_random_bound(reference, how) or how.epilogue.text:
        return ""
    array = to_numpy("the result", actual)
    fitting = [
        standard
        for standard in standards_of(reference.dtype, how)
        if is_marked(array, call, reference, standard.how)
        and compare_arrays(array, by_standard(call, reference, standard)).passed
    ]
    if fitting:  # the narrowest: numbers of bfloat16 are numbers of float16, too
        standard = max(fitting, key=lambda each: max(_units(Precision.of(reference.dtype, each.how))))
        return f"{standard.sentence}; if it is meant: {standard.how.keywords}"
    if not compare_arrays(array, reference).passed:
        return ""
    error = array.astype(reference.truth.dtype) - reference.truth
    is_finite = np.isfinite(error) & np.isfinite(reference.truth)
    error, truth = error[is_finite], reference.truth[is_finite]
    together = -float((error * truth.conj()).real.sum())
    is_cut_off = together > CUT_OFF * float(np.linalg.norm(error) * np.linalg.norm(truth))
    return "as if sums were cut off where they ought to be rounded" if is_cut_off else ""


def by_standard(call: Call, reference: Reference, standard: Narrower) -> Reference:
    """Return the reference with what a kernel of this standard may be off by, if its roundings are random."""
    likely = random_order_bound(call, Precision.of(reference.dtype, standard.how), reference.truth)
    return reference._replace(allowed=np.fmax(reference.allowed, MARGIN * likely))


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def is_marked(actual: Array, call: Call, reference: Reference, how: Arithmetic) -> bool:
    """Whether a result bears the mark of an arithmetic."""
    marks = []
    if how.accumulate_dtype is not None:
        marks.append(_are_numbers_of(float_info(how.accumulate_dtype), actual, call, reference))
    if how.input_dtype is not None:
        marks.append(_are_nearer(float_info(how.input_dtype), actual, call))
    return any(marks)


def _are_numbers_of(kind: FloatInfo, actual: Array, call: Call, reference: Reference) -> bool:
    """Whether the results, or these without the bias, are nearly all numbers of a type where the truth is none."""
    if actual.dtype.kind == "c":
        return True
    sums = [(actual.astype(np.float64), reference.desired.astype(np.float64))]
    if "bias" in call.operands:
        bias = call.operands["bias"].astype(np.float64).reshape(-1, *(1,) * len(call.plan.axes))
        sums.append((sums[0][0] - bias, sums[0][1] - bias))
    size = np.abs(sums[0][0])
    telling = [  # zeros are numbers of every type, and say nothing of any
        (are_numbers_of(kind, own, size) & (own != 0), ~are_numbers_of(kind, true, size)) for own, true in sums
    ]
    return any(bool(where.any()) and held_there[where].mean() >= NEARLY for held_there, where in telling)


def are_numbers_of(kind: FloatInfo, sums: Array, size: Array) -> Array:
    """Whether each sum is a number of a type, but for what a bias of this size, added in float32, may round it by."""
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(round_to_format(sums, kind) - sums) <= SLACK * size)


def _are_nearer(kind: FloatInfo, actual: Array, call: Call) -> bool:
    """Whether the results come nearer to the sum of rounded factors, or of factors cut off, than to the truth."""
    wide = wide_dtype(actual.dtype)

    def distance(factors: dict[str, Array]) -> float:
        with np.errstate(all="ignore"):
            off = np.abs(actual.astype(wide) - call.with_operands(**factors)(dtype=wide))
        return float(np.sqrt(np.mean(np.where(np.isfinite(off), off, 0.0) ** 2)))

    own = {name: array.astype(wide) for name, array in call.factors.items()}
    rounded = {name: in_format(array, kind) for name, array in own.items()}
    cut = {name: in_format(array, kind, is_cut_off=True) for name, array in own.items()}
    return min(distance(rounded), distance(cut)) < NEARER * distance(own)


def in_format(array: Array, kind: FloatInfo, *, is_cut_off: bool = False) -> Array:
    """Return numbers rounded to a format, or cut off: of complex ones both parts."""
    if array.dtype.kind == "c":
        real, imag = (in_format(part, kind, is_cut_off=is_cut_off) for part in (array.real, array.imag))
        return np.asarray(real + 1j * imag)
    rounded = round_to_format(array, kind)
    if not is_cut_off:
        return rounded
    last_place = np.ldexp(2 * kind.unit, np.frexp(array)[1] - 1)
    return np.where(np.abs(rounded) > np.abs(array), rounded - np.copysign(last_place, rounded), rounded)
