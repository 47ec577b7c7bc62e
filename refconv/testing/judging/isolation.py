"""A target in a process of its own, started again whenever it dies or hangs.

A segmentation fault in a framework must not end the run, and a hang in native code can be ended only by ending its
process.  The child is a fresh interpreter, neither forked (a fork of a process in which a framework has started threads
can deadlock) nor spawned by multiprocessing (which would import the caller's ``__main__`` a second time).  The two talk
through a pair of pipes that the target does not see: pickled questions in, lines of `wire` out, each with its number.
A guard, which waits for nothing but our end, ends the child where we are ended before we can.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.testing.battery.cases import Case
from refconv.testing.interface import AS_IS, Interface
from refconv.testing.judging.judge import (
    EXPLANATION_LIMIT,
    GIVE_UP,
    CaseResult,
    Judge,
    failed,
    given_up,
    judged_whatever,
    no_answer,
    patience,
)
from refconv.testing.judging.outcome import Ending
from refconv.testing.judging.wire import from_line, to_line
from refconv.testing.programs.program import SCRATCH
from refconv.testing.targets import TargetError, check_signature, load_target

LOAD_LIMIT = 120.0  # seconds: importing a framework takes ten at most, on a cold disk perhaps a minute
MOST_ALONE = 5  # cases that have ended their process are run again by themselves, which takes a new one each
_DRAIN = 1.0  # seconds for what a dead process wrote to arrive, and for a dying one to say how
_START = "import sys; sys.path[:] = {path!r}; from refconv.testing.judging.isolation import serve; serve()"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class IsolatedTarget:
    """Run cases of one target in a child process; call it with a case, from one thread at a time.

    Parameters
    ----------
    target, op : str
        As in `check`.
    time_limit : float
        Seconds that a case may take.  After `GIVE_UP` time-outs in a row, or as many deaths before the first answer,
        the cases that are left fail unasked, so that a target that always hangs does not take hours to be found out.
    threads : int, optional
        Threads that BLAS and OpenMP may use in the child; all where not given.
    how, interface
        How the target works, and how it wants to be called.
    """

    def __init__(
        self,
        target: str,
        op: str,
        time_limit: float,
        threads: int | None = None,
        how: Arithmetic = DIRECT,
        interface: Interface = AS_IS,
    ) -> None:
        self._target = target
        self._loading = (target, op, how, interface)
        self._time_limit = time_limit
        self._environment = dict(os.environ)
        if threads is not None:
            self._environment |= dict.fromkeys(_THREAD_VARIABLES, str(threads))
        self._child: _Child | None = None
        self._changing = threading.Lock()  # of the child: it may be ended from another thread
        self._is_closed = False
        self._has_loaded = False
        self._has_answered = False
        self._lost_in_a_row = 0
        self._deaths = 0

    def __call__(self, question: Case | CaseResult) -> CaseResult:
        """Return a case's result, or a failure that was examined; a TargetError if the target cannot be loaded."""
        if isinstance(question, CaseResult):
            return self._asked("examined", question)
        case = question
        if self._lost_in_a_row >= GIVE_UP:
            return given_up(case)
        start = time.perf_counter()
        try:
            child = self._started()
            answer = child.ask(("judged", case), patience(case, self._time_limit))
        except TargetError as error:
            if not self._has_loaded:
                raise
            seconds = time.perf_counter() - start
            return failed(case, f"the process died before, and now {error}", seconds, Ending.DIED, f"and then {error}")
        except _HungError:
            self._lost_in_a_row += not case.rejects  # undefined is what it does there
            self._end()
            return no_answer(case, self._time_limit)
        except _DiedError as death:
            self._lost_in_a_row += not (case.rejects or self._has_answered)
            self._end()
            seconds = time.perf_counter() - start
            return failed(case, f"the process died: {death}{self._alone(case)}", seconds, Ending.DIED, str(death))
        self._has_answered, self._lost_in_a_row = True, 0
        result: CaseResult = answer
        if "CUDA error" in result.detail:  # after which a process can do nothing more with its GPU
            self._end()
        return self._asked("explained", result) if result.is_to_be_explained else result

    def _asked(self, what: str, result: CaseResult) -> CaseResult:
        """Ask for the causes of a failure, which cost no verdict if the process hangs or dies."""
        try:
            answer: CaseResult = self._started().ask((what, result), EXPLANATION_LIMIT)
        except (_HungError, _DiedError, TargetError):
            self._end()
            return result
        return answer

    def _alone(self, case: Case) -> str:
        """Run a case that has ended its process again, by itself in a new one, and say what comes of that."""
        self._deaths += 1
        if self._deaths > MOST_ALONE:
            return ""
        try:
            self._started().ask(("judged", case), patience(case, self._time_limit))
        except _DiedError:
            words = "; it dies alone, too"
        except (_HungError, TargetError):
            words = ""
        else:
            return "; only after the cases before it: memory was damaged earlier"
        self._end()
        return words

    def close(self) -> None:
        """End the child, if there is one, and start no other."""
        self._is_closed = True
        self._end()

    def _end(self) -> None:
        with self._changing:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def _started(self) -> _Child:
        """Return the running child; start one, and wait until its target is loaded, if there is none."""
        with self._changing:
            if self._is_closed:
                raise TargetError(f"target {self._target!r} is not asked any more")
            is_new = self._child is None
            child = self._child = self._child or _Child(self._environment)
        if is_new:
            try:
                answer = child.ask(self._loading, LOAD_LIMIT)
            except _HungError:
                answer = TargetError(f"target {self._target!r} did not load within {LOAD_LIMIT:g} s")
            except _DiedError as death:
                answer = TargetError(f"target {self._target!r} ends the process that loads it: {death}")
            if isinstance(answer, TargetError):
                self._end()
                raise answer
            self._has_loaded = True
        return child


