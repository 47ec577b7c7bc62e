"""Sweeps: one or two parameters of a case go through all their values, the others held at small odd numbers.

Where the covers of `core` meet a value once, a sweep meets it on both sides of every tile, vector width and convention.
Faults that only one remainder modulo 16 shows are for this tier, and so is what is large.  Over three axes, like
`shared_cases`.
"""

from __future__ import annotations

from typing import Final

from refconv.testing.battery.rows import families

__all__: list[str] = []

EVERYWHERE: Final = families("""
extents:  # along one axis: with a plain 3×3, with strides, and as a matrix product
    n1-c2-o3-g1-2x{extents}x5-k3-s1-p1-d1-f32
    n1-c2-o3-g1-2x5x{extents}-k3-s1-p1-d1-f32
    n1-c{extents}-o3-g1-1x5x6-k3-s1-p1-d1-f32
    n2-c{extents}-o5-g1-2x3x4-k1-s1-p0-d1-bias-f32
    n1-c3-o{extents}-g1-1x5x6-k3-s1-p1-d1-f32
    n2-c5-o{extents}-g1-2x3x4-k1-s1-p0-d1-bias-f32
    n1-{depthwise}-1x5x6-k3-s1-p1-d1-f32
    n2-{depthwise}-2x7x5-k1x2x3-s1x2x1-p0x1x0-d1-bias-f32
    n{extents}-c2-o3-g1-2x3x4-k2-s1-p0-d1-bias-f32
stride sweep:  # against dilation and kernel, along the width, with more padding on one side
    n1-c2-o2-g1-1x4x20-k1x2x{1,2,3,4,5,7}-s1x3x{1,2,4,5,6}-p0+0x0+0x2+1-d1x1x2-f32
    n1-c2-o2-g1-1x4x22-k1x2x{1,2,3,4,5,7}-s1x3x{1,2,4,5,6}-p0+0x0+0x2+1-d1x1x3-f32
    n1-c2-o2-g1-1x4x24-k1x2x{1,2,3,4,5,7}-s1x3x{1,2,4,5,6}-p0+0x0+0x2+1-d1x1x4-f32
group sweep:  # against the channels in and out of each, with stride, dilation and padding at work
    n2-{groups}-2x7x8-k1x3x2-s1x1x2-p0x1x0-d1x2x1-bias-f32
reductions:  # long sums, of whole numbers and of normal ones: C/G·K_h·K_w from 500 to 9000
    n1-c64-o3-g1-1x4x5-k1x3x4-s1-p0x1x1-d1-f32{,-real}
    n1-{c260-o3-g1-1x4x5,c515-o3-g1-1x3x4,c1030-o4-g2-1x4x3,c1000-o3-g1-1x4x5}-k1x3x3-s1-p0x1x1-d1-f32{,-real}
large:
    n2-c2-o3-g1-1x2x310-k1x2x{64,129,257,300}-s1-p0x0x1-d1-f32
    n2-c1-o2-g1-1x310x3-k1x{256,300}x2-s1-p0-d1-f32
    n1-{c2-o65600,c65600-o2}-g1-1x1x3-k1x1x2-s1-p0-d1-bias-f32  # channels past 2^16
    n2-c300-o300-g300-1x3x5-k1x3x3-s1-p0x1x1-d1-bias-f32
    n300-c2-o3-g1-1x3x4-k1x2x3-s1-p0-d1-bias-f32
layout sweep:  # under the short cuts that a kernel may take: 1×1, depthwise, groups, no batch axis
    n2-c3-o4-g1-2x6x8-k1-s1-p0-d1-{f32,bias-f64-real}-{all layouts}
    n2-c3-o4-g1-2x6x8-k1-s1x2x1-p0x0x1-d1-{f32,bias-f64-real}-{all layouts}
    n2-c3-o6-g3-2x6x8-k1x3x2-s1-p0x1x1-d1-{f32,bias-f64-real}-{all layouts}
    n2-c4-o6-g2-2x6x8-k1x3x2-s1x1x2-p0-d1x2x1-{f32,bias-f64-real}-{all layouts}
    c3-o4-g1-2x6x8-k1x3x2-s1-p0x1x0-d1-{f32,bias-f64-real}-{all layouts}
""")

