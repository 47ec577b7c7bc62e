from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nets import numbers

from refconv.analysis.graph.network_graph import from_onnx
from refconv.analysis.graph.nodes import Constant, Program, Unknown
from refconv.analysis.graph.onnx_file import Protos, module_of

FLOAT = 1  # TensorProto.FLOAT


class Model:
    """A graph of nodes that read and write tensors by name, saved to a file."""

    def __init__(self, folder: Path) -> None:
        self.onnx = pytest.importorskip("onnx", reason="onnx is not installed")
        self.path = folder / "model.onnx"
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def node(self, op: str, inputs: str, output: str, **attributes: Any) -> Model:
        self.nodes.append(
            self.onnx.helper.make_node(op, inputs.split(","), [output], name=f"the {output}", **attributes)
        )
        return self

    def constant(self, name: str, values: Any, kind: type = np.float32) -> Model:
        self.initializers.append(self.onnx.numpy_helper.from_array(np.asarray(values, dtype=kind), name))
        return self

    def save(self, output: str, inputs: str = "image", shape: Any = None) -> Path:
        helper = self.onnx.helper
        infos = [helper.make_tensor_value_info(name, FLOAT, shape) for name in inputs.split(",")]
        outputs = [helper.make_tensor_value_info(output, FLOAT, None)]
        graph = helper.make_graph(self.nodes, "graph", infos, outputs, self.initializers)
        self.onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), self.path)
        return self.path


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model(tmp_path)


def test_a_file_with_nodes_constants_and_shapes(model: Model) -> None:
    model.constant("w", np.zeros((8, 3, 5, 4))).constant("big", np.zeros((8, 8, 30, 30))).constant(
        "pads", [0, 0, 1, 2, 0, 0, 3, 4], np.int64
    )
    model.node("Conv", "image,w", "a", strides=[2, 1]).node("Pad", "a,pads", "b").node("Relu", "b", "c")
    graph = from_onnx(model.node("Conv", "c,big", "y").save("y", shape=["N", 3, 100, None]))
    assert numbers(graph, "b") == [(5, 2, 2, 52), (4, 1, 2, None)]
    assert numbers(graph) == [(63, 2, 2, 23), (33, 1, 2, None)]
    assert [tensor.node for tensor in graph.tensors.values()][1:] == ["the a", "the b", "the c", "the y"]
    assert graph.program.constants["big"] == Constant(None, (8, 8, 30, 30))
    assert isinstance(graph.shape[0], Unknown)
    assert from_onnx(model.path, input_size=(100, 101)).feature_map("y") == (23, 75)
    assert from_onnx(str(model.path), "image").outputs == ["y"]


def test_a_shape_that_is_not_said(model: Model) -> None:
    graph = from_onnx(model.node("Conv", "image,w", "y", kernel_shape=[3]).save("y"))
    assert graph.axes == ("length",)
    assert graph.input_size is None


def test_constants_may_be_nodes_of_every_form(model: Model) -> None:
    helper = model.onnx.helper
    value = model.onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32))
    model.nodes.append(helper.make_node("Constant", [], ["scales"], value=value))
    model.nodes.append(helper.make_node("Constant", [], ["starts"], value_ints=[3]))
    model.nodes.append(helper.make_node("Constant", [], ["floats"], value_floats=[1.0, 1.0, 1.0, 3.0]))
    model.nodes.append(helper.make_node("Constant", [], ["axis"], value_int=2))
    model.constant("ends", [9], np.int64).constant("shape", [1], np.int64)
    model.node("Reshape", "axis,shape", "axes").node("Resize", "image,,scales", "a").node("Resize", "a,,floats", "b")
    graph = from_onnx(model.node("Slice", "b,starts,ends,axes", "y").save("y", shape=[1, 1, 10, 10]))
    assert graph.feature_map("y") == (6, 60)


def test_an_if_has_its_branches_as_graphs(model: Model) -> None:
    helper = model.onnx.helper
    branches = []
    for size in (3, 5):
        node = helper.make_node("MaxPool", ["image"], [f"out{size}"], kernel_shape=[size])
        branches.append(
            helper.make_graph([node], "branch", [], [helper.make_tensor_value_info(f"out{size}", FLOAT, None)])
        )
    model.nodes.append(helper.make_node("If", ["is"], ["y"], then_branch=branches[0], else_branch=branches[1]))
    graph = from_onnx(model.constant("is", [False], np.bool_).save("y", shape=[1, 1, 10]))
    assert numbers(graph) == [(5, 1, 0, 6)]
    assert isinstance(graph.program.nodes[0].attributes["then_branch"], Program)


