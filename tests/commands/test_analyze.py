from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import refconv
from refconv.commands.main import main

pytest.importorskip("rich", reason="rich is not installed: pip install 'refconv[cli]'")


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["analyze", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["analyze", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


def test_a_stack_with_holes_says_which_why_and_what_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "k3d1 k3d2 k3d9")
    assert lines[:5] == [
        "refconv analyze k3d1 k3d2 k3d9",
        "    layer                sees  stride  padding  centre",
        " 1  Conv(3)                 3       1        0       1",
        " 2  Conv(3, dilation=2)     7       1        0       3",
        " 3  Conv(3, dilation=9)    25       1        0      12",
    ]
    text = "\n".join(lines)
    assert "holes: yes" in lines
    assert "not used: 7, 8, 16, 17" in text
    assert "in 2-D: 441 of 625 pixels used, holes" in text
    assert re.search(r"M_2 = .* = 5$", text, re.MULTILINE)
    assert "1, 2, 7 (layer 3 from 9 to 7)" in text


def test_a_stack_that_the_published_rule_passes_has_holes(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(said(capsys, "k3d2", "k3d3"))
    assert "M_2 <= K passes this stack (3 <= 3), and yet it has holes." in text
    assert "holes: yes" in text


def test_a_stack_without_holes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "k3 k3d2")
    assert "holes: none" in lines
    start = lines.index("footprint: how many paths lead to each pixel")
    assert lines[start + 1 :] == [
        "  ░░░░▒▒░░▒▒░░░░",
        "  ░░░░▒▒░░▒▒░░░░",
        "  ▒▒▒▒██▒▒██▒▒▒▒",
        "  ░░░░▒▒░░▒▒░░░░",
        "  ▒▒▒▒██▒▒██▒▒▒▒",
        "  ░░░░▒▒░░▒▒░░░░",
        "  ░░░░▒▒░░▒▒░░░░",
        "  each cell is a pixel: · no path, ░ ▒ ▓ █ up to a quarter, half, ... all of 4",
        "  of 81 paths 50 % in 5, 90 % in 7, 99 % in 7 pixels square in the middle",
    ]


def test_a_large_footprint_is_drawn_in_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    # 43 pixels in blocks of 2: cells 0 ... 21, with a path to pixels 0, 21 and 42, the first of cell 21.
    lines = said(capsys, "k1x3d1x21")
    start = lines.index("footprint: how many paths lead to each pixel")
    assert lines[start + 1 : start + 3] == [
        "  ██" + "··" * 9 + "██" + "··" * 10 + "██",
        "  each cell is a block of 2x2 pixels: · no path, ░ ▒ ▓ █ up to a quarter, half, ... all of 1",
    ]
    assert max(map(len, lines[: start + 2])) <= 80


def test_feature_maps_and_axes_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "k3x5s2x1p1x0", "up2", "--input", "9x8")
    assert lines[1].split() == ["layer", "sees", "stride", "padding", "centre", "map"]
    assert lines[2].split()[-5:] == ["3x5", "2x1", "1x0", "0x2", "5x4"]
    assert "".join(lines[2].split()[1:-5] + lines[3].split()) == "Conv((3,5),stride=(2,1),padding=(1,0))"
    assert lines[4].split() == ["2", "Upsample(2)", "3x5", "1x1/2", "1x0", "0x2", "10x8"]


def test_branches_of_different_strides_vary(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "(k1 | k1s2)")
    assert lines[2].split()[-4:] == ["varies"] * 4


