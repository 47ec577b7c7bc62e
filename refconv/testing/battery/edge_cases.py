"""The edge cases of conv2d, by name: what pairwise cover has no reason to try.

They are the union of what the suites of PyTorch, TensorFlow, JAX, ONNX, oneDNN and others test, and of what their bug
reports show that they did not.  `rows` says how a row is read.
"""

from __future__ import annotations

from typing import Final

from refconv.testing.battery.rows import families

__all__: list[str] = []

CONV2D: Final = families("""
smoke:
    n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32{,-real}  # every parameter different: the default case
    n3-c4-o5-g1-6x8-k3-s1-p1-d1-f32  # the commonest layer there is
    n1-c3-o4-g1-8x10-k1-s1-p0-d1-f32  # a matrix product
    n2-c3-o4-g1-9x7-k1-s2x3-p0-d1-bias-f32  # 1×1 with a stride: the short cut that forgets it
    n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32  # padding that differs by side
    n1-c2-o3-g1-5x8-k3-s1-p0x2-d1-f32
    n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32
    n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32  # an even kernel: the odd pixel goes to one side
    n1-c2-o3-g1-8x11-k3-s2-psame_{upper,lower}-d1-f32
    n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32
    n2-c5-o5-g5-7x9-k3-s1-p1-d1-bias-f32  # depthwise
    n2-c4-o8-g4-7x9-k3x2-s1x2-p1x0-d1-f32  # depthwise, multiplier 2
    n1-c9-o6-g3-6x7-k2-s1-p1-d2-bias-f32
    n1-c2-o3-g1-2x3-k3x1-s1-p4-d1-f32  # more padding than kernel
    c3-o4-g1-7x8-k3x2-s1x2-p1-d1-bias-f32  # no batch axis
    n2-c3-o4-g1-7x9-k3-s1-p1-d1-bias-f32-real-channels_last
    n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real
    n1-c17-o13-g1-8x6-k3-s1-p1-d1-bias-f32-real  # channels that no vector width divides
padding:
    n1-c2-o3-g1-6x7-k5-s1-p{1..7}-d1-f32
    n1-c2-o3-g1-4x5-k1-s1-p{1..3}-d1-bias-f32
    n1-c1-o1-g1-4x1-k3-s1-p0x100-d1-f32
    n1-c2-o3-g1-9x10-k3-s1-p2+0x2+1-d1-f32
    n1-c2-o3-g1-9x10-k3-s1-p0+2x1+0-d1-bias-f64-real
    n1-c2-o3-g1-8x6-k3-s1-p{3x0,0x3}-d1-f32
    n1-c2-o3-g1-1x1-k1-s1-p1-d1-bias-f32
    n1-c2-o3-g1-1x1-k3-s1-p2-d1-f32  # most taps never touch a pixel
    n1-c2-o3-g1-5x6-k5x6-s1-p0-d1-f32  # kernel = input
    n1-c2-o3-g1-1x1-k1-s1-p0-d1-f32
stride:
    n1-c2-o3-g1-5x7-k3-s3x4-p1-d1-f32
    n1-c2-o3-g1-11x7-k7x5-s3x5-p0-d1-f32
    n1-c2-o3-g1-29x30-k1-s14-p0-d1-f32  # stride > kernel
    n1-c2-o3-g1-10x12-k1x3-s3x5-p0-d1-bias-f32
    n1-c2-o3-g1-{9x11-k6-s2,13x16-k7-s5}-p0-d1-f32  # rows at the end that nothing reads
    n1-c2-o3-g1-14x15-k2x3-s3x2-p0-d4-f32
    n2-c3-o5-g1-7x10-k1-s2x3-p1x2-d1-bias-f32  # 1×1 with stride and padding
    n3-c4-o6-g1-9x8-k1-s3x2-p0x1-d1-f32
    n1-c2-o4-g1-11x13-k3x2-s2x3-p1x0-d3x2-bias-f32  # stride and dilation
    n1-c2-o3-g1-9x14-k2x3-s4x5-p1x2-d1-f32  # stride > kernel, and padding
dilation:
    n1-c2-o3-g1-9x10-k3-s1-{p0-d2x3,p2x1-d2x1-bias}-f32
    n1-c1-o1-g1-65x65-k3-s1-p4-d4-f32
    n1-c2-o3-g1-5x6-{k3-s1-p7x8-d7x8-f32,k2-s1-p7x8-d7x8-f32-real}  # rate > map: only the centre tap touches it
    n1-c1-o2-g1-7x9-k1-s1-p0-d5x4-f32  # one tap has nothing to dilate
same:
    n1-c1-o2-g1-12x11-k{2,4,10}-s1-p{same,same_upper,same_lower}-d1-f32
    n1-c4-o6-g2-7x9-k2-s1-p{same,same_upper,same_lower}-d2x3-f32
    n1-c1-o2-g1-{7x8,8x7}-k3x2-s2-psame_{upper,lower}-d1-bias-f32
    n1-c1-o2-g1-9x10-k2x3-s4x5-psame_{upper,lower}-d1-f32  # stride > kernel
    n2-c2-o3-g1-9x12-k3x2-s2x3-psame_{upper,lower}-d3x2-bias-f32  # stride and dilation
    n1-c1-o1-g1-3x{30..34}-k1x{1..5}-s1x[1,2,3,1,2,1,1,3,1,1,1,2,1,1,2]-p[same,same_upper,same_lower]-d1x{1..4}-f32
groups:
    n2-c7-o7-g7-8x9-k3x2-s1-p1x0-d1-bias-f32
    n2-c13-o26-g13-5x6-k3-s1-p1-d1-f32
    n1-c6-o6-g6-9x10-k7-s1-p3-d1-f32-real
    n1-c4-o4-g4-8x7-k3x2-s1-p2x1-d2-f32
    n1-c8-o8-g2-4x6-k1-s1-p0-d1-f32  # 1×1 in groups of 4
    n1-c4-o4-g4-{7x11-k1x9-s1-p0x4,11x7-k9x1-s1-p4x0}-d1-f32
    n2-c4-o6-g2-5x7-k3x2-s1-p0-d1-f32
    n2-c14-o21-g7-5x6-k2-s1-p0-d1-bias-f32
    n2-c6-o9-g3-9x8-k3x2-s2x3-p1-d1-f32
    n2-c8-o12-g4-9x11-k3-s2x1-p2x1-d2x1-bias-f64
    n3-c6-o6-g6-8x9-k1-s2x1-p0x1-d1-bias-f32  # 1×1 depthwise
    n1-c512-o6-g2-5x4-k3-s2x1-p1-d1-bias-f32  # 2304 products in each of two groups
channels:
    n1-{c1-o33,c3-o19,c4-o17,c5-o13,c7-o9,c8-o7,c9-o8,c13-o5,c17-o4,c19-o3,c33-o1}-g1-5x6-k3x2-s1-p1x0-d1-f32
    n3-c7-o5-g1-7x7-k3-s1-p1-d1-f32  # C = H = W
    n3-c3-o3-g1-5x7-k3-s1-p1x0-d1-bias-f32  # N = C = O = K
    n2-c1-o6-g1-6x5-k3x2-s1-p0-d1-bias-f32
    n1-c450-o3-g1-5x4-k3-s1-{p0-d1-f32,p1-d1-bias-f32-real}  # 4050 products
tiles:  # extents that leave 1 or 3 over from tiles of 2, 4, 8 and 16, and one past 2^16
    n1-c2-o3-g1-17x35-k3-s1-p1-d1-bias-f32
    n1-c3-o2-g1-35x17-k3-s1-p1-d1-f32-real
    n1-c2-o3-g1-33x19-k1-s1-p0-d1-f32
    n2-c3-o2-g1-37x34-k5x3-s2-p2x1-d1-f32
    n1-c2-o3-g1-5x5-k3-s2-p1-d1-f32  # 9 outputs
    n1-c3-o3-g1-{1x8-k3,8x1-k2x3}-s1-p1-d1-f32  # one row under several rows of taps
    n1-c19-o35-g1-3x5-k1-s1-p0-d1-bias-f32
    n1-c17-o17-g17-9x19-k3-s1-p1-d1-f32
    n1-c1-o2-g1-258x259-k2x1-s1-p0-d1-f32  # 66563 outputs in a channel
probes:
    n2-c2-o12-g1-7x9-k2x3-s2x1-p1x0-d1x2-f32-onetap  # each of the 12 taps once
    n3-c1-o9-g1-6x8-k3-s1-p1-d1-bias-f32-onetap
    n2-c6-o12-g3-7x5-k1x3-s1-p0x2-d1-f32-onetap
    n2-c3-o18-g3-8x7-k3x2-s1x2-p1+0x0+1-d1-f32-onetap  # depthwise
    n1-c2-o8-g1-9x10-k2-s2-psame_upper-d3x2-f32-onetap
    n1-c3-o2-g1-7x9-k3-s1-p1+0x2+3-d1-f32-ones
    n2-c6-o4-g2-8x9-k3x2-s2x1-p2x1-d1x3-bias-f32-ones
    n1-c1-o1-g1-9x11-k5-s1-p2-d1-f32-ones
degenerate:
    n0-c3-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32  # an empty batch
    n2-c0-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32  # no input channels: the bias
    c3-o4-g1-7x8-k3x2-s1-p1x0-d1-f32  # no batch axis
    c6-o4-g2-7x8-k3x2-s2x1-p1+0x0+1-d1-bias-f64-real
memory:
    n2-c3-o4-g1-6x8-k2x3-s1-p1x0-d1-bias-f32-{layouts,channels_last}
    n3-c4-o6-g2-6x8-k3-s2x1-p0-d1-bias-f64-real-{broadcast,big_endian}
types:
    n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-{f16,bf16,c64}{,-real}
    n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-{i8,u8}{,-extreme}
    n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-{f16,bf16,c64}{,-real}
    n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-{i8,u8}{,-extreme}
    n1-c4-o8-g4-6x7-k3x2-s1-p1-d1-{f16-real,bf16-real,i8-extreme,c64-real}
    n1-c100-o2-g1-5x6-k3-s1-p1-d1-{f16,bf16}-real  # 900 products, of which a float16 accumulator makes a mess
    n1-c40-o2-g1-5x6-k3-s1-p1-d1-{i8,u8}-extreme  # 360 products of 128·128: past 16 bits many times
values:
    n1-c2-o3-g1-7x8-k3x2-{s1-p0-d1-bias-f32-nan,s2x1-p0-d1-bias-f32-inf}
    n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-{f32-zero,bias-f32-cancel,bias-f32-negzero}  # exactly 0 is expected of the first
    n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-{nan,inf}weight  # over padding, too
    n1-c3-o4-g1-9x8-k3x2-s3x2-p0-d1-f32-{nan,inf}weight  # of patches
    n2-c3-o3-g3-7x8-k3x2-s1-p1x0-d1-bias-f32-nanweight  # depthwise, where PyTorch has other code
    n1-c2-o3-g1-7x8-k3x2-s1-p1x0-d1-{f32,f64}-subnormal
    n1-c6-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-{f32,f64}-spread  # badly conditioned
""")
