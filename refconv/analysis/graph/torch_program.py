"""A PyTorch module as a `Program`: exported with an example, and said operator by operator in ONNX's vocabulary."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Constant, Node, Program
from refconv.analysis.graph.torch_ops import Operator, translated

Shape = tuple[int, ...]
__all__ = ["from_torch"]

# Element-wise, and not marked so by PyTorch.
POINTWISE = frozenset("hardswish prelu log_sigmoid where masked_fill lerp rsub addcmul addcdiv".split())  # noqa: SIM905


def from_torch(module: Any, example: Any, image: str | None = None) -> Graph:
    """Read what the tensors of a PyTorch module see.

    Parameters
    ----------
    module : torch.nn.Module, torch.fx.GraphModule or torch.export.ExportedProgram
        What is exported by `torch.export.export`, unless it is already.
    example : torch.Tensor or tuple of torch.Tensor
        What the module is called with; its size is the image's.
    image : str, optional
        Which of its arguments is the image; the first that has a plane where it is not given.

    Returns
    -------
    Graph
        Its tensors have the names of the exported graph, and its nodes the modules' names.

    Raises
    ------
    ValueError
        If torch is not installed, or the module cannot be exported.

    Examples
    --------
    >>> graph = from_torch(torch.nn.Conv2d(1, 1, 3, dilation=2), torch.ones(1, 1, 9, 8))  # doctest: +SKIP
    >>> [axis.size for axis in graph.field(graph.outputs[0])]  # doctest: +SKIP
    [5, 5]
    """
    try:
        import torch  # noqa: PLC0415  # never a dependency
    except ModuleNotFoundError:
        raise ValueError("a module needs torch, which is not installed") from None
    arguments = tuple(example) if isinstance(example, tuple | list) else (example,)
    try:
        with warnings.catch_warnings(action="ignore"):  # about weights, which are not looked at
            exported = module if hasattr(module, "graph_signature") else torch.export.export(module, arguments)
    except Exception as error:  # noqa: BLE001  # whatever the module does, it does here
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{type(module).__name__} cannot be exported: {reason[0]}") from None
    return Graph(_program(torch, exported), image)


def _program(torch: Any, exported: Any) -> Program:
    """Return the nodes that depend on what the module is called with; all else are constants, with their shapes."""
    nodes: list[Node] = []
    inputs: dict[str, Shape | None] = {}
    constants: dict[str, Constant] = {}
    outputs: list[str] = []
    shapes = dict(_shapes(exported.graph.nodes))
    given = set(exported.graph_signature.user_inputs)
    depends: set[str] = set()
    for node in exported.graph.nodes:
        sources = {source.name for source in node.all_input_nodes}
        if node.op == "placeholder" and node.name in given:
            inputs[node.name] = shapes.get(node.name)
            depends.add(node.name)
        elif node.op == "output":
            outputs += [source.name for source in node.all_input_nodes]
        elif depends.isdisjoint(sources) or _is_fill(node):
            constants[node.name] = Constant(None, shapes.get(node.name))
        else:
            depends.add(node.name)
            nodes += _nodes_of(torch, node, shapes)
    return Program(tuple(nodes), inputs, tuple(outputs), constants)


def _shapes(nodes: Sequence[Any]) -> Iterator[tuple[str, Shape]]:
    """Yield the shape of every tensor; those of a tuple have their places behind a dot."""
    for node in nodes:
        value = node.meta.get("val")
        parts = {node.name: value} if not isinstance(value, tuple | list) else {
            f"{node.name}.{place}": part for place, part in enumerate(value)
        }  # fmt: skip
        yield from ((name, tuple(map(int, part.shape))) for name, part in parts.items() if hasattr(part, "shape"))


def _nodes_of(torch: Any, node: Any, shapes: Mapping[str, Shape]) -> list[Node]:
    """Return what one call becomes; element-wise is what PyTorch says is."""
    module = _module_of(node)
    if getattr(node.target, "__name__", "") == "getitem":
        source, place = node.args
        name = f"{source.name}.{place}" if f"{source.name}.{place}" in shapes else source.name
        return [Node("Identity", node.name, (name,), (node.name,), {}, module, source="torch")]
    schema = getattr(node.target, "_schema", None)
    name = schema.name.split("::")[-1].removesuffix("_") if schema is not None else str(node.target)
    names = [argument.name for argument in schema.arguments] if schema is not None else []
    given = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
    arguments = {key: _plain(value) for key, value in given.items()}
    value = node.meta.get("val")
    parts = len(value) if isinstance(value, tuple | list) else 1
    call = Operator(name, arguments, node.name, shapes, module, parts)
    tensors = [source.name for source in node.all_input_nodes]
    if translated(call):
        return call.nodes
    if torch.Tag.pointwise in getattr(node.target, "tags", ()) or name in POINTWISE:
        call.add("Identity" if len(tensors) == 1 else "Add" if name in {"add", "sub"} else "Mul", *tensors, label=name)
    else:
        call.add(name, *tensors)
    return call.nodes


def _is_fill(node: Any) -> bool:
    """Whether a call reads nothing of a tensor but its shape: ``zeros_like(x)``."""
    name = str(getattr(node.target, "_schema", None) and node.target._schema.name).removeprefix("aten::")  # noqa: SLF001
    return name.startswith("new_") or name.endswith("_like")


def _plain(value: Any) -> Any:
    """Return the name of a node, in lists, too, and anything else as it is."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.name if hasattr(value, "all_input_nodes") else value


def _module_of(node: Any) -> str:
    """Return the innermost module that a node comes from."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]) if stack else ""
    return path.removeprefix("L['self']").lstrip(".")
