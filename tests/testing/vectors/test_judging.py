from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import mutants
import numpy as np
import pytest
from recording import record
from sampled import one_in

import refconv
from refconv.testing import check, judge_vectors, write_vectors
from refconv.testing.programs.safetensors import to_bytes
from refconv.testing.reporting.grouping import grouped

TEN = [
    *("first_dilation_for_both", "padding_sides_swapped", "kernel_flipped", "groups_interleaved", "bias_missing"),
    *("weight_read_as_hwio", "stride_axes_swapped", "later_images_zero", "last_columns_lost", "no_padding_and_smaller"),
]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors") / "smoke"
    write_vectors(folder, "smoke")
    return folder


def test_right_results_are_right(vectors: Path, tmp_path: Path) -> None:
    report = judge_vectors(vectors, record(mutants.im2col, vectors, tmp_path / "r"))
    assert report.passed
    assert (report.counts()["passed"], report.counts()["unsupported"]) == (20, 0)


@pytest.mark.parametrize("name", one_in(10, TEN))
def test_wrong_results_have_the_causes_that_check_finds_in_the_target(name: str, vectors: Path, tmp_path: Path) -> None:
    target = getattr(mutants, name)
    called = check(target, "smoke", time_limit=None)
    judged = judge_vectors(vectors, record(target, vectors, tmp_path / "r"))
    assert called.failures
    assert judged.experiments == ()  # new cases would need new results
    assert [(cause.code, cause.condition, [result.id for result in cause.failures]) for cause in judged.causes()] == [
        (cause.code, cause.condition, [result.id for result in cause.failures]) for cause in grouped(called.results)
    ]
    assert [(result.id, result.family, str(result.outcome), result.detail) for result in judged.results] == [
        (result.id, result.family, str(result.outcome), result.detail) for result in called.results
    ]


def test_a_case_without_a_result_is_unsupported(vectors: Path, tmp_path: Path) -> None:
    results = record(mutants.im2col, vectors, tmp_path / "r")
    missing = sorted(results.iterdir())[3]
    missing.unlink()
    report = judge_vectors(vectors, results)
    assert [result.id for result in report.results if result.outcome == "unsupported"] == [missing.stem]
    assert report.passed
    for path in results.iterdir():
        path.unlink()
    assert not judge_vectors(vectors, results).passed


def test_a_result_that_cannot_be_read_is_a_failure(vectors: Path, tmp_path: Path) -> None:
    results = record(mutants.im2col, vectors, tmp_path / "r")
    first = min(results.iterdir())
    first.write_bytes(b"12345678")
    report = judge_vectors(vectors, results)
    (failure,) = report.failures
    assert failure.id == first.stem
    assert failure.detail.startswith(f"raised ValueError: {first.name} is no safetensors file: it has a header of ")


def test_results_lie_beside_the_cases_unless_it_is_said(tmp_path: Path) -> None:
    write_vectors(tmp_path, "smoke", match="psame_")
    with pytest.raises(ValueError, match=r"results' must be a folder of results, NAME.safetensors for each case$"):
        judge_vectors(tmp_path)
    record(mutants.loops, tmp_path, tmp_path / "results")
    report = judge_vectors(tmp_path)
    assert (report.passed, report.target, report.tier) == (True, str(tmp_path / "results"), "smoke")


def test_some_cases_alone_are_judged(vectors: Path, tmp_path: Path) -> None:
    results = record(mutants.im2col, vectors, tmp_path / "r")
    seen: list[str] = []
    report = judge_vectors(vectors, results, match="psame_upper", on_result=lambda result: seen.append(result.id))
    assert seen == [result.id for result in report.results] == ["n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32"]
    with pytest.raises(ValueError, match=r"^no case in '.*' has match='nothing' in its id or family$"):
        judge_vectors(vectors, results, match="nothing")


def test_another_operation(tmp_path: Path) -> None:
    write_vectors(tmp_path, "smoke", op="conv2d_weight")
    record(refconv.grad.conv2d_weight, tmp_path, tmp_path / "results")
    report = judge_vectors(tmp_path)
    assert (report.passed, report.op) == (True, "conv2d_weight")


def test_a_file_that_belongs_to_no_case_is_a_slip(vectors: Path, tmp_path: Path) -> None:
    results = record(mutants.im2col, vectors, tmp_path / "r")
    name = "n1-c2-o3-g1-8x11-k3-s2-psame_uper-d1-f32.safetensors"
    (results / name).write_bytes(to_bytes({"result": np.ones(1)}))
    with pytest.raises(ValueError, match=re.escape(f"{name}' belongs to none of the cases; did you mean 'n1-c2")):
        judge_vectors(vectors, results)
    (results / name).rename(results / "notes.txt")
    with pytest.raises(ValueError, match=r"notes.txt' belongs to none of the cases"):
        judge_vectors(vectors, results)


def test_what_is_no_folder_of_vectors_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(
            ValueError, match=r"holds no vectors: there is no manifest.json, which refconv vectors writes$"
        ):
            judge_vectors(folder)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match=r"manifest.json' makes no sense: KeyError: 'format'$"):
        judge_vectors(tmp_path)


def test_vectors_of_another_format_or_that_were_changed_are_refused(tmp_path: Path) -> None:
    write_vectors(tmp_path, "smoke", match="psame_")
    (tmp_path / "results").mkdir()
    manifest = tmp_path / "manifest.json"
    document = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(document | {"format": 2}))
    with pytest.raises(ValueError, match=r"has vectors of format 2, which must be 1$"):
        judge_vectors(tmp_path)
    manifest.write_text(json.dumps(document))
    (case, other) = sorted((tmp_path / "cases").iterdir())
    data = case.read_bytes()
    case.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"safetensors' was changed since the vectors were written; write them again$"):
        judge_vectors(tmp_path)
    case.write_bytes(data)
    other.unlink()
    with pytest.raises(ValueError, match=r"safetensors' is missing since the vectors were written; write them again$"):
        judge_vectors(tmp_path)


def test_vectors_of_a_battery_with_other_arrays_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_vectors(tmp_path, "smoke", match="psame_")
    (tmp_path / "results").mkdir()
    monkeypatch.setattr("zlib.crc32", lambda _: 7)
    with pytest.raises(ValueError, match=r"^n1-.* has other arguments than in refconv .*: write the vectors again$"):
        judge_vectors(tmp_path)


def test_what_nothing_explains_is_read_off_the_results_as_far_as_they_go(vectors: Path, tmp_path: Path) -> None:
    def corner_tripled(image: np.ndarray, kernel: np.ndarray, *rest: Any) -> np.ndarray:
        kernel = kernel.copy()
        if kernel.shape[-2:] != (1, 1):
            kernel[..., 0, 0] *= 3
        return refconv.conv2d(image, kernel, *rest)

    (cause,) = judge_vectors(vectors, record(corner_tripled, vectors, tmp_path / "r")).causes()
    assert (len(cause.failures), cause.is_explained) == (18, False)
    assert cause.sentence.startswith("where the window lies inside the image, tap (0, 0) counts 3 times; at the border")
