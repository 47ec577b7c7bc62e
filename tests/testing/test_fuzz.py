from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kernels
import pytest

import refconv
from refconv.testing import Case, CaseResult, Comparison, Outcome, Report, check
from refconv.testing.fuzz import fuzz
from refconv.testing.judging.judge import Judge
from refconv.testing.judging.outcome import Ending

pytest.importorskip("hypothesis")

from hypothesis import configuration


def first_dilation_for_both(*arguments: Any) -> Any:
    image, kernel, bias, stride, padding, (dilation, _), groups = arguments
    return refconv.conv2d(image, kernel, bias, stride, padding, dilation, groups)


def right_padding_is_left(*arguments: Any) -> Any:
    image, kernel, bias, stride, padding, *rest = arguments
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        padding = (padding[0], (padding[1][0], padding[1][0]))
    return refconv.conv2d(image, kernel, bias, stride, padding, *rest)


def loses_columns_from_16_on(*arguments: Any) -> Any:
    output = kernels.right(*arguments)
    output[..., 16:] = 0
    return output


def anything(case: Case) -> bool:
    return True


def found_by(run: Callable[[Case], CaseResult], rng: int, count: int = 400) -> list[CaseResult]:
    results: list[CaseResult] = []
    fuzz(run, "conv2d", count, rng, anything, results.append)
    return results


def found(target: Any, count: int = 400, rng: int = 0) -> list[CaseResult]:
    return found_by(Judge(target), rng, count)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (kernels.one_pixel_off, ["n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32"]),
        (
            first_dilation_for_both,
            ["n1-c1-o1-g1-1x3-k1x2-s1-p0-d2x1-f32", "n1-c1-o1-g1-1x3-k1x2-s1-p0-d1x2-f32"],
        ),
        (right_padding_is_left, ["n1-c1-o1-g1-1x1-k1-s1-p0+0x0+1-d1-f32"]),
        (loses_columns_from_16_on, ["n1-c1-o1-g1-1x17-k1-s1-p0-d1-f32"]),
    ],
)
def test_the_failing_case_is_shrunk_to_the_smallest(target: Any, names: list[str]) -> None:
    *passed, last = found(target)
    assert last.id in names
    assert (last.outcome, last.family) == ("failed", "random")
    assert {result.outcome for result in passed} <= {"passed"}


def test_a_right_target_passes_as_many_cases_as_were_asked_for_at_most() -> None:
    results = found(kernels.right, 60)
    assert 30 < len(results) <= 60
    assert {(result.outcome, result.family) for result in results} == {("passed", "random")}
    assert len({result.id for result in results}) == len(results)


def ids(results: list[CaseResult]) -> list[str]:
    return [result.id for result in results]


def test_a_seed_draws_the_same_cases_again_and_another_one_others() -> None:
    first, again, other = (found(kernels.right, 40, rng) for rng in (3, 3, 4))
    assert ids(first) == ids(again)
    assert ids(first) != ids(other)


def test_what_is_not_wanted_is_not_run() -> None:
    results: list[CaseResult] = []
    fuzz(Judge(kernels.right), "conv2d", 30, 0, lambda case: case.dtype == "f64", results.append)
    assert results
    assert all("-f64" in result.id for result in results)


def test_nothing_wanted_can_be_drawn() -> None:
    with pytest.raises(ValueError, match=r"^no random case of the kind asked for was drawn$"):
        fuzz(Judge(kernels.right), "conv2d", 5, 0, lambda _: False, print)


def test_each_case_is_run_once_and_a_target_that_is_wrong_by_chance_is_wrong() -> None:
    seen: list[str] = []
    wrong = itertools.cycle([False] * 7 + [True])

    def run(case: Case) -> CaseResult:
        seen.append(case.id)
        return CaseResult(case.id, case.family, Outcome.FAILED if next(wrong) else Outcome.PASSED)

    results: list[CaseResult] = []
    fuzz(run, "conv2d", 100, 0, anything, results.append)
    assert results[-1].outcome == "failed"
    assert [result.outcome for result in results].count(Outcome.FAILED) == 1
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("ending", [Ending.TIMED_OUT, Ending.NOT_RUN])
def test_a_case_without_an_answer_is_not_shrunk(ending: Ending) -> None:
    seen: list[str] = []

    def run(case: Case) -> CaseResult:
        seen.append(case.id)
        hangs = case.input_shape[-1] > 2
        if not hangs:
            return CaseResult(case.id, case.family, Outcome.PASSED)
        return CaseResult(case.id, case.family, Outcome.FAILED, ending=ending)

    results: list[CaseResult] = []
    fuzz(run, "conv2d", 100, 0, anything, results.append)
    assert results[-1].ending == ending
    assert seen[-1] == results[-1].id


