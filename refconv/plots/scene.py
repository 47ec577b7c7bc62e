"""All maps of a picture: the input's, blue, one above the other, and right of them the output's, green.

A cell has the side 1; a place in a map is (row, column), and a corner, where a map begins, is (x, y).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refconv.numbers.formats import Array
from refconv.plots.sliding import SlidingAxis
from refconv.plots.style import cell_size, number_size

if TYPE_CHECKING:
    from matplotlib.artist import Artist
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

GAP = 1.5  # cells between the input and the output
NAME = 1.0  # cells above a map, in which its name stands
INCHES = 0.42  # the side of a cell in a new figure; its numbers have 11 points


@dataclass(frozen=True)
class Scene:
    """The arrays (C, H, W), (O, C/G, K_h, K_w) and (O, P, Q) of a convolution, and both axes of its picture."""

    input: Array
    weight: Array
    output: Array
    rows: SlidingAxis
    columns: SlidingAxis

    @property
    def size(self) -> tuple[float, float]:
        """Height and width in cells, with room for a name above each map."""
        height = max(len(self.input) * (len(self.rows.cells) + NAME), len(self.output) * (self.rows.steps + NAME))
        return height, len(self.columns.cells) + GAP + self.columns.steps

    def input_corner(self, channel: int) -> Corner:
        """Return where the map of an input channel begins: in the middle of its share of the height."""
        part = self.size[0] / len(self.input)
        return 0, channel * part + (part - len(self.rows.cells) + NAME) / 2

    def output_corner(self, channel: int) -> Corner:
        """Return where the map of an output channel begins."""
        part = self.size[0] / len(self.output)
        return len(self.columns.cells) + GAP, channel * part + (part - self.rows.steps + NAME) / 2

    def new_axes(self) -> Axes:
        """Return axes in a figure of their own, which is not pyplot's: a notebook would show it once more."""
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

        height, width = self.size
        inches = max(4.4, INCHES * width), INCHES * height + 0.5  # so wide that the title fits
        return Figure(figsize=inches, layout="constrained").subplots()

    def number_size(self, ax: Axes) -> float:
        """Return the font size in which the longest number fits its cell."""
        digits = max(len(as_text(number)) for array in (self.input, self.output) for number in array.flat)
        return number_size(cell_size(ax, *self.size), digits)

    def draw(self, ax: Axes, *, numbers: bool) -> None:
        """Draw all that does not move."""
        height, width = self.size
        ax.set(aspect="equal", xlim=(-0.1, width + 0.1), ylim=(height + 0.1, 0))
        ax.set_axis_off()
        ax.set_title(self.title(), fontsize=10)
        for c, pixels in enumerate(self.input):
            kinds, shown = self.kinds(pixels)
            for colour, places in kinds.items():
                draw_cells(ax, self.input_corner(c), places, colour)
            self._label(ax, self.input_corner(c), f"input {_size(pixels)}", c, shown if numbers else None)
        for o, sums in enumerate(self.output):
            draw_cells(ax, self.output_corner(o), np.ndindex(*sums.shape), LIGHT_GREEN)
            self._label(ax, self.output_corner(o), f"output {_size(sums)}", o, sums if numbers else None)

    def _label(self, ax: Axes, corner: Corner, name: str, channel: int, numbers: Array | None) -> None:
        several = len(self.input) > 1 or len(self.output) > 1
        label = f"{name}, channel {channel}" if several else name
        ax.text(corner[0], corner[1] - 0.2, label, ha="left", va="bottom", fontsize=9, color="0.1")
        if numbers is not None:
            write_numbers(ax, corner, numbers, self.number_size(ax))

    def kinds(self, pixels: Array) -> tuple[dict[str, list[Place]], Array]:
        """Return the cells of an input map by colour, and what stands in them.

        Pixels are blue; where the padding repeats one it is pale; where a zero stands it is white.
        """
        shown = np.zeros((len(self.rows.cells), len(self.columns.cells)), pixels.dtype)
        kinds: dict[str, list[Place]] = {"white": [], PALE_BLUE: [], LIGHT_BLUE: []}
        for place in np.ndindex(*shown.shape):
            source = self.rows.sources[place[0]], self.columns.sources[place[1]]
            if None not in source:
                shown[place] = pixels[source]
            is_pixel = place[0] in self.rows.interior and place[1] in self.columns.interior
            kinds["white" if None in source else LIGHT_BLUE if is_pixel else PALE_BLUE].append(place)
        return kinds, shown

    def title(self) -> str:
        """Return the formula of the output's size: one for both axes, where they have the same numbers."""
        formulas = [axis.size_formula for axis in (self.rows, self.columns)]
        letters = ("P", "Q") if self.rows.pixels is None else ("H", "W")
        if formulas[0] == formulas[1]:
            return f"{letters[0]} = {letters[1]} = {formulas[0]}"
        return "\n".join(f"{letter} = {formula}" for letter, formula in zip(letters, formulas, strict=True))

    def frame(self, ax: Axes, place: Sequence[int], *, numbers: bool) -> Iterator[Artist]:
        """Draw the window of one output on every map that it reads, and mark the output."""
        o, p, q = place
        each = self.weight.shape[1]
        groups = len(self.input) // each
        first = each * (o // (len(self.output) // groups))
        rows = [cell - self.rows.cells.start for cell in self.rows.window(p)]
        columns = [cell - self.columns.cells.start for cell in self.columns.window(q)]
        taps = [(row, column) for row in rows for column in columns]
        size = 0.6 * self.number_size(ax)
        for c in range(each):
            corner = self.input_corner(first + c)
            yield draw_window(ax, corner, taps, BLUE)
            for tap, weight in zip(taps, self.weight[o, c].flat, strict=True) if numbers else ():
                yield write_weight(ax, corner, tap, weight, size)
        yield draw_window(ax, self.output_corner(o), [(p, q)], GREEN)


def _size(pixels: Array) -> str:
    return f"{pixels.shape[0]}×{pixels.shape[1]}"


def draw_cells(ax: Axes, corner: Corner, places: Iterable[Place], colour: str) -> None:
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
    return f"{float(number):.0f}" if float(number).is_integer() else f"{float(number):.3g}"


def write_numbers(ax: Axes, corner: Corner, numbers: Array, size: float) -> None:
    """Write a number into the middle of every cell."""
    for row, column in np.ndindex(*numbers.shape):
        x, y = corner[0] + column + 0.5, corner[1] + row + 0.5
        ax.text(x, y, as_text(numbers[row, column].item()), ha="center", va="center", fontsize=size, color="0.1")


def write_weight(ax: Axes, corner: Corner, place: Place, weight: float, size: float) -> Text:
    """Write a small number into the lower right corner of a cell."""
    x, y = corner[0] + place[1] + 0.94, corner[1] + place[0] + 0.95
    return ax.text(x, y, as_text(weight), ha="right", va="bottom", fontsize=size, color="#003B5C", zorder=4)
