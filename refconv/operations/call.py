"""One operation with all its arguments, sorted into what is multiplied, what is added, and how.

All of the family are linear in each of their factors, so that the same call with other arrays says what it adds up:
with f the operation and a and b its factors, f(|a|, |b|) is Σ|x||w|, what the bound of a sum is relative to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from refconv.core.blocks import BLOCK, blocks
from refconv.core.sums import Cut
from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.dtypes import as_array, result_dtype
from refconv.numbers.formats import Array
from refconv.numbers.parts import Places, taken
from refconv.operations.table import Operation, operation_of

OPERANDS: Final[tuple[str, ...]] = ("input", "weight", "grad_output", "bias")


@dataclass(frozen=True)
class Call:
    """A call of one of the family.

    >>> import numpy as np
    >>> from refconv import conv1d
    >>> call = Call.of(conv1d, np.ones((1, 4)), np.full((1, 1, 2), 3.0), stride=2)
    >>> list(call.operands), dict(call.parameters)
    (['input', 'weight'], {'stride': 2})
    >>> call()
    array([[6., 6.]])
    >>> call.each(np.negative)()
    array([[6., 6.]])
    """

    operation: Operation
    operands: dict[str, Array]  # by name and in the operation's own order: the factors, and then the bias, if any
    parameters: Mapping[str, Any]  # all other arguments by name, such as the stride, or the size of what it returns
    part: ConvGeometry | None = None  # of a part of a larger call, its own plan, which the parameters do not give

    @classmethod
    def of(
        cls, function: Callable[..., Array], *arguments: Any,
        read: Callable[[str, Any], Array] = as_array, **parameters: Any,
    ) -> Call:  # fmt: skip
        """Sort a function's arguments, given in its own order and by its own names; `read` makes arrays of some."""
        operation = operation_of(function)
        for name in ("method", "dtype"):
            if name in parameters:
                raise TypeError(f"{name}={parameters[name]!r} is how refconv computes it, no part of the problem")
        bound = inspect.signature(function).bind(*arguments, **parameters).arguments
        given = {name: bound[name] for name in bound if name in OPERANDS}
        if given.get("bias", 0) is None:
            del given["bias"]
        operands = {name: read(name, value) for name, value in given.items()}
        return cls(operation, operands, {name: value for name, value in bound.items() if name not in OPERANDS})

    def __call__(self, **options: Any) -> Array:
        """Return the result; `options` are those of the function beside its arguments, such as ``dtype``."""
        if self.operation.arithmetic:  # of 8-bit numbers there is one result, of one type, by whatever method
            options = {name: option for name, option in options.items() if name not in ("dtype", "method")}
        if self.part is None:
            return self.operation.function(**self.operands, **self.parameters, **options)
        return self.operation.sum.of(self.part, options.get("method", "im2col"), options.get("dtype"), self._multiplied)

    def blocks(self, most: int = BLOCK, *, whole: bool = False) -> Iterator[tuple[Places, Call]]:
        """Yield parts of at most so many numbers: where each stands, in (N, C, *H) or (O, C/G, *K), and its own call.

        What a part returns has a batch, and of a bias' gradient it is the weight of a channel of ones.
        """
        if self.operation.arithmetic:  # one block: it has no part of its own, for it adds up differences
            batched = self.with_operands(input=self.operands["input"].reshape(self.plan.input_shape))
            return iter([(tuple(slice(0, size) for size in self.plan.output_shape), batched)])
        return map(self.within, blocks(self.plan, self.operation.asked, most, whole=whole))

    def within(self, cut: Cut) -> tuple[Places, Call]:
        """Return where a part of the plan stands, and its own call."""
        plan, roles = self.plan, self.operation.roles
        target: Places = getattr(cut, self.operation.asked)
        shaped = {role: self.operands[name].reshape(getattr(plan, f"{role}_shape")) for role, name in roles.items()}
        operands = {name: taken(shaped[role], getattr(cut, role)) for role, name in roles.items()}
        operands = {name: operands[name] for name in self.factors}  # in the operation's own order
        if "bias" in self.operands:
            operands["bias"] = taken(self.operands["bias"], target[1:2])
        return target, replace(self, operands=operands, part=cut.plan)

    def of_image(self, n: int) -> Call:
        """Return the call of one image alone, of a gradient that adds up all of them."""
        one = self.with_operands(**{name: array[n : n + 1] for name, array in self.factors.items()})
        return replace(one, part=self.part and replace(self.part, batch=1))

    @property
    def _multiplied(self) -> dict[str, Array]:
        """The operands of a part, as the sum takes them: one conjugated, or ones that a bias is multiplied by."""
        operation, given = self.operation, self.operands
        if operation.by == "bias":
            ones = np.broadcast_to(np.ones((), given["grad_output"].dtype), self.plan.input_shape)
            return {"ones": ones, **given}
        ordered = {name: given[name] for name in (*operation.factors, "bias") if name in given}
        return {name: array.conj() if name == operation.conjugated else array for name, array in ordered.items()}

    def each(self, change: Callable[[Array], Array]) -> Call:
        """Apply a function to every array."""
        return replace(self, operands={name: change(array) for name, array in self.operands.items()})

    def with_operands(self, **operands: Array | None) -> Call:
        """Put other arrays in the place of some; None takes one away."""
        changed = self.operands | operands
        return replace(self, operands={name: array for name, array in changed.items() if array is not None})

    @property
    def factors(self) -> dict[str, Array]:
        """The arrays that are multiplied: all but the bias."""
        return {name: array for name, array in self.operands.items() if name != "bias"}

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """The types of the arrays."""
        return [array.dtype for array in self.operands.values()]

    @property
    def is_complex(self) -> bool:
        """Whether one of the arrays is."""
        return any(dtype.kind == "c" for dtype in self.dtypes)

    def result_dtype(self, dtype: npt.DTypeLike | None = None) -> np.dtype[Any]:
        """Return the type of a result: this one, or that of the operands; of 8-bit numbers int32, or the input's."""
        if dtype is None and self.operation.arithmetic:
            return np.dtype(np.int32) if self.operation.arithmetic == "integer" else self.operands["input"].dtype
        return result_dtype(*self.dtypes, dtype=dtype)

    @property
    def shape(self) -> Index:
        """The shape of the result."""
        plan, shape = self.plan, self.operation.sum.shape(self.plan)
        if self.operation.asked == "weight":
            return shape if self.part or self.operation.by != "bias" else shape[:1]
        return shape if plan.batched else shape[1:]

    @cached_property
    def plan(self) -> ConvGeometry:
        """Return the plan, checked, of the arrays' shapes and the parameters."""
        if self.part is not None:
            return self.part
        shapes: dict[str, Index] = {name: array.shape for name, array in self.operands.items()}
        if size := self.operation.size:
            shapes[size.removesuffix("_size")] = tuple(self.parameters[size])
        return self.operation.plan(shapes, self.parameters)
