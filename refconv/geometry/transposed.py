"""The plan of a transposed convolution: that of the convolution whose adjoint it is.

A transposed convolution runs the lines of a convolution backwards, so that all index arithmetic stays where it was: the
plan's *output* is what it takes, and the plan's *input* is what it gives.

Source: the operator specifications of PyTorch's conv_transpose2d, ONNX's ConvTranspose and TensorFlow's
conv2d_transpose.
"""

from __future__ import annotations

from collections.abc import Sequence

from refconv.geometry.arguments import (
    PLANE,
    IntOrPair,
    PaddingLike,
    Pair,
    Space,
    adding_context,
    as_int,
    as_ints,
    as_padding,
)
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import (
    STRING_CONVENTIONS,
    by_axis,
    check_bias,
    check_memory,
    check_weight_rank,
    is_batched,
    named_shapes,
    split_sides,
)
from refconv.geometry.plan import ConvGeometry, Index


def plan_transposed(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    bias_shape: Sequence[int] | None = None,
    *,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
    output_size: IntOrPair | None = None,
    space: Space = PLANE,
) -> ConvGeometry:
    """Check the arguments of a transposed convolution, and return the plan of the convolution it is adjoint to."""
    with adding_context(named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
        batched = is_batched(input_shape, space)
        check_weight_rank(weight_shape, "C, O/G", space)
        channels, group_out_channels, *kernels = weight_shape
        batch, in_channels, *sizes = (1, *input_shape)[-space.rank - 2 :]
        if in_channels != channels:
            raise ValueError(f"weight has {channels} input channels; it must have C = {in_channels}")
        groups = as_int("groups", groups, minimum=1)
        if channels % groups:
            raise ValueError(f"groups={groups} must divide the input channels C={channels}")
        check_bias(bias_shape, groups * group_out_channels)
        axes = _transposed_axes(sizes, kernels, stride, padding, output_padding, dilation, output_size, space)
        padded = (batch, groups * group_out_channels, *(axis.padded_size for axis in axes))
        check_memory("padded output", padded)
    return ConvGeometry(batch, groups * group_out_channels, channels, groups, axes, batched=batched)


def _transposed_axes(
    sizes: Sequence[int],
    kernel_size: Sequence[int],
    stride: IntOrPair,
    padding: PaddingLike,
    output_padding: IntOrPair,
    dilation: IntOrPair,
    output_size: IntOrPair | None,
    space: Space,
) -> tuple[AxisGeometry, ...]:
    """Lift `build_transposed_axis` to all the axes of a space."""

    def ints(name: str, value: object, minimum: int) -> Index:
        return as_ints(name, value, minimum, space)

    kernels, strides, dilations = (
        ints("kernel_size", kernel_size, 1),
        ints("stride", stride, 1),
        ints("dilation", dilation, 1),
    )
    extras = ints("output_padding", output_padding, 0)
    wanted = (None,) * space.rank if output_size is None else ints("output_size", output_size, 1)
    sides = by_axis(as_padding(padding, space), space)
    if "same" in sides:
        raise ValueError(
            "padding='same' is PyTorch's rule for convolutions; transposed, say 'same_upper' or 'same_lower'"
        )
    if output_size is not None and any(extras):
        raise ValueError(f"output_padding={output_padding!r} and output_size={output_size!r} say the same; give one")
    return tuple(
        build_transposed_axis(name, sizes[i], kernels[i], strides[i], dilations[i], sides[i], extras[i], wanted[i])
        for i, name in enumerate(space.axes)
    )


def build_transposed_axis(
    name: str,
    output_size: int,
    kernel_size: int,
    stride: int,
    dilation: int,
    padding: Pair | str,
    output_padding: int,
    size: int | None = None,
) -> AxisGeometry:
    """Return the axis of the convolution whose adjoint takes P pixels to ``H = S·(P − 1) + D·(K − 1) + 1 + E − T − B``.

    E, the output padding, chooses among the S heights that a convolution of stride S takes to the same P.  Where D is
    above S, PyTorch lets it be larger still: then the last pixels lie beyond every window.

    `size` is H, if it is asked for; a SAME padding crops what is above that, or above S·P, from both sides.
    """
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding={output_padding} must be smaller than the stride {stride} or the dilation {dilation} "
            f"along the {name}"
        )
    if output_size < 1:
        raise ValueError(f"input {name} {output_size} must be at least 1")
    reach = stride * (output_size - 1) + dilation * (kernel_size - 1) + 1
    if isinstance(padding, str):
        wanted = stride * output_size if size is None else size
        total = 0 if padding == "valid" else max(0, reach + output_padding - wanted)
        size = size if padding == "valid" else wanted
        padding = split_sides(total, STRING_CONVENTIONS.get(padding, ""))
    before, after = padding
    least = reach - before - after
    if size is None:
        size = least + output_padding
    elif not least <= size < least + max(stride, dilation):
        raise ValueError(f"output_size={size} along the {name} must be {least} ... {least + max(stride, dilation) - 1}")
    if size < 1:
        raise ValueError(f"output {name} {reach} + {output_padding} - {before} - {after} = {size} must be at least 1")
    unread = (size - least) // stride * stride  # pixels at the end that would be windows of their own
    return AxisGeometry(size, kernel_size, stride, dilation, (before, after), unread)
