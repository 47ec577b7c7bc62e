"""The values of each parameter, in the order of a name, of which the covers of pairs and of triples are made."""

from __future__ import annotations

from typing import Final

__all__: list[str] = []

_COMMON: Final = {
    "batch": ("n1", "n2", "n3"),
    "channels": ("c6-o10-g1", "c6-o10-g2", "c6-o9-g3", "c5-o5-g5", "c4-o8-g4", "c1-o4-g1"),
    "bias": ("", "-bias"),
    "dtype": ("f32", "f64"),
    "data": ("", "-real"),
    "layout": ("", "-fortran", "-strided", "-negative", "-pitched", "-some_channels"),
}
PARAMETERS: Final = {
    "conv1d": _COMMON
    | {
        "size": ("9", "14", "23"),
        "kernel": ("k1", "k2", "k3", "k4", "k7"),
        "stride": ("s1", "s2", "s3"),
        "padding": ("p0", "p1", "p8", "p1+2", "p3+0", "pvalid", "psame", "psame_upper", "psame_lower"),
        "dilation": ("d1", "d2", "d3"),
    },
    "conv2d": _COMMON
    | {
        "size": ("7x9", "11x8", "14x13"),
        "kernel": ("k1", "k2", "k3", "k4", "k5", "k7", "k2x3", "k1x5"),
        "stride": ("s1", "s2x1", "s1x2", "s2", "s3x2"),
        "padding": ("p0", "p1", "p2x0", "p0x1", "p1+0x2+3", "pvalid", "psame", "psame_upper", "psame_lower", "p7x8"),
        "dilation": ("d1", "d1x2", "d2x1", "d2x3", "d3"),
        "layout": (*_COMMON["layout"], "-channels_last"),
    },
    "conv3d": _COMMON
    | {
        "size": ("5x7x6", "6x4x9"),
        "kernel": ("k1", "k2", "k3", "k2x3x1", "k1x2x3", "k3x1x2"),
        "stride": ("s1", "s2", "s2x1x3", "s1x3x2"),
        "padding": ("p0", "p1", "p2x0x1", "p1+0x0+2x2+1", "pvalid", "psame", "psame_upper", "psame_lower"),
        "dilation": ("d1", "d2", "d2x1x3", "d1x3x2"),
    },
    "conv_transpose1d": _COMMON
    | {
        "size": ("5", "9", "14"),
        "kernel": ("k1", "k2", "k3", "k4", "k7"),
        "stride": ("s1", "s2", "s3"),
        "padding": ("p0", "p1", "p2+1", "psame_upper", "psame_lower", "pvalid"),
        "output_padding": ("", "-e1", "-e2"),
        "dilation": ("d1", "d2", "d3"),
    },
    "conv_transpose2d": _COMMON
    | {
        "size": ("5x7", "6x5", "9x8"),
        "kernel": ("k1", "k2", "k3", "k4", "k2x3", "k3x1", "k5"),
        "stride": ("s1", "s2", "s2x1", "s1x3", "s3x2"),
        "padding": ("p0", "p1", "p1x0", "p0x2", "p1+0x2+1", "psame_upper", "psame_lower", "pvalid"),
        "output_padding": ("", "-e1", "-e1x0", "-e0x1", "-e2x1"),
        "dilation": ("d1", "d1x2", "d2x1", "d2", "d3x2"),
        "layout": (*_COMMON["layout"], "-channels_last"),
    },
    "conv_transpose3d": _COMMON
    | {
        "size": ("3x4x5", "5x3x4"),
        "kernel": ("k1", "k2", "k3", "k2x3x1", "k1x2x3"),
        "stride": ("s1", "s2", "s2x1x3", "s1x3x2"),
        "padding": ("p0", "p1", "p1x0x0", "p1+0x0+0x0+1", "psame_upper", "psame_lower"),
        "output_padding": ("", "-e1", "-e0x1x0"),
        "dilation": ("d1", "d2", "d2x1x3"),
    },
}
