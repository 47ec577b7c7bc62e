"""The three ways to walk a reading: to the output, to the input, to the weight.

With h = R[p, k] the pixel that output p reads through tap k, along each axis,

    output[n, o, *p] = bias[o] + Σ weight[o, c, *k]·input[images[n], channels[o, c], *h]
    input[n, c, *h]  = bias[c] + Σ weight[o, c', *k]·output[images[n], o, *p]      channels[o, c'] = c
    weight[o, c, *k] = Σ output[n, o, *p]·input[images[n], channels[o, c], *h]

The input's sum is over all that lead to a pixel: the tables are turned round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.reading import Reading, along, table


@dataclass(frozen=True, slots=True)
class Convolution(Reading):
    """The output is asked for."""

    factors: ClassVar[tuple[str, str]] = ("input", "weight")

    @property
    def products(self) -> int:
        """``C/G · K_h · K_w``."""
        return math.prod(self.weight.shape[1:])

    def natural_size(self, axis: AxisGeometry, place: int) -> int:  # noqa: ARG002  # all axes are alike
        """``floor((H + T + B − (D·(K − 1) + 1)) / S) + 1``."""
        return axis.output_size

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the pixels that each output reads, 0 in the padding, and the weights."""
        n, o, *p = places
        weights = self.weight[o]
        if 0 in self.input.shape:
            return np.zeros(weights.shape, self.input.dtype), weights
        image = self.images[n].reshape(-1, *(1,) * (1 + self.rank))
        channel = self.channels[o].reshape(len(o), -1, *(1,) * self.rank)
        read = zip(self.axes, self.size, p, strict=True)
        pixels = [
            along(table(axis, outputs, self.padding_mode)[output], place, self.rank)
            for place, (axis, outputs, output) in enumerate(read)
        ]
        found, inside = _looked_up(self.input, (image, channel), pixels)
        if self.renormalised:
            share = inside.mean(axis=tuple(range(1, inside.ndim)), keepdims=True)
            found = found / np.where(share == 0, 1, share)
        return np.broadcast_to(found, weights.shape), weights


@dataclass(frozen=True, slots=True)
class InputAdjoint(Reading):
    """The input is asked for: the gradient with respect to it."""

    # What stands where several outputs meet in a pixel: all of them "added", or what was written last, window by window
    # or tap by tap: "window", "tap"; "wrapped": all, and the last ones for those before the first; "rounded": also
    # those that a pixel lies between, as if no remainder was left of the division by S.
    overlaps: str = "added"
    output_padding: tuple[int, ...] = ()  # E along each axis; empty where there is none
    # What stands in the last E rows and columns: "sums" as everywhere, the "bias" alone, or "zeros"; "reached": sums
    # everywhere, and zeros where there is nothing to add up.
    beyond: str = "sums"

    factors: ClassVar[tuple[str, str]] = ("weight", "output")
    adds_bias: ClassVar[bool] = False
    letters: ClassVar[Mapping[int, str]] = {1: "NCL", 2: "NCHW", 3: "NCZHW"}

    @property
    def extras(self) -> tuple[int, ...]:
        """E along each axis, 0 where there is none."""
        return self.output_padding or (0,) * self.rank

    @property
    def products(self) -> int:
        """All that is laid out for one pixel, as many as meet where most do."""
        return math.prod(pairs.shape[1] for pairs in (self._channels(), *self._leads()))

    def natural_size(self, axis: AxisGeometry, place: int) -> int:
        """``S·(P − 1) + D·(K − 1) + 1 − T − B + E``: what the outputs reach, whatever else a stride leaves unread."""
        return axis.reach(self.output.shape[2 + place]) - sum(axis.padding) + self.extras[place]

    def _leads(self) -> list[Array]:
        """Return for every pixel along each axis what leads there."""
        read = zip(self.axes, self.size, self.output.shape[2:], strict=True)
        return [
            _leading(replace(axis, input_size=size), outputs, self.padding_mode, self.overlaps)
            for axis, size, outputs in read
        ]

    def _channels(self) -> Array:
        """Return for every channel of the input what leads there."""
        return _turned_round(self.channels, self.bias.shape[1])

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the weights and outputs that lead to each pixel, both 0 where fewer do than elsewhere."""
        n, c, *h = places
        if 0 in self.weight.shape or 0 in self.output.shape:
            nothing = np.zeros((len(n), 0), self.bias.dtype)
            return nothing, nothing
        last = (1,) * self.rank
        image = self.images[n].reshape(-1, 1, *last)
        o, channel = (pairs.reshape(len(c), -1, *last) for pairs in np.moveaxis(self._channels()[c], -1, 0))
        lead = (o >= 0) & self._is_summed(*h).reshape(-1, 1, *last)
        outputs, taps = [], []
        for place, (pairs, pixel) in enumerate(zip(self._leads(), h, strict=True)):
            p, k = (along(numbers, place, self.rank) for numbers in np.moveaxis(pairs[pixel], -1, 0))
            lead = lead & (p >= 0)
            outputs.append(p)
            taps.append(k)
        weights = np.where(lead, self.weight[o, channel, *taps], 0)
        return weights, np.where(lead, self.output[image, o, *outputs], 0)

    def _added(self, *places: Array) -> Array:
        bias = self.bias[places[0], places[1]]
        if self.beyond == "reached":
            reached = [
                (pairs[pixel, :, 0] >= 0).any(axis=1) for pairs, pixel in zip(self._leads(), places[2:], strict=True)
            ]
            return np.where(np.logical_and.reduce(reached), bias, 0)
        return np.where(self._is_summed(*places[2:]), bias, 0) if self.beyond == "zeros" else bias

    def _is_summed(self, *pixels: Array) -> Array:
        """Whether each pixel is a sum of products at all."""
        if self.beyond in ("sums", "reached"):
            return np.ones(len(pixels[0]), bool)
        stop = np.array(self.size) - self.extras
        return np.asarray((np.stack(pixels, axis=1) < stop).all(axis=1))


@dataclass(frozen=True, slots=True)
class Transposed(InputAdjoint):
    """The same, as the output of a transposed convolution: with a bias, and an output padding."""

    adds_bias: ClassVar[bool] = True
    given: tuple[int, ...] = ()  # of a SAME padding: E as it was given, less than there is where SAME adds more


@dataclass(frozen=True, slots=True)
class WeightAdjoint(Reading):
    """The weight is asked for: the gradient with respect to it."""

    factors: ClassVar[tuple[str, str]] = ("input", "output")
    adds_bias: ClassVar[bool] = False
    outer: ClassVar[tuple[str, str]] = ("output channels", "input channels")
    inner: ClassVar[tuple[str, str, str]] = ("kernel planes", "kernel rows", "kernel columns")
    letters: ClassVar[Mapping[int, str]] = {1: "OIK", 2: "OIHW", 3: "OIZHW"}
    grouped: ClassVar[int] = 0

    @property
    def products(self) -> int:
        """``N·P·Q``."""
        return len(self.output) * math.prod(self.output.shape[2:])

    def natural_size(self, axis: AxisGeometry, place: int) -> int:
        """``floor((H + T + B − (S·(P − 1) + 1)) / D) + 1``: the taps whose pixels there are, for every output."""
        outputs: int = self.output.shape[2 + place]
        return (axis.padded_size - (axis.stride * (outputs - 1) + 1)) // axis.dilation + 1

    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the pixels that each tap reads, 0 in the padding, and what arrives at the outputs."""
        o, c, *k = places
        outputs = np.moveaxis(self.output[:, o], 1, 0)
        if 0 in self.input.shape:
            return np.zeros(outputs.shape, self.input.dtype), outputs
        last = (1,) * self.rank
        image, channel = self.images.reshape(1, -1, *last), self.channels[o, c].reshape(-1, 1, *last)
        read = zip(self.axes, self.size, self.output.shape[2:], k, strict=True)
        pixels = [
            along(table(replace(axis, kernel_size=taps), size, self.padding_mode).T[tap], place, self.rank)
            for place, (axis, taps, size, tap) in enumerate(read)
        ]
        return np.broadcast_to(_looked_up(self.input, (image, channel), pixels)[0], outputs.shape), outputs


