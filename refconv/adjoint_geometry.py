"""Which convolution is this the adjoint of?  The plans of transposed convolutions and of gradients.

A transposed convolution and a gradient run a convolution backwards, so each is planned as the convolution itself: a
`ConvGeometry` whose *input* is what they give and whose *output* is what they take.  All index arithmetic stays where
it was.  The letters stay too: a transposed convolution takes (N, O, P, Q) to (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence

from refconv.geometry.arguments import IntOrPair, PaddingLike, Space, adding_context, as_int, as_ints, as_padding
from refconv.geometry.axis import AxisGeometry, build_transposed_axis
from refconv.geometry.plan import (
    ConvGeometry,
    check_bias,
    check_input_rank,
    check_memory,
    check_weight_rank,
    named_shapes,
)


def build_transposed_axes(
    output_size: Sequence[int],
    kernel_size: IntOrPair,
    stride: IntOrPair,
    padding: PaddingLike,
    output_padding: IntOrPair,
    dilation: IntOrPair,
    space: Space,
) -> tuple[AxisGeometry, ...]:
    """Lift `build_transposed_axis` to all the axes of a space."""
    kernels = as_ints("kernel_size", kernel_size, 1, space.rank, space.numbers)
    strides = as_ints("stride", stride, 1, space.rank, space.numbers)
    dilations = as_ints("dilation", dilation, 1, space.rank, space.numbers)
    extras = as_ints("output_padding", output_padding, 0, space.rank, space.numbers)
    sides = as_padding(padding, space)
    if isinstance(sides, str):
        raise TypeError(f"padding={sides!r} must be numbers; a size to keep is not known here")
    return tuple(
        build_transposed_axis(name, output_size[i], kernels[i], strides[i], dilations[i], sides[i], extras[i])
        for i, name in enumerate(space.axes)
    )


def transposed_axes(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    bias_shape: Sequence[int] | None = None,
    *,
    stride: IntOrPair,
    padding: PaddingLike,
    output_padding: IntOrPair,
    groups: int,
    dilation: IntOrPair,
    space: Space,
) -> tuple[AxisGeometry, ...]:
    """Check the arguments of a transposed convolution in any space against each other, and return its axes."""
    with adding_context(named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
        check_input_rank(input_shape, space)
        check_weight_rank(weight_shape, "C, O/G", space)
        channels, group_out_channels, *kernel_size = weight_shape
        if input_shape[-space.rank - 1] != channels:
            raise ValueError(f"weight has {channels} input channels; it must have C = {input_shape[-space.rank - 1]}")
        groups = as_int("groups", groups, minimum=1)
        if channels % groups:
            raise ValueError(f"groups={groups} must divide the input channels C={channels}")
        check_bias(bias_shape, groups * group_out_channels)
        sizes = input_shape[-space.rank :]
        axes = build_transposed_axes(sizes, kernel_size, stride, padding, output_padding, dilation, space)
        batch = input_shape[0] if len(input_shape) > space.rank + 1 else 1
        check_memory("padded output", (batch, groups * group_out_channels, *(axis.padded_size for axis in axes)))
    return axes


def transposed_geometry(
    input_shape: Sequence[int], weight_shape: Sequence[int], groups: int, axes: Sequence[AxisGeometry]
) -> ConvGeometry:
    """Return the plan of the convolution whose adjoint takes an input to two checked axes."""
    height, width = axes
    rank = len(weight_shape) - 2  # 1 where the height is one that the input does not have
    batch, channels = (1, *input_shape)[-rank - 2 : -rank]
    batched = len(input_shape) == rank + 2
    return ConvGeometry(batch, groups * weight_shape[1], channels, groups, height, width, batched=batched)


def gradient_geometry(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    grad_output_shape: Sequence[int],
    *,
    stride: IntOrPair,
    padding: PaddingLike,
    dilation: IntOrPair,
    groups: int,
    padding_mode: str,
) -> ConvGeometry:
    """Return the plan of the convolution whose gradient is asked for, checked against the output's gradient."""
    shapes = named_shapes(input=input_shape, weight=weight_shape, grad_output=grad_output_shape)
    plan = ConvGeometry.from_shapes(
        input_shape,
        weight_shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    expected = plan.output_shape if plan.batched else plan.output_shape[1:]
    if tuple(grad_output_shape) != expected:
        forms = "(N, O, P, Q)" if plan.batched else "(O, P, Q)"
        raise ValueError(f"grad_output must have the output's shape {forms} = {expected} ({shapes})")
    return plan
