"""What an honest kernel may return, as numbers that another language can hold a result to.

All of it is computed from correctly rounded sums, by operations that IEEE 754 defines to the last bit, so that the
files have the same bytes on every machine, whatever its BLAS does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.bounds.summation import Precision
from refconv.bounds.sums import sums_of
from refconv.numbers.dtypes import is_integral, wide_dtype
from refconv.numbers.formats import Array, float_info
from refconv.operations import Call
from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import ROUNDED
from refconv.testing.comparing.limits import overflow


class ExactCall(Call):
    """A call whose result, and whose sum of magnitudes, is correctly rounded."""

    def __call__(self, **options: Any) -> Array:
        """Return the result."""
        return super().__call__(**{**options, "method": "exact"})


def golden(case: Case) -> dict[str, Array]:
    """Return the correctly rounded result of a valid case, and the bound of each element on ``|actual − result|``.

    An element is right if its bound is infinite, it is within its bound of the result, or equal to it, or both are NaN.
    The bound is that of `refconv.error_bound` and what the result itself is rounded by, in float32, rounded up.  It is
    0 for exact data, and infinite where honest kernels differ: where a sum may overflow in some order, and where a
    weight that is not finite meets padding, a tap that some kernels skip.

    Examples
    --------
    >>> from refconv.testing import find_case
    >>> found = golden(find_case("n1-c1-o1-g1-1x2-k1x2-s1-p0-d1-f32-real"))
    >>> {name: (array.dtype.name, array.shape) for name, array in found.items()}
    {'result': ('float32', (1, 1, 1, 1)), 'bound': ('float32', (1, 1, 1, 1))}
    """
    call = case.call()
    exact = ExactCall(call.operation, call.operands, call.parameters)
    result = exact(dtype=case.result_dtype)
    if case.data in ROUNDED and not is_integral(case.result_dtype):
        return {"result": result, "bound": bound_on(exact, result)}
    bound = np.zeros(result.shape, np.float32)
    if case.data in ("nanweight", "infweight"):
        bound[_padding_meets_no_number(exact)] = np.inf
    return {"result": result, "bound": bound}


def _padding_meets_no_number(call: Call) -> Array:
    """Return where a convolution reads padding through a weight that is not finite: fewer such taps are on pixels."""
    lost = (~np.isfinite(call.operands["weight"])).astype(np.float64)
    on_pixels = call.with_operands(input=np.ones(call.operands["input"].shape), weight=lost, bias=None)()
    return np.asarray(on_pixels < lost.sum(axis=tuple(range(1, lost.ndim))).reshape(-1, *(1,) * (lost.ndim - 2)))


def bound_on(call: ExactCall, result: Array) -> Array:
    """Return the bound of each element on what an honest kernel differs from the result of a call, in float32."""
    truth = call(dtype=wide_dtype(result.dtype))
    precision = Precision.of(result.dtype)
    with np.errstate(all="ignore"):
        allowed = precision.bound(sums_of(call, precision, exact=truth))
        allowed = allowed + np.abs(result.astype(truth.dtype) - truth) + float_info(truth.dtype).unit * np.abs(truth)
        allowed = np.where(np.abs(truth) + allowed >= overflow(float_info(result.dtype)), np.inf, allowed)
    return _rounded_up(np.where(np.isnan(allowed), 0.0, allowed))


def _rounded_up(bound: Array) -> Array:
    """Return the least float32 that is no less."""
    with np.errstate(over="ignore"):
        nearest = bound.astype(np.float32)
    return np.where(nearest < bound, np.nextafter(nearest, np.float32(np.inf)), nearest)
