"""What does one ATen operator read?  Said as nodes in ONNX's vocabulary, so that one set of rules reads both.

Shapes are known here, of every tensor: an operator that only moves elements about is a Reshape to its output's shape.

Source: the operator schemas of PyTorch 2.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refconv.analysis.graph.nodes import Node

__all__: list[str] = []

END = 2**62  # of a slice that goes on to the last position


@dataclass
class Operator:
    """A call of an ATen operator: its arguments by name, with tensors by theirs, and the shapes of all tensors.

    `nodes` is what it becomes; the last one writes `output`, or its `parts` where it is a tuple.
    """

    name: str
    arguments: Mapping[str, Any]
    output: str
    shapes: Mapping[str, Sequence[int]]
    module: str
    parts: int = 1
    nodes: list[Node] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The first tensor that it reads."""
        return str(next(iter(self.arguments.values())))

    @property
    def shape(self) -> Sequence[int]:
        """The shape of that tensor."""
        return self.shapes[self.source]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or the default where it is not given."""
        value = self.arguments.get(name)
        return default if value is None else value

    def axis(self, *names: str) -> int:
        """Return an argument that is a dimension, counted from the first."""
        return next((int(self.arguments[name]) for name in names if name in self.arguments), 0) % max(
            1, len(self.shape)
        )

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, and return what it writes."""
        written = [f"{self.output}.{part}" for part in range(self.parts)] if self.parts > 1 and not output else []
        name = output or self.output
        self.nodes.append(Node(op, name, inputs, tuple(written or [name]), attributes, self.module, source="torch"))
        return name


Write = Callable[[Operator], object]


def _each(value: Any, rank: int) -> list[Any]:
    """Return one number for each axis."""
    values = list(value) if isinstance(value, Sequence) else [value]
    return (values * rank if len(values) == 1 else values) or [1] * rank


def _convolution(call: Operator) -> None:
    kernel = list(call.shapes[call.arguments["weight"]][2:])
    names = {"strides": "stride", "dilations": "dilation", "output_padding": "output_padding"}
    attributes: dict[str, Any] = {
        new: _each(call.arguments[old], len(kernel)) for new, old in names.items() if old in call.arguments
    }
    padding = call.get("padding", 0)
    if isinstance(padding, str):
        attributes["auto_pad"] = {"same": "SAME_UPPER", "valid": "VALID"}[padding]
    else:
        attributes["pads"] = _each(padding, len(kernel)) * 2
    op = "ConvTranspose" if "transpose" in call.name or call.get("transposed") else "Conv"
    call.add(op, call.source, call.arguments["weight"], kernel_shape=kernel, group=call.get("groups", 1), **attributes)


def _rank(call: Operator) -> int:
    """Return the axes of a pooling, which are in its name."""
    return int(call.name[call.name.index("pool") + 4])


def _pool(call: Operator) -> None:
    rank = _rank(call)
    kernel, ceil_mode = _each(call.arguments["kernel_size"], rank), int(call.get("ceil_mode", default=False))
    strides, rates = _each(call.get("stride", kernel) or kernel, rank), _each(call.get("dilation", 1), rank)
    pads = _each(call.get("padding", 0), rank) * 2
    call.add(
        "MaxPool", call.source, kernel_shape=kernel, strides=strides, pads=pads, dilations=rates, ceil_mode=ceil_mode
    )


def _adaptive_pool(call: Operator) -> None:
    sizes = _each(call.arguments["output_size"], _rank(call))
    known = [before if size is None else size for size, before in zip(sizes, call.shape[-len(sizes) :], strict=True)]
    whole = set(known) == {1}
    call.add("GlobalAveragePool", call.source) if whole else call.add("AdaptivePool", call.source, output_size=known)


def _reduction(call: Operator) -> None:
    dims = call.get("dim", list(range(len(call.shape))))
    axes = [axis % max(1, len(call.shape)) for axis in (dims if isinstance(dims, Sequence) else [dims])]
    call.add("ReduceMean", call.source, axes=axes, keepdims=int(bool(call.get("keepdim"))))


