"""What does a network see of an image of this size?  Where its field is larger, what is the rest of it?

An output ``P·q + φ`` sees the pixels ``S·q + first ... S·q + last``.  Every output sees all H pixels of an axis if the
last one of each phase still sees pixel 0, and the first one already sees pixel H − 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from refconv.analysis.axis_map import NOTHING
from refconv.analysis.graph.field import AxisField, Tensor
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.layers import Conv
from refconv.analysis.region import pixels_seen
from refconv.analysis.valid_weights import ValidWeights, valid_weights

__all__ = ["InImage", "Tiling", "in_image", "tiling"]

MOST_OUTPUTS = 20_000  # along an axis, that are looked at one by one


class Tiling(NamedTuple):
    """How an image may be cut into tiles without a seam, along one axis.

    Attributes
    ----------
    halo : int
        How far from its own pixels an output sees: outputs closer to the border of a tile are not to be used.
    multiple : int
        Where a tile starts must be a multiple of this, so that its grids are those of the image.

    Examples
    --------
    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> tiling(graph_of(Layers.parse("k3p1 pool2 k3p1 convt2s2")), "layer 4")[0]
    Tiling(halo=4, multiple=2)
    """

    halo: int
    multiple: int


@dataclass(frozen=True)
class InImage:
    """What the outputs of a tensor see of an image.

    Attributes
    ----------
    all_seen_from, first_seen_from : str or None
        The first tensors on the way of which every output, and some output, sees the whole image.
    nothing_new : int
        The layers after that of which every output sees the whole image.
    padding : dict of str to Fraction
        The share of the field that is padding, for the output in the middle, at an edge and in a corner.
    valid : list of (Tensor, ValidWeights)
        The dilated layers, and how many of their weights touch the feature map.

    Examples
    --------
    In a corner, 4 rows and columns of 7 lie on a 9×9 image, and 3 on the padding.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> found = in_image(graph_of(Layers.parse("k3p1 k3p2d2"), (9, 9)), "layer 2", ["layer 1", "layer 2"])
    >>> found.padding["corner"], found.valid[0][1].counts  # 1 − 4·4/(7·7)
    (Fraction(33, 49), {9: 25, 6: 40, 4: 16})
    """

    all_seen_from: str | None
    first_seen_from: str | None
    nothing_new: int
    padding: dict[str, Fraction]
    valid: list[tuple[Tensor, ValidWeights]]


def in_image(graph: Graph, name: str, among: Sequence[str]) -> InImage:
    """Return what the outputs of a tensor see of the graph's image.

    Parameters
    ----------
    graph : Graph
        A network whose image has a size.
    name : str
        The tensor.
    among : sequence of str
        The tensors that count as layers.

    Returns
    -------
    InImage

    Raises
    ------
    ValueError
        If the image's size is not known.

    Examples
    --------
    Seven pixels see all of four from the second layer on, where every output is at most 3 from every pixel.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> in_image(graph_of(Layers.parse("k3p1 k3p2d2"), (4, 4)), "layer 2", ["layer 1", "layer 2"]).all_seen_from
    'layer 2'
    """
    size = graph.input_size
    if size is None:
        raise ValueError(f"the size of the image {graph.image!r} must be known, and its shape is {graph.shape}")
    path = [tensor for tensor in graph.path_to(name) if tensor.is_local]
    wanted = set(among)
    fields = [(tensor.name, graph.field(tensor.name)) for tensor in path if tensor.name in wanted]
    every = [layer for layer, seen in fields if all(map(_sees_all, seen, size))]
    some = [layer for layer, seen in fields if all(map(_some_sees_all, seen, size))]
    return InImage(
        every[0] if every else None,
        some[0] if some else None,
        max(0, len(every) - 1),
        dict(_padding(graph.field(name), size)),
        [(tensor, found) for tensor in path if (found := _valid(graph, tensor)) is not None],
    )


def _sees_all(field: AxisField, pixels: int) -> bool:
    """Whether every output sees all pixels of an axis: if any does not, one of the first or the last of a period."""
    if field.outputs is None or not field.maps:
        return False
    period = field.maps[0].period if len(field.maps) == 1 else MOST_OUTPUTS
    ends = chain(range(min(period, field.outputs)), range(max(0, field.outputs - period), field.outputs))
    return all(_holds(pixels_seen(field.maps, output), pixels) for output in ends)


def _some_sees_all(field: AxisField, pixels: int) -> bool:
    """Whether some output sees all pixels of an axis: it is one of those around the middle, if any."""
    if field.outputs is None or not field.maps:
        return False
    period = max(axis.period for axis in field.maps)
    middle = field.outputs // 2
    near = range(max(0, middle - period - 1), min(field.outputs, middle + period + 2, middle + MOST_OUTPUTS))
    return any(_holds(pixels_seen(field.maps, output), pixels) for output in near)


def _holds(seen: range, pixels: int) -> bool:
    return seen.start <= 0 and seen.stop >= pixels


def _padding(fields: Sequence[AxisField], size: Sequence[int]) -> Iterator[tuple[str, Fraction]]:
    """Yield the share of the field that is padding, where there is a field for each place."""
    if any(field.outputs is None or not field.maps or not field.is_placed for field in fields):
        return
    middle = [(field.outputs or 0) // 2 for field in fields]
    places = {"centre": middle, "edge": [0, *middle[1:]], "corner": [0] * len(fields)}
    for place, output in places.items():
        seen = [pixels_seen(field.maps, number) for field, number in zip(fields, output, strict=True)]
        if all(seen):
            inside = [
                len(range(max(0, one.start), min(pixels, one.stop))) for one, pixels in zip(seen, size, strict=True)
            ]
            yield place, 1 - Fraction(math.prod(inside), math.prod(map(len, seen)))


def _valid(graph: Graph, tensor: Tensor) -> ValidWeights | None:
    """Return how many weights of a dilated layer touch the feature map that it reads."""
    layer = tensor.layer
    if not isinstance(layer, Conv) or max(layer.dilation) == 1 or len(tensor.links) != 1:
        return None
    below = graph.feature_map(tensor.links[0].source)
    if None in below:
        return None
    sizes = (1,) * (2 - len(below)) + tuple(each for each in below if each is not None)
    return valid_weights((sizes[0], sizes[1]), layer.kernel_size, layer.dilation, layer.stride, layer.padding)


def tiling(graph: Graph, name: str) -> list[Tiling] | None:
    """Return how an image may be cut into tiles.

    Parameters
    ----------
    graph : Graph
        A network.
    name : str
        The tensor whose outputs are to be those of the whole image.

    Returns
    -------
    list of Tiling, or None
        One for each axis; None where outputs see each their own way, or all of the image.

    Examples
    --------
    Of three pixels at stride 2 an output's own are the first two; the third is 1 further.

    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> tiling(graph_of(Layers.parse("c1: k3s2"), is_line=True), "layer 1")
    [Tiling(halo=1, multiple=2)]
    """
    found = []
    for axis, field in enumerate(graph.field(name)):
        if len(field.maps) != 1 or not field.is_placed or field.whole is not None:
            return None
        (seen,) = field.maps
        reach = [
            max(
                phase * seen.shift // seen.period - span.first,
                span.last + 1 + (-(phase + 1) * seen.shift) // seen.period,
            )
            for phase, span in enumerate(seen.phases)
            if span != NOTHING
        ]
        # The last pixel of an output's own is ceil((φ + 1)·S/P) − 1, and −ceil(a) is floor(−a).
        shifts = (graph.field(tensor.name)[axis].maps[0].shift for tensor in graph.path_to(name) if tensor.is_local)
        found.append(Tiling(max([0, *reach]), math.lcm(*shifts)))
    return found
