"""Nodes that slide a window over the plane: convolutions, poolings, their transposes, and padding.

Each is, axis by axis, a layer of `refconv.analysis` about the width, which knows what it reads and how much it gives.

Source: the operator specifications of ONNX 1.19, opset 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from refconv.analysis.axis_map import window
from refconv.analysis.graph.call import Call
from refconv.analysis.graph.nodes import LARGEST_SIZE, Size, Unknown, Unsaid, derived
from refconv.analysis.graph.views import Factor, View, product, require_few
from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.upsampling import ConvTranspose
from refconv.geometry.arguments import Pair
from refconv.geometry.build import same_sides, split_sides

__all__: list[str] = []

AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def conv(call: Call) -> View:
    """Read a convolution: every output sees all channels of its window."""
    weight = 3 if call.node.op.startswith("QLinear") else 1
    return _channels(call, _slid(call, _windows(call, Conv, weight)), weight, 0)


def pool(call: Call) -> View:
    """Read a pooling, plane by plane."""
    return _slid(call, _windows(call, Pool, None, ceil_mode=bool(call.node.number("ceil_mode", 0))))


def conv_transpose(call: Call) -> View:
    """Read a transposed convolution, whose padding may be said by the size of its output."""
    result = _channels(call, _slid(call, _transposed(call)), 1, 1)
    return result.with_dim(1, Factor(product([result.shape[1], call.node.number("group", 1, 1)])))


def given_layer(call: Call) -> View:
    """Read a layer of `refconv.analysis`."""
    layer: Layer = call.node.attributes["layer"]
    rank = len(call.view().dims) - 2  # one axis is the width
    view = _along(call, [(layer, axis) for axis in range(2 - rank, 2)])
    call.layer, call.label = layer, repr(layer) if rank > 1 else layer.along(1)
    return view


def pad(call: Call) -> View:
    """Read padding in any mode as a window of one tap: inside the image all modes read alike."""
    node, view = call.node, call.view()
    rank = len(view.dims)
    pads = call.numbers("paddings" if "paddings" in node.attributes else "pads", 1)
    places = [node.dimension(place, rank) for place in call.numbers("axes", 3, range(rank))]
    if len(pads) != 2 * len(places):
        node.wrong(f"pads={list(pads)} must have {2 * len(places)} numbers")
    sides = {place: (pads[n], pads[len(places) + n]) for n, place in enumerate(places)}
    for place, (before, after) in sides.items():
        if before or after:
            view = view.under(place, window(1, before=before), _more(view.shape[place], before + after))
    call.label = f"Pad({', '.join(str(sides.get(place, (0, 0))) for place in range(2, rank))})"
    if rank > 2 and min(pads, default=0) >= 0:
        call.describe(_linked(view, [_layer(Conv, 1, 1, 1, sides.get(place, (0, 0))) for place in range(2, rank)]))
    return view


def _more(size: Size, number: int) -> Size:
    return size + number if isinstance(size, int) else derived("window", size, 1, number, "down")


@lru_cache(maxsize=4096)
def _layer(kind: type[Layer], kernel_size: int, stride: int, dilation: int, sides: Pair, **options: Any) -> Layer:
    pairs = {name: (0, value) if name == "output_padding" else value for name, value in options.items()}
    return kind((1, kernel_size), stride=(1, stride), dilation=(1, dilation), padding=((0, 0), sides), **pairs)  # type: ignore[call-arg]  # a window


def _numbers(call: Call, weight: int | None) -> list[tuple[int, int, int, Pair]]:
    """Return kernel size, stride, dilation and padding for every axis; `weight` is the input of the kernel's shape."""
    node, shape = call.node, call.shape(weight) if weight is not None else None
    default = [size for size in (shape or ())[2:] if isinstance(size, int)]
    if "kernel_shape" not in node.attributes and not default:
        node.wrong("kernel_shape is not given, and the weight is computed")
    sizes = node.numbers("kernel_shape", default, None, 1)
    rank = len(sizes)
    if not 1 <= rank <= 3:
        node.wrong(f"kernel_shape={sizes} must have one axis, two or three")
    if len(call.view().dims) != rank + 2:
        raise Unsaid(f"it reads a tensor of {len(call.view().dims)} dimensions, where {rank + 2} are needed")
    pads = node.numbers("pads", [0] * 2 * rank, 2 * rank)
    strides, rates = (node.numbers(name, [1] * rank, rank, 1) for name in ("strides", "dilations"))
    if node.choice("auto_pad", AUTO_PADS) != "NOTSET":
        pads = [0] * 2 * rank
    return list(zip(sizes, strides, rates, zip(pads[:rank], pads[rank:], strict=True), strict=True))


