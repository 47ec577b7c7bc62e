"""Asserts for test suites: pass in silence, fail with the whole story: what, where, why, and for which arguments."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Unpack

import numpy.typing as npt

from refconv.bounds.arithmetic import Words, split
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.numbers.formats import Array
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.compare import compare_conv2d, compare_result
from refconv.testing.comparing.comparison import Comparison
from refconv.testing.diagnosis.diagnose import causes_of, whereabouts
from refconv.testing.diagnosis.shapes import UNKNOWN_SHAPES

__all__ = ["SuspectWarning", "assert_conv2d_matches", "assert_result_matches"]


class SuspectWarning(UserWarning):
    """A result is within its proven bound, but far outside what random rounding gives."""


def assert_conv2d_matches(
    actual: object,
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    dtype: npt.DTypeLike | None = None,
    strict: bool = False,
    **how: Unpack[Words],
) -> None:
    """Raise AssertionError unless `actual` is the convolution of the other arguments, to a proven bound.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned, of any framework.
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        What it was given: the arguments of `refconv.conv2d`.
    dtype : dtype_like, optional
        The type that `actual` should have; by default the result type of input and weight.
    strict : bool
        Whether a result that is suspect fails as well: see `compare_conv2d`.
    **how
        How the implementation works, which decides how far it may be off: see `compare_conv2d`.

    Raises
    ------
    AssertionError
        If the shape or the type differs, or any element is further from the truth than rounding can explain:
        see `compare_conv2d`.  The message says where, and why, if `diagnose` knows.

    Warns
    -----
    SuspectWarning
        If the result is suspect.
    TypeError, ValueError
        If the arguments of the convolution are themselves invalid: misuse is not a mismatch.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 2, 3), np.float32)
    >>> assert_conv2d_matches(np.full((1, 1, 2, 2), 6, np.float32), x, w)
    >>> assert_conv2d_matches(np.array([[[[6, 6], [6, 5]]]], np.float32), x, w)
    Traceback (most recent call last):
    AssertionError: 1 of 4 elements wrong; the worst is [0, 0, 1, 1]
    got  5.0
    want 6.0
    error 1, 4.66e+05 × its bound 2.1e-06
    where: it is wrong at the last pixel (bottom right)
      input (1, 1, 3, 4) float32, weight (1, 1, 2, 3) float32, no bias
      stride=1, padding=0, dilation=1, groups=1
    """
    __tracebackhide__ = True
    comparison = compare_conv2d(
        actual,
        input,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        padding_mode=padding_mode,
        dtype=dtype,
        **how,
    )
    _warn(comparison, strict=strict)
    if not comparison.passed:
        mode = {} if padding_mode == "zeros" else {"padding_mode": padding_mode}
        call = Call.of(conv2d, input, weight, bias, stride, padding, dilation, groups, read=to_numpy, **mode)
        raise AssertionError(_story(actual, comparison, call, dtype))


def assert_result_matches(
    actual: object,
    function: Callable[..., Array],
    *arguments: Any,
    dtype: npt.DTypeLike | None = None,
    strict: bool = False,
    **parameters: Any,
) -> None:
    """Raise AssertionError unless `actual` is what `function` makes of its arguments, to a proven bound.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned, of any framework.
    function : callable
        What it should have computed: one of the family, as in `refconv.error_bound_of`.
    *arguments, **parameters
        What it was given: those of the function, in its own order and by its own names; and how the implementation
        works, as in `assert_conv2d_matches`.
    dtype, strict
        As in `assert_conv2d_matches`, and so are the warnings.

    Raises
    ------
    AssertionError
        As in `assert_conv2d_matches`; the message says where, and why, if `diagnose_result` knows.
    TypeError, ValueError
        If the arguments are themselves invalid, or `function` is none of the family.

    Examples
    --------
    The gradient of a convolution with a stride of 2, with respect to its input.

    >>> import numpy as np
    >>> from refconv.grad import conv2d_input
    >>> weight, arriving = np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 2))
    >>> parameters = {"stride": (1, 2)}
    >>> assert_result_matches(np.ones((1, 1, 1, 4)), conv2d_input, (1, 1, 1, 4), weight, arriving, **parameters)
    >>> assert_result_matches([[[[1.0, 2, 1, 0]]]], conv2d_input, (1, 1, 1, 4), weight, arriving, **parameters)
    Traceback (most recent call last):
    AssertionError: 2 of 4 elements wrong; the worst is [0, 0, 0, 1]
    got  2.0
    want 1.0
    error 1, 4.5e+15 × its bound 2.2e-16
    where: it is wrong in columns 1 modulo 2
    why: stride-ignored: the stride is ignored (explains 2 of 2 wrong elements)
      should be: h = S·p + D·i − T, not p + D·i − T
      as good: stride-axes-swapped, stride-first-for-both, stride-ignored-along-width
      conv2d_input: weight (1, 1, 1, 2) float64, grad_output (1, 1, 1, 2) float64
      input_size=(1, 1, 1, 4), stride=(1, 2)
    """
    __tracebackhide__ = True
    comparison = compare_result(actual, function, *arguments, dtype=dtype, **parameters)
    _warn(comparison, strict=strict)
    if not comparison.passed:
        parameters, _ = split(parameters)
        call = Call.of(function, *arguments, read=to_numpy, **parameters)
        raise AssertionError(_story(actual, comparison, call, dtype))


def _warn(comparison: Comparison, *, strict: bool) -> None:
    """Say that a result is suspect; an AssertionError where that is to fail."""
    __tracebackhide__ = True
    if comparison.is_suspect and strict:
        raise AssertionError(str(comparison))
    if comparison.is_suspect:
        warnings.warn(str(comparison), SuspectWarning, stacklevel=3)


def _story(actual: object, comparison: Comparison, call: Call, dtype: npt.DTypeLike | None) -> str:
    """Say what is wrong, where, why, and for which arguments."""
    name = "" if call.operation.name == "conv2d" else f"{call.operation.name}: "
    operands = [f"{operand} {array.shape} {array.dtype}" for operand, array in call.operands.items()]
    if call.operation.has_bias and "bias" not in call.operands:
        operands.append("no bias")
    parameters = ", ".join(f"{parameter}={value!r}" for parameter, value in call.parameters.items())
    if comparison.resembles and not comparison.passed:
        lines = [str(comparison), f"less precise: {comparison.resembles}"]
    else:
        lines = [str(comparison), *_explained(actual, call, dtype)]
    lines += [f"  {name}{', '.join(operands)}", f"  {parameters}"]
    return "\n".join(line for line in lines if line.strip())


def _explained(actual: object, call: Call, dtype: npt.DTypeLike | None) -> list[str]:
    """Return where it is wrong, and why, in lines; what cannot be explained must not hide that it is wrong."""
    lines = []
    with suppress(Exception):
        if where := whereabouts(actual, call, dtype):
            lines.append(f"where: {where}")
        for finding in causes_of(actual, call, dtype)[:1]:
            if finding.sentence != where and finding.code not in UNKNOWN_SHAPES:  # which have been said
                lines += f"why: {finding}".splitlines()
    return lines
