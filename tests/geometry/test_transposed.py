from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from drawn import axes as drawn_axes
from drawn import few, places
from hypothesis import given
from refusals import naming

from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.geometry.transposed import build_transposed_axis, phases, plan_transposed, read_by


@pytest.mark.parametrize(
    ("output", "kernel", "stride", "dilation", "padding", "extra", "size", "unread"),
    [
        (4, 3, 1, 1, (0, 0), 0, 6, 0),
        (4, 3, 5, 2, (0, 0), 0, 5 * 3 + 2 * 2 + 1, 0),
        (4, 3, 5, 2, (3, 1), 0, 20 - 4, 0),
        (4, 3, 5, 2, (3, 1), 4, 20 - 4 + 4, 0),
        (2, 2, 1, 4, (0, 0), 3, 6 + 3, 3),  # below the dilation, though above the stride
        (2, 2, 1, 4, (2, 1), 3, 6, 3),
        (2, 2, 2, 4, (0, 0), 3, 7 + 3, 2),
        (1, 1, 7, 1, (0, 0), 6, 7, 0),
    ],
)
def test_a_transposed_axis_is_that_of_the_convolution_it_undoes(
    output: int, kernel: int, stride: int, dilation: int, padding: tuple[int, int], extra: int, size: int, unread: int
) -> None:
    # The last pixels would be windows of their own, were they not cut off.
    axis = build_transposed_axis("height", output, kernel, stride, dilation, padding, extra)
    assert axis == AxisGeometry(size, kernel, stride, dilation, padding, unread)
    assert axis.output_size == output


# ONNX's ConvTranspose: total = S·(P − 1) + E + D·(K − 1) + 1 − H, with H = S·P if no output_shape is given; of an odd
# total, the smaller half comes first under SAME_UPPER, and last under SAME_LOWER.
@pytest.mark.parametrize(
    ("numbers", "size", "upper", "lower", "height"),
    [
        # P, K, S, D, E
        ((3, 3, 2, 1, 0), None, (0, 1), (1, 0), 6),  # 2·2 + 3 − 6 = 1
        ((3, 3, 2, 1, 1), None, (1, 1), (1, 1), 6),  # one more
        ((4, 2, 1, 3, 0), None, (1, 2), (2, 1), 4),  # 3 + 3 + 1 − 4 = 3
        ((4, 5, 2, 1, 0), None, (1, 2), (2, 1), 8),  # 6 + 4 + 1 − 8 = 3
        ((3, 3, 2, 1, 0), 5, (1, 1), (1, 1), 5),  # 7 − 5
        ((3, 3, 2, 1, 0), 4, (1, 2), (2, 1), 4),
        ((3, 3, 2, 1, 0), 7, (0, 0), (0, 0), 7),
        ((3, 3, 2, 1, 0), 8, (0, 0), (0, 0), 8),  # more than 7: a row of nothing
        ((2, 1, 3, 1, 0), None, (0, 0), (0, 0), 6),  # 3 + 1 < 3·2: rows of nothing
        ((2, 2, 2, 3, 0), None, (1, 1), (1, 1), 4),  # 2 + 3 + 1 − 4 = 2
    ],
)
def test_same_padding_crops_what_is_beyond_the_size(
    numbers: tuple[int, int, int, int, int],
    size: int | None,
    upper: tuple[int, int],
    lower: tuple[int, int],
    height: int,
) -> None:
    output, kernel, stride, dilation, extra = numbers
    for padding, sides in (("same_upper", upper), ("same_lower", lower)):
        axis = build_transposed_axis("height", output, kernel, stride, dilation, padding, extra, size)
        assert axis == AxisGeometry(height, kernel, stride, dilation, sides)
        assert axis.output_size == output