def test_functions_of_the_file_itself_are_read_where_they_are_called(model: Model) -> None:
    helper = model.onnx.helper
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    inner = [helper.make_node("Conv", ["a", "w"], ["b"], kernel_shape=[3])]
    function = helper.make_function("own", "Block", ["a", "w"], ["b"], inner, opsets[:1])
    infos = [helper.make_tensor_value_info("image", FLOAT, [1, 1, 9]), helper.make_tensor_value_info("y", FLOAT, None)]
    nodes = [helper.make_node("Block", ["image", "w"], ["y"], domain="own")]
    graph = helper.make_graph(nodes, "graph", infos[:1], infos[1:])
    model.onnx.save(helper.make_model(graph, opset_imports=opsets, functions=[function]), model.path)
    assert numbers(from_onnx(model.path)) == [(3, 1, 0, 7)]


def test_a_node_without_a_name_has_a_number(model: Model) -> None:
    model.nodes.append(model.onnx.helper.make_node("Relu", ["image"], ["a"]))
    model.nodes.append(model.onnx.helper.make_node("Conv", ["a"], ["y"]))
    with pytest.raises(ValueError, match=r"^ONNX node 'number 2' \(Conv\): it has 1 input and needs 2$"):
        from_onnx(model.save("y"))


def test_the_version_of_the_operators_is_the_files(model: Model) -> None:
    assert {node.opset for node in from_onnx(model.node("Relu", "image", "y").save("y")).program.nodes} == {17}


def test_a_data_type_that_is_none_is_refused(model: Model) -> None:
    tensor = model.onnx.TensorProto(name="w", dims=[1, 1, 3, 3], data_type=99, raw_data=b"1234")
    model.initializers.append(tensor)
    with pytest.raises(ValueError, match=r"^ONNX tensor 'w': its data type 99 is none of ONNX's$"):
        from_onnx(model.node("Conv", "image,w", "y").save("y"))


def test_a_tensor_with_too_few_bytes_is_refused(model: Model) -> None:
    model.initializers.append(model.onnx.TensorProto(name="w", dims=[1, 1, 3, 3], data_type=1, raw_data=b"1234"))
    with pytest.raises(ValueError, match=r"^ONNX tensor 'w': "):
        from_onnx(model.node("Conv", "image,w", "y").save("y"))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    file = tmp_path / "no.onnx"
    file.write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file))} must be an ONNX model$"):
        from_onnx(file)
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "none.onnx")


def test_without_onnx_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "model.onnx").touch()
    with pytest.raises(ValueError, match=r"^an ONNX file needs onnx, which is not installed: pip install onnx$"):
        from_onnx(str(tmp_path / "model.onnx"))


# -- What stands in the messages of a file, without onnx: objects with the same fields.


class Proto(SimpleNamespace):
    """A message with some fields set."""

    def HasField(self, name: str) -> bool:  # noqa: N802  # as protobuf has it
        return name in vars(self)


class Tensor(Proto):
    pass


class Graph(Proto):
    pass


ONNX = SimpleNamespace(
    TensorProto=type("TensorProto", (Tensor,), {"DataType": SimpleNamespace(values=lambda: range(17)), "EXTERNAL": 1}),
    GraphProto=Graph,
    helper=SimpleNamespace(get_attribute_value=lambda attribute: attribute.value),
    numpy_helper=SimpleNamespace(to_array=lambda tensor: np.array(tensor.values).reshape(tensor.dims)),
)
ONNX.TensorProto.EXTERNAL = 1


def tensor(name: str, dims: list[int], values: Any = (), data_type: int = 1, data_location: int = 0) -> Any:
    return ONNX.TensorProto(name=name, dims=dims, values=values, data_type=data_type, data_location=data_location)


def value(name: str, *dims: Any) -> Proto:
    known = [Proto(dim_value=dim, dim_param="") if isinstance(dim, int) else Proto(dim_param=dim) for dim in dims]
    return Proto(name=name, type=Proto(tensor_type=Proto(shape=Proto(dim=known))))


def node(
    op: str,
    inputs: list[str],
    outputs: list[str],
    name: str = "",
    metadata: dict[str, str] | None = None,
    **attributes: Any,
) -> Proto:
    given = [Proto(name=key, value=each) for key, each in attributes.items()]
    pairs = [Proto(key=key, value=each) for key, each in (metadata or {}).items()]
    return Proto(op_type=op, name=name, input=inputs, output=outputs, attribute=given, metadata_props=pairs)


