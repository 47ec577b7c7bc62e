"""The frozen plan of a convolution: every size, checked once, over any number of axes.

Notation, used in every docstring, einsum string and error message of refconv:

    N    batch                                G     groups
    C    input channels (C/G in one group)    O     output channels (O/G in one group)
    H W  input height, width (Z: a depth)     P Q   output height, width (R: a depth)
    K    kernel size (K_h, K_w)               S D   stride, dilation
    T B L R   padding at the top, the bottom, the left and the right

`ConvGeometry` holds the axes (`axis.AxisGeometry`), the batch, the channels and the groups.  It is built and checked
once (`build`), and nothing that reads it checks anything again or does index arithmetic of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from refconv.geometry.axis import AxisGeometry

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConvGeometry:
    """The frozen plan of a convolution; `build` makes and checks it.

    >>> height, width = AxisGeometry(7, 2, stride=2, padding=(1, 1)), AxisGeometry(9, 3)
    >>> plan = ConvGeometry(batch=2, in_channels=6, out_channels=10, groups=2, axes=(height, width))
    >>> plan.output_shape
    (2, 10, 4, 7)
    >>> plan.taps_per_output
    18
    >>> plan.pixel((1, 0), (0, 2)), plan.pixel((0, 0), (0, 2))
    ((1, 2), None)
    """

    batch: int  # N; 1 for an unbatched input
    in_channels: int  # C
    out_channels: int  # O
    groups: int  # G
    axes: tuple[AxisGeometry, ...]  # (length,), (height, width) or (depth, height, width)
    padding_mode: str = "zeros"  # what stands in the padding: "zeros", "reflect", "replicate" or "circular"
    batched: bool = True  # whether the arrays came with N, so that the result is to have it

    def pixel(self, output: Sequence[int], tap: Sequence[int]) -> Index | None:
        """Return h, the pixel whose value output p reads through tap k, axis by axis; None where a zero stands."""
        read = zip(self.axes, output, tap, strict=True)
        found = [axis.source_index(axis.input_index(p, k), self.padding_mode) for axis, p, k in read]
        return None if None in found else tuple(h for h in found if h is not None)

    def input_channel(self, out_channel: int, channel: int) -> int:
        """``(C/G)·g + c``: what output channel o meets as channel c of its group, ``g = o // (O/G)``."""
        return self.group_in_channels * (out_channel // self.group_out_channels) + channel

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
        return self.group_in_channels * math.prod(self.kernel_size)

    @property
    def positions(self) -> int:
        """``P·Q``: the windows over one image."""
        return math.prod(self.output_size)

    @property
    def input_size(self) -> Index:
        """``(H, W)``."""
        return tuple(axis.input_size for axis in self.axes)

    @property
    def kernel_size(self) -> Index:
        """``(K_h, K_w)``."""
        return tuple(axis.kernel_size for axis in self.axes)

    @property
    def output_size(self) -> Index:
        """``(P, Q)``."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def input_shape(self) -> Index:
        """``(N, C, H, W)``."""
        return self.batch, self.in_channels, *self.input_size

    @property
    def weight_shape(self) -> Index:
        """``(O, C/G, K_h, K_w)``."""
        return self.out_channels, self.group_in_channels, *self.kernel_size

    @property
    def output_shape(self) -> Index:
        """``(N, O, P, Q)``."""
        return self.batch, self.out_channels, *self.output_size
