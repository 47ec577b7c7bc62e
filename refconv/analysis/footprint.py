"""How often is each pixel used?  The number of paths from an output to every pixel, exactly.

Along one axis the counts of a chain are the coefficients of a product of tap polynomials, a factor a layer.  Three
layers of three taps have ``(1 + x + x²)³ = 1 + 3x + 6x² + 7x³ + 6x⁴ + 3x⁵ + x⁶``; `paths` does the counting.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.network import Layers, Network
from refconv.analysis.paths import Term, follow_back, map_terms, paths_within_sides, variance
from refconv.analysis.region import Region
from refconv.analysis.taps import Span, Taps
from refconv.analysis.trace import feature_maps, require_numbers
from refconv.geometry.arguments import IntOrPair, as_pair

__all__ = ["Footprint", "footprint", "footprints"]

Counts = NDArray[Any]  # int64, or object where a count is larger


@dataclass(frozen=True, repr=False)
class Footprint:
    """How often an output uses each pixel.

    Attributes
    ----------
    terms : tuple of Term
        The counts as a sum of outer products: one for a chain, several where there are branches.

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

    terms: tuple[Term, ...]

    @cached_property
    def region(self) -> Region:
        """The pixels from the first that is used to the last: what `counts` is about."""
        rows, columns = (Span.gather((0, taps.span) for taps in axis) for axis in self._taps)
        return Region(range(rows.first, rows.last + 1), range(columns.first, columns.last + 1))

    @cached_property
    def counts(self) -> Counts:
        """The number of paths to every pixel of the region; int64, or Python's integers where those would overflow."""
        return self.summed(block=1)

    def summed(self, block: int) -> Counts:
        """Return the number of paths to every block of ``block`` by ``block`` pixels, from the region's corner."""
        rows, columns = self._pixels
        down = [term.times * term.rows.dense(rows, self._dtype, block) for term in self.terms]
        across = [term.columns.dense(columns, self._dtype, block) for term in self.terms]
        counts: Counts = np.array(down).T @ np.array(across)
        return counts

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Whether any path leads to each pixel of the region: ``counts > 0``, without counting."""
        down, across = (
            np.array([taps.dense(pixels, object) > 0 for taps in axis], dtype=np.float32)
            for axis, pixels in zip(self._taps, self._pixels, strict=True)
        )
        return np.asarray(down.T @ across > 0)

    @cached_property
    def axis_counts(self) -> tuple[Counts, Counts]:
        """The same along the height alone and along the width alone, as if the network had one axis."""
        times: Counts = np.array([term.times for term in self.terms], self._dtype)
        rows, columns = (
            times @ np.array([taps.dense(pixels, self._dtype) for taps in axis])
            for axis, pixels in zip(self._taps, self._pixels, strict=True)
        )
        return rows, columns

    @cached_property
    def total(self) -> int:
        """The number of all paths."""
        return sum(term.total for term in self.terms)

    @property
    def _taps(self) -> tuple[list[Taps], list[Taps]]:
        return [term.rows for term in self.terms], [term.columns for term in self.terms]

    @property
    def _pixels(self) -> tuple[range, range]:
        return self.region.rows, self.region.columns

    @property
    def _dtype(self) -> type:
        return np.int64 if self.total <= np.iinfo(np.int64).max else object

    @property
    def standard_deviation(self) -> tuple[float, float]:
        """How far from its mean place a path ends, as a root mean square in pixels, along the height and the width."""
        self._require_paths()
        height, width = (math.sqrt(variance(self.terms, taps)) for taps in self._taps)
        return height, width

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
        return bisect_left(self._paths_within, Fraction(str(share)) * self.total)

    @cached_property
    def _paths_within(self) -> list[int]:
        return paths_within_sides(self.terms, *self._pixels)

    def _require_paths(self) -> None:
        if self.total == 0:
            raise ValueError("this output reads no pixel, so that nothing has a share of its use")

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
        return Footprint(tuple(term.of_output(place) for term in map_terms(layers)[-1]))
    size = feature_maps(layers, input_size)[-1]
    if place[0] >= size[0] or place[1] >= size[1]:
        raise ValueError(f"output={place} must lie in the output of size {size}")
    pixel = Term(Taps({place[0]: 1}), Taps({place[1]: 1}), 1)
    return Footprint(tuple(follow_back(layers, as_pair("input_size", input_size, minimum=1), [pixel])))


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
    return tuple(Footprint(tuple(term.of_output((0, 0)) for term in terms)) for terms in map_terms(layers)[1:])
