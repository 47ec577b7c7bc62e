"""The convolutions of well-known networks, as cases: the sizes that a kernel meets in practice.

=================  =====================================================  ==========================================
ResNet-50          He et al. 2015, Table 1                                224×224; stride in the 3×3, as torchvision
VGG-16             Simonyan & Zisserman 2014, Table 1, column D           224×224, without the dense layers
MobileNetV2        Sandler et al. 2018, Table 2                           224×224, symmetric padding
EfficientNet-B0    Tan & Le 2019, Table 1                                 224×224, SAME padding as in TensorFlow
DeepLabv3          Chen et al. 2017, section 3: blocks 4 and ASPP         513×513, output stride 16, so 33×33
ConvNeXt-T         Liu et al. 2022, section 2                             224×224
=================  =====================================================  ==========================================

and of the other operations:

WaveNet            van den Oord et al. 2016, section 2.1                  conv1d; dilations 1 to 512, 32 channels
wav2vec 2.0        Baevski et al. 2020, section 3: the feature encoder    conv1d; one second at 16 kHz
Whisper base       Radford et al. 2022, section 2.2: the stem             conv1d; 30 seconds, 80 mel bands
C3D                Tran et al. 2015, section 3.2, from conv3b on          conv3d; 16 frames of 112×112
FCN                Long et al. 2015, section 4.2                          conv_transpose2d; 21 classes, strides 2, 8, 32
HiFi-GAN V1        Kong et al. 2020, table 5: the upsampling layers       conv_transpose1d; 32 frames of 80 mel bands
DCGAN              Radford et al. 2015, figure 1                          conv_transpose2d; images of 64×64
U-Net              Ronneberger et al. 2015, figure 1: the up-convolutions conv_transpose2d; 572×572
3D U-Net           Çiçek et al. 2016, figure 2: the up-convolutions       conv_transpose3d; 132×132×116

One image each, whole numbers in float32.  A shape that a network has twice is there once, and one that two networks
have stands with the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from refconv.testing.battery.rows import Families, families

__all__: list[str] = []

# Per stage: expansion, output channels, repeats, stride of the first, kernel.
_MOBILENET_V2: Final = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 32, 3, 2, 3),
    (6, 64, 4, 2, 3),
    (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
)
_EFFICIENTNET_B0: Final = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def _layer(
    channels: int,
    out_channels: int,
    size: int,
    kernel: int = 1,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    *,
    bias: bool = False,
) -> str:
    """Return the name of a square convolution over one square image."""
    shape = f"n1-c{channels}-o{out_channels}-g{groups}-{size}x{size}"
    return f"{shape}-k{kernel}-s{stride}-p{padding}-d{dilation}{'-bias' if bias else ''}-f32"


def _resnet50() -> Iterator[str]:
    yield _layer(3, 64, 224, kernel=7, stride=2, padding=3)
    channels, size = 64, 56
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        yield _layer(channels, width, size)
        yield _layer(width, width, size, 3, stride, padding=1)
        yield _layer(channels, 4 * width, size, stride=stride)  # the projection beside the block
        channels, size = 4 * width, size // stride
        yield _layer(width, channels, size)
        yield _layer(channels, width, size)
        yield _layer(width, width, size, 3, padding=1)


def _vgg16() -> Iterator[str]:
    channels, size = 3, 224
    for width in (64, 128, 256, 512, 512):
        yield _layer(channels, width, size, 3, padding=1, bias=True)
        yield _layer(width, width, size, 3, padding=1, bias=True)
        channels, size = width, size // 2


def _inverted_residuals(stages: Sequence[tuple[int, int, int, int, int]], *, same: bool) -> Iterator[str]:
    """Yield the stem, blocks of 1×1 up, depthwise and 1×1 down, and the head; with SAME padding, squeezes as well."""

    def padding(kernel: int) -> int | str:
        return "same_upper" if same else kernel // 2

    channels, size = 32, 112
    yield _layer(3, channels, 224, 3, 2, padding(3))
    for expansion, width, repeats, first_stride, kernel in stages:
        for stride in (first_stride, *[1] * (repeats - 1)):
            inner = expansion * channels
            if expansion > 1:
                yield _layer(channels, inner, size)
            yield _layer(inner, inner, size, kernel, stride, padding(kernel), groups=inner)
            size //= stride
            if same:
                yield _layer(inner, channels // 4, 1, bias=True)  # squeeze and excitation, on the mean of each channel
                yield _layer(channels // 4, inner, 1, bias=True)
            yield _layer(inner, width, size)
            channels = width
    yield _layer(channels, 1280, size)


def _deeplabv3() -> Iterator[str]:
    size = 33
    yield _layer(1024, 2048, size)
    for rate in (2, 4, 8):  # twice the multi-grid (1, 2, 4)
        yield _layer(512, 512, size, 3, padding=rate, dilation=rate)
    yield _layer(2048, 256, size)
    for rate in (6, 12, 18):
        yield _layer(2048, 256, size, 3, padding=rate, dilation=rate)
    yield _layer(2048, 256, 1)  # image pooling
    yield _layer(5 * 256, 256, size)
    yield _layer(256, 21, size, bias=True)


def _convnext_t() -> Iterator[str]:
    channels, size = 96, 56
    yield _layer(3, channels, 224, 4, 4, bias=True)
    for width in (96, 192, 384, 768):
        if width > channels:
            yield _layer(channels, width, size, 2, 2, bias=True)
            channels, size = width, size // 2
        yield _layer(width, width, size, 7, padding=3, groups=width, bias=True)
        yield _layer(width, 4 * width, size, bias=True)
        yield _layer(4 * width, width, size, bias=True)


_OF_CONV2D: Final[dict[str, list[str]]] = {
    "resnet50": list(_resnet50()),
    "vgg16": list(_vgg16()),
    "mobilenet_v2": list(_inverted_residuals(_MOBILENET_V2, same=False)),
    "efficientnet_b0": list(_inverted_residuals(_EFFICIENTNET_B0, same=True)),
    "deeplabv3": list(_deeplabv3()),
    "convnext_t": list(_convnext_t()),
}
NETWORKS: Final[dict[str, Families]] = {
    "conv2d": _OF_CONV2D,
    "conv1d": families("""
