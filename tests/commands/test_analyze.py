from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refconv
from refconv.analysis import Layers
from refconv.commands import analyze
from refconv.commands.main import main


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


def test_a_network_of_many_branches_is_counted_pixel_by_pixel(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--zoo", "resnet152")
    start = lines.index("holes: none")
    assert lines[start + 1 : start + 3] == [
        "  in 2-D: 2105401 of 2105401 pixels used, no holes",
        "  evenness 0.041: as if 85481 of 2105401 pixels were used equally often, and no other",
    ]
    assert "each cell is a block of 38x38 pixels" in lines[-2]
    assert re.fullmatch(
        r"  of about [\d.e+]+ paths 50 % in \d+, 90 % in \d+, 99 % in \d+ pixels square in the middle", lines[-1]
    )


def test_what_is_too_much_to_count_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "(k3p1 | )x1300")
    assert lines[-2:] == [
        "holes and footprint",
        "  left out: 2601x2601 pixels under 2601 tensors are too many to count",
    ]
    assert lines[1].split() == ["layer", "sees", "stride", "padding", "centre"]
    numbers = [line.split()[0] for line in lines if "Parallel" in line or line.strip() == "..."]
    assert (numbers[0], numbers[29:32], numbers[-1]) == ("1", ["30", "...", "1271"], "1300")


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
    report = json.loads("\n".join(said(capsys, "(k3p1 | )x1300", "--json")))
    assert report["gridding"] is None
    assert report["coverage"] == {"left out": "2601x2601 pixels under 2601 tensors are too many to count"}
    assert report["input_size"] is None
    assert "feature_map" not in report["layers"][0]
    report = json.loads("\n".join(said(capsys, "(k1 | k1s2)", "--json")))
    assert report["layers"][0]["size"] is None


