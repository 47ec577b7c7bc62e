"""The transposed convolution along one axis and along three, by reduction to two: the adjoints of conv1d and conv3d.

One axis is two, with a height of 1.  Along three, the reduction of conv3d is walked backwards: where that lays the
planes that an output depth reads beside the channels, its adjoint gives every input depth O·K_d channels of output, of
which the k-th of each K_d belongs to the depth S_d·r + D_d·k − F, and adds them up there: `col2im` along the depth.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from refconv.accumulation import accumulate, add_bias, as_operands
from refconv.adjoint import INPUT_METHODS
from refconv.adjoint_geometry import transposed_axes, transposed_geometry
from refconv.exact_adjoint import exact_input
from refconv.geometry.arguments import LINE, VOLUME, IntOrPair, PaddingLike, check_choice
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.im2col import scatter
from refconv.numbers.formats import Array
from refconv.transpose import transpose_of

__all__ = ["conv_transpose1d", "conv_transpose3d"]


def conv_transpose1d(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
    *,
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """1-D transposed convolution, as `torch.nn.functional.conv_transpose1d` defines it: of a height of 1.

    ``output[n, (O/G)·g + o, l] = bias[(O/G)·g + o] + Σ weight[c, o, i] · input[n, c, p]``

    over all ``S·p + D·i − T = l``.

    Parameters
    ----------
    input : array_like, (N, C, P) or (C, P)
        As in `conv_transpose2d`.
    weight : array_like, (C, O/G, K)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, output_padding, dilation : int or tuple of one int
        S, E and D, as in `conv_transpose2d`.
    padding : int, tuple of one int or ``((before, after),)``
        Pixels that are cropped from each end of the output.
    groups, method, dtype
        As in `conv_transpose2d`.

    Returns
    -------
    ndarray, (N, O, L) or (O, L)
        With ``L = S·(P − 1) + D·(K − 1) + 1 + E − T − B``; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv_transpose2d`.

    Examples
    --------
    Every pixel is scattered through the kernel, at stride 2 with an overlap of one pixel.

    >>> import numpy as np
    >>> conv_transpose1d(np.array([[1, 10, 100]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[  1,   2,  13,  20, 130, 200, 300]])
    """
    check_choice("method", method, INPUT_METHODS)
    operands = as_operands(input, weight, bias)
    shapes = [operand.shape for operand in operands.values()]
    (length,) = transposed_axes(
        *shapes,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
        space=LINE,
    )
    geometry = transposed_geometry(shapes[0], shapes[1], groups, (AxisGeometry(1, 1), length))
    height_of_1 = {name: operand[..., np.newaxis, :] for name, operand in operands.items() if name != "bias"}
    output = transpose_of(operands | height_of_1, geometry, method, dtype)
    return output[..., 0, :]


def conv_transpose3d(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
    *,
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """3-D transposed convolution, as `torch.nn.functional.conv_transpose3d` defines it: the adjoint of `conv3d`.

    ``output[n, (O/G)·g + o, z, h, w] = bias[(O/G)·g + o] + Σ weight[c, o, k, i, j] · input[n, c, r, p, q]``

    over all ``S_d·r + D_d·k − F = z``, F the padding in front, and h and w as in `conv_transpose2d`.

    Parameters
    ----------
    input : array_like, (N, C, R, P, Q) or (C, R, P, Q)
        As in `conv_transpose2d`.
    weight : array_like, (C, O/G, K_d, K_h, K_w)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, output_padding, dilation : int or triple of int
        For depth, height and width, as in `conv_transpose2d`.
    padding : int, triple or triple of pairs
        Pixels that are cropped from each side of the output.
    groups, method, dtype
        As in `conv_transpose2d`.

    Returns
    -------
    ndarray, (N, O, Z, H, W) or (O, Z, H, W)
        Z, H and W each as H in `conv_transpose2d`; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv_transpose2d`.

    Examples
    --------
    Two planes of one pixel, scattered through two taps in depth, overlap in the middle plane.

    >>> import numpy as np
    >>> volume = np.array([1, 10]).reshape(1, 1, 2, 1, 1)
    >>> conv_transpose3d(volume, np.array([3, 4]).reshape(1, 1, 2, 1, 1)).ravel()
    array([ 3, 34, 40])
    """
    check_choice("method", method, INPUT_METHODS)
    operands = as_operands(input, weight, bias)
    shapes = [operand.shape for operand in operands.values()]
    depth, height, width = transposed_axes(
        *shapes,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
        space=VOLUME,
    )
    batch, channels, planes, *size = (1, *shapes[0])[-5:]
    plane = ConvGeometry(batch * planes, groups * shapes[1][1] * depth.kernel_size, channels, groups, height, width)

    def transposed(volume: Array, kernel: Array, *biases: Array) -> Array:
        images = volume.swapaxes(1, 2).reshape(batch * planes, channels, *size)
        kernels = kernel.reshape(channels, kernel.shape[1] * depth.kernel_size, *plane.kernel_size)
        by_depth = INPUT_METHODS[method](images, kernels, plane)
        return add_bias(channels_to_depths(by_depth.reshape(batch, planes, *by_depth.shape[1:]), depth), biases, axes=3)

    output = accumulate(
        transposed,
        operands | {"input": operands["input"].reshape(batch, channels, planes, *size)},
        terms=plane.group_out_channels * math.prod(shapes[1][2:]),
        dtype=dtype,
        exact=partial(exact_input, axes=(depth, height, width), groups=groups) if method == "exact" else None,
    )
    return output.reshape(*shapes[0][:-4], *output.shape[1:])


def channels_to_depths(images: Array, depth: AxisGeometry) -> Array:
    """Return (N, O, Z, H, W): channel (o, k) of every image r, of (N, R, O·K_d, H, W), added to o at S·r + D·k − F."""
    batch, planes, channels, height, width = images.shape
    out_channels, pixels = channels // depth.kernel_size, height * width
    by_tap = images.reshape(batch, planes, out_channels, depth.kernel_size, 1, pixels).transpose(0, 2, 3, 4, 1, 5)
    along_depth = ConvGeometry(batch, out_channels, 1, 1, depth, AxisGeometry(pixels, 1))
    return scatter(by_tap, along_depth).reshape(batch, out_channels, depth.input_size, height, width)
