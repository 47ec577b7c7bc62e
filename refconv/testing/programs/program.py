"""A program as a target: it reads a case from a file, and writes its result to another (see `case_file`).

``exec:./conv``          one process for each call: ``./conv CASE RESULT``, where both are paths.  Exit status 0: the
                         result is written; 77: not supported; anything else, or a signal: a failure.
``serve:node conv.mjs``  one process for all calls, for what is slow to start.  On standard input it gets a line for
                         each call, ``CASE``, a tab, ``RESULT``, and answers on standard output with one: ``ok``,
                         ``unsupported`` and why, or anything else: a failure, after which it is started anew, for
                         nobody knows what else it will say.  It ends where its input does.

What an exec program writes to standard error is the reason that the report gives, for 77 as for a failure.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from refconv.numbers.formats import Array
from refconv.operations import Operation
from refconv.testing.programs.case_file import as_tensors, read_result
from refconv.testing.programs.safetensors import to_bytes

UNSUPPORTED: Final = 77  # as Automake's tests and Meson's have it for "skipped"
PREFIXES: Final = ("exec:", "serve:")
SCRATCH: Final = "REFCONV_SCRATCH"  # a folder for the files of programs, of whoever can end this process at any time
_END: Final = 1.0  # seconds for a program to end by itself where its input has ended
_SHOWN: Final = 1000  # characters of standard error


class ProgramError(Exception):
    """A program has failed: it said so, or left no result that can be read."""


class ProgramDiedError(Exception):
    """A program was ended by a signal, or one that serves has ended; the text says how."""


def load_program(name: str, operation: Operation) -> Program:
    """Return the target of a name such as ``"exec:./conv --fast"``; a FileNotFoundError where there is no program."""
    prefix, _, command = name.partition(":")
    try:
        words = shlex.split(command)
    except ValueError as error:  # an open quotation
        raise FileNotFoundError(f"{command!r} is no command: {error}") from None
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise FileNotFoundError(f"there is no program {words[0] if words else command!r} that can be run")
    return (Server if prefix == "serve" else Program)(operation, [str(Path(found).absolute()), *words[1:]])


class Program:
    """A program that is started for each call, with the positional signature of an operation."""

    def __init__(self, operation: Operation, command: Sequence[str]) -> None:
        self._operation = operation
        self._command = command

    def __call__(self, *arguments: Any, output_size: Sequence[int] = ()) -> Array:
        """Return the program's result; NotImplementedError where it supports these arguments, or their type, not."""
        tensors, text = as_tensors(self._operation, arguments, output_size)
        try:
            data = to_bytes(tensors, text)
        except TypeError as error:
            raise NotImplementedError(str(error)) from None
        with TemporaryDirectory(prefix="refconv-", dir=os.environ.get(SCRATCH)) as folder:
            case, result = Path(folder, "case.safetensors"), Path(folder, "result.safetensors")
            case.write_bytes(data)
            self._run(case, result)
            try:
                return read_result(result)
            except FileNotFoundError:
                raise ProgramError("it reports success, and has written no result") from None
            except ValueError as error:
                raise ProgramError(str(error)) from None

    def _run(self, case: Path, result: Path) -> None:
        """Run the program for one case; what it prints goes to our standard error."""
        run = subprocess.run(  # noqa: S603  # the user's own program
            [*self._command, case, result], stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE, check=False
        )
        said = run.stderr[:_SHOWN].decode(errors="replace").strip()
        if run.returncode == UNSUPPORTED:
            raise NotImplementedError(said or f"exit status {UNSUPPORTED}")
        if run.returncode < 0:
            raise ProgramDiedError(f"{_ending(run.returncode)}{said and f': {said}'}")
        if run.returncode:
            raise ProgramError(f"{_ending(run.returncode)}{said and f': {said}'}")


class Server(Program):
    """A program that is started once, and again where it has ended."""

    def __init__(self, operation: Operation, command: Sequence[str]) -> None:
        super().__init__(operation, command)
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()  # two calls at a time would take each other's answers

    def _run(self, case: Path, result: Path) -> None:
        with self._lock:
            answer = self._ask(f"{case}\t{result}\n")
        word, _, reason = answer.partition(" ")
        if word == "unsupported":
            raise NotImplementedError(reason or answer)

    def _ask(self, question: str) -> str:
        """Return the line that answers this one; an error where it says that it failed, or there is none."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and so will its answers
            process.stdin.write(question)
            process.stdin.flush()
        answer = process.stdout.readline()
        if answer.endswith("\n") and answer.split()[:1] in (["ok"], ["unsupported"]):
            return answer.strip()
        self._process = None
        ending = _ended(process)  # and so nothing is written any more
        raise ProgramError(answer.strip()) if answer.endswith("\n") else ProgramDiedError(ending)

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # the user's own program
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
        )
        weakref.finalize(self, _ended, process)
        return process


def _ended(process: subprocess.Popen[str]) -> str:
    """Close a process's input, and end it where it does not end by itself; return how it has ended."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):  # what was still to be sent has no reader
            pipe.close()
    try:
        return _ending(process.wait(_END))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "it closed its output"


def _ending(status: int) -> str:
    """Return how a process has ended: an exit status, or the name of a signal."""
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"
