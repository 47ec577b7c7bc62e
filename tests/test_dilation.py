from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from refconv import conv2d
from refconv.dilation import dilate_kernel, merge_phases, split_phases


def test_dilate_kernel_puts_zeros_between_the_taps_and_none_outside() -> None:
    kernel = np.arange(1, 13).reshape(1, 2, 2, 3)
    dilated = dilate_kernel(kernel, (3, 2))
    assert dilated.shape == (1, 2, 4, 5)
    assert dilated[0, 1].tolist() == [[7, 0, 8, 0, 9], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [10, 0, 11, 0, 12]]
    assert dilate_kernel([[5]], 7).tolist() == [[5]]
    assert dilate_kernel([[1, 2]], 3).tolist() == [[1, 0, 0, 2]]


@pytest.mark.parametrize("dtype", ["?", "i1", "f2", ">f4", "c8", "O"])
def test_dilate_kernel_keeps_the_type_and_makes_a_copy(dtype: str) -> None:
    kernel = np.ones((1, 1, 2, 2), dtype)
    dilated = dilate_kernel(kernel, 1)
    assert dilated.dtype == kernel.dtype
    assert not np.shares_memory(dilated, kernel)
    assert dilate_kernel(np.array([[Fraction(1, 3)] * 2]), 2).tolist() == [[Fraction(1, 3), 0, Fraction(1, 3)]]


@pytest.mark.parametrize("shape", [(3,), (1, 1, 0, 2), (1, 1, 2, 0), ()])
def test_a_kernel_without_taps_is_refused(shape: tuple[int, ...]) -> None:
    message = f"weight has shape {shape}; it must be (..., K_h, K_w) with at least one tap"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dilate_kernel(np.ones(shape), 2)


def test_split_phases_samples_every_dilation_th_pixel_from_each_of_the_first() -> None:
    image = np.arange(20).reshape(4, 5)
    phases = split_phases(image, (3, 2))
    assert [[phase.tolist() for phase in row] for row in phases] == [
        [[[0, 2, 4], [15, 17, 19]], [[1, 3], [16, 18]]],
        [[[5, 7, 9]], [[6, 8]]],
        [[[10, 12, 14]], [[11, 13]]],
    ]
    assert all(np.shares_memory(phase, image) for row in phases for phase in row)
    assert [[phase.shape for phase in row] for row in split_phases(image[:1], 2)] == [
        [(1, 3), (1, 2)],
        [(0, 3), (0, 2)],
    ]


def test_split_phases_of_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^input has 1 dimensions; it must be \(\.\.\., H, W\)$"):
        split_phases(np.arange(3), 2)


@pytest.mark.parametrize("function", [dilate_kernel, split_phases])
@pytest.mark.parametrize(
    ("dilation", "error", "message"),
    [
        (0, ValueError, "dilation=0 must be at least 1"),
        ((1, 0), ValueError, "dilation[1]=0 must be at least 1"),
        (1.5, TypeError, "dilation=1.5 must be an int, not float"),
        ((1, 2, 3), ValueError, "dilation=(1, 2, 3) has length 3; it must be an int or a pair (height, width)"),
    ],
)
def test_bad_dilations_are_refused(function: Any, dilation: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        function(np.ones((2, 2)), dilation)


def test_merge_phases_interleaves() -> None:
    merged = merge_phases([[[[1, 2]], [[3]]], [[[4, 5]], [[6]]], [np.zeros((0, 2)), np.zeros((0, 1))]])
    assert merged.tolist() == [[1, 3, 2], [4, 6, 5]]


def test_merge_phases_gives_the_type_that_holds_them_all() -> None:
    assert merge_phases([[np.ones((1, 1), np.int8), np.ones((1, 1), np.float32)]]).dtype == np.float32
    assert merge_phases([[np.ones((1, 1), np.int8), np.ones((1, 1), np.uint8)]]).dtype == np.int16
    third = np.array([[Fraction(1, 3)]])
    assert merge_phases([[third, [[1]]]]).tolist() == [[Fraction(1, 3), 1]]


@pytest.mark.parametrize(
    ("phases", "error", "message"),
    [
        (5, TypeError, "phases must be a sequence of D_h sequences of D_w arrays"),
        ([1, 2], TypeError, "phases must be a sequence of D_h sequences of D_w arrays"),
        ([], ValueError, "phases has rows of [] arrays; it must have D_h rows of D_w each"),
        ([[]], ValueError, "phases has rows of [0] arrays; it must have D_h rows of D_w each"),
        ([[[[1]], [[2]]], [[[3]]]], ValueError, "phases has rows of [2, 1] arrays; it must have D_h rows of D_w each"),
        ([[[1]]], ValueError, "phases[0][0] has 1 dimensions; it must be (..., H, W)"),
        ([[[[1]]], [5]], ValueError, "phases[1][0] has 0 dimensions; it must be (..., H, W)"),
        ([[[[1, 2]], [[3, 4, 5]]]], ValueError, "phases[0][0] has shape (1, 2); it must be (1, 3), a phase of (1, 5)"),
        ([[[[1]]], [[[3, 4]]]], ValueError, "phases[1][0] has shape (1, 2); it must be (1, 1), a phase of (2, 1)"),
        ([[None]], TypeError, "phases[0][0] is None; it must be an array"),
    ],
)
def test_what_are_no_phases_of_one_image_is_refused(phases: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        merge_phases(phases)


def test_the_phases_of_a_dilated_convolution_have_no_pixel_in_common() -> None:
    # An impulse in one phase reaches only outputs of that phase.
    image = np.zeros((1, 1, 9, 9))
    image[0, 0, 4, 3] = 1
    output = conv2d(image, np.ones((1, 1, 3, 3)), padding=2, dilation=2)
    sums = [[phase.sum() for phase in row] for row in split_phases(output, 2)]
    assert sums == [[0, 9], [0, 0]]
