"""How far may an honest kernel be from the truth, in any operation of the family?

All of them are linear in each of their factors, so that one rule bounds them all.  Let f be one, a and b its factors:

    f(|a|, |b|)   is Σ|x||w|, what the bound of a sum is relative to
    f(1, 1)       is K, how many products there are in it: those that touch data, for every element its own number

`error_bound` is the same for conv2d, where it knows more: other algorithms than the sum as it stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from refconv.conv import conv2d
from refconv.conv_nd import conv1d, conv3d
from refconv.dtypes import as_array, wide_dtype
from refconv.error_bound import magnitude, rounded_up
from refconv.formats import Array
from refconv.grad import conv2d_bias, conv2d_input, conv2d_weight
from refconv.precision import DOUBLE, Precision, Sums, gamma
from refconv.transpose import conv_transpose2d
from refconv.transpose_nd import conv_transpose1d, conv_transpose3d

__all__ = ["error_bound_of"]

FAMILY: Final = (
    *(conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d),
    *(conv2d_input, conv2d_weight, conv2d_bias),
)
FACTORS: Final[tuple[str, ...]] = ("input", "weight", "grad_output")


def error_bound_of(
    function: Callable[..., Array],
    *arguments: Any,
    dtype: npt.DTypeLike,
    accumulate_dtype: npt.DTypeLike | None = None,
    input_dtype: npt.DTypeLike | None = None,
    confidence: float | None = None,
    **parameters: Any,
) -> Array:
    """Bound, per element, on ``|actual − exact|`` for a kernel that does what `function` does and returns `dtype`.

    ``γ_K(u)·(Σ|x||w| + |b|)`` and what else is in `error_bound`, with K the products that the element really adds up.

    Parameters
    ----------
    function : callable
        One of the family: `conv1d`, `conv2d`, `conv3d`, `conv_transpose1d`, `conv_transpose2d`, `conv_transpose3d`,
        `grad.conv2d_input`, `grad.conv2d_weight`, `grad.conv2d_bias`.
    *arguments, **parameters
        Those of the function, in its own order and by its own names.
    dtype, accumulate_dtype, input_dtype, confidence
        As in `error_bound`.

    Returns
    -------
    ndarray of float64
        Of the shape that the function returns; rounded up, and 0, infinite or NaN where `error_bound` is.

    Raises
    ------
    TypeError, ValueError
        As in the function and in `error_bound`, or if `function` is none of the family.

    Notes
    -----
    Sources: as in `error_bound`.

    Examples
    --------
    At stride 2, the pixels that a transposed convolution of 3 taps puts out add up one product or two, each of 1·1, in
    float32, where u = 2^−24.

    >>> import numpy as np
    >>> from refconv import conv_transpose1d
    >>> ones = np.ones((1, 1, 3), np.float32)
    >>> conv_transpose1d(ones, ones, stride=2).ravel()
    array([1., 1., 2., 1., 2., 1., 1.], dtype=float32)
    >>> np.round(error_bound_of(conv_transpose1d, ones, ones, stride=2, dtype=np.float32).ravel() * 2**24, 3)
    array([1., 1., 4., 1., 4., 1., 1.])
    """
    if not any(function is member for member in FAMILY):
        names = ", ".join(member.__name__ for member in FAMILY)
        raise TypeError(f"function={function!r} must be one of {names}")
    precision = Precision.of(dtype, accumulate_dtype, input_dtype, confidence)
    bound = inspect.signature(function).bind(*arguments, **parameters).arguments
    factors = {name: as_array(name, bound.pop(name)) for name in FACTORS if name in bound}
    bias = None if bound.get("bias") is None else as_array("bias", bound["bias"])
    return precision.bound(_sums(partial(function, **bound), factors, bias, precision))


def _sums(function: Callable[..., Array], factors: dict[str, Array], bias: Array | None, precision: Precision) -> Sums:
    """Return what the function adds up; all its arguments but the factors and the bias are bound already."""
    biases = {} if bias is None else {"bias": bias}
    dtypes = [array.dtype for array in (factors | biases).values()]
    is_complex = any(dtype.kind == "c" for dtype in dtypes)

    sizes = _each(magnitude, factors)
    offsets = _each(magnitude, biases)
    total = function(**sizes, **offsets)
    nothing = _each(np.zeros_like, offsets)
    products = function(**_each(np.ones_like, sizes), **nothing) * (2 if is_complex else 1)
    roundings = np.where(products > 0, products + len(biases), 0)

    input_error: Array | float = 0.0
    if precision.multiplier is not None:
        largest = function(**_each(partial(rounded_up, info=precision.multiplier), sizes), **offsets)
        with np.errstate(invalid="ignore"):  # NaN, and infinity less infinity
            input_error = largest - total + 2 * gamma(roundings + 8, DOUBLE.unit) * largest  # both sums are rounded
    exact = function(**factors, **biases, dtype=wide_dtype(*dtypes)) if precision.rounds_result else None
    return Sums(total, roundings, input_error, exact, is_complex=is_complex)


def _each(change: Callable[[Array], Array], operands: dict[str, Array]) -> dict[str, Array]:
    return {name: change(operand) for name, operand in operands.items()}
