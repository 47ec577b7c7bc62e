"""The correctly rounded convolution: what infinite precision, rounded once, would give.

A convolution is linear in its input and in its weight, so that it can be done digit by digit: write both in whole
digits (`digits`), convolve each digit of the one with each digit of the other by float64 GEMMs that round nothing, add
up what stands at the same position, carry, and round once.  No element depends on an order of summation, and so none
on the BLAS, its threads or the machine: the bits are the same everywhere.

What is not finite has no digits.  NaN and infinity take another way, through an ordinary convolution of the signs of
the finite numbers with the infinities and NaNs left in place: 0·∞ and ∞ − ∞ are NaN there, as IEEE 754 asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.im2col import bands, windows
from refconv.numbers.digits import bit_range, digit_bits, round_sums, split
from refconv.numbers.dtypes import is_integral, magnitude
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype
from refconv.padding import pad

Method = Callable[[Array, Array, ConvGeometry], Array]


@np.errstate(all="ignore")  # digits underflow on purpose, and 0·∞ and ∞ − ∞ are answers
def exact_conv2d(operands: Sequence[Array], geometry: ConvGeometry, result: np.dtype[Any], method: Method) -> Array:
    """Return the convolution (N, O, P, Q) rounded to nearest in `result`, ties to even; a complex one part by part.

    The operands are input, weight and, where there is one, bias.  `method` is an ordinary one, for what is not finite.
    """
    if not (result.kind in "fc" or is_ml_dtype(result)) or float_info(result).digits > 53:
        raise TypeError(f"method='exact' rounds to float64 and narrower types, not to {result}")
    names = ("input", "weight", "bias")
    image, kernel, *offset = (as_double(*named) for named in zip(names, operands, strict=False))
    image = image.reshape(geometry.batch, *image.shape[-3:])
    bias = offset[0] if offset else np.zeros(geometry.out_channels)
    convolve = partial(_real_conv2d, info=float_info(result), method=method)
    if result.kind != "c":
        return convolve(image, kernel, bias, geometry).astype(result)

    # (a + bi)·(c + di) has the parts ac + b·(−d) and ad + bc: real convolutions of twice as many channels.
    parts = _channels_side_by_side(image.real, image.imag, geometry)
    doubled = replace(geometry, in_channels=2 * geometry.in_channels)
    output = np.empty(geometry.output_shape, result)
    output.real = convolve(parts, np.hstack([kernel.real, -kernel.imag]), bias.real, doubled)
    output.imag = convolve(parts, np.hstack([kernel.imag, kernel.real]), bias.imag, doubled)
    return output


def as_double(name: str, operand: Array) -> Array:
    """Widen to float64 or complex128; an error where these do not hold every number."""
    if is_integral(operand.dtype) and magnitude(operand) > 2**53:
        raise ValueError(f"{name} holds {magnitude(operand)}; beside floats, method='exact' takes integers up to 2^53")
    if operand.dtype.kind in "fc" and float_info(operand.dtype).digits > 53:
        raise TypeError(f"{name} has dtype {operand.dtype}; method='exact' takes float64 and narrower types")
    return operand.astype(np.complex128 if operand.dtype.kind == "c" else np.float64, copy=False)


def _channels_side_by_side(first: Array, second: Array, geometry: ConvGeometry) -> Array:
    """Return (N, 2·C, H, W): in each group its channels of the first array, then those of the second."""
    shape = geometry.batch, geometry.groups, geometry.group_in_channels, *first.shape[-2:]
    both = np.concatenate([first.reshape(shape), second.reshape(shape)], axis=2)
    return both.reshape(geometry.batch, 2 * geometry.in_channels, *first.shape[-2:])


def _real_conv2d(
    image: Array, kernel: Array, bias: Array, geometry: ConvGeometry, info: FloatInfo, method: Method
) -> Array:
    """Return the convolution of float64 numbers, rounded to a format, in float64."""
    if all(np.isfinite(operand).all() for operand in (image, kernel, bias)):
        return _finite_conv2d(image, kernel, bias, geometry, info)
    finite = [np.where(np.isfinite(operand), operand, 0.0) for operand in (image, kernel, bias)]
    output = _finite_conv2d(finite[0], finite[1], finite[2], geometry, info)
    signs = [np.where(np.isfinite(operand), np.sign(operand), operand) for operand in (image, kernel, bias)]
    special = method(signs[0], signs[1], geometry) + signs[2][:, np.newaxis, np.newaxis]
    return np.where(np.isfinite(special), output, special)


def _finite_conv2d(image: Array, kernel: Array, bias: Array, geometry: ConvGeometry, info: FloatInfo) -> Array:
    """Return the convolution of finite float64 numbers, rounded to a format, band by band."""
    output = np.empty(geometry.output_shape)
    tiles = output.reshape(geometry.batch, geometry.out_channels, geometry.positions)
    factors = _DigitFactors.of(pad(image, geometry), kernel, bias, geometry)
    for n, rows, positions in bands(geometry, numbers=geometry.out_channels * factors.span):
        tile = tiles[n, :, positions]
        tile[...] = round_sums(factors.sums(n, rows), tile.shape, factors.origin, factors.bits, info)
    return output


@dataclass(frozen=True, slots=True)
class _DigitFactors:
    """A convolution's operands as digits in base 2^bits, such that no GEMM of them can round."""

    geometry: ConvGeometry
    bits: int
    origin: int  # the products' position 0 stands for 2^origin
    images: Mapping[int, Array]  # position -> windows of the padded input's digits, (N, C, K_h, K_w, P, Q)
    kernels: Mapping[int, Array]  # position -> the kernels' digits, (G, O/G, C/G·K_h·K_w)
    offsets: Mapping[int, Array]  # position -> the bias' digits, (O, 1)

    @classmethod
    def of(cls, padded: Array, kernel: Array, bias: Array, geometry: ConvGeometry) -> _DigitFactors:
        ranges = bit_range(padded), bit_range(kernel)
        bits = digit_bits(geometry.taps_per_output, min(found.width for found in ranges))
        origins = [found.top + 1 for found in ranges]
        images = {
            position: windows(digits, geometry).transpose(0, 1, 4, 5, 2, 3)
            for position, digits in split(padded, origins[0], bits).items()
        }
        shape = geometry.groups, geometry.group_out_channels, geometry.taps_per_output
        kernels = split(kernel.reshape(shape), origins[1], bits)
        offsets = split(bias[:, np.newaxis], sum(origins), bits)
        return cls(geometry, bits, sum(origins), images, kernels, offsets)

    @property
    def span(self) -> int:
        """How many positions there are from the lowest to the highest at which a sum has a digit."""
        products = [image + kernel for image in self.images for kernel in self.kernels]
        positions = [*products, *self.offsets]
        return max(positions) - min(positions) + 1 if positions else 0

    def sums(self, n: int, rows: slice) -> dict[int, Array]:
        """Return the sums S_d of a band of output rows: position -> whole numbers, (O, positions)."""
        groups, taps = self.geometry.groups, self.geometry.taps_per_output
        none = np.empty((groups, taps, 0))
        tiles = (view[n, ..., rows, :].reshape(groups, taps, -1) for view in self.images.values())
        columns = np.concatenate([none, *tiles], axis=-1)  # side by side: the kernels are read once for all of them
        found: dict[int, Array] = {}
        for kernel_position, kernels in self.kernels.items():
            products = np.split(kernels @ columns, max(1, len(self.images)), axis=-1)
            for position, product in zip(self.images, products, strict=False):
                term = product.reshape(self.geometry.out_channels, -1)
                total = found.setdefault(position + kernel_position, term)
                if total is not term:
                    total += term
        for position, digits in self.offsets.items():
            found[position] = found[position] + digits if position in found else digits
        return found
