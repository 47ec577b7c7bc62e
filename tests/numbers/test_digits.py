from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nearest import TWO, nearest

import refconv.numbers.formats
from refconv.numbers.digits import BLOCK, EXACT_BITS, Range, bit_range, digit_bits, round_sums, scale, split, two_sum
from refconv.numbers.formats import FloatInfo, float_info

Array = npt.NDArray[Any]
DOUBLE, SINGLE, HALF = float_info("float64"), float_info("float32"), float_info("float16")
# The bases that sums may come in: all that two float64 numbers can read the leading digits of.
BASES = [25, 24, 23, 22, 21, 20, 19, *range(17, 1, -1)]


def total(digits: dict[int, Array], origin: int, bits: int, index: int) -> Fraction:
    zero = Fraction(0)
    return sum((int(digit.flat[index]) * TWO ** (origin + a * bits) for a, digit in digits.items()), zero)


def round_one(sums: dict[int, int], bits: int, info: FloatInfo, origin: int = 0) -> float:
    planes = {position: np.array([float(value)]) for position, value in sums.items()}
    result: float = round_sums(planes, (1,), origin, bits, info).item()
    return result


# The range of the bits


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
    ],
)
def test_bit_range(values: list[float], top: int, bottom: int) -> None:
    found = bit_range(np.array(values))
    assert found == Range(top, bottom)
    assert found.width == top - bottom


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
def test_all_bits_are_in_the_range(values: list[float]) -> None:
    found = bit_range(np.array(values))
    for value in map(Fraction, values):
        assert abs(value) < TWO**found.top
        assert value % TWO**found.bottom == 0


# The size of the digits


@given(st.integers(0, 10**6), st.integers(0, 2200))
def test_no_sum_of_digits_passes_2_to_the_53(terms: int, width: int) -> None:
    bits = digit_bits(terms, width)

    def fits(base: int) -> bool:
        pairs = width // base + 2
        largest: int = (terms * pairs + 1) * 4 ** (base - 1)
        return largest <= 2**53

    assert bits == max(base for base in BASES if fits(base))


@pytest.mark.parametrize(
    ("terms", "width", "bits"),
    [
        (0, 0, 25),
        (1, 24, 25),
        (15, 0, 25),  # (15·2 + 1)·2^48 <= 2^53
        (16, 0, 24),  # (16·2 + 1)·2^48 is more
        (31, 25, 24),  # (31·3 + 1)·4^23 = 94·2^46 <= 2^53 = 128·2^46
        (43, 25, 23),  # (43·3 + 1)·2^46 is more
        (1000, 48, 21),  # (1000·4 + 1)·4^20 = 4001·2^40 <= 2^53 = 8192·2^40
        (40000, 40, 17),  # base 2^18 would do, (40000·4 + 1)·4^17 = 1.22·2^51, but for reading it
    ],
)
def test_digit_bits(terms: int, width: int, bits: int) -> None:
    assert digit_bits(terms, width) == bits


def test_two_float64_numbers_hold_the_leading_digits_of_every_base() -> None:
    for bits in BASES:
        looked_at = math.ceil(56 / bits) + 1
        assert math.ceil(looked_at / 2) * bits <= EXACT_BITS == 51
        # The least that a leading digit of 1 can leave is more than 2^53, so that half a last place is a whole number.
        least = 2 ** ((looked_at - 1) * bits) - sum(2 ** (k * bits + bits - 1) for k in range(looked_at - 1))
        assert least > 2**53


# Splitting


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    st.integers(2, 26),
    st.integers(-5, 40),
)
def test_splitting_loses_nothing(values: list[float], bits: int, shift: int) -> None:
    array = np.array(values)
    before = array.copy()
    origin = bit_range(array).top + 1 + shift
    digits = split(array, origin, bits)
    np.testing.assert_array_equal(array, before)
    for index, value in enumerate(values):
        assert total(digits, origin, bits, index) == Fraction(value)
    for digit in digits.values():
        assert (digit == np.rint(digit)).all()
        assert np.abs(digit).max() <= 2 ** (bits - 1)
        assert digit.any()
    assert list(digits) == sorted(digits, reverse=True)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4), st.integers(2, 25))
def test_there_are_no_more_digits_than_digit_bits_allows_for(values: list[float], bits: int) -> None:
    array = np.array(values)
    found = bit_range(array)
    assert len(split(array, found.top + 1, bits)) <= found.width // bits + 2


