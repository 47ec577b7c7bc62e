"""Random cases: drawn until a target has computed so many; what fails for a new reason is made as small as it can be.

What a target refuses is learned, and not drawn again; a failure whose cause is known is not reported again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np

from refconv.testing.battery.cases import RANDOM, Case
from refconv.testing.battery.drawn import Options, case_of, options_of, with_room
from refconv.testing.battery.names import read_row, words_of, write_name
from refconv.testing.battery.traits import traits_of, with_trait
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.judging.symptoms import is_cause, symptom

__all__: list[str] = []

MOST_DRAWN: Final = 50  # for each case that is asked for; a target that computes less has hardly anything to be judged


def fuzz(
    run: Callable[[Case], CaseResult],
    op: str,
    count: int,
    rng: int,
    is_wanted: Callable[[Case], bool],
    on_result: Callable[[CaseResult], object],
) -> None:
    """Run random cases until `count` were computed, and hand on each result; of failures, the smallest of each cause.

    Each case is run once: a target that is wrong by chance is wrong all the same.  One that has no answer in time is
    the last one, as it stands, for what follows might have to wait as long.

    Raises
    ------
    ValueError
        If no drawn case is wanted.
    """
    bits = np.random.PCG64(rng)
    hunt = _Hunt(run, op, is_wanted, on_result)
    for number in range(MOST_DRAWN * count):
        options = options_of(op, hunt.refused)
        chosen = bits.random_raw(len(options)) % np.array([len(each) for each in options], np.uint64)
        hunt.attempt(options, [int(place) if number else 0 for place in chosen])  # the plainest case comes first
        if hunt.computed >= count or hunt.is_hung:
            break
    if not hunt.results:
        raise ValueError("no random case of the kind asked for was drawn")


class _Hunt:
    """What is known of a target after the cases that it has run."""

    def __init__(
        self,
        run: Callable[[Case], CaseResult],
        op: str,
        is_wanted: Callable[[Case], bool],
        on_result: Callable[[CaseResult], object],
    ) -> None:
        self._run, self._op, self._is_wanted, self._on_result = run, op, is_wanted, on_result
        self._causes: list[CaseResult] = []  # the smallest case of each
        self._plainest = ""  # of the cases that were computed
        self._allowed: set[str] = set()
        self.results: dict[str, CaseResult] = {}
        self.refused: set[str] = set()
        self.computed = 0

    @property
    def is_hung(self) -> bool:
        """Whether a case had no answer."""
        return any(not cause.is_answered for cause in self._causes)

    def attempt(self, options: Sequence[Options], places: list[int]) -> None:
        """Run a case, unless it is known; learn from it if it is refused, and make it smaller if it fails anew."""
        case = self._case(options, places)
        if case.id in self.results or not self._is_wanted(case):
            return
        result = self._counted(case)
        if result.outcome == Outcome.UNSUPPORTED:
            self._learn(case)
        elif result.outcome == Outcome.FAILED and not self._is_known(result):
            smallest = self._smallest(options, places, result) if result.is_answered else result
            if not self._is_known(smallest):
                self._causes.append(smallest)
                self._on_result(smallest)

    def _case(self, options: Sequence[Options], places: Iterable[int]) -> Case:
        return case_of(self._op, [each[place] for each, place in zip(options, places, strict=True)])

    def _once(self, case: Case) -> CaseResult:
        if case.id not in self.results:
            self.results[case.id] = self._run(replace(case, family=RANDOM))
        return self.results[case.id]

    def _counted(self, case: Case) -> CaseResult:
        """Run a case that counts, and hand on its result, but for a failure."""
        result = self._once(case)
        if result.outcome != Outcome.FAILED:
            self._on_result(result)
        if result.outcome != Outcome.UNSUPPORTED:
            self.computed += 1
            self._allowed |= _kinds_of(case.id)
            self._plainest = min(self._plainest or case.id, case.id, key=lambda name: len(traits_of(name)))
        return result

    def _learn(self, case: Case) -> None:
        """Find out what it is that a target refuses in a case: put that alone into one that it computes."""
        for trait in sorted(_kinds_of(case.id) - self._allowed - self.refused if self._plainest else ()):
            with suppress(ValueError):  # there is no such case
                probe = read_row(write_name(with_trait(words_of(self._plainest), trait, words_of(case.id))))
                if probe.id not in self.results and self._is_wanted(probe):
                    self.refused |= {trait} if self._counted(probe).outcome == Outcome.UNSUPPORTED else set()

    def _smallest(self, options: Sequence[Options], places: list[int], failure: CaseResult) -> CaseResult:
        """Make one choice after the other as plain as it can be for a case that fails in the same way."""
        before: list[int] = []
        while before != places:
            before = [*places]
            for number, place in enumerate(before):
                for plainer in range(place):
                    attempt, result = self._plainer(options, places, number, plainer, failure)
                    if not result.is_answered:
                        return failure
                    if result is not failure:
                        places, failure = attempt, result
                        break
        return failure

    def _plainer(
        self, options: Sequence[Options], places: list[int], number: int, plainer: int, failure: CaseResult
    ) -> tuple[list[int], CaseResult]:
        """Make a choice plainer, in an image as small as that allows, or as large as it was; or stay."""
        attempt = [*places[:number], plainer, *places[number + 1 :]]
        as_large = with_room(self._op, options, attempt, self._case(options, places), self._case(options, attempt))
        for chosen in (attempt, as_large) if as_large[number] == plainer else (attempt,):
            case = self._case(options, chosen)
            if self._is_wanted(case):
                result = self._once(case)
                if not result.is_answered or _is_alike(result, failure):
                    return chosen, result
        return places, failure

    def _is_known(self, failure: CaseResult) -> bool:
        """Whether a failure has a cause that is known.

        Where nothing explains it, one that shows in the same way is taken for its cause if one of the two cases has all
        traits of the other: this is that one in a larger image, or in one that is too small to tell.
        """
        mistakes, traits = _mistakes(failure), traits_of(failure.id)
        if mistakes:
            return any(mistakes & _mistakes(cause) for cause in self._causes)
        others = [traits_of(cause.id) for cause in self._causes if _kind_of(cause) == _kind_of(failure)]
        return any(traits & other in (traits, other) for other in others)


def _kinds_of(name: str) -> set[str]:
    """Return the traits of a case and its type, even that which most targets have."""
    return {*traits_of(name), f"dtype {words_of(name)['dtype']}"}


def _kind_of(failure: CaseResult) -> tuple[str, str]:
    """Return how a failure shows, but for the words of an exception, which may name the arrays that are there."""
    return symptom(failure).code, failure.ended_by


def _mistakes(failure: CaseResult) -> set[str]:
    """Return the codes of all mistakes that explain a failure, of each by itself where several do so together."""
    whole = [finding for finding in failure.findings if is_cause(finding) and not finding.is_partial]
    return {code for finding in whole for code in finding.code.split("+")}


def _is_alike(result: CaseResult, failure: CaseResult) -> bool:
    """Whether a case fails for the same reason: it shows in the same way, and tells as much of why, or of where."""
    if result.outcome != Outcome.FAILED or (symptom(result), _kind_of(result)) != (symptom(failure), _kind_of(failure)):
        return False
    known, found = _mistakes(failure), _mistakes(result)
    return (
        found <= known
        if found and known
        else bool(found) or (not known and bool(result.findings or not failure.findings))
    )
