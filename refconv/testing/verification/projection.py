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
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from refconv.bounds.summation import Precision, Sums, gamma, rounded_inputs_error
from refconv.bounds.sums import magnitude, rounded_up, roundings_of
from refconv.core.blocks import BLOCK, blocks
from refconv.core.sums import Cut, boxes
from refconv.numbers.formats import Array
from refconv.numbers.parts import Places
from refconv.operations import Call

MARGIN: Final = 4.0  # times random rounding: accumulators that cut off, 8 products deep, stay within to n = 4096
CONFIDENCE: Final = 1e-6
PART: Final = 4 * BLOCK  # numbers of a result whose projections are compared at once
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


class Summed(NamedTuple):
    """A call of pixels and of weights (and a bias) that are sums over each group's output channels, in float64."""

    signed: Call  # Σ r_o·w[o], for each of the sums
    squares: Call  # Σ r_o²·w[o]², with the largest |r_o| of the sums, as in the two that follow
    sizes: Call  # Σ |r_o||w[o]|
    largest: Call | None  # the same of what a weight may be rounded to before it is multiplied

    @classmethod
    def of(cls, call: Call, r: Array, precision: Precision) -> Summed:
        """Add up the weights of a call, with r (sums, G, channels)."""
        most, kind = np.abs(r).max(axis=0, keepdims=True), precision.multiplier
        return cls(
            projected(call, r),
            projected(call, most**2, np.square),
            projected(call, most, magnitude),
            None if kind is None else projected(call, most, lambda numbers: rounded_up(magnitude(numbers), kind)),
        )

    def within(self, cut: Cut) -> Summed:
        """Return the part of some groups and pixels, as cut from a plan of one output channel for each group."""

        def part(call: Call) -> Call:
            asked = call.operation.asked
            each = call.plan.group_out_channels if asked == "output" else call.plan.group_in_channels
            return call.within(channels(cut, asked, each))[1]

        largest = self.largest and part(self.largest)
        return Summed(part(self.signed), part(self.squares), part(self.sizes), largest)


class Part(NamedTuple):
    """A part of a result, of all channels of some groups, and what its projections are made of."""

    cut: Cut  # of a plan of one output channel for each group
    actual: Array
    r: Array  # (sums, groups, channels)
    roundings: Array
    summed: Summed


