"""Mistakes in which channels, images and memory are read and written: groups, layout, batch, bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from refconv.formats import Array
from refconv.testing.mistakes import Change, Mistake
from refconv.testing.reading import Places, Reading, Shape

_BLOCKS = "output channel o reads input channels (C/G)·g + c, with g = o // (O/G)"


def _grouped(channel: Callable[[Array, Array, Reading], Array]) -> Change:
    """Change the input channel as a function of o and c."""

    def change(reading: Reading) -> Reading:
        grid: Array = np.indices(reading.channels.shape)
        return replace(reading, channels=channel(grid[0], grid[1], reading))

    return change


def _block(o: Array, reading: Reading) -> Array:
    return o // (len(reading.weight) // reading.groups)


def _dense(reading: Reading) -> Reading:
    weight = np.tile(reading.weight, (1, reading.groups, 1, 1))
    channels = np.tile(np.arange(weight.shape[1]), (len(weight), 1))
    return replace(reading, weight=weight, channels=channels)


def _depthwise(reading: Reading) -> Reading:
    if reading.groups == 1 or not reading.weight.shape[1]:
        return reading
    own = np.arange(len(reading.weight)) * reading.input.shape[1] // len(reading.weight)
    return replace(reading, weight=reading.weight[:, :1], channels=own[:, np.newaxis])


GROUPS: Final = (
    Mistake(
        "groups-interleaved",
        "groups are interleaved: channel o belongs to group o mod G, on both sides",
        _BLOCKS,
        _grouped(lambda o, c, reading: c * reading.groups + o % reading.groups),
        is_common=True,
    ),
    Mistake(
        "groups-interleaved-inputs",
        "the input channels of a group are taken G apart, not side by side",
        _BLOCKS,
        _grouped(lambda o, c, reading: c * reading.groups + _block(o, reading)),
    ),
    Mistake(
        "groups-interleaved-outputs",
        "output channel o is put into group o mod G, not into its block",
        _BLOCKS,
        _grouped(lambda o, c, reading: o % reading.groups * reading.weight.shape[1] + c),
    ),
    Mistake(
        "groups-all-read-first",
        "every group reads the first group's input channels",
        _BLOCKS,
        _grouped(lambda _, c, reading: c),  # noqa: ARG005
        is_common=True,
    ),
    Mistake("groups-ignored", "groups are ignored: every output channel reads all input channels", _BLOCKS, _dense),
    Mistake("groups-as-depthwise", "any groups are taken for depthwise: one input channel each", _BLOCKS, _depthwise),
)


def _buffer(array: Array, order: str, names: str) -> Array:
    """Read an array's elements, which lie in the order of `names`, as if they lay in another."""
    sizes = dict(zip(names, array.shape, strict=True))
    taken = np.ascontiguousarray(array).reshape([sizes[name] for name in order])
    return taken.transpose([order.index(name) for name in names])


def _weight_as(order: str) -> Change:
    return lambda reading: replace(reading, weight=_buffer(reading.weight, order, "OIHW"))


def _input_as(order: str) -> Change:
    return lambda reading: replace(reading, input=_buffer(reading.input, order, "NCHW"))


def _stored_as(order: str) -> Change:
    """Store the output in another order of its axes, and read it as (N, O, P, Q)."""

    def origin(places: Places, shape: Shape) -> Places:
        axes = ["NOPQ".index(name) for name in order]
        flat = np.ravel_multi_index(places, shape)
        found = np.unravel_index(flat, [shape[axis] for axis in axes])
        n, o, p, q = (found[axes.index(axis)] for axis in range(4))
        return n, o, p, q

    return lambda reading: replace(reading, origin=origin)


def _groups_last(reading: Reading) -> Reading:
    """Store the output channels as (O/G, G) where they are (G, O/G)."""
    each = len(reading.weight) // reading.groups

    def origin(places: Places, shape: Shape) -> Places:  # noqa: ARG001
        n, o, p, q = places
        return n, o % reading.groups * each + o // reading.groups, p, q

    return replace(reading, origin=origin)


LAYOUT: Final = (
    Mistake(
        "kernel-transposed",
        "each kernel is read as (K_w, K_h)",
        "weight is (O, C/G, K_h, K_w)",
        _weight_as("OIWH"),
        is_common=True,
    ),
    *(
        Mistake(
            f"weight-read-as-{order.lower()}",
            f"the weight's memory is read as {order}, so that its taps are mixed up",
            "weight is (O, C/G, K_h, K_w): the columns in the fastest order, then rows, then channels",
            _weight_as(order),
        )
        for order in ("OHWI", "HWIO", "IOHW")
    ),
    Mistake("input-read-as-nhwc", "the input's memory is read as NHWC", "input is (N, C, H, W)", _input_as("NHWC")),
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
    Mistake("input-read-as-cnhw", "the input's memory is read as CNHW", "input is (N, C, H, W)", _input_as("CNHW")),
    Mistake("input-transposed", "each image is read as (W, H)", "input is (N, C, H, W)", _input_as("NCWH")),
    Mistake("output-stored-as-nhwc", "the output is stored as NHWC", "output is (N, O, P, Q)", _stored_as("NPQO")),
    Mistake("output-transposed", "each image is stored as (Q, P)", "output is (N, O, P, Q)", _stored_as("NOQP")),
    Mistake(
        "output-batch-and-channels-swapped",
        "the output is stored as (O, N)",
        "output is (N, O, P, Q)",
        _stored_as("ONPQ"),
    ),
    Mistake(
        "output-groups-transposed",
        "the output channels are stored as (O/G, G), not (G, O/G)",
        "output channel o is filter o mod (O/G) of group o // (O/G)",
        _groups_last,
    ),
)


def _of_image(reading: Reading) -> Reading:
    """Give every channel of image n the bias of channel n, counted round and round."""
    images: Array = np.indices(reading.bias.shape)[0]
    return replace(reading, bias=reading.bias[images, images % reading.bias.shape[1]])


def _tail_lost(step: int) -> Change:
    """Sum over input channels in steps, and forget what is left over."""

    def change(reading: Reading) -> Reading:
        weight = reading.weight.copy()
        weight[:, weight.shape[1] // step * step :] = 0
        return replace(reading, weight=weight)

    return change


BATCH_AND_BIAS: Final = (
    Mistake(
        "batch-first-for-all",
        "every image is made from the first one",
        "output n is made from input n",
        lambda reading: replace(reading, images=np.zeros_like(reading.images)),
    ),
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
