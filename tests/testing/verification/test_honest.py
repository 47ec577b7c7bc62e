"""Honest kernels that add up in whatever order are not called wrong; how many are suspect?

``python tests/testing/verification/test_honest.py 10000`` counts, for docs/verification.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from refconv import conv2d
from refconv.numbers.formats import Array
from refconv.testing import verify_result

TOGETHER = 25  # images, each by a kernel of its own
SIZE = 9
SHORTEST = (
    64  # sums, of which an FFT is asked: the bound of shorter ones is that of a few roundings, and not of a transform
)
Order = Callable[[Array, Array, np.random.Generator], Array]


def in_order(pixels: Array, weights: Array, rng: np.random.Generator) -> Array:
    """Add up one product after the other, in a random order: pixels (K, P), weights (O, K)."""
    total = np.zeros((len(weights), pixels.shape[1]), np.float32)
    for k in rng.permutation(len(pixels)):
        total += weights[:, k, None] * pixels[k]
    return total


def split(pixels: Array, weights: Array, rng: np.random.Generator) -> Array:
    """Two to sixteen sums, which are added up last."""
    parts = np.array_split(rng.permutation(len(pixels)), rng.integers(2, 17))
    sums = [in_order(pixels[part], weights[:, part], rng) for part in parts]
    total = sums[0]
    for other in sums[1:]:
        total = total + other
    return total


def cut_off(pixels: Array, weights: Array, rng: np.random.Generator) -> Array:
    """Eight products are added to the sum at a time, and what float32 does not hold is cut off."""
    total = np.zeros((len(weights), pixels.shape[1]))
    order = rng.permutation(len(pixels))
    for start in range(0, len(order), 8):
        some = order[start : start + 8]
        exact = total + weights[:, some].astype(np.float64) @ pixels[some].astype(np.float64)
        near = exact.astype(np.float32)
        too_far = np.abs(near) > np.abs(exact)
        total = np.where(too_far, np.nextafter(near, np.float32(0)), near).astype(np.float64)
    return total.astype(np.float32)


def fourier(image: Array, kernels: Array) -> Array:
    """The transforms of whole images and kernels, in float32."""
    pixels, taps = np.fft.rfft2(image), np.conj(np.fft.rfft2(kernels, image.shape[1:]))
    whole = np.fft.irfft2(np.einsum("cab,ocab->oab", pixels, taps), image.shape[1:])
    height, width = (n - k + 1 for n, k in zip(image.shape[1:], kernels.shape[2:], strict=True))
    return np.asarray(whole[:, :height, :width].astype(np.float32))


ORDERS: dict[str, Order] = {"in order": in_order, "split": split, "cut off": cut_off}


def data(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal numbers, or from 0 to 1."""
    return (rng.standard_normal(shape) if rng.integers(2) else rng.random(shape)).astype(np.float32)


def judged(seed: int) -> Counter[str]:
    """Return how many kernels of which kind there were, and how many of them were suspect, or wrong."""
    rng = np.random.default_rng(seed)
    channels, outputs, taps = (int(n) for n in (rng.integers(2, 65), rng.integers(8, 17), rng.integers(1, 4)))
    w = data(rng, (outputs, channels, taps, taps))
    x = np.stack([data(rng, (channels, SIZE, SIZE)) for _ in range(TOGETHER)])
    kinds = rng.choice([*ORDERS, "FFT"] if channels * taps**2 >= SHORTEST else [*ORDERS], TOGETHER)
    side = SIZE - taps + 1

    def computed(image: Array, kind: str) -> Array:
        if kind == "FFT":
            return fourier(image, w)
        windows = sliding_window_view(image, (taps, taps), axis=(1, 2)).transpose(0, 3, 4, 1, 2)
        summed = ORDERS[kind](windows.reshape(-1, side * side), w.reshape(outputs, -1), rng)
        return summed.reshape(outputs, side, side)

    y = np.stack([computed(image, kind) for image, kind in zip(x, kinds, strict=True)])
    found, whole = Counter(map(str, kinds)), verify_result(y, conv2d, x, w)
    if whole.passed and not whole.suspect:
        return found
    for n, kind in enumerate(kinds):
        one = verify_result(y[n : n + 1], conv2d, x[n : n + 1], w)
        found.update([f"{kind}, wrong"] * (not one.passed) + [f"{kind}, suspect"] * one.suspect)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_no_honest_kernel_is_wrong_and_none_but_those_that_cut_off_are_suspect(seed: int) -> None:
    found = judged(seed)
    assert sum(found.values()) >= TOGETHER
    assert {name for name in found if ", " in name} <= {"cut off, suspect"}


def main() -> None:
    counts: Counter[str] = Counter()
    for seed in range(int(sys.argv[1]) // TOGETHER):
        counts += judged(seed)
        if seed % 40 == 39:
            print(dict(sorted(counts.items())), flush=True)


if __name__ == "__main__":
    main()
