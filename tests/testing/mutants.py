"""Wrong convolutions, one for each way in which real ones go wrong, and five right ones in different styles.

They are written as somebody's kernel, over slices of a padded image, and share nothing with refconv: what the diagnosis
finds in them, it finds from outside.  ``refconv check tests/testing/mutants.py:dilation_ignored`` judges one.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layer:
    """What a kernel was asked for: the arrays widened, each parameter as (height, width)."""

    x: Array
    w: Array
    b: Array
    stride: tuple[int, int]
    sides: tuple[tuple[int, int], ...]
    dilation: tuple[int, int]
    groups: int
    same: str

    @property
    def taps(self) -> tuple[int, int]:
        return self.w.shape[2], self.w.shape[3]

    @property
    def size(self) -> tuple[int, int]:
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.taps, strict=True)]
        pixels = [n + sum(pad) for n, pad in zip(self.x.shape[2:], self.sides, strict=True)]
        p, q = ((n - r) // s + 1 for n, r, s in zip(pixels, reach, self.stride, strict=True))
        return p, q


def same_sides(n: int, k: int, s: int, d: int, same: str) -> tuple[int, int]:
    total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
    return ((total + 1) // 2, total // 2) if same == "same_lower" else (total // 2, (total + 1) // 2)


def resolve(x: Array, w: Array, padding: Any, stride: Any, dilation: Any) -> Any:
    if isinstance(padding, str):
        if padding not in ("valid", "same", "same_upper", "same_lower") or (padding == "same" and max(stride) > 1):
            raise ValueError(padding)
        if padding == "valid":
            return (0, 0), (0, 0)
        axes = zip(x.shape[-2:], w.shape[-2:], stride, dilation, strict=True)
        return tuple(same_sides(*axis, padding) for axis in axes)
    top, left = padding
    return (top, left) if isinstance(top, tuple) else ((top, top), (left, left))


def planned(x: Array, w: Array, b: Array, stride: Any, padding: Any, dilation: Any, groups: Any) -> Layer:
    """Check what was asked for."""
    if x.ndim not in (3, 4) or w.ndim != 4 or min(*stride, *dilation, groups) < 1 or 0 in w.shape[2:]:
        raise ValueError("not a convolution")
    if x.shape[-3] != w.shape[1] * groups or len(w) % groups or b.shape != (len(w),):
        raise ValueError("shapes do not fit")
    sides = resolve(x, w, padding, stride, dilation)
    same = padding if isinstance(padding, str) else ""
    layer = Layer(x if x.ndim == 4 else x[None], w, b, stride, sides, dilation, groups, same)
    if min(min(pair) for pair in sides) < 0 or min(layer.size) < 1:
        raise ValueError("sizes do not fit")
    return layer


def widened(*operands: Any) -> list[Array]:
    """Take the arrays in float64."""
    if np.asarray(operands[0]).dtype.kind in "ciu":
        raise NotImplementedError("for real floating-point numbers")
    return [np.asarray(operand, np.float64) for operand in operands]


def rounded_like(output: Array, operand: Any) -> Array:
    return output.astype(np.asarray(operand).dtype.newbyteorder("="))


def kernel(body: Callable[[Layer], Array]) -> Callable[..., Array]:
    """Make conv2d of a function of a layer: check, widen, round once."""

    @functools.wraps(body)
    def conv2d(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Array:
        x, w = widened(input, weight)
        b = np.zeros(len(w)) if bias is None else np.asarray(bias, np.float64)
        layer = planned(x, w, b, stride, padding, dilation, groups)
        with np.errstate(all="ignore"):
            output = rounded_like(body(layer), input)
        return output if x.ndim == 4 else output[0]

    return conv2d


def columns(layer: Layer, size: tuple[int, int], *, mode: str = "constant") -> Array:
    """im2col by slices: (N, C, K_h, K_w, P, Q); what lies outside the image, however far, is padding."""
    (s_h, s_w), (d_h, d_w), (k_h, k_w), (p, q) = layer.stride, layer.dilation, layer.taps, size
    needed = (p - 1) * s_h + d_h * (k_h - 1) + 1, (q - 1) * s_w + d_w * (k_w - 1) + 1
    pads = [
        (before, max(0, n - before - length))
        for (before, _), n, length in zip(layer.sides, needed, layer.x.shape[2:], strict=True)
    ]
    padded = np.pad(layer.x, ((0, 0), (0, 0), *pads), mode=mode)  # type: ignore[call-overload]
    taps = [
        padded[:, :, d_h * i : d_h * i + s_h * p : s_h, d_w * j : d_w * j + s_w * q : s_w]
        for i, j in itertools.product(range(k_h), range(k_w))
    ]
    return np.stack(taps, axis=2).reshape(*layer.x.shape[:2], k_h, k_w, p, q)


def gemm(layer: Layer, cols: Array) -> Array:
    """Multiply columns with kernels, group by group, and add the bias."""
    n, _, _, _, p, q = cols.shape
    g, o, terms = layer.groups, len(layer.w), math.prod(layer.w.shape[1:])
    per_group = cols.reshape(n, g, terms, p * q)
    kernels = layer.w.reshape(g, o // g, terms)
    output: Array = np.matmul(kernels, per_group).reshape(n, o, p, q)
    return output + layer.b[:, None, None]


def run(layer: Layer, size: tuple[int, int] | None = None, **changes: Any) -> Array:
    """The right kernel, with other parameters than asked for, but the output size that was."""
    return gemm(layer, columns(replace(layer, **changes), size or layer.size))


# ---- Right, in five styles.


@kernel
def loops(layer: Layer) -> Array:
    (s_h, s_w), (d_h, d_w), ((top, _), (left, _)) = layer.stride, layer.dilation, layer.sides
    height, width = layer.x.shape[2:]
    each_in, each_out = layer.w.shape[1], len(layer.w) // layer.groups
    output = np.zeros((len(layer.x), len(layer.w), *layer.size))
    for o, p, q in np.ndindex(output.shape[1:]):
        first = o // each_out * each_in
        total = np.full(len(layer.x), layer.b[o])
        for i, j in np.ndindex(*layer.taps):
            h, w = s_h * p + d_h * i - top, s_w * q + d_w * j - left
            if 0 <= h < height and 0 <= w < width:
                total = total + layer.x[:, first : first + each_in, h, w] @ layer.w[o, :, i, j]
        output[:, o, p, q] = total
    return output


@kernel
def im2col(layer: Layer) -> Array:
    return gemm(layer, columns(layer, layer.size))


@kernel
def tapwise(layer: Layer) -> Array:
    cols = columns(layer, layer.size)
    n, c, _, _, p, q = cols.shape
    g = layer.groups
    output = np.zeros((n, g, len(layer.w) // g, p * q))
    for i, j in np.ndindex(*layer.taps):
        output += layer.w[:, :, i, j].reshape(g, len(layer.w) // g, c // g) @ cols[:, :, i, j].reshape(
            n, g, c // g, p * q
        )
    return output.reshape(n, len(layer.w), p, q) + layer.b[:, None, None]


@kernel
def fft(layer: Layer) -> Array:
    if not (np.isfinite(layer.x).all() and np.isfinite(layer.w).all()) or np.abs(layer.x).max(initial=0) > 2**30:
        raise NotImplementedError("a Fourier transform spreads what is not finite, or huge, over the whole image")
    if any(d > n for d, n in zip(layer.dilation, layer.x.shape[2:], strict=True)):
        raise NotImplementedError("where no tap touches a pixel it leaves a trace, and no error is allowed")
    (s_h, s_w), (d_h, d_w), (k_h, k_w), (p, q) = layer.stride, layer.dilation, layer.taps, layer.size
    stuffed = np.zeros((*layer.w.shape[:2], d_h * (k_h - 1) + 1, d_w * (k_w - 1) + 1))
    stuffed[:, :, ::d_h, ::d_w] = layer.w
    padded = np.pad(layer.x, ((0, 0), (0, 0), *layer.sides)).astype(np.longdouble)  # it errs more than a sum does
    n, _, height, width = padded.shape
    image = np.fft.rfft2(padded).reshape(n, layer.groups, 1, layer.w.shape[1], height, width // 2 + 1)
    kernels = np.conj(np.fft.rfft2(stuffed.astype(np.longdouble), (height, width)))
    kernels = kernels.reshape(layer.groups, len(layer.w) // layer.groups, *kernels.shape[1:])
    full = np.fft.irfft2((image * kernels).sum(axis=3), (height, width)).reshape(n, len(layer.w), height, width)
    output = full[:, :, : s_h * p : s_h, : s_w * q : s_w]
    if (layer.x == np.rint(layer.x)).all() and (layer.w == np.rint(layer.w)).all():
        output = np.rint(output)  # whole numbers have whole sums
    return output + layer.b[:, None, None]


WINOGRAD_INPUT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], float)
WINOGRAD_KERNEL = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], float)
WINOGRAD_OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], float)


def winograd_tiles(layer: Layer, dtype: type[np.floating[Any]]) -> Array:
    """F(2×2, 3×3) in a type, for 3×3 kernels without stride or dilation."""
    if layer.taps != (3, 3) or layer.stride != (1, 1) or layer.dilation != (1, 1):
        raise NotImplementedError("Winograd is for 3×3 kernels without stride or dilation")
    if not (np.isfinite(layer.x).all() and np.isfinite(layer.w).all()) or np.abs(layer.x).max(initial=0) > 2**30:
        raise NotImplementedError("its transforms cancel, which what is not finite, or huge, does not survive")
    (p, q), g, (o, each) = layer.size, layer.groups, layer.w.shape[:2]
    tiles_h, tiles_w = (p + 1) // 2, (q + 1) // 2
    padded = np.pad(layer.x, ((0, 0), (0, 0), *layer.sides))
    padded = np.pad(padded, ((0, 0), (0, 0), (0, 2 * tiles_h - p), (0, 2 * tiles_w - q))).astype(dtype)
    kernels = np.einsum("xi,ocij,yj->ocxy", *(a.astype(dtype) for a in (WINOGRAD_KERNEL, layer.w, WINOGRAD_KERNEL)))
    kernels = kernels.reshape(g, o // g, each, 4, 4)
    output = np.zeros((len(layer.x), o, 2 * tiles_h, 2 * tiles_w), dtype)
    left, up = WINOGRAD_INPUT.astype(dtype), WINOGRAD_OUTPUT.astype(dtype)
    for a, b in np.ndindex(tiles_h, tiles_w):
        tile = left @ padded[:, :, 2 * a : 2 * a + 4, 2 * b : 2 * b + 4] @ left.T
        product = (tile.reshape(-1, g, 1, each, 4, 4) * kernels).sum(axis=3, dtype=dtype).reshape(-1, o, 4, 4)
        output[:, :, 2 * a : 2 * a + 2, 2 * b : 2 * b + 2] = up @ product @ up.T
    return output[:, :, :p, :q] + layer.b[:, None, None].astype(dtype)


@kernel
def winograd(layer: Layer) -> Array:
    return winograd_tiles(layer, np.float64)


RIGHT = ("loops", "im2col", "fft", "winograd", "tapwise")


# ---- Padding: amount and side.


@kernel
def padding_sides_swapped(layer: Layer) -> Array:
    (top, bottom), (left, right) = layer.sides
    return run(layer, sides=((bottom, top), (right, left)))


@kernel
def padding_all_before(layer: Layer) -> Array:
    (top, bottom), (left, right) = layer.sides
    return run(layer, sides=((top + bottom, 0), (left + right, 0)))


@kernel
def padding_all_after(layer: Layer) -> Array:
    (top, bottom), (left, right) = layer.sides
    return run(layer, sides=((0, top + bottom), (0, left + right)))


@kernel
def same_on_the_other_side(layer: Layer) -> Array:
    sides = layer.sides
    if layer.same:  # of an odd number of pixels, the larger half goes to the other side
        sides = tuple((after, before) for before, after in sides)
    return run(layer, sides=sides)


@kernel
def same_from_the_undilated_kernel(layer: Layer) -> Array:
    sides = layer.sides
    if layer.same.startswith("same"):
        axes = zip(layer.x.shape[2:], layer.taps, layer.stride, strict=True)
        sides = tuple(same_sides(n, k, s, 1, layer.same) for n, k, s in axes)
    return run(layer, sides=sides)


@kernel
def padding_halved(layer: Layer) -> Array:
    (top, bottom), (left, right) = layer.sides
    return run(layer, sides=((top // 2, bottom // 2), (left // 2, right // 2)))


@kernel
def padding_axes_swapped(layer: Layer) -> Array:
    return run(layer, sides=layer.sides[::-1])


@kernel
def top_used_for_bottom(layer: Layer) -> Array:
    (top, _), (left, _) = layer.sides
    symmetric = replace(layer, sides=((top, top), (left, left)))
    return run(symmetric)


@kernel
def no_padding(layer: Layer) -> Array:
    return run(layer, sides=((0, 0), (0, 0)))


@kernel
def no_padding_and_smaller(layer: Layer) -> Array:
    return run(replace(layer, sides=((0, 0), (0, 0))))


def padded_by(layer: Layer, mode: str) -> Array:
    if 0 in layer.x.shape or not any(map(sum, layer.sides)):
        return run(layer)
    padded = np.pad(layer.x, ((0, 0), (0, 0), *layer.sides), mode=mode)  # type: ignore[call-overload]
    return run(replace(layer, x=padded, sides=((0, 0), (0, 0))))


@kernel
def circular_padding(layer: Layer) -> Array:
    return padded_by(layer, "wrap")


@kernel
def replicated_padding(layer: Layer) -> Array:
    return padded_by(layer, "edge")


@kernel
def reflected_padding(layer: Layer) -> Array:
    return padded_by(layer, "reflect")


@kernel
def window_start_clamped(layer: Layer) -> Array:
    (s_h, s_w), (d_h, d_w), ((top, _), (left, _)) = layer.stride, layer.dilation, layer.sides
    height, width = layer.x.shape[2:]
    cols = np.zeros((*layer.x.shape[:2], *layer.taps, *layer.size))
    for i, j, p, q in np.ndindex(*layer.taps, *layer.size):
        h, w = max(0, s_h * p - top) + d_h * i, max(0, s_w * q - left) + d_w * j
        if h < height and w < width:
            cols[:, :, i, j, p, q] = layer.x[:, :, h, w]
    return gemm(layer, cols)


# ---- Dilation.


@kernel
def dilation_ignored(layer: Layer) -> Array:
    return run(layer, layer.size, dilation=(1, 1))


@kernel
def dilation_ignored_along_width(layer: Layer) -> Array:
    return run(layer, layer.size, dilation=(layer.dilation[0], 1))


@kernel
def dilation_axes_swapped(layer: Layer) -> Array:
    return run(layer, layer.size, dilation=layer.dilation[::-1])


@kernel
def first_dilation_for_both(layer: Layer) -> Array:
    return run(layer, layer.size, dilation=(layer.dilation[0],) * 2)


@kernel
def dilation_counted_from_zero(layer: Layer) -> Array:
    """A rate of 1 means a gap of 1."""
    return run(layer, layer.size, dilation=(layer.dilation[0] + 1, layer.dilation[1] + 1))


@kernel
def dilation_one_too_small(layer: Layer) -> Array:
    return run(layer, layer.size, dilation=(max(1, layer.dilation[0] - 1), max(1, layer.dilation[1] - 1)))


@kernel
def reach_is_kernel_times_dilation(layer: Layer) -> Array:
    pixels = [n + sum(pad) for n, pad in zip(layer.x.shape[2:], layer.sides, strict=True)]
    axes = zip(pixels, layer.taps, layer.stride, layer.dilation, strict=True)
    p, q = (max(1, (n - k * d) // s + 1) for n, k, s, d in axes)
    return run(layer, (p, q))


# ---- Groups.


def gathered(layer: Layer, channel_of: Callable[[int, int], int]) -> Array:
    """Each output channel o meets the input channels that a rule of o and c names."""
    cols = columns(layer, layer.size)
    each = layer.w.shape[1]
    outputs = [
        np.einsum("ckl,nckl...->n...", layer.w[o], cols[:, [channel_of(o, c) for c in range(each)]])
        for o in range(len(layer.w))
    ]
    return np.stack(outputs, axis=1) + layer.b[:, None, None]


@kernel
def groups_interleaved_inputs(layer: Layer) -> Array:
    each_out = len(layer.w) // layer.groups
    return gathered(layer, lambda o, c: c * layer.groups + o // each_out)


@kernel
def groups_interleaved_outputs(layer: Layer) -> Array:
    return gathered(layer, lambda o, c: o % layer.groups * layer.w.shape[1] + c)


@kernel
def groups_interleaved(layer: Layer) -> Array:
    return gathered(layer, lambda o, c: c * layer.groups + o % layer.groups)


@kernel
def all_groups_read_the_first(layer: Layer) -> Array:
    return gathered(layer, lambda _, c: c)


@kernel
def groups_ignored(layer: Layer) -> Array:
    """Every kernel runs over all input channels, starting again where it has no more of its own."""
    dense = np.tile(layer.w, (1, layer.groups, 1, 1))
    return run(replace(layer, w=dense, groups=1))


@kernel
def depthwise_for_any_groups(layer: Layer) -> Array:
    if layer.groups == 1:
        return run(layer)
    channels = layer.x.shape[1]
    cols = columns(layer, layer.size)[:, [o * channels // len(layer.w) for o in range(len(layer.w))]]
    output: Array = np.einsum("okl,noklpq->nopq", layer.w[:, 0], cols)
    return output + layer.b[:, None, None]


@kernel
def group_outputs_transposed(layer: Layer) -> Array:
    n, (p, q), g = len(layer.x), layer.size, layer.groups
    grouped = run(layer).reshape(n, g, -1, p, q)
    return grouped.swapaxes(1, 2).reshape(n, -1, p, q)


# ---- Tile remainders.


@kernel
def last_rows_lost(layer: Layer) -> Array:
    output = run(layer)
    output[:, :, layer.size[0] // 4 * 4 :] = 0
    return output


@kernel
def last_columns_lost(layer: Layer) -> Array:
    output = run(layer)
    output[..., layer.size[1] // 4 * 4 :] = 0
    return output


@kernel
def last_columns_stale(layer: Layer) -> Array:
    """Tiles of eight columns; what is left over is copied from the tile before."""
    output = run(layer)
    whole = layer.size[1] // 2 * 2
    if 0 < whole < layer.size[1]:
        output[..., whole:] = output[..., whole - 1 : whole]
    return output


@kernel
def last_channels_lost(layer: Layer) -> Array:
    output = run(layer)
    output[:, len(layer.w) // 4 * 4 :] = 0
    return output


@kernel
def second_half_of_channels_lost(layer: Layer) -> Array:
    output = run(layer)
    output[:, (len(layer.w) + 1) // 2 :] = 0
    return output


@kernel
def last_group_lost(layer: Layer) -> Array:
    output = run(layer)
    if layer.groups > 1:
        output[:, -(len(layer.w) // layer.groups) :] = layer.b[-(len(layer.w) // layer.groups) :, None, None]
    return output


@kernel
def reduction_tail_lost(layer: Layer) -> Array:
    """The sum over input channels runs in steps of two."""
    w = layer.w.copy()
    w[:, w.shape[1] // 2 * 2 :] = 0
    return run(replace(layer, w=w))


# ---- Memory layout.


@kernel
def weight_read_as_hwio(layer: Layer) -> Array:
    o, c, k_h, k_w = layer.w.shape
    return run(replace(layer, w=np.ascontiguousarray(layer.w).reshape(k_h, k_w, c, o).transpose(3, 2, 0, 1)))


@kernel
def weight_read_as_iohw(layer: Layer) -> Array:
    o, c, k_h, k_w = layer.w.shape
    return run(replace(layer, w=np.ascontiguousarray(layer.w).reshape(c, o, k_h, k_w).swapaxes(0, 1)))


@kernel
def weight_read_as_ohwi(layer: Layer) -> Array:
    o, c, k_h, k_w = layer.w.shape
    return run(replace(layer, w=np.ascontiguousarray(layer.w).reshape(o, k_h, k_w, c).transpose(0, 3, 1, 2)))


@kernel
def input_read_as_nhwc(layer: Layer) -> Array:
    n, c, h, w = layer.x.shape
    return run(replace(layer, x=np.ascontiguousarray(layer.x).reshape(n, h, w, c).transpose(0, 3, 1, 2)))


@kernel
def output_stored_as_nhwc(layer: Layer) -> Array:
    output = run(layer)
    return np.ascontiguousarray(output.transpose(0, 2, 3, 1)).reshape(output.shape)


def strided_read_as_packed(
    input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Array:
    """Take the input's memory as it comes, whatever its strides."""
    packed = input.ravel(order="K").reshape(input.shape)
    return im2col(packed, weight, bias, stride, padding, dilation, groups)


