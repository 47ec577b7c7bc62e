"""``refconv design``: dilation rates that see a receptive field without holes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from refconv.analysis import Design, design_dilations, fewest_layers, hdc
from refconv.commands.text_table import emphasis, table, write, write_json

__all__ = ["register"]

MOST_ROWS = 20  # that many designs fit a screen

_DESCRIPTION = (
    "List the dilation rates with which a stack sees a receptive field without holes, the most even use first."
)
_REPEATS_HELP = "how often a group of rates is repeated: 2 gives 1,2,3,1,2,3 (default: 1)"


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("design", help="find dilation rates", description=_DESCRIPTION)
    command.set_defaults(run=_design)
    command.add_argument("--receptive-field", type=int, metavar="N", required=True, help="pixels along one axis")
    command.add_argument("--layers", type=int, metavar="N", help="how many layers (default: as few as will do)")
    command.add_argument("--kernel", type=int, metavar="N", default=3, help="kernel size of every layer (default: 3)")
    command.add_argument("--max-dilation", type=int, metavar="N", help="the largest rate allowed")
    command.add_argument("--repeats", type=int, metavar="N", default=1, help=_REPEATS_HELP)
    command.add_argument("--json", action="store_true", help="print all designs as JSON, and nothing else")


def _design(options: argparse.Namespace) -> int:
    designs = design_dilations(
        options.layers,
        options.kernel,
        receptive_field=options.receptive_field,
        max_dilation=options.max_dilation,
        repeats=options.repeats,
    )
    if options.json:
        write_json(_as_json(designs, options))
    else:
        _print(designs, fewest_layers(options.receptive_field, options.kernel, options.max_dilation))
    return 0


def _as_json(designs: Sequence[Design], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "layers": len(designs[0].dilations),
        "fewest_layers": fewest_layers(options.receptive_field, options.kernel, options.max_dilation),
        "kernel_size": options.kernel,
        "receptive_field": options.receptive_field,
        "designs": [_numbers(design) for design in designs],
    }


def _numbers(design: Design) -> dict[str, Any]:
    use = design.use
    return {
        "dilations": design.dilations,
        "evenness": float(use.evenness),
        "largest_count": use.largest,
        "centre_count": use.centre,
        "max_distances": hdc(design.dilations, design.kernel_size).max_distances,
    }


def _print(designs: Sequence[Design], fewest: int) -> None:
    """Print the designs, the first ones where there are many."""
    first = designs[0]
    stack = f"{len(first.dilations)} layers of kernel size {first.kernel_size} see {first.receptive_field} pixels"
    lines = [emphasis(f"{stack} without holes; the fewest that can: {fewest}")]
    headings = ["rates", "evenness", "largest count", "in the centre", "M_2"]
    lines += table(headings, [_row(design) for design in designs[:MOST_ROWS]], [True, *[False] * 4])
    if len(designs) > MOST_ROWS:
        lines.append(f"and {len(designs) - MOST_ROWS} more, which --json lists")
    write(lines)


def _row(design: Design) -> list[str]:
    numbers = _numbers(design)
    distances = numbers["max_distances"]
    return [
        ", ".join(map(str, design.dilations)),
        f"{numbers['evenness']:.3f}",
        str(numbers["largest_count"]),
        " and ".join(map(str, numbers["centre_count"])),
        str(distances[1]) if len(distances) > 1 else "",
    ]
