"""The layers that give more outputs than they have inputs: several phases, each of which reads its own taps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refconv.analysis.axis_map import LayerMap, linear, nearest, transposed_window
from refconv.analysis.layers import AXES, Layer
from refconv.geometry.arguments import IntOrPair, Padding, Pair, as_padding, as_pair

__all__ = ["ConvTranspose", "Upsample"]

UPSAMPLE_MODES = ("nearest", "bilinear")


@dataclass(frozen=True, repr=False, init=False)
class ConvTranspose(Layer):
    """A transposed convolution: input h writes, through tap k, to the output ``S·h + D·k − T``.

    Parameters
    ----------
    kernel_size, stride, dilation : int or pair of int
        K, S and D.
    padding : int, pair, or pair of pairs
        What is cropped from the full output, as ``((top, bottom), (left, right))``.
    output_padding : int or pair of int
        How much longer the output is at the bottom and on the right; below the stride or the dilation.

    Raises
    ------
    TypeError, ValueError
        As for `Conv`, or if the output padding is neither below the stride nor below the dilation.

    Examples
    --------
    At stride 2 every other output reads one input through the middle tap, and the others two through the outer ones.

    >>> [list(taps) for taps in ConvTranspose(3, stride=2, padding=1).axis_map(0).phases]
    [[0], [0, 1]]
    """

    kernel_size: Pair
    stride: Pair
    padding: Padding
    output_padding: Pair
    dilation: Pair

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: int | Sequence[int] | Sequence[Sequence[int]] = 0,
        output_padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
    ) -> None:
        kernel, steps = as_pair("kernel_size", kernel_size, minimum=1), as_pair("stride", stride, minimum=1)
        rates, extra = as_pair("dilation", dilation, minimum=1), as_pair("output_padding", output_padding, minimum=0)
        sides = as_padding(padding)
        if isinstance(sides, str):
            raise TypeError(f"padding={padding!r} must be numbers for a transposed convolution")
        if any(extra[axis] >= max(steps[axis], rates[axis]) for axis in (0, 1)):
            raise ValueError(f"output_padding={extra} must be below the stride {steps} or the dilation {rates}")
        self._set(kernel_size=kernel, stride=steps, padding=sides, output_padding=extra, dilation=rates)

    def axis_map(self, axis: int) -> LayerMap:
        """Return the map with one phase for each step of the stride."""
        return transposed_window(self.kernel_size[axis], self.stride[axis], self.dilation[axis], self.padding[axis][0])

    def output_size(self, axis: int, input_size: int) -> int:
        """Return ``(H − 1)·S − T − B + D·(K − 1) + output_padding + 1``."""
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + self.output_padding[axis] + 1
        full = (input_size - 1) * self.stride[axis] + reach
        if sum(self.padding[axis]) >= full:
            raise ValueError(f"padding={self.padding[axis]} must leave some of the output {AXES[axis]} {full}")
        return full - sum(self.padding[axis])


@dataclass(frozen=True, repr=False, init=False)
class Upsample(Layer):
    """An upsampling by a whole factor.

    Parameters
    ----------
    scale : int or pair of int
        Outputs per input.
    mode : {"nearest", "bilinear"}
        Whether an output reads the pixel that it lies in, or the two next to it per axis.  ``"bilinear"`` has the
        pixels' centres in the middle: PyTorch's ``align_corners=False``.

    Raises
    ------
    TypeError, ValueError
        If the scale is not a whole number of at least 1, or the mode is unknown.

    Examples
    --------
    >>> [list(taps) for taps in Upsample(2, "bilinear").axis_map(0).phases]
    [[-1, 0], [0, 1]]
    """

    scale: Pair
    mode: str

    def __init__(self, scale: IntOrPair, mode: str = "nearest") -> None:
        if mode not in UPSAMPLE_MODES:
            raise ValueError(f"mode={mode!r} must be one of {', '.join(map(repr, UPSAMPLE_MODES))}")
        self._set(scale=as_pair("scale", scale, minimum=1), mode=mode)

    def axis_map(self, axis: int) -> LayerMap:
        """Return the map with one phase for each output per input."""
        return (nearest if self.mode == "nearest" else linear)(self.scale[axis])

    def output_size(self, axis: int, input_size: int) -> int:
        """Return ``H · scale``."""
        return input_size * self.scale[axis]
