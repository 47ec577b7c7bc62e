"""What stands in the padding: zeros, or the input's own pixels mirrored, repeated or wrapped round.

`pad` puts it there, and its adjoint, `fold`, adds it back to where it came from.
"""

from __future__ import annotations

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
    """Return the input (N, C, H, W) padded to (N, C, T + H + B, L + W + R); the input itself where there is no padding.

    One row of 1, 2, 3 with two pixels of padding on either side becomes, by mode::

        zeros      0 0 1 2 3 0 0
        reflect    3 2 1 2 3 2 1     the edge pixel is the mirror, and is not repeated
        replicate  1 1 1 2 3 3 3
        circular   2 3 1 2 3 1 2
    """
    height, width = geometry.height, geometry.width
    if geometry.padding == ((0, 0), (0, 0)):
        return input
    if geometry.padding_mode != "zeros":
        return np.pad(input, ((0, 0), (0, 0), *geometry.padding), mode=_NUMPY_MODES[geometry.padding_mode])
    # np.pad would write np.int64(0) beside Python's integers, which wraps when one of them is added to it.
    padded = np.zeros((*input.shape[:2], height.padded_size, width.padded_size), input.dtype)
    padded[:, :, height.interior, width.interior] = input
    return padded


def fold(padded: Array, geometry: ConvGeometry) -> Array:
    """Return (N, C, H, W): what stands in the padding added to the pixel that it came from, the adjoint of `pad`.

    One row of a, b, 1, 2, 3, c, d with two pixels of padding on either side becomes, by mode::

        zeros      1      2          3           what came from nowhere is dropped
        reflect    1+d    2+b+c      3+a
        replicate  1+a+b  2          3+c+d
        circular   1+c    2+a+d      3+b
    """
    mode = geometry.padding_mode
    rows = _fold_rows(padded, geometry.height, mode)
    return _fold_rows(rows.swapaxes(-1, -2), geometry.width, mode).swapaxes(-1, -2)


def _fold_rows(padded: Array, axis: AxisGeometry, mode: str) -> Array:
    rows = padded[:, :, axis.interior]
    if mode == "zeros":
        return rows
    rows = rows.copy()
    before, _ = axis.padding
    for index in (*range(-before, 0), *range(axis.input_size, axis.padded_size - before)):
        rows[:, :, axis.source_index(index, mode)] += padded[:, :, before + index]
    return rows
