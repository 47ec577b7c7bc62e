"""How a sum becomes 8 bits again: literal roundings, and the C of gemmlowp and TensorFlow Lite spelt out again."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refconv.quantized.requantize import (
    Scales,
    quantize_multiplier,
    round_as_onnx,
    round_as_tflite,
    rounding_divide_by_pot,
    rounding_doubling_high_mul,
)

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.integers(2**30, 2**31 - 1)
FLOAT32_SCALES = st.floats(2.0**-40, 2.0**20, width=32)


def sums(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.int32).reshape(1, 1, 1, -1)


def numbers(array: np.ndarray[Any, Any]) -> list[int]:
    return [int(number) for number in array.flat]


def at(ratio: Fraction | float) -> Scales:
    return Scales([Fraction(ratio)], Fraction(1))


@pytest.mark.parametrize(
    ("ratio", "given_sums", "onnx", "tflite"),
    [
        (Fraction(1), [-7, 0, 7], [-7, 0, 7], [-7, 0, 7]),
        (Fraction(3), [-7, 0, 7], [-21, 0, 21], [-21, 0, 21]),
        # ½ is the multiplier 2^30 at shift 0: one rounding, in which ties go up.
        (Fraction(1, 2), [-5, -3, -1, 1, 3, 5], [-2, -2, 0, 0, 2, 2], [-2, -1, 0, 1, 2, 3]),
        # ¼ is 2^30 at shift −1: a half, ties up; then half of that, ties away from zero.
        (Fraction(1, 4), [-6, -5, -3, -2, -1, 1, 2, 3, 5, 6], [-2, -1, -1, 0, 0, 0, 0, 1, 1, 2], [-2, -1, -1, -1, 0, 1, 1, 1, 2, 2]),
        # ⅓ is 2^31·⅔ at shift −1: 1 → ⅔ → 1 → ½ → 1; 2 → 1⅓ → 1 → ½ → 1; 4 → 2⅔ → 3 → 1½ → 2.
        (Fraction(1, 3), [-4, -2, -1, 1, 2, 4], [-1, -1, 0, 0, 1, 1], [-2, -1, -1, 1, 1, 2]),
        (Fraction(5, 2), [-3, -1, 1, 3], [-8, -2, 2, 8], [-7, -2, 3, 8]),
    ],
)  # fmt: skip
def test_roundings_by_hand(ratio: Fraction, given_sums: list[int], onnx: list[int], tflite: list[int]) -> None:
    assert numbers(round_as_onnx(sums(*given_sums), at(ratio))) == onnx
    assert numbers(round_as_tflite(sums(*given_sums), at(ratio))) == tflite


def test_each_channel_has_its_ratio() -> None:
    three = np.full((2, 3, 1, 2), 6, np.int32)
    scales = Scales([Fraction(1), Fraction(2), Fraction(4)], Fraction(1, 2))
    for function in (round_as_onnx, round_as_tflite):
        np.testing.assert_array_equal(function(three, scales)[1, :, 0, 1].astype(int), [12, 24, 48])
        np.testing.assert_array_equal(function(three[0], scales)[:, 0, 0].astype(int), [12, 24, 48])


@given(INT32, FLOAT32_SCALES, FLOAT32_SCALES)
@example(2**31 - 1, 1.0, 3.0)
def test_onnx_s_rounding_is_python_s_own_of_the_exact_product(number: int, unit: float, output: float) -> None:
    ratio = Fraction(unit) / Fraction(output)
    assert numbers(round_as_onnx(sums(number), Scales([Fraction(unit)], Fraction(output)))) == [round(number * ratio)]


@pytest.mark.parametrize(
    ("real", "multiplier", "shift"),
    [
        (0.5, 2**30, 0),
        (1.0, 2**30, 1),
        (0.75, 3 * 2**29, 0),
        (96.0, 3 * 2**29, 7),
        (2.0**-32, 2**30, -31),
        (math.nextafter(2.0**-32, 0), 2**30, -31),  # its 31 bits round up to the next power of two
        (1.9 * 2.0**-33, 0, 0),
        (0.0, 0, 0),
        (1 - 2.0**-33, 2**30, 1),
        (0.5 + 2.0**-32, 2**30 + 1, 0),  # a tie goes up
        (0.5 + 3 * 2.0**-32, 2**30 + 2, 0),
        (0.5 + 2.0**-33, 2**30, 0),
    ],
)
def test_multipliers_by_hand(real: float, multiplier: int, shift: int) -> None:
    assert quantize_multiplier(real) == (multiplier, shift)


@given(st.floats(2.0**-31, 2.0**31))
def test_a_multiplier_is_within_half_a_unit(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(real)) <= Fraction(2) ** (shift - 32)


def truncated(numerator: int, denominator: int) -> int:
    """Divide as C does, towards zero."""
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


@given(INT32, MULTIPLIERS)
@example(-(2**31), 2**31 - 1)
@example(1, 2**30)
@example(-1, 2**30)
def test_the_product_is_gemmlowp_s(a: int, b: int) -> None:
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    actual = rounding_doubling_high_mul(np.array(a, np.int64), np.array(b, np.int64))
    assert int(actual) == truncated(product + nudge, 2**31)


@given(INT32, st.integers(0, 31))
@example(-(2**31), 31)
@example(2**30, 31)
@example(-(2**30), 31)
def test_the_quotient_is_to_nearest_with_ties_away_from_zero(x: int, exponent: int) -> None:
    away = math.floor(Fraction(abs(x), 2**exponent) + Fraction(1, 2))
    assert int(rounding_divide_by_pot(np.array(x, np.int64), np.array(exponent, np.int64))) == (
        away if x >= 0 else -away
    )


@given(st.integers(-(2**20), 2**20), FLOAT32_SCALES, st.floats(2.0**-10, 2.0**20, width=32))
def test_tflite_stays_within_its_two_roundings(number: int, unit: float, output: float) -> None:
    ratio = Fraction(unit) / Fraction(output)
    if abs(number) * ratio >= 2**30:
        return
    (actual,) = numbers(round_as_tflite(sums(number), Scales([Fraction(unit)], Fraction(output))))
    assert abs(actual - number * ratio) <= 1 + abs(number) * ratio * Fraction(1, 2**31) + Fraction(1, 2**10)


@pytest.mark.parametrize(
    ("number", "ratio", "outcome"),
    [
        (2**31 - 1, 0.5, [2**30]),  # ·2^0
        (2**30 - 1, 1.0, [2**30 - 1]),  # ·2^1
        (-(2**30), 1.0, [-(2**30)]),
        (-1, 2.0**30, [-(2**30)]),  # ·2^31
        (0, 2.0**127, [0]),
        (1, 2.0**29, [2**29]),
    ],
)
def test_a_shift_to_the_left_within_int32(number: int, ratio: float, outcome: list[int]) -> None:
    assert numbers(round_as_tflite(sums(number), at(ratio))) == outcome


@pytest.mark.parametrize(
    ("number", "ratio", "shifted"),
    [
        (2**30, 1.0, 2**31),
        (-(2**30) - 1, 1.0, -(2**31) - 2),
        (1, 2.0**30, 2**31),
        (-1, 2.0**31, -(2**32)),
        (-(2**31), 2.0**100, -(2**63)),
    ],
)
def test_a_shift_to_the_left_beyond_int32_is_refused(number: int, ratio: float, shifted: int) -> None:
    message = (
        f"a sum times the multiplier's power of two, {shifted}, is outside int32's range "
        "-2147483648 ... 2147483647, where TensorFlow Lite is undefined"
    )
    with pytest.raises(OverflowError, match=f"^{re.escape(message)}$"):
        round_as_tflite(sums(number, 0), at(ratio))


@pytest.mark.parametrize("function", [round_as_onnx, round_as_tflite])
def test_nothing_becomes_nothing(function: Any) -> None:
    assert function(np.zeros((0, 2, 3, 4), np.int32), at(0.5)).shape == (0, 2, 3, 4)
    assert function(np.zeros((2, 0, 3, 4), np.int32), Scales([], Fraction(1))).shape == (2, 0, 3, 4)
