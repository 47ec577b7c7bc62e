"""Judge one case: call the target, and say what came of it."""

from __future__ import annotations

import inspect
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Unpack

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import ROUNDED
from refconv.testing.battery.problems import smaller
from refconv.testing.battery.tiers import find_case
from refconv.testing.comparing.comparison import SUSPECT, Comparison, exception_text, printable
from refconv.testing.comparing.conventions import TRANSFORM
from refconv.testing.comparing.reference import Standard
from refconv.testing.comparing.standards import likeness
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.interface import AS_IS, Interface, Manner
from refconv.testing.judging.excerpt import Excerpt, excerpt_of
from refconv.testing.judging.outcome import Ending, Outcome
from refconv.testing.judging.side_effects import (
    MOST_WORK,
    Kept,
    changed,
    kept,
    wrong_again,
    wrong_in_other_steps,
    wrong_when_changed,
)
from refconv.testing.judging.threads import wrong_in_threads
from refconv.testing.programs.program import ProgramDiedError
from refconv.testing.targets import Target, load_target
from refconv.testing.verification.verify import verified

__all__ = ["CaseResult", "run_case"]

_OURS: Final = f"{Path(__file__).parents[2]}{os.sep}"
_AROUND: Final = inspect.getfile(Interface)
GIVE_UP: Final = 10  # cases without an answer in a row, after which a target that always hangs is not asked again
FEW_WRONG: Final = 16  # elements, of which an activation, or a constant, is told from a mistake by other cases alone
# Seconds that one failure may take to be explained, or to be examined: what is asked is bounded in work, not in time,
# so that only a target that hangs when it is called again takes as long.
EXPLANATION_LIMIT: Final = 120.0
AT_SIZE: Final = Finding(
    "wrong-at-size", "it is wrong at this size alone", reading="what it returns of smaller images, where it is right"
)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    Attributes
    ----------
    id, family : str
        Of the case.
    outcome : Outcome
        One of "passed", "differs by convention", "less precise", "failed", "unsupported" and "not refused", to which
        it is equal.  What is right by another convention than refconv's "differs by convention", which does not fail a
        run.  A case that ought to be refused passes if the target raises; if it returns, dies or hangs, that is "not
        refused", which does not either.  NotImplementedError is "unsupported".
    detail : str
        What happened, in words.
    comparison : Comparison or None
        The numbers, where there was a result to compare.
    seconds : float
        How long the target took.
    findings : tuple of Finding
        For a failure, the causes that explain it equally well, the likeliest first.
    excerpt : Excerpt or None
        For a failure, the numbers about the worst element, to be shown.
    ending : Ending
        How the call ended: "returned", "raised", "died", "timed out" or "not run".
    ended_by : str
        The type of the exception that was raised, or how the process ended; empty for other endings.
    standards : tuple of str
        Of a result that is less precise, the codes of the arithmetics by which it is right, the likeliest first.

    Examples
    --------
    >>> from refconv.testing import run_case
    >>> result = run_case("refconv", "reject-stride-zero")
    >>> str(result.outcome), result.family, result.comparison, result.ended_by
    ('passed', 'rejected', None, 'ValueError')
    >>> result.detail
    'raised ValueError: stride[0]=0 must be at least 1 (input (1, 2, 5, 6), weight (3, 2, 2, 3))'
    """

    id: str
    family: str
    outcome: Outcome
    detail: str = ""
    comparison: Comparison | None = None
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    excerpt: Excerpt | None = None
    ending: Ending = Ending.RETURNED
    ended_by: str = ""
    standards: tuple[str, ...] = ()

    @property
    def is_to_be_explained(self) -> bool:
        """Whether something was returned, and it is wrong."""
        return self.outcome == Outcome.FAILED and self.comparison is not None

    @property
    def is_to_be_examined(self) -> bool:
        """Whether it is wrong, and nothing is known but perhaps where."""
        return self.is_to_be_explained and all(finding.is_place for finding in self.findings)

    @property
    def is_answered(self) -> bool:
        """Whether the target did something in time, if only to die."""
        return self.ending not in (Ending.TIMED_OUT, Ending.NOT_RUN)

    @property
    def has_returned(self) -> bool:
        """Whether the call came back, with a result or an exception, so that it can be made again from here."""
        return self.ending in (Ending.RETURNED, Ending.RAISED)

    def __str__(self) -> str:
        """Name the case and what happened, on a few lines."""
        cause = [f"cause: {self.findings[0].sentence}"] if self.findings else []
        return "\n  ".join([f"{self.id}: {self.outcome}", *self.detail.splitlines(), *cause])


def run_case(
    target: str | Target, case: str | Case, time_limit: float | None = None, **how: Unpack[Manner]
) -> CaseResult:
    """Call a target with one case's arguments, in this process, and judge what it does.

    Parameters
    ----------
    target : str or callable
        As in `check`.
    case : str or Case
        A case, or its id; of which operation, it says itself.
    time_limit : float, optional
        Seconds after which the case has failed.  The call then runs in a thread of its own, which is left behind where
        it does not end: Python cannot stop it.  Without a limit it runs in the calling thread, for a debugger, or for a
        target that needs what the thread holds, such as ``torch.no_grad()``.
    **how
        How the target works and wants to be called, as in `check`.

    Returns
    -------
    CaseResult
        Whatever the target does, short of ending this process.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    TypeError, ValueError
        If there is no such case, or what is said of the target makes no sense.

    Examples
    --------
    >>> import numpy as np, refconv
    >>> def no_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ...     return refconv.conv2d(input, weight, bias, stride, 0, dilation, groups)
    >>> print(run_case(no_padding, "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32"))
    n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32: failed
      shape (1, 3, 3, 4), where (1, 3, 5, 6) was expected
      cause: the padding before the first pixel is missing, and the output is sized by that
    """
    which = find_case(case) if isinstance(case, str) else case
    interface, arithmetic = Interface.of(target, which.op, **how)
    judge = Judge(load_target(target, which.op) if isinstance(target, str) else target, arithmetic, interface)
    if time_limit is None:
        result = judge.explained(judge(which))
        return judge.examined(result) if result.is_to_be_examined else result
    result = judged_within(judge, which, time_limit) or no_answer(which, time_limit)
    return examined_within(judge, result) if result.is_to_be_examined else result


def judged_within(judge: Judge, case: Case, time_limit: float) -> CaseResult | None:
    """Return a case's result, explained if there is time, or None where there is none in time.

    The calls are made in threads of their own, and left behind where they do not end.
    """
    result = _within(patience(case, time_limit), lambda: judged_whatever(judge, case))
    if result is None or not result.is_to_be_explained:
        return result
    return judge.explained(result)  # which calls nothing that could hang


def examined_within(judge: Judge, result: CaseResult) -> CaseResult:
    """Return a failure that the target was called again for, or as it stands if that hangs."""
    return _within(EXPLANATION_LIMIT, lambda: judge.examined(result)) or result


def _within(time_limit: float, call: Callable[[], CaseResult]) -> CaseResult | None:
    answers: queue.SimpleQueue[CaseResult] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(call()), daemon=True).start()
    try:
        return answers.get(timeout=min(time_limit, threading.TIMEOUT_MAX))
    except queue.Empty:
        return None


def failed(case: Case, detail: str, seconds: float, ending: Ending, ended_by: str = "") -> CaseResult:
    """Return the result of a case whose target did not come to return anything."""
    outcome = Outcome.NOT_REFUSED if case.rejects else Outcome.FAILED
    return CaseResult(case.id, case.family, outcome, detail, seconds=seconds, ending=ending, ended_by=ended_by)


def patience(case: Case, time_limit: float) -> float:
    """Return how many seconds a case may take: more, in proportion, than the limit, if it is large."""
    return time_limit * max(1.0, case.bulk)


def no_answer(case: Case, time_limit: float) -> CaseResult:
    """Return the result of a case that was not answered in time."""
    limit = patience(case, time_limit)
    return failed(case, f"no answer within {limit:g} s", limit, Ending.TIMED_OUT)


def given_up(case: Case) -> CaseResult:
    """Return the result of a case that a target is not asked any more."""
    return failed(case, f"not run: {GIVE_UP} cases in a row had no answer", 0.0, Ending.NOT_RUN)


def judged_whatever(judge: Judge, case: Case) -> CaseResult:
    """Return a case's result even where the target raises what would end a thread or a process."""
    try:
        return judge(case)
    except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt, or pytest.fail: not from a person here
        return failed(case, f"raised {exception_text(error)}", 0.0, Ending.RAISED, printable(type(error).__name__))


