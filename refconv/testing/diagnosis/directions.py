"""The three ways to walk a reading: to the output, to the input, to the weight.

With h = R[p, i] and w = Q[q, j] the pixels that output (p, q) reads through tap (i, j),

    output[n, o, p, q] = bias[o] + Σ weight[o, c, i, j]·input[images[n], channels[o, c], h, w]
    input[n, c, h, w]  = bias[c] + Σ weight[o, c', i, j]·output[images[n], o, p, q]      channels[o, c'] = c
    weight[o, c, i, j] = Σ output[n, o, p, q]·input[images[n], channels[o, c], h, w]

Along the depth it is the same.  The input's sum is over all that lead to a pixel: the tables are turned round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.reading import AXES, Reading, table


@dataclass(frozen=True, slots=True)
class Convolution(Reading):
    """The output is asked for: conv1d, conv2d, conv3d."""

    factors: ClassVar[tuple[str, str]] = ("input", "weight")

    @property
    def products(self) -> int:
        """``C/G · K_d · K_h · K_w``."""
        return math.prod(self.weight.shape[1:])

    def natural_size(self, axis: AxisGeometry, name: str) -> int:  # noqa: ARG002  # all axes are alike
        """``floor((H + T + B − (D·(K − 1) + 1)) / S) + 1``."""
        return axis.output_size

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the pixels that each output reads, 0 in the padding, and the weights."""
        n, o, p, q = places
        weights = self.weight[o]
        if 0 in self.input.shape:
            return np.zeros(weights.shape, self.input.dtype), weights
        rows = table(self.height, self.size[0], self.padding_mode)[p][:, None, None, :, None]
        columns = table(self.width, self.size[1], self.padding_mode)[q][:, None, None, None, :]
        inside = (rows >= 0) & (columns >= 0)
        images, depths = np.divmod(self.images[n], self.depths)
        if self.form.rank == 3:
            z = table(self.depth, self.depths, self.padding_mode)[depths][:, None, :, None, None]
            inside = inside & (z >= 0)
            rows = rows + np.maximum(z, 0) * self.height.input_size
        image, channel = images[:, None, None, None, None], self.channels[o][:, :, None, None, None]
        pixels = np.where(inside, self.input[image, channel, rows, columns], 0)
        if self.renormalised:
            share = inside.mean(axis=(1, 2, 3, 4), keepdims=True)
            pixels = pixels / np.where(share == 0, 1, share)
        return pixels.reshape(weights.shape), weights


