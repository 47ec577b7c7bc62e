"""One way through a sum: take the operands part by part, widen, multiply and add up, round once.

The operation itself knows nothing of types.  It is a `product` of two arrays, linear in each of them: it is handed
arrays that are wide enough, and what it returns is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.numbers.dtypes import accumulation_dtype, as_array, is_integral, magnitude, result_dtype, round_once
from refconv.numbers.formats import Array
from refconv.numbers.parts import Latest, Part, Product, Total, per_channel


def accumulate(
    product: Product, parts: Callable[[int], Iterable[Part]], operands: Mapping[str, npt.ArrayLike | None],
    shape: tuple[int, ...], terms: int, dtype: npt.DTypeLike | None = None, *, exact: bool = False,
) -> Array:  # fmt: skip
    """Return the sum of products of the first two operands, and the third added to it, rounded once.

    ``product(first, seconds, plan)`` is what is added up, for several second factors at once, and ``parts(share)`` are
    those of the result, `share` times smaller than they could be.  Parts of one place follow each other, and are added
    up before anything is rounded.  The third operand, if there is one, is a bias: one number for every place along the
    result's second axis.  Each number of the result adds up at most so many `terms`.  If it is to be `exact`, it is
    rounded correctly, where the operands' own arithmetic is not exact anyway.
    """
    arrays = {name: as_array(name, operand) for name, operand in operands.items()}
    dtypes = [array.dtype for array in arrays.values()]
    result = result_dtype(*dtypes, dtype=dtype, names=tuple(arrays))
    total: Total
    if exact and result.kind != "O" and not all(map(is_integral, dtypes)):
        from refconv.numbers.exactly import exact_total  # noqa: PLC0415  # only who asks for it waits for it

        share, total = 4, exact_total(product, arrays, terms, result)
    else:
        share, total = 1, _wide_total(product, arrays, terms, result)
    biases = list(arrays.values())[2:]
    output = None
    with np.errstate(all="ignore"):  # inf − inf and overflow are answers here, not accidents
        for target, group in groupby(parts(share), key=lambda part: part.target):
            numbers = total(list(group), biases[0][target[1:2]] if biases else None)
            if numbers.shape == shape:  # the only part: nothing to be copied
                return np.ascontiguousarray(numbers)
            output = np.zeros(shape, result) if output is None else output
            output[target] = numbers
    return np.zeros(shape, result) if output is None else output  # without parts there are empty sums


def _wide_total(product: Product, operands: Mapping[str, Array], terms: int, result: np.dtype[Any]) -> Total:
    """Return how to add up in the type of the table in `dtypes`."""
    sizes = list(map(magnitude, operands.values()))
    largest_sum = terms * sizes[0] * sizes[1] + sum(sizes[2:])
    wide = accumulation_dtype(*(a.dtype for a in operands.values()), result=result, largest_sum=largest_sum)
    first, second, *_ = (Latest(operand, lambda part: part.astype(wide, copy=False)) for operand in operands.values())

    def total(parts: Sequence[Part], bias: Array | None) -> Array:
        numbers, *others = (product(first[part.first], [second[part.second]], part.plan)[0] for part in parts)
        for other in others:
            numbers += other
        if bias is not None:
            numbers += per_channel(bias.astype(wide), numbers.ndim)
        return round_once(numbers, result)

    return total
