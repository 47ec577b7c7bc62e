"""A network as a graph, and what every tensor in it sees: the result of reading an ONNX file or a PyTorch module."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from os import PathLike

from refconv.analysis.axis_map import PIXEL, SAME
from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.field import AxisField, Tensor
from refconv.analysis.graph.interpret import Reading, plane_of, read, unknown_shape
from refconv.analysis.graph.nodes import Constant, Program, Size
from refconv.analysis.graph.onnx_file import read_program
from refconv.analysis.graph.views import Factor, Link, View
from refconv.geometry.arguments import LINE, PLANE, VOLUME

__all__ = ["Graph", "from_onnx"]


class Graph:
    """A network, and what each of its tensors sees of its image.

    Parameters
    ----------
    program : Program
    image : str, optional
        The input that is the image; the first that has a plane where it is not given.
    input_size : sequence of int, optional
        The image's size along its axes, instead of the one that the file says.

    Examples
    --------
    >>> graph = from_onnx("model.onnx")  # doctest: +SKIP
    >>> graph.field("layer4")[0].size  # doctest: +SKIP
    427
    """

    def __init__(self, program: Program, image: str | None = None, input_size: Sequence[int] | None = None) -> None:
        self.program = program
        self.image = image or _image_of(program)
        if self.image not in program.inputs:
            raise ValueError(f"from={self.image!r} must be one of the inputs {', '.join(program.inputs)}")
        shape = program.inputs[self.image] or unknown_shape(_rank(program))
        self.reading = read(program, self.image, shape)
        if input_size is not None:
            shape = _resized(shape, self.reading.plane, input_size)
            self.reading = read(program, self.image, shape)
        self.shape = shape

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors that depend on the image, each after those that it reads."""
        view = self.reading.values[self.image]
        assert isinstance(view, View)
        found = {self.image: Tensor(self.image, self.image, "", "input", None, view, ())}
        for name, call in self.reading.calls.items():
            value = self.reading.values.get(name)
            if name and isinstance(value, View | Ended):
                node, links = call.node, call.links.get(name, ())
                found[name] = Tensor(name, node.name, node.module, call.label or node.op, call.layer, value, links)
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each tensor stands in their order."""
        return {name: place for place, name in enumerate(self.tensors)}

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """What the axes of the image are called."""
        spaces = {space.rank: space.axes for space in (LINE, PLANE, VOLUME)}
        return spaces.get(len(self.reading.plane), tuple(f"axis {place}" for place in self.reading.plane))

    @property
    def input_size(self) -> tuple[int, ...] | None:
        """The image's size along its axes, where it is known."""
        sizes = tuple(size for size in (self.shape[place] for place in self.reading.plane) if isinstance(size, int))
        return sizes if len(sizes) == len(self.reading.plane) else None

    @property
    def outputs(self) -> list[str]:
        """The outputs that depend on the image."""
        return [name for name in self.program.outputs if name in self.tensors]

    def field(self, name: str) -> tuple[AxisField, ...]:
        """Return what a tensor sees along every axis."""
        if name not in self._fields:
            self._fields[name] = self._field(name)
        return self._fields[name]

    @cached_property
    def _fields(self) -> dict[str, tuple[AxisField, ...]]:
        return {}

    def _field(self, name: str) -> tuple[AxisField, ...]:
        tensor = self.tensors[name]
        if isinstance(tensor.view, Ended):
            raise ValueError(f"what {name!r} sees cannot be said: {tensor.view.title}, {tensor.view.reason}")  # noqa: TRY004
        view, linked, seen = tensor.view, tensor.view.linked, tensor.view.seen
        sizes = {axis: factor.size if isinstance(factor.size, int) else None for axis, factor in linked.items()}
        return tuple(
            AxisField(seen.get(axis, ()), sizes.get(axis), axis in linked, view.whole.get(axis))
            for axis in range(len(self.axes))
        )

    def feature_map(self, name: str) -> tuple[int | None, ...]:
        """Return the positions of a tensor along every axis; None where they are not known or there are none."""
        return tuple(axis.outputs for axis in self.field(name))

    def find(self, name: str) -> str:
        """Return the tensor of this name, or the last one of the node or the module of this name."""
        if name in self.tensors:
            return name
        match = [tensor.name for tensor in self.tensors.values() if tensor.node == name]
        match = match[:1] or [
            tensor.name
            for tensor in self.tensors.values()
            if f"{tensor.module}.".startswith(f"{name.strip('/').replace('/', '.')}.")
        ]
        if match:
            return match[-1]
        names = dict.fromkeys(
            each for tensor in self.tensors.values() for each in (tensor.name, tensor.node, tensor.module) if each
        )
        near = difflib.get_close_matches(name, names)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "--list shows what there is"
        raise ValueError(f"{name!r} is no tensor, node or module that depends on {self.image!r}; {hint}")

    def path_to(self, name: str) -> list[Tensor]:
        """Return the tensors on which one depends, in order, and itself."""
        done = reachable(name, self._sources)
        return [self.tensors[each] for each in sorted(done, key=self.places.__getitem__)]

    def before(self, name: str, is_wanted: Callable[[Tensor], bool]) -> list[str]:
        """Return the last tensors on the way to one, itself included, that are wanted."""
        is_last = {each: is_wanted(tensor) for each, tensor in self.tensors.items()}
        done = reachable(name, lambda each: () if is_last[each] else self._sources(each))
        return sorted((each for each in done if is_last[each]), key=self.places.__getitem__)

    def _sources(self, name: str) -> Iterator[str]:
        call = self.reading.calls.get(name)
        yield from (source for source in (call.node.read() if call else ()) if source in self.tensors)

    def starting_at(self, name: str) -> Graph:
        """Return the rest of the network, with one of its tensors as the image."""
        start = self.tensors[name]
        if not isinstance(start.view, View) or not start.view.linked:
            raise ValueError(f"{name!r} has no plane to start from")
        part = Graph.__new__(Graph)
        part.program, part.image = self.program, name
        part.shape = start.view.shape
        dims = tuple(
            tuple(Factor(each.size, each.axis, (PIXEL,) if each.axis is not None else ()) for each in dim)
            for dim in start.view.dims
        )
        values = {
            other: Constant(None, value.shape) if isinstance(value, View) else value
            for other, value in self.reading.values.items()
        }
        plane = tuple(place for place, dim in enumerate(dims) if any(each.axis is not None for each in dim))
        count = len(self.reading.plane)
        part.reading = Reading(plane if len(plane) == count else self.reading.plane)
        part.reading.values = values | {name: View(dims, links=(Link(name, (SAME,) * count),))}
        later, behind = {name}, []
        for node in self.program.in_order():
            if name not in node.outputs and not later.isdisjoint(node.read()):
                later.update(node.outputs)
                behind.append(node)
        for other in later - {name}:
            part.reading.values.pop(other, None)
        part.reading.run(behind)
        return part