def _refusal(case: Case, target: Target, error: BaseException, seconds: float) -> CaseResult:
    """Return the result of a case at which the target raised this."""
    if isinstance(error, ProgramDiedError):  # which refuses nothing
        return failed(case, f"the process died: {error}", seconds, Ending.DIED, str(error))
    text = exception_text(error)
    outcome, detail = Outcome.FAILED, f"raised {text}{_line_of(error, target)}"
    if isinstance(error, NotImplementedError):
        outcome, detail = Outcome.UNSUPPORTED, text
    elif case.rejects:
        outcome, detail = Outcome.PASSED, f"raised {text}"
    result = failed(case, detail, seconds, Ending.RAISED, printable(type(error).__name__))
    return replace(result, outcome=outcome)


def _line_of(error: BaseException, target: Target) -> str:
    """Return the target's own line in which an exception came up; empty where it is one of ours, or an adapter."""
    raised = traceback.extract_tb(error.__traceback__)[2:]  # below the judge's, and the case's
    frames = [frame for frame in raised if frame.filename != _AROUND]
    if not frames or frames[0].filename.startswith(_OURS):
        return ""
    code = getattr(inspect.unwrap(target), "__code__", None)  # behind its decorators
    files = {frame.filename for frame in frames}
    file = code.co_filename if code is not None and code.co_filename in files else frames[0].filename
    own = [frame for frame in frames if frame.filename == file]
    return f"\nat {Path(file).name}:{own[-1].lineno}, in {own[-1].name}"


