"""What a kernel reads for each element: the right reading follows from the arguments, a wrong one from a mistake.

A convolution connects an input, a weight and an output.  A `Reading` is that relation taken apart, over any number of
axes: which pixel each output reads through each tap along each axis, which channels, which image.  Any of the three can
be what is asked for, and then is a sum of products of the other two; `directions` has the three ways to walk.  A
mistake changes one part of the relation, so that it means the same in every direction, two mistakes can be made one
after the other, and any element can be predicted by itself, without the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, TypeAlias

import numpy as np

from refconv.bounds.epilogue import NONE, Epilogue
from refconv.bounds.error_bound import error_bound
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import Index
from refconv.numbers.formats import Array, FloatInfo, float_info, is_ml_dtype

Places: TypeAlias = tuple[Array, ...]  # of some elements, along the axes of the result: each of one dimension

CHUNK = 1 << 22  # products that are laid out at once: 32 MiB of float64
AXES: Final = ("depth", "height", "width")  # the last ones, as many as there are


def in_place(places: Places, shape: Index) -> Places:  # noqa: ARG001  # like the misplacements, which need the shape
    """Return the places themselves: each element is stored where it belongs."""
    return places


@dataclass(frozen=True, slots=True)
class Reading(ABC):
    """A convolution taken apart."""

    # In a wide type.  The one that is asked for has no numbers yet, and stands for its shape.
    input: Array  # (N, C, *H)
    weight: Array  # (O, C/G, *K)
    output: Array  # (N, O, *P)
    bias: Array  # what is added to each map of the result: of the shape of its first two axes
    axes: tuple[AxisGeometry, ...]  # a padding that a mistake has changed may be negative
    size: Index  # the last axes of the result that there is, whatever the axes say
    channels: Array  # (O, C/G), the input channel that output channel o meets as channel c of its group
    images: Array  # (N,), the image that each image is made from
    groups: int  # G, for mistakes in the groups
    dropped: tuple[
        int, ...
    ] = ()  # axes that the result's caller does not have: a batch of one, all but a vector's first
    # What stands in the padding; "clamped": windows that would start before the image are moved onto it; "wrapped":
    # negative indices count from the end.
    padding_mode: str = "zeros"
    is_same: bool = True  # whether the kernel may have computed the padding itself, from the word SAME
    # From where an element is stored to the element that is stored there; negative where none is.
    origin: Callable[[Places, Index], Places] = in_place
    renormalised: bool = False  # whether a window that touches the padding is weighed up by the taps that it has left
    skips_zeros: bool = False  # whether products with a factor of 0 are left out, so that 0·∞ is not NaN
    is_carried: bool = False  # whether the sums of a row are not begun anew, so that each has those before it in it
    epilogue: Epilogue = NONE  # what the sums go through, with its numbers

    factors: ClassVar[tuple[str, str]]
    adds_bias: ClassVar[bool] = True  # whether there may be one
    outer: ClassVar[tuple[str, str]] = ("images", "channels")
    inner: ClassVar[tuple[str, str, str]] = ("planes", "rows", "columns")
    letters: ClassVar[Mapping[int, str]] = {1: "NOP", 2: "NOPQ", 3: "NORPQ"}  # of the result, by its axes of space
    grouped: ClassVar[int] = 1  # the axis of the result that the groups divide

    @property
    def rank(self) -> int:
        """How many axes of space there are."""
        return len(self.axes)

    @property
    def is_vector(self) -> bool:
        """Whether the result has no axes of space for its caller."""
        return len(self.dropped) > 1

    @property
    def shape(self) -> Index:
        """The result's."""
        return *self.bias.shape, *self.size

    @property
    def names(self) -> tuple[str, ...]:
        """What the result's axes are called."""
        return *self.outer, *self.inner[-self.rank :]

    @property
    def own_letters(self) -> str:
        """A letter for each axis that the caller has."""
        return "".join(letter for axis, letter in enumerate(self.letters[self.rank]) if axis not in self.dropped)

    def full(self, array: Array) -> Array:
        """Return an array that has the caller's axes in those of the result."""
        return np.expand_dims(array, self.dropped)

    def own(self, shape: Index) -> Index:
        """Return a shape of the result in the axes that the caller has."""
        return tuple(size for axis, size in enumerate(shape) if axis not in self.dropped)

    @property
    @abstractmethod
    def products(self) -> int:
        """How many products are laid out for one element."""

    @abstractmethod
    def natural_size(self, axis: AxisGeometry, place: int) -> int:
        """Return the result's size along an axis: as a kernel has it that makes its mistake in the size, too."""

    @abstractmethod
    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the products' factors: two arrays, of the same shape, whose first axis is that of the places."""

    def naturally_sized(self) -> Self:
        """Return the reading of a kernel whose result has the size that follows from its mistake."""
        size = tuple(self.natural_size(axis, place) for place, axis in enumerate(self.axes))
        return replace(self, size=size if min(size) > 0 else (0,) * self.rank)

    def axis(self, name: str) -> AxisGeometry:
        """Return the axis of this name."""
        return self.axes[AXES.index(name) - 3 + self.rank]

    def with_axes(self, change: Callable[[AxisGeometry], AxisGeometry], *names: str) -> Self:
        """Change the axes of these names, all if none is given; those that are not there stay as they are."""
        named = zip(AXES[-self.rank :], self.axes, strict=True)
        return replace(self, axes=tuple(change(axis) if name in names or not names else axis for name, axis in named))

    def with_axis(self, name: str, axis: AxisGeometry) -> Self:
        """Put another axis in the place of the one of this name."""
        return self.with_axes(lambda _: axis, name)

    def with_factors(self, change: Callable[[Array], Array]) -> Self:
        """Change what is multiplied."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in self.factors}
        return replace(self, **changed)

    def everywhere(self) -> Places:
        """Return all places, in the order of the result's elements."""
        return tuple(np.indices(self.shape).reshape(2 + self.rank, -1))

    def values(self, places: Places) -> Array:
        """Return the elements at some places."""
        sums = self.sums(places)
        return self._after(sums, np.zeros(()), places)[0] if self.epilogue.text else sums

    def sums(self, places: Places) -> Array:
        """Return the elements at some places before the epilogue."""
        if self.is_carried:
            return self._carried(places, lambda alone, row: alone.sums(row)) + self._added(*places)
        parts = [self._values(*part) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0, self.bias.dtype)

    def _after(self, sums: Array, errors: Array, places: Places, kind: FloatInfo | None = None) -> tuple[Array, Array]:
        """Return sums and their errors after the epilogue."""
        given = self.epilogue.arrays.items()
        numbers = {step: self.full(array)[places] if step == "residual" else array[places[1]] for step, array in given}
        return replace(self.epilogue, arrays=numbers, rank=0).after(sums, errors, kind)

    def _carried(self, places: Places, of: Callable[[Self, Places], Array]) -> Array:
        """Add up what is found, without a bias, of each element's row up to itself."""
        *outer, last = places
        starts = np.cumsum(last + 1) - last - 1
        row = (
            *(np.repeat(axis, last + 1) for axis in outer),
            np.arange((last + 1).sum()) - np.repeat(starts, last + 1),
        )
        found = of(replace(self, is_carried=False, bias=0 * self.bias), row)
        with np.errstate(all="ignore"):
            return np.add.reduceat(found, starts) if len(starts) else found

    def bounds(self, places: Places, dtype: np.dtype[np.generic]) -> Array:
        """Return how far an honest kernel of this type may be off, at some places; 0 for whole numbers."""
        if not is_floating(dtype):
            return np.zeros(len(places[0]))
        if self.epilogue.text:
            sums, errors = self.sums(places), replace(self, epilogue=NONE).bounds(places, dtype)
            return self._after(sums, errors, places, float_info(dtype))[1]
        if self.is_carried:
            return self._carried(places, lambda alone, row: alone.bounds(row, dtype))
        parts = [self._bounds(*part, dtype) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _chunks(self, places: Places) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the two factors and the bias of some elements, not too many at once."""
        step = max(1, CHUNK // max(1, self.products))
        for start in range(0, len(places[0]), step):
            some = tuple(axis[start : start + step] for axis in places)
            if self.origin is in_place:  # nearly always
                yield *self._gathered(*some), self._added(*some)
                continue
            read = self.origin(some, self.shape)
            is_there = np.logical_and.reduce([axis >= 0 for axis in read])
            read = tuple(np.maximum(axis, 0) for axis in read)
            one, other = self._gathered(*read)
            there = is_there.reshape(-1, *(1,) * (one.ndim - 1))
            yield np.where(there, one, 0), np.where(there, other, 0), np.where(is_there, self._added(*read), 0)

    def _added(self, *places: Array) -> Array:
        """Return what is added to the products of each element."""
        return np.asarray(self.bias[places[0], places[1]])

    def _values(self, one: Array, other: Array, bias: Array) -> Array:
        with np.errstate(all="ignore"):
            products = one * other
            if self.skips_zeros:
                products = np.where((one == 0) | (other == 0), 0, products)
            return np.asarray(products.sum(axis=tuple(range(1, one.ndim))) + bias)

    def _bounds(self, one: Array, other: Array, bias: Array, dtype: np.dtype[np.generic]) -> Array:
        """Take every element for a 1×1 convolution in a group of its own, whose channels are the products it adds."""
        count = len(bias)
        image, kernel = one.reshape(1, -1, 1, 1), other.reshape(count, -1, 1, 1)
        ours = error_bound(image, kernel, bias, groups=count, dtype=np.float64)  # `values` are sums in float64
        return (error_bound(image, kernel, bias, groups=count, dtype=dtype) + ours).reshape(-1)


def along(array: Array, place: int, rank: int, before: int = 1) -> Array:
    """Return (m, L) as (m, 1, ..., L, ..., 1): `before` axes, and of those of space L alone, to be broadcast."""
    shape = [1] * (before + rank)
    shape[before + place] = array.shape[1]
    return array.reshape(len(array), *shape)


@lru_cache(maxsize=256)
def table(axis: AxisGeometry, outputs: int, padding_mode: str) -> Array:
    """Return the pixel that each output reads through each tap, (P, K); −1 where a zero stands there.

    3 pixels read by 2 taps at dilation 2 with padding (1, 1): [[−1, 1], [0, 2], [1, −1]].
    """
    rows = [[_source(axis, output, tap, padding_mode) for tap in range(axis.kernel_size)] for output in range(outputs)]
    return np.array(rows, np.intp).reshape(outputs, axis.kernel_size)


def _source(axis: AxisGeometry, output: int, tap: int, padding_mode: str) -> int:
    index = axis.input_index(output, tap)
    if padding_mode == "clamped":
        index = max(0, axis.input_index(output, 0)) + axis.dilation * tap
    if padding_mode == "wrapped" and index < 0:
        index += axis.input_size
    source = axis.source_index(index, padding_mode)
    return -1 if source is None or not 0 <= source < axis.input_size else source


def is_floating(dtype: np.dtype[np.generic]) -> bool:
    """Whether a result of this type is judged by a bound; all others must be equal."""
    return dtype.kind in "fc" or is_ml_dtype(dtype)


def spread(places: Places, most: int) -> Places:
    """Return at most that many of the places, evenly spread."""
    count = len(places[0])
    chosen = np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.intp))
    return tuple(axis[chosen] for axis in places)
