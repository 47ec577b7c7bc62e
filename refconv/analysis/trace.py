"""A network as nodes, and what is carried through them: its axis maps, or the sizes of its feature maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

from refconv.analysis.axis_map import PIXEL, Maps, join
from refconv.analysis.graph.nodes import Node
from refconv.analysis.layers import AXES, Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.notation import place_name
from refconv.analysis.symbols import is_symbolic
from refconv.geometry.arguments import Pair, as_pair

__all__: list[str] = []

IMAGE = "image"  # the tensor that the first layer reads

S = TypeVar("S")


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


def trace(network: Layers, start: S, step: Callable[[S, Layer], S], merge: Callable[[list[S]], S]) -> dict[str, S]:
    """Return what is carried to the image and to each node; what comes out of branches is merged.

    What a layer refuses is said with its place.
    """
    states = {IMAGE: start}
    for node in nodes_of(network):
        below, layer = [states[source] for source in node.inputs], node.attributes.get("layer")
        try:
            states[node.name] = merge(below) if layer is None else step(below[0], layer)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{node.name}, {layer or node.attributes['label']}: {error}") from None
    return states


def in_turn(network: Layers, states: dict[str, S]) -> list[S]:
    """Return what is carried to the image and to each layer of a sequence, without those in its branches."""
    return [states[IMAGE], *(states[place_name([number])] for number in range(1, len(network) + 1))]


def axis_maps(network: Layers, axis: int) -> list[Maps]:
    """Return what is read along one axis before the first layer and after each one.

    It is one map, unless branches of different strides are merged: then one for each.
    """
    start: Maps = (PIXEL,)
    states = trace(
        network,
        start,
        lambda maps, layer: tuple(below.under(layer.axis_map(axis)) for below in maps),
        lambda branches: join(chain.from_iterable(branches)),
    )
    return in_turn(network, states)


def feature_maps(network: Layers, input_size: int | Sequence[int]) -> list[Pair]:
    """Return (height, width) of the input and of every layer's output; a ValueError where one vanishes."""
    return in_turn(network, sizes_of(network, input_size))


def sizes_of(network: Layers, input_size: int | Sequence[int]) -> dict[str, Pair]:
    """Return (height, width) of the image and of every node's output."""
    require_numbers(network, "the size of a feature map")
    return trace(network, as_pair("input_size", input_size, minimum=1), _output_size, _same_size)


def _output_size(size: Pair, layer: Layer) -> Pair:
    height, width = (layer.output_size(axis, size[axis]) for axis in range(len(AXES)))
    return height, width


def _same_size(sizes: list[Pair]) -> Pair:
    if len(set(sizes)) > 1:
        raise ValueError(f"its branches give feature maps of {sizes}; they must be of one size")
    return sizes[0]


def require_numbers(network: Sequence[Layer | Parallel], what: str) -> None:
    """Refuse a network in which a symbol stands for a number."""
    for number, layer in enumerate(network, start=1):
        for branch in layer.branches if isinstance(layer, Parallel) else ():
            require_numbers(branch, what)
        if is_symbolic(list(vars(layer).values())) and not isinstance(layer, Parallel):
            raise TypeError(f"{what} needs numbers in place of the symbols of layer {number}, {layer!r}")
