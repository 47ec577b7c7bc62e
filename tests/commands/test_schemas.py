"""What --json writes is what the schemas in the package say, and no more."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from refconv.commands import main as cli

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install jsonschema")
KERNELS = Path(__file__).parents[1] / "testing"


def schema(command: str) -> Any:
    return json.loads((files("refconv.commands") / "schemas" / f"{command}.schema.json").read_text(encoding="utf-8"))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    cli.main(arguments)
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", ["check", "analyze", "design"])
def test_schemas_are_schemas(command: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(command))


@pytest.mark.parametrize(
    "arguments",
    [
        ("refconv", "--tier", "smoke", "-k", "k1-"),
        ("kernels.py:one_pixel_off", "--tier", "smoke", "-k", "k2x3"),
        ("kernels.py:not_a_number", "--tier", "smoke", "-k", "k2x3"),
        ("kernels.py:raises", "--tier", "smoke", "-k", "k1-"),
        ("kernels.py:supports_nothing", "--tier", "smoke", "-k", "k1-"),
        ("kernels.py:sums_the_first_image_alone", "--op", "conv2d_weight", "--tier", "smoke", "-k", "n2-c6-o10"),
        ("scipy", "-k", "i8 and k2x3"),
        ("refconv", "--case", "n1-c1-o1-g1-5x5-k3-s1-p1-d1-c64-real"),
    ],
    ids=" ".join,
)
def test_check(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(KERNELS)
    document = printed(capsys, "check", *arguments, "--json", "-")
    jsonschema.validate(document, schema("check"))
    for change in ({"schema": 3}, {"passed": "yes"}, {"more": 0}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | change, schema("check"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("k3d2 k3d3",),
        ("c1: k2d1 k2d2", "--input", "64"),
        ("k7s2p3 pool2 (k1 | k3p6d6)", "--input", "65x33"),
        ("convt4s2p1", "--input", "5x5"),
        ("k2 k2",),  # whose centre is no pixel
        ("--zoo", "resnet50", "--input", "224x224"),
        ("--zoo", "wavenet"),
    ],
    ids=" ".join,
)
def test_analyze(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(capsys, "analyze", *arguments, "--json")
    jsonschema.validate(document, schema("analyze"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"layers": [{"size": 3}]}, schema("analyze"))


@pytest.mark.parametrize(
    "arguments", [("13",), ("31", "--layers", "5"), ("5", "--kernel", "2", "--repeats", "2")], ids=" ".join
)
def test_design(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(capsys, "design", "--receptive-field", *arguments, "--json")
    jsonschema.validate(document, schema("design"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"designs": []}, schema("design"))
