"""What honest rounding does, in place of what it cannot exceed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from arrays import Array

from refconv import conv1d, error_bound, error_bound_of

U = 2.0**-24


def likely(x: Array, w: Array, **how: Any) -> Array:
    return error_bound_of(conv1d, x, w, dtype=x.dtype, bound="random_order", **how)


def row(values: Any) -> Array:
    return np.asarray(values, np.float32).reshape(1, 1, -1)


def test_the_formula_by_hand() -> None:
    # 50 products of 2 and 50 of −2: Q = 400, y = 0; (100 + 9)/6·400 = 7266.7
    x, w = row([2, -2] * 50), row(np.ones(100))
    deviations = math.sqrt(2 * math.log(2 * 1 / 1e-6))
    assert likely(x, w).item() == pytest.approx(deviations * U * math.sqrt(109 / 6 * 400), rel=1e-5)
    # 100 of 2: y = 200, and (100 + 1)/3·40,000 more
    x = row([2.0] * 100)
    assert likely(x, w).item() == pytest.approx(deviations * U * math.sqrt(109 / 6 * 400 + 101 / 3 * 40_000), rel=1e-5)


def test_it_is_never_more_than_the_proven_bound() -> None:
    x, w = row([3.0, 1, 2]), row([1.0, 2])
    assert (likely(x, w) <= error_bound_of(conv1d, x, w, dtype=np.float32)).all()
    rng = np.random.default_rng(1)
    image, kernel = rng.normal(size=(1, 64, 6, 6)).astype(np.float32), rng.normal(size=(2, 64, 3, 3)).astype(np.float32)
    worst, random = (
        error_bound(image, kernel, dtype=np.float32, bound=name) for name in ("worst_case", "random_order")
    )
    assert (random < worst / 20).all()  # at 576 products
    assert random.mean() < worst.mean() / 80  # measured, 110


def orders(products: Array) -> Any:
    """Yield honest float32 sums of products: in a row, backwards, shuffled, by pairs, and in eight lanes."""
    yield np.cumsum(products, axis=0, dtype=np.float32)[-1]
    yield np.cumsum(products[::-1], axis=0, dtype=np.float32)[-1]
    for seed in range(3):
        yield np.cumsum(np.random.default_rng(seed).permutation(products), axis=0, dtype=np.float32)[-1]
    total = products
    while len(total) > 1:
        total = np.concatenate([total[: len(total) // 2 * 2 : 2] + total[1::2], total[len(total) // 2 * 2 :]])
    yield total[0]
    lanes = [np.cumsum(products[k::8], axis=0, dtype=np.float32)[-1] for k in range(8)]
    yield np.cumsum(np.array(lanes), axis=0, dtype=np.float32)[-1]


@pytest.mark.parametrize("terms", [64, 576, 4096])
def test_honest_kernels_stay_well_within_it_and_narrow_ones_leave_it(terms: int) -> None:
    rng = np.random.default_rng(terms)
    x, w = rng.normal(size=(200, terms)).astype(np.float32), rng.normal(size=(1, terms)).astype(np.float32)
    bound = likely(x[..., None], w[..., None]).ravel()
    truth = (x.astype(float) @ w.astype(float).T).ravel()
    products = np.ascontiguousarray((x * w).T)
    for found in orders(products):
        assert (np.abs(found - truth) / bound).max() < 0.8  # measured, 0.56
    tf32 = ((x.view(np.uint32) + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)
    assert (np.abs(tf32.astype(float) @ w.astype(float).T - truth[:, None]).ravel() / bound).max() > 8
    assert (np.abs((x[:, 1:].astype(float) @ w[:, 1:].astype(float).T).ravel() - truth) / bound).max() > 100


def test_inputs_that_are_rounded_or_cut_off_first_are_allowed_for() -> None:
    rng = np.random.default_rng(5)
    x, w = rng.normal(size=(200, 576)).astype(np.float32), rng.normal(size=(1, 576)).astype(np.float32)
    bound = likely(x[..., None], w[..., None], input_dtype="tf32").ravel()
    truth = (x.astype(float) @ w.astype(float).T).ravel()
    for extra in (0, 0x1000):  # cut off, and rounded
        narrow = [
            ((each.view(np.uint32) + np.uint32(extra)) & np.uint32(0xFFFFE000)).view(np.float32) for each in (x, w)
        ]
        error = np.abs((narrow[0].astype(float) @ narrow[1].astype(float).T).ravel() - truth)
        assert 0.05 < (error / bound).max() < 1
    worst = error_bound_of(conv1d, x[..., None], w[..., None], dtype=np.float32, input_dtype="tf32").ravel()
    assert (bound < worst / 2).all()


def test_inputs_that_the_type_holds_cost_nothing() -> None:
    x, w = row([2.0, -2] * 50), row(np.ones(100))
    assert likely(x, w, input_dtype="tf32") == likely(x, w)


def test_an_order_that_is_not_random_may_leave_it() -> None:
    # it is evidence, and no proof: of equal products, all roundings may have one sign
    x, w = np.full((1, 40_000, 1), 1.1, np.float32), np.ones((1, 40_000, 1), np.float32)
    error = abs(float(np.cumsum(x[0, :, 0], dtype=np.float32)[-1]) - 40_000 * float(np.float32(1.1)))
    assert likely(x, w).item() < error < error_bound_of(conv1d, x, w, dtype=np.float32).item()


def test_more_confidence_is_a_wider_bound() -> None:
    x, w = row([2.0, -2] * 50), row(np.ones(100))
    half, sure = (likely(x, w, confidence=confidence).item() for confidence in (0.5, 1 - 1e-12))
    assert half < likely(x, w).item() < sure
    assert half == pytest.approx(math.sqrt(2 * math.log(4)) * U * math.sqrt(109 / 6 * 400), rel=1e-5)


def test_a_narrow_result_is_rounded_once_more() -> None:
    x, w = row([2.0, -2, 3]).astype(np.float16), row(np.ones(3)).astype(np.float16)
    assert likely(x, w).item() == pytest.approx(3 * 2.0**-11, rel=0.01)


def test_what_it_is_not_for() -> None:
    x, w = np.ones((1, 1, 5, 5), np.float32), np.ones((1, 1, 3, 3), np.float32)
    with pytest.raises(ValueError, match=r"^bound='random_order' needs algorithm='direct', not 'fft'$"):
        error_bound(x, w, dtype=np.float32, bound="random_order", algorithm="fft")
    with pytest.raises(ValueError, match=r"^bound='worst' must be one of 'worst_case', 'random_order'$"):
        error_bound(x, w, dtype=np.float32, bound="worst")
    with pytest.raises(ValueError, match=r"^rtol=0.1 is no part of a bound; it is for comparisons$"):
        error_bound(x, w, dtype=np.float32, rtol=0.1)


def test_complex_sums_have_two_parts() -> None:
    rng = np.random.default_rng(7)
    x = (rng.normal(size=(1, 300, 40)) + 1j * rng.normal(size=(1, 300, 40))).astype(np.complex64)
    w = (rng.normal(size=(2, 300, 1)) + 1j * rng.normal(size=(2, 300, 1))).astype(np.complex64)
    error = np.abs(conv1d(x, w, method="direct") - conv1d(x, w, dtype=np.complex128))
    products = x[0, :, None] * w[:, :, 0].T[:, :, None]
    narrow = np.abs(np.cumsum(products, axis=0, dtype=np.complex64)[-1] - conv1d(x, w, dtype=np.complex128)[0])
    assert (error[0] <= likely(x, w)[0]).all()
    assert 0.02 < (narrow / likely(x, w)[0]).max() < 0.8
