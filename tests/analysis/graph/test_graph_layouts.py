from __future__ import annotations

import re
from typing import Any

import pytest
from nets import Net, numbers, one, regions

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unknown

END = 2**40


def shape(graph: Graph, name: str = "y") -> tuple[Any, ...]:
    return graph.tensors[name].view.shape  # type: ignore[union-attr]


def why(graph: Graph, name: str = "y") -> str:
    view = graph.tensors[name].view
    assert isinstance(view, Ended)
    return view.reason


def test_channels_last_graphs_have_their_plane_between_batch_and_channels() -> None:
    net = Net(1, 9, 11, 3).node("Transpose", "image", "t", perm=[0, 3, 1, 2]).weight("w", 8, 3, 3, 5)
    net.node("Conv", "t,w", "c", strides=[2, 1]).node("Transpose", "c", "y", perm=[0, 2, 3, 1])
    graph = net.graph()
    assert graph.reading.plane == (1, 2)
    assert numbers(graph) == [(3, 2, 0, 4), (5, 1, 0, 7)]
    assert shape(graph) == (1, 4, 7, 8)
    assert graph.input_size == (9, 11)
    sequence = Net(1, 30, 4).node("Transpose", "image", "t", perm=[0, 2, 1]).node("Conv", "t,w", "y", kernel_shape=[3])
    assert sequence.graph().reading.plane == (1,)


def test_a_graph_without_a_window_has_its_plane_behind_the_channels() -> None:
    assert one("Relu", (1, 2, 5, 6)).reading.plane == (2, 3)
    assert one("Relu", (4, 7)).reading.plane == (0, 1)


def test_a_transpose_reverses_the_dimensions_unless_told() -> None:
    assert shape(one("Transpose", (2, 3, 5, 7))) == (7, 5, 3, 2)


def test_tokens_and_back() -> None:
    net = Net(1, 4, 5, 7).node("Conv", "image,w", "c", kernel_shape=[3, 1]).constant("flat", [0, 4, -1])
    net.constants["w"] = net.weight("w", 4, 4, 3, 1).constants["w"]
    net.node("Reshape", "c,flat", "tokens").node("Transpose", "tokens", "t", perm=[0, 2, 1]).weight("m", 4, 6)
    net.node("MatMul", "t,m", "p").node("Transpose", "p", "back", perm=[0, 2, 1]).constant("plane", [1, 6, 3, 7])
    net.node("Reshape", "back,plane", "r").node("Conv", "r,v", "y", kernel_shape=[1, 3])
    graph = net.graph()
    assert shape(graph, "tokens") == (1, 4, 21)
    assert graph.tensors["p"].is_local
    assert not graph.tensors["p"].has_plane
    assert graph.tensors["r"].has_plane
    assert numbers(graph) == [(3, 1, 0, 3), (3, 1, 0, 5)]


def test_pixels_whose_number_is_unknown_are_taken_together() -> None:
    height, width = Unknown("h"), Unknown("w")
    net = Net(1, 4, height, width).constant("flat", [0, 4, -1]).node("Reshape", "image,flat", "tokens")
    net.node("Shape", "tokens", "s").node("Reshape", "tokens,s", "y").node("Shape", "image", "t")
    net.constant("at", [2]).constant("rest", [-1]).node("Gather", "s,at", "all").node("Concat", "rest,all", "u", axis=0)
    net.node("Reshape", "image,u", "rows").weight("w", 4, 4, 3, 1).node("Reshape", "rows,t", "back")
    graph = net.node("Reshape", "y,t", "z").node("Conv", "back,w", "c").graph("y,z,c")
    assert shape(graph, "rows") == (4, shape(graph, "tokens")[2])
    assert [field.size for field in graph.field("c")] == [3, 1]
    assert shape(graph) == shape(graph, "tokens") != shape(graph, "z")
    assert graph.tensors["y"].is_local
    assert not graph.tensors["y"].has_plane
    assert shape(graph, "z") == (1, 4, height, width)
    assert [field.size for field in graph.field("z")] == [1, 1]


