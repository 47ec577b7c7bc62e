"""Hold random graphs against onnxruntime: ``python tests/analysis/graph/verify_graphs.py [COUNT] [FIRST SEED]``.

Of every output that no border has a part in, the region that the analysis says must be the region that is really read, and
where paths can be counted, the pixels that have some must be those.  What the analysis says to see all of an axis must
see all that the node which it names can see; and where the size of the plane is not known, it must say the same or nothing.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from random_graphs import RandomGraph, really_read
from random_windows import SIZES

from refconv.analysis.axis_map import NOTHING
from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.counting import use_of
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.region import pixels_seen


def read(onnx: Any, graph: RandomGraph, *, has_size: bool = True) -> Graph:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(graph.model([graph.here], has_size=has_size), path)
        return from_onnx(path)


def clean_outputs(graph: Graph, name: str) -> list[np.ndarray[Any, Any]] | None:
    """Return, for each axis, which outputs depend on no position outside of any tensor; None where that is not known."""
    known: dict[str, list[np.ndarray[Any, Any]]] = {}
    for tensor in graph.path_to(name):
        sizes = graph.feature_map(tensor.name)
        if None in sizes:
            continue
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
    return known.get(name)


def hulls(real: np.ndarray[Any, Any], rank: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the first pixel that each output reads along every axis, and the one behind the last: 0 and 0 for none."""
    firsts, lasts = [], []
    for axis in range(-rank, 0):
        line = np.any(real, axis=tuple(other for other in range(-rank, 0) if other != axis))
        firsts.append(line.argmax(axis=-1))
        lasts.append(np.where(line.any(axis=-1), line.shape[-1] - line[..., ::-1].argmax(axis=-1), 0))
    return np.stack(firsts, axis=-1), np.stack(lasts, axis=-1)


def mismatches(graph: Graph, real: np.ndarray[Any, Any]) -> tuple[int, list[str]]:
    """Return how many outputs were compared, and what is wrong of them."""
    name = graph.outputs[0]
    clean = clean_outputs(graph, name)
    if clean is None:
        return 0, []
    fields = graph.field(name)
    wrong, compared = [], 0
    said = [cache(lambda place, maps=field.maps: pixels_seen(maps, place)) for field in fields]
    mask = cache(lambda phase: _mask(graph, name, phase))
    # Where one branch reads nothing along one axis, and another along the other, only the paths say that both read nothing.
    is_blind = any(
        NOTHING in axis.phases
        for tensor in graph.path_to(name)
        for field in graph.field(tensor.name)
        for axis in field.maps
    )
    period = [field.maps[0].period if len(field.maps) == 1 else 0 for field in fields]
    firsts, ends = hulls(real, len(fields))
    for output in map(tuple, np.argwhere(np.logical_and.reduce(np.meshgrid(*clean, indexing="ij"))).tolist()):
        compared += 1
        seen = [axis(place) for axis, place in zip(said, output, strict=True)]
        region = [range(first, end) for first, end in zip(firsts[output].tolist(), ends[output].tolist(), strict=True)]
        if not ends[output].any():
            if all(len(each) for each in seen) and not is_blind:
                wrong.append(f"output {output} reads nothing, and not {seen}")
            continue
        if region != seen and not is_blind:
            wrong.append(f"output {output} reads {region}, and not {seen}")
        elif 0 not in period:
            used = mask(tuple(place % count for place, count in zip(output, period, strict=True)))
            inside = real[output][tuple(slice(each.start, each.stop) for each in region)]
            if used is not None and (inside.shape != used.shape or (inside != used).any()):
                wrong.append(f"output {output} reads other pixels than have paths")
    return compared, wrong


def _mask(graph: Graph, name: str, phase: tuple[int, ...]) -> Any:
    try:
        return use_of(graph, name, phase).counts > 0
    except Unsaid:
        return None


