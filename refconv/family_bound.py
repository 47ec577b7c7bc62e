"""How far may an honest kernel be from the truth, in any operation of the family?

`error_bound` is the same for conv2d, where it knows more: other algorithms than the sum as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from refconv.bounds.summation import Precision
from refconv.numbers.formats import Array
from refconv.problem import Problem

__all__ = ["error_bound_of"]


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
    precision = Precision.of(dtype, accumulate_dtype, input_dtype, confidence)
    return precision.bound(Problem.of(function, *arguments, **parameters).sums(precision))
