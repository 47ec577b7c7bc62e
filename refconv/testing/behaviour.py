"""Does a target behave like a convolution: the same result twice, its inputs left alone, linear?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from refconv.dtypes import as_array
from refconv.formats import Array
from refconv.testing.finding import Finding

Call: TypeAlias = Callable[
    [Array, Array, Array | None], object
]  # (input, weight, bias), the rest of a case bound to it

REPEATS: Final = 4
TOLERANCE: Final = 0.01  # of the largest output: far above rounding, even in float16, and far below a clipped result


def behaviour_findings(call: Call, image: Array, kernel: Array, bias: Array | None) -> list[Finding]:
    """Call a target again with a case's arrays, and variations of them; say in what way it is no convolution.

    Whatever the target raises passes through.
    """
    for look in (_mutates, _changes_its_mind, _is_not_linear):
        if (found := look(call, image, kernel, bias)) is not None:
            return [found]
    return []


def _mutates(call: Call, image: Array, kernel: Array, bias: Array | None) -> Finding | None:
    operands = [operand.copy() for operand in (image, kernel, *(() if bias is None else (bias,)))]
    kept = [operand.copy() for operand in operands]
    call(operands[0], operands[1], operands[2] if bias is not None else None)
    for name, operand, before in zip(("input", "weight", "bias"), operands, kept, strict=False):
        if not np.array_equal(operand, before, equal_nan=operand.dtype.kind in "fc"):
            return mutation(name)
    return None


def mutation(name: str) -> Finding:
    """Return the finding that a target writes to the operand of this name."""
    return Finding("mutates-inputs", f"it mutates its inputs: it writes to the {name}", reading="only read them")


def _changes_its_mind(call: Call, image: Array, kernel: Array, bias: Array | None) -> Finding | None:
    """Tell a random target, whose repetitions all differ, from one that remembers something of the calls before."""
    before = _result(call, image, kernel, bias)
    _result(call, -image, kernel, bias)
    results = [before, *(_result(call, image, kernel, bias) for _ in range(REPEATS))]
    kinds = len({result.tobytes() for result in results})
    if kinds == 1:
        return None
    if kinds == len(results):
        return Finding("random", "it is random: the same arguments give another result every time")
    return Finding("stateful", "it is stateful: its result depends on the calls before")


def _is_not_linear(call: Call, image: Array, kernel: Array, bias: Array | None) -> Finding | None:  # noqa: ARG001
    """Compare f(x), f(−x), f(2x) and the sum of f over two halves of x, all without bias."""
    if not np.isfinite(image).all():
        return None
    odd = image.copy()
    odd[..., ::2] = 0
    whole = _result(call, image, kernel, None)
    size = np.abs(whole).max(initial=0)
    for name, other in {
        "f(−x) is not −f(x)": -_result(call, -image, kernel, None),
        "f(2·x) is not 2·f(x)": _result(call, 2 * image, kernel, None) / 2,
        "f(x + y) is not f(x) + f(y)": _result(call, odd, kernel, None) + _result(call, image - odd, kernel, None),
    }.items():
        if whole.shape != other.shape or not (np.abs(whole - other) <= TOLERANCE * size).all():
            sentence = f"it is non-linear in the input: {name}"
            return Finding("non-linear", sentence, reading="a convolution is linear in each argument")
    return None


def _result(call: Call, image: Array, kernel: Array, bias: Array | None) -> Array:
    operands = image.copy(), kernel.copy(), None if bias is None else bias.copy()
    result = as_array("the result", call(*operands))  # type: ignore[arg-type]  # refused where it is none
    return result.astype(np.result_type(result.dtype, np.float64))
