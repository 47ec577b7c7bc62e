"""Read a graph node by node: from what the inputs of a node see follows what its outputs see.

Each node is looked at once, so that the work grows with the edges.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from refconv.analysis.graph import layouts, mixing, resizing, windows
from refconv.analysis.graph.factors import SAME, Factor
from refconv.analysis.graph.folding import folded
from refconv.analysis.graph.nodes import Node, Program, Size, Unknown, Unsaid
from refconv.analysis.graph.values import Call, Constant, Ended, PlaneFound, Value, as_constant
from refconv.analysis.graph.views import Link, View, merged, of_image

__all__: list[str] = []


def _words(text: str) -> list[str]:
    return text.split()


ELEMENTWISE = frozenset(
    _words("""Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BiasGelu Cast CastLike Ceil Celu Clip Cos Cosh
    DequantizeLinear Dropout Elu Erf Exp FastGelu Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LRN LeakyRelu
    Log Mish Neg Not PRelu QLinearLeakyRelu QLinearSigmoid QuantizeLinear QuickGelu Reciprocal Relu Round Selu Shrink
    Sigmoid Sign Silu Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu""")
)
MERGING = frozenset(
    _words("""Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod
    Mul Or Pow QLinearAdd QLinearMul Sub Sum Where Xor""")
)
_SEVERAL: dict[str, Callable[[Call], Value | Sequence[Value]]] = {
    "Conv ConvInteger FusedConv QLinearConv": windows.conv,
    "MaxPool AveragePool LpPool QLinearAveragePool": windows.pool,
    "GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearGlobalAveragePool": mixing.global_pool,
    "ReduceMean ReduceMax ReduceMin ReduceSum ReduceProd ReduceL1 ReduceL2 ReduceLogSum": mixing.reduction,
    "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin": mixing.reduction,
    "Softmax LogSoftmax Hardmax": mixing.softmax,
    "InstanceNormalization GroupNormalization LayerNormalization LpNormalization": mixing.normalisation,
    "MeanVarianceNormalization RMSNormalization SimplifiedLayerNormalization": mixing.normalisation,
    "MatMul Gemm MatMulInteger QLinearMatMul FusedMatMul": mixing.matrix_product,
    "LSTM GRU RNN": mixing.recurrence,
    "Attention MultiHeadAttention": mixing.attention,
    "Resize Upsample": resizing.resize,
    "Concat QLinearConcat": layouts.concat,
    "Einsum": mixing.einsum,
    "CumSum": mixing.running_sum,
    "DynamicQuantizeLinear": mixing.quantisation,
    "Linear": mixing.linear,
    "Mixed": mixing.mixed,
    "ConvTranspose": windows.conv_transpose,
    "Pad": windows.pad,
    "Layer": windows.given_layer,
    "AdaptivePool": resizing.adaptive_pool,
    "DepthToSpace": resizing.depth_to_space,
    "SpaceToDepth": resizing.space_to_depth,
    "Transpose": layouts.transpose,
    "Reshape": layouts.reshape,
    "Flatten": layouts.flatten,
    "Squeeze": layouts.squeeze,
    "Unsqueeze": layouts.unsqueeze,
    "Expand": layouts.expand,
    "Tile": layouts.tile,
    "Slice": layouts.slice_,
    "Split": layouts.split,
    "Gather": layouts.gather,
    "Pick": layouts.pick,
}
RULES = {op: rule for ops, rule in _SEVERAL.items() for op in ops.split()}


@dataclass
class Reading:
    """A graph as far as it is read.

    Attributes
    ----------
    plane : tuple of int
        The dimensions of the image that are its axes.
    values : dict of str to Value
    calls : dict of str to Call
        For every tensor that depends on the image, the node that makes it.
    """

    plane: tuple[int, ...]
    values: dict[str, Value] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    seeks_plane: bool = False

    def run(self, nodes: Sequence[Node], stop: str | None = None) -> None:
        """Read nodes in order; those of an If, whose condition is known, in its place."""
        for node in nodes:
            if node.op == "If":
                self._branch(node)
                continue
            values = [self.values.get(name, Constant(None, None)) if name else None for name in node.inputs]
            for name, value in zip(node.outputs, self._outputs(node, values), strict=False):
                if name:
                    self.values.setdefault(name, value)
            if stop in node.outputs:
                return

    def _outputs(self, node: Node, values: list[Value | None]) -> Sequence[Value]:
        if node.op == "Constant":
            return [node.attributes["value"] if "value" in node.attributes else Constant(None, None)]
        constants = [value for value in values if value is None or isinstance(value, Constant)]
        if len(constants) == len(values):
            return folded(node, constants)
        if node.op in {"Shape", "Size"} and isinstance(values[0], View):
            return folded(node, [Constant(None, values[0].shape)])
        call = Call(node, len(self.calls), values, self.seeks_plane)
        self.calls |= dict.fromkeys(node.outputs, call)
        for value in values:
            if isinstance(value, Ended):
                return [value] * len(node.outputs)
        try:
            return [self._linked(node, name, value) for name, value in zip(node.outputs, _applied(call), strict=False)]
        except Unsaid as reason:
            return [Ended(node.title, str(reason))] * len(node.outputs)

    def _linked(self, node: Node, name: str, value: Value) -> Value:
        """Replace a view's links by one to this tensor; of element-wise functions of one tensor there is one path."""
        if not isinstance(value, View):
            return value
        links = value.links
        if node.op in MERGING and len(set(node.inputs)) > 1:
            links = tuple({(self._root(link), link.steps): link for link in reversed(links)}.values())[::-1]
        call = self.calls[name]
        call.links[name] = links
        if len(links) == 1 and is_same(links[0]) and (node.op in ELEMENTWISE or node.op in MERGING):
            self.roots[name] = self._root(links[0])
        return replace(value, links=(Link(name, (SAME,) * len(self.plane)),) if value.axes else ())

    def _root(self, link: Link) -> str:
        """Return the tensor of which a link's source is an element-wise function."""
        return self.roots.get(link.source, link.source) if is_same(link) else f"through a window from {link.source}"

    def _branch(self, node: Node) -> None:
        condition = self.values.get(node.inputs[0]) if node.inputs else None
        known = condition.array if isinstance(condition, Constant) else None
        if known is None:
            call = Call(node, len(self.calls), [])
            self.calls |= dict.fromkeys(node.outputs, call)
            self.values |= dict.fromkeys(node.outputs, Ended(node.title, "its condition is computed"))
            return
        chosen: Program = node.attributes["then_branch" if bool(known.ravel()[0]) else "else_branch"]
        self.values |= {name: _as_value(array) for name, array in chosen.constants.items()}
        self.run(chosen.nodes)
        aliases = zip(chosen.outputs, node.outputs, strict=True)
        self.run([Node("Identity", node.name, (inner,), (outer,)) for inner, outer in aliases])


