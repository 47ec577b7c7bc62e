"""The words in which a condition is said: tests of a case's parameters, and quantities that a threshold may divide.

Parameters are those that matter: SAME padding counts by the pixels that it adds, an axis of one tap has dilation 1, and
one of a single output has stride 1, whatever they are set to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Final, TypeAlias

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.geometry.axis import AxisGeometry
from refconv.testing.battery.cases import DTYPES, Case
from refconv.testing.battery.data import DATA
from refconv.testing.battery.layouts import LAYOUTS

__all__: list[str] = []

SUFFIXES: Final = {1: ("",), 2: ("_h", "_w"), 3: ("_d", "_h", "_w")}  # of the axes, by how many there are
TILES: Final = (2, 4, 8, 16)
PLAIN: Final = ("exact", "real")  # data that a condition is tested with


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a case: what goes in and comes out along it, and the parameters, 1 where they say nothing."""

    size: int
    kernel: int
    stride: int
    padding: tuple[int, int]
    dilation: int
    output: int
    over: int
    given_stride: int  # as they are set
    given_dilation: int

    @classmethod
    def of(cls, axis: AxisGeometry, *, is_transposed: bool) -> Axis:
        """Read a plan's axis, that of the convolution which a transposed one transposes."""
        sizes = (axis.output_size, axis.input_size) if is_transposed else (axis.input_size, axis.output_size)
        dilation = axis.dilation if axis.kernel_size > 1 else 1
        stride = axis.stride if axis.output_size > 1 else 1
        over = axis.padded_size + axis.unread - axis.reach(axis.output_size)
        given = axis.stride, axis.dilation
        return cls(sizes[0], axis.kernel_size, stride, axis.padding, dilation, sizes[1], over, *given)


@dataclass(frozen=True, slots=True)
class Plan:
    """A case, each of its axes by suffix, and the operation's own channels."""

    case: Case
    axes: dict[str, Axis]
    in_channels: int
    out_channels: int

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, case: Case) -> Plan:
        """Plan a valid case."""
        plan, operation = case.plan, case.operation.forward
        transposed = operation.is_transposed
        axes = [Axis.of(axis, is_transposed=transposed) for axis in plan.axes]
        channels = (plan.out_channels, plan.in_channels) if transposed else (plan.in_channels, plan.out_channels)
        return cls(case, dict(zip(SUFFIXES[operation.space.rank], axes, strict=True)), *channels)

    @property
    def batched(self) -> bool:
        """Whether there is a batch axis."""
        return len(self.case.input_shape) == len(self.axes) + 2

    @property
    def batch(self) -> int:
        """N, 1 where there is no such axis."""
        return self.case.input_shape[0] if self.batched else 1


Test: TypeAlias = Callable[[Plan], bool]


def _is_same(plan: Plan) -> bool:
    return str(plan.case.padding).startswith("same")


def _is_same_negative(plan: Plan) -> bool:
    """Whether windows of SAME reach less than they are to, their output padding included: 1 tap at stride 3, say."""
    extras = plan.case.output_padding or (0,) * len(plan.axes)
    return _is_same(plan) and any(axis.over > e for axis, e in zip(plan.axes.values(), extras, strict=True))


