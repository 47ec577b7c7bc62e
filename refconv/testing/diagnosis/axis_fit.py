"""The affine rule that a traced axis follows: ``row = a·p + a'·q + b·i + b'·j + c``, in whole numbers.

Each coefficient is the commonest step from one output, or one tap, to the next, so that borders which follow no rule
(clamped, wrapped, reflected) do not disturb what is read off the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refconv.numbers.formats import Array

UNREAD = -1  # in place of a pixel: the tap read none, or several


@dataclass(frozen=True, slots=True)
class AxisFit:
    """The rule of one axis, ``steps[0]·p + steps[1]·q + steps[2]·i + steps[3]·j + start``.

    Attributes
    ----------
    steps : tuple of int
        The pixels from one output row, output column, tap row and tap column to the next.
    start : int
        The pixel that output (0, 0) reads through tap (0, 0), negative in the padding.

    Examples
    --------
    >>> print(AxisFit(steps=(2, 0, -1, 0), start=1))
    2·p − i + 1
    """

    steps: tuple[int, int, int, int]
    start: int

    def __str__(self) -> str:
        """Write the rule as a formula."""
        terms = [(step, letter) for step, letter in zip(self.steps, "pqij", strict=True) if step]
        words = [
            ("−" if step < 0 else "+", letter if abs(step) == 1 else f"{abs(step)}·{letter}") for step, letter in terms
        ]
        if self.start or not words:
            words.append(("−" if self.start < 0 else "+", str(abs(self.start))))
        sign, first = words[0]
        return ("−" if sign == "−" else "") + first + "".join(f" {sign} {word}" for sign, word in words[1:])

    def predict(self, shape: tuple[int, int, int, int]) -> Array:
        """Return the pixel for all p, q, i and j."""
        grid: Array = np.indices(shape)
        predicted: Array = np.tensordot(np.array(self.steps), grid, axes=1) + self.start
        return predicted


def fitted_axis(read: Array, expected: AxisFit) -> AxisFit:
    """Fit the pixels that were read, for all p, q, i and j; what cannot be told is taken to be as expected."""
    steps = tuple(_commonest_step(read, axis, expected.steps[axis]) for axis in range(4))
    slope = AxisFit((steps[0], steps[1], steps[2], steps[3]), 0)
    starts = (read - slope.predict(read.shape))[read != UNREAD]
    return AxisFit(slope.steps, _commonest(starts, expected.start))


def _commonest_step(read: Array, axis: int, otherwise: int) -> int:
    ahead, behind = np.moveaxis(read, axis, 0)[1:], np.moveaxis(read, axis, 0)[:-1]
    return _commonest((ahead - behind)[(ahead != UNREAD) & (behind != UNREAD)], otherwise)


def _commonest(numbers: Array, otherwise: int) -> int:
    """Return the commonest of some numbers, `otherwise` where there are none or where it is among the commonest."""
    values, counts = np.unique(numbers, return_counts=True)
    if not values.size or otherwise in values[counts == counts.max()]:
        return otherwise
    return int(values[np.argmax(counts)])