def test_channel_shuffle_changes_nothing() -> None:
    net = Net(1, 6, 5, 7).constant("cut", [1, 2, 3, 5, 7]).constant("back", [1, -1, 5, 7])
    net.node("Reshape", "image,cut", "a").node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]).node(
        "Reshape", "b,back", "y"
    )
    graph = net.graph()
    assert shape(graph) == (1, 6, 5, 7)
    assert numbers(graph) == [(1, 1, 0, 5), (1, 1, 0, 7)]
    assert not graph.tensors["y"].is_step


def test_depth_to_space_by_hand_repeats_each_pixel() -> None:
    net = Net(1, 8, 3, 4).constant("cut", [1, 2, 2, 2, 3, 4]).constant("back", [1, 2, 6, 8])
    net.node("Reshape", "image,cut", "a").node("Transpose", "a", "b", perm=[0, 1, 4, 2, 5, 3])
    graph = net.node("Reshape", "b,back", "y").graph()
    assert regions(graph, 4) == [[0, 0], [0, 0], [1, 1], [1, 1]]
    assert numbers(graph)[0][3] == 6


def test_space_to_depth_by_hand_sees_blocks() -> None:
    net = Net(1, 2, 6, 8).constant("cut", [1, 2, 3, 2, 4, 2]).constant("back", [1, 8, 3, 4])
    net.node("Reshape", "image,cut", "a").node("Transpose", "a", "b", perm=[0, 3, 5, 1, 2, 4])
    graph = net.node("Reshape", "b,back", "y").graph()
    assert numbers(graph) == [(2, 2, 0, 3), (2, 2, 0, 4)]
    assert regions(graph, 2) == [[0, 1], [2, 3]]


def windows(net: Net) -> Net:
    """Cut a plane of 6 by 8 into windows of 3 by 4, as a transformer with windows does."""
    net.constant("cut", [1, 2, 3, 2, 4, 2]).constant("rows", [4, 12, 2])
    net.node("Reshape", "image,cut", "a").node("Transpose", "a", "b", perm=[0, 1, 3, 2, 4, 5])
    return net.node("Reshape", "b,rows", "windows")


def put_together(net: Net, tokens: str) -> Graph:
    net.constant("uncut", [1, 2, 2, 3, 4, 2]).constant("plane", [1, 6, 8, 2])
    net.node("Reshape", f"{tokens},uncut", "d").node("Transpose", "d", "e", perm=[0, 1, 3, 2, 4, 5])
    return net.node("Reshape", "e,plane", "y").graph(input_size=None)


def windowed() -> Net:
    net = Net(1, 6, 8, 2)
    net.node("Transpose", "image", "first", perm=[0, 3, 1, 2]).node("Conv", "first,one", "unused", kernel_shape=[1, 1])
    return windows(net)


def test_windows_that_nobody_reads_are_put_together_as_they_were() -> None:
    graph = put_together(windowed().node("Gelu", "windows", "tokens"), "tokens")
    assert numbers(graph) == [(1, 1, 0, 6), (1, 1, 0, 8)]


def test_attention_in_windows_sees_a_window() -> None:
    net = windowed().node("Transpose", "windows", "turned", perm=[0, 2, 1]).node("MatMul", "windows,turned", "scores")
    net.node("Softmax", "scores", "weights").node("MatMul", "weights,windows", "mixed").node(
        "Add", "mixed,windows", "tokens"
    )
    graph = put_together(net, "tokens")
    assert regions(graph, 8) == [[0, 3]] * 4 + [[4, 7]] * 4
    assert regions(graph, 6, axis=0) == [[0, 2]] * 3 + [[3, 5]] * 3
    assert not any(field.whole for field in graph.field("y"))


def test_attention_over_a_grid_sees_all() -> None:
    net = windowed().constant("swap", [12, 4, 2]).node("Transpose", "windows", "grid", perm=[1, 0, 2])
    net.node("Transpose", "grid", "turned", perm=[0, 2, 1]).node("MatMul", "grid,turned", "scores")
    net.node("Softmax", "scores", "weights").node("MatMul", "weights,grid", "y")
    assert [field.whole and field.whole.title for field in net.graph().field("y")] == ["Softmax 'the weights'"] * 2


