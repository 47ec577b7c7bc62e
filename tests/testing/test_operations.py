from __future__ import annotations

import numpy as np
import pytest

import refconv
from refconv.operations import OPERATIONS

CONVOLUTION = ("input", "weight", "bias"), ("stride", "padding", "dilation", "groups")
EXPECTED = {
    "conv2d": CONVOLUTION,
    "conv1d": CONVOLUTION,
    "conv3d": CONVOLUTION,
    "conv_transpose2d": (("input", "weight", "bias"), ("stride", "padding", "output_padding", "groups", "dilation")),
    "conv2d_input": (("input_size", "weight", "grad_output"), CONVOLUTION[1]),
    "conv2d_weight": (("input", "weight_size", "grad_output"), CONVOLUTION[1]),
}


@pytest.mark.parametrize("op", EXPECTED)
def test_the_arguments_are_those_of_refconvs_own_function(op: str) -> None:
    operation = OPERATIONS[op]
    assert (operation.leading, operation.parameters) == EXPECTED[op]
    assert operation.function is getattr(refconv.grad if operation.is_gradient else refconv, op)
    assert set(operation.factors) < set(operation.leading)
    assert operation.size == next((name for name in operation.leading if name not in ("bias", *operation.factors)), "")


def test_what_kind_an_operation_is() -> None:
    assert [op for op in OPERATIONS if OPERATIONS[op].is_forward] == ["conv2d", "conv1d", "conv3d"]
    assert [op for op in OPERATIONS if OPERATIONS[op].is_gradient] == ["conv2d_input", "conv2d_weight"]
    assert {op: operation.space.rank for op, operation in OPERATIONS.items()} == {
        "conv2d": 2,
        "conv1d": 1,
        "conv3d": 3,
        "conv_transpose2d": 2,
        "conv2d_input": 2,
        "conv2d_weight": 2,
    }


@pytest.mark.parametrize("op", EXPECTED)
def test_the_first_factor_is_what_the_kernel_slides_over(op: str) -> None:
    image, kernel = OPERATIONS[op].factors
    assert np.isin(image, ("input", "grad_output"))
    assert kernel == ("grad_output" if op == "conv2d_weight" else "weight")
