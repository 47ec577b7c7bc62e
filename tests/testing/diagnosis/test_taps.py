from __future__ import annotations

import numpy as np
import pytest

import refconv
from refconv.testing import diagnose

RNG = np.random.default_rng(17)
X = RNG.standard_normal((2, 3, 9, 10))
W = RNG.standard_normal((5, 3, 2, 3))
B = RNG.standard_normal(5)


def without(*taps: tuple[int, int]) -> np.ndarray:
    kernel = W.copy()
    for i, j in taps:
        kernel[:, :, i, j] = 0
    return kernel


def test_a_missing_tap_is_named() -> None:
    (finding,) = diagnose(refconv.conv2d(X, without((1, 2)), B), X, W, B)
    assert finding.code == "taps-miscounted"
    assert finding.sentence == "where the window lies inside the image, tap (1, 2) is missing"
    assert finding.reading == "each tap (i, j) counts once, at h = S·p + D·i − T and w = S·q + D·j − L"
    assert finding.wrong == finding.explained == 2 * 5 * 8 * 8


def test_a_tap_that_counts_twice_is_named() -> None:
    kernel = W.copy()
    kernel[:, :, 0, 1] *= 2
    kernel[:, :, 1, 0] *= -1
    (finding,) = diagnose(refconv.conv2d(X, kernel, B), X, W, B)
    assert finding.sentence == (
        "where the window lies inside the image, tap (0, 1) counts 2 times, tap (1, 0) counts -1 times"
    )


@pytest.mark.parametrize(("count", "words"), [(1, ""), (2, ", counted 2 times")])
def test_a_tap_that_reads_the_pixel_beside_its_own_is_named(count: int, words: str) -> None:
    alone = W - without((0, 1))
    moved = refconv.conv2d(np.roll(X, -1, axis=3), alone)  # the tap reads one column on
    actual = (refconv.conv2d(X, without((0, 1)), B) + count * moved)[..., :-1]
    (finding,) = diagnose(actual, X[..., :-1], W, B)
    assert finding.code == "taps-shifted"
    assert finding.sentence == (
        "where the window lies inside the image, tap (0, 1) is missing, "
        f"tap (0, 1) reads the pixel +0 rows and +1 columns off its own{words}"
    )


def test_a_missing_tap_of_complex_numbers_is_named() -> None:
    image, turn = X * (1 + 2j), np.exp(1j * np.arange(90)).reshape(W.shape)
    (finding,) = diagnose(refconv.conv2d(image, without((1, 2)) * turn), image, W * turn)
    assert finding.sentence == "where the window lies inside the image, tap (1, 2) is missing"


def test_a_missing_tap_is_named_where_float64_is_rounded_to_float32() -> None:
    image, kernel, bias = (array.astype(np.float32) for array in (X, without((1, 2)), B))
    (finding,) = diagnose(refconv.conv2d(image, kernel, bias).astype(np.float64), X, W, B)
    assert finding.sentence == "where the window lies inside the image, tap (1, 2) is missing"


@pytest.mark.parametrize("scale", [1, 100])
def test_a_missing_tap_is_named_where_some_outputs_read_nothing_but_zeros(scale: int) -> None:
    image, kernel, less = (
        array if scale == 1 else np.rint(scale * array).astype(int) for array in (X, W, without((1, 2)))
    )
    image = image * (np.arange(10) > 4)
    (finding,) = diagnose(refconv.conv2d(image, less), image, kernel)
    assert finding.sentence == "where the window lies inside the image, tap (1, 2) is missing"


def test_a_shifted_tap_is_found_beside_a_padding_that_differs_by_side() -> None:
    sides = ((0, 2), (3, 1))
    wide = np.pad(X, ((0, 0), (0, 0), *sides))
    alone = W - without((1, 0))
    moved = refconv.conv2d(np.pad(X[:, :, 1:], ((0, 0), (0, 0), (0, 3), (4, 0))), alone)
    (finding,) = diagnose(refconv.conv2d(wide, without((1, 0)), B) + moved, X, W, B, padding=sides)
    assert "tap (1, 0) reads the pixel +1 rows and -1 columns off its own" in finding.sentence


def test_the_border_may_differ_from_the_inside() -> None:
    actual = refconv.conv2d(X, W, B, padding=1)
    less = refconv.conv2d(X, without((0, 0), (1, 1)), B, padding=1)
    actual[:, :, 0], actual[:, :, -1] = less[:, :, 0], less[:, :, -1]
    actual[..., 0], actual[..., -1] = less[..., 0], less[..., -1]
    (finding,) = diagnose(actual, X, W, B, padding=1)
    assert finding.code == "taps-miscounted"
    assert finding.sentence == "at the border, tap (0, 0) is missing, tap (1, 1) is missing"


@pytest.mark.parametrize(
    ("first", "rest"), [((0, 0), "tap (1, 0) is missing and 1 more"), ((0, 1), "tap (1, 1) is missing")]
)
def test_more_than_four_wrong_taps_are_not_all_listed(first: tuple[int, int], rest: str) -> None:
    actual = refconv.conv2d(X, without(first, (0, 1), (0, 2), (1, 0), (1, 1)), B)
    (finding,) = diagnose(actual, X, W, B)
    assert finding.sentence.count("is missing") == 4
    assert finding.sentence.endswith(rest)


@pytest.mark.parametrize("share", [0.5, 1.2])
def test_a_tap_that_counts_in_part_is_no_miscount(share: float) -> None:
    kernel = W.copy()
    kernel[:, :, 1, 2] *= share
    assert [finding.code for finding in diagnose(refconv.conv2d(X, kernel, B), X, W, B)] == []