def test_a_network_of_the_zoo_has_names(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--zoo", "vgg11")
    assert lines[0] == "refconv analyze vgg11 (TF-Slim, as in Araujo, Norris & Sim (Distill, 2019): vgg_a)"
    assert lines[1].split() == ["name", "layer", "sees", "stride", "padding", "centre"]
    assert lines[-1].startswith("  of ")
    (pool5,) = (line for line in lines if " pool5 " in line)
    assert pool5.split() == ["13", "pool5", "Pool(2)", "150", "32", "59", "31/2"]


def test_a_network_with_too_many_branches_has_its_table_only(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--zoo", "resnet152")
    assert lines[-2:] == [
        "holes and footprint",
        "  left out: the branches of this network have too many combinations",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads("\n".join(said(capsys, "k3x2s2x1", "up2", "--json", "--input", "9x8")))
    assert report["refconv"] == refconv.__version__
    assert report["schema"] == 1
    assert report["network"] == "k3x2s2x1 up2"
    assert report["input_size"] == [9, 8]
    assert report["layers"][1] == {
        "name": "",
        "layer": "Upsample(2)",
        "size": [3, 2],
        "stride": [1, "1/2"],
        "padding": [0, 0],
        "center": [1, "1/2"],
        "feature_map": [8, 14],
    }
    gridding = report["gridding"]
    assert gridding["hole_free"] is True
    assert gridding["coverage"] == "1"
    assert gridding["axis_counts"] == [[1, 1, 1], [1, 1]]
    assert gridding["effective_size"] == {"1/2": 3, "9/10": 3, "99/100": 3}
    assert gridding["standard_deviation"] == pytest.approx([(2 / 3) ** 0.5, 0.5])
    assert gridding["explanation"].startswith("height:\n")


def test_json_without_what_cannot_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads("\n".join(said(capsys, "--zoo", "resnet152", "--json")))
    assert report["gridding"] is None
    assert report["input_size"] is None
    assert "feature_map" not in report["layers"][0]
    report = json.loads("\n".join(said(capsys, "(k1 | k1s2)", "--json")))
    assert report["layers"][0]["size"] is None


def test_an_onnx_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    nodes = [
        onnx.helper.make_node("Conv", ["image", "w"], ["a"], kernel_shape=[3, 3]),
        onnx.helper.make_node("Conv", ["a", "w"], ["b:0"], kernel_shape=[5, 5]),
    ]
    infos = [onnx.helper.make_tensor_value_info(name, 1, None) for name in ("image", "b:0")]
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "net", infos[:1], infos[1:])), path)
    rows = [line.split() for line in said(capsys, str(path))[2:4]]
    assert rows == [["1", "Conv(3)", "3", "1", "0", "1"], ["2", "Conv(5)", "7", "1", "0", "3"]]
    assert "Conv(5)" not in "\n".join(said(capsys, f"{path}:a"))
    assert said(capsys, f"{path}:b:0")[2:4] == said(capsys, str(path))[2:4]
    assert (
        refused(capsys, f"{path}:c") == "refconv: tensor='c' must depend on 'image'; the last that do are image, a, b:0"
    )


def test_a_plot_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    said(capsys, "k3 k3d2", "--plot", str(tmp_path / "small.svg"))
    assert (tmp_path / "small.svg").read_text(encoding="utf-8").startswith("<?xml")
    said(capsys, "k3 k3d50", "--plot", str(tmp_path / "large.png"))
    assert (tmp_path / "large.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_has_the_footprint_where_it_can_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    drawn = []
    monkeypatch.setattr("refconv.commands.analyze.plot_footprint", lambda _, ax: drawn.append(ax))
    said(capsys, "k49", "--plot", str(tmp_path / "49.png"))
    assert len(drawn) == 1
    said(capsys, "k50", "--plot", str(tmp_path / "50.png"))
    assert len(drawn) == 1


def test_a_plot_without_matplotlib(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    line = refused(capsys, "k3", "--plot", "never.png")
    assert line == "refconv: --plot needs matplotlib, which is not installed: pip install 'refconv[plot]'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "analyze needs either LAYERS or --zoo NAME"),
        (("k3", "--zoo", "vgg16"), "analyze needs either LAYERS or --zoo NAME"),
        (("--zoo", "vgg61"), "name='vgg61' is not in the zoo; did you mean 'vgg16'?"),
        (("k3", "kk5"), "layer 2: 'kk5' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k3x5'?"),
        (("k3 k0",), "layer 2, 'k0': kernel_size=0 must be at least 1"),
        (("k3", "--input", "9"), "--input 9 must be HxW, such as 224x224"),
        (("k3", "--input", "9x-1"), "--input 9x-1 must be HxW, such as 224x224"),
        (("k3", "--input", "x9"), "--input x9 must be HxW, such as 224x224"),
        (
            ("k3 k7", "--input", "9x8"),
            "layer 2, Conv(7): kernel width 7 at dilation 1 spans 7 pixels; it must fit the padded input width 0 + 6 + 0 = 6",
        ),
        (("/none/net.onnx",), "[Errno 2] No such file or directory: '/none/net.onnx'"),
    ],
)
def test_wrong_usage_is_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    assert refused(capsys, *arguments) == f"refconv: {message}"


def test_help_names_the_zoo(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyze", "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for word in ("LAYERS", "--zoo NAME", "--input HxW", "--plot FILE", "--json", "hdc-dilation-bigger", "model.onnx"):
        assert word in out
