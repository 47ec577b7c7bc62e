"""How far may an honest kernel be from the truth?

Adding n products in precision u errs by at most γ_n·Σ|x||w|: see `precision`.  That is a bound per output element:
where the products cancel, Σ|x||w| stays large and so does the bound; where few taps touch real input, it is small.  A
relative tolerance does neither.  This room says what a convolution adds up; the derivation, step by step, is in the
documentation, "Error bounds".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from refconv.bounds.summation import Precision, Sums, rounded_inputs_error
from refconv.bounds.winograd import WINOGRAD
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import as_array, wide_dtype
from refconv.numbers.formats import Array, FloatInfo, round_to_format
from refconv.padding import pad

__all__ = ["error_bound"]

ALGORITHMS: Final = ("direct", *WINOGRAD)


def error_bound(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    dtype: npt.DTypeLike,
    accumulate_dtype: npt.DTypeLike | None = None,
    input_dtype: npt.DTypeLike | None = None,
    confidence: float | None = None,
    algorithm: str = "direct",
) -> Array:
    """Bound, per output element, on ``|actual − exact|`` for a kernel that returns `dtype`.

    ::

        γ_K(u)·(Σ|x||w| + |b|)                    summation in the accumulator's u, in any order
        + Σ(|x̂||ŵ| − |x||w|)                      inputs rounded to `input_dtype` first, if they are
        + u_d·(|exact| + all this) + 2^e          the rounding to `dtype`, if that is narrower than the accumulator
        + K·2^e                                   what K products may lose to underflow

    where K counts the products that the output really adds up, since a tap in zero padding adds none, and the bias.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        As in `conv2d`.
    dtype : dtype_like
        Type of the result: floating or complex, or a name such as ``"bfloat16"``, ml_dtypes installed or not.
    accumulate_dtype : dtype_like, optional
        Type in which the kernel adds up; by default float32 for types of 16 and 8 bits, and `dtype` for all others.
    input_dtype : dtype_like, optional
        Type that the kernel rounds input and weight to before it multiplies, such as ``"tf32"``.  Truncation is covered
        too: tensor cores do that.  Numbers that the type holds are not rounded.  By default, no such rounding.
    confidence : float, optional
        Probability, below 1, with which the bound is to hold for the whole tensor, if rounding errors are independent
        and of mean 0: about √K·u in place of K·u.  By default the worst case, which no order of summation exceeds.
    algorithm : {"direct", "winograd2", "winograd4"}
        What the kernel computes: the sum of products as it stands, or Winograd's F(2×2, 3×3) or F(4×4, 3×3).

    Returns
    -------
    ndarray of float64, (N, O, P, Q) or (O, P, Q)
        Never below the formula: it is rounded up.  0 where nothing is added up, so that the result must be equal.
        Infinite where K·u reaches 1, or a partial sum may overflow: then there is no bound.  NaN where the output reads
        a NaN or an infinity: then the result is right or wrong, not near.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`; or if a type is not a floating one, the confidence is not between 0 and 1, or Winograd's
        algorithm does not apply: it is for 3×3 kernels with stride and dilation 1.

    Notes
    -----
    A complex product is two real ones for either part: K doubles, and the errors of both parts make a factor of √2.

    Sources: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), sections 3.1 and 3.6; for `confidence`,
    Higham & Mary, "A new approach to probabilistic rounding error analysis" (2019), theorem 3.1.

    Examples
    --------
    Nine products of 1·1 in float32, where u = 2^−24, add up to 9 ± about 81·2^−24.

    >>> import numpy as np
    >>> ones = np.ones((1, 1, 3, 3), np.float32)
    >>> bound = error_bound(ones, ones, dtype=np.float32)
    >>> round(float(bound[0, 0, 0, 0]) * 2**24, 3)
    81.0

    At a corner only four taps touch the image; the others add nothing, and no error.

    >>> corner = error_bound(ones, ones, padding=1, dtype=np.float32)[0, 0, 0, 0]
    >>> round(float(corner) * 2**24, 3)
    16.0
    """
    precision = Precision.of(dtype, accumulate_dtype, input_dtype, confidence)
    operands = Operands.of(input, weight, bias)
    parameters = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "padding_mode": padding_mode,
    }
    return precision.bound(conv2d_sums(operands, parameters, precision, algorithm))


class Operands(NamedTuple):
    """The arrays that a convolution reads."""

    input: Array
    weight: Array
    bias: Array | None

    @classmethod
    def of(cls, input: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None) -> Operands:
        """Read them as arrays of numbers."""
        offset = None if bias is None else as_array("bias", bias)
        return cls(as_array("input", input), as_array("weight", weight), offset)

    def each(self, function: Callable[[Array], Array]) -> Operands:
        """Apply a function to those that there are."""
        bias = None if self.bias is None else function(self.bias)
        return Operands(function(self.input), function(self.weight), bias)

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """Return the types of those that there are."""
        return [operand.dtype for operand in self if operand is not None]


def conv2d_sums(
    operands: Operands,
    parameters: Mapping[str, Any],
    precision: Precision,
    algorithm: str = "direct",
    exact: Array | None = None,
) -> Sums:
    """Return what a convolution adds up.

    `parameters` are conv2d's, from stride to padding_mode; `exact` is the result, where it is known already.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm={algorithm!r} must be one of {', '.join(map(repr, ALGORITHMS))}")
    bias_shape = None if operands.bias is None else operands.bias.shape
    geometry = ConvGeometry.from_shapes(operands.input.shape, operands.weight.shape, bias_shape, **parameters)
    if algorithm != "direct":
        WINOGRAD[algorithm].check(geometry)
    is_complex = any(dtype.kind == "c" for dtype in operands.dtypes)
    add_up = partial(_total, geometry, parameters, algorithm, precision.accumulator.largest)

    sizes = operands.each(magnitude)
    total = add_up(sizes)
    roundings = _roundings(geometry, algorithm, is_complex=is_complex, is_biased=sizes.bias is not None)
    input_error: Array | float = 0.0
    if precision.multiplier is not None or algorithm != "direct":
        largest = add_up(_largest_factors(sizes, precision, algorithm))
        input_error = rounded_inputs_error(total, largest, roundings)
    if exact is None and precision.rounds_result:
        exact = conv2d(*operands, **parameters, dtype=wide_dtype(*operands.dtypes))
    amplification = 1.0 if algorithm == "direct" else WINOGRAD[algorithm].amplification
    return Sums(total, roundings, input_error, exact, amplification, is_complex)


def _total(
    geometry: ConvGeometry, parameters: Mapping[str, Any], algorithm: str, overflow: float, sizes: Operands
) -> Array:
    """Return Σ|x||w| + |b|; of Winograd's algorithm, the sum over its own monomials, whose factors may overflow."""
    if algorithm == "direct":
        return conv2d(*sizes, **parameters)
    padded = pad(sizes.input.reshape(geometry.batch, *sizes.input.shape[-3:]), geometry)
    total = WINOGRAD[algorithm].magnitudes(padded, sizes.weight, geometry, overflow)
    if sizes.bias is not None:
        total += sizes.bias[:, np.newaxis, np.newaxis]
    return total if geometry.batched else total[0]


def _roundings(geometry: ConvGeometry, algorithm: str, *, is_complex: bool, is_biased: bool) -> Array:
    """Return how often a product is rounded at most, by output position: once itself, and in each addition.

    A tap in zero padding adds nothing, and a bias that is alone is added to nothing.
    """
    parts = 2 if is_complex else 1
    products = _products(geometry) * parts
    if algorithm == "direct":
        return np.where(products > 0, products + is_biased, 0)
    return np.full_like(products, WINOGRAD[algorithm].roundings(parts * geometry.group_in_channels) + is_biased)


def magnitude(operand: Array) -> Array:
    """Return |operand|, widened first: the least int8 has no magnitude in int8.

    An infinity becomes NaN, so that an infinite sum of magnitudes can only mean overflow.
    """
    if operand.dtype.kind == "O":
        raise TypeError(f"objects {operand.shape} have no error bound; it is for numbers that are rounded")
    sizes: Array = np.abs(operand.astype(wide_dtype(operand.dtype), copy=False))
    sizes[~np.isfinite(sizes)] = np.nan
    return sizes


def _largest_factors(sizes: Operands, precision: Precision, algorithm: str) -> Operands:
    """Return what a kernel's own factors can be at most: inputs rounded, and what the weights lose in transforms."""
    image, kernel = sizes.input, sizes.weight
    if precision.multiplier is not None:
        image, kernel = (rounded_up(size, precision.multiplier) for size in (image, kernel))
    if algorithm != "direct":
        kernel = kernel + WINOGRAD[algorithm].lost_weight * precision.accumulator.smallest
    return Operands(image, kernel, sizes.bias)


def rounded_up(magnitude: Array, info: FloatInfo) -> Array:
    """Return what rounding to a format, or truncation, can make of a number at most; itself, if the format holds it."""
    with np.errstate(over="ignore"):
        at_most = np.where(magnitude > info.largest, np.inf, magnitude * (1 + 2 * info.unit) + info.smallest)
    return np.where(round_to_format(magnitude, info) == magnitude, magnitude, at_most)


def _products(geometry: ConvGeometry) -> Array:
    """Return the products that each output really adds up, as (P, Q): C/G times the taps that touch a pixel."""
    if geometry.padding_mode != "zeros":
        return np.full((geometry.height.output_size, geometry.width.output_size), geometry.taps_per_output)
    rows, columns = geometry.height.valid_tap_counts, geometry.width.valid_tap_counts
    return geometry.group_in_channels * np.outer(rows, columns)
