from __future__ import annotations

import bisect
import functools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
from arrays import dtype_of, ml_dtype, wide_longdouble

from refconv.numbers.dtypes import round_once


def test_objects_are_not_rounded() -> None:
    exact = np.array([Fraction(1, 3), 2**200], dtype=object)
    assert round_once(exact, np.dtype(object)) is exact


def test_rounding_to_the_same_type_changes_nothing() -> None:
    exact = np.array([0.1, -0.0, np.inf])
    assert round_once(exact, np.dtype(np.float64)) is exact


@pytest.mark.parametrize(
    ("exact", "dtype", "rounded"),
    [
        (1 + 2**-11 + 2**-30, "float16", 1 + 2**-10),  # by way of float32 it would be a tie, and 1
        (1 + 2**-11, "float16", 1.0),  # ties to even
        (1 + 3 * 2**-11, "float16", 1 + 2**-9),
        (1 + 2**-24 + 2**-50, "float32", 1 + 2**-23),
        (1 + 2**-24, "float32", 1.0),
        (65519.0, "float16", 65504.0),
        (65520.0, "float16", math.inf),
        (1e-300, "float32", 0.0),
        (1e300, "float32", math.inf),
        (1 + 2**-8 + 2**-40, "bfloat16", 1.0078125),  # the trap: by way of float32 it would be 1
        (-(1 + 2**-8 + 2**-40), "bfloat16", -1.0078125),
        (1 + 2**-8, "bfloat16", 1.0),
        (1 + 3 * 2**-8, "bfloat16", 1 + 2**-6),
        (1 + 3 * 2**-8 - 2**-40, "bfloat16", 1.0078125),
        (1e300, "bfloat16", math.inf),
        (-1e300, "bfloat16", -math.inf),
        (1e-300, "bfloat16", 0.0),
        (61440.0, "float8_e5m2", math.inf),  # the tie between 57344 and the 65536 that the type does not have
        (61439.99, "float8_e5m2", 57344.0),
        (464.0, "float8_e4m3fn", 448.0),  # a tie, and 448 is the even one
        (448.0, "float8_e4m3fn", 448.0),
    ],
)
def test_rounding_once(exact: float, dtype: str, rounded: float) -> None:
    result = round_once(np.array([exact]), dtype_of(dtype))
    assert result.dtype == dtype_of(dtype)
    assert result.astype(np.float64).tolist() == [rounded]


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "bfloat16", "float8_e5m2"])
def test_nan_and_infinity_and_the_sign_of_zero_survive(dtype: str) -> None:
    result = round_once(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0]), dtype_of(dtype)).astype(np.complex128).real
    np.testing.assert_array_equal(result, [np.nan, np.inf, -np.inf, 0.0, 0.0])
    assert np.signbit(result[1:]).tolist() == [False, True, False, True]


def test_float8_e4m3fn_has_no_infinity_and_says_nan() -> None:
    result = round_once(np.array([464.01, -1e9, np.inf]), ml_dtype("float8_e4m3fn"))
    assert np.isnan(result.astype(np.float64)).all()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([2**53, -(2**53)], np.int64),
        ([127, -128], np.int8),
        ([255, 0], np.uint8),
        ([0, 1], np.bool_),
    ],
)
@pytest.mark.parametrize("wide", [np.float64, np.int64, object])
def test_integers_are_checked_and_kept(values: list[int], dtype: type, wide: type) -> None:
    result = round_once(np.array(values, dtype=wide), np.dtype(dtype))
    assert result.dtype == dtype
    assert result.tolist() == values


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        ([3, 128], np.int8, "the exact result 128 is outside int8's range -128 ... 127"),
        ([-129, 128], np.int8, "the exact result -129 is outside int8's range -128 ... 127"),
        ([3, -129], np.int8, "the exact result -129 is outside int8's range -128 ... 127"),
        ([0, -1], np.uint8, "the exact result -1 is outside uint8's range 0 ... 255"),
        ([1, 256], np.uint8, "the exact result 256 is outside uint8's range 0 ... 255"),
        ([0, 2], np.bool_, "the exact result 2 is outside bool's range 0 ... 1"),
        ([-1, 1], np.bool_, "the exact result -1 is outside bool's range 0 ... 1"),
        (
            [2**63],
            np.int64,
            "the exact result 9223372036854775808 is outside int64's range -9223372036854775808 ... 9223372036854775807",
        ),
        (
            [2**64],
            np.uint64,
            "the exact result 18446744073709551616 is outside uint64's range 0 ... 18446744073709551615",
        ),
    ],
)
def test_integers_out_of_range_are_refused(values: list[int], dtype: type, message: str) -> None:
    with pytest.raises(OverflowError, match=f"^{re.escape(message)}$"):
        round_once(np.array(values, dtype=object), np.dtype(dtype))


