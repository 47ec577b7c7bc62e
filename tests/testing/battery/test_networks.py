from __future__ import annotations

import itertools
import math

import pytest

from refconv.testing import Case, cases, find_case
from refconv.testing.battery.networks import NETWORKS as OF_OPERATION

NETWORKS = {family: list(names) for family, names in OF_OPERATION["conv2d"].items()}


def out(case: Case) -> tuple[int, int]:
    """Return channels and size of a square layer's output, by the rules of its two ways of padding."""
    size, kernel, stride = case.input_shape[-1], case.weight_shape[-1], int(case.stride[0])  # type: ignore[index]
    if case.padding == "same_upper":
        return case.weight_shape[0], math.ceil(size / stride)
    padding, dilation = case.padding[0], case.dilation[0]  # type: ignore[index]
    assert isinstance(padding, int)
    return case.weight_shape[0], (size + 2 * padding - (dilation * (kernel - 1) + 1)) // stride + 1


def multiplications(name: str) -> int:
    case = find_case(name)
    return math.prod(case.weight_shape) * out(case)[1] ** 2


def test_networks_are_the_families_of_their_tier() -> None:
    assert [family for family, _ in itertools.groupby(cases("networks"), lambda case: case.family)] == [
        "resnet50",
        "vgg16",
        "mobilenet_v2",
        "efficientnet_b0",
        "deeplabv3",
        "convnext_t",
    ]


def test_layers_are_square_images_one_at_a_time_in_float32() -> None:
    for case in cases("networks"):
        batch, channels, height, width = case.input_shape
        assert (batch, height, case.dtype, case.data) == (1, width, "f32", "exact")
        assert case.groups in (1, channels)
        assert out(case)[1] >= 1


def test_a_shape_that_two_networks_have_stands_with_the_first() -> None:
    both = set(NETWORKS["mobilenet_v2"]) & set(NETWORKS["efficientnet_b0"])
    assert both
    assert {case.family for case in cases("networks") if case.id in both} == {"mobilenet_v2"}
    assert {case.id for case in cases("networks")} == set().union(*NETWORKS.values())


def test_vgg16_as_in_its_table() -> None:
    assert list(dict.fromkeys(NETWORKS["vgg16"])) == [
        "n1-c3-o64-g1-224x224-k3-s1-p1-d1-bias-f32",
        "n1-c64-o64-g1-224x224-k3-s1-p1-d1-bias-f32",
        "n1-c64-o128-g1-112x112-k3-s1-p1-d1-bias-f32",
        "n1-c128-o128-g1-112x112-k3-s1-p1-d1-bias-f32",
        "n1-c128-o256-g1-56x56-k3-s1-p1-d1-bias-f32",
        "n1-c256-o256-g1-56x56-k3-s1-p1-d1-bias-f32",
        "n1-c256-o512-g1-28x28-k3-s1-p1-d1-bias-f32",
        "n1-c512-o512-g1-28x28-k3-s1-p1-d1-bias-f32",
        "n1-c512-o512-g1-14x14-k3-s1-p1-d1-bias-f32",
    ]


def test_the_third_stage_of_resnet50() -> None:
    assert NETWORKS["resnet50"][13:19] == [
        "n1-c512-o256-g1-28x28-k1-s1-p0-d1-f32",
        "n1-c256-o256-g1-28x28-k3-s2-p1-d1-f32",
        "n1-c512-o1024-g1-28x28-k1-s2-p0-d1-f32",
        "n1-c256-o1024-g1-14x14-k1-s1-p0-d1-f32",
        "n1-c1024-o256-g1-14x14-k1-s1-p0-d1-f32",
        "n1-c256-o256-g1-14x14-k3-s1-p1-d1-f32",
    ]


def test_resnet50_multiplies_as_often_as_it_is_said_to() -> None:
    # He et al.: 3.8·10^9 with the stride in the first 1×1; 4.1·10^9 with the stride in the 3×3
    stem, *layers = NETWORKS["resnet50"]
    total = multiplications(stem)
    for blocks, stage in zip((3, 4, 6, 3), stages(layers), strict=True):
        reduce, strided, projection, expand, again, plain = map(multiplications, stage)
        total += reduce + strided + projection + expand + (blocks - 1) * (again + plain + expand)
    assert total == 4_087_136_256


