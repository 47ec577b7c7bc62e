"""How is a network written on one line?

    k3  k7s2p3  k3x5d2        a convolution: kernel, then stride, padding and dilation; HxW where the axes differ
    k3psame  k3s2psame_upper  SAME padding, in one of its dialects
    pool2  maxpool3s2p1ceil   a pooling, also called maxpool or avgpool: its stride is its kernel unless it says so
    convt4s2p1o1              a transposed convolution; o is the output padding
    up2  up2bilinear          an upsampling
    (k1 | k3d6 | k3d12)       branches that read the same feature map; an empty one is a shortcut
    (k3 pool2)x3              layers, or branches, that are repeated
    c1: k2d1 k2d2             at the front: everything is about one axis, as for sound

This room knows the syntax alone: it turns a line into words and nested branches of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from refconv.geometry.arguments import Pair

__all__: list[str] = []

_FORMS = "k3, k3s2p1d2, k3x5, pool2"
_SIZE = r"\d+(?:x\d+)?"
_PADDING = rf"{_SIZE}|same_upper|same_lower|same|valid"
_WORD = re.compile(
    rf"(k|pool|maxpool|avgpool|convt|up)({_SIZE})((?:[sdo]{_SIZE}|p(?:{_PADDING}))*)(ceil|bilinear|nearest)?"
)
_OPTION = re.compile(rf"([sdo])({_SIZE})|(p)({_PADDING})")
_LETTERS = {"k": "spd", "pool": "spd", "convt": "spdo", "up": ""}
_SUFFIXES = {"k": "", "pool": "ceil", "convt": "", "up": "bilinear nearest"}
_ONE_AXIS = "c1:"
MOST_REPEATS = 100_000


@dataclass(frozen=True, slots=True)
class Word:
    """One layer as it is written: its kind, its first number, its other numbers by letter, and its suffix."""

    text: str
    kind: str
    size: int | Pair
    options: dict[str, int | Pair | str]
    suffix: str


Item: TypeAlias = "Word | tuple[list[Item], ...]"


def one_axis(line: str) -> bool:
    """Whether a line is about one axis alone."""
    return line.strip().startswith(_ONE_AXIS)


def read(line: str) -> list[Item]:
    """Return the words of a line, and a tuple of lists of words where it has branches."""
    pieces = re.findall(r"[()|]|[^\s()|]+", line.strip().removeprefix(_ONE_AXIS))[::-1]
    items = _read_sequence(pieces, [], is_line=one_axis(line))
    if pieces:
        raise ValueError(f"{line!r} has a {pieces[-1]!r} without a '(' before it")
    return items


def _read_sequence(pieces: list[str], numbers: list[int], *, is_line: bool) -> list[Item]:
    """Take the words up to the end of this branch off the end of `pieces`; `numbers` says where this branch is."""
    items: list[Item] = []
    while pieces and pieces[-1] not in "|)":
        piece = pieces.pop()
        place = [*numbers, len(items) + 1]
        items += (
            _read_group(pieces, place, is_line=is_line) if piece == "(" else [_read_word(piece, place, is_line=is_line)]
        )
    return items


def _read_group(pieces: list[str], numbers: list[int], *, is_line: bool) -> list[Item]:
    """Return branches, as often as they are repeated; a repeated sequence without a branch is only longer."""
    branches: list[list[Item]] = []
    while True:
        branches.append(_read_sequence(pieces, [*numbers, len(branches) + 1], is_line=is_line))
        if not pieces:
            raise ValueError(f"{place_name(numbers)}: its '(' has no ')'")
        if pieces.pop() == ")":
            break
    if not pieces or not re.fullmatch(r"x\d+", pieces[-1]):
        return [tuple(branches)]
    times = int(pieces.pop()[1:])
    if not 1 <= times * max(1, len(branches[0])) <= MOST_REPEATS:
        raise ValueError(f"{place_name(numbers)}: x{times} must make at least 1 and at most {MOST_REPEATS} layers")
    group: list[Item] = branches[0] if len(branches) == 1 else [tuple(branches)]
    return group * times


def _read_word(text: str, numbers: Sequence[int], *, is_line: bool) -> Word:
    match = _WORD.fullmatch(text)
    if match is None:
        apart = re.split(r"[,;]", text)
        near = " ".join(apart) if len(apart) > 1 and all(map(_WORD.fullmatch, apart)) else _meant(text)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{place_name(numbers)}: {text!r} must be a layer, such as {_FORMS}{hint}")
    kind, size, rest, suffix = match[1].removeprefix("max").removeprefix("avg"), match[2], match[3], match[4] or ""
    options = [(letter or p, value or padding) for letter, value, p, padding in _OPTION.findall(rest)]
    letters = [letter for letter, _ in options]
    for letter in letters:
        if letter not in _LETTERS[kind] or letters.count(letter) > 1:
            problem = " twice" if letter in _LETTERS[kind] else f", which {kind!r} does not take"
            raise ValueError(f"{place_name(numbers)}: {text!r} has {letter!r}{problem}")
    if suffix and suffix not in _SUFFIXES[kind].split():
        raise ValueError(f"{place_name(numbers)}: {text!r} has {suffix!r}, which {kind!r} does not take")
    values = {letter: value if value.isalpha() or "_" in value else _size(value) for letter, value in options}
    word = Word(text, kind, _size(size), values, suffix)
    return _about_width(word, numbers) if is_line else word


def _about_width(word: Word, numbers: Sequence[int]) -> Word:
    """Return a word of one axis, which is the width, as one of two."""
    if isinstance(word.size, tuple) or any(isinstance(value, tuple) for value in word.options.values()):
        raise ValueError(f"{place_name(numbers)}: {word.text!r} has two axes, and {_ONE_AXIS!r} says one")
    idle = {"p": 0, "o": 0}
    options: dict[str, int | Pair | str] = {
        letter: (idle.get(letter, 1), value) if isinstance(value, int) else value
        for letter, value in word.options.items()
    }
    return Word(word.text, word.kind, (1, word.size), options, word.suffix)


def _meant(text: str) -> str | None:
    """Return the word that a slip was to be: one letter too many, wrong, missing, or two in the wrong order.

    Nothing is said where several words come as close, or none: ``kk3`` was to be ``k3``, and ``k3z2`` may be three.
    """
    for near in _near(text.lower()):
        found = {word for word in near if _WORD.fullmatch(word)}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _near(text: str) -> Iterator[set[str]]:
    """Yield the words that a slip leads from, the likelier slips first."""
    letters = "kpoluxtcnvsdaibergm"
    cuts = range(len(text))
    yield {text, re.sub(r"^(conv|c)(?=\d)", "k", text), re.sub(r"(\d)[-,;*](?=\w|$)", r"\1", text).replace("×", "x")}
    # Without the letter between them, two numbers would become another one: k3z2 is not k32.
    yield {text[: extra.start()] + text[extra.end() :] for extra in re.finditer(r"(?<!\d)\D|\D(?!\d)", text)}
    yield {text[:i] + text[i + 1 : i + 2] + text[i] + text[i + 2 :] for i in cuts}
    yield {text[:i] + letter + text[i:] for i in (*cuts, len(text)) for letter in letters}
    yield {text[:i] + letter + text[i + 1 :] for i in cuts for letter in letters if not text[i].isdecimal()}


def _size(text: str) -> int | Pair:
    height, _, width = text.partition("x")
    return (int(height), int(width)) if width else int(height)


def place_name(numbers: Sequence[int]) -> str:
    """Return where a layer stands: its number, or ``layer 2, branch 1, layer 3``."""
    return ", ".join(f"{('layer', 'branch')[depth % 2]} {number}" for depth, number in enumerate(numbers))
