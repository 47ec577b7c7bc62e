"""Mistakes in where a window lies: padding, dilation, stride, and the kernel's orientation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.mistakes import SEVERAL_AXES, VOLUMES, Change, Mistake, on_axes, per_axis
from refconv.testing.diagnosis.reading import AXES, Reading

_WINDOW = "h = S·p + D·i − T"
NEGATIVE_INDEX = "what comes before the first is taken from the end, as NumPy takes a negative index"
BEFORE_THE_FIRST = "there is nothing before the first"
_ZEROS = "zeros stand in the padding"


def padded(axis: AxisGeometry, before: int, after: int) -> AxisGeometry:
    """Return the axis with this padding, which may be negative: then pixels are left out."""
    return replace(axis, padding=(before, after))


def _exchanged(name: str, *axes: str) -> Change:
    """Give two axes each other's parameter."""
    first, second = axes
    return lambda reading: _with_parameters(reading, name, {first: second, second: first})


def _one_for(name: str, source: str, *axes: str) -> Change:
    """Give some axes the parameter of one."""
    return lambda reading: _with_parameters(reading, name, dict.fromkeys(axes, source))


def _with_parameters(reading: Reading, name: str, sources: Mapping[str, str]) -> Reading:
    """Give each of some axes a parameter of another one."""
    values = {axis: getattr(reading.axis(source), name) for axis, source in sources.items()}
    for axis, value in values.items():
        reading = reading.with_axis(axis, replace(reading.axis(axis), **{name: value}))
    return reading


def _of_both(name: str, both: str, width: str, height: str) -> tuple[Mistake, ...]:
    """Return the mistakes in whose parameter an axis is given: of height and width, and of all three."""
    own = f"the depth, the height and the width have a {name} each"
    swapped, first, second = f"{name}-axes-swapped", f"{name}-first-for-both", f"{name}-second-for-both"
    return (
        Mistake(
            swapped,
            f"the {name} of the height is used along the width, and the other way round",
            both,
            _exchanged(name, "height", "width"),
            is_common=True,
            ranks=SEVERAL_AXES,
        ),
        Mistake(
            swapped,
            f"the {name} of the depth is used along the width, and the other way round",
            own,
            _exchanged(name, "depth", "width"),
            ranks=VOLUMES,
        ),
        Mistake(
            first,
            f"the {name} of the height is used along the width as well",
            width,
            _one_for(name, "height", "width"),
            ranks=SEVERAL_AXES,
        ),
        Mistake(
            first,
            f"the {name} of the depth is used along the height and the width as well",
            own,
            _one_for(name, "depth", "height", "width"),
            ranks=VOLUMES,
        ),
        Mistake(
            second,
            f"the {name} of the width is used along the height as well",
            height,
            _one_for(name, "width", "height"),
            ranks=SEVERAL_AXES,
        ),
        Mistake(
            second,
            f"the {name} of the width is used along the depth and the height as well",
            own,
            _one_for(name, "width", "depth", "height"),
            ranks=VOLUMES,
        ),
    )


