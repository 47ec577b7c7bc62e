"""Convolutions of 8-bit numbers as somebody writes them, right and wrong, over a padded image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def summed(x: Array, w: Array, zx: int, zw: Array, steps: tuple[Any, ...], *, pad_with: int, pairs: bool) -> Array:
    (s_h, s_w), padding, (d_h, d_w), groups = steps
    if isinstance(padding, str) or x.ndim != 4:
        raise NotImplementedError("numbers and batches only")
    sides = [side if isinstance(side, tuple) else (side, side) for side in padding]
    image = np.pad(x.astype(np.int64), [(0, 0), (0, 0), *sides], constant_values=pad_with)
    (outputs, each, k_h, k_w), kernels = w.shape, w.astype(np.int64)
    p, q = (image.shape[2] - d_h * (k_h - 1) - 1) // s_h + 1, (image.shape[3] - d_w * (k_w - 1) - 1) // s_w + 1
    if min(p, q, groups) < 1 or each * groups != x.shape[1] or outputs % groups:
        raise ValueError("these do not fit")
    result = np.zeros((len(x), outputs, p, q), np.int64)
    for o in range(outputs):
        first, zero = o // (outputs // groups) * each, int(zw[o])
        columns = np.stack(
            [
                image[
                    :,
                    first + c,
                    d_h * i : d_h * i + s_h * (p - 1) + 1 : s_h,
                    d_w * j : d_w * j + s_w * (q - 1) + 1 : s_w,
                ]
                for c, i, j in np.ndindex(each, k_h, k_w)
            ],
            axis=1,
        )
        taps = kernels[o].reshape(1, -1, 1, 1)
        if pairs:  # unsigned with signed, and the zero points taken off at the end
            offset = 128 if x.dtype == np.int8 else 0
            products = (columns + offset) * taps
            products = np.pad(products, [(0, 0), (0, products.shape[1] % 2), (0, 0), (0, 0)])
            total = np.clip(products[:, ::2] + products[:, 1::2], -(2**15), 2**15 - 1).sum(axis=1)
            total = total - (zx + offset) * taps.sum() - zero * (columns - zx).sum(axis=1)
        else:
            total = ((columns - zx) * (taps - zero)).sum(axis=1)
        result[:, o] = total
    return result


def integer(wrong: str = "") -> Callable[..., Array]:
    def kernel(x: Array, w: Array, zx: Array, zw: Array, *steps: Any) -> Array:
        zx, zw = (0 * zx if wrong == "no Z_x" else zx), (0 * zw if wrong == "no Z_w" else zw)
        zeros = np.broadcast_to(np.int64(zw), len(w))
        pad_with = 0 if wrong == "padded with 0" else int(zx)
        return summed(x, w, int(zx), zeros, steps, pad_with=pad_with, pairs=wrong == "pairs").astype(np.int32)

    return kernel


ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "cut off": np.trunc,
    "down": np.floor,
    "half up": lambda product: np.floor(product + 0.5),
    "half away": lambda product: np.sign(product) * np.floor(np.abs(product) + 0.5),
}


def quantized(wrong: str = "") -> Callable[..., Array]:
    sums = integer(wrong)

    def kernel(
        x: Array, sx: Array, zx: Array, w: Array, sw: Array, zw: Array, sy: Array, zy: Array, bias: Any, *steps: Any
    ) -> Array:
        multiplier = np.broadcast_to(sx.astype(np.float64) * sw / sy, len(w))
        multiplier = (np.broadcast_to(multiplier[0], len(w)) if wrong == "one scale" else multiplier).reshape(-1, 1, 1)
        total = sums(x, w, zx, zw, *steps).astype(np.int64)
        added = 0 if bias is None else bias.astype(np.int64).reshape(-1, 1, 1)
        late = added if wrong == "bias late" else 0
        product = (total + (added - late)) * multiplier
        if wrong == "float32":
            product = ((total + added).astype(np.float32) * multiplier.astype(np.float32)).astype(np.float64)
        zero = 0 if wrong == "no Z_y" else int(zy)
        if wrong == "Z_y first":
            numbers = np.rint(product + zero)
        else:
            numbers = ROUNDINGS.get(wrong, np.rint)(product) + late + zero
        limits = np.iinfo(x.dtype)
        least = {"relu at Z_y": int(zy), "relu at 0": max(0, limits.min)}.get(wrong, limits.min)
        whole = numbers.astype(np.int64)
        return (whole if wrong == "wraps" else np.clip(whole, least, limits.max)).astype(x.dtype)

    return kernel


KERNELS = {"conv2d_integer": integer, "conv2d_quantized": quantized}


def kernel_of(op: str, wrong: str = "") -> Callable[..., Array]:
    """Return the kernel of an operation with this mistake."""
    return KERNELS[op](wrong)
