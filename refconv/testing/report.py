"""What a run of the battery found: counts, the verdict, each failed case, and the same as JSON."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any

from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.judge import OUTCOMES, CaseResult, Outcome

__all__ = ["Report"]

JSON_SCHEMA = 1
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

    @property
    def failures(self) -> list[CaseResult]:
        """The failed cases; unsupported and wrongly accepted ones are not among them."""
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def passed(self) -> bool:
        """Whether no case failed, and at least one was computed: to refuse what ought to be refused is not enough."""
        is_computed = any(result.outcome == "passed" and result.comparison is not None for result in self.results)
        return is_computed and not self.failures

    def counts(self, family: str | None = None) -> dict[Outcome, int]:
        """Return how many cases, of one family or of all, had each outcome."""
        found = Counter(result.outcome for result in self.results if family in (None, result.family))
        return {outcome: found[outcome] for outcome in OUTCOMES}

    def families(self) -> list[str]:
        """Return the families of cases in the battery's order."""
        return list(dict.fromkeys(result.family for result in self.results))

    def reproduction(self, result: CaseResult) -> str:
        """Return the Python statement that runs one case again, given ``from refconv.testing import check, run_case``.

        That is `run_case`, or `check` for a case that did not come back: it would take the caller along.
        """
        is_name = self.target in FRAMEWORKS or ":" in self.target
        is_expression = self.target.replace(".", "").isidentifier()
        target = repr(self.target) if is_name else self.target if is_expression else "target"
        call, argument = ("run_case", "") if result.has_returned else ("check", "match=")
        line = f"print({call}({target}, {argument}{result.id!r}))"
        if len(line) > LONGEST_LINE:
            line = f"print({call}({target},\n{'':{len(call) + 7}}{argument}{result.id!r}))"
        return line

    def verdict(self) -> str:
        """Return the outcome in one line."""
        always: tuple[Outcome, ...] = ("passed", "failed")
        counts = self.counts().items()
        numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts if count or outcome in always)
        word = "right" if self.passed else "WRONG" if self.failures else "NOT JUDGED"
        return f"{self.target}: {word} ({numbers})"

    def __repr__(self) -> str:
        return f"<Report {self.verdict()}>"

    def __str__(self) -> str:
        """Say the verdict, then each failed case on a few lines."""
        failures = (f"{result}\n{indent(self.reproduction(result), '  ')}" for result in self.failures)
        return "\n".join([self.verdict(), *failures])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: numbers that are not finite become text."""
        return {
            "schema": JSON_SCHEMA,
            "target": self.target,
            "tier": self.tier,
            "passed": self.passed,
            "counts": self.counts(),
            "results": [_plain(asdict(result)) for result in self.results],
        }


def _plain(value: Any) -> Any:
    """Return nested data with numbers that JSON does not know as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value
