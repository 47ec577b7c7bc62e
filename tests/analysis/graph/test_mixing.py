"""What sees everything is a fact about a tensor, and its local field stands beside it."""

from __future__ import annotations

from typing import Any

import pytest
from nets import Net, numbers, one, regions

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.counting import use_of
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unknown


def through(graph: Graph, name: str = "y") -> list[str | None]:
    """Return the nodes through which all of each axis is seen."""
    return [field.whole and field.whole.title for field in graph.field(name)]


def shape(graph: Graph, name: str = "y") -> tuple[Any, ...]:
    return graph.tensors[name].view.shape  # type: ignore[union-attr]


def conv(net: Net) -> Net:
    return net.weight("w", 4, 4, 3, 3).node("Conv", "image,w", "c", module="stem", pads=[1, 1, 1, 1])


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "QLinearGlobalAveragePool"])
def test_a_global_pooling_sees_all_and_nothing_locally(op: str) -> None:
    graph = one(op, (1, 4, 5, 7))
    assert through(graph) == [f"{op} 'the y'"] * 2
    assert [field.maps for field in graph.field("y")] == [(), ()]
    assert not graph.tensors["y"].is_local
    assert shape(graph) == (1, 4, 1, 1)


def test_squeeze_and_excitation_has_its_gate_beside_its_field() -> None:
    net = conv(Net(1, 4, 9, 9)).node("GlobalAveragePool", "c", "mean", module="block.pool").weight("one", 4, 4, 1, 1)
    net.node("Conv", "mean,one", "e").node("Sigmoid", "e", "gate").node("Mul", "c,gate", "y")
    net.node("MaxPool", "y", "z", kernel_shape=[2, 2], strides=[2, 2])
    graph = net.graph("z")
    assert numbers(graph, "z") == [(4, 2, 1, 4)] * 2
    assert through(graph, "z") == ["GlobalAveragePool in block.pool"] * 2
    assert [link.source for link in graph.tensors["y"].links] == ["c"]


def test_the_first_node_that_sees_all_is_the_one_that_is_named() -> None:
    net = conv(Net(1, 4, 9, 9))
    for number in range(3):
        net.node("GlobalAveragePool", "c", f"m{number}").node("Mul", f"m{number},c", f"p{number}")
    net.node("Add", "p2,p1", "s").node("Add", "p0,s", "y").node("Mul", "p2,p0", "z")
    assert through(net.graph("y,z")) == ["GlobalAveragePool 'the m0'"] * 2
    assert through(net.graph("y,z"), "s") == ["GlobalAveragePool 'the m1'"] * 2
    assert through(net.graph("y,z"), "z") == ["GlobalAveragePool 'the m0'"] * 2


def test_image_pooling_is_one_of_several_branches() -> None:
    net = conv(Net(1, 4, 9, 9)).node("GlobalAveragePool", "c", "mean").constant("sizes", [1, 4, 9, 9])
    graph = net.node("Resize", "mean,,,sizes", "up").node("Concat", "c,up", "y", axis=1).graph("y,up")
    assert numbers(graph) == [(3, 1, 1, 9)] * 2
    assert through(graph) == ["GlobalAveragePool 'the mean'"] * 2
    assert not graph.tensors["up"].is_local


@pytest.mark.parametrize(
    ("op", "attributes", "kept", "expected"),
    [
        ("ReduceMean", {"axes": [1]}, (1, 1, 5, 7), [None, None]),
        ("ReduceMax", {"axes": [3]}, (1, 4, 5, 1), [None, "ReduceMax 'the y'"]),
        ("ReduceSum", {"axes": [-2], "keepdims": 0}, (1, 4, 7), ["ReduceSum 'the y'", None]),
        ("ReduceMin", {}, (1, 1, 1, 1), ["ReduceMin 'the y'"] * 2),
        ("ReduceProd", {"keepdims": 0}, (), ["ReduceProd 'the y'"] * 2),
        ("ReduceL2", {"axes": [], "noop_with_empty_axes": 1}, (1, 4, 5, 7), [None, None]),
        ("ArgMax", {"axis": 2}, (1, 4, 1, 7), ["ArgMax 'the y'", None]),
        ("ArgMin", {}, (1, 4, 5, 7), [None, None]),
    ],
)
def test_reductions(op: str, attributes: dict[str, Any], kept: tuple[int, ...], expected: list[str | None]) -> None:
    graph = one(op, (1, 4, 5, 7), **attributes)
    assert shape(graph) == kept
    assert through(graph) == expected


def test_the_axes_of_a_reduction_may_be_an_input() -> None:
    graph = Net(1, 4, 5, 7).constant("axes", [3]).node("ReduceMean", "image,axes", "y").graph()
    assert through(graph) == [None, "ReduceMean 'the y'"]
    assert [(field.size, field.outputs) for field in graph.field("y")] == [(1, 5), (None, None)]


