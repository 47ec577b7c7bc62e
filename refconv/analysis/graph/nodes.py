"""One node of a graph, in ONNX's vocabulary, with every attribute checked where it is read.

Two reasons not to go on are kept apart.  A `ValueError` says that the graph is wrong, as one with an infinite scale is.
`Unsaid` says that the graph is right and that nobody can say which pixels a tensor's elements see: after a
non-maximum suppression that depends on the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

__all__: list[str] = []

# Nothing that is convolved has a million pixels along an axis, and sizes beyond that are damaged files.
LARGEST_SIZE = 1_000_000


class Unsaid(Exception):  # noqa: N818  # nothing is wrong
    """What a tensor's elements see cannot be said; the message completes "because"."""


class Unknown:
    """A size that is not known before the image is; it is equal to itself alone."""

    def __init__(self, name: str = "?") -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


Size = int | Unknown


@lru_cache(maxsize=65536)
def derived(*rule: object) -> Unknown:  # noqa: ARG001  # it is what the result is kept for
    """Return the unknown size that follows from others by a rule: the same one, each time that it is asked for.

    Two branches at stride 2 from one feature map have maps of one size, whatever it is.
    """
    return Unknown()


class Constant(NamedTuple):
    """A tensor that does not depend on the image: its array where that is small, and its shape where that is known."""

    array: NDArray[Any] | None
    shape: tuple[Size, ...] | None


def as_constant(array: Any) -> Constant:
    """Return a constant of numbers that are known."""
    values = np.asarray(array)
    return Constant(values, values.shape)


@dataclass(frozen=True)
class Node:
    """A node with its attributes as plain values."""

    op: str  # by ONNX's name
    name: str
    inputs: tuple[str, ...]  # tensors; an empty name is an input that is left out
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)  # numbers, text, and lists of them; or a `Program`
    module: str = ""  # where in the network the node is, as in "layer1.0.conv2", if its source says
    opset: int = 22  # the version of the operators
    source: str = "ONNX"  # whose node it is, for messages

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{self.source} node {self.name!r} ({self.op})"

    @property
    def place(self) -> str:
        """How reports call it: by its module, where it has one."""
        return f"{self.op} in {self.module}" if self.module else f"{self.op} {self.name!r}"

    def wrong(self, message: str) -> NoReturn:
        """Refuse the graph because of this node."""
        raise ValueError(f"{self.title}: {message}")

    def number(self, name: str, default: int, minimum: int = 0) -> int:
        """Return an attribute that is a whole number."""
        return self._checked(name, self.attributes.get(name, default), minimum)

    def numbers(self, name: str, default: Sequence[int] | None, count: int | None, minimum: int = 0) -> list[int]:
        """Return an attribute that is a list of `count` whole numbers."""
        value = self.attributes.get(name, default)
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.wrong(f"{name}={value!r} must be a list of whole numbers")
        if count is not None and len(value) != count:
            self.wrong(f"{name}={list(value)} must have {count} numbers")
        return [self._checked(f"{name}[{place}]", each, minimum) for place, each in enumerate(value)]

    def _checked(self, name: str, value: object, minimum: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(f"{name}={value!r} must be a whole number")
        if not minimum <= value <= LARGEST_SIZE:
            self.wrong(
                f"{name}={value} must be {f'at least {minimum}' if value < minimum else f'at most {LARGEST_SIZE}'}"
            )
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return an attribute that is one of a few words, the first of which it is where it is not given."""
        value = self.attributes.get(name, choices[0])
        if value not in choices:
            self.wrong(f"{name}={value!r} must be one of {', '.join(choices)}")
        return str(value)

    def axis(self, rank: int, default: int | None = None) -> int:
        """Return the attribute ``axis``, which is one of the dimensions, counted from the first."""
        if "axis" not in self.attributes and default is None:
            self.wrong("axis is not given")
        return self.dimension(self.attributes.get("axis", default), rank, "axis")

    def dimension(self, value: object, rank: int, name: str = "axes") -> int:
        """Return a dimension of a tensor of this rank, counted from the first."""
        number = self._checked(name, value, -LARGEST_SIZE)
        if not -rank <= number < rank:
            self.wrong(f"{name}={number} must be a dimension of a tensor that has {rank}")
        return number % rank

    def read(self) -> Iterator[str]:
        """Yield the tensors that it reads, and those that its branches read."""
        yield from self.inputs
        for value in self.attributes.values():
            if isinstance(value, Program):
                for inner in value.nodes:
                    yield from inner.read()


@dataclass(frozen=True)
class Program:
    """A graph as it is read: its nodes, the shape of every input, its outputs, and what is stored in it.

    A shape is None where even the number of dimensions is not said.
    """

    nodes: tuple[Node, ...]
    inputs: Mapping[str, tuple[Size, ...] | None]
    outputs: tuple[str, ...]
    constants: Mapping[str, Constant]

    def in_order(self) -> Iterator[Node]:
        """Yield the nodes, each after those that it reads; a ValueError where there is no such order."""
        writers: dict[str, int] = {}
        for place, node in enumerate(self.nodes):
            for name in filter(None, node.outputs):
                if name in writers or name in self.inputs:
                    other = (
                        f"which {self.nodes[writers[name]].title} writes" if name in writers else "which is an input"
                    )
                    node.wrong(f"it writes {name!r}, {other} already")
                writers[name] = place
        waits = {n: {writers[name] for name in node.read() if name in writers} for n, node in enumerate(self.nodes)}
        sorter = TopologicalSorter(waits)
        try:
            sorter.prepare()
        except CycleError as error:
            self.nodes[min(error.args[1])].wrong("it depends on its own output: the graph has a cycle")
        ready = list(sorter.get_ready())
        heapify(ready)  # of those that may come next, the one that the file has first
        while ready:
            place = heappop(ready)
            yield self.nodes[place]
            sorter.done(place)
            for each in sorter.get_ready():
                heappush(ready, each)
