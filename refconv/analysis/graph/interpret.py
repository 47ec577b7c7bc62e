"""Read a graph node by node: from what the inputs of a node see follows what its outputs see.

Each node is looked at once, so that the work grows with the edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from refconv.analysis.axis_map import SAME
from refconv.analysis.graph import layouts, mixing, reshaping, resizing, windows
from refconv.analysis.graph.call import Call, Ended, Value
from refconv.analysis.graph.folding import folded
from refconv.analysis.graph.nodes import Constant, Node, Program, Size, Unknown, Unsaid
from refconv.analysis.graph.views import Link, View, merged, of_image, of_sizes

__all__: list[str] = []


ELEMENTWISE = frozenset(
    """Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BiasGelu Cast CastLike Ceil Celu Clip Cos Cosh
    DequantizeLinear Dropout Elu Erf Exp FastGelu Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LRN LeakyRelu
    Log Mish Neg Not PRelu QLinearLeakyRelu QLinearSigmoid QuantizeLinear QuickGelu Reciprocal Relu Round Selu Shrink
    Sigmoid Sign Silu Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu""".split()  # noqa: SIM905
)
MERGING = frozenset(
    """Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod
    Mul Or Pow QLinearAdd QLinearMul Sub Sum Where Xor""".split()  # noqa: SIM905
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
    "ConvTranspose": windows.conv_transpose,
    "Pad": windows.pad,
    "Layer": windows.given_layer,
    "AdaptivePool": resizing.adaptive_pool,
    "DepthToSpace": resizing.depth_to_space,
    "SpaceToDepth": resizing.space_to_depth,
    "Transpose": layouts.transpose,
    "Reshape": reshaping.reshape,
    "Flatten": reshaping.flatten,
    "Squeeze": reshaping.squeeze,
    "Unsqueeze": reshaping.unsqueeze,
    "Expand": layouts.expand,
    "Tile": layouts.tile,
    "Slice": layouts.slice_,
    "Split": layouts.split,
    "Gather": layouts.gather,
}
RULES = {op: rule for ops, rule in _SEVERAL.items() for op in ops.split()}
WINDOWS = frozenset(op for op, rule in RULES.items() if rule in {windows.conv, windows.pool, windows.conv_transpose})
# How many inputs an operator needs at least, where that is not one.
_SEVERAL_INPUTS = dict.fromkeys((*MERGING - {"Sum", "Max", "Min", "Mean"}, "MatMul", "Gemm", "FusedMatMul"), 2)
LEAST_INPUTS = _SEVERAL_INPUTS | dict.fromkeys(("Conv", "ConvInteger", "FusedConv", "ConvTranspose"), 2)
LEAST_INPUTS |= {"QLinearConv": 4, "QLinearMatMul": 4, "Gather": 2}


@dataclass
class Reading:
    """A graph as far as it is read."""

    plane: tuple[int, ...]  # the dimensions of the image that are its axes
    values: dict[str, Value] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)  # of every tensor that depends on the image, what makes it
    roots: dict[str, str] = field(default_factory=dict)  # of element-wise functions of a tensor, that tensor

    def run(self, nodes: Sequence[Node]) -> None:
        """Read nodes in order; those of an If, whose condition is known, in its place."""
        for node in nodes:
            if node.op == "If":
                self._branch(node)
                continue
            values = [self.values.get(name, Constant(None, None)) if name else None for name in node.inputs]
            for name, value in zip(node.outputs, self._outputs(node, values), strict=False):
                if name:
                    self.values.setdefault(name, value)

    def _outputs(self, node: Node, values: list[Value | None]) -> Sequence[Value]:
        if node.op == "Constant":
            return [node.attributes["value"] if "value" in node.attributes else Constant(None, None)]
        constants = [value for value in values if value is None or isinstance(value, Constant)]
        if len(constants) == len(values):
            return folded(node, constants)
        if node.op in {"Shape", "Size"} and isinstance(values[0], View):
            return folded(node, [Constant(None, values[0].shape)])
        call = Call(node, len(self.calls), values)
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
        if len(links) == 1 and links[0].is_same and (node.op in ELEMENTWISE or node.op in MERGING):
            self.roots[name] = self._root(links[0])
        return replace(value, links=(Link(name, (SAME,) * len(self.plane)),) if value.linked else ())

    def _root(self, link: Link) -> str:
        """Return the tensor of which a link's source is an element-wise function."""
        return self.roots.get(link.source, link.source) if link.is_same else f"through a window from {link.source}"

    def _branch(self, node: Node) -> None:
        condition = self.values.get(node.inputs[0]) if node.inputs else None
        known = condition.array if isinstance(condition, Constant) else None
        if known is None:
            call = Call(node, len(self.calls), [])
            self.calls |= dict.fromkeys(node.outputs, call)
            self.values |= dict.fromkeys(node.outputs, Ended(node.title, "its condition is computed"))
            return
        chosen: Program = node.attributes["then_branch" if bool(known.ravel()[0]) else "else_branch"]
        self.values |= chosen.constants
        self.run(chosen.nodes)
        aliases = zip(chosen.outputs, node.outputs, strict=True)
        self.run([Node("Identity", node.name, (inner,), (outer,)) for inner, outer in aliases])


