"""The fast Fourier transform, as far as its error goes: relative to norms, not to what an output adds up itself.

A convolution by FFT transforms whole images and kernels, multiplies, adds up over the channels, and transforms back.
Each transform is right up to ε relative to the 2-norm of the whole (Higham 2002, theorem 24.2):

    ε = t·η / (1 − t·η),   η = u + γ_4(u)·(√2 + u),   t = log2 of the number of points

so that every output is off by a multiple of the same number, ``S = Σ_c ‖x_c‖·‖w_c‖`` over the channels that are added
up; also one of which the products are small, or that reads nothing but padding.  The derivation is in the
documentation, "Error bounds".
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from refconv.bounds.summation import Sums, gamma
from refconv.core.products import pad
from refconv.numbers.formats import Array
from refconv.operations import Call


def fourier_sums(call: Call, sizes: Call, direct: Sums, largest: float) -> Sums:
    """Return S, infinite where a transform may overflow, and the bias in place of Σ|x||w| + |b|, the sum of `sizes`."""
    operation, plan = call.operation, call.plan
    factors, rank = dict(sizes.factors), len(plan.axes)
    if plan.padding_mode != "zeros":
        if operation.asked != "output":
            of = f"{operation.name} with padding_mode={plan.padding_mode!r}"
            raise ValueError(f"algorithm='fft' must be 'direct' for {of}")
        factors["input"] = pad(factors["input"].reshape(plan.input_shape), plan)
    space = tuple(range(-rank, 0))
    norms = {name: np.sqrt((size**2).sum(axis=space, keepdims=True)) for name, size in factors.items()}
    total = _without_space(call, norms)
    reaches = (axis.input_size + sum(axis.padding) + axis.effective_kernel_size - 1 for axis in plan.axes)
    points = [2 << (reach - 1).bit_length() for reach in reaches]  # as many as a kernel may take: twice a power of 2
    count, fewest = math.prod(points), min(math.prod(size.shape[-rank:]) for size in factors.values())
    ones = {name: np.ones_like(norm) for name, norm in norms.items()}
    channels = _without_space(call, ones)
    added = int(channels.max(initial=0)) * (2 if direct.is_complex else 1)

    def cost(unit: float) -> float:
        """Return the error in units of S."""
        eta = unit + float(gamma(4, unit)) * (math.sqrt(2) + unit)
        transform = float(gamma(1, math.log2(count) * eta))  # ε
        product = math.sqrt(2) * float(gamma(2, unit))
        spectrum = (1 + transform) ** 2 * (1 + product) * (1 + float(gamma(max(0, added - 1), unit))) - 1
        back = transform * (math.sqrt(fewest) + math.sqrt(count) * spectrum)
        return (spectrum + back) * (1 + 2 * unit) + 3 * unit  # the division by the count, and the bias

    lost = 4.0 * count * sum((_without_space(call, {**ones, name: norms[name]}) for name in norms), start=channels)
    with np.errstate(all="ignore"):
        total = np.where(count * total > largest, np.inf, total)
    total = np.broadcast_to(total, direct.magnitude.shape)
    if "bias" in sizes.operands:
        total = total + np.abs(sizes.operands["bias"]).reshape(-1, *(1,) * rank)
    return replace(direct, magnitude=total, roundings=np.ones((1,) * total.ndim, int), amplification=lost, cost=cost)


def _without_space(call: Call, factors: dict[str, Array]) -> Array:
    """Return the same sum of one number for each channel, over the channels alone."""
    rank, size = len(call.plan.axes), call.operation.size
    parameters: dict[str, Any] = {size: (*call.parameters[size][:-rank], *(1,) * rank)} if size else {}
    if "groups" in call.parameters:
        parameters["groups"] = call.plan.groups
    return Call(call.operation, factors, parameters)()
