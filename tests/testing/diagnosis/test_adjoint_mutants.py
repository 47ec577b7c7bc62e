from __future__ import annotations

from collections.abc import Callable
from typing import Any

import adjoint_kernels
import adjoint_mutants
import numpy as np
import pytest
from adjoint_mutant_causes import CAUSES, operation
from mutant_causes import Expected
from sampled import one_in

import refconv
from refconv.grad import conv2d_input, conv2d_weight
from refconv.testing import check, compare_result, diagnose_result, find_case

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "conv_transpose2d": refconv.conv_transpose2d,
    "conv2d_input": conv2d_input,
    "conv2d_weight": conv2d_weight,
}
EXPECTED = [pytest.param(name, expected, id=name) for name, expected in CAUSES.items()]
RIGHT = [(op, name) for op, names in adjoint_mutants.RIGHT.items() for name in names]
SIDES = ((1, 0), (0, 2))


def kernel(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(adjoint_mutants, name)
    return function


def numbers(*shape: int) -> Any:
    return np.random.default_rng(shape).integers(-4, 5, shape).astype(np.float32)


def transposed(
    *batch: int,
    kernel: Any = (2, 3),
    stride: Any = (2, 1),
    padding: Any = (1, 0),
    extra: Any = (1, 0),
    dilation: Any = (1, 2),
) -> Any:
    image, weight, bias = numbers(*batch, 6, 5, 7), numbers(6, 2, *kernel), numbers(4)
    return image, weight, bias, stride, padding, extra, 2, dilation


def layer(
    *batch: int, kernel: Any = (2, 3), stride: Any = (2, 1), padding: Any = (1, 0), dilation: Any = (1, 2)
) -> Any:
    image, weight = numbers(*batch, 6, 7, 9), numbers(10, 3, *kernel)
    output = refconv.conv2d(image, weight, None, stride, padding, dilation, 2)
    return image, weight, numbers(*output.shape), stride, padding, dilation, 2


def arguments(op: str, *batch: int, **parameters: Any) -> Any:
    """Return what an operation of the family is called with."""
    if op == "conv_transpose2d":
        return transposed(*batch, **parameters)
    image, weight, *rest = layer(*batch, **parameters)
    return (image.shape, weight, *rest) if op == "conv2d_input" else (image, weight.shape, *rest)


def shown_on(expected: Expected) -> Any:
    """Return arguments like those of the case: with sides that differ, or NaN, where a mistake shows in nothing else."""
    given = arguments(operation(expected), 2, padding=SIDES if "+" in expected.case else (1, 0))
    if expected.case.endswith("nan"):
        given[0][0, 0, 0, 0] = np.nan
    return given


def test_every_mutant_has_its_cause() -> None:
    kernels = {name for name, value in vars(adjoint_mutants).items() if hasattr(value, "__wrapped__")}
    assert kernels - {name for _, name in RIGHT} == set(CAUSES)
    by_operation = [operation(expected) for expected in CAUSES.values()]
    assert [by_operation.count(op) for op in FUNCTIONS] == [26, 10, 16]


@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"padding": SIDES},
        {"kernel": (1, 2), "padding": (2, 3), "dilation": (3, 1)},  # more padding than the kernel reaches
        {"kernel": (3, 2), "stride": (4, 3), "dilation": (2, 1)},  # pixels that no window reads, between and after
    ],
)
@pytest.mark.parametrize("batch", [(2,), (1,), (0,), ()], ids=str)
def test_the_right_styles_are_right(op: str, batch: tuple[int, ...], parameters: dict[str, Any]) -> None:
    given = arguments(op, *batch, **parameters)
    for name in adjoint_mutants.RIGHT[op]:
        assert compare_result(kernel(name)(*given), FUNCTIONS[op], *given).passed, name


