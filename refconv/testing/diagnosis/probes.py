"""Probe a target with numbered elements and one tap at a time, and decode what each element of its result has read.

An operation is a sum of products of two factors.  One of them is set to 0 but for one tap, so that each element of the
result is one element of the other, or 0 in the padding.  Some calls for each tap tell which: of ones, they are counted;
of numbers, it is named; and numbers in the tap itself say whose weights it is multiplied with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from refconv.geometry.plan import Index
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array, float_info
from refconv.testing.battery.cases import INTEGERS, Case
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.right_reading import reading_of
from refconv.testing.targets import Target

NOTHING: Final = -1  # in place of an index: the tap reads none ...
SEVERAL: Final = -2  # ... or more than one
WEIGHTS: Final = "weights"
MOST_CALLS: Final = 2000
MOST_READS: Final = 1 << 22  # elements times taps
SPACE: Final = ("plane", "row", "column")

# What is numbered and what holds the tap, by what is asked for: in the gradient of a weight, an output is the tap.
_ROLES: Final = {"output": ("input", "weight"), "input": ("output", "weight"), "weight": ("input", "output")}


@dataclass(frozen=True, slots=True)
class Trace:
    """What each element of a result reads through each tap, and what it should."""

    right: Reading  # of the case
    # For each axis of what is numbered, the index along it, of the result's shape followed by the taps'; `NOTHING` in
    # the padding.  Under "weights" the channel whose weights it is multiplied with.
    read: dict[str, Array]
    should: dict[str, Array]
    counts: Array  # how many elements are read ...
    right_counts: Array  # ... and how many should be


def run_trace(target: Target, case: Case) -> Trace:
    """Call a target some times for each tap; whatever it raises passes through, and a wrong shape is a ValueError."""
    call, right = case.call(), reading_of(case.call())
    roles = call.operation.roles
    numbered, probed = (roles.get(role, "") for role in _ROLES[call.operation.asked])
    shapes = {name: operand.shape for name, operand in call.operands.items()}
    numbers = _numbers(case, shapes[numbered]) if numbered else {}
    whose = _channel_numbers(case, shapes[probed])
    taps, tap_shape = _taps(case, shapes[probed])
    if (2 + len(numbers)) * len(taps) > MOST_CALLS or len(taps) * math.prod(right.shape) > MOST_READS:
        raise ValueError(
            f"case {case.id!r} is too large to be traced; it may take {MOST_CALLS} calls and {MOST_READS} reads"
        )
    passes = {"count": (np.ones(()), np.ones(())), WEIGHTS: (np.ones(()), whose)}
    passes |= {name: (array, np.ones(())) for name, array in numbers.items()}
    tables: list[dict[str, list[Array]]] = [{name: [] for name in passes} for _ in range(2)]
    for tap in taps:
        for name, (pixels, weights) in passes.items():
            operands = {other: np.zeros(shape) for other, shape in shapes.items()}
            if numbered:
                operands[numbered][...] = pixels
            operands[probed][tap] = np.broadcast_to(weights, shapes[probed])[tap]
            tables[0][name].append(called(target, case, operands, right))
            tables[1][name].append(right.full(call.with_operands(**operands)(dtype=np.float64)))
    shape = (*right.shape, *tap_shape)
    (counts, read), (right_counts, should) = (
        _decoded(
            {name: np.stack(many, axis=-1).reshape(shape) for name, many in table.items()},
            shapes.get(numbered, ()),
            case,
        )
        for table in tables
    )
    return Trace(right, read, should, counts, right_counts)


def called(target: Target, case: Case, operands: dict[str, Array], right: Reading) -> Array:
    """Return what a target makes of some arrays, in the type and the layout of a case, in the axes of the reading."""
    laid_out = replace(case, layout="contiguous", laid_out="") if case.layout == "broadcast" else case
    given = {name: laid_out.in_memory(name, operand) for name, operand in operands.items()}
    result = as_array("the result", case.called(target, given))
    if result.shape != right.own(right.shape):
        raise ValueError(f"the result has shape {result.shape}, where {right.own(right.shape)} was expected: {case.id}")
    return right.full(result.real.astype(np.float64))


def _taps(case: Case, shape: Index) -> tuple[list[tuple[int | slice, ...]], Index]:
    """Return where in the probed operand each tap lies, in all channels that say by themselves which they are.

    A kernel's taps are (C/G, K_h, K_w), or of an adjoint (O/G, K_h, K_w); an output's are (N, P, Q).
    """
    asked, rank = case.operation.asked, case.operation.space.rank
    each = slice(None)
    if asked == "output":
        return [(each, *tap) for tap in np.ndindex(*shape[1:])], shape[1:]
    if asked == "input":
        step = shape[0] // case.groups
        taps = (step, *shape[2:])
        return [(slice(o, None, step), each, *tap) for o, *tap in np.ndindex(*taps)], taps
    images, size = shape[: -rank - 1], shape[-rank:]
    places = [(*place[: len(images)], each, *place[len(images) :]) for place in np.ndindex(*images, *size)]
    return places, (math.prod(images), *size)


def _channel_numbers(case: Case, shape: Index) -> Array:
    """Number, from 1, the channels of the probed operand that a tap is not told by."""
    plan, rank = case.plan, case.operation.space.rank
    if case.operation.asked == "input":
        channels = [[plan.input_channel(o, c) + 1 for c in range(shape[1])] for o in range(shape[0])]
        return np.array(channels, float).reshape(*shape[:2], *(1,) * rank)
    axis = 0 if case.operation.asked == "output" else len(shape) - rank - 1
    return np.arange(1.0, shape[axis] + 1).reshape(-1, *(1,) * (len(shape) - axis - 1))


def _numbers(case: Case, shape: Index) -> dict[str, Array]:
    """Number elements, from 1: all of them, where the type holds so many whole numbers, or else along each axis."""
    digits = {"u8": 8}.get(case.dtype, 7) if case.dtype in INTEGERS else float_info(case.numpy_dtype).digits
    if math.prod(shape) < 2**digits:
        return {"all": np.arange(1.0, math.prod(shape) + 1).reshape(shape)}
    if max(shape) >= 2**digits:
        raise ValueError(
            f"case {case.id!r} has more pixels than its type can number; it must have fewer than 2^{digits}"
        )
    grid: Array = np.indices(shape)
    return {name: along + 1.0 for name, along in zip(axis_names(len(shape), case), grid, strict=True)}


def axis_names(dimensions: int, case: Case) -> tuple[str, ...]:
    """Return what the axes of an operand are called, the batch among them if it is there."""
    return ("image", "channel", *SPACE[-case.operation.space.rank :])[-dimensions:]


def _decoded(table: dict[str, Array], shape: Index, case: Case) -> tuple[Array, dict[str, Array]]:
    """Return how many elements are read, and which one, where it is one."""
    counts = np.rint(table.pop("count")).astype(np.int64)
    size = math.prod(shape)
    found = {name: np.rint(numbers).astype(np.int64) - 1 for name, numbers in table.items()}
    if "all" in found:
        number = found.pop("all")
        places = np.unravel_index(np.clip(number, 0, max(0, size - 1)), shape)
        known = (number >= 0) & (number < size)
        found |= {
            name: np.where(known, place, SEVERAL)
            for name, place in zip(axis_names(len(shape), case), places, strict=True)
        }
    return counts, {
        name: np.where(counts == 1, place, np.where(counts == 0, NOTHING, SEVERAL)) for name, place in found.items()
    }
