"""Mistakes in which channels, images and memory are read and written: groups, layout, batch, bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.mistakes import PLANES, SEVERAL_AXES, VOLUMES, Change, Mistake
from refconv.testing.diagnosis.reading import Places, Reading


class Words(NamedTuple):
    """What an operation that walks to the output, or to the weight, calls what it reads and what it gives.

    Parameters
    ----------
    reads, gives : str
        The two of them: ``"input"`` and ``"output"``.
    image, result, weight : str
        Their shapes, and the weight's.
    one, met : str
        A channel of the result, ``"output channel o"``, and those that it meets, ``"input channels"``.
    blocks : str
        Which these are.
    """

    reads: str
    gives: str
    image: str
    result: str
    weight: str
    one: str
    met: str
    blocks: str

    @property
    def letter(self) -> str:
        """The letter of a channel of the result: ``"o"``."""
        return self.one[-1]


OF_CONVOLUTION: Final = Words(
    "input",
    "output",
    "input is (N, C, H, W)",
    "output is (N, O, P, Q)",
    "weight is (O, C/G, K_h, K_w)",
    "output channel o",
    "input channels",
    "output channel o reads input channels (C/G)·g + c, with g = o // (O/G)",
)
# Of the gradients of a transposed convolution, with respect to the input and to the weight.
OF_TRANSPOSED: Final = Words(
    "grad_output",
    "gradient",
    "grad_output is (N, O, H, W)",
    "the gradient is (N, C, P, Q)",
    "weight is (C, O/G, K_h, K_w)",
    "input channel c",
    "channels of grad_output",
    "input channel c meets the channels (O/G)·g + o of grad_output, with g = c // (C/G)",
)


def grouped(channel: Callable[[Array, Array, Reading], Array]) -> Change:
    """Change the input channel as a function of o and c."""

    def change(reading: Reading) -> Reading:
        grid: Array = np.indices(reading.channels.shape)
        return replace(reading, channels=channel(grid[0], grid[1], reading))

    return change


def block(o: Array, reading: Reading) -> Array:
    """Return the group of each output channel."""
    return o // each_of(reading)


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


def each_of(reading: Reading) -> int:
    """Return how many channels of the output, or of a transposed convolution's input, are in a group."""
    return len(reading.channels) // reading.groups


