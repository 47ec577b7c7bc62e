from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.summation import DOUBLE, Precision, Sums, gamma
from refconv.numbers.formats import float_info

Array = npt.NDArray[Any]
U16, U32, U64 = 2.0**-11, 2.0**-24, 2.0**-53
LEAST16, LEAST32, LEAST64 = 2.0**-24, 2.0**-149, 2.0**-1074
NEARLY = 1e-13


def precision_of(
    dtype: Any, accumulate_dtype: Any = None, input_dtype: Any = None, confidence: float | None = None
) -> Precision:
    return Precision.of(
        dtype, Arithmetic.of(accumulate_dtype=accumulate_dtype, input_dtype=input_dtype, confidence=confidence)
    )


def bound(precision: Precision, magnitude: Any = 10.0, roundings: Any = 7, **keywords: Any) -> float:
    sums = Sums(np.array([magnitude], np.float64), np.array([roundings]), **keywords)
    return float(precision.bound(sums).item())


def assert_just_above(found: float, formula: float) -> None:
    assert formula <= found <= formula * (1 + NEARLY)


def g(roundings: int, unit: float) -> float:
    return float(Fraction(roundings) * Fraction(unit) / (1 - Fraction(roundings) * Fraction(unit)))


# Which types


@pytest.mark.parametrize(
    ("dtype", "accumulator"),
    [
        ("float16", "float32"),
        ("bfloat16", "float32"),
        ("float8_e5m2", "float32"),
        ("float8_e4m3fn", "float32"),
        ("tf32", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("complex64", "float32"),
        ("complex128", "float64"),
        ("longdouble", "longdouble"),
    ],
)
def test_narrow_types_are_accumulated_in_float32(dtype: str, accumulator: str) -> None:
    precision = precision_of(dtype)
    assert precision.result == float_info(dtype)
    assert precision.accumulator == float_info(accumulator)
    assert precision.multiplier is None
    assert precision.how.confidence is None


def test_every_type_can_be_named() -> None:
    precision = precision_of("float32", "float16", "tf32", 0.75)
    named = [float_info(name) for name in ("float32", "float16", "tf32")]
    assert (precision.result, precision.accumulator, precision.multiplier, precision.how.confidence) == (*named, 0.75)
    assert precision_of(np.float32, accumulate_dtype=np.float64).accumulator == DOUBLE == float_info("float64")


@pytest.mark.parametrize(
    ("dtype", "accumulator", "rounds"),
    [
        ("float32", "float32", False),
        ("float32", "float64", True),
        ("float16", "float32", True),
        ("float16", "float16", False),
        ("float32", "float16", False),
        ("tf32", "float32", True),
        ("float16", "tf32", True),  # as many digits, but a smaller range
        ("tf32", "float16", False),
        ("bfloat16", "float16", True),
        ("float8_e5m2", "float8_e4m3fn", True),
        ("float8_e4m3fn", "float8_e5m2", True),
    ],
)
def test_whether_the_result_is_rounded_once_more(dtype: str, accumulator: str, rounds: bool) -> None:
    assert precision_of(dtype, accumulator).rounds_result is rounds


def test_a_range_may_be_smaller_at_one_end() -> None:
    wide = float_info("float16")
    for narrow in (wide._replace(smallest=2 * wide.smallest), wide._replace(largest=wide.largest / 2)):
        assert Precision(narrow, wide).rounds_result
        assert not Precision(wide, narrow).rounds_result
    assert not Precision(wide, wide).rounds_result


def test_a_confidence_is_a_number() -> None:
    with pytest.raises(TypeError, match=r"^confidence='high' must be a number, not str$"):
        precision_of("float32", confidence="high")  # type: ignore[arg-type]


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 1.5, math.nan, math.inf, 0.0, 1.0])
def test_a_confidence_is_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence=") as caught:
        precision_of("float32", confidence=confidence)
    assert str(caught.value) == f"confidence={confidence} must be between 0 and 1, or None for the worst case"


@pytest.mark.parametrize("name", ["dtype", "accumulate_dtype", "input_dtype"])
@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (int, "=int64 must be a floating or complex type"),
        (bool, "=bool must be a floating or complex type"),
        (object, "=object must be a floating or complex type"),
        ("U3", "=<U3 must be a floating or complex type"),
        ("banana", "='banana' must be a type of numbers"),
        (5, "=5 must be a type of numbers"),
    ],
    ids=str,
)
def test_types_that_are_no_floating_ones(name: str, dtype: Any, message: str) -> None:
    arguments: dict[str, Any] = {"dtype": "float32"} | {name: dtype}
    with pytest.raises(TypeError) as caught:
        precision_of(**arguments)
    assert str(caught.value) == name + message


