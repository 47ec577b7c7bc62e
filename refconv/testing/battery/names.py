"""The name of a case says everything: one writes it, and one reads it.

``n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32`` says, in order, batch 2 (left out for an input without one), 6 input
channels, 10 output channels, 2 groups, height 7 and width 9, a 2×3 kernel, stride (2, 1), padding (1, 0), dilation
(1, 2), a bias, float32.  One number stands for equal ones; a padding that differs by side is ``p1+0x2+3`` for
((1, 0), (2, 3)), or one of the strings, ``psame_upper``.  A bias of another type is ``biasf64``, and ``f32xi8`` says
that the second factor is of int8.  Words may follow: one for the data (``real`` for normal numbers in place of exact
whole ones, ``nan`` ...), one for the memory layout, with the array that alone has it (``strided-weight``), and
``threads``, for calls from other threads than the main one.

Another operation than conv2d stands in front: ``conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-f32`` has one number for each of its
axes, ``conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32`` an output padding ``e`` where it is not 0,
or the size ``h`` of its output where that is asked for, and ``conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32``
is the gradient of the convolution that follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.operations import OPERATIONS
from refconv.operations.call import OPERANDS
from refconv.testing.battery.cases import DTYPES, INTEGERS, Case
from refconv.testing.battery.data import BIASES, DATA, FLOAT_DATA, FORWARD_DATA, INTEGER_DATA, ROUNDED
from refconv.testing.battery.eight_bits import EIGHT_BIT_DATA
from refconv.testing.battery.layouts import LAYOUTS

__all__: list[str] = []

_NUMBER = r"(?:0|[1-9]\d*)"
_NUMBERS = rf"{_NUMBER}(?:x{_NUMBER})*"
_SIDES = rf"{_NUMBER}\+{_NUMBER}(?:x{_NUMBER}\+{_NUMBER})*"
_PADDING = rf"{'|'.join(PADDING_STRINGS)}|{_SIDES}|{_NUMBERS}"
_TYPE = "|".join(DTYPES)
_NOT_FIRST = {
    name: "|".join(list(words)[1:]) for name, words in (("op", OPERATIONS), ("data", DATA), ("layout", LAYOUTS))
}
# The words of a name in their order: what stands before each, what it may be, and whether it may be missing.
_WORDS: Final = (
    ("op", "-", _NOT_FIRST["op"], True),  # the first operation goes without saying, like the first data and layout
    ("n", "-n", _NUMBER, True),
    ("c", "-c", _NUMBER, False),
    ("o", "-o", _NUMBER, False),
    ("g", "-g", _NUMBER, False),
    ("size", "-", _NUMBERS, False),
    ("k", "-k", _NUMBERS, False),
    ("s", "-s", _NUMBERS, False),
    ("p", "-p", _PADDING, False),
    ("e", "-e", _NUMBERS, True),
    ("h", "-h", _NUMBERS, True),
    ("d", "-d", _NUMBERS, False),
    ("bias", "-bias", rf"(?:{_TYPE})?", True),
    ("dtype", "-", _TYPE, False),
    ("other", "x", _TYPE, True),
    ("data", "-", _NOT_FIRST["data"], True),
    ("layout", "-", _NOT_FIRST["layout"], True),
    ("of", "-", "|".join(OPERANDS), True),
    ("threads", "-", "threads", True),
)


def _grammar() -> re.Pattern[str]:
    parts = [f"{front}(?P<{name}>{form})" for name, front, form, _ in _WORDS]
    return re.compile(
        "".join(f"(?:{part})?" if may_miss else part for part, (*_, may_miss) in zip(parts, _WORDS, strict=True))
    )


_GRAMMAR: Final = _grammar()


def write_name(words: Mapping[str, str | None]) -> str:
    """Write the words of a name in their order, those that are not None: ``{"c": "1", ...}``."""
    given = ((front, words.get(name)) for name, front, *_ in _WORDS)
    return "".join(f"{front}{word}" for front, word in given if word is not None)[1:]


def words_of(name: str) -> dict[str, str | None]:
    """Return the words of a name, None for those that are missing, or nothing where it does not read like one."""
    match = _GRAMMAR.fullmatch(f"-{name}")
    return {} if match is None else match.groupdict()


def name_of(case: Case) -> str:
    """Write the name of a valid case from all the rest of it: the inverse of `parse_case`."""
    rank = case.operation.space.rank
    batch = case.input_shape[0] if len(case.input_shape) == rank + 2 else None
    channels, *size = case.input_shape[-rank - 1 :]
    first, second, *kernel = case.weight_shape
    transposed = case.operation.is_transposed
    return write_name(
        {
            "op": None if case.op == "conv2d" else case.op,
            "n": None if batch is None else str(batch),
            "c": str(channels),
            "o": str(second * case.groups if transposed else first),
            "g": str(case.groups),
            "size": "x".join(map(str, size)),
            "k": numbers_text(*kernel),
            "s": numbers_text(*as_tuple(case.stride)),
            "p": padding_text(case.padding),
            "e": numbers_text(*case.output_padding) if any(case.output_padding) else None,
            "h": "x".join(map(str, case.output_size)) or None,
            "d": numbers_text(*as_tuple(case.dilation)),
            "bias": None if case.bias_shape is None else case.bias_dtype,
            "dtype": case.dtype,
            "other": case.other_dtype or None,
            "data": None if case.data == "exact" else case.data,
            "layout": None if case.layout == "contiguous" else case.layout,
            "of": case.laid_out or None,
            "threads": "threads" if case.threads else None,
        }
    )


def parse_case(name: str, family: str = "") -> Case:
    """Return the valid case of this name; a ValueError where it is not of the form above, or cannot be."""
    case = read_row(name, family)
    if case.id != name:
        raise ValueError(f"case {name!r} must read like {case.id!r}")
    return case


def read_row(name: str, family: str = "") -> Case:
    """Return the valid case of a name that may be written otherwise than `name_of` does, with ``k3x3`` for ``k3``."""
    case = read_case(name, family)
    case = replace(case, id=name_of(case))
    (_check_eight_bits if case.operation.arithmetic else _check_words)(case)
    return case


def read_case(name: str, family: str = "") -> Case:
    """Return the case of a name whose words need not go together."""
    part: dict[str, Any] = words_of(name)
    op = part.get("op") or "conv2d"
    operation = OPERATIONS[op]
    rank = operation.space.rank
    if not part or not _has_rank(part, rank):
        _refuse_one_side(name)
        raise ValueError(f"case {name!r} must read like {example_of(op)!r}")
    channels, out_channels, groups = int(part["c"]), int(part["o"]), int(part["g"])
    first, second = (channels, out_channels) if operation.is_transposed else (out_channels, channels)
    batch = () if part["n"] is None else (int(part["n"]),)
    case = Case(
        id=name,
        input_shape=(*batch, channels, *numbers_of(part["size"], rank)),
        weight_shape=(first, second // max(1, groups), *numbers_of(part["k"], rank)),
        bias_shape=None if part["bias"] is None else (out_channels,),
        stride=numbers_of(part["s"], rank),
        padding=_padding(part["p"], rank),
        dilation=numbers_of(part["d"], rank),
        groups=groups,
        dtype=part["dtype"],
        data=part["data"] or "exact",
        layout=part["layout"] or "contiguous",
        family=family,
        op=op,
        output_padding=numbers_of(part["e"] or "0", rank),
        output_size=numbers_of(part["h"], rank) if part["h"] else (),
        other_dtype=part["other"] or "",
        bias_dtype=part["bias"] or "",
        laid_out=part["of"] or "",
        threads=bool(part["threads"]),
    )
    if operation.is_transposed and groups and out_channels % groups:
        raise ValueError(f"case {name!r} has {groups} groups, which must divide its {out_channels} output channels")
    plan = case.plan
    if operation.is_gradient:
        shape = plan.input_shape if operation.is_transposed else plan.output_shape
        case = replace(case, grad_output_shape=shape if plan.batched else shape[1:])
    return case


def _refuse_one_side(name: str) -> None:
    """Refuse a padding of which one axis has two sides and another a number: ``p0x2+0``."""
    if mixed := re.search(r"-p(?=[^-]*\+)([\d+x]*)", name):
        sides = "x".join(each if "+" in each else f"{each}+{each}" for each in mixed[1].split("x"))
        if sides != mixed[1]:
            raise ValueError(
                f"case {name!r} has the padding 'p{mixed[1]}'; both sides of every axis would be 'p{sides}'"
            )


def _check_words(case: Case) -> None:
    """Refuse words that say nothing here: data that a type or an operation cannot hold, a bias of a gradient."""
    operation = case.operation
    is_integer = case.dtype in INTEGERS
    if case.data not in (INTEGER_DATA if is_integer else FLOAT_DATA):
        kind = "whole" if is_integer else "floating-point"
        raise ValueError(f"case {case.id!r} has {case.data!r} data, which {kind} numbers do not have")
    if case.data in FORWARD_DATA and (operation.is_gradient or operation.is_transposed):
        raise ValueError(f"case {case.id!r} has {case.data!r} data, which {case.op} does not have")
    if case.data not in ROUNDED and not case.largest_number():
        name = case.id
        raise ValueError(f"case {name!r} adds up too many terms for exact data; write {name + '-real'!r}")
    for what, is_there in {"a bias": case.bias_shape is not None, "an output size": bool(case.output_size)}.items():
        if is_there and operation.is_gradient:
            raise ValueError(f"case {case.id!r} has {what}, which {case.op} does not have")
    arrays = {*operation.factors} if case.bias_shape is None else {*operation.factors, "bias"}
    if case.data in BIASES and "bias" not in arrays:
        raise ValueError(f"case {case.id!r} has {case.data!r} data, and no bias")
    if case.laid_out and (case.layout == "contiguous" or case.laid_out not in arrays or len(arrays) == 1):
        raise ValueError(f"case {case.id!r} must name a layout, and one of several arrays: {', '.join(sorted(arrays))}")
    if any(word == case.dtype for word in (case.other_dtype, case.bias_dtype)):
        raise ValueError(f"case {case.id!r} names the type {case.dtype!r} twice")
    is_mixed = bool(case.other_dtype or case.bias_dtype)
    if is_mixed and (case.data != "exact" or (case.other_dtype and len(operation.factors) == 1)):
        raise ValueError(f"case {case.id!r} is of several types, which takes exact data and two factors")


def _check_eight_bits(case: Case) -> None:
    """Refuse what is not for 8-bit numbers."""
    words, arithmetic = EIGHT_BIT_DATA[case.operation.arithmetic], case.operation.arithmetic
    if not {case.dtype, case.other_dtype or case.dtype} <= {"i8", "u8"} or case.bias_dtype or case.data not in words:
        raise ValueError(f"case {case.id!r} must be of i8 or u8, with data among {', '.join(words)}")
    if case.bias_shape is not None and arithmetic == "integer":
        raise ValueError(f"case {case.id!r} has a bias, which {case.op} does not have")
    if case.dtype == case.other_dtype or case.laid_out or case.threads:
        raise ValueError(f"case {case.id!r} says more than {case.op} asks")


def _has_rank(part: dict[str, Any], rank: int) -> bool:
    """Whether there is one number, or one for each axis (of a size, one for each), and what is transposed may be."""
    if (part["e"] or part["h"]) and not OPERATIONS[part["op"] or "conv2d"].is_transposed:
        return False
    counts = {letter: (part[letter] or "0").count("x") + 1 for letter in ("size", "k", "s", "p", "e", "d")}
    counts["h"] = part["h"].count("x") + 1 if part["h"] else rank
    needed = {"size", "h"} | ({"p"} if "+" in part["p"] else set())
    return all(count == rank or (count == 1 and letter not in needed) for letter, count in counts.items())


def numbers_text(*numbers: int) -> str:
    """Write numbers as names have them: ``3`` for equal ones, else ``2x3``."""
    return str(numbers[0]) if len({*numbers}) == 1 else "x".join(map(str, numbers))


def numbers_of(text: str, rank: int) -> tuple[int, ...]:
    """Read ``3`` as (3, 3), and ``2x3`` as (2, 3)."""
    numbers = tuple(map(int, re.findall(r"\d+", text)))
    return numbers * rank if len(numbers) == 1 else numbers


def padding_text(padding: Any) -> str:
    """Write a padding: a word, ``1x0`` where the sides are equal, else ``1+0x2+3``."""
    if isinstance(padding, str):
        return padding
    sides = [side if isinstance(side, tuple) else (side, side) for side in as_tuple(padding)]
    if all(before == after for before, after in sides):
        return numbers_text(*(before for before, _ in sides))
    return "x".join(f"{before}+{after}" for before, after in sides)


def _padding(text: str, rank: int) -> str | tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """Read ``same_upper``, ``1x0`` as (1, 0), like ``1+1x0+0``, and ``1+0x2+3`` as ((1, 0), (2, 3))."""
    if text in PADDING_STRINGS:
        return text
    numbers = numbers_of(text, rank)
    if "+" not in text or numbers[::2] == numbers[1::2]:
        return numbers[:: 2 if "+" in text else 1]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return a parameter that is known to be a tuple, in the form in which a target gets it."""
    return tuple(value)


_EXAMPLES: Final = {1: ("9", "3", "2", "1", "1", "2"), 2: ("7x9", "2x3", "2x1", "1x0", "1x0", "1x2"),
                    3: ("5x7x6", "2x3x1", "1x2x1", "1x0x0", "0x1x0", "1x1x2")}  # fmt: skip


def example_of(op: str) -> str:
    """Return a name of this operation, in which all parameters differ."""
    operation = OPERATIONS[op]
    words = dict(zip(("size", "k", "s", "p", "e", "d"), _EXAMPLES[operation.space.rank], strict=True))
    given: dict[str, str | None] = {**words, "op": op, "n": "2", "c": "6", "o": "10", "g": "2"}
    given |= {"op": None if op == "conv2d" else op, "dtype": "u8" if operation.arithmetic else "f32"}
    given |= {"bias": None if operation.by or operation.arithmetic == "integer" else ""}
    return write_name(given if operation.is_transposed else given | {"e": None})
