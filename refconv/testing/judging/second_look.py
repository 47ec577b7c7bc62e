"""A second look at wrong numbers: are they right by another standard, or after a step that nobody has declared?

To tell, the target is asked again.  A *twin* of a case has the same arguments, and whole numbers whose sums are exact:
whoever makes a logical mistake makes it there, too, where there is nothing that rounding could excuse.  So only what
has a right twin is taken for rounding, whatever its own bound would let pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final

import numpy as np

from refconv.bounds.epilogue import Epilogue
from refconv.bounds.summation import Precision
from refconv.bounds.winograd import WINOGRAD
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype
from refconv.operations import Call
from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import ROUNDED
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.comparison import Comparison, compare_arrays, errors
from refconv.testing.comparing.conventions import LESS_INFINITY, SPREAD, TRANSFORM
from refconv.testing.comparing.reference import Reference, Standard
from refconv.testing.comparing.standards import Narrower, by_standard, in_format, is_marked, standards_of
from refconv.testing.diagnosis.behaviour import addition, adds_nothing, of_nothing
from refconv.testing.diagnosis.evidence import Evidence, is_near
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.locate import locate
from refconv.testing.diagnosis.reading import is_floating
from refconv.testing.diagnosis.right_reading import reading_of
from refconv.testing.targets import Target

COARSE: Final = FloatInfo(2.0**-8, 2.0**-1074, np.inf)  # numbers of 8 digits, which every narrow multiplier holds
AS_LARGE: Final = 0.1  # times the errors of the case: what coarse numbers leave of a transform, and of no other
SHARE: Final = 1 / 16  # of the bound of a transform, that an honest one takes up; measured, 0.018 at most
MOST_PARTS: Final = 16  # that products are taken in, where they are too many for any whole numbers
TWINS: Final = 3  # of numbers so small that two are often equal, and one bias passes for another
FEWEST: Final = 8  # elements below 0, from which a slope is read
NEAREST: Final = np.nextafter(0.5, 0)  # to a whole number, and to no other
HUGE: Final = 2.0**64
SOME: Final = 1 / 8  # of the elements beside what is not finite; the others are right by chance, or clamped
NEAR: Final = 1 / 16  # of a slope, within which most elements below 0 show it, rounded to bfloat16 as they may be


@dataclass(frozen=True)
class SecondLook:
    """A case, a target that is wrong in it, and what it returned."""

    target: Target
    case: Case
    actual: object

    @cached_property
    def _call(self) -> Call:
        return self.case.call()

    @cached_property
    def _reference(self) -> Reference:
        """What is right in the case, by its own standard."""
        return self.case.reference()

    def by_transform(self) -> Comparison | None:
        """Return what it comes to if it is right by a transform, as of Winograd's or Fourier's; None if it is not."""
        case = self.case
        if not (case.result_dtype.kind in "fc" or is_ml_dtype(case.result_dtype)):
            return None
        is_direct = case.arithmetic.algorithm == "direct"
        if is_direct and case.data not in ROUNDED and (found := _nearest(case, self.actual)).passed:
            return replace(found, convention=TRANSFORM)
        if not all(np.isfinite(array).all() for array in self._call.factors.values()):
            found = replace(compare_arrays(self.actual, self._reference), mismatched=0, first_wrong=())
            looks = {SPREAD: self._is_spread, LESS_INFINITY: self._subtracts_infinity}
            return next((replace(found, convention=text) for text, look in looks.items() if look()), None)
        if not is_direct:
            return None
        for algorithm, reference in _transforms(case, self._call, self._reference.allowed):
            found = compare_arrays(self.actual, reference)
            if found.passed and self._has_right_twin(algorithm) and self._errs_as_much():
                return replace(found, convention=TRANSFORM)
        return None

    def standards(self) -> tuple[str, ...]:
        """Return the codes of the narrower standards by which it is right: whose mark it bears, then the likeliest.

        There are none of transforms: in a narrow type these err so much that a logical mistake would hide there.
        """
        case = self.case
        if case.arithmetic.algorithm != "direct":
            return ()
        right: dict[int, bool] = {}  # by the largest number of the twin, which is all that standards differ in there
        found = [
            standard
            for standard in standards_of(case.result_dtype, case.arithmetic)
            if self._is_within(standard) and self._is_right(standard, right)
        ]
        return tuple(standard.code for standard in sorted(found, key=lambda standard: not self._is_marked(standard)))

    def epilogue(self) -> Finding | None:
        """Return that it is right after an activation that was not declared; None if it is not."""
        case = self.case
        operation = case.operation  # convolutions of 8 bits have clamps of their own
        if case.arithmetic.epilogue.text or operation.is_gradient or operation.arithmetic:
            return None
        for text, sentence in self._activations():
            how = replace(case.arithmetic, epilogue=Epilogue.of(text))
            if not how.epilogue.refuse(case.result_dtype) and case.declared(how).check(self.actual).passed:
                said = f"the sums as they stand; if it is meant, declare --epilogue {text}"
                return Finding(
                    f"epilogue-{text.partition('=')[0]}", f"the output is {sentence} everywhere", reading=said
                )
        return None

    def constant(self) -> Finding | None:
        """Return that it is right but for what it makes of zeros alone, and where that is added; None if it is not."""
        case = self.case
        if case.arithmetic.epilogue.text or case.operation.arithmetic or adds_nothing(case.operands()):
            return None
        with suppress(Exception, SystemExit), np.errstate(all="ignore"):
            evidence = Evidence.of(to_numpy("the result", self.actual), reading_of(self._call), self._reference)
            added = evidence.right.full(of_nothing(partial(case.called, self.target), case.operands()))
            unit = float_info(evidence.dtype).unit if is_floating(evidence.dtype) else 0.0
            allowed = 4 * (evidence.bound + unit * np.abs(evidence.wide))  # to which what is added is rounded, too
            is_added = np.isfinite(added) & (added != 0)
            if (is_added & is_near(evidence.wide - added, evidence.truth, allowed))[evidence.wrong].all():
                where = [region.words for region in locate(replace(evidence, wrong=is_added))]
                several = np.unique(added[is_added]).tolist()
                what = f"{several[0]:g} is" if len(several) == 1 else "numbers of its own are"
                return addition(f"{what} added {(*where, 'at some places')[0]}, whatever the data")
        return None

    def _is_within(self, standard: Narrower) -> bool:
        """Whether the result is within what a standard allows; of whole numbers the twin alone decides."""
        if self.case.data == "exact":
            return True
        if self.case.arithmetic.epilogue.text:
            return self.case.declared(standard.how).check(self.actual).passed
        return compare_arrays(self.actual, by_standard(self._call, self._reference, standard)).passed

    def _is_marked(self, standard: Narrower) -> bool:
        return is_marked(to_numpy("the result", self.actual), self._call, self._reference, standard.how)

    def _is_right(self, standard: Narrower, right: dict[int, bool]) -> bool:
        """Whether whole numbers come out right that a standard sums exactly, all at once or a part at a time.

        In bfloat16 even 280 products of ±1 are too many, but two times 140 are not.  Where that takes too many parts,
        its mark decides.
        """
        twin, parts = replace(self.case.declared(standard.how), data="exact"), 1
        if (largest := twin.largest_number()) == 0:
            precision = Precision.of(twin.numpy_dtype, twin.arithmetic)
            most = 2 ** min(precision.accumulator.digits, precision.result.digits) - 1  # beside a bias
            parts = -(-twin.products * (2 if twin.dtype.startswith("c") else 1) // most)
            if parts > MOST_PARTS or twin.arithmetic.epilogue.steps:
                return self._is_marked(standard)
        if (key := largest or -parts) not in right:
            twins = [twin.drawn_anew(draw) for draw in range(TWINS)]
            right[key] = all(self._answers(each, part, parts) for each in twins for part in range(parts))
        return right[key]

    def _answers(self, twin: Case, part: int, parts: int) -> bool:
        """Whether whole numbers come out right, where only one part of the products is not 0."""
        operands = _one_part(twin, part, parts)
        if (answer := self._asked(twin, operands)) is None:
            return False
        reference = twin.reference(answer)
        if parts > 1:
            reference = Standard(reference.dtype, twin.how, is_exact=True).reference(twin.call(operands))
        return compare_arrays(answer, reference).passed

    def _asked(self, case: Case, operands: dict[str, Array] | None = None) -> Any:
        """Return what the target makes of another case; None where it raises."""
        with suppress(Exception, SystemExit):
            return case.called(self.target, case.operands() if operands is None else operands)
        return None

    def _is_spread(self) -> bool:
        """Whether NaN and infinity stand where nothing but a transform brings them.

        A transform adds what an element does not read, and takes it away again.  So where there is a NaN it has one in
        elements that do not read it, too; and with a huge number in its place these are off by the rounding of that
        number, and no more.  One that multiplies it by 0 is not off at all, and one that reads it is off by all of it.
        Of a kernel of narrow types its float32 is asked first, which is rounded less.
        """
        case, actual = self.case, to_numpy("the result", self.actual)
        if (np.isfinite(actual) | ~_touched(self._call))[self._is_far].any():
            return False
        is_narrow = Precision.of(case.numpy_dtype).rounds_result
        return any(self._spreads(replace(case, dtype=dtype)) for dtype in ("f32",) * is_narrow + (case.dtype,))

    def _spreads(self, case: Case) -> bool:
        """Whether a NaN in the image, of which each element reads a part alone, is spread to others."""
        case = replace(case, data="nan")
        huge = case.call().each(_huge)
        with suppress(Exception), np.errstate(all="ignore"):  # the answers may be anything at all
            spread, answer = (to_numpy("the result", self._asked(case, c.operands)) for c in (case.call(), huge))
            direct = _summed(case, huge)
            beside = np.isnan(spread) & np.isfinite(case.reference().truth)
            is_off = (errors(answer, direct) > direct.allowed)[beside]
            found = (compare_arrays(answer, reference) for _, reference in _transforms(case, huge, direct.allowed))
            return is_off.sum() > SOME * is_off.size and any(each.passed for each in found)
        return False

    def _subtracts_infinity(self) -> bool:
        """Whether it is wrong in infinities alone, and NaN and huge numbers in their places come out right.

        Sums that are compensated, split in two or transformed subtract what they have added: infinity less infinity is
        NaN, and what is left of several may have another sign.
        """
        case, actual = self.case, to_numpy("the result", self.actual)
        if (np.isfinite(actual) | np.isfinite(self._reference.truth))[self._is_far].any():
            return False
        twin, huge = replace(case, data=case.data.replace("inf", "nan")), self._call.each(_huge)
        with suppress(Exception), np.errstate(all="ignore"):
            answer, direct = self._asked(case, huge.operands), _summed(case, huge)
            found = (direct, *(reference for _, reference in _transforms(case, huge, direct.allowed)))
            is_right = any(compare_arrays(answer, reference).passed for reference in found)
            return is_right and twin.check(self._asked(twin)).passed
        return False

    @cached_property
    def _is_far(self) -> Array:
        """Where the result is wrong, and not by the rounding of a whole number."""
        actual, reference = to_numpy("the result", self.actual), self._reference
        return np.asarray(~(errors(actual, reference) <= np.fmax(reference.allowed, NEAREST)))

    def _has_right_twin(self, algorithm: str) -> bool:
        """Whether whole numbers come out right but for rounding; smaller ones, where the transform errs by a half."""
        how = replace(self.case.arithmetic, algorithm=algorithm)
        twin = replace(replace(self.case, data="exact").declared(how), arithmetic=self.case.arithmetic)
        if twin.largest_number() == 0 or (answer := self._asked(twin)) is None:
            return False
        is_smaller = self.case.data == "exact"
        return _nearest(twin, answer).passed and not (is_smaller and twin.check(answer).passed)

    def _errs_as_much(self) -> bool:
        """Whether errors stay where the factors are coarse: of one that rounds its factors, they go."""
        case = self.case
        if case.data == "exact":
            return True
        operands = case.operands()
        coarse = {
            name: in_format(array.astype(wide_dtype(array.dtype)), COARSE).astype(array.dtype)
            for name, array in operands.items()
        }
        answer = self._asked(case, coarse)
        wrong = errors(to_numpy("the result", self.actual), self._reference) > self._reference.allowed
        masks = [np.ones_like(wrong), *([wrong] if wrong.any() else [])]  # elsewhere it may be the result's rounding
        return answer is not None and any(
            _error(case, answer, coarse, where) >= AS_LARGE * _error(case, self.actual, operands, where)
            for where in masks
        )

    def _activations(self) -> Iterator[tuple[str, str]]:
        """Yield activations that the result may have gone through, with what they make of the truth."""
        with suppress(Exception), np.errstate(all="ignore"):  # where it cannot be read as an array of numbers
            actual, truth = to_numpy("the result", self.actual), self._reference.truth
            if actual.shape == truth.shape and truth.dtype.kind != "c" and (truth > 0).any() and (truth < 0).any():
                if not (actual < 0).any():
                    yield "relu", "max(truth, 0)"
                    yield "relu6", "min(max(truth, 0), 6)"
                elif (ratio := actual[truth < 0].astype(np.float64) / truth[truth < 0]).size >= FEWEST:
                    slope = float(f"{np.median(ratio):.3g}")
                    if 0 < slope < 1 - NEAR and np.mean(np.abs(ratio - slope) < NEAR * slope) > 0.5:
                        yield f"leaky_relu={slope:g}", f"truth, and {slope:g}·truth below 0,"


def _one_part(case: Case, part: int, parts: int) -> dict[str, Array]:
    """Return the operands with every so many-th product alone: the others' taps, or what arrives for them, are 0."""
    operation, operands = case.operation, case.operands()
    if parts == 1:
        return operands
    name = operation.roles["output"] if operation.asked == "weight" else "weight"
    shape = list(operands[name].shape)
    of_result = {"output": 0, "input": 1, "weight": len(shape) - operation.space.rank - 1}[operation.asked]
    shape[of_result] = 1  # the axis along which nothing is added up
    is_there = np.arange(math.prod(shape)).reshape(shape) % parts == part
    values = np.where(is_there, operands[name], operands[name].dtype.type(0))
    return {**operands, name: case.in_memory(name, values)}


