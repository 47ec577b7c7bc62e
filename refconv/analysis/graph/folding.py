"""Constants that a graph computes: pads, sizes and scales, out of shapes.

A shape's unknown sizes are in the arrays as they are, and whoever calculates with one has no result: ``[3, 224]`` can
be picked out of ``[N, 3, 224, 224]``, and N cannot be doubled, nor compared with 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.graph.nodes import Constant, Node, Unknown, as_constant

__all__: list[str] = []

MOST_ELEMENTS = 4096  # of a constant that is a size, a scale or a permutation; weights are larger, and left alone

Array = NDArray[Any]
Fold = Callable[[Node, Sequence[Any]], Any]

_TYPES = {1: "f4", 2: "u1", 3: "i1", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}
# Operators that are NumPy's functions of one or two arrays, with NumPy's names where those are others.
_FUNCTIONS = {
    "Sub": "subtract", "Mul": "multiply", "Pow": "power", "Min": "minimum", "Max": "maximum", "And": "logical_and",
    "Or": "logical_or", "GreaterOrEqual": "greater_equal", "LessOrEqual": "less_equal", "Not": "logical_not",
    "Neg": "negative", "Add": "add", "Mod": "mod", "Equal": "equal", "Greater": "greater", "Less": "less", "Log": "log",
    "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sqrt": "sqrt", "Abs": "abs", "Exp": "exp",
}  # fmt: skip


def _axes(node: Node, arrays: Sequence[Any]) -> tuple[int, ...] | None:
    given = node.attributes.get("axes")
    if given is None and len(arrays) > 1 and arrays[1] is not None:
        given = arrays[1].tolist()
    return None if given is None else tuple(given)


def _slice(node: Node, arrays: Sequence[Any]) -> Any:
    data, *rest = arrays
    given = [None if array is None else array.tolist() for array in rest]
    starts, ends, axes, steps = [
        node.attributes.get(name, given[place] if place < len(given) else None)
        for place, name in enumerate(("starts", "ends", "axes", "steps"))
    ]
    parts = [slice(None)] * data.ndim
    for number, axis in enumerate(axes or range(len(starts))):
        parts[axis] = slice(starts[number], ends[number], steps[number] if steps else 1)
    return data[tuple(parts)]


def _quotient(_: Node, arrays: Sequence[Any]) -> Any:
    """Divide as ONNX does: whole numbers towards 0."""
    exact = arrays[0] / arrays[1]
    return exact if "f" in {array.dtype.kind for array in arrays} else np.trunc(exact).astype(np.int64)


def _reduced(function: Callable[..., Any]) -> Fold:
    return lambda node, arrays: function(
        arrays[0], axis=_axes(node, arrays), keepdims=bool(node.attributes.get("keepdims", 1))
    )


def _reshaped(_: Node, arrays: Sequence[Any]) -> Any:
    return arrays[0].reshape([arrays[0].shape[n] if size == 0 else size for n, size in enumerate(arrays[1].tolist())])


def _filled(node: Node, arrays: Sequence[Any]) -> Any:
    value = node.attributes.get("value")
    return np.full(arrays[0].tolist(), np.zeros(1, np.float32) if value is None else value.array)


def _called(name: str) -> Fold:
    return lambda _, arrays: getattr(np, name)(*arrays)


FOLDS: dict[str, Fold] = {
    **{op: _called(name) for op, name in _FUNCTIONS.items()},
    **{f"Reduce{name.capitalize()}": _reduced(getattr(np, name)) for name in ("prod", "sum", "min", "max")},
    **dict.fromkeys(("Identity", "Dropout", "CastLike"), lambda _, arrays: arrays[0]),
    "Div": _quotient,
    "Slice": _slice,
    "Reshape": _reshaped,
    "ConstantOfShape": _filled,
    "Size": lambda _, arrays: np.size(arrays[0]),
    "Cast": lambda node, arrays: arrays[0].astype(object if _has_unknown(arrays[0]) else _TYPES[node.attributes["to"]]),
    "Gather": lambda node, arrays: np.take(arrays[0], arrays[1].astype(np.intp), axis=node.attributes.get("axis", 0)),
    "Concat": lambda node, arrays: np.concatenate(arrays, axis=node.attributes["axis"]),
    "Unsqueeze": lambda node, arrays: np.expand_dims(arrays[0], _axes(node, arrays) or ()),
    "Squeeze": lambda node, arrays: np.squeeze(arrays[0], axis=_axes(node, arrays)),
    "Flatten": lambda _, arrays: arrays[0].reshape(1, -1),
    "Transpose": lambda node, arrays: np.transpose(arrays[0], node.attributes.get("perm")),
    "Range": lambda _, arrays: np.arange(*(array.item() for array in arrays)),
    "Where": lambda _, arrays: np.where(arrays[0].astype(bool), arrays[1], arrays[2]),
    "Expand": lambda _, arrays: arrays[0] * np.ones(arrays[1].tolist(), arrays[0].dtype),
    "Tile": lambda _, arrays: np.tile(arrays[0], arrays[1].tolist()),
}  # fmt: skip
# What only moves numbers about may do so with sizes that are unknown.
MOVING = frozenset(
    "Cast Concat Flatten Gather Identity Reshape Shape Slice Squeeze Transpose Unsqueeze".split()  # noqa: SIM905
)


def folded(node: Node, constants: Sequence[Constant | None]) -> list[Constant]:
    """Return the outputs of a node whose inputs are all constants: with their numbers, where they can be had."""
    arrays = [None if each is None else each.array for each in constants]
    shapes = [None if each is None else each.shape for each in constants]
    nothing = [Constant(None, None)] * len(node.outputs)
    if node.op == "Shape" and shapes[0] is not None:
        return [as_constant(shapes[0][node.attributes.get("start", 0) : node.attributes.get("end")])]
    if node.op not in MOVING and any(map(_has_unknown, arrays)):
        return nothing
    is_known = all(array is not None or constant is None for array, constant in zip(arrays, constants, strict=True))
    if node.op not in FOLDS or not is_known or not _is_small(node, arrays):
        return [_shape_only(node, shapes, arrays)] * len(node.outputs)
    try:
        return [as_constant(FOLDS[node.op](node, arrays))]
    except (TypeError, ValueError, IndexError, KeyError, ArithmeticError):
        return nothing


def _has_unknown(array: Array | None) -> bool:
    return array is not None and array.dtype == object and any(isinstance(each, Unknown) for each in array.flat)


def _is_small(node: Node, arrays: Sequence[Any]) -> bool:
    """Whether the result cannot be large: an Expand or a Range makes much of few numbers."""
    if node.op in {"ConstantOfShape", "Expand", "Tile"}:
        sizes = arrays[0 if node.op == "ConstantOfShape" else 1].tolist()
        return bool(math.prod(sizes) * (arrays[0].size or 1) <= MOST_ELEMENTS)
    if node.op == "Range":
        start, limit, delta = (array.item() for array in arrays)
        return bool(abs(limit - start) <= MOST_ELEMENTS * abs(delta))
    return True


def _shape_only(node: Node, shapes: Sequence[Any], arrays: Sequence[Any]) -> Constant:
    """Return a weight that was made or moved about: its shape says what the kernel's size is."""
    if node.op in {"ConstantOfShape", "Expand"} and arrays[-1] is not None:
        return Constant(None, tuple(arrays[-1].tolist()))
    if "shape" in node.attributes and not shapes:  # random numbers
        return Constant(None, tuple(node.attributes["shape"]))
    shape = shapes[0] if shapes else None
    if shape is not None and node.op == "Transpose":
        order = node.attributes.get("perm", range(len(shape))[::-1])
        return Constant(None, tuple(shape[place] for place in order))
    kept = {"Identity", "Cast", "DequantizeLinear", "QuantizeLinear", "CastLike", "Mul", "Add", "Div", "Sub"}
    return Constant(None, shape if node.op in kept else None)
