"""Wrong convolutions as somebody writes them in C: a nest of loops over flat memory, with one line of it wrong.

`Loops` is the nest, right; each class below replaces one line.  They share nothing with refconv.
``refconv check tests/testing/loops.py:row_pitch_is_the_height`` judges one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Inside = npt.NDArray[np.bool_]


def wide(array: Array) -> Floats:
    if array.dtype.kind not in "fV" or array.dtype.itemsize > 8:
        raise NotImplementedError("real floating point only")
    return array.astype(np.float64)


class Loops:
    """for n, o, c, i, j: for p, q: y[n, o, p, q] += x[image(n), channel(n, o, c), row, column] · w[o, c, i, j]."""

    op: ClassVar[str] = "conv2d"
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]
    N: int
    C: int
    H: int
    W: int
    O: int
    Cg: int
    Kh: int
    Kw: int
    P: int
    Q: int

    def __init__(self, x: Array, w: Array, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        if x.ndim != 4 or w.ndim != 4:
            raise NotImplementedError("a batch of images only")
        self.stride, self.dilation, self.G = stride, dilation, groups
        (self.N, self.C, self.H, self.W), (self.O, self.Cg, self.Kh, self.Kw) = x.shape, w.shape
        self.Og = self.O // groups
        self.pads = self.resolve(padding)
        self.size = [
            (n + sum(pad) - d * (k - 1) - 1) // s + 1
            for n, pad, k, s, d in zip((self.H, self.W), self.pads, w.shape[2:], stride, dilation, strict=True)
        ]
        if min(self.size) < 0 or self.Cg * groups != self.C or self.O % groups:
            raise ValueError("arguments")
        self.P, self.Q = self.size
        with np.errstate(all="ignore"):
            self.x = np.append(wide(x).reshape(-1), 0.0)
            self.w = np.append(wide(w).reshape(-1), 0.0)
            self.b = None if b is None else wide(b)

    def resolve(self, padding: Any) -> Any:
        if isinstance(padding, str):
            if padding == "valid":
                return (0, 0), (0, 0)
            if padding == "same" and max(self.stride) > 1:
                raise ValueError(padding)
            axes = zip((self.H, self.W), (self.Kh, self.Kw), self.stride, self.dilation, strict=True)
            return tuple(self.same(*axis, lower=padding == "same_lower") for axis in axes)
        top, left = padding
        return (top, left) if isinstance(top, tuple) else ((top, top), (left, left))

    def same(self, n: int, k: int, s: int, d: int, *, lower: bool) -> tuple[int, int]:
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        return ((total + 1) // 2, total // 2) if lower else (total // 2, (total + 1) // 2)

    def row(self, p: Places, i: int) -> Places:
        return self.stride[0] * p + self.dilation[0] * i - self.pads[0][0]

    def column(self, q: Places, j: int) -> Places:
        return self.stride[1] * q + self.dilation[1] * j - self.pads[1][0]

    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.H) & (w >= 0) & (w < self.W)

    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return ((n * self.C + c) * self.H + h) * self.W + w

    def tap(self, o: int, c: int, i: int, j: int) -> int:
        return ((o * self.Cg + c) * self.Kh + i) * self.Kw + j

    def weight(self, o: int, c: int, i: int, j: int) -> float:
        at = self.tap(o, c, i, j)
        return float(self.w[min(at, self.w.size - 1)])

    def channel(self, n: int, o: int, c: int) -> int:  # noqa: ARG002
        return o // self.Og * self.Cg + c

    def taps(self, o: int) -> Any:  # noqa: ARG002
        return np.ndindex(self.Cg, self.Kh, self.Kw)

    def bias(self, o: int) -> float:
        return 0.0 if self.b is None else float(self.b[o])

    def finished(self, y: Floats) -> Floats:
        return y

    def run(self) -> Floats:
        p, q = np.arange(self.P)[:, np.newaxis], np.arange(self.Q)
        y = np.zeros((self.N, self.O, self.P, self.Q))
        for n, o in np.ndindex(self.N, self.O):
            for c, i, j in self.taps(o):
                h, w = self.row(p, i), self.column(q, j)
                at = self.address(n, self.channel(n, o, c), h, w)
                read = np.where((at >= 0) & (at < self.x.size), self.x[np.clip(at, 0, self.x.size - 1)], 0.0)
                with np.errstate(all="ignore"):
                    y[n, o] += np.where(self.is_inside(h, w), read, 0.0) * self.weight(o, c, i, j)
        y = self.finished(y)
        for o in range(self.O):
            y[:, o] += self.bias(o)
        return y


class FirstPixelsUnread(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h > 0) & (h < self.H) & (w > 0) & (w < self.W)


class FirstRowUnread(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h > 0) & (h < self.H) & (w >= 0) & (w < self.W)


class LastColumnUnread(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.H) & (w >= 0) & (w < self.W - 1)


class LastPixelsUnread(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.H - 1) & (w >= 0) & (w < self.W - 1)


class LastRowOfTapsMissing(Loops):
    def taps(self, o: int) -> Any:  # noqa: ARG002
        return np.ndindex(self.Cg, self.Kh - 1, self.Kw)


class FirstColumnOfTapsMissing(Loops):
    def taps(self, o: int) -> Any:  # noqa: ARG002
        return ((c, i, j) for c, i, j in np.ndindex(self.Cg, self.Kh, self.Kw) if j > 0)


class BoundsOfTheOtherAxis(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.W) & (w >= 0) & (w < self.H)


class RowsCheckedAgainstTheWidth(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.W) & (w >= 0) & (w < self.W)


class RowPitchIsTheHeight(Loops):
    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return (n * self.C + c) * self.H * self.W + h * self.H + w


class RowPitchIsTheOutputs(Loops):
    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return (n * self.C + c) * self.H * self.W + h * self.Q + w


class RowPitchIsThePadded(Loops):
    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return (n * self.C + c) * self.H * self.W + h * (self.W + sum(self.pads[1])) + w


class WeightAtHeight(Loops):
    def tap(self, o: int, c: int, i: int, j: int) -> int:
        return (o * self.Cg + c) * self.Kh * self.Kw + i * self.Kh + j


class AccumulatorCarried(Loops):
    def finished(self, y: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.cumsum(y, axis=3)


class BiasOnceForEachChannel(Loops):
    def bias(self, o: int) -> float:
        return self.Cg * super().bias(o)


class StrideTimesPadding(Loops):
    def row(self, p: Places, i: int) -> Places:
        return (p - self.pads[0][0]) * self.stride[0] + self.dilation[0] * i

    def column(self, q: Places, j: int) -> Places:
        return (q - self.pads[1][0]) * self.stride[1] + self.dilation[1] * j


class GroupOffsetLostAfterTheFirstImage(Loops):
    def channel(self, n: int, o: int, c: int) -> int:
        return super().channel(n, o, c) if n == 0 else c


class OnlyTheFirstChannelOfAGroup(Loops):
    def taps(self, o: int) -> Any:  # noqa: ARG002
        return ((0, *tap) for tap in np.ndindex(self.Kh, self.Kw))


class GroupsBeginAtOutputs(Loops):
    def channel(self, n: int, o: int, c: int) -> int:  # noqa: ARG002
        return (o // self.Og * self.Og + c) % self.C


class LastChannelOfAVectorLost(Loops):
    def taps(self, o: int) -> Any:
        return (tap for tap in super().taps(o) if tap[0] % 4 != 3)


class TailOfAVectorUnweighted(Loops):
    def weight(self, o: int, c: int, i: int, j: int) -> float:
        return super().weight(o, c, i, j) if c < self.Cg // 4 * 4 else 1.0


class GroupsShareTheFirstBias(Loops):
    def bias(self, o: int) -> float:
        return super().bias(o % self.Og)


class GroupsShareTheFirstWeights(Loops):
    def tap(self, o: int, c: int, i: int, j: int) -> int:
        return super().tap(o % self.Og, c, i, j)


class GroupsOfWeightsBeginAtInputs(Loops):
    def tap(self, o: int, c: int, i: int, j: int) -> int:
        return super().tap((o // self.Og * self.Cg + o % self.Og) % self.O, c, i, j)


class TilesBeginEveryTwoPixels(Loops):
    """Tiles of 4 outputs for 3×3 kernels, as of Winograd's F(4×4, 3×3), that begin r − 1 = 2 pixels apart."""

    def finished(self, y: Floats) -> Floats:
        if (self.Kh, self.Kw, *self.stride, *self.dilation) != (3, 3, 1, 1, 1, 1):
            return y
        p, q = (np.arange(size) // 4 * 2 + np.arange(size) % 4 for size in self.size)
        return y[:, :, p][..., q]


class ColumnsRepeatFromEight(Loops):
    def finished(self, y: Floats) -> Floats:
        return y[..., np.arange(self.Q) % 8]


class DilationTwice(Loops):
    def row(self, p: Places, i: int) -> Places:
        return self.stride[0] * p + self.dilation[0] ** 2 * i - self.pads[0][0]

    def column(self, q: Places, j: int) -> Places:
        return self.stride[1] * q + self.dilation[1] ** 2 * j - self.pads[1][0]


class SameAndTapsWithoutDilation(Loops):
    def __init__(self, x: Array, w: Array, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        if str(padding).startswith("same"):
            dilation = (1, 1)
        super().__init__(x, w, b, stride, padding, dilation, groups)


class SameNotClamped(Loops):
    def same(self, n: int, k: int, s: int, d: int, *, lower: bool) -> tuple[int, int]:
        total = (-(-n // s) - 1) * s + d * (k - 1) + 1 - n
        half = math.trunc(total / 2)
        return (total - half, half) if lower and total > 0 else (half, total - half)


class SameIsHalfTheKernel(Loops):
    def same(self, n: int, k: int, s: int, d: int, *, lower: bool) -> tuple[int, int]:  # noqa: ARG002
        return (d * (k - 1) + 1) // 2, (d * (k - 1) + 1) // 2


class CheckedAgainstTheOutput(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (h < self.P) & (w >= 0) & (w < self.Q)


class NoUpperBound(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h >= 0) & (w >= 0)


class NoLowerBoundOfRows(Loops):
    def is_inside(self, h: Places, w: Places) -> Inside:
        return (h < self.H) & (w >= 0) & (w < self.W)


class ColumnsOfTapsInFours(Loops):
    def taps(self, o: int) -> Any:
        whole = self.Kw // 4 * 4 or self.Kw
        return (tap for tap in super().taps(o) if tap[2] < whole)


class ProductsInEights(Loops):
    def taps(self, o: int) -> Any:
        taps = list(super().taps(o))
        return taps[: len(taps) // 8 * 8]


class BlocksOfChannelsOverwrite(Loops):
    def taps(self, o: int) -> Any:
        return (tap for tap in super().taps(o) if tap[0] >= (self.Cg - 1) // 16 * 16)


class BiasInEights(Loops):
    def bias(self, o: int) -> float:
        return super().bias(o) if o < self.O // 8 * 8 else 0.0


class BiasOfTheFirstOfFour(Loops):
    def bias(self, o: int) -> float:
        return super().bias(o // 4 * 4)


class ImagesBeginAtGroups(Loops):
    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return ((n * self.Cg + c) * self.H + h) * self.W + w


class OffsetOfWeightsDividedTwice(Loops):
    def tap(self, o: int, c: int, i: int, j: int) -> int:
        each = self.Og * self.Cg * self.Kh * self.Kw
        return super().tap(o % self.Og, c, i, j) + o // self.Og * each // self.G


class PaddingTimesDilation(Loops):
    def row(self, p: Places, i: int) -> Places:
        return self.stride[0] * p + self.dilation[0] * (i - self.pads[0][0])

    def column(self, q: Places, j: int) -> Places:
        return self.stride[1] * q + self.dilation[1] * (j - self.pads[1][0])


class StrideTwice(Loops):
    def row(self, p: Places, i: int) -> Places:
        return self.stride[0] ** 2 * p + self.dilation[0] * i - self.pads[0][0]

    def column(self, q: Places, j: int) -> Places:
        return self.stride[1] ** 2 * q + self.dilation[1] * j - self.pads[1][0]


class SameWithoutStride(Loops):
    """Where the last windows end beyond that padding, zeros follow."""

    def same(self, n: int, k: int, s: int, d: int, *, lower: bool) -> tuple[int, int]:
        total = d * (k - 1)
        before = (total + 1) // 2 if lower else total // 2
        return before, (-(-n // s) - 1) * s + total + 1 - n - before


class SidesInAnotherOrder(Loops):
    def resolve(self, padding: Any) -> Any:
        (top, bottom), (left, right) = super().resolve(padding)
        return (top, left), (bottom, right)


class TilesWithoutHalo(Loops):
    """Tiles of 8 rows of outputs, which load 8·S rows of pixels."""

    def row(self, p: Places, i: int) -> Places:
        h = super().row(p, i)
        return np.where(h < self.stride[0] * (p // 8 * 8 + 8) - self.pads[0][0], h, -1)


class LastRowRepeated(Loops):
    def row(self, p: Places, i: int) -> Places:
        return np.minimum(super().row(p, i), self.H - 1)


class StrideWithinPhases(Loops):
    """Space to batch for the dilation of depthwise kernels, and the stride within each part."""

    def inner(self, p: Places, i: int, axis: int) -> Places:
        d, s = self.dilation[axis], self.stride[axis]
        return d * (s * (p // d) + i) + p % d - self.pads[axis][0]

    def row(self, p: Places, i: int) -> Places:
        return self.inner(p, i, 0) if self.Cg == 1 < self.G else super().row(p, i)

    def column(self, q: Places, j: int) -> Places:
        return self.inner(q, j, 1) if self.Cg == 1 < self.G else super().column(q, j)


class PhasesRoundedDown(Loops):
    """Every D-th row makes an image of H // D rows, padding included, whose outputs are interleaved."""

    def is_inside(self, h: Places, w: Places) -> Inside:
        rows = (self.H + sum(self.pads[0])) // self.dilation[0] - self.Kh + 1
        made = np.arange(self.P)[:, np.newaxis] // self.dilation[0] < rows
        return super().is_inside(h, w) & (made | (self.stride[0] > 1))


class SizeRoundedUp(Loops):
    def resolve(self, padding: Any) -> Any:
        sides = super().resolve(padding)
        axes = zip((self.H, self.W), sides, (self.Kh, self.Kw), self.stride, self.dilation, strict=True)
        return tuple((a, b + -(n + a + b - d * (k - 1) - 1) % s) for n, (a, b), k, s, d in axes)


class SizeOfUndilatedKernel(Loops):
    def resolve(self, padding: Any) -> Any:
        axes = zip(super().resolve(padding), (self.Kh, self.Kw), self.dilation, strict=True)
        return tuple((before, after + (d - 1) * (k - 1)) for (before, after), k, d in axes)


class RowsOfTheStridesWidth(Loops):
    """A matrix product for 1×1 kernels, in steps over rows as wide as the stride covers."""

    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        width = self.Q * self.stride[1] if self.Kh == self.Kw == 1 else self.W
        return (n * self.C + c) * self.H * self.W + h * width + w


class StrideOnTheTaps(Loops):
    def row(self, p: Places, i: int) -> Places:
        return self.stride[0] * (p + self.dilation[0] * i) - self.pads[0][0]

    def column(self, q: Places, j: int) -> Places:
        return self.stride[1] * (q + self.dilation[1] * j) - self.pads[1][0]


class TapRowByTheColumns(Loops):
    """Of product t, the column is t % Kw, and the row t / Kw % Kw, where Kh belongs."""

    def taps(self, o: int) -> Any:
        for self.c, i, j in super().taps(o):
            yield self.c, i, j

    def row(self, p: Places, i: int) -> Places:
        return super().row(p, (self.c * self.Kh + i) % self.Kw)


class BiasOfTheVector(Loops):
    def bias(self, o: int) -> float:
        return super().bias(o // 4)


class BiasOfEachBlock(Loops):
    def bias(self, o: int) -> float:
        return -(-self.Cg // 4) * super().bias(o)


class BiasOfEachRowOfTaps(Loops):
    def bias(self, o: int) -> float:
        return self.Kh * super().bias(o)


class GroupOfTheFirstOfFour(Loops):
    def channel(self, n: int, o: int, c: int) -> int:
        return super().channel(n, o // 4 * 4, c)


class MapsReadInFours(Loops):
    """The next layer finds map o at o·⌈P·Q / 4⌉·4, where it was written at o·P·Q, and past the image zeros."""

    def finished(self, y: Floats) -> Floats:
        apart = -(-self.P * self.Q // 4) * 4
        line = np.pad(y.reshape(self.N, self.O * self.P * self.Q), ((0, 0), (0, self.O * (apart - self.P * self.Q))))
        return line.reshape(self.N, self.O, apart)[:, :, : self.P * self.Q].reshape(y.shape)


class ImageForItsColumns(Loops):
    """Of a 1×1 kernel the columns are the image, P·Q numbers for each channel: no step, and no padding."""

    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        if self.Kh * self.Kw > 1:
            return super().address(n, c, h, w)
        group, own = divmod(c, self.Cg)
        first = (n * self.G + group) * self.Cg * self.H * self.W + own * self.P * self.Q
        return first + np.arange(self.P * self.Q).reshape(self.P, self.Q)

    def is_inside(self, h: Places, w: Places) -> Inside:
        return super().is_inside(h, w) | (self.Kh * self.Kw == 1)


class KernelsTogether(Loops):
    def tap(self, o: int, c: int, i: int, j: int) -> int:
        return ((o + c) * self.Kh + i) * self.Kw + j


class SecondHalfOfTheFirst(Loops):
    def address(self, n: int, c: int, h: Places, w: Places) -> Places:
        return super().address(n % -(-self.N // 2), c, h, w)


class PaddingSplitEvenly(Loops):
    def resolve(self, padding: Any) -> Any:
        sides = super().resolve(padding)
        return sides if isinstance(padding, str) else tuple((sum(s) // 2, (sum(s) + 1) // 2) for s in sides)


class RowsInAShortBuffer(Loops):
    """Rows are brought into a ring of 2^n rows, no more than a window spans: row h lies at h mod 2^n."""

    def row(self, p: Places, i: int) -> Places:
        ring = 1
        while 2 * ring <= self.dilation[0] * (self.Kh - 1) + 1:
            ring *= 2
        h, last = super().row(p, i), super().row(p, self.Kh - 1)
        return np.array(
            [
                max(at for at in range(a, z + 1) if (at - a) % ring == 0)
                for a, z in zip(*map(np.ravel, (h, last)), strict=True)
            ],
            np.intp,
        ).reshape(h.shape)


class TransformTooShort(Loops):
    """Rows are transformed in a length of 2^n, of no more than the image or the kernel need."""

    def row(self, p: Places, i: int) -> Places:
        length = 1
        while length < max(self.H, self.dilation[0] * (self.Kh - 1) + 1):
            length *= 2
        return super().row(p, i) % length


class ProductsLeftInABuffer(Loops):
    """The products of an output are added up eight at a time; the last, fewer ones leave some of those before."""

    def weight(self, o: int, c: int, i: int, j: int) -> float:
        count, number = self.Cg * self.Kh * self.Kw, (c * self.Kh + i) * self.Kw + j
        first = count - count % 8
        again = count % 8 > 0 and first - 8 + count % 8 <= number < first
        return super().weight(o, c, i, j) * (2 if again else 1)


class KeepsTheFirstWeight(Loops):
    """A weight is packed once for each shape."""

    packed: ClassVar[dict[Any, Floats]] = {}

    def __init__(self, x: Array, w: Array, b: Any, *steps: Any) -> None:
        super().__init__(x, w, b, *steps)
        self.w = self.packed.setdefault(w.shape, self.w)


class LastChannelAlone(Loops):
    def taps(self, o: int) -> Any:  # noqa: ARG002
        return ((self.Cg - 1, i, j) for i, j in np.ndindex(self.Kh, self.Kw))


class SumsNotSetBack(Loops):
    def finished(self, y: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.cumsum(y, axis=0)


class Scattered:
    """for n, k, c, i, j: for p, q: x[n, channel(k, c), row, column] += g[n, k, p, q] · w[k, c, i, j]."""

    op: ClassVar[str] = "conv_transpose2d"
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]
    size: tuple[int, int]
    N: int
    K: int
    P: int
    Q: int
    each: int

    def __init__(
        self, g: Array, w: Array, b: Any, stride: Any, padding: Any, extra: Any, groups: int, dilation: Any
    ) -> None:
        if g.ndim != 4 or isinstance(padding, str):
            raise NotImplementedError("a batch of images, and padding in numbers")
        top, left = padding
        pads = (top, left) if isinstance(top, tuple) else ((top, top), (left, left))
        axes = zip(g.shape[2:], w.shape[2:], stride, pads, dilation, extra, strict=True)
        size = tuple(s * (p - 1) + d * (k - 1) + 1 - sum(pad) + e for p, k, s, pad, d, e in axes)
        self.start(g, w, b, stride, pads, dilation, groups, size)

    def start(self, g: Array, w: Array, b: Any, stride: Any, pads: Any, dilation: Any, groups: int, size: Any) -> None:
        with np.errstate(all="ignore"):
            self.g, self.w, self.b = wide(g), wide(w), None if b is None else wide(b)
        self.stride, self.pads, self.dilation, self.G, self.size = stride, pads, dilation, groups, size
        self.N, self.K, self.P, self.Q = g.shape
        if self.K % groups or w.shape[0] != self.K or min(size) < 1:
            raise ValueError("arguments")
        self.each = w.shape[1]

    def weight(self, k: int, c: int, i: int, j: int) -> float:
        return float(self.w[k, c, i, j])

    def bias(self, c: int) -> float:
        return 0.0 if self.b is None else float(self.b[c])

    def is_reached(self, i: int, axis: int) -> bool:  # noqa: ARG002
        return True

    def pairs(self, i: int, axis: int) -> tuple[Places, Places]:
        """Return the pixels that are reached through a tap along an axis, and the outputs they are reached from."""
        p = np.arange(self.g.shape[2 + axis])
        h = self.stride[axis] * p + self.dilation[axis] * i - self.pads[axis][0]
        inside = (h >= 0) & (h < self.size[axis])
        return h[inside], p[inside]

    def stored(self, x: Floats) -> Floats:
        return x

    def run(self) -> Floats:
        x = np.zeros((self.N, self.G * self.each, *self.size))
        for n, k, c in np.ndindex(self.N, self.K, self.each):
            for i, j in np.ndindex(self.w.shape[2:]):
                if self.is_reached(i, 0) and self.is_reached(j, 1):
                    (h, p), (w, q) = self.pairs(i, 0), self.pairs(j, 1)
                    with np.errstate(all="ignore"):
                        part = self.g[n, k][np.ix_(p, q)] * self.weight(k, c, i, j)
                        np.add.at(x[n, k // (self.K // self.G) * self.each + c], np.ix_(h, w), part)
        for c in range(x.shape[1]):
            x[:, c] += self.bias(c)
        return self.stored(x)


class WeightTurnedAsOne(Scattered):
    def weight(self, k: int, c: int, i: int, j: int) -> float:
        each = self.K // self.G
        turned = self.w.swapaxes(0, 1).reshape(self.G * self.each, each, *self.w.shape[2:])
        return float(turned[k // each * self.each + c, k % each, i, j])


class ArrivingInFours(Scattered):
    def weight(self, k: int, c: int, i: int, j: int) -> float:
        each = self.K // self.G
        return super().weight(k, c, i, j) if k % each < each // 4 * 4 else 0.0


class FirstColumnNeverScattered(Scattered):
    def pairs(self, i: int, axis: int) -> tuple[Places, Places]:
        h, p = super().pairs(i, axis)
        return (h[p > 0], p[p > 0]) if axis == 1 else (h, p)


class TilesOfFourReplace(Scattered):
    """Four rows that arrive are stored at a time: what those before have added there is gone."""

    def pairs(self, i: int, axis: int) -> tuple[Places, Places]:
        h, p = super().pairs(i, axis)
        following = (p // 4 + 1) * 4
        begins = self.stride[0] * following - self.pads[0][0]
        kept = (following >= self.P) | (h < begins) if axis == 0 else np.ones(len(p), bool)
        return h[kept], p[kept]


class FirstPhaseAlone(Scattered):
    def is_reached(self, i: int, axis: int) -> bool:
        return i % (self.stride[axis] // math.gcd(self.stride[axis], self.dilation[axis])) == 0


class PhasesOneTapShort(Scattered):
    def is_reached(self, i: int, axis: int) -> bool:
        phases = self.stride[axis] // math.gcd(self.stride[axis], self.dilation[axis])
        taps: int = self.w.shape[2 + axis]
        return i < taps // phases * phases


class RemainderUnchecked(Scattered):
    def pairs(self, i: int, axis: int) -> tuple[Places, Places]:
        h = np.arange(self.size[axis])
        offset = h + self.pads[axis][0] - self.dilation[axis] * i
        p = offset // self.stride[axis]
        inside = (offset >= 0) & (p < self.g.shape[2 + axis])
        return h[inside], p[inside]


class GroupsScatterTheFirstWeights(Scattered):
    def weight(self, k: int, c: int, i: int, j: int) -> float:
        return super().weight(k % (self.K // self.G), c, i, j)


class GroupsScatterTheFirstBias(Scattered):
    def bias(self, c: int) -> float:
        return super().bias(c % self.each)


class UnreachedPixelsWithoutBias(Scattered):
    def stored(self, x: Floats) -> Floats:
        reached = np.zeros(self.size, bool)
        for i, j in np.ndindex(self.w.shape[2:]):
            reached[np.ix_(self.pairs(i, 0)[0], self.pairs(j, 1)[0])] = True
        return np.where(reached, x, 0.0)


class GroupsAndDilationExchanged(Scattered):
    def __init__(
        self, g: Array, w: Array, b: Any, stride: Any, padding: Any, extra: Any, groups: int, dilation: Any
    ) -> None:
        if dilation[0] != dilation[1]:
            raise NotImplementedError("one dilation")
        if b is not None and groups != dilation[0]:
            raise ValueError("bias")
        super().__init__(g, w, b, stride, padding, extra, dilation[0], (groups, groups))


class Gradient(Scattered):
    """The gradient of the input, which is told its size."""

    op: ClassVar[str] = "conv2d_input"

    def __init__(self, size: Any, w: Array, g: Array, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        if len(size) != 4 or isinstance(padding, str):
            raise NotImplementedError("a batch of images, and padding in numbers")
        top, left = padding
        pads = (top, left) if isinstance(top, tuple) else ((top, top), (left, left))
        self.start(g, w, None, stride, pads, dilation, groups, tuple(size[2:]))


class FirstPhaseOfTheGradient(Gradient, FirstPhaseAlone):
    pass


class StoredAsLargeAsWindowsReach(Gradient):
    def stored(self, x: Floats) -> Floats:
        axes = zip(self.g.shape[2:], self.w.shape[2:], self.stride, self.dilation, self.pads, strict=True)
        height, width = (s * (p - 1) + d * (k - 1) + 1 - sum(pad) for p, k, s, d, pad in axes)
        if min(height, width) < 1:
            raise NotImplementedError("padding beyond the kernel")
        out = np.zeros((*x.shape[:2], math.prod(self.size)))
        packed = x[..., :height, :width].reshape(*x.shape[:2], -1)
        out[..., : packed.shape[-1]] = packed
        return out.reshape(x.shape)


class Correlated:
    """for o, c, i, j: for n, p, q: dw[o, c, i, j] += g[n, o, p, q] · x[n, channel(o, c), row, column]."""

    op: ClassVar[str] = "conv2d_weight"
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]

    def __init__(self, x: Array, size: Any, g: Array, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        if x.ndim != 4 or isinstance(padding, str):
            raise NotImplementedError("a batch of images, and padding in numbers")
        top, left = padding
        self.pads = (top, left) if isinstance(top, tuple) else ((top, top), (left, left))
        with np.errstate(all="ignore"):
            self.x, self.g = wide(x), wide(g)
        self.size, self.stride, self.dilation, self.G = size, stride, dilation, groups

    def tap(self, i: int, axis: int) -> int:  # noqa: ARG002
        return i

    def read(self, i: int, axis: int) -> tuple[Places, Places]:
        """Return the outputs that read a pixel through a tap along an axis, and the pixels that they read."""
        p = np.arange(self.g.shape[2 + axis])
        h = self.stride[axis] * p + self.dilation[axis] * self.tap(i, axis) - self.pads[axis][0]
        inside = (h >= 0) & (h < self.x.shape[2 + axis])
        return p[inside], h[inside]

    def run(self) -> Floats:
        outputs, each, *taps = self.size
        dw = np.zeros((outputs, each, *taps))
        for o, c, i, j in np.ndindex(outputs, each, *taps):
            (p, h), (q, w) = self.read(i, 0), self.read(j, 1)
            pixels = self.x[:, o // (outputs // self.G) * each + c][:, h][:, :, w]
            with np.errstate(all="ignore"):
                dw[o, c, i, j] = (self.g[:, o][:, p][:, :, q] * pixels).sum()
        return dw


class LastTapsOfMore(Correlated):
    """The rows that the stride leaves over make more taps, of which the last are taken."""

    def tap(self, i: int, axis: int) -> int:
        room = self.x.shape[2 + axis] + sum(self.pads[axis]) - self.stride[axis] * (self.g.shape[2 + axis] - 1) - 1
        return i + int(room // self.dilation[axis]) + 1 - int(self.size[2 + axis])


class ArrivingAtTheFirstGroup(Correlated):
    def __init__(self, x: Array, size: Any, g: Array, *steps: Any) -> None:
        super().__init__(x, size, g, *steps)
        self.g = self.g[:, np.arange(size[0]) % (size[0] // self.G)]


class ArrivingRowsInFours(Correlated):
    def read(self, i: int, axis: int) -> tuple[Places, Places]:
        p, h = super().read(i, axis)
        whole = p < self.g.shape[2] // 4 * 4 if axis == 0 else np.ones(len(p), bool)
        return p[whole], h[whole]


class LastColumnNeverAdded(Correlated):
    def read(self, i: int, axis: int) -> tuple[Places, Places]:
        p, h = super().read(i, axis)
        whole = p < self.g.shape[2 + axis] - axis
        return p[whole], h[whole]


class OutputsLeftInABuffer(Correlated):
    """The outputs of an image are added up eight at a time; the last, fewer ones leave some of those before."""

    def __init__(self, x: Array, size: Any, g: Array, *steps: Any) -> None:
        super().__init__(x, size, g, *steps)
        count = g.shape[2] * g.shape[3]
        first, rest = count - count % 8, count % 8
        flat = self.g.reshape(*g.shape[:2], count).copy()
        if rest and first:
            flat[..., first - 8 + rest : first] *= 2
        self.g = flat.reshape(g.shape)


class RowsBetweenTilesTwice(Correlated):
    def __init__(self, x: Array, size: Any, g: Array, *steps: Any) -> None:
        super().__init__(x, size, g, *steps)
        tile = np.arange(g.shape[2])
        self.g = self.g * np.where((tile % 4 == 0) & (tile > 0), 2, 1)[:, np.newaxis]


class PairsOfImagesReplace(Correlated):
    """Two images at a time, each pair's gradient in the place of the one before."""

    def run(self) -> Floats:
        first = (len(self.x) - 1) // 2 * 2
        self.x, self.g = self.x[first:], self.g[first:]
        return super().run()


class AveragedOverAll(Correlated):
    def run(self) -> Floats:
        with np.errstate(all="ignore"):
            averaged: Floats = super().run() / np.float64(self.g[:, 0].size)
        return averaged


class WindowsPastEndLost(Correlated):
    """Windows that reach into the padding below are passed over, and with them the taps that lie in the image."""

    def read(self, i: int, axis: int) -> tuple[Places, Places]:
        p, h = super().read(i, axis)
        reach = self.stride[axis] * p + self.dilation[axis] * (self.size[2 + axis] - 1) - self.pads[axis][0]
        whole = reach < self.x.shape[2 + axis] if axis == 0 else np.ones(len(p), bool)
        return p[whole], h[whole]


def _target(kind: type[Any]) -> Callable[..., Array]:
    def target(*arguments: Any) -> Array:
        like = next(a for a in arguments if isinstance(a, np.ndarray))
        y = kind(*arguments).run()
        with np.errstate(all="ignore"):
            dtype = like.dtype.newbyteorder("=")
            found: Array = y.astype(np.float32).astype(dtype) if dtype.kind == "V" else y.astype(dtype)
        return found

    return target


def _name(kind: type[Any]) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")


KINDS: dict[str, type[Any]] = {
    _name(kind): kind for kind in list(globals().values()) if isinstance(kind, type) and hasattr(kind, "run")
}
globals().update({name: _target(kind) for name, kind in KINDS.items()})
