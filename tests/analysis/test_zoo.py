from __future__ import annotations

import re

import pytest

from refconv.analysis import Conv, Layers, Parallel, Pool, receptive_field, zoo
from refconv.analysis.trace import feature_maps

# size, stride, padding at the named point; Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural
# Networks" (Distill, 2019) and its table, for all but the last lines.
PUBLISHED = {
    ("alexnet", "conv1"): (11, 4, 0),
    ("alexnet", "pool1"): (19, 8, 0),
    ("alexnet", "conv2"): (51, 8, 16),
    ("alexnet", "conv3"): (99, 16, 32),
    ("alexnet", "conv4"): (131, 16, 48),
    ("alexnet", "conv5"): (163, 16, 64),
    ("alexnet", "pool5"): (195, 32, 64),
    ("vgg16", "pool1"): (6, 2, 2),
    ("vgg16", "pool2"): (16, 4, 6),
    ("vgg16", "pool3"): (44, 8, 18),
    ("vgg16", "pool4"): (100, 16, 42),
    ("vgg16", "conv5_1"): (132, 16, 58),
    ("vgg16", "conv5_2"): (164, 16, 74),
    ("vgg16", "pool5"): (212, 32, 90),
    ("vgg11", "pool5"): (150, 32, 59),
    ("resnet50-slim", "block1"): (35, 8, 15),
    ("resnet50-slim", "block2"): (99, 16, 47),
    ("resnet50-slim", "block3"): (291, 32, 143),
    ("resnet50-slim", "block4"): (483, 32, 239),
    ("resnet101-slim", "block4"): (1027, 32, 511),
    ("resnet152-slim", "block4"): (1507, 32, 751),
    ("resnet50", "layer4"): (427, 32, 213),
    # Derived by hand.  torchvision's 101 and 152 have 17 and 34 - 4·16 more 3×3 at stride 16 (and 8): 32 pixels each.
    ("resnet101", "layer4"): (427 + 17 * 32, 32, 213 + 17 * 16),
    ("resnet152", "layer4"): (427 + 4 * 16 + 30 * 32, 32, 213 + 4 * 8 + 30 * 16),
    # A dilation in place of a stride keeps the size; the widest branch adds 2·36 steps of 8 pixels.
    ("deeplabv3-resnet50", "layer2"): (91, 8, 45),
    ("deeplabv3-resnet50", "layer3"): (267, 8, 133),
    ("deeplabv3-resnet50", "layer4"): (427, 8, 213),
    ("deeplabv3-resnet50", "project"): (427 + 576, 8, 213 + 288),
    ("deeplabv3-resnet50-os16", "layer3"): (267, 16, 133),
    # The dilation in place of the last stride starts in the second block, and 2·18 steps of 16 pixels come on top.
    ("deeplabv3-resnet50-os16", "layer4.0"): (299, 16, 149),
    ("deeplabv3-resnet50-os16", "layer4"): (427, 16, 213),
    ("deeplabv3-resnet50-os16", "project"): (427 + 576, 16, 213 + 288),
    # With a multi-grid of 1, 2, 4 the blocks have dilations 2, 4 and 8: 2·(2 + 4 + 8) steps of 16 pixels.
    ("deeplabv3-resnet50-multigrid", "layer4.0"): (267 + 64, 16, 133 + 32),
    ("deeplabv3-resnet50-multigrid", "layer4.1"): (331 + 128, 16, 165 + 64),
    ("deeplabv3-resnet50-multigrid", "layer4"): (459 + 256, 16, 229 + 128),
    ("deeplabv3-resnet50-multigrid", "project"): (715 + 576, 16, 357 + 288),
    # As torchvision's own, against its gradients; the dilated blocks add 4·2 steps of 16 pixels each.
    ("deeplabv3-mobilenet_v3-os16", "features.3"): (19, 4, 9),
    ("deeplabv3-mobilenet_v3-os16", "features.6"): (99, 8, 49),
    ("deeplabv3-mobilenet_v3-os16", "features.12"): (275, 16, 137),
    ("deeplabv3-mobilenet_v3-os16", "features.13"): (275 + 128, 16, 137 + 64),
    ("deeplabv3-mobilenet_v3-os16", "features.16"): (659, 16, 329),
    ("deeplabv3-mobilenet_v3-os16", "project"): (659 + 2 * 36 * 16, 16, 329 + 36 * 16),
    ("patchgan", "conv3"): (22, 8, 7),
    ("patchgan", "conv5"): (70, 8, 23),
    ("unet", "down1.conv2"): (5, 1, 2),
    ("aspp", "project"): (37, 1, 18),
    ("hdc-1-2-3", "layer3"): (13, 1, 6),
    ("hdc-1-2-5", "layer3"): (17, 1, 8),
    ("hdc-dilation-rf", "layer26"): (1 + 2 * (7 * 6 + 2 * 2 + 12), 1, 58),
    ("hdc-dilation-bigger", "layer26"): (1 + 2 * (5 * 17 + 8 + 31), 1, 124),
}


