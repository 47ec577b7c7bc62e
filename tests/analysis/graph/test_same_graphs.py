"""What is said of random graphs is what was said before: `graphs.txt` has checksums of it.

Beside the tests of every operator, and `verify_graphs.py`, which holds graphs to what ONNX Runtime reads, this notices
what changes unmeant, and needs nothing installed.  Where a change is meant, print the table anew:
``PYTHONPATH=tests:tests/analysis/graph python tests/analysis/graph/test_same_graphs.py > tests/analysis/graph/graphs.txt``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from random_graphs import RandomGraph
from random_windows import SIZES
from sampled import one_in

from refconv.analysis.graph.counting import use_of
from refconv.analysis.graph.coverage import coverage
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Constant, Node, Program, Unknown, Unsaid, as_constant

TABLE = Path(__file__).with_name("graphs.txt")
GRAPHS, TOGETHER = 1500, 50


def _node(op: str, inputs: list[str], outputs: list[str], name: str = "", **attributes: Any) -> Any:
    plain = {
        key: list(value) if isinstance(value, list | range | tuple) else value for key, value in attributes.items()
    }
    own = Node(op, name, tuple(inputs), tuple(outputs), plain, "", 18)
    return SimpleNamespace(own=own, name=name, output=outputs)


def _program(nodes: list[Any], _: str, inputs: list[Any], outputs: list[Any]) -> Program:
    return Program(
        tuple(node.own for node in nodes), dict.fromkeys(inputs), tuple(output.name for output in outputs), {}
    )


def _constant(values: Any, name: str) -> tuple[str, Constant]:
    return name, as_constant(values)


# As much of the package onnx as writing a graph takes.
WRITER = SimpleNamespace(
    helper=SimpleNamespace(
        make_node=_node, make_graph=_program, make_tensor_value_info=lambda name, *_: SimpleNamespace(name=name)
    ),
    numpy_helper=SimpleNamespace(from_array=_constant),
)


def graph_of(seed: int, *, has_size: bool) -> Graph:
    made = RandomGraph(WRITER, seed)
    size = SIZES[made.rank] if has_size else [Unknown() for _ in range(made.rank)]
    image = Unknown(), 1, *size
    return Graph(Program(tuple(node.own for node in made.nodes), {"image": image}, (made.here,), dict(made.constants)))


def answers(graph: Graph) -> Iterator[Any]:
    """All that is known of each tensor; of the last one also which pixels are read, and by how many paths."""
    for name, tensor in graph.tensors.items():
        yield name
        yield tensor
        for each in (graph.field, graph.feature_map):
            try:
                yield each(name)
            except (ValueError, KeyError, Unsaid) as error:
                yield error
    for ask in (lambda: coverage(graph, name), lambda: use_of(graph, name, [1] * len(graph.axes))):
        try:
            yield ask()
        except (ValueError, KeyError, Unsaid) as error:
            yield error


def said(seed: int, *, has_size: bool) -> str:
    try:
        graph = graph_of(seed, has_size=has_size)
    except ValueError as error:
        return repr(error)
    with np.printoptions(threshold=1 << 20):
        text = "\n".join(map(repr, answers(graph)))
    assert " at 0x" not in text
    return re.sub(r"np\.\w+\(([^()]*)\)", r"\1", text)


def line(part: int) -> str:
    texts = [said(part * TOGETHER + seed, has_size=seed % 3 > 0) for seed in range(TOGETHER)]
    return f"{part} {sum(map(len, texts))} {zlib.crc32(''.join(texts).encode()):08x}"


@pytest.mark.parametrize("part", one_in(4, range(GRAPHS // TOGETHER)))
def test_what_is_said_of_graphs_is_what_was_said(part: int) -> None:
    assert line(part) in TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(map(line, range(GRAPHS // TOGETHER))))
