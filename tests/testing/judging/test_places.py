"""Places in which cases run: which of them the arguments ask for, and what somebody else's map must give back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import kernels
import pytest

from refconv.testing import Case, CaseResult, Outcome, find_case
from refconv.testing.judging.places import _anywhere, name_of, open_place

FIRST, SECOND = (find_case(f"n{n}-c1-o1-g1-2x3-k1-s1-p0-d1-f32") for n in (1, 2))


def test_a_function_in_its_own_process_or_thread_answers_in_order() -> None:
    for time_limit in (None, 60.0):
        with open_place(kernels.right, "conv2d", 2, 1, time_limit, None) as place:
            assert [(found.id, found.outcome) for found in place([SECOND, FIRST])] == [
                (case.id, Outcome.PASSED) for case in (SECOND, FIRST)
            ]


def test_processes_of_their_own_are_for_what_they_can_import() -> None:
    with open_place(kernels.right, "conv2d", 2, 2, 60.0, None) as place:
        assert callable(place)
    local: Callable[..., Any] = lambda *_: None
    with pytest.raises(ValueError, match=r"workers=3 needs a target .*; <lambda> is not"):
        open_place(local, "conv2d", 2, 3, 60.0, None).__enter__()


@pytest.mark.parametrize(
    ("target", "workers", "map_like"), [("kernels:right", 1, None), (kernels.right, 2, None), (kernels.right, 1, map)]
)
def test_without_a_time_limit_a_function_runs_in_the_calling_thread(target: Any, workers: int, map_like: Any) -> None:
    with pytest.raises(ValueError, match="time_limit=None is for a callable"):
        open_place(target, "conv2d", 1, workers, None, map_like).__enter__()


def answers(*ids: str) -> list[CaseResult]:
    return [CaseResult(name, "", Outcome.PASSED) for name in ids]


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (answers(FIRST.id, SECOND.id), None),
        (
            answers(SECOND.id, FIRST.id),
            rf"^map= must keep the order of the cases; it returned {SECOND.id} for {FIRST.id}",
        ),
        (answers(FIRST.id), rf"for {SECOND.id} it returned something of type NoneType"),
        ([0, 1], rf"for {FIRST.id} it returned something of type int"),
    ],
)
def test_somebody_elses_map_gives_a_result_for_each_case_in_order(returned: list[Any], error: str | None) -> None:
    def given(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        assert list(items) == [FIRST, SECOND]
        return returned

    with open_place(kernels.right, "conv2d", 2, 1, 60.0, given) as place:
        if error is None:
            assert [*place([FIRST, SECOND])] == returned
        else:
            with pytest.raises((TypeError, ValueError), match=error):
                list(place([FIRST, SECOND]))


def test_a_map_is_not_called_without_a_case() -> None:
    def never(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        raise AssertionError

    with open_place(kernels.right, "conv2d", 2, 1, 60.0, never) as place:
        assert not [*place(list[Case]())]


def test_a_file_is_named_in_full_where_another_directory_may_be_the_working_one() -> None:
    assert _anywhere("some/kernel.py:f") == f"{Path.cwd() / 'some' / 'kernel.py'}:f"
    assert _anywhere("package.module:f") == "package.module:f"
    assert _anywhere(kernels.right) is kernels.right


def test_a_target_has_the_name_of_its_own_scope() -> None:
    def inner() -> None: ...

    assert [name_of(target) for target in ("a.py:f", kernels.right, inner)] == ["a.py:f", "right", "inner"]
