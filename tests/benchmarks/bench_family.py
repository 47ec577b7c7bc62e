"""How fast are convolutions, their gradients and transposed convolutions beside PyTorch's, on one thread each?

``python tests/benchmarks/bench_family.py [1d 2d 3d] [NAME ...]``: all of them, or those whose names hold a word.
float64, eight layers; a ratio below 1 means that refconv is faster.  Each number is the fastest of some rounds in which
the two take turns, in processor time.
"""

import os

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy and PyTorch are there
    os.environ[threads] = "1"

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from bench_conv2d import Layer
from rich.console import Console
from rich.table import Table

import refconv

SECONDS = 0.6  # that are spent on one pair at least


LAYERS = (
    Layer("ResNet 3x3", 64, 56, 64, 3, 1, 1),
    Layer("stride 2", 128, 56, 128, 3, 2, 1),
    Layer("1x1", 64, 56, 256, 1),
    Layer("depthwise", 144, 56, 144, 3, 1, 1, 1, 144),
    Layer("32 groups", 128, 56, 128, 3, 1, 1, 1, 32),
    Layer("ASPP 12", 256, 33, 256, 3, 1, 12, 12),
    Layer("stem 7x7", 3, 224, 64, 7, 2, 3),
    Layer("batch 8", 64, 28, 64, 3, 1, 1, batch=8),
)
Pair = tuple[Callable[[], object], Callable[[], object]]


def in_space(layer: Layer) -> Layer:
    """Return a layer of about as much work over three axes: a quarter of the channels, and rates of 4 at most."""
    channels, out_channels = (number // 4 if number > 3 else number for number in (layer.channels, layer.out_channels))
    groups = channels if layer.groups == layer.channels else min(layer.groups, 8)
    padding, dilation = min(layer.padding, 4), min(layer.dilation, 4)
    return layer._replace(
        channels=channels, out_channels=out_channels, padding=padding, dilation=dilation, groups=groups
    )


def pairs(layer: Layer, rank: int) -> Iterator[tuple[str, Pair]]:
    """Yield the operations by name, each as refconv's call and PyTorch's."""
    rng, ours, theirs = np.random.default_rng(0), refconv.grad, torch.nn.functional
    size = {1: (layer.size**2,), 2: (layer.size,) * 2, 3: (8, *(max(3, layer.size // 2),) * 2)}[rank]
    layer = in_space(layer) if rank == 3 else layer
    s, p, d, g = layer.stride, layer.padding, layer.dilation, layer.groups
    x = rng.standard_normal((layer.batch, layer.channels, *size))
    w = rng.standard_normal((layer.out_channels, layer.channels // g, *(layer.kernel_size,) * rank))
    tx, tw = torch.from_numpy(x), torch.from_numpy(w)
    conv, name = getattr(theirs, f"conv{rank}d"), f"conv{rank}d"
    y = rng.standard_normal(conv(tx, tw, None, s, p, d, g).shape)
    ty, steps = torch.from_numpy(y), {"stride": s, "padding": p, "dilation": d, "groups": g}

    def backward(asked: int) -> object:
        each, mask = ([number] * rank for number in (s, p, d)), [asked == which for which in range(3)]
        return torch.ops.aten.convolution_backward(ty, tx, tw, None, *each, False, [0] * rank, g, mask)  # noqa: FBT003

    yield name, (lambda: getattr(refconv, name)(x, w, **steps), lambda: conv(tx, tw, None, s, p, d, g))
    if hasattr(ours, f"{name}_input"):
        yield f"{name}_input", (
            lambda: getattr(ours, f"{name}_input")(x.shape, w, y, **steps), lambda: backward(0)
        )  # fmt: skip
        yield f"{name}_weight", (
            lambda: getattr(ours, f"{name}_weight")(x, w.shape, y, **steps), lambda: backward(1)
        )  # fmt: skip
    name = f"conv_transpose{rank}d"
    their_transpose = getattr(theirs, name)
    yield name, (lambda: getattr(refconv, name)(y, w, **steps), lambda: their_transpose(ty, tw, None, s, p, 0, g, d))


def ratio(pair: Pair) -> float:
    """Return the least time of the first over that of the second, in turns."""
    least, start = [np.inf, np.inf], time.perf_counter()
    rounds = 0
    while rounds < 4 or time.perf_counter() - start < SECONDS:
        for which, call in enumerate(pair):
            before = time.process_time()
            call()
            least[which] = min(least[which], time.process_time() - before)
        rounds += 1
    return float(least[0] / least[1])


def main(*words: str) -> None:
    torch.set_num_threads(1)
    ranks = [rank for rank in (1, 2, 3) if f"{rank}d" in words] or [1, 2, 3]
    wanted = [word for word in words if word not in ("1d", "2d", "3d")]
    table = Table(title="float64, one thread; refconv / PyTorch", box=None)
    for heading in ("", *(layer.name for layer in LAYERS), "mean"):
        table.add_column(heading, justify="right" if heading else "left")
    for rank in ranks:
        rows: dict[str, list[float]] = {}
        for layer in LAYERS:
            for name, pair in pairs(layer, rank):
                if not wanted or any(word in name for word in wanted):
                    rows.setdefault(name, []).append(ratio(pair))
        for name, ratios in rows.items():
            table.add_row(name, *(f"{each:.2f}" for each in ratios), f"{statistics.geometric_mean(ratios):.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