# ---- Axes and stride.


@kernel
def stride_axes_swapped(layer: Layer) -> Array:
    return run(layer, layer.size, stride=layer.stride[::-1])


@kernel
def first_stride_for_both(layer: Layer) -> Array:
    return run(layer, layer.size, stride=(layer.stride[0],) * 2)


@kernel
def stride_ignored_and_cropped(layer: Layer) -> Array:
    return run(layer, layer.size, stride=(1, 1))


@kernel
def one_by_one_forgets_the_stride(layer: Layer) -> Array:
    return run(layer, layer.size, stride=(1, 1) if layer.taps == (1, 1) else layer.stride)


@kernel
def stride_and_dilation_swapped(layer: Layer) -> Array:
    return run(layer, layer.size, stride=layer.dilation, dilation=layer.stride)


@kernel
def kernel_transposed(layer: Layer) -> Array:
    o, c, k_h, k_w = layer.w.shape
    return run(replace(layer, w=np.ascontiguousarray(layer.w).reshape(o, c, k_w, k_h).swapaxes(2, 3)))


@kernel
def output_transposed(layer: Layer) -> Array:
    output = run(layer)
    return np.ascontiguousarray(output.swapaxes(2, 3)).reshape(output.shape)


# ---- Batch.


@kernel
def later_images_zero(layer: Layer) -> Array:
    output = run(layer)
    output[1:] = 0
    return output


