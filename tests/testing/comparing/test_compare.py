from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pytest

from refconv import conv2d
from refconv.testing import Comparison, compare_conv2d
from refconv.testing.comparing.comparison import compare_arrays, exception_text
from refconv.testing.comparing.reference import Reference

Array = npt.NDArray[Any]
IMAGE = np.arange(1, 13, dtype=np.float32).reshape(1, 1, 3, 4)
KERNEL = np.array([[[[1, 0], [0, -2]]], [[[0, 3], [1, 0]]]], np.float32)
TRUTH = conv2d(IMAGE, KERNEL)  # (1, 2, 2, 3)


def compared(actual: object, **keywords: Any) -> Comparison:
    return compare_conv2d(actual, IMAGE, KERNEL, **keywords)


def spoilt(index: tuple[int, ...], value: Any) -> Array:
    actual = TRUTH.copy()
    actual[index] = value
    return actual


def arrays(actual: Any, truth: Any, bound: Any, dtype: npt.DTypeLike = np.float32) -> Comparison:
    wide = np.asarray(truth)
    return compare_arrays(np.asarray(actual, dtype), Reference(wide, np.asarray(bound, np.float64), np.dtype(dtype)))


def test_the_truth_passes() -> None:
    comparison = compared(TRUTH)
    assert comparison.passed
    assert (comparison.problem, comparison.elements, comparison.mismatched) == ("", 12, 0)
    assert (comparison.error, comparison.error_in_bounds) == (0, 0)
    assert comparison.bound > 0


def test_one_wrong_element_is_found() -> None:
    comparison = compared(spoilt((0, 1, 0, 2), 7.5))
    assert not comparison.passed
    # output 0, 1, 0, 2 is 3·4 + 7 = 19
    assert comparison.worst_index == (0, 1, 0, 2)
    assert (comparison.actual, comparison.desired, comparison.error) == (7.5, 19, 11.5)
    assert comparison.worst_index is not None
    assert (comparison.elements, comparison.mismatched) == (12, 1)
    # n = 4 taps, and Σ|x||w| = 19
    assert comparison.bound == pytest.approx(4 * 2**-24 * 19, rel=1e-6)
    assert comparison.error_in_bounds == comparison.error / comparison.bound
    assert all(type(index) is int for index in comparison.worst_index)
    assert type(comparison.mismatched) is int


def test_the_text_of_a_failure() -> None:
    assert str(compared(spoilt((0, 1, 0, 2), 7.5))) == (
        "1 of 12 elements wrong; the worst is [0, 1, 0, 2]\n"
        "got  7.5\n"
        "want 19.0\n"
        "error 11.5, 2.54e+06 × its bound 4.5e-06"  # 11.5 / (4·2^-24·19)
    )


def test_the_text_of_a_failure_where_the_bound_is_zero() -> None:
    comparison = compare_conv2d([[[3, 5]]], [[[1, 2]]], [[[[3]]]])
    assert (
        str(comparison)
        == "1 of 2 elements wrong; the worst is [0, 0, 1]\ngot  5\nwant 6\nerror 1, where none is allowed"
    )


def test_the_text_of_a_pass_says_how_much_of_the_bound_was_used() -> None:
    assert str(arrays([1.0], [1.25], [0.5])) == "all 1 elements agree; the worst uses 0.5 of its bound"


def test_the_text_of_a_pass_where_the_bound_is_zero() -> None:
    assert str(compare_conv2d([[[3, 6]]], [[[1, 2]]], [[[[3]]]])) == "all 2 elements agree"


def test_all_elements_may_be_wrong() -> None:
    assert compared(TRUTH + 1).mismatched == 12


def test_a_wrong_shape() -> None:
    comparison = compared(TRUTH[0])
    assert not comparison.passed
    assert str(comparison) == comparison.problem == "shape (2, 2, 3), where (1, 2, 2, 3) was expected"
    assert comparison.worst_index is None
    assert compared(TRUTH[..., :2]).problem == "shape (1, 2, 2, 2), where (1, 2, 2, 3) was expected"


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.complex64, bool])
def test_a_wrong_type(dtype: npt.DTypeLike) -> None:
    comparison = compared(np.zeros(TRUTH.shape, dtype))
    assert not comparison.passed
    assert comparison.problem == f"dtype {np.dtype(dtype)}, where float32 was expected"