def _applied(call: Call) -> Sequence[Value]:
    """Return what the node's rule says of its outputs."""
    node = call.node
    call.label = node.attributes.get("label", node.op)
    given, least = sum(value is not None for value in call.values), LEAST_INPUTS.get(node.op, 1)
    if given < least:
        node.wrong(f"it has {given} input{'s' * (given != 1)} and needs {least}")
    if node.op in ELEMENTWISE or node.op in MERGING:
        return [_elementwise(call)] * len(node.outputs)
    if node.op not in RULES:
        raise Unsaid("which pixels it reads depends on their values, or is not known here")
    result = RULES[node.op](call)
    return [result] if isinstance(result, View | Constant | Ended) else result


def _elementwise(call: Call) -> View:
    """Combine elements that stand in one place."""
    node = call.node
    if node.op in ELEMENTWISE or node.op.startswith("QLinear"):
        return merged(call.views)
    constants = [value.shape for value in call.values if isinstance(value, Constant) and value.shape]
    return merged([*call.views, *map(of_sizes, constants)])


def read(program: Program, image: str, shape: Sequence[Size]) -> Reading:
    """Read a program from one of its inputs on, with what lies under the first window as the plane."""
    nodes = tuple(program.in_order())
    plane = plane_of(program, nodes, image, shape) or tuple(range(2, len(shape))) or tuple(range(len(shape)))
    view = replace(of_image(shape, plane), links=(Link(image, (SAME,) * len(plane)),))
    reading = Reading(plane, {**_given(program), image: view})
    reading.run(nodes)
    return reading


def _given(program: Program) -> dict[str, Value]:
    """Return what is stored, and of the inputs the shapes."""
    inputs: dict[str, Value] = {name: Constant(None, shape and tuple(shape)) for name, shape in program.inputs.items()}
    return {**inputs, **program.constants}


def plane_of(program: Program, nodes: Sequence[Node], image: str, shape: Sequence[Size]) -> tuple[int, ...]:
    """Return the dimensions of an input that lie under the first window that reads it; none where no window does."""
    every = tuple(range(len(shape)))
    reading = Reading(every, {**_given(program), image: of_image(shape, every)})
    for node in nodes:
        view = reading.values.get(node.inputs[0]) if node.inputs else None
        if node.op in WINDOWS and isinstance(view, View):
            found = {factor.axis for dim in view.dims[2:] for factor in dim if factor.axis is not None}
            return tuple(sorted(_whole_plane(found, len(shape))))
        reading.run([node])
    return ()


def _whole_plane(found: set[int], rank: int) -> set[int]:
    """Return all dimensions behind the channels, where those that were found are some of them; else those found."""
    behind = set(range(2, rank))
    return behind if found.issubset(behind) else found


def unknown_shape(rank: int) -> tuple[Size, ...]:
    """Return the shape of an image of which nothing is said but how many dimensions it has."""
    return tuple(Unknown() for _ in range(rank))
