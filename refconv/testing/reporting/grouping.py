"""Failures grouped by cause: 37 cases that fail for one reason are one thing to repair, and are reported as one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from refconv.testing.battery.cases import Case
from refconv.testing.battery.problems import smaller
from refconv.testing.battery.tiers import find_case
from refconv.testing.diagnosis.causes import shared_causes
from refconv.testing.diagnosis.evidence import SAMPLE, is_near
from refconv.testing.diagnosis.finding import Finding, first_of_each
from refconv.testing.diagnosis.mistake_tables import EVERY_MISTAKE, table_of
from refconv.testing.diagnosis.reading import spread
from refconv.testing.diagnosis.right_reading import reading_of
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Ending, Outcome
from refconv.testing.judging.symptoms import UNEXPLAINED, is_cause, symptom
from refconv.testing.reporting.conditions import Condition, only_where, widest
from refconv.testing.reporting.vocabulary import PLAIN

__all__ = ["Cause"]

SHARED: Final = 0.5  # of the failures that no mistake explains, for a box that most of them have to be a reason
OTHER_CAUSES: Final = 3  # into which failures that nothing explains may be split, by where they happen ...
FEWEST_APART: Final = 3  # ... each of so many cases at least
MOST_SIZED: Final = 3  # mistakes that explain nothing but wrong sizes; of more, those are chance ...
LEAST_SIZED: Final = 1 / 4  # ... that explain no more of them than so many
KEPT: Final = ("keeps-operand", "keeps-steps")
WORTH: Final = 1 / 10  # of the largest group, to come first because it is explained: 3 cases of 52 are by chance
MOST_PASSING: Final = 128  # cases that are asked which of several tiles it is
IRREGULAR: Final = ("traced-lost", "traced-several", "traced-others")  # no rule of addresses
_CODES: Final = frozenset(mistake.code for mistake in EVERY_MISTAKE)


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
    experiments : int
        Cases that were drawn to test the condition, and agreed.
    as_good : tuple of str
        The alternatives in words.
    is_explained : bool
        Whether it is more than a symptom, or what was seen in one case.

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
    experiments: int = 0
    as_good: tuple[str, ...] = ()

    is_explained: bool = True

    @property
    def title(self) -> str:
        """How many cases fail, and why, in one sentence."""
        cases = "1 case fails" if len(self.failures) == 1 else f"{len(self.failures)} cases fail"
        if self.code == UNEXPLAINED:
            return f"{cases}, and nothing explains it: {self.sentence}"
        if not self.is_explained and len(self.failures) > 1 and self.is_seen_in_one:
            return f"{cases}; of the smallest: {self.sentence}"
        return f"{cases}{' for one reason' if len(self.failures) > 1 else ''}: {self.sentence}"

    @property
    def is_seen_in_one(self) -> bool:
        """Whether it was seen in the smallest case alone, when the target was called again with that."""
        return any(finding.is_traced and finding.code == self.code for finding in self.failures[0].findings)

    @property
    def remarks(self) -> list[str]:
        """Where it shows, how it should be, and what explains it as well: a line each, of those that there are."""
        confirmed = f", as {self.experiments} new cases confirm" if self.experiments else ""
        lines = {
            f"{{}}{confirmed}": self.condition,
            "should be: {}": self.reading,
            "explained as well: {}": "; or ".join(self.as_good),
            "{} tells them apart": self.separating_case,
        }
        return [line.format(text) for line, text in lines.items() if text]


@dataclass(frozen=True, slots=True)
class Group:
    """Failures that have a finding, or a symptom, in common."""

    finding: Finding
    members: tuple[CaseResult, ...]
    is_explained: bool = True

    def has(self, result: CaseResult) -> bool:
        """Whether another failure is one of the same kind."""
        if result.outcome != Outcome.FAILED:
            return False
        causes = [finding for finding in result.findings if is_cause(finding)]
        if self.is_explained:
            return self.finding.code in {finding.code for finding in causes}
        return all(map(_is_of_size, causes)) and symptom(result) == symptom(self.members[0])


@lru_cache(maxsize=1)  # the headline, the paragraphs and the JSON of one report all ask
def grouped(results: tuple[CaseResult, ...], experiments: tuple[CaseResult, ...] = ()) -> tuple[Cause, ...]:
    """Return the causes of all failures among the results, in the order of `groups_of`.

    The experiments are the results of the cases that were drawn to test the conditions.
    """
    groups = [narrowed(group, [*results, *experiments]) for group in groups_of(results)]
    return tuple(_cause(group, condition_of(group, results, experiments), experiments) for group in groups)


def groups_of(results: Sequence[CaseResult]) -> list[Group]:
    """Group the failures: by the fewest mistakes that explain them, and the rest by what can be seen of them.

    What is kept from other calls comes first, since any of the others may come of that; then what is explained, unless
    it is few cases beside the largest group, and then the larger group.
    """
    failures = [result for result in results if result.outcome == Outcome.FAILED]
    found = shared_causes([[f for f in result.findings if is_cause(f)] for result in failures])
    weak = {index for finding, which in found if finding is None or finding.is_partial for index in which}
    by_chance = _by_chance([(finding, len(which)) for finding, which in found if finding is not None])
    groups, rest = [], []
    for finding, which in found:
        members = [failures[index] for index in which]
        if finding is None or finding in by_chance or (finding.is_partial and len(which) < SHARED * len(weak)):
            rest += members
        else:
            groups.append(Group(finding, _by_size(members)))
    by_symptom: dict[Finding, list[CaseResult]] = {}
    for member in sorted(rest, key=failures.index):
        by_symptom.setdefault(symptom(member), []).append(member)
    passing = _cases(result for result in results if _shows_something(result))
    for seen, members in by_symptom.items():
        home = next((group for group in groups if all(_is_refused(group, member) for member in members)), None)
        if home is not None:
            groups[groups.index(home)] = Group(home.finding, _by_size([*home.members, *members]))
            continue
        for part in _apart(members, passing) if seen.code == UNEXPLAINED else [members]:
            ordered = _by_size(part)
            groups.append(Group(_described(ordered) or seen, ordered, is_explained=False))
    worth = WORTH * max((len(group.members) for group in groups), default=0)

    def order(group: Group) -> tuple[bool, bool, int]:
        count = len(group.members)
        return group.finding.code not in KEPT, not group.is_explained or count < worth, -count

    return sorted(groups, key=order)


def _is_of_size(finding: Finding) -> bool:
    """Whether it is a mistake that explains a result of another size, which has no wrong elements."""
    return not finding.wrong and finding.code in _CODES


def _by_chance(found: Sequence[tuple[Finding, int]]) -> list[Finding]:
    """Return the mistakes that explain a few wrong sizes each, where others explain others.

    A result of another size has no wrong elements, which tell one mistake from another: in a small case some mistake
    makes nearly any size, and a kernel that has one defect in its sizes seems to have many.
    """
    sized = [(finding, count) for finding, count in found if _is_of_size(finding)]
    total = sum(count for _, count in sized)
    return [finding for finding, count in sized if len(sized) > MOST_SIZED and count < LEAST_SIZED * total]


def _by_size(members: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
    return tuple(sorted(members, key=_size))


def _described(members: Sequence[CaseResult]) -> Finding | None:
    """Return what was seen when the target was called again with the smallest of them for which it was, or the place.

    What follows no rule is said with the place where all are wrong, if it has a name.
    """
    place = _shared_place(members)
    seen = next((finding for member in members for finding in member.findings if finding.is_traced), None)
    if seen is None or place is None or seen.code not in IRREGULAR or place.sentence.startswith("in "):
        return seen or place
    return replace(seen, sentence=f"{place.sentence}: {seen.sentence}")


def _shared_place(members: Sequence[CaseResult]) -> Finding | None:
    """Return the place where most of them are wrong, if that has a name: in the same words, or else of one kind."""
    places = [[f for f in member.findings if f.is_place and not f.is_partial] for member in members]
    in_words = [[replace(f, code=f"{f.code}: {f.sentence}") for f in found] for found in places]
    for found in (shared_causes(in_words), shared_causes(places)):
        finding, which = found[0] if found else (None, [])
        if finding is not None and len(which) >= SHARED * len(members):
            finding = replace(finding, code=finding.code.partition(":")[0])
            at_all = len(which) == len(members)
            return finding if at_all else replace(finding, sentence=f"in {len(which)}, {finding.sentence}")
    return None


def _is_refused(group: Group, member: CaseResult) -> bool:
    """Whether a kernel with a group's mistake must refuse what the target raised at, such as 2 groups of 1 channel."""
    case = valid_case(member)
    if member.ending != Ending.RAISED or case is None:
        return False
    right = reading_of(smaller(case).call())
    mistake = table_of(right).by_code.get(group.finding.code)
    try:
        return mistake is not None and min(mistake.change(right).naturally_sized().size) < 1
    except ValueError:
        return True