def _upsample(call: Operator) -> None:
    mode = next((mode for mode in ("nearest", "cubic") if mode in call.name), "linear")
    place, rounding = ("half_pixel", "round_prefer_ceil") if "exact" in call.name else ("asymmetric", "floor")
    if mode != "nearest":
        place = "align_corners" if call.get("align_corners") else "half_pixel"
    scales = call.get("scale_factors") or [
        each for name, each in call.arguments.items() if name[:7] == "scales_" and each
    ]
    shape = list(call.shapes[call.output])
    target = {"scales": [1.0, 1.0, *scales]} if len(scales) == len(shape) - 2 else {"sizes": shape}
    how = {"mode": mode, "coordinate_transformation_mode": place, "nearest_mode": rounding}
    call.add("Resize", call.source, antialias=int("_aa" in call.name), **how, **target)


def _slice(call: Operator) -> None:
    start, end, step = call.get("start", 0), call.get("end", END), call.get("step", 1)
    if call.name == "narrow":
        end = start + call.arguments["length"]
    call.add("Slice", call.source, starts=[start], ends=[end], axes=[call.axis("dim")], steps=[step])


def _pick(call: Operator, axis: int, place: int, output: str = "") -> None:
    """Take one position along a dimension, which is gone then."""
    name, end = f"{output or call.output}.slice", place + 1 if place != -1 else END
    part = call.add("Slice", call.source, output=name, starts=[place], ends=[end], axes=[axis])
    call.add("Squeeze", part, output=output, axes=[axis])


def _split(call: Operator) -> None:
    axis = call.axis("dim")
    if call.name == "unbind":
        for part in range(call.parts):
            _pick(call, axis, part, f"{call.output}.{part}")
    else:
        sizes = [call.shapes[f"{call.output}.{part}"][axis] for part in range(call.parts)]
        call.add("Split", call.source, axis=axis, split=sizes)


def _cat(call: Operator) -> None:
    tensors, axis = call.arguments["tensors"], int(call.get("dim", 0)) % len(call.shapes[call.output])
    if call.name == "stack":
        tensors = [
            call.add("Unsqueeze", each, output=f"{call.output}.{n}", axes=[axis]) for n, each in enumerate(tensors)
        ]
    call.add("Concat", *tensors, axis=axis)


def _transpose(call: Operator) -> None:
    order = list(range(len(call.shape)))
    if call.name == "permute":
        order = [dim % len(order) for dim in call.arguments["dims"]]
    else:
        pair = [call.axis("dim0", "axis0"), call.axis("dim1", "axis1")] if len(call.arguments) > 1 else order[-2:]
        order[pair[0]], order[pair[-1]] = order[pair[-1]], order[pair[0]]
    call.add("Transpose", call.source, perm=order)


