from __future__ import annotations

import dataclasses
import itertools

import pytest
from drawn import axes as drawn_axes
from drawn import few, places
from hypothesis import given

from refconv.geometry.axis import AxisGeometry


def reads(axis: AxisGeometry) -> list[list[int]]:
    return [[axis.input_index(p, k) for k in range(axis.kernel_size)] for p in range(axis.output_size)]


def test_the_defaults_are_stride_1_dilation_1_and_no_padding() -> None:
    assert AxisGeometry(7, 3) == AxisGeometry(7, 3, stride=1, dilation=1, padding=(0, 0))


def test_an_axis_cannot_be_changed() -> None:
    axis = AxisGeometry(7, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        axis.stride = 2  # type: ignore[misc]


def test_every_number_of_an_axis_with_stride_dilation_and_padding_on_top() -> None:
    # Padded rows: pad 0 1 2 3 4 5 6.  Taps are 2 apart, outputs 2 apart, and the first tap starts on the padding.
    axis = AxisGeometry(input_size=7, kernel_size=3, stride=2, dilation=2, padding=(1, 0))
    assert axis.effective_kernel_size == 5
    assert axis.padded_size == 8
    assert axis.output_size == 2
    assert axis.interior == slice(1, 8)
    assert reads(axis) == [[-1, 1, 3], [1, 3, 5]]


def test_every_number_of_an_axis_whose_numbers_all_differ() -> None:
    # Padded rows: 2 + 5 + 6 = 13.  Two taps 4 apart span 5, so the outputs start at 0, 3, 6: (13 − 5) // 3 + 1 = 3.
    axis = AxisGeometry(input_size=5, kernel_size=2, stride=3, dilation=4, padding=(2, 6))
    assert axis.effective_kernel_size == 5
    assert axis.padded_size == 13
    assert axis.output_size == 3
    assert axis.interior == slice(2, 7)
    assert reads(axis) == [[-2, 2], [1, 5], [4, 8]]


@pytest.mark.parametrize(
    ("input_size", "kernel_size", "stride", "dilation", "padding", "output_size"),
    [
        (7, 3, 1, 1, (0, 0), 5),
        (7, 3, 1, 2, (0, 0), 3),
        (7, 5, 1, 1, (0, 0), 3),
        (4, 4, 1, 1, (0, 0), 1),  # the kernel is the input
        (1, 1, 14, 1, (0, 0), 1),
        (30, 1, 14, 1, (0, 0), 3),  # stride > kernel: 0, 14, 28
        (17, 6, 2, 1, (0, 0), 6),  # the last row is not used
        (8, 3, 2, 1, (1, 1), 4),
        (8, 3, 2, 1, (1, 0), 4),
        (7, 3, 2, 1, (1, 0), 3),
        (7, 3, 2, 1, (1, 1), 4),
    ],
)
def test_output_size(
    input_size: int, kernel_size: int, stride: int, dilation: int, padding: tuple[int, int], output_size: int
) -> None:
    assert AxisGeometry(input_size, kernel_size, stride, dilation, padding).output_size == output_size


@pytest.mark.parametrize(
    ("padding_mode", "sources"),
    [
        ("zeros", [None, None, 0, 1, 2, None, None]),
        ("reflect", [2, 1, 0, 1, 2, 1, 0]),
        ("replicate", [0, 0, 0, 1, 2, 2, 2]),
        ("circular", [1, 2, 0, 1, 2, 0, 1]),
    ],
)
def test_source_index_of_three_pixels_with_two_of_padding(padding_mode: str, sources: list[int | None]) -> None:
    axis = AxisGeometry(input_size=3, kernel_size=1, padding=(2, 2))
    assert [axis.source_index(index, padding_mode) for index in range(-2, 5)] == sources


def test_circular_padding_as_wide_as_the_input_repeats_it() -> None:
    axis = AxisGeometry(input_size=2, kernel_size=1, padding=(2, 2))
    assert [axis.source_index(index, "circular") for index in range(-2, 4)] == [0, 1, 0, 1, 0, 1]


def test_the_reach_of_outputs_is_from_the_first_pixel_that_they_read_to_the_last() -> None:
    # Outputs 0, 1, 2 of taps 4 apart at stride 3: −2 2, 1 5, 4 8.
    axis = AxisGeometry(input_size=5, kernel_size=2, stride=3, dilation=4, padding=(2, 6))
    assert [axis.reach(outputs) for outputs in (1, 2, 3)] == [5, 8, 11]


# Part of an axis


@pytest.mark.parametrize(
    ("outputs", "pixels", "padding"),
    [
        # Outputs 0 ... 3 read −1 0 1, 1 2 3, 3 4 5, 5 6 7 of the pixels 0 ... 6.
        (slice(0, 2), slice(0, 4), (1, 0)),
        (slice(1, 3), slice(1, 6), (0, 0)),
        (slice(3, 4), slice(5, 7), (0, 1)),
        (slice(0, 4), slice(0, 7), (1, 1)),
    ],
)
def test_the_pixels_that_some_outputs_read(outputs: slice, pixels: slice, padding: tuple[int, int]) -> None:
    found, axis = AxisGeometry(input_size=7, kernel_size=3, stride=2, padding=(1, 1)).reading(outputs)
    assert found == pixels
    assert axis == AxisGeometry(pixels.stop - pixels.start, 3, stride=2, padding=padding)


def test_outputs_that_read_nothing_but_padding() -> None:
    axis = AxisGeometry(input_size=1, kernel_size=2, padding=(4, 5))  # −4 −3, −3 −2, ..., 4 5
    assert axis.reading(slice(0, 2)) == (slice(0, 0), AxisGeometry(0, 2, padding=(3, 0)))
    assert axis.reading(slice(6, 8)) == (slice(1, 1), AxisGeometry(0, 2, padding=(0, 3)))


@few
@given(drawn_axes(largest=5))
def test_a_part_for_some_outputs_reads_what_the_axis_reads(axis: AxisGeometry) -> None:
    for outputs in places(axis.output_size):
        pixels, part = axis.reading(outputs)
        count = outputs.stop - outputs.start
        assert part.output_size == count
        assert part.input_size == pixels.stop - pixels.start
        assert min(part.padding) >= 0
        for p, k in itertools.product(range(count), range(axis.kernel_size)):
            h, found = axis.input_index(outputs.start + p, k), part.input_index(p, k)
            is_real = 0 <= h < axis.input_size
            assert is_real == (0 <= found < part.input_size)
            assert not is_real or found + pixels.start == h