def _apart(members: list[CaseResult], passing: list[Case]) -> list[list[CaseResult]]:
    """Split failures that nothing explains by where they happen, if each part has a condition of its own."""
    cases = {member.id: case for member in members if (case := valid_case(member))}
    if only_where(list(cases.values()), passing, "") or len(cases) < len(members):
        return [members]
    parts: list[list[CaseResult]] = []
    left = members
    while left and len(parts) < OTHER_CAUSES:
        chosen = widest([cases[member.id] for member in left], passing)
        if sum(chosen) < FEWEST_APART:
            return [members]
        parts.append([member for member, is_chosen in zip(left, chosen, strict=True) if is_chosen])
        left = [member for member, is_chosen in zip(left, chosen, strict=True) if not is_chosen]
    return [members] if left else parts


def narrowed(group: Group, results: Sequence[CaseResult]) -> Group:
    """Return a group in those words, of the ones that all its members allow, that the fewest passing cases contradict.

    Of groups of 2 and 3 channels the tail of a vector of 4 is one of 8 as well, until a case of 4 channels passes.
    """
    code = group.finding.code
    shared = set.intersection(*({f.sentence for f in member.findings if f.code == code} for member in group.members))
    ways = [f for f in group.members[0].findings if f.code == code and f.sentence in shared]
    if len(ways) < 2 or code not in _CODES:
        return group
    passing = _cases(filter(_shows_something, results))
    passing = passing[:: 1 + len(passing) // MOST_PASSING]
    against = {way: sum(not _is_inert(code, frozenset([way.sentence]), case) for case in passing) for way in ways}
    best = min(ways, key=lambda way: (against[way], way.sentence != group.finding.sentence))
    return replace(group, finding=best)


def condition_of(group: Group, results: Sequence[CaseResult], experiments: Sequence[CaseResult]) -> Condition | None:
    """Return the condition that all of a group meet, the experiments included, and no passing case does.

    A case in which its mistake changes nothing passes whatever the condition, and says nothing about it.
    """
    failing = _cases([*group.members, *filter(group.has, experiments)])
    passing, drawn = (_cases(filter(_shows_something, some)) for some in (results, experiments))
    code = group.finding.code
    said = [{each.sentence for each in result.findings if each.code == code} for result in group.members]
    is_shared = all(group.finding.sentence in sentences for sentences in said)
    ways = {group.finding.sentence} if is_shared else set.intersection(*said) or set.union(*said)
    if any(case.data in PLAIN for case in failing):  # infinity and the like may hide what goes wrong
        drawn = [case for case in drawn if case.data in PLAIN]
    inert = {case.id for case in (*passing, *drawn) if _is_inert(code, frozenset(ways), case)}
    telling, hard = ([case for case in cases if case.id not in inert] for cases in (passing, drawn))
    hint = "-".join([code, *re.findall(r"\d+", group.finding.sentence)])
    return only_where(failing, telling, hint, hard, [case for case in passing if case.id in inert])


@lru_cache(maxsize=8192)  # asked of all passing cases, again after every round of experiments
def _is_inert(code: str, sentences: frozenset[str], case: Case) -> bool:
    """Whether a mistake changes nothing that shows in a case, in one of the ways that a group shows; of none, False.

    What rounds a half one way where the larger one comes first may round it the other way where that comes last.  An
    output left at zero, or at the bias, is right where every window lies in the padding.
    """
    right = reading_of(smaller(case).call())
    if code.startswith("traced-") or code == UNEXPLAINED:  # where windows read zeros alone, whatever is read is as good
        bare = replace(right, bias=np.zeros_like(right.bias))
        return not bare.values(spread(right.everywhere(), SAMPLE)).any()
    if code in ("all-zero", "all-bias-alone"):
        bare = right.with_factors(np.zeros_like)
        left = replace(bare, bias=np.zeros_like(bare.bias)) if code == "all-zero" else bare
        bounds = right.bounds(places := right.everywhere(), case.result_dtype)
        return bool(is_near(left.values(places), right.values(places), bounds).all())
    ways = [way for way in table_of(right).of_codes([code]) if any(said.startswith(way.sentence) for said in sentences)]
    places = spread(right.everywhere(), SAMPLE)
    truth, bounds = right.values(places), right.bounds(places, case.result_dtype)
    return any(is_near(mistake.made(right).values(places), truth, bounds).all() for mistake in ways)


def _cause(group: Group, condition: Condition | None, experiments: Sequence[CaseResult]) -> Cause:
    smallest, *_ = members = group.members
    finding = group.finding
    shared = set.intersection(*({other.code for other in member.findings} for member in members)) - {finding.code}
    is_known = finding.reading or finding.code.startswith("all-")  # so that what a part of it holds says nothing more
    others = first_of_each(f for f in smallest.findings if f.code in shared and is_cause(f))
    as_good = [other for other in others if other.reading or not is_known]
    agreeing = [result for result in experiments if group.has(result) or _shows_something(result)]
    return Cause(
        finding.code,
        finding.sentence,
        finding.reading,
        str(condition or ""),
        tuple(other.code for other in as_good),
        finding.separating_case if as_good else "",
        members,
        len(agreeing) if condition is not None and not condition.passing else 0,
        tuple(other.sentence for other in as_good),
        group.is_explained,
    )


def _shows_something(result: CaseResult) -> bool:
    """Whether a case passed, and not by being empty or refused."""
    return result.outcome == Outcome.PASSED and result.comparison is not None and result.comparison.elements > 0


def _size(result: CaseResult) -> tuple[float, int]:
    """Return how large a case is: the numbers that go in and come out, then the length of its name."""
    case = valid_case(result)
    going_in = math.inf if case is None else math.prod(case.input_shape) + math.prod(case.weight_shape)
    return going_in + (result.comparison.elements if result.comparison else 0), len(result.id)


def _cases(results: Iterable[CaseResult]) -> list[Case]:
    return [case for result in results if (case := valid_case(result))]


def valid_case(result: CaseResult) -> Case | None:
    """Return the case of a result; None for one that ought to be refused, and for what is no name of a case."""
    return _named(result.id)


@lru_cache(maxsize=4096)
def _named(name: str) -> Case | None:
    try:
        case = find_case(name)
    except ValueError:
        return None
    return None if case.rejects else case
