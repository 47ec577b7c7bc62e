"""The way back: the plan of a transposed convolution, and, axis by axis, which outputs read which pixels.

The plan is that of the convolution whose adjoint it is: its *output* is what goes in, and its *input* what comes out.

Source: the specifications of PyTorch's conv_transpose2d, ONNX's ConvTranspose and TensorFlow's conv2d_transpose.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from refconv.geometry import build
from refconv.geometry.arguments import PLANE, IntOrPair, PaddingLike, Pair, Space, adding_context, as_int, as_ints
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry


def plan_transposed(
    input_shape: Sequence[int], weight_shape: Sequence[int], bias_shape: Sequence[int] | None = None, *,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, output_size: IntOrPair | None = None, space: Space = PLANE,
) -> ConvGeometry:  # fmt: skip
    """Check the arguments of a transposed convolution, and return the plan of the convolution it is adjoint to."""
    with adding_context(build.named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
        batched, batch, in_channels, *sizes = build.split_shape(input_shape, space)
        build.check_weight_rank(weight_shape, "C, O/G", space)
        channels, group_out_channels, *kernel_size = weight_shape
        if in_channels != channels:
            raise ValueError(f"weight has {channels} input channels; it must have C = {in_channels}")
        groups = as_int("groups", groups, minimum=1)
        if channels % groups:
            raise ValueError(f"groups={groups} must divide the input channels C={channels}")
        out_channels = groups * group_out_channels
        build.check_bias(bias_shape, out_channels)
        steps = build.as_steps(kernel_size, stride, padding, dilation, space)
        extras = as_ints("output_padding", output_padding, 0, space)
        wanted = (None,) * space.rank if output_size is None else as_ints("output_size", output_size, 1, space)
        if padding == "same":
            rule = "PyTorch's rule for convolutions; transposed, say 'same_upper' or 'same_lower'"
            raise ValueError(f"padding='same' is {rule}")
        if output_size is not None and any(extras):
            both = f"output_padding={output_padding!r} and output_size={output_size!r}"
            raise ValueError(f"{both} say the same; give one")
        each = zip(space.axes, sizes, *steps, extras, wanted, strict=True)
        axes = tuple(build_transposed_axis(*numbers) for numbers in each)
        build.check_memory("padded output", (batch, out_channels, *(axis.padded_size for axis in axes)))
    return ConvGeometry(batch, out_channels, channels, groups, axes, batched=bool(batched))


def build_transposed_axis(
    name: str, output_size: int, kernel_size: int, stride: int, dilation: int, padding: Pair | str,
    output_padding: int, size: int | None = None,
) -> AxisGeometry:  # fmt: skip
    """Return the axis of the convolution whose adjoint takes P pixels to ``H = S·(P − 1) + D·(K − 1) + 1 + E − T − B``.

    E, the output padding, chooses among the S heights that a convolution of stride S takes to the same P.  Where D is
    above S, PyTorch lets it be larger still: then the last pixels lie beyond every window.  `size` is H, if it is asked
    for; a SAME padding crops what is above that, or above S·P, from both sides.
    """
    most = max(stride, dilation)
    if output_padding >= most:
        limit = f"smaller than the stride {stride} or the dilation {dilation} along the {name}"
        raise ValueError(f"output_padding={output_padding} must be {limit}")
    if output_size < 1:
        raise ValueError(f"input {name} {output_size} must be at least 1")
    reach = stride * (output_size - 1) + dilation * (kernel_size - 1) + 1
    if padding == "valid":
        padding = (0, 0)
    elif isinstance(padding, str):
        size = stride * output_size if size is None else size
        padding = build.split_sides(max(0, reach + output_padding - size), build.STRING_CONVENTIONS[padding])
    before, after = padding
    least = reach - before - after
    if size is None:
        size = least + output_padding
    elif not least <= size < least + most:
        raise ValueError(f"output_size={size} along the {name} must be {least} ... {least + most - 1}")
    if size < 1:
        raise ValueError(f"output {name} {reach} + {output_padding} - {before} - {after} = {size} must be at least 1")
    unread = (size - least) // stride * stride  # pixels at the end that would be windows of their own
    return AxisGeometry(size, kernel_size, stride, dilation, (before, after), unread)


def phases(axis: AxisGeometry, outputs: int) -> Iterator[tuple[slice, slice, slice, AxisGeometry]]:
    """Yield pixels, the taps that meet them, the outputs that these go to, and the axis back through the taps reversed.

    Pixel h went through tap k to output (h + T − D·k) / S, where that is whole: at stride S, every S-th pixel meets the
    same taps.  Of 5 pixels with 3 taps at stride 2, the even ones met the taps 0 and 2 and the odd ones tap 1.
    """
    common = math.gcd(axis.stride, axis.dilation)
    every, apart = axis.stride // common, axis.dilation // common  # taps, and the outputs that they go to
    for start in range(min(axis.stride, axis.input_size)):
        moved = start + axis.padding[0]
        meet = (k for k in range(min(every, axis.kernel_size)) if (moved - axis.dilation * k) % axis.stride == 0)
        if (first := next(meet, None)) is None:
            continue
        pixels, taps = slice(start, None, axis.stride), slice(first, None, every)
        count, met = (len(range(size)[which]) for size, which in ((axis.input_size, pixels), (axis.kernel_size, taps)))
        highest = (moved - axis.dilation * first) // axis.stride
        lowest = highest - apart * (met - 1)
        read = slice(min(max(0, lowest), outputs), min(outputs, highest + count))
        sides = read.start - lowest, highest + count - read.stop
        if read.start < read.stop:
            yield pixels, taps, read, AxisGeometry(read.stop - read.start, met, 1, apart, sides)


def read_by(axis: AxisGeometry, pixels: slice) -> tuple[slice, AxisGeometry]:
    """Return the outputs that read some pixels, and the axis between the two, numbered from 0; for zero padding.

    7 pixels, 3 taps, stride 2, padding (1, 1): pixels 3 and 4 are read by the outputs 1 and 2, whose windows reach from
    pixel 1 to 5: between these 2 pixels and 2 outputs lies an axis with padding (2, 1).
    """
    before, size = axis.padding[0], pixels.stop - pixels.start
    last_start = (pixels.start + before) // axis.stride  # the last window that starts no later than the pixels do
    first = max(0, min(last_start, -((axis.effective_kernel_size - 1 - pixels.start - before) // axis.stride)))
    first = min(first, axis.output_size - 1)  # of pixels that no window reaches, the last before them
    stop = max(first + 1, min(axis.output_size, (pixels.stop - 1 + before) // axis.stride + 1))
    reach = axis.reach(stop - first)
    before += pixels.start - axis.stride * first
    after = reach - before - size
    return slice(first, stop), replace(axis, input_size=size, padding=(before, max(0, after)), unread=max(0, -after))
