"""What a tensor is while a graph is read, and a call of a node's rule: its inputs, and what the rule says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.graph.nodes import Node, Size, Unsaid
from refconv.analysis.graph.views import Link, View, Whole
from refconv.analysis.layers import Layer, described

__all__: list[str] = []


class Constant(NamedTuple):
    """A tensor that does not depend on the image: its array where that is small, and its shape where that is known."""

    array: NDArray[Any] | None
    shape: tuple[Size, ...] | None


class Ended(NamedTuple):
    """A tensor of which nobody can say what it sees: the node that is the reason, and why."""

    title: str
    reason: str


Value = View | Constant | Ended


@dataclass(frozen=True)
class Window:
    """A window along one axis, in the letters of `AxisGeometry`; `auto_pad` says how a node pads by itself."""

    kernel_size: int
    stride: int
    dilation: int
    padding: tuple[int, int]
    auto_pad: str = "NOTSET"


class PlaneFound(Exception):  # noqa: N818  # good news
    """The first window was found: the dimensions of the image that lie under its plane."""

    def __init__(self, plane: set[int]) -> None:
        self.plane = plane


@dataclass
class Call:
    """A node with the values of its inputs.

    Attributes
    ----------
    node : Node
    number : int
        How many nodes come before it.
    values : list of Value or None
        None for an input that is left out.
    seeks_plane : bool
        Whether all dimensions of the image are linked, so as to learn which ones lie under the first window.
    label : str
        What the rule calls the node, as in ``Conv(3, stride=2)``.
    layer : Layer or None
        The same as a layer of one axis or two.
    links : dict
        How each output reads the tensors before it.
    """

    node: Node
    number: int
    values: list[Value | None]
    seeks_plane: bool = False
    label: str = ""
    layer: Layer | None = None
    links: dict[str, tuple[Link, ...]] = field(default_factory=dict)

    @property
    def whole(self) -> Whole:
        """What is said of a tensor that sees all of an axis because of this node."""
        return Whole(self.number, self.node.place)

    @property
    def views(self) -> list[View]:
        """The inputs that depend on the image."""
        return [value for value in self.values if isinstance(value, View)]

    def view(self, place: int = 0) -> View:
        """Return an input that depends on the image."""
        value = self.values[place]
        if not isinstance(value, View):
            raise Unsaid(f"its input {place + 1} does not depend on the image, and another one does")
        return value

    def given(self, place: int) -> bool:
        """Whether there is such an input."""
        return place < len(self.values) and self.values[place] is not None

    def constant(self, place: int) -> list[Any] | None:
        """Return an input's numbers, in one list; None where there is no such input or they are not known."""
        value = self.values[place] if self.given(place) else None
        return value.array.ravel().tolist() if isinstance(value, Constant) and value.array is not None else None

    def required(self, place: int, what: str) -> list[Any]:
        """Return an input's numbers, which have to be known before anything can be said."""
        found = self.constant(place)
        if not self.given(place):
            self.node.wrong(f"its {what} are not given")
        if found is None:
            raise Unsaid(f"its {what} are computed, and not from the image's size alone")
        if not all(isinstance(each, int | float) for each in found):
            raise Unsaid(f"its {what} depend on the image's size, which --input says")
        return found

    def shape(self, place: int) -> tuple[Size, ...] | None:
        """Return an input's shape."""
        value = self.values[place] if self.given(place) else None
        return value.shape if isinstance(value, View | Constant) else None

    def on_plane(self, view: View, places: Iterable[int]) -> None:
        """Say over which dimensions a window slides."""
        if self.seeks_plane:
            raise PlaneFound(
                {factor.axis for place in places for factor in view.dims[place] if factor.axis is not None}
            )

    def describe(self, kind: type[Layer], windows: Sequence[Window], **options: Any) -> None:
        """Say what layer the node is: its windows, axis by axis, and what else there is."""
        self.label, self.layer = _described(kind, tuple(windows), tuple(options.items()))


@lru_cache(maxsize=4096)
def _described(
    kind: type[Layer], windows: tuple[Window, ...], options: tuple[tuple[str, Any], ...]
) -> tuple[str, Layer | None]:
    """Return how a layer is written, and the layer itself where it has one axis, which is the width, or two."""
    names = ("kernel_size", "stride", "padding", "dilation")
    numbers = {name: tuple(getattr(window, name) for window in windows) for name in names} | dict(options)
    usual = {"stride": numbers["kernel_size"] if kind.__name__ == "Pool" else 1, "padding": 0, "dilation": 1}
    label = described(kind.__name__, numbers, usual | {"ceil_mode": False, "output_padding": 0})
    if len(windows) > 2 or any(min(sides) < 0 for sides in numbers["padding"]):
        return label, None
    idle = {"kernel_size": 1, "stride": 1, "padding": (0, 0), "dilation": 1, "output_padding": 0}
    both = {
        name: (idle[name],) * (2 - len(windows)) + value for name, value in numbers.items() if isinstance(value, tuple)
    }
    return label, kind(**numbers | both)


def as_constant(array: Any) -> Constant:
    """Return a constant of numbers that are known."""
    values = np.asarray(array)
    return Constant(values, values.shape)
