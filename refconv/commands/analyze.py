"""``refconv analyze``: what every layer of a network sees, what it leaves out, and what that means for an image."""

from __future__ import annotations

import argparse
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from refconv.analysis import Layers, Parallel, gridding, receptive_field, zoo
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.series import chain_to, graph_of
from refconv.analysis.gridding import Gridding
from refconv.analysis.notation import one_axis
from refconv.analysis.trace import feature_maps
from refconv.commands.network_report import NetworkReport, Row, rows_of
from refconv.commands.text_table import table, write, write_json
from refconv.plots.networks import save_network

__all__ = ["register"]

MOST_COUNTS = 5_000_000  # pixels, times layers, in Python's own integers; less than a second

_DESCRIPTION = "Say what every layer of a network sees, whether it leaves holes, and how often it uses each pixel."
_LAYERS_HELP = (
    "layers such as 'k7s2p3 pool2 k3d2 (k1 | k3p6d6)', 'c1: (k2d1 k2d2)x3' along one axis, or model.onnx, or "
    "model.onnx:NAME to stop at a tensor, node or module, or model.onnx:NAME..NAME for the part between two"
)


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("analyze", help="analyze a network", description=_DESCRIPTION)
    command.set_defaults(run=_analyze)
    command.add_argument("layers", nargs="*", metavar="LAYERS", help=_LAYERS_HELP)
    command.add_argument("--zoo", metavar="NAME", help=f"a known network: {', '.join(zoo.names())}")
    command.add_argument("--input", metavar="HxW", help="the image's size: what of it is seen, and every feature map")
    command.add_argument("--from", metavar="NAME", dest="image", help="which input of a model is the image")
    command.add_argument("--list", action="store_true", help="list all tensors of a model")
    command.add_argument(
        "--plot", metavar="FILE", help="draw what the layers see and the footprint (.png, .svg or .pdf)"
    )
    command.add_argument("--dark", action="store_true", help="draw on a dark ground")
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else")


def _analyze(options: argparse.Namespace) -> int:
    line = " ".join(options.layers)
    if bool(line) == bool(options.zoo):
        raise ValueError("analyze needs either LAYERS or --zoo NAME")
    model = None if options.zoo else _model(line)
    report = _of_layers(line, options) if model is None else _of_model(line, *model, options)
    if options.list:
        write(_listed(report.graph))
        return 0
    if options.plot is not None:
        use = None if isinstance(report.covered, str) else report.covered.widest
        use = use if use is not None and use.used and isfinite(use.total) else None
        save_network(options.plot, report.depths, use, report.graph.input_size, dark=options.dark)
    if options.json:
        write_json(report.to_json())
    else:
        write(list(report.lines()))
    return 0


def _of_layers(line: str, options: argparse.Namespace) -> NetworkReport:
    """Report on a line of layers, or a network of the zoo."""
    network = zoo.find(options.zoo) if options.zoo else None
    is_line = network.is_line if network else one_axis(line)
    size = None if options.input is None else image_size(options.input, 1 if is_line else 2)
    plane = (1, *size) if size and is_line else size
    layers = network.layers if network else Layers.parse(line, input_size=plane)
    if plane is not None:
        feature_maps(layers, plane)  # which says where one vanishes
    title, names = (f"{network.name} ({network.source})", list(network.points)) if network else (line, [])
    graph = graph_of(layers, size, is_line=is_line)
    tops = [graph.tensors[f"layer {number}"] for number in range(1, len(layers) + 1)]
    rows = [Row.of(graph, tensor, name) for name, tensor in zip(names or [""] * len(layers), tops, strict=True)]
    target = tops[-1].name if tops else graph.image
    return NetworkReport(title, graph, rows, [target], None if is_line else _grid(layers), size is not None)


def image_size(text: str, axes: int | None) -> tuple[int, ...]:
    """Return what ``--input`` says: a number for each axis, joined by x."""
    numbers = text.split("x")
    if not all(number.isdecimal() and int(number) for number in numbers) or (axes is not None and len(numbers) != axes):
        like = f"{text}x{text}" if text.isdecimal() and int(text) else "224x224"
        raise ValueError(f"--input {text} must be {'a length, such as 16000' if axes == 1 else f'HxW, such as {like}'}")
    return tuple(map(int, numbers))


def _grid(layers: Layers) -> Gridding | None:
    """Return the gridding where counting it is affordable."""
    maps = receptive_field(layers).maps[-1] if layers else ()
    widest = max((each.size for both in maps for each in both), default=1)
    pixels = widest**2 if any(isinstance(layer, Parallel) for layer in layers) else widest
    try:
        return gridding(layers) if pixels * len(layers) <= MOST_COUNTS else None
    except ValueError:  # output 0 reads nothing
        return None


def _model(line: str) -> tuple[str, str, str] | None:
    """Return the path of a model, and where in it to start and to stop; None for layers.

    A path is one that exists, as long as can be: tensors may have colons in their names, and files dots.
    """
    parts = line.split(":")
    paths = [":".join(parts[:count]) for count in range(len(parts), 0, -1)]
    found = [path for path in paths if Path(path).is_file()] or [path for path in paths if path.endswith(".onnx")]
    if not found:
        return None
    start, dots, stop = line.removeprefix(found[0]).removeprefix(":").rpartition("..")
    return found[0], start if dots else "", stop


def _of_model(line: str, path: str, start: str, stop: str, options: argparse.Namespace) -> NetworkReport:
    """Report on a model, or the part of it that was asked for."""
    size = None if options.input is None else image_size(options.input, None)
    graph = from_onnx(path, options.image, size)
    targets = [graph.find(stop)] if stop else graph.outputs
    if start:
        graph = graph.starting_at(graph.find(start))
        targets = [target for target in targets if target in graph.tensors]
    if not targets:
        raise ValueError(f"no output of {path} depends on {graph.image!r}; --from names another input")
    report = NetworkReport(line, graph, rows_of(graph, targets), targets, None, graph.input_size is not None)
    chain = chain_to(graph, report.subject) if len(graph.axes) == 2 else None
    return replace(report, grid=_grid(chain)) if chain else report


def _listed(graph: Graph) -> list[str]:
    """Return a line for every tensor: its name, what makes it, what it sees, its stride and its map."""
    rows = [Row.of(graph, tensor) for tensor in graph.tensors.values()]
    cells = [[row.tensor.name, row.tensor.label, row.sees, row.number("stride"), row.number("outputs")] for row in rows]
    return table(["tensor", "made by", "sees", "stride", "map"], cells, [True, True, False, False, False])
