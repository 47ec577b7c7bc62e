"""The small arrays that many tests are made of, and the types that a machine may lack."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv.numbers.formats import as_dtype

Array = npt.NDArray[Any]

HAS_WIDE_LONGDOUBLE = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant
wide_longdouble = pytest.mark.skipif(not HAS_WIDE_LONGDOUBLE, reason="longdouble is float64 on this machine")


def row(*pixels: object, dtype: npt.DTypeLike | None = None) -> Array:
    """Return one image of one channel and one row; with as many taps, the weight that meets it in a dot product."""
    return np.array(pixels, dtype).reshape(1, 1, 1, len(pixels))


def ones(*shape: int, dtype: npt.DTypeLike = np.float32) -> Array:
    """Return ones of a shape, of float32."""
    return np.ones(shape, dtype)


def whole(*shape: int, seed: int = 0) -> Array:
    """Return small whole numbers: float64 adds them up without rounding, so that two sums of them must be equal."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(float)


def fractions_of(numbers: Array) -> Array:
    """Return real numbers as the fractions that they are."""
    fractions = np.array([Fraction(value) for value in numbers.ravel().tolist()], dtype=object)
    return fractions.reshape(numbers.shape)


def ml_dtype(name: str) -> np.dtype[Any]:
    """Return a type of ml_dtypes; where that is missing, skip the test."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def dtype_of(name: str) -> np.dtype[Any]:
    """Return a type of NumPy or of ml_dtypes by its name; where that is missing, skip the test."""
    is_narrow = name.startswith(("bfloat16", "float8_", "float4_", "int4", "uint4"))
    return ml_dtype(name) if is_narrow else as_dtype(name)


def every_other_column(array: Array) -> Array:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def reversed_twice(array: Array) -> Array:
    return np.flip(np.ascontiguousarray(np.flip(array)))


def channels_last(array: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1) if array.ndim > 1 else array[:]


def unaligned(array: Array) -> Array:
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    shifted: Array = np.ndarray(array.shape, array.dtype, buffer, offset=1)
    shifted[...] = array
    return shifted


def read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


# The same numbers, laid out differently in memory, or as lists.
LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "strided": every_other_column,
    "fortran": np.asfortranarray,
    "channels-last": channels_last,
    "negative": reversed_twice,
    "unaligned": unaligned,
    "read-only": read_only,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "lists": lambda array: array.tolist(),
}
