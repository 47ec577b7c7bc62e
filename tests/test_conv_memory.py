from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv import col2im, conv2d, im2col, output_size

Array = npt.NDArray[Any]
TILES = import_module("refconv.columns")  # refconv.im2col is the function


def every_other_column(array: Array) -> Array:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def reversed_twice(array: Array) -> Array:
    return np.flip(np.ascontiguousarray(np.flip(array)))


def channels_last(array: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1) if array.ndim > 1 else array[:]


def unaligned(array: Array) -> Array:
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    shifted = np.ndarray(array.shape, array.dtype, buffer, offset=1)
    shifted[...] = array
    return shifted


def read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: list[Callable[[Array], Array]] = [
    every_other_column,
    np.asfortranarray,
    channels_last,
    reversed_twice,
    unaligned,
    read_only,
    lambda array: array.astype(array.dtype.newbyteorder(">")),
    lambda array: array.tolist(),
]
LAYOUT_IDS = ["strided", "fortran", "channels-last", "negative", "unaligned", "read-only", "big-endian", "lists"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=LAYOUT_IDS)
@pytest.mark.parametrize("parameters", [{}, {"padding": ((1, 0), (2, 1)), "stride": (2, 1), "dilation": (1, 2)}])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8"])
def test_any_memory_layout_gives_the_same_result(
    method: str, layout: Callable[[Array], Array], parameters: dict[str, Any], dtype: str
) -> None:
    rng = np.random.default_rng(0)
    plain = [rng.integers(-9, 10, shape).astype(dtype) for shape in ((2, 4, 5, 7), (6, 2, 2, 3), (6,))]
    image, weight, bias = map(layout, plain)
    before = [np.array(view) for view in (image, weight, bias)]

    output = conv2d(image, weight, bias, groups=2, method=method, **parameters)

    expected = conv2d(plain[0], plain[1], plain[2], groups=2, method="direct", **parameters)
    np.testing.assert_array_equal(output, expected)
    for view, copy in zip((image, weight, bias), before, strict=True):
        np.testing.assert_array_equal(view, copy)


def test_zero_stride_views_are_taken(method: str) -> None:
    image = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (2, 4, 5, 3))
    weight = np.broadcast_to(np.array(1.0), (6, 2, 2, 3))
    bias = np.broadcast_to(np.array(7.0), (6,))
    output = conv2d(image, weight, bias, groups=2, method=method)
    assert output.tolist() == np.full((2, 6, 4, 1), 2 * 2 * 6.0 + 7).tolist()


