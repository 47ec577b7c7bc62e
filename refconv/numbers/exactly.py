"""The correctly rounded sum: what infinite precision, rounded once, would give.

A sum of products is linear in either factor, so that it can be done digit by digit.  In base ``B = 2^β``, with whole
digits of either sign,

    f(Σ_a X_a·B^−a, Σ_b W_b·B^−b) = Σ_d B^−d · S_d,   S_d = Σ_{a+b=d} f(X_a, W_b)

with f the ordinary sum.  A digit is at most B/2, so that where β is small enough every S_d, and every partial sum on
the way to it, is a whole number below 2^53: float64 rounds nothing there, whatever the order of summation, the BLAS,
its threads or the machine.

Most sums are decided by their leading L levels and, behind these, what is left of the factors in float64, which errs
by at most e: where both ends of ``sum ± e`` round to the same number, that is the number.  A part that holds another
sum is done in all its digits, and what is undecided even then, such as a tie, in Python's whole numbers.  So are sums
of factors whose bits lie further apart than a float64 can scale.  NaN and infinity have no digits: they go through the
ordinary sum of the other numbers' signs, where 0·∞ and ∞ − ∞ are NaN, as IEEE 754 asks.

Sources: Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast routines of
matrix multiplication" (2012), for slices, here on one grid for all rows; Rump, Ogita & Oishi, "Accurate floating-point
summation" (2008), for sums that decide their own rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from refconv.numbers.dtypes import is_integral, magnitude, round_once
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype
from refconv.numbers.parts import Latest, Part, Product, Total, per_channel

BLOCK = 1 << 15  # numbers that are looked at at once: few enough to stay in the cache through all steps
# Bits beyond those of the result and of the rounding of n terms: with so many, about every third part of 576 to 2304
# normal terms has a sum that the leading digits leave undecided; with two more, less is gained than the digits cost.
MARGIN = 22
WIDEST = 900  # bits that both factors span, if their sum is done in digits: the weight of none may underflow
LEAST = 1074  # the last bit of a float64 is 2^-1074


def exact_total(product: Product, operands: Mapping[str, Array], terms: int, result: np.dtype[Any]) -> Total:
    """Return how to add up a part's products and its bias, rounded to nearest in `result`, ties to even."""
    if not (result.kind in "fc" or is_ml_dtype(result)) or float_info(result).digits > 53:
        raise TypeError(f"method='exact' rounds to float64 and narrower types, not to {result}")
    for name, operand in operands.items():
        if is_integral(operand.dtype) and magnitude(operand) > 2**53:
            limit = "beside floats, method='exact' takes integers up to 2^53"
            raise ValueError(f"{name} holds {magnitude(operand)}; {limit}")
        if operand.dtype.kind in "fc" and float_info(operand.dtype).digits > 53:
            raise TypeError(f"{name} has dtype {operand.dtype}; method='exact' takes float64 and narrower types")
    first, second, *_ = operands.values()
    if result.kind != "c":
        return _ExactSum(product, [(1, first, second)], terms, result)
    # Complex numbers are rounded part by part: (a + bi)·(c + di) is ac − bd and ad + bc, of twice as many terms.
    half = np.dtype(f"f{result.itemsize // 2}")
    real = _ExactSum(product, [(1, first.real, second.real), (-1, first.imag, second.imag)], 2 * terms, half)
    imag = _ExactSum(product, [(1, first.real, second.imag), (1, first.imag, second.real)], 2 * terms, half)

    def total(parts: Sequence[Part], bias: Array | None) -> Array:
        found = real(parts, None if bias is None else bias.real).astype(result)
        found.imag = imag(parts, None if bias is None else bias.imag)
        return found

    return total


