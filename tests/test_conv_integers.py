from __future__ import annotations

import numpy as np
import pytest
from arrays import row
from refusals import naming

from refconv import conv2d

INT64_RANGE = "-9223372036854775808 ... 9223372036854775807"


def test_booleans_are_counted(method: str) -> None:
    assert conv2d(np.ones((1, 1, 2, 3), bool), np.ones((1, 1, 2, 3), bool), [True], method=method).item() == 7


def test_int8_and_uint8_do_not_wrap(method: str) -> None:
    low, high = np.full((1, 3, 3, 3), -128, np.int8), np.full((1, 3, 3, 3), 255, np.uint8)
    assert conv2d(low, low, method=method).item() == 442368  # 27·128²
    assert conv2d(high, high, method=method).item() == 1755675  # 27·255²
    assert conv2d(high, low, method=method).item() == -881280


@pytest.mark.parametrize(
    ("pixels", "weights", "result"),
    [
        ([2**53, 1], [1, 1], 2**53 + 1),  # what float64 cannot hold
        ([3002399751580331], [3], 2**53 + 1),
        ([2**31 + 1], [2**31 - 1], 2**62 - 1),
        ([2**62, 2**62 - 1], [1, 1], 2**63 - 1),  # the largest int64
        ([2**62, 2**62], [-1, -1], -(2**63)),  # the smallest
        ([-(2**63)], [1], -(2**63)),
        ([2**62, 2**62, 2**62, -(2**62), -(2**62)], [2, 1, 1, 2, 1], 2**62),  # by way of 2^64
        ([2**62, 2**62, 2**62], [1000, -999, -1], 0),
    ],
)
def test_integer_sums_are_exact(method: str, pixels: list[int], weights: list[int], result: int) -> None:
    output = conv2d(row(*pixels), row(*weights), method=method)
    assert output.dtype == np.int64
    assert output.item() == result


@pytest.mark.parametrize(
    ("pixels", "weights", "bias", "result"),
    [([2**62], [1], 2**62, 2**63), ([2**62, 2**62], [-1, -1], -1, -(2**63) - 1), ([-(2**63)], [-1], 0, 2**63)],
)
def test_integer_sums_beyond_int64_are_refused(
    method: str, pixels: list[int], weights: list[int], bias: int, result: int
) -> None:
    message = f"{result} … int64 … {INT64_RANGE}"
    with pytest.raises(OverflowError, match=naming(message)):
        conv2d(row(*pixels), row(*weights), [bias], method=method)


def test_the_bias_counts_towards_the_exact_range(method: str) -> None:
    assert conv2d(row(1), row(1), [2**53], method=method).item() == 2**53 + 1
    assert conv2d(row(1), row(-1), [-(2**63) + 1], method=method).item() == -(2**63)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_integer_sums_beyond_int64_are_exact_beside_padding(method: str, mode: str) -> None:
    # One pixel of padding on the left; its weight is 0, but a NumPy zero there would bring int64's overflow back in.
    image, weight = row(2**62, 2**62, -(2**62), -(2**62)), row(0, 1, 1, 1, 1)
    padding = ((0, 0), (1, 0))
    assert conv2d(image, weight, padding=padding, padding_mode=mode, method=method).item() == 0
    with pytest.raises(OverflowError, match=naming(f"{2**63} … int64")):
        conv2d(row(2**62, 2**62), row(0, 1, 1), padding=padding, padding_mode=mode, method=method)


def test_uint64_is_exact_beyond_int64(method: str) -> None:
    image = row(2**64 - 1, 1, dtype=np.uint64)
    assert conv2d(image, row(1, 1) - 2 * row(0, 1), dtype=np.uint64, method=method).item() == 2**64 - 2
    assert conv2d(image, row(-1, 1), [2**63 - 1], dtype=object, method=method).item() == -(2**63) + 1
    message = f"18446744073709551615 … int64 … {INT64_RANGE}"
    with pytest.raises(OverflowError, match=naming(message)):
        conv2d(image, row(1, 0), method=method)


def test_uint64_is_exact_beside_padding(method: str) -> None:
    image, weight = row(2**64 - 1, dtype=np.uint64), row(2**64 - 1, 1, dtype=np.uint64)
    output = conv2d(image, weight, padding=((0, 0), (1, 0)), dtype=np.uint64, method=method)
    assert output.item() == 2**64 - 1


def test_dtype_int8_is_checked(method: str) -> None:
    hundred = row(100, dtype=np.int8)
    output = conv2d(hundred, row(1, dtype=np.int8), [-228], dtype=np.int8, method=method)
    assert output.item() == -128
    assert output.dtype == np.int8
    message = "200 … int8 … -128 ... 127"
    with pytest.raises(OverflowError, match=naming(message)):
        conv2d(hundred, row(2, dtype=np.int8), dtype=np.int8, method=method)


def test_python_integers_of_any_size(method: str) -> None:
    image = np.array([[[[2**70, 3**50]]]], dtype=object)
    output = conv2d(image, np.array([[[[2**70, 1, -1]]]], dtype=object), padding=(0, 1), method=method)
    assert output.tolist() == [[[[2**70 - 3**50, 2**140 + 3**50]]]]


def test_dtype_object_on_integers_is_exact_python_integers(method: str) -> None:
    image, weight = row(2**62, 2**62, -1), row(2**62, 2**62, 2**62)
    output = conv2d(image, weight, [7], dtype=object, padding=((0, 0), (1, 0)), method=method)
    assert output.dtype == object
    assert output.tolist() == [[[[2**125 + 7, 2**125 - 2**62 + 7]]]]
    assert {type(number) for number in output.ravel().tolist()} == {int}


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64"])
def test_dtype_object_gives_python_integers_however_small(method: str, dtype: str) -> None:
    output = conv2d(row(1, 1, dtype=dtype), row(1, dtype=dtype), dtype=object, padding=(0, 1), method=method)
    assert output.tolist() == [[[[0, 1, 1, 0]]]]
    assert {type(number) for number in output.ravel().tolist()} == {int}
    output = conv2d(row(1, dtype=dtype), row(1, dtype=dtype), dtype=object, method=method)
    assert type(output.item()) is int


def test_dtype_object_on_uint64_is_exact(method: str) -> None:
    largest = row(2**64 - 1, 2**64 - 1, dtype=np.uint64)
    assert conv2d(largest, largest, dtype=object, method=method).item() == 2 * (2**64 - 1) ** 2
