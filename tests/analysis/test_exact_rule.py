from __future__ import annotations

import re
from itertools import combinations_with_replacement, permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv.analysis.exact_rule import HoleFree, hole_free


def seen(rates: Any, kernel_sizes: Any) -> set[int]:
    """Return every offset that a chain reads, by adding one choice of tap after another."""
    offsets = {0}
    for rate, kernel in zip(rates, kernel_sizes, strict=True):
        offsets = {offset + rate * tap for offset in offsets for tap in range(kernel)}
    return offsets


def check_against_brute_force(rates: Any, kernel_sizes: Any) -> None:
    verdict = hole_free(rates, kernel_sizes)
    offsets = seen(rates, kernel_sizes)
    everything = set(range(max(offsets) + 1))
    assert verdict.receptive_field == len(everything)
    assert bool(verdict) == (offsets == everything), (rates, kernel_sizes)
    if not verdict:
        missed, last = verdict.missed, max(offsets)
        assert missed is not None
        assert {missed, last - missed} <= everything - offsets
        assert verdict.layer is not None
        assert kernel_sizes[verdict.layer - 1] > 1
        assert missed == min(everything - offsets)


# mission.md, section 3: the table, and the stacks in the text.  Receptive field and positions used, along one axis.
STACKS = [
    ((1, 1, 1), 7, 7),
    ((2, 2, 2), 13, 7),
    ((1, 2, 3), 13, 13),
    ((1, 2, 5), 17, 17),
    ((1, 2, 9), 25, 21),
    ((2, 4, 8), 29, 15),
    ((1, 2, 4, 8), 31, 31),
    ((1, 2, 5, 9), 35, 35),
    ((5, 9, 17), 63, 27),
    ((1, 2, 5, 9, 5, 9, 17), 97, 97),
    ((2, 3), 11, 9),
    ((1, 2, 8), 23, 21),
    ((1, 3, 9), 27, 27),
    ((6, 12, 18), 73, 13),
    ((3, 3), 13, 5),  # two layers at rate 3 give 13, as do three at rate 2
    ((2, 2), 9, 5),  # and two at rate 2 give 9, whatever one article says
    ((1, 3, 1), 11, 11),
    ((1, 3, 2), 13, 13),
]


@pytest.mark.parametrize(("rates", "size", "used"), STACKS, ids=str)
def test_the_stacks_of_the_paper_and_around_it(rates: tuple[int, ...], size: int, used: int) -> None:
    verdict = hole_free(rates)
    assert verdict.receptive_field == size
    assert len(seen(rates, [3] * len(rates))) == used
    assert bool(verdict) == (used == size)


def test_every_stack_of_up_to_four_layers_at_rates_up_to_six_against_brute_force() -> None:
    for layers in range(1, 5):
        for rates in combinations_with_replacement(range(1, 7), layers):
            for kernel in (1, 2, 3, 4):
                check_against_brute_force(rates, [kernel] * layers)


def test_every_pair_of_layers_with_kernels_of_their_own_against_brute_force() -> None:
    for rates in product(range(1, 6), repeat=2):
        for kernel_sizes in product(range(1, 6), repeat=2):
            check_against_brute_force(rates, kernel_sizes)


@given(st.lists(st.tuples(st.integers(1, 14), st.integers(1, 5)), min_size=1, max_size=5))
@settings(derandomize=True, max_examples=600)
def test_random_stacks_against_brute_force(layers: list[tuple[int, int]]) -> None:
    rates, kernel_sizes = zip(*layers, strict=True)
    check_against_brute_force(rates, kernel_sizes)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=5))
@settings(derandomize=True, max_examples=1500)
def test_random_strided_stacks_against_brute_force(layers: list[tuple[int, int, int]]) -> None:
    rates, step = [], 1
    for dilation, stride, _ in layers:
        rates.append(dilation * step)
        step *= stride
    check_against_brute_force(rates, [kernel for _, _, kernel in layers])


