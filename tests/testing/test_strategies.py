from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.geometry.arguments import PADDING_STRINGS
from refconv.operations import OPERATIONS
from refconv.testing import Case, find_case
from refconv.testing.battery.layouts import LAYOUTS

pytest.importorskip("hypothesis")

from hypothesis import find, given, seed, settings
from hypothesis.errors import NoSuchExample

from refconv.testing.strategies import Conv2dArguments, arguments_of, cases_of, conv2d_arguments, conv2d_cases

QUIET = settings(max_examples=400, database=None, deadline=None)


@pytest.fixture(scope="module")
def drawn() -> list[Case]:
    cases: list[Case] = []

    @seed(0)
    @QUIET
    @given(conv2d_cases())
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def is_padded_by_numbers(case: Case) -> bool:
    """Whether there is padding, with the same on both sides of an axis."""
    return (
        isinstance(case.padding, tuple)
        and all(isinstance(number, int) for number in case.padding)
        and any(case.padding)
    )


def smallest(condition: Callable[[Case], bool]) -> str:
    return find(conv2d_cases(), condition, settings=settings(QUIET, max_examples=3000), random=random.Random(0)).id


@pytest.mark.parametrize(
    ("condition", "name"),
    one_in(
        10,
        [
            (lambda _: True, "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32"),
            (lambda case: case.stride[0] > 1, "n1-c1-o1-g1-1x1-k1-s2x1-p0-d1-f32"),
            (lambda case: case.stride[1] > 3, "n1-c1-o1-g1-1x1-k1-s1x4-p0-d1-f32"),
            (lambda case: case.dilation[1] > 2 and case.weight_shape[3] > 1, "n1-c1-o1-g1-1x4-k1x2-s1-p0-d1x3-f32"),
            (lambda case: case.weight_shape[2] == 5, "n1-c1-o1-g1-5x1-k5x1-s1-p0-d1-f32"),
            (lambda case: case.groups == 4, "n1-c4-o4-g4-1x1-k1-s1-p0-d1-f32"),
            (lambda case: case.weight_shape[1] == 9, "n1-c9-o1-g1-1x1-k1-s1-p0-d1-f32"),
            (lambda case: case.weight_shape[0] == 5 and case.groups == 1, "n1-c1-o5-g1-1x1-k1-s1-p0-d1-f32"),
            (lambda case: case.input_shape[0] == 3 and len(case.input_shape) == 4, "n3-c1-o1-g1-1x1-k1-s1-p0-d1-f32"),
            (lambda case: len(case.input_shape) == 3, "c1-o1-g1-1x1-k1-s1-p0-d1-f32"),
            (lambda case: case.input_shape[-1] == 24 and case.weight_shape[3] == 1, "n1-c1-o1-g1-1x24-k1-s1-p0-d1-f32"),
            (lambda case: case.bias_shape is not None, "n1-c1-o1-g1-1x1-k1-s1-p0-d1-bias-f32"),
            (lambda case: case.dtype == "f64", "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f64"),
            (lambda case: case.data == "real", "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32-real"),
            (lambda case: case.layout == "fortran", "n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32-fortran"),
            (lambda case: case.padding == "same", "n1-c1-o1-g1-1x1-k1-s1-psame-d1-f32"),
            (
                lambda case: case.padding == "same_lower" and case.stride[1] == 2,
                "n1-c1-o1-g1-1x1-k1-s1x2-psame_lower-d1-f32",
            ),
            (lambda case: case.padding == "valid", "n1-c1-o1-g1-1x1-k1-s1-pvalid-d1-f32"),
            (
                lambda case: isinstance(case.padding, tuple) and case.padding[0] == 2,
                "n1-c1-o1-g1-1x1-k1-s1-p2x0-d1-f32",
            ),
            (
                lambda case: (
                    isinstance(case.padding, tuple)
                    and isinstance(case.padding[1], tuple)
                    and case.padding[1][1] > case.padding[1][0]
                ),
                "n1-c1-o1-g1-1x1-k1-s1-p0+0x0+1-d1-f32",
            ),
        ],
    ),
    ids=lambda parameter: parameter if isinstance(parameter, str) else "",
)
def test_cases_shrink_to_the_smallest(condition: Callable[[Case], bool], name: str) -> None:
    assert smallest(condition) == name


def test_a_case_is_the_case_of_its_name(drawn: list[Case]) -> None:
    for case in drawn:
        assert find_case(case.id) == case


def test_all_kinds_are_drawn(drawn: list[Case]) -> None:
    assert {case.dtype for case in drawn} >= {"f32", "f64", "f16", "c64", "i8", "u8"}
    assert {case.data for case in drawn} == {"exact", "real"}
    assert len({case.layout for case in drawn}) > len(LAYOUTS) // 2
    assert {case.laid_out for case in drawn} == {"", "input", "weight", "bias"}
    assert any(0 in case.input_shape[2:] for case in drawn)
    assert any(case.stride[1] > case.input_shape[-1] and case.dilation[0] > case.input_shape[-2] for case in drawn)  # type: ignore[index]
    assert {case.padding for case in drawn} >= {"valid", "same", "same_upper", "same_lower"}
    assert sum(map(is_padded_by_numbers, drawn)) > 20  # one in seven, and not only where sides are equal by chance
    assert {case.groups for case in drawn} == {1, 2, 3, 4}
    assert {case.weight_shape[2] for case in drawn} == {1, 2, 3, 4, 5}
    assert max(case.input_shape[-1] for case in drawn) > 16


def test_a_kernel_is_never_too_large_and_same_has_no_stride(drawn: list[Case]) -> None:
    for case in drawn:
        assert case.expected().size or case.input_shape[0] == 0
        assert case.padding != "same" or case.stride == (1, 1)
    assert any(case.dilation != (1, 1) and case.padding == "same" for case in drawn)


