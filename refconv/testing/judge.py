"""Judge one case: call the target, and say what came of it."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import Final, Literal

from refconv.testing.battery import find_case
from refconv.testing.cases import Case
from refconv.testing.compare import Comparison
from refconv.testing.targets import Target, load_target

__all__ = ["OUTCOMES", "CaseResult", "Outcome", "run_case"]

Outcome = Literal["passed", "failed", "unsupported", "wrongly accepted"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("passed", "failed", "unsupported", "wrongly accepted")
LONGEST_MESSAGE = 300  # characters of an exception's text: frameworks print whole graphs


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    Attributes
    ----------
    id, family : str
        Of the case.
    outcome : {"passed", "failed", "unsupported", "wrongly accepted"}
        A case that ought to be refused passes if the target raises; if it returns, that is "wrongly accepted", which
        does not fail a run.  NotImplementedError is "unsupported".
    detail : str
        What happened, in words.
    comparison : Comparison or None
        The numbers, where there was a result to compare.
    seconds : float
        How long the target took.
    """

    id: str
    family: str
    outcome: Outcome
    detail: str = ""
    comparison: Comparison | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        """Name the case and what happened, on a few lines."""
        return "\n  ".join([f"{self.id}: {self.outcome}", *self.detail.splitlines()])


def run_case(target: str | Target, case: str | Case, time_limit: float | None = None) -> CaseResult:
    """Call a target with one case's arguments, in this process, and judge what it does.

    Parameters
    ----------
    target : str or callable
        As in `check`.
    case : str or Case
        A case, or its id.
    time_limit : float, optional
        Seconds after which the case has failed.  The call then runs in a thread of its own, which is left behind where it
        does not end: Python cannot stop it.

    Returns
    -------
    CaseResult
        Whatever the target does, short of ending this process.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    ValueError
        If there is no such case.

    Examples
    --------
    >>> import numpy as np, refconv
    >>> def no_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ...     return refconv.conv2d(input, weight, bias, stride, 0, dilation, groups)
    >>> print(run_case(no_padding, "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32"))
    n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32: failed
      shape (1, 3, 3, 4), where (1, 3, 5, 6) was expected
    """
    function = load_target(target) if isinstance(target, str) else target
    which = find_case(case) if isinstance(case, str) else case
    if time_limit is None:
        return _judged(function, which)
    answers: queue.SimpleQueue[CaseResult] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_judged(function, which)), daemon=True).start()
    try:
        return answers.get(timeout=time_limit)
    except queue.Empty:
        return failed(which, f"no answer within {time_limit:g} s", time_limit)


def failed(case: Case, detail: str, seconds: float) -> CaseResult:
    """Return the result of a case whose target did not come to return anything."""
    return CaseResult(case.id, case.family, "failed", detail, None, seconds)


def _judged(function: Target, case: Case) -> CaseResult:
    image, kernel, bias = case.arrays()
    start = time.perf_counter()
    try:
        actual = function(image, kernel, bias, case.stride, case.padding, case.dilation, case.groups)
    except NotImplementedError as error:
        outcome: Outcome = "unsupported"
        return CaseResult(case.id, case.family, outcome, _said(error), None, time.perf_counter() - start)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a target raises is its result
        outcome = "passed" if case.rejects else "failed"
        return CaseResult(case.id, case.family, outcome, f"raised {_said(error)}", None, time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if case.rejects:
        return CaseResult(case.id, case.family, "wrongly accepted", f"accepted {case.rejects}", None, seconds)
    comparison = case.check(actual)
    outcome = "passed" if comparison.passed else "failed"
    return CaseResult(case.id, case.family, outcome, str(comparison), comparison, seconds)


def _said(error: BaseException) -> str:
    """Return an exception's type and text on one line, printable and not too long."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # an exception whose __str__ raises is an exception all the same
        words = "(its message cannot be read)"
    text = "".join(character if character.isprintable() else "?" for character in words)
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE] + " ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
