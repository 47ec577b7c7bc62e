"""The command line: ``refconv check TARGET``, ``refconv analyze LAYERS`` and ``refconv design``.

Results go to standard output, everything else to standard error.  Exit status 0: all good; 1: the target disagrees;
2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import refconv
from refconv.commands import analyze, check, compare, design, draw, judge, vectors
from refconv.commands.usage import complete
from refconv.testing import TargetError

__all__ = ["main"]

_DESCRIPTION = "The ground truth for convolution."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; wrong usage ends in SystemExit(2), as argparse has it."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options) or 0
        sys.stdout.flush()
    except (TargetError, ValueError, OSError, ModuleNotFoundError) as error:
        if isinstance(error, BrokenPipeError):  # whoever read our output has enough, as in `refconv check torch | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141  # 128 and SIGPIPE, as shells have it
        print(f"refconv: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("refconv: interrupted", file=sys.stderr)  # noqa: T201
        return 130  # 128 and SIGINT
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("refconv", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"refconv {refconv.__version__}")
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in (check, vectors, judge, analyze, compare, design, draw):
        command.register(commands)
    complete(parser, commands.choices)
    return parser
