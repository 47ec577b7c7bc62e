"""ReLU and batch norm: values by hand, types, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv.nn import batch_norm, relu


def test_relu_keeps_the_positive_the_shape_and_the_type() -> None:
    for dtype in (np.float16, np.float64, np.int8):
        rectified = relu(np.array([[-3, 0, 2], [1, -1, 5]], dtype))
        assert rectified.dtype == dtype
        np.testing.assert_array_equal(rectified, [[0, 0, 2], [1, 0, 5]])


def test_relu_keeps_nan_and_infinity() -> None:
    np.testing.assert_array_equal(relu([np.nan, np.inf, -np.inf, -0.5]), [np.nan, np.inf, 0, 0])


def test_relu_of_unsigned_bool_and_fractions() -> None:
    np.testing.assert_array_equal(relu(np.array([0, 200], np.uint8)), np.array([0, 200], np.uint8))
    np.testing.assert_array_equal(relu([True, False]), [True, False])
    assert list(relu(np.array([Fraction(-1, 3), Fraction(1, 3)]))) == [0, Fraction(1, 3)]


def test_relu_of_bfloat16() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    rectified = relu(np.array([-1.5, 2.5], bfloat16))
    assert rectified.dtype == bfloat16
    assert rectified.astype(float).tolist() == [0, 2.5]


def test_relu_refuses_none() -> None:
    with pytest.raises(TypeError, match=naming("input is None …")):
        relu(None)  # type: ignore[arg-type]


def test_relu_refuses_complex_numbers() -> None:
    message = "input has dtype complex128; it must be real, for ReLU compares (input (2,))"
    with pytest.raises(TypeError, match=naming(message)):
        relu([1j, 2])


# Channel 0: (x − 1)/√(3 + 1)·10 + 5 = 5x; channel 1: (x + 2)/√(15 + 1)·8 − 7 = 2x − 3.
STATISTICS: dict[str, Any] = {"running_mean": [1, -2], "running_var": [3, 15], "eps": 1}
AFFINE: dict[str, Any] = {"weight": [10, 8], "bias": [5, -7]}


def test_batch_norm_is_its_formula_in_each_channel() -> None:
    image = np.arange(-6.0, 6.0).reshape(2, 2, 1, 3)
    actual = batch_norm(image, **STATISTICS, **AFFINE)
    np.testing.assert_array_equal(actual[:, 0], 5 * image[:, 0])
    np.testing.assert_array_equal(actual[:, 1], 2 * image[:, 1] - 3)
    np.testing.assert_array_equal(batch_norm(image[1], **STATISTICS, **AFFINE), actual[1])


def test_batch_norm_without_weight_and_bias() -> None:
    image = np.array([7.0, 6.0]).reshape(2, 1, 1)
    assert batch_norm(image, **STATISTICS).ravel().tolist() == [3, 2]
    assert batch_norm(image, **STATISTICS, weight=[10, 8]).ravel().tolist() == [30, 16]
    assert batch_norm(image, **STATISTICS, bias=[5, -7]).ravel().tolist() == [8, -5]


def test_the_default_eps_is_1e_5() -> None:
    assert batch_norm(np.ones((1, 1, 1)), [0], [0]).item() == 1 / np.sqrt(1e-5)


def test_batch_norm_is_computed_wide_and_rounded_once() -> None:
    zero, one = np.zeros(1, np.float16), np.ones(1, np.float16)
    image = np.full((1, 1, 1), 1 / 3, np.float16)
    actual = batch_norm(image, zero, np.full(1, 7, np.float16), 3 * one, eps=0)
    assert actual.dtype == np.float16
    assert actual.item() == np.float16(float(image.item()) / np.sqrt(7) * 3)
    assert batch_norm(image, zero.astype(np.float32), one, eps=0).dtype == np.float32
    assert batch_norm(image.astype(np.complex64), zero, one, eps=0).dtype == np.complex64


def test_batch_norm_of_bfloat16() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    zero, one = np.zeros(1, bfloat16), np.ones(1, bfloat16)
    actual = batch_norm(np.full((1, 1, 1), 259, bfloat16), zero, one, one, one, eps=0)
    assert actual.dtype == bfloat16
    assert actual.astype(float).item() == 260  # 259 reads as 260; in bfloat16, 261 is 260 again


def test_batch_norm_of_what_is_not_finite() -> None:
    image = np.array([np.nan, np.inf, 0]).reshape(1, 1, 3)
    np.testing.assert_array_equal(batch_norm(image, [0], [1], eps=0), [[[np.nan, np.inf, 0]]])
    np.testing.assert_array_equal(batch_norm(image, [0], [-1], eps=0), [[[np.nan, np.nan, np.nan]]])
    np.testing.assert_array_equal(batch_norm(image, [1], [0], eps=0), [[[np.nan, np.inf, -np.inf]]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"input": np.ones((3, 4))}, ValueError, "input … 2 … (N, C, H, W) or (C, H, W) (input (3, 4))"),
        ({"input": np.ones((2, 3, 4), int)}, TypeError, "input has dtype int64; it must be a floating type (input (2, 3, 4))"),
        ({"input": None}, TypeError, "input is None …"),
        ({"running_mean": [0]}, ValueError, "running_mean has shape (1,); it must be (C,) = (2,) (input (2, 3, 4))"),
        ({"running_var": 1}, ValueError, "running_var has shape (); it must be (C,) = (2,) (input (2, 3, 4))"),
        ({"running_var": None}, TypeError, "running_var is None …"),
        ({"weight": [1, 1, 1]}, ValueError, "weight has shape (3,); it must be (C,) = (2,) (input (2, 3, 4))"),
        ({"bias": [[0, 0]]}, ValueError, "bias has shape (1, 2); it must be (C,) = (2,) (input (2, 3, 4))"),
        (
            {"bias": np.array([Fraction(1), Fraction(2)])},
            TypeError,
            "an array has dtype object; it must be a floating type, for a root is taken (input (2, 3, 4))",
        ),
        ({"eps": -1e-5}, ValueError, "eps=-1e-05 must be finite and at least 0"),
        ({"eps": np.inf}, ValueError, "eps=inf must be finite and at least 0"),
        ({"eps": np.nan}, ValueError, "eps=nan must be finite and at least 0"),
    ],
)  # fmt: skip
def test_batch_norm_refuses(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"input": np.ones((2, 3, 4)), **STATISTICS}
    batch_norm(**arguments)
    with pytest.raises(error, match=naming(message)):
        batch_norm(**(arguments | changes))


def test_batch_norm_of_an_empty_map_is_empty() -> None:
    assert batch_norm(np.ones((2, 0, 4)), **STATISTICS).shape == (2, 0, 4)
    assert batch_norm(np.ones((0, 2, 3, 4)), **STATISTICS).shape == (0, 2, 3, 4)
