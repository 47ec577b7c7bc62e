from __future__ import annotations

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from arrays import Array, ones
from hypothesis import given
from refusals import naming

from refconv import conv2d
from refconv.bounds.error_bound import error_bound
from refconv.bounds.summation import Precision
from refconv.bounds.summation import gamma as _gamma
from refconv.bounds.sums import sums_of
from refconv.operations import Call

# u, the unit roundoff, and the least subnormal of the IEEE types: from the standard, not from NumPy.
U16, U32, U64 = Fraction(1, 2**11), Fraction(1, 2**24), Fraction(1, 2**53)
SMALLEST16, SMALLEST32, SMALLEST64 = Fraction(1, 2**24), Fraction(1, 2**149), Fraction(1, 2**1074)

# The bound is itself computed in float64, a few operations on rounded numbers: it may be larger than the exact formula by
# this, and never smaller.
ROUNDING = 1 + Fraction(1, 2**45)


def gamma(terms: int, unit: Fraction) -> Fraction:
    return terms * unit / (1 - terms * unit)


def assert_just_above(bound: Any, exact: Fraction) -> None:
    assert exact <= Fraction(float(bound)) <= exact * ROUNDING


def test_nine_ones_in_float32() -> None:
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), dtype=np.float32)
    assert bound.shape == (1, 1, 1, 1)
    assert bound.dtype == np.float64
    # 9 products that add up to 9, and nine underflows
    assert_just_above(bound[0, 0, 0, 0], 9 * gamma(9, U32) + 9 * SMALLEST32)


def test_nine_ones_in_float64() -> None:
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), dtype=np.float64)
    assert_just_above(bound[0, 0, 0, 0], 9 * gamma(9, U64) + 9 * SMALLEST64)


def test_float16_is_accumulated_in_float32_and_rounded_once() -> None:
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), dtype=np.float16)
    accumulated = 9 * gamma(9, U32) + 9 * SMALLEST32
    assert_just_above(bound[0, 0, 0, 0], accumulated + U16 * (9 + accumulated) + SMALLEST16)


def test_the_last_rounding_is_of_the_unrounded_sum() -> None:
    image = np.array([[[[1, 2.0**-11]]]], np.float16)
    bound = error_bound(image, ones(1, 1, 1, 2, dtype=np.float16), dtype=np.float16)
    total = 1 + Fraction(1, 2**11)  # which float16 cannot hold
    accumulated = total * gamma(2, U32) + 2 * SMALLEST32
    assert_just_above(bound[0, 0, 0, 0], accumulated + U16 * (total + accumulated) + SMALLEST16)


def test_there_is_no_bound_where_a_sum_may_overflow_the_accumulator() -> None:
    one, largest = ones(1, 1, 1, 1), np.float32((2 - 2.0**-23) * 2.0**127)
    assert error_bound(one * largest, one, dtype=np.float32).item() == np.inf
    assert error_bound(one * (largest / 2), one, dtype=np.float32).item() < largest / 1000
    assert error_bound(one * largest, one, dtype=np.float32, accumulate_dtype=np.float64).item() < largest / 1000


def test_a_result_that_may_overflow_has_a_bound_all_the_same() -> None:
    largest = np.full((1, 1, 1, 1), 65504, np.float16)
    accumulated = 65504 * gamma(1, U32) + SMALLEST32
    bound = error_bound(largest, ones(1, 1, 1, 1, dtype=np.float16), dtype=np.float16)
    assert_just_above(bound.item(), accumulated + U16 * (65504 + accumulated) + SMALLEST16)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_finite_bound_and_raises_no_warning(value: float) -> None:
    for dtype in (np.float32, np.float16):
        image = ones(1, 1, 1, 2, dtype=dtype)
        image[0, 0, 0, 0] = value
        found = error_bound(image, ones(1, 1, 1, 1, dtype=dtype), dtype=dtype)[0, 0, 0]
        assert not np.isfinite(found[0])
        assert 0 < found[1] < 1


