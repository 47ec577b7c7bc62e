"""What all adapters share: what a framework is to us, and how refconv's arguments are said in a framework's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refconv.adjoint_geometry import transposed_axes, transposed_geometry
from refconv.geometry.arguments import PADDING_STRINGS, PLANE
from refconv.numbers.formats import Array

Target = Callable[..., Any]  # with the positional signature of refconv's function of its name


@dataclass(frozen=True, slots=True)
class Framework:
    """How to load each operation that a framework has, and what to install for them: ``{module: distribution}``."""

    operations: Mapping[str, Callable[[], Target]]
    packages: Mapping[str, str]


def native(array: Array) -> Array:
    """Return the array in this machine's byte order; its layout stays."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


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


def transposed_shape(
    image: Array,
    kernel: Array,
    bias: Array | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> tuple[int, int, int, int]:
    """Return the shape of what `conv_transpose2d` makes of these, for a framework that wants to be told it."""
    try:
        axes = transposed_axes(
            image.shape,
            kernel.shape,
            None if bias is None else bias.shape,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
            space=PLANE,
        )
    except (TypeError, ValueError) as error:
        raise NotImplementedError("it wants to be told the size of the output, and there is none") from error
    return transposed_geometry(image.shape, kernel.shape, groups, axes).input_shape
