"""Known networks as layer lists, each from its paper or its reference code, up to the last convolution or pooling.

Padding is written as it falls for the input sizes for which the networks were made: TF-Slim's SAME pads a 3×3 pooling
at stride 2 on an even map by nothing on top and one at the bottom.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.trace import axis_maps

__all__ = ["ZooNetwork", "find", "names"]

Named = tuple[str, Layer | Parallel]


@dataclass(frozen=True, slots=True)
class ZooNetwork:
    """A network, and the names of points in it.

    Attributes
    ----------
    name, source : str
        What it is called here, and where its layer list is from.
    layers : Layers
        The network.
    points : mapping of str to int
        For each name that the source gives, how many layers lead up to there.

    Examples
    --------
    >>> from refconv.analysis import receptive_field, zoo
    >>> vgg = zoo.find("vgg16")
    >>> vgg.points["pool2"], receptive_field(vgg.up_to("pool2")).size
    (6, (16, 16))
    """

    name: str
    source: str
    layers: Layers
    points: Mapping[str, int]

    @property
    def is_line(self) -> bool:
        """Whether it has one axis alone, which is written as the width."""
        heights = [each for maps in axis_maps(self.layers, 0) for each in maps]
        return all((each.period, each.shift, each.size) == (1, 1, 1) for each in heights)

    def up_to(self, point: str) -> Layers:
        """Return the network up to a point, that layer included; a ValueError says which points there are."""
        if point not in self.points:
            raise ValueError(f"point={point!r} must be one of {', '.join(self.points)} in {self.name}")
        return Layers(self.layers[: self.points[point]])


def find(name: str) -> ZooNetwork:
    """Return a network of the zoo by its name.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    ZooNetwork

    Raises
    ------
    ValueError
        If there is none of that name; the error says the nearest one.

    Examples
    --------
    >>> find("wavenet").source
    'van den Oord et al., "WaveNet: a generative model for raw audio" (2016), one block of ten layers'
    >>> find("vgg61")
    Traceback (most recent call last):
    ValueError: name='vgg61' is not in the zoo; did you mean 'vgg16'?
    """
    if name not in _ZOO:
        near = difflib.get_close_matches(name, _ZOO)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(_ZOO)}"
        raise ValueError(f"name={name!r} is not in the zoo; {hint}")
    source, build = _ZOO[name]
    named = list(build())
    points = {point: number for number, (point, _) in enumerate(named, start=1)}
    return ZooNetwork(name, source, Layers(layer for _, layer in named), points)


def names() -> list[str]:
    """Return the names of all networks in the zoo.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names()[:3]
    ['alexnet', 'vgg11', 'vgg16']
    """
    return list(_ZOO)


def _line(names: str, line: str) -> Iterable[Named]:
    """Give each layer of a line its name."""
    return zip(names.split(), Layers.parse(line), strict=True)


def _vgg(convolutions: tuple[int, ...]) -> Iterable[Named]:
    """Stages of 3×3 convolutions, each with a 2×2 pooling behind it; `convolutions` says how many a stage has."""
    for stage, depth in enumerate(convolutions, start=1):
        for number in range(1, depth + 1):
            yield f"conv{stage}_{number}", Conv(3, padding=1)
        yield f"pool{stage}", Pool(2)


def _bottleneck(stride: int, dilation: int = 1) -> Parallel:
    """1×1, 3×3 and 1×1 beside a shortcut; the 3×3 has the stride."""
    shortcut = [Conv(1, stride=stride)] if stride > 1 else []
    return Parallel(shortcut, [Conv(1), Conv(3, stride=stride, padding=dilation, dilation=dilation), Conv(1)])


def _slim_resnet(units: tuple[int, ...]) -> Iterable[Named]:
    """TF-Slim's ResNet, which has the stride in the last unit of a block, and none in the last block."""
    yield "conv1", Conv(7, stride=2, padding=3)
    yield "pool1", Pool(3, stride=2, padding=((0, 1), (0, 1)))
    for block, depth in enumerate(units, start=1):
        for unit in range(1, depth + 1):
            is_last = unit == depth and block < len(units)
            yield f"block{block}" if unit == depth else f"block{block}/unit{unit}", _bottleneck(2 if is_last else 1)


