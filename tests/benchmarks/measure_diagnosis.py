"""How many wrong kernels are detected, and named?  And what does naming cost?  The numbers of docs/diagnosis.md.

``python tests/benchmarks/measure_diagnosis.py`` judges every mutant of tests/testing/mutants.py and adjoint_mutants.py by
the core battery, with the command's own isolation, and diagnoses the arrays of one case.  It takes some minutes.  With
``loops`` behind it, it prints what is said first of the kernels of tests/testing/loops.py instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1] / "testing"
sys.path[:0] = [str(TESTS), str(TESTS / "diagnosis"), str(TESTS.parent)]

import adjoint_mutant_causes
import adjoint_mutants
import loops
import mutant_causes
import mutants
from mutant_causes import Expected
from test_loops import CAUSES

from refconv.testing import Report, check, diagnose_result, find_case


def main() -> None:
    measure("mutants.py", dict.fromkeys(mutants.RIGHT, "conv2d"), mutant_causes.CAUSES)
    right = {name: op for op, names in adjoint_mutants.RIGHT.items() for name in names}
    measure("adjoint_mutants.py", right, adjoint_mutant_causes.CAUSES)


def measure(file: str, right: Mapping[str, str], causes: Mapping[str, Expected]) -> None:
    print(file)
    fullest: dict[str, tuple[int, float]] = {}  # of the right ones that support most, the quickest's time, by operation
    for name, op in right.items():
        report, seconds = timed(f"{file}:{name}", op)
        fullest[op] = max((report.counts()["passed"], -seconds), fullest.get(op, (0, 0.0)))
        print(f"{name:34s} {seconds:5.2f} s  {report.verdict()}", flush=True)
        assert report.passed
        assert not report.causes()
    detected, named, among_three, ratios = [], [], [], {}
    for name, expected in causes.items():
        case = find_case(expected.case)
        report, seconds = timed(f"{file}:{name}", case.op)
        ratios[name] = -seconds / fullest[case.op][1]
        first = report.causes()[0].code if report.causes() else "-"
        arguments = case.arguments(case.operands())
        kernel = getattr(mutants if file == "mutants.py" else adjoint_mutants, name)
        codes = [finding.code for finding in diagnose_result(kernel(*arguments), case.operation.function, *arguments)]
        detected += [name] * bool(report.failures)
        named += [name] * (first == expected.code)
        among_three += [name] * (expected.code in codes[:3])
        print(f"{name:34s} {seconds:5.2f} s  check: {first:34s} diagnose: {', '.join(codes[:3])}", flush=True)
    everything, slowest = set(causes), max(ratios, key=lambda name: ratios[name])
    print(f"detected {len(detected)} of {len(causes)}; not {sorted(everything - set(detected))}")
    print(f"named first by check {len(named)}; not {sorted(everything - set(named))}")
    print(f"among the first three of diagnose {len(among_three)}; not {sorted(everything - set(among_three))}")
    print(f"the slowest, {slowest}, takes {ratios[slowest]:.1f} times as long as a right one that supports most")


def print_first_lines() -> None:
    """Print the table of the loops: by the smoke tier, or where that does not say it, by the core tier in float32."""
    for name, (code, *_) in CAUSES.items():
        report, tier = check(getattr(loops, name), "smoke", op=loops.KINDS[name].op, time_limit=None), "smoke"
        if not report.causes() or report.causes()[0].code != code:
            tier = "core"
            report = check(
                getattr(loops, name), tier, op=loops.KINDS[name].op, dtype="float32", fuzz=0, time_limit=None
            )
        print(f"| `{name}` | {tier} | {report.headline()} |", flush=True)


def timed(kernel: str, op: str) -> tuple[Report, float]:
    """Return the report, and the seconds of processor that it took, here and in the child: other work does not count."""
    start = sum(os.times()[:4])
    report = check(f"{TESTS}/{kernel}", op=op)
    return report, sum(os.times()[:4]) - start


if __name__ == "__main__":
    print_first_lines() if sys.argv[1:] == ["loops"] else main()
