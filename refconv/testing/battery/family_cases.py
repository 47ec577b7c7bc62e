"""The cases of conv1d, conv3d and the transposed convolutions alone, written as conv2d's are (see `rows`)."""

from __future__ import annotations

from typing import Final

from refconv.testing.battery.rows import Families, families

__all__: list[str] = []

CONV1D: Final = families("""
smoke:
    n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32{,-real}  # every parameter different: the default case
    n3-c4-o5-g1-8-k3-s1-p1-d1-f32
    n1-c3-o4-g1-10-k1-s3-p0-d1-bias-f32
    n1-c2-o3-g1-11-k4-s1-p2+1-d1-f32
    n2-c5-o5-g5-9-k3-s1-p1-d1-bias-f32
    n1-c2-o3-g1-12-k2-s1-psame-d3-f32
    n1-c2-o3-g1-11-k3-s2-psame_upper-d1-f32
    c3-o4-g1-8-k2-s2-p1-d1-bias-f64-real
    n1-c17-o13-g1-21-k5-s1-p4-d2-f32-real
padding:
    n1-c2-o3-g1-6-k5-s1-p{2,5,7}-d1-f32
    n1-c1-o1-g1-1-k3-s1-p100-d1-f32
stride:
    n1-c2-o3-g1-{30-k1-s14,11-k6-s2}-p0-d1-f32
dilation:
    n1-c2-o3-g1-{65-k3-s1-p4-d4,5-k3-s1-p9-d7}-f32
same:
    n1-c1-o2-g1-{13,14}-k{2,3}-s3-psame_{upper,lower}-d2-f32
channels:
    n1-{c1-o33,c7-o9,c19-o3}-g1-6-k3-s1-p1-d1-f32
tiles:
    n1-c2-o3-g1-65539-k2-s1-p0-d1-f32
    n2-c3-o2-g1-37-k5-s2-p2-d1-bias-f32
probes:
    n2-c2-o6-g1-9-k3-s2-p1-d2-f32-onetap
    n1-c3-o2-g1-9-k3-s1-p2+3-d1-f32-ones
degenerate:
    n0-c3-o4-g1-8-k3-s1-p1-d1-bias-f32
    c6-o4-g2-8-k3-s2-p1+0-d1-bias-f64-real
memory:
    n2-c3-o4-g1-8-k3-s1-p1-d1-bias-f32-{layouts}
types:
    n2-c6-o10-g2-9-k3-s2-p1-d2-bias-{types}
values:
    n1-c4-o3-g1-9-k3-s1-p0-d1-{values,f32-zero,bias-f32-cancel}
""")

CONV3D: Final = families("""
smoke:
    n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x2-d2x1x1-bias-f32{,-real}  # every parameter different
    n1-c3-o4-g1-4x6x5-k3-s1-p1-d1-f32
    n1-c2-o3-g1-5x4x6-k1-s2x1x3-p0-d1-bias-f32
    n1-c2-o3-g1-4x5x7-k2x1x3-s1-p1+0x0+2x2+1-d1-f32
    n2-c3-o3-g3-4x6x5-k3x2x3-s1-p1-d1-bias-f32
    n1-c2-o3-g1-5x7x6-k3x2x3-s2x1x2-psame_upper-d1-f32
    c2-o3-g1-4x5x6-k2-s1-p0-d1x2x3-bias-f64-real
padding:
    n1-c2-o3-g1-{3x4x5-k1-s1-p2x1x3-d1-bias,1x1x2-k3-s1-p2-d1}-f32
stride:
    n1-c2-o3-g1-7x5x6-k2x1x3-s3x4x2-p0-d1-f32
dilation:
    n1-c2-o3-g1-{9x7x5-k3x2x2-s1-p0-d3x4x2,2x3x4-k2-s1-p2x3x4-d3x4x5}-f32
channels:
    n1-c7-o5-g1-3x4x5-k2-s1-p1-d1-f32
    n1-c150-o2-g1-3x4x2-k3-s1-p1-d1-bias-f32-real
tiles:
    n1-c1-o2-g1-33x43x49-k1x2x1-s1-p0-d1-f32  # 67914 outputs in a channel
probes:
    n2-c2-o12-g1-4x5x6-k2x3x1-s2x1x1-p1x0x1-d1x2x1-f32-onetap
    n1-c3-o2-g1-4x5x6-k3-s1-p1-d1-f32-ones
degenerate:
    n0-c3-o4-g1-4x5x6-k3x2x1-s1-p1-d1-bias-f32
    c4-o6-g2-5x3x4-k2-s2x1x1-p0-d1-f32
memory:
    n2-c3-o4-g1-4x6x5-k2x3x1-s1-p1x0x0-d1-bias-f32-{layouts}
types:
    n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x1-p1x0x2-d2x1x1-bias-{types}
values:
    n1-c4-o3-g1-4x5x6-k2x3x1-s1-p0-d1-{values,f32-zero,bias-f32-cancel}
""")

