"""What can be judged: each operation by refconv's own function, whose positional signature a target of it has.

All of them take three arguments and then parameters.  Two of the three are multiplied, and one slides over the other.
The third is what is added, the bias, or for a gradient the shape of what is asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from refconv.conv import conv2d
from refconv.conv_nd import conv1d, conv3d
from refconv.geometry.arguments import LINE, PLANE, VOLUME, Space
from refconv.grad import conv2d_input, conv2d_weight
from refconv.numbers.formats import Array
from refconv.transpose import conv_transpose2d

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that can be judged.

    Parameters
    ----------
    function : callable
        refconv's own.
    factors : pair of str
        What the kernel slides over, and the kernel: names of its arguments.
    space : Space
        Its spatial axes.

    Examples
    --------
    >>> OPERATIONS["conv2d_weight"].leading, OPERATIONS["conv2d_weight"].size
    (('input', 'weight_size', 'grad_output'), 'weight_size')
    >>> OPERATIONS["conv_transpose2d"].parameters
    ('stride', 'padding', 'output_padding', 'groups', 'dilation')
    """

    function: Callable[..., Array]
    factors: tuple[str, str] = ("input", "weight")
    space: Space = PLANE

    @property
    def leading(self) -> tuple[str, ...]:
        """The names of the first three arguments."""
        return _positional(self.function)[:3]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the others, in their order."""
        return _positional(self.function)[3:]

    @property
    def size(self) -> str:
        """The argument that says the shape of what is asked for; empty where there is none."""
        return next((name for name in self.leading if name.endswith("_size")), "")

    @property
    def is_gradient(self) -> bool:
        """Whether it is planned by the convolution whose gradient it is."""
        return bool(self.size)

    @property
    def is_forward(self) -> bool:
        """Whether it is a convolution itself, and no adjoint."""
        return self.function in (conv1d, conv2d, conv3d)


@lru_cache  # for every case asks
def _positional(function: Callable[..., Array]) -> tuple[str, ...]:
    arguments = inspect.signature(function).parameters.values()
    return tuple(argument.name for argument in arguments if argument.kind is argument.POSITIONAL_OR_KEYWORD)


OPERATIONS: Final[dict[str, Operation]] = {
    "conv2d": Operation(conv2d),
    "conv1d": Operation(conv1d, space=LINE),
    "conv3d": Operation(conv3d, space=VOLUME),
    "conv_transpose2d": Operation(conv_transpose2d),
    "conv2d_input": Operation(conv2d_input, ("grad_output", "weight")),
    "conv2d_weight": Operation(conv2d_weight, ("input", "grad_output")),
}
