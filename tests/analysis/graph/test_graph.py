from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from nets import Net, numbers, regions

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.field import AxisField
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Constant, Node, Program, Unknown


def residual() -> Net:
    net = Net(1, 3, 40, 50).weight("w", 3, 3, 3, 5)
    net.node("Conv", "image,w", "stem", module="stem.conv", strides=[2, 2], pads=[1, 2, 1, 2])
    net.node("Conv", "stem,w", "a", module="block.conv1", pads=[1, 2, 1, 2]).node(
        "Relu", "a", "ra", module="block.relu"
    )
    net.node("Conv", "ra,w", "b", module="block.conv2", pads=[1, 2, 1, 2]).node("Add", "b,stem", "sum", module="block")
    return net.node("MaxPool", "sum", "y", kernel_shape=[2, 2])


def test_a_residual_block() -> None:
    graph = residual().graph()
    assert list(graph.tensors) == ["image", "stem", "a", "ra", "b", "sum", "y"]
    assert numbers(graph, "sum") == [(11, 2, 5, 20), (21, 2, 10, 25)]
    assert [link.source for link in graph.tensors["sum"].links] == ["b", "stem"]
    assert numbers(graph) == [(13, 2, 5, 19), (23, 2, 10, 24)]
    assert [graph.tensors[name].is_step for name in graph.tensors] == [False, True, True, False, True, True, True]
    assert graph.outputs == ["y"]