def save_model(folder: Path, name: str = "net.onnx") -> Path:
    """Save a network with a stem, a residual block, a gate, a pooling of the whole plane and a dense layer."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    node, numpy = onnx.helper.make_node, pytest.importorskip("numpy")
    nodes = [
        node("Conv", ["image", "w"], ["stem:0"], name="/stem/Conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Conv", ["stem:0", "v"], ["a"], name="/block/conv1/Conv", pads=[1, 1, 1, 1]),
        node("Add", ["a", "stem:0"], ["sum"], name="/block/Add"),
        node("GlobalAveragePool", ["sum"], ["mean"], name="/block/se/pool/GlobalAveragePool"),
        node("Mul", ["sum", "mean"], ["gated"], name="/block/se/Mul"),
        node("Conv", ["gated", "v"], ["features"], pads=[2, 2, 2, 2], dilations=[2, 2]),
        node("GlobalMaxPool", ["features"], ["pooled"], name="/pool/GlobalMaxPool"),
        node("Flatten", ["pooled"], ["y"], name="/Flatten"),
        node("NonZero", ["features"], ["z"], name="/NonZero"),
    ]
    weights = [
        onnx.numpy_helper.from_array(numpy.zeros((2, size, 3, 3), "f"), key) for key, size in (("w", 1), ("v", 2))
    ]
    infos = [onnx.helper.make_tensor_value_info("image", 1, [1, 1, 16, 24])]
    outputs = [onnx.helper.make_tensor_value_info(each, 1, None) for each in ("y", "features", "z")]
    graph = onnx.helper.make_graph(nodes, "net", infos, outputs, weights)
    onnx.save(onnx.helper.make_model(graph), folder / name)
    return folder / name


def test_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = said(capsys, str(save_model(tmp_path)))
    assert lines[1 : lines.index("")] == [
        "    name         layer                       sees  stride  padding  centre   map",
        " 1  stem         Conv(3, stride=2,              3       2        1       0  8x12",
        "                 padding=1)",
        " 2  block.conv1  Conv(3, padding=1)             7       2        3       0  8x12",
        " 3  features     Conv(3, padding=2,        15+all       2        7       0  8x12",
        "                 dilation=2)",
    ]
    start = lines.index("what the outputs see")
    assert lines[start + 1 : lines.index("", start)] == [
        "  'y' sees all of it, through GlobalAveragePool in block.se.pool",
        "    the last with a place for each position: 'features' sees 15, stride 2, and",
        "      all of it, through GlobalAveragePool in block.se.pool",
        "  'features' sees 15, stride 2, and all of it, through GlobalAveragePool in",
        "    block.se.pool",
        "  'z' cannot be followed past ONNX node '/NonZero' (NonZero): which pixels it",
        "    reads depends on their values, or is not known here",
        "    the last tensors before it:",
        "    'features' sees 15, stride 2, and all of it, through GlobalAveragePool in",
        "      block.se.pool",
    ]
    assert "on an image of 16x24" in lines
    assert "holes: none" in lines
    assert max(map(len, lines)) <= 80


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "132")


@pytest.mark.usefixtures("wide")
def test_a_model_up_to_a_tensor_a_node_or_a_module(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = save_model(tmp_path)
    for name in ("a", "/block/conv1/Conv", "block.conv1"):
        table = said(capsys, f"{path}:{name}")
        assert [line.split()[1] for line in table[2:4]] == ["stem", "block.conv1"]
    assert [line.split()[1] for line in said(capsys, f"{path}:stem:0")[2:3]] == ["stem"]
    assert refused(capsys, f"{path}:block.conv2") == (
        "refconv: 'block.conv2' is no tensor, node or module that depends on 'image'; "
        "did you mean 'block.conv1' or '/block/conv1/Conv' or 'block.se'?"
    )


@pytest.mark.usefixtures("wide")
def test_the_part_of_a_model_between_two_tensors(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = save_model(tmp_path)
    lines = said(capsys, f"{path}:gated..features")
    assert " ".join(lines[2].split()) == "1 features Conv(3, padding=2, dilation=2) 5 1 2 0 8x12"
    assert "holes: yes" in lines
    assert "  rates without holes, as few changed as possible:" in lines
    assert "    1 (layer 1 from 2 to 1)" in lines
    assert said(capsys, f"{path}:stem..")[2].split()[1] == "block.conv1"
    assert refused(capsys, f"{path}:mean..") == "refconv: 'mean' has no plane to start from"


@pytest.mark.usefixtures("wide")
def test_a_path_is_a_path(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "my.onnx"
    folder.mkdir()
    for name in ("net.onnx.bak.onnx", "no suffix", "with:colon.onnx"):
        path = save_model(folder, name)
        assert said(capsys, f"{path}:a")[3].split()[1] == "block.conv1"
    assert (
        refused(capsys, f"{folder}/none.onnx:a")
        == f"refconv: [Errno 2] No such file or directory: '{folder}/none.onnx'"
    )


def test_the_tensors_of_a_model_are_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = said(capsys, str(save_model(tmp_path)), "--list")
    assert [line[:18] for line in table[:2]] == [" tensor    made by", " image     input  "]
    lines = [line.split() for line in table]
    assert lines[0] == ["tensor", "made", "by", "sees", "stride", "map"]
    assert lines[1] == ["image", "input", "1", "1", "16x24"]
    assert [line[0] for line in lines[1:]] == [
        "image",
        "stem:0",
        "a",
        "sum",
        "mean",
        "gated",
        "features",
        "pooled",
        "y",
        "z",
    ]
    assert lines[5] == ["mean", "GlobalAveragePool", "all", "varies", "varies"]
    assert lines[7][-3:] == ["15+all", "2", "8x12"]
    assert lines[10] == ["z", "NonZero"]


def test_another_input_is_the_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    nodes = [onnx.helper.make_node("MaxPool", [f"in{size}"], [f"out{size}"], kernel_shape=[size]) for size in (3, 5)]
    infos = [
        onnx.helper.make_tensor_value_info(f"{end}{size}", 1, [1, 1, 9]) for end in ("in", "out") for size in (3, 5)
    ]
    path = tmp_path / "two.onnx"
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "two", infos[:2], infos[2:])), path)
    assert "Pool(3, stride=1)" in said(capsys, str(path))[2]
    assert "Pool(5, stride=1)" in said(capsys, str(path), "--from", "in5")[2]
    assert refused(capsys, str(path), "--from", "in7") == "refconv: from='in7' must be one of the inputs in3, in5"
    assert (
        refused(capsys, f"{path}:in3..out5")
        == "refconv: 'out5' is no tensor, node or module that depends on 'in3'; did you mean 'out3'?"
    )


def test_the_json_of_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = json.loads("\n".join(said(capsys, str(save_model(tmp_path)), "--json")))
    assert report["axes"] == ["height", "width"]
    assert report["layers"][-1] == {
        "name": "features", "layer": "Conv(3, padding=2, dilation=2)", "size": [15, 15], "stride": [2, 2], "padding": [7, 7],
        "center": [0, 0], "tensor": "features", "whole": ["GlobalAveragePool in block.se.pool"] * 2, "feature_map": [8, 12],
    }  # fmt: skip
    assert list(report["outputs"]) == ["y", "features", "z"]
    assert report["coverage"]["hole_free"] is True
    assert report["coverage"]["outputs_in_a_period"] == report["coverage"]["outputs_looked_at"] == 1
    assert (report["coverage"]["outputs_with_holes"], report["coverage"]["outputs_that_read_nothing"]) == (0, 0)
    assert report["coverage"]["pixels_that_no_output_reads"] == 0
    assert (
        report["on_the_image"][-1]
        == "  features (Conv(3, padding=2, dilation=2)): 9 at 32, 6 at 48, 4 at 16 of 96 positions"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("twice", "ONNX node 'b' (Relu): it writes 'y', which ONNX node 'a' (Relu) writes already"),
        ("cycle", "ONNX node 'a' (Add): it depends on its own output: the graph has a cycle"),
        ("kernel", "ONNX node 'a' (Conv): kernel_shape[0]=1000000000 must be at most 1000000"),
        ("auto_pad", "ONNX node 'a' (Conv): auto_pad=5 must be one of NOTSET, VALID, SAME_UPPER, SAME_LOWER"),
        ("axis", "ONNX node 'a' (Concat): axis is not given"),
        ("one input", "ONNX node 'a' (Conv): it has 1 input and needs 2"),
    ],
)
def test_a_wrong_model_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, message: str
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    node = onnx.helper.make_node
    nodes = {
        "twice": [node("Relu", ["x"], ["y"], name="a"), node("Relu", ["y"], ["y"], name="b")],
        "cycle": [node("Add", ["x", "z"], ["y"], name="a"), node("Relu", ["y"], ["z"], name="b")],
        "kernel": [node("Conv", ["x", "w"], ["y"], name="a", kernel_shape=[10**9, 3])],
        "auto_pad": [node("Conv", ["x", "w"], ["y"], name="a", kernel_shape=[3, 3], auto_pad=5)],
        "axis": [node("Concat", ["x", "x"], ["y"], name="a")],
        "one input": [node("Conv", ["x"], ["y"], name="a", kernel_shape=[3, 3])],
    }[name]
    infos = [onnx.helper.make_tensor_value_info(each, 1, [1, 1, 9, 9]) for each in "xy"]
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph(nodes, "wrong", infos[:1], infos[1:])), tmp_path / "wrong.onnx"
    )
    assert refused(capsys, str(tmp_path / "wrong.onnx")) == f"refconv: {message}"


def test_deep_networks_take_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "c1: (k3p1)x2000")
    assert lines[-5:] == [
        "holes: none",
        "  4001 of 4001 pixels used, largest gap 1, common factor 1",
        "",
        "footprint: how many paths lead to each pixel",
        "  left out: more than 10^308 paths",
    ]
    assert [" ".join(line.split()) for line in lines[31:33]] == ["30 Conv(3, padding=1) 61 1 30 0", "..."]
    assert " ".join(lines[33].split()) == "1971 Conv(3, padding=1) 3943 1 1971 0"


def test_one_axis_has_no_other_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "c1: (k8d1 k8d2 k8d4 k8d8)x3")
    assert lines[13].split() == ["12", "Conv(8,", "dilation=8)", "316", "1", "0", "315/2"]
    assert lines[15:17] == ["holes: none", "  316 of 316 pixels used, largest gap 1, common factor 1"]
    assert lines[-1].endswith(" pixels in the middle")
    assert not any("height" in line or "2-D" in line or "square" in line for line in lines)


def test_what_a_dilated_pyramid_reads_of_its_map(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "(k1 | k3p6d6 | k3p12d12 | k3p36d36) k1", "--input", "33x33")
    start = lines.index("  weights that touch the feature map, of dilated layers:")
    assert lines[start + 1 : start + 7] == [
        "    layer 1, branch 2, layer 1 (Conv(3, padding=6, dilation=6)): 9 at 441, 6 at",
        "      504, 4 at 144 of 1089 positions",
        "    layer 1, branch 3, layer 1 (Conv(3, padding=12, dilation=12)): 9 at 81, 6 at",
        "      432, 4 at 576 of 1089 positions",
        "    layer 1, branch 4, layer 1 (Conv(3, padding=36, dilation=36)): 1 at 1089 of",
        "      1089 positions: it is a 1×1 convolution",
    ]


def test_what_a_network_sees_of_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--zoo", "resnet50", "--input", "224x224")
    start = lines.index("on an image of 224x224")
    assert lines[start + 1 : start + 6] == [
        "  of what an output sees, padding is 72 % in the middle, 74 % at an edge, 75 %",
        "    in a corner",
        "  an output in the middle sees the whole image from layer3.4 (Parallel([],",
        "    [Conv(1), Conv(3, padding=1), Conv(1)])) on",
        "  for tiles without a seam: 213 pixels around each, which starts at a multiple",
    ]


def test_the_layers_of_a_branch_are_called_after_their_row(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(said(capsys, "--zoo", "deeplabv3-mobilenet_v3-os16", "--input", "513x513"))
    assert (
        "pyramid, branch 4, layer 1 (Conv(3, padding=36, dilation=36)): 1 at 1089 of\n      1089 positions: it is a 1×1 convolution"
        in text
    )
    told = " ".join(text.split())
    assert "every output sees the whole image from pyramid (Parallel(" in told
    assert "on; the layer behind it sees nothing new" in told


@pytest.mark.parametrize("columns", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = said(capsys, "k7s2p3 (k1 | k3p6d6 | k3p12d12)", "--input", "65x65")
    drawn = [line for line in lines if set(line) <= set(" ·░▒▓█")]
    assert max(map(len, drawn)) <= columns
    told = lines[1 : lines.index("on an image of 65x65")]
    assert max(map(len, told)) <= max(columns, 56)


def test_an_output_without_these_characters_has_others(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "refconv", "analyze", "(k3 | k5d2)", "--zoo"][:-1]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(refconv.__file__).parents[1])}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.isascii()
    assert "#" in run.stdout
    json_run = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert json.loads(json_run.stdout)["network"] == "(k3 | k5d2)"


def test_numpy_alone_is_enough() -> None:
    hidden = "for name in ('rich', 'matplotlib', 'scipy', 'onnx', 'torch'): sys.modules[name] = None"
    program = f"import sys\n{hidden}\nfrom refconv.commands import main; sys.exit(main.main(sys.argv[1:]))"
    for arguments in (
        ["analyze", "k3 k3d2"],
        ["analyze", "--zoo", "resnet50", "--input", "224x224"],
        ["compare", "k3", "k5"],
    ):
        run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")


def test_a_plot_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    said(capsys, "k3 k3d2", "--plot", str(tmp_path / "small.svg"))
    assert (tmp_path / "small.svg").read_text(encoding="utf-8").startswith("<?xml")
    said(capsys, "k3 k3d50", "--dark", "--plot", str(tmp_path / "large.png"))
    assert (tmp_path / "large.png").read_bytes().startswith(b"\x89PNG")
    said(capsys, "--zoo", "wavenet", "--plot", str(tmp_path / "line.pdf"))
    assert (tmp_path / "line.pdf").read_bytes().startswith(b"%PDF")


def test_a_plot_shows_every_layer_where_the_rows_are_few(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[object, ...]] = []
    monkeypatch.setattr("refconv.commands.analyze.save_network", lambda *given, dark: drawn.append((*given, dark)))
    said(capsys, "--zoo", "unet", "--input", "64x64", "--plot", "x.png")
    path, depths, use, image, dark = drawn[0]
    assert (path, image, dark) == ("x.png", (64, 64), False)
    assert len(depths) == 30  # type: ignore[arg-type]
    assert use.output == (2, 2)  # type: ignore[attr-defined]
    said(capsys, "k3 k5", "--plot", "x.png", "--dark")
    assert [(depth.label, list(depth.sizes), depth.stride) for depth in drawn[1][1]] == [  # type: ignore[attr-defined]
        ("Conv(3)", [3, 3], 1), ("Conv(5)", [7, 7], 1),
    ]  # fmt: skip
    assert drawn[1][-2:] == (None, True)
    said(capsys, "(k3p1 | )x1300", "--plot", "x.png")
    assert drawn[2][2] is None


def test_a_plot_that_cannot_be_written_leaves_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert "Format 'xyz' is not supported" in refused(capsys, "k3", "--plot", str(tmp_path / "figure.xyz"))
    assert list(tmp_path.iterdir()) == []


def test_a_plot_without_matplotlib(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    line = refused(capsys, "k3", "--plot", "never.png")
    assert line == "refconv: --plot needs matplotlib, which is not installed: pip install 'refconv[plot]'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "analyze needs either LAYERS or --zoo NAME"),
        (("k3", "--zoo", "vgg16"), "analyze needs either LAYERS or --zoo NAME"),
        (("--zoo", "vgg61"), "name='vgg61' is not in the zoo; did you mean 'vgg16'?"),
        (("k3", "kk5"), "layer 2: 'kk5' must be a layer, such as k3, k3s2p1d2, k3x5, pool2; did you mean 'k5'?"),
        (("k3 k0",), "layer 2, 'k0': kernel_size=0 must be at least 1"),
        (("k3", "--input", "9"), "--input 9 must be HxW, such as 9x9"),
        (("k3", "--input", "9x-1"), "--input 9x-1 must be HxW, such as 224x224"),
        (("k3", "--input", "x9"), "--input x9 must be HxW, such as 224x224"),
        (("k3", "--input", "0x9"), "--input 0x9 must be HxW, such as 224x224"),
        (("c1: k3", "--input", "9x9"), "--input 9x9 must be a length, such as 16000"),
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
    for word in (
        "LAYERS",
        "--zoo NAME",
        "--input HxW",
        "--plot FILE",
        "--dark",
        "--list",
        "--from NAME",
        "--json",
        "hdc-dilation-bigger",
        "model.onnx",
    ):
        assert word in out


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("k3 k3d2", 7 * 2),  # along one axis 7 pixels, in each of two layers
        ("k3x5", 5),
        ("k7x2 k3x1", 9 * 2),
        ("(k1 | k3x7)", 7**2),  # in a plane, where there are branches
        ("k2 (k1 | k3x4) k1", 5**2 * 3),
        ("", 0),
    ],
)
def test_gridding_is_counted_where_that_is_affordable(line: str, counts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (counts, counts - 1):
        monkeypatch.setattr(analyze, "MOST_COUNTS", most)
        assert (analyze._grid(Layers.parse(line)) is not None) == (most == counts)


@pytest.mark.parametrize(
    ("line", "sizes"),
    [
        ("k3 k5", [3, 7]),
        ("k3 (k3p1 k5p2 | k1)", [3, 5, 9, 9]),  # of few rows, the layers in the branches, too
        ("(k3p1 | )x8", [3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15, 17, 17]),
        ("(k3p1 | )x9", [3, 5, 7, 9, 11, 13, 15, 17, 19]),
    ],
)
def test_a_figure_shows_the_layers_in_branches_where_there_are_few_rows(line: str, sizes: list[int]) -> None:
    report = analyze._of_layers(line, argparse.Namespace(zoo=None, input=None))
    assert [depth.sizes for depth in report.depths] == [[size, size] for size in sizes]


def test_of_more_than_60_layers_the_first_and_the_last_30_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for count, rows in ((60, [*range(1, 61)]), (61, [*range(1, 31), "...", *range(32, 62)])):
        lines = said(capsys, f"(k1)x{count}")
        assert [line.split()[0] for line in lines[2 : 2 + len(rows)]] == list(map(str, rows))
        assert lines[2 + len(rows)] == ""
