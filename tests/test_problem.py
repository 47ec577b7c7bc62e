from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from refconv import conv1d, conv2d, conv_transpose2d, grad, im2col
from refconv.bounds.summation import Precision
from refconv.operations.call import BIASED, FAMILY, Problem

X, W, B = np.arange(1.0, 13).reshape(1, 2, 6), np.arange(1.0, 13).reshape(3, 2, 2), np.array([100.0, 200, 300])
SINGLE = Precision.of(np.float32)


def test_arguments_are_sorted_by_name_in_whatever_way_they_are_given() -> None:
    for problem in (Problem.of(conv1d, X, W, B, 2), Problem.of(conv1d, X, weight=W, stride=2, bias=B)):
        assert list(problem.operands) == ["input", "weight", "bias"]
        assert problem.parameters == {"stride": 2}
        np.testing.assert_array_equal(problem(), conv1d(X, W, B, 2))
        assert problem(dtype=np.float32).dtype == np.float32


def test_a_bias_of_none_is_no_operand() -> None:
    assert list(Problem.of(conv1d, X, W, None).operands) == ["input", "weight"]


def test_a_size_is_a_parameter() -> None:
    problem = Problem.of(grad.conv2d_weight, np.ones((1, 1, 3)), (2, 1, 1, 2), np.ones((2, 1, 2)))
    assert list(problem.operands) == ["input", "grad_output"]
    assert problem.parameters == {"weight_size": (2, 1, 1, 2)}
    assert problem().ravel().tolist() == [2, 2, 2, 2]


def test_arrays_are_read_by_the_reader_with_their_names() -> None:
    read: list[str] = []

    def reader(name: str, value: Any) -> Any:
        read.append(name)
        return np.asarray(value) + 1

    problem = Problem.of(conv1d, [[0.0, 1]], [[[1.0]]], read=reader)
    assert read == ["input", "weight"]
    assert problem().tolist() == [[2, 4]]


def test_what_is_none_of_the_family_is_refused() -> None:
    message = (
        "must be one of conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, "
        "conv2d_input, conv2d_weight, conv2d_bias"
    )
    with pytest.raises(TypeError, match=rf"^function=<function im2col at .*> {re.escape(message)}$"):
        Problem.of(im2col, X, 2)
    assert set(BIASED) | {grad.conv2d_input, grad.conv2d_weight, grad.conv2d_bias} == set(FAMILY)


def test_every_array_is_changed_and_the_problem_stays() -> None:
    problem = Problem.of(conv1d, X, W, B, 2)
    doubled = problem.each(lambda array: 2 * array)
    np.testing.assert_array_equal(doubled(), 4 * conv1d(X, W, stride=2) + 2 * B[:, np.newaxis])
    np.testing.assert_array_equal(problem(), conv1d(X, W, B, 2))


def test_operands_are_replaced_and_taken_away() -> None:
    problem = Problem.of(conv1d, X, W, B, 2)
    np.testing.assert_array_equal(problem.with_operands(bias=None)(), conv1d(X, W, stride=2))
    np.testing.assert_array_equal(problem.with_operands(weight=-W)(), conv1d(X, -W, B, 2))


def test_the_factors_are_all_but_the_bias() -> None:
    problem = Problem.of(conv_transpose2d, np.ones((1, 2, 2)), np.ones((1, 3, 1, 1)), np.ones(3, np.float32))
    assert list(problem.factors) == ["input", "weight"]
    assert problem.dtypes == [np.float64, np.float64, np.float32]


def test_sums_of_conv2d_know_other_algorithms_and_those_of_others_do_not() -> None:
    x, w = np.ones((1, 2, 4, 4), np.float32), np.ones((1, 2, 3, 3), np.float32)
    assert Problem.of(conv2d, x, w).sums(SINGLE, "winograd2").amplification > 1
    message = "^algorithm='winograd2' must be 'direct' for conv1d$"
    with pytest.raises(ValueError, match=message):
        Problem.of(conv1d, X, W).sums(SINGLE, "winograd2")


