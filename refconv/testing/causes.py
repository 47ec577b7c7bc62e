"""Why does a target fail a case?  Asked where the target runs, for failing cases only."""

from __future__ import annotations

from refconv.testing.cases import Case
from refconv.testing.finding import Finding
from refconv.testing.targets import Target


class Explainer:
    """Explain the failures of one target, and remember the causes found, for they explain most of what follows.

    One per target and process, made before the first case: ``Explainer(target)``.  Call it with each failing case and
    what the target returned: ``explainer(case, actual)``.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, case: Case, actual: object) -> Finding | None:
        """Return the cause of this failure, or None where none is found."""
        return None


def explain(target: Target, case: Case, actual: object) -> Finding | None:
    """Return the cause of one failure by itself, or None where none is found."""
    return Explainer(target)(case, actual)
