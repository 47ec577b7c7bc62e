"""The correctly rounded sum: what infinite precision, rounded once, would give.

A sum of products is linear in either factor, so that it can be done digit by digit.  In base ``B = 2^β``, with whole
digits of either sign,

    f(Σ_a X_a·B^−a, Σ_b W_b·B^−b) = Σ_d B^−d · S_d,   S_d = Σ_{a+b=d} f(X_a, W_b)

with f the ordinary sum.  A digit is at most B/2, so that where β is small enough every S_d, and every partial sum on
the way to it, is a whole number below 2^53: float64 rounds nothing there, whatever the order of summation, the BLAS,
its threads or the machine.

Most sums are decided by their leading L levels and, behind these, what is left of the factors in float64, which errs
by at most e: where both ends of ``sum ± e`` round to the same number, that is the number.  A part that holds another
sum is done in all its digits, and what is undecided even then, such as a tie, in Python's whole numbers.

What is not finite has no digits.  NaN and infinity take another way, through the ordinary sum of the signs of the
finite numbers with the infinities and NaNs left in place: 0·∞ and ∞ − ∞ are NaN there, as IEEE 754 asks.

Sources: Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast routines of
matrix multiplication" (2012), for slices that a float64 GEMM multiplies exactly, here on one grid for all rows; Rump,
Ogita & Oishi, "Accurate floating-point summation" (2008), for sums that decide their own rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from refconv.numbers.accumulate import Latest, Part, Product, Total, per_channel
from refconv.numbers.dtypes import is_integral, magnitude, round_once
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype

BLOCK = 1 << 15  # numbers that are looked at or split at once: few enough to stay in the cache through all steps
# Bits beyond those of the result and of the rounding of n terms: with so many, about one part in four has a sum of
# normal numbers that the leading digits leave undecided, of 576 terms; with 21 fewer, every part has.
MARGIN = 24


def exact_total(product: Product, operands: Mapping[str, Array], terms: int, result: np.dtype[Any]) -> Total:
    """Return how to add up a part's products and its bias, rounded to nearest in `result`, ties to even.

    Complex numbers are rounded part by part: (a + bi)·(c + di) is ac − bd and ad + bc, of twice as many terms.
    """
    if not (result.kind in "fc" or is_ml_dtype(result)) or float_info(result).digits > 53:
        raise TypeError(f"method='exact' rounds to float64 and narrower types, not to {result}")
    for name, operand in operands.items():
        _check_double(name, operand)
    first, second, *_ = operands.values()
    if result.kind != "c":
        return _ExactSum(product, [(1, first, second)], terms, result)
    half = np.dtype(f"f{result.itemsize // 2}")
    real = _ExactSum(product, [(1, first.real, second.real), (-1, first.imag, second.imag)], 2 * terms, half)
    imag = _ExactSum(product, [(1, first.real, second.imag), (1, first.imag, second.real)], 2 * terms, half)

    def total(parts: Sequence[Part], bias: Array | None) -> Array:
        found = real(parts, None if bias is None else bias.real).astype(result)
        found.imag = imag(parts, None if bias is None else bias.imag)
        return found

    return total


def _check_double(name: str, operand: Array) -> None:
    """Refuse what float64 or complex128 would not hold."""
    if is_integral(operand.dtype) and magnitude(operand) > 2**53:
        raise ValueError(f"{name} holds {magnitude(operand)}; beside floats, method='exact' takes integers up to 2^53")
    if operand.dtype.kind in "fc" and float_info(operand.dtype).digits > 53:
        raise TypeError(f"{name} has dtype {operand.dtype}; method='exact' takes float64 and narrower types")


class _ExactSum:
    """Real sums of products of one pair of factors, or of several with signs, correctly rounded."""

    def __init__(
        self, product: Product, pairs: Sequence[tuple[int, Array, Array]], terms: int, result: np.dtype[Any]
    ) -> None:
        self.product, self.terms, self.result, self.info = product, max(1, terms), result, float_info(result)
        signs, *factors = zip(*pairs, strict=True)
        first, second = (Survey.of(*arrays) for arrays in factors)
        self.is_finite = first.is_finite and second.is_finite
        self.bits = digit_bits(self.terms, min(first.width, second.width))
        self.unit = first.top + second.top + 2 - 2 * self.bits  # of S_0, as a power of two
        needed = self.info.digits - 53 + 1.5 * math.log2(self.terms) + MARGIN
        levels = max(0, math.ceil(needed / self.bits))
        products = math.prod(-(-found.width // self.bits) + 1 for found in (first, second))  # of all digits
        self.attempts = [each for each in (levels, levels + 1) if math.comb(each + 2, 2) < products]

        def latest(array: Array, found: Survey) -> Latest:
            return Latest(array, lambda part: _Factor(part, found.top + 1, self.bits))

        self.pairs = [(sign, latest(x, first), latest(w, second)) for sign, x, w in zip(signs, *factors, strict=True)]

    def __call__(self, parts: Sequence[Part], bias: Array | None) -> Array:
        """Return the sums of these parts, and the bias added to them, rounded."""
        offset = np.zeros(1) if bias is None else bias.astype(np.float64)
        finite = np.where(np.isfinite(offset), offset, 0.0)
        sums: dict[int, Array] = {}
        for levels in (*self.attempts, math.inf):
            rest = self._add_up(parts, levels, sums)
            rounded, is_decided = self._rounded(sums, rest, finite, levels)
            if is_decided.all():
                break
        else:
            for place in np.argwhere(~is_decided):
                rounded[tuple(place)] = self._nearest(sums, finite, tuple(place))
        if self.is_finite and np.isfinite(offset).all():
            return rounded
        special = sum(sign * self.product(x.signs, [w.signs], plan)[0] for sign, x, w, plan in self._factors(parts))
        special = special + per_channel(_signs(offset), rounded.ndim)
        return np.where(np.isfinite(special), rounded, special.astype(self.result))

    def _factors(self, parts: Sequence[Part]) -> Iterator[tuple[int, _Factor, _Factor, Any]]:
        for part in parts:
            for sign, first, second in self.pairs:
                yield sign, first[part.first], second[part.second], part.plan

    def _add_up(self, parts: Sequence[Part], levels: float, sums: dict[int, Array]) -> Array | float:
        """Add to the exact S_d those of so many levels that are missing; return what is behind them, in float64."""
        known, rest = frozenset(sums), 0.0
        for sign, x, w, plan in self._factors(parts):
            for a, digits in x.leading(levels).items():
                others = {b: other for b, other in w.leading(levels - a).items() if a + b not in known}
                behind = [] if levels == math.inf else [w.behind(int(levels) - a)]
                products = self.product(digits, [*others.values(), *behind], plan)
                for b, numbers in zip(others, products, strict=False):
                    sums[a + b] = sums.get(a + b, 0.0) + sign * numbers
                rest = rest + sign * products[-1] if behind else rest
            if levels < math.inf:
                rest = rest + sign * self.product(x.behind(int(levels)), [w.behind(0)], plan)[0]
        return rest

    def _rounded(
        self, sums: Mapping[int, Array], rest: Array | float, bias: Array, levels: float
    ) -> tuple[Array, Array]:
        """Return what the sums round to, and where that is certain: where both ends of what they can be do.

        What is behind L levels is, for each of L + 1 digits and remainders, n products of numbers of at most B/2.
        """
        base, n = 2.0**self.bits, self.terms
        pieces = [sums[d] * base**-d for d in sorted(sums)]
        margin: Array | float = 0.0
        if levels < math.inf:
            pieces.append(rest * base**-levels)
            margin = (n + levels + 4) * (levels + 1) * n * (base / 2) ** 2 * 2.0**-52 * base**-levels
        offset = scale(per_channel(bias, np.ndim(pieces[0])), -self.unit)
        head, tail, size = np.zeros_like(pieces[0]), 0.0, np.abs(offset)
        for piece in (offset, *pieces):
            head, lost = two_sum(head, piece)
            tail, size = tail + lost, size + np.abs(head)
        margin = margin + size * 2.0**-98 + np.abs(head) * (2.0**-51 if self.info.digits < 53 else 0.0)
        low, high = (round_once(scale(head + (tail + side), self.unit), self.result) for side in (-margin, margin))
        as_bits = f"u{self.result.itemsize}"
        is_decided = low.view(as_bits) == high.view(as_bits)  # so that −0 is not +0
        if self.info.digits == 53:
            is_decided &= np.abs(low) > 2.0**-1000  # scaling would round what is smaller once more
        is_decided &= np.isfinite(size) & (size > 2.0**-900)  # below, digits far behind vanish, and the margin with them
        if levels < math.inf:
            return low, is_decided
        is_zero = per_channel(bias == 0, np.ndim(low)) & np.logical_and.reduce([sums[d] == 0 for d in sums])
        return np.where(is_zero, np.zeros_like(low), low), is_decided | is_zero

    def _nearest(self, sums: Mapping[int, Array], bias: Array, place: tuple[int, ...]) -> float:
        """Return one sum by whole numbers and fractions, rounded."""
        total = Fraction(float(bias[place[1] if bias.size > 1 else 0]))
        for d, numbers in sums.items():
            total += Fraction(float(numbers[place])) * Fraction(2) ** (self.unit - d * self.bits)
        return nearest(total, self.info)


class _Factor:
    """Part of a factor in digits: the leading ones with what is left behind them, or all."""

    def __init__(self, part: Array, origin: int, bits: int) -> None:
        self._given, self._unit, self._bits = part.astype(np.float64), origin - bits, bits
        finite = np.where(np.isfinite(self._given), self._given, 0.0)
        self._leading: list[Array] = []
        self._behind = [scale(finite, -self._unit)]  # what is left behind 0, 1, 2 ... digits, in units of the next

    @cached_property
    def signs(self) -> Array:
        """What is not finite, beside the signs of what is."""
        return _signs(self._given)

    @cached_property
    def _all(self) -> dict[int, Array]:
        return split(np.where(np.isfinite(self._given), self._given, 0.0), self._unit, self._bits)

    def leading(self, levels: float) -> dict[int, Array]:
        """Return the digits of so many levels, by level; of all levels, those that are not zero."""
        if levels == math.inf:
            return self._all
        while len(self._leading) < levels:
            self._leading.append(np.rint(self._behind[-1]))
            self._behind.append((self._behind[-1] - self._leading[-1]) * 2.0**self._bits)
        return dict(enumerate(self._leading[: int(levels)]))

    def behind(self, levels: int) -> Array:
        """Return what is left behind so many digits, in units of the next."""
        self.leading(levels)
        return self._behind[levels]


def _signs(array: Array) -> Array:
    return np.where(np.isfinite(array), np.sign(array), array)


class Survey(NamedTuple):
    """Where the bits of some finite numbers lie, ``2^bottom <= |bit| < 2^top``, and whether all numbers are finite."""

    top: int
    bottom: int
    is_finite: bool

    @property
    def width(self) -> int:
        """How many bits a number needs that reaches from the top to the bottom; 0 for nothing but zeros."""
        return self.top - self.bottom

    @classmethod
    def of(cls, *arrays: Array) -> Survey:
        """Survey arrays of any layout, a few numbers at a time: a copy of all might not fit."""
        flags = ("external_loop", "buffered", "zerosize_ok")
        found = [
            cls._of_block(numbers)
            for array in arrays
            for numbers in np.nditer(array, flags, ["readonly"], [np.float64], casting="unsafe", buffersize=BLOCK)
        ]
        given = [each for each in found if each.width]
        top, bottom = max((each.top for each in given), default=0), min((each.bottom for each in given), default=0)
        return cls(top, bottom, all(each.is_finite for each in found))

    @classmethod
    def _of_block(cls, numbers: Array) -> Survey:
        is_finite = np.isfinite(numbers)
        sizes = np.abs(numbers[is_finite & (numbers != 0)])
        if not sizes.size:
            return cls(0, 0, bool(is_finite.all()))
        with np.errstate(over="ignore", under="ignore"):
            significant = 24 if np.array_equal(sizes, sizes.astype(np.float32)) else 53
        top, bottom = (int(np.frexp(size)[1]) for size in (sizes.max(), sizes.min()))
        return cls(top, bottom - significant, bool(is_finite.all()))


def digit_bits(terms: int, width: int) -> int:
    """Return the largest β for which no sum of digits can pass 2^53.

    Each S_d adds up to `terms` products of two digits for each pair of levels a + b = d.  A factor whose bits span
    `width` has at most ``width // β + 2`` levels, so that there are no more pairs.
    """
    return next(bits for bits in range(25, 0, -1) if terms * (width // bits + 2) * 4 ** (bits - 1) <= 2**53)


def split(array: Array, unit: int, bits: int) -> dict[int, Array]:
    """Write finite float64 numbers as ``Σ_a X_a·2^(unit − a·β)`` with whole digits of at most ``2^(β−1)``.

    From the top: the digit of what is left at its leading level is rounded to nearest, and taken away.  Levels at which
    all digits are zero are left out; of nothing but zeros there is one.

    >>> {level: digit.tolist() for level, digit in split(np.array([10.0, -0.75]), unit=3, bits=3).items()}
    {0: [1.0, -0.0], 1: [2.0, -1.0], 2: [0.0, 2.0]}
    """
    digits: dict[int, Array] = {}
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = slice(start, start + BLOCK)
        for level, digit in _digits_from_the_top(flat[block].copy(), unit, bits):
            digits.setdefault(level, np.zeros(array.shape)).reshape(-1)[block] = digit
    return dict(sorted(digits.items())) or {0: np.zeros(array.shape)}


def _digits_from_the_top(rest: Array, unit: int, bits: int) -> Iterator[tuple[int, Array]]:
    """Yield (level, digits), and leave of the numbers what has no digit yet: in the end, nothing."""
    while (largest := max(rest.max(), -rest.min())) > 0:
        fraction, above = np.frexp(largest)
        top = int(above) - bool(fraction == 0.5)  # the least whole number with largest <= 2^top
        level = (unit + bits - 1 - top) // bits
        remainder = scale(rest, level * bits - unit)
        digit = np.rint(remainder)
        # Back from the scaled remainder, so that nothing overflows.  What has no digit here is left as it was: it may
        # have vanished in scaling.
        np.copyto(rest, scale(remainder - digit, unit - level * bits), where=digit != 0)
        yield level, digit


def scale(array: Array, exponent: int) -> Array:
    """Return ``array·2^exponent``, by products, much faster than ldexp; in several steps, for 2^1100 is no float64."""
    scaled = array
    while True:
        step = max(-1000, min(1000, exponent))
        scaled, exponent = scaled * 2.0**step, exponent - step
        if not exponent:
            return scaled


def two_sum(first: Array, second: Array) -> tuple[Array, Array]:
    """Return ``fl(a + b)`` and what its rounding lost, exactly: Knuth's TwoSum.

    Source: Knuth, "The Art of Computer Programming", volume 2, section 4.2.2, theorem B.
    """
    total = first + second
    virtual = total - first
    return total, (first - (total - virtual)) + (second - virtual)


def nearest(number: Fraction, info: FloatInfo) -> float:
    """Return the number of a format nearest to a multiple of a power of two, ties to even; infinity beyond the largest.

    >>> nearest(Fraction(257), float_info("bfloat16")), nearest(Fraction(259), float_info("bfloat16"))
    (256.0, 260.0)
    """
    leading = abs(number.numerator).bit_length() - number.denominator.bit_length() + 1  # |number| < 2^leading
    place = Fraction(2) ** max(leading - info.digits, info.least_exponent)
    whole = round(abs(number) / place) * place
    size = math.inf if whole > info.largest else float(whole)
    return -size if number < 0 else size