@dataclass(frozen=True, slots=True)
class InputAdjoint(Reading):
    """The input is asked for: the gradient with respect to it.

    Parameters
    ----------
    overlaps : str
        What stands where several outputs meet in a pixel: all of them ``"added"``, or what was written last, window by
        window or tap by tap: ``"window"``, ``"tap"``; ``"wrapped"``: all, and the last ones for those before the first.
    output_padding : triple of int
        E along the depth, the height and the width.
    beyond : str
        What stands in the last E rows and columns: ``"sums"`` as everywhere, the ``"bias"`` alone, or ``"zeros"``.
    """

    overlaps: str = "added"
    output_padding: tuple[int, int, int] = (0, 0, 0)
    beyond: str = "sums"

    factors: ClassVar[tuple[str, str]] = ("weight", "output")

    @property
    def products(self) -> int:
        """All that is laid out for one pixel, as many as meet where most do."""
        return math.prod(pairs.shape[1] for pairs in (self._channels(), *self._axes()))

    def natural_size(self, axis: AxisGeometry, name: str) -> int:
        """``S·(P − 1) + D·(K − 1) + 1 − T − B + E``: what the outputs reach, whatever else a stride leaves unread."""
        extra = self.output_padding[AXES.index(name)]
        return axis.stride * (self._outputs(name) - 1) + axis.effective_kernel_size - sum(axis.padding) + extra

    def _outputs(self, name: str) -> int:
        """Return the outputs that there are along an axis: P, or the depths R."""
        planes, _, rows, columns = self.output.shape
        images = len(self.images) // self.depths
        found: dict[str, int] = {"depth": planes // max(1, images), "height": rows, "width": columns}
        return found[name]

    def _axes(self) -> list[Array]:
        """Return for every depth, row and column of the input what leads there."""
        sized = zip(AXES, (self.depth, self.height, self.width), (self.depths, *self.size), strict=True)
        return [
            _leading(replace(axis, input_size=size), self._outputs(name), self.padding_mode, self.overlaps)
            for name, axis, size in sized
        ]

    def _channels(self) -> Array:
        """Return for every channel of the input what leads there."""
        return _turned_round(self.channels, self.bias.shape[1])

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the weights and outputs that lead to each pixel, both 0 where fewer do than elsewhere."""
        n, c, h, w = places
        if 0 in self.weight.shape or 0 in self.output.shape:
            nothing = np.zeros((len(n), 0), self.bias.dtype)
            return nothing, nothing
        images, z = np.divmod(self.images[n], self.depths)
        depth, height, width = self._axes()
        o, channel = np.moveaxis(self._channels()[c], -1, 0)[:, :, :, None, None, None]
        r, k = np.moveaxis(depth[z], -1, 0)[:, :, None, :, None, None]
        p, i = np.moveaxis(height[h], -1, 0)[:, :, None, None, :, None]
        q, j = np.moveaxis(width[w], -1, 0)[:, :, None, None, None, :]
        planes = images[:, None, None, None, None] * self._outputs("depth") + r
        lead = (o >= 0) & (r >= 0) & (p >= 0) & (q >= 0) & self._is_summed(n, h, w)[:, None, None, None, None]
        weights = np.where(lead, self.weight[o, np.maximum(channel * self.depth.kernel_size + k, 0), i, j], 0)
        return weights, np.where(lead, self.output[planes, o, p, q], 0)

    def _added(self, *places: Array) -> Array:
        n, c, h, w = places
        bias = self.bias[n, c]
        return np.where(self._is_summed(n, h, w), bias, 0) if self.beyond == "zeros" else bias

    def _is_summed(self, n: Array, h: Array, w: Array) -> Array:
        """Whether each pixel is a sum of products at all."""
        if self.beyond == "sums":
            return np.ones(len(h), bool)
        stop = np.array((self.depths, *self.size)) - self.output_padding
        return np.asarray((np.stack([n % self.depths, h, w], axis=1) < stop).all(axis=1))


@dataclass(frozen=True, slots=True)
class Transposed(InputAdjoint):
    """The same, as the output of a transposed convolution: with a bias, and an output padding."""


@dataclass(frozen=True, slots=True)
class WeightAdjoint(Reading):
    """The weight is asked for: the gradient with respect to it."""

    factors: ClassVar[tuple[str, str]] = ("input", "output")
    names: ClassVar[tuple[str, str, str, str]] = ("output channels", "input channels", "kernel rows", "kernel columns")
    grouped: ClassVar[int] = 0

    @property
    def products(self) -> int:
        """``N·P·Q``."""
        batch, _, rows, columns = self.output.shape
        return int(batch * rows * columns)

    def natural_size(self, axis: AxisGeometry, name: str) -> int:
        """``floor((H + T + B − (S·(P − 1) + 1)) / D) + 1``: the taps whose pixels there are, for every output."""
        outputs: int = self.output.shape[{"height": 2, "width": 3}[name]]
        return (axis.padded_size - (axis.stride * (outputs - 1) + 1)) // axis.dilation + 1

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the pixels that each tap reads, 0 in the padding, and what arrives at the outputs."""
        o, c, i, j = places
        outputs = np.moveaxis(self.output[:, o], 1, 0)
        if 0 in self.input.shape:
            return np.zeros(outputs.shape, self.input.dtype), outputs
        rows = self._tap(self.height, self.size[0], self.output.shape[2], i)[:, None, :, None]
        columns = self._tap(self.width, self.size[1], self.output.shape[3], j)[:, None, None, :]
        images, channels = self.images[None, :, None, None], self.channels[o, c][:, None, None, None]
        inside = (rows >= 0) & (columns >= 0)
        return np.where(inside, self.input[images, channels, rows, columns], 0), outputs

    def _tap(self, axis: AxisGeometry, taps: int, outputs: int, which: Array) -> Array:
        """Return the pixel that every output reads through some taps: (taps, P)."""
        return table(replace(axis, kernel_size=taps), outputs, self.padding_mode).T[which]


@lru_cache(maxsize=256)
def _leading(axis: AxisGeometry, outputs: int, padding_mode: str, overlaps: str) -> Array:
    """Return what leads to each pixel, (H, most, 2): outputs p and taps i; −1 where fewer do."""
    if overlaps == "wrapped":
        earlier = replace(axis, padding=(axis.padding[0] + axis.stride * outputs, axis.padding[1]))
        found = _turned_round(table(earlier, 2 * outputs, padding_mode), axis.input_size)
        return np.where(found[..., :1] >= 0, found - (np.array([outputs, 0]) * (found[..., :1] >= outputs)), found)
    pixels = table(axis, outputs, padding_mode)
    if overlaps == "added":
        return _turned_round(pixels, axis.input_size)
    written = pixels if overlaps == "window" else pixels.T
    last = _turned_round(written, axis.input_size, last=True)
    return last if overlaps == "window" else last[..., ::-1]


def _turned_round(leads_to: Array, size: int, *, last: bool = False) -> Array:
    """Return for each of the numbers below `size` where in a matrix it stands, (size, most, 2); −1 where less often."""
    first, second = np.nonzero(leads_to >= 0)
    target = leads_to[first, second]
    order = np.argsort(target, kind="stable")
    counts = np.bincount(target, minlength=size)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full((size, max(1, int(counts.max(initial=0))), 2), -1, np.intp)
    found[target[order], rank, 0], found[target[order], rank, 1] = first[order], second[order]
    if last:
        return found[np.arange(size), np.maximum(counts - 1, 0)][:, np.newaxis]
    return found
