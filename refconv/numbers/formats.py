"""What can a floating-point format hold, and how is a number rounded to it?

A format of p binary digits, whose least positive number is 2^e, holds the whole multiples of ``2^max(E − p, e)``
around a number of ``2^(E−1) <= |x| < 2^E``, up to its largest number.  That power of two is the *last place* of x;
rounding to nearest is rounding x to a whole number of last places, ties to the even one.

==================  ====  ======  ============================
format              p     e       largest
==================  ====  ======  ============================
``float64``         53    −1074   (2 − 2^−52)·2^1023
``float32``         24    −149    (2 − 2^−23)·2^127
``tf32``            11    −136    (2 − 2^−10)·2^127
``float16``         11    −24     65504
``bfloat16``        8     −133    (2 − 2^−7)·2^127
``float8_e5m2``     3     −16     57344
``float8_e4m3fn``   4     −9      448, and no infinity
==================  ====  ======  ============================

Sources: IEEE 754-2019, table 3.5; "FP8 formats for deep learning" (Micikevicius et al. 2022); NVIDIA's "A100 Tensor
Core GPU architecture" (2020) for TF32, a type of multipliers and not of memory.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class FloatInfo(NamedTuple):
    """What rounding to a floating-point format can cost."""

    unit: float  # u = 2^−p, the largest relative error of one rounding to nearest: half the gap between 1 and the next
    smallest: float  # 2^e, the least positive number, subnormals included
    largest: float  # the largest finite number

    @property
    def digits(self) -> int:
        """p, the binary digits of the significand."""
        return 1 - int(np.frexp(self.unit)[1])

    @property
    def least_exponent(self) -> int:
        """e, the exponent of the least positive number."""
        return int(np.frexp(self.smallest)[1]) - 1


# The formats that NumPy does not know, by name, so that they need nothing else to be installed.
_NAMED: Final[dict[str, FloatInfo]] = {
    "tf32": FloatInfo(2.0**-11, 2.0**-136, (2 - 2.0**-10) * 2.0**127),
    "bfloat16": FloatInfo(2.0**-8, 2.0**-133, (2 - 2.0**-7) * 2.0**127),
    "float8_e5m2": FloatInfo(2.0**-3, 2.0**-16, 57344.0),
    "float8_e4m3fn": FloatInfo(2.0**-4, 2.0**-9, 448.0),
}


def is_ml_dtype(dtype: np.dtype[Any]) -> bool:
    """Whether `dtype` is a float of ml_dtypes (bfloat16, float8 ...), which NumPy itself knows only as kind ``V``."""
    is_float = dtype.type.__module__ == "ml_dtypes" and dtype.name.startswith(("float", "bfloat"))
    return is_float and dtype.name != "float8_e8m0fnu"  # powers of two, for scales: it has no zero and no sign


def float_info(dtype: npt.DTypeLike, name: str = "dtype") -> FloatInfo:
    """Return what a type, each part of a complex one, or a format of the table can hold, in Python's own floats."""
    if isinstance(dtype, str) and dtype in _NAMED:
        return _NAMED[dtype]
    kind = as_dtype(dtype, name)
    info = import_module("ml_dtypes").finfo(kind) if is_ml_dtype(kind) else np.finfo(kind)
    return FloatInfo(float(info.eps) / 2, float(info.smallest_subnormal), float(info.max))


def as_dtype(dtype: npt.DTypeLike, name: str = "dtype") -> np.dtype[Any]:
    """Return a NumPy dtype in native byte order; ``"bfloat16"`` and the like are those of ml_dtypes, if installed."""
    if isinstance(dtype, str) and dtype in _NAMED:
        try:
            kind: np.dtype[Any] = np.dtype(getattr(import_module("ml_dtypes"), dtype))
        except (ModuleNotFoundError, AttributeError):
            advice = "no array has it" if dtype == "tf32" else "pip install 'refconv[lowp]'"
            raise TypeError(f"{name}={dtype!r} is a type that NumPy does not know: {advice}") from None
        return kind
    try:
        return np.dtype(dtype).newbyteorder("=")
    except TypeError:
        raise TypeError(f"{name}={dtype!r} must be a type of numbers") from None


def round_to_format(value: Array, info: FloatInfo) -> Array:
    """Round float64 numbers to the nearest of a format, ties to even, as float64; what overflows becomes infinite."""
    last_place = np.maximum(np.frexp(value)[1] - info.digits, info.least_exponent)
    with np.errstate(over="ignore"):
        result: Array = np.ldexp(np.rint(np.ldexp(value, -last_place)), last_place)
    return np.where(np.abs(result) > info.largest, np.copysign(np.inf, result), result)