def test_blocks_that_were_read_one_by_one_do_not_fit_together() -> None:
    net = Net(1, 1, 12).constant("cut", [1, 1, 4, 3]).constant("back", [1, 1, 12]).constant("one", [1])
    net.node("Reshape", "image,cut", "a").node("Transpose", "a", "b", perm=[0, 1, 3, 2]).weight("w", 1, 1, 1, 3)
    net.node("Conv", "b,w", "c", kernel_shape=[1, 3], pads=[0, 1, 0, 1]).node("Transpose", "c", "d", perm=[0, 1, 3, 2])
    graph = net.node("Reshape", "d,back", "y").graph()
    assert why(graph) == "it puts blocks of the image together that were read block by block"


def test_a_border_between_two_factors_may_be_moved() -> None:
    net = Net(1, 1, 6).constant("cut", [1, 1, 2, 3]).constant("other", [1, 1, 3, 2]).constant("back", [1, 1, 6])
    net.node("Reshape", "image,cut", "a").node("Reshape", "a,other", "b").node("Reshape", "b,back", "y")
    graph = net.graph()
    assert numbers(graph) == [(1, 1, 0, 6)]
    assert shape(Net(1, 6, 5).constant("s", [1, 4, 3, 2, 5]).graph("image"), "image") == (1, 6, 5)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([0, 0, -1], (2, 3, 35)),
        ([2, -1], (2, 105)),
        ([-1, 7], (30, 7)),
        ([6, 5, 7], (6, 5, 7)),
        ([2, 3, 1, 5, 7], (2, 3, 1, 5, 7)),
    ],
)
def test_reshape(target: list[int], expected: tuple[int, ...]) -> None:
    assert shape(Net(2, 3, 5, 7).constant("s", target).node("Reshape", "image,s", "y").graph()) == expected


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ([2, 3, 36], "a dimension of 5 is cut where it has no border"),
        ([2, 3, 5, 6], "a dimension of 7 is cut where it has no border"),
        ([2, 3, 5, 7, 2], "its sizes do not divide those before it"),
        ([2, 3, 5], "its sizes do not divide those before it"),
        ([2, 3, 7, 5], "a dimension of 5 is cut where it has no border"),
        ([2, 4, -1], "a dimension of 3 is cut where it has no border"),
    ],
)
def test_a_reshape_that_does_not_fit_cannot_be_said(target: list[int], reason: str) -> None:
    graph = Net(2, 3, 5, 7).constant("s", target).node("Reshape", "image,s", "y").graph()
    assert why(graph) == reason


def test_a_reshape_to_unknown_sizes_finds_those_that_are_the_same() -> None:
    net = Net(Unknown("N"), 4, Unknown("H"), Unknown("W")).node("Shape", "image", "s")
    for name, place in (("n", 0), ("h", 2), ("w", 3)):
        net.constant(f"at {name}", [place]).node("Gather", f"s,at {name}", name)
    net.constant("two", [2]).node("Mul", "h,w", "unknown").node("Concat", "n,two,two,h,w", "cut", axis=0)
    net.node("Reshape", "image,cut", "y").constant("all", [0, 4, -1]).node("Reshape", "image,all", "tokens")
    graph = net.node("Shape", "tokens", "st").node("Concat", "n,unknown,two,two", "z", axis=0).graph("y,tokens")
    assert shape(graph)[:3] == (graph.shape[0], 2, 2)
    assert shape(graph)[3:] == graph.shape[2:]
    assert graph.tensors["tokens"].is_local
    ended = net.node("Reshape", "image,z", "e").graph("e")
    assert why(ended, "e") == "its shape is computed, and not from the image's size alone"


def test_flatten() -> None:
    assert shape(one("Flatten", (2, 3, 5, 7))) == (2, 105)
    assert shape(one("Flatten", (2, 3, 5, 7), axis=2)) == (6, 35)
    assert shape(one("Flatten", (2, 3, 5, 7), axis=-1)) == (30, 7)
    assert shape(one("Flatten", (2, 3, 5, 7), axis=4)) == (210, 1)


