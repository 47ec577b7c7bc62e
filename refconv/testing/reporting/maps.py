"""Maps of a wrong output, drawn as inline SVG: what stands there, what should, and the error in units of its bound.

Sign and size are colours that every kind of eye tells apart, blue below zero and orange above, over whatever the page's
ground is; what is wrong has a mark besides, and small maps have their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from refconv.testing.judging.excerpt import Excerpt, Rows

__all__: list[str] = []

CELL = 40  # units of the drawing
MARGIN = 30  # for the indices
FEW = 9  # columns, up to which numbers are written into the cells
FULL = 0.65  # opacity, so that the numbers can be read on it


def maps_of(excerpt: Excerpt) -> str:
    """Return the figures of one excerpt: actual, desired, and where they can be compared, error in bounds."""
    finite = [abs(value) for rows in (excerpt.actual, excerpt.desired) for row in rows for value in row]
    largest = max((value for value in finite if math.isfinite(value)), default=0.0)

    def by_sign(value: float) -> tuple[str, float, str]:
        size = (abs(value) / largest if largest else 0.0) if math.isfinite(value) else 1.0
        return "below" if value < 0 else "above", FULL * size, _short(value)

    scale = f"blue below 0, orange above, full at ±{_short(largest)}"
    figures = [
        ("actual", excerpt.actual, by_sign, scale),
        ("desired", excerpt.desired, by_sign, scale),
        (
            "error in bounds",
            excerpt.error_in_bounds,
            _by_error,
            "· within its bound, ✗ beyond; a number: how many times",
        ),
    ]
    drawn = (_figure(title, rows, excerpt, style, scale) for title, rows, style, scale in figures if rows)
    return f'<div class="maps">{"".join(drawn)}</div>'


def _by_error(ratio: float) -> tuple[str, float, str]:
    """Colour what exceeds its bound, by the logarithm: full from a million times on."""
    if ratio <= 1:
        return "wrong", 0.0, "·"
    size = min(1.0, 0.3 + math.log10(ratio) / 8) if math.isfinite(ratio) else 1.0
    return "wrong", FULL * size, _short(ratio) if math.isfinite(ratio) else "✗"


def _figure(
    title: str, rows: Rows, excerpt: Excerpt, style: Callable[[float], tuple[str, float, str]], scale: str
) -> str:
    columns = max(map(len, rows))
    width, height = MARGIN + CELL * columns, MARGIN + CELL * len(rows)
    cells = [
        _cell(x, y, *style(value), f"[{excerpt.row + y}, {excerpt.column + x}]: {value:.9g}", is_large=columns <= FEW)
        for y, row in enumerate(rows)
        for x, value in enumerate(row)
    ]
    size = 11 if columns <= FEW else 17  # the more columns, the more the drawing is reduced
    across = (_index(MARGIN + CELL * (x + 0.5), MARGIN - 9, size, excerpt.column + x) for x in range(columns))
    down = (_index(MARGIN - 14, MARGIN + CELL * (y + 0.5) + 5, size, excerpt.row + y) for y in range(len(rows)))
    drawing = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'style="max-width: {width * 1.3:.0f}px">{"".join([*across, *down, *cells])}</svg>'
    )
    return f"<figure><figcaption><b>{escape(title)}</b></figcaption>{drawing}<small>{escape(scale)}</small></figure>"


def _cell(x: int, y: int, colour: str, opacity: float, text: str, tip: str, *, is_large: bool) -> str:
    """Draw one element: its colour over the ground, its text or in a large map its mark, and its value as a tooltip."""
    left, top = MARGIN + CELL * x, MARGIN + CELL * y
    shape = f'x="{left}" y="{top}" width="{CELL}" height="{CELL}"'
    if not is_large:
        text = "" if colour != "wrong" else "✗" if opacity else "·"
    size = 17 if not is_large else 11 if len(text) <= 6 else 9
    label = f'<text x="{left + CELL / 2:g}" y="{top + CELL / 2 + 5:g}" font-size="{size}">{escape(text)}</text>'
    return (
        f'<g><title>{escape(tip)}</title><rect {shape} class="ground"/>'
        f'<rect {shape} class="{colour}" fill-opacity="{opacity:.3f}"/>{label if text else ""}</g>'
    )


def _index(x: float, y: float, size: int, number: int) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" class="index">{number}</text>'


def _short(value: float) -> str:
    """Write a number in few characters: seven, or eight where it is negative and tiny or huge."""
    text = f"{value:.4g}"
    if len(text) > 7:
        text = f"{value:.1e}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
