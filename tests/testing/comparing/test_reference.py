from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.error_bound import error_bound
from refconv.conv import conv2d
from refconv.operations import Call
from refconv.testing.comparing.reference import Reference, Standard

Array = npt.NDArray[Any]
HAS_WIDE_LONGDOUBLE = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant


def row(*values: Any, dtype: npt.DTypeLike = np.float64) -> Array:
    return np.array(values, dtype).reshape(1, 1, 1, -1)


def referred(
    image: Array, kernel: Array, dtype: npt.DTypeLike, bias: Array | None = None, **keywords: Any
) -> Reference:
    return Standard(np.dtype(dtype), **keywords).reference(Call.of(conv2d, image, kernel, bias))


def gamma(roundings: int, unit: float) -> float:
    return roundings * unit / (1 - roundings * unit)


def test_integers_are_exact_and_must_be_equal() -> None:
    found = referred(row(2**60, 3, dtype=np.int64), row(1, 5, dtype=np.int8), np.int64)
    assert found.truth.tolist() == [[[[2**60 + 15]]]]
    assert found.truth.dtype == found.dtype == np.int64
    assert found.allowed.tolist() == [[[[0.0]]]]
    assert not found.any_integer


@pytest.mark.parametrize(
    ("dtype", "any_integer", "expected"),
    [
        (np.int64, True, True),
        (np.int8, True, True),
        (bool, True, True),
        (object, True, False),
        (np.int64, False, False),
    ],
)
def test_any_integer_type_will_do_for_integers(dtype: npt.DTypeLike, any_integer: bool, expected: bool) -> None:
    ones = np.ones((1, 1, 1, 1), int)
    found = referred(ones, ones, dtype, any_integer=any_integer)
    assert found.any_integer is expected
    assert found.truth.dtype == dtype


def test_objects_must_be_equal() -> None:
    third = row(Fraction(1, 3), dtype=object)
    found = referred(third, third, object)
    assert found.truth.item() == found.desired.item() == Fraction(1, 9)
    assert found.allowed.dtype == np.float64
    assert found.allowed.item() == 0


def test_float64_has_a_correctly_rounded_truth() -> None:
    found = referred(row(2.0**60, 1, -(2.0**60)), row(1.0, 1, 1), np.float64)
    assert found.truth.item() == 1  # 0, in the order in which they stand
    total = 2.0**61 + 1
    expected = gamma(3, 2.0**-53) * total + 2.0**-53 * 1
    assert expected <= found.allowed.item() <= expected * (1 + 1e-13)


def test_complex128_too() -> None:
    found = referred(row(2.0**60, 1j, -(2.0**60), dtype=complex), row(1.0, 1, 1), np.complex128)
    assert found.truth.item() == 1j
    expected = 2**0.5 * gamma(6, 2.0**-53) * (2.0**61 + 1)
    assert found.allowed.item() == pytest.approx(expected, rel=1e-13)


def test_a_lone_float64_may_be_off_by_the_truths_own_rounding() -> None:
    none = np.ones((1, 0, 1, 1))
    assert referred(none, none, np.float64, np.array([3.0])).allowed.item() == 3 * 2.0**-53


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_narrower_type_has_a_truth_in_float64(dtype: npt.DTypeLike) -> None:
    image, kernel = row(1, 2.0**-30, 2.0**-52, dtype=np.float32), row(1, 1, 1, dtype=np.float32)
    found = referred(image, kernel, dtype)
    assert found.truth.dtype == np.float64
    assert found.truth.item() == 1 + 2.0**-30 + 2.0**-52
    assert found.desired.dtype == dtype
    assert found.desired.item() == 1
    bound = error_bound(image, kernel, dtype=dtype).item()
    own = gamma(3, 2.0**-53) * found.truth.item()
    assert found.allowed.item() == pytest.approx(bound + own, rel=1e-14)
    assert found.allowed.item() > bound


def test_what_the_truth_itself_loses_is_allowed_for() -> None:
    # In float64, 1 is lost beside 2^60; that is 4·2^-53·2^61 at most.
    image, kernel = row(2.0**60, 1, -(2.0**60), dtype=np.float32), row(1, 1, 1, dtype=np.float32)
    found = referred(image, kernel, np.float32, how=Arithmetic.of(accumulate_dtype=np.longdouble))
    assert abs(found.truth.item() - 1) <= found.allowed.item()
    assert found.allowed.item() >= gamma(3, 2.0**-53) * (2.0**61 + 1)


@pytest.mark.skipif(not HAS_WIDE_LONGDOUBLE, reason="longdouble is float64 on this machine")
def test_longdouble_is_its_own_truth() -> None:
    third = np.full((1, 1, 1, 1), np.longdouble(1) / 3)
    found = referred(third, third, np.longdouble)
    assert found.truth.dtype == np.longdouble
    assert found.truth.item() == third.item() ** 2
    unit = float(np.finfo(np.longdouble).eps) / 2
    assert found.allowed.item() == pytest.approx(2 * gamma(1, unit) / 9, rel=1e-9)
    # and of float64 with a bias of longdouble, the truth is the wider one, which is not the exact method's
    mixed = referred(row(1.0), row(1.0), np.float64, np.array([2.0**-60], np.longdouble))
    assert mixed.truth.item() == 1 + np.longdouble(2.0**-60)


def test_the_precision_decides_what_is_allowed() -> None:
    image, kernel = row(1, 2, 3, dtype=np.float32), row(1, 1, 1, dtype=np.float32)
    dtype = np.dtype(np.float32)
    plain = referred(image, kernel, dtype)
    coarse = referred(image, kernel, dtype, how=Arithmetic.of(accumulate_dtype="float16"))
    assert plain.allowed.item() == pytest.approx(6 * gamma(3, 2.0**-24), rel=1e-6)
    assert coarse.allowed.item() == pytest.approx(6 * gamma(3, 2.0**-11) + 3 * 2.0**-24, rel=1e-6)
    assert (plain.truth == coarse.truth).all()


def test_the_algorithm_decides_too() -> None:
    ones = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32)
    found = Standard(np.dtype(np.float32), Arithmetic.of(algorithm="winograd2")).reference(Call.of(conv2d, *ones))
    assert found.allowed[0, 0, 0, 0] == pytest.approx(64 * gamma(23, 2.0**-24), rel=1e-6)


def test_the_parameters_are_the_convolutions() -> None:
    image, kernel = np.arange(20.0).reshape(1, 1, 4, 5), np.ones((1, 1, 2, 2))
    parameters: dict[str, Any] = {"stride": (2, 1), "padding": (0, 1), "padding_mode": "circular"}
    found = Standard(np.dtype(float)).reference(Call.of(conv2d, image, kernel, **parameters))
    assert found.truth.shape == found.allowed.shape == (1, 1, 2, 6)
    assert found.truth[0, 0, 0, 0] == 4 + 0 + 9 + 5


def test_what_is_not_finite_raises_no_warning() -> None:
    for dtype in (np.float64, np.float16):
        found = referred(row(np.inf, 1), row(0.0, 1), dtype)
        assert np.isnan(found.truth.item())
        assert np.isnan(found.allowed.item())
        huge = referred(row(1e308, 1e308, dtype=np.float64), row(10.0, 1), np.float64)
        assert huge.truth.item() == huge.allowed.item() == np.inf
