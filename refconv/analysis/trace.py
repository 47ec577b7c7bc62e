"""Carry something through a network, from the input to the output: its axis maps, or the sizes of its feature maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

from refconv.analysis.axis_map import PIXEL, Maps, join
from refconv.analysis.layers import AXES, Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.notation import place_name
from refconv.analysis.symbols import is_symbolic
from refconv.geometry.arguments import Pair, as_pair

__all__: list[str] = []

S = TypeVar("S")


def trace(
    network: Layers,
    start: S,
    step: Callable[[S, Layer], S],
    merge: Callable[[list[S]], S],
    place: Sequence[int] = (),
) -> list[S]:
    """Return what is carried before the first layer and after each one; what comes out of branches is merged.

    What a layer refuses is said with its number.
    """
    states = [start]
    for number, layer in enumerate(network, start=1):
        here = (*place, number)
        branches = layer.branches if isinstance(layer, Parallel) else ()
        ends = [trace(branch, states[-1], step, merge, (*here, i))[-1] for i, branch in enumerate(branches, start=1)]
        try:
            states.append(merge(ends) if isinstance(layer, Parallel) else step(states[-1], layer))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{place_name(here)}, {layer!r}: {error}") from None
    return states


def axis_maps(network: Layers, axis: int) -> list[Maps]:
    """Return what is read along one axis before the first layer and after each one.

    It is one map, unless branches of different strides are merged: then one for each.
    """
    return trace(
        network,
        (PIXEL,),
        lambda maps, layer: tuple(below.under(layer.axis_map(axis)) for below in maps),
        lambda branches: join(chain.from_iterable(branches)),
    )


def feature_maps(network: Layers, input_size: int | Sequence[int]) -> list[Pair]:
    """Return (height, width) of the input and of every layer's output; a ValueError where one vanishes."""
    require_numbers(network, "the size of a feature map")
    start = as_pair("input_size", input_size, minimum=1)
    return trace(network, start, lambda size, layer: output_size(layer, size), _same_size)


def output_size(layer: Layer, size: Pair) -> Pair:
    """Return (height, width) of a layer's output."""
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
