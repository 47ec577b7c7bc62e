"""Where honest implementations differ: what the standards leave open, each way of it with its sentence.

A result that is wrong by the reference's own convention may be right by another one.  Each row of `CONVENTIONS` gives
the reference as that convention has it, or None where it has nothing to say; a result that agrees with it in every
element differs by convention, which is no failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

from refconv.bounds.summation import Precision, Sums, gamma
from refconv.bounds.sums import sums_of
from refconv.numbers.dtypes import is_integral, wide_dtype
from refconv.numbers.formats import Array, float_info, is_ml_dtype
from refconv.operations import OPERATIONS, Call
from refconv.quantized.convolution import scales_of
from refconv.quantized.requantize import quotients
from refconv.testing.comparing.reference import Reference, reference_of


@dataclass(frozen=True, slots=True)
class Judged:
    """A result that is being judged: the call, what should be returned, and what was."""

    call: Call
    precision: Precision | None
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
    reference = reference_of(finite, judged.reference.dtype, judged.precision)
    rest = reference.truth  # not finite where the bias is not
    plus = (rest == np.inf) | reads(image > 0, weight == np.inf) | reads(image < 0, weight == -np.inf)
    minus = (rest == -np.inf) | reads(image < 0, weight == np.inf) | reads(image > 0, weight == -np.inf)
    undefined = reads(image == 0, np.isinf(weight)) | reads(np.ones_like(image), np.isnan(weight))
    undefined |= np.isnan(rest) | (plus & minus)
    truth = np.select([undefined, plus, minus], [np.nan, np.inf, -np.inf], rest)
    return reference._replace(truth=truth, allowed=judged.tolerance(reference))


def _adding_bias_later(judged: Judged) -> Reference | None:
    """Round the sum to the type of the result once more, before the bias is added to it and that is rounded as well."""
    dtype = judged.reference.dtype
    precision = judged.precision or (Precision.of(dtype) if judged.is_real else None)
    if "bias" not in judged.call.operands or precision is None or not precision.rounds_result:
        return None
    sums = reference_of(judged.call.with_operands(bias=None), dtype, precision)
    rounding = precision.result.unit * (np.abs(sums.truth) + sums.allowed) + precision.result.smallest
    return judged.allowing_more((1 + precision.result.unit) * rounding)


def _flushing_results(judged: Judged, call: Call | None = None) -> Reference | None:
    """Allow every product, sum and result below the least normal number to be taken for 0.

    So each result is 0 or at least that number; any other is held to the bound as it stands.  What is lost on the way
    to it is less than the least normal number each time, and no more than all there is, ``Σ|x||w| + |b|``.
    """
    if not judged.is_real:
        return None
    call, dtype = call or judged.call, judged.reference.dtype
    precision = judged.precision or Precision.of(dtype)
    reference = reference_of(call, dtype, precision)
    sums = sums_of(call, precision, exact=reference.truth)
    lost = np.fmin(2 * sums.roundings * precision.accumulator.least_normal, sums.magnitude)
    least, size = precision.result.least_normal, np.abs(judged.actual.astype(reference.truth.dtype))
    is_flushed = (size == 0) & (np.abs(reference.truth) < least + lost + reference.allowed)
    more = np.where((size == 0) | (size >= least), lost, 0.0) + np.where(is_flushed, least, 0.0)
    return reference._replace(allowed=judged.tolerance(reference) + more)


def _flushing_inputs(judged: Judged) -> Reference | None:
    """Take inputs below the least normal number for 0, too."""
    if not judged.is_real:
        return None

    def flushed(operand: Array) -> Array:
        if is_integral(operand.dtype):
            return operand
        is_subnormal = np.abs(operand.astype(np.float64)) < float_info(operand.dtype).least_normal
        return np.where(is_subnormal, np.zeros_like(operand), operand)

    return _flushing_results(judged, judged.call.each(flushed))


def _rounding_partial_sums(judged: Judged) -> Reference | None:
    """Add up, in the narrow type of the result, what each tap of an adjoint or each image of a gradient comes to.

    A matrix product rounds the sum over the channels, or over one image's pixels; M such sums s, and perhaps a bias,
    are added up in M − 1 additions, or M.  Without the last of all these roundings, which the bound has already, none
    of the sums is rounded more often than that: ``γ_{M−1}(u)·Σ|s|``, or ``γ_M(u)·(Σ|s| + |b|)``, is what is new.
    That is said of so few sums, ``M²·u <= 1/2``, that one of them could not be lost in it.
    """
    call, bias = judged.call, judged.call.operands.get("bias")
    precision = judged.precision or (Precision.of(judged.reference.dtype) if judged.is_real else None)
    if call.operation.asked == "output" or precision is None or not (judged.is_real and precision.rounds_result):
        return None

    def allowing(count: Array, size: Array) -> Reference:
        roundings = np.maximum(count - 1, 0) + np.where(count > 0, bias is not None, 0)
        narrow = gamma(roundings, precision.result.unit) * (size + judged.reference.allowed)
        return judged.allowing_more(narrow + roundings * precision.result.smallest)

    sums = sums_of(call, precision, exact=judged.reference.truth)
    most = _most_sums(call, sums)
    with np.errstate(invalid="ignore"):
        error = np.abs(judged.actual.astype(judged.reference.truth.dtype) - judged.reference.truth)
    if np.max(most, initial=0) ** 2 * precision.result.unit > 0.5:
        return None
    if (error > allowing(most, sums.magnitude).allowed).any():
        return None  # without a look at each of the sums, which are no larger than all products
    count, size = (_of_images if call.operation.asked == "weight" else _of_taps)(call.with_operands(bias=None))
    if bias is not None:
        over_pixels = bias.reshape(-1, *(1,) * (call.operands["weight"].ndim - 2))
        size = size + np.abs(over_pixels.astype(np.float64))
    return allowing(count, size)


def _most_sums(call: Call, sums: Sums) -> Array:
    """Return of how many sums each element is at most the sum: as many as there are images, or taps that reach it."""
    plan = call.plan
    if call.operation.asked == "weight":
        return np.full(sums.magnitude.shape, plan.batch)
    return np.asarray(-(-sums.roundings // max(1, plan.group_out_channels)))


def _of_images(call: Call) -> tuple[Array, Array]:
    """Return how many images' sums s each element of a weight's gradient adds up, and Σ|s|."""
    size = np.zeros_like(call(dtype=np.float64))
    plan = call.plan
    for n in range(plan.batch):
        one = call.of_image(n) if plan.batched else call
        size += np.abs(one(dtype=np.float64))
    return np.full(size.shape, plan.batch), size


def _of_taps(call: Call) -> tuple[Array, Array]:
    """Return how many taps' sums s over the channels each pixel of an adjoint adds up, and Σ|s|."""
    weight = call.operands["weight"]
    size = np.zeros_like(call(dtype=np.float64))
    count = np.zeros(size.shape, np.int64)
    for tap in np.ndindex(*weight.shape[2:]):
        is_tap = np.zeros(weight.shape, np.int64)
        is_tap[(..., *tap)] = 1
        alone = np.where(is_tap > 0, weight, np.zeros_like(weight))
        size += np.abs(call.with_operands(weight=alone)(dtype=np.float64))
        count += call.each(np.ones_like).with_operands(weight=is_tap)(dtype=np.float64) > 0
    return count, size


def _multiplying_thrice(judged: Judged) -> Reference | None:
    """Make a complex product of three real ones, as Gauss did: ``ac``, ``bd`` and ``(a + b)(c + d)``.

    Of the sums A, B and C of these, with the bias in A and in C, the result is ``A − B`` and ``C − A − B``.  With
    M = Σ|x||w| + |b| in moduli, the terms of A and B come to M at most and those of C to 2·M, and each is rounded n + 5
    times at most, where n and a bias are added: its parts are off by no more than 2·γ_{n+5}·M and 4·γ_{n+5}·M.  That
    includes a bias that nothing is added to.
    """
    if judged.reference.dtype.kind != "c":
        return None
    precision = judged.precision or Precision.of(judged.reference.dtype)
    sums = sums_of(judged.call, precision, exact=judged.reference.truth)
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
    "the sum is rounded to the type of the result before the bias is added": _adding_bias_later,
    "sums over channels or images are rounded to the result's type before they are added up": _rounding_partial_sums,
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
