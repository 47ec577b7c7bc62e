"""What each adapter asks of its framework is what it was, also where that is not installed: `calls.txt` has checksums.

In place of a framework stands a stand-in that does nothing and notes what is asked of it, with the numbers and the
layout of all arrays.  Where a change is meant, look at it (``... test_same_calls.py torch conv2d`` prints what is
asked), see that the framework takes it, and print the table anew:
``PYTHONPATH=tests python tests/testing/frameworks/test_same_calls.py > tests/testing/frameworks/calls.txt``.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest import mock

import numpy as np
import pytest
from sampled import one_in

from refconv.testing import Case, cases
from refconv.testing.battery.drawn import case_of, options_of
from refconv.testing.frameworks import FRAMEWORKS

TABLE = Path(__file__).with_name("calls.txt")
EVERY = [(name, op) for name, framework in FRAMEWORKS.items() for op in framework.operations if name != "refconv"]


class StandIn:
    """A module, a function or a tensor: whatever is asked of it is noted, and what comes back is another one."""

    def __init__(self, notes: list[str], text: str, **known: Any) -> None:
        self.__dict__.update(known, _notes=notes, _text=text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return np.zeros if name == "ShapeDtypeStruct" else StandIn(self._notes, f"{self._text}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        self._notes.append(f"{self._text}.{name} = {said(value)}")

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        arguments = tuple(list(each) if isinstance(each, Iterator) else each for each in arguments)
        first = next(iter(arguments), None)
        known = {name: getattr(first, name) for name in ("shape", "dtype") if name in getattr(first, "__dict__", {})}
        if isinstance(first, np.ndarray):  # a tensor of it
            known = {"shape": first.shape, "dtype": first.dtype}
        elif isinstance(first, tuple):
            known = {"shape": first}
        given = [*map(said, arguments), *(f"{name}={said(value)}" for name, value in options.items())]
        self._notes.append(f"{self._text}({', '.join(given)})")
        if isinstance(first, FunctionType | partial):  # what is to be differentiated
            argument = arguments[1][0] if isinstance(arguments[1], list) else arguments[1]
            self._notes.append(f"which gives {said(first(argument))}")
        if self._text.endswith("SerializeToString"):
            return f"#{len(self._notes)}".encode()
        return StandIn(self._notes, f"#{len(self._notes)}", **known)

    def __add__(self, other: Any) -> Any:
        return self.plus(other)

    def __sub__(self, other: Any) -> Any:
        return self.minus(other)

    def __getitem__(self, place: Any) -> Any:
        return self.at(place)

    def __delitem__(self, place: Any) -> None:
        self.without(place)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[0], self[1]])

    def __len__(self) -> int:
        return 4

    def __index__(self) -> int:
        return 2

    def __bool__(self) -> bool:
        return False

    def __bytes__(self) -> bytes:
        return bytes(self._text, "ascii")

    def __array__(self, *_: Any, **__: Any) -> Any:
        self._notes.append(f"np.array({self._text})")
        return np.zeros(1, np.float32)

    def __enter__(self) -> Any:
        return self.entered()

    def __exit__(self, *_: object) -> None:
        self.left()


def said(value: Any) -> str:
    """All that is handed over, in one line; of a file what stands in it."""
    if isinstance(value, StandIn | FunctionType | partial):
        return str(getattr(value, "_text", "function"))
    if isinstance(value, np.ndarray | np.generic):
        checksum = zlib.crc32(np.ascontiguousarray(value).tobytes())
        return f"{value.dtype}{value.shape}{value.strides}{checksum:08x}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(said, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {said(each)}' for key, each in value.items())}}}"
    if isinstance(value, Path | str) and len(str(value)) < 200 and Path(value).is_file():
        return f"{Path(value).name}: {Path(value).read_bytes()!r}"
    return repr(value)


def asked(op: str) -> list[Case]:
    """The smoke tier, some of the core tier, and random cases of all options."""
    options = options_of(op)
    drawn = [
        case_of(op, [each[(7 * place + (place + 1) * step) % len(each)] for place, each in enumerate(options)])
        for step in range(20)
    ]
    return [*cases("smoke", op=op), *cases("core", op=op)[::50], *drawn]


def trace(name: str, op: str) -> list[str]:
    """What the adapter of a framework asks of it, in each case."""
    notes: list[str] = []
    stand_in = partial(StandIn, notes)
    adapters = [module for name, module in sys.modules.items() if name.startswith("refconv.testing.frameworks.")]
    with ExitStack() as stack:
        for adapter in adapters:
            if hasattr(adapter, "import_module"):
                stack.enter_context(mock.patch.object(adapter, "import_module", stand_in))
        target = FRAMEWORKS[name].operations[op]()
        for case in asked(op):
            notes.append(case.id)
            try:
                notes.append(f"returns {said(case.called(target, case.operands()))}")
            except NotImplementedError as error:
                notes.append(f"refuses: {error}")
    assert not any(" at 0x" in note for note in notes)
    return notes


def line(name: str, op: str) -> str:
    notes = trace(name, op)
    return f"{name} {op} {len(notes)} {zlib.crc32(chr(10).join(notes).encode()):08x}"


@pytest.mark.parametrize(("name", "op"), one_in(2, EVERY))
def test_what_is_asked_of_a_framework_is_what_it_was(name: str, op: str) -> None:
    pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    assert line(name, op) in TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(trace(*sys.argv[1:]) if sys.argv[1:] else (line(name, op) for name, op in EVERY)))
