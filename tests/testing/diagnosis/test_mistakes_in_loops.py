"""Where loops that count memory wrongly find an element, place by place; the kernels that do so are in `test_loops`."""

from __future__ import annotations

import numpy as np
import pytest

from refconv import conv2d, conv3d
from refconv.operations import Call
from refconv.testing.diagnosis.mistakes_in_loops import _its_own_columns, _own_pitch, _packed, _padded_width
from refconv.testing.diagnosis.right_reading import reading_of

AT = np.zeros((3, 5), int)
ROWS, COLUMNS = np.indices(AT.shape)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        # Element n = 5·h + w of rows of 3, of which there are 4, is (n // 3, n % 3).
        ((4, 3), [[0, 0, 0, 1, 1], [1, 2, 2, 2, 3], [3, 3, -1, -1, -1]], [[0, 1, 2, 0, 1], [2, 0, 1, 2, 0], [1, 2, 0, 1, 2]]),
        # Rows of 2 that begin at multiples of 4 have nothing at the third and the fourth.
        ((9, 2, 4), [[0, 0, -1, -1, 1], [1, -1, -1, 2, 2], [-1, -1, 3, 3, -1]], [[0, 1, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 0, 1, 0]]),
        ((7, 1), [[0, 1, 2, 3, 4], [5, 6, -1, -1, -1], [-1] * 5], [[0] * 5] * 3),
        ((7, 0), [[-1] * 5] * 3, [[0] * 5] * 3),
    ],
)  # fmt: skip
def test_an_element_is_looked_for_where_it_stands_in_a_map_of_another_size(
    size: tuple[int, ...], rows: list[list[int]], columns: list[list[int]]
) -> None:
    image, channel, row, column = _packed(*size)((AT + 1, AT + 2, ROWS, COLUMNS), (2, 3, 3, 5))
    assert (image.tolist(), channel.tolist()) == ((AT + 1).tolist(), (AT + 2).tolist())
    assert (row.tolist(), column.tolist()) == (rows, columns)


def test_the_maps_of_a_volume_are_its_planes() -> None:
    reading = reading_of(Call.of(conv3d, np.ones((1, 1, 2, 3, 5)), np.ones((1, 1, 1, 1, 1))))
    *_, row, column = _own_pitch(reading)((AT, AT, AT, ROWS, COLUMNS), reading.shape)
    assert (row.tolist(), column.tolist()) == (ROWS.tolist(), COLUMNS.tolist())


def test_the_rows_of_a_volume_are_padded_by_what_its_width_is() -> None:
    call = Call.of(conv3d, np.ones((1, 2, 3, 4, 5)), np.ones((1, 2, 1, 1, 1)), padding=((7, 8), (9, 10), (1, 2)))
    assert _padded_width(reading_of(call)) == 1 + 5 + 2


def test_an_image_that_is_its_own_columns_has_nothing_after_its_last_pixel() -> None:
    call = Call.of(conv2d, np.array([[[[5.0, 6, 7]]]]), np.ones((1, 1, 1, 1)), padding=((0, 0), (1, 1)))
    assert _its_own_columns(reading_of(call)).input.tolist() == [[[[5, 6, 7, 0, 0]]]]
