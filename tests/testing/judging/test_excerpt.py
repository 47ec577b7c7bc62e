from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.testing import Case, find_case
from refconv.testing.judging.excerpt import Excerpt, excerpt_of

SMALL = find_case("n2-c1-o2-g1-3x4-k2-s1-p0-d1-f32")  # 2×3 outputs
REAL = find_case("n2-c1-o2-g1-3x4-k2-s1-p0-d1-f32-real")


def right(case: Case) -> Any:
    return refconv.conv2d(*case.arrays(), **case.kwargs())


def excerpt(case: Case, actual: Any) -> Excerpt | None:
    return excerpt_of(case, actual, case.check(actual))


def test_the_plane_of_the_worst_element() -> None:
    actual = right(SMALL)
    actual[1, 0, 1, 2] += 1
    truth = tuple(map(tuple, right(SMALL)[1, 0].tolist()))
    shown = excerpt(SMALL, actual)
    assert shown == Excerpt(
        place="image 1, channel 0",
        row=0,
        column=0,
        actual=tuple(map(tuple, actual[1, 0].tolist())),
        desired=truth,
        error_in_bounds=((0.0, 0.0, 0.0), (0.0, 0.0, math.inf)),
        wrong=((0, 0), (1, 0)),
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("c1-o3-g1-3x4-k2-s1-p0-d1-f32", ((0, 6, 0),)),  # without a batch axis: the channels alone
        ("conv1d-n2-c1-o3-g1-5-k2-s1-p0-d1-f32", ((0, 12),)),  # all channels of an image are one map
        ("conv3d-n2-c1-o3-g1-3x4x5-k2-s1-p0-d1-f32", ((0, 0), (0, 0), (0, 0), (12, 12), (12, 12), (12, 12))),
    ],
)
def test_wrong_elements_are_counted_map_by_map(name: str, wrong: tuple[tuple[int, ...], ...]) -> None:
    case = find_case(name)
    actual = case.expected().astype(np.float32)
    actual[1] += 1
    shown = excerpt(case, actual)
    assert shown is not None
    assert shown.wrong == wrong


def test_errors_are_in_units_of_their_bounds() -> None:
    actual = right(REAL)
    truth, bound, *_ = REAL.reference()
    actual[1, 1, 0, 1] = truth[1, 1, 0, 1] + 4 * bound[1, 1, 0, 1]
    shown = excerpt(REAL, actual)
    assert shown is not None
    assert shown.place == "image 1, channel 1"
    assert shown.error_in_bounds[0][1] == pytest.approx(4, rel=0.1)
    assert max(shown.error_in_bounds[1]) <= 1


def test_what_is_no_number_is_infinitely_wrong_and_right_where_it_is_desired() -> None:
    case = find_case("n1-c1-o1-g1-3x4-k2-s1-p0-d1-f32-nan")
    actual = right(case)
    assert np.isnan(actual).any()
    actual[0, 0, 0, 0] = np.nan if not np.isnan(actual[0, 0, 0, 0]) else 5
    shown = excerpt(case, actual)
    assert shown is not None
    assert [value for row in shown.error_in_bounds for value in row].count(math.inf) == 1


def test_without_a_batch_axis_the_plane_is_the_channel() -> None:
    case = find_case("c1-o3-g1-3x4-k2-s1-p0-d1-f32")
    actual = right(case)
    actual[2, 0, 0] = 0
    shown = excerpt(case, actual)
    assert shown is not None
    assert shown.place == "channel 2"


