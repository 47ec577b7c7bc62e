"""Which cells does a picture of a convolution have, and on which of them does each window stand?

A picture shows one row of cells for an axis of the input, with the cells around the pixels that the window reads, too:

    3 pixels, K = 3, S = 2, T = B = 1                     ·  0  1  2  ·
    the same transposed, 3 pixels to 5                    ·  0  ·  1  ·  2  ·

A transposed convolution is drawn as Dumoulin & Visin draw it: the pixels are spread S apart, zeros stand between them,
and the kernel slides over that row by single steps, backwards.  Output h reads pixel p through tap k where
``S·p + D·k − T = h``; so the window of h stands, tap by tap, on the cells ``h + T − D·k``, and cell a holds pixel a/S.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refconv.geometry.axis import AxisGeometry

__all__: list[str] = []


@dataclass(frozen=True)
class SlidingAxis:
    """One axis of the picture of a convolution, or with `pixels` of the transposed convolution from that many pixels.

    Parameters
    ----------
    axis : AxisGeometry
        Of the convolution; for a transposed one, of the convolution whose adjoint it is.
    pixels : int, optional
        P, the pixels that a transposed convolution takes.
    padding_mode : str
        What stands in the padding of a convolution.

    Examples
    --------
    >>> forward = SlidingAxis(AxisGeometry(3, 3, stride=2, padding=(1, 1)))
    >>> forward.sources, forward.window(1)
    ([None, 0, 1, 2, None], [1, 2, 3])
    >>> transposed = SlidingAxis(AxisGeometry(5, 3, stride=2, padding=(1, 1)), pixels=3)
    >>> transposed.sources, transposed.window(0)
    ([None, 0, None, 1, None, 2, None], [1, 0, -1])
    """

    axis: AxisGeometry
    pixels: int | None = None
    padding_mode: str = "zeros"

    @property
    def steps(self) -> int:
        """How many outputs the window makes: P of a convolution, H of a transposed one."""
        return self.axis.output_size if self.pixels is None else self.axis.input_size

    @property
    def last(self) -> int:
        """The cell of the last pixel; that of the first is 0."""
        return self.axis.input_size - 1 if self.pixels is None else self.axis.stride * (self.pixels - 1)

    @cached_property
    def cells(self) -> range:
        """All pixels, the padding of a convolution, and what the first and the last window stand on."""
        unread = 0 if self.pixels is not None else self.axis.padding[1]  # what a stride may leave of the padding
        on = [*self.window(0), *self.window(self.steps - 1)]
        return range(min(0, *on), max(self.last + unread, *on) + 1)

    def window(self, output: int) -> list[int]:
        """Return, tap by tap, the cells on which the window of an output stands."""
        taps = range(self.axis.kernel_size)
        if self.pixels is None:
            return [self.axis.input_index(output, tap) for tap in taps]
        return [output + self.axis.padding[0] - self.axis.dilation * tap for tap in taps]

    @cached_property
    def sources(self) -> list[int | None]:
        """For every cell the pixel whose value stands there; None where a zero stands."""
        return [self._source(cell) for cell in self.cells]

    def _source(self, cell: int) -> int | None:
        if self.pixels is None:
            return self.axis.source_index(cell, self.padding_mode)
        pixel, between = divmod(cell, self.axis.stride)
        return pixel if between == 0 and 0 <= cell <= self.last else None

    @property
    def interior(self) -> range:
        """Which of the cells, counted from the first, lie between the first pixel and the last."""
        return range(-self.cells.start, self.last + 1 - self.cells.start)

    @property
    def size_formula(self) -> str:
        """The formula of the output's size with its numbers, such as ``⌊(5 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 3``."""
        axis, (before, after) = self.axis, self.axis.padding
        reach = f"{axis.dilation}·({axis.kernel_size} − 1)"
        if self.pixels is None:
            return f"⌊({axis.input_size} + {before} + {after} − {reach} − 1) / {axis.stride}⌋ + 1 = {self.steps}"
        extra = axis.input_size + before + after - self.last - axis.effective_kernel_size
        return f"{axis.stride}·({self.pixels} − 1) + {reach} + 1 + {extra} − {before} − {after} = {self.steps}"
