"""One node of a graph, in ONNX's vocabulary, with every attribute checked where it is read.

Two reasons not to go on are kept apart.  A `ValueError` says that the graph is wrong, as one with an infinite scale is.
`Unsaid` says that the graph is right and that nobody can say which pixels a tensor's elements see: after a
non-maximum suppression that depends on the values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

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


@dataclass(frozen=True)
class Node:
    """A node with its attributes as plain values.

    Attributes
    ----------
    op, name : str
        The operator, by ONNX's name, and the node's own.
    inputs, outputs : tuple of str
        Tensors; an empty name is an input that is left out.
    attributes : dict
        Numbers, text, and lists of them; a graph is a `Program`.
    module : str
        Where in the network the node is, as in ``"layer1.0.conv2"``; empty where its source does not say.
    opset : int
        The version of the operators.
    source : str
        Whose node it is, for messages.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""
    opset: int = 22
    source: str = "ONNX"

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
            limit = f"at least {minimum}" if value < minimum else f"at most {LARGEST_SIZE}"
            self.wrong(f"{name}={value} must be {limit}")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return an attribute that is one of a few words, the first of which it is where it is not given."""
        value = self.attributes.get(name, choices[0])
        if value not in choices:
            self.wrong(f"{name}={value!r} must be one of {', '.join(choices)}")
        return str(value)

    def axis(self, rank: int, default: int | None = None, name: str = "axis") -> int:
        """Return an attribute that is one of the dimensions, counted from the first."""
        if name not in self.attributes and default is None:
            self.wrong(f"{name} is not given")
        return self.dimension(self.attributes.get(name, default), rank, name)

    def dimension(self, value: object, rank: int, name: str = "axis") -> int:
        """Return a dimension of a tensor of this rank, counted from the first."""
        number = self._checked(name, value, -LARGEST_SIZE)
        if not -rank <= number < rank:
            self.wrong(f"{name}={number} must be a dimension of a tensor that has {rank}")
        return number % rank

    def positive(self, name: str, values: Sequence[object]) -> list[float]:
        """Return numbers that must be finite and above 0, such as scales."""
        for value in values:
            if not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
                self.wrong(f"{name}={list(values)} must be finite numbers above 0")
        return [float(value) for value in values if isinstance(value, int | float)]

    def require_inputs(self, count: int) -> None:
        """Refuse a node with fewer inputs than its operator needs."""
        given = sum(bool(name) for name in self.inputs)
        if given < count:
            self.wrong(f"it has {given} input{'s' if given != 1 else ''} and needs {count}")


@dataclass(frozen=True)
class Program:
    """A graph as it is read: its nodes, what it is given, and what is stored in it.

    Attributes
    ----------
    nodes : tuple of Node
    inputs : dict
        The shape of every input; None where even the number of dimensions is not said.
    outputs : tuple of str
    constants : dict
        Arrays where they are small, and the shapes of the others.
    """

    nodes: tuple[Node, ...]
    inputs: Mapping[str, tuple[Size, ...] | None]
    outputs: tuple[str, ...]
    constants: Mapping[str, Any]
