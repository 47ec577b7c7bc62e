from __future__ import annotations

import dataclasses
import re

import pytest

from refconv.geometry.arguments import LARGEST_INT
from refconv.geometry.axis import (
    PADDING_MODES,
    SAME_CONVENTIONS,
    AxisGeometry,
    build_axis,
    build_transposed_axis,
    same_sides,
)


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
    assert [axis.valid_outputs(k) for k in range(3)] == [range(1, 2), range(2), range(2)]


def test_every_number_of_an_axis_whose_numbers_all_differ() -> None:
    # Padded rows: 2 + 5 + 6 = 13.  Two taps 4 apart span 5, so the outputs start at 0, 3, 6: (13 − 5) // 3 + 1 = 3.
    axis = AxisGeometry(input_size=5, kernel_size=2, stride=3, dilation=4, padding=(2, 6))
    assert axis.effective_kernel_size == 5
    assert axis.padded_size == 13
    assert axis.output_size == 3
    assert axis.interior == slice(2, 7)
    assert reads(axis) == [[-2, 2], [1, 5], [4, 8]]
    assert [axis.valid_outputs(k) for k in range(2)] == [range(1, 3), range(1)]


def test_taps_that_never_touch_the_input_have_no_valid_outputs() -> None:
    # Two pixels, three taps 5 apart: −5 0 5 and −4 1 6.  Only the middle tap meets a pixel.
    axis = AxisGeometry(input_size=2, kernel_size=3, dilation=5, padding=(5, 5))
    assert reads(axis) == [[-5, 0, 5], [-4, 1, 6]]
    assert [list(axis.valid_outputs(k)) for k in range(3)] == [[], [0, 1], []]


def test_valid_tap_counts_are_the_taps_on_real_pixels_of_each_output() -> None:
    assert AxisGeometry(7, 3, stride=2, dilation=2, padding=(1, 0)).valid_tap_counts == [2, 3]
    assert AxisGeometry(5, 2, stride=3, dilation=4, padding=(2, 6)).valid_tap_counts == [1, 1, 1]
    assert AxisGeometry(2, 3, dilation=5, padding=(5, 5)).valid_tap_counts == [1, 1]
    assert AxisGeometry(3, 4, padding=(3, 2)).valid_tap_counts == [1, 2, 3, 3, 2]
    assert AxisGeometry(1, 1, stride=2, padding=(2, 0)).valid_tap_counts == [0, 1]


def test_padding_far_wider_than_the_input() -> None:
    # Width 1, kernel 3, padding 100: of 199 outputs, one through each tap meets the only pixel.
    axis = AxisGeometry(input_size=1, kernel_size=3, padding=(100, 100))
    assert axis.output_size == 199
    assert [axis.valid_outputs(k) for k in range(3)] == [range(100, 101), range(99, 100), range(98, 99)]


def test_an_empty_axis_has_no_valid_outputs() -> None:
    axis = AxisGeometry(input_size=0, kernel_size=2, stride=2, padding=(3, 1))
    assert axis.output_size == 2
    assert [list(axis.valid_outputs(k)) for k in range(2)] == [[], []]


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


@pytest.mark.parametrize(
    ("output", "kernel", "stride", "dilation", "padding", "extra", "size"),
    [
        (4, 3, 1, 1, (0, 0), 0, 6),
        (4, 3, 5, 2, (0, 0), 0, 5 * 3 + 2 * 2 + 1),
        (4, 3, 5, 2, (3, 1), 0, 20 - 4),
        (4, 3, 5, 2, (3, 1), 4, 20 - 4 + 4),
        (2, 2, 1, 4, (0, 0), 3, 6 + 3),  # below the dilation, though above the stride
        (1, 1, 7, 1, (0, 0), 6, 7),
    ],
)
def test_a_transposed_axis_is_that_of_the_convolution_it_undoes(
    output: int, kernel: int, stride: int, dilation: int, padding: tuple[int, int], extra: int, size: int
) -> None:
    axis = build_transposed_axis("height", output, kernel, stride, dilation, padding, extra)
    assert axis == AxisGeometry(size, kernel, stride, dilation, padding)
    assert axis.output_size == output + extra // stride


def test_readers_are_the_outputs_that_read_a_pixel_through_a_tap() -> None:
    # Output p reads, through tap k, the pixel 2·p + 3·k − 1 of 0 ... 4: p = 0, 1, 2 the pixels −1, 1, 3 and 2, 4, 6.
    axis = AxisGeometry(input_size=5, kernel_size=2, stride=2, dilation=3, padding=(1, 2))
    assert axis.readers(3, "zeros") == [[[], [1], [], [2], []], [[], [], [0], [], [1]]]
    assert axis.readers(2, "zeros") == [[[], [1], [], [], []], [[], [], [0], [], [1]]]
    assert axis.readers(3, "replicate") == [[[0], [1], [], [2], []], [[], [], [0], [], [1, 2]]]
    assert axis.readers(3, "reflect") == [[[], [0, 1], [], [2], []], [[], [], [0, 2], [], [1]]]
    assert axis.readers(3, "circular") == [[[], [1], [], [2], [0]], [[], [2], [0], [], [1]]]