CONVOLUTIONS: Final = families("""
extents:
    n2-c2-o3-g1-2x{extents}x6-k1x2x3-s1x2x1-p1-d1-bias-f32
    n2-c2-o3-g1-2x6x{extents}-k1x3x2-s1x1x2-p1-d1-bias-f32
same sweep:  # in every dialect, along the width, which is odd and even
    n1-c1-o2-g1-1x3x{13,14}-k1x1x{2..5}-s1x1x{1..4}-psame_{upper,lower}-d1x1x{2..4}-f32
    n1-c1-o2-g1-1x3x{13,14}-k1x1x{2..5}-s1-psame-d1x1x{2..4}-f32
""")

TRANSPOSED: Final = families("""
extents:
    n2-c2-o3-g1-2x{extents}x6-k1x3x2-s1x2x1-p0x1x0-d1-bias-f32
    n2-c2-o3-g1-2x6x{extents}-k1x2x3-s1x1x2-p0x0x1-d1-bias-f32
""")

CONV2D: Final = families("""
same sweep:  # down the height
    n1-c1-o2-g1-{13,14}x3-k{2..5}x1-s{1..4}x1-psame_{upper,lower}-d{2..4}x1-f32
    n1-c1-o2-g1-{13,14}x3-k{2..5}x1-s1-psame-d{2..4}x1-f32
padding sweep:  # each set of padded sides, by different amounts, for kernels that reach less far, as far and further
    n1-c2-o3-g1-6x7-{k2-s1,k3x5-s1,k3x5-s2x3,k6x7-s1}-p{0+0,0+2,1+0,1+2}x{0+0,0+4,3+0,3+4}-d1-bias-f32
probe sweep:  # ones and single taps over the ways of placing a kernel
    {n2-c2-o9-g1,n1-c4-o6-g2,n3-c3-o6-g3}-12x13-{k3-s1-p1-d1,k2x3-s2x1-p1x0-d1x2}-f32-{ones,onetap}
    {n2-c2-o9-g1,n1-c4-o6-g2,n3-c3-o6-g3}-12x13-{k3x2-s1x2-p0+2x1+0-d2x1,k5x4-s3x2-p4x3-d1}-f32-{ones,onetap}
    {n2-c2-o9-g1,n1-c4-o6-g2,n3-c3-o6-g3}-12x13-{k1-s2x3-p1x2-d1,k4x3-s1-psame-d1x2}-f32-{ones,onetap}
    {n2-c2-o9-g1,n1-c4-o6-g2,n3-c3-o6-g3}-12x13-{k3x4-s2x3-psame_upper-d2x1,k4x3-s3x2-psame_lower-d1x2}-f32-{ones,onetap}
    {n2-c2-o9-g1,n1-c4-o6-g2,n3-c3-o6-g3}-12x13-k1x5-s1-pvalid-d1x2-f32-{ones,onetap}
layout sweep:
    n3-c2-o3-g1-5x9-k3-s1-psame_upper-d1-{f32,bias-f64-real}-{all layouts}
cubes:  # equal extents, where a swapped axis keeps its shape: C = O = H = W, with N beside it and equal to it
    n{1,3}-{c3-o3-g1-3x3,c4-o4-g1-4x4,c5-o5-g1-5x5,c8-o8-g1-8x8}-{k1-s1-p0,k3-s1-p1}-d1-bias-f32
    n{1,3}-{c3-o3-g1-3x3,c4-o4-g1-4x4,c5-o5-g1-5x5,c8-o8-g1-8x8}-{k3x1-s1x2-p1x0,k2-s1-psame}-d1-bias-f32
""")
