"""``refconv draw``: the window of a convolution slides over its input, as a GIF or an SVG that moves."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from refconv.analysis import Conv, ConvTranspose, Layers
from refconv.commands.analyze import image_size
from refconv.geometry.arguments import Pair
from refconv.geometry.build import PADDING_MODES
from refconv.plots import ConvAnimation, animate_conv

__all__ = ["register"]

MOST_PIXELS = 1024  # 32x32: half a minute to draw, and eight minutes to watch

_DESCRIPTION = (
    "Draw a convolution, or a transposed one, as a window that slides over the input and makes the output.\n"
    "The title is the formula of the output's size, with its numbers."
)
_EXAMPLES = """
examples:
  refconv draw k3s2p1 --input 5x5 -o conv.gif
  refconv draw convt3s2p1o1 --input 3x3 -o transposed.svg
  refconv draw k3d2 --input 7x7 --numbers -o dilated.svg
  refconv draw k2 --input 3x3 --channels 4 --out-channels 2 --groups 2 -o groups.svg
"""


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser(
        "draw",
        help="draw a convolution that moves",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_draw)
    command.add_argument("layer", metavar="LAYER", help="such as k3s2p1, k3x5d2, or transposed convt3s2p1o1")
    command.add_argument("--input", metavar="HxW", required=True, help="the input's size")
    command.add_argument("-o", "--output", metavar="FILE", required=True, help="where to (.gif or .svg)")
    command.add_argument("--numbers", action="store_true", help="number the pixels 1, 2, 3 ...; all weights are 1")
    command.add_argument("--channels", metavar="C", type=int, default=1, help="maps of the input (default: 1)")
    command.add_argument("--out-channels", metavar="O", type=int, default=1, help="maps of the output (default: 1)")
    command.add_argument("--groups", metavar="G", type=int, default=1, help="groups of channels (default: 1)")
    command.add_argument("--padding-mode", metavar="MODE", default="zeros", help=f"{', '.join(PADDING_MODES)}")


def _draw(options: argparse.Namespace) -> int:
    _animation(_layer(options.layer), options).save(options.output)
    return 0


def _animation(layer: Conv | ConvTranspose, options: argparse.Namespace) -> ConvAnimation:
    """Draw the layer over pixels that are numbered through, with weights of 1."""
    shape = (options.channels, *image_size(options.input, 2))
    if math.prod(shape) > MOST_PIXELS:
        raise ValueError(f"the input {shape} has {math.prod(shape)} pixels; at most {MOST_PIXELS} can be drawn")
    is_transposed = isinstance(layer, ConvTranspose)
    return animate_conv(
        np.arange(1, math.prod(shape) + 1).reshape(shape),
        np.ones((*_kernels(options, is_transposed), *layer.kernel_size), dtype=int),
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=options.groups,
        padding_mode=options.padding_mode,
        transposed=is_transposed,
        output_padding=layer.output_padding if isinstance(layer, ConvTranspose) else 0,
        numbers=options.numbers,
    )


def _kernels(options: argparse.Namespace, is_transposed: bool) -> Pair:
    """Return the weight's first two axes: (O, C/G), or (C, O/G) of a transposed convolution."""
    channels, outputs, groups = options.channels, options.out_channels, options.groups
    if groups < 1 or channels % groups or outputs % groups:
        raise ValueError(f"--groups {groups} must divide --channels {channels} and --out-channels {outputs}")
    return (channels, outputs // groups) if is_transposed else (outputs, channels // groups)


def _layer(line: str) -> Conv | ConvTranspose:
    layers = Layers.parse(line)
    if len(layers) != 1 or not isinstance(layers[0], Conv | ConvTranspose):
        raise ValueError(f"{line!r} must be one convolution, such as k3s2p1, or a transposed one, such as convt3s2p1")
    return layers[0]
