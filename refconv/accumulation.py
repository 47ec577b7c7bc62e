"""Accumulate wide, round once: the way of every operation that multiplies two arrays and adds up.

The operation itself knows nothing of types.  It is handed arrays that are wide enough, and what it returns is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from refconv.exact import as_double
from refconv.numbers.dtypes import accumulation_dtype, as_array, is_integral, magnitude, result_dtype, round_once
from refconv.numbers.formats import Array


def as_operands(input: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> dict[str, Array]:
    """Return the operands as arrays, by name; the bias only where there is one."""
    operands = {"input": as_array("input", input), "weight": as_array("weight", weight)}
    return operands if bias is None else operands | {"bias": as_array("bias", bias)}


def accumulate(
    product: Callable[..., Array],
    operands: dict[str, Array],
    *,
    terms: int,
    dtype: npt.DTypeLike | None,
    exact: Callable[..., Array] | None = None,
) -> Array:
    """Widen the operands by the type rules, hand them to `product` in order, and round what it returns once.

    The first two are factors, which add up at most `terms` products to one number; the others are added to it.
    `exact`, where given, does the same for finite float64 and complex128 numbers, and rounds to `result` itself; it is
    asked unless the operands' own arithmetic is exact.
    """
    arrays = list(operands.values())
    dtypes = [array.dtype for array in arrays]
    result = result_dtype(*dtypes, dtype=dtype, names=tuple(operands))
    if exact is not None and result.kind != "O" and not all(map(is_integral, dtypes)):
        return _exactly(partial(exact, result=result), product, operands)
    first, second, *addends = map(magnitude, arrays)
    wide = accumulation_dtype(*dtypes, result=result, largest_sum=terms * first * second + sum(addends))
    with np.errstate(all="ignore"):  # inf − inf and overflow are answers here, not accidents
        total = product(*(array.astype(wide, copy=False) for array in arrays))
    return round_once(total, result)


def _exactly(exact: Callable[..., Array], product: Callable[..., Array], operands: dict[str, Array]) -> Array:
    """Return the exact result of the finite numbers; what is not finite goes where `product` takes it."""
    numbers = [as_double(name, operand) for name, operand in operands.items()]
    output = exact(*(np.where(np.isfinite(array), array, 0) for array in numbers))
    if all(np.isfinite(array).all() for array in numbers):
        return output
    signs = (np.where(np.isfinite(array), np.sign(array), array) for array in numbers)  # so that nothing overflows
    with np.errstate(all="ignore"):  # 0·∞ and ∞ − ∞ are answers here
        special = product(*signs)
        return np.where(np.isfinite(special), output, special.astype(output.dtype))


def add_bias(output: Array, biases: tuple[Array, ...], axes: int) -> Array:
    """Add the bias of every channel, where there is one, to all its pixels; `axes` are the spatial ones."""
    for bias in biases:
        output += bias.reshape(-1, *(1,) * axes)
    return output
