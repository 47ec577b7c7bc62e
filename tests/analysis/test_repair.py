from __future__ import annotations

import re
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv.analysis import repair
from refconv.analysis.exact_rule import hole_free
from refconv.analysis.repair import Repair, repair_dilations


def fewest_changes(dilations: tuple[int, ...], kernel_size: int) -> int:
    """Return how few rates must change, by trying every new rate in every choice of layers."""
    for changes in range(len(dilations) + 1):
        for layers in combinations(range(len(dilations)), changes):
            for new in product(range(1, kernel_size ** (len(dilations) - 1) + 1), repeat=changes):
                rates = list(dilations)
                for layer, rate in zip(layers, new, strict=True):
                    rates[layer] = rate
                if hole_free(rates, kernel_size):
                    return changes
    raise AssertionError


@pytest.mark.parametrize(("kernel_size", "largest"), [(2, 6), (3, 12)])
def test_no_fewer_changes_would_do(kernel_size: int, largest: int) -> None:
    for dilations in product(range(1, largest + 1), repeat=3):
        found = repair_dilations(dilations, kernel_size)
        if hole_free(dilations, kernel_size):
            assert found == []
            continue
        fewest = {len(repaired.changes) for repaired in found}
        assert fewest == {fewest_changes(dilations, kernel_size)}
        assert all(hole_free(repaired.dilations, kernel_size) for repaired in found)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(2, 5))
@settings(derandomize=True, max_examples=300)
def test_every_suggestion_leaves_no_holes_and_keeps_the_other_layers(dilations: list[int], kernel_size: int) -> None:
    found = repair_dilations(dilations, kernel_size)
    assert bool(found) != bool(hole_free(dilations, kernel_size))
    distance = [abs(sum(repaired.dilations) - sum(dilations)) for repaired in found]
    assert distance == sorted(distance)
    assert len({tuple(sorted(repaired.dilations)) for repaired in found}) == len(found)
    for repaired in found:
        assert hole_free(repaired.dilations, kernel_size)
        assert repaired.before == tuple(dilations)
        assert len(repaired.changes) == len(found[0].changes)
        for layer, (old, new) in repaired.changes.items():
            assert (dilations[layer - 1], repaired.dilations[layer - 1]) == (old, new)


def test_1_2_9() -> None:
    assert repair_dilations([1, 2, 9]) == [Repair((1, 3, 9), 3, (1, 2, 9)), Repair((1, 2, 7), 3, (1, 2, 9))]
    assert [str(repaired) for repaired in repair_dilations([9, 2, 1])] == [
        "9, 3, 1 (layer 2 from 2 to 3)",
        "7, 2, 1 (layer 1 from 9 to 7)",
    ]
    assert repair_dilations([1, 2, 9])[1].changes == {3: (9, 7)}


def test_the_closest_receptive_field_comes_first_and_then_the_smaller_rates() -> None:
    assert [repaired.dilations for repaired in repair_dilations([1, 2, 9])] == [
        (1, 3, 9),
        (1, 2, 7),
    ]  # 27 and 21 for 25
    assert [repaired.dilations for repaired in repair_dilations([1, 2, 8])] == [
        (1, 2, 7),
        (1, 3, 8),
    ]  # 21 and 25 for 23
    assert [repaired.dilations for repaired in repair_dilations([2, 3])] == [(1, 3), (2, 1)]


def test_several_changes() -> None:
    # 1 and 3 bridge to 6, and to 9; 1 to 5, and 3 is what is left.
    assert [str(repaired) for repaired in repair_dilations([6, 12, 18])] == [
        "6, 1, 3 (layer 2 from 12 to 1, layer 3 from 18 to 3)"
    ]
    assert [repaired.dilations for repaired in repair_dilations([5, 9, 17])] == [(1, 9, 3), (5, 1, 3)]


def test_equal_rates_change_in_the_first_layer() -> None:
    assert [repaired.dilations for repaired in repair_dilations([2] * 5)] == [(1, 2, 2, 2, 2)]
    assert [repaired.dilations for repaired in repair_dilations([2, 2], 2)] == [(1, 2)]


def test_a_changed_layer_that_has_nothing_to_bridge_steps_as_far_as_the_others_reach() -> None:
    assert repair_dilations([1, 2, 4, 100])[0].dilations == (1, 2, 4, 15)
    assert [repaired.dilations for repaired in repair_dilations([100, 1, 90, 2])] == [(21, 1, 7, 2)]


def test_no_choice_is_tried_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repair.MOST_CHOICES == 10_000
    assert len(repair_dilations([2, 4, 6, 8, 10, 12, 14])) == 6
    monkeypatch.setattr(repair, "MOST_CHOICES", 1)
    assert [str(found) for found in repair_dilations([2, 4, 6, 8])] == ["2, 4, 6, 1 (layer 4 from 8 to 1)"]


def test_three_taps_unless_told() -> None:
    assert repair_dilations([1, 3]) == []
    assert repair_dilations([1, 3], 2) == [Repair((1, 2), 2, (1, 3))]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 0],), ValueError, "layer 2: dilation=0 must be at least 1"),
        (([],), ValueError, "dilations=[] must have at least one layer"),
        (([1], 1), ValueError, "kernel_size=1 must be at least 2"),
        (("12",), TypeError, "dilations='12' must be a sequence of ints, one for each layer"),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        repair_dilations(*arguments)
