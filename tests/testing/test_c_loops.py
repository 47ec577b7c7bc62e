"""Every wrong kernel of `c_loops` is caught by core, and the one that they are made from is right."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import c_loops
import pytest
from sampled import one_in

from refconv.testing import CaseResult, cases, check
from refconv.testing.judging.judge import Judge


def failures(target: object, match: str) -> list[CaseResult]:
    """Return what fails of core, whose causes nobody asks for here."""
    return list(failing(target, match))


def failing(target: object, match: str) -> Iterator[CaseResult]:
    judge = Judge(target)  # type: ignore[arg-type]
    return (result for case in cases(match=match) if (result := judge(case)).outcome == "failed")


@pytest.mark.slow
def test_the_loops_are_right() -> None:
    assert failures(c_loops.RIGHT, "") == []


def test_there_are_enough_of_them() -> None:
    assert len(c_loops.WRONG) >= 39
    assert len({str(loops) for loops, _ in c_loops.WRONG.values()}) == len(c_loops.WRONG)
    assert {code for _, code in c_loops.BEHAVIOUR.values()} == {
        *("result-overwritten", "stateful", "writes-between-elements", "changes-inputs", "mutates-inputs"),
        *("not-reentrant", "off-main-thread", "keeps-operand", "keeps-steps"),
    }


@pytest.mark.parametrize("name", one_in(5, c_loops.WRONG))
def test_core_catches_a_wrong_expression(name: str) -> None:
    loops, match = c_loops.WRONG[name]
    assert next(failing(loops, match), None) is not None


def test_what_is_wrong_in_other_steps_by_itself_is_not_kept() -> None:
    def loses_a_column(x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
        output = c_loops.RIGHT(x, w, b, stride, padding, dilation, groups)
        if len(x) == 2 and min(dilation) > 2:
            output[..., -1] = 0
        return output

    assert not failures(loses_a_column, "threads")


def test_what_ignores_other_steps_is_not_kept() -> None:
    def undilated(x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
        """The padding is less by what the dilation adds: as large a result, of the first steps' numbers."""
        sides = [p - (d - 1) * (k - 1) // 2 for p, d, k in zip(padding, dilation, w.shape[2:], strict=True)]
        return c_loops.RIGHT(x, w, b, stride, tuple(sides), (1, 1), groups)

    assert not failures(undilated, "threads")


def test_what_is_kept_from_other_calls_comes_before_what_it_makes_wrong() -> None:
    body, code = c_loops.BEHAVIOUR["plans by shapes"]
    report = check(partial(body, c_loops.Statics()), "core", match="threads or psame_lower and k1x", time_limit=None)
    first, *others = report.causes()
    assert (first.code, len(first.failures)) == (code, 1)
    assert others


@pytest.mark.parametrize("name", c_loops.BEHAVIOUR)
def test_core_catches_what_a_right_result_does_not_show(name: str) -> None:
    body, code = c_loops.BEHAVIOUR[name]
    match = "threads" if code in ("not-reentrant", "off-main-thread", "keeps-operand", "keeps-steps") else "memory"
    found = failures(partial(body, c_loops.Statics()), match)
    assert found
    assert {finding.code for result in found for finding in result.findings} == {code}
    assert all("the numbers" not in result.detail and "all " in result.detail for result in found)
