"""Why does a target fail a case?  Asked where the target runs, for failing cases only.

One failing case often leaves several causes open: where the dilations are (1, 2), "ignored" and "the first for both"
are the same.  `Explainer` therefore gives every cause that explains a case, and `shared_causes` finds the fewest that
together explain them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from refconv.testing.cases import Case
from refconv.testing.finding import Finding
from refconv.testing.targets import Target

__all__ = ["Explainer", "shared_causes"]


class Explainer:
    """Explain the failures of one target, and remember the causes found, for they explain most of what follows.

    One per target and process, made before the first case: ``Explainer(target)``.  Call it with each failing case and
    what the target returned: ``explainer(case, actual)``.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, case: Case, actual: object) -> tuple[Finding, ...]:
        """Return the causes that explain this failure equally well, the likeliest first; empty where none does."""
        return ()


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
