"""Why has an output another shape, or another type, than it should?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Final

import numpy as np

from refconv.formats import Array
from refconv.testing.evidence import Evidence, is_near
from refconv.testing.finding import Finding
from refconv.testing.mistakes import Mistake
from refconv.testing.reading import Reading
from refconv.testing.reference import Reference

UNKNOWN_SHAPE: Final = "wrong-shape"
_AXES: Final = "NOPQ"


def type_findings(actual: Array, dtype: np.dtype[np.generic]) -> list[Finding]:
    """Say that the numbers are right and their type is not; nothing where that is right, too."""
    if actual.dtype.newbyteorder("=") == dtype:
        return []
    return [Finding("wrong-dtype", f"the numbers are right, but of type {actual.dtype}", reading=f"dtype {dtype}")]


def shape_findings(actual: Array, right: Reading, reference: Reference, mistakes: Sequence[Mistake]) -> list[Finding]:
    """Explain an output of the wrong shape: by right numbers in another arrangement, or by a mistake that sizes it."""
    should = f"shape {right.shape}"
    for code, words, arranged in _arrangements(actual, right):
        if not Evidence.of(arranged, right, reference).count:
            return [Finding(code, f"the numbers are right, but {words}", reading=should)]
    found = {mistake.code: mistake for mistake in reversed(mistakes) if _sizes(mistake, actual, right, reference.dtype)}
    if found:
        codes = [mistake.code for mistake in mistakes if mistake.code in found]
        return [
            Finding(
                code,
                f"{found[code].sentence}, and the output is sized by that",
                reading=found[code].should,
                alternatives=tuple(dict.fromkeys(other for other in codes if other != code)),
            )
            for code in dict.fromkeys(codes)
        ]
    return [Finding(UNKNOWN_SHAPE, f"the shape is {actual.shape}, where {right.shape} was expected", reading=should)]


def _arrangements(actual: Array, right: Reading) -> Iterator[tuple[str, str, Array]]:
    """Yield the output with its axes in every other order, and its elements as they come."""
    if actual.size != np.prod(right.shape):
        return
    for order in permutations(range(4)):
        if order != (0, 1, 2, 3) and actual.shape == tuple(right.shape[axis] for axis in order):
            names = "".join(_AXES[axis] for axis in order)
            yield f"output-as-{names.lower()}", f"the axes come as {names}", actual.transpose(np.argsort(order))
    yield "wrong-shape-right-numbers", f"the shape is {actual.shape}", actual.reshape(right.shape)


def _sizes(mistake: Mistake, actual: Array, right: Reading, dtype: np.dtype[np.generic]) -> bool:
    """Whether a kernel with this mistake, also in the output's size, gives this output."""
    reading = mistake.change(right)
    natural = replace(reading, size=reading.natural_size)
    if min(natural.size) < 1 or natural.shape != actual.shape:
        return False
    places = natural.everywhere()
    return bool(is_near(actual.reshape(-1), natural.values(places), natural.bounds(places, dtype)).all())
