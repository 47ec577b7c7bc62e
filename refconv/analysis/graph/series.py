"""Between a sequence of layers and a graph: one from the other, and back where the graph is a chain."""

from __future__ import annotations

from collections.abc import Sequence

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Program, Unknown
from refconv.analysis.layers import Layer
from refconv.analysis.network import Layers
from refconv.analysis.trace import IMAGE, nodes_of

__all__ = ["chain_to", "graph_of"]


def graph_of(network: Layers, input_size: Sequence[int] | None = None, *, is_line: bool = False) -> Graph:
    """Return the graph of a sequence of layers, whose tensors have the layers' places as names.

    Parameters
    ----------
    network : Layers
        The layers.
    input_size : sequence of int, optional
        The image's size along its axes.
    is_line : bool
        Whether the network has one axis, the width; the height is left out.

    Returns
    -------
    Graph

    Examples
    --------
    >>> graph = graph_of(Layers.parse("k3 ( | k3p1)"))
    >>> list(graph.tensors)
    ['image', 'layer 1', 'layer 2, branch 2, layer 1', 'layer 2']
    """
    nodes = nodes_of(network, is_line=is_line)
    axes = ["W"] if is_line else ["H", "W"]
    sizes = tuple(map(Unknown, axes)) if input_size is None else tuple(input_size)
    end = nodes[-1].name if nodes else IMAGE
    return Graph(Program(tuple(nodes), {IMAGE: (Unknown("N"), Unknown("C"), *sizes)}, (end,), {}))


def chain_to(graph: Graph, stop: str) -> Layers | None:
    """Return the layers that lead to a tensor of one axis or two; the reverse of `graph_of`.

    Parameters
    ----------
    graph : Graph
        A network.
    stop : str
        The tensor.

    Returns
    -------
    Layers or None
        None where there are branches, or nodes that are no layers.

    Examples
    --------
    >>> chain_to(graph_of(Layers.parse("k3 pool2 k3d2")), "layer 2")
    Layers([Conv(3), Pool(2)])
    """
    layers: list[Layer] = []
    while stop != graph.image:
        tensor = graph.tensors[stop]
        if len(tensor.links) != 1 or (tensor.is_step and tensor.layer is None):
            return None
        layers += [] if tensor.layer is None else [tensor.layer]
        stop = tensor.links[0].source
    return Layers(reversed(layers))
