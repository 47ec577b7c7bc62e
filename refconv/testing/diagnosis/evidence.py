"""What is known of a wrong output: the numbers, the right reading, and which elements are wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.numbers.formats import Array, float_info
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.reference import Reference, Standard
from refconv.testing.diagnosis.reading import Places, Reading, is_floating, spread
from refconv.testing.diagnosis.right_reading import reading_of

ROUGH = 2.0**-6
MOST = 4096  # of millions, as a layer of a network has, so many that agree leave no doubt
SAMPLE = 48  # wrong elements on which a mistake is tried before it is tried on all ...
FEW = 4  # ... and first of all
MUCH = 8.0  # times nearer must a prediction come than the truth: of honest rounding, none of many mistakes does
FAR = 1e300


class Fit(IntEnum):
    """How far a reading predicts an output."""

    NONE = 0
    PART = 1  # what is wrong, but something else where the output is right
    WHOLE = 2


@dataclass(frozen=True)
class Evidence:
    """A result of the right shape beside the truth, in the axes of the reading."""

    actual: Array  # what came, in the type that it came in
    truth: Array  # in a wide type
    bound: Array  # how far from it an honest kernel may be
    wrong: Array  # where the actual is further away than that
    right: Reading  # what should have been read
    dtype: np.dtype[np.generic]  # the type that the result should have
    roughly: float  # more than any bound here: what is further off than this needs no bound to be wrong
    tried: dict[Any, Fit] = field(default_factory=dict)  # how far each mistake that has been tried predicts it

    @classmethod
    def of(cls, actual: Array, right: Reading, reference: Reference) -> Evidence:
        """Compare a result with the reference, which has its shape, in the axes of the reading."""
        actual, truth, bound = (right.full(array) for array in (actual, reference.truth, reference.allowed))
        sizes = np.concatenate([ROUGH * np.abs(truth).reshape(-1), 4 * bound.reshape(-1)])
        roughly = float(np.max(sizes[np.isfinite(sizes)], initial=0))
        return cls(actual, truth, bound, ~is_near(actual, truth, bound), right, reference.dtype, roughly)

    @cached_property
    def wide(self) -> Array:
        """What came, in the type of the truth."""
        return self.actual.astype(self.truth.dtype)

    @cached_property
    def places(self) -> Places:
        """The places of the wrong elements."""
        return np.nonzero(self.wrong)

    @cached_property
    def count(self) -> int:
        """How many elements are wrong."""
        return int(self.wrong.sum())

    @property
    def bias(self) -> Array:
        """What is added to each map, to be broadcast."""
        return self.right.bias.reshape(*self.right.bias.shape, *(1,) * self.right.rank)

    @property
    def right_places(self) -> Places:
        """The places of the elements that are right."""
        return np.nonzero(~self.wrong)

    @cached_property
    def _asked(self) -> tuple[tuple[Places, Array, Array], ...]:
        """What is compared, in this order: a few wrong elements, more, and as many as are needed, and then right ones.

        Each as its places, what stands there, and the truth.
        """
        wrong, right = self.places, self.right_places
        chosen = [*(spread(wrong, most) for most in (FEW, SAMPLE, MOST)), spread(right, SAMPLE)]
        return tuple((places, self.actual[places], self.truth[places]) for places in chosen)

    def fits(self, reading: Reading) -> Fit:
        """Say whether a reading predicts the wrong elements, to rounding, and then those that are right."""
        *wrong, right = self._asked
        if not all(self._agree(reading, *asked, is_wrong=True) for asked in wrong):
            return Fit.NONE
        return Fit.WHOLE if self._agree(reading, *right, is_wrong=False) else Fit.PART

    def _agree(self, reading: Reading, places: Places, actual: Array, truth: Array, *, is_wrong: bool) -> bool:
        """Compare roughly first, and to the bound only where it matters; what changes nothing explains nothing."""
        values = reading.values(places)
        if not is_near(actual, values, self.roughly).all():
            return False
        if is_wrong and not accounts_for(actual, values, truth):
            return False
        if is_near(actual, values, 0.0).all():
            return True  # as from exact data: no bound is needed
        return bool(is_near(actual, values, self._tolerance(reading, values, places)).all())

    def _tolerance(self, reading: Reading, values: Array, places: Places) -> Array:
        """Allow twice the bound of a kernel with this mistake, and its sum to be rounded before the bias is added."""
        unit = float_info(self.dtype).unit if is_floating(self.dtype) else 0.0
        with np.errstate(all="ignore"):
            size = np.abs(values) + np.abs(values - reading.bias[places[0], places[1]])
            return np.asarray(2 * reading.bounds(places, self.dtype) + 2 * unit * size)


def accounts_for(actual: Array, values: Array, truth: Array) -> bool:
    """Whether a prediction comes much nearer to what stands there than the truth does, taken together."""
    errors = [_distance(actual, other) for other in (values, truth)]
    return bool(MUCH * errors[0] < errors[1])


def _distance(actual: Array, other: Array) -> float:
    """Return the Euclidean distance; what is not finite is far from all but itself."""
    with np.errstate(all="ignore"):
        wide = actual.astype(other.dtype)
        same = (wide == other) | (np.isnan(wide) & np.isnan(other))
        apart = np.abs(wide - other).astype(np.float64)
    apart = np.where(same, 0.0, np.where(np.isfinite(apart), np.minimum(apart, FAR), FAR))
    largest = float(apart.max(initial=0.0))
    return largest * float(np.sqrt(np.square(apart / largest).sum())) if largest else 0.0


def is_near(actual: Array, desired: Array, bound: Array | float) -> Array:
    """Whether each number is within its bound of what it should be; NaN is near NaN alone, infinity infinity alone."""
    with np.errstate(all="ignore"):
        wide = actual.astype(desired.dtype)
        near = np.abs(wide - desired) <= bound
        same = (actual == desired.astype(actual.dtype)) | (np.isnan(wide) & np.isnan(desired))
    return np.asarray(near | same)


def gather(actual: object, call: Call, dtype: npt.DTypeLike | None = None) -> tuple[Array, Reading, Reference]:
    """Return the actual, the right reading and the reference of a call; the arrays have the result's own axes."""
    reference = Standard(call.result_dtype(dtype)).reference(call)
    return to_numpy("the result", actual), reading_of(call), reference
