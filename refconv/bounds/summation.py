"""In which types does a kernel work, and how much may adding up cost in them?

`Sums` is what a kernel adds up, whatever its operation: the magnitudes, and how often each is rounded.  `Precision` is
the types in which it does so.  The bound on its error follows from the two:

    γ_K(u)·Σ|x||w|,   γ_K = K·u / (1 − K·u)

for a sum of K products in unit roundoff u, in any order, with or without fused multiply-add: every product goes through
at most K roundings, each of which changes it by a factor between 1 − u and 1 + u.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), sections 3.1 and 3.6; Higham & Mary, "A new
approach to probabilistic rounding error analysis" (2019), theorem 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refconv.numbers.formats import Array, FloatInfo, as_dtype, float_info

_SINGLE, DOUBLE = float_info(np.float32), float_info(np.float64)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a kernel adds up, for every element of its result.

    Parameters
    ----------
    magnitude : ndarray
        Σ|x||w| + |b| of the numbers that it multiplies: NaN where one is not finite.
    roundings : ndarray
        K, how often a product is rounded at most; it broadcasts to `magnitude`.
    input_error : ndarray or float
        ``Σ(|x̂||ŵ| − |x||w|)``: what rounding the inputs first may change.
    exact : ndarray or None
        The result, needed where it is rounded to a narrower type than the accumulator's.
    amplification : float
        How much larger the error of one product may become on its way into the sum: 1, save for Winograd's algorithm.
    is_complex : bool
        Whether these are magnitudes of complex numbers, of which each part has such a sum.
    """

    magnitude: Array
    roundings: Array
    input_error: Array | float = 0.0
    exact: Array | None = None
    amplification: float = 1.0
    is_complex: bool = False


def rounded_inputs_error(total: Array, largest: Array, roundings: Array) -> Array:
    """Return ``Σ|x̂||ŵ| − Σ|x||w|`` from the two sums, which are themselves rounded; infinite where the first is."""
    with np.errstate(invalid="ignore"):  # NaN, and infinity less infinity
        more = largest - total + 2 * gamma(roundings + 8, DOUBLE.unit) * largest
    return np.where(largest == np.inf, np.inf, more)


@dataclass(frozen=True, slots=True)
class Precision:
    """The types in which a kernel works.

    Parameters
    ----------
    result, accumulator : FloatInfo
        What it returns, and in what it adds up.
    multiplier : FloatInfo or None
        What it rounds its inputs to before it multiplies them.
    confidence : float or None
        The probability with which the bound is to hold for all elements together; None for certainty.
    chances : float
        How many roundings all elements have together; 0 where they are those at hand.
    """

    result: FloatInfo
    accumulator: FloatInfo
    multiplier: FloatInfo | None = None
    confidence: float | None = None
    chances: float = 0.0

    @classmethod
    def of(
        cls,
        dtype: npt.DTypeLike,
        accumulate_dtype: npt.DTypeLike | None = None,
        input_dtype: npt.DTypeLike | None = None,
        confidence: float | None = None,
    ) -> Precision:
        """Read the types that a caller names; narrow ones are accumulated in float32 where nothing else is said."""
        if not (confidence is None or isinstance(confidence, int | float)):
            raise TypeError(f"confidence={confidence!r} must be a number, not {type(confidence).__name__}")
        if confidence is not None and not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence} must be between 0 and 1, or None for the worst case")
        result = _floating("dtype", dtype)
        accumulator = (
            min(result, _SINGLE) if accumulate_dtype is None else _floating("accumulate_dtype", accumulate_dtype)
        )
        multiplier = None if input_dtype is None else _floating("input_dtype", input_dtype)
        return cls(result, accumulator, multiplier, confidence)

    @property
    def rounds_result(self) -> bool:
        """Whether the accumulator holds numbers that the result does not."""
        (unit, smallest, largest), wide = self.result, self.accumulator
        return unit > wide.unit or smallest > wide.smallest or largest < wide.largest

    def bound(self, sums: Sums) -> Array:
        """Bound ``|actual − exact|``, rounded up; infinite where a partial sum may overflow the accumulator."""
        wide = self.accumulator
        parts = 2**0.5 if sums.is_complex else 1.0
        with np.errstate(all="ignore"):
            rounded = sums.magnitude + sums.input_error
            error = self._gamma(sums) * rounded + sums.input_error
            error += sums.roundings * (sums.amplification * wide.smallest)  # what products lose to underflow
            error = parts * np.where(rounded + error > wide.largest, np.inf, error)
            if sums.exact is not None and self.rounds_result:
                error += self.result.unit * (np.abs(sums.exact) + error) + self.result.smallest * (
                    np.abs(sums.exact) + error > 0
                )
            # Σ|x||w| is itself a sum in float64, and so are these lines.
            return np.asarray(error * (1 + 2 * gamma(sums.roundings + 16, DOUBLE.unit)))

    def _gamma(self, sums: Sums) -> Array:
        """Return the relative error of a sum: γ_K, or with a confidence what is exceeded that seldom, if that is less.

        One sum exceeds ``exp(λ·√K·u + K·u²/(1 − u)) − 1`` with probability at most ``2·K·exp(−λ²·(1 − u)²/2)``, and one
        of all with the sum of these: λ is chosen so that it is what the confidence leaves.
        """
        roundings, unit = sums.roundings, self.accumulator.unit
        worst = gamma(roundings, unit)
        if self.confidence is None:
            return worst
        occurrences = self.chances or float(roundings.sum()) * sums.magnitude.size / max(1, roundings.size)
        chances = 2 * (2 if sums.is_complex else 1) * occurrences / (1 - self.confidence)
        deviations = np.sqrt(2 * np.log(max(chances, 1.0))) / (1 - unit)  # λ
        likely = np.expm1(deviations * np.sqrt(roundings) * unit + roundings * unit**2 / (1 - unit))
        return np.asarray(np.minimum(worst, likely))


def gamma(roundings: Array, unit: float) -> Array:
    """``γ_K = K·u / (1 − K·u)``; infinite where K·u reaches 1."""
    product = roundings * unit
    with np.errstate(divide="ignore"):
        return np.where(product < 1, product / np.maximum(1 - product, 0), np.inf)


def _floating(name: str, dtype: npt.DTypeLike) -> FloatInfo:
    """Return what a type can hold; a TypeError where it is no floating one."""
    try:
        return float_info(dtype, name)
    except ValueError:
        raise TypeError(f"{name}={as_dtype(dtype, name)} must be a floating or complex type") from None
