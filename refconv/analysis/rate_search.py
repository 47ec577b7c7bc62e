"""Search for dilation rates without looking at those that cannot do.

Rates are grown from the finest, 1, upwards.  By the exact rule the next is at most the receptive field of those before
it, and by the sum that they must come to it is neither so small that the others cannot make up for it, nor so large
that they would fall below it.  Every choice within these limits leads to an answer: the work grows with the answers,
not with the candidates.

With m repeats, m layers at one rate reach as far as one layer of ``m·(K − 1) + 1`` taps, so the rule has ``m·(K − 1)``
in place of ``K − 1``: the `gain`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import isqrt

from refconv.geometry.arguments import LARGEST_INT

__all__ = ["RateSearch"]

LARGEST_FIELD = 100_000
# Answers × pixels^1.5, as squares cost: half a million answers of 100 pixels, in some ten seconds.
MOST_WORK = 500_000_000


@dataclass(frozen=True)
class RateSearch:
    """The rates of `group` layers, repeated, that come to `total` without holes, and of which none is above `most`.

    Examples
    --------
    >>> RateSearch(group=3, repeats=1, kernel_size=3, total=8, most=9).ranked()
    [(1, 2, 5), (1, 3, 4)]
    """

    group: int
    repeats: int
    kernel_size: int
    total: int
    most: int

    @cached_property
    def gain(self) -> int:
        """What a rate of 1 adds to the receptive field."""
        return self.repeats * (self.kernel_size - 1)

    @cached_property
    def receptive_field(self) -> int:
        """``1 + m·(K − 1)·Σ r``."""
        return 1 + self.gain * self.total

    def check(self) -> None:
        """Refuse a receptive field that cannot be had; whatever lies between the smallest and the largest can."""
        size, layers = self.receptive_field, self.group * self.repeats
        smallest, largest = 1 + self.gain * self.group, 1 + self.gain * self.largest_sum(self.group, 0)
        if not smallest <= size <= largest:
            at_most = "" if self.most == LARGEST_INT else f" at dilations up to {self.most}"
            raise ValueError(
                f"receptive_field={size} must be {smallest} to {largest}, "
                f"which is what {layers} layers of kernel size {self.kernel_size} see without holes{at_most}"
            )
        if size > LARGEST_FIELD:
            raise ValueError(f"receptive_field={size} must be at most {LARGEST_FIELD} to be designed for")

    def largest_sum(self, layers: int, total: int) -> int:
        """Return the largest sum of rates that so many more layers bring a `total` to."""
        for _ in range(layers):
            total += min(1 + self.gain * total, self.most)
        return total

    def ranked(self) -> list[tuple[int, ...]]:
        """Return the rates, the most even use first: for counts of one sum, the smallest sum of squares."""
        size = self.receptive_field
        limit = MOST_WORK // (size * isqrt(size))
        found = list(islice(self.grow((), 0, 1), limit + 1))
        if len(found) > limit:
            raise ValueError(
                f"receptive_field={size} can be had from {self.group * self.repeats} layers in more than "
                f"{limit} ways; ask for fewer layers or a smaller max_dilation"
            )
        return [rates * self.repeats for _, rates in sorted(found)]

    def grow(self, rates: tuple[int, ...], total: int, counts: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield (sum of squared counts, rates) for every rising way to go on from these rates, their sum and counts."""
        if len(rates) == self.group:
            yield self.sum_of_squares(counts), rates
            return
        for rate in self.next_rates(rates, total):
            yield from self.grow((*rates, rate), total + rate, self.use(counts, rate))

    def next_rates(self, rates: tuple[int, ...], total: int) -> range:
        """Return the rates that may follow: not below the last nor above the reach, and such that the sum can be met.

        The largest sum that can follow grows with the rate, so those too small to meet it come before all others.
        """
        layers = self.group - len(rates)
        low, high = max((1, *rates[-1:])), min(1 + self.gain * total, self.most, (self.total - total) // layers)
        choices = range(low, high + 1)
        return choices[bisect_left(choices, self.total, key=lambda rate: self.largest_sum(layers - 1, total + rate)) :]

    @cached_property
    def digit(self) -> int:
        """Bits that hold any sum of products of two counts."""
        return int(self.kernel_size ** (2 * self.group * self.repeats)).bit_length()

    def use(self, counts: int, rate: int) -> int:
        """Return the counts after one more rate, for each repeat: shifted copies for all taps, added up.

        Counts are the digits of one large integer, so that a shift and a sum of all are two operations.
        """
        for _ in range(self.repeats):
            counts = _sum_of_copies(counts, self.digit * rate, self.kernel_size)
        return counts

    def sum_of_squares(self, counts: int) -> int:
        """Return ``Σ c²``: the middle digit of the square, for the counts are a palindrome."""
        middle = self.receptive_field - 1
        return (counts * counts >> self.digit * middle) & ((1 << self.digit) - 1)


def _sum_of_copies(number: int, shift: int, copies: int) -> int:
    """Return ``Σ_t number << shift·t`` over so many t: doubled for each binary digit of `copies`, plus one for a 1."""
    total, done = 0, 0
    for bit in f"{copies:b}":
        total += total << shift * done
        done *= 2
        if bit == "1":
            total = (total << shift) + number
            done += 1
    return total
