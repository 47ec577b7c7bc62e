"""After a run: look more closely at what nothing explains, and test each condition on new cases.

A condition that holds in the cases of the battery may hold by chance.  So cases are drawn inside and outside of it,
near to those that fail, and run on the target; with their results it is found anew, until it stays.  First the
smallest failing case is made plainer, one parameter at a time: what cannot be made plainer is part of the condition.
Last, a threshold is brought to the number, by halves.  How much is asked is counted in cases, never in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from refconv.testing.battery.cases import Case
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Ending, Outcome
from refconv.testing.reporting.conditions import Condition
from refconv.testing.reporting.grouping import Group, condition_of, groups_of, narrowed, valid_case
from refconv.testing.reporting.variations import plainer, variations, with_quantity
from refconv.testing.reporting.vocabulary import PLAIN, QUANTITIES, Plan, Threshold

__all__: list[str] = []

MOST_GROUPS: Final = 3  # that are looked at: after those, a report has enough to repair
MOST_CASES: Final = 96  # that are drawn for one of them
HOPELESS: Final = 24  # the last failures that were searched; where known mistakes explain too few of them ...
CHANCE: Final = 1 / 8  # ... no more than this share (1 in 15 random results looks like some mistake's), then ...
SEARCHED: Final = 8  # ... one case in so many is searched from there on
FIRST_RUN: Final = 32  # cases that are run before that is asked; then twice as many, and so on
FEW_FAILURES: Final = 8  # around one of which cases are run: of more, the battery tells what they have in common
ROUNDS: Final = 3
EACH: Final = 6  # cases inside, and as many that each part of the condition rules out, in one round
Run = Callable[[Sequence[Case | CaseResult]], Iterator[CaseResult]]


def judged(cases: Sequence[Case], run: Run) -> Iterator[CaseResult]:
    """Yield the results of cases; once nothing explains the failures, only some are compared with known mistakes.

    If mistakes explain these after all, what was run with them is run again, and all of it is compared.
    """
    searched: list[CaseResult] = []
    size = FIRST_RUN
    while cases:
        some, cases, size = cases[:size], cases[size:], 2 * size
        if _is_hopeless(searched):
            results = [*run([replace(case, is_searched=place % SEARCHED == 0) for place, case in enumerate(some)])]
            searched += [result for result in results[::SEARCHED] if result.is_to_be_explained]
            if _is_hopeless(searched):
                yield from results
                continue
        for result in run(some):
            searched += [result] if result.is_to_be_explained else []
            yield result


def _is_hopeless(searched: Sequence[CaseResult]) -> bool:
    """Whether hardly any of the last failures that were searched has a cause."""
    known = [result for result in searched[-HOPELESS:] if not result.is_to_be_examined]
    return len(searched) >= HOPELESS and len(known) <= CHANCE * HOPELESS


def inquire(results: Sequence[CaseResult], run: Run) -> tuple[tuple[CaseResult, ...], tuple[CaseResult, ...]]:
    """Return the results of a run, some of them examined, and those of the cases that were drawn.

    `run` goes where the target is: of a case it gives the result, and of a failure what is seen in it.
    """
    results = list(results)
    for group in [group for group in groups_of(results) if not group.is_explained][:MOST_GROUPS]:
        chosen = max(group.members, key=_tells)  # the smallest of those that tell most
        if chosen.is_to_be_explained:
            (seen,) = run([chosen])
            results[results.index(chosen)] = seen
    experiments: list[CaseResult] = []
    groups = groups_of(results)
    for group in groups[:MOST_GROUPS]:
        if group.members[0].ending in (Ending.RETURNED, Ending.RAISED) and valid_case(group.members[0]):
            is_searched = group.is_explained or groups[0].is_explained
            Experiments(group, results, experiments, run, is_searched=is_searched).run()
    return tuple(results), tuple(experiments)


def _tells(result: CaseResult) -> int:
    """Return how much a case tells of what is read: of 1×1, or in the padding, any rule is true, and none of NaN."""
    case = valid_case(result)
    if case is None or case.bulk > 1 or case.data not in PLAIN:
        return 0
    axes, plan = case.plan.axes, case.plan
    sizes = plan.input_size, plan.output_size, plan.kernel_size
    is_inside = all(max(axis.padding) < axis.effective_kernel_size <= axis.input_size for axis in axes)
    return sum(min(size) > 1 for size in sizes) + is_inside


class Experiments:
    """The cases that are drawn for one group, searched for a cause or not; they are added to those of the others."""

    def __init__(
        self, group: Group, results: Sequence[CaseResult], drawn: list[CaseResult], run: Run, *, is_searched: bool
    ) -> None:
        self._group, self._results, self._drawn, self._run = group, results, drawn, run
        self._is_searched = is_searched
        self._known = {result.id: result for result in (*results, *drawn)}
        self._left = MOST_CASES
        cases = [valid_case(result) for result in results if result.outcome in (Outcome.PASSED, Outcome.FAILED)]
        self._dtypes = tuple(dict.fromkeys(case.dtype for case in cases if case is not None))

    def run(self) -> None:
        """Make the smallest case plainer, draw cases until the condition stays, and halve its thresholds."""
        every = [case for member in self._group.members if (case := valid_case(member))]
        failing = [case for case in every if case.data in PLAIN] or every
        plainest = self._plainest(failing[0])
        condition = self._condition()
        has_passed = any(result.outcome == Outcome.PASSED for result in self._results)
        for _ in range(ROUNDS):
            before, known = condition, len(self._drawn)
            if condition is None and (len(every) > FEW_FAILURES or not has_passed):
                return
            if condition is None:
                self._look_around(plainest)
            else:
                self._draw(condition, [plainest, *failing[:: max(1, len(failing) // 3)][:3]])
            condition = self._condition()
            if len(self._drawn) == known or (condition and before and condition.text == before.text):
                break
        for test in () if condition is None else condition.tests.values():
            if isinstance(test, Threshold):
                self._halve(plainest, test)

    def _condition(self) -> Condition | None:
        group = narrowed(self._group, [*self._results, *self._drawn])
        return condition_of(group, self._results, self._drawn)

    def _ask(self, cases: Iterable[Case]) -> list[CaseResult]:
        """Run those of the cases that are new, as far as there are any left, and return all that are known."""
        new = list({case.id: case for case in cases if case.id not in self._known}.values())[: self._left]
        self._left -= len(new)
        found = list(self._run([replace(case, is_searched=self._is_searched) for case in new]))
        self._drawn += found
        self._known |= {result.id: result for result in found}
        return [self._known[case.id] for case in cases if case.id in self._known]

    def _plainest(self, case: Case) -> Case:
        """Return a case that fails like this one, and no longer does if one more parameter is made plainer."""
        while True:
            for candidate in plainer(case):
                if any(map(self._group.has, self._ask([candidate]))):
                    case = candidate
                    break
            else:
                return case

    def _look_around(self, case: Case) -> None:
        """Run cases of which each differs in one parameter from one that fails, half of what is left to be drawn."""
        near = list(variations(case, self._dtypes))
        self._ask(near[:: max(1, 2 * len(near) // max(1, self._left))])

    def _draw(self, condition: Condition, cases: Sequence[Case]) -> None:
        """Run cases near to those given, which fail: some that meet a condition, and some that one part rules out.

        Only where it is "groups > 1 and stride > 1": some of one group with a stride, and some of several without.
        """
        near = [variation for case in cases for variation in variations(case, self._dtypes)]
        met = [(case, [test(Plan.of(case)) for test in condition.tests.values()]) for case in near]
        for kind in ([True] * len(condition.tests), *_one_false(len(condition.tests))):
            chosen = [case for case, found in met if found == kind and case.id not in self._known]
            self._ask(chosen[:: max(1, len(chosen) // EACH)][:EACH])

    def _halve(self, case: Case, threshold: Threshold) -> None:
        """Run cases between the largest number that passes and the smallest that fails, or the other way round."""
        passing, failing = threshold.bound, threshold.failing
        while abs(failing - passing) > 1:
            between = with_quantity(case, threshold.name, (passing + failing) // 2)
            number = QUANTITIES[threshold.name](Plan.of(between)) if between else passing
            if between is None or number in (passing, failing):
                return
            (result,) = self._ask([between]) or (None,)
            if result is None or result.outcome not in (Outcome.PASSED, Outcome.FAILED):
                return
            passing, failing = (number, failing) if result.outcome == Outcome.PASSED else (passing, number)


def _one_false(count: int) -> list[list[bool]]:
    """Return so many rows in which all but one, each in turn, are True."""
    return [[place != wrong for place in range(count)] for wrong in range(count)]
