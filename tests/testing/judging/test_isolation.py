from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import kernels
import pytest
from sampled import one_in

from refconv.testing import CaseResult, Comparison, Outcome, TargetError, find_case
from refconv.testing.judging import isolation, judge
from refconv.testing.judging.isolation import IsolatedTarget

DILATED = find_case("n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32")
DEFAULT = find_case("n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")
KERNELS = str(Path(kernels.__file__).parent)
PATIENCE = 20.0  # seconds: for cases that take milliseconds, on however busy a machine


@contextmanager
def isolated(name: str, limit: float = PATIENCE, threads: int | None = None) -> Iterator[IsolatedTarget]:
    with closing(IsolatedTarget(f"kernels:{name}", "conv2d", limit, threads)) as target:
        yield target


def test_the_operation_is_loaded_and_its_cases_are_answered() -> None:
    case = find_case("conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32")
    with closing(IsolatedTarget("refconv", "conv2d_weight", PATIENCE)) as target:
        assert target(case).outcome == "passed"
    with closing(IsolatedTarget("refconv", "conv2d", PATIENCE)) as target:
        assert target(case).outcome == "failed"


def outcome(result: CaseResult) -> tuple[str, str]:
    return result.outcome, result.detail.partition("\nat ")[0]


def test_a_case_is_judged_elsewhere() -> None:
    with isolated("tells_its_process") as target:
        first, second = target(DEFAULT), target(DILATED)
    assert (first.id, second.id) == (DEFAULT.id, DILATED.id)
    assert first.outcome == "failed"
    assert first.detail.startswith("raised RuntimeError: process ")
    assert first.detail != f"raised RuntimeError: process {os.getpid()}"
    assert first.detail == second.detail  # one process for all cases


def test_a_right_and_a_wrong_result() -> None:
    with isolated("right") as target:
        assert target(DEFAULT).outcome == "passed"
        assert target(DEFAULT).seconds > 0
    with isolated("one_pixel_off") as target:
        result = target(DEFAULT)
    assert result.comparison is not None
    assert result.comparison.mismatched == 20


@pytest.mark.parametrize(
    ("name", "cause"),
    one_in(
        2,
        [
            ("segfaults_when_dilated", "killed by SIGSEGV"),
            ("segfaults_when_signalled_by_number", f"killed by signal {signal.SIGRTMIN + 1}"),
            ("exits_3_when_dilated", "exit status 3"),
            ("exits_0_when_dilated", "exit status 0"),
        ],
    ),
)
def test_a_target_that_ends_its_process(name: str, cause: str) -> None:
    with isolated(name) as target:
        assert target(DEFAULT).outcome == "passed"
        result = target(DILATED)
        assert outcome(result) == ("failed", f"the process died: {cause}; it dies alone, too")
        assert result.ended_by == cause  # as of those that are not run again, or it would be another reason
        assert result.seconds > 0
        assert target(DEFAULT).outcome == "passed"  # in a new process


def test_sys_exit_is_an_exception_like_any_other() -> None:
    with isolated("exits") as target:
        assert outcome(target(DEFAULT)) == ("failed", "raised SystemExit: good bye")
        assert outcome(target(DILATED)) == ("failed", "raised SystemExit: good bye")


def test_a_target_that_hangs_once() -> None:
    with isolated("hangs_when_dilated", 1.0) as target:
        assert target(DEFAULT).outcome == "passed"
        result = target(DILATED)
        assert outcome(result) == ("failed", "no answer within 1 s")
        assert result.seconds >= 1
        assert target(DEFAULT).outcome == "passed"


def test_a_target_that_always_hangs_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge.GIVE_UP == 10
    monkeypatch.setattr("refconv.testing.judging.isolation.GIVE_UP", 2)
    with isolated("hangs", 0.2) as target:
        said = [outcome(target(DEFAULT)) for _ in range(4)]
    assert said == [
        ("failed", "no answer within 0.2 s"),
        ("failed", "no answer within 0.2 s"),
        ("failed", "not run: 10 cases in a row had no answer"),
        ("failed", "not run: 10 cases in a row had no answer"),
    ]


@pytest.mark.slow
def test_an_answer_between_two_that_hang_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refconv.testing.judging.isolation.GIVE_UP", 2)
    with isolated("hangs_when_dilated", 1.5) as target:
        said = [target(case).detail for case in (DILATED, DEFAULT, DILATED, DEFAULT)]
    assert said == ["no answer within 1.5 s", "all 400 elements agree"] * 2


