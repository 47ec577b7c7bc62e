"""A large sum as many small ones: whatever the sizes, every place of the result is made of all that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from arrays import Array
from drawn import Conv, convs, few, law
from hypothesis import given
from hypothesis import strategies as st
from tiles import set_tiles

from refconv.core import adjoint, products, sums
from refconv.core.adjoint import by_input
from refconv.core.sums import Cut, boxes, by_output
from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.build import plan_convolution
from refconv.geometry.plan import ConvGeometry

SPACES = (LINE, PLANE, VOLUME)
Cutting = Callable[..., Iterator[Cut]]
SIZES = (1, 5, 24, 100, 1 << 19)


def plan_of(conv: Conv) -> ConvGeometry:
    shapes = conv.input.shape, conv.weight.shape
    return plan_convolution(*shapes, space=SPACES[conv.input.ndim - 3], **conv.parameters)


def cut(cutting: Cutting, plan: ConvGeometry, size: int, share: int = 1) -> list[Cut]:
    with pytest.MonkeyPatch.context() as patch:
        set_tiles(patch, size)
        return list(cutting(plan, share))


def ends(place: Any) -> tuple[int, int]:
    return place.start, place.stop


def take(array: Array, places: Any) -> Array:
    """Return the part of an array: places come as slices, or one by one."""
    for axis, place in enumerate(places):
        array = array[(slice(None),) * axis + (place,)]
    return array


# What the parts are made of


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("share", [1, 2])
@few
@given(data=st.data())
def test_the_parts_of_an_output_are_convolutions_that_cover_it_once(rank: int, share: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank, largest=4))
    plan = plan_of(conv)
    covered = np.zeros(plan.output_shape, int)
    for part in cut(by_output, plan, data.draw(st.sampled_from(SIZES)), share):
        covered[part.output] += 1
        x, w = take(conv.input, part.input), take(conv.weight, part.weight)
        assert (x.shape, w.shape) == (part.plan.input_shape, part.plan.weight_shape)
        [numbers] = products.convolution(x, [w], part.plan)
        np.testing.assert_array_equal(numbers, conv.output[part.output])
    assert (covered == 1).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("share", [1, 2])
@few
@given(data=st.data())
def test_the_parts_of_an_inputs_adjoint_cover_it_once_and_each_has_all_that_comes_to_it(
    rank: int, share: int, data: st.DataObject
) -> None:
    conv = data.draw(convs(rank, largest=4))
    plan, triple = plan_of(conv), conv.triple
    desired = triple.truth(f"conv{rank}d_input")
    covered = np.zeros(plan.input_shape, int)
    for part in cut(by_input, plan, data.draw(st.sampled_from(SIZES)), share):
        covered[part.input] += 1
        y, w = take(triple.y, part.output), take(triple.w, part.weight)
        assert w.shape == part.plan.weight_shape
        [numbers] = adjoint.input_adjoint(y, [w], part.plan)
        np.testing.assert_array_equal(numbers, desired[part.input])
    assert (covered == 1).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("share", [1, 2])
@few
@given(data=st.data())
def test_the_parts_of_a_weights_adjoint_add_up_to_it_each_output_once(
    rank: int, share: int, data: st.DataObject
) -> None:
    conv = data.draw(convs(rank, largest=4))
    plan, triple = plan_of(conv), conv.triple
    desired = triple.truth(f"conv{rank}d_weight")
    found, covered, targets = np.zeros_like(desired), np.zeros(plan.output_shape, int), list[Any]()
    for part in cut(by_output, plan, data.draw(st.sampled_from(SIZES)), share):
        covered[part.output] += 1
        x, y = take(triple.x, part.input), take(triple.y, part.output)
        assert (x.shape, y.shape) == (part.plan.input_shape, part.plan.output_shape)
        [numbers] = adjoint.weight_adjoint(x, [y], part.plan)
        found[part.weight] += numbers
        if targets[-1:] != [part.weight]:
            targets.append(part.weight)
    np.testing.assert_array_equal(found, desired)
    assert (covered == 1).all()
    assert all(target not in targets[:i] for i, target in enumerate(targets))  # those of one place follow each other


# How large they are


LARGE: list[tuple[Any, ...]] = [
    # N, C, O, G, sizes, kernel, stride, padding, dilation
    (2, 6, 10, 2, (7, 9), (2, 3), (2, 1), ((1, 0), (2, 3)), (1, 2)),
    (3, 1, 1, 1, (40,), (5,), (1,), ((2, 2),), (1,)),
    (1, 8, 8, 8, (5, 6, 4), (3, 3, 3), (1, 1, 1), ((1, 1),) * 3, (1, 1, 1)),
    (4, 3, 70, 1, (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
]


def plan_large(numbers: tuple[Any, ...], mode: str = "zeros") -> ConvGeometry:
    batch, in_channels, out_channels, groups, sizes, kernel, stride, padding, dilation = numbers
    return plan_convolution(
        (batch, in_channels, *sizes),
        (out_channels, in_channels // groups, *kernel),
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=mode, space=SPACES[len(sizes) - 1],
    )  # fmt: skip


def numbers_each(plan: ConvGeometry, channels: int) -> int:
    """How many numbers stand in memory for each output: a column of all taps, or, of one channel at stride 1, four."""
    is_one = channels == 1 and all(axis.stride == 1 for axis in plan.axes)
    return 4 if is_one else channels * math.prod(plan.kernel_size)


@pytest.mark.parametrize("numbers", LARGE, ids=str)
@pytest.mark.parametrize("mode", ["zeros", "replicate"])
@pytest.mark.parametrize("share", [1, 2])
@pytest.mark.parametrize("size", [300, 1000, 5000])
def test_the_columns_of_a_part_fill_a_tile_at_most(numbers: tuple[Any, ...], mode: str, share: int, size: int) -> None:
    for part in cut(by_output, plan_large(numbers, mode), size, share):
        plan = part.plan
        each = numbers_each(plan, plan.group_in_channels)
        assert plan.batch * plan.groups * each * plan.positions <= size // share
        assert math.prod(plan.weight_shape) <= max(size // share, plan.taps_per_output)
        assert math.prod(plan.output_shape) <= 4 * size // share


@pytest.mark.parametrize("numbers", LARGE, ids=str)
@pytest.mark.parametrize("share", [1, 2])
@pytest.mark.parametrize("size", [300, 1000, 5000])
def test_the_pixels_of_a_part_are_as_many_as_they_may_be(numbers: tuple[Any, ...], share: int, size: int) -> None:
    whole = plan_large(numbers)
    for part in cut(by_input, whole, size, share):
        plan = part.plan
        if all(axis.stride == 1 for axis in whole.axes):  # for every pixel, its taps of all output channels
            each = numbers_each(plan, plan.group_out_channels)
            assert plan.batch * plan.groups * each * math.prod(plan.input_size) <= size // share
        else:
            assert math.prod(plan.input_shape) <= size // share
        assert math.prod(plan.weight_shape) <= size // share


def outputs_of(plan: ConvGeometry, size: int, share: int = 1) -> list[list[tuple[int, int]]]:
    return [[ends(place) for place in part.output] for part in cut(by_output, plan, size, share)]


def test_whole_groups_and_whole_images_are_taken_together_where_they_fit() -> None:
    # 3 images of 4 groups, of 2 channels each way, of 5 pixels and 1 tap: columns of 2 numbers for each place.
    plan = plan_convolution((3, 8, 5), (8, 2, 1), groups=4, space=LINE)
    found = outputs_of(plan, 2 * 5 * 2)  # two groups of one image
    assert found == [[(n, n + 1), (c, c + 4), (0, 5)] for c in (0, 4) for n in range(3)]
    found = outputs_of(plan, 2 * 5 * 4 * 2)  # all of two images
    assert found == [[(0, 2), (0, 8), (0, 5)], [(2, 3), (0, 8), (0, 5)]]
    found = outputs_of(plan, 2 * 5 * 4 * 2 * 2, share=2)
    assert found == [[(0, 2), (0, 8), (0, 5)], [(2, 3), (0, 8), (0, 5)]]
    found = outputs_of(plan, 2 * 3)  # three places of one group
    assert found[:3] == [[(0, 1), (0, 2), (0, 3)], [(0, 1), (0, 2), (3, 5)], [(1, 2), (0, 2), (0, 3)]]


def test_the_columns_of_one_channel_and_tap_are_as_many_as_a_tile_has() -> None:
    plan = plan_convolution((1, 1, 12), (1, 1, 1), space=LINE)
    assert outputs_of(plan, 6) == [[(0, 1), (0, 1), (0, 6)], [(0, 1), (0, 1), (6, 12)]]


def test_the_channels_of_a_large_weight_are_taken_apart() -> None:
    # 7 output channels, of 6 taps each; 12 numbers of weights are two channels.
    plan = plan_convolution((1, 2, 4), (7, 2, 3), space=LINE)
    found = outputs_of(plan, 12)
    assert found == [[(0, 1), (c, min(c + 2, 7)), (0, 2)] for c in (0, 2, 4, 6)]
    assert [ends(*part.weight) for part in cut(by_output, plan, 12)] == [(c, min(c + 2, 7)) for c in (0, 2, 4, 6)]


def test_under_a_padding_mode_pixels_of_whole_images_are_scattered_to() -> None:
    # One pixel stands in several places: the box of an image is all of it.
    plan = plan_convolution((2, 2, 4), (3, 2, 3), padding=((2, 1),), padding_mode="circular", space=LINE)
    found = cut(by_input, plan, 1)
    assert [[ends(place) for place in part.input] for part in found] == [
        [(n, n + 1), (c, c + 1), (0, 4)] for c in range(2) for n in range(2)
    ]
    assert [part.output for part in found] == [
        (slice(n, n + 1), slice(0, 3), slice(0, 5)) for _ in range(2) for n in range(2)
    ]
    assert [part.weight for part in found] == [(slice(0, 3), slice(c, c + 1)) for c in range(2) for _ in range(2)]
    assert all(part.plan.padding_mode == "circular" for part in found)


def test_pixels_that_stand_in_the_padding_are_named_one_by_one() -> None:
    # Outputs 0 and 1, then 2, of two taps read c a b | b c of a b c, wrapped round.
    plan = plan_convolution((1, 1, 3), (1, 1, 2), padding=((1, 0),), padding_mode="circular", space=LINE)
    first, second = cut(by_output, plan, 8)
    assert (first.input, second.input) == ((slice(0, 1), slice(0, 1), [2, 0, 1]), (slice(0, 1), slice(0, 1), [1, 2]))
    assert [part.plan.padding_mode for part in (first, second)] == ["zeros", "zeros"]
    assert [axis.padding for part in (first, second) for axis in part.plan.axes] == [(0, 0), (0, 0)]
    # Where all of it is one part, the pixels are named, too.
    [whole] = cut(by_output, plan, 100)
    assert whole.input == (slice(0, 1), slice(0, 1), [2, 0, 1, 2])


def test_the_sizes_that_were_measured() -> None:
    assert (sums.TILE, sums.WEIGHTS, adjoint.PIXELS) == (1 << 20, 1 << 20, 1 << 20)
    assert sums.TILE * 8 == 8 * 1024**2  # bytes of float64
    assert (products.FEW, products.MOST_TAPS, products.ROWS, products.LINES) == (4, 1024, 32, 1 << 16)
    assert (adjoint.FEWEST_CHANNELS, adjoint.MOST_GATHERED) == (16, 1024)


def test_a_matrix_product_of_few_rows_is_avoided_where_it_scatters() -> None:
    # 40 channels of 100 pixels, of which 50 numbers fit: 16 channels at least stand together.
    plan = plan_convolution((1, 40, 10, 10), (3, 40, 1, 1), stride=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adjoint, "PIXELS", 50)
        patch.setattr(adjoint, "MOST_GATHERED", 0)
        found = list(by_input(plan))
    assert sorted({ends(part.input[1]) for part in found}) == [(0, 16), (16, 32), (32, 40)]
    assert max(math.prod(part.plan.input_shape) for part in found) <= 50


def test_an_exact_sum_scatters_to_parts_that_are_as_much_smaller_as_it_asks_for() -> None:
    plan = plan_convolution((8, 1, 5), (3, 1, 1), padding_mode="circular", space=LINE)
    assert [len(cut(by_input, plan, 40, share)) for share in (1, 2, 4)] == [1, 2, 4]


# Boxes


@pytest.mark.parametrize(
    ("size", "room", "found"),
    [
        ((4, 5), 11, [((0, 2), (0, 5)), ((2, 4), (0, 5))]),
        ((2, 5), 3, [((0, 1), (0, 3)), ((0, 1), (3, 5)), ((1, 2), (0, 3)), ((1, 2), (3, 5))]),
        ((3, 5), 10, [((0, 2), (0, 5)), ((2, 3), (0, 5))]),
        ((3, 5), 9, [((0, 1), (0, 5)), ((1, 2), (0, 5)), ((2, 3), (0, 5))]),
        ((2, 2, 3), 12, [((0, 2), (0, 2), (0, 3))]),
        ((2, 2, 3), 11, [((0, 1), (0, 2), (0, 3)), ((1, 2), (0, 2), (0, 3))]),
        ((5,), 2, [((0, 2),), ((2, 4),), ((4, 5),)]),
        ((2,), 0, [((0, 1),), ((1, 2),)]),
        ((2, 0), 7, []),
        ((0, 2), 7, []),
    ],
)
def test_boxes(size: tuple[int, ...], room: int, found: list[tuple[tuple[int, int], ...]]) -> None:
    assert [tuple((s.start, s.stop) for s in box) for box in boxes(size, room)] == found


@law
@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), st.integers(0, 250))
def test_boxes_cover_a_grid_once_and_are_no_larger_than_they_may_be(size: list[int], room: int) -> None:
    covered = np.zeros(size, int)
    largest = 0
    for box in boxes(tuple(size), room):
        covered[box] += 1
        largest = max(largest, covered[box].size)
    assert (covered == 1).all()
    assert largest <= max(1, room)
    if room >= covered.size > 0:
        assert largest == covered.size