def test_a_graph_of_messages() -> None:
    inner = Graph(node=[node("Relu", ["a"], ["b"])], initializer=[], input=[], output=[value("b")])
    proto = Graph(
        node=[
            node("Conv", ["image", "w"], ["a"], "/m/m.0/conv/Conv", strides=(2, 1), auto_pad=b"SAME_UPPER", scale=1.5),
            node("Constant", [], ["c"], value=tensor("", [2], [3, 4])),
            node("Constant", [], ["d"], value_ints=[7]),
            node("Constant", [], ["e"], sparse=None),
            node("If", ["is"], ["b"], then_branch=inner),
        ],
        initializer=[tensor("w", [8, 3, 5, 5], np.zeros(600)), tensor("big", [70, 70]), tensor("far", [2], (), 1, 1)],
        input=[
            value("image", "N", 3, 0, 9),
            value("w", 8, 3, 5, 5),
            Proto(name="other", type=Proto(tensor_type=Proto())),
        ],
        output=[value("b")],
    )
    program = Protos(ONNX, 17).program(proto)
    conv, constant, ints, empty, condition = program.nodes
    assert (conv.op, conv.name, conv.inputs, conv.outputs, conv.module, conv.opset) == (
        "Conv", "/m/m.0/conv/Conv", ("image", "w"), ("a",), "m.0.conv", 17,
    )  # fmt: skip
    assert conv.attributes == {"strides": [2, 1], "auto_pad": "SAME_UPPER", "scale": 1.5}
    assert (constant.name, constant.attributes["value"].array.tolist()) == ("number 2", [3, 4])
    assert ints.attributes["value"].array.tolist() == [7]
    assert empty.attributes == {}
    assert condition.attributes["then_branch"].nodes[0].op == "Relu"
    assert list(program.inputs) == ["image", "other"]
    shape = program.inputs["image"]
    assert shape is not None
    assert [size if isinstance(size, int) else repr(size) for size in shape] == ["N", 3, "?", 9]
    assert program.inputs["other"] is None
    assert program.outputs == ("b",)
    weight = program.constants["w"].array
    assert weight is not None
    assert weight.shape == (8, 3, 5, 5)
    assert program.constants["big"] == Constant(None, (70, 70))
    assert program.constants["far"] == Constant(None, (2,))


def test_sizes_of_one_name_are_one_size() -> None:
    protos = Protos(ONNX, 17)
    first, second = (protos.shape(value("x", "N", "L", "N").type), protos.shape(value("y", "N").type))
    assert first is not None
    assert second is not None
    assert first[0] is first[2] is second[0]
    assert first[1] is not first[0]
    unnamed = protos.shape(value("x", "", "").type)
    assert unnamed is not None
    assert unnamed[0] is not unnamed[1]


@pytest.mark.parametrize("data_type", [0, 99])
def test_a_data_type_is_checked_before_anything_is_read(data_type: int) -> None:
    with pytest.raises(ValueError, match=rf"^ONNX tensor 'w': its data type {data_type} is none of ONNX's$"):
        Protos(ONNX, 17).constant(tensor("w", [1], [1], data_type))


@pytest.mark.parametrize(
    ("name", "metadata", "module"),
    [
        ("/conv1/Conv", {}, "conv1"),
        ("/layer1/layer1.0/conv1/Conv", {}, "layer1.0.conv1"),
        ("/m/features/features.1/features.1.0/block/block.2/Relu", {}, "m.features.1.0.block.2"),
        ("/Relu", {}, ""),
        ("model_1/dense/MatMul", {}, ""),
        ("", {}, ""),
        ("node_conv2d_5", {"pkg.torch.onnx.name_scopes": "['', 'layer1', 'layer1.0', 'conv2d_5']"}, "layer1.0"),
        ("node_add", {"pkg.torch.onnx.name_scopes": "['', 'add']"}, ""),
        ("node_add", {"other": "x"}, ""),
    ],
)
def test_the_module_that_a_node_comes_from(name: str, metadata: dict[str, str], module: str) -> None:
    assert module_of(name, metadata) == module


def test_a_few_random_graphs_against_onnxruntime() -> None:
    """The script beside this file does so with ten thousand."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from random_graphs import RandomGraph, really_read  # noqa: PLC0415  # for those that have onnx
    from verify_graphs import mismatches, read  # noqa: PLC0415

    compared = 0
    for seed in (1, 2, 3, 6, 7, 8, 12, 17, 19, 20, 21, 22):
        graph = RandomGraph(onnx, seed)
        outputs, wrong = mismatches(read(onnx, graph), *really_read(onnxruntime, graph, seed))
        assert wrong == []
        compared += outputs
    assert compared > 1000
