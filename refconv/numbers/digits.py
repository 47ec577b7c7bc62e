"""Long multiplication: exact sums of products out of whole digits, carried and rounded once.

A float64 is a whole number times a power of two.  Written in base ``B = 2^β`` with digits of either sign,

    x = Σ_a X_a·B^a        w = Σ_b W_b·B^b        Σ x·w = Σ_d S_d·B^d,   S_d = Σ_{a+b=d} Σ X_a·W_b

the product of two matrices becomes products of matrices of digits.  A digit is at most B/2, so that where β is small
enough every S_d, and every partial sum on the way to it, is a whole number below 2^53.  float64 holds all of these:
a matrix product of digits rounds nothing, whatever the order of summation, the BLAS, its threads, the machine.

Carrying, in whole numbers again, leaves of every S_d one digit and decides each sum completely: its leading digits, and
the sign of all that follows.  That is all that rounding needs, to any format, without rounding twice.

Sources: Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast routines of
matrix multiplication" (2012), for slices that a float64 GEMM multiplies exactly, here on one grid for all rows; the
long accumulator of Kulisch, "Computer Arithmetic and Validity" (2013), section 8, for the carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from refconv.numbers.formats import Array, FloatInfo, round_to_format

GUARD_BITS = 56  # leading digits that rounding looks at: the 53 of float64, its half, and two for what follows
EXACT_BITS = 51  # whole numbers of so many that float64 holds with a quarter behind them; base 2^18 would need 54
BLOCK = 1 << 15  # numbers that are split at once: few enough to stay in the cache through all steps
Digits = Mapping[int, Array]  # position -> whole numbers in float64


class Range(NamedTuple):
    """The powers of two between which all of an array's bits lie: ``2^bottom <= |bit| < 2^top``."""

    top: int
    bottom: int

    @property
    def width(self) -> int:
        """How many bits a number needs that reaches from the top to the bottom."""
        return self.top - self.bottom

    @classmethod
    def around(cls, ranges: Iterable[Range]) -> Range:
        """Return the range that holds all others but those of nothing."""
        given = [found for found in ranges if found.width]
        return cls(max((r.top for r in given), default=0), min((r.bottom for r in given), default=0))


def bit_range(array: Array) -> Range:
    """Return bounds on where the bits of an array's finite numbers lie; (0, 0) for nothing but zeros."""
    found = [_bit_range(numbers[np.isfinite(numbers)]) for numbers in _blocks(array)]
    return Range.around(found)


def _bit_range(numbers: Array) -> Range:
    sizes = np.abs(numbers)
    largest = sizes.max(initial=0.0)
    if not largest:
        return Range(0, 0)
    smallest = sizes.min(initial=np.inf, where=sizes > 0)
    with np.errstate(over="ignore", under="ignore"):
        significant = 24 if np.array_equal(numbers, numbers.astype(np.float32)) else 53
    return Range(int(np.frexp(largest)[1]), int(np.frexp(smallest)[1]) - significant)


def is_finite(array: Array) -> bool:
    """Whether all of an array's numbers are finite."""
    return all(np.isfinite(numbers).all() for numbers in _blocks(array))


def _blocks(array: Array) -> Iterator[Array]:
    """Yield the numbers of an array of any layout as float64, a few at a time: a copy of all might not fit."""
    flags = ("external_loop", "buffered", "zerosize_ok")
    yield from np.nditer(array, flags, ["readonly"], op_dtypes=[np.float64], casting="unsafe", buffersize=BLOCK)


