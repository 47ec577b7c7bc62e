from __future__ import annotations

import re
from itertools import combinations_with_replacement
from typing import Any

import pytest

from refconv.analysis import dilation_design, rate_search
from refconv.analysis.dilation_design import Design, design_dilations, fewest_layers
from refconv.analysis.exact_rule import hole_free
from refconv.analysis.hdc import rising_edges


def rates(*arguments: Any, **keywords: Any) -> list[tuple[int, ...]]:
    return [design.dilations for design in design_dilations(*arguments, **keywords)]


def by_listing(layers: int, kernel_size: int, largest: int) -> dict[int, set[tuple[int, ...]]]:
    """Return all rising rates without holes, by receptive field, by looking at every candidate."""
    found: dict[int, set[tuple[int, ...]]] = {}
    for candidate in combinations_with_replacement(range(1, largest + 1), layers):
        if hole_free(candidate, kernel_size):
            found.setdefault(1 + (kernel_size - 1) * sum(candidate), set()).add(candidate)
    return found


@pytest.mark.parametrize(("kernel_size", "layers"), [(2, 1), (2, 3), (2, 5), (3, 1), (3, 2), (3, 4), (4, 2), (4, 3)])
@pytest.mark.parametrize("most", [None, 1, 2, 5])
def test_the_search_finds_what_listing_finds(kernel_size: int, layers: int, most: int | None) -> None:
    listed = by_listing(layers, kernel_size, min(most or 99, kernel_size ** (layers - 1)))
    smallest, largest = min(listed), max(listed)
    assert sorted(listed) == list(range(smallest, largest + 1, kernel_size - 1))  # nothing in between is missing
    for size, expected in listed.items():
        found = rates(layers, kernel_size, receptive_field=size, max_dilation=most)
        assert len(found) == len(expected)
        assert set(found) == expected
    for size in {smallest - kernel_size + 1, largest + kernel_size - 1} - {1}:
        with pytest.raises(ValueError, match=rf"^receptive_field={size} must be {smallest} to {largest}, "):
            design_dilations(layers, kernel_size, receptive_field=size, max_dilation=most)


def test_the_designs_for_17_pixels() -> None:
    # mission.md, section 3: three 3×3 layers at 1,2,5 see 17.
    found = design_dilations(3, receptive_field=17)
    assert [design.dilations for design in found] == [(1, 2, 5), (1, 3, 4)]
    assert {design.receptive_field for design in found} == {17}
    assert found[0] == Design((1, 2, 5), kernel_size=3)
    assert [design.use.evenness for design in found] == sorted((design.use.evenness for design in found), reverse=True)


def test_three_layers_of_three_taps_see_27_pixels_at_1_3_9_and_use_each_once() -> None:
    # mission.md, section 3, the corollary.
    (design,) = design_dilations(3, receptive_field=27)
    assert design.dilations == (1, 3, 9)
    assert set(design.use.counts) == {1}


@pytest.mark.parametrize(("kernel_size", "layers", "size"), [(2, 5, 20), (3, 5, 41), (4, 3, 31)])
def test_the_most_even_use_comes_first_and_then_the_smaller_rates(kernel_size: int, layers: int, size: int) -> None:
    found = design_dilations(layers, kernel_size, receptive_field=size)
    assert len(found) > 2
    assert [design.dilations for design in found] == sorted(
        (design.dilations for design in found), key=lambda r: (-Design(r, kernel_size).use.evenness, r)
    )


def test_a_group_is_repeated_like_a_sawtooth() -> None:
    found = rates(6, receptive_field=25, repeats=2)
    assert set(found) == {(1, 2, 3, 1, 2, 3), (1, 1, 4, 1, 1, 4)}  # 1,1,4: two layers at 1 reach 5
    expected = {
        candidate * 2
        for candidate in combinations_with_replacement(range(1, 30), 3)
        if 1 + 2 * 2 * sum(candidate) == 61 and hole_free(candidate * 2)
    }
    found = rates(6, receptive_field=61, repeats=2)
    assert set(found) == expected
    assert (1, 5, 9) * 2 in expected
    assert rising_edges(found[0]) == [found[0][:3]] * 2
    evenness = [Design(candidate, 3).use.evenness for candidate in found]
    assert evenness == sorted(evenness, reverse=True)


def test_the_fewest_layers_are_taken_where_none_are_given() -> None:
    assert rates(receptive_field=27) == [(1, 3, 9)]
    assert {len(found) for found in rates(receptive_field=29)} == {4}
    assert {len(found) for found in rates(receptive_field=29, max_dilation=2)} == {8}
    assert rates(receptive_field=25, repeats=2) == [(1, 5, 1, 5)]
    assert rates(kernel_size=2, receptive_field=8) == [(1, 2, 4)]


@pytest.mark.parametrize("kernel_size", [2, 3, 5])
@pytest.mark.parametrize("most", [None, 1, 2, 4, 7])
def test_the_fewest_layers_by_trying(kernel_size: int, most: int | None) -> None:
    for size in range(kernel_size, 60, kernel_size - 1):
        for layers in range(1, 60):
            try:
                design_dilations(layers, kernel_size, receptive_field=size, max_dilation=most)
            except ValueError:
                continue
            assert fewest_layers(size, kernel_size, most) == layers
            break


