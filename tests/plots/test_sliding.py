from __future__ import annotations

import pytest

from refconv.geometry.axis import AxisGeometry
from refconv.plots.sliding import SlidingAxis

_: None = None


def test_the_cells_of_a_convolution_are_its_padded_input() -> None:
    # 7 pixels, K = 3, S = 2, D = 2, T = 1, B = 3: P = (11 − 5) // 2 + 1 = 4, and output p reads 2·p + 2·k − 1.
    axis = SlidingAxis(AxisGeometry(7, 3, stride=2, dilation=2, padding=(1, 3)))
    assert axis.steps == 4
    assert axis.cells == range(-1, 10)
    assert axis.sources == [_, 0, 1, 2, 3, 4, 5, 6, _, _, _]
    assert axis.interior == range(1, 8)
    assert [axis.window(p) for p in range(4)] == [[-1, 1, 3], [1, 3, 5], [3, 5, 7], [5, 7, 9]]


def test_pixels_that_the_stride_leaves_unread_are_cells_too() -> None:
    axis = SlidingAxis(AxisGeometry(4, 1, stride=3))
    assert axis.cells == range(4)
    assert axis.sources == [0, 1, 2, 3]
    assert SlidingAxis(AxisGeometry(3, 1, stride=3, padding=(0, 2))).cells == range(5)
    assert SlidingAxis(AxisGeometry(3, 3, padding=(0, 0))).cells == range(3)


@pytest.mark.parametrize(
    ("mode", "sources"),
    [
        ("zeros", [_, _, 0, 1, 2, _]),
        ("reflect", [2, 1, 0, 1, 2, 1]),
        ("replicate", [0, 0, 0, 1, 2, 2]),
        ("circular", [1, 2, 0, 1, 2, 0]),
    ],
)
def test_what_stands_in_the_padding(mode: str, sources: list[int | None]) -> None:
    axis = SlidingAxis(AxisGeometry(3, 2, padding=(2, 1)), padding_mode=mode)
    assert axis.sources == sources
    assert axis.interior == range(2, 5)


def test_a_transposed_convolution_spreads_its_pixels_and_reads_backwards() -> None:
    # P = 3, S = 3, K = 3, D = 1, T = 1, B = 0, E = 0: H = 3·2 + 2 + 1 − 1 = 8.  Output h stands on h + 1 − k.
    axis = SlidingAxis(AxisGeometry(8, 3, stride=3, padding=(1, 0)), pixels=3)
    assert axis.steps == 8
    assert axis.last == 6
    assert axis.cells == range(-1, 9)
    assert axis.sources == [_, 0, _, _, 1, _, _, 2, _, _]
    assert axis.interior == range(1, 8)
    assert axis.window(0) == [1, 0, -1]
    assert axis.window(7) == [8, 7, 6]


def test_the_zeros_of_the_output_padding_stand_at_the_end() -> None:
    # The odd example of Dumoulin & Visin: a 6×6 input, K = 3, S = 2, padding 1, gives 3×3; back to 6 it takes E = 1.
    plain = SlidingAxis(AxisGeometry(5, 3, stride=2, padding=(1, 1)), pixels=3)
    odd = SlidingAxis(AxisGeometry(6, 3, stride=2, padding=(1, 1)), pixels=3)
    assert plain.sources == [_, 0, _, 1, _, 2, _]
    assert odd.sources == [*plain.sources, _]
    assert odd.cells.start == plain.cells.start == -1


def test_pixels_that_the_padding_crops_are_still_there() -> None:
    # T = B = 3 is more than K − 1 = 1: H = 5·1 + 1 + 1 − 6 = 1, which stands on cells 3 and 2.
    axis = SlidingAxis(AxisGeometry(1, 2, padding=(3, 3)), pixels=6)
    assert axis.cells == range(6)
    assert axis.sources == [0, 1, 2, 3, 4, 5]
    assert axis.window(0) == [3, 2]


def test_dilated_taps_of_a_transposed_convolution_stand_apart() -> None:
    # P = 2, S = 1, D = 2, K = 2: H = 1 + 2 + 1 = 4.
    axis = SlidingAxis(AxisGeometry(4, 2, dilation=2), pixels=2)
    assert [axis.window(h) for h in range(4)] == [[0, -2], [1, -1], [2, 0], [3, 1]]
    assert axis.cells == range(-2, 4)


def test_the_formula_of_the_size() -> None:
    forward = SlidingAxis(AxisGeometry(11, 3, stride=4, dilation=2, padding=(5, 7)))
    assert forward.size_formula == "⌊(11 + 5 + 7 − 2·(3 − 1) − 1) / 4⌋ + 1 = 5"
    # 4·(5 − 1) + 2·(3 − 1) + 1 + 3 − 1 − 2 = 21
    transposed = SlidingAxis(AxisGeometry(21, 3, stride=4, dilation=2, padding=(1, 2)), pixels=5)
    assert transposed.size_formula == "4·(5 − 1) + 2·(3 − 1) + 1 + 3 − 1 − 2 = 21"
