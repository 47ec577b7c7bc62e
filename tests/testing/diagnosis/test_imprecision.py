from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refconv
from refconv.numbers.formats import as_dtype
from refconv.testing import diagnose

RNG = np.random.default_rng(23)
X = RNG.standard_normal((2, 4, 8, 9)).astype(np.float32)
W = RNG.standard_normal((5, 4, 3, 2)).astype(np.float32)
TRUTH = refconv.conv2d(X, W)
# 24 products: half of Σ|x||w|, and √25 of the result, is what a narrow type's unit is expected to be taken of
EXPECTED = 0.5 * refconv.conv2d(abs(X), abs(W)) + 5 * abs(TRUTH)
SIGNS = np.where(RNG.random(TRUTH.shape) < 0.5, -1, 1)


def found(error: np.ndarray, kept_in: Any = "bfloat16") -> list[str]:
    """Diagnose the truth with an error, as a number of a narrow type."""
    narrow = (TRUTH + error).astype(as_dtype(kept_in))
    return [finding.code for finding in diagnose(narrow.astype(np.float32), X, W)]


@pytest.mark.parametrize(
    ("units", "codes"),
    [
        (0.9 * 2.0**-11, ["accumulated-in-float16"]),
        (1.1 * 2.0**-11, []),
    ],
)
def test_errors_of_sums_in_float16_are_named_by_it(units: float, codes: list[str]) -> None:
    assert found(SIGNS * EXPECTED * units, np.float16) == codes


@pytest.mark.parametrize(
    ("units", "codes"),
    [
        (0.9 * 2.0**-8, ["accumulated-in-bfloat16"]),
        (1.1 * 2.0**-8, []),
    ],
)
def test_errors_of_sums_in_bfloat16_are_named_by_it(units: float, codes: list[str]) -> None:
    assert found(SIGNS * EXPECTED * units) == codes


@pytest.mark.parametrize(("units", "codes"), [(3.8, ["accumulated-in-bfloat16"]), (4.2, [])])
def test_a_single_one_may_be_larger(units: float, codes: list[str]) -> None:
    errors = SIGNS * EXPECTED * 2.0**-10
    errors[1, 2, 3, 4] *= 4 * units
    assert found(errors) == codes


def test_what_is_no_number_of_the_type_was_not_kept_in_it() -> None:
    wrong = (TRUTH + SIGNS * EXPECTED * 0.5 * 2.0**-11).astype(np.float32)
    assert diagnose(wrong, X, W) == []
    assert diagnose(wrong.astype(np.float16).astype(np.float32), X, W)[0].code == "accumulated-in-float16"
    bias = RNG.standard_normal(5).astype(np.float32)  # which may be added in a wider type
    biased = wrong.astype(np.float16).astype(np.float32) + bias[:, np.newaxis, np.newaxis]
    assert diagnose(biased, X, W, bias)[0].code == "accumulated-in-float16"


def test_a_lost_product_of_many_is_no_lack_of_precision() -> None:
    x, w = (RNG.standard_normal(shape).astype(np.float32) for shape in ((1, 900, 6, 7), (3, 900, 1, 1)))
    lost = w.copy()
    lost[:, 17] = 0
    assert not any(code.startswith("accumulated") for code in [f.code for f in diagnose(refconv.conv2d(x, lost), x, w)])


@pytest.mark.parametrize("dtype", [np.float16, "bfloat16"])
@pytest.mark.parametrize("terms", [5, 24, 300])
def test_real_sums_in_a_narrow_type_are_named(dtype: Any, terms: int) -> None:
    narrow = as_dtype(dtype)
    x, w = (RNG.standard_normal(shape).astype(np.float32) for shape in ((1, terms, 6, 7), (3, terms, 1, 1)))
    total = np.zeros((1, 3, 6, 7), narrow)
    for term in range(terms):
        product = (x[:, term : term + 1] * w[:, term, 0, 0].reshape(1, 3, 1, 1)).astype(narrow)
        total = (total.astype(np.float32) + product.astype(np.float32)).astype(narrow)
    codes = [finding.code for finding in diagnose(total.astype(np.float32), x, w)]
    assert codes == [f"accumulated-in-{narrow.name}"]


def test_half_the_truth_is_no_lack_of_precision() -> None:
    x, w = (RNG.standard_normal(shape).astype(np.float32) for shape in ((1, 100, 6, 7), (3, 100, 1, 1)))
    half = refconv.conv2d(x, w) / 2
    assert diagnose(half, x, w)[0].code == "all-scaled"
    half += SIGNS.flat[: half.size].reshape(half.shape) * abs(half) / 10  # so that it is no one factor
    assert not any(finding.code.startswith("accumulated") for finding in diagnose(half, x, w))


def test_single_errors_are_not() -> None:
    alone = np.zeros_like(EXPECTED)
    alone[0, 0, 0, 0] = 2.0**-10 * EXPECTED[0, 0, 0, 0]
    codes = [finding.code for finding in diagnose((TRUTH + alone).astype(np.float32), X, W)]
    assert not any(code.startswith("accumulated") for code in codes)


def test_whole_numbers_and_wide_ones_are_diagnosed_too() -> None:
    x, w = np.arange(20).reshape(1, 1, 4, 5) + 7, np.array([[[[3, 5], [7, 11]]]])
    wrong = refconv.conv2d(x, w)
    wrong[0, 0, 1, 2] += 1
    wrong[0, 0, 2, 0] += 1
    assert [finding.code for finding in diagnose(wrong, x, w)] == ["some-rows+some-columns"] or diagnose(
        wrong, x, w
    ) == []
    long = x.astype(np.longdouble) / 3
    assert diagnose(refconv.conv2d(long, w) + np.arange(12).reshape(1, 1, 3, 4), long, w) == []