def parts_of(array: Array, call: Call, r: Array, precision: Precision) -> Iterator[Part]:
    """Yield a result in parts of all channels of some groups, as many numbers as a block has or so."""
    plan, asked, each = call.plan, call.operation.asked, r.shape[2]
    few = replace(plan, out_channels=plan.groups) if asked == "output" else replace(plan, in_channels=plan.groups)
    summed, roundings = Summed.of(call, r, precision), roundings_of(call, precision)
    for cut in blocks(few, asked, max(1, PART // each)):
        place: Places = getattr(channels(cut, asked, each), asked)
        own = roundings[(..., *place[2:])]
        yield Part(cut, array[place], r[:, getattr(cut, asked)[1]], own, summed.within(cut))


def projected(call: Call, r: Array, change: Callable[[Array], Array] = np.positive) -> Call:
    """Return the call whose results are sums over each group's output channels, with weights (sums, G, channels).

    It has the pixels of the call, and the weights and biases in float64 of which a change has been made.
    """
    plan, is_output = call.plan, call.operation.asked == "output"
    before, last = 1 if is_output else plan.group_out_channels, math.prod(plan.kernel_size)
    shape = plan.groups, before, r.shape[2], last * (plan.group_in_channels if is_output else 1)
    summed = _over_channels(call.operands["weight"].reshape(shape), r, change)
    if is_output:
        part = replace(plan, out_channels=len(r) * plan.groups)
    else:
        part = replace(plan, in_channels=len(r) * plan.groups)
    bias = call.operands.get("bias")
    if bias is not None:
        bias = _over_channels(bias.reshape(plan.groups, 1, r.shape[2], 1), r, change).reshape(-1)
    return replace(call.with_operands(weight=summed.reshape(part.weight_shape), bias=bias), part=part)


def _over_channels(array: Array, r: Array, change: Callable[[Array], Array]) -> Array:
    """Return sums (G, B, sums, K) over the channels of an array (G, B, channels, K), a few MiB at a time."""
    groups, before, each, last = array.shape
    total = np.zeros((groups, before, len(r), last))
    with np.errstate(all="ignore"):
        for group, some, k in boxes((groups, before, last), BLOCK // each):
            changed = change(array[group, some, :, k].astype(np.float64))
            total[group, some, :, k] = r[:, group].swapaxes(0, 1)[:, np.newaxis] @ changed
    return total


def difference(part: Part, precision: Precision, *, whole: bool, chances: int) -> Difference:
    """Compare the projections of a part's result with those of its call.

    What is allowed is computed in full where an error is not below Σ r²(xw)² or a projection, than which Σ|r||x||w| is
    more, and so below what is allowed.
    """
    summed, count, most = part.summed, part.roundings, np.abs(part.r).max(axis=0, keepdims=True)
    images, pixels = len(part.actual), part.actual.shape[2:]
    returned = part.actual.astype(np.float64).reshape(images, *part.r.shape[1:], max(1, math.prod(pixels)))
    name = next(name for name in summed.signed.factors if name != "weight")
    read = summed.signed.operands[name].astype(np.float64, copy=False)

    def added(weights: Array, numbers: Array) -> Array:
        return (weights.swapaxes(0, 1) @ numbers).reshape(images, len(most[0]), -1, *pixels)

    def computed(call: Call, numbers: Array) -> Array:
        found = call.with_operands(**{name: numbers})(dtype=np.float64)
        return found.reshape(images, len(most[0]), -1, *pixels)

    with np.errstate(all="ignore"):
        truth = computed(summed.signed, read)
        error = np.abs(added(part.r, returned) - truth).max(axis=2)
        if whole:
            return Difference(error, np.zeros(error.shape), np.zeros(error.shape))
        each, result = float(most.sum(axis=2).max()), precision.result
        lost = each * result.smallest
        sums: Array | float = added(most, np.abs(returned))[:, :, 0] if precision.rounds_result else 0.0
        size2 = added(most**2, np.square(returned, out=returned))[:, :, 0]
        q = computed(summed.squares, np.square(read))[:, :, 0]
        likely = _likely(precision, count, q, size2, each, math.sqrt(2 * math.log(2 * chances / CONFIDENCE)))

        def allowed(total: Array, input_error: Array | float = 0.0) -> Array:
            bound = precision.bound(Sums(total, count, input_error, amplification=each))
            if precision.rounds_result:  # an honest kernel's numbers are as near to the truth as the bound says
                bound = bound + result.unit * (sums + 2 * bound) * (1 + 4 * result.unit) + lost
            return bound

        least = allowed(np.fmax(np.sqrt(q), np.abs(truth).max(axis=2)))
        if (error <= np.minimum(least, likely)).all():
            return Difference(error, least, likely)
        sizes = magnitude(read)
        input_error: Array | float = 0.0
        total = computed(summed.sizes, sizes)[:, :, 0]
        if summed.largest is not None and precision.multiplier is not None:
            largest = computed(summed.largest, rounded_up(sizes, precision.multiplier))[:, :, 0]
            input_error = rounded_inputs_error(total, largest, count)
        own = gamma(np.asarray(count + part.r.shape[2] + 8), DOUBLE) * total * 2  # of both sides, in float64
        return Difference(error, allowed(total, input_error) + own, likely + own)


def _likely(precision: Precision, count: Array, q: Array, size2: Array, each: float, deviation: float) -> Array:
    """Return what random errors come to: of products Q = Σ r²(xw)² and sums Σ r²y², with Σ|r| of each group."""
    variance = precision.accumulator.unit**2 * ((count + 9) / 6 * q + (count + 1) / 3 * size2)
    likely = MARGIN * deviation * np.sqrt(variance) + each * count * precision.accumulator.smallest
    if precision.multiplier is not None:
        likely += 2 * deviation * precision.multiplier.unit * (np.sqrt(2 * q) + 2 * np.sqrt(size2))
    if precision.rounds_result:
        likely += deviation * precision.result.unit * np.sqrt(size2) + each * precision.result.smallest
    return np.asarray(likely)


def channels(cut: Cut, asked: str, each: int) -> Cut:
    """Return a cut of some groups, of one output channel each, as that of so many channels of each."""
    place: Places = getattr(cut, asked)
    groups = place[1]
    assert isinstance(groups, slice)
    full = (place[0], slice(groups.start * each, groups.stop * each), *place[2:])
    if asked == "output":
        plan = replace(cut.plan, out_channels=each * cut.plan.groups)
        return cut._replace(weight=(full[1],), output=full, plan=plan)
    plan = replace(cut.plan, in_channels=each * cut.plan.groups)
    return cut._replace(weight=(cut.weight[0], slice(0, each)), input=full, plan=plan)