@pytest.mark.parametrize(
    ("place", "row", "column"),
    [((0, 0), 0, 0), ((8, 9), 0, 1), ((9, 20), 1, 12), ((39, 29), 24, 14), ((20, 15), 12, 7)],
)
def test_a_large_plane_is_shown_about_its_worst_element(place: tuple[int, int], row: int, column: int) -> None:
    case = find_case("n1-c1-o1-g1-40x30-k1-s1-p0-d1-f32")
    actual = right(case)
    actual[(0, 0, *place)] += 1
    shown = excerpt(case, actual)
    assert shown is not None
    assert (shown.row, shown.column) == (row, column)
    assert len(shown.actual) == len(shown.desired) == len(shown.error_in_bounds) == 16
    assert {len(line) for line in (*shown.actual, *shown.desired, *shown.error_in_bounds)} == {16}
    assert shown.actual[place[0] - row][place[1] - column] == actual[(0, 0, *place)]
    assert shown.error_in_bounds[place[0] - row][place[1] - column] == math.inf


def test_another_shape_is_shown_without_errors() -> None:
    actual = np.arange(2 * 2 * 4 * 5, dtype=np.float32).reshape(2, 2, 4, 5)
    shown = excerpt(SMALL, actual)
    assert shown is not None
    assert (shown.place, shown.row, shown.column, shown.error_in_bounds) == ("image 0, channel 0", 0, 0, ())
    assert shown.actual == tuple(map(tuple, actual[0, 0].tolist()))
    assert shown.desired == tuple(map(tuple, right(SMALL)[0, 0].tolist()))


def test_another_type_is_shown_without_errors() -> None:
    shown = excerpt(SMALL, right(SMALL).astype(np.int32))
    assert shown is not None
    assert shown.actual == shown.desired
    assert shown.error_in_bounds == ()


def test_a_result_without_that_plane_shows_what_is_desired() -> None:
    shown = excerpt(SMALL, np.zeros((0, 2, 2, 3), np.float32))
    assert shown is not None
    assert shown.actual == ()
    assert len(shown.desired) == 2


class Unreadable:
    def __array__(self, *arguments: Any, **keywords: Any) -> Any:
        raise RuntimeError("not for you")


@pytest.mark.parametrize(
    "actual",
    [None, 5, "text", Unreadable(), np.zeros((2, 2)), np.zeros((2, 2, 2, 3), np.complex64), [[1], [2, 3]]],
    ids=["None", "a number", "text", "unreadable", "2-D", "complex", "ragged"],
)
def test_what_is_no_such_array_is_not_shown(actual: Any) -> None:
    assert excerpt(SMALL, actual) is None


def test_nothing_is_not_shown() -> None:
    empty = find_case("n0-c1-o2-g1-3x4-k2-s1-p0-d1-f32")
    assert excerpt(empty, np.zeros((1, 2, 2, 3), np.float32)) is None


@pytest.mark.parametrize(
    ("name", "index", "place"),
    [
        ("conv1d-n2-c1-o3-g1-5-k2-s1-p0-d1-f32", (1, 2, 3), "image 1"),
        ("conv1d-c1-o3-g1-5-k2-s1-p0-d1-f32", (2, 3), ""),
        ("conv3d-n2-c1-o3-g1-4x5x6-k2-s1-p0-d1-f32", (1, 2, 0, 3, 4), "image 1, channel 2, depth 0"),
        ("conv3d-c1-o3-g1-4x5x6-k2-s1-p0-d1-f32", (2, 1, 3, 4), "channel 2, depth 1"),
        ("conv_transpose2d-n2-c1-o3-g1-4x5-k2-s1-p0-d1-f32", (1, 2, 0, 3), "image 1, channel 2"),
        ("conv2d_input-c4-o2-g2-4x5-k2-s1-p0-d1-f32", (3, 0, 1), "channel 3"),
        ("conv2d_weight-n2-c4-o6-g2-4x5-k2-s1-p0-d1-f32", (5, 1, 0, 1), "output channel 5, input channel 1"),
        ("conv2d_weight-c4-o6-g2-4x5-k2-s1-p0-d1-f32", (5, 1, 0, 1), "output channel 5, input channel 1"),
    ],
)
def test_the_place_is_named_as_the_operation_has_it(name: str, index: tuple[int, ...], place: str) -> None:
    case = find_case(name)
    actual = case.expected().astype(np.float32)
    actual[index] += 1
    shown = excerpt(case, actual)
    assert shown is not None
    assert shown.place == place
