"""The two views of a dilated convolution: zeros between the taps, or pixels left out of the input.

*From the kernel.*  D − 1 zeros between the taps make a plain kernel of the effective size D·(K − 1) + 1::

    1 2 3  at D = 2  is  1 0 2 0 3

*From the input.*  Every tap of an output lies a multiple of D pixels from the others, so that an output at p reads
pixels of one phase only, those at p, p + D, p + 2·D, ...  The input falls apart into D phases per axis, D_h·D_w of them
in a plane; each is convolved with the plain kernel, and the results are interleaved.

The first costs multiplications with zero and says how far the kernel reaches.  The second costs nothing, and says what
gridding is: neighbouring outputs have no pixel in common.

Sources: Dumoulin & Visin (2016), section 5.1; Yu & Koltun, "Multi-scale context aggregation by dilated convolutions"
(2016); for the phases, Shensa, "The discrete wavelet transform: wedding the à trous and Mallat algorithms" (1992).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from refconv.geometry.arguments import IntOrPair, as_pair, is_sequence
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array
from refconv.sizes import effective_kernel_size

__all__ = ["dilate_kernel", "merge_phases", "split_phases"]


def dilate_kernel(weight: npt.ArrayLike, dilation: IntOrPair) -> Array:
    """Put D − 1 zeros between the taps: the plain kernel that does what this one does at a dilation.

    ``dilated[..., D_h·i, D_w·j] = weight[..., i, j]``, and zero elsewhere, so that ``conv2d(x, w, dilation=D)`` is
    ``conv2d(x, dilate_kernel(w, D))``, but that a NaN or an infinity under one of the zeros makes the output NaN.

    Parameters
    ----------
    weight : array_like, (..., K_h, K_w)
        Of any number type; at least one tap along either axis.
    dilation : int or pair of int
        (D_h, D_w), at least 1.

    Returns
    -------
    ndarray, (..., D_h·(K_h − 1) + 1, D_w·(K_w − 1) + 1)
        A new array of the weight's type.

    Raises
    ------
    TypeError, ValueError
        If the dilation is not of these forms, or the weight has no taps.

    Examples
    --------
    >>> dilate_kernel([[1, 2, 3], [4, 5, 6]], dilation=(3, 2))
    array([[1, 0, 2, 0, 3],
           [0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0],
           [4, 0, 5, 0, 6]])
    """
    kernel = as_array("weight", weight)
    rates = as_pair("dilation", dilation, minimum=1)
    if kernel.ndim < 2 or 0 in kernel.shape[-2:]:
        raise ValueError(f"weight has shape {kernel.shape}; it must be (..., K_h, K_w) with at least one tap")
    dilated = np.zeros((*kernel.shape[:-2], *effective_kernel_size(kernel.shape[-2:], rates)), kernel.dtype)
    dilated[..., :: rates[0], :: rates[1]] = kernel
    return dilated


def split_phases(input: npt.ArrayLike, dilation: IntOrPair) -> list[list[Array]]:
    """Sample the input every D pixels, from each of the first D: the images that a dilated convolution keeps apart.

    ``phases[r][s][..., h, w] = input[..., D_h·h + r, D_w·w + s]``

    At stride 1, ``conv2d(x, w, dilation=D)`` is ``merge_phases`` of the plain ``conv2d(phase, w)`` of every phase.  An
    output with fewer rows than D_h has none in some of the phases, and a kernel does not fit those: leave them out.

    Parameters
    ----------
    input : array_like, (..., H, W)
        Of any number type.  Padding belongs to the input: pad it first.
    dilation : int or pair of int
        (D_h, D_w), at least 1.

    Returns
    -------
    list of D_h lists of D_w ndarrays, (..., ceil((H − r) / D_h), ceil((W − s) / D_w))
        Views of the input, where it is an array.

    Raises
    ------
    TypeError, ValueError
        If the dilation is not of these forms, or the input has fewer than two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> for phase in split_phases(np.arange(10).reshape(2, 5), (1, 2))[0]:
    ...     print(phase)
    [[0 2 4]
     [5 7 9]]
    [[1 3]
     [6 8]]

    A dilated convolution is one with a dilated kernel, or the plain one of every phase, interleaved.

    >>> from refconv import conv2d
    >>> image, kernel = np.arange(42).reshape(1, 1, 6, 7), np.array([[[[1, 2], [3, 4]]]])
    >>> phases = [[conv2d(phase, kernel) for phase in rows] for rows in split_phases(image, (3, 2))]
    >>> views = conv2d(image, dilate_kernel(kernel, (3, 2))), merge_phases(phases)
    >>> [np.array_equal(view, conv2d(image, kernel, dilation=(3, 2))) for view in views]
    [True, True]
    """
    image = as_array("input", input)
    rates = as_pair("dilation", dilation, minimum=1)
    if image.ndim < 2:
        raise ValueError(f"input has {image.ndim} dimensions; it must be (..., H, W)")
    return [[image[..., r :: rates[0], s :: rates[1]] for s in range(rates[1])] for r in range(rates[0])]


def merge_phases(phases: Sequence[Sequence[npt.ArrayLike]]) -> Array:
    """Interleave phases, the inverse of `split_phases`.

    ``merged[..., D_h·h + r, D_w·w + s] = phases[r][s][..., h, w]``

    Parameters
    ----------
    phases : sequence of D_h sequences of D_w array_like, (..., H_r, W_s)
        As `split_phases` gives them, or a convolution of each.

    Returns
    -------
    ndarray, (..., Σ H_r, Σ W_s)
        A new array, of the type that holds them all.

    Raises
    ------
    TypeError, ValueError
        If they are not phases of one image: their number in each row or their sizes do not fit each other.

    Examples
    --------
    >>> merge_phases([[[[0, 2, 4]], [[1, 3]]]])
    array([[0, 1, 2, 3, 4]])
    """
    if not is_sequence(phases) or not all(map(is_sequence, phases)):
        raise TypeError("phases must be a sequence of D_h sequences of D_w arrays")
    widths = [len(row) for row in phases]
    if len(set(widths)) != 1 or 0 in widths:
        raise ValueError(f"phases has rows of {widths} arrays; it must have D_h rows of D_w each")
    grid = [[as_array(f"phases[{r}][{s}]", phase) for s, phase in enumerate(row)] for r, row in enumerate(phases)]
    for r, s in np.ndindex(len(grid), len(grid[0])):
        if grid[r][s].ndim < 2:
            raise ValueError(f"phases[{r}][{s}] has {grid[r][s].ndim} dimensions; it must be (..., H, W)")
    size = sum(row[0].shape[-2] for row in grid), sum(phase.shape[-1] for phase in grid[0])
    kind = np.result_type(*(phase.dtype for row in grid for phase in row))
    merged = np.zeros((*grid[0][0].shape[:-2], *size), kind)
    for r, places in enumerate(split_phases(merged, (len(grid), len(grid[0])))):
        for s, place in enumerate(places):
            if grid[r][s].shape != place.shape:
                wanted = f"{place.shape}, a phase of {merged.shape}"
                raise ValueError(f"phases[{r}][{s}] has shape {grid[r][s].shape}; it must be {wanted}")
            place[...] = grid[r][s]
    return merged
