"""Judge a convolution: by asserts in a test suite, or by the whole battery.

>>> from refconv.testing import check
>>> print(check("refconv", "smoke"))
refconv: right (20 passed, 0 failed)
"""

from refconv.testing import strategies
from refconv.testing.addressing import Addressing, trace_addressing
from refconv.testing.asserts import assert_conv2d_matches, assert_result_matches
from refconv.testing.battery import cases, find_case
from refconv.testing.cases import Case
from refconv.testing.compare import compare_conv2d, compare_result
from refconv.testing.comparison import Comparison
from refconv.testing.conformance import check
from refconv.testing.diagnose import diagnose, diagnose_result
from refconv.testing.finding import Finding
from refconv.testing.grouping import Cause
from refconv.testing.html import as_html
from refconv.testing.judge import CaseResult, run_case
from refconv.testing.report import Report
from refconv.testing.targets import TargetError, load_target

__all__ = [
    "Addressing",
    "Case",
    "CaseResult",
    "Cause",
    "Comparison",
    "Finding",
    "Report",
    "TargetError",
    "as_html",
    "assert_conv2d_matches",
    "assert_result_matches",
    "cases",
    "check",
    "compare_conv2d",
    "compare_result",
    "diagnose",
    "diagnose_result",
    "find_case",
    "load_target",
    "run_case",
    "strategies",
    "trace_addressing",
]
