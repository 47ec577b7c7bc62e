"""Nodes that read whole dimensions: sums, means, products of matrices, softmax, normalisation, recurrence.

Over channels that changes nothing.  Over an axis of the image it is a fact about the tensor: it sees all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from refconv.analysis.graph.factors import Dim, Factor
from refconv.analysis.graph.nodes import Size, Unknown, Unsaid
from refconv.analysis.graph.values import Call
from refconv.analysis.graph.views import View, earliest, merged

__all__: list[str] = []


def global_pool(call: Call) -> View:
    """Read the whole plane."""
    view = call.view()
    return view.mixing(range(2, len(view.dims)), call.whole)


def reduction(call: Call) -> View:
    """Read some dimensions, or all, and leave one number of each."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    chosen = (
        node.attributes.get("axes", call.constant(1))
        if not node.op.startswith("Arg")
        else [node.attributes.get("axis", 0)]
    )
    if not chosen and not node.number("noop_with_empty_axes", 0):
        chosen = range(rank)
    places = sorted({node.dimension(place, rank, "axes") for place in chosen or ()}, reverse=True)
    view = view.mixing(places, call.whole)
    if not node.number("keepdims", 1):
        for place in places:
            view = view.dropped(place)
    return view


def softmax(call: Call) -> View:
    """Read a dimension, and give as many; before opset 13, all dimensions from there on."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    is_old = node.opset < 13
    first = node.axis(rank, 1 if is_old and rank > 1 else -1)
    return view.mixing(range(first, rank if is_old else first + 1), call.whole, keep=True)


def running_sum(call: Call) -> View:
    """Read all that comes before along a dimension."""
    view = call.view()
    axis = call.node.attributes["axis"] if "axis" in call.node.attributes else call.required(1, "axis")[0]
    return view.mixing([call.node.dimension(axis, len(view.dims))], call.whole, keep=True)


def mixed(call: Call) -> View:
    """Read a dimension in whole, and make a new one of it."""
    view = call.view()
    axis = call.node.axis(len(view.dims))
    return view.mixing([axis], call.whole).with_dim(axis, Factor(call.node.number("size", 1)))


def linear(call: Call) -> View:
    """Multiply the last dimension with a matrix that has the new one first."""
    view, shape = call.view(), call.shape(1)
    axis = len(view.dims) - 1
    return view.mixing([axis], call.whole).with_dim(axis, Factor(shape[0] if shape else Unknown()))


def normalisation(call: Call) -> View:
    """Scale by a mean and a deviation over some dimensions: noted, and no end of the local field."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    if node.op in {"InstanceNormalization", "GroupNormalization"}:
        places: Iterable[int] = range(2, rank)
    elif node.op == "MeanVarianceNormalization":
        places = node.numbers("axes", [0, 2, 3], None, -rank)
    elif node.op == "LpNormalization":
        places = [node.axis(rank, -1)]
    else:
        places = range(node.axis(rank, -1), rank)
    if any(factor.seen for place in places for factor in view.dims[place]):
        return replace(view, normalised=earliest(view.normalised, call.whole))
    return view


def quantisation(call: Call) -> list[View]:
    """Round to as many steps as the largest element asks for: the scale depends on all of them."""
    view = call.view()
    scale = View((), normalised=call.whole)
    return [replace(view, normalised=earliest(view.normalised, call.whole)), scale, scale]


def matrix_product(call: Call) -> View:
    """Multiply matrices, or stacks of them: the last dimension of the first with the last but one of the second."""
    node = call.node
    node.require_inputs(2)
    second = 3 if node.op.startswith("QLinear") else 1
    ranks = [len(shape) if (shape := call.shape(place)) is not None else 2 for place in (0, second)]
    if node.op == "Gemm":
        letters = ["ba" if node.number("transA", 0) else "ab", "cb" if node.number("transB", 0) else "bc"]
        return contracted(call, [0, 1], letters, "ac")
    batch = "ijklmnop"[: max(0, max(ranks) - 2)]
    stacks = [batch[len(batch) - max(0, rank - 2) :] for rank in ranks]
    left = stacks[0] + ("ab" if ranks[0] > 1 else "b")
    right = stacks[1] + ("bc" if ranks[1] > 1 else "b")
    return contracted(call, [0, second], [left, right], batch + "a" * (ranks[0] > 1) + "c" * (ranks[1] > 1))


def einsum(call: Call) -> View:
    """Multiply and sum as an equation says."""
    equation = str(call.node.attributes.get("equation", "")).replace(" ", "")
    terms, arrow, output = equation.partition("->")
    if not arrow or "." in equation:
        raise Unsaid(f"the equation {equation!r} is not written out")
    return contracted(call, range(len(call.values)), terms.split(","), output)


def contracted(call: Call, places: Sequence[int], terms: Sequence[str], output: str) -> View:
    """Return the view of a sum of products: who has a letter that the output lacks reads that dimension in whole."""
    parts: list[View] = []
    sizes: dict[str, Size] = {}
    for place, letters in zip(places, terms, strict=True):
        shape = call.shape(place)
        if shape is not None and len(shape) != len(letters):
            call.node.wrong(f"its input {place + 1} has {len(shape)} dimensions; {len(letters)} are needed")
        for letter, size in zip(letters, shape or (Unknown(),) * len(letters), strict=True):
            if size != 1:
                sizes.setdefault(letter, size)
        value = call.values[place]
        if isinstance(value, View):
            summed = [letters.index(letter) for letter in letters if letter not in output]
            view = value.mixing(summed, call.whole)
            dims = [view.dims[letters.index(letter)] if letter in letters else (Factor(1),) for letter in output]
            parts.append(replace(view, dims=tuple(dims)))
    parts.append(View(tuple((Factor(sizes.get(letter, 1)),) for letter in output)))
    return merged(parts)


def attention(call: Call) -> View:
    """Let every query read all keys and values; tokens are the last dimension but one."""
    parts = [
        view if place == 0 else view.mixing([len(view.dims) - 2], call.whole) for place, view in enumerate(call.views)
    ]
    width = len(parts[0].dims) - 1
    first = parts[0].with_dim(width, Factor(parts[-1].shape[-1]))
    others = [part.with_dim(width, Factor(1)) for part in parts[1:]] or [first.mixing([width - 1], call.whole)]
    return merged([first, *others])


def recurrence(call: Call) -> list[View]:
    """Read a sequence step by step: what comes before, and with two directions all of it."""
    view = call.view()
    hidden: Dim = (Factor(call.node.number("hidden_size", 1, 1)),)
    directions: Dim = (Factor(2 if call.node.attributes.get("direction") == "bidirectional" else 1),)
    steps = view.mixing([2], call.whole).mixing([0], call.whole, keep=True)
    every = replace(steps, dims=(steps.dims[0], directions, steps.dims[1], hidden))
    last = view.mixing([0, 2], call.whole)
    last = replace(last, dims=(directions, last.dims[1], hidden))
    return [every, last, last]
