"""The file of a case: the arrays that an operation reads, and its other arguments as text.

=================  =====================================================================================
metadata           text
=================  =====================================================================================
op                 ``conv2d``
stride, dilation   a number for each axis: ``2 1``; so are ``output_padding`` and ``output_size``
padding            before and after, for each axis: ``1 1 0 0``, top, bottom, left, right; or ``same_upper``
groups             a number
input_size         of a gradient, the shape that it is to have: ``2 6 7 9``; or ``weight_size``
=================  =====================================================================================

The tensors have the names of the operation's arguments: ``input``, ``weight``, ``bias``, ``grad_output``.  The file of
a result has one tensor, ``result``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.operations import Operation
from refconv.testing.programs.safetensors import from_bytes

RESULT: Final = "result"


def as_tensors(
    operation: Operation, arguments: Sequence[Any], output_size: Sequence[int] = ()
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arguments of an operation, in its own order, as the tensors and the metadata of a file.

    Examples
    --------
    >>> from refconv.operations import OPERATIONS
    >>> image, kernel = np.ones((1, 1, 4, 5), np.float32), np.ones((1, 1, 2, 3), np.float32)
    >>> tensors, text = as_tensors(OPERATIONS["conv2d"], (image, kernel, None, (2, 1), ((1, 0), (2, 3)), (1, 1), 1))
    >>> list(tensors), text
    (['input', 'weight'],
     {'op': 'conv2d', 'stride': '2 1', 'padding': '1 0 2 3', 'dilation': '1 1', 'groups': '1'})
    """
    names = (*operation.leading, *operation.parameters)
    given = dict(zip(names, arguments, strict=False)) | ({"output_size": output_size} if output_size else {})
    tensors = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    text = {name: _text(name, value) for name, value in given.items() if name not in tensors and value is not None}
    return tensors, {"op": operation.name, **text}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    if name == "padding":
        value = [pixels for sides in value for pixels in (sides if isinstance(sides, tuple) else (sides, sides))]
    return " ".join(map(str, value))


def read_result(path: Path) -> Array:
    """Return the result that a program has left; a ValueError where the file holds something else."""
    try:
        tensors, _ = from_bytes(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path.name} is no safetensors file: it has {error}") from None
    if RESULT not in tensors:
        raise ValueError(f"{path.name} must have a tensor 'result'; it has {', '.join(tensors) or 'none'}")
    return tensors[RESULT]
