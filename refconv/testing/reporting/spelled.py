"""A case's name, spelled out in words."""

from __future__ import annotations

from typing import Final

from refconv.testing.battery.cases import DTYPES, Case
from refconv.testing.battery.names import as_tuple

__all__: list[str] = []

_AXES: Final = {1: ("along",), 2: ("down", "across"), 3: ("in depth", "down", "across")}
_DATA: Final = {
    "exact": "whole numbers whose every sum is exact, so that the result must be equal",
    "real": "normal numbers, each result within its bound",
}


def spelled(case: Case) -> str:
    """Return what the name of a valid case says, in words.

    >>> from refconv.testing import find_case
    >>> print(spelled(find_case("n1-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32-real")))
    1 image of 6 channels, 7 × 9 pixels; 10 output channels in 2 groups; kernel 2 × 3; stride 2 down, 1 across; padding
    1 down, 0 across; dilation 1 down, 2 across; with a bias; float32; normal numbers, each result within its bound
    """
    rank = case.operation.space.rank
    *batch, channels, _ = (*case.input_shape[:-rank], None)
    images = _many(batch[0], "image") if batch else "one image without a batch axis"
    outputs = case.weight_shape[1] * case.groups if case.operation.is_transposed else case.weight_shape[0]
    types = [DTYPES[short] for short in (case.dtype, case.other_dtype) if short]
    parts = [
        f"{images} of {_many(channels, 'channel')}, {' × '.join(map(str, case.input_shape[-rank:]))} pixels",
        f"{_many(outputs, 'output channel')}{f' in {case.groups} groups' if case.groups > 1 else ''}",
        f"kernel {' × '.join(map(str, case.weight_shape[2:]))}",
        *(_along(name, getattr(case, name), rank) for name in ("stride", "padding", "dilation")),
        _along("output padding", case.output_padding, rank) if any(case.output_padding) else "",
        f"output of {' × '.join(map(str, case.output_size))}" if case.output_size else "",
        "with a bias" if case.bias_shape else "",
        " by ".join(types),
        _DATA.get(case.data, f"data: {case.data}"),
        f"{case.laid_out or 'arrays'} in memory: {case.layout}" if case.layout != "contiguous" else "",
        "called from other threads, too" if case.threads else "",
    ]
    return f"{'' if case.op == 'conv2d' else f'{case.op}: '}{'; '.join(filter(None, parts))}"


def _many(count: int | None, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _along(name: str, value: object, rank: int) -> str:
    """Return a parameter axis by axis: ``stride 2 down, 1 across``, or ``stride 2`` where the axes are alike."""
    if isinstance(value, str):
        return f"{name} {value!r}"
    texts = [
        f"{each[0]} before and {each[1]} after" if isinstance(each, tuple) else str(each) for each in as_tuple(value)
    ]
    if len(set(texts)) == 1:
        return f"{name} {texts[0]}"
    return f"{name} {', '.join(f'{text} {axis}' for text, axis in zip(texts, _AXES[rank], strict=True))}"