# Of the depth, of the height, of the width, and of any of them.
_OF_AN_AXIS: Final[Mapping[str, Callable[[Axis], bool]]] = {
    "dilation{} > 1": lambda axis: axis.dilation > 1,
    "stride{} > 1": lambda axis: axis.stride > 1,
    "padding{} > 0": lambda axis: sum(axis.padding) > 0,
}
_OF_AN_AXIS_LAST: Final[Mapping[str, Callable[[Axis], bool]]] = {
    "kernel{} > 1": lambda axis: axis.kernel > 1,
    "kernel{} > 2": lambda axis: axis.kernel > 2,
    "kernel{} > 4": lambda axis: axis.kernel > 4,
    "kernel{} is even": lambda axis: axis.kernel % 2 == 0,
    "stride{0} > kernel{0}": lambda axis: axis.stride > axis.kernel,
    "stride{0} > dilation{0}": lambda axis: axis.stride > axis.dilation,
    "kernel{0} is no multiple of stride{0}": lambda axis: axis.kernel % axis.stride > 0,
    "stride{} leaves pixels unread": lambda axis: axis.over > 0,
    "dilation{} > 2": lambda axis: axis.dilation > 2,
    "stride{} > 2": lambda axis: axis.stride > 2,
    **{f"output{{}} > {size}": partial(lambda size, axis: axis.output > size, size) for size in (1, 8, 16, 32)},
    **{f"size{{}} > {size}": partial(lambda size, axis: axis.size > size, size) for size in (8, 16, 32)},
}
_OF_PARITY: Final[Mapping[str, Callable[[Axis], bool]]] = {
    "kernel{} is odd, but not 1": lambda axis: axis.kernel % 2 == 1 < axis.kernel,
    "size{} is odd": lambda axis: axis.size % 2 == 1,
}
# What a kernel may branch on where it makes no difference.
_AS_GIVEN: Final[Mapping[str, Callable[[Axis], bool]]] = {
    "stride{} > 1, even of one output": lambda axis: axis.given_stride > 1,
    "dilation{} > 1, even of one tap": lambda axis: axis.given_dilation > 1,
}
# Of all of them.
_OF_ALL_AXES: Final[Mapping[str, Callable[[Axis], bool]]] = {
    **{f"kernel is {size}×{size}": partial(lambda size, axis: axis.kernel == size, size) for size in (1, 3, 2, 5, 7)},
    "stride = kernel": lambda axis: axis.stride == axis.kernel,
    "stride = kernel, even of one output": lambda axis: axis.given_stride == axis.kernel,
    "stride = 1": lambda axis: axis.stride == 1,
    "stride = 1, even of one output": lambda axis: axis.given_stride == 1,
    "stride = 2, even of one output": lambda axis: axis.given_stride == 2,
    "dilation = 1": lambda axis: axis.dilation == 1,
    "padding = 0": lambda axis: not any(axis.padding),
    "output = size": lambda axis: axis.output == axis.size,
}
_OF_A_PLAN: Final[Mapping[str, Test]] = {
    "output_padding > 0": lambda plan: any(plan.case.output_padding),
    "groups > 1": lambda plan: plan.case.groups > 1,
    "there is a bias": lambda plan: plan.case.bias_shape is not None,
    "batch > 1": lambda plan: plan.batch > 1,
    "channels per group > 1": lambda plan: plan.in_channels // plan.case.groups > 1,
    "outputs per group > 1": lambda plan: plan.out_channels // plan.case.groups > 1,
    "channels > 1": lambda plan: plan.in_channels > 1,
    "outputs > 1": lambda plan: plan.out_channels > 1,
    "groups = 1": lambda plan: plan.case.groups == 1,
    "groups = channels": lambda plan: plan.case.groups == plan.in_channels > 1,
    "groups = channels = outputs": lambda plan: plan.case.groups == plan.in_channels == plan.out_channels > 1,
    "1 < groups < channels": lambda plan: 1 < plan.case.groups < plan.in_channels,
}
_OF_CHANNELS: Final[Mapping[str, Callable[[Plan], int]]] = {
    "channels per group": lambda plan: plan.in_channels // plan.case.groups,
    "channels": lambda plan: plan.in_channels,
    "outputs": lambda plan: plan.out_channels,
    "outputs per group": lambda plan: plan.out_channels // plan.case.groups,
}
_OF_TWO_AXES: Final[Mapping[str, Callable[[Axis], object]]] = {
    "dilation_h != dilation_w": lambda axis: axis.dilation,
    "stride_h != stride_w": lambda axis: axis.stride,
    "padding_h != padding_w": lambda axis: axis.padding,
    "kernel_h != kernel_w": lambda axis: axis.kernel,
    "height != width": lambda axis: axis.size,
    "stride_h != stride_w, even of one output": lambda axis: axis.given_stride,
}
_OF_THE_WORDS: Final[Mapping[str, Test]] = {
    "there is no batch axis": lambda plan: not plan.batched,
    "there are no channels": lambda plan: plan.in_channels == 0,
    "there is no bias": lambda plan: plan.case.bias_shape is None,
    "padding is 'same...'": _is_same,
    "the total of padding 'same...' is negative": _is_same_negative,
    "padding is in numbers": lambda plan: not isinstance(plan.case.padding, str),
    "a stride in memory is negative": lambda plan: "negative" in plan.case.layout + plan.case.laid_out,
    "the layout is not contiguous": lambda plan: plan.case.layout != "contiguous",
}


