"""Nodes that resample the plane: Resize in all its modes, Upsample, and the block rearrangements.

An output p lies at ``x = a·p + b`` of the input, with a and b fractions, and reads the pixels around it: one, two, or
as far as a cubic reaches.  With a = n/d in lowest terms the pattern repeats after d outputs and has moved by n pixels.
For instance, 5 pixels to 9 with aligned corners: x = p/2, two phases, which read one pixel and two in turn.

Source: the operator specification of ONNX's Resize, opset 19.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from refconv.analysis.axis_map import LayerMap, nearest, window
from refconv.analysis.graph.factors import Factor, require_few
from refconv.analysis.graph.nodes import Size, Unknown, Unsaid, derived
from refconv.analysis.graph.values import Call
from refconv.analysis.graph.views import View
from refconv.analysis.taps import Progression
from refconv.analysis.upsampling import Upsample

__all__: list[str] = []

PLACES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
HALF = Fraction(1, 2)


class Resample(NamedTuple):
    """How an axis is resampled: mode, where outputs lie, how places are rounded, and whether filters are widened."""

    mode: str
    place: str
    rounding: str
    antialias: bool

    def layer(self, scale: Fraction, before: Size, after: Size) -> LayerMap:
        """Return the map, for a scale of outputs per input and sizes where they are known."""
        step, start = self._line(scale, before, after)
        if not step:  # one pixel, which all outputs read
            return nearest(after if isinstance(after, int) else 1)
        require_few(step.denominator)
        return LayerMap(step.numerator, tuple(self._taps(step * p + start, step) for p in range(step.denominator)))

    def _line(self, scale: Fraction, before: Size, after: Size) -> tuple[Fraction, Fraction]:
        """Return a and b of ``x = a·p + b``."""
        step = 1 / scale
        if self.place == "align_corners":
            if not isinstance(before, int) or not isinstance(after, int):
                raise Unsaid("align_corners depends on the image's size, which --input says")
            return (Fraction(before - 1, after - 1) if after > 1 else Fraction(1)), Fraction(0)
        if self.place == "asymmetric":
            return step, Fraction(0)
        if self.place == "tf_half_pixel_for_nn":
            return step, step / 2
        if self.place == "pytorch_half_pixel" and after == 1:
            return step, Fraction(0)
        if self.place == "half_pixel_symmetric" and isinstance(before, int) and isinstance(after, int):
            # What rounding down cut off the output is cut off on both sides: (H/2)·(1 − P / (scale·H)).
            return step, Fraction(before, 2) * (1 - after / (scale * before)) + step / 2 - HALF
        return step, step / 2 - HALF

    def _taps(self, x: Fraction, step: Fraction) -> Progression:
        """Return the pixels that an output at x reads."""
        if self.mode == "nearest":
            rounded = {
                "round_prefer_floor": math.ceil(x - HALF),
                "round_prefer_ceil": math.floor(x + HALF),
                "floor": math.floor(x),
                "ceil": math.ceil(x),
            }
            return Progression(rounded[self.rounding], 1, 1)
        # A filter has a weight strictly within its reach: a linear one within 1 pixel, a cubic within 2.
        reach = (1 if self.mode == "linear" else 2) * (max(step, Fraction(1)) if self.antialias else Fraction(1))
        if x.denominator == 1 and not (self.antialias and step > 1):
            return Progression(int(x), 1, 1)
        first, last = math.floor(x - reach) + 1, math.ceil(x + reach) - 1
        return Progression(first, 1, last - first + 1)


def resize(call: Call) -> View:
    """Read a resampling by scales or to sizes."""
    node = call.node
    node.require_inputs(1)
    view = call.view()
    is_old = node.op == "Upsample" or node.opset == 10
    mode = {"bilinear": "linear"}.get(node.attributes.get("mode", ""), node.attributes.get("mode", "nearest"))
    if mode not in {"nearest", "linear", "cubic"}:
        node.wrong(f"mode={mode!r} must be nearest, linear or cubic")
    place = "asymmetric" if is_old else node.choice("coordinate_transformation_mode", PLACES)
    rounding = "floor" if is_old else node.choice("nearest_mode", ROUNDINGS)
    if place == "tf_crop_and_resize":
        raise Unsaid("it resamples a region that is computed")
    how = Resample(mode, place, rounding, bool(node.number("antialias", 0)))
    scales = []
    for dim, scale, after in _targets(call, view):
        before = view.shape[dim]
        scales.append(scale)
        if scale == 1 and before == after and place != "tf_half_pixel_for_nn":
            continue
        view = view.under(dim, how.layer(scale, before, after), after)
    plane = scales[2:]
    if len(plane) <= 2 and all(scale.denominator == 1 for scale in plane):
        call.layer = _as_upsample([int(scale) for scale in plane], how)
    sizes = ", ".join(dict.fromkeys(str(scale) for scale in plane))
    call.label = repr(call.layer) if call.layer else f"Resize({sizes}, mode={mode!r})"
    return view


def _as_upsample(scales: Sequence[int], how: Resample) -> Upsample | None:
    """Return the layer that reads the same, where there is one."""
    layer = Upsample((1,) * (2 - len(scales)) + tuple(scales), "nearest" if how.mode == "nearest" else "bilinear")
    maps = [layer.axis_map(axis) for axis in (0, 1)][2 - len(scales) :]
    try:
        alike = all(
            how.layer(Fraction(scale), Unknown(), Unknown()) == each for scale, each in zip(scales, maps, strict=True)
        )
    except Unsaid:
        return None
    return layer if alike else None


def _targets(call: Call, view: View) -> list[tuple[int, Fraction, Size]]:
    """Return, for every dimension, its scale and its new size."""
    node, rank = call.node, len(view.dims)
    chosen = node.attributes.get("axes")
    dims = list(range(rank)) if chosen is None else [node.dimension(axis, rank, "axes") for axis in chosen]
    is_old = node.op == "Upsample" or node.opset == 10
    found = {dim: (Fraction(1), view.shape[dim]) for dim in range(rank)}
    scales = node.attributes.get("scales") or call.constant(1 if is_old else 2)
    if scales:
        if len(scales) != len(dims):
            node.wrong(f"scales={scales} must have {len(dims)} numbers")
        for dim, scale in zip(dims, map(_as_fraction, node.positive("scales", scales)), strict=True):
            before = view.shape[dim]
            after = before if scale == 1 else derived("scaled", before, scale)
            found[dim] = scale, math.floor(before * scale) if isinstance(before, int) else after
    else:
        sizes = node.attributes.get("sizes") or call.constant(3) or call.required(3 if call.given(3) else 2, "scales")
        if len(sizes) != len(dims):
            node.wrong(f"sizes={sizes} must have {len(dims)} numbers")
        for dim, size in zip(dims, sizes, strict=True):
            before = view.shape[dim]
            if size is before or size == before:
                continue
            if not isinstance(size, int) or not isinstance(before, int):
                raise Unsaid("its sizes depend on the image's size, which --input says")
            if size < 1:
                node.wrong(f"sizes={sizes} must be above 0")
            found[dim] = Fraction(size, before), size
    return [(dim, *found[dim]) for dim in range(rank)]


def _as_fraction(scale: float) -> Fraction:
    """Return the simplest fraction that is the same number in float32, as files store it: 1.3333334 is 4/3."""
    for largest in (1, 16, 256, 4096):
        simple = Fraction(scale).limit_denominator(largest)
        if simple and np.float32(float(simple)) == np.float32(scale):
            return simple
    return Fraction(scale)


def adaptive_pool(call: Call) -> View:
    """Read a pooling to a size: output p of P the pixels ``floor(p·H/P) ... ceil((p + 1)·H/P) − 1``."""
    view = call.view()
    sizes = call.node.numbers("output_size", None, None, 1)
    for place, after in enumerate(sizes, start=len(view.dims) - len(sizes)):
        before = view.shape[place]
        if not isinstance(before, int):
            raise Unsaid("its windows depend on the image's size, which --input says")
        step = Fraction(before, after)
        starts = [(p * before // after, -(-(p + 1) * before // after)) for p in range(step.denominator)]
        layer = LayerMap(step.numerator, tuple(Progression(first, 1, stop - first) for first, stop in starts))
        view = view.under(place, layer, after)
    return view


def depth_to_space(call: Call) -> View:
    """Read blocks of channels as blocks of pixels: output p reads ``floor(p / b)``."""
    return _rearranged(call, nearest(_block(call)), _block(call), 1)


def space_to_depth(call: Call) -> View:
    """Read blocks of pixels as channels: output p reads ``b·p ... b·p + b − 1``."""
    return _rearranged(call, window(_block(call), stride=_block(call)), 1, _block(call))


def _block(call: Call) -> int:
    if "blocksize" not in call.node.attributes:
        call.node.wrong("blocksize is not given")
    block = call.node.number("blocksize", 1, 1)
    require_few(block)
    return block


def _rearranged(call: Call, layer: LayerMap, more: int, fewer: int) -> View:
    view = call.view()
    if len(view.dims) != 4:
        call.node.wrong(f"it reads a tensor of {len(view.dims)} dimensions; 4 are needed")
    call.on_plane(view, (2, 3))
    for place in (2, 3):
        size = view.shape[place]
        after = size * more // fewer if isinstance(size, int) else derived("scaled", size, Fraction(more, fewer))
        view = view.under(place, layer, after)
    channels = view.shape[1]
    size = channels * fewer**2 // more**2 if isinstance(channels, int) else Unknown()
    call.label = f"{call.node.op}({more * fewer})"
    return view.with_dim(1, Factor(size))
