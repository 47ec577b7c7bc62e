"""The gradients of conv2d, with the names and the order of arguments of `torch.nn.grad`.

A convolution is linear in its input, in its weight and in its bias, so that each of its gradients is the adjoint of one
linear map.  With G for the gradient that arrives at the output, and h = S·p + D·i − T as ever,

    grad_input[n, c, h, w]   = Σ conj(weight[o, c, i, j]) · G[n, o, p, q]    over all that read pixel (h, w)
    grad_weight[o, c, i, j]  = Σ conj(input[n, c, h, w]) · G[n, o, p, q]     over all images and outputs
    grad_bias[o]             = Σ G[n, o, p, q]                               over all images and outputs

A pixel that stands in the padding too, because the padding mirrors, repeats or wraps round, is read there as well, and
its gradient has a share from there.

For complex numbers the other factor is conjugated, as in PyTorch's autograd; in a transposed convolution none is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from refconv.accumulation import accumulate
from refconv.adjoint import INPUT_METHODS, WEIGHT_METHODS, conjugate, most_products
from refconv.adjoint_geometry import gradient_geometry
from refconv.conv import conv2d
from refconv.exact_adjoint import exact_input, exact_weight
from refconv.geometry.arguments import IntOrPair, PaddingLike, as_shape, check_choice
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array

__all__ = ["conv2d_bias", "conv2d_input", "conv2d_weight"]


def conv2d_input(
    input_size: Sequence[int],
    weight: npt.ArrayLike,
    grad_output: npt.ArrayLike,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
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
    check_choice("method", method, INPUT_METHODS)
    kernel, arriving = as_array("weight", weight), as_array("grad_output", grad_output)
    geometry = gradient_geometry(
        as_shape("input_size", input_size),
        kernel.shape,
        arriving.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )

    axes = geometry.height, geometry.width
    exact = partial(exact_input, axes=axes, groups=geometry.groups, padding_mode=padding_mode)
    result = accumulate(
        lambda gradient, weight: INPUT_METHODS[method](gradient, weight, geometry),
        {"grad_output": arriving.reshape(geometry.output_shape), "weight": conjugate(kernel)},
        terms=most_products(geometry),
        dtype=dtype,
        exact=exact if method == "exact" else None,
    )
    return result if geometry.batched else result[0]


def conv2d_weight(
    input: npt.ArrayLike,
    weight_size: Sequence[int],
    grad_output: npt.ArrayLike,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
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
    check_choice("method", method, WEIGHT_METHODS)
    image, arriving = as_array("input", input), as_array("grad_output", grad_output)
    geometry = gradient_geometry(
        image.shape,
        as_shape("weight_size", weight_size),
        arriving.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )

    return accumulate(
        lambda images, gradient: WEIGHT_METHODS[method](images, gradient, geometry),
        {
            "input": conjugate(image.reshape(geometry.input_shape)),
            "grad_output": arriving.reshape(geometry.output_shape),
        },
        terms=geometry.batch * geometry.positions,
        dtype=dtype,
        exact=partial(exact_weight, geometry=geometry) if method == "exact" else None,
    )


def conv2d_bias(grad_output: npt.ArrayLike, *, method: str = "im2col", dtype: npt.DTypeLike | None = None) -> Array:
    """Gradient of `conv2d` with respect to its bias: ``grad_bias[o] = Σ grad_output[n, o, p, q]``.

    Parameters
    ----------
    grad_output : array_like, (N, O, P, Q) or (O, P, Q)
        The gradient with respect to the convolution's output.
    method : str
        As in `conv2d`, to which this reduces.
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
    The sum is computed as a convolution: with a kernel of ones, over an image of one pixel, whose channels are all the
    numbers to be added up.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d_bias(np.array([[[1, 2], [3, 4]], [[10, 20], [30, 40]]]))
    array([ 10, 100])
    """
    gradient = as_array("grad_output", grad_output)
    if gradient.ndim not in (3, 4):
        raise ValueError(f"grad_output has {gradient.ndim} dimensions; it must be (N, O, P, Q) or (O, P, Q)")
    channels_first = np.moveaxis(gradient, -3, 0)
    addends = channels_first.reshape(len(channels_first), math.prod(channels_first.shape[1:]), 1, 1)
    ones = np.ones((1, *addends.shape[1:]), gradient.dtype)
    return conv2d(addends, ones, method=method, dtype=dtype)[:, 0, 0, 0]
