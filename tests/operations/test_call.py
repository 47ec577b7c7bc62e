from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import conv1d, conv_transpose2d, grad, im2col
from refconv.operations import OPERATIONS, Call

X, W, B = np.arange(1.0, 13).reshape(1, 2, 6), np.arange(1.0, 13).reshape(3, 2, 2), np.array([100.0, 200, 300])


def test_arguments_are_sorted_by_name_in_whatever_way_they_are_given() -> None:
    for call in (Call.of(conv1d, X, W, B, 2), Call.of(conv1d, X, weight=W, stride=2, bias=B)):
        assert list(call.operands) == ["input", "weight", "bias"]
        assert call.parameters == {"stride": 2}
        np.testing.assert_array_equal(call(), conv1d(X, W, B, 2))
        assert call(dtype=np.float32).dtype == np.float32


def test_a_bias_of_none_is_no_operand() -> None:
    assert list(Call.of(conv1d, X, W, None).operands) == ["input", "weight"]


def test_a_size_is_a_parameter() -> None:
    call = Call.of(grad.conv2d_weight, np.ones((1, 1, 3)), (2, 1, 1, 2), np.ones((2, 1, 2)))
    assert list(call.operands) == ["input", "grad_output"]
    assert call.parameters == {"weight_size": (2, 1, 1, 2)}
    assert call().ravel().tolist() == [2, 2, 2, 2]


def test_arrays_are_read_by_the_reader_with_their_names() -> None:
    read: list[str] = []

    def reader(name: str, value: Any) -> Any:
        read.append(name)
        return np.asarray(value) + 1

    call = Call.of(conv1d, [[0.0, 1]], [[[1.0]]], read=reader)
    assert read == ["input", "weight"]
    assert call().tolist() == [[2, 4]]


def test_what_is_none_of_the_family_is_refused() -> None:
    message = rf"^function=<function im2col at .*> must be one of {', '.join(sorted(OPERATIONS))}$"
    with pytest.raises(TypeError, match=message):
        Call.of(im2col, X, 2)


def test_every_array_is_changed_and_the_call_stays() -> None:
    call = Call.of(conv1d, X, W, B, 2)
    doubled = call.each(lambda array: 2 * array)
    np.testing.assert_array_equal(doubled(), 4 * conv1d(X, W, stride=2) + 2 * B[:, np.newaxis])
    np.testing.assert_array_equal(call(), conv1d(X, W, B, 2))


def test_operands_are_replaced_and_taken_away() -> None:
    call = Call.of(conv1d, X, W, B, 2)
    np.testing.assert_array_equal(call.with_operands(bias=None)(), conv1d(X, W, stride=2))
    np.testing.assert_array_equal(call.with_operands(weight=-W)(), conv1d(X, -W, B, 2))


def test_the_factors_are_all_but_the_bias() -> None:
    call = Call.of(conv_transpose2d, np.ones((1, 2, 2)), np.ones((1, 3, 1, 1)), np.ones(3, np.float32))
    assert list(call.factors) == ["input", "weight"]
    assert call.dtypes == [np.float64, np.float64, np.float32]


def test_how_refconv_computes_it_is_no_part_of_a_call() -> None:
    with pytest.raises(TypeError, match=r"^method='direct' is how refconv computes it, no part of the problem$"):
        Call.of(conv1d, X, W, method="direct")


def test_a_factor_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError, match="weight"):
        Call.of(conv1d, X, None)
