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


def test_a_tap_that_reads_the_pixel_beside_its_own_is_named() -> None:
    alone = W - without((0, 1))
    moved = refconv.conv2d(np.roll(X, -1, axis=3), alone)  # the tap reads one column on
    actual = (refconv.conv2d(X, without((0, 1)), B) + moved)[..., :-1]
    (finding,) = diagnose(actual, X[..., :-1], W, B)
    assert finding.code == "taps-shifted"
    assert "tap (0, 1) reads the pixel +0 rows and +1 columns off its own" in finding.sentence


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


def test_many_wrong_taps_are_not_all_listed() -> None:
    actual = refconv.conv2d(X, without((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)), B)
    (finding,) = diagnose(actual, X, W, B)
    assert finding.sentence.endswith("tap (0, 2) is missing, tap (1, 0) is missing and 1 more")


@pytest.mark.parametrize("share", [0.5, 1.2])
def test_a_tap_that_counts_in_part_is_no_miscount(share: float) -> None:
    kernel = W.copy()
    kernel[:, :, 1, 2] *= share
    assert [finding.code for finding in diagnose(refconv.conv2d(X, kernel, B), X, W, B)] == []
