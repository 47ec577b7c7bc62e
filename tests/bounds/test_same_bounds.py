"""What is allowed is what it was: `bounds.txt` has, for each operation and way of computing, the bounds of some cases.

Beside the proofs and the tests of each part, this notices what changes unmeant.  Each line has the number of elements
that have a bound, of those whose bound is 0 and of those that have none, and the sum of log2 of all bounds.  Where a
change is meant, print the table anew: ``PYTHONPATH=tests python tests/bounds/test_same_bounds.py > tests/bounds/bounds.txt``.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv import error_bound_of
from refconv.operations import LINEAR
from refconv.testing import Case, cases
from refconv.testing.battery.cases import DTYPES

TABLE = Path(__file__).with_name("bounds.txt")
HOWS: dict[str, dict[str, Any]] = {
    "plain": {},
    "random-order": {"bound": "random_order"},
    "confident": {"confidence": 0.99},
    "rounded": {"input_dtype": "bfloat16", "accumulate_dtype": "float16"},
    "fft": {"algorithm": "fft"},
    "winograd": {"algorithm": "winograd4"},
}
FLOATS = ("f16", "bf16", "f32", "f64", "c64")


def asked(op: str) -> list[Case]:
    """Cases of every type and of all data, as they lie in the core tier."""
    found = [case for case in cases("core", op=op) if case.dtype in FLOATS and not case.output_size]
    return [each for kind in FLOATS for each in [case for case in found if case.dtype == kind][:60:6]]


def bounds_of(op: str, how: str) -> tuple[list[int], float]:
    """How many bounds are numbers, 0, or neither, and the sum of their logarithms."""
    counts, total = np.zeros(3, int), 0.0
    for case in asked(op):
        for scale in (1.0, 2.0**-70):  # of which float32's products are subnormal
            with np.errstate(all="ignore"):
                operands = {name: array * array.dtype.type(scale) for name, array in case.operands().items()}
            scaled = case.arguments(operands)
            try:
                bound = error_bound_of(LINEAR[op].function, *scaled, dtype=DTYPES[case.dtype], **HOWS[how])
            except ValueError:  # it is not computed so
                continue
            is_number = np.isfinite(bound) & (bound > 0)
            counts += [is_number.sum(), (bound == 0).sum(), (~np.isfinite(bound)).sum()]
            total += float(np.log2(bound[is_number]).sum())
    return counts.tolist(), total


@pytest.mark.parametrize(("op", "how"), one_in(13, itertools.product(LINEAR, HOWS)))
def test_what_is_allowed_is_what_it_was(op: str, how: str) -> None:
    pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    (line,) = [line for line in TABLE.read_text().splitlines() if line.startswith(f"{op} {how} ")]
    *counts, total = line.split()[2:]
    found, sum_of_logarithms = bounds_of(op, how)
    assert found == list(map(int, counts))
    assert sum_of_logarithms == pytest.approx(float(total), rel=1e-9)


if __name__ == "__main__":
    for op in LINEAR:
        for how in HOWS:
            counts, total = bounds_of(op, how)
            print(op, how, *counts, f"{total:.12g}")
