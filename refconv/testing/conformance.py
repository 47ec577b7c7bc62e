"""Run the battery over a target: `check` gives a `Report`.

A target is judged from outside.  Whatever it does with one case (raise, hang, end its process, return garbage) is that
case's result, and the run goes on.
"""

from __future__ import annotations

import math
import os
import queue
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from textwrap import indent
from typing import Any

from refconv.arguments import as_int
from refconv.testing.battery import cases
from refconv.testing.cases import Case
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.isolation import IsolatedTarget, run_elsewhere
from refconv.testing.judge import GIVE_UP, OUTCOMES, CaseResult, Outcome, given_up, judged_within, no_answer, run_case
from refconv.testing.targets import Target, importable_name

__all__ = ["Report", "check"]

MapLike = Callable[[Callable[[Case], CaseResult], Sequence[Case]], Iterable[CaseResult]]
JSON_SCHEMA = 1
LONGEST_LINE = 78  # with an indentation of two, a terminal's 80 columns


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What a run of the battery found.

    Attributes
    ----------
    target, tier : str
        What was judged, and by which cases.
    results : tuple of CaseResult
        One for each case, in the battery's order.

    Examples
    --------
    >>> from refconv.testing import check
    >>> report = check("refconv", "smoke")
    >>> report.passed, report.counts()["passed"], report.failures
    (True, 20, [])
    """

    target: str
    tier: str
    results: tuple[CaseResult, ...]

    @property
    def failures(self) -> list[CaseResult]:
        """The failed cases; unsupported and wrongly accepted ones are not among them."""
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def passed(self) -> bool:
        """Whether no case failed, and at least one was computed: to refuse what ought to be refused is not enough."""
        is_computed = any(result.outcome == "passed" and result.comparison is not None for result in self.results)
        return is_computed and not self.failures

    def counts(self, family: str | None = None) -> dict[Outcome, int]:
        """Return how many cases, of one family or of all, had each outcome."""
        found = Counter(result.outcome for result in self.results if family in (None, result.family))
        return {outcome: found[outcome] for outcome in OUTCOMES}

    def families(self) -> list[str]:
        """Return the families of cases in the battery's order."""
        return list(dict.fromkeys(result.family for result in self.results))

    def reproduction(self, result: CaseResult) -> str:
        """Return the Python statement that runs one case again, given ``from refconv.testing import check, run_case``.

        That is `run_case`, or `check` for a case that did not come back: it would take the caller along.
        """
        is_name = self.target in FRAMEWORKS or ":" in self.target
        is_expression = self.target.replace(".", "").isidentifier()
        target = repr(self.target) if is_name else self.target if is_expression else "target"
        has_returned = not result.detail.startswith(("the process died", "no answer", "not run"))
        call, argument = ("run_case", "") if has_returned else ("check", "match=")
        line = f"print({call}({target}, {argument}{result.id!r}))"
        if len(line) > LONGEST_LINE:
            line = f"print({call}({target},\n{'':{len(call) + 7}}{argument}{result.id!r}))"
        return line

    def verdict(self) -> str:
        """Return the outcome in one line."""
        always: tuple[Outcome, ...] = ("passed", "failed")
        counts = self.counts().items()
        numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts if count or outcome in always)
        word = "right" if self.passed else "WRONG" if self.failures else "NOT JUDGED"
        return f"{self.target}: {word} ({numbers})"

    def __repr__(self) -> str:
        return f"<Report {self.verdict()}>"

    def __str__(self) -> str:
        """Say the verdict, then each failed case on a few lines."""
        failures = (f"{result}\n{indent(self.reproduction(result), '  ')}" for result in self.failures)
        return "\n".join([self.verdict(), *failures])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: numbers that are not finite become text."""
        return {
            "schema": JSON_SCHEMA,
            "target": self.target,
            "tier": self.tier,
            "passed": self.passed,
            "counts": self.counts(),
            "results": [_plain(asdict(result)) for result in self.results],
        }


def _plain(value: Any) -> Any:
    """Return nested data with numbers that JSON does not know as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def check(
    target: str | Target,
    tier: str = "core",
    workers: int = 1,
    *,
    match: str = "",
    dtype: str | None = None,
    time_limit: float | None = 20.0,
    map: MapLike | None = None,
    on_result: Callable[[CaseResult], object] | None = None,
) -> Report:
    """Judge a convolution by the battery.

    Parameters
    ----------
    target : str or callable
        A name (``"torch"``, ``"package.module:function"``, ``"path/to/file.py:function"``) is loaded in a process of
        its own, which is started again if a case ends it.  A callable with one worker runs in threads of this process:
        a case that hangs fails, but one that crashes takes this process with it.
    tier : {"core", "smoke"}
        Which cases.
    workers : int
        Processes among which the cases are shared; more than one needs a target that they can import.
    match : str
        Only the cases in whose id or family this text stands.
    dtype : {"float32", "float64"}, optional
        Only the cases of this type.
    time_limit : float or None
        Seconds after which a case has failed; after ten in a row, all that are left have.  None, for a callable with
        one worker: no limit, and no other thread than the calling one, for a debugger.
    map : callable, optional
        Used as ``map(function, cases)`` to run the cases elsewhere, in place of `workers`: for instance the ``map`` of
        a Dask client's ``get_executor()``, or of an `MPIPoolExecutor`.  It must return the results in order.  The
        target, and refconv, must be importable there; a target given by name has a process of its own there, too.
    on_result : callable, optional
        Called with each CaseResult, in order, as it comes.

    Returns
    -------
    Report
        Its ``passed`` is the verdict, and its text names each failed case.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    TypeError, ValueError
        If an argument is invalid, no case is left to run, or `map` returns something else than the results in order.

    Examples
    --------
    A kernel that takes a symmetric padding for granted:

    >>> import refconv
    >>> def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ...     if isinstance(padding, tuple) and isinstance(padding[0], tuple):
    ...         padding = tuple(before for before, after in padding)
    ...     return refconv.conv2d(input, weight, bias, stride, padding, dilation, groups)
    >>> report = check(kernel, "smoke", match="k3")
    >>> print(report.failures[0])
    n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32: failed
      shape (1, 3, 5, 5), where (1, 3, 4, 6) was expected
    """
    if not (isinstance(target, str) or callable(target)):
        raise TypeError(f"target={target!r} must be a name or a callable, not {type(target).__name__}")
    workers = as_int("workers", workers, minimum=1)
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit={time_limit} must be more than 0 seconds")
    chosen = cases(tier, match=match, dtype=dtype)
    if not chosen:
        of_type = "" if dtype is None else f", and dtype={dtype!r}"
        raise ValueError(f"no case of tier {tier!r} has match={match!r} in its id or family{of_type}")
    results = []
    for result in _results(target, chosen, workers, time_limit, map):
        results.append(result)
        if on_result is not None:
            on_result(result)
    return Report(_name(target), tier, tuple(results))


