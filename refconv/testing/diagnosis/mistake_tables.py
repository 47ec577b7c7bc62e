"""Which mistakes can be made in which direction, and along how many axes: the tables that a diagnosis goes through."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property, lru_cache
from typing import Final

from refconv.testing.diagnosis import mistakes_in_channels as channels
from refconv.testing.diagnosis import mistakes_in_gradients as gradients
from refconv.testing.diagnosis import mistakes_in_loops as loops
from refconv.testing.diagnosis import mistakes_in_numbers as numbers
from refconv.testing.diagnosis import mistakes_in_scattering as scattering
from refconv.testing.diagnosis import mistakes_in_tiles as tiles
from refconv.testing.diagnosis import mistakes_in_windows as windows
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


_WINDOWS: Final = (*windows.PADDING, *windows.DILATION, *windows.STRIDE)
_WEIGHED: Final = (
    *(*loops.TAPS, *loops.WEIGHT_PITCH, *channels.GROUP_WEIGHTS, channels.GROUP_OFFSET, *channels.CHANNELS_LOST),
    *(*channels.PRODUCTS_LOST, *loops.CARRIED),
)
_READ: Final = (*loops.EDGES, *loops.PITCHES, *loops.UNCHECKED)
_SUMMED: Final = (*gradients.TAILS, *loops.ARRIVALS, *tiles.STALE_ARRIVALS, *tiles.INCLUSIVE)
_GATHERED: Final = (*_WINDOWS, *windows.KERNEL, *channels.GROUPS, *channels.LAYOUT, *channels.BATCH_AND_BIAS)
_SCATTERED: Final = (
    *(mistake for mistake in _WINDOWS if mistake not in windows.SAME),  # which an output padding is likelier than
    *(*scattering.WINDOWS, *scattering.GROUPS, *scattering.LAYOUT, *channels.BATCH),
    *(*loops.PHASES, loops.REMAINDER, *loops.ARRIVALS, *tiles.REPLACED, *_WEIGHED),
)
_CHAPTERS: Final[dict[type[Reading], tuple[Mistake, ...]]] = {
    Convolution: (
        *(*_GATHERED, *numbers.NUMBERS, *_READ, *_WEIGHED),
        *(*channels.GROUP_INPUTS, channels.GROUP_BIAS, *tiles.TILES, *tiles.HALO, *loops.INDICES),
        *(*tiles.ROLLING, *tiles.CIRCULAR, *tiles.STALE_PRODUCTS),
        *(*loops.DECODED, *channels.GROUP_OF_VECTOR, *loops.OUTPUT_PITCH, loops.IMAGE_AS_COLUMNS),
        *windows.SIZES,
    ),
    EightBits: (*EIGHT_BITS, *_GATHERED),
    InputAdjoint: (
        *(*_SCATTERED, *windows.SAME, gradients.UNREAD, loops.OWN_PITCH),
        *(gradients.unconjugated("weight"), *numbers.ROUNDING, *scattering.ARRIVING_LOST),
    ),
    Transposed: (
        *(*scattering.SAME, *_SCATTERED, *scattering.OUTPUT_PADDING, *windows.SAME, *channels.BIAS),
        *(numbers.CONJUGATED, *numbers.ROUNDING, channels.GROUP_BIAS, scattering.GROUPS_AND_DILATION),
        *scattering.ARRIVING_LOST,
    ),
    WeightAdjoint: (
        *(
            *_WINDOWS,
            *gradients.GRADIENT,
            *_SUMMED,
            gradients.FIRST_GRADIENT,
            *channels.GROUPS_OF_CHANNELS,
            *channels.BATCH,
        ),
        *(gradients.unconjugated("input"), *numbers.ROUNDING, numbers.SPREAD, *_READ, *channels.GROUP_INPUTS),
    ),
    TransposedInput: (
        *(*_WINDOWS, *windows.KERNEL, *gradients.EXTRA, *gradients.TRANSPOSED_GROUPS, *gradients.TRANSPOSED_LAYOUT),
        *(*channels.BATCH, *channels.TAILS, *numbers.ROUNDING, gradients.unconjugated("weight"), *numbers.PIXELS),
        *(*_READ, *_WEIGHED),
    ),
    TransposedWeight: (
        *(*_WINDOWS, *gradients.TRANSPOSED_GRADIENT, *gradients.TRANSPOSED_GROUPS_OF_CHANNELS, *channels.BATCH),
        *(*_SUMMED, gradients.unconjugated("output"), *numbers.ROUNDING, numbers.SPREAD, *_READ),
    ),
}


@lru_cache
def _table(direction: type[Reading], rank: int, *, is_same: bool = True) -> Table:
    possible = (mistake for mistake in _CHAPTERS[direction] if rank in mistake.ranks)
    return Table(tuple(mistake for mistake in possible if is_same or not mistake.code.startswith("same-")))


def table_of(reading: Reading) -> Table:
    """Return the mistakes that can be made in a reading of this direction, along as many axes."""
    return _table(type(reading), 0 if reading.is_vector else reading.rank, is_same=reading.is_same)


CONV2D: Final = _table(Convolution, 2)
EVERY_MISTAKE: Final = tuple(dict.fromkeys(mistake for chapter in _CHAPTERS.values() for mistake in chapter))
