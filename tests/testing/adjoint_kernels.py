"""Transposed convolutions and gradients taken apart, for `adjoint_mutants` to put together rightly and wrongly.

A transposed convolution and a gradient with respect to the input scatter what arrives at the outputs of a layer: one
function of a `Scatter` does for both.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mutants import Array, Layer, columns, planned, resolve, rounded_like, run, widened

Pair = tuple[int, int]


@dataclass(frozen=True)
class Scatter:
    """What arrives at a layer's outputs, (N, O, P, Q), and is to be scattered to its (N, C, H, W)."""

    g: Array
    w: Array
    b: Array
    stride: Pair
    sides: tuple[Pair, ...]
    dilation: Pair
    groups: int
    size: Pair
    extra: Pair = (0, 0)

    @property
    def before(self) -> Pair:
        (top, _), (left, _) = self.sides
        return top, left

    @property
    def reach(self) -> Pair:
        """All that a pixel is scattered to, before anything is cropped."""
        h, w = reach(self.g.shape[2:], self.w.shape[2:], self.stride, self.dilation)
        return h, w

    @property
    def natural(self) -> Pair:
        """The size that follows from the parameters."""
        h, w = (r + e - sum(pad) for r, e, pad in zip(self.reach, self.extra, self.sides, strict=True))
        return h, w


