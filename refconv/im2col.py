"""Strided windows; im2col and its adjoint col2im.

A convolution meets each output's window of the input once.  `windows` shows all of them as a view, without copying a
pixel; `im2col` writes them out as the columns of a matrix, so that convolution becomes a matrix product; `col2im` is
its adjoint: it adds every column back to the pixels that it was read from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from refconv.geometry.arguments import IntOrPair, PaddingLike, Pair, adding_context, as_pair
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import accumulation_dtype, as_array, magnitude, result_dtype, round_once
from refconv.numbers.formats import Array, is_ml_dtype
from refconv.padding import fold, pad

__all__ = ["col2im", "im2col"]

# Columns are written in tiles of about this many elements, 4 MiB of float64.  Measured over the layers of
# tests/benchmarks: smaller tiles starve the GEMM of wide layers, larger ones fall out of the cache.
TILE_ELEMENTS = 1 << 19


def windows(padded: Array, geometry: ConvGeometry, *, writeable: bool = False) -> Array:
    """Return the view (N, C, P, Q, K_h, K_w): [n, c, p, q, i, j] is what output (p, q) reads through tap (i, j).

    Windows as wide as the dilated kernel, one at every stride, and of each only every dilation-th pixel.
    """
    height, width = geometry.height, geometry.width
    reach = height.effective_kernel_size, width.effective_kernel_size
    dense = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(-2, -1), writeable=writeable)
    return dense[:, :, :: height.stride, :: width.stride, :: height.dilation, :: width.dilation]


def bands(geometry: ConvGeometry, outputs: Pair | None = None, numbers: int = 0) -> Iterator[tuple[int, slice, slice]]:
    """Yield (n, rows, positions): bands of an image's output rows whose columns, of all its channels, fill a tile.

    `positions` are the columns P·Q that belong to the rows.  `outputs` is (P, Q) where it is not that of the plan.
    Where a position has more numbers on its way out, `numbers` of them, than in its columns, those fill the tile.
    """
    height, width = outputs or geometry.output_shape[2:]
    elements_per_row = max(geometry.groups * geometry.taps_per_output, numbers) * width
    band = min(height, max(1, TILE_ELEMENTS // max(1, elements_per_row)))
    for n, start in itertools.product(range(geometry.batch), range(0, height, max(1, band))):
        stop = min(start + band, height)
        yield n, slice(start, stop), slice(start * width, stop * width)


def im2col(
    input: npt.ArrayLike,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: PaddingLike = 0,
    stride: IntOrPair = 1,
) -> Array:
    """Write each window of the input as a column, as `torch.nn.functional.unfold` does.

    ``columns[n, (c·K_h + i)·K_w + j, p·Q + q] = input[n, c, S_h·p + D_h·i − T, S_w·q + D_w·j − L]``

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of any type; nothing is computed with it.
    kernel_size, dilation, stride : int or pair of int
        As in `conv2d`.  The order of the arguments is PyTorch's.
    padding : int, pair, pair of pairs or str
        As in `conv2d`; the padding is zeros.

    Returns
    -------
    ndarray, (N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)
        A new array of the input's type.

    Raises
    ------
    TypeError, ValueError
        As in `conv2d`.

    Notes
    -----
    Source: Chellapilla, Puri & Simard, "High performance convolutional neural networks for document processing" (2006).

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
        geometry = ConvGeometry.of_windows(image.shape, kernel_size, stride, padding, dilation)
    # NumPy cannot take windows of every type of ml_dtypes; of the bytes that stand for them it can.
    plain = image.view(f"u{image.itemsize}") if is_ml_dtype(image.dtype) else image
    padded = pad(plain.reshape(geometry.batch, *image.shape[-3:]), geometry)
    columns = np.array(windows(padded, geometry).transpose(0, 1, 4, 5, 2, 3), order="C").view(image.dtype)
    matrix = columns.reshape(geometry.batch, geometry.taps_per_output, geometry.positions)
    return matrix if geometry.batched else matrix[0]


def col2im(
    columns: npt.ArrayLike,
    output_size: IntOrPair,
    kernel_size: IntOrPair,
    dilation: IntOrPair = 1,
    padding: PaddingLike = 0,
    stride: IntOrPair = 1,
) -> Array:
    """Add each column back to the pixels it was read from, as `torch.nn.functional.fold` does: the adjoint of `im2col`.

    ``image[n, c, h, w] = Σ columns[n, (c·K_h + i)·K_w + j, p·Q + q]`` over all taps and outputs that read (h, w),
    so that ``⟨im2col(x), y⟩ = ⟨x, col2im(y)⟩``.  It is not the inverse: a pixel is added once for every window over it.

    Parameters
    ----------
    columns : array_like, (N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)
        Accumulated and rounded by the type rules of `conv2d`.
    output_size : int or pair of int
        (H, W) of the image.
    kernel_size, dilation, stride : int or pair of int
        As in `conv2d`.  The order of the arguments is PyTorch's.
    padding : int, pair, pair of pairs or str
        As in `conv2d`; what falls into the padding is dropped.

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
            raise ValueError(
                f"columns has {matrix.ndim} dimensions; it must be (N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)"
            )
        size = as_pair("output_size", output_size, minimum=0)
        taps = math.prod(as_pair("kernel_size", kernel_size, minimum=1))
        channels, rest = divmod(matrix.shape[-2], taps)
        if rest:
            raise ValueError(f"columns has {matrix.shape[-2]} rows; it must have a multiple of K_h·K_w = {taps}")
        image_shape = (*matrix.shape[:-2], channels, *size)
        geometry = ConvGeometry.of_windows(image_shape, kernel_size, stride, padding, dilation)
        if matrix.shape[-1] != geometry.positions:
            raise ValueError(f"columns has {matrix.shape[-1]} columns; it must have P·Q = {geometry.positions}")

    result = result_dtype(matrix.dtype)
    wide = accumulation_dtype(matrix.dtype, result=result, largest_sum=taps * magnitude(matrix))
    columns_shape = (*geometry.kernel_size, geometry.height.output_size, geometry.width.output_size)
    by_tap = matrix.astype(wide, copy=False).reshape(geometry.batch, geometry.in_channels, *columns_shape)
    return round_once(scatter(by_tap, geometry), result).reshape(image_shape)


def scatter(columns: Array, geometry: ConvGeometry) -> Array:
    """Add columns (N, C, K_h, K_w, P, Q) into a padded image through the windows that im2col reads, and fold that."""
    padded = np.zeros((*columns.shape[:2], *geometry.padded_size), columns.dtype)
    rows, width = columns.shape[-2:]
    add_columns(windows(padded, geometry, writeable=True)[:, :, :rows, :width], columns)
    return fold(padded, geometry)


def add_columns(view: Array, columns: Array) -> None:
    """Add columns (..., K_h, K_w, P, Q) into a writeable view (..., P, Q, K_h, K_w) of the pixels they came from.

    One tap at a time: no two outputs read the same pixel through the same tap, so that ``+=`` meets each pixel once.
    """
    with np.errstate(all="ignore"):  # as in conv2d: inf − inf is an answer
        for i, j in np.ndindex(*view.shape[-2:]):
            view[..., i, j] += columns[..., i, j, :, :]
