"""``refconv vectors``: write the battery's cases as files, for programs in other languages."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from refconv.commands.check import asked_operation, progress, register_choice
from refconv.testing import write_vectors
from refconv.testing.battery.tiers import chosen_cases

__all__ = ["register"]

_DESCRIPTION = "Write the battery's cases as files that any language reads, each with the right result and its bound."


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("vectors", help="write the cases as files", description=_DESCRIPTION)
    command.set_defaults(run=_vectors)
    command.add_argument("folder", metavar="DIR", help="where to: a new folder, or an empty one")
    register_choice(command)


def _vectors(options: argparse.Namespace) -> int:
    options.op = asked_operation(options)
    total = len(
        options.case or chosen_cases(options.tier, options.op, options.match, options.dtype, scale=options.scale)
    )
    with progress(total) as advance:
        count = write_vectors(
            options.folder,
            options.tier,
            op=options.op,
            match=options.match,
            dtype=options.dtype,
            names=options.case,
            scale=options.scale,
            on_case=advance,
        )
    sys.stdout.write(f"{count} {'case' if count == 1 else 'cases'} of {options.op} in {options.folder}\n")
    return 0