def _transforms(case: Case, call: Call, allowed: Array) -> Iterator[tuple[str, Reference]]:
    """Yield the transforms that compute such a case, and what each may be off by beside what the case allows."""
    fitting = [
        name for name, winograd in WINOGRAD.items() if case.operation.asked == "output" and winograd.fits(case.plan)
    ]
    for algorithm in ("fft", *fitting):
        how = replace(case.how, algorithm=algorithm)
        if how.accumulate_dtype is None and Precision.of(case.numpy_dtype).rounds_result:
            how = replace(how, accumulate_dtype="float32")  # a narrow one would be less precise, whatever it is
        with suppress(ValueError):  # of an operation that has no such algorithm
            reference = Standard(case.result_dtype, how).reference(call)
            yield algorithm, reference._replace(allowed=allowed + SHARE * reference.allowed)


def _summed(case: Case, call: Call) -> Reference:
    """Return what is right of such a call by sums, whatever algorithm is declared."""
    return Standard(case.result_dtype, replace(case.how, algorithm="direct")).reference(call)


def _touched(call: Call) -> Array:
    """Return, for each map of the result, whether what is made of any pixel of its factors' maps is not finite."""
    space = tuple(range(-call.operation.space.rank, 0))

    def whole(array: Array, *, is_looked_at: bool) -> Array:
        is_bad = ~np.isfinite(array).all(axis=space, keepdims=True) if is_looked_at else True
        return np.broadcast_to(is_bad, array.shape).astype(np.int64)

    def reads(bad: str) -> Array:
        """Return how much of the maps of one factor that are not finite throughout each element could read."""
        marked = {name: whole(array, is_looked_at=name == bad) for name, array in call.factors.items()}
        count: Array = call.with_operands(**marked, bias=None)()
        return count

    found: Array = np.any([reads(name) for name in call.factors], axis=0).any(axis=space, keepdims=True)
    return found


