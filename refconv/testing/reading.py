"""What a kernel reads for each output: the right reading follows from the arguments, a wrong one from a mistake.

A `Reading` is a convolution taken apart: which row each output row reads through each tap, which channels, which image,
which weights, which bias.  A mistake changes one of these, so that two mistakes can be made one after the other, and
any output can be predicted by itself, without the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from refconv.arguments import Pair
from refconv.axis import AxisGeometry
from refconv.error_bound import error_bound
from refconv.formats import Array, is_ml_dtype
from refconv.geometry import ConvGeometry

Places: TypeAlias = tuple[Array, Array, Array, Array]  # n, o, p, q of some outputs, each of one dimension
Shape: TypeAlias = tuple[int, int, int, int]

CHUNK = 1 << 22  # products that are laid out at once: 32 MiB of float64


def in_place(places: Places, shape: Shape) -> Places:  # noqa: ARG001  # like the misplacements, which need the shape
    """Return the places themselves: each output is stored where it belongs."""
    return places


@dataclass(frozen=True, slots=True)
class Reading:
    """A convolution taken apart.

    Parameters
    ----------
    input, weight : ndarray, (N, C, H, W) and (O, C/G, K_h, K_w)
        In a wide type.
    bias : ndarray, (N, O)
        What is added to each output channel of each image.
    height, width : AxisGeometry
        Which row or column an output reads through a tap.  A padding that a mistake has changed may be negative.
    size : pair of int
        (P, Q), the outputs that there are, whatever the axes say.
    channels : ndarray of int, (O, C/G)
        The input channel that output channel o meets as channel c of its group.
    images : ndarray of int, (N,)
        The image that each output image is made from.
    padding_mode : str
        What stands in the padding; ``"clamped"``: windows that would start before the image are moved onto it.
    origin : callable
        From where an output is stored to the output that is stored there.
    renormalised : bool
        Whether a window that touches the padding is weighed up by the taps that it has left.
    groups : int
        G, for mistakes in the groups.
    """

    input: Array
    weight: Array
    bias: Array
    height: AxisGeometry
    width: AxisGeometry
    size: Pair
    channels: Array
    images: Array
    padding_mode: str = "zeros"
    origin: Callable[[Places, Shape], Places] = in_place
    renormalised: bool = False
    groups: int = 1

    @classmethod
    def of(cls, input: Array, weight: Array, bias: Array | None, geometry: ConvGeometry) -> Reading:
        """Return the right reading."""
        wide = np.result_type(input, weight)
        offsets = np.zeros(geometry.out_channels, wide) if bias is None else bias
        channels = [
            [geometry.input_channel(o, c) for c in range(geometry.group_in_channels)]
            for o in range(geometry.out_channels)
        ]
        return cls(
            input.reshape(geometry.batch, *input.shape[-3:]),
            weight,
            np.tile(offsets, (geometry.batch, 1)),
            geometry.height,
            geometry.width,
            geometry.output_shape[2:],
            np.array(channels, np.intp).reshape(geometry.out_channels, geometry.group_in_channels),
            np.arange(geometry.batch),
            geometry.padding_mode,
            groups=geometry.groups,
        )

    @property
    def shape(self) -> Shape:
        """``(N, O, P, Q)``."""
        return len(self.images), len(self.weight), *self.size

    @property
    def size_of_output(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def natural_size(self) -> Pair:
        """(P, Q) as the axes have it: what a kernel returns that makes its mistake in the output's size, too."""
        return self.height.output_size, self.width.output_size

    def everywhere(self) -> Places:
        """Return all places, in the order of the output's elements."""
        n, o, p, q = np.indices(self.shape).reshape(4, -1)
        return n, o, p, q

    def values(self, places: Places) -> Array:
        """Return the outputs at some places."""
        parts = [self._values(*part) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0, self.input.dtype)

    def bounds(self, places: Places, dtype: np.dtype[np.generic]) -> Array:
        """Return how far an honest kernel of this type may be off, at some places; 0 for whole numbers."""
        if not is_floating(dtype):
            return np.zeros(len(places[0]))
        parts = [self._bounds(*part, dtype) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _chunks(self, places: Places) -> Iterator[tuple[Array, Array, Array]]:
        """Yield pixels, weights and bias of some outputs, not too many at once."""
        step = max(1, CHUNK // max(1, math.prod(self.weight.shape[1:])))
        for start in range(0, len(places[0]), step):
            part = places[0][start : start + step], places[1][start : start + step]
            n, o, p, q = self.origin(
                (*part, places[2][start : start + step], places[3][start : start + step]), self.shape
            )
            yield self._patches(n, o, p, q), self.weight[o], self.bias[n, o]

    def _values(self, pixels: Array, weights: Array, bias: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((pixels * weights).sum(axis=(1, 2, 3)) + bias)

    def _bounds(self, pixels: Array, weights: Array, bias: Array, dtype: np.dtype[np.generic]) -> Array:
        """Take every output for a 1×1 convolution in a group of its own, whose channels are the products it adds."""
        count = len(bias)
        image, kernel = pixels.reshape(1, -1, 1, 1), weights.reshape(count, -1, 1, 1)
        ours = error_bound(image, kernel, bias, groups=count, dtype=np.float64)  # `values` are sums in float64
        return (error_bound(image, kernel, bias, groups=count, dtype=dtype) + ours).reshape(-1)

    def _patches(self, n: Array, o: Array, p: Array, q: Array) -> Array:
        """Return the pixels that each output reads: (outputs, C/G, K_h, K_w), 0 in the padding."""
        rows = _table(self.height, self.size[0], self.padding_mode)[p][:, None, :, None]
        columns = _table(self.width, self.size[1], self.padding_mode)[q][:, None, None, :]
        if 0 in self.input.shape:
            return np.zeros((len(n), *self.weight.shape[1:]), self.input.dtype)
        images, channels = self.images[n][:, None, None, None], self.channels[o][:, :, None, None]
        inside = (rows >= 0) & (columns >= 0)
        pixels = np.where(inside, self.input[images, channels, rows, columns], 0)
        if self.renormalised:
            share = inside.mean(axis=(1, 2, 3), keepdims=True)
            pixels = pixels / np.where(share == 0, 1, share)
        return pixels


@lru_cache(maxsize=256)
def _table(axis: AxisGeometry, outputs: int, padding_mode: str) -> Array:
    """Return the pixel that each output reads through each tap, (P, K); −1 where a zero stands there."""
    rows = [[_source(axis, output, tap, padding_mode) for tap in range(axis.kernel_size)] for output in range(outputs)]
    return np.array(rows, np.intp).reshape(outputs, axis.kernel_size)


def _source(axis: AxisGeometry, output: int, tap: int, padding_mode: str) -> int:
    index = axis.input_index(output, tap)
    if padding_mode == "clamped":
        index = max(0, axis.input_index(output, 0)) + axis.dilation * tap
    source = axis.source_index(index, padding_mode)
    return -1 if source is None or not 0 <= source < axis.input_size else source


def is_floating(dtype: np.dtype[np.generic]) -> bool:
    """Whether a result of this type is judged by a bound; all others must be equal."""
    return dtype.kind in "fc" or is_ml_dtype(dtype)


def spread(places: Places, most: int) -> Places:
    """Return at most that many of the places, evenly spread."""
    count = len(places[0])
    chosen = np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.intp))
    n, o, p, q = (axis[chosen] for axis in places)
    return n, o, p, q
