"""Which pixel a tap reads where tiles, rings and transforms are too short; the kernels that do so are in `test_loops`."""

from __future__ import annotations

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.mistakes_in_tiles import CircularAxis, ReplacedAxis, RollingAxis, TiledAxis, _left_over


def indices(axis: AxisGeometry) -> list[list[int]]:
    """Return the pixel of each output and tap; 9 is beyond all of these axes."""
    taps = range(axis.kernel_size)
    return [[axis.input_index(p, k) for k in taps] for p in range(axis.output_size)]


def test_a_tile_reads_no_further_than_its_own_pixels() -> None:
    # Tiles of 2 outputs at stride 1 have pixels −1 and 0, 1 and 2, 3 and 4, or where the outputs stand, 0 and 1, ...
    sizes = {"input_size": 7, "kernel_size": 2, "padding": (1, 1)}
    assert indices(TiledAxis(**sizes, tile=2))[:4] == [[-1, 0], [0, 9], [1, 2], [2, 9]]  # type: ignore[arg-type]
    centred = TiledAxis(**sizes, tile=2, is_centred=True)  # type: ignore[arg-type]
    assert indices(centred)[:4] == [[9, 0], [0, 1], [9, 2], [2, 3]]


def test_the_first_pixels_of_a_window_are_overwritten_in_a_short_ring() -> None:
    # Of windows of 5 pixels in a ring of 4, the first pixel is overwritten by the last.
    ring = RollingAxis(input_size=7, kernel_size=3, dilation=2, padding=(1, 1), held=lambda _: 4)
    assert indices(ring)[:2] == [[3, 1, 3], [4, 2, 4]]
    assert indices(RollingAxis(7, 3, 1, 2, (1, 1)))[:2] == [[-1, 1, 3], [0, 2, 4]]
    assert indices(RollingAxis(7, 1, held=lambda _: 0)) == [[p] for p in range(7)]


def test_one_end_of_a_short_transform_follows_the_other() -> None:
    # Of 7 pixels in 8 places, 7 holds a zero, and 8 is pixel 0; 4 pixels are transformed in 4 places, and 3 taps of 2 in 8.
    assert indices(CircularAxis(7, 2, padding=(1, 2))) == [[7, 0], *([p, p + 1] for p in range(7)), [7, 0]]
    assert indices(CircularAxis(4, 1, padding=(1, 1))) == [[3], [0], [1], [2], [3], [0]]
    assert indices(CircularAxis(4, 3, dilation=2, padding=(1, 1))) == [[7, 1, 3], [0, 2, 4]]


def test_a_tile_that_arrives_overwrites_what_the_ones_before_have_added() -> None:
    # Of 5 outputs in tiles of 2 the last one is the third tile: a tile begins at pixels 1 and 3.
    axis = ReplacedAxis(input_size=5, kernel_size=3, padding=(1, 1), tile=2)
    assert indices(axis) == [[-1, 0, 7], [0, 7, 7], [1, 2, 7], [2, 7, 7], [3, 4, 5]]
    assert indices(ReplacedAxis(4, 3, padding=(1, 1), tile=4)) == [[-1, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]


def test_what_a_buffer_holds_beyond_its_last_block() -> None:
    ten = list(range(10))
    assert (ten[_left_over(10, 4)], ten[_left_over(9, 8)], ten[_left_over(7, 4)]) == ([6, 7], list(range(1, 8)), [3])
    assert [ten[_left_over(count, 4)] for count in (3, 4, 8)] == [[], [], []]
