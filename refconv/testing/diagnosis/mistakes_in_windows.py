"""Mistakes in where a window lies: padding, dilation, stride, and the kernel's orientation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.mistakes import ALONG, PLANES, SEVERAL_AXES, VOLUMES, Mistake, PerAxis, on_axes, set_to
from refconv.testing.diagnosis.reading import AXES, Reading

_WINDOW = "h = S·p + D·i − T"
_ONE_SIDE = f"{_WINDOW}, with T the padding of one side"
_OUTPUTS = "P = floor((H + T + B − (D·(K − 1) + 1)) / S) + 1"
_TOTAL = "T + B = (P − 1)·S + D·(K − 1) + 1 − H"
_FROM_UNDILATED = "the padding of SAME is computed from the kernel without its dilation"
UNCLAMPED: Final = (
    "the total padding of SAME is used where it is negative, its half rounded {}: the windows move into the image"
)
_ZEROS = "zeros stand in the padding"
NEGATIVE_INDEX = "what comes before the first is taken from the end, as NumPy takes a negative index"
BEFORE_THE_FIRST = "there is nothing before the first"
# Whose parameter an axis is given.
_h_for_w, _w_for_h = {"width": "height"}, {"height": "width"}
_d_for_w, _w_for_d = {"width": "depth"}, {"depth": "width"}


def padded(axis: AxisGeometry, before: int, after: int) -> AxisGeometry:
    """Return the axis with this padding, which may be negative: then pixels are left out."""
    return replace(axis, padding=(before, after))


def _longer(axis: AxisGeometry, pixels: int) -> AxisGeometry:
    """Return the axis with so many more pixels of padding at its end, where they matter to its size alone."""
    return padded(axis, axis.padding[0], axis.padding[1] + pixels)


def _sized_by_height(reading: Reading) -> Reading:
    height, width = (axis.effective_kernel_size for axis in reading.axes)
    return reading.with_axes(lambda axis: _longer(axis, width - height), "width")


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
            partial(_with_parameters, name=name, sources=sources),
            is_common=code == swapped and should != own,
            ranks=VOLUMES if should == own else SEVERAL_AXES,
        ).says(f"the {name} of the {words}", should)
        for code, words, should, sources in rows
    )


def _reordered(reading: Reading, *, order: Sequence[int]) -> Reading:
    """Take the sides of all axes in another order; T, B, L and R are the numbers 0 to 3."""
    sides = [side for axis in reading.axes for side in axis.padding]
    pairs = zip(reading.axes, order[::2], order[1::2], strict=True)
    return replace(reading, axes=tuple(padded(axis, sides[before], sides[after]) for axis, before, after in pairs))


def _same_of_stride_one(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    smaller, larger = (axis.effective_kernel_size - 1) // 2, axis.effective_kernel_size // 2
    return padded(axis, larger, smaller) if larger_first else padded(axis, smaller, larger)


def _undilated_same(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    """Pad for the kernel without its dilation."""
    total = max(0, sum(axis.padding) - (axis.dilation - 1) * (axis.kernel_size - 1))
    smaller, larger = total // 2, total - total // 2
    return padded(axis, larger, smaller) if larger_first else padded(axis, smaller, larger)


def _undilated(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    return replace(_undilated_same(axis, larger_first=larger_first), dilation=1)


def unclamped(axis: AxisGeometry, extra: int = 0, *, larger_first: bool) -> AxisGeometry:
    """Move the windows by half of SAME's total where that is below 0, as in 1×1 at stride 3 of 8 pixels: none, or −1.

    Rounded towards 0, as C divides, or down; an output padding counts, where it is given.
    """
    total = min(0, axis.reach(axis.output_size) + extra - axis.input_size)
    if any(axis.padding):
        return axis
    smaller = total // 2 if larger_first else -(-total // 2)
    return padded(axis, smaller, total - smaller)


def _half_of(axis: AxisGeometry, *, more: tuple[int, int]) -> AxisGeometry:
    """Pad by half of the kernel on both sides, 1 of 3 taps, and by one more where it is odd."""
    half, odd = divmod(axis.effective_kernel_size, 2)
    return padded(axis, half + more[0] * odd, half + more[1] * odd)


def _flipped(reading: Reading, *, names: Sequence[str]) -> Reading:
    """Reverse the taps along some axes."""
    there = tuple(2 + place for place, name in enumerate(AXES[-reading.rank :]) if name in names)
    return replace(reading, weight=np.flip(reading.weight, there))


def flips(words: str, more: str, should: str) -> tuple[Mistake, ...]:
    """Return the mistakes of a kernel that is flipped, and of one that is along an axis, whose lines `should` names."""
    lines = {"height": "row", "width": "column", "depth": "plane"}
    return (
        Mistake("kernel-flipped", partial(_flipped, names=AXES), is_common=True).says(
            f"{words}: {more}", should.format("pixel")
        ),
        *(
            Mistake(f"kernel-flipped-along-{axis}", partial(_flipped, names=[axis]), ranks=ranks).says(
                f"{words} along the {axis}", should.format(lines[axis])
            )
            for axis, ranks in ALONG.items()
        ),
    )


SAME: Final = (
    *(
        Mistake(code, on_axes(partial(change, larger_first=larger_first)), is_variant="+" in code).says(
            words.format("down" if larger_first else "towards 0"), should
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
                UNCLAMPED,
                "T + B = max(0, (P − 1)·S + D·(K − 1) + 1 − H)",
                unclamped,
            ),
        )
        for larger_first in (False, True)
    ),
    *(
        Mistake(f"same-half-kernel{'-and-one' * any(more)}", on_axes(partial(_half_of, more=more))).says(
            "the padding of SAME is half of the kernel on both sides" + ", and one more of an odd kernel" * any(more),
            _TOTAL,
        )
        for more in ((0, 0), (1, 0), (0, 1))
    ),
    *(
        Mistake("same-without-stride", on_axes(partial(_same_of_stride_one, larger_first=first))).says(
            "the padding of SAME is computed as if the stride were 1", _TOTAL
        )
        for first in (False, True)
    ),
)
PADDING: Final = (
    *PerAxis("padding-missing", _sides(lambda *_: (0, 0)), is_common=True).says(
        "the padding before the first pixel is missing", f"{_WINDOW}, with T the padding before the first pixel"
    ),
    *PerAxis("padding-sides-swapped", _sides(lambda before, after: (after, before)), is_common=True).says(
        "the padding's two sides are swapped",
        f"{_WINDOW}, with T the padding at the top (or the left), not at the bottom (the right)",
    ),
    *PerAxis("padding-all-before", _sides(lambda before, after: (before + after, 0))).says(
        "all of the padding stands before the first pixel",
        f"{_WINDOW}, with T the padding before the first pixel alone, not the sum of both sides",
    ),
    *PerAxis(
        "padding-split-evenly", _sides(lambda before, after: ((before + after) // 2, (before + after + 1) // 2))
    ).says(
        "the padding is split evenly between the two sides",
        f"{_WINDOW}, with T the padding before the first pixel, not half of both",
    ),
    *PerAxis("padding-halved", _sides(lambda before, after: (before // 2, after // 2))).says(
        "half of the padding is used", f"{_ONE_SIDE}: it is not a total to be halved"
    ),
    *PerAxis("padding-doubled", _sides(lambda before, after: (2 * before, 2 * after))).says(
        "twice the padding is used", _ONE_SIDE
    ),
    *_of_both("padding", "(T, B) pads the rows, (L, R) the columns", "(L, R) pads the columns", "(T, B) pads the rows"),
    *PerAxis("padding-before-used-for-after", _sides(lambda before, _: (before, before))).says(
        "the padding before the first pixel is used after the last one as well", f"{_OUTPUTS}, not with 2·T"
    ),
    *SAME,
    *(
        Mistake(
            "padding-axes-rotated",
            partial(_with_parameters, name="padding", sources=dict(zip(AXES, order, strict=True))),
            ranks=VOLUMES,
        ).says(
            f"the paddings of the three axes are rotated: the depth has that of the {order[0]}",
            "the depth, the height and the width have a padding each",
        )
        for order in (("height", "width", "depth"), ("width", "depth", "height"))
    ),
    *PerAxis(
        "stride-times-padding",
        lambda axis: padded(axis, axis.stride * axis.padding[0], sum(axis.padding) - axis.stride * axis.padding[0]),
    ).says("the window starts at (p − T)·S", _WINDOW),
    *PerAxis(
        "padding-times-dilation",
        lambda axis: padded(axis, axis.dilation * axis.padding[0], axis.dilation * axis.padding[1]),
    ).says("the padding is multiplied by the dilation", _ONE_SIDE),
    *(
        Mistake("padding-order-mixed", partial(_reordered, order=order), ranks=ranks).says(
            f"the sides of the padding are taken in another order: {words}", "each axis has its side before and after"
        )
        for order, ranks, words in (
            ((0, 2, 1, 3), PLANES, "(T, L, B, R) is read as (T, B, L, R), or the other way round"),
            ((0, 2, 4, 1, 3, 5), VOLUMES, "all sides before, and then all after, are expected, and come axis by axis"),
            ((0, 3, 1, 4, 2, 5), VOLUMES, "axis by axis is expected, and all sides before, and then all after, come"),
        )
    ),
    Mistake("padding-circular", set_to(padding_mode="circular")).says(
        "the image is wrapped round into the padding", _ZEROS
    ),
    Mistake("padding-replicated", set_to(padding_mode="replicate")).says(
        "the edge pixels are repeated in the padding", _ZEROS
    ),
    Mistake("padding-reflected", set_to(padding_mode="reflect")).says("the image is mirrored into the padding", _ZEROS),
    Mistake("negative-index-wraps", set_to(padding_mode="wrapped")).says(NEGATIVE_INDEX, BEFORE_THE_FIRST),
    Mistake("padding-zero", set_to(padding_mode="zeros")).says(_ZEROS, "the padding mode's own pixels stand there"),
    Mistake("window-start-clamped", set_to(padding_mode="clamped")).says(
        "a window that starts in the padding is moved onto the image", f"{_WINDOW}, negative in the padding"
    ),
    *PerAxis("window-one-late", _sides(lambda before, after: (before - 1, after + 1))).says(
        "every window lies one pixel too late", _WINDOW
    ),
    *PerAxis("window-one-early", _sides(lambda before, after: (before + 1, after - 1))).says(
        "every window lies one pixel too early", _WINDOW
    ),
    Mistake("border-renormalised", set_to(renormalised=True)).says(
        "a window that touches the padding is weighed up by the taps it has left",
        "a tap in the padding adds 0, and the others count as they are",
    ),
)

DILATION: Final = (
    *PerAxis("dilation-ignored", lambda axis: replace(axis, dilation=1), is_common=True).says(
        "the dilation is ignored", f"{_WINDOW}, not S·p + i − T"
    ),
    *_of_both("dilation", "D_h spaces the rows, D_w the columns", "D_w spaces the columns", "D_h spaces the rows"),
    *PerAxis("dilation-one-too-large", lambda axis: replace(axis, dilation=axis.dilation + 1)).says(
        "the dilation is one too large: it is taken for the gap between taps", "a dilation of 1 has no gaps"
    ),
    *PerAxis("dilation-squared", lambda axis: replace(axis, dilation=axis.dilation**2)).says(
        "the dilation is applied twice: D² is used", f"{_WINDOW}, with D once"
    ),
    *PerAxis("dilation-times-stride", lambda axis: replace(axis, dilation=axis.dilation * axis.stride)).says(
        "the stride is applied to the taps as well: they lie D·S apart", _WINDOW
    ),
    *PerAxis("dilation-one-too-small", lambda axis: replace(axis, dilation=max(1, axis.dilation - 1))).says(
        "the dilation is one too small", _WINDOW
    ),
    Mistake(
        "reach-kernel-times-dilation",
        on_axes(lambda axis: padded(axis, axis.padding[0], axis.padding[1] - axis.dilation + 1)),
    ).says("the kernel is taken to reach over K·D pixels", _OUTPUTS),
)

STRIDE: Final = (
    *PerAxis("stride-ignored", lambda axis: replace(axis, stride=1), is_common=True).says(
        "the stride is ignored", f"{_WINDOW}, not p + D·i − T"
    ),
    *_of_both(
        "stride",
        "S_h steps over the rows, S_w over the columns",
        "S_w steps over the columns",
        "S_h steps over the rows",
    ),
    *PerAxis("stride-squared", lambda axis: replace(axis, stride=axis.stride**2)).says(
        "the stride is applied twice: S² is used", f"{_WINDOW}, with S once"
    ),
    *PerAxis(
        "stride-and-dilation-swapped", lambda axis: replace(axis, stride=axis.dilation, dilation=axis.stride)
    ).says("stride and dilation are swapped", f"{_WINDOW}, not D·p + S·i − T"),
)

SIZES: Final = (
    *PerAxis(
        "size-rounded-up", lambda axis: _longer(axis, -(axis.padded_size - axis.effective_kernel_size) % axis.stride)
    ).says("a last window that is not whole is counted as well, P being rounded up", _OUTPUTS),
    *PerAxis("size-of-undilated-kernel", lambda axis: _longer(axis, (axis.dilation - 1) * (axis.kernel_size - 1))).says(
        "the windows are counted as if the kernel had no dilation", _OUTPUTS
    ),
    Mistake("size-of-kernel-height", _sized_by_height, ranks=PLANES).says(
        "the windows of a row are counted by the height of the kernel", _OUTPUTS
    ),
)

KERNEL: Final = flips(
    "the kernel is flipped",
    "this is the true convolution of mathematics",
    f"tap i reads {_WINDOW}, so the first tap reads the first {{}}",
)
