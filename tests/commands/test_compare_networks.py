from __future__ import annotations

import json
from pathlib import Path

import pytest

import refconv
from refconv.commands import compare
from refconv.commands.main import main


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["compare", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_the_three_experiments_in_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "k3 k3 k3", "k3d2 k3d2 k3d2", "k3d1 k3d2 k3d3") == [
        " layer                           sees        used  evenness  counts along an axis",
        "     1  1:  Conv(3)                 3      9 of 9      1.00  1 1 1",
        "     1  2:  Conv(3, dilation=2)     5     9 of 25      0.36  1 0 1 0 1",
        "     1  3:  Conv(3)                 3      9 of 9      1.00  1 1 1",
        "     2  1:  Conv(3)                 5    25 of 25      0.73  1 2 3 2 1",
        "     2  2:  Conv(3, dilation=2)     9    25 of 81      0.22  1 0 2 0 3 0 2 0 1",
        "     2  3:  Conv(3, dilation=2)     7    49 of 49      0.79  1 1 2 1 2 1 1",
        "     3  1:  Conv(3)                 7    49 of 49      0.55  1 3 6 7 6 3 1",
        "     3  2:  Conv(3, dilation=2)    13   49 of 169      0.16  1 0 3 0 6 0 7 0 6 0 3 0 1",
        "     3  3:  Conv(3, dilation=3)    13  169 of 169      0.74  1 1 2 2 3 3 3 3 3 2 2 1 1",
        "",
        "1: k3 k3 k3",
        "  sees 7x7, no holes, evenness 0.55",
        "",
        "2: k3d2 k3d2 k3d2",
        "  sees 13x13, 120 of 169 pixels are holes, evenness 0.16",
        "",
        "3: k3d1 k3d2 k3d3",
        "  sees 13x13, no holes, evenness 0.74",
    ]


def test_networks_of_other_lengths_and_axes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "c1: k50", "k3x5 convt3s2", "hdc-1-2-3", "convt1s2")
    rows = [line.split() for line in lines[1 : lines.index("")]]
    assert [row[0] for row in rows] == ["1", "1", "1", "1", "2", "2", "3"]
    assert rows[0][2:] == ["Conv(50)", "50", "50", "of", "50", "1.00"]  # too many counts for a line
    assert rows[1][2:] == ["Conv((3,", "5))", "3x5", "15", "of", "15", "1.00", "1", "1", "1", "1", "1"]
    assert lines[-1] == "  sees 1x1, no holes, evenness 1.00"
    assert "  sees 50, no holes, evenness 1.00" in lines


def test_of_the_outputs_of_a_period_the_one_that_sees_most_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "c1: convt3s2p1")[1].split()[4:9] == ["padding=1)", "2", "2", "of", "2"]


def test_what_cannot_be_counted_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(capsys, "(k1 | k1s2)")[-1] == "  left out: every output reads differently"
    monkeypatch.setattr("refconv.analysis.graph.counting.MOST_PIXELS", 8)
    assert said(capsys, "(k3 | k3)")[-1] == "  left out: 3x3 pixels under 4 tensors are too many to count"
    document = json.loads("\n".join(said(capsys, "(k3 | k3)", "--json")))
    assert document["networks"][0]["layers"][0]["left_out"] == "3x3 pixels under 4 tensors are too many to count"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads("\n".join(said(capsys, "k3x2", "k50", "--json")))
    assert (document["refconv"], document["schema"]) == (refconv.__version__, 1)
    assert document["networks"][0] == {
        "network": "k3x2",
        "layers": [
            {"layer": "Conv((3, 2))", "size": [3, 2], "used": 6, "pixels": 6, "evenness": 1.0, "axis_counts": [1, 1]}
        ],
    }
    assert document["networks"][1]["layers"][0]["axis_counts"] is None


def test_a_plot_has_a_map_for_every_layer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    said(capsys, "k3 k3d2", "k5", "c1: k3", "--plot", str(tmp_path / "figure.svg"), "--dark")
    assert (tmp_path / "figure.svg").read_text(encoding="utf-8").startswith("<?xml")
    drawn: list[object] = []
    monkeypatch.setattr(compare, "save_comparison", lambda *given, dark: drawn.append((given, dark)))
    said(capsys, "k3 k3d2", "(k1 | k1s2)", "--plot", "x.png")
    (((path, names, rows), dark),) = drawn  # type: ignore[misc]
    assert (path, names, dark) == ("x.png", ["k3 k3d2", "(k1 | k1s2)"], False)  # type: ignore[has-type]
    assert [[label for label, _ in row] for row in rows] == [["Conv(3)", "Conv(3, dilation=2)"], []]  # type: ignore[has-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["k3", "kk3"], "layer 1: 'kk3' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3'?"),
        (["k3", " "], "' ' has no layers to compare"),
    ],
)
def test_wrong_usage_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["compare", *arguments]) == 2
    assert capsys.readouterr().err == f"refconv: {message}\n"
