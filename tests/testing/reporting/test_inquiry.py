"""Experiments after a run: conditions that new cases confirm, sharpen or refute, and reports that depend on no clock."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import loops
import pytest

import refconv
from refconv.testing import check, find_case
from refconv.testing.reporting.variations import with_quantity
from refconv.testing.reporting.vocabulary import QUANTITIES, Plan

BUSY = [sys.executable, "-c", "while True: pass"]


def record(kernel: Any) -> str:
    """Return a report as text and as JSON, without the time that each case took."""
    report = check(kernel, "smoke", time_limit=None)
    data = report.to_json()
    for result in data["results"]:
        del result["seconds"]
    return f"{report}\n{json.dumps(data)}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["row_pitch_is_the_height", "one_tap_unread"])
def test_five_runs_say_the_same_two_of_them_on_a_busy_machine(name: str) -> None:
    kernel = getattr(loops, name, globals().get(name))
    first = record(kernel)
    assert first.startswith("WRONG: ")
    loads = [subprocess.Popen(BUSY) for _ in range(4)]
    try:
        busy = [record(kernel) for _ in range(2)]
    finally:
        for load in loads:
            load.kill()
            load.wait()
    assert {first, *busy, record(kernel), record(kernel)} == {first}


def one_tap_unread(x: Any, w: Any, *rest: Any) -> Any:
    """Leave out one tap of the last channel in groups, which no mistake names: what is read tells it."""
    w = w.copy()
    if rest[-1] > 1:
        w[:, -1, 0, 0] = 0
    return refconv.conv2d(x, w, *rest)


def test_what_no_mistake_names_is_traced_and_the_smallest_case_says_it() -> None:
    (cause,) = check(one_tap_unread, "smoke", time_limit=None).causes()
    assert cause.code == "traced-lost"
    assert cause.sentence.startswith("nothing is read ")
    assert "groups > 1" in cause.condition


def more_than(limit: int) -> Any:
    """Count the last tap three times where more than so many products are added up: a number that no case has."""

    def kernel(x: Any, w: Any, *rest: Any) -> Any:
        if w[0].size > limit:
            w = w.copy()
            w[:, -1, -1, -1] *= 3
        return refconv.conv2d(x, w, *rest)

    return kernel


@pytest.mark.parametrize("limit", [27, 36])
def test_a_threshold_is_brought_to_the_number(limit: int) -> None:
    first = check(more_than(limit), "smoke", time_limit=None).causes()[0]
    assert f"C·K > {limit}" in first.condition
    assert first.experiments > 0


def lost_in_groups_of_floats(x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, g: Any) -> Any:
    """Go wrong with groups; no case of those that are asked for has groups without a bias."""
    return refconv.conv2d(x, w if g == 1 else w[:, ::-1], b, s, p, d, g)


@pytest.mark.slow
def test_experiments_refute_what_holds_by_chance_in_the_cases_that_there_are() -> None:
    (cause,) = check(lost_in_groups_of_floats, "smoke", time_limit=None).causes()
    assert cause.condition == "only where 1 < groups < channels"
    assert cause.experiments > 0


@pytest.mark.parametrize(
    ("name", "number"), [("C·K", 60), ("channels", 8), ("groups", 3), ("kernel_w", 5), ("output_h", 9), ("batch", 4)]
)
def test_a_case_can_be_brought_to_a_number(name: str, number: int) -> None:
    case = find_case("n1-c4-o6-g2-8x9-k2x3-s2x1-p1x0-d1-f32")
    other = with_quantity(case, name, number)
    assert other is not None
    assert QUANTITIES[name](Plan.of(other)) == number