def _undilated_same(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    """Pad for the kernel without its dilation."""
    total = max(0, sum(axis.padding) - (axis.dilation - 1) * (axis.kernel_size - 1))
    smaller, larger = total // 2, total - total // 2
    return padded(axis, larger, smaller) if larger_first else padded(axis, smaller, larger)


def _undilated(axis: AxisGeometry, *, larger_first: bool) -> AxisGeometry:
    return replace(_undilated_same(axis, larger_first=larger_first), dilation=1)


def _same_from_undilated(*, larger_first: bool) -> Change:
    return on_axes(partial(_undilated_same, larger_first=larger_first))


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


def _mode(padding_mode: str) -> Change:
    return lambda reading: replace(reading, padding_mode=padding_mode)


def _stride_and_dilation_swapped(axis: AxisGeometry) -> AxisGeometry:
    return replace(axis, stride=axis.dilation, dilation=axis.stride)


def flipped(*names: str) -> Change:
    """Reverse the taps along some axes."""

    def change(reading: Reading) -> Reading:
        there = tuple(2 + place for place, name in enumerate(AXES[-reading.rank :]) if name in names)
        return replace(reading, weight=np.flip(reading.weight, there))

    return change


SAME: Final = (
    *(
        Mistake(
            "same-from-undilated-kernel",
            "the padding of SAME is computed from the kernel without its dilation",
            "T + B = (P − 1)·S + D·(K − 1) + 1 − H, not with K − 1",
            _same_from_undilated(larger_first=larger_first),
        )
        for larger_first in (False, True)
    ),
    *(
        Mistake(
            "same-from-undilated-kernel+dilation-ignored",
            "the padding of SAME is computed from the kernel without its dilation, and the dilation is ignored",
            f"{_WINDOW}; T + B = (P − 1)·S + D·(K − 1) + 1 − H",
            on_axes(partial(_undilated, larger_first=larger_first)),
            is_variant=True,
        )
        for larger_first in (False, True)
    ),
    *(
        Mistake(
            "same-total-not-clamped",
            "the total padding of SAME is used where it is negative"
            f", its half rounded {'down' if larger_first else 'towards 0'}: the windows move into the image",
            "T + B = max(0, (P − 1)·S + D·(K − 1) + 1 − H)",
            on_axes(partial(_unclamped, larger_first=larger_first)),
        )
        for larger_first in (False, True)
    ),
    *(
        Mistake(
            f"same-half-kernel{'-and-one' * any(more)}",
            "the padding of SAME is half of the kernel on both sides" + ", and one more of an odd kernel" * any(more),
            "T + B = (P − 1)·S + D·(K − 1) + 1 − H",
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
        lambda axis: padded(axis, 0, 0),
        is_common=True,
    ),
    *per_axis(
        "padding-sides-swapped",
        "the padding's two sides are swapped",
        f"{_WINDOW}, with T the padding at the top (or the left), not at the bottom (the right)",
        lambda axis: padded(axis, *axis.padding[::-1]),
        is_common=True,
    ),
    *per_axis(
        "padding-all-before",
        "all of the padding stands before the first pixel",
        f"{_WINDOW}, with T the padding before the first pixel alone, not the sum of both sides",
        lambda axis: padded(axis, sum(axis.padding), 0),
    ),
    *per_axis(
        "padding-halved",
        "half of the padding is used",
        f"{_WINDOW}, with T the padding of one side: it is not a total to be halved",
        lambda axis: padded(axis, axis.padding[0] // 2, axis.padding[1] // 2),
    ),
    *per_axis(
        "padding-doubled",
        "twice the padding is used",
        f"{_WINDOW}, with T the padding of one side",
        lambda axis: padded(axis, 2 * axis.padding[0], 2 * axis.padding[1]),
    ),
    *_of_both("padding", "(T, B) pads the rows, (L, R) the columns", "(L, R) pads the columns", "(T, B) pads the rows"),
    *per_axis(
        "padding-before-used-for-after",
        "the padding before the first pixel is used after the last one as well",
        "P = floor((H + T + B − (D·(K − 1) + 1)) / S) + 1, not with 2·T",
        lambda axis: padded(axis, axis.padding[0], axis.padding[0]),
    ),
    *SAME,
    *(
        Mistake(
            "padding-axes-rotated",
            f"the paddings of the three axes are rotated: the depth has that of the {first}",
            "the depth, the height and the width have a padding each",
            partial(_with_parameters, name="padding", sources=order),
            ranks=VOLUMES,
        )
        for first, order in (
            ("height", {"depth": "height", "height": "width", "width": "depth"}),
            ("width", {"depth": "width", "height": "depth", "width": "height"}),
        )
    ),
    *per_axis(
        "stride-times-padding",
        "the window starts at (p − T)·S",
        _WINDOW,
        lambda axis: padded(axis, axis.stride * axis.padding[0], sum(axis.padding) - axis.stride * axis.padding[0]),
    ),
    Mistake("padding-circular", "the image is wrapped round into the padding", _ZEROS, _mode("circular")),
    Mistake("padding-replicated", "the edge pixels are repeated in the padding", _ZEROS, _mode("replicate")),
    Mistake("padding-reflected", "the image is mirrored into the padding", _ZEROS, _mode("reflect")),
    Mistake(
        "negative-index-wraps",
        NEGATIVE_INDEX,
        BEFORE_THE_FIRST,
        _mode("wrapped"),
    ),
    Mistake("padding-zero", "zeros stand in the padding", "the padding mode's own pixels stand there", _mode("zeros")),
    Mistake(
        "window-start-clamped",
        "a window that starts in the padding is moved onto the image",
        f"{_WINDOW}, negative in the padding",
        _mode("clamped"),
    ),
    *per_axis(
        "window-one-late",
        "every window lies one pixel too late",
        _WINDOW,
        lambda axis: padded(axis, axis.padding[0] - 1, axis.padding[1] + 1),
    ),
    *per_axis(
        "window-one-early",
        "every window lies one pixel too early",
        _WINDOW,
        lambda axis: padded(axis, axis.padding[0] + 1, axis.padding[1] - 1),
    ),
    Mistake(
        "border-renormalised",
        "a window that touches the padding is weighed up by the taps it has left",
        "a tap in the padding adds 0, and the others count as they are",
        lambda reading: replace(reading, renormalised=True),
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
        "P = floor((H + T + B − (D·(K − 1) + 1)) / S) + 1",
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
        _stride_and_dilation_swapped,
    ),
)

KERNEL: Final = (
    Mistake(
        "kernel-flipped",
        "the kernel is flipped: this is the true convolution of mathematics",
        f"tap i reads {_WINDOW}, so the first tap reads the first pixel",
        flipped(*AXES),
        is_common=True,
    ),
    *(
        Mistake(
            f"kernel-flipped-along-{axis}",
            f"the kernel is flipped along the {axis}",
            f"tap i reads {_WINDOW}, so the first tap reads the first {pixels}",
            flipped(axis),
            ranks=ranks,
        )
        for axis, pixels, ranks in (
            ("height", "row", SEVERAL_AXES),
            ("width", "column", SEVERAL_AXES),
            ("depth", "plane", VOLUMES),
        )
    ),
)