def test_the_shape_is_looked_at_before_the_type() -> None:
    assert compared(np.zeros(3)).problem == "shape (3,), where (1, 2, 2, 3) was expected"


def test_another_type_can_be_asked_for() -> None:
    wide = conv2d(IMAGE, KERNEL, dtype=np.float64)
    assert compared(wide, dtype=np.float64).passed
    assert compared(TRUTH, dtype=np.float64).problem == "dtype float32, where float64 was expected"
    narrow = compared(TRUTH.astype(np.float16), dtype=np.float16)
    assert narrow.passed
    assert narrow.bound > compared(TRUTH).bound


def test_all_arguments_reach_the_convolution() -> None:
    image, kernel = np.ones((2, 4, 9, 11)), np.ones((6, 2, 2, 3))
    arguments: Any = (image, kernel, np.ones(6), (2, 1), ((1, 0), (2, 1)), (1, 2), 2)
    actual = conv2d(*arguments, padding_mode="reflect")
    assert compare_conv2d(actual, *arguments, padding_mode="reflect").passed
    assert not compare_conv2d(actual, *arguments).passed  # zeros in the padding


def test_a_rounding_error_is_not_a_mistake() -> None:
    image = np.random.default_rng(0).normal(size=(1, 8, 5, 6)).astype(np.float32)
    kernel = np.random.default_rng(1).normal(size=(3, 8, 3, 2)).astype(np.float32)
    truth = conv2d(image, kernel, dtype=np.float64)
    actual = truth.astype(np.float32)
    assert (actual != truth).any()
    comparison = compare_conv2d(actual, image, kernel)
    assert comparison.passed
    assert comparison.error == 0  # correctly rounded: as near as it can be
    neighbour = np.nextafter(actual, np.float32(np.inf))
    assert 0 < compare_conv2d(neighbour, image, kernel).error_in_bounds < 1


def test_just_outside_the_bound() -> None:
    assert arrays([1.5], [1.0], [0.5]).passed
    assert not arrays([np.nextafter(np.float32(1.5), np.float32(2))], [1.0], [0.5]).passed
    assert not arrays([np.nextafter(np.float32(0.5), np.float32(0))], [1.0], [0.5]).passed


def test_the_worst_is_the_worst_by_its_own_bound() -> None:
    comparison = arrays([10.0, 2.0, 3.0], [0.0, 0.0, 0.0], [9.0, 0.5, 1.0])
    assert (comparison.worst_index, comparison.error, comparison.bound) == ((1,), 2.0, 0.5)
    assert comparison.error_in_bounds == 4
    assert comparison.mismatched == 3


def test_where_no_error_is_allowed_the_worst_is_the_largest() -> None:
    comparison = arrays([1.0, 5.0, 7.0, 6.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0])
    assert (comparison.worst_index, comparison.error, comparison.bound) == ((3,), 6.0, 0.0)
    assert comparison.error_in_bounds == math.inf
    assert comparison.mismatched == 4


def test_the_worst_of_equals_is_the_first() -> None:
    assert arrays([0.0, 2.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]).worst_index == (0,)


def test_an_exact_element_is_never_the_worst() -> None:
    assert arrays([0.0, 1.5], [0.0, 1.0], [0.0, 1.0]).worst_index == (1,)


def test_the_error_is_measured_from_the_truth_not_from_its_rounding() -> None:
    truth = 1 + 2.0**-24 + 2.0**-40  # rounds up to 1 + 2^-23 in float32
    comparison = arrays([1.0], [truth], [2.0**-24])
    assert comparison.error == 2.0**-24 + 2.0**-40
    assert comparison.desired == 1 + 2.0**-23
    assert not comparison.passed


def test_the_truth_is_wider_than_the_result() -> None:
    image = np.array([[[[1, 2.0**-30]]]], np.float32)
    actual = np.full((1, 1, 1, 1), 1 + 2.0**-23, np.float32)
    comparison = compare_conv2d(actual, image, np.ones((1, 1, 1, 2), np.float32))
    assert comparison.error == 2.0**-23 - 2.0**-30
    assert comparison.desired == 1


def test_integers_beyond_64_bits_are_compared_as_objects() -> None:
    image, kernel = np.full((1, 1, 1, 1), 2**62), np.full((1, 1, 1, 1), 8)
    actual = np.full((1, 1, 1, 1), 2**65, object)
    assert compare_conv2d(actual, image, kernel, dtype=object).passed
    assert compare_conv2d(actual + 1, image, kernel, dtype=object).error == 1


