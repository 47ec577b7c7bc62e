"""A target in a process of its own, started again whenever it dies or hangs.

A segmentation fault in a framework must not end the run, and a hang in native code can be ended only by ending its
process.  The child is a fresh interpreter, neither forked (a fork of a process in which a framework has started threads
can deadlock) nor spawned by multiprocessing (which would import the caller's ``__main__`` a second time).  The two talk
through the child's standard input and output: pickled cases in, pickled results out.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO

from refconv.testing.cases import Case
from refconv.testing.judge import CaseResult, failed, run_case
from refconv.testing.targets import TargetError, load_target

__all__ = ["IsolatedTarget", "serve"]

LOAD_LIMIT = 300.0  # seconds: importing a framework takes ten at most, on a cold disk perhaps a minute
SHORTEST_LIMIT = 1.0  # seconds
_START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from refconv.testing.isolation import serve; serve()"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class IsolatedTarget:
    """Run cases of one target in a child process; call it with a case, from one thread at a time.

    Parameters
    ----------
    target : str
        As in `check`.
    time_limit : float
        Seconds that a case may take.  The limit halves with every case that hangs, down to a second, so that a target that
        hangs always does not take hours to be found out.
    threads : int, optional
        Threads that BLAS and OpenMP may use in the child; all where not given.
    """

    def __init__(self, target: str, time_limit: float, threads: int | None = None) -> None:
        self._target = target
        self._time_limit = time_limit
        self._environment = dict(os.environ)
        if threads is not None:
            self._environment |= dict.fromkeys(_THREAD_VARIABLES, str(threads))
        self._child: subprocess.Popen[bytes] | None = None

    def __call__(self, case: Case) -> CaseResult:
        """Return the case's result; a TargetError if the target cannot be loaded."""
        child = self._started()
        start = time.perf_counter()
        answer = self._ask(child, case, self._time_limit)
        seconds = time.perf_counter() - start
        if isinstance(answer, CaseResult):
            return answer
        self.close()
        if answer == "hung":
            limit, self._time_limit = self._time_limit, max(SHORTEST_LIMIT, self._time_limit / 2)
            return failed(case, f"no answer within {limit:g} s", seconds)
        return failed(case, f"the process died: {_cause_of_death(child)}", seconds)

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            _end(self._child)
            self._child = None

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the running child; start one, and wait until its target is loaded, if there is none."""
        if self._child is None:
            child = subprocess.Popen(  # noqa: S603  # the interpreter that runs us, and a constant
                [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
            )
            self._child = child
            _send(child, sys.path)
            loaded = self._ask(child, self._target, LOAD_LIMIT)
            if loaded != "loaded":
                self.close()
                ends = {"hung": f"did not load within {LOAD_LIMIT:g} s", "died": _cause_of_death(child)}
                raise (
                    loaded
                    if isinstance(loaded, TargetError)
                    else TargetError(f"target {self._target!r} cannot be loaded: {ends.get(str(loaded), loaded)}")
                )
        return self._child

    @staticmethod
    def _ask(child: subprocess.Popen[bytes], question: object, limit: float) -> Any:
        """Return the child's answer, or "hung" or "died"; a timer ends a child that hangs, which ends the wait."""
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            child.kill()

        timer = threading.Timer(limit, give_up)
        timer.start()
        try:
            _send(child, question)
            assert child.stdout is not None
            return pickle.load(child.stdout)  # noqa: S301  # our own child, on its own pipe
        except (EOFError, OSError, pickle.UnpicklingError):
            return "hung" if hung.is_set() else "died"
        finally:
            timer.cancel()


def _send(child: subprocess.Popen[bytes], message: object) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # it is dead already: the read that follows says so
        pickle.dump(message, child.stdin)
        child.stdin.flush()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what was still to be sent has no reader
                pipe.close()


def _cause_of_death(child: subprocess.Popen[bytes]) -> str:
    """Return how a child ended: the name of a signal, or an exit status."""
    status = child.wait()
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def serve() -> None:
    """Be the child: load the target named first, then answer each case with its result, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle, and it ends us
    questions = sys.stdin.buffer
    answers = _take_over_standard_output()
    target = None
    while True:
        try:
            question = pickle.load(questions)  # noqa: S301  # our own parent, on its own pipe
        except EOFError:
            return
        if target is None:
            try:
                target = load_target(question)
            except TargetError as error:
                answer: object = error
            else:
                answer = "loaded"
        else:
            answer = run_case(target, question)
        pickle.dump(answer, answers)
        answers.flush()


def _take_over_standard_output() -> BinaryIO:
    """Return a private copy of standard output, and let whatever a target prints go to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers
