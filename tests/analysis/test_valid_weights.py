from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import conv2d
from refconv.analysis.valid_weights import ValidWeights, valid_outputs, valid_weights
from refconv.geometry.axis import AxisGeometry


def shares(dilation: int) -> list[float]:
    fractions = valid_weights(65, 3, dilation).fractions
    return [round(float(fractions.get(taps, 0)), 4) for taps in (9, 4, 1)]


@pytest.mark.parametrize(
    ("dilation", "published"),
    [
        (6, [0.6649, 0.0341, 0]),
        (18, [0.1991, 0.3067, 0]),
        (32, [0.0002, 0.9695, 0]),
        (33, [0, 0.9695, 0.0002]),
        (48, [0, 0.2736, 0.2275]),
        (64, [0, 0.0009, 0.9394]),
        (65, [0, 0, 1]),
        (66, [0, 0, 1]),
    ],
)
def test_the_checkpoints_of_deeplabv3_figure_4(dilation: int, published: list[float]) -> None:
    # mission.md, section 2: ones 65×65, ones 3×3, padding = dilation.
    assert shares(dilation) == published


@pytest.mark.parametrize("dilation", range(1, 67))
def test_the_oracle_counts_the_same_over_the_whole_of_figure_4(dilation: int) -> None:
    ones = np.ones((1, 1, 65, 65), int), np.ones((1, 1, 3, 3), int)
    taps = conv2d(*ones, padding=dilation, dilation=dilation)
    assert valid_weights(65, 3, dilation, padding=dilation).counts == dict(Counter(taps.ravel().tolist()))
    assert valid_weights(65, 3, dilation).counts == valid_weights(65, 3, dilation, padding=dilation).counts


@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("dilation", range(1, 12))
def test_the_closed_form_of_one_axis(size: int, dilation: int) -> None:
    # mission.md, section 2.
    three, one = max(0, size - 2 * dilation), max(0, min(size, 2 * dilation - size))
    counts = {3: three, 2: size - three - one, 1: one}
    assert valid_weights(size, 3, dilation).width == {taps: count for taps, count in counts.items() if count}


def test_every_number_of_two_different_axes() -> None:
    # Rows: 7 under 2 taps at dilation 3, stride 2, two rows of padding above and none below.  Output p reads rows
    # 2p − 2 and 2p + 1: −2, 1; 0, 3; 2, 5; then 4, 7 does not fit.  Columns: 4 under 3 taps, padded by 1 on the right.
    valid = valid_weights((7, 4), (2, 3), dilation=(3, 1), stride=(2, 1), padding=((2, 0), (0, 1)))
    assert valid == ValidWeights(kernel_taps=6, height={2: 2, 1: 1}, width={3: 2, 2: 1})
    assert list(valid.height) == [2, 1]  # the most taps first
    assert valid.counts == {6: 4, 4: 2, 3: 2, 2: 1}
    assert list(valid.counts) == [6, 4, 3, 2]
    assert valid.positions == 9
    assert valid.fractions == {6: Fraction(4, 9), 4: Fraction(2, 9), 3: Fraction(2, 9), 2: Fraction(1, 9)}
    assert valid.degeneracy == Fraction(5, 9)


def test_stride_1_and_same_padding_unless_told() -> None:
    assert valid_weights((5, 4), 3, 1).height == {3: 3, 2: 2}
    assert valid_weights((5, 4), 3, 1, padding="valid").height == {3: 3}
    assert valid_weights(5, 3, 1, 2, "same_upper").height == {3: 1, 2: 2}


def test_classes_of_equal_products_are_one_class() -> None:
    # 2 by 3 taps and 3 by 2 taps are both 6.
    assert valid_weights(4, 3, 1).counts == {9: 4, 6: 8, 4: 4}


def test_degeneracy_runs_from_nothing_to_all() -> None:
    assert valid_weights(9, 3, 2, padding=0).degeneracy == 0
    assert valid_weights(9, 1, 7).degeneracy == 0
    assert valid_weights(9, 3, 9).degeneracy == 1


def test_positions_that_see_only_padding_have_no_valid_tap() -> None:
    assert valid_weights(2, 1, 1, padding=3).height == {1: 2, 0: 6}
    assert valid_weights((0, 2), 1, 1, padding=1).counts == {0: 8}