def after_first_image(part: str) -> Change:
    """Let all images but the first read the first group's channels, as where the group's offset is lost."""

    def change(reading: Reading) -> Reading:
        array = getattr(reading, part).copy()
        array[1:] = array[1:, np.arange(array.shape[1]) % (array.shape[1] // reading.groups)]
        return reading.with_part(part, array)

    return change


def _weights_of(channel: Callable[[Array, Reading], Array]) -> Change:
    """Multiply with the weights of another channel of the plan's outputs, a function of the right one."""
    return lambda reading: replace(reading, weight=reading.weight[channel(np.arange(len(reading.weight)), reading)])


def _of_tail(reading: Reading, step: int) -> int:
    return int(reading.channels.shape[1]) // step * step


def _last_of(step: int) -> Callable[[Reading], slice]:
    return lambda reading: slice(step - 1, _of_tail(reading, step), step)


def _tail(step: int) -> Callable[[Reading], slice]:
    return lambda reading: slice(_of_tail(reading, step), None)


def _weighing(select: Callable[[Reading], slice], weight: float) -> Change:
    """Give some channels of a group this weight."""

    def change(reading: Reading) -> Reading:
        array = reading.weight.copy()
        array[:, select(reading)] = weight
        return replace(reading, weight=array, skips_zeros=True)

    return change


GROUP_WEIGHTS: Final = (
    Mistake(
        "groups-share-first-weights",
        "every group is multiplied with the first group's weights",
        "each group has weights of its own",
        _weights_of(lambda o, reading: o % each_of(reading)),
    ),
    Mistake(
        "groups-weight-offset",
        "the weights of a group begin at the channels of the other side: g·(C/G) where g·(O/G) belongs",
        "each group's weights lie one after the other",
        _weights_of(lambda o, reading: (block(o, reading) * reading.channels.shape[1] + o % each_of(reading)) % len(o)),
    ),
)
GROUP_BIAS: Final = (
    Mistake(
        "groups-share-first-bias",
        "every group gets the first group's biases",
        "output channel o gets bias[o]",
        lambda reading: replace(
            reading, bias=reading.bias[:, np.arange(reading.bias.shape[1]) % (reading.bias.shape[1] // reading.groups)]
        ),
    ),
)
CHANNELS_LOST: Final = (
    Mistake(
        "groups-first-channel-alone",
        "only the first channel of a group is read",
        "c runs over all C/G channels",
        _weighing(lambda _: slice(1, None), 0),
    ),
    *(
        Mistake(
            "vector-last-channel-lost",
            f"the last channel of each whole {step} is left out of the sum",
            "c runs over all C/G channels",
            _weighing(_last_of(step), 0),
        )
        for step in (2, 4, 8)
    ),
    *(
        Mistake(
            "channel-tail-unweighted",
            f"the channels beyond the last whole {step} of a group are added up without their weights",
            "every pixel is multiplied with its weight",
            _weighing(_tail(step), 1),
        )
        for step in (2, 4, 8)
    ),
)
GROUP_INPUTS: Final = (
    Mistake(
        "groups-input-offset",
        "the input channels of a group begin at g·(O/G), where they begin at g·(C/G)",
        "output channel o reads input channels (C/G)·g + c, with g = o // (O/G)",
        grouped(
            lambda o, c, reading: (
                (block(o, reading) * each_of(reading) + c) % (reading.channels.shape[1] * reading.groups)
            )
        ),
    ),
    Mistake(
        "groups-offset-first-image-alone",
        "the offset of a group is lost after the first image: the others read the first group's channels",
        "every image has all groups",
        after_first_image("input"),
    ),
)


def groups_of_channels(words: Words) -> tuple[Mistake, ...]:
    """Return the mistakes in which channels meet."""
    blocks = words.blocks
    return (
        Mistake(
            "groups-interleaved",
            "groups are interleaved: channel o belongs to group o mod G, on both sides",
            blocks,
            grouped(lambda o, c, reading: c * reading.groups + o % reading.groups),
            is_common=True,
        ),
        Mistake(
            "groups-interleaved-inputs",
            f"the {words.met} of a group are taken G apart, not side by side",
            blocks,
            grouped(lambda o, c, reading: c * reading.groups + block(o, reading)),
        ),
        Mistake(
            "groups-interleaved-outputs",
            f"{words.one} is put into group {words.letter} mod G, not into its block",
            blocks,
            grouped(lambda o, c, reading: o % reading.groups * reading.channels.shape[1] + c),
        ),
        Mistake(
            "groups-all-read-first",
            f"every group reads the first group's {words.met}",
            blocks,
            grouped(lambda _, c, reading: c),  # noqa: ARG005
            is_common=True,
        ),
    )


def groups_of(words: Words) -> tuple[Mistake, ...]:
    """Return the same, and the mistakes in how many groups there are."""
    every, each = words.one[:-2], words.met.replace("channels", "channel")
    return (
        *groups_of_channels(words),
        Mistake("groups-ignored", f"groups are ignored: every {every} reads all {words.met}", words.blocks, dense),
        Mistake("groups-as-depthwise", f"any groups are taken for depthwise: one {each} each", words.blocks, depthwise),
    )


def _order(order: str, rank: int) -> list[int]:
    """Return the axes that an order names: 0 the first, 1 the second, s those of space.

    Of the latter, t are those in reverse, and x those with the last two exchanged.
    """
    space = list(range(2, 2 + rank))
    named = {"0": [0], "1": [1], "s": space, "t": space[::-1], "x": [*space[:-2], *space[:-3:-1]]}
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


def transposed_kernels(code: str, sentence: str, should: str, change: Callable[[str], Change]) -> tuple[Mistake, ...]:
    """Return the mistake of taking (K_h, K_w) for (K_w, K_h); of three axes, all of them may be turned round, too."""
    is_common = code == "kernel-transposed"
    return (
        Mistake(code, f"{sentence} as (K_w, K_h)", should, change("01x"), is_common=is_common, ranks=SEVERAL_AXES),
        Mistake(code, f"{sentence} as (K_w, K_h, K_d)", should, change("01t"), ranks=VOLUMES),
    )


def layout_of(words: Words) -> tuple[Mistake, ...]:
    """Return the mistakes in how memory is read and written."""
    one, letter, number = words.one[:-2], words.letter, words.letter.upper()
    return (
        *transposed_kernels("kernel-transposed", "each kernel is read", words.weight, weight_as),
        *(
            Mistake(
                f"weight-read-as-{order.lower()}",
                f"the weight's memory is read as {order}, so that its taps are mixed up",
                f"{words.weight}: the columns in the fastest order, then rows, then channels",
                weight_as(axes),
            )
            for order, axes in (("OHWI", "0s1"), ("HWIO", "s10"), ("IOHW", "10s"))
        ),
        Mistake("input-read-as-nhwc", f"the {words.reads}'s memory is read as NHWC", words.image, _input_as("0s1")),
        Mistake(
            "input-strides-ignored",
            f"the {words.reads}'s memory is read as it lies, whatever its strides",
            "an element is where its strides say",
            lambda reading: replace(reading, input=reading.input.ravel(order="K").reshape(reading.input.shape)),
        ),
        Mistake(
            "weight-strides-ignored",
            "the weight's memory is read as it lies, whatever its strides",
            "an element is where its strides say",
            lambda reading: replace(reading, weight=reading.weight.ravel(order="K").reshape(reading.weight.shape)),
        ),
        Mistake("input-read-as-cnhw", f"the {words.reads}'s memory is read as CNHW", words.image, _input_as("10s")),
        Mistake("input-transposed", "each image is read as (W, H)", words.image, _input_as("01t"), ranks=PLANES),
        Mistake("output-stored-as-nhwc", f"the {words.gives} is stored as NHWC", words.result, stored_as("0s1")),
        Mistake("output-transposed", "each image is stored as (Q, P)", words.result, stored_as("01t"), ranks=PLANES),
        Mistake(
            "output-batch-and-channels-swapped",
            f"the {words.gives} is stored as ({number}, N)",
            words.result,
            stored_as("10s"),
        ),
        Mistake(
            "output-groups-transposed",
            f"the {one}s are stored as ({number}/G, G), not (G, {number}/G)",
            f"{one} {letter} is filter {letter} mod ({number}/G) of group {letter} // ({number}/G)",
            groups_last,
        ),
    )


GROUPS_OF_CHANNELS: Final = groups_of_channels(OF_CONVOLUTION)
GROUPS: Final = groups_of(OF_CONVOLUTION)
LAYOUT: Final = layout_of(OF_CONVOLUTION)


def first_image(reading: Reading) -> Reading:
    """Make every image from the first one."""
    return replace(reading, images=0 * reading.images)


def _of_image(reading: Reading) -> Reading:
    """Give every channel of image n the bias of channel n, counted round and round."""
    images: Array = np.indices(reading.bias.shape)[0]
    return replace(reading, bias=reading.bias[images, images % reading.bias.shape[1]])


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
    Mistake(
        "bias-once-per-channel",
        "the bias is added once for each input channel that is read",
        "bias[o] once",
        lambda reading: replace(reading, bias=reading.channels.shape[1] * reading.bias),
    ),
    Mistake("bias-of-image", "image n gets bias[n]", "output channel o gets bias[o]", _of_image),
    Mistake(
        "bias-first-for-all",
        "every channel gets the first bias",
        "output channel o gets bias[o]",
        lambda reading: replace(reading, bias=np.repeat(reading.bias[:, :1], reading.bias.shape[1], axis=1)),
    ),
)

TAILS: Final = tuple(
    Mistake(
        "input-channel-tail-lost",
        f"the input channels beyond the last whole {step} of a group are left out of the sum",
        "c runs over all C/G channels",
        _weighing(_tail(step), 0),
    )
    for step in (2, 4, 8, 16)
)
BATCH_AND_BIAS: Final = (*BATCH, *BIAS, *TAILS)
