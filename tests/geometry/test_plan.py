from __future__ import annotations

import dataclasses

import pytest

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import plan_convolution
from refconv.geometry.plan import ConvGeometry

# N, C, O, G, H, W, K_h, K_w all differ, and so do stride, dilation and padding on the two axes and four sides.
PLAN = plan_convolution(
    (5, 6, 11, 13), (10, 3, 3, 4), (10,), stride=(2, 1), padding=((1, 0), (2, 3)), dilation=(1, 2), groups=2
)


def test_every_number_of_a_plan() -> None:
    assert (PLAN.batch, PLAN.in_channels, PLAN.out_channels, PLAN.groups) == (5, 6, 10, 2)
    assert PLAN.axes == (
        AxisGeometry(11, 3, stride=2, dilation=1, padding=(1, 0)),
        AxisGeometry(13, 4, stride=1, dilation=2, padding=(2, 3)),
    )
    assert PLAN.padding_mode == "zeros"
    assert PLAN.batched
    assert PLAN.kernel_size == (3, 4)
    assert PLAN.output_shape == (5, 10, 5, 12)  # (12 − 3) // 2 + 1 = 5 and 18 − 7 + 1 = 12
    assert PLAN.positions == 60
    assert PLAN.group_in_channels == 3
    assert PLAN.group_out_channels == 5
    assert PLAN.taps_per_output == 36  # 3 channels of 3×4 taps


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAN.groups = 3  # type: ignore[misc]


def test_groups_lie_in_blocks() -> None:
    assert [PLAN.input_channel(4, c) for c in range(3)] == [0, 1, 2]
    assert [PLAN.input_channel(5, c) for c in range(3)] == [3, 4, 5]


def test_depthwise_with_a_multiplier_reads_each_channel_that_often() -> None:
    plan = plan_convolution((1, 3, 5, 5), (6, 1, 2, 2), groups=3)
    assert [plan.input_channel(o, 0) for o in range(6)] == [0, 0, 1, 1, 2, 2]


def test_the_defaults_of_the_class_are_zeros_and_batched() -> None:
    plan = ConvGeometry(2, 4, 6, 1, (AxisGeometry(7, 3), AxisGeometry(9, 2)))
    assert (plan.padding_mode, plan.batched) == ("zeros", True)


def test_the_shapes_of_what_a_plan_connects() -> None:
    assert PLAN.input_shape == (5, 6, 11, 13)
    assert PLAN.weight_shape == (10, 3, 3, 4)
    assert PLAN.input_size == (11, 13)
    assert PLAN.output_size == (5, 12)


def test_a_plan_of_one_axis_and_of_three() -> None:
    depth, height, width = AxisGeometry(4, 2), AxisGeometry(5, 1, 1, 3, (1, 0)), AxisGeometry(7, 3, 2)
    line = ConvGeometry(2, 3, 5, 1, (width,))
    assert (line.input_shape, line.weight_shape, line.output_shape) == ((2, 3, 7), (5, 3, 3), (2, 5, 3))
    assert (line.taps_per_output, line.positions) == (9, 3)
    volume = ConvGeometry(1, 4, 6, 2, (depth, height, width))
    assert (volume.input_shape, volume.weight_shape) == ((1, 4, 4, 5, 7), (6, 2, 2, 1, 3))
    assert volume.output_shape == (1, 6, 3, 6, 3)
    assert (volume.taps_per_output, volume.positions) == (12, 54)


@pytest.mark.parametrize(
    ("mode", "pixels"),
    [
        # Rows −1, 0, 1, 2 of two, and through the second tap columns 1 and 4 of three: one too far.
        ("zeros", [None, (0, 1), (1, 1), None, None, None]),
        ("reflect", [(1, 1), (0, 1), (1, 1), (0, 1), (1, 0), (0, 0)]),
        ("replicate", [(0, 1), (0, 1), (1, 1), (1, 1), (0, 2), (0, 2)]),
        ("circular", [(1, 1), (0, 1), (1, 1), (0, 1), (1, 1), (0, 1)]),
    ],
)
def test_the_pixel_between_an_output_and_a_tap(mode: str, pixels: list[tuple[int, int] | None]) -> None:
    axes = AxisGeometry(2, 1, padding=(1, 1)), AxisGeometry(3, 2, stride=3, dilation=2, padding=(1, 2))
    plan = ConvGeometry(1, 1, 1, 1, axes, mode)
    places = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]
    assert [plan.pixel(p, (0, 1)) for p in places] == pixels


def test_the_pixel_of_one_axis_and_of_three() -> None:
    axis = AxisGeometry(5, 2, stride=2, dilation=3, padding=(1, 1))
    assert ConvGeometry(1, 1, 1, 1, (axis,)).pixel((1,), (1,)) == (4,)
    assert ConvGeometry(1, 1, 1, 1, (axis,) * 3).pixel((1, 0, 1), (0, 1, 1)) == (1, 2, 4)
    assert ConvGeometry(1, 1, 1, 1, (axis,) * 3).pixel((1, 0, 1), (0, 0, 1)) is None