@pytest.mark.parametrize(("name", "point"), PUBLISHED)
def test_receptive_fields_as_published(name: str, point: str) -> None:
    field = receptive_field(zoo.find(name).up_to(point))
    size, stride, padding = PUBLISHED[name, point]
    assert (field.size, field.stride, field.padding) == ((size, size), (stride, stride), (padding, padding))


def test_the_context_module_layer_by_layer() -> None:
    """Yu & Koltun (2016), table 1: rates 1, 1, 2, 4, 8, 16, 1 and a 1×1."""
    sizes = [row.size for row in receptive_field(zoo.find("context").layers).table]
    assert sizes == [(n, n) for n in (3, 5, 9, 17, 33, 65, 67, 67)]


def test_a_block_of_wavenet_sees_1024_samples_of_the_past() -> None:
    """Van den Oord et al. (2016): kernel 2 and rates 1 ... 512."""
    wavenet = zoo.find("wavenet")
    field = receptive_field(wavenet.layers)
    assert field.size == (1, 1024)
    assert field.padding == (0, 1023)
    assert list(wavenet.points) == [f"rate{2**power}" for power in range(10)]


def test_a_tcn_of_seven_levels_sees_763_samples() -> None:
    """Bai, Kolter & Koltun (2018): 1 + 2·(4 − 1)·(2^7 − 1), with two convolutions a level."""
    assert receptive_field(zoo.find("tcn").layers).size == (1, 763)
    assert [row.size[1] for row in receptive_field(zoo.find("tcn").layers).table] == [
        1 + 6 * (2**level - 1) for level in range(1, 8)
    ]


def test_hdc_patterns() -> None:
    rates = [layer.dilation[0] for layer in zoo.find("hdc-dilation-bigger").layers if isinstance(layer, Conv)]
    assert rates == [1, 2, 5, 9] * 5 + [1, 2, 5] + [5, 9, 17]
    rates = [layer.dilation[0] for layer in zoo.find("hdc-dilation-rf").layers if isinstance(layer, Conv)]
    assert rates == [1, 2, 3] * 7 + [2, 2] + [3, 4, 5]


def test_layer_lists_written_out() -> None:
    assert zoo.find("vgg11").layers == Layers.parse(
        "k3p1 pool2 k3p1 pool2 k3p1 k3p1 pool2 k3p1 k3p1 pool2 k3p1 k3p1 pool2"
    )
    assert zoo.find("alexnet").layers == Layers.parse(
        "k11s4 pool3s2 k5p2 pool3s2 k3p1 k3p1 k3p1 pool3s2"
    )  # as alexnet_v2 has it
    assert zoo.find("aspp").layers == Layers.parse("(k1 | k3p6d6 | k3p12d12 | k3p18d18) k1")
    assert zoo.find("resnet50").layers[:3] == (
        Conv(7, stride=2, padding=3),
        Pool(3, stride=2, padding=1),
        Parallel([], [Conv(1), Conv(3, padding=1), Conv(1)]),
    )
    assert zoo.find("resnet50-slim").layers[4] == Parallel(
        [Conv(1, stride=2)], [Conv(1), Conv(3, stride=2, padding=1), Conv(1)]
    )
    assert [len(zoo.find(f"resnet{depth}").layers) for depth in (50, 101, 152)] == [18, 35, 52]
    assert [len(zoo.find(f"resnet{depth}-slim").layers) for depth in (50, 101, 152)] == [18, 35, 52]
    # MobileNetV3's table 1: a shortcut where a block has stride 1 and as many channels as the one before it.  In place
    # of the last stride, the last blocks are dilated by 2.
    assert zoo.find("deeplabv3-mobilenet_v3-os16").layers == Layers.parse(
        "k3s2p1 ( | k3p1) k3s2p1 ( | k3p1) k5s2p2 ( | k5p2)x2 k3s2p1 ( | k3p1)x3 k3p1 ( | k3p1) k5p4d2 ( | k5p4d2)x2 k1 "
        "(k1 | k3p12d12 | k3p24d24 | k3p36d36) k1"
    )
    assert zoo.find("wavenet").layers[1] == Parallel([], [Conv((1, 2), padding=((0, 0), (2, 0)), dilation=(1, 2))])
    assert zoo.find("tcn").layers[0] == Parallel([], [Conv((1, 4), padding=((0, 0), (3, 0)))] * 2)


