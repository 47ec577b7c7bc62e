"""The battery in a test suite of pytest: a test for each case, named after it."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Unpack
from unittest import SkipTest

from refconv.testing.asserts import SuspectWarning
from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import cases
from refconv.testing.interface import Manner
from refconv.testing.judging.judge import run_case
from refconv.testing.judging.outcome import Outcome
from refconv.testing.targets import Target

__all__ = ["assert_case", "pytest_cases"]


def pytest_cases(
    tier: str = "core", *, op: str = "conv2d", match: str = "", dtype: str | Collection[str] | None = None
) -> list[object]:
    """Return the battery's cases as the parameters of a test, each with its name for an id: it needs pytest.

    Parameters
    ----------
    tier, op, match, dtype
        Which, as in `cases`.

    Returns
    -------
    list of pytest.param
        For ``@pytest.mark.parametrize("case", pytest_cases())``, whose test calls `assert_case`.

    Examples
    --------
    >>> [parameter.id for parameter in pytest_cases("smoke", match="psame_upper or k4x2")]
    ['n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32', 'n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32']
    """
    import pytest  # noqa: PLC0415  # an extra

    return [pytest.param(case, id=case.id) for case in cases(tier, op=op, match=match, dtype=dtype)]


def assert_case(target: str | Target, case: str | Case, *, strict: bool = False, **how: Unpack[Manner]) -> None:
    """Raise AssertionError unless a target is right in one case; it is called in the calling thread.

    Parameters
    ----------
    target, case, **how
        As in `run_case`.
    strict : bool
        Whether a result that is suspect fails as well.

    Raises
    ------
    AssertionError
        With what is wrong, where and why; of a case that ought to be refused, if it is not.
    unittest.SkipTest
        If the target raises NotImplementedError: pytest counts the test as skipped, with its reason.
    TargetError, TypeError, ValueError
        As `run_case` does.

    Warns
    -----
    SuspectWarning
        If a result is suspect, and that does not fail.

    Examples
    --------
    >>> import refconv
    >>> assert_case(refconv.conv2d, "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32")
    >>> def no_padding(input, weight, bias, stride, padding, dilation, groups):
    ...     return refconv.conv2d(input, weight, bias, stride, 0, dilation, groups)
    >>> assert_case(no_padding, "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32")
    Traceback (most recent call last):
    AssertionError: n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32: failed
      shape (1, 3, 3, 4), where (1, 3, 5, 6) was expected
      cause: the padding before the first pixel is missing, and the output is sized by that
    """
    __tracebackhide__ = True
    result = run_case(target, case, **how)
    if result.outcome == Outcome.UNSUPPORTED:
        raise SkipTest(result.detail)
    is_suspect = result.comparison is not None and result.comparison.is_suspect
    if not result.outcome.is_right or (strict and is_suspect):
        raise AssertionError(str(result))
    if is_suspect:
        warnings.warn(str(result), SuspectWarning, stacklevel=2)
