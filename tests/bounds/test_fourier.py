"""The bound of a fast Fourier transform: norm-wise, the same wherever its products are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from arrays import Array

import refconv
from refconv import error_bound, error_bound_of

fft = pytest.importorskip("scipy.fft", reason="NumPy transforms in float64 alone")
U = 2.0**-24
ranks = pytest.mark.parametrize("rank", [1, 2, 3])
SIZES = {1: (23,), 2: (9, 14), 3: (7, 5, 9)}


def fourier_conv(image: Array, kernel: Array, padding: int = 0) -> Array:
    """Convolve (N, C, *pixels) with (O, C, *taps) by real transforms, in the type of the image."""
    axes = tuple(range(2, image.ndim))
    padded = np.pad(image, [(0, 0), (0, 0), *((padding, padding) for _ in axes)])
    size = [pixels + taps - 1 for pixels, taps in zip(padded.shape[2:], kernel.shape[2:], strict=True)]
    pixels, taps = fft.rfftn(padded, size, axes), np.conj(fft.rfftn(kernel, size, axes))
    found = fft.irfftn(np.einsum("nc...,oc...->no...", pixels, taps), size, axes)
    outputs = (slice(0, p - t + 1) for p, t in zip(padded.shape[2:], kernel.shape[2:], strict=True))
    return np.asarray(found[:, :, *outputs], image.dtype)


def drawn(rank: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(2, 5, *SIZES[rank])).astype(np.float32)
    return image, rng.normal(size=(3, 5, 3, 2, 4)[: 2 + rank]).astype(np.float32)


@ranks
@pytest.mark.parametrize("padding", [0, 2])
def test_an_honest_kernel_stays_well_within_its_bound(rank: int, padding: int) -> None:
    function: Any = getattr(refconv, f"conv{rank}d")
    for seed in range(5):
        image, kernel = drawn(rank, seed)
        error = np.abs(
            fourier_conv(image, kernel, padding) - function(image, kernel, None, 1, padding, dtype=np.float64)
        )
        bound = error_bound_of(function, image, kernel, None, 1, padding, dtype=np.float32, algorithm="fft")
        assert (error <= bound / 16).all()


def test_it_holds_where_the_direct_one_is_nothing() -> None:
    image, kernel = drawn(2, 3)
    image[:, :, :, 7:] = 0  # outputs that read nothing but zeros
    found, truth = fourier_conv(image, kernel), refconv.conv2d(image, kernel, dtype=np.float64)
    direct, norm_wise = (error_bound(image, kernel, dtype=np.float32, algorithm=name) for name in ("direct", "fft"))
    assert (direct[..., 7:] < 1e-40).all()
    assert (np.abs(found - truth)[..., 7:] > direct[..., 7:]).any()
    assert (np.abs(found - truth) <= norm_wise).all()


@ranks
def test_a_wrong_tap_leaves_the_bound(rank: int) -> None:
    image, kernel = drawn(rank, 4)
    wrong = kernel.copy()
    wrong[..., 0] = 0
    bound = error_bound_of(getattr(refconv, f"conv{rank}d"), image, kernel, dtype=np.float32, algorithm="fft")
    error = np.abs(fourier_conv(image, wrong) - getattr(refconv, f"conv{rank}d")(image, kernel, dtype=np.float64))
    assert np.mean(error > bound) > 0.9


def test_the_bound_by_hand() -> None:
    # One pixel row of (3, 4) and one of (12,) zeros: ‖x‖ = 5, ‖w‖ = 13, S = 65, for every output.
    image = np.array([[[3, 4, 0, 0]]], np.float32)
    kernel = np.array([[[5, 12]]], np.float32)
    found = error_bound_of(refconv.conv1d, image, kernel, dtype=np.float32, algorithm="fft")
    assert (found == found[0, 0, 0]).all()
    count = 16  # 4 + 2 − 1 points, the next power of 2, and twice that
    eta = U + 4 * U / (1 - 4 * U) * (math.sqrt(2) + U)
    epsilon = 4 * eta / (1 - 4 * eta)
    product = math.sqrt(2) * 2 * U / (1 - 2 * U)
    spectrum = (1 + epsilon) ** 2 * (1 + product) - 1
    back = epsilon * (math.sqrt(2) + math.sqrt(count) * spectrum)
    assert found[0, 0, 0] == pytest.approx(65 * (spectrum + back + 3 * U), rel=1e-5)


def test_channels_and_groups_are_added_up_apart() -> None:
    image, kernel = np.ones((1, 4, 3), np.float32), np.ones((2, 2, 1), np.float32)
    image[:, 2:] *= 10
    found = error_bound_of(refconv.conv1d, image, kernel, groups=2, dtype=np.float32, algorithm="fft")
    assert found.shape == (1, 2, 3)
    np.testing.assert_allclose(found[0, 1], 10 * found[0, 0], rtol=1e-6)
    alone = error_bound_of(refconv.conv1d, image[:, :2], kernel[:1], dtype=np.float32, algorithm="fft")
    np.testing.assert_allclose(found[:, :1], alone, rtol=1e-12)


def test_a_bias_is_added_to_the_sum() -> None:
    image, kernel, bias = np.ones((1, 1, 3), np.float32), np.ones((2, 1, 1), np.float32), np.array([0, 1e6], np.float32)
    found = error_bound_of(refconv.conv1d, image, kernel, bias, dtype=np.float32, algorithm="fft")
    assert (found[0, 1] > found[0, 0] + 1e6 * U).all()


@pytest.mark.parametrize("op", ["conv_transpose2d", "conv2d_input", "conv2d_weight"])
def test_every_sum_of_products_has_one(op: str) -> None:
    function = getattr(refconv.grad if op[-1] != "d" else refconv, op)
    x, w = np.ones((2, 2, 5, 6), np.float32), np.ones((2, 2, 3, 3), np.float32)
    arguments: Any = {
        "conv_transpose2d": (x, w),
        "conv2d_input": ((2, 2, 7, 8), w, x),
        "conv2d_weight": (np.ones((2, 2, 7, 8), np.float32), (2, 2, 3, 3), x),
    }[op]
    found = error_bound_of(function, *arguments, dtype=np.float32, algorithm="fft")
    assert found.shape == function(*arguments).shape
    assert (found > error_bound_of(function, *arguments, dtype=np.float32)).all()


def test_what_it_has_no_bound_for() -> None:
    x, w = np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3))
    with pytest.raises(ValueError, match=r"^algorithm='fft' must be 'direct' for conv2d_bias$"):
        error_bound_of(refconv.grad.conv2d_bias, x, dtype=float, algorithm="fft")
    huge = np.full((1, 1, 3, 4), 1e38, np.float32)
    assert np.isinf(error_bound(huge, w.astype(np.float32), dtype=np.float32, algorithm="fft")).all()
