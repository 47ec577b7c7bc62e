"""Graphs written node by node, without a file: what the tests of every operator start from."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Constant, Node, Program, as_constant
from refconv.analysis.region import pixels_seen


class Net:
    """Nodes that read and write tensors by name; the image is called image."""

    def __init__(self, *shape: Any) -> None:
        self.inputs: dict[str, Any] = {"image": shape or None}
        self.nodes: list[Node] = []
        self.constants: dict[str, Any] = {}

    def node(self, op: str, inputs: str, output: str, *, module: Any = "", opset: Any = 18, **attributes: Any) -> Net:
        names = tuple(inputs.split(",")) if inputs else ()
        self.nodes.append(Node(op, f"the {output}", names, tuple(output.split(",")), attributes, module, opset))
        return self

    def constant(self, name: str, values: Any) -> Net:
        self.constants[name] = as_constant(np.asarray(values))
        return self

    def weight(self, name: str, *shape: int) -> Net:
        self.constants[name] = Constant(None, shape)
        return self

    def program(self, outputs: str = "y") -> Program:
        return Program(tuple(self.nodes), self.inputs, tuple(outputs.split(",")), self.constants)

    def graph(self, outputs: str = "y", **options: Any) -> Graph:
        return Graph(self.program(outputs), **options)


def one(op: str, shape: tuple[Any, ...], inputs: str = "image", **attributes: Any) -> Graph:
    """Return the graph of a single node."""
    return Net(*shape).node(op, inputs, "y", **attributes).graph()


def numbers(graph: Graph, name: str = "y") -> list[tuple[Any, ...]]:
    """Return size, stride, padding and positions along every axis."""
    return [(field.size, field.stride, field.padding, field.outputs) for field in graph.field(name)]


def regions(graph: Graph, count: int, name: str = "y", axis: int = -1) -> list[list[int]]:
    """Return the first and the last pixel that each of the first outputs along an axis sees; nothing where it sees none."""
    maps = graph.field(name)[axis].maps
    return [[seen[0], seen[-1]] if seen else [] for seen in (pixels_seen(maps, output) for output in range(count))]