TRANSPOSED2D: Final = families("""
smoke:
    n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32{,-real}  # every parameter different
    n2-c3-o5-g1-4x6-k4-s2-p1-d1-bias-f32  # twice the size: the commonest one there is
    n1-c3-o4-g1-5x4-k2-s2-p0-d1-f32  # windows side by side, as in a U-Net
    n1-c2-o3-g1-5x4-k3-s2-p1-e1-d1-f32
    n2-c3-o4-g1-6x5-k3-s1-p1-d1-bias-f32
    n1-c3-o4-g1-4x5-k1-s3x2-p0-d1-bias-f32  # gaps that hold the bias alone
    n1-c2-o3-g1-5x6-k3-s2x3-p1+0x0+2-d1-f32
    n2-c5-o5-g5-4x6-k4x3-s2x1-p1-d1-f32  # depthwise, as in bilinear upsampling
    n2-c4-o8-g4-3x5-k3x2-s1x2-p1x0-d1-bias-f32
    n1-c2-o3-g1-4x5-k2x3-s1-p0-d3x2-f32
    c3-o4-g1-4x5-k3x2-s2x3-p1x0-e1x2-d1-bias-f64-real
    n1-c17-o13-g1-5x3-k3-s2-p1-d1-f32-real
output padding:
    n1-c2-o3-g1-4x5-k3-s4x5-p{0,1,1x0}-e{3,1x4}-d1-bias-f32
    n1-c2-o3-g1-4x5-k2-s1-p1-e2x1-d3x2-bias-f32  # smaller than the dilation alone
    n2-c6-o4-g2-5x4-k1-s3-p0-e2-d1-bias-f32  # that hold the bias alone
    n1-c2-o3-g1-4x5-k5-s2x3-p2+1x1+2-e1x2-d1-f32
output size:  # that is asked for, with numbers or ONNX's output_shape
    n1-c2-o3-g1-4x5-k3-s2x3-p1-h8x14-d1-bias-f32
    n1-c2-o3-g1-4x5-k3x4-s2-psame_{upper,lower}-h7x9-d1-f32
same:  # whose total is odd, and whose kernel is smaller than the stride
    n1-c2-o3-g1-4x5-{k4x3-s3x2,k2x5-s2x3,k1-s3x2}-psame_{upper,lower}-d1-bias-f32
    n1-c4-o6-g2-5x4-k3x2-s1x2-psame_upper-e0x1-d2x3-f32
padding:
    n1-c2-o3-g1-6x7-k5-s1-p4x3-d1-f32
    n1-c2-o3-g1-7x8-k1-s1-p3x2-d1-bias-f32  # more than the kernel: whole inputs are cropped away
    n1-c2-o3-g1-5x6-k3x4-s2-p0+3x2+0-d1-f32
    n1-c2-o3-g1-3x4-k7-s1-p1+2x3+0-d1-f32-real
stride:
    n1-c2-o3-g1-5x4-k2x3-s4x5-p0-d1-bias-f32  # stride > kernel
    n1-c2-o3-g1-2x3-k8-s4-p2-d1-f32
    n1-c2-o3-g1-3x2-k16-s8-p4-d1-f32-real
    n2-c2-o3-g1-4x5-k2-s2x3-p0-d2x3-bias-f32  # stride = dilation
    n2-c2-o3-g1-5x4-k3x2-s2x3-p1-d3x4-f32
groups:
    n2-c6-o9-g3-4x5-k3x2-s2x3-p1-d1-f32
    n2-c13-o26-g13-4x3-k3-s1-p1-d1-f32
    n1-c8-o12-g4-5x4-k3-s2x1-p1x0-e1x0-d2x1-bias-f64
    n3-c6-o6-g6-4x5-k4-s2-p1-d1-bias-f32
channels:
    n1-{c1-o33,c4-o17,c7-o9,c9-o8,c19-o3}-g1-3x4-k3x2-s2-p1x0-d1-f32
    n3-c3-o3-g1-3x3-k3-s1-p1-d1-f32
tiles:
    n1-c2-o3-g1-17x9-k3-s2-p1-d1-bias-f32
    n1-c3-o2-g1-9x17-k4-s2-p1-d1-f32-real
    n1-c1-o2-g1-129x130-k2-s2-p0-d1-f32  # 67080 outputs in a channel
probes:
    n2-c12-o2-g1-4x5-k2x3-s2x1-p1x0-d1x2-f32-onetap
    n1-c3-o2-g1-4x5-k3-s2-p1-d1-f32-ones
    n1-c6-o4-g2-5x4-k3x2-s1x2-p0-d1-bias-f32-ones
degenerate:
    n0-c3-o4-g1-4x5-k3x2-s2-p1-d1-bias-f32
    c6-o4-g2-4x5-k3x2-s2x1-p1+0x0+1-d1-f32
    n1-c2-o3-g1-1x1-k1-s1-p0-d1-bias-f32
memory:
    n2-c3-o4-g1-4x5-k2x3-s2x1-p1x0-d1-bias-f32-{layouts,channels_last}
types:
    n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-{types}
values:
    n1-c4-o3-g1-4x5-k3x2-s2x1-p0-d1-{values}
""")

