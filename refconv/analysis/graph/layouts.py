"""Nodes that move elements about and compute nothing: transposes, reshapes, slices, concatenations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from refconv.analysis.axis_map import window
from refconv.analysis.graph.factors import MOST_PHASES, Dim, Factor, listed, product
from refconv.analysis.graph.nodes import Size, Unknown, Unsaid
from refconv.analysis.graph.regroup import reshaped
from refconv.analysis.graph.values import Call, Constant
from refconv.analysis.graph.views import View, merged
from refconv.analysis.taps import NOTHING, Span

__all__: list[str] = []


def transpose(call: Call) -> View:
    """Put the dimensions in another order."""
    view = call.view()
    rank = len(view.dims)
    order = call.node.numbers("perm", list(reversed(range(rank))), rank)
    if sorted(order) != list(range(rank)):
        call.node.wrong(f"perm={order} must have each of 0 ... {rank - 1} once")
    return view.permuted(order)


def reshape(call: Call) -> View:
    """Give the same elements, in the same order, other dimensions."""
    view = call.view()
    target = call.node.attributes.get("shape") or call.constant(1)
    if target is None:
        raise Unsaid("its shape is computed, and not from the image's size alone")
    keeps = not call.node.number("allowzero", 0)
    if sum(size == -1 for size in target) > 1 or (keeps and any(size == 0 for size in target[len(view.dims) :])):
        call.node.wrong(f"shape={target} must have one -1 at most, and no 0 without a dimension before it")
    sizes = [view.shape[place] if size == 0 and keeps else size for place, size in enumerate(target)]
    return reshaped(view, sizes)


def flatten(call: Call) -> View:
    """Make two dimensions: those before `axis`, and those from there on."""
    view = call.view()
    rank = len(view.dims)
    axis = call.node.attributes.get("axis", 1)
    axis = rank if axis == rank else call.node.dimension(axis, rank)
    return reshaped(view, [product(view.shape[:axis]), -1])


def squeeze(call: Call) -> View:
    """Leave out dimensions of size 1."""
    view = call.view()
    rank = len(view.dims)
    chosen = call.node.attributes.get("axes", call.constant(1))
    if chosen is None:
        chosen = [place for place, size in enumerate(view.shape) if size == 1]
    places = {call.node.dimension(place, rank, "axes") for place in chosen}
    for place in sorted(places, reverse=True):
        view = view.dropped(place)
    return view


def unsqueeze(call: Call) -> View:
    """Put in dimensions of size 1."""
    view = call.view()
    chosen = call.node.attributes.get("axes") or call.required(1, "axes")
    rank = len(view.dims) + len(chosen)
    for place in sorted(call.node.dimension(place, rank, "axes") for place in chosen):
        view = view.inserted(place)
    return view


def expand(call: Call) -> View:
    """Repeat dimensions of size 1 up to a shape."""
    shape = call.node.attributes.get("shape") or call.constant(1)
    view = call.view()
    if shape is None:
        raise Unsaid("its shape is computed, and not from the image's size alone")
    return merged([view, View(tuple((Factor(size),) for size in shape))])


def tile(call: Call) -> View:
    """Repeat a dimension as a whole: of a linked one, positions are lost, unless there is only one."""
    view = call.view()
    for place, times in enumerate(call.required(1, "repeats")):
        if times != 1:
            view = _lost(view, place, product([view.shape[place], times]))
    return view


def _lost(view: View, place: int, size: Size) -> View:
    """Return the view after a dimension's positions got lost: what is seen there is seen somewhere along it."""
    seen = tuple(dict.fromkeys(each for factor in view.dims[place] for each in factor.seen))
    result = view.with_dim(place, Factor(size, scattered=seen))
    return result.uncounted() if seen else result


