from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv import col2im, im2col

# Two channels of 2×3 pixels, the second ten above the first.
IMAGE = np.array([[[1, 2, 3], [4, 5, 6]], [[11, 12, 13], [14, 15, 16]]])

# A kernel of two taps, two pixels apart in a row; a row of padding on top and a pixel on the right.  Outputs are two
# rows apart, so those of the first row (p = 0) read the padding, and those of the second read the last row.
PARAMETERS: dict[str, Any] = {
    "kernel_size": (1, 2),
    "dilation": (1, 2),
    "padding": ((1, 0), (0, 1)),
    "stride": (2, 1),
}
COLUMNS = [[0, 0, 4, 5], [0, 0, 6, 0], [0, 0, 14, 15], [0, 0, 16, 0]]


def test_im2col_with_parameters_that_all_differ() -> None:
    assert im2col(IMAGE, **PARAMETERS).tolist() == COLUMNS


def test_im2col_of_a_batch() -> None:
    batch = np.stack([IMAGE, 2 * IMAGE, 3 * IMAGE])
    columns = im2col(batch, **PARAMETERS)
    assert columns.shape == (3, 4, 4)
    assert columns.tolist() == (np.array(COLUMNS) * np.array([[[1]], [[2]], [[3]]])).tolist()


def test_im2col_takes_its_arguments_in_the_order_of_unfold() -> None:
    assert im2col(IMAGE, (1, 2), (1, 2), ((1, 0), (0, 1)), (2, 1)).tolist() == COLUMNS


def test_rows_go_through_the_kernel_and_columns_through_the_image() -> None:
    # Pixel (h, w) holds 4·h + w, so tap (i, j) adds 4·i + j to the window's corner 0, 1, 4 or 5.
    image = np.arange(12).reshape(1, 3, 4)
    assert im2col(image, (2, 3)).tolist() == [
        [0, 1, 4, 5],
        [1, 2, 5, 6],
        [2, 3, 6, 7],
        [4, 5, 8, 9],
        [5, 6, 9, 10],
        [6, 7, 10, 11],
    ]


def test_im2col_takes_a_string_for_the_padding() -> None:
    image = np.array([[[1, 2, 3]]])
    assert im2col(image, (1, 2), padding="same_lower").tolist() == [[0, 1, 2], [1, 2, 3]]
    assert im2col(image, (1, 2), padding="same_upper").tolist() == [[1, 2, 3], [2, 3, 0]]
    assert im2col(image, (1, 2), padding="valid").tolist() == [[1, 2], [2, 3]]


@pytest.mark.parametrize("dtype", ["bool", "i1", "u8", "f2", "f4", "longdouble", "c8"])
def test_im2col_keeps_the_type(dtype: str) -> None:
    columns = im2col(IMAGE.astype(dtype), **PARAMETERS)
    assert columns.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(columns, np.array(COLUMNS).astype(dtype))


def test_im2col_of_fractions() -> None:
    columns = im2col(np.array([[[Fraction(1, 3), Fraction(2, 3)]]]), (1, 2), padding=(0, 1))
    assert columns.tolist() == [[0, Fraction(1, 3), Fraction(2, 3)], [Fraction(1, 3), Fraction(2, 3), 0]]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float4_e2m1fn"])
def test_im2col_of_ml_dtypes(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    columns = im2col(IMAGE.astype(getattr(ml_dtypes, name)), **PARAMETERS)
    assert columns.dtype == getattr(ml_dtypes, name)
    assert columns.astype(float).tolist() == np.array(COLUMNS).astype(getattr(ml_dtypes, name)).astype(float).tolist()


def test_im2col_keeps_every_bit_of_a_narrow_type() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    bits = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)  # NaNs with their payloads among them
    columns = im2col(bits.view(ml_dtypes.float8_e5m2)[:, ::-1], (2, 3), padding=(1, 0))
    np.testing.assert_array_equal(columns.view(np.uint8), im2col(bits[:, ::-1], (2, 3), padding=(1, 0)))


@pytest.mark.parametrize("padding", [0, 1])
def test_im2col_of_a_1x1_kernel_is_a_copy(padding: int) -> None:
    image = np.ones((2, 3, 4, 5))
    columns = im2col(image, 1, padding=padding)
    assert not np.shares_memory(columns, image)
    columns[:] = 7
    assert (image == 1).all()


def test_im2col_of_an_empty_batch_and_of_zero_channels() -> None:
    assert im2col(np.zeros((0, 3, 4, 5)), (2, 3)).shape == (0, 18, 9)
    assert im2col(np.zeros((2, 0, 4, 5)), (2, 3)).shape == (2, 0, 9)
    assert im2col(np.zeros((0, 4, 5)), (2, 3), padding=1).shape == (0, 25)


# col2im


def test_col2im_with_parameters_that_all_differ() -> None:
    # COLUMNS[r][l] numbered 1 ... 16: those that stand over the padding are dropped, the others come home.
    columns = np.arange(1, 17).reshape(4, 4)
    assert col2im(columns, (2, 3), **PARAMETERS).tolist() == [[[0, 0, 0], [3, 4, 7]], [[0, 0, 0], [11, 12, 15]]]