def test_the_bound_knows_padding_modes() -> None:
    ones = np.ones((1, 1, 3, 3), np.float32)
    actual = np.full((1, 1, 3, 3), 9, np.float32)
    comparison = compare_conv2d(actual, ones, ones, padding=1, padding_mode="circular")
    assert comparison.worst_index == (0, 0, 0, 0)
    assert comparison.bound == pytest.approx(81 * 2**-24, rel=1e-6)  # at a corner too, 9 products that add up to 9


def test_integers_know_padding_modes() -> None:
    image, kernel = np.arange(1, 5).reshape(1, 1, 2, 2), np.ones((1, 1, 2, 2), int)
    actual = conv2d(image, kernel, padding=1, padding_mode="circular")
    assert compare_conv2d(actual, image, kernel, padding=1, padding_mode="circular").passed
    assert not compare_conv2d(actual, image, kernel, padding=1).passed


NUMBERS = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "0": 0.0, "1": 1.0}


@pytest.mark.parametrize("truth", NUMBERS)
@pytest.mark.parametrize("actual", NUMBERS)
@pytest.mark.parametrize("bound", [0.0, 0.5])
def test_nan_and_infinities_equal_themselves_alone(actual: str, truth: str, bound: float) -> None:
    comparison = arrays([2.0, NUMBERS[actual]], [2.0, NUMBERS[truth]], [bound, bound])
    assert comparison.passed == (actual == truth)
    if actual != truth:
        assert comparison.worst_index == (1,)
        assert comparison.error == (1 if {actual, truth} == {"0", "1"} else math.inf)


def test_minus_zero_is_zero() -> None:
    assert arrays([-0.0, 0.0], [0.0, -0.0], [0.0, 0.0]).passed


def with_first_pixel(value: float) -> Array:
    image = np.ones((1, 1, 3, 3), np.float32)
    image[0, 0, 0, 0] = value
    return image


ONES = np.ones((1, 1, 2, 2), np.float32)


