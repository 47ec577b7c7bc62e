"""Hold random graphs against onnxruntime: ``python tests/analysis/graph/verify_graphs.py [COUNT] [FIRST SEED]``.

Of every output that no border has a part in, the region that the analysis says must be the region that is really read, and
where paths can be counted, the pixels that have some must be those.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from random_graphs import SIZES, RandomGraph, really_read

from refconv.analysis.axis_map import NOTHING
from refconv.analysis.graph.counting import use_of
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.region import pixels_seen


def read(onnx: Any, graph: RandomGraph) -> Graph:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(graph.model([graph.here]), path)
        return from_onnx(path)


def clean_outputs(graph: Graph, name: str) -> list[np.ndarray[Any, Any]] | None:
    """Return, for each axis, which outputs depend on no position outside of any tensor; None where that is not known."""
    known: dict[str, list[np.ndarray[Any, Any]]] = {}
    for tensor in graph.path_to(name):
        sizes = graph.feature_map(tensor.name)
        if None in sizes:
            return None
        clean = [np.ones(size or 0, dtype=bool) for size in sizes]
        for link in tensor.links:
            if link.steps is None or link.source not in known:
                return None
            for axis, step in enumerate(link.steps):
                below = known[link.source][axis]
                for output in range(len(clean[axis])):
                    places = step.reads(output)
                    clean[axis][output] &= all(0 <= place < len(below) and below[place] for place in places)
        known[tensor.name] = clean
    return known[name]


def mismatches(graph: Graph, real: np.ndarray[Any, Any]) -> tuple[int, list[str]]:
    """Return how many outputs were compared, and what is wrong of them."""
    name, rank = graph.outputs[0], len(graph.axes)
    clean = clean_outputs(graph, name)
    if clean is None:
        return 0, []
    fields = graph.field(name)
    wrong, compared = [], 0
    sets: dict[tuple[int, ...], Any] = {}
    # Where one branch reads nothing along one axis, and another along the other, only the paths say that both read nothing.
    is_blind = any(
        NOTHING in axis.phases
        for tensor in graph.path_to(name)
        for field in graph.field(tensor.name)
        for axis in field.maps
    )
    period = [field.maps[0].period if len(field.maps) == 1 else 0 for field in fields]
    for output in np.argwhere(np.logical_and.reduce(np.meshgrid(*clean, indexing="ij"))):
        compared += 1
        seen = [pixels_seen(field.maps, int(place)) for field, place in zip(fields, output, strict=True)]
        pixels = np.argwhere(real[tuple(output)])
        if not len(pixels):
            if all(len(each) for each in seen) and not is_blind:
                wrong.append(f"output {output.tolist()} reads nothing, and not {seen}")
            continue
        region = [
            range(low, high + 1) for low, high in zip(pixels.min(0).tolist(), pixels.max(0).tolist(), strict=True)
        ]
        if region != seen and not is_blind:
            wrong.append(f"output {output.tolist()} reads {region}, and not {seen}")
            continue
        if 0 in period:
            continue
        phase = tuple(int(place) % count for place, count in zip(output, period, strict=True))
        if phase not in sets:
            sets[phase] = _mask(graph, name, phase)
        if sets[phase] is not None:
            inside = real[tuple(output)][tuple(slice(each.start, each.stop) for each in region)]
            if inside.shape != sets[phase].shape or (inside != sets[phase]).any():
                wrong.append(f"output {output.tolist()} reads other pixels than have paths")
    assert real.ndim == 2 * rank
    return compared, wrong


def _mask(graph: Graph, name: str, phase: tuple[int, ...]) -> Any:
    try:
        return use_of(graph, name, phase).counts > 0
    except Unsaid:
        return None


def main() -> int:
    import onnx  # noqa: PLC0415  # only where the script is run
    import onnxruntime  # noqa: PLC0415

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    ops: collections.Counter[str] = collections.Counter()
    outputs = graphs = skipped = bad = 0
    start = time.time()
    for seed in range(first, first + count):
        graph = RandomGraph(onnx, seed)
        try:
            real = really_read(onnxruntime, graph, seed)
        except Exception as error:  # noqa: BLE001  # onnxruntime has no kernel for it
            skipped += 1
            print(seed, "not run:", str(error)[:150])
            continue
        try:
            compared, wrong = mismatches(read(onnx, graph), real)
        except Exception as error:  # noqa: BLE001
            compared, wrong = 0, [f"{type(error).__name__}: {error}"]
        ops.update(graph.ops if compared else ())
        outputs, graphs = outputs + compared, graphs + bool(compared)
        if wrong:
            bad += 1
            print(seed, graph.rank, graph.ops, len(wrong), wrong[:2])
    print(
        f"{count} graphs, {graphs} with outputs away from borders, {outputs} outputs compared, {skipped} not run, {bad} wrong"
    )
    print(dict(ops.most_common()), f"{time.time() - start:.0f} s", SIZES)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
