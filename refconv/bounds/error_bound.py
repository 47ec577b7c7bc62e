"""How far may an honest kernel be from the truth?

Adding n products in precision u errs by at most γ_n·Σ|x||w|: see `summation`.  That is a bound per element: where the
products cancel it stays large, and where few taps touch real input it is small.  A relative tolerance does neither.
What an operation adds up is in `sums`; the derivation is in the documentation, "Error bounds".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from refconv.bounds.arithmetic import Arithmetic, Words, split
from refconv.bounds.random_order import random_order_bound
from refconv.bounds.summation import Precision
from refconv.bounds.sums import for_all, sums_of
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike, check_choice
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array
from refconv.operations import Call

__all__ = ["error_bound", "error_bound_of"]


def error_bound(
    input: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", dtype: npt.DTypeLike, bound: str = "worst_case", **how: Unpack[Words],
) -> Array:  # fmt: skip
    """Bound, per output element, on ``|actual − exact|`` for a kernel that returns `dtype`.

    ::

        γ_K(u)·(Σ|x||w| + |b|)                    summation in the accumulator's u, in any order
        + Σ(|x̂||ŵ| − |x||w|)                      inputs rounded to `input_dtype` first, if they are
        + u_d·(|exact| + all this) + 2^e          the rounding to `dtype`, if that is narrower than the accumulator
        + K·2^e                                   what K products may lose to underflow

    where K counts the products that the output really adds up, since a tap in zero padding adds none, and the bias.  A
    complex product is two real ones for either part: K doubles, and the errors of both parts make a factor of √2.

    Sources: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), sections 3.1 and 3.6; for `confidence`,
    Higham & Mary, "A new approach to probabilistic rounding error analysis" (2019), theorem 3.1.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        As in `conv2d`.
    dtype : dtype_like
        Type of the result: floating or complex, or a name such as ``"bfloat16"``, ml_dtypes installed or not.
    bound : {"worst_case", "random_order"}
        What no order of summation exceeds; or what honest rounding exceeds one time in a million, if the products come
        in no order and each rounding is independent of the others: about √K·u in place of K·u, evidence and no proof.
    accumulate_dtype : dtype_like, optional
        Type in which the kernel adds up; by default float32 for types of 16 and 8 bits, and `dtype` for all others, and
        for transforms.
    input_dtype : dtype_like, optional
        Type that it rounds input and weight to before it multiplies, such as ``"tf32"``.  Truncation is covered too:
        tensor cores do that.  Numbers that the type holds are not rounded.  By default, no such rounding.
    algorithm : {"direct", "winograd2", "winograd4", "winograd6", "fft"}
        The sum of products; Winograd's F(2, 3), F(4, 3) or F(6, 3) along each axis; or a fast Fourier transform.
    confidence : float, optional
        Probability, below 1, with which the bound is to hold for the whole tensor, if rounding errors are independent
        and of mean 0: about √K·u in place of K·u.  By default the worst case.
    epilogue : str, callable or mapping, optional
        What it does to its sums before it returns them: ``"relu"``, ``"relu6"``, ``"clamp=LEAST,MOST"``,
        ``"leaky_relu=SLOPE"``, a function that moves no two numbers further apart than they were; or a mapping of
        "scale" and "shift", (O,), "residual", of the shape of the result, and "activation", any of those before.

    Returns
    -------
    ndarray of float64, (N, O, P, Q) or (O, P, Q)
        Never below the formula: it is rounded up.  0 where nothing is added up, so that the result must be equal.
        Infinite where K·u reaches 1, or a partial sum may overflow: then there is no bound.  NaN where the output reads
        a NaN or an infinity: then the result is right or wrong, not near.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`; or if one of the words makes no sense, or Winograd's algorithm does not apply: it is for kernels
        of 3 taps along each axis, with stride and dilation 1.

    Examples
    --------
    Nine products of 1·1 in float32, where u = 2^−24, add up to 9 ± about 81·2^−24.

    >>> import numpy as np
    >>> ones = np.ones((1, 1, 3, 3), np.float32)
    >>> round(error_bound(ones, ones, dtype=np.float32).item() * 2**24, 3)
    81.0

    At a corner only four taps touch the image; the others add nothing, and no error.

    >>> round(error_bound(ones, ones, padding=1, dtype=np.float32)[0, 0, 0, 0] * 2**24, 3).item()
    16.0
    """
    convolution = input, weight, bias, stride, padding, dilation, groups
    return error_bound_of(conv2d, *convolution, padding_mode=padding_mode, dtype=dtype, bound=bound, **how)


def error_bound_of(
    function: Callable[..., Array], *arguments: Any, dtype: npt.DTypeLike, bound: str = "worst_case", **parameters: Any
) -> Array:
    """Bound, per element, on ``|actual − exact|`` for a kernel that does what `function` does and returns `dtype`.

    ``γ_K(u)·(Σ|x||w| + |b|)`` and what else is in `error_bound`, with K the products that the element really adds up.

    Parameters
    ----------
    function : callable
        One of the family: a convolution, a transposed one, or a gradient of either in `refconv.grad`.
    *arguments, **parameters
        Those of the function, in its own order and by its own names; and the words of `error_bound` that say how the
        kernel works.  Winograd's algorithm is for a convolution, whatever it is called.
    dtype, bound
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
    At stride 2, the pixels that a transposed convolution of 3 taps puts out add up one product or two, each of 1·1: the
    results are 1, 1, 2, 1, 2, 1, 1, in float32, where u = 2^−24.

    >>> import numpy as np
    >>> from refconv import conv_transpose1d
    >>> ones = np.ones((1, 1, 3), np.float32)
    >>> np.round(error_bound_of(conv_transpose1d, ones, ones, stride=2, dtype=np.float32).ravel() * 2**24, 3)
    array([1., 1., 4., 1., 4., 1., 1.])
    """
    parameters, how = split(parameters)
    call = Call.of(function, *arguments, **parameters)
    check_choice("bound", bound, ("worst_case", "random_order"))
    arithmetic = Arithmetic.of(**how).applied(call.operation)
    if arithmetic.tolerance:
        raise ValueError(f"{arithmetic.tolerance} is no part of a bound; it is for comparisons")
    precision = for_all(Precision.of(dtype, arithmetic), call)
    if bound == "random_order":
        return random_order_bound(call, precision, call(dtype=wide_dtype(*call.dtypes)))
    if arithmetic.epilogue.steps:  # whose numbers are for the whole
        return precision.bound(sums_of(call, precision))
    found = np.zeros(call.operation.sum.shape(call.plan))  # block by block, which the cache holds
    for place, part in call.blocks(whole=arithmetic.algorithm != "direct"):
        found[place] = precision.bound(sums_of(part, precision))
    return found.reshape(call.shape)
