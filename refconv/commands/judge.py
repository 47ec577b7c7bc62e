"""``refconv judge``: judge the results that a program has left beside the vectors."""

from __future__ import annotations

import argparse
from typing import Any

from refconv.commands.check import open_report, progress, register_report, write_report
from refconv.testing import judge_vectors

__all__ = ["register"]

_DESCRIPTION = "Judge the results that a program has left beside the vectors, as check judges a target."


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("judge", help="judge results in files", description=_DESCRIPTION)
    command.set_defaults(run=_judge)
    command.add_argument("folder", metavar="DIR", help="the vectors, as refconv vectors has written them")
    command.add_argument(
        "--results", metavar="DIR", help="where the results are, NAME.safetensors (default: results in the folder)"
    )
    command.add_argument(
        "-k", dest="match", metavar="TEXT", default="", help="only cases with TEXT in their id or family"
    )
    register_report(command)


def _judge(options: argparse.Namespace) -> int:
    open_report(options)
    with progress(0) as advance:
        report = judge_vectors(options.folder, options.results, match=options.match, on_result=advance)
    return write_report(options, report)
