from __future__ import annotations

import itertools

import numpy as np
import pytest
from definition import padded
from drawn import Conv, convs, few, law, places
from drawn import axes as drawn_axes
from hypothesis import given
from hypothesis import strategies as st

from refconv.core.adjoint import add_windows, fold, phases, read_by
from refconv.core.products import pad, windows
from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import plan_windows
from refconv.geometry.plan import ConvGeometry

SPACES = (LINE, PLANE, VOLUME)


def plan_of(conv: Conv) -> ConvGeometry:
    steps, kernel = (conv.stride, conv.padding, conv.dilation, conv.padding_mode), conv.weight.shape[2:]
    return plan_windows(conv.input.shape, kernel, *steps, SPACES[conv.input.ndim - 3])


@pytest.mark.parametrize(
    ("mode", "folded"),
    [
        # a b | 1 2 3 | c d of the docstring, as powers of ten beside the pixels
        ("zeros", [1, 2, 3]),
        ("reflect", [1 + 4000, 2 + 200 + 300, 3 + 100]),
        ("replicate", [1 + 100 + 200, 2, 3 + 300 + 4000]),
        ("circular", [1 + 300, 2 + 100 + 4000, 3 + 200]),
    ],
)
def test_fold_adds_the_padding_to_the_pixels_that_it_came_from(mode: str, folded: list[int]) -> None:
    line = np.array([100, 200, 1, 2, 3, 300, 4000])
    plan = plan_windows((1, 1, 1, 3), 1, padding=((0, 0), (2, 2)), padding_mode=mode)
    assert fold(line.reshape(1, 1, 1, 7), plan).ravel().tolist() == folded
    plan = plan_windows((1, 1, 3, 1), 1, padding=((2, 2), (0, 0)), padding_mode=mode)
    assert fold(line.reshape(1, 1, 7, 1), plan).ravel().tolist() == folded


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_fold_is_the_adjoint_of_pad(mode: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(-9, 10, (2, 3, 4, 5)), rng.integers(-9, 10, (2, 3, 4 + 3, 5 + 5))
    plan = plan_windows(x.shape, 1, padding=((1, 2), (4, 1)), padding_mode=mode)
    before = y.copy()
    assert np.vdot(pad(x, plan), y) == np.vdot(x, fold(y, plan))
    assert (y == before).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
@law
@given(data=st.data())
def test_pad_writes_the_padding_out_and_fold_is_its_adjoint(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    plan = plan_of(conv)
    around = pad(conv.input, plan)
    np.testing.assert_array_equal(around, padded(conv.input, conv.padding, conv.padding_mode))
    y = conv.integers(around.shape)
    assert np.vdot(around, y) == np.vdot(conv.input, fold(y, plan))


def test_columns_are_added_tap_by_tap_to_the_pixels_that_they_came_from() -> None:
    plan = plan_windows((1, 5), 2, dilation=2, space=LINE)
    pixels = np.array([[[1, 1, 1, 1, 1]]])
    columns = np.array([[[[10, 20, 30], [400, 500, 600]]]])
    add_windows(windows(pixels, plan, writeable=True), columns, plan.kernel_size)
    assert pixels.tolist() == [[[11, 21, 31 + 400, 501, 601]]]


def test_infinities_of_both_signs_are_added_silently() -> None:
    plan = plan_windows((1, 3), 2, space=LINE)
    pixels = np.zeros((1, 1, 3))
    with np.errstate(all="raise"):
        add_windows(windows(pixels, plan, writeable=True), np.array([[[[1.0, -np.inf], [np.inf, 1e308]]]]), (2,))
    np.testing.assert_array_equal(pixels, [[[1, np.nan, 1e308]]])


@pytest.mark.parametrize("rank", [1, 2, 3])
@law
@given(data=st.data())
def test_adding_columns_is_the_adjoint_of_windows(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    plan, around = plan_of(conv), conv.padded
    y, pixels = conv.integers(windows(around, plan).shape), np.zeros_like(around)
    add_windows(windows(pixels, plan, writeable=True), y, plan.kernel_size)
    assert (windows(around, plan) * y).sum() == np.vdot(around, pixels)


# Parts of an axis, and the way back


@pytest.mark.parametrize(
    ("pixels", "outputs", "padding"),
    [
        # As above: pixel 0 is read by output 0, 1 by 0 and 1, 2 by 1, 3 by 1 and 2, ...
        (slice(3, 5), slice(1, 3), (2, 1)),
        (slice(0, 1), slice(0, 1), (1, 1)),
        (slice(1, 2), slice(0, 2), (2, 2)),
        (slice(5, 7), slice(2, 4), (2, 1)),
        (slice(0, 7), slice(0, 4), (1, 1)),
    ],
)
def test_the_outputs_that_read_some_pixels(pixels: slice, outputs: slice, padding: tuple[int, int]) -> None:
    found, axis = read_by(AxisGeometry(input_size=7, kernel_size=3, stride=2, padding=(1, 1)), pixels)
    assert found == outputs
    assert axis == AxisGeometry(pixels.stop - pixels.start, 3, stride=2, padding=padding)


def test_pixels_that_no_output_reads() -> None:
    axis = AxisGeometry(input_size=9, kernel_size=1, stride=4)  # 0, 4 and 8
    # Between a window and the next: an output is there, whose one pixel lies before them; those beyond it are unread.
    assert read_by(axis, slice(1, 3)) == (slice(0, 1), AxisGeometry(2, 1, stride=4, padding=(1, 0), unread=2))
    assert read_by(axis, slice(3, 6)) == (slice(0, 2), AxisGeometry(3, 1, stride=4, padding=(3, 0), unread=1))
    # Before the first window and behind the last
    axis = AxisGeometry(input_size=9, kernel_size=2, stride=2, dilation=3, padding=(0, -2))  # 0 3, and 2 5
    assert read_by(axis, slice(7, 9)) == (slice(1, 2), AxisGeometry(2, 2, 2, 3, (5, 0), unread=3))


@pytest.mark.parametrize(
    ("axis", "outputs", "expected"),
    [
        # Along 4 pixels, each tap meets each pixel: one convolution back.
        (AxisGeometry(4, 3, padding=(1, 1)), 4, [(0, 1, (0, 3, 1), (0, 4), AxisGeometry(4, 3, padding=(1, 1)))]),
        (AxisGeometry(4, 3), 2, [(0, 1, (0, 3, 1), (0, 2), AxisGeometry(2, 3, padding=(2, 2)))]),
        (
            AxisGeometry(5, 2, 1, 3, (1, 0)),
            3,
            [(0, 1, (0, 2, 1), (0, 3), AxisGeometry(3, 2, dilation=3, padding=(2, 3)))],
        ),
        # Of 5 pixels, 0 2 4 met the taps 0 and 2, and 1 3 met tap 1; both outputs p read 2p, 2p + 1 and 2p + 2.
        (
            AxisGeometry(5, 3, 2),
            2,
            [
                (0, 2, (0, 3, 2), (0, 2), AxisGeometry(2, 2, padding=(1, 1))),
                (1, 2, (1, 3, 2), (0, 2), AxisGeometry(2, 1)),
            ],
        ),
        # Output p reads 4p and 4p + 6: 4 6 10, and what is odd nobody.  Pixels 0 4 8 met tap 0, and 2 6 10 tap 1.
        (
            AxisGeometry(11, 2, 4, 6),
            2,
            [
                (0, 4, (0, 2, 2), (0, 2), AxisGeometry(2, 1, dilation=3, padding=(0, 1))),
                (2, 4, (1, 2, 2), (0, 2), AxisGeometry(2, 1, dilation=3, padding=(1, 0))),
            ],
        ),
        # The first output reads padding alone, and the last pixel is read by nobody.
        (AxisGeometry(4, 1, padding=(1, -1)), 4, [(0, 1, (0, 1, 1), (1, 4), AxisGeometry(3, 1, padding=(0, 1)))]),
        # The one output reads -1 and 2, so that the pixels 0 and 1 have no way back.
        (AxisGeometry(3, 2, 3, 3, (1, 0)), 1, [(2, 3, (0, 2, 1), (0, 1), AxisGeometry(1, 2, padding=(0, 1)))]),
    ],
)
def test_each_phase_has_a_way_back(
    axis: AxisGeometry,
    outputs: int,
    expected: list[tuple[int, int, tuple[int, int, int], tuple[int, int], AxisGeometry]],
) -> None:
    found = [
        (pixels.start, pixels.step, taps.indices(axis.kernel_size), (read.start, read.stop), back)
        for pixels, taps, read, back in phases(axis, outputs)
    ]
    assert found == expected


@few
@given(drawn_axes(largest=5))
def test_a_part_for_some_pixels_has_all_the_outputs_that_read_them(axis: AxisGeometry) -> None:
    for pixels in places(axis.input_size):
        outputs, part = read_by(axis, pixels)
        assert 0 <= outputs.start <= outputs.stop <= axis.output_size
        assert part.input_size == pixels.stop - pixels.start
        assert part.output_size == max(1, outputs.stop - outputs.start)
        for p, k in itertools.product(range(axis.output_size), range(axis.kernel_size)):
            h = axis.input_index(p, k)
            if pixels.start <= h < pixels.stop:
                assert outputs.start <= p < outputs.stop
            if outputs.start <= p < outputs.stop:
                assert part.input_index(p - outputs.start, k) == h - pixels.start


@few
@given(drawn_axes(largest=5))
def test_the_ways_back_read_each_output_that_a_pixel_went_to_through_its_tap(axis: AxisGeometry) -> None:
    for outputs in (axis.output_size, axis.output_size - 1):
        found = []
        for pixels, taps, read, back in phases(axis, outputs):
            places, through = range(axis.input_size)[pixels], range(axis.kernel_size)[taps]
            assert (back.stride, back.output_size, back.kernel_size) == (1, len(places), len(through))
            assert back.input_size == read.stop - read.start
            assert min(back.padding) >= 0
            for (i, h), (j, k) in itertools.product(enumerate(places), enumerate(reversed(through))):
                if 0 <= (p := back.input_index(i, j)) < back.input_size:
                    found.append((p + read.start, k, h))
        went = ((p, k, axis.input_index(p, k)) for p in range(outputs) for k in range(axis.kernel_size))
        assert sorted(found) == [each for each in went if 0 <= each[2] < axis.input_size]
