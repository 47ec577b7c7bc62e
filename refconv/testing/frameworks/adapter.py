"""What all adapters share: what a framework is to us, and how refconv's arguments are said in a framework's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.dtypes import is_integral
from refconv.numbers.formats import Array
from refconv.operations import LINEAR, Operation

Target = Callable[..., Any]  # with the positional signature of refconv's function of its name
PullBack = Callable[[Callable[[Any], Any], Any, np.dtype[Any], Array], Any]


@dataclass(frozen=True, slots=True)
class Framework:
    """How to load each operation that a framework has, and what to install for them: ``{module: distribution}``."""

    operations: Mapping[str, Callable[[], Target]]
    packages: Mapping[str, str]


def differentiated(operation: Operation, forward: Target, pull_back: PullBack) -> Target:
    """Return a gradient as what a framework's automatic differentiation makes of the operation it is one of.

    ``pull_back(linear, shape, dtype, arriving)`` returns what arrives at the output of a linear function of one
    argument, pulled back to that argument of this shape and type.
    """
    rank = operation.space.rank

    def by_input(input_size: Any, kernel: Array, arriving: Array, *steps: Any) -> Any:
        return pull_back(lambda image: forward(image, kernel, None, *steps), input_size, kernel.dtype, arriving)

    def by_weight(image: Array, weight_size: Any, arriving: Array, *steps: Any) -> Any:
        return pull_back(lambda kernel: forward(image, kernel, None, *steps), weight_size, image.dtype, arriving)

    def by_bias(arriving: Array) -> Any:
        channels = arriving.shape[-rank - 1]
        image = np.zeros((*arriving.shape[: -rank - 1], 1, *arriving.shape[-rank:]), arriving.dtype)
        shape = (1, channels) if operation.is_transposed else (channels, 1)
        kernel = np.zeros((*shape, *(1,) * rank), arriving.dtype)
        ones, zeros = (1,) * rank, (0,) * rank
        steps = (ones, zeros, zeros, 1, ones) if operation.is_transposed else (ones, zeros, ones, 1)
        return pull_back(lambda bias: forward(image, kernel, bias, *steps), (channels,), arriving.dtype, arriving)

    gradients: dict[str, Target] = {"input": by_input, "weight": by_weight, "bias": by_bias}
    return gradients[operation.by]


def differentiable(
    forward: Callable[[Operation], Target], pull_back: PullBack, read: Callable[[Any], Any] | None = None
) -> dict[str, Callable[[], Target]]:
    """Return how to load each linear operation of a framework that differentiates; `read` makes NumPy's of a result."""

    def load(operation: Operation) -> Target:
        own = forward(operation)
        target = differentiated(operation, own, pull_back) if operation.is_gradient else own
        return target if read is None else lambda *arguments: read(target(*arguments))

    return {name: partial(load, operation) for name, operation in LINEAR.items()}


def refuse_integers(dtype: np.dtype[Any]) -> None:
    """Refuse to differentiate with respect to integers."""
    if is_integral(dtype):
        raise NotImplementedError("it differentiates with respect to no integers")


def native(array: Any) -> Any:
    """Return an array in this machine's byte order, its layout as it is; what is no array is a tensor already."""
    return array.astype(array.dtype.newbyteorder("="), copy=False) if isinstance(array, np.ndarray) else array


def padding_word(padding: str, words: Mapping[str, str]) -> str:
    """Return a framework's own word for a padding string; one that refconv does not know goes through as it is."""
    if padding in PADDING_STRINGS and padding not in words:
        raise NotImplementedError(f"it has no padding={padding!r}")
    return words.get(padding, padding)


def sides_of(padding: Any) -> list[tuple[Any, Any]]:
    """Return ``(1, 0)`` as ``[(1, 1), (0, 0)]``, and pairs of sides as they are."""
    return [side if isinstance(side, tuple) else (side, side) for side in padding]


def refuse_unbatched(shape: Sequence[int], rank: int) -> None:
    """Refuse an input that has no axis beside the channels and those of a space of this rank."""
    if len(shape) == rank + 1:
        raise NotImplementedError("it takes no input without a batch axis")


def transposed_shape(operation: Operation, image: Any, kernel: Any, steps: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of what a transposed convolution makes of these, for a framework that wants to be told it."""
    try:
        plan = plan_transposed(tuple(image.shape), tuple(kernel.shape), space=operation.space, **steps)
    except (TypeError, ValueError) as error:
        raise NotImplementedError("it wants to be told the size of the output, and there is none") from error
    return plan.input_shape
