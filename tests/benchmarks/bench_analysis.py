"""Time the analysis of deep networks: ``python tests/benchmarks/bench_analysis.py``.

Each line is the best of five runs, with the caches of axis maps empty at the start of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from refconv.analysis import Conv, Layers, axis_map, footprint, receptive_field, zoo

RUNS = 5


def best_time(run: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        for cached in (axis_map.window, axis_map.transposed_window, axis_map.nearest, axis_map.linear):
            cached.cache_clear()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def chain(layers: int, rates: int) -> Layers:
    """Return 3×3 layers whose rates go from 1 up and start again."""
    return Layers(Conv(3, padding=1 + i % rates, dilation=1 + i % rates) for i in range(layers))


def main() -> None:
    thousand, alike, rising = chain(1000, 7), chain(100, 2), chain(100, 100)
    questions: dict[str, Callable[[], object]] = {
        "receptive field of 1,000 layers": lambda: receptive_field(thousand).size,
        "the same as a table, every number": lambda: [
            (row.size, row.stride, row.padding, row.center) for row in receptive_field(thousand).table
        ],
        "footprint of 100 layers, rates 1 and 2": lambda: footprint(alike).axis_counts,
        "footprint of 100 layers, rates 1 to 100": lambda: footprint(rising).axis_counts,
        "counts in 2-D of 100 layers, rates 1 and 2": lambda: footprint(alike).counts,
        "footprint of ResNet-50": lambda: footprint(zoo.find("resnet50").layers).axis_counts,
    }
    for question, run in questions.items():
        print(f"{1000 * best_time(run):8.1f} ms  {question}")


if __name__ == "__main__":
    main()
