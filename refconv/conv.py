"""conv2d, four ways: the definition as loops, an einsum over windows, a matrix product of columns, and that exactly.

    output[n, o, p, q] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · input[n, (C/G)·g + c, h, w]

    h = S_h·p + D_h·i − T        w = S_w·q + D_w·j − L

with g = o // (O/G) the group of output channel o, and zeros outside the input.  As in every framework this is a
cross-correlation: the kernel is not flipped.

The way through is the same for each: normalise and validate once into a frozen plan (`ConvGeometry`), pad, take
windows, contract, round once.  The direct method shares nothing with the others but that plan, so that their agreement
is evidence.  The exact method is the matrix product of columns in whole digits: see `exact`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from refconv.geometry.arguments import IntOrPair, PaddingLike, check_choice
from refconv.geometry.plan import ConvGeometry
from refconv.im2col import bands, windows
from refconv.numbers.dtypes import accumulation_dtype, as_array, is_integral, magnitude, result_dtype, round_once
from refconv.numbers.formats import Array
from refconv.padding import pad

__all__ = ["conv2d"]


def conv2d(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """2-D convolution, as `torch.nn.functional.conv2d` defines it.

    ::

        output[n, o, p, q] = bias[o] + Σ weight[o, c, i, j] · input[n, (C/G)·g + c, h, w]

        h = S_h·p + D_h·i − T        w = S_w·q + D_w·j − L

    summed over the group's channels c and the taps (i, j), with g = o // (O/G) and zeros outside the input.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Any memory layout and byte order; never written to.
    weight : array_like, (O, C/G, K_h, K_w)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or pair of int
        (S_h, S_w) and (D_h, D_w), at least 1.
    padding : int, pair, pair of pairs or str
        Pixels on each side: one number, (height, width), or ``((T, B), (L, R))``; or ``"valid"``, ``"same"`` (PyTorch's
        rule, stride 1 only), ``"same_upper"``, ``"same_lower"`` (ONNX's): see `same_padding`.
    groups : int
        G, a divisor of C and of O.  Group g convolves its own C/G input channels into its own O/G output channels.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What stands in the padding.
    method : {"im2col", "einsum", "direct", "exact"}
        How to compute it.  The first three differ by the order of summation alone, so by rounding, or where a partial
        sum overflows float64; ``"direct"`` is the formula as loops, and slow.  ``"exact"`` is correctly rounded: every
        element is the number of its type nearest to the exact sum, ties to even, of complex numbers part by part; a sum
        that is exactly zero is +0.  Its bits are the same on every machine, for float64 only ever meets whole numbers
        below 2^53, which no order of summation, BLAS or number of threads can round.  For types of up to 64 bits.
    dtype : dtype_like, optional
        Type to round to; ``np.float64`` gives the wide truth for float32 data.

    Returns
    -------
    ndarray, (N, O, P, Q) or (O, P, Q)
        With ``P = floor((H + T + B − D_h·(K_h − 1) − 1) / S_h) + 1``, and Q likewise.  Floats are accumulated in
        float64 or wider and rounded once to ``np.result_type(input, weight)`` or `dtype`; integers are exact int64.

    Raises
    ------
    ValueError
        If shapes or numbers do not fit each other; the message has them all.
    TypeError
        If an argument is of the wrong kind, or `dtype` would drop a fraction or an imaginary part.
    OverflowError
        If an exact integer result is outside the range of its type.

    Notes
    -----
    A zero in the padding is multiplied like any pixel, by every method: where a weight is NaN or infinite, outputs
    whose window touches the padding are NaN (0·inf = NaN).  Frameworks differ here; some skip the tap.

    An input with zero channels gives the bias, and an empty batch an empty result.

    Sources: `torch.nn.functional.conv2d`; ONNX's operator Conv; Dumoulin & Visin (2016).

    Examples
    --------
    A 3×3 kernel of ones adds up the nine pixels under it; at dilation 2, nine pixels with gaps between them.

    >>> import numpy as np
    >>> image = np.arange(1, 26).reshape(1, 1, 5, 5)
    >>> ones = np.ones((1, 1, 3, 3), dtype=int)
    >>> conv2d(image, ones)[0, 0]
    array([[ 63,  72,  81],
           [108, 117, 126],
           [153, 162, 171]])
    >>> conv2d(image, ones, dilation=2)[0, 0]
    array([[117]])

    In float64, 1 is lost beside 2^60, and what is left depends on the order of summation.  Not in the exact sum.

    >>> conv2d(np.array([[[[2.0**60, 1.0, -(2.0**60)]]]]), np.ones((1, 1, 1, 3)), method="exact")
    array([[[[1.]]]])

    The kernel is not flipped: this one is a difference, right minus left.

    >>> conv2d(image, np.array([[[[-1, 0, 1]]]]), stride=2)[0, 0]
    array([[2, 2],
           [2, 2],
           [2, 2]])

    Two groups are two convolutions side by side, on half of the channels each.

    >>> weight = np.concatenate([np.zeros((10, 5, 3, 3)), np.ones((10, 5, 3, 3))])
    >>> conv2d(np.ones((1, 10, 7, 7)), weight, groups=2)[0, :, 0, 0]
    array([ 0.,  0.,  0.,  0.,  0.,  0.,  0.,  0.,  0.,  0., 45., 45., 45.,
           45., 45., 45., 45., 45., 45., 45.])
    """
    check_choice("method", method, METHODS)
    operands = [as_array("input", input), as_array("weight", weight)]
    if bias is not None:
        operands.append(as_array("bias", bias))
    geometry = ConvGeometry.from_shapes(
        *(operand.shape for operand in operands),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    dtypes = [operand.dtype for operand in operands]
    result = result_dtype(*dtypes, dtype=dtype)
    if method == "exact" and result.kind != "O" and not all(map(is_integral, dtypes)):
        from refconv.exact import exact_conv2d  # noqa: PLC0415  # only who asks for it waits for it

        rounded = exact_conv2d(operands, geometry, result, _im2col)
        return rounded if geometry.batched else rounded[0]
    largest_sum = _largest_sum(*operands, taps=geometry.taps_per_output)
    wide = accumulation_dtype(*dtypes, result=result, largest_sum=largest_sum)
    image, kernel, *offsets = (operand.astype(wide, copy=False) for operand in operands)

    with np.errstate(all="ignore"):  # inf − inf and overflow are answers here, not accidents
        total = METHODS[method](image.reshape(geometry.batch, *image.shape[-3:]), kernel, geometry)
        for offset in offsets:
            total += offset[:, np.newaxis, np.newaxis]
    rounded = round_once(total, result)
    return rounded if geometry.batched else rounded[0]


def _largest_sum(input: Array, weight: Array, *bias: Array, taps: int) -> int:
    """Return what no partial sum of integers can exceed: C/G·K_h·K_w products of the largest factors, and the bias."""
    return taps * magnitude(input) * magnitude(weight) + sum(map(magnitude, bias))


def _direct(input: Array, weight: Array, geometry: ConvGeometry) -> Array:
    """Compute the formula as loops, letter by letter."""
    output = np.zeros(geometry.output_shape, input.dtype)
    height, width, mode = geometry.height, geometry.width, geometry.padding_mode
    for n, o, p, q in np.ndindex(*output.shape):
        for c, i, j in np.ndindex(*weight.shape[1:]):
            h = height.source_index(height.input_index(p, i), mode)
            w = width.source_index(width.input_index(q, j), mode)
            pixel = 0 if h is None or w is None else input[n, geometry.input_channel(o, c), h, w]
            output[n, o, p, q] += weight[o, c, i, j] * pixel
    return output


def _einsum(input: Array, weight: Array, geometry: ConvGeometry) -> Array:
    """Contract the windows with the kernels, group by group, in one einsum."""
    groups, each = geometry.groups, geometry.group_in_channels
    view = windows(pad(input, geometry), geometry)
    view = view.reshape(geometry.batch, groups, each, *view.shape[2:])
    kernels = weight.reshape(groups, geometry.group_out_channels, each, *geometry.kernel_size)
    output: Array = np.einsum("ngcpqij,gocij->ngopq", view, kernels)
    return output.reshape(geometry.output_shape)


def _im2col(input: Array, weight: Array, geometry: ConvGeometry) -> Array:
    """Multiply the kernel matrix (O/G, C/G·K_h·K_w) of each group with its columns (C/G·K_h·K_w, P·Q), band by band."""
    batch, groups, taps = geometry.batch, geometry.groups, geometry.taps_per_output
    kernels = weight.reshape(groups, geometry.group_out_channels, taps)
    view = windows(pad(input, geometry), geometry).transpose(0, 1, 4, 5, 2, 3)  # N, C, K_h, K_w, P, Q
    if view.flags.c_contiguous:  # a 1×1 kernel at stride 1: the input is its own columns
        return (kernels @ view.reshape(batch, groups, taps, geometry.positions)).reshape(geometry.output_shape)

    output = np.empty((batch, groups, geometry.group_out_channels, geometry.positions), input.dtype)
    buffer = np.empty(0, input.dtype)  # one for all tiles: fresh memory is slow to touch
    for n, rows, positions in bands(geometry):
        tile = view[n, ..., rows, :]
        if tile.size > buffer.size:
            buffer = np.empty(tile.size, input.dtype)
        columns = buffer[: tile.size].reshape(tile.shape)
        columns[...] = tile
        matrices = columns.reshape(groups, taps, tile.shape[-2] * tile.shape[-1])
        np.matmul(kernels, matrices, out=output[n, ..., positions])
    return output.reshape(geometry.output_shape)


METHODS: Final[dict[str, Callable[[Array, Array, ConvGeometry], Array]]] = {
    "im2col": _im2col,
    "einsum": _einsum,
    "direct": _direct,
    "exact": _im2col,  # of integers and objects, whose arithmetic is exact as it is; `exact_conv2d` does all others
}
