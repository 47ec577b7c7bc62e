"""Sums in many small parts: what is large is taken apart, and where the cuts lie must not show."""

from __future__ import annotations

import pytest

from refconv.core import adjoint, sums

ONE = 1  # so that every number of a result is a part of its own, as far as sums can be taken apart


def set_tiles(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let nothing that a part of a sum has to hold be of more than so many numbers, if that can be."""
    for module, names in ((sums, ("TILE", "WEIGHTS")), (adjoint, ("TILE", "WEIGHTS", "PIXELS"))):
        for name in names:
            patch.setattr(module, name, size)
    patch.setattr(adjoint, "FEWEST_CHANNELS", 1)
