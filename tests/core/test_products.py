from __future__ import annotations

import numpy as np
import pytest
from drawn import Conv, convs, law
from hypothesis import given
from hypothesis import strategies as st

from refconv.core.products import pad, windows
from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.build import plan_convolution, plan_windows
from refconv.geometry.plan import ConvGeometry

SPACES = (LINE, PLANE, VOLUME)


def plan(shape: tuple[int, int, int, int], padding: tuple[tuple[int, int], tuple[int, int]], mode: str) -> ConvGeometry:
    return plan_convolution(shape, (1, shape[1], 1, 1), padding=padding, padding_mode=mode)


# The table in the docstring of `pad`.
ROWS = [
    ("zeros", [0, 0, 1, 2, 3, 0, 0]),
    ("reflect", [3, 2, 1, 2, 3, 2, 1]),
    ("replicate", [1, 1, 1, 2, 3, 3, 3]),
    ("circular", [2, 3, 1, 2, 3, 1, 2]),
]


@pytest.mark.parametrize(("mode", "row"), ROWS)
def test_two_pixels_on_either_side_of_a_row(mode: str, row: list[int]) -> None:
    image = np.array([[[[1, 2, 3]]]])
    padded = pad(image, plan((1, 1, 1, 3), ((0, 0), (2, 2)), mode))
    assert padded.tolist() == [[[row]]]


@pytest.mark.parametrize(("mode", "row"), ROWS)
def test_two_pixels_on_either_end_of_a_column(mode: str, row: list[int]) -> None:
    image = np.array([[[[1], [2], [3]]]])
    padded = pad(image, plan((1, 1, 3, 1), ((2, 2), (0, 0)), mode))
    assert padded.tolist() == [[[[pixel] for pixel in row]]]


@pytest.mark.parametrize(("mode", "row"), ROWS)
def test_the_table_here_is_the_table_in_the_docstring(mode: str, row: list[int]) -> None:
    line = next(line for line in (pad.__doc__ or "").splitlines() if line.split()[:1] == [mode])
    assert line.split()[1:8] == list(map(str, row))


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        # One row on top and none below, two pixels on the left and one on the right.
        ("zeros", [[0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 3, 0], [0, 0, 4, 5, 6, 0]]),
        ("reflect", [[6, 5, 4, 5, 6, 5], [3, 2, 1, 2, 3, 2], [6, 5, 4, 5, 6, 5]]),
        ("replicate", [[1, 1, 1, 2, 3, 3], [1, 1, 1, 2, 3, 3], [4, 4, 4, 5, 6, 6]]),
        ("circular", [[5, 6, 4, 5, 6, 4], [2, 3, 1, 2, 3, 1], [5, 6, 4, 5, 6, 4]]),
    ],
)
def test_each_side_has_its_own_padding(mode: str, rows: list[list[int]]) -> None:
    image = np.array([[[[1, 2, 3], [4, 5, 6]]]])
    assert pad(image, plan((1, 1, 2, 3), ((1, 0), (2, 1)), mode)).tolist() == [[rows]]


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_images_and_channels_are_padded_apart(mode: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(1, 9, (2, 3, 4, 5))
    padded = pad(image, plan(image.shape, ((1, 2), (3, 0)), mode))
    assert padded.shape == (2, 3, 7, 8)
    for n, c in np.ndindex(2, 3):
        alone = pad(image[n : n + 1, c : c + 1], plan((1, 1, 4, 5), ((1, 2), (3, 0)), mode))
        np.testing.assert_array_equal(padded[n, c], alone[0, 0])


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_without_padding_the_input_itself_comes_back(mode: str) -> None:
    image = np.ones((1, 2, 3, 4))
    assert pad(image, plan(image.shape, ((0, 0), (0, 0)), mode)) is image


@pytest.mark.parametrize("padding", [((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (1, 0)), ((0, 0), (0, 1))])
def test_padding_on_one_side_alone_is_padding(padding: tuple[tuple[int, int], tuple[int, int]]) -> None:
    image = np.ones((1, 1, 2, 2))
    assert pad(image, plan(image.shape, padding, "zeros")).sum() == 4
    assert pad(image, plan(image.shape, padding, "replicate")).sum() == 6


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_an_empty_batch_and_zero_channels_are_padded(mode: str) -> None:
    assert pad(np.zeros((0, 3, 4, 5)), plan((0, 3, 4, 5), ((1, 2), (3, 0)), mode)).shape == (0, 3, 7, 8)
    assert pad(np.zeros((2, 0, 4, 5)), plan((2, 0, 4, 5), ((1, 2), (3, 0)), mode)).shape == (2, 0, 7, 8)


def test_the_zeros_beside_objects_are_python_zeros() -> None:
    # A numpy.int64 among Python's integers would bring int64's overflow back in.
    padded = pad(np.array([[[[2**70]]]], dtype=object), plan((1, 1, 1, 1), ((0, 0), (1, 0)), "zeros"))
    assert padded.tolist() == [[[[0, 2**70]]]]
    assert type(padded[0, 0, 0, 0]) is int


# Windows


def plan_of(conv: Conv) -> ConvGeometry:
    steps, kernel = (conv.stride, conv.padding, conv.dilation, conv.padding_mode), conv.weight.shape[2:]
    return plan_windows(conv.input.shape, kernel, *steps, SPACES[conv.input.ndim - 3])


def test_windows_of_a_row_as_in_the_docstring() -> None:
    plan = plan_windows((1, 5), 2, dilation=2, space=LINE)
    assert windows(np.arange(5).reshape(1, 1, 5), plan).tolist() == [[[[0, 1, 2], [2, 3, 4]]]]


def test_windows_show_what_each_output_reads_without_copying() -> None:
    plan = plan_convolution((1, 1, 3, 6), (1, 1, 2, 2), stride=(1, 2), dilation=(1, 3))
    image = np.arange(18.0).reshape(1, 1, 3, 6)
    view = windows(image, plan)
    assert view.shape == (1, 1, 2, 2, 2, 2)
    assert view[0, 0, :, :, 0, 0].tolist() == [[0, 3], [6, 9]]
    assert view[0, 0, :, :, 0, 1].tolist() == [[2, 5], [8, 11]]
    assert view[0, 0, :, :, 1, 0].tolist() == [[6, 9], [12, 15]]
    assert np.shares_memory(view, image)
    assert not view.flags.writeable
    assert windows(image, plan, writeable=True).flags.writeable


@pytest.mark.parametrize("rank", [1, 2, 3])
@law
@given(data=st.data())
def test_windows_hold_the_pixel_of_every_tap_and_output(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    plan, around = plan_of(conv), conv.padded
    view = windows(around, plan)
    assert view.shape == (*conv.input.shape[:2], *plan.kernel_size, *plan.output_size)
    for k in np.ndindex(*plan.kernel_size):
        steps = zip(conv.dilation, k, conv.stride, plan.output_size, strict=True)
        places = [[d * tap + s * p for p in range(count)] for d, tap, s, count in steps]
        np.testing.assert_array_equal(view[(slice(None), slice(None), *k)], around[(..., *np.ix_(*places))])
