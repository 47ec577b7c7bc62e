from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv import conv2d
from refconv.bounds.error_bound import error_bound
from refconv.bounds.winograd import WINOGRAD

Array = npt.NDArray[Any]
ALGORITHMS = {"winograd2": 2, "winograd4": 4}
algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)

# The matrices of Lavin & Gray (2016), written out again: rows of Bᵀ, of G and of Aᵀ.
SIXTH, TWELFTH, TWENTY_FOURTH = Fraction(1, 6), Fraction(1, 12), Fraction(1, 24)
MATRICES: dict[int, tuple[list[list[Any]], list[list[Any]], list[list[Any]]]] = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [Fraction(1, 2)] * 3, [Fraction(1, 2), -Fraction(1, 2), Fraction(1, 2)], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [Fraction(1, 4), 0, 0],
            [-SIXTH, -SIXTH, -SIXTH],
            [-SIXTH, SIXTH, -SIXTH],
            [TWENTY_FOURTH, TWELFTH, SIXTH],
            [TWENTY_FOURTH, -TWELFTH, SIXTH],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}


def along_rows(matrix: list[list[Any]], array: Array) -> Array:
    """Return matrix·array, over the last axis but one, term by term in the array's own type."""
    rows = []
    for coefficients in matrix:
        total = np.zeros_like(array[..., 0, :])
        for k, coefficient in enumerate(coefficients):
            if coefficient:
                total = total + array.dtype.type(float(coefficient)) * array[..., k, :]
        rows.append(total)
    return np.stack(rows, axis=-2)


def both_ways(matrix: list[list[Any]], array: Array) -> Array:
    turned = along_rows(matrix, array).swapaxes(-1, -2)
    return along_rows(matrix, turned).swapaxes(-1, -2)


def winograd_conv2d(image: Array, kernel: Array, m: int, padding: int = 0) -> Array:
    """Convolve (C, H, W) with (O, C, 3, 3) by F(m×m, 3×3), tile by tile, in the type of the image."""
    data, kernels, inverse = MATRICES[m]
    padded = np.pad(image, ((0, 0), (padding, padding + m), (padding, padding + m)))
    height, width = (size + 2 * padding - 2 for size in image.shape[1:])
    output = np.zeros((len(kernel), height + m, width + m), image.dtype)
    transformed = both_ways(kernels, kernel)
    for row in range(0, height, m):
        for column in range(0, width, m):
            tile = both_ways(data, padded[:, row : row + m + 2, column : column + m + 2])
            total = np.zeros_like(transformed[:, 0])
            for c in range(len(image)):
                total = total + transformed[:, c] * tile[c]
            output[:, row : row + m, column : column + m] = both_ways(inverse, total)
    return output[:, :height, :width]


def errors(image: Array, kernel: Array, algorithm: str, padding: int = 0) -> Array:
    found = winograd_conv2d(image, kernel, ALGORITHMS[algorithm], padding)
    assert found.dtype == image.dtype
    truth = conv2d(image, kernel, padding=padding, dtype=np.float64, method="exact")
    return np.asarray(np.abs(found.astype(np.float64) - truth))


def bound(image: Array, kernel: Array, algorithm: str, padding: int = 0) -> Array:
    return error_bound(
        image, kernel, padding=padding, dtype=image.dtype, accumulate_dtype=image.dtype, algorithm=algorithm
    )


@algorithms
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_the_algorithm_of_these_tests_is_a_convolution(algorithm: str, padding: int) -> None:
    rng = np.random.default_rng(1)
    image, kernel = rng.normal(size=(5, 7, 10)), rng.normal(size=(3, 5, 3, 3))
    assert errors(image, kernel, algorithm, padding).max() < 1e-12
    assert winograd_conv2d(image, kernel, ALGORITHMS[algorithm], padding).shape == (3, 5 + 2 * padding, 8 + 2 * padding)


def random_data(dtype: Any, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 7, 10)).astype(dtype), (rng.normal(size=(3, 5, 3, 3)) / 8).astype(dtype)


def one_signed(dtype: Any, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1, (5, 7, 10)).astype(dtype), rng.uniform(0.5, 1, (3, 5, 3, 3)).astype(dtype)


def cancelling(dtype: Any, seed: int) -> tuple[Array, Array]:
    """A checkerboard over an offset, and kernels whose taps cancel: the transforms add up what the sum does not."""
    image, kernel = one_signed(dtype, seed)
    image[:, ::2, 1::2] *= -1
    kernel[..., 1] *= -2
    return image, kernel


