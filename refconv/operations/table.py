"""What distinguishes one operation of the family from another: how many axes, whether transposed, what is asked for.

A convolution connects an input, a weight and an output.  Two of the three are given, and one is asked for; a transposed
convolution is planned as the convolution whose adjoint it is, so that what it takes is that plan's output:

    asked for by      the plan's input   the plan's weight   the plan's output
    conv              input              weight              (asked for)
    conv_input        (asked for)        weight              grad_output
    conv_weight       input              (asked for)         grad_output
    conv_bias         ones               (asked for)         grad_output
    conv_transpose    (asked for)        weight              input
    ..._input         grad_output        weight              (asked for)
    ..._weight        grad_output        (asked for)         input
    ..._bias          ones               (asked for)         grad_output

An operation is an entry in `OPERATIONS`: all else that knows operations by name, the command too, is read off it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product, takewhile
from typing import Any, Final

from refconv import conv, grad, quantized, transpose
from refconv.core.adjoint import INPUT_ADJOINT, WEIGHT_ADJOINT
from refconv.core.sums import CONVOLUTION, Sum
from refconv.geometry.arguments import LINE, PLANE, VOLUME, Space
from refconv.geometry.build import plan_convolution
from refconv.geometry.plan import ConvGeometry, Index
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.formats import Array

INPUT, WEIGHT, OUTPUT = "input", "weight", "output"  # of a plan


@dataclass(frozen=True)
class Operation:
    """An operation of the family.

    >>> gradient = OPERATIONS["conv_transpose2d_weight"]
    >>> gradient.leading, gradient.size, gradient.factors, gradient.asked
    (('input', 'weight_size', 'grad_output'), 'weight_size', ('grad_output', 'input'), 'weight')
    >>> gradient.parameters
    ('stride', 'padding', 'output_padding', 'groups', 'dilation')
    """

    space: Space
    is_transposed: bool = False  # whether it is a transposed convolution, or a gradient of one
    by: str = ""  # of a gradient, with respect to what: "input", "weight" or "bias"; empty for the operation itself
    arithmetic: str = ""  # "integer" or "quantized" of a convolution of 8-bit numbers, told what they stand for

    @cached_property
    def name(self) -> str:
        """Such as ``"conv2d"`` or ``"conv_transpose1d_input"``: that of the function."""
        ending = "".join(f"_{word}" for word in (self.by, self.arithmetic) if word)
        return f"{'conv_transpose' if self.is_transposed else 'conv'}{self.space.rank}d{ending}"

    @cached_property
    def function(self) -> Callable[..., Array]:
        """Refconv's own: a target of the operation has its positional signature."""
        module = grad if self.by else transpose if self.is_transposed else quantized if self.arithmetic else conv
        found: Callable[..., Array] = getattr(module, self.name)
        return found

    @cached_property
    def _positional(self) -> tuple[str, ...]:
        arguments = inspect.signature(self.function).parameters.values()
        return tuple(argument.name for argument in arguments if argument.kind is argument.POSITIONAL_OR_KEYWORD)

    @cached_property
    def leading(self) -> tuple[str, ...]:
        """The names of the first arguments, those that are no parameters: arrays, shapes and what numbers stand for."""
        return tuple(takewhile(lambda name: name != "stride", self._positional))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the others, in their order."""
        return self._positional[len(self.leading) :]

    @cached_property
    def size(self) -> str:
        """The argument that says the shape of what is asked for; empty where there is none."""
        return next((name for name in self.leading if name.endswith("_size")), "")

    @property
    def forward(self) -> Operation:
        """The operation whose gradient it is; itself, where it is none."""
        return OPERATIONS[self.name.removesuffix(f"_{self.by}")]

    @property
    def is_gradient(self) -> bool:
        """Whether something arrives at its output."""
        return bool(self.by)

    @property
    def has_bias(self) -> bool:
        """Whether something is added to the products."""
        return "bias" in self.leading

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The arguments that say what the numbers stand for: scales and zero points."""
        return tuple(name for name in self.leading if name.endswith(("_scale", "_zero_point")))

    @cached_property
    def asked(self) -> str:
        """Which part of the plan it asks for: ``"input"``, ``"weight"`` or ``"output"``."""
        if self.by in ("weight", "bias"):
            return WEIGHT
        return INPUT if self.is_transposed == (not self.by) else OUTPUT

    @property
    def sum(self) -> Sum:
        """Which of the three sums it is."""
        return {OUTPUT: CONVOLUTION, INPUT: INPUT_ADJOINT, WEIGHT: WEIGHT_ADJOINT}[self.asked]

    @cached_property
    def roles(self) -> dict[str, str]:
        """Which argument is which of the other two parts of the plan."""
        if self.by == "bias":
            return {OUTPUT: "grad_output"}
        arriving = "grad_output" if self.by else ""
        first, last = (arriving, "input") if self.is_transposed else ("input", arriving)
        given = {INPUT: first, WEIGHT: "weight", OUTPUT: last}
        return {role: name for role, name in given.items() if role != self.asked}

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """The arguments that are multiplied: what the kernel slides over first, if both are there."""
        order = {OUTPUT: (INPUT, WEIGHT), INPUT: (OUTPUT, WEIGHT), WEIGHT: (INPUT, OUTPUT)}[self.asked]
        return tuple(self.roles[role] for role in order if role in self.roles)

    @cached_property
    def conjugated(self) -> str:
        """The factor that is conjugated, as in PyTorch's autograd: of a gradient, what did not arrive."""
        return next((name for name in self.factors if self.by and name != "grad_output"), "")

    def plan(self, shapes: Mapping[str, Index], parameters: Mapping[str, Any]) -> ConvGeometry:
        """Return the plan of a call; `shapes` has those of the input, the weight and the bias, asked for or given."""
        if self.by == "bias":
            return grad.plan_of_ones(shapes["grad_output"], self.space)
        build = plan_transposed if self.is_transposed else plan_convolution
        given = {name: parameters[name] for name in parameters if name not in self.leading}
        return build(shapes["input"], shapes["weight"], shapes.get("bias"), space=self.space, **given)


_KINDS = product((False, True), ("", "input", "weight", "bias"), (PLANE, LINE, VOLUME))
_LINEAR = [Operation(space, is_transposed, by) for is_transposed, by, space in _KINDS]
_EIGHT_BITS = [Operation(space, arithmetic=word) for word, space in product(("integer", "quantized"), (PLANE, LINE))]

OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in (*_LINEAR, *_EIGHT_BITS)}
# Those of real and complex numbers, which are linear in each of their factors.
LINEAR: Final[Mapping[str, Operation]] = {operation.name: operation for operation in _LINEAR}


def operation_of(function: object) -> Operation:
    """Return the operation that a function of refconv's computes; a TypeError where it is none of the family."""
    for operation in OPERATIONS.values():
        if operation.function is function:
            return operation
    raise TypeError(f"function={function!r} must be one of {', '.join(sorted(OPERATIONS))}")
