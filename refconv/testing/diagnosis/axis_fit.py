"""The affine rule that a traced axis follows: ``row = a·p + a'·q + b·i + b'·j + c``, in whole numbers.

Each coefficient is the commonest step from one output, or one tap, to the next, so that borders which follow no rule
(clamped, wrapped, reflected) do not disturb what is read off the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array

UNREAD: Final = -1  # in place of a pixel: the tap read none, or several
LETTERS: Final = {2: "pi", 4: "pqij", 6: "rpqkij"}  # of the outputs and then of the taps, by how many there are


@dataclass(frozen=True, slots=True)
class AxisFit:
    """The rule of one axis, of two ``steps[0]·p + steps[1]·q + steps[2]·i + steps[3]·j + start``.

    Attributes
    ----------
    steps : tuple of int
        The pixels from one output to the next along each axis, and then from one tap to the next.
    start : int
        The pixel that the first output reads through the first tap, negative in the padding.

    Examples
    --------
    >>> print(AxisFit(steps=(2, 0, -1, 0), start=1))
    2·p − i + 1
    """

    steps: tuple[int, ...]
    start: int

    def __str__(self) -> str:
        """Write the rule as a formula."""
        letters = LETTERS[len(self.steps)]
        terms = [(step, letter) for step, letter in zip(self.steps, letters, strict=True) if step]
        words = [
            ("−" if step < 0 else "+", letter if abs(step) == 1 else f"{abs(step)}·{letter}") for step, letter in terms
        ]
        if self.start or not words:
            words.append(("−" if self.start < 0 else "+", str(abs(self.start))))
        sign, first = words[0]
        return ("−" if sign == "−" else "") + first + "".join(f" {sign} {word}" for sign, word in words[1:])

    def predict(self, shape: Index) -> Array:
        """Return the pixel for all outputs and taps."""
        grid: Array = np.indices(shape)
        predicted: Array = np.tensordot(np.array(self.steps), grid, axes=1) + self.start
        return predicted


def expected_fit(axis: AxisGeometry, place: int, rank: int) -> AxisFit:
    """``S·p + D·i − T``, along one of so many axes."""
    steps = [0] * (2 * rank)
    steps[place], steps[rank + place] = axis.stride, axis.dilation
    return AxisFit(tuple(steps), -axis.padding[0])


def fitted_axis(read: Array, expected: AxisFit) -> AxisFit:
    """Fit the pixels that were read, for all outputs and taps; what cannot be told is taken to be as expected."""
    steps = tuple(_commonest_step(read, axis, expected.steps[axis]) for axis in range(read.ndim))
    starts = (read - AxisFit(steps, 0).predict(read.shape))[read != UNREAD]
    return AxisFit(steps, _commonest(starts, expected.start))


def _commonest_step(read: Array, axis: int, otherwise: int) -> int:
    ahead, behind = np.moveaxis(read, axis, 0)[1:], np.moveaxis(read, axis, 0)[:-1]
    return _commonest((ahead - behind)[(ahead != UNREAD) & (behind != UNREAD)], otherwise)


def _commonest(numbers: Array, otherwise: int) -> int:
    """Return the commonest of some numbers, `otherwise` where there are none or where it is among the commonest."""
    values, counts = np.unique(numbers, return_counts=True)
    if not values.size or otherwise in values[counts == counts.max()]:
        return otherwise
    return int(values[np.argmax(counts)])
