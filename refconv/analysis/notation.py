"""How is a network written on one line?

    k3  k7s2p3  k3x5d2        a convolution: kernel, then stride, padding and dilation; HxW where the axes differ
    pool2  pool3s2p1ceil      a pooling: its stride is its kernel unless it says so
    convt4s2p1o1              a transposed convolution; o is the output padding
    up2  up2bilinear          an upsampling
    (k1 | k3d6 | k3d12)       branches that read the same feature map; an empty one is a shortcut

This room knows the syntax alone: it turns a line into words and nested branches of words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from refconv.geometry.arguments import Pair

__all__: list[str] = []

_FORMS = ("k3", "k3s2p1d2", "k3x5", "pool2", "pool3s2p1ceil", "convt4s2p1o1", "up2", "up2bilinear")
_SIZE = r"\d+(?:x\d+)?"
_WORD = re.compile(rf"(k|pool|convt|up)({_SIZE})((?:[spdo]{_SIZE})*)(ceil|bilinear|nearest)?")
_OPTION = re.compile(rf"([spdo])({_SIZE})")
_LETTERS = {"k": "spd", "pool": "spd", "convt": "spdo", "up": ""}
_SUFFIXES = {"k": "", "pool": "ceil", "convt": "", "up": "bilinear nearest"}


@dataclass(frozen=True, slots=True)
class Word:
    """One layer as it is written: its kind, its first number, its other numbers by letter, and its suffix."""

    text: str
    kind: str
    size: int | Pair
    options: dict[str, int | Pair]
    suffix: str


Item: TypeAlias = "Word | tuple[list[Item], ...]"


def read(line: str) -> list[Item]:
    """Return the words of a line, and a tuple of lists of words where it has branches."""
    pieces = re.findall(r"[()|]|[^\s()|]+", line)
    items = _read_sequence(pieces, numbers=[1])
    if pieces:
        raise ValueError(f"{line!r} has a {pieces[0]!r} without a '(' before it")
    return items


def _read_sequence(pieces: list[str], numbers: list[int]) -> list[Item]:
    """Take the words up to the end of this branch off `pieces`; `numbers` says where we are."""
    items: list[Item] = []
    while pieces and pieces[0] not in "|)":
        piece = pieces.pop(0)
        place = [*numbers[:-1], len(items) + 1]
        items.append(_read_branches(pieces, place) if piece == "(" else _read_word(piece, place))
    return items


def _read_branches(pieces: list[str], numbers: list[int]) -> tuple[list[Item], ...]:
    branches: list[list[Item]] = []
    while True:
        branches.append(_read_sequence(pieces, [*numbers, len(branches) + 1, 1]))
        if not pieces:
            raise ValueError(f"{place_name(numbers)}: its '(' has no ')'")
        if pieces.pop(0) == ")":
            return tuple(branches)


def _read_word(text: str, numbers: list[int]) -> Word:
    match = _WORD.fullmatch(text)
    if match is None:
        near = difflib.get_close_matches(text, _FORMS, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{place_name(numbers)}: {text!r} must be a layer, such as {', '.join(_FORMS[:4])}{hint}")
    kind, size, rest, suffix = match[1], match[2], match[3], match[4] or ""
    options = _OPTION.findall(rest)
    letters = [letter for letter, _ in options]
    for letter in letters:
        if letter not in _LETTERS[kind] or letters.count(letter) > 1:
            problem = " twice" if letter in _LETTERS[kind] else f", which {kind!r} does not take"
            raise ValueError(f"{place_name(numbers)}: {text!r} has {letter!r}{problem}")
    if suffix and suffix not in _SUFFIXES[kind].split():
        raise ValueError(f"{place_name(numbers)}: {text!r} has {suffix!r}, which {kind!r} does not take")
    return Word(text, kind, _size(size), {letter: _size(value) for letter, value in options}, suffix)


def _size(text: str) -> int | Pair:
    height, _, width = text.partition("x")
    return (int(height), int(width)) if width else int(height)


def place_name(numbers: Sequence[int]) -> str:
    """Return where a layer stands: its number, or ``layer 2, branch 1, layer 3``."""
    return ", ".join(f"{('layer', 'branch')[depth % 2]} {number}" for depth, number in enumerate(numbers))
