from __future__ import annotations

import math

import numpy as np
import pytest
from drawn import Conv, convs, law
from hypothesis import assume, given
from hypothesis import strategies as st

from refconv.core import adjoint, products
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


# Tap by tap, where a group has few channels


def test_a_row_reads_nothing_of_the_next_one() -> None:
    # One channel of 2×3, one kernel of 1×2: [1, 10] · [a, b] in each row; 3 and 4, one after the other in memory, never meet.
    image, kernel = np.array([[[[1.0, 2, 3], [4, 5, 6]]]]), np.array([[[[1.0, 10]]]])
    way = plan_convolution(image.shape, kernel.shape)
    assert products.is_narrow(1, 1, way)
    [found] = products.convolution(image, [kernel], way)
    assert found.tolist() == [[[[21, 32], [54, 65]]]]


# channels, outputs, groups, stride: is a group of few enough channels?
WAYS = [
    (6, 6, 6, 1, True),  # one channel makes one
    (6, 24, 6, 1, True),  # or four
    (6, 30, 6, 1, False),  # five are too many
    (6, 6, 6, 2, False),  # at a stride, most products of pixels and taps are never read
    (8, 4, 1, 1, True),  # 4 of 8
    (8, 5, 1, 1, False),
    (7, 4, 1, 1, False),
    (8, 2, 1, (2, 1), True),  # 2·2·2 of 8
    (7, 2, 1, (2, 1), False),
    (6, 0, 2, 1, False),
]


@pytest.mark.parametrize(("channels", "outputs", "groups", "stride", "is_narrow"), WAYS)
def test_few_channels_of_a_group(
    channels: int, outputs: int, groups: int, stride: int | tuple[int, int], is_narrow: bool
) -> None:
    way = plan_convolution((2, channels, 7, 8), (outputs, channels // groups, 2, 3), stride=stride, groups=groups)
    assert products.is_narrow(way.group_in_channels, way.group_out_channels, way) is is_narrow
    numbers = products.numbers_per_output(way.group_in_channels, way.group_out_channels, way)
    column = way.group_in_channels * 6
    assert numbers == ((4 if groups == 6 else 32 + channels) if is_narrow else column)


def test_a_long_kernel_has_columns() -> None:
    ways = [plan_convolution((1, 1, 1, size), (1, 1, 1, size)) for size in (1024, 1025)]
    assert [products.is_narrow(1, 1, way) for way in ways] == [True, False]


def test_a_single_tap_has_columns_without_a_copy() -> None:
    assert not products.is_narrow(64, 1, plan_convolution((1, 64, 5, 5), (1, 64, 1, 1)))


@pytest.mark.parametrize(("lines", "rows"), [(1, 5), (300, 2), (1 << 16, 32)])
@law
@given(st.data())
def test_tap_by_tap_is_the_product_with_the_columns(lines: int, rows: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    rank, each, groups = (data.draw(st.integers(1, most)) for most in (3, 3, 3))
    stride = data.draw(st.tuples(*[st.integers(1, 2)] * rank))
    inputs = 1 if math.prod(stride) == 1 and data.draw(st.booleans()) else 2 * each * math.prod(stride)
    kernel, sizes = (data.draw(st.tuples(*[st.integers(*ends)] * rank)) for ends in ((1, 3), (5, 7)))
    dilation = data.draw(st.tuples(*[st.integers(1, 2)] * rank))
    image = rng.integers(-9, 10, (2, groups * inputs, *sizes)).astype(float)
    weight = rng.integers(-9, 10, (groups * each, inputs, *kernel)).astype(float)
    way = plan_convolution(
        image.shape, weight.shape, stride=stride, dilation=dilation, groups=groups, space=SPACES[rank - 1]
    )
    assume(products.is_narrow(inputs, each, way))
    columns = products.columns_of(image, way)
    desired = (weight.reshape(groups, each, -1) @ columns).reshape(way.output_shape)
    arriving = rng.integers(-9, 10, way.output_shape).astype(float)
    slopes = (arriving.reshape(2, groups, each, -1) @ columns.swapaxes(-1, -2)).sum(axis=0).reshape(weight.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "LINES", lines)
        patch.setattr(products, "ROWS", rows)
        [found] = products.convolution(image, [weight], way)
        [slope] = adjoint.weight_adjoint(image, [arriving], way)
    np.testing.assert_array_equal(found, desired)
    np.testing.assert_array_equal(slope, slopes)
