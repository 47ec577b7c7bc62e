"""The cases of every operation of the family, over three axes: those over one and two take the last ones (see `rows`).

What bug reports say a kernel gets wrong, and no list of one operation has a reason to ask.
"""

from __future__ import annotations

from typing import Final

from refconv.testing.battery.rows import families

__all__: list[str] = []

EVERYWHERE: Final = families("""
layers:  # what networks are made of, in small: kernels have code of their own for it
    n1-{c3-o8-g1,c8-o16-g1,c16-o8-g2,c6-o12-g3,c8-o8-g8,c8-o16-g8,c8-o8-g1}-{1x4x5-k1-s1-p0,1x7x9-k1-s1x2x2-p0,1x6x9-k1x3x3-s1-p0x1x1,1x7x12-k1x3x3-s1x2x2-p0x1x1,1x7x10-k1x3x3-s1-p0,1x5x17-k1x5x5-s1-p0x2x2,1x9x13-k1x7x7-s1x2x2-p0x3x3}-d1-[f32,bias-f32]
    n1-{c8-o8-g1,c16-o8-g2,c8-o8-g8}-1x8x9-k1x3x3-s1-p0x2x2-d1x2x2-f32
    n2-{c8-o8-g1-1x4x5-k1-s1-p0,c8-o8-g1-1x6x7-k1x3x3-s1-p0x1x1,c16-o8-g2-1x6x7-k1x3x3-s1-p0x1x1}-d1-bias-f32
    n1-{c48,c8}-o8-g1-1x5x7-k1x3x3-s1-p0x1x1-d1-f32-real
beside:  # one step from what kernels have code of their own for, which must not be taken for it
    n1-{c8-o8-g1,c8-o8-g8}-1x8x11-k1x3x3-{s1x2x1-p0x1x1-d1,s1x1x2-p0x1x1-d1,s1-p0x1x1-d1x2x1,s1-p0x1x1-d1x1x2,s1x2x2-p0x1x1-d1x2x2}-[f32,bias-f32]
    n1-{c8-o8-g1,c8-o8-g8}-1x8x11-k1x3x3-s1-{p0x0x1,p0x1x0,p0x2x2,p0+0x1+0x1+0,p0+0x0+1x0+1}-d1-[bias-f32,f32]
    n1-{c8-o8-g1,c8-o8-g8}-1x8x11-{k1x3x1,k1x1x3,k1x3x2,k1x2x3}-s1-p0x1x1-d1-[f32,bias-f32]
    n1-{c8-o8-g1,c16-o8-g2}-1x5x6-k1-{s1x2x1-p0,s1x1x2-p0,s1-p0x1x1,s1-p0x0x1,s1-p0x1x0}-d1-[f32,bias-f32]
    n1-{c8-o8-g1,c16-o8-g2}-1x5x6-{k1x1x2,k1x2x1}-s1-p0-d1-[f32,bias-f32]
    n1-c4-o8-g1-1x6x8-{k1x2x2-s1x2x3-p0-d1,k1x2x3-s1x2x2-p0-d1,k1x2x2-s1x2x2-p0x1x1-d1,k1x2x2-s1x2x2-p0-d1x2x2}-[f32,bias-f32]
padding:  # of one side alone
    n1-c2-o3-g1-4x5x7-k2x3x3-s1-p{1+0x0+0x0+0,0+1x0+0x0+0,0+0x2+0x0+0,0+0x0+2x0+0,0+0x0+0x3+0,0+0x0+0x0+3}-d1-f32
    n1-c2-o3-g1-2x4x5-k1-s1-p0+0x0+1x0+2-d1-bias-f32  # after a 1×1 kernel's last pixel
stride:
    n1-{c18-o3,c3-o18}-g1-1x5x9-k1x2x3-s1x1x2-p0-d1-f32  # of more than 16 channels
    n1-c2-o3-g1-4x8x9-k2x1x2-s3x2x5-p0x0x1-d1-bias-f32  # beyond the kernel
    n2-c3-o5-g1-4x6x8-k2x3x4-s2x3x4-p0-d1-bias-f32  # the kernel, as in an embedding of patches
    n1-c2-o3-g1-2x5x3-k1x2x3-s1x1x2-p0-d1-f32  # a single column comes out, whose stride says nothing
dilation:
    n1-c2-o3-g1-5x8x10-k2-s1-p0-d3x5x7-f32  # that is more than comes out
    n1-c2-o3-g1-1x3x40-k1x1x9-s1-p0x0x8-d1x1x2-f32  # of more than 8 taps
groups:
    n2-{c8-o8-g8,c16-o16-g16,c24-o24-g24,c32-o32-g32}-3x6x9-k3-s2-p1-d1-f32
    n1-{c3-o9-g3,c4-o16-g4,c2-o10-g2}-3x5x7-k1x3x2-s1x2x1-p0x1x0-d1-bias-f32  # multipliers 3, 4 and 5
    n1-c4-o4-g4-1x1x9-k1x3x3-s1x2x2-p0x1x1-d1-f32  # one row
    n1-{c18-o18-g18,c33-o33-g33,c40-o20-g20,c64-o64-g64}-2x3x5-k1x2x3-s1-p0x0x1-d1-f32
    n1-{c12-o32,c32-o12}-g2-1x4x5-k1x2x3-s1-p0x0x1-d1-f32  # 6 and 16 in a group
channels:
    n2-{c3,c6,c16}-o1-g1-2x4x7-k1x3x2-s1-p0x1x0-d1-bias-f32
    n1-{c400-o2,c2-o400,c1400-o2,c2-o1400}-g1-1x1x6-k1x1x3-s1-p0x0x1-d1-f32  # 1200 and 4200 products
batch:
    n{4,5,8,33}-c2-o3-g1-2x3x4-k1x2x3-s1-p0-d1-bias-f32
    n9-c4-o3-g1-1x16x17-k1x2x3-s1-p0-d1-f32  # past 8192 numbers
tiles:
    n1-c1-o2-g1-1x2x140-k1x1x3-s1x1x2-p0-d1-f32  # more than 64 steps
    n1-c1-o2-g1-1x4x{41,61}-k1x2x1-s1-p0-d1-f32  # a division by which a float32 reciprocal misses
    n2-c3-o4-g1-1x1x130-k1x1x3-s1-p0x0x1-d1-bias-f32  # one wide row
    n2-c2-o3-g1-1x1x40-k1x1x33-s1-p0-d1-f32
memory:
    n2-c3-o4-g1-2x6x8-k1x2x3-s1-p0x1x0-d1-bias-f32-{pitched,some_channels,some_channels_last,one_plane,unaligned}
    n2-c3-o4-g1-2x6x8-k1x2x3-s1-p0x1x0-d1-bias-f32-negative_{columns,rows,channels}
    n2-c3-o4-g1-2x6x8-k1x2x3-s1-p0x1x0-d1-bias-f32-{strided,pitched,one_plane,channels_last}-{input,weight}
    n2-c3-o4-g1-2x6x8-k1x2x3-s1-p0x1x0-d1-bias-f32-{big_endian-weight,strided-bias,big_endian-bias}
types:
    n3-c2-o3-g1-2x3x8-k1-s1-p0-d1-{f16,bf16,i8,u8,c64}
    n2-c3-o2-g1-3x4x9-k1x3x2-s1-pvalid-d1-bias-{f16,bf16,i8,u8,c64}
    n2-c3-o4-g1-2x4x8-k1x2x3-s1-p0x0x1-d1-bias-{f16,bf16,i8,u8,c64}-strided
    n1-c2-o3-g1-2x7x9-k1x2x3-s1x2x1-p0-d1x1x2-{f16,bf16,i8,u8,c64}
    n1-c2-o3-g1-2x9x7-k1x3x2-s1x1x2-p0-d1x2x1-{f16,bf16,i8,u8,c64}
    n2-c4-o6-g2-2x4x9-k1x2x3-s1x1x2-p0x1x0-d1-bias-{f16,bf16,i8,u8,c64}
    n2-c5-o5-g5-2x5x8-k1x3x2-s1-p0x1x1-d1-{f16,bf16,i8,u8,c64}
    n2-c3-o4-g1-2x4x8-k1x2x3-s1-p0x0x1-d1-bias-{i16,i32,i64,c128}
    n2-c4-o6-g2-2x5x7-k1x3x2-s1x2x1-p0x1x0-d1-{i16,i32,i64,c128,c128-real}
    n2-c3-o4-g1-2x4x8-k1x2x3-s1-p0x0x1-d1-bias-{f32xf64,f64xf32,f16xf32,bf16xf32,u8xi8,i8xi32}
    n2-c3-o4-g1-2x4x8-k1x2x3-s1-p0x0x1-d1-bias{f64-f32,f32-f64,f32-f16,f32-bf16,i32-i8}
values:
    n1-c2-o3-g1-2x7x8-k1x3x2-s1-p0x1x0-d1-bias-f32-{nanbias,infbias,zerobias}
    n1-c2-o3-g1-2x7x8-k1x3x2-s1-p0x1x0-d1-{f16,bf16,f32,f64}-subnormalweight
    n1-c2-o3-g1-2x7x8-k1x3x2-s1-p0-d1-{f16,bf16}-{nan,inf,subnormal}
    n1-c4-o3-g1-2x5x6-k1x3x2-s1-p0-d1-{f16,bf16}-overflow
threads:  # calls from other threads than the main one, and from two at once
    n2-c3-o4-g1-2x5x7-k1x2x3-s1-p0x1x0-d1-f32-threads
""")

CONVOLUTIONS: Final = families("""
values:
    n1-c2-o3-g1-2x7x8-k1x3x2-s1-p0x1x0-d1-bias-f32-pruned
    n1-c3-o4-g1-2x5x6-k1-s1-p0-d1-bias-f32-pruned
    n1-c2-o3-g1-2x5x6-k1x2x2-s1-p0x3x3-d1-f32-{nan,inf}  # beside windows that read nothing but padding
same:
    n1-c2-o3-g1-5x7x8-k1-s3x4x5-psame_{upper,lower}-d1-f32  # the last window ends 2 pixels before the image does
degenerate:
    n1-c2-o3-g1-2x3x0-k1x2x3-s1-p0x0x2-d1-bias-f32  # no columns but those of the padding
""")

TRANSPOSED: Final = families("""
stride:
    n1-c2-o3-g1-2x4x1-k1x2x3-s1x1x2-p0x0x1-d1-f32
dilation:
    n1-c2-o3-g1-2x2x3-k2-s1-p0-d3x4x5-f32
groups:
    n2-{c6-o2-g2,c10-o2-g2,c21-o3-g3}-2x3x5-k1x2x3-s1x1x2-p0-d1-bias-f32  # one output channel in each
""")