def _torchvision_resnet(
    units: tuple[int, ...], output_stride: int = 32, multi_grid: tuple[int, ...] = ()
) -> Iterable[Named]:
    """Torchvision's ResNet, which has the stride in the first block of a layer.

    Beyond the output stride a layer doubles its dilation in place of the stride, from its second block on.  With a
    multi-grid the blocks of the last layer have the dilation times its numbers, the first, too (DeepLabv3, 3.1).
    """
    yield "conv1", Conv(7, stride=2, padding=3)
    yield "maxpool", Pool(3, stride=2, padding=1)
    total, dilation = 4, 1
    for layer, depth in enumerate(units, start=1):
        stride, first_dilation = (1 if layer == 1 else 2), dilation
        if total * stride > output_stride:
            stride, dilation = 1, dilation * stride
        total *= stride
        rates = [first_dilation, *[dilation] * (depth - 1)]
        if multi_grid and layer == len(units):
            rates = [dilation * rate for rate in multi_grid]
        for block, rate in enumerate(rates, start=1):
            unit = _bottleneck(stride if block == 1 else 1, rate)
            yield f"layer{layer}" if block == depth else f"layer{layer}.{block - 1}", unit


# Kernel, stride and dilation of MobileNetV3-Large's blocks, and whether there is a shortcut; the last are dilated.
_MOBILENET = (
    (3, 1, 1, True), (3, 2, 1, False), (3, 1, 1, True), (5, 2, 1, False), (5, 1, 1, True), (5, 1, 1, True),
    (3, 2, 1, False), (3, 1, 1, True), (3, 1, 1, True), (3, 1, 1, True), (3, 1, 1, False), (3, 1, 1, True),
    (5, 1, 2, False), (5, 1, 2, True), (5, 1, 2, True),
)  # fmt: skip


