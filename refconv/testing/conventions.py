"""Where honest implementations differ: what the standards leave open, each way of it with its sentence.

A result that is wrong by the reference's own convention may be right by another one.  Each row of `CONVENTIONS` gives
the reference as that convention has it, or None where it has nothing to say; a result that agrees with it in every
element differs by convention, which is no failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from refconv.conv import conv2d
from refconv.dtypes import is_integral, wide_dtype
from refconv.error_bound import Operands, conv2d_sums
from refconv.formats import Array, float_info, is_ml_dtype
from refconv.precision import Precision
from refconv.testing.reference import Reference, conv2d_reference


@dataclass(frozen=True, slots=True)
class Judged:
    """A convolution that is being judged: what it was given, what it should return, and the type that it did."""

    operands: Operands
    parameters: Mapping[str, Any]
    precision: Precision | None
    reference: Reference
    actual_dtype: np.dtype[Any]

    def tolerance(self, reference: Reference) -> Array:
        """Return what a reference allows; nothing, where the data are such that nothing is rounded."""
        return reference.allowed if self.reference.allowed.any() else np.zeros_like(reference.allowed)

    @property
    def is_real(self) -> bool:
        """Whether the result is of real floating-point numbers."""
        return self.reference.dtype.kind == "f" or is_ml_dtype(self.reference.dtype)


def _skipping_padding(judged: Judged) -> Reference | None:
    """Leave out the taps that read padding, where 0 times a NaN or an infinite weight would be NaN."""
    image, weight = (operand.astype(wide_dtype(operand.dtype)) for operand in judged.operands[:2])
    if not judged.is_real or not np.isfinite(image).all() or np.isfinite(weight).all():
        return None

    def reads(pixels: Array, taps: Array) -> Array:
        """Return whether an output reads one of these real pixels through one of these taps."""
        return conv2d(pixels.astype(np.int64), taps.astype(np.int64), **judged.parameters) > 0

    finite = judged.operands._replace(weight=np.where(np.isfinite(weight), weight, 0.0))
    reference = conv2d_reference(finite, judged.parameters, judged.reference.dtype, judged.precision)
    rest = reference.truth  # not finite where the bias is not
    plus = (rest == np.inf) | reads(image > 0, weight == np.inf) | reads(image < 0, weight == -np.inf)
    minus = (rest == -np.inf) | reads(image < 0, weight == np.inf) | reads(image > 0, weight == -np.inf)
    undefined = reads(image == 0, np.isinf(weight)) | reads(np.ones_like(image), np.isnan(weight))
    undefined |= np.isnan(rest) | (plus & minus)
    truth = np.select([undefined, plus, minus], [np.nan, np.inf, -np.inf], rest)
    return reference._replace(truth=truth, allowed=judged.tolerance(reference))


def _adding_bias_later(judged: Judged) -> Reference | None:
    """Round the sum to the type of the result once more, before the bias is added to it."""
    dtype, bias = judged.reference.dtype, judged.operands.bias
    precision = judged.precision or (Precision.of(dtype) if judged.is_real else None)
    if bias is None or precision is None or not precision.rounds_result:
        return None
    sums = conv2d_reference(judged.operands._replace(bias=None), judged.parameters, dtype, precision)
    rounding = precision.result.unit * (np.abs(sums.truth) + sums.allowed) + precision.result.smallest
    return judged.reference._replace(allowed=judged.tolerance(judged.reference) + 2 * rounding)


def _flushing_results(judged: Judged, operands: Operands | None = None) -> Reference | None:
    """Allow every product, sum and result below the least normal number to be taken for 0."""
    if not judged.is_real:
        return None
    operands, dtype = operands or judged.operands, judged.reference.dtype
    precision = judged.precision or Precision.of(dtype)
    reference = conv2d_reference(operands, judged.parameters, dtype, precision)
    roundings = conv2d_sums(operands, judged.parameters, precision, exact=reference.truth).roundings
    lost = 2 * roundings * precision.accumulator.least_normal
    least = precision.result.least_normal
    is_flushed = np.abs(reference.truth) < least + lost + reference.allowed  # only what may come out as subnormal
    return reference._replace(allowed=judged.tolerance(reference) + lost + np.where(is_flushed, least, 0.0))


def _flushing_inputs(judged: Judged) -> Reference | None:
    """Take inputs below the least normal number for 0, too."""
    if not judged.is_real:
        return None

    def flushed(operand: Array) -> Array:
        if is_integral(operand.dtype):
            return operand
        is_subnormal = np.abs(operand.astype(np.float64)) < float_info(operand.dtype).least_normal
        return np.where(is_subnormal, np.zeros_like(operand), operand)

    return _flushing_results(judged, judged.operands.each(flushed))


def _wrapping(judged: Judged) -> Reference | None:
    """Keep of a whole number the bits that the type of the result has."""
    if not judged.reference.any_integer or judged.actual_dtype.kind not in "iu":  # a bool has no bits to keep
        return None
    return judged.reference._replace(truth=judged.reference.truth.astype(judged.actual_dtype))


CONVENTIONS: Final[dict[str, Callable[[Judged], Reference | None]]] = {
    "taps that read padding are skipped, where others multiply its zeros by NaN or infinity": _skipping_padding,
    "the sum is rounded to the type of the result before the bias is added": _adding_bias_later,
    "subnormal results are flushed to zero": _flushing_results,
    "subnormal inputs and results are flushed to zero": _flushing_inputs,
    "integer sums wrap in the type of the result": _wrapping,
}
