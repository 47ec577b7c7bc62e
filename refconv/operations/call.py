"""One operation with all its arguments, sorted into what is multiplied, what is added, and how.

All of the family are linear in each of their factors, so that the same call with other arrays says what it adds up:
with f the operation and a and b its factors, f(|a|, |b|) is Σ|x||w|, what the bound of a sum is relative to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.dtypes import as_array, result_dtype
from refconv.numbers.formats import Array
from refconv.operations.table import Operation, operation_of

OPERANDS: Final[tuple[str, ...]] = ("input", "weight", "grad_output", "bias")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of the family.

    Parameters
    ----------
    operation : Operation
        Which.
    operands : dict of str to ndarray
        The arrays that it reads, by name and in its own order: the factors, and then the bias, where there is one.
    parameters : mapping
        All its other arguments by name, such as the stride, or the size of what it returns.

    Examples
    --------
    >>> import numpy as np
    import numpy.typing as npt
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
    operands: dict[str, Array]
    parameters: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        function: Callable[..., Array],
        *arguments: Any,
        read: Callable[[str, Any], Array] = as_array,
        **parameters: Any,
    ) -> Call:
        """Sort a function's arguments, given in its own order and by its own names; `read` makes arrays of some."""
        operation = operation_of(function)
        options = [name for name in parameters if name in ("method", "dtype")]
        if options:
            raise TypeError(
                f"{options[0]}={parameters[options[0]]!r} is how refconv computes it, no part of the problem"
            )
        bound = inspect.signature(function).bind(*arguments, **parameters).arguments
        given = {name: bound[name] for name in bound if name in OPERANDS}
        if given.get("bias", 0) is None:
            del given["bias"]
        operands = {name: read(name, value) for name, value in given.items()}
        return cls(operation, operands, {name: value for name, value in bound.items() if name not in OPERANDS})

    def __call__(self, **options: Any) -> Array:
        """Return the result; `options` are those of the function beside its arguments, such as ``dtype``.

        Of 8-bit numbers there is one result, of one type, by whatever method.
        """
        if self.operation.arithmetic:
            options = {name: option for name, option in options.items() if name not in ("dtype", "method")}
        return self.operation.function(**self.operands, **self.parameters, **options)

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

    def result_dtype(self, dtype: npt.DTypeLike | None = None) -> np.dtype[Any]:
        """Return the type of a result: this one, or that of the operands; of 8-bit numbers int32, or the input's."""
        if dtype is None and self.operation.arithmetic:
            return np.dtype(np.int32) if self.operation.arithmetic == "integer" else self.operands["input"].dtype
        return result_dtype(*self.dtypes, dtype=dtype)

    @property
    def plan(self) -> ConvGeometry:
        """Return the plan, checked, of the arrays' shapes and the parameters."""
        shapes: dict[str, Index] = {name: array.shape for name, array in self.operands.items()}
        sizes = {
            name: tuple(self.parameters[name]) for name in ("input_size", "weight_size") if name in self.parameters
        }
        asked = {name.removesuffix("_size"): size for name, size in sizes.items()}
        return self.operation.plan(shapes | asked, self.parameters)