def test_bfloat16_is_accumulated_in_float32_and_rounded_once() -> None:
    dtype = pytest.importorskip("ml_dtypes", reason="bfloat16 comes from ml_dtypes").bfloat16
    bound = error_bound(ones(1, 1, 3, 3, dtype=dtype), ones(1, 1, 3, 3, dtype=dtype), dtype=dtype)
    accumulated = 9 * gamma(9, U32) + 9 * SMALLEST32
    # 8 binary digits, and float32's exponents: 2^-126 with 7 digits behind the point
    assert_just_above(bound[0, 0, 0, 0], accumulated + Fraction(1, 2**8) * (9 + accumulated) + Fraction(1, 2**133))


def test_longdouble_is_accumulated_in_longdouble() -> None:
    info = np.finfo(np.longdouble)
    image, kernel = ones(1, 1, 3, 3, dtype=np.longdouble), ones(1, 1, 3, 3, dtype=np.longdouble)
    bound = error_bound(image, kernel, dtype=np.longdouble)
    assert float(bound[0, 0, 0, 0]) == pytest.approx(81 * float(info.eps) / 2, rel=1e-12)


def test_only_taps_that_touch_a_pixel_count() -> None:
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), padding=1, dtype=np.float32)
    # at a corner 4 products add up to 4, at an edge 6 to 6, in the middle 9 to 9: n·u·n
    expected = np.array([[16, 36, 16], [36, 81, 36], [16, 36, 16]])
    np.testing.assert_allclose(bound[0, 0] * 2**24, expected, rtol=1e-6)
    assert_just_above(bound[0, 0, 0, 0], 4 * gamma(4, U32) + 4 * SMALLEST32)


def test_rows_and_columns_are_not_confused() -> None:
    bound = error_bound(ones(1, 1, 3, 4), ones(1, 1, 3, 1), padding=(1, 0), dtype=np.float32)
    # 3 taps high: 2, 3 and 2 of them touch a pixel, whatever the column
    np.testing.assert_allclose(bound[0, 0] * 2**24, np.array([[4] * 4, [9] * 4, [4] * 4]), rtol=1e-6)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_other_padding_modes_count_every_tap(mode: str) -> None:
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), padding=1, padding_mode=mode, dtype=np.float32)
    np.testing.assert_allclose(bound[0, 0] * 2**24, np.full((3, 3), 81), rtol=1e-6)


def test_other_padding_modes_give_the_shape_of_the_output() -> None:
    bound = error_bound(ones(2, 1, 3, 5), ones(4, 1, 1, 2), padding=1, padding_mode="replicate", dtype=np.float32)
    assert bound.shape == (2, 4, 5, 6)


def test_a_bias_is_one_term_more() -> None:
    bias = np.array([-5], np.float32)
    bound = error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), bias, dtype=np.float32)
    # 9 products and the bias: 10 terms, whose magnitudes add up to 14
    assert_just_above(bound[0, 0, 0, 0], 14 * gamma(10, U32) + 10 * SMALLEST32)


def test_channels_of_one_group_count() -> None:
    bound = error_bound(ones(1, 6, 1, 1), ones(2, 3, 1, 1), groups=2, dtype=np.float32)
    assert_just_above(bound[0, 1, 0, 0], 3 * gamma(3, U32) + 3 * SMALLEST32)


def test_signs_do_not_cancel() -> None:
    image = np.array([[[[1, -1], [-1, 1]]]], np.float32)
    bound = error_bound(image, ones(1, 1, 2, 2), dtype=np.float32)
    assert_just_above(bound[0, 0, 0, 0], 4 * gamma(4, U32) + 4 * SMALLEST32)


def test_a_complex_product_is_two_real_ones() -> None:
    image, kernel = ones(1, 1, 2, 2, dtype=np.complex64), np.full((1, 1, 2, 2), 3 + 4j, np.complex64)
    bound = error_bound(image, kernel, np.zeros(1, np.complex64), dtype=np.complex64)
    # 4 products of 1 and 5; n = 2·4 and the bias
    exact = 20 * gamma(9, U32) + 9 * SMALLEST32
    assert float(bound[0, 0, 0, 0]) == pytest.approx(2**0.5 * float(exact), rel=1e-13)
    assert float(bound[0, 0, 0, 0]) > 2**0.5 * float(exact)


