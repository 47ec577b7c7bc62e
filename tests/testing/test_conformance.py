from __future__ import annotations

import concurrent.futures
import json
import math
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import kernels
import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.testing import CaseResult, Comparison, Outcome, Report, TargetError, cases, check, find_case
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.judging import places
from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.judging.isolation import IsolatedTarget
from refconv.testing.judging.outcome import Ending
from refconv.testing.judging.places import name_of
from refconv.testing.reporting.report import _plain

DILATED = "n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32"
DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
SMOKE = [case.id for case in cases("smoke")]
KERNELS = str(Path(kernels.__file__))


def outcomes(report: Report) -> list[tuple[str, str, str]]:
    return [(result.id, result.outcome, result.detail) for result in report.results]


def not_passed(report: Report) -> list[tuple[str, str]]:
    return [(result.id, result.detail) for result in report.results if result.outcome != "passed"]


def test_a_right_callable() -> None:
    report = check(kernels.right, "smoke")
    assert report.passed
    assert report.failures == []
    assert report.counts() == {
        "passed": 20,
        "differs by convention": 0,
        "less precise": 0,
        "failed": 0,
        "unsupported": 0,
        "not refused": 0,
    }
    assert [result.id for result in report.results] == SMOKE
    assert str(report) == report.verdict() == "right: right (20 passed, 0 failed)"


def test_a_right_name() -> None:
    report = check("kernels:right", "smoke")
    assert str(report) == "kernels:right: right (20 passed, 0 failed)"
    assert [result.id for result in report.results] == SMOKE


def test_a_wrong_callable() -> None:
    report = check(kernels.one_pixel_off, "smoke", match="k2x3")
    assert not report.passed
    assert [result.id for result in report.failures] == [DEFAULT, DEFAULT + "-real"]
    assert report.verdict() == "one_pixel_off: WRONG (0 passed, 2 failed)"
    assert report.headline() == "WRONG: 1 is added at the last pixel (bottom right), whatever the data"


def test_nothing_supported_is_nothing_judged() -> None:
    report = check(kernels.supports_nothing, "smoke")
    assert not report.passed
    assert report.failures == []
    assert report.verdict() == "supports_nothing: NOT JUDGED (0 passed, 0 failed, 20 unsupported)"


@pytest.mark.slow
def test_what_is_not_refused_does_not_fail_a_run() -> None:
    report = check(kernels.accepts_everything, match="e", refusals=True)
    assert report.passed
    assert report.counts()["not refused"] == 20
    assert (
        report.headline() == f"RIGHT in all {report.counts()['passed']} cases, and does not refuse 20 that it ought to"
    )
    passed = report.counts()["passed"]
    assert report.verdict() == f"accepts_everything: right ({passed} passed, 0 failed, 20 not refused)"
    only = check(kernels.accepts_everything, match="rejected", refusals=True)
    assert not only.passed  # nothing was judged
    assert only.verdict().startswith("accepts_everything: NOT JUDGED")


