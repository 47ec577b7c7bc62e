"""Why does a target fail a case?  Asked where the target runs, for failing cases only.

One failing case often leaves several causes open: where the dilations are (1, 2), "ignored" and "the first for both"
are the same.  `Explainer` therefore gives every cause that explains a case, and `shared_causes` finds the fewest that
together explain them all.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from refconv.testing.battery.cases import Case
from refconv.testing.diagnosis.addressing import trace_addressing
from refconv.testing.diagnosis.behaviour import behaviour_findings
from refconv.testing.diagnosis.diagnose import SEARCHES, Search, first_found, named
from refconv.testing.diagnosis.directions import Convolution
from refconv.testing.diagnosis.evidence import Evidence, gather
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.mistake_tables import table_of
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.shapes import shape_findings, type_findings
from refconv.testing.targets import Target

__all__ = ["Explainer", "shared_causes"]

SHARE: Final = 0.3  # of the time of a run: a wrong target then takes less than twice as long as a right one, and GRACE
GRACE: Final = 0.3  # seconds
BEHAVIOUR_CALLS: Final = 12

CERTAIN: Final = SEARCHES[:2]  # a uniform output, a named mistake: these need no further question
UNCERTAIN: Final = SEARCHES[2:]
INEXACT: Final = Finding(
    "inexact-sums",
    "whole numbers, whose sums are exact in any order, come out rounded",
    reading="products and sums in the type of the data: transforms such as Winograd's and Fourier's round",
)
NOTHING: Final = Finding("none-returned", "it returns None, which is nothing at all", reading="the output")


class Explainer:
    """Explain the failures of one target, and remember the causes found, for they explain most of what follows.

    One per target and process, made before the first case: ``Explainer(target)``.  Call it with each failing case,
    what the target returned, and the seconds that it took: ``explainer(case, actual, seconds)``.

    Explanations are bounded in time: all together take no more than `SHARE` of the time since the explainer was made,
    and `GRACE` seconds.  After that, only causes already found are looked for.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: Collection[str] = ()  # the codes of all mistakes in the target's operation
        self._suspects: set[str] = set()  # those of the causes found last: what they refute need not be tried again
        self._searches: list[Search] = []  # those that have found something
        self._tally: Counter[str] = Counter()
        self._behaviour: list[Finding] = []
        self._is_tried = False
        self._made = time.perf_counter()
        self._spent = 0.0

    def __call__(self, case: Case, actual: object, seconds: float = 0.0) -> tuple[Finding, ...]:
        """Return the causes that explain this failure equally well, the likeliest first; empty where none does."""
        start = time.perf_counter()
        try:
            found = self._behaviour or self._explanations(case, actual, seconds)
        except Exception:  # noqa: BLE001  # the target may raise anything when called again, and that explains nothing
            found = []
        self._spent += time.perf_counter() - start
        self._suspects = {finding.code for finding in found if finding.code in self._known} or self._suspects
        self._tally.update(finding.code for finding in found)
        return tuple(found)

    def _has_time(self, needed: float = 0.0) -> bool:
        return self._spent + needed < GRACE + SHARE * (time.perf_counter() - self._made)

    def _explanations(self, case: Case, actual: object, seconds: float) -> list[Finding]:
        if actual is None:
            return [NOTHING]
        array, right, reference = gather(actual, case.call(), case.result_dtype)
        table = table_of(right)
        self._known, suspects = table.by_code, table.of_codes(self._suspects)
        if array.shape != reference.truth.shape:
            found = shape_findings(array, right, reference, suspects)
            return found if self._is_settled(found) else shape_findings(array, right, reference, table.mistakes)
        evidence = Evidence.of(array, right, reference)
        if not evidence.count:
            return type_findings(array, reference.dtype) or [INEXACT]
        found = first_found((*self._searches, partial(named, mistakes=suspects)), evidence)
        if self._is_settled(found):
            return found
        return (
            self._searched(CERTAIN, evidence)
            or self._misbehaviour(case, seconds)
            or self._searched(UNCERTAIN, evidence)
            or self._misreadings(case, right, seconds)
        )

    def _is_settled(self, found: list[Finding]) -> bool:
        """Whether what is known explains a failure as well as most before it, or there is no time for more."""
        leaders = {code for code, count in self._tally.items() if count == max(self._tally.values())}
        return bool(leaders & {finding.code for finding in found}) or not self._has_time()

    def _searched(self, searches: Iterable[Search], evidence: Evidence) -> list[Finding]:
        """Search, and remember the search that finds anything but mistakes, which are remembered themselves."""
        for search in searches:
            if found := search(evidence):
                if search not in self._searches and any(finding.code not in self._known for finding in found):
                    self._searches.append(search)
                return found
        return []

    def _misbehaviour(self, case: Case, seconds: float) -> list[Finding]:
        """Call the target again, once in its life, if there is time: is it a function at all?"""
        if self._is_tried or not self._has_time(BEHAVIOUR_CALLS * seconds):
            return []
        self._is_tried = True
        with suppress(Exception):  # it may raise anything when it is called with other arrays
            self._behaviour = behaviour_findings(partial(case.called, self._target), case.operands())
        return self._behaviour

    def _misreadings(self, case: Case, right: Reading, seconds: float) -> list[Finding]:
        """Call a conv2d again for each tap, if there is time: which pixels does it read?"""
        is_conv2d = isinstance(right, Convolution) and right.rank == 2
        if is_conv2d and self._has_time(seconds * 2 * math.prod(case.weight_shape[1:])):
            with suppress(Exception):
                return list(trace_addressing(self._target, case).problems[:1])
        return []


def shared_causes(failures: Sequence[Sequence[Finding]]) -> list[tuple[Finding | None, list[int]]]:
    """Group failures by cause: the fewest codes that together explain them, each with the failures it explains.

    Greedy: the code that explains most failures first, and where several explain as many, the one that is likeliest
    in the first of them.  Failures without a finding come last, under None.

    Parameters
    ----------
    failures : sequence of sequence of Finding
        For each failure, the causes that explain it equally well.

    Returns
    -------
    list of (Finding or None, list of int)
        A finding with the code of the group, taken from the first failure that it explains, and the failures' indices.

    Examples
    --------
    >>> ignored, swapped = Finding("dilation-ignored", "..."), Finding("dilation-axes-swapped", "...")
    >>> [(cause.code, which) for cause, which in shared_causes([[ignored, swapped], [swapped], [ignored, swapped]])]
    [('dilation-axes-swapped', [0, 1, 2])]
    """
    codes = [[finding.code for finding in findings] for findings in failures]
    left = [index for index, names in enumerate(codes) if names]
    groups: list[tuple[Finding | None, list[int]]] = []
    while left:
        tally = {code: [index for index in left if code in codes[index]] for index in left for code in codes[index]}
        best = max(tally, key=lambda code: len(tally[code]))  # the first of equals: a dict keeps its order
        first = tally[best][0]
        groups.append((failures[first][codes[first].index(best)], tally[best]))
        left = [index for index in left if index not in tally[best]]
    unexplained = [index for index, names in enumerate(codes) if not names]
    return [*groups, (None, unexplained)] if unexplained else groups
