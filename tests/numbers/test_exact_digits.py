"""What exact sums are made of: where the bits lie, digits and their size, exact addition, and the last rounding."""

from __future__ import annotations

import math
from fractions import Fraction

import nearest as second_opinion
import numpy as np
import pytest
from arrays import Array
from hypothesis import given
from hypothesis import strategies as st
from nearest import FORMATS, TWO

from refconv.numbers.exactly import BLOCK, _Factor, _signs, digit_bits, nearest, scale, survey, two_sum
from refconv.numbers.formats import float_info


def total(digits: dict[int, Array], unit: int, bits: int, index: int) -> Fraction:
    zero = Fraction(0)
    return sum((int(digit.flat[index]) * TWO ** (unit - a * bits) for a, digit in digits.items()), zero)


# Where the bits lie


@pytest.mark.parametrize(
    ("values", "top", "bottom"),
    [
        ([], 0, 0),
        ([0.0, -0.0], 0, 0),
        ([1.0], 1, -23),  # 1 < 2^1, and float32's 24 digits behind it
        ([0.1], -3, -56),  # 1/16 <= 0.1 < 1/8 = 2^-3, and 53 digits
        ([-6.0, 0.0], 3, -21),
        ([4.0, -0.75], 3, -24),
        ([1e300, 3.0], 997, -51),
        ([2.0**-149], -148, -172),
        ([5e-324], -1073, -1126),
        ([math.inf, 1.0, math.nan], 1, -23),
        ([-math.inf], 0, 0),
    ],
)
def test_where_the_bits_of_numbers_lie(values: list[float], top: int, bottom: int) -> None:
    found = survey(np.array(values))
    assert (found.top, found.bottom, found.width) == (top, bottom, top - bottom)
    assert found.is_finite == np.isfinite(values).all()


def test_of_several_arrays_zeros_do_not_count_and_what_is_not_finite_does() -> None:
    assert survey(np.array([8.0]), np.array([0.0]), np.array([0.25])) == (4, -25, True)
    assert survey(np.array([8.0]), np.array([math.nan])) == (4, -20, False)
    assert survey(np.array([2.0**-30, 0.0]), np.zeros(3)) == (-29, -53, True)
    assert survey(np.array([0.1]), np.array([1.0])) == (1, -56, True)


def test_arrays_of_any_layout_and_size_are_surveyed() -> None:
    numbers = np.ones((3, BLOCK + 1), np.float16)
    numbers[1, -1], numbers[2, 0] = 2.0**-10, 16
    assert survey(numbers.T[::-1]) == (5, -33, True)
    numbers[2, -1] = math.inf
    assert survey(numbers[:, ::-1]) == (5, -33, False)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
def test_all_bits_are_in_the_range(values: list[float]) -> None:
    found = survey(np.array(values))
    for value in map(Fraction, values):
        assert abs(value) < TWO**found.top
        assert value % TWO**found.bottom == 0


# The size of the digits


