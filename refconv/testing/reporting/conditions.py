"""Only where?  The simplest condition on the parameters of a case that all failing cases meet, and no passing one does.

Parameters are those that matter: SAME padding counts by the pixels that it adds, an axis of one tap has dilation 1, and
one of a single output has stride 1, whatever they are set to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import combinations
from operator import and_
from typing import Final, TypeAlias

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.geometry.axis import AxisGeometry
from refconv.testing.battery.cases import DTYPES, Case
from refconv.testing.battery.data import DATA
from refconv.testing.battery.layouts import LAYOUTS

__all__: list[str] = []

LONGEST = 3  # conditions joined by "and"; fewer where few cases fail, for those have many things in common by chance
EXCEPTIONS = 0.2  # for each failing case: more passing ones may not meet a condition that is to be of any use

SUFFIXES: Final = {1: ("",), 2: ("_h", "_w"), 3: ("_d", "_h", "_w")}  # of the axes, by how many there are


@dataclass(frozen=True, slots=True)
class Plan:
    """A case, the plan of each of its axes and what comes out along it, by suffix, and the operation's own channels."""

    case: Case
    axes: dict[str, AxisGeometry]
    outputs: dict[str, int]
    in_channels: int
    out_channels: int

    @classmethod
    def of(cls, case: Case) -> Plan:
        """Plan a valid case."""
        plan, operation = case.plan, case.operation.forward
        axes = dict(zip(SUFFIXES[operation.space.rank], plan.axes, strict=True))
        if operation.is_transposed:  # planned as the convolution that it transposes
            outputs = {suffix: axis.input_size for suffix, axis in axes.items()}
            return cls(case, axes, outputs, plan.out_channels, plan.in_channels)
        outputs = {suffix: axis.output_size for suffix, axis in axes.items()}
        return cls(case, axes, outputs, plan.in_channels, plan.out_channels)

    @property
    def batched(self) -> bool:
        """Whether there is a batch axis."""
        return len(self.case.input_shape) == len(self.axes) + 2


