"""Nodes that resample the plane: Resize in all its modes, Upsample, and the block rearrangements.

An output p lies at ``x = a·p + b`` of the input, with a and b fractions, and reads the pixels around it: one, two, or
as far as a cubic reaches.  With a = n/d in lowest terms the pattern repeats after d outputs and has moved by n pixels.
For instance, 5 pixels to 9 with aligned corners: x = p/2, two phases, which read one pixel and two in turn.

Source: the operator specification of ONNX's Resize, opset 19.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from refconv.analysis.axis_map import LayerMap, Progression, adaptive, nearest, window
from refconv.analysis.graph.call import Call
from refconv.analysis.graph.nodes import Node, Size, Unsaid, derived
from refconv.analysis.graph.views import Factor, View, require_few

__all__: list[str] = []

PLACES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)  # fmt: skip
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
POLICIES = ("stretch", "not_larger", "not_smaller")
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
        if self.place == "asymmetric" or (self.place == "pytorch_half_pixel" and after == 1):
            return step, Fraction(0)
        if self.place == "tf_half_pixel_for_nn":
            return step, step / 2
        cut = Fraction(0)
        if self.place == "half_pixel_symmetric" and scale.denominator > 1:
            # What rounding down cut off the output is cut off on both sides: (H/2)·(1 − P / (scale·H)).
            if not isinstance(before, int) or not isinstance(after, int):
                raise Unsaid("half_pixel_symmetric depends on the image's size, which --input says")
            cut = Fraction(before, 2) * (1 - after / (scale * before))
        return step, cut + step / 2 - HALF

    def _taps(self, x: Fraction, step: Fraction) -> Progression:
        """Return the pixels that an output at x reads."""
        if self.mode == "nearest":
            rounded = (math.ceil(x - HALF), math.floor(x + HALF), math.floor(x), math.ceil(x))
            return Progression(rounded[ROUNDINGS.index(self.rounding)], 1, 1)
        if x.denominator == 1 and not (self.antialias and step > 1):
            return Progression(int(x), 1, 1)
        # A filter has a weight strictly within its reach: a linear one within 1 pixel, a cubic within 2
        # (and there it may be 0 as well, at whole steps; its reach is what is said).
        reach = (1 if self.mode == "linear" else 2) * (max(step, Fraction(1)) if self.antialias else Fraction(1))
        first, last = math.floor(x - reach) + 1, math.ceil(x + reach) - 1
        return Progression(first, 1, last - first + 1)


def resize(call: Call) -> View:
    """Read a resampling by scales or to sizes."""
    node, view = call.node, call.view()
    is_old = node.op == "Upsample" or node.opset == 10
    mode = str(node.attributes.get("mode", "nearest")).removeprefix("bi")
    if mode not in {"nearest", "linear", "cubic"}:
        node.wrong(f"mode={mode!r} must be nearest, linear or cubic")
    place = "asymmetric" if is_old else node.choice("coordinate_transformation_mode", PLACES)
    rounding = "floor" if is_old else node.choice("nearest_mode", ROUNDINGS)
    if place == "tf_crop_and_resize":
        raise Unsaid("it resamples a region that is computed")
    how = Resample(mode, place, rounding, bool(node.number("antialias", 0)))
    targets = _targets(call, view, 1 if is_old else 2)
    for dim, (scale, after) in targets.items():
        before = view.shape[dim]
        if scale != 1 or before != after or place == "tf_half_pixel_for_nn":
            view = view.under(dim, how.layer(scale, before, after), after)
    scales = dict.fromkeys(str(targets[dim][0]) if dim in targets else "1" for dim in range(2, len(view.dims)))
    call.label = f"Resize({', '.join(scales)}, mode={mode!r})"
    return view


def _targets(call: Call, view: View, place: int) -> dict[int, tuple[Fraction, Size]]:
    """Return the scale and the new size of each dimension that is resampled."""
    node, rank = call.node, len(view.dims)
    dims = [node.dimension(axis, rank) for axis in node.attributes.get("axes", range(rank))]
    scales = call.numbers("scales", place, []) if "sizes" not in node.attributes else []
    sizes = [] if scales else call.given("sizes", 3) or call.numbers("scales", place)
    if len(scales or sizes) != len(dims):
        node.wrong(f"{'scales' if scales else 'sizes'}={scales or sizes} must have {len(dims)} numbers")
    found: dict[int, tuple[Fraction, Size]] = {}
    for dim, scale in zip(dims, scales, strict=False):
        before, factor = view.shape[dim], _as_fraction(node, scale)
        after = before if factor == 1 else derived("scaled", before, factor)
        found[dim] = factor, math.floor(before * factor) if isinstance(before, int) else after
    if any(isinstance(size, int) and size < 1 for size in sizes):
        node.wrong(f"sizes={sizes} must be above 0")
    ratios = {dim: _ratio(view.shape[dim], size) for dim, size in zip(dims, sizes, strict=False)}
    policy = node.choice("keep_aspect_ratio_policy", POLICIES)
    if ratios and policy != "stretch":  # one scale for all, the least or the largest
        scale = min(ratios.values()) if policy == "not_larger" else max(ratios.values())
        ratios = dict.fromkeys(ratios, scale)
        sizes = [_times(view.shape[dim], scale) for dim in dims]
    return found | {dim: (ratios[dim], size) for dim, size in zip(dims, sizes, strict=False) if ratios[dim] != 1}


def _ratio(before: Size, after: Size) -> Fraction:
    """Return the scale that makes one size another."""
    if after is before or after == before:
        return Fraction(1)
    if not isinstance(after, int) or not isinstance(before, int):
        raise Unsaid("its sizes depend on the image's size, which --input says")
    return Fraction(after, before)


def _times(size: Size, scale: Fraction) -> Size:
    """Return a size times a scale, rounded to the nearest, halves up."""
    return math.floor(size * scale + HALF) if isinstance(size, int) else derived("scaled", size, scale)


def _as_fraction(node: Node, scale: object) -> Fraction:
    """Return the simplest fraction that is the same number in float32, as files store it: 1.3333334 is 4/3."""
    if not isinstance(scale, int | float) or not (math.isfinite(scale) and scale > 0):
        node.wrong(f"scale={scale!r} must be a finite number above 0")
    near = [Fraction(scale).limit_denominator(largest) for largest in (1, 16, 256, 4096)]
    return next((each for each in near if each and np.float32(float(each)) == np.float32(scale)), Fraction(scale))


def adaptive_pool(call: Call) -> View:
    """Read a pooling to a size."""
    view = call.view()
    sizes = call.node.numbers("output_size", None, None, 1)
    for place, after in enumerate(sizes, start=len(view.dims) - len(sizes)):
        before = view.shape[place]
        if not isinstance(before, int):
            raise Unsaid("its windows depend on the image's size, which --input says")
        view = view.under(place, adaptive(before, after), after)
    return view


def depth_to_space(call: Call) -> View:
    """Read blocks of channels as blocks of pixels: output p reads ``floor(p / b)``."""
    block = _block(call)
    return _rearranged(call, nearest(block), Fraction(block))


def space_to_depth(call: Call) -> View:
    """Read blocks of pixels as channels: output p reads ``b·p ... b·p + b − 1``."""
    block = _block(call)
    return _rearranged(call, window(block, stride=block), Fraction(1, block))


def _block(call: Call) -> int:
    if "blocksize" not in call.node.attributes:
        call.node.wrong("blocksize is not given")
    block = call.node.number("blocksize", 1, 1)
    require_few(block)
    return block


def _rearranged(call: Call, layer: LayerMap, scale: Fraction) -> View:
    view = call.view()
    if len(view.dims) != 4:
        call.node.wrong(f"it reads a tensor of {len(view.dims)} dimensions; 4 are needed")
    call.label = f"{call.node.op}({max(scale, 1 / scale)})"
    for place, by in ((1, 1 / scale**2), (2, scale), (3, scale)):
        size = view.shape[place]
        after = math.floor(size * by) if isinstance(size, int) else derived("scaled", size, by)
        view = view.with_dim(1, Factor(after)) if place == 1 else view.under(place, layer, after)
    return view