@kernel
def later_images_copies(layer: Layer) -> Array:
    output = run(layer)
    output[1:] = output[:1]
    return output


@kernel
def batch_and_channels_exchanged(layer: Layer) -> Array:
    output = run(layer)
    n, o, p, q = output.shape
    return np.ascontiguousarray(output.swapaxes(0, 1)).reshape(n, o, p, q)


# ---- Precision.


def rounded_to(values: Array, bits: int) -> Array:
    """Keep that many significant bits: 8 for bfloat16, 11 for TF32 and float16."""
    mantissa, exponent = np.frexp(values)
    rounded: Array = np.ldexp(np.rint(mantissa * 2.0**bits), exponent - bits)
    return rounded


@kernel
def inputs_rounded_to_tf32(layer: Layer) -> Array:
    return run(replace(layer, x=rounded_to(layer.x, 11), w=rounded_to(layer.w, 11)))


@kernel
def inputs_rounded_to_bf16(layer: Layer) -> Array:
    return run(replace(layer, x=rounded_to(layer.x, 8), w=rounded_to(layer.w, 8)))


@kernel
def inputs_rounded_to_fp16(layer: Layer) -> Array:
    return run(replace(layer, x=layer.x.astype(np.float16).astype(float), w=layer.w.astype(np.float16).astype(float)))


