"""What a layer takes for an image, and in which type it computes: once for all layers."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.numbers.dtypes import accumulation_dtype, as_array, is_integral, result_dtype
from refconv.numbers.formats import Array


def as_image(input: npt.ArrayLike, *, least: int = 0) -> Array:
    """Return `input` as an array (N, C, H, W) or (C, H, W) with H and W of at least `least`."""
    image = as_array("input", input)
    if image.ndim not in (3, 4):
        raise ValueError(
            f"input has {image.ndim} dimensions; it must be (N, C, H, W) or (C, H, W) (input {image.shape})"
        )
    for name, size in zip(("height", "width"), image.shape[-2:], strict=True):
        if size < least:
            raise ValueError(f"input {name} {size} must be at least {least} (input {image.shape})")
    return image


def refuse_integers(image: Array) -> None:
    """Refuse integers and bools, whose means are fractions that their type does not hold."""
    if is_integral(image.dtype):
        raise TypeError(f"input has dtype {image.dtype}; it must be a floating type (input {image.shape})")


def operating_types(*operands: Array) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """Return the type to compute in and the one to round to, by conv2d's rules: the operands' ``np.result_type``."""
    dtypes = [operand.dtype for operand in operands]
    result = reduce(result_dtype, dtypes, result_dtype(dtypes[0]))
    return accumulation_dtype(*dtypes, result=result, largest_sum=0), result
