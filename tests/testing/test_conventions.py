from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import refconv
from refconv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d
from refconv.grad import conv2d_input, conv2d_weight
from refconv.precision import Precision
from refconv.problem import Problem
from refconv.testing import Comparison, compare_conv2d, compare_result
from refconv.testing.compare import compare_by_convention
from refconv.testing.conventions import CONVENTIONS, Judged
from refconv.testing.reference import reference_of

Array = npt.NDArray[Any]
INF, NAN = np.inf, np.nan

SKIPPED = "taps that read padding are skipped, where others multiply its zeros by NaN or infinity"
LATER = "the sum is rounded to the type of the result before the bias is added"
RESULTS = "subnormal results are flushed to zero"
INPUTS = "subnormal inputs and results are flushed to zero"
PARTIAL = "sums over channels or images are rounded to the result's type before they are added up"
THRICE = "complex numbers are multiplied by three real products"
WRAPPED = "integer sums wrap in the type of the result"
LEAST_NORMAL = 2.0**-126


def one(value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
    return np.full((1, 1, 1, 1), value, dtype)


def as_judged(problem: Problem, dtype: npt.DTypeLike, precision: Precision | None = None) -> Judged:
    """Return what a convention is asked about a result of this type."""
    return Judged(problem, precision, reference_of(problem, np.dtype(dtype), precision), np.dtype(dtype))


def excused(convention: str, judged: Judged) -> Array:
    """Return by how much a convention allows more than the reference does."""
    reference = CONVENTIONS[convention](judged)
    assert reference is not None
    return np.asarray(reference.allowed - judged.reference.allowed)


def test_there_are_seven_conventions() -> None:
    assert list(CONVENTIONS) == [SKIPPED, LATER, PARTIAL, THRICE, RESULTS, INPUTS, WRAPPED]


# The bias


def biased(dtype: Any = np.float16) -> tuple[Array, Array, Array]:
    """Return arrays whose sum is 2049, which float16 rounds to 2048, and a bias of −2048."""
    return (
        np.array([[[[2048, 1]]]], dtype),
        np.ones((1, 1, 1, 2), dtype),
        np.array([-2048], dtype),
    )


def test_a_bias_may_be_added_to_the_rounded_sum() -> None:
    image, kernel, bias = biased()
    comparison = compare_conv2d(
        np.zeros((1, 1, 1, 1), np.float16), image, kernel, bias
    )  # 2048 − 2048, where 1 is right
    assert (comparison.passed, comparison.convention) == (True, LATER)
    assert compare_conv2d(np.ones((1, 1, 1, 1), np.float16), image, kernel, bias).convention == ""


def test_a_bias_added_later_excuses_no_more_than_the_rounding() -> None:
    image, kernel, bias = biased()
    assert not compare_conv2d(np.full((1, 1, 1, 1), 6, np.float16), image, kernel, bias).passed
    assert not compare_conv2d(np.zeros((1, 1, 1, 1), np.float32), *biased(np.float32)).passed  # which rounds nothing


def test_a_bias_added_later_takes_two_roundings_of_the_sum() -> None:
    # u·2049 = 1.0005 is what the sum may be off by itself, to 3 parts in 10^4 of that; and each rounding takes u of both
    extra = excused(LATER, as_judged(Problem.of(conv2d, *biased()), np.float16)).item()
    assert extra * 2**11 == pytest.approx(2 * (2049 + 1.0007), abs=1e-3)
    nothing = Problem.of(conv2d, one(0, np.float16), one(0, np.float16), np.zeros(1, np.float16))
    assert excused(LATER, as_judged(nothing, np.float16)).item() * 2**24 == pytest.approx(2, rel=2e-3)


def test_a_bias_added_later_is_rounded_only_to_a_type_narrower_than_the_sums() -> None:
    judge = CONVENTIONS[LATER]
    halves = Problem.of(conv2d, *biased())
    assert judge(as_judged(halves, np.float16)) is not None
    assert judge(as_judged(halves, np.float16, Precision.of(np.float16, accumulate_dtype=np.float16))) is None
    assert judge(as_judged(Problem.of(conv2d, *biased(np.float32)), np.float32)) is None
    assert judge(as_judged(halves.with_operands(bias=None), np.float16)) is None


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
    assert CONVENTIONS[SKIPPED](as_judged(Problem.of(conv2d, image, kernel, padding=1), np.complex64)) is None


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
    problem = Problem.of(conv2d, image, kernel, padding=1)
    exact = reference_of(problem, np.dtype(np.float32))
    exact = exact._replace(allowed=np.zeros_like(exact.allowed))  # as where the data are such that nothing is rounded
    assert not compare_by_convention(actual, problem, exact).passed


# Subnormal numbers


def test_a_subnormal_result_may_be_flushed() -> None:
    tiny = 2.0**-70
    comparison = compare_conv2d(one(0), one(tiny), one(tiny))
    assert comparison.passed
    assert comparison.convention == RESULTS
    assert not compare_conv2d(one(2.0**-140), one(tiny), one(tiny)).convention


@pytest.mark.parametrize(("sign", "passes"), [(-1, True), (1, False)])
def test_no_more_is_excused_than_what_flushing_takes(sign: int, passes: bool) -> None:
    # One product, flushed once itself and once in the sum, and the result: 3·2^-126, beside a bound of 2^-149.
    right = 2.0**-70 * 2.0**-70
    off = right + 3 * LEAST_NORMAL + sign * 2.0**-140
    comparison = compare_conv2d(one(off), one(2.0**-70), one(2.0**-70))
    assert comparison.passed is passes
    assert (comparison.convention == RESULTS) is passes


def test_flushing_goes_by_the_accumulator_and_the_result() -> None:
    image = one(2.0**-10, np.float16)
    keywords: dict[str, Any] = {"accumulate_dtype": np.float16}
    # the product 2^-20 is subnormal in float16, in which it is added up
    zero = compare_conv2d(one(0, np.float16), image, image, **keywords)
    assert zero.convention == RESULTS
    # 3·2^-14 where float16 adds up, and 2^-14 alone where float32 does
    off = one(2.0**-20 + 1.5 * 2.0**-14, np.float16)
    assert compare_conv2d(off, image, image, **keywords).convention == RESULTS
    assert not compare_conv2d(off, image, image).passed


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
    problem = Problem.of(conv2d, one(2.0**-70), one(2.0**-70))
    reference = reference_of(problem, np.dtype(np.float32))
    exact = reference._replace(allowed=np.zeros_like(reference.allowed))
    assert compare_by_convention(one(0), problem, exact).convention == RESULTS
    # of numbers whose own bound is larger than what flushing takes, nothing but that is allowed
    problem = Problem.of(conv2d, one(4), one(4))
    reference = reference_of(problem, np.dtype(np.float32))
    exact = reference._replace(allowed=np.zeros_like(reference.allowed))
    neighbour = np.nextafter(one(16), np.float32(0))
    assert compare_by_convention(neighbour, problem, reference).passed
    assert not compare_by_convention(neighbour, problem, exact).passed


def test_the_precision_that_was_said_is_the_conventions_too() -> None:
    problem = Problem.of(conv2d, one(1 / 3), one(2.0**-100))
    dtype = np.dtype(np.float32)
    precision = Precision.of(dtype, input_dtype="bfloat16")
    reference = reference_of(problem, dtype, precision)
    rounded = one(0.333984375 * 2.0**-100)
    assert compare_by_convention(rounded, problem, reference, precision).passed


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


# Sums that are rounded before they are added up


def test_images_sums_may_be_rounded_before_they_are_added_up() -> None:
    # the first image's is 2049, which float16 rounds to 2048, and the second's −2048
    images = np.array([[[[2048, 1]]], [[[-2048, 0]]]], np.float16)
    arriving, size = np.ones((2, 1, 1, 2), np.float16), (1, 1, 1, 1)
    assert compare_result(one(1, np.float16), conv2d_weight, images, size, arriving).convention == ""
    assert compare_result(one(0, np.float16), conv2d_weight, images, size, arriving).convention == PARTIAL
    # 3 roundings of 2^−11 of 4097: 6.002
    assert compare_result(one(-5, np.float16), conv2d_weight, images, size, arriving).convention == PARTIAL
    assert not compare_result(one(-6, np.float16), conv2d_weight, images, size, arriving).passed
    # one image alone has two roundings, and what is not narrow none
    alone = images[:1], size, arriving[:1]
    assert compare_result(one(2046, np.float16), conv2d_weight, *alone).convention == PARTIAL
    assert not compare_result(one(2044, np.float16), conv2d_weight, *alone).passed
    unbatched = images[0], size, arriving[0]
    assert compare_result(one(2046, np.float16), conv2d_weight, *unbatched).convention == PARTIAL
    assert not compare_result(one(2044, np.float16), conv2d_weight, *unbatched).passed
    single = (images.astype(np.float32), size, arriving.astype(np.float32))
    assert not compare_result(one(0), conv2d_weight, *single).passed


def test_channels_sums_may_be_rounded_before_the_taps_are_added_up() -> None:
    # pixels (−2048, 0) and (2048, 1) of two channels, scattered through two taps of 1: −2048, 2049 − 2048, 2049
    image = np.array([[[[-2048, 2048]], [[0, 1]]]], np.float16)
    kernel = np.ones((2, 1, 1, 2), np.float16)
    right, narrow = (np.array([[[[-2048, middle, 2048]]]], np.float16) for middle in (1, 0))
    assert compare_result(right, conv_transpose2d, image, kernel).convention == ""
    assert compare_result(narrow, conv_transpose2d, image, kernel).convention == PARTIAL
    assert compare_result(narrow, conv2d_input, (1, 1, 1, 3), kernel, image).convention == PARTIAL
    wide = narrow.astype(np.float32), conv_transpose2d, image.astype(np.float32), kernel.astype(np.float32)
    assert not compare_result(*wide).passed
    # the middle adds up 2 sums, of 4097 in all: 3 roundings come to 6.002; the first is one of 2048: 2 roundings, to 2.0
    for place, off, passes in ((1, 6, True), (1, 8, False), (0, 1, True), (0, 4, False)):
        other = right.copy()
        other[..., place] += off
        assert compare_result(other, conv_transpose2d, image, kernel).passed == passes, (place, off)


def test_groups_leave_fewer_channels_to_each_tap() -> None:
    kernel, image = np.ones((4, 1, 1, 3), np.float16), np.ones((1, 4, 1, 3), np.float16)
    right = refconv.conv_transpose2d(image, kernel, groups=2)
    assert right[0, :, 0].tolist() == [[2, 4, 6, 4, 2]] * 2
    for middle, passes in ((6 + 2.0**-7, True), (6 + 2.0**-6, False)):  # 4 roundings of 2^−11 of 6: 1.5 · 2^−7
        right[0, 0, 0, 2] = middle
        assert compare_result(right, conv_transpose2d, image, kernel, groups=2).passed == passes


def test_each_partial_sum_is_rounded_once_and_may_lose_the_least_number() -> None:
    kernel = np.ones((4, 1, 1, 3), np.float16)
    for value, unit, expected in (
        (1, 2**11, [2 * 2, 3 * 4, 4 * 6, 3 * 4, 2 * 2]),  # M + 1 roundings of sums of 2·M
        (0, 2**24, [1, 2, 3, 2, 1]),  # M least numbers
    ):
        problem = Problem.of(conv_transpose2d, np.full((1, 4, 1, 3), value, np.float16), kernel, groups=2)
        extra = excused(PARTIAL, as_judged(problem, np.float16))
        np.testing.assert_allclose(extra[0, :, 0] * unit, [expected] * 2, rtol=4e-3)


@pytest.mark.parametrize(("batch", "products"), [((5,), 10), ((), 2)])
def test_each_image_has_a_partial_sum_of_a_gradient(batch: tuple[int, ...], products: int) -> None:
    image, arriving = (np.ones((*batch, channels, 1, 2), np.float16) for channels in (3, 1))
    problem = Problem.of(conv2d_weight, image, (1, 3, 1, 1), arriving)
    extra = excused(PARTIAL, as_judged(problem, np.float16)).ravel() * 2**11
    # M + 1 roundings of N·1·2 products
    np.testing.assert_allclose(extra, 3 * [(products // 2 + 1) * products], rtol=4e-3)


def test_a_convolution_has_no_such_sums() -> None:
    image, kernel, _ = biased()
    assert not compare_conv2d(np.full((1, 1, 1, 1), 2044, np.float16), image, kernel).passed


# Complex products of three real ones


def test_complex_numbers_may_be_multiplied_by_three_real_products() -> None:
    # the corners are the bias alone: 1 + 1.5·2^−24 is rounded to 1 + 2^−23, so that 2^−23 is left of 1.5·2^−24
    image, kernel, bias = (np.array([value], np.complex64) for value in (1, 1, 1 + 1.5j * 2.0**-24))
    arguments = image.reshape(1, 1, 1, 1), kernel.reshape(1, 1, 1, 1), bias
    actual = refconv.conv2d(*arguments, padding=1)
    assert compare_conv2d(actual, *arguments, padding=1).convention == ""
    actual[0, 0, 0, 0] = 1 + 1j * 2.0**-23
    assert compare_conv2d(actual, *arguments, padding=1).convention == THRICE
    # √20 · 6 roundings of 2^−24 are 26.8
    for units, passes in ((26, True), (29, False)):
        actual[0, 0, 0, 0] = 1 + 1j * units * 2.0**-24
        assert compare_conv2d(actual, *arguments, padding=1).passed == passes
    # the middle adds up one product, K = 2 and the bias: √20 · 8 roundings of 2 are 71.6
    for units, passes in ((69, True), (75, False)):
        actual = refconv.conv2d(*arguments, padding=1)
        actual[0, 0, 1, 1] += 1j * units * 2.0**-24
        assert compare_conv2d(actual, *arguments, padding=1).passed == passes


def test_what_three_real_products_are_off_by() -> None:
    image, kernel, bias = one(1, np.complex64), one(1, np.complex64), np.array([1], np.complex64)
    judged = as_judged(Problem.of(conv2d, image, kernel, bias, padding=(0, 1)), np.complex64)
    reference = CONVENTIONS[THRICE](judged)
    assert reference is not None
    # (2² + 4²)·(n + 5)²·M²: of the bias alone n is 1 and M 1, and beside one product, which counts twice, 3 and 2
    np.testing.assert_allclose((reference.allowed * 2**24).ravel() ** 2, [20 * 36, 20 * 256, 20 * 36], rtol=1e-5)


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
    image, kernel, bias = biased()
    taps = kernel.reshape(2, 1, 1, 1)  # of two channels
    arguments = (image.reshape(1, 2, 1, 1), taps, bias)
    assert compare_result(one(0, np.float16), conv_transpose2d, *arguments).convention == LATER
    small, unit = one(2.0**-140), one(1)
    assert compare_result(one(0), conv2d_weight, small, (1, 1, 1, 1), unit).convention in (RESULTS, INPUTS)
    assert not compare_result(one(2.0**-126), conv2d_weight, one(2.0**-120), (1, 1, 1, 1), unit).passed
    full = np.full((1, 1, 1), 100, np.int8)
    wrapped = np.array([[[100 * 100 % 256]]], np.int8)
    assert compare_result(wrapped, conv1d, full, full).convention == WRAPPED
