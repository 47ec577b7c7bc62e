"""The command line: ``refconv check TARGET``, ``refconv analyze LAYERS`` and ``refconv design``.

Results go to standard output, everything else to standard error.  Exit status 0: all good; 1: the target disagrees;
2: wrong usage.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Final

import refconv
from refconv.commands.usage import complete

__all__ = ["main"]

COMMANDS: Final = ("check", "vectors", "judge", "analyze", "compare", "design", "draw")
_DESCRIPTION = "The ground truth for convolution."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; wrong usage ends in SystemExit(2), as argparse has it."""
    _open_what_is_closed()
    if sys.stdout is None:
        print("refconv: standard output is closed, and a report has no other place", file=sys.stderr)  # noqa: T201
        return 2
    try:
        with _ended_by_signals():
            given = sys.argv[1:] if arguments is None else arguments
            options = _parser(*given[:1]).parse_args(given)
            status: int = options.run(options) or 0
            sys.stdout.flush()
    except (ValueError, OSError, ModuleNotFoundError) as error:
        if isinstance(error, OSError):
            _let_go_of_output()
        if isinstance(error, BrokenPipeError):  # whoever read our output has enough, as in `refconv check torch | head`
            return 141  # 128 and SIGPIPE, as shells have it
        print(f"refconv: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt as ending:
        number = ending.args[0] if ending.args else signal.SIGINT
        with suppress(OSError):  # the terminal may be gone
            print("refconv: interrupted", file=sys.stderr)  # noqa: T201
        return int(128 + number)
    return status


def _open_what_is_closed() -> None:
    """Open standard streams that were closed before us, as `2>&-` does, lest our own pipes take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # has the least number that is free, which is this one
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for help texts: reports know better


def _let_go_of_output() -> None:
    """Where standard output cannot be written to, throw away what is still to be, which Python would write at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let what ends a process end it as Ctrl-C does, so that it leaves nothing behind."""

    def end(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    usual = [number for number in numbers if is_main and signal.getsignal(number) is signal.SIG_DFL]  # not under nohup
    for number in usual:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in usual:
            signal.signal(number, signal.SIG_DFL)


def _parser(first: str = "") -> argparse.ArgumentParser:
    """Return a parser for the command that stands first, or for all: none has to wait for another's modules."""
    parser = argparse.ArgumentParser("refconv", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"refconv {refconv.__version__}")
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    for name in [first] if first in COMMANDS else COMMANDS:
        import_module(f"refconv.commands.{name}").register(commands)
    complete(parser, commands.choices)
    return parser