def _huge(array: Array) -> Array:
    """Return numbers beside which others are lost in a sum, even of float64, in the place of what is not finite.

    float16 has no room for them: there, what is finite is made small, and a sum of float32 loses it.
    """
    if np.isfinite(array).all():
        return array
    size, rest = (HUGE, 1.0) if float_info(array.dtype).largest > HUGE else (2.0**12, 2.0**-12)
    several = size * np.linspace(1.0, 2.0, array.size).reshape(array.shape)
    return np.where(np.isfinite(array), array * array.dtype.type(rest), several.astype(array.dtype))


def _nearest(case: Case, actual: object) -> Comparison:
    """Compare with the right whole numbers: each element must be nearer to its own than to any other."""
    unit = float_info(case.result_dtype).smallest if case.data == "subnormal" else 1.0
    reference = case.reference(actual)
    return compare_arrays(actual, reference._replace(allowed=np.full(reference.truth.shape, unit * NEAREST)))


def _error(case: Case, actual: object, operands: dict[str, Array], where: Array) -> float:
    """Return the root of the mean square of some errors, infinite where a number is not finite that ought to be."""
    truth = case.call().with_operands(**operands)(dtype=wide_dtype(case.result_dtype))
    with np.errstate(all="ignore"):
        off = np.abs(to_numpy("the result", actual).astype(truth.dtype) - truth)[np.isfinite(truth) & where]
    return float(np.sqrt(np.mean(off**2))) if np.isfinite(off).all() and off.size else np.inf
