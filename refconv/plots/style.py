"""How the figures look: axes, colours, and what tells things apart where colours do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__: list[str] = []

# The palette of Okabe & Ito, "Color Universal Design" (2008), without its yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("solid", "dashed", "dashdot", "dotted")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCH = "////"


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes to draw on; new ones in a new figure where none are given."""
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "plots need matplotlib, which is not installed: pip install 'refconv[plot]'"
        ) from None
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def ink() -> str:
    """Return the colour of text: black on white, and white on a dark ground."""
    from matplotlib import rcParams  # noqa: PLC0415  # an extra

    return str(rcParams["text.color"])


def accent() -> str:
    """Return the colour of a graph's first line, which a dark ground needs lighter."""
    return COLOURS[0] if ink() == "black" else COLOURS[5]


def legend_above(ax: Axes, columns: int, title: str | None = None) -> None:
    """Put the legend over the axes, where it hides nothing and is never cut off."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, title=title, frameon=False, handlelength=3)


def tidy(ax: Axes) -> Axes:
    """Give a graph its grid, and take the spines from the sides where no numbers stand."""
    ax.grid(color=ink(), alpha=0.12)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
