"""Which pixels can an output see?  Size, stride, padding, centre and region, and which outputs see a pixel.

Output p sees, along one axis, the pixels ``S·p − T ... S·p − T + r − 1``: S is the stride, T the padding and r the size
of the receptive field.  From layer to layer

    r ← r + (K − 1)·D·S        T ← T + T_layer·S        S ← S·S_layer

and the centre of output 0 is ``(r − 1)/2 − T``, with the centre of pixel 0 at 0 (others start at ½).

Source: Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019).  Here the
same numbers are read off the axis maps, which hold for transposed convolutions, upsampling and branches, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from refconv.analysis.axis_map import NOTHING, AxisMap, Maps, Span, ratio
from refconv.analysis.derivation import derive
from refconv.analysis.layers import AXES, Layer
from refconv.analysis.network import Layers, Network, Parallel
from refconv.analysis.region import Region, outputs_seeing, pixels_seen
from refconv.analysis.trace import axis_maps, feature_maps, require_numbers
from refconv.geometry.arguments import IntOrPair, Pair, as_pair

__all__ = ["ReceptiveField", "receptive_field"]

Exact: TypeAlias = "tuple[int | Fraction, int | Fraction]"


@dataclass(frozen=True, slots=True, repr=False)
class ReceptiveField:
    """What an output of a network sees of its input; all pairs are (height, width).

    Attributes
    ----------
    layers : tuple of layers
        The network.
    maps : tuple of pairs
        Before the first layer and after each one, the axis maps along the height and the width.

    Examples
    --------
    >>> from refconv.analysis import Conv, Pool
    >>> field = receptive_field([Conv(7, stride=2, padding=3), Pool(3, stride=2, padding=1)])
    >>> field.size, field.stride, field.padding, field.center
    ((11, 11), (4, 4), (5, 5), (0, 0))
    >>> field.region((10, 0))
    Region(rows=range(35, 46), columns=range(-5, 6))
    """

    layers: tuple[Layer | Parallel, ...]
    maps: tuple[tuple[Maps, Maps], ...]

    @property
    def size(self) -> Pair:
        """The pixels from the first that an output sees to the last; the most that any sees, where they differ."""
        height, width = self._both
        return height.size, width.size

    @property
    def stride(self) -> Exact:
        """The pixels between neighbouring outputs; a Fraction where there are more outputs than pixels."""
        height, width = self._both
        return height.stride, width.stride

    @property
    def period(self) -> Pair:
        """The number of outputs after which the pattern repeats: 1 unless something upsamples."""
        height, width = self._both
        return height.period, width.period

    @property
    def padding(self) -> Pair:
        """The pixels that output 0 sees before pixel 0."""
        height, width = (-span.first for span in self._spans_of_output_0())
        return height, width

    @property
    def center(self) -> Exact:
        """The centre of what output 0 sees, where the centre of pixel 0 is 0: halves are Fractions."""
        height, width = (ratio(span.first + span.last, 2) for span in self._spans_of_output_0())
        return height, width

    @property
    def _both(self) -> list[AxisMap]:
        """The map of each axis; branches of different strides have none that all outputs share."""
        for name, maps in zip(AXES, self.maps[-1], strict=True):
            if len(maps) > 1:
                strides = ", ".join(str(axis_map.stride) for axis_map in maps)
                raise ValueError(
                    f"branches of strides {strides} along the {name}: every output has a region of its own"
                )
        return [maps[0] for maps in self.maps[-1]]

    def _spans_of_output_0(self) -> Iterator[Span]:
        for name, axis_map in zip(AXES, self._both, strict=True):
            span = axis_map.phases[0]
            if span == NOTHING:
                raise ValueError(f"output 0 sees nothing along the {name}; ask for the region of another output")
            yield span

    @property
    def table(self) -> tuple[ReceptiveField, ...]:
        """The receptive field after every layer: the first row is that of the first layer alone."""
        return tuple(ReceptiveField(self.layers[:n], self.maps[: n + 1]) for n in range(1, len(self.maps)))

    def region(self, output: IntOrPair) -> Region:
        """Return the pixels that one output sees, padding included.

        Parameters
        ----------
        output : int or pair of int
            The output's row and column.

        Returns
        -------
        Region
            The smallest rectangle that holds every pixel it reads.

        Examples
        --------
        >>> from refconv.analysis import Conv
        >>> receptive_field([Conv(3, stride=2, padding=1)]).region((0, 4))
        Region(rows=range(-1, 2), columns=range(7, 10))
        """
        require_numbers(self.layers, "a region")
        row, column = as_pair("output", output, minimum=0, form="(row, column)")
        height, width = self.maps[-1]
        return Region(pixels_seen(height, row), pixels_seen(width, column))

    def outputs_seeing(self, pixel: IntOrPair, input_size: IntOrPair | None = None) -> tuple[list[int], list[int]]:
        """Return the rows and the columns of the outputs whose region holds a pixel: the reverse of `region`.

        Parameters
        ----------
        pixel : int or pair of int
            The pixel's row and column.
        input_size : int or pair of int, optional
            The image's size, which says where the outputs end.  Without it they go on as far as they see the pixel.

        Returns
        -------
        pair of list of int
            An output sees the pixel if its row is in the first list and its column in the second.

        Raises
        ------
        ValueError
            If the pixel is not in the image, or a feature map vanishes.

        Examples
        --------
        >>> from refconv.analysis import Conv
        >>> receptive_field([Conv(3, stride=2, padding=1)]).outputs_seeing((4, 5), input_size=(9, 9))
        ([2], [2, 3])
        """
        require_numbers(self.layers, "the set of outputs")
        place = as_pair("pixel", pixel, minimum=0, form="(row, column)")
        ends: tuple[int | None, int | None] = (None, None)
        if input_size is not None:
            size = as_pair("input_size", input_size, minimum=1)
            if place[0] >= size[0] or place[1] >= size[1]:
                raise ValueError(f"pixel={place} must lie in the input of size {size}")
            ends = feature_maps(Layers(self.layers), size)[-1]
        rows, columns = (outputs_seeing(maps, place[axis], ends[axis]) for axis, maps in enumerate(self.maps[-1]))
        return rows, columns

    def explain(self, *, latex: bool = False) -> str:
        """Return the derivation of the size, a line for each layer.

        Parameters
        ----------
        latex : bool
            Whether as LaTeX, an ``aligned`` block, or as plain text.

        Returns
        -------
        str

        Examples
        --------
        >>> from refconv.analysis import Conv
        >>> print(receptive_field([Conv(3), Conv(3, dilation=2)]).explain())
        height and width: r grows by (K − 1)·D·S, with S the stride so far
        r_0 = 1
        r_1 = 1 + (3 − 1)·1·1 = 3    Conv(3)
        r_2 = 3 + (3 − 1)·2·1 = 7    Conv(3, dilation=2)
        """
        return derive(self.layers, self.maps, latex=latex)

    def __repr__(self) -> str:
        try:
            numbers = self.size, self.stride, self.padding, self.center
        except ValueError as error:
            return f"<ReceptiveField: {error}>"
        size, stride, padding, center = (f"({height}, {width})" for height, width in numbers)
        return f"<ReceptiveField size={size} stride={stride} padding={padding} center={center}>"


def receptive_field(network: Network) -> ReceptiveField:
    """Which pixels can an output of a network see?

    Parameters
    ----------
    network : sequence of layers, or a layer
        `Conv`, `Pool`, `ConvTranspose`, `Upsample` and `Parallel`, in the order in which they are applied.  The numbers
        of a `Conv` or a `Pool` may be SymPy expressions.

    Returns
    -------
    ReceptiveField
        Its `size`, `stride`, `padding` and `center`; `region` and `outputs_seeing` for a single output and a single
        pixel; `table`, the same after every layer; and `explain`, the derivation.

    Raises
    ------
    TypeError
        If something in the network is not a layer.

    Notes
    -----
    Source: Araujo, Norris & Sim (2019), equations 1 to 6.  The size is that of a rectangle, whether all of its pixels
    are read or not: `footprint` and `gridding` say which ones are.

    Examples
    --------
    Three layers of 3×3 see 7×7 pixels; at rates 1, 2 and 5 they see 17×17.

    >>> from refconv.analysis import Conv, ConvTranspose
    >>> receptive_field([Conv(3), Conv(3), Conv(3)]).size
    (7, 7)
    >>> [row.size for row in receptive_field([Conv(3), Conv(3, dilation=2), Conv(3, dilation=5)]).table]
    [(3, 3), (7, 7), (17, 17)]

    A transposed convolution has half a pixel between its outputs, and every other one sees more.

    >>> field = receptive_field([ConvTranspose(3, stride=2, padding=1)])
    >>> field.size, field.stride[0], field.period
    ((2, 2), Fraction(1, 2), (2, 2))
    >>> [len(field.region(output).rows) for output in range(4)]
    [1, 2, 1, 2]
    """
    layers = Layers(network)
    height, width = (axis_maps(layers, axis) for axis in range(len(AXES)))
    return ReceptiveField(layers, tuple(zip(height, width, strict=True)))
