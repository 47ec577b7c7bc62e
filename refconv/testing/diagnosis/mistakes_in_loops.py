"""Mistakes of a loop as one writes it in C: its first and last turn, the pitch of memory, what is carried, or left out.

Memory is that of a packed array: what lies beyond a row is the next row, beyond a channel the next one, and beyond all
of it nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.directions import Convolution, InputAdjoint
from refconv.testing.diagnosis.mistakes import PLANES, SEVERAL_AXES, Change, Mistake, along_each, changed, set_to
from refconv.testing.diagnosis.reading import AXES, Places, Reading

PITCHED: Final = "row h begins W elements after row h − 1"
_WHOLE: Final = "the loop runs over all of them"
Selected: TypeAlias = Callable[[AxisGeometry], Array]  # which indices along an axis


def zeroed(part: str, selected: Selected, *names: str) -> Change:
    """Take for 0 what is selected of an operand along some axes of space: along all of them, if none is named."""

    def change(reading: Reading) -> Reading:
        array = getattr(reading, part).copy()
        for place, (name, axis) in enumerate(zip(AXES[-reading.rank :], reading.axes, strict=True)):
            if array.size and (name in names or not names):
                array[(..., selected(axis), *(slice(None),) * (reading.rank - 1 - place))] = 0
        return set_to(**{part: array}, skips_zeros=part == "weight")(reading)

    return change


def _unread(part: str, code: str, words: str, should: str, selected: Selected) -> tuple[Mistake, ...]:
    """Return the mistake of leaving something out along all axes, and along each."""
    return (
        Mistake(code, zeroed(part, selected)).says(words, should),
        *along_each(code, words, should, lambda name: zeroed(part, selected, name)),
    )


def _phase(axis: AxisGeometry) -> int:
    """Return every how many taps one reaches the same pixels: ``S / gcd(S, D)``."""
    return axis.stride // math.gcd(axis.stride, axis.dilation)


def _at(index: int) -> Selected:
    return lambda _: np.array([index])


EDGES: Final = (
    *_unread("input", "first-pixels-unread", "the first pixels are never read", _WHOLE, _at(0)),
    *_unread("input", "last-pixels-unread", "the last pixels are never read", _WHOLE, _at(-1)),
)
TAPS: Final = (
    *_unread("weight", "last-taps-unread", "the last taps are never read", _WHOLE, _at(-1)),
    *_unread("weight", "first-taps-unread", "the first taps are never read", _WHOLE, _at(0)),
)
PHASES: Final = (
    *_unread(
        "weight",
        "phases-first-alone",
        "only the taps i with i % S = 0 are added up",
        "every pixel is reached through the taps of one phase i % S, and all S phases are needed",
        lambda axis: np.flatnonzero(np.arange(axis.kernel_size) % _phase(axis)),
    ),
    *_unread(
        "weight",
        "phases-one-tap-short",
        "each phase of the stride has K // S taps, and those beyond are left out",
        "phase f has the taps f, f + S, ... below K: one more than K // S, where K is no multiple of S",
        lambda axis: np.arange(axis.kernel_size // _phase(axis) * _phase(axis), axis.kernel_size),
    ),
)


def in_memory(array: Array, pitch: int, size: tuple[int, int]) -> Array:
    """Read planes of this size, whose rows lie `pitch` apart, from the memory of an array; 0 beyond its end."""
    *lead, height, width = array.shape
    first = np.arange(math.prod(lead)).reshape(*lead, 1, 1) * (height * width)
    index = first + np.arange(size[0])[:, np.newaxis] * pitch + np.arange(size[1])
    return np.asarray(np.append(array.reshape(-1), 0)[np.minimum(index, array.size)])


def _pitched(part: str, pitch: Callable[[Reading], int]) -> Change:
    def read(reading: Reading) -> Array:
        array: Array = getattr(reading, part)
        return in_memory(array, pitch(reading), array.shape[-2:])

    return changed(part, read)


def _bounded(reading: Reading, *, names: Sequence[str]) -> Reading:
    """Check the rows against W, or the columns against H: what lies within that and is no pixel is read from memory."""
    height, width = reading.input.shape[-2:]
    size = (width if "height" in names else height, height if "width" in names else width)
    read = in_memory(reading.input, width, size)
    bounds = dict(zip(AXES[1:], size, strict=True))
    for name in names:
        axis, now = reading.axis(name), bounds[name]
        before, after = axis.padding
        reading = reading.with_axis(
            name, replace(axis, input_size=now, padding=(before, after + axis.input_size - now))
        )
    return replace(reading, input=read)


def _padded_width(reading: Reading) -> int:
    return sum(reading.axes[-1].padding) + int(reading.input.shape[-1])


PITCHES: Final = (
    *(
        Mistake(f"row-pitch-of-{code}", _pitched("input", pitch), ranks=SEVERAL_AXES).says(
            f"the input's rows are read {words}, and not W", PITCHED
        )
        for code, words, pitch in (
            ("height", "H elements apart", lambda reading: reading.input.shape[-2]),
            ("output", "Q elements apart, the width of the output", lambda reading: reading.output.shape[-1]),
            ("padding", "W + L + R elements apart, as if they were padded", _padded_width),
        )
    ),
    *(
        Mistake(
            f"bounds-of-other-axis{f'-along-{names[0]}' if len(names) == 1 else ''}",
            partial(_bounded, names=names),
            ranks=PLANES,
        ).says(f"{words}: pixels count as padding that are none, or what is none is read", "0 <= h < H and 0 <= w < W")
        for names, words in (
            (("height", "width"), "the rows are checked against W and the columns against H"),
            (("height",), "the rows are checked against W"),
            (("width",), "the columns are checked against H"),
        )
    ),
)
WEIGHT_PITCH: Final = Mistake(
    "weight-pitch-of-height", _pitched("weight", lambda reading: reading.weight.shape[-2]), ranks=SEVERAL_AXES
).says("the weight is read at i·K_h + j", "tap (i, j) lies at i·K_w + j")


def _own_pitch(reading: Reading) -> Callable[[Places, Index], Places]:
    """Store each map packed in the size that its windows reach: 5×5 into one of 6×6, whose element 5 then is (1, 0)."""
    height, width = reading.naturally_sized().size[-2:]

    def origin(places: Places, shape: Index) -> Places:
        *outer, h, w = places
        number = h * shape[-1] + w
        row = number // max(1, width)
        return *outer, np.where(row < height, row, -1), number % max(1, width)

    return origin


def _tiled(reading: Reading, *, tile: int) -> Reading:
    """Begin a tile of outputs every K − 1 pixels, where it holds more."""
    steps = [axis.kernel_size - 1 for axis in reading.axes]
    plain = all(axis.stride == axis.dilation == 1 and 2 < axis.kernel_size <= tile for axis in reading.axes)
    if not (plain and isinstance(reading, Convolution)):
        return reading

    def origin(places: Places, shape: Index) -> Places:  # noqa: ARG001
        n, o, *p = places
        return n, o, *(at // tile * step + at % tile for at, step in zip(p, steps, strict=True))

    return replace(reading, origin=origin)


def _repeated(period: int) -> Change:
    return set_to(origin=lambda places, _: (*places[:-1], places[-1] % period))


CARRIED: Final = (
    Mistake("accumulator-carried", set_to(is_carried=True)).says(
        "the sum is not set back from column to column: each adds up those before it in its row",
        "every sum begins at 0",
    ),
    *(
        Mistake(f"columns-repeat-from-{period}", _repeated(period)).says(
            f"the columns from {period} on repeat those before them", "column q is its own"
        )
        for period in (4, 8, 16)
    ),
)
TILES: Final = tuple(
    Mistake("tile-step-of-kernel", partial(_tiled, tile=tile)).says(
        f"tiles of {tile} outputs begin K − 1 pixels apart, where they hold {tile}",
        "tile t holds the outputs m·t ... m·t + m − 1, and begins at pixel m·t",
    )
    for tile in (4, 6, 8)
)
OWN_PITCH: Final = Mistake("output-pitch-of-windows", changed("origin", _own_pitch), ranks=SEVERAL_AXES).says(
    "the result is stored row by row as large as its windows reach, not as large as it is",
    "the result has the size that is asked for; pixels that no output read are 0",
)


def _unchecked(reading: Reading) -> Reading:
    return replace(reading, overlaps="rounded") if isinstance(reading, InputAdjoint) else reading


REMAINDER: Final = Mistake("stride-remainder-unchecked", _unchecked).says(
    "a pixel is made from output (h + T − D·i) // S also where S does not divide that",
    "output p is added to the pixel S·p + D·i − T alone",
)
