"""A sum over output channels with random weights: one channel's work, in which an error of any shows.

Convolution is linear in the weight, so that for any numbers r_o, at every pixel,

    Σ_o r_o·y[n, o, p] = conv(x[n], Σ_o r_o·w[o])[p]

The left side is what a kernel returned, the right side is 1/(O/G) of the work (Freivalds 1977; Tramèr & Boneh 2019).
The same holds of a transposed convolution and of an input's gradient over their own output channels.  An honest
kernel's errors e_o, each at most b_o, differ by Σ|r_o||e_o| at most,
γ_n·conv(|x|, Σ|r_o||w[o]|): what is *wrong* is beyond.  If
they are random they add up in quadrature, and what is far beyond that is *suspect*: the variance of one is at most
u²·((n + 9)/6·Q + (n + 1)/3·y²) with Q = Σ(xw)², of all together the sum with r_o².

Sizes are random as well as signs, ±[½, 1]: of two channels exchanged, plain signs miss half.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from refconv.bounds.summation import Precision, Sums, gamma, rounded_inputs_error
from refconv.bounds.sums import magnitude, rounded_up, roundings_of
from refconv.numbers.formats import Array
from refconv.numbers.parts import Places
from refconv.operations import Call

MARGIN: Final = 4.0  # times random rounding: accumulators that cut off, 8 products deep, stay within to n = 4096
CONFIDENCE: Final = 1e-6
DOUBLE: Final = 2.0**-53
BITS: Final = 10  # of a random number where the data are whole: a sum of errors vanishes with probability 2^-9 at most


class Difference(NamedTuple):
    """How far the projection of a part of a result is from the truth, and may be: (N, G, *pixels)."""

    error: Array
    allowed: Array  # by the worst case
    likely: Array  # by random rounding


def random_weights(shape: tuple[int, ...], rng: np.random.Generator, *, whole: bool) -> Array:
    """Return ±[½, 1], or whole numbers ±[512, 1024)."""
    sizes = rng.integers(1 << (BITS - 1), 1 << BITS, shape) if whole else rng.uniform(0.5, 1.0, shape)
    return np.asarray(sizes * rng.choice([-1.0, 1.0], shape))


def projected(call: Call, r: Array) -> Call:
    """Return the call whose results are sums over each group's output channels, with weights (sums, G, channels)."""
    plan, weight, count = call.plan, call.operands["weight"], r.shape[0] * call.plan.groups
    grouped = weight.reshape(plan.groups, plan.group_out_channels, plan.group_in_channels, -1)
    if call.operation.asked == "output":
        summed = np.einsum("rgo,gock->grck", r, grouped).reshape(count, plan.group_in_channels, *plan.kernel_size)
        part = replace(plan, out_channels=count)
    else:
        summed = np.einsum("rgc,gock->gork", r, grouped).reshape(plan.out_channels, r.shape[0], *plan.kernel_size)
        part = replace(plan, in_channels=count)
    bias = call.operands.get("bias")
    summed_bias = None if bias is None else np.einsum("rgo,go->gr", r, bias.reshape(plan.groups, -1)).reshape(count)
    return replace(call.with_operands(weight=summed, bias=summed_bias), part=part)


def difference(call: Call, actual: Array, r: Array, precision: Precision, *, whole: bool, chances: int) -> Difference:
    """Compare the projections of a part's result, of all channels of its groups, with those of its call."""
    plan, count = call.plan, roundings_of(call, precision)
    pixels = actual.shape[2:]
    returned = actual.astype(np.float64).reshape(actual.shape[0], plan.groups, -1, max(1, math.prod(pixels)))

    def summed(weights: Array, numbers: Array) -> Array:
        return (weights.swapaxes(0, 1) @ numbers).reshape(len(numbers), plan.groups, -1, *pixels)

    def computed(given: Call, weights: Array) -> Array:
        return projected(given, weights)(dtype=np.float64).reshape(len(returned), plan.groups, -1, *pixels)

    with np.errstate(all="ignore"):
        wide = call.each(lambda operand: operand.astype(np.float64))
        error = np.abs(summed(r, returned) - computed(wide, r)).max(axis=2)
        if whole:
            return Difference(error, np.zeros(error.shape), np.zeros(error.shape))
        most = np.abs(r).max(axis=0, keepdims=True)  # for all the sums together
        each = float(most.sum(axis=2).max())
        sizes = wide.each(magnitude)
        total = computed(sizes, most)[:, :, 0]
        input_error: Array | float = 0.0
        kind = precision.multiplier
        if kind is not None:
            largest = sizes.with_operands(**{name: rounded_up(size, kind) for name, size in sizes.factors.items()})
            input_error = rounded_inputs_error(total, computed(largest, most)[:, :, 0], count)
        allowed = precision.bound(Sums(total, count, input_error, amplification=each))
        sums = summed(most, np.abs(returned))[:, :, 0] if precision.rounds_result else 0.0
        size2 = summed(most**2, np.square(returned, out=returned))[:, :, 0]
        q = computed(sizes.each(np.square), most**2)[:, :, 0]
        deviation = math.sqrt(2 * math.log(2 * chances / CONFIDENCE))
        variance = precision.accumulator.unit**2 * ((count + 9) / 6 * q + (count + 1) / 3 * size2)
        likely = MARGIN * deviation * np.sqrt(variance)
        if kind is not None:
            likely += 2 * deviation * kind.unit * (np.sqrt(2 * q) + 2 * np.sqrt(size2))
        if precision.rounds_result:  # an honest kernel's numbers are as near to the truth as what is allowed says
            lost = each * precision.result.smallest
            allowed = allowed + precision.result.unit * (sums + 2 * allowed) * (1 + 4 * precision.result.unit) + lost
            likely += deviation * precision.result.unit * np.sqrt(size2) + lost
        own = gamma(np.asarray(count + r.shape[2] + 8), DOUBLE) * total * 2  # of both sides, in float64
        tiny = each * count * precision.accumulator.smallest
        return Difference(error, allowed + own, np.minimum(likely + tiny + own, allowed + own))


def channels(place: Places, r: Array) -> tuple[Places, Array]:
    """Return where the channels stand that a place of the projected result is the sum of, and their weights."""
    groups = place[1]
    assert isinstance(groups, slice)
    each = r.shape[2]
    return (place[0], slice(groups.start * each, groups.stop * each), *place[2:]), r[:, groups]
