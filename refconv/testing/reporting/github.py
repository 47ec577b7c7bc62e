"""Causes as annotations, which GitHub Actions shows beside the code: a workflow command for each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from refconv.testing.reporting.report import Report

__all__: list[str] = []

MOST: Final = 10  # of a step that are shown


def as_annotations(report: Report) -> Iterator[str]:
    r"""Yield a line for each cause, and one for a run that is not right without a failure.

    >>> from refconv.testing import check
    >>> def kernel(input, weight, bias, stride, padding, dilation, groups):
    ...     return weight
    >>> line = next(as_annotations(check(kernel, "smoke", match="pvalid")))
    >>> print(line.replace("%0A", "\n"))
    ::error title=kernel::1 case fails: it is non-linear in the input: f(−x) is not −f(x)
    should be: a convolution is linear in each argument
    n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32
    shape (3, 2, 3, 3), where (1, 3, 3, 7) was expected
    print(run_case(kernel, 'n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32'))
    """
    file, colon, _ = report.target.rpartition(".py:")
    workspace = os.environ.get("GITHUB_WORKSPACE", ".")
    place = {"file": os.path.relpath(f"{file}.py", workspace)} if colon else {}
    texts = ["\n".join([*report.story(c), report.reproduction(c.failures[0])]) for c in report.causes()[:MOST]]
    for text in texts or ([] if report.passed else [report.headline()]):
        yield f"::error {_written({**place, 'title': report.subject})}::{_escaped(text)}"


def _written(properties: Mapping[str, str]) -> str:
    escaped = {name: _escaped(value).replace(":", "%3A").replace(",", "%2C") for name, value in properties.items()}
    return ",".join(f"{name}={value}" for name, value in escaped.items())


def _escaped(text: str) -> str:
    """Return a text on one line, as the runner reads it: https://github.com/actions/toolkit, `command.ts` (2026)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
