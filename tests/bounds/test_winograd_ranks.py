"""Winograd's algorithm along one axis, two and three, and with tiles of six."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array

import refconv
from refconv import error_bound_of
from refconv.bounds.winograd import WINOGRAD

ALGORITHMS = {"winograd2": 2, "winograd4": 4, "winograd6": 6}
ranks = pytest.mark.parametrize("rank", [1, 2, 3])
algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


@algorithms
def test_the_matrices_filter_exactly(algorithm: str) -> None:
    # Aᵀ[(G g) ⊙ (Bᵀ d)] is g ∗ d for every unit vector, in fractions
    winograd, m = WINOGRAD[algorithm], ALGORITHMS[algorithm]
    data, kernel, inverse = (
        [[Fraction(float(number)).limit_denominator(1000) for number in row] for row in matrix]
        for matrix in (winograd.data, winograd.kernel, winograd.inverse)
    )
    for tap in range(3):
        for pixel in range(m + 2):
            products = [kernel[x][tap] * data[x][pixel] for x in range(m + 2)]
            outputs = [sum(inverse[p][x] * products[x] for x in range(m + 2)) for p in range(m)]
            assert outputs == [int(pixel == p + tap) for p in range(m)]


def along_each(matrix: Array, array: Array, rank: int) -> Array:
    """Apply a matrix along each of the last axes, term by term in the array's own type."""
    for axis in range(array.ndim - rank, array.ndim):
        lines = np.moveaxis(array, axis, -1)
        rows = []
        for coefficients in matrix:
            total = np.zeros_like(lines[..., 0])
            for k in np.flatnonzero(coefficients):
                total = total + array.dtype.type(coefficients[k]) * lines[..., k]
            rows.append(total)
        array = np.moveaxis(np.stack(rows, axis=-1), -1, axis)
    return array


def winograd_conv(image: Array, kernel: Array, algorithm: str) -> Array:
    """Convolve (C, *pixels) with (O, C, 3, ...), tile by tile, in the type of the image."""
    winograd, m, rank = WINOGRAD[algorithm], ALGORITHMS[algorithm], image.ndim - 1
    outputs = [size - 2 for size in image.shape[1:]]
    counts = [-(-size // m) for size in outputs]
    padded = np.pad(
        image, [(0, 0), *((0, m * count + 2 - size) for count, size in zip(counts, image.shape[1:], strict=True))]
    )
    result = np.zeros((len(kernel), *(m * count for count in counts)), image.dtype)
    weights = along_each(winograd.kernel, kernel, rank)
    for tile in np.ndindex(*counts):
        start = [m * t for t in tile]
        pixels = along_each(winograd.data, padded[:, *(slice(s, s + m + 2) for s in start)], rank)
        total = np.zeros_like(weights[:, 0])
        for c in range(len(image)):
            total = total + weights[:, c] * pixels[c]
        result[:, *(slice(s, s + m) for s in start)] = along_each(winograd.inverse, total, rank)
    return result[:, *map(slice, outputs)]


SIZES = {1: (23,), 2: (9, 14), 3: (7, 5, 9)}


def honest(algorithm: str, rank: int, dtype: Any, seed: int) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(5, *SIZES[rank])).astype(dtype)
    kernel = (rng.normal(size=(3, 5, *(3,) * rank)) / 8).astype(dtype)
    function = getattr(refconv, f"conv{rank}d")
    bound = error_bound_of(function, image, kernel, dtype=dtype, algorithm=algorithm)
    return winograd_conv(image, kernel, algorithm), function(image, kernel, dtype=np.float64), bound, kernel


@ranks
@algorithms
def test_the_algorithm_of_these_tests_is_a_convolution(algorithm: str, rank: int) -> None:
    found, truth, _, _ = honest(algorithm, rank, np.float64, 1)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-11)


@ranks
@algorithms
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_honest_kernel_stays_within_its_bound(algorithm: str, rank: int, dtype: Any) -> None:
    # what is not said is that sums are kept in the type of the result: in float16, then, too
    for seed in range(3):
        found, truth, bound, _ = honest(algorithm, rank, dtype, seed)
        assert found.dtype == dtype
        assert (np.abs(found - truth) <= bound).all()


@ranks
def test_a_wrong_tap_leaves_the_bound(rank: int) -> None:
    for algorithm in ALGORITHMS:
        found, truth, bound, _ = honest(algorithm, rank, np.float32, 2)
        assert (np.abs(found - truth) <= bound).all()
        assert (np.abs(found + np.float32(1) - truth) > bound).all()


@pytest.mark.parametrize(
    ("algorithm", "rank", "weight"),
    [("winograd2", 1, 3), ("winograd4", 1, 19), ("winograd6", 1, 67), ("winograd2", 3, 27), ("winograd6", 2, 67**2)],
)
def test_how_much_a_product_weighs(algorithm: str, rank: int, weight: float) -> None:
    # the longest row of |Aᵀ|: 1 + 1 + 1, 1 + 1 + 8 + 8 + 1, and 1 + 1 + 32 + 32 + 1/32 + 1/32 + 1
    expected = weight if algorithm != "winograd6" else (67 + 1 / 16) ** rank
    assert WINOGRAD[algorithm].amplification(rank) == expected


@pytest.mark.parametrize(
    ("rank", "roundings"), [(1, 4 + 4 + 3 + 1 + 4), (2, 8 + 8 + 6 + 1 + 4), (3, 12 + 12 + 9 + 1 + 4)]
)
def test_how_often_a_monomial_is_rounded_along_each_axis(rank: int, roundings: int) -> None:
    assert WINOGRAD["winograd2"].roundings(5, rank) == roundings


def test_the_bound_of_ones_by_hand_along_one_axis() -> None:
    # |Bᵀ|·1 is (2, 2, 2, 2), |G|·1 (1, 3/2, 3/2, 1), and |Aᵀ| adds up 8 and 8 of their products
    image, kernel = np.ones((1, 4), np.float32), np.ones((1, 1, 3), np.float32)
    found = error_bound_of(refconv.conv1d, image, kernel, dtype=np.float32, algorithm="winograd2")
    np.testing.assert_allclose(found * 2.0**24, [[8 * 12, 8 * 12]], rtol=1e-5)


def test_what_it_does_not_compute_is_said_with_its_axes() -> None:
    with pytest.raises(
        ValueError, match=r"^Winograd's F\(4×4×4, 3×3×3\) takes a 3×3×3 kernel at stride 1 and dilation 1; "
    ):
        error_bound_of(
            refconv.conv3d, np.ones((1, 4, 4, 4)), np.ones((1, 1, 3, 3, 2)), dtype=float, algorithm="winograd4"
        )


@ranks
@algorithms
def test_the_gradient_of_a_transposed_convolution_by_its_input_is_a_convolution(algorithm: str, rank: int) -> None:
    rng = np.random.default_rng(3)
    arriving, kernel = (rng.normal(size=(*size, *SIZES[rank])) for size in ((1, 2), (3, 2)))
    taps: Any = (..., *(slice(3),) * rank)
    kernel, size = kernel[taps], (1, 3, *(extent - 2 for extent in SIZES[rank]))
    how: Any = {"groups": 1, "dtype": np.float32, "algorithm": algorithm}
    gradient, convolution = getattr(refconv.grad, f"conv_transpose{rank}d_input"), getattr(refconv, f"conv{rank}d")
    np.testing.assert_array_equal(
        error_bound_of(gradient, size, kernel, arriving, **how), error_bound_of(convolution, arriving, kernel, **how)
    )
