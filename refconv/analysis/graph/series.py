"""Between a graph and a sequence of layers with branches: from either to the other.

Two tensors that are added or concatenated come from a last tensor on which both depend, and what lies between that
tensor and each of them is a branch.  The last tensor through which all paths to a tensor lead is its dominator, so
the branches of a merging node start at the nearest common dominator of what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from os import PathLike

from refconv.analysis.graph.network_graph import Graph, Tensor
from refconv.analysis.graph.nodes import Node, Program, Unknown
from refconv.analysis.graph.onnx_file import read_program
from refconv.analysis.graph.values import Ended
from refconv.analysis.layers import Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.notation import place_name

__all__ = ["graph_of", "read_onnx"]

MOST_LAYERS = 100_000  # of the branches, written out
MOST_NESTED = 200  # branches in branches; the call stack holds about five times as many


def read_onnx(path: str | PathLike[str], tensor: str | None = None) -> Layers:
    """Return the network that an ONNX file holds, from its input to one of its tensors, as layers.

    Parameters
    ----------
    path : str or path
        The file; weights in files of their own are not needed.
    tensor : str, optional
        The name of the tensor at which to stop; the graph's first output where it is not given.

    Returns
    -------
    Layers
        Convolutions, poolings, transposed convolutions, upsampling and constant padding, and `Parallel` for what is
        added, concatenated or combined element by element.  Other element-wise nodes and batch norms leave no trace.

    Raises
    ------
    ValueError
        If onnx is not installed, the file is no model, there is no such tensor, or a node on the way is no layer of one
        axis or two: with its name and its operator.

    Examples
    --------
    >>> read_onnx("model.onnx", "layer4")  # doctest: +SKIP
    Layers([Conv(7, stride=2, padding=3), Pool(3, stride=2, padding=1), ...])
    """
    graph = Graph(read_program(path))
    return layers_to(graph, graph.find(tensor or graph.program.outputs[0]))


def graph_of(network: Layers, input_size: Sequence[int] | None = None, *, is_line: bool = False) -> Graph:
    """Return the graph of a sequence of layers, whose tensors have the layers' numbers as names.

    Of a network of one axis, the height is left out.
    """
    nodes: list[Node] = []
    end = _add(nodes, network, "image", [], is_line=is_line)
    axes = ["W"] if is_line else ["H", "W"]
    sizes = tuple(map(Unknown, axes)) if input_size is None else tuple(input_size)
    return Graph(Program(tuple(nodes), {"image": (Unknown("N"), Unknown("C"), *sizes)}, (end,), {}))


def _add(
    nodes: list[Node], network: Sequence[Layer | Parallel], source: str, place: list[int], *, is_line: bool
) -> str:
    """Add the nodes of a sequence of layers, and return the tensor that it ends with."""
    for number, layer in enumerate(network, start=1):
        here = [*place, number]
        name = place_name(here)
        if isinstance(layer, Parallel):
            numbered = enumerate(layer.branches, start=1)
            ends = tuple(_add(nodes, branch, source, [*here, n], is_line=is_line) for n, branch in numbered)
            nodes.append(Node("Sum", name, ends, (name,), {"label": _in_words(layer, is_line=is_line)}))
        else:
            nodes.append(Node("Layer", name, (source,), (name,), {"layer": layer}))
        source = name
    return source


def _in_words(layer: Layer | Parallel, *, is_line: bool) -> str:
    """Return a layer as it is written; of a network of one axis, about that axis alone."""
    if isinstance(layer, Parallel):
        branches = (", ".join(_in_words(each, is_line=is_line) for each in branch) for branch in layer.branches)
        return f"Parallel({', '.join(f'[{branch}]' for branch in branches)})"
    return layer.along(1) if is_line else repr(layer)


def layers_to(graph: Graph, stop: str) -> Layers:
    """Return the layers that lead to a tensor; a ValueError names the node that is none."""
    return Layers(_Series(graph, stop).between(graph.image, stop, 0)[0])


class _Series:
    """The dominators of a graph's tensors, and the layers between a tensor and the one that dominates it."""

    def __init__(self, graph: Graph, stop: str) -> None:
        self.graph = graph
        self.dominators = {graph.image: graph.image}
        self.depths = {graph.image: 0}
        self.known: dict[tuple[str, str], tuple[list[Layer | Parallel], int]] = {}
        for name, tensor in graph.tensors.items():
            sources = [link.source for link in tensor.links]
            if sources and all(source in self.depths for source in sources):
                self.dominators[name] = reduce(self._common, sources)
                self.depths[name] = self.depths[self.dominators[name]] + 1
        if stop not in self.depths:
            (last, *_), tensor = (
                [*self.graph.before(stop, lambda each: each.is_local), graph.image],
                graph.tensors[stop],
            )
            why = (
                f"{tensor.view.title} {tensor.view.reason}" if isinstance(tensor.view, Ended) else _global(graph, stop)
            )
            raise ValueError(f"{why} (the tensor before it is {last!r})")

    def _common(self, one: str, two: str) -> str:
        while one != two:
            if self.depths[one] >= self.depths[two]:
                one = self.dominators[one]
            else:
                two = self.dominators[two]
        return one

    def between(self, start: str, tensor: str, depth: int) -> tuple[list[Layer | Parallel], int]:
        """Return the layers from `start`, a dominator, to a tensor, and their number with all branches written out."""
        if depth > MOST_NESTED:
            raise ValueError(f"tensor={tensor!r} has more than {MOST_NESTED} branches in branches")
        if (start, tensor) not in self.known:
            parts: list[list[Layer | Parallel]] = []
            number, here = 0, tensor
            while here != start:
                found, size = self._made(self.graph.tensors[here], depth)
                parts.append(found)
                number, here = number + size, self.dominators[here]
            if number > MOST_LAYERS:
                raise ValueError(f"tensor={tensor!r} has {number} layers in its branches; at most {MOST_LAYERS}")
            self.known[start, tensor] = [layer for part in reversed(parts) for layer in part], number
        return self.known[start, tensor]

    def _made(self, tensor: Tensor, depth: int) -> tuple[list[Layer | Parallel], int]:
        """Return the layers between a tensor and its dominator."""
        if len(tensor.links) == 1:
            if tensor.is_step and tensor.layer is None:
                raise ValueError(f"node {tensor.node!r} ({tensor.label}) is no layer of one axis or two")
            found = [tensor.layer] if tensor.layer is not None else []
            return list(found), len(found)
        start = self.dominators[tensor.name]
        branches = [self.between(start, link.source, depth + 1) for link in tensor.links]
        return [Parallel(*(branch for branch, _ in branches))], sum(size for _, size in branches)


def _global(graph: Graph, name: str) -> str:
    whole = [axis.whole for axis in graph.field(name) if axis.whole is not None]
    return f"{min(whole).title} sees all of the image" if whole else f"{name!r} is seen at no place of its own"
