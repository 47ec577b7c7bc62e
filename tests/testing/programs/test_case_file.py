from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refconv.testing import cases, find_case
from refconv.testing.programs.case_file import as_tensors, read_result
from refconv.testing.programs.safetensors import to_bytes


def metadata_of(name: str) -> dict[str, str]:
    case = find_case(name)
    return as_tensors(case.operation, case.arguments(case.operands()), case.output_size)[1]


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        (
            "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32",
            {"op": "conv2d", "stride": "2 1", "padding": "1 1 0 0", "dilation": "1 2", "groups": "2"},
        ),
        (
            "n1-c1-o2-g1-6x7-k2-s1-p1+0x2+3-d2x3-f32",
            {"op": "conv2d", "stride": "1 1", "padding": "1 0 2 3", "dilation": "2 3", "groups": "1"},
        ),
        (
            "conv1d-n1-c2-o3-g1-11-k3-s2-psame_upper-d1-f32",
            {"op": "conv1d", "stride": "2", "padding": "same_upper", "dilation": "1", "groups": "1"},
        ),
        (
            "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32",
            {
                "op": "conv_transpose2d",
                "stride": "2 1",
                "padding": "1 1 0 0",
                "output_padding": "1 0",
                "groups": "2",
                "dilation": "1 2",
            },
        ),
        (
            "conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",
            {
                "op": "conv2d_weight",
                "weight_size": "10 3 2 3",
                "stride": "2 1",
                "padding": "1 1 0 0",
                "dilation": "1 2",
                "groups": "2",
            },
        ),
        ("conv1d_bias-n2-c6-o10-g2-9-k3-s2-p1-d2-f32", {"op": "conv1d_bias"}),
    ],
)
def test_the_parameters_as_text(name: str, metadata: dict[str, str]) -> None:
    assert metadata_of(name) == metadata


def test_an_output_size_is_named_where_it_is_asked_for() -> None:
    case = next(case for case in cases("core", op="conv_transpose2d") if case.output_size)
    assert metadata_of(case.id)["output_size"] == " ".join(map(str, case.output_size))


def test_arguments_to_be_refused_are_written_as_they_are() -> None:
    assert metadata_of("reject-stride-zero")["stride"] == "0 1"
    assert all(
        to_bytes(*as_tensors(case.operation, case.arguments(case.operands())))
        for case in cases(match="rejected", refusals=True)
    )


def test_a_result_is_read_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "y.safetensors"
    file.write_bytes(to_bytes({"result": np.array([[1.5]]), "other": np.ones(2)}))
    assert read_result(file).tolist() == [[1.5]]
    file.write_bytes(to_bytes({"y": np.ones(2), "z": np.ones(2)}))
    with pytest.raises(ValueError, match=r"^y.safetensors must have a tensor 'result'; it has y, z$"):
        read_result(file)
    file.write_bytes(to_bytes({}))
    with pytest.raises(ValueError, match=r"^y.safetensors must have a tensor 'result'; it has none$"):
        read_result(file)
    file.write_bytes(b"{}")
    with pytest.raises(ValueError, match=r"^y.safetensors is no safetensors file: it has a header of \d+ bytes, "):
        read_result(file)
