from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refconv.commands import draw
from refconv.commands import main as cli

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'refconv[plot]'")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the command and return what it draws in place of drawing it."""
    found: dict[str, Any] = {}

    class Nothing:
        def save(self, path: str) -> None:
            found["path"] = path

    def animate_conv(input: Any, weight: Any, **options: Any) -> Nothing:
        found.update(options, input=input, weight=weight)
        return Nothing()

    def run(*arguments: str) -> dict[str, Any]:
        assert cli.main(["draw", *arguments]) == 0
        return found

    monkeypatch.setattr(draw, "animate_conv", animate_conv)
    return run


def test_a_layer_over_numbered_pixels(drawn: Callable[..., dict[str, Any]]) -> None:
    found = drawn("k2x3s1x2p3x4d5x6", "--input", "3x4", "-o", "conv.svg", "--numbers", "--padding-mode", "circular")
    assert found["input"].tolist() == [[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]]
    assert found["weight"].tolist() == [[[[1, 1, 1], [1, 1, 1]]]]
    assert {name: found[name] for name in ("stride", "dilation", "groups", "output_padding")} == {
        "stride": (1, 2),
        "dilation": (5, 6),
        "groups": 1,
        "output_padding": 0,
    }
    assert found["padding"] == ((3, 3), (4, 4))
    assert found["padding_mode"] == "circular"
    assert found["path"] == "conv.svg"
    assert found["numbers"] is True
    assert found["transposed"] is False


def test_a_transposed_layer_in_groups(drawn: Callable[..., dict[str, Any]]) -> None:
    channels = ("--channels", "4", "--out-channels", "6", "--groups", "2")
    found = drawn("convt3s2p1o1", "--input", "2x1", "-o", "conv.gif", *channels)
    assert found["input"].ravel().tolist() == list(range(1, 9))
    assert found["input"].shape == (4, 2, 1)
    assert found["weight"].shape == (4, 3, 3, 3)
    assert found["output_padding"] == (1, 1)
    assert found["groups"] == 2
    assert found["padding_mode"] == "zeros"
    assert found["numbers"] is False
    assert found["transposed"] is True
    assert drawn("k3", "--input", "3x3", "-o", "conv.gif", *channels)["weight"].shape == (6, 2, 3, 3)


def test_it_writes_a_file_and_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "conv.svg"
    assert cli.main(["draw", "k3s2p1", "--input", "5x5", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8").count("animation-delay") == 8
    assert cli.main(["draw", "k1", "--input", "1x2", "-o", str(tmp_path / "conv.gif")]) == 0
    assert (tmp_path / "conv.gif").read_bytes().startswith(b"GIF89a")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["k3", "--input", "5x5", "-o", "conv.png"], "the name 'conv.png' must end in .gif or .svg"),
        (
            ["k3 k3", "--input", "5x5", "-o", "conv.svg"],
            "'k3 k3' must be one convolution, such as k3s2p1, or a transposed one, such as convt3s2p1",
        ),
        (
            ["pool3", "--input", "5x5", "-o", "conv.svg"],
            "'pool3' must be one convolution, such as k3s2p1, or a transposed one, such as convt3s2p1",
        ),
        (
            ["k3", "--input", "33x32", "-o", "conv.svg"],
            "the input (1, 33, 32) has 1056 pixels; at most 1024 can be drawn",
        ),
        (
            ["k3", "--input", "5x5", "-o", "conv.svg", "--channels", "3", "--groups", "2", "--out-channels", "4"],
            "--groups 2 must divide --channels 3 and --out-channels 4",
        ),
        (
            ["k3", "--input", "5x5", "-o", "conv.svg", "--channels", "4", "--groups", "2", "--out-channels", "3"],
            "--groups 2 must divide --channels 4 and --out-channels 3",
        ),
        (
            ["k3", "--input", "5x5", "-o", "conv.svg", "--groups", "0"],
            "--groups 0 must divide --channels 1 and --out-channels 1",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"refconv: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "missing"), [(["-o", "conv.svg"], "--input"), (["--input", "3x3"], "-o/--output")]
)
def test_what_has_to_be_said(arguments: list[str], missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["draw", "k3", *arguments])
    assert f"the following arguments are required: {missing}" in capsys.readouterr().err


def test_the_largest_input_that_is_drawn(drawn: Callable[..., dict[str, Any]]) -> None:
    assert drawn("k32", "--input", "32x32", "-o", "conv.svg")["input"].size == 1024


def test_help_has_examples_that_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["draw", "--help"])
    examples = re.findall(r"^  refconv (draw .*)$", capsys.readouterr().out, re.MULTILINE)
    assert len(examples) == 2
    monkeypatch.chdir(tmp_path)
    for example in examples:
        assert cli.main(example.split()) == 0
        assert (tmp_path / example.split()[-1]).stat().st_size > 1000


def test_matplotlib_alone_is_needed() -> None:
    program = "import sys; sys.modules['rich'] = None; from refconv.commands import main as cli; sys.exit(cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "draw", "k3", "--input", "3x3", "-o", "/dev/null/conv.svg"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "Not a directory" in run.stderr
    run = subprocess.run(
        [*command[:2], program.replace("rich", "matplotlib"), *command[3:]], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (
        2,
        "refconv: plots need matplotlib, which is not installed: pip install 'refconv[plot]'\n",
    )
