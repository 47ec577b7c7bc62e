"""Mistakes that only scattering can make: in conv_transpose2d, and in the gradient of an input.

What is scattered reads the relation of its convolution, so that all mistakes in the axes are made here too.  These are
what is left: a padding that is cropped, zeros that are stuffed between pixels, windows that overlap, groups that are
written to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.testing.diagnosis.directions import InputAdjoint, Transposed
from refconv.testing.diagnosis.mistakes import PLANES, Change, Mistake, PerAxis, along_each, changed, set_to
from refconv.testing.diagnosis.mistakes_in_channels import (
    BOTH_SIDES,
    FIRST_GROUP,
    INPUTS_APART,
    INTERLEAVED,
    OUTPUTS_APART,
    block,
    each_of,
    first_image_alone,
    groups_last,
    number_of_groups,
    outputs_stored,
    transposed_kernels,
    weight_as,
)
from refconv.testing.diagnosis.mistakes_in_windows import (
    BEFORE_THE_FIRST,
    NEGATIVE_INDEX,
    UNCLAMPED,
    flips,
    padded,
    unclamped,
)
from refconv.testing.diagnosis.reading import AXES, Reading

_SCATTER = "output p is added to the pixel S·p + D·i − T, through each tap i"
_STUFFED = "S − 1 zeros lie between pixels, D·(K − 1) − T before the first, and the kernel is flipped"
_STUFFED_FIRST = f"{_STUFFED}; where that is negative, it is cropped from the stuffed image"
_CROPPED = "a padding beyond the kernel's reach is cropped from what is scattered, before zeros are put between pixels"
_SIZE = "H = S·(P − 1) + D·(K − 1) + 1 − T − B + E"
_BEYOND = "the E rows at the end are part of what the padding would crop, and beyond that hold the bias"
_SAME_SIZE = "H = S·P: T + B = max(0, S·(P − 1) + D·(K − 1) + 1 + E − S·P), and what lies beyond holds the bias"
_BLOCKS = "channel o is connected with the channels (C/G)·g + c, with g = o // (O/G)"


def _not_turned_round(axis: AxisGeometry) -> AxisGeometry:
    """Begin T before the first stuffed pixel, where D·(K − 1) − T belongs: the latter then is what is cropped."""
    reach = axis.effective_kernel_size - 1
    return padded(axis, reach - axis.padding[0], reach - axis.padding[1])


def _of_undilated(axis: AxisGeometry) -> AxisGeometry:
    """Begin K − 1 − T before the first stuffed pixel, where D·(K − 1) − T belongs."""
    missing = axis.effective_kernel_size - axis.kernel_size
    return padded(axis, axis.padding[0] + missing, axis.padding[1] + missing)


def _clamped(axis: AxisGeometry) -> AxisGeometry:
    """Crop no more than the kernel reaches: where D·(K − 1) − T is negative, 0 is taken for it."""
    reach = axis.effective_kernel_size - 1
    return padded(axis, min(reach, axis.padding[0]), min(reach, axis.padding[1]))


def _of_input(change: Callable[[InputAdjoint], Reading]) -> Change:
    return lambda reading: change(reading) if isinstance(reading, InputAdjoint) else reading


def _cropped_before_stuffing(*names: str) -> Change:
    """Take what is cropped beyond D·(K − 1) off what is scattered: of a, b, c with one tap and T = B = 1 stays b."""

    def cropped(axis: AxisGeometry, e: int) -> AxisGeometry:
        before, after = axis.padding
        return padded(axis, beyond(axis, before), beyond(axis, after - e) + e)

    def beyond(axis: AxisGeometry, side: int) -> int:
        return side + (axis.stride - 1) * max(0, side - axis.effective_kernel_size + 1)

    def change(reading: InputAdjoint) -> Reading:
        named = zip(AXES[-reading.rank :], reading.axes, reading.extras, strict=True)
        axes = (cropped(axis, e) if name in names or not names else axis for name, axis, e in named)
        return replace(reading, axes=tuple(axes))

    return _of_input(change)


def _with(**parts: Any) -> Change:
    return _of_input(set_to(**parts))


def _extra_before(reading: InputAdjoint) -> Reading:
    axes = zip(reading.axes, reading.extras, strict=True)
    return replace(reading, axes=tuple(padded(axis, axis.padding[0] - e, axis.padding[1] + e) for axis, e in axes))


def _extra_on_input(reading: InputAdjoint) -> Reading:
    axes = zip(reading.axes, reading.extras, strict=True)
    return replace(reading, output_padding=tuple(axis.stride * e for axis, e in axes))


def _of_same(change: Callable[[AxisGeometry, int], AxisGeometry]) -> Change:
    """Change the axes of a SAME padding, by them and by E as the caller gave it, and add no pixels beyond that."""

    def made(reading: Reading) -> Reading:
        if not isinstance(reading, Transposed) or not reading.given:
            return reading
        axes = map(change, reading.axes, reading.given)
        return replace(reading, axes=tuple(axes), output_padding=reading.given)

    return made


def _reading_channels(channel: Callable[[np.ndarray[Any, Any], Reading], np.ndarray[Any, Any]]) -> Change:
    """Read another channel of what is scattered for each that should be, with that one's weights."""
    return changed("output", lambda reading: reading.output[:, channel(np.arange(len(reading.channels)), reading)])