def spikes(dtype: Any, seed: int) -> tuple[Array, Array]:
    """A few pixels 100 times as large as their neighbours, and as large as float16's range lets the transforms be."""
    image, kernel = random_data(dtype, seed)
    image[:, 2::4, 3::5] *= 100
    return image, kernel


def small_weights(dtype: Any, seed: int) -> tuple[Array, Array]:
    """Weights so small, beside pixels so large, that what the transform of the weights loses in float16 matters."""
    rng = np.random.default_rng(seed)
    image = 400 * rng.choice([-1.0, 1.0], (4, 6, 6)) ** seed
    kernel = 2.0**-24 * rng.integers(1, 4, (8, 4, 3, 3)) * rng.choice([-1.0, 1.0], (8, 4, 3, 3))
    return image.astype(dtype), kernel.astype(dtype)


@algorithms
@pytest.mark.parametrize("data", [random_data, one_signed, cancelling, spikes, small_weights])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("padding", [0, 1])
def test_an_honest_kernel_stays_within_its_bound(algorithm: str, data: Any, dtype: Any, padding: int) -> None:
    for seed in range(8):
        image, kernel = data(dtype, seed)
        allowed = bound(image, kernel, algorithm, padding)
        assert np.isfinite(allowed).all()
        assert (errors(image, kernel, algorithm, padding) <= allowed).all()


@algorithms
def test_the_direct_bound_would_be_too_small(algorithm: str) -> None:
    # A pixel of 10^6 that this output never reads shares a tile with the ones it does.
    image, kernel = random_data(np.float32, 2)
    image[:, 1, 1] = 1e6
    kernel[..., 0, :] = 0
    kernel[..., 0] = 0
    error = errors(image, kernel, algorithm)
    beside = np.ones(error.shape, bool)
    beside[:, :2, :2] = False  # where the tap is not 0
    direct = bound(image, kernel, "direct")
    assert (error > direct).any()
    assert (error <= bound(image, kernel, algorithm)).all()


@algorithms
def test_a_wrong_tap_leaves_the_bound(algorithm: str) -> None:
    image, kernel = one_signed(np.float32, 3)
    wrong = kernel.copy()
    wrong[:, 2, 1, 0] = 0
    found = winograd_conv2d(image, wrong, ALGORITHMS[algorithm])
    truth = conv2d(image, kernel, dtype=np.float64)
    assert (np.abs(found - truth) > bound(image, kernel, algorithm)).all()


# The numbers by hand


def test_the_matrices_are_the_papers_up_to_signs() -> None:
    for algorithm, m in ALGORITHMS.items():
        ours = WINOGRAD[algorithm]
        assert ours.outputs == m
        products = np.ones(len(ours.data))  # of the signs by which the three differ in each of the products
        for matrix, papers in zip((ours.data, ours.kernel, ours.inverse.T), MATRICES[m], strict=True):
            rows = np.array([[float(number) for number in row] for row in papers])
            rows = rows if rows.shape == matrix.shape else rows.T
            signs = np.array([1 if (one == other).all() else -1 for one, other in zip(matrix, rows, strict=True)])
            np.testing.assert_array_equal(matrix, signs[:, np.newaxis] * rows)
            products *= signs
        assert (products == 1).all()


@pytest.mark.parametrize(
    ("algorithm", "channels", "roundings"),
    [
        ("winograd2", 1, 8 + 8 + 6 + 1),  # 2·(1 + 3), 2·(1 + 3), 2·(1 + 2), and the product
        ("winograd2", 7, 8 + 8 + 6 + 1 + 6),
        ("winograd4", 1, 12 + 8 + 10 + 1),  # 2·(1 + 5), 2·(1 + 3), 2·(1 + 4), and the product
        ("winograd4", 2, 12 + 8 + 10 + 1 + 1),
        ("winograd4", 0, 12 + 8 + 10 + 1),
    ],
)
def test_how_often_a_monomial_is_rounded(algorithm: str, channels: int, roundings: int) -> None:
    assert WINOGRAD[algorithm].roundings(channels, 2) == roundings


def test_how_much_a_product_weighs() -> None:
    assert WINOGRAD["winograd2"].amplification(2) == 3**2
    assert WINOGRAD["winograd4"].amplification(2) == (1 + 1 + 8 + 8 + 1) ** 2


