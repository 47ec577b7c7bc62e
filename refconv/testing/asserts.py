"""Asserts for test suites: pass in silence, fail with the whole story: what, where, why, and for which arguments."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy.typing as npt

from refconv.arguments import IntOrPair, PaddingLike
from refconv.testing.arrays import to_numpy
from refconv.testing.compare import compare_conv2d
from refconv.testing.diagnose import diagnose, whereabouts
from refconv.testing.shapes import UNKNOWN_SHAPE

__all__ = ["assert_conv2d_matches"]


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
    accumulate_dtype: npt.DTypeLike | None = None,
    input_dtype: npt.DTypeLike | None = None,
    confidence: float | None = None,
    algorithm: str = "direct",
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
    accumulate_dtype, input_dtype, confidence, algorithm
        How the implementation works, which decides how far it may be off: see `refconv.error_bound`.

    Raises
    ------
    AssertionError
        If the shape or the type differs, or any element is further from the truth than rounding can explain:
        see `compare_conv2d`.  The message says where, and why, if `diagnose` knows.
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
    where: it is wrong in row 1, column 1
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
        accumulate_dtype=accumulate_dtype,
        input_dtype=input_dtype,
        confidence=confidence,
        algorithm=algorithm,
    )
    if not comparison.passed:
        explained = _explained(
            actual, input, weight, bias, stride, padding, dilation, groups, padding_mode=padding_mode, dtype=dtype
        )
        operands = ", ".join(
            _described(name, operand) for name, operand in (("input", input), ("weight", weight), ("bias", bias))
        )
        mode = "" if padding_mode == "zeros" else f", padding_mode={padding_mode!r}"
        parameters = f"stride={stride}, padding={padding!r}, dilation={dilation}, groups={groups}{mode}"
        raise AssertionError("\n".join([str(comparison), *explained, f"  {operands}", f"  {parameters}"]))


def _explained(*arguments: Any, **options: Any) -> list[str]:
    """Return where it is wrong, and why, in lines; what cannot be explained must not hide that it is wrong."""
    lines = []
    with suppress(Exception):
        if where := whereabouts(*arguments, **options):
            lines.append(f"where: {where}")
        for finding in diagnose(*arguments, **options)[:1]:
            if finding.sentence != where and finding.code != UNKNOWN_SHAPE:  # which have been said
                lines += f"why: {finding}".splitlines()
    return lines


def _described(name: str, operand: npt.ArrayLike | None) -> str:
    if operand is None:
        return f"no {name}"
    array = to_numpy(name, operand)
    return f"{name} {array.shape} {array.dtype}"
