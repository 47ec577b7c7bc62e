"""Behaviour that a right result does not show: is a target right again, and does it leave alone what is not its own?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.comparison import exception_text
from refconv.testing.diagnosis.behaviour import EMPTY_SUM, adds_nothing, mutation
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.frameworks import Target

__all__: list[str] = []

MOST_WORK: Final = 2**20  # multiplications in a call that is made again: a second or two for loops in Python


class Kept(NamedTuple):
    """An array as it was before a call: what NumPy says of it, and digests of its elements and of all their memory."""

    header: dict[str, Any]
    elements: bytes
    memory: bytes  # that it is a view of

    @classmethod
    def of(cls, array: Array) -> Kept:
        """Note what a target may change; a copy of a large array would take too much memory."""
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        names = {"shape": array.shape, "strides": array.strides, "type": array.dtype, "flags": array.flags.writeable}
        elements = _digest(array)
        return cls(names, elements, elements if root is array else _digest(root))


def _digest(array: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()


def kept(operands: Mapping[str, Array]) -> dict[str, Kept]:
    """Return what arrays are before a call."""
    return {name: Kept.of(array) for name, array in operands.items()}


def changed(operands: Mapping[str, Array], before: Mapping[str, Kept]) -> Finding | None:
    """Return what a call has changed of the arrays that it was given, if anything."""
    for name, array in operands.items():
        was, now = before[name], Kept.of(array)
        for part, value in was.header.items():
            if now.header[part] != value:
                return Finding("changes-inputs", f"it changes the {part} of the {name}", reading="work on a view of it")
        if now.elements != was.elements:
            return mutation(name)
        if now.memory != was.memory:
            sentence = f"it writes to the memory between the elements of the {name}"
            return Finding("writes-between-elements", sentence, reading="only read them")
    return None


def wrong_again(case: Case, target: Target, operands: dict[str, Array], actual: object) -> Finding | None:
    """Call a target that was right again, hold the first result meanwhile, and return what is wrong now, if anything.

    Where both results lie in the same memory, a third call has other numbers, which are then seen in the first result.
    """
    first = to_numpy("the result", actual)
    held = first.tobytes()
    try:
        second = case.called(target, operands)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a target raises is its result
        return _stateful(f"raises {exception_text(error)}")
    again = to_numpy("the result", second) if first.tobytes() == held else None
    if again is not None and again.tobytes() != held and not case.check(second).passed:
        return EMPTY_SUM if adds_nothing(operands) else _stateful("is wrong")
    if again is not None and np.may_share_memory(first, again):
        name = next(iter(operands))
        try:
            case.called(target, operands | {name: -operands[name]})
        except (Exception, SystemExit):  # noqa: BLE001
            return None
    if first.tobytes() != held:
        sentence = "its result is overwritten by the next call"
        return Finding("result-overwritten", sentence, reading="return memory of its own")
    return None


def wrong_when_changed(case: Case, target: Target) -> Finding | None:
    """Call a target, change a factor where it lies, and call it again; return which one it has kept, if it has.

    A kernel that packs a weight keeps it for the next call, and knows it by its address and its shape, which stay.
    """
    operands = {name: array.copy() for name, array in case.operands().items()}
    with suppress(Exception, SystemExit):  # what it raises now is no matter of what it keeps
        for name in case.operation.factors:
            case.called(target, operands)
            np.negative(operands[name], out=operands[name])
            if not case.check(case.called(target, operands), operands).passed:
                sentence = f"it keeps the {name} of an earlier call, whatever stands there now"
                return Finding("keeps-operand", sentence, reading="an array may be written to between two calls")
    return None


def wrong_in_other_steps(case: Case, target: Target) -> Finding | None:
    """Call a target with the same arrays and with other steps; return that it has kept the first ones.

    It has, if it makes of the others what the first ones would, and is right in a batch of another size.
    """
    other = _in_other_steps(case)
    fresh = replace(other, input_shape=_one_more(case.input_shape), grad_output_shape=_one_more(case.grad_output_shape))
    with suppress(Exception, SystemExit):
        case.called(target, case.operands())
        answer = other.called(target, other.operands())
        is_kept = case.check(answer).passed and not other.check(answer).passed
        if is_kept and fresh.check(fresh.called(target, fresh.operands())).passed:
            sentence = "it keeps the steps of an earlier call whose arrays had the same shapes"
            return Finding("keeps-steps", sentence, reading="stride, padding and dilation are part of each call")
    return None


def _in_other_steps(case: Case) -> Case:
    """Return a case with more dilation, and as much more padding as leaves the shapes as they are."""
    steps = [(axis.dilation + 2, axis.padding[0] + axis.kernel_size - 1) for axis in case.plan.axes]
    dilation, padding = zip(*steps, strict=True)
    return replace(case, dilation=dilation, padding=padding)


def _one_more(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0] + 1, *shape[1:]) if shape else ()


def _stateful(what: str) -> Finding:
    return Finding("stateful", f"it is stateful: called again with the same arguments, it {what}")
