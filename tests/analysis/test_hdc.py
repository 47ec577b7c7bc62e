from __future__ import annotations

import re
from itertools import permutations
from typing import Any

import pytest

from refconv.analysis.hdc import Hdc, Principle, hdc, rising_edges


@pytest.mark.parametrize(
    ("dilations", "second"),
    [
        # mission.md, section 3: the column M_2 of the table ...
        ((1, 2, 4, 8), 2),
        ((1, 2, 5, 9), 2),
        ((5, 9, 17), 9),
        ((1, 2, 5, 9, 5, 9, 17), 2),
        ((2, 3), 3),
        ((1, 2, 8), 4),
        ((1, 3, 9), 3),
        ((6, 12, 18), 12),
        # ... and those in the text.
        ((1, 2, 5), 2),
        ((1, 2, 9), 5),
        ((2, 2, 2), 2),
    ],
    ids=str,
)
def test_the_published_m_2(dilations: tuple[int, ...], second: int) -> None:
    stack = hdc(dilations)
    assert stack.max_distances[1] == second
    assert stack.short_distance.holds == (second <= 3)


def test_the_worked_examples() -> None:
    # mission.md, section 3: M_3=5, M_2=max(1,−1,2)=2; and M_3=9, M_2=max(5,−5,2)=5, M_1=3.
    assert hdc([1, 2, 5]).max_distances == (1, 2, 5)
    assert hdc([1, 2, 9]).max_distances == (3, 5, 9)
    assert "M_2 = max(5 - 2·2, 5 - 2·(5 - 2), 2) = max(1, -1, 2) = 2" in hdc([1, 2, 5]).explain().splitlines()
    assert "M_2 = max(9 - 2·2, 9 - 2·(9 - 2), 2) = max(5, -5, 2) = 5" in hdc([1, 2, 9]).explain().splitlines()


def test_each_of_the_three_terms_can_be_the_largest() -> None:
    assert hdc([2, 9]).max_distances == (5, 9)  # 9 − 2·2
    assert hdc([7, 3]).max_distances == (11, 3)  # 3 − 2·(3 − 7)
    assert hdc([4, 5]).max_distances == (4, 5)  # 4 itself, against −3 and 3


@pytest.mark.parametrize(
    ("dilations", "holds"),
    [
        ([1, 2, 3, 1, 2, 3], True),
        ([1, 2, 5, 9, 1, 2, 5, 9], True),
        ([1, 2, 5, 9, 1, 2, 5, 5, 9, 17], True),  # the paper's own, its last group of rate 2 cut short
        ([1, 2, 3, 1], True),
        ([4], True),
        ([1, 1, 2], False),
        ([2, 2, 2], False),
        ([3, 2, 1], False),
        ([1, 2, 2, 2], False),
    ],
    ids=str,
)
def test_a_sawtooth_rises_and_falls_back(dilations: list[int], holds: bool) -> None:
    assert hdc(dilations).sawtooth.holds is holds


def test_rising_edges() -> None:
    assert rising_edges([1, 2, 3, 1, 2, 2]) == [(1, 2, 3), (1, 2), (2,)]
    assert hdc([1, 2, 2, 1]).sawtooth == Principle("sawtooth", holds=False, reason="1, 2 | 2 | 1")


@pytest.mark.parametrize(
    ("dilations", "factor"), [([2, 4, 8], 2), ([1, 2, 4], 1), ([6, 9], 3), ([4, 6, 9], 1), ([5], 5)]
)
def test_a_common_factor(dilations: list[int], factor: int) -> None:
    principle = hdc(dilations).no_common_factor
    assert principle == Principle("no common factor", factor == 1, f"greatest common divisor {factor}")


def test_the_published_rule_passes_stacks_with_holes() -> None:
    # mission.md, section 3: 2,2,2 and 2,3.
    for dilations, numbers in (([2, 2, 2], "2 <= 3"), ([2, 3], "3 <= 3")):
        stack = hdc(dilations)
        assert stack.short_distance.holds
        assert not stack.hole_free
        assert stack.disagreement == f"M_2 <= K passes this stack ({numbers}), and yet it has holes."
    assert [principle.holds for principle in hdc([2, 3]).principles] == [True, True, True]


def test_the_published_rule_fails_stacks_without_holes() -> None:
    # mission.md, section 3: 1,3,1 and 1,3,2.
    for dilations, numbers in (([1, 3, 1], "5 > 3"), ([1, 3, 2], "4 > 3")):
        stack = hdc(dilations)
        assert not stack.short_distance.holds
        assert stack.hole_free
        assert stack.disagreement == f"M_2 <= K fails this stack ({numbers}), and yet it has no holes."


def test_where_both_agree_there_is_no_sentence() -> None:
    assert hdc([1, 2, 5]).disagreement is None
    assert hdc([1, 2, 9]).disagreement is None
    assert hdc([5]).disagreement is None


def test_the_published_rule_depends_on_the_order_and_the_exact_one_does_not() -> None:
    stacks = [hdc(order) for order in permutations([1, 2, 5])]
    assert {stack.short_distance.holds for stack in stacks} == {True, False}
    assert {stack.hole_free for stack in stacks} == {True}


def test_a_single_layer_has_no_m_2() -> None:
    stack = hdc([4], 5)
    assert stack.max_distances == (4,)
    assert stack.short_distance == Principle("M_2 <= K", holds=None, reason="there is no second layer")
    assert str(stack.short_distance) == "M_2 <= K: says nothing (there is no second layer)"


def test_the_kernel_size_is_the_limit_and_3_unless_told() -> None:
    assert hdc([1, 2, 9]) == hdc([1, 2, 9], 3)
    assert hdc([1, 2, 9], 4).short_distance == Principle("M_2 <= K", holds=False, reason="5 > 4")
    assert hdc([1, 2, 9], 5).short_distance == Principle("M_2 <= K", holds=True, reason="5 <= 5")
    assert hdc([1, 2, 9], 5).hole_free
    assert hdc([1, 2], 2).exact.receptive_field == 4


def test_the_whole_explanation() -> None:
    stack = hdc([1, 3, 1], 3)
    assert isinstance(stack, Hdc)
    assert stack.explain().splitlines() == [
        "M_3 = r_3 = 1",
        "M_2 = max(1 - 2·3, 1 - 2·(1 - 3), 3) = max(-5, 5, 3) = 5",
        "M_1 = max(5 - 2·1, 5 - 2·(5 - 1), 1) = max(3, -3, 1) = 3",
        "M_2 <= K: fails (5 > 3)",
        "sawtooth: holds (1, 3 | 1)",
        "no common factor: holds (greatest common divisor 1)",
        "exact rule: no holes: all of 0 ... 10 are seen",
        "M_2 <= K fails this stack (5 > 3), and yet it has no holes.",
    ]
    assert hdc([1, 2, 5]).explain().endswith("\nexact rule: no holes: all of 0 ... 16 are seen")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 0],), ValueError, "layer 2: dilation=0 must be at least 1"),
        (([],), ValueError, "dilations=[] must have at least one layer"),
        ((5,), TypeError, "dilations=5 must be a sequence of ints, one for each layer"),
        (([1, 2], 1), ValueError, "kernel_size=1 must be at least 2"),
        (([1, 2], (3, 3)), TypeError, "kernel_size=(3, 3) must be an int, not tuple"),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        hdc(*arguments)