def test_of_a_plane_of_one_pixel_a_flattening_keeps_what_that_pixel_sees() -> None:
    net = (
        Net(1, 3, 5, 7).weight("w", 4, 3, 5, 7).node("Conv", "image,w", "c").node("Flatten", "c", "f").weight("m", 4, 2)
    )
    graph = net.node("Gemm", "f,m", "y").graph()
    assert [(field.size, field.is_placed, field.whole) for field in graph.field("y")] == [
        (5, False, None),
        (7, False, None),
    ]


@pytest.mark.parametrize(
    "target", [[1, 4, 1, 7], [0, 0, 1, -1], [-1, 4, 1, 7], [1, 2, 2, 1, 7], [1, 1, 4, 1, 7]], ids=str
)
def test_an_axis_with_one_position_keeps_its_dimension(target: list[int]) -> None:
    net = Net(1, 4, 1, 7).weight("w", 4, 4, 3, 3).constant("first", target).constant("back", [1, 4, 1, 7])
    net.node("Reshape", "image,first", "a").node("Reshape", "a,back", "b")
    graph = net.node("Conv", "b,w", "y", pads=[1, 2, 1, 2]).graph()
    assert numbers(graph) == [(3, 1, 1, 1), (3, 1, 2, 9)]


def test_squeeze_and_unsqueeze() -> None:
    assert shape(one("Squeeze", (1, 3, 1, 7))) == (3, 7)
    assert shape(one("Squeeze", (1, 3, 1, 7), axes=[0])) == (3, 1, 7)
    assert shape(one("Squeeze", (1, 3, 1, 7), axes=[-2])) == (1, 3, 7)
    assert shape(one("Unsqueeze", (3, 7), axes=[0, -1])) == (1, 3, 7, 1)


def test_expand_and_tile() -> None:
    net = Net(1, 1, 5).constant("s", [2, 3, 1]).node("Expand", "image,s", "y")
    assert shape(net.graph()) == (2, 3, 5)
    assert numbers(net.graph()) == [(1, 1, 0, 5)]
    tiled = (
        Net(1, 2, 5)
        .constant("times", [1, 3, 2])
        .node("Conv", "image,w", "c", kernel_shape=[3])
        .node("Tile", "c,times", "y")
    )
    assert shape(tiled.graph())[2] == 6
    assert [(field.size, field.is_placed) for field in tiled.graph().field("y")] == [(3, False)]


def sliced(start: int, stop: int, step: int, axis: int = 2, size: Any = 10) -> Graph:
    net = Net(1, 4, size)
    for name, value in {"start": start, "stop": stop, "axis": axis, "step": step}.items():
        net.constant(name, [value])
    net.node("Conv", "image,w", "c", kernel_shape=[1])
    return net.weight("w", 4, 4, 1).node("Slice", "c,start,stop,axis,step", "y").graph()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((2, 9, 1), [(1, 1, -2, 7)]),
        ((1, END, 3), [(1, 3, -1, 3)]),
        ((-4, -1, 2), [(1, 2, -6, 2)]),
        ((0, END, 1), [(1, 1, 0, 10)]),
        ((0, -3, 1), [(1, 1, 0, 7)]),
    ],
)
def test_a_slice_in_space_is_a_window_of_one_tap(bounds: tuple[int, int, int], expected: list[Any]) -> None:
    assert numbers(sliced(*bounds)) == expected


def test_a_slice_of_channels_changes_their_number() -> None:
    assert shape(sliced(1, 3, 1, axis=1)) == (1, 2, 10)
    assert shape(sliced(-1, END, 1, axis=-2)) == (1, 1, 10)


def test_a_slice_backwards_has_lost_its_places_and_one_of_a_position_has_not() -> None:
    assert [(field.size, field.is_placed) for field in sliced(-1, -END, -1).field("y")] == [(1, False)]
    assert numbers(sliced(-1, END, 1)) == [(1, 1, -9, 1)]
    assert sliced(3, 3, 1).feature_map("y") == (0,)