def _plain() -> Iterator[tuple[str, Test]]:
    """Yield conditions on axes and channels."""
    yield from _of_an_axis(_OF_AN_AXIS)
    yield from _OF_A_PLAN.items()
    for text, value in _OF_TWO_AXES.items():
        yield text, partial(_differs, value)
    yield from _of_an_axis({"padding{} differs by side": lambda axis: axis.padding[0] != axis.padding[1]})
    for suffix, words in {"_d": ("front", "back"), "_h": ("top", "bottom"), "_w": ("left", "right")}.items():
        for side, word in enumerate(words):
            yield f"padding {word} > 0", partial(_is_true_of, suffix, partial(_is_padded, side))
    yield from _of_an_axis(_OF_AN_AXIS_LAST)


def _of_tiles() -> Iterator[tuple[str, Test]]:
    """Yield conditions on what a tile or a vector leaves over, of which one fits a few cases by chance."""
    for tile in TILES:
        yield from _of_an_axis({f"output{{}} is no multiple of {tile}": partial(_leaves_over, tile)})
    yield from _of_an_axis(_OF_PARITY)
    counts = {**_OF_CHANNELS, "products": _products, "images": lambda plan: plan.batch}
    counts["outputs in an image"] = partial(_product, attribute="output")
    for tile in TILES:
        for many, count in counts.items():
            yield f"{many} are no multiple of {tile}", partial(_is_multiple, count, tile, is_it=False)
            yield f"{many} are a multiple of {tile}", partial(_is_multiple, count, tile, is_it=True)


def _of_all_axes() -> Iterator[tuple[str, Test]]:
    """Yield conditions on all axes at once, and on parameters that make no difference."""
    yield "an image has more than 2^16 outputs", lambda plan: _product(plan, "output") > 2**16
    for text, test in _OF_ALL_AXES.items():
        yield text, partial(_is_true_of_some, all, test)
    yield from _of_an_axis(_AS_GIVEN)


def _of_choices() -> Iterator[tuple[str, Test]]:
    """Yield conditions on types, data, layouts and words, and on what there is not."""
    yield from _OF_THE_WORDS.items()
    yield from ((f"padding is {text!r}", partial(_says, "padding", text)) for text in PADDING_STRINGS)
    yield from ((f"the type is {name}", partial(_says, "dtype", short)) for short, name in DTYPES.items())
    yield from ((f"the data are {data!r}", partial(_says, "data", data)) for data in DATA)
    yield from ((f"the layout is {layout!r}", partial(_says, "layout", layout)) for layout in LAYOUTS)


def _of_an_axis(tests: Mapping[str, Callable[[Axis], bool]]) -> Iterator[tuple[str, Test]]:
    for text, test in tests.items():
        for suffix in SUFFIXES[3]:
            yield text.format(suffix), partial(_is_true_of, suffix, test)
        yield text.format(""), partial(_is_true_of_some, any, test)


def _is_true_of(suffix: str, test: Callable[[Axis], bool], plan: Plan) -> bool:
    return suffix in plan.axes and test(plan.axes[suffix])


def _is_true_of_some(some: Callable[[Iterable[bool]], bool], test: Callable[[Axis], bool], plan: Plan) -> bool:
    return some(map(test, plan.axes.values()))


def _differs(value: Callable[[Axis], object], plan: Plan) -> bool:
    """Whether height and width differ in something."""
    return len(plan.axes) > 1 and value(plan.axes["_h"]) != value(plan.axes["_w"])


