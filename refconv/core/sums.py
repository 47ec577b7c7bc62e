"""The three sums, each by all its methods: what to multiply, how to take it apart, and how much it adds up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import numpy.typing as npt

from refconv.core import direct, parts, products
from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.accumulate import Part, accumulate
from refconv.numbers.formats import Array

Method: TypeAlias = Callable[[Array, Sequence[Array], ConvGeometry], list[Array]]


class Sum(NamedTuple):
    """A convolution or one of its adjoints.

    Parameters
    ----------
    methods : mapping of str to callable
        ``method(first, second, plan)`` by name.
    parts : callable
        How all methods but the direct one take it apart.
    shape, terms : callable
        What shape a plan's result has, and how many products one number of it adds up at most.
    """

    methods: Mapping[str, Method]
    parts: Callable[[ConvGeometry, int], Iterator[Part]]
    shape: Callable[[ConvGeometry], Index]
    terms: Callable[[ConvGeometry], int]

    def of(
        self, plan: ConvGeometry, method: str, dtype: npt.DTypeLike | None, operands: Mapping[str, npt.ArrayLike]
    ) -> Array:
        """Return the sum for a plan and its operands, two factors and perhaps a bias, without N if it came without."""
        cut = parts.whole if method == "direct" else self.parts
        exact, shape, terms = method == "exact", self.shape(plan), self.terms(plan)
        found = accumulate(
            self.methods[method], partial(cut, plan), operands, shape, terms=terms, dtype=dtype, exact=exact
        )
        return found if plan.batched or self is WEIGHT_ADJOINT else found[0]


def _one_by_one(loops: Callable[[Array, Array, ConvGeometry], Array]) -> Method:
    return lambda first, seconds, plan: [loops(first, second, plan) for second in seconds]


def _most_read(plan: ConvGeometry) -> int:
    """Return how many places of the padded input one pixel stands in at most: with itself, 1 before and 1 after."""
    most = {"zeros": 1, "reflect": 3, "circular": 3}.get(plan.padding_mode)
    return math.prod(1 + sum(axis.padding) if most is None else most for axis in plan.axes)


# Of integers and objects, whose arithmetic is exact as it is, "exact" is the matrix product; of others, that in digits.
CONVOLUTION: Final = Sum(
    {
        "im2col": products.convolution,
        "einsum": products.einsum,
        "direct": _one_by_one(direct.convolution),
        "exact": products.convolution,
    },
    parts.convolution,
    shape=lambda plan: plan.output_shape,
    terms=lambda plan: plan.taps_per_output,
)
INPUT_ADJOINT: Final = Sum(
    {"im2col": products.input_adjoint, "direct": _one_by_one(direct.input_adjoint), "exact": products.input_adjoint},
    parts.input_adjoint,
    shape=lambda plan: plan.input_shape,
    terms=lambda plan: plan.group_out_channels * math.prod(plan.kernel_size) * _most_read(plan),
)
WEIGHT_ADJOINT: Final = Sum(
    {"im2col": products.weight_adjoint, "direct": _one_by_one(direct.weight_adjoint), "exact": products.weight_adjoint},
    parts.weight_adjoint,
    shape=lambda plan: plan.weight_shape,
    terms=lambda plan: plan.batch * plan.positions,
)