@st.composite
def axis_arguments(draw: st.DrawFn) -> tuple[int, int, int, int, tuple[int, int]]:
    kernel, stride, dilation = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    padding = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    least = max(0, dilation * (kernel - 1) + 1 - sum(padding))
    return draw(st.integers(least, least + 12)), kernel, stride, dilation, padding


@given(axis_arguments(), axis_arguments())
@settings(derandomize=True, max_examples=300)
def test_the_sweep_agrees_with_counting_position_by_position(height: Any, width: Any) -> None:
    valid = valid_weights(*zip(*((h[i], h[1], h[3], h[2], h[4]) for i, h in ((0, height), (0, width))), strict=True))
    for counts, (size, kernel, stride, dilation, padding) in ((valid.height, height), (valid.width, width)):
        axis = AxisGeometry(size, kernel, stride, dilation, padding)
        read = [set(valid_outputs(axis, tap)) for tap in range(kernel)]
        taps = [sum(output in outputs for outputs in read) for output in range(axis.output_size)]
        assert counts == dict(Counter(taps))
    assert sum(valid.counts.values()) == valid.positions
    assert sum(valid.fractions.values()) == 1


def test_an_axis_a_million_wide_is_counted_without_looking_at_it() -> None:
    assert valid_weights((3, 10**6), 3, dilation=(1, 250_000)).width == {3: 500_000, 2: 500_000}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((7, 3, 0), ValueError, "dilation=0 must be at least 1 (input_size 7, kernel_size 3)"),
        ((7, 0, 2), ValueError, "kernel_size=0 must be at least 1 (input_size 7, kernel_size 0)"),
        ((-1, 3, 2), ValueError, "input_size=-1 must be at least 0 (input_size -1, kernel_size 3)"),
        ((7, 3, 2, 0), ValueError, "stride=0 must be at least 1 (input_size 7, kernel_size 3)"),
        ((7.0, 3, 2), TypeError, "input_size=7.0 must be an int, not float (input_size 7.0, kernel_size 3)"),
        (
            (7, 3, 2, 2),
            ValueError,
            "stride=2 must be 1 for padding='same', which is PyTorch's rule (input_size 7, kernel_size 3)",
        ),
        (
            ((9, 6), 3, 3, 1, 0),
            ValueError,
            "kernel width 3 at dilation 3 spans 7 pixels; it must fit the padded input width 0 + 6 + 0 = 6 (input_size (9, 6), kernel_size 3)",
        ),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        valid_weights(*arguments)


# Which outputs read a real pixel through a tap


def test_the_outputs_that_read_a_pixel_through_each_tap() -> None:
    # Pixels 0 to 6, one of padding on top: two outputs, through three taps, read −1 1 3 and 1 3 5.
    axis = AxisGeometry(input_size=7, kernel_size=3, stride=2, dilation=2, padding=(1, 0))
    assert [valid_outputs(axis, k) for k in range(3)] == [range(1, 2), range(2), range(2)]
    # Pixels 0 to 4: three outputs, through two taps, read −2 2, 1 5 and 4 8.
    axis = AxisGeometry(input_size=5, kernel_size=2, stride=3, dilation=4, padding=(2, 6))
    assert [valid_outputs(axis, k) for k in range(2)] == [range(1, 3), range(1)]


def test_taps_that_never_touch_the_input_have_no_valid_outputs() -> None:
    # Two pixels, three taps 5 apart: −5 0 5 and −4 1 6.  Only the middle tap meets a pixel.
    axis = AxisGeometry(input_size=2, kernel_size=3, dilation=5, padding=(5, 5))
    assert [list(valid_outputs(axis, k)) for k in range(3)] == [[], [0, 1], []]


def test_padding_far_wider_than_the_input() -> None:
    # Width 1, kernel 3, padding 100: of 199 outputs, one through each tap meets the only pixel.
    axis = AxisGeometry(input_size=1, kernel_size=3, padding=(100, 100))
    assert [valid_outputs(axis, k) for k in range(3)] == [range(100, 101), range(99, 100), range(98, 99)]


def test_an_empty_axis_has_no_valid_outputs() -> None:
    axis = AxisGeometry(input_size=0, kernel_size=2, stride=2, padding=(3, 1))
    assert [list(valid_outputs(axis, k)) for k in range(2)] == [[], []]
