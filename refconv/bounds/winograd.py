"""Winograd's minimal filtering, as far as its error goes: the sum that rounding acts on, and how often it does.

F(m×m, 3×3) computes a tile of m×m outputs from (m+2)×(m+2) pixels with fewer products than the definition:

    Y = Aᵀ · [ Σ_c (G·g·Gᵀ) ⊙ (Bᵀ·d·B) ] · A

and likewise along one axis, or three: each matrix is applied along every axis in turn.  What the transforms add and
subtract cancels in exact arithmetic, and leaves its rounding errors behind.  Written out, every output is a sum of
monomials, each the product of one number of every factor above; the sum of their absolute values is the same formula
on absolute values, and each is rounded at most a known number of times: the bound is γ_n · Σ|monomials|.

Sources: Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016), for the matrices, up to signs that
meet again, and their wincnn for the points of F(6, 3); Barabasz, Anderson, Soodhalter & Gregg, "Error analysis and
improving the accuracy of Winograd convolution for deep neural networks" (2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array


@dataclass(frozen=True, slots=True)
class Winograd:
    """F(m, 3) along each axis: its three matrices, transposed as in the formula above."""

    outputs: int  # m
    data: Array  # Bᵀ, (m+2, m+2)
    kernel: Array  # G, (m+2, 3)
    inverse: Array  # Aᵀ, (m, m+2)

    def fits(self, geometry: ConvGeometry) -> bool:
        """Whether the algorithm computes this convolution."""
        return all((axis.kernel_size, axis.stride, axis.dilation) == (3, 1, 1) for axis in geometry.axes)

    def check(self, geometry: ConvGeometry) -> None:
        """Refuse a convolution that the algorithm does not compute."""
        if not self.fits(geometry):
            strides, dilations = [axis.stride for axis in geometry.axes], [axis.dilation for axis in geometry.axes]
            kernel, tile = ("×".join([str(size)] * len(geometry.axes)) for size in (3, self.outputs))
            takes = f"F({tile}, {kernel}) takes a {kernel} kernel at stride 1 and dilation 1"
            found = f"{geometry.kernel_size} at stride {strides} and dilation {dilations}"
            raise ValueError(f"Winograd's {takes}; this one is {found}")

    def roundings(self, channels: int, rank: int) -> int:
        """Return how often a monomial is rounded at most: in three transforms, a product and the sum over channels."""
        # Along every axis a transform multiplies by a constant, which may be rounded itself, and adds up a row.
        rows = [int((matrix != 0).sum(axis=1).max()) for matrix in (self.inverse, self.kernel, self.data)]
        return rank * sum(1 + row for row in rows) + 1 + max(0, channels - 1)

    def amplification(self, rank: int) -> float:
        """Return how much a change of one transformed product may change an output: ``(max Σ|Aᵀ|)^rank``."""
        return float(np.abs(self.inverse).sum(axis=1).max() ** rank)

    def lost_weight(self, rank: int) -> float:
        """Return how much larger weights, in least numbers, make up for what underflow takes from them transformed."""
        # Along every axis, each product of the transform may lose one.  No other transform divides.
        rows = np.abs(self.kernel).sum(axis=1)
        products = int((self.kernel != 0).sum(axis=1).max())
        return float(products * sum(rows.max() ** axis for axis in range(rank)) / rows.min() ** rank)

    def magnitudes(self, padded: Array, kernel: Array, geometry: ConvGeometry, largest: float) -> Array:
        """Return Σ|monomials|, (N, O, *P), of |input| padded and |weight|; infinite where a transform may overflow."""
        inverse, kernels, data = map(np.abs, (self.inverse, self.kernel, self.data))
        groups, rank = geometry.groups, len(geometry.axes)
        shape = groups, geometry.group_out_channels, geometry.group_in_channels
        transformed = _along_each(kernels, kernel.reshape(*shape, *(3,) * rank), rank).reshape(
            *shape, (self.outputs + 2) ** rank
        )
        tiles = self._tiles(padded, geometry)  # N, G, C/G, then how many, then the pixels of each
        count, side = tiles.shape[3 : 3 + rank], self.outputs + 2
        pixels = _along_each(data, tiles, rank).reshape(*tiles.shape[:3], math.prod(count), side**rank)
        products = np.einsum("gocx,ngctx->ngotx", transformed, pixels, optimize=True)
        output = _along_each(inverse, products.reshape(*products.shape[:3], *count, *(side,) * rank), rank)
        overflows = np.any(pixels > largest, axis=(2, 4), keepdims=True)[..., 0]  # N, G, 1 and the tiles
        overflows = overflows | np.any(transformed > largest, axis=(2, 3), keepdims=True)[..., 0]
        infinite = np.where(overflows, np.inf, 0.0).reshape(*overflows.shape[:3], *count, *(1,) * rank)
        output = np.maximum(output, infinite)
        turned = [axis for place in range(rank) for axis in (3 + place, 3 + rank + place)]  # tile, pixel, tile, pixel
        sizes = (number * self.outputs for number in count)
        whole = output.transpose(0, 1, 2, *turned).reshape(geometry.batch, geometry.out_channels, *sizes)
        return np.asarray(whole[:, :, *map(slice, geometry.output_size)])

    def _tiles(self, padded: Array, geometry: ConvGeometry) -> Array:
        """Return overlapping tiles (N, G, C/G, tiles along each axis, m+2 along each axis), zeros past the image."""
        reach, axes = self.outputs + 2, tuple(range(2, padded.ndim))
        missing = [(0, -(size - 2) % self.outputs) for size in padded.shape[2:]]
        whole = np.pad(padded, ((0, 0), (0, 0), *missing))
        windows = np.lib.stride_tricks.sliding_window_view(whole, (reach,) * len(axes), axis=axes)
        tiles = windows[:, :, *(slice(None, None, self.outputs) for _ in axes)]
        return tiles.reshape(geometry.batch, geometry.groups, geometry.group_in_channels, *tiles.shape[2:])


def _along_each(matrix: Array, array: Array, rank: int) -> Array:
    """Apply a matrix along each of the last axes."""
    for axis in range(array.ndim - rank, array.ndim):
        array = np.moveaxis(np.tensordot(array, matrix, (axis, 1)), -1, axis)
    return array


def _of_points(*points: float) -> Winograd:
    """Return F(m, 3) of m + 1 points: two polynomials are multiplied there and at infinity, and put together again.

    A row of G, and a column of Aᵀ, has the powers of a point p; that of G is divided by Π(p − q) over the other points
    q, and the row of Bᵀ has the coefficients of Π(x − q).  At infinity only the highest power counts.
    """
    others = [[q for q in points if q != p] for p in points]
    scale = np.array([[math.prod(p - q for q in rest)] for p, rest in zip(points, others, strict=True)])
    outputs, infinity = len(points) - 1, [0.0]
    return Winograd(
        outputs,
        data=np.array([*([*np.poly(rest)[::-1], *infinity] for rest in others), np.poly(points)[::-1]]),
        kernel=np.vstack([np.vander(points, 3, increasing=True) / scale, [0, 0, 1]]),
        inverse=np.column_stack([np.vander(points, outputs, increasing=True).T, np.eye(outputs)[-1]]),
    )


WINOGRAD: Final[dict[str, Winograd]] = {
    "winograd2": _of_points(0.0, 1.0, -1.0),
    "winograd4": _of_points(0.0, 1.0, -1.0, 2.0, -2.0),
    "winograd6": _of_points(0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5),
}
