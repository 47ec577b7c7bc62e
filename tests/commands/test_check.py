from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sampled import one_in

import refconv
from refconv.commands import main as cli
from refconv.commands.check import _counts_table, _lines
from refconv.testing import CaseResult, Comparison, Outcome, Report, cases
from refconv.testing.judging.outcome import Ending

KERNELS = Path(__file__).parents[1] / "testing"
COMMAND = (sys.executable, "-m", "refconv")
DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
DILATED = "n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32"
ESCAPE = "\x1b"


def environment(**changes: str) -> dict[str, str]:
    unset = {
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "LINES",
        "TERM",
        "TTY_COMPATIBLE",
        "TTY_INTERACTIVE",
        "PYTHONUNBUFFERED",
    }
    return {name: value for name, value in os.environ.items() if name not in unset} | changes


def first_on_the_path(folder: Path) -> dict[str, str]:
    return environment(PYTHONPATH=os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


def refconv_command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options = {**streams, "cwd": KERNELS, "env": environment(), **options}
    return subprocess.run([*COMMAND, *arguments], text=True, check=False, **options)


@pytest.fixture(scope="module")
def wrong_run() -> subprocess.CompletedProcess[str]:
    return refconv_command("check", "kernels.py:one_pixel_off", "--tier", "smoke", "-k", "k2x3")


def one_line(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a refused command says: one line on standard error, and nothing else."""
    assert run.returncode == 2
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    (line,) = run.stderr.splitlines()
    return line


def test_a_right_target() -> None:
    run = refconv_command("check", "refconv", "--tier", "smoke")
    assert run.stderr == ""
    assert run.returncode == 0
    assert [line.rstrip() for line in run.stdout.splitlines()] == [
        "RIGHT in all 20 cases",
        "refconv check refconv, tier smoke",
        " cases  passed  failed  unsupported",
        " smoke      20       0            0",
        " total      20       0            0",
        "",
        "refconv: right (20 passed, 0 failed)",
    ]


def test_families_stand_below_each_other_on_the_left_and_their_counts_on_the_right() -> None:
    outcomes = [("same", Outcome.PASSED), ("same", Outcome.PASSED), ("degenerate", Outcome.FAILED)]
    results = [CaseResult(f"case {n}", *each, "", Comparison()) for n, each in enumerate(outcomes)]
    assert _counts_table(Report("t", "core", tuple(results))) == [
        " cases       passed  failed  unsupported",
        " same             2       0            0",
        " degenerate       0       1            0",
        " total            2       1            0",
    ]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (29, ["t: right (1 passed, 0 failed)"]),
        (28, ["t:", "  right (1 passed, 0 failed)"]),
    ],
)
def test_a_verdict_that_fits_stands_in_one_line(
    columns: int, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    report = Report("t", "core", (CaseResult("a case", "same", Outcome.PASSED, "", Comparison()),))
    *_, last = _lines(report)
    assert last.splitlines()[1:] == lines


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (21, "refconv check t, tier\ncore"),
        (20, "refconv check t,\ntier core"),
        (8, "refconv check t,\ntier core"),
    ],
)
def test_a_line_has_twenty_columns_at_least(columns: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    report = Report("t", "core", (CaseResult("a case", "same", Outcome.PASSED, "", Comparison()),))
    assert list(_lines(report))[1] == line


@pytest.mark.slow
def test_another_operation_is_named_where_it_is_judged() -> None:
    run = refconv_command("check", "kernels.py:transposes", "--op", "conv_transpose2d", "--tier", "smoke")
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert lines[1] == "refconv check kernels.py:transposes --op conv_transpose2d, tier smoke"
    assert lines[-1] == "kernels.py:transposes --op conv_transpose2d: right (13 passed, 0 failed)"
    assert refconv_command("check", "kernels.py:transposes", "--tier", "smoke").returncode == 1  # it is no conv2d


def test_a_wrong_operation_exits_1_with_a_statement_that_runs_its_case_again(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    arguments = ("check", "kernels.py:sums_the_first_image_alone", "--op", "conv2d_weight", "--tier", "smoke")
    run = refconv_command(*arguments, "-k", "n2-c6-o10", "--json", str(file))
    assert run.returncode == 1
    assert "  print(run_case('kernels.py:sums_the_first_image_alone'," in run.stdout
    assert "'conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32'))" in run.stdout
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["op"], document["passed"], document["counts"]["failed"]) == ("conv2d_weight", False, 2)


def test_the_cases_of_an_operation_are_listed() -> None:
    run = refconv_command("check", "--op", "conv1d", "--list", "-k", "psame_upper-d1", "--tier", "smoke")
    assert run.stdout == "conv1d-n1-c2-o3-g1-11-k3-s2-psame_upper-d1-f32\n"
    unknown = refconv_command("check", "refconv", "--op", "conv4d")
    assert unknown.returncode == 2
    assert "argument --op: invalid choice: 'conv4d' (choose from" in unknown.stderr


def test_python_m_refconv() -> None:
    command = [sys.executable, "-m", "refconv", "check", "--list", "--tier", "smoke", "-k", "d2x3"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == DILATED + "\n"
    refused = subprocess.run([*command[:4], "--workers", "x"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("usage: refconv check ")


def test_a_wrong_target_exits_1_and_says_where(wrong_run: subprocess.CompletedProcess[str]) -> None:
    case = refconv.testing.find_case(DEFAULT)
    want = case.expected()[0, 0, 3, 4]
    assert wrong_run.returncode == 1
    assert wrong_run.stderr == ""
    lines = wrong_run.stdout.splitlines()
    assert lines[0].startswith("WRONG: ")
    assert lines[1] == "refconv check kernels.py:one_pixel_off, tier smoke"
    start = lines.index(f"  smallest failing case: {DEFAULT}")
    assert lines[start : start + 7] == [
        f"  smallest failing case: {DEFAULT}",
        "  20 of 400 elements wrong; the worst is [0, 0, 3, 4]",
        f"  got  {want + 1}",
        f"  want {want}",
        "  error 1, where none is allowed",
        "  print(run_case('kernels.py:one_pixel_off',",
        f"                 '{DEFAULT}'))",
    ]
    assert next(line for line in lines if "for one reason" in line).startswith("2 cases fail for one reason: ")
    assert lines[-1] == "kernels.py:one_pixel_off: WRONG (0 passed, 2 failed)"
    assert "To run a failed case again:  from refconv.testing import check, run_case" in lines


def test_the_real_case_says_its_error_in_units_of_its_bound(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(
            [
                "check",
                str(KERNELS / "kernels.py:one_pixel_off"),
                "--tier",
                "smoke",
                "-k",
                "k2x3-s2x1-p1x0-d1x2-bias-f32-real",
            ]
        )
        == 1
    )
    assert re.search(r"^  error 1, [\d.e+]+ × its bound [\d.]+e-06$", capsys.readouterr().out, re.MULTILINE)


def test_what_is_printed_runs_the_case_again(
    wrong_run: subprocess.CompletedProcess[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = wrong_run.stdout.splitlines()
    (introduction,) = (line for line in lines if line.startswith("To run a failed case again:"))
    start = lines.index(f"  smallest failing case: {DEFAULT}")
    monkeypatch.chdir(KERNELS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    statement = "\n".join(line.removeprefix("  ") for line in lines[start + 5 : start + 7])
    exec(introduction.partition(":")[2].strip() + "\n" + statement, {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"{DEFAULT}: failed"
    assert printed[1:5] == lines[start + 1 : start + 5]


@pytest.mark.slow
def test_unsupported_and_wrongly_accepted_are_told_apart() -> None:
    run = refconv_command("check", "kernels:ignores_groups", "--tier", "smoke")
    assert run.returncode == 0
    assert "\nunsupported:\n    5 × NotImplementedError: one group at a time\n" in run.stdout
    assert run.stdout.startswith("RIGHT in the 15 of 20 cases that it supports\n")
    assert "not refused" not in run.stdout
    assert "To run a failed case" not in run.stdout
    assert run.stdout.endswith("\nkernels:ignores_groups: right (15 passed, 0 failed, 5 unsupported)\n")

    run = refconv_command("check", "kernels:accepts_everything", "-k", "reject-k", "--refusals")
    assert run.returncode == 1  # nothing was judged
    assert "\nnot refused:\n" in run.stdout
    assert "\n  reject-kernel-empty: accepted a kernel of height 0\n" in run.stdout
    assert "unsupported:" not in run.stdout
    assert run.stdout.endswith("\nkernels:accepts_everything: NOT JUDGED (0 passed, 0 failed, 4 not refused)\n")


def test_a_target_that_raises_or_prints_or_dies_gives_no_traceback() -> None:
    run = refconv_command("check", "kernels:raises", "--tier", "smoke", "-k", "d2x3")
    assert (run.returncode, run.stderr) == (1, "")
    assert "\n  raised RuntimeError: line one line two with ?[31mred?[0m\n" in run.stdout
    run = refconv_command("check", "kernels:segfaults_when_dilated", "--tier", "smoke", "-k", "d2x3")
    assert (run.returncode, run.stderr) == (1, "")
    assert "\n  the process died: killed by SIGSEGV; it dies alone, too\n" in run.stdout


def test_what_a_target_prints_does_not_mix_with_the_report() -> None:
    run = refconv_command("check", "kernels:prints", "--tier", "smoke", "-k", "d2x3", "--json", "-")
    assert json.loads(run.stdout)["passed"] is True
    assert sorted(set(run.stderr.splitlines())) == ["noise from C", "noise from Python"]


def test_json_on_standard_output_is_all_there_is() -> None:
    run = refconv_command("check", "kernels:not_a_number", "--tier", "smoke", "-k", "k2x3", "--json", "-")
    assert (run.returncode, run.stderr) == (1, "")
    document = json.loads(run.stdout, parse_constant=pytest.fail)
    assert document["refconv"] == refconv.__version__
    assert (document["target"], document["tier"], document["passed"]) == ("kernels:not_a_number", "smoke", False)
    assert document["counts"] == {
        "passed": 0,
        "differs by convention": 0,
        "less precise": 0,
        "failed": 2,
        "unsupported": 0,
        "not refused": 0,
    }
    assert [result["id"] for result in document["results"]] == [DEFAULT, DEFAULT + "-real"]
    assert document["results"][0]["comparison"]["actual"] == "nan"
    assert run.stdout.endswith("}\n")


def test_json_in_a_file_comes_beside_the_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    run = refconv_command("check", "refconv", "--tier", "smoke", "-k", "d2x3", "--json", str(path))
    assert run.returncode == 0
    assert run.stdout.endswith("refconv: right (1 passed, 0 failed)\n")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["results"][0]["id"] == DILATED
    assert list(document) == [
        "refconv",
        "schema",
        "target",
        "op",
        "tier",
        "passed",
        "headline",
        "declared",
        "counts",
        "matrix",
        "causes",
        "results",
    ]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "folder.json"
    line = one_line(
        refconv_command("check", "refconv", "--json", str(path))
    )  # said before the run, which would be lost
    assert line.startswith("refconv: ")
    assert str(path) in line


@pytest.mark.parametrize("target", [[], ["torch"], ["no_such_target"]], ids=str)
def test_list_prints_ids_and_runs_nothing(target: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", *target, "--list"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [case.id for case in cases()]
    assert printed.err == ""


def test_list_takes_the_same_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--list", "--tier", "smoke", "-k", "real", "--dtype", "float64"]) == 0
    assert capsys.readouterr().out == "n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real\n"
    assert cli.main(["check", "--list", "-k", "memory"]) == 0
    assert capsys.readouterr().out.splitlines() == [case.id for case in cases(match="memory")]
    assert cli.main(["check", "--list", "--dtype", "float32"]) == 0
    assert capsys.readouterr().out.splitlines() == [case.id for case in cases(dtype="float32")]


def test_a_scale_is_that_of_the_cases_that_are_listed_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["--tier", "gpumode", "--scale", "8", "-k", "gpumode-3"]
    assert cli.main(["check", "--list", *choice]) == 0
    small = "n2-c32-o32-g1-11x12-k8-s1-p0-d1-f32"
    assert capsys.readouterr().out == f"{small}\n{small}-real\n"
    assert cli.main(["check", "refconv", *choice]) == 0
    printed = capsys.readouterr().out
    assert "\nrefconv check refconv, tier gpumode, scale 8\n" in printed
    assert counts(printed) == "refconv: right (2 passed, 0 failed)"


@pytest.mark.filterwarnings("default")  # dask's own
def test_the_workers_of_a_dask_cluster_share_the_cases(capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(protocol="tcp://", **options) as cluster:
        command = ["check", "refconv", "--tier", "smoke", "-k", "k2x3", "--dask", cluster.scheduler_address]
        assert cli.main(command) == 0
        tasks = cluster.scheduler.transition_counter
    assert counts(capsys.readouterr().out) == "refconv: right (2 passed, 0 failed)"
    assert tasks > 0
    assert cli.main(["check", "refconv", "--dask", "nowhere"]) == 2
    assert "--dask='nowhere' must be the address of a running scheduler: " in capsys.readouterr().err


def counts(text: str) -> str:
    return text.splitlines()[-1]


def test_cases_are_chosen_by_name_by_words_and_by_types(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "refconv", "--case", DILATED, "--case", DEFAULT]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("RIGHT in all 2 cases\nrefconv check refconv, cases given by name\n")
    assert cli.main(["check", "--list", "--tier", "smoke", "-k", "psame and not (k3 or f16)"]) == 0
    assert capsys.readouterr().out == "n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32\n"
    assert cli.main(["check", "--list", "-k", "memory or types", "--dtype", "float64", "--dtype", "float16"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == [case.id for case in cases(match="memory or types", dtype=["float16", "float64"])]
    assert {case.dtype for case in cases(match="memory or types", dtype=["float16", "float64"])} == {"f16", "f64"}


def test_a_case_names_its_operation(capsys: pytest.CaptureFixture[str]) -> None:
    line, gradient = "conv1d-n1-c1-o1-g1-9-k3-s2-p0-d1-f32", "conv1d_input-n1-c1-o1-g1-9-k3-s2-p0-d1-f32"
    assert cli.main(["check", "refconv", "--case", line]) == 0
    assert counts(capsys.readouterr().out) == "refconv --op conv1d: right (1 passed, 0 failed)"
    for others in (["--case", gradient], ["--op", "conv1d_input"]):
        assert cli.main(["check", "refconv", "--case", line, *others]) == 2
        assert ", which must be op='conv1d" in capsys.readouterr().err


def test_what_an_algorithm_cannot_compute_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    cases = ["n1-c3-o4-g1-6x8-k3-s1-p1-d1-f32", "n1-c3-o4-g1-6x8-k3-s2-p1-d1-f32", "n1-c3-o4-g1-6x8-k1-s1-p1-d1-f32"]
    asked = ["check", "refconv", *(f"--case={case}" for case in cases)]
    assert cli.main([*asked, "--algorithm", "winograd4"]) == 0
    assert "\nwithout winograd4:\n    2 × held to a direct sum, for it cannot compute that\n" in capsys.readouterr().out
    for others in ([*asked[:3], "--algorithm", "winograd4"], [*asked, "--algorithm", "fft"]):
        assert cli.main(others) == 0
        assert "without" not in capsys.readouterr().out


def test_a_slip_in_the_name_of_a_case() -> None:
    line = one_line(refconv_command("check", "refconv", "--case", DEFAULT.replace("bias", "bais")))
    assert line.endswith(f"; did you mean '{DEFAULT}'?")


def test_choices_reach_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "refconv", "-k", "memory", "--dtype", "float64"]) == 0
    assert counts(capsys.readouterr().out) == "refconv: right (2 passed, 0 failed)"
    assert cli.main(["check", "refconv", "-k", "memory"]) == 0
    printed = capsys.readouterr().out
    assert counts(printed) == "refconv: right (28 passed, 0 failed)"
    assert printed.startswith("RIGHT in all 28 cases\nrefconv check refconv, tier core\n")


@pytest.mark.slow
def test_two_workers_print_what_one_prints() -> None:
    arguments = ("check", "kernels.py:not_a_number", "--tier", "smoke", "-k", "k2x3")
    one, two = refconv_command(*arguments), refconv_command(*arguments, "--workers", "2")
    assert one.stdout.startswith("WRONG")
    assert (two.returncode, two.stderr, two.stdout) == (1, "", one.stdout)


def test_a_time_limit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(KERNELS)
    options = ["--tier", "smoke", "-k", "d2x3", "--time-limit", "0.4"]
    assert cli.main(["check", "kernels:hangs_when_dilated", *options]) == 1
    assert "\n  no answer within 0.4 s\n" in capsys.readouterr().out


def test_options_are_handed_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []

    def check(*arguments: Any, **keywords: Any) -> Report:
        seen.append((arguments, {name: value for name, value in keywords.items() if name != "on_result"}))
        return Report("t", "core", (CaseResult("id", "family", Outcome.PASSED, "", Comparison()),))

    monkeypatch.setattr("refconv.commands.check.check", check)
    assert cli.main(["check", "t"]) == 0
    assert (
        cli.main(["check", "t", "--tier", "smoke", "--workers", "3", "--time-limit", "1.5", "--dtype", "float32"]) == 0
    )
    assert cli.main(["check", "t", "--tier", "full", "--fuzz", "50", "--rng", "7"]) == 0
    given: dict[str, Any] = {
        "op": "conv2d",
        "match": "",
        "dtype": None,
        "cases": [],
        "refusals": False,
        "time_limit": 20.0,
        "fuzz": 0,
        "rng": 0,
        "map": None,
        "strict": False,
        "scale": 1,
        "arrays": None,
        "device": None,
        "layout": None,
        "weight_layout": None,
        "strides": False,
        "supports": None,
        "accumulate_dtype": None,
        "input_dtype": None,
        "algorithm": "direct",
        "confidence": None,
        "epilogue": None,
        "rtol": 0.0,
        "atol": 0.0,
    }
    assert seen == [
        (("t", "core", 1), given),
        (("t", "smoke", 3), given | {"dtype": ["float32"], "time_limit": 1.5}),
        (("t", "full", 1), given | {"fuzz": 50, "rng": 7}),
    ]
    capsys.readouterr()


LINES = [
    ("kernels.py:one_pixel_off", "groups"),
    ("kernels:raises_at_length", "memory"),
    ("kernels:unsupported_at_length", "reject"),
    ("a_folder/with_a_long_name/kernel_under_test.py:convolution_2d", "memory"),
]


@pytest.mark.parametrize(("target", "match"), one_in(4, LINES), ids=[target for target, _ in LINES])
def test_no_line_is_longer_than_80_columns(target: str, match: str, tmp_path: Path) -> None:
    folder = tmp_path / "a_folder" / "with_a_long_name"
    folder.mkdir(parents=True)
    text = "def convolution_2d(x, *_):\n    if x.ndim == 3: return\n    if x.dtype == 'f8': raise NotImplementedError\n"
    (folder / "kernel_under_test.py").write_text(text)
    run = refconv_command("check", target, "-k", match, "--refusals", cwd=KERNELS if "kernels" in target else tmp_path)
    assert run.returncode == 1
    long = [line for line in run.stdout.splitlines() if len(line) > 80 and len(line.split()) > 1]
    assert not long
    assert max(map(len, run.stdout.splitlines())) > 60  # the messages are there


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.syspath_prepend(KERNELS)
    assert cli.main(["check", "kernels:raises_at_length", "--tier", "smoke", "-k", "d2x3"]) == 1
    said = [line for line in capsys.readouterr().out.splitlines() if "on and on" in line or "a message" in line]
    assert len(said) > 4
    assert max(map(len, said)) <= 60


def read_all(descriptor: int) -> str:
    data = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        if not chunk:
            break
        data += chunk
    os.close(descriptor)
    return data.decode()


def on_a_terminal(stream: str, *arguments: str, **variables: str) -> tuple[str, str]:
    """Run with standard output or standard error on a terminal; return what came there, and on the other."""
    controller, terminal = pty.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    options: dict[str, Any] = {stream: terminal, other: subprocess.PIPE, "cwd": KERNELS}
    env = environment(**({"TERM": "xterm-256color"} | variables))
    with subprocess.Popen([*COMMAND, *arguments], env=env, **options) as process:
        os.close(terminal)
        there = read_all(controller)
        elsewhere = (process.stdout or process.stderr).read().decode()  # type: ignore[union-attr]
    return there, elsewhere


WRONG = ("check", "kernels.py:raises", "--tier", "smoke", "-k", "k2x3")


def test_without_a_terminal_there_is_no_colour_and_no_bar(wrong_run: subprocess.CompletedProcess[str]) -> None:
    assert ESCAPE not in wrong_run.stdout
    assert wrong_run.stderr == ""


def test_colour_on_a_terminal() -> None:
    report, rest = on_a_terminal("stdout", *WRONG)
    assert "\x1b[1;31m" in report  # the verdict, bold and red
    assert "WRONG (0 passed, 2 failed)" in report
    assert rest == ""  # no bar: standard error is no terminal


def test_a_bar_on_a_terminal() -> None:
    pytest.importorskip("rich", reason="rich is not installed: pip install 'refconv[cli]'")
    bar, report = on_a_terminal("stderr", *WRONG)
    assert "2/2" in bar
    assert "smoke" in bar  # the family of the case
    assert ESCAPE in bar
    assert "WRONG" not in bar
    assert bar.endswith("\x1b[2K")  # it is wiped when all is done
    assert report == refconv_command(*WRONG).stdout


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_no_color_is_honoured_on_a_terminal(stream: str) -> None:
    there, elsewhere = on_a_terminal(stream, *WRONG, NO_COLOR="1")
    for text in (there, elsewhere):
        assert not re.search(r"\x1b\[[\d;]*3\dm", text)  # 30 to 37 and 38;5;n are colours of the foreground
    assert "WRONG" in there + elsewhere


@pytest.mark.slow
def test_a_dumb_terminal_gets_no_escape_codes() -> None:
    there, _ = on_a_terminal("stdout", *WRONG, TERM="dumb")
    assert ESCAPE not in there


def test_colour_can_be_forced() -> None:
    run = refconv_command(*WRONG, env=environment(FORCE_COLOR="1"))
    assert "\x1b[1;31m" in run.stdout


@pytest.mark.slow
def test_forced_colour_brings_no_bar_into_a_file() -> None:
    assert refconv_command(*WRONG, env=environment(FORCE_COLOR="1")).stderr == ""


def test_a_right_verdict_is_green() -> None:
    run = refconv_command("check", "refconv", "--tier", "smoke", "-k", "d2x3", env=environment(FORCE_COLOR="1"))
    assert "\x1b[32m" in run.stdout
    assert "\x1b[1;31m" not in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "refconv: check needs a TARGET: one of refconv, scipy, torch"),
        (["check", "torhc"], "refconv: target 'torhc' must be one of refconv, scipy, torch"),
        (["check", "no_such_module:f"], "refconv: target 'no_such_module:f': there is no module 'no_such_module'"),
        (["check", "no/such/file.py:f"], "refconv: target 'no/such/file.py:f': there is no file 'no/such/file.py'"),
        (["check", "kernels:no_such"], "refconv: target 'kernels:no_such': kernels has no 'no_such'"),
        (
            ["check", "kernels.py:NOT_CALLABLE"],
            "refconv: target 'kernels.py:NOT_CALLABLE': 'NOT_CALLABLE' is no callable, but of type int",
        ),
        (
            ["check", "refconv", "-k", "nothing"],
            "refconv: no case of conv2d in tier 'core' has match='nothing' in its id or family",
        ),
        (
            ["check", "kernels:transposes_by_name"],
            "refconv: target 'kernels:transposes_by_name' cannot be called as conv2d(input, weight, bias, stride, ",
        ),
        (["check", "refconv", "--workers", "-1"], "refconv: workers=-1 must be at least 1"),
        (["check", "refconv", "--fuzz", "-1"], "refconv: fuzz=-1 must be at least 0"),
        (["check", "refconv", "--rng", "-2"], "refconv: rng=-2 must be at least 0"),
        (
            ["check", "refconv", "--html", "no/folder/x.html"],
            "refconv: there is no folder 'no/folder', where 'no/folder/x.html' is to be written",
        ),
        (["check", "refconv", "--time-limit", "0"], "refconv: time_limit=0.0 must be more than 0 seconds"),
        (["check", "refconv", "--time-limit", "nan"], "refconv: time_limit=nan must be more than 0 seconds"),
    ],
    ids=lambda parameter: " ".join(parameter[1:]) if isinstance(parameter, list) else "",
)
def test_what_cannot_be_run_is_one_line(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(KERNELS)
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "argument COMMAND: invalid choice: 'chekc'"),
        (["check", "refconv", "--tier", "all"], "argument --tier: invalid choice: 'all'"),
        (["check", "refconv", "--dtype", "f16"], "argument --dtype: invalid choice: 'f16'"),
        (["check", "refconv", "--fuzz", "many"], "argument --fuzz: invalid int value: 'many'"),
        (["check", "refconv", "--rng", "x"], "argument --rng: invalid int value: 'x'"),
        (["check", "refconv", "--workers", "two"], "argument --workers: invalid int value: 'two'"),
        (["check", "refconv", "--time-limit", "long"], "argument --time-limit: invalid float value: 'long'"),
        (["check", "refconv", "torch"], "unrecognized arguments: torch"),
        (["check", "refconv", "--json"], "argument --json: expected one argument"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("usage: refconv")
    assert message in printed.err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["check", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert "The ground truth for convolution." in printed
    assert "Judge a convolution, or its transpose or gradient, by the battery." in printed
    for option in (
        "TARGET",
        "--tier",
        "--fuzz N",
        "--rng SEED",
        "--html FILE",
        "-k ",
        "--case NAME",
        "--refusals",
        "--dtype",
        "--workers N",
        "--time-limit S",
        "--json FILE",
        "--list",
    ):
        assert option in printed
    assert printed.endswith(f"refconv {refconv.__version__}\n")


WITH_NUMPY_ALONE = (
    "import sys; sys.modules |= dict.fromkeys(('rich', 'matplotlib', 'scipy', 'onnx', 'torch', 'hypothesis'))\n"
    "from refconv.commands.main import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    ("arguments", "status"),
    one_in(
        2,
        [
            (["check", "kernels.py:raises", "--tier", "smoke", "-k", "k2x3"], 1),
            (["check", "refconv", "--tier", "smoke", "-k", "k2x3"], 0),
            (["analyze", "k3d2 k3d3"], 0),
            (["compare", "k3d2 k3d3", "k3 k3"], 0),
            (["design", "--layers", "3", "--receptive-field", "13"], 0),
        ],
    ),
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_rich_makes_no_difference_to_what_is_printed(arguments: list[str], status: int) -> None:
    command = [sys.executable, "-c", WITH_NUMPY_ALONE, *arguments]
    plain = subprocess.run(command, capture_output=True, text=True, check=False, cwd=KERNELS, env=environment())
    assert (plain.returncode, plain.stderr) == (status, "")
    assert plain.stdout == refconv_command(*arguments).stdout


def test_without_a_framework(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    run = refconv_command("check", "torch", env=first_on_the_path(tmp_path))
    assert one_line(run) == "refconv: target 'torch' needs torch, which is not installed: pip install torch"


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    "arguments",
    one_in(
        2,
        [
            (["check", "--list"],),
            (["check", "--list", "-k", "d2x3", "--tier", "smoke"],),
            (["check", "kernels.py:one_pixel_off", "--tier", "smoke", "-k", "k2x3"],),
            (["check", "refconv", "--tier", "smoke", "-k", "d2x3", "--json", "-"],),
        ],
    ),
    ids=" ".join,
)
def test_a_reader_that_has_enough(arguments: list[str]) -> None:
    pipe = closed_pipe()
    run = refconv_command(*arguments, stdout=pipe)
    os.close(pipe)
    assert run.stderr == ""
    assert run.returncode == 141  # 128 and SIGPIPE, as shells have it


def test_an_interrupted_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*arguments: Any, **keywords: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("refconv.commands.check.check", interrupted)
    assert cli.main(["check", "refconv"]) == 130  # 128 and SIGINT, as shells have it
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "refconv: interrupted\n")


def test_markup_in_a_message_is_not_markup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    detail = "raised [bold]Error[/bold]: x[0] :smile:"
    results = (
        CaseResult(DEFAULT, "smoke", Outcome.FAILED, detail),
        CaseResult("u", "smoke", Outcome.UNSUPPORTED, detail),
    )
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: Report("a[b]/k.py:f", "smoke", results))
    assert cli.main(["check", "refconv", "--tier", "smoke"]) == 1
    printed = capsys.readouterr().out
    assert f"\n  {detail}\n" in printed
    assert f"\n    1 × {detail}\n" in printed
    assert "\n  print(run_case('a[b]/k.py:f',\n" in printed
    assert printed.endswith("\na[b]/k.py:f: WRONG (0 passed, 1 failed, 1 unsupported)\n")


@pytest.mark.parametrize("target", ["a[b]/k.py:f", "a[/b].py:f"])
def test_markup_in_a_path_is_not_markup(
    target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(target, "smoke", (CaseResult(DEFAULT, "smoke", Outcome.PASSED, "", Comparison()),))
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: report)
    assert cli.main(["check", target]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"refconv check {target}, tier smoke"


def test_the_commonest_reason_comes_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reasons = ["seldom", "often", "often"] + ["always it is " + "x" * 70] * 12
    results = tuple(CaseResult(f"n{index}", "smoke", Outcome.UNSUPPORTED, why) for index, why in enumerate(reasons))
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: Report("t", "smoke", results))
    assert cli.main(["check", "refconv"]) == 1
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("unsupported:")
    assert lines[start + 1] == "   12 × always it is"
    assert lines[start + 2].startswith("        " + "x" * 70)
    assert lines[start + 3 : start + 5] == ["    2 × often", "    1 × seldom"]


def test_a_long_verdict_has_the_name_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = "a/rather/long/name/of/a/file.py:and_its_function"
    results = (CaseResult(DEFAULT, "smoke", Outcome.FAILED, "x"), CaseResult("u", "smoke", Outcome.UNSUPPORTED, "y"))
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: Report(target, "smoke", results))
    assert cli.main(["check", target]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [f"{target}:", "  WRONG (0 passed, 1 failed, 1 unsupported)"]


def fails(number: int, error: str) -> CaseResult:
    case = cases()[number].id
    return CaseResult(case, "smoke", Outcome.FAILED, f"raised {error}: x", ending=Ending.RAISED, ended_by=error)


def test_causes_come_with_most_failures_first_and_ten_at_most(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # of exceptions whose names differ in more than a number
    names = [f"{letter}Error" for letter in "abcdefghijk"]
    results = [fails(number, name) for number, name in enumerate(names)]
    twice = fails(11, "hError")
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: Report("t", "smoke", (*results, twice)))
    assert cli.main(["check", "refconv"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("WRONG for 11 reasons, mainly this: it raises hError: x\nrefconv check t, tier smoke\n")
    titles = re.findall(r"^\d+ cases? fails?.*: .*$", printed, re.MULTILINE)
    assert titles[0] == "2 cases fail for one reason: it raises hError: x"
    assert titles[1:] == [f"1 case fails: it raises {letter}Error: x" for letter in "abcdefgij"]
    assert "\n\nand 1 more reasons, which --json has\n\n" in printed
    monkeypatch.setattr("refconv.commands.check.check", lambda *_, **__: Report("t", "smoke", tuple(results[:10])))
    cli.main(["check", "refconv"])
    assert "more reasons" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_page_comes_beside_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.html"
    target = str(KERNELS / "kernels.py:one_pixel_off")
    assert cli.main(["check", target, "--tier", "smoke", "-k", "k2x3", "--html", str(path)]) == 1
    assert capsys.readouterr().out.startswith("WRONG: ")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>\n")
    assert cli.main(["check", target, "--tier", "smoke", "-k", "k2x3", "--html", str(path), "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["headline"].startswith("WRONG: ")


@pytest.mark.slow
def test_random_cases_come_last_and_the_smallest_that_fails_alone(capsys: pytest.CaptureFixture[str]) -> None:
    target = str(KERNELS / "kernels.py:one_pixel_off")
    assert cli.main(["check", target, "--tier", "smoke", "-k", "d2x3", "--fuzz", "20"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^ random +\d+ +[1-9]\d* +0 *$", printed, re.MULTILINE)
    found = re.findall(r"^  (?:smallest failing case: )?(n1-c\S+)$", printed, re.MULTILINE)
    assert found
    assert all("-d2x3-" in name for name in found)  # -k holds for them, too


def test_a_folder_is_no_json_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "refconv", "--json", str(tmp_path)]) == 2
    assert "Is a directory" in capsys.readouterr().err