def test_a_slice_of_tokens_has_lost_its_places_unless_it_takes_them_all() -> None:
    net = Net(1, 4, 5, 7).weight("w", 4, 4, 3, 1).node("Conv", "image,w", "c").constant("flat", [0, 4, -1])
    net.node("Reshape", "c,flat", "tokens").node("Slice", "tokens", "all", starts=[0], ends=[END], axes=[2])
    graph = net.node("Slice", "tokens", "some", starts=[1], ends=[20], axes=[2], steps=[2]).graph("all,some")
    assert (shape(graph, "all"), shape(graph, "some")) == ((1, 4, 21), (1, 4, 10))
    assert numbers(graph, "all") == [(3, 1, 0, 3), (1, 1, 0, 7)]
    assert [(field.size, field.is_placed) for field in graph.field("some")] == [(3, False), (1, False)]


def test_a_slice_of_an_unknown_size() -> None:
    assert numbers(sliced(2, -3, 2, size=Unknown())) == [(1, 2, -2, None)]
    assert numbers(sliced(0, 1, 1, size=Unknown())) == [(1, 1, 0, 1)]
    assert numbers(sliced(3, 4, 1, size=Unknown())) == [(1, 1, -3, 1)]
    whole = sliced(0, END, 1, size=Unknown())
    assert numbers(sliced(0, 10**9, 1, size=Unknown())) == numbers(whole) == [(1, 1, 0, None)]
    assert shape(sliced(0, 10**9, 1, size=(size := Unknown())))[2] is size
    assert shape(whole)[2] is whole.shape[2]
    assert [(field.size, field.is_placed) for field in sliced(-1, END, 1, size=Unknown()).field("y")] == [(1, False)]
    assert why(sliced(-2, END, 1, size=Unknown())) == (
        "it counts from the end of an axis, whose size depends on the image's, which --input says"
    )


def test_slices_in_attributes_as_of_old() -> None:
    graph = one("Slice", (1, 4, 10), starts=[1, 3], ends=[3, 9], axes=[1, 2])
    assert shape(graph) == (1, 2, 6)
    assert numbers(graph) == [(1, 1, -3, 6)]
    assert shape(one("Slice", (5, 4, 10), starts=[1, 1], ends=[3, 2])) == (2, 1, 10)


def test_split() -> None:
    net = (
        Net(1, 7, 10)
        .constant("parts", [2, 5])
        .node("Split", "image,parts", "a,b", axis=1)
        .node("Split", "image", "c,d", axis=2)
    )
    net.node("Split", "image", "e,f,g", axis=-2, num_outputs=3).node("Split", "image", "h,i", axis=2, split=[4, 6])
    net.node("Split", "image", "j", axis=2, num_outputs=1)
    graph = net.graph("a,b,c,d,e,f,g,h,i,j")
    assert numbers(graph, "j") == [(1, 1, 0, 10)]
    assert [shape(graph, name)[1] for name in "abefg"] == [2, 5, 3, 3, 1]
    assert numbers(graph, "d") == [(1, 1, -5, 5)]
    assert numbers(graph, "i") == [(1, 1, -4, 6)]
    assert numbers(graph, "b") == [(1, 1, 0, 10)]


def test_concatenation_of_channels_sees_what_any_branch_sees() -> None:
    net = Net(1, 2, 20).weight("v", 5, 2, 3).weight("w", 7, 2, 5)
    net.node("Conv", "image,v", "a", pads=[0, 2]).node("Conv", "image,w", "b", pads=[3, 1])
    graph = net.node("Concat", "a,b,image", "y", axis=-2).graph()
    assert shape(graph) == (1, 14, 20)
    assert numbers(graph) == [(6, 1, 3, 20)]
    assert regions(graph, 2) == [[-3, 2], [-2, 3]]


