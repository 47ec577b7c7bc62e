"""A network from an ONNX file: its graph becomes a sequence of layers, with branches where it divides.

Two tensors that are added or concatenated come from a last tensor on which both depend, and what lies between that
tensor and each of them is a branch.  The last tensor through which all paths to a tensor lead is its dominator, so
the branches of a merging node start at the nearest common dominator of its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from refconv.analysis.layers import Layer
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.onnx_ops import MERGING, Node, layers_of

__all__ = ["read_onnx"]

MOST_LAYERS = 100_000  # of the branches, written out


def read_onnx(path: str | PathLike[str], tensor: str | None = None) -> Layers:
    """Return the network that an ONNX file holds, from its input to one of its tensors.

    Parameters
    ----------
    path : str or path
        The file; weights in files of their own are not needed.
    tensor : str, optional
        The name of the tensor at which to stop; the graph's first output where it is not given.

    Returns
    -------
    Layers
        Convolutions, poolings, transposed convolutions, upsampling and constant padding, and `Parallel` for what is
        added, concatenated or combined element by element.  Other element-wise nodes and batch norms leave no trace.

    Raises
    ------
    ValueError
        If onnx is not installed, the file is no model, there is no such tensor, or a node on the way has no receptive
        field or one that is not understood: with its name and its operator.

    Notes
    -----
    Source: the operator specifications of ONNX.

    Examples
    --------
    >>> read_onnx("model.onnx", "layer4")  # doctest: +SKIP
    Layers([Conv(7, stride=2, padding=3), Pool(3, stride=2, padding=1), ...])
    """
    graph = _read_graph(fspath(path))
    target = graph.output if tensor is None else tensor
    if target not in graph.dominators:
        last = ", ".join(list(graph.dominators)[-5:])
        raise ValueError(f"tensor={target!r} must depend on {graph.input!r}; the last that do are {last}")
    return Layers(graph.between(graph.input, target)[0])


@dataclass
class _Graph:
    """The tensors that depend on the input: what makes each, and the last tensor before it that all paths lead through.

    A tensor behind a node that is no layer has that node's error in place of layers.
    """

    input: str
    output: str
    sources: dict[str, list[str]] = field(default_factory=dict)
    layers: dict[str, list[Layer] | ValueError] = field(default_factory=dict)
    dominators: dict[str, str] = field(default_factory=dict)
    known: dict[tuple[str, str], tuple[list[Layer | Parallel], int]] = field(default_factory=dict)

    def add(self, node: Node, outputs: list[str]) -> None:
        """Take in a node, after those that make its inputs."""
        sources = [name for name in node.inputs if name in self.dominators]
        if not sources:
            return
        layers, dominator = self._layers_of(node, sources), self._common_dominator(sources)
        for output in outputs:
            self.sources[output], self.layers[output], self.dominators[output] = sources, layers, dominator

    def _layers_of(self, node: Node, sources: list[str]) -> list[Layer] | ValueError:
        for before in (self.layers.get(source) for source in sources):
            if isinstance(before, ValueError):
                return before
        try:
            if len(sources) > 1 and node.op not in MERGING:
                raise ValueError(f"{node.title} has {len(sources)} inputs that depend on the image; it must have one")  # noqa: TRY301
            return layers_of(node)
        except ValueError as error:
            return ValueError(f"{error} (the tensor before it is {sources[0]!r})")

    def _ancestry(self, tensor: str) -> Iterator[str]:
        """Yield a tensor, its dominator, that one's dominator ... and the graph's input."""
        while True:
            yield tensor
            if tensor == self.input:
                return
            tensor = self.dominators[tensor]

    def _common_dominator(self, tensors: list[str]) -> str:
        first, *others = (list(self._ancestry(tensor)) for tensor in tensors)
        common = set(first).intersection(*others)
        return next(tensor for tensor in first if tensor in common)

    def between(self, start: str, tensor: str) -> tuple[list[Layer | Parallel], int]:
        """Return the layers from `start`, a dominator, to a tensor, and their number with all branches written out."""
        if (start, tensor) not in self.known:
            layers: list[Layer | Parallel] = []
            number, here = 0, tensor
            while here != start:
                found, size = self._made(here)
                layers, number, here = found + layers, number + size, self.dominators[here]
            if number > MOST_LAYERS:
                raise ValueError(f"tensor={tensor!r} has {number} layers in its branches; at most {MOST_LAYERS}")
            self.known[start, tensor] = layers, number
        return self.known[start, tensor]

    def _made(self, tensor: str) -> tuple[list[Layer | Parallel], int]:
        """Return the layers between a tensor and its dominator."""
        layers, sources = self.layers[tensor], self.sources[tensor]
        if isinstance(layers, ValueError):
            raise layers
        if len(sources) == 1:
            return list(layers), len(layers)
        branches = [self.between(self.dominators[tensor], source) for source in sources]
        return [Parallel(*(branch for branch, _ in branches))], sum(size for _, size in branches)


def _read_graph(path: str) -> _Graph:
    Path(path).open("rb").close()  # a file that is not there is the first thing to say
    try:
        import onnx  # noqa: PLC0415  # an extra
        from google.protobuf.message import DecodeError  # noqa: PLC0415  # it comes with onnx
    except ModuleNotFoundError:
        raise ValueError("an ONNX file needs onnx, which is not installed: pip install onnx") from None
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise ValueError(f"{path} must be an ONNX model") from None
    return _build(onnx, model.graph)


def _build(onnx: Any, proto: Any) -> _Graph:
    """Make a graph of the parsed file; constants are read only where a node needs them as numbers."""
    stored = {tensor.name: tensor for tensor in proto.initializer}
    images = [value.name for value in proto.input if value.name not in stored]
    if len(images) != 1 or not proto.output:
        raise ValueError(f"the model has the inputs {', '.join(images) or 'none'}; it must have one, and an output")
    graph = _Graph(images[0], proto.output[0].name)
    graph.dominators[graph.input] = graph.input
    for number, node in enumerate(proto.node, start=1):
        attributes = {each.name: _plain(onnx.helper.get_attribute_value(each)) for each in node.attribute}
        if node.op_type == "Constant":
            stored |= {node.output[0]: attributes["value"]} if "value" in attributes else {}
            continue
        constants = {name: stored[name] for name in node.input if name in stored}
        name = node.name or f"number {number}"
        graph.add(Node(node.op_type, name, list(node.input), attributes, _values(onnx, constants)), list(node.output))
    return graph


def _plain(value: Any) -> Any:
    """Return text for bytes, and anything else as it is."""
    return value.decode() if isinstance(value, bytes) else value


def _values(onnx: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Return the values of vectors, such as scales and pads, and the shape of every tensor."""
    values: dict[str, Any] = {f"shape of {name}": list(tensor.dims) for name, tensor in tensors.items()}
    short = {name: tensor for name, tensor in tensors.items() if len(tensor.dims) == 1 and not tensor.external_data}
    return values | {name: onnx.numpy_helper.to_array(tensor).tolist() for name, tensor in short.items()}
