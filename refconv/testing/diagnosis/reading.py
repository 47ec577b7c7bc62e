"""What a kernel reads for each element: the right reading follows from the arguments, a wrong one from a mistake.

A convolution connects an input, a weight and an output.  A `Reading` is that relation taken apart: which row each
output row reads through each tap, which channels, which image.  Any of the three can be what is asked for, and then is
a sum of products of the other two; `directions` has the three ways to walk.  A mistake changes one part of the
relation, so that it means the same in every direction, two mistakes can be made one after the other, and any element
can be predicted by itself, without the rest.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, TypeAlias

import numpy as np

from refconv.error_bound import error_bound
from refconv.geometry.arguments import Pair
from refconv.geometry.axis import AxisGeometry
from refconv.numbers.formats import Array, is_ml_dtype
from refconv.testing.diagnosis.forms import Form

Places: TypeAlias = tuple[Array, Array, Array, Array]  # of some elements, along the four axes: each of one dimension
Shape: TypeAlias = tuple[int, int, int, int]

CHUNK = 1 << 22  # products that are laid out at once: 32 MiB of float64
AXES: Final = ("depth", "height", "width")
POINT: Final = AxisGeometry(1, 1)  # an axis that is not there


def in_place(places: Places, shape: Shape) -> Places:  # noqa: ARG001  # like the misplacements, which need the shape
    """Return the places themselves: each element is stored where it belongs."""
    return places


@dataclass(frozen=True, slots=True)
class Reading(ABC):
    """A convolution taken apart.

    Parameters
    ----------
    input, weight, output : ndarray, (N, C, Z·H, W), (O, C/G·K_d, K_h, K_w) and (N·R, O, P, Q)
        In a wide type.  Depths, where there are any, are laid beside another axis.  The one that is asked for has no
        numbers yet, and stands for its shape.
    bias : ndarray
        What is added to each map of the result: of the shape of its first two axes.
    height, width : AxisGeometry
        Which row or column an output reads through a tap.  A padding that a mistake has changed may be negative.
    size : pair of int
        The last two axes of the result that there is, whatever the axes say.
    channels : ndarray of int, (O, C/G)
        The input channel that output channel o meets as channel c of its group.
    images : ndarray of int, (N,)
        The image that each image is made from; of volumes the plane, which counts through the depths of all images.
    form : Form
        The result's own axes.
    depth : AxisGeometry
        Which depth an output depth reads through a tap.
    depths : int
        The depths of the result that there are.
    padding_mode : str
        What stands in the padding; ``"clamped"``: windows that would start before the image are moved onto it;
        ``"wrapped"``: negative indices count from the end.
    origin : callable
        From where an element is stored to the element that is stored there.
    renormalised : bool
        Whether a window that touches the padding is weighed up by the taps that it has left.
    groups : int
        G, for mistakes in the groups.
    """

    input: Array
    weight: Array
    output: Array
    bias: Array
    height: AxisGeometry
    width: AxisGeometry
    size: Pair
    channels: Array
    images: Array
    form: Form
    depth: AxisGeometry = POINT
    depths: int = 1
    padding_mode: str = "zeros"
    origin: Callable[[Places, Shape], Places] = in_place
    renormalised: bool = False
    groups: int = 1

    factors: ClassVar[tuple[str, str]]
    names: ClassVar[tuple[str, str, str, str]] = ("images", "channels", "rows", "columns")
    grouped: ClassVar[int] = 1  # the axis of the result that the groups divide

    @property
    def shape(self) -> Shape:
        """The result's, in four axes."""
        first, second = self.bias.shape
        return first, second, *self.size

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """What the result's axes are called."""
        return ("planes", *self.names[1:]) if self.form.rank == 3 else self.names

    @property
    def size_of_output(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    @abstractmethod
    def products(self) -> int:
        """How many products are laid out for one element."""

    @abstractmethod
    def natural_size(self, axis: AxisGeometry, name: str) -> int:
        """Return the result's size along an axis: as a kernel has it that makes its mistake in the size, too."""

    @abstractmethod
    def _gathered(self, *places: Array) -> tuple[Array, Array]:
        """Return the products' factors: two arrays, of the same shape, whose first axis is that of the places."""

    def naturally_sized(self) -> Self:
        """Return the reading of a kernel whose result has the size that follows from its mistake."""
        height, width = self.natural_size(self.height, "height"), self.natural_size(self.width, "width")
        depths = self.natural_size(self.depth, "depth") if self.form.rank == 3 else self.depths
        if min(height, width, depths) < 1:
            return replace(self, size=(0, 0))
        images = self.images[:: self.depths] // self.depths * depths
        return replace(
            self,
            size=(height, width),
            depths=depths,
            images=(images[:, np.newaxis] + np.arange(depths)).reshape(-1),
            bias=np.repeat(self.bias[:: self.depths], depths, axis=0),
        )

    def with_axes(self, change: Callable[[AxisGeometry], AxisGeometry], *names: str) -> Self:
        """Change the axes of these names, all if none is given; those that are not there stay as they are."""
        there = AXES[-(self.form.rank or 2) :]
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in names or there if name in there}
        return replace(self, **changed)

    def with_factors(self, change: Callable[[Array], Array]) -> Self:
        """Change what is multiplied."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in self.factors}
        return replace(self, **changed)

    def everywhere(self) -> Places:
        """Return all places, in the order of the result's elements."""
        first, second, row, column = np.indices(self.shape).reshape(4, -1)
        return first, second, row, column

    def values(self, places: Places) -> Array:
        """Return the elements at some places."""
        parts = [self._values(*part) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0, self.bias.dtype)

    def bounds(self, places: Places, dtype: np.dtype[np.generic]) -> Array:
        """Return how far an honest kernel of this type may be off, at some places; 0 for whole numbers."""
        if not is_floating(dtype):
            return np.zeros(len(places[0]))
        parts = [self._bounds(*part, dtype) for part in self._chunks(places)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _chunks(self, places: Places) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the two factors and the bias of some elements, not too many at once."""
        step = max(1, CHUNK // max(1, self.products))
        for start in range(0, len(places[0]), step):
            first, second, row, column = (axis[start : start + step] for axis in places)
            read = self.origin((first, second, row, column), self.shape)
            yield (*self._gathered(*read), self._added(*read))

    def _added(self, *places: Array) -> Array:
        """Return what is added to the products of each element."""
        return np.asarray(self.bias[places[0], places[1]])

    def _values(self, one: Array, other: Array, bias: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((one * other).sum(axis=tuple(range(1, one.ndim))) + bias)

    def _bounds(self, one: Array, other: Array, bias: Array, dtype: np.dtype[np.generic]) -> Array:
        """Take every element for a 1×1 convolution in a group of its own, whose channels are the products it adds."""
        count = len(bias)
        image, kernel = one.reshape(1, -1, 1, 1), other.reshape(count, -1, 1, 1)
        ours = error_bound(image, kernel, bias, groups=count, dtype=np.float64)  # `values` are sums in float64
        return (error_bound(image, kernel, bias, groups=count, dtype=dtype) + ours).reshape(-1)


@lru_cache(maxsize=256)
def table(axis: AxisGeometry, outputs: int, padding_mode: str) -> Array:
    """Return the pixel that each output reads through each tap, (P, K); −1 where a zero stands there."""
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
    n, o, p, q = (axis[chosen] for axis in places)
    return n, o, p, q
