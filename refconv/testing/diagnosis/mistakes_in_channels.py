"""Mistakes in which channels, images and memory are read and written: groups, layout, batch, bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.mistakes import PLANES, SEVERAL_AXES, Change, Mistake
from refconv.testing.diagnosis.reading import Places, Reading

FLAT: Final = (1, 2)
_BLOCKS = "output channel o reads input channels (C/G)·g + c, with g = o // (O/G)"


def grouped(channel: Callable[[Array, Array, Reading], Array]) -> Change:
    """Change the input channel as a function of o and c."""

    def change(reading: Reading) -> Reading:
        grid: Array = np.indices(reading.channels.shape)
        return replace(reading, channels=channel(grid[0], grid[1], reading))

    return change


def block(o: Array, reading: Reading) -> Array:
    """Return the group of each output channel."""
    return o // (len(reading.channels) // reading.groups)


def dense(reading: Reading) -> Reading:
    """Let every output channel read all input channels, with its group's weights again and again."""
    weight = np.tile(reading.weight, (1, reading.groups, *(1,) * reading.rank))
    channels = np.tile(np.arange(reading.channels.shape[1] * reading.groups), (len(weight), 1))
    return replace(reading, weight=weight, channels=channels)


def depthwise(reading: Reading) -> Reading:
    """Take as many groups as there are output channels, each with the first weights that it has."""
    outputs, channels = reading.channels.shape
    if reading.groups == 1 or not channels:
        return reading
    own = np.arange(outputs) * (channels * reading.groups) // outputs
    return replace(reading, weight=reading.weight[:, :1], channels=own[:, np.newaxis])


GROUPS_OF_CHANNELS: Final = (
    Mistake(
        "groups-interleaved",
        "groups are interleaved: channel o belongs to group o mod G, on both sides",
        _BLOCKS,
        grouped(lambda o, c, reading: c * reading.groups + o % reading.groups),
        is_common=True,
    ),
    Mistake(
        "groups-interleaved-inputs",
        "the input channels of a group are taken G apart, not side by side",
        _BLOCKS,
        grouped(lambda o, c, reading: c * reading.groups + block(o, reading)),
    ),
    Mistake(
        "groups-interleaved-outputs",
        "output channel o is put into group o mod G, not into its block",
        _BLOCKS,
        grouped(lambda o, c, reading: o % reading.groups * reading.channels.shape[1] + c),
    ),
    Mistake(
        "groups-all-read-first",
        "every group reads the first group's input channels",
        _BLOCKS,
        grouped(lambda _, c, reading: c),  # noqa: ARG005
        is_common=True,
    ),
)

GROUPS: Final = (
    *GROUPS_OF_CHANNELS,
    Mistake("groups-ignored", "groups are ignored: every output channel reads all input channels", _BLOCKS, dense),
    Mistake("groups-as-depthwise", "any groups are taken for depthwise: one input channel each", _BLOCKS, depthwise),
)


def _order(order: str, rank: int) -> list[int]:
    """Return the axes that an order names: 0 the first, 1 the second, s those of space, t those of space in reverse."""
    space = list(range(2, 2 + rank))
    named = {"0": [0], "1": [1], "s": space, "t": space[::-1]}
    return [axis for word in order for axis in named[word]]


def _read_in(order: str, array: Array) -> Array:
    """Read an array's elements, which lie in their own order, as if they lay in another."""
    axes = _order(order, array.ndim - 2)
    taken = np.ascontiguousarray(array).reshape([array.shape[axis] for axis in axes])
    return taken.transpose(np.argsort(axes))


def weight_as(order: str) -> Change:
    """Read the weight's memory in another order of its axes."""
    return lambda reading: replace(reading, weight=_read_in(order, reading.weight))


def _input_as(order: str) -> Change:
    return lambda reading: replace(reading, input=_read_in(order, reading.input))


def stored_as(order: str) -> Change:
    """Store the result in another order of its axes, and read it as if it were in the right one."""

    def origin(places: Places, shape: Index) -> Places:
        axes = _order(order, len(shape) - 2)
        found = np.unravel_index(np.ravel_multi_index(places, shape), [shape[axis] for axis in axes])
        return tuple(found[axes.index(axis)] for axis in range(len(shape)))

    return lambda reading: replace(reading, origin=origin)


