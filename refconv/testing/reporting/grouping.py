"""Failures grouped by cause: 37 cases that fail for one reason are one thing to repair, and are reported as one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import find_case
from refconv.testing.comparing.comparison import Obstacle
from refconv.testing.diagnosis.causes import shared_causes
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.shapes import UNKNOWN_SHAPE
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Ending, Outcome
from refconv.testing.reporting.conditions import only_where

__all__ = ["Cause"]

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, and the cases that fail for it.

    Attributes
    ----------
    code : str
        Stable, for programs: that of the `Finding`, or where there is none ``raises``, ``no-answer``, ``process-died``,
        ``wrong-shape``, ``wrong-dtype``, ``no-array`` or ``unexplained``.
    sentence : str
        The same in words.
    reading : str
        What it should read instead, or empty.
    condition : str
        What all these cases have and no passing one has, such as ``"only where dilation_w > 1"``, or empty.
    alternatives : tuple of str
        Codes of other causes that explain all of these cases as well.
    separating_case : str
        The smallest case that would tell those apart from this one, or empty.
    failures : tuple of CaseResult
        Those cases' results, the smallest case's first.

    Examples
    --------
    >>> import refconv
    >>> from refconv.testing import check
    >>> def kernel(input, weight, bias, stride, padding, dilation, groups):
    ...     return refconv.conv2d(input, weight, None, stride, padding, dilation, groups)
    >>> (cause,) = check(kernel, "smoke").causes()
    >>> cause.code, cause.condition, len(cause.failures), cause.failures[0].id
    ('bias-missing', 'only where there is a bias', 11, 'n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32')
    """

    code: str
    sentence: str
    reading: str
    condition: str
    alternatives: tuple[str, ...]
    separating_case: str
    failures: tuple[CaseResult, ...]

    @property
    def title(self) -> str:
        """How many cases fail, and why, in one sentence."""
        cases = "1 case fails" if len(self.failures) == 1 else f"{len(self.failures)} cases fail"
        if self.code == UNEXPLAINED:
            return f"{cases}, and nothing explains it: {self.sentence}"
        return f"{cases}{' for one reason' if len(self.failures) > 1 else ''}: {self.sentence}"

    @property
    def remarks(self) -> list[str]:
        """Where it shows, how it should be, and what explains it as well: a line each, of those that there are."""
        lines = {
            "{}": self.condition,
            "should be: {}": self.reading,
            "explained as well by: {}": ", ".join(self.alternatives),
            "{} tells them apart": self.separating_case,
        }
        return [line.format(text) for line, text in lines.items() if text]


@lru_cache(maxsize=1)  # the headline, the paragraphs and the JSON of one report all ask
def grouped(results: tuple[CaseResult, ...]) -> tuple[Cause, ...]:
    """Return the causes of all failures among the results, the one with most failures first."""
    failures = [result for result in results if result.outcome == Outcome.FAILED]
    found = shared_causes([result.findings for result in failures])
    boxes = [indices for finding, indices in found if finding and _is_box(finding)]
    groups: list[tuple[Finding, list[CaseResult]]] = []
    unexplained: list[CaseResult] = []
    for finding, indices in found:
        members = [failures[index] for index in indices]
        # a shape that no mistake gives differs from case to case, and so may the box around what is wrong
        is_stray = finding is not None and _is_box(finding) and 2 * len(indices) < sum(map(len, boxes))
        if finding is None or finding.code == UNKNOWN_SHAPE or is_stray:
            unexplained += members
        else:
            groups.append((finding, members))
    groups += _by_symptom(unexplained)
    passing = [case for result in results if _shows_something(result) and (case := valid_case(result))]
    causes = [_cause(finding, members, passing) for finding, members in groups]
    return tuple(sorted(causes, key=lambda cause: -len(cause.failures)))


def _is_box(finding: Finding) -> bool:
    """Whether it says no more than between which indices it is wrong."""
    return finding.is_place and finding.code.startswith(("some-", "one-"))


def _cause(finding: Finding, members: list[CaseResult], passing: list[Case]) -> Cause:
    smallest, *_ = members = sorted(members, key=_size)
    failing = [case for member in members if (case := valid_case(member))]
    condition = only_where(failing, passing, finding.code)
    shared = set.intersection(*({other.code for other in member.findings} for member in members)) - {finding.code}
    as_good = tuple(other.code for other in smallest.findings if other.code in shared)
    return Cause(
        finding.code,
        finding.sentence,
        finding.reading,
        str(condition or ""),
        as_good,
        finding.separating_case if as_good else "",
        tuple(members),
    )


def _shows_something(result: CaseResult) -> bool:
    """Whether a case passed, and not by being empty or refused."""
    return result.outcome == Outcome.PASSED and result.comparison is not None and result.comparison.elements > 0


def _by_symptom(members: list[CaseResult]) -> list[tuple[Finding, list[CaseResult]]]:
    """Group the failures that no mistake explains by what can be seen of them."""
    groups: dict[Finding, list[CaseResult]] = {}
    for member in members:
        groups.setdefault(symptom(member), []).append(member)
    return list(groups.items())


def symptom(result: CaseResult) -> Finding:
    """Return what happened, as far as it is the same from case to case."""
    if not result.is_answered:
        return Finding("no-answer", "it gives no answer in time")
    if result.ending == Ending.DIED:
        return Finding("process-died", f"it ends its process, {result.ended_by}")
    if result.comparison is None:
        return Finding("raises", f"it raises {result.ended_by}")
    sentences = {
        None: "numbers are wrong",
        Obstacle.SHAPE: "the result has the wrong shape",
        Obstacle.DTYPE: "the result has the wrong dtype",
        Obstacle.UNREADABLE: f"the result cannot be read: {result.comparison.problem}",
    }
    obstacle = result.comparison.obstacle
    return Finding(obstacle or UNEXPLAINED, sentences[obstacle])


def _size(result: CaseResult) -> tuple[float, int]:
    """Return how large a case is: the numbers that go in and come out, then the length of its name."""
    case = valid_case(result)
    going_in = math.inf if case is None else math.prod(case.input_shape) + math.prod(case.weight_shape)
    return going_in + (result.comparison.elements if result.comparison else 0), len(result.id)


def valid_case(result: CaseResult) -> Case | None:
    """Return the case of a result; None for one that ought to be refused, and for what is no name of a case."""
    try:
        case = find_case(result.id)
    except ValueError:
        return None
    return None if case.rejects else case
