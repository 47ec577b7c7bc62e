"""What does one node of an ONNX graph read?  Convolutions, poolings, upsampling and padding become layers.

Source: the operator specifications of ONNX 1.17, opset 22, and Upsample of opset 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.upsampling import ConvTranspose, Upsample

__all__: list[str] = []

ELEMENTWISE = frozenset(
    """Abs BatchNormalization Cast Ceil Celu Clip DequantizeLinear Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish
    Identity LRN LeakyRelu Log Mish Neg Not PRelu QuantizeLinear Reciprocal Relu Round Selu Sigmoid Sign Softplus
    Softsign Sqrt Tanh ThresholdedRelu""".split()  # noqa: SIM905  # a list of names reads better as text
)
MERGING = frozenset(
    "Add And Concat Div Equal Greater Less Max Mean Min Mod Mul Or Pow Sub Sum Where Xor".split()  # noqa: SIM905
)
NEAREST = {("asymmetric", "floor")} | {
    (place, rounding)
    for place in ("half_pixel", "pytorch_half_pixel")
    for rounding in ("round_prefer_floor", "round_prefer_ceil")
}


@dataclass(frozen=True)
class Node:
    """A node with its attributes as plain values, and those of its inputs that are constants."""

    op: str
    name: str
    inputs: Sequence[str]
    attributes: dict[str, Any]
    constants: dict[str, Any]

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"ONNX node {self.name!r} ({self.op})"

    def constant(self, position: int) -> Any:
        """Return an input's values as nested lists; None where it has none or they are computed."""
        return self.constants.get(self.inputs[position]) if position < len(self.inputs) else None


def layers_of(node: Node) -> list[Layer]:
    """Return the layers that read what the node reads: none for an element-wise one."""
    if node.op in ELEMENTWISE or node.op in MERGING:
        if node.op == "Concat" and node.attributes["axis"] not in (1, -3):
            raise ValueError(f"{node.title}: axis={node.attributes['axis']} must be 1, the channels")
        return []
    if node.op not in _READERS:
        raise ValueError(f"{node.title} has no receptive field: it reads all pixels, or moves them about")
    try:
        return [_READERS[node.op](node)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{node.title}: {error}") from None


def _window(node: Node) -> dict[str, Any]:
    """Return kernel size, stride, padding and dilation; those of one axis are about the width."""
    kernel_size = node.attributes.get("kernel_shape")
    if kernel_size is None:
        weight = node.constants.get(f"shape of {node.inputs[1]}")
        if weight is None:
            raise ValueError("kernel_shape is not given, and the weight is computed")
        kernel_size = weight[2:]
    axes = len(kernel_size)
    if axes > 2:
        raise ValueError(f"kernel_shape={kernel_size} must have one axis or two")
    sizes = {
        "kernel_size": kernel_size,
        "stride": node.attributes.get("strides", [1] * axes),
        "dilation": node.attributes.get("dilations", [1] * axes),
    }
    on_two_axes = {name: tuple([1] * (2 - axes) + list(size)) for name, size in sizes.items()}
    return {**on_two_axes, "padding": _padding(node, axes)}


def _padding(node: Node, axes: int) -> Any:
    auto_pad = node.attributes.get("auto_pad", "NOTSET")
    if auto_pad != "NOTSET":
        return auto_pad.lower()
    return _sides(node.attributes.get("pads", [0] * 2 * axes))


def _sides(pads: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ((top, bottom), (left, right)) of ONNX's order, which has all beginnings first."""
    axes = len(pads) // 2
    height, width = [(0, 0)] * (2 - axes) + list(zip(pads[:axes], pads[axes:], strict=True))
    return height, width


def _pool(node: Node) -> Layer:
    window = _window(node)
    return Pool(**window, ceil_mode=bool(node.attributes.get("ceil_mode", 0)))


def _conv_transpose(node: Node) -> Layer:
    if "output_shape" in node.attributes:
        raise ValueError("output_shape must be written as pads")
    window = _window(node)
    extra = node.attributes.get("output_padding", [0])
    return ConvTranspose(**window, output_padding=tuple([0] * (2 - len(extra)) + list(extra)))


def _resize(node: Node) -> Layer:
    scales = node.constant(1 if node.op == "Upsample" else 2)
    if not scales:
        raise ValueError("its scales must be constants")
    if list(scales[:2]) != [1, 1] or any(scale != int(scale) for scale in scales):
        raise ValueError(f"scales={scales} must be whole numbers, and 1 for the batch and the channels")
    scale = tuple([1] * (4 - len(scales)) + [int(scale) for scale in scales[2:]])
    # Upsample, the older operator, has no such attributes: it starts at the corner and rounds down.
    places = ("asymmetric", "floor") if node.op == "Upsample" else ("half_pixel", "round_prefer_floor")
    place = node.attributes.get("coordinate_transformation_mode", places[0])
    rounding = node.attributes.get("nearest_mode", places[1])
    mode = node.attributes.get("mode", "nearest")
    if mode == "nearest" and (place, rounding) in NEAREST:
        return Upsample(scale)
    if mode == "linear" and place in {"half_pixel", "pytorch_half_pixel"}:
        return Upsample(scale, "bilinear")
    raise ValueError(f"mode={mode!r} with {place!r} and {rounding!r} must be nearest or linear between pixels' centres")


def _pad(node: Node) -> Layer:
    """Read padding as a 1×1 convolution that has it."""
    mode = node.attributes.get("mode", "constant")
    pads = node.attributes.get("pads") or node.constant(1)
    if mode != "constant" or not pads:
        raise ValueError(f"mode={mode!r} must be 'constant', with constant pads")
    half = len(pads) // 2
    if any(pads[:2]) or any(pads[half : half + 2]):
        raise ValueError(f"pads={pads} must be 0 for the batch and the channels")
    return Conv(1, padding=_sides([*pads[2:half], *pads[half + 2 :]]))


_READERS: dict[str, Callable[[Node], Layer]] = {
    "Conv": lambda node: Conv(**_window(node)),
    "ConvInteger": lambda node: Conv(**_window(node)),
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "ConvTranspose": _conv_transpose,
    "Resize": _resize,
    "Upsample": _resize,
    "Pad": _pad,
}