def _interleaved(reading: Reading) -> np.ndarray[Any, Any]:
    """Return for each channel the one that stands there if those of a group lie G apart."""
    channels = np.arange(len(reading.channels))
    return np.asarray(channels % each_of(reading) * reading.groups + block(channels, reading))


def _weight_untransposed(reading: Reading) -> Reading:
    """Read memory of (O, C/G, K_h, K_w) as if it were that of (C, O/G, K_h, K_w)."""
    outputs, each = len(reading.channels), each_of(reading)
    channels = reading.channels.shape[1] * reading.groups
    memory = np.ascontiguousarray(reading.weight).reshape(channels, each, *reading.weight.shape[2:])
    return replace(reading, weight=memory[reading.channels, np.arange(outputs)[:, np.newaxis] % each])


def _turned_as_one(reading: Reading) -> np.ndarray[Any, Any]:
    """Exchange the two axes of channels of all the weight, and take each group's rows of that."""
    arriving, results = reading.weight.shape[:2]
    each = max(1, arriving // reading.groups)
    channel = np.arange(arriving)[:, np.newaxis]
    number = (channel // each * results + np.arange(results)) * each + channel % each
    return np.asarray(reading.weight[number % max(1, arriving), number // max(1, arriving)])


def _groups_and_dilation_swapped(reading: InputAdjoint) -> Reading:
    """Take D groups, and G for every dilation: of C·D channels, each from C/D; without a bias, which is too short."""
    dilations = {axis.dilation for axis in reading.axes}
    groups, (inputs, each) = dilations.pop(), reading.channels.shape
    if dilations or groups == reading.groups:
        return reading
    if inputs % groups or any(
        e >= max(axis.stride, reading.groups) for e, axis in zip(reading.extras, reading.axes, strict=True)
    ):
        raise ValueError(f"{inputs} channels, {groups} groups and an output padding of {reading.extras} are refused")
    grid: np.ndarray[Any, Any] = np.indices((inputs, each))
    swapped = reading.with_axes(lambda axis: replace(axis, dilation=reading.groups))
    channels = grid[0] // (inputs // groups) * each + grid[1]
    bias = np.zeros((len(reading.bias), groups * each), reading.bias.dtype)
    return replace(swapped, groups=groups, channels=channels, bias=bias)


GROUPS_AND_DILATION: Final = Mistake("groups-and-dilation-swapped", _of_input(_groups_and_dilation_swapped)).says(
    "groups and dilation are exchanged", "conv_transpose2d takes ..., output_padding, groups, dilation, in this order"
)

WINDOWS: Final = (
    *PerAxis(
        "padding-on-input", lambda axis: padded(axis, -axis.stride * axis.padding[0], -axis.stride * axis.padding[1])
    ).says(
        "the padding is put around what is scattered, where it is to be cropped from the result",
        f"{_SCATTER}: the padding crops, as in {_SIZE}",
    ),
    *PerAxis("padding-not-turned-round", _not_turned_round, is_common=True).says(
        "the zero-stuffed image is padded by T, not by D·(K − 1) − T", _STUFFED
    ),
    *PerAxis("padding-of-undilated-kernel", _of_undilated).says(
        "the zero-stuffed image is padded by K − 1 − T, as if there were no dilation", _STUFFED
    ),
    *PerAxis("padding-clamped-to-reach", _clamped).says(
        "a padding beyond the kernel's reach is not cropped: D·(K − 1) − T is taken for 0 where it is negative",
        _STUFFED_FIRST,
    ),
    Mistake("padding-cropped-before-stuffing", _cropped_before_stuffing()).says(_CROPPED, _STUFFED_FIRST),
    *along_each("padding-cropped-before-stuffing", _CROPPED, _STUFFED_FIRST, _cropped_before_stuffing),
    *PerAxis("stuffed-with-stride-zeros", lambda axis: replace(axis, stride=axis.stride + 1)).says(
        "S zeros are put between pixels, where S − 1 belong", _STUFFED
    ),
    *flips(
        "each output is scattered through the kernel backwards",
        "as if a convolution over the stuffed image had no flip",
        _SCATTER,
    ),
    *(
        Mistake("overlaps-overwritten", _with(overlaps=written)).says(
            f"where windows overlap, the last {written} that is written stands, and they are not added up",
            "all that reaches a pixel is added up",
        )
        for written in ("window", "tap")
    ),
    Mistake("negative-index-wraps", _with(overlaps="wrapped")).says(NEGATIVE_INDEX, BEFORE_THE_FIRST),
)

OUTPUT_PADDING: Final = (
    Mistake(
        "output-padding-axes-swapped",
        _of_input(lambda reading: replace(reading, output_padding=reading.extras[::-1])),
        ranks=PLANES,
    ).says("the output padding of the height is added to the width, and that of the width to the height", _SIZE),
    Mistake("output-padding-missing", _with(output_padding=())).says("the output padding is missing", _SIZE),
    Mistake("output-padding-zero-filled", _with(beyond="zeros")).says(
        "the rows and columns of the output padding are filled with zeros", _BEYOND
    ),
    Mistake("output-padding-bias-alone", _with(beyond="bias")).says(
        "the rows and columns of the output padding hold the bias alone", _BEYOND
    ),
    Mistake("unreached-pixels-zero", _with(beyond="reached")).says(
        "pixels that no output reaches are 0, where the bias belongs", "every pixel gets the bias"
    ),
    Mistake("output-padding-before", _of_input(_extra_before)).says(
        "the output padding is added at the top and at the left",
        "E rows and columns are added at the bottom and at the right",
    ),
    Mistake("output-padding-on-input", _of_input(_extra_on_input)).says(
        "the input is padded by the output padding, so that the output grows by S·E", _SIZE
    ),
)

SAME: Final = (
    # Of 2 pixels, 1 tap and stride 2, 3 of 4; and also of 3 taps, 5.
    Mistake("same-never-adds", _of_same(lambda axis, _: axis)).says(
        "SAME adds nothing where the windows reach less than S·P", _SAME_SIZE
    ),
    Mistake("same-ignored", _of_same(lambda axis, _: padded(axis, 0, 0))).says(
        "SAME is ignored: nothing is cropped, and nothing added", _SAME_SIZE
    ),
    *(
        Mistake("same-total-not-clamped", _of_same(partial(unclamped, larger_first=larger_first))).says(
            UNCLAMPED.format("down" if larger_first else "towards 0"), _SAME_SIZE
        )
        for larger_first in (False, True)
    ),
)

_SIDE_BY_SIDE = "are taken G apart, not side by side"
GROUPS: Final = (
    first_image_alone("output"),
    Mistake("groups-interleaved", INTERLEAVED, is_common=True).says(BOTH_SIDES, _BLOCKS),
    Mistake("groups-interleaved-inputs", OUTPUTS_APART).says(
        f"the channels that a group reads {_SIDE_BY_SIDE}, and so are its weights", _BLOCKS
    ),
    Mistake("groups-interleaved-inputs", _reading_channels(lambda o, reading: _interleaved(reading)[o])).says(
        f"the channels that a group reads {_SIDE_BY_SIDE}", _BLOCKS
    ),
    Mistake(
        "groups-interleaved-weights", changed("weight", lambda reading: reading.weight[_interleaved(reading)])
    ).says(f"the weights of a group {_SIDE_BY_SIDE}", _BLOCKS),
    Mistake("groups-turned-as-one", changed("weight", _turned_as_one)).says(
        "the weight's two axes of channels are exchanged for all groups at once: they get each other's kernels",
        "group g has the kernels from g·(C/G) on, with their axes exchanged by themselves",
    ),
    Mistake("groups-interleaved-outputs", INPUTS_APART).says(
        f"the channels that a group writes to {_SIDE_BY_SIDE}", _BLOCKS
    ),
    Mistake("groups-all-read-first", _reading_channels(lambda o, reading: o % each_of(reading)), is_common=True).says(
        "every group reads the channels of the first group", _BLOCKS
    ),
    Mistake("groups-all-write-first", FIRST_GROUP).says(
        "every group writes to the channels of the first group", _BLOCKS
    ),
    *number_of_groups("channel is made from all channels", "channel", _BLOCKS),
)


def _arriving(reading: Reading, *, part: str, step: int, value: float) -> np.ndarray[Any, Any]:
    """Return what arrives, or its weights, with a number in the channels of a group beyond the last whole step."""
    array, each = getattr(reading, part), each_of(reading)
    channel = np.arange(reading.output.shape[1]) % max(1, each)
    is_lost = np.expand_dims(channel >= each // step * step, tuple(range(1, array.ndim - (part == "output"))))
    return np.where(is_lost, value, array)


ARRIVING_LOST: Final = (
    *(
        Mistake(
            "arriving-channel-tail-lost", changed("output", partial(_arriving, part="output", step=step, value=0))
        ).says(
            f"the channels that arrive beyond the last whole {step} of a group are left out of the sum",
            "all channels that arrive are added up",
        )
        for step in (2, 4, 8, 16)
    ),
    *(
        Mistake(
            "arriving-channel-tail-unweighted", changed("weight", partial(_arriving, part="weight", step=step, value=1))
        ).says(
            f"the channels that arrive beyond the last whole {step} of a group are added up without their weights",
            "all that arrives is multiplied with its weight",
        )
        for step in (2, 4, 8)
    ),
)
WEIGHT_UNTRANSPOSED: Final = Mistake("weight-read-as-transposed", _weight_untransposed).says(
    "the weight's memory is read with its two axes of channels exchanged, so that its taps are mixed up",
    "conv_transpose2d has a weight of (C, O/G, K_h, K_w), conv2d and its gradients one of (O, C/G, K_h, K_w)",
)
LAYOUT: Final = (
    *transposed_kernels(
        "kernel-transposed", "each kernel is read", "the last two axes of the weight are (K_h, K_w)", weight_as
    ),
    WEIGHT_UNTRANSPOSED,
    *outputs_stored(
        "result", "(W, H)", "with its channels before its images", "the result is (N, channels, height, width)"
    ),
    Mistake("output-groups-transposed", groups_last).says(
        "the result's channels are stored group by group in the fastest order",
        "the channels of one group lie side by side",
    ),
)