class _HungError(Exception):
    """The child gave no answer in time."""


class _DiedError(Exception):
    """The child ended; the text says how."""


class _Child:
    """An interpreter that answers questions, with a thread that reads the answers as they come."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._scratch = TemporaryDirectory(prefix="refconv-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(  # noqa: S603  # the interpreter that runs us, and a constant
            [sys.executable, "-P", "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment | {SCRATCH: self._scratch.name},
            start_new_session=True,  # so that what a target forks can be ended with it, and Ctrl-C is ours alone
        )
        self._guard = _guard_of(self._process.pid)
        self._answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._number = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, question: object, limit: float) -> Any:
        """Return the answer to this question; raise `_HungError` or `_DiedError`."""
        self._number += 1
        self._send((self._number, question))
        deadline = time.monotonic() + limit
        while True:
            is_dead = self._process.poll() is not None
            wait = _DRAIN if is_dead else min(0.05, deadline - time.monotonic())
            try:
                number, answer = self._answers.get(timeout=max(0.0, wait))
            except queue.Empty:
                if is_dead:
                    raise _DiedError(self._cause_of_death()) from None
                if time.monotonic() >= deadline:
                    raise _HungError from None
            else:
                if number == self._number:
                    return answer
                if number == _END:
                    raise _DiedError(self._cause_of_death())

    def _read(self) -> None:
        """Pass on what comes, until the pipe ends or what comes makes no sense."""
        assert self._process.stdout is not None
        with self._process.stdout as pipe, suppress(Exception):
            while True:
                number, answer = from_line(pipe.readline())
                self._answers.put((number, answer))
        self._answers.put((_END, None))

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it is dead already: whoever waits for the answer is told
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def _cause_of_death(self) -> str:
        """Return how the process ended of itself: the name of a signal, or an exit status."""
        try:
            status = self._process.wait(timeout=_DRAIN)
        except subprocess.TimeoutExpired:
            return "it closed the pipe to us"
        if status >= 0:
            return f"exit status {status}"
        with suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
        return f"killed by signal {-status}"

    def end(self) -> None:
        """End the process and all that it has forked."""
        if self._guard is not None:  # first: once the process has ended, its number may be another's
            self._guard.kill()
            self._guard.communicate()
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # what was still to be sent has no reader
            self._process.stdin.close()
        self._reader.join(_DRAIN)
        self._scratch.cleanup()


_END = -1


def _guard_of(process: int) -> subprocess.Popen[bytes] | None:
    """Start what ends a process, and all that it has forked, once we have ended: our end of its pipe closes then.

    The process cannot be left to do that itself: a call in native code that hangs lets no other thread of it run.
    """
    if not hasattr(os, "killpg"):
        return None
    nothing = subprocess.DEVNULL
    command = ["/bin/sh", "-c", 'read -r line; kill -KILL "-$0"', str(process)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing, start_new_session=True)  # noqa: S603


def serve() -> None:
    """Be the child: load the target named first, then answer each case with its result, until the input ends."""
    questions, answers = _take_over_standard_streams()
    us = os.getpid()
    judge = None
    while True:
        try:
            number, question = pickle.load(questions)  # noqa: S301  # our own parent, on its own pipe
        except EOFError:
            return
        if judge is None:
            try:
                name, op, how, interface = question
                function = load_target(name, op)
                check_signature(name, function, op, how.epilogue.steps)
                judge = Judge(function, how, interface)
            except TargetError as error:
                answer: object = error
            else:
                answer = "loaded"
        else:
            what, asked = question
            answer = judged_whatever(judge, asked) if what == "judged" else getattr(judge, what)(asked)
        if os.getpid() != us:
            os._exit(0)  # the target has forked, and this is the copy
        with suppress(Exception):  # what it has printed belongs before our answer; it may have closed the stream
            sys.stdout.flush()
        answers.write(to_line((number, answer)))
        answers.flush()


def _take_over_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return private copies of standard input and output; a target reads nothing, and prints to standard error."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return questions, answers
