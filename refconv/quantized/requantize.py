"""From the sum back to 8 bits: multiply by M = S_x·S_w / S_y, round to a whole number.  Who rounds how?

=========  ===================================================================================================
onnx       ``sum·M``, exact, is rounded once, to nearest and ties to even.
tflite     M becomes ``multiplier·2^(shift − 31)`` with a 31-bit multiplier; the product is rounded to a whole number,
           ties up, and where the shift goes to the right the quotient is rounded again, ties away from zero.
single     The same multiplier, and the product is rounded once, ties up: TFLITE_SINGLE_ROUNDING.
=========  ===================================================================================================

TensorFlow Lite's two roundings are further apart than the last bit of M: at M = 1/3 a sum of 1 gives 1·⅔ ≈ 1 first and
then ½ ≈ 1, where ⅓ rounds to 0.

Sources: ONNX's operators QLinearConv and QuantizeLinear; Jacob et al., "Quantization and training of neural networks
for efficient integer-arithmetic-only inference" (2018), section 2.2; gemmlowp's `fixedpoint.h`, whose names the
functions here keep, and TensorFlow Lite's `QuantizeMultiplier` and `MultiplyByQuantizedMultiplier`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from refconv.numbers.formats import Array

Int64Array = npt.NDArray[np.int64]

INT32 = np.iinfo(np.int32)


class Scales(NamedTuple):
    """What one unit stands for: of the sum, in each output channel, and of the output."""

    sums: list[Fraction]  # S_x·S_w, one or O
    output: Fraction  # S_y
    rank: int = 2  # how many axes of the sums come after the output channels

    @property
    def multipliers(self) -> list[Fraction]:
        """M, one or O."""
        return [unit / self.output for unit in self.sums]


def round_as_onnx(sums: Array, scales: Scales) -> Array:
    """Return ``sum·M`` rounded to nearest, ties to even, for sums of shape (..., O, P, Q).

    >>> halves = Scales([Fraction(1, 2)], Fraction(1))
    >>> [int(n) for n in round_as_onnx(np.array([[[-3, -1, 1, 3, 5]]]), halves).flat]
    [-2, 0, 0, 2, 2]
    """
    below, rest, whole = quotients(sums, scales)
    is_up = (2 * rest > whole) | ((2 * rest == whole) & (below % 2 == 1))
    nearest: Array = below + is_up.astype(bool)
    return nearest


def quotients(sums: Array, scales: Scales) -> tuple[Array, Array, Array]:
    """Return ``sum·M``, exactly, as the whole number below it, and the rest as a numerator and a denominator."""
    numerators, denominators = _per_channel([m.as_integer_ratio() for m in scales.multipliers], object, scales.rank)
    products = sums.astype(object) * numerators
    return products // denominators, products % denominators, denominators


def round_as_tflite(sums: Array, scales: Scales) -> Array:
    """Return ``MultiplyByQuantizedMultiplier(sum, multiplier, shift)`` for sums of shape (..., O, P, Q).

    >>> thirds = Scales([Fraction(1, 3)], Fraction(1))
    >>> [int(n) for n in round_as_tflite(np.array([[[-2, -1, 1, 2]]]), thirds).flat]
    [-1, -1, 1, 1]
    """
    multipliers, shifts = _multipliers_and_shifts(scales)
    shifted = _shift_left(sums.astype(np.int64), np.maximum(shifts, 0))
    return rounding_divide_by_pot(rounding_doubling_high_mul(shifted, multipliers), np.maximum(-shifts, 0))


def round_once_as_tflite(sums: Array, scales: Scales) -> Array:
    """Return what ``MultiplyByQuantizedMultiplier`` is when compiled with TFLITE_SINGLE_ROUNDING.

    >>> thirds = Scales([Fraction(1, 3)], Fraction(1))
    >>> [int(n) for n in round_once_as_tflite(np.array([[[-2, -1, 1, 2]]]), thirds).flat]
    [-1, 0, 0, 1]
    """
    multipliers, shifts = _multipliers_and_shifts(scales)
    return np.asarray((sums.astype(np.int64) * multipliers + (1 << (30 - shifts))) >> (31 - shifts))


def _multipliers_and_shifts(scales: Scales) -> npt.NDArray[Any]:
    output = float(scales.output)
    return _per_channel([quantize_multiplier(float(s) / output) for s in scales.sums], np.int64, scales.rank)


ROUNDINGS: Final[dict[str, Callable[[Array, Scales], Array]]] = {
    "onnx": round_as_onnx,
    "tflite": round_as_tflite,
    "tflite_single": round_once_as_tflite,
}


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with ``real ≈ multiplier·2^(shift − 31)`` and ``2^30 <= multiplier < 2^31``.

    A number below 2^−32 becomes 0: its shift would leave no bit.

    >>> quantize_multiplier(0.75), quantize_multiplier(1.0) == (2**30, 1)
    ((1610612736, 0), True)
    """
    fraction, shift = math.frexp(real)
    multiplier = math.floor(Fraction(fraction) * 2**31 + Fraction(1, 2))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def rounding_doubling_high_mul(a: Int64Array, b: Int64Array) -> Int64Array:
    """``floor(a·b / 2^31 + ½)``: the product of a, as it is, with b in units of 2^−31; ties go up.

    gemmlowp's SaturatingRoundingDoublingHighMul, which saturates for two numbers of −2^31 only; no multiplier is one.

    >>> [int(rounding_doubling_high_mul(np.int64(a), np.int64(2**30))) for a in (-3, -1, 1, 3)]
    [-1, 0, 1, 2]
    """
    return (a * b + 2**30) >> 31


def rounding_divide_by_pot(x: Int64Array, exponent: Int64Array) -> Int64Array:
    """``x / 2^exponent`` rounded to nearest, ties away from zero: gemmlowp's RoundingDivideByPOT.

    >>> [int(rounding_divide_by_pot(np.int64(x), np.int64(1))) for x in (-3, -1, 1, 3)]
    [-2, -1, 1, 2]
    """
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def _shift_left(sums: Int64Array, shifts: Int64Array) -> Int64Array:
    """Return ``sum·2^shift``, which TensorFlow Lite leaves undefined beyond int32."""
    shifted = sums << np.minimum(shifts, 32)  # from 32 on, only 0 stays within int32
    for extreme in (shifted.min(), shifted.max()) if shifted.size else ():
        if not INT32.min <= extreme <= INT32.max:
            raise OverflowError(
                f"a sum times the multiplier's power of two, {extreme}, is outside int32's range "
                f"{INT32.min} ... {INT32.max}, where TensorFlow Lite is undefined"
            )
    return shifted


def _per_channel(pairs: Sequence[tuple[int, int]], dtype: npt.DTypeLike, rank: int) -> npt.NDArray[Any]:
    """Return (first numbers, second numbers), each of shape (O, 1, 1) for two axes of space."""
    return np.array(pairs, dtype).reshape(-1, 2).T.reshape(2, -1, *(1,) * rank)
