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
    assert PLAN.padding == ((1, 0), (2, 3))
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
    assert [PLAN.group_of(o) for o in range(10)] == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert [PLAN.input_channel(4, c) for c in range(3)] == [0, 1, 2]
    assert [PLAN.input_channel(5, c) for c in range(3)] == [3, 4, 5]


def test_depthwise_with_a_multiplier_reads_each_channel_that_often() -> None:
    plan = plan_convolution((1, 3, 5, 5), (6, 1, 2, 2), groups=3)
    assert [plan.input_channel(o, 0) for o in range(6)] == [0, 0, 1, 1, 2, 2]


def test_the_defaults_of_the_class_are_zeros_and_batched() -> None:
    plan = ConvGeometry(2, 4, 6, 1, (AxisGeometry(7, 3), AxisGeometry(9, 2)))
    assert (plan.padding_mode, plan.batched) == ("zeros", True)
