from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nets import Net

from refconv.analysis.graph.folding import folded
from refconv.analysis.graph.nodes import Constant, Node, Unknown, as_constant


def fold(op: str, *arrays: Any, **attributes: Any) -> Any:
    constants = [None if array is None else as_constant(np.asarray(array)) for array in arrays]
    (result,) = folded(Node(op, "n", tuple("abc"[: len(arrays)]), ("y",), attributes), constants)
    return None if result.array is None else result.array.tolist()


@pytest.mark.parametrize(
    ("op", "arrays", "attributes", "expected"),
    [
        ("Add", ([1, 2], [3, 5]), {}, [4, 7]),
        ("Sub", ([1, 2], [3, 5]), {}, [-2, -3]),
        ("Mul", ([4, 2], [3, 5]), {}, [12, 10]),
        ("Div", ([7, -7], [2, 2]), {}, [3, -3]),
        ("Div", ([7.0], [2.0]), {}, [3.5]),
        ("Mod", ([7], [4]), {}, [3]),
        ("Pow", ([2], [5]), {}, [32]),
        ("Min", ([2, 9], [5, 1]), {}, [2, 1]),
        ("Max", ([2, 9], [5, 1]), {}, [5, 9]),
        ("Equal", ([2, 9], [2, 1]), {}, [True, False]),
        ("Greater", ([2, 9], [2, 1]), {}, [False, True]),
        ("Less", ([2, 0], [2, 1]), {}, [False, True]),
        ("GreaterOrEqual", ([2, 0], [2, 1]), {}, [True, False]),
        ("LessOrEqual", ([2, 3], [2, 1]), {}, [True, False]),
        ("And", ([True, True], [True, False]), {}, [True, False]),
        ("Or", ([False, True], [False, False]), {}, [False, True]),
        ("Not", ([False, True],), {}, [True, False]),
        ("Floor", ([1.5, -1.5],), {}, [1, -2]),
        ("Ceil", ([1.5, -1.5],), {}, [2, -1]),
        ("Round", ([1.5, 2.5],), {}, [2, 2]),
        ("Sqrt", ([9.0],), {}, [3]),
        ("Neg", ([9],), {}, [-9]),
        ("Abs", ([-9],), {}, [9]),
        ("Exp", ([0.0],), {}, [1]),
        ("Log", ([1.0],), {}, [0]),
        ("Range", (10**9 + 3, 10**9, -1), {}, [10**9 + 3, 10**9 + 2, 10**9 + 1]),
        ("Range", (-(10**9), 10**9, 1), {}, None),  # too many
        ("Size", ([[1, 2], [3, 4], [5, 6]],), {}, 6),
        ("Identity", ([1, 2],), {}, [1, 2]),
        ("Cast", ([1.7, -1.7],), {"to": 7}, [1, -1]),
        ("Gather", ([5, 6, 7], [2, 0]), {}, [7, 5]),
        ("Gather", ([[5, 6], [7, 8]], 1), {"axis": 1}, [6, 8]),
        ("Concat", ([1], [2, 3]), {"axis": 0}, [1, 2, 3]),
        ("Concat", ([[1], [2]], [[3, 4], [5, 6]]), {"axis": 1}, [[1, 3, 4], [2, 5, 6]]),
        ("Slice", ([5, 6, 7, 8], [1], [3]), {}, [6, 7]),
        ("Slice", ([5, 6, 7, 8], [-1], [-9], [0], [-2]), {}, [8, 6]),
        ("Slice", ([[5, 6], [7, 8]],), {"starts": [1], "ends": [2], "axes": [1]}, [[6], [8]]),
        ("Slice", ([[5, 6], [7, 8]], [0, 1], [1, 2]), {}, [[6]]),  # the first axes, where none are named
        ("Slice", ([[5, 6, 7], [8, 9, 0]], [2, 1], [0, 2], [1, 0], [-1, 1]), {}, [[0, 9]]),
        ("Unsqueeze", (5, [0]), {}, [5]),
        ("Unsqueeze", ([5],), {"axes": [1]}, [[5]]),
        ("Squeeze", ([[5]], [0]), {}, [5]),
        ("Squeeze", ([[5]],), {}, 5),
        ("Reshape", ([[1, 2, 3], [4, 5, 6]], [0, -1, 1]), {}, [[[1], [2], [3]], [[4], [5], [6]]]),
        ("Flatten", ([[1, 2], [3, 4]],), {}, [[1, 2, 3, 4]]),
        ("Flatten", ([[[1, 2]], [[3, 4]]],), {}, [[1, 2, 3, 4]]),
        ("Transpose", ([[1, 2], [3, 4]],), {}, [[1, 3], [2, 4]]),
        ("Transpose", ([[[1, 2]]],), {"perm": [2, 0, 1]}, [[[1]], [[2]]]),
        ("ConstantOfShape", ([2],), {}, [0, 0]),
        ("ConstantOfShape", ([2],), {"value": as_constant([7])}, [7, 7]),
        ("Range", (2, 9, 3), {}, [2, 5, 8]),
        ("Where", ([True, False], [1, 2], [3, 4]), {}, [1, 4]),
        ("Expand", ([1], [2]), {}, [1, 1]),
        ("Tile", ([1, 2], [2]), {}, [1, 2, 1, 2]),
        ("ReduceProd", ([2, 3],), {"keepdims": 0}, 6),
        ("ReduceProd", ([[2, 3], [4, 5]], [1]), {}, [[6], [20]]),
        ("ReduceMax", ([[2, 3], [4, 5]],), {"axes": [1], "keepdims": 0}, [3, 5]),
        ("Size", (7,), {}, 1),
        ("ReduceSum", ([2, 3],), {}, [5]),
        ("ReduceMin", ([2, 3],), {"axes": [0]}, [2]),
        ("ReduceMax", ([2, 3],), {}, [3]),
    ],
)
def test_folding(op: str, arrays: tuple[Any, ...], attributes: dict[str, Any], expected: Any) -> None:
    assert fold(op, *arrays, **attributes) == expected


