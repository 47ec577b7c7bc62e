from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from nets import Net, numbers, one, regions

from refconv.analysis import Conv, ConvTranspose, Pool
from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph

PLANE = (1, 3, 17, 20)
KERNEL: dict[str, Any] = {"kernel_shape": [2, 3], "strides": [4, 5], "dilations": [6, 7], "pads": [1, 2, 3, 0]}


def why(graph: Graph, name: str = "y") -> str:
    view = graph.tensors[name].view
    assert isinstance(view, Ended)
    return view.reason


def test_a_convolution_with_all_its_attributes() -> None:
    # 1 + 6 and 1 + 2·7 pixels; (17 + 1 + 3 - 7)/4 + 1 and (20 + 2 - 15)/5 + 1 outputs.
    graph = one("Conv", PLANE, "image,w", **KERNEL)
    assert numbers(graph) == [(7, 4, 1, 4), (15, 5, 2, 2)]
    assert regions(graph, 3) == [[-2, 12], [3, 17], [8, 22]]
    assert graph.tensors["y"].layer == Conv((2, 3), (4, 5), ((1, 3), (2, 0)), (6, 7))
    assert graph.tensors["y"].label == "Conv((2, 3), stride=(4, 5), padding=((1, 3), (2, 0)), dilation=(6, 7))"


