from __future__ import annotations

import pytest


@pytest.fixture(params=["im2col", "einsum", "direct", "exact"])
def method(request: pytest.FixtureRequest) -> str:
    """Every way to compute conv2d: what a test says of one must hold of all."""
    name: str = request.param
    return name