@kernel
def fp16_accumulator(layer: Layer) -> Array:
    cols = columns(layer, layer.size)
    n, *taps, p, q = cols.shape
    g, each_out = layer.groups, len(layer.w) // layer.groups
    products = cols.reshape(n, g, 1, math.prod(taps) // g, p, q) * layer.w.reshape(g, each_out, -1, 1, 1)
    total = np.zeros((n, g, each_out, p, q), np.float16)
    for term in range(products.shape[3]):
        total = (total + products[:, :, :, term]).astype(np.float16)
    return total.reshape(n, -1, p, q) + layer.b[:, None, None]


@kernel
def winograd_in_half_precision(layer: Layer) -> Array:
    try:
        return winograd_tiles(layer, np.float16)
    except NotImplementedError:
        return run(layer)


# ---- Borders, indices, bias, NaN.


def touches_padding(layer: Layer) -> Array:
    inside = columns(replace(layer, x=np.ones((1, 1, *layer.x.shape[2:]))), layer.size)
    return np.asarray(inside.min(axis=(0, 1, 2, 3)) == 0)


@kernel
def border_skipped(layer: Layer) -> Array:
    output = run(layer)
    output[:, :, touches_padding(layer)] = 0
    return output


@kernel
def border_renormalised(layer: Layer) -> Array:
    """Where some taps fall on padding, weigh the others up."""
    inside = columns(replace(layer, x=np.ones((1, 1, *layer.x.shape[2:]))), layer.size)[0, 0]
    share = inside.mean(axis=(0, 1))
    bias = layer.b[:, None, None]
    return (run(layer) - bias) / np.where(share == 0, 1, share) + bias


@kernel
def sixteen_bit_index(layer: Layer) -> Array:
    pixels = layer.x.ravel()
    wrapped = pixels[np.arange(pixels.size) % 2**16] if pixels.size else pixels
    return run(replace(layer, x=wrapped.reshape(layer.x.shape)))


@kernel
def bias_missing(layer: Layer) -> Array:
    return run(replace(layer, b=np.zeros_like(layer.b)))


@kernel
def bias_twice(layer: Layer) -> Array:
    return run(layer) + layer.b[:, None, None]


@kernel
def bias_of_the_image(layer: Layer) -> Array:
    unbiased = run(replace(layer, b=np.zeros_like(layer.b)))
    return unbiased + layer.b[np.arange(len(layer.x)) % len(layer.b), None, None, None]


@kernel
def first_bias_everywhere(layer: Layer) -> Array:
    return run(replace(layer, b=np.full_like(layer.b, layer.b[0])))


@kernel
def nan_lost(layer: Layer) -> Array:
    return run(replace(layer, x=np.where(np.isnan(layer.x), 0, layer.x)))


@kernel
def nan_leaks(layer: Layer) -> Array:
    """The kernel is padded with zeros to four columns, and zero times NaN is NaN."""
    more = -layer.taps[1] % 4
    return run(replace(layer, w=np.pad(layer.w, ((0, 0), (0, 0), (0, 0), (0, more)))), layer.size)


# ---- Kernel orientation.


@kernel
def kernel_flipped(layer: Layer) -> Array:
    return run(replace(layer, w=layer.w[:, :, ::-1, ::-1]))


@kernel
def kernel_flipped_along_height(layer: Layer) -> Array:
    return run(replace(layer, w=layer.w[:, :, ::-1]))


@kernel
def kernel_flipped_along_width(layer: Layer) -> Array:
    return run(replace(layer, w=layer.w[..., ::-1]))


@kernel
def taps_before_channels(layer: Layer) -> Array:
    """Columns are ordered (K_h, K_w, C), kernels (C, K_h, K_w)."""
    cols = columns(layer, layer.size)
    n, _, k_h, k_w, p, q = cols.shape
    grouped = cols.reshape(n, layer.groups, -1, k_h, k_w, p, q)
    return gemm(layer, np.ascontiguousarray(np.moveaxis(grouped, 2, 4)).reshape(cols.shape))
