"""Pooling and resizing: index arithmetic by hand, values, types, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import naming

from refconv.analysis.axis_map import adaptive
from refconv.nn import adaptive_avg_pool2d, global_avg_pool2d, interpolate
from refconv.nn.resampling import source_positions

SIZES = st.integers(1, 12)
BOTH = pytest.mark.parametrize("align_corners", [False, True])


@pytest.mark.parametrize(
    ("input_size", "output_size", "windows"),
    [
        (7, 3, [(0, 3), (2, 5), (4, 7)]),
        (6, 3, [(0, 2), (2, 4), (4, 6)]),
        (5, 1, [(0, 5)]),
        (3, 5, [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]),
        (2, 4, [(0, 1), (0, 1), (1, 2), (1, 2)]),
    ],
)
def test_pool_windows(input_size: int, output_size: int, windows: list[tuple[int, int]]) -> None:
    layer = adaptive(input_size, output_size)
    assert [layer.reads(output) for output in range(output_size)] == [list(range(*window)) for window in windows]


@pytest.mark.parametrize(
    ("input_size", "output_size", "align_corners", "positions"),
    [
        (3, 5, True, ["0", "1/2", "1", "3/2", "2"]),
        (5, 3, True, ["0", "2", "4"]),
        (4, 1, True, ["0"]),
        (1, 3, True, ["0", "0", "0"]),
        (3, 5, False, ["0", "2/5", "1", "8/5", "2"]),  # −1/5 and 11/5 lie off the input
        (5, 2, False, ["3/4", "13/4"]),
        (4, 1, False, ["3/2"]),
        (1, 3, False, ["0", "0", "0"]),
    ],
)
def test_source_positions(input_size: int, output_size: int, align_corners: bool, positions: list[str]) -> None:
    numerators, denominator = source_positions(input_size, output_size, align_corners=align_corners)
    assert [Fraction(int(numerator), denominator) for numerator in numerators] == list(map(Fraction, positions))


def test_adaptive_pooling_by_hand() -> None:
    image = np.arange(15.0).reshape(1, 3, 5)
    np.testing.assert_array_equal(adaptive_avg_pool2d(image, (2, 1)), [[[4.5], [9.5]]])
    np.testing.assert_array_equal(adaptive_avg_pool2d(image, (1, 2)), [[[6, 8]]])
    np.testing.assert_array_equal(adaptive_avg_pool2d(image, 2), [[[3.5, 5.5], [8.5, 10.5]]])


def test_global_pooling_is_the_mean_of_each_channel() -> None:
    image = np.arange(48.0).reshape(2, 3, 2, 4)
    np.testing.assert_array_equal(global_avg_pool2d(image)[..., 0, 0], [[3.5, 11.5, 19.5], [27.5, 35.5, 43.5]])
    assert global_avg_pool2d(image[0]).shape == (3, 1, 1)


def test_pooling_to_the_same_size_changes_nothing() -> None:
    image = np.arange(30.0).reshape(1, 2, 3, 5)
    np.testing.assert_array_equal(adaptive_avg_pool2d(image, (3, 5)), image)


def test_nearest_by_hand() -> None:
    image = np.arange(15).reshape(1, 3, 5)
    np.testing.assert_array_equal(interpolate(image, (2, 3)), [[[0, 1, 3], [5, 6, 8]]])
    np.testing.assert_array_equal(interpolate(image, (4, 3)), [[[0, 1, 3], [0, 1, 3], [5, 6, 8], [10, 11, 13]]])
    # 2/3 and 4/3 of the way between the rows; a half goes up: 1/2 to row 1, 5/2 to column 3.
    np.testing.assert_array_equal(interpolate(image, (4, 3), align_corners=True)[0, :, 0], [0, 5, 5, 10])
    np.testing.assert_array_equal(interpolate(image, (5, 1), align_corners=True)[0, :, 0], [0, 5, 5, 10, 10])
    np.testing.assert_array_equal(
        interpolate(image[:, :2, :2], 3, align_corners=True), [[[0, 1, 1], [5, 6, 6], [5, 6, 6]]]
    )


def test_bilinear_by_hand() -> None:
    image = np.array([[[0.0, 8.0, 24.0], [40.0, 48.0, 64.0]]])
    np.testing.assert_array_equal(interpolate(image, (1, 3), "bilinear"), [[[20, 28, 44]]])
    np.testing.assert_array_equal(
        interpolate(image, (3, 5), "bilinear", align_corners=True),
        [[[0, 4, 8, 16, 24], [20, 24, 28, 36, 44], [40, 44, 48, 56, 64]]],
    )
    # Rows at 0, 1/4, 3/4, 1; columns at 1/4 and 7/4.
    np.testing.assert_array_equal(interpolate(image, (4, 2), "bilinear"), [[[2, 20], [12, 30], [32, 50], [42, 60]]])


@BOTH
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resizing_one_pixel_repeats_it(mode: str, align_corners: bool) -> None:
    pixel = np.array([0.1, 1 / 3]).reshape(1, 2, 1, 1)
    actual = interpolate(pixel, (3, 5), mode, align_corners=align_corners)
    np.testing.assert_array_equal(actual, np.broadcast_to(pixel, (1, 2, 3, 5)))


@BOTH
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resizing_to_the_same_size_changes_nothing(mode: str, align_corners: bool) -> None:
    image = np.arange(30.0).reshape(1, 2, 3, 5) / 7
    np.testing.assert_array_equal(interpolate(image, (3, 5), mode, align_corners=align_corners), image)


@given(height=SIZES, width=SIZES, rows=SIZES, columns=SIZES, align_corners=st.booleans())
def test_bilinear_reproduces_a_plane(height: int, width: int, rows: int, columns: int, align_corners: bool) -> None:
    """A blend of two neighbours is exact for what is linear between them."""
    h, w = np.mgrid[:height, :width].astype(object)
    actual = interpolate((3 * h - 5 * w)[np.newaxis], (rows, columns), "bilinear", align_corners=align_corners)

    y = source_positions(height, rows, align_corners=align_corners)
    x = source_positions(width, columns, align_corners=align_corners)
    for p, q in np.ndindex(rows, columns):
        here = Fraction(int(y.numerators[p]), y.denominator), Fraction(int(x.numerators[q]), x.denominator)
        assert actual[0, p, q] == 3 * here[0] - 5 * here[1]


@given(height=SIZES, width=SIZES, rows=SIZES, columns=SIZES)
def test_pooling_takes_each_window_s_mean_exactly(height: int, width: int, rows: int, columns: int) -> None:
    image = np.arange(height * width).reshape(1, height, width) ** 2
    actual = adaptive_avg_pool2d(image.astype(object), (rows, columns))
    for p, q in np.ndindex(rows, columns):
        h = [h for h in range(height) if p * height < (h + 1) * rows and h * rows < (p + 1) * height]
        w = [w for w in range(width) if q * width < (w + 1) * columns and w * columns < (q + 1) * width]
        assert actual[0, p, q] == Fraction(int(image[0][np.ix_(h, w)].sum()), len(h) * len(w))


Layer = Callable[[Any], np.ndarray[Any, Any]]
LAYERS: dict[str, Layer] = {
    "adaptive_avg_pool2d": lambda x: adaptive_avg_pool2d(x, (1, 1)),
    "bilinear": lambda x: interpolate(x, (1, 1), "bilinear"),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_sums_are_wide_and_rounded_once(layer: Layer) -> None:
    pixels = np.array([[[60000, 60000], [60000, 60032]]])
    assert layer(pixels.astype(np.float16)).item() == 60000  # the sum is beyond float16, and the mean is 60008
    for dtype in (np.float16, np.float32, np.float64, np.longdouble, np.complex64):
        assert layer(pixels.astype(dtype)).dtype == dtype
    assert layer(pixels.astype(">f4")).dtype == np.dtype(np.float32)
    assert layer(pixels.astype(np.float32)).item() == 60008
    assert layer(pixels.astype(np.float32) * np.complex64(1j)).item() == 60008j


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_of_bfloat16(layer: Layer) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    mean = layer(np.array([[[256, 256], [256, 264]]], bfloat16))
    assert mean.dtype == bfloat16
    assert mean.astype(float).item() == 258


def test_thirds_are_rounded_in_the_type_of_the_sum() -> None:
    row = np.array([[[0, 1]]], np.longdouble)
    third = interpolate(row, (1, 4), "bilinear", align_corners=True)[0, 0, 1]
    assert third == np.longdouble(1) / 3
    mean = adaptive_avg_pool2d(np.array([[[0, 0, 1]]], np.longdouble), 1).item()
    assert mean == (np.longdouble(1) / 3).item()


def test_what_is_not_finite_stays_where_it_is_read() -> None:
    row = np.array([[[1, np.inf, -np.inf, 2, np.nan]]])
    np.testing.assert_array_equal(adaptive_avg_pool2d(row, (1, 5)), row)
    assert np.isnan(adaptive_avg_pool2d(row[..., :4], 1)).all()
    np.testing.assert_array_equal(interpolate(row, (1, 5)), row)
    for align_corners in (False, True):
        np.testing.assert_array_equal(interpolate(row, (1, 5), "bilinear", align_corners=align_corners), row)
    np.testing.assert_array_equal(interpolate(row[..., :3], (1, 2), "bilinear"), [[[np.inf, np.nan]]])
    np.testing.assert_array_equal(
        interpolate(row[..., 1:4].mT, (2, 1), "bilinear", align_corners=True), [[[np.inf], [2]]]
    )


def test_nearest_takes_any_type_as_it_is() -> None:
    for dtype in (np.int8, bool, object, np.float16):
        image = np.array([[[0, 1]]], dtype)
        assert interpolate(image, (1, 4)).dtype == dtype
        assert interpolate(image, (1, 4)).tolist() == [[[0, 0, 1, 1]]]


def test_the_result_is_new_and_an_empty_batch_is_empty() -> None:
    image = np.zeros((1, 2, 3, 5))
    for resized in (
        interpolate(image, (3, 5)),
        interpolate(image, (3, 5), "bilinear"),
        adaptive_avg_pool2d(image, (3, 5)),
    ):
        assert not np.shares_memory(resized, image)
    empty = np.zeros((0, 2, 3, 5))
    assert adaptive_avg_pool2d(empty, (2, 4)).shape == (0, 2, 2, 4)
    assert interpolate(empty, (2, 4)).shape == interpolate(empty, (2, 4), "bilinear").shape == (0, 2, 2, 4)


CALLS: dict[str, Layer] = LAYERS | {"nearest": lambda x: interpolate(x, (1, 1)), "global_avg_pool2d": global_avg_pool2d}


@pytest.mark.parametrize("layer", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3), "input … 2 … (N, C, H, W) or (C, H, W) (input (2, 3))"),
        ((1, 2, 3, 4, 5), "input … 5 … (N, C, H, W) or (C, H, W) (input (1, 2, 3, 4, 5))"),
        ((2, 0, 4), "input height 0 … 1 (input (2, 0, 4))"),
        ((2, 3, 0), "input width 0 … 1 (input (2, 3, 0))"),
    ],
)
def test_what_is_no_image_is_refused(layer: Layer, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=naming(message)):
        layer(np.zeros(shape))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("dtype", [np.int8, np.uint64, bool])
def test_means_of_integers_are_refused(layer: Layer, dtype: type) -> None:
    message = f"input has dtype {np.dtype(dtype)}; it must be a floating type (input (2, 3, 4))"
    with pytest.raises(TypeError, match=naming(message)):
        layer(np.zeros((2, 3, 4), dtype))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: adaptive_avg_pool2d(x, (2, 0)), "output_size[1]=0 … 1"),
        (lambda x: adaptive_avg_pool2d(x, (1, 2, 3)), "output_size=(1, 2, 3) … 3 … a pair (height, width)"),
        (lambda x: interpolate(x, 0), "size=0 … 1"),
        (lambda x: interpolate(x, (4, -1), "bilinear"), "size[1]=-1 … 1"),
        (lambda x: interpolate(x, 2, "bicubic"), "mode='bicubic' must be one of 'nearest', 'bilinear'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(call: Layer, message: str) -> None:
    with pytest.raises(ValueError, match=naming(message)):
        call(np.ones((1, 3, 4)))
