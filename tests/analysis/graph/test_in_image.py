from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from nets import Net

from refconv.analysis import Layers, zoo
from refconv.analysis.graph.in_image import InImage, Tiling, in_image, tiling
from refconv.analysis.graph.series import graph_of


def seen(line: str, *size: int) -> InImage:
    graph = graph_of(Layers.parse(line), size, is_line=len(size) == 1)
    return in_image(graph, graph.outputs[0], [name for name in graph.tensors if name.count(",") == 0])


def test_the_share_of_the_field_that_is_padding() -> None:
    # Of 5 by 5 pixels 2 rows and 2 columns lie outside in a corner: 1 - 3·3/25.
    found = seen("k3p1 k3p1", 9, 11)
    assert found.padding == {"centre": 0, "edge": Fraction(2, 5), "corner": Fraction(16, 25)}
    found = seen("c1: k3p1 k3p1", 9)
    assert found.padding == {"centre": 0, "edge": Fraction(2, 5), "corner": Fraction(2, 5)}
    # 25 pixels on 9: whatever the output, 9 of them, or fewer, are pixels.
    assert seen("k25p12", 9, 9).padding == dict.fromkeys(("centre", "edge", "corner"), 1 - Fraction(81, 625))


@pytest.mark.parametrize(
    ("line", "size", "every", "some", "nothing_new"),
    [
        ("k3p1 k3p1 k3p1 k3p1 k3p1", 5, "layer 4", "layer 2", 1),
        ("k3p1 k3p1 k3p1 k3p1", 5, "layer 4", "layer 2", 0),
        ("k3p1", 5, None, None, 0),
        ("k3 k3", 5, "layer 2", "layer 2", 0),
        ("k5s2p2 k3p1 k3p1", 7, "layer 3", "layer 2", 0),
        ("pool2 k3p1 k3p1 k3p1 up2 k3p1", 6, "layer 3", "layer 2", 3),
    ],
)
def test_from_which_layer_on_the_whole_image_is_seen(
    line: str, size: int, every: Any, some: Any, nothing_new: int
) -> None:
    for sizes, prefix in (((size,), "c1: "), ((size, size), "")):
        found = seen(prefix + line, *sizes)
        assert (found.all_seen_from, found.first_seen_from, found.nothing_new) == (every, some, nothing_new)


def test_a_wide_image_is_seen_in_whole_later() -> None:
    assert seen("k3p1 k3p1 k3p1", 3, 9).all_seen_from is None
    assert seen("k3x9p1x4 k3x9p1x4", 3, 9).all_seen_from == "layer 2"


def test_phases_that_see_less_keep_an_output_from_seeing_all() -> None:
    assert seen("c1: k9p4 convt1s2", 5).all_seen_from == "layer 1"  # every other output of layer 2 reads nothing
    assert seen("c1: k9p4 up2", 5).nothing_new == 1


def test_branches_of_different_strides_are_looked_at_output_by_output() -> None:
    net = Net(1, 1, 21).constant("sizes", [1, 1, 21])
    net.node("MaxPool", "image", "p", kernel_shape=[41], strides=[2], pads=[20, 20]).node("Resize", "p,,,sizes", "up")
    net.node("Conv", "image,w", "c", kernel_shape=[3], pads=[1, 1]).node("Add", "up,c", "y")
    net.node("MaxPool", "image", "q", kernel_shape=[39], strides=[2], pads=[19, 19]).node("Resize", "q,,,sizes", "down")
    graph = net.node("Add", "down,c", "z").graph("y,z")
    assert len(graph.field("y")[0].maps) == 2
    assert in_image(graph, "y", ["y"]).all_seen_from == "y"
    assert in_image(graph, "z", ["z"]).all_seen_from is None
    assert in_image(graph, "z", ["z"]).first_seen_from == "z"


def test_the_valid_weights_of_dilated_layers() -> None:
    found = seen("k3s2p1 (k1 | k3p6d6 | k3p36d36)", 65, 65)
    assert [(tensor.label, valid.counts) for tensor, valid in found.valid] == [
        ("Conv(3, padding=6, dilation=6)", {9: 441, 6: 504, 4: 144}),
        ("Conv(3, padding=36, dilation=36)", {1: 1089}),
    ]
    (line,) = seen("c1: k3p2d2", 7).valid
    assert line[1].width == {3: 3, 2: 4}


def test_a_unets_tiles() -> None:
    graph = graph_of(zoo.find("unet").layers)
    assert tiling(graph, graph.outputs[0]) == [Tiling(halo=107, multiple=16)] * 2


@pytest.mark.parametrize(
    ("line", "halo", "multiple"),
    [
        ("k3p1 k3p2d2", 3, 1),
        ("k3 k3", 4, 1),
        ("k7s2p3 k3p1", 5, 2),
        ("k4s2p1", 1, 2),
        ("k2s2 k2s2", 0, 4),
        ("pool2 k3p1 convt2s2", 3, 2),
        ("pool3 k1 up3", 2, 3),
        ("k1s2 pool3", 0, 6),
        ("k1s2 up3", 1, 2),  # the last of three outputs reads pixel 0, and its own is pixel 1
    ],
)
def test_tiles(line: str, halo: int, multiple: int) -> None:
    graph = graph_of(Layers.parse(f"c1: {line}"), is_line=True)
    assert tiling(graph, graph.outputs[0]) == [Tiling(halo, multiple)]


def test_what_cannot_be_cut_into_tiles() -> None:
    net = Net(1, 1, 9, 9).node("GlobalMaxPool", "image", "m").node("Mul", "image,m", "y")
    assert tiling(net.graph(), "y") is None
    assert tiling(net.graph(), "m") is None
    blind = Net(1, 1, 9).node("Conv", "image,w", "y", kernel_shape=[3], strides=[2])
    assert tiling(blind.graph(), "y") == [Tiling(1, 2)]
