"""The right reading of a call, whichever operation of the family it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array
from refconv.operations import Call
from refconv.testing.diagnosis.directions import (
    Convolution,
    InputAdjoint,
    Transposed,
    TransposedInput,
    TransposedWeight,
    WeightAdjoint,
)
from refconv.testing.diagnosis.eight_bits import eight_bits
from refconv.testing.diagnosis.reading import Reading

# By what is asked for, of a convolution and of a transposed one.
_DIRECTIONS: Final[dict[str, tuple[type[Reading], type[Reading]]]] = {
    "output": (Convolution, TransposedInput),
    "input": (InputAdjoint, Transposed),
    "weight": (WeightAdjoint, TransposedWeight),
}


def reading_of(call: Call) -> Reading:
    """Return the right reading of a call: its plan, with each array in its part of it."""
    operation, plan = call.operation, call.plan
    operands = {name: array.astype(wide_dtype(array.dtype), copy=False) for name, array in call.operands.items()}
    if operation.conjugated:
        operands[operation.conjugated] = conjugate(operands[operation.conjugated])
    shapes = {"input": plan.input_shape, "weight": plan.weight_shape, "output": plan.output_shape}
    given = {role: operands[name].reshape(shapes[role]) for role, name in operation.roles.items()}
    if operation.by == "bias":
        given["input"] = np.ones(plan.input_shape, given["output"].dtype)

    wide = np.result_type(*given.values())
    first, second, *size = shapes[operation.asked]
    bias = operands.get("bias", np.zeros(second, wide))
    is_of_transposed = operation.is_transposed and operation.by != "bias"  # a bias is that of any operation
    kind = _DIRECTIONS[operation.asked][is_of_transposed]
    more: dict[str, Any] = _output_padding(plan, call.parameters) if kind is Transposed else {}
    channels = [[plan.input_channel(o, c) for c in range(plan.group_in_channels)] for o in range(plan.out_channels)]
    asked: Array = np.broadcast_to(np.zeros((), wide), shapes[operation.asked])
    reading: dict[str, Any] = dict(
        **{operation.asked: asked} | given,
        bias=np.tile(bias.astype(np.result_type(wide, bias)), (first, 1)),
        axes=plan.axes,
        size=tuple(size),
        channels=np.array(channels, np.intp).reshape(plan.out_channels, plan.group_in_channels),
        images=np.arange(plan.batch),
        dropped=_dropped(call),
        padding_mode=plan.padding_mode,
        groups=plan.groups,
    )
    if operation.arithmetic:
        return eight_bits(reading, call.operands, call.parameters)
    return kind(**reading, **more)


def conjugate(operand: Array) -> Array:
    """Return the conjugate of complex numbers and of objects, and real numbers as they are."""
    return operand.conj() if operand.dtype.kind in "cO" else operand


def _dropped(call: Call) -> tuple[int, ...]:
    """Return the axes of the result that the caller does not have."""
    if call.operation.by == "bias":
        return tuple(range(1, 2 + call.operation.space.rank))
    return () if call.plan.batched or call.operation.asked == "weight" else (0,)


def _output_padding(plan: ConvGeometry, parameters: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return by how much the result is larger than its windows reach, less the padding: E, if that is below S.

    SAME, of windows that reach less than S·P, makes it larger than the caller's E does, which is returned as well.
    """
    reaches = (axis.reach(axis.output_size) - sum(axis.padding) for axis in plan.axes)
    extras = tuple(max(0, size - reach) for size, reach in zip(plan.input_size, reaches, strict=True))
    if not str(parameters.get("padding", "")).startswith("same"):
        return {"output_padding": extras}
    given = np.broadcast_to(parameters.get("output_padding", 0), len(extras))
    return {"output_padding": extras, "given": tuple(map(int, given))}
