"""Mistakes in where a window lies: padding, dilation, stride, and the kernel's orientation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.mistakes import ALONG, SEVERAL_AXES, VOLUMES, Change, Mistake, on_axes, per_axis, set_to
from refconv.testing.diagnosis.reading import AXES, Reading

_WINDOW = "h = S·p + D·i − T"
_ONE_SIDE = f"{_WINDOW}, with T the padding of one side"
_OUTPUTS = "P = floor((H + T + B − (D·(K − 1) + 1)) / S) + 1"
_TOTAL = "T + B = (P − 1)·S + D·(K − 1) + 1 − H"
_FROM_UNDILATED = "the padding of SAME is computed from the kernel without its dilation"
_MOVED = ", its half rounded {}: the windows move into the image"
_ZEROS = "zeros stand in the padding"
NEGATIVE_INDEX = "what comes before the first is taken from the end, as NumPy takes a negative index"
BEFORE_THE_FIRST = "there is nothing before the first"
# Whose parameter an axis is given.
_h_for_w, _w_for_h = {"width": "height"}, {"height": "width"}
_d_for_w, _w_for_d = {"width": "depth"}, {"depth": "width"}


def padded(axis: AxisGeometry, before: int, after: int) -> AxisGeometry:
    """Return the axis with this padding, which may be negative: then pixels are left out."""
    return replace(axis, padding=(before, after))


def _sides(change: Callable[[int, int], tuple[int, int]]) -> Callable[[AxisGeometry], AxisGeometry]:
    """Change the padding before and after, T and B."""
    return lambda axis: padded(axis, *change(*axis.padding))


def _with_parameters(reading: Reading, name: str, sources: Mapping[str, str]) -> Reading:
    """Give each of some axes a parameter of another one."""
    values = {axis: getattr(reading.axis(source), name) for axis, source in sources.items()}
    for axis, value in values.items():
        reading = reading.with_axis(axis, replace(reading.axis(axis), **{name: value}))
    return reading


def _of_both(name: str, both: str, width: str, height: str) -> tuple[Mistake, ...]:
    """Return the mistakes in whose parameter an axis is given: of height and width, and of all three."""
    own = f"the depth, the height and the width have a {name} each"
    swapped, first, second = "axes-swapped", "first-for-both", "second-for-both"
    rows: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (swapped, "height is used along the width, and the other way round", both, _h_for_w | _w_for_h),
        (swapped, "depth is used along the width, and the other way round", own, _d_for_w | _w_for_d),
        (first, "height is used along the width as well", width, _h_for_w),
        (first, "depth is used along the height and the width as well", own, {"height": "depth"} | _d_for_w),
        (second, "width is used along the height as well", height, _w_for_h),
        (second, "width is used along the depth and the height as well", own, _w_for_d | _w_for_h),
    )
    return tuple(
        Mistake(
            f"{name}-{code}",
            f"the {name} of the {words}",
            should,
            partial(_with_parameters, name=name, sources=sources),
            is_common=code == swapped and should != own,
            ranks=VOLUMES if should == own else SEVERAL_AXES,
        )
        for code, words, should, sources in rows
    )


def _undilated_same(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    """Pad for the kernel without its dilation."""
    total = max(0, sum(axis.padding) - (axis.dilation - 1) * (axis.kernel_size - 1))
    smaller, larger = total // 2, total - total // 2
    return padded(axis, larger, smaller) if larger_first else padded(axis, smaller, larger)


def _undilated(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    return replace(_undilated_same(axis, larger_first=larger_first), dilation=1)


def _unclamped(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    """Move the windows by half of SAME's total where that is below 0, as in 1×1 at stride 3 of 7 pixels: none, or −1.

    Rounded towards 0, as C divides, or down.
    """
    total = axis.reach(axis.output_size) - axis.input_size
    if any(axis.padding) or total >= 0:
        return axis
    smaller = total // 2 if larger_first else -(-total // 2)
    return padded(axis, smaller, total - smaller)


def _half_of(axis: AxisGeometry, *, more: tuple[int, int]) -> AxisGeometry:
    """Pad by half of the kernel on both sides, 1 of 3 taps, and by one more where it is odd."""
    half, odd = divmod(axis.effective_kernel_size, 2)
    return padded(axis, half + more[0] * odd, half + more[1] * odd)


def flipped(*names: str) -> Change:
    """Reverse the taps along some axes."""

    def change(reading: Reading) -> Reading:
        there = tuple(2 + place for place, name in enumerate(AXES[-reading.rank :]) if name in names)
        return replace(reading, weight=np.flip(reading.weight, there))

    return change


def flips(words: str, more: str, should: str) -> tuple[Mistake, ...]:
    """Return the mistakes of a kernel that is flipped, and of one that is along an axis, whose lines `should` names."""
    lines = {"height": "row", "width": "column", "depth": "plane"}
    return (
        Mistake("kernel-flipped", f"{words}: {more}", should.format("pixel"), flipped(*AXES), is_common=True),
        *(
            Mistake(
                f"kernel-flipped-along-{axis}",
                f"{words} along the {axis}",
                should.format(lines[axis]),
                flipped(axis),
                ranks=ranks,
            )
            for axis, ranks in ALONG.items()
        ),
    )


SAME: Final = (
    *(
        Mistake(
            code,
            words.format("down" if larger_first else "towards 0"),
            should,
            on_axes(partial(change, larger_first=larger_first)),
            is_variant="+" in code,
        )
        for code, words, should, change in (
            ("same-from-undilated-kernel", _FROM_UNDILATED, f"{_TOTAL}, not with K − 1", _undilated_same),
            (
                "same-from-undilated-kernel+dilation-ignored",
                f"{_FROM_UNDILATED}, and the dilation is ignored",
                f"{_WINDOW}; {_TOTAL}",
                _undilated,
            ),
            (
                "same-total-not-clamped",
                f"the total padding of SAME is used where it is negative{_MOVED}",
                "T + B = max(0, (P − 1)·S + D·(K − 1) + 1 − H)",
                _unclamped,
            ),
        )
        for larger_first in (False, True)
    ),
    *(
        Mistake(
            f"same-half-kernel{'-and-one' * any(more)}",
            "the padding of SAME is half of the kernel on both sides" + ", and one more of an odd kernel" * any(more),
            _TOTAL,
            on_axes(partial(_half_of, more=more)),
        )
        for more in ((0, 0), (1, 0), (0, 1))
    ),
)
PADDING: Final = (
    *per_axis(
        "padding-missing",
        "the padding before the first pixel is missing",
        f"{_WINDOW}, with T the padding before the first pixel",
        _sides(lambda *_: (0, 0)),
        is_common=True,
    ),
    *per_axis(
        "padding-sides-swapped",
        "the padding's two sides are swapped",
        f"{_WINDOW}, with T the padding at the top (or the left), not at the bottom (the right)",
        _sides(lambda before, after: (after, before)),
        is_common=True,
    ),
    *per_axis(
        "padding-all-before",
        "all of the padding stands before the first pixel",
        f"{_WINDOW}, with T the padding before the first pixel alone, not the sum of both sides",
        _sides(lambda before, after: (before + after, 0)),
    ),
    *per_axis(
        "padding-halved",
        "half of the padding is used",
        f"{_ONE_SIDE}: it is not a total to be halved",
        _sides(lambda before, after: (before // 2, after // 2)),
    ),
    *per_axis(
        "padding-doubled",
        "twice the padding is used",
        _ONE_SIDE,
        _sides(lambda before, after: (2 * before, 2 * after)),
    ),
    *_of_both("padding", "(T, B) pads the rows, (L, R) the columns", "(L, R) pads the columns", "(T, B) pads the rows"),
    *per_axis(
        "padding-before-used-for-after",
        "the padding before the first pixel is used after the last one as well",
        f"{_OUTPUTS}, not with 2·T",
        _sides(lambda before, _: (before, before)),
    ),
    *SAME,
    *(
        Mistake(
            "padding-axes-rotated",
            f"the paddings of the three axes are rotated: the depth has that of the {order[0]}",
            "the depth, the height and the width have a padding each",
            partial(_with_parameters, name="padding", sources=dict(zip(AXES, order, strict=True))),
            ranks=VOLUMES,
        )
        for order in (("height", "width", "depth"), ("width", "depth", "height"))
    ),
    *per_axis(
        "stride-times-padding",
        "the window starts at (p − T)·S",
        _WINDOW,
        lambda axis: padded(axis, axis.stride * axis.padding[0], sum(axis.padding) - axis.stride * axis.padding[0]),
    ),
    Mistake("padding-circular", "the image is wrapped round into the padding", _ZEROS, set_to(padding_mode="circular")),
    Mistake(
        "padding-replicated", "the edge pixels are repeated in the padding", _ZEROS, set_to(padding_mode="replicate")
    ),
    Mistake("padding-reflected", "the image is mirrored into the padding", _ZEROS, set_to(padding_mode="reflect")),
    Mistake("negative-index-wraps", NEGATIVE_INDEX, BEFORE_THE_FIRST, set_to(padding_mode="wrapped")),
    Mistake("padding-zero", _ZEROS, "the padding mode's own pixels stand there", set_to(padding_mode="zeros")),
    Mistake(
        "window-start-clamped",
        "a window that starts in the padding is moved onto the image",
        f"{_WINDOW}, negative in the padding",
        set_to(padding_mode="clamped"),
    ),
    *per_axis(
        "window-one-late",
        "every window lies one pixel too late",
        _WINDOW,
        _sides(lambda before, after: (before - 1, after + 1)),
    ),
    *per_axis(
        "window-one-early",
        "every window lies one pixel too early",
        _WINDOW,
        _sides(lambda before, after: (before + 1, after - 1)),
    ),
    Mistake(
        "border-renormalised",
        "a window that touches the padding is weighed up by the taps it has left",
        "a tap in the padding adds 0, and the others count as they are",
        set_to(renormalised=True),
    ),
)

DILATION: Final = (
    *per_axis(
        "dilation-ignored",
        "the dilation is ignored",
        f"{_WINDOW}, not S·p + i − T",
        lambda axis: replace(axis, dilation=1),
        is_common=True,
    ),
    *_of_both("dilation", "D_h spaces the rows, D_w the columns", "D_w spaces the columns", "D_h spaces the rows"),
    *per_axis(
        "dilation-one-too-large",
        "the dilation is one too large: it is taken for the gap between taps",
        "a dilation of 1 has no gaps",
        lambda axis: replace(axis, dilation=axis.dilation + 1),
    ),
    *per_axis(
        "dilation-squared",
        "the dilation is applied twice: D² is used",
        f"{_WINDOW}, with D once",
        lambda axis: replace(axis, dilation=axis.dilation**2),
    ),
    *per_axis(
        "dilation-one-too-small",
        "the dilation is one too small",
        _WINDOW,
        lambda axis: replace(axis, dilation=max(1, axis.dilation - 1)),
    ),
    Mistake(
        "reach-kernel-times-dilation",
        "the kernel is taken to reach over K·D pixels",
        _OUTPUTS,
        on_axes(lambda axis: padded(axis, axis.padding[0], axis.padding[1] - axis.dilation + 1)),
    ),
)

STRIDE: Final = (
    *per_axis(
        "stride-ignored",
        "the stride is ignored",
        f"{_WINDOW}, not p + D·i − T",
        lambda axis: replace(axis, stride=1),
        is_common=True,
    ),
    *_of_both(
        "stride",
        "S_h steps over the rows, S_w over the columns",
        "S_w steps over the columns",
        "S_h steps over the rows",
    ),
    *per_axis(
        "stride-and-dilation-swapped",
        "stride and dilation are swapped",
        f"{_WINDOW}, not D·p + S·i − T",
        lambda axis: replace(axis, stride=axis.dilation, dilation=axis.stride),
    ),
)

KERNEL: Final = flips(
    "the kernel is flipped",
    "this is the true convolution of mathematics",
    f"tap i reads {_WINDOW}, so the first tap reads the first {{}}",
)
