from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sampled import one_in

from refconv.geometry.arguments import as_pair
from refconv.testing import TargetError, check, find_case, load_target, run_case, trace_addressing
from refconv.testing.programs.program import ProgramDiedError, ProgramError, _ending

SCRIPT = Path(__file__).with_name("convolve.py")
CASE = "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32"
DILATED = "n1-c1-o2-g1-6x7-k2-s1-p0-d2x3-f32"


def program(what: str, prefix: str = "exec") -> str:
    return f"{prefix}:{sys.executable} {SCRIPT} {what}"


@pytest.mark.parametrize("prefix", ["exec", "serve"])
def test_a_right_program_passes_and_says_what_it_does_not_support(prefix: str) -> None:
    report = check(program("right", prefix), "smoke")
    assert report.passed
    assert report.counts()["unsupported"] == 5
    reasons = {result.detail for result in report.results if result.outcome == "unsupported"}
    assert reasons == {"NotImplementedError: numbers, a batch and floats only"}


@pytest.mark.parametrize("prefix", one_in(2, ["serve", "exec"]))
def test_a_mistake_in_a_program_is_named(prefix: str) -> None:
    (cause,) = check(program("dilation", prefix), "smoke", match="d2x3").causes()
    assert cause.code == "dilation-first-for-both"
    case = find_case(DILATED)
    wrong = load_target(program("dilation", prefix))
    assert "column = q + 2·j, should be q + 3·j" in str(trace_addressing(wrong, case))


def test_a_program_gets_the_arrays_in_plain_order_whatever_their_layout() -> None:
    for layout in ("big_endian", "channels_last", "strided"):
        assert run_case(program("right"), f"{CASE}-{layout}").outcome == "passed"


@pytest.mark.slow
def test_random_cases_run_in_a_program() -> None:
    pytest.importorskip("hypothesis", reason="hypothesis is not installed: pip install 'refconv[hypothesis]'")
    report = check(program("dilation", "serve"), "smoke", dtype="float64", fuzz=40)
    assert [failure.family for failure in report.failures] == ["random"]
    height, width = as_pair("dilation", find_case(report.failures[0].id).dilation, 1)
    assert height != width


@pytest.mark.parametrize(
    ("what", "detail"),
    [
        ("dies", "the process died: killed by SIGSEGV"),
        ("ends", "raised ProgramError: exit status 5"),
        ("nothing", "raised ProgramError: it reports success, and has written no result"),
        (
            "garbage",
            "raised ProgramError: result.safetensors is no safetensors file: it has a header of 28542640608928103 ",
        ),
        ("name", "raised ProgramError: result.safetensors must have a tensor 'result'; it has output"),
    ],
)
def test_what_goes_wrong_in_a_program_is_its_result(what: str, detail: str) -> None:
    result = run_case(program(what), CASE)
    assert result.outcome == "failed"
    assert result.detail.startswith(detail)


def test_a_program_refuses_by_its_exit_status_and_not_by_a_signal() -> None:
    refused = run_case(program("right"), "reject-stride-zero")
    assert (refused.outcome, refused.detail) == (
        "passed",
        "raised ProgramError: exit status 3: stride [0, 1], dilation [1, 1], groups 1",
    )
    assert run_case(program("right", "serve"), "reject-stride-zero").outcome == "passed"
    assert run_case(program("dies"), "reject-stride-zero").outcome == "not refused"


def test_a_server_that_ends_is_started_again() -> None:
    target = load_target(program("ends", "serve"))
    arrays = (np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 2, 2), np.float32))
    for _ in range(2):
        with pytest.raises(ProgramDiedError, match=r"^exit status 5$"):
            target(*arrays, None, (1, 1), (0, 0), (1, 1), 1)


def test_a_server_that_says_anything_else_has_failed_and_is_started_again() -> None:
    target = load_target(program("chatters", "serve"))
    arrays = (np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 2, 2), np.float32))
    for _ in range(2):  # its "ok", which follows, is not taken for the second answer
        with pytest.raises(ProgramError, match=r"^chatter on standard output$"):
            target(*arrays, None, (1, 1), (0, 0), (1, 1), 1)


def test_what_an_exec_program_prints_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_case(program("chatters"), CASE).outcome == "passed"
    assert capfd.readouterr().out == ""


def test_a_program_that_hangs_is_ended_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    start = time.monotonic()
    report = check(program("hangs"), "smoke", match="k1-", time_limit=0.2)
    assert time.monotonic() - start < 30
    assert [result.detail for result in report.results] == ["no answer within 0.2 s"] * len(report.results)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exec:./no-such-program", "there is no program './no-such-program' that can be run"),
        ("exec:", "there is no program '' that can be run"),
        ("serve:'open", '"\'open" is no command: No closing quotation'),
    ],
)
def test_a_program_that_is_not_there_is_refused_in_one_line(name: str, message: str) -> None:
    with pytest.raises(TargetError) as raised:
        load_target(name)
    assert str(raised.value) == f"target {name!r}: {message}"


def test_complex_numbers_that_the_format_does_not_have_are_unsupported() -> None:
    target = load_target(program("right"))
    wide = np.ones((1, 1, 2, 2), np.complex128)
    with pytest.raises(NotImplementedError, match=r"^input has type complex128, which safetensors does not have$"):
        target(wide, wide, None, (1, 1), (0, 0), (1, 1), 1)


def test_a_program_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "conv"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {SCRIPT} right "$@"\n')
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    target = load_target("exec:./conv")
    monkeypatch.chdir(os.sep)
    assert target(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1)), None, (1, 1), (0, 0), (1, 1), 1).tolist() == [[[[1.0]]]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (-15, "killed by SIGTERM"),
        (-11, "killed by SIGSEGV"),
        (-200, "killed by signal 200"),  # which has no name
    ],
)
def test_a_program_ends_by_a_status_or_a_signal(status: int, words: str) -> None:
    assert _ending(status) == words
