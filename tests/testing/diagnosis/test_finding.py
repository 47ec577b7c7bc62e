from __future__ import annotations

import pickle

from refconv.testing import Finding
from refconv.testing.diagnosis.finding import equals


def test_a_finding_says_what_it_explains_what_should_be_and_what_is_as_good() -> None:
    finding = Finding("a-code", "it is so", 7, 5, "otherwise", ("b-code", "c-code"), "n1-case")
    assert finding.coverage == "5 of 7 wrong elements"
    assert str(finding) == (
        "a-code: it is so (explains 5 of 7 wrong elements)\n"
        "  should be: otherwise\n"
        "  as good: b-code, c-code; n1-case tells them apart"
    )


def test_a_finding_leaves_out_what_it_does_not_know() -> None:
    assert Finding("a-code", "it is so").coverage == ""
    assert str(Finding("a-code", "it is so")) == "a-code: it is so"
    assert str(Finding("a-code", "it is so", alternatives=("b-code",))) == "a-code: it is so\n  as good: b-code"


def test_of_equals_with_one_sentence_the_first_stands_where_it_stood() -> None:
    findings = [Finding("a", "one", reading="1"), Finding("b", "two"), Finding("a", "one"), Finding("a", "three")]
    assert equals(findings, 4) == [
        Finding("a", "one", 4, 4, "1", ("b",)),
        Finding("b", "two", 4, 4, "", ("a",)),
        Finding("a", "three", 4, 4, "", ("b",)),
    ]


def test_a_finding_travels_between_processes() -> None:
    finding = Finding("a-code", "it is so", 7, 5, "otherwise", ("b-code",), "n1-case")
    assert pickle.loads(pickle.dumps(finding)) == finding
