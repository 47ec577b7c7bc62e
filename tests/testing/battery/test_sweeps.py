from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from sampled import one_in

import refconv
from refconv.testing import Case, cases
from refconv.testing.battery.lists import names_of

SWEEPS = names_of("conv2d", "full")
FULL = cases("full", refusals=True)
SWEPT = [case for case in FULL if case.family in {*SWEEPS, "triples"}]


def of(family: str) -> list[Case]:
    return [case for case in FULL if case.family == family]


def test_sweeps_come_after_the_triples_each_in_one_piece() -> None:
    families = [family for family, _ in itertools.groupby(FULL, lambda case: case.family)]
    assert families[families.index("rejected") + 1 :] == [
        "triples",
        "extents",
        "stride sweep",
        "group sweep",
        "reductions",
        "large",
        "layout sweep",
        "same sweep",
        "padding sweep",
        "probe sweep",
        "cubes",
    ]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_the_data_of_exact_cases_add_up_exactly(dtype: str) -> None:
    digits = {"f32": 24, "f64": 53}[dtype]
    exact = [case for case in SWEPT if case.data in ("exact", "ones", "onetap") and case.dtype == dtype]
    assert exact
    for case in exact[::3]:
        assert case.largest_partial_sum() <= 2**digits, case.id


def test_the_triples_hold_three_parameters_together() -> None:
    names = {case.id for case in FULL if case.family in ("triples", "pairwise", "smoke")}
    for kernel, padding, channels in itertools.product(
        ("k1", "k4", "k2x3"), ("p1+0x2+3", "psame_lower", "p7x8"), ("c6-o9-g3", "c5-o5-g5")
    ):
        found = [name for name in names if f"-{kernel}-" in name and f"-{padding}-" in name and f"-{channels}-" in name]
        assert found, (kernel, padding, channels)


@pytest.mark.parametrize("axis", ["height", "width", "in", "out", "depthwise", "batch"])
def test_every_remainder_of_16_and_both_sides_of_128_are_there(axis: str) -> None:
    read: dict[str, Callable[[Case], int]] = {
        "height": lambda case: case.input_shape[2] if case.input_shape[3] in (5, 6) else 0,
        "width": lambda case: case.input_shape[3] if case.input_shape[2] in (5, 6) else 0,
        "in": lambda case: case.input_shape[1] if case.groups == 1 else 0,
        "out": lambda case: case.weight_shape[0] if case.groups == 1 else 0,
        "depthwise": lambda case: case.groups,
        "batch": lambda case: case.input_shape[0],
    }
    extents = {read[axis](case) for case in of("extents")}
    assert {*range(1, 19), 31, 32, 33, 63, 64, 65, 127, 128, 129} <= extents


def test_same_is_swept_in_every_dialect() -> None:
    for axis in (0, 1):
        along = [case for case in of("same sweep") if case.weight_shape[3 - axis] == 1]
        found = {(case.padding, case.stride[axis], case.weight_shape[2 + axis], case.dilation[axis]) for case in along}  # type: ignore[index]
        assert len(found) == 9 * 4 * 3
        assert ("same_lower", 4, 2, 4) in found
        assert ("same", 1, 5, 3) in found
        assert {case.input_shape[2 + axis] for case in along} == {13, 14}


def test_strides_dilations_and_kernels_meet_each_other() -> None:
    found = {(case.stride[1], case.dilation[1], case.weight_shape[3]) for case in of("stride sweep")}  # type: ignore[index]
    assert found == set(itertools.product((1, 2, 4, 5, 6), (2, 3, 4), (1, 2, 3, 4, 5, 7)))


def test_every_set_of_sides_is_padded_by_amounts_of_its_own() -> None:
    sides = {case.padding for case in of("padding sweep")}
    assert sides == {
        ((top, bottom), (left, right)) for top in (0, 1) for bottom in (0, 2) for left in (0, 3) for right in (0, 4)
    } - {((0, 0), (0, 0))} | {(0, 0)}


def test_groups_meet_the_channels_in_and_out_of_each() -> None:
    found = {(case.groups, case.weight_shape[1], case.weight_shape[0] // case.groups) for case in of("group sweep")}
    assert found == set(itertools.product((2, 3, 4, 5, 8, 16), (1, 2, 3, 4), (1, 2, 3, 5)))


def test_reductions_are_long() -> None:
    taps = [case.weight_shape[1] * case.weight_shape[2] * case.weight_shape[3] for case in of("reductions")]
    assert sorted(set(taps)) == [768, 2340, 4635, 9000]


def test_what_is_large_is_there() -> None:
    large = of("large")
    assert max(case.weight_shape[3] for case in large) == max(case.weight_shape[2] for case in large) == 300
    assert max(case.input_shape[1] for case in large) > 2**16 < max(case.weight_shape[0] for case in large)
    assert max(case.groups for case in large) == max(case.input_shape[0] for case in large) == 300


def test_probes_are_ones_and_single_taps() -> None:
    assert {case.data for case in of("probe sweep")} == {"ones", "onetap"}
    assert {case.groups for case in of("probe sweep")} == {1, 2, 3}


def test_cubes_have_equal_extents() -> None:
    for case in of("cubes"):
        batch, *rest = case.input_shape
        assert len({*rest, case.weight_shape[0]}) == 1
        assert batch in (1, 3)


def test_layouts_are_swept() -> None:
    assert len({(case.layout, case.dtype) for case in of("layout sweep")}) == 30
    assert any(len(case.input_shape) == 3 for case in of("layout sweep"))


@pytest.mark.parametrize("family", one_in(2, ["triples", "large", *(name for name in SWEEPS if name != "large")]))
def test_the_loops_and_the_matrix_product_agree_on_some_of_each(family: str) -> None:
    small = sorted(of(family), key=lambda case: case.expected().size * case.weight_shape[1])
    for case in small[: len(small) // 2 : max(1, len(small) // 12)]:
        assert case.check(refconv.conv2d(*case.arrays(), **case.kwargs(), method="direct")).passed, case.id
