from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

# What it is in an example that makes a test fail would be looked for where a test wants the smallest, too: hundreds of runs.
# A deadline would make a test fail on a busy machine.
settings.register_profile("refconv", deadline=None, phases=[phase for phase in Phase if phase is not Phase.explain])
settings.load_profile("refconv")

# Scripts that need PyTorch, and no tests: pytest is not to import them in search of doctests.
collect_ignore = ["benchmarks"]


def pytest_configure(config: pytest.Config) -> None:
    """Compile refconv once for all processes that tests start, even where Python is told to leave no bytecode behind."""
    if not hasattr(config, "workerinput"):  # pytest-xdist's workers have what their parent has
        bytecode = tempfile.TemporaryDirectory(prefix="refconv-bytecode-")
        os.environ["PYTHONPYCACHEPREFIX"] = bytecode.name
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.pop("GITHUB_ACTIONS", None)  # where the commands say more
        config.add_cleanup(bytecode.cleanup)


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
