"""The columns of an image: im2col and its adjoint col2im.

A convolution meets each output's window of the input once.  `im2col` writes them out as the columns of a matrix, so
that convolution becomes a matrix product; `col2im` is its adjoint: it adds every column back to the pixels that it was
read from.

Source: Chellapilla, Puri & Simard, "High performance convolutional neural networks for document processing" (2006).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from refconv.core.adjoint import add_windows, fold
from refconv.core.products import pad, windows
from refconv.geometry.arguments import PLANE, IntOrPair, PaddingLike, adding_context, as_ints
from refconv.geometry.build import plan_windows
from refconv.numbers.dtypes import accumulation_dtype, as_array, magnitude, result_dtype, round_once
from refconv.numbers.formats import Array, is_ml_dtype

__all__ = ["col2im", "im2col"]


def im2col(
    input: npt.ArrayLike, kernel_size: IntOrPair,
    dilation: IntOrPair = 1, padding: PaddingLike = 0, stride: IntOrPair = 1,
) -> Array:  # fmt: skip
    """Write each window of the input as a column, as `torch.nn.functional.unfold` does.

    ``columns[n, (c·K_h + i)·K_w + j, p·Q + q] = input[n, c, S_h·p + D_h·i − T, S_w·q + D_w·j − L]``

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of any type; nothing is computed with it.
    kernel_size, dilation, padding, stride
        As in `conv2d`, in PyTorch's order; the padding is zeros.

    Returns
    -------
    ndarray, (N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)
        A new array of the input's type.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`.

    Examples
    --------
    A 2×2 kernel on a 3×3 input has four windows, so four columns.  A convolution is one product with them.

    >>> import numpy as np
    >>> image = np.arange(9).reshape(1, 3, 3)
    >>> columns = im2col(image, kernel_size=2)
    >>> columns
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    >>> np.array([1, 10, 100, 1000]) @ columns
    array([4310, 5421, 7643, 8754])
    """
    image = as_array("input", input)
    with adding_context(f"input {image.shape}, kernel_size={kernel_size!r}"):
        plan = plan_windows(image.shape, kernel_size, stride, padding, dilation)
    # NumPy cannot take windows of every type of ml_dtypes; of the bytes that stand for them it can.
    plain = image.view(f"u{image.itemsize}") if is_ml_dtype(image.dtype) else image
    padded = pad(plain.reshape(plan.input_shape), plan)
    columns = np.array(windows(padded, plan), order="C").view(image.dtype)  # N, C, K_h, K_w, P, Q
    matrix = columns.reshape(plan.batch, plan.taps_per_output, plan.positions)
    return matrix if plan.batched else matrix[0]


def col2im(
    columns: npt.ArrayLike, output_size: IntOrPair, kernel_size: IntOrPair,
    dilation: IntOrPair = 1, padding: PaddingLike = 0, stride: IntOrPair = 1,
) -> Array:  # fmt: skip
    """Add each column back to the pixels it was read from, as `torch.nn.functional.fold` does: the adjoint of `im2col`.

    ``image[n, c, h, w] = Σ columns[n, (c·K_h + i)·K_w + j, p·Q + q]`` over all taps and outputs that read (h, w),
    so that ``⟨im2col(x), y⟩ = ⟨x, col2im(y)⟩``.  It is not the inverse: a pixel is added once for every window over it.

    Parameters
    ----------
    columns : array_like, (N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)
        Accumulated and rounded by the type rules of `conv2d`.
    output_size : int or pair of int
        (H, W) of the image.
    kernel_size, dilation, padding, stride
        As in `im2col`; what falls into the padding is dropped.

    Returns
    -------
    ndarray, (N, C, H, W) or (C, H, W)
        Of the columns' type; int64 for integers.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`, or if `columns` does not have the rows or columns that the other arguments ask for.
    OverflowError
        If an exact integer sum is beyond int64.

    Examples
    --------
    Ones, folded back, count the windows over each pixel.

    >>> import numpy as np
    >>> col2im(np.ones((1, 4, 4)), output_size=3, kernel_size=2)[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    matrix = as_array("columns", columns)
    with adding_context(f"columns {matrix.shape}, output_size={output_size!r}, kernel_size={kernel_size!r}"):
        if matrix.ndim not in (2, 3):
            forms = "(N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)"
            raise ValueError(f"columns has {matrix.ndim} dimensions; it must be {forms}")
        size = as_ints("output_size", output_size, 0, PLANE)
        taps = math.prod(as_ints("kernel_size", kernel_size, 1, PLANE))
        channels, rest = divmod(matrix.shape[-2], taps)
        if rest:
            raise ValueError(f"columns has {matrix.shape[-2]} rows; it must have a multiple of K_h·K_w = {taps}")
        image_shape = (*matrix.shape[:-2], channels, *size)
        plan = plan_windows(image_shape, kernel_size, stride, padding, dilation)
        if matrix.shape[-1] != plan.positions:
            raise ValueError(f"columns has {matrix.shape[-1]} columns; it must have P·Q = {plan.positions}")

    result = result_dtype(matrix.dtype)
    wide = accumulation_dtype(matrix.dtype, result=result, largest_sum=taps * magnitude(matrix))
    by_tap = matrix.astype(wide, copy=False).reshape(*plan.input_shape[:2], *plan.kernel_size, *plan.output_size)
    padded = pad(np.zeros(plan.input_shape, wide), plan)
    add_windows(windows(padded, plan, writeable=True), by_tap, plan.kernel_size)
    return round_once(fold(padded, plan), result).reshape(image_shape)
