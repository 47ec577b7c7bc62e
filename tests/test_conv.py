from __future__ import annotations

import math

import numpy as np
import pytest
from arrays import row

from refconv import conv2d
from refconv.core.sums import CONVOLUTION


def test_im2col_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONVOLUTION.methods, "im2col", lambda *_: [np.full((1, 1, 1, 1), 42.0)])
    assert conv2d(row(1.0), row(1.0)).item() == 42


# mission.md, section 1

ONE_TO_25 = np.arange(1, 26).reshape(1, 1, 5, 5)
ONES_3x3 = np.ones((1, 1, 3, 3), int)


def test_nine_ones_add_up_nine_pixels(method: str) -> None:
    output = conv2d(ONE_TO_25, ONES_3x3, method=method)
    assert output.tolist() == [[[[63, 72, 81], [108, 117, 126], [153, 162, 171]]]]


def test_nine_ones_with_gaps_add_up_nine_pixels(method: str) -> None:
    assert conv2d(ONE_TO_25, ONES_3x3, dilation=2, method=method).tolist() == [[[[117]]]]


def test_two_groups_are_two_convolutions_side_by_side(method: str) -> None:
    weight = np.concatenate([np.zeros((10, 5, 3, 3)), np.ones((10, 5, 3, 3))])
    output = conv2d(np.ones((1, 10, 7, 7)), weight, groups=2, method=method)
    assert output.shape == (1, 20, 5, 5)
    assert (output[:, :10] == 0).all()
    assert (output[:, 10:] == 45).all()


def test_depthwise_channel_c_makes_output_channels_cm_to_cm_plus_m_minus_1(method: str) -> None:
    image = np.array([2, 3, 5]).reshape(1, 3, 1, 1)
    weight = np.array([1, 10, 100, 1000, 10000, 100000]).reshape(6, 1, 1, 1)
    output = conv2d(image, weight, groups=3, method=method)
    assert output.ravel().tolist() == [2, 20, 300, 3000, 50000, 500000]


@pytest.mark.parametrize(("kernel", "dilation", "size"), [(3, 1, 5), (3, 2, 3), (5, 1, 3)])
def test_a_dilated_3x3_reaches_as_far_as_a_5x5(method: str, kernel: int, dilation: int, size: int) -> None:
    output = conv2d(np.ones((1, 1, 7, 7)), np.ones((1, 1, kernel, kernel)), dilation=dilation, method=method)
    assert output.tolist() == [[[[kernel**2] * size] * size]]


@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_padding_by_half_the_dilated_kernel_keeps_the_size(method: str, dilation: int) -> None:
    image, weight = np.ones((1, 1, 6, 9)), np.ones((1, 1, 3, 5))
    output = conv2d(image, weight, padding=(dilation, 2 * dilation), dilation=dilation, method=method)
    assert output.shape == (1, 1, 6, 9)


# By hand: weights that are powers of ten write the pixels that they read into the digits of the result.


def test_stride_padding_and_dilation_differ_on_every_axis_and_side(method: str) -> None:
    # Rows 1 2 3 4 and 5 6 7 8 with a zero on the left, and a row of zeros below.  Taps 2 apart, outputs 2 apart.
    image = np.array([[[[1, 2, 3, 4], [5, 6, 7, 8]]]])
    weight = np.array([[[[1, 10]]]])
    output = conv2d(image, weight, None, (1, 2), ((0, 1), (1, 0)), (1, 2), method=method)
    assert output.tolist() == [[[[20, 42], [60, 86], [0, 0]]]]


def test_every_tap_reads_its_own_pixel(method: str) -> None:
    # Two channels of 3×4 pixels, a kernel of 2×2 taps, 2 rows and 1 column apart, one step down and two to the side.
    image = np.array([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 1, 2, 3]], [[4, 5, 6, 7], [8, 9, 1, 2], [3, 4, 5, 6]]])
    weight = 10 ** np.arange(8).reshape(1, 2, 2, 2)
    output = conv2d(image, weight, stride=(1, 2), dilation=(2, 1), method=method)
    # At q = 0: channel 0 reads 1 2 / 9 1, channel 1 reads 4 5 / 3 4.  At q = 1: 3 4 / 2 3 and 6 7 / 5 6.
    assert output.tolist() == [[[43541921, 65763243]]]


def test_the_kernel_is_not_flipped(method: str) -> None:
    assert conv2d(row(1, 2, 4), row(-1, 1), method=method).tolist() == [[[[1, 2]]]]


def test_bias_is_one_number_per_output_channel(method: str) -> None:
    image = np.array([1, 2]).reshape(2, 1, 1, 1)
    weight = np.array([1, 10, 100]).reshape(3, 1, 1, 1)
    output = conv2d(image, weight, [3, 5, 7], method=method)
    assert output.reshape(2, 3).tolist() == [[4, 15, 107], [5, 25, 207]]


def test_groups_with_several_channels_each(method: str) -> None:
    # C = 4, O = 6, G = 2: outputs 0 1 2 read channels 0 1, outputs 3 4 5 read channels 2 3.
    image = np.array([1, 2, 3, 4]).reshape(1, 4, 1, 1)
    weight = np.array([[1, 10], [2, 20], [3, 30], [4, 40], [5, 50], [6, 60]]).reshape(6, 2, 1, 1)
    output = conv2d(image, weight, groups=2, method=method)
    assert output.ravel().tolist() == [21, 42, 63, 172, 215, 258]


def test_an_unbatched_input_gives_an_unbatched_result(method: str) -> None:
    output = conv2d(ONE_TO_25[0], ONES_3x3, [1000], dilation=2, method=method)
    assert output.tolist() == [[[1117]]]