# tf.nn.conv2d_transpose is told its output, whose SAME padding is that of the convolution: max(0, S·(P − 1) + K − H).
@pytest.mark.parametrize(
    ("height", "kernel", "stride", "sides"),
    [(5, 3, 2, (1, 1)), (6, 3, 2, (0, 1)), (7, 4, 3, (1, 2)), (8, 4, 3, (1, 1)), (9, 4, 3, (0, 1)), (9, 2, 3, (0, 0))],
)
def test_same_upper_is_the_padding_of_tensorflow(height: int, kernel: int, stride: int, sides: tuple[int, int]) -> None:
    output = -(-height // stride)
    axis = build_transposed_axis("height", output, kernel, stride, 1, "same_upper", 0, height)
    assert axis == AxisGeometry(height, kernel, stride, 1, sides)


def test_valid_padding_crops_nothing_and_an_output_size_is_an_output_padding() -> None:
    def built(padding: Any, extra: int = 0, size: int | None = None) -> AxisGeometry:
        return build_transposed_axis("width", 4, 3, 3, 2, padding, extra, size)

    assert built("valid") == built((0, 0)) == AxisGeometry(14, 3, 3, 2)
    assert built("valid", 2) == built((0, 0), 2) == built("valid", size=16) == AxisGeometry(16, 3, 3, 2)
    assert built((2, 1), size=13) == built((2, 1), 2) == AxisGeometry(13, 3, 3, 2, (2, 1))
    # PyTorch's: S·(P − 1) − T − B + D·(K − 1) + 1, and up to S − 1 more
    for size in (10, 14):
        with pytest.raises(ValueError, match=rf"^output_size={size} along the width must be 11 ... 13$"):
            built((2, 1), size=size)
    with pytest.raises(ValueError, match=r"^output_size=17 along the width must be 14 ... 16$"):
        built("same_upper", size=17)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (3, 3, 2, 1, (0, 0), 2),
            "output_padding=2 must be smaller than the stride 2 or the dilation 1 along the axis",
        ),
        (
            (3, 3, 2, 4, (0, 0), 4),
            "output_padding=4 must be smaller than the stride 2 or the dilation 4 along the axis",
        ),
        ((0, 3, 2, 1, (0, 0), 0), "input axis 0 must be at least 1"),
        ((3, 3, 2, 1, (4, 3), 0), "output axis 7 + 0 - 4 - 3 = 0 must be at least 1"),
        ((3, 3, 2, 1, (4, 5), 1), "output axis 7 + 1 - 4 - 5 = -1 must be at least 1"),
    ],
)
def test_an_axis_that_cannot_be_is_refused_with_the_numbers(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build_transposed_axis("axis", *arguments)


def test_the_least_that_can_be() -> None:
    assert build_transposed_axis("axis", 3, 3, 2, 1, (4, 2), 0) == AxisGeometry(1, 3, 2, 1, (4, 2))
    assert build_transposed_axis("axis", 3, 3, 2, 1, (4, 3), 1) == AxisGeometry(1, 3, 2, 1, (4, 3))
    assert build_transposed_axis("axis", 1, 1, 1, 1, (0, 0), 0) == AxisGeometry(1, 1)


def test_the_plan_is_that_of_the_convolution_whose_adjoint_it_is() -> None:
    plan = plan_transposed(
        (2, 6, 4, 5), (6, 5, 3, 2), (10,),
        stride=(2, 1), padding=((1, 0), (2, 3)), output_padding=(1, 0), groups=2, dilation=(1, 4),
    )  # fmt: skip
    height, width = AxisGeometry(9, 3, 2, 1, (1, 0)), AxisGeometry(4, 2, 1, 4, (2, 3))
    assert plan == ConvGeometry(2, 10, 6, 2, (height, width), "zeros", batched=True)
    assert plan.output_shape == (2, 6, 4, 5)  # what it takes
    assert plan.input_shape == (2, 10, 9, 4)  # what it gives
    assert plan.weight_shape == (6, 5, 3, 2)


def test_what_is_not_said_of_a_transposed_convolution() -> None:
    plan = plan_transposed((6, 4, 5), (6, 5, 3, 2))
    assert plan == ConvGeometry(1, 5, 6, 1, (AxisGeometry(6, 3), AxisGeometry(6, 2)), "zeros", batched=False)


def test_the_axes_of_a_line_and_of_a_volume() -> None:
    line = plan_transposed((2, 3), (2, 1, 4), stride=(3,), output_padding=2, space=LINE)
    assert line.axes == (AxisGeometry(12, 4, 3),)
    sizes: dict[str, Any] = {"stride": (1, 2, 3), "output_size": (3, 8, 7)}
    volume = plan_transposed((1, 2, 3, 2), (1, 1, 2, 3, 4), **sizes, space=VOLUME)
    assert volume.axes == (AxisGeometry(3, 2), AxisGeometry(8, 3, 2), AxisGeometry(7, 4, 3))
    volume = plan_transposed((1, 2, 3, 2), (1, 1, 2, 3, 4), stride=(1, 2, 3), padding="same_lower", space=VOLUME)
    assert volume.axes == (
        AxisGeometry(2, 2, padding=(1, 0)),
        AxisGeometry(6, 3, 2, padding=(1, 0)),
        AxisGeometry(6, 4, 3, padding=(1, 0)),
    )


def test_an_output_size_for_all_axes() -> None:
    plan = plan_transposed((1, 3, 3), (1, 1, 3, 3), stride=2, padding="same_upper", output_size=5)
    assert plan.axes == (AxisGeometry(5, 3, 2, padding=(1, 1)),) * 2


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"padding": "same"}, ValueError, "padding='same' is PyTorch's rule for convolutions; transposed, say 'same_upper' or 'same_lower'"),
        ({"padding": "half"}, ValueError, "padding='half' … 'same_upper', 'same_lower' …"),
        ({"output_size": 8, "output_padding": (0, 1)}, ValueError, "output_padding=(0, 1) and output_size=8 say the same; give one"),
        ({"output_size": 0}, ValueError, "output_size=0 must be at least 1"),
        ({"output_size": (8, 8, 8)}, ValueError, "output_size=(8, 8, 8) has length 3; it must be an int or a pair (height, width)"),
        ({"output_size": (7, 9)}, ValueError, "output_size=9 along the width must be 7 ... 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_with_the_shapes(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    context = "(input (1, 4, 3, 3), weight (4, 2, 3, 3))"
    with pytest.raises(error, match=naming(f"{message} {context}")):
        plan_transposed((1, 4, 3, 3), (4, 2, 3, 3), **{"stride": 2} | changes, space=PLANE)


def test_an_output_size_beside_an_output_padding_of_nothing_is_taken() -> None:
    plan = plan_transposed((1, 4, 3, 3), (4, 2, 3, 3), stride=2, output_padding=0, output_size=(8, 7))
    assert [axis.input_size for axis in plan.axes] == [8, 7]


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
