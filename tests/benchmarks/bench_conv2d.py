"""How fast is conv2d?  Side by side with its peers in one run, as ratios: ``python tests/benchmarks/bench_conv2d.py``.

float64, as many threads for PyTorch as NumPy's BLAS has.  *gemm* is the bare matrix product of the same size, on
columns that are already there: what no im2col can beat.  A ratio above 1 means that refconv is faster.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import refconv
from refconv.testing import TargetError, load_target


class Layer(NamedTuple):
    name: str
    channels: int
    size: int
    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    batch: int = 1


LAYERS = (
    Layer("stem 7x7 s2", 3, 224, 64, 7, 2, 3),
    Layer("ResNet 3x3, 56", 64, 56, 64, 3, 1, 1),
    Layer("ResNet 3x3, 28", 128, 28, 128, 3, 1, 1),
    Layer("ResNet 3x3, 14", 256, 14, 256, 3, 1, 1),
    Layer("ResNet 3x3, 7", 512, 7, 512, 3, 1, 1),
    Layer("ResNet 3x3 s2", 128, 56, 128, 3, 2, 1),
    Layer("ResNet 1x1", 64, 56, 256, 1),
    Layer("ResNet 1x1 s2", 256, 56, 512, 1, 2),
    Layer("VGG 3x3, 112", 64, 112, 128, 3, 1, 1),
    Layer("MobileNet dw, 112", 32, 112, 32, 3, 1, 1, 1, 32),
    Layer("MobileNet dw s2", 144, 56, 144, 3, 2, 1, 1, 144),
    Layer("ResNeXt, 32 groups", 128, 56, 128, 3, 1, 1, 1, 32),
    Layer("ASPP rate 6, 33", 256, 33, 256, 3, 1, 6, 6),
    Layer("ASPP rate 12, 33", 256, 33, 256, 3, 1, 12, 12),
    # 32 channels in place of 256: onnx.reference writes columns for the zeros of a dilated kernel too, 11 GiB at 256.
    Layer("ASPP rate 18, 65", 32, 65, 64, 3, 1, 18, 18),
    Layer("ASPP rate 24, 65", 32, 65, 64, 3, 1, 24, 24),
)
PEERS = ("torch", "onnx")
ROUNDS = 3


def seconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the fastest of some rounds: what the machine can do when nothing else disturbs it."""

    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(once() for _ in range(rounds))


def gemm(layer: Layer) -> Callable[[], object]:
    positions = refconv.output_size(layer.size, layer.kernel_size, layer.stride, layer.padding, layer.dilation) ** 2
    taps = layer.channels // layer.groups * layer.kernel_size**2
    kernels = np.ones((layer.groups, layer.out_channels // layer.groups, taps))
    columns = np.ones((layer.groups, taps, positions))
    return lambda: kernels @ columns


def installed(name: str) -> Callable[..., Any] | None:
    try:
        return load_target(name)
    except TargetError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return None


def conv2d_table() -> Table:
    rng = np.random.default_rng(0)
    peers = {name: target for name in PEERS if (target := installed(name)) is not None}
    table = Table(title=f"float64, {os.cpu_count()} cores; peer / refconv", box=None)
    for heading in ("layer", "refconv ms", *peers, "gemm"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    ratios: dict[str, list[float]] = {name: [] for name in (*peers, "gemm")}
    for layer in LAYERS:
        image = rng.standard_normal((1, layer.channels, layer.size, layer.size))
        shape = (layer.out_channels, layer.channels // layer.groups, layer.kernel_size, layer.kernel_size)
        weight = rng.standard_normal(shape)
        stride, padding, dilation = ((number, number) for number in (layer.stride, layer.padding, layer.dilation))
        arguments = (image, weight, None, stride, padding, dilation, layer.groups)
        ours = seconds(partial(refconv.conv2d, *arguments), ROUNDS + 1)
        times = {name: seconds(partial(peer, *arguments)) for name, peer in peers.items()}
        times["gemm"] = seconds(gemm(layer))
        for name, peer_seconds in times.items():
            ratios[name].append(peer_seconds / ours)
        cells = (f"{times[name] / ours:.2f}" for name in ratios)
        table.add_row(layer.name, f"{1e3 * ours:.1f}", *cells)
    table.add_section()
    table.add_row("geometric mean", "", *(f"{statistics.geometric_mean(values):.2f}" for values in ratios.values()))
    return table


def import_milliseconds() -> float:
    """Return what ``import refconv`` adds to ``import numpy``: the median of 15 pairs of fresh interpreters."""

    def once(code: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), rounds=1)

    return 1e3 * statistics.median(once("import numpy, refconv") - once("import numpy") for _ in range(15))


def battery_seconds() -> float:
    command = [sys.executable, "-m", "refconv", "check", "refconv", "--tier", "core"]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True), rounds=3)


if __name__ == "__main__":
    console = Console()
    console.print(conv2d_table())
    console.print(f"import refconv: {import_milliseconds():.1f} ms over import numpy")
    console.print(f"refconv check refconv --tier core: {battery_seconds():.2f} s")
