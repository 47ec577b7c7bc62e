from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from arrays import dtype_of, ml_dtype, row, wide_longdouble

from refconv import conv2d


@pytest.mark.parametrize(
    ("input_dtype", "weight_dtype", "result"),
    [
        ("f2", "f2", "f2"),
        ("f4", "f4", "f4"),
        ("f8", "f8", "f8"),
        ("f2", "f4", "f4"),
        ("f4", "f8", "f8"),
        ("longdouble", "f4", "longdouble"),
        ("c8", "c8", "c8"),
        ("c16", "c16", "c16"),
        ("c8", "f8", "c16"),
        ("?", "?", "i8"),
        ("i1", "i1", "i8"),
        ("u1", "i2", "i8"),
        ("i8", "i8", "i8"),
        ("u8", "u8", "i8"),
        ("i1", "f2", "f2"),
        ("i4", "f4", "f8"),
        (">f4", ">f4", "f4"),
        (">i2", "<i2", "i8"),
        ("O", "i8", "O"),
    ],
)
def test_the_type_of_the_result(method: str, input_dtype: str, weight_dtype: str, result: str) -> None:
    if method == "exact" and input_dtype == "longdouble":
        pytest.skip("the exact method takes types of up to 64 bits")
    image, weight = np.ones((1, 2, 2, 3), input_dtype), np.ones((3, 2, 1, 2), weight_dtype)
    output = conv2d(image, weight, method=method)
    assert output.dtype == np.dtype(result)
    assert output.dtype.isnative
    assert output.shape == (1, 3, 2, 2)
    assert (output == 4).all()


def test_dtype_float64_is_the_wide_truth_of_float32(method: str) -> None:
    # float32(0.1) is 13421773 / 2^27, whose square needs 48 bits: float64 has it exactly, float32 does not.
    tenth = row(0.1, dtype=np.float32)
    truth = conv2d(tenth, tenth, dtype=np.float64, method=method)
    assert truth.dtype == np.float64
    assert Fraction(truth.item()) == Fraction(13421773, 2**27) ** 2
    assert conv2d(tenth, tenth, method=method).item() == float(np.float32(truth.item())) != truth.item()


@pytest.mark.parametrize(
    ("pixels", "bias", "dtype", "result"),
    [
        ([1, 2**-11, 2**-24], 0, "float16", 1 + 2**-10),  # by way of float32 a tie, and 1
        ([1, 2**-11], 2**-11, "float16", 1 + 2**-10),  # rounded before the bias, 1
        ([1, 2**-24, 2**-24], 0, "float32", 1 + 2**-23),  # added up in float32, 1
        ([1, 2**-24], 2**-24, "float32", 1 + 2**-23),
        ([2048, 1, 1, 1, 1], 0, "float16", 2052),  # added up in float16, 2048
    ],
)
def test_floats_are_rounded_once(method: str, pixels: list[float], bias: float, dtype: str, result: float) -> None:
    image, ones = row(*pixels, dtype=dtype), np.ones((1, 1, 1, len(pixels)), dtype)
    output = conv2d(image, ones, np.array([bias], dtype), method=method)
    assert output.dtype == np.dtype(dtype)
    assert output.item() == result


def test_a_wide_bias_is_added_before_rounding(method: str) -> None:
    # The bias alone would round to 2^-24, and the sum to 1: together they are above the tie.
    output = conv2d(row(1, dtype=np.float32), row(1, dtype=np.float32), [2**-24 + 2**-50], method=method)
    assert output.item() == 1 + 2**-23
    assert output.dtype == np.float32


def test_overflow_to_infinity_is_silent(method: str) -> None:
    output = conv2d(row(65504, 65504, dtype=np.float16), row(1, 1, dtype=np.float16), method=method)
    assert output.item() == math.inf
    assert conv2d(row(1e308, 1e308), row(1.0, 1.0), method=method).item() == math.inf


def test_subnormal_numbers_are_not_flushed_to_zero(method: str) -> None:
    assert conv2d(row(5e-324, 1e-310), row(3.0, 0.0), method=method).item() == 1.5e-323
    smallest = row(2**-149, dtype=np.float32)
    assert conv2d(smallest, row(3, dtype=np.float32), method=method).item() == 3 * 2**-149


def test_infinities_that_cancel_are_silently_nan(method: str) -> None:
    assert math.isnan(conv2d(row(math.inf, math.inf), row(1.0, -1.0), method=method).item())


def test_complex_numbers(method: str) -> None:
    output = conv2d(row(1 + 2j, 3 - 1j), row(2j, 1), [1j], method=method)
    assert output.tolist() == [[[[-1 + 2j]]]]  # (1 + 2i)·2i + (3 − i) + i


@pytest.mark.parametrize("method", ["im2col", "einsum", "direct"])
@wide_longdouble
def test_longdouble_keeps_its_precision(method: str) -> None:
    tiny = np.longdouble(2) ** -60
    output = conv2d(row(1, tiny, dtype=np.longdouble), row(1, 1, dtype=np.float32), method=method)
    assert output.dtype == np.longdouble
    assert output.item() - 1 == tiny


def test_fractions_stay_fractions(method: str) -> None:
    image = np.array([Fraction(1, 3), Fraction(1, 7), Fraction(2, 5), Fraction(1)]).reshape(1, 2, 1, 2)
    weight = np.array([Fraction(1, 2), 3, Fraction(5), Fraction(-1)]).reshape(2, 1, 1, 2)
    output = conv2d(image, weight, np.array([Fraction(1, 9), 0]), padding=((0, 0), (1, 0)), groups=2, method=method)
    assert output.dtype == object
    assert output.tolist() == [
        [
            [[3 * Fraction(1, 3) + Fraction(1, 9), Fraction(1, 6) + Fraction(3, 7) + Fraction(1, 9)]],
            [[-Fraction(2, 5), Fraction(2) - 1]],
        ]
    ]


