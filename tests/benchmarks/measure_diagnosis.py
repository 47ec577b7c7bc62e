"""How many wrong kernels are detected, and named?  And what does naming cost?  The numbers of docs/diagnosis.md.

``python tests/benchmarks/measure_diagnosis.py`` judges every mutant of tests/testing/mutants.py by the core battery, with
the command's own isolation, and diagnoses the arrays of one case.  It takes some minutes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "testing"
sys.path.insert(0, str(TESTS))

import mutants
from mutant_causes import CAUSES

from refconv.testing import Report, check, diagnose, find_case


def main() -> None:
    seconds = {}
    for name in mutants.RIGHT:
        report, seconds[name] = timed(name)
        print(f"{name:34s} {seconds[name]:5.2f} s  {report.verdict()}", flush=True)
        assert report.passed
        assert not report.causes()
    detected, named, among_three = [], [], []
    for name, expected in CAUSES.items():
        report, seconds[name] = timed(name)
        first = report.causes()[0].code if report.causes() else "-"
        case = find_case(expected.case)
        arguments = (*case.arrays(), case.stride, case.padding, case.dilation, case.groups)
        codes = [finding.code for finding in diagnose(getattr(mutants, name)(*arguments), *arguments)]
        detected += [name] * bool(report.failures)
        named += [name] * (first == expected.code)
        among_three += [name] * (expected.code in codes[:3])
        print(f"{name:34s} {seconds[name]:5.2f} s  check: {first:34s} diagnose: {', '.join(codes[:3])}", flush=True)
    everything = set(CAUSES)
    slowest = max(CAUSES, key=lambda name: seconds[name])
    right = seconds["im2col"]
    print(f"detected {len(detected)} of {len(CAUSES)}; not {sorted(everything - set(detected))}")
    print(f"named first by check {len(named)}; not {sorted(everything - set(named))}")
    print(f"among the first three of diagnose {len(among_three)}; not {sorted(everything - set(among_three))}")
    print(
        f"the slowest, {slowest}, takes {seconds[slowest] / right:.1f} times as long as the right im2col ({right:.2f} s)"
    )


def timed(name: str) -> tuple[Report, float]:
    """Return the report, and the seconds of processor that it took, here and in the child: other work does not count."""
    start = sum(os.times()[:4])
    report = check(f"{TESTS / 'mutants.py'}:{name}")
    return report, sum(os.times()[:4]) - start


if __name__ == "__main__":
    main()