# Of ones, in one dimension: |Bᵀ|·1 is (2, 2, 2, 2), |G|·1 (1, 3/2, 3/2, 1), their product (2, 3, 3, 2), and |Aᵀ| adds up
# 8 and 8 of it.  For F(4): (10, 10, 10, 6, 6, 10), (1/4, 1/2, 1/2, 7/24, 7/24, 1), and then 16, 17, 24 and 48.
SUMS = {"winograd2": [8, 8], "winograd4": [16, 17, 24, 48]}


def gamma(roundings: int) -> float:
    return roundings * 2.0**-24 / (1 - roundings * 2.0**-24)


@algorithms
def test_the_bound_of_ones_by_hand(algorithm: str) -> None:
    m, sums = ALGORITHMS[algorithm], SUMS[algorithm]
    image, kernel = np.ones((2, 3, m + 2, m + 2), np.float32), np.ones((5, 3, 3, 3), np.float32)
    found = error_bound(image, kernel, dtype=np.float32, algorithm=algorithm)
    assert found.shape == (2, 5, m, m)
    expected = gamma(WINOGRAD[algorithm].roundings(3, 2)) * 3 * np.outer(sums, sums)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-7)
    assert (found >= expected).all()
    bias = np.full(5, -11, np.float32)
    expected = gamma(WINOGRAD[algorithm].roundings(3, 2) + 1) * (3 * np.outer(sums, sums) + 11)
    biased = error_bound(image, kernel, bias, dtype=np.float32, algorithm=algorithm)
    np.testing.assert_allclose(biased, np.broadcast_to(expected, found.shape), rtol=1e-7)


@algorithms
def test_tiles_start_at_the_padding(algorithm: str) -> None:
    # One pixel in the corner of the padded image: its monomials are in the first tile, and nowhere else.
    m = ALGORITHMS[algorithm]
    image = np.zeros((1, 1, 2 * m, 3 * m), np.float32)
    image[0, 0, 0, 0] = 1
    found = error_bound(image, np.ones((1, 1, 3, 3), np.float32), padding=1, dtype=np.float32, algorithm=algorithm)
    assert found.shape == (1, 1, 2 * m, 3 * m)
    assert (found[0, 0, :m, :m] > 1e-7).all()
    assert (found[0, 0, m:] < 1e-30).all()
    assert (found[0, 0, :, m:] < 1e-30).all()


@algorithms
def test_groups_are_added_up_apart(algorithm: str) -> None:
    rng = np.random.default_rng(4)
    image, kernel = rng.normal(size=(2, 6, 9, 7)).astype(np.float32), rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    found = error_bound(image, kernel, dtype=np.float32, algorithm=algorithm, groups=2)
    halves = [
        error_bound(image[:, 3 * g : 3 * g + 3], kernel[2 * g : 2 * g + 2], dtype=np.float32, algorithm=algorithm)
        for g in range(2)
    ]
    np.testing.assert_allclose(found, np.concatenate(halves, axis=1), rtol=1e-12)
    unbatched = error_bound(image[1], kernel, dtype=np.float32, algorithm=algorithm, groups=2)
    np.testing.assert_allclose(unbatched, found[1], rtol=1e-12)


def test_a_complex_monomial_is_two_real_ones() -> None:
    image, kernel = np.ones((1, 1, 4, 4), np.complex64), np.ones((1, 1, 3, 3), np.complex64)
    found = error_bound(image, kernel, dtype=np.complex64, algorithm="winograd2")
    np.testing.assert_allclose(found, np.full((1, 1, 2, 2), 2**0.5 * gamma(23 + 1) * 64), rtol=1e-7)


def test_rounded_inputs_go_through_the_transforms_too() -> None:
    image, kernel = np.full((1, 1, 4, 4), 1 / 3, np.float32), np.ones((1, 1, 3, 3), np.float32)
    plain, rounded = (
        error_bound(image, kernel, dtype=np.float32, algorithm="winograd2", input_dtype=name) for name in (None, "tf32")
    )
    # a third may be off by 2·2^-11 of itself, and 64 thirds by 64 times that
    np.testing.assert_allclose(rounded - plain, np.full((1, 1, 2, 2), 64 / 3 * 2.0**-10), rtol=1e-4)


