from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any

import kernels
import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.operations import OPERATIONS
from refconv.testing import Case, CaseResult, Comparison, Finding, Outcome, Report, check
from refconv.testing.fuzz import fuzz
from refconv.testing.judging.judge import Judge
from refconv.testing.judging.outcome import Ending


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
        (right_padding_is_left, ["n1-c1-o1-g1-1x1-k1-s1-p0+0x0+1-d1-f32"]),
        (loses_columns_from_16_on, ["n1-c1-o1-g1-1x17-k1-s1-p0-d1-f32"]),
    ],
)
def test_the_failing_case_is_shrunk_to_the_smallest(target: Any, names: list[str]) -> None:
    failures = [result for result in found(target, 60) if result.outcome == "failed"]
    assert [result.id for result in failures][:1] == names
    assert {result.family for result in failures} == {"random"}


def test_a_right_target_passes_as_many_cases_as_were_asked_for() -> None:
    results = found(kernels.right, 60)
    assert len(results) == 60
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


def test_what_is_not_wanted_is_not_run_to_find_out_what_is_refused_either() -> None:
    run: list[str] = []

    def refuses_a_bias(*given: Any) -> Any:
        if given[2] is not None:
            raise NotImplementedError("no bias")
        return kernels.right(*given)

    judge = Judge(refuses_a_bias)

    def is_wanted(case: Case) -> bool:
        return zlib.crc32(case.id.encode()) % 3 > 0

    def noted(case: Case) -> CaseResult:
        assert is_wanted(case)
        run.append(case.id)
        return judge(case)

    fuzz(noted, "conv2d", 60, 0, is_wanted, lambda _: None)
    assert len(run) == len(set(run)) >= 60


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
    assert [result.outcome for result in results].count(Outcome.FAILED) >= 1
    assert len(seen) == len(set(seen)) >= 100


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
    fuzz(run, "conv2d", 100, 0, anything, results.append)
    (death,) = [result for result in results if result.outcome == "failed"]
    assert death.id == "n1-c1-o1-g1-1x5-k1-s1-p0-d1-f32"
    assert results[-1] is not death  # and the run goes on


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

    failures = [result for result in found_by(run, 0, 100) if result.outcome == "failed"]
    assert {result.ended_by: result.id for result in failures} == {
        large: "n1-c1-o1-g1-1x10-k1-s1-p0-d1-f32",
        "TypeError": "n1-c1-o1-g1-1x3-k1-s1-p0-d1-f32",
    }
    assert len(failures) == 2  # each once


def test_a_case_is_shrunk_while_no_other_mistake_explains_it() -> None:
    said = {10: ("a", "b"), 5: ("a", "b"), 3: ("a",), 0: ("c",)}  # from so many columns on

    def run(case: Case) -> CaseResult:
        codes = next(codes for columns, codes in said.items() if case.input_shape[-1] >= columns)
        findings = tuple(Finding(code, code) for code in codes)
        return CaseResult(case.id, "", Outcome.FAILED, comparison=Comparison(elements=1), findings=findings)

    failures = found_by(run, 0, 100)
    assert [(result.id.split("-")[4], result.findings[0].code) for result in failures] == [("1x1", "c"), ("1x3", "a")]


def test_unsupported_cases_are_no_failures() -> None:
    results = found(kernels.supports_nothing, 20)
    assert {result.outcome for result in results} == {"unsupported"}


def numbers_for_padding_and_float32(*arguments: Any) -> Any:
    image, padding = arguments[0], arguments[4]
    if isinstance(padding, str) or image.dtype != "f4" or image.ndim != 4:
        raise NotImplementedError
    return refconv.conv2d(*arguments)


def test_what_is_refused_is_learned_and_does_not_count() -> None:
    results = found(numbers_for_padding_and_float32, 100)
    outcomes = [result.outcome for result in results]
    counts = [outcomes.count(outcome) for outcome in (Outcome.PASSED, Outcome.UNSUPPORTED)]
    assert counts[0] == 100
    assert counts[1] < 30


def two_defects(*arguments: Any) -> Any:
    image, kernel, bias, stride, padding, dilation, groups = arguments
    if groups > 1:
        bias = None
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        padding = tuple(before for before, _ in padding)
    return refconv.conv2d(image, kernel, bias, stride, padding, dilation, groups)


def explained(target: Any, count: int) -> list[CaseResult]:
    judge = Judge(target)

    def run(case: Case) -> CaseResult:
        result = judge(case)
        return judge.explained(result) if result.is_to_be_explained else result

    results: list[CaseResult] = []
    fuzz(run, "conv2d", count, 0, anything, results.append)
    return [result for result in results if result.outcome == "failed"]


@pytest.mark.slow
def test_each_distinct_cause_is_reported_by_the_smallest_case_that_explains_it() -> None:
    failures = explained(two_defects, 150)
    codes = [finding.code for result in failures for finding in result.findings[:1]]
    assert codes.count("bias-missing") == 1
    assert sum("padding-before-used-for-after" in code for code in codes) == 1
    assert len(failures) <= 6  # three of them in images of no pixels, or refused for what they became
    (bias,) = [result for result in failures if result.findings and result.findings[0].code == "bias-missing"]
    assert bias.id == "n1-c2-o2-g2-1x1-k1-s1-p0-d1-bias-f32"


def first_random_failure(report: Report) -> CaseResult:
    return next(result for result in report.failures if result.family == "random")


@pytest.mark.parametrize("keywords", one_in(4, [{}, {"workers": 2}, {"map": map}, {"time_limit": None}]), ids=str)
def test_check_draws_random_cases_in_every_place(keywords: dict[str, Any]) -> None:
    target = kernels.one_pixel_off if "time_limit" in keywords else "kernels:one_pixel_off"
    report = check(target, "smoke", match="-d1-f32", fuzz=6, rng=1, **keywords)
    assert first_random_failure(report).id == "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32"
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


@pytest.mark.slow
def test_random_cases_are_of_the_operation_that_is_judged() -> None:
    def unpadded(*arguments: Any) -> Any:
        image, weight, bias, stride, _, *rest = arguments
        return refconv.conv_transpose2d(image, weight, bias, stride, 0, *rest)

    report = check(unpadded, "smoke", op="conv_transpose2d", match="-p0-", fuzz=40, rng=3)
    assert not report.failures
    report = check(unpadded, "smoke", op="conv_transpose2d", match="conv_transpose2d", fuzz=40, rng=3, time_limit=None)
    assert first_random_failure(report).id.startswith("conv_transpose2d-n1-c1-o1-g1-")


@pytest.mark.parametrize("op", ["conv2d_integer", "conv1d_quantized"])
def test_a_kernel_of_uint8_with_int8_is_given_random_cases(op: str) -> None:
    def mixed(*arguments: Any) -> Any:
        types = [argument.dtype for argument in arguments if isinstance(argument, np.ndarray) and argument.ndim > 1]
        if types != [np.uint8, np.int8]:
            raise NotImplementedError
        return OPERATIONS[op].function(*arguments)

    report = check(mixed, op=op, cases=[f"{op}-n1-c1-o1-g1-{'1x1' if '2' in op else '1'}-k1-s1-p0-d1-u8xi8"], fuzz=10)
    assert report.counts()["passed"] == 11, str(report)