def test_the_least_int8_has_a_magnitude() -> None:
    least = np.full((1, 1, 1, 1), -128, np.int8)
    bound = error_bound(least, least, np.array([-128], np.int8), dtype=np.float32)
    total = 128 * 128 + 128
    assert_just_above(bound[0, 0, 0, 0], total * gamma(2, U32) + 2 * SMALLEST32)


def test_a_product_may_be_lost_to_underflow() -> None:
    tiny = np.full((1, 1, 1, 1), 2.0**-100, np.float32)
    bound = float(error_bound(tiny, tiny, dtype=np.float32)[0, 0, 0, 0])
    assert 2.0**-200 < 2.0**-149 <= bound <= 2.0**-148  # in float32 the product is 0


def test_there_is_no_bound_where_n_u_reaches_1() -> None:
    # γ_n = n·u/(1 − n·u) with n = 2^24 − 1: (1 − u)/u
    found = _gamma(np.array([0, 1, 2**24 - 1, 2**24, 2**25]), 2.0**-24)
    assert found.tolist() == [0.0, 1 / (2**24 - 1), 2**24 - 1, np.inf, np.inf]


def test_an_input_without_a_batch_axis() -> None:
    assert error_bound(ones(2, 4, 5), ones(3, 2, 2, 2), dtype=np.float32).shape == (3, 3, 4)


def test_no_channels_leave_the_bias() -> None:
    bound = error_bound(ones(1, 0, 3, 3), ones(1, 0, 2, 2), np.array([3], np.float32), dtype=np.float32)
    assert (bound == 0).all()  # nothing is added to it


def test_the_arguments_are_those_of_conv2d() -> None:
    image, kernel = ones(2, 4, 9, 11), ones(6, 2, 2, 3)
    bound = error_bound(image, kernel, ones(6), (2, 1), ((1, 0), (2, 3)), (1, 2), 2, dtype=np.float32)
    assert bound.shape == conv2d(image, kernel, ones(6), (2, 1), ((1, 0), (2, 3)), (1, 2), 2).shape


def test_bad_shapes_are_refused_with_the_numbers() -> None:
    with pytest.raises(ValueError, match=naming("groups=3 … C=4 … O=6")):
        error_bound(ones(1, 4, 5, 5), ones(6, 1, 3, 3), groups=3, dtype=np.float32)


finite = st.floats(-1e3, 1e3, width=32)


@st.composite
def sums(draw: st.DrawFn) -> tuple[Array, Array, Array, np.random.Generator]:
    """Draw the factors of up to 40 products, a bias, and the order in which to add them up."""
    count = draw(st.integers(1, 40))
    factors = st.lists(finite, min_size=count, max_size=count)
    image, kernel = np.array(draw(factors), np.float32), np.array(draw(factors), np.float32)
    return image, kernel, np.array([draw(finite)], np.float32), np.random.default_rng(draw(st.integers(0, 2**32)))


def tree_sum(terms: list[Any], chance: np.random.Generator) -> Any:
    """Add up in pairs drawn by lot, each sum rounded to the terms' own type: any order and any bracketing."""
    while len(terms) > 1:
        first, second = sorted(chance.choice(len(terms), 2, replace=False))
        terms.append(terms.pop(second) + terms.pop(first))
    return terms[0]


def row(values: Array) -> Array:
    return values.reshape(1, 1, 1, -1)


@given(sums())
def test_no_order_of_summation_leaves_the_bound(drawn: tuple[Array, Array, Array, np.random.Generator]) -> None:
    image, kernel, bias, chance = drawn
    bound = error_bound(row(image), row(kernel), bias, dtype=np.float32).item()
    truth = sum((Fraction(x) * Fraction(w) for x, w in zip(image.tolist(), kernel.tolist(), strict=True)), Fraction(0))
    truth += Fraction(bias.item())
    terms = [*(image * kernel), *bias]  # float32 products, float32 sums
    chance.shuffle(terms)
    in_a_row = terms[0]
    for term in terms[1:]:
        in_a_row = in_a_row + term
    for honest in (in_a_row, tree_sum(terms, chance)):
        assert isinstance(honest, np.float32)
        assert abs(Fraction(float(honest)) - truth) <= Fraction(bound)