@pytest.mark.parametrize(
    ("algorithm", "lost"), [("winograd2", 3 * (1 + 1.5) / 1), ("winograd4", 3 * (1 + 1) / (1 / 4) ** 2)]
)
def test_a_part_of_a_small_weight_is_lost(algorithm: str, lost: float) -> None:
    # Three products to a number, twice; the sums of |G| along its rows are 1 to 3/2, and 1/4 to 1.
    assert WINOGRAD[algorithm].lost_weight(2) == lost
    image, kernel = np.full((6, 6), 2.0**9, np.float16), np.zeros((3, 3), np.float16)
    found = bound(image[None, None], kernel[None, None], algorithm)[0, 0, 0, 0]
    first = SUMS[algorithm][0] ** 2 * 2.0**9 * lost * 2.0**-24  # all that is lost, where the weights are 0
    roundings, weight = WINOGRAD[algorithm].roundings(1, 2), WINOGRAD[algorithm].amplification(2)
    unit = roundings * 2.0**-11 / (1 - roundings * 2.0**-11)
    assert found == pytest.approx(first * (1 + unit) + roundings * weight * 2.0**-24, rel=1e-9)


@pytest.mark.parametrize(
    ("pixel", "weight", "finite"),
    [
        (16368, 2.0**-14, True),  # 4·16368 = 65472, which float16 holds
        (16384, 2.0**-14, False),
        (2.0**-14, 29104, True),  # 9/4·29104 = 65484
        (2.0**-14, 29120, False),
    ],
)
def test_where_a_transform_may_overflow_there_is_no_bound(pixel: float, weight: float, finite: bool) -> None:
    image = np.zeros((2, 4, 4, 6), np.float16)
    kernel = np.full((6, 2, 3, 3), 2.0**-14, np.float16)
    image[1, 2, :, :4], kernel[4] = pixel, weight
    found = error_bound(image, kernel, groups=2, dtype=np.float16, accumulate_dtype=np.float16, algorithm="winograd2")
    expected = np.ones(found.shape, bool)
    if not finite and pixel > weight:
        expected[1, 3:] = False  # all of the second group that read a tile of the second image
    elif not finite:
        expected[:, 4] = False
    assert (np.isfinite(found[..., :2]) == expected[..., :2]).all()
    assert np.isfinite(found[0, :4]).all()
    image[1, 2, 0, 0] = np.nan
    assert np.isnan(bound(image[1, 2:3], kernel[:1, :1], "winograd2")[..., :2, :2]).all()


# What it is not for


@pytest.mark.parametrize(
    ("shape", "keywords", "described"),
    [
        ((3, 2), {}, r"(3, 2) at stride [1, 1] and dilation [1, 1]"),
        ((2, 3), {}, r"(2, 3) at stride [1, 1] and dilation [1, 1]"),
        ((3, 3), {"stride": (1, 2)}, r"(3, 3) at stride [1, 2] and dilation [1, 1]"),
        ((3, 3), {"stride": (2, 1)}, r"(3, 3) at stride [2, 1] and dilation [1, 1]"),
        ((3, 3), {"dilation": (1, 2)}, r"(3, 3) at stride [1, 1] and dilation [1, 2]"),
        ((3, 3), {"dilation": (2, 1)}, r"(3, 3) at stride [1, 1] and dilation [2, 1]"),
    ],
)
@algorithms
def test_what_the_algorithm_does_not_compute(
    algorithm: str, shape: tuple[int, int], keywords: dict[str, Any], described: str
) -> None:
    m = ALGORITHMS[algorithm]
    with pytest.raises(ValueError, match="Winograd's") as caught:
        error_bound(np.ones((1, 1, 9, 9)), np.ones((1, 1, *shape)), dtype=float, algorithm=algorithm, **keywords)
    message = f"Winograd's F({m}×{m}, 3×3) takes a 3×3 kernel at stride 1 and dilation 1; this one is {described}"
    assert str(caught.value) == message


@pytest.mark.parametrize("algorithm", ["winograd", "Direct", "", None, 2])
def test_an_unknown_algorithm(algorithm: Any) -> None:
    with pytest.raises(ValueError, match="algorithm=") as caught:
        error_bound(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), dtype=float, algorithm=algorithm)
    assert (
        str(caught.value)
        == f"algorithm={algorithm!r} must be one of 'direct', 'winograd2', 'winograd4', 'winograd6', 'fft'"
    )