TRANSPOSED1D: Final = families("""
smoke:
    n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-f32{,-real}  # every parameter different
    n2-c3-o5-g1-6-k4-s2-p1-d1-bias-f32
    n1-c3-o4-g1-5-k2-s2-p0-d1-f32
    n1-c3-o4-g1-5-k1-s3-p0-d1-bias-f32  # gaps that hold the bias alone
    n1-c2-o3-g1-6-k3-s3-p0+2-d1-f32
    n2-c5-o5-g5-6-k4-s2-p1-d1-f32
    c3-o4-g1-5-k3-s3-p1-e2-d1-bias-f64-real
output padding:
    n1-c2-o3-g1-5-{k3-s4-p1-e3-d1,k2-s1-p1-e2-d3}-bias-f32
output size:
    n1-c2-o3-g1-5-{k3-s2-p1-h10-d1-bias,k4-s2-psame_lower-h9-d1}-f32
same:
    n1-c2-o3-g1-5-{k4-s3,k5-s2,k1-s3}-psame_{upper,lower}-d1-bias-f32
padding:
    n1-c2-o3-g1-{7-k5-s1-p4-d1,8-k1-s1-p2-d1-bias}-f32
stride:
    n1-c2-o3-g1-4-k3-s5-p0-d1-bias-f32
    n1-c2-o3-g1-3-k16-s8-p4-d1-f32-real
    n2-c2-o3-g1-5-k2-s3-p0-d3-bias-f32
groups:
    n2-c6-o9-g3-5-k3-s2-p1-d1-f32
    n2-c13-o26-g13-4-k3-s1-p1-d1-f32
    n1-c5-o1-g1-6-k3-s2-p1-d1-bias-f32
    n2-c7-o1-g1-5-k4-s2-p1-d1-f32
tiles:
    n1-c2-o3-g1-33-k3-s2-p1-d1-bias-f32
    n1-c1-o2-g1-16387-k4-s4-p0-d1-f32
probes:
    n2-c6-o2-g1-5-k3-s2-p1-d2-f32-onetap
    n1-c3-o2-g1-5-k3-s2-p1-d1-f32-ones
degenerate:
    n0-c3-o4-g1-5-k3-s2-p1-d1-bias-f32
    c6-o4-g2-5-k3-s2-p1+0-d1-f32
    n1-c2-o3-g1-1-k1-s1-p0-d1-bias-f32
memory:
    n2-c3-o4-g1-6-k3-s2-p1-d1-bias-f32-{layouts}
types:
    n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-{types}
values:
    n1-c4-o3-g1-5-k3-s2-p0-d1-{values}
""")

