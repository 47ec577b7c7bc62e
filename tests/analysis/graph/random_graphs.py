"""Random ONNX graphs, and which pixels their outputs really read: run once with every pixel changed in turn.

The sizes of the feature maps are worked out here a second time.  All weights are positive, and a changed pixel is so
large that it wins every maximum; so an output changes if and only if it reads the pixel.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

SIZES = {1: (64,), 2: (22, 19), 3: (10, 9, 11)}
CHANGED = 1e12
# Through the smallest weights a changed pixel changes an output by more than that, and through a weight that is 0 but for
# rounding, as where a resampled place falls on a pixel, by less.
NOTICED = 1e7
END = 2**40


class RandomGraph:
    """A graph of random nodes, one on top of another, with branches that are joined again."""

    def __init__(self, onnx: Any, seed: int) -> None:
        self.onnx = onnx
        self.rng = random.Random(seed)
        self.rank = self.rng.choice([1, 2, 2, 2, 2, 3])
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.count = 0
        self.names: list[str] = []
        self.ops: list[str] = []
        self.is_cubic = False
        self.here = "image"
        self.shape: list[Any] = [None, 1, *SIZES[self.rank]]
        for _ in range(self.rng.randint(1, 5)):
            self.step(depth=1)

    # -- writing nodes

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

    def model(self, outputs: list[str]) -> Any:
        helper = self.onnx.helper
        image = helper.make_tensor_value_info("image", 1, ["N", 1, *SIZES[self.rank]])
        infos = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "graph", [image], infos, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)

    # -- choosing nodes

    def step(self, depth: int) -> None:
        choices = [self.conv] if self.is_cubic else [
            self.conv, self.conv, self.conv, self.pool, self.conv_transpose, self.pad, self.resize, self.resize,
            self.crop, self.channel_slices, self.shuffle, self.elementwise, self.tokens, self.axes_last,
        ]  # fmt: skip
        if self.rank == 2 and not self.is_cubic:
            choices += [self.to_depth, self.to_space]
        if self.rank == 1:
            choices += [self.in_a_plane, self.in_a_plane]
        if depth and not self.is_cubic:
            choices += [self.residual, self.residual, self.branches, self.conditional]
        before = self.here, list(self.shape), len(self.nodes), len(self.constants), len(self.ops)
        self.rng.choice(choices)()
        if any(size is not None and size < 1 for size in self.shape) or math.prod(self.shape[1:]) > 60_000:
            self.here, self.shape = before[0], before[1]
            del self.nodes[before[2] :], self.constants[before[3] :], self.ops[before[4] :]
        elif self.shape[1] > 8:
            self.conv(kernel=[1] * self.rank, channels=2)

    def conv(self, kernel: list[int] | None = None, channels: int | None = None, *, same: bool = False) -> None:
        rng, rank = self.rng, self.rank
        kernel = kernel or [rng.randint(1, 4) for _ in range(rank)]
        rates = [rng.randint(1, 3) for _ in range(rank)]
        strides = (
            [1] * rank
            if same or (kernel == [1] * rank and channels)
            else [rng.choice([1, 1, 2, 3]) for _ in range(rank)]
        )
        out = channels or rng.randint(1, 3)
        attributes: dict[str, Any] = {"strides": strides, "dilations": rates}
        reach = [rate * (size - 1) for rate, size in zip(rates, kernel, strict=True)]
        if same:
            before = [rng.randint(0, each) for each in reach]
            attributes["pads"] = [*before, *(each - b for each, b in zip(reach, before, strict=True))]
            sizes = list(self.plane)
        elif rng.random() < 0.25 and rates == [1] * rank:  # onnxruntime has SAME without dilation alone
            attributes["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER"])
            sizes = [-(-size // stride) for size, stride in zip(self.plane, strides, strict=True)]
        else:
            pads = [rng.randint(0, 2) for _ in range(2 * rank)] if channels is None else [0] * 2 * rank
            attributes["pads"] = pads
            sizes = [
                (size + pads[a] + pads[rank + a] - reach[a] - 1) // strides[a] + 1 for a, size in enumerate(self.plane)
            ]
        if min(sizes) < 1:
            return
        weight = self.weight(out, self.shape[1], *kernel)
        self.node("Conv", [self.here, weight], [None, out, *sizes], **attributes)

    def pool(self) -> None:
        rng, rank = self.rng, self.rank
        kernel, strides = [rng.randint(1, 3) for _ in range(rank)], [rng.randint(1, 3) for _ in range(rank)]
        pads = [rng.randint(0, (size - 1) // 2) for size in kernel] * 2
        ceil = rng.randint(0, 1)
        sizes = []
        for a, size in enumerate(self.plane):
            free = size + pads[a] + pads[rank + a] - kernel[a]
            if free < 0:
                return
            count = (-(-free // strides[a]) if ceil else free // strides[a]) + 1
            if ceil and (count - 1) * strides[a] >= size + pads[a]:
                count -= 1
            sizes.append(count)
        op = "AveragePool" if self.is_cubic else rng.choice(["MaxPool", "AveragePool"])
        shape = [None, self.shape[1], *sizes]
        self.node(op, [self.here], shape, kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=ceil)

    def conv_transpose(self) -> None:
        rng, rank = self.rng, self.rank
        kernel, strides = [rng.randint(1, 4) for _ in range(rank)], [rng.randint(1, 3) for _ in range(rank)]
        rates = [rng.randint(1, 2) for _ in range(rank)]
        extra = [rng.randrange(stride) for stride in strides]
        reach = [rates[a] * (kernel[a] - 1) + 1 for a in range(rank)]
        full = [(size - 1) * strides[a] + reach[a] for a, size in enumerate(self.plane)]
        attributes: dict[str, Any] = {"strides": strides, "dilations": rates}
        if rng.random() < 0.3:
            sizes = [max(1, size - rng.randint(0, 3)) for size in full]
            attributes["output_shape"] = sizes
            attributes["auto_pad"] = rng.choice(["NOTSET", "SAME_UPPER", "SAME_LOWER"])
        else:
            pads = [rng.randint(0, 1) for _ in range(2 * rank)]
            attributes |= {"pads": pads, "output_padding": extra}
            sizes = [full[a] + extra[a] - pads[a] - pads[rank + a] for a in range(rank)]
        if min(sizes) < 1:
            return
        weight = self.weight(self.shape[1], 1, *kernel)
        self.node("ConvTranspose", [self.here, weight], [None, 1, *sizes], **attributes)

    def pad(self) -> None:
        rng = self.rng
        mode = rng.choice(["constant", "reflect", "edge", "wrap"])
        before, after = ([rng.randint(0, min(2, size - 1)) for size in self.plane] for _ in range(2))
        if mode == "constant" and rng.random() < 0.3:
            before[0] = -1
        if rng.random() < 0.5:
            pads = self.constant([0, 0, *before, 0, 0, *after])
        else:  # as PyTorch writes them: put together, and turned round
            halves = [self.constant([0, 0, *half]) for half in (before, after)]
            pads = self.node("Cast", [self.node("Concat", halves, axis=0)], to=7)
        shape = [None, self.shape[1], *(size + before[a] + after[a] for a, size in enumerate(self.plane))]
        if min(shape[2:]) > 0:
            self.node("Pad", [self.here, pads] if mode != "constant" else [self.here, pads, ""], shape, mode=mode)

    def resize(self) -> None:
        rng, rank = self.rng, self.rank
        mode = rng.choice(["nearest", "linear", "cubic"])
        # A cubic has negative weights, which a maximum would hide, and which cancel in a second one; onnxruntime has 2-D ones.
        if mode == "cubic" and (rank != 2 or {"Resize", "ConvTranspose"} & set(self.ops)):
            mode = "linear"
        self.is_cubic |= mode == "cubic"
        place = rng.choice(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
        rounding = rng.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
        attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": place}
        if mode == "nearest":
            attributes["nearest_mode"] = rounding
        scales = [rng.choice([1, 2, 3, 0.5, 1.5]) for _ in range(rank)]
        if mode == "cubic" and place == "align_corners":
            attributes["coordinate_transformation_mode"] = place = (
                "half_pixel"  # its weights would be as small as rounding
            )
        if mode != "cubic" and (rng.random() < 0.5 or place == "align_corners"):
            sizes = [rng.randint(max(1, size // 2), 2 * size) for size in self.plane]
            if mode == "linear" or rounding in {"floor", "ceil"}:  # at ratios that leave nothing to rounding
                fixed = int(place == "align_corners")
                sizes = [fixed + (size - fixed) * rng.choice([1, 2, 3]) for size in self.plane]
            target = [self.here, "", "", self.constant([-1, self.shape[1], *sizes])]
            # The batch is not resized: its size is that of the image, which the graph has to find out.
            batch = self.node("Gather", [self.node("Shape", [self.here]), self.constant([0, 1])], axis=0)
            target[3] = self.node("Concat", [batch, self.constant(sizes)], axis=0)
        else:
            sizes = [math.floor(size * scale) for size, scale in zip(self.plane, scales, strict=True)]
            target = [self.here, "", self.constant([1, 1, *scales], np.float32)]
        if min(sizes) > 0:
            self.node("Resize", target, [None, self.shape[1], *sizes], **attributes)

    def crop(self) -> None:
        axis = self.rng.randrange(self.rank)
        size = self.plane[axis]
        start, stop = self.rng.randint(0, 2), self.rng.choice([END, -1, size - 1])
        step = self.rng.choice([1, 1, 2])
        sizes = list(self.plane)
        sizes[axis] = len(range(size)[start : min(stop, size) : step])
        if sizes[axis] < 2:
            return
        bounds = [self.constant([each]) for each in (start, stop, axis + 2, step)]
        self.node("Slice", [self.here, *bounds], [None, self.shape[1], *sizes])

    def channel_slices(self) -> None:
        if self.shape[1] < 2:
            return
        self.conv(kernel=[1] * self.rank, channels=2)  # so that all channels see alike
        half = self.shape[1] // 2
        parts = [
            self.node("Slice", [self.here, *(self.constant([each]) for each in bounds)])
            for bounds in ((0, half, 1), (half, END, 1))
        ]
        first = self.node("LeakyRelu", [parts[0]])
        self.node("Concat", [parts[1], first], [None, *self.shape[1:]], axis=1)

    def shuffle(self) -> None:
        channels = self.shape[1]
        if channels % 2:
            return
        cut = self.node("Reshape", [self.here, self.constant([0, 2, channels // 2, *self.plane])])
        turned = self.node("Transpose", [cut], perm=[0, 2, 1, *range(3, 3 + self.rank)])
        self.node("Reshape", [turned, self.constant([-1, channels, *self.plane])], [None, *self.shape[1:]])

    def to_depth(self) -> None:
        height, width = self.plane
        if height % 2 == 0 and width % 2 == 0:
            self.node("SpaceToDepth", [self.here], [None, 4 * self.shape[1], height // 2, width // 2], blocksize=2)

    def to_space(self) -> None:
        self.conv(kernel=[1, 1], channels=4)  # so that all channels see alike
        height, width = self.plane
        mode = self.rng.choice(["DCR", "CRD"])
        shape = [None, self.shape[1] // 4, 2 * height, 2 * width]
        self.node("DepthToSpace", [self.here], shape, blocksize=2, mode=mode)

    def elementwise(self) -> None:
        same = [None, *self.shape[1:]]
        choice = self.rng.randrange(4)
        if choice == 0:
            gate = self.node("HardSigmoid", [self.here])
            lifted = self.node("Add", [gate, self.constant(1, np.float32)])
            self.node("Mul", [self.here, lifted], same)
        elif choice == 1:
            ones = [self.constant(np.ones(self.shape[1]), np.float32) for _ in range(4)]
            self.node("BatchNormalization", [self.here, *ones], same)
        elif choice == 2:
            self.node("ReduceMean", [self.here, self.constant([1])], [None, 1, *self.plane], keepdims=1)
        else:
            self.node("LeakyRelu", [self.here], same)

    def tokens(self) -> None:
        """Flatten to tokens, multiply each with a matrix, and put the plane together again."""
        channels = self.shape[1]
        flat = self.node("Reshape", [self.here, self.constant([0, channels, -1])])
        turned = self.node("Transpose", [flat], perm=[0, 2, 1])
        mixed = self.node("MatMul", [turned, self.weight(channels, 2)])
        back = self.node("Transpose", [mixed], perm=[0, 2, 1])
        self.node("Reshape", [back, self.constant([0, 2, *self.plane])], [None, 2, *self.plane])

    def axes_last(self) -> None:
        """Compute with channels last, as files from TensorFlow do, and crop there."""
        last = self.node("Transpose", [self.here], perm=[0, *range(2, 2 + self.rank), 1])
        scaled = self.node("Mul", [last, self.weight(self.shape[1])])
        perm = [0, 1 + self.rank, *range(1, 1 + self.rank)]
        self.node("Transpose", [scaled], [None, *self.shape[1:]], perm=perm)

    def in_a_plane(self) -> None:
        """Convolve a sequence in a plane of one row."""
        size = self.rng.randint(1, 3)
        length = self.plane[0] - 2 * (size - 1)
        if length > 0:
            plane = self.node("Unsqueeze", [self.here, self.constant([2])])
            conv = self.node("Conv", [plane, self.weight(2, self.shape[1], 1, size)], dilations=[1, 2])
            self.node("Squeeze", [conv, self.constant([2])], [None, 2, length])

    def residual(self) -> None:
        start, shape = self.here, list(self.shape)
        for _ in range(self.rng.randint(1, 2)):
            self.conv(channels=shape[1], same=True)
        # A product with 0 hides the other factor, and a transposed convolution leaves some.
        ops = ["Add"] if self.is_cubic else ["Add", "Max"] if "ConvTranspose" in self.ops else ["Add", "Max", "Mul"]
        self.node(self.rng.choice(ops), [self.here, start], shape)

    def branches(self) -> None:
        start, shape = self.here, list(self.shape)
        ends = []
        for _ in range(self.rng.randint(2, 3)):
            self.here, self.shape = start, list(shape)
            if self.rng.random() < 0.8:
                self.conv(channels=2, same=True)
            ends.append((self.here, self.shape[1]))
        total = sum(channels for _, channels in ends)
        self.node("Concat", [name for name, _ in ends], [None, total, *shape[2:]], axis=1)

    def conditional(self) -> None:
        helper = self.onnx.helper
        parts = []
        for op in ("LeakyRelu", "Identity"):  # a Relu would hide what has a negative weight
            out = helper.make_tensor_value_info(f"{op}{self.count}", 1, None)
            node = helper.make_node(op, [self.here], [out.name], name=f"in{op}{self.count}")
            parts.append(helper.make_graph([node], op, [], [out]))
        condition = self.constant(self.rng.random() < 0.5, np.bool_)
        self.node("If", [condition], [None, *self.shape[1:]], then_branch=parts[0], else_branch=parts[1])


def really_read(onnxruntime: Any, graph: RandomGraph, seed: int) -> np.ndarray[Any, Any]:
    """Return whether each output, whatever its channel, reads each pixel: [*outputs, *pixels]."""
    size = SIZES[graph.rank]
    pixels = math.prod(size)
    images = np.repeat(np.random.default_rng(seed).uniform(0.5, 1, (1, pixels)), pixels + 1, axis=0)
    images[np.arange(pixels), np.arange(pixels)] = CHANGED
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    model = graph.model([graph.here]).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": images.reshape(pixels + 1, 1, *size).astype(np.float32)})
    with np.errstate(invalid="ignore"):
        changed = ~(abs(found[:-1] - found[-1:]) < NOTICED).all(axis=1)
    read: np.ndarray[Any, Any] = np.moveaxis(changed, 0, -1).reshape(*changed.shape[1:], *size)
    return read