def test_branches_of_one_stride_and_of_several() -> None:
    net = (
        Net(1, 1, 21)
        .node("Conv", "image,w", "a", kernel_shape=[1])
        .node("Conv", "image,w", "b", kernel_shape=[3], strides=[2])
    )
    net.node("Resize", "b,,,sizes", "up").constant("sizes", [1, 1, 21]).weight("w", 1, 1, 1).node("Add", "a,up", "y")
    (field,) = net.graph().field("y")
    # 10 outputs at stride 2 to 21: 20 pixels in 21 outputs, beside 21 in 21; so each output has a field of its own.
    assert (field.stride, field.padding, field.center) == (None, None, None)
    assert len(field.maps) == 2
    assert field.size == max(
        len(range(min(p, q), max(p, q + 2) + 1)) for p in range(21) for q in [2 * ((2 * p + 1) * 10 // 42)]
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ra", "ra"),
        ("the ra", "ra"),
        ("block.conv1", "a"),
        ("block", "sum"),
        ("/block/conv2/", "b"),
        ("stem", "stem"),
        ("image", "image"),
    ],
)
def test_tensors_nodes_and_modules_are_found(name: str, found: str) -> None:
    assert residual().graph().find(name) == found


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("block.conv3", "did you mean 'block.conv2' or 'block.conv1' or 'block'?"),
        ("zzz", "--list shows what there is"),
        ("bloc", "did you mean 'block'?"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_near(name: str, hint: str) -> None:
    message = f"'{name}' is no tensor, node or module that depends on 'image'; {hint}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        residual().graph().find(name)


def test_a_part_starts_at_one_of_the_tensors() -> None:
    part = residual().graph().starting_at("stem")
    assert part.image == "stem"
    assert part.input_size == (20, 25)
    assert list(part.tensors) == ["stem", "a", "ra", "b", "sum", "y"]
    assert numbers(part, "sum") == [(5, 1, 2, 20), (9, 1, 4, 25)]
    assert part.shape == (1, 3, 20, 25)
    # What does not come from there is only added.
    later = residual().graph().starting_at("ra")
    assert [link.source for link in later.tensors["sum"].links] == ["b"]
    assert numbers(later, "sum")[0] == (3, 1, 1, 20)


def test_a_part_may_start_at_tokens_and_behind_what_sees_all() -> None:
    net = (
        residual()
        .constant("flat", [0, 3, -1])
        .node("Reshape", "sum,flat", "tokens")
        .node("GlobalMaxPool", "sum", "all")
    )
    net.constant("plane", [0, 3, 20, 25]).node("Reshape", "tokens,plane", "r").node("Conv", "r,w", "z").node(
        "Mul", "r,all", "g"
    )
    graph = net.graph("z,g")
    assert numbers(graph.starting_at("tokens"), "z") == [(3, 1, 0, 18), (5, 1, 0, 21)]
    assert [field.whole for field in graph.starting_at("g").field("g")] == [None, None]
    with pytest.raises(ValueError, match=r"^'all' has no plane to start from$"):
        graph.starting_at("all")


def test_several_inputs() -> None:
    net = Net(1, 4)
    net.inputs = {"scale": (1, 1), "state": (1, 2, 3), "sound": (1, 90), "other": (1, 1, 8, 9)}
    net.constant("one", [1]).node("Unsqueeze", "sound,one", "u").node("Conv", "u,w", "c", kernel_shape=[5]).node(
        "Mul", "c,scale", "y"
    )
    net.node("Conv", "other,w", "z", kernel_shape=[3, 3])
    assert net.graph().image == "sound"
    assert numbers(net.graph()) == [(5, 1, 0, 86)]
    other = Graph(net.program("y,z"), image="other")
    assert numbers(other, "z") == [(3, 1, 0, 6), (3, 1, 0, 7)]
    assert other.outputs == ["z"]
    with pytest.raises(ValueError, match=r"^from='sounds' must be one of the inputs scale, state, sound, other$"):
        net.graph(image="sounds")


def test_without_a_window_the_first_input_with_a_plane_is_the_image() -> None:
    net = Net()
    net.inputs = {"scale": (1, 1), "picture": (1, 2, 3, 4), "other": (1, 2, 3, 4)}
    assert net.node("Mul", "picture,scale", "y").graph().image == "picture"
    net.inputs = {"scale": (1, 1)}
    assert net.graph().image == "scale"
    with pytest.raises(ValueError, match=r"^the model has no inputs, and so nothing to see$"):
        Graph(Program((), {}, (), {}))


@pytest.mark.parametrize(
    ("node", "rank"),
    [
        (Node("Conv", "a", ("image", "w"), ("y",), {"kernel_shape": [3]}), 3),
        (Node("Conv", "a", ("image", "volume"), ("y",)), 5),
        (Node("Upsample", "a", ("image",), ("y",), {"scales": [1.0, 1.0, 2.0]}), 3),
        (Node("Resize", "a", ("image", "", "five"), ("y",)), 5),
        (Node("Pad", "a", ("image",), ("y",), {"pads": [0] * 6}), 3),
        (Node("Relu", "a", ("image",), ("y",)), 4),
    ],
)
def test_an_image_of_which_nothing_is_said_has_as_many_axes_as_the_first_node_needs(node: Node, rank: int) -> None:
    constants = {"volume": Constant(None, (1, 1, 2, 2, 2)), "five": Net().constant("s", [1, 1, 2, 2, 2]).constants["s"]}
    assert len(Graph(Program((node,), {"image": None}, ("y",), constants)).shape) == rank


def test_the_images_size_may_be_given() -> None:
    net = Net(Unknown("N"), 3, 40, Unknown("W")).node("Conv", "image,w", "y", kernel_shape=[3, 5])
    assert net.graph().input_size is None
    assert net.graph(input_size=(30, 60)).input_size == (30, 60)
    assert net.graph(input_size=(30, 60)).feature_map("y") == (28, 56)
    with pytest.raises(ValueError, match=r"^input_size=\(30,\) must have 2 numbers, one for each axis of the image$"):
        net.graph(input_size=(30,))


def test_a_path_that_ends_has_its_last_tensors() -> None:
    net = residual().node("NonMaxSuppression", "y,sum", "n").node("Relu", "n", "z").node("Add", "z,stem", "out")
    graph = net.graph("out")
    ended = graph.tensors["out"].view
    assert isinstance(ended, Ended)
    assert ended.title == "ONNX node 'the n' (NonMaxSuppression)"
    assert graph.before("out", lambda tensor: not isinstance(tensor.view, Ended)) == ["stem", "sum", "y"]
    assert graph.before("y", lambda tensor: tensor.is_local) == ["y"]
    with pytest.raises(
        ValueError, match=r"^what 'z' sees cannot be said: ONNX node 'the n' \(NonMaxSuppression\), which"
    ):
        graph.field("z")


def test_the_way_to_a_tensor() -> None:
    graph = residual().graph("y,a")
    assert [tensor.name for tensor in graph.path_to("a")] == ["image", "stem", "a"]
    assert [tensor.name for tensor in graph.path_to("y")] == ["image", "stem", "a", "ra", "b", "sum", "y"]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [("Relu", "image", "y"), ("Relu", "y", "y")],
            "ONNX node 'the y' (Relu): it writes 'y', which ONNX node 'the y' (Relu) writes already",
        ),
        ([("Relu", "image", "image")], "ONNX node 'the image' (Relu): it writes 'image', which is an input already"),
        (
            [("Add", "image,z", "y"), ("Relu", "y", "z")],
            "ONNX node 'the y' (Add): it depends on its own output: the graph has a cycle",
        ),
        ([("Relu", "y", "y")], "ONNX node 'the y' (Relu): it depends on its own output: the graph has a cycle"),
    ],
)
def test_what_is_no_graph_is_refused(nodes: list[tuple[str, str, str]], message: str) -> None:
    net = Net(1, 1, 8, 8)
    for node in nodes:
        net.node(*node)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        net.graph()


