"""Mistakes of a loop as one writes it in C: its first and last turn, the pitch of memory, what is carried, or left out.

Memory is that of a packed array: what lies beyond a row is the next row, beyond a channel the next one, and beyond all
of it nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.directions import Convolution, InputAdjoint
from refconv.testing.diagnosis.mistakes import (
    PLANES,
    SEVERAL_AXES,
    VOLUMES,
    Change,
    Mistake,
    along_all_and_each,
    beyond,
    changed,
    read_as,
    set_to,
)
from refconv.testing.diagnosis.reading import AXES, Places, Reading

PITCHED: Final = "row h begins W elements after row h − 1"
_WHOLE: Final = "the loop runs over all of them"
Selected: TypeAlias = Callable[[AxisGeometry], Array]  # which indices along an axis


def zeroed(part: str, selected: Selected, *names: str) -> Change:
    """Take for 0 what is selected of an operand along some axes of space: along all of them, if none is named."""

    def change(reading: Reading) -> Reading:
        array = getattr(reading, part).copy()
        lost = 0
        for place, (name, axis) in enumerate(zip(AXES[-reading.rank :], reading.axes, strict=True)):
            if array.size and (name in names or not names):
                lost += len(which := selected(axis))
                array[(..., which, *(slice(None),) * (reading.rank - 1 - place))] = 0
        if not lost:
            return reading
        return set_to(**{part: array}, skips_zeros=part == "weight")(reading)

    return change


def _unread(part: str, code: str, words: str, should: str, selected: Selected) -> tuple[Mistake, ...]:
    """Return the mistake of leaving something out along all axes, and along each."""
    return along_all_and_each(code, words, should, lambda names: zeroed(part, selected, *names))


def _phase(axis: AxisGeometry) -> int:
    """Return every how many taps one reaches the same pixels: ``S / gcd(S, D)``."""
    return axis.stride // math.gcd(axis.stride, axis.dilation)


def _at(index: int) -> Selected:
    return lambda _: np.array([index])


EDGES: Final = (
    *_unread("input", "first-pixels-unread", "the first pixels are never read", _WHOLE, _at(0)),
    *_unread("input", "last-pixels-unread", "the last pixels are never read", _WHOLE, _at(-1)),
)
ARRIVALS: Final = (
    *_unread("output", "first-arrivals-unread", "what arrives first is left out", _WHOLE, _at(0)),
    *_unread("output", "last-arrivals-unread", "what arrives last is left out", _WHOLE, _at(-1)),
)
TAPS: Final = (
    *_unread("weight", "last-taps-unread", "the last taps are never read", _WHOLE, _at(-1)),
    *_unread("weight", "first-taps-unread", "the first taps are never read", _WHOLE, _at(0)),
    *_unread(
        "weight",
        "tap-tail-lost",
        "the taps beyond the last whole 4 are left out",
        _WHOLE,
        lambda axis: np.arange(axis.kernel_size // 4 * 4 or axis.kernel_size, axis.kernel_size),
    ),
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


def in_memory(array: Array, pitch: int, size: Sequence[int], before: Sequence[int] = ()) -> Array:
    """Read maps of this size, whose rows lie `pitch` apart, from the memory of an array; 0 beyond its ends.

    They begin so many pixels before the array's own, along each axis.
    """
    lead, last = array.shape[: -len(size)], array.shape[-len(size) :]
    pitches = [1, pitch, *(math.prod(last[-axis:]) for axis in range(2, len(size)))]
    index = np.arange(math.prod(lead)).reshape(*lead, *(1,) * len(size)) * math.prod(last)
    for axis, (step, count, first) in enumerate(
        zip(pitches, size[::-1], before[::-1] or (0,) * len(size), strict=False)
    ):
        index = index + ((np.arange(count) - first) * step).reshape(-1, *(1,) * axis)
    return np.asarray(np.append(array.reshape(-1), 0)[np.where(index < 0, array.size, np.minimum(index, array.size))])


def _pitched(part: str, pitch: Callable[[Reading], int]) -> Change:
    def read(reading: Reading) -> Array:
        array: Array = getattr(reading, part)
        return in_memory(array, pitch(reading), array.shape[-2:])

    return changed(part, read)


def _within(reading: Reading, bounds: Sequence[tuple[int, int]]) -> Reading:
    """Take for pixels what lies within these bounds along each axis; what is none is read from memory."""
    read = in_memory(
        reading.input,
        reading.input.shape[-1],
        [stop - start for start, stop in bounds],
        [-start for start, _ in bounds],
    )
    axes = tuple(
        replace(
            axis,
            input_size=stop - start,
            padding=(axis.padding[0] + start, axis.padding[1] + axis.input_size - stop),
        )
        for axis, (start, stop) in zip(reading.axes, bounds, strict=True)
    )
    return replace(reading, input=read, axes=axes)


def _unbounded_on(sides: tuple[bool, bool]) -> Callable[[Sequence[str]], Change]:
    return lambda names: partial(_unbounded, names=names, sides=sides)


def _bounded(reading: Reading, *, names: Sequence[str]) -> Reading:
    """Check the rows against W, or the columns against H."""
    height, width = reading.input.shape[-2:]
    size = (width if "height" in names else height, height if "width" in names else width)
    return _within(reading, [(0, stop) for stop in size])


def _bounded_by_outputs(reading: Reading, *, is_read: bool) -> Reading:
    """Check a pixel against the output's size; where that is larger, memory is read, or, from a copy, zeros."""
    sizes = zip(reading.output.shape[2:], reading.input.shape[2:], strict=True)
    return _within(reading, [(0, outputs if is_read else min(outputs, pixels)) for outputs, pixels in sizes])


