"""Layers that change the size of a map: adaptive average pooling, and resizing.

What they do to the height they do to the width, so their index arithmetic is that of one axis with H input and P output
pixels.  It stands once, in whole numbers: a pooling's in `analysis.axis_map.adaptive`, a resizing's in
`source_positions`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refconv.analysis.axis_map import adaptive
from refconv.geometry.arguments import IntOrPair, as_pair
from refconv.nn.operands import as_image, operating_types, refuse_integers
from refconv.numbers.dtypes import round_once
from refconv.numbers.formats import Array

__all__ = ["adaptive_avg_pool2d", "global_avg_pool2d", "interpolate"]

MODES = ("nearest", "bilinear")


class Positions(NamedTuple):
    """Where each output lies between the input's pixels: ``x = numerators / denominator``, exact."""

    numerators: npt.NDArray[np.intp]
    denominator: int

    def nearest(self) -> npt.NDArray[np.intp]:
        """``floor(x + ½)``."""
        return (2 * self.numerators + self.denominator) // (2 * self.denominator)


def source_positions(input_size: int, output_size: int, *, align_corners: bool) -> Positions:
    """Return the position of every output p in the input.

    Aligned, the centres of the corner pixels lie on each other: ``x = p·(H − 1) / (P − 1)``, and 0 for a single output.
    Otherwise the corners of the corner pixels do: ``x = (p + ½)·H / P − ½``, but never beyond the first or last pixel.
    """
    outputs = np.arange(output_size)
    last = input_size - 1
    if align_corners:
        return Positions(outputs * last, max(1, output_size - 1))
    denominator = 2 * output_size
    centres = (2 * outputs + 1) * input_size - output_size
    return Positions(np.clip(centres, 0, last * denominator), denominator)


def adaptive_avg_pool2d(input: npt.ArrayLike, output_size: IntOrPair) -> Array:
    """Average pooling to a given size: output p is the mean of pixels ``floor(p·H/P)`` to ``ceil((p + 1)·H/P) − 1``.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of a floating, complex or object type.
    output_size : int or pair of int
        (P, Q), at least 1.

    Returns
    -------
    ndarray, (N, C, P, Q) or (C, P, Q)
        Of the input's type, rounded once.

    Raises
    ------
    TypeError, ValueError
        If the input is not an image of at least one pixel, or holds integers; if `output_size` is not one or two sizes.

    Notes
    -----
    Where P does not divide H, neighbouring windows share a pixel and may differ in size.

    Source: `torch.nn.functional.adaptive_avg_pool2d`.

    Examples
    --------
    Five pixels to two: the third belongs to both means, of 0, 1, 2 and of 2, 3, 4.

    >>> import numpy as np
    >>> adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 2))
    array([[[1., 3.]]])
    """
    image = as_image(input, least=1)
    refuse_integers(image)
    size = as_pair("output_size", output_size, minimum=1)
    layers = [adaptive(before, after) for before, after in zip(image.shape[-2:], size, strict=True)]
    rows, columns = ([layer.reads(p) for p in range(after)] for layer, after in zip(layers, size, strict=True))
    wide, result = operating_types(image)
    with np.errstate(all="ignore"):  # as in conv2d: inf − inf is an answer
        strips = np.stack([image[..., row, :].astype(wide).sum(axis=-2) for row in rows], axis=-2)
        sums = np.stack([strips[..., column].sum(axis=-1) for column in columns], axis=-1)
        pixels = np.multiply.outer([len(row) for row in rows], [len(column) for column in columns])
        return round_once(_ratio(sums, pixels), result)


def global_avg_pool2d(input: npt.ArrayLike) -> Array:
    """Mean of each channel over its whole image, which one pixel is left of: ``adaptive_avg_pool2d(input, 1)``.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of a floating, complex or object type.

    Returns
    -------
    ndarray, (N, C, 1, 1) or (C, 1, 1)
        Of the input's type, rounded once.

    Raises
    ------
    TypeError, ValueError
        As in `adaptive_avg_pool2d`.

    Notes
    -----
    Source: Lin, Chen & Yan, "Network in network" (2013), section 3.2; ONNX's operator GlobalAveragePool.

    Examples
    --------
    >>> import numpy as np
    >>> global_avg_pool2d(np.arange(6.0).reshape(1, 2, 3))
    array([[[2.5]]])
    """
    return adaptive_avg_pool2d(input, 1)


