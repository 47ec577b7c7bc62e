from __future__ import annotations

from refconv.testing import CaseResult, Outcome
from refconv.testing.reporting.supported import as_table, matrix_of

RESULTS = [
    CaseResult(f"n1-c2-o4-{name}", "", outcome)
    for name, outcome in [
        ("g1-5x6-k3-s1-p0-d1-f32", Outcome.PASSED),
        ("g1-5x6-k3-s1-p0-d1-f64", Outcome.FAILED),
        ("g2-5x6-k3-s1-p0-d1-f32", Outcome.PASSED),
        ("g2-5x6-k3-s1-p0-d2-f32", Outcome.UNSUPPORTED),
        ("g2-5x6-k3-s1-p0-d2-bf16", Outcome.UNSUPPORTED),
    ]
]
RESULTS.append(CaseResult("reject-stride-zero", "", Outcome.PASSED))


def test_cases_are_counted_by_feature_and_type() -> None:
    nothing = (0, 0)
    assert matrix_of(RESULTS) == {
        "plain": {"float32": (1, 0), "float64": (1, 0), "bfloat16": nothing},
        "groups": {"float32": (1, 1), "float64": nothing, "bfloat16": (0, 1)},
        "dilation": {"float32": (0, 1), "float64": nothing, "bfloat16": (0, 1)},
    }
    assert matrix_of([]) == {}


def test_the_table_says_all_none_or_how_many() -> None:
    assert as_table(matrix_of(RESULTS)) == (
        ["run of", "f32", "f64", "bf16"],
        [["plain", "all", "all", ""], ["groups", "1/2", "", "none"], ["dilation", "none", "", "none"]],
    )
