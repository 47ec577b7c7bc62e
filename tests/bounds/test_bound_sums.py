"""What an operation adds up, and how often each of its products is rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from arrays import Array

from refconv import conv1d, conv2d
from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.summation import Precision, Sums
from refconv.bounds.sums import sums_of
from refconv.operations import Call

X, W, B = np.arange(1.0, 13).reshape(1, 2, 6), np.arange(1.0, 13).reshape(3, 2, 2), np.array([100.0, 200, 300])
SINGLE = Precision.of(np.float32)


def roundings_of(sums: Sums) -> Array:
    return np.broadcast_to(sums.roundings, sums.magnitude.shape)


def how(dtype: Any, **words: Any) -> Precision:
    return Precision.of(dtype, Arithmetic.of(**words))


def test_an_algorithm_is_for_what_it_computes() -> None:
    x, w = np.ones((1, 2, 4, 4), np.float32), np.ones((1, 2, 3, 3), np.float32)
    winograd = how(np.float32, algorithm="winograd2")
    assert sums_of(Call.of(conv2d, x, w), winograd).amplification == 9
    assert sums_of(Call.of(conv1d, x[:, :, 0], w[:, :, 0]), winograd).amplification == 3
    message = r"^Winograd's F\(2, 3\) takes a 3 kernel at stride 1 and dilation 1; this one is \(2,\) at"
    with pytest.raises(ValueError, match=message):
        sums_of(Call.of(conv1d, X, W), winograd)


def test_sums_count_products_and_the_bias_that_is_added_to_some() -> None:
    sums = sums_of(Call.of(conv1d, X, W, B, padding=1), SINGLE)
    assert roundings_of(sums)[0].tolist() == [[3, 5, 5, 5, 5, 5, 3]] * 3  # 2 channels × 2 taps, and the bias
    # nothing is added to a bias alone, but one that float32 does not hold is rounded by being loaded
    for bias, loaded in ((B, 0), (B + 2.0**-30, 1)):
        alone = roundings_of(sums_of(Call.of(conv1d, X, W[..., :1], bias, padding=1), SINGLE))
        assert alone[0, 0].tolist() == [loaded, 3, 3, 3, 3, 3, 3, loaded]
    np.testing.assert_array_equal(sums.magnitude, conv1d(X, W, B, padding=1))


def test_one_complex_factor_makes_two_real_products_of_each() -> None:
    for pixels, taps in ((X * 1j, W), (X, W * 1j)):
        sums = sums_of(Call.of(conv1d, pixels, taps), SINGLE)
        assert sums.is_complex
        assert roundings_of(sums)[0].tolist() == [[8, 8, 8, 8, 8]] * 3  # 2 channels × 2 taps × 2
    assert not sums_of(Call.of(conv1d, X, W), SINGLE).is_complex


def test_factors_that_rounding_leaves_alone_cost_what_the_two_sums_are_off_by() -> None:
    rounding = how(np.float32, input_dtype="bfloat16")
    sums = sums_of(Call.of(conv1d, np.ones((1, 1, 4)), np.ones((1, 1, 2)), padding=1), rounding)
    # twice γ of 8 roundings and one for each product, of a sum of 1 or of 2: 2·9·1 and 2·10·2
    np.testing.assert_allclose(sums.input_error * 2.0**53, [[[18, 40, 40, 40, 18]]], rtol=1e-12)


def test_an_exact_result_that_is_known_is_not_computed_again() -> None:
    half = Precision.of(np.float16)
    known = np.full((1, 3, 5), 7.0)
    call = Call.of(conv1d, X.astype(np.float16), W.astype(np.float16))
    assert sums_of(call, half, exact=known).exact is known
    np.testing.assert_array_equal(sums_of(call, half).exact, conv1d(X, W))
    pixels, taps = np.array([[[2048, 1]]], np.float16), np.ones((1, 1, 2), np.float16)
    assert np.asarray(sums_of(Call.of(conv1d, pixels, taps), half).exact).item() == 2049  # which float16 does not hold
    assert sums_of(call, SINGLE).exact is None  # which no rounding of the result needs


def test_what_rounding_the_inputs_may_change_is_infinite_where_the_sum_is_whatever_the_operation() -> None:
    large, ones = np.full((1, 1, 1, 4), 1e308), np.ones((1, 1, 1, 4))
    tf32 = how(np.float64, input_dtype="tf32")
    for call in (Call.of(conv2d, large, ones), Call.of(conv1d, large[0], ones[0])):
        assert tf32.bound(sums_of(call, tf32)).item() == np.inf


def test_the_same_sums_by_conv2d_and_by_an_operation_that_is_the_same() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 4, 1, 9)), rng.normal(size=(6, 2, 1, 3)), rng.normal(size=6)
    half = how(np.float16, input_dtype="bfloat16")
    plane = Call.of(conv2d, x, w, b, (1, 2), (0, 1), 1, 2)
    line = Call.of(conv1d, x[:, :, 0], w[:, :, 0], b, 2, 1, 1, 2)
    for one, other in zip(_parts(plane, half), _parts(line, half), strict=True):
        np.testing.assert_allclose(one.reshape(other.shape), other, rtol=1e-12)


def _parts(call: Call, precision: Precision) -> list[Any]:
    sums = sums_of(call, precision)
    return [sums.magnitude, roundings_of(sums), sums.input_error, sums.exact]
