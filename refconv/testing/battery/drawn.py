"""Random cases as choices: what there is to choose from, and the case that some choices make.

Every choice is free of the others, and its first option is the plainest, so that a case is made smaller by making one
choice plainer after the other.  What stands there twice is likelier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from refconv.geometry.arguments import Pair
from refconv.operations import OPERATIONS, Operation
from refconv.testing.battery.cases import INTEGERS, Case, has_ml_dtypes
from refconv.testing.battery.eight_bits import EIGHT_BIT_DATA
from refconv.testing.battery.layouts import LAYOUTS
from refconv.testing.battery.names import name_of, read_case

__all__: list[str] = []

Options: TypeAlias = tuple[Any, ...]

# Sides that differ are there twice, for most bugs are.
_PADDINGS: Final = ("equal", "by side", "valid", "same", "same_upper", "same_lower", "by side")
_TRANSPOSED: Final = ("equal", "by side", "same_upper", "same_lower")
_TYPES: Final = ("f32", "f64", "f32", "f16", "f32", "bf16", "c64", "i8", "u8")
# By how many axes there are: pixels, in one or two enough for a tile of 16 and a half, taps, and steps, a few large.
_LARGEST: Final = {1: 24, 2: 24, 3: 8}
_TAPS: Final = {1: 5, 2: 5, 3: 3}
_STEPS: Final = {1: (1, 2, 3, 4, 1, 2, 3, 5, 7, 11), 2: (1, 2, 3, 4, 1, 2, 3, 5, 7, 11), 3: (1, 2, 3, 1, 2, 3, 4, 5)}

_OF_AXIS: Final = 7  # choices, and which of them is how many pixels there are beyond those that are needed
_ROOM: Final = 5


def options_of(op: str, without: Collection[str] = ()) -> list[Options]:
    """Return the options of each choice that makes a case of an operation, without what has one of these traits."""
    operation = OPERATIONS[op]
    eight_bits = EIGHT_BIT_DATA.get(operation.arithmetic, ())
    arrays = ("", *operation.factors, *(("bias",) if operation.has_bias else ()))

    def among(word: str, options: Iterable[Any]) -> Options:
        options = tuple(options)
        return tuple(option for option in options if f"{word} {option}" not in without) or options[:1]

    def up_to(trait: str, most: int) -> Options:
        return (1,) if trait in without else tuple(range(1, most + 1))

    return [
        *(up_to("g", 4), up_to("c", 9), up_to("o", 5)),
        among("p", _TRANSPOSED if operation.is_transposed else _PADDINGS),
        among("n", ("1", "2", "3", "none", "5", "0")),
        (False, True) if operation.has_bias and "bias" not in without else (False,),
        among("dtype", ("i8", "u8", "u8xi8") if eight_bits else (w for w in _TYPES if w != "bf16" or has_ml_dtypes())),
        among("data", eight_bits or ("exact", "real")),
        among("layout", (*("contiguous",) * len(LAYOUTS), *list(LAYOUTS)[1:])),
        ("",) if eight_bits else among("of", arrays),
        *(options for axis in range(operation.space.rank) for options in _of_axis(operation.space.rank, axis, without)),
    ]


def with_room(op: str, options: Sequence[Options], places: Sequence[int], like: Case, case: Case) -> list[int]:
    """Return choices for a case that takes in and gives out no less than another one, as far as there is room."""
    rank, found = OPERATIONS[op].space.rank, [*places]
    for axis, (before, now) in enumerate(zip(like.plan.axes, case.plan.axes, strict=True)):
        lost = max(0, before.input_size - now.input_size, (before.output_size - now.output_size) * now.stride)
        number = len(options) - _OF_AXIS * (rank - axis) + _ROOM
        found[number] = min(len(options[number]) - 1, found[number] + lost * now.stride)
    return found


def _of_axis(rank: int, axis: int, without: Collection[str]) -> list[Options]:
    """Return those of an axis, in the order of `_axis`."""
    taps, steps, sides = tuple(range(1, _TAPS[rank] + 1)), _STEPS[rank], (0, *_STEPS[rank])
    options = {"k": taps, "s": steps, "d": steps, "p before": sides, "p after": sides}
    options |= {"room": tuple(range(_LARGEST[rank])), "e": tuple(range(10))}
    return [options[word][:1] if f"{word[0]}{axis}" in without else options[word] for word in options]


def case_of(op: str, chosen: Sequence[Any]) -> Case:
    """Return the case of these choices, in the options' order; where its data cannot be exact, they are real."""
    operation = OPERATIONS[op]
    groups, channels, out_channels, padding, batch, has_bias, dtype, data, layout, laid_out, *numbers = chosen
    axes = zip(*(iter(numbers),) * _OF_AXIS, strict=True)
    dtype, _, other = dtype.partition("x")
    fit = _transposed_axis if operation.is_transposed else _axis
    size, kernel, stride, dilation, sides, extra = zip(*(fit(padding, *axis) for axis in axes), strict=True)
    first, second = (channels, out_channels) if operation.is_transposed else (out_channels, channels)
    case = Case(
        "",
        (*(() if batch == "none" else (int(batch),)), channels * groups, *size),
        (first * groups, second, *kernel),
        (out_channels * groups,) if has_bias else None,
        stride,
        padding if padding.startswith(("valid", "same")) else sides,
        dilation,
        groups,
        dtype,
        "exact" if dtype in INTEGERS and not operation.arithmetic else data,
        layout,
        op=op,
        other_dtype=other,
        output_padding=extra,
        laid_out=laid_out if _is_one_of_several(operation, laid_out, layout, has_bias=has_bias) else "",
    )
    case = read_case(name_of(case))
    if case.data == "exact" and not (operation.arithmetic or case.largest_number()):
        case = replace(case, data="real")
    return replace(case, id=name_of(case))


def _is_one_of_several(operation: Operation, laid_out: str, layout: str, *, has_bias: bool) -> bool:
    """Whether a layout can be that of this array alone."""
    arrays = (*operation.factors, *(("bias",) if has_bias else ()))
    return laid_out in arrays and len(arrays) > 1 and layout != "contiguous"


class _Axis(NamedTuple):
    size: int
    kernel: int
    stride: int
    dilation: int
    padding: Pair
    extra: int = 0  # output padding


def _axis(
    padding: str, kernel: int, stride: int, dilation: int, before: int, after: int, room: int, last: int
) -> _Axis:
    """Return one axis of a convolution, with an input that the kernel fits, now and then one without a pixel."""
    sides = {"equal": (before, before), "by side": (before, after)}.get(padding, (0, 0))
    reach = dilation * (kernel - 1) + 1 - sum(sides)
    smallest = 1 if padding.startswith("same") else max(1, reach)
    size = 0 if reach <= 0 and last == 9 else smallest + room // stride
    return _Axis(size, kernel, 1 if padding == "same" else stride, dilation, sides)  # "same" as PyTorch has it


def _transposed_axis(
    padding: str, kernel: int, stride: int, dilation: int, before: int, after: int, room: int, last: int
) -> _Axis:
    """Return one axis of a transposed convolution, with an input of which the padding leaves something."""
    sides = {"equal": (before, before), "by side": (before, after)}.get(padding, (0, 0))
    extra = min(last, max(stride, dilation) - 1)
    cropped = sum(sides) - extra - dilation * (kernel - 1)
    smallest = 1 + max(0, -(-cropped // stride))
    return _Axis(smallest + room // (2 * stride), kernel, stride, dilation, sides, extra)
