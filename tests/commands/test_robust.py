"""The command leaves nothing behind, and says what it has to say, whatever is done to it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sampled import one_in

from refconv.commands import main as cli

KERNELS = Path(__file__).parents[1] / "testing"
LONG = 60.0  # seconds, for what takes one on an idle machine
HANGS_UP = (  # which nohup would have it ignore; not by a preexec_fn: JAX, where it was imported, warns of a fork
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL);"
    " os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
DILATED = "n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32"


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = command.replace("refconv", f"{sys.executable} -m refconv", 1)
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, cwd=KERNELS, env=os.environ | environment, check=False
    )


def wait_for(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + LONG
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


def processes_of(mark: str) -> list[int]:
    """The processes whose environment has this mark, but for those that have ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if is_alive and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc to look at processes")
@pytest.mark.parametrize("number", one_in(3, [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP]))
def test_a_signal_leaves_no_process_no_file_and_no_reader_behind(number: signal.Signals, tmp_path: Path) -> None:
    mark, report = f"REFCONV_TEST={tmp_path}", tmp_path / "report.json"
    command = [sys.executable, "-c", HANGS_UP, "-m", "refconv", "check", "kernels.py:hangs_with_a_process"]
    with subprocess.Popen(
        [*command, "--case", DILATED, "--time-limit", "50", "--json", str(report)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=KERNELS,
        env=os.environ | {"REFCONV_TEST": str(tmp_path)},
    ) as run:
        assert wait_for(lambda: len(processes_of(mark)) == 4)  # it, the guard, the target and what that has started
        run.send_signal(number)
        assert run.stdout is not None
        printed = run.stdout.read()  # until nobody holds the pipe any more
    assert run.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 128 + number)
    assert wait_for(lambda: not processes_of(mark))
    assert printed == (b"" if number == signal.SIGKILL else b"refconv: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_by_a_signal_says_so_and_gives_the_signals_back(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(*_: object, **__: object) -> None:
        ending = signal.getsignal(number)
        assert callable(ending)
        ending(number, None)

    usual = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        before = signal.getsignal(number)
        monkeypatch.setattr("refconv.commands.design.design_dilations", ends)
        assert cli.main(["design", "--receptive-field", "9"]) == status
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, usual)
    assert capsys.readouterr() == ("", "refconv: interrupted\n")


@pytest.mark.parametrize(
    ("environment", "suffix"),
    one_in(2, [({"PYTHONIOENCODING": "ascii"}, ""), ({"COLUMNS": "1"}, ""), ({}, " 2>&-")]),
)
def test_a_report_is_whole_on_any_stream(environment: dict[str, str], suffix: str) -> None:
    command = f"refconv check kernels.py:raises_what_steers_a_terminal --case {DILATED}"
    run = shell(command + suffix, **environment)
    assert run.returncode == 1
    assert run.stderr == b""
    assert b" ".join(run.stdout.split()).startswith(b"WRONG: it raises Bad?[")
    assert run.stdout.rstrip().endswith(b"WRONG (0 passed, 1 failed)")
    assert b"\x1b" not in run.stdout


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (">&-", b"refconv: standard output is closed, and a report has no other place\n"),
        (">/dev/full", b"refconv: [Errno 28] No space left on device\n"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(where: str, line: bytes) -> None:
    run = shell(f"refconv check refconv --case {DILATED} {where}")
    assert (run.returncode, run.stdout, run.stderr) == (2, b"", line)


def test_help_is_printed_in_any_encoding() -> None:
    assert shell("refconv check --help", PYTHONIOENCODING="ascii").returncode == 0


def test_files_are_written_whole_before_anything_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("refconv.commands.check.write", breaks)
    files = [tmp_path / "report.json", tmp_path / "report.html"]
    names = ["--json", str(files[0]), "--html", str(files[1])]
    with capsys.disabled():
        assert cli.main(["check", "refconv", "--case", DILATED, *names]) == 141
    assert json.loads(files[0].read_text())["passed"]
    assert files[1].read_text().endswith("</html>\n")
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_a_run_that_fails_leaves_a_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("before")
    assert cli.main(["check", "no_such_module:f", "--json", str(file)]) == 2
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
    new = tmp_path / "new.json"
    assert cli.main(["check", "no_such_module:f", "--json", str(new)]) == 2
    assert not new.exists()


def test_what_is_no_ordinary_file_is_written_to(tmp_path: Path) -> None:
    run = shell(f"refconv check refconv --case {DILATED} --json /dev/stderr >{tmp_path / 'out'}")
    assert run.stderr.endswith(b"}\n")
    assert cli.main(["check", "refconv", "--case", DILATED, "--json", os.devnull]) == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_target_that_always_dies_is_given_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refconv.testing.judging.isolation.GIVE_UP", 2)
    monkeypatch.syspath_prepend(str(KERNELS))
    assert cli.main(["check", "kernels:always_dies", "--tier", "smoke", "--json", "-"]) == 1
    details = capsys.readouterr().out
    assert details.count('"detail": "the process died: exit status 5; it dies alone, too"') == 2
    assert details.count('"detail": "not run: ') == 18


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--layout", "NHWX"], "layout='NHWX' must be the letters of 'NCHW' in some order; did you mean 'NHWC'?"),
        (["--arrays", "torch", "--device", "cdua"], "must be one of cpu, cuda, mps, xpu for arrays='torch'; did you mean 'cuda'?"),
        (["--supports", "no-dilatoin"], "did you mean 'no-dilation'?"),
    ],
)  # fmt: skip
def test_a_slip_in_what_a_target_wants_is_one_line(
    options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", "kernels:right", *options]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.endswith(line)


def test_what_a_target_wants_is_handed_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(KERNELS))
    options = ["--arrays", "numpy", "--layout", "NHWC", "--weight-layout", "HWIO", "--supports", "no-groups"]
    assert cli.main(["check", "kernels:has_its_channels_last", "--tier", "smoke", "-k", "k2x3 or k3", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("RIGHT in the ")
    assert "--arrays numpy --layout NHWC" in lines[1]
    assert "run, by feature and type:" in lines
    assert any(line.startswith(" groups ") and line.endswith(" none") for line in lines)
