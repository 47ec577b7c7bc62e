"""Random cases: Hypothesis draws them until one fails, and shrinks that one to the smallest that fails.

Nothing is left behind: no database, and no cache in the working directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from refconv.testing.battery.cases import RANDOM, Case
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.grouping import symptom
from refconv.testing.strategies import cases_of

__all__: list[str] = []


def fuzz(
    run: Callable[[Case], CaseResult],
    op: str,
    count: int,
    rng: int,
    is_wanted: Callable[[Case], bool],
    on_result: Callable[[CaseResult], object],
) -> None:
    """Run up to `count` random cases, and hand on each result; of the failures, the smallest alone, last.

    Each case is run once, however often Hypothesis asks: a target that is wrong by chance is wrong all the same.  A
    case that had no answer in time is not shrunk, for each step might have to wait as long.  And
    wrong numbers are not shrunk to an exception, nor the other way round: that would be another failure.

    Raises
    ------
    ValueError
        If no drawn case is wanted.
    ModuleNotFoundError
        If Hypothesis is not installed.
    """
    drawn = cases_of(op).filter(is_wanted)
    from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings  # noqa: PLC0415  # an extra
    from hypothesis.errors import Unsatisfiable  # noqa: PLC0415

    results: dict[str, CaseResult] = {}
    failures: list[CaseResult] = []

    def attempt(case: Case) -> None:
        if case.id not in results:
            if any(not failure.is_answered for failure in failures):
                return
            result = results[case.id] = run(replace(case, family=RANDOM))
            if result.outcome != Outcome.FAILED and not failures:
                on_result(result)
        result = results[case.id]
        if result.outcome == Outcome.FAILED and symptom(result) == symptom((*failures, result)[0]):
            failures.append(result)
            raise _FailureError(result)

    quiet = settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with _elsewhere():
        try:
            seed(rng)(quiet(given(drawn)(attempt)))()
        except _FailureError as failure:
            on_result(failure.result)
        except Unsatisfiable:
            raise ValueError("no random case of the kind asked for was drawn") from None


class _FailureError(Exception):
    """A case failed: what Hypothesis shrinks."""

    def __init__(self, result: CaseResult) -> None:
        super().__init__(result.id)
        self.result = result


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Have Hypothesis keep its caches in a folder that is deleted afterwards."""
    from hypothesis import configuration  # noqa: PLC0415  # an extra

    before: Any = configuration.storage_directory()  # a path, or in newer versions something with one
    with TemporaryDirectory() as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(Path(getattr(before, "path", before)))
