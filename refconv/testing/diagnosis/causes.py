"""Why does a target fail a case?  Asked where the target runs, for failing cases only.

One failing case often leaves several causes open: where the dilations are (1, 2), "ignored" and "the first for both"
are the same.  `explained` therefore gives every cause that explains a case, from what was returned alone, so that the
same result always gives the same answer; `shared_causes` finds the fewest that together explain all cases.  What is
left without one is `examined`: the target is called again, to see what it reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.testing.battery.cases import Case
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.diagnosis.addressing import trace_addressing
from refconv.testing.diagnosis.behaviour import EMPTY_SUM, adds_nothing, behaviour_findings
from refconv.testing.diagnosis.diagnose import SEARCHES, UNSEARCHED, explanations
from refconv.testing.diagnosis.evidence import Evidence, gather
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.taps import tap_findings
from refconv.testing.targets import Target

__all__ = ["examined", "explained", "shared_causes"]

BESIDE: Final = Finding(
    "reads-between-elements",
    "it reads the memory between the elements of a view, where NaN stands here",
    reading="an element is found by the strides of its array, not by its shape",
)
INEXACT: Final = Finding(
    "inexact-sums",
    "whole numbers, whose sums are exact in any order, come out rounded",
    reading="products and sums in the type of the data: transforms such as Winograd's and Fourier's round",
)
NOTHING: Final = Finding("none-returned", "it returns None, which is nothing at all", reading="the output")
UNSTEADY: Final = Finding("stateful", "it is stateful: called again with the same arrays, it is right", is_traced=True)
RIGHT_PIXELS: Final = Finding(
    "traced-right", "one tap at a time it reads the right pixels: it goes wrong where they are added up", is_traced=True
)


def explained(case: Case, actual: object) -> tuple[Finding, ...]:
    """Return the causes that explain a failure equally well, the likeliest first; empty where none does."""
    if actual is None:
        return (NOTHING,)
    try:
        with np.errstate(all="ignore"):  # which an array may hold that is wrong
            found, memory = _explanations(case, actual), _of_memory(case, actual)
            is_known = bool(found and found[0].reading)  # more than what stands there
            return (*found, *memory) if is_known else (*memory, *found)
    except Exception:  # noqa: BLE001  # an array-like may raise anything when it is read, and that explains nothing
        return ()


def _of_memory(case: Case, actual: object) -> Iterator[Finding]:
    """Yield what the memory tells in which a case's arrays lie: NaN, where it stands between their elements."""
    truth, array = case.reference().truth, to_numpy("the result", actual)
    if array.shape != truth.shape:
        return
    if adds_nothing(case.operands()):
        yield EMPTY_SUM
    is_view = case.layout != "contiguous" and truth.dtype.kind in "fc"
    if is_view and (np.isnan(array.astype(truth.dtype)) & ~np.isnan(truth)).any():
        yield BESIDE


def _explanations(case: Case, actual: object) -> list[Finding]:
    array, right, rounded = gather(actual, case.call(), case.result_dtype)
    is_same = str(case.padding).startswith("same")
    right = replace(right, epilogue=case.how.epilogue, is_same=is_same)
    found = explanations(array, right, case.reference(), SEARCHES if case.is_searched else UNSEARCHED)
    if found and not all(finding.is_place for finding in found):
        return found
    is_rounding = array.shape == rounded.truth.shape and not Evidence.of(array, right, rounded).count
    return [INEXACT] if is_rounding else found


def examined(target: Target, case: Case) -> tuple[Finding, ...]:
    """Call a target again, with a case that it fails: is it a function at all, and a linear one, and what does it read?

    Whatever it raises then says nothing.  Where numbers stand for others, it is not linear, and reads no single tap.
    """
    if case.operation.arithmetic:
        return ()
    is_linear = not case.arithmetic.epilogue.text
    with suppress(Exception):
        with suppress(NotImplementedError):  # of a target that has the result of this case alone, on record
            if found := behaviour_findings(partial(case.called, target), case.operands(), is_linear=is_linear):
                return tuple(replace(seen, is_traced=True) for seen in found)
        actual = case.called(target, case.operands())
        if case.check(actual).passed:
            return (UNSTEADY,)
        if is_linear:  # if not, what comes out says nothing of single taps
            with suppress(Exception):
                return trace_addressing(target, case).problems[:1] or (RIGHT_PIXELS,)
            array, right, reference = gather(actual, case.call(), case.result_dtype)
            if array.shape == reference.truth.shape:  # of other outputs there are no taps
                found = tap_findings(Evidence.of(array, right, reference))
                return tuple(replace(seen, is_traced=True) for seen in found)
    return ()


def shared_causes(failures: Sequence[Sequence[Finding]]) -> list[tuple[Finding | None, list[int]]]:
    """Group failures by cause: the fewest codes that together explain them, each with the failures it explains.

    Given are, for each failure, the causes that explain it equally well.  Each group has a finding with its code, taken
    from the first failure that it explains, and the failures' indices; those without a finding come last, under None.

    Examples
    --------
    >>> ignored, swapped = Finding("dilation-ignored", "..."), Finding("dilation-axes-swapped", "...")
    >>> [(cause.code, which) for cause, which in shared_causes([[ignored, swapped], [swapped], [ignored, swapped]])]
    [('dilation-axes-swapped', [0, 1, 2])]
    """
    codes = [[finding.code for finding in findings] for findings in failures]
    found = [(_commonest(code, [failures[index] for index in which]), which) for code, which in fewest(codes)]
    unexplained = [index for index, names in enumerate(codes) if not names]
    return [*found, (None, unexplained)] if unexplained else [*found]


def _commonest(code: str, failures: Sequence[Sequence[Finding]]) -> Finding:
    """Return the finding of a code whose sentence most failures share, the first of several: that of a tile of 8."""
    found = [finding for findings in failures for finding in findings if finding.code == code]
    said = Counter(finding.sentence for finding in found)
    return max(found, key=lambda finding: said[finding.sentence])


def fewest(codes: Sequence[Sequence[str]]) -> Iterator[tuple[str, list[int]]]:
    """Yield the fewest codes of which each list that is not empty has one, each with the indices of its lists.

    Greedy: the code that most lists have first, and of several in as many, the one that comes first in the first.
    """
    left = [index for index, names in enumerate(codes) if names]
    while left:
        tally = {code: [index for index in left if code in codes[index]] for index in left for code in codes[index]}
        best = max(tally, key=lambda code: len(tally[code]))  # the first of equals: a dict keeps its order
        yield best, tally[best]
        left = [index for index in left if index not in tally[best]]
