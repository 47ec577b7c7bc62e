"""ASPP's parameters: rates, names, shapes, archives, and what is refused by which name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv.aspp import aspp, aspp_branches, atrous_rates, parameter_shapes
from refconv.aspp.parameters import RATES

Array = np.ndarray[Any, np.dtype[Any]]


def parameters(
    variant: str = "deeplabv3", rates: tuple[int, ...] = (2,), changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return parameters for 3 input channels and a depth of 5; a change to None takes one away."""
    shapes = parameter_shapes(3, 5, rates, variant=variant)
    arrays: dict[str, Any] = {name: np.ones(shape) for name, shape in shapes.items()}
    return {name: value for name, value in (arrays | (changes or {})).items() if value is not None}


@pytest.mark.parametrize(
    ("output_stride", "rates"),
    [(1, (96, 192, 288)), (8, (12, 24, 36)), (12, (8, 16, 24)), (16, (6, 12, 18)), (32, (3, 6, 9)), (96, (1, 2, 3))],
)
def test_rates_at_an_output_stride(output_stride: int, rates: tuple[int, ...]) -> None:
    assert atrous_rates(output_stride) == rates


def test_the_default_rates_are_those_at_an_output_stride_of_16() -> None:
    assert atrous_rates(16) == RATES


@pytest.mark.parametrize(
    ("output_stride", "error", "message"),
    [
        (5, ValueError, "output_stride=5 must divide 96 = 6·16, for the rates to be whole"),
        (64, ValueError, "output_stride=64 must divide 96 = 6·16, for the rates to be whole"),
        (0, ValueError, "output_stride=0 … 1"),
        (8.0, TypeError, "output_stride=8.0 … float"),
    ],
)
def test_bad_output_strides(output_stride: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=naming(message)):
        atrous_rates(output_stride)


def test_the_names_are_torchvision_s() -> None:
    def norm(name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.{array}": (5,) for array in ("weight", "bias", "running_mean", "running_var")}

    assert list(parameter_shapes(3, 5, [2, 4]).items()) == list(
        (
            {"convs.0.0.weight": (5, 3, 1, 1)}
            | norm("convs.0.1")
            | {"convs.1.0.weight": (5, 3, 3, 3)}
            | norm("convs.1.1")
            | {"convs.2.0.weight": (5, 3, 3, 3)}
            | norm("convs.2.1")
            | {"convs.3.1.weight": (5, 3, 1, 1)}
            | norm("convs.3.2")
            | {"project.0.weight": (5, 20, 1, 1)}
            | norm("project.1")
        ).items()
    )


def test_the_simple_variant_has_biases_in_place_of_batch_norms() -> None:
    assert parameter_shapes(3, 5, [2], variant="simple") == {
        "convs.0.0.weight": (5, 3, 1, 1),
        "convs.0.0.bias": (5,),
        "convs.1.0.weight": (5, 3, 3, 3),
        "convs.1.0.bias": (5,),
        "convs.2.1.weight": (5, 3, 1, 1),
        "convs.2.1.bias": (5,),
        "project.0.weight": (5, 15, 1, 1),
        "project.0.bias": (5,),
    }


def test_by_default_there_are_three_rates_and_batch_norms() -> None:
    assert parameter_shapes(3, 5) == parameter_shapes(3, 5, (6, 12, 18), variant="deeplabv3")
    assert parameter_shapes(0, 0, [])["project.0.weight"] == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 5), ValueError, "in_channels=-1 … 0"),
        ((3, -1), ValueError, "depth=-1 … 0"),
        ((3, 5, 6), TypeError, "rates=6 must be a sequence of ints"),
        ((3, 5, "6"), TypeError, "rates='6' must be a sequence of ints"),
        ((3, 5, [6, 0]), ValueError, "rates[1]=0 … 1"),
        ((3, 5, [6, (1, 2)]), TypeError, "rates[1]=(1, 2) … tuple"),
    ],
)
def test_bad_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=naming(message)):
        parameter_shapes(*arguments)


IMAGE = np.ones((2, 3, 4, 6))
CONTEXT = "(variant='deeplabv3', 1 rates, 3 input channels)"
NORM = {f"project.1.{name}": None for name in ("weight", "bias", "running_mean", "running_var")}