def test_concatenation_in_space_is_said_output_by_output() -> None:
    """Circular padding by hand: the last two pixels, the image, and the first."""
    net = Net(1, 1, 6).node("Relu", "image", "r")
    net.node("Slice", "r", "last", starts=[4], ends=[END], axes=[2]).node(
        "Slice", "r", "first", starts=[0], ends=[1], axes=[2]
    )
    net.node("Concat", "last,r,first", "round", axis=2).node("Conv", "round,w", "y", kernel_shape=[3])
    graph = net.graph("round,y")
    places = [[4, 4], [5, 5], *([place, place] for place in range(6)), [0, 0]]
    assert regions(graph, 9, "round") == places
    assert regions(graph, 7) == [[0, 5], [0, 5], [0, 2], [1, 3], [2, 4], [3, 5], [0, 5]]
    assert [field.size for field in graph.field("y")] == [6]


def test_zeros_beside_an_image_see_nothing() -> None:
    net = Net(1, 1, 6).constant("zeros", [[[0.0, 0.0]]]).node("Conv", "image,w", "c", kernel_shape=[3])
    graph = net.node("Concat", "zeros,c", "y", axis=2).graph()
    assert regions(graph, 6) == [[], [], [0, 2], [1, 3], [2, 4], [3, 5]]


def test_tokens_behind_each_other_have_lost_their_places() -> None:
    net = Net(1, 2, 8, 8).constant("flat", [1, 2, -1])
    for number, (stride, kernel) in enumerate([(1, 3), (2, 5)]):
        net.node("Conv", "image,w", f"c{number}", kernel_shape=[kernel] * 2, strides=[stride] * 2)
        net.weight("w", 2, 2, 1, 1).node("Reshape", f"c{number},flat", f"t{number}")
    graph = net.node("Concat", "t0,t1", "y", axis=2).graph()
    assert shape(graph) == (1, 2, 36 + 4)
    assert [(field.size, field.is_placed) for field in graph.field("y")] == [(5, False)] * 2
    assert graph.tensors["y"].links[0].steps is None


def test_gather() -> None:
    net = (
        Net(1, 4, 10).weight("w", 4, 4, 3).node("Conv", "image,w", "c").constant("last", -1).constant("some", [1, 3, 5])
    )
    net.constant("others", [5, 1]).constant("square", [[0, 1], [2, 3]]).node("Gather", "c,last", "a", axis=2)
    net.node("Gather", "c,some", "b", axis=2).node("Gather", "c,others", "d", axis=-1).node(
        "Gather", "c,square", "e", axis=1
    )
    graph = net.graph("a,b,d,e")
    assert shape(graph, "a") == (1, 4)
    assert [(field.size, field.is_placed) for field in graph.field("a")] == [(3, False)]
    assert numbers(graph, "b") == [(3, 2, -1, 3)]
    assert [(field.size, field.is_placed) for field in graph.field("d")] == [(3, False)]
    assert shape(graph, "e") == (1, 2, 2, 8)
    assert numbers(graph, "e") == [(3, 1, 0, 8)]


def test_a_position_that_is_picked_twice_has_lost_its_place() -> None:
    net = Net(1, 4, 10).weight("w", 4, 4, 3).node("Conv", "image,w", "c").constant("twice", [2, 2])
    graph = net.node("Gather", "c,twice", "y", axis=2).graph()
    assert shape(graph) == (1, 4, 2)
    assert [(field.size, field.is_placed) for field in graph.field("y")] == [(3, False)]


def test_without_an_axis_positions_are_picked_from_the_first() -> None:
    graph = Net(1, 2, 5, 9).constant("first", [0]).node("Gather", "image,first", "y").graph()
    assert shape(graph) == (1, 2, 5, 9)


def test_positions_that_are_counted_from_the_end_have_lost_their_place() -> None:
    graph = Net(1, 2, 5, 9).constant("last two", [-2, -1]).node("Gather", "image,last two", "y", axis=3).graph()
    assert shape(graph) == (1, 2, 5, 2)
    assert [(field.size, field.is_placed) for field in graph.field("y")] == [(1, True), (1, False)]


