"""A figure of the pixels that one output of a convolution reads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING

import numpy as np

from refconv.geometry.arguments import IntOrPair, PaddingLike, Pair, as_pair
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import build_axes
from refconv.plots.style import COLOURS, HATCH, axes_or_new, count_pixels, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_sampling"]


def plot_sampling(
    input_size: IntOrPair,
    kernel_size: IntOrPair,
    *,
    dilation: IntOrPair = 1,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    output: IntOrPair = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw which pixels of an image, and of the padding around it, one output reads.

    Parameters
    ----------
    input_size, kernel_size, dilation, stride : int or pair of int
        (H, W), K, D and S.
    padding : int, pair, pair of pairs or str
        As in `refconv.conv2d`.
    output : int or pair of int
        The output's row and column.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes where it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        A dot for each tap, in pixels: filled on the image and hollow on the padding, which is hatched.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not of these forms, the kernel does not fit, or there is no such output.

    Examples
    --------
    >>> ax = plot_sampling(5, 2, dilation=3, padding=1, output=(0, 2))
    >>> {label: dots.get_offsets().tolist() for dots, label in zip(*ax.get_legend_handles_labels())}
    {'reads a pixel': [[1.0, 2.0], [4.0, 2.0]], 'reads padding': [[1.0, -1.0], [4.0, -1.0]]}
    """
    ax = axes_or_new(ax)
    kernel = as_pair("kernel_size", kernel_size, minimum=1)
    height, width = build_axes(as_pair("input_size", input_size, minimum=1), kernel, stride, padding, dilation)
    row, column = as_pair("output", output, minimum=0, form="(row, column)")
    if row >= height.output_size or column >= width.output_size:
        raise ValueError(f"output={row, column} must lie in the output of size {height.output_size, width.output_size}")
    _draw_image(ax, height, width)
    taps = [
        (across, down)
        for down in (height.input_index(row, tap) for tap in range(height.kernel_size))
        for across in (width.input_index(column, tap) for tap in range(width.kernel_size))
    ]
    is_pixel = [
        None not in (width.source_index(across, "zeros"), height.source_index(down, "zeros")) for across, down in taps
    ]
    _draw_taps(ax, compress(taps, is_pixel), "reads a pixel", COLOURS[0])
    _draw_taps(ax, compress(taps, map(not_, is_pixel)), "reads padding", "white")
    legend_above(ax, columns=2)
    return ax


def _draw_taps(ax: Axes, taps: Iterable[Pair], label: str, colour: str) -> None:
    places = np.array(list(taps)).reshape(-1, 2)
    if len(places):
        ax.scatter(places[:, 0], places[:, 1], s=60, facecolor=colour, edgecolor=COLOURS[0], zorder=3, label=label)


def _draw_image(ax: Axes, height: AxisGeometry, width: AxisGeometry) -> None:
    """Draw the padded image, hatched, the image on it, and a grid of pixels; pixel (0, 0) has its centre at (0, 0)."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415  # an extra

    left, top = -width.padding[0] - 0.5, -height.padding[0] - 0.5
    right, bottom = left + width.padded_size, top + height.padded_size
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, facecolor="white", edgecolor="0.8", hatch=HATCH))
    ax.add_patch(
        Rectangle((-0.5, -0.5), width.input_size, height.input_size, facecolor="0.95", edgecolor="black", lw=1.5)
    )
    ax.vlines(np.arange(left, right + 1), top, bottom, color="0.8", linewidth=0.4)
    ax.hlines(np.arange(top, bottom + 1), left, right, color="0.8", linewidth=0.4)
    count_pixels(ax)
    ax.set(aspect="equal", xlim=(left, right), ylim=(bottom, top), xlabel="column", ylabel="row")