def _windows(call: Call, kind: type[Layer], weight: int | None, **options: Any) -> list[Layer]:
    """Return the layers of windows, with their padding in numbers: SAME at a stride depends on the size."""
    convention, layers = call.node.choice("auto_pad", AUTO_PADS), []
    for (kernel, stride, rate, sides), size in zip(_numbers(call, weight), call.view().shape[2:], strict=True):
        if convention.startswith("SAME"):
            if stride > 1 and isinstance(size, Unknown):
                raise Unsaid(f"SAME padding at stride {stride} depends on the image's size, which --input says")
            # At stride 1 the padding is the same for every size, and so for the smallest that there is.
            pixels = size if isinstance(size, int) else rate * (kernel - 1) + 1
            sides = same_sides(pixels, kernel, stride, rate, convention.lower().replace("same", "onnx"))  # noqa: PLW2901
        layers.append(_layer(kind, kernel, stride, rate, sides, **options))
    return layers


def _transposed(call: Call) -> list[Layer]:
    """Return the layers of a transposed convolution: it gives ``(H − 1)·S + D·(K − 1) + 1 + extra − T − B``."""
    node, windows = call.node, _numbers(call, 1)
    rank = len(windows)
    extra = node.numbers("output_padding", [0] * rank, rank)
    wanted = node.numbers("output_shape", None, None)[-rank:] if "output_shape" in node.attributes else [None] * rank
    auto_pad, layers = node.choice("auto_pad", AUTO_PADS), []
    each_axis = zip(windows, extra, wanted, call.view().shape[2:], strict=True)
    for (kernel, stride, rate, sides), more, target, size in each_axis:
        if more >= max(stride, rate):
            node.wrong(f"output_padding={extra} must be below the stride {stride} or the dilation {rate}")
        require_few(stride)
        if target is not None or auto_pad.startswith("SAME"):
            # SAME makes the output S times as large as the input, whatever that is: H is not in what it crops.
            total = rate * (kernel - 1) + 1 + more - stride
            if target is not None:
                if isinstance(size, Unknown):
                    raise Unsaid("its padding follows from its output_shape and the image's size, which --input says")
                total += stride * size - target
            more = max(more, more - total)  # noqa: PLW2901
            sides = split_sides(max(0, total), "onnx_upper" if auto_pad == "SAME_UPPER" else "onnx_lower")  # noqa: PLW2901
        layers.append(_layer(ConvTranspose, kernel, stride, rate, sides, output_padding=more))
    return layers


def _slid(call: Call, layers: Sequence[Layer]) -> View:
    """Return the view after a layer along every axis of the plane."""
    linked = _linked(call.view(), layers)
    call.describe(linked)
    both = call.layer if len(linked) == len(layers) == 2 else None
    return _along(call, [(both, 0), (both, 1)] if both else [(each, 1) for each in layers])


def _along(call: Call, layers: Sequence[tuple[Layer, int]]) -> View:
    """Return the view after layers, each along one axis of its own."""
    view = call.view()
    for place, (layer, axis) in enumerate(layers, start=2):
        try:
            view = view.under(place, layer.axis_map(axis), _size(layer, axis, view.shape[place]))
        except ValueError as error:
            call.node.wrong(str(error))
    return view


def _size(layer: Layer, axis: int, before: Size) -> Size:
    """Return the positions that a layer gives: of unknown ones, the same for layers that always give as many."""
    if isinstance(before, int):
        return layer.output_size(axis, before)
    if isinstance(layer, Conv | Pool):
        free = sum(layer.padding[axis]) - layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        rounded = "up" if isinstance(layer, Pool) and layer.ceil_mode else "down"
        is_same = (layer.stride[axis], free) == (1, 0)
        return before if is_same else derived("window", before, layer.stride[axis], free, rounded)
    sizes = (LARGEST_SIZE, LARGEST_SIZE + 1)  # their sizes lie on a line, which two points tell
    return derived("up", before, *(layer.output_size(axis, size) for size in sizes))


def _linked(view: View, layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers along axes of the image: a sequence in a plane of one row has one."""
    linked = zip(layers, view.dims[2:], strict=True)
    return [layer for layer, dim in linked if any(factor.axis is not None for factor in dim)] or list(layers)


def _channels(call: Call, view: View, weight: int, side: int) -> View:
    """Return the view with new channels, which read all the old ones; a computed weight has read the whole image."""
    shape, kernel = call.shape(weight), call.values[weight]
    view = view.mixing([1], call.whole)
    if isinstance(kernel, View):
        kernel = kernel.mixing(range(len(kernel.dims)), call.whole)
        view = replace(view, whole={**kernel.whole, **view.whole})
    return view.with_dim(1, Factor(Unknown() if shape is None or len(shape) < 2 else shape[side]))