def test_nodes_may_stand_in_any_order() -> None:
    net = residual()
    net.nodes.reverse()
    assert list(net.graph().tensors) == ["image", "stem", "a", "ra", "b", "sum", "y"]
    assert numbers(net.graph()) == numbers(residual().graph())


def branch(op: str, **attributes: Any) -> Program:
    """Return one of the two graphs of an If, which reads what lies outside."""
    return Program((Node(op, f"inner {op}", ("image", "w"), ("inner",), attributes),), {}, ("inner",), {})


@pytest.mark.parametrize(("condition", "size"), [(True, 3), (False, 5)])
def test_an_if_with_a_constant_condition_is_the_branch_that_is_taken(condition: bool, size: int) -> None:
    net = (
        Net(1, 1, 20)
        .constant("one", [1])
        .constant("image's", [1 if condition else 2])
        .node("Equal", "one,image's", "is")
    )
    branches = {"then_branch": branch("Conv", kernel_shape=[3]), "else_branch": branch("Conv", kernel_shape=[5])}
    graph = net.node("If", "is", "y", **branches).graph()
    assert numbers(graph) == [(size, 1, 0, 21 - size)]


def test_an_if_whose_condition_is_not_known_ends_the_path() -> None:
    net = (
        Net(Unknown("N"), 1, 20)
        .node("Shape", "image", "s", start=0, end=1)
        .constant("one", [1])
        .node("Equal", "s,one", "is")
    )
    net.node("If", "is", "y", then_branch=branch("Relu"), else_branch=branch("Relu"))
    view = net.graph().tensors["y"].view
    assert view == Ended("ONNX node 'the y' (If)", "its condition is computed")


def test_nodes_inside_a_branch_wait_for_what_they_read_outside() -> None:
    net = Net(1, 1, 20).constant("is", [True])
    inner = Program((Node("Relu", "inner", ("late",), ("inner",)),), {}, ("inner",), {})
    net.node("If", "is", "y", then_branch=inner, else_branch=inner).node("Conv", "image,w", "late", kernel_shape=[3])
    assert numbers(net.graph()) == [(3, 1, 0, 18)]


def test_densely_connected_layers_cost_no_more_than_their_edges() -> None:
    net, names = Net(1, 4, 64, 64), ["image"]
    for number in range(150):
        net.node("Concat", ",".join(names), f"c{number}", axis=1).node(
            "Conv", f"c{number},w", f"x{number}", kernel_shape=[3, 3], pads=[1] * 4
        )
        names.append(f"x{number}")
    assert numbers(net.graph("x149"), "x149") == [(301, 1, 150, 64)] * 2


def test_a_field_that_no_position_has() -> None:
    field = AxisField((), 3, is_placed=True, whole=None)
    assert (field.size, field.stride, field.padding, field.center) == (None, None, None, None)


def test_the_centre_of_an_even_field_lies_between_two_pixels() -> None:
    (field,) = Net(1, 1, 9).node("Conv", "image,w", "y", kernel_shape=[4], pads=[1, 0]).graph().field("y")
    assert field.center == Fraction(1, 2)
    assert regions(Net(1, 1, 9).node("Conv", "image,w", "y", kernel_shape=[4], pads=[1, 0]).graph(), 1) == [[-1, 2]]


def test_an_output_that_reads_nothing_has_no_first_pixel() -> None:
    (field,) = (
        Net(1, 1, 9)
        .node("ConvTranspose", "image,w", "y", kernel_shape=[1], strides=[2], pads=[1, 0])
        .graph()
        .field("y")
    )
    assert (field.size, field.padding, field.center) == (1, None, None)
