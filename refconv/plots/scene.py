"""All maps of a picture: the input's, blue, one above the other, and right of them the output's, green."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refconv.formats import Array
from refconv.plots import cells
from refconv.plots.cells import Corner, Place
from refconv.plots.sliding import SlidingAxis
from refconv.plots.style import cell_size, number_size

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__: list[str] = []

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
        """Return where the map of an input channel begins."""
        return 0, self._top(channel, len(self.input), len(self.rows.cells))

    def output_corner(self, channel: int) -> Corner:
        """Return where the map of an output channel begins."""
        return len(self.columns.cells) + GAP, self._top(channel, len(self.output), self.rows.steps)

    def _top(self, number: int, maps: int, height: int) -> float:
        """Share the height among the maps, each with its name in the middle of its part."""
        part = self.size[0] / maps
        return number * part + (part - height + NAME) / 2

    def new_axes(self) -> Axes:
        """Return axes in a figure of their own, which is not pyplot's: a notebook would show it once more."""
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

        height, width = self.size
        inches = max(4.4, INCHES * width), INCHES * height + 0.5  # so wide that the title fits
        return Figure(figsize=inches, layout="constrained").subplots()

    def number_size(self, ax: Axes) -> float:
        """Return the font size in which the longest number fits its cell."""
        digits = max(len(cells.as_text(number)) for array in (self.input, self.output) for number in array.flat)
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
                cells.draw(ax, self.input_corner(c), places, colour)
            self._label(ax, self.input_corner(c), f"input {_size(pixels)}", c, shown if numbers else None)
        for o, sums in enumerate(self.output):
            cells.draw(ax, self.output_corner(o), np.ndindex(*sums.shape), cells.LIGHT_GREEN)
            self._label(ax, self.output_corner(o), f"output {_size(sums)}", o, sums if numbers else None)

    def _label(self, ax: Axes, corner: Corner, name: str, channel: int, numbers: Array | None) -> None:
        several = len(self.input) > 1 or len(self.output) > 1
        cells.write_name(ax, corner, f"{name}, channel {channel}" if several else name)
        if numbers is not None:
            cells.write_numbers(ax, corner, numbers, self.number_size(ax))

    def kinds(self, pixels: Array) -> tuple[dict[str, list[Place]], Array]:
        """Return the cells of an input map by colour, and what stands in them.

        Pixels are blue; where the padding repeats one it is pale; where a zero stands it is white.
        """
        shown = np.zeros((len(self.rows.cells), len(self.columns.cells)), pixels.dtype)
        kinds: dict[str, list[Place]] = {"white": [], cells.PALE_BLUE: [], cells.LIGHT_BLUE: []}
        for place in np.ndindex(*shown.shape):
            row, column = self.rows.sources[place[0]], self.columns.sources[place[1]]
            if row is None or column is None:
                kinds["white"].append(place)
                continue
            shown[place] = pixels[row, column]
            is_pixel = place[0] in self.rows.interior and place[1] in self.columns.interior
            kinds[cells.LIGHT_BLUE if is_pixel else cells.PALE_BLUE].append(place)
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
            yield cells.draw_window(ax, corner, taps, cells.BLUE)
            for tap, weight in zip(taps, self.weight[o, c].flat, strict=True) if numbers else ():
                yield cells.write_weight(ax, corner, tap, weight, size)
        yield cells.draw_window(ax, self.output_corner(o), [(p, q)], cells.GREEN)


def _size(pixels: Array) -> str:
    return f"{pixels.shape[0]}×{pixels.shape[1]}"
