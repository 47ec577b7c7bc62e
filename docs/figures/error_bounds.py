"""Measured errors against the two bounds, over the length of the sum, from ``error_bounds.csv`` beside this file."""

import csv
from pathlib import Path
from typing import NamedTuple

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

TABLE = Path("error_bounds.csv")  # figures are drawn with this folder as the current one
PANELS = {  # title: the kernels that work in these types
    "added up in float32": ("torch float32", "float32 in a row"),
    "added up in float32,\nrounded to bfloat16": ("torch bfloat16",),
    "added up in float16": ("float16 in a row",),
}
DATA = {"positive": "uniform in [0, 1)", "normal": "normal, mean 0"}
TORCH = {"color": "#0072b2", "marker": "o", "markersize": 6, "linewidth": 1}
IN_A_ROW = {"color": "#d55e00", "marker": "+", "markersize": 8, "linewidth": 1}
BOUNDS = {
    "worst_case": {"color": "black", "linewidth": 1.6},
    "confidence": {"color": "black", "linewidth": 1.6, "linestyle": (0, (4, 2))},
}


class Label(NamedTuple):
    """Where a line's name stands: off which of its points, and by how much to the right and up."""

    point: int
    right: float
    up: float


LABELS = {
    "worst case": Label(7, -5, 3),
    "confidence": Label(9, 2, -5),
    "torch": Label(7, 0, -8),
    "in a row": Label(5, -2, 6),
}
CROWDED = {  # where that would be on top of another line
    ("torch float32", "normal", "torch"): Label(10, 0, -8),
    ("torch bfloat16", "positive", "worst case"): Label(-1, 0, 6),
    ("torch bfloat16", "positive", "confidence"): Label(9, -20, -40),
    ("torch bfloat16", "normal", "worst case"): Label(7, 4, 5),
    ("torch bfloat16", "normal", "confidence"): Label(9, 12, 5),
    ("float16 in a row", "positive", "confidence"): Label(10, -3, 4),
}


def draw() -> None:
    """Draw a row of panels for each kind of data, and a column for each type."""
    with TABLE.open(encoding="utf-8") as file:
        next(file)  # where it was measured
        rows = list(csv.DictReader(file))
    _, axes = plt.subplots(2, 3, figsize=(11, 7), sharex=True, sharey="col", layout="constrained")
    for ax_row, (data, words) in zip(axes, DATA.items(), strict=True):
        for ax, kernels in zip(ax_row, PANELS.values(), strict=True):
            draw_panel(ax, [row for row in rows if row["data"] == data], data, kernels)
        ax_row[0].set_ylabel(f"{words}\nlargest error / Σ|x||w|")
    for ax, title in zip(axes[0], PANELS, strict=True):
        ax.set_title(title)
    for ax in axes[1]:
        ax.set_xlabel("length of the sum, K")


def draw_panel(ax: Axes, rows: list[dict[str, str]], data: str, kernels: tuple[str, ...]) -> None:
    """Draw both bounds and what was measured, each line with its name beside it."""
    lines = [(kernels[0], column, column.replace("_", " "), style) for column, style in BOUNDS.items()]
    for kernel in kernels:
        style, name = (TORCH, "torch") if kernel.startswith("torch") else (IN_A_ROW, "in a row")
        lines.append((kernel, "error", name, style))
    for kernel, column, name, style in lines:
        points = [(int(row["terms"]), float(row[column])) for row in rows if row["kernel"] == kernel]
        points = [point for point in points if point[1] != float("inf")]
        ax.loglog(*zip(*points, strict=True), **style)
        write(ax, name, points, CROWDED.get((kernel, data, name), LABELS[name]), style["color"])
    ax.margins(y=0.08)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xticks([10, 100, 1000, 10_000], ["10", "100", "1000", "10 000"])


def write(ax: Axes, name: str, points: list[tuple[int, float]], label: Label, colour: str) -> None:
    """Write a line's name beside one of its points, on the side that the offset says; with a leader if it is far."""
    across = "right" if label.right < 0 else "left" if label.right > 0 else "center"
    along = "bottom" if label.up > 0 else "top"
    leader = {"arrowstyle": "-", "linewidth": 0.6, "color": colour} if abs(label.up) > 20 else None
    offset = {"xytext": (label.right, label.up), "textcoords": "offset points", "ha": across, "va": along}
    ax.annotate(name, points[label.point], **offset, color=colour, fontsize=9, arrowprops=leader)


draw()
