"""The edge cases of the battery, by name: what pairwise cover has no reason to try.

They are the union of what the suites of PyTorch, TensorFlow, JAX, ONNX, oneDNN and others test, and of what their bug
reports show that they did not.
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import numbers_text

_SAME = ("same", "same_upper", "same_lower")
_STRIDED_SAME = ("same_upper", "same_lower")
_LAYOUTS = ("strided", "fortran", "channels_last", "broadcast", "negative", "read_only", "big_endian")
_TYPES = (
    "f16", "f16-real", "bf16", "bf16-real", "c64", "c64-real", "i8", "i8-extreme", "u8", "u8-extreme",
)  # fmt: skip
_TAILS = ((1, 33), (3, 19), (4, 17), (5, 13), (7, 9), (8, 7), (9, 8), (13, 5), (17, 4), (19, 3), (33, 1))


def _same_widths() -> list[str]:
    """Return SAME over widths 30 to 34, kernels 1 to 5 and dilations 1 to 4, the dialects and strides taking turns."""
    dialects = cycle(("psame", "psame_upper", "psame_lower"))
    strides = cycle((1, 2, 3, 1, 2))
    names = []
    for width in range(30, 35):
        for kernel in range(1, 6):
            for dilation in range(1, 5):
                padding, stride = next(dialects), next(strides)
                step = 1 if padding == "psame" else stride
                taps, steps, rates = (numbers_text(1, number) for number in (kernel, step, dilation))
                names.append(f"n1-c1-o1-g1-3x{width}-k{taps}-s{steps}-{padding}-d{rates}-f32")
    return names


# By what they are there for: the rows of the report.
EDGES: Final[dict[str, list[str]]] = {
    "padding": [
        *(f"n1-c2-o3-g1-6x7-k5-s1-p{p}-d1-f32" for p in range(1, 8)),
        *(f"n1-c2-o3-g1-4x5-k1-s1-p{p}-d1-bias-f32" for p in range(1, 4)),
        "n1-c1-o1-g1-4x1-k3-s1-p0x100-d1-f32",
        "n1-c2-o3-g1-9x10-k3-s1-p2+0x2+1-d1-f32",
        "n1-c2-o3-g1-9x10-k3-s1-p0+2x1+0-d1-bias-f64-real",
        "n1-c2-o3-g1-8x6-k3-s1-p3x0-d1-f32",
        "n1-c2-o3-g1-8x6-k3-s1-p0x3-d1-f32",
        "n1-c2-o3-g1-1x1-k1-s1-p1-d1-bias-f32",
        "n1-c2-o3-g1-1x1-k3-s1-p2-d1-f32",  # most taps never touch a pixel
        "n1-c2-o3-g1-5x6-k5x6-s1-p0-d1-f32",  # kernel = input
        "n1-c2-o3-g1-1x1-k1-s1-p0-d1-f32",
    ],
    "stride": [
        "n1-c2-o3-g1-5x7-k3-s3x4-p1-d1-f32",
        "n1-c2-o3-g1-11x7-k7x5-s3x5-p0-d1-f32",
        "n1-c2-o3-g1-29x30-k1-s14-p0-d1-f32",  # stride > kernel
        "n1-c2-o3-g1-10x12-k1x3-s3x5-p0-d1-bias-f32",
        "n1-c2-o3-g1-9x11-k6-s2-p0-d1-f32",  # rows at the end that nothing reads
        "n1-c2-o3-g1-13x16-k7-s5-p0-d1-f32",
        "n1-c2-o3-g1-14x15-k2x3-s3x2-p0-d4-f32",
        "n2-c3-o5-g1-7x10-k1-s2x3-p1x2-d1-bias-f32",  # 1×1 with stride and padding
        "n3-c4-o6-g1-9x8-k1-s3x2-p0x1-d1-f32",
        "n1-c2-o4-g1-11x13-k3x2-s2x3-p1x0-d3x2-bias-f32",  # stride and dilation
        "n1-c2-o3-g1-9x14-k2x3-s4x5-p1x2-d1-f32",  # stride > kernel, and padding
    ],
    "dilation": [
        "n1-c2-o3-g1-9x10-k3-s1-p0-d2x3-f32",
        "n1-c2-o3-g1-9x10-k3-s1-p2x1-d2x1-bias-f32",
        "n1-c1-o1-g1-65x65-k3-s1-p4-d4-f32",
        "n1-c2-o3-g1-5x6-k3-s1-p7x8-d7x8-f32",  # rate > map: only the centre tap touches it
        "n1-c2-o3-g1-5x6-k2-s1-p7x8-d7x8-f32-real",
        "n1-c1-o2-g1-7x9-k1-s1-p0-d5x4-f32",  # one tap has nothing to dilate
    ],
    "same": [
        *(f"n1-c1-o2-g1-12x11-k{k}-s1-p{same}-d1-f32" for k in (2, 4, 10) for same in _SAME),
        *(f"n1-c4-o6-g2-7x9-k2-s1-p{same}-d2x3-f32" for same in _SAME),
        *(f"n1-c1-o2-g1-{size}-k3x2-s2-p{same}-d1-bias-f32" for size in ("7x8", "8x7") for same in _STRIDED_SAME),
        *(f"n1-c1-o2-g1-9x10-k2x3-s4x5-p{same}-d1-f32" for same in _STRIDED_SAME),  # stride > kernel
        *(f"n2-c2-o3-g1-9x12-k3x2-s2x3-p{same}-d3x2-bias-f32" for same in _STRIDED_SAME),  # stride and dilation
        *_same_widths(),
    ],
    "groups": [
        "n2-c7-o7-g7-8x9-k3x2-s1-p1x0-d1-bias-f32",
        "n2-c13-o26-g13-5x6-k3-s1-p1-d1-f32",
        "n1-c6-o6-g6-9x10-k7-s1-p3-d1-f32-real",
        "n1-c4-o4-g4-7x11-k1x9-s1-p0x4-d1-f32",
        "n1-c4-o4-g4-11x7-k9x1-s1-p4x0-d1-f32",
        "n2-c4-o6-g2-5x7-k3x2-s1-p0-d1-f32",
        "n2-c14-o21-g7-5x6-k2-s1-p0-d1-bias-f32",
        "n2-c6-o9-g3-9x8-k3x2-s2x3-p1-d1-f32",
        "n2-c8-o12-g4-9x11-k3-s2x1-p2x1-d2x1-bias-f64",
        "n3-c6-o6-g6-8x9-k1-s2x1-p0x1-d1-bias-f32",  # 1×1 depthwise
        "n1-c512-o6-g2-5x4-k3-s2x1-p1-d1-bias-f32",  # 2304 products in each of two groups
    ],
    "channels": [
        *(f"n1-c{c}-o{o}-g1-5x6-k3x2-s1-p1x0-d1-f32" for c, o in _TAILS),
        "n3-c7-o5-g1-7x7-k3-s1-p1-d1-f32",  # C = H = W
        "n3-c3-o3-g1-5x7-k3-s1-p1x0-d1-bias-f32",  # N = C = O = K
        "n2-c1-o6-g1-6x5-k3x2-s1-p0-d1-bias-f32",
        "n1-c450-o3-g1-5x4-k3-s1-p0-d1-f32",  # 4050 products
        "n1-c450-o3-g1-5x4-k3-s1-p1-d1-bias-f32-real",
    ],
    "tiles": [  # extents that leave 1 or 3 over from tiles of 2, 4, 8 and 16, and one past 2^16
        "n1-c2-o3-g1-17x35-k3-s1-p1-d1-bias-f32",
        "n1-c3-o2-g1-35x17-k3-s1-p1-d1-f32-real",
        "n1-c2-o3-g1-33x19-k1-s1-p0-d1-f32",
        "n2-c3-o2-g1-37x34-k5x3-s2-p2x1-d1-f32",
        "n1-c19-o35-g1-3x5-k1-s1-p0-d1-bias-f32",
        "n1-c17-o17-g17-9x19-k3-s1-p1-d1-f32",
        "n1-c1-o2-g1-258x259-k2x1-s1-p0-d1-f32",  # 66563 outputs in a channel
    ],
    "probes": [
        "n2-c2-o12-g1-7x9-k2x3-s2x1-p1x0-d1x2-f32-onetap",  # each of the 12 taps once
        "n3-c1-o9-g1-6x8-k3-s1-p1-d1-bias-f32-onetap",
        "n2-c6-o12-g3-7x5-k1x3-s1-p0x2-d1-f32-onetap",
        "n2-c3-o18-g3-8x7-k3x2-s1x2-p1+0x0+1-d1-f32-onetap",  # depthwise
        "n1-c2-o8-g1-9x10-k2-s2-psame_upper-d3x2-f32-onetap",
        "n1-c3-o2-g1-7x9-k3-s1-p1+0x2+3-d1-f32-ones",
        "n2-c6-o4-g2-8x9-k3x2-s2x1-p2x1-d1x3-bias-f32-ones",
        "n1-c1-o1-g1-9x11-k5-s1-p2-d1-f32-ones",
    ],
    "degenerate": [
        "n0-c3-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32",  # an empty batch
        "n2-c0-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32",  # no input channels: the bias
        "c3-o4-g1-7x8-k3x2-s1-p1x0-d1-f32",  # no batch axis
        "c6-o4-g2-7x8-k3x2-s2x1-p1+0x0+1-d1-bias-f64-real",
    ],
    "memory": [
        *(f"n2-c3-o4-g1-6x8-k2x3-s1-p1x0-d1-bias-f32-{layout}" for layout in _LAYOUTS),
        "n3-c4-o6-g2-6x8-k3-s2x1-p0-d1-bias-f64-real-broadcast",
        "n3-c4-o6-g2-6x8-k3-s2x1-p0-d1-bias-f64-real-big_endian",
    ],
    "types": [
        *(f"n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-{word}" for word in _TYPES),
        *(f"n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-{word}" for word in _TYPES),
        *(f"n1-c4-o8-g4-6x7-k3x2-s1-p1-d1-{word}" for word in ("f16-real", "bf16-real", "i8-extreme", "c64-real")),
        "n1-c100-o2-g1-5x6-k3-s1-p1-d1-f16-real",  # 900 products, of which a float16 accumulator makes a mess
        "n1-c100-o2-g1-5x6-k3-s1-p1-d1-bf16-real",
        "n1-c40-o2-g1-5x6-k3-s1-p1-d1-i8-extreme",  # 360 products of 128·128: past 16 bits many times
        "n1-c40-o2-g1-5x6-k3-s1-p1-d1-u8-extreme",
    ],
    "values": [
        "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-bias-f32-nan",
        "n1-c2-o3-g1-7x8-k3x2-s2x1-p0-d1-bias-f32-inf",
        "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-f32-zero",  # exactly 0 is expected
        "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-cancel",
        "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-negzero",
        "n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-nanweight",  # over padding, too
        "n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-infweight",
        "n2-c3-o3-g3-7x8-k3x2-s1-p1x0-d1-bias-f32-nanweight",  # depthwise, where PyTorch has other code
        "n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-f32-subnormal",
        "n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-f64-subnormal",
        "n1-c6-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-spread",  # badly conditioned
        "n1-c6-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f64-spread",
    ],
}

REJECTED: Final = (
    Case("reject-stride-zero", (1, 2, 5, 6), (3, 2, 2, 3), stride=(0, 1), rejects="a stride of 0"),
    Case("reject-stride-negative", (1, 2, 5, 6), (3, 2, 2, 3), stride=(1, -1), rejects="a stride of -1"),
    Case("reject-dilation-zero", (1, 2, 5, 6), (3, 2, 2, 3), dilation=(1, 0), rejects="a dilation of 0"),
    Case("reject-padding-negative", (1, 2, 5, 6), (3, 2, 2, 3), padding=(0, -1), rejects="a padding of -1"),
    Case("reject-padding-triple", (1, 2, 5, 6), (3, 2, 2, 3), padding=(1, 0, 1), rejects="a padding of 3 numbers"),
    Case("reject-padding-unknown", (1, 2, 5, 6), (3, 2, 2, 3), padding="sane", rejects="padding='sane'"),
    Case(
        "reject-same-strided", (1, 2, 5, 6), (3, 2, 2, 3), stride=(2, 2), padding="same", rejects="'same' with stride 2"
    ),
    Case("reject-groups-zero", (1, 2, 5, 6), (3, 2, 2, 3), groups=0, rejects="groups=0"),
    Case("reject-groups-negative", (1, 2, 5, 6), (3, 2, 2, 3), groups=-1, rejects="groups=-1"),
    Case("reject-groups-inputs", (1, 5, 5, 6), (4, 2, 2, 3), groups=2, rejects="2 groups of 5 input channels"),
    Case("reject-groups-outputs", (1, 4, 5, 6), (3, 2, 2, 3), groups=2, rejects="2 groups of 3 output channels"),
    Case("reject-channels", (1, 4, 5, 6), (3, 2, 2, 3), rejects="4 input channels for a weight of 2"),
    Case("reject-input-2d", (5, 6), (3, 2, 2, 3), rejects="an input of 2 dimensions"),
    Case("reject-input-5d", (1, 1, 2, 5, 6), (3, 2, 2, 3), rejects="an input of 5 dimensions"),
    Case("reject-weight-3d", (1, 2, 5, 6), (3, 2, 2), rejects="a weight of 3 dimensions"),
    Case("reject-kernel-empty", (1, 2, 5, 6), (3, 2, 0, 3), rejects="a kernel of height 0"),
    Case("reject-bias-length", (1, 2, 5, 6), (3, 2, 2, 3), (2,), rejects="a bias of 2 for 3 output channels"),
    Case(
        "reject-kernel-dilated",
        (1, 2, 4, 4),
        (3, 2, 3, 3),
        dilation=(2, 2),
        rejects="a dilated kernel of 5 on 4 pixels",
    ),
    Case("reject-kernel-3", (1, 2, 2, 2), (3, 2, 3, 3), rejects="a kernel of 3 on 2 pixels"),
    Case("reject-kernel-10", (1, 2, 1, 1), (3, 2, 10, 10), rejects="a kernel of 10 on 1 pixel"),
)
