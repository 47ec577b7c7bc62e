"""The three sums by the formula, with the padding written out, for any number of axes: nothing of refconv is in it.

A convolution connects an input x (N, C, *H), a weight w (O, C/G, *K) and an output y (N, O, *P).  Two of the three are
given, and one is asked for.  The numbers may be of any type that adds and multiplies, so that the truth of floats is had
in fractions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from arrays import Array

NUMPY_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
MODES = ("zeros", *NUMPY_MODES)

Parameters = Mapping[str, Any]


def sources(size: int, sides: tuple[int, int], mode: str) -> list[int]:
    """Return, for every place of a padded axis, the pixel that stands there; −1 for a zero."""
    before, after = sides
    if mode != "zeros":
        pixels: list[int] = np.pad(np.arange(size), sides, NUMPY_MODES[mode]).tolist()
        return pixels
    return [place if 0 <= place < size else -1 for place in range(-before, size + after)]


def padded(x: Array, padding: Sequence[tuple[int, int]], mode: str = "zeros") -> Array:
    """Return x with the padding around it; a negative number of pixels is cut off."""
    for axis, sides in enumerate(padding, start=2):
        found = sources(x.shape[axis], sides, mode)
        zeros = np.zeros((*x.shape[:axis], len(found), *x.shape[axis + 1 :]), x.dtype)
        for place, source in enumerate(found):
            if source >= 0:
                zeros[(slice(None),) * axis + (place,)] = x.take(source, axis)
        x = zeros
    return x


class Tap(NamedTuple):
    """A tap of a kernel: its place in the weight, the channel that it reads, and where every output reads it."""

    o: int
    c: int
    k: tuple[int, ...]
    channel: int
    places: tuple[Any, ...]


def taps(w_shape: Sequence[int], y_shape: Sequence[int], parameters: Parameters) -> Iterator[Tap]:
    """Yield all taps of all kernels."""
    out_channels, each, *kernel = w_shape
    for o, c, *k in np.ndindex(out_channels, each, *kernel):
        steps = zip(k, parameters["dilation"], parameters["stride"], y_shape[2:], strict=True)
        places = tuple(slice(d * tap, d * tap + s * (p - 1) + 1, s) for tap, d, s, p in steps)
        group = o // (out_channels // parameters["groups"])
        yield Tap(o, c, tuple(k), each * group + c, places)


def output_shape(x_shape: Sequence[int], w_shape: Sequence[int], parameters: Parameters) -> tuple[int, ...]:
    """Return (N, O, *P)."""
    names = ("stride", "padding", "dilation")
    steps = zip(x_shape[2:], w_shape[2:], *(parameters[name] for name in names), strict=True)
    sizes = ((size + sum(sides) - d * (kernel - 1) - 1) // s + 1 for size, kernel, s, sides, d in steps)
    return x_shape[0], w_shape[0], *sizes


def convolution(x: Array, w: Array, parameters: Parameters) -> Array:
    """Return the output (N, O, *P)."""
    pixels = padded(x, parameters["padding"], parameters.get("padding_mode", "zeros"))
    output = np.zeros(output_shape(x.shape, w.shape, parameters), np.result_type(x, w))
    for o, c, k, channel, places in taps(w.shape, output.shape, parameters):
        output[:, o] += w[(o, c, *k)] * pixels[(slice(None), channel, *places)]
    return output


def input_adjoint(x_shape: Sequence[int], w: Array, y: Array, parameters: Parameters) -> Array:
    """Return what of y comes back to the pixels (N, C, *H)."""
    sides, mode = parameters["padding"], parameters.get("padding_mode", "zeros")
    spread = np.zeros(padded(np.zeros(x_shape, bool), sides).shape, np.result_type(w, y))
    for o, c, k, channel, places in taps(w.shape, y.shape, parameters):
        spread[(slice(None), channel, *places)] += w[(o, c, *k)] * y[:, o]
    for axis, (size, pair) in enumerate(zip(x_shape[2:], sides, strict=True), start=2):
        home = np.zeros((*spread.shape[:axis], size, *spread.shape[axis + 1 :]), spread.dtype)
        for place, source in enumerate(sources(size, pair, mode)):
            if source >= 0:
                home[(slice(None),) * axis + (source,)] += spread.take(place, axis)
        spread = home
    return spread


def weight_adjoint(x: Array, w_shape: Sequence[int], y: Array, parameters: Parameters) -> Array:
    """Return what of y comes to the taps (O, C/G, *K)."""
    pixels = padded(x, parameters["padding"], parameters.get("padding_mode", "zeros"))
    weight = np.zeros(tuple(w_shape), np.result_type(x, y))
    for o, c, k, channel, places in taps(w_shape, y.shape, parameters):
        weight[(o, c, *k)] = (pixels[(slice(None), channel, *places)] * y[:, o]).sum()
    return weight


def bias_adjoint(y: Array) -> Array:
    """Return the sum of each channel, (O,)."""
    return np.asarray(y.sum(axis=(0, *range(2, y.ndim))))
