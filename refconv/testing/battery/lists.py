"""Which rows make up the battery of an operation; a gradient has those of the operation whose gradient it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from refconv.operations import OPERATIONS, Operation
from refconv.testing.battery import eight_bits, shared_cases, sweeps
from refconv.testing.battery.data import BIASES, FORWARD_DATA, ROUNDED
from refconv.testing.battery.edge_cases import CONV2D
from refconv.testing.battery.family_cases import FAMILY_CASES
from refconv.testing.battery.names import name_of, read_case, words_of, write_name
from refconv.testing.battery.networks import NETWORKS
from refconv.testing.battery.problems import PROBLEMS, problems_of
from refconv.testing.battery.rows import Families, of_operation

__all__: list[str] = []

_OWN: Final[dict[str, Families]] = {"conv2d": CONV2D, **FAMILY_CASES}


def names_of(op: str, tier: str) -> Families:
    """Return the names of an operation's cases by family: of ``core``, what ``full`` adds to it, and other tiers."""
    if tier in PROBLEMS:
        return problems_of(op, tier)
    operation = OPERATIONS[op]
    if operation.is_gradient:
        forward = names_of(operation.forward.name, tier)
        return {
            family: [name for given in names if (name := _as_gradient(operation, given))]
            for family, names in forward.items()
        }
    if operation.arithmetic:
        scaled = eight_bits.SCALED if operation.arithmetic == "quantized" else {}
        return of_operation(op, eight_bits.CASES, scaled) if tier == "core" else {}
    if tier == "networks":
        return of_operation(op, NETWORKS[op])
    if tier == "full":
        kind = sweeps.TRANSPOSED if operation.is_transposed else sweeps.CONVOLUTIONS
        return of_operation(op, sweeps.EVERYWHERE, kind, sweeps.CONV2D if op == "conv2d" else {})
    kind = shared_cases.TRANSPOSED if operation.is_transposed else shared_cases.CONVOLUTIONS
    return of_operation(op, _OWN[op], shared_cases.EVERYWHERE, kind)


def _as_gradient(operation: Operation, name: str) -> str:
    """Return the name of the same case of a gradient, with numbers of the kind that it can add up.

    Empty where there is nothing to it: data of another kind, no channels, words about a bias, or an output's size that
    is asked for, which what arrives says by itself.
    """
    words = words_of(name)
    by_bias = operation.by == "bias"
    is_of_bias = bool(words["bias"]) or words["data"] in BIASES or words["of"] == "bias"
    if is_of_bias or words["data"] in FORWARD_DATA or words["c"] == "0" or words["h"]:
        return ""
    if by_bias and (words["other"] or words["of"]):
        return ""
    if words["of"] and words["of"] not in operation.factors:
        words["of"] = "grad_output"
    case = read_case(write_name(words | {"op": operation.name, "bias": None}))
    if case.data not in ROUNDED and not case.largest_number():
        case = replace(case, data="real")
    return name_of(case)
