from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed: pip install 'refconv[plot]'")
    plt.switch_backend("agg")
    yield
    plt.close("all")