@settings(QUIET, max_examples=40)
@given(conv2d_arguments())
def test_arguments_are_those_of_a_call(arguments: Conv2dArguments) -> None:
    direct = refconv.conv2d(*arguments, method="direct")
    refconv.testing.assert_conv2d_matches(direct, *arguments)


@pytest.mark.slow
def test_arguments_have_names() -> None:
    arguments = find(conv2d_arguments(), lambda drawn: drawn.groups == 2 and drawn.stride[1] == 2, settings=QUIET)
    assert arguments.input.shape == (1, 2, 1, 1)
    assert arguments.weight.shape == (2, 1, 1, 1)
    assert arguments[2:] == (None, (1, 2), (0, 0), (1, 1), 2)


@pytest.mark.slow
def test_the_name_of_the_case_stands_beside_a_falsifying_example() -> None:
    @seed(1)
    @QUIET
    @given(conv2d_arguments())
    def refuses_a_bias(arguments: Conv2dArguments) -> None:
        assert arguments.bias is None

    with pytest.raises(AssertionError) as caught:
        refuses_a_bias()
    assert "find_case('n1-c1-o1-g1-1x1-k1-s1-p0-d1-bias-f32')" in caught.value.__notes__


def test_arrays_are_drawn_anew_and_equal_to_the_cases() -> None:
    arguments = find(conv2d_arguments(), lambda _: True, settings=QUIET)
    image, kernel, bias = find_case("n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32").arrays()
    np.testing.assert_array_equal(arguments.input, image)
    np.testing.assert_array_equal(arguments.weight, kernel)
    assert bias is None


def test_what_is_not_drawn_is_not_found() -> None:
    with pytest.raises(NoSuchExample):
        find(conv2d_cases(), lambda case: max(case.weight_shape[2:]) > 5 or case.groups > 4, settings=QUIET)


@pytest.mark.parametrize("strategy", [conv2d_cases, conv2d_arguments])
def test_without_hypothesis(strategy: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    message = r"^random cases need Hypothesis, which is not installed: pip install 'refconv\[hypothesis\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        strategy()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "condition", "name"),
    one_in(
        3,
        [
            ("conv1d", lambda case: case.stride == (3,), "conv1d-n1-c1-o1-g1-1-k1-s3-p0-d1-f32"),
            ("conv1d", lambda case: "+" in case.id, "conv1d-n1-c1-o1-g1-1-k1-s1-p0+1-d1-f32"),
            ("conv3d", lambda case: case.dilation[1] > 1, "conv3d-n1-c1-o1-g1-1x1x1-k1-s1-p0-d1x2x1-f32"),
            ("conv2d_weight", lambda case: case.groups == 2, "conv2d_weight-n1-c2-o2-g2-1x1-k1-s1-p0-d1-f32"),
            (
                "conv_transpose2d",
                lambda case: case.output_padding[1] > 0 and case.stride[1] > 1,
                "conv_transpose2d-n1-c1-o1-g1-1x1-k1-s1x2-p0-e0x1-d1-f32",
            ),
            (
                "conv_transpose2d",
                lambda case: isinstance(case.padding[1], tuple) and case.padding[1][1] > case.padding[1][0] == 1,
                "conv_transpose2d-n1-c1-o1-g1-1x4-k1-s1-p0+0x1+2-d1-f32",
            ),
        ],
    ),
    ids=lambda parameter: parameter if isinstance(parameter, str) else "",
)
def test_cases_of_any_operation_shrink_to_the_smallest(op: str, condition: Callable[[Case], bool], name: str) -> None:
    assert find(cases_of(op), condition, settings=QUIET).id == name


@pytest.mark.parametrize("op", one_in(4, OPERATIONS))
def test_all_kinds_of_any_operation_are_drawn_and_valid(op: str) -> None:
    drawn: list[Case] = []

    @seed(3)
    @settings(QUIET, max_examples=80)
    @given(cases_of(op))
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    assert {case.op for case in drawn} == {op}
    operation = OPERATIONS[op]
    assert all(case.check(case.reference().desired).passed for case in drawn[:20])
    assert {case.groups for case in drawn} == {1, 2, 3, 4}
    words = {case.padding for case in drawn if isinstance(case.padding, str)}
    assert words <= ({"same_upper", "same_lower"} if operation.is_transposed else {*PADDING_STRINGS})
    assert words
    assert any(case.bias_shape for case in drawn) == operation.has_bias
    assert any(any(case.output_padding) for case in drawn) == operation.is_transposed
    axes = [axis for case in drawn for axis in case.plan.axes]
    assert max(axis.kernel_size for axis in axes) == (3 if operation.space.rank == 3 else 5)
    assert any(axis.padding[0] > axis.padding[1] for axis in axes)


@settings(QUIET, max_examples=30)
@given(arguments_of("conv_transpose2d"))
def test_arguments_of_any_operation_are_those_of_a_call(arguments: tuple[Any, ...]) -> None:
    direct = refconv.conv_transpose2d(*arguments, method="direct")
    refconv.testing.assert_result_matches(direct, refconv.conv_transpose2d, *arguments)


def test_the_name_of_any_operations_case_stands_beside_a_falsifying_example() -> None:
    @seed(1)
    @QUIET
    @given(arguments_of("conv1d"))
    def refuses_a_bias(arguments: tuple[Any, ...]) -> None:
        assert arguments[2] is None

    with pytest.raises(AssertionError) as caught:
        refuses_a_bias()
    assert "find_case('conv1d-n1-c1-o1-g1-1-k1-s1-p0-d1-bias-f32')" in caught.value.__notes__


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^op='conv4d' must be one of 'conv2d', "):
        cases_of("conv4d")
