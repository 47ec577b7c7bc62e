"""How far an error is from random rounding: exactly where that is suspect, and from the proven bound where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import conv2d, error_bound
from refconv.numbers.formats import float_info
from refconv.operations import Call
from refconv.testing import compare_conv2d
from refconv.testing.comparing.reference import Standard
from refconv.testing.comparing.standards import _are_nearer, _are_numbers_of, in_format


def of_36_products(dtype: str, places: int) -> Any:
    """Compare a sum of 36 ones, which is off by so many of its last places, of 64·u each."""
    ones = np.ones((1, 4, 3, 3), dtype)
    off = 36 * (1 + places * 64 / 36 * np.finfo(dtype).eps / 2)
    return compare_conv2d(np.full((1, 1, 1, 1), off, dtype), ones, ones)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_far_from_suspect_is_told_from_the_proven_bound(dtype: str) -> None:
    # λ for one element, and 45/216 of Σp² = (Σp)²/36: λ·√(45/216)·u to 38·u, as is said of γ_38
    share = (2 * np.log(2e6)) ** 0.5 * (45 / 216) ** 0.5 / 38
    found = of_36_products(dtype, 1)
    assert found.error_in_bounds == pytest.approx(64 / 36**2, rel=0.03)  # the bound is 36·u·36, and a little more
    assert found.surprise == pytest.approx(found.error_in_bounds / share, rel=1e-4)


def test_what_is_nearer_is_told_from_the_random_order_bound() -> None:
    found = of_36_products("float32", 12)
    # u²·(45/6·36 + 37/3·36²) is the variance
    likely = (2 * np.log(2e6)) ** 0.5 * (45 / 6 * 36 + 37 / 3 * 36**2) ** 0.5
    assert found.surprise == pytest.approx(12 * 64 / likely, rel=1e-3)


@pytest.mark.parametrize("how", [{"input_dtype": "tf32"}, {"accumulate_dtype": "float16"}, {"confidence": 0.9}])
def test_nothing_is_told_from_the_bound_of_a_kernel_that_works_otherwise(how: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 6, 7, 8), (5, 6, 3, 3)))
    actual = conv2d(x, w)
    actual[0, 2, 3, 4] *= 1 + 2e-6
    likely = error_bound(x, w, dtype=np.float32, bound="random_order", **how)
    ratio = np.abs(actual - conv2d(x, w, dtype=np.float64)) / likely
    assert compare_conv2d(actual, x, w, **how).surprise == pytest.approx(ratio.max(), rel=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_never_less_than_it_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 4)), int(rng.integers(4, 40)), 6, 7)
    x, w = rng.standard_normal(size), rng.uniform(rng.integers(-1, 1), 1, (3, size[1], 3, 3))
    x, w = x.astype(np.float32), w.astype(np.float32)
    truth, likely = conv2d(x, w, dtype=np.float64), error_bound(x, w, dtype=np.float32, bound="random_order")
    off = rng.uniform(-1, 1, truth.shape) * likely * rng.uniform(0, 5)
    actual = (truth + off).astype(np.float32)
    exact = float((np.abs(actual - truth) / likely).max())
    found = compare_conv2d(actual, x, w)
    assert found.surprise >= exact * (1 - 1e-6)
    assert found.surprise <= 2 or found.surprise == pytest.approx(exact, rel=1e-6)
    assert found.is_suspect == (found.passed and exact > 4)


@pytest.mark.parametrize(("images", "outputs"), [(0, 5), (1, 0)])
def test_of_no_elements_none_is_off(images: int, outputs: int) -> None:
    x, w = np.ones((images, 6, 7, 8), np.float32), np.ones((outputs, 6, 3, 3), np.float32)
    found = compare_conv2d(conv2d(x, w), x, w)
    assert (found.elements, found.passed, found.surprise) == (0, True, 0.0)


def test_numbers_are_cut_off_to_the_next_one_towards_zero() -> None:
    # of bfloat16 there are steps of 2^-7 from 1 on, and of 2^-6 from 2 on
    numbers = np.array([1.5, 0.0, 1 + 3 * 2.0**-9, -1 - 3 * 2.0**-9, 1 + 2.0**-9, 2 + 3 * 2.0**-8, 2 - 2.0**-9])
    kind = float_info("bfloat16")
    rounded = [1.5, 0.0, 1 + 2.0**-7, -1 - 2.0**-7, 1.0, 2 + 2.0**-6, 2.0]
    cut_off = [1.5, 0.0, 1.0, -1.0, 1.0, 2.0, 2 - 2.0**-7]
    assert in_format(numbers, kind).tolist() == rounded
    assert in_format(numbers, kind, is_cut_off=True).tolist() == cut_off
    both = in_format(numbers + 1j * numbers[::-1], kind, is_cut_off=True)
    assert (both.real.tolist(), both.imag.tolist()) == (cut_off, cut_off[::-1])


@pytest.mark.parametrize(
    ("pixel", "actual", "is_nearer"), [(1 + 2.0**-9, 1, True), (1 + 2.0**-9, 1 + 2.0**-9, False), (1, 1, False)]
)
def test_a_result_is_nearer_to_the_sum_of_rounded_factors(pixel: float, actual: float, *, is_nearer: bool) -> None:
    image, result = (np.full((1, 1, 2, 3), value, np.float32) for value in (pixel, actual))
    call = Call.of(conv2d, image, np.ones((1, 1, 1, 1), np.float32))
    assert _are_nearer(float_info("bfloat16"), result, call) is is_nearer


@pytest.mark.parametrize("bias", [None, 3.0])
@pytest.mark.parametrize(("others", "is_kept"), [(0, True), (1, True), (2, False)])
def test_sums_were_kept_in_a_type_of_which_19_of_20_are_numbers(others: int, is_kept: bool, bias: float | None) -> None:
    # Of float16 there are steps of 2^-10 from 1 on.
    truth = (1 + np.arange(1, 21) * 2.0**-11 + 2.0**-13).astype(np.float32)
    operands = [truth.reshape(1, 1, 4, 5), np.ones((1, 1, 1, 1), np.float32)]
    call = Call.of(conv2d, *operands, *([] if bias is None else [np.array([bias], np.float32)]))
    actual = truth.astype(np.float16).astype(np.float32)
    actual[:others] = truth[:others]
    result = (actual + np.float32(bias or 0)).reshape(1, 1, 4, 5)
    reference = Standard(np.dtype(np.float32)).reference(call)
    assert _are_numbers_of(float_info(np.float16), result, call, reference) == is_kept
