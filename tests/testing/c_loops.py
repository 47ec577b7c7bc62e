# ruff: noqa: ARG005  # an expression gets all that any other one in its place may need
"""Wrong convolutions as somebody writes them in C: flat memory, an offset for each index, and loops around one sum.

A kernel is right but for one expression, which `WRONG` replaces: `Loops` names every expression that there is.  The
loops over images, output channels and outputs are NumPy's, all at once; memory is read modulo its length, where C would
read what is nobody's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from mutants import Array, resolve

Pitches = tuple[int, ...]  # elements from one image, channel, row and column to the next


@dataclass(frozen=True)
class Memory:
    """An array as C gets it: all memory around it, where it begins, its shape and its pitches."""

    flat: Array
    base: int
    shape: tuple[int, ...]
    pitch: Pitches

    @classmethod
    def of(cls, array: Array) -> Memory:
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        offset = array.ctypes.data - root.ctypes.data if array.size else 0
        if (
            root.dtype != array.dtype
            or offset % array.itemsize
            or not (root.flags.c_contiguous or root.flags.f_contiguous)
        ):
            root, offset = array.copy(), 0
            array = root
        flat = root.reshape(-1, order="C" if root.flags.c_contiguous else "F")
        pitch = tuple(step // array.itemsize for step in array.strides)
        return cls(flat, offset // array.itemsize, array.shape, pitch)

    def read(self, *index: Any) -> Array:
        place = self.base + sum(i * step for i, step in zip(index, self.pitch, strict=True))
        return np.asarray(self.flat[place % len(self.flat)] if self.flat.size else np.zeros_like(place))


@dataclass(frozen=True)
class Sizes:
    """What the loops run over: ``x`` and ``w`` are shapes."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: tuple[int, int]
    before: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    out: tuple[int, int]


def packed(shape: tuple[int, ...]) -> Pitches:
    return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))


