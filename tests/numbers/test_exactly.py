from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arrays import Array, dtype_of, wide_longdouble
from hypothesis import given
from hypothesis import strategies as st
from memory import peak
from nearest import FORMATS, TWO, nearest
from refusals import naming
from sampled import one_in
from tiles import set_tiles

from refconv import conv2d

TYPES = [name for name in FORMATS if name != "tf32"]
types = pytest.mark.parametrize("name", TYPES)


def exact(*arguments: Any, dtype: npt.DTypeLike | None = None, **keywords: Any) -> Array:
    return conv2d(*arguments, method="exact", dtype=dtype, **keywords)


def dot(pixels: Any, taps: Any, name: str = "float64", bias: Any = None) -> float:
    """Return the exact dot product of two rows of float64 numbers and a bias, rounded to a format."""
    offset = None if bias is None else np.array([bias], np.float64)
    row, kernel = (np.array(values, np.float64).reshape(1, 1, 1, -1) for values in (pixels, taps))
    return float(exact(row, kernel, offset, dtype=dtype_of(name)).item())


def dots(pixels: Array, taps: Array, name: str) -> list[float]:
    """Return the dot products of the rows of two matrices, one group for each."""
    row, kernel = pixels[np.newaxis, :, np.newaxis, :], taps[:, np.newaxis, np.newaxis, :]
    found = exact(row, kernel, groups=len(pixels), dtype=dtype_of(name))
    result: list[float] = found.astype(np.float64).ravel().tolist()
    return result


def sum_of_products(pixels: Array, taps: Array) -> Fraction:
    pairs = zip(pixels.tolist(), taps.tolist(), strict=True)
    return sum((Fraction(x) * Fraction(w) for x, w in pairs), Fraction(0))


def as_its_type_says(value: float, name: str) -> float:
    """Return NaN for infinity in the one type that has none."""
    return math.nan if name == "float8_e4m3fn" and math.isinf(value) else value


def same(found: list[float], expected: list[float], name: str) -> bool:
    wanted = [as_its_type_says(value, name) for value in expected]
    return np.array_equal(np.array(found), np.array(wanted), equal_nan=True)


# Correct rounding against fractions: 21,600 random outputs, 4,320 of any size, and 3,240 near-ties and as many ties


@types
def test_random_outputs_are_correctly_rounded(name: str) -> None:
    rng, dtype = np.random.default_rng(1), dtype_of(name)
    image = rng.normal(size=(60, 5, 1, 1)).astype(dtype)
    kernel = (rng.normal(size=(60, 5, 1, 1)) / 3).astype(dtype)
    found = exact(image, kernel)
    assert found.dtype == dtype
    left, right = (
        [list(map(Fraction, row)) for row in a.astype(float).reshape(60, 5).tolist()] for a in (image, kernel)
    )
    expected = [[nearest(sum(x * w for x, w in zip(a, b, strict=True)), name) for b in right] for a in left]  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.astype(float).reshape(60, 60), expected)


@types
def test_outputs_of_any_size_are_correctly_rounded(name: str) -> None:
    # Products over all of float64's exponents and far beyond them: overflow, subnormal results and underflow too.
    rng = np.random.default_rng(2)
    digits, least, largest = FORMATS[name]
    top = math.frexp(largest)[1]
    ends = [(least - 6, least + digits), (least, top), (top - 20, top + 4)]  # of a product, as powers of two
    size = np.concatenate([rng.integers(*end, (240, 1)) for end in ends])
    share = size // 2 + rng.integers(-40, 40, (720, 1))
    spread = rng.integers(-digits - 4, 1, (720, 3))
    taps = np.ldexp(rng.normal(size=(720, 3)), share)
    pixels = np.ldexp(rng.normal(size=(720, 3)), size - share + spread)
    expected = [nearest(sum_of_products(x, w), name) for x, w in zip(pixels, taps, strict=True)]
    assert same(dots(pixels, taps, name), expected, name)
    assert any(math.isinf(value) for value in expected)
    assert any(0 < abs(value) < math.ldexp(1, least + digits - 1) for value in expected)
    assert 0.0 in expected


