"""Nodes that read whole dimensions: sums, means, products of matrices, softmax, normalisation, recurrence.

Over channels that changes nothing.  Over an axis of the image it is a fact about the tensor: it sees all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refconv.analysis.graph.call import Call
from refconv.analysis.graph.nodes import Size, Unknown, Unsaid
from refconv.analysis.graph.views import ONE, Factor, View, merged, of_sizes

__all__: list[str] = []


def global_pool(call: Call) -> View:
    """Read the whole plane."""
    return call.view().mixing(range(2, len(call.view().dims)), call.whole)


def reduction(call: Call) -> View:
    """Read some dimensions, or all, and leave one number of each."""
    node, view = call.node, call.view()
    rank, is_arg = len(view.dims), node.op.startswith("Arg")
    chosen = [node.attributes.get("axis", 0)] if is_arg else call.numbers("axes", 1, [])
    if not chosen and not node.number("noop_with_empty_axes", 0):
        chosen = range(rank)
    places = sorted({node.dimension(place, rank) for place in chosen}, reverse=True)
    view = view.mixing(places, call.whole)
    for place in () if node.number("keepdims", 1) else places:
        view = view.dropped(place)
    return view


def softmax(call: Call) -> View:
    """Read a dimension, and give as many; before opset 13, all dimensions from there on."""
    node, view = call.node, call.view()
    rank, is_old = len(view.dims), node.opset < 13
    first = node.axis(rank, 1 if is_old and rank > 1 else -1)
    return view.mixing(range(first, rank if is_old else first + 1), call.whole, keep=True)


def running_sum(call: Call) -> View:
    """Read all that comes before along a dimension."""
    view = call.view()
    return view.mixing([call.node.dimension(call.numbers("axis", 1)[0], len(view.dims))], call.whole, keep=True)


def normalisation(call: Call) -> View:
    """Scale by a mean and a deviation over some dimensions: noted, and no end of the local field."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    if node.op in {"InstanceNormalization", "GroupNormalization"}:
        places: Sequence[int] = range(2, rank)
    elif node.op == "MeanVarianceNormalization":
        places = node.numbers("axes", [0, 2, 3], None, -rank)
    else:
        first = node.axis(rank, -1)
        places = [first] if node.op == "LpNormalization" else range(first, rank)
    is_wide = any(factor.seen for place in places for factor in view.dims[place])
    return view.normalised_by(call.whole) if is_wide else view


def quantisation(call: Call) -> list[View]:
    """Round to as many steps as the largest element asks for: the scale depends on all of them."""
    scale = View((), normalised=call.whole)
    return [call.view().normalised_by(call.whole), scale, scale]


def matrix_product(call: Call) -> View:
    """Multiply matrices, or stacks of them: the last dimension of the first with the last but one of the second."""
    node = call.node
    second = 3 if node.op.startswith("QLinear") else 1
    ranks = [2 if (shape := call.shape(place)) is None else len(shape) for place in (0, second)]
    if node.op == "Gemm":
        letters = ["ba" if node.number("transA", 0) else "ab", "cb" if node.number("transB", 0) else "bc"]
        return _contracted(call, [0, 1], letters, "ac")
    batch = "ijklmnop"[: max(0, max(ranks) - 2)]
    left, right = (batch[len(batch) - max(0, rank - 2) :] for rank in ranks)
    terms = [left + ("ab" if ranks[0] > 1 else "b"), right + ("bc" if ranks[1] > 1 else "b")]
    return _contracted(call, [0, second], terms, batch + "a" * (ranks[0] > 1) + "c" * (ranks[1] > 1))


def einsum(call: Call) -> View:
    """Multiply and sum as an equation says."""
    equation = str(call.node.attributes.get("equation", "")).replace(" ", "")
    terms, arrow, output = equation.partition("->")
    if not arrow or "." in equation:
        raise Unsaid(f"the equation {equation!r} is not written out")
    return _contracted(call, range(len(call.values)), terms.split(","), output)


def _contracted(call: Call, places: Sequence[int], terms: Sequence[str], output: str) -> View:
    """Return the view of a sum of products: who has a letter that the output lacks reads that dimension in whole."""
    parts: list[View] = []
    sizes: dict[str, Size] = {}
    for place, letters in zip(places, terms, strict=True):
        shape, value = call.shape(place), call.values[place]
        if shape is not None and len(shape) != len(letters):
            call.node.wrong(f"its input {place + 1} has {len(shape)} dimensions; {len(letters)} are needed")
        for letter, size in zip(letters, shape or [Unknown() for _ in letters], strict=True):
            if size != 1:
                sizes.setdefault(letter, size)
        if isinstance(value, View):
            view = value.mixing([n for n, letter in enumerate(letters) if letter not in output], call.whole)
            dims = [view.dims[letters.index(letter)] if letter in letters else ONE for letter in output]
            parts.append(replace(view, dims=tuple(dims)))
    return merged([*parts, of_sizes(sizes.get(letter, 1) for letter in output)])


def attention(call: Call) -> View:
    """Let every query read all keys and values; tokens are the last dimension but one."""
    query, *others = call.views
    width = len(query.dims) - 1
    first = query.with_dim(width, Factor(call.views[-1].shape[-1]))
    read = [other.mixing([width - 1], call.whole).with_dim(width, *ONE) for other in others]
    return merged([first, *(read or [first.mixing([width - 1], call.whole)])])


def recurrence(call: Call) -> list[View]:
    """Read a sequence step by step: what comes before, and with two directions all of it."""
    view, hidden = call.view(), (Factor(call.node.number("hidden_size", 1, 1)),)
    directions = (Factor(2 if call.node.attributes.get("direction") == "bidirectional" else 1),)
    steps, last = (view.mixing([2], call.whole).mixing([0], call.whole, keep=keep) for keep in (True, False))
    every = replace(steps, dims=(steps.dims[0], directions, steps.dims[1], hidden))
    final = replace(last, dims=(directions, last.dims[1], hidden))
    return [every, final, final]