def _is_padded(side: int, axis: Axis) -> bool:
    return axis.padding[side] > 0


def _leaves_over(tile: int, axis: Axis) -> bool:
    return axis.output % tile > 0


def _is_multiple(count: Callable[[Plan], int], tile: int, plan: Plan, *, is_it: bool) -> bool:
    return count(plan) > 0 and (count(plan) % tile == 0) == is_it  # of no channel neither is said


def _says(attribute: str, word: str, plan: Plan) -> bool:
    return bool(getattr(plan.case, attribute) == word)


def _product(plan: Plan, attribute: str) -> int:
    return math.prod(getattr(axis, attribute) for axis in plan.axes.values())


def _products(plan: Plan) -> int:
    """C/G·K_h·K_w, those that are added up in an output."""
    return plan.in_channels // plan.case.groups * _product(plan, "kernel")


# Every simple condition, the plainest first: of equals the first is taken.
TESTS: Final[dict[str, Test]] = dict(chain(_plain(), _of_tiles(), _of_all_axes(), _of_choices()))
GEOMETRIC: Final = frozenset(dict(chain(_plain(), _of_all_axes())))
OF_TILES: Final = frozenset(dict(_of_tiles()))


def _quantities() -> Iterator[tuple[str, Callable[[Plan], int]]]:
    """Yield what may be more than a number, the plainest first."""
    yield "C·K", _products
    yield from _OF_CHANNELS.items()
    yield "batch", lambda plan: plan.batch
    yield "groups", lambda plan: plan.case.groups
    for name in ("kernel", "output", "size", "stride", "dilation"):
        yield name, partial(_largest, name)
        for suffix in SUFFIXES[3]:
            yield f"{name}{suffix}", partial(_along, name, suffix)
    yield "reach", lambda plan: max(axis.effective_kernel_size for axis in plan.case.plan.axes)
    yield "padding", lambda plan: max(max(axis.padding) for axis in plan.axes.values())
    for suffix in SUFFIXES[3]:
        for name in ("stride", "dilation"):
            yield f"{name}{suffix} as given", partial(_along, f"given_{name}", suffix)
    yield "taps", partial(_product, attribute="kernel")
    yield "outputs in an image", partial(_product, attribute="output")
    yield "pixels in an image", partial(_product, attribute="size")


def _largest(name: str, plan: Plan) -> int:
    return max(int(getattr(axis, name)) for axis in plan.axes.values())


def _along(name: str, suffix: str, plan: Plan) -> int:
    return int(getattr(plan.axes[suffix], name)) if suffix in plan.axes else 0


QUANTITIES: Final[dict[str, Callable[[Plan], int]]] = dict(_quantities())


@dataclass(frozen=True, slots=True)
class Threshold:
    """The condition that a quantity is more than a number, or less."""

    name: str  # the quantity's, of `QUANTITIES`
    bound: int  # what it is more than, or less than: the nearest number of a passing case
    failing: int  # the nearest number of a failing case

    @property
    def text(self) -> str:
        """``"C·K > 1024"``."""
        return f"{self.name} {'>' if self.failing > self.bound else '<'} {self.bound}"

    def __call__(self, plan: Plan) -> bool:
        """Whether a case lies beyond the bound."""
        number = QUANTITIES[self.name](plan)
        return number > self.bound if self.failing > self.bound else number < self.bound


def thresholds(failing: list[Plan], passing: list[Plan]) -> dict[str, Test]:
    """Return what the failing cases are more, or less, than the passing ones that come nearest to them."""
    found = []
    for name, quantity in QUANTITIES.items():
        fails, passes = sorted(map(quantity, failing)), sorted(set(map(quantity, passing)))
        below = [n for n in passes if 0 < n < fails[0]]  # nothing is no limit
        above = [n for n in passes if n > fails[-1]]
        found += [Threshold(name, below[-1], fails[0])] if below else []
        found += [Threshold(name, above[0], fails[-1])] if above else []
    return {threshold.text: threshold for threshold in found}
