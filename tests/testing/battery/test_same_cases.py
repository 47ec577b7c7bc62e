"""The battery is the same from version to version, its numbers to the bit: `cases.txt` says of which cases it is made.

Whoever skips a case, or compares two runs, goes by its name.  Where cases are added or changed on purpose, print the
table anew: ``PYTHONPATH=tests python tests/testing/battery/test_same_cases.py > tests/testing/battery/cases.txt``.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from sampled import one_in

from refconv.operations import OPERATIONS
from refconv.testing.battery.cases import Case
from refconv.testing.battery.drawn import case_of, options_of
from refconv.testing.battery.tiers import cases

TABLE = Path(__file__).with_name("cases.txt")
PARTS = ("smoke", "core", "full", "refused", "drawn")


def of_part(op: str, part: str) -> list[Case]:
    """The cases that a tier has and the smaller ones have not, those that ought to be refused, or some random ones."""
    if part == "drawn":  # from the options of random cases, each of them from its first to its last
        options = options_of(op)
        return [
            case_of(op, [each[(7 * place + (place + 1) * step) % len(each)] for place, each in enumerate(options)])
            for step in range(99)
        ]
    if part == "refused":
        return [case for case in cases("core", op=op, refusals=True) if case.rejects]
    before = PARTS[PARTS.index(part) - 1 : PARTS.index(part)]
    known = {case.id for tier in before for case in cases(tier, op=op)}
    return [case for case in cases(part, op=op) if case.id not in known]


def said(case: Case, *, numbers: bool) -> bytes:
    """All that a case is, and the numbers and the layout of its arrays."""
    said = [repr(case).encode()]
    if numbers:
        for name, array in case.operands().items():
            kind = str(array.dtype), array.shape, array.strides
            said += [f"{name} {kind}".encode(), np.ascontiguousarray(array).tobytes()]
    return b"\n".join(said)


def line(op: str, part: str) -> str:
    """How many cases an operation has in a part, and a checksum of them: of the full tier and of random ones, of all but the numbers."""
    found = of_part(op, part)
    checksum = zlib.crc32(b"\n".join(said(case, numbers=part not in ("full", "drawn")) for case in found))
    return f"{op} {part} {len(found)} {checksum:08x}"


def check(op: str, part: str) -> None:
    pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    assert line(op, part) in TABLE.read_text().splitlines()


@pytest.mark.parametrize("op", one_in(4, OPERATIONS))
def test_the_cases_are_what_they_were(op: str) -> None:
    for part in ("smoke", "core", "refused", "drawn"):
        check(op, part)


@pytest.mark.parametrize("op", one_in(7, OPERATIONS))
def test_the_cases_of_the_full_tier_are_what_they_were(op: str) -> None:
    check(op, "full")


if __name__ == "__main__":
    print("\n".join(line(op, part) for op in OPERATIONS for part in PARTS))