def digit_bits(terms: int, width: int) -> int:
    """Return the largest β for which no sum of digits can pass 2^53, of those that `round_sums` takes.

    Each S_d adds up to `terms` products of two digits for each pair of positions a + b = d, and one digit of a bias.
    A factor whose bits span `width` has at most ``width // β + 2`` positions, so that there are no more pairs.
    """
    possible = (bits for bits in range(25, 0, -1) if (terms * (width // bits + 2) + 1) * 4 ** (bits - 1) <= 2**53)
    return next(bits for bits in possible if _head_digits(bits) * bits <= EXACT_BITS)


def _leading_digits(bits: int) -> int:
    """Return how many digits rounding looks at: one more, for a leading 1 may lose half of itself to the next."""
    return -(-GUARD_BITS // bits) + 1


def _head_digits(bits: int) -> int:
    """Return how many of them go into the first of two float64 numbers; the other has as many, or one less."""
    return (_leading_digits(bits) + 1) // 2


def split(array: Array, origin: int, bits: int) -> dict[int, Array]:
    """Write finite float64 numbers as ``Σ_a X_a·2^(origin + a·β)`` with whole digits of at most ``2^(β−1)``.

    From the top: the digit of what is left at its leading position is rounded to nearest, and taken away.  Positions at
    which all digits are zero are left out.

    >>> {position: digit.tolist() for position, digit in split(np.array([10.0, -0.75]), origin=0, bits=3).items()}
    {1: [1.0, -0.0], 0: [2.0, -1.0], -1: [0.0, 2.0]}
    """
    digits: dict[int, Array] = {}
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = slice(start, start + BLOCK)
        for position, digit in _digits_from_the_top(flat[block].copy(), origin, bits):
            if position not in digits:
                digits[position] = np.zeros(array.shape)
            digits[position].reshape(-1)[block] = digit
    return digits


def _digits_from_the_top(rest: Array, origin: int, bits: int) -> Iterator[tuple[int, Array]]:
    """Yield (position, digits), and leave of the numbers what has no digit yet: in the end, nothing."""
    remainder = np.empty_like(rest)
    while (largest := max(rest.max(), -rest.min())) > 0:
        fraction, above = np.frexp(largest)
        top = int(above) - bool(fraction == 0.5)  # the least whole number with largest <= 2^top
        position = -((origin - top - 1) // bits) - 1
        unit = origin + position * bits
        _scale(rest, -unit, out=remainder)
        digit = np.rint(remainder)
        remainder -= digit
        # Back from the scaled remainder, so that nothing overflows.  What has no digit here is left as it was: it may
        # have vanished in scaling.
        _scale(remainder, unit, out=remainder)
        np.copyto(rest, remainder, where=digit != 0)
        yield position, digit


def scale(array: Array, exponent: int) -> Array:
    """Return ``array·2^exponent``."""
    scaled = np.empty(array.shape)
    _scale(array, exponent, out=scaled)
    return scaled


def _scale(array: Array, exponent: int, out: Array) -> None:
    """Write ``array·2^exponent``, by products, much faster than ldexp; in several steps, for 2^1100 is no float64."""
    step = max(-1000, min(1000, exponent))
    np.multiply(array, 2.0**step, out=out)
    while exponent := exponent - step:
        step = max(-1000, min(1000, exponent))
        out *= 2.0**step


def round_sums(sums: Digits, shape: tuple[int, ...], origin: int, bits: int, info: FloatInfo) -> Array:
    """Round ``Σ_d S_d·2^(origin + d·β)`` to the nearest number of a format, ties to even; the result is float64.

    Each S_d must broadcast to `shape`.  A sum that is exactly zero is +0, as where the adding up starts from +0.
    """
    if not sums:
        return np.zeros(shape)
    looked_at, half = _leading_digits(bits), _head_digits(bits)
    planes = _carried(sums, shape, bits, padding=looked_at)
    signs = _signs_below(planes)
    leading = len(planes) - 1 - np.argmax(planes[::-1] != 0, axis=0)
    seen = leading - np.arange(looked_at).reshape(-1, *(1,) * len(shape))
    digits = np.take_along_axis(planes, seen, axis=0)
    sign = np.take_along_axis(signs, seen[-1:], axis=0)[0]

    head = _evaluated(digits[:half], bits)
    tail = _evaluated(digits[half:], bits) + 0.25 * sign  # the digits below are less than 1 here, of this sign
    value, rest = two_sum(head * 2.0 ** ((looked_at - half) * bits), tail)
    last_position = min(sums) + seen[-1] - looked_at
    exponent = (origin + last_position * bits).astype(np.intc)  # where a C long has 32 bits, ldexp takes no int64
    return round_to_format(value, info, rest=rest, exponent=exponent)


def _carried(sums: Digits, shape: tuple[int, ...], bits: int, padding: int) -> Array:
    """Return the digits of the sums, ``−2^(β−1) <= digit < 2^(β−1)``, from the lowest up, behind `padding` zeros."""
    half = 1 << (bits - 1)
    planes = [np.zeros(shape, np.int64)] * padding
    carry = planes[0]
    position, top = min(sums), max(sums)
    while position <= top or carry.any():
        value = carry + sums[position].astype(np.int64) if position in sums else carry
        carry = (value + half) >> bits
        planes.append(value - (carry << bits))
        position += 1
    return np.stack(planes)


def _signs_below(planes: Array) -> Array:
    """Return, at each position, the sign of the number that the digits below it make: that of the topmost not zero."""
    signs = np.zeros(planes.shape, np.int8)
    for position in range(1, len(planes)):
        below = planes[position - 1]
        signs[position] = np.where(below == 0, signs[position - 1], np.sign(below))
    return signs


def _evaluated(digits: Array, bits: int) -> Array:
    """Return ``Σ_k digits[k]·B^(last − k)``: so few digits that float64 holds the number."""
    value = np.zeros(digits.shape[1:])
    for digit in digits:
        value = value * 2.0**bits + digit
    return value


def two_sum(first: Array, second: Array) -> tuple[Array, Array]:
    """Return ``fl(a + b)`` and what its rounding lost, exactly: Knuth's TwoSum.

    Source: Knuth, "The Art of Computer Programming", volume 2, section 4.2.2, theorem B.
    """
    total = first + second
    virtual = total - first
    return total, (first - (total - virtual)) + (second - virtual)
