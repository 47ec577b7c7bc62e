from __future__ import annotations

from pathlib import Path

import pytest
from sampled import one_in

import refconv
from refconv.commands.main import main
from refconv.testing import CaseResult, Comparison, Outcome, Report
from refconv.testing.reporting.github import as_annotations

NAME = "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32"
FAILED = CaseResult(NAME, "basic", Outcome.FAILED, "raised OSError: 100% full\nat k.py:7, in f")


def test_a_cause_is_on_one_line_and_on_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    (line,) = as_annotations(Report("src/a,b.py:conv", "smoke", (FAILED,), "conv1d"))
    start, _, text = line.removeprefix("::").partition("::")
    assert start == "error file=src/a%2Cb.py,title=src/a%2Cb.py%3Aconv --op conv1d"
    assert f"%0A{NAME}%0Araised OSError: 100%25 full%0Aat k.py:7, in f%0Aprint(run_case(" in text
    assert "\n" not in line


def test_a_file_is_named_from_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (line,) = as_annotations(Report(f"{tmp_path}/src/k.py:conv", "smoke", (FAILED,)))
    assert line.startswith("::error file=src/k.py,title=")
    (line,) = as_annotations(Report("torch", "smoke", (FAILED,)))
    assert line.startswith("::error title=torch::")


def test_what_is_right_is_not_annotated_and_what_is_not_judged_is() -> None:
    right = CaseResult(NAME, "basic", Outcome.PASSED, comparison=Comparison(elements=4))
    assert not list(as_annotations(Report("torch", "smoke", (right,))))
    (line,) = as_annotations(Report("torch", "smoke", (CaseResult(NAME, "basic", Outcome.UNSUPPORTED),)))
    assert line == "::error title=torch::NOT JUDGED: it computed no case"


def test_no_more_are_written_than_are_shown() -> None:
    results = [
        CaseResult(f"n1-c{c}-o3-g1-5x6-k3-s1-p1-d1-f32", "basic", Outcome.FAILED, f"raised {error}Error: no")
        for c, error in enumerate("ABCDEFGHIJKL", start=1)
    ]
    report = Report("torch", "smoke", tuple(results))
    assert len(report.causes()) == 12
    assert len(list(as_annotations(report))) == 10


@pytest.mark.parametrize(
    ("variable", "option", "is_annotated"),
    one_in(3, [("true", [], True), ("", [], False), ("", ["--github"], True), ("true", ["--no-github"], False)]),
)
def test_the_command_annotates_in_github_actions(
    variable: str,
    option: list[str],
    is_annotated: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", variable)
    kernel = tmp_path / "kernel.py"
    kernel.write_text("def conv2d(input, weight, bias, stride, padding, dilation, groups):\n    return weight\n")
    status = main(["check", f"{kernel}:conv2d", "--case", NAME, "--json", "-", *option])
    printed = capsys.readouterr()
    assert status == 1
    assert printed.out.startswith(f'{{\n "refconv": "{refconv.__version__}"')
    assert ("::error file=" in printed.err) == is_annotated
