"""Maps of a wrong output, drawn as inline SVG: what stands there, what should, and by how much they differ.

Sign and size are colours that every kind of eye tells apart, blue below zero and orange above, over whatever the page's
ground is; what is wrong has its sign besides, and small maps have their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from refconv.testing.judging.excerpt import Excerpt

__all__: list[str] = []

CELL = 40  # units of the drawing
MARGIN = 30  # for the indices
FEW = 9  # columns, up to which numbers are written into the cells
MOST_PLANES = 512  # of a strip: beyond, it would be longer than the rest of the page
FULL = 0.65  # opacity, so that the numbers can be read on it
FAINTEST = 0.15  # of what is wrong, and by little against the worst


class Cell(NamedTuple):
    """One element of a map: its colour, the text on it, the mark in place of that where maps are large, its tooltip."""

    colour: str
    opacity: float
    text: str
    mark: str
    tip: str


def maps_of(excerpt: Excerpt) -> str:
    """Return the figures of one excerpt: actual, desired, and where they can be compared, the signed difference."""
    largest = _largest(excerpt.actual, excerpt.desired)
    scale = f"blue below 0, orange above, full at ±{_short(largest)}"
    figures = [
        figure(title, [[_by_sign(value, largest) for value in row] for row in rows], scale, excerpt.row, excerpt.column)
        for title, rows in (("actual", excerpt.actual), ("desired", excerpt.desired))
        if rows
    ]
    return f'<div class="maps">{"".join(figures)}{_difference(excerpt) if excerpt.error_in_bounds else ""}</div>'


def _difference(excerpt: Excerpt) -> str:
    """Draw what is too much or too little, where it is wrong; and how many times its bound, where there is one."""
    ratios = excerpt.error_in_bounds
    pairs = [list(zip(*rows, strict=True)) for rows in zip(excerpt.actual, excerpt.desired, strict=True)]
    differences = [[found - want for found, want in row] for row in pairs]
    wrong = [list(zip(*rows, strict=True)) for rows in zip(differences, ratios, strict=True)]
    largest = _largest([[value for value, ratio in row if ratio > 1] for row in wrong])
    worst = max((ratio for row in ratios for ratio in row), default=0.0)
    times = f"; the worst is {_short(worst)} × its bound" if math.isfinite(worst) else ""
    cells = [[_by_difference(value, ratio, largest) for value, ratio in row] for row in wrong]
    legend = f"· right; + too much, − too little, full at ±{_short(largest)}{times}"
    return figure("actual − desired", cells, legend, excerpt.row, excerpt.column)


def strip_of(excerpt: Excerpt) -> str:
    """Draw how many elements of each channel of each image are wrong, where there are several and not too many."""
    if not 1 < sum(map(len, excerpt.wrong)) <= MOST_PLANES:
        return ""
    largest = _largest(excerpt.wrong)
    cells = [
        [
            Cell("wrong", FULL * wrong / largest, str(wrong or "·"), "" if wrong else "·", f"{wrong} wrong")
            for wrong in row
        ]
        for row in excerpt.wrong
    ]
    return figure("wrong elements of every map", cells, "a cell for each, in the order of the axes; · none", 0, 0)


def figure(title: str, cells: Sequence[Sequence[Cell]], legend: str, top: int, left: int) -> str:
    """Draw a map of cells, whose indices begin at (top, left), under its title and over its legend."""
    columns = max(map(len, cells))
    width, height = MARGIN + CELL * columns, MARGIN + CELL * len(cells)
    drawn = [
        _cell(x, y, cell, f"[{top + y}, {left + x}]: {cell.tip}", is_large=columns <= FEW)
        for y, row in enumerate(cells)
        for x, cell in enumerate(row)
    ]
    size = 11 if columns <= FEW else 17  # the more columns, the more the drawing is reduced
    across = (_index(MARGIN + CELL * (x + 0.5), MARGIN - 9, size, left + x) for x in range(columns))
    down = (_index(MARGIN - 14, MARGIN + CELL * (y + 0.5) + 5, size, top + y) for y in range(len(cells)))
    drawing = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'style="max-width: {width * 1.3:.0f}px">{"".join([*across, *down, *drawn])}</svg>'
    )
    return f"<figure><figcaption><b>{escape(title)}</b></figcaption>{drawing}<small>{escape(legend)}</small></figure>"


def _largest(*maps: Iterable[Iterable[float]]) -> float:
    """Return the largest magnitude of a finite number; 0 where there is none."""
    numbers = (abs(value) for rows in maps for row in rows for value in row)
    return max((number for number in numbers if math.isfinite(number)), default=0.0)


def _by_sign(value: float, largest: float) -> Cell:
    size = (abs(value) / largest if largest else 0.0) if math.isfinite(value) else 1.0
    return Cell("below" if value < 0 else "above", FULL * size, _short(value), "", f"{value:.9g}")


def _by_difference(value: float, ratio: float, largest: float) -> Cell:
    """Colour what is wrong by its sign and size; beside the worst, what is off by little shows, too."""
    if ratio <= 1:
        return Cell("above", 0.0, "·", "·", "right")
    cell = _by_sign(value, largest)
    text = cell.text if value < 0 or math.isnan(value) else f"+{cell.text}"
    tip = f"{value:+.9g}{f', {ratio:.3g} × its bound' if math.isfinite(ratio) else ''}"
    return Cell(cell.colour, max(FAINTEST, cell.opacity), text, "✗" if math.isnan(value) else text[0], tip)


def _cell(x: int, y: int, cell: Cell, tip: str, *, is_large: bool) -> str:
    """Draw one element: its colour over the ground, its text or in a large map its mark, and its value as a tooltip."""
    left, top = MARGIN + CELL * x, MARGIN + CELL * y
    shape = f'x="{left}" y="{top}" width="{CELL}" height="{CELL}"'
    text = cell.text if is_large else cell.mark
    size = 17 if not is_large else 11 if len(text) <= 6 else 9
    label = f'<text x="{left + CELL / 2:g}" y="{top + CELL / 2 + 5:g}" font-size="{size}">{escape(text)}</text>'
    return (
        f'<g><title>{escape(tip)}</title><rect {shape} class="ground"/>'
        f'<rect {shape} class="{cell.colour}" fill-opacity="{cell.opacity:.3f}"/>{label if text else ""}</g>'
    )


def _index(x: float, y: float, size: int, number: int) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" class="index">{number}</text>'


def _short(value: float) -> str:
    """Write a number in few characters: seven, or eight where it is negative and tiny or huge."""
    text = f"{value:.4g}"
    if len(text) > 7:
        text = f"{value:.1e}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
