"""The calls of all operations of the family that connect an input x, a weight w and an output y, and what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import definition
import numpy as np
from arrays import Array

from refconv.operations import LINEAR, Operation

BY_RANK: dict[int, list[str]] = {
    rank: [name for name, operation in LINEAR.items() if operation.space.rank == rank] for rank in (1, 2, 3)
}


def kind_of(operation: Operation) -> str:
    """Return which of the sums an operation is: of which part of the plan, or of the bias."""
    return "bias" if operation.by == "bias" else operation.asked


@dataclass(frozen=True)
class Triple:
    """The three arrays that a convolution connects, and its parameters, one number or pair for each axis.

    A convolution and its gradients read x and w, a transposed convolution takes y for its input, and gives x.
    """

    x: Array
    w: Array
    y: Array
    parameters: dict[str, Any]

    @classmethod
    def of(cls, x: Array, w: Array, rng: np.random.Generator, **parameters: Any) -> Triple:
        """Return x and w, with an output of small whole numbers of x's type."""
        shape = definition.output_shape(x.shape, w.shape, parameters)
        return cls(x, w, rng.integers(-9, 10, shape).astype(x.dtype), parameters)

    @property
    def rank(self) -> int:
        """How many spatial axes there are."""
        return self.x.ndim - 2

    @property
    def names(self) -> list[str]:
        """The operations that can be called with them: a transposed convolution has no padding mode."""
        names = BY_RANK[self.rank]
        has_all = self.parameters.get("padding_mode", "zeros") == "zeros" and 0 not in self.x.shape[2:]
        return names if has_all else [name for name in names if not LINEAR[name].is_transposed]

    @property
    def output_padding(self) -> tuple[int, ...]:
        """What the strides leave out of the padded input, which a transposed convolution has to be told."""
        steps = zip(
            self.x.shape[2:],
            self.w.shape[2:],
            self.y.shape[2:],
            *(self.parameters[name] for name in ("stride", "padding", "dilation")),
            strict=True,
        )
        return tuple(size + sum(sides) - s * (p - 1) - d * (k - 1) - 1 for size, k, p, s, sides, d in steps)

    def arguments(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional arguments of an operation, and those by name."""
        operation, (x, w, y) = LINEAR[name], (self.x, self.w, self.y)
        if operation.is_transposed:
            x, y = y, x
        arrays: dict[str, tuple[Any, ...]] = {
            "": (x, w),
            "input": (x.shape, w, y),
            "weight": (x, w.shape, y),
            "bias": (y,),
        }
        steps: dict[str, Any] = {} if operation.by == "bias" else dict(self.parameters)
        if operation.is_transposed and steps:
            steps.pop("padding_mode", None)
            steps["output_padding"] = self.output_padding
        return arrays[operation.by], steps

    def call(self, name: str, **options: Any) -> Array:
        """Return what refconv gives."""
        arguments, steps = self.arguments(name)
        return LINEAR[name].function(*arguments, **steps, **options)

    def truth(self, name: str) -> Array:
        """Return what the definition gives, in the arrays' own arithmetic; a gradient conjugates what did not arrive."""
        operation, (x, w, y) = LINEAR[name], (self.x, self.w, self.y)
        if operation.by == "bias":
            return definition.bias_adjoint(x if operation.is_transposed else y)
        if operation.is_gradient:
            w = w.conj()
            x, y = (x, y.conj()) if operation.is_transposed else (x.conj(), y)
        if operation.asked == "output":
            return definition.convolution(x, w, self.parameters)
        if operation.asked == "input":
            return definition.input_adjoint(x.shape, w, y, self.parameters)
        return definition.weight_adjoint(x, w.shape, y, self.parameters)

    def each(self, change: Any) -> Triple:
        """Apply a function to the three arrays."""
        return Triple(change(self.x), change(self.w), change(self.y), self.parameters)