def wholes(
    graph: Graph, made: RandomGraph, local: np.ndarray[Any, Any], onnxruntime: Any, seed: int
) -> tuple[bool, list[str]]:
    """Return whether anything is said to see all of an axis, and what is wrong of that."""
    name, wrong = graph.outputs[0], []
    view = graph.tensors[name].view
    assert not isinstance(view, Ended)
    by = {axis: found.title for axis, found in view.whole.items()}
    if view.normalised:
        by |= dict.fromkeys(range(made.rank), view.normalised.title)
    if not by and not made.wide:
        return False, []
    titles = [title for title in set(by.values()) if any(repr(each) in title for each in made.wide)]
    below = [next(wide for each, wide in made.wide.items() if repr(each) in title) for title in titles]
    real, *others = really_read(onnxruntime, made, seed, "wide", *(source for source, _ in below))
    if not by:
        return False, [] if (real == local).all() else ["it sees more than locally, and that is not said"]
    if len(titles) < len(set(by.values())):
        return True, [f"{by} sees all of an axis, and it should not"]
    is_live = local.any(axis=tuple(range(-made.rank, 0))).ravel()
    first, end = (each.reshape(-1, made.rank)[is_live] for each in hulls(real, made.rank))
    for title, (_, axes), other in zip(titles, below, others, strict=True):
        bottom, top = (each.reshape(-1, made.rank) for each in hulls(other, made.rank))
        for axis in axes if top.any() else ():
            low, high = bottom[top[:, axis] > 0, axis].min(), top[:, axis].max()
            if (first[:, axis] > low).any() or (end[:, axis] < high).any():
                wrong.append(f"through {title} pixels {low} to {high - 1} are not all read along axis {axis}")
    return True, wrong


def differing(graph: Graph, sizeless: Graph) -> list[str]:
    """Return along which axes something else is said where the size of the plane is not known.

    That is the size of a large one: what is resized to a single position is placed by another rule.
    """
    name = graph.outputs[0]
    if isinstance(sizeless.tensors[name].view, Ended):
        return []
    wrong, sizes = [], [graph.feature_map(tensor.name) for tensor in graph.path_to(name)]
    for axis, (one, two) in enumerate(zip(graph.field(name), sizeless.field(name), strict=True)):
        is_large = all(size[axis] != 1 for size in sizes)
        if is_large and one.is_placed and two.is_placed and one.maps != two.maps:
            seen = [[pixels_seen(maps, place) for place in range(one.outputs or 0)] for maps in (one.maps, two.maps)]
            if seen[0] != seen[1]:
                wrong.append(f"of unknown size, axis {axis} reads {two.maps}, and not {one.maps}")
    return wrong


def main() -> int:
    import onnx  # noqa: PLC0415  # only where the script is run
    import onnxruntime  # noqa: PLC0415

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    ops: collections.Counter[str] = collections.Counter()
    totals: collections.Counter[str] = collections.Counter()
    start = time.time()
    for seed in range(first, first + count):
        made = RandomGraph(onnx, seed)
        try:
            (real,) = really_read(onnxruntime, made, seed)
        except Exception as error:  # noqa: BLE001  # onnxruntime has no kernel for it
            totals["not run"] += 1
            print(seed, "not run:", str(error)[:250])
            continue
        try:
            graph = read(onnx, made)
            compared, wrong = mismatches(graph, real)
            if wrong:  # in one image what a cubic's weights of both signs read may cancel, but hardly in two
                _, wrong = mismatches(graph, *really_read(onnxruntime, made, seed + 1))
            is_whole, more = wholes(graph, made, real, onnxruntime, seed)
            wrong += more + differing(graph, read(onnx, made, has_size=False))
        except Exception as error:  # noqa: BLE001
            compared, is_whole, wrong = 0, False, [f"{type(error).__name__}: {error}"]
        ops.update(set(made.ops) if compared or is_whole else ())
        totals.update({"graphs": 1, "with outputs away from borders": compared > 0, "see all of an axis": is_whole})
        totals.update({"outputs compared": compared, "wrong": bool(wrong)})
        if wrong:
            print(seed, made.rank, made.ops, len(wrong), wrong[:2], flush=True)
    print(", ".join(f"{number} {what}" for what, number in totals.items()))
    print("graphs with", dict(ops.most_common()), f"{time.time() - start:.0f} s", SIZES)
    return totals["wrong"] > 0


if __name__ == "__main__":
    sys.exit(main())