Test: TypeAlias = Callable[[Plan], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """What all failing cases have in common, in words, and how many passing cases have it, too."""

    text: str
    passing: int = 0

    def __str__(self) -> str:
        exceptions = {0: "", 1: " (1 such case passes)"}.get(self.passing, f" ({self.passing} such cases pass)")
        return f"only where {self.text}{exceptions}"


def only_where(failing: Sequence[Case], passing: Sequence[Case], hint: str) -> Condition | None:
    """Return the simplest condition that is true of all failing cases and of no passing one, or else of few.

    Parameters
    ----------
    failing, passing : sequence of Case
        Valid cases.  Where none fails or none passes, there is nothing to tell apart.
    hint : str
        The cause's code: of conditions equally simple, the one that speaks of the same things is taken.

    Returns
    -------
    Condition or None
        None where all that few words can say is true of many passing cases as well.

    Examples
    --------
    >>> from refconv.testing import find_case
    >>> plain, tall, wide = (find_case(f"n1-c1-o1-g1-9x8-k3-s1-p0-{d}-f32") for d in ("d1", "d2x1", "d1x2"))
    >>> print(only_where([wide], [plain, tall], "dilation-ignored-along-width"))
    only where dilation_w > 1
    >>> print(only_where([tall, wide], [plain], "dilation-ignored"))
    only where dilation > 1
    """
    if not failing or not passing:
        return None
    failures, passes = ([Plan.of(case) for case in cases] for cases in (failing, passing))
    shared = {text: test for text, test in _TESTS.items() if all(map(test, failures))}
    left = {text: _mask(test, passes) for text, test in shared.items()}  # which passing cases each would let through
    words = _words(hint)
    ranked = sorted(left, key=lambda text: -sum(word in text for word in words))
    useful = list({left[text]: text for text in reversed(ranked)}.values())[::-1]  # of equals, the first
    everything = (1 << len(passes)) - 1
    tried = [
        (reduce(and_, (left[text] for text in texts)).bit_count(), size, texts)
        for size in range(1, min(LONGEST, len(failing).bit_length()) + 1)
        for texts in combinations([text for text in useful if left[text] != everything], size)
    ]
    if not tried:
        return None
    best, _, texts = min(tried, key=lambda attempt: attempt[:2])
    return Condition(" and ".join(texts), best) if best <= EXCEPTIONS * len(failing) else None


def _mask(test: Test, plans: Sequence[Plan]) -> int:
    """Return a number whose bit i says whether the test holds for plan i."""
    return sum(1 << place for place, plan in enumerate(plans) if test(plan))


def _words(hint: str) -> list[str]:
    """Return what a cause's code speaks of, in the words of the conditions."""
    for words, sign in {"along-width": "_w", "along-height": "_h", "for-both": "!=", "axes-swapped": "!="}.items():
        hint = hint.replace(words, sign)
    return [word.removesuffix("s") for part in hint.split("+") for word in part.split("-") if len(word) > 1]


def _tests() -> Iterator[tuple[str, Test]]:
    """Yield every simple condition, the plainest first: of equals the first is taken."""
    yield from _of_an_axis("dilation{} > 1", lambda axis: axis.dilation > 1 < axis.kernel_size)
    yield from _of_an_axis("stride{} > 1", lambda axis: axis.stride > 1 < axis.output_size)
    yield from _of_an_axis("padding{} > 0", lambda axis: sum(axis.padding) > 0)
    yield "output_padding > 0", lambda plan: any(plan.case.output_padding)
    yield "groups > 1", lambda plan: plan.case.groups > 1
    yield "there is a bias", lambda plan: plan.case.bias_shape is not None
    yield "batch > 1", lambda plan: plan.batched and plan.case.input_shape[0] > 1
    yield from _of_the_channels()
    yield "dilation_h != dilation_w", _differs(lambda axis: axis.dilation)
    yield "stride_h != stride_w", _differs(lambda axis: axis.stride)
    yield "padding_h != padding_w", _differs(lambda axis: axis.padding)
    yield "kernel_h != kernel_w", _differs(lambda axis: axis.kernel_size)
    yield "height != width", _differs(lambda axis: axis.input_size)
    yield from _of_an_axis("padding{} differs by side", lambda axis: axis.padding[0] != axis.padding[1])
    yield from _of_the_sides()
    yield from _of_an_axis("kernel{} > 1", lambda axis: axis.kernel_size > 1)
    yield from _of_an_axis("kernel{} > 2", lambda axis: axis.kernel_size > 2)
    yield from _of_an_axis("kernel{} is even", lambda axis: axis.kernel_size % 2 == 0)
    yield from _of_an_axis(
        "stride{0} > kernel{0}", lambda axis: axis.stride > axis.kernel_size and axis.output_size > 1
    )
    yield from _of_an_axis("dilation{} > 2", lambda axis: axis.dilation > 2 and axis.kernel_size > 1)
    yield from _of_an_axis("stride{} > 2", lambda axis: axis.stride > 2 and axis.output_size > 1)
    for size in (1, 8, 16, 32):
        yield from _of_an_output(f"output{{}} > {size}", _is_more_than(size))
    for tile in (2, 4, 8, 16):
        yield from _of_an_output(f"output{{}} is no multiple of {tile}", _is_no_multiple_of(tile))
        yield f"channels are no multiple of {tile}", _leaves_channels_over("in_channels", tile)
        yield f"outputs are no multiple of {tile}", _leaves_channels_over("out_channels", tile)
    yield "an image has more than 2^16 outputs", lambda plan: math.prod(plan.outputs.values()) > 2**16
    yield "kernel is 1×1", lambda plan: all(axis.kernel_size == 1 for axis in plan.axes.values())
    yield from _of_the_words()


def _of_an_axis(text: str, test: Callable[[AxisGeometry], bool]) -> Iterator[tuple[str, Test]]:
    """Yield a condition on the depth, on the height, on the width, and on any of them."""
    for suffix in SUFFIXES[3]:
        yield text.format(suffix), partial(_is_true_of, suffix, test)
    yield text.format(""), lambda plan: any(map(test, plan.axes.values()))


def _of_an_output(text: str, test: Callable[[int], bool]) -> Iterator[tuple[str, Test]]:
    """Yield a condition on what comes out, likewise."""
    for suffix in SUFFIXES[3]:
        yield text.format(suffix), partial(_is_true_of_output, suffix, test)
    yield text.format(""), lambda plan: any(map(test, plan.outputs.values()))


def _is_true_of(suffix: str, test: Callable[[AxisGeometry], bool], plan: Plan) -> bool:
    return suffix in plan.axes and test(plan.axes[suffix])


def _is_true_of_output(suffix: str, test: Callable[[int], bool], plan: Plan) -> bool:
    return suffix in plan.outputs and test(plan.outputs[suffix])


def _differs(value: Callable[[AxisGeometry], object]) -> Test:
    """Return the condition that height and width differ in something."""
    return lambda plan: len(plan.axes) > 1 and value(plan.axes["_h"]) != value(plan.axes["_w"])


def _is_more_than(size: int) -> Callable[[int], bool]:
    return lambda outputs: outputs > size


def _is_no_multiple_of(tile: int) -> Callable[[int], bool]:
    return lambda outputs: outputs % tile > 0


def _leaves_channels_over(channels: str, tile: int) -> Test:
    return lambda plan: getattr(plan, channels) % tile > 0


def _of_the_sides() -> Iterator[tuple[str, Test]]:
    for suffix, words in {"_d": ("front", "back"), "_h": ("top", "bottom"), "_w": ("left", "right")}.items():
        for side, word in enumerate(words):
            yield f"padding {word} > 0", partial(_is_true_of, suffix, _is_padded(side))


def _is_padded(side: int) -> Callable[[AxisGeometry], bool]:
    return lambda axis: axis.padding[side] > 0


def _of_the_channels() -> Iterator[tuple[str, Test]]:
    yield "channels per group > 1", lambda plan: plan.in_channels // plan.case.groups > 1
    yield "outputs per group > 1", lambda plan: plan.out_channels // plan.case.groups > 1
    yield "channels > 1", lambda plan: plan.in_channels > 1
    yield "outputs > 1", lambda plan: plan.out_channels > 1
    yield "groups = 1", lambda plan: plan.case.groups == 1
    yield "groups = channels", lambda plan: plan.case.groups == plan.in_channels > 1
    yield "1 < groups < channels", lambda plan: 1 < plan.case.groups < plan.in_channels


def _of_the_words() -> Iterator[tuple[str, Test]]:
    """Yield conditions on what a case's name says in words."""
    yield "there is no batch axis", lambda plan: not plan.batched
    yield "padding is 'same...'", lambda plan: str(plan.case.padding).startswith("same")
    yield from ((f"padding is {text!r}", _says("padding", text)) for text in PADDING_STRINGS)
    yield from ((f"the type is {name}", _says("dtype", short)) for short, name in DTYPES.items())
    yield from ((f"the data are {data!r}", _says("data", data)) for data in DATA)
    yield "the layout is not contiguous", lambda plan: plan.case.layout != "contiguous"
    yield from ((f"the layout is {layout!r}", _says("layout", layout)) for layout in LAYOUTS)


def _says(attribute: str, word: str) -> Test:
    return lambda plan: getattr(plan.case, attribute) == word


_TESTS: Final[dict[str, Test]] = dict(_tests())
