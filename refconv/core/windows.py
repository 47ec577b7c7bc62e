"""What stands in the padding, and which pixels each output sees: views of the padded input, and their adjoint.

Nothing here multiplies.  `pad` and `windows` lead from pixels to windows, `add_windows` and `fold` back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array

_NUMPY_MODES: Final[dict[str, Literal["reflect", "edge", "wrap"]]] = {
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def pad(input: Array, geometry: ConvGeometry) -> Array:
    """Return the input (N, C, *H) padded to (N, C, *(T + H + B)); the input itself where there is no padding.

    One row of 1, 2, 3 with two pixels of padding on either side becomes, by mode::

        zeros      0 0 1 2 3 0 0
        reflect    3 2 1 2 3 2 1     the edge pixel is the mirror, and is not repeated
        replicate  1 1 1 2 3 3 3
        circular   2 3 1 2 3 1 2
    """
    if not any(map(any, geometry.padding)):
        return input
    if geometry.padding_mode != "zeros":
        return np.pad(input, ((0, 0), (0, 0), *geometry.padding), mode=_NUMPY_MODES[geometry.padding_mode])
    # np.pad would write np.int64(0) beside Python's integers, which wraps when one of them is added to it.
    padded = np.zeros((*input.shape[:2], *geometry.padded_size), input.dtype)
    padded[:, :, *(axis.interior for axis in geometry.axes)] = input
    return padded


def fold(padded: Array, geometry: ConvGeometry) -> Array:
    """Return (N, C, *H): what stands in the padding added to the pixel that it came from, the adjoint of `pad`.

    One row of a, b, 1, 2, 3, c, d with two pixels of padding on either side becomes, by mode::

        zeros      1      2          3           what came from nowhere is dropped
        reflect    1+d    2+b+c      3+a
        replicate  1+a+b  2          3+c+d
        circular   1+c    2+a+d      3+b
    """
    for position, axis in enumerate(geometry.axes, start=padded.ndim - len(geometry.axes)):
        lines = np.moveaxis(padded, position, 0)
        padded = np.moveaxis(_fold_lines(lines, axis, geometry.padding_mode), 0, position)
    return padded


def _fold_lines(lines: Array, axis: AxisGeometry, mode: str) -> Array:
    inside = lines[axis.interior]
    if mode == "zeros":
        return inside
    inside = inside.copy()
    before, _ = axis.padding
    for index in (*range(-before, 0), *range(axis.input_size, axis.padded_size - before)):
        inside[axis.source_index(index, mode)] += lines[before + index]
    return inside


def windows(padded: Array, geometry: ConvGeometry, *, writeable: bool = False) -> Array:
    """Return the view (N, C, *K, *P): [n, c, *k, *p] is what output p reads through tap k.

    Windows as wide as the dilated kernel, one at every stride, and of each only every dilation-th pixel.  A row of
    0, 1, 2, 3, 4 read by 2 taps at dilation 2 and stride 1 is [[0, 1, 2], [2, 3, 4]].
    """
    axes = geometry.axes
    spatial = tuple(range(-len(axes), 0))
    reach = tuple(axis.effective_kernel_size for axis in axes)
    dense = np.lib.stride_tricks.sliding_window_view(padded, reach, spatial, writeable=writeable)
    strided = (slice(None, None, axis.stride) for axis in axes)
    dilated = (slice(None, None, axis.dilation) for axis in axes)
    view = dense[..., *strided, *dilated]
    return np.moveaxis(view, spatial, range(-2 * len(axes), -len(axes)))


def add_windows(view: Array, columns: Array, kernel_size: tuple[int, ...]) -> None:
    """Add columns (..., *K, *P) into the writeable view of the pixels that they came from, as `windows` gives it.

    One tap at a time: no two outputs read the same pixel through the same tap, so that ``+=`` meets each pixel once.
    """
    rank = len(kernel_size)
    with np.errstate(all="ignore"):  # as in conv2d: inf − inf is an answer
        for tap in np.ndindex(*kernel_size):
            at = (..., *tap, *(slice(None),) * rank)
            view[at] += columns[at]


def boxes(size: tuple[int, ...], room: int) -> Iterator[tuple[slice, ...]]:
    """Yield the parts of a grid, each of at most `room` places if it can be: whole rows, as many as fit.

    A grid of 4 rows of 5 in boxes of 11 falls into two of 2 rows each; in boxes of 3, into rows of 3 and of 2.
    """
    lengths: list[int] = []
    for extent in reversed(size):
        lengths.insert(0, max(1, min(extent, room)))
        room //= lengths[0]
    starts = (range(0, extent, length) for extent, length in zip(size, lengths, strict=True))
    for corner in itertools.product(*starts):
        edges = zip(corner, lengths, size, strict=True)
        yield tuple(slice(start, min(start + length, extent)) for start, length, extent in edges)
