"""Where cases run: in the calling thread, in threads of this process, in processes of their own, under another's map.

A place is a function from cases to their results, in order and as they come.  It stays open while it is in use, so that
a target is loaded once for all that is asked of it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.testing.battery.cases import Case
from refconv.testing.judging.isolation import IsolatedTarget
from refconv.testing.judging.judge import (
    GIVE_UP,
    CaseResult,
    Judge,
    examined_within,
    given_up,
    judged_within,
    no_answer,
)
from refconv.testing.targets import Target, importable_name

__all__: list[str] = []

Question: TypeAlias = Case | CaseResult  # a case is judged; of a failure, the target is called again to see why
Place: TypeAlias = Callable[[Sequence[Question]], Iterator[CaseResult]]
MapLike: TypeAlias = Callable[[Callable[[Question], CaseResult], Sequence[Question]], Iterable[CaseResult]]

_HERE = threading.local()  # this thread's isolated targets, by name, operation, time limit and what is said of them


@contextmanager
def open_place(
    target: str | Target,
    op: str,
    most: int,
    workers: int,
    time_limit: float | None,
    map_like: MapLike | None,
    how: Arithmetic = DIRECT,
) -> Iterator[Place]:
    """Open the place that the arguments of `check` ask for; `most` cases run there at a time."""
    if time_limit is None:
        if not callable(target) or workers != 1 or map_like is not None:
            raise ValueError("time_limit=None is for a callable that runs in the calling thread of this process")
        yield partial(map, partial(answer, Judge(target, how)))
    elif map_like is not None:
        yield partial(_mapped, map_like, partial(_run_elsewhere, _anywhere(target), op, time_limit, how))
    elif callable(target) and workers == 1:
        yield partial(map, _InThreads(target, time_limit, how))
    else:
        name = target if isinstance(target, str) else importable_name(target)
        if name is None:
            raise ValueError(
                f"workers={workers} needs a target that other processes can import, such as 'package.module:function' "
                f"or 'path/to/file.py:function'; {name_of(target)} is not"
            )
        threads = None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
        with _processes([IsolatedTarget(name, op, time_limit, threads, how) for _ in range(min(workers, most))]) as run:
            yield run


def answer(judge: Judge, question: Question) -> CaseResult:
    """Answer a question in the calling thread."""
    return judge.examined(question) if isinstance(question, CaseResult) else judge.explained(judge(question))


class _InThreads:
    """Run each case in a thread of this process, and give up as `IsolatedTarget` does."""

    def __init__(self, target: Target, time_limit: float, how: Arithmetic) -> None:
        self._judge = Judge(target, how)
        self._time_limit = time_limit
        self._hung_in_a_row = 0

    def __call__(self, question: Question) -> CaseResult:
        if isinstance(question, CaseResult):
            return examined_within(self._judge, question)
        case = question
        if self._hung_in_a_row >= GIVE_UP:
            return given_up(case)
        result = judged_within(self._judge, case, self._time_limit)
        if not case.rejects:  # for which it may be undefined
            self._hung_in_a_row = self._hung_in_a_row + 1 if result is None else 0
        return result or no_answer(case, self._time_limit)


def _mapped(
    map_like: MapLike, run: Callable[[Question], CaseResult], chosen: Sequence[Question]
) -> Iterator[CaseResult]:
    """Have somebody else's map run the cases, and check that it gave back a result for each, in order."""
    results = iter(map_like(run, chosen) if chosen else ())
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


@contextmanager
def _processes(processes: list[IsolatedTarget]) -> Iterator[Place]:
    """Share the cases among processes, each fed by one thread."""
    idle: queue.SimpleQueue[IsolatedTarget] = queue.SimpleQueue()
    for process in processes:
        idle.put(process)

    def run(question: Question) -> CaseResult:
        process = idle.get()
        try:
            return process(question)
        finally:
            idle.put(process)

    try:
        with ThreadPoolExecutor(len(processes)) as executor:
            try:
                yield partial(executor.map, run)
            finally:  # where the run is broken off, a child that is ended sets free the thread that waits for it
                executor.shutdown(wait=False, cancel_futures=True)
                _close(processes)
    finally:  # and one that was started meanwhile is ended here
        _close(processes)


def _close(processes: list[IsolatedTarget]) -> None:
    for process in processes:
        process.close()


def _run_elsewhere(target: str | Target, op: str, time_limit: float, how: Arithmetic, question: Question) -> CaseResult:
    """Answer one question in a worker of somebody else's pool: a target given by name has its own process there, too.

    That process serves every case that this thread of the worker gets, and ends with the worker.
    """
    if not isinstance(target, str):
        return _InThreads(target, time_limit, how)(question)
    isolated: dict[tuple[str, str, float, Arithmetic], IsolatedTarget] = _HERE.__dict__.setdefault("isolated", {})
    key = (target, op, time_limit, how)
    if key not in isolated:
        isolated[key] = IsolatedTarget(target, op, time_limit, how=how)
    return isolated[key](question)


def _anywhere(target: str | Target) -> str | Target:
    """Return a target that means the same in another working directory."""
    if isinstance(target, str) and ".py:" in target:
        path, _, function = target.rpartition(":")
        return f"{Path(path).resolve()}:{function}"
    return target


def name_of(target: str | Target) -> str:
    """Return a target's name as its own scope has it."""
    return (
        target if isinstance(target, str) else getattr(target, "__qualname__", repr(target)).rpartition("<locals>.")[2]
    )