def _pad(call: Operator) -> None:
    pad, sides = call.get("pad") or call.arguments["padding"], [0] * 2 * len(call.shape)
    for number in range(len(pad) // 2):  # the last dimension comes first
        sides[len(call.shape) - 1 - number], sides[-1 - number] = pad[2 * number], pad[2 * number + 1]
    call.add("Pad", call.source, pads=sides)


def _roll(call: Operator) -> None:
    here = call.source
    shifts, dims = _each(call.arguments["shifts"], 1), _each(call.get("dims", []), 1)
    for number, (shift, dim) in enumerate(zip(shifts, dims, strict=True), start=1):
        axis, cut = dim % len(call.shape), -shift % call.shape[dim]
        halves = [(start, end) for start, end in ((cut, call.shape[dim]), (0, cut)) if end > start]
        names = [f"{call.output}.{number}.{start}" for start, _ in halves]
        for name, (start, end) in zip(names, halves, strict=True):
            call.add("Slice", here, output=name, starts=[start], ends=[end], axes=[axis])
        here = call.add("Concat", *names, output="" if number == len(dims) else f"{call.output}.{number}", axis=axis)


def _glu(call: Operator) -> None:
    axis = call.axis("dim")
    half = call.shapes[call.output][axis]
    starts = {f"{call.output}.{start}": start for start in (0, half)}
    for name, start in starts.items():
        call.add("Slice", call.source, output=name, starts=[start], ends=[start + half], axes=[axis])
    call.add("Mul", *starts)


def _normalisation(call: Operator) -> None:
    if "layer" in call.name or "rms" in call.name:
        call.add("LayerNormalization", call.source, axis=-len(call.arguments["normalized_shape"]))
    else:
        call.add("GroupNormalization", call.source)


def _recurrent(call: Operator) -> None:
    axis = 1 if call.get("batch_first") else 0
    sequence = call.add("CumSum", call.source, output=f"{call.output}.seen", axis=[axis])
    last = len(call.shape) - 1
    mixed = call.add("ReduceMean", sequence, output=f"{call.output}.mixed", axes=[last], keepdims=1)
    call.add("Expand", mixed, output=f"{call.output}.0", shape=list(call.shapes[f"{call.output}.0"]))
    state = call.add("ReduceMean", mixed, output=f"{call.output}.state", axes=[axis], keepdims=1)
    if axis:
        state = call.add("Transpose", state, output=f"{call.output}.turned", perm=[1, 0, 2])
    for part in range(1, call.parts):
        call.add("Expand", state, output=f"{call.output}.{part}", shape=list(call.shapes[f"{call.output}.{part}"]))


def _one(op: str, *names: str, **attributes: str) -> Write:
    """Return what writes one node, of the tensors of these names or of the first; attributes name arguments."""
    return lambda call: call.add(
        op,
        *([call.arguments[name] for name in names] or [call.source]),
        **{new: call.arguments[old] for new, old in attributes.items()},
    )


def _linear(call: Operator) -> None:
    """Multiply the last dimension with a matrix that has the new one first."""
    rows = "abcdefgh"[: len(call.shape) - 1]
    call.add("Einsum", call.source, call.arguments["weight"], equation=f"{rows}y,zy->{rows}z")


def _shaped(op: str) -> Write:
    return lambda call: call.add(op, call.source, shape=list(call.shapes[call.output]))


# What an operator's name must match in whole, and what it becomes.
_OPERATORS: tuple[tuple[str, Write], ...] = (
    (r"conv(_transpose)?\dd|convolution", _convolution),
    (r"(max|avg)_pool\dd(_with_indices)?", _pool),
    (r"_?adaptive_(avg|max)_pool\dd", _adaptive_pool),
    (r"mean|sum|prod|amax|amin|max|min|std|var|var_mean|norm|linalg_vector_norm|logsumexp|argmax|argmin", _reduction),
    (r"_?upsample_\w+", _upsample),
    (r"slice|narrow", _slice),
    (r"select", lambda call: _pick(call, call.axis("dim"), call.arguments["index"])),
    (r"split|split_with_sizes|chunk|unbind|tensor_split|unsafe_split|unsafe_chunk", _split),
    (r"cat|concat|stack", _cat),
    (r"permute|transpose|t|swapaxes|numpy_T|mT", _transpose),
    (r"view|reshape|_unsafe_view|flatten|unflatten|squeeze|unsqueeze|view_as|reshape_as|ravel", _shaped("Reshape")),
    (r"expand|expand_as|broadcast_to", _shaped("Expand")),
    (r"constant_pad_nd|pad|(reflection|replication)_pad\dd", _pad),
    (r"roll", _roll),
    (r"glu", _glu),
    (r"(native_)?(layer|group)_norm|instance_norm|rms_norm", _normalisation),
    (r"\w*batch_norm\w*|\w*dropout|contiguous|clone|to|_to_copy|type_as|detach|alias|float|half", _one("Identity")),
    (r"lift_fresh_copy|channel_shuffle", _one("Identity")),
    (r"_?(log_)?softmax", lambda call: call.add("Softmax", call.source, axis=call.axis("dim"))),
    (r"cumsum", lambda call: call.add("CumSum", call.source, axis=[call.axis("dim")])),
    (r"lstm|gru|rnn_\w+", _recurrent),
    (r"matmul|mm|bmm", lambda call: call.add("MatMul", *list(call.arguments.values())[:2])),
    (r"addmm", _one("MatMul", "mat1", "mat2")),
    (r"baddbmm", _one("MatMul", "batch1", "batch2")),
    (r"linear", _linear),
    (r"scaled_dot_product_attention", _one("Attention", "query", "key", "value")),
    (r"einsum", lambda call: call.add("Einsum", *call.arguments["tensors"], equation=call.arguments["equation"])),
    (r"pixel_shuffle", _one("DepthToSpace", blocksize="upscale_factor")),
    (r"pixel_unshuffle", _one("SpaceToDepth", blocksize="downscale_factor")),
    (r"embedding", _one("Gather", "weight", "indices")),
)


def translated(call: Operator) -> bool:
    """Write an operator's nodes; False where it is none that is known."""
    write = next((write for pattern, write in _OPERATORS if re.fullmatch(pattern, call.name)), None)
    if write is not None:
        write(call)
    return write is not None
