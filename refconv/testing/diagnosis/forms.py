"""What a result looks like to its caller, and in the four axes in which every result is diagnosed.

A signal is an image of height 1; every output depth of a volume is an image of its own, a plane; a result without a
batch axis is a batch of one; and a vector of channels has maps of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refconv.numbers.formats import Array


@dataclass(frozen=True, slots=True)
class Form:
    """The axes of a result, as its caller has them.

    Parameters
    ----------
    names : str
        A letter for each: ``"NOPQ"``, or ``"OPQ"`` without a batch axis.
    rank : int
        How many of them are axes of space; 0 for a vector.

    Examples
    --------
    Two volumes of 5 channels, of 3 planes each, are 6 planes of 5 channels.

    >>> volumes = Form("NORPQ", 3)
    >>> volumes.four(np.zeros((2, 5, 3, 7, 9))).shape
    (6, 5, 7, 9)
    >>> volumes.own((6, 5, 7, 9), depths=3)
    (2, 5, 3, 7, 9)
    """

    names: str
    rank: int

    def four(self, array: Array) -> Array:
        """Return an array of these axes in four."""
        if self.rank == 0:
            return array[:, np.newaxis, np.newaxis, np.newaxis]
        batched = array if self._is_batched else array[np.newaxis]
        if self.rank == 1:
            return batched[:, :, np.newaxis]
        if self.rank == 3:
            batch, channels, depths, *plane = batched.shape
            return batched.swapaxes(1, 2).reshape(batch * depths, channels, *plane)
        return batched

    def own(self, shape: tuple[int, int, int, int], depths: int = 1) -> tuple[int, ...]:
        """Return a shape of four axes in these, where every image has that many planes."""
        first, second, rows, columns = shape
        if self.rank == 0:
            return (first,)
        space = {1: (columns,), 2: (rows, columns), 3: (depths, rows, columns)}[self.rank]
        return (first // depths, second, *space) if self._is_batched else (second, *space)

    @property
    def _is_batched(self) -> bool:
        return len(self.names) == self.rank + 2