@pytest.mark.parametrize("function", [aspp, aspp_branches])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"convs.2.1.weight": None}, "parameters lack 'convs.2.1.weight'"),
        ({"convs.0.0.weight": None}, "parameters lack 'convs.0.0.weight'"),
        (NORM, "parameters lack 'project.1.weight', 'project.1.bias', 'project.1.running_mean', 'project.1.running_var'"),
        (
            NORM | {"project.0.weight": None},
            "parameters lack 'project.0.weight', 'project.1.weight', 'project.1.bias', 'project.1.running_mean' and 1 more",
        ),
        ({"project.0.bias": 1}, "parameters must not have 'project.0.bias'"),
        ({"convs.0.0.num_batches_tracked": 1}, "parameters must not have 'convs.0.0.num_batches_tracked'"),
        (
            {"convs.2.1.weight": None, "convs.2.0.weight": 1, "b": 2},
            "parameters lack 'convs.2.1.weight' and must not have 'convs.2.0.weight', 'b'",
        ),
        ({"convs.1.0.weight": np.ones((5, 3, 1, 1))}, "convs.1.0.weight has shape (5, 3, 1, 1); it must be (5, 3, 3, 3)"),
        ({"convs.0.0.weight": np.ones((5, 4, 1, 1))}, "convs.0.0.weight has shape (5, 4, 1, 1); it must be (5, 3, 1, 1)"),
        ({"convs.0.0.weight": 1.0}, "convs.0.0.weight has shape (); it must be (0, 3, 1, 1)"),
        ({"convs.2.2.bias": np.ones(3)}, "convs.2.2.bias has shape (3,); it must be (5,)"),
        ({"project.0.weight": np.ones((5, 10, 1, 1))}, "project.0.weight has shape (5, 10, 1, 1); it must be (5, 15, 1, 1)"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(function: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=naming(f"{message} {CONTEXT}")):
        function(IMAGE, parameters(changes=changes), [2])


def test_a_parameter_that_is_no_array_is_named() -> None:
    message = "convs.1.1.bias … <U1 … (convs.1.1.bias (5,))"
    with pytest.raises(TypeError, match=naming(f"{message} {CONTEXT}")):
        aspp(IMAGE, parameters() | {"convs.1.1.bias": ["x"] * 5}, [2])


def test_another_variant_s_parameters_are_refused() -> None:
    message = r"^parameters lack 'convs\.0\.1\.weight', .* and 12 more and must not have 'convs\.0\.0\.bias', .*"
    with pytest.raises(ValueError, match=message):
        aspp(IMAGE, parameters("simple"), [2])
    with pytest.raises(ValueError, match=r"variant='tiny' must be one of 'deeplabv3', 'simple'$"):
        aspp(IMAGE, parameters(), [2], variant="tiny")


def test_counters_of_batches_are_not_read() -> None:
    counters = {
        f"{norm}.num_batches_tracked": np.array(7) for norm in ("convs.0.1", "convs.1.1", "convs.2.2", "project.1")
    }
    np.testing.assert_array_equal(aspp(IMAGE, parameters() | counters, [2]), aspp(IMAGE, parameters(), [2]))


@pytest.mark.parametrize("as_path", [str, Path])
def test_parameters_from_an_archive(as_path: Any, tmp_path: Path) -> None:
    path = tmp_path / "parameters.npz"
    np.savez_compressed(path, **parameters("simple", (1, 2)))
    actual = aspp(IMAGE, as_path(path), [1, 2], variant="simple")
    np.testing.assert_array_equal(actual, aspp(IMAGE, parameters("simple", (1, 2)), [1, 2], variant="simple"))


def test_archives_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "parameters.npy"
    np.save(path, np.ones(3))
    with pytest.raises(ValueError, match=f"^parameters={re.escape(repr(str(path)))} must be an .npz file$"):
        aspp(IMAGE, path)
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        aspp(IMAGE, tmp_path / "missing.npz")
    with pytest.raises(
        TypeError, match=r"^parameters is of type list; it must be a mapping or the path of an \.npz file$"
    ):
        aspp(IMAGE, [1, 2])  # type: ignore[arg-type]


def test_nothing_is_unpickled_from_an_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "parameters.npz", weight=np.array([None], object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        aspp(IMAGE, tmp_path / "parameters.npz")
