"""Random ONNX nodes that move elements about: slices, splits, shuffles, reshapes, transposes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from random_windows import Windows

END = 2**40


class Moves(Windows):
    """Nodes that compute nothing, alone or around one that does."""

    def crop(self) -> None:
        axis, way = self.rng.randrange(self.rank), self.rng.randrange(4)
        size = self.plane[axis]
        start, stop = self.rng.randint(0, 2), self.rng.choice([END, -1, size - 1])
        step = self.rng.choice([1, 1, 2])
        chosen = range(size)[start : min(stop, size) : step]
        if len(chosen) < 2:
            return
        sizes = [*self.shape[: axis + 2], len(chosen), *self.plane[axis + 1 :]]
        if way == 0:
            self.node("Gather", [self.here, self.constant(chosen)], sizes, axis=axis + 2)
        elif way == 1 and size > 4:
            self.cut(axis + 2, [size // 2, size - size // 2])
            self.here = self.rng.choice(self.nodes[-1].output)
            self.shape[axis + 2] = size // 2 if self.here.endswith("first") else size - size // 2
        else:
            bounds = [self.constant([each]) for each in (start, stop, axis + 2, step)]
            self.node("Slice", [self.here, *bounds], sizes)

    def cut(self, axis: int, parts: list[int]) -> tuple[str, str]:
        """Split a dimension in two."""
        self.count += 1
        first, second = f"t{self.count}first", f"t{self.count}"
        inputs, attributes = [self.here, self.constant(parts)], {"axis": axis}
        if parts[0] == parts[1]:
            inputs, attributes = [self.here], {"axis": axis, "num_outputs": 2}
        self.nodes.append(
            self.onnx.helper.make_node("Split", inputs, [first, second], name=f"n{self.count}", **attributes)
        )
        self.ops.append("Split")
        return first, second

    def channel_slices(self) -> None:
        if self.shape[1] < 2:
            return
        self.alike(2)
        if self.rng.random() < 0.5:
            parts = [
                self.node("Slice", [self.here, *map(self.constant, bounds)])
                for bounds in (([0], [1], [1]), ([1], [END], [1]))
            ]
        else:
            parts = list(self.cut(1, [1, 1]))
        first = self.node("LeakyRelu", [parts[0]])
        self.node("Concat", [parts[1], first], [None, *self.shape[1:]], axis=1)

    def focus(self) -> None:
        """Take every second row and column, and put what begins at each of four places behind each other."""
        if any(size % 2 for size in self.plane):
            return
        parts = []
        for place in np.ndindex(*[2] * self.rank):
            bounds = [
                self.constant(each) for each in (place, [END] * self.rank, range(2, self.rank + 2), [2] * self.rank)
            ]
            parts.append(self.node("Slice", [self.here, *bounds]))
        self.node("Concat", parts, [None, len(parts) * self.shape[1], *(size // 2 for size in self.plane)], axis=1)
        self.alike(2)

    def shuffle(self) -> None:
        channels = self.shape[1]
        if channels % 2:
            return
        cut = self.node("Reshape", [self.here, self.constant([0, 2, channels // 2, *self.plane])])
        turned = self.node("Transpose", [cut], perm=[0, 2, 1, *range(3, 3 + self.rank)])
        self.node("Reshape", [turned, self.constant([-1, channels, *self.plane])], [None, *self.shape[1:]])

    def to_depth(self) -> None:
        height, width = self.plane
        if height % 2 or width % 2:
            return
        shape = [None, 4 * self.shape[1], height // 2, width // 2]
        if self.rng.random() < 0.5:
            self.node("SpaceToDepth", [self.here], shape, blocksize=2)
        else:  # as PyTorch writes a pixel_unshuffle
            blocks = self.constant([0, self.shape[1], height // 2, 2, width // 2, 2])
            turned = self.node("Transpose", [self.node("Reshape", [self.here, blocks])], perm=[0, 1, 3, 5, 2, 4])
            self.node("Reshape", [turned, self.constant([-1, *shape[1:]])], shape)

    def to_space(self) -> None:
        self.alike(4)
        height, width = self.plane
        shape = [None, 1, 2 * height, 2 * width]
        if self.rng.random() < 0.5:
            self.node("DepthToSpace", [self.here], shape, blocksize=2, mode=self.rng.choice(["DCR", "CRD"]))
        else:
            cut = self.node("Reshape", [self.here, self.constant([0, 1, 2, 2, height, width])])
            turned = self.node("Transpose", [cut], perm=[0, 1, 4, 2, 5, 3])
            self.node("Reshape", [turned, self.constant([-1, *shape[1:]])], shape)

    def repeat(self) -> None:
        """Repeat each pixel along the last axis, as an Expand between two Reshapes does."""
        shape = [self.shape[1], *self.plane]
        thin = self.node("Unsqueeze", [self.here, self.constant([-1])])
        wide = self.node("Expand", [thin, self.constant([1, *shape, 2])])
        shape[-1] *= 2
        self.node("Reshape", [wide, self.constant([0, *shape])], [None, *shape])

    def tokens(self) -> None:
        """Flatten to tokens, multiply each with a matrix, and put the plane together again."""
        channels = self.shape[1]
        size = self.node("Shape", [self.here], start=2)
        flat = self.node("Reshape", [self.here, self.constant([0, channels, -1])])
        turned = self.node("Transpose", [flat], perm=[0, 2, 1])
        mixed = self.node("MatMul", [turned, self.weight(channels, 2)])
        back = self.node("Transpose", [mixed], perm=[0, 2, 1])
        target = self.constant([0, 2, *self.plane])
        if self.rng.random() < 0.5:
            target = self.node("Concat", [self.constant([0, 2]), size], axis=0)
        self.node("Reshape", [back, target], [None, 2, *self.plane])

    def axes_last(self) -> None:
        """Compute with channels last, as files from TensorFlow do, and crop or pad there."""
        last = self.node("Transpose", [self.here], perm=[0, *range(2, 2 + self.rank), 1])
        last, shape = self.node("Mul", [last, self.weight(self.shape[1])]), list(self.shape)
        way = self.rng.randrange(3)
        if way == 0 and self.plane[0] > 3:
            last = self.node("Slice", [last, *(self.constant([each]) for each in (1, -1, 1))])
            shape[2] -= 2
        elif way == 1:
            last = self.node("Pad", [last, self.constant([0, 1] + [0] * (2 * self.rank + 2))])
            shape[2] += 1
        self.node("Transpose", [last], shape, perm=[0, 1 + self.rank, *range(1, 1 + self.rank)])

    def echo(self) -> None:
        """Add one position of an axis to all."""
        axis = self.rng.randrange(2, 2 + self.rank)
        start = self.rng.randrange(self.shape[axis])
        bounds = [self.constant([each]) for each in (start, start + 1, axis)]
        self.node("Add", [self.here, self.node("Slice", [self.here, *bounds])], list(self.shape))

    def thin(self) -> None:
        """Put in a dimension of one position, and leave it out again."""
        place = self.rng.randint(1, self.rank + 1)
        thick = self.node("Unsqueeze", [self.here, self.constant([place])])
        self.node("Squeeze", [self.node("LeakyRelu", [thick]), self.constant([place])], [None, *self.shape[1:]])

    def in_a_plane(self) -> None:
        """Convolve a sequence in a plane of one row."""
        size = self.rng.randint(1, 3)
        length = self.plane[0] - 2 * (size - 1)
        if length > 0:
            plane = self.node("Unsqueeze", [self.here, self.constant([2])])
            conv = self.node("Conv", [plane, self.weight(2, self.shape[1], 1, size)], dilations=[1, 2])
            self.node("Squeeze", [conv, self.constant([2])], [None, 2, length])

    def moves(self) -> list[Callable[[], None]]:
        """Return what can be chosen at this rank."""
        every = [
            self.crop,
            self.crop,
            self.channel_slices,
            self.focus,
            self.shuffle,
            self.repeat,
            self.tokens,
            self.axes_last,
            self.thin,
            self.echo,
        ]
        return every + {1: [self.in_a_plane, self.in_a_plane], 2: [self.to_depth, self.to_space]}.get(self.rank, [])


def is_reasonable(shape: list[int]) -> bool:
    """Whether a tensor is neither empty nor large."""
    return min(shape) > 0 and math.prod(shape) <= 20_000
