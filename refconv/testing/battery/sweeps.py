"""The sweeps of tier ``full``: one or two parameters taken through every value, the others held at small odd numbers.

Where the covers of `core` meet a value once, a sweep meets it on both sides of every tile, vector width and
convention.  Faults that only one remainder modulo 16 shows are for this tier.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

from refconv.testing.battery.data import LAYOUTS
from refconv.testing.battery.names import numbers_text

__all__: list[str] = []

# Every remainder modulo 2, 4, 8 and 16, and both sides of 32, 64 and 128.
_EXTENTS: Final = (*range(1, 19), 31, 32, 33, 63, 64, 65, 127, 128, 129)
_DIALECTS: Final = (("same", 1), *((same, stride) for same in ("same_upper", "same_lower") for stride in (1, 2, 3, 4)))


def _extents(axis: str) -> list[str]:
    """Return names with each extent along one axis: with a plain 3×3, with strides, and as a matrix product."""
    templates = {
        "height": ("n1-c2-o3-g1-{}x5-k3-s1-p1-d1-f32", "n2-c2-o3-g1-{}x6-k2x3-s2x1-p1-d1-bias-f32"),
        "width": ("n1-c2-o3-g1-5x{}-k3-s1-p1-d1-f32", "n2-c2-o3-g1-6x{}-k3x2-s1x2-p1-d1-bias-f32"),
        "in": ("n1-c{}-o3-g1-5x6-k3-s1-p1-d1-f32", "n2-c{}-o5-g1-3x4-k1-s1-p0-d1-bias-f32"),
        "out": ("n1-c3-o{}-g1-5x6-k3-s1-p1-d1-f32", "n2-c5-o{}-g1-3x4-k1-s1-p0-d1-bias-f32"),
        "depthwise": ("n1-c{0}-o{0}-g{0}-5x6-k3-s1-p1-d1-f32", "n2-c{0}-o{0}-g{0}-7x5-k2x3-s2x1-p1x0-d1-bias-f32"),
        "batch": ("n{}-c2-o3-g1-3x4-k2-s1-p0-d1-bias-f32",),
    }
    return [template.format(extent) for template, extent in product(templates[axis], _EXTENTS)]


def _same_heights() -> list[str]:
    """Return SAME in every dialect over kernels, dilations and strides, down the height; odd and even heights."""
    return [
        f"n1-c1-o2-g1-{height}x3-k{kernel}x1-s{numbers_text(stride, 1)}-p{same}-d{dilation}x1-f32"
        for height, (same, stride), kernel, dilation in product((13, 14), _DIALECTS, range(2, 6), range(2, 5))
    ]


def _strides() -> list[str]:
    """Return stride, dilation and kernel against each other, along the width, with more padding on one side."""
    return [
        f"n1-c2-o2-g1-4x{16 + 2 * dilation}-k{numbers_text(2, kernel)}-s3x{stride}-p0+0x2+1-d1x{dilation}-f32"
        for kernel, stride, dilation in product((*range(1, 6), 7), (1, 2, 4, 5, 6), range(2, 5))
    ]


def _paddings() -> list[str]:
    """Return each set of padded sides, by different amounts, for kernels that reach less far, as far and further."""
    placements = product(("k2-s1", "k3x5-s1", "k3x5-s2x3", "k6x7-s1"), product((0, 1), (0, 2), (0, 3), (0, 4)))
    return [
        f"n1-c2-o3-g1-6x7-{placement}-p{top}+{bottom}x{left}+{right}-d1-bias-f32"
        for placement, (top, bottom, left, right) in placements
        if top != bottom or left != right
    ]


def _groups() -> list[str]:
    """Return numbers of groups against the channels in and out of each, with stride, dilation and padding at work."""
    return [
        f"n2-c{groups * into}-o{groups * out}-g{groups}-7x8-k3x2-s1x2-p1x0-d2x1-bias-f32"
        for groups, into, out in product((2, 3, 4, 5, 8, 16), (1, 2, 3, 4), (1, 2, 3, 5))
    ]


def _reductions() -> list[str]:
    """Return long sums, of whole numbers and of normal ones: C/G·K_h·K_w from 500 to 9000."""
    shapes = (
        "c64-o3-g1-4x5-k3x4",
        "c260-o3-g1-4x5-k3",
        "c515-o3-g1-3x4-k3",
        "c1030-o4-g2-4x3-k3",
        "c1000-o3-g1-4x5-k3",
    )
    return [f"n1-{shape}-s1-p1-d1-f32{data}" for shape, data in product(shapes, ("", "-real"))]


def _probes() -> list[str]:
    """Return ones and single taps over the ways of placing a kernel."""
    placements = (
        *("k3-s1-p1-d1", "k2x3-s2x1-p1x0-d1x2", "k3x2-s1x2-p0+2x1+0-d2x1", "k5x4-s3x2-p4x3-d1", "k1-s2x3-p1x2-d1"),
        *("k4x3-s1-psame-d1x2", "k3x4-s2x3-psame_upper-d2x1", "k4x3-s3x2-psame_lower-d1x2", "k1x5-s1-pvalid-d1x2"),
    )
    channels = ("n2-c2-o9-g1", "n1-c4-o6-g2", "n3-c3-o6-g3")
    return [
        f"{shape}-12x13-{placement}-f32-{data}"
        for shape, placement, data in product(channels, placements, ("ones", "onetap"))
    ]


def _layouts() -> list[str]:
    """Return every layout under the short cuts that a kernel may take: 1×1, depthwise, groups, no batch axis."""
    shapes = (
        *("n2-c3-o4-g1-6x8-k1-s1-p0-d1", "n2-c3-o4-g1-6x8-k1-s2x1-p0x1-d1", "n2-c3-o6-g3-6x8-k3x2-s1-p1-d1"),
        *("n2-c4-o6-g2-6x8-k3x2-s1x2-p0-d2x1", "c3-o4-g1-6x8-k3x2-s1-p1x0-d1", "n3-c2-o3-g1-5x9-k3-s1-psame_upper-d1"),
    )
    endings = ("f32", "bias-f64-real")
    return [f"{shape}-{end}-{layout}" for shape, end, layout in product(shapes, endings, list(LAYOUTS)[1:])]


def _cubes() -> list[str]:
    """Return equal extents, where a swapped axis keeps its shape: C = O = H = W, with N beside it and equal to it."""
    return [
        f"n{batch}-c{edge}-o{edge}-g1-{edge}x{edge}-{kernel}-d1-bias-f32"
        for edge, batch, kernel in product(
            (3, 4, 5, 8), (1, 3), ("k1-s1-p0", "k3-s1-p1", "k3x1-s1x2-p1x0", "k2-s1-psame")
        )
    ]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


SWEEPS: Final[dict[str, list[str]]] = {
    "extents": _unique(
        name for axis in ("height", "width", "in", "out", "depthwise", "batch") for name in _extents(axis)
    ),
    "same sweep": _same_heights(),
    "stride sweep": _strides(),
    "padding sweep": _paddings(),
    "group sweep": _groups(),
    "reductions": _reductions(),
    "probe sweep": _probes(),
    "layout sweep": _layouts(),
    "cubes": _cubes(),
}
