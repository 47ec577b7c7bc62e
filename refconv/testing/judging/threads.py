"""Is a target right in another thread than the main one, and in two at once?

Two threads take turns, a line of Python each, so that two calls lie in each other in the same way every time: what one
of them keeps where the other finds it is mixed up, on an idle machine as on a busy one.  What native code does between
two lines is not seen.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import numbers_of, numbers_text, read_row, words_of, write_name
from refconv.testing.comparing.comparison import exception_text
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.frameworks import Target

__all__: list[str] = []

MOST_TURNS: Final = 5000  # after which both go on as they like
SOON: Final = 0.1  # seconds, after which a thread that waits for its turn works instead of sleeping ...
# ... and of work, after which the other is taken to wait for a lock that this one holds: on a machine however busy, the
# other has been let work for as long.
PATIENCE: Final = 0.5
_WORK: Final = bytes(2**25)  # some 20 ms


def wrong_in_threads(case: Case, target: Target) -> Finding | None:
    """Call a target that was right from another thread, and from two at once; return what is wrong then, if it is."""
    if fault := _fault(case, *_called(target, [case])):
        return Finding("off-main-thread", f"called from another thread than the main one, it {fault}")
    other = _other(case)
    if _fault(other, *_called(target, [other])):
        other = case.drawn_anew(1)
        (alone,) = _called(target, [other])
        if isinstance(alone, NotImplementedError):
            return None  # of what has the results of the battery's cases alone, on record, nothing can be known
    for each, result in zip((case, other), _called(target, [case, other]), strict=True):
        if fault := _fault(each, result):
            sentence = f"it is not reentrant: called from two threads at once, it {fault}"
            return Finding("not-reentrant", sentence, reading="what a call works on is its own")
    return None


def _other(case: Case) -> Case:
    """Return the case with larger strides, where it has such."""
    words, rank = words_of(case.id), case.operation.space.rank
    words["s"] = numbers_text(*(step + 1 for step in numbers_of(words["s"] or "1", rank)))
    return read_row(write_name(words))


def _fault(case: Case, result: object) -> str:
    if isinstance(result, BaseException):
        return f"raises {exception_text(result)}"
    return "" if case.check(result).passed else "is wrong"


def _called(target: Target, cases: Sequence[Case]) -> list[object]:
    """Return what a target returns or raises in threads of their own, which take turns where they are several."""
    results: list[object] = [None] * len(cases)
    turns = _Turns(len(cases))

    def run(number: int) -> None:
        operands = cases[number].operands()
        turns.begin(number)
        try:
            results[number] = cases[number].called(target, operands)
        except BaseException as error:  # noqa: BLE001  # whatever a target raises is its result
            results[number] = error
        finally:
            turns.end(number)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(cases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class _Turns:
    """Threads that go on one after the other, a line each."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._running = list(range(count))
        self._whose, self._passed = 0, 0

    def begin(self, number: int) -> None:
        """Wait for the first turn of a thread, and take turns from now on."""
        self._wait(number)
        sys.settrace(partial(self._at_line, number))

    def end(self, number: int) -> None:
        """Leave the turns to the others."""
        sys.settrace(None)
        with self._changed:
            self._pass_on(number)
            self._running.remove(number)
            self._changed.notify_all()

    def _at_line(self, number: int, *_: object) -> Callable[..., Any]:
        with self._changed:
            self._pass_on(number)
        self._wait(number)
        return partial(self._at_line, number)

    def _pass_on(self, number: int) -> None:
        self._passed += 1
        place = self._running.index(number)
        self._whose = self._running[(place + 1) % len(self._running)]
        self._changed.notify_all()

    def _wait(self, number: int) -> None:
        """Wait for a thread's turn; both go on as they like where the other does not come to its next line."""
        start, seconds = time.thread_time(), SOON
        while not self._is_due(number, seconds):
            sha256(_WORK)  # which lets other threads run meanwhile
            seconds = 0.0
            if time.thread_time() - start > PATIENCE:
                self._passed = MOST_TURNS + 1

    def _is_due(self, number: int, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self._whose == number or self._passed > MOST_TURNS or len(self._running) == 1, seconds
            )
