"""What ``refconv analyze`` prints: a table of layers, the verdict on holes, and a footprint in characters; or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

import refconv
from refconv.analysis import Footprint, Gridding, ReceptiveField
from refconv.commands.terminal import open_console
from refconv.geometry.arguments import Pair

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["NetworkReport"]

JSON_SCHEMA = 1
WIDEST = 39  # cells of two characters, in a terminal's 80 columns
SHADES = "░▒▓█"
HOLE = "·"
SHARES = (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))

N = TypeVar("N")


@dataclass(frozen=True)
class NetworkReport:
    """What there is to say about a network.

    Attributes
    ----------
    title : str
        What it is called.
    names : list of str
        What its source calls each layer; empty where it has no names.
    field : ReceptiveField
    sizes : list of pairs, or None
        The size of the image and of every feature map.
    grid : Gridding, or None
        None where branches have too many combinations.
    """

    title: str
    names: Sequence[str]
    field: ReceptiveField
    sizes: Sequence[Pair] | None
    grid: Gridding | None

    def print(self) -> None:
        """Print the report on standard output."""
        from rich.text import Text  # noqa: PLC0415  # an extra

        out = open_console()
        with out.capture() as captured:  # rich would end the process where the reader has gone
            out.print(Text(f"refconv analyze {self.title}", style="italic"))
            out.print(self._table(), soft_wrap=False)
            for heading, lines in self._sections():
                out.print(Text(f"\n{heading}", style="bold"))
                out.print(Text("\n".join(f"  {line}" for line in lines)))
        sys.stdout.write(captured.get())

    def _table(self) -> Table:
        from rich.table import Table  # noqa: PLC0415  # an extra

        table = Table(box=None)
        table.add_column("", justify="right")
        for heading in ["name"] * any(self.names) + ["layer"]:
            table.add_column(heading)
        for heading in ["sees", "stride", "padding", "centre"] + ["map"] * bool(self.sizes):
            table.add_column(heading, justify="right", no_wrap=True)
        for number, (name, row) in enumerate(zip(self.names, self.field.table, strict=True), start=1):
            cells = [str(number), *[name] * any(self.names), repr(row.layers[-1])]
            cells += [_in_short(values) for values in _numbers(row).values()]
            cells += [_in_short(self.sizes[number])] if self.sizes else []
            table.add_row(*cells)
        return table

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        if self.grid is None:
            yield "holes and footprint", ["left out: the branches of this network have too many combinations"]
            return
        yield f"holes: {'none' if self.grid.hole_free else 'yes'}", self.grid.explain().splitlines()
        yield "footprint: how many paths lead to each pixel", list(_drawn(self.grid.footprint))

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: pairs are [height, width], and what is no whole number is text."""
        rows = zip(self.names, self.field.table, strict=True)
        return {
            "refconv": refconv.__version__,
            "schema": JSON_SCHEMA,
            "network": self.title,
            "input_size": self.sizes and self.sizes[0],
            "layers": [
                {"name": name, "layer": repr(row.layers[-1]), **_plain(_numbers(row))}
                | ({"feature_map": self.sizes[number]} if self.sizes else {})
                for number, (name, row) in enumerate(rows, start=1)
            ],
            "gridding": self.grid and _gridding_to_json(self.grid),
        }


def _numbers(field: ReceptiveField) -> dict[str, tuple[Any, Any] | None]:
    """Return the four pairs; None for what differs from output to output."""
    questions: dict[str, Callable[[], tuple[Any, Any]]] = {
        "size": lambda: field.size,
        "stride": lambda: field.stride,
        "padding": lambda: field.padding,
        "center": lambda: field.center,
    }
    return {name: _unless_it_differs(question) for name, question in questions.items()}


def _unless_it_differs(question: Callable[[], N]) -> N | None:
    try:
        return question()
    except ValueError:
        return None


def _in_short(values: tuple[Any, Any] | None) -> str:
    if values is None:
        return "varies"
    return f"{values[0]}" if values[0] == values[1] else f"{values[0]}x{values[1]}"


def _drawn(footprint: Footprint) -> Iterator[str]:
    """Draw a cell of two characters for each pixel, or block of pixels, and say what the characters mean."""
    largest_side = max(len(footprint.region.rows), len(footprint.region.columns))
    block = -(-largest_side // WIDEST)
    counts = footprint.summed(block)
    most = int(counts.max())
    for row in counts.tolist():
        yield "".join(2 * (SHADES[(len(SHADES) * count - 1) // most] if count else HOLE) for count in row)
    what = "a pixel" if block == 1 else f"a block of {block}x{block} pixels"
    yield f"each cell is {what}: {HOLE} no path, {' '.join(SHADES)} up to a quarter, half, ... all of {most}"
    sides = [f"{100 * share} % in {footprint.effective_size(share)}" for share in SHARES]
    yield f"of {footprint.total} paths {', '.join(sides)} pixels square in the middle"


def _gridding_to_json(grid: Gridding) -> dict[str, Any]:
    use = grid.footprint
    return {
        "hole_free": grid.hole_free,
        "coverage": str(grid.coverage),
        "largest_gap": grid.largest_gap,
        "common_factor": grid.common_factor,
        "axis_counts": [list(map(int, counts)) for counts in use.axis_counts],
        "standard_deviation": use.standard_deviation,
        "effective_size": {str(share): use.effective_size(share) for share in SHARES},
        "explanation": grid.explain(),
    }


def _plain(numbers: dict[str, tuple[Any, Any] | None]) -> dict[str, list[int | str] | None]:
    return {
        name: pair and [value if isinstance(value, int) else str(value) for value in pair]
        for name, pair in numbers.items()
    }
