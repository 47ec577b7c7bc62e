"""A trace reads each index of each operation as the definition of its sum has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from arrays import Array

from refconv.operations import OPERATIONS
from refconv.testing import find_case
from refconv.testing.diagnosis import probes
from refconv.testing.diagnosis.probes import NOTHING, SEVERAL, Trace, _numbers, run_trace

# Row 2·p + i − 1, column q + 3·j − 2, of 6 channels in 2 groups, to 4 channels; outputs 5×8.
PROBLEM = "n2-c6-o4-g2-9x7-k3x2-s2x1-p1x2-d1x3-f32"
OUTPUTS, PIXELS, TAPS = (5, 8), (9, 7), (3, 2)


def traced(op: str, change: Callable[..., Array] | None = None) -> Trace:
    case = find_case(PROBLEM if op == "conv2d" else f"{op}-{PROBLEM}")
    right = OPERATIONS[op].function
    return run_trace(right if change is None else partial(change, right), case)


def assert_reads(trace: Trace, place: tuple[int, ...], *, is_there: bool, **indices: int) -> None:
    for name, index in indices.items():
        expected = index if is_there else NOTHING
        assert trace.read[name][place] == trace.should[name][place] == expected, (name, place)
    assert trace.counts[place] == trace.right_counts[place] == is_there


def assert_reads_a_pixel(
    trace: Trace, place: tuple[int, ...], o: int, c: int, tap: tuple[int, int], at: tuple[int, int, int]
) -> None:
    """Assert that an output of channel o reads, through a tap, a pixel of channel c of its group."""
    (i, j), (n, p, q) = tap, at
    h, w = 2 * p + i - 1, q + 3 * j - 2
    is_there = 0 <= h < 9 and 0 <= w < 7
    assert_reads(trace, place, is_there=is_there, image=n, channel=o // 2 * 3 + c, row=h, column=w, weights=o)


def test_an_output_reads_a_pixel_of_each_channel_through_each_tap() -> None:
    trace = traced("conv2d")
    assert trace.read["row"].shape == (2, 4, *OUTPUTS, 3, *TAPS)
    for n, o, p, q, c, i, j in np.ndindex(trace.counts.shape):
        assert_reads_a_pixel(trace, (n, o, p, q, c, i, j), o, c, (i, j), (n, p, q))


def test_a_gradient_of_the_input_reads_an_output_through_each_tap() -> None:
    trace = traced("conv2d_input")
    assert trace.read["row"].shape == (2, 6, *PIXELS, 2, *TAPS)  # of each of the two outputs of a group
    for n, c, h, w, o, i, j in np.ndindex(trace.counts.shape):
        (p, rest), q = divmod(h + 1 - i, 2), w + 2 - 3 * j
        assert_reads(
            trace, (n, c, h, w, o, i, j), is_there=rest == 0 and 0 <= p < 5 and 0 <= q < 8,
            image=n, channel=c // 3 * 2 + o, row=p, column=q, weights=c,
        )  # fmt: skip


def test_a_gradient_of_the_weight_reads_a_pixel_at_each_output() -> None:
    trace = traced("conv2d_weight")
    assert trace.read["row"].shape == (4, 3, *TAPS, 2, *OUTPUTS)
    for o, c, i, j, n, p, q in np.ndindex(trace.counts.shape):
        assert_reads_a_pixel(trace, (o, c, i, j, n, p, q), o, c, (i, j), (n, p, q))


def test_whose_weights_are_taken_is_told_by_the_channel() -> None:
    def of_the_next(right: Any, size: Any, weight: Array, *rest: Any) -> Array:
        return np.asarray(right(size, np.roll(weight, -1, axis=1), *rest))

    trace = traced("conv2d_input", of_the_next)
    is_read = trace.should["weights"] != NOTHING
    assert (trace.read["row"] == trace.should["row"]).all()
    channel = trace.should["weights"][is_read]
    assert (trace.read["weights"][is_read] == channel // 3 * 3 + (channel + 1) % 3).all()


def test_what_is_added_up_is_several() -> None:
    trace = traced("conv2d_input", lambda right, *arguments: 2 * right(*arguments))
    assert set(trace.read["row"].flat) == {NOTHING, SEVERAL}
    assert (trace.counts == 2 * trace.right_counts).all()


def test_where_a_type_cannot_hold_all_numbers_each_axis_has_its_own() -> None:
    """Of int8, 126 numbers: an image of 9×7 and two channels are numbered at once, not of three."""
    for channels, names in {2: {"all"}, 3: {"image", "channel", "row", "column"}}.items():
        case = find_case(f"n1-c{channels}-o1-g1-9x7-k1-s1-p0-d1-i8")
        assert set(probes._numbers(case, case.input_shape)) == names
    case = find_case("n1-c1-o1-g1-1x200-k1-s1-p0-d1-i8")
    with pytest.raises(ValueError, match=r"must have fewer than 2\^7$"):
        probes._numbers(case, case.input_shape)


def test_where_a_type_cannot_number_all_pixels_each_axis_is_numbered_from_1() -> None:
    case = find_case("n1-c2-o3-g1-5x8-k3-s1-p0x2-d1-u8")
    assert set(_numbers(case, (1, 2, 5, 8))) == {"all"}  # 80 of at most 255
    found = _numbers(case, (1, 2, 15, 18))
    assert [(int(along.min()), int(along.max())) for along in found.values()] == [(1, 1), (1, 2), (1, 15), (1, 18)]
