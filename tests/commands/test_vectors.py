"""``refconv vectors``: what the command hands on and says; the files are judged beside `write_vectors`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from refconv.commands import main as cli

CASES = ["n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32", "n1-c1-o2-g1-12x11-k2-s1-psame-d1-f32"]


@pytest.mark.parametrize(
    ("choice", "count", "words"),
    [
        (["--tier", "smoke", "-k", "k2x3"], 2, "2 cases"),
        ([f"--case={case}" for case in CASES], 2, "2 cases"),
        (["--case", CASES[0]], 1, "1 case"),
    ],
)
def test_the_bar_advances_once_for_each_case_that_is_written(
    choice: list[str],
    count: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    totals: list[int] = []
    advanced: list[object] = []

    @contextmanager
    def progress(total: int) -> Iterator[Callable[[object], None]]:
        totals.append(total)
        yield advanced.append

    monkeypatch.setattr("refconv.commands.vectors.progress", progress)
    folder = tmp_path / "vectors"
    assert cli.main(["vectors", str(folder), *choice]) == 0
    assert (totals, len(advanced)) == ([count], count)
    assert capsys.readouterr() == (f"{words} of conv2d in {folder}\n", "")
