"""Nodes that slide a window over the plane: convolutions, poolings, their transposes, and padding.

Source: the operator specifications of ONNX 1.19, opset 22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from refconv.analysis.axis_map import transposed_window, window
from refconv.analysis.graph.factors import Factor, product, require_few
from refconv.analysis.graph.nodes import Node, Size, Unknown, Unsaid, derived
from refconv.analysis.graph.values import Call, Value, Window
from refconv.analysis.graph.views import View
from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.upsampling import ConvTranspose
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import build_axis

__all__: list[str] = []

AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def fitted(window: Window, size: Size) -> Window:
    """Return a window with its padding in numbers: SAME at a stride depends on the size."""
    if not window.auto_pad.startswith("SAME"):
        return window
    if window.stride > 1 and isinstance(size, Unknown):
        raise Unsaid(f"SAME padding at stride {window.stride} depends on the image's size, which --input says")
    # At stride 1 the padding is the same for every size, and so for the smallest that there is.
    pixels = size if isinstance(size, int) else window.dilation * (window.kernel_size - 1) + 1
    numbers = (pixels, window.kernel_size, window.stride, window.dilation)
    return replace(
        window, padding=build_axis("axis", *numbers, window.auto_pad.lower(), "zeros").padding, auto_pad="NOTSET"
    )


def windows_of(call: Call, weight: int | None) -> list[Window]:
    """Return a node's window along every axis; `weight` is the input that has the kernel's shape."""
    node, default = call.node, None
    if "kernel_shape" not in node.attributes:
        shape = call.shape(weight) if weight is not None else None
        default = [size for size in (shape or ())[2:] if isinstance(size, int)]
        if not default:
            node.wrong("kernel_shape is not given, and the weight is computed")
    sizes = node.numbers("kernel_shape", default, None, 1)
    rank = len(sizes)
    if not 1 <= rank <= 3:
        node.wrong(f"kernel_shape={sizes} must have one axis, two or three")
    ones, pads = [1] * rank, node.numbers("pads", [0] * 2 * rank, 2 * rank)
    strides, rates = node.numbers("strides", ones, rank, 1), node.numbers("dilations", ones, rank, 1)
    auto_pad = node.choice("auto_pad", AUTO_PADS)
    if auto_pad != "NOTSET":
        pads = [0] * 2 * rank
    sides = zip(pads[:rank], pads[rank:], strict=True)
    return [Window(*each, auto_pad) for each in zip(sizes, strides, rates, sides, strict=True)]


def plane_of(call: Call, view: View, rank: int) -> list[int]:
    """Return the dimensions of a window's plane: the last ones, behind batch and channels."""
    if len(view.dims) != rank + 2:
        raise Unsaid(f"it reads a tensor of {len(view.dims)} dimensions, where {rank + 2} are needed")
    call.on_plane(view, range(2, rank + 2))
    return list(range(2, rank + 2))


def slid(
    call: Call, view: View, windows: list[Window], sizes_of: Callable[[AxisGeometry], int], *options: object
) -> tuple[View, list[Window]]:
    """Return the view after a window along every axis, and the windows with their padding in numbers."""
    found = []
    for place, each in zip(plane_of(call, view, len(windows)), windows, strict=True):
        before = view.shape[place]
        here = fitted(each, before)
        free = sum(here.padding) - here.dilation * (here.kernel_size - 1)
        size = before if (here.stride, free) == (1, 0) else derived("window", before, here.stride, free, options)
        if isinstance(before, int):
            axis = AxisGeometry(before, here.kernel_size, here.stride, here.dilation, here.padding)
            size = sizes_of(axis)
            if size < 1:
                call.node.wrong(
                    f"its kernel spans {axis.effective_kernel_size} pixels and must fit the padded input of "
                    f"{here.padding[0]} + {before} + {here.padding[1]}"
                )
        view = view.under(place, window(here.kernel_size, here.stride, here.dilation, here.padding[0]), size)
        found.append(here)
    return view, found


def _on_axes(view: View, windows: Sequence[Window]) -> list[Window]:
    """Return the windows along axes of the image: a sequence in a plane of one row has one."""
    linked = [bool(any(factor.axis is not None for factor in dim)) for dim in view.dims[2:]]
    return [each for each, is_axis in zip(windows, linked, strict=True) if is_axis] or list(windows)


def conv(call: Call) -> Value:
    """Read a convolution: every output sees all channels of its window."""
    weight = 3 if call.node.op.startswith("QLinear") else 1
    call.node.require_inputs(weight + 1)
    view, windows = slid(call, call.view(), windows_of(call, weight), lambda axis: axis.output_size)
    result = channels(call, view, weight, 0)
    call.describe(Conv, _on_axes(result, windows))
    return result


def channels(call: Call, view: View, weight: int, side: int) -> View:
    """Return the view with new channels, which read all the old ones; a computed weight has read the whole image."""
    shape = call.shape(weight)
    view = view.mixing([1], call.whole)
    kernel = call.values[weight]
    if isinstance(kernel, View):
        kernel = kernel.mixing(range(len(kernel.dims)), call.whole)
        view = replace(view, whole={**kernel.whole, **view.whole})
    return view.with_dim(1, Factor(Unknown() if shape is None or len(shape) < 2 else shape[side]))


