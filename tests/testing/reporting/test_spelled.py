from __future__ import annotations

import pytest

from refconv.operations import OPERATIONS
from refconv.testing import cases, find_case
from refconv.testing.reporting.spelled import spelled

EXACT = "whole numbers whose every sum is exact, so that the result must be equal"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "n2-c6-o10-g2-7x9-k2x3-s2x1-p1+0x2+3-d1x2-bias-f32",
            (
                "2 images of 6 channels, 7 × 9 pixels; 10 output channels in 2 groups; kernel 2 × 3; stride 2 down, 1 across; "
                "padding 1 before and 0 after down, 2 before and 3 after across; dilation 1 down, 2 across; with a bias; "
                f"float32; {EXACT}"
            ),
        ),
        (
            "c1-o2-g1-5x8-k3-s1-psame_upper-d1-f32xf64",
            (
                "one image without a batch axis of 1 channel, 5 × 8 pixels; 2 output channels; kernel 3 × 3; stride 1; "
                f"padding 'same_upper'; dilation 1; float32 by float64; {EXACT}"
            ),
        ),
        (
            "conv_transpose2d-n1-c4-o6-g2-5x7-k3-s2-p1-e1x0-d1-f32-nan-strided-weight-threads",
            (
                "conv_transpose2d: 1 image of 4 channels, 5 × 7 pixels; 6 output channels in 2 groups; kernel 3 × 3; stride 2; "
                "padding 1; dilation 1; output padding 1 down, 0 across; float32; data: nan; weight in memory: strided; "
                "called from other threads, too"
            ),
        ),
        (
            "conv1d-n3-c2-o2-g1-9-k3-s2-p1-d2-f16-real-channels_last",
            (
                "conv1d: 3 images of 2 channels, 9 pixels; 2 output channels; kernel 3; stride 2; padding 1; dilation 2; float16; "
                "normal numbers, each result within its bound; arrays in memory: channels_last"
            ),
        ),
    ],
)
def test_a_name_in_words(name: str, words: str) -> None:
    assert spelled(find_case(name)) == words


@pytest.mark.parametrize("op", OPERATIONS)
def test_two_cases_never_read_alike(op: str) -> None:
    valid = [case for case in cases("core", op=op) if not case.rejects]
    assert len({spelled(case) for case in valid}) == len(valid)