def is_same(link: Link) -> bool:
    return link.steps is not None and all(step == SAME for step in link.steps)


def _as_value(constant: Any) -> Value:
    return constant if isinstance(constant, Constant) else as_constant(constant)


def _applied(call: Call) -> Sequence[Value]:
    """Return what the node's rule says of its outputs."""
    node = call.node
    call.label = node.attributes.get("label", node.op)
    if node.op in ELEMENTWISE or node.op in MERGING:
        return [_elementwise(call)] * len(node.outputs)
    if node.op not in RULES:
        raise Unsaid("which pixels it reads depends on their values, or is not known here")
    result = RULES[node.op](call)
    return [result] if isinstance(result, View | Constant | Ended) else result


def _elementwise(call: Call) -> View:
    """Combine elements that stand in one place."""
    node = call.node
    node.require_inputs(1 if node.op in ELEMENTWISE or node.op in {"Sum", "Max", "Min", "Mean"} else 2)
    if node.op in ELEMENTWISE or node.op.startswith("QLinear"):
        return merged(call.views)
    constants = [value.shape for value in call.values if isinstance(value, Constant) and value.shape]
    return merged([*call.views, *(View(tuple((Factor(size),) for size in shape)) for shape in constants)])


def in_order(program: Program) -> Iterator[Node]:
    """Yield a program's nodes, each after those that it reads; a ValueError where there is no such order."""
    writers: dict[str, Node] = {}
    for node in program.nodes:
        for name in filter(None, node.outputs):
            if name in writers or name in program.inputs:
                other = f"which {writers[name].title} writes" if name in writers else "which is an input"
                node.wrong(f"it writes {name!r}, {other} already")
            writers[name] = node
    places = {id(node): place for place, node in enumerate(program.nodes)}
    waits = [{places[id(writers[name])] for name in read_by(node) if name in writers} for node in program.nodes]
    readers: dict[int, list[int]] = {}
    for place, writing in enumerate(waits):
        for writer in writing:
            readers.setdefault(writer, []).append(place)
    ready = [place for place, writing in enumerate(waits) if not writing]  # rising, so that it is a heap
    for _ in program.nodes:
        if not ready:
            stuck = next(node for node, writing in zip(program.nodes, waits, strict=True) if writing)
            stuck.wrong("it depends on its own output: the graph has a cycle")
        place = heapq.heappop(ready)
        yield program.nodes[place]
        for reader in readers.get(place, []):
            waits[reader].discard(place)
            if not waits[reader]:
                heapq.heappush(ready, reader)


def read_by(node: Node) -> Iterator[str]:
    """Yield the tensors that a node reads, and those that its branches read."""
    yield from node.inputs
    for value in node.attributes.values():
        if isinstance(value, Program):
            for inner in value.nodes:
                yield from read_by(inner)


def read(program: Program, image: str, shape: Sequence[Size]) -> Reading:
    """Read a program from one of its inputs on, with what lies under the first window as the plane."""
    nodes = tuple(in_order(program))
    plane = plane_of(program, nodes, image, shape) or tuple(range(2, len(shape))) or tuple(range(len(shape)))
    view = replace(of_image(shape, plane), links=(Link(image, (SAME,) * len(plane)),))
    reading = Reading(plane, {**_given(program), image: view})
    reading.run(nodes)
    return reading


def _given(program: Program) -> dict[str, Value]:
    """Return what is stored, and of the inputs the shapes."""
    inputs: dict[str, Value] = {name: Constant(None, shape and tuple(shape)) for name, shape in program.inputs.items()}
    return inputs | {name: _as_value(constant) for name, constant in program.constants.items()}


def plane_of(program: Program, nodes: Sequence[Node], image: str, shape: Sequence[Size]) -> tuple[int, ...]:
    """Return the dimensions of an input that lie under the first window that reads it; none where no window does."""
    every = tuple(range(len(shape)))
    try:
        Reading(every, {**_given(program), image: of_image(shape, every)}, seeks_plane=True).run(nodes)
    except PlaneFound as found:
        return tuple(sorted(_whole_plane(found.plane, len(shape))))
    return ()


def _whole_plane(found: set[int], rank: int) -> set[int]:
    """Return the dimensions between batch and channels, wherever channels are, that hold those that were found."""
    first, last = set(range(2, rank)), set(range(1, rank - 1))
    return first if found <= first else last if found <= last and len(found) == rank - 2 else found


def unknown_shape(rank: int) -> tuple[Size, ...]:
    """Return the shape of an image of which nothing is said but how many dimensions it has."""
    return tuple(Unknown() for _ in range(rank))
