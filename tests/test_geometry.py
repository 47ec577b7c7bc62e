from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry, build_axes

# N, C, O, G, H, W, K_h, K_w all differ, and so do stride, dilation and padding on the two axes and four sides.
PLAN = plan_convolution(
    (5, 6, 11, 13), (10, 3, 3, 4), (10,), stride=(2, 1), padding=((1, 0), (2, 3)), dilation=(1, 2), groups=2
)


def test_build_axes_gives_each_axis_its_own_numbers() -> None:
    height, width = build_axes((11, 13), (3, 4), (2, 1), ((1, 0), (2, 3)), (1, 2))
    assert height == AxisGeometry(input_size=11, kernel_size=3, stride=2, dilation=1, padding=(1, 0))
    assert width == AxisGeometry(input_size=13, kernel_size=4, stride=1, dilation=2, padding=(2, 3))


def test_build_axes_resolves_a_string_for_each_axis() -> None:
    # Height: ceil(8 / 2) = 4 outputs reach 3·2 + 3 = 9, one more than 8.  Width: 9 outputs reach 8 + 4 = 12, three more.
    height, width = build_axes((8, 9), (3, 4), (2, 1), "same_lower", 1)
    assert (height.padding, width.padding) == ((1, 0), (2, 1))


def test_build_axes_checks_the_padding_mode_on_each_axis() -> None:
    message = "padding=(4, 0) must be at most 3 for padding_mode='reflect' and input width 4"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build_axes((9, 4), (1, 1), 1, ((4, 0), (4, 0)), 1, "reflect")
    message = "padding=(4, 0) must be at most 3 for padding_mode='reflect' and input height 4"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build_axes((4, 9), (1, 1), 1, ((4, 0), (4, 0)), 1, "reflect")


def test_every_number_of_a_plan() -> None:
    assert (PLAN.batch, PLAN.in_channels, PLAN.out_channels, PLAN.groups) == (5, 6, 10, 2)
    assert PLAN.height == AxisGeometry(11, 3, stride=2, dilation=1, padding=(1, 0))
    assert PLAN.width == AxisGeometry(13, 4, stride=1, dilation=2, padding=(2, 3))
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


def test_the_defaults_are_those_of_conv2d() -> None:
    plan = plan_convolution((2, 4, 7, 9), (6, 4, 3, 2))
    assert plan == ConvGeometry(2, 4, 6, 1, AxisGeometry(7, 3), AxisGeometry(9, 2), "zeros", batched=True)


def test_the_defaults_of_the_class_are_zeros_and_batched() -> None:
    plan = ConvGeometry(2, 4, 6, 1, AxisGeometry(7, 3), AxisGeometry(9, 2))
    assert (plan.padding_mode, plan.batched) == ("zeros", True)


def test_the_windows_over_an_image_need_no_weight() -> None:
    plan = plan_windows((5, 6, 11, 13), (3, 4), (2, 1), ((1, 0), (2, 3)), (1, 2), "replicate")
    assert plan == ConvGeometry(5, 6, 1, 1, PLAN.height, PLAN.width, "replicate", batched=True)
    assert plan.output_shape == (5, 1, 5, 12)
    assert plan.taps_per_output == 72  # all 6 channels of 3×4 taps


def test_the_defaults_of_windows_are_those_of_conv2d() -> None:
    plan = plan_windows((4, 7, 9), (3, 2))
    assert plan == ConvGeometry(1, 4, 1, 1, AxisGeometry(7, 3), AxisGeometry(9, 2), "zeros", batched=False)


@pytest.mark.parametrize(
    ("shape", "kernel_size", "message"),
    [
        ((7, 9), 3, "input has 2 dimensions; it must be (N, C, H, W) or (C, H, W)"),
        ((4, 7, 9), (3, 0), "kernel_size[1]=0 must be at least 1"),
        (
            (4, 2, 9),
            3,
            "kernel height 3 at dilation 1 spans 3 pixels; it must fit the padded input height 0 + 2 + 0 = 2",
        ),
    ],
)
def test_of_windows_leaves_the_context_to_its_caller(
    shape: tuple[int, ...], kernel_size: int | tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_windows(shape, kernel_size)


def test_an_unbatched_input_is_a_batch_of_one() -> None:
    plan = plan_convolution((4, 7, 9), (6, 4, 3, 2))
    assert not plan.batched
    assert plan.batch == 1
    assert plan.in_channels == 4
    assert plan.output_shape == (1, 6, 5, 8)


def test_the_padding_mode_is_kept() -> None:
    plan = plan_convolution((2, 4, 7, 9), (6, 4, 3, 2), padding=1, padding_mode="circular")
    assert plan.padding_mode == "circular"


def test_an_empty_batch_and_zero_channels_are_plans() -> None:
    assert plan_convolution((0, 4, 7, 9), (6, 4, 3, 2)).output_shape == (0, 6, 5, 8)
    plan = plan_convolution((2, 0, 7, 9), (6, 0, 3, 2))
    assert plan.output_shape == (2, 6, 5, 8)
    assert plan.taps_per_output == 0


INPUT, WEIGHT = (2, 4, 7, 9), (6, 2, 3, 2)


@pytest.mark.parametrize(
    ("shapes", "parameters", "message"),
    [
        (
            ((2, 4, 9, 9), (6, 1, 3, 3)),
            {"groups": 3},  # the design's own example
            (
                "groups=3 must divide both input channels C=4 and output channels O=6 "
                "(input (2, 4, 9, 9), weight (6, 1, 3, 3))"
            ),
        ),
        (
            ((2, 6, 9, 9), (4, 2, 3, 3)),
            {"groups": 3},
            (
                "groups=3 must divide both input channels C=6 and output channels O=4 "
                "(input (2, 6, 9, 9), weight (4, 2, 3, 3))"
            ),
        ),
        (
            (INPUT, WEIGHT),
            {"groups": 1},
            "weight has 2 channels per group; it must have C/G = 4/1 = 4 (input (2, 4, 7, 9), weight (6, 2, 3, 2))",
        ),
        (
            (INPUT, WEIGHT, (5,)),
            {"groups": 2},
            "bias has shape (5,); it must be (O,) = (6,) (input (2, 4, 7, 9), weight (6, 2, 3, 2), bias (5,))",
        ),
        (
            (INPUT, WEIGHT, (6, 1)),
            {"groups": 2},
            "bias has shape (6, 1); it must be (O,) = (6,) (input (2, 4, 7, 9), weight (6, 2, 3, 2), bias (6, 1))",
        ),
        (
            ((4, 7), WEIGHT),
            {"groups": 2},
            "input has 2 dimensions; it must be (N, C, H, W) or (C, H, W) (input (4, 7), weight (6, 2, 3, 2))",
        ),
        (
            ((1, 2, 4, 7, 9), WEIGHT),
            {"groups": 2},
            "input has 5 dimensions; it must be (N, C, H, W) or (C, H, W) (input (1, 2, 4, 7, 9), weight (6, 2, 3, 2))",
        ),
        (
            (INPUT, (2, 3, 2)),
            {"groups": 2},
            "weight has 3 dimensions; it must be (O, C/G, K_h, K_w) (input (2, 4, 7, 9), weight (2, 3, 2))",
        ),
        (
            (INPUT, (6, 2, 0, 2)),
            {"groups": 2},
            "kernel_size[0]=0 must be at least 1 (input (2, 4, 7, 9), weight (6, 2, 0, 2))",
        ),
    ],
)
def test_from_shapes_refuses_what_does_not_fit(
    shapes: tuple[tuple[int, ...], ...], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_convolution(*shapes, **parameters)
