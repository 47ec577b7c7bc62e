from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import refconv
from refconv import conv1d, conv2d, conv3d, conv_transpose1d
from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.grad import conv2d_weight
from refconv.operations import Call
from refconv.testing import Comparison, compare_conv2d, compare_result, find_case
from refconv.testing.comparing.compare import compare_by_convention
from refconv.testing.comparing.conventions import CONVENTIONS, Judged
from refconv.testing.comparing.reference import Standard

Array = npt.NDArray[Any]
INF, NAN = np.inf, np.nan

SKIPPED = "taps that read padding are skipped, where others multiply its zeros by NaN or infinity"
RESULTS = "subnormal results are flushed to zero"
INPUTS = "subnormal inputs and results are flushed to zero"
THRICE = "complex numbers are multiplied by three real products"
WRAPPED = "integer sums wrap in the type of the result"
LEAST_NORMAL = 2.0**-126


def one(value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
    return np.full((1, 1, 1, 1), value, dtype)


def as_judged(call: Call, dtype: npt.DTypeLike, how: Arithmetic = DIRECT) -> Judged:
    """Return what a convention is asked about a result of this type."""
    reference = Standard(np.dtype(dtype), how).reference(call)
    return Judged(call, how, reference, reference.desired)


def excused(convention: str, judged: Judged) -> Array:
    """Return by how much a convention allows more than the reference does."""
    reference = CONVENTIONS[convention](judged)
    assert reference is not None
    return np.asarray(reference.allowed - judged.reference.allowed)


def test_there_are_five_conventions() -> None:
    assert list(CONVENTIONS)[:5] == [SKIPPED, THRICE, RESULTS, INPUTS, WRAPPED]
    assert len(CONVENTIONS) == 11  # with six dialects of rounding to 8 bits


# A convention costs no precision


def test_a_bias_that_is_added_to_a_rounded_sum_is_less_precise() -> None:
    # the sum is 2049, which float16 rounds to 2048, and the bias −2048
    image, kernel = np.array([[[[2048, 1]]]], np.float16), np.ones((1, 1, 1, 2), np.float16)
    given = one(0, np.float16), image, kernel, np.array([-2048], np.float16)
    comparison = compare_conv2d(*given)
    assert (comparison.passed, comparison.convention) == (False, "")
    assert compare_conv2d(*given, accumulate_dtype="float16").passed


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_sums_that_are_rounded_before_they_are_added_up_are_less_precise(rank: int) -> None:
    along = (1,) * (rank - 1)

    def half(*values: float, channels: int = 1) -> Array:
        return np.array(values, np.float16).reshape(-1, channels, *along, len(values) // channels)

    def images(*values: float) -> Array:
        return np.array(values, np.float16).reshape(2, 1, *along, len(values) // 2)

    two, ones = images(2048, 1, -2048, 0), images(1, 1, 1, 1)  # of the first image 2049, which float16 rounds to 2048
    tap, pixels = (1, 1, *along, 1), half(-2048, 2048, 0, 1, channels=2)
    kernel = np.ones((2, 1, *along, 2), np.float16)
    for name, given, right, narrow in (
        (f"conv{rank}d_bias", (two,), [1], [0]),
        (f"conv_transpose{rank}d_bias", (two,), [1], [0]),
        (f"conv{rank}d_weight", (two, tap, ones), [1], [0]),
        (f"conv_transpose{rank}d_weight", (two, tap, ones), [1], [0]),
        (f"conv{rank}d_input", ((1, 1, *along, 3), kernel, pixels), [-2048, 1, 2048], [-2048, 0, 2048]),
        (f"conv_transpose{rank}d", (pixels, kernel), [-2048, 1, 2048], [-2048, 0, 2048]),
    ):
        function = getattr(refconv.grad if name[-1] != "d" else refconv, name)
        shape = function(*given).shape
        right_one, narrow_one = (np.array(numbers, np.float16).reshape(shape) for numbers in (right, narrow))
        assert compare_result(right_one, function, *given).passed, name
        assert not compare_result(narrow_one, function, *given).passed, name
        assert compare_result(narrow_one, function, *given, accumulate_dtype="float16").passed, name


# Taps that read padding


def skipping(image: Array, kernel: Array, bias: Array | None = None, padding: int = 1, stride: int = 1) -> Array:
    """Convolve without the taps that read padding, one product at a time in float64."""
    (n_images, channels, height, width), (outputs, _, k_h, k_w) = image.shape, kernel.shape
    size = [(extent + 2 * padding - k) // stride + 1 for extent, k in [(height, k_h), (width, k_w)]]
    output = np.zeros((n_images, outputs, *size))
    with np.errstate(all="ignore"):
        for n, o, p, q in np.ndindex(*output.shape):
            total = np.float64(0)
            for c, i, j in np.ndindex(channels, k_h, k_w):
                h, w = stride * p + i - padding, stride * q + j - padding
                if 0 <= h < height and 0 <= w < width:
                    total += np.float64(image[n, c, h, w]) * np.float64(kernel[o, c, i, j])
            output[n, o, p, q] = total + (0.0 if bias is None else float(bias[o]))
        return output.astype(np.result_type(image, kernel))


def data() -> tuple[Array, Array]:
    """Return an image of halves of both signs, ones and zeros, and kernels of small whole numbers."""
    rng = np.random.default_rng(1)
    image = (rng.integers(-2, 3, (2, 2, 5, 6)) / 2).astype(np.float32)
    kernel = rng.integers(1, 4, (3, 2, 3, 2)).astype(np.float32)
    assert (image == 0).any()
    return image, kernel


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("tap", [(0, 0, 0, 0), (1, 1, 2, 1), (2, 0, 0, 1)])
def test_skipping_the_taps_that_read_padding(value: float, tap: tuple[int, ...]) -> None:
    image, kernel = data()
    kernel[tap] = value
    actual = skipping(image, kernel)
    comparison = compare_conv2d(actual, image, kernel, padding=1)
    assert comparison.passed
    assert comparison.convention == SKIPPED
    assert str(comparison).endswith(f"; they differ by convention: {SKIPPED}")
    assert not np.array_equal(actual, conv2d(image, kernel, padding=1), equal_nan=True)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_multiplying_the_zeros_needs_no_convention(value: float) -> None:
    image, kernel = data()
    kernel[1, 0, 2, 1] = value
    comparison = compare_conv2d(conv2d(image, kernel, padding=1), image, kernel, padding=1)
    assert comparison.passed
    assert not comparison.convention


def test_infinities_of_both_signs_meet() -> None:
    image, kernel = np.abs(data()[0]) + 1, data()[1]
    kernel[0, 0, 0, 0], kernel[0, 1, 2, 1] = INF, -INF
    actual = skipping(image, kernel)
    found = {str(number) for number in actual[:, 0].ravel() if not np.isfinite(number)}
    assert found == {"nan", "inf", "-inf"}
    assert compare_conv2d(actual, image, kernel, padding=1).convention == SKIPPED
    assert compare_conv2d(skipping(-image, kernel), -image, kernel, padding=1).convention == SKIPPED


@pytest.mark.parametrize("bias", [INF, -INF, NAN, 3.0])
def test_a_bias_is_added_to_what_is_left(bias: float) -> None:
    image, kernel = data()
    kernel[0, 0, 0, 0], kernel[1, 0, 1, 0] = INF, -INF
    offset = np.array([bias, 1, bias], np.float32)
    actual = skipping(image, kernel, offset)
    assert compare_conv2d(actual, image, kernel, offset, padding=1).convention == SKIPPED


def test_strides_and_groups_are_the_convolutions_own() -> None:
    image, kernel = data()
    kernel = kernel[:2, :1]
    kernel[0, 0, 0, 0] = kernel[1, 0, 2, 1] = NAN
    halves = [skipping(image[:, g : g + 1], kernel[g : g + 1], stride=2) for g in range(2)]
    actual = np.concatenate(halves, axis=1)
    assert compare_conv2d(actual, image, kernel, padding=1, stride=2, groups=2).convention == SKIPPED


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_wrong_number_is_not_excused_by_skipping(value: float) -> None:
    image, kernel = data()
    kernel[0, 0, 0, 0] = value
    right = skipping(image, kernel)
    for index in [(1, 0, 0, 0), (0, 0, 3, 4), (1, 2, 2, 2)]:
        for number in (7.5, NAN, INF, -INF, 0.0):
            actual = right.copy()
            if np.array_equal(actual[index], np.float32(number), equal_nan=True):
                continue
            actual[index] = number
            assert not compare_conv2d(actual, image, kernel, padding=1).passed


def test_skipping_has_nothing_to_say_of_finite_weights() -> None:
    image, kernel = data()
    actual = skipping(image, kernel)
    assert not compare_conv2d(actual, image, kernel, padding=1).convention
    actual[0, 0, 2, 2] += 1
    assert not compare_conv2d(actual, image, kernel, padding=1).passed


def test_skipping_has_nothing_to_say_of_complex_numbers() -> None:
    image, kernel = one(1, np.complex64), np.array([[[[NAN, 1]]]], np.complex64)
    assert CONVENTIONS[SKIPPED](as_judged(Call.of(conv2d, image, kernel, padding=1), np.complex64)) is None


def test_skipping_has_nothing_to_say_where_the_input_is_not_finite() -> None:
    image, kernel = data()
    image[0, 0, 2, 2] = NAN
    kernel[0, 0, 0, 0] = INF
    assert not compare_conv2d(skipping(image, kernel), image, kernel, padding=1).passed


def test_skipping_allows_for_rounding() -> None:
    rng = np.random.default_rng(2)
    image, kernel = rng.normal(size=(1, 8, 4, 4)).astype(np.float32), rng.normal(size=(2, 8, 2, 2)).astype(np.float32)
    kernel[0, 3, 0, 0] = NAN
    actual = np.nextafter(skipping(image, kernel), np.float32(0))
    comparison = compare_conv2d(actual, image, kernel, padding=1)
    assert comparison.convention == SKIPPED
    assert 0 < comparison.error_in_bounds < 1
    call = Call.of(conv2d, image, kernel, padding=1)
    exact = Standard(np.dtype(np.float32), is_exact=True)  # the data are such that nothing is rounded
    assert not compare_by_convention(actual, call, exact).passed


# Subnormal numbers


def test_a_subnormal_result_may_be_flushed() -> None:
    tiny = 2.0**-70
    comparison = compare_conv2d(one(0), one(tiny), one(tiny))
    assert comparison.passed
    assert comparison.convention == RESULTS
    assert not compare_conv2d(one(2.0**-140), one(tiny), one(tiny)).convention


@pytest.mark.parametrize("wrong", [-(2.0**-140), 2.0**-141, 2.0**-139, LEAST_NORMAL, 2.0**-125])
def test_a_flushed_result_is_zero_and_no_other_number(wrong: float) -> None:
    assert not compare_conv2d(one(wrong), one(2.0**-70), one(2.0**-70)).passed  # of which 2^−140 is right


@pytest.mark.parametrize(
    ("result", "passes"),
    [
        (1.25 * LEAST_NORMAL, True),  # the second product, half the least normal number, is flushed
        (1.75 * LEAST_NORMAL, True),  # right
        (0.0, True),  # both may be lost, as far as this can tell
        (1.75 * LEAST_NORMAL + 1.75 * LEAST_NORMAL, True),  # no more than there is, on either side
        (3.75 * LEAST_NORMAL, False),
        (-LEAST_NORMAL, False),
        (0.75 * LEAST_NORMAL, False),  # which would itself be flushed
    ],
)
def test_no_more_is_lost_than_there_is(result: float, passes: bool) -> None:
    image, kernel = np.array([[[[2.0**-60, 2.0**-60]]]], np.float32), np.ones((1, 1, 1, 2), np.float32)
    kernel[..., 0], kernel[..., 1] = 1.25 * 2.0**-66, 2.0**-67
    assert compare_conv2d(one(result), image, kernel).passed is passes


def test_flushing_goes_by_the_accumulator_and_the_result() -> None:
    image = one(2.0**-10, np.float16)
    # the product 2^-20 is subnormal in float16, in which it is returned
    assert compare_conv2d(one(0, np.float16), image, image).convention == RESULTS
    # beside a normal product, 1.25·2^-14, it is lost where float16 adds up, and not where float32 does
    image = np.array([[[[2.0**-7, 2.0**-10]]]], np.float16)
    kernel = np.array([[[[1.25 * 2.0**-7, 2.0**-10]]]], np.float16)
    alone = one(1.25 * 2.0**-14, np.float16)
    assert compare_conv2d(alone, image, kernel, accumulate_dtype=np.float16).convention == RESULTS
    assert not compare_conv2d(alone, image, kernel).passed


def test_subnormal_inputs_may_be_flushed_too() -> None:
    image, kernel = one(2.0**-130), one(2.0**20)
    for actual in (compare_conv2d(one(0), image, kernel), compare_conv2d(one(0), kernel, image)):
        assert actual.passed
        assert actual.convention == INPUTS
    assert not compare_conv2d(one(2.0**-111), image, kernel).passed
    assert not compare_conv2d(one(2.0**-110), image, kernel).convention


def test_a_subnormal_bias_may_be_flushed() -> None:
    bias = np.array([2.0**-127 * 1.5], np.float32)
    image = np.zeros((1, 1, 1, 1), np.float32)
    assert compare_conv2d(one(0), image, one(1), bias).passed
    wide = {"dtype": np.float64}
    assert compare_conv2d(one(0, np.float64), image, one(1), bias, **wide).convention == INPUTS  # type: ignore[arg-type]


def test_the_least_normal_number_is_not_flushed() -> None:
    kernel = one(2.0**40)
    assert compare_conv2d(one(0), one(LEAST_NORMAL * (1 - 2.0**-23)), kernel).convention == INPUTS
    assert not compare_conv2d(one(0), one(LEAST_NORMAL), kernel).passed


def test_integers_beside_floats_are_not_flushed() -> None:
    for dtype in (np.int8, bool):
        kernel = np.ones((1, 1, 1, 1), dtype)
        wrong = compare_conv2d(one(7), one(3), kernel)
        assert (wrong.mismatched, wrong.desired) == (1, 3)
        assert compare_conv2d(one(0), one(2.0**-130), kernel, np.array([0], dtype)).passed


def test_flushing_is_for_exact_data_too() -> None:
    call = Call.of(conv2d, one(2.0**-70), one(2.0**-70))
    real = Standard(np.dtype(np.float32))
    exact = real._replace(is_exact=True)
    assert compare_by_convention(one(0), call, exact).convention == RESULTS
    # of numbers whose own bound is larger than what flushing takes, nothing but that is allowed
    call = Call.of(conv2d, one(4), one(4))
    neighbour = np.nextafter(one(16), np.float32(0))
    assert compare_by_convention(neighbour, call, real).passed
    assert not compare_by_convention(neighbour, call, exact).passed


def test_the_precision_that_was_said_is_the_conventions_too() -> None:
    call = Call.of(conv2d, one(1 / 3), one(2.0**-100))
    dtype = np.dtype(np.float32)
    how = Arithmetic.of(input_dtype="bfloat16")
    rounded = one(0.333984375 * 2.0**-100)
    assert compare_by_convention(rounded, call, Standard(dtype, how)).passed


def test_complex_numbers_have_no_conventions() -> None:
    image = one(2.0**-70, np.complex64)
    assert not compare_conv2d(one(0, np.complex64), image, image).passed


def test_narrow_types_may_be_flushed() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 comes from ml_dtypes")
    image = one(2.0**-65, ml_dtypes.bfloat16)
    assert compare_conv2d(one(0, ml_dtypes.bfloat16), image, image).convention == RESULTS
    inputs = one(2.0**-130, ml_dtypes.bfloat16), one(2.0**20, ml_dtypes.bfloat16)
    assert compare_conv2d(one(0, ml_dtypes.bfloat16), *inputs).convention == INPUTS
    assert not compare_conv2d(one(1, ml_dtypes.bfloat16), *inputs).passed


# Integers


def compared(actual: Any, of: npt.DTypeLike, **keywords: Any) -> Comparison:
    # 100·1 + 100·1 + 100·1 = 300
    return compare_conv2d(
        one(actual, of), np.full((1, 3, 1, 1), 100, np.int8), np.ones((1, 3, 1, 1), np.int8), **keywords
    )


@pytest.mark.parametrize(("dtype", "wrapped"), [(np.int8, 44), (np.uint8, 44), (np.int16, 300), (np.int64, 300)])
def test_integers_may_wrap_in_the_type_of_the_result(dtype: npt.DTypeLike, wrapped: int) -> None:
    comparison = compared(wrapped, dtype)
    assert comparison.passed
    assert comparison.convention == (WRAPPED if wrapped == 44 else "")
    assert not compared(wrapped + 1, dtype).passed
    assert not compared(wrapped - 1, dtype).passed


def test_negative_integers_wrap() -> None:
    image, kernel = np.full((1, 3, 1, 1), 100, np.int8), np.full((1, 3, 1, 1), -1, np.int8)
    assert compare_conv2d(one(-44, np.int8), image, kernel).convention == WRAPPED
    assert compare_conv2d(one(212, np.uint8), image, kernel).convention == WRAPPED


def test_saturation_is_not_wrapping() -> None:
    assert not compared(127, np.int8).passed


def test_a_bool_is_no_wrapped_integer() -> None:
    assert not compared(1, bool).passed


def test_a_type_that_was_asked_for_does_not_wrap() -> None:
    with pytest.raises(OverflowError, match="the exact result 300 is outside int8's range"):
        compared(44, np.int8, dtype=np.int8)
    assert not compared(44, np.int16, dtype=np.int16).passed


@pytest.mark.parametrize(("right", "convention"), [(2.0**-15, RESULTS), (2.0**-7, "")])
def test_only_a_result_that_may_be_subnormal_is_flushed(right: float, convention: str) -> None:
    wrong = right - 2.0**-15  # of float16, whose least normal number is 2^-14
    comparison = compare_conv2d(one(wrong, np.float16), one(right, np.float16), one(1, np.float16))
    assert (comparison.passed, comparison.convention) == (bool(convention), convention)


def test_a_normal_result_is_flushed_where_rounding_may_make_it_subnormal() -> None:
    # rounding may take 2^−25 and 2^−24 away, which makes 2^−14 + 2^−24 subnormal in float16, and 2^−14 + 2^−23 not
    for above, convention in ((2.0**-10, RESULTS), (2.0**-9, "")):
        image, kernel = one(2.0**-7 * (1 + above), np.float16), one(2.0**-7, np.float16)
        assert compare_conv2d(one(0, np.float16), image, kernel).convention == convention


# Exact data


def test_exact_data_are_not_excused() -> None:
    case = find_case("conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f16")
    actual = case.expected().astype(np.float16)
    assert case.check(actual).passed
    actual.flat[np.argmax(abs(actual))] *= np.float16(1 + 2.0**-10)
    assert not case.check(actual).passed


# Complex products of three real ones


def test_complex_numbers_may_be_multiplied_by_three_real_products() -> None:
    # the corners are the bias alone: 1 + 1.5·2^−24 is rounded to 1 + 2^−23, so that 2^−23 is left of 1.5·2^−24
    image, kernel, bias = (np.array([value], np.complex64) for value in (1, 1, 1 + 1.5j * 2.0**-24))
    arguments = image.reshape(1, 1, 1, 1), kernel.reshape(1, 1, 1, 1), bias
    right = refconv.conv2d(*arguments, padding=1)
    assert compare_conv2d(right, *arguments, padding=1).convention == ""
    # √20 · 5 roundings are 22.4; where a product is added, 6 of a sum of 2 are 53.7, and √2 · 3 of it are 8.5
    for place, off, convention in ((0, 0.5, THRICE), (0, 22, THRICE), (0, 23, ""), (1, 61, THRICE), (1, 63, "")):
        actual = right.copy()
        actual[0, 0, place, place] += 1j * off * 2.0**-24
        comparison = compare_conv2d(actual, *arguments, padding=1)
        assert (comparison.passed, comparison.convention) == (bool(convention), convention), (place, off)
    # 1 + 2^−12 may become 1 in float16, before it is multiplied
    close = np.full((1, 1, 1, 1), 1 + 2.0**-12, np.complex64), *arguments[1:]
    assert compare_conv2d(right, *close, padding=1, input_dtype="float16").passed
    right[0, 0, 0, 0] += 0.5j * 2.0**-24
    assert compare_conv2d(right, *close, padding=1, input_dtype="float16").convention == THRICE
    assert not compare_conv2d(right, *close, padding=1).passed


def test_what_three_real_products_are_off_by() -> None:
    image, kernel, bias = one(1, np.complex64), one(1, np.complex64), np.array([1], np.complex64)
    judged = as_judged(Call.of(conv2d, image, kernel, bias, padding=(0, 1)), np.complex64)
    # (2² + 4²)·(n + 5)²·M²: of the bias alone n is 0 and M 1, and beside one product 1 and 2
    extra = excused(THRICE, judged).ravel() * 2**24
    np.testing.assert_allclose(extra**2, [20 * 25, 20 * 36 * 4, 20 * 25], rtol=1e-5)


def test_real_numbers_are_multiplied_once() -> None:
    image, kernel, bias = one(1), one(1), np.ones(1, np.float32)
    actual = refconv.conv2d(image, kernel, bias, padding=1)
    actual[0, 0, 0, 0] += 2.0**-23
    assert not compare_conv2d(actual, image, kernel, bias, padding=1).passed


# The other operations


def test_a_convolution_over_any_axes_may_skip_the_taps_that_read_padding() -> None:
    kernel = np.ones(3, np.float32)
    kernel[0] = NAN
    skipped = np.array([2, NAN, NAN, NAN], np.float32)  # the first output's first tap reads padding
    for function, axes in ((conv1d, 1), (conv3d, 3)):
        image, weight = np.ones((1, 1, *(1,) * (axes - 1), 4), np.float32), kernel.reshape(1, 1, *(1,) * (axes - 1), 3)
        padding = (*(0,) * (axes - 1), 1)
        comparison = compare_result(skipped.reshape(image.shape), function, image, weight, padding=padding)
        assert comparison.convention == SKIPPED
        wrong = np.full(image.shape, 2, np.float32)
        assert not compare_result(wrong, function, image, weight, padding=padding).passed


def test_an_adjoint_reads_no_padding() -> None:
    image, kernel = np.ones((1, 1, 4), np.float32), np.array([[[NAN, 1, 1]]], np.float32)
    right = np.full((1, 1, 4), NAN, np.float32)
    right[..., 3] = 2  # of the six pixels that are scattered to, the first and the last are cropped
    assert compare_result(right, conv_transpose1d, image, kernel, padding=1).passed
    assert not compare_result(np.full_like(right, 2), conv_transpose1d, image, kernel, padding=1).passed


def test_the_other_conventions_hold_for_any_operation() -> None:
    small, unit = one(2.0**-140), one(1)
    assert compare_result(one(0), conv2d_weight, small, (1, 1, 1, 1), unit).convention in (RESULTS, INPUTS)
    assert not compare_result(one(2.0**-126), conv2d_weight, one(2.0**-120), (1, 1, 1, 1), unit).passed
    full = np.full((1, 1, 1), 100, np.int8)
    wrapped = np.array([[[100 * 100 % 256]]], np.int8)
    assert compare_result(wrapped, conv1d, full, full).convention == WRAPPED


ALONG = {1: (), 2: (1,), 3: (1, 1)}  # the axes before the last, of one pixel


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("value", [NAN, INF])
def test_a_gradient_may_skip_the_taps_that_read_padding_where_it_reads_any(rank: int, value: float) -> None:
    def line(*values: float) -> Array:
        return np.array(values, np.float32).reshape(1, 1, *ALONG[rank], -1)

    kernel, ones, padding = line(value, 1, 1), line(1, 1, 1, 1), (*(0,) * (rank - 1), 1)
    for name, given, skipped in (
        # of a transposed convolution, the input's is a convolution of what arrives: its first output's first tap reads padding
        (f"conv_transpose{rank}d_input", (ones.shape, kernel, ones), line(2, value, value, value)),
        # what arrives is read from one pixel before the first on, by the first tap, and to one past the last by the last
        (f"conv_transpose{rank}d_weight", (line(value, 1, 1, 1), kernel.shape, ones), line(3, value, value)),
        (f"conv{rank}d_weight", (ones, kernel.shape, line(value, 1, 1, 1)), line(3, value, value)),
        (f"conv{rank}d_weight", (ones, kernel.shape, line(1, 1, 1, value)), line(value, value, 3)),
    ):
        function = getattr(refconv.grad, name)
        assert compare_result(skipped, function, *given, padding=padding).convention == SKIPPED, name
        multiplied = function(*given, padding=padding)
        assert np.isnan(multiplied).any()
        assert compare_result(multiplied, function, *given, padding=padding).convention == ""
        for place in range(skipped.size):  # and no other number is excused
            wrong = skipped.copy()
            wrong.flat[place] = 7
            assert not compare_result(wrong, function, *given, padding=padding).passed, (name, place)
    # an adjoint reads none: what falls on the padding is dropped, and nothing is left out
    backwards = getattr(refconv.grad, f"conv{rank}d_input")
    right, finite = line(value, value, value, 2), line(2, 2, 2, 2)
    assert compare_result(right, backwards, ones.shape, kernel, ones, padding=padding).convention == ""
    assert not compare_result(finite, backwards, ones.shape, kernel, ones, padding=padding).passed


def test_what_is_padded_and_what_slides_over_it_have_their_own_signs() -> None:
    """An infinity that slides over negative pixels is a negative one, and none over zeros."""
    arriving = np.array([[[-1, 2, 0, 1]]], np.float32)
    image = np.array([[[INF, 1, 1, 1]]], np.float32)
    given = image, (1, 1, 3), arriving
    # tap 0 reads pixels −1 to 2, tap 1 those from 0 on, tap 2 those from 1 on, through one infinite input each
    skipped = np.array([[[-1 + 2 + 0, -INF, INF]]], np.float32)
    assert compare_result(skipped, refconv.grad.conv_transpose1d_weight, *given, padding=1).convention == SKIPPED
    assert not compare_result(-skipped, refconv.grad.conv_transpose1d_weight, *given, padding=1).passed


def quantized(sums: list[int], output_scale: float, zero: int, actual: list[int] | None = None) -> Judged:
    """Return what a convention is asked about sums, divided by a scale and with a zero point added, in 8 bits."""
    image, weight = np.array([[sums]], np.int8), np.ones((1, 1, 1), np.int8)
    scale = np.float32(output_scale)
    call = Call.of(refconv.quantized.conv1d_quantized, image, np.float32(1), 0, weight, np.float32(1), 0, scale, zero)
    reference = Standard(np.dtype(np.int8)).reference(call)
    return Judged(call, DIRECT, reference, reference.desired if actual is None else np.array([[actual]], np.int8))


@pytest.mark.parametrize(
    ("ties", "rounded"),
    [
        (None, [1, 3, 3, 1, -1]),  # ½, 1½, 2½, -½ and -1½ to even, and 1
        ("halves are rounded up", [2, 3, 4, 1, 0]),
        ("halves are rounded away from zero", [2, 3, 4, 0, -1]),
        # 1½, 2½, 3½, ½ and -½ to even
        ("the output's zero point is added before sum·M is rounded, as in ONNX's reference", [2, 2, 4, 0, 0]),
    ],
)
def test_a_dialect_turns_the_ties_and_nothing_else(ties: str | None, rounded: list[int]) -> None:
    judged = quantized([3, 9, 15, -3, -9, 2, 4, -2, 8, 1], 6.0, 1)
    reference = CONVENTIONS[ties](judged) if ties else judged.reference
    assert reference is not None
    assert reference.truth.reshape(-1).tolist() == [*rounded, 1, 2, 1, 2, 1]  # ⅓, ⅔, -⅓, 1⅓ and ⅙ to the nearest, and 1


@pytest.mark.parametrize(
    ("off", "actual", "truth"),
    [
        (0.0, [1, 0, -1, 0], [1, 0, -1, 0]),  # ½, ½, -½ and -½ may be either neighbour,
        (0.0, [2, -1, -2, 1], [0, 0, 0, 0]),  # but no other number
        (2.0**-21, [1, 0, -1, 0], [1, 0, -1, 0]),  # ½ / (1 + 2^-21) is 2^-22 off, 2^-21 of its own size
        (2.0**-20, [1, 0, -1, 0], [0, 0, 0, 0]),
    ],
)
def test_a_product_of_float32_may_be_either_neighbour_of_what_is_nearly_a_tie(
    off: float, actual: list[int], truth: list[int]
) -> None:
    judged = quantized([1, 1, -1, -1], 2 * (1 + off), 0, actual)
    reference = CONVENTIONS["sum·M is a product of float32 numbers, as in onnxruntime, PyTorch and XNNPACK"](judged)
    assert reference is not None
    assert reference.truth.reshape(-1).tolist() == truth


def test_a_dialect_adds_the_bias_of_each_channel_and_takes_the_zero_points_off() -> None:
    image, weight = np.array([[[[7, 8, 9]]]], np.int8), np.array([3, 4], np.int8).reshape(2, 1, 1, 1)
    units, bias = (np.float32(0.5), np.float32(2), np.float32(4)), np.array([1, -7], np.int32)
    arguments = image, units[0], 5, weight, units[1], [1, 1], units[2], -3, bias
    call = Call.of(refconv.quantized.conv2d_quantized, *arguments)
    reference = Standard(np.dtype(np.int8)).reference(call)
    up = CONVENTIONS["halves are rounded up"](Judged(call, DIRECT, reference, reference.desired))
    assert up is not None
    # 2·(2, 3, 4) + 1 and 3·(2, 3, 4) - 7, times ½·2 / 4: 1¼, 1¾, 2¼ and -¼, ½, 1¼, of which ½ is the tie
    assert reference.truth.reshape(2, 3).tolist() == [[-2, -1, -1], [-3, -3, -2]]
    assert up.truth.reshape(2, 3).tolist() == [[-2, -1, -1], [-3, -2, -2]]