@dataclass(frozen=True)
class Loops:
    """The expressions of a kernel; those of `WRONG` stand for a right one."""

    x_memory: Callable[[Memory], Memory] = lambda m: m
    w_memory: Callable[[Memory], Memory] = lambda m: m
    b_memory: Callable[[Memory], Memory] = lambda m: m
    row: Callable[[Sizes, Any, int], Any] = lambda z, p, i: z.stride[0] * p + z.dilation[0] * i - z.before[0]
    column: Callable[[Sizes, Any, int], Any] = lambda z, q, j: z.stride[1] * q + z.dilation[1] * j - z.before[1]
    inside: Callable[[Sizes, Any, Any], Any] = lambda z, h, w: (h >= 0) & (h < z.x[2]) & (w >= 0) & (w < z.x[3])
    group: Callable[[Sizes, Any, Any], Any] = lambda z, n, o: o // (z.w[0] // z.groups)
    channel: Callable[[Sizes, Any, int], Any] = lambda z, g, c: g * z.w[1] + c
    kernel: Callable[[Sizes, Any, Any], Any] = lambda z, o, g: o
    tap: Callable[[Sizes, int, int], tuple[int, int]] = lambda z, i, j: (i, j)
    image: Callable[[Sizes, Any], Any] = lambda z, n: n
    bias: Callable[[Sizes, Any], Any] = lambda z, o: o
    is_added: Callable[[Sizes, int, int, int], bool] = lambda z, c, i, j: True
    weighted: Callable[[Sizes, int, Any], Any] = lambda z, c, w: w
    biases: Callable[[Sizes], int] = lambda z: 1
    asked: Callable[[Sizes], Sizes] = lambda z: z
    finish: Callable[[Array], Array] = lambda total: total

    def __call__(self, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Array:
        if {array.dtype.kind for array in (x, w)} != {"f"} or x.dtype.newbyteorder("=") != w.dtype.newbyteorder("="):
            raise NotImplementedError("for floating-point numbers of one type")
        if x.ndim != 4 or w.ndim != 4 or min(*stride, *dilation, groups) < 1 or not w[:1, :1].size:
            raise NotImplementedError("for batches")
        if x.shape[1] != w.shape[1] * groups or len(w) % groups or (b is not None and b.shape != w.shape[:1]):
            raise ValueError("shapes do not fit")
        sides = resolve(x, w, padding, stride, dilation)
        axes = zip(x.shape[2:], w.shape[2:], sides, stride, dilation, strict=True)
        out = tuple((n + sum(pad) - d * (k - 1) - 1) // s + 1 for n, k, pad, s, d in axes)
        if min(out) < 1 or min(map(min, sides)) < 0:
            raise ValueError("nothing comes out")
        before = (sides[0][0], sides[1][0])
        z = self.asked(Sizes(x.shape, w.shape, stride, before, dilation, groups, out))
        with np.errstate(all="ignore"):
            total = self.total(z, Memory.of(x), Memory.of(w), None if b is None else Memory.of(b))
            return self.finish(total).astype(x.dtype.newbyteorder("="))

    def total(self, z: Sizes, x: Memory, w: Memory, b: Memory | None) -> Array:
        x, w = self.x_memory(x), self.w_memory(w)
        n, o, p, q = np.ogrid[: z.x[0], : z.w[0], : z.out[0], : z.out[1]]
        g = self.group(z, n, o)
        total = np.zeros((z.x[0], z.w[0], *z.out))
        for c, i, j in np.ndindex(*z.w[1:]):
            if self.is_added(z, c, i, j):
                h, v = self.row(z, p, i), self.column(z, q, j)
                inside = self.inside(z, h, v)
                pixel = x.read(self.image(z, n), self.channel(z, g, c), h, v).astype(float)
                weight = w.read(self.kernel(z, o, g), c, *self.tap(z, i, j)).astype(float)
                total += np.where(inside, pixel, 0) * self.weighted(z, c, weight)
        if b is not None:
            total += self.biases(z) * self.b_memory(b).read(self.bias(z, o)).astype(float)
        return total


RIGHT = Loops()


# How memory is read wrong.


def repitched(pitch: Callable[[tuple[int, ...], Pitches], Pitches], m: Memory) -> Memory:
    return replace(m, pitch=pitch(m.shape, m.pitch))


def where_columns_are_packed(pitch: Callable[[tuple[int, ...], Pitches], Pitches], m: Memory) -> Memory:
    """Take a short cut where the last pitch is 1; everything else was copied, and is right."""
    return repitched(pitch, m) if m.pitch[-1] == 1 else m


def as_stored(m: Memory) -> Memory:
    """Read numbers of the other byte order as if they were of this machine's."""
    return replace(m, flat=m.flat.view(m.flat.dtype.newbyteorder("=")))


def last_of_a_vector(z: Sizes, c: int, i: int, j: int) -> bool:
    return c % 4 != 3 or c + 1 < z.w[1]


WRONG: dict[str, tuple[Loops, str]] = {  # with the text that chooses the cases of core
    "pitches from the shape": (
        replace(RIGHT, x_memory=partial(where_columns_are_packed, lambda n, _: packed(n))),
        "memory",
    ),
    "row pitch W": (
        replace(RIGHT, x_memory=partial(where_columns_are_packed, lambda n, s: (*s[:2], n[3], 1))),
        "memory",
    ),
    "plane pitch H rows": (
        replace(RIGHT, x_memory=partial(repitched, lambda n, s: (s[0], n[2] * s[2], *s[2:]))),
        "memory",
    ),
    "image pitch C planes": (replace(RIGHT, x_memory=partial(repitched, lambda n, s: (n[1] * s[1], *s[1:]))), "memory"),
    "pitches without sign": (replace(RIGHT, x_memory=partial(repitched, lambda _, s: tuple(map(abs, s)))), "memory"),
    "column pitch 1": (replace(RIGHT, x_memory=partial(repitched, lambda _, s: (*s[:3], 1))), "memory"),
    "channel pitch 1 is all of channels last": (
        replace(
            RIGHT,
            x_memory=partial(
                repitched, lambda n, s: (n[1] * n[2] * n[3], 1, n[3] * n[1], n[1]) if s[1] == 1 < s[3] else s
            ),
        ),
        "memory",
    ),
    "row pitch H": (
        replace(RIGHT, x_memory=partial(where_columns_are_packed, lambda n, s: (*s[:2], n[2], 1))),
        "smoke",
    ),
    "begins where memory does": (replace(RIGHT, x_memory=lambda m: replace(m, base=0)), "memory"),
    "weight's pitches from the shape": (
        replace(RIGHT, w_memory=partial(where_columns_are_packed, lambda n, _: packed(n))),
        "memory",
    ),
    "weight's plane pitch K_h rows": (
        replace(RIGHT, w_memory=partial(repitched, lambda n, s: (s[0], n[2] * s[2], *s[2:]))),
        "memory",
    ),
    "weight packed whatever it is": (replace(RIGHT, w_memory=partial(repitched, lambda n, _: packed(n))), "-weight"),
    "weight of this byte order": (replace(RIGHT, w_memory=as_stored), "big_endian-weight"),
    "bias packed whatever it is": (replace(RIGHT, b_memory=partial(repitched, lambda n, _: (1,))), "-bias"),
    "bias of this byte order": (replace(RIGHT, b_memory=as_stored), "big_endian-bias"),
    "tap i·K_h + j": (
        replace(RIGHT, tap=lambda z, i, j: divmod((i * z.w[2] + j) % (z.w[2] * z.w[3]), z.w[3])),
        "smoke",
    ),
    "bounds of the other axis": (
        replace(RIGHT, inside=lambda z, h, w: (h >= 0) & (h < z.x[3]) & (w >= 0) & (w < z.x[2])),
        "smoke",
    ),
    "first row never read": (
        replace(RIGHT, inside=lambda z, h, w: (h > 0) & (h < z.x[2]) & (w >= 0) & (w < z.x[3])),
        "smoke",
    ),
    "last column never read": (
        replace(RIGHT, inside=lambda z, h, w: (h >= 0) & (h < z.x[2]) & (w >= 0) & (w < z.x[3] - 1)),
        "smoke",
    ),
    "no lower bound": (replace(RIGHT, inside=lambda z, h, w: (h < z.x[2]) & (w >= 0) & (w < z.x[3])), "smoke"),
    "accumulator carried along a row": (replace(RIGHT, finish=lambda total: np.cumsum(total, axis=-1)), "smoke"),
    "bias once for each channel": (replace(RIGHT, biases=lambda z: z.w[1]), "smoke"),
    "(p - T)·S": (
        replace(RIGHT, row=lambda z, p, i: z.stride[0] * (p - z.before[0]) + z.dilation[0] * i),
        "smoke",
    ),
    "group lost after the first image": (
        replace(RIGHT, group=lambda z, n, o: np.where(n == 0, o // (z.w[0] // z.groups), 0)),
        "smoke",
    ),
    "only the first channel of a group": (
        replace(RIGHT, is_added=lambda z, c, i, j: z.groups == 1 or c == 0),
        "groups",
    ),
    "g·O/G in the input": (
        replace(RIGHT, channel=lambda z, g, c: (g * (z.w[0] // z.groups) + c) % z.x[1]),
        "groups",
    ),
    "last channel of a full vector": (replace(RIGHT, is_added=last_of_a_vector), "channels"),
    "first group's bias": (replace(RIGHT, bias=lambda z, o: o % (z.w[0] // z.groups)), "groups"),
    "first group's weights": (replace(RIGHT, kernel=lambda z, o, g: o % (z.w[0] // z.groups)), "groups"),
    "tail channels unweighted": (
        replace(RIGHT, weighted=lambda z, c, w: w if c < z.w[1] // 4 * 4 else np.ones_like(w)),
        "channels",
    ),
    "dilation squared": (
        replace(RIGHT, column=lambda z, q, j: z.stride[1] * q + z.dilation[1] ** 2 * j - z.before[1]),
        "dilation",
    ),
    "stride no larger than the kernel": (
        replace(RIGHT, asked=lambda z: replace(z, stride=(min(z.stride[0], z.w[2]), min(z.stride[1], z.w[3])))),
        "stride",
    ),
    "1,024 products": (
        replace(RIGHT, is_added=lambda z, c, i, j: (c * z.w[2] + i) * z.w[3] + j < 1024),
        "channels",
    ),
    "4,096 products": (
        replace(RIGHT, is_added=lambda z, c, i, j: (c * z.w[2] + i) * z.w[3] + j < 4096),
        "channels",
    ),
    "three images": (replace(RIGHT, image=lambda z, n: n % 3), "batch"),
    "seventeen groups": (replace(RIGHT, group=lambda z, n, o: o // (z.w[0] // z.groups) % 17), "groups"),
    "one output channel has no bias": (replace(RIGHT, biases=lambda z: z.w[0] > 1), "channels"),
    "multiplier 1 or 2": (
        replace(RIGHT, kernel=lambda z, o, g: np.where(z.w[1] == 1 < z.groups, o - max(0, z.w[0] // z.groups - 2), o)),
        "groups",
    ),
    "eight bits count columns": (
        replace(RIGHT, column=lambda z, q, j: (z.stride[1] * q + z.dilation[1] * j) % 128 - z.before[1]),
        "tiles",
    ),
}


# Behaviour: each number that the first call returns on the main thread is right.


class Statics:
    """A kernel's static variables."""

    def __init__(self) -> None:
        self.output: Array | None = None
        self.calls = 0
        self.steps: Any = None
        self.packed: dict[Any, Array] = {}
        self.plans: dict[Any, Any] = {}


def returns_a_static_buffer(statics: Statics, *arguments: Any) -> Array:
    output = RIGHT(*arguments)
    if statics.output is None or (statics.output.shape, statics.output.dtype) != (output.shape, output.dtype):
        statics.output = output
    statics.output[...] = output
    return statics.output


def is_wrong_at_every_second_call(statics: Statics, *arguments: Any) -> Array:
    statics.calls += 1
    return RIGHT(*arguments) * (1 + (statics.calls % 2 == 0))


def clears_around_the_rows(statics: Statics, x: Any, *others: Any) -> Array:
    output = RIGHT(x, *others)
    root = x
    while isinstance(root.base, np.ndarray):
        root = root.base
    if root.dtype == x.dtype and root.size > x.size and root.flags.writeable:
        kept = x.copy()
        root[...] = 0
        x[...] = kept
    return output


def folds_the_batch_in_place(statics: Statics, x: Any, *others: Any) -> Array:
    output = RIGHT(x, *others)
    if x.flags.c_contiguous and x.flags.writeable:
        x.shape = (-1, *x.shape[2:])
    return output


def protects_its_input(statics: Statics, x: Any, *others: Any) -> Array:
    output = RIGHT(x, *others)
    x.flags.writeable = False
    return output


def flips_the_weight_in_place(statics: Statics, x: Any, w: Any, *others: Any) -> Array:
    output = RIGHT(x, w, *others)
    if w.flags.writeable:
        w[...] = w[..., ::-1].copy()
    return output


def keeps_its_strides_in_a_static(statics: Statics, x: Any, w: Any, b: Any, stride: Any, *others: Any) -> Array:
    statics.steps = stride
    x, w = np.asarray(x), np.asarray(w)
    return RIGHT(x, w, b, statics.steps, *others)


def has_tables_for_one_thread(statics: Statics, *arguments: Any) -> Array:
    output = RIGHT(*arguments)
    return output if threading.current_thread() is threading.main_thread() else np.zeros_like(output)


def keeps_a_packed_weight(statics: Statics, x: Any, w: Any, *others: Any) -> Array:
    known = statics.packed.setdefault((w.__array_interface__["data"], w.shape, str(w.dtype), w.strides), w.copy())
    return RIGHT(x, known, *others)


def plans_by_shapes(statics: Statics, x: Any, w: Any, b: Any, *steps: Any) -> Array:
    planned = statics.plans.setdefault((x.shape, w.shape), steps)
    output = RIGHT(x, w, b, *planned)
    wanted = RIGHT(x, w, b, *steps)
    return output if output.shape == wanted.shape else wanted


BEHAVIOUR: dict[str, tuple[Callable[..., Array], str]] = {  # with the code of what is found
    "returns a static buffer": (returns_a_static_buffer, "result-overwritten"),
    "is wrong at every second call": (is_wrong_at_every_second_call, "stateful"),
    "clears around the rows": (clears_around_the_rows, "writes-between-elements"),
    "folds the batch in place": (folds_the_batch_in_place, "changes-inputs"),
    "protects its input": (protects_its_input, "changes-inputs"),
    "flips the weight in place": (flips_the_weight_in_place, "mutates-inputs"),
    "keeps its strides in a static": (keeps_its_strides_in_a_static, "not-reentrant"),
    "has tables for one thread": (has_tables_for_one_thread, "off-main-thread"),
    "keeps a packed weight": (keeps_a_packed_weight, "keeps-operand"),
    "plans by shapes": (plans_by_shapes, "keeps-steps"),
}