@pytest.fixture
def c_kernel(tmp_path: Path) -> str:
    """A right kernel of which a part is in C, which divides by the groups as they come."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, library = tmp_path / "part.c", tmp_path / "part.so"
    source.write_text("int part(int channels, int groups) { return channels / groups; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    (tmp_path / "c_kernel.py").write_text(
        "import ctypes, refconv\n"
        f"part = ctypes.CDLL({str(library)!r}).part\n"
        "def conv2d(input, weight, bias, stride, padding, dilation, groups):\n"
        "    assert part(input.shape[-3], groups) == weight.shape[1]\n"
        "    return refconv.conv2d(input, weight, bias, stride, padding, dilation, groups)\n"
    )
    return f"{tmp_path / 'c_kernel.py'}:conv2d"


def test_a_kernel_undefined_where_it_ought_to_refuse_is_right(c_kernel: str) -> None:
    report = check(c_kernel, match="groups")
    assert report.headline() == f"RIGHT in all {len(cases(match='groups'))} cases"
    report = check(c_kernel, match="groups", refusals=True)
    assert report.passed
    assert (
        report.headline() == f"RIGHT in all {len(cases(match='groups'))} cases, and does not refuse 1 that it ought to"
    )
    (undefined,) = [result for result in report.results if result.outcome == Outcome.NOT_REFUSED]
    assert undefined.id == "reject-groups-zero"
    assert undefined.detail == "the process died: killed by SIGFPE; it dies alone, too"
    assert [result.family for result in report.results[-5:]] == ["groups", *["rejected"] * 4]


def test_a_kernel_that_hangs_where_it_ought_to_refuse_is_asked_on() -> None:
    report = check(lambda *_: threading.Event().wait(), match="rejected", refusals=True, time_limit=0.05)
    assert {(result.outcome, result.detail) for result in report.results} == {
        ("not refused", "no answer within 0.05 s")
    }
    assert len(report.results) == 20
    assert report.failures == []


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([("smoke", "passed")], "the one case"),
        ([("smoke", "passed"), ("smoke", "differs by convention"), ("rejected", "passed")], "all 2 cases"),
        (
            [("smoke", "passed"), ("smoke", "unsupported"), ("rejected", "unsupported")],
            "the 1 of 2 cases that it supports",
        ),
        ([("smoke", "less precise"), ("random", "passed"), ("random", "unsupported")], "the one case and 1 random one"),
        (
            [("smoke", "unsupported"), *[("random", "passed")] * 3],
            "the 0 of 1 cases that it supports and 3 random ones",
        ),
    ],
)
def test_how_much_was_covered(results: list[tuple[str, str]], words: str) -> None:
    assert made_up("t", *(CaseResult("id", family, Outcome(outcome)) for family, outcome in results)).coverage == words


@pytest.mark.slow
def test_the_core_tier_is_the_default() -> None:
    report = check(refconv.conv2d)
    assert report.tier == "core"
    assert [result.id for result in report.results] == [case.id for case in cases()]
    assert report.passed


def test_families_and_their_counts() -> None:
    report = check(kernels.ignores_groups, match="memory")
    assert report.families() == ["memory"]
    assert report.counts("memory") == report.counts()
    assert report.counts("memory") == {
        "passed": 26,
        "differs by convention": 0,
        "less precise": 0,
        "failed": 0,
        "unsupported": 2,
        "not refused": 0,
    }
    assert set(report.counts("no such family").values()) == {0}
    assert list(report.counts()) == [
        "passed",
        "differs by convention",
        "less precise",
        "failed",
        "unsupported",
        "not refused",
    ]


def test_families_come_in_the_order_of_the_battery() -> None:
    assert check(kernels.supports_nothing, refusals=True).families() == [
        "smoke",
        "pairwise",
        "padding",
        "stride",
        "dilation",
        "same",
        "groups",
        "channels",
        "tiles",
        "probes",
        "degenerate",
        "memory",
        "types",
        "values",
        "layers",
        "beside",
        "batch",
        "threads",
        "rejected",
    ]


def test_cases_are_chosen_by_text_and_type() -> None:
    report = check(kernels.right, match="memory", dtype="float64")
    assert [result.id for result in report.results] == [case.id for case in cases(match="memory", dtype="float64")]
    assert report.results


@pytest.mark.parametrize(
    "target", [kernels.hangs_when_dilated, "kernels:hangs_when_dilated"], ids=["thread", "process"]
)
def test_a_case_that_hangs(target: Any) -> None:
    report = check(target, "smoke", time_limit=1)
    assert not_passed(report) == [(DILATED, "no answer within 1 s")]
    assert [result.id for result in report.results] == SMOKE


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("segfaults_when_dilated", "the process died: killed by SIGSEGV; it dies alone, too"),
        ("exits_0_when_dilated", "the process died: exit status 0; it dies alone, too"),
        ("none_when_dilated", "None was returned"),
    ],
)
def test_a_case_that_ends_its_process_or_returns_garbage(target: str, detail: str) -> None:
    report = check(f"kernels:{target}", "smoke")
    assert not_passed(report) == [(DILATED, detail)]
    assert [result.id for result in report.results] == SMOKE


def test_a_target_that_always_hangs_is_judged_to_the_end() -> None:
    report = check(kernels.hangs, "smoke", match="k2x3", time_limit=0.1)
    assert [result.detail for result in report.results] == ["no answer within 0.1 s"] * 2


@pytest.mark.parametrize("name", one_in(2, ["kernels:exits_3_when_dilated", "kernels:one_pixel_off"]))
def test_two_workers_find_what_one_finds_in_the_same_order(name: str) -> None:
    one, two = check(name, "smoke", match="k3"), check(name, "smoke", 2, match="k3")
    assert outcomes(one) == outcomes(two)
    assert (one.target, one.tier) == (two.target, two.tier) == (name, "smoke")


def test_workers_are_processes() -> None:
    assert len({result.detail for result in check("kernels:tells_its_process", "smoke", 2, match="k3").results}) == 2


def test_no_more_processes_are_started_than_there_are_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Counted(IsolatedTarget):
        def __init__(self, *arguments: Any) -> None:
            made.append(arguments[:4])
            super().__init__(*arguments)

    monkeypatch.setattr(places, "IsolatedTarget", Counted)
    assert check("kernels:right", "smoke", 7, match="d2x3").passed
    assert made == [("kernels:right", "conv2d", 20.0, max(1, (os.cpu_count() or 1) // 7))]
    made.clear()
    assert check("kernels:right", "smoke", match="d2x3", time_limit=30).passed
    assert made == [("kernels:right", "conv2d", 30, None)]  # one worker has all threads to itself


def test_every_process_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    open_now: set[IsolatedTarget] = set()

    class Counted(IsolatedTarget):
        def __call__(self, *arguments: Any) -> CaseResult:
            open_now.add(self)
            return super().__call__(*arguments)

        def close(self) -> None:
            super().close()
            open_now.discard(self)

    monkeypatch.setattr(places, "IsolatedTarget", Counted)
    most = 0

    def count(result: CaseResult) -> None:
        nonlocal most
        most = max(most, len(open_now))

    check("kernels:right", "smoke", 2, match="k3", on_result=count)
    assert (most, open_now) == (2, set())

    def interrupt(result: CaseResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("kernels:right", "smoke", 2, match="k3", on_result=interrupt)
    assert not open_now


def test_an_importable_function_is_run_by_two_workers() -> None:
    report = check(kernels.right, "smoke", 2, match="k2x3")
    assert report.verdict() == "right: right (2 passed, 0 failed)"


def test_a_lambda_is_not_run_by_two_workers() -> None:
    with pytest.raises(ValueError, match="workers=2 needs a target") as caught:
        check(lambda *arguments: kernels.right(*arguments), "smoke", 2)  # noqa: PLW0108  # a lambda is what is refused
    assert str(caught.value) == (
        "workers=2 needs a target that other processes can import, such as 'package.module:function' or "
        "'path/to/file.py:function'; <lambda> is not"
    )


def list_map(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [function(item) for item in items]


@pytest.mark.parametrize("target", ["kernels:none_when_dilated", kernels.none_when_dilated], ids=["name", "function"])
def test_a_plain_map(target: Any) -> None:
    report = check(target, "smoke", map=list_map)
    assert not_passed(report) == [(DILATED, "None was returned")]
    assert [result.id for result in report.results] == SMOKE


def test_a_map_is_given_the_time_limit() -> None:
    report = check(kernels.hangs, "smoke", match="d2x3", time_limit=0.1, map=list_map)
    assert not_passed(report) == [(DILATED, "no answer within 0.1 s")]


def test_a_map_replaces_the_workers() -> None:
    seen: list[int] = []

    def counted(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        seen.append(len(items))
        return list_map(function, items)

    assert check(lambda *arguments: kernels.right(*arguments), "smoke", 2, map=counted).passed  # noqa: PLW0108
    assert seen == [20]


def test_a_map_of_threads() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        report = check("kernels:right", "smoke", map=executor.map)
    assert [result.id for result in report.results] == SMOKE
    assert report.passed


def test_a_file_means_the_same_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def travelling_map(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        monkeypatch.chdir(elsewhere)
        return list_map(function, items)

    monkeypatch.chdir(Path(KERNELS).parent)
    report = check("kernels.py:right", "smoke", match="d2x3", map=travelling_map)
    assert report.passed
    assert report.target == "kernels.py:right"


@pytest.mark.slow
def test_a_map_of_processes() -> None:
    import multiprocessing  # noqa: PLC0415  # beside its only use

    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        report = check(f"{KERNELS}:one_pixel_off", "smoke", match="k2x3", map=executor.map)
    assert [result.id for result in report.failures] == [DEFAULT, DEFAULT + "-real"]


@pytest.mark.filterwarnings("default")  # dask's own warnings are no business of ours
def test_the_map_of_a_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.Client(**options) as client:
        report = check("kernels:none_when_dilated", "smoke", map=client.get_executor().map)
    assert not_passed(report) == [(DILATED, "None was returned")]
    assert [result.id for result in report.results] == SMOKE


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_worker_that_dies_on_the_way_loses_no_case() -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    killed: list[int] = []
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:

        def kill_one(_: CaseResult) -> None:
            if not killed:
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        report = check("refconv", match="s2", map=client.get_executor().map, on_result=kill_one)
    assert killed
    assert report.passed
    assert [result.id for result in report.results] == [case.id for case in cases(match="s2")]


@pytest.mark.parametrize("target", [kernels.right, "kernels:right"], ids=["callable", "name"])
def test_results_are_shown_in_order_as_they_come(target: Any) -> None:
    seen: list[CaseResult] = []
    report = check(target, "smoke", match="k3", on_result=seen.append)
    assert tuple(seen) == report.results


def test_results_are_shown_before_the_next_case_is_run() -> None:
    events: list[str] = []

    def target(*arguments: Any) -> Any:
        events.append("run")
        return kernels.right(*arguments)

    check(target, "smoke", match="k2x3", on_result=lambda result: events.append(result.outcome))
    assert events == ["run", "run", "passed"] * 2  # each is called again, to see that it is right again


def test_a_callable_runs_in_this_process() -> None:
    seen: set[int] = set()

    def target(*arguments: Any) -> Any:
        seen.add(os.getpid())
        assert threading.current_thread() is not threading.main_thread()
        return kernels.right(*arguments)

    assert check(target, "smoke", match="k2x3").passed
    assert seen == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torhc", "did you mean 'torch'?"),
        ("kernels:no_such", "kernels has no 'no_such'"),
        ("no_such_module:f", "there is no module 'no_such_module'"),
    ],
)
def test_a_target_that_cannot_be_loaded(name: str, message: str, workers: int) -> None:
    with pytest.raises(TargetError, match=message) as caught:
        check(name, "smoke", workers)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"workers": 0}, "workers=0 must be at least 1"),
        ({"workers": -1}, "workers=-1 must be at least 1"),
        ({"time_limit": 0}, "time_limit=0 must be more than 0 seconds"),
        ({"time_limit": -1.5}, r"time_limit=-1\.5 must be more than 0 seconds"),
        ({"time_limit": math.nan}, "time_limit=nan must be more than 0 seconds"),
        ({"tier": "all"}, "tier='all' must be one of 'smoke', 'core', 'full', 'networks', 'kernelbench', 'gpumode'"),
        (
            {"dtype": "f16"},
            (
                "dtype='f16' must be one of 'float32', 'float64', 'float16', 'bfloat16', 'int8', 'uint8', 'complex64', "
                "'complex128', 'int16', 'int32', 'int64'"
            ),
        ),
        ({"match": "no_such"}, "no case of conv2d in tier 'core' has match='no_such' in its id or family"),
        (
            {"match": "memory", "dtype": "float64", "tier": "smoke"},
            "no case of conv2d in tier 'smoke' has match='memory' in its id or family, and dtype='float64'",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("target", [kernels.right, "refconv"], ids=["callable", "name"])
def test_bad_arguments(target: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        check(target, **keywords)


@pytest.mark.parametrize("limit", [1e10, math.inf])
@pytest.mark.parametrize("target", [kernels.right, "kernels:right"], ids=["callable", "name"])
@pytest.mark.filterwarnings("error")
def test_a_time_limit_may_be_longer_than_a_lifetime(target: Any, limit: float) -> None:
    assert check(target, "smoke", match="d2x3", time_limit=limit).passed


@pytest.mark.parametrize("target", [None, 5], ids=str)
def test_what_is_no_target_is_refused(target: Any) -> None:
    kind = type(target).__name__
    with pytest.raises(TypeError, match=f"^target={target!r} must be a name or a callable, not {kind}$"):
        check(target, "smoke")


def test_without_a_time_limit_a_callable_runs_in_the_callers_thread() -> None:
    seen: set[threading.Thread] = set()

    def target(*arguments: Any) -> Any:
        seen.add(threading.current_thread())
        return kernels.right(*arguments)

    assert check(target, "smoke", match="k2x3", time_limit=None).passed
    assert seen == {threading.current_thread()}


@pytest.mark.parametrize(
    "keywords", [{"target": "refconv"}, {"workers": 2}, {"map": map}], ids=lambda keywords: next(iter(keywords))
)
def test_elsewhere_there_must_be_a_time_limit(keywords: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^time_limit=None is for a callable that runs in the calling thread"):
        check(**{"target": kernels.right, "tier": "smoke", "time_limit": None, **keywords})


def test_a_callable_that_always_hangs_is_given_up() -> None:
    report = check(kernels.hangs, "smoke", time_limit=0.02)
    said = [result.detail for result in report.results]
    assert said == ["no answer within 0.02 s"] * 10 + ["not run: 10 cases in a row had no answer"] * 10
    assert [result.seconds for result in report.results] == [0.02] * 10 + [0] * 10


@pytest.mark.slow
def test_a_callable_that_hangs_now_and_then_is_not_given_up() -> None:
    calls: list[None] = []

    def target(*arguments: Any) -> Any:
        calls.append(None)
        return kernels.right(*arguments) if len(calls) in (10, 11) else kernels.hangs()  # what is right is called again

    report = check(target, "smoke", time_limit=0.2)
    assert [result.outcome for result in report.results].index(Outcome.PASSED) == 9
    assert report.results[-1].detail == "no answer within 0.2 s"  # nine, one that passed, and ten


def test_a_map_must_return_results() -> None:
    with pytest.raises(TypeError, match=r"^map= must .* in order, .*; for n2-c6-o10\S* it returned .* type NoneType;"):
        check(kernels.right, "smoke", map=lambda function, items: [])  # noqa: ARG005
    with pytest.raises(TypeError, match="it returned something of type int"):
        check(kernels.right, "smoke", map=lambda function, items: [5] * len(items))  # type: ignore[list-item]  # noqa: ARG005


def test_a_map_must_keep_the_order() -> None:
    def backwards(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return list_map(function, items)[::-1]

    with pytest.raises(
        ValueError, match=f"^map= must keep the order of the cases; it returned {SMOKE[-1]} for {DEFAULT}$"
    ):
        check(kernels.right, "smoke", map=backwards)


def executed(statement: str, **names: Any) -> str:
    """Run a statement of the report as a reader would, and return what it prints."""
    printed: list[str] = []
    scope = {"print": lambda value: printed.append(str(value)), **names}
    exec("from refconv.testing import check, run_case", scope)
    exec(statement, scope)
    return "\n".join(printed)


def seen(text: str) -> str:
    """Leave out the cause: with more cases to go by, more is known of it."""
    return text.partition("\n  cause: ")[0]


@pytest.mark.parametrize("target", ["kernels:one_pixel_off", f"{KERNELS}:one_pixel_off"], ids=["module", "file"])
def test_a_failed_case_can_be_run_again(target: str) -> None:
    report = check(target, "smoke", match="k2x3")
    assert len(report.failures) == 2
    for result in report.failures:
        assert seen(executed(report.reproduction(result))) == seen(str(result))


def test_a_failed_case_of_a_function_can_be_run_again() -> None:
    report = check(kernels.one_pixel_off, "smoke", match="k2x3")
    for result in report.failures:
        again = executed(report.reproduction(result), one_pixel_off=kernels.one_pixel_off)
        assert seen(again) == seen(str(result))


@pytest.mark.slow
def test_a_failed_case_of_a_local_function_can_be_run_again() -> None:
    def local(*arguments: Any) -> Any:
        return kernels.one_pixel_off(*arguments)

    report = check(local, "smoke", match="k2x3")
    assert seen(executed(report.reproduction(report.failures[0]), local=local)) == seen(str(report.failures[0]))


def made_up(target: str, *results: CaseResult) -> Report:
    return Report(target, "smoke", results)


FAILED = CaseResult(DEFAULT, "smoke", Outcome.FAILED, "raised Oops: line one\nline two", ended_by="Oops")


@pytest.mark.parametrize(
    ("target", "statement"),
    [
        ("torch", f"print(run_case('torch', '{DEFAULT}'))"),
        ("k.py:f", f"print(run_case('k.py:f', '{DEFAULT}'))"),
        ("function", f"print(run_case(function, '{DEFAULT}'))"),
        # 78 columns in one line, and 79 in two
        ("a.b.c:efg", f"print(run_case('a.b.c:efg', '{DEFAULT}'))"),
        ("a.b.c:efgh", f"print(run_case('a.b.c:efgh', '{DEFAULT}'))"),
        ("a.b.c:efghi", f"print(run_case('a.b.c:efghi',\n               '{DEFAULT}'))"),
    ],
)
def test_the_statement_that_runs_a_case_again(target: str, statement: str) -> None:
    assert made_up(target).reproduction(FAILED) == statement
    assert max(map(len, statement.splitlines())) <= 78


def test_the_text_of_a_report() -> None:
    passed = CaseResult("n1", "smoke", Outcome.PASSED)
    assert str(made_up("torch", passed, FAILED)) == (
        "WRONG: it raises Oops: line one\n"
        "torch: WRONG (1 passed, 1 failed)\n"
        "1 case fails: it raises Oops: line one\n"
        f"  {DEFAULT}\n"
        "  raised Oops: line one\n"
        "  line two\n"
        f"  print(run_case('torch', '{DEFAULT}'))"
    )


@pytest.mark.parametrize(
    ("given", "word", "numbers"),
    [
        ([Outcome.PASSED], "right", "1 passed, 0 failed"),
        (
            [Outcome.PASSED, Outcome.UNSUPPORTED, Outcome.NOT_REFUSED],
            "right",
            "1 passed, 0 failed, 1 unsupported, 1 not refused",
        ),
        ([Outcome.PASSED, Outcome.FAILED], "WRONG", "1 passed, 1 failed"),
        ([Outcome.FAILED, Outcome.UNSUPPORTED], "WRONG", "0 passed, 1 failed, 1 unsupported"),
        (
            [Outcome.UNSUPPORTED, Outcome.NOT_REFUSED],
            "NOT JUDGED",
            "0 passed, 0 failed, 1 unsupported, 1 not refused",
        ),
        ([], "NOT JUDGED", "0 passed, 0 failed"),
    ],
)
def test_the_verdict_in_three_words(given: list[Outcome], word: str, numbers: str) -> None:
    compared = Comparison(elements=1)
    report = made_up("t", *(CaseResult("id", "family", outcome, "", compared) for outcome in given))
    assert report.verdict() == f"t: {word} ({numbers})"
    assert report.passed == (word == "right")


def test_to_refuse_what_ought_to_be_refused_is_not_enough() -> None:
    report = check(kernels.raises, match="rejected", refusals=True)
    assert report.counts() == {
        "passed": 20,
        "differs by convention": 0,
        "less precise": 0,
        "failed": 0,
        "unsupported": 0,
        "not refused": 0,
    }
    assert not report.passed
    assert report.verdict() == "raises: NOT JUDGED (20 passed, 0 failed)"


def test_a_run_that_expects_mostly_zeros_is_untrustworthy() -> None:
    report = check(refconv.conv2d, match="values")
    assert report.passed  # some zeros are no matter
    zeros = check(
        refconv.conv2d, match="-zero", refusals=True
    )  # one case of zeros, one of zeros in the bias, and three to refuse
    assert not zeros.passed
    assert not zeros.is_trustworthy
    assert zeros.headline() == "UNTRUSTWORTHY: 294 of 441 expected outputs are 0, which proves little"
    assert zeros.verdict() == "conv2d: UNTRUSTWORTHY (5 passed, 0 failed)"


def test_half_of_zeros_is_still_to_be_trusted() -> None:
    def report(zeros: int) -> Report:
        return made_up("t", CaseResult("n1", "smoke", Outcome.PASSED, "", Comparison(elements=4, zeros=zeros)))

    assert [report(zeros).is_trustworthy for zeros in (0, 2, 3)] == [True, True, False]
    assert [report(zeros).passed for zeros in (0, 2, 3)] == [True, True, False]


def test_what_differs_by_convention_fails_no_run() -> None:
    def wraps(image: Any, kernel: Any, bias: Any, *parameters: Any) -> Any:
        return refconv.conv2d(image, kernel, bias, *parameters).astype(image.dtype)

    report = check(wraps, dtype="int8")
    assert report.passed
    assert report.counts()["differs by convention"] == len(report.results)
    assert report.outcomes() == ["passed", "differs by convention", "failed", "unsupported"]


def strict(report: Report) -> Any:
    return json.loads(json.dumps(report.to_json(), allow_nan=False))


def test_json_says_it_all() -> None:
    comparison = Comparison("", 4, 1, (0, 1), 5.0, 6.0, 1.0, 0.0, math.inf)
    finding = Finding("dilation-ignored", "the dilation is ignored", 4, 1, "S·p + D·i − T")
    excerpt = Excerpt("channel 0", 0, 0, ((5.0,),), ((6.0,),), ((math.inf,),))
    failed = CaseResult(DEFAULT, "smoke", Outcome.FAILED, "why", comparison, 0.25, (finding,), excerpt)
    assert strict(made_up("torch", CaseResult("n1", "smoke", Outcome.PASSED), failed)) == {
        "schema": 2,
        "target": "torch",
        "op": "conv2d",
        "tier": "smoke",
        "passed": False,
        "headline": "WRONG: the dilation is ignored",
        "declared": "",
        "causes": [
            {
                "code": "dilation-ignored",
                "sentence": "the dilation is ignored",
                "reading": "S·p + D·i − T",
                "condition": "",
                "experiments": 0,
                "alternatives": [],
                "separating_case": "",
                "cases": [DEFAULT],
            }
        ],
        "counts": {
            "passed": 1,
            "differs by convention": 0,
            "less precise": 0,
            "failed": 1,
            "unsupported": 0,
            "not refused": 0,
        },
        "matrix": {feature: {"float32": [1, 0]} for feature in ("groups", "bias", "stride", "padding", "dilation")},
        "results": [
            {
                "id": "n1",
                "family": "smoke",
                "outcome": "passed",
                "detail": "",
                "comparison": None,
                "seconds": 0.0,
                "findings": [],
                "standards": [],
            },
            {
                "id": DEFAULT,
                "family": "smoke",
                "outcome": "failed",
                "detail": "why",
                "comparison": {
                    "problem": "",
                    "elements": 4,
                    "mismatched": 1,
                    "worst_index": [0, 1],
                    "actual": 5.0,
                    "desired": 6.0,
                    "error": 1.0,
                    "bound": 0.0,
                    "error_in_bounds": "inf",
                    "first_wrong": [],
                    "nans": 0,
                    "infinities": 0,
                    "zeroed": 0,
                    "exempt": 0,
                    "zeros": 0,
                    "unreached": 0,
                    "convention": "",
                    "surprise": 0.0,
                    "resembles": "",
                },
                "seconds": 0.25,
                "findings": [
                    {
                        "code": "dilation-ignored",
                        "sentence": "the dilation is ignored",
                        "wrong": 4,
                        "explained": 1,
                        "reading": "S·p + D·i − T",
                        "alternatives": [],
                        "separating_case": "",
                        "is_place": False,
                        "is_partial": False,
                        "is_traced": False,
                    }
                ],
                "standards": [],
            },
        ],
    }


@pytest.mark.parametrize("target", [kernels.not_a_number, kernels.raises, kernels.right])
def test_json_of_real_runs_is_strict(target: Any) -> None:
    report = check(target, "smoke", match="k2x3")
    document = strict(report)
    assert document["passed"] == report.passed
    assert [result["id"] for result in document["results"]] == [result.id for result in report.results]
    if target is kernels.not_a_number:
        assert document["results"][0]["comparison"]["actual"] == "nan"
        assert document["results"][0]["comparison"]["error"] == "inf"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1, 1),
        (True, True),
        (None, None),
        ("text", "text"),
        (0.5, 0.5),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (1 + 2j, "(1+2j)"),
        ((1, math.inf), [1, "inf"]),
        ([1, [math.nan]], [1, ["nan"]]),
        ({"a": {"b": math.inf}}, {"a": {"b": "inf"}}),
    ],
    ids=str,
)
def test_what_json_does_not_know_becomes_text(value: object, plain: object) -> None:
    assert _plain(value) == plain
    assert type(_plain(value)) is type(plain)


def test_names_of_targets() -> None:
    assert name_of("torch") == "torch"
    assert name_of(kernels.right) == "right"
    assert name_of(kernels.Namespace) == "Namespace"
    callable_object = np.vectorize(abs)
    assert name_of(callable_object) == getattr(callable_object, "__qualname__", repr(callable_object))


@pytest.mark.parametrize(
    "record", [made_up("torch"), FAILED, FRAMEWORKS["refconv"]], ids=lambda record: type(record).__name__
)
def test_records_cannot_be_changed(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, type(record).__slots__[0], None)


def test_a_target_that_is_slow_but_not_too_slow() -> None:
    def target(*arguments: Any) -> Any:
        time.sleep(0.2)
        return kernels.right(*arguments)

    report = check(target, "smoke", match="d2x3", time_limit=10)
    assert report.passed
    assert report.results[0].seconds >= 0.2


@pytest.mark.parametrize("ending", [Ending.DIED, Ending.TIMED_OUT, Ending.NOT_RUN])
def test_a_case_that_did_not_come_back_is_run_again_in_a_process_of_its_own(ending: Ending) -> None:
    gone = CaseResult(DEFAULT, "smoke", Outcome.FAILED, ending=ending)
    report = Report("torch", "core", (gone,))
    assert report.reproduction(gone) == f"print(check('torch', cases=['{DEFAULT}']))"
    longer = f"print(check('a/long/name.py:function',\n            cases=['{DEFAULT}']))"
    assert Report("a/long/name.py:function", "full", (gone,)).reproduction(gone) == longer


def test_cases_are_given_by_name_or_as_they_are() -> None:
    new = "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32"
    report = check(kernels.right, cases=[find_case(DILATED), new, DILATED])
    assert [result.id for result in report.results] == [DILATED, new]
    assert report.run == "refconv check right, cases given by name"
    assert report.headline() == "RIGHT in all 2 cases"
    slip = DEFAULT.replace("bias", "bais")
    with pytest.raises(ValueError, match=rf"; did you mean '{DEFAULT}'\?$"):
        check(kernels.right, cases=[slip])
    with pytest.raises(ValueError, match=r"^case 'conv1d-.*' is of conv1d, which must be op='conv2d'$"):
        check(kernels.right, cases=[cases("smoke", op="conv1d")[0]])


def test_several_types_may_be_chosen() -> None:
    chosen = cases(match="types or memory", dtype=["float16", "float32"])
    assert {case.dtype for case in chosen} == {"f16", "f32"}
    assert {case.other_dtype for case in chosen} == {"", "f32"}  # float16 by float32
    assert check(kernels.right, match="-g1-12x13", dtype=("float32", "int8")).passed


def test_a_report_is_its_verdict_in_a_debugger() -> None:
    assert repr(made_up("torch", FAILED)) == "<Report torch: WRONG (0 passed, 1 failed)>"


@pytest.mark.parametrize("place", [{}, {"workers": 2}, {"map": map}], ids=str)
def test_an_operation_is_judged_in_every_place(place: dict[str, Any]) -> None:
    for op, count in (
        ("conv1d", 10),
        ("conv_transpose2d", 13),
    ):  # one after the other, where a thread keeps its targets
        report = check("refconv", "smoke", op=op, **place)
        assert report.verdict() == f"refconv --op {op}: right ({count} passed, 0 failed)"
        assert report.op == op


def test_a_callable_is_called_as_its_operation_is() -> None:
    seen: list[Any] = []

    def transposed(image: Any, weight: Any, bias: Any, stride: Any, padding: Any, extra: Any, *rest: Any) -> Any:
        seen.append((image.shape, weight.shape, bias.shape, stride, padding, extra, *rest))
        return refconv.conv_transpose2d(image, weight, bias, stride, padding, extra, *rest)

    report = check(transposed, "smoke", op="conv_transpose2d", match="-e1x0-d1x2-bias-f32", time_limit=None)
    assert report.passed
    assert seen == [((2, 6, 5, 7), (6, 2, 2, 3), (4,), (2, 1), (1, 0), (1, 0), 2, (1, 2))] * len(seen)
    assert len(seen) == 4  # two cases, each called again


def test_a_gradient_is_told_the_size_that_it_is_to_have() -> None:
    def gradient(size: Any, weight: Any, arriving: Any, *rest: Any) -> Any:
        assert size == (2, 6, 7, 9)
        assert weight.shape, arriving.shape == ((10, 3, 2, 3), (2, 10, 4, 5))
        assert rest == ((2, 1), (1, 0), (1, 2), 2)
        return refconv.grad.conv2d_input(size, weight, arriving, *rest)

    report = check(gradient, "smoke", op="conv2d_input", match="n2-c6-o10-g2-7x9", time_limit=None)
    assert report.verdict() == (
        "test_a_gradient_is_told_the_size_that_it_is_to_have.<locals>.gradient".rpartition(".")[2]
        + " --op conv2d_input: right (2 passed, 0 failed)"
    )


def test_writing_to_any_operand_fails() -> None:
    def spoils(image: Any, size: Any, arriving: Any, *rest: Any) -> Any:
        result = refconv.grad.conv2d_weight(image, size, arriving, *rest)
        arriving[...] = 0
        return result

    report = check(spoils, "smoke", op="conv2d_weight", match="n2-c6-o10-g2-7x9", time_limit=None)
    assert [cause.sentence for cause in report.causes()] == ["it mutates its inputs: it writes to the grad_output"]


def test_a_case_of_an_operation_that_did_not_come_back_is_run_again_by_check() -> None:
    died = CaseResult("conv1d-n1", "smoke", Outcome.FAILED, ending=Ending.DIED)
    report = Report("torch", "core", (died,), "conv1d")
    assert report.reproduction(died) == "print(check('torch', op='conv1d', cases=['conv1d-n1']))"


@pytest.mark.parametrize(("dtype", "bits"), one_in(2, [("float32", 0x7F800001), ("float16", 0x7C01)]))
def test_a_nan_that_signals_is_wrong_without_a_warning(dtype: str, bits: int) -> None:
    signalling = np.array([bits], f"u{np.dtype(dtype).itemsize}").view(dtype)

    def leaves_the_last_row(*arguments: Any) -> Any:
        result = refconv.conv2d(*arguments)
        result[..., -1:, :] = signalling if result.dtype == dtype else 0
        return result

    report = check(leaves_the_last_row, "core", match="n1-c4-o8-g4-6x7", time_limit=None)
    assert {result.outcome for result in report.results} == {Outcome.FAILED}
    x, w = np.ones((1, 1, 3, 4), dtype), np.ones((1, 1, 2, 2), dtype)
    wrong = leaves_the_last_row(x, w)
    with pytest.raises(AssertionError, match="3 of 6"):
        refconv.testing.assert_conv2d_matches(wrong, x, w)
    assert refconv.testing.diagnose(wrong, x, w)[0].code == "one-row-nan"
