"""How arrays lie in memory, and what lies between their elements."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from refconv.testing.battery.layouts import LAYOUTS

VALUES = np.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_the_values(layout: str) -> None:
    shapes: list[tuple[int, ...]] = [(2, 3, 4, 5), (3, 4, 5), (7,), (0, 3, 4, 5), (2, 0, 4, 5), (1, 1, 1, 1)]
    for shape, dtype in itertools.product(shapes, (np.float32, np.float64)):
        values = np.arange(math.prod(shape), dtype=dtype).reshape(shape)
        desired = np.stack([values[0]] * shape[0]) if layout == "broadcast" and shape[0] else values
        found = LAYOUTS[layout](values, 2)
        assert found.dtype.newbyteorder("=") == dtype
        np.testing.assert_array_equal(found, desired, strict=layout != "big_endian")


@pytest.mark.parametrize(
    ("layout", "strides"),
    [
        ("contiguous", (480, 160, 40, 8)),
        ("fortran", (8, 16, 48, 192)),
        ("channels_last", (480, 8, 120, 24)),
        ("strided", (960, 320, 80, 16)),
        ("negative", (480, 160, -40, -8)),
        ("broadcast", (0, 160, 40, 8)),
        ("read_only", (480, 160, 40, 8)),
        ("big_endian", (480, 160, 40, 8)),
        ("pitched", (3 * 4 * 8 * 8, 4 * 8 * 8, 8 * 8, 8)),  # 5 of 8 columns
        ("some_channels", (5 * 160, 160, 40, 8)),  # 3 of 5 channels
        ("some_channels_last", (4 * 5 * 6 * 8, 8, 5 * 6 * 8, 6 * 8)),  # 3 of 6 channels
        ("one_plane", (3 * 480, 3 * 160, 40, 8)),  # one of 3 planes
        ("negative_columns", (480, 160, 40, -8)),
        ("negative_rows", (480, 160, -40, 8)),
        ("negative_channels", (480, -160, 40, 8)),
        ("unaligned", (480, 160, 40, 8)),
    ],
)
def test_layouts_have_the_strides_that_they_are_named_for(layout: str, strides: tuple[int, ...]) -> None:
    assert LAYOUTS[layout](VALUES, 2).strides == strides


def test_these_are_all_layouts() -> None:
    assert list(LAYOUTS) == [
        "contiguous",
        "fortran",
        "channels_last",
        "strided",
        "negative",
        "broadcast",
        "read_only",
        "big_endian",
        "pitched",
        "some_channels",
        "some_channels_last",
        "one_plane",
        "negative_columns",
        "negative_rows",
        "negative_channels",
        "unaligned",
    ]


def test_between_the_columns_of_a_strided_view_is_nan() -> None:
    view = LAYOUTS["strided"](VALUES, 2)
    assert view.base is not None
    assert view.base.shape == (2, 3, 4, 10)
    assert np.isnan(view.base[..., 1::2]).all()


def test_a_reversed_bias_has_a_negative_stride() -> None:
    assert LAYOUTS["negative"](np.arange(3.0), 2).strides == (-8,)


def test_a_bias_has_no_channels_to_move() -> None:
    assert LAYOUTS["channels_last"](np.arange(3.0), 2).tolist() == [0, 1, 2]
    assert LAYOUTS["channels_last"](np.eye(2), 2).tolist() == [[1, 0], [0, 1]]


def test_an_image_without_a_batch_axis_is_stored_channels_last() -> None:
    assert LAYOUTS["channels_last"](VALUES[0], 2).strides == (8, 120, 24)


def test_read_only_refuses_writing() -> None:
    view = LAYOUTS["read_only"](VALUES, 2)
    with pytest.raises(ValueError, match="read-only"):
        view[...] = 0
    assert VALUES.flags.writeable


def test_big_endian_is_not_this_machines_order() -> None:
    view = LAYOUTS["big_endian"](np.array([1.0]), 2)
    assert view.dtype.str == ">f8"
    assert view.tobytes() == b"\x3f\xf0\x00\x00\x00\x00\x00\x00"  # 1.0 in IEEE 754, first byte first


def test_between_the_elements_of_whole_numbers_is_the_largest_one() -> None:
    view = LAYOUTS["strided"](np.array([[1, 2]], np.int8), 1)
    assert view.base is not None
    assert view.base.tolist() == [[1, 127, 2, 127]]


def test_around_a_part_of_something_larger_is_nan() -> None:
    """Before it as well as after it: a kernel that begins at the memory's start is seen."""
    row = np.array([[1.0, 2.0]])
    nan = np.nan
    memories: dict[str, list[list[float]]] = {
        "pitched": [[nan, 1, 2, nan, nan]],
        "some_channels": [[nan, nan], [1, 2], [nan, nan]],
        "one_plane": [[nan, nan], [1, 2], [nan, nan]],
    }
    for layout, memory in memories.items():
        view = LAYOUTS[layout](row, 1)
        assert view.base is not None
        np.testing.assert_array_equal(view.base.reshape(np.shape(memory)), memory, err_msg=layout)


def test_some_of_the_channels_that_are_stored_last() -> None:
    view = LAYOUTS["some_channels_last"](np.array([[1.0, 2.0], [3.0, 4.0]]), 1)  # 2 channels of 2 pixels
    root = view
    while isinstance(root.base, np.ndarray):
        root = root.base
    np.testing.assert_array_equal(root, [[np.nan, 1, 3, np.nan, np.nan], [np.nan, 2, 4, np.nan, np.nan]])


def test_channels_are_those_before_the_spatial_axes() -> None:
    for rank, shape in ((1, (2, 3, 5)), (2, (2, 3, 4, 5)), (3, (2, 3, 4, 5, 6))):
        values = np.arange(float(math.prod(shape))).reshape(shape)
        view = LAYOUTS["some_channels"](values, rank)
        assert view.base is not None
        assert view.base.shape == (2, 5, *shape[2:])
        assert LAYOUTS["negative_channels"](values, rank).strides[1] == -values.strides[1]
        assert LAYOUTS["channels_last"](values, rank).strides[1] == 8


def test_an_unaligned_array_begins_one_byte_past() -> None:
    view = LAYOUTS["unaligned"](VALUES, 2)
    assert view.ctypes.data % 8 != 0
    assert not view.flags.aligned
    assert view.flags.c_contiguous
