"""The correctly rounded sum: what infinite precision, rounded once, would give.

A sum of products is linear in either factor, so that it can be done digit by digit: write both in whole digits
(`digits`), form the ordinary sum of each digit of the one with each digit of the other in float64, which rounds nothing
there, add up what stands at the same position, carry, and round once.

    f(Σ_a X_a·B^a, Σ_b W_b·B^b) = Σ_d B^d · Σ_{a+b=d} f(X_a, W_b)

Most sums are decided earlier.  The leading L levels of digits are added up exactly, and the rest as float64 does it,
with an error of at most e.  Where both ends of ``sum ± e`` round to the same number, that is the number.  Only where a
part holds a sum for which they do not, is it done again in all digits.  So no element depends on an order of summation,
and none on the BLAS, its threads or the machine: the bits are the same everywhere.

What is not finite has no digits.  NaN and infinity take another way, through the ordinary sum of the signs of the
finite numbers with the infinities and NaNs left in place: 0·∞ and ∞ − ∞ are NaN there, as IEEE 754 asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from refconv.numbers.accumulate import Latest, Part, Product, Total, per_channel
from refconv.numbers.digits import Range, bit_range, digit_bits, is_finite, round_sums, scale, split, two_sum
from refconv.numbers.dtypes import is_integral, magnitude, round_once
from refconv.numbers.formats import Array, float_info, is_ml_dtype

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
        self.product, self.terms, self.result = product, max(1, terms), result
        signs, *factors = zip(*pairs, strict=True)
        first, second = (Range.around(map(bit_range, arrays)) for arrays in factors)
        self.bits = digit_bits(self.terms, min(first.width, second.width))
        self.origin = first.top + second.top + 2
        needed = float_info(result).digits - 53 + 1.5 * math.log2(self.terms) + MARGIN
        levels = max(0, math.ceil(needed / self.bits))
        products = math.prod(-(-found.width // self.bits) + 1 for found in (first, second))  # of all digits
        self.attempts = [each for each in (levels, levels + 1) if math.comb(each + 2, 2) < products]
        self.is_finite = all(is_finite(array) for arrays in factors for array in arrays)

        def latest(array: Array, found: Range) -> Latest:
            return Latest(array, lambda part: _Factor(part, found.top + 1, self.bits))

        self.pairs = [(sign, latest(x, first), latest(w, second)) for sign, x, w in zip(signs, *factors, strict=True)]

    def __call__(self, parts: Sequence[Part], bias: Array | None) -> Array:
        """Return the sums of these parts, and the bias added to them, rounded."""
        offset = np.zeros(1) if bias is None else bias.astype(np.float64)
        finite = np.where(np.isfinite(offset), offset, 0.0)
        attempts = (self._leading(parts, finite, levels) for levels in self.attempts)
        decided = (sums for sums in attempts if sums is not None)
        sums = next(decided, None)
        if sums is None:
            sums = self._in_digits(parts, finite)
        if self.is_finite and np.isfinite(offset).all():
            return sums
        special = sum(sign * self.product(x.signs, [w.signs], plan)[0] for sign, x, w, plan in self._factors(parts))
        special = special + per_channel(np.where(np.isfinite(offset), np.sign(offset), offset), sums.ndim)
        return np.where(np.isfinite(special), sums, special.astype(self.result))

    def _factors(self, parts: Sequence[Part]) -> Iterator[tuple[int, _Factor, _Factor, Any]]:
        return (
            (sign, first[part.first], second[part.second], part.plan)
            for part in parts
            for sign, first, second in self.pairs
        )

    def _in_digits(self, parts: Sequence[Part], bias: Array) -> Array:
        """Return the sums by long multiplication."""
        sums: dict[int, Array] = {}
        for sign, x, w, plan in self._factors(parts):
            for position, digits in x.digits.items():
                for each, numbers in zip(w.digits, self.product(digits, list(w.digits.values()), plan), strict=True):
                    sums[position + each] = sums.get(position + each, 0.0) + sign * numbers
        shape = next(iter(sums.values())).shape
        for position, digits in split(bias, self.origin, self.bits).items():
            sums[position] = sums.get(position, 0.0) + per_channel(digits, len(shape))
        return round_sums(sums, shape, self.origin, self.bits, float_info(self.result)).astype(self.result)

    def _leading(self, parts: Sequence[Part], bias: Array, levels: int) -> Array | None:
        """Return the sums if both ends of what they can be round to the same number, for each of them; or else None.

        Level d holds the products of digits a and b = d − a, whole numbers that are exact.  What is left of the factors
        behind their leading digits is multiplied in float64, n products of numbers of at most B/2 for every level.
        """
        unit = self.origin - 2 * self.bits  # of the first level, as a power of two
        offset = scale(bias, -unit)
        if not np.isfinite(offset).all():
            return None  # so far above all products that float64 does not reach from the one to the others
        base, exact, rest = 2.0**self.bits, [0.0] * levels, 0.0
        for sign, x, w, plan in self._factors(parts):
            for a in range(levels + 1):
                *leading, behind = self.product(x.first(a, levels), w.up_to(levels - a), plan)
                for d, numbers in enumerate(leading, start=a):
                    exact[d] = exact[d] + sign * numbers
                rest = rest + sign * behind
        offset = per_channel(offset, np.ndim(rest))
        head, tail = two_sum(exact[0] + np.zeros_like(rest) if exact else rest, offset)
        size = np.abs(head) + np.abs(offset)
        for d, numbers in enumerate([*exact[1:], *([rest] if exact else [])], start=1):
            head, lost = two_sum(head, numbers * base**-d)
            tail = tail + lost
        n = self.terms
        error = (n + levels + 4) * (levels + 1) * n * (base / 2) ** 2 * 2.0**-52 * base**-levels
        margin = error + size * 2.0**-100 + np.abs(head) * (2.0**-51 if float_info(self.result).digits < 53 else 0.0)
        below, above = (scale(head + (tail + side), unit) for side in (-margin, margin))
        low, high = round_once(below, self.result), round_once(above, self.result)
        as_bits = f"u{self.result.itemsize}"
        decided = low.view(as_bits) == high.view(as_bits)  # so that −0 is not +0
        if float_info(self.result).digits == 53:
            decided &= np.abs(below) > 2.0**-1000  # scaling would round what is smaller once more
        return low if decided.all() else None


class _Factor:
    """Part of a factor in digits: all of them by position, or the leading ones with what is left behind them."""

    def __init__(self, part: Array, origin: int, bits: int) -> None:
        self._given = part.astype(np.float64)
        self._origin, self._bits = origin, bits
        self._leading: list[Array] = []

    @cached_property
    def _numbers(self) -> Array:
        return np.where(np.isfinite(self._given), self._given, 0.0)

    @cached_property
    def signs(self) -> Array:
        """What is not finite, beside the signs of what is."""
        return np.where(np.isfinite(self._given), np.sign(self._given), self._given)

    @cached_property
    def digits(self) -> Mapping[int, Array]:
        """All digits that are not zero, by position; of nothing but zeros, one."""
        return split(self._numbers, self._origin, self._bits) or {0: np.zeros(self._given.shape)}

    @cached_property
    def _left(self) -> list[Array]:
        """What is left of the numbers before each leading digit and behind the last, in units of what comes next."""
        return [scale(self._numbers, self._bits - self._origin)]

    def _cut(self, levels: int) -> None:
        while len(self._leading) < levels:
            self._leading.append(np.rint(self._left[-1]))
            self._left.append((self._left[-1] - self._leading[-1]) * 2.0**self._bits)

    def first(self, place: int, levels: int) -> Array:
        """Return the leading digit at a place, or behind so many of them what is left."""
        self._cut(levels)
        return self._leading[place] if place < levels else self._left[place]

    def up_to(self, levels: int) -> list[Array]:
        """Return so many leading digits and what is left behind them."""
        self._cut(levels)
        return [*self._leading[:levels], self._left[levels]]
