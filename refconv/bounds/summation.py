"""In which types does a kernel work, and how much may adding up cost in them?

`Sums` is what a kernel adds up, whatever its operation, `Precision` the types in which it does so.  The bound on its
error follows from the two:

    γ_K(u)·Σ|x||w|,   γ_K = K·u / (1 − K·u)

for a sum of K products in unit roundoff u, in any order, with or without fused multiply-add: every product goes through
at most K roundings, each of which changes it by a factor between 1 − u and 1 + u.  The sources are in `error_bound`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refconv.bounds.arithmetic import DIRECT, Arithmetic, floating
from refconv.numbers.formats import Array, FloatInfo, float_info

_SINGLE, DOUBLE = float_info(np.float32), float_info(np.float64)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a kernel adds up, for every element of its result."""

    magnitude: Array  # Σ|x||w| + |b| of the numbers that it multiplies: NaN where one is not finite
    roundings: Array  # K, how often a product is rounded at most; it broadcasts to the magnitude
    input_error: Array | float = 0.0  # Σ(|x̂||ŵ| − |x||w|): what rounding the inputs first may change
    exact: Array | None = None  # the sum, needed where it is rounded to a narrower type, or goes through an epilogue
    amplification: Array | float = 1.0  # how much larger a product's error may become on its way: 1, save by transforms
    is_complex: bool = False  # whether these are magnitudes of complex numbers, of which each part has such a sum
    cost: Callable[[float], float] | None = None  # from u to the sum's relative error, where that is not γ_K(u)


def rounded_inputs_error(total: Array, largest: Array, roundings: Array) -> Array:
    """Return ``Σ|x̂||ŵ| − Σ|x||w|`` from the two sums, which are themselves rounded; infinite where the first is."""
    with np.errstate(invalid="ignore"):  # NaN, and infinity less infinity
        more = largest - total + 2 * gamma(roundings + 8, DOUBLE.unit) * largest
    return np.where(largest == np.inf, np.inf, more)


@dataclass(frozen=True, slots=True)
class Precision:
    """How a kernel works whose result has a certain type."""

    result: FloatInfo
    accumulator: FloatInfo  # in what it adds up
    multiplier: FloatInfo | None = None  # what it rounds its inputs to before it multiplies them
    how: Arithmetic = DIRECT  # what is said of it beside
    chances: float = 0.0  # how many roundings all elements have together; 0 where they are those at hand

    @classmethod
    def of(cls, dtype: npt.DTypeLike, how: Arithmetic = DIRECT) -> Precision:
        """Return the types of a kernel that returns `dtype`; narrow sums, but no transforms, are in float32."""
        result = floating("dtype", dtype)
        accumulator = min(result, _SINGLE) if how.algorithm == "direct" else result
        if how.accumulate_dtype is not None:
            accumulator = float_info(how.accumulate_dtype)
        return cls(result, accumulator, None if how.input_dtype is None else float_info(how.input_dtype), how)

    @property
    def rounds_result(self) -> bool:
        """Whether the accumulator holds numbers that the result does not."""
        (unit, smallest, largest), wide = self.result, self.accumulator
        return unit > wide.unit or smallest > wide.smallest or largest < wide.largest

    def bound(self, sums: Sums) -> Array:
        """Bound ``|actual − exact|`` after the epilogue, rounded up; infinite where a partial sum may overflow."""
        wide = self.accumulator
        parts = 2**0.5 if sums.is_complex else 1.0
        with np.errstate(all="ignore"):
            rounded = sums.magnitude + sums.input_error
            error = self._gamma(sums) * rounded
            error += sums.input_error + sums.roundings * (sums.amplification * wide.smallest)  # what underflow loses
            error[np.add(rounded, error, out=rounded) > wide.largest] = np.inf
            return self.returned(sums.exact, error if parts == 1 else parts * error, sums.roundings)

    def returned(self, exact: Array | None, error: Array, roundings: Array | int) -> Array:
        """Bound the error of a result, given that of its sum: after the epilogue, rounded to the type of the result."""
        if exact is not None:
            exact, error = self.how.epilogue.after(exact, error, self.accumulator)
        if exact is not None and self.rounds_result:
            size = np.abs(exact) + error
            error = error + self.result.unit * size + self.result.smallest * (size > 0)
        # Σ|x||w| is itself a sum in float64, and so are these lines.
        return np.asarray(error * (1 + 2 * gamma(np.asarray(roundings) + 16, DOUBLE.unit)))

    def _gamma(self, sums: Sums) -> Array:
        """Return the relative error of a sum: γ_K, or with a confidence what is exceeded that seldom, if that is less.

        One sum exceeds ``exp(λ·√K·u + K·u²/(1 − u)) − 1`` with probability at most ``2·K·exp(−λ²·(1 − u)²/2)``, and one
        of all with the sum of these: λ is chosen so that it is what the confidence leaves.
        """
        roundings, unit, confidence = sums.roundings, self.accumulator.unit, self.how.confidence
        worst = gamma(roundings, unit) if sums.cost is None else np.asarray(sums.cost(unit))
        if confidence is None or sums.cost is not None:
            return worst
        occurrences = self.chances or float(roundings.sum()) * sums.magnitude.size / max(1, roundings.size)
        chances = 2 * (2 if sums.is_complex else 1) * occurrences / (1 - confidence)
        deviations = np.sqrt(2 * np.log(max(chances, 1.0))) / (1 - unit)  # λ
        likely = np.expm1(deviations * np.sqrt(roundings) * unit + roundings * unit**2 / (1 - unit))
        return np.asarray(np.minimum(worst, likely))


def gamma(roundings: Array | int, unit: float) -> Array:
    """``γ_K = K·u / (1 − K·u)``; infinite where K·u reaches 1."""
    product = roundings * unit
    with np.errstate(divide="ignore"):
        return np.where(product < 1, product / np.maximum(1 - product, 0), np.inf)
