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

from refconv.geometry.arguments import (
    LARGEST_INT,
    PLANE,
    IntOrPair,
    Padding,
    PaddingLike,
    Pair,
    Space,
    adding_context,
    as_int,
    as_ints,
    as_padding,
)
from refconv.geometry.axis import AxisGeometry, build_axis

__all__ = ["ConvGeometry"]


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
    kernels = as_ints("kernel_size", kernel_size, 1, space.rank, space.numbers)
    strides = as_ints("stride", stride, 1, space.rank, space.numbers)
    dilations = as_ints("dilation", dilation, 1, space.rank, space.numbers)
    sides = as_padding(padding, space)
    per_axis = (sides,) * space.rank if isinstance(sides, str) else sides
    return tuple(
        build_axis(name, input_size[i], kernels[i], strides[i], dilations[i], per_axis[i], padding_mode)
        for i, name in enumerate(space.axes)
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
        with adding_context(named_shapes(input=input_shape, weight=weight_shape, bias=bias_shape)):
            check_weight_rank(weight_shape, "O, C/G", PLANE)
            out_channels, group_channels, *kernel_size = weight_shape
            plan = cls.of_windows(input_shape, kernel_size, stride, padding, dilation, padding_mode)
            groups = checked_groups(groups, plan.in_channels, out_channels, group_channels)
            check_bias(bias_shape, out_channels)
            plan = replace(plan, out_channels=out_channels, groups=groups)
            check_memory("output", plan.output_shape)
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
        check_input_rank(input_shape, PLANE)
        batch, channels, *size = (1, *input_shape)[-4:]
        height, width = build_axes(size, kernel_size, stride, padding, dilation, padding_mode)
        check_memory("padded input", (batch, channels, height.padded_size, width.padded_size))
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
    def input_shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``; `batched` tells whether N was there to begin with."""
        return self.batch, self.in_channels, self.height.input_size, self.width.input_size

    @property
    def padded_size(self) -> Pair:
        """``(T + H + B, L + W + R)``."""
        return self.height.padded_size, self.width.padded_size

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """``(N, O, P, Q)``; `batched` tells whether N was there to begin with."""
        return self.batch, self.out_channels, self.height.output_size, self.width.output_size

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """``(O, C/G, K_h, K_w)``."""
        return self.out_channels, self.group_in_channels, *self.kernel_size

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


def check_memory(name: str, shape: Sequence[int]) -> None:
    """Refuse an array that cannot be, in our widest numbers of 32 bytes: NumPy's own message would not say why."""
    if 32 * math.prod(max(1, size) for size in shape) > LARGEST_INT:
        raise ValueError(f"the {name} would have shape {tuple(shape)}, which is more than memory can address")


def named_shapes(**shapes: Sequence[int] | None) -> str:
    """Return the shapes with their names, for messages: ``input (1, 2, 3, 4), weight (5, 2, 1, 1)``."""
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items() if shape is not None)


def check_input_rank(input_shape: Sequence[int], space: Space) -> None:
    """Refuse an input that has not one axis for the channels, those of the space, and perhaps one for the batch."""
    if len(input_shape) not in (space.rank + 1, space.rank + 2):
        forms = f"(N, C, {space.pixels}) or (C, {space.pixels})"
        raise ValueError(f"input has {len(input_shape)} dimensions; it must be {forms}")


def check_weight_rank(weight_shape: Sequence[int], channels: str, space: Space) -> None:
    """Refuse a weight that has not two axes for the `channels` and those of the space."""
    if len(weight_shape) != space.rank + 2:
        raise ValueError(f"weight has {len(weight_shape)} dimensions; it must be ({channels}, {space.taps})")


def check_bias(bias_shape: Sequence[int] | None, out_channels: int) -> None:
    """Refuse a bias that is not one number for each output channel."""
    if bias_shape is not None and tuple(bias_shape) != (out_channels,):
        raise ValueError(f"bias has shape {tuple(bias_shape)}; it must be (O,) = ({out_channels},)")


def checked_groups(groups: int, in_channels: int, out_channels: int, group_channels: int) -> int:
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
