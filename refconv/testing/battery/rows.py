"""Lists of cases, a row for many: choices in braces, and steps over three axes for operations over one, two and three.

>>> choices("c2-o3-k{1..3}-{f32,f64-real}")[:3]
['c2-o3-k1-f32', 'c2-o3-k1-f64-real', 'c2-o3-k2-f32']

What stands in square brackets takes turns, one with each of the combinations of what stands in braces, in their order.

>>> choices("k{2..5}-[s1,s2x1]")
['k2-s1', 'k3-s2x1', 'k4-s1', 'k5-s2x1']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, TypeAlias

from refconv.operations import OPERATIONS
from refconv.testing.battery.layouts import LAYOUTS

__all__: list[str] = []

Families: TypeAlias = Mapping[str, Iterable[str]]  # names by what the cases are there for: the rows of the report

_OVER_THREE_AXES: Final = re.compile(r"(-[kspdeh]?)([\d+]+)x([\d+]+)x([\d+]+)(?=-|$)")


def choices(row: str) -> list[str]:
    """Return what a row stands for: one of the choices in each pair of braces, the last ones changing fastest."""
    parts = re.split(r"\{(.*?)\}", row)
    options = [_options(part) if place % 2 else [part] for place, part in enumerate(parts)]
    return [_in_turn("".join(chosen), turn) for turn, chosen in enumerate(product(*options))]


# Every remainder modulo 2, 4, 8 and 16, and both sides of 32, 64 and 128.
_EXTENTS: Final = (*range(1, 19), 31, 32, 33, 63, 64, 65, 127, 128, 129)
# Choices that many rows offer, by name.
_NAMED: Final[dict[str, list[str]]] = {
    "layouts": ["strided", "fortran", "broadcast", "negative", "read_only", "big_endian"],
    "all layouts": list(LAYOUTS)[1:],
    "types": ["f16", "f16-real", "bf16", "bf16-real", "c64", "c64-real", "i8", "i8-extreme", "u8", "u8-extreme"],
    "values": [
        *("bias-f32-nan", "bias-f32-inf", "f32-negzero", "f32-subnormal", "f64-subnormal"),
        *("bias-f32-spread", "bias-f64-spread"),
    ],
    "extents": list(map(str, _EXTENTS)),
    "depthwise": [f"c{extent}-o{extent}-g{extent}" for extent in _EXTENTS],
    "groups": [
        f"c{groups * into}-o{groups * out}-g{groups}"
        for groups, into, out in product((2, 3, 4, 5, 8, 16), (1, 2, 3, 4), (1, 2, 3, 5))
    ],
}


def _options(text: str) -> list[str]:
    """Read ``1..7`` as seven numbers, ``a,b`` as two texts, and a word of those above as what it stands for."""
    first, dots, last = text.partition("..")
    if dots:
        return [str(number) for number in range(int(first), int(last) + 1)]
    return [option for word in text.split(",") for option in _NAMED.get(word, [word])]


def _in_turn(text: str, turn: int) -> str:
    """Take one of the texts in each pair of square brackets."""

    def one(found: re.Match[str]) -> str:
        options = found[1].split(",")
        return options[turn % len(options)]

    return re.sub(r"\[(.*?)\]", one, text)


def families(text: str) -> dict[str, list[str]]:
    """Read lists of rows: a line that ends with a colon names a family, those after it are its rows; # is a comment."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        row = line.partition("#")[0].strip()
        if row.endswith(":"):
            members = found.setdefault(row[:-1], [])
        elif row:
            members += choices(row)
    return found


def of_operation(op: str, *lists: Families) -> dict[str, list[str]]:
    """Return the cases of an operation by family, those of one list after those of the one before.

    Of three numbers for three axes, ``7x8x9``, it takes those of its own axes, the last ones.
    """
    front, rank = "" if op == "conv2d" else f"{op}-", OPERATIONS[op].space.rank

    def own(row: str) -> str:
        last = _OVER_THREE_AXES.sub(lambda part: part[1] + "x".join(part.groups()[-rank:]), f"-{row}")
        return f"{front}{last[1:]}"

    names = dict.fromkeys(family for rows in lists for family in rows)
    return {family: [own(row) for rows in lists for row in rows.get(family, ())] for family in names}
