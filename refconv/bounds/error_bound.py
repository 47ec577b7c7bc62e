"""How far may an honest kernel be from the truth?

Adding n products in precision u errs by at most γ_n·Σ|x||w|: see `summation`.  That is a bound per element: where the
products cancel, Σ|x||w| stays large and so does the bound; where few taps touch real input, it is small.  A relative
tolerance does neither.  What an operation adds up is in `sums`; the derivation, step by step, is in the documentation,
"Error bounds".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.bounds.summation import Precision
from refconv.bounds.sums import for_all, sums_of
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.numbers.formats import Array
from refconv.operations import Call

__all__ = ["error_bound", "error_bound_of"]


def error_bound(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    dtype: npt.DTypeLike,
    accumulate_dtype: npt.DTypeLike | None = None,
    input_dtype: npt.DTypeLike | None = None,
    confidence: float | None = None,
    algorithm: str = "direct",
) -> Array:
    """Bound, per output element, on ``|actual − exact|`` for a kernel that returns `dtype`.

    ::

        γ_K(u)·(Σ|x||w| + |b|)                    summation in the accumulator's u, in any order
        + Σ(|x̂||ŵ| − |x||w|)                      inputs rounded to `input_dtype` first, if they are
        + u_d·(|exact| + all this) + 2^e          the rounding to `dtype`, if that is narrower than the accumulator
        + K·2^e                                   what K products may lose to underflow

    where K counts the products that the output really adds up, since a tap in zero padding adds none, and the bias.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        As in `conv2d`.
    dtype : dtype_like
        Type of the result: floating or complex, or a name such as ``"bfloat16"``, ml_dtypes installed or not.
    accumulate_dtype : dtype_like, optional
        Type in which the kernel adds up; by default float32 for types of 16 and 8 bits, and `dtype` for all others.
    input_dtype : dtype_like, optional
        Type that the kernel rounds input and weight to before it multiplies, such as ``"tf32"``.  Truncation is covered
        too: tensor cores do that.  Numbers that the type holds are not rounded.  By default, no such rounding.
    confidence : float, optional
        Probability, below 1, with which the bound is to hold for the whole tensor, if rounding errors are independent
        and of mean 0: about √K·u in place of K·u.  By default the worst case, which no order of summation exceeds.
    algorithm : {"direct", "winograd2", "winograd4"}
        What the kernel computes: the sum of products as it stands, or Winograd's F(2×2, 3×3) or F(4×4, 3×3).

    Returns
    -------
    ndarray of float64, (N, O, P, Q) or (O, P, Q)
        Never below the formula: it is rounded up.  0 where nothing is added up, so that the result must be equal.
        Infinite where K·u reaches 1, or a partial sum may overflow: then there is no bound.  NaN where the output reads
        a NaN or an infinity: then the result is right or wrong, not near.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`; or if a type is not a floating one, the confidence is not between 0 and 1, or Winograd's
        algorithm does not apply: it is for 3×3 kernels with stride and dilation 1.

    Notes
    -----
    A complex product is two real ones for either part: K doubles, and the errors of both parts make a factor of √2.

    Sources: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), sections 3.1 and 3.6; for `confidence`,
    Higham & Mary, "A new approach to probabilistic rounding error analysis" (2019), theorem 3.1.

    Examples
    --------
    Nine products of 1·1 in float32, where u = 2^−24, add up to 9 ± about 81·2^−24.

    >>> import numpy as np
    >>> ones = np.ones((1, 1, 3, 3), np.float32)
    >>> bound = error_bound(ones, ones, dtype=np.float32)
    >>> round(float(bound[0, 0, 0, 0]) * 2**24, 3)
    81.0

    At a corner only four taps touch the image; the others add nothing, and no error.

    >>> corner = error_bound(ones, ones, padding=1, dtype=np.float32)[0, 0, 0, 0]
    >>> round(float(corner) * 2**24, 3)
    16.0
    """
    precision = Precision.of(dtype, accumulate_dtype, input_dtype, confidence)
    call = Call.of(conv2d, input, weight, bias, stride, padding, dilation, groups, padding_mode=padding_mode)
    return bound_of(call, precision, algorithm)


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
        One of the family: a convolution, a transposed one, or a gradient of either in `refconv.grad`.
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
    return bound_of(Call.of(function, *arguments, **parameters), precision)


def bound_of(call: Call, precision: Precision, algorithm: str = "direct") -> Array:
    """Return the bound of a call, block by block: what a line of NumPy reads is then still in the cache."""
    precision = for_all(precision, call, algorithm)
    bound = np.zeros(call.operation.sum.shape(call.plan))
    for place, part in call.blocks(whole=algorithm != "direct"):
        bound[place] = precision.bound(sums_of(part, precision, algorithm))
    return bound.reshape(call.shape)