# The formula


def test_gamma() -> None:
    found = gamma(np.array([0, 1, 3, 2**24 - 1, 2**24, 2**25]), U32)
    assert found.tolist() == [0, g(1, U32), g(3, U32), 2.0**24 - 1, math.inf, math.inf]


def test_the_sum_alone() -> None:
    assert_just_above(bound(precision_of("float32")), 10 * g(7, U32) + 7 * LEAST32)
    assert_just_above(bound(precision_of("float64"), 1e-320), 1e-320 * g(7, U64) + 7 * LEAST64)
    assert_just_above(bound(precision_of("float64"), 0.0), 7 * LEAST64)


def test_the_accumulators_type_decides() -> None:
    assert_just_above(bound(precision_of("float32", "float16")), 10 * g(7, U16) + 7 * LEAST16)
    assert_just_above(
        bound(precision_of("float32", "float64"), exact=np.array([-3.0])),
        10 * g(7, U64) + (3 + 10 * g(7, U64)) * U32 + LEAST32,
    )


def test_rounding_the_result() -> None:
    error = 10 * g(7, U32) + 7 * LEAST32
    found = bound(precision_of("float16"), exact=np.array([-3.0]))
    assert_just_above(found, error + U16 * (3 + error) + LEAST16)


def test_an_exact_result_is_needed_only_where_it_is_rounded() -> None:
    assert bound(precision_of("float16")) == bound(precision_of("float32"))
    assert bound(precision_of("float32"), exact=np.array([-3.0])) == bound(precision_of("float32"))


def test_a_lone_number_is_only_rounded() -> None:
    # No products, a bias of 3·2^-26: float16 makes 2^-24 of it
    found = bound(precision_of("float16"), magnitude=3 * 2.0**-26, roundings=0, exact=np.array([3 * 2.0**-26]))
    assert_just_above(found, 3 * 2.0**-26 * U16 + LEAST16)
    assert found >= 2.0**-24 - 3 * 2.0**-26
    assert bound(precision_of("float16"), magnitude=0.0, roundings=0, exact=np.array([0.0])) == 0
    assert bound(precision_of("float32"), magnitude=5.0, roundings=0) == 0


def test_rounded_inputs_add_their_own_error_and_its_sum() -> None:
    found = bound(precision_of("float32", input_dtype="tf32"), input_error=np.array([0.5]))
    assert_just_above(found, 0.5 + 10.5 * g(7, U32) + 7 * LEAST32)


def test_amplified_underflow() -> None:
    assert_just_above(bound(precision_of("float32"), 0.0, amplification=9.0), 7 * 9 * LEAST32)


def test_both_parts_of_a_complex_number() -> None:
    found = bound(precision_of("complex64"), is_complex=True)
    assert_just_above(found, 2**0.5 * (10 * g(7, U32) + 7 * LEAST32))
    narrow = bound(precision_of("complex64", "complex128"), is_complex=True, exact=np.array([3 + 4j]))
    error = 2**0.5 * 10 * g(7, U64)
    assert_just_above(narrow, error + U32 * (5 + error) + LEAST32)


def test_the_bound_is_rounded_up_for_what_float64_itself_may_lose() -> None:
    # By 2·γ of as many roundings as the sum, and sixteen: relative to the formula, and no more than that.
    for roundings in (7, 1000):
        found = bound(precision_of("float64"), 1.0, roundings)
        formula = g(roundings, U64)
        assert found / formula - 1 == pytest.approx(2 * (roundings + 16) * U64, abs=2 * U64)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_where_a_partial_sum_may_overflow_there_is_no_bound(name: str) -> None:
    precision, largest = precision_of(name, name), float_info(name).largest
    unit = float_info(name).unit
    assert bound(precision, largest) == math.inf
    assert bound(precision, largest * (1 - 6 * unit)) == math.inf  # 7·u is more than is left
    assert_just_above(
        bound(precision, largest * (1 - 9 * unit)),
        largest * (1 - 9 * unit) * g(7, unit) + 7 * float_info(name).smallest,
    )
    assert bound(precision, largest / 2, input_error=np.array([largest / 2])) == math.inf


