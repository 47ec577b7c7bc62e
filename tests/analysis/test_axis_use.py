from __future__ import annotations

from fractions import Fraction

import pytest

from refconv.analysis.axis_use import AxisUse


def test_every_number_of_an_axis_with_holes() -> None:
    use = AxisUse((2, 0, 0, 1, 0, 4, 1, 0, 3))
    assert use.size == 9
    assert use.positions == (0, 3, 5, 6, 8)
    assert use.used == 5
    assert use.holes == (1, 2, 4, 7)
    assert use.largest_gap == 3
    assert use.common_factor == 1
    assert (use.largest, use.smallest, use.centre) == (4, 0, (0,))
    assert use.evenness == Fraction(121, 9 * 31)  # 11² over 9 · (4 + 1 + 16 + 1 + 9)


def test_taps_become_counts_with_zeros_between() -> None:
    assert AxisUse.of_taps({3: 5, -2: 1, 0: 2}).counts == (1, 0, 2, 0, 0, 5)
    assert AxisUse.of_taps({7: 3}).counts == (3,)


@pytest.mark.parametrize(
    ("counts", "factor", "gap"),
    [((1, 0, 0, 1, 0, 0, 1), 3, 3), ((1, 0, 0, 0, 1, 0, 1), 2, 4), ((1, 1, 1), 1, 1), ((4,), 0, 0)],
)
def test_a_common_factor_makes_a_grid(counts: tuple[int, ...], factor: int, gap: int) -> None:
    assert AxisUse(counts).common_factor == factor
    assert AxisUse(counts).largest_gap == gap


@pytest.mark.parametrize(
    ("counts", "centre"),
    [((5,), (5,)), ((5, 6), (5, 6)), ((5, 6, 7), (6,)), ((5, 6, 7, 8), (6, 7)), ((5, 6, 7, 8, 9), (7,))],
)
def test_an_even_size_has_two_pixels_in_the_centre(counts: tuple[int, ...], centre: tuple[int, ...]) -> None:
    assert AxisUse(counts).centre == centre


def test_evenness_is_1_for_equal_counts_and_less_for_others() -> None:
    assert AxisUse((3,) * 27).evenness == 1
    assert AxisUse((1, 2, 1)).evenness == Fraction(16, 18)
    assert AxisUse((1, 0, 1)).evenness == Fraction(2, 3)  # a hole is use, too: none


def test_smallest_is_the_smallest_where_there_is_no_hole() -> None:
    assert AxisUse((3, 2, 5)).smallest == 2
