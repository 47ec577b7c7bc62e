from __future__ import annotations

from collections.abc import Iterator

import pytest

# Scripts that need PyTorch, and no tests: pytest is not to import them in search of doctests.
collect_ignore = ["benchmarks"]


@pytest.fixture(params=["im2col", "einsum", "direct", "exact"])
def method(request: pytest.FixtureRequest) -> str:
    """Every way to compute conv2d: what a test says of one must hold of all."""
    name: str = request.param
    return name


@pytest.fixture
def no_window() -> Iterator[None]:
    """Draw without a screen, and close every figure after the test; skip it where matplotlib is missing."""
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed: pip install 'refconv[plot]'")
    plt.switch_backend("agg")
    yield
    plt.close("all")