def test_what_a_target_prints_goes_to_standard_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with isolated("prints") as target:
        assert target(DEFAULT).outcome == "passed"
        assert target(DILATED).outcome == "passed"
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("noise from C") == 4  # each case is called a second time, to see that it is right again
    assert printed.err.count("noise from Python") == 4


def test_a_target_that_reads_standard_input_finds_nothing() -> None:
    with isolated("reads_standard_input_when_dilated") as target:
        assert target(DILATED).outcome == "passed"
        assert target(DEFAULT).outcome == "passed"


def test_a_target_that_forks_answers_once() -> None:
    with isolated("forks_when_dilated") as target:
        answers = [target(case) for case in (DILATED, DEFAULT, DILATED, DEFAULT)]
    assert [(answer.id, answer.outcome) for answer in answers] == [(DILATED.id, "passed"), (DEFAULT.id, "passed")] * 2


def process_of(result: CaseResult) -> int:
    return int(result.detail.splitlines()[0].rpartition(" ")[2])


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to look at processes")


@needs_proc
@pytest.mark.parametrize("name", ["tells_its_process", "leaves_a_process_behind"])
def test_no_process_is_left_behind(name: str) -> None:
    with isolated(name) as target:
        process = process_of(target(DEFAULT))
        assert is_running(process)
    assert wait_for(lambda: not is_running(process))
    target.close()  # a second time does nothing


def test_a_target_that_closes_all_files() -> None:
    with isolated("closes_all_files_when_dilated") as target:
        assert target(DILATED).detail.startswith("the process died: ")
        assert target(DEFAULT).outcome == "passed"


def test_a_target_that_interrupts() -> None:
    with isolated("interrupts_when_dilated") as target:
        assert outcome(target(DILATED)) == ("failed", "raised KeyboardInterrupt: by the target")
        assert target(DEFAULT).outcome == "passed"


def test_a_target_that_writes_to_what_it_is_given_is_told() -> None:
    with isolated("mutates") as target:
        assert [finding.code for finding in target(DEFAULT).findings][:1] == ["mutates-inputs"]


@pytest.mark.parametrize(("threads", "told"), [(None, "all all"), (3, "3 3")])
def test_threads_are_capped_where_asked(threads: int | None, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with isolated("tells_its_threads", threads=threads) as target:
        assert target(DEFAULT).detail.splitlines()[0] == f"raised RuntimeError: {told}"
    assert "OMP_NUM_THREADS" not in os.environ


def test_these_variables_cap_threads() -> None:
    # OpenMP's, OpenBLAS's, MKL's and Accelerate's own
    assert isolation._THREAD_VARIABLES == (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kernels:no_such", "target 'kernels:no_such': kernels has no 'no_such'"),
        ("no_such_module:f", "target 'no_such_module:f': there is no module 'no_such_module'"),
        ("no_such.py:f", "target 'no_such.py:f': there is no file 'no_such.py'"),
    ],
)
def test_a_target_that_cannot_be_loaded(name: str, message: str) -> None:
    with closing(IsolatedTarget(name, "conv2d", PATIENCE)) as target:
        with pytest.raises(TargetError) as caught:
            target(DEFAULT)
        assert str(caught.value) == message


def test_a_target_that_ends_its_process_while_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "dies.py"
    path.write_text("import os; os._exit(7)")
    with closing(IsolatedTarget(f"{path}:f", "conv2d", PATIENCE)) as target, pytest.raises(TargetError) as caught:
        target(DEFAULT)
    assert str(caught.value) == f"target '{path}:f' ends the process that loads it: exit status 7"


def test_a_target_that_hangs_while_it_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isolation.LOAD_LIMIT == 120
    monkeypatch.setattr(isolation, "LOAD_LIMIT", 0.5)
    path = tmp_path / "hangs.py"
    path.write_text("import time; time.sleep(60)")
    with closing(IsolatedTarget(f"{path}:f", "conv2d", PATIENCE)) as target, pytest.raises(TargetError) as caught:
        target(DEFAULT)
    assert str(caught.value) == f"target '{path}:f' did not load within 0.5 s"


