from __future__ import annotations

import re
from typing import Any

import pytest
from refusals import naming

from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.geometry.transposed import build_transposed_axis, plan_transposed


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