def test_images_of_a_batch_are_convolved_apart(method: str) -> None:
    image = np.array([1, 2, 3, 4, 5, 6]).reshape(3, 1, 1, 2)
    assert conv2d(image, row(1, 10), method=method).ravel().tolist() == [21, 43, 65]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # 1 2 3 with two pixels on the left and one on the right, under taps 1, 10, 100.
        ("zeros", [100, 210, 321, 32]),
        ("reflect", [123, 212, 321, 232]),
        ("replicate", [111, 211, 321, 332]),
        ("circular", [132, 213, 321, 132]),
    ],
)
def test_padding_modes_of_a_row(method: str, mode: str, expected: list[int]) -> None:
    output = conv2d(row(1, 2, 3), row(1, 10, 100), padding=((0, 0), (2, 1)), padding_mode=mode, method=method)
    assert output.tolist() == [[[expected]]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("zeros", [10, 21, 32, 3]), ("reflect", [12, 21, 32, 23]), ("replicate", [11, 21, 32, 33])],
)
def test_padding_modes_of_a_column(method: str, mode: str, expected: list[int]) -> None:
    image, weight = np.array([1, 2, 3]).reshape(1, 1, 3, 1), np.array([1, 10]).reshape(1, 1, 2, 1)
    output = conv2d(image, weight, padding=(1, 0), padding_mode=mode, method=method)
    assert output.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("padding", "stride", "expected"),
    [
        ("valid", 1, [21, 32, 43]),
        ("same", 1, [21, 32, 43, 4]),
        ("same_upper", 1, [21, 32, 43, 4]),
        ("same_lower", 1, [10, 21, 32, 43]),
        ("same_upper", 3, [21, 4]),
        ("same_lower", 3, [10, 43]),
    ],
)
def test_padding_strings(method: str, padding: str, stride: int, expected: list[int]) -> None:
    output = conv2d(row(1, 2, 3, 4), row(1, 10), stride=stride, padding=padding, method=method)
    assert output.tolist() == [[[expected]]]


def test_padding_far_wider_than_the_input(method: str) -> None:
    output = conv2d(row(7), row(1, 10, 100), padding=(0, 100), method=method)
    assert output.shape == (1, 1, 1, 199)
    assert output[0, 0, 0, 98:101].tolist() == [700, 70, 7]
    assert output.sum() == 777


def test_a_stride_beyond_the_kernel_skips_pixels(method: str) -> None:
    assert conv2d(row(*range(30)), row(1), stride=14, method=method).tolist() == [[[[0, 14, 28]]]]


def test_an_input_of_padding_alone(method: str) -> None:
    assert conv2d(np.ones((1, 1, 0, 3)), np.ones((1, 1, 2, 1)), padding=(1, 0), method=method).tolist() == [
        [[[0, 0, 0]]]
    ]


# Sizes of nothing


def test_an_empty_batch_gives_an_empty_result(method: str) -> None:
    output = conv2d(np.zeros((0, 4, 7, 9)), np.zeros((6, 2, 3, 2)), np.zeros(6), groups=2, method=method)
    assert output.shape == (0, 6, 5, 8)


def test_an_empty_batch_of_integers_gives_an_empty_result(method: str) -> None:
    output = conv2d(np.zeros((0, 1, 2, 3), int), np.zeros((1, 1, 1, 1), int), dtype=np.int8, method=method)
    assert output.shape == (0, 1, 2, 3)
    assert output.dtype == np.int8


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "i1", "O"])
def test_zero_input_channels_give_the_bias(method: str, groups: int, dtype: str) -> None:
    image, weight, bias = np.zeros((2, 0, 4, 5), dtype), np.zeros((3, 0, 2, 3), dtype), np.array([1, 2, 3], dtype)
    output = conv2d(image, weight, bias, groups=groups, method=method)
    assert output.tolist() == [[[[number] * 3] * 3 for number in (1, 2, 3)]] * 2


@pytest.mark.parametrize("dtype", ["f4", "i1", "O"])
def test_zero_input_channels_and_no_bias_give_zeros(method: str, dtype: str) -> None:
    output = conv2d(np.zeros((2, 0, 4, 5), dtype), np.zeros((3, 0, 2, 3), dtype), method=method)
    assert output.tolist() == np.zeros((2, 3, 3, 3)).tolist()


def test_zero_output_channels_give_an_empty_result(method: str) -> None:
    assert conv2d(np.zeros((2, 4, 7, 9)), np.zeros((0, 4, 3, 2)), method=method).shape == (2, 0, 5, 8)


# NaN and infinity in the weight meet the zeros in the padding.


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("out_channels", "width"), [(1, 1), (1, 4), (3, 1), (3, 4)])  # GEMM's own special cases
def test_a_bad_weight_over_padding_is_nan(method: str, bad: float, out_channels: int, width: int) -> None:
    image = np.ones((1, 1, 2, width))
    weight = np.ones((out_channels, 1, 2, 1))
    weight[0, 0, 0, 0] = bad
    output = conv2d(image, weight, padding=((1, 0), (0, 0)), method=method)
    assert np.isnan(output[0, 0, 0]).all()
    np.testing.assert_array_equal(output[0, 0, 1], np.full(width, bad))
    assert (output[0, 1:, 0] == 1).all()
    assert (output[0, 1:, 1] == 2).all()


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_bad_weight_over_copied_pixels_is_what_it_is_over_pixels(method: str, mode: str) -> None:
    output = conv2d(row(1.0, 2.0), row(math.inf, 1.0), padding=((0, 0), (1, 0)), padding_mode=mode, method=method)
    assert output.tolist() == [[[[math.inf, math.inf]]]]
