"""What a tensor of a graph sees: along one axis of the image, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from refconv.analysis.axis_map import NOTHING, Maps, ratio
from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.views import Link, View, Whole
from refconv.analysis.layers import Layer
from refconv.analysis.region import pixels_seen

__all__ = ["AxisField", "Tensor"]


@dataclass(frozen=True)
class AxisField:
    """What a tensor's elements see along one axis of the image.

    Attributes
    ----------
    maps : tuple of AxisMap
        What is seen locally; empty where it is nothing.
    outputs : int or None
        The positions of the tensor along the axis, where that is known.
    is_placed : bool
        False where it is not known which position sees what, as after a flattening.
    whole : Whole or None
        The node through which all of the axis is seen as well.

    Examples
    --------
    >>> from refconv.analysis import Layers
    >>> from refconv.analysis.graph.series import graph_of
    >>> height, _ = graph_of(Layers.parse("k3s2p1 k3")).field("layer 2")
    >>> height.size, height.stride, height.padding, height.center
    (7, 2, 1, 2)
    """

    maps: Maps
    outputs: int | None
    is_placed: bool
    whole: Whole | None

    @property
    def size(self) -> int | None:
        """The most pixels that any position sees, from the first to the last; None where that grows on and on."""
        if len(self.maps) == 1 or not self.is_placed:
            return max((span.size for each in self.maps for span in each.phases[: self.outputs]), default=None)
        if not self.maps or self.outputs is None:
            return None
        return max(len(pixels_seen(self.maps, output)) for output in range(self.outputs))

    @property
    def stride(self) -> int | Fraction | None:
        """The pixels between neighbouring positions."""
        return self.maps[0].stride if len(self.maps) == 1 and self.is_placed else None

    @property
    def padding(self) -> int | None:
        """The pixels that position 0 sees before pixel 0."""
        return -self.maps[0].phases[0].first if self._has_first else None

    @property
    def center(self) -> int | Fraction | None:
        """The centre of what position 0 sees."""
        return ratio(self.maps[0].phases[0].first + self.maps[0].phases[0].last, 2) if self._has_first else None

    @property
    def _has_first(self) -> bool:
        return len(self.maps) == 1 and self.is_placed and self.maps[0].phases[0] != NOTHING


class Tensor(NamedTuple):
    """A tensor that depends on the image.

    Attributes
    ----------
    name, node, module : str
        The tensor, the node that makes it, and the module that this comes from, as their source calls them.
    label : str
        What the node does, such as ``Conv(3, stride=2)``.
    layer : Layer or None
        The same as a layer of one axis, which is its width, or two.
    view : View or Ended
        Which part of the image its elements see, or why nobody can say.
    links : tuple of Link
        The tensors that it reads, and how.
    """

    name: str
    node: str
    module: str
    label: str
    layer: Layer | None
    view: View | Ended
    links: tuple[Link, ...]

    @property
    def is_local(self) -> bool:
        """Whether its positions have a place in the image."""
        return isinstance(self.view, View) and bool(self.view.linked)

    @property
    def has_plane(self) -> bool:
        """Whether each axis that it tells apart is a dimension of its own, as it is not in a list of tokens."""
        dims = self.view.dims if isinstance(self.view, View) else ()
        linked = [dim for dim in dims if any(factor.axis is not None for factor in dim)]
        return bool(linked) and all(len(dim) == 1 for dim in linked)

    @property
    def is_step(self) -> bool:
        """Whether it reads more than the pixel below, or is joined from several tensors."""
        return len(self.links) > 1 or not all(link.is_same for link in self.links)