def test_a_table_is_picked_from_by_the_image() -> None:
    graph = Net(1, 1, 10).weight("table", 100, 16).node("Gather", "table,image", "y").graph()
    assert shape(graph) == (1, 1, 10, 16)
    assert numbers(graph) == [(1, 1, 0, 10)]


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("Concat", "image,image", {}, "axis is not given"),
    ("Concat", "image,image", {"axis": 3}, "axis=3 must be a dimension of a tensor that has 3"),
    ("Transpose", "image", {"perm": [0, 1, 1]}, "perm=[0, 1, 1] must have each of 0 ... 2 once"),
    ("Transpose", "image", {"perm": [0, 1]}, "perm=[0, 1] must have 3 numbers"),
    ("Reshape", "image,twice", {}, "shape=[-1, -1] must have one -1 at most, and no 0 without a dimension before it"),
    ("Slice", "image", {}, "its starts are not given"),
    (
        "Slice",
        "image",
        {"starts": [1], "ends": [2, 3]},
        "starts=[1], ends=[2, 3], axes=[0] and steps=[1] must be equally long",
    ),
    ("Slice", "image", {"starts": [1], "ends": [2], "steps": [0]}, "its step must not be 0"),
    ("Unsqueeze", "image", {}, "its axes are not given"),
    ("Split", "image", {"axis": 4}, "axis=4 must be a dimension of a tensor that has 3"),
    ("Gather", "image", {}, "it has 1 input and needs 2"),
]


@pytest.mark.parametrize(
    ("shape", "to", "sizes", "field"),
    [
        ((Unknown(), 1, 12), [-1, 3, 4], [3, 4], (4, 4, 0, 3)),  # from behind: blocks of 4, and the place in a block
        ((1, 1, 12), [3, -1], [3, 4], (4, 4, 0, 3)),  # from the front
        (
            (Unknown(), 4, 12),
            [-1, 8, 6],
            [4, 2, 6],
            (6, 6, 0, 2),
        ),  # each of 4 channels beside the first half or the second
    ],
)
def test_an_axis_is_cut_into_blocks_from_either_end(
    shape: tuple[Any, ...], to: list[int], sizes: list[int], field: tuple[int, ...]
) -> None:
    graph = Net(*shape).constant("to", to).node("Reshape", "image,to", "y").graph()
    assert numbers(graph) == [field]
    dims = graph.tensors["y"].view.dims  # type: ignore[union-attr]
    assert [factor.size for dim in dims for factor in dim if isinstance(factor.size, int)] == sizes


@pytest.mark.parametrize(
    ("height", "width", "kernel", "fields"),
    [(1, 9, 3, [(None,) * 4, (3, 1, 0, 7)]), (1, 1, 1, [(1, 1, 0, 1), (None,) * 4])],
)
def test_a_window_slides_over_a_plane_in_one_dimension_where_one_of_its_axes_has_one_position(
    height: int, width: int, kernel: int, fields: list[tuple[Any, ...]]
) -> None:
    net = Net(1, 3, height, width).constant("flat", [1, 3, -1]).node("Reshape", "image,flat", "tokens")
    assert numbers(net.node("Conv", "tokens,w", "y", kernel_shape=[kernel]).graph()) == fields


def test_a_window_over_two_axes_in_one_dimension_cannot_be_said() -> None:
    net = Net(1, 3, 2, 9).constant("flat", [1, 3, -1]).node("Reshape", "image,flat", "tokens")
    assert (
        why(net.node("Conv", "tokens,w", "y", kernel_shape=[4]).graph())
        == "two axes of the image lie along one dimension"
    )


@pytest.mark.parametrize(("op", "inputs", "attributes", "message"), WRONG)
def test_a_wrong_node_is_refused_by_name(op: str, inputs: str, attributes: dict[str, Any], message: str) -> None:
    net = Net(1, 4, 10).constant("twice", [-1, -1]).node(op, inputs, "y", **attributes)
    with pytest.raises(ValueError, match=f"^{re.escape(f'ONNX node {chr(39)}the y{chr(39)} ({op}): {message}')}$"):
        net.graph()


def test_a_split_without_a_part_for_each_output_is_refused() -> None:
    net = Net(1, 4, 10).node("Split", "image", "a,b", axis=1, split=[4])
    with pytest.raises(ValueError, match=r"\(Split\): split=\[4\] must have a part for each of 2 outputs$"):
        net.graph("a")
