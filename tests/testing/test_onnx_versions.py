"""ONNX's reference evaluator pads under auto_pad=VALID before version 1.23: [1, 2, 3, 4] with a kernel of three ones gave
[3, 6, 9, 7] where [6, 9] is right.  With the one that is installed, the battery must find that, or find nothing."""

from __future__ import annotations

import pytest

from refconv.testing import check

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

PADS = tuple(map(int, onnx.__version__.split(".")[:2])) < (1, 23)


def test_valid_is_judged_by_the_installed_version() -> None:
    report = check("onnx", match="pvalid")
    outcomes = {result.outcome for result in report.results}
    if PADS:
        assert "failed" in outcomes, str(report)
        assert not report.passed
    else:
        assert outcomes == {"passed"}, str(report)
        assert report.passed


def test_what_is_not_valid_is_right_in_every_version() -> None:
    report = check("onnx", "smoke", match="-p1-")
    assert report.passed, str(report)
