"""Random ONNX nodes that slide a window over the plane or resample it, each with the size of its result.

The sizes of the feature maps are worked out here a second time.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np

SIZES = {1: (64,), 2: (22, 19), 3: (8, 7, 9)}


class Writer:
    """A graph that is written node by node: where it stands, what shape that has, and what has been written."""

    def __init__(self, onnx: Any, seed: int) -> None:
        self.onnx = onnx
        self.rng = random.Random(seed)
        self.rank = self.rng.choice([1, 2, 2, 2, 2, 3])
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.twins: dict[
            str, dict[str, list[Any]]
        ] = {}  # by a tensor, what stands for its node in the run of that name
        self.wide: dict[str, tuple[str, list[int]]] = {}  # nodes that read whole dimensions: of which tensor, and which
        self.count = 0
        self.ops: list[str] = []
        self.is_cubic = False
        self.here = "image"
        self.shape: list[Any] = [None, 1, *SIZES[self.rank]]

    def node(self, op: str, inputs: list[str], shape: list[Any] | None = None, **attributes: Any) -> str:
        self.count += 1
        name = f"t{self.count}"
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [name], name=f"n{self.count}", **attributes))
        self.ops.append(op)
        if shape is not None:
            self.here, self.shape = name, shape
        return name

    def constant(self, values: Any, kind: type = np.int64) -> str:
        self.count += 1
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(values, dtype=kind), f"c{self.count}"))
        return f"c{self.count}"

    def weight(self, *shape: int) -> str:
        values = np.random.default_rng(self.rng.randrange(2**32)).uniform(0.5, 1, shape)
        return self.constant(values, np.float32)

    @property
    def plane(self) -> list[int]:
        return self.shape[2:]

    def model(self, outputs: list[str], run: str = "", *, has_size: bool = True) -> Any:
        """Return the model, with the twins of a run in it, and with or without the size of the plane."""
        helper, size = self.onnx.helper, SIZES[self.rank] if has_size else [f"axis {a}" for a in range(self.rank)]
        image = helper.make_tensor_value_info("image", 1, ["N", 1, *size])
        infos = [helper.make_tensor_value_info(name, 1, None) for name in dict.fromkeys(outputs)]
        nodes = [each for node in self.nodes for each in self.twins.get(node.output[0], {}).get(run, [node])]
        graph = helper.make_graph(nodes, "graph", [image], infos, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


class Windows(Writer):
    """Convolutions, poolings, their transposes, padding and resampling."""

    def conv(self, kernel: list[int] | None = None, channels: int | None = None, *, same: bool = False) -> None:
        rng, rank = self.rng, self.rank
        is_plain = kernel is not None  # one tap, to mix the channels
        kernel = kernel or [rng.randint(1, 4) for _ in range(rank)]
        rates = [rng.randint(1, 3) for _ in range(rank)]
        strides = [1 if same or is_plain else rng.choice([1, 1, 2, 3]) for _ in range(rank)]
        out, group = channels or rng.randint(1, 3), 1
        if not channels and rng.random() < 0.2:  # depthwise
            out = group = self.shape[1]
        attributes: dict[str, Any] = {"strides": strides, "dilations": rates, "group": group}
        reach = [rate * (size - 1) for rate, size in zip(rates, kernel, strict=True)]
        if same:
            before = [rng.randint(0, each) for each in reach]
            attributes["pads"] = [*before, *(each - b for each, b in zip(reach, before, strict=True))]
            sizes = list(self.plane)
        elif rng.random() < 0.25 and rates == [1] * rank:  # onnxruntime has SAME without dilation alone
            attributes["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER"])
            sizes = [-(-size // stride) for size, stride in zip(self.plane, strides, strict=True)]
        else:
            pads = [0 if is_plain else rng.randint(0, 2) for _ in range(2 * rank)]
            attributes["pads"] = pads
            sizes = [
                (size + pads[a] + pads[rank + a] - reach[a] - 1) // strides[a] + 1 for a, size in enumerate(self.plane)
            ]
        if min(sizes) < 1:
            return
        weight = self.weight(out, self.shape[1] // group, *kernel)
        self.node("Conv", [self.here, weight], [None, out, *sizes], **attributes)

    def alike(self, channels: int) -> None:
        """Let all channels see alike: what only some of them read would not be compared."""
        self.conv(kernel=[1] * self.rank, channels=channels)

    def pool(self) -> None:
        rng, rank = self.rng, self.rank
        op = "AveragePool" if self.is_cubic else rng.choice(["MaxPool", "MaxPool", "AveragePool", "LpPool"])
        kernel, strides = [rng.randint(1, 3) for _ in range(rank)], [rng.randint(1, 3) for _ in range(rank)]
        attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
        if op == "LpPool":
            attributes["p"] = 1
        elif rng.random() < 0.2 and all(map(int.__ge__, kernel, strides)):  # onnxruntime pads by less than 0 otherwise
            attributes["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER"])
            sizes = [-(-size // stride) for size, stride in zip(self.plane, strides, strict=True)]
            self.node(op, [self.here], [None, self.shape[1], *sizes], **attributes)
            return
        rates = [rng.randint(1, 2) for _ in range(rank)] if op == "MaxPool" else [1] * rank
        pads = [rng.randint(0, (size - 1) // 2) for size in kernel * 2]
        ceil = 0 if op == "LpPool" else rng.randint(0, 1)
        sizes = []
        for a, size in enumerate(self.plane):
            free = size + pads[a] + pads[rank + a] - rates[a] * (kernel[a] - 1) - 1
            if free < 0:
                return
            count = (-(-free // strides[a]) if ceil else free // strides[a]) + 1
            if ceil and (count - 1) * strides[a] >= size + pads[a]:
                count -= 1
            sizes.append(count)
        attributes |= {"pads": pads} | ({"dilations": rates} if op == "MaxPool" else {})
        attributes |= {"ceil_mode": ceil} if op != "LpPool" else {}
        self.node(op, [self.here], [None, self.shape[1], *sizes], **attributes)

    def conv_transpose(self) -> None:
        rng, rank = self.rng, self.rank
        kernel, strides = [rng.randint(1, 4) for _ in range(rank)], [rng.randint(1, 3) for _ in range(rank)]
        rates = [rng.randint(1, 2) for _ in range(rank)]
        extra = [rng.randrange(stride) for stride in strides]
        reach = [rates[a] * (kernel[a] - 1) + 1 for a in range(rank)]
        full = [(size - 1) * strides[a] + reach[a] for a, size in enumerate(self.plane)]
        attributes: dict[str, Any] = {"strides": strides, "dilations": rates}
        way = rng.random()
        if way < 0.2:
            sizes = [max(1, size - rng.randint(0, 3)) for size in full]
            attributes["output_shape"] = sizes
            attributes["auto_pad"] = rng.choice(["NOTSET", "SAME_UPPER", "SAME_LOWER"])
        elif way < 0.4 and all(map(int.__ge__, reach, strides)):  # where it crops, and adds nothing
            sizes = [size * stride for size, stride in zip(self.plane, strides, strict=True)]
            attributes["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER"])
        else:
            pads = [rng.randint(0, 1) for _ in range(2 * rank)]
            attributes |= {"pads": pads, "output_padding": extra}
            sizes = [full[a] + extra[a] - pads[a] - pads[rank + a] for a in range(rank)]
        if min(sizes) < 1:
            return
        out, group = 1, 1
        if rng.random() < 0.2:  # depthwise
            out = group = self.shape[1]
        weight = self.weight(self.shape[1], out // group, *kernel)
        self.node("ConvTranspose", [self.here, weight], [None, out, *sizes], group=group, **attributes)

    def pad(self) -> None:
        rng = self.rng
        mode = rng.choice(["constant", "reflect", "edge", "wrap"])
        before, after = ([rng.randint(0, min(2, size - 1)) for size in self.plane] for _ in range(2))
        if mode == "constant" and rng.random() < 0.3:
            before[0] = -1
        shape = [None, self.shape[1], *(size + before[a] + after[a] for a, size in enumerate(self.plane))]
        if min(shape[2:]) < 1:
            return
        inputs = [self.here, "", ""]
        way = rng.randrange(4)
        if way == 0:
            inputs[1] = self.constant([0, 0, *before, 0, 0, *after])
        elif way == 1:
            inputs[1] = self.constant([*before, *after])
            inputs.append(self.constant(range(2, self.rank + 2)))
        else:
            halves = [self.constant([0, 0, *half]) for half in (before, after)]
            inputs[1] = self.node("Cast", [self.node("Concat", halves, axis=0)], to=7)
            if way == 2:
                inputs[1] = self._as_pytorch_writes(before, after)
        self.node("Pad", inputs, shape, mode=mode)

    def _as_pytorch_writes(self, before: list[int], after: list[int]) -> str:
        """Write pads from the last axis to the first, fill up with zeros, and turn round."""
        pairs = [pad for sides in zip(before[::-1], after[::-1], strict=True) for pad in sides]
        zeros = self.node("ConstantOfShape", [self.constant([4])])
        pads = self.node("Concat", [self.constant(pairs, np.float32), zeros], axis=0)
        rows = self.node("Reshape", [pads, self.constant([-1, 2])])
        bounds = [self.constant([each]) for each in (-1, -(2**40), 0, -1)]
        turned = self.node("Transpose", [self.node("Slice", [rows, *bounds])], perm=[1, 0])
        return self.node("Cast", [self.node("Reshape", [turned, self.constant([-1])])], to=7)

    def resize(self) -> None:
        rng, rank = self.rng, self.rank
        mode = rng.choice(["nearest", "linear", "cubic"])
        # A cubic has negative weights, which a maximum would hide, and which cancel in a second one; onnxruntime has 2-D ones.
        if mode == "cubic" and (rank != 2 or {"Resize", "ConvTranspose"} & set(self.ops)):
            mode = "linear"
        self.is_cubic |= mode == "cubic"
        places = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
        place = rng.choice(places + ["tf_half_pixel_for_nn"] * (mode == "nearest"))
        rounding = rng.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
        if place == "half_pixel_symmetric" and rounding in {"floor", "ceil"}:
            rounding = f"round_prefer_{rounding}"  # it has outputs on pixels, which rounding turns
        if mode == "cubic" and place in {"align_corners", "half_pixel_symmetric"}:
            place = "half_pixel"  # its weights would be as small as rounding
        attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": place}
        if mode == "nearest":
            attributes["nearest_mode"] = (
                "floor" if place == "tf_half_pixel_for_nn" else rounding
            )  # as TensorFlow has it
        elif rank == 2 and rng.random() < 0.2 and place in ({"half_pixel"} if mode == "cubic" else set(places[:3])):
            # Elsewhere a widened cubic is 0 at whole steps within its reach, and its reach is what is said.
            attributes["antialias"] = 1
        if mode != "cubic" and (rng.random() < 0.5 or place == "align_corners"):
            sizes = [rng.randint(max(1, size // 2), 2 * size) for size in self.plane]
            is_tied = any(map(_has_ties, self.plane, sizes))
            if mode == "linear" or is_tied or rounding in {"floor", "ceil"}:  # at ratios that leave nothing to rounding
                fixed = int(place == "align_corners")
                sizes = [fixed + (size - fixed) * rng.choice([1, 2, 3]) for size in self.plane]
            target = ["", self._sizes(sizes)]
        else:
            scales = [rng.choice([1, 2, 3, 0.5, 1.5]) for _ in range(rank)]
            sizes = [math.floor(size * scale) for size, scale in zip(self.plane, scales, strict=True)]
            target = [self.constant([1, 1, *scales], np.float32)]
        if min(sizes) > 0:
            self.node("Resize", [self.here, "", *target], [None, self.shape[1], *sizes], **attributes)

    def fit(self) -> None:
        """Resample as far as the proportions of the plane allow, along its own axes."""
        policy = self.rng.choice(["not_larger", "not_smaller"])
        times = [self.rng.choice([1, 2, 3]) for _ in self.plane]
        wanted = self.constant([size * each for size, each in zip(self.plane, times, strict=True)])
        kept = min(times) if policy == "not_larger" else max(times)
        attributes = {"mode": "linear", "keep_aspect_ratio_policy": policy, "axes": range(2, self.rank + 2)}
        shape = [*self.shape[:2], *(kept * size for size in self.plane)]
        self.node("Resize", [self.here, "", "", wanted], shape, **attributes)

    def _sizes(self, sizes: list[int]) -> str:
        """Write the sizes behind those of batch and channels, which the graph has to find out."""
        batch = self.node("Gather", [self.node("Shape", [self.here]), self.constant([0, 1])], axis=0)
        return self.node("Concat", [batch, self.constant(sizes)], axis=0)

    def twice(self) -> None:
        """Resample to twice the size that the graph finds out, and multiplies."""
        size = self.node(
            "Cast",
            [self.node("Slice", [self.node("Shape", [self.here]), self.constant([2]), self.constant([9])])],
            to=1,
        )
        doubled = self.node("Floor", [self.node("Mul", [size, self.constant(2, np.float32)])])
        batch = self.node("Shape", [self.here], start=0, end=2)
        sizes = self.node("Concat", [batch, self.node("Cast", [doubled], to=7)], axis=0)
        place = self.rng.choice(["asymmetric", "half_pixel"])
        attributes = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": place}
        self.node(
            "Resize", [self.here, "", "", sizes], [*self.shape[:2], *(2 * size for size in self.plane)], **attributes
        )


def _has_ties(before: int, after: int) -> bool:
    """Whether an output lies in the middle between two pixels, where rounding may turn either way."""
    steps = [Fraction(before, after), Fraction(max(1, before - 1), max(1, after - 1))]
    places = [step * (p + shift) - shift for step in steps for p in range(after) for shift in (0, Fraction(1, 2))]
    return any(place.denominator == 2 for place in places)
