"""Tables and headings of all commands, in plain text, for any width of terminal and any encoding of standard output."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import refconv

__all__ = ["emphasis", "table", "wrapped", "write", "write_json"]

NARROWEST = 8  # characters of a column that is wrapped
STYLES = {"bold": "1", "italic": "3", "red": "1;31", "green": "32", "yellow": "33"}
# For output that has no more than ASCII: what is drawn with other characters, drawn with these.
ASCII = str.maketrans(
    {"×": "x", "·": ".", "░": "-", "▒": "+", "▓": "*", "█": "#", "−": "-", "²": "^2", "…": "...", "—": "-"}
)


def write(lines: Sequence[str]) -> None:
    """Write lines to standard output, in the characters that it has."""
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    encoding = sys.stdout.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(ASCII).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(text)


def write_json(document: Mapping[str, Any]) -> None:
    """Write a document as JSON, with the version and the schema in front; outside of UTF-8 in ASCII alone."""
    has_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    whole = {"refconv": refconv.__version__, "schema": 1, **document}
    sys.stdout.write(json.dumps(whole, indent=1, ensure_ascii=not has_unicode) + "\n")


def emphasis(line: str, style: str = "bold") -> str:
    """Return a line in a style, where standard output is a terminal or that is asked for, and nobody asked for none."""
    asked = os.environ.get("FORCE_COLOR") or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
    return f"\x1b[{STYLES[style]}m{line}\x1b[0m" if asked and not os.environ.get("NO_COLOR") else line


def width() -> int:
    """Return the columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def wrapped(line: str, indent: str = "  ") -> list[str]:
    """Return a line of prose, indented, cut to the terminal's width, and its further lines indented more."""
    indent += line[: len(line) - len(line.lstrip())]
    cut = textwrap.TextWrapper(max(20, width()), initial_indent=indent, subsequent_indent=indent + "  ")
    cut.break_on_hyphens = False
    return cut.wrap(line.lstrip()) or [""]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Return a table's lines, columns flush left or right; headings, then the widest column on the left, wrap to fit.

    >>> table(["", "layer", "sees"], [["1", "Conv(3)", "3"], ["10", "Pool(2)", "12"]], [False, True, False])
    ['     layer    sees', '  1  Conv(3)     3', ' 10  Pool(2)    12']
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    for place, (heading, *cells) in enumerate(columns):  # a long heading over short numbers is the first to be wrapped
        excess = max(0, sum(widths) + 2 * len(widths) - 1 - width())
        if not left[place]:
            widths[place] = max(widths[place] - excess, *map(len, [*heading.split(), *cells, ""]))
    while (excess := sum(widths) + 2 * len(widths) - 1 - width()) > 0:
        widest = max((place for place, flush in enumerate(left) if flush), key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= NARROWEST:
            break
        others = sorted(widths[place] for place, flush in enumerate(left) if flush and place != widest)
        least = max(NARROWEST, others[-1] - 1 if others else NARROWEST)
        widths[widest] = max(widths[widest] - excess, min(least, widths[widest] - 1))
    return [line.rstrip() for row in [headings, *rows] for line in _row(row, widths, left)]


def _row(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of one row."""
    folded = [
        textwrap.wrap(cell, max(1, size), break_on_hyphens=False) or [""]
        for cell, size in zip(cells, widths, strict=True)
    ]
    for number in range(max(map(len, folded))):
        parts = [lines[number] if number < len(lines) else "" for lines in folded]
        aligned = [
            part.ljust(size) if flush else part.rjust(size)
            for part, size, flush in zip(parts, widths, left, strict=True)
        ]
        yield " " + "  ".join(aligned)