@given(sums())
def test_float16_kernels_that_accumulate_in_float32_stay_within(
    drawn: tuple[Array, Array, Array, np.random.Generator],
) -> None:
    image, kernel = ((operand / 100).astype(np.float16) for operand in drawn[:2])  # 40 products, none over 100
    bound = error_bound(row(image), row(kernel), dtype=np.float16).item()
    truth = conv2d(row(image), row(kernel), dtype=np.float64).item()
    terms = list(image.astype(np.float32) * kernel.astype(np.float32))
    assert abs(float(np.float16(tree_sum(terms, drawn[3]))) - truth) <= bound


@given(sums())
def test_the_bound_is_never_below_the_formula(drawn: tuple[Array, Array, Array, np.random.Generator]) -> None:
    image, kernel, bias, _ = drawn
    pairs = zip(image.tolist(), kernel.tolist(), strict=True)
    total = sum((abs(Fraction(x) * Fraction(w)) for x, w in pairs), abs(Fraction(bias.item())))
    terms = image.size + 1
    exact = total * gamma(terms, U32) + terms * SMALLEST32
    assert_just_above(error_bound(row(image), row(kernel), bias, dtype=np.float32).item(), exact)


@given(st.integers(0, 2**32), st.integers(1, 300))
def test_a_lost_tap_leaves_the_bound(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    image, kernel = chance.uniform(0.5, 1, (2, count)).astype(np.float32)
    # the product that is lost is at least 1/4, and 300 products of at most 1 are bounded by 300·300·2^-24 = 0.0054
    error = float(image[-1]) * float(kernel[-1])
    assert error > 40 * error_bound(row(image), row(kernel), dtype=np.float32).item()


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_the_bound_is_nearly_reached(count: int) -> None:
    # Added to 1 one at a time, numbers of u = 2^-24 are lost every time: half the gap, ties to even.
    image = np.full(count, 2.0**-24, np.float32)
    image[0] = 1
    in_a_row = np.float32(0)
    for term in image:
        in_a_row = in_a_row + term
    error = (count - 1) * 2.0**-24
    assert in_a_row == 1
    assert conv2d(row(image), row(np.ones_like(image)), dtype=np.float64).item() - 1 == error
    assert 0.85 * error_bound(row(image), row(np.ones_like(image)), dtype=np.float32).item() < error


# The types of a kernel


def test_an_accumulator_can_be_named() -> None:
    image, kernel = ones(1, 1, 3, 3), ones(1, 1, 3, 3)
    for name, unit, least in [("float16", U16, SMALLEST16), ("bfloat16", Fraction(1, 2**8), Fraction(1, 2**133))]:
        found = error_bound(image, kernel, dtype=np.float32, accumulate_dtype=name).item()
        assert_just_above(found, 9 * gamma(9, unit) + 9 * least)
    wide = error_bound(image, kernel, dtype=np.float32, accumulate_dtype=np.float64).item()
    accumulated = 9 * gamma(9, U64) + 9 * SMALLEST64
    assert_just_above(wide, accumulated + U32 * (9 + accumulated) + SMALLEST32)


@pytest.mark.parametrize(("name", "unit"), [("tf32", 2.0**-11), ("bfloat16", 2.0**-8), ("float16", 2.0**-11)])
def test_rounded_inputs_by_hand(name: str, unit: float) -> None:
    third, fifth, bias = np.float32(1 / 3), np.float32(1 / 5), np.float32(7 / 9)
    found = error_bound(
        row(np.array([third, 1], np.float32)),
        row(np.array([fifth, 1], np.float32)),
        np.array([bias]),
        dtype=np.float32,
        input_dtype=name,
    ).item()
    # Of a number that the type lacks, 2u are lost where it is cut off, and its least number; the 1 and the bias stay.
    least = {"tf32": 2.0**-136, "bfloat16": 2.0**-133, "float16": 2.0**-24}[name]
    left, right = (float(number) * (1 + 2 * unit) + least for number in (third, fifth))
    lost = left * right - float(third) * float(fifth)
    total = float(third) * float(fifth) + 1 + float(bias)
    expected = lost + (total + lost) * float(gamma(3, U32))
    assert expected <= found * (1 + 1e-12)
    assert found == pytest.approx(expected, rel=1e-10)


def test_inputs_that_the_type_holds_add_nothing() -> None:
    image = np.array([0.5, -3, 2.0**-20, 0], np.float32)
    plain, rounded = (
        error_bound(
            row(image), row(np.array([1, 1.5, 8, 3], np.float32)), ones(1) / 3, dtype=np.float32, input_dtype=name
        )
        for name in (None, "tf32")
    )
    assert 1 <= (rounded / plain).item() < 1 + 1e-7  # for the sums in float64 are rounded up


@given(st.integers(0, 2**32))
def test_kernels_that_round_or_cut_their_inputs_stay_within(seed: int) -> None:
    chance = np.random.default_rng(seed)
    image, kernel = chance.normal(size=(2, 5)).astype(np.float32)
    allowed = error_bound(row(image), row(kernel), dtype=np.float32, input_dtype="tf32").item()
    truth = sum(Fraction(x) * Fraction(w) for x, w in zip(image.tolist(), kernel.tolist(), strict=True))
    for addend in (0, 1 << 12):  # half of the 13 bits that go: cut off, or rounded to nearest, ties away
        cut = [
            ((a.view(np.uint32) + np.uint32(addend)) & np.uint32(0xFFFFE000)).view(np.float32) for a in (image, kernel)
        ]
        honest = (cut[0] * cut[1]).sum(dtype=np.float32)
        assert abs(Fraction(float(honest)) - truth) <= Fraction(allowed)


def test_inputs_beyond_the_range_of_the_multiplier_have_no_bound() -> None:
    one = ones(1, 1, 1, 1)
    assert error_bound(one * 65504, one, dtype=np.float32, input_dtype="float16").item() < 1
    assert error_bound(one * 65505, one, dtype=np.float32, input_dtype="float16").item() == np.inf
    huge = np.full((1, 1, 1, 1), 1.79e308)
    with np.errstate(all="raise"):
        assert error_bound(huge, one, dtype=np.float64, input_dtype="bfloat16").item() == np.inf


def test_a_lone_bias_is_rounded_and_nothing_else() -> None:
    none = np.ones((1, 0, 1, 1), np.float32), np.ones((1, 0, 1, 1), np.float32)
    bias = 2.0**-26  # which float16 rounds to 0
    found = error_bound(*none, np.array([bias], np.float32), dtype=np.float16).item()
    assert_just_above(found, Fraction(bias) * U16 + SMALLEST16)
    assert found >= bias
    assert error_bound(*none, np.zeros(1, np.float32), dtype=np.float16).item() == 0


def test_windows_over_nothing_but_padding_have_a_bound_of_zero() -> None:
    found = error_bound(ones(1, 1, 1, 1), ones(1, 1, 1, 1), ones(1), padding=1, dtype=np.float32)[0, 0]
    assert (found > 0).tolist() == [[False] * 3, [False, True, False], [False] * 3]


def test_a_confidence_narrows_the_bound_of_long_sums() -> None:
    image, kernel = np.ones((1, 100, 10, 10), np.float32), np.ones((2, 100, 10, 10), np.float32)
    worst, likely = (error_bound(image, kernel, dtype=np.float32, confidence=c) for c in (None, 0.99))
    # 2 elements, of 10,000 products: λ = √(2·ln(2·2·10000/0.01)) = 5.51, and λ·√n·u of a sum of 10,000
    assert likely.item(0) == pytest.approx(10_000 * 5.5139 * 100 * 2.0**-24, rel=1e-4)
    assert worst.item(0) == pytest.approx(10_000 * 10_000 * 2.0**-24, rel=1e-3)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"dtype": int}, TypeError, "dtype=int64 must be a floating or complex type"),
        ({"dtype": "banana"}, TypeError, "dtype='banana' must be a type of numbers"),
        ({"accumulate_dtype": bool}, TypeError, "accumulate_dtype=bool must be a floating or complex type"),
        ({"accumulate_dtype": "banana"}, TypeError, "accumulate_dtype='banana' must be a type of numbers"),
        ({"input_dtype": "i1"}, TypeError, "input_dtype=int8 must be a floating or complex type"),
        ({"confidence": 2}, ValueError, "confidence=2 must be between 0 and 1, or None for the worst case"),
        (
            {"algorithm": "ftt"},
            ValueError,
            "algorithm='ftt' must be one of 'direct', 'winograd2', 'winograd4', 'winograd6', 'fft'",
        ),
    ],
    ids=str,
)
def test_bad_types_and_numbers_are_refused(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        error_bound(ones(1, 1, 3, 3), ones(1, 1, 3, 3), **({"dtype": np.float32} | keywords))
    assert str(caught.value) == message


# No order of summation leaves the bound


@pytest.mark.parametrize("terms", [9, 100, 1000])
def test_ten_thousand_random_orders_stay_within(terms: int) -> None:
    chance = np.random.default_rng(terms)
    orders = {9: 10_000, 100: 10_000, 1000: 1000}[terms]
    image = (chance.normal(size=terms) * np.exp2(chance.integers(-6, 7, terms))).astype(np.float32)
    kernel = chance.normal(size=terms).astype(np.float32)
    pairs = zip(image.tolist(), kernel.tolist(), strict=True)
    truth = sum((Fraction(x) * Fraction(w) for x, w in pairs), Fraction(0))
    high = float(truth)
    low = float(truth - Fraction(high))

    shuffled = chance.permuted(np.broadcast_to(image * kernel, (orders, terms)), axis=1)
    in_a_row = np.add.accumulate(shuffled, axis=1)[:, -1]
    halves = (
        np.add.accumulate(shuffled[:, : terms // 3], axis=1)[:, -1]
        + np.add.accumulate(shuffled[:, terms // 3 :], axis=1)[:, -1]
    )
    pairwise = shuffled
    while pairwise.shape[1] > 1:
        odd = pairwise[:, pairwise.shape[1] // 2 * 2 :]
        pairwise = np.concatenate(
            [pairwise[:, : pairwise.shape[1] // 2 * 2].reshape(orders, -1, 2).sum(axis=2), odd], axis=1
        )

    worst = error_bound(row(image), row(kernel), dtype=np.float32).item()
    likely = error_bound(row(image), row(kernel), dtype=np.float32, confidence=1 - 1e-6).item()
    assert likely <= worst
    for honest in (in_a_row, halves, pairwise[:, 0]):
        assert honest.dtype == np.float32
        error = np.abs((honest.astype(np.float64) - high) - low)
        assert 0 < error.max() <= likely


def test_an_exact_result_that_is_known_is_not_computed_again() -> None:
    call, known = Call.of(conv2d, ones(1, 1, 2, 2), ones(1, 1, 2, 2), None), np.full((1, 1, 1, 1), 4.0)
    for name in ("float32", "float16"):
        assert sums_of(call, Precision.of(name), exact=known).exact is known
    assert sums_of(call, Precision.of("float32")).exact is None
    computed = sums_of(call, Precision.of("float16")).exact
    assert computed is not None
    assert computed.tolist() == known.tolist()


def test_objects_have_no_bound() -> None:
    thirds = np.full((1, 1, 2, 3), Fraction(1, 3), object)
    message = r"^objects \(1, 1, 2, 3\) have no error bound; it is for numbers that are rounded$"
    with pytest.raises(TypeError, match=message):
        error_bound(thirds, thirds, dtype=np.float32)
