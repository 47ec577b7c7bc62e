from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from refconv.operations import OPERATIONS
from refconv.testing import cases, find_case, write_vectors
from refconv.testing.programs.safetensors import from_bytes

CASE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"


def index_of(folder: Path) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads((folder / "index.json").read_bytes())["cases"]
    return entries


def test_a_folder_of_vectors(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    assert write_vectors(folder, "smoke") == 20
    assert [entry["case"] for entry in index_of(folder)] == [case.id for case in cases("smoke")]
    assert sorted(path.name for path in folder.iterdir()) == [
        "cases",
        "index.json",
        "index.schema.json",
        "manifest.json",
    ]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_case_has_its_operands_its_result_and_its_bound(tmp_path: Path) -> None:
    write_vectors(tmp_path, names=[CASE])
    tensors, metadata = from_bytes((tmp_path / "cases" / f"{CASE}.safetensors").read_bytes())
    case = find_case(CASE)
    assert metadata == {
        "case": CASE,
        "op": "conv2d",
        "stride": "2 1",
        "padding": "1 1 0 0",
        "dilation": "1 2",
        "groups": "2",
    }
    assert sorted(tensors) == ["bias", "bound", "input", "result", "weight"]
    for name, array in case.operands().items():
        assert np.array_equal(tensors[name], array)
    assert np.array_equal(tensors["result"], case.expected())
    assert not tensors["bound"].any()
    assert index_of(tmp_path) == [
        {
            "case": CASE,
            "family": "smoke",
            "data": "exact",
            "file": f"cases/{CASE}.safetensors",
            "parameters": {"stride": "2 1", "padding": "1 1 0 0", "dilation": "1 2", "groups": "2"},
            "tensors": {
                "input": {"dtype": "float32", "shape": [2, 6, 7, 9]},
                "weight": {"dtype": "float32", "shape": [10, 3, 2, 3]},
                "bias": {"dtype": "float32", "shape": [10]},
                "result": {"dtype": "float32", "shape": [2, 10, 4, 5]},
                "bound": {"dtype": "float32", "shape": [2, 10, 4, 5]},
            },
        }
    ]


def test_the_manifest_has_the_checksum_of_every_other_file(tmp_path: Path) -> None:
    write_vectors(tmp_path, "smoke", match="psame_", dtype="float32")
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    sums = manifest.pop("sha256")
    others = [path for path in tmp_path.rglob("*.*") if path.name != "manifest.json"]
    assert sums == {str(path.relative_to(tmp_path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in others}
    assert len(sums) == 4
    assert manifest == {
        "format": 1,
        "refconv": manifest["refconv"],
        "op": "conv2d",
        "tier": "smoke",
        "match": "psame_",
        "dtype": "float32",
        "cases": 2,
    }


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_index_of_every_operation_is_as_its_schema_says(tmp_path: Path, op: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install jsonschema")
    write_vectors(tmp_path, "smoke", op=op)
    schema = json.loads((tmp_path / "index.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    index = json.loads((tmp_path / "index.json").read_bytes())
    validator.validate(index)
    wrong: list[dict[str, object]] = [
        {"more": 1},
        {"file": "cases/../x"},
        {"parameters": {"stride": "x"}},
        {"tensors": {}},
    ]
    for broken in wrong:
        assert not validator.is_valid(index | {"cases": [index["cases"][0] | broken]})


def test_every_program_finds_its_numbers_at_a_multiple_of_their_size(tmp_path: Path) -> None:
    write_vectors(tmp_path, match="types")
    for path in (tmp_path / "cases").iterdir():
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        assert start % 8 == 0
        for name, entry in json.loads(data[8:start]).items():
            if name != "__metadata__":
                size = int("".join(filter(str.isdigit, entry["dtype"]))) // 8
                assert entry["data_offsets"][0] % size == 0


def test_arguments_to_be_refused_have_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^case 'reject-stride-zero' is to be refused, and has no result$"):
        write_vectors(tmp_path, names=["reject-stride-zero"])
    assert write_vectors(tmp_path, "core", match="k1-s2x3") == len(
        [case for case in cases(match="k1-s2x3") if not case.rejects]
    )


def test_what_is_too_large_has_no_file_until_it_is_scaled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^case 'n4-c64-o64-g1-128x128-k16-.*' is too large for a file; a scale "):
        write_vectors(tmp_path, "gpumode", match="gpumode-6")
    assert write_vectors(tmp_path, "gpumode", match="gpumode-3 and real", scale=8) == 1
    assert (tmp_path / "cases" / "n2-c32-o32-g1-11x12-k8-s1-p0-d1-f32-real.safetensors").exists()


def test_a_case_of_another_operation_is_refused(tmp_path: Path) -> None:
    name = "conv1d-n1-c2-o3-g1-11-k3-s2-psame_upper-d1-f32"
    with pytest.raises(ValueError, match=rf"^case '{name}' is of conv1d, which must be op='conv2d'$"):
        write_vectors(tmp_path, names=[name])
    assert write_vectors(tmp_path, names=[name, name], op="conv1d") == 1


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(FileExistsError, match=r"must be a new or an empty folder for the vectors$"):
        write_vectors(tmp_path, "smoke")
    with pytest.raises(FileExistsError, match=r"mine' must be a new or an empty folder for the vectors$"):
        write_vectors(tmp_path / "mine", "smoke")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def interrupt(case: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_vectors(tmp_path / "v", "smoke", on_case=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_each_case_is_told_as_it_is_written(tmp_path: Path) -> None:
    seen: list[str] = []
    write_vectors(tmp_path, "smoke", match="psame_", on_case=lambda case: seen.append(case.id))
    assert seen == [case.id for case in cases("smoke", match="psame_")]
