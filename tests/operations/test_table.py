"""The one table of operations: what a target is called with, and which part of the plan each argument is."""

from __future__ import annotations

import inspect

import pytest

import refconv
from refconv.operations import OPERATIONS, operation_of

STEPS = {
    "conv": ("stride", "padding", "dilation", "groups"),
    "conv_transpose": ("stride", "padding", "output_padding", "groups", "dilation"),
}
# By what is asked for: the leading arguments, and which of them says the shape of the result.
LEADING = {
    "": ("input", "weight", "bias"),
    "_input": ("input_size", "weight", "grad_output"),
    "_weight": ("input", "weight_size", "grad_output"),
    "_bias": ("grad_output",),
}
FUNCTIONS = [f"{kind}{rank}d{ending}" for ending in LEADING for kind in STEPS for rank in (1, 2, 3)]


def taken_apart(op: str) -> tuple[str, int, str]:
    """Return the kind of an operation, its number of axes, and its ending."""
    front, _, ending = op.partition("d_") if "d_" in op else (op.removesuffix("d"), "", "")
    return front[:-1], int(front[-1]), f"_{ending}" if ending else ""


def test_these_are_the_operations() -> None:
    assert len(FUNCTIONS) == 24
    assert {name for name, operation in OPERATIONS.items() if not operation.arithmetic} == set(FUNCTIONS)
    assert next(iter(OPERATIONS)) == "conv2d"  # which goes without saying in the name of a case


@pytest.mark.parametrize("op", FUNCTIONS)
def test_the_arguments_are_those_of_refconvs_own_function(op: str) -> None:
    operation, (kind, rank, ending) = OPERATIONS[op], taken_apart(op)
    assert (operation.name, operation.space.rank) == (op, rank)
    assert operation.leading == LEADING[ending]
    assert operation.parameters == (() if ending == "_bias" else STEPS[kind])
    assert operation.size == {"_input": "input_size", "_weight": "weight_size"}.get(ending, "")
    assert operation.function is getattr(refconv.grad if ending else refconv, op)
    positional = [
        name
        for name, p in inspect.signature(operation.function).parameters.items()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert [*operation.leading, *operation.parameters] == positional
    assert operation_of(operation.function) is operation


@pytest.mark.parametrize("op", FUNCTIONS)
def test_what_kind_an_operation_is(op: str) -> None:
    operation, (kind, rank, ending) = OPERATIONS[op], taken_apart(op)
    assert operation.is_transposed == (kind == "conv_transpose")
    assert operation.is_gradient == bool(ending)
    assert operation.has_bias == (not ending)
    assert operation.by == ending.removeprefix("_")
    assert operation.forward is OPERATIONS[f"{kind}{rank}d"]


# What is asked of the plan of the convolution, and which arguments are its other parts; the factors, the first of which
# the other slides over; and which of them is conjugated.
PLANNED = {
    "conv": ("output", {"input": "input", "weight": "weight"}, ("input", "weight"), ""),
    "conv_input": ("input", {"weight": "weight", "output": "grad_output"}, ("grad_output", "weight"), "weight"),
    "conv_weight": ("weight", {"input": "input", "output": "grad_output"}, ("input", "grad_output"), "input"),
    "conv_bias": ("weight", {"output": "grad_output"}, ("grad_output",), ""),
    "conv_transpose": ("input", {"weight": "weight", "output": "input"}, ("input", "weight"), ""),
    "conv_transpose_input": (
        "output",
        {"input": "grad_output", "weight": "weight"},
        ("grad_output", "weight"),
        "weight",
    ),
    "conv_transpose_weight": ("weight", {"input": "grad_output", "output": "input"}, ("grad_output", "input"), "input"),
    "conv_transpose_bias": ("weight", {"output": "grad_output"}, ("grad_output",), ""),
}


@pytest.mark.parametrize("op", FUNCTIONS)
def test_each_argument_is_a_part_of_the_plan(op: str) -> None:
    operation, (kind, _, ending) = OPERATIONS[op], taken_apart(op)
    assert (operation.asked, operation.roles, operation.factors, operation.conjugated) == PLANNED[kind + ending]


def test_what_is_no_operation_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"^function=<function check at .* must be one of conv1d, conv1d_bias, conv1d_input, "
    ):
        operation_of(refconv.testing.check)
