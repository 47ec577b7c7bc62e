"""What a run of the battery found: the verdict in words, the causes of what failed, counts, and the same as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.bounds.winograd import WINOGRAD
from refconv.testing.battery.cases import RANDOM, REJECTED
from refconv.testing.comparing.comparison import Comparison
from refconv.testing.comparing.standards import Narrower, standards_of
from refconv.testing.diagnosis.causes import fewest
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.interface import AS_IS, Interface
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.grouping import Cause, grouped, valid_case
from refconv.testing.reporting.supported import Matrix, matrix_of

__all__ = ["Report"]

JSON_SCHEMA = 2
LONGEST_LINE = 78  # with an indentation of two, a terminal's 80 columns


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What a run of the battery found.

    Attributes
    ----------
    target, tier : str
        What was judged, and by which cases; the tier is empty for cases that were given one by one.
    results : tuple of CaseResult
        One for each case, in the battery's order.
    op : str
        Of which operation.
    experiments : tuple of CaseResult
        Of the cases that were drawn after the run, to test in what conditions it fails; they count nowhere else.
    how : Arithmetic
        How the target works, as was said.
    strict : bool
        Whether suspect results fail the run.
    interface : Interface
        How the target wants to be called, as was said.

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
    how: Arithmetic = DIRECT
    strict: bool = False
    interface: Interface = AS_IS

    @property
    def subject(self) -> str:
        """The target, and the operation where it is not conv2d, as they are written on the command line."""
        return self.target if self.op == "conv2d" else f"{self.target} --op {self.op}"

    @property
    def command(self) -> str:
        """What was run, as it is written on the command line."""
        options = (self.interface.options, self.how.options, "--strict" * self.strict)
        return " ".join(filter(None, ["refconv check", self.subject, *options]))

    @property
    def run(self) -> str:
        """What was run, and by which cases."""
        return f"{self.command}, {f'tier {self.tier}' if self.tier else 'cases given by name'}"

    @property
    def failures(self) -> list[CaseResult]:
        """The failed cases; unsupported ones, and those not refused, are not among them."""
        return [result for result in self.results if result.outcome == Outcome.FAILED]

    @property
    def less_precise(self) -> list[CaseResult]:
        """The cases that are right by a narrower arithmetic than was said, and by no other."""
        return [result for result in self.results if result.outcome == Outcome.LESS_PRECISE]

    @property
    def suspects(self) -> list[CaseResult]:
        """The cases that are right, and yet far outside what random rounding gives."""
        return [result for result in self.results if result.comparison is not None and result.comparison.is_suspect]

    def standards(self) -> tuple[tuple[Narrower, tuple[CaseResult, ...]], ...]:
        """Return the fewest narrower arithmetics of each type by which the less precise cases are right, with these."""
        by_type: dict[np.dtype[Any], list[CaseResult]] = {}
        for result in self.less_precise:
            case = valid_case(result)
            assert case is not None
            by_type.setdefault(case.result_dtype, []).append(result)
        shared = Counter(code for result in self.less_precise for code in result.standards)
        found: dict[str, tuple[Narrower, tuple[CaseResult, ...]]] = {}
        for dtype, results in by_type.items():  # sums of float16 may be kept in float16, and those of bfloat16 in that
            for code, which in fewest([_in_likelihood(result.standards, shared) for result in results]):
                standard, members = found.get(code) or (self._standard(code, dtype), ())
                found[code] = standard, (*members, *(results[index] for index in which))
        return tuple(sorted(found.values(), key=lambda pair: -len(pair[1])))

    def _standard(self, code: str, dtype: np.dtype[Any]) -> Narrower:
        return next(each for each in standards_of(dtype, self.how) if each.code == code)

    @property
    def passed(self) -> bool:
        """Whether no case failed or is less precise than its type, and what was computed is worth trusting.

        To refuse what ought to be refused is not enough, nor is a run in which most expected outputs are 0: a kernel
        that computes nothing gets those right, too.
        """
        is_right = not self.failures and not self.less_precise and not (self.strict and self.suspects)
        return bool(self._comparisons) and is_right and self.is_trustworthy

    @property
    def is_trustworthy(self) -> bool:
        """Whether at most half of the expected outputs are 0; 7 in 8, if what is below 0 becomes 0.

        Those that nothing is added to are not counted.
        """
        others = self._elements - self._zeros
        return (7 if self.how.epilogue.clips else 1) * others >= self._zeros

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
        """Return the reasons for which cases failed, each with its cases: first what explains more than a few."""
        return grouped(self.results, self.experiments)

    def counts(self, family: str | None = None) -> dict[str, int]:
        """Return how many cases, of one family or of all, had each outcome."""
        found = Counter(result.outcome for result in self.results if family in (None, result.family))
        return {outcome: found[outcome] for outcome in Outcome}

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes to show: rare ones only where there are some."""
        counts, rare = self.counts(), (Outcome.BY_CONVENTION, Outcome.LESS_PRECISE, Outcome.NOT_REFUSED)
        return [outcome for outcome in Outcome if outcome not in rare or counts[outcome]]

    def families(self) -> list[str]:
        """Return the families of cases in the battery's order."""
        return list(dict.fromkeys(result.family for result in self.results))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return headings and rows: how many cases, of each family and in all, had which outcome."""
        shown, families = self.outcomes(), {family: self.counts(family) for family in self.families()}
        counts = families | {"total": self.counts()}
        return ["cases", *shown], [[name, *(str(each[word]) for word in shown)] for name, each in counts.items()]

    def reasons(self) -> Counter[str]:
        """Return why cases were not supported, and how many."""
        return Counter(result.detail for result in self.results if result.outcome == Outcome.UNSUPPORTED)

    def direct(self) -> Counter[str]:
        """Return what the algorithm that was declared cannot compute, and how many cases of it there were."""
        if self.how.algorithm not in WINOGRAD:
            return Counter()
        cases = (valid_case(result) for result in self.results if result.comparison is not None)
        fits = WINOGRAD[self.how.algorithm].fits
        return Counter(
            "held to a direct sum, for it cannot compute that" for case in cases if case and not fits(case.plan)
        )

    def matrix(self) -> Matrix:
        """Return how many cases were run and refused, ``{feature: {type: (run, refused)}}``."""
        return matrix_of(self.results)

    def reproduction(self, result: CaseResult) -> str:
        """Return the Python statement that runs one case again, given ``from refconv.testing import check, run_case``.

        That is `run_case`, or `check` for a case that did not come back: it would take the caller along.
        """
        is_name = self.target in FRAMEWORKS or ":" in self.target
        is_expression = self.target.replace(".", "").isidentifier()
        target = repr(self.target) if is_name else self.target if is_expression else "target"
        call = "run_case"
        argument = repr(result.id)
        if not result.has_returned:
            call, argument = "check", f"{'' if self.op == 'conv2d' else f'op={self.op!r}, '}cases=[{argument}]"
        how = "".join(f", {said.keywords}" for said in (self.interface, self.how) if said.keywords)
        line = f"print({call}({target}, {argument}{how}))"
        if len(line) > LONGEST_LINE:
            line = f"print({call}({target},\n{'':{len(call) + 7}}{argument}{how}))"
        return line

    def verdict(self) -> str:
        """Return the outcome in one line, in numbers."""
        always = (Outcome.PASSED, Outcome.FAILED)
        counts = self.counts().items()
        numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts if count or outcome in always)
        word = "right" if self.passed else "WRONG" if self.failures else self.headline().partition(":")[0]
        suspects = f", {len(self.suspects)} of them suspect" if self.suspects else ""
        return f"{self.subject}: {word.partition(' than')[0]} ({numbers}{suspects})"

    @property
    def _no_verdict(self) -> str:
        """Why a run without a failure says nothing."""
        if not self._comparisons:
            return "NOT JUDGED: it computed no case"
        return f"UNTRUSTWORTHY: {self._zeros} of {self._elements} expected outputs are 0, which proves little"

    def headline(self) -> str:
        """Return the outcome in words: right, not judged, or wrong and why."""
        if self.passed:
            unrefused = self.counts()[Outcome.NOT_REFUSED]
            refusals = f", and does not refuse {unrefused} that it ought to" if unrefused else ""
            as_what = f" as {self.how.title}" if self.how.title else ""
            suspicion = f"; but {self._suspicion}" if self.suspects else ""
            tolerance = f" with {self.how.tolerance}" if self.how.tolerance else ""
            return f"RIGHT{as_what}{tolerance} in {self.coverage}{refusals}{suspicion}"
        if not self.failures:
            suspicion = f"SUSPECT: {self._suspicion}" if self.strict and self.suspects else ""
            return self._lesser_precision() or suspicion or self._no_verdict
        causes = self.causes()
        number = f" for {len(causes)} reasons, mainly this" if len(causes) > 1 else ""
        condition = f", {causes[0].condition}" if causes[0].condition else ""
        return f"WRONG{number}: {causes[0].sentence}{condition}"

    @property
    def coverage(self) -> str:
        """The computed cases, where none failed: "all 20 cases", or "the 28 of 375 cases that it supports"."""
        asked = [result for result in self.results if result.family != REJECTED]
        computed = [result for result in asked if result.outcome.is_right or result.outcome == Outcome.LESS_PRECISE]
        drawn, right = (sum((each.family == RANDOM) == is_drawn for each in computed) for is_drawn in (True, False))
        listed = sum(result.family != RANDOM for result in asked)
        some = f"the {right} of {listed} cases that it supports"
        cases = some if right < listed else "the one case" if right == 1 else f"all {right} cases"
        return f"{cases} and {drawn} random {'one' if drawn == 1 else 'ones'}" if drawn else cases

    @property
    def _suspicion(self) -> str:
        """What is said of suspect cases: how many, and of the most suspect how much."""
        comparisons = (result.comparison for result in self.suspects if result.comparison is not None)
        worst = max(comparisons, key=lambda comparison: comparison.surprise)
        cases = "1 case is" if len(self.suspects) == 1 else f"{len(self.suspects)} cases are"
        return f"{cases} off by up to {worst.suspicion.removeprefix('; suspect: ')}"

    def _lesser_precision(self) -> str:
        """Say that it is right by the standards of a narrower arithmetic; nothing where it is not."""
        found = self.standards()
        if not found:
            return ""
        cases = [case for _, members in found for member in members if (case := valid_case(member))]
        types = " and ".join(dict.fromkeys(str(case.result_dtype) for case in cases))
        sentences = " or ".join(dict.fromkeys(standard.sentence for standard, _ in found))
        options = "; or ".join(dict.fromkeys(standard.how.options for standard, _ in found))
        standard = "that standard" if len(found) == 1 else "these standards"
        right = f"right by {standard} in {self.coverage}"
        return f"LESS PRECISE than {types}: {sentences}; {right}. If it is meant: {options}"

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
            return self.verdict() if self.passed else f"{self.headline()}\n{self.verdict()}"
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
            "declared": " ".join(filter(None, (self.interface.options, self.how.options))),
            "counts": self.counts(),
            "matrix": self.matrix(),
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


def _in_likelihood(standards: tuple[str, ...], shared: Mapping[str, int]) -> list[str]:
    """Return codes with the likeliest first: how factors are rounded is the same for all types, and sums go by theirs.

    Of float64 TF32 may explain as much as float16; of float32 only the latter, which then is what both are said to be.
    """
    if not standards[0].startswith("inputs-"):
        return list(standards)
    return sorted(standards, key=lambda code: -shared[code] if code.startswith("inputs-") else 0)
