"""The smallest case that tells mistakes apart which one output cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import numbers_text, parse_case
from refconv.testing.diagnosis.directions import Convolution
from refconv.testing.diagnosis.evidence import is_near
from refconv.testing.diagnosis.mistakes import Mistake
from refconv.testing.diagnosis.reading import Reading, spread
from refconv.testing.diagnosis.right_reading import reading_of

OUTPUTS = 64  # of each case that are predicted


def separating_case(right: Reading, mistakes: Sequence[Mistake]) -> str:
    """Return the smallest of some cases like this one in which most of the mistakes differ; empty if none do.

    There are such cases for conv2d only.
    """
    if type(right) is not Convolution or right.rank != 2:  # nor for what only walks the way of one
        return ""
    best, most = "", 1
    for case in sorted(_variations(right), key=_cost):
        kinds = _kinds(case, mistakes)
        if kinds > most:
            best, most = case.id, kinds
        if most == len(mistakes):
            break
    return best


def _cost(case: Case) -> int:
    return int(np.prod(case.input_shape) * np.prod(case.weight_shape))


def _variations(right: Reading) -> Iterator[Case]:
    """Yield cases with the same kernel in which one parameter differs from here, and along the axes."""
    kernel = tuple(axis.kernel_size for axis in right.axes)
    here = {
        "s": tuple(axis.stride for axis in right.axes),
        "p": tuple(axis.padding[0] for axis in right.axes),
        "d": tuple(axis.dilation for axis in right.axes),
    }
    changes = [{}, *({letter: pair} for letter in here for pair in ((2, 3), (3, 2))), {"p": (4, 5)}]
    for batch, (channels, outputs, groups), change in product((1, 3), ((1, 1, 1), (4, 6, 2), (6, 9, 3)), changes):
        parts = here | change
        axes = zip(kernel, parts["s"], parts["d"], (2, 3), strict=True)
        size = "x".join(str(d * (k - 1) + 1 + steps * s) for k, s, d, steps in axes)
        numbers = "-".join(f"{letter}{numbers_text(*pair)}" for letter, pair in {"k": kernel, **parts}.items())
        yield parse_case(f"n{batch}-c{channels}-o{outputs}-g{groups}-{size}-{numbers}-bias-f32")


def _kinds(case: Case, mistakes: Sequence[Mistake]) -> int:
    """Return how many different outputs the mistakes make of a case."""
    right, dtype = reading_of(case.call()), case.result_dtype
    places = spread(right.everywhere(), OUTPUTS)
    outputs: list[tuple[Array, Array]] = []
    for mistake in mistakes:
        reading = mistake.made(right)
        values, bound = reading.values(places), reading.bounds(places, dtype)
        if not any(is_near(values, other, bound).all() for other, bound in outputs):
            outputs.append((values, bound))
    return len(outputs)
