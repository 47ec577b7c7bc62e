"""What a report says of an output, of graphs that are written node by node: a model in a file needs onnx."""

from __future__ import annotations

import pytest

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Constant, Node, Program
from refconv.commands.network_report import NetworkReport, _number, rows_of

CONV = Node("Conv", "conv", ("image", "w"), ("c",), {"strides": [2, 1]})  # 3 by 5 pixels, two rows further each


def report(*nodes: Node, outputs: tuple[str, ...] = ("y",)) -> NetworkReport:
    program = Program((CONV, *nodes), {"image": (1, 4, 9, 10)}, outputs, {"w": Constant(None, (4, 4, 3, 5))})
    graph = Graph(program)
    return NetworkReport("a network", graph, rows_of(graph, graph.outputs), graph.outputs, None, has_size=True)


MEAN = "GlobalAveragePool"
UNKNOWN = "which pixels it reads depends on their values, or is not known here"


@pytest.mark.parametrize(
    ("nodes", "lines"),
    [
        ([Node("Relu", "r", ("c",), ("y",))], []),  # of one output, the table says it
        (
            [Node("Softmax", "s", ("c",), ("y",), {"axis": 2})],
            ["'y' sees 3x5, stride 2x1, and all of the height, through Softmax 's'"],
        ),
        (
            [Node(MEAN, "m", ("c",), ("g",)), Node("Mul", "p", ("c", "g"), ("y",))],
            ["'y' sees 3x5, stride 2x1, and all of it, through GlobalAveragePool 'm'"],
        ),
        (
            [Node(MEAN, "m", ("c",), ("y",))],
            [
                "'y' sees all of it, through GlobalAveragePool 'm'",
                "  the last with a place for each position: 'c' sees 3x5, stride 2x1",
            ],
        ),
        (
            [Node("InstanceNormalization", "n", ("c", "s", "b"), ("y",))],
            ["  its scale depends on all of the image, from InstanceNormalization 'n' on"],
        ),
        (
            [Node("NonMaxSuppression", "x", ("c",), ("y",))],
            [
                f"'y' cannot be followed past ONNX node 'x' (NonMaxSuppression): {UNKNOWN}",
                "  the last tensors before it:",
                "  'c' sees 3x5, stride 2x1",
            ],
        ),
    ],
)
def test_what_is_said_of_an_output(nodes: list[Node], lines: list[str]) -> None:
    assert list(report(*nodes).outcome("y")) == lines


def test_of_several_outputs_a_line_is_said_of_each() -> None:
    both = report(Node("Relu", "r", ("c",), ("y",)), outputs=("y", "c"))
    assert [list(both.outcome(name)) for name in both.targets] == [
        ["'y' sees 3x5, stride 2x1"],
        ["'c' sees 3x5, stride 2x1"],
    ]


def test_six_outputs_have_a_line_and_of_more_it_is_said_how_many() -> None:
    for count in (6, 7, 8):
        names = tuple(f"y{number}" for number in range(count))
        told = report(*(Node("Relu", name, ("c",), (name,)) for name in names), outputs=names)
        said = [line.strip() for line in told.lines()]
        assert [line for line in said if "sees 3x5" in line] == [f"'{name}' sees 3x5, stride 2x1" for name in names[:6]]
        more = [line for line in said if "more outputs" in line]
        assert more == ([f"and {count - 6} more outputs, which --json has"] if count > 6 else [])


def test_a_row_is_called_by_its_module_or_its_node_or_else_its_tensor() -> None:
    nodes = [
        Node("MaxPool", name, (source,), (output,), {"kernel_shape": [2, 2]}, module)
        for name, source, output, module in (("first", "c", "a", "block.pool"), ("second", "a", "b", ""), ("number 4", "b", "y", ""))
    ]  # fmt: skip
    assert [row.name for row in report(*nodes).rows] == ["conv", "block.pool", "second", "y"]


def test_what_cannot_be_said_of_a_tensor_is_left_open() -> None:
    (first, *_) = report(Node("Relu", "r", ("c",), ("y",))).rows
    assert (first._replace(fields=()).sees, first._replace(fields=()).number("stride")) == ("", "")


def test_a_number_that_a_float_may_not_count_to_is_rounded() -> None:
    assert (_number(2.0**53 - 1), _number(2.0**53)) == ("9007199254740991", "about 9e+15")