TRANSPOSED3D: Final = families("""
smoke:
    n2-c6-o8-g2-3x4x5-k2x3x1-s1x2x3-p0x1x0-e0x1x0-d1x2x1-bias-f32{,-real}  # every parameter different
    n2-c3-o2-g1-2x3x4-k4-s2-p1-d1-bias-f32
    n1-c3-o2-g1-3x2x4-k2-s2-p0-d1-f32
    n1-c2-o3-g1-2x3x4-k1-s3x2x1-p0-d1-bias-f32
    n2-c3-o3-g3-3x4x2-k3x2x4-s2x1x2-p1x0x1-d1-f32
    c3-o2-g1-2x4x3-k3x2x2-s2x3x1-p1x0x1-e1x2x0-d1-bias-f64-real
output padding:
    n1-c2-o3-g1-2x3x4-k2x3x2-s3x2x4-p1x0x0-e2x1x3-d1-bias-f32
output size:
    n1-c2-o3-g1-2x3x4-k2x3x2-s2-p0-h4x7x9-d1-bias-f32
same:
    n1-c2-o3-g1-2x3x4-k2x3x4-s1x2x3-psame_{upper,lower}-d1-bias-f32
stride:
    n1-c2-o3-g1-2x3x2-{k2x1x3-s3x4x5-p0-d1-bias,k2x3x2-s2x1x3-p0-d2x1x3}-f32
groups:
    n1-c6-o9-g3-2x3x2-k2x3x2-s2x1x2-p0-d1-f32
    n2-c5-o1-g1-2x3x4-k2-s1-p0-d1-bias-f32
probes:
    n2-c12-o2-g1-2x3x4-k2x3x1-s2x1x1-p1x0x0-d1x2x1-f32-onetap
    n1-c3-o2-g1-2x3x4-k3-s2-p1-d1-f32-ones
degenerate:
    n0-c3-o4-g1-2x3x4-k3x2x1-s2-p1x0x0-d1-bias-f32
    c4-o6-g2-2x3x4-k2-s2x1x1-p0-d1-f32
memory:
    n2-c3-o4-g1-2x4x3-k2x3x1-s2x1x1-p1x0x0-d1-bias-f32-{layouts}
types:
    n2-c6-o8-g2-3x4x5-k2x3x1-s1x2x3-p0x1x0-e0x1x0-d1x2x1-bias-{types}
values:
    n1-c4-o3-g1-2x4x3-k2x3x1-s2x1x1-p0-d1-{values}
""")

FAMILY_CASES: Final[dict[str, Families]] = {
    "conv1d": CONV1D,
    "conv3d": CONV3D,
    "conv_transpose1d": TRANSPOSED1D,
    "conv_transpose2d": TRANSPOSED2D,
    "conv_transpose3d": TRANSPOSED3D,
}
