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

from refconv.numbers.exactly import BLOCK, Survey, digit_bits, nearest, scale, split, two_sum
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
    found = Survey.of(np.array(values))
    assert (found.top, found.bottom, found.width) == (top, bottom, top - bottom)
    assert found.is_finite == np.isfinite(values).all()


def test_of_several_arrays_zeros_do_not_count_and_what_is_not_finite_does() -> None:
    assert Survey.of(np.array([8.0]), np.array([0.0]), np.array([0.25])) == (4, -25, True)
    assert Survey.of(np.array([8.0]), np.array([math.nan])) == (4, -20, False)
    assert Survey.of(np.array([2.0**-30, 0.0]), np.zeros(3)) == (-29, -53, True)
    assert Survey.of(np.array([0.1]), np.array([1.0])) == (1, -56, True)


def test_arrays_of_any_layout_and_size_are_surveyed() -> None:
    numbers = np.ones((3, BLOCK + 1), np.float16)
    numbers[1, -1], numbers[2, 0] = 2.0**-10, 16
    assert Survey.of(numbers.T[::-1]) == (5, -33, True)
    numbers[2, -1] = math.inf
    assert Survey.of(numbers[:, ::-1]) == (5, -33, False)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
def test_all_bits_are_in_the_range(values: list[float]) -> None:
    found = Survey.of(np.array(values))
    for value in map(Fraction, values):
        assert abs(value) < TWO**found.top
        assert value % TWO**found.bottom == 0


# The size of the digits


@given(st.integers(1, 10**6), st.integers(0, 2200))
def test_no_sum_of_digits_passes_2_to_the_53(terms: int, width: int) -> None:
    bits = digit_bits(terms, width)

    def fits(base: int) -> bool:
        largest: int = terms * (width // base + 2) * 4 ** (base - 1)
        return largest <= 2**53

    assert bits == max(base for base in range(1, 26) if fits(base))


@pytest.mark.parametrize(
    ("terms", "width", "bits"),
    [
        (1, 0, 25),
        (1, 24, 25),
        (16, 0, 25),  # 16·2·2^48 = 2^53
        (17, 0, 24),
        (42, 25, 24),  # 42·3·4^23 = 126·2^46 <= 2^53 = 128·2^46
        (43, 25, 23),
        (1000, 48, 21),  # 1000·4·4^20 = 4000·2^40 <= 2^53 = 8192·2^40
        (40000, 40, 18),  # 40000·4·4^17 = 1.22·2^51
        (10**6, 2200, 13),  # 10^6·171·4^12 = 2.9e15 <= 2^53 = 9.0e15
    ],
)
def test_digit_bits(terms: int, width: int, bits: int) -> None:
    assert digit_bits(terms, width) == bits


# Splitting


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    st.integers(2, 26),
    st.integers(-5, 40),
)
def test_splitting_loses_nothing(values: list[float], bits: int, shift: int) -> None:
    array = np.array(values)
    before = array.copy()
    unit = Survey.of(array).top + 1 + shift
    digits = split(array, unit, bits)
    np.testing.assert_array_equal(array, before)
    for index, value in enumerate(values):
        assert total(digits, unit, bits, index) == Fraction(value)
    for digit in digits.values():
        assert (digit == np.rint(digit)).all()
        assert np.abs(digit).max() <= 2 ** (bits - 1)
        assert digit.any() or len(digits) == 1
    assert list(digits) == sorted(digits)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4), st.integers(2, 25))
def test_there_are_no_more_digits_than_digit_bits_allows_for(values: list[float], bits: int) -> None:
    array = np.array(values)
    found = Survey.of(array)
    assert len(split(array, found.top + 1 - bits, bits)) <= found.width // bits + 2


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4), st.integers(2, 25))
def test_the_first_level_has_no_digit_before_it(values: list[float], bits: int) -> None:
    array = np.array(values)
    assert min(split(array, Survey.of(array).top + 1 - bits, bits)) >= 0


def test_a_digit_may_be_half_the_base_and_no_more() -> None:
    # 4 = 2^(3−1) is one digit in base 8, be it positive or not; 5 is 1·8 − 3
    assert {k: d.tolist() for k, d in split(np.array([4.0, -4.0]), 0, 3).items()} == {0: [4.0, -4.0]}
    assert {k: d.tolist() for k, d in split(np.array([5.0]), 0, 3).items()} == {-1: [1.0], 0: [-3.0]}


def test_levels_without_a_digit_are_left_out() -> None:
    digits = split(np.array([1.0, 2.0**-1074]), 0, 4)
    assert {k: d.tolist() for k, d in digits.items()} == {0: [1.0, 0.0], 269: [0.0, 4.0]}  # 4·16^-269 = 2^-1074


def test_nothing_has_one_digit_that_is_zero() -> None:
    assert {k: d.tolist() for k, d in split(np.zeros((2, 3)), 5, 7).items()} == {0: [[0.0] * 3] * 2}
    assert {k: d.shape for k, d in split(np.zeros((0, 3)), 5, 7).items()} == {0: (0, 3)}


def test_the_unit_is_that_of_level_0() -> None:
    assert {k: d.tolist() for k, d in split(np.array([12.0]), 2, 5).items()} == {0: [3.0]}
    assert {k: d.tolist() for k, d in split(np.array([12.0]), -3, 5).items()} == {-1: [3.0]}
    assert {k: d.tolist() for k, d in split(np.array([12.0]), 7, 5).items()} == {1: [3.0]}


@pytest.mark.parametrize("value", [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 2.0**-1022, 2.0**1023])
def test_splitting_the_extremes(value: float) -> None:
    for bits in (2, 13, 25):
        for unit in (1025, 0, -1100):
            digits = split(np.array([value, 3.0]), unit, bits)
            assert total(digits, unit, bits, 0) == Fraction(value)
            assert total(digits, unit, bits, 1) == 3


def test_blocks_with_digits_of_their_own_make_one_number_each() -> None:
    array = np.zeros((1, 2 * BLOCK + 3))
    array[0, [0, BLOCK - 1, BLOCK, -1]] = 5, -3, 2.0**-40, 7
    digits = split(array, 0, 3)
    assert {k: d[d != 0].tolist() for k, d in digits.items()} == {-1: [1.0, 1.0], 0: [-3.0, -3.0, -1.0], 14: [4.0]}
    assert list(digits) == [-1, 0, 14]
    assert (sum(digit * 8.0**-level for level, digit in digits.items()) == array).all()  # type: ignore[union-attr]


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
