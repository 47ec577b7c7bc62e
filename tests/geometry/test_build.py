from __future__ import annotations

import re
from typing import Any

import pytest

from refconv.geometry.arguments import LARGEST_INT
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import (
    PADDING_MODES,
    SAME_CONVENTIONS,
    build_axes,
    build_axis,
    plan_convolution,
    plan_windows,
    same_sides,
)
from refconv.geometry.plan import ConvGeometry


def test_the_names_of_modes_and_conventions() -> None:
    assert PADDING_MODES == ("zeros", "reflect", "replicate", "circular")  # those of torch.nn.Conv2d
    assert SAME_CONVENTIONS == ("pytorch", "tensorflow", "onnx_upper", "onnx_lower")


@pytest.mark.parametrize(
    ("arguments", "convention", "sides"),
    [
        ((7, 4, 1, 1), "pytorch", (1, 2)),
        ((7, 2, 1, 5), "pytorch", (2, 3)),
        ((7, 4, 2, 1), "tensorflow", (1, 2)),  # ceil(7 / 2) = 4 outputs reach 3·2 + 4 = 10, so 3 are missing
        ((7, 4, 2, 1), "onnx_upper", (1, 2)),
        ((7, 4, 2, 1), "onnx_lower", (2, 1)),
        ((10, 3, 4, 2), "onnx_lower", (2, 1)),  # ceil(10 / 4) = 3 outputs reach 2·4 + 5 = 13
        ((9, 1, 5, 1), "tensorflow", (0, 0)),  # the second and last output starts at 5: nothing is missing
        ((0, 3, 1, 1), "tensorflow", (1, 1)),  # no pixels: 0 outputs would reach −1 + 3 = 2
    ],
)
def test_same_sides(arguments: tuple[int, int, int, int], convention: str, sides: tuple[int, int]) -> None:
    assert same_sides(*arguments, convention) == sides


def test_same_sides_refuses_an_unknown_convention() -> None:
    message = "convention='caffe' must be one of 'pytorch', 'tensorflow', 'onnx_upper', 'onnx_lower'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        same_sides(7, 3, 1, 1, "caffe")


def test_same_sides_refuses_pytorch_with_a_stride() -> None:
    message = "stride=2 must be 1 for padding='same', which is PyTorch's rule"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        same_sides(7, 3, 2, 1, "pytorch")


@pytest.mark.parametrize(
    ("padding", "stride", "sides"),
    [
        ("valid", 2, (0, 0)),
        ("same", 1, (1, 2)),
        ("same_upper", 2, (1, 2)),
        ("same_lower", 2, (2, 1)),
        ((3, 5), 2, (3, 5)),
    ],
)
def test_build_axis_resolves_the_padding(padding: str | tuple[int, int], stride: int, sides: tuple[int, int]) -> None:
    assert build_axis("height", 7, 4, stride, 1, padding, "zeros") == AxisGeometry(7, 4, stride, 1, sides)


@pytest.mark.parametrize(
    ("padding_mode", "input_size", "padding"),
    [
        ("zeros", 1, (100, 3)),
        ("replicate", 1, (100, 3)),
        ("reflect", 5, (4, 3)),
        ("reflect", 5, (3, 4)),
        ("reflect", 1, (0, 0)),
        ("circular", 5, (5, 4)),
        ("circular", 5, (4, 5)),
    ],
)
def test_the_most_padding_that_each_mode_allows(padding_mode: str, input_size: int, padding: tuple[int, int]) -> None:
    assert build_axis("width", input_size, 1, 1, 1, padding, padding_mode).padding == padding


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("width", 5, 1, 1, 1, (5, 0), "reflect"),
            "padding=(5, 0) must be at most 4 for padding_mode='reflect' and input width 5",
        ),
        (
            ("width", 5, 1, 1, 1, (0, 5), "reflect"),
            "padding=(0, 5) must be at most 4 for padding_mode='reflect' and input width 5",
        ),
        (
            ("height", 0, 1, 1, 1, (1, 0), "reflect"),
            "padding=(1, 0) must be at most 0 for padding_mode='reflect' and input height 0",
        ),
        (
            ("height", 5, 1, 1, 1, (6, 2), "circular"),
            "padding=(6, 2) must be at most 5 for padding_mode='circular' and input height 5",
        ),
        (
            ("height", 0, 1, 1, 1, (0, 1), "replicate"),
            "padding=(0, 1) must be at most 0 for padding_mode='replicate' and input height 0",
        ),
        (
            ("width", 5, 1, 1, 1, (1, 0), "edge"),
            "padding_mode='edge' must be one of 'zeros', 'reflect', 'replicate', 'circular'",
        ),
        (
            ("height", 4, 3, 1, 2, (0, 0), "zeros"),
            "kernel height 3 at dilation 2 spans 5 pixels; it must fit the padded input height 0 + 4 + 0 = 4",
        ),
        (
            ("width", 4, 3, 1, 4, (1, 3), "zeros"),
            "kernel width 3 at dilation 4 spans 9 pixels; it must fit the padded input width 1 + 4 + 3 = 8",
        ),
    ],
)
def test_build_axis_refuses_what_cannot_be(
    arguments: tuple[str, int, int, int, int, tuple[int, int], str], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build_axis(*arguments)


@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
def test_an_axis_is_arithmetic_and_may_be_larger_than_any_array(padding_mode: str) -> None:
    axis = build_axis("width", 1, 1, 2, 1, (LARGEST_INT, LARGEST_INT), padding_mode)
    assert axis.padded_size == 2**64 - 1
    assert axis.output_size == 2**63


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


def test_the_defaults_are_those_of_conv2d() -> None:
    plan = plan_convolution((2, 4, 7, 9), (6, 4, 3, 2))
    assert plan == ConvGeometry(2, 4, 6, 1, (AxisGeometry(7, 3), AxisGeometry(9, 2)), "zeros", batched=True)


def test_the_windows_over_an_image_need_no_weight() -> None:
    plan = plan_windows((5, 6, 11, 13), (3, 4), (2, 1), ((1, 0), (2, 3)), (1, 2), "replicate")
    height, width = AxisGeometry(11, 3, 2, 1, (1, 0)), AxisGeometry(13, 4, 1, 2, (2, 3))
    assert plan == ConvGeometry(5, 6, 1, 1, (height, width), "replicate", batched=True)
    assert plan.output_shape == (5, 1, 5, 12)
    assert plan.taps_per_output == 72  # all 6 channels of 3×4 taps


def test_the_defaults_of_windows_are_those_of_conv2d() -> None:
    plan = plan_windows((4, 7, 9), (3, 2))
    assert plan == ConvGeometry(1, 4, 1, 1, (AxisGeometry(7, 3), AxisGeometry(9, 2)), "zeros", batched=False)


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
def test_plan_windows_leaves_the_context_to_its_caller(
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
def test_plan_convolution_refuses_what_does_not_fit(
    shapes: tuple[tuple[int, ...], ...], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan_convolution(*shapes, **parameters)