@pytest.mark.parametrize("pixel", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("actual", NUMBERS)
def test_only_the_same_non_number_comes_out_of_a_non_number(pixel: str, actual: str) -> None:
    image = with_first_pixel(NUMBERS[pixel])
    result = np.full((1, 1, 2, 2), 4, np.float32)
    result[0, 0, 0, 0] = NUMBERS[actual]
    assert compare_conv2d(result, image, ONES).passed == (actual == pixel)


@pytest.mark.parametrize("pixel", ["nan", "inf"])
def test_a_non_number_does_not_hide_a_wrong_number(pixel: str) -> None:
    image = with_first_pixel(NUMBERS[pixel])
    actual = conv2d(image, ONES)
    actual[0, 0, 1, 0] = 5
    comparison = compare_conv2d(actual, image, ONES)
    assert (comparison.mismatched, comparison.worst_index) == (1, (0, 0, 1, 0))
    assert comparison.error == 1


@pytest.mark.parametrize("pixel", ["nan", "inf"])
def test_the_wrong_element_is_found_where_there_is_no_bound(pixel: str) -> None:
    image = np.ones((1, 1, 3, 3), np.float32)
    image[0, 0, 2, 2] = NUMBERS[pixel]
    comparison = compare_conv2d(np.full((1, 1, 2, 2), 4, np.float32), image, ONES)
    assert (comparison.mismatched, comparison.worst_index) == (1, (0, 0, 1, 1))
    assert (comparison.error, comparison.bound, comparison.error_in_bounds) == (math.inf, 0, math.inf)
    assert "nan × " not in str(comparison)


def test_where_a_partial_sum_may_overflow_any_result_is_right() -> None:
    # 3e38 + 3e38 − 3e38 is 3e38, or infinite, as the order will have it
    image = np.array([[[[3e38, 3e38, -3e38]]]], np.float32)
    for value in (3e38, np.inf):
        assert compare_conv2d(np.full((1, 1, 1, 1), value, np.float32), image, np.ones((1, 1, 1, 3), np.float32)).passed


def test_a_result_beyond_the_range_is_infinite() -> None:
    huge, two = np.full((1, 1, 1, 1), 3e38, np.float32), np.full((1, 1, 1, 1), 2, np.float32)
    assert compare_conv2d(np.full((1, 1, 1, 1), np.inf, np.float32), huge, two).passed


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        return f"raises {self.error!r}"

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise self.error


class RaisesWhenDetached:
    """Like a tensor whose device is gone."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        return f"detach raises {self.error!r}"

    def detach(self) -> NoReturn:
        raise self.error

    def cpu(self) -> None:
        """Never called."""


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError


def nested() -> list[Any]:
    return [[1, 2], [3]]


@pytest.mark.parametrize(
    ("garbage", "problem"),
    [
        (None, "None was returned"),
        (object, r"shape \(\), where"),
        ({}, r"shape \(\), where"),
        (5, r"shape \(\), where"),
        ("text", "the result has dtype <U4; it must be a number type"),
        (b"bytes", "the result has dtype"),
        (nested(), "the result cannot be read as an array: .* inhomogeneous"),
        (np.array(["2020-01-01"], "datetime64[D]"), "the result has dtype datetime64"),
        (np.ma.masked_array(TRUTH, mask=True), "the result is a masked array"),
        (Raises(RuntimeError("no luck")), "the result cannot be read as an array: no luck"),
        (RaisesWhenDetached(RuntimeError("device lost")), "device lost"),
        (Raises(RuntimeError()), "the result cannot be read as an array"),
    ],
    ids=str,
)
def test_garbage_is_a_problem_in_words(garbage: object, problem: str) -> None:
    comparison = compared(garbage)
    assert not comparison.passed
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(str(comparison))


@pytest.mark.parametrize(
    "garbage",
    [RaisesWhenDetached(RuntimeError()), Raises(UnspeakableError()), RaisesWhenDetached(UnspeakableError())],
    ids=str,
)
def test_garbage_that_cannot_say_why_fails_all_the_same(garbage: object) -> None:
    comparison = compared(garbage)
    assert not comparison.passed
    assert comparison.problem


@pytest.mark.parametrize("garbage", [None, "text", 10**400], ids=["None", "text", "huge"])
def test_garbage_among_objects_is_a_mismatch(garbage: object) -> None:
    image = np.array([[[[1, 2]]]], object)
    actual = np.array([[[[2, 4]]]], object)
    actual[0, 0, 0, 1] = garbage
    assert not compare_conv2d(actual, image, np.array([[[[2]]]], object)).passed


def test_lists_are_arrays() -> None:
    assert compared(TRUTH.astype(np.float64).tolist(), dtype=np.float64).passed
    assert compare_conv2d([[[2, 4]]], [[[1, 2]]], [[[[2]]]]).passed
    assert not compare_conv2d([[[2, 5]]], [[[1, 2]]], [[[[2]]]]).passed


def test_byte_order_is_no_matter() -> None:
    swapped = TRUTH.astype(TRUTH.dtype.newbyteorder())
    assert compared(swapped).passed
    wrong = spoilt((0, 0, 0, 0), 99).astype(TRUTH.dtype.newbyteorder())
    assert compared(wrong).worst_index == (0, 0, 0, 0)


def test_byte_order_of_the_operands_is_no_matter() -> None:
    swapped = IMAGE.dtype.newbyteorder()
    assert compare_conv2d(TRUTH, IMAGE.astype(swapped), KERNEL.astype(swapped)).passed


@pytest.mark.parametrize("difference", [0, 1, -1])
def test_integers_beyond_2_to_the_53_are_compared_one_by_one(difference: int) -> None:
    image = np.full((1, 1, 1, 1), 2**60 + 1)
    actual = np.full((1, 1, 1, 1), 2**60 + 1 + difference)
    comparison = compare_conv2d(actual, image, np.ones((1, 1, 1, 1), int))
    assert comparison.passed == (difference == 0)
    assert comparison.error == abs(difference)
    assert comparison.desired == 2**60 + 1


def test_differences_of_integers_do_not_wrap() -> None:
    image = np.full((1, 1, 1, 1), 127, np.int8)
    ones = np.ones((1, 1, 1, 1), np.int8)
    comparison = compare_conv2d(np.full((1, 1, 1, 1), -128, np.int8), image, ones, dtype=np.int8)
    assert comparison.error == 255
    assert compare_conv2d(np.full((1, 1, 1, 1), 255, np.uint8), image, ones, dtype=np.uint8).error == 128


def test_bools_are_compared() -> None:
    true = np.ones((1, 1, 1, 1), bool)
    assert compare_conv2d(true, true, true, dtype=bool).passed
    assert compare_conv2d(~true, true, true, dtype=bool).error == 1


def test_fractions_are_compared_exactly() -> None:
    third = np.full((1, 1, 1, 1), Fraction(1, 3))
    ninth = np.full((1, 1, 1, 1), Fraction(1, 9))
    assert compare_conv2d(ninth, third, third).passed
    assert compare_conv2d(ninth + Fraction(1, 10**12), third, third).error == pytest.approx(1e-12)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers(dtype: type[np.complexfloating[Any]]) -> None:
    image, kernel = (IMAGE * (1 + 1j)).astype(dtype), (KERNEL * (2 - 1j)).astype(dtype)
    truth = conv2d(image, kernel)
    assert compare_conv2d(truth, image, kernel).passed
    comparison = compare_conv2d(truth.conj(), image, kernel)
    assert comparison.actual == truth.conj()[comparison.worst_index]
    assert comparison.error == abs(2 * truth[comparison.worst_index].imag)
    assert not compare_conv2d(truth.real, image, kernel).passed


def test_longdouble() -> None:
    image, kernel = IMAGE.astype(np.longdouble), KERNEL.astype(np.longdouble)
    truth = conv2d(image, kernel)
    assert compare_conv2d(truth, image, kernel).passed
    off = truth + truth * 1000 * np.finfo(np.longdouble).eps
    assert compare_conv2d(off, image, kernel).mismatched == 12


def test_float16() -> None:
    image, kernel = IMAGE.astype(np.float16), KERNEL.astype(np.float16)
    truth = conv2d(image, kernel)
    assert truth.dtype == np.float16
    assert compare_conv2d(truth, image, kernel).passed
    # the bound is half a gap of Σ|x||w|, which is 35 at most: 35·2^-11 = 0.017
    assert compare_conv2d(truth + np.float16(0.0625), image, kernel).mismatched == 12


def test_bfloat16() -> None:
    dtype = pytest.importorskip("ml_dtypes", reason="bfloat16 comes from ml_dtypes").bfloat16
    image, kernel = IMAGE.astype(dtype), KERNEL.astype(dtype)
    truth = conv2d(image, kernel)
    assert compare_conv2d(truth, image, kernel).passed
    comparison = compare_conv2d(truth + dtype(1), image, kernel)
    assert comparison.mismatched == 12
    assert isinstance(comparison.actual, float)


def test_a_torch_tensor_that_requires_grad() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.tensor(TRUTH, requires_grad=True)
    assert compared(tensor).passed
    assert compared(tensor * 2).mismatched == np.count_nonzero(TRUTH)


def test_only_a_tensor_is_taken_off_its_device() -> None:
    class Detached:
        """Has one of a tensor's two ways to NumPy, which is then something else."""

        def __init__(self) -> None:
            self.cpu = "which processor?"

        def __array__(self, dtype: object = None, copy: object = None) -> Array:
            return TRUTH

    assert compared(Detached()).passed


def test_a_comparison_of_nothing() -> None:
    nothing = Comparison()
    assert (nothing.elements, nothing.mismatched, nothing.error, nothing.bound, nothing.error_in_bounds) == (0,) * 5
    assert (nothing.worst_index, nothing.actual, nothing.desired) == (None,) * 3
    with pytest.raises(FrozenInstanceError):
        nothing.mismatched = 1  # type: ignore[misc]
    assert not hasattr(nothing, "__dict__")


def test_a_jax_array() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    assert compared(jax.numpy.asarray(TRUTH)).passed


def test_an_empty_result() -> None:
    image = np.ones((0, 1, 3, 3), np.float32)
    comparison = compare_conv2d(np.ones((0, 1, 2, 2), np.float32), image, ONES)
    assert comparison.passed
    assert str(comparison) == "all 0 elements agree"
    assert compare_conv2d(np.ones((0, 1, 3, 2), np.float32), image, ONES).problem
    assert compare_conv2d(np.ones((0, 1, 2, 2)), image, ONES).problem


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"groups": 3}, ValueError, "groups=3 must divide both"),
        ({"stride": 0}, ValueError, "stride=0 must be at least 1"),
        ({"padding": "sane"}, ValueError, "padding='sane' must be one of"),
        ({"padding_mode": "mirror"}, ValueError, "padding_mode='mirror' must be one of"),
        ({"bias": np.ones(3)}, ValueError, "bias has shape"),
        ({"dtype": np.int64}, TypeError, "dtype int64 cannot hold"),
    ],
)
def test_misuse_is_not_a_mismatch(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compared(TRUTH, **keywords)


def test_operands_that_are_no_arrays_are_misuse() -> None:
    with pytest.raises(TypeError, match="weight has dtype <U4"):
        compare_conv2d(TRUTH, IMAGE, "text")
    with pytest.raises(TypeError, match="bias has dtype <U4"):
        compare_conv2d(TRUTH, IMAGE, KERNEL, "text")


def test_the_result_is_left_as_it_was() -> None:
    actual = spoilt((0, 0, 0, 0), 99)
    before = actual.copy()
    compared(actual)
    np.testing.assert_array_equal(actual, before)


def test_nan_among_objects_is_nan_only() -> None:
    image = np.array([[[[np.nan, 2.0]]]], object)
    one = np.array([[[[1]]]], object)
    assert compare_conv2d(np.array([[[[np.nan, 2.0]]]], object), image, one).passed
    assert not compare_conv2d(np.array([[[[0.0, 2.0]]]], object), image, one).passed
    assert not compare_conv2d(np.array([[[[np.nan, np.nan]]]], object), image, one).passed


def test_an_infinite_error_has_no_ratio() -> None:
    assert str(compared(spoilt((0, 0, 0, 0), np.nan))).splitlines()[-1].startswith("error inf, where ")


def test_an_overflow_of_the_truth_itself_is_no_mismatch() -> None:
    # 1.5e308 + 1.5e308 − 1.5e308 overflows float64, in which the truth is accumulated, or not, as the order will have it
    image, ones = np.array([[[[1.5e308, 1.5e308, -1.5e308]]]]), np.ones((1, 1, 1, 3))
    for value in (1.5e308, np.inf):
        assert compare_conv2d(np.full((1, 1, 1, 1), value), image, ones).passed


def test_an_infinity_in_the_data_excuses_nothing() -> None:
    image, ones = np.array([[[[np.inf, 1.0, 2.0]]]]), np.ones((1, 1, 1, 2))
    assert compare_conv2d(np.array([[[[np.inf, 3.0]]]]), image, ones).passed
    assert compare_conv2d(np.array([[[[5.0, 3.0]]]]), image, ones).mismatched == 1
    assert compare_conv2d(np.array([[[[-np.inf, 4.0]]]]), image, ones).mismatched == 2


# Overflow


def one(value: float, dtype: npt.DTypeLike = np.float32) -> Array:
    return np.full((1, 1, 1, 1), value, dtype)


def returned(actual: float, truth: float, dtype: npt.DTypeLike) -> Comparison:
    """Compare one number in a narrow type, added up in float32, with a truth that float32 holds."""
    return compare_conv2d(np.array(actual).astype(dtype).reshape(1, 1, 1, 1), one(truth), one(1), dtype=dtype)


def test_exempt_elements_are_counted_and_the_others_are_judged() -> None:
    image = np.array([[[[3e38, 3e38, -3e38, 1, 2, 4]]]], np.float32)
    ones = np.ones((1, 1, 1, 3), np.float32)
    right = conv2d(image, ones)
    right[..., :2] = np.nan  # 3e38 + 3e38 and 3e38 − 3e38 + 1 may overflow on the way
    comparison = compare_conv2d(right, image, ones)
    assert comparison.passed
    assert (comparison.exempt, comparison.elements, comparison.mismatched) == (2, 4, 0)
    assert comparison.error_in_bounds < 1
    assert str(comparison).endswith("; 2 may overflow, and are exempt")
    right[..., 3] = 8
    comparison = compare_conv2d(right, image, ones)
    assert (comparison.mismatched, comparison.exempt, comparison.worst_index) == (1, 2, (0, 0, 0, 3))


def test_nothing_is_exempt_where_the_accumulator_is_wide_enough() -> None:
    image, ones = np.array([[[[3e38, 3e38, -3e38]]]], np.float32), np.ones((1, 1, 1, 3), np.float32)
    for value, passed in [(3e38, True), (np.inf, False)]:
        comparison = compare_conv2d(one(value), image, ones, accumulate_dtype=np.float64)
        assert comparison.passed is passed
        assert comparison.exempt == 0
    assert compare_conv2d(one(np.inf), image, ones).exempt == 1


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("actual", "truth", "passed"),
    [
        # float16 overflows from 65520 on, and half a last place is 65504·2^-11 = 31.98 there
        (np.inf, 65504, True),
        (np.inf, 65489, True),
        (np.inf, 65487, False),
        (np.inf, 65536, True),
        (np.inf, 1e6, True),
        (-np.inf, 65504, False),
        (-np.inf, 1e6, False),
        (np.nan, 65504, False),
        (np.nan, 1e6, False),
        (65504, 65535, True),  # 31 away
        (65504, 65537, False),  # 33 away
        (65472, 65504, False),
    ],
)
def test_an_infinity_is_right_only_where_the_bound_reaches_it(
    sign: int, actual: float, truth: float, passed: bool
) -> None:
    assert returned(sign * actual, sign * truth, np.float16).passed is passed


