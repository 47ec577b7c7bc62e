"""Mistakes in the numbers themselves: precision, what is not finite, indices that go round."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.numbers.formats import float_info, round_to_format
from refconv.testing.diagnosis.mistakes import Mistake, changed, set_to
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.right_reading import conjugate


def _rounded(reading: Reading, *, kind: str) -> Reading:
    """Round both factors to a format before they are multiplied; complex ones are left as they are."""
    if reading.bias.dtype.kind == "c":
        return reading
    with np.errstate(all="ignore"):
        return reading.with_factors(lambda factor: round_to_format(factor, float_info(kind)))


def _wrapped(reading: Reading, *, bits: int) -> Reading:
    """Count the input's elements in an unsigned integer of so many bits."""
    return replace(reading, input=np.resize(reading.input.ravel()[: 2**bits], reading.input.shape))  # over and over


def _zero_columns(reading: Reading, *, width: int) -> Reading:
    """Pad each kernel with zeros to a whole vector of columns, whose pixels are read all the same."""
    if np.isfinite(reading.input).all():  # where it makes no difference
        return reading
    columns = reading.weight.shape[-1]
    weight = np.pad(reading.weight, [(0, 0)] * (1 + reading.rank) + [(0, -columns % width)])
    wide = replace(reading, weight=weight)
    return wide.with_axes(lambda axis: replace(axis, kernel_size=weight.shape[-1]), "width")


def _zeros_between(reading: Reading) -> Reading:
    """Fill what arrives up with zeros, between and beside it, so that every tap meets every pixel.

    Of 2 outputs at stride 2 and 2 taps, what arrives is 0, g0, 0, g1, and then 0 up to the end of the pixels.
    """
    if np.isfinite(reading.input).all():  # where it makes no difference
        return reading
    beside = [axis.dilation * (axis.kernel_size - 1) for axis in reading.axes]
    before = [more + axis.padding[0] for more, axis in zip(beside, reading.axes, strict=True)]
    sizes = (size + more for size, more in zip(reading.input.shape[2:], before, strict=True))
    output = np.zeros((*reading.output.shape[:2], *sizes), reading.output.dtype)
    steps = zip(beside, reading.axes, reading.output.shape[2:], strict=True)
    own = (slice(more, more + axis.stride * (places - 1) + 1, axis.stride) for more, axis, places in steps)
    output[:, :, *own] = reading.output
    moved = zip(reading.axes, before, beside, strict=True)
    axes = tuple(replace(axis, stride=1, padding=(first, last), unread=0) for axis, first, last in moved)
    return replace(reading, output=output, axes=axes)


ROUNDING: Final = tuple(
    Mistake(f"inputs-rounded-to-{code}", partial(_rounded, kind=kind)).says(
        f"both factors are rounded to {words} before they are multiplied", "multiply them in their own type"
    )
    for code, kind, words in (
        ("tf32", "tf32", "TF32, 11 significant bits,"),
        ("fp16", "float16", "float16"),
        ("bf16", "bfloat16", "bfloat16"),
    )
)

CONJUGATED: Final = Mistake("conjugated", changed("weight", lambda reading: conjugate(reading.weight))).says(
    "the weight is conjugated", "numbers are multiplied as they are"
)

PIXELS: Final = (
    Mistake("nan-lost", changed("input", lambda reading: np.where(np.isnan(reading.input), 0, reading.input))).says(
        "NaN in the input is taken for 0", "0·NaN is NaN, and so is every sum with it"
    ),
    Mistake("zeros-skipped", set_to(skips_zeros=True)).says(
        "products with a zero are skipped, and NaN and infinity with them", "0·NaN and 0·∞ are NaN"
    ),
    *(
        Mistake("nan-leaks", partial(_zero_columns, width=width)).says(
            f"pixels beside the window are multiplied with 0, as if the kernel had {width} columns, and NaN · 0 is NaN",
            "only the K_h·K_w pixels of the window are read",
        )
        for width in (4, 8)
    ),
    Mistake("index-wraps-at-2^16", partial(_wrapped, bits=16)).says(
        "the input is indexed modulo 2^16", "an index needs as many bits as the input has elements"
    ),
)

# Of the gradient of a weight, for which zeros may stand between, and beside, what arrives.
SPREAD: Final = Mistake("nan-spreads", _zeros_between).says(
    "every tap multiplies pixels that it does not read with 0, and NaN · 0 is NaN",
    "a tap's gradient adds up the pixels that it reads, and no others",
)

NUMBERS: Final = (*ROUNDING, CONJUGATED, *PIXELS)