def stages(layers: list[str]) -> list[list[str]]:
    return [layers[start : start + 6] for start in range(0, len(layers), 6)]


@pytest.mark.parametrize(
    ("network", "total"),
    [("mobilenet_v2", 299_494_272), ("efficientnet_b0", 384_534_752)],
)
def test_the_small_networks_multiply_as_often_as_they_are_said_to(network: str, total: int) -> None:
    # Sandler et al.: 300·10^6, and Tan & Le: 0.39·10^9, both with a dense layer of 1280·1000
    assert sum(map(multiplications, NETWORKS[network])) == total


@pytest.mark.parametrize("network", ["mobilenet_v2", "efficientnet_b0"])
def test_each_layer_reads_what_the_one_before_it_writes(network: str) -> None:
    on_maps = [case for case in map(find_case, NETWORKS[network]) if case.input_shape[-1] > 1]
    for before, after in itertools.pairwise(on_maps):
        assert out(before) == (after.input_shape[1], after.input_shape[-1])
    assert out(on_maps[-1]) == (1280, 7)


def test_squeezes_go_down_to_a_quarter_of_the_blocks_input() -> None:
    squeezes = [case for case in map(find_case, NETWORKS["efficientnet_b0"]) if case.input_shape[-1] == 1]
    pairs = [(case.input_shape[1], case.weight_shape[0]) for case in squeezes]
    assert pairs[:6] == [(32, 8), (8, 32), (96, 4), (4, 96), (144, 6), (6, 144)]
    assert all(case.bias_shape is not None for case in squeezes)
    assert len(squeezes) == 2 * 16


def test_efficientnet_pads_as_tensorflow_does_and_has_kernels_of_5() -> None:
    depthwise = [case for case in map(find_case, NETWORKS["efficientnet_b0"]) if case.groups > 1]
    assert {case.padding for case in depthwise} == {"same_upper"}
    assert [case.weight_shape[-1] for case in depthwise] == [3, 3, 3, 5, 5, 3, 3, 3, *[5] * 7, 3]


def test_deeplabv3_has_its_rates() -> None:
    rates = [case.dilation for case in map(find_case, NETWORKS["deeplabv3"]) if case.weight_shape[-1] == 3]
    assert rates == [(2, 2), (4, 4), (8, 8), (6, 6), (12, 12), (18, 18)]
    same_size = [case for case in map(find_case, NETWORKS["deeplabv3"]) if case.input_shape[-1] == 33]
    assert {out(case)[1] for case in same_size} == {33}
    assert NETWORKS["deeplabv3"][-3:] == [
        "n1-c2048-o256-g1-1x1-k1-s1-p0-d1-f32",
        "n1-c1280-o256-g1-33x33-k1-s1-p0-d1-f32",
        "n1-c256-o21-g1-33x33-k1-s1-p0-d1-bias-f32",
    ]


def test_convnext_t_as_in_its_table() -> None:
    assert NETWORKS["convnext_t"][:6] == [
        "n1-c3-o96-g1-224x224-k4-s4-p0-d1-bias-f32",
        "n1-c96-o96-g96-56x56-k7-s1-p3-d1-bias-f32",
        "n1-c96-o384-g1-56x56-k1-s1-p0-d1-bias-f32",
        "n1-c384-o96-g1-56x56-k1-s1-p0-d1-bias-f32",
        "n1-c96-o192-g1-56x56-k2-s2-p0-d1-bias-f32",
        "n1-c192-o192-g192-28x28-k7-s1-p3-d1-bias-f32",
    ]
    assert NETWORKS["convnext_t"][-1] == "n1-c3072-o768-g1-7x7-k1-s1-p0-d1-bias-f32"
    blocks = {
        case.input_shape[-1]: case.input_shape[1] for case in map(find_case, NETWORKS["convnext_t"]) if case.groups > 1
    }
    assert blocks == {56: 96, 28: 192, 14: 384, 7: 768}
