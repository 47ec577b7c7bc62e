"""Rounding by whole numbers and fractions: a second opinion on `round_to_format`, which shares nothing with it."""

from __future__ import annotations

import math
from fractions import Fraction

TWO = Fraction(2)

# p, e and the largest number, from the standards: IEEE 754-2019, table 3.5, and "FP8 formats for deep learning".
FORMATS = {
    "float64": (53, -1074, 1.7976931348623157e308),
    "float32": (24, -149, 3.4028234663852886e38),
    "tf32": (11, -136, (2 - 2**-10) * 2.0**127),
    "float16": (11, -24, 65504.0),
    "bfloat16": (8, -133, (2 - 2**-7) * 2.0**127),
    "float8_e5m2": (3, -16, 57344.0),
    "float8_e4m3fn": (4, -9, 448.0),
}


def nearest(value: Fraction, name: str) -> float:
    """Return the number of a format that is nearest to a fraction, ties to even; infinity where it is beyond."""
    digits, least, largest = FORMATS[name]
    above = abs(value.numerator).bit_length() - value.denominator.bit_length() + 1  # |value| < 2^above, or nearly least
    place = max(above - digits, least)
    if abs(value) < TWO ** (place + digits - 1):
        place = max(place - 1, least)
    units = value / TWO**place
    whole = math.floor(units)
    rest = units - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1):
        whole += 1
    rounded = whole * TWO**place
    if abs(rounded) > Fraction(largest):
        return math.inf if rounded > 0 else -math.inf
    return float(rounded)
