"""In which type do we accumulate, and how do we round once?

=========================  ======================  ===============================================
input and weight           accumulated in          result
=========================  ======================  ===============================================
float16, float32, float64  float64                 ``np.result_type(input, weight)``, rounded once
longdouble                 longdouble              longdouble
complex64, complex128      complex128              ``np.result_type(input, weight)``, rounded once
bfloat16, float8 ...       float64                 ``np.result_type(input, weight)``, rounded once
integers and bool          exact, never wrapping   int64, or OverflowError
object                     the objects' own + ×    object
=========================  ======================  ===============================================

The narrow types of ml_dtypes are widened on entry, because NumPy's own arithmetic on them stops counting (1000 ones
in bfloat16 add up to 256), and rounded on exit by `round_to_format`, because their cast from float64 goes through
float32 and rounds twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.numbers.formats import Array, as_dtype, float_info, is_ml_dtype, round_to_format

INT64_MAX = int(np.iinfo(np.int64).max)


def wide_dtype(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return the floating or complex type that holds them all, of at least float64's precision."""
    return np.result_type(np.float64, *(dtype for dtype in dtypes if not is_ml_dtype(dtype)))


def is_integral(dtype: np.dtype[Any]) -> bool:
    """Whether `dtype` is an integer type or bool."""
    return dtype.kind in "biu"


def as_array(name: str, value: npt.ArrayLike | None) -> Array:
    """Return `value` as an array of numbers, without a copy; a TypeError where it holds none."""
    if value is None:
        raise TypeError(f"{name} is None; it must be an array")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; the mask would be lost, so fill it first")
    try:
        array = np.asarray(value)
    except Exception as error:
        raise TypeError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "biufcO" and not is_ml_dtype(array.dtype):
        raise TypeError(f"{name} has dtype {array.dtype}; it must be a number type ({name} {array.shape})")
    return array


def as_operands(**values: npt.ArrayLike | None) -> dict[str, Array]:
    """Return operands as arrays, by name; the bias only where there is one."""
    return {name: as_array(name, value) for name, value in values.items() if name != "bias" or value is not None}


def magnitude(array: Array) -> int:
    """Return the largest absolute value of an integer array; 0 for any other type, whose range is no concern here."""
    return max(abs(int(array.min())), abs(int(array.max()))) if is_integral(array.dtype) and array.size else 0


def accumulation_dtype(*operands: np.dtype[Any], result: np.dtype[Any], largest_sum: int) -> np.dtype[Any]:
    """Return the type in which to accumulate what will be rounded to `result`, by the table in this module."""
    if result.kind == "O":
        return result
    if all(map(is_integral, operands)):  # the fastest that is exact: float64's GEMM is BLAS
        return np.dtype(np.float64 if largest_sum <= 2**53 else np.int64 if largest_sum <= INT64_MAX else object)
    return wide_dtype(*operands)


def result_dtype(
    *operands: np.dtype[Any], dtype: npt.DTypeLike | None = None, names: tuple[str, ...] = ("input", "weight", "bias")
) -> np.dtype[Any]:
    """Return the type to round to: `dtype`, or what the table says of the first two operands; a bias must fit it."""
    if dtype is not None:
        result = as_dtype(dtype)
    elif any(operand.kind == "O" for operand in operands):
        result = np.dtype(object)
    elif all(map(is_integral, operands[:2])):
        result = np.dtype(np.int64)
    else:
        try:
            result = np.result_type(*operands[:2]).newbyteorder("=")
        except TypeError:
            factors, kinds = " and ".join(names[:2]), " and ".join(map(str, operands[:2]))
            raise TypeError(f"{factors} have dtypes {kinds} with no common type; pass dtype=") from None
    kinds = "biufcO"  # NumPy's kinds, each able to hold those before it; ml_dtypes' are floats
    ranks = [kinds.find("f" if is_ml_dtype(kind) else kind.kind) for kind in (result, *operands)]
    for name, operand, rank in zip(names, operands, ranks[1:], strict=False):
        both_integral = is_integral(operand) and is_integral(result)  # checked value by value, when they are known
        if ranks[0] < rank and not both_integral:  # more would be lost than precision
            raise TypeError(f"a result of dtype {result} cannot hold the {name}, which has dtype {operand}")
    return result


def round_once(exact: Array, dtype: np.dtype[Any]) -> Array:
    """Return `exact`, a sum in its accumulation type, rounded to `dtype`: to nearest, ties to even.

    Floats beyond the range become infinity or (float8_e4m3fn) NaN; integers, which would wrap, raise OverflowError.
    """
    if is_integral(dtype):
        limits = (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
        for extreme in (int(exact.min()), int(exact.max())) if exact.size else ():
            if not limits[0] <= extreme <= limits[1]:
                bounds = f"{dtype}'s range {limits[0]} ... {limits[1]}"
                raise OverflowError(f"the exact result {extreme} is outside {bounds}")
        return exact.astype(dtype, copy=False)
    narrow = dtype.kind != "O" and np.finfo(np.float64).eps < float_info(dtype).unit
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if narrow and (exact.dtype.kind in "iuO" or exact.dtype == np.longdouble):
            exact = _round_to_odd(exact)  # NumPy's own cast may stop at float64 on its way
        if is_ml_dtype(dtype):
            exact = round_to_format(exact, float_info(dtype))  # ml_dtypes' own cast stops at float32
        return exact.astype(dtype, copy=False)


def _round_to_odd(exact: Array) -> Array:
    """Return `exact` in float64, inexact values rounded to the neighbour whose last bit is 1.

    Rounding to a type at least two bits narrower then gives what rounding `exact` at once would (Boldo & Melquiond,
    "Emulation of FMA and correctly rounded sums", 2008).
    """
    near = exact.astype(np.float64)
    # Python compares its integers with its floats exactly; NumPy would make floats of both.
    left, right = (exact.astype(object), near.astype(object)) if exact.dtype.kind in "iuO" else (exact, near)
    above, below = (left > right).astype(bool), (left < right).astype(bool)
    is_even = near.view(np.uint64) % 2 == 0
    return np.where((above | below) & is_even, np.nextafter(near, np.where(above, np.inf, -np.inf)), near)
