"""Random ONNX graphs, and which pixels their outputs really read: run once with every pixel changed in turn.

All weights are positive, and a changed pixel is so large that it wins every maximum; so an output changes if and only if
it reads the pixel.  Where a node reads whole dimensions, beside what it reads locally, a *twin* stands for it in the run:
``local`` leaves the whole out, and ``wide`` reads it as a mean, for a softmax would hide what it reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from random_moves import Moves, is_reasonable
from random_windows import SIZES

CHANGED = 1e12
# Through the smallest weights a changed pixel changes an output by more than that, and through a weight that is 0 but for
# rounding, as where a resampled place falls on a pixel, by less.
NOTICED = 1e7


class RandomGraph(Moves):
    """A graph of random nodes, one on top of another, with branches that are joined again."""

    def __init__(self, onnx: Any, seed: int) -> None:
        super().__init__(onnx, seed)
        for _ in range(self.rng.randint(1, 5)):
            self.step(depth=1)
        if self.rng.random() < 0.05 and not self.is_cubic:
            self.head()

    def step(self, depth: int) -> None:
        choices: list[Callable[[], None]] = [self.conv, self.pool]
        if not self.is_cubic:
            choices += [
                self.conv,
                self.conv,
                self.conv_transpose,
                self.pad,
                self.resize,
                self.resize,
                self.twice,
                self.fit,
                self.elementwise,
            ]
            choices += [self.elementwise, self.wide_node, *self.moves()]
        if depth and not self.is_cubic:
            choices += [self.residual, self.residual, self.branches, self.branches, self.conditional]
        before = self.here, list(self.shape), len(self.nodes), len(self.constants), len(self.ops)
        self.rng.choice(choices)()
        if not is_reasonable(self.shape[1:]):
            self.here, self.shape = before[0], before[1]
            del self.nodes[before[2] :], self.constants[before[3] :], self.ops[before[4] :]
        elif self.shape[1] > 8:
            self.alike(2)

    def elementwise(self) -> None:
        same = [None, *self.shape[1:]]
        choice = self.rng.randrange(7)
        if choice == 0:
            lifted = self.node("Add", [self.node("HardSigmoid", [self.here]), self.constant(1, np.float32)])
            self.node("Mul", [self.here, lifted], same)
        elif choice == 1:
            self.node("Mul", [self.here, self.node("Sigmoid", [self.here])], same)
        elif choice == 2:
            ones = [self.constant(np.ones(self.shape[1]), np.float32) for _ in range(4)]
            self.node("BatchNormalization", [self.here, *ones], same)
        elif choice == 3:
            op = self.rng.choice(["ReduceMean", "ReduceMax", "ReduceSum", "ReduceL1"])
            self.node(op, [self.here, self.constant([1])], [None, 1, *self.plane], keepdims=1)
        elif choice == 4:
            self.beside_itself("Softmax", [1], axis=1)
        elif choice == 5:  # a normalisation over channels, with these last
            self.node(
                "Transpose", [self.here], [None, *self.plane, self.shape[1]], perm=[0, *range(2, 2 + self.rank), 1]
            )
            scale = self.constant(np.ones(self.shape[-1]), np.float32)
            self.beside_itself("LayerNormalization", [self.rank + 1], scale, axis=-1)
            self.node("Transpose", [self.here], same, perm=[0, 1 + self.rank, *range(1, 1 + self.rank)])
        else:
            self.node("LeakyRelu", [self.here], same)

    # -- what reads all of a dimension

    def beside_itself(
        self, op: str, dims: Sequence[int], *inputs: str, is_wide: bool = False, **attributes: Any
    ) -> None:
        """Write a node whose elements read their own place and whole dimensions, and its twins, which are linear."""
        below = self.here
        name = self.node(op, [below, *inputs], self.shape, **attributes)
        make, mean = self.onnx.helper.make_node, [f"{name}mean"]
        twin = [make("ReduceMean", [below, self.constant(dims)], mean), make("Add", [below, *mean], [name])]
        self.twins[name] = {"wide": twin, "local": [make("Identity", [below], [name])] if is_wide else twin}
        if is_wide:
            self.wide[self.nodes[-1].name] = below, [dim - 2 for dim in dims]

    def summary(self) -> None:
        """Write a number for each channel, of the whole plane; the local run leaves it out."""
        below, dims = self.here, list(range(2, 2 + self.rank))
        op = self.rng.choice(["GlobalAveragePool", "GlobalMaxPool", "ReduceMean"])
        inputs = [below, self.constant(dims)] if op == "ReduceMean" else [below]
        name = self.node(op, inputs, [None, self.shape[1], *[1] * self.rank])
        make = self.onnx.helper.make_node
        zero = self.constant(0, np.float32)
        self.twins[name] = {"local": [make(op, inputs, [f"{name}all"]), make("Mul", [f"{name}all", zero], [name])]}
        self.wide[self.nodes[-1].name] = below, list(range(self.rank))

    def wide_node(self) -> None:
        way, below, shape = self.rng.randrange(5), self.here, list(self.shape)
        groups = 2 if shape[1] % 2 == 0 else 1
        if way == 0:
            ones = [self.constant(np.ones(shape[1]), np.float32) for _ in range(2)]
            self.beside_itself("InstanceNormalization", range(2, 2 + self.rank), *ones, is_wide=True)
        elif way == 1:  # a normalisation of groups, as PyTorch writes it
            self.node(
                "Reshape",
                [below, self.constant([0, groups, -1])],
                [None, groups, shape[1] // groups, math.prod(shape[2:])],
            )
            self.shape = [None, groups, 1]
            ones = [self.constant(np.ones(groups), np.float32) for _ in range(2)]
            self.beside_itself("InstanceNormalization", [2], *ones, is_wide=True)
            self.wide[self.nodes[-1].name] = below, list(range(self.rank))
            self.node("Reshape", [self.here, self.constant([-1, *shape[1:]])], shape)
        elif way == 2:
            dim = self.rng.randrange(2, 2 + self.rank)
            self.beside_itself("Softmax", [dim], is_wide=True, axis=dim)
        elif way == 3:  # squeeze and excitation
            self.summary()
            self.alike(shape[1])
            self.node("Mul", [below, self.node("LeakyRelu", [self.here])], shape)
            self.node("Add", [self.here, below], shape)
        else:  # image pooling
            self.summary()
            self.alike(2)
            sizes = self.constant([1, 2, *shape[2:]])
            op, inputs = (
                ("Resize", ["", "", self._sizes(shape[2:])]) if self.rng.random() < 0.5 else ("Expand", [sizes])
            )
            spread = self.node(op, [self.here, *inputs])
            self.node("Concat", [below, spread], [None, shape[1] + 2, *shape[2:]], axis=1)

    def head(self) -> None:
        """Write a fully connected layer, which sees all of the plane."""
        below = self.here
        flat = self.node("Flatten", [below])
        self.node("MatMul", [flat, self.weight(math.prod(self.shape[1:]), 2)], [None, 2])
        self.wide[self.nodes[-1].name] = below, list(range(self.rank))

    # -- what joins several

    def residual(self) -> None:
        start, shape = self.here, list(self.shape)
        for _ in range(self.rng.randint(1, 2)):
            self.conv(channels=shape[1], same=True)
        # A product with 0 hides the other factor, and a transposed convolution leaves some.
        ops = ["Add", "Sum", "Mean"]
        if not self.is_cubic:
            ops += ["Max"] if "ConvTranspose" in self.ops or self.wide else ["Max", "Mul"]
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


def really_read(onnxruntime: Any, graph: RandomGraph, seed: int, run: str = "local", *others: str) -> list[Any]:
    """Return whether each output, whatever its channel, reads each pixel: [*outputs, *pixels], and so of other tensors."""
    size = SIZES[graph.rank]
    pixels = math.prod(size)
    images = np.repeat(np.random.default_rng(seed).uniform(0.5, 1, (1, pixels)), pixels + 1, axis=0)
    images[np.arange(pixels), np.arange(pixels)] = CHANGED
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    names = [graph.here, *others]
    model = graph.model(names, run).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"image": images.reshape(pixels + 1, 1, *size).astype(np.float32)}
    found = dict(zip(dict.fromkeys(names), session.run(None, feed), strict=True))
    read = []
    for name in names:
        with np.errstate(invalid="ignore"):
            changed = ~(abs(found[name][:-1] - found[name][-1:]) < NOTICED).all(axis=1)
        read.append(np.moveaxis(changed, 0, -1).reshape(*changed.shape[1:], *size))
    return read
