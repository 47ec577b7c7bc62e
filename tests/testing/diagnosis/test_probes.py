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
from refconv.testing.diagnosis.probes import NOTHING, SEVERAL, Trace, _decoded, _numbers, called, run_trace
from refconv.testing.diagnosis.right_reading import reading_of

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


@pytest.mark.parametrize(
    ("counts", "numbers", "size", "columns"),
    [
        ([1, 1, 0, 2, 1], [6, 7, 0, 3, 4], (2, 3), [2, SEVERAL, NOTHING, SEVERAL, 0]),
        ([1, 1], [1, 2], (1, 1), [0, SEVERAL]),
    ],
)
def test_a_number_that_no_element_has_is_several(
    counts: list[int], numbers: list[int], size: tuple[int, int], columns: list[int]
) -> None:
    table = {"count": np.array(counts, float), "all": np.array(numbers, float)}
    found, read = _decoded(table, (1, 1, *size), find_case(PROBLEM))
    assert (found.tolist(), read["column"].tolist()) == (counts, columns)


@pytest.mark.parametrize(("dtype", "digits"), [("i8", 7), ("u8", 8), ("i32", 7), ("f16", 11), ("f32", 24)])
def test_where_a_type_cannot_hold_all_numbers_each_axis_has_its_own(dtype: str, digits: int) -> None:
    case = find_case(f"n1-c1-o1-g1-1x1-k1-s1-p0-d1-{dtype}")
    if digits < 24:  # 2^24 numbers would take a second
        assert _numbers(case, (1, 1, 1, 2**digits - 1))["all"].max() == 2**digits - 1
        assert set(_numbers(case, (1, 1, 2, 2 ** (digits - 1)))) == {"image", "channel", "row", "column"}
    with pytest.raises(ValueError, match=rf"must have fewer than 2\^{digits}$"):
        _numbers(case, (1, 1, 1, 2**digits))


def test_an_operand_is_in_the_layout_of_the_case_but_for_one_that_repeats_itself() -> None:
    strides: dict[str, Any] = {}

    def target(x: Array, *_: Any) -> Array:
        strides[case.layout] = [step // x.itemsize for step in x.strides]
        return np.ones((1, 1, 2, 3), np.float32)

    for layout in ("channels_last", "broadcast"):
        case = find_case(f"n1-c4-o1-g1-2x3-k1-s1-p0-d1-f32-{layout}")
        called(target, case, {"input": np.ones((1, 4, 2, 3)), "weight": np.ones((1, 4, 1, 1))}, reading_of(case.call()))
    assert strides == {"channels_last": [24, 1, 12, 4], "broadcast": [24, 6, 3, 1]}


def test_a_case_may_take_as_many_calls_and_reads_as_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2·2·1 taps: of ones, of numbers, and of whose weights; and 3·1·3 outputs.
    case, target = find_case("n1-c2-o3-g1-2x3-k2x1-s1-p0-d1-f32"), OPERATIONS["conv2d"].function
    for calls, reads in ((12, 36), (11, 36), (12, 35)):
        monkeypatch.setattr(probes, "MOST_CALLS", calls)
        monkeypatch.setattr(probes, "MOST_READS", reads)
        if (calls, reads) == (12, 36):
            assert (run_trace(target, case).counts == 1).all()
        else:
            with pytest.raises(
                ValueError, match=f"is too large to be traced; it may take {calls} calls and {reads} reads$"
            ):
                run_trace(target, case)


def test_a_gradient_along_one_axis_reads_what_stands_there() -> None:
    # Column q + 2·j - 1 of 5, of 3 channels, to 4 channels.
    problem = "n2-c3-o4-g1-5-k2-s1-p1-d2-f64"
    trace = run_trace(OPERATIONS["conv1d_weight"].function, find_case(f"conv1d_weight-{problem}"))
    assert trace.read["column"].shape == (4, 3, 2, 2, 5)
    for o, c, j, n, q in np.ndindex(trace.counts.shape):
        at = q + 2 * j - 1
        assert_reads(trace, (o, c, j, n, q), is_there=0 <= at < 5, image=n, channel=c, column=at, weights=o)
    trace = run_trace(OPERATIONS["conv1d_input"].function, find_case(f"conv1d_input-{problem}"))
    for n, c, at, o, j in np.ndindex(trace.counts.shape):
        q = at - 2 * j + 1
        assert_reads(trace, (n, c, at, o, j), is_there=0 <= q < 5, image=n, channel=o, column=q, weights=c)


def test_where_a_type_cannot_number_all_pixels_each_axis_is_numbered_from_1() -> None:
    case = find_case("n1-c2-o3-g1-5x8-k3-s1-p0x2-d1-u8")
    assert set(_numbers(case, (1, 2, 5, 8))) == {"all"}  # 80 of at most 255
    found = _numbers(case, (1, 2, 15, 18))
    assert [(int(along.min()), int(along.max())) for along in found.values()] == [(1, 1), (1, 2), (1, 15), (1, 18)]