@pytest.mark.parametrize(
    ("number", "name", "read"),
    [
        *[(1, "float32", 300.75), (10, "float16", 300.75), (11, "float64", 300.75)],
        *[(2, "uint8", 44), (3, "int8", 44), (6, "int32", 300), (7, "int64", 300), (9, "bool", True)],
    ],
)  # 300 = 256 + 44
def test_a_cast_is_to_the_type_that_onnx_gives_this_number(number: int, name: str, read: float) -> None:
    value = as_constant(np.array([300.75] if "float" in name else [300]))
    (result,) = folded(Node("Cast", "n", ("a",), ("y",), {"to": number}), [value])
    assert result.array is not None
    assert (result.array.dtype.name, result.array.tolist()) == (name, [read])


def test_what_is_filled_has_the_type_of_its_value_and_float32_without_one() -> None:
    for attributes, name in (({}, "float32"), ({"value": as_constant([7])}, "int64")):
        (result,) = folded(Node("ConstantOfShape", "n", ("a",), ("y",), attributes), [as_constant([2, 3])])
        assert result.array is not None
        assert (result.array.dtype.name, result.shape) == (name, (2, 3))


def test_the_shape_of_what_is_stored() -> None:
    (result,) = folded(Node("Shape", "n", ("a",), ("y",), {"start": 1, "end": 3}), [Constant(None, (4, 5, 6, 7))])
    assert result.array is not None
    assert result.array.tolist() == [5, 6]
    (whole,) = folded(Node("Shape", "n", ("a",), ("y",)), [Constant(None, (4, 5, 6, 7))])
    assert whole.array is not None
    assert whole.array.tolist() == [4, 5, 6, 7]


N = Unknown("N")


@pytest.mark.parametrize(
    ("op", "arrays", "attributes", "expected"),
    [
        ("Gather", ([N, 3, 5], [2, 1]), {}, [5, 3]),
        ("Gather", ([N, 3, 5], [0]), {}, [N]),
        ("Concat", ([N, 3], [4]), {"axis": 0}, [N, 3, 4]),
        ("Slice", ([N, 3, 5], [1], [3]), {}, [3, 5]),
        ("Cast", ([N, 3],), {"to": 1}, [N, 3]),
        ("Mul", ([N, 3], [2, 2]), {}, None),
        ("Equal", ([N], [1]), {}, None),
        ("ReduceProd", ([N, 3],), {}, None),
        ("ConstantOfShape", ([N],), {}, None),
        ("Where", ([True], [N], [1]), {}, None),
    ],
)
def test_an_unknown_size_is_moved_about_and_not_calculated_with(
    op: str, arrays: Any, attributes: Any, expected: Any
) -> None:
    objects = [np.array(array, dtype=object) if N in array else array for array in arrays]
    assert fold(op, *objects, **attributes) == expected


