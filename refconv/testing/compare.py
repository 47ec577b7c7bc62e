"""Actual against truth, as data: how many elements are wrong, which is the worst, and by how much of its own bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.arguments import IntOrPair, PaddingLike
from refconv.conv import conv2d
from refconv.dtypes import as_array, result_dtype, round_once, wide_dtype
from refconv.error_bound import error_bound
from refconv.formats import Array

__all__ = ["Comparison", "compare_conv2d"]

LONGEST_MESSAGE = 300  # characters of an exception's text: frameworks print whole graphs


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison with the truth found; it holds numbers, not arrays.

    Attributes
    ----------
    problem : str
        Why the arrays could not be compared element by element (a wrong shape or type), or empty.
    elements, mismatched : int
        All elements, and those that are wrong.
    worst_index : tuple of int or None
        The element whose error is largest in units of its own bound; None where nothing was compared.
    actual, desired : int, float, complex or None
        What stands there, and what should: the truth rounded to the type of the result.
    error, bound : float
        ``|actual − truth|`` there, and what an honest kernel may be off by.  A bound of 0 asks for equality.
    error_in_bounds : float
        ``error / bound`` there: the headroom of a comparison that passes, infinite where the bound is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from refconv.testing import compare_conv2d
    >>> ones = np.ones((1, 1, 3, 3), dtype=np.float32)
    >>> comparison = compare_conv2d(np.full((1, 1, 1, 1), 8, np.float32), ones, ones)
    >>> comparison.passed, comparison.actual, comparison.desired, comparison.error
    (False, 8.0, 9.0, 1.0)
    """

    problem: str = ""
    elements: int = 0
    mismatched: int = 0
    worst_index: tuple[int, ...] | None = None
    actual: complex | None = None
    desired: complex | None = None
    error: float = 0.0
    bound: float = 0.0
    error_in_bounds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every element is within its bound."""
        return not self.problem and not self.mismatched

    def __str__(self) -> str:
        """Say it in one or three lines."""
        if self.problem:
            return self.problem
        if self.passed:
            headroom = f"; the worst uses {self.error_in_bounds:.2g} of its bound" if self.bound else ""
            return f"all {self.elements} elements agree{headroom}"
        if not self.bound:
            unit = "where none is allowed"
        elif math.isinf(self.error):
            unit = f"where {self.bound:.2g} is allowed"
        else:
            unit = f"{self.error_in_bounds:.3g} × its bound {self.bound:.2g}"
        index = ", ".join(map(str, self.worst_index or ()))
        return (
            f"{self.mismatched} of {self.elements} elements wrong; the worst is [{index}]\n"
            f"got  {self.actual}\nwant {self.desired}\nerror {self.error:.3g}, {unit}"
        )


def compare_arrays(actual: object, truth: Array, bound: Array, dtype: np.dtype[Any]) -> Comparison:
    """Compare anything at all with the truth, element by element.

    An element is right if it equals the truth rounded to `dtype`, or is no further from the truth than its bound; NaN
    equals NaN.  ``-0.0`` equals ``0.0``.
    """
    if actual is None:
        return Comparison(problem="None was returned")
    try:
        array = as_array("the result", _detached(actual))
    except Exception as unreadable:  # noqa: BLE001  # whatever an array-like raises when it is read is its own failure
        return Comparison(problem=exception_text(unreadable))
    if array.shape != truth.shape:
        return Comparison(problem=f"shape {array.shape}, where {truth.shape} was expected")
    if array.dtype.newbyteorder("=") != dtype:
        return Comparison(problem=f"dtype {array.dtype}, where {dtype} was expected")
    if not array.size:
        return Comparison()

    desired = round_once(truth, dtype)
    error = _distance(array, truth, desired)
    bound = np.where(np.isnan(bound), 0.0, bound)  # what reads a NaN or an infinity is right or wrong, not near
    with np.errstate(all="ignore"):
        in_bounds = np.where((error == 0) | np.isinf(bound), 0.0, error / bound)
    worst = np.unravel_index(np.argmax(np.where(in_bounds == in_bounds.max(), error, -1.0)), array.shape)
    return Comparison(
        elements=array.size,
        mismatched=int((error > bound).sum()),
        worst_index=tuple(map(int, worst)),
        actual=array.item(worst),
        desired=desired.item(worst),
        error=float(error[worst]),
        bound=float(bound[worst]),
        error_in_bounds=float(in_bounds[worst]),
    )


def _detached(actual: Any) -> Any:
    """Return a torch tensor off its graph and its device, where NumPy can read it, and anything else as it is."""
    return actual.detach().cpu() if hasattr(actual, "detach") and hasattr(actual, "cpu") else actual


def _distance(actual: Array, truth: Array, desired: Array) -> Array:
    """Return ``|actual − truth|`` in float64: 0 where equal to `desired`, infinite where either is not a number."""
    if desired.dtype.kind in "biuO":  # float64 would not see every difference
        pairs = zip(actual.astype(object).flat, desired.astype(object).flat, strict=True)
        return np.array([_object_distance(*pair) for pair in pairs], np.float64).reshape(desired.shape)
    wide = actual.astype(truth.dtype)
    rounded = desired.astype(truth.dtype)
    equal = (wide == rounded) | (np.isnan(wide) & np.isnan(rounded))
    with np.errstate(all="ignore"):
        distance = np.abs(wide - truth).astype(np.float64)
    return np.where(equal, 0.0, np.where(np.isfinite(truth) & ~np.isnan(distance), distance, np.inf))


def _object_distance(actual: Any, desired: Any) -> float:
    """Return ``|actual − desired|``, above 0 for what differs at all, and infinite for what cannot be subtracted."""
    try:
        if actual == desired or (actual != actual and desired != desired):  # noqa: PLR0124  # both NaN
            return 0.0
        distance = float(abs(actual - desired))
        return math.inf if math.isnan(distance) else max(distance, 5e-324)
    except Exception:  # noqa: BLE001  # a target may put anything into an object array
        return math.inf


def exception_text(error: BaseException) -> str:
    """Return an exception's type and text on one line, printable and not too long."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # an exception whose __str__ raises is an exception all the same
        words = "(its message cannot be read)"
    text = "".join(character if character.isprintable() else "?" for character in words)
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE] + " ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def compare_conv2d(
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
) -> Comparison:
    """Compare a convolution's output with the truth; a mismatch is data, not an exception.

    An element is right if ``|actual − truth| <= γ_n·(Σ|x||w| + |b|)``, where n counts the products that it adds up: a
    bound that every order of summation keeps.  Integers must be equal; NaN and infinity must be NaN and infinity.
    Where the data are finite but a partial sum may overflow, depending on the order, there is no bound, and any result
    is right.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned, of any framework that NumPy can read.
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        What it was given: the arguments of `refconv.conv2d`.
    dtype : dtype_like, optional
        The type that `actual` should have; by default the result type of input and weight.

    Returns
    -------
    Comparison
        Its ``passed`` is the verdict, and its text says what is wrong.

    Raises
    ------
    TypeError, ValueError
        If the arguments of the convolution are themselves invalid: misuse is not a mismatch.
    OverflowError
        If the exact result of integers is outside the range of its type.

    Notes
    -----
    Source of the bound: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. (2002), section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.ones((1, 2, 4, 5), np.float32), np.ones((3, 2, 2, 3), np.float32)
    >>> print(compare_conv2d(np.full((1, 3, 3, 3), 12, np.float32), x, w))
    all 27 elements agree; the worst uses 0 of its bound
    >>> print(compare_conv2d(np.full((1, 3, 4, 5), 12, np.float32), x, w))
    shape (1, 3, 4, 5), where (1, 3, 3, 3) was expected
    """
    operands = [as_array("input", input), as_array("weight", weight)]
    if bias is not None:
        operands.append(as_array("bias", bias))
    result = result_dtype(*(operand.dtype for operand in operands), dtype=dtype)
    image, kernel, offset = operands[0], operands[1], operands[2] if bias is not None else None
    arguments = (image, kernel, offset, stride, padding, dilation, groups)
    if result.kind in "biuO":
        truth = conv2d(*arguments, padding_mode=padding_mode, dtype=result)
        return compare_arrays(actual, truth, np.zeros(truth.shape), result)
    truth = conv2d(*arguments, padding_mode=padding_mode, dtype=wide_dtype(result))
    bound = error_bound(*arguments, padding_mode=padding_mode, dtype=result)
    return compare_arrays(actual, truth, bound, result)
