"""Experiments after a run: conditions that new cases confirm, sharpen or refute, and reports that depend on no clock."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import loops
import pytest
from sampled import one_in

import refconv
from refconv.testing import CaseResult, Comparison, Finding, Outcome, check, find_case
from refconv.testing.reporting.inquiry import _tells, inquire, judged
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


@pytest.mark.parametrize(
    ("name", "worth"),
    [
        ("n1-c1-o1-g1-4x5-k2x3-s1-p1x2-d1-f32", 4),
        ("n1-c1-o1-g1-4x5-k2x3-s1-p1x2-d1-f32-nan", 0),
        ("n1-c1-o1-g1-4x5-k2x3-s1-p1x2-d1-f32-real", 4),
        ("n1-c1-o1-g1-4x5-k2x3-s1-p2x0-d1-f32", 3),  # the first window lies in the padding
        ("n1-c1-o1-g1-4x5-k2x3-s1-p1x2-d4x1-f32", 3),  # the window is higher than the image
        ("n1-c1-o1-g1-4x5-k2x3-s1-p1x2-d3x1-f32", 4),
        ("n1-c1-o1-g1-4x5-k1x3-s1-p0x2-d1-f32", 3),
        ("n1-c1-o1-g1-4x5-k1x5-s1-p0-d1-f32", 2),  # one output along the width
        ("n1-c1-o1-g1-1x1-k1-s1-p1-d1-f32", 1),  # nine outputs
        ("n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32", 1),  # a window that lies in the image
        ("no case", 0),
    ],
)
def test_a_case_tells_more_where_windows_lie_in_the_image_and_differ(name: str, worth: int) -> None:
    assert _tells(CaseResult(name, "smoke", Outcome.FAILED)) == worth


def test_of_what_nothing_explains_the_smallest_of_those_that_tell_most_is_looked_at() -> None:
    names = ["n1-c1-o1-g1-1x1-k1-s1-p1-d1-f32", *(f"n1-c1-o1-g1-{n}x5-k2x3-s1-p1x2-d1-f32" for n in (6, 4, 5))]
    asked: list[str] = []

    def run(some: Sequence[Any]) -> Iterator[CaseResult]:
        asked.extend(each.id for each in some)
        seen = Finding("traced-rows", "it uses row = p", is_traced=True)
        return iter([replace(each, findings=(seen,)) for each in some if isinstance(each, CaseResult)])

    wrong = Comparison(elements=4, mismatched=4)
    results, _ = inquire([CaseResult(name, "smoke", Outcome.FAILED, "", wrong) for name in names], run)
    assert asked[0] == names[2]
    assert [result.id for result in results if result.findings] == [names[2]]


def more_than(limit: int) -> Any:
    """Count the last tap three times where more than so many products are added up: a number that no case has."""

    def kernel(x: Any, w: Any, *rest: Any) -> Any:
        if w[0].size > limit:
            w = w.copy()
            w[:, -1, -1, -1] *= 3
        return refconv.conv2d(x, w, *rest)

    return kernel


def searched(causes: Callable[[int], bool]) -> list[int]:
    """Run 200 failing cases, some of which have a cause if they are searched; return which were, as they were run."""
    cases = [find_case(f"n1-c1-o1-g1-3x{columns}-k1-s1-p0-d1-f32") for columns in range(1, 201)]
    asked: list[int] = []

    def run(some: Sequence[Any]) -> Iterator[CaseResult]:
        for case in some:
            number = case.input_shape[-1] - 1
            asked.extend([number] if case.is_searched else [])
            findings = (Finding("a", "a cause"),) if case.is_searched and causes(number) else ()
            yield CaseResult(case.id, "", Outcome.FAILED, comparison=Comparison(elements=1), findings=findings)

    results = list(judged(cases, run))
    assert [result.id for result in results] == [case.id for case in cases]
    assert all(bool(result.findings) == causes(number) for number, result in enumerate(results))
    return asked


def test_what_nothing_explains_is_searched_in_one_case_of_eight() -> None:
    assert searched(lambda _: False) == [*range(32), *range(32, 96, 8), *range(96, 200, 8)]


def test_all_are_searched_where_most_have_a_cause() -> None:
    assert searched(lambda _: True) == [*range(200)]


def test_a_cause_that_turns_up_late_is_looked_for_in_what_was_run_with_it() -> None:
    assert searched(lambda number: number >= 96) == [*range(32), *range(32, 96, 8), *range(96, 200, 8), *range(96, 200)]


@pytest.mark.parametrize("limit", one_in(2, [27, 36]))
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


def reversed_in_wide_dilated_groups(x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, g: Any) -> Any:
    is_wrong = (g > 1, w.shape[2:] == (5, 5), d[1] > 1, b is not None) == (True,) * 4
    return refconv.conv2d(x, w[..., ::-1, ::-1, :] if is_wrong else w, b, s, p, d, g)


def test_what_one_case_shows_alone_is_looked_for_around_it() -> None:
    # four parts at once, of which the battery has no second case
    name = "n2-c4-o6-g2-9x10-k5-s1-p1-d2-bias-f32"
    names = [name, *(case.id for case in refconv.testing.cases("smoke") if case.dtype == "f32")]
    (cause,) = check(reversed_in_wide_dilated_groups, cases=names, time_limit=None).causes()
    assert [result.id for result in cause.failures] == [name]
    parts = {"groups > 1", "dilation_w > 1", "there is a bias", "kernel is 5×5"}
    assert set(cause.condition.removeprefix("only where ").split(" and ")) == parts


def widest_drawn(failures: int, *others: CaseResult) -> int:
    """Return the width of the widest image that is drawn for a target which is wrong in every case."""
    wrong = Comparison(elements=9, mismatched=4)

    def run(cases: Sequence[Any]) -> Iterator[CaseResult]:
        return (CaseResult(case.id, "", Outcome.FAILED, "wrong", wrong) for case in cases)

    failed = run([find_case(f"n{1 + number}-c1-o1-g1-6x5-k2x3-s1-p0-d1-f32") for number in range(failures)])
    _, drawn = inquire([*failed, *others], run)
    return max(find_case(result.id).input_shape[-1] for result in drawn)


def test_cases_around_a_failure_are_run_where_few_fail_and_others_pass() -> None:
    empty = CaseResult("n0-c1-o1-g1-6x5-k2x3-s1-p0-d1-f32", "", Outcome.PASSED, "", Comparison(elements=0))
    assert widest_drawn(8, empty) > 5
    assert widest_drawn(9, empty) <= 5
    assert widest_drawn(1) <= 5


@pytest.mark.parametrize(
    ("name", "number"), [("C·K", 60), ("channels", 8), ("groups", 3), ("kernel_w", 5), ("output_h", 9), ("batch", 4)]
)
def test_a_case_can_be_brought_to_a_number(name: str, number: int) -> None:
    case = find_case("n1-c4-o6-g2-8x9-k2x3-s2x1-p1x0-d1-f32")
    other = with_quantity(case, name, number)
    assert other is not None
    assert QUANTITIES[name](Plan.of(other)) == number