def _unbounded(reading: Reading, *, names: Sequence[str], sides: tuple[bool, bool]) -> Reading:
    """Leave out a check, of what lies before the first pixel, or after the last one, along some axes."""
    axes = zip(AXES[-reading.rank :], reading.axes, strict=True)
    padding = [axis.padding if name in names else (0, 0) for name, axis in axes]
    reach = [(-max(0, before) * sides[0], max(0, after) * sides[1]) for before, after in padding]
    sizes = zip(reach, reading.axes, strict=True)
    return _within(reading, [(before, axis.input_size + after) for (before, after), axis in sizes])


def _padded_width(reading: Reading) -> int:
    return sum(reading.axes[-1].padding) + int(reading.input.shape[-1])


def _covered_width(reading: Reading) -> int:
    return reading.axes[-1].stride * int(reading.output.shape[-1])


def _its_own_columns(reading: Reading) -> Reading:
    """Multiply the image of a 1×1 kernel as it lies in memory, P·Q pixels for each channel of a group."""
    n, groups, pixels = len(reading.input), reading.groups, math.prod(reading.size)
    if not isinstance(reading, Convolution) or any(axis.kernel_size > 1 for axis in reading.axes):
        return reading
    lines = reading.input.reshape(n * groups, -1)
    index = np.arange(len(lines))[:, None] * lines.shape[1] + np.arange(reading.input.shape[1] // groups * pixels)
    memory = np.append(reading.input, 0)
    read = memory[np.minimum(index, memory.size - 1)].reshape(*reading.input.shape[:2], *reading.size)
    changed_axes = zip(reading.axes, reading.size, strict=True)
    axes = tuple(replace(a, input_size=size, padding=(0, 0), stride=1, unread=0) for a, size in changed_axes)
    return replace(reading, input=read, axes=axes)


IMAGE_AS_COLUMNS: Final = Mistake("image-for-its-columns", _its_own_columns).says(
    "the image is taken for its own columns: output t reads element t, whatever the stride and the padding",
    "output p of a 1×1 kernel reads pixel S·p − T",
)
PITCHES: Final = (
    *(
        Mistake(f"row-pitch-of-{code}", _pitched("input", pitch), ranks=SEVERAL_AXES).says(
            f"the input's rows are read {words}, and not W", PITCHED
        )
        for code, words, pitch in (
            ("height", "H elements apart", lambda reading: reading.input.shape[-2]),
            ("output", "Q elements apart, the width of the output", lambda reading: reading.output.shape[-1]),
            ("padding", "W + L + R elements apart, as if they were padded", _padded_width),
            ("stride", "Q·S elements apart, the width that the stride covers", _covered_width),
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
UNCHECKED: Final = (
    *(
        Mistake("bounds-of-output", partial(_bounded_by_outputs, is_read=is_read)).says(
            "a pixel is checked against the size of the output: beyond that pixels count as padding",
            "0 <= h < H and 0 <= w < W",
        )
        for is_read in (True, False)
    ),
    *(
        mistake
        for code, words, sides in (
            ("first-bound-unchecked", "it is not checked whether a pixel lies before the first one", (True, False)),
            ("last-bound-unchecked", "it is not checked whether a pixel lies after the last one", (False, True)),
            ("bounds-unchecked", "it is not checked whether a pixel lies in the padding", (True, True)),
        )
        for mistake in along_all_and_each(
            code,
            f"{words}: what lies there in memory is read, such as the row before or after",
            "0 <= h < H and 0 <= w < W",
            _unbounded_on(sides),
        )
    ),
)


def _kernels_together(reading: Reading) -> Array:
    """Begin each kernel K_h·K_w elements after the one before it: channel 1 of the first is 0 of the second."""
    outputs, each, *taps = reading.weight.shape
    first = np.arange(outputs)[:, None] + np.arange(each)
    planes = reading.weight.reshape(-1, *taps)
    return np.asarray(planes[np.minimum(first, max(0, len(planes) - 1))]) if planes.size else reading.weight


WEIGHT_PITCH: Final = (
    Mistake(
        "weight-pitch-of-height", _pitched("weight", lambda reading: reading.weight.shape[-2]), ranks=SEVERAL_AXES
    ).says("the weight is read at i·K_h + j", "tap (i, j) lies at i·K_w + j"),
    Mistake("weight-pitch-of-taps", changed("weight", _kernels_together)).says(
        "kernel o is read from o·K_h·K_w on, as if it had one channel", "kernel o begins at o·(C/G)·K_h·K_w"
    ),
)


def _own_pitch(reading: Reading) -> Callable[[Places, Index], Places]:
    """Store each map packed in the size that its windows reach: 5×5 into one of 6×6, whose element 5 then is (1, 0)."""
    return _packed(*reading.naturally_sized().size[-2:])


def _packed(height: int, width: int, step: int = 1) -> Callable[[Places, Index], Places]:
    """Return where the elements of maps of this size are stored, whose rows begin at multiples of a step."""
    pitch = max(1, -(-width // step) * step)

    def origin(places: Places, shape: Index) -> Places:
        *outer, h, w = places
        row, column = np.divmod(h * shape[-1] + w, pitch)
        return *outer, np.where((row < height) & (column < width), row, -1), np.where(column < width, column, 0)

    return origin


def _pitched_by(reading: Reading, *, step: int) -> Callable[[Places, Index], Places]:
    height, width = reading.size[-2:]
    return _packed(height, width, step)


def _maps_apart(reading: Reading, *, step: int, is_read: bool) -> Callable[[Places, Index], Places]:
    """Begin each map of an image at a multiple of a step, for whoever reads them or for whoever writes them alone.

    Maps of 9 pixels lie 9 apart, or 12: pixel 0 of the second is read 3 pixels further on, or written there.
    """
    pixels = max(1, math.prod(reading.size))
    apart = -(-pixels // step) * step
    first, second = (apart, pixels) if is_read else (pixels, apart)

    def origin(places: Places, shape: Index) -> Places:
        n, o, *p = places
        number = np.ravel_multi_index(tuple(p), shape[2:])
        o, number = np.divmod(o * first + number, second)
        there = np.unravel_index(np.minimum(number, pixels - 1), shape[2:])
        return n, np.where((o < shape[1]) & (number < pixels), o, -1), *there

    return origin


OUTPUT_PITCH: Final = (
    *(
        Mistake("output-pitch-rounded-up", changed("origin", partial(_pitched_by, step=step)), ranks=SEVERAL_AXES).says(
            f"the rows of a map are stored a whole {step} apart, or several", "row p of a map begins at p·Q"
        )
        for step in (4, 8, 16)
    ),
    *(
        Mistake("output-maps-rounded-up", changed("origin", partial(_maps_apart, step=step, is_read=is_read))).says(
            f"the maps of an image are {how} a whole {step} apart, or several", "map o of an image begins at o·P·Q"
        )
        for step in (4, 8, 16)
        for is_read, how in ((True, "read"), (False, "stored"))
    ),
)


def _repeated(period: int) -> Change:
    return set_to(origin=lambda places, _: (*places[:-1], places[-1] % period))


@dataclass(frozen=True)
class ClampedAxis(AxisGeometry):
    """An axis on which what lies before the first pixel, or after the last one, is taken for that one."""

    is_after: bool = False

    def input_index(self, output: int, tap: int) -> int:
        """Return the index, of one side's padding that of the pixel beside it."""
        index = AxisGeometry.input_index(self, output, tap)
        return min(index, self.input_size - 1) if self.is_after else max(index, 0)


@dataclass(frozen=True)
class PhasedAxis(AxisGeometry):
    """An axis that is split into D phases of pixels, to be convolved without dilation: the stride counts in each."""

    def input_index(self, output: int, tap: int) -> int:
        """``D·(S·(p // D) + i) + p % D − T``."""
        return (
            self.dilation * (self.stride * (output // self.dilation) + tap) + output % self.dilation - self.padding[0]
        )


@dataclass(frozen=True)
class ShortPhasesAxis(AxisGeometry):
    """An axis that is split into D phases, each of as many pixels as the last one has."""

    def input_index(self, output: int, tap: int) -> int:
        """Return an index beyond the last pixel for an output that is beyond those of its phase."""
        index = AxisGeometry.input_index(self, output, tap)
        outputs = self.padded_size // self.dilation - self.kernel_size + 1
        is_made = self.stride > 1 or output // self.dilation < outputs
        return index if is_made else beyond(self)


def _decoded(reading: Reading, *, axis: int) -> Reading:
    """Take the row of product t, (c·K_h + i)·K_w + j, from t // K_w modulo the extent of another axis than its own."""
    before, (rows, columns), modulo = reading.weight.shape[:-2], reading.weight.shape[-2:], reading.weight.shape[axis]
    flat = reading.weight.reshape(len(reading.weight), -1, rows, columns)
    weight = np.zeros((*flat.shape[:2], modulo, columns), flat.dtype)
    for first, row in np.ndindex(flat.shape[1:3]):
        weight[:, first, (first * rows + row) % modulo] += flat[:, first, row]
    made = replace(reading, weight=weight.reshape(*before, modulo, columns))
    return made.with_axes(lambda height: replace(height, kernel_size=modulo), "height")


DECODED: Final = tuple(
    Mistake(f"tap-row-modulo-{extent}", partial(_decoded, axis=axis), ranks=ranks).says(
        f"the row of tap t is t // K_w modulo the kernel's {extent}, not its rows", "the row is t // K_w mod K_h"
    )
    for extent, axis, ranks in (("columns", -1, SEVERAL_AXES), ("planes", -3, VOLUMES))
)

INDICES: Final = (
    *along_all_and_each(
        "padding-replicated-before",
        "the first pixel is repeated in the padding before it",
        "zeros stand in the padding",
        read_as(ClampedAxis, is_after=False),
    ),
    *along_all_and_each(
        "padding-replicated-after",
        "the last pixel is repeated in the padding after it",
        "zeros stand in the padding",
        read_as(ClampedAxis, is_after=True),
    ),
    *along_all_and_each(
        "stride-within-phases",
        "the image is split into D phases for the dilation, and the stride counts within each",
        "h = S·p + D·i − T: the stride counts pixels of the image",
        read_as(PhasedAxis),
    ),
    *along_all_and_each(
        "phases-rounded-down",
        "each of the dilation's D phases has the size // D pixels of the last one, and outputs beyond hold no sums",
        "the first phases have a pixel more where D does not divide the padded size",
        read_as(ShortPhasesAxis),
    ),
)


def _with_images_before(reading: Reading) -> Reading:
    """Add to each image those before it."""
    if isinstance(reading, InputAdjoint):
        return replace(reading, output=np.cumsum(reading.output, axis=0))
    return replace(reading, input=np.cumsum(reading.input, axis=0))


CARRIED: Final = (
    Mistake("images-carried", _with_images_before).says(
        "the sums are not set back from image to image: each adds up those before it", "every sum begins at 0"
    ),
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