def test_col2im_takes_its_arguments_in_the_order_of_fold() -> None:
    columns = np.arange(1, 17).reshape(4, 4)
    image = col2im(columns, (2, 3), (1, 2), (1, 2), ((1, 0), (0, 1)), (2, 1))
    assert image.tolist() == [[[0, 0, 0], [3, 4, 7]], [[0, 0, 0], [11, 12, 15]]]


def test_col2im_of_a_batch() -> None:
    columns = np.arange(1, 33).reshape(2, 4, 4)
    image = col2im(columns, (2, 3), **PARAMETERS)
    assert image.shape == (2, 2, 2, 3)
    assert image[1].tolist() == [[[0, 0, 0], [19, 20, 23]], [[0, 0, 0], [27, 28, 31]]]


def test_col2im_of_ones_counts_the_windows_over_each_pixel() -> None:
    # Three windows of two, side by side, over four pixels; two windows of three, one above the other, over four rows.
    image = col2im(np.ones((1, 6, 6)), (4, 4), (3, 2))
    assert image.tolist() == [[[[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]]]


def test_col2im_takes_an_int_for_the_size() -> None:
    assert col2im(np.ones((1, 4)), 2, 1).tolist() == [[[1, 1], [1, 1]]]


def test_col2im_gives_pixels_that_no_window_reads_a_zero() -> None:
    assert col2im(np.ones((1, 2)), (1, 5), 1, stride=3).tolist() == [[[1, 0, 0, 1, 0]]]


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("bool", "i8"), ("i1", "i8"), ("u8", "i8"), ("f2", "f2"), (">f4", "f4"), ("f8", "f8"), ("c8", "c8"), ("O", "O")],
)
def test_the_type_of_col2im(dtype: str, result: str) -> None:
    image = col2im(np.ones((4, 4), dtype), 3, 2)
    assert image.dtype == np.dtype(result)
    assert image.tolist() == [[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]


def test_col2im_of_integers_is_exact_and_never_wraps() -> None:
    assert col2im(np.full((4, 4), 127, np.int8), 3, 2)[0, 1, 1] == 508
    assert col2im(np.full((4, 4), 2**60 + 1), 3, 2)[0, 1, 1] == 2**62 + 4  # beyond 2^53, where float64 is not exact
    columns = np.zeros((2, 2), np.int64)
    columns[1, 0], columns[0, 1] = 2**53, 1  # the two that meet in the middle pixel
    assert col2im(columns, (1, 3), (1, 2)).tolist() == [[[0, 2**53 + 1, 0]]]
    columns[1, 0], columns[0, 1] = -(2**63), 2**63 - 1
    assert col2im(columns, (1, 3), (1, 2)).tolist() == [[[0, -1, 0]]]
    message = "9223372036854775808 … int64 … -9223372036854775808 ... 9223372036854775807"
    with pytest.raises(OverflowError, match=naming(message)):
        col2im(np.full((2, 2), 2**62), (1, 3), (1, 2))


def test_col2im_rounds_once() -> None:
    # 1 + 2^-11 + 2^-24 is just above a float16 tie; added up in float16, or in float32, it is 1.
    columns = np.array([[0, 0, 1], [0, 2**-11, 0], [2**-24, 0, 0]], np.float16)  # three that meet in the middle
    image = col2im(columns, (1, 5), (1, 3))
    assert image.dtype == np.float16
    assert image[0, 0].tolist() == [0, 0, 1 + 2**-10, 0, 0]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
def test_col2im_of_ml_dtypes_rounds_once(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    image = col2im(np.ones((256, 256)).astype(getattr(ml_dtypes, name)), (1, 511), (1, 256))
    assert image.dtype == getattr(ml_dtypes, name)
    assert float(image[0, 0, 255]) == 256  # a sum in the type itself would stop before
    assert float(image[0, 0, 0]) == 1


def test_infinities_that_cancel_in_col2im_are_silently_nan() -> None:
    image = col2im(np.array([[np.inf, -np.inf], [np.inf, 1.0]]), (1, 3), (1, 2))
    np.testing.assert_array_equal(image, [[[np.inf, np.nan, 1.0]]])
    assert col2im(np.full((2, 2), 1e308), (1, 3), (1, 2)).tolist() == [[[1e308, np.inf, 1e308]]]


def test_col2im_of_fractions() -> None:
    image = col2im(np.full((2, 2), Fraction(1, 3)), (1, 3), (1, 2))
    assert image.tolist() == [[[Fraction(1, 3), Fraction(2, 3), Fraction(1, 3)]]]


def test_col2im_of_an_empty_batch_and_of_zero_channels() -> None:
    assert col2im(np.zeros((0, 18, 9)), (4, 5), (2, 3)).shape == (0, 3, 4, 5)
    assert col2im(np.zeros((2, 0, 9)), (4, 5), (2, 3)).shape == (2, 0, 4, 5)


def test_col2im_leaves_the_columns_alone() -> None:
    columns = np.ones((1, 4))
    columns.flags.writeable = False
    image = col2im(columns, 2, 1)
    assert not np.shares_memory(image, columns)
    assert (columns == 1).all()
