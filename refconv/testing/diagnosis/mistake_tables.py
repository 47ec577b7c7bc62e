"""Which mistakes can be made in which direction, and along how many axes: the tables that a diagnosis goes through."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property, lru_cache
from typing import Final

from refconv.testing.diagnosis.directions import (
    Convolution,
    InputAdjoint,
    Transposed,
    TransposedInput,
    TransposedWeight,
    WeightAdjoint,
)
from refconv.testing.diagnosis.eight_bits import EIGHT_BITS, EightBits
from refconv.testing.diagnosis.mistakes import Mistake, pairs_of_common
from refconv.testing.diagnosis.mistakes_in_channels import (
    BATCH,
    BATCH_AND_BIAS,
    BIAS,
    CHANNELS_LOST,
    GROUP_BIAS,
    GROUP_INPUTS,
    GROUP_WEIGHTS,
    GROUPS,
    GROUPS_OF_CHANNELS,
    LAYOUT,
    TAILS,
)
from refconv.testing.diagnosis.mistakes_in_gradients import (
    GRADIENT,
    TRANSPOSED_GRADIENT,
    TRANSPOSED_GROUPS,
    TRANSPOSED_GROUPS_OF_CHANNELS,
    TRANSPOSED_LAYOUT,
    UNREAD,
    unconjugated,
)
from refconv.testing.diagnosis.mistakes_in_loops import (
    CARRIED,
    EDGES,
    OWN_PITCH,
    PHASES,
    PITCHES,
    REMAINDER,
    TAPS,
    TILES,
    WEIGHT_PITCH,
)
from refconv.testing.diagnosis.mistakes_in_numbers import CONJUGATED, NUMBERS, PIXELS, ROUNDING
from refconv.testing.diagnosis.mistakes_in_scattering import (
    GROUPS_AND_DILATION,
    OUTPUT_PADDING,
    SCATTERED_GROUPS,
    SCATTERED_LAYOUT,
    SCATTERED_WINDOWS,
)
from refconv.testing.diagnosis.mistakes_in_windows import DILATION, KERNEL, PADDING, SAME, STRIDE
from refconv.testing.diagnosis.reading import Reading


class Table:
    """The mistakes of one direction, the likelier first, and the pairs of the common ones."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes: Final = tuple(sorted(mistakes, key=lambda mistake: (mistake.is_variant, not mistake.is_common)))
        self.pairs: Final = pairs_of_common(self.mistakes)

    def of_codes(self, codes: Collection[str]) -> tuple[Mistake, ...]:
        """Return the mistakes of these codes, of which one may have several: that of a tile, one for each size."""
        return tuple(mistake for mistake in (*self.mistakes, *self.pairs) if mistake.code in codes)

    @cached_property
    def by_code(self) -> dict[str, Mistake]:
        """The first mistake of each code."""
        return {mistake.code: mistake for mistake in reversed((*self.mistakes, *self.pairs))}


_WINDOWS: Final = (*PADDING, *DILATION, *STRIDE)
_WEIGHED: Final = (*TAPS, *WEIGHT_PITCH, *GROUP_WEIGHTS, *CHANNELS_LOST, *CARRIED)
_READ: Final = (*EDGES, *PITCHES)
_SCATTERED: Final = (
    *(mistake for mistake in _WINDOWS if mistake not in SAME),  # which an output padding is likelier than
    *(*SCATTERED_WINDOWS, *SCATTERED_GROUPS, *SCATTERED_LAYOUT, *BATCH),
    *(*PHASES, *REMAINDER, *_WEIGHED),
)
_CHAPTERS: Final[dict[type[Reading], tuple[Mistake, ...]]] = {
    Convolution: (
        *(*_WINDOWS, *KERNEL, *GROUPS, *LAYOUT, *BATCH_AND_BIAS, *NUMBERS),
        *(*_READ, *_WEIGHED, *GROUP_INPUTS, *GROUP_BIAS, *TILES),
    ),
    EightBits: (*EIGHT_BITS, *_WINDOWS, *KERNEL, *GROUPS, *LAYOUT, *BATCH_AND_BIAS),
    InputAdjoint: (*_SCATTERED, *SAME, *UNREAD, *OWN_PITCH, *unconjugated("weight"), *ROUNDING),
    Transposed: (
        *(*_SCATTERED, *OUTPUT_PADDING, *SAME, *BIAS, *CONJUGATED, *ROUNDING),
        *(*GROUP_BIAS, *GROUPS_AND_DILATION),
    ),
    WeightAdjoint: (
        *(*_WINDOWS, *GRADIENT, *GROUPS_OF_CHANNELS, *BATCH, *unconjugated("input"), *ROUNDING),
        *(*_READ, *GROUP_INPUTS),
    ),
    TransposedInput: (
        *(*_WINDOWS, *KERNEL, *TRANSPOSED_GROUPS, *TRANSPOSED_LAYOUT),
        *(*BATCH, *TAILS, *ROUNDING, *unconjugated("weight"), *PIXELS),
        *(*_READ, *_WEIGHED),
    ),
    TransposedWeight: (
        *(*_WINDOWS, *TRANSPOSED_GRADIENT, *TRANSPOSED_GROUPS_OF_CHANNELS),
        *(*BATCH, *unconjugated("output"), *ROUNDING),
        *_READ,
    ),
}


@lru_cache
def _table(direction: type[Reading], rank: int) -> Table:
    return Table(tuple(mistake for mistake in _CHAPTERS[direction] if rank in mistake.ranks))


def table_of(reading: Reading) -> Table:
    """Return the mistakes that can be made in a reading of this direction, along as many axes."""
    return _table(type(reading), 0 if reading.is_vector else reading.rank)


CONV2D: Final = _table(Convolution, 2)
EVERY_MISTAKE: Final = tuple(dict.fromkeys(mistake for chapter in _CHAPTERS.values() for mistake in chapter))
