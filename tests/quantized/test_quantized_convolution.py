"""Quantized convolution: by hand, by brute force, at the ends of every range, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from refusals import naming

import refconv
from refconv.quantized import conv2d_integer, conv2d_quantized

Array = np.ndarray[Any, np.dtype[Any]]


def test_it_is_reached_from_refconv() -> None:
    assert refconv.quantized.conv2d_integer is conv2d_integer


def test_the_integer_convolution_by_hand() -> None:
    image = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    weight = np.array([[[[1, 3]]], [[[-2, 0]]]], np.int8)
    # (x − 1) and (w − 1): rows 0 1 2 and 3 4 5 with kernels (0, 2) and (−3, −1).
    actual = conv2d_integer(image, weight, 1, 1, padding=((0, 0), (1, 0)))
    assert actual.dtype == np.int32
    assert actual.tolist() == [[[0, 2, 4], [6, 8, 10]], [[0, -1, -5], [-3, -13, -17]]]
    # ... and with a zero point for each kernel, 0 and −2: kernels (1, 3) and (0, 2).
    actual = conv2d_integer(image, weight, 1, [0, -2], padding=((0, 0), (1, 0)))
    assert actual.tolist() == [[[0, 3, 7], [9, 15, 19]], [[0, 2, 4], [6, 8, 10]]]


def test_the_zero_points_are_0_unless_given() -> None:
    image, weight = np.array([[[7]]], np.int8), np.array([[[[5]]]], np.uint8)
    assert conv2d_integer(image, weight).item() == 35
    assert conv2d_integer(image, weight, 3).item() == 20
    assert conv2d_integer(image, weight, weight_zero_point=4).item() == 7


def test_the_padding_is_the_zero_point() -> None:
    image = np.full((1, 2, 3), 9, np.uint8)
    ones = np.ones((1, 1, 3, 3), np.int8)
    np.testing.assert_array_equal(conv2d_integer(image, ones, 9, padding=2), np.zeros((1, 4, 5)))
    assert conv2d_integer(image, ones, 8, padding=1).tolist() == [[[4, 6, 4], [4, 6, 4]]]


@pytest.mark.parametrize("input_type", [np.int8, np.uint8])
@pytest.mark.parametrize("weight_type", [np.int8, np.uint8])
def test_the_ends_of_the_types_do_not_wrap(input_type: type, weight_type: type) -> None:
    def ends(dtype: type) -> list[tuple[int, int]]:
        limits = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        return [(number, zero) for number in limits for zero in limits]

    for x, x_zero in ends(input_type):
        for w, w_zero in ends(weight_type):
            image: Array = np.full((1, 1, 2), x, input_type)
            weight: Array = np.full((1, 1, 1, 2), w, weight_type)
            assert conv2d_integer(image, weight, x_zero, w_zero).item() == 2 * (x - x_zero) * (w - w_zero)


def test_a_sum_beyond_int32_is_refused() -> None:
    image, weight = np.full((1, 182, 182), 255, np.uint8), np.full((1, 1, 182, 182), 255, np.uint8)
    assert conv2d_integer(image[:, :181], weight[:, :, :181]).item() == 181 * 182 * 65025
    with pytest.raises(OverflowError, match=naming("2153888100 … int32")):
        conv2d_integer(image, weight)
    arguments: dict[str, Any] = {"bias": [-(2**31)]}
    assert quantized(image, weight, **arguments).item() == 6


def quantized(image: Array, weight: Array, **changes: Any) -> Array:
    """Quantize with scales of 1, an output scale of 2^20 and zero points of 0, but for the changes."""
    arguments: dict[str, Any] = {
        "input_scale": 1.0,
        "input_zero_point": 0,
        "weight_scale": 1.0,
        "weight_zero_point": 0,
        "output_scale": 2.0**20,
        "output_zero_point": 0,
    }
    return conv2d_quantized(image, weight=weight, **(arguments | changes))


def test_a_quantized_convolution_by_hand() -> None:
    image = np.array([[[10, 20, 30]]], np.uint8)
    weight = np.array([[[[3]]], [[[5]]]], np.int8)
    # (x − 20) = −10, 0, 10; (w − 1) = 2, 4, plus the bias 3, −1; times 0.5·(0.25, 2)/0.125 = 1, 8; plus 100.
    arguments: list[Any] = [image, 0.5, 20, weight, [0.25, 2], 1, 0.125, 100, [3, -1]]
    actual = conv2d_quantized(*arguments)
    assert actual.dtype == np.uint8
    assert actual.tolist() == [[[83, 103, 123]], [[0, 92, 255]]]
    actual = conv2d_quantized(*arguments, dtype=np.int8)
    assert actual.dtype == np.int8
    assert actual.tolist() == [[[83, 103, 123]], [[-128, 92, 127]]]
    # One scale, 0.25, is for both.
    arguments[4] = 0.25
    assert conv2d_quantized(*arguments).tolist() == [[[83, 103, 123]], [[59, 99, 139]]]
    # A zero point for each kernel: (w − 1, w − 5) = 2, 0.
    arguments[5] = [1, 5]
    assert conv2d_quantized(*arguments, rounding="tflite").tolist() == [[[83, 103, 123]], [[99, 99, 99]]]


def test_stride_padding_dilation_and_groups_are_those_of_conv2d() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, 6, 7, 9)).astype(np.uint8)
    weight = rng.integers(-128, 128, (4, 3, 2, 3)).astype(np.int8)
    geometry: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 2), (0, 1)), "dilation": (1, 2), "groups": 2}
    desired = refconv.conv2d(image.astype(int) - 77, weight.astype(int) + 3, **geometry)
    np.testing.assert_array_equal(conv2d_integer(image, weight, 77, -3, **geometry), desired)
    for rounding in ("onnx", "tflite"):
        actual = quantized(
            image,
            weight,
            input_zero_point=77,
            weight_zero_point=-3,
            output_scale=1024,
            rounding=rounding,
            dtype=np.int8,
            **geometry,
        )
        assert abs(actual - np.clip(desired / 1024, -128, 127)).max() <= 1
    same = quantized(image, weight, padding="same_upper", groups=2, stride=2)
    assert same.shape == (2, 4, 4, 5)


@pytest.mark.parametrize("rounding", ["onnx", "tflite"])
@pytest.mark.parametrize(("dtype", "zero", "limits"), [(np.int8, 5, (-128, 127)), (np.uint8, 5, (0, 255))])
def test_both_ends_saturate(rounding: str, dtype: type, zero: int, limits: tuple[int, int]) -> None:
    low, high = limits
    sums = [
        low - zero - 1,
        low - zero,
        low - zero + 1,
        high - zero - 1,
        high - zero,
        high - zero + 1,
        -(2**30),
        2**30 - 1,
    ]
    ones = np.ones((8, 1, 1, 1), np.int8)
    actual = quantized(
        np.zeros((1, 1, 1), np.int8),
        ones,
        bias=sums,
        output_scale=1,
        output_zero_point=zero,
        dtype=dtype,
        rounding=rounding,
    )
    assert actual.ravel().tolist() == [low, low, low + 1, high - 1, high, high, low, high]


def test_ties_are_rounded_before_the_zero_point_is_added() -> None:
    image, one = np.array([[[-3, -1, 1, 3]]], np.int8), np.ones((1, 1, 1, 1), np.int8)
    for zero in (0, 1):
        actual = quantized(image, one, output_scale=2, output_zero_point=zero)
        assert actual.ravel().tolist() == [-2 + zero, zero, zero, 2 + zero]


@settings(max_examples=50)
@given(
    hnp.arrays(np.uint8, (2, 3, 4)),
    hnp.arrays(np.int8, (3, 2, 2, 2)),
    st.integers(0, 255),
    st.lists(st.integers(-128, 127), min_size=3, max_size=3),
    st.lists(st.floats(2.0**-10, 2.0**10, width=32), min_size=5, max_size=5),
    st.integers(-128, 127),
    st.lists(st.integers(-(2**20), 2**20), min_size=3, max_size=3),
)
def test_onnx_s_is_the_formula(
    image: Array, weight: Array, zx: int, zw: list[int], scales: list[float], zy: int, bias: list[int]
) -> None:
    sx, sy, *sw = scales
    actual = conv2d_quantized(image, sx, zx, weight, sw, zw, sy, zy, bias, dtype=np.int8, stride=(1, 2))
    assert actual.shape == (3, 2, 2)
    for o, p, q in np.ndindex(3, 2, 2):
        total = bias[o]
        for c, i, j in np.ndindex(2, 2, 2):
            total += (int(weight[o, c, i, j]) - zw[o]) * (int(image[c, p + i, 2 * q + j]) - zx)
        rounded = round(total * Fraction(sx) * Fraction(sw[o]) / Fraction(sy)) + zy
        assert actual[o, p, q] == min(127, max(-128, rounded))


@pytest.mark.parametrize(
    ("number", "scale", "desired"),
    [
        (25, Fraction(1, 10), 2),  # a tie
        (25, 0.1, 3),  # float64's 0.1 is above a tenth
        (25, np.float32(0.1), 3),  # and float32's
        (5, Fraction(3, 10), 2),  # a tie
        (5, 0.3, 1),  # float64's 0.3 is below three tenths
        (5, np.float32(0.3), 2),  # and float32's is above
        (5, np.longdouble(0.5), 2),
    ],
)
def test_scales_are_the_numbers_that_they_are(number: int, scale: Any, desired: int) -> None:
    image, one = np.array([[[number]]], np.int8), np.ones((1, 1, 1, 1), np.int8)
    for scales in ({"input_scale": scale}, {"weight_scale": scale}, {"weight_scale": [scale]}):
        assert quantized(image, one, **scales, output_scale=1).item() == desired


def test_the_inputs_are_not_written_to() -> None:
    image, weight = np.full((1, 1, 2), 7, np.uint8), np.full((1, 1, 1, 2), 3, np.int8)
    image.flags.writeable = weight.flags.writeable = False
    assert quantized(image, weight, input_zero_point=1, weight_zero_point=1, output_scale=1).item() == 24


GOOD: dict[str, Any] = {
    "input": np.ones((2, 4, 5), np.uint8),
    "weight": np.ones((3, 2, 2, 2), np.int8),
    "input_zero_point": 1,
    "weight_zero_point": 0,
}
SCALES: dict[str, Any] = {"input_scale": 1, "weight_scale": 1, "output_scale": 1, "output_zero_point": 0}

BAD_ARRAYS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"input": np.ones((2, 4, 5))}, TypeError, "input has dtype float64; it must be int8 or uint8"),
    ({"input": np.ones((2, 4, 5), np.int16)}, TypeError, "input has dtype int16; it must be int8 or uint8"),
    ({"weight": np.ones((3, 2, 2, 2), bool)}, TypeError, "weight has dtype bool; it must be int8 or uint8"),
    ({"input": None}, TypeError, "input is None …"),
    ({"weight": None}, TypeError, "weight is None …"),
    ({"input_zero_point": -1}, ValueError, "input_zero_point=-1 must be within uint8's range 0 ... 255"),
    ({"input_zero_point": 256}, ValueError, "input_zero_point=256 must be within uint8's range 0 ... 255"),
    ({"input_zero_point": [1]}, ValueError, "input_zero_point has shape (1,); it must be ()"),
    ({"input_zero_point": 1.0}, TypeError, "input_zero_point=1.0 must be int, not float64"),
    ({"input_zero_point": True}, TypeError, "input_zero_point=True must be int, not bool"),
    ({"weight_zero_point": 128}, ValueError, "weight_zero_point=128 must be within int8's range -128 ... 127"),
    ({"weight_zero_point": [0, 1, -129]}, ValueError, "weight_zero_point=-129 must be within int8's range -128 ... 127"),
    ({"weight_zero_point": [0, 1]}, ValueError, "weight_zero_point has shape (2,); it must be () or (3,)"),
    ({"input": np.ones((3, 4, 5), np.uint8)}, ValueError, "weight … 2 … 3/1 = 3 (input (3, 4, 5), weight (3, 2, 2, 2))"),
    ({"weight": np.int8(1)}, ValueError, "weight … 0 … (O, C/G, K_h, K_w) (input (2, 4, 5), weight ())"),
    ({"weight": np.ones((3, 2), np.int8), "weight_zero_point": [0, 0, 0]}, ValueError, "weight … 2 … (O, C/G, K_h, K_w) (input (2, 4, 5), weight (3, 2))"),
]  # fmt: skip
BAD_NUMBERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"rounding": "even"}, ValueError, "rounding='even' must be one of 'onnx', 'tflite', 'tflite_single'"),
    ({"dtype": np.int16}, TypeError, "the output has dtype int16; it must be int8 or uint8"),
    ({"output_zero_point": -1}, ValueError, "output_zero_point=-1 must be within uint8's range 0 ... 255"),
    ({"output_zero_point": 128, "dtype": np.int8}, ValueError, "output_zero_point=128 must be within int8's range -128 ... 127"),
    ({"output_zero_point": [0]}, ValueError, "output_zero_point has shape (1,); it must be ()"),
    ({"bias": [1, 2]}, ValueError, "bias has shape (2,); it must be (3,)"),
    ({"bias": 1}, ValueError, "bias has shape (); it must be (3,)"),
    ({"bias": [1.0, 2, 3]}, TypeError, "bias=[1.0, 2, 3] must be int, not float64"),
    ({"bias": [1, 2, 2**31]}, ValueError, "bias=2147483648 must be within int32's range -2147483648 ... 2147483647"),
    ({"input_scale": 0}, ValueError, "input_scale=0 must be within float32's range 1.401298464324817e-45 ... 3.4028234663852886e+38"),
    ({"input_scale": [1.0]}, ValueError, "input_scale has shape (1,); it must be ()"),
    ({"weight_scale": [1, -2.0, 3]}, ValueError, "weight_scale=-2.0 must be within float32's range 1.401298464324817e-45 ... 3.4028234663852886e+38"),
    ({"weight_scale": [1, 2]}, ValueError, "weight_scale has shape (2,); it must be () or (3,)"),
    ({"output_scale": np.nan}, ValueError, "output_scale=nan must be within float32's range 1.401298464324817e-45 ... 3.4028234663852886e+38"),
    ({"output_scale": 1e39}, ValueError, "output_scale=1e+39 must be within float32's range 1.401298464324817e-45 ... 3.4028234663852886e+38"),
    ({"output_scale": [1, 1, 1]}, ValueError, "output_scale has shape (3,); it must be ()"),
    ({"output_scale": 1j}, TypeError, "output_scale=1j must be a number, not complex128"),
    ({"output_scale": True}, TypeError, "output_scale=True must be a number, not bool"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "error", "message"), BAD_ARRAYS)
def test_bad_arrays_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    for function, arguments in ((conv2d_integer, GOOD), (conv2d_quantized, GOOD | SCALES)):
        function(**arguments)
        with pytest.raises(error, match=naming(message)):
            function(**(arguments | changes))


@pytest.mark.parametrize(("changes", "error", "message"), BAD_NUMBERS)
def test_bad_numbers_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=naming(message)):
        conv2d_quantized(**(GOOD | SCALES | changes))


def test_the_ends_of_the_scales_range_are_within_it() -> None:
    image, one = np.array([[[3]]], np.int8), np.ones((1, 1, 1, 1), np.int8)
    info = np.finfo(np.float32)
    for scale in (info.smallest_subnormal, info.max):
        for rounding in ("onnx", "tflite"):
            assert quantized(image, one, input_scale=scale, output_scale=scale, rounding=rounding).item() == 3
    assert quantized(image, one, output_scale=info.max, rounding="tflite").item() == 0
