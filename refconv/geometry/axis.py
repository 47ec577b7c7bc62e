"""One axis of a convolution: output p reads, through tap k, the input pixel ``h = S·p + D·k − T``.

That line is the whole of a convolution's indexing.  A pixel is real if 0 <= h < H, and padding otherwise.  Heights and
widths differ in nothing, so every formula is written once, here, with the letters of the height.

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from refconv.geometry.arguments import Pair


@dataclass(frozen=True, slots=True)
class AxisGeometry:
    """One spatial axis of a convolution.

    >>> axis = AxisGeometry(input_size=7, kernel_size=3, stride=2, dilation=2, padding=(1, 0))
    >>> axis.output_size
    2
    >>> [[axis.input_index(p, k) for k in range(3)] for p in range(2)]  # -1 is padding, and 6 is not read at all
    [[-1, 1, 3], [1, 3, 5]]
    """

    input_size: int  # H, the pixels along this axis
    kernel_size: int  # K, the taps
    stride: int = 1  # S
    dilation: int = 1  # D
    padding: Pair = (0, 0)  # (before, after): (T, B) along the height, (L, R) along the width
    unread: int = 0  # pixels at the end that stand beyond every window, as the output padding of a transpose may be

    @property
    def effective_kernel_size(self) -> int:
        """``D·(K − 1) + 1``: the pixels from the first tap to the last, both counted."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def padded_size(self) -> int:
        """``H + T + B``, without what stands beyond every window."""
        return self.input_size + sum(self.padding) - self.unread

    @property
    def output_size(self) -> int:
        """``floor((H + T + B − (D·(K − 1) + 1)) / S) + 1``."""
        return (self.padded_size - self.effective_kernel_size) // self.stride + 1

    def reach(self, outputs: int) -> int:
        """``S·(P − 1) + D·(K − 1) + 1``: the pixels from the first that so many outputs read to the last."""
        return self.stride * (outputs - 1) + self.effective_kernel_size

    @property
    def interior(self) -> slice:
        """Where the input's own pixels lie along the padded axis: ``T ... T + H``."""
        return slice(self.padding[0], self.padding[0] + self.input_size)

    def input_index(self, output: int, tap: int) -> int:
        """``S·p + D·k − T``: negative, or H and above, in the padding."""
        return self.stride * output + self.dilation * tap - self.padding[0]

    def reads(self, tap: int) -> slice:
        """Return the places of the padded axis that the outputs read through a tap, ``S·p + D·k``."""
        first = self.dilation * tap
        return slice(first, first + self.stride * (self.output_size - 1) + 1, self.stride)

    def source_index(self, index: int, padding_mode: str) -> int | None:
        """Return the pixel whose value stands at `index`, which may be in the padding; None where a zero stands there.

        ``reflect`` mirrors about the first and the last pixel, ``replicate`` repeats them, ``circular`` wraps round.
        """
        if 0 <= index < self.input_size:
            return index
        last = self.input_size - 1
        if padding_mode == "reflect":
            return -index if index < 0 else 2 * last - index
        if padding_mode == "replicate":
            return 0 if index < 0 else last
        if padding_mode == "circular":
            return index % self.input_size
        return None

    def reading(self, outputs: slice) -> tuple[slice, AxisGeometry]:
        """Return the pixels that some outputs read, and the axis between the two, numbered from 0; for zero padding.

        7 pixels, 3 taps, stride 2, padding (1, 1): the outputs 0 and 1 read the pixels −1 ... 3, of which 0 ... 3 are
        real; between these 4 pixels and 2 outputs lies an axis with padding (1, 0).
        """
        first = self.input_index(outputs.start, 0)
        reach = self.reach(outputs.stop - outputs.start)
        pixels = slice(*(min(max(0, bound), self.input_size) for bound in (first, first + reach)))
        size = pixels.stop - pixels.start
        before = min(max(0, -first), reach - size)
        return pixels, replace(self, input_size=size, padding=(before, reach - size - before), unread=0)
