"""What is right, and how far from it may an honest result be?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.bounds.epilogue import Epilogue
from refconv.bounds.summation import Precision, gamma
from refconv.bounds.sums import direct_sums, transformed
from refconv.numbers.dtypes import is_integral, round_once, wide_dtype
from refconv.numbers.formats import Array, float_info
from refconv.operations import Call


class Reference(NamedTuple):
    """The truth for every element, and what a result may differ from it."""

    truth: Array  # the exact result, or as good as: in float64 or wider, in integers, or in objects
    allowed: Array  # the largest honest |actual − truth|: 0 asks for equality, infinity allows anything
    dtype: np.dtype[Any]  # the type that a result ought to have
    any_integer: bool = False  # whether every integer type will do that holds the result
    limits: tuple[float, ...] = ()  # of a clamp: of NaN and a limit, fmax returns the limit, and max the NaN

    @property
    def desired(self) -> Array:
        """The truth in the type of the result."""
        return round_once(self.truth, self.dtype)

    def after(self, epilogue: Epilogue) -> Reference:
        """Return it for a result that went through an epilogue, in which nothing is rounded."""
        truth, allowed = epilogue.after(self.truth, self.allowed, None)
        return self._replace(truth=truth, allowed=np.broadcast_to(allowed, truth.shape), limits=epilogue.limits)

    def within(self, how: Arithmetic) -> Reference:
        """Return it with the way out of the bound that was taken."""
        if not how.tolerance:
            return self
        with np.errstate(all="ignore"):
            more = how.atol + how.rtol * np.abs(np.asarray(self.truth, np.result_type(self.truth, np.float64)))
        return self._replace(allowed=np.fmax(self.allowed, more))


class Standard(NamedTuple):
    """What a result is held to, whatever part of it is looked at."""

    dtype: np.dtype[Any]  # the type that a result ought to have
    how: Arithmetic = DIRECT  # how the kernel works
    chances: float = 0.0  # of all elements together: see `Precision`
    any_integer: bool = False  # whether every integer type will do that holds the result
    is_exact: bool = False  # whether the data are such that nothing is rounded, and every element must be equal

    @property
    def needs_images(self) -> bool:
        """Whether the bound is for whole images: an algorithm's tiles are counted from their corners."""
        return self.how.algorithm != "direct"

    def reference(self, call: Call) -> Reference:
        """Return the reference for a call, or for a part of it, and for a kernel that works as this one does.

        For a type narrower than float64 the truth is accumulated in float64; for float64 itself it is correctly
        rounded.  What it may still be off by is allowed for; but nothing is where the sums are known to be exact.
        """
        how, dtype = self.how.applied(call.operation), self.dtype
        if problem := how.epilogue.refuse(dtype):
            raise ValueError(problem)
        if dtype.kind in "biuO":
            truth = call(dtype=dtype)
            truth = truth.astype(np.int64) if call.operation.arithmetic else truth  # in which differences do not wrap
            found = Reference(truth, np.zeros(truth.shape), dtype, self.any_integer and is_integral(dtype))
            return (found.after(how.epilogue) if how.epilogue.text else found).within(how)
        wide = wide_dtype(dtype, *call.dtypes)
        unit = float_info(wide).unit
        is_rounded = unit == float_info(dtype).unit == float_info(np.float64).unit  # as the correctly rounded truth is
        truth = call(dtype=wide, method="exact" if is_rounded and not self.is_exact else "im2col")
        zero = np.zeros(truth.shape)
        if self.is_exact and not how.epilogue.text:  # nothing rounds, in whatever order
            return Reference(truth, zero, dtype).within(how)
        precision = replace(Precision.of(dtype, how), chances=self.chances)
        if self.is_exact:
            found = Reference(truth, zero, dtype).after(how.epilogue)
            returned = precision.returned(truth, zero, 0) if how.epilogue.rounds else found.allowed
            return found._replace(allowed=returned).within(how)
        direct = direct_sums(call, precision, truth)
        with np.errstate(all="ignore"):
            own_error = unit * np.abs(truth) if is_rounded else gamma(direct.roundings, unit) * direct.magnitude
            truth, own_error = how.epilogue.after(truth, own_error, float_info(wide))
            allowed = precision.bound(transformed(call, precision, direct)) + own_error
        return Reference(truth, np.asarray(allowed), dtype, limits=how.epilogue.limits).within(how)
