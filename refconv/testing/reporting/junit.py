"""The report in the XML of JUnit, which services of continuous integration show: a test for each case."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.report import Report

__all__ = ["as_junit"]

_ELEMENTS: Final = {
    Outcome.FAILED: "failure",
    Outcome.LESS_PRECISE: "failure",
    Outcome.UNSUPPORTED: "skipped",
    Outcome.NOT_REFUSED: "skipped",
}
_NOT_IN_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def as_junit(report: Report) -> str:
    """Return a report as JUnit's XML: a test suite, with a test case for each of the battery's.

    Cases that fail, or are less precise than their type, are failures, whose message is the cause; those that the
    target does not support, or ought to have refused, are skipped.

    Parameters
    ----------
    report : Report
        What `check` returned.

    Returns
    -------
    str
        A document in UTF-8, as pytest's ``--junit-xml`` writes them.

    Examples
    --------
    >>> from refconv.testing import check
    >>> page = as_junit(check("refconv", "smoke"))
    >>> page.split(" time=")[0]
    '<testsuites><testsuite name="refconv check refconv, tier smoke" tests="20" failures="0" skipped="0"'
    """
    sentences = {failure.id: cause.sentence for cause in report.causes() for failure in cause.failures}
    kinds = [_kind(report, result) for result in report.results]
    counts = {"tests": len(kinds), "failures": kinds.count("failure"), "skipped": kinds.count("skipped")}
    seconds = sum(result.seconds for result in report.results)
    suites = Element("testsuites")
    suite = SubElement(suites, "testsuite", _attributes(name=report.run, **counts, time=f"{seconds:.3f}"))
    for result, kind in zip(report.results, kinds, strict=True):
        named = _attributes(classname=f"{report.op}.{result.family}", name=result.id, time=f"{result.seconds:.3f}")
        case = SubElement(suite, "testcase", named)
        if kind:
            message = sentences.get(result.id, result.detail.partition("\n")[0])
            told = SubElement(case, kind, _attributes(message=message, type=result.outcome))
            told.text = _clean(result.detail)
    return tostring(suites, encoding="unicode") + "\n"


def _kind(report: Report, result: CaseResult) -> str:
    """Return the element that says what came of a case; empty for what is right."""
    is_suspect = result.comparison is not None and result.comparison.is_suspect
    return "failure" if report.strict and is_suspect else _ELEMENTS.get(result.outcome, "")


def _attributes(**values: object) -> dict[str, str]:
    return {name: _clean(value) for name, value in values.items()}


def _clean(value: object) -> str:
    """Return text without the characters that XML cannot have: a target's exception may hold any."""
    return _NOT_IN_XML.sub("�", str(value))