@pytest.mark.parametrize(
    ("op", "arrays", "attributes"),
    [
        ("ConstantOfShape", ([4097],), {}),
        ("Expand", ([1, 1], [5000, 1]), {}),
        ("Tile", ([1, 2, 3], [2000]), {}),
        ("Range", (0, 10**9, 2), {}),
        ("Add", ([1, 2], [1, 2, 3]), {}),
        ("Gather", ([1, 2], [5]), {}),
        ("Cast", ([1],), {"to": 99}),
        ("Gemm", ([1], [2]), {}),
    ],
)
def test_what_is_large_wrong_or_unknown_has_no_numbers(op: str, arrays: Any, attributes: Any) -> None:
    assert fold(op, *arrays, **attributes) is None


@pytest.mark.parametrize(
    ("op", "arrays", "count"),
    [
        ("ConstantOfShape", ([4096],), 4096),
        ("ConstantOfShape", ([4097],), None),
        ("Expand", (7, [2, 2048]), 4096),
        ("Expand", ([1, 2], [2048, 1]), 4096),
        ("Expand", ([1, 2], [2049, 1]), None),
        ("Tile", ([1, 2, 3], [1365]), 4095),
        ("Tile", ([1, 2, 3], [1366]), None),
        ("Tile", ([], [4097]), None),
        ("Range", (5, 5 + 3 * 4096, 3), 4096),
        ("Range", (5, 5 - 3 * 4096, -3), 4096),
        ("Range", (5, 6 + 3 * 4096, 3), None),
    ],
)
def test_as_many_as_4096_numbers_are_kept(op: str, arrays: Any, count: int | None) -> None:
    (result,) = folded(Node(op, "n", ("a", "b", "c"), ("y",)), [as_constant(np.asarray(array)) for array in arrays])
    assert (None if result.array is None else result.array.size) == count


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "expected"),
    [
        ("Transpose", [(8, 3, 5, 7)], {"perm": [3, 2, 0, 1]}, (7, 5, 8, 3)),
        ("Transpose", [(8, 3)], {}, (3, 8)),
        ("DequantizeLinear", [(8, 3, 5, 7), (1,)], {}, (8, 3, 5, 7)),
        ("RandomNormal", [], {"shape": [8, 3, 5]}, (8, 3, 5)),
        ("MatMul", [(8, 3), (3, 5)], {}, None),
        *[(op, [(8, 3)], {}, (8, 3)) for op in ("Identity", "Cast", "QuantizeLinear", "CastLike")],
        *[(op, [(8, 3), (1,)], {}, (8, 3)) for op in ("Mul", "Add", "Div", "Sub")],
        ("Mul", [None, (1,)], {}, None),
        ("RandomNormal", [], {}, None),
    ],
)
def test_of_a_weight_the_shape_is_followed(op: str, shapes: Any, attributes: Any, expected: Any) -> None:
    node = Node(op, "n", ("a", "b")[: len(shapes)], ("y",), attributes)
    assert folded(node, [Constant(None, shape) for shape in shapes]) == [Constant(None, expected)]


def test_a_weight_that_is_made_from_a_shape_has_it() -> None:
    shape = as_constant([8, 3, 5, 5000])
    assert folded(Node("ConstantOfShape", "n", ("a",), ("y",)), [shape]) == [Constant(None, (8, 3, 5, 5000))]
    made = folded(Node("Expand", "n", ("a", "b"), ("y",)), [as_constant([[1], [2]]), as_constant([2, 5000])])
    assert made == [Constant(None, (2, 5000))]
    assert folded(Node("Split", "n", ("a",), ("y", "z")), [shape]) == [Constant(None, None)] * 2


def test_pads_that_pytorch_puts_together() -> None:
    """A vector of pads, the last axis first, is filled with zeros, turned round in pairs, and cast."""
    net = Net(1, 1, 7, 8).constant("given", [3, 4, 1, 2]).constant("four", [4]).node("ConstantOfShape", "four", "zeros")
    net.node("Concat", "given,zeros", "all", axis=0).constant("pairs", [-1, 2]).node("Reshape", "all,pairs", "two")
    for name, value in {"last": -1, "end": -(2**40), "first": 0, "step": -1}.items():
        net.constant(name, [value])
    net.node("Slice", "two,last,end,first,step", "turned").node("Transpose", "turned", "t", perm=[1, 0]).constant(
        "flat", [-1]
    )
    graph = net.node("Reshape", "t,flat", "r").node("Cast", "r", "pads", to=7).node("Pad", "image,pads", "y").graph()
    assert [(field.padding, field.outputs) for field in graph.field("y")] == [(1, 10), (3, 15)]
