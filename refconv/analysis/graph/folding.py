"""Constants that a graph computes: pads, sizes and scales, out of shapes.

A shape's unknown sizes are in the arrays as they are, and whoever calculates with one has no result: ``[2, 3]`` can be
picked out of ``[N, 3, 224, 224]``, and N cannot be doubled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refconv.analysis.graph.nodes import Node, Unknown
from refconv.analysis.graph.values import Constant, as_constant

__all__: list[str] = []

MOST_ELEMENTS = 4096  # of a constant that is a size, a scale or a permutation; weights are larger, and left alone

Array = NDArray[Any]
Fold = Callable[[Node, Sequence[Any]], Any]


def _axes(node: Node, arrays: Sequence[Any], default: Any = None) -> Any:
    given = node.attributes.get("axes")
    if given is None and len(arrays) > 1 and arrays[1] is not None:
        given = arrays[1].tolist()
    return default if given is None else tuple(given)


def _slice(node: Node, arrays: Sequence[Any]) -> Any:
    data, *rest = arrays
    attributes = [node.attributes.get(name) for name in ("starts", "ends", "axes")]
    starts, ends, axes, steps = [
        found if found is not None else None if place >= len(rest) or rest[place] is None else rest[place].tolist()
        for place, found in enumerate([*attributes, None])
    ]
    parts = [slice(None)] * data.ndim
    for number, axis in enumerate(axes or range(len(starts))):
        parts[axis] = slice(starts[number], ends[number], steps[number] if steps else 1)
    return data[tuple(parts)]


def _unsqueezed(node: Node, arrays: Sequence[Any]) -> Any:
    axes = _axes(node, arrays)
    return np.expand_dims(arrays[0], axes)


def _quotient(left: Array, right: Array) -> Any:
    """Divide as ONNX does: whole numbers towards 0."""
    if left.dtype.kind == "f" or right.dtype.kind == "f":
        return left / right
    return np.array(np.vectorize(lambda a, b: int(a / b), otypes=[object])(left, right))


def _reduced(function: Callable[..., Any]) -> Fold:
    return lambda node, arrays: function(
        arrays[0], axis=_axes(node, arrays), keepdims=bool(node.attributes.get("keepdims", 1))
    )


def _two(function: Callable[[Any, Any], Any]) -> Fold:
    return lambda _, arrays: function(arrays[0], arrays[1])


def _one(function: Callable[[Any], Any]) -> Fold:
    return lambda _, arrays: function(arrays[0])


def _reshaped(_: Node, arrays: Sequence[Any]) -> Any:
    target = [arrays[0].shape[place] if size == 0 else size for place, size in enumerate(arrays[1].tolist())]
    return arrays[0].reshape(target)


FOLDS: dict[str, Fold] = {
    **{op: _one(lambda x: x) for op in ("Identity", "Dropout", "CastLike")},
    **{op: _two(function) for op, function in {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _quotient, "Mod": np.mod, "Pow": np.power,
        "Min": np.minimum, "Max": np.maximum, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
        "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "And": np.logical_and, "Or": np.logical_or,
    }.items()},
    **{op: _one(function) for op, function in {
        "Floor": np.floor, "Ceil": np.ceil, "Round": np.round, "Sqrt": np.sqrt, "Neg": np.negative, "Abs": np.abs,
        "Not": np.logical_not, "Exp": np.exp, "Log": np.log, "Size": np.size,
    }.items()},
    "Shape": lambda node, arrays: np.shape(arrays[0])[node.attributes.get("start", 0) : node.attributes.get("end")],
    "Cast": lambda node, arrays: arrays[0].astype(_TYPES[node.attributes["to"]]) if arrays[0].dtype != object else arrays[0],
    "Gather": lambda node, arrays: np.take(arrays[0], arrays[1].astype(np.intp), axis=node.attributes.get("axis", 0)),
    "Concat": lambda node, arrays: np.concatenate(arrays, axis=node.attributes["axis"]),
    "Slice": _slice,
    "Unsqueeze": _unsqueezed,
    "Squeeze": lambda node, arrays: np.squeeze(arrays[0], axis=_axes(node, arrays)),
    "Reshape": _reshaped,
    "Flatten": _one(lambda x: x.reshape(1, -1)),
    "Transpose": lambda node, arrays: np.transpose(arrays[0], node.attributes.get("perm")),
    "ConstantOfShape": lambda node, arrays: np.full(
        arrays[0].tolist(), node.attributes.get("value", as_constant(np.zeros(1, np.float32))).array
    ),
    "Range": lambda _, arrays: np.arange(*(array.item() for array in arrays)),
    "Where": lambda _, arrays: np.where(arrays[0].astype(bool), arrays[1], arrays[2]),
    "Expand": lambda _, arrays: arrays[0] * np.ones(arrays[1].tolist(), arrays[0].dtype),
    "Tile": lambda _, arrays: np.tile(arrays[0], arrays[1].tolist()),
    "ReduceProd": _reduced(np.prod), "ReduceSum": _reduced(np.sum), "ReduceMin": _reduced(np.min), "ReduceMax": _reduced(np.max),
}  # fmt: skip
_TYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64, 2: np.uint8, 3: np.int8}


# What only moves numbers about may do so with sizes that are unknown; whether one of them is 1 is not known.
MOVING = frozenset(
    "Cast Concat Expand Flatten Gather Identity Reshape Shape Slice Squeeze Tile Transpose Unsqueeze".split()
)  # noqa: SIM905


def _has_unknown(array: Array | None) -> bool:
    return array is not None and array.dtype == object and any(isinstance(each, Unknown) for each in array.flat)


def folded(node: Node, constants: Sequence[Constant | None]) -> list[Constant]:
    """Return the outputs of a node whose inputs are all constants: with their numbers, where they can be had."""
    arrays = [None if each is None else each.array for each in constants]
    shapes = [None if each is None else each.shape for each in constants]
    if node.op == "Split":
        return [Constant(None, None)] * len(node.outputs)
    if node.op == "Shape" and shapes[0] is not None:
        return [as_constant(shapes[0][node.attributes.get("start", 0) : node.attributes.get("end")])]
    is_known = all(array is not None or constant is None for array, constant in zip(arrays, constants, strict=True))
    if node.op not in MOVING and any(_has_unknown(array) for array in arrays):
        return [Constant(None, None)] * len(node.outputs)
    if node.op not in FOLDS or not is_known or not _is_small(node, arrays):
        return [_shape_only(node, shapes, arrays)] * len(node.outputs)
    try:
        return [as_constant(FOLDS[node.op](node, arrays))]
    except (TypeError, ValueError, IndexError, KeyError, ArithmeticError):
        return [Constant(None, None)] * len(node.outputs)  # an unknown size is among the numbers


def _is_small(node: Node, arrays: Sequence[Any]) -> bool:
    """Whether the result cannot be large: an Expand or a Range makes much of few numbers."""
    if node.op in {"ConstantOfShape", "Expand", "Tile"}:
        sizes = arrays[0 if node.op == "ConstantOfShape" else 1].tolist()
        return (
            all(isinstance(size, int) for size in sizes) and math.prod(sizes) * (arrays[0].size or 1) <= MOST_ELEMENTS
        )
    if node.op == "Range":
        start, limit, delta = (array.item() for array in arrays)
        return all(isinstance(each, int | float) for each in (start, limit, delta)) and abs(
            limit - start
        ) <= MOST_ELEMENTS * abs(delta)
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