def test_the_fewest_layers_of_three_taps_unless_told() -> None:
    assert [fewest_layers(size) for size in (3, 5, 9, 11, 27, 29, 81, 83)] == [1, 2, 2, 3, 3, 4, 4, 5]
    assert fewest_layers(10**9 + 1, max_dilation=1) == 500_000_000


def test_a_billion_candidates_are_not_listed() -> None:
    # 37 rates in 10 layers are 1.7e9 rising sequences; the search looks at nothing that does not lead to an answer.
    search = rate_search.RateSearch(group=10, repeats=1, kernel_size=3, total=10 + 20, most=37)
    nodes = []

    class Watched(rate_search.RateSearch):
        def next_rates(self, rates: tuple[int, ...], total: int) -> range:
            nodes.append(super().next_rates(rates, total))
            return nodes[-1]

    watched = Watched(search.group, search.repeats, search.kernel_size, search.total, search.most)
    assert watched.ranked() == search.ranked()
    assert all(nodes)  # no dead ends


def test_more_designs_than_anyone_can_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(design_dilations(5, receptive_field=41))
    monkeypatch.setattr(rate_search, "MOST_WORK", 41 * 6 * count)
    assert len(design_dilations(5, receptive_field=41)) == count
    monkeypatch.setattr(rate_search, "MOST_WORK", 41 * 6 * count - 1)
    message = (
        f"receptive_field=41 can be had from 5 layers in more than {count - 1} ways; "
        "ask for fewer layers or a smaller max_dilation"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        design_dilations(5, receptive_field=41)


def test_a_receptive_field_as_large_as_can_be() -> None:
    assert rates(1, 100_000, receptive_field=100_000) == [(1,)]
    assert rates(receptive_field=3**8) == [tuple(3**layer for layer in range(8))]


@pytest.mark.parametrize("copies", range(1, 20))
def test_a_sum_of_copies_is_doubled_up(copies: int) -> None:
    assert rate_search._sum_of_copies(7, 5, copies) == sum(7 << 5 * copy for copy in range(copies))


def test_the_limits() -> None:
    assert (rate_search.LARGEST_FIELD, rate_search.MOST_WORK, dilation_design.MOST_LAYERS) == (10**5, 5 * 10**8, 200)
    assert rates(200, receptive_field=401) == [(1,) * 200]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"layers": 3, "receptive_field": 29},
            ValueError,
            "receptive_field=29 must be 7 to 27, which is what 3 layers of kernel size 3 see without holes",
        ),
        (
            {"layers": 3, "receptive_field": 5},
            ValueError,
            "receptive_field=5 must be 7 to 27, which is what 3 layers of kernel size 3 see without holes",
        ),
        (
            {"layers": 4, "kernel_size": 2, "receptive_field": 12, "max_dilation": 3},
            ValueError,
            "receptive_field=12 must be 5 to 10, which is what 4 layers of kernel size 2 see without holes at dilations up to 3",
        ),
        (
            {"layers": 4, "receptive_field": 121, "repeats": 2},
            ValueError,
            "receptive_field=121 must be 9 to 25, which is what 4 layers of kernel size 3 see without holes",
        ),
        (
            {"layers": 3, "receptive_field": 14},
            ValueError,
            "receptive_field=14 must be 1 and a multiple of 2: 13 and 15 are",
        ),
        (
            {"layers": 4, "receptive_field": 27, "repeats": 2},
            ValueError,
            "receptive_field=27 must be 1 and a multiple of 4: 25 and 29 are",
        ),
        ({"layers": 5, "receptive_field": 25, "repeats": 2}, ValueError, "layers=5 must be a multiple of repeats=2"),
        ({"layers": 0, "receptive_field": 25}, ValueError, "layers=0 must be at least 1"),
        ({"layers": 201, "receptive_field": 601}, ValueError, "layers=201 must be at most 200"),
        ({"layers": 2.0, "receptive_field": 9}, TypeError, "layers=2.0 must be an int, not float"),
        ({"receptive_field": 2}, ValueError, "receptive_field=2 must be at least 3"),
        ({"kernel_size": 1, "receptive_field": 2}, ValueError, "kernel_size=1 must be at least 2"),
        ({"receptive_field": 9, "max_dilation": 0}, ValueError, "max_dilation=0 must be at least 1"),
        ({"receptive_field": 9, "repeats": 0}, ValueError, "repeats=0 must be at least 1"),
        (
            {"receptive_field": 100_001},
            ValueError,
            "receptive_field=100001 must be at most 100000 to be designed for",
        ),
        ({"receptive_field": 403, "max_dilation": 1}, ValueError, "layers=201 must be at most 200"),
        ({"layers": 402, "receptive_field": 1609, "repeats": 2}, ValueError, "layers=402 must be at most 200"),
    ],
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        design_dilations(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "receptive_field=1 must be at least 3"),
        ((4,), "receptive_field=4 must be 1 and a multiple of 2: 3 and 5 are"),
        ((4, 1), "kernel_size=1 must be at least 2"),
        ((4, 2, 0), "max_dilation=0 must be at least 1"),
    ],
)
def test_fewest_layers_of_bad_input(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fewest_layers(*arguments)