def test_along_the_axis_that_is_left_paths_are_not_counted() -> None:
    graph = conv(Net(1, 4, 9, 9)).node("ReduceMean", "c", "y", axes=[3]).graph()
    assert [link.steps for link in graph.tensors["y"].links] == [None]


@pytest.mark.parametrize(
    ("opset", "attributes", "expected"),
    [
        (13, {"axis": 1}, [None, None]),
        (13, {"axis": -4}, [None, None]),
        (13, {}, [None, "Softmax 'the y'"]),
        (13, {"axis": 2}, ["Softmax 'the y'", None]),
        (12, {"axis": 1}, ["Softmax 'the y'"] * 2),
        (12, {}, ["Softmax 'the y'"] * 2),
        (12, {"axis": 3}, [None, "Softmax 'the y'"]),
    ],
)
def test_softmax(opset: int, attributes: dict[str, Any], expected: list[str | None]) -> None:
    graph = one("Softmax", (1, 4, 5, 7), opset=opset, **attributes)
    assert through(graph) == expected
    assert numbers(graph) == [(1, 1, 0, 5), (1, 1, 0, 7)]


def noted(graph: Graph) -> str | None:
    view = graph.tensors["y"].view
    assert not isinstance(view, Ended)
    return view.normalised and view.normalised.title


@pytest.mark.parametrize(
    ("op", "attributes", "is_noted"),
    [
        ("InstanceNormalization", {}, True),
        ("GroupNormalization", {"num_groups": 2}, True),
        ("MeanVarianceNormalization", {}, True),
        ("MeanVarianceNormalization", {"axes": [1]}, False),
        ("LayerNormalization", {"axis": 1}, True),
        ("LayerNormalization", {}, True),
        ("LpNormalization", {"axis": 1}, False),
        ("LpNormalization", {"axis": -1}, True),
        ("BatchNormalization", {}, False),
    ],
)
def test_normalisation_is_noted_and_no_end(op: str, attributes: dict[str, Any], is_noted: bool) -> None:
    graph = one(op, (1, 4, 5, 7), "image,scale,bias", **attributes)
    assert noted(graph) == (f"{op} 'the y'" if is_noted else None)
    assert numbers(graph) == [(1, 1, 0, 5), (1, 1, 0, 7)]
    assert through(graph) == [None, None]


def test_the_first_normalisation_is_the_one_that_is_noted() -> None:
    net = Net(1, 4, 5, 7).node("InstanceNormalization", "image", "a").node("InstanceNormalization", "a", "b")
    assert noted(net.node("Add", "b,a", "y").graph()) == "InstanceNormalization 'the a'"


@pytest.mark.parametrize("op", ["LayerNormalization", "LpNormalization"])
@pytest.mark.parametrize("attributes", [{"axis": -1}, {}], ids=str)
def test_a_norm_over_channels_that_are_last_reads_no_neighbour(op: str, attributes: dict[str, int]) -> None:
    net = conv(Net(1, 4, 9, 9)).node("Transpose", "c", "t", perm=[0, 2, 3, 1]).node(op, "t", "y", **attributes)
    assert noted(net.graph()) is None


def test_group_norm_by_reshapes_keeps_the_plane() -> None:
    net = conv(Net(1, 4, 9, 9)).constant("groups", [0, 2, -1]).node("Reshape", "c,groups", "g").node("Shape", "c", "s")
    graph = net.node("InstanceNormalization", "g,a,b", "n").node("Reshape", "n,s", "y").graph()
    assert numbers(graph) == [(3, 1, 1, 9)] * 2
    assert noted(graph) == "InstanceNormalization 'the n'"
    assert through(graph) == [None, None]


def test_a_quantisation_has_a_scale_that_depends_on_all() -> None:
    net = conv(Net(1, 4, 9, 9)).node("DynamicQuantizeLinear", "c", "q,scale,zero").node("ConvInteger", "q,w,zero", "i")
    graph = net.node("Mul", "i,scale", "y").graph()
    assert numbers(graph) == [(5, 1, 1, 7)] * 2
    assert noted(graph) == "DynamicQuantizeLinear 'the q,scale,zero'"
    assert shape(graph, "scale") == ()