@pytest.mark.parametrize("dtype", ["f8", "i8", "O"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("batched", [True, False])
def test_the_result_is_new_memory(method: str, dtype: str, groups: int, batched: bool) -> None:
    # A 1×1 kernel of one, without padding, is where a view of the input would be right by its values.
    image = np.ones((1, 2, 3, 4) if batched else (2, 3, 4), dtype)
    weight, bias = np.ones((2, 2 // groups, 1, 1), dtype), np.ones(2, dtype)
    output = conv2d(image, weight, bias, groups=groups, method=method)
    for operand in (image, weight, bias):
        assert not np.shares_memory(output, operand)
        assert (operand == 1).all()
    output[...] = 7
    for operand in (image, weight, bias):
        assert (operand == 1).all()


# Tiles


@pytest.mark.parametrize("tile", [1, 7, 60, 61, 120, 10**6])
@pytest.mark.parametrize("shape", [(2, 4, 8, 7), (1, 4, 2, 7), (3, 4, 9, 3)])
def test_the_size_of_a_tile_does_not_change_the_result(
    monkeypatch: pytest.MonkeyPatch, tile: int, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    image, weight = rng.integers(-9, 10, shape), rng.integers(-9, 10, (6, 2, 2, 3))
    monkeypatch.setattr(TILES, "TILE_ELEMENTS", tile)
    expected = conv2d(image, weight, groups=2, method="direct")
    np.testing.assert_array_equal(conv2d(image, weight, groups=2), expected)


@pytest.fixture
def bands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of the columns (G, C/G·K_h·K_w, positions) that are multiplied from here on."""
    shapes = []

    def matmul(kernels: Array, columns: Array, out: Array, matmul: Callable[..., Array] = np.matmul) -> Array:
        shapes.append(columns.shape)
        return matmul(kernels, columns, out=out)

    monkeypatch.setattr(np, "matmul", matmul)
    return shapes


@pytest.mark.parametrize(
    ("tile", "rows"),
    [
        # A row of output takes 2 groups · (2·2·3 taps) · 5 columns = 120 elements, and there are 7 rows.
        (1, [1, 1, 1, 1, 1, 1, 1]),
        (239, [1, 1, 1, 1, 1, 1, 1]),
        (240, [2, 2, 2, 1]),
        (600, [5, 2]),
        (840, [7]),
        (10**6, [7]),
    ],
)
def test_columns_are_written_in_bands_of_rows_that_fill_a_tile(
    monkeypatch: pytest.MonkeyPatch, bands: list[tuple[int, ...]], tile: int, rows: list[int]
) -> None:
    monkeypatch.setattr(TILES, "TILE_ELEMENTS", tile)
    conv2d(np.ones((3, 4, 8, 7)), np.ones((6, 2, 2, 3)), groups=2)
    assert bands == 3 * [(2, 12, 5 * band) for band in rows]


def test_the_bands_of_the_least_convolution(monkeypatch: pytest.MonkeyPatch, bands: list[tuple[int, ...]]) -> None:
    monkeypatch.setattr(TILES, "TILE_ELEMENTS", 4)
    conv2d(np.ones((1, 1, 13, 1)), np.ones((1, 1, 1, 1)), stride=2)  # a row of output takes 1 element, of 7 rows
    assert bands == [(1, 1, 4), (1, 1, 3)]


def test_the_columns_of_a_large_image_never_stand_in_memory_at_once() -> None:
    image, weight = np.ones((1, 8, 200, 200)), np.ones((1, 8, 7, 7))
    tracemalloc.start()
    conv2d(image, weight)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 8 * 49 * 194**2 * 8 > 100 * 2**20  # the columns
    assert peak < 8 * 2**20  # a tile, the output and its rounded copy


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "O"])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_1x1_kernel_reads_the_image_as_its_own_columns(
    monkeypatch: pytest.MonkeyPatch, dtype: str, groups: int
) -> None:
    monkeypatch.setattr(TILES, "TILE_ELEMENTS", None)  # nothing is written in tiles
    rng = np.random.default_rng(0)
    image, weight = rng.integers(-9, 10, (3, 4, 5, 7)).astype(dtype), rng.integers(-9, 10, (6, 4 // groups, 1, 1))
    expected = conv2d(image, weight, groups=groups, method="direct")
    np.testing.assert_array_equal(conv2d(image, weight, groups=groups), expected)


# Sizes that no memory has


@pytest.mark.parametrize(
    ("shape", "weight", "parameters", "message"),
    [
        (
            (2, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": ((2**62, 0), (0, 5))},
            "the padded input would have shape (2, 4, 4611686018427387911, 14), which is more than memory can address",
        ),
        (
            (2, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": 2**63 - 1, "padding_mode": "replicate"},
            (
                "the padded input would have shape (2, 4, 18446744073709551621, 18446744073709551623), "
                "which is more than memory can address"
            ),
        ),
        (
            (2, 1, 7, 9),
            (6, 1, 1, 2),
            {"dilation": (1, 2**57), "padding": "same_upper"},
            "the padded input would have shape (2, 1, 7, 144115188075855881), which is more than memory can address",
        ),
        (
            (0, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": (0, 2**60)},
            ("the padded input would have shape (0, 4, 7, 2305843009213693961), which is more than memory can address"),
        ),
        (
            (1, 0, 2, 2),
            (3, 0, 1, 1),
            {"padding": (0, 2**60)},
            ("the padded input would have shape (1, 0, 2, 2305843009213693954), which is more than memory can address"),
        ),
        (
            (2**29, 1, 2, 3),
            (2**30, 1, 2, 1),
            {},
            ("the output would have shape (536870912, 1073741824, 1, 3), which is more than memory can address"),
        ),
    ],
)
def test_what_no_memory_can_hold_is_refused_with_its_shape(
    method: str, shape: tuple[int, ...], weight: tuple[int, ...], parameters: dict[str, Any], message: str
) -> None:
    context = f"(input {shape}, weight {weight})"
    with pytest.raises(ValueError, match=f"^{re.escape(f'{message} {context}')}$"):
        conv2d(np.broadcast_to(1.0, shape), np.broadcast_to(1.0, weight), method=method, **parameters)


def test_im2col_of_what_no_memory_can_hold_is_refused_with_its_shape() -> None:
    message = (
        "the padded input would have shape (1, 3, 4, 2305843009213693957), which is more than memory can address "
        "(input (3, 4, 5), kernel_size=2)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        im2col(np.ones((3, 4, 5), np.int8), 2, padding=(0, 2**60))


def test_col2im_to_what_no_memory_can_hold_is_refused_with_its_shape() -> None:
    with pytest.raises(ValueError, match=re.escape("(1, 1, 1099511627776, 1099511627776), which is more than memory")):
        col2im(np.ones((1, 1)), output_size=2**40, kernel_size=1, stride=2**40)


@pytest.mark.parametrize(
    ("images", "kernels", "is_refused"),
    [(2**28, 2**30, True), (2**28 + 1, 2**30, True), (2**27, 2**31 - 1, False)],
)
def test_an_array_has_fewer_than_2_to_the_58_numbers(images: int, kernels: int, is_refused: bool) -> None:
    # 32 bytes each, those of clongdouble; an index goes up to 2^63 − 1.
    if not is_refused:
        plan = plan_convolution((images, 1, 1, 1), (kernels, 1, 1, 1))
        assert plan.output_shape == (images, kernels, 1, 1)
        return
    with pytest.raises(ValueError, match=r"^the output would have shape "):
        plan_convolution((images, 1, 1, 1), (kernels, 1, 1, 1))


def test_output_size_still_gives_the_number() -> None:
    assert output_size((7, 9), (3, 2), padding=((2**62, 0), (0, 5))) == (2**62 + 5, 13)
    assert output_size(7, 3, padding=2**63 - 1) == 2**64 + 3
    assert output_size((7, 9), (1, 2), dilation=(1, 2**57), padding="same_upper") == (7, 9)


def test_a_tile_is_four_mebibytes_of_float64() -> None:
    assert TILES.TILE_ELEMENTS * 8 == 4 * 1024**2
