"""Mistakes that only a gradient can make: in how it is stored and averaged, conjugated, and filled up to its shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from refconv.geometry.plan import Index
from refconv.testing.diagnosis.mistakes import Change, Mistake
from refconv.testing.diagnosis.mistakes_in_channels import stored_as
from refconv.testing.diagnosis.reading import AXES, Places
from refconv.testing.diagnosis.right_reading import conjugate

_ALL = "Σ over all images and all outputs, not averaged"
_GRADIENT = "the weight's gradient is (O, C/G, K_h, K_w), as the weight is"


def _stored_backwards(*names: str) -> Change:
    """Store the result the other way round along some axes."""

    def origin(places: Places, shape: Index) -> Places:
        backwards = {len(shape) - 3 + AXES.index(name) for name in names} - {0, 1}
        found = enumerate(zip(places, shape, strict=True))
        return tuple(size - 1 - place if axis in backwards else place for axis, (place, size) in found)

    return lambda reading: replace(reading, origin=origin)


def _images_alone(which: slice) -> Change:
    return lambda reading: replace(reading, images=reading.images[which], output=reading.output[which])


def _averaged(number: Callable[[Index], int]) -> Change:
    return lambda reading: replace(reading, output=reading.output / number(reading.output.shape))


UNREAD: Final = (
    Mistake(
        "unread-rows-dropped",
        "the rows and columns that the stride leaves unread are missing",
        "the result has the shape that is asked for; pixels that no output read are 0",
        lambda reading: reading,
        is_of_size=True,
    ),
)

UNCONJUGATED: Final = (
    Mistake(
        "conjugate-missing",
        "the other factor is not conjugated",
        "the gradient of a complex convolution is made of the conjugate of the other factor",
        lambda reading: replace(reading, weight=conjugate(reading.weight), input=conjugate(reading.input)),
    ),
)

GRADIENT: Final = (
    Mistake("gradient-flipped", "each kernel's gradient comes flipped, by 180°", _GRADIENT, _stored_backwards(*AXES)),
    Mistake(
        "gradient-flipped-along-height",
        "each kernel's gradient comes flipped along the height",
        _GRADIENT,
        _stored_backwards("height"),
        is_variant=True,
    ),
    Mistake(
        "gradient-flipped-along-width",
        "each kernel's gradient comes flipped along the width",
        _GRADIENT,
        _stored_backwards("width"),
        is_variant=True,
    ),
    Mistake(
        "gradient-transposed",
        "each kernel's gradient is stored as (K_w, K_h)",
        _GRADIENT,
        stored_as("01t"),
    ),
    Mistake("gradient-channels-swapped", "the gradient is stored as (C/G, O)", _GRADIENT, stored_as("10s")),
    Mistake("batch-first-alone", "it is the gradient of the first image alone", _ALL, _images_alone(slice(1))),
    Mistake("batch-last-alone", "it is the gradient of the last image alone", _ALL, _images_alone(slice(-1, None))),
    Mistake("batch-averaged", "the gradient is divided by N", _ALL, _averaged(lambda shape: shape[0])),
    Mistake(
        "positions-averaged", "the gradient is divided by P·Q", _ALL, _averaged(lambda shape: math.prod(shape[2:]))
    ),
    Mistake(
        "gradient-not-cropped",
        "the rows that the stride leaves over make the kernel's gradient larger",
        "the gradient has as many taps as the weight",
        lambda reading: reading,
        is_of_size=True,
    ),
)
