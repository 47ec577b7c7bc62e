"""Nodes that move elements about and compute nothing: transposes, slices, splits, picks, concatenations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from refconv.analysis.axis_map import NOTHING, Span, window
from refconv.analysis.graph.call import Call
from refconv.analysis.graph.nodes import LARGEST_SIZE, Constant, Size, Unknown, Unsaid
from refconv.analysis.graph.reshaping import reshaped
from refconv.analysis.graph.views import (
    MOST_PHASES,
    Dim,
    Factor,
    View,
    listed,
    merged,
    of_sizes,
    product,
    seen_in,
    size_of,
)

__all__: list[str] = []


def transpose(call: Call) -> View:
    """Put the dimensions in another order."""
    view = call.view()
    rank = len(view.dims)
    order = call.node.numbers("perm", list(reversed(range(rank))), rank)
    if sorted(order) != list(range(rank)):
        call.node.wrong(f"perm={order} must have each of 0 ... {rank - 1} once")
    return replace(view, dims=tuple(view.dims[place] for place in order))


def expand(call: Call) -> View:
    """Repeat dimensions of size 1 up to a shape."""
    return merged([call.view(), of_sizes(call.given("shape", 1, ()))])


def tile(call: Call) -> View:
    """Repeat a dimension as a whole: of a linked one, positions are lost, unless there is only one."""
    view = call.view()
    for place, times in enumerate(call.numbers("repeats", 1)):
        view = view.lost(place, product([view.shape[place], times])) if times != 1 else view
    return view


def slice_(call: Call) -> View:
    """Take positions from a start to an end by a step, along some dimensions."""
    node, view = call.node, call.view()
    starts, ends = call.numbers("starts", 1), call.numbers("ends", 2)
    axes, steps = call.numbers("axes", 3, range(len(starts))), call.numbers("steps", 4, [1] * len(starts))
    if not len(starts) == len(ends) == len(axes) == len(steps):
        node.wrong(f"starts={starts}, ends={ends}, axes={list(axes)} and steps={steps} must be equally long")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        view = _sliced(call, view, node.dimension(axis, len(view.dims)), slice(start, end, step))
    return view


def _sliced(call: Call, view: View, place: int, part: slice) -> View:
    """Return the view of a slice along one dimension."""
    before, is_plain = view.shape[place], all(factor.is_plain for factor in view.dims[place])
    if part.step == 0:
        call.node.wrong("its step must not be 0")
    start, step = part.start, part.step
    size: Size = 1 if 0 <= start == part.stop - 1 else Unknown()
    if isinstance(before, int):
        kept = range(*part.indices(before))
        start, step, size = kept.start, kept.step, len(kept)
    elif (start, step) == (0, 1) and part.stop > LARGEST_SIZE:  # TensorFlow's files say 10^9
        return view
    elif (start, step) == (-1, 1):  # the last one, wherever it is
        return view.lost(place, 1)
    elif (start < 0 or step < 1) and not is_plain:
        raise Unsaid("it counts from the end of an axis, whose size depends on the image's, which --input says")
    if is_plain:
        return view.with_dim(place, Factor(size))
    if (start, step, size) == (0, 1, before):
        return view
    if step < 0 or len(view.dims[place]) > 1:
        return view.lost(place, size)
    return view.under(place, window(1, stride=step, before=-start), size)


def split(call: Call) -> list[View]:
    """Cut a dimension into consecutive parts."""
    node, view = call.node, call.view()
    place = node.axis(len(view.dims), 0)
    size, parts = view.shape[place], call.numbers("split", 1, [])
    if not parts:
        if not isinstance(size, int):
            raise Unsaid("its parts depend on the image's size, which --input says")
        most = max(1, -(-size // node.number("num_outputs", len(node.outputs), 1)))
        parts = [min(most, size - start) for start in range(0, size, most)]
    if len(parts) < len(node.outputs):
        node.wrong(f"split={parts} must have a part for each of {len(node.outputs)} outputs")
    ends = [0, *accumulate(parts)]
    return [_sliced(call, view, place, slice(start, end, 1)) for start, end in pairwise(ends)]


def gather(call: Call) -> View:
    """Pick positions by a list of numbers."""
    node, shape = call.node, call.shape(0)
    if not isinstance(call.values[0], View):  # a table, and the image says which rows
        view = call.view(1)
        return replace(view, dims=(*view.dims, *of_sizes((shape or (Unknown(), Unknown()))[1:]).dims))
    view, indices = call.view(), call.values[1]
    place = node.axis(len(view.dims), 0)
    if not isinstance(indices, Constant) or indices.shape is None:
        raise Unsaid("it picks positions that are computed")
    if not indices.shape:
        return view.dropped(place)
    chosen = [] if indices.array is None else indices.array.ravel().tolist()
    if len(indices.shape) == 1 < len(chosen) and all(isinstance(each, int) and each >= 0 for each in chosen):
        steps = {after - before for before, after in pairwise(chosen)}
        if len(steps) == 1 and min(steps) > 0:
            return _sliced(call, view, place, slice(chosen[0], chosen[-1] + 1, min(steps)))
    view = view.lost(place, product(indices.shape))
    return reshaped(view, [*view.shape[:place], *indices.shape, *view.shape[place + 1 :]])


def concat(call: Call) -> View:
    """Put tensors behind each other along one dimension."""
    node, rank = call.node, len(call.views[0].dims)
    place = node.axis(rank)
    views = [value if isinstance(value, View) else of_sizes(getattr(value, "shape", None) or [Unknown()] * rank)
             for value in call.values]  # fmt: skip
    for view in views:
        if len(view.dims) != rank:
            node.wrong(f"it reads tensors of {rank} and {len(view.dims)} dimensions")
    dims = [view.dims[place] for view in views]
    joined = merged(views, place, _in_a_row(dims))
    return joined if all(factor.is_plain for dim in dims for factor in dim) else joined.uncounted()


def _in_a_row(dims: Sequence[Dim]) -> Dim:
    """Return a dimension in which each part has places of its own: along one axis, a phase for every output."""
    known = [size for size in map(size_of, dims) if isinstance(size, int)]
    total: Size = sum(known) if len(known) == len(dims) else Unknown()
    seen = seen_in(dims)
    axes = {axis for axis, _ in seen}
    is_row = len(axes) == 1 and all(len(dim) == 1 and not dim[0].blocks and not dim[0].scattered for dim in dims)
    if not is_row or not isinstance(total, int) or total > MOST_PHASES:
        return (Factor(total, scattered=seen),)
    phases = [
        Span.gather((0, below.reads(place)) for below in factor.maps) if factor.maps else NOTHING
        for (factor,), size in zip(dims, known, strict=True)
        for place in range(size)
    ]
    return (Factor(total, axes.pop(), (listed(phases),)),)
