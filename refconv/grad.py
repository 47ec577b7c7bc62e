"""The gradients of all convolutions, with the names and the order of arguments of `torch.nn.grad`.

A convolution is linear in its input, in its weight and in its bias, so that each of its gradients is the adjoint of one
linear map.  With Y for the gradient that arrives at the output, and h = S·p + D·i − T as ever,

    grad_input[n, c, h, w]   = Σ conj(weight[o, c, i, j]) · Y[n, o, p, q]    over all that read pixel (h, w)
    grad_weight[o, c, i, j]  = Σ conj(input[n, c, h, w]) · Y[n, o, p, q]     over all images and outputs
    grad_bias[o]             = Σ Y[n, o, p, q]                               over all images and outputs

A pixel that stands in the padding too, because the padding mirrors, repeats or wraps round, is read there as well, and
its gradient has a share from there.

A transposed convolution is such an adjoint itself, so that its gradients lead back: with respect to its input it is a
convolution, of Y, and with respect to its weight the same sum with the factors exchanged, Y for the input and the input
for Y.

For complex numbers the other factor is conjugated, as in PyTorch's autograd; in a transposed convolution none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from refconv.core.sums import CONVOLUTION, INPUT_ADJOINT, WEIGHT_ADJOINT
from refconv.geometry.arguments import (
    LINE,
    PLANE,
    VOLUME,
    IntOrPair,
    PaddingLike,
    Space,
    as_shape,
    check_choice,
)
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import named_shapes, plan_convolution
from refconv.geometry.plan import ConvGeometry
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array

__all__ = [
    "conv1d_bias",
    "conv1d_input",
    "conv1d_weight",
    "conv2d_bias",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_bias",
    "conv3d_input",
    "conv3d_weight",
    "conv_transpose1d_bias",
    "conv_transpose1d_input",
    "conv_transpose1d_weight",
    "conv_transpose2d_bias",
    "conv_transpose2d_input",
    "conv_transpose2d_weight",
    "conv_transpose3d_bias",
    "conv_transpose3d_input",
    "conv_transpose3d_weight",
]


def conv2d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv2d` with respect to its input, as `torch.nn.grad.conv2d_input` defines it.

    ``grad_input[n, (C/G)·g + c, h, w] = Σ conj(weight[o, c, i, j]) · grad_output[n, o, p, q]``

    summed over the group's output channels o and over all outputs (p, q) and taps (i, j) that read the pixel (h, w).

    Parameters
    ----------
    input_size : sequence of int, (N, C, H, W) or (C, H, W)
        The shape of the input, which strides leave open: several heights give the same P.
    weight : array_like, (O, C/G, K_h, K_w)
        The weight of the convolution.
    grad_output : array_like, (N, O, P, Q) or (O, P, Q)
        The gradient with respect to the convolution's output.
    stride, padding, dilation, groups, padding_mode
        Those of the convolution, as in `conv2d`.
    method : {"im2col", "direct", "exact"}
        As in `conv_transpose2d`.
    dtype : dtype_like, optional
        Type to round to.

    Returns
    -------
    ndarray, (N, C, H, W) or (C, H, W)
        Accumulated and rounded by the type rules of `conv2d`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv2d`, or if the shape of `grad_output` is not that of the convolution's output.

    Notes
    -----
    Without padding modes, and for numbers that are their own conjugates, this is the transposed convolution of
    `grad_output` with the same weight and an output padding that makes up for what the stride left out.

    Examples
    --------
    The kernel's two taps reach, at stride 2, the pixels 0 and 1, then 2 and 3; nothing reads pixel 4.

    >>> import numpy as np
    >>> kernel, gradient = np.array([[[[1, 2]]]]), np.array([[[[10, 100]]]])
    >>> conv2d_input((1, 1, 1, 5), kernel, gradient, stride=(1, 2))
    array([[[[ 10,  20, 100, 200,   0]]]])

    Replicated padding reads the first pixel twice, through both taps of the first output.

    >>> left = ((0, 0), (1, 0))
    >>> conv2d_input((1, 1, 1, 2), kernel, gradient, padding=left, padding_mode="replicate")
    array([[[[130, 200]]]])
    """
    return _input_gradient(PLANE, input_size, weight, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv2d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv2d` with respect to its weight, as `torch.nn.grad.conv2d_weight` defines it.

    ``grad_weight[o, c, i, j] = Σ conj(input[n, (C/G)·g + c, h, w]) · grad_output[n, o, p, q]``

    summed over all images n and outputs (p, q), with h = S_h·p + D_h·i − T, w = S_w·q + D_w·j − L and g = o // (O/G).

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        The input of the convolution.
    weight_size : sequence of int, (O, C/G, K_h, K_w)
        The shape of the weight.
    grad_output : array_like, (N, O, P, Q) or (O, P, Q)
        The gradient with respect to the convolution's output.
    stride, padding, dilation, groups, padding_mode
        Those of the convolution, as in `conv2d`.
    method : {"im2col", "direct", "exact"}
        How to compute it: a matrix product with the columns of the input; the formula as loops, which is slow; or
        correctly rounded, as in `conv2d`.
    dtype : dtype_like, optional
        Type to round to.

    Returns
    -------
    ndarray, (O, C/G, K_h, K_w)
        Accumulated and rounded by the type rules of `conv2d`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv2d`, or if the shape of `grad_output` is not that of the convolution's output.

    Notes
    -----
    It is a convolution too: of the padded input, with its channels taken for images and its images for channels, with
    `grad_output` for the kernel, and with stride and dilation exchanged.  A zero in the padding is multiplied like any
    pixel.

    Examples
    --------
    One output's gradient of 1 gives the pixels that it reads, tap by tap; here those of the second, from column 2 on.

    >>> import numpy as np
    >>> image = np.array([[[[1, 2, 3, 4, 5]]]])
    >>> conv2d_weight(image, (1, 1, 1, 3), np.array([[[[0, 1]]]]), stride=(1, 2))
    array([[[[3, 4, 5]]]])
    >>> conv2d_weight(image, (1, 1, 1, 3), np.array([[[[10, 1]]]]), stride=(1, 2))
    array([[[[13, 24, 35]]]])
    """
    return _weight_gradient(PLANE, input, weight_size, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv2d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv2d` with respect to its bias: ``grad_bias[o] = Σ grad_output[n, o, p, q]``.

    Parameters
    ----------
    grad_output : array_like, (N, O, P, Q) or (O, P, Q)
        The gradient with respect to the convolution's output.
    method : {"im2col", "direct", "exact"}
        As in `conv2d_weight`, to which this reduces.
    dtype : dtype_like, optional
        Type to round to.

    Returns
    -------
    ndarray, (O,)
        Accumulated and rounded by the type rules of `conv2d`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv2d`.

    Notes
    -----
    A bias is the weight of a 1×1 convolution over a channel of ones, and its gradient that weight's.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d_bias(np.array([[[1, 2], [3, 4]], [[10, 20], [30, 40]]]))
    array([ 10, 100])
    """
    return _bias_gradient(PLANE, grad_output, method, dtype)


def conv1d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv1d` with respect to its input, as `torch.nn.grad.conv1d_input` defines it.

    Parameters
    ----------
    input_size : sequence of int, (N, C, L) or (C, L)
    weight : array_like, (O, C/G, K)
    grad_output : array_like, (N, O, P) or (O, P)
    stride, padding, dilation, groups, padding_mode, method, dtype
        As in `conv2d_input`, for one axis.

    Returns
    -------
    ndarray, (N, C, L) or (C, L)

    Examples
    --------
    Two taps at stride 2: the pixels 0 and 1 are read by the first output, 2 and 3 by the second, and 4 by none.

    >>> conv1d_input((1, 5), [[[1, 2]]], [[10, 100]], stride=2)
    array([[ 10,  20, 100, 200,   0]])
    """
    return _input_gradient(LINE, input_size, weight, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv1d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv1d` with respect to its weight, as `torch.nn.grad.conv1d_weight` defines it.

    Parameters
    ----------
    input : array_like, (N, C, L) or (C, L)
    weight_size : sequence of int, (O, C/G, K)
    grad_output : array_like, (N, O, P) or (O, P)
    stride, padding, dilation, groups, padding_mode, method, dtype
        As in `conv2d_weight`, for one axis.

    Returns
    -------
    ndarray, (O, C/G, K)

    Examples
    --------
    Two outputs at stride 2: the first tap meets the pixels 1 and 3, the second 2 and 4.

    >>> conv1d_weight([[1, 2, 3, 4]], (1, 1, 2), [[10, 100]], stride=2)
    array([[[310, 420]]])
    """
    return _weight_gradient(LINE, input, weight_size, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv1d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv1d` with respect to its bias: ``grad_bias[o]`` adds up all of channel o.

    Parameters
    ----------
    grad_output : array_like, (N, O, P) or (O, P)
    method, dtype
        As in `conv2d_bias`.

    Returns
    -------
    ndarray, (O,)

    Examples
    --------
    >>> conv1d_bias([[[1, 2]], [[10, 20]]])
    array([33])
    """
    return _bias_gradient(LINE, grad_output, method, dtype)


def conv3d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv3d` with respect to its input, as `torch.nn.grad.conv3d_input` defines it.

    Parameters
    ----------
    input_size : sequence of int, (N, C, Z, H, W) or (C, Z, H, W)
    weight : array_like, (O, C/G, K_d, K_h, K_w)
    grad_output : array_like, (N, O, R, P, Q) or (O, R, P, Q)
    stride, padding, dilation, groups, padding_mode, method, dtype
        As in `conv2d_input`, for three axes.

    Returns
    -------
    ndarray, (N, C, Z, H, W) or (C, Z, H, W)

    Examples
    --------
    One output of two taps in depth.

    >>> import numpy as np
    >>> conv3d_input((1, 2, 1, 1), np.array([3, 4]).reshape(1, 1, 2, 1, 1), np.full((1, 1, 1, 1), 10)).ravel()
    array([30, 40])
    """
    return _input_gradient(VOLUME, input_size, weight, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv3d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv3d` with respect to its weight, as `torch.nn.grad.conv3d_weight` defines it.

    Parameters
    ----------
    input : array_like, (N, C, Z, H, W) or (C, Z, H, W)
    weight_size : sequence of int, (O, C/G, K_d, K_h, K_w)
    grad_output : array_like, (N, O, R, P, Q) or (O, R, P, Q)
    stride, padding, dilation, groups, padding_mode, method, dtype
        As in `conv2d_weight`, for three axes.

    Returns
    -------
    ndarray, (O, C/G, K_d, K_h, K_w)

    Examples
    --------
    Two taps in depth, at two places.

    >>> import numpy as np
    >>> volume = np.array([1, 2, 3]).reshape(1, 3, 1, 1)
    >>> conv3d_weight(volume, (1, 1, 2, 1, 1), np.array([10, 100]).reshape(1, 2, 1, 1)).ravel()
    array([210, 320])
    """
    return _weight_gradient(VOLUME, input, weight_size, grad_output, method, dtype,
        stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode)  # fmt: skip


def conv3d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv3d` with respect to its bias: ``grad_bias[o]`` adds up all of channel o.

    Parameters
    ----------
    grad_output : array_like, (N, O, R, P, Q) or (O, R, P, Q)
    method, dtype
        As in `conv2d_bias`.

    Returns
    -------
    ndarray, (O,)

    Examples
    --------
    >>> conv3d_bias([[[[1, 2]]], [[[10, 20]]]])
    array([3, 30])
    """
    return _bias_gradient(VOLUME, grad_output, method, dtype)


def conv_transpose2d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose2d` with respect to its input.

    ``grad_input[n, c, p, q] = Σ conj(weight[c, o, i, j]) · grad_output[n, (O/G)·g + o, h, w]``: a convolution.

    Parameters
    ----------
    input_size : sequence of int, (N, C, P, Q) or (C, P, Q)
    weight : array_like, (C, O/G, K_h, K_w)
    grad_output : array_like, (N, O, H, W) or (O, H, W)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose2d`.
    method, dtype
        As in `conv2d`.

    Returns
    -------
    ndarray, (N, C, P, Q) or (C, P, Q)

    Examples
    --------
    At stride 2 the taps of one pixel lie beside those of the next.

    >>> conv_transpose2d_input((1, 1, 2), [[[[3, 4]]]], [[[1, 10, 100, 1000]]], stride=(1, 2))
    array([[[  43, 4300]]])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_input_gradient(PLANE, input_size, weight, grad_output, method, dtype, **steps)


def conv_transpose2d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose2d` with respect to its weight.

    ``grad_weight[c, o, i, j] = Σ conj(input[n, c, p, q]) · grad_output[n, (O/G)·g + o, h, w]``: that of the
    convolution, with the factors exchanged.

    Parameters
    ----------
    input : array_like, (N, C, P, Q) or (C, P, Q)
    weight_size : sequence of int, (C, O/G, K_h, K_w)
    grad_output : array_like, (N, O, H, W) or (O, H, W)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose2d`.
    method, dtype
        As in `conv2d_weight`.

    Returns
    -------
    ndarray, (C, O/G, K_h, K_w)

    Examples
    --------
    >>> conv_transpose2d_weight([[[1, 2]]], (1, 1, 1, 2), [[[10, 100, 1000, 10000]]], stride=(1, 2))
    array([[[[ 2010, 20100]]]])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_weight_gradient(PLANE, input, weight_size, grad_output, method, dtype, **steps)


def conv_transpose2d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv_transpose2d` with respect to its bias: that of `conv2d`, `conv2d_bias`."""
    return _bias_gradient(PLANE, grad_output, method, dtype)


def conv_transpose1d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose1d` with respect to its input.

    Parameters
    ----------
    input_size : sequence of int, (N, C, P) or (C, P)
    weight : array_like, (C, O/G, K)
    grad_output : array_like, (N, O, L) or (O, L)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose1d`.
    method, dtype
        As in `conv2d`.

    Returns
    -------
    ndarray, (N, C, P) or (C, P)

    Examples
    --------
    Each pixel was scattered through 2 taps, and reads through them what arrives there.

    >>> conv_transpose1d_input((1, 2), [[[3, 4]]], [[1, 10, 100]])
    array([[ 43, 430]])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_input_gradient(LINE, input_size, weight, grad_output, method, dtype, **steps)


def conv_transpose1d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose1d` with respect to its weight.

    Parameters
    ----------
    input : array_like, (N, C, P) or (C, P)
    weight_size : sequence of int, (C, O/G, K)
    grad_output : array_like, (N, O, L) or (O, L)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose1d`.
    method, dtype
        As in `conv2d_weight`.

    Returns
    -------
    ndarray, (C, O/G, K)

    Examples
    --------
    Tap 0 took pixel 1 to place 0 and pixel 2 to place 1; tap 1 one place further.

    >>> conv_transpose1d_weight([[1, 2]], (1, 1, 2), [[10, 100, 1000]])
    array([[[ 210, 2100]]])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_weight_gradient(LINE, input, weight_size, grad_output, method, dtype, **steps)


def conv_transpose1d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv_transpose1d` with respect to its bias: that of `conv1d`, `conv1d_bias`."""
    return _bias_gradient(LINE, grad_output, method, dtype)


def conv_transpose3d_input(
    input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose3d` with respect to its input.

    Parameters
    ----------
    input_size : sequence of int, (N, C, R, P, Q) or (C, R, P, Q)
    weight : array_like, (C, O/G, K_d, K_h, K_w)
    grad_output : array_like, (N, O, Z, H, W) or (O, Z, H, W)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose3d`.
    method, dtype
        As in `conv2d`.

    Returns
    -------
    ndarray, (N, C, R, P, Q) or (C, R, P, Q)

    Examples
    --------
    >>> import numpy as np
    >>> kernel, arriving = np.array([3, 4]).reshape(1, 1, 2, 1, 1), np.array([1, 10, 100]).reshape(1, 3, 1, 1)
    >>> conv_transpose3d_input((1, 2, 1, 1), kernel, arriving).ravel()
    array([ 43, 430])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_input_gradient(VOLUME, input_size, weight, grad_output, method, dtype, **steps)


def conv_transpose3d_weight(
    input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose3d` with respect to its weight.

    Parameters
    ----------
    input : array_like, (N, C, R, P, Q) or (C, R, P, Q)
    weight_size : sequence of int, (C, O/G, K_d, K_h, K_w)
    grad_output : array_like, (N, O, Z, H, W) or (O, Z, H, W)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose3d`.
    method, dtype
        As in `conv2d_weight`.

    Returns
    -------
    ndarray, (C, O/G, K_d, K_h, K_w)

    Examples
    --------
    >>> import numpy as np
    >>> volume, arriving = np.array([1, 2]).reshape(1, 2, 1, 1), np.array([10, 100, 1000]).reshape(1, 3, 1, 1)
    >>> conv_transpose3d_weight(volume, (1, 1, 2, 1, 1), arriving).ravel()
    array([ 210, 2100])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps["dilation"] = dilation
    return _transposed_weight_gradient(VOLUME, input, weight_size, grad_output, method, dtype, **steps)


def conv_transpose3d_bias(grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None) -> Array:
    """Gradient of `conv_transpose3d` with respect to its bias: that of `conv3d`, `conv3d_bias`."""
    return _bias_gradient(VOLUME, grad_output, method, dtype)


def _input_gradient(
    space: Space, input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    method: str, dtype: DTypeLike | None, **steps: Any,
) -> Array:  # fmt: skip
    check_choice("method", method, INPUT_ADJOINT.methods)
    kernel, arriving = as_array("weight", weight), as_array("grad_output", grad_output)
    shapes = as_shape("input_size", input_size), kernel.shape
    plan = _plan(space, *shapes, arriving, **steps)
    operands = {"grad_output": arriving.reshape(plan.output_shape), "weight": _conjugate(kernel)}
    return INPUT_ADJOINT.of(plan, method, dtype, operands)


def _weight_gradient(
    space: Space, input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    method: str, dtype: DTypeLike | None, **steps: Any,
) -> Array:  # fmt: skip
    check_choice("method", method, WEIGHT_ADJOINT.methods)
    image, arriving = as_array("input", input), as_array("grad_output", grad_output)
    plan = _plan(space, image.shape, as_shape("weight_size", weight_size), arriving, **steps)
    operands = {
        "input": _conjugate(image.reshape(plan.input_shape)),
        "grad_output": arriving.reshape(plan.output_shape),
    }
    return WEIGHT_ADJOINT.of(plan, method, dtype, operands)


def _plan(
    space: Space, input_shape: Sequence[int], weight_shape: Sequence[int], arriving: Array, **steps: Any
) -> ConvGeometry:
    """Return the plan of the convolution, checked against the gradient that arrives at its output."""
    plan = plan_convolution(input_shape, weight_shape, space=space, **steps)
    _check_arriving(plan, arriving, plan.output_shape, space.outputs, input=input_shape, weight=weight_shape)
    return plan


def _check_arriving(
    plan: ConvGeometry, arriving: Array, expected: Sequence[int], letters: str, **shapes: Sequence[int]
) -> None:
    """Refuse a gradient that has not the shape of the result that it arrives at."""
    if not plan.batched:
        expected = expected[1:]
    if arriving.shape != tuple(expected):
        forms = f"(N, O, {letters})" if plan.batched else f"(O, {letters})"
        given = named_shapes(**shapes, grad_output=arriving.shape)
        raise ValueError(f"grad_output must have the output's shape {forms} = {tuple(expected)} ({given})")


def _bias_gradient(space: Space, grad_output: ArrayLike, method: str, dtype: DTypeLike | None) -> Array:
    check_choice("method", method, WEIGHT_ADJOINT.methods)
    arriving = as_array("grad_output", grad_output)
    if arriving.ndim not in (space.rank + 1, space.rank + 2):
        forms = f"(N, O, {space.outputs}) or (O, {space.outputs})"
        raise ValueError(f"grad_output has {arriving.ndim} dimensions; it must be {forms}")
    batch, channels, *size = (1, *arriving.shape)[-space.rank - 2 :]
    axes = tuple(AxisGeometry(extent, 1) for extent in size)
    plan = ConvGeometry(batch, 1, channels, 1, axes)
    ones = np.broadcast_to(np.ones((), arriving.dtype), plan.input_shape)
    operands = {"input": ones, "grad_output": arriving.reshape(plan.output_shape)}
    return WEIGHT_ADJOINT.of(plan, method, dtype, operands).reshape(channels)


def _transposed_input_gradient(
    space: Space, input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    method: str, dtype: DTypeLike | None, **steps: Any,
) -> Array:  # fmt: skip
    check_choice("method", method, CONVOLUTION.methods)
    kernel, arriving = as_array("weight", weight), as_array("grad_output", grad_output)
    shape = as_shape("input_size", input_size)
    plan = plan_transposed(shape, kernel.shape, space=space, **steps)
    _check_arriving(plan, arriving, plan.input_shape, space.pixels, input=shape, weight=kernel.shape)
    operands = {"grad_output": arriving.reshape(plan.input_shape), "weight": _conjugate(kernel)}
    return CONVOLUTION.of(plan, method, dtype, operands)


def _transposed_weight_gradient(
    space: Space, input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    method: str, dtype: DTypeLike | None, **steps: Any,
) -> Array:  # fmt: skip
    check_choice("method", method, WEIGHT_ADJOINT.methods)
    image, arriving = as_array("input", input), as_array("grad_output", grad_output)
    shape = as_shape("weight_size", weight_size)
    plan = plan_transposed(image.shape, shape, space=space, **steps)
    _check_arriving(plan, arriving, plan.input_shape, space.pixels, input=image.shape, weight=shape)
    operands = {
        "grad_output": arriving.reshape(plan.input_shape),
        "input": _conjugate(image.reshape(plan.output_shape)),
    }
    return WEIGHT_ADJOINT.of(plan, method, dtype, operands)


def _conjugate(operand: Array) -> Array:
    """Return the conjugate of complex numbers and of objects, and real numbers as they are."""
    return operand.conj() if operand.dtype.kind in "cO" else operand
