"""From arguments to a plan: normalised, checked against each other, refused with the numbers where they do not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from refconv.geometry import arguments
from refconv.geometry.arguments import LARGEST_INT, PLANE, IntOrPair, PaddingLike, Pair, Space, as_int, as_ints
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
SAME_CONVENTIONS = ("pytorch", "tensorflow", "onnx_upper", "onnx_lower")
STRING_CONVENTIONS = {"same": "pytorch", "same_upper": "onnx_upper", "same_lower": "onnx_lower"}


def plan_convolution(
    input_shape: Sequence[int], weight_shape: Sequence[int], bias_shape: Sequence[int] | None = None, *,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1,
    padding_mode: str = "zeros", space: Space = PLANE,
) -> ConvGeometry:  # fmt: skip
    """Check shapes and parameters against each other and return the plan; the arguments are those of conv2d."""
    with arguments.adding_context(named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
        check_weight_rank(weight_shape, "O, C/G", space)
        out_channels, group_channels, *kernel_size = weight_shape
        plan = plan_windows(input_shape, kernel_size, stride, padding, dilation, padding_mode, space)
        channels, groups = plan.in_channels, as_int("groups", groups, minimum=1)
        if channels % groups or out_channels % groups:
            both = f"both input channels C={channels} and output channels O={out_channels}"
            raise ValueError(f"groups={groups} must divide {both}")
        if group_channels != channels // groups:
            needed = f"it must have C/G = {channels}/{groups} = {channels // groups}"
            raise ValueError(f"weight has {group_channels} channels per group; {needed}")
        check_bias(bias_shape, out_channels)
        plan = replace(plan, out_channels=out_channels, groups=groups)
        check_memory("output", plan.output_shape)
    return plan


def plan_windows(
    input_shape: Sequence[int], kernel_size: IntOrPair, stride: IntOrPair = 1, padding: PaddingLike = 0,
    dilation: IntOrPair = 1, padding_mode: str = "zeros", space: Space = PLANE,
) -> ConvGeometry:  # fmt: skip
    """Check an image against the windows over it, all that im2col asks for: one output channel, one group."""
    batched, batch, channels, *size = split_shape(input_shape, space)
    axes = build_axes(size, kernel_size, stride, padding, dilation, padding_mode, space)
    check_memory("padded input", (batch, channels, *(axis.padded_size for axis in axes)))
    return ConvGeometry(batch, channels, 1, 1, axes, padding_mode, bool(batched))


def build_axes(
    input_size: Sequence[int], kernel_size: IntOrPair, stride: IntOrPair, padding: PaddingLike, dilation: IntOrPair,
    padding_mode: str = "zeros", space: Space = PLANE,
) -> tuple[AxisGeometry, ...]:  # fmt: skip
    """Lift `build_axis` to all the axes of a space: to the height and the width, if nothing else is said."""
    steps = as_steps(kernel_size, stride, padding, dilation, space)
    each = zip(space.axes, input_size, *steps, (padding_mode,) * space.rank, strict=True)
    return tuple(build_axis(*numbers) for numbers in each)


def as_steps(
    kernel_size: IntOrPair, stride: IntOrPair, padding: PaddingLike, dilation: IntOrPair, space: Space
) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[Pair | str]]:
    """Return kernel size, stride, dilation and padding for each axis; a word stands for the padding of all."""
    given = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    kernels, strides, dilations = (as_ints(name, value, 1, space) for name, value in given.items())
    sides = arguments.as_padding(padding, space)
    return kernels, strides, dilations, (sides,) * space.rank if isinstance(sides, str) else sides


def split_shape(shape: Sequence[int], space: Space, name: str = "input", letters: str = "") -> tuple[int, ...]:
    """Return whether the batch is there, N (or 1), C and the pixels; refuse an array that has other axes."""
    letters = letters or f"C, {space.pixels}"
    if len(shape) not in (space.rank + 1, space.rank + 2):
        raise ValueError(f"{name} has {len(shape)} dimensions; it must be (N, {letters}) or ({letters})")
    return len(shape) == space.rank + 2, *(1, *shape)[-space.rank - 2 :]


def check_weight_rank(weight_shape: Sequence[int], channels: str, space: Space) -> None:
    """Refuse a weight that has not two axes for the `channels` and those of the space."""
    if len(weight_shape) != space.rank + 2:
        raise ValueError(f"weight has {len(weight_shape)} dimensions; it must be ({channels}, {space.taps})")


def check_bias(bias_shape: Sequence[int] | None, out_channels: int) -> None:
    """Refuse a bias that is not one number for each output channel."""
    if bias_shape is not None and tuple(bias_shape) != (out_channels,):
        raise ValueError(f"bias has shape {tuple(bias_shape)}; it must be (O,) = ({out_channels},)")


def check_memory(name: str, shape: Sequence[int]) -> None:
    """Refuse an array that cannot be, in our widest numbers of 32 bytes: NumPy's own message would not say why."""
    if 32 * math.prod(max(1, size) for size in shape) > LARGEST_INT:
        raise ValueError(f"the {name} would have shape {tuple(shape)}, which is more than memory can address")


def named_shapes(**shapes: Sequence[int] | None) -> str:
    """Return the shapes with their names, for messages: ``input (1, 2, 3, 4), weight (5, 2, 1, 1)``."""
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items() if shape is not None)


def same_sides(input_size: int, kernel_size: int, stride: int, dilation: int, convention: str) -> Pair:
    """Return one axis' (before, after) under a SAME convention: the formula and the table are in `same_padding`."""
    arguments.check_choice("convention", convention, SAME_CONVENTIONS)
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
    name: str, size: int, kernel_size: int, stride: int, dilation: int, padding: Pair | str, padding_mode: str = "zeros"
) -> AxisGeometry:
    """Resolve a padding given as a string, and refuse an axis that cannot be; `name` is for the messages."""
    sides = (0, 0) if padding == "valid" else padding
    if isinstance(sides, str):
        sides = same_sides(size, kernel_size, stride, dilation, STRING_CONVENTIONS[sides])
    axis = AxisGeometry(size, kernel_size, stride, dilation, sides)
    if axis.effective_kernel_size > axis.padded_size:
        spans = f"kernel {name} {kernel_size} at dilation {dilation} spans {axis.effective_kernel_size} pixels"
        padded = f"the padded input {name} {sides[0]} + {size} + {sides[1]} = {axis.padded_size}"
        raise ValueError(f"{spans}; it must fit {padded}")
    arguments.check_choice("padding_mode", padding_mode, PADDING_MODES)
    repeatable = LARGEST_INT if size else 0
    most = {"reflect": max(0, size - 1), "replicate": repeatable, "circular": size}.get(padding_mode)  # as in PyTorch
    if most is not None and max(sides) > most:
        allowed = f"at most {most} for padding_mode={padding_mode!r} and input {name} {size}"
        raise ValueError(f"padding={sides} must be {allowed}")
    return axis
