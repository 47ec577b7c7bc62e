"""Winograd's minimal filtering, as far as its error goes: the sum that rounding acts on, and how often it does.

F(m×m, 3×3) computes a tile of m×m outputs from (m+2)×(m+2) pixels with fewer products than the definition:

    Y = Aᵀ · [ Σ_c (G·g·Gᵀ) ⊙ (Bᵀ·d·B) ] · A

The transforms add and subtract numbers that the definition never does, and what cancels there in exact arithmetic
leaves its rounding errors behind.  Written out, every output is a sum of monomials, each the product of one number of
every factor above; the sum of their absolute values is the same formula on absolute values, and each is rounded at
most a known number of times.  So the bound has the form of the definition's: γ_n · Σ|monomials|.

Sources: Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016), for the matrices; Barabasz, Anderson,
Soodhalter & Gregg, "Error analysis and improving the accuracy of Winograd convolution for deep neural networks" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Winograd:
    """F(m×m, 3×3): its three matrices, transposed as in the formula above."""

    outputs: int  # m
    data: Array  # Bᵀ, (m+2, m+2)
    kernel: Array  # G, (m+2, 3)
    inverse: Array  # Aᵀ, (m, m+2)

    def check(self, geometry: ConvGeometry) -> None:
        """Refuse a convolution that the algorithm does not compute."""
        strides, dilations = [axis.stride for axis in geometry.axes], [axis.dilation for axis in geometry.axes]
        if geometry.kernel_size != (3, 3) or strides + dilations != [1, 1, 1, 1]:
            raise ValueError(
                f"Winograd's F({self.outputs}×{self.outputs}, 3×3) takes a 3×3 kernel at stride 1 and dilation 1; "
                f"this one is {geometry.kernel_size} at stride {strides} and dilation {dilations}"
            )

    def roundings(self, channels: int) -> int:
        """Return how often a monomial is rounded at most: in three transforms, a product and the sum over channels.

        A transform goes along the rows and along the columns.  Either way multiplies by a constant, which may be
        rounded itself, and adds up a row of the matrix.
        """
        transforms = sum(2 * (1 + int((matrix != 0).sum(axis=1).max())) for matrix in self._matrices())
        return transforms + 1 + max(0, channels - 1)

    @property
    def amplification(self) -> float:
        """How much a change of one transformed product may change an output: ``(max Σ|Aᵀ|)²`` over its rows."""
        return float(np.abs(self.inverse).sum(axis=1).max() ** 2)

    @property
    def lost_weight(self) -> float:
        """How much larger weights would make up for what underflow takes from them transformed, in least numbers.

        Along the columns and along the rows, each product of the transform may lose one.  No other transform divides.
        """
        rows = np.abs(self.kernel).sum(axis=1)
        products = int((self.kernel != 0).sum(axis=1).max())
        return float(products * (1 + rows.max()) / rows.min() ** 2)

    def magnitudes(self, padded: Array, kernel: Array, geometry: ConvGeometry, largest: float) -> Array:
        """Return Σ|monomials| for every output, (N, O, P, Q), given |input| padded and |weight|.

        It is infinite where one of the transforms that the output reads may be beyond the largest number.
        """
        inverse, kernels, data = (np.abs(matrix) for matrix in self._matrices())
        groups = geometry.groups
        tiles = self._tiles(padded, geometry)
        shape = groups, geometry.group_out_channels, geometry.group_in_channels, 3, 3
        transformed = np.einsum("xi,gocij,yj->gocxy", kernels, kernel.reshape(shape), kernels, optimize=True)
        pixels = np.einsum("xi,ngcuvij,yj->ngcuvxy", data, tiles, data, optimize=True)
        products = np.einsum("gocxy,ngcuvxy->ngouvxy", transformed, pixels, optimize=True)
        output = np.einsum("px,ngouvxy,qy->ngoupvq", inverse, products, inverse, optimize=True)
        overflows = (pixels > largest).any(axis=(2, 5, 6))[:, :, np.newaxis]  # N, G, 1 and the tiles
        overflows = overflows | (transformed > largest).any(axis=(2, 3, 4))[:, :, np.newaxis, np.newaxis]
        output = np.maximum(output, np.where(overflows, np.inf, 0.0)[..., np.newaxis, :, np.newaxis])
        rows, columns = output.shape[3] * self.outputs, output.shape[5] * self.outputs
        whole = output.reshape(geometry.batch, geometry.out_channels, rows, columns)
        return np.asarray(whole[:, :, *map(slice, geometry.output_size)])

    def _tiles(self, padded: Array, geometry: ConvGeometry) -> Array:
        """Return overlapping tiles (N, G, C/G, rows of tiles, columns of tiles, m+2, m+2), zeros past the image."""
        reach = self.outputs + 2
        missing = [-(size - 2) % self.outputs for size in padded.shape[-2:]]
        whole = np.pad(padded, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])))
        windows = np.lib.stride_tricks.sliding_window_view(whole, (reach, reach), axis=(-2, -1))
        tiles = windows[:, :, :: self.outputs, :: self.outputs]
        return tiles.reshape(geometry.batch, geometry.groups, geometry.group_in_channels, *tiles.shape[2:])

    def _matrices(self) -> tuple[Array, Array, Array]:
        return self.inverse, self.kernel, self.data


WINOGRAD: Final[dict[str, Winograd]] = {
    "winograd2": Winograd(
        outputs=2,
        data=np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float64),
        kernel=np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2,
        inverse=np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float64),
    ),
    "winograd4": Winograd(
        outputs=4,
        data=np.array(
            [
                [4, 0, -5, 0, 1, 0],
                [0, -4, -4, 1, 1, 0],
                [0, 4, -4, -1, 1, 0],
                [0, -2, -1, 2, 1, 0],
                [0, 2, -1, -2, 1, 0],
                [0, 4, 0, -5, 0, 1],
            ],
            np.float64,
        ),
        kernel=np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24,
        inverse=np.array(
            [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float64
        ),
    ),
}
