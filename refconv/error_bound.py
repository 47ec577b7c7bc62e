"""How far may an honest kernel be from the truth?

Adding n products in precision u, in any order, with or without fused multiply-add, errs by at most

    γ_n · Σ|x||w|,   γ_n = n·u / (1 − n·u)

(Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1).  It is a bound per output element:
where the products cancel, Σ|x||w| stays large and so does the bound; where few taps touch real input, it is small.
A relative tolerance does neither.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from refconv.arguments import IntOrPair, PaddingLike
from refconv.conv import conv2d
from refconv.dtypes import wide_dtype
from refconv.formats import Array, float_info
from refconv.geometry import ConvGeometry


def error_bound(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    dtype: npt.DTypeLike,
) -> Array:
    """Bound, per output element, on ``|actual − truth|`` for a kernel that accumulates in and returns `dtype`.

    ``γ_n(u)·(Σ|x||w| + |b|)``, where n counts the products that the output really adds up (a tap in zero padding adds
    none) and the bias.  The truth, accumulated in float64, may itself be off by γ_n(2^−53) of the same sum, which is
    added; so is what n products may lose to underflow.  Types of 16 bits and fewer are taken to be accumulated in
    float32 and rounded once at the end.

    The arguments are those of `conv2d`; `dtype` is a floating or complex type.  A complex product is two real ones
    for either part: n doubles, and the two parts' errors add up to a factor of √2.

    Returns
    -------
    ndarray of float64, (N, O, P, Q) or (O, P, Q)
        Infinite where n·u reaches 1, or a partial sum may overflow: then there is no bound.  NaN where the output
        reads a NaN or an infinity: then the result is right or wrong, not near.

    Examples
    --------
    Nine products of 1·1 in float32, where u = 2^−24, add up to 9 ± about 81·2^−24.

    >>> ones = np.ones((1, 1, 3, 3), np.float32)
    >>> bound = error_bound(ones, ones, dtype=np.float32)
    >>> round(float(bound[0, 0, 0, 0]) * 2**24, 3)
    81.0
    """
    magnitudes = [None if operand is None else _magnitude(operand) for operand in (input, weight, bias)]
    parameters = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "padding_mode": padding_mode,
    }
    total = conv2d(*magnitudes, **parameters)  # type: ignore[arg-type]
    geometry = ConvGeometry.from_shapes(input.shape, weight.shape, **parameters)  # type: ignore[arg-type]

    is_complex = np.dtype(dtype).kind == "c"
    terms = _products(geometry) * (2 if is_complex else 1) + (bias is not None)
    result = float_info(dtype)
    accumulator = result if result.unit <= float_info(np.float32).unit else float_info(np.float32)
    truth = float_info(total.dtype)
    parts = 2**0.5 if is_complex else 1.0
    with np.errstate(all="ignore"):
        bound = (_gamma(terms, accumulator.unit) + _gamma(terms, truth.unit)) * total + terms * accumulator.smallest
        bound = parts * np.where(total + bound > accumulator.largest, np.inf, bound)  # a partial sum may overflow
        if accumulator is not result:
            size = np.abs(conv2d(input, weight, bias, **parameters, dtype=total.dtype)) + bound  # type: ignore[arg-type]
            rounding = result.unit * size + result.smallest
            bound = np.where(size + rounding > result.largest, np.inf, bound + rounding)
        return np.asarray(bound * (1 + 2 * _gamma(terms + 2, truth.unit)))  # Σ|x||w| and these lines are rounded too


def _magnitude(operand: Array) -> Array:
    """Return |operand|, widened first: the least int8 has no magnitude in int8.

    An infinity becomes NaN, so that an infinite sum of magnitudes can only mean overflow.
    """
    wide: Array = operand.astype(wide_dtype(operand.dtype), copy=False)
    return np.where(np.isfinite(wide), np.abs(wide), np.nan)


def _gamma(terms: Array, unit: float) -> Array:
    """``γ_n = n·u / (1 − n·u)``."""
    product = terms * unit
    with np.errstate(divide="ignore"):
        return np.where(product < 1, product / np.maximum(1 - product, 0), np.inf)


def _products(geometry: ConvGeometry) -> Array:
    """Return the products that each output really adds up, as (P, Q): C/G times the taps that touch a pixel."""
    if geometry.padding_mode != "zeros":
        return np.full((geometry.height.output_size, geometry.width.output_size), geometry.taps_per_output)
    rows, columns = geometry.height.valid_tap_counts, geometry.width.valid_tap_counts
    return geometry.group_in_channels * np.outer(rows, columns)
