"""Run the battery over a target: `check` gives a `Report`.

A target is judged from outside.  Whatever it does with one case (raise, hang, end its process, return garbage) is that
case's result, and the run goes on.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from refconv.arguments import as_int
from refconv.testing.battery import cases
from refconv.testing.cases import Case
from refconv.testing.isolation import IsolatedTarget, run_elsewhere
from refconv.testing.judge import GIVE_UP, CaseResult, given_up, judged_within, no_answer, run_case
from refconv.testing.report import Report
from refconv.testing.targets import Target, importable_name

__all__ = ["check"]

MapLike = Callable[[Callable[[Case], CaseResult], Sequence[Case]], Iterable[CaseResult]]


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
    dtype : str, optional
        Only the cases of this type, such as ``"float32"``: see `cases`.
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