def _results(
    target: str | Target, chosen: list[Case], workers: int, time_limit: float | None, map_like: MapLike | None
) -> Iterator[CaseResult]:
    """Run the cases in the place that the arguments ask for, and yield their results in order."""
    if time_limit is None:
        if not callable(target) or workers != 1 or map_like is not None:
            raise ValueError("time_limit=None is for a callable that runs in the calling thread of this process")
        yield from (run_case(target, case) for case in chosen)
    elif map_like is not None:
        yield from _mapped_results(map_like, partial(run_elsewhere, _anywhere(target), time_limit), chosen)
    elif callable(target) and workers == 1:
        yield from _threaded_results(target, chosen, time_limit)
    else:
        name = target if isinstance(target, str) else importable_name(target)
        if name is None:
            raise ValueError(
                f"workers={workers} needs a target that other processes can import, such as 'package.module:function' "
                f"or 'path/to/file.py:function'; {_name(target)} is not"
            )
        yield from _isolated_results(name, chosen, workers, time_limit)


def _threaded_results(target: Target, chosen: list[Case], time_limit: float) -> Iterator[CaseResult]:
    """Run the cases in threads of this process, and give up as `IsolatedTarget` does."""
    hung_in_a_row = 0
    for case in chosen:
        if hung_in_a_row >= GIVE_UP:
            yield given_up(case)
            continue
        result = judged_within(target, case, time_limit)
        hung_in_a_row = hung_in_a_row + 1 if result is None else 0
        yield result or no_answer(case, time_limit)


def _mapped_results(map_like: MapLike, run: Callable[[Case], CaseResult], chosen: list[Case]) -> Iterator[CaseResult]:
    """Have somebody else's map run the cases, and check that it gave back a result for each, in order."""
    results = iter(map_like(run, chosen))
    for case in chosen:
        result = next(results, None)
        if not isinstance(result, CaseResult):
            raise TypeError(
                f"map= must return each case's result, in order, like the builtin map; for {case.id} "
                f"it returned something of type {type(result).__name__}; for Dask, use client.get_executor().map"
            )
        if result.id != case.id:
            raise ValueError(f"map= must keep the order of the cases; it returned {result.id} for {case.id}")
        yield result


def _isolated_results(name: str, chosen: list[Case], workers: int, time_limit: float) -> Iterator[CaseResult]:
    """Share the cases among processes, each fed by one thread."""
    threads = None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
    idle: queue.SimpleQueue[IsolatedTarget] = queue.SimpleQueue()
    processes = [IsolatedTarget(name, time_limit, threads) for _ in range(min(workers, len(chosen)))]
    for process in processes:
        idle.put(process)

    def run(case: Case) -> CaseResult:
        process = idle.get()
        try:
            return process(case)
        finally:
            idle.put(process)

    try:
        with ThreadPoolExecutor(len(processes)) as executor:
            try:
                yield from executor.map(run, chosen)
            finally:  # where the run is broken off, a child that is ended sets free the thread that waits for it
                executor.shutdown(wait=False, cancel_futures=True)
                _close(processes)
    finally:  # and one that was started meanwhile is ended here
        _close(processes)


def _close(processes: list[IsolatedTarget]) -> None:
    for process in processes:
        process.close()


def _anywhere(target: str | Target) -> str | Target:
    """Return a target that means the same in another working directory."""
    if isinstance(target, str) and ".py:" in target:
        path, _, function = target.rpartition(":")
        return f"{Path(path).resolve()}:{function}"
    return target


def _name(target: str | Target) -> str:
    """Return a target's name as its own scope has it."""
    return (
        target if isinstance(target, str) else getattr(target, "__qualname__", repr(target)).rpartition("<locals>.")[2]
    )