class Judge:
    """Call one target with cases, in the calling thread, and say what came of each; then, if asked, why."""

    def __init__(self, function: Target, how: Arithmetic = DIRECT, interface: Interface = AS_IS) -> None:
        self._function = interface.around(function)
        self._interface = interface
        self._how = how  # it works
        self._last: tuple[Case, object] | None = None

    def __call__(self, case: Case) -> CaseResult:
        """Return the case's result."""
        problem = "" if case.rejects else self._interface.refuse(case) or self._refuse(case)
        if problem:
            return replace(failed(case, problem, 0.0, Ending.NOT_RUN), outcome=Outcome.UNSUPPORTED)
        case = case.declared(self._how)
        operands = case.operands()
        before = kept(operands)
        start = time.perf_counter()
        try:
            actual = case.called(self._function, operands)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a target raises is its result
            return _refusal(case, self._function, error, time.perf_counter() - start)
        seconds = time.perf_counter() - start
        result = CaseResult(case.id, case.family, Outcome.FAILED, seconds=seconds)
        if case.rejects:
            return replace(result, outcome=Outcome.NOT_REFUSED, detail=f"accepted {case.rejects}")
        judged = self._verified if case.bulk > 1 else self._compared
        return judged(case, operands, before, actual, result)

    def _compared(
        self, case: Case, operands: dict[str, Array], before: dict[str, Kept], actual: object, result: CaseResult
    ) -> CaseResult:
        """Return what comes of a result that is compared with the truth in full."""
        fault = changed(operands, before)
        comparison = case.check(actual, None if fault else operands)
        result = replace(result, detail=str(comparison), comparison=comparison)
        self._last = None if comparison.passed else (case, actual)
        if comparison.passed and (fault := fault or self._fault(case, operands, before, actual, comparison)):
            return replace(result, detail=f"{comparison}, but {fault.sentence}", findings=(fault,))
        if comparison.passed and not comparison.is_suspect:
            outcome = Outcome.BY_CONVENTION if comparison.convention else Outcome.PASSED
            return replace(result, outcome=outcome)
        return self._looked_at_again(case, actual, result)

    def _refuse(self, case: Case) -> str:
        """Return why a case is not asked of such a kernel; nothing, where it is."""
        how = self._how
        if case.bulk > 1 and how != Arithmetic(how.accumulate_dtype, how.input_dtype):
            return "a case of this size is verified by sums over its channels, which know of no more than types"
        return how.epilogue.refuse(case.result_dtype)

    def _verified(
        self, case: Case, operands: dict[str, Array], before: dict[str, Kept], actual: object, result: CaseResult
    ) -> CaseResult:
        """Return what comes of a result too large to be computed in full; where it is wrong, a smaller case says why.

        The arrays are those that the target was given, if it has left them alone: there is no room for others.
        """
        self._last = None
        if fault := changed(operands, before):
            return replace(result, detail=fault.sentence, comparison=Comparison(), findings=(fault,))
        is_exact = case.data not in ROUNDED and case.arithmetic == DIRECT
        standard = Standard(case.result_dtype, case.arithmetic, any_integer=True, is_exact=is_exact)
        found = verified(actual, case.call(operands), standard)
        surprise = max(found.comparison.surprise, SUSPECT * found.worst)
        comparison = replace(found.comparison, surprise=surprise)
        if found.is_rounded:
            comparison = replace(comparison, mismatched=0, first_wrong=(), convention=TRANSFORM)
            return replace(result, outcome=Outcome.BY_CONVENTION, comparison=comparison, detail=str(comparison))
        outcome = Outcome.PASSED if found.passed else Outcome.FAILED
        result = replace(result, outcome=outcome, comparison=comparison, detail=str(found))
        is_odd = found.suspect or found.comparison.is_suspect or not found.passed
        return self._as_in_a_smaller(case, result, comparison) if is_odd else result

    def _as_in_a_smaller(self, case: Case, result: CaseResult, comparison: Comparison) -> CaseResult:
        """Return a failure, or what is suspect, with what is said of it in a case that can be computed in full."""
        small = smaller(case)
        if small.bulk > 1:
            return result
        seen = self(small)
        if seen.is_to_be_explained or seen.outcome == Outcome.LESS_PRECISE:
            detail = f"{result.detail}\nas in {small.id}: {seen.detail}"
            return replace(seen, id=case.id, family=case.family, seconds=result.seconds, detail=detail)
        self._last = None
        if seen.comparison is None:
            return result
        if result.outcome == Outcome.FAILED:
            return replace(result, findings=(AT_SIZE,))
        return replace(result, comparison=replace(comparison, resembles=seen.comparison.resembles))

    def _looked_at_again(self, case: Case, actual: object, result: CaseResult) -> CaseResult:
        """Return what comes of wrong or suspect numbers, once other standards have been asked."""
        from refconv.testing.judging.second_look import SecondLook  # noqa: PLC0415  # as in `explained`

        comparison, look = result.comparison, SecondLook(self._function, case, actual)
        if comparison is None or comparison.obstacle is not None:
            return result
        if found := look.by_transform():
            self._last = None
            return replace(result, outcome=Outcome.BY_CONVENTION, comparison=found, detail=str(found))
        if comparison.is_suspect:
            found = replace(comparison, resembles=likeness(actual, case.call(), case.reference(), case.how))
            return replace(result, outcome=Outcome.PASSED, comparison=found, detail=str(found))
        if finding := look.epilogue() or look.constant():
            return replace(result, findings=(finding,))
        standards = look.standards()
        return replace(result, outcome=Outcome.LESS_PRECISE, standards=standards) if standards else result

    def _fault(
        self, case: Case, operands: dict[str, Array], before: dict[str, Kept], actual: object, comparison: Comparison
    ) -> Finding | None:
        """Return what is wrong with a target when it is called again, where its numbers are right."""
        fault = None
        if case.products * comparison.elements <= MOST_WORK:
            fault = wrong_again(case, self._function, operands, actual) or changed(operands, before)
        if fault is not None or not case.threads:
            return fault
        looks = (wrong_when_changed, wrong_in_other_steps, wrong_in_threads)
        return next((found for look in looks if (found := look(case, self._function))), None)

    def explained(self, result: CaseResult) -> CaseResult:
        """Return the result of the last case, if it failed, with its causes and an excerpt of what was returned."""
        if self._last is None or result.comparison is None:
            return result
        from refconv.testing.diagnosis.causes import explained  # noqa: PLC0415  # half of what a worker would import

        case, actual = self._last
        is_open = not result.findings or result.comparison.mismatched < FEW_WRONG
        findings = (*result.findings, *(explained(case, actual) if is_open else ()))
        return replace(result, findings=findings, excerpt=excerpt_of(case, actual, result.comparison))

    def examined(self, result: CaseResult) -> CaseResult:
        """Return a failure with what is seen when the target is called again with its case, if it is anything."""
        from refconv.testing.diagnosis.causes import examined  # noqa: PLC0415  # as above

        findings: tuple[Finding, ...] = ()
        case = smaller(find_case(result.id))
        with suppress(SystemExit):
            findings = examined(self._function, case.declared(self._how)) if case.bulk <= 1 else ()
        return replace(result, findings=(*findings, *result.findings))