def test_a_case_that_dies_is_shrunk() -> None:
    def run(case: Case) -> CaseResult:
        dies = case.input_shape[-1] > 4
        return CaseResult(case.id, case.family, Outcome.FAILED if dies else Outcome.PASSED, ending=Ending.DIED)

    results: list[CaseResult] = []
    fuzz(run, "conv2d", 200, 0, anything, results.append)
    assert results[-1].id == "n1-c1-o1-g1-1x5-k1-s1-p0-d1-f32"


@pytest.mark.parametrize("large", ["ValueError", ""])
def test_a_case_is_not_shrunk_to_one_that_fails_in_another_way(large: str) -> None:
    def run(case: Case) -> CaseResult:
        width = case.input_shape[-1]
        if width <= 2:
            return CaseResult(case.id, case.family, Outcome.PASSED)
        error = large if width > 9 else "TypeError"
        comparison = None if error else Comparison(elements=1, mismatched=1)
        ending = Ending.RAISED if error else Ending.RETURNED
        return CaseResult(case.id, case.family, Outcome.FAILED, "", comparison, ending=ending, ended_by=error)

    seeds = [found_by(run, rng)[-1] for rng in range(3)]
    assert {result.ended_by: result.id for result in seeds} == {
        large: "n1-c1-o1-g1-1x10-k1-s1-p0-d1-f32",
        "TypeError": "n1-c1-o1-g1-1x3-k1-s1-p0-d1-f32",
    }


def test_unsupported_cases_are_no_failures() -> None:
    results = found(kernels.supports_nothing, 20)
    assert {result.outcome for result in results} == {"unsupported"}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before: Any = configuration.storage_directory()
    configuration.set_hypothesis_home_dir(tmp_path / "home")
    try:
        found(kernels.one_pixel_off, 20)
        after: Any = configuration.storage_directory()
    finally:
        configuration.set_hypothesis_home_dir(getattr(before, "path", before))
    assert list(tmp_path.iterdir()) == []
    assert getattr(after, "path", after) == tmp_path / "home"  # as whoever called has it


def one_random_failure(report: Report) -> CaseResult:
    (failure,) = [result for result in report.failures if result.family == "random"]
    assert report.results[-1] is failure
    return failure


@pytest.mark.parametrize("keywords", [{}, {"workers": 2}, {"map": map}, {"time_limit": None}], ids=str)
def test_check_draws_random_cases_in_every_place(keywords: dict[str, Any]) -> None:
    target = kernels.one_pixel_off if "time_limit" in keywords else "kernels:one_pixel_off"
    report = check(target, "smoke", match="-d1-f32", fuzz=15, rng=1, **keywords)
    assert one_random_failure(report).id == "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32"
    assert report.families() == ["smoke", "random"]


def test_check_chooses_among_random_cases_as_among_others() -> None:
    report = check(kernels.right, "smoke", match="-s2x1-", dtype="float32", fuzz=10, rng=2)
    random = [result for result in report.results if result.family == "random"]
    assert random
    assert all("-s2x1-" in result.id and "-f32" in result.id for result in random)


def test_random_cases_are_shown_as_they_come() -> None:
    shown: list[CaseResult] = []
    report = check(kernels.right, "smoke", match="d2x3", fuzz=5, on_result=shown.append)
    assert tuple(shown) == report.results
    assert len(shown) > 1


def test_without_being_asked_for_none_are_drawn() -> None:
    assert check(kernels.right, "smoke", match="d2x3").families() == ["smoke"]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [({"fuzz": -1}, "fuzz=-1 must be at least 0"), ({"rng": -1}, "rng=-1 must be at least 0")],
    ids=str,
)
def test_bad_numbers_are_refused(keywords: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        check(kernels.right, "smoke", **keywords)  # type: ignore[arg-type]


def test_random_cases_are_of_the_operation_that_is_judged() -> None:
    def unpadded(*arguments: Any) -> Any:
        image, weight, bias, stride, _, *rest = arguments
        return refconv.conv_transpose2d(image, weight, bias, stride, 0, *rest)

    report = check(unpadded, "smoke", op="conv_transpose2d", match="-p0-", fuzz=40, rng=3)
    assert not report.failures
    report = check(unpadded, "smoke", op="conv_transpose2d", match="conv_transpose2d", fuzz=40, rng=3, time_limit=None)
    assert one_random_failure(report).id.startswith("conv_transpose2d-n1-c1-o1-g1-")
