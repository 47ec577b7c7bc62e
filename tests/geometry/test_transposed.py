from __future__ import annotations

import pytest

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.transposed import build_transposed_axis


@pytest.mark.parametrize(
    ("output", "kernel", "stride", "dilation", "padding", "extra", "size", "unread"),
    [
        (4, 3, 1, 1, (0, 0), 0, 6, 0),
        (4, 3, 5, 2, (0, 0), 0, 5 * 3 + 2 * 2 + 1, 0),
        (4, 3, 5, 2, (3, 1), 0, 20 - 4, 0),
        (4, 3, 5, 2, (3, 1), 4, 20 - 4 + 4, 0),
        (2, 2, 1, 4, (0, 0), 3, 6 + 3, 3),  # below the dilation, though above the stride
        (2, 2, 1, 4, (2, 1), 3, 6, 3),
        (2, 2, 2, 4, (0, 0), 3, 7 + 3, 2),
        (1, 1, 7, 1, (0, 0), 6, 7, 0),
    ],
)
def test_a_transposed_axis_is_that_of_the_convolution_it_undoes(
    output: int, kernel: int, stride: int, dilation: int, padding: tuple[int, int], extra: int, size: int, unread: int
) -> None:
    # The last pixels would be windows of their own, were they not cut off.
    axis = build_transposed_axis("height", output, kernel, stride, dilation, padding, extra)
    assert axis == AxisGeometry(size, kernel, stride, dilation, (padding[0], padding[1] - unread))
    assert axis.output_size == output
