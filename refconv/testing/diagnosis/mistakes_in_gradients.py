"""Mistakes that only a gradient can make: in how it is stored and averaged, conjugated, and filled up to its shape.

Those of a transposed convolution walk the ways of a convolution: its input's, to the output, and its weight's, to the
weight.  They make the same mistakes, in words of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.mistakes import (
    ANY_AXES,
    SEVERAL_AXES,
    Change,
    Mistake,
    PerAxis,
    along_each,
    changed,
    set_to,
)
from refconv.testing.diagnosis.mistakes_in_channels import (
    OF_TRANSPOSED,
    groups_of,
    groups_of_channels,
    layout_of,
    stored_as,
    transposed_kernels,
)
from refconv.testing.diagnosis.mistakes_in_scattering import WEIGHT_UNTRANSPOSED
from refconv.testing.diagnosis.reading import AXES, Places, Reading
from refconv.testing.diagnosis.right_reading import conjugate

_ALL = "Σ over all images and all outputs, not averaged"


def _backwards(*names: str) -> Change:
    """Store the result the other way round along some axes."""

    def origin(places: Places, shape: Index) -> Places:
        backwards = {len(shape) - 3 + AXES.index(name) for name in names} - {0, 1}
        found = enumerate(zip(places, shape, strict=True))
        return tuple(size - 1 - place if axis in backwards else place for axis, (place, size) in found)

    return set_to(origin=origin)


def _images_alone(which: slice) -> Change:
    return lambda reading: replace(reading, images=reading.images[which], output=reading.output[which])


def _last_block_alone(reading: Reading, *, step: int) -> Reading:
    first = max(0, len(reading.output) - 1) // step * step
    return _images_alone(slice(first, None))(reading)


def _averaged(number: Callable[[Index], int]) -> Change:
    return changed("output", lambda reading: reading.output / number(reading.output.shape))


def _cropped_before(axis: AxisGeometry) -> AxisGeometry:
    """Take the last K of the taps that there are room for, where a stride leaves pixels over, not the first."""
    taps = (axis.padded_size - axis.stride * (axis.output_size - 1) - 1) // axis.dilation + 1
    before, after = axis.padding
    more = axis.dilation * (taps - axis.kernel_size)
    return replace(axis, padding=(before - more, after + more))


def _without_tail(reading: Reading, *, axis: int, step: int) -> Array:
    """Return what arrives, without what lies beyond the last whole step along an axis."""
    arriving = np.moveaxis(reading.output.copy(), axis, 0)
    arriving[len(arriving) // step * step :] = 0
    return np.moveaxis(arriving, 0, axis)


def _without_windows(reading: Reading, names: Sequence[str], *, is_last: bool) -> Array:
    """Return what arrives, without that of windows that touch the padding, or its end, along some of the axes."""
    arriving = reading.output.copy()
    for place, (name, axis) in enumerate(zip(AXES[-reading.rank :], reading.axes, strict=True), start=2):
        if name in names:
            first = np.array([axis.input_index(output, 0) for output in range(arriving.shape[place])], np.intp)
            touches = first + axis.effective_kernel_size > axis.input_size
            np.moveaxis(arriving, place, 0)[touches if is_last else touches | (first < 0)] = 0
    return arriving


def _windows_lost(code: str, words: str, *, is_last: bool) -> list[Mistake]:
    def change(*names: str) -> Change:
        return changed("output", partial(_without_windows, names=names, is_last=is_last))

    sentence = f"windows that {words} are left out of the sum"
    return [Mistake(code, change(*AXES)).says(sentence, _ALL), *along_each(code, sentence, _ALL, change)]


def _of_first_group(reading: Reading) -> Array:
    channels: int = reading.output.shape[1]
    return np.asarray(reading.output[:, np.arange(channels) % (channels // reading.groups)])


FIRST_GRADIENT: Final = Mistake("groups-share-first-gradient", changed("output", _of_first_group)).says(
    "every group uses what arrives at the first group's outputs", "each group has outputs of its own"
)
# Of a weight, whose sum is over images and outputs.
TAILS: Final = (
    *(
        Mistake(
            "gradient-tail-lost", changed("output", partial(_without_tail, axis=axis, step=step)), ranks=ranks
        ).says(f"the {part} that arrive beyond the last whole {step} are left out of the sum", _ALL)
        for part, axis, ranks in (("rows", -2, SEVERAL_AXES), ("columns", -1, ANY_AXES), ("images", 0, ANY_AXES))
        for step in (16, 8, 4, 2)
    ),
    *_windows_lost("windows-in-padding-lost", "touch the padding", is_last=False),
    *_windows_lost("windows-past-end-lost", "reach past the last pixel", is_last=True),
)
CROPPED: Final = PerAxis("gradient-cropped-before", _cropped_before).says(
    "what the stride leaves over is cropped from the kernel's gradient before its taps, not after them",
    "tap i is the one that reads h = S·p + D·i − T",
)
UNREAD: Final = Mistake("unread-rows-dropped", lambda reading: reading, is_of_size=True).says(
    "the rows and columns that the stride leaves unread are missing",
    "the result has the shape that is asked for; pixels that no output read are 0",
)


def _extra_cropped(axis: AxisGeometry) -> AxisGeometry:
    """Count windows up to the last pixel, and take one off for each pixel that an output padding adds beyond B."""
    before, after = axis.padding
    extra = axis.padded_size + axis.unread - axis.reach(axis.output_size)
    return replace(axis, padding=(before, after - axis.stride * max(0, extra - after)), unread=0)


def unconjugated(part: str) -> Mistake:
    """Return the mistake of a gradient that takes what did not arrive, this part of the plan, as it is."""
    return Mistake("conjugate-missing", changed(part, lambda reading: conjugate(getattr(reading, part)))).says(
        "the other factor is not conjugated",
        "the gradient of a complex convolution is made of the conjugate of the other factor",
    )


def gradient_of(weight: str, swapped: str) -> tuple[Mistake, ...]:
    """Return the mistakes of the gradient of a weight, by its shape, and by how its channels may be exchanged."""
    should = f"the weight's gradient is {weight}, as the weight is"
    return (
        Mistake("gradient-flipped", _backwards(*AXES)).says("each kernel's gradient comes flipped, by 180°", should),
        *along_each("gradient-flipped", "each kernel's gradient comes flipped", should, _backwards),
        *transposed_kernels("gradient-transposed", "each kernel's gradient is stored", should, stored_as),
        Mistake("gradient-channels-swapped", stored_as("10s")).says(f"the gradient is stored as {swapped}", should),
        Mistake("batch-first-alone", _images_alone(slice(1))).says("it is the gradient of the first image alone", _ALL),
        Mistake("batch-last-alone", _images_alone(slice(-1, None))).says(
            "it is the gradient of the last image alone", _ALL
        ),
        *(
            Mistake("image-blocks-overwritten", partial(_last_block_alone, step=step)).says(
                f"each block of {step} images overwrites the gradient of those before it", _ALL
            )
            for step in (2, 4, 8)
        ),
        Mistake("all-averaged", _averaged(lambda shape: shape[0] * math.prod(shape[2:]))).says(
            "the gradient is divided by N·P·Q", _ALL
        ),
        Mistake("batch-averaged", _averaged(lambda shape: shape[0])).says("the gradient is divided by N", _ALL),
        Mistake("positions-averaged", _averaged(lambda shape: math.prod(shape[2:]))).says(
            "the gradient is divided by P·Q", _ALL
        ),
        Mistake("gradient-not-cropped", lambda reading: reading, is_of_size=True).says(
            "the rows that the stride leaves over make the kernel's gradient larger",
            "the gradient has as many taps as the weight",
        ),
        *CROPPED,
    )


GRADIENT: Final = gradient_of("(O, C/G, K_h, K_w)", "(C/G, O)")
TRANSPOSED_GRADIENT: Final = gradient_of("(C, O/G, K_h, K_w)", "(O/G, C)")
TRANSPOSED_GROUPS: Final = groups_of(OF_TRANSPOSED)
TRANSPOSED_GROUPS_OF_CHANNELS: Final = groups_of_channels(OF_TRANSPOSED)
TRANSPOSED_LAYOUT: Final = (*layout_of(OF_TRANSPOSED), WEIGHT_UNTRANSPOSED)
EXTRA: Final = PerAxis("output-padding-cropped", _extra_cropped).says(
    "what the output padding adds beyond the padding is taken off the end of the gradient",
    "the gradient is as large as what was scattered, whatever the output padding adds to the output",
)
