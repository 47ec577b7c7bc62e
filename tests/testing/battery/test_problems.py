"""The problems of benchmarks of generated kernels: as they are there, and made smaller."""

from __future__ import annotations

import math

import pytest

import refconv
from refconv.operations import OPERATIONS
from refconv.testing import cases, find_case
from refconv.testing.battery.problems import PROBLEMS, scaled, smaller

ALL = {tier: [case for op in OPERATIONS for case in cases(tier, op=op)] for tier in PROBLEMS}


def test_kernelbench_has_35_problems_one_of_which_has_two_layers() -> None:
    families = [case.family for case in ALL["kernelbench"]]
    assert len(set(families)) == 35
    assert {family for family in families if families.count(family) != 2} == {"kernelbench-86"}
    assert families.count("kernelbench-86") == 4
    numbers = {int(family.rpartition("-")[2]) for family in families}
    assert numbers == {50, *range(54, 88)}


def test_each_layer_is_there_with_whole_numbers_and_with_those_of_the_problem() -> None:
    assert [case.data for case in ALL["kernelbench"]] == ["exact", "uniform"] * 36
    assert [case.data for case in ALL["gpumode"]] == ["exact", "real"] * 10
    assert {case.dtype for tier in ALL.values() for case in tier} == {"f32"}


def test_a_layer_with_all_its_parameters() -> None:
    (case, _) = cases("kernelbench", op="conv_transpose3d", match="kernelbench-72")
    assert case.input_shape == (8, 32, 12, 24, 48)
    assert case.weight_shape == (32, 8, 3, 5, 7)
    assert case.kwargs() == {
        "stride": (2, 2, 2),
        "padding": (1, 2, 3),
        "output_padding": (1, 1, 1),
        "groups": 4,
        "dilation": (1, 1, 1),
    }
    (causal, _) = cases("gpumode", op="conv1d")
    assert (causal.padding, causal.groups, causal.bias_shape) == (((3, 0),), 2560, (2560,))


def test_what_no_benchmark_asks_has_no_cases() -> None:
    assert {case.op for case in ALL["gpumode"]} == {"conv1d", "conv2d"}
    with pytest.raises(ValueError, match=r"^no case of conv2d_weight in tier 'kernelbench' has match=''"):
        refconv.testing.check("refconv", "kernelbench", op="conv2d_weight")


def test_a_scale_divides_batch_and_images_and_leaves_room_for_some_outputs() -> None:
    (case, _) = cases("kernelbench", match="kernelbench-80", scale=8)
    assert case.id == "n2-c32-o64-g1-64x64-k5x9-s1-p2x4-d2x3-f32"
    (smallest, _) = cases("kernelbench", match="kernelbench-80", scale=10**6)
    assert smallest.input_shape == (2, 32, 2 * 4 + 1 + 3, 3 * 8 + 1 + 4)
    assert smallest.family == "kernelbench-80"
    (of_one, _) = cases("gpumode", match="gpumode-8", scale=10**6)
    assert of_one.input_shape[0] == 1
    with pytest.raises(ValueError, match=r"^scale=0 must be at least 1$"):
        cases("kernelbench", scale=0)


def test_cases_that_become_the_same_are_one() -> None:
    at_28_and_14 = [f"n1-c512-o512-g1-{size}-k3-s1-p1-d1-bias-f32" for size in ("28x28", "14x14")]
    assert {*at_28_and_14} <= {case.id for case in cases("networks")}
    ids = [case.id for case in cases("networks", scale=10**6)]
    assert ids.count("n1-c512-o512-g1-6x7-k3-s1-p1-d1-bias-f32") == 1


def test_a_scaled_transposed_case_of_a_size_that_was_asked_for_has_its_own() -> None:
    case = find_case("conv_transpose1d-n2-c2-o3-g1-40-k3-s2-p1-h80-d1-f32")
    assert scaled(case, 4).id == "conv_transpose1d-n2-c2-o3-g1-10-k3-s2-p1-d1-f32"


def test_bulk_is_the_largest_array_or_the_multiplications() -> None:
    numbers = find_case("n16-c64-o128-g1-1024x1024-k1-s1-p0-d1-f32")
    assert numbers.bulk == 16 * 128 * 2**20 / 2**24
    work = find_case("n1-c128-o128-g1-256x256-k32-s1-p0-d1-f32")
    assert work.bulk == 128 * 225 * 225 * 128 * 32 * 32 / 2**34
    up = find_case("conv_transpose2d-n8-c64-o64-g1-512x512-k3x7-s1-p0-d1-f32")
    assert up.bulk == 512 * 512 * 8 * 64 * 64 * 21 / 2**34
    assert find_case("reject-stride-zero").bulk == 0
    assert find_case("conv2d_integer-n1-c1-o1-g1-5x6-k3-s1-p0-d1-u8").bulk == 0


def test_only_the_problems_are_too_large_to_be_computed_in_full() -> None:
    for op in OPERATIONS:
        assert all(case.bulk <= 1 for tier in ("core", "networks") for case in cases(tier, op=op))
    assert sum(case.bulk > 1 for case in ALL["kernelbench"]) == 72
    assert [case.bulk > 1 for case in ALL["gpumode"]].count(True) == 6


def test_a_smaller_case_has_the_same_parameters_and_can_be_computed_in_full() -> None:
    for tier in ALL.values():
        for case in tier:
            small = smaller(case)
            assert (small is case) == (case.bulk <= 1)
            assert small.bulk <= 1
            assert small.kwargs() == case.kwargs()
            assert (small.weight_shape, small.data, small.op) == (case.weight_shape, case.data, case.op)
            outputs = small.plan.output_size
            assert math.prod(outputs) >= 4
