"""Which input pixel does output pixel p read through tap k?  All sizes, all validation, pure integers.

Notation, used in every docstring, einsum string and error message of refconv:

    N    batch                                G     groups
    C    input channels (C/G in one group)    O     output channels (O/G in one group)
    H W  input height, width                  P Q   output height, width
    K    kernel size (K_h, K_w)               S D   stride, dilation
    T B L R   padding at the top, the bottom, the left and the right

The whole of a convolution's indexing is one line per axis: output p reads, through tap k, the input pixel

    h = S·p + D·k − T

which is a real pixel if 0 <= h < H, and padding otherwise.  `axis.AxisGeometry` is that line and what follows from it;
`ConvGeometry` holds two axes, the batch, the channels and the groups.  It is built and checked once, by
`ConvGeometry.from_shapes`, and nothing that reads it checks anything again or does index arithmetic of its own.

A height of 7 read by 3 taps at stride 2 and dilation 2, with one pixel of padding on top and none at the bottom:

    p = 0 reads rows  −1  1  3
    p = 1 reads rows   1  3  5     (row −1 is padding; row 6 is not read at all)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from refconv.arguments import (
    LARGEST_INT,
    IntOrPair,
    Padding,
    PaddingLike,
    Pair,
    adding_context,
    as_int,
    as_padding,
    as_pair,
)
from refconv.axis import AxisGeometry, build_axis

__all__ = ["ConvGeometry"]


def build_axes(
    input_size: Pair,
    kernel_size: Pair,
    stride: IntOrPair,
    padding: PaddingLike,
    dilation: IntOrPair,
    padding_mode: str = "zeros",
) -> tuple[AxisGeometry, AxisGeometry]:
    """Lift `build_axis` to the height and the width."""
    strides = as_pair("stride", stride, minimum=1)
    dilations = as_pair("dilation", dilation, minimum=1)
    normalised = as_padding(padding)
    sides = (normalised, normalised) if isinstance(normalised, str) else normalised
    return (
        build_axis("height", input_size[0], kernel_size[0], strides[0], dilations[0], sides[0], padding_mode),
        build_axis("width", input_size[1], kernel_size[1], strides[1], dilations[1], sides[1], padding_mode),
    )


@dataclass(frozen=True, slots=True)
class ConvGeometry:
    """The frozen plan of a 2-D convolution: every size, checked once.

    Parameters
    ----------
    batch : int
        N; 1 for an unbatched input.
    in_channels, out_channels, groups : int
        C, O and G.
    height, width : AxisGeometry
        The two spatial axes.
    padding_mode : str
        What stands in the padding: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
    batched : bool
        False if the input came as (C, H, W), so that the result is to be (O, P, Q).

    Examples
    --------
    >>> plan = ConvGeometry.from_shapes((2, 6, 7, 9), (10, 3, 2, 3), stride=(2, 1), padding=(1, 0), groups=2)
    >>> plan.output_shape
    (2, 10, 4, 7)
    >>> plan.taps_per_output
    18
    """

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    height: AxisGeometry
    width: AxisGeometry
    padding_mode: str = "zeros"
    batched: bool = True

    @classmethod
    def from_shapes(
        cls,
        input_shape: Sequence[int],
        weight_shape: Sequence[int],
        bias_shape: Sequence[int] | None = None,
        *,
        stride: IntOrPair = 1,
        padding: PaddingLike = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> ConvGeometry:
        """Check shapes and parameters against each other and return the plan; the arguments are those of conv2d."""
        shapes = f"input {tuple(input_shape)}, weight {tuple(weight_shape)}"
        if bias_shape is not None:
            shapes += f", bias {tuple(bias_shape)}"
        with adding_context(shapes):
            if len(weight_shape) != 4:
                raise ValueError(f"weight has {len(weight_shape)} dimensions; it must be (O, C/G, K_h, K_w)")
            out_channels, group_channels, *kernel_size = weight_shape
            plan = cls.of_windows(input_shape, kernel_size, stride, padding, dilation, padding_mode)
            groups = _checked_groups(groups, plan.in_channels, out_channels, group_channels)
            if bias_shape is not None and tuple(bias_shape) != (out_channels,):
                raise ValueError(f"bias has shape {tuple(bias_shape)}; it must be (O,) = ({out_channels},)")
            plan = replace(plan, out_channels=out_channels, groups=groups)
            _check_memory("output", plan.output_shape)
        return plan

    @classmethod
    def of_windows(
        cls,
        input_shape: Sequence[int],
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: PaddingLike = 0,
        dilation: IntOrPair = 1,
        padding_mode: str = "zeros",
    ) -> ConvGeometry:
        """Check an image against the windows over it, all that im2col asks for: one output channel, one group."""
        if len(input_shape) not in (3, 4):
            raise ValueError(f"input has {len(input_shape)} dimensions; it must be (N, C, H, W) or (C, H, W)")
        batch, channels, *size = (1, *input_shape)[-4:]
        kernel = as_pair("kernel_size", kernel_size, minimum=1)
        height, width = build_axes((size[0], size[1]), kernel, stride, padding, dilation, padding_mode)
        _check_memory("padded input", (batch, channels, height.padded_size, width.padded_size))
        return cls(batch, channels, 1, 1, height, width, padding_mode, batched=len(input_shape) == 4)

    @property
    def padding(self) -> Padding:
        """``((T, B), (L, R))``."""
        return self.height.padding, self.width.padding

    @property
    def kernel_size(self) -> Pair:
        """``(K_h, K_w)``."""
        return self.height.kernel_size, self.width.kernel_size

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """``(N, O, P, Q)``; `batched` tells whether N was there to begin with."""
        return self.batch, self.out_channels, self.height.output_size, self.width.output_size

    @property
    def positions(self) -> int:
        """``P·Q``: the windows over one image."""
        return self.height.output_size * self.width.output_size

    @property
    def group_in_channels(self) -> int:
        """``C/G``."""
        return self.in_channels // self.groups

    @property
    def group_out_channels(self) -> int:
        """``O/G``."""
        return self.out_channels // self.groups

    @property
    def taps_per_output(self) -> int:
        """``C/G · K_h · K_w``: the products that one output adds up, those with padding included."""
        return self.group_in_channels * self.height.kernel_size * self.width.kernel_size

    def group_of(self, out_channel: int) -> int:
        """Return the group of output channel o: ``o // (O/G)``, for groups lie in blocks."""
        return out_channel // self.group_out_channels

    def input_channel(self, out_channel: int, channel: int) -> int:
        """``(C/G)·g + c``: the input channel that output channel o meets as channel c of its group g."""
        return self.group_in_channels * self.group_of(out_channel) + channel


def _check_memory(name: str, shape: Sequence[int]) -> None:
    """Refuse an array that cannot be, in our widest numbers of 32 bytes: NumPy's own message would not say why."""
    if 32 * math.prod(max(1, size) for size in shape) > LARGEST_INT:
        raise ValueError(f"the {name} would have shape {tuple(shape)}, which is more than memory can address")


def _checked_groups(groups: int, in_channels: int, out_channels: int, group_channels: int) -> int:
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
