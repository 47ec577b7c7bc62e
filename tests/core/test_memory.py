"""No method takes more than 48 MiB beside its operands and its result, whatever the sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from family import Triple, kind_of
from memory import peak

from refconv.operations import LINEAR

MOST = 48 * 2**20

# The shape of the input, of the weight, and how it goes over the input: of each, something would take more than that.
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "a million": ((1, 1, 1_000_000), (2, 1, 7), {"padding": ((3, 3),)}),
    "image": ((1, 8, 150, 150), (8, 8, 7, 7), {"padding": ((3, 3), (3, 3))}),
    "strided": ((3, 16, 150, 150), (16, 16, 5, 5), {"stride": (2, 2), "padding": ((2, 2), (2, 2))}),
    "volume": ((1, 8, 32, 32, 32), (4, 8, 3, 3, 3), {"padding": ((1, 1),) * 3}),
    "wide": ((1, 2048, 9, 9), (128, 2048, 3, 3), {}),
    "depthwise": ((2, 128, 56, 56), (128, 1, 3, 3), {"groups": 128, "padding": ((1, 1), (1, 1))}),
    "outputs": ((1, 1, 128, 128), (512, 1, 1, 1), {}),
    "weights": ((1, 512, 6, 6), (1024, 512, 3, 3), {"padding": ((1, 1), (1, 1))}),
}


def triple(shape: tuple[Any, ...], dtype: str, mode: str = "zeros") -> Triple:
    x_shape, w_shape, given = shape
    rank = len(x_shape) - 2
    steps: dict[str, Any] = {"stride": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank, "groups": 1}
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(size, dtype=np.float32).astype(dtype) for size in (x_shape, w_shape))
    return Triple.of(x, w, rng, **(steps | given), padding_mode=mode)


def check(found: Triple, name: str, method: str) -> None:
    """Compute it, and hold the most memory that was in use at once to what it may be."""
    results = []
    used = peak(lambda: results.append(found.call(name, method=method)))
    work_space = used - results[0].nbytes
    assert work_space <= MOST, f"{name} by {method} took {work_space / 2**20:.1f} MiB beside its result"


def names_of(rank: int) -> list[str]:
    """The convolution and its gradients: those of the transposed one are the same sums."""
    return [f"conv{rank}d{ending}" for ending in ("", "_input", "_weight", "_bias")]


def check_all(found: Triple, methods: tuple[str, ...]) -> None:
    for name in names_of(found.rank):
        for method in methods:
            if method != "einsum" or kind_of(LINEAR[name]) == "output":
                check(found, name, method)


@pytest.mark.parametrize("name", SHAPES)
def test_no_sum_takes_more_by_im2col(name: str) -> None:
    check_all(triple(SHAPES[name], "f4"), ("im2col",))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", SHAPES)
def test_no_sum_takes_more_by_any_method(name: str, dtype: str) -> None:
    check_all(triple(SHAPES[name], dtype), ("einsum",) if dtype == "f4" else ("im2col", "exact"))


@pytest.mark.parametrize(("name", "mode"), [("a million", "circular"), ("image", "reflect"), ("volume", "replicate")])
def test_what_stands_in_the_padding_takes_no_more(name: str, mode: str) -> None:
    found = triple(SHAPES[name], "f8", mode)
    check(found, f"conv{found.rank}d", "im2col")


@pytest.mark.parametrize("name", ["a million", "image", "strided", "volume", "depthwise"])
def test_the_columns_alone_would_take_more(name: str) -> None:
    found = triple(SHAPES[name], "f4")
    positions = found.y.size // found.y.shape[1]
    columns = found.x.shape[1] * math.prod(found.w.shape[2:]) * positions * 8
    assert columns > MOST