def test_the_largest_number_itself_is_none_too_many() -> None:
    precision = precision_of("float16", "float16")
    assert bound(precision, 65504.0, roundings=0) == 0
    assert bound(precision, 65504.5, roundings=0) == math.inf


def test_there_is_no_bound_where_k_u_reaches_1() -> None:
    assert bound(precision_of("float16", "float16"), 1.0, 2047) == pytest.approx(2047, rel=1e-3)
    assert bound(precision_of("float16", "float16"), 1.0, 2048) == math.inf


def test_nan_stays_nan_and_says_nothing() -> None:
    with np.errstate(all="raise"):
        assert math.isnan(bound(precision_of("float16"), math.nan, exact=np.array([math.nan])))


def test_roundings_are_broadcast() -> None:
    sums = Sums(np.full((2, 3, 1, 2), 10.0), np.array([[0, 7]]))
    found = precision_of("float32").bound(sums)
    assert found.shape == (2, 3, 1, 2)
    assert (found[..., 0] == 0).all()
    assert_just_above(float(found[1, 2, 0, 1]), 10 * g(7, U32))


# The probability


def likely(roundings: int, unit: float, deviations: float) -> float:
    return math.expm1(deviations * math.sqrt(roundings) * unit + roundings * unit**2 / (1 - unit))


def test_a_confidence_by_hand() -> None:
    # One sum of 10,000 roundings is to hold with probability 0.99: 2·10000·exp(−λ²(1 − u)²/2) = 0.01
    deviations = math.sqrt(2 * math.log(2 * 10_000 / 0.01)) / (1 - U32)
    found = bound(precision_of("float32", confidence=0.99), 1.0, 10_000)
    assert found == pytest.approx(likely(10_000, U32, deviations), rel=1e-11)
    assert found < g(10_000, U32) / 15


def test_a_confidence_is_for_all_elements_together() -> None:
    # 2·3 images and channels of two positions, of 10,000 and of 400 roundings: 6·10,400 events of two sides each.
    sums = Sums(np.full((2, 3, 1, 2), 1.0), np.array([[10_000, 400]]))
    found = precision_of("float32", confidence=0.99).bound(sums)
    deviations = math.sqrt(2 * math.log(2 * 6 * 10_400 / 0.01)) / (1 - U32)
    for position, roundings in enumerate((10_000, 400)):
        np.testing.assert_allclose(found[..., position], likely(roundings, U32, deviations), rtol=1e-11)


def test_a_complex_element_is_two_sums() -> None:
    deviations = math.sqrt(2 * math.log(2 * 2 * 10_000 / 0.01)) / (1 - U32)
    found = bound(precision_of("complex64", confidence=0.99), 1.0, 10_000, is_complex=True)
    assert found == pytest.approx(2**0.5 * likely(10_000, U32, deviations), rel=1e-11)


def test_in_a_coarse_accumulator_the_terms_of_second_order_count() -> None:
    deviations = math.sqrt(2 * math.log(2 * 900 / 0.25)) / (1 - U16)
    found = bound(precision_of("float16", "float16", confidence=0.75), 1.0, 900)
    assert found == pytest.approx(likely(900, U16, deviations) + 900 * LEAST16, rel=1e-10)


def test_the_worst_case_is_never_exceeded() -> None:
    for roundings in (1, 2, 3):
        for confidence in (0.5, 0.999999):
            found = bound(precision_of("float32", confidence=confidence), 1.0, roundings)
            assert found == bound(precision_of("float32"), 1.0, roundings)
    # and where K·u reaches 1, a likely bound there is still
    assert math.isfinite(bound(precision_of("float16", "float16", confidence=0.5), 1.0, 4000))


def test_more_confidence_is_a_wider_bound() -> None:
    found = [bound(precision_of("float32", confidence=c), 1.0, 10_000) for c in (0.1, 0.5, 0.99, 0.999999, 1 - 1e-15)]
    assert found == sorted(set(found))


def test_nothing_at_all_has_a_bound() -> None:
    sums = Sums(np.zeros((0, 3, 1, 2)), np.array([[10_000, 400]]))
    assert precision_of("float32", confidence=0.5).bound(sums).shape == (0, 3, 1, 2)
    empty = Sums(np.zeros((2, 3, 0, 2)), np.zeros((0, 2), int))
    assert precision_of("float32", confidence=0.5).bound(empty).shape == (2, 3, 0, 2)
    assert bound(precision_of("float32", confidence=0.5), 5.0, 0) == 0