def interpolate(input: npt.ArrayLike, size: IntOrPair, mode: str = "nearest", *, align_corners: bool = False) -> Array:
    """Resize a map, up or down, as `torch.nn.functional.interpolate` does.

    ``bilinear`` blends the two rows around x, ``(1 − t)·input[i] + t·input[i + 1]`` with ``i = floor(x)`` and
    ``t = x − i``, and then the columns likewise.  ``nearest`` takes one pixel as it is:

    ==================== ============ ======================================= =================
    ``align_corners``    ``bilinear`` x                                       ``nearest`` takes
    ==================== ============ ======================================= =================
    False                             ``(p + ½)·H / P − ½``, within the input ``floor(p·H / P)``
    True                              ``p·(H − 1) / (P − 1)``                 ``floor(x + ½)``
    ==================== ============ ======================================= =================

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of any type for ``nearest``; of a floating, complex or object type for ``bilinear``.
    size : int or pair of int
        (P, Q), at least 1.
    mode : {"nearest", "bilinear"}
        How to fill the pixels.
    align_corners : bool
        Whether the corner pixels' centres of input and output lie on each other, or the maps' own corners.

    Returns
    -------
    ndarray, (N, C, P, Q) or (C, P, Q)
        Of the input's type, rounded once.

    Raises
    ------
    TypeError, ValueError
        If the input is not an image of at least one pixel, or holds integers that are to be blended; if `size` or
        `mode` is not of these.

    Notes
    -----
    Where x falls on a pixel, that pixel alone is read.  PyTorch multiplies its neighbour by 0, and beside an infinity
    gives NaN; and it computes p·H/P in float32, so that for some sizes, such as 14 to 46, its nearest pixel is another.

    Sources: `torch.nn.functional.interpolate`; for the nearest pixel with corners aligned, which PyTorch does not have,
    `tf.compat.v1.image.resize_nearest_neighbor`.

    Examples
    --------
    Two pixels to four: with the corners aligned the outer ones keep their values, otherwise they lie off the input's
    centres and the inner ones a quarter of the way in.

    >>> import numpy as np
    >>> row = np.array([[[0.0, 12.0]]])
    >>> interpolate(row, (1, 4), "bilinear", align_corners=True)
    array([[[ 0.,  4.,  8., 12.]]])
    >>> interpolate(row, (1, 4), "bilinear")
    array([[[ 0.,  3.,  9., 12.]]])
    >>> interpolate(row, (1, 4))
    array([[[ 0.,  0., 12., 12.]]])
    """
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} must be one of {', '.join(map(repr, MODES))}")
    image = as_image(input, least=1)
    height, width = as_pair("size", size, minimum=1)
    if mode == "nearest":
        rows = _nearest(image.shape[-2], height, align_corners=align_corners)
        return image[..., rows[:, np.newaxis], _nearest(image.shape[-1], width, align_corners=align_corners)]
    refuse_integers(image)
    wide, result = operating_types(image)
    with np.errstate(all="ignore"):
        tall = _blend_rows(image.astype(wide), height, align_corners=align_corners)
        return round_once(_blend_rows(tall.mT, width, align_corners=align_corners).mT, result)


def _nearest(input_size: int, output_size: int, *, align_corners: bool) -> npt.NDArray[np.intp]:
    if align_corners:
        return source_positions(input_size, output_size, align_corners=True).nearest()
    return np.arange(output_size) * input_size // output_size


def _blend_rows(image: Array, height: int, *, align_corners: bool) -> Array:
    """Return ``height`` rows, each a blend of the two between which it lies."""
    numerators, denominator = source_positions(image.shape[-2], height, align_corners=align_corners)
    above, rest = np.divmod(numerators, denominator)
    share = _ratio(rest.astype(image.dtype), np.array(denominator))[:, np.newaxis]
    upper, lower = image[..., above, :], image[..., np.minimum(above + 1, image.shape[-2] - 1), :]
    return np.where(share == 0, upper, (1 - share) * upper + share * lower)


def _ratio(numerators: Array, denominators: npt.NDArray[np.intp]) -> Array:
    """Divide by whole numbers; Python's own integers give fractions then, not floats."""
    if numerators.dtype.kind == "O":
        numerators = numerators * Fraction(1)
    quotient: Array = numerators / denominators
    return quotient
