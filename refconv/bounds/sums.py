"""What does an operation add up, for every element: how much, how often rounded, and what else may go wrong in it?"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial, reduce
from typing import Final

import numpy as np

from refconv.bounds.summation import Precision, Sums, rounded_inputs_error
from refconv.bounds.winograd import WINOGRAD
from refconv.core.products import pad
from refconv.geometry.arguments import check_choice
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array, FloatInfo, round_to_format
from refconv.operations import Call

ALGORITHMS: Final = ("direct", *WINOGRAD)


def sums_of(call: Call, precision: Precision, algorithm: str = "direct", exact: Array | None = None) -> Sums:
    """Return what a call adds up; `exact` is the result, where it is known already."""
    check_choice("algorithm", algorithm, ALGORITHMS)
    if algorithm != "direct" and call.operation.name != "conv2d":
        raise ValueError(f"algorithm={algorithm!r} must be 'direct' for {call.operation.name}")
    plan = call.plan
    if algorithm != "direct":
        WINOGRAD[algorithm].check(plan)
    is_complex = any(dtype.kind == "c" for dtype in call.dtypes)
    add_up = partial(_total, plan, algorithm, precision.accumulator.largest)

    sizes = call.each(magnitude)
    total = add_up(sizes)
    roundings = roundings_of(call, algorithm)
    amplification = 1.0 if algorithm == "direct" else WINOGRAD[algorithm].amplification
    input_error: Array | float = 0.0
    if precision.multiplier is not None or algorithm != "direct":
        largest = add_up(_largest_factors(sizes, precision, algorithm))
        input_error = rounded_inputs_error(total, largest, roundings)
    if exact is None and precision.rounds_result:
        exact = call(dtype=wide_dtype(*call.dtypes))
    return Sums(total, roundings, input_error, exact, amplification, is_complex)


def roundings_of(call: Call, algorithm: str) -> Array:
    """Return how often a product of each element is rounded at most, in a shape that broadcasts to the result's."""
    plan, is_biased = call.plan, "bias" in call.operands
    parts = 2 if any(dtype.kind == "c" for dtype in call.dtypes) else 1
    products = products_of(plan, call.operation.asked) * parts
    products = products if plan.batched or call.operation.asked == "weight" else products[0]
    products = products.reshape(-1, 1)[:, 0] if call.operation.by == "bias" else products
    if algorithm != "direct":
        return np.full_like(products, WINOGRAD[algorithm].roundings(parts * plan.group_in_channels) + is_biased)
    return np.where(products > 0, products + is_biased, 0)


def for_all(precision: Precision, call: Call, algorithm: str = "direct") -> Precision:
    """Return the precision whose confidence is for all of a call's elements together, whatever part is looked at."""
    if precision.confidence is None:
        return precision
    roundings = roundings_of(call, algorithm)
    return replace(precision, chances=float(roundings.sum()) * math.prod(call.shape) / max(1, roundings.size))


def _total(plan: ConvGeometry, algorithm: str, overflow: float, sizes: Call) -> Array:
    """Return Σ|x||w| + |b|; of Winograd's algorithm, the sum over its own monomials, whose factors may overflow."""
    if algorithm == "direct":
        return sizes()
    padded = pad(sizes.operands["input"].reshape(plan.input_shape), plan)
    total = WINOGRAD[algorithm].magnitudes(padded, sizes.operands["weight"], plan, overflow)
    if "bias" in sizes.operands:
        total += sizes.operands["bias"][:, np.newaxis, np.newaxis]
    return total if plan.batched else total[0]


def products_of(plan: ConvGeometry, asked: str) -> Array:
    """Return how many products each element really adds up, in a shape that broadcasts to the result's.

    A tap in zero padding adds none.  A signal of 4 read by 3 taps with padding (1, 1), of two channels, at one output:
    of the output 4, 6, 6, 4; of the input 2, 3, 3, 2; of the weight, of one image, 3, 4, 3.
    """
    counts = [_counts(axis, asked, plan.padding_mode) for axis in plan.axes]
    each = {"output": plan.group_in_channels, "input": plan.group_out_channels, "weight": plan.batch}[asked]
    of_place = reduce(np.multiply.outer, counts)
    return np.asarray(each * of_place)[np.newaxis, np.newaxis]


def _counts(axis: AxisGeometry, asked: str, padding_mode: str) -> Array:
    """Return how many lines between output, tap and pixel end in each place of what is asked for, along one axis."""
    outputs = np.arange(axis.output_size)
    size = {"output": axis.output_size, "input": axis.input_size, "weight": axis.kernel_size}[asked]
    counts = np.zeros(size, np.int64)
    for tap in range(axis.kernel_size):
        pixels = axis.stride * outputs + axis.dilation * tap - axis.padding[0]
        is_real = (pixels >= 0) & (pixels < axis.input_size)
        if padding_mode != "zeros":
            pixels = np.array([axis.source_index(int(pixel), padding_mode) for pixel in pixels], np.intp)
            is_real = np.ones_like(is_real)
        places = {"output": outputs[is_real], "input": pixels[is_real], "weight": np.full(is_real.sum(), tap)}[asked]
        counts += np.bincount(places, minlength=size)
    return counts


def magnitude(operand: Array) -> Array:
    """Return |operand|, widened first: the least int8 has no magnitude in int8.

    An infinity becomes NaN, so that an infinite sum of magnitudes can only mean overflow.
    """
    if operand.dtype.kind == "O":
        raise TypeError(f"objects {operand.shape} have no error bound; it is for numbers that are rounded")
    sizes: Array = np.abs(operand.astype(wide_dtype(operand.dtype), copy=False))
    sizes[~np.isfinite(sizes)] = np.nan
    return sizes


def _largest_factors(sizes: Call, precision: Precision, algorithm: str) -> Call:
    """Return what a kernel's own factors can be at most: inputs rounded, and what the weights lose in transforms."""
    factors = sizes.factors
    if precision.multiplier is not None:
        factors = {name: rounded_up(size, precision.multiplier) for name, size in factors.items()}
    if algorithm != "direct":
        factors["weight"] = factors["weight"] + WINOGRAD[algorithm].lost_weight * precision.accumulator.smallest
    return sizes.with_operands(**factors)


def rounded_up(magnitude: Array, info: FloatInfo) -> Array:
    """Return what rounding to a format, or truncation, can make of a number at most; itself, if the format holds it."""
    with np.errstate(over="ignore"):
        at_most = np.where(magnitude > info.largest, np.inf, magnitude * (1 + 2 * info.unit) + info.smallest)
    return np.where(round_to_format(magnitude, info) == magnitude, magnitude, at_most)