def test_the_error_of_an_infinity_is_the_way_to_it() -> None:
    comparison = returned(np.inf, 65504, np.float16)
    assert comparison.error == 65520 - 65504
    assert comparison.error_in_bounds == pytest.approx(16 / (65504 * 2.0**-11), rel=1e-3)
    assert returned(np.inf, 65487, np.float16).error == math.inf  # out of reach
    assert returned(np.inf, 1e6, np.float16).error == 0
    assert returned(65504, 65535, np.float16).error == 31


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("actual", "truth", "passed"),
    [
        # float8_e4m3fn has no infinity: NaN stands for what is beyond 464, and half a last place is 448/16 = 28
        (np.nan, 448, True),
        (np.nan, 438, True),
        (np.nan, 430, False),
        (np.nan, 1000, True),
        (448, 470, True),
        (448, 480, False),
        (416, 448, False),
    ],
)
def test_nan_stands_for_an_overflow_where_there_is_no_infinity(
    sign: int, actual: float, truth: float, passed: bool
) -> None:
    dtype = pytest.importorskip("ml_dtypes", reason="float8 comes from ml_dtypes").float8_e4m3fn
    assert returned(sign * actual, sign * truth, dtype).passed is passed


def test_a_tie_at_the_threshold_goes_where_it_rounds_to() -> None:
    dtype = pytest.importorskip("ml_dtypes", reason="float8 comes from ml_dtypes").float8_e4m3fn
    for actual, truth, passed in [(448, 464, True), (np.nan, 464, False), (np.nan, 464.01, True)]:
        found = arrays(np.array([actual]).astype(dtype), [truth], [0.0], dtype)
        assert found.passed is passed
    assert arrays([np.inf], [65520.0], [0.0], np.float16).passed
    assert arrays([np.inf], [65504.0], [16.0], np.float16).passed  # the bound reaches 65520, and no further
    assert not arrays([np.inf], [65519.0], [0.0], np.float16).passed
    assert not arrays([65504.0], [65520.0], [0.0], np.float16).passed