def test_an_empty_result_is_in_range() -> None:
    assert round_once(np.zeros((0, 3)), np.dtype(np.int8)).shape == (0, 3)


# Rounding once must hold from every accumulation type, to every result type.


@pytest.mark.parametrize(
    ("exact", "dtype", "rounded"),
    [
        (2**60 + 2**52 + 1, "bfloat16", 2.0**60 + 2.0**53),  # float64 cannot tell it from the tie
        (2**60 + 2**52, "bfloat16", 2.0**60),
        (-(2**60 + 2**52 + 1), "bfloat16", -(2.0**60 + 2.0**53)),
        (2**62 + 2**38 + 1, "float32", 2.0**62 + 2.0**39),
        (2**62 + 2**38 - 1, "float32", 2.0**62),
        (-(2**62 + 2**38 + 1), "complex64", -(2.0**62 + 2.0**39)),
        (2**62 + 2**9 + 1, "float64", 2.0**62 + 2.0**10),
    ],
)
@pytest.mark.parametrize("wide", [np.int64, object])
def test_wide_integers_are_rounded_once(exact: int, dtype: str, rounded: float, wide: type) -> None:
    result = round_once(np.array([exact], dtype=wide), dtype_of(dtype))
    assert result.dtype == dtype_of(dtype)
    assert result.astype(np.complex128).tolist() == [rounded]


@pytest.mark.parametrize(
    ("exact", "dtype", "rounded"),
    [
        (2**64 + 2**40 + 1, "float32", 2.0**64 + 2.0**41),
        (2**64 + 2**56 + 1, "bfloat16", 2.0**64 + 2.0**57),
        (2**64 + 2**40 + 1, "complex64", 2.0**64 + 2.0**41),
        (2**70, "float16", math.inf),
        (2**130, "float32", math.inf),
        (-(2**130), "bfloat16", -math.inf),
        (2**130, "float64", 2.0**130),
    ],
)
def test_integers_beyond_int64_are_rounded_once(exact: int, dtype: str, rounded: float) -> None:
    result = round_once(np.array([exact], dtype=object), dtype_of(dtype))
    assert result.astype(np.complex128).real.tolist() == [rounded]


@wide_longdouble
@pytest.mark.parametrize(
    ("small", "dtype", "rounded"),
    [
        (-11, "float16", 1 + 2**-10),
        (-24, "float32", 1 + 2**-23),
        (-8, "bfloat16", 1 + 2**-7),
        (-4, "float8_e4m3fn", 1 + 2**-3),
        (-24, "complex64", 1 + 2**-23),
        (-53, "float64", 1 + 2**-52),
    ],
)
def test_longdouble_is_rounded_once(small: int, dtype: str, rounded: float) -> None:
    # Just above a tie, by an amount that float64 cannot hold.
    exact = 1 + np.longdouble(2) ** small + np.longdouble(2) ** -60
    for sign in (1, -1):
        result = round_once(np.array([sign * exact]), dtype_of(dtype))
        assert result.dtype == dtype_of(dtype)
        assert result.astype(np.complex128).tolist() == [sign * rounded]


@wide_longdouble
def test_both_parts_of_a_clongdouble_are_rounded_once() -> None:
    above_a_tie = 1 + np.longdouble(2) ** -24 + np.longdouble(2) ** -60
    exact = np.array([above_a_tie, above_a_tie]).view(np.clongdouble)
    assert round_once(exact, np.dtype(np.complex64)).tolist() == [(1 + 2**-23) * (1 + 1j)]


