"""The convolutions of well-known networks, as cases: the sizes that a kernel meets in practice.

=================  =====================================================  ==========================================
ResNet-50          He et al. 2015, Table 1                                224×224; stride in the 3×3, as torchvision
VGG-16             Simonyan & Zisserman 2014, Table 1, column D           224×224, without the dense layers
MobileNetV2        Sandler et al. 2018, Table 2                           224×224, symmetric padding
EfficientNet-B0    Tan & Le 2019, Table 1                                 224×224, SAME padding as in TensorFlow
DeepLabv3          Chen et al. 2017, section 3: blocks 4 and ASPP         513×513, output stride 16, so 33×33
ConvNeXt-T         Liu et al. 2022, section 2                             224×224
=================  =====================================================  ==========================================

and of the other operations, with their names in front:

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


NETWORKS: Final[dict[str, list[str]]] = {
    "resnet50": list(_resnet50()),
    "vgg16": list(_vgg16()),
    "mobilenet_v2": list(_inverted_residuals(_MOBILENET_V2, same=False)),
    "efficientnet_b0": list(_inverted_residuals(_EFFICIENTNET_B0, same=True)),
    "deeplabv3": list(_deeplabv3()),
    "convnext_t": list(_convnext_t()),
}


def _wavenet() -> Iterator[str]:
    """Yield causal layers: all of the padding stands before the first sample."""
    for rate in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        yield f"conv1d-n1-c32-o64-g1-1600-k2-s1-p{rate}+0-d{rate}-bias-f32"


def _wav2vec2() -> Iterator[str]:
    yield "conv1d-n1-c1-o512-g1-16000-k10-s5-p0-d1-f32"
    for size, kernel in ((3199, 3), (1599, 3), (799, 3), (399, 3), (199, 2), (99, 2)):
        yield f"conv1d-n1-c512-o512-g1-{size}-k{kernel}-s2-p0-d1-f32"


def _c3d() -> Iterator[str]:
    for channels, out_channels, size in (
        (256, 256, "8x28x28"),
        (256, 512, "4x14x14"),
        (512, 512, "4x14x14"),
        (512, 512, "2x7x7"),
    ):
        yield f"conv3d-n1-c{channels}-o{out_channels}-g1-{size}-k3-s1-p1-d1-bias-f32"


def _upsampling(channels: int, out_channels: int, size: int, kernel: int, stride: int, padding: int) -> str:
    shape = f"n1-c{channels}-o{out_channels}-g1-{size}x{size}"
    return f"conv_transpose2d-{shape}-k{kernel}-s{stride}-p{padding}-d1-f32"


def _dcgan() -> Iterator[str]:
    yield _upsampling(100, 1024, 1, 4, 1, 0)
    for channels, out_channels, size in ((1024, 512, 4), (512, 256, 8), (256, 128, 16), (128, 3, 32)):
        yield _upsampling(channels, out_channels, size, 4, 2, 1)


CONV1D_NETWORKS: Final[dict[str, list[str]]] = {
    "wavenet": list(_wavenet()),
    "wav2vec2": list(_wav2vec2()),
    "whisper": [
        "conv1d-n1-c80-o512-g1-3000-k3-s1-p1-d1-bias-f32",
        "conv1d-n1-c512-o512-g1-3000-k3-s2-p1-d1-bias-f32",
    ],
}
CONV3D_NETWORKS: Final[dict[str, list[str]]] = {"c3d": list(_c3d())}
TRANSPOSED2D_NETWORKS: Final[dict[str, list[str]]] = {
    "fcn": [_upsampling(21, 21, size, 2 * stride, stride, 0) for size, stride in ((16, 2), (34, 8), (10, 32))],
    "dcgan": list(_dcgan()),
    "unet": [
        _upsampling(channels, channels // 2, size, 2, 2, 0)
        for channels, size in ((1024, 28), (512, 52), (256, 100), (128, 196))
    ],
}
TRANSPOSED1D_NETWORKS: Final[dict[str, list[str]]] = {
    "hifigan": [
        f"conv_transpose1d-n1-c{channels}-o{channels // 2}-g1-{size}-{steps}-d1-bias-f32"
        for channels, size, steps in (
            *((512, 32, "k16-s8-p4"), (256, 256, "k16-s8-p4")),
            *((128, 2048, "k4-s2-p1"), (64, 4096, "k4-s2-p1")),
        )
    ],
}
TRANSPOSED3D_NETWORKS: Final[dict[str, list[str]]] = {
    "unet3d": [
        f"conv_transpose3d-n1-c{channels}-o{channels}-g1-{size}-k2-s2-p0-d1-bias-f32"
        for channels, size in ((512, "9x9x7"), (256, "14x14x10"), (128, "24x24x16"))
    ],
}
