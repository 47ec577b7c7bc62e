"""Of many tests that take seconds and resemble each other, a few for every day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(count: int, parameters: Iterable[Any]) -> list[Any]:
    """Mark all sets of parameters slow but every so many; one that is no tuple is a single parameter."""
    sets = [each if isinstance(each, tuple) else (each,) for each in parameters]
    return [
        pytest.param(*each, marks=() if place % count == 0 else pytest.mark.slow) for place, each in enumerate(sets)
    ]
