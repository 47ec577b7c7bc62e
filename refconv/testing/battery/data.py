"""Seeded numbers that are the same on every machine, and what becomes of them where a case asks for certain ones.

Only the raw 64-bit stream of PCG64, which NumPy promises never to change, integer arithmetic and one correctly rounded
conversion are used: no libm, whose last digits differ between machines, and no distribution of NumPy's, whose stream
may.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import cycle
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from refconv.numbers.formats import Array, float_info

LARGEST: Final = 32  # of exact data, as in oneDNN's tests
CHUNK: Final = 1 << 13  # numbers that are drawn at a time, so that a large array takes no memory but its own


def integers(bits: np.random.PCG64, shape: tuple[int, ...], magnitude: int, dtype: npt.DTypeLike = np.float64) -> Array:
    """Return whole numbers from −magnitude to magnitude, zero excepted: a tap that is lost is then always seen."""

    def drawn(raw: Array) -> Array:
        values = (raw % np.uint64(2 * magnitude)).astype(np.int64) - magnitude
        return values + (values >= 0)

    return _filled(bits, shape, drawn, dtype)


def uniforms(bits: np.random.PCG64, shape: tuple[int, ...], fan_in: int, dtype: npt.DTypeLike = np.float64) -> Array:
    """Return numbers from 0 to 1; where there is a fan in, from −1/√fan_in to 1/√fan_in, as PyTorch begins with."""

    def drawn(raw: Array) -> Array:
        numbers = (raw >> np.uint64(40)).astype(np.float64) * 2.0**-24
        return (2 * numbers - 1) / math.sqrt(fan_in) if fan_in else numbers

    return _filled(bits, shape, drawn, dtype)


def _filled(
    bits: np.random.PCG64, shape: tuple[int, ...], drawn: Callable[[Array], Array], dtype: npt.DTypeLike
) -> Array:
    """Fill an array with what becomes of one raw number each."""
    values = np.empty(math.prod(shape), dtype)
    for start in range(0, values.size, CHUNK):
        part = values[start : start + CHUNK]
        part[...] = drawn(_raw(bits, part.size))
    return values.reshape(shape)


def normals(bits: np.random.PCG64, shape: tuple[int, ...]) -> Array:
    """Return normal numbers of mean 0 and variance 1, as the sum of twelve uniform ones less 6 (Irwin–Hall).

    Each uniform number is a multiple of 2^−40, so that float64 holds the sum exactly.
    """
    total = np.full(shape, -6.0)
    for _ in range(12):
        total += (_raw(bits, total.size) >> np.uint64(24)).reshape(shape) * 2.0**-40
    return total


def raw_numbers(bits: np.random.PCG64, shape: tuple[int, ...]) -> Array:
    """Return whole numbers from 0 to 2^32 − 1, to be brought into any range."""
    return (_raw(bits, math.prod(shape)) >> np.uint64(32)).astype(np.int64).reshape(shape)


def _raw(bits: np.random.PCG64, count: int) -> Array:
    return np.asarray(bits.random_raw(count), dtype=np.uint64)


def exact_magnitude(terms: int, digits: int) -> int:
    """Return the largest magnitude, 32 at most, of whole numbers of which `terms` products and a bias add up exactly.

    A sum of `terms` products and a number is at most ``terms·m² + m <= (terms + 1)·m²``; a type of `digits` binary
    digits holds every whole number up to ``2^digits``, and so every partial sum, in any order.  0 if there is none.
    """
    return min(LARGEST, math.isqrt(2**digits // (terms + 1)))


def _hide_nan(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Put one NaN amid the input: it belongs in every output that reads it, and in no other."""
    if image.size:
        image[tuple(size // 2 for size in image.shape)] = np.nan


def _hide_infinities(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Put both infinities into the input: where they meet, the sum is NaN in any order."""
    image.flat[image.size // 2] = np.inf
    image.flat[image.size // 3] = -np.inf


def _cancel(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Make every second channel undo the one before it, so that only the bias is left."""
    channels = np.moveaxis(image, 1 - kernel.ndim, 0)
    channels[1::2] = channels[: len(channels) // 2 * 2 : 2]
    kernel[:, 1::2] = -kernel[:, : kernel.shape[1] // 2 * 2 : 2]


def _cancel_hugely(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:
    """Cancel terms 2^40 times as large as the bias."""
    _cancel(image, kernel, dtype)
    image *= 2.0**40


def _negate_zeros(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Leave of every pixel a zero of the opposite sign."""
    image *= -0.0


def _count(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Make everything 1: each output counts the taps that read a pixel, and the channels."""
    image[...] = kernel[...] = 1


def _read_through_one_tap(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Number the pixels, from 1, and leave each output channel one tap, the next one: an output names what it reads."""
    image[...] = np.arange(1, image.size + 1).reshape(image.shape)
    kernel[...] = 0
    for channel, tap in zip(kernel, cycle(np.ndindex(*kernel.shape[1:])), strict=False):
        channel[tap] = 1


def _shrink(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Make whole multiples of the least positive number of the input's numbers, so small that they are subnormal."""
    image *= float_info(dtype).smallest


def _hide_nan_in_kernel(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Put one NaN into the last kernel's first tap, which reads padding where there is any."""
    kernel[-1:].reshape(-1)[:1] = np.nan


def _hide_infinity_in_kernel(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Put an infinity there; no pixel is 0, so that its product with a real one is infinite."""
    kernel[-1:].reshape(-1)[:1] = np.inf


def _prune(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Leave one weight in four, and none in the last kernel: that need not be multiplied, but its bias stays."""
    kernel.reshape(-1)[np.arange(kernel.size) % 4 > 0] = 0
    kernel[-1:] = 0


def _shrink_kernel(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Make the kernel's numbers subnormal instead."""
    kernel *= float_info(dtype).smallest


def _overflow(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:
    """Scale pixels so that about half of all sums overflow; in every second kernel some terms have another sign.

    The mean of ``|x||w|`` is 2/π for normal numbers.
    """
    image[...], kernel[...] = np.abs(image), np.abs(kernel)
    most = max(1.0, 2 / np.pi * kernel[:1].size, float(image.max(initial=0)))
    image *= 2.0 ** np.floor(np.log2(float_info(dtype).largest / most))
    kernel[1::2, 1::2] *= -1


def _spread(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:  # noqa: ARG001
    """Scale pixels and taps by powers of two from 2^−12 to 2^12, in two orders: the largest terms drown the rest."""
    image *= 2.0 ** (np.arange(image.size).reshape(image.shape) * 7 % 25 - 12)
    kernel *= 2.0 ** (np.arange(kernel.size).reshape(kernel.shape) * 11 % 25 - 12)


def _take_extremes(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:
    """Take for each number the least or the largest of its type: by its sign or, where there is none, by its parity."""
    limits = np.iinfo(dtype)
    for array in (image, kernel):
        is_least = array < 0 if limits.min < 0 else array % 2 == 0
        array[...] = np.where(is_least, limits.min, limits.max)


def _leave(image: Array, kernel: Array, dtype: np.dtype[Any]) -> None:
    """Change nothing."""


DATA: Final[dict[str, Callable[[Array, Array, np.dtype[Any]], None]]] = {
    "exact": _leave,
    "real": _leave,
    "nan": _hide_nan,
    "inf": _hide_infinities,
    "zero": _cancel,
    "cancel": _cancel_hugely,
    "negzero": _negate_zeros,
    "ones": _count,
    "onetap": _read_through_one_tap,
    "subnormal": _shrink,
    "nanweight": _hide_nan_in_kernel,
    "infweight": _hide_infinity_in_kernel,
    "spread": _spread,
    "extreme": _take_extremes,
    "subnormalweight": _shrink_kernel,
    "pruned": _prune,
    "overflow": _overflow,
    "nanbias": _leave,
    "infbias": _leave,
    "zerobias": _leave,
    "uniform": _leave,
    **dict.fromkeys(("symmetric", "weightzero", "channelzero", "perchannel", "ties"), _leave),  # of 8-bit numbers
}
# What stands in the bias, again and again; None is a number as in any other bias.
BIASES: Final = {"nanbias": (math.nan, None), "infbias": (math.inf, None, -math.inf), "zerobias": (0.0, -0.0)}
ROUNDED: Final = ("real", "cancel", "spread", "overflow", "uniform")  # judged by the bound; others are exact
INTEGER_DATA: Final = ("exact", "extreme", "zero")
FLOAT_DATA: Final = tuple(word for word in DATA if word != "extreme")
# What a convolution alone has: the channels of an adjoint do not cancel like this, its zeros are not of padding, and
# what it multiplies with are not always kernels.
FORWARD_DATA: Final = ("zero", "cancel", "nanweight", "infweight", "pruned")
