"""Which pixels one output reads, through which taps, with a named mistake and without: drawn side by side.

The mistake is made on a convolution of numbered pixels with a kernel that is 1 at one tap: what comes out is the number
of the pixel under that tap.  Nothing is asked of the target, so that the figure shows what the diagnosis says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.diagnosis.mistake_tables import table_of
from refconv.testing.diagnosis.mistakes import Change
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.right_reading import reading_of
from refconv.testing.judging.excerpt import LARGEST
from refconv.testing.reporting.maps import FULL, Cell, figure

__all__: list[str] = []

MOST_TAPS: Final = 64


def reads_of(case: Case, code: str, place: tuple[int, ...]) -> str:
    """Draw what the output at a place reads with the mistake of a code, and what it should.

    Nothing is drawn for another operation than conv2d, for what is no named mistake, where the same is read, and where
    the image or the kernel is too large to be seen.
    """
    if case.op != "conv2d" or len(place) < 3 or max(case.input_shape[-2:]) > LARGEST:
        return ""
    right = reading_of(case.call())
    mistake = table_of(right).by_code.get(code)
    taps = list(np.ndindex(*case.weight_shape[2:]))
    if mistake is None or len(taps) > MOST_TAPS:
        return ""
    given = (0, *place)[-4:]
    read, should = ([_pixel(right, tap, given, made) for tap in taps] for made in (mistake.made, lambda same: same))
    if read == should:
        return ""
    maps = {"as it was read": read, "as it should be": should}
    return "".join(_drawn(title, case.input_shape[-2:], taps, pixels) for title, pixels in maps.items())


def _pixel(right: Reading, tap: tuple[int, ...], place: tuple[int, ...], made: Change) -> int | None:
    """Return the number of the pixel that an output reads through a tap of its first channel; None in the padding."""
    height, width = right.input.shape[2:]
    weight: Array = np.zeros(right.weight.shape)
    in_first_channel: tuple[int | slice, ...] = (slice(None), 0, *tap)
    weight[in_first_channel] = 1
    where = tuple(np.array([index]) for index in place)
    numbers = np.arange(height * width).reshape(height, width)
    number, count = (
        float(made(replace(right, input=pixels, weight=weight, bias=0 * right.bias)).values(where)[0])
        for pixels in (np.broadcast_to(numbers, right.input.shape), np.ones(right.input.shape))
    )
    return int(number) if count == 1 else None


def _drawn(title: str, size: tuple[int, ...], taps: Sequence[tuple[int, ...]], pixels: Sequence[int | None]) -> str:
    cells = [[Cell("above", 0.0, "", "", "not read")] * size[1] for _ in range(size[0])]
    for tap, pixel in zip(taps, pixels, strict=True):
        if pixel is not None:
            name = ",".join(map(str, tap))
            cells[pixel // size[1]][pixel % size[1]] = Cell("above", FULL, name, "●", f"tap ({name})")
    outside = pixels.count(None)
    return figure(
        title, cells, f"the input; {outside or 'no'} {'tap' if outside == 1 else 'taps'} in the padding", 0, 0
    )
