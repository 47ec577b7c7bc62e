"""The convolution: an output is a window of the input, multiplied with a kernel and added up.

    output[n, o, p, q] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · input[n, (C/G)·g + c, h, w]

    h = S_h·p + D_h·i − T        w = S_w·q + D_w·j − L

with g = o // (O/G) the group of output channel o, and zeros outside the input.  As in every framework this is a
cross-correlation: the kernel is not flipped.  The function is the same along one axis and three (`for_each_space`), and
so is the way through: check once into a frozen plan (`geometry`), then part by part widen, multiply and add up, and
round once (`numbers.accumulate`).  *direct* is the formula as loops, and shares nothing with the other methods but the
plan, so that their agreement is evidence; *einsum* contracts windows; *im2col* is a matrix product of columns; *exact*
is that product in whole digits, correctly rounded.
"""

from __future__ import annotations

from numpy.typing import ArrayLike, DTypeLike

from refconv.core.sums import CONVOLUTION
from refconv.geometry.arguments import IntOrPair, PaddingLike, Space, check_choice, for_each_space
from refconv.geometry.build import plan_convolution
from refconv.numbers.dtypes import as_operands
from refconv.numbers.formats import Array

__all__ = ["conv1d", "conv2d", "conv3d"]


@for_each_space("convNd")
def _convolution(
    space: Space, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """${N}-D convolution, as `torch.nn.functional.conv${N}d` defines it.

    ``output[n, o, $p] = bias[o] + Σ weight[o, c, $k] · input[n, (C/G)·g + c, $h]``

    summed over the group's channels c and the taps ($k), with g = o // (O/G) and zeros outside the input.  Along each
    axis, with T pixels of padding before it, output p reads through tap i the pixel ``S·p + D·i − T``.

    Parameters
    ----------
    input : array_like, (N, C, $H) or (C, $H)
        Any memory layout and byte order; never written to.
    weight : array_like, (O, C/G, $K)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or sequence of int
        S and D, at least 1: one number, or one for each axis.
    padding : int, sequence of int, sequence of pairs or str
        Pixels on each side: one number, one for each axis, or (before, after) for each; or ``"valid"``, ``"same"``
        (PyTorch's rule, stride 1 only), ``"same_upper"``, ``"same_lower"`` (ONNX's): see `same_padding`.
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
    ndarray, (N, O, $P) or (O, $P)
        Along each axis ``floor((H + T + B − D·(K − 1) − 1) / S) + 1`` outputs.  Floats are accumulated in float64 or
        wider and rounded once to ``np.result_type(input, weight)`` or `dtype`; integers are exact int64.

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

    An input with zero channels gives the bias, and an empty batch an empty result.  Sources: PyTorch's documentation;
    ONNX's operator Conv; Dumoulin & Visin (2016).

    Examples
    --------
    A kernel of three ones adds up the three pixels under it; at dilation 2, three pixels with gaps between them.  The
    kernel is not flipped: the second one is a difference, right minus left.

    >>> import numpy as np
    >>> image = np.array([1, 4, 9, 16, 25]).reshape(1, 1, ${ones}5)
    >>> ones, difference = np.ones((1, 1, ${ones}3), dtype=int), np.array([-1, 1]).reshape(1, 1, ${ones}2)
    >>> conv${N}d(image, ones).ravel(), conv${N}d(image, ones, dilation=2).ravel()
    (array([14, 29, 50]), array([35]))
    >>> conv${N}d(image, difference, stride=2).ravel()
    array([3, 7])

    In float64, 1 is lost beside 2^60, and what is left depends on the order of summation.  Not in the exact sum.

    >>> conv${N}d(np.array([2.0**60, 1, -(2.0**60)]).reshape(1, 1, ${ones}3), ones, method="exact").ravel()
    array([1.])

    Two groups are two convolutions side by side, on half of the channels each.

    >>> weight = np.concatenate([np.zeros((1, 5, ${ones}9)), np.ones((1, 5, ${ones}9))])
    >>> conv${N}d(np.ones((1, 10, ${ones}9)), weight, groups=2).ravel()
    array([ 0., 45.])
    """
    check_choice("method", method, CONVOLUTION.methods)
    operands = as_operands(input=input, weight=weight, bias=bias)
    plan = plan_convolution(
        *(operand.shape for operand in operands.values()), stride=stride, padding=padding, dilation=dilation,
        groups=groups, padding_mode=padding_mode, space=space,
    )  # fmt: skip
    return CONVOLUTION.of(plan, method, dtype, operands)


conv1d, conv2d, conv3d = _convolution
