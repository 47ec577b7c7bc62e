from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array, ones
from refusals import naming

from refconv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    error_bound,
    error_bound_of,
    grad,
)
from refconv.operations import OPERATIONS

U32, SMALLEST32 = Fraction(1, 2**24), Fraction(1, 2**149)


def gamma(n: int) -> Fraction:
    return n * U32 / (1 - n * U32)


def assert_counts(bound: Array, counts: list[int]) -> None:
    """Every element is K products of 1·1 in float32: γ_K·K + K·2^−149, rounded up by very little."""
    for actual, count in zip(bound.ravel().tolist(), counts, strict=True):
        exact = gamma(count) * count + count * SMALLEST32
        assert exact <= Fraction(actual) <= exact * (1 + Fraction(1, 10**12))


def test_of_conv2d_it_is_error_bound() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 4, 7, 9), (6, 2, 2, 3), (6,)))
    parameters: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 0), (2, 3)), "dilation": (1, 2), "groups": 2}
    for types in (
        {"dtype": np.float32},
        {"dtype": np.float16, "input_dtype": "bfloat16"},
        {"dtype": np.float32, "accumulate_dtype": np.float16},
        {"dtype": np.float32, "confidence": 0.99},
    ):
        precision: dict[str, Any] = types
        expected = error_bound(x, w, b, **parameters, **precision)
        np.testing.assert_allclose(error_bound_of(conv2d, x, w, b, **parameters, **precision), expected, rtol=1e-12)
    expected = error_bound(x, w, padding=1, padding_mode="reflect", dtype=np.float32, groups=2)
    actual = error_bound_of(conv2d, x, w, None, 1, 1, 1, 2, padding_mode="reflect", dtype=np.float32)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_every_element_counts_the_products_that_it_adds_up() -> None:
    # Stride 2 and 3 taps: a pixel takes one product or two of each channel.
    bound = error_bound_of(conv_transpose1d, ones(1, 5, 3), ones(5, 1, 3), stride=2, dtype=np.float32)
    assert bound.shape == (1, 1, 7)
    assert_counts(bound, [5, 5, 10, 5, 10, 5, 5])
    bound = error_bound_of(conv_transpose2d, ones(5, 1, 3), ones(5, 1, 2, 3), stride=(1, 2), dtype=np.float32)
    assert_counts(bound, 2 * [5, 5, 10, 5, 10, 5, 5])
    bound = error_bound_of(conv_transpose3d, ones(5, 2, 1, 1), ones(5, 1, 2, 1, 1), dtype=np.float32)
    assert_counts(bound, [5, 10, 5])
    bound = error_bound_of(conv1d, ones(1, 5, 3), ones(1, 5, 3), padding=1, dtype=np.float32)
    assert_counts(bound, [10, 15, 10])
    bound = error_bound_of(conv3d, ones(5, 3, 1, 1), ones(1, 5, 3, 1, 1), padding=(1, 0, 0), dtype=np.float32)
    assert_counts(bound, [10, 15, 10])
    shape = (1, 1, 1, 5)
    bound = error_bound_of(grad.conv2d_input, shape, ones(7, 1, 1, 2), ones(1, 7, 1, 2), (1, 2), dtype=np.float32)
    assert_counts(bound, [7, 7, 7, 7, 0])
    arriving = ones(3, 1, 1, 4)  # outputs read the pixels −1 0, 0 1, 1 2, 2 3: three images, three or four times
    bound = error_bound_of(
        grad.conv2d_weight, ones(3, 1, 1, 4), (1, 1, 1, 2), arriving, padding=((0, 0), (1, 0)), dtype=np.float32
    )
    assert_counts(bound, [9, 12])
    assert_counts(error_bound_of(grad.conv2d_bias, ones(2, 3, 1, 4), dtype=np.float32), [8, 8, 8])


def test_a_bias_is_one_more_addition_where_there_is_something_to_add_it_to() -> None:
    bound = error_bound_of(conv_transpose1d, ones(1, 1, 2), ones(1, 1, 1), [3.0], stride=2, dtype=np.float32)
    exact = gamma(2) * 4 + 2 * SMALLEST32
    assert exact <= Fraction(bound[0, 0, 0].item()) <= exact * (1 + Fraction(1, 10**12))
    assert bound[0, 0, 1] == 0  # the bias alone


