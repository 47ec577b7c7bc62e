from __future__ import annotations

import io
import sys

import pytest

from refconv.commands import text_table
from refconv.commands.text_table import emphasis, table, wrapped, write


@pytest.fixture(autouse=True)
def forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


ROWS = [["1", "a layer of some words", "7"], ["10", "x", "1234"]]


def test_a_table_that_fits() -> None:
    assert table(["", "layer", "sees"], ROWS, [False, True, False]) == [
        "     layer                  sees",
        "  1  a layer of some words     7",
        " 10  x                      1234",
    ]


def test_the_widest_column_of_text_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "26")
    assert table(["", "layer", "sees"], ROWS, [False, True, False]) == [
        "     layer            sees",
        "  1  a layer of some     7",
        "     words",
        " 10  x                1234",
    ]


@pytest.mark.parametrize("columns", range(20, 36))
def test_no_line_is_wider_than_the_terminal_and_none_is_cut_that_fits(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = table(["", "layer", "sees"], ROWS, [False, True, False])
    assert max(map(len, lines)) <= columns
    assert (len(lines) == 3) == (columns >= 32)  # the lines have 31 characters, and the last column stays free


def test_two_columns_of_text_are_wrapped_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    # 1 + 18 + 2 + 29 + 1 columns are 16 too many.  The second gives up 12 of 29, to be one below the first; the first 2
    # of 18, to be one below the second; and the second the last 2: 16 and 15.
    monkeypatch.setenv("COLUMNS", "34")
    assert table(["name", "layer"], [["one two three four", "five six seven eight nine ten"]], [True, True]) == [
        " name              layer",
        " one two three     five six seven",
        " four              eight nine ten",
    ]


def test_a_long_heading_over_numbers_is_wrapped_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    assert table(["cases", "by convention"], [["degenerate", "7"]], [True, False]) == [
        " cases                by",
        "              convention",
        " degenerate            7",
    ]


@pytest.mark.parametrize(("columns", "lines"), [(27, 2), (26, 2), (25, 3)])
def test_a_long_heading_over_numbers_that_fits_is_not_wrapped(
    columns: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 1 + 10 + 2 + 13 characters
    monkeypatch.setenv("COLUMNS", str(columns))
    assert len(table(["cases", "by convention"], [["degenerate", "7"]], [True, False])) == lines


def test_numbers_are_never_wrapped_nor_is_anything_below_8_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    lines = table(["layer", "sees"], [["abcdefgh ijklmnop", "123456789"]], [True, False])
    assert lines == [" layer          sees", " abcdefgh  123456789", " ijklmnop"]
    assert table(["sees"], [["1234567890123"]], [False]) == ["          sees", " 1234567890123"]
    assert table(["", "x"], [["", ""]], [True, True]) == ["   x", ""]


def test_prose_is_cut_and_indented() -> None:
    line = "what is said of a network goes on for more than one line"
    assert wrapped(line) == ["  what is said of a network goes on for", "    more than one line"]
    assert wrapped(f"  {line}", indent="") == ["  what is said of a network goes on for", "    more than one line"]
    assert wrapped("") == [""]
    assert wrapped("a-b " * 12)[0].endswith("a-b")


def test_a_terminal_that_is_too_narrow_gets_20_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "3")
    assert wrapped("one two three four five") == ["  one two three four", "    five"]


class Terminal(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def test_headings_are_bold_on_a_terminal_unless_nobody_wants_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal(is_terminal=False))
    assert emphasis("holes") == "holes"
    monkeypatch.setattr(sys, "stdout", Terminal(is_terminal=True))
    assert emphasis("holes") == "\x1b[1mholes\x1b[0m"
    monkeypatch.setenv("TERM", "dumb")
    assert emphasis("holes") == "holes"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert emphasis("holes") == "holes"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "3×3 ░▒▓█ · ½ …\n"),
        ("ascii", "3x3 -+*# . ? ...\n"),
        ("latin-1", "3x3 -+*# . ½ ...\n"),
        ("cp437", "3x3 -+*# . ½ ...\n"),
    ],
)
def test_what_a_terminal_cannot_write_is_written_otherwise(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline=""))
    write(["3×3 ░▒▓█ · ½ …   "])
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == expected


def test_without_a_terminal_there_are_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    assert text_table.width() == 80
