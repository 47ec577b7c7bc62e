"""Convolution along one axis and along three, by reduction to two.

One axis is two of which one has a single pixel and a single tap: a signal is an image of height 1.

Three axes are two, once more channels.  What the taps of one depth have to do with the depths of the input, the taps of
one channel have to do with the channels: each has its own plane of weights, and the sum goes over all.  So the input's
depths that an output depth reads are laid beside its channels, and then every output depth is an image of its own.

    conv3d         Σ_c Σ_k Σ_i Σ_j  weight[o, c, k, i, j] · input[n, c, S_d·r + D_d·k − F, h, w]
    as a conv2d    Σ_(c, k) Σ_i Σ_j  weight[o, (c, k), i, j] · image[(n, r), (c, k), h, w]

Nothing is added up on the way there, so the result is rounded once, by conv2d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from refconv.accumulation import as_operands
from refconv.conv import METHODS, conv2d
from refconv.geometry.arguments import LINE, VOLUME, IntOrPair, PaddingLike, Space, adding_context, check_choice
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import (
    build_axes,
    check_bias,
    check_input_rank,
    check_memory,
    check_weight_rank,
    checked_groups,
    named_shapes,
)
from refconv.numbers.formats import Array

__all__ = ["conv1d", "conv3d"]


def conv1d(
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
    check_choice("method", method, METHODS)
    operands = as_operands(input, weight, bias)
    (length,) = checked_axes(
        LINE,
        {name: operand.shape for name, operand in operands.items()},
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    output = conv2d(
        operands["input"][..., np.newaxis, :],
        operands["weight"][..., np.newaxis, :],
        operands.get("bias"),
        (1, length.stride),
        ((0, 0), length.padding),
        (1, length.dilation),
        groups,
        padding_mode=padding_mode,
        method=method,
        dtype=dtype,
    )
    return output[..., 0, :]


def conv3d(
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
    check_choice("method", method, METHODS)
    operands = as_operands(input, weight, bias)
    volume, kernel = operands["input"], operands["weight"]
    axes = checked_axes(
        VOLUME,
        {name: operand.shape for name, operand in operands.items()},
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    depth, height, width = axes
    output = conv2d(
        depths_as_channels(volume.reshape((1, *volume.shape)[-5:]), depth, padding_mode),
        kernel.reshape(len(kernel), kernel.shape[1] * depth.kernel_size, *kernel.shape[-2:]),
        operands.get("bias"),
        (height.stride, width.stride),
        (height.padding, width.padding),
        (height.dilation, width.dilation),
        groups,
        padding_mode=padding_mode,
        method=method,
        dtype=dtype,
    )
    by_depth = output.reshape(*volume.shape[:-4], depth.output_size, *output.shape[1:])
    return np.ascontiguousarray(by_depth.swapaxes(-3, -4))


def depths_as_channels(volume: Array, depth: AxisGeometry, padding_mode: str) -> Array:
    """Return (N·R, C·K_d, H, W): for every output depth an image, whose channels are all the planes that it reads."""
    batch, channels, _, *plane = volume.shape
    shape = batch, depth.output_size, channels, depth.kernel_size, *plane
    check_memory("input by output depth", shape)
    images = np.zeros(shape, volume.dtype)
    for r, k in np.ndindex(depth.output_size, depth.kernel_size):
        z = depth.source_index(depth.input_index(r, k), padding_mode)
        if z is not None:
            images[:, r, :, k] = volume[:, :, z]
    return images.reshape(batch * depth.output_size, channels * depth.kernel_size, *plane)


def checked_axes(
    space: Space,
    shapes: Mapping[str, Sequence[int]],
    *,
    stride: IntOrPair,
    padding: PaddingLike,
    dilation: IntOrPair,
    groups: int,
    padding_mode: str = "zeros",
) -> tuple[AxisGeometry, ...]:
    """Check the arguments in the words of their own space, so that conv2d has nothing left to refuse in its own."""
    with adding_context(named_shapes(**shapes)):
        check_input_rank(shapes["input"], space)
        check_weight_rank(shapes["weight"], "O, C/G", space)
        channels, *size = shapes["input"][-space.rank - 1 :]
        out_channels, group_channels, *kernel_size = shapes["weight"]
        axes = build_axes(size, kernel_size, stride, padding, dilation, padding_mode, space)
        checked_groups(groups, channels, out_channels, group_channels)
        check_bias(shapes.get("bias"), out_channels)
    return axes
