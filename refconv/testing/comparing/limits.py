"""Where a floating-point format has not its full precision any more, and where it overflows."""

from __future__ import annotations

import math

import numpy as np

from refconv.numbers.formats import FloatInfo


def least_normal(info: FloatInfo) -> float:
    """Return 2^(e + p − 1), the least number of full precision: smaller ones are subnormal."""
    return info.smallest / (2 * info.unit)


def overflow(info: FloatInfo) -> float:
    """Return the least float64 that rounds to infinity, half a last place past the largest; infinite for float64."""
    last_place = 2.0 ** (int(np.frexp(info.largest)[1]) - info.digits)
    tie = info.largest + last_place / 2
    is_even = info.largest % (2 * last_place) == 0  # so that the tie stays finite: in float8_e4m3fn alone
    return math.nextafter(tie, math.inf) if is_even else tie
