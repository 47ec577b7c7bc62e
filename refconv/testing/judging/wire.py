"""Results as lines of text, between the process in which a target runs and ours.

What comes from there is read, and nothing else: the target may write to the pipe what it likes, and unpickling that
could run anything.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from refconv.testing.comparing.comparison import Comparison, Obstacle
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Ending, Outcome
from refconv.testing.targets import TargetError

__all__: list[str] = []

_KNOWN: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (CaseResult, Comparison, Finding, Excerpt, Outcome, Ending, Obstacle, TargetError, complex)
}


def to_line(value: object) -> bytes:
    r"""Return a result, and whatever is in it, as a line.

    Examples
    --------
    >>> to_line((1, Outcome.PASSED, 2j))
    b'[1, {"Outcome": ["passed"]}, {"complex": [0.0, 2.0]}]\n'
    >>> from_line(to_line((1, Outcome.PASSED, 2j)))
    (1, <Outcome.PASSED: 'passed'>, 2j)
    """
    return json.dumps(_written(value)).encode() + b"\n"


def from_line(line: bytes) -> Any:
    """Return what a line holds; a ValueError, TypeError or KeyError where it is none of ours."""
    return _read(json.loads(line))


def _written(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _written(value.item())
    parts: list[Any] | None = None
    if isinstance(value, Enum):
        parts = [value.value]
    elif isinstance(value, complex):
        parts = [value.real, value.imag]
    elif isinstance(value, TargetError):
        parts = [str(value)]
    elif is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    if parts is not None:
        return {type(value).__name__: [_written(part) for part in parts]}
    return [_written(part) for part in value] if isinstance(value, list | tuple) else value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        ((name, parts),) = value.items()
        return _KNOWN[name](*map(_read, parts))
    return tuple(map(_read, value)) if isinstance(value, list) else value
