"""From arguments to a plan: normalised, checked against each other, refused with the numbers where they do not fit.

Source: the operator specifications of PyTorch's conv2d, ONNX's Conv and TensorFlow's conv2d.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from refconv.geometry.arguments import (
    LARGEST_INT,
    PLANE,
    IntOrPair,
    PaddingLike,
    Pair,
    Space,
    adding_context,
    as_int,
    as_ints,
    as_padding,
    check_choice,
)
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
SAME_CONVENTIONS = ("pytorch", "tensorflow", "onnx_upper", "onnx_lower")
STRING_CONVENTIONS = {"same": "pytorch", "same_upper": "onnx_upper", "same_lower": "onnx_lower"}


def plan_convolution(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    bias_shape: Sequence[int] | None = None,
    *,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    space: Space = PLANE,
) -> ConvGeometry:
    """Check shapes and parameters against each other and return the plan; the arguments are those of conv2d."""
    with adding_context(named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
        check_weight_rank(weight_shape, "O, C/G", space)
        out_channels, group_channels, *kernel_size = weight_shape
        plan = plan_windows(input_shape, kernel_size, stride, padding, dilation, padding_mode, space)
        groups = _checked_groups(groups, plan.in_channels, out_channels, group_channels)
        check_bias(bias_shape, out_channels)
        plan = replace(plan, out_channels=out_channels, groups=groups)
        check_memory("output", plan.output_shape)
    return plan


def plan_windows(
    input_shape: Sequence[int],
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    padding_mode: str = "zeros",
    space: Space = PLANE,
) -> ConvGeometry:
    """Check an image against the windows over it, all that im2col asks for: one output channel, one group."""
    batched = is_batched(input_shape, space)
    batch, channels, *size = (1, *input_shape)[-space.rank - 2 :]
    axes = build_axes(size, kernel_size, stride, padding, dilation, padding_mode, space)
    check_memory("padded input", (batch, channels, *(axis.padded_size for axis in axes)))
    return ConvGeometry(batch, channels, 1, 1, axes, padding_mode, batched)


def build_axes(
    input_size: Sequence[int],
    kernel_size: IntOrPair,
    stride: IntOrPair,
    padding: PaddingLike,
    dilation: IntOrPair,
    padding_mode: str = "zeros",
    space: Space = PLANE,
) -> tuple[AxisGeometry, ...]:
    """Lift `build_axis` to all the axes of a space: to the height and the width, if nothing else is said."""
    kernels = as_ints("kernel_size", kernel_size, 1, space)
    strides = as_ints("stride", stride, 1, space)
    dilations = as_ints("dilation", dilation, 1, space)
    sides = by_axis(as_padding(padding, space), space)
    return tuple(
        build_axis(name, input_size[i], kernels[i], strides[i], dilations[i], sides[i], padding_mode)
        for i, name in enumerate(space.axes)
    )


def by_axis(padding: tuple[Pair, ...] | str, space: Space) -> tuple[Pair | str, ...]:
    """Return one axis' padding for each axis: a word stands for all."""
    return (padding,) * space.rank if isinstance(padding, str) else padding


def is_batched(input_shape: Sequence[int], space: Space) -> bool:
    """Whether the batch is there; refuse an input that has not one axis for the channels and those of the space."""
    if len(input_shape) not in (space.rank + 1, space.rank + 2):
        forms = f"(N, C, {space.pixels}) or (C, {space.pixels})"
        raise ValueError(f"input has {len(input_shape)} dimensions; it must be {forms}")
    return len(input_shape) == space.rank + 2


def check_weight_rank(weight_shape: Sequence[int], channels: str, space: Space) -> None:
    """Refuse a weight that has not two axes for the `channels` and those of the space."""
    if len(weight_shape) != space.rank + 2:
        raise ValueError(f"weight has {len(weight_shape)} dimensions; it must be ({channels}, {space.taps})")


