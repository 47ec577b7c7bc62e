"""What a run of the battery found: the verdict in words, the causes of what failed, counts, and the same as JSON."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from refconv.testing.battery.cases import RANDOM
from refconv.testing.comparing.comparison import Comparison
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.grouping import Cause, grouped

__all__ = ["Report"]

JSON_SCHEMA = 2
LONGEST_LINE = 78  # with an indentation of two, a terminal's 80 columns


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What a run of the battery found.

    Attributes
    ----------
    target, tier : str
        What was judged, and by which cases.
    results : tuple of CaseResult
        One for each case, in the battery's order.
    op : str
        Of which operation.
    experiments : tuple of CaseResult
        Of the cases that were drawn after the run, to test in what conditions it fails; they count nowhere else.

    Examples
    --------
    >>> from refconv.testing import check
    >>> report = check("refconv", "smoke")
    >>> report.passed, report.counts()["passed"], report.failures
    (True, 20, [])
    """

    target: str
    tier: str
    results: tuple[CaseResult, ...]
    op: str = "conv2d"
    experiments: tuple[CaseResult, ...] = ()

    @property
    def subject(self) -> str:
        """The target, and the operation where it is not conv2d, as they are written on the command line."""
        return self.target if self.op == "conv2d" else f"{self.target} --op {self.op}"

    @property
    def command(self) -> str:
        """What was run, as it is written on the command line."""
        return f"refconv check {self.subject}"

    @property
    def failures(self) -> list[CaseResult]:
        """The failed cases; unsupported and wrongly accepted ones are not among them."""
        return [result for result in self.results if result.outcome == Outcome.FAILED]

    @property
    def passed(self) -> bool:
        """Whether no case failed, and what was computed is worth trusting.

        To refuse what ought to be refused is not enough, nor is a run in which most expected outputs are 0: a kernel
        that computes nothing gets those right, too.
        """
        return bool(self._comparisons) and not self.failures and self.is_trustworthy

    @property
    def is_trustworthy(self) -> bool:
        """Whether at most half of the expected outputs are 0, of those that something is added to."""
        return 2 * self._zeros <= self._elements

    @property
    def _comparisons(self) -> list[Comparison]:
        """Return those of the cases that were computed, and right."""
        right = (result for result in self.results if result.outcome.is_right)
        return [result.comparison for result in right if result.comparison is not None]

    @property
    def _zeros(self) -> int:
        return sum(comparison.zeros - comparison.unreached for comparison in self._comparisons)

    @property
    def _elements(self) -> int:
        return sum(comparison.elements - comparison.unreached for comparison in self._comparisons)

    def causes(self) -> tuple[Cause, ...]:
        """Return the reasons for which cases failed, each with its cases: those explained first, and by their number."""
        return grouped(self.results, self.experiments)

    def counts(self, family: str | None = None) -> dict[str, int]:
        """Return how many cases, of one family or of all, had each outcome."""
        found = Counter(result.outcome for result in self.results if family in (None, result.family))
        return {outcome: found[outcome] for outcome in Outcome}

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes to show: one that is no failure and rare, a convention, only where there is one."""
        counts = self.counts()
        return [outcome for outcome in Outcome if outcome != Outcome.BY_CONVENTION or counts[outcome]]

    def families(self) -> list[str]:
        """Return the families of cases in the battery's order."""
        return list(dict.fromkeys(result.family for result in self.results))

    def reproduction(self, result: CaseResult) -> str:
        """Return the Python statement that runs one case again, given ``from refconv.testing import check, run_case``.

        That is `run_case`, or `check` for a case of the battery that did not come back: it would take the caller along.
        """
        is_name = self.target in FRAMEWORKS or ":" in self.target
        is_expression = self.target.replace(".", "").isidentifier()
        target = repr(self.target) if is_name else self.target if is_expression else "target"
        call, argument = "run_case", ""
        if not result.has_returned and result.family != RANDOM:
            call = "check"
            tier = "" if self.tier == "core" else f"{self.tier!r}, "
            argument = f"{tier}{'' if self.op == 'conv2d' else f'op={self.op!r}, '}match="
        line = f"print({call}({target}, {argument}{result.id!r}))"
        if len(line) > LONGEST_LINE:
            line = f"print({call}({target},\n{'':{len(call) + 7}}{argument}{result.id!r}))"
        return line

    def verdict(self) -> str:
        """Return the outcome in one line, in numbers."""
        always = (Outcome.PASSED, Outcome.FAILED)
        counts = self.counts().items()
        numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts if count or outcome in always)
        word = "right" if self.passed else "WRONG" if self.failures else self._no_verdict.split(":")[0]
        return f"{self.subject}: {word} ({numbers})"

    @property
    def _no_verdict(self) -> str:
        """Why a run without a failure says nothing."""
        if not self._comparisons:
            return "NOT JUDGED: it computed no case"
        return f"UNTRUSTWORTHY: {self._zeros} of {self._elements} expected outputs are 0, which proves little"

    def headline(self) -> str:
        """Return the outcome in words: right, not judged, or wrong and why."""
        if self.passed:
            counts = self.counts()
            right = sum(counts[outcome] for outcome in Outcome if outcome.is_right)
            accepted = counts[Outcome.WRONGLY_ACCEPTED]
            refusals = f", and accepts {accepted} that it ought to refuse" if accepted else ""
            return f"RIGHT in {'the one case' if right == 1 else f'all {right} cases'} that it supports{refusals}"
        if not self.failures:
            return self._no_verdict
        causes = self.causes()
        number = f" for {len(causes)} reasons, mainly this" if len(causes) > 1 else ""
        condition = f", {causes[0].condition}" if causes[0].condition else ""
        return f"WRONG{number}: {causes[0].sentence}{condition}"

    def story(self, cause: Cause) -> list[str]:
        """Return what there is to say of one cause, line by line: how many, why, only where, and the smallest case."""
        smallest = cause.failures[0]
        label = "smallest failing case: " if len(cause.failures) > 1 else ""
        return [cause.title, *cause.remarks, f"{label}{smallest.id}", *smallest.detail.splitlines()]

    def __repr__(self) -> str:
        return f"<Report {self.verdict()}>"

    def __str__(self) -> str:
        """Say the verdict, in words and in numbers, then each cause on a few lines."""
        if not self.failures:
            return self.verdict()
        paragraphs = (
            [*self.story(cause), *self.reproduction(cause.failures[0]).splitlines()] for cause in self.causes()
        )
        return "\n".join([self.headline(), self.verdict(), *map("\n  ".join, paragraphs)])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: numbers that are not finite become text."""
        return {
            "schema": JSON_SCHEMA,
            "target": self.target,
            "op": self.op,
            "tier": self.tier,
            "passed": self.passed,
            "headline": self.headline(),
            "counts": self.counts(),
            "causes": [
                {
                    "code": cause.code,
                    "sentence": cause.sentence,
                    "reading": cause.reading,
                    "condition": cause.condition,
                    "experiments": cause.experiments,
                    "alternatives": list(cause.alternatives),
                    "separating_case": cause.separating_case,
                    "cases": [failure.id for failure in cause.failures],
                }
                for cause in self.causes()
            ],
            "results": [_record(result) for result in self.results],
        }


def _record(result: CaseResult) -> Any:
    """Return a result without what is for the eye, and without what the code of its cause says."""
    return _plain(asdict(replace(result, excerpt=None), dict_factory=_recorded))


def _recorded(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    unrecorded = ("excerpt", "ending", "ended_by", "obstacle")
    return {name: value for name, value in fields if name not in unrecorded}


def _plain(value: Any) -> Any:
    """Return nested data with numbers that JSON does not know as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value