def test_sums_count_products_and_the_bias_that_is_added_to_some() -> None:
    sums = Problem.of(conv1d, X, W, B, padding=1).sums(SINGLE)
    assert sums.roundings[0].tolist() == [[3, 5, 5, 5, 5, 5, 3]] * 3  # 2 channels × 2 taps, and the bias
    alone = Problem.of(conv1d, X, W[..., :1], B, padding=1).sums(SINGLE).roundings
    assert alone[0, 0].tolist() == [0, 3, 3, 3, 3, 3, 3, 0]  # nothing is added to a bias alone
    np.testing.assert_array_equal(sums.magnitude, conv1d(X, W, B, padding=1))


def test_one_complex_factor_makes_two_real_products_of_each() -> None:
    for pixels, taps in ((X * 1j, W), (X, W * 1j)):
        sums = Problem.of(conv1d, pixels, taps).sums(SINGLE)
        assert sums.is_complex
        assert sums.roundings[0].tolist() == [[8, 8, 8, 8, 8]] * 3  # 2 channels × 2 taps × 2
    assert not Problem.of(conv1d, X, W).sums(SINGLE).is_complex


def test_factors_that_rounding_leaves_alone_cost_what_the_two_sums_are_off_by() -> None:
    rounding = Precision.of(np.float32, input_dtype="bfloat16")
    sums = Problem.of(conv1d, np.ones((1, 1, 4)), np.ones((1, 1, 2)), padding=1).sums(rounding)
    # twice γ of 8 roundings and one for each product, of a sum of 1 or of 2: 2·9·1 and 2·10·2
    np.testing.assert_allclose(sums.input_error * 2.0**53, [[[18, 40, 40, 40, 18]]], rtol=1e-12)


def test_an_exact_result_that_is_known_is_not_computed_again() -> None:
    half = Precision.of(np.float16)
    known = np.full((1, 3, 5), 7.0)
    problem = Problem.of(conv1d, X.astype(np.float16), W.astype(np.float16))
    assert problem.sums(half, exact=known).exact is known
    np.testing.assert_array_equal(problem.sums(half).exact, conv1d(X, W))
    pixels, taps = np.array([[[2048, 1]]], np.float16), np.ones((1, 1, 2), np.float16)
    assert np.asarray(Problem.of(conv1d, pixels, taps).sums(half).exact).item() == 2049  # which float16 does not hold
    assert problem.sums(SINGLE).exact is None  # which no rounding of the result needs


def test_how_refconv_computes_it_is_no_part_of_a_problem() -> None:
    with pytest.raises(TypeError, match=r"^method='direct' is how refconv computes it, no part of the problem$"):
        Problem.of(conv1d, X, W, method="direct")


def test_a_factor_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError, match="weight"):
        Problem.of(conv1d, X, None)


def test_what_rounding_the_inputs_may_change_is_infinite_where_the_sum_is_whatever_the_operation() -> None:
    large, ones = np.full((1, 1, 1, 4), 1e308), np.ones((1, 1, 1, 4))
    tf32 = Precision.of(np.float64, input_dtype="tf32")
    for problem in (Problem.of(conv2d, large, ones), Problem.of(conv1d, large[0], ones[0])):
        assert tf32.bound(problem.sums(tf32)).item() == np.inf


def test_the_same_sums_by_conv2d_and_by_an_operation_that_is_the_same() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 4, 1, 9)), rng.normal(size=(6, 2, 1, 3)), rng.normal(size=6)
    half = Precision.of(np.float16, input_dtype="bfloat16")
    plane = Problem.of(conv2d, x, w, b, (1, 2), (0, 1), 1, 2)
    line = Problem.of(conv1d, x[:, :, 0], w[:, :, 0], b, 2, 1, 1, 2)
    for one, other in zip(_parts(plane, half), _parts(line, half), strict=True):
        np.testing.assert_allclose(one.reshape(other.shape), other, rtol=1e-12)


def _parts(problem: Problem, precision: Precision) -> list[Any]:
    sums = problem.sums(precision)
    return [sums.magnitude, np.broadcast_to(sums.roundings, sums.magnitude.shape), sums.input_error, sums.exact]
