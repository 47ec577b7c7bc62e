"""An ONNX file as a `Program`: its nodes in plain Python, small constants as arrays, and of weights the shapes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from refconv.analysis.graph.folding import MOST_ELEMENTS
from refconv.analysis.graph.nodes import Constant, Node, Program, Size, Unknown, as_constant

__all__: list[str] = []


def read_program(path: str | PathLike[str]) -> Program:
    """Read a file; weights in files of their own are not needed."""
    Path(path).open("rb").close()  # a file that is not there is the first thing to say
    try:
        import onnx  # noqa: PLC0415  # an extra
        import onnx.inliner  # noqa: PLC0415  # which is no part of it until it is named
        from google.protobuf.message import DecodeError  # noqa: PLC0415  # it comes with onnx
    except ModuleNotFoundError:
        raise ValueError("an ONNX file needs onnx, which is not installed: pip install onnx") from None
    try:
        model = onnx.load(fspath(path), load_external_data=False)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except DecodeError:
        raise ValueError(f"{fspath(path)} must be an ONNX model") from None
    opset = max((each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}), default=1)
    return Protos(onnx, opset).program(model.graph)


class Protos:
    """The reader of one file's messages; `onnx` is the module, which knows what stands in them."""

    def __init__(self, onnx: Any, opset: int) -> None:
        self.onnx = onnx
        self.opset = opset
        self.unknown: dict[str, Unknown] = {}

    def program(self, graph: Any) -> Program:
        """Return a graph; sizes of one name are one size."""
        constants = {tensor.name: self.constant(tensor) for tensor in graph.initializer}
        inputs = {value.name: self.shape(value.type) for value in graph.input if value.name not in constants}
        nodes = tuple(self.node(number, node) for number, node in enumerate(graph.node, start=1))
        return Program(nodes, inputs, tuple(value.name for value in graph.output), constants)

    def shape(self, kind: Any) -> tuple[Size, ...] | None:
        """Return the shape of an input; None where even the number of dimensions is not said."""
        if not kind.tensor_type.HasField("shape"):
            return None
        return tuple(self._size(dim) for dim in kind.tensor_type.shape.dim)

    def _size(self, dim: Any) -> Size:
        if dim.HasField("dim_value") and dim.dim_value > 0:
            return int(dim.dim_value)
        return self.unknown.setdefault(dim.dim_param, Unknown(dim.dim_param)) if dim.dim_param else Unknown()

    def constant(self, tensor: Any) -> Constant:
        """Return a stored tensor, with its numbers where there are few and they are in this file."""
        shape = tuple(tensor.dims)
        if tensor.data_type not in self.onnx.TensorProto.DataType.values() or tensor.data_type == 0:
            raise ValueError(f"ONNX tensor {tensor.name!r}: its data type {tensor.data_type} is none of ONNX's")
        if math.prod(shape) > MOST_ELEMENTS or tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            return Constant(None, shape)
        try:
            return as_constant(self.onnx.numpy_helper.to_array(tensor))
        except (ValueError, TypeError) as error:
            raise ValueError(f"ONNX tensor {tensor.name!r}: {error}") from None

    def node(self, number: int, node: Any) -> Node:
        """Return a node; one without a name is called by its number."""
        return Node(
            node.op_type,
            node.name or f"number {number}",
            tuple(node.input),
            tuple(node.output),
            self.attributes(node.op_type, node.attribute),
            module_of(node.name, {each.key: each.value for each in node.metadata_props}),
            self.opset,
        )

    def attributes(self, op: str, attributes: Iterable[Any]) -> Mapping[str, Any]:
        """Return attributes as plain values; what a Constant holds becomes its value, however it is written."""
        found = {each.name: self._value(each) for each in attributes}
        if op == "Constant":
            value = next((value for name, value in found.items() if name.startswith("value")), None)
            return {} if value is None else {"value": value if isinstance(value, Constant) else as_constant(value)}
        return found

    def _value(self, attribute: Any) -> Any:
        value = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        if isinstance(value, self.onnx.TensorProto):
            return self.constant(value)
        if isinstance(value, self.onnx.GraphProto):
            return self.program(value)
        return value if isinstance(value, int | float) else list(value) if isinstance(value, Iterable) else None


def module_of(name: str, metadata: Mapping[str, str]) -> str:
    """Return the module that a node comes from, as PyTorch's two exporters write it.

    >>> module_of("/layer1/layer1.0/conv1/Conv", {})
    'layer1.0.conv1'
    >>> module_of("node_conv2d_5", {"pkg.torch.onnx.name_scopes": "['', 'layer1', 'layer1.0', 'conv2d_5']"})
    'layer1.0'
    """
    scopes = metadata.get("pkg.torch.onnx.name_scopes", "").strip("[]").replace("'", "").replace('"', "").split(", ")
    if len(scopes) > 1:
        return scopes[-2]
    module: list[str] = []
    for part in name.split("/")[1:-1] if name.startswith("/") else ():
        # What is in a Sequential is written with its name before it: layer1, then layer1.0.
        if module and part.startswith(f"{module[-1]}."):
            module.pop()
        module.append(part)
    return ".".join(module)
