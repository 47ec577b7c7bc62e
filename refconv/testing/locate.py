"""Where is an output wrong, and what stands there?  The tightest true sentence, tried from simple to fine.

The wrong elements of most faulty kernels fill a box, or nearly: some images, channels, rows and columns.  Each side of
the box is then named by itself (all of them; all after the first; those past the last whole tile of 4).  What is no box
is looked for along the border and in the order of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from refconv.dtypes import Array
from refconv.testing.contents import content
from refconv.testing.evidence import Evidence
from refconv.testing.finding import Finding
from refconv.testing.reading import Reading

NEARLY: Final = 0.75  # of a region: right numbers among wrong ones may be chance, as where a wrong tap reads a zero
TILES: Final = (2, 4, 6, 8, 16, 32, 64)
AXES: Final = (("images", "image"), ("channels", "channel"), ("rows", "row"), ("columns", "column"))


@dataclass(frozen=True, slots=True)
class Location:
    """A region that holds all wrong elements, and little else.

    Attributes
    ----------
    code : str
        Stable: ``"columns-past-tile"``.
    sentence : str
        Which elements are wrong, in words.
    """

    code: str
    sentence: str


def locate(evidence: Evidence) -> list[Location]:
    """Return the names of the region in which the wrong elements lie, the simplest first; empty if there is none."""
    if not evidence.count:
        return []
    box = [np.unique(axis) for axis in evidence.places]
    if evidence.count >= NEARLY * np.prod([len(side) for side in box]):
        return [*_border(evidence), *_named_box(evidence, box)]
    return [*_border(evidence), *_irregular(evidence)]


def _named_box(evidence: Evidence, box: list[Array]) -> list[Location]:
    """Name each side of the box that is not whole; the first names together, then each side's other names."""
    sides = [
        names
        for axis, chosen in enumerate(box)
        if (names := _side_names(axis, chosen, evidence.wrong.shape[axis], evidence.right))
    ]
    if not sides:
        return [Location("everywhere", "everything is wrong")]
    boxes = [[names[0] for names in sides]]
    boxes += [
        [other if place == side else names[0] for place, names in enumerate(sides)]
        for side, others in enumerate(sides)
        for other in others[1:]
    ]
    return [
        Location("+".join(code for code, _ in names), "wrong: " + ", in ".join(text for _, text in names))
        for names in boxes
    ]


def _side_names(axis: int, chosen: Array, total: int, right: Reading) -> list[tuple[str, str]]:
    """Return codes and words for some images, channels, rows or columns; nothing for all of them."""
    many, one = AXES[axis]
    first, last, count = int(chosen[0]), int(chosen[-1]), len(chosen)
    if count == total:
        return []
    names = list(_tail_names(axis, first, total, right)) if last == total - 1 and count == total - first else []
    if count == 1:
        names.append((f"one-{one}", f"{one} {first} alone"))
    for period in (2, 3, 4, 8):
        if count > 1 and np.array_equal(chosen, np.arange(first % period, total, period)):
            names.append((f"{many}-modulo", f"{many} {first % period} modulo {period}"))
    if names:
        return names
    if last - first + 1 == count:
        return [(f"{many}-band", f"{many} {first} to {last}")]
    return [(f"some-{many}", f"{count} of {total} {many}")]


def _tail_names(axis: int, first: int, total: int, right: Reading) -> Iterator[tuple[str, str]]:
    """Yield the names of what goes on to the end: the last tile, the second half, the last group."""
    many, _ = AXES[axis]
    if axis == 0 and first == 1:
        yield "images-after-first", "all images after the first"
        return
    each = total // right.groups
    if axis == 1 and right.groups > 1 and total - first == each:
        yield "channels-last-group", f"the last group, channels {first} to {total - 1}"
    if axis == 1 and first in (total // 2, (total + 1) // 2):
        yield "channels-second-half", f"the second half of the channels, from {first}"
    for tile in TILES:
        if first == total // tile * tile:
            yield f"{many}-past-tile", f"{many} {first} to {total - 1} of {total}, past the last whole tile of {tile}"
            return


def _border(evidence: Evidence) -> Iterator[Location]:
    """Yield the name of all outputs whose window touches the padding, if those are wrong, and there are others."""
    touching = touches_padding(evidence.right)
    at_border = evidence.wrong[:, :, touching]
    if at_border.sum() == evidence.count >= NEARLY * at_border.size and not touching.all():
        yield Location("border", f"wrong: the outputs whose window touches the padding{_border_sides(evidence)}")


def _irregular(evidence: Evidence) -> Iterator[Location]:
    """Yield the names of regions that are no box."""
    wrong = evidence.wrong
    flat = np.flatnonzero(wrong)
    for bits in (16, 31):
        if flat[0] >= 2**bits and evidence.count >= NEARLY * (wrong.size - 2**bits):
            yield Location(f"past-2^{bits}", f"wrong: the elements from number 2^{bits} on")
    per_map = wrong.any(axis=(0, 1))
    if per_map.sum() == 1 and wrong.size > 1:
        p, q = np.argwhere(per_map)[0]
        yield Location("one-pixel", f"wrong: pixel ({p}, {q}) of some maps")


def _border_sides(evidence: Evidence) -> str:
    """Name the sides of the border that are wrong, if not all are."""
    rows: Array = evidence.wrong.any(axis=(0, 1, 3))
    columns: Array = evidence.wrong.any(axis=(0, 1, 2))
    sides = {"top": rows[0], "bottom": rows[-1], "left": columns[0], "right": columns[-1]}
    named = [name for name, is_wrong in sides.items() if is_wrong]
    return "" if len(named) == 4 else f" ({', '.join(named)})"


def touches_padding(reading: Reading) -> Array:
    """Whether each output's window touches the padding, (P, Q)."""
    rows = np.array(reading.height.valid_tap_counts) < reading.height.kernel_size
    columns = np.array(reading.width.valid_tap_counts) < reading.width.kernel_size
    touching: Array = np.logical_or.outer(rows, columns)
    return touching


def filled_regions(evidence: Evidence) -> list[Finding]:
    """Return where it is wrong and what stands there, under each name of the place; empty where nothing known does."""
    stands = content(evidence)
    if stands is None:
        return []
    names = {f"{place.code}-{stands.code}": f"{place.sentence}; {stands.sentence}" for place in locate(evidence)}
    return _findings(evidence, names)


def bare_regions(evidence: Evidence) -> list[Finding]:
    """Return where it is wrong, if that is anything less than everywhere."""
    places = [place for place in locate(evidence) if place.code != "everywhere" and not place.code.startswith("some-")]
    return _findings(evidence, {place.code: place.sentence for place in places})


def _findings(evidence: Evidence, names: dict[str, str]) -> list[Finding]:
    count = evidence.count
    others = {code: tuple(other for other in names if other != code) for code in names}
    return [Finding(code, sentence, count, count, "", others[code]) for code, sentence in names.items()]
