"""What a report says of wrong kernels is what it said before: `reports.txt` has checksums of text, JSON, JUnit and page.

Beside the tests of each part, this notices what changes unmeant.  Where it is meant, print the table anew:
``PYTHONPATH=tests:tests/testing python tests/testing/reporting/test_same_reports.py > tests/testing/reporting/reports.txt``.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from unittest import mock

import adjoint_mutants
import mutants
import pytest
from sampled import one_in

from refconv.testing import as_junit, check
from refconv.testing.reporting import html
from refconv.testing.reporting.report import Report

TABLE = Path(__file__).with_name("reports.txt")
# A kernel, its operation, and which cases of the smoke tier it is asked.
WRONG: tuple[tuple[ModuleType, str, str, str], ...] = (
    (mutants, "padding_axes_swapped", "conv2d", "k2 or k3"),
    (mutants, "dilation_ignored_along_width", "conv2d", "f32"),
    (mutants, "bias_missing", "conv2d", "k"),
    (adjoint_mutants, "padding_sides_swapped", "conv_transpose2d", "f32"),
    (adjoint_mutants, "weight_read_as_transposed", "conv_transpose2d", "k"),
)


def texts(report: Report) -> list[str]:
    """All forms of a report, without what is measured."""
    results = tuple(replace(result, seconds=0.0) for result in report.results)
    report = replace(report, results=results)
    with mock.patch.object(html, "_circumstances", return_value=[]):
        return [str(report), repr(report), json.dumps(report.to_json()), as_junit(report), html.as_html(report)]


def line(module: ModuleType, name: str, op: str, match: str) -> str:
    report = check(getattr(module, name), "smoke", op=op, match=match, time_limit=None)
    assert not report.passed
    return f"{name} {' '.join(f'{zlib.crc32(text.encode()):08x}' for text in texts(report))}"


@pytest.mark.parametrize(("module", "name", "op", "match"), one_in(4, WRONG))
def test_the_report_is_what_it_was(module: ModuleType, name: str, op: str, match: str) -> None:
    assert line(module, name, op, match) in TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(line(*wrong) for wrong in WRONG))
