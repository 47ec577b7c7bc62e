from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import kernels
import pytest

from refconv.testing import CaseResult, Comparison, Outcome, Report, as_junit, check

ANSWER = Comparison(elements=6)


def suite_of(report: Report) -> ET.Element:
    (suite,) = ET.fromstring(as_junit(report)).findall("testsuite")
    return suite


def test_a_test_for_each_case_with_its_cause_as_the_message() -> None:
    report = check(kernels.one_pixel_off, "smoke", match="k2x3 or psame-")
    suite = suite_of(report)
    failed = report.failures
    assert failed
    counts = {"tests": str(len(report.results)), "failures": str(len(failed)), "skipped": "0"}
    assert {name: suite.get(name) for name in counts} == counts
    assert suite.get("name") == report.run
    assert [test.get("name") for test in suite] == [result.id for result in report.results]
    assert {test.get("classname") for test in suite} == {"conv2d.smoke"}
    tests = [test for test in suite if test.find("failure") is not None]
    assert [test.get("name") for test in tests] == [result.id for result in failed]
    (cause,) = report.causes()
    for test, result in zip(tests, failed, strict=True):
        failure = test.find("failure")
        assert failure is not None
        assert failure.attrib == {"message": cause.sentence, "type": "failed"}
        assert failure.text == result.detail


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.PASSED, None),
        (Outcome.BY_CONVENTION, None),
        (Outcome.LESS_PRECISE, "failure"),
        (Outcome.UNSUPPORTED, "skipped"),
        (Outcome.NOT_REFUSED, "skipped"),
    ],
)
def test_outcomes(outcome: Outcome, kind: str | None) -> None:
    result = CaseResult("n1", "types", outcome, "why\nand more", ANSWER, 0.1234)
    (test,) = suite_of(Report("k.py:f", "core", (result,), op="conv1d"))
    assert test.attrib == {"classname": "conv1d.types", "name": "n1", "time": "0.123"}
    assert [(child.tag, child.get("message"), child.text) for child in test] == (
        [] if kind is None else [(kind, "why", "why\nand more")]
    )


@pytest.mark.parametrize(("strict", "failures"), [(False, "0"), (True, "1")])
def test_suspects_fail_where_a_run_is_strict(strict: bool, failures: str) -> None:
    result = CaseResult("n1", "types", Outcome.PASSED, "", replace(ANSWER, surprise=5.0), 0.1)
    assert suite_of(Report("k.py:f", "core", (result,), strict=strict)).get("failures") == failures


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(Outcome.FAILED, ("1", "0")), (Outcome.UNSUPPORTED, ("0", "1")), (Outcome.PASSED, ("0", "0"))],
)
def test_a_strict_run_counts_what_returned_nothing_as_any_other_does(outcome: Outcome, counts: tuple[str, str]) -> None:
    suite = suite_of(Report("k.py:f", "core", (CaseResult("n1", "types", outcome),), strict=True))
    assert (suite.get("failures"), suite.get("skipped")) == counts


def test_times_add_up() -> None:
    results = tuple(CaseResult(f"n{n}", "types", Outcome.PASSED, "", ANSWER, 0.25 * n) for n in (1, 2))
    assert suite_of(Report("k.py:f", "core", results)).get("time") == "0.750"


def test_what_xml_cannot_hold_is_replaced() -> None:
    evil = "<&\"'>\x00\x1b[31m\ud800é\n"
    failed = CaseResult("n1", "types", Outcome.UNSUPPORTED, evil, ANSWER)
    (test,) = suite_of(Report(f"{evil}:f", "core", (failed,)))
    skipped = test.find("skipped")
    assert skipped is not None
    assert skipped.text == "<&\"'>��[31m�é\n"