def slice_(call: Call) -> View:
    """Take positions from a start to an end by a step, along some dimensions."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    starts, ends = (
        node.attributes.get(name) or call.required(place, name) for place, name in ((1, "starts"), (2, "ends"))
    )
    axes = node.attributes.get("axes") or call.constant(3) or list(range(len(starts)))
    steps = node.attributes.get("steps") or call.constant(4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        node.wrong(f"starts={starts}, ends={ends}, axes={axes} and steps={steps} must be equally long")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        view = sliced(call, view, node.dimension(axis, rank, "axes"), slice(start, end, step))
    return view


def sliced(call: Call, view: View, place: int, part: slice) -> View:
    """Return the view of a slice along one dimension."""
    before = view.shape[place]
    if isinstance(before, int):
        if part.step == 0:
            call.node.wrong("its step must not be 0")
        kept = range(*part.indices(before))
        taken: tuple[int, int, Size] = kept.start, kept.step, len(kept)
    else:
        taken = _open_slice(view, place, part)
    start, step, size = taken
    if not any(factor.seen or factor.blocks for factor in view.dims[place]):
        return view.with_dim(place, Factor(size))
    if (start, step, size) == (0, 1, before):
        return view
    if step < 0 or start < 0 or len(view.dims[place]) > 1:
        return _lost(view, place, size)
    layer = window(1, stride=step, before=-start)
    return view.under(place, layer, size)


def _open_slice(view: View, place: int, part: slice) -> tuple[int, int, Size]:
    """Return start, step and size where the size before is unknown: a start from the end needs it."""
    is_linked = any(factor.seen or factor.blocks for factor in view.dims[place])
    if part.start == -1 and part.step == 1:  # the last one, wherever it is
        return -1, 1, 1
    if (part.start < 0 or part.step < 1) and is_linked:
        raise Unsaid("it counts from the end of an axis, whose size depends on the image's, which --input says")
    covers_all = part.start == 0 and part.stop > 2**30 and part.step == 1
    return part.start, part.step, view.shape[place] if covers_all else Unknown()


def split(call: Call) -> list[View]:
    """Cut a dimension into consecutive parts."""
    node, view = call.node, call.view()
    place = node.axis(len(view.dims), 0)
    parts = node.attributes.get("split") or call.constant(1)
    size = view.shape[place]
    if parts is None:
        count = node.number("num_outputs", len(node.outputs), 1)
        if not isinstance(size, int):
            raise Unsaid("its parts depend on the image's size, which --input says")
        parts = [min(-(-size // count), size - start) for start in range(0, size, max(1, -(-size // count)))]
    if len(parts) < len(node.outputs):
        node.wrong(f"split={parts} must have a part for each of {len(node.outputs)} outputs")
    ends = [sum(parts[: number + 1]) for number in range(len(parts))]
    return [sliced(call, view, place, slice(end - part, end, 1)) for part, end in zip(parts, ends, strict=True)]


def gather(call: Call) -> View:
    """Pick positions by a list of numbers."""
    node = call.node
    node.require_inputs(2)
    indices = call.values[1]
    if not isinstance(call.values[0], View):  # a table, and the image says which rows
        view = call.view(1)
        shape = call.shape(0)
        return replace(view, dims=(*view.dims, *((Factor(size),) for size in (shape or (Unknown(), Unknown()))[1:])))
    view = call.view()
    place = node.axis(len(view.dims), 0)
    if not isinstance(indices, Constant) or indices.shape is None:
        raise Unsaid("it picks positions that are computed")
    chosen = call.constant(1)
    if not indices.shape:
        return view.dropped(place)
    if chosen is not None and all(isinstance(each, int) for each in chosen) and len(chosen) > 1:
        steps = {after - before for before, after in pairwise(chosen)}
        if len(steps) == 1 and min(chosen) >= 0 and min(steps) > 0 and len(indices.shape) == 1:
            return sliced(call, view, place, slice(chosen[0], chosen[-1] + 1, min(steps)))
    view = _lost(view, place, product(indices.shape))
    return reshaped(view, [*view.shape[:place], *indices.shape, *view.shape[place + 1 :]])


def pick(call: Call) -> View:
    """Take one position along a dimension, which is gone then."""
    view = call.view()
    return view.dropped(call.node.axis(len(view.dims)))


def concat(call: Call) -> View:
    """Put tensors behind each other along one dimension."""
    node = call.node
    node.require_inputs(1)
    rank = len(call.views[0].dims)
    place = node.axis(rank)
    views = [_as_view(call, value, rank) for value in call.values]
    dims = [view.dims[place] for view in views]
    if all(not any(factor.seen or factor.blocks for factor in dim) for dim in dims):
        size = product([0]) if not dims else _total([view.shape[place] for view in views])
        return merged(views, lambda _: (Factor(size),), place)
    joined = _in_a_row(dims)
    return merged(views, lambda _: joined, place).uncounted()


def _as_view(call: Call, value: object, rank: int) -> View:
    if isinstance(value, View):
        if len(value.dims) != rank:
            call.node.wrong(f"it reads tensors of {rank} and {len(value.dims)} dimensions")
        return value
    shape = value.shape if isinstance(value, Constant) and value.shape is not None else (Unknown(),) * rank
    return View(tuple((Factor(size),) for size in shape))


def _total(sizes: Sequence[Size]) -> Size:
    known = [size for size in sizes if isinstance(size, int)]
    return sum(known) if len(known) == len(sizes) else Unknown()


def _in_a_row(dims: Sequence[Dim]) -> Dim:
    """Return a dimension in which each part has places of its own: along one axis, a phase for every output."""
    sizes = [product(factor.size for factor in dim) for dim in dims]
    total = _total(sizes)
    axes = {axis for dim in dims for factor in dim for axis, _ in factor.seen}
    is_row = all(len(dim) == 1 and not dim[0].blocks and not dim[0].scattered for dim in dims) and len(axes) == 1
    if not is_row or not isinstance(total, int) or total > MOST_PHASES:
        seen = tuple(dict.fromkeys(each for dim in dims for factor in dim for each in factor.seen))
        return (Factor(total, scattered=seen),)
    phases = [
        Span.gather((0, below.reads(place)) for below in factor.maps) if factor.maps else NOTHING
        for (factor,), size in zip(dims, sizes, strict=True)
        for place in range(size if isinstance(size, int) else 0)
    ]
    return (Factor(total, axes.pop(), (listed(phases),)),)
