"""For whoever writes an adapter: what stands between the battery's arguments and a kernel that takes fewer.

>>> import refconv
>>> from refconv.testing import explicit_padding, plain, require
>>> def conv2d(input, weight, bias, stride, padding, dilation, groups):
...     require(groups == 1, "one group")
...     sides = explicit_padding(input.shape[2:], weight.shape[2:], stride, padding, dilation)
...     return refconv.conv2d(plain(input), plain(weight), bias, stride, sides, dilation)  # in place of a kernel
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refconv.geometry.arguments import LINE, PLANE, VOLUME, PaddingLike, Pair
from refconv.geometry.build import build_axes
from refconv.numbers.formats import Array

__all__ = ["explicit_padding", "plain", "require"]


def plain(array: Array) -> Array:
    """Return an array as a C program wants it: contiguous, aligned, writable, in this machine's byte order.

    Parameters
    ----------
    array : numpy.ndarray
        In any layout.

    Returns
    -------
    numpy.ndarray
        The same memory, where it is like that already; or else a copy.

    Examples
    --------
    >>> backwards = np.arange(6, dtype=">f4").reshape(2, 3)[:, ::-1]
    >>> plain(backwards).strides, plain(backwards).dtype.isnative
    ((12, 4), True)
    """
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A", "W"])


def require(condition: object, what: str) -> None:
    """Refuse arguments that a kernel does not support, as the battery understands it.

    Parameters
    ----------
    condition : object
        Whether it supports them.
    what : str
        What it supports, for the report.

    Raises
    ------
    NotImplementedError
        If it does not.

    Examples
    --------
    >>> require((1, 1) == (1, 1), "no dilation")
    >>> require((2, 3) == (1, 1), "no dilation")
    Traceback (most recent call last):
    NotImplementedError: it supports no dilation
    """
    if not condition:
        raise NotImplementedError(f"it supports {what}")


def explicit_padding(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: PaddingLike,
    dilation: Sequence[int],
) -> tuple[Pair, ...]:
    """Return a padding as numbers, in whatever form it comes: before and after, for each axis.

    SAME, under any of its names, is ``max(0, (ceil(H / S) − 1)·S + D·(K − 1) + 1 − H)`` pixels in all, which
    `refconv.same_padding` splits between the two sides.

    Parameters
    ----------
    input_size, kernel_size, stride, dilation : tuple of int
        H, K, S and D: a number for each axis, such as ``input.shape[2:]`` and ``weight.shape[2:]``.
    padding : tuple or str
        As a target gets it.

    Returns
    -------
    tuple of pair of int
        ``((top, bottom), (left, right))`` for two axes.

    Raises
    ------
    TypeError, ValueError
        If the padding is of no such form, or the kernel does not fit the padded input.

    Examples
    --------
    >>> explicit_padding((8, 7), (3, 2), (2, 1), "same_upper", (1, 1))
    ((0, 1), (0, 1))
    >>> explicit_padding((8, 7), (3, 2), (2, 1), (1, 0), (1, 1))
    ((1, 1), (0, 0))
    """
    space = (LINE, PLANE, VOLUME)[len(input_size) - 1]
    axes = build_axes(input_size, tuple(kernel_size), tuple(stride), padding, tuple(dilation), space=space)
    return tuple(axis.padding for axis in axes)