def test_a_complex_product_is_two_real_ones() -> None:
    pixel, tap = np.full((1, 1, 1), 3 + 4j, np.complex64), np.full((1, 1, 1), 5 + 12j, np.complex64)
    bound = error_bound_of(conv_transpose1d, pixel, tap, dtype=np.complex64).item()
    exact = float(gamma(2) * 65 + 2 * SMALLEST32) * 2**0.5
    assert exact <= bound <= exact * (1 + 1e-12)


def test_rounded_inputs_and_a_rounded_result_cost_more() -> None:
    x, w = ones(1, 1, 3) * np.float32(1.1), ones(1, 1, 2) * np.float32(1.3)
    plain = error_bound_of(conv_transpose1d, x, w, dtype=np.float32)
    rounded = error_bound_of(conv_transpose1d, x, w, dtype=np.float32, input_dtype="tf32")
    # Each factor is off by 2^−10 of itself at most, and the product by twice that: 1.43 of them, or two.
    assert (rounded - plain)[0, 0, 0] == pytest.approx(1.43 * 2 * 2**-10, rel=1e-2)
    assert (rounded - plain)[0, 0, 1] == pytest.approx(2 * 1.43 * 2 * 2**-10, rel=1e-2)
    narrow = error_bound_of(conv_transpose1d, x, w, dtype=np.float16)
    assert (narrow - plain)[0, 0, 0] == pytest.approx(1.43 * 2**-11, rel=1e-2)
    held = error_bound_of(conv_transpose1d, np.ones_like(x), np.ones_like(w), dtype=np.float32, input_dtype="bfloat16")
    np.testing.assert_allclose(
        held, error_bound_of(conv_transpose1d, ones(1, 1, 3), ones(1, 1, 2), dtype=np.float32), rtol=1e-6
    )


def test_what_is_not_finite_has_no_bound() -> None:
    x = np.array([[1.0, np.inf]], np.float32)
    bound = error_bound_of(conv_transpose1d, x, ones(1, 1, 2), stride=2, dtype=np.float32)
    assert np.isnan(bound).tolist() == [[False, False, True, True]]
    rounded = error_bound_of(conv_transpose1d, x, ones(1, 1, 2), stride=2, dtype=np.float32, input_dtype="bfloat16")
    assert np.isnan(rounded).tolist() == [[False, False, True, True]]


def test_a_sum_that_may_overflow_has_an_infinite_bound() -> None:
    huge = np.full((1, 1, 1), 1e200)
    for input_dtype in (None, "bfloat16"):
        bound = error_bound_of(conv_transpose1d, huge, huge, dtype=np.float64, input_dtype=input_dtype)
        assert bound.item() == np.inf


def test_a_function_of_no_family_is_refused() -> None:
    names = ", ".join(sorted(OPERATIONS))
    for function in (np.convolve, "conv1d", None, ones(3)):
        with pytest.raises(TypeError, match=f"^{re.escape(f'function={function!r} must be one of {names}')}$"):
            error_bound_of(function, ones(1, 1), ones(1, 1, 1), dtype=np.float32)  # type: ignore[arg-type]


def test_bad_arguments_are_refused_as_by_the_function() -> None:
    with pytest.raises(TypeError, match=r"^missing a required argument: 'weight'$"):
        error_bound_of(conv1d, ones(1, 1, 1), dtype=np.float32)
    with pytest.raises(TypeError, match=r"^dtype=int64 must be a floating or complex type$"):
        error_bound_of(conv1d, ones(1, 1, 1), ones(1, 1, 1), dtype=np.int64)
    with pytest.raises(ValueError, match=naming("stride=0 … 1 (input (1, 1, 1), weight (1, 1, 1))")):
        error_bound_of(conv1d, ones(1, 1, 1), ones(1, 1, 1), stride=0, dtype=np.float32)