def reach(pixels: Sequence[int], taps: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[int]:
    return [s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(pixels, taps, stride, dilation, strict=True)]


def transposed(body: Callable[[Scatter], Array]) -> Callable[..., Array]:
    """Make conv_transpose2d of a function of a scatter: check, widen, round once."""

    @functools.wraps(body)
    def conv_transpose2d(
        input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any
    ) -> Array:
        g, w = widened(input, weight)
        if isinstance(padding, str):
            raise NotImplementedError("padding in numbers alone")
        if g.ndim not in (3, 4) or w.ndim != 4 or min(g.shape[-2:]) < 1:
            raise ValueError("not a transposed convolution")
        limits = zip(output_padding, stride, dilation, strict=True)
        if len(w) != g.shape[-3] or not all(0 <= e < max(s, d) for e, s, d in limits):
            raise ValueError("shapes do not fit")
        channels, sides = groups * w.shape[1], resolve(g, w, padding, stride, dilation)
        b = np.zeros(channels) if bias is None else np.asarray(bias, np.float64)
        batched = g if g.ndim == 4 else g[None]
        scatter = Scatter(batched, w, b, stride, sides, dilation, groups, (0, 0), output_padding)
        planned(zeros(len(batched), channels, *scatter.natural), w, zeros(len(w)), stride, sides, dilation, groups)
        if b.shape != (channels,) or min(scatter.natural) < 1:
            raise ValueError("sizes do not fit")
        with np.errstate(all="ignore"):
            output = rounded_like(body(replace(scatter, size=scatter.natural)), input)
        return output if g.ndim == 4 else output[0]

    return conv_transpose2d


def input_gradient(body: Callable[[Scatter], Array]) -> Callable[..., Array]:
    """Make conv2d_input of a function of a scatter."""

    @functools.wraps(body)
    def conv2d_input(
        input_size: Any, weight: Any, grad_output: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Array:
        w, g = widened(weight, grad_output)
        layer = planned(zeros(*input_size), w, zeros(len(w)), stride, padding, dilation, groups)
        batched = arriving(g, len(input_size), layer)
        size, channels = layer.x.shape[2:], layer.x.shape[1]
        scatter = Scatter(batched, w, zeros(channels), stride, layer.sides, dilation, groups, (size[0], size[1]))
        with np.errstate(all="ignore"):
            gradient = rounded_like(body(scatter), weight)
        return gradient if g.ndim == 4 else gradient[0]

    return conv2d_input


def weight_gradient(body: Callable[[Layer, Array], Array]) -> Callable[..., Array]:
    """Make conv2d_weight of a function of a layer, whose weight is not known, and of what arrives at its outputs."""

    @functools.wraps(body)
    def conv2d_weight(
        input: Any, weight_size: Any, grad_output: Any, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Array:
        x, g = widened(input, grad_output)
        layer = planned(x, zeros(*weight_size), zeros(weight_size[0]), stride, padding, dilation, groups)
        with np.errstate(all="ignore"):
            return rounded_like(body(layer, arriving(g, x.ndim, layer)), input)

    return conv2d_weight


def zeros(*shape: int) -> Array:
    """Return an array for its shape alone."""
    return np.broadcast_to(np.zeros(()), shape)


def arriving(g: Array, rank: int, layer: Layer) -> Array:
    batched = g if rank == 4 else g[None]
    if batched.shape != (len(layer.x), len(layer.w), *layer.size):
        raise ValueError("grad_output does not fit")
    return batched


def products(s: Scatter) -> Array:
    """Multiply every pixel with its kernels: (N, C, K_h, K_w, P, Q)."""
    n, o, p, q = s.g.shape
    _, each, k_h, k_w = s.w.shape
    kernels = s.w.reshape(s.groups, o // s.groups, each * k_h * k_w).swapaxes(1, 2)
    pixels: Array = np.matmul(kernels, s.g.reshape(n, s.groups, o // s.groups, p * q))
    return pixels.reshape(n, s.groups * each, k_h, k_w, p, q)


def cropped(s: Scatter, canvas: Array, before: Pair | None = None) -> Array:
    """Take the canvas from so many pixels before its first one: where it ends, zeros follow, and the bias is added."""
    top, left = s.before if before is None else before
    room = [(max(0, -t), max(0, t + n - m)) for t, n, m in zip((top, left), s.size, canvas.shape[2:], strict=True)]
    top, left = max(0, top), max(0, left)
    larger = np.pad(canvas, ((0, 0), (0, 0), *room))
    return larger[:, :, top : top + s.size[0], left : left + s.size[1]] + s.b[:, None, None]


def canvas(s: Scatter) -> Array:
    """Scatter every pixel through the kernel, tap by tap."""
    (s_h, s_w), (d_h, d_w), (p, q) = s.stride, s.dilation, s.g.shape[2:]
    each = products(s)
    full = np.zeros((*each.shape[:2], *s.reach))
    for i, j in np.ndindex(each.shape[2:4]):
        rows, cols = d_h * i, d_w * j
        full[:, :, rows : rows + s_h * p : s_h, cols : cols + s_w * q : s_w] += each[:, :, i, j]
    return full


def spread(s: Scatter, **changes: Any) -> Array:
    """The right kernel, with other parameters than asked for, but the output size that was."""
    changed = replace(s, **changes)
    return cropped(changed, canvas(changed))


def flipped(w: Array) -> Array:
    return w[:, :, ::-1, ::-1]


def as_convolution(s: Scatter, before: Pair | None = None) -> Array:
    """Convolve the stuffed pixels, padded by D·(K − 1) − T, with the kernels turned round, at stride 1."""
    if not np.isfinite(s.w).all():
        raise NotImplementedError("what is not finite meets the zeros between the pixels")
    (n, o, p, q), (_, each, k_h, k_w), (s_h, s_w) = s.g.shape, s.w.shape, s.stride
    stuffed = np.zeros((n, o, s_h * (p - 1) + 1, s_w * (q - 1) + 1))
    stuffed[:, :, ::s_h, ::s_w] = s.g
    turned = [d * (k - 1) - t for d, k, t in zip(s.dilation, (k_h, k_w), s.before, strict=True)]
    top, left = turned if before is None else before
    by_output = flipped(s.w).reshape(s.groups, o // s.groups, each, k_h, k_w).swapaxes(1, 2)
    w, sides = by_output.reshape(len(s.b), o // s.groups, k_h, k_w), ((max(0, top), 0), (max(0, left), 0))
    pixels = stuffed[:, :, max(0, -top) :, max(0, -left) :]
    return run(Layer(pixels, w, s.b, (1, 1), sides, s.dilation, s.groups, ""), s.size)


def by_image(layer: Layer, g: Array, **changes: Any) -> Array:
    """Multiply what arrives with the columns of each image: (N, O, C/G, K_h, K_w), of another layer than asked for."""
    (n, o, p, q), groups = g.shape, layer.groups
    cols = columns(replace(layer, **changes), layer.size)
    taps = cols.reshape(n, groups, math.prod(layer.w.shape[1:]), p * q).swapaxes(2, 3)
    products: Array = np.matmul(g.reshape(n, groups, o // groups, p * q), taps)
    return products.reshape(n, *layer.w.shape)


def added_up(images: Array) -> Array:
    total: Array = images.sum(axis=0)
    return total


def correlate(layer: Layer, g: Array, **changes: Any) -> Array:
    """The right gradient of the weight, of another layer than asked for, at the outputs that there are."""
    return added_up(by_image(layer, g, **changes))


def exchanged(layer: Layer, g: Array, group: int) -> Layer:
    """Take images for channels, channels for images, what arrives for the kernel, and stride for dilation."""
    each_in, each_out = layer.w.shape[1], len(layer.w) // layer.groups
    x = layer.x[:, group * each_in : (group + 1) * each_in].swapaxes(0, 1)
    w = g[:, group * each_out : (group + 1) * each_out].swapaxes(0, 1)
    return Layer(x, w, np.zeros(each_out), layer.dilation, layer.sides, layer.stride, 1, "")