def _mobilenet() -> Iterable[Named]:
    """MobileNetV3-Large at output stride 16, without squeeze-and-excitation, which reads the whole image."""
    yield "features.0", Conv(3, stride=2, padding=1)
    for number, (kernel, stride, rate, has_shortcut) in enumerate(_MOBILENET, start=1):
        depthwise = Conv(kernel, stride=stride, padding=rate * (kernel - 1) // 2, dilation=rate)
        yield f"features.{number}", Parallel([], depthwise) if has_shortcut else depthwise
    yield "features.16", Conv(1)


def _aspp(rates: tuple[int, ...]) -> Iterable[Named]:
    """The pyramid without its image pooling, which reads the whole image, and the projection."""
    branches = " | ".join(f"k3p{rate}d{rate}" for rate in rates)
    return _line("pyramid project", f"(k1 | {branches}) k1")


def _deeplab(backbone: Iterable[Named], rates: tuple[int, ...]) -> Iterable[Named]:
    yield from backbone
    yield from _aspp(rates)


def _unet() -> Iterable[Named]:
    """Four levels of two 3×3 each, pooled on the way down, and transposed and concatenated on the way up."""
    line = "(k3p1)x2"
    for _ in range(4):
        line = f"(k3p1)x2 ( | pool2 {line} convt2s2) (k3p1)x2"
    return _line("down1.conv1 down1.conv2 level2 up1.conv1 up1.conv2", line)


def _causal(kernel_size: int, rate: int) -> Conv:
    """Along the width alone, with all the padding before the first sample."""
    return Conv((1, kernel_size), padding=((0, 0), (rate * (kernel_size - 1), 0)), dilation=(1, rate))


def _wavenet() -> Iterable[Named]:
    for rate in (2**power for power in range(10)):
        yield f"rate{rate}", Parallel([], _causal(2, rate))


def _tcn() -> Iterable[Named]:
    for level, rate in enumerate(2**power for power in range(7)):
        yield f"level{level}", Parallel([], [_causal(4, rate), _causal(4, rate)])


def _rates(*rates: int, last: str = "") -> Iterable[Named]:
    """3×3 convolutions at these rates, and a last layer where there is one more."""
    layers = Layers.parse(f"{' '.join(f'k3p{rate}d{rate}' for rate in rates)} {last}")
    return ((f"layer{number}", layer) for number, layer in enumerate(layers, start=1))


_SLIM = "TF-Slim, as in Araujo, Norris & Sim (Distill, 2019)"
_TORCHVISION = "torchvision.models.resnet"
_HDC = 'Wang et al., "Understanding convolution for semantic segmentation" (2018)'
_DEEPLAB = 'Chen et al., "Rethinking atrous convolution for semantic image segmentation" (2017)'

_ZOO: dict[str, tuple[str, Callable[[], Iterable[Named]]]] = {
    "alexnet": (
        f"{_SLIM}: alexnet_v2",
        lambda: _line(
            "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5", "k11s4 pool3s2 k5p2 pool3s2 k3p1 k3p1 k3p1 pool3s2"
        ),
    ),
    "vgg11": (f"{_SLIM}: vgg_a", lambda: _vgg((1, 1, 2, 2, 2))),
    "vgg16": (f"{_SLIM}: vgg_16", lambda: _vgg((2, 2, 3, 3, 3))),
    "resnet50-slim": (f"{_SLIM}: resnet_v1_50", lambda: _slim_resnet((3, 4, 6, 3))),
    "resnet101-slim": (f"{_SLIM}: resnet_v1_101", lambda: _slim_resnet((3, 4, 23, 3))),
    "resnet152-slim": (f"{_SLIM}: resnet_v1_152", lambda: _slim_resnet((3, 8, 36, 3))),
    "resnet50": (f"{_TORCHVISION}: resnet50", lambda: _torchvision_resnet((3, 4, 6, 3))),
    "resnet101": (f"{_TORCHVISION}: resnet101", lambda: _torchvision_resnet((3, 4, 23, 3))),
    "resnet152": (f"{_TORCHVISION}: resnet152", lambda: _torchvision_resnet((3, 8, 36, 3))),
    "deeplabv3-resnet50": (
        "torchvision.models.segmentation: deeplabv3_resnet50, without image pooling",
        lambda: _deeplab(_torchvision_resnet((3, 4, 6, 3), output_stride=8), (12, 24, 36)),
    ),
    "deeplabv3-resnet50-os16": (
        f"{_DEEPLAB}, on ResNet-50 at output stride 16",
        lambda: _deeplab(_torchvision_resnet((3, 4, 6, 3), output_stride=16), (6, 12, 18)),
    ),
    "deeplabv3-resnet50-multigrid": (
        f"{_DEEPLAB}, section 4.2, multi-grid 1, 2, 4",
        lambda: _deeplab(_torchvision_resnet((3, 4, 6, 3), 16, multi_grid=(1, 2, 4)), (6, 12, 18)),
    ),
    "deeplabv3-mobilenet_v3-os16": (
        "torchvision.models.segmentation: deeplabv3_mobilenet_v3_large, without image pooling and gates",
        lambda: _deeplab(_mobilenet(), (12, 24, 36)),
    ),
    "aspp": (f"{_DEEPLAB}, output stride 16, without image pooling", lambda: _aspp((6, 12, 18))),
    "context": (
        'Yu & Koltun, "Multi-scale context aggregation by dilated convolutions" (2016), table 1',
        lambda: _rates(1, 1, 2, 4, 8, 16, 1, last="k1"),
    ),
    "unet": ('Ronneberger, Fischer & Brox, "U-Net" (2015), with padding that keeps the size', _unet),
    "patchgan": (
        'Isola et al., "Image-to-image translation with conditional adversarial networks" (2017)',
        lambda: _line("conv1 conv2 conv3 conv4 conv5", "(k4s2p1)x3 (k4p1)x2"),
    ),
    "wavenet": (
        'van den Oord et al., "WaveNet: a generative model for raw audio" (2016), one block of ten layers',
        _wavenet,
    ),
    "tcn": ("Bai, Kolter & Koltun, https://arxiv.org/abs/1803.01271 (2018), kernel 4 and seven levels", _tcn),
    "hdc-1-2-3": (f"{_HDC}, figure 1", lambda: _rates(1, 2, 3)),
    "hdc-1-2-5": (f"{_HDC}, section 3.2", lambda: _rates(1, 2, 5)),
    "hdc-dilation-rf": (f"{_HDC}, res4b and res5b", lambda: _rates(*(1, 2, 3) * 7, 2, 2, 3, 4, 5)),
    "hdc-dilation-bigger": (f"{_HDC}, res4b and res5b", lambda: _rates(*(1, 2, 5, 9) * 5, 1, 2, 5, 5, 9, 17)),
}