def test_a_target_that_loads_only_once(tmp_path: Path) -> None:
    path = tmp_path / "once.py"
    text = "import os, sys; sys.path.insert(0, {!r}); import kernels; f = kernels.exits_3_when_dilated\nos.remove(__file__)"
    path.write_text(text.format(KERNELS))
    with closing(IsolatedTarget(f"{path}:f", "conv2d", PATIENCE)) as target:
        assert target(DEFAULT).outcome == "passed"
        assert target(DILATED).detail == "the process died: exit status 3"
        result = target(DEFAULT)
    assert result.outcome == "failed"
    assert result.detail == f"the process died before, and now target '{path}:f': there is no file '{path}'"


@pytest.mark.slow
def test_loading_is_not_counted_as_the_first_case(tmp_path: Path) -> None:
    path = tmp_path / "slow.py"
    path.write_text("import time; time.sleep(2.2)\nfrom kernels import right")
    with closing(IsolatedTarget(f"{path}:right", "conv2d", 2.0)) as target:
        assert target(DEFAULT).outcome == "passed"


def test_no_process_is_started_before_the_first_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    with isolated("right"):
        pass


EARLIER = "; only after the cases before it: memory was damaged earlier"


def test_what_dies_only_after_other_cases_is_told_from_what_dies_alone() -> None:
    with isolated("dies_after_another_size") as target:
        assert target(DEFAULT).outcome == "passed"
        assert outcome(target(DILATED)) == ("failed", f"the process died: exit status 4{EARLIER}")


def test_a_child_that_died_between_two_cases_is_noticed() -> None:
    with isolated("tells_its_process") as target:
        process = process_of(target(DEFAULT))
        os.kill(process, signal.SIGKILL)
        died = outcome(target(DEFAULT))
        assert died == ("failed", f"the process died: killed by SIGKILL{EARLIER}")
        assert process_of(target(DEFAULT)) != process


@pytest.mark.parametrize("limit", [1e10, float("inf")])
def test_a_time_limit_may_be_longer_than_a_lifetime(limit: float) -> None:
    with isolated("right", limit) as target:
        assert target(DEFAULT).outcome == "passed"


def test_the_child_is_a_fresh_interpreter_that_finds_what_we_find() -> None:
    # neither forked nor spawned: the caller's __main__ must not run again
    script = (
        "print('main runs')\n"
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from refconv.testing import check\n"
        "print(check('kernels:right', 'smoke', match='d2x3'))"
    )
    command = [sys.executable, "-c", script, KERNELS]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "main runs\nkernels:right: right (1 passed, 0 failed)\n"
    assert run.stderr == ""


@needs_proc
def test_the_child_ends_when_its_parent_does() -> None:
    # a parent that is killed closes the pipe, and closes nothing else
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from refconv.testing.judging.isolation import IsolatedTarget; from refconv.testing import find_case\n"
        f"target = IsolatedTarget('kernels:tells_its_process', 'conv2d', 20); print(target(find_case('{DEFAULT.id}')).detail)\n"
        "sys.stdout.flush(); os._exit(0)"
    )
    command = [sys.executable, "-c", script, KERNELS]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    process = int(run.stdout.splitlines()[0].rpartition(" ")[2])
    assert wait_for(lambda: not is_running(process))


class SlowToExplain:
    """A child that judges at once, and never answers when asked why."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, question: Any, limit: float) -> Any:
        what, asked = question
        if what == "explained":
            self.asked.append(asked.id)
            assert limit == judge.EXPLANATION_LIMIT
            raise isolation._HungError
        comparison = Comparison(elements=4, mismatched=4)
        return CaseResult(asked.id, asked.family, Outcome.FAILED, "wrong", comparison)

    def end(self) -> None:
        pass


def test_what_ends_the_process_that_explains_it_stands_unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    child = SlowToExplain()
    target = isolation.IsolatedTarget("kernels:right", "conv2d", 20.0)
    monkeypatch.setattr(target, "_started", lambda: child)
    for name in (f"n1-c{channels}-o3-g1-5x6-k2-s1-p0-d1-f32" for channels in (4, 3)):
        monkeypatch.setattr(target, "_child", child)
        result = target(find_case(name))
        assert (result.outcome, result.detail, result.findings) == ("failed", "wrong", ())
        assert child.asked[-1] == name  # each is asked for, whatever became of those before


def test_a_failure_is_explained_in_its_process() -> None:
    with isolated("one_pixel_off") as target:
        result = target(DEFAULT)
    assert result.findings
    assert result.excerpt is not None
