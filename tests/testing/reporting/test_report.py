from __future__ import annotations

import pytest

from refconv.testing import CaseResult, Comparison, Outcome, Report
from refconv.testing.battery.cases import RANDOM
from refconv.testing.reporting.report import _in_likelihood

RIGHT = CaseResult("n1-c1-o1-g1-4x5-k1-s1-p0-d1-f32", "basic", Outcome.PASSED, comparison=Comparison(elements=20))
DRAWN = CaseResult("n1-c1-o1-g1-4x6-k1-s1-p0-d1-f32", RANDOM, Outcome.PASSED, comparison=Comparison(elements=24))
LACKING = CaseResult("n1-c1-o1-g1-4x7-k1-s1-p0-d1-f32", "basic", Outcome.UNSUPPORTED)
ACCEPTED = CaseResult("reject-stride-zero", "rejected", Outcome.NOT_REFUSED)


def suspect(surprise: float) -> CaseResult:
    found = Comparison(elements=20, surprise=surprise, resembles="like TF32")
    return CaseResult(RIGHT.id, "basic", Outcome.PASSED, comparison=found)


@pytest.mark.parametrize(
    ("results", "headline"),
    [
        ([RIGHT], "RIGHT in the one case"),
        ([RIGHT, RIGHT], "RIGHT in all 2 cases"),
        ([RIGHT, LACKING], "RIGHT in the 1 of 2 cases that it supports"),
        ([RIGHT, DRAWN], "RIGHT in the one case and 1 random one"),
        ([RIGHT, RIGHT, DRAWN, DRAWN], "RIGHT in all 2 cases and 2 random ones"),
        ([RIGHT, ACCEPTED], "RIGHT in the one case, and does not refuse 1 that it ought to"),
        (
            [RIGHT, suspect(5)],
            "RIGHT in all 2 cases; but 1 case is off by up to 5 times what random rounding gives, like TF32",
        ),
        (
            [suspect(5), suspect(7.25)],
            "RIGHT in all 2 cases; but 2 cases are off by up to 7.25 times what random rounding gives, like TF32",
        ),
        ([], "NOT JUDGED: it computed no case"),
        ([LACKING], "NOT JUDGED: it computed no case"),
    ],
)
def test_a_headline(results: list[CaseResult], headline: str) -> None:
    assert Report("mine", "smoke", tuple(results)).headline() == headline


@pytest.mark.parametrize(("zeros", "is_trusted"), [(5, True), (19, False)])
def test_zeros_prove_little(zeros: int, is_trusted: bool) -> None:
    result = CaseResult(RIGHT.id, "basic", Outcome.PASSED, comparison=Comparison(elements=20, zeros=zeros))
    report = Report("mine", "smoke", (result,))
    assert report.passed == is_trusted
    assert is_trusted or report.headline() == "UNTRUSTWORTHY: 19 of 20 expected outputs are 0, which proves little"


def test_a_suspect_case_is_the_headline_of_a_strict_run() -> None:
    report = Report("mine", "smoke", (RIGHT, suspect(5)), strict=True)
    assert not report.passed
    assert report.headline() == "SUSPECT: 1 case is off by up to 5 times what random rounding gives, like TF32"


def test_what_rounds_the_factors_goes_first_by_how_many_types_it_explains() -> None:
    shared = {"inputs-tf32": 1, "inputs-f16": 2, "sums-bf16": 3}
    assert _in_likelihood(("inputs-tf32", "inputs-f16", "sums-bf16"), shared) == [
        "inputs-f16",
        "inputs-tf32",
        "sums-bf16",
    ]
    assert _in_likelihood(("inputs-tf32", "sums-bf16", "inputs-f16"), shared) == [
        "inputs-f16",
        "inputs-tf32",
        "sums-bf16",
    ]
    # Where sums are the likeliest, they are by the type, and nothing else is asked.
    assert _in_likelihood(("sums-bf16", "inputs-tf32", "inputs-f16"), shared) == [
        "sums-bf16",
        "inputs-tf32",
        "inputs-f16",
    ]