def groups_last(reading: Reading) -> Reading:
    """Store the result's channels as (O/G, G) where they are (G, O/G)."""

    def origin(places: Places, shape: Index) -> Places:
        n, o, *p = places
        return n, o % reading.groups * (shape[1] // reading.groups) + o // reading.groups, *p

    return replace(reading, origin=origin)


LAYOUT: Final = (
    Mistake(
        "kernel-transposed",
        "each kernel is read as (K_w, K_h)",
        "weight is (O, C/G, K_h, K_w)",
        weight_as("01t"),
        is_common=True,
        ranks=SEVERAL_AXES,
    ),
    *(
        Mistake(
            f"weight-read-as-{order.lower()}",
            f"the weight's memory is read as {order}, so that its taps are mixed up",
            "weight is (O, C/G, K_h, K_w): the columns in the fastest order, then rows, then channels",
            weight_as(axes),
        )
        for order, axes in (("OHWI", "0s1"), ("HWIO", "s10"), ("IOHW", "10s"))
    ),
    Mistake(
        "input-read-as-nhwc",
        "the input's memory is read as NHWC",
        "input is (N, C, H, W)",
        _input_as("0s1"),
        ranks=FLAT,
    ),
    Mistake(
        "input-strides-ignored",
        "the input's memory is read as it lies, whatever its strides",
        "an element is where its strides say",
        lambda reading: replace(reading, input=reading.input.ravel(order="K").reshape(reading.input.shape)),
    ),
    Mistake(
        "weight-strides-ignored",
        "the weight's memory is read as it lies, whatever its strides",
        "an element is where its strides say",
        lambda reading: replace(reading, weight=reading.weight.ravel(order="K").reshape(reading.weight.shape)),
    ),
    Mistake(
        "input-read-as-cnhw",
        "the input's memory is read as CNHW",
        "input is (N, C, H, W)",
        _input_as("10s"),
        ranks=FLAT,
    ),
    Mistake(
        "input-transposed",
        "each image is read as (W, H)",
        "input is (N, C, H, W)",
        _input_as("01t"),
        ranks=PLANES,
    ),
    Mistake(
        "output-stored-as-nhwc",
        "the output is stored as NHWC",
        "output is (N, O, P, Q)",
        stored_as("0s1"),
        ranks=FLAT,
    ),
    Mistake(
        "output-transposed",
        "each image is stored as (Q, P)",
        "output is (N, O, P, Q)",
        stored_as("01t"),
        ranks=PLANES,
    ),
    Mistake(
        "output-batch-and-channels-swapped",
        "the output is stored as (O, N)",
        "output is (N, O, P, Q)",
        stored_as("10s"),
        ranks=FLAT,
    ),
    Mistake(
        "output-groups-transposed",
        "the output channels are stored as (O/G, G), not (G, O/G)",
        "output channel o is filter o mod (O/G) of group o // (O/G)",
        groups_last,
    ),
)


def first_image(reading: Reading) -> Reading:
    """Make every image from the first one."""
    return replace(reading, images=0 * reading.images)


def _of_image(reading: Reading) -> Reading:
    """Give every channel of image n the bias of channel n, counted round and round."""
    images: Array = np.indices(reading.bias.shape)[0]
    return replace(reading, bias=reading.bias[images, images % reading.bias.shape[1]])


def _tail_lost(step: int) -> Change:
    """Sum over input channels in steps, and forget what is left over."""

    def change(reading: Reading) -> Reading:
        weight = reading.weight.copy()
        weight[:, reading.channels.shape[1] // step * step :] = 0
        return replace(reading, weight=weight)

    return change


BATCH: Final = (
    Mistake(
        "batch-first-for-all",
        "every image is made from the first one",
        "output n is made from input n",
        first_image,
    ),
)

BIAS: Final = (
    Mistake(
        "bias-missing",
        "the bias is missing",
        "bias[o] is added to every pixel of output channel o",
        lambda reading: replace(reading, bias=0 * reading.bias),
        is_common=True,
    ),
    Mistake(
        "bias-twice", "the bias is added twice", "bias[o] once", lambda reading: replace(reading, bias=2 * reading.bias)
    ),
    Mistake("bias-of-image", "image n gets bias[n]", "output channel o gets bias[o]", _of_image),
    Mistake(
        "bias-first-for-all",
        "every channel gets the first bias",
        "output channel o gets bias[o]",
        lambda reading: replace(reading, bias=np.repeat(reading.bias[:, :1], reading.bias.shape[1], axis=1)),
    ),
)

BATCH_AND_BIAS: Final = (
    *BATCH,
    *BIAS,
    *(
        Mistake(
            "input-channel-tail-lost",
            f"the input channels beyond the last whole {step} of a group are left out of the sum",
            "c runs over all C/G channels",
            _tail_lost(step),
        )
        for step in (2, 4, 8, 16)
    ),
)
