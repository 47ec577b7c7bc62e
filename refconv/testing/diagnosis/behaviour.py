"""Does a target behave like a convolution: the same result twice, its inputs left alone, linear?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.finding import Finding

Operands: TypeAlias = dict[str, Array]  # by name, the factors before the bias
Call: TypeAlias = Callable[[Operands], object]  # the rest of a case is bound to it; a bias that is left out is none

REPEATS: Final = 4
TOLERANCE: Final = 0.01  # of the largest output: far above rounding, even in float16, and far below a clipped result
EMPTY_SUM: Final = Finding(
    "empty-sum",
    "where there is nothing to add up, something else stands than 0, or the bias",
    reading="a sum of no products is 0, and is written like any other",
)


def behaviour_findings(call: Call, operands: Operands, *, is_linear: bool = True) -> list[Finding]:
    """Call a target again with a case's arrays, and variations of them; say in what way it is no convolution.

    Whether it is linear is not asked where an epilogue stands behind it.  Whatever the target raises passes through.
    """
    looks = (_mutates, _changes_its_mind, *((_adds_a_constant, _is_not_linear, _keeps_a_factor) if is_linear else ()))
    for look in looks:
        if (found := look(call, operands)) is not None:
            return [found]
    return []


def _mutates(call: Call, operands: Operands) -> Finding | None:
    given = _copied(operands)
    call(given)
    for name, before in operands.items():
        if not np.array_equal(given[name], before, equal_nan=before.dtype.kind in "fc"):
            return mutation(name)
    return None


def mutation(name: str) -> Finding:
    """Return the finding that a target writes to the operand of this name."""
    return Finding("mutates-inputs", f"it mutates its inputs: it writes to the {name}", reading="only read them")


def _changes_its_mind(call: Call, operands: Operands) -> Finding | None:
    """Tell a random target, whose repetitions all differ, from one that remembers something of the calls before."""
    before = _result(call, operands)
    name = next(iter(operands))
    _result(call, operands | {name: -operands[name]})
    results = [before, *(_result(call, operands) for _ in range(REPEATS))]
    kinds = len({result.tobytes() for result in results})
    if kinds == 1:
        return None
    if kinds == len(results):
        return Finding("random", "it is random: the same arguments give another result every time")
    return Finding("stateful", "it is stateful: its result depends on the calls before")


def adds_nothing(operands: Operands) -> bool:
    """Whether a factor has no elements at all, so that every sum is empty: what stands there is often left over."""
    return not all(array.size for name, array in operands.items() if name != "bias")


def of_nothing(call: Call, operands: Operands) -> Array:
    """Return what a target makes of zeros alone; of any convolution that is zero."""
    with np.errstate(all="ignore"):  # of one that divides by the largest number
        return _result(call, {name: np.zeros_like(array) for name, array in operands.items()})


def addition(what: str) -> Finding:
    """Return the finding that this is added, which comes from none of the operands."""
    return Finding("constant-added", what, reading="zero, where all operands are zero")


def _adds_a_constant(call: Call, operands: Operands) -> Finding | None:
    if not of_nothing(call, operands).any():
        return None
    return addition("a constant of its own is added: of operands that are all zero it does not make zeros")


def _is_not_linear(call: Call, operands: Operands) -> Finding | None:
    """Compare f(x), f(−x), f(2x) and the sum of f over two halves of x, the first factor, all without bias."""
    name = next(iter(operands))
    array = operands[name]
    if not np.isfinite(array).all():
        return None
    odd = array.copy()
    odd[..., ::2] = 0

    def f(x: Array) -> Array:
        return _result(call, {other: x if other == name else operands[other] for other in operands if other != "bias"})

    whole = f(array)
    size = np.abs(whole).max(initial=0)
    for law, other in {
        "f(−x) is not −f(x)": -f(-array),
        "f(2·x) is not 2·f(x)": f(2 * array) / 2,
        "f(x + y) is not f(x) + f(y)": f(odd) + f(array - odd),
    }.items():
        if whole.shape != other.shape or not (np.abs(whole - other) <= TOLERANCE * size).all():
            sentence = f"it is non-linear in the {name}: {law}"
            return Finding("non-linear", sentence, reading="a convolution is linear in each argument")
    return None


def _keeps_a_factor(call: Call, operands: Operands) -> Finding | None:
    """Put other numbers into a factor, and find the result as it was: what was packed for an earlier call is used."""
    factors = {name: array for name, array in operands.items() if name != "bias"}
    before = _result(call, factors)
    if not np.isfinite(before).all() or not before.any():
        return None
    for name, array in factors.items():
        if np.array_equal(_result(call, factors | {name: np.flip(-array)}), before):
            sentence = f"the {name} of an earlier call is used, or none at all: other numbers make no difference"
            return Finding("keeps-operand", sentence, reading="each call reads its own arrays")
    return None


def _copied(operands: Operands) -> Operands:
    return {name: array.copy() for name, array in operands.items()}


def _result(call: Call, operands: Operands) -> Array:
    result = as_array("the result", call(_copied(operands)))  # type: ignore[arg-type]  # refused where it is none
    return result.astype(np.result_type(result.dtype, np.float64))
