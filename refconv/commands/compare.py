"""``refconv compare``: several networks beside each other, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from refconv.analysis import Layers, zoo
from refconv.analysis.graph.counting import EXACT, Use, use_of
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.graph.series import graph_of
from refconv.analysis.notation import one_axis
from refconv.commands.text_table import emphasis, table, wrapped, write, write_json
from refconv.plots.networks import save_comparison

__all__ = ["register"]

LONGEST_PROFILE = 40  # counts of one axis, that fit a line

_DESCRIPTION = "Set networks beside each other, layer by layer: what each sees, uses, and how evenly."


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("compare", help="compare networks", description=_DESCRIPTION)
    command.set_defaults(run=_compare)
    command.add_argument(
        "networks",
        nargs="+",
        metavar="LAYERS",
        help="layers as for analyze, each network in quotes, or a name of the zoo",
    )
    command.add_argument("--plot", metavar="FILE", help="draw what each uses after every layer (.png, .svg or .pdf)")
    command.add_argument("--dark", action="store_true", help="draw on a dark ground")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else")


class Stage(NamedTuple):
    """A network up to one of its layers: the layer, and how its widest output uses the image."""

    label: str
    use: Use | str

    @property
    def cells(self) -> list[str]:
        """What the table says of it."""
        if isinstance(self.use, str):
            return [self.label, "", f"left out: {self.use}", "", ""]
        share = self.use.evenness
        sizes = dict.fromkeys(str(len(axis)) for axis in self.use.region)
        return [
            self.label,
            "x".join(sizes),
            f"{self.use.used} of {self.use.pixels}",
            "" if share is None else f"{share:.2f}",
            " ".join(map(str, self.profile)),
        ]

    @property
    def profile(self) -> Sequence[int]:
        """The counts along the last axis, where they are few and exact."""
        counts = [] if isinstance(self.use, str) else self.use.along(-1).tolist()
        is_short = len(counts) <= LONGEST_PROFILE and max(counts, default=0) < EXACT
        return [int(count) for count in counts] if is_short else []


def _compare(options: argparse.Namespace) -> int:
    stages = [list(_stages(line)) for line in options.networks]
    if options.plot is not None:
        drawn = [[(stage.label, stage.use) for stage in stack if isinstance(stage.use, Use)] for stack in stages]
        save_comparison(options.plot, options.networks, drawn, dark=options.dark)
    if options.json:
        networks = zip(options.networks, stages, strict=True)
        write_json({"networks": [{"network": name, "layers": list(map(_as_json, stack))} for name, stack in networks]})
    else:
        write(list(_lines(options.networks, stages)))
    return 0


def _stages(line: str) -> Iterator[Stage]:
    """Yield what a network sees after each of its layers."""
    if line in zoo.names():
        network = zoo.find(line)
        layers, is_line = network.layers, network.is_line
    else:
        layers, is_line = Layers.parse(line), one_axis(line)
    if not layers:
        raise ValueError(f"{line!r} has no layers to compare")
    graph = graph_of(layers, is_line=is_line)
    for number in range(1, len(layers) + 1):
        name = f"layer {number}"
        yield Stage(graph.tensors[name].label, _widest(graph, name))


def _widest(graph: Graph, name: str) -> Use | str:
    """Return the use of the output that sees most of those in a period, or why it is not counted."""
    output = []
    for field in graph.field(name):
        if len(field.maps) != 1:
            return "every output reads differently"
        phases = field.maps[0].phases
        output.append(max(range(len(phases)), key=lambda phase: phases[phase].size))
    try:
        use = use_of(graph, name, output)
    except Unsaid as reason:
        return str(reason)
    return use if use.used else "it reads nothing"


def _lines(names: Sequence[str], stages: Sequence[Sequence[Stage]]) -> Iterator[str]:
    """Yield the table, the layers of one depth under each other, and a verdict for each network."""
    rows = []
    for depth in range(max(map(len, stages))):
        for number, stack in enumerate(stages, start=1):
            if depth < len(stack):
                rows.append([str(depth + 1), f"{number}:", *stack[depth].cells])
    headings = ["layer", "", "", "sees", "used", "evenness", "counts along an axis"]
    yield from table(headings, rows, [False, False, True, False, False, False, True])
    for number, (name, stack) in enumerate(zip(names, stages, strict=True), start=1):
        yield ""
        yield emphasis(f"{number}: {name}")
        yield from wrapped(_verdict(stack[-1].use))


def _verdict(use: Use | str) -> str:
    if isinstance(use, str):
        return f"left out: {use}"
    size = "x".join(str(len(axis)) for axis in use.region)
    holes = use.pixels - use.used
    told = f"sees {size}, {'no holes' if not holes else f'{holes} of {use.pixels} pixels are holes'}"
    return told if use.evenness is None else f"{told}, evenness {use.evenness:.2f}"


def _as_json(stage: Stage) -> dict[str, Any]:
    if isinstance(stage.use, str):
        return {"layer": stage.label, "left_out": stage.use}
    use = stage.use
    return {
        "layer": stage.label,
        "size": [len(axis) for axis in use.region],
        "used": use.used,
        "pixels": use.pixels,
        "evenness": use.evenness,
        "axis_counts": list(stage.profile) or None,
    }
