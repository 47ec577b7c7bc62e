"""Where is an output wrong, and what stands there?  The tightest true sentence, tried from simple to fine.

Where something known stands (zeros, the bias alone ...), a region explains the output if that stands all over the
region, and every wrong element lies in it.  Where nothing known does, the wrong elements must fill the region, or
nearly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

import numpy as np

from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.contents import Content, contents
from refconv.testing.diagnosis.directions import Convolution, WeightAdjoint
from refconv.testing.diagnosis.evidence import Evidence
from refconv.testing.diagnosis.finding import Finding, equals
from refconv.testing.diagnosis.reading import Reading, table

NEARLY: Final = 0.75  # of a region: right numbers among wrong ones may be chance, as where a wrong tap reads a zero
PERIODS: Final = (2, 3, 4, 8, 16, 32)
MANY: Final = 16  # lanes, of which a small output has one of each number
TILES: Final = (32, 16, 8, 6, 4, 2)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an output, by a stable code, ``"columns-past-tile"``, and in words."""

    code: str
    words: str
    mask: Array  # what belongs to it, in a shape that broadcasts to the output's
    is_box: bool = False  # whether its sides are those of this output alone, with no meaning in another
    needs_content: bool = False  # whether it is worth a word only where something known stands


def regions(right: Reading, at: Index) -> Iterator[Region]:
    """Yield the regions of an output that are known to go wrong, the simplest first; of phases, those of one place."""
    shape = right.shape
    yield Region("everywhere", "everywhere", np.ones((1,) * len(shape), bool))
    axes, grouped = right.names, right.grouped
    yield Region(f"{_code(axes[0])}-after-first", f"in all {axes[0]} after the first", _from(0, 1, shape))
    if right.groups > 1:
        first = shape[grouped] - shape[grouped] // right.groups
        words = f"in the last group, from {_one(axes[grouped])} {first} on"
        yield Region(f"{_code(axes[grouped])}-last-group", words, _from(grouped, first, shape))
    for half in (shape[grouped] // 2, (shape[grouped] + 1) // 2):
        words = f"in the second half of the {axes[grouped]}, from {half} on"
        yield Region(f"{_code(axes[grouped])}-second-half", words, _from(grouped, half, shape))
    if isinstance(right, Convolution):
        yield Region("border", "where the window touches the padding", touches_padding(right)[np.newaxis, np.newaxis])
    if max(right.size) > 1:
        last = [_from(axis, shape[axis] - 1, shape) for axis in range(2, len(shape))]
        words = f"at the last {_pixel(right)}{' (bottom right)' if right.rank == 2 else ''}"
        yield Region(f"last-{_pixel(right)}", words, reduce(np.logical_and, last))
    counted = list(_counted(right))
    along, through = counted[: len(shape)], counted[len(shape) :]
    yield from (region for each in along for region in _past_tiles(*each))
    yield from _past_tiles_along_any(right)
    for bits in (16, 31):
        if math.prod(shape) > 2**bits:
            mask = np.arange(math.prod(shape)).reshape(shape) >= 2**bits
            yield Region(f"past-2^{bits}", f"from element number 2^{bits} on", mask)
    yield from (region for each in along for region in _phases(*each, at))
    for axis in range(len(shape)):
        yield from _single(axes[axis], axis, shape)
    yield from (region for each in through for region in _past_tiles(*each))
    yield from (region for each in through for region in _phases(*each, at))
    yield from (region for each in counted for region in _in_two_tiles(*each))


def _pixel(right: Reading) -> str:
    """Return what a place along all axes of space is called."""
    return "tap" if isinstance(right, WeightAdjoint) else "pixel"


def _one(many: str) -> str:
    """Return the singular of an axis: ``"kernel row"``."""
    return many.removesuffix("s")


def _code(words: str) -> str:
    """Write an axis as codes have it: ``"kernel-rows"``."""
    return words.replace(" ", "-")


def _along(axis: int, chosen: Array, shape: Index) -> Array:
    """Return a mask over one axis in a shape that broadcasts to the output's."""
    return chosen.reshape([-1 if place == axis else 1 for place in range(len(shape))])


def _from(axis: int, first: int, shape: Index) -> Array:
    return _along(axis, np.arange(shape[axis]) >= first, shape)


def _counted(right: Reading) -> Iterator[tuple[str, Array]]:
    """Yield what a loop may count, and the numbers: along each axis, then through a map, the maps, and all of memory.

    A kernel whose vectors run over a map of 3×5 as over a line of 15 leaves pixels 12 to 14 over, a piece of a row.
    """
    shape = right.shape
    for axis, many in enumerate(right.names):
        yield many, _along(axis, np.arange(shape[axis]), shape)
    if sum(size > 1 for size in right.size) > 1:
        yield f"map {_pixel(right)}s", np.arange(math.prod(right.size)).reshape(1, 1, *right.size)
    if min(shape[:2]) > 1:
        yield "maps", np.arange(shape[0] * shape[1]).reshape(*shape[:2], *(1,) * right.rank)
    yield "elements", np.arange(math.prod(shape)).reshape(shape)


def _past_tiles(many: str, number: Array) -> Iterator[Region]:
    for tile in TILES:
        first = number.size // tile * tile
        if first < number.size:
            words = f"in the {many} past the last whole tile of {tile}"  # which they are is another matter in each case
            yield Region(f"{_code(many)}-past-tile", words, number >= first)


def _past_tiles_along_any(right: Reading) -> Iterator[Region]:
    """Yield what is left over of tiles along some axis of space: an L at the bottom and on the right."""
    axes = range(2, len(right.shape))
    words = " or ".join(right.names[axis] for axis in axes)
    for tile in TILES if right.rank > 1 else ():
        firsts = {axis: right.shape[axis] // tile * tile for axis in axes}
        if sum(0 < first < right.shape[axis] for axis, first in firsts.items()) > 1:
            mask = reduce(np.logical_or, (_from(axis, first, right.shape) for axis, first in firsts.items()))
            yield Region(f"{_pixel(right)}s-past-tile", f"in the {words} past the last whole tile of {tile}", mask)


def _in_two_tiles(many: str, number: Array) -> Iterator[Region]:
    """Yield what is computed twice where the last tile is moved back, to end where they end."""
    for tile in TILES:
        first = number.size // tile * tile
        if tile <= first < number.size:
            words = f"in the {many} that the last two tiles of {tile} share"
            mask = (number >= number.size - tile) & (number < first)
            yield Region(f"{_code(many)}-in-two-tiles", words, mask, needs_content=True)


def _phases(many: str, number: Array, at: Index) -> Iterator[Region]:
    here = int(number[tuple(place if size > 1 else 0 for place, size in zip(at, number.shape, strict=True))])
    for period in PERIODS:
        mask = number % period == here % period
        if 1 + (period < MANY) <= mask.sum() < number.size > period:
            yield Region(f"{_code(many)}-modulo", f"in {many} {here % period} modulo {period}", mask)


def _single(many: str, axis: int, shape: Index) -> Iterator[Region]:
    one = _one(many)
    if shape[axis] > 1:
        for index in {0, shape[axis] // 2, shape[axis] - 1}:
            mask = _along(axis, np.arange(shape[axis]) == index, shape)
            which = f"the last {one}" if index == shape[axis] - 1 else f"{one} {index}"
            yield Region(f"one-{_code(one)}", f"in {which} alone", mask, is_box=True)


def locate(evidence: Evidence, content: Content | None = None) -> list[Region]:
    """Return the regions that hold all wrong elements, and nothing that contradicts them, the simplest first.

    Nothing contradicts where the content stands all over the region; without a content, where the region is wrong, or
    nearly.
    """
    found: dict[str, Region] = {}
    if not evidence.count:
        return []
    for region in regions(evidence.right, tuple(int(along[0]) for along in evidence.places)):
        is_worth = content is not None or not region.needs_content
        if is_worth and (region.mask | ~evidence.wrong).all() and _is_filled(region.mask, evidence, content):
            found.setdefault(region.words, region)  # of one code, tiles of 4 and of 8: other cases tell which it is
    return list(found.values()) or list(_boxes(evidence))


def _is_filled(mask: Array, evidence: Evidence, content: Content | None) -> bool:
    if content is not None:
        return bool((content.mask | ~mask).all())
    whole = np.broadcast_to(mask, evidence.wrong.shape)
    return bool(evidence.count >= NEARLY * whole.sum())


def _boxes(evidence: Evidence) -> Iterator[Region]:
    """Yield the smallest box around the wrong elements, named by its sides, if they fill it."""
    sides = [np.unique(axis) for axis in evidence.places]
    if evidence.count < NEARLY * np.prod([len(side) for side in sides]):
        return
    shape, axes = evidence.wrong.shape, evidence.right.names
    named = [(axis, side) for axis, side in enumerate(sides) if len(side) < shape[axis]]
    if not named:
        return  # scattered all over it
    is_pixel = all(len(sides[axis]) == 1 < shape[axis] for axis in range(2, len(shape)))
    code = f"one-{_pixel(evidence.right)}" if is_pixel else "+".join(f"some-{_code(axes[axis])}" for axis, _ in named)
    words = ", ".join(listed(axes[axis], side) for axis, side in named)
    yield Region(code, f"in {words}", evidence.wrong, is_box=True)


def listed(many: str, side: Array) -> str:
    """Write one index, a few, or the first and the last of many."""
    if len(side) == 1:
        return f"{_one(many)} {side[0]}"
    if len(side) <= 4:
        return f"{many} {', '.join(map(str, side))}"
    return f"{many} {side[0]} to {side[-1]}" + (
        "" if side[-1] - side[0] + 1 == len(side) else f" ({len(side)} of them)"
    )


def touches_padding(reading: Reading) -> Array:
    """Whether each output's window touches the padding, (P, Q)."""
    along = [(table(axis, axis.output_size, "zeros") < 0).any(axis=1) for axis in reading.axes]
    return np.asarray(reduce(np.logical_or.outer, along))


def filled_regions(evidence: Evidence) -> list[Finding]:
    """Return where it is wrong and what stands there, under each name of both; empty where nothing known does."""
    found = []
    for content in contents(evidence):
        if not content.has_region:
            found.append(Finding(content.code, content.sentence))
            continue
        found_here = locate(evidence, content)
        if content.is_derived and found_here and found_here[0].code == "everywhere":
            found_here = found_here[:1]  # a part of the truth, altered like the rest of it, is no part
        for region in found_here:
            place = "all" if region.code == "everywhere" else region.code
            sentence = f"it is wrong {region.words}: {content.sentence}"
            found.append(Finding(f"{place}-{content.code}", sentence, is_partial=region.is_box))
    return equals(found, evidence.count)


def bare_regions(evidence: Evidence) -> list[Finding]:
    """Return where it is wrong, if that is anything less than everywhere."""
    found = locate(evidence)
    if any(region.code == "everywhere" for region in found):
        return []
    places = [Finding(region.code, f"it is wrong {region.words}", is_partial=region.is_box) for region in found]
    return [replace(finding, is_place=True) for finding in equals(places, evidence.count)]