@dataclass(frozen=True, slots=True)
class TransposedInput(Convolution):
    """The output is asked for, as the gradient of a transposed convolution with respect to its input."""

    adds_bias: ClassVar[bool] = False
    letters: ClassVar[Mapping[int, str]] = {1: "NCP", 2: "NCPQ", 3: "NCRPQ"}


@dataclass(frozen=True, slots=True)
class TransposedWeight(WeightAdjoint):
    """The weight is asked for, which a transposed convolution has the other way round: (C, O/G, *K)."""

    outer: ClassVar[tuple[str, str]] = ("input channels", "output channels")
    letters: ClassVar[Mapping[int, str]] = {1: "IOK", 2: "IOHW", 3: "IOZHW"}


def _looked_up(input: Array, outer: tuple[Array, Array], pixels: list[Array]) -> tuple[Array, Array]:
    """Return the numbers at some pixels, 0 where one is −1, and where none is."""
    inside = np.ones((1,) * pixels[0].ndim, bool)
    for axis in pixels:
        inside = inside & (axis >= 0)
    return np.where(inside, input[*outer, *pixels], 0), inside


@lru_cache(maxsize=256)
def _leading(axis: AxisGeometry, outputs: int, padding_mode: str, overlaps: str) -> Array:
    """Return what leads to each pixel, (H, most, 2): outputs p and taps k; −1 where fewer do."""
    if overlaps == "wrapped":
        earlier = replace(axis, padding=(axis.padding[0] + axis.stride * outputs, axis.padding[1]))
        found = _turned_round(table(earlier, 2 * outputs, padding_mode), axis.input_size)
        return np.where(found >= outputs, found - np.array([outputs, 0]), found)
    if overlaps == "rounded" and axis.stride > 1:
        offset = (
            np.arange(axis.input_size)[:, np.newaxis] + axis.padding[0] - axis.dilation * np.arange(axis.kernel_size)
        )
        pairs = np.stack([offset // axis.stride, np.broadcast_to(np.arange(axis.kernel_size), offset.shape)], axis=-1)
        return np.where(((offset >= 0) & (pairs[..., 0] < outputs))[..., np.newaxis], pairs, -1)
    pixels = table(axis, outputs, padding_mode)
    if overlaps in ("added", "rounded"):
        return _turned_round(pixels, axis.input_size)
    written = pixels if overlaps == "window" else pixels.T
    last = _turned_round(written, axis.input_size, last=True)
    return last if overlaps == "window" else last[..., ::-1]


def _turned_round(leads_to: Array, size: int, *, last: bool = False) -> Array:
    """Return for each of the numbers below `size` where in a matrix it stands, (size, most, 2); −1 where less often.

    Of [[0, 2], [2, −1]] and 3 numbers: 0 stands at (0, 0), 1 nowhere, 2 at (0, 1) and at (1, 0).
    """
    first, second = np.nonzero(leads_to >= 0)
    target = leads_to[first, second]
    order = np.argsort(target, kind="stable")
    counts = np.bincount(target, minlength=size)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full((size, int(counts.max(initial=1)), 2), -1, np.intp)
    found[target[order], rank, 0], found[target[order], rank, 1] = first[order], second[order]
    if last:
        return found[np.arange(size), np.maximum(counts - 1, 0)][:, np.newaxis]
    return found