@wide_longdouble
@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16", "float8_e5m2"])
def test_a_longdouble_beyond_float64_overflows_to_infinity_and_nan_stays_nan(dtype: str) -> None:
    huge = np.longdouble(2) ** 2000
    result = round_once(np.array([huge, -huge, np.longdouble("nan"), 1 / huge]), dtype_of(dtype)).astype(np.float64)
    np.testing.assert_array_equal(result, [np.inf, -np.inf, np.nan, 0.0])


# The narrow types against nearest-even by exact fractions, over all that a type can hold.


@functools.cache
def finite_values(name: str) -> list[Fraction]:
    """Return the finite values from 0 up, in the order of their bits, and the one that would come next."""
    dtype = ml_dtype(name)
    bits = np.arange(2 ** (8 * dtype.itemsize - 1), dtype=f"u{dtype.itemsize}")
    with np.errstate(invalid="ignore"):  # some of these bits are signalling NaNs
        numbers = bits.view(dtype).astype(np.float64)
    values = [Fraction(number) for number in numbers[np.isfinite(numbers)].tolist()]
    return [*values, 2 * values[-1] - values[-2]]


def nearest_even(name: str, exact: Fraction) -> int | None:
    """Return the bits of the value nearest to `exact` >= 0; None beyond the largest."""
    values = finite_values(name)
    above = min(bisect.bisect_left(values, exact), len(values) - 1)
    below = max(above - 1, 0)
    to_above, to_below = abs(values[above] - exact), abs(exact - values[below])
    even = above if above % 2 == 0 else below
    nearest = above if to_above < to_below else below if to_below < to_above else even
    return None if nearest == len(values) - 1 else nearest


def near_ties(name: str) -> list[float]:
    """Return values, midpoints between neighbours, and what lies a float64's or a float32's breath beside them."""
    values = finite_values(name)
    step = max(1, len(values) // 400)
    points: list[float] = []
    for low, high in [
        *zip(values[::step], values[1::step], strict=False),
        *zip(values[-9:-1], values[-8:], strict=True),
    ]:
        tie = float((low + high) / 2)
        points += [float(low), tie, math.nextafter(tie, 0), math.nextafter(tie, math.inf)]
        points += [tie * (1 - 2**-40), tie * (1 + 2**-40)]
        points += [tie + ulps * float(np.spacing(np.float32(tie))) for ulps in (-1.4, -0.6, -0.4, 0.4, 0.6, 1.4)]
    return points


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e3m4", "float8_e4m3fnuz"])
@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_to_narrow_types_is_to_nearest_even(name: str, sign: int) -> None:
    rng = np.random.default_rng(20240607)
    largest, smallest = float(finite_values(name)[-1]), float(finite_values(name)[1])
    anywhere = np.exp2(rng.uniform(math.log2(smallest) - 3, math.log2(largest) + 1, 500)).tolist()
    extremes = [0.0, 5e-324, 1e-310, 2.0**-150, 2.0**-149, 3 * 2.0**-150, 1e300, 1.7976931348623157e308]
    points = [*near_ties(name), *anywhere, *extremes]

    rounded = round_once(sign * np.array(points), ml_dtype(name))

    bits = rounded.view(f"u{rounded.dtype.itemsize}").astype(int) & (2 ** (8 * rounded.dtype.itemsize - 1) - 1)
    numbers = rounded.astype(np.float64)
    is_finite = np.isfinite(numbers)
    actual = [int(b) if f else None for b, f in zip(bits, is_finite, strict=True)]
    assert actual == [nearest_even(name, Fraction(point)) for point in points]
    is_signed = is_finite & ((numbers != 0) | (not name.endswith("fnuz")))  # those have no −0
    assert (np.signbit(numbers[is_signed]) == (sign < 0)).all()


def test_a_whole_number_that_lies_between_two_goes_to_the_even_one() -> None:
    # float32 holds every second whole number from 2^24 on: 2^24 + 1 goes down, 2^24 + 3 up, and neither is moved before.
    wholes = np.array([2**24 + 1, 2**24 + 3, -(2**24) - 1, -(2**24) - 3], object)
    expected = [2**24, 2**24 + 4, -(2**24), -(2**24) - 4]
    assert round_once(wholes, np.dtype(np.float32)).tolist() == expected
    assert round_once(wholes.astype(np.int64), np.dtype(np.float32)).tolist() == expected
