"""What do certainty and a bound cost?  ``python tests/benchmarks/bench_exact.py``, as multiples of plain conv2d.

On the 3×3 layers of ResNet and VGG, in one run, the least CPU time of several rounds: on a busy machine a slow call is
interrupted more often than a fast one.  *exact* is ``method="exact"``, beside float64 conv2d on the same arrays; *bound*
is `error_bound` for a result of the arrays' own type.  *peak* is the most memory that exact takes at once, beside
*arrays*, the input, weight and result in float64, and *columns*, which im2col would write out whole.
"""

import os
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
from bench_conv2d import LAYERS, Layer
from rich.console import Console
from rich.table import Table

from refconv import conv2d, error_bound
from refconv.numbers.formats import as_dtype

ROUNDS = 5
TYPES = ("float64", "float32", "bfloat16")


def cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most memory that a call takes at once."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def cells(layer: Layer, dtype: str) -> tuple[str, ...]:
    chance = np.random.default_rng(0)
    image = chance.standard_normal((1, layer.channels, layer.size, layer.size)).astype(as_dtype(dtype))
    weight = chance.standard_normal((layer.out_channels, layer.channels, 3, 3)).astype(as_dtype(dtype))
    plain = partial(conv2d, image, weight, padding=1)
    exact = partial(plain, method="exact")
    bound = partial(error_bound, image, weight, padding=1, dtype=dtype)
    # Round by round, so that what disturbs the machine disturbs all three.
    rounds = [[cpu_seconds(call) for call in (plain, exact, bound)] for _ in range(ROUNDS)]
    ours, *others = (min(times) for times in zip(*rounds, strict=True))
    output_size = layer.out_channels * layer.size**2
    numbers = peak_bytes(exact) / 8, image.size + weight.size + output_size, weight[0].size * layer.size**2
    memory = (f"{8 * number / 2**20:.0f}" for number in numbers)
    return layer.name, dtype, f"{1e3 * ours:.1f}", *(f"{other / ours:.1f}" for other in others), *memory


if __name__ == "__main__":
    table = Table(title=f"multiples of conv2d, {os.cpu_count()} cores", title_justify="left", box=None)
    for heading in ("layer", "type", "conv2d ms", "exact", "bound", "peak MiB", "arrays", "columns"):
        table.add_column(heading, justify="left" if heading in ("layer", "type") else "right")
    for layer in LAYERS:
        if layer.kernel_size == 3 and layer.padding == layer.stride == layer.dilation == layer.groups == 1:
            for dtype in TYPES:
                table.add_row(*cells(layer, dtype))
    Console(width=110).print(table)
