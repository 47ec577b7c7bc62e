"""Honest convolutions of other arithmetics than a plain sum's, and what may be done to a right or a wrong one.

Each takes conv2d's arguments; how it sums is its own, and nothing is shared with refconv but the reading of parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from mutants import Array, Layer, columns, kernel

Body = Callable[[Layer], Array]
DIRECT = (1, 1), (1, 1)
BT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2
AT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def terms_of(layer: Layer, dtype: Any) -> tuple[Array, Array]:
    """Return pixels (N, G, 1, n, P·Q) and weights (G, O/G, n, 1): their products are what an output adds up."""
    cols = columns(layer, layer.size)
    n, *_, p, q = cols.shape
    g, o, terms = layer.groups, len(layer.w), int(np.prod(layer.w.shape[1:]))
    return cols.reshape(n, g, 1, terms, p * q).astype(dtype), layer.w.reshape(g, o // g, terms, 1).astype(dtype)


def shaped(layer: Layer, sums: Array) -> Array:
    """Return sums (N, G, O/G, P·Q) as an output, with the bias."""
    output = sums.reshape(len(layer.x), len(layer.w), *layer.size)
    return output.astype(np.float64) + layer.b[:, None, None]


def summed(layer: Layer, dtype: Any, order: Callable[[int], Any] = range) -> Array:
    """Add the products one by one in a type."""
    pixels, weights = terms_of(layer, dtype)
    total = np.zeros(np.broadcast_shapes(pixels.sum(axis=3).shape, weights.sum(axis=2).shape), dtype)
    for k in order(pixels.shape[3]):
        total = total + (pixels[:, :, :, k] * weights[:, :, k]).astype(dtype)
    return total


def split_k(layer: Layer) -> Array:
    """Four sums of every fourth product in float32, added up last."""
    parts = [summed(layer, np.float32, lambda n, first=first: range(first, n, 4)) for first in range(4)]  # type: ignore[misc]
    return shaped(layer, (parts[3] + parts[1]) + (parts[2] + parts[0]))


def kahan(layer: Layer) -> Array:
    """A compensated float32 sum."""
    pixels, weights = terms_of(layer, np.float32)
    total = lost = np.zeros(np.broadcast_shapes(pixels.sum(axis=3).shape, weights.sum(axis=2).shape), np.float32)
    for k in range(pixels.shape[3]):
        product = pixels[:, :, :, k] * weights[:, :, k] - lost
        moved = total + product
        total, lost = moved, (moved - total) - product
    finite = np.isfinite(lost)
    return shaped(layer, np.where(finite, total, summed(layer, np.float32)))


def fp16_sums(layer: Layer) -> Array:
    return shaped(layer, summed(layer, np.float16))


def bf16_sums(layer: Layer) -> Array:
    """Each partial sum is stored in the result as bfloat16."""
    pixels, weights = terms_of(layer, np.float32)
    total = np.zeros(np.broadcast_shapes(pixels.sum(axis=3).shape, weights.sum(axis=2).shape), np.float32)
    for k in range(pixels.shape[3]):
        total = to_bits(total + pixels[:, :, :, k] * weights[:, :, k], 16)
    return shaped(layer, total)


def to_bits(values: Array, dropped: int, *, cut: bool = False) -> Array:
    """Round float32 to nearest, ties to even, without its last bits; or cut them off."""
    bits = values.astype(np.float32).view(np.uint32)
    half = np.uint32(0 if cut else (1 << (dropped - 1)) - 1) + (
        np.uint32(0) if cut else (bits >> np.uint32(dropped)) & np.uint32(1)
    )
    narrow = ((bits + half) & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32)
    return np.where(np.isfinite(values), narrow, values)


def of_narrow_inputs(dropped: int, *, cut: bool = False, channels: int = 1) -> Body:
    def body(layer: Layer) -> Array:
        if layer.w.shape[1] % channels:
            return shaped(layer, summed(layer, np.float64))
        narrow = replace(layer, x=to_bits(layer.x, dropped, cut=cut), w=to_bits(layer.w, dropped, cut=cut))
        return shaped(layer, summed(narrow, np.float64))

    return body


tf32, tf32_truncating, bf16_inputs = of_narrow_inputs(13), of_narrow_inputs(13, cut=True), of_narrow_inputs(16)
tf32_where_channels_are_eights = of_narrow_inputs(13, channels=8)


def single(layer: Layer) -> Array:
    """Everything in float32, whatever the type."""
    return shaped(layer, summed(layer, np.float32))


def winograd2(dtype: Any) -> Body:
    """F(2×2, 3×3) in a type, transforms included; what it does not compute is summed."""

    def body(layer: Layer) -> Array:
        is_finite = np.isfinite(layer.x).all() and np.isfinite(layer.w).all()
        if layer.taps != (3, 3) or (layer.stride, layer.dilation) != DIRECT or not is_finite:
            return shaped(layer, summed(layer, np.float64))
        p, q = layer.size
        rows, cols = -(-p // 2), -(-q // 2)
        pads = [
            (before, 2 * tiles + 2 - before - n)
            for (before, _), tiles, n in zip(layer.sides, (rows, cols), layer.x.shape[2:], strict=True)
        ]
        x = np.pad(layer.x, ((0, 0), (0, 0), *((a, max(0, b)) for a, b in pads))).astype(dtype)
        bt, g, at = (matrix.astype(dtype) for matrix in (BT, G, AT))
        groups, each = layer.groups, layer.w.shape[1]
        weights = (g @ layer.w.astype(dtype) @ g.T).reshape(groups, -1, each, 4, 4)
        y = np.zeros((len(x), len(layer.w), 2 * rows, 2 * cols), dtype)
        for r, c in np.ndindex(rows, cols):
            tile = bt @ x[:, :, 2 * r : 2 * r + 4, 2 * c : 2 * c + 4] @ bt.T
            tile = tile.reshape(len(x), groups, 1, each, 4, 4)
            total = np.zeros((len(x), groups, weights.shape[1], 4, 4), dtype)
            for k in range(each):
                total = total + weights[:, :, k] * tile[:, :, :, k]
            y[:, :, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2] = (at @ total @ at.T).reshape(len(x), -1, 2, 2)
        return y[:, :, :p, :q].astype(np.float64) + layer.b[:, None, None]

    return body


def fourier(dtype: Any) -> Body:
    """Whole images and kernels are transformed, in a type of complex numbers."""

    def body(layer: Layer) -> Array:
        from scipy import fft  # noqa: PLC0415  # NumPy's would be in double precision

        if not layer.x.size:
            return shaped(layer, summed(layer, np.float64))
        (s_h, s_w), (d_h, d_w), (k_h, k_w), (p, q) = layer.stride, layer.dilation, layer.taps, layer.size
        x = np.pad(layer.x, ((0, 0), (0, 0), *layer.sides)).astype(dtype)
        w = np.zeros((*layer.w.shape[:2], d_h * (k_h - 1) + 1, d_w * (k_w - 1) + 1), dtype)
        w[:, :, ::d_h, ::d_w] = layer.w
        size = [a + b - 1 for a, b in zip(x.shape[2:], w.shape[2:], strict=True)]
        pixels = fft.rfft2(x, size)
        pixels = pixels.reshape(len(x), layer.groups, w.shape[1], *pixels.shape[2:])
        taps = np.conj(fft.rfft2(w, size)).reshape(layer.groups, -1, w.shape[1], *pixels.shape[3:])
        y = fft.irfft2(np.einsum("ngcab,gocab->ngoab", pixels, taps), size).reshape(len(x), len(layer.w), *size)
        sums: Array = y[:, :, : s_h * (p - 1) + 1 : s_h, : s_w * (q - 1) + 1 : s_w].astype(np.float64)
        return sums + layer.b[:, None, None]

    return body


def of_types(*names: str) -> Callable[[Body], Callable[..., Array]]:
    """Make conv2d of a body, for results of these types alone."""

    def wrapped(body: Body) -> Callable[..., Array]:
        whole = kernel(body)

        def conv2d(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Array:
            if input.dtype.name not in names:
                raise NotImplementedError(f"for {names[0]}")
            return whole(input, weight, bias, stride, padding, dilation, groups)

        return conv2d

    return wrapped
