"""Judge a convolution: by asserts in a test suite, or by the whole battery.

>>> from refconv.testing import check
>>> print(check("refconv", "smoke"))
refconv: right (20 passed, 0 failed)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refconv.testing import strategies
    from refconv.testing.adapters import explicit_padding, plain, require
    from refconv.testing.asserts import SuspectWarning, assert_conv2d_matches, assert_result_matches
    from refconv.testing.battery.cases import Case
    from refconv.testing.battery.tiers import cases, find_case
    from refconv.testing.comparing.compare import compare_conv2d, compare_result
    from refconv.testing.comparing.comparison import Comparison
    from refconv.testing.conformance import check
    from refconv.testing.diagnosis.addressing import Addressing, trace_addressing
    from refconv.testing.diagnosis.diagnose import diagnose, diagnose_result
    from refconv.testing.diagnosis.finding import Finding
    from refconv.testing.judging.judge import CaseResult, run_case
    from refconv.testing.judging.outcome import Outcome
    from refconv.testing.reporting.grouping import Cause
    from refconv.testing.reporting.html import as_html
    from refconv.testing.reporting.junit import as_junit
    from refconv.testing.reporting.report import Report
    from refconv.testing.suite import assert_case, pytest_cases
    from refconv.testing.targets import TargetError, load_target
    from refconv.testing.vectors import judge_vectors, write_vectors
    from refconv.testing.verification.verify import Verification, verify_result

# fmt: off
__all__ = [
    "Addressing", "Case", "CaseResult", "Cause", "Comparison", "Finding", "Outcome", "Report", "SuspectWarning",
    "TargetError", "Verification", "as_html", "as_junit", "assert_case", "assert_conv2d_matches",
    "assert_result_matches", "cases", "check", "compare_conv2d", "compare_result", "diagnose", "diagnose_result",
    "explicit_padding", "find_case", "judge_vectors", "load_target", "plain", "pytest_cases", "require", "run_case",
    "strategies", "trace_addressing", "verify_result", "write_vectors",
]
# fmt: on

# Where to find what is imported when it is first named: a process in which a target runs needs little of it.
_MODULES = {
    "adapters": ("explicit_padding", "plain", "require"),
    "asserts": ("SuspectWarning", "assert_conv2d_matches", "assert_result_matches"),
    "battery.cases": ("Case",),
    "battery.tiers": ("cases", "find_case"),
    "comparing.compare": ("compare_conv2d", "compare_result"),
    "comparing.comparison": ("Comparison",),
    "conformance": ("check",),
    "diagnosis.addressing": ("Addressing", "trace_addressing"),
    "diagnosis.diagnose": ("diagnose", "diagnose_result"),
    "diagnosis.finding": ("Finding",),
    "judging.judge": ("CaseResult", "run_case"),
    "judging.outcome": ("Outcome",),
    "reporting.grouping": ("Cause",),
    "reporting.html": ("as_html",),
    "reporting.junit": ("as_junit",),
    "reporting.report": ("Report",),
    "suite": ("assert_case", "pytest_cases"),
    "targets": ("TargetError", "load_target"),
    "vectors": ("judge_vectors", "write_vectors"),
    "verification.verify": ("Verification", "verify_result"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"refconv.testing.{_PLACES[name]}"), name)
    if name in __all__:
        return import_module(f"refconv.testing.{name}")
    raise AttributeError(f"module 'refconv.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
