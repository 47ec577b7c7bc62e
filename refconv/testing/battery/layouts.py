"""How arrays lie in memory: contiguous, or as a view of something larger, in every way that a caller may come to have.

Between and around the elements of a view stands what no right kernel reads: NaN, or the largest whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from refconv.numbers.dtypes import is_integral
from refconv.numbers.formats import Array

__all__: list[str] = []

Layout: TypeAlias = Callable[[Array, int], Array]  # of an array that has so many spatial axes, or is a bias


def _view(array: Array, shape: tuple[int, ...], index: Any) -> Array:
    """Return a copy of an array as this part of a larger one."""
    dtype = array.dtype
    wide = np.full(shape, np.iinfo(dtype).max if is_integral(dtype) else np.nan, dtype)
    wide[index] = array
    return np.asarray(wide[index])


def _channel_axis(array: Array, rank: int) -> int:
    return max(0, array.ndim - rank - 1)


def _of_wider(array: Array, axis: int, extent: int, chosen: slice) -> Array:
    """Return a copy as some of the rows, channels ... of an array that has more of them."""
    shape, index = list(array.shape), [slice(None)] * array.ndim
    shape[axis], index[axis] = extent, chosen
    return _view(array, tuple(shape), tuple(index))


def _strided(array: Array, _: int) -> Array:
    """Return a view on every second column of a wider array."""
    return _of_wider(array, -1, 2 * array.shape[-1], slice(None, None, 2)) if array.ndim else array


def _pitched(array: Array, _: int) -> Array:
    """Return a view on some columns of a wider array: the rows are packed, and lie further apart than they are long."""
    return _of_wider(array, -1, array.shape[-1] + 3, slice(1, array.shape[-1] + 1))


def _some_channels(array: Array, rank: int) -> Array:
    """Return a view on some channels of an array that has more: the images lie further apart than they are large."""
    axis = _channel_axis(array, rank)
    return _of_wider(array, axis, array.shape[axis] + 2, slice(1, array.shape[axis] + 1))


def _one_plane(array: Array, rank: int) -> Array:
    """Return one plane of a volume, one tap of a kernel over one axis more: ``w[:, :, k]``."""
    axis = array.ndim - rank if array.ndim > rank else array.ndim
    shape = *array.shape[:axis], 3, *array.shape[axis:]
    return _view(array, shape, (*(slice(None),) * axis, 1))


def _channels_last(array: Array, rank: int) -> Array:
    """Return (N, C, H, W) stored as (N, H, W, C)."""
    axis = _channel_axis(array, rank)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, axis, -1)), -1, axis)


def _some_channels_last(array: Array, rank: int) -> Array:
    """Return some of the channels of an array that is stored as (N, H, W, C)."""
    axis = _channel_axis(array, rank)
    return np.moveaxis(_pitched(np.moveaxis(array, axis, -1), rank), -1, axis)


def _reversed(*axes: int) -> Layout:
    """Return the layout that stores these axes backwards, those that there are."""

    def reverse(array: Array, _: int) -> Array:
        there = tuple(axis for axis in axes if -axis <= array.ndim)
        return np.flip(np.flip(array, there).copy(), there)

    return reverse


def _reversed_channels(array: Array, rank: int) -> Array:
    axis = _channel_axis(array, rank)
    return np.flip(np.flip(array, axis).copy(), axis)


def _unaligned(array: Array, _: int) -> Array:
    """Return a copy that begins one byte past where its type belongs."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    copy: Array = np.ndarray(array.shape, array.dtype, memory[1:])
    copy[...] = array
    return copy


def _broadcast(array: Array, _: int) -> Array:
    """Return a view whose first axis has stride 0: the first image, kernel or bias stands for all."""
    return np.broadcast_to(array[:1], array.shape)


def _read_only(array: Array, _: int) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: Final[dict[str, Layout]] = {
    "contiguous": lambda array, _: np.ascontiguousarray(array),
    "fortran": lambda array, _: np.asfortranarray(array),
    "channels_last": _channels_last,
    "strided": _strided,
    "negative": _reversed(-2, -1),
    "broadcast": _broadcast,
    "read_only": _read_only,
    "big_endian": lambda array, _: array.astype(array.dtype.newbyteorder(">")),
    "pitched": _pitched,
    "some_channels": _some_channels,
    "some_channels_last": _some_channels_last,
    "one_plane": _one_plane,
    "negative_columns": _reversed(-1),
    "negative_rows": _reversed(-2),
    "negative_channels": _reversed_channels,
    "unaligned": _unaligned,
}
