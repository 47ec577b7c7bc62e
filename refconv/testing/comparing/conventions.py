"""Where honest implementations differ: what the standards leave open, each way of it with its sentence.

A result that is wrong by the reference's own convention may be right by another one.  Each row of `CONVENTIONS` gives
the reference as that convention has it, or None where it has nothing to say; a result that agrees with it in every
element differs by convention, which is no failure.  A convention costs no precision: what does is another standard, and
stands in `standards`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.summation import Precision, gamma
from refconv.bounds.sums import direct_sums
from refconv.numbers.dtypes import is_integral, wide_dtype
from refconv.numbers.formats import Array, float_info, is_ml_dtype
from refconv.operations import OPERATIONS, Call
from refconv.quantized.convolution import scales_of
from refconv.quantized.requantize import quotients
from refconv.testing.comparing.limits import least_normal
from refconv.testing.comparing.reference import Reference, Standard


@dataclass(frozen=True, slots=True)
class Judged:
    """A result that is being judged: the call, how the kernel works, what should be returned, and what was.

    What a convention changes it changes before any epilogue.
    """

    call: Call
    how: Arithmetic
    reference: Reference
    actual: Array
    is_exact: bool = False  # the data are such that nothing is rounded

    def tolerance(self, reference: Reference) -> Array:
        """Return what a reference allows; nothing, where the data are such that nothing is rounded."""
        return np.zeros_like(reference.allowed) if self.is_exact else reference.allowed

    def allowing_more(self, error: Array) -> Reference:
        """Return the reference with this much more allowed; none, where the data are such that nothing is rounded."""
        more = self.tolerance(self.reference._replace(allowed=error))
        return self.reference._replace(allowed=self.reference.allowed + more)

    @property
    def is_real(self) -> bool:
        """Whether the result is of real floating-point numbers."""
        return self.reference.dtype.kind == "f" or is_ml_dtype(self.reference.dtype)

    @property
    def precision(self) -> Precision:
        """The types in which the kernel works."""
        return Precision.of(self.reference.dtype, self.how)


def _skipping_padding(judged: Judged) -> Reference | None:
    """Leave out the taps that read padding, where 0 times a NaN or an infinite weight would be NaN.

    In the gradient of a weight, what slides over the input and its padding is what arrives at the output.
    """
    call = judged.call
    if call.operation.asked == "input" or call.operation.by == "bias" or not judged.is_real:
        return None
    moved, sliding = call.operation.factors  # what is padded, and what slides over it
    image, weight = (call.operands[name].astype(wide_dtype(call.operands[name].dtype)) for name in (moved, sliding))
    if not np.isfinite(image).all() or np.isfinite(weight).all():
        return None

    def reads(pixels: Array, taps: Array) -> Array:
        """Return whether an output reads one of these real pixels through one of these taps."""
        whole = {moved: pixels.astype(np.int64), sliding: taps.astype(np.int64), "bias": None}
        return call.with_operands(**whole)() > 0

    finite = call.with_operands(**{sliding: np.where(np.isfinite(weight), weight, 0.0)})
    reference = Standard(judged.reference.dtype, judged.how).reference(finite)
    rest = reference.truth  # not finite where the bias is not
    plus = (rest == np.inf) | reads(image > 0, weight == np.inf) | reads(image < 0, weight == -np.inf)
    minus = (rest == -np.inf) | reads(image < 0, weight == np.inf) | reads(image > 0, weight == -np.inf)
    undefined = reads(image == 0, np.isinf(weight)) | reads(np.ones_like(image), np.isnan(weight))
    undefined |= np.isnan(rest) | (plus & minus)
    truth = np.select([undefined, plus, minus], [np.nan, np.inf, -np.inf], rest)
    return reference._replace(truth=truth, allowed=judged.tolerance(reference))


def _flushing_results(judged: Judged, call: Call | None = None) -> Reference | None:
    """Allow every product, sum and result below the least normal number to be taken for 0.

    So each result is 0 or at least that number; any other is held to the bound as it stands.  What is lost on the way
    to it is less than the least normal number each time, and no more than all there is, ``Σ|x||w| + |b|``.
    """
    if not judged.is_real:
        return None
    precision, reference = judged.precision, judged.reference
    if call is not None:
        reference = Standard(reference.dtype, judged.how).reference(call)
    sums = direct_sums(call or judged.call, precision, exact=reference.truth)
    lost = np.fmin(2 * sums.roundings * least_normal(precision.accumulator), sums.magnitude)
    least, size = least_normal(precision.result), np.abs(judged.actual.astype(reference.truth.dtype))
    is_flushed = (size == 0) & (np.abs(reference.truth) < least + lost + reference.allowed)
    more = np.where((size == 0) | (size >= least), lost, 0.0) + np.where(is_flushed, least, 0.0)
    return reference._replace(allowed=judged.tolerance(reference) + more)


def _flushing_inputs(judged: Judged) -> Reference | None:
    """Take inputs below the least normal number for 0, too."""
    if not judged.is_real:
        return None

    def is_subnormal(operand: Array) -> Array:
        if is_integral(operand.dtype):
            return np.zeros(operand.shape, bool)
        size = np.abs(operand.astype(np.float64))
        return (size > 0) & (size < least_normal(float_info(operand.dtype)))

    if not any(is_subnormal(operand).any() for operand in judged.call.operands.values()):
        return None
    flushed = judged.call.each(lambda operand: np.where(is_subnormal(operand), np.zeros_like(operand), operand))
    return _flushing_results(judged, flushed)


def _multiplying_thrice(judged: Judged) -> Reference | None:
    """Make a complex product of three real ones, as Gauss did: ``ac``, ``bd`` and ``(a + b)(c + d)``.

    Of the sums A, B and C of these, with the bias in A and in C, the result is ``A − B`` and ``C − A − B``.  With
    M = Σ|x||w| + |b| in moduli, the terms of A and B come to M at most and those of C to 2·M, and each is rounded n + 5
    times at most, where n and a bias are added: its parts are off by no more than 2·γ_{n+5}·M and 4·γ_{n+5}·M.  That
    includes a bias that nothing is added to.
    """
    if judged.reference.dtype.kind != "c":
        return None
    precision = judged.precision
    sums = direct_sums(judged.call, precision, exact=judged.reference.truth)
    products = sums.roundings // 2  # which counts those of complex numbers twice
    return judged.allowing_more(20**0.5 * gamma(products + 5, precision.accumulator.unit) * sums.magnitude)


def _wrapping(judged: Judged) -> Reference | None:
    """Keep of a whole number the bits that the type of the result has."""
    if not judged.reference.any_integer or judged.actual.dtype.kind not in "iu":  # a bool has no bits to keep
        return None
    return judged.reference._replace(truth=judged.reference.truth.astype(judged.actual.dtype))


def _requantized(rounding: str) -> Callable[[Judged], Reference | None]:
    """Round the product with M in another dialect."""

    def convention(judged: Judged) -> Reference | None:
        if judged.call.operation.arithmetic != "quantized":
            return None
        try:
            return judged.reference._replace(truth=judged.call(rounding=rounding))
        except OverflowError:  # where this dialect is undefined
            return None

    return convention


class _Products(NamedTuple):
    """The products sum·M of a quantized convolution."""

    below: Array  # the whole number below, an object like the others
    rest: Array  # the rest, a numerator, and its denominator
    whole: Array
    zero: int  # Z_y

    @classmethod
    def of(cls, call: Call) -> _Products:
        told = {name: call.parameters[name] for name in call.operation.quantities}
        steps = {name: value for name, value in call.parameters.items() if name not in told}
        points = {name: told[name] for name in ("input_zero_point", "weight_zero_point")}
        units = [told[f"{name}_scale"] for name in ("input", "weight", "output")]
        rank = call.operation.space.rank
        integer = OPERATIONS[call.operation.name.replace("quantized", "integer")]
        sums = integer.function(**call.factors, **points, **steps).astype(np.int64)
        if "bias" in call.operands:
            sums += call.operands["bias"].reshape(-1, *(1,) * rank)
        scales = scales_of(*units, channels=call.operands["weight"].shape[:1])._replace(rank=rank)
        return cls(*quotients(sums, scales), int(told["output_zero_point"]))

    def saturated(self, more: Array | int, dtype: np.dtype[Any]) -> Array:
        """Return the result where this is added to the whole numbers below."""
        limits = np.iinfo(dtype)
        return np.clip(self.below + more + self.zero, limits.min, limits.max).astype(np.int64)


def _turning_ties(is_up: Callable[[_Products], Array]) -> Callable[[Judged], Reference | None]:
    """Round up those products that lie half way between two whole numbers for which this holds, and the others down."""

    def convention(judged: Judged) -> Reference | None:
        if judged.call.operation.arithmetic != "quantized":
            return None
        products = _Products.of(judged.call)
        rounded = products.saturated(is_up(products).astype(np.int64), judged.reference.dtype)
        is_tie = 2 * products.rest == products.whole
        return judged.reference._replace(truth=np.where(is_tie, rounded, judged.reference.truth))

    return convention


def _multiplying_in_float32(judged: Judged) -> Reference | None:
    """Let what lies as near to a tie as a product of float32 numbers, rounded themselves, be the other neighbour."""
    if judged.call.operation.arithmetic != "quantized":
        return None
    products = _Products.of(judged.call)
    size = np.abs(products.below * products.whole + products.rest)
    near = np.abs(2 * products.rest - products.whole) <= size * Fraction(1, 2**20)
    either = [products.saturated(more, judged.reference.dtype) == judged.actual for more in (0, 1)]
    truth = np.where(near & (either[0] | either[1]), judged.actual, judged.reference.truth)
    return judged.reference._replace(truth=truth.astype(np.int64))


CONVENTIONS: Final[dict[str, Callable[[Judged], Reference | None]]] = {
    "taps that read padding are skipped, where others multiply its zeros by NaN or infinity": _skipping_padding,
    "complex numbers are multiplied by three real products": _multiplying_thrice,
    "subnormal results are flushed to zero": _flushing_results,
    "subnormal inputs and results are flushed to zero": _flushing_inputs,
    "integer sums wrap in the type of the result": _wrapping,
    "sum·M is rounded twice, by a 31-bit multiplier, as in TensorFlow Lite": _requantized("tflite"),
    "sum·M is rounded once, half up, by a 31-bit multiplier: TFLITE_SINGLE_ROUNDING": _requantized("tflite_single"),
    "halves are rounded up": _turning_ties(lambda products: np.ones(products.below.shape, bool)),
    "halves are rounded away from zero": _turning_ties(lambda products: products.below >= 0),
    "the output's zero point is added before sum·M is rounded, as in ONNX's reference": _turning_ties(
        lambda products: (products.below + products.zero) % 2 == 1
    ),
    "sum·M is a product of float32 numbers, as in onnxruntime, PyTorch and XNNPACK": _multiplying_in_float32,
}
# Of these no reference can be made: the target is asked again, by `judging.second_look`.
TRANSFORM: Final = "computed by a transform: whole sums come out rounded"
LESS_INFINITY: Final = "infinity comes out as NaN or another one, as in sums that are compensated, split or transformed"
SPREAD: Final = "computed by a transform, which spreads NaN and infinity to elements that do not read them"