def near_ties(name: str, count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return pixels, taps, and the side of the tie on which each sum lies: −1, 0 or 1.

    The sum is ``(m + ½)·2^q + side·2^(q − gap)``, beside a product and its negative, up to 10^40 times as large.
    """
    digits, least, largest = FORMATS[name]
    top = math.frexp(largest)[1]
    is_subnormal = rng.random(count) < 0.25
    whole = rng.integers(0, 2**digits, count) | np.where(is_subnormal, 0, 2 ** (digits - 1))
    place = np.where(is_subnormal, least, rng.integers(least, min(least + 400, top - digits), count))
    side = rng.integers(-1, 2, count)
    gap = rng.integers(2, 160, count)
    sign = rng.choice([-1.0, 1.0], count)
    shift = np.maximum(-place - 500, 0)  # below, the factors would be subnormal
    huge = np.ldexp(rng.normal(size=count), place // 2 + rng.integers(0, 100, count))
    other = np.ldexp(rng.normal(size=count), place // 2 + 20)
    pixels = np.stack(
        [
            np.ldexp(sign * whole, place + shift),
            np.ldexp(sign, place + shift),
            huge,
            np.ldexp(side, place + shift - gap),
            huge,
        ],
        axis=1,
    )
    one = np.ldexp(1.0, -shift)
    taps = np.stack([one, one / 2, other, one, -other], axis=1)
    return pixels, taps, side


@types
def test_near_ties_are_correctly_rounded(name: str) -> None:
    rng = np.random.default_rng(3)
    pixels, taps, side = near_ties(name, 540, rng)
    expected = [nearest(sum_of_products(x, w), name) for x, w in zip(pixels, taps, strict=True)]
    assert same(dots(pixels, taps, name), expected, name)
    assert min((side == one).sum() for one in (-1, 0, 1)) > 100
    # The three sides of one tie are not all the same: the near-ties are ties.
    pixels[:, 3] = 0
    ties = [nearest(sum_of_products(x, w), name) for x, w in zip(pixels, taps, strict=True)]
    assert same(dots(pixels, taps, name), ties, name)
    assert sum(tie != value for tie, value in zip(ties, expected, strict=True)) > 100


@pytest.mark.parametrize("condition", [1e10, 1e20, 1e30, 1e40])
@types
def test_sums_of_any_condition_are_correctly_rounded(name: str, condition: float) -> None:
    # Σ|x||w| is `condition` times as large as the sum, whose terms are put in between
    rng = np.random.default_rng(4)
    huge = condition**0.5 * rng.normal(size=(40, 2, 3))
    small = rng.normal(size=(40, 2, 4)) / 3
    pixels = np.concatenate([huge[:, 0], small[:, 0], -huge[:, 0]], axis=1)
    taps = np.concatenate([huge[:, 1], small[:, 1], huge[:, 1]], axis=1)
    expected = [nearest(sum_of_products(x, w), name) for x, w in zip(small[:, 0], small[:, 1], strict=True)]
    assert same(dots(pixels, taps, name), expected, name)
    assert max(map(abs, expected)) < 10


anything = st.floats(allow_nan=False, allow_infinity=False)
products = st.lists(st.tuples(anything, anything), min_size=1, max_size=6)


@given(products, st.sampled_from(["float64", "float32", "float16"]), anything)
def test_any_numbers_at_all(drawn: list[tuple[float, float]], name: str, bias: float) -> None:
    pixels, taps = zip(*drawn, strict=True)
    total = sum((Fraction(x) * Fraction(w) for x, w in drawn), Fraction(bias))
    assert dot(pixels, taps, name, bias) == nearest(total, name)


def test_bases_whose_leading_digits_float64_cannot_hold_are_not_used() -> None:
    # Base 2^18 would fit 50,000 taps, and −2^17·B^2 − 2^17·B − 1 take 54 bits; the sum is a tie but for 2^-40.
    pixels, taps = np.zeros(50_000), np.ones(50_000)
    pixels[:3] = [-(2.0**53), -(2.0**35) - 1, -(2.0**-40)]
    taps[3] = 0
    for shift in range(18):
        pixels[3] = 2.0 ** (54 + shift)  # moves the digits' places, and adds nothing
        assert dot(pixels, taps) == -(2.0**53 + 2.0**35 + 2)


# Rounding once


@pytest.mark.parametrize(
    ("pixels", "name", "result"),
    [
        ([1, 2**-11, 2**-30], "float16", 1 + 2**-10),  # 1 by way of float32, which makes a tie of it
        ([1, 2**-11, 2**-60], "float16", 1 + 2**-10),  # and by way of float64
        ([1, 2**-11, -(2**-60)], "float16", 1.0),
        ([1, 3 * 2**-11, -(2**-60)], "float16", 1 + 2**-10),
        ([1, 2**-24, 2**-60], "float32", 1 + 2**-23),
        ([1, 2**-24, -(2**-900)], "float32", 1.0),
        ([1, 3 * 2**-24, -(2**-900)], "float32", 1 + 2**-23),
        ([1, 2**-53, 2**-1000], "float64", 1 + 2**-52),
        ([1, 2**-53], "float64", 1.0),
        ([1, 3 * 2**-53], "float64", 1 + 2**-51),
        ([1, 2**-8, 2**-30], "bfloat16", 1 + 2**-7),
        ([1, 2**-8, 2**-70], "bfloat16", 1 + 2**-7),
        ([1, 2**-3, 2**-70], "float8_e5m2", 1.25),
        ([1, 2**-4, 2**-70], "float8_e4m3fn", 1.125),
        ([1, 2**-4, -(2**-70)], "float8_e4m3fn", 1.0),
    ],
)
def test_nothing_is_rounded_twice(pixels: list[float], name: str, result: float) -> None:
    ones = [1.0] * len(pixels)
    assert dot(pixels, ones, name) == result
    assert dot([-pixel for pixel in pixels], ones, name) == -result
    assert dot(pixels[:-1], ones[:-1], name, bias=pixels[-1]) == result


@types
def test_overflow_begins_half_a_last_place_past_the_largest(name: str) -> None:
    digits, _, largest = FORMATS[name]
    half = 2.0 ** (math.frexp(largest)[1] - digits - 1)
    infinite = as_its_type_says(math.inf, name)
    breath = 2.0**-40
    even = name == "float8_e4m3fn"  # 448 = 14·32
    for bias, result in [(breath, infinite), (0.0, largest if even else infinite), (-breath, largest)]:
        np.testing.assert_equal(dot([largest, half], [1, 1], name, bias), result)
        np.testing.assert_equal(dot([largest, half], [-1, -1], name, -bias), -result)


@pytest.mark.parametrize("terms", [7, 8, 15, 16, 30, 31, 100, 1000])
def test_what_float64_makes_of_a_sum_is_taken_off_it_exactly(terms: int) -> None:
    # Every digit of every number is large.  What the sum's nearest number leaves is found in its last digits, where a sum
    # of digits beyond 2^53 would be off.
    rng = np.random.default_rng(terms)
    pixels = (rng.integers(2**51, 2**53, terms) | 2**24 | 1).astype(float)
    taps = pixels[rng.permutation(terms)]
    total = sum_of_products(pixels, taps)
    rounded = dot(pixels, taps)
    assert rounded == nearest(total, "float64")
    assert dot(pixels, taps, bias=-rounded) == nearest(total - Fraction(rounded), "float64")
    # Both parts of complex numbers add up two products of each.
    row, kernel = (part.reshape(1, 1, 1, -1) for part in (pixels * (1 + 1j), taps * (1 - 1j)))
    assert exact(row, kernel).item() == 2 * rounded
    left = exact(row, kernel, np.array([-2 * rounded + 0j])).item()
    assert left == 2 * nearest(total - Fraction(rounded), "float64")


def test_sums_that_overflow_on_the_way_do_not() -> None:
    huge = 1.7e308
    assert dot([huge, huge, -huge], [1, 1, 1]) == huge
    assert dot([huge, -huge, 3], [huge, huge, 1]) == 3
    assert dot([huge, huge], [huge, 1]) == math.inf
    assert dot([huge, huge], [-huge, 1]) == -math.inf


@types
def test_underflow_is_rounded_to_nearest_too(name: str) -> None:
    least = FORMATS[name][1]
    scale = math.ldexp(1, -500), math.ldexp(1, least + 500)
    for units, result in [(0.5, 0), (0.5000001, 1), (0.75, 1), (1.5, 2), (2.5, 2), (2.5000001, 3), (0.25, 0)]:
        found = dot([units * scale[0]], [scale[1]], name)
        assert found == math.ldexp(result, least)
        assert math.copysign(1, found) == 1
        found = dot([-units * scale[0]], [scale[1]], name)
        assert found == -math.ldexp(result, least)
        assert math.copysign(1, found) == -1


def test_products_below_all_numbers_are_not_lost() -> None:
    tiny = 2.0**-1000
    assert dot([1, 2**-53, tiny], [1, 1, tiny]) == 1 + 2**-52
    assert dot([tiny], [tiny]) == 0
    assert dot([tiny, tiny], [tiny, -tiny]) == 0
    for side, units in [(-1, 1), (0, 2), (1, 2)]:  # 1½ of the least number, and a breath
        assert dot([tiny] * 3, [2.0**-74, 2.0**-75, side * 2.0**-300]) == units * 5e-324


@pytest.mark.parametrize("name", ["float64", "float32"])
@pytest.mark.parametrize("pixel", [2.0**-1000, 0.0])
def test_a_bias_that_float64_does_not_reach_from_the_products(pixel: float, name: str) -> None:
    # 128, in units of what a product of 2^-1000 or less can be, is beyond float64
    for bias in (128.0, -3.0, math.ldexp(1, -149)):
        assert dot([pixel, 0], [2.0**-970, 1], name, bias) == bias


@pytest.mark.parametrize("place", [-30, -60, -85, -120, -400, -900, -1000])
def test_what_is_far_below_numbers_that_are_multiplied_by_zero(place: int) -> None:
    # In units of the largest product, 2^1000·0, the last bits of the sum are no float64 any more.
    for sign, result in ((1, 1 + 2.0**-52), (0, 1.0), (-1, 1.0)):
        small = [1.0, 2.0**-53, sign * 2.0**-70]
        found = dot(
            [2.0**1000, *(number * 2.0 ** (place // 2) for number in small)], [0.0, *[2.0 ** (place - place // 2)] * 3]
        )
        assert found == nearest(sum(map(Fraction, small)) * TWO**place, "float64")
        assert place < -1000 or found == result * 2.0**place


@pytest.mark.parametrize("bias", [5e-324, -5e-324, 2.25e-311, -1e-320])
def test_a_bias_that_vanishes_in_units_of_the_products(bias: float) -> None:
    assert dot([0.0], [1e300], bias=bias) == bias
    assert dot([1e300, -1e300], [1e8, 1e8], bias=bias) == bias


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_a_bias_of_1_vanishes_in_units_of_the_largest_products(name: str) -> None:
    assert dot([1e300, -1e300], [1e300, 1e300], name, bias=1.0) == 1


def test_an_exact_zero_is_positive() -> None:
    for pixels, taps, bias in [([3.0, -3.0], [2.0, 2.0], None), ([0.0], [-1.0], -0.0), ([-0.0], [1.0], None)]:
        found = dot(pixels, taps, bias=bias)
        assert found == 0
        assert math.copysign(1, found) == 1


@pytest.mark.parametrize(("bias", "result"), [(1e308, 1e308), (-1e308, -1e308), (5e-324, 2.0), (-5e-324, 2.0)])
def test_a_bias_of_any_size(bias: float, result: float) -> None:
    assert dot([1, 1], [1, 1], bias=bias) == result
    assert dot([2.0**-53, 1], [1, 1], bias=bias) == (result if abs(bias) > 1 else 1 + 2**-52 * (bias > 0))


# What is not finite


@pytest.mark.parametrize(
    ("pixels", "taps", "result"),
    [
        ([math.inf, 1], [2, 3], math.inf),
        ([math.inf, 1], [-2, 3], -math.inf),
        ([math.inf, 1], [0, 3], math.nan),
        ([math.inf, 1], [-0.0, 3], math.nan),
        ([math.inf, math.inf], [1, 1], math.inf),
        ([math.inf, math.inf], [1, -1], math.nan),
        ([math.inf, -math.inf], [1, 1], math.nan),
        ([math.nan, 1], [0, 1], math.nan),
        ([math.nan, 1], [math.inf, 1], math.nan),
        ([math.inf, -1e308, -1e308], [1e-300, 10, 10], math.inf),  # a sum that overflows is finite, and does not count
        ([-math.inf, 1e308, 1e308], [5e-324, 10, 10], -math.inf),
        ([1, 2], [math.inf, 1], math.inf),
        ([0, 2], [math.inf, 1], math.nan),
        ([1, 2], [math.nan, 1], math.nan),
    ],
)
def test_nan_and_infinity_as_ieee_has_them(pixels: list[float], taps: list[float], result: float) -> None:
    for name in ("float64", "float16"):
        with np.errstate(all="raise"):
            found = dot(pixels, taps, name)
            np.testing.assert_equal(found, result)
            np.testing.assert_equal(dot(pixels, taps, name, bias=1e308), result)


@pytest.mark.parametrize(
    ("pixel", "bias", "result"),
    [
        (1.0, math.inf, math.inf),
        (math.inf, math.inf, math.inf),
        (math.inf, -math.inf, math.nan),
        (math.inf, math.nan, math.nan),
        (1.0, math.nan, math.nan),
        (math.inf, 1.0, math.inf),
    ],
)
def test_a_bias_that_is_not_finite(pixel: float, bias: float, result: float) -> None:
    np.testing.assert_equal(dot([pixel], [2], bias=bias), result)


def test_what_is_not_finite_leaves_its_neighbours_alone() -> None:
    image = np.array([[[[0.1, math.inf, 0.2, 0.3, math.nan, 0.4, 0.5]]]])
    kernel = np.array([[[[3.0, 7.0]]], [[[-1.0, 0.0]]]])
    found = exact(image, kernel, np.array([1.0, math.inf]))
    pairs = [(0.2, 0.3), (0.4, 0.5)]
    finite = [nearest(1 + 3 * Fraction(a) + 7 * Fraction(b), "float64") for a, b in pairs]
    inf, nan = math.inf, math.nan
    np.testing.assert_array_equal(found[0, 0, 0], [inf, inf, finite[0], nan, nan, finite[1]])
    np.testing.assert_array_equal(found[0, 1, 0], [nan, nan, inf, nan, nan, inf])


def test_an_infinite_weight_over_zeros_in_the_padding() -> None:
    image, kernel = np.ones((1, 1, 1, 3)), np.array([[[[math.inf, 2.0]]]])
    assert np.isnan(exact(image, kernel, padding=(0, 1))[0, 0, 0]).tolist() == [True, False, False, False]
    assert exact(image, kernel, padding=(0, 1), padding_mode="circular")[0, 0, 0].tolist() == [math.inf] * 4


@types
def test_no_floating_point_error_is_raised(name: str) -> None:
    dtype = dtype_of(name)
    pixels = np.array([1e300, 1e-300, -1e-320, 1e10, math.inf, math.nan, 0.1, 5e-324]).reshape(1, 1, 1, -1)
    with np.errstate(all="raise"):
        for tap in (1e-5, 1e300, 0.0, -5e-324, math.inf):
            exact(pixels, np.full((1, 1, 1, 1), tap), np.array([1e-310]), dtype=dtype)


# Complex numbers


def test_complex_numbers_are_rounded_part_by_part() -> None:
    rng = np.random.default_rng(5)
    image, kernel = (rng.normal(size=shape) + 1j * rng.normal(size=shape) for shape in [(2, 4, 3, 3), (6, 2, 2, 2)])
    bias = rng.normal(size=6) + 1j * rng.normal(size=6)
    found = exact(image, kernel, bias, groups=2)

    def fractions(array: Array) -> Array:
        return np.asarray(np.vectorize(Fraction, otypes=[object])(array))

    a, b, c, d = map(fractions, (image.real, image.imag, kernel.real, kernel.imag))
    real = conv2d(a, c, fractions(bias.real), groups=2) - conv2d(b, d, groups=2)
    imag = conv2d(a, d, fractions(bias.imag), groups=2) + conv2d(b, c, groups=2)
    assert found.dtype == np.complex128
    np.testing.assert_array_equal(found.real, real.astype(float))  # Python rounds a fraction correctly
    np.testing.assert_array_equal(found.imag, imag.astype(float))
    narrow = exact(image, kernel, bias, groups=2, dtype=np.complex64)
    assert narrow.dtype == np.complex64
    expected = [nearest(value, "float32") for value in real.ravel()]
    np.testing.assert_array_equal(narrow.real.ravel(), expected)


def test_mixed_real_and_complex() -> None:
    image, kernel = np.array([[[[1 + 2j, 3 - 1j]]]], np.complex64), np.array([[[[10.0, 100.0]]]], np.float32)
    for found in (exact(image, kernel), exact(kernel, image)):
        assert found.dtype == np.complex64
        assert found.tolist() == [[[[310 - 80j]]]]
    assert exact(kernel, kernel, np.array([1j]), dtype=complex).tolist() == [[[[10100 + 1j]]]]


def test_complex_numbers_that_are_not_finite() -> None:
    found = exact(np.array([[[[complex(math.inf, 1)]]]]), np.array([[[[2 + 0j]]]]))
    assert found.real.item() == math.inf  # inf·2 − 1·0
    assert math.isnan(found.imag.item())  # inf·0 + 1·2
    found = exact(np.array([[[[complex(3, math.inf)]]]]), np.array([[[[5 + 2j]]]]), np.array([complex(0, -math.inf)]))
    assert found.real.item() == -math.inf  # 3·5 − inf·2
    assert math.isnan(found.imag.item())  # 3·2 + inf·5 − inf


# Every convolution


GEOMETRIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"stride": (2, 3)},
    "dilation": {"dilation": (2, 1)},
    "padding": {"padding": ((1, 2), (0, 3))},
    "same": {"padding": "same_upper", "stride": (3, 2)},
    "reflect": {"padding": (2, 1), "padding_mode": "reflect"},
    "replicate": {"padding": (2, 1), "padding_mode": "replicate"},
    "circular": {"padding": (2, 1), "padding_mode": "circular"},
    "all": {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2)},
}


@pytest.mark.parametrize("keywords", one_in(2, GEOMETRIES.values()), ids=GEOMETRIES)
@pytest.mark.parametrize(("groups", "tile"), [(1, 1 << 19), (2, 120)])
def test_every_convolution_is_the_definition(
    keywords: dict[str, Any], groups: int, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_tiles(monkeypatch, tile)
    rng = np.random.default_rng(6)
    image, kernel = rng.normal(size=(2, 4, 5, 7)), rng.normal(size=(6, 4 // groups, 2, 3))
    bias = 2.0**60 * rng.normal(size=6)
    fractions = [np.vectorize(Fraction, otypes=[object])(array) for array in (image, kernel, bias)]
    truth = conv2d(fractions[0], fractions[1], fractions[2], groups=groups, **keywords)
    found = exact(image, kernel, bias, groups=groups, **keywords)
    np.testing.assert_array_equal(found, truth.astype(float))
    without = exact(image, kernel, groups=groups, **keywords)
    assert without.shape == truth.shape
    np.testing.assert_array_equal(without, conv2d(fractions[0], fractions[1], groups=groups, **keywords).astype(float))
    unbatched = exact(image[1], kernel, bias, groups=groups, **keywords)
    np.testing.assert_array_equal(unbatched, found[1])


def test_the_tiles_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    image, kernel = rng.normal(size=(2, 6, 9, 8)), rng.normal(size=(4, 3, 3, 3))
    image[1, 2, 3, 4] = math.nan
    whole = exact(image, kernel, padding=1, groups=2)
    for tile in (1, 1000, 2000):
        set_tiles(monkeypatch, tile)
        assert exact(image, kernel, padding=1, groups=2).tobytes() == whole.tobytes()


def test_the_order_of_the_channels_does_not_change_a_bit() -> None:
    rng = np.random.default_rng(8)
    image = np.ldexp(rng.normal(size=(2, 12, 6, 5)), rng.integers(-30, 30, (2, 12, 6, 5)))
    kernel = rng.normal(size=(3, 12, 2, 3))
    found = exact(image, kernel)
    order = rng.permutation(12)
    assert exact(image[:, order], kernel[:, order]).tobytes() == found.tobytes()
    assert exact(image[..., ::-1], kernel[..., ::-1])[..., ::-1].tobytes() == found.tobytes()
    assert conv2d(image, kernel).tobytes() != conv2d(image[:, order], kernel[:, order]).tobytes()


def test_empty_arrays() -> None:
    assert exact(np.ones((0, 2, 3, 3)), np.ones((4, 2, 2, 2))).shape == (0, 4, 2, 2)
    assert exact(np.ones((1, 2, 3, 3)), np.ones((0, 2, 2, 2))).shape == (1, 0, 2, 2)
    no_channels = np.ones((2, 0, 3, 3)), np.ones((2, 0, 2, 2))
    assert exact(*no_channels).tolist() == np.zeros((2, 2, 2, 2)).tolist()
    biased = exact(*no_channels, np.array([0.1, -1e300]))
    np.testing.assert_array_equal(biased, np.broadcast_to(np.array([[[0.1]], [[-1e300]]]), (2, 2, 2, 2)))


def test_zeros_have_no_digits() -> None:
    zeros, ones = np.zeros((2, 2, 2, 2)), np.ones((2, 2, 2, 2))
    for image, kernel in [(zeros, ones), (ones, zeros), (zeros, zeros)]:
        assert exact(image, kernel).ravel().tolist() == [0.0] * 4
        assert exact(image, kernel, np.array([0.1, 5e-324])).ravel().tolist() == [0.1, 5e-324] * 2


def test_the_operands_are_left_as_they_were() -> None:
    image, kernel, bias = np.array([[[[1.5, math.inf]]]]), np.array([[[[2.5]]]]), np.array([3.5])
    copies = [array.copy() for array in (image, kernel, bias)]
    exact(image, kernel, bias)
    for array, copy in zip((image, kernel, bias), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Types


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "float8_e4m3fn"])
def test_the_narrow_types_of_ml_dtypes(name: str) -> None:
    dtype = dtype_of(name)
    values = np.array([0.5, -3.0, 1.25, 6.0], dtype).reshape(1, 1, 1, 4)
    found = exact(values, values, np.array([0.5], dtype))
    assert found.dtype == dtype
    assert found.astype(float).item() == nearest(Fraction(0.25 + 9 + 1.5625 + 36 + 0.5), name)


def test_integers_beside_floats() -> None:
    third = np.full((1, 1, 1, 1), 1 / 3)
    for integer in (2**53, -(2**53)):
        found = exact(np.full((1, 1, 1, 1), integer), third, np.array([1], np.int8))
        assert found.item() == nearest(integer * Fraction(1 / 3) + 1, "float64")
    assert exact(np.ones((1, 1, 1, 1), bool), third).item() == 1 / 3


def test_integers_alone_stay_integers() -> None:
    image, kernel = np.array([[[[2**62, 3, -1]]]]), np.array([[[[1, 5, 7]]]])
    found = exact(image, kernel)
    assert found.dtype == np.int64
    assert found.item() == 2**62 + 8
    assert exact(image, kernel, dtype=np.float32).item() == 2.0**62
    with pytest.raises(OverflowError, match=naming("18446744073709551616 … int64")):
        exact(image, np.array([[[[4, 0, 0]]]]))


def test_fractions_stay_fractions() -> None:
    third = np.full((1, 1, 1, 1), Fraction(1, 3))
    found = exact(third, third, np.array([Fraction(1, 9)]))
    assert found.dtype == object
    assert found.item() == Fraction(2, 9)


@pytest.mark.parametrize(
    ("operand", "name"), [(0, "input"), (1, "weight"), (2, "bias")], ids=["input", "weight", "bias"]
)
def test_integers_that_float64_cannot_hold_are_refused(operand: int, name: str) -> None:
    operands: list[Array] = [np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1)), np.ones(1)]
    operands[operand] = np.full(operands[operand].shape, -(2**53) - 1)
    with pytest.raises(ValueError, match="beside floats") as caught:
        exact(*operands)
    assert str(caught.value) == (
        f"{name} holds 9007199254740993; beside floats, method='exact' takes integers up to 2^53"
    )


@wide_longdouble
@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_longdouble_is_refused(dtype: type[Any]) -> None:
    one = np.ones((1, 1, 1, 1))
    with pytest.raises(TypeError) as caught:
        exact(one, one, dtype=dtype)
    assert str(caught.value) == f"method='exact' rounds to float64 and narrower types, not to {np.dtype(dtype)}"
    narrow = np.complex64 if dtype is np.clongdouble else np.float32
    for position, name in enumerate(["input", "weight", "bias"]):
        operands: list[Array] = [one, one, np.ones(1)]
        operands[position] = operands[position].astype(dtype)
        with pytest.raises(TypeError) as caught:
            exact(*operands, dtype=narrow)
        expected = f"{name} has dtype {np.dtype(dtype)}; method='exact' takes float64 and narrower types"
        assert str(caught.value) == expected


# Memory


@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "tiles"),
    [((1, 8, 60, 60), (8, 8, 3, 3), 10), ((1, 1, 60, 60), (64, 1, 1, 1), 40)],
    ids=["columns", "outputs"],
)
def test_memory_is_tiled(
    input_shape: tuple[int, ...], weight_shape: tuple[int, ...], tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(9)
    image, kernel = rng.normal(size=input_shape), rng.normal(size=weight_shape)
    whole = peak(lambda: exact(image, kernel))
    set_tiles(monkeypatch, 1 << 14)  # 128 KiB of float64
    output = weight_shape[0] * 60 * 60 * 8
    assert peak(lambda: exact(image, kernel)) < output + tiles * 2**17 < whole
