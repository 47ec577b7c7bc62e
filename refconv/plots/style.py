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
    require_matplotlib()
    from matplotlib import pyplot as plt  # noqa: PLC0415  # an extra

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def require_matplotlib() -> None:
    """Say how to install matplotlib where it is missing."""
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415  # an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "plots need matplotlib, which is not installed: pip install 'refconv[plot]'"
        ) from None


def count_pixels(ax: Axes) -> None:
    """Put ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  # an extra

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))


def cell_size(ax: Axes, rows: float, columns: float) -> float:
    """Return the side in points of one of the square cells that fill the axes, as large as they are now."""
    side = min(ax.bbox.width / columns, ax.bbox.height / rows)
    return float(72 * side / ax.figure.dpi)


def number_size(cell: float, digits: int) -> float:
    """Return the font size in which so many digits fit a cell; one digit has the room of two."""
    return min(11.0, cell / max(1.6, 0.75 * digits))


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
