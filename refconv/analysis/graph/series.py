"""Between a sequence of layers and a graph: one from the other, and back where the graph is a chain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Node, Program, Unknown
from refconv.analysis.layers import Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.notation import place_name

__all__ = ["chain_to", "graph_of"]

IMAGE = "image"  # the tensor that the first layer reads


def graph_of(network: Layers, input_size: Sequence[int] | None = None, *, is_line: bool = False) -> Graph:
    """Return the graph of a sequence of layers, whose tensors have the layers' numbers as names.

    Of a network of one axis, the height is left out.
    """
    nodes = nodes_of(network, is_line=is_line)
    axes = ["W"] if is_line else ["H", "W"]
    sizes = tuple(map(Unknown, axes)) if input_size is None else tuple(input_size)
    end = nodes[-1].name if nodes else IMAGE
    return Graph(Program(tuple(nodes), {IMAGE: (Unknown("N"), Unknown("C"), *sizes)}, (end,), {}))


def nodes_of(network: Layers, source: str = IMAGE, place: Sequence[int] = (), *, is_line: bool = False) -> list[Node]:
    """Return the nodes of a sequence of layers that reads a tensor, each named as what it writes, by its place."""
    nodes: list[Node] = []
    for number, layer in enumerate(network, start=1):
        here = (*place, number)
        name = place_name(here)
        if isinstance(layer, Parallel):
            branches = [
                nodes_of(branch, source, (*here, n), is_line=is_line)
                for n, branch in enumerate(layer.branches, start=1)
            ]
            ends = tuple(branch[-1].name if branch else source for branch in branches)
            nodes += [*chain(*branches), Node("Sum", name, ends, (name,), {"label": _in_words(layer, is_line=is_line)})]
        else:
            nodes.append(Node("Layer", name, (source,), (name,), {"layer": layer}))
        source = name
    return nodes


def _in_words(layer: Layer | Parallel, *, is_line: bool) -> str:
    """Return a layer as it is written; of a network of one axis, about that axis alone."""
    if isinstance(layer, Parallel):
        branches = (", ".join(_in_words(each, is_line=is_line) for each in branch) for branch in layer.branches)
        return f"Parallel({', '.join(f'[{branch}]' for branch in branches)})"
    return layer.along(1) if is_line else repr(layer)


def chain_to(graph: Graph, stop: str) -> Layers | None:
    """Return the layers that lead to a tensor of one axis or two; None where there are branches or other nodes."""
    layers: list[Layer] = []
    while stop != graph.image:
        tensor = graph.tensors[stop]
        if len(tensor.links) != 1 or (tensor.is_step and tensor.layer is None):
            return None
        layers += [] if tensor.layer is None else [tensor.layer]
        stop = tensor.links[0].source
    return Layers(reversed(layers))