def pool(call: Call) -> Value:
    """Read a pooling, plane by plane."""
    call.node.require_inputs(1)
    ceil_mode = bool(call.node.number("ceil_mode", 0))

    def size(axis: AxisGeometry) -> int:
        if not ceil_mode:
            return axis.output_size
        wider = AxisGeometry(
            axis.input_size,
            axis.kernel_size,
            axis.stride,
            axis.dilation,
            (axis.padding[0], axis.padding[1] + axis.stride - 1),
        )
        return min(wider.output_size, -(-(axis.input_size + axis.padding[0]) // axis.stride))

    view, windows = slid(call, call.view(), windows_of(call, None), size, ceil_mode)
    call.describe(Pool, _on_axes(view, windows), **({"ceil_mode": True} if ceil_mode else {}))
    return view


def conv_transpose(call: Call) -> Value:
    """Read a transposed convolution, whose padding may be said by the size of its output."""
    node = call.node
    node.require_inputs(2)
    view, windows = call.view(), windows_of(call, 1)
    rank = len(windows)
    extra = node.numbers("output_padding", [0] * rank, rank)
    wanted = node.numbers("output_shape", None, None)[-rank:] if "output_shape" in node.attributes else [None] * rank
    found = []
    for place, each, more, size in zip(plane_of(call, view, rank), windows, extra, wanted, strict=True):
        if more >= max(each.stride, each.dilation):
            node.wrong(f"output_padding={extra} must be below the stride {each.stride} or the dilation {each.dilation}")
        require_few(each.stride)
        here, after = _cropped(node, each, view.shape[place], more, size)
        view = view.under(
            place, transposed_window(each.kernel_size, each.stride, each.dilation, here.padding[0]), after
        )
        found.append(here)
    shape = call.shape(1)
    group = node.number("group", 1, 1)
    result = channels(call, view, 1, 1)
    if shape is not None and isinstance(shape[1], int):
        result = result.with_dim(1, Factor(shape[1] * group))
    call.describe(ConvTranspose, _on_axes(result, found), **({"output_padding": tuple(extra)} if any(extra) else {}))
    return result


def _cropped(node: Node, each: Window, before: Size, extra: int, wanted: int | None) -> tuple[Window, Size]:
    """Return the window with what it crops, and the output's size: ``(H − 1)·S + D·(K − 1) + 1 + extra − T − B``."""
    reach = each.dilation * (each.kernel_size - 1) + 1 + extra
    is_same = each.auto_pad.startswith("SAME")
    if wanted is None and not is_same:
        rest = reach - sum(each.padding)
        size = (
            (before - 1) * each.stride + rest if isinstance(before, int) else derived("up", before, each.stride, rest)
        )
        if isinstance(size, int) and size < 1:
            node.wrong(f"pads={each.padding} leave nothing of its output")
        return each, size
    if isinstance(before, Unknown) and wanted is not None:
        raise Unsaid("its output_shape says the padding only where the image's size is known, which --input says")
    # SAME makes the output S times as large as the input, whatever that is: S·H − ((H − 1)·S + reach) does not have H.
    total = (
        each.stride * (before - 1) + reach - wanted
        if isinstance(before, int) and wanted is not None
        else reach - each.stride
    )
    smaller = max(0, total) // 2
    larger = max(0, total) - smaller
    sides = (smaller, larger) if each.auto_pad == "SAME_UPPER" else (larger, smaller)
    after = wanted if wanted is not None else product([before, each.stride])
    return replace(each, padding=sides, auto_pad="NOTSET"), after


def pad(call: Call) -> Value:
    """Read padding in any mode as a window of one tap: inside the image all modes read alike."""
    node = call.node
    node.require_inputs(1)
    view = call.view()
    rank = len(view.dims)
    pads = node.attributes.get("pads", node.attributes.get("paddings")) or call.constant(1)
    if pads is None:
        raise Unsaid("its pads are computed from the image")
    chosen = call.constant(3)
    places = range(rank) if chosen is None else [node.dimension(place, rank, "axes") for place in chosen]
    if len(pads) != 2 * len(places):
        node.wrong(f"pads={list(pads)} must have {2 * len(places)} numbers")
    padding = [(0, 0)] * rank
    for place, before, after in zip(places, pads[: len(places)], pads[len(places) :], strict=True):
        padding[place] = before, after
        if before or after:
            size = view.shape[place]
            more = before + after
            wider = size + more if isinstance(size, int) else derived("window", size, 1, more, ())
            view = view.under(place, window(1, before=before), wider)
    if rank > 2:
        call.describe(Conv, _on_axes(view, [Window(1, 1, 1, sides) for sides in padding[2:]]))
    return view


def given_layer(call: Call) -> Value:
    """Read a layer of `refconv.analysis`, which says itself what it reads."""
    layer: Layer = call.node.attributes["layer"]
    view = call.view()
    rank = len(view.dims) - 2  # one axis is the width
    for place in plane_of(call, view, rank):
        axis = place - rank
        before = view.shape[place]
        size = layer.output_size(axis, before) if isinstance(before, int) else derived(layer, axis, before)
        view = view.under(place, layer.axis_map(axis), size)
    call.layer, call.label = layer, repr(layer) if rank > 1 else layer.along(1)
    return view