def test_points_are_named_as_in_the_source() -> None:
    slim = zoo.find("resnet50-slim")
    assert list(slim.points)[:6] == ["conv1", "pool1", "block1/unit1", "block1/unit2", "block1", "block2/unit1"]
    torchvision = zoo.find("resnet50")
    assert list(torchvision.points)[:6] == ["conv1", "maxpool", "layer1.0", "layer1.1", "layer1", "layer2.0"]
    assert torchvision.points["layer4"] == len(torchvision.layers) == 18
    assert torchvision.name == "resnet50"
    assert torchvision.source == "torchvision.models.resnet: resnet50"


@pytest.mark.parametrize("name", zoo.names())
def test_every_network_has_a_source_a_distinct_name_for_each_layer_and_a_receptive_field(name: str) -> None:
    network = zoo.find(name)
    assert re.search(r"\d{4}\)|^torchvision\.", network.source)
    assert sorted(network.points.values()) == list(range(1, len(network.layers) + 1))
    assert max(receptive_field(network.layers).size) > 10


def test_the_names() -> None:
    assert zoo.names() == [
        "alexnet",
        "vgg11",
        "vgg16",
        "resnet50-slim",
        "resnet101-slim",
        "resnet152-slim",
        "resnet50",
        "resnet101",
        "resnet152",
        "deeplabv3-resnet50",
        "deeplabv3-resnet50-os16",
        "deeplabv3-resnet50-multigrid",
        "deeplabv3-mobilenet_v3-os16",
        "aspp",
        "context",
        "unet",
        "patchgan",
        "wavenet",
        "tcn",
        "hdc-1-2-3",
        "hdc-1-2-5",
        "hdc-dilation-rf",
        "hdc-dilation-bigger",
    ]


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"^name='resnet50_slim' is not in the zoo; did you mean 'resnet50-slim'\?$"):
        zoo.find("resnet50_slim")
    with pytest.raises(
        ValueError, match=r"^name='q' is not in the zoo; it has alexnet, vgg11, .*, hdc-dilation-bigger$"
    ):
        zoo.find("q")


def test_an_unknown_point_is_refused_with_all_of_them() -> None:
    message = "point='pool9' must be one of conv1, pool1, conv2, pool2, conv3, conv4, conv5, pool5 in alexnet"
    with pytest.raises(ValueError, match=f"^{message}$"):
        zoo.find("alexnet").up_to("pool9")


def test_deeplabs_rates_and_their_padding() -> None:
    """The rates are the paper's at an output stride of 16, and torchvision's own, which are twice those."""
    rates = {
        name: [branch[0].dilation for branch in network.layers[network.points["pyramid"] - 1].branches]  # type: ignore[union-attr]
        for name in zoo.names()
        if "pyramid" in (network := zoo.find(name)).points
    }
    assert rates == {
        "deeplabv3-resnet50": [(1, 1), (12, 12), (24, 24), (36, 36)],
        "deeplabv3-resnet50-os16": [(1, 1), (6, 6), (12, 12), (18, 18)],
        "deeplabv3-resnet50-multigrid": [(1, 1), (6, 6), (12, 12), (18, 18)],
        "deeplabv3-mobilenet_v3-os16": [(1, 1), (12, 12), (24, 24), (36, 36)],
        "aspp": [(1, 1), (6, 6), (12, 12), (18, 18)],
    }
    for name in rates:
        assert feature_maps(zoo.find(name).layers, (513, 513))[-1] == {
            "aspp": (513, 513),
            "deeplabv3-resnet50": (65, 65),
        }.get(name, (33, 33))


def test_a_unet_keeps_the_size_and_sees_up_to_204_pixels() -> None:
    unet = zoo.find("unet").layers
    assert feature_maps(unet, (64, 80))[-1] == (64, 80)
    field = receptive_field(unet)
    assert (field.size, field.period) == ((204, 204), (16, 16))
    assert sorted({len(field.region(output).rows) for output in range(16)}) == [188, 204]
    assert len(unet) == 5
    assert unet[2].branches[0] == ()  # type: ignore[union-attr]


def test_networks_of_one_axis() -> None:
    assert [name for name in zoo.names() if zoo.find(name).is_line] == ["wavenet", "tcn"]