def test_the_order_of_the_layers_does_not_matter() -> None:
    for rates in permutations([1, 3, 9]):
        assert hole_free(rates)
    for rates in permutations([2, 1, 9]):
        verdict = hole_free(rates)
        assert not verdict
        assert (verdict.layer, verdict.missed) == (rates.index(9) + 1, 7)


@pytest.mark.parametrize(("kernel", "layers"), [(2, 5), (3, 4), (5, 3)])
def test_n_layers_see_at_most_the_kernel_to_the_power_of_n_without_holes(kernel: int, layers: int) -> None:
    # mission.md, section 3, the corollary.  One step further in any layer makes a hole.
    rates = [kernel**layer for layer in range(layers)]
    verdict = hole_free(rates, kernel)
    assert verdict
    assert verdict.receptive_field == kernel**layers
    for layer in range(layers):
        rates[layer] += 1
        assert not hole_free(rates, kernel)
        rates[layer] -= 1


def test_a_layer_of_one_tap_takes_no_part() -> None:
    assert hole_free([1, 99, 2], [3, 1, 3])
    assert hole_free([7], 1)
    verdict = hole_free([7, 2], [1, 4])
    assert (verdict.layer, verdict.missed) == (2, 1)


def test_each_kernel_size_belongs_to_its_own_layer() -> None:
    assert hole_free([1, 5], [5, 2])
    assert hole_free([5, 1], [2, 5])
    verdict = hole_free([1, 5], [2, 5])
    assert (verdict.layer, verdict.missed, verdict.receptive_field) == (2, 2, 22)


def test_kernels_have_three_taps_unless_told() -> None:
    assert hole_free([1, 3]).kernel_sizes == (3, 3)


def test_the_verdict_is_data() -> None:
    assert hole_free([4, 1], [2, 3]) == HoleFree(rates=(4, 1), kernel_sizes=(2, 3), layer=1, missed=3)
    assert hole_free([3, 1], [2, 3]) == HoleFree(rates=(3, 1), kernel_sizes=(2, 3), layer=None, missed=None)


def test_the_explanation_of_a_stack_without_holes() -> None:
    assert hole_free([5, 1, 2], [2, 3, 4]).explain().splitlines() == [
        "layer 2 at rate 1: 1 <= 1, reaches 3",
        "layer 3 at rate 2: 2 <= 3, reaches 3 + 3·2 = 9",
        "layer 1 at rate 5: 5 <= 9, reaches 9 + 1·5 = 14",
        "no holes: all of 0 ... 13 are seen",
    ]


def test_the_explanation_of_a_stack_with_holes_ends_at_the_layer_that_breaks_the_rule() -> None:
    assert hole_free([12, 1, 6], [2, 3, 4]).explain().splitlines() == [
        "layer 2 at rate 1: 1 <= 1, reaches 3",
        "layer 3 at rate 6: 6 > 3, the receptive field of the finer layers",
        "holes: pixel 3 of 0 ... 32 is not seen",
    ]
    assert hole_free([3, 2]).explain().splitlines() == [
        "layer 2 at rate 2: 2 > 1, and the finest layer must step by 1",
        "holes: pixel 1 of 0 ... 10 is not seen",
    ]
    assert hole_free([3], 1).explain() == "no holes: all of 0 ... 0 are seen"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2, 0],), ValueError, "layer 3: rate=0 must be at least 1"),
        (([1, -2, 0],), ValueError, "layer 2: rate=-2 must be at least 1"),
        (([1.5],), TypeError, "layer 1: rate=1.5 must be an int, not float"),
        ((3,), TypeError, "rates=3 must be a sequence of ints, one for each layer"),
        (("123",), TypeError, "rates='123' must be a sequence of ints, one for each layer"),
        (([],), ValueError, "rates=[] must have at least one layer"),
        (([1, 2], 0), ValueError, "kernel_size=0 must be at least 1"),
        (([1, 2], [3, 0]), ValueError, "layer 2: kernel_size=0 must be at least 1"),
        (
            ([1, 2, 5], [3, 3]),
            ValueError,
            "kernel_size=[3, 3] must have 3 elements, one for each layer as rates=(1, 2, 5)",
        ),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        hole_free(*arguments)
