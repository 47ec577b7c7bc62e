"""Figures of a whole network: how far outputs see, layer by layer, and what one of them uses."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refconv.analysis.graph.counting import EXACT, Use
from refconv.plots.fields import draw_boxes, draw_counts
from refconv.plots.style import COLOURS, LINE_STYLES, MARKERS, accent, ink, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

__all__ = ["Depth", "draw_growth", "draw_use", "save_comparison", "save_network"]

MOST_BOXES = 8  # that can be told apart, one inside the other
LARGEST_RATIO = 20  # of the largest box to the smallest, which is a dot beyond
MOST_NAMES = 24  # of layers, that fit along an axis


class Depth(NamedTuple):
    """What outputs see after one layer: sizes along every axis, and the stride along the first."""

    name: str
    label: str
    sizes: Sequence[int]
    stride: int | Fraction | None


@contextmanager
def _style(*, dark: bool) -> Iterator[None]:
    """Draw on a light or a dark ground, and keep to ourselves what matplotlib says of layouts that hardly fit."""
    try:
        import matplotlib.style  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ValueError("--plot needs matplotlib, which is not installed: pip install 'refconv[plot]'") from None
    with matplotlib.style.context("dark_background" if dark else "default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _save(figure: Figure, path: str) -> None:
    """Write a figure whole, or not at all."""
    drawn = BytesIO()
    figure.savefig(drawn, format=Path(path).suffix.removeprefix(".") or "png", dpi=120)
    Path(path).write_bytes(drawn.getvalue())


def save_network(
    path: str, depths: Sequence[Depth], use: Use | None, image: Sequence[int] | None, *, dark: bool
) -> None:
    """Write a figure of what the layers see, as boxes or over depth, and beside it of what one output uses."""
    with _style(dark=dark):
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

        figure = Figure(figsize=(13, 5.6) if use else (9, 5.6), layout="constrained")
        axes = figure.subplots(1, 2 if use else 1, squeeze=False)[0]
        if _fit_boxes(depths):
            draw_boxes(axes[0], [(depth.name or depth.label, (depth.sizes[0], depth.sizes[1])) for depth in depths])
            axes[0].set_title(_grown(depths))
        else:
            draw_growth(axes[0], depths, image)
        if use:
            draw_use(axes[1], use)
        _save(figure, path)


def _fit_boxes(depths: Sequence[Depth]) -> bool:
    """Whether the layers are few enough, and like enough in size, for boxes to scale."""
    sides = [max(depth.sizes) for depth in depths] or [1]
    is_plane = all(len(depth.sizes) == 2 for depth in depths)
    return is_plane and len(depths) <= MOST_BOXES and max(sides) <= LARGEST_RATIO * min(sides)


def draw_growth(ax: Axes, depths: Sequence[Depth], image: Sequence[int] | None = None) -> Axes:
    """Draw the size of what outputs see over depth, a curve for each axis that differs from those before it.

    There is a line where the stride changes, and one for the image's size.
    """
    numbers = range(1, len(depths) + 1)
    curves = list(dict.fromkeys(zip(*(depth.sizes for depth in depths), strict=True)))
    for curve, colour, style, marker in zip(
        curves, (accent(), COLOURS[2], COLOURS[3]), LINE_STYLES, MARKERS, strict=False
    ):
        ax.plot(numbers, curve, drawstyle="steps-post", color=colour, linestyle=style)
        ax.plot(numbers, curve, linestyle="none", marker=marker, markersize=3 if len(depths) < 80 else 0, color=colour)
    top = max((max(curve) for curve in curves), default=1)
    _draw_strides(ax, [depth.stride for depth in depths], [2 * max(depth.sizes) < top for depth in depths])
    for size in dict.fromkeys(image or ()):
        if size < 6 * top:
            ax.axhline(size, color=COLOURS[1], linestyle="dashed", linewidth=1.2)
            ax.annotate(
                f"image: {size}",
                (0.99, size),
                xycoords=("axes fraction", "data"),
                va="bottom",
                ha="right",
                color=COLOURS[1],
            )
    ax.set(ylabel="pixels that an output sees", ylim=(0, None), xlim=(0.5, max(1, len(depths)) + 0.5))
    if len(depths) <= MOST_NAMES:
        names = [textwrap.shorten(depth.name or depth.label, 24, placeholder=" …") for depth in depths]
        ax.set_xticks(list(numbers), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    else:
        ax.set_xlabel("layer")
    ax.set_title(_grown(depths))
    return tidy(ax)


def _grown(depths: Sequence[Depth]) -> str:
    layers = f"{len(depths)} layer{'s' * (len(depths) > 1)}"
    return f"{'×'.join(map(str, depths[-1].sizes))} pixels after {layers}" if depths else "no layers"


def _draw_strides(ax: Axes, strides: Sequence[int | Fraction | None], are_low: Sequence[bool]) -> None:
    """Mark where the stride changes, with the number at the top, or at the bottom, where the curve is high."""
    before: int | Fraction = 1
    for number, (stride, is_low) in enumerate(zip(strides, are_low, strict=True), start=1):
        if stride is not None and stride != before:
            ax.axvline(number, color="0.6", linewidth=0.8, linestyle="dotted")
            place, low, side = (1, -2, "top") if is_low else (0, 2, "bottom")
            ax.annotate(
                f"stride {stride}", (number, place), xycoords=("data", "axes fraction"), xytext=(2, low),
                textcoords="offset points", rotation=90, va=side, fontsize=8, color="0.5",
            )  # fmt: skip
            before = stride


def draw_use(ax: Axes, use: Use) -> Axes:
    """Draw how often an output uses each pixel: a map with a colour bar in a plane, and a profile along one axis."""
    counts = use.counts
    if not counts.size:
        return ax
    which = f"output {use.output}: " if counts.ndim > 1 and any(use.output) else ""
    ax.set_title(f"{which}{_in_words(use)}")
    mesh = _draw_counts(ax, use)
    if mesh is not None:
        _mark_centre(ax, counts.shape[-2:])
        bar = ax.figure.colorbar(mesh, ax=ax, shrink=0.8)
        bar.set_label("paths to a pixel" if use.total < EXACT else "paths to a pixel, about")
    return ax


def _in_words(use: Use) -> str:
    size, pixels = "×".join(map(str, use.counts.shape)), f" of {use.pixels}"
    return f"{size}{' pixels' if use.counts.ndim == 1 else ''}, {use.used}{pixels if use.counts.ndim > 1 else ''} used"


def _draw_counts(ax: Axes, use: Use) -> QuadMesh | None:
    """Draw a map, of a volume that of its middle slice, or along one axis a profile, which is no mesh."""
    counts = use.counts
    if counts.ndim == 1:
        _draw_profile(ax, counts, use)
        return None
    plane = counts[len(counts) // 2] if counts.ndim > 2 else counts
    is_exact = use.total < EXACT
    return draw_counts(ax, plane.astype(np.int64).astype(object) if is_exact else plane, with_numbers=is_exact)


def _mark_centre(ax: Axes, shape: Sequence[int]) -> None:
    """Mark the middle: a cross with a rim, on light cells and on dark ones."""
    middle = [shape[1] / 2], [shape[0] / 2]
    if max(shape) > 40:
        ax.plot(*middle, marker="+", color="white", markersize=11, markeredgewidth=3)
        ax.plot(*middle, marker="+", color=COLOURS[1], markersize=10, markeredgewidth=1.4)
    else:
        ax.plot(*middle, marker="s", markerfacecolor="none", color=COLOURS[1], markersize=min(24, 240 / max(shape)))


def _draw_profile(ax: Axes, counts: Any, use: Use) -> None:
    pixels = np.asarray(use.region[0])
    ax.fill_between(pixels, counts, step="mid", alpha=0.35, color=accent())
    ax.step(pixels, counts, where="mid", color=accent())
    ax.axvline((pixels[0] + pixels[-1]) / 2, color=COLOURS[1], linestyle="dashed", linewidth=1)
    ax.set(xlabel="pixels from the output's own place", ylabel="paths to a pixel", ylim=(0, None))
    tidy(ax)


def save_comparison(path: str, names: Sequence[str], rows: Sequence[Sequence[tuple[str, Use]]], *, dark: bool) -> None:
    """Write a figure of networks under each other, and of each what an output uses after every layer."""
    with _style(dark=dark):
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

        most = max(map(len, rows))
        figure = Figure(figsize=(max(4.5, 3.1 * most), 3.4 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), most, squeeze=False)
        for name, row, line in zip(names, rows, axes, strict=True):
            for ax in line[len(row) :]:
                ax.set_axis_off()
            for (label, use), ax in zip(row, line, strict=False):
                _draw_counts(ax, use)
                ax.set_title(f"{label}\n{_in_words(use)}", fontsize=9)
            line[0].set_ylabel(textwrap.fill(name, 30), color=ink())
        _save(figure, path)
