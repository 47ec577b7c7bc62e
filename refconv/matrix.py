"""Convolution as a sparse matrix: ``A @ x.ravel() == conv2d(x, weight).ravel()``.

A row for every output, a column for every pixel, and in each row the kernel, spread out over the pixels that the output
reads.  What can be said of a convolution can be read off A:

    A         the convolution; the pattern of a row is the output's receptive field
    A.T       the transposed convolution; the pattern of a column is where a pixel is used
    A.T @ g   the gradient with respect to the input, for real weights
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from refconv.core.products import pad, windows
from refconv.geometry.arguments import PLANE, IntOrPair, PaddingLike, as_int, as_pair
from refconv.geometry.build import check_weight_rank, plan_convolution
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import INT64_MAX, as_array, is_integral, magnitude, round_once, wide_dtype
from refconv.numbers.formats import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["conv2d_matrix"]


def conv2d_matrix(
    weight: npt.ArrayLike, input_size: IntOrPair,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros",
) -> csr_array:  # fmt: skip
    """Write `conv2d` as a sparse matrix A: ``A @ x.ravel() == conv2d(x, weight, ...).ravel()`` for one image x.

    ``A[(o·P + p)·Q + q, (c'·H + h)·W + w] = Σ weight[o, c, i, j]`` over the taps through which the output (o, p, q)
    reads the pixel (h, w) of channel c' = (C/G)·g + c.  That is one tap, or none; under a padding mode, which puts a
    pixel in several places, it may be more (Dumoulin & Visin 2016, section 4.1, "Convolution as a matrix operation").

    Parameters
    ----------
    weight : array_like, (O, C/G, K_h, K_w)
        As in `conv2d`; objects are refused, for SciPy cannot multiply them.
    input_size : int or pair of int
        (H, W) of the image; its channels are those that the weight and the groups ask for.
    stride, padding, dilation, groups, padding_mode
        As in `conv2d`.

    Returns
    -------
    scipy.sparse.csr_array, (O·P·Q, C·H·W)
        Of float64 or wider, complex128 or int64.  It holds an entry for every pixel that an output reads, be the weight
        zero or not, so that its pattern does not depend on the weight.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`.
    OverflowError
        If an entry is outside int64's range; under a padding mode, if it might be.
    ImportError
        If SciPy is missing.

    Examples
    --------
    A row of four pixels, two taps: each output is the kernel at its place.

    >>> import numpy as np
    >>> A = conv2d_matrix([[[[3, 4]]]], input_size=(1, 4))
    >>> A.toarray()
    array([[3, 4, 0, 0],
           [0, 3, 4, 0],
           [0, 0, 3, 4]])
    >>> A @ np.array([1, 10, 100, 1000])
    array([  43,  430, 4300])

    Its transpose scatters every pixel through the kernel, as `conv_transpose2d` does.

    >>> A.T @ np.array([1, 10, 100])
    array([  3,  34, 340, 400])
    """
    kernel = as_array("weight", weight)
    if kernel.dtype.kind == "O":
        raise TypeError(f"weight has dtype object; it must be a type that SciPy can multiply (weight {kernel.shape})")
    check_weight_rank(kernel.shape, "O, C/G", PLANE)
    channels = as_int("groups", groups, minimum=1) * kernel.shape[1]
    image_shape = channels, *as_pair("input_size", input_size, minimum=0)
    geometry = plan_convolution(
        image_shape, kernel.shape, stride=stride, padding=padding, dilation=dilation, groups=groups,
        padding_mode=padding_mode,
    )  # fmt: skip
    wide = np.dtype(np.int64) if is_integral(kernel.dtype) else wide_dtype(kernel.dtype)
    largest_entry = magnitude(kernel) * math.prod(geometry.kernel_size)
    if padding_mode != "zeros" and largest_entry > INT64_MAX:
        raise OverflowError(f"entries that add up several taps, {largest_entry} at most, may be outside int64's range")
    try:
        from scipy.sparse import coo_array  # noqa: PLC0415  # import refconv must not import SciPy
    except ImportError as error:
        raise ImportError("conv2d_matrix needs SciPy: pip install 'refconv[scipy]'") from error
    columns, count = pixels_read(geometry), geometry.out_channels * geometry.positions
    outputs = np.arange(count).reshape(geometry.out_channels, 1, 1, 1, *geometry.output_size)
    rows = np.broadcast_to(outputs, columns.shape)
    values = np.broadcast_to(round_once(kernel, wide)[..., np.newaxis, np.newaxis], columns.shape)
    real = columns >= 0  # of entries for one pixel, SciPy adds up the values
    return coo_array((values[real], (rows[real], columns[real])), (count, math.prod(geometry.input_shape))).tocsr()


def pixels_read(geometry: ConvGeometry) -> Array:
    """Return (O, C/G, K_h, K_w, P, Q): the number c·H·W + h·W + w of the pixel read, and −1 for a zero in the padding.

    The pixels of an image are numbered from 1, and the image of numbers is padded and seen through the windows.
    """
    _, channels, *size = geometry.input_shape
    numbers = np.arange(1, 1 + channels * math.prod(size)).reshape(1, channels, *size)
    view = windows(pad(numbers, geometry), geometry)[0] - 1  # C, K_h, K_w, P, Q
    by_group = view.reshape(geometry.groups, geometry.group_in_channels, *view.shape[1:])
    return np.repeat(by_group, geometry.group_out_channels, axis=0)