def check_bias(bias_shape: Sequence[int] | None, out_channels: int) -> None:
    """Refuse a bias that is not one number for each output channel."""
    if bias_shape is not None and tuple(bias_shape) != (out_channels,):
        raise ValueError(f"bias has shape {tuple(bias_shape)}; it must be (O,) = ({out_channels},)")


def _checked_groups(groups: int, in_channels: int, out_channels: int, group_channels: int) -> int:
    """Return `groups` as an int that divides the channels, as the weight of C/G channels says it does."""
    groups = as_int("groups", groups, minimum=1)
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups={groups} must divide both input channels C={in_channels} and output channels O={out_channels}"
        )
    if group_channels != in_channels // groups:
        raise ValueError(
            f"weight has {group_channels} channels per group; "
            f"it must have C/G = {in_channels}/{groups} = {in_channels // groups}"
        )
    return groups


def check_memory(name: str, shape: Sequence[int]) -> None:
    """Refuse an array that cannot be, in our widest numbers of 32 bytes: NumPy's own message would not say why."""
    if 32 * math.prod(max(1, size) for size in shape) > LARGEST_INT:
        raise ValueError(f"the {name} would have shape {tuple(shape)}, which is more than memory can address")


def named_shapes(**shapes: Sequence[int] | None) -> str:
    """Return the shapes with their names, for messages: ``input (1, 2, 3, 4), weight (5, 2, 1, 1)``."""
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items() if shape is not None)


def same_sides(input_size: int, kernel_size: int, stride: int, dilation: int, convention: str) -> Pair:
    """Return one axis' (before, after) under a SAME convention: the formula and the table are in `same_padding`."""
    check_choice("convention", convention, SAME_CONVENTIONS)
    if convention == "pytorch" and stride != 1:
        raise ValueError(f"stride={stride} must be 1 for padding='same', which is PyTorch's rule")
    output = -(-input_size // stride)
    total = max(0, (output - 1) * stride + dilation * (kernel_size - 1) + 1 - input_size)
    return split_sides(total, convention)


def split_sides(total: int, convention: str) -> Pair:
    """Return a total padding as (before, after): the odd pixel comes before under ``onnx_lower``, after elsewhere."""
    smaller, larger = total // 2, total - total // 2
    return (larger, smaller) if convention == "onnx_lower" else (smaller, larger)


def build_axis(
    name: str, input_size: int, kernel_size: int, stride: int, dilation: int, padding: Pair | str, padding_mode: str
) -> AxisGeometry:
    """Resolve a padding given as a string, and refuse an axis that cannot be; `name` is for the messages."""
    if padding == "valid":
        sides = (0, 0)
    elif isinstance(padding, str):
        sides = same_sides(input_size, kernel_size, stride, dilation, STRING_CONVENTIONS[padding])
    else:
        sides = padding
    axis = AxisGeometry(input_size, kernel_size, stride, dilation, sides)
    _check_fit(name, axis)
    _check_padding_mode(name, axis, padding_mode)
    return axis


def _check_fit(name: str, axis: AxisGeometry) -> None:
    """Refuse a kernel larger than the padded input."""
    before, after = axis.padding
    if axis.effective_kernel_size > axis.padded_size:
        raise ValueError(
            f"kernel {name} {axis.kernel_size} at dilation {axis.dilation} spans {axis.effective_kernel_size} pixels; "
            f"it must fit the padded input {name} {before} + {axis.input_size} + {after} = {axis.padded_size}"
        )


def _check_padding_mode(name: str, axis: AxisGeometry, padding_mode: str) -> None:
    """Refuse padding that its mode has no pixels for: PyTorch's limits."""
    check_choice("padding_mode", padding_mode, PADDING_MODES)
    if padding_mode == "zeros":
        return
    most = {
        "reflect": max(0, axis.input_size - 1),
        "replicate": LARGEST_INT if axis.input_size else 0,
        "circular": axis.input_size,
    }[padding_mode]
    if max(axis.padding) > most:
        raise ValueError(
            f"padding={axis.padding} must be at most {most} for padding_mode={padding_mode!r} "
            f"and input {name} {axis.input_size}"
        )
