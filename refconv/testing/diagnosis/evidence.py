"""What is known of a wrong output: the numbers, the right reading, and which elements are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refconv.numbers.dtypes import result_dtype
from refconv.numbers.formats import Array
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.reference import Reference, reference_of
from refconv.testing.diagnosis.reading import Places, Reading, spread
from refconv.testing.diagnosis.right_reading import reading_of

ROUGH = 2.0**-6
MOST = 4096  # of millions, as a layer of a network has, so many that agree leave no doubt
SAMPLE = 48  # wrong elements on which a mistake is tried before it is tried on all


@dataclass(frozen=True, slots=True)
class Evidence:
    """A result of the right shape beside the truth.

    Attributes
    ----------
    actual : ndarray, in the axes of the reading
        What came, in the type that it came in.
    truth, bound : ndarray
        The truth in a wide type, and how far from it an honest kernel may be.
    wrong : ndarray of bool
        Where the actual is further away than that.
    right : Reading
        What should have been read.
    dtype : dtype
        The type that the result should have.
    roughly : float
        More than any bound here: what is further off than this needs no bound to be wrong.
    """

    actual: Array
    truth: Array
    bound: Array
    wrong: Array
    right: Reading
    dtype: np.dtype[np.generic]
    roughly: float

    @classmethod
    def of(cls, actual: Array, right: Reading, reference: Reference) -> Evidence:
        """Compare a result with the reference, which has its shape, in the axes of the reading."""
        actual, truth, bound = (right.full(array) for array in (actual, reference.truth, reference.allowed))
        sizes = np.concatenate([ROUGH * np.abs(truth).reshape(-1), 4 * bound.reshape(-1)])
        roughly = float(np.max(sizes[np.isfinite(sizes)], initial=0))
        return cls(actual, truth, bound, ~is_near(actual, truth, bound), right, reference.dtype, roughly)

    @property
    def places(self) -> Places:
        """The places of the wrong elements."""
        return np.nonzero(self.wrong)

    @property
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

    def explained_by(self, reading: Reading) -> bool:
        """Whether a reading predicts the wrong elements, to rounding: a sample first, then all, or `MOST` of them."""
        wrong = self.places
        return self._agree(reading, spread(wrong, SAMPLE)) and self._agree(reading, spread(wrong, MOST))

    def spares_what_is_right(self, reading: Reading) -> bool:
        """Whether a reading predicts the elements that are right as well, in a sample."""
        return self._agree(reading, spread(self.right_places, SAMPLE))

    def _agree(self, reading: Reading, places: Places) -> bool:
        """Compare roughly first, which rules most readings out, and to the bound only where it matters."""
        actual = self.actual[places]
        values = reading.values(places)
        if not is_near(actual, values, self.roughly).all():
            return False
        if is_near(actual, values, 0.0).all():
            return True  # as from exact data: no bound is needed
        return bool(is_near(actual, values, reading.bounds(places, self.dtype)).all())


def is_near(actual: Array, desired: Array, bound: Array | float) -> Array:
    """Whether each number is within its bound of what it should be; NaN is near NaN alone, infinity infinity alone."""
    with np.errstate(all="ignore"):
        wide = actual.astype(desired.dtype)
        near = np.abs(wide - desired) <= bound
        same = (actual == desired.astype(actual.dtype)) | (np.isnan(wide) & np.isnan(desired))
    return np.asarray(near | same)


def gather(actual: object, call: Call, dtype: npt.DTypeLike | None = None) -> tuple[Array, Reading, Reference]:
    """Return the actual, the right reading and the reference of a call; the arrays have the result's own axes."""
    reference = reference_of(call, result_dtype(*call.dtypes, dtype=dtype))
    return to_numpy("the result", actual), reading_of(call), reference