def test_flatten_and_a_dense_layer_see_all() -> None:
    net = conv(Net(1, 4, 9, 9)).node("Flatten", "c", "f").weight("m", 4 * 81, 10).node("Gemm", "f,m", "y")
    assert through(net.graph()) == ["Gemm 'the y'"] * 2
    assert shape(net.graph()) == (1, 10)
    turned = Net(1, 4, 9, 9).node("Flatten", "image", "f").weight("m", 10, 324).node("Gemm", "f,m", "y", transB=1)
    assert shape(turned.graph()) == (1, 10)
    other = Net(6, 1).weight("m", 6, 3).node("Relu", "image", "r").node("Gemm", "r,m", "y", transA=1)
    assert shape(other.graph()) == (1, 3)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((2, 3, 4), (4, 5), (2, 3, 5)),
        ((2, 3, 4), (2, 4, 5), (2, 3, 5)),
        ((4,), (2, 4, 5), (2, 5)),
        ((2, 3, 4), (4,), (2, 3)),
        ((6, 1, 3, 4), (2, 4, 5), (6, 2, 3, 5)),
    ],
)
def test_products_of_stacks_of_matrices(
    left: tuple[int, ...], right: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert shape(Net(*left).weight("m", *right).node("MatMul", "image,m", "y").graph()) == expected
    quantised = Net(*left).weight("m", *right).node("QLinearMatMul", "image,s,z,m,t,u,v,x", "y")
    assert shape(quantised.graph()) == expected


def test_a_product_over_tokens_sees_all_of_them_and_one_over_channels_none() -> None:
    net = (
        Net(1, 4, 20).weight("w", 4, 4, 3).node("Conv", "image,w", "c").weight("tokens", 18, 7).weight("channels", 5, 4)
    )
    net.node("MatMul", "c,tokens", "y").node("MatMul", "channels,c", "z").node(
        "Einsum", "c,tokens", "e", equation="bct,tk->bck"
    )
    net.node("Einsum", "c,channels", "f", equation="bct, dc -> bdt")
    graph = net.graph("y,z,e,f")
    assert through(graph, "y") == ["MatMul 'the y'"]
    assert through(graph, "e") == ["Einsum 'the e'"]
    assert numbers(graph, "z") == numbers(graph, "f") == [(3, 1, 0, 18)]
    assert shape(graph, "f") == (1, 5, 18)


def test_attention_sees_all_beside_the_place_that_asks() -> None:
    net = Net(1, 20, 4).node("Transpose", "image", "t", perm=[0, 2, 1]).weight("w", 4, 4, 3).node("Conv", "t,w", "c")
    net.node("Transpose", "c", "q", perm=[0, 2, 1]).node("MatMul", "q,c", "scores").node("Softmax", "scores", "weights")
    net.node("MatMul", "weights,q", "mixed").node("Add", "mixed,q", "y").node("Attention", "q,q,q", "z")
    graph = net.graph("y,z")
    for name in ("y", "z"):
        assert numbers(graph, name) == [(3, 1, 0, 18)]
    assert through(graph) == ["Softmax 'the weights'"]
    assert through(graph, "z") == ["Attention 'the z'"]
    assert shape(graph, "z") == (1, 18, 4)
    # A product with itself along one axis has two places for each element: where it is asked, and what is asked for.
    assert graph.tensors["scores"].view.shape == (1, 18, 18)  # type: ignore[union-attr]


def test_recurrence_sees_the_whole_sequence() -> None:
    net = Net(1, 4, 20).weight("w", 4, 4, 3).node("Conv", "image,w", "c").node("Transpose", "c", "t", perm=[2, 0, 1])
    net.node("LSTM", "t,wl,rl", "y,h,s", hidden_size=6, direction="bidirectional")
    graph = net.graph("y,h")
    assert shape(graph) == (18, 2, 1, 6)
    assert numbers(graph) == [(3, 1, 0, 18)]
    assert through(graph) == through(graph, "h") == ["LSTM 'the y,h,s'"]
    assert shape(graph, "h") == (2, 1, 6)
    assert shape(Net(5, 1, 3).node("GRU", "image,w,r", "y", hidden_size=4).graph()) == (5, 1, 1, 4)


def test_a_running_sum_sees_the_axis() -> None:
    graph = Net(1, 4, 20).constant("axis", 2).node("CumSum", "image,axis", "y").graph()
    assert through(graph) == ["CumSum 'the y'"]
    assert numbers(graph) == [(1, 1, 0, 20)]


def test_what_is_multiplied_with_itself_is_one_path_and_what_is_added_to_itself_two() -> None:
    net = conv(Net(1, 4, 9, 9)).node("Sigmoid", "c", "s").node("Mul", "c,s", "y").node("Add", "c,c", "twice")
    net.node("Relu", "c", "r").node("Neg", "s", "n").node("Add", "r,n", "sum").node(
        "Conv", "c,w", "d", pads=[1, 1, 1, 1]
    )
    net.node("Add", "d,c", "residual").node("Mul", "residual,y", "both")
    graph = net.graph("y,twice,sum,residual,both")
    assert {name: len(graph.tensors[name].links) for name in ("y", "twice", "sum", "residual", "both")} == {
        "y": 1, "twice": 2, "sum": 1, "residual": 2, "both": 2,
    }  # fmt: skip
    assert graph.tensors["y"].links[0].source == "c"


def test_a_constant_may_have_more_dimensions_than_the_image() -> None:
    net = Net(1, 4, 5).weight("big", 2, 1, 4, 1).node("Add", "image,big", "y")
    assert shape(net.graph()) == (2, 1, 4, 5)
    assert numbers(net.graph()) == [(1, 1, 0, 5)]


def test_what_lies_along_other_axes_is_not_combined() -> None:
    net = Net(1, 1, 6, 6).node("Transpose", "image", "t", perm=[0, 1, 3, 2]).node("Add", "image,t", "y")
    view = net.graph().tensors["y"].view
    assert isinstance(view, Ended)
    assert view.reason == "what it combines lies along different axes of the image"


def test_a_map_of_one_position_is_seen_by_all_that_it_is_added_to() -> None:
    net = Net(1, 1, 6).weight("w", 1, 1, 6).node("Conv", "image,w", "dot").node("Add", "image,dot", "y")
    assert regions(net.graph(), 6) == [[0, 5]] * 6
    net = Net(1, 1, 6).constant("start", [3]).constant("end", [4]).constant("axis", [2])
    net.node("Slice", "image,start,end,axis", "fourth").node("Add", "image,fourth", "y")
    assert regions(net.graph(), 6) == [[0, 3], [1, 3], [2, 3], [3, 3], [3, 4], [3, 5]]
    assert use_of(net.graph(), "y", (1,)).counts.tolist() == [1, 0, 1]


def test_an_axis_with_one_position_lies_in_any_dimension() -> None:
    """Rows are down to one, which tokens have in front of them, and what they are added to has behind."""
    net = Net(1, 1, 2, 5).weight("w", 3, 1, 2, 1).node("Conv", "image,w", "line")
    net.constant("tokens", [0, 3, 5]).node("Reshape", "line,tokens", "t").constant("axis", [2])
    net.node("Squeeze", "line,axis", "s").node("Add", "t,s", "y")
    assert numbers(net.graph()) == [(2, None, None, None), (1, 1, 0, 5)]


def test_one_position_that_cannot_be_put_beside_all_others() -> None:
    net = Net(1, 1, Unknown()).constant("axis", [2])
    net.constant("start", [-1]).constant("end", [2**40]).node("Slice", "image,start,end,axis", "last")
    view = net.node("Add", "image,last", "y").graph().tensors["y"].view
    assert isinstance(view, Ended)
    assert view.reason == "it repeats one position of the image over an axis, whose size --input says"
    net = Net(1, 1, Unknown()).constant("axis", [2]).constant("start", [3]).constant("end", [4])
    net.node("Slice", "image,start,end,axis", "fourth")
    assert numbers(net.graph(), "fourth") == [(1, 1, -3, 1)]
    assert isinstance(net.node("Add", "image,fourth", "y").graph().tensors["y"].view, Ended)
    net = Net(1, 1, 6).constant("last", 5).constant("axis", [2])
    net.node("Gather", "image,last", "sixth", axis=2).node("Unsqueeze", "sixth,axis", "line").node(
        "Add", "image,line", "y"
    )
    view = net.graph().tensors["y"].view
    assert isinstance(view, Ended)
    assert view.reason == "each position sees its own place, and a second one that is the same for all"


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        ("Gemm", "image", "it has 1 input and needs 2"),
        ("MatMul", "image", "it has 1 input and needs 2"),
        ("Add", "image", "it has 1 input and needs 2"),
    ],
)
def test_a_wrong_node_is_refused(op: str, inputs: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"\({op}\): {message}$"):
        one(op, (1, 4), inputs)


@pytest.mark.parametrize("equation", ["...a,ab", "...a,ab->...b", "na,ab"])
def test_an_equation_that_is_not_written_out_says_nothing(equation: str) -> None:
    view = one("Einsum", (1, 4), "image,m", equation=equation).tensors["y"].view
    assert isinstance(view, Ended)
    assert view.reason == f"the equation {equation!r} is not written out"


def test_what_is_not_known_cannot_be_said() -> None:
    unknown = one("NonMaxSuppression", (1, 4), "image").tensors["y"].view
    assert unknown == Ended(
        "ONNX node 'the y' (NonMaxSuppression)", "which pixels it reads depends on their values, or is not known here"
    )


def test_one_row_beside_several_channels_is_seen_by_all_of_them() -> None:
    net = Net(1, 2, 5).constant("from", [2]).constant("to", [3]).constant("axes", [2]).weight("w", 1, 3, 2)
    net.node("Slice", "image,from,to,axes", "row").node("Transpose", "row", "turned", perm=(0, 2, 1))
    assert numbers(net.node("Add", "turned,w", "y").graph()) == [(1, None, None, None)]