def test_a_kernel_shape_that_is_not_given_is_the_weights_and_so_are_the_channels() -> None:
    graph = Net(*PLANE).weight("w", 8, 3, 5, 4).node("Conv", "image,w", "y").graph()
    assert numbers(graph) == [(5, 1, 0, 13), (4, 1, 0, 17)]
    assert graph.tensors["y"].view.shape == (1, 8, 13, 17)  # type: ignore[union-attr]
    quantised = Net(*PLANE).weight("w", 8, 3, 5, 4).node("QLinearConv", "image,s,z,w,t,u,v,x", "y").graph()
    assert quantised.tensors["y"].view.shape == (1, 8, 13, 17)  # type: ignore[union-attr]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_convolutions_of_one_to_three_axes(axes: int) -> None:
    shape = (1, 2, *(9, 11, 13)[:axes])
    graph = one("Conv", shape, "image,w", kernel_shape=[2, 3, 4][:axes], strides=[3, 1, 2][:axes])
    assert numbers(graph) == [(2, 3, 0, 3), (3, 1, 0, 9), (4, 2, 0, 5)][:axes]
    assert graph.axes == {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[axes]


def test_of_one_axis_the_layer_is_about_the_width_and_of_three_there_is_none() -> None:
    line = one("Conv", (1, 2, 30), "image,w", kernel_shape=[3], strides=[2], dilations=[4], pads=[5, 6]).tensors["y"]
    assert line.layer == Conv((1, 3), (1, 2), ((0, 0), (5, 6)), (1, 4))
    assert line.label == "Conv(3, stride=2, padding=(5, 6), dilation=4)"
    volume = one("Conv", (1, 2, 9, 9, 9), "image,w", kernel_shape=[1, 2, 3], pads=[0, 1, 1] * 2).tensors["y"]
    assert volume.layer is None
    assert volume.label == "Conv((1, 2, 3), padding=(0, 1, 1))"


@pytest.mark.parametrize(
    ("auto_pad", "expected"),
    [
        # At stride 2 an 8 wide axis of 4 taps is padded by 2: 1 and 1; a 9 wide one by 3: 1 and 2, or 2 and 1.
        ("SAME_UPPER", [(3, 2, 0, 4), (4, 2, 1, 5)]),
        ("SAME_LOWER", [(3, 2, 1, 4), (4, 2, 2, 5)]),
        ("VALID", [(3, 2, 0, 3), (4, 2, 0, 3)]),
        ("NOTSET", [(3, 2, 0, 3), (4, 2, 0, 3)]),
    ],
)
def test_same_padding_at_a_stride_where_the_size_is_known(auto_pad: str, expected: list[Any]) -> None:
    graph = one("Conv", (1, 1, 8, 9), "image,w", kernel_shape=[3, 4], strides=[2, 2], auto_pad=auto_pad)
    assert numbers(graph) == expected


def test_same_padding_at_a_stride_is_asked_for_the_size_where_it_is_not_known() -> None:
    net = Net("N", "C", "H", "W").node(
        "Conv", "image,w", "y", kernel_shape=[3, 4], strides=[2, 2], auto_pad="SAME_UPPER"
    )
    net.inputs["image"] = None
    assert why(net.graph()) == "SAME padding at stride 2 depends on the image's size, which --input says"
    assert numbers(net.graph(input_size=(8, 9))) == [(3, 2, 0, 4), (4, 2, 1, 5)]


def test_same_padding_at_stride_1_needs_no_size() -> None:
    net = Net().node("Conv", "image,w", "y", kernel_shape=[3, 4], dilations=[2, 1], auto_pad="SAME_LOWER")
    assert numbers(net.graph()) == [(5, 1, 2, None), (4, 1, 2, None)]


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
def test_pooling(op: str) -> None:
    graph = one(op, PLANE, kernel_shape=[2, 3], strides=[1, 2], pads=[1, 0, 0, 1], ceil_mode=1)
    assert numbers(graph) == [(2, 1, 1, 17), (3, 2, 0, 10)]
    assert graph.tensors["y"].layer == Pool((2, 3), (1, 2), ((1, 0), (0, 1)), ceil_mode=True)
    assert one(op, PLANE, kernel_shape=[2, 2]).tensors["y"].layer == Pool(2, stride=1)


@pytest.mark.parametrize(("size", "floor", "ceil"), [(7, 3, 3), (8, 3, 4), (9, 4, 4), (4, 1, 2)])
def test_rounding_up_leaves_out_windows_behind_the_image(size: int, floor: int, ceil: int) -> None:
    for ceil_mode, outputs in ((0, floor), (1, ceil)):
        graph = one("MaxPool", (1, 1, size), kernel_shape=[3], strides=[2], ceil_mode=ceil_mode)
        assert graph.feature_map("y") == (outputs,)
    # The window that would start at pixel 4 of 4 is left out, though it would fit the padding.
    assert one("MaxPool", (1, 1, 4), kernel_shape=[2], strides=[3], pads=[0, 1], ceil_mode=1).feature_map("y") == (2,)
    assert one("MaxPool", (1, 1, 3), kernel_shape=[2], strides=[3], pads=[0, 1], ceil_mode=1).feature_map("y") == (1,)


def test_transposed_convolution() -> None:
    attributes: dict[str, Any] = {
        "kernel_shape": [4, 3],
        "strides": [2, 3],
        "pads": [1, 0, 2, 1],
        "output_padding": [1, 2],
    }
    graph = one("ConvTranspose", (1, 5, 6, 7), "image,w", **attributes)
    # (6 - 1)·2 + 4 + 1 - 3 and (7 - 1)·3 + 3 + 2 - 1 outputs.
    assert numbers(graph) == [(2, Fraction(1, 2), 1, 12), (1, Fraction(1, 3), 0, 22)]
    assert regions(graph, 4, axis=0) == [[-1, 0], [0, 1], [0, 1], [1, 2]]  # (p + 1 - k)/2 where that is whole
    assert regions(graph, 4, axis=1) == [[0, 0], [0, 0], [0, 0], [1, 1]]
    assert graph.tensors["y"].layer == ConvTranspose((4, 3), (2, 3), ((1, 2), (0, 1)), (1, 2))


def test_padding_that_adds_pixels_is_a_layer_and_one_that_cuts_them_off_is_none() -> None:
    line = one("Pad", (1, 1, 7), pads=[0, 0, 1, 0, 0, 2])
    assert numbers(line) == [(1, 1, 1, 10)]
    assert (line.tensors["y"].layer, line.tensors["y"].label) == (
        Conv(1, padding=((0, 0), (1, 2))),
        "Conv(1, padding=(1, 2))",
    )
    net = Net(1, 1, 7, 8).constant("pads", [1, 2]).constant("axes", [3]).node("Pad", "image,pads,,axes", "y")
    assert numbers(net.graph()) == [(1, 1, 0, 7), (1, 1, 1, 11)]
    assert net.graph().tensors["y"].layer == Conv(1, padding=((0, 0), (1, 2)))
    cut = one("Pad", (1, 1, 7, 8), pads=[0, 0, 1, 0, 0, 0, -1, 2])
    assert numbers(cut) == [(1, 1, 1, 7), (1, 1, 0, 10)]
    assert (cut.tensors["y"].layer, cut.tensors["y"].label) == (None, "Pad((1, -1), (0, 2))")


@pytest.mark.parametrize(("attributes", "channels"), [({}, 4), ({"group": 1}, 4), ({"group": 2}, 8)], ids=str)
def test_a_transposed_convolution_has_one_group_unless_told(attributes: dict[str, int], channels: int) -> None:
    net = Net(1, 6, 5, 5).weight("w", 6, 4, 2, 3).node("ConvTranspose", "image,w", "y", **attributes)
    assert net.graph().tensors["y"].view.shape == (1, channels, 6, 7)  # type: ignore[union-attr]


def test_a_transposed_convolutions_channels_are_those_of_a_group_times_the_groups() -> None:
    net = Net(1, 6, 5, 5).weight("w", 6, 4, 2, 2).node("ConvTranspose", "image,w", "y", group=3)
    assert net.graph().tensors["y"].view.shape == (1, 12, 6, 6)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [
        # 5 pixels at stride 2 under 4 taps are 12; 9 wanted leaves 3 to crop.
        ({"output_shape": [9]}, 2),
        ({"output_shape": [9], "auto_pad": "SAME_LOWER"}, 2),
        ({"output_shape": [9], "auto_pad": "SAME_UPPER"}, 1),
        ({"output_shape": [1, 1, 9], "auto_pad": "SAME_UPPER"}, 1),
        # SAME alone makes 2·5 = 10 of them.
        ({"auto_pad": "SAME_UPPER"}, 1),
        ({"auto_pad": "VALID"}, 0),
    ],
)
def test_a_transposed_convolutions_output_shape_says_what_is_cropped(attributes: dict[str, Any], padding: int) -> None:
    graph = one("ConvTranspose", (1, 1, 5), "image,w", kernel_shape=[4], strides=[2], **attributes)
    outputs = {"VALID": 12}.get(attributes.get("auto_pad", ""), 9 if "output_shape" in attributes else 10)
    assert graph.feature_map("y") == (outputs,)
    # Output p + T is tap k of input (p + T - k)/2.
    assert regions(graph, 2) == [
        [(padding - 3 + 1) // 2, padding // 2],
        [(padding + 1 - 3 + 1) // 2, (padding + 1) // 2],
    ]


def test_a_wanted_output_needs_the_images_size_and_same_does_not() -> None:
    net = Net("N", 1, "L")
    net.inputs["image"] = None
    net.node("ConvTranspose", "image,w", "y", kernel_shape=[4], strides=[2], output_shape=[9])
    assert why(net.graph()) == ("its padding follows from its output_shape and the image's size, which --input says")
    same = Net().node("ConvTranspose", "image,w", "y", kernel_shape=[4], strides=[2], auto_pad="SAME_UPPER").graph()
    assert regions(same, 3) == [[-1, 0], [0, 1], [0, 1]]  # 4 - 2 to crop, 1 on either side


def test_a_pattern_is_not_made_where_it_would_be_too_long() -> None:
    graph = one("ConvTranspose", (1, 1, 5), "image,w", kernel_shape=[3], strides=[20_001])
    assert why(graph) == "its pattern repeats after 20001 outputs only, and 20000 are the most"


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_padding_of_any_mode(mode: str) -> None:
    net = Net(1, 1, 7, 8).constant("pads", [0, 0, 1, 2, 0, 0, 3, -4])
    graph = net.node("Pad", "image,pads", "y", mode=mode).graph()
    assert numbers(graph) == [(1, 1, 1, 11), (1, 1, 2, 6)]
    assert graph.tensors["y"].label == "Pad((1, 3), (2, -4))"


def test_padding_is_in_an_attribute_or_about_some_axes_or_on_channels() -> None:
    assert numbers(one("Pad", (1, 1, 7), pads=[0, 0, 1, 0, 0, 2])) == [(1, 1, 1, 10)]
    net = Net(1, 1, 7, 8).constant("pads", [2, 3]).constant("axes", [-1]).node("Pad", "image,pads,,axes", "y")
    assert numbers(net.graph()) == [(1, 1, 0, 7), (1, 1, 2, 13)]
    assert one("Pad", (1, 2, 7), pads=[0, 1, 0, 0, 3, 0]).tensors["y"].view.shape == (1, 6, 7)  # type: ignore[union-attr]


def test_padding_that_depends_on_the_image_ends_the_path() -> None:
    net = Net(1, 1, 7, 8).node("Pad", "image,image", "y")
    assert why(net.graph()) == "its pads are computed, and not from the image's size alone"


def test_a_sequence_in_a_plane_of_one_row_has_one_axis() -> None:
    net = Net(1, 2, 30).constant("two", [2]).node("Unsqueeze", "image,two", "plane")
    net.node("Conv", "plane,w", "conv", kernel_shape=[1, 3], dilations=[1, 4]).node("Squeeze", "conv,two", "y")
    graph = net.graph()
    assert graph.axes == ("length",)
    assert numbers(graph) == [(9, 1, 0, 22)]
    assert graph.tensors["conv"].label == "Conv(3, dilation=4)"


def test_a_kernel_that_is_computed_from_the_image_sees_all_of_it() -> None:
    net = (
        Net(1, 1, 9, 9).node("GlobalAveragePool", "image", "mean").node("Conv", "image,mean", "y", kernel_shape=[1, 1])
    )
    assert [field.whole and field.whole.title for field in net.graph().field("y")] == [
        "GlobalAveragePool 'the mean'"
    ] * 2
    net = Net(1, 1, 9, 9).node("Conv", "image,image", "y", kernel_shape=[9, 9])
    assert [field.whole and field.whole.title for field in net.graph().field("y")] == ["Conv 'the y'"] * 2


def test_a_tensor_of_another_number_of_dimensions_cannot_be_said() -> None:
    assert why(one("Conv", (1, 1, 9), "image,w", kernel_shape=[3, 3])) == (
        "it reads a tensor of 3 dimensions, where 4 are needed"
    )


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("Conv", "image", {"kernel_shape": [3, 3]}, "it has 1 input and needs 2"),
    ("QLinearConv", "image,s,z", {"kernel_shape": [3, 3]}, "it has 3 inputs and needs 4"),
    ("ConvTranspose", "image", {"kernel_shape": [3, 3]}, "it has 1 input and needs 2"),
    ("Conv", "image,w", {}, "kernel_shape is not given, and the weight is computed"),
    ("Conv", "image,w", {"kernel_shape": [3, 0]}, "kernel_shape[1]=0 must be at least 1"),
    ("Conv", "image,w", {"kernel_shape": [3, 10**9]}, "kernel_shape[1]=1000000000 must be at most 1000000"),
    ("Conv", "image,w", {"kernel_shape": [3, 2.5]}, "kernel_shape[1]=2.5 must be a whole number"),
    ("Conv", "image,w", {"kernel_shape": [3, True]}, "kernel_shape[1]=True must be a whole number"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "strides": "ab"}, "strides='ab' must be a list of whole numbers"),
    ("Conv", "image,w", {"kernel_shape": [1] * 4}, "kernel_shape=[1, 1, 1, 1] must have one axis, two or three"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "dilations": [10**9, 1]}, "dilations[0]=1000000000 must be at most 1000000"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "strides": [1, 0]}, "strides[1]=0 must be at least 1"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "strides": [1]}, "strides=[1] must have 2 numbers"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "pads": [1, 2, 3]}, "pads=[1, 2, 3] must have 4 numbers"),
    ("Conv", "image,w", {"kernel_shape": [3, 3], "pads": [0, 0, -1, 0]}, "pads[2]=-1 must be at least 0"),
    (
        "Conv",
        "image,w",
        {"kernel_shape": [3, 3], "auto_pad": 5},
        "auto_pad=5 must be one of NOTSET, VALID, SAME_UPPER, SAME_LOWER",
    ),
    (
        "Conv",
        "image,w",
        {"kernel_shape": [3, 9], "dilations": [1, 2], "pads": [0, 1, 0, 2]},
        "kernel width 9 at dilation 2 spans 17 pixels; it must fit the padded input width 1 + 13 + 2 = 16",
    ),
    ("ConvTranspose", "image,w", {"kernel_shape": [1, 1], "pads": [5, 0, 4, 0]}, "padding=(5, 4) must leave some of the output height 9"),
    (
        "ConvTranspose",
        "image,w",
        {"kernel_shape": [1, 1], "strides": [2, 2], "output_padding": [0, 2]},
        "output_padding=[0, 2] must be below the stride 2 or the dilation 1",
    ),
    ("Pad", "image", {"pads": [1, 2, 3]}, "pads=[1, 2, 3] must have 8 numbers"),
    ("MaxPool", "image", {"kernel_shape": [3, 3], "ceil_mode": "x"}, "ceil_mode='x' must be a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs", "attributes", "message"), WRONG)