def test_a_digit_may_be_half_the_base_and_no_more() -> None:
    # 4 = 2^(3−1) is one digit in base 8, be it positive or not; 5 is 1·8 − 3
    assert {k: d.tolist() for k, d in split(np.array([4.0, -4.0]), 0, 3).items()} == {0: [4.0, -4.0]}
    assert {k: d.tolist() for k, d in split(np.array([5.0]), 0, 3).items()} == {1: [1.0], 0: [-3.0]}


def test_positions_without_a_digit_are_left_out() -> None:
    digits = split(np.array([1.0, 2.0**-1074]), 0, 4)
    assert {k: d.tolist() for k, d in digits.items()} == {0: [1.0, 0.0], -269: [0.0, 4.0]}  # 4·16^-269 = 2^-1074


def test_nothing_has_no_digits() -> None:
    assert split(np.zeros((2, 3)), 5, 7) == {}
    assert split(np.zeros((0, 3)), 5, 7) == {}


def test_the_origin_moves_the_positions() -> None:
    assert {k: d.tolist() for k, d in split(np.array([12.0]), 2, 5).items()} == {0: [3.0]}
    assert {k: d.tolist() for k, d in split(np.array([12.0]), -3, 5).items()} == {1: [3.0]}


@pytest.mark.parametrize("value", [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 2.0**-1022, 2.0**1023])
def test_splitting_the_extremes(value: float) -> None:
    for bits in (2, 13, 25):
        for origin in (1025, 0, -1100):
            digits = split(np.array([value, 3.0]), origin, bits)
            assert total(digits, origin, bits, 0) == Fraction(value)
            assert total(digits, origin, bits, 1) == 3


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


# Carrying and rounding


def test_no_sums_are_zeros() -> None:
    assert round_sums({}, (2, 3), 5, 7, DOUBLE).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("sums", "bits", "origin", "value"),
    [
        ({0: 5}, 3, 0, 5.0),
        ({0: 5}, 3, 4, 80.0),
        ({1: 5, 0: -5}, 3, 0, 35.0),
        ({1: 1, 0: -8}, 3, 0, 0.0),  # carried, nothing is left
        ({3: -1}, 3, -9, -1.0),
        ({2: 1, 0: 1}, 3, -6, 1 + 2.0**-6),
        ({0: 2**53}, 25, 0, 2.0**53),
        ({0: -(2**53)}, 2, 0, -(2.0**53)),  # carries run far past the top
        ({-7: 3}, 5, 35, 3.0),
    ],
)
def test_sums_are_evaluated(sums: dict[int, int], bits: int, origin: int, value: float) -> None:
    assert round_one(sums, bits, DOUBLE, origin) == value


def test_a_sum_of_zero_is_positive() -> None:
    result = round_sums({0: np.array([-0.0, 8.0]), 1: np.array([0.0, -1.0])}, (2,), 0, 3, DOUBLE)
    assert result.tolist() == [0.0, 0.0]
    assert not np.signbit(result).any()


def test_a_negative_sum_that_vanishes_keeps_its_sign() -> None:
    result = round_sums({0: np.array([-1.0])}, (1,), -1200, 20, DOUBLE)
    assert result.tolist() == [0.0]
    assert np.signbit(result).tolist() == [True]


def test_sums_are_broadcast() -> None:
    sums = {0: np.array([[1.0], [2.0]]), 1: np.array([[10.0, 20.0, 30.0]])}
    assert round_sums(sums, (2, 3), 0, 4, DOUBLE).tolist() == [[161, 321, 481], [162, 322, 482]]


@pytest.mark.parametrize("bits", BASES)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_least_below_a_tie_decides_it_however_far_it_is(bits: int, sign: int) -> None:
    for info in (DOUBLE, SINGLE, HALF):
        digits = info.digits
        for tie, even, odd in [
            (2**digits + 1, 2**digits, 2**digits + 2),
            (2**digits + 3, 2**digits + 4, 2**digits + 2),
        ]:
            # tie·2^(−p), written in the base from far below the top, and a 1 still further below
            for gap in (1, 3, 30):
                place = gap * bits
                for below in (-1, 0, 1):
                    whole = sign * (tie * 2**place + below)
                    sums: dict[int, int] = {}
                    position, rest = 0, whole
                    while rest:
                        digit = ((rest + 2 ** (bits - 1)) % 2**bits) - 2 ** (bits - 1)
                        sums[position] = digit
                        position, rest = position + 1, (rest - digit) >> bits
                    exact = even if below == 0 else (tie + (1 if below > 0 else -1))
                    assert exact in (even, odd)
                    origin = -place - digits
                    assert round_one(sums, bits, info, origin) == sign * exact * 2.0**-digits


