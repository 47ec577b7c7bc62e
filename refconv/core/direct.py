"""The convolution and its two adjoints by the formula, letter by letter: what everything else is held against.

A convolution adds ``weight[k] · pixel[S·p + D·k − T]`` to the output p, for every tap k.  That line connects a pixel, a
tap and an output; each adjoint walks it in another direction.

    convolution       the pixel and the tap meet in the output
    input's adjoint   the output and the tap meet in the pixel: every output is scattered through the kernel
    weight's adjoint  the pixel and the output meet in the tap

p, k and h are tuples, one number for each axis.  Positions and taps are the outer loops, so that h is found once for
all images and channels: with these outermost, the loops read more like the formula and take three times as long.
Nothing is imported here but the plan, so that what goes wrong in windows, columns or parts cannot go wrong here too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.formats import Array


def convolution(input: Array, weight: Array, plan: ConvGeometry) -> Array:
    """Return (N, O, *P); a zero in the padding is multiplied like any pixel."""
    output = np.zeros(plan.output_shape, input.dtype)
    for p, k, h in _lines(plan):
        for n, o, c in np.ndindex(plan.batch, plan.out_channels, plan.group_in_channels):
            pixel = 0 if h is None else input[n, plan.input_channel(o, c), *h]
            output[n, o, *p] += weight[o, c, *k] * pixel
    return output


def input_adjoint(grad_output: Array, weight: Array, plan: ConvGeometry) -> Array:
    """Return (N, C, *H); what falls on a zero of the padding is dropped."""
    pixels = np.zeros(plan.input_shape, weight.dtype)
    for p, k, h in _lines(plan):
        if h is not None:
            for n, o, c in np.ndindex(plan.batch, plan.out_channels, plan.group_in_channels):
                pixels[n, plan.input_channel(o, c), *h] += weight[o, c, *k] * grad_output[n, o, *p]
    return pixels


def weight_adjoint(input: Array, grad_output: Array, plan: ConvGeometry) -> Array:
    """Return (O, C/G, *K); a zero in the padding is multiplied like any pixel."""
    taps = np.zeros(plan.weight_shape, input.dtype)
    for p, k, h in _lines(plan):
        for n, o, c in np.ndindex(plan.batch, plan.out_channels, plan.group_in_channels):
            pixel = 0 if h is None else input[n, plan.input_channel(o, c), *h]
            taps[o, c, *k] += pixel * grad_output[n, o, *p]
    return taps


def _lines(plan: ConvGeometry) -> Iterator[tuple[Index, Index, Index | None]]:
    """Yield every output p and tap k with h, the pixel between them: None where a zero of the padding stands."""
    for p in np.ndindex(*plan.output_size):
        for k in np.ndindex(*plan.kernel_size):
            yield p, k, plan.pixel(p, k)
