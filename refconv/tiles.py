"""How much of a matrix of columns is written at a time?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from refconv.geometry import ConvGeometry

# Columns are written in tiles of about this many elements, 4 MiB of float64.  Measured over the layers of
# tests/benchmarks: smaller tiles starve the GEMM of wide layers, larger ones fall out of the cache.
TILE_ELEMENTS: Final = 1 << 19


def tiles(geometry: ConvGeometry, rows: int, width: int) -> Iterator[tuple[int, slice]]:
    """Yield, image by image, the bands of `rows` of outputs whose columns fill a tile; `width` outputs are in a row."""
    row_elements = max(1, geometry.groups * geometry.taps_per_output * width)
    band = max(1, TILE_ELEMENTS // row_elements)
    for n in range(geometry.batch):
        for start in range(0, rows, band):
            yield n, slice(start, min(start + band, rows))
