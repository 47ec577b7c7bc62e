"""One operation of the family with all its arguments: what is multiplied, what is added to it, and what it adds up.

All of them are linear in each of their factors, so that one rule says what any of them adds up.  Let f be one, a and b
its factors:

    f(|a|, |b|)   is Σ|x||w|, what the bound of a sum is relative to
    f(1, 1)       is K, how many products there are in it: those that touch data, for every element its own number

Only for conv2d is more known: other algorithms than the sum as it stands, and K from the geometry alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from refconv.bounds.summation import Precision, Sums, rounded_inputs_error
from refconv.conv import conv2d
from refconv.conv_nd import conv1d, conv3d
from refconv.error_bound import Operands, conv2d_sums, magnitude, rounded_up
from refconv.grad import conv2d_bias, conv2d_input, conv2d_weight
from refconv.numbers.dtypes import as_array, wide_dtype
from refconv.numbers.formats import Array
from refconv.transpose import conv_transpose2d
from refconv.transpose_nd import conv_transpose1d, conv_transpose3d

BIASED: Final = (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d)
FAMILY: Final = (*BIASED, conv2d_input, conv2d_weight, conv2d_bias)
OPERANDS: Final[tuple[str, ...]] = ("input", "weight", "grad_output", "bias")


@dataclass(frozen=True, slots=True)
class Problem:
    """A call of one of the family.

    Parameters
    ----------
    function : callable
        Which: refconv's own.
    operands : dict of str to ndarray
        The arrays that it reads, by name and in its own order: the factors, and then the bias, where there is one.
    parameters : mapping
        All its other arguments by name, such as the stride, or the size of what it returns.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Problem.of(conv1d, np.ones((1, 4)), np.full((1, 1, 2), 3.0), stride=2)
    >>> list(problem.operands), dict(problem.parameters)
    (['input', 'weight'], {'stride': 2})
    >>> problem()
    array([[6., 6.]])
    >>> problem.each(np.negative)()
    array([[6., 6.]])
    """

    function: Callable[..., Array]
    operands: dict[str, Array]
    parameters: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        function: Callable[..., Array],
        *arguments: Any,
        read: Callable[[str, Any], Array] = as_array,
        **parameters: Any,
    ) -> Problem:
        """Sort a function's arguments, given in its own order and by its own names; `read` makes arrays of some."""
        if not any(function is member for member in FAMILY):
            names = ", ".join(member.__name__ for member in FAMILY)
            raise TypeError(f"function={function!r} must be one of {names}")
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
        return cls(function, operands, {name: value for name, value in bound.items() if name not in OPERANDS})

    def __call__(self, **options: Any) -> Array:
        """Return the result; `options` are those of the function beside its arguments, such as ``dtype``."""
        return self.function(**self.operands, **self.parameters, **options)

    def each(self, change: Callable[[Array], Array]) -> Problem:
        """Apply a function to every array."""
        return replace(self, operands=_each(change, self.operands))

    def with_operands(self, **operands: Array | None) -> Problem:
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

    def sums(self, precision: Precision, algorithm: str = "direct", exact: Array | None = None) -> Sums:
        """Return what is added up; `exact` is the result, where it is known already."""
        if self.function is conv2d:
            operands = Operands(self.operands["input"], self.operands["weight"], self.operands.get("bias"))
            return conv2d_sums(operands, self.parameters, precision, algorithm, exact)
        if algorithm != "direct":
            raise ValueError(f"algorithm={algorithm!r} must be 'direct' for {self.function.__name__}")
        is_complex = any(dtype.kind == "c" for dtype in self.dtypes)
        sizes = self.each(magnitude)
        total = sizes()
        products = replace(self, operands=_each(np.ones_like, sizes.factors))() * (2 if is_complex else 1)
        roundings = np.where(products > 0, products + ("bias" in self.operands), 0)

        input_error: Array | float = 0.0
        if precision.multiplier is not None:
            rounded = _each(partial(rounded_up, info=precision.multiplier), sizes.factors)
            input_error = rounded_inputs_error(total, sizes.with_operands(**rounded)(), roundings)
        if exact is None and precision.rounds_result:
            exact = self(dtype=wide_dtype(*self.dtypes))
        return Sums(total, roundings, input_error, exact, is_complex=is_complex)


def _each(change: Callable[[Array], Array], operands: dict[str, Array]) -> dict[str, Array]:
    return {name: change(operand) for name, operand in operands.items()}