def test_a_complex_overflow_is_its_own() -> None:
    image = np.array([[[[complex(3e38, 1)]]]], np.complex64)
    kernel = one(2, np.complex64)
    assert compare_conv2d(conv2d(image, kernel), image, kernel).passed
    assert not compare_conv2d(one(1, np.complex64), one(2, np.complex64), kernel).passed


# What a comparison counts


def test_elements_that_ought_to_be_zero_are_counted() -> None:
    image = np.array([[[[0.0, 3, -0.0, 1e-9, 5]]]], np.float32)
    comparison = compare_conv2d(image.astype(np.float16), image, one(1), dtype=np.float16)
    assert (comparison.elements, comparison.zeros) == (5, 3)  # float16 makes 0 of 1e-9
    assert compare_conv2d(image, image, one(1)).zeros == 2
    assert compare_conv2d(image * 0 + 7, image, one(1)).zeros == 2  # what ought to be, not what is


def test_the_headroom_is_that_of_the_worst() -> None:
    comparison = arrays([1.0, 2.5, 3.0], [1.25, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert comparison.passed
    assert comparison.error_in_bounds == 0.5
    assert (comparison.error, comparison.bound, comparison.worst_index) == (0.5, 1.0, (1,))


# How the implementation works


def ones(*shape: int) -> Array:
    return np.ones(shape, np.float32)


VERDICTS: dict[str, tuple[Array, Array, Array, dict[str, Any]]] = {
    # 27 products of 1: float32 is off by 27·27·2^-24 = 0.00004 at most, float16 by 27·27·2^-11 = 0.36
    "accumulate_dtype": (one(27.25), ones(1, 3, 3, 3), ones(1, 3, 3, 3), {"accumulate_dtype": "float16"}),
    # a third, cut off after 8 digits
    "input_dtype": (one(0.33203125), one(1 / 3), one(1), {"input_dtype": "bfloat16"}),
    # 9 + 2^-15, of a bound of 81·2^-24 or 64·23·2^-24
    "algorithm": (
        np.full((1, 1, 2, 2), 9 + 2.0**-15, np.float32),
        ones(1, 1, 4, 4),
        ones(1, 1, 3, 3),
        {"algorithm": "winograd2"},
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_how_a_kernel_works_decides(name: str) -> None:
    actual, image, kernel, keywords = VERDICTS[name]
    assert not compare_conv2d(actual, image, kernel).passed
    comparison = compare_conv2d(actual, image, kernel, **keywords)
    assert comparison.passed
    assert 0 < comparison.error_in_bounds <= 1


def test_a_confidence_is_a_narrower_verdict() -> None:
    # 10,000 products of 1: 10000²·2^-24 = 5.96 at worst, and 5.4·100·10000·2^-24 = 0.32 with 99 %
    image, kernel, actual = ones(1, 100, 10, 10), ones(1, 100, 10, 10), one(10_001)
    assert compare_conv2d(actual, image, kernel).passed
    assert not compare_conv2d(actual, image, kernel, confidence=0.99).passed
    assert compare_conv2d(one(10_000.25), image, kernel, confidence=0.99).passed


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"accumulate_dtype": int}, TypeError, "accumulate_dtype=int64 must be a floating or complex type"),
        ({"input_dtype": "x"}, TypeError, "input_dtype='x' must be a type of numbers"),
        ({"confidence": 1}, ValueError, "confidence=1 must be between 0 and 1, or None for the worst case"),
        (
            {"algorithm": "ftt"},
            ValueError,
            "algorithm='ftt' must be one of 'direct', 'winograd2', 'winograd4', 'winograd6', 'fft'",
        ),
        (
            {"epilogue": "rely"},
            ValueError,
            "epilogue='rely' has 'rely'; it must be made of scale, shift, residual, relu, relu6, leaky_relu=SLOPE, clamp=LEAST,MOST; did you mean 'relu'?",
        ),
        ({"rtol": -1}, ValueError, "rtol=-1 must be a number of at least 0"),
    ],
    ids=str,
)
def test_how_it_cannot_work_is_misuse(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        compared(TRUTH, **keywords)
    assert str(caught.value) == message


def test_only_a_message_of_more_than_300_characters_is_cut() -> None:
    assert exception_text(ValueError("x" * 300)) == "ValueError: " + "x" * 300
    assert exception_text(ValueError("x" * 301)) == "ValueError: " + "x" * 300 + " ..."


def test_the_first_wrong_places_are_told_in_order_five_at_most() -> None:
    actual = TRUTH.copy()
    actual[0, :, :, -1] += 1e6
    comparison = compared(actual)
    places = [index for index in np.ndindex(*TRUTH.shape) if index[0] == 0 and index[-1] == TRUTH.shape[-1] - 1]
    assert len(places) == comparison.mismatched
    assert comparison.first_wrong == tuple(places[:5])
    assert compared(TRUTH).first_wrong == ()


def test_nan_infinity_and_zero_are_counted_apart() -> None:
    truth = [1, 2, 3, np.nan, np.inf, 4, 0, 5]
    actual = [np.nan, np.inf, 0, 3, 2, 4, 1, 9]
    comparison = arrays(actual, truth, np.zeros(8))
    assert comparison.mismatched == 7
    assert (comparison.nans, comparison.infinities, comparison.zeroed) == (2, 2, 1)
    same = arrays([np.nan, np.inf, 0], [np.nan, np.inf, 0], np.zeros(3))
    assert (same.nans, same.infinities, same.zeroed) == (0, 0, 0)