def test_symbols_need_only_plus_and_times(method: str) -> None:
    class Symbol:
        def __init__(self, text: str) -> None:
            self.text = text

        def __mul__(self, other: object) -> Symbol:
            return Symbol(f"{self.text}*{other.text if isinstance(other, Symbol) else other}")

        def __add__(self, other: object) -> Symbol:
            if isinstance(other, Symbol):
                return Symbol(f"{self.text}+{other.text}")
            return self

        __radd__ = __add__

    image = np.array([Symbol("a"), Symbol("b")], dtype=object).reshape(1, 1, 1, 2)
    weight = np.array([Symbol("u"), Symbol("v")], dtype=object).reshape(1, 1, 1, 2)
    assert conv2d(image, weight, method=method).item().text in ("u*a+v*b", "a*u+b*v")


@pytest.mark.parametrize(
    ("name", "count", "result"),
    [
        ("bfloat16", 1000, 1000),  # NumPy's own sum stops at 256
        ("float8_e4m3fn", 100, 96),  # the tie between 96 and 104: 96 has the even mantissa
        ("float8_e5m2", 60, 64),  # the tie between 56 and 64
    ],
)
def test_ml_dtypes_are_widened_and_rounded_once(method: str, name: str, count: int, result: int) -> None:
    ones = np.ones((1, 1, 1, count)).astype(ml_dtype(name))
    output = conv2d(ones, ones, method=method)
    assert output.dtype == ml_dtype(name)
    assert float(output.item()) == result


def test_bfloat16_is_not_rounded_by_way_of_float32(method: str) -> None:
    output = conv2d(row(1.0, 2.0**-8, 2.0**-40), row(1.0, 1.0, 1.0), dtype=ml_dtype("bfloat16"), method=method)
    assert float(output.item()) == 1.0078125
    pixels = row(1.0, 2.0**-8, 2.0**-40).astype(ml_dtype("bfloat16"))
    output = conv2d(pixels, np.ones_like(pixels), method=method)
    assert float(output.item()) == 1.0078125


def test_bfloat16_with_other_types(method: str) -> None:
    image = row(1, 2, 3).astype(ml_dtype("bfloat16"))
    assert conv2d(image, row(1, 1, 1, dtype=np.float32), method=method).dtype == np.float32
    output = conv2d(image, row(1, 1, 1, dtype=np.float16), dtype=np.float64, method=method)
    assert output.item() == 6
    assert output.dtype == np.float64
    assert conv2d(image, row(1j, 1, 1), method=method).item() == 5 + 1j


def test_large_integers_are_rounded_once_to_bfloat16_and_float32(method: str) -> None:
    # Just above a tie, where float64 sees the tie itself.
    output = conv2d(row(2**60 + 2**52 + 1), row(1), dtype=ml_dtype("bfloat16"), method=method)
    assert float(output.item()) == 2.0**60 + 2.0**53
    output = conv2d(row(2**62 + 2**38 + 1), row(4), dtype=np.float32, method=method)
    assert output.item() == 2.0**64 + 2.0**41


@pytest.mark.parametrize(
    ("pixel", "weight", "dtype", "result"),
    [
        (2**60 + 2**52 + 1, 1, "bfloat16", 2.0**60 + 2.0**53),  # int64
        (-(2**60 + 2**52 + 1), 1, "bfloat16", -(2.0**60 + 2.0**53)),
        (2**62 + 2**38 + 1, 1, "float32", 2.0**62 + 2.0**39),
        (2**62 + 2**38 + 1, 1, "complex64", 2.0**62 + 2.0**39),
        (2**62 + 2**54 + 1, 8, "bfloat16", 2.0**65 + 2.0**58),  # Python's integers
        (2**62 + 2**38 + 1, 8, "float32", 2.0**65 + 2.0**42),
        (2**62 + 2**9 + 1, 8, "float64", 2.0**65 + 2.0**13),
    ],
)
def test_integers_are_rounded_once(method: str, pixel: int, weight: int, dtype: str, result: float) -> None:
    # Just above a tie; all but the last are the tie itself in float64.
    kind = dtype_of(dtype)
    output = conv2d(row(pixel), row(weight), dtype=kind, method=method)
    assert output.dtype == kind
    assert output.astype(np.complex128).item() == result


@pytest.mark.parametrize("method", ["im2col", "einsum", "direct"])
@wide_longdouble
@pytest.mark.parametrize(("dtype", "bits"), [("float16", 10), ("float32", 23), ("bfloat16", 7), ("float8_e5m2", 2)])
def test_longdouble_is_rounded_once(method: str, dtype: str, bits: int) -> None:
    kind = dtype_of(dtype)
    image = row(1, np.longdouble(2) ** -(bits + 1), np.longdouble(2) ** -60, dtype=np.longdouble)
    output = conv2d(image, np.ones_like(image), dtype=kind, method=method)
    assert output.dtype == kind
    assert float(output.item()) == 1 + 2.0**-bits


def test_bfloat16_in_objects_is_widened(method: str) -> None:
    ones = np.ones((1, 1, 1, 1000)).astype(ml_dtype("bfloat16"))
    output = conv2d(ones, ones, dtype=object, method=method)
    assert output.dtype == object
    assert output.item() == 1000
