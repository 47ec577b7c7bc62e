"""What does an operation add up, for every element: how much, how often rounded, and what else may go wrong in it?"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce

import numpy as np

from refconv.bounds.fourier import fourier_sums
from refconv.bounds.summation import Precision, Sums, rounded_inputs_error
from refconv.bounds.winograd import WINOGRAD
from refconv.core.products import pad
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array, FloatInfo, round_to_format
from refconv.numbers.parts import per_channel
from refconv.operations import Call


def sums_of(call: Call, precision: Precision, exact: Array | None = None) -> Sums:
    """Return what a call adds up, by the algorithm that was said; `exact` is the result, where it is known already."""
    return transformed(call, precision, direct_sums(call, precision, exact))


def direct_sums(call: Call, precision: Precision, exact: Array | None = None) -> Sums:
    """Return the sums of products as they stand."""
    sizes = call.each(magnitude)
    total, roundings = sizes(), roundings_of(call, precision)
    input_error: Array | float = 0.0
    if precision.multiplier is not None:
        input_error = rounded_inputs_error(total, _rounded_factors(sizes, precision.multiplier)(), roundings)
    if exact is None and (precision.rounds_result or precision.how.epilogue.text):
        exact = call(dtype=wide_dtype(*call.dtypes))
    return Sums(total, roundings, input_error, exact, is_complex=call.is_complex)


def transformed(call: Call, precision: Precision, sums: Sums) -> Sums:
    """Return what the algorithm makes of the sums of a call."""
    if precision.how.algorithm == "direct":
        return sums
    if precision.how.algorithm == "fft":
        return fourier_sums(call, call.each(magnitude), sums, precision.accumulator.largest)
    return _winograd_sums(call, precision, sums)


def _winograd_sums(call: Call, precision: Precision, direct: Sums) -> Sums:
    """Return the sums of Winograd's monomials, in place of products."""
    winograd, plan, sizes = WINOGRAD[precision.how.algorithm], call.plan, call.each(magnitude)
    winograd.check(plan)

    def total(sizes: Call) -> Array:
        padded = pad(sizes.operands[call.operation.roles["input"]].reshape(plan.input_shape), plan)
        found = winograd.magnitudes(padded, sizes.operands["weight"], plan, precision.accumulator.largest)
        if "bias" in sizes.operands:
            found += per_channel(sizes.operands["bias"], found.ndim)
        return found if plan.batched else found[0]

    roundings = np.full_like(direct.roundings, _winograd_roundings(call, precision))
    largest = sizes if precision.multiplier is None else _rounded_factors(sizes, precision.multiplier)
    lost = winograd.lost_weight(len(plan.axes)) * precision.accumulator.smallest
    largest = largest.with_operands(weight=largest.operands["weight"] + lost)  # what weights lose, transformed
    magnitudes = total(sizes)
    input_error = rounded_inputs_error(magnitudes, total(largest), roundings)
    amplification = winograd.amplification(len(plan.axes))
    return Sums(magnitudes, roundings, input_error, direct.exact, amplification, direct.is_complex)


def _winograd_roundings(call: Call, precision: Precision) -> int:
    """Return how often a monomial is rounded at most, and what is added to it."""
    plan, winograd = call.plan, WINOGRAD[precision.how.algorithm]
    channels = plan.group_in_channels * (2 if call.is_complex else 1)
    return winograd.roundings(channels, len(plan.axes)) + _more_roundings(call, precision)


def _more_roundings(call: Call, precision: Precision) -> int:
    """Return how often a sum is rounded beside: with a bias, and with a scale, which may be folded into the weights."""
    return ("bias" in call.operands) + ("scale" in precision.how.epilogue.steps)


def is_held(operand: Array, kind: FloatInfo) -> Array:
    """Return which numbers are numbers of a format; complex ones, if both parts are."""
    wide = operand.astype(wide_dtype(operand.dtype))
    return np.asarray((round_to_format(wide.real, kind) == wide.real) & (round_to_format(wide.imag, kind) == wide.imag))


def roundings_of(call: Call, precision: Precision) -> Array:
    """Return how often a product of each element is rounded at most, in a shape that broadcasts to the result's."""
    plan, bias = call.plan, call.operands.get("bias")
    products = products_of(plan, call.operation.asked) * (2 if call.is_complex else 1)
    products = products if call.operation.asked == "weight" else products[0]  # (1, *P), of an image or of several
    products = products.reshape(-1, 1)[:, 0] if call.operation.by == "bias" else products
    alone = bias is not None and not is_held(bias, precision.accumulator).all()  # is a bias rounded by being loaded?
    return np.where(products > 0, products + _more_roundings(call, precision), int(alone))


def for_all(precision: Precision, call: Call) -> Precision:
    """Return the precision whose confidence is for all of a call's elements together, whatever part is looked at."""
    if precision.how.confidence is None:
        return precision
    roundings = roundings_of(call, precision)
    if precision.how.algorithm in WINOGRAD:
        roundings = np.full_like(roundings, _winograd_roundings(call, precision))
    return replace(precision, chances=float(roundings.sum()) * math.prod(call.shape) / max(1, roundings.size))


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
    size = {"output": axis.output_size, "input": axis.input_size, "weight": axis.kernel_size}[asked]
    counts = np.zeros(size, np.int64)
    for tap in range(axis.kernel_size):
        outputs = np.arange(axis.output_size)
        pixels = axis.stride * outputs + axis.input_index(0, tap)
        if padding_mode == "zeros":
            outputs, pixels = (places[(pixels >= 0) & (pixels < axis.input_size)] for places in (outputs, pixels))
        elif asked == "input":
            pixels = np.array([axis.source_index(int(pixel), padding_mode) for pixel in pixels], np.intp)
        places = {"output": outputs, "input": pixels, "weight": np.full(len(outputs), tap)}[asked]
        counts += np.bincount(places, minlength=size)
    return counts


def magnitude(operand: Array) -> Array:
    """Return |operand|, widened first, with NaN for infinity: an infinite sum of magnitudes is to mean overflow."""
    if operand.dtype.kind == "O":
        raise TypeError(f"objects {operand.shape} have no error bound; it is for numbers that are rounded")
    sizes: Array = np.abs(operand.astype(wide_dtype(operand.dtype), copy=False))
    sizes[np.isinf(sizes)] = np.nan
    return sizes


def _rounded_factors(sizes: Call, kind: FloatInfo) -> Call:
    """Return what the factors can be at most that are rounded to a format."""
    return sizes.with_operands(**{name: rounded_up(size, kind) for name, size in sizes.factors.items()})


def rounded_up(magnitude: Array, info: FloatInfo) -> Array:
    """Return what rounding to a format, or truncation, can make of a number at most; itself, if the format holds it."""
    with np.errstate(over="ignore"):
        at_most = np.where(magnitude > info.largest, np.inf, magnitude * (1 + 2 * info.unit) + info.smallest)
    return np.where(round_to_format(magnitude, info) == magnitude, magnitude, at_most)
