"""How does the error of a sum grow with its length?  Writes ``docs/figures/error_bounds.csv`` for the documentation's figure.

``python tests/benchmarks/bench_error_bound.py`` needs PyTorch.  Every row is one 3×3 convolution of 2048 outputs, and has
the largest error and the largest of both bounds, in units of each output's own Σ|x||w|.  The truth is accumulated in
float64, whose own error is 2^−29 times that of float32.
"""

from __future__ import annotations

import csv
import datetime as dt
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from emulated import in_a_row

import refconv
from refconv.numbers.formats import Array, as_dtype
from refconv.testing.comparing.arrays import to_numpy

CHANNELS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2222)  # of 9 taps each
CONFIDENCE: Final = 0.999999
TABLE: Final = Path(__file__).parents[2] / "docs" / "figures" / "error_bounds.csv"
COLUMNS: Final = ("kernel", "data", "terms", "error", "worst_case", "confidence")

DATA: Final[dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]]] = {
    "normal": lambda chance, shape: chance.standard_normal(shape),
    "positive": lambda chance, shape: chance.random(shape),
}


def by_torch(image: Array, kernel: Array, dtype: torch.dtype) -> Array:
    tensors = (torch.from_numpy(operand.astype(np.float64)).to(dtype) for operand in (image, kernel))
    return to_numpy("the result", torch.nn.functional.conv2d(*tensors)).astype(np.float64)


class Kernel(NamedTuple):
    dtype: str
    accumulate_dtype: str
    convolve: Callable[[Array, Array], Array]


KERNELS: Final = {
    "torch float32": Kernel("float32", "float32", lambda image, kernel: by_torch(image, kernel, torch.float32)),
    "float32 in a row": Kernel(
        "float32", "float32", lambda image, kernel: in_a_row(image, kernel, None, {}, np.float32)
    ),
    "torch bfloat16": Kernel("bfloat16", "float32", lambda image, kernel: by_torch(image, kernel, torch.bfloat16)),
    "float16 in a row": Kernel(
        "float16", "float16", lambda image, kernel: in_a_row(image, kernel, None, {}, np.float16)
    ),
}


def measured(kernel: Kernel, image: Array, weight: Array) -> Iterator[float]:
    """Yield the largest error, worst-case bound and bound with a confidence, each in units of Σ|x||w|."""
    image, weight = (array.astype(as_dtype(kernel.dtype)) for array in (image, weight))
    truth = refconv.conv2d(image, weight, dtype=np.float64)
    size = refconv.conv2d(np.abs(image.astype(np.float64)), np.abs(weight.astype(np.float64)))
    yield float(np.max(np.abs(kernel.convolve(image, weight) - truth) / size))
    types: dict[str, Any] = {"dtype": kernel.dtype, "accumulate_dtype": kernel.accumulate_dtype}
    for confidence in (None, CONFIDENCE):
        yield float(np.max(refconv.error_bound(image, weight, **types, confidence=confidence) / size))


def rows() -> Iterator[tuple[object, ...]]:
    for data, draw in DATA.items():
        for channels in CHANNELS:
            chance = np.random.default_rng(channels)
            image, weight = draw(chance, (1, channels, 10, 10)), draw(chance, (32, channels, 3, 3))
            for name, kernel in KERNELS.items():
                numbers = (f"{number:.4g}" for number in measured(kernel, image, weight))
                yield name, data, 9 * channels, *numbers


if __name__ == "__main__":
    versions = f"NumPy {np.__version__}, PyTorch {torch.__version__}, {platform.machine()}"
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# Largest of 2048 outputs, in units of Σ|x||w|; {versions}, {dt.date.today():%B %Y}\n")  # noqa: DTZ011
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())
    print(TABLE.read_text(encoding="utf-8"))
