"""How far off is a sum whose roundings are independent?  Evidence, where the worst case proves too little.

Take products p_1 ... p_K in random order, add them up one by one, and let every rounding be independent of the others,
of mean 0, and at most u.  Then the variance of the error is at most

    u²·( Q + Σ_{k=2..K} E[s_k²] ),   E[s_k²] = k(K−k)/(K(K−1))·Q + k(k−1)/(K(K−1))·y²

with Q = Σp² and y = Σp: the products' own roundings, and those of the partial sums s_k, which comes to at most

    u²·( (K + 9)/6·Q + (K + 1)/3·y² )

The term K/6 is the same for two sums of half the products each, and 9/6 is what other brackets may add.  Inputs that
are rounded first, or cut off, add 4·u_in·|y| and a deviation of 2·u_in·√(2Q).  The documentation, "Error bounds", has
the steps, and where the assumptions fail.

Sources: Higham & Mary, "A new approach to probabilistic rounding error analysis" (2019); Ipsen & Zhou, "Probabilistic
error analysis for inner products" (2020), for a known order.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from refconv.bounds.summation import Precision
from refconv.bounds.sums import direct_sums, is_held, magnitude, roundings_of
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array, FloatInfo
from refconv.operations import Call

CONFIDENCE: Final = 1 - 1e-6


def random_order_bound(call: Call, precision: Precision, truth: Array, proven: Array | None = None) -> Array:
    """Return what random errors of a result exceed one time in a million; never more than the proven bound."""
    if precision.how.algorithm != "direct":
        raise ValueError(f"bound='random_order' needs algorithm='direct', not {precision.how.algorithm!r}")
    proven = precision.bound(direct_sums(call, precision, truth)) if proven is None else proven
    terms, size, unit = roundings_of(call, precision), np.abs(truth), precision.accumulator.unit
    with np.errstate(all="ignore"):
        squares = call.each(lambda operand: magnitude(operand) ** 2)()
        variance = unit**2 * ((terms + 9) / 6 * squares + (terms + 1) / 3 * size**2) * (terms > 0)
        always = terms * precision.accumulator.smallest
        if precision.multiplier is not None:
            more, systematic = _of_rounded_inputs(call, precision.multiplier)
            variance, always = variance + more, always + systematic
        confidence = CONFIDENCE if precision.how.confidence is None else precision.how.confidence
        deviations = math.sqrt(2 * math.log(max(2.0, 2 * size.size / (1 - confidence))))  # λ, exceeded by none of all
        likely = deviations * np.sqrt(variance) + always
        bound = precision.returned(truth, (2**0.5 if call.is_complex else 1.0) * likely, terms)
        return np.where(np.isinf(proven), np.inf, np.minimum(bound, proven))  # where it may overflow, anything is right


def _of_rounded_inputs(call: Call, kind: FloatInfo) -> tuple[Array, Array]:
    """Return the variance of what rounding the factors changes, each by 2·u at most, and what cutting off all may."""
    variance, systematic = np.zeros(()), np.zeros(())
    plain = call.with_operands(bias=None)
    for name, operand in plain.factors.items():
        wide = operand.astype(wide_dtype(operand.dtype))
        is_exact = is_held(operand, kind)
        lost = np.where(is_exact, 0.0, wide)
        systematic = systematic + 2 * kind.unit * np.abs(plain.with_operands(**{name: lost})())
        sizes = {other: np.abs(array.astype(wide_dtype(array.dtype))) for other, array in plain.factors.items()}
        error = 2 * kind.unit * np.abs(lost) + np.where(is_exact, 0.0, kind.smallest)
        squares = {other: size**2 for other, size in (sizes | {name: error}).items()}
        variance = variance + plain.with_operands(**squares)()
    return variance, systematic
