"""The problems of two public benchmarks of generated kernels, as cases, and any case made smaller.

KernelBench, level 1: the convolutions among its problems, by their numbers (86 has two layers).  Pixels are from 0 to 1
there, weights as PyTorch begins with.  GPU MODE's board for conv2d, and its causal conv1d: normal numbers.  Each layer
is there twice: with whole numbers, which show any mistake in the logic, and with the numbers that the problem has,
which show how precise it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import name_of, parse_case
from refconv.testing.battery.rows import Families

__all__: list[str] = []

_KERNELBENCH: Final = {
    "conv2d": """
50 n256-c3-o96-g1-224x224-k11-s4-p2-d1-bias
55 n8-c64-o128-g1-512x1024-k3-s1-p0-d1
56 n8-c64-o128-g1-512x256-k5x7-s1-p0-d1
62 n8-c32-o64-g1-512x512-k5x9-s1-p0-d1
63 n16-c16-o128-g1-1024x1024-k3-s1-p0-d1
80 n8-c32-o64-g1-512x512-k5x9-s1-p2x4-d2x3
82 n16-c64-o64-g64-512x512-k3-s1-p0-d1
83 n64-c8-o8-g8-512x512-k3x1-s1-p0-d1
84 n64-c128-o128-g128-256x512-k3-s1-p0-d1
85 n32-c128-o128-g128-128x256-k3x7-s1-p0-d1
86 n16-c64-o64-g64-512x512-k3-s1-p1-d1
86 n16-c64-o128-g1-512x512-k1-s1-p0-d1
87 n16-c64-o128-g1-1024x1024-k1-s1-p0-d1
""",
    "conv1d": """
67 n32-c64-o128-g1-131072-k3-s1-p0-d1
76 n64-c64-o128-g1-524280-k3-s3-p0-d4
""",
    "conv3d": """
54 n16-c3-o64-g1-64x64x64-k3-s1-p0-d1
59 n16-c3-o64-g1-256x256x10-k3x3x1-s1-p0-d1
60 n16-c3-o64-g1-64x64x64-k3x5x7-s1-p0-d1
66 n8-c3-o64-g1-16x128x128-k3x5x7-s1-p0-d1
""",
    "conv_transpose1d": """
64 n64-c128-o128-g1-65536-k3-s1-p0-d1
74 n32-c32-o64-g1-131072-k5-s1-p0-d3
79 n16-c32-o64-g1-131072-k3-s2-p1-d2
""",
    "conv_transpose2d": """
57 n8-c64-o64-g1-1024x1024-k3-s1-p0-d1
65 n8-c64-o64-g1-512x512-k3x7-s1-p0-d1
69 n64-c64-o128-g1-128x256-k3x5-s1-p0-d1
71 n8-c32-o32-g1-512x1024-k3-s1-p0-d1
75 n16-c32-o64-g4-128x256-k3x5-s2x3-p1x2-d2x1
78 n8-c32-o32-g1-512x1024-k3x7-s1-p1x3-d1
81 n16-c32-o64-g1-64x128-k3-s5-p1-d2
""",
    "conv_transpose3d": """
58 n16-c32-o16-g1-16x32x64-k3x5x7-s1-p0-d1
61 n8-c48-o48-g1-64x64x64-k3-s1-p0-d1
68 n16-c32-o64-g1-64x64x64-k3x5x5-s1-p0-d1
70 n8-c48-o24-g1-96x96x96-k3-s1-p0-d1
72 n8-c32-o32-g4-12x24x48-k3x5x7-s2-p1x2x3-e1-d1
73 n4-c32-o32-g1-32x64x128-k3-s2-p1-d1
77 n16-c32-o64-g1-16x32x32-k3-s2-p1-d2
""",
}
_GPUMODE: Final = {
    "conv2d": """
0 n1-c16-o16-g1-32x32-k4-s1-p0-d1
1 n2-c16-o16-g1-32x32-k4-s1-p0-d1
2 n1-c32-o32-g1-64x64-k4-s1-p0-d1
3 n2-c32-o32-g1-64x64-k8-s1-p0-d1
4 n1-c64-o64-g1-128x128-k8-s1-p0-d1
5 n4-c64-o64-g1-128x128-k8-s1-p0-d1
6 n4-c64-o64-g1-128x128-k16-s1-p0-d1
7 n2-c128-o128-g1-256x256-k16-s1-p0-d1
8 n1-c128-o128-g1-256x256-k32-s1-p0-d1
""",
    "conv1d": """
causal n1-c2560-o2560-g2560-4096-k4-s1-p3+0-d1-bias
""",
}
PROBLEMS: Final = {"kernelbench": (_KERNELBENCH, "uniform"), "gpumode": (_GPUMODE, "real")}
_ALL: Final = 1 << 30  # times smaller than anything


def problems_of(op: str, tier: str) -> Families:
    """Return the problems of an operation, each a family of its own."""
    layers, data = PROBLEMS[tier]
    front, found = "" if op == "conv2d" else f"{op}-", dict[str, list[str]]()
    for row in layers.get(op, "").split("\n"):
        problem, _, layer = row.partition(" ")
        if layer:
            found.setdefault(f"{tier}-{problem}", []).extend(f"{front}{layer}-f32{word}" for word in ("", f"-{data}"))
    return found


def scaled(case: Case, scale: int) -> Case:
    """Return the case with its batch and each axis of its images so many times smaller.

    Two images stay, and pixels for a few outputs along each axis, whose numbers differ.

    >>> from refconv.testing import find_case
    >>> scaled(find_case("n8-c64-o128-g1-512x1024-k3-s1-p0-d1-f32"), 8).id
    'n2-c64-o128-g1-64x128-k3-s1-p0-d1-f32'
    """
    rank = case.operation.space.rank
    least = [a.dilation * (a.kernel_size - 1) + 1 + (3 + turn) * a.stride for turn, a in enumerate(case.plan.axes)]
    *batch, channels = case.input_shape[:-rank]
    images = [max(n // scale, min(n, 2)) for n in batch]
    size = [max(n // scale, min(n, few)) for n, few in zip(case.input_shape[-rank:], least, strict=True)]
    return parse_case(name_of(replace(case, input_shape=(*images, channels, *size), output_size=())), case.family)


def smaller(case: Case) -> Case:
    """Return a case that can be computed in full, of the same parameters: itself, if it is small."""
    return scaled(case, _ALL) if case.bulk > 1 else case
