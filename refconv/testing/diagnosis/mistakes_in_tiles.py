"""Mistakes of what is computed a tile at a time, or through a buffer that is too short: what lies between two tiles.

A tile of m outputs reads ``S·(m − 1) + D·(K − 1) + 1`` pixels and shares ``D·(K − 1) + 1 − S`` of them with the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.directions import Convolution
from refconv.testing.diagnosis.mistakes import (
    ANY_AXES,
    SEVERAL_AXES,
    Mistake,
    along_all_and_each,
    beyond,
    changed,
    read_as,
)
from refconv.testing.diagnosis.reading import Places, Reading


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


@dataclass(frozen=True)
class TiledAxis(AxisGeometry):
    """An axis whose outputs are made in tiles, each of which reads a tile of pixels, and no further."""

    tile: int = 0
    is_centred: bool = False  # whether it begins where the tile of outputs does, whatever the padding

    def input_index(self, output: int, tap: int) -> int:
        """Return an index beyond the last pixel for one beyond the tile."""
        index = AxisGeometry.input_index(self, output, tap)
        size = self.stride * self.tile
        start = output // self.tile * size - (0 if self.is_centred else self.padding[0])
        return index if start <= index < start + size else beyond(self)


@dataclass(frozen=True)
class RollingAxis(AxisGeometry):
    """An axis whose pixels lie in a buffer, where each takes the place of the one that is `length` before it."""

    held: Callable[[AxisGeometry], int] = lambda axis: axis.effective_kernel_size

    def input_index(self, output: int, tap: int) -> int:
        """Return the last pixel in its place, of those that the window of this output has brought."""
        index, last = (AxisGeometry.input_index(self, output, at) for at in (tap, self.kernel_size - 1))
        length = max(1, self.held(self))
        return index + (last - index) // length * length


@dataclass(frozen=True)
class CircularAxis(AxisGeometry):
    """An axis that is transformed in the next power of two, of which one end follows the other."""

    def input_index(self, output: int, tap: int) -> int:
        """Return the index modulo that length; pixels beyond the last one are 0."""
        length = 1 << (max(self.input_size, self.effective_kernel_size) - 1).bit_length()
        return AxisGeometry.input_index(self, output, tap) % length


@dataclass(frozen=True)
class ReplacedAxis(AxisGeometry):
    """An axis whose outputs arrive in tiles, each of which is stored over what the ones before it have added."""

    tile: int = 0

    def input_index(self, output: int, tap: int) -> int:
        """Return an index beyond the last pixel where the next tile is stored over this one."""
        index = AxisGeometry.input_index(self, output, tap)
        following = (output // self.tile + 1) * self.tile
        is_kept = following >= self.output_size or index < AxisGeometry.input_index(self, following, 0)
        return index if is_kept else beyond(self)


HALO: Final = tuple(
    mistake
    for tile in (16, 8, 4)
    for is_centred in (False, True)
    for mistake in along_all_and_each(
        "tile-reads-no-further",
        f"tiles of {tile} outputs read the pixels of their own tile alone: zeros stand for its neighbours'",
        "the pixels of a tile reach D·(K − 1) further than S·m, for m outputs",
        read_as(TiledAxis, tile=tile, is_centred=is_centred),
    )
)
TILES: Final = tuple(
    Mistake("tile-step-of-kernel", partial(_tiled, tile=tile)).says(
        f"tiles of {tile} outputs begin K − 1 pixels apart, where they hold {tile}",
        "tile t holds the outputs m·t ... m·t + m − 1, and begins at pixel m·t",
    )
    for tile in (4, 6, 8)
)


def _repeated_products(reading: Reading, *, step: int) -> Array:
    """Double the weights of products that are left in a buffer of so many when the last, shorter block is added up."""
    weight = reading.weight.reshape(len(reading.weight), -1).copy()
    weight[:, _left_over(weight.shape[1], step)] *= 2
    return weight.reshape(reading.weight.shape)


def _repeated_arrivals(reading: Reading, *, step: int) -> Array:
    """Double what arrives at outputs of an image that are left in such a buffer."""
    arriving = reading.output.reshape(*reading.output.shape[:2], -1).copy()
    arriving[..., _left_over(arriving.shape[2], step)] *= 2
    return arriving.reshape(reading.output.shape)


def _first_twice(reading: Reading, *, axis: int, step: int) -> Array:
    """Double what arrives first of each tile but the first one, along an axis."""
    arriving = reading.output.copy()
    np.moveaxis(arriving, axis, 0)[step::step] *= 2
    return arriving


def _left_over(count: int, step: int) -> slice:
    """Return which of so many are in the block before the last, at the places that the last, shorter one leaves.

    Of 10 in blocks of 4, the last has 8 and 9, and leaves 6 and 7.
    """
    whole, rest = divmod(count, step)
    return slice((whole - 1) * step + rest, whole * step) if whole and rest else slice(0)


def _stale(words: str, change: Callable[..., Array], part: str) -> tuple[Mistake, ...]:
    return tuple(
        Mistake("tail-repeats-block-before", changed(part, partial(change, step=step))).says(
            f"{words} are added up in blocks of {step}, and the last counts again what is left of the one before",
            "what a buffer holds beyond the last element is 0",
        )
        for step in (4, 8, 16)
    )


STALE_PRODUCTS: Final = _stale("the C/G·K_h·K_w products", _repeated_products, "weight")
STALE_ARRIVALS: Final = _stale("the P·Q outputs of an image", _repeated_arrivals, "output")
INCLUSIVE: Final = tuple(
    Mistake("tile-ends-inclusive", changed("output", partial(_first_twice, axis=axis, step=step)), ranks=ranks).says(
        f"the {part} that arrive are added up in tiles of {step} and one, so that those between two tiles count twice",
        "a tile ends before the next one begins",
    )
    for part, axis, ranks in (("rows", -2, SEVERAL_AXES), ("columns", -1, ANY_AXES), ("images", 0, ANY_AXES))
    for step in (16, 8, 4, 2)
)
ROLLING: Final = tuple(
    mistake
    for words, held in (
        ("the largest power of two within what", lambda axis: 1 << (axis.effective_kernel_size.bit_length() - 1)),
        ("K pixels, whatever the dilation makes of what", lambda axis: axis.kernel_size),
        ("one pixel fewer than", lambda axis: axis.effective_kernel_size - 1),
    )
    for mistake in along_all_and_each(
        "buffer-too-short",
        f"the first pixels of a window are overwritten by its last ones in a buffer of {words} it spans",
        "it holds the D·(K − 1) + 1 pixels of a window",
        read_as(RollingAxis, held=held),
    )
)
CIRCULAR: Final = along_all_and_each(
    "transform-too-short",
    "what lies past one end is read at the other: a transform has a power of two for the image, without its padding,",
    "a transform is as long as the image and all of its padding, or zeros lie between its ends",
    read_as(CircularAxis),
)
REPLACED: Final = tuple(
    mistake
    for tile in (32, 16, 8, 4)
    for mistake in along_all_and_each(
        "tile-overlaps-overwritten",
        f"each tile of {tile} outputs that arrive overwrites what the tile before it has added",
        "where what tiles add overlaps, it is added up",
        read_as(ReplacedAxis, tile=tile),
    )
)