def test_a_wrong_node_is_refused_by_name(op: str, inputs: str, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'ONNX node {chr(39)}the y{chr(39)} ({op}): {message}')}$"):
        one(op, (1, 1, 9, 13), inputs, **attributes)


def test_a_size_that_is_not_known_stays_the_same_where_it_can() -> None:
    net = Net("N", 1, "L")
    net.inputs["image"] = None
    net.node("Conv", "image,w", "a", kernel_shape=[3], pads=[1, 1]).node(
        "Conv", "a,w", "b", kernel_shape=[3], strides=[2]
    )
    net.node("Conv", "a,w", "c", kernel_shape=[5], strides=[2], pads=[1, 1]).node("Conv", "a,w", "d", kernel_shape=[5])
    shapes = {name: tensor.view.shape[2] for name, tensor in net.graph("b").tensors.items()}  # type: ignore[union-attr]
    assert shapes["a"] is shapes["image"]
    assert shapes["b"] is shapes["c"]  # (H - 3)/2 + 1 = (H + 2 - 5)/2 + 1
    assert len({shapes["a"], shapes["b"], shapes["d"]}) == 3


def test_sizes_that_are_not_known_are_one_size_where_they_are_the_same_for_every_image() -> None:
    net = Net("N", 1, "L").node("Conv", "image,w", "inside", kernel_shape=[3])  # L - 2
    net.inputs["image"] = None
    net.node("Pad", "image", "cut", pads=[0, 0, -1, 0, 0, -1])  # L - 2
    net.node("ConvTranspose", "image,w", "twice", kernel_shape=[2], strides=[2])  # 2·(L - 1) + 2
    net.node("ConvTranspose", "image,w", "cropped", kernel_shape=[4], strides=[2], pads=[1, 1])  # 2·(L - 1) + 4 - 2
    net.node("ConvTranspose", "image,w", "longer", kernel_shape=[3], strides=[2])  # 2·(L - 1) + 3
    graph = net.node("ConvTranspose", "image,w", "thrice", kernel_shape=[3], strides=[3]).graph("thrice")
    shapes = {name: tensor.view.shape[2] for name, tensor in graph.tensors.items()}  # type: ignore[union-attr]
    assert shapes["cut"] is shapes["inside"]
    assert shapes["cropped"] is shapes["twice"]
    assert len({*shapes.values()}) == 5
