"""A call of a node's rule: the node, what its inputs are, and what the rule says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from refconv.analysis.graph.nodes import Constant, Node, Size, Unknown, Unsaid
from refconv.analysis.graph.views import Link, View, Whole
from refconv.analysis.layers import Layer, described

__all__: list[str] = []


class Ended(NamedTuple):
    """A tensor of which nobody can say what it sees: the node that is the reason, and why."""

    title: str
    reason: str


Value = View | Constant | Ended


@dataclass
class Call:
    """A node with the values of its inputs, and what its rule says of it."""

    node: Node
    number: int  # how many nodes come before it
    values: Sequence[Value | None]  # None for an input that is left out
    label: str = ""  # as in "Conv(3, stride=2)"
    layer: Layer | None = None  # the same as a layer of one axis, which is its width, or two
    links: dict[str, tuple[Link, ...]] = field(default_factory=dict)  # how each output reads the tensors before it

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

    def shape(self, place: int) -> tuple[Size, ...] | None:
        """Return an input's shape."""
        value = self.values[place] if place < len(self.values) else None
        return value.shape if isinstance(value, View | Constant) else None

    def given(self, name: str, place: int, default: Any = None) -> Any:
        """Return the numbers that an attribute says, or else an input; some may be unknown sizes."""
        if name in self.node.attributes:
            listed = self.node.attributes[name]
            return listed if isinstance(listed, Sequence) else self.node.wrong(f"{name}={listed!r} must be a list")
        value = self.values[place] if place < len(self.values) else None
        if value is None:
            return default
        if not isinstance(value, Constant) or value.array is None:
            raise Unsaid(f"its {name} {_be(name)} computed, and not from the image's size alone")
        return value.array.ravel().tolist()

    def numbers(self, name: str, place: int, default: Any = None) -> Any:
        """Return such numbers, all of which must be known."""
        found = self.given(name, place, default)
        if found is None:
            self.node.wrong(f"its {name} {_be(name)} not given")
        if any(isinstance(each, Unknown) for each in found):
            raise Unsaid(f"its {name} {_be(name)} computed from the image's size, which --input says")
        return found

    def describe(self, layers: Sequence[Layer]) -> None:
        """Say what layer the node is, out of one about the width for each of its axes."""
        self.label, self.layer = _joined(*layers)


@lru_cache(maxsize=4096)  # a network has few kinds of layers, and some have 20,000 layers
def _joined(*layers: Layer) -> tuple[str, Layer | None]:
    """Return layers about the width as one of several axes: as it is written, and as a layer of one or two."""
    kind, numbers = type(layers[0]), [vars(layer) for layer in layers]
    shared = {name: value for name, value in numbers[0].items() if not isinstance(value, tuple)}
    several = {name: tuple(each[name][1] for each in numbers) for name in numbers[0].keys() - shared}
    joined = {name: several.get(name, shared.get(name)) for name in numbers[0]}
    usual = layers[0].defaults() | ({"stride": joined["kernel_size"]} if kind.__name__ == "Pool" else {})
    layer = layers[0] if len(layers) == 1 else kind(**joined) if len(layers) == 2 else None
    return described(kind.__name__, joined, usual), layer


def _be(name: str) -> str:
    return "is" if name in {"shape", "split", "axis"} else "are"
