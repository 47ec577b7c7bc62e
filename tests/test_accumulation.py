from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from refconv.accumulation import accumulate, add_bias, as_operands

Array = npt.NDArray[Any]


def product_of_sums(first: Array, second: Array, *addends: Array) -> Array:
    """(Σ first)·(Σ second) + addends, in the type that it is handed."""
    seen.append(first.dtype)
    total: Any = first.sum() * second.sum()
    for addend in addends:
        total = total + addend.sum()
    return np.asarray(total, first.dtype)


seen: list[np.dtype[Any]] = []


@pytest.mark.parametrize(
    ("first", "second", "addend", "terms", "wide"),
    [
        (2**26, 2**26, 2**52, 1, "f8"),  # 2^52 + 2^52
        (2**26, 2**26, 2**52 + 1, 1, "i8"),
        (2**26, 2**26, 0, 2, "f8"),
        (2**26, 2**26, 0, 3, "i8"),
        (2**31, 2**31, 0, 1, "i8"),
        (2**31, 2**31, 2**62, 1, "O"),
        (-(2**31), 2**31, -1, 2, "O"),
        (2**31, 2**31, 2**62 - 1, 1, "i8"),
    ],
)
def test_integers_are_accumulated_in_what_holds_the_largest_sum(
    first: int, second: int, addend: int, terms: int, wide: str
) -> None:
    seen.clear()
    operands = {"input": np.array([first]), "weight": np.array([second]), "bias": np.array([addend])}
    result = accumulate(product_of_sums, operands, terms=terms, dtype=np.float64)
    assert seen == [np.dtype(wide)]
    assert result.dtype == np.float64
    assert result == float(first * second + addend)


def test_floats_are_accumulated_in_float64_and_rounded_once() -> None:
    seen.clear()
    operands = {"a": np.array([1, 2**-11, 2**-24], np.float16), "b": np.ones(1, np.float16)}
    result = accumulate(product_of_sums, operands, terms=3, dtype=None)
    assert seen == [np.dtype(np.float64)]
    assert result.dtype == np.float16
    assert result == 1 + 2**-10


def test_the_names_of_the_operands_are_in_the_messages() -> None:
    operands = {"left": np.ones(1), "right": np.ones(1, complex)}
    with pytest.raises(
        TypeError, match=r"^a result of dtype float64 cannot hold the right, which has dtype complex128$"
    ):
        accumulate(product_of_sums, operands, terms=1, dtype=float)


def test_exact_is_asked_for_floats_alone() -> None:
    asked = []

    def exact(*numbers: Array, result: np.dtype[Any]) -> Array:
        asked.append([number.dtype for number in numbers])
        return np.asarray(42, result)

    def of(first: Any, second: Any, dtype: Any = None) -> Any:
        operands = {"a": np.array([first]), "b": np.array([second])}
        return accumulate(product_of_sums, operands, terms=1, dtype=dtype, exact=exact)

    assert of(np.float32(2), 3) == 42
    assert of(2, 3) == of(2, 3, float) == 6
    assert of(2.0, 3, object) == 6
    assert asked == [[np.float64, np.float64]]
    assert of(2j, np.float32(3)).dtype == np.complex128
    assert asked[1:] == [[np.complex128, np.float64]]


def test_what_is_not_finite_takes_the_other_way() -> None:
    def exact(*numbers: Array, result: np.dtype[Any]) -> Array:
        assert all(np.isfinite(number).all() for number in numbers)
        return (numbers[0] / 2 + numbers[1] / 2).astype(result)

    def times(first: Array, second: Array) -> Array:
        assert set(first[np.isfinite(first)].tolist()) <= {-1, 0, 1}  # signs: nothing can overflow
        return first * second

    first, second = np.array([1e308, np.inf, -5, 0, np.nan]), np.array([1e308, -7, np.inf, np.inf, 3])
    result = accumulate(times, {"a": first, "b": second}, terms=1, dtype=None, exact=exact)
    np.testing.assert_array_equal(result, [1e308, -np.inf, -np.inf, np.nan, np.nan])


def test_a_bias_is_added_to_its_own_channel() -> None:
    output = np.zeros((2, 3, 1, 2))
    assert add_bias(output, (), axes=2) is output
    assert add_bias(output, (np.array([1.0, 2.0, 3.0]),), axes=2).tolist() == 2 * [[[[1, 1]], [[2, 2]], [[3, 3]]]]
    assert add_bias(np.zeros((3, 2)), (np.array([1.0, 2.0, 3.0]),), axes=1).tolist() == [[1, 1], [2, 2], [3, 3]]


def test_operands_are_named_and_a_missing_bias_is_not_there() -> None:
    assert list(as_operands([1], [2])) == ["input", "weight"]
    operands = as_operands([1], [2], [3])
    assert {name: operand.tolist() for name, operand in operands.items()} == {"input": [1], "weight": [2], "bias": [3]}
    with pytest.raises(TypeError, match=r"^bias has dtype"):
        as_operands([1], [2], ["x"])
