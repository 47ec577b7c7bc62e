"""The cases of conv1d, conv3d and the transposed convolutions, written as conv2d's are (see `tiers`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from refconv.operations import OPERATIONS
from refconv.testing.battery.case_lists import CaseLists
from refconv.testing.battery.cases import Case
from refconv.testing.battery.networks import (
    CONV1D_NETWORKS,
    CONV3D_NETWORKS,
    TRANSPOSED1D_NETWORKS,
    TRANSPOSED2D_NETWORKS,
    TRANSPOSED3D_NETWORKS,
)

__all__: list[str] = []

_COMMON: Final = {
    "batch": ("n1", "n2", "n3"),
    "channels": ("c6-o10-g1", "c6-o10-g2", "c6-o9-g3", "c5-o5-g5", "c4-o8-g4", "c1-o4-g1"),
    "bias": ("", "-bias"),
    "dtype": ("f32", "f64"),
    "data": ("", "-real"),
}
_TYPES: Final = ("f16", "f16-real", "bf16", "bf16-real", "c64", "c64-real", "i8", "i8-extreme", "u8", "u8-extreme")
_LAYOUTS: Final = ("strided", "fortran", "broadcast", "negative", "read_only", "big_endian")
# Without a bias where that would be all that is left.
_VALUES: Final = (
    *("bias-f32-nan", "bias-f32-inf", "f32-negzero", "f32-subnormal", "f64-subnormal"),
    *("bias-f32-spread", "bias-f64-spread"),
)
_CANCELLING: Final = ("f32-zero", "bias-f32-cancel")


def _prefixed(op: str, families: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    return {family: [f"{op}-{name}" for name in names] for family, names in families.items()}


def _endings(template: str, endings: Iterable[str]) -> list[str]:
    return [f"{template}-{ending}" for ending in endings]


def _refused(op: str) -> tuple[Case, ...]:
    """Return what a convolution, or its transpose, ought to refuse, over as many axes as it has."""
    rank = OPERATIONS[op].space.rank
    ones, size, kernel = (1,) * rank, (5, 6, 7)[:rank], (2, 3, 2)[:rank]
    (image, weight), last = ((1, 4, *size), (4, 2, *kernel)), (1,) * (rank - 1)
    twos, last0 = (2,) * rank, (0,) * (rank - 1)
    changes = {
        "stride-zero": ("a stride of 0", {"stride": (*last, 0)}),
        "stride-negative": ("a stride of -1", {"stride": (*last, -1)}),
        "dilation-zero": ("a dilation of 0", {"dilation": (*last, 0)}),
        "padding-negative": ("a padding of -1", {"padding": (*last, -1)}),
        "padding-long": (f"a padding of {rank + 1} numbers", {"padding": (*ones, 0)}),
        "groups-zero": ("groups=0", {"groups": 0}),
        "groups-inputs": ("3 groups of 4 input channels", {"groups": 3}),
        "channels": ("5 input channels for a weight of 4", {"input_shape": (1, 5, *size)}),
        "input-axis": ("an input with an axis too many", {"input_shape": (1, 1, *image)}),
        "weight-axis": ("a weight with an axis too few", {"weight_shape": weight[:-1]}),
        "kernel-empty": ("an empty kernel", {"weight_shape": (*weight[:-1], 0)}),
        "bias-length": ("a bias of 3 for 4 output channels", {"bias_shape": (3,)}),
    }
    if OPERATIONS[op].is_transposed:
        changes |= {
            "output-padding-large": (
                "an output padding of 2 at stride 2",
                {"stride": twos, "output_padding": (*last0, 2)},
            ),
            "output-padding-negative": ("an output padding of -1", {"stride": twos, "output_padding": (*last0, -1)}),
            "cropped": ("a padding that leaves nothing", {"padding": (*last0, 9)}),
        }
    else:
        changes |= {
            "padding-unknown": ("padding='sane'", {"padding": "sane"}),
            "same-strided": ("'same' with stride 2", {"padding": "same", "stride": (2,) * rank}),
            "kernel-large": ("a kernel of 8 on 7 pixels or fewer", {"weight_shape": (4, 2, *(8,) * rank)}),
        }
    zeros = (0,) * rank
    plain = Case("", image, weight, stride=ones, padding=zeros, dilation=ones, groups=2, op=op, output_padding=zeros)
    return tuple(
        replace(plain, id=f"{op}-reject-{name}", rejects=reason, **arguments)  # type: ignore[arg-type]  # of all kinds
        for name, (reason, arguments) in changes.items()
    )


CONV1D: Final = CaseLists(
    smoke=(
        "conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32",  # every parameter different: the default case
        "conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32-real",
        "conv1d-n3-c4-o5-g1-8-k3-s1-p1-d1-f32",
        "conv1d-n1-c3-o4-g1-10-k1-s3-p0-d1-bias-f32",
        "conv1d-n1-c2-o3-g1-11-k4-s1-p2+1-d1-f32",
        "conv1d-n2-c5-o5-g5-9-k3-s1-p1-d1-bias-f32",
        "conv1d-n1-c2-o3-g1-12-k2-s1-psame-d3-f32",
        "conv1d-n1-c2-o3-g1-11-k3-s2-psame_upper-d1-f32",
        "conv1d-c3-o4-g1-8-k2-s2-p1-d1-bias-f64-real",
        "conv1d-n1-c17-o13-g1-21-k5-s1-p4-d2-f32-real",
    ),
    parameters={
        **_COMMON,
        "size": ("9", "14", "23"),
        "kernel": ("k1", "k2", "k3", "k4", "k7"),
        "stride": ("s1", "s2", "s3"),
        "padding": ("p0", "p1", "p8", "p1+2", "p3+0", "pvalid", "psame", "psame_upper", "psame_lower"),
        "dilation": ("d1", "d2", "d3"),
        "layout": ("", "-fortran", "-strided", "-negative"),
    },
    edges=_prefixed(
        "conv1d",
        {
            "padding": [*(f"n1-c2-o3-g1-6-k5-s1-p{p}-d1-f32" for p in (2, 5, 7)), "n1-c1-o1-g1-1-k3-s1-p100-d1-f32"],
            "stride": ["n1-c2-o3-g1-30-k1-s14-p0-d1-f32", "n1-c2-o3-g1-11-k6-s2-p0-d1-f32"],
            "dilation": ["n1-c2-o3-g1-65-k3-s1-p4-d4-f32", "n1-c2-o3-g1-5-k3-s1-p9-d7-f32"],
            "same": [
                f"n1-c1-o2-g1-{size}-k{k}-s3-psame_{end}-d2-f32"
                for size in (13, 14)
                for k in (2, 3)
                for end in ("upper", "lower")
            ],
            "channels": [f"n1-c{c}-o{o}-g1-6-k3-s1-p1-d1-f32" for c, o in ((1, 33), (7, 9), (19, 3))],
            "tiles": ["n1-c2-o3-g1-65539-k2-s1-p0-d1-f32", "n2-c3-o2-g1-37-k5-s2-p2-d1-bias-f32"],
            "probes": ["n2-c2-o6-g1-9-k3-s2-p1-d2-f32-onetap", "n1-c3-o2-g1-9-k3-s1-p2+3-d1-f32-ones"],
            "degenerate": ["n0-c3-o4-g1-8-k3-s1-p1-d1-bias-f32", "c6-o4-g2-8-k3-s2-p1+0-d1-bias-f64-real"],
            "memory": _endings("n2-c3-o4-g1-8-k3-s1-p1-d1-bias-f32", _LAYOUTS),
            "types": _endings("n2-c6-o10-g2-9-k3-s2-p1-d2-bias", _TYPES),
            "values": _endings("n1-c4-o3-g1-9-k3-s1-p0-d1", (*_VALUES, *_CANCELLING)),
        },
    ),
    rejected=_refused("conv1d"),
    networks=CONV1D_NETWORKS,
    sweeps={},
)

CONV3D: Final = CaseLists(
    smoke=(
        "conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x2-d2x1x1-bias-f32",  # every parameter different
        "conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x2-d2x1x1-bias-f32-real",
        "conv3d-n1-c3-o4-g1-4x6x5-k3-s1-p1-d1-f32",
        "conv3d-n1-c2-o3-g1-5x4x6-k1-s2x1x3-p0-d1-bias-f32",
        "conv3d-n1-c2-o3-g1-4x5x7-k2x1x3-s1-p1+0x0+2x2+1-d1-f32",
        "conv3d-n2-c3-o3-g3-4x6x5-k3x2x3-s1-p1-d1-bias-f32",
        "conv3d-n1-c2-o3-g1-5x7x6-k3x2x3-s2x1x2-psame_upper-d1-f32",
        "conv3d-c2-o3-g1-4x5x6-k2-s1-p0-d1x2x3-bias-f64-real",
    ),
    parameters={
        **_COMMON,
        "size": ("5x7x6", "6x4x9"),
        "kernel": ("k1", "k2", "k3", "k2x3x1", "k1x2x3", "k3x1x2"),
        "stride": ("s1", "s2", "s2x1x3", "s1x3x2"),
        "padding": ("p0", "p1", "p2x0x1", "p1+0x0+2x2+1", "pvalid", "psame", "psame_upper", "psame_lower"),
        "dilation": ("d1", "d2", "d2x1x3", "d1x3x2"),
        "layout": ("", "-fortran", "-strided", "-negative"),
    },
    edges=_prefixed(
        "conv3d",
        {
            "padding": ["n1-c2-o3-g1-3x4x5-k1-s1-p2x1x3-d1-bias-f32", "n1-c2-o3-g1-1x1x2-k3-s1-p2-d1-f32"],
            "stride": ["n1-c2-o3-g1-7x5x6-k2x1x3-s3x4x2-p0-d1-f32"],
            "dilation": ["n1-c2-o3-g1-9x7x5-k3x2x2-s1-p0-d3x4x2-f32", "n1-c2-o3-g1-2x3x4-k2-s1-p2x3x4-d3x4x5-f32"],
            "channels": ["n1-c7-o5-g1-3x4x5-k2-s1-p1-d1-f32", "n1-c150-o2-g1-3x4x2-k3-s1-p1-d1-bias-f32-real"],
            "tiles": ["n1-c1-o2-g1-33x43x49-k1x2x1-s1-p0-d1-f32"],  # 67914 outputs in a channel
            "probes": ["n2-c2-o12-g1-4x5x6-k2x3x1-s2x1x1-p1x0x1-d1x2x1-f32-onetap",
                       "n1-c3-o2-g1-4x5x6-k3-s1-p1-d1-f32-ones"],
            "degenerate": ["n0-c3-o4-g1-4x5x6-k3x2x1-s1-p1-d1-bias-f32", "c4-o6-g2-5x3x4-k2-s2x1x1-p0-d1-f32"],
            "memory": _endings("n2-c3-o4-g1-4x6x5-k2x3x1-s1-p1x0x0-d1-bias-f32", _LAYOUTS),
            "types": _endings("n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x2-d2x1x1-bias", _TYPES),
            "values": _endings("n1-c4-o3-g1-4x5x6-k2x3x1-s1-p0-d1", (*_VALUES, *_CANCELLING)),
        },
    ),
    rejected=_refused("conv3d"),
    networks=CONV3D_NETWORKS,
    sweeps={},
)  # fmt: skip

TRANSPOSED2D: Final = CaseLists(
    smoke=(
        "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32",  # every parameter different
        "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32-real",
        "conv_transpose2d-n2-c3-o5-g1-4x6-k4-s2-p1-d1-bias-f32",  # twice the size: the commonest one there is
        "conv_transpose2d-n1-c3-o4-g1-5x4-k2-s2-p0-d1-f32",  # windows side by side, as in a U-Net
        "conv_transpose2d-n1-c2-o3-g1-5x4-k3-s2-p1-e1-d1-f32",
        "conv_transpose2d-n2-c3-o4-g1-6x5-k3-s1-p1-d1-bias-f32",
        "conv_transpose2d-n1-c3-o4-g1-4x5-k1-s3x2-p0-d1-bias-f32",  # gaps that hold the bias alone
        "conv_transpose2d-n1-c2-o3-g1-5x6-k3-s2x3-p1+0x0+2-d1-f32",
        "conv_transpose2d-n2-c5-o5-g5-4x6-k4x3-s2x1-p1-d1-f32",  # depthwise, as in bilinear upsampling
        "conv_transpose2d-n2-c4-o8-g4-3x5-k3x2-s1x2-p1x0-d1-bias-f32",
        "conv_transpose2d-n1-c2-o3-g1-4x5-k2x3-s1-p0-d3x2-f32",
        "conv_transpose2d-c3-o4-g1-4x5-k3x2-s2x3-p1x0-e1x2-d1-bias-f64-real",
        "conv_transpose2d-n1-c17-o13-g1-5x3-k3-s2-p1-d1-f32-real",
    ),
    parameters={
        **_COMMON,
        "size": ("5x7", "6x5", "9x8"),
        "kernel": ("k1", "k2", "k3", "k4", "k2x3", "k3x1", "k5"),
        "stride": ("s1", "s2", "s2x1", "s1x3", "s3x2"),
        "padding": ("p0", "p1", "p1x0", "p0x2", "p1+0x2+1", "psame_upper", "psame_lower", "pvalid"),
        "output_padding": ("", "-e1", "-e1x0", "-e0x1", "-e2x1"),
        "dilation": ("d1", "d1x2", "d2x1", "d2", "d3x2"),
        "layout": ("", "-fortran", "-channels_last", "-strided", "-negative"),
    },
    edges=_prefixed(
        "conv_transpose2d",
        {
            "output padding": [
                *(f"n1-c2-o3-g1-4x5-k3-s4x5-p{p}-e{e}-d1-bias-f32" for p in ("0", "1", "1x0") for e in ("3", "1x4")),
                "n1-c2-o3-g1-4x5-k2-s1-p1-e2x1-d3x2-bias-f32",  # smaller than the dilation alone
                "n2-c6-o4-g2-5x4-k1-s3-p0-e2-d1-bias-f32",  # that hold the bias alone
                "n1-c2-o3-g1-4x5-k5-s2x3-p2+1x1+2-e1x2-d1-f32",
            ],
            "output size": [  # that is asked for, with numbers or ONNX's output_shape
                "n1-c2-o3-g1-4x5-k3-s2x3-p1-h8x14-d1-bias-f32",
                "n1-c2-o3-g1-4x5-k3x4-s2-psame_upper-h7x9-d1-f32",
                "n1-c2-o3-g1-4x5-k3x4-s2-psame_lower-h7x9-d1-f32",
            ],
            "same": [  # whose total is odd, and whose kernel is smaller than the stride
                *(f"n1-c2-o3-g1-4x5-k{k}-s{s}-psame_{end}-d1-bias-f32"
                  for k, s in (("4x3", "3x2"), ("2x5", "2x3"), ("1", "3x2")) for end in ("upper", "lower")),
                "n1-c4-o6-g2-5x4-k3x2-s1x2-psame_upper-e0x1-d2x3-f32",
            ],
            "padding": [
                "n1-c2-o3-g1-6x7-k5-s1-p4x3-d1-f32",
                "n1-c2-o3-g1-7x8-k1-s1-p3x2-d1-bias-f32",  # more than the kernel: whole inputs are cropped away
                "n1-c2-o3-g1-5x6-k3x4-s2-p0+3x2+0-d1-f32",
                "n1-c2-o3-g1-3x4-k7-s1-p1+2x3+0-d1-f32-real",
            ],
            "stride": [
                "n1-c2-o3-g1-5x4-k2x3-s4x5-p0-d1-bias-f32",  # stride > kernel
                "n1-c2-o3-g1-2x3-k8-s4-p2-d1-f32",
                "n1-c2-o3-g1-3x2-k16-s8-p4-d1-f32-real",
                "n2-c2-o3-g1-4x5-k2-s2x3-p0-d2x3-bias-f32",  # stride = dilation
                "n2-c2-o3-g1-5x4-k3x2-s2x3-p1-d3x4-f32",
            ],
            "groups": [
                "n2-c6-o9-g3-4x5-k3x2-s2x3-p1-d1-f32",
                "n2-c13-o26-g13-4x3-k3-s1-p1-d1-f32",
                "n1-c8-o12-g4-5x4-k3-s2x1-p1x0-e1x0-d2x1-bias-f64",
                "n3-c6-o6-g6-4x5-k4-s2-p1-d1-bias-f32",
            ],
            "channels": [f"n1-c{c}-o{o}-g1-3x4-k3x2-s2-p1x0-d1-f32"
                         for c, o in ((1, 33), (4, 17), (7, 9), (9, 8), (19, 3))] + ["n3-c3-o3-g1-3x3-k3-s1-p1-d1-f32"],
            "tiles": ["n1-c2-o3-g1-17x9-k3-s2-p1-d1-bias-f32", "n1-c3-o2-g1-9x17-k4-s2-p1-d1-f32-real",
                      "n1-c1-o2-g1-129x130-k2-s2-p0-d1-f32"],  # 67080 outputs in a channel
            "probes": ["n2-c12-o2-g1-4x5-k2x3-s2x1-p1x0-d1x2-f32-onetap", "n1-c3-o2-g1-4x5-k3-s2-p1-d1-f32-ones",
                       "n1-c6-o4-g2-5x4-k3x2-s1x2-p0-d1-bias-f32-ones"],
            "degenerate": ["n0-c3-o4-g1-4x5-k3x2-s2-p1-d1-bias-f32", "c6-o4-g2-4x5-k3x2-s2x1-p1+0x0+1-d1-f32",
                           "n1-c2-o3-g1-1x1-k1-s1-p0-d1-bias-f32"],
            "memory": _endings("n2-c3-o4-g1-4x5-k2x3-s2x1-p1x0-d1-bias-f32", (*_LAYOUTS, "channels_last")),
            "types": _endings("n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias", _TYPES),
            "values": _endings("n1-c4-o3-g1-4x5-k3x2-s2x1-p0-d1", _VALUES),
        },
    ),
    rejected=_refused("conv_transpose2d"),
    networks=TRANSPOSED2D_NETWORKS,
    sweeps={},
)  # fmt: skip

TRANSPOSED1D: Final = CaseLists(
    smoke=(
        "conv_transpose1d-n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-f32",  # every parameter different
        "conv_transpose1d-n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-f32-real",
        "conv_transpose1d-n2-c3-o5-g1-6-k4-s2-p1-d1-bias-f32",
        "conv_transpose1d-n1-c3-o4-g1-5-k2-s2-p0-d1-f32",
        "conv_transpose1d-n1-c3-o4-g1-5-k1-s3-p0-d1-bias-f32",  # gaps that hold the bias alone
        "conv_transpose1d-n1-c2-o3-g1-6-k3-s3-p0+2-d1-f32",
        "conv_transpose1d-n2-c5-o5-g5-6-k4-s2-p1-d1-f32",
        "conv_transpose1d-c3-o4-g1-5-k3-s3-p1-e2-d1-bias-f64-real",
    ),
    parameters={
        **_COMMON,
        "size": ("5", "9", "14"),
        "kernel": ("k1", "k2", "k3", "k4", "k7"),
        "stride": ("s1", "s2", "s3"),
        "padding": ("p0", "p1", "p2+1", "psame_upper", "psame_lower", "pvalid"),
        "output_padding": ("", "-e1", "-e2"),
        "dilation": ("d1", "d2", "d3"),
        "layout": ("", "-fortran", "-strided", "-negative"),
    },
    edges=_prefixed(
        "conv_transpose1d",
        {
            "output padding": ["n1-c2-o3-g1-5-k3-s4-p1-e3-d1-bias-f32", "n1-c2-o3-g1-5-k2-s1-p1-e2-d3-bias-f32"],
            "output size": ["n1-c2-o3-g1-5-k3-s2-p1-h10-d1-bias-f32", "n1-c2-o3-g1-5-k4-s2-psame_lower-h9-d1-f32"],
            "same": [f"n1-c2-o3-g1-5-k{k}-s{s}-psame_{end}-d1-bias-f32"
                     for k, s in ((4, 3), (5, 2), (1, 3)) for end in ("upper", "lower")],
            "padding": ["n1-c2-o3-g1-7-k5-s1-p4-d1-f32", "n1-c2-o3-g1-8-k1-s1-p2-d1-bias-f32"],
            "stride": ["n1-c2-o3-g1-4-k3-s5-p0-d1-bias-f32", "n1-c2-o3-g1-3-k16-s8-p4-d1-f32-real",
                       "n2-c2-o3-g1-5-k2-s3-p0-d3-bias-f32"],
            "groups": ["n2-c6-o9-g3-5-k3-s2-p1-d1-f32", "n2-c13-o26-g13-4-k3-s1-p1-d1-f32",
                       "n1-c5-o1-g1-6-k3-s2-p1-d1-bias-f32", "n2-c7-o1-g1-5-k4-s2-p1-d1-f32"],
            "tiles": ["n1-c2-o3-g1-33-k3-s2-p1-d1-bias-f32", "n1-c1-o2-g1-16387-k4-s4-p0-d1-f32"],
            "probes": ["n2-c6-o2-g1-5-k3-s2-p1-d2-f32-onetap", "n1-c3-o2-g1-5-k3-s2-p1-d1-f32-ones"],
            "degenerate": ["n0-c3-o4-g1-5-k3-s2-p1-d1-bias-f32", "c6-o4-g2-5-k3-s2-p1+0-d1-f32",
                           "n1-c2-o3-g1-1-k1-s1-p0-d1-bias-f32"],
            "memory": _endings("n2-c3-o4-g1-6-k3-s2-p1-d1-bias-f32", _LAYOUTS),
            "types": _endings("n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias", _TYPES),
            "values": _endings("n1-c4-o3-g1-5-k3-s2-p0-d1", _VALUES),
        },
    ),
    rejected=_refused("conv_transpose1d"),
    networks=TRANSPOSED1D_NETWORKS,
    sweeps={},
)  # fmt: skip

TRANSPOSED3D: Final = CaseLists(
    smoke=(
        "conv_transpose3d-n2-c6-o8-g2-3x4x5-k2x3x1-s1x2x3-p0x1x0-e0x1x0-d1x2x1-bias-f32",  # every parameter different
        "conv_transpose3d-n2-c6-o8-g2-3x4x5-k2x3x1-s1x2x3-p0x1x0-e0x1x0-d1x2x1-bias-f32-real",
        "conv_transpose3d-n2-c3-o2-g1-2x3x4-k4-s2-p1-d1-bias-f32",
        "conv_transpose3d-n1-c3-o2-g1-3x2x4-k2-s2-p0-d1-f32",
        "conv_transpose3d-n1-c2-o3-g1-2x3x4-k1-s3x2x1-p0-d1-bias-f32",
        "conv_transpose3d-n2-c3-o3-g3-3x4x2-k3x2x4-s2x1x2-p1x0x1-d1-f32",
        "conv_transpose3d-c3-o2-g1-2x4x3-k3x2x2-s2x3x1-p1x0x1-e1x2x0-d1-bias-f64-real",
    ),
    parameters={
        **_COMMON,
        "size": ("3x4x5", "5x2x4"),
        "kernel": ("k1", "k2", "k3", "k2x3x1", "k1x2x3"),
        "stride": ("s1", "s2", "s2x1x3", "s1x3x2"),
        "padding": ("p0", "p1", "p1x0x0", "p1+0x0+0x0+1", "psame_upper", "psame_lower"),
        "output_padding": ("", "-e1", "-e0x1x0"),
        "dilation": ("d1", "d2", "d2x1x3"),
        "layout": ("", "-fortran", "-strided", "-negative"),
    },
    edges=_prefixed(
        "conv_transpose3d",
        {
            "output padding": ["n1-c2-o3-g1-2x3x4-k2x3x2-s3x2x4-p1x0x0-e2x1x3-d1-bias-f32"],
            "output size": ["n1-c2-o3-g1-2x3x4-k2x3x2-s2-p0-h4x7x9-d1-bias-f32"],
            "same": [f"n1-c2-o3-g1-2x3x4-k2x3x4-s1x2x3-psame_{end}-d1-bias-f32" for end in ("upper", "lower")],
            "stride": ["n1-c2-o3-g1-2x3x2-k2x1x3-s3x4x5-p0-d1-bias-f32",
                       "n1-c2-o3-g1-2x3x2-k2x3x2-s2x1x3-p0-d2x1x3-f32"],
            "groups": ["n1-c6-o9-g3-2x3x2-k2x3x2-s2x1x2-p0-d1-f32", "n2-c5-o1-g1-2x3x4-k2-s1-p0-d1-bias-f32"],
            "probes": ["n2-c12-o2-g1-2x3x4-k2x3x1-s2x1x1-p1x0x0-d1x2x1-f32-onetap",
                       "n1-c3-o2-g1-2x3x4-k3-s2-p1-d1-f32-ones"],
            "degenerate": ["n0-c3-o4-g1-2x3x4-k3x2x1-s2-p1x0x0-d1-bias-f32", "c4-o6-g2-2x3x4-k2-s2x1x1-p0-d1-f32"],
            "memory": _endings("n2-c3-o4-g1-2x4x3-k2x3x1-s2x1x1-p1x0x0-d1-bias-f32", _LAYOUTS),
            "types": _endings("n2-c6-o8-g2-3x4x5-k2x3x1-s1x2x3-p0x1x0-e0x1x0-d1x2x1-bias", _TYPES),
            "values": _endings("n1-c4-o3-g1-2x4x3-k2x3x1-s2x1x1-p0-d1", _VALUES),
        },
    ),
    rejected=_refused("conv_transpose3d"),
    networks=TRANSPOSED3D_NETWORKS,
    sweeps={},
)  # fmt: skip
