"""Square cells of side 1: what the pictures of maps are made of.  A place is (row, column), a corner (x, y)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from refconv.formats import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.text import Text

__all__: list[str] = []

# Two colours of style.COLOURS, what is a third of each on white, and an eighth.
BLUE, GREEN = "#0072B2", "#009E73"
LIGHT_BLUE, LIGHT_GREEN = "#A6CEE4", "#A6DDCE"
PALE_BLUE = "#E0EEF6"

Corner = tuple[float, float]
Place = tuple[int, ...]


def draw(ax: Axes, corner: Corner, places: Iterable[Place], colour: str) -> None:
    """Draw the cells of a map; white ones, where a zero stands, have dashed edges."""
    style = "dashed" if colour == "white" else "solid"
    ax.add_collection(_squares(corner, places)).set(facecolor=colour, edgecolor="0.6", linewidth=0.7, linestyle=style)


def draw_window(ax: Axes, corner: Corner, places: Iterable[Place], colour: str) -> PolyCollection:
    """Lay a window over some cells: through its colour their numbers can be read."""
    window = _squares(corner, places)
    window.set(facecolor=(colour, 0.5), edgecolor=colour, linewidth=1.8, zorder=2)
    ax.add_collection(window)
    return window


def _squares(corner: Corner, places: Iterable[Place]) -> PolyCollection:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415  # an extra

    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) + corner
    return PolyCollection([square + np.array([column, row]) for row, column in places])


def as_text(number: float) -> str:
    """Return a whole number in full, and any other with three digits.

    >>> as_text(1234567.0), as_text(2 / 3)
    ('1234567', '0.667')
    """
    return f"{float(number):.0f}" if float(number).is_integer() else f"{number:.3g}"


def write_numbers(ax: Axes, corner: Corner, numbers: Array, size: float) -> None:
    """Write a number into the middle of every cell."""
    for row, column in np.ndindex(*numbers.shape):
        x, y = corner[0] + column + 0.5, corner[1] + row + 0.5
        ax.text(x, y, as_text(numbers[row, column].item()), ha="center", va="center", fontsize=size, color="0.1")


def write_weight(ax: Axes, corner: Corner, place: Place, weight: float, size: float) -> Text:
    """Write a small number into the lower right corner of a cell."""
    x, y = corner[0] + place[1] + 0.94, corner[1] + place[0] + 0.95
    return ax.text(x, y, as_text(weight), ha="right", va="bottom", fontsize=size, color="#003B5C", zorder=4)


def write_name(ax: Axes, corner: Corner, name: str) -> None:
    """Write what a map is above its first cell."""
    ax.text(corner[0], corner[1] - 0.2, name, ha="left", va="bottom", fontsize=9, color="0.1")
