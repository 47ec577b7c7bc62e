"""``refconv analyze``: the receptive field of every layer, the holes and their cure, and the footprint."""

from __future__ import annotations

import argparse
import json
import math
import sys
from itertools import groupby
from typing import Any

from refconv.analysis import Layers, Parallel, gridding, receptive_field, zoo
from refconv.analysis.onnx_graph import read_onnx
from refconv.analysis.trace import feature_maps
from refconv.commands.network_report import NetworkReport
from refconv.geometry.arguments import Pair
from refconv.plots import plot_footprint, plot_receptive_fields

__all__ = ["register"]

MOST_CELLS = 49  # along each side of a plotted footprint; beyond, the counts are too small to read
MOST_TERMS = 10_000  # outer products in a footprint; beyond, counting takes minutes

_DESCRIPTION = "Say what every layer of a network sees, whether it leaves holes, and how often it uses each pixel."
_LAYERS_HELP = "layers such as 'k7s2p3 pool2 k3d2 (k1 | k3p6d6)', or model.onnx, or model.onnx:tensor to stop there"


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("analyze", help="analyze a network", description=_DESCRIPTION)
    command.set_defaults(run=_analyze)
    command.add_argument("layers", nargs="*", metavar="LAYERS", help=_LAYERS_HELP)
    command.add_argument("--zoo", metavar="NAME", help=f"a known network: {', '.join(zoo.names())}")
    command.add_argument("--input", metavar="HxW", help="the image's size, for the size of every feature map")
    command.add_argument(
        "--plot", metavar="FILE", help="draw the receptive fields and the footprint (.png, .svg or .pdf)"
    )
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else")


def _analyze(options: argparse.Namespace) -> int:
    title, names, layers = _network(options)
    report = NetworkReport(
        title=title,
        names=names,
        field=receptive_field(layers),
        sizes=None if options.input is None else feature_maps(layers, _size(options.input)),
        grid=gridding(layers) if _most_terms(layers) <= MOST_TERMS else None,
    )
    if options.plot is not None:
        _plot(layers, options.plot)
    if options.json:
        sys.stdout.write(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
    else:
        report.print()
    return 0


def _network(options: argparse.Namespace) -> tuple[str, list[str], Layers]:
    """Return the network that was asked for: its title, the names of its layers, and the layers."""
    line = " ".join(options.layers)
    if bool(line) == bool(options.zoo):
        raise ValueError("analyze needs either LAYERS or --zoo NAME")
    if options.zoo:
        network = zoo.find(options.zoo)
        return f"{network.name} ({network.source})", list(network.points), network.layers
    stem, is_model, tensor = line.partition(".onnx")
    layers = read_onnx(f"{stem}.onnx", tensor.removeprefix(":") or None) if is_model else Layers.parse(line)
    return line, [""] * len(layers), layers


def _size(text: str) -> Pair:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise ValueError(f"--input {text} must be HxW, such as 224x224")
    return int(height), int(width)


def _most_terms(layers: Layers) -> int:
    """Bound the outer products in a footprint: n alike layers of b branches multiply them by C(n + b − 1, b − 1)."""
    bound = 1
    for layer, alike in groupby(layers):
        if isinstance(layer, Parallel):
            branches = sum(map(_most_terms, layer.branches))
            bound *= math.comb(len(list(alike)) + branches - 1, branches - 1)
    return bound


def _plot(layers: Layers, path: str) -> None:
    """Draw the receptive fields as boxes, and beside them the footprint where its counts can be read."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ValueError("--plot needs matplotlib, which is not installed: pip install 'refconv[plot]'") from None
    is_legible = max(receptive_field(layers).size) <= MOST_CELLS
    figure = Figure(figsize=(14, 6) if is_legible else (8, 6), layout="constrained")
    axes = figure.subplots(1, 1 + is_legible, squeeze=False)[0]
    plot_receptive_fields(layers, ax=axes[0])
    if is_legible:
        plot_footprint(layers, ax=axes[1])
    figure.savefig(path)
