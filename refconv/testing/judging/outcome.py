"""What came of a case, and how the call that was made for it ended: data, that no sentence needs to be read for."""

from __future__ import annotations

from enum import StrEnum

__all__: list[str] = []


class Outcome(StrEnum):
    """What came of one case, in the order of the report's columns."""

    PASSED = "passed"
    BY_CONVENTION = "differs by convention"
    LESS_PRECISE = "less precise"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    NOT_REFUSED = "not refused"

    @property
    def is_right(self) -> bool:
        """Whether a result is right, be it by another convention than refconv's."""
        return self in (Outcome.PASSED, Outcome.BY_CONVENTION)


class Ending(StrEnum):
    """How a call of the target ended."""

    RETURNED = "returned"
    RAISED = "raised"
    DIED = "died"  # its process did
    TIMED_OUT = "timed out"
    NOT_RUN = "not run"  # after so many time-outs that the target was given up
