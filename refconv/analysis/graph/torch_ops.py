"""What does one ATen operator read?  Said as nodes in ONNX's vocabulary, so that one set of rules reads both.

Shapes are known here, of every tensor: an operator that only moves elements about is a Reshape to its output's shape.

Source: the operator schemas of PyTorch 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refconv.analysis.graph.nodes import Node

__all__: list[str] = []

Shape = tuple[int, ...]
END = 2**62


@dataclass
class Operator:
    """A call of an ATen operator: its arguments by name, tensors among them by their names, and the shapes of all.

    `nodes` is what it becomes; the last one writes the output's name.
    """

    name: str
    arguments: Mapping[str, Any]
    output: str
    shapes: Mapping[str, Shape]
    module: str
    parts: int = 1
    nodes: list[Node] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The first tensor that it reads."""
        return str(next(iter(self.arguments.values())))

    @property
    def rank(self) -> int:
        """How many dimensions that tensor has."""
        return len(self.shapes[self.source])

    def get(self, *names: str, default: Any = None) -> Any:
        """Return the first of some arguments that is there."""
        return next((self.arguments[name] for name in names if self.arguments.get(name) is not None), default)

    def dim(self, *names: str) -> int:
        """Return an argument that is a dimension, counted from the first."""
        return int(self.get(*names, default=0)) % max(1, self.rank)

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node, and return what it writes."""
        target = output or self.output
        outputs = (
            tuple(f"{target}.{part}" for part in range(self.parts)) if self.parts > 1 and output is None else (target,)
        )
        name = self.output if target == self.output else target
        self.nodes.append(Node(op, name, tuple(inputs), outputs, attributes, self.module, source="torch"))
        return target


def _numbers(value: Any, rank: int) -> list[int]:
    """Return one number for each axis."""
    values = list(value) if isinstance(value, Sequence) else [value]
    return (values * rank if len(values) == 1 else values) or [1] * rank


def _convolution(call: Operator) -> None:
    weight = call.arguments["weight"]
    rank = len(call.shapes[weight]) - 2
    padding = call.get("padding", default=0)
    attributes: dict[str, Any] = {
        "kernel_shape": list(call.shapes[weight][2:]),
        "strides": _numbers(call.get("stride", default=1), rank),
        "dilations": _numbers(call.get("dilation", default=1), rank),
        "group": call.get("groups", default=1),
    }
    if isinstance(padding, str):
        attributes["auto_pad"] = {"same": "SAME_UPPER", "valid": "VALID"}[padding]
    else:
        attributes["pads"] = _numbers(padding, rank) * 2
    if "transpose" in call.name or call.get("transposed", default=False):
        extra = _numbers(call.get("output_padding", default=0), rank)
        call.add("ConvTranspose", [call.source, weight], **attributes, output_padding=extra)
    else:
        call.add("Conv", [call.source, weight], **attributes)


def _pool(call: Operator) -> None:
    rank = int(call.name[call.name.index("pool") + 4])
    kernel = _numbers(call.arguments["kernel_size"], rank)
    call.add(
        "MaxPool", [call.source], kernel_shape=kernel, strides=_numbers(call.get("stride", default=()) or kernel, rank),
        pads=_numbers(call.get("padding", default=0), rank) * 2, ceil_mode=int(call.get("ceil_mode", default=False)),
        dilations=_numbers(call.get("dilation", default=1), rank),
    )  # fmt: skip


def _adaptive_pool(call: Operator) -> None:
    sizes = _numbers(call.arguments["output_size"], int(call.name[call.name.index("pool") + 4]))
    known = [
        before if size is None else size
        for size, before in zip(sizes, call.shapes[call.source][-len(sizes) :], strict=True)
    ]
    if set(known) == {1}:
        call.add("GlobalAveragePool", [call.source])
    else:
        call.add("AdaptivePool", [call.source], output_size=known)


def _reduction(call: Operator) -> None:
    dims = call.get("dim", default=list(range(call.rank)))
    axes = [axis % max(1, call.rank) for axis in (dims if isinstance(dims, Sequence) else [dims])]
    call.add("ReduceMean", [call.source], axes=axes, keepdims=int(bool(call.get("keepdim", default=False))))


def _upsample(call: Operator) -> None:
    mode = "nearest" if "nearest" in call.name else "cubic" if "cubic" in call.name else "linear"
    places = ("half_pixel", "round_prefer_ceil") if "exact" in call.name else ("asymmetric", "floor")
    place = places[0] if mode == "nearest" else "align_corners" if call.get("align_corners") else "half_pixel"
    scales = call.get("scale_factors") or [
        scale for name, scale in call.arguments.items() if name.startswith("scales_") and scale
    ]
    shape = list(call.shapes[call.output])
    target = {"scales": [1.0, 1.0, *scales]} if len(scales) == len(shape) - 2 else {"sizes": shape}
    call.add(
        "Resize", [call.source], mode=mode, coordinate_transformation_mode=place, nearest_mode=places[1],
        antialias=int("_aa" in call.name), **target,
    )  # fmt: skip


def _slice(call: Operator) -> None:
    start, end = call.get("start", default=0), call.get("end", default=END)
    call.add(
        "Slice", [call.source], starts=[start], ends=[end], axes=[call.dim("dim")], steps=[call.get("step", default=1)]
    )


def _select(call: Operator) -> None:
    place, axis = call.arguments["index"], call.dim("dim")
    end = place + 1 if place != -1 else END
    part = call.add("Slice", [call.source], f"{call.output}.slice", starts=[place], ends=[end], axes=[axis])
    call.add("Squeeze", [part], axes=[axis])


def _split(call: Operator) -> None:
    axis = call.dim("dim")
    shapes = [call.shapes[f"{call.output}.{part}"] for part in range(call.parts)]
    if call.parts == 1:
        call.add("Identity", [call.source])
    elif call.name == "unbind":
        call.nodes += [_at(call, axis, part) for part in range(call.parts)]
    else:
        call.add("Split", [call.source], axis=axis, split=[shape[axis] for shape in shapes])


def _at(call: Operator, axis: int, place: int) -> Node:
    name = f"{call.output}.{place}"
    return Node("Pick", name, (call.source,), (name,), {"axis": axis, "index": place}, call.module, source="torch")


def _cat(call: Operator) -> None:
    tensors = call.arguments["tensors"]
    axis = int(call.get("dim", default=0)) % len(call.shapes[call.output])
    if call.name == "stack":
        tensors = [
            call.add("Unsqueeze", [tensor], f"{call.output}.{n}", axes=[axis]) for n, tensor in enumerate(tensors)
        ]
    call.add("Concat", tensors, axis=axis)


def _transpose(call: Operator) -> None:
    order = list(range(call.rank))
    if call.name == "permute":
        order = [dim % call.rank for dim in call.arguments["dims"]]
    else:
        last = (call.rank - 1, max(0, call.rank - 2))
        one, two = (call.dim("dim0", "axis0"), call.dim("dim1", "axis1")) if len(call.arguments) > 1 else last
        order[one], order[two] = order[two], order[one]
    call.add("Transpose", [call.source], perm=order)


def _linear(call: Operator) -> None:
    call.add("Linear", [call.source, call.arguments["weight"]])


def _pad(call: Operator) -> None:
    pad = call.get("pad", "padding")
    before, after = [0] * call.rank, [0] * call.rank
    for number in range(len(pad) // 2):  # the last dimension comes first
        before[-1 - number], after[-1 - number] = pad[2 * number], pad[2 * number + 1]
    call.add("Pad", [call.source], pads=[*before, *after])


def _glu(call: Operator) -> None:
    half = call.shapes[call.output][call.dim("dim")]
    parts = [
        call.add(
            "Slice",
            [call.source],
            f"{call.output}.{start}",
            starts=[start],
            ends=[start + half],
            axes=[call.dim("dim")],
        )
        for start in (0, half)
    ]
    call.add("Mul", parts)


def _roll(call: Operator) -> None:
    here = call.source
    shifts, dims = _numbers(call.arguments["shifts"], 1), _numbers(call.get("dims", default=[]), 1)
    for number, (shift, dim) in enumerate(zip(shifts, dims, strict=True)):
        size, axis = call.shapes[call.source][dim], dim % call.rank
        cut = -shift % size
        parts = [
            call.add("Slice", [here], f"{call.output}.{number}.{start}", starts=[start], ends=[end], axes=[axis])
            for start, end in ((cut, size), (0, cut)) if end > start
        ]  # fmt: skip
        here = call.add("Concat", parts, None if number == len(dims) - 1 else f"{call.output}.{number}", axis=axis)


def _normalisation(call: Operator) -> None:
    if "layer" in call.name or "rms" in call.name:
        call.add("LayerNormalization", [call.source], axis=-len(call.arguments["normalized_shape"]))
    else:
        call.add("GroupNormalization", [call.source])


def _recurrent(call: Operator) -> None:
    sequence = call.add("CumSum", [call.source], f"{call.output}.seen", axis=1 if call.get("batch_first") else 0)
    call.add("Mixed", [sequence], axis=call.rank - 1, size=call.shapes[f"{call.output}.0"][-1])


def _attention(call: Operator) -> None:
    call.add("Attention", [call.arguments[name] for name in ("query", "key", "value")])


def _node(op: str, *names: str, **attributes: Any) -> Callable[[Operator], None]:
    """Return what writes one node of so many of its tensors, the first where no names are given."""

    def write(call: Operator) -> None:
        call.add(op, [call.arguments[name] for name in names] or [call.source], **attributes)

    return write


def _softmax(call: Operator) -> None:
    call.add("Softmax", [call.source], axis=call.dim("dim"))


def _reshape(call: Operator) -> None:
    call.add("Reshape", [call.source], shape=list(call.shapes[call.output]))


def _expand(call: Operator) -> None:
    call.add("Expand", [call.source], shape=list(call.shapes[call.output]))


def _einsum(call: Operator) -> None:
    call.add("Einsum", call.arguments["tensors"], equation=call.arguments["equation"])


def _block(op: str, name: str) -> Callable[[Operator], None]:
    return lambda call: void(call.add(op, [call.source], blocksize=call.arguments[name]))


def void(_: object) -> None:
    """Take what is not needed."""


OPERATORS: dict[str, Callable[[Operator], None]] = {
    **dict.fromkeys("conv1d conv2d conv3d convolution conv_transpose1d conv_transpose2d conv_transpose3d".split(), _convolution),
    **dict.fromkeys(
        """max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d max_pool2d_with_indices
        max_pool3d_with_indices""".split(), _pool,
    ),
    **dict.fromkeys(
        """adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d""".split(), _adaptive_pool,
    ),
    **dict.fromkeys("mean sum prod amax amin max min std var var_mean norm linalg_vector_norm logsumexp argmax".split(), _reduction),
    **dict.fromkeys(
        """upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d
        _upsample_bilinear2d_aa _upsample_bicubic2d_aa""".split(), _upsample,
    ),
    **dict.fromkeys("split split_with_sizes chunk unbind tensor_split unsafe_split unsafe_chunk".split(), _split),
    **dict.fromkeys("cat concat stack".split(), _cat),
    **dict.fromkeys("permute transpose t swapaxes numpy_T mT".split(), _transpose),
    **dict.fromkeys("view reshape _unsafe_view flatten unflatten squeeze unsqueeze view_as reshape_as ravel".split(), _reshape),
    **dict.fromkeys("expand expand_as broadcast_to".split(), _expand),
    **dict.fromkeys("constant_pad_nd pad reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d".split(), _pad),
    **dict.fromkeys("layer_norm native_layer_norm rms_norm group_norm native_group_norm instance_norm".split(), _normalisation),
    **dict.fromkeys("batch_norm _native_batch_norm_legit_no_training cudnn_batch_norm _batch_norm_impl_index".split(), _node("Identity")),
    **dict.fromkeys(
        """dropout feature_dropout alpha_dropout contiguous clone to _to_copy type_as detach alias lift_fresh_copy
        channel_shuffle float half native_dropout""".split(), _node("Identity"),
    ),
    **dict.fromkeys("softmax _softmax log_softmax _log_softmax".split(), _softmax),
    **dict.fromkeys("lstm gru rnn_tanh rnn_relu".split(), _recurrent),
    **dict.fromkeys("matmul mm bmm".split(), lambda call: void(call.add("MatMul", list(call.arguments.values())[:2]))),
    "baddbmm": _node("MatMul", "batch1", "batch2"),
    "addmm": _node("MatMul", "mat1", "mat2"),
    "scaled_dot_product_attention": _attention,
    "linear": _linear,
    "einsum": _einsum,
    "slice": _slice,
    "select": _select,
    "narrow": lambda call: void(call.add(
        "Slice", [call.source], starts=[call.arguments["start"]], ends=[call.arguments["start"] + call.arguments["length"]],
        axes=[call.dim("dim")],
    )),
    "roll": _roll,
    "glu": _glu,
    "cumsum": lambda call: void(call.add("CumSum", [call.source], axis=call.dim("dim"))),
    "pixel_shuffle": _block("DepthToSpace", "upscale_factor"),
    "pixel_unshuffle": _block("SpaceToDepth", "downscale_factor"),
    "embedding": _node("Gather", "weight", "indices"),
}  # fmt: skip
