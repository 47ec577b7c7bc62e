"""The name of a case says everything: this reads it.

``n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32`` says, in order, batch 2 (left out for an input without one), 6 input
channels, 10 output channels, 2 groups, height 7 and width 9, a 2×3 kernel, stride (2, 1), padding (1, 0), dilation
(1, 2), a bias, float32.  One number stands for equal ones; a padding that differs by side is ``p1+0x2+3`` for
((1, 0), (2, 3)), or one of the strings, ``psame_upper``.  Two words may follow: one for the data (``real`` for normal
numbers in place of exact whole ones, ``nan`` ...), and one for the memory layout.

Another operation than conv2d stands in front: ``conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-f32`` has one number for each of its
axes, ``conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32`` an output padding ``e`` where it is not 0,
and ``conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32`` is the gradient of the convolution that follows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.geometry.plan import ConvGeometry
from refconv.testing.battery.cases import DTYPES, INTEGERS, Case
from refconv.testing.battery.data import DATA, FLOAT_DATA, FORWARD_DATA, INTEGER_DATA, LAYOUTS, ROUNDED
from refconv.testing.battery.operations import OPERATIONS

__all__: list[str] = []

_NUMBER = r"(?:0|[1-9]\d*)"
_NUMBERS = rf"{_NUMBER}(?:x{_NUMBER})*"
_SIDES = rf"{_NUMBER}\+{_NUMBER}(?:x{_NUMBER}\+{_NUMBER})*"
_NOT_FIRST = ["|".join(list(words)[1:]) for words in (OPERATIONS, DATA, LAYOUTS)]  # the first goes without saying
_GRAMMAR = re.compile(
    rf"(?:(?P<op>{_NOT_FIRST[0]})-)?(?:n(?P<n>{_NUMBER})-)?c(?P<c>{_NUMBER})-o(?P<o>{_NUMBER})-g(?P<g>{_NUMBER})"
    rf"-(?P<size>{_NUMBERS})-k(?P<k>{_NUMBERS})-s(?P<s>{_NUMBERS})-p(?P<p>{'|'.join(PADDING_STRINGS)}|{_SIDES}|{_NUMBERS})"
    rf"(?:-e(?P<e>{_NUMBERS}))?-d(?P<d>{_NUMBERS})(?P<bias>-bias)?"
    rf"-(?P<dtype>{'|'.join(DTYPES)})(?:-(?P<data>{_NOT_FIRST[1]}))?(?:-(?P<layout>{_NOT_FIRST[2]}))?"
)


def parse_case(name: str, family: str = "") -> Case:
    """Return the valid case of this name; a ValueError where it is not of the form above, or cannot be."""
    match = _GRAMMAR.fullmatch(name)
    part = {} if match is None else match.groupdict()
    op = part.get("op") or "conv2d"
    rank = OPERATIONS[op].space.rank
    if not part or _says_twice(name) or not _has_rank(part, rank):
        raise ValueError(f"case {name!r} must read like {_EXAMPLES[op]!r}")
    channels, out_channels, groups = int(part["c"]), int(part["o"]), int(part["g"])
    of_weight = channels, out_channels
    if op != "conv_transpose2d":
        of_weight = out_channels, channels
    batch = () if part["n"] is None else (int(part["n"]),)
    case = Case(
        id=name,
        input_shape=(*batch, channels, *numbers_of(part["size"], rank)),
        weight_shape=(of_weight[0], of_weight[1] // max(1, groups), *numbers_of(part["k"], rank)),
        bias_shape=(out_channels,) if part["bias"] else None,
        stride=numbers_of(part["s"], rank),
        padding=_padding(part["p"], rank),
        dilation=numbers_of(part["d"], rank),
        groups=groups,
        dtype=part["dtype"],
        data=part["data"] or "exact",
        layout=part["layout"] or "contiguous",
        family=family,
        op=op,
        output_padding=numbers_of(part["e"] or "0", 2),
    )
    if op == "conv_transpose2d" and isinstance(case.padding, str):
        raise ValueError(f"case {name!r} has padding={case.padding!r}, which only a convolution can be padded by")
    if op == "conv_transpose2d" and groups and out_channels % groups:
        raise ValueError(f"case {name!r} has {groups} groups, which must divide its {out_channels} output channels")
    case.axes()
    if case.operation.is_gradient:
        case = _with_grad_output(case)
    _check_words(case)
    return case


def _with_grad_output(case: Case) -> Case:
    """Give a gradient's case the shape of the convolution's output."""
    plan = ConvGeometry.from_shapes(case.input_shape, case.weight_shape, **case.kwargs())
    return replace(case, grad_output_shape=plan.output_shape[4 - len(case.input_shape) :])


def _check_words(case: Case) -> None:
    """Refuse words that say nothing here: data that a type or an operation cannot hold, a bias of a gradient."""
    operation = OPERATIONS[case.op]
    is_integer = case.dtype in INTEGERS
    if case.data not in (INTEGER_DATA if is_integer else FLOAT_DATA):
        kind = "whole" if is_integer else "floating-point"
        raise ValueError(f"case {case.id!r} has {case.data!r} data, which {kind} numbers do not have")
    if case.data in FORWARD_DATA and not operation.is_forward:
        raise ValueError(f"case {case.id!r} has {case.data!r} data, which {case.op} does not have")
    if case.data not in ROUNDED and not case.largest_number():
        name = case.id
        raise ValueError(f"case {name!r} adds up too many terms for exact data; write {name + '-real'!r}")
    if case.layout == "channels_last" and operation.space.rank != 2:
        raise ValueError(f"case {case.id!r} has its channels last, which is for two spatial axes")
    if case.bias_shape is not None and operation.is_gradient:
        raise ValueError(f"case {case.id!r} has a bias, which {case.op} does not have")


def _has_rank(part: dict[str, str | None], rank: int) -> bool:
    """Whether there is one number, or one for each axis (of the size, one for each), and an output padding may be."""
    if part["e"] is not None and (part["op"] != "conv_transpose2d" or part["e"] == "0"):
        return False
    counts = {letter: (part[letter] or "0").count("x") + 1 for letter in ("size", "k", "s", "p", "e", "d")}
    is_by_side = "+" in (part["p"] or "")
    needed = {letter for letter in counts if letter == "size" or (letter == "p" and is_by_side)}
    return all(count == rank or (count == 1 and letter not in needed) for letter, count in counts.items())


def _says_twice(name: str) -> bool:
    """Whether a name writes equal numbers one by one, or sides that are equal: one convolution has one name."""
    words = [part[1:].split("x") for part in name.split("-") if re.fullmatch(r"[kspde][\dx+]+", part)]
    return any(
        all(len({*sides.split("+")}) == 1 for sides in numbers)
        if "+" in numbers[0]
        else len(numbers) > 1 == len({*numbers})
        for numbers in words
    )


def numbers_text(letter: str, *numbers: int) -> str:
    """Write numbers as names have them: ``k3`` for equal ones, else ``k2x3``."""
    return f"{letter}{numbers[0]}" if len({*numbers}) == 1 else letter + "x".join(map(str, numbers))


def numbers_of(text: str, rank: int) -> tuple[int, ...]:
    """Read ``3``, or ``k3``, as (3, 3), and ``2x3`` as (2, 3)."""
    numbers = tuple(map(int, re.findall(r"\d+", text)))
    return numbers * rank if len(numbers) == 1 else numbers


def _padding(text: str, rank: int) -> str | tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """Read ``same_upper``, ``1x0`` as (1, 0), and ``1+0x2+3`` as ((1, 0), (2, 3))."""
    if text in PADDING_STRINGS:
        return text
    if "+" not in text:
        return numbers_of(text, rank)
    return tuple(tuple(map(int, sides.split("+"))) for sides in text.split("x"))


_EXAMPLES: Final = {
    "conv2d": "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32",
    "conv1d": "conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32",
    "conv3d": "conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x0-d1x1x2-bias-f32",
    "conv_transpose2d": "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32",
    "conv2d_input": "conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",
    "conv2d_weight": "conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",
}