def reachable(start: str, below: Callable[[str], Iterable[str]]) -> set[str]:
    """Return a tensor and all that lead to it, where `below` says which ones lead to each."""
    todo, done = [start], {start}
    while todo:
        new = set(below(todo.pop())) - done
        done |= new
        todo += new
    return done


def _image_of(program: Program) -> str:
    """Return the input that is the image: the first that a window reads, or else the first that has a plane."""
    if not program.inputs:
        raise ValueError("the model has no inputs, and so nothing to see")
    planes = [name for name, shape in program.inputs.items() if shape is None or len(shape) > 2]
    if len(program.inputs) > 1:
        nodes = tuple(program.in_order())
        shapes = {name: shape or unknown_shape(_rank(program)) for name, shape in program.inputs.items()}
        planes = [name for name, shape in shapes.items() if shape and plane_of(program, nodes, name, shape)] or planes
    return (planes or list(program.inputs))[0]


def _rank(program: Program) -> int:
    """Return how many dimensions an image has of which nothing is said: as many as the first kernel has, and two."""
    for node in program.nodes:
        kernel = node.attributes.get("kernel_shape")
        if node.op in {"Conv", "ConvTranspose", "ConvInteger"} and kernel is None and len(node.inputs) > 1:
            weight = program.constants.get(node.inputs[1])
            kernel = (weight.shape or ())[2:] if weight is not None else None
        if isinstance(kernel, Sequence):
            return len(kernel) + 2
        if node.op in {"Resize", "Upsample", "Pad"}:
            known = [node.attributes.get("scales"), node.attributes.get("pads")]
            known += [program.constants[name].array for name in node.inputs if name in program.constants]
            sizes = [len(each) for each in known if each is not None and len(each)]
            if sizes:
                return max(sizes) if node.op != "Pad" else max(sizes) // 2
    return 4


def _resized(shape: Sequence[Size], plane: Sequence[int], input_size: Sequence[int]) -> tuple[Size, ...]:
    if len(input_size) != len(plane):
        raise ValueError(
            f"input_size={tuple(input_size)} must have {len(plane)} numbers, one for each axis of the image"
        )
    return tuple(input_size[plane.index(place)] if place in plane else size for place, size in enumerate(shape))


def from_onnx(path: str | PathLike[str], image: str | None = None, input_size: Sequence[int] | None = None) -> Graph:
    """Read what an ONNX file's tensors see.

    Parameters
    ----------
    path : str or path
        The file; weights in files of their own are not needed.
    image : str, optional
        The input that is the image; the first that has a plane where it is not given.
    input_size : sequence of int, optional
        The image's size along its axes, instead of the one that the file says.

    Returns
    -------
    Graph

    Raises
    ------
    ValueError
        If onnx is not installed, the file is no model, or a node in it is wrong: with its name and its operator.

    Examples
    --------
    >>> from_onnx("model.onnx", input_size=(224, 224)).outputs  # doctest: +SKIP
    ['logits']
    """
    return Graph(read_program(path), image, input_size)