class _ExactSum:
    """Real sums of products of one pair of factors, or of several with signs, correctly rounded."""

    def __init__(
        self, product: Product, pairs: Sequence[tuple[int, Array, Array]], terms: int, result: np.dtype[Any]
    ) -> None:
        self.product, self.terms, self.result, self.info = product, max(1, terms), result, float_info(result)
        signs, *factors = zip(*pairs, strict=True)
        first, second = (survey(*arrays) for arrays in factors)
        self.is_finite, self.top = first.is_finite and second.is_finite, first.top + second.top + 2
        self.is_wide = first.width + second.width > WIDEST
        needed = max(0.0, self.info.digits - 53 + 1.5 * math.log2(self.terms) + MARGIN)
        # S_d has d + 1 pairs of levels, and no more than either factor has levels.
        bits = digit_bits(self.terms, lambda bits: math.ceil(needed / bits) + 1)
        all_bits = digit_bits(self.terms, lambda bits: min(first.width, second.width) // bits + 2)
        levels, products = math.ceil(needed / bits), (first.width // all_bits + 1) * (second.width // all_bits + 1)
        # Of L leading levels, those with what is behind them included, there are (L + 1)·(L + 2)/2 products.
        leading = [(bits, some) for some in (levels, levels + 1) if (some + 1) * (some + 2) < 2 * products]
        self.attempts: list[tuple[int, float]] = [*leading, *([] if self.is_wide else [(all_bits, math.inf)])]
        makers = [partial(_Factor, found.top + 1) for found in (first, second)]
        self.pairs = [(sign, *map(Latest, pair, makers)) for sign, *pair in zip(signs, *factors, strict=True)]

    def __call__(self, parts: Sequence[Part], bias: Array | None) -> Array:
        """Return the sums of these parts, and the bias added to them, rounded."""
        offset = np.zeros(1) if bias is None else bias.astype(np.float64)
        finite = np.where(np.isfinite(offset), offset, 0.0)
        found: dict[int, dict[int, Array]] = {}
        for bits, levels in self.attempts:
            sums = found.setdefault(bits, {})
            rest = self._add_up(parts, bits, levels, sums)
            rounded, is_decided = self._rounded(sums, rest, finite, bits, levels)
            if is_decided.all():
                break
        else:
            unit = self.top - 2 * bits
            if self.is_wide:
                pairs = self._factors(parts)
                whole = [sign * self.product(x.integers, [w.integers], plan)[0] for sign, x, w, plan in pairs]
                sums, unit = {0: sum(whole[1:], whole[0])}, -2 * LEAST
            for place in map(tuple, np.argwhere(~is_decided)):
                total = Fraction(float(finite[place[1] if finite.size > 1 else 0]))
                for d, numbers in sums.items():
                    total += Fraction(numbers[place]) * Fraction(2) ** (unit - d * bits)
                rounded[place] = nearest(total, self.info)
        if self.is_finite and np.isfinite(offset).all():
            return rounded
        pairs = self._factors(parts)
        special = sum(sign * self.product(_signs(x.given), [_signs(w.given)], plan)[0] for sign, x, w, plan in pairs)
        special = special + per_channel(_signs(offset), rounded.ndim)
        return np.where(np.isfinite(special), rounded, special.astype(self.result))

    def _factors(self, parts: Sequence[Part]) -> Iterator[tuple[int, _Factor, _Factor, Any]]:
        for part in parts:
            for sign, first, second in self.pairs:
                yield sign, first[part.first], second[part.second], part.plan

    def _add_up(self, parts: Sequence[Part], bits: int, levels: float, sums: dict[int, Array]) -> Array:
        """Add to the exact S_d those of so many levels that are missing; return what is behind them, in float64."""
        known, rest = frozenset(sums), np.zeros(())
        for sign, x, w, plan in self._factors(parts):
            behind: list[Array] = []
            for a, digits in x.leading(bits, levels).items():
                others = {b: other for b, other in w.leading(bits, levels - a).items() if a + b not in known}
                last = [] if levels == math.inf else [w.behind(bits, levels - a)]
                products = self.product(digits, [*others.values(), *last], plan) if others or last else []
                behind += products[len(others) :]
                for b, numbers in zip(others, products, strict=False):
                    sums[a + b] = sums.get(a + b, 0.0) + sign * numbers
            if levels < math.inf:
                behind += self.product(x.behind(bits, levels), [w.behind(bits, 0)], plan)
                rest = sum((sign * numbers for numbers in behind), rest)
        return rest

    def _rounded(
        self, sums: Mapping[int, Array], rest: Array, bias: Array, bits: int, levels: float
    ) -> tuple[Array, Array]:
        """Return what the sums round to, and where that is certain: where both ends of what they can be do."""
        base, n, unit = 2.0**bits, self.terms, self.top - 2 * bits  # of S_0, as a power of two
        pieces = [numbers * base**-d if d else numbers for d, numbers in sorted(sums.items())]
        if levels < math.inf:
            pieces.append(rest * base**-levels)
        bias = per_channel(bias, pieces[0].ndim)
        offset = scale(bias, -unit)
        if bias.any():
            pieces.append(offset)
        head, tail = pieces[0], np.zeros(())
        for piece in pieces[1:]:
            head, lost = two_sum(head, piece)
            tail = lost + tail
        if levels < math.inf:  # behind are, for each of L + 1 digits and remainders, n products of at most (B/2)²
            size = np.abs(offset) + (levels + 2) * n * base**2
            margin = (n + levels + 4) * (levels + 1) * n * (base / 2) ** 2 * 2.0**-52 * base**-levels
        else:
            size, margin = sum(map(np.abs, pieces[1:]), np.abs(pieces[0])), 0.0
        # No partial sum is above `size`, so that what adding up the m lost parts loses is below m²·2^-106 of it.
        margin = margin + size * (len(pieces) ** 2 * 2.0**-106)
        if self.info.digits < 53:  # rounded to float64 first
            margin = margin + np.abs(head) * 2.0**-51
        low, high = (round_once(scale(head + (tail + side), unit), self.result) for side in (-margin, margin))
        is_decided = low.view(f"u{self.result.itemsize}") == high.view(f"u{self.result.itemsize}")  # −0 is not +0
        if self.info.digits == 53:
            is_decided &= np.abs(low) > 2.0**-1000  # scaling would round what is smaller once more
        is_zero = (size == 0) & (bias == 0)
        return np.where(is_zero, np.zeros_like(low), low), is_decided & np.isfinite(size) & (size > 0) | is_zero


class _Factor:
    """Part of a factor in digits, the leading ones first, with what is left behind them."""

    def __init__(self, top: int, part: Array) -> None:
        self._top, self.given = top, part.astype(np.float64)
        self._finite = np.where(np.isfinite(self.given), self.given, 0.0)
        self._found: dict[int, tuple[list[Array], list[Array]]] = {}

    @property
    def integers(self) -> Array:
        """The finite numbers as multiples of 2^-1074."""
        return np.asarray(np.frompyfunc(lambda number: int(Fraction(number) * 2**LEAST), 1, 1)(self._finite), object)

    def leading(self, bits: int, levels: float) -> dict[int, Array]:
        """Return the digits of so many levels, by level; those that are all zero are left out."""
        digits, _ = self._levels(bits, levels)
        return {a: digit for a, digit in enumerate(digits) if a < levels and (digit.any() or not a)}

    def behind(self, bits: int, levels: float) -> Array:
        """Return what is left behind so many digits, in units of the next."""
        _, behind = self._levels(bits, levels)
        return behind[min(int(levels), len(behind) - 1)]

    def _levels(self, bits: int, levels: float) -> tuple[list[Array], list[Array]]:
        """Return the digits of so many levels, as far as there are any, and what is left behind 0, 1, 2 ... of them."""
        digits, behind = self._found.setdefault(bits, ([], [scale(self._finite, bits - self._top)]))
        while len(digits) < levels and (behind[-1].any() or not digits):
            digits.append(np.rint(behind[-1]))
            behind.append((behind[-1] - digits[-1]) * 2.0**bits)
        return digits, behind


def _signs(array: Array) -> Array:
    """Return what is not finite, beside the signs of what is."""
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


def survey(*arrays: Array) -> Survey:
    """Survey arrays of any layout, a few numbers at a time: a copy of all might not fit."""
    tops, bottoms, is_finite = [], [], True
    for array in arrays:
        flags: Any = ["external_loop", "buffered", "zerosize_ok"]
        for numbers in np.nditer(array, flags, ["readonly"], [np.float64], casting="unsafe", buffersize=BLOCK):
            sizes = np.abs(np.asarray(numbers))
            sizes = sizes[np.isfinite(sizes) & (sizes != 0)]
            is_finite &= bool(np.isfinite(numbers).all())
            if sizes.size:
                with np.errstate(over="ignore", under="ignore"):
                    significant = 24 if np.array_equal(sizes, sizes.astype(np.float32)) else 53
                tops.append(int(np.frexp(sizes.max())[1]))
                bottoms.append(int(np.frexp(sizes.min())[1]) - significant)
    return Survey(max(tops, default=0), min(bottoms, default=0), is_finite)


def digit_bits(terms: int, pairs: Callable[[int], int]) -> int:
    """Return the largest β for which no S_d, `terms` products for each of `pairs(β)` levels a + b = d, passes 2^53."""
    return next(bits for bits in range(25, 0, -1) if terms * pairs(bits) * 4 ** (bits - 1) <= 2**53)


def scale(array: Array, exponent: int) -> Array:
    """Return ``array·2^exponent``, by products, much faster than ldexp; in several steps, for 2^1100 is no float64."""
    while True:
        step = max(-1000, min(1000, exponent))
        array, exponent = array * 2.0**step, exponent - step
        if not exponent:
            return array


def two_sum(first: Array, second: Array) -> tuple[Array, Array]:
    """Return ``fl(a + b)`` and what its rounding lost, exactly: TwoSum (Knuth, TAOCP 2, 4.2.2, theorem B)."""
    total = first + second
    virtual = total - first
    return total, (first - (total - virtual)) + (second - virtual)


def nearest(number: Fraction, info: FloatInfo) -> float:
    """Return the number of a format nearest to a multiple of a power of two, ties to even; infinite beyond it."""
    leading = abs(number.numerator).bit_length() - number.denominator.bit_length() + 1  # |number| < 2^leading
    place = Fraction(2) ** max(leading - info.digits, info.least_exponent)
    whole = round(abs(number) / place) * place
    size = math.inf if whole > info.largest else float(whole)
    return -size if number < 0 else size
