"""Why has an output another shape, or another type, than it should?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.comparing.reference import Reference
from refconv.testing.diagnosis.directions import WeightAdjoint
from refconv.testing.diagnosis.evidence import Evidence, is_near
from refconv.testing.diagnosis.finding import Finding, equals
from refconv.testing.diagnosis.mistakes import Mistake
from refconv.testing.diagnosis.reading import Reading

UNKNOWN_SHAPES: Final = {  # by what is wrong in them
    "wrong-shape": "the result has the wrong shape",
    "input-shape": "the result has the size of the input",
    "wrong-number-of-axes": "the result has the wrong number of axes",
    "wrong-number-of-channels": "the result has the wrong number of images or channels",
}


def type_findings(actual: Array, dtype: np.dtype[np.generic]) -> list[Finding]:
    """Say that the numbers are right and their type is not; nothing where that is right, too."""
    if actual.dtype.newbyteorder("=") == dtype:
        return []
    return [Finding("wrong-dtype", f"the numbers are right, but of type {actual.dtype}", reading=f"dtype {dtype}")]


def shape_findings(actual: Array, right: Reading, reference: Reference, mistakes: Sequence[Mistake]) -> list[Finding]:
    """Explain an output of the wrong shape: by right numbers in another arrangement, or by a mistake that sizes it."""
    should = f"shape {reference.truth.shape}"
    for code, words, arranged in _arrangements(actual, right, reference.truth.shape):
        if not Evidence.of(arranged, right, reference).count:
            return [Finding(code, f"the numbers are right, but {words}", reading=should)]
    sized = "and the output is sized by that"
    given: Array = right.input if "input" in right.factors else right.output
    is_given = actual.shape == right.own(given.shape) and bool((right.full(actual) == given).all())
    found = [Finding("input-returned", "it returns what it is given, as it is", reading=should)] if is_given else []
    made = (mistake for mistake in mistakes if _sizes(mistake, actual, right, reference.dtype))
    found += [Finding(mistake.code, f"{mistake.sentence}, {sized}", reading=mistake.should) for mistake in made]
    if found:
        return equals(found)
    words = f"the shape is {actual.shape}, where {reference.truth.shape} was expected"
    outer = slice(-right.rank)
    is_of_channels = not right.is_vector and actual.shape[outer] != reference.truth.shape[outer]
    is_of_input = actual.shape[-right.rank :] == given.shape[-right.rank :]
    code = "wrong-number-of-channels" if is_of_channels else "input-shape" if is_of_input else "wrong-shape"
    return [Finding(code if actual.ndim == reference.truth.ndim else "wrong-number-of-axes", words, reading=should)]


def _arrangements(actual: Array, right: Reading, shape: tuple[int, ...]) -> Iterator[tuple[str, str, Array]]:
    """Yield the output with its axes in every other order, and its elements as they come."""
    if not actual.size == math.prod(shape) > 0:
        return
    for order in permutations(range(len(shape))):
        if list(order) != sorted(order) and actual.shape == tuple(shape[axis] for axis in order):
            names = "".join(right.own_letters[axis] for axis in order)
            code = _mistaken_orders(right).get(order, f"output-as-{names.lower()}")
            yield code, f"the axes come as {names}", actual.transpose(np.argsort(order))
    yield "wrong-shape-right-numbers", f"the shape is {actual.shape}", actual.reshape(shape)


def _mistaken_orders(right: Reading) -> dict[tuple[int, ...], str]:
    """Return the orders of axes that a weight's gradient has by a mistake of its own."""
    if not isinstance(right, WeightAdjoint):
        return {}
    *first, last = space = tuple(range(2, 2 + right.rank))
    turned = {(0, 1, *space[::-1]), (0, 1, *first[:-1], last, *first[-1:])}
    return dict.fromkeys(turned, "gradient-transposed") | {(1, 0, *space): "gradient-channels-swapped"}


def _sizes(mistake: Mistake, actual: Array, right: Reading, dtype: np.dtype[np.generic]) -> bool:
    """Whether a kernel with this mistake, also in the output's size, gives this output."""
    natural = mistake.made(right).naturally_sized()
    if min(natural.size) < 1 or natural.own(natural.shape) != actual.shape:
        return False
    if natural.shape == right.naturally_sized().shape and not mistake.is_of_size:
        return False  # pixels that a stride leaves over are no matter of a mistake that changes nothing here
    places, found = natural.everywhere(), natural.full(actual).reshape(-1)
    return bool(is_near(found, natural.values(places), natural.bounds(places, dtype)).all())