wavenet:  # causal: all of the padding stands before the first sample
    n1-c32-o64-g1-1600-k2-s1-{p1+0-d1,p2+0-d2,p4+0-d4,p8+0-d8,p16+0-d16}-bias-f32
    n1-c32-o64-g1-1600-k2-s1-{p32+0-d32,p64+0-d64,p128+0-d128,p256+0-d256,p512+0-d512}-bias-f32
wav2vec2:
    n1-c1-o512-g1-16000-k10-s5-p0-d1-f32
    n1-c512-o512-g1-{3199-k3,1599-k3,799-k3,399-k3,199-k2,99-k2}-s2-p0-d1-f32
whisper:
    n1-c{80-o512-g1-3000-k3-s1,512-o512-g1-3000-k3-s2}-p1-d1-bias-f32
"""),
    "conv3d": families("""
c3d:
    n1-{c256-o256-g1-8x28x28,c256-o512-g1-4x14x14,c512-o512-g1-4x14x14,c512-o512-g1-2x7x7}-k3-s1-p1-d1-bias-f32
"""),
    "conv_transpose2d": families("""
fcn:
    n1-c21-o21-g1-{16x16-k4-s2,34x34-k16-s8,10x10-k64-s32}-p0-d1-f32
dcgan:
    n1-c100-o1024-g1-1x1-k4-s1-p0-d1-f32
    n1-{c1024-o512-g1-4x4,c512-o256-g1-8x8,c256-o128-g1-16x16,c128-o3-g1-32x32}-k4-s2-p1-d1-f32
unet:
    n1-{c1024-o512-g1-28x28,c512-o256-g1-52x52,c256-o128-g1-100x100,c128-o64-g1-196x196}-k2-s2-p0-d1-f32
"""),
    "conv_transpose1d": families("""
hifigan:
    n1-{c512-o256-g1-32,c256-o128-g1-256}-k16-s8-p4-d1-bias-f32
    n1-{c128-o64-g1-2048,c64-o32-g1-4096}-k4-s2-p1-d1-bias-f32
"""),
    "conv_transpose3d": families("""
unet3d:
    n1-{c512-o512-g1-9x9x7,c256-o256-g1-14x14x10,c128-o128-g1-24x24x16}-k2-s2-p0-d1-bias-f32
"""),
}