@st.composite
def sums_in_a_base(draw: st.DrawFn) -> tuple[dict[int, int], int, int]:
    """Draw sums at up to 8 positions, extremes and digits of half the base among them."""
    bits = draw(st.sampled_from(BASES))
    half = 2 ** (bits - 1)
    value = st.one_of(
        st.sampled_from([0, 1, -1, half, -half, half - 1, 1 - half, 2**53, -(2**53)]), st.integers(-(2**53), 2**53)
    )
    positions = draw(st.lists(st.integers(-4, 12), min_size=1, max_size=8, unique=True))
    return {position: draw(value) for position in positions}, bits, draw(st.integers(-1250, 1000))


@settings(deadline=None, max_examples=300)
@given(sums_in_a_base(), st.sampled_from(["float64", "float32", "float16", "bfloat16", "float8_e5m2"]))
def test_sums_are_rounded_to_the_nearest(drawn: tuple[dict[int, int], int, int], name: str) -> None:
    sums, bits, origin = drawn
    exact = sum((value * TWO ** (origin + d * bits) for d, value in sums.items()), Fraction(0))
    assert round_one(sums, bits, float_info(name), origin) == nearest(exact, name)


@settings(deadline=None)
@given(st.sampled_from(BASES), st.data())
def test_leading_digits_of_any_size_are_read_exactly(bits: int, data: st.DataObject) -> None:
    half = 2 ** (bits - 1)
    digit = st.sampled_from([-half, 1 - half, -1, 0, 1, half - 1])
    digits = data.draw(st.lists(digit, min_size=12, max_size=12))
    sums = dict(enumerate(digits))
    exact = sum((value * TWO ** (d * bits) for d, value in sums.items()), Fraction(0))
    for name, origin in [("float64", 0), ("float32", -12 * bits)]:
        assert round_one(sums, bits, float_info(name), origin) == nearest(exact * TWO**origin, name)
    # And where float64 runs out of digits: with k of them left.
    left = data.draw(st.integers(1, 52))
    origin = -1074 - (max(1, exact.numerator.bit_length()) - left)
    assert round_one(sums, bits, DOUBLE, origin) == nearest(exact * TWO**origin, "float64")


def test_a_carry_that_empties_the_leading_digit() -> None:
    # 8^4 − 4·8^3 = 2048, and what is below turns ties
    assert round_one({4: 1, 3: -4, 0: 1}, 3, DOUBLE) == 2049
    assert round_one({4: 1, 3: -4, 2: -4, 1: -4, 0: -4}, 3, DOUBLE) == 4096 - 2048 - 256 - 32 - 4


def test_exponents_are_c_ints(monkeypatch: pytest.MonkeyPatch) -> None:
    # NumPy's ldexp takes a C int or a C long, and a C long has 32 bits on some systems.
    numpys, kinds = np.ldexp, set()

    class Recording:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        def ldexp(self, value: Array, exponent: Any) -> Any:
            kinds.add(np.asarray(exponent).dtype)
            return numpys(value, exponent)

    monkeypatch.setattr(refconv.numbers.formats, "np", Recording())
    assert round_one({0: 5}, 3, DOUBLE) == 5.0
    assert kinds == {np.dtype(np.intc)}


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_two_sum_loses_nothing(first: float, second: float) -> None:
    total, rest = two_sum(np.array([first]), np.array([second]))
    assert total.item() == first + second
    assert Fraction(total.item()) + Fraction(rest.item()) == Fraction(first) + Fraction(second)


def test_blocks_with_digits_of_their_own_make_one_number_each() -> None:
    array = np.zeros((1, 2 * BLOCK + 3))
    array[0, [0, BLOCK - 1, BLOCK, -1]] = 5, -3, 2.0**-40, 7
    digits = split(array, 0, 3)
    assert {k: d[d != 0].tolist() for k, d in digits.items()} == {1: [1.0, 1.0], 0: [-3.0, -3.0, -1.0], -14: [4.0]}
    assert (sum(digit * 8.0**position for position, digit in digits.items()) == array).all()  # type: ignore[union-attr]
