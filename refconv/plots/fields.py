"""Figures of what an output sees: receptive fields as boxes, and footprints with the count in every cell."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from refconv.analysis import Layers, footprint, receptive_field
from refconv.analysis.network import Network
from refconv.geometry.arguments import IntOrPair, Pair
from refconv.plots.style import COLOURS, HATCH, LINE_STYLES, axes_or_new, cell_size, count_pixels, ink, number_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

__all__ = ["plot_footprint", "plot_receptive_fields"]

LONGEST_LABEL = 48  # characters of a layer in a legend; more would leave the figure no room
SMALLEST_FONT = 3.5  # points; smaller numbers are grey dust


def plot_receptive_fields(network: Network, ax: Axes | None = None) -> Axes:
    """Draw the receptive field of every layer as a box, one inside the other, around the pixel in their middle.

    Parameters
    ----------
    network : sequence of layers, or a layer
        As for `refconv.analysis.receptive_field`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes where it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        One rectangle for each layer, in pixels around (0, 0); the legend says layer and size.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        If something in the network is not a layer, or branches of different strides share no receptive field.

    Examples
    --------
    >>> from refconv.analysis import Conv
    >>> ax = plot_receptive_fields([Conv(3), Conv(3, dilation=2)])
    >>> [(box.get_width(), box.get_label()) for box in ax.patches]
    [(3, '1: Conv(3), 3×3'), (7, '2: Conv(3, dilation=2), 7×7')]
    """
    ax = axes_or_new(ax)
    layers = Layers(network)
    fields = receptive_field(layers).table
    draw_boxes(ax, [(repr(layer), field.size) for layer, field in zip(layers, fields, strict=True)])
    return ax


def draw_boxes(ax: Axes, sizes: Sequence[tuple[str, Pair]]) -> None:
    """Draw boxes to scale around one pixel, with a legend that says what they are."""
    styles = zip(cycle(COLOURS), cycle(LINE_STYLES), strict=False)
    for number, ((label, size), (colour, style)) in enumerate(zip(sizes, styles, strict=False), start=1):
        short = textwrap.shorten(label, LONGEST_LABEL, placeholder=" …")
        _draw_box(
            ax, size, ink() if colour == COLOURS[-1] else colour, style, f"{number}: {short}, {size[0]}×{size[1]}"
        )
    ax.plot([0], [0], marker="s", color=ink(), markersize=3)
    ax.set_aspect("equal", adjustable="datalim")
    ax.autoscale_view()
    ax.invert_yaxis()
    count_pixels(ax)
    ax.set(xlabel="columns from the centre", ylabel="rows from the centre")
    if sizes:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, handlelength=3, fontsize=9)


def _draw_box(ax: Axes, size: Pair, colour: str, style: str, label: str) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415  # an extra

    corner = -size[1] / 2, -size[0] / 2
    box = Rectangle(corner, size[1], size[0], fill=False, edgecolor=colour, linestyle=style, linewidth=1.8, label=label)
    ax.add_patch(box)


def plot_footprint(network: Network, output: IntOrPair = 0, ax: Axes | None = None) -> Axes:
    """Draw how often an output uses each pixel of its receptive field, with the count in every cell.

    Parameters
    ----------
    network : sequence of layers, or a layer
        As for `refconv.analysis.footprint`.  Its first n layers alone give the map after layer n.
    output : int or pair of int
        The output's row and column.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes where it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        One cell for each pixel, the darker the more often it is used; holes are hatched and have a 0.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        If something in the network is not a layer or is a symbol.

    Examples
    --------
    >>> from refconv.analysis import Conv
    >>> ax = plot_footprint([Conv((1, 3)), Conv((1, 2), dilation=(1, 4))])
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '1', '0', '1', '1', '1']
    """
    ax = axes_or_new(ax)
    use = footprint(network, output)
    draw_counts(ax, use.counts, with_numbers=True)
    height, width = use.counts.shape
    ax.set_title(f"{height}×{width}, {int(use.used.sum())} of {use.counts.size} used")
    return ax


def draw_counts(ax: Axes, counts: Any, *, with_numbers: bool) -> QuadMesh:
    """Draw a cell for each pixel, with its count in it where that can be read; holes are hatched, or left blank."""
    size = number_size(cell_size(ax, *counts.shape), len(str(int(counts.max()))))
    is_legible = with_numbers and size >= SMALLEST_FONT
    mesh = ax.pcolormesh(
        counts.astype(float), cmap="Blues" if ink() == "black" else "Blues_r", vmin=0,
        edgecolors="white" if is_legible else "none", linewidth=0.5 if is_legible else 0, rasterized=not is_legible,
    )  # fmt: skip
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.invert_yaxis()
    for row, column in np.ndindex(*counts.shape) if is_legible else ():
        _write_count(ax, row, column, int(counts[row, column]), int(counts.max()), size)
    if not is_legible:
        mesh.set_array(np.ma.masked_equal(counts.astype(float), 0))
    return mesh


def _write_count(ax: Axes, row: int, column: int, count: int, most: int, size: float) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415  # an extra

    if count == 0:
        edge = "0.85" if ink() == "black" else "0.4"
        ax.add_patch(Rectangle((column, row), 1, 1, fill=False, hatch=HATCH, edgecolor=edge, linewidth=0))
    colour = "white" if (2 * count > most) == (ink() == "black") else "0.25"
    ax.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", fontsize=size, color=colour)
