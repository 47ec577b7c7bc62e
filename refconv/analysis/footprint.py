"""How often is each pixel used?  The number of paths from an output to every pixel, exactly.

Along one axis the counts of a chain are the coefficients of a product of tap polynomials, a factor a layer.  Three
layers of three taps have ``(1 + x + x²)³ = 1 + 3x + 6x² + 7x³ + 6x⁴ + 3x⁵ + x⁶``; `paths` does the counting.

In 2-D a path is one path down and one across, so the counts of a chain are the outer product of those of the two axes.
Those of branches are a sum of outer products, which is no outer product any more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.axis_map import SAME
from refconv.analysis.layers import AXES, Layer
from refconv.analysis.network import Layers, Network
from refconv.analysis.paths import Block, Counts, Links, followed, marginal, one_path, side_of
from refconv.analysis.region import Region
from refconv.analysis.trace import IMAGE, nodes_of, require_numbers, sizes_of, trace
from refconv.geometry.arguments import IntOrPair, Pair, as_pair

__all__ = ["Footprint", "footprint", "footprints"]


@dataclass(frozen=True, repr=False, eq=False)
class Footprint:
    """How often an output uses each pixel.

    Attributes
    ----------
    axes : pair of Block
        The counts along the height alone and along the width alone.
    plane : Block or None
        Those of both together, where there are branches; without, they are the outer product.

    Examples
    --------
    >>> from refconv.analysis import Conv
    >>> use = footprint([Conv((1, 3)), Conv((2, 3), dilation=(1, 2))])
    >>> use.counts
    array([[1, 1, 2, 1, 2, 1, 1],
           [1, 1, 2, 1, 2, 1, 1]])
    >>> use.region
    Region(rows=range(0, 2), columns=range(0, 7))
    >>> use.total
    18
    """

    axes: tuple[Block, Block]
    plane: Block | None

    @cached_property
    def region(self) -> Region:
        """The pixels from the first that is used to the last: what `counts` is about."""
        return Region(*(block.region[0] for block in self.axes))

    @cached_property
    def counts(self) -> Counts:
        """The number of paths to every pixel of the region; int64, or Python's integers where those would overflow."""
        rows, columns = self.axis_counts
        if self.plane is None:
            return np.multiply.outer(rows, columns)
        return self.plane.counts.astype(_dtype_for(self.total))

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Whether any path leads to each pixel of the region: ``counts > 0``."""
        return np.asarray(self.counts > 0)

    @cached_property
    def axis_counts(self) -> tuple[Counts, Counts]:
        """The same along the height alone and along the width alone, as if the network had one axis."""
        return self.axes[0].counts.astype(_dtype_for(self.total)), self.axes[1].counts.astype(_dtype_for(self.total))

    @cached_property
    def total(self) -> int:
        """The number of all paths."""
        return math.prod(int(counts.sum()) for counts in self._parts)

    @property
    def _parts(self) -> list[Counts]:
        """The counts of which all others are the outer product."""
        return [block.counts for block in (self.axes if self.plane is None else (self.plane,))]

    @property
    def standard_deviation(self) -> tuple[float, float]:
        """How far from its mean place a path ends, as a root mean square in pixels, along the height and the width."""
        self._require_paths()
        height, width = (math.sqrt(self._variance(axis)) for axis in range(len(AXES)))
        return height, width

    def _variance(self, axis: int) -> Fraction:
        """Return ``E[h²] − E[h]²`` of the places h where paths end along one axis."""
        counts = self.axes[axis].counts if self.plane is None else marginal(self.plane.counts, axis)
        paths = int(counts.sum())
        first, second = (counts @ np.arange(len(counts), dtype=object) ** power for power in (1, 2))
        return Fraction(second, paths) - Fraction(first, paths) ** 2

    def effective_size(self, share: float | Fraction) -> int:
        """Return the side of the smallest square, in the middle of the region, in which this share of all paths ends.

        Parameters
        ----------
        share : float or Fraction
            Above 0 and at most 1; a float is the decimal that it is written as.

        Returns
        -------
        int
            In pixels.

        Raises
        ------
        ValueError
            If the share is out of range.

        Examples
        --------
        Of the 81 paths of two 3×3 layers 49 end in the middle 3×3.

        >>> from refconv.analysis import Conv
        >>> use = footprint([Conv(3), Conv(3)])
        >>> [use.effective_size(share) for share in (0.1, 0.6, 0.61, 1)]
        [1, 3, 5, 5]
        """
        if not 0 < share <= 1:
            raise ValueError(f"share={share} must be above 0 and at most 1")
        self._require_paths()
        return side_of(self._parts, Fraction(str(share)) * self.total)

    def _require_paths(self) -> None:
        if self.total == 0:
            raise ValueError("this output reads no pixel, so that nothing has a share of its use")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Footprint):
            return NotImplemented
        return self.region == other.region and np.array_equal(self.counts, other.counts)

    def __hash__(self) -> int:
        return hash((self.region, self.total))

    def __repr__(self) -> str:
        size = f"{len(self.region.rows)}x{len(self.region.columns)}"
        return f"<Footprint of {self.total} paths on {size} pixels>"


def footprint(network: Network, output: IntOrPair = 0, input_size: IntOrPair | None = None) -> Footprint:
    """How often does an output use each pixel?

    Parameters
    ----------
    network : sequence of layers, or a layer
        `Conv`, `Pool`, `ConvTranspose`, `Upsample` and `Parallel`, in the order in which they are applied.
    output : int or pair of int
        The output's row and column.
    input_size : int or pair of int, optional
        The image's size, for an output near its border.  Without it the image has no border: pixels at negative
        indices are pixels.

    Returns
    -------
    Footprint
        The exact `counts` over their `region`; in an image, pixels are counted and padding is not.

    Raises
    ------
    TypeError, ValueError
        If something in the network is not a layer or a symbol, a feature map vanishes, or there is no such output.

    Notes
    -----
    The counts are what an all-ones kernel of integers computes in every layer; a pooling counts its pixels, and a
    bilinear upsampling those that it gives a weight to.  In the mean over random weights, the size of the gradient is
    distributed like them: Luo, Li, Urtasun & Zemel, "Understanding the effective receptive field in deep convolutional
    neural networks" (2016), section 2.

    Examples
    --------
    Three layers of 3×3 use the pixel in the middle 49 times and one in a corner once; at rate 2 the numbers are the
    same, with holes between them.

    >>> from refconv.analysis import Conv
    >>> footprint([Conv(3), Conv(3), Conv(3)]).axis_counts[0]
    array([1, 3, 6, 7, 6, 3, 1])
    >>> footprint([Conv(3, dilation=2)] * 3).axis_counts[0]
    array([1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1])

    In a corner most of a padded kernel's taps are on padding, of the image or of the first feature map.

    >>> footprint([Conv(3, padding=1), Conv(3, padding=1)], output=(0, 0), input_size=(8, 8)).counts
    array([[4, 4, 2],
           [4, 4, 2],
           [2, 2, 1]])
    """
    layers = Layers(network)
    place = as_pair("output", output, minimum=0, form="(row, column)")
    require_numbers(layers, "a footprint")
    if input_size is None:
        return _counted(layers, place)
    sizes = sizes_of(layers, input_size)
    size = list(sizes.values())[-1]
    if place[0] >= size[0] or place[1] >= size[1]:
        raise ValueError(f"output={place} must lie in the output of size {size}")
    return _counted(layers, place, sizes)


def _counted(layers: Layers, output: Pair, sizes: Mapping[str, Pair] | None = None) -> Footprint:
    """Follow all paths back from an output: along each axis, and where there are branches, in the plane."""
    links: Links = {IMAGE: ()}
    for node in nodes_of(layers):
        layer = node.attributes.get("layer")
        maps = [SAME, SAME] if layer is None else [layer.axis_map(axis) for axis in range(len(AXES))]
        links[node.name] = [(source, maps) for source in node.inputs]
    dtype = _dtype_for(list(trace(layers, 1, lambda paths, layer: paths * _most_taps(layer), sum).values())[-1])
    rows, columns = (followed(links, one_path(output[axis : axis + 1], dtype), [axis], sizes) for axis in (0, 1))
    if all(len(sources) == 1 for sources in list(links.values())[1:]):
        return Footprint((rows, columns), None)
    plane = followed(links, one_path(output, dtype), [0, 1], sizes)
    return Footprint((rows, columns), plane.cut([rows.region[0], columns.region[0]]))


def _most_taps(layer: Layer) -> int:
    """Return the most inputs that any output of a layer reads, or 1."""
    return math.prod(max(1, *(taps.count for taps in layer.axis_map(axis).phases)) for axis in range(len(AXES)))


def _dtype_for(paths: int) -> type:
    """Return int64, or where so many paths overflow that, Python's integers."""
    return np.int64 if paths <= np.iinfo(np.int64).max else object


def footprints(network: Network) -> tuple[Footprint, ...]:
    """How often does an output of each layer use each pixel?  The footprint grows layer by layer.

    Parameters
    ----------
    network : sequence of layers, or a layer
        As for `footprint`.

    Returns
    -------
    tuple of Footprint
        That of output 0 of every layer in the inside of an image.

    Raises
    ------
    TypeError
        If something in the network is not a layer or a symbol.

    Examples
    --------
    >>> from refconv.analysis import Conv
    >>> for use in footprints([Conv(3), Conv(3, dilation=2), Conv(3, dilation=2)]):
    ...     print(use.axis_counts[0])
    [1 1 1]
    [1 1 2 1 2 1 1]
    [1 1 3 2 5 3 5 2 3 1 1]
    """
    layers = Layers(network)
    require_numbers(layers, "a footprint")
    return tuple(_counted(Layers(layers[:number]), (0, 0)) for number in range(1, len(layers) + 1))
