"""What is right, and how far from it may an honest result be?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refconv.bounds.summation import Precision, gamma
from refconv.bounds.sums import sums_of
from refconv.numbers.dtypes import is_integral, round_once, wide_dtype
from refconv.numbers.formats import Array, float_info
from refconv.operations import Call


class Reference(NamedTuple):
    """The truth for every element, and what a result may differ from it.

    Attributes
    ----------
    truth : ndarray
        The exact result, or as good as: in float64 or wider, in integers, or in objects.
    allowed : ndarray of float64
        The largest honest ``|actual − truth|``: 0 asks for equality, infinity allows anything.
    dtype : dtype
        The type that a result ought to have.
    any_integer : bool
        Whether every integer type will do that holds the result.
    """

    truth: Array
    allowed: Array
    dtype: np.dtype[Any]
    any_integer: bool = False

    @property
    def desired(self) -> Array:
        """The truth in the type of the result."""
        return round_once(self.truth, self.dtype)


class Standard(NamedTuple):
    """What a result is held to, whatever part of it is looked at.

    Attributes
    ----------
    dtype : dtype
        The type that a result ought to have.
    precision : Precision or None
        The types in which the kernel works, where it is not the usual ones.
    algorithm : str
        What it computes.
    any_integer : bool
        Whether every integer type will do that holds the result.
    is_exact : bool
        Whether the data are such that nothing is rounded, and every element must be equal.
    """

    dtype: np.dtype[Any]
    precision: Precision | None = None
    algorithm: str = "direct"
    any_integer: bool = False
    is_exact: bool = False

    @property
    def needs_images(self) -> bool:
        """Whether the bound is for whole images: an algorithm's tiles are counted from their corners."""
        return self.algorithm != "direct"

    def reference(self, call: Call) -> Reference:
        """Return the reference for a call, or for a part of it."""
        if self.is_exact:
            truth = call(dtype=wide_dtype(self.dtype, *call.dtypes))  # which nothing rounds, in whatever order
            return Reference(truth, np.zeros(truth.shape), self.dtype)
        return reference_of(call, self.dtype, self.precision, self.algorithm, any_integer=self.any_integer)


def reference_of(
    call: Call,
    dtype: np.dtype[Any],
    precision: Precision | None = None,
    algorithm: str = "direct",
    *,
    any_integer: bool = False,
) -> Reference:
    """Return the reference for a call whose result is to have this type.

    For a type narrower than float64 the truth is accumulated in float64; for float64 itself it is correctly rounded.
    What it may still be off by is allowed for.
    """
    if dtype.kind in "biuO":
        truth = call(dtype=dtype)
        truth = truth.astype(np.int64) if call.operation.arithmetic else truth  # in which differences do not wrap
        return Reference(truth, np.zeros(truth.shape), dtype, any_integer=any_integer and is_integral(dtype))
    wide = wide_dtype(dtype, *call.dtypes)
    unit = float_info(wide).unit
    is_exact = unit == float_info(dtype).unit == float_info(np.float64).unit
    truth = call(dtype=wide, method="exact" if is_exact else "im2col")
    precision = precision or Precision.of(dtype)
    sums = sums_of(call, precision, algorithm, exact=truth)
    with np.errstate(all="ignore"):
        own_error = unit * np.abs(truth) if is_exact else gamma(sums.roundings, unit) * sums.magnitude
        return Reference(truth, np.asarray(precision.bound(sums) + own_error), dtype)
