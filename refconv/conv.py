"""The convolution: an output is a window of the input, multiplied with a kernel and added up.

    output[n, o, p, q] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · input[n, (C/G)·g + c, h, w]

    h = S_h·p + D_h·i − T        w = S_w·q + D_w·j − L

with g = o // (O/G) the group of output channel o, and zeros outside the input.  As in every framework this is a
cross-correlation: the kernel is not flipped.  Along one axis there is no w, and along three there is a z.

The way through is the same for each: check once into a frozen plan (`geometry.plan`), then part by part widen,
multiply and add up, and round once (`numbers.accumulate`).  There are four methods.  *direct* is the formula as loops,
and shares nothing with the others but the plan, so that their agreement is evidence; *einsum* contracts windows;
*im2col* is a matrix product of columns; *exact* is that product in whole digits, correctly rounded.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, DTypeLike

from refconv.core.sums import CONVOLUTION
from refconv.geometry.arguments import LINE, PLANE, VOLUME, IntOrPair, PaddingLike, Space, check_choice
from refconv.geometry.build import plan_convolution
from refconv.numbers.dtypes import as_operands
from refconv.numbers.formats import Array

__all__ = ["conv1d", "conv2d", "conv3d"]


def conv2d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
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
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _convolution(PLANE, input, weight, bias, method, dtype, padding_mode=padding_mode, **steps)


def conv1d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """1-D convolution, as `torch.nn.functional.conv1d` defines it: `conv2d` of a height of 1.

    ``output[n, o, p] = bias[o] + Σ weight[o, c, i] · input[n, (C/G)·g + c, S·p + D·i − T]``

    Parameters
    ----------
    input : array_like, (N, C, L) or (C, L)
        As in `conv2d`.
    weight : array_like, (O, C/G, K)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or tuple of one int
        S and D, at least 1.
    padding : int, tuple of one int, ``((before, after),)`` or str
        As in `conv2d`, for the one axis.
    groups, padding_mode, method, dtype
        As in `conv2d`.

    Returns
    -------
    ndarray, (N, O, P) or (O, P)
        With ``P = floor((L + T + B − D·(K − 1) − 1) / S) + 1``; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv2d`.

    Notes
    -----
    The reduction is one line: both arrays get a height of 1, where one tap at stride 1 has one place to be.

    Examples
    --------
    A difference, right minus left, of every other pair of neighbours; and the reduction, written out.

    >>> import numpy as np
    >>> signal, difference = np.array([[1, 4, 9, 16, 25, 36]]), np.array([[[-1, 1]]])
    >>> conv1d(signal, difference, stride=2)
    array([[ 3,  7, 11]])
    >>> conv2d(signal[:, np.newaxis], difference[:, :, np.newaxis], stride=(1, 2))[:, 0]
    array([[ 3,  7, 11]])
    """
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _convolution(LINE, input, weight, bias, method, dtype, padding_mode=padding_mode, **steps)


def conv3d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """3-D convolution, as `torch.nn.functional.conv3d` defines it: `conv2d` with the depth's taps laid among channels.

    ``output[n, o, r, p, q] = bias[o] + Σ weight[o, c, k, i, j] · input[n, (C/G)·g + c, z, h, w]``

    with ``z = S_d·r + D_d·k − F``, F the padding in front, and h and w as in `conv2d`.

    Parameters
    ----------
    input : array_like, (N, C, Z, H, W) or (C, Z, H, W)
        As in `conv2d`.
    weight : array_like, (O, C/G, K_d, K_h, K_w)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or triple of int
        For depth, height and width, at least 1.
    padding : int, triple, triple of pairs or str
        As in `conv2d`, for three axes: ``((front, back), (top, bottom), (left, right))``.
    groups, padding_mode, method, dtype
        As in `conv2d`.

    Returns
    -------
    ndarray, (N, O, R, P, Q) or (O, R, P, Q)
        R, P and Q each as P in `conv2d`; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv2d`.

    Notes
    -----
    A convolution in depth is a sum over the depth's taps, each a plane of weights for a plane of the input.  That is
    what channels are, so the K_d planes that an output depth reads become C·K_d channels, and the R output depths R
    images.  The copy that `conv2d` gets is K_d·R/Z times as large as the input.

    Examples
    --------
    Three planes of 2×2 pixels hold 1, 10 and 100.  A kernel of two planes of ones adds up the eight pixels in it.

    >>> import numpy as np
    >>> volume = np.array([1, 10, 100]).reshape(1, 3, 1, 1) * np.ones((2, 2), dtype=int)
    >>> conv3d(volume, np.ones((1, 1, 2, 2, 2), dtype=int)).ravel()
    array([ 44, 440])

    The same as two images of two channels each.

    >>> images = np.stack([volume[0, [0, 1]], volume[0, [1, 2]]])
    >>> conv2d(images, np.ones((1, 2, 2, 2), dtype=int)).ravel()
    array([ 44, 440])
    """
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _convolution(VOLUME, input, weight, bias, method, dtype, padding_mode=padding_mode, **steps)


def _convolution(
    space: Space, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None,
    method: str, dtype: DTypeLike | None, **parameters: Any,
) -> Array:  # fmt: skip
    """Check, plan, add up."""
    check_choice("method", method, CONVOLUTION.methods)
    operands = as_operands(input=input, weight=weight, bias=bias)
    plan = plan_convolution(*(operand.shape for operand in operands.values()), space=space, **parameters)
    return CONVOLUTION.of(plan, method, dtype, operands | {"input": operands["input"].reshape(plan.input_shape)})