@given(st.integers(1, 10**6), st.integers(0, 60), st.integers(1, 30))
def test_no_sum_of_digits_passes_2_to_the_53(terms: int, pairs: int, divisor: int) -> None:
    bits = digit_bits(terms, lambda base: pairs // divisor + base // 5 + 1)

    def fits(base: int) -> bool:
        largest: int = terms * (pairs // divisor + base // 5 + 1) * 4 ** (base - 1)
        return largest <= 2**53

    assert bits == max(base for base in range(1, 26) if fits(base))


@pytest.mark.parametrize(
    ("terms", "pairs", "bits"),
    [
        (1, 1, 25),  # the most, of which products of two have 48 bits and a sign
        (16, 2, 25),  # 16·2·2^48 = 2^53
        (17, 2, 24),
        (42, 3, 24),  # 42·3·4^23 = 126·2^46 <= 2^53 = 128·2^46
        (43, 3, 23),
        (1000, 4, 21),  # 1000·4·4^20 = 4000·2^40 <= 2^53 = 8192·2^40
        (10**6, 171, 13),  # 10^6·171·4^12 = 2.9e15 <= 2^53 = 9.0e15
    ],
)
def test_digit_bits(terms: int, pairs: int, bits: int) -> None:
    assert digit_bits(terms, lambda _: pairs) == bits


# A factor in digits


def factor(values: list[float], room: int = 0) -> _Factor:
    """Return a factor whose digits begin so many bits above what its numbers need, one for the sign being there."""
    array = np.array(values)
    return _Factor(survey(array).top + 1 + room, array)


@given(
    st.lists(st.floats(-1e120, 1e120).filter(lambda x: x == 0 or abs(x) > 1e-120), min_size=1, max_size=4),
    st.integers(2, 25),
    st.integers(0, 9),
)
def test_digits_and_what_is_behind_them_are_the_numbers(values: list[float], bits: int, levels: int) -> None:
    made, top = factor(values), survey(np.array(values)).top + 1
    for most in (levels, math.inf):
        digits = made.leading(bits, most)
        behind = made.behind(bits, most) if most < math.inf else np.zeros(len(values))
        for index, value in enumerate(values):
            left = Fraction(float(behind.flat[index])) * TWO ** (top - bits - bits * levels)
            assert total(digits, top - bits, bits, index) + left == Fraction(value)
        for level, digit in digits.items():
            assert (digit == np.rint(digit)).all()
            assert np.abs(digit).max() <= 2 ** (bits - 1)
            assert level < most
            assert digit.any() or level == 0


def test_a_digit_may_be_half_the_base_and_no_more() -> None:
    # In base 8, below 2^5: 20 is 2·8 + 4, and 28 is 4·8 − 4; a tie goes to the even digit.
    digits = _Factor(6, np.array([20.0, 28.0, -20.0])).leading(3, math.inf)
    assert {level: digit.tolist() for level, digit in digits.items()} == {0: [2, 4, -2], 1: [4, -4, -4]}


def test_levels_without_a_digit_are_left_out() -> None:
    digits = _Factor(4, np.array([1.0, 2.0**-400])).leading(4, math.inf)
    assert {level: digit.tolist() for level, digit in digits.items()} == {0: [1.0, 0.0], 100: [0.0, 1.0]}


def test_nothing_has_one_digit_that_is_zero() -> None:
    digits = _Factor(1, np.zeros((2, 3))).leading(7, math.inf)
    assert {level: digit.tolist() for level, digit in digits.items()} == {0: [[0.0] * 3] * 2}


def test_what_is_not_finite_has_no_digits_but_stays_beside_the_signs() -> None:
    made = _Factor(4, np.array([math.inf, -5.0, 0.0, math.nan]))
    assert made.leading(4, math.inf)[0].tolist() == [0, -5, 0, 0]
    assert _signs(made.given)[:3].tolist() == [math.inf, -1, 0]
    assert math.isnan(_signs(made.given)[3])


def test_integers_are_multiples_of_the_least_number() -> None:
    made = _Factor(4, np.array([5e-324, -1.0, math.inf]))
    assert made.integers.tolist() == [1, -(2**1074), 0]


@pytest.mark.parametrize(
    ("value", "exponent", "scaled"),
    [
        (3.0, 0, 3.0),
        (3.0, 1000, 3 * 2.0**1000),
        (3.0, -1074, 3 * 2.0**-1074),
        (1.5 * 2.0**-1000, 2000, 1.5 * 2.0**1000),
        (2.0**-1074, 2097, 2.0**1023),
        (1.5 * 2.0**1000, -2000, 1.5 * 2.0**-1000),
        (1.0, 2100, math.inf),
        (-1.0, 2100, -math.inf),
        (2.0**1000, -2200, 0.0),
        (-(2.0**-1074), 3100, -math.inf),
        (0.0, 2100, 0.0),
    ],
)
def test_scaling_by_any_power_of_two(value: float, exponent: int, scaled: float) -> None:
    with np.errstate(all="ignore"):
        found = scale(np.array([[value, 1.0]]), exponent)
    assert found.shape == (1, 2)
    assert found[0, 0] == scaled


# Adding


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_two_sum_loses_nothing(first: float, second: float) -> None:
    total, rest = two_sum(np.array([first]), np.array([second]))
    assert total.item() == first + second
    assert Fraction(total.item()) + Fraction(rest.item()) == Fraction(first) + Fraction(second)


# The last rounding


@pytest.mark.parametrize("name", FORMATS)
@given(st.integers(-(2**60), 2**60), st.integers(-1300, 1100), st.integers(-1, 1))
def test_a_fraction_is_rounded_to_the_nearest_number(name: str, whole: int, exponent: int, below: int) -> None:
    number = (whole + Fraction(below, 2**70)) * TWO**exponent
    found = nearest(number, float_info(name))
    assert found == second_opinion.nearest(number, name)
    assert math.copysign(1, found) == (-1 if number < 0 else 1)


@pytest.mark.parametrize("name", FORMATS)
def test_ties_are_rounded_to_even_and_what_is_beyond_the_largest_to_infinity(name: str) -> None:
    digits, least, largest = FORMATS[name]
    info, half = float_info(name), Fraction(1, 2**digits)
    assert [nearest(sign * (1 + half), info) for sign in (1, -1)] == [1, -1]
    assert nearest(1 + 3 * half, info) == 1 + 4 * half
    assert nearest(1 + half + TWO**-2000, info) == 1 + 2 * half
    assert nearest(1 + 3 * half - TWO**-2000, info) == 1 + 2 * half
    units = [Fraction(1, 2), Fraction(3, 2), Fraction(5, 2), Fraction(1, 2) + TWO**-900]
    assert [nearest(unit * TWO**least, info) for unit in units] == [
        math.ldexp(number, least) for number in (0, 2, 2, 1)
    ]
    last = TWO ** (math.frexp(largest)[1] - digits)
    even = name == "float8_e4m3fn"  # 448 = 14·32
    assert nearest(Fraction(largest) + last / 2, info) == (largest if even else math.inf)
    assert nearest(-Fraction(largest) - last / 2 - TWO**-900, info) == -math.inf
    assert nearest(Fraction(largest) + last / 2 - TWO**-900, info) == largest
    assert nearest(TWO**5000, info) == math.inf
    assert nearest(-(TWO**5000), info) == -math.inf
