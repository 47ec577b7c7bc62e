"""Exact is the number nearest to the sum in fractions, for all operations, whatever the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array, dtype_of, fractions_of
from drawn import Conv, convs, law
from family import Triple
from hypothesis import given, settings
from hypothesis import strategies as st
from nearest import FORMATS, nearest

from refconv import conv1d
from refconv.core.sums import CONVOLUTION
from refconv.operations import LINEAR

TYPES = [name for name in FORMATS if name != "tf32"]

Numbers = Callable[[np.random.Generator, tuple[int, ...]], Array]


def spread(low: int, high: int) -> Numbers:
    """Normal numbers times powers of two between these."""
    return lambda rng, shape: np.ldexp(rng.normal(size=shape), rng.integers(low, high + 1, shape))


def few_bits(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers whose sums are ties of most formats, zeros, or nearly so."""
    powers = np.array([0, -1, -4, -8, -11, -12, -24, -25, -53, -54, -80])
    return rng.integers(-1, 2, shape) * 2.0 ** rng.choice(powers, shape)


def cancelling(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A few large numbers of either sign, which come to nothing together now and then, among small ones."""
    return np.where(rng.random(shape) < 0.5, rng.choice([-(2.0**40), 2.0**40], shape), rng.normal(size=shape))


NUMBERS: dict[str, Numbers] = {
    "normal": spread(0, 0),
    "of single precision": lambda rng, shape: rng.normal(size=shape).astype(np.float32).astype(float),
    "spread": spread(-30, 30),
    "far spread": spread(-300, 300),
    "tiny": spread(-545, -500),  # products of 2^-1000 and below, to nothing
    "tinier": spread(-1080, -530),
    "huge": spread(480, 520),  # products and sums that overflow
    "few bits": few_bits,
    "cancelling": cancelling,
    "whole": lambda rng, shape: rng.integers(-2, 3, shape).astype(float),
}


def filled(conv: Conv, *names: str) -> Triple:
    """Return arrays of such numbers, x, w and y each of its own kind."""
    triple = conv.triple
    x, w, y = (
        NUMBERS[name](conv.rng, array.shape) for name, array in zip(names, (triple.x, triple.w, triple.y), strict=True)
    )
    return Triple(x, w, y, triple.parameters)


def same(found: Array, expected: Sequence[float], name: str) -> bool:
    if name == "float8_e4m3fn":  # which has no infinity, and NaN in its place
        expected = [math.nan if math.isinf(value) else value for value in expected]
    return np.array_equal(found.astype(float).ravel(), expected, equal_nan=True)


def has_no_negative_zero(found: Array, truth: Array) -> bool:
    return not np.signbit(found.astype(float)[(truth == 0).astype(bool)]).any()


@pytest.mark.parametrize("name", LINEAR)
@settings(law, max_examples=9)
@given(data=st.data())
def test_it_is_the_number_nearest_to_the_sum_in_fractions(name: str, data: st.DataObject) -> None:
    operation = LINEAR[name]
    conv = data.draw(convs(operation.space.rank, largest=2, mode="zeros" if operation.is_transposed else None))
    kind = st.sampled_from(list(NUMBERS))
    triple, dtype = filled(conv, *(data.draw(kind) for _ in range(3))), data.draw(st.sampled_from(TYPES))
    truth = triple.each(fractions_of).truth(name)
    options: dict[str, Any] = {}
    if operation.has_bias and data.draw(st.booleans()):
        bias = NUMBERS[data.draw(kind)](conv.rng, truth.shape[1:2])
        truth = truth + fractions_of(bias).reshape(-1, *(1,) * (truth.ndim - 2))
        options = {"bias": bias}
    found = triple.call(name, method="exact", dtype=dtype_of(dtype), **options)
    assert found.dtype == dtype_of(dtype)
    assert found.shape == truth.shape
    assert same(found, [nearest(Fraction(value), dtype) for value in truth.ravel()], dtype)
    assert has_no_negative_zero(found, truth)


def complex_truth(real: Triple, imag: Triple, name: str) -> tuple[Array, Array]:
    """Return both parts of what an operation gives of complex numbers, from what it gives of their parts."""
    operation = LINEAR[name]
    if operation.by == "bias":
        return real.truth(name), imag.truth(name)
    first, second = {"output": ("x", "w"), "input": ("w", "y"), "weight": ("x", "y")}[operation.asked]
    conjugated = {"input": "w", "weight": "y" if operation.is_transposed else "x", "": ""}[operation.by]

    def product(one: Triple, other: Triple) -> Array:
        return replace(real, **{first: getattr(one, first), second: getattr(other, second)}).truth(name)

    def sign(*imaginary: str) -> int:
        return -1 if conjugated in imaginary else 1

    return (
        product(real, real) - sign(first, second) * product(imag, imag),
        sign(second) * product(real, imag) + sign(first) * product(imag, real),
    )


@pytest.mark.parametrize("name", LINEAR)
@settings(law, max_examples=4)
@given(data=st.data())
def test_complex_numbers_are_rounded_part_by_part(name: str, data: st.DataObject) -> None:
    operation = LINEAR[name]
    conv = data.draw(convs(operation.space.rank, largest=2, mode="zeros" if operation.is_transposed else None))
    kinds = [data.draw(st.sampled_from(["normal", "spread", "few bits", "tiny"])) for _ in range(3)]
    real, imag = filled(conv, *kinds), filled(conv, *kinds)
    triple = Triple(real.x + 1j * imag.x, real.w + 1j * imag.w, real.y + 1j * imag.y, real.parameters)
    truths = complex_truth(real.each(fractions_of), imag.each(fractions_of), name)
    for dtype, part in [("complex128", "float64"), ("complex64", "float32")]:
        found = triple.call(name, method="exact", dtype=dtype)
        assert found.dtype == np.dtype(dtype)
        for numbers, truth in zip((found.real, found.imag), truths, strict=True):
            assert same(numbers, [nearest(Fraction(value), part) for value in truth.ravel()], part)


@pytest.mark.parametrize("name", LINEAR)
def test_what_is_not_finite_goes_where_it_goes_by_the_formula(name: str) -> None:
    rng = np.random.default_rng(LINEAR[name].space.rank)
    rank = LINEAR[name].space.rank
    steps: dict[str, Any] = {"stride": (2, 1, 1)[:rank], "padding": ((1, 0),) * rank, "dilation": (1, 2, 1)[:rank]}
    x, w = rng.normal(size=(2, 2, *(4, 4, 3)[:rank])), rng.normal(size=(2, 1, *(2, 2, 1)[:rank]))
    triple = Triple.of(x, w, rng, **steps, groups=2)
    for bad in (math.inf, -math.inf, math.nan):
        for place in range(3):
            arrays = x, w, y = triple.x.copy(), triple.w.copy(), triple.y.copy()
            arrays[place].flat[3 % arrays[place].size] = bad
            arrays[place].flat[0] = 0.0
            spoilt = Triple(x, w, y, triple.parameters)
            with np.errstate(all="ignore"):
                truth = spoilt.truth(name)  # in floats, where only what is not finite matters
            found = spoilt.call(name, method="exact")
            for special in (np.isnan, np.isposinf, np.isneginf):
                np.testing.assert_array_equal(special(found), special(truth))
            arrays[place].flat[3 % arrays[place].size] = 1.0
            beside = Triple(x, w, y, triple.parameters).call(name, method="exact")
            is_finite = np.isfinite(truth)
            np.testing.assert_array_equal(found[is_finite], beside[is_finite])


# Which way it was found: the leading digits decide, or some more of them, or all


class Counting:
    """The products of pairs of digits that are asked for, first by first."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counts: list[int] = []
        product = CONVOLUTION.methods["exact"]

        def counted(first: Array, seconds: Sequence[Array], plan: Any) -> Sequence[Array]:
            self.counts.append(len(seconds))
            return product(first, seconds, plan)

        patch.setitem(CONVOLUTION.methods, "exact", counted)

    def of(self, pixels: Sequence[float], bias: float = 0.0, dtype: str = "float64") -> tuple[float, list[int]]:
        """Return an exact sum, and how many products each digit of the first factor was part of."""
        self.counts.clear()
        signal, taps = np.array([pixels]), np.ones((1, 1, len(pixels)))
        found = conv1d(signal, taps, [bias], method="exact", dtype=dtype).item()
        return found, list(self.counts)


def test_the_leading_digits_decide_most_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    # Of 4 products, one level of digits in base 2^25: the pixels' with the taps', and with what is left behind those,
    # which is nothing here; and what is left behind the pixels' with the taps.
    assert counting.of([1.0, 2.0**-30, 3.0, 2.0**-80]) == (4 + 2.0**-30, [2, 1])
    # Of single precision, float64 alone decides what is not too near a tie.
    assert counting.of([1.0, 2.0**-24, 2.0**-40], dtype="float32") == (1 + 2.0**-23, [1])
    assert counting.of([1.0, 2.0**-24, -(2.0**-40)], dtype="float32") == (1.0, [1])


def test_one_level_more_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of which the first pair of digits is known already.
    counting = Counting(monkeypatch)
    for sign, result in ((1, 1 + 2.0**-52), (-1, 1.0)):
        assert counting.of([1.0, 2.0**-53, sign * 2.0**-70]) == (result, [2, 1, 1])
    for sign, result in ((1, 1 + 2.0**-23), (-1, 1.0)):
        assert counting.of([1.0, 2.0**-24, sign * 2.0**-47], dtype="float32") == (result, [1, 1, 1])


def test_what_lies_far_below_a_tie_is_found_in_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    for far in (150, 300, 1000):
        for sign, result in ((1, 1 + 2.0**-52), (-1, 1.0)):
            found, counts = counting.of([1.0, 2.0**-53, sign * 2.0**-far])
            assert found == result
            assert counts[:2] == [2, 1]
            assert len(counts) > 3
    assert counting.of([1.0, 2.0**-53])[0] == 1.0
    assert counting.of([1.0, 3 * 2.0**-53])[0] == 1 + 2.0**-51


def test_few_digits_are_not_tried_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whole numbers of 10 bits have one digit: there is nothing to be saved.
    counting = Counting(monkeypatch)
    found, counts = counting.of([1000.0, 1.0, 7.0])
    assert found == 1008
    assert counts == [1]


def nearly_tied(rng: np.random.Generator, name: str, terms: int, condition: int, far: int) -> tuple[Array, Fraction]:
    """Return rows of numbers that come to half a last place, and 2^-far of that more or less or nothing.

    They are 2^condition times as large as their sum, in pairs that cancel but for what float64 loses of their sum.
    """
    digits = FORMATS[name][0]
    tie = Fraction(int(rng.integers(2 ** (digits - 1), 2**digits)) * 2 + 1, 2)
    side = int(rng.integers(-1, 2))
    target = tie + side * Fraction(1, 2**far)
    large = [Fraction(float(value)) for value in np.ldexp(rng.normal(size=terms), digits + condition)]
    rest = target - sum(large)
    numbers = [float(value) for value in large]
    while rest:  # in pieces that float64 holds
        piece = float(rest)
        numbers.append(piece)
        rest -= Fraction(piece)
    order = rng.permutation(len(numbers))
    return np.array(numbers)[order], target


@pytest.mark.parametrize("condition", [0, 20, 40, 60, 100])
@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
def test_sums_beside_a_tie_are_not_decided_too_early(name: str, condition: int) -> None:
    # Where the leading levels cancel, the rest is all there is, in float64 with all its roundings: were the bound on its
    # error any smaller, it would pass for the sum.
    rng = np.random.default_rng(condition)
    for terms in (2, 5, 20):
        for far in (3, 20, 40, 60, 90, 200):
            numbers, target = nearly_tied(rng, name, terms, condition, far)
            taps = np.ones((1, 1, len(numbers)))
            found = conv1d(numbers[np.newaxis], taps, method="exact", dtype=name).item()
            assert found == nearest(target, name)
            # As products of two factors with bits of their own
            scales = 2.0 ** rng.integers(-40, 41, len(numbers))
            found = conv1d((numbers / scales)[np.newaxis], (scales * taps), method="exact", dtype=name).item()
            assert found == nearest(target, name)


@pytest.mark.parametrize("spread", [(3, 900), (300, 700), (900, 900), (1000, 20), (1, 1000)])
def test_numbers_that_lie_too_far_apart_for_digits_are_added_up_as_integers(spread: tuple[int, int]) -> None:
    # Of digits that float64 cannot scale any more, nothing would be left, and 0 looks decided.
    rng = np.random.default_rng(sum(spread))
    for _ in range(10):
        pixels, taps = (
            np.ldexp(rng.normal(size=n), rng.integers(-width // 2, width // 2 + 1, n)) * (rng.random(n) > 0.3)
            for n, width in zip((14, 3), spread, strict=True)
        )
        bias = float(np.ldexp(rng.normal(), int(rng.integers(-50, 51))))
        windows = [zip(pixels[p : p + 3], taps, strict=True) for p in range(12)]
        sums = [sum((Fraction(x) * Fraction(w) for x, w in window), Fraction(bias)) for window in windows]
        found = conv1d(pixels[np.newaxis], taps.reshape(1, 1, 3), [bias], method="exact")
        assert found.ravel().tolist() == [nearest(value, "float64") for value in sums]


def test_one_number_far_below_the_others_stays() -> None:
    pixels = [1e300, 1e-300, 3e-310, 0.0, 5e-324]
    assert conv1d(np.array([pixels]), np.ones((1, 1, 1)), method="exact").ravel().tolist() == pixels
    cancelled = conv1d(np.array([[1e300, -1e300, 1e-300]]), np.ones((1, 1, 2)), method="exact")
    assert cancelled.ravel().tolist() == [0.0, -1e300]