@pytest.mark.parametrize("op", ["conv2d_input", "conv2d_weight"])
@pytest.mark.parametrize("padding", ["valid", "same", "same_upper", "same_lower"])
def test_gradients_take_paddings_by_name(op: str, padding: str) -> None:
    given = arguments(op, 2, kernel=(2, 4), stride=(1, 1) if padding == "same" else (2, 3), padding=padding)
    for name in adjoint_mutants.RIGHT[op]:
        assert compare_result(kernel(name)(*given), FUNCTIONS[op], *given).passed, name


@pytest.mark.parametrize(("name", "expected"), EXPECTED)
def test_a_mutant_is_wrong(name: str, expected: Expected) -> None:
    given = shown_on(expected)
    assert not compare_result(kernel(name)(*given), FUNCTIONS[operation(expected)], *given).passed


@pytest.mark.parametrize("op", FUNCTIONS)
def test_mutants_of_different_causes_differ(op: str) -> None:
    given = arguments(op, 2, padding=SIDES)
    found: dict[Any, set[str]] = {}
    for name, expected in CAUSES.items():
        if operation(expected) == op and not expected.case.endswith("nan"):
            result = kernel(name)(*given)
            found.setdefault((result.shape, result.tobytes()), set()).add(expected.code)
    assert all(len(codes) == 1 for codes in found.values())


def test_a_mutant_refuses_what_does_not_fit() -> None:
    image, weight, bias, stride, padding, extra, groups, dilation = transposed(2)
    for wrong in (
        (image, weight, bias[1:], stride, padding, extra, groups, dilation),
        (image, weight[1:], bias, stride, padding, extra, groups, dilation),
        (image, weight, bias, stride, padding, (2, 0), groups, dilation),
        (image, weight, bias, stride, (0, 9), extra, groups, dilation),
        (image, weight, bias, stride, padding, extra, 4, dilation),
        (image[..., :0], weight, bias, stride, padding, extra, groups, dilation),
    ):
        with pytest.raises(ValueError, match=r"fit|transposed|negative"):
            kernel("stuffed")(*wrong)
    with pytest.raises(NotImplementedError, match="padding in numbers"):
        kernel("stuffed")(image, weight, bias, stride, "same_upper", extra, groups, dilation)
    for op, name in RIGHT:
        given = arguments(op, 2)
        if op != "conv_transpose2d":
            with pytest.raises(ValueError, match="does not fit"):
                kernel(name)(*given[:2], given[2][..., 1:], *given[3:])
        with pytest.raises(NotImplementedError, match="real floating-point"):
            kernel(name)(*(part.astype(int) if isinstance(part, np.ndarray) else part for part in given))


@pytest.mark.parametrize("name", one_in(52, CAUSES))
def test_check_catches_a_mutant_and_names_its_cause_first(name: str) -> None:
    expected = CAUSES[name]
    report = check(kernel(name), expected.tier, op=operation(expected), match=expected.match, time_limit=None)
    assert not report.passed
    assert report.causes()[0].code == expected.code


@pytest.mark.parametrize(("name", "expected"), EXPECTED)
def test_arrays_alone_name_the_cause_of_a_mutant(name: str, expected: Expected) -> None:
    case = find_case(expected.case)
    given = (*case.arrays(), *case.kwargs().values())
    findings = diagnose_result(kernel(name)(*given), FUNCTIONS[operation(expected)], *given)
    assert expected.code in [finding.code for finding in findings[:3]] or name in NOT_AMONG_THREE
    assert all(finding.explained == finding.wrong for finding in findings)


# With an output padding of 1 before a padding of 1, it is as if there were none of either, which is likelier.
NOT_AMONG_THREE = {"output_padding_before"}


@pytest.mark.parametrize(("op", "name"), one_in(7, RIGHT))
def test_a_right_kernel_of_any_style_has_no_finding(op: str, name: str) -> None:
    report = check(kernel(name), "core", op=op, time_limit=None)
    assert report.passed
    assert not report.causes()


def test_the_kernels_share_nothing_with_refconv() -> None:
    for module in (adjoint_kernels, adjoint_mutants):
        assert "refconv" not in vars(module)
        assert not [v for v in vars(module).values() if getattr(v, "__module__", "").startswith("refconv")]
