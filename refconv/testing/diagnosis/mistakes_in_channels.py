"""Mistakes in which channels, images and memory are read and written: groups, layout, batch, bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from refconv.geometry.plan import Index
from refconv.numbers.formats import Array
from refconv.testing.diagnosis.mistakes import ANY_AXES, PLANES, SEVERAL_AXES, VOLUMES, Change, Mistake, changed, set_to
from refconv.testing.diagnosis.reading import Places, Reading


class Words(NamedTuple):
    """What an operation that walks to the output, or to the weight, calls what it reads and what it gives."""

    reads: str  # "input"
    gives: str  # "output"
    image: str  # their shapes, and the weight's
    result: str
    weight: str
    one: str  # a channel of the result, "output channel o", ...
    met: str  # ... those that it meets, "input channels", ...
    blocks: str  # ... and which these are

    @property
    def letter(self) -> str:
        """The letter of a channel of the result: ``"o"``."""
        return self.one[-1]


BOTH_SIDES = "groups are interleaved: channel o belongs to group o mod G, on both sides"
_BIAS, _ONCE = "output channel o gets bias[o]", "bias[o] once"
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

    def of_each(reading: Reading) -> Array:
        grid: Array = np.indices(reading.channels.shape)
        return channel(grid[0], grid[1], reading)

    return changed("channels", of_each)


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


def _weights_of(channel: Callable[[Array, Reading], Array]) -> Change:
    """Multiply with the weights of another channel of the plan's outputs, a function of the right one."""
    return changed("weight", lambda reading: reading.weight[channel(np.arange(len(reading.weight)), reading)])


def _weighing(select: Callable[[int], slice], weight: float) -> Change:
    """Give some channels of a group, a function of how many there are, this weight."""

    def change(reading: Reading) -> Reading:
        array = reading.weight.copy()
        selected = select(reading.channels.shape[1])
        if not array[:1, selected].size:
            return reading
        array[:, selected] = weight
        return replace(reading, weight=array, skips_zeros=True)

    return change


def _past_whole(step: int) -> Callable[[int], slice]:
    return lambda count: slice(count // step * step, None)


def _tail(step: int, weight: float) -> Change:
    """Give the channels beyond the last whole step this weight."""
    return _weighing(_past_whole(step), weight)


def _last_lost(step: int) -> Change:
    """Leave out the last channel of each whole step."""
    return _weighing(lambda count: slice(step - 1, count // step * step, step), 0)


def _products(select: Callable[[int], slice]) -> Change:
    """Leave out some of the C/G·K_h·K_w products, by a function of how many there are."""

    def change(reading: Reading) -> Reading:
        array = reading.weight.reshape(len(reading.weight), -1).copy()
        selected = select(array.shape[1])
        if not array[:1, selected].size:
            return reading
        array[:, selected] = 0
        return replace(reading, weight=array.reshape(reading.weight.shape), skips_zeros=True)

    return change


def _before_last(step: int) -> Callable[[int], slice]:
    """Return a function of a number: all before the last block of so many, 0 ... 31 of 40 in blocks of 16."""
    return lambda count: slice(0, max(0, count - 1) // step * step)


def _biases_of(channel: Callable[[Array, Reading], Array]) -> Change:
    """Add the biases of other channels, a function of the right ones."""
    return changed("bias", lambda reading: reading.bias[:, channel(np.arange(reading.bias.shape[1]), reading)])


def _weights_at(reading: Reading) -> Array:
    """Begin the weights of group g in memory where those of group g / G would."""
    memory, each = reading.weight.ravel(), reading.weight.size // reading.groups
    first = np.arange(reading.groups) * each // reading.groups
    return np.asarray(memory[first[:, np.newaxis] + np.arange(each)].reshape(reading.weight.shape))


# Which input channels output channel o meets, if those of a group lie G apart: on both sides, on one, on the other.
INTERLEAVED: Final = grouped(lambda o, c, reading: c * reading.groups + o % reading.groups)
INPUTS_APART: Final = grouped(lambda o, c, reading: c * reading.groups + block(o, reading))
OUTPUTS_APART: Final = grouped(lambda o, c, reading: o % reading.groups * reading.channels.shape[1] + c)
FIRST_GROUP: Final = grouped(lambda _, c, reading: c)  # noqa: ARG005


def _with_first_of(o: Array, c: Array, reading: Reading, *, step: int) -> Array:
    return np.asarray(block(o // step * step, reading) * reading.channels.shape[1] + c)


_ALL_CHANNELS = "c runs over all C/G channels"
GROUP_WEIGHTS: Final = (
    Mistake("groups-share-first-weights", _weights_of(lambda o, reading: o % each_of(reading))).says(
        "every group is multiplied with the first group's weights", "each group has weights of its own"
    ),
    Mistake(
        "groups-weight-offset",
        _weights_of(lambda o, reading: (block(o, reading) * reading.channels.shape[1] + o % each_of(reading)) % len(o)),
    ).says(
        "the weights of a group begin at the channels of the other side: g·(C/G) where g·(O/G) belongs",
        "each group's weights lie one after the other",
    ),
)
GROUP_OF_VECTOR: Final = tuple(
    Mistake("groups-first-of-vector", grouped(partial(_with_first_of, step=step))).says(
        f"each {step} output channels read the group of their first", "output channel o belongs to group o // (O/G)"
    )
    for step in (2, 4, 8)
)
GROUP_OFFSET: Final = Mistake("groups-weight-offset-divided", changed("weight", _weights_at)).says(
    "the offset of a group's weights is divided by G once more", "each group's weights lie one after the other"
)
GROUP_BIAS: Final = Mistake(
    "groups-share-first-bias", _biases_of(lambda o, reading: o % (len(o) // reading.groups))
).says("every group gets the first group's biases", _BIAS)
CHANNELS_LOST: Final = (
    Mistake("last-channel-alone", _weighing(_before_last(1), 0)).says(
        "each input channel overwrites the sums of those before it", _ALL_CHANNELS
    ),
    Mistake("groups-first-channel-alone", _weighing(lambda _: slice(1, None), 0)).says(
        "only the first channel of a group is read", _ALL_CHANNELS
    ),
    *(
        Mistake("vector-last-channel-lost", _last_lost(step)).says(
            f"the last channel of each whole {step} is left out of the sum", _ALL_CHANNELS
        )
        for step in (2, 4, 8)
    ),
    *(
        Mistake("channel-tail-unweighted", _tail(step, 1)).says(
            f"the channels beyond the last whole {step} of a group are added up without their weights",
            "every pixel is multiplied with its weight",
        )
        for step in (2, 4, 8)
    ),
)
_OVERWRITTEN: Final = "what the blocks of a sum come to is added up"
PRODUCTS_LOST: Final = (
    *(
        Mistake("product-tail-lost", _products(_past_whole(step))).says(
            f"of the C/G·K_h·K_w products, those beyond the last whole {step} are left out", "all products are added up"
        )
        for step in (16, 8, 4)
    ),
    *(
        Mistake("input-channel-blocks-overwritten", _weighing(_before_last(step), 0)).says(
            f"each block of {step} input channels overwrites the sums of those before it", _OVERWRITTEN
        )
        for step in (32, 16, 8, 4)  # of what explains as much, that which is wrong in fewer cases
    ),
)
TAILS: Final = tuple(
    Mistake("input-channel-tail-lost", _tail(step, 0)).says(
        f"the input channels beyond the last whole {step} of a group are left out of the sum", _ALL_CHANNELS
    )
    for step in (2, 4, 8, 16)
)


def first_image_alone(part: str) -> Mistake:
    """Return the mistake of losing a group's offset after the first image of this part of the plan."""

    def of_first_group(reading: Reading) -> Array:
        array: Array = getattr(reading, part).copy()
        array[1:] = array[1:, np.arange(array.shape[1]) % (array.shape[1] // reading.groups)]
        return array

    return Mistake("groups-offset-first-image-alone", changed(part, of_first_group)).says(
        "the offset of a group is lost after the first image: the others read the first group's channels",
        "every image has all groups",
    )


def _image_pitch(planes: Callable[[Reading], int]) -> Change:
    """Begin image n so many channels after image n − 1, in memory; 0 stands beyond its end."""

    def read(reading: Reading) -> Array:
        images, channels, *size = reading.input.shape
        memory = np.concatenate([reading.input.reshape(-1, *size), np.zeros((1, *size), reading.input.dtype)])
        first = np.arange(images)[:, np.newaxis] * planes(reading)
        return np.asarray(memory[np.minimum(first + np.arange(channels), images * channels)])

    return changed("input", read)


def _begun_at_outputs(reading: Reading, *, is_in_image: bool) -> Reading:
    """Begin the channels of group g at g·(O/G): round in the image where that is too far, or on in memory."""
    images, count, *size = reading.input.shape
    grid: Array = np.indices(reading.channels.shape)
    o, c = grid[0], grid[1]
    channels = block(o, reading) * each_of(reading) + c
    if is_in_image:
        return replace(reading, channels=channels % count if count else channels)
    memory = np.concatenate([reading.input.reshape(-1, *size), np.zeros((1, *size), reading.input.dtype)])
    place = np.arange(images)[:, np.newaxis] * count + np.arange(max(count, channels.max(initial=-1) + 1))
    return replace(reading, channels=channels, input=memory[np.minimum(place, images * count)])


GROUP_INPUTS: Final = (
    Mistake("image-pitch-of-group", _image_pitch(lambda reading: reading.channels.shape[1]), ranks=ANY_AXES[1:]).says(
        "image n begins C/G channels after the one before it in memory", "image n begins at n·C·H·W"
    ),
    Mistake("image-pitch-of-output", _image_pitch(lambda reading: len(reading.channels)), ranks=ANY_AXES[1:]).says(
        "image n begins O channels after the one before it in memory", "image n begins at n·C·H·W"
    ),
    *(
        Mistake("groups-input-offset", partial(_begun_at_outputs, is_in_image=is_in_image)).says(
            "the input channels of a group begin at g·(O/G), where they begin at g·(C/G)", OF_CONVOLUTION.blocks
        )
        for is_in_image in (True, False)
    ),
    first_image_alone("input"),
)


def groups_of_channels(words: Words) -> tuple[Mistake, ...]:
    """Return the mistakes in which channels meet."""
    one, met, letter, blocks = words.one, words.met, words.letter, words.blocks
    apart = f"the {met} of a group are taken G apart, not side by side"
    into = f"{one} is put into group {letter} mod G, not into its block"
    first = f"every group reads the first group's {met}"
    return (
        Mistake("groups-interleaved", INTERLEAVED, is_common=True).says(BOTH_SIDES, blocks),
        Mistake("groups-interleaved-inputs", INPUTS_APART).says(apart, blocks),
        Mistake("groups-interleaved-outputs", OUTPUTS_APART).says(into, blocks),
        Mistake("groups-all-read-first", FIRST_GROUP, is_common=True).says(first, blocks),
    )


def number_of_groups(every: str, each: str, blocks: str) -> tuple[Mistake, ...]:
    """Return the mistakes in how many groups there are."""
    return (
        Mistake("groups-ignored", dense).says(f"groups are ignored: every {every}", blocks),
        Mistake("groups-as-depthwise", depthwise).says(f"any groups are taken for depthwise: one {each} each", blocks),
    )


def groups_of(words: Words) -> tuple[Mistake, ...]:
    """Return the mistakes in which channels meet, and in how many groups there are."""
    met = words.met
    every, each = f"{words.one[:-2]} reads all {met}", met.replace("channels", "channel")
    return *groups_of_channels(words), *number_of_groups(every, each, words.blocks)


def _order(order: str, rank: int) -> list[int]:
    """Return the axes that an order names: 0 the first, 1 the second, s those of space.

    Of the latter, t are those in reverse, x those with the last two exchanged, f the first, and r the rest.
    """
    space = list(range(2, 2 + rank))
    named = {"0": [0], "1": [1], "s": space, "t": space[::-1], "x": [*space[:-2], *space[:-3:-1]]}
    named |= {"f": space[:1], "r": space[1:]}
    return [axis for word in order for axis in named[word]]


def _read_in(order: str, array: Array) -> Array:
    """Read an array's elements, which lie in their own order, as if they lay in another."""
    axes = _order(order, array.ndim - 2)
    taken = np.ascontiguousarray(array).reshape([array.shape[axis] for axis in axes])
    return taken.transpose(np.argsort(axes))


def read_as(part: str, order: str) -> Change:
    """Read the memory of the input, or of the weight, in another order of its axes."""
    return changed(part, lambda reading: _read_in(order, getattr(reading, part)))


def weight_as(order: str) -> Change:
    """Read the weight's memory in another order of its axes."""
    return read_as("weight", order)


def stored_as(order: str) -> Change:
    """Store the result in another order of its axes, and read it as if it were in the right one."""

    def origin(places: Places, shape: Index) -> Places:
        axes = _order(order, len(shape) - 2)
        found = np.unravel_index(np.ravel_multi_index(places, shape), [shape[axis] for axis in axes])
        return tuple(found[axes.index(axis)] for axis in range(len(shape)))

    return set_to(origin=origin)


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
        Mistake(code, change("01x"), is_common=is_common, ranks=SEVERAL_AXES).says(f"{sentence} as (K_w, K_h)", should),
        Mistake(code, change("01t"), ranks=VOLUMES).says(f"{sentence} as (K_w, K_h, K_d)", should),
    )


def layout_of(words: Words) -> tuple[Mistake, ...]:
    """Return the mistakes in how memory is read and written."""
    one, letter, number = words.one[:-2], words.letter, words.letter.upper()
    memory = f"the {words.reads}'s memory is read"
    return (
        *transposed_kernels("kernel-transposed", "each kernel is read", words.weight, weight_as),
        *(
            Mistake(f"weight-read-as-{order.lower()}", weight_as(axes)).says(
                f"the weight's memory is read as {order}, so that its taps are mixed up",
                f"{words.weight}: the columns in the fastest order, then rows, then channels",
            )
            for order, axes in (("OHWI", "0s1"), ("HWIO", "s10"), ("IOHW", "10s"))
        ),
        Mistake("weight-read-as-odchw", weight_as("0f1r"), ranks=VOLUMES).says(
            "the weight's memory is read with its channels behind the depth, so that its taps are mixed up",
            f"{words.weight}, with all axes of space behind the channels",
        ),
        Mistake("input-read-as-nhwc", read_as("input", "0s1")).says(f"{memory} as NHWC", words.image),
        _strides_ignored("input", words.reads),
        _strides_ignored("weight", "weight"),
        Mistake("input-read-as-cnhw", read_as("input", "10s")).says(f"{memory} as CNHW", words.image),
        Mistake("input-transposed", read_as("input", "01t"), ranks=PLANES).says(
            "each image is read as (W, H)", words.image
        ),
        *outputs_stored(words.gives, "(Q, P)", f"as ({number}, N)", words.result),
        Mistake("output-groups-transposed", groups_last).says(
            f"the {one}s are stored as ({number}/G, G), not (G, {number}/G)",
            f"{one} {letter} is filter {letter} mod ({number}/G) of group {letter} // ({number}/G)",
        ),
    )


def _strides_ignored(part: str, name: str) -> Mistake:
    def as_it_lies(reading: Reading) -> Array:
        array: Array = getattr(reading, part)
        return array.ravel(order="K").reshape(array.shape)

    return Mistake(f"{part}-strides-ignored", changed(part, as_it_lies)).says(
        f"the {name}'s memory is read as it lies, whatever its strides", "an element is where its strides say"
    )


def outputs_stored(gives: str, turned: str, swapped: str, result: str) -> tuple[Mistake, ...]:
    """Return the mistakes of storing what is given in another order, by the words for two of these, and its shape."""
    return (
        Mistake("output-stored-as-nhwc", stored_as("0s1")).says(f"the {gives} is stored as NHWC", result),
        Mistake("output-transposed", stored_as("01t"), ranks=PLANES).says(f"each image is stored as {turned}", result),
        Mistake("output-batch-and-channels-swapped", stored_as("10s")).says(f"the {gives} is stored {swapped}", result),
    )


GROUPS_OF_CHANNELS: Final = groups_of_channels(OF_CONVOLUTION)
GROUPS: Final = groups_of(OF_CONVOLUTION)
LAYOUT: Final = layout_of(OF_CONVOLUTION)

_IMAGE: Final = "output n is made from input n"
BATCH: Final = (
    Mistake("batch-first-for-all", changed("images", lambda reading: 0 * reading.images)).says(
        "every image is made from the first one", _IMAGE
    ),
    Mistake(
        "batch-half-for-all", changed("images", lambda reading: reading.images % -(-len(reading.images) // 2))
    ).says("the second half of the images is made from the first", _IMAGE),
)


def _of_image(reading: Reading) -> Array:
    """Give every channel of image n the bias of channel n, counted round and round."""
    images: Array = np.indices(reading.bias.shape)[0]
    return np.asarray(reading.bias[images, images % reading.bias.shape[1]])


def _without_tail(reading: Reading, *, step: int) -> Array:
    bias = reading.bias.copy()
    bias[:, bias.shape[1] // step * step :] = 0
    return bias


def _number_of(o: Array, reading: Reading, *, step: int) -> Array:  # noqa: ARG001
    return o // step


def _first_of(o: Array, reading: Reading, *, step: int) -> Array:  # noqa: ARG001
    return o // step * step


def _once_per_block(reading: Reading, *, step: int) -> Array:
    return np.asarray(-(-reading.channels.shape[1] // step) * reading.bias)


def _once_per_tap(reading: Reading, *, axis: int) -> Array:
    return np.asarray(reading.weight.shape[axis] * reading.bias)


BIAS: Final = (
    Mistake("bias-missing", changed("bias", lambda reading: 0 * reading.bias), is_common=True).says(
        "the bias is missing", "bias[o] is added to every pixel of output channel o"
    ),
    Mistake("bias-twice", changed("bias", lambda reading: 2 * reading.bias)).says("the bias is added twice", _ONCE),
    Mistake("bias-once-per-channel", changed("bias", lambda reading: reading.channels.shape[1] * reading.bias)).says(
        "the bias is added once for each input channel that is read", _ONCE
    ),
    *(
        Mistake("bias-once-per-block", changed("bias", partial(_once_per_block, step=step))).says(
            f"the bias is added once for each {step} input channels, or what is left of them", _ONCE
        )
        for step in (4, 8, 16, 32)
    ),
    *(
        Mistake(f"bias-once-per-{part}", changed("bias", partial(_once_per_tap, axis=axis)), ranks=ranks).says(
            f"the bias is added once for each {part} of taps", _ONCE
        )
        for part, axis, ranks in (("row", -2, SEVERAL_AXES), ("plane", -3, VOLUMES))
    ),
    Mistake("bias-first-for-all", _biases_of(lambda o, _: 0 * o)).says("every channel gets the first bias", _BIAS),
    Mistake("bias-of-image", changed("bias", _of_image)).says("image n gets bias[n]", _BIAS),
)
BIAS_BY_VECTOR: Final = tuple(
    mistake
    for step in (16, 8, 4)
    for mistake in (
        Mistake("bias-tail-lost", changed("bias", partial(_without_tail, step=step))).says(
            f"the output channels beyond the last whole {step} get no bias", _BIAS
        ),
        Mistake("bias-first-of-vector", _biases_of(partial(_first_of, step=step))).says(
            f"each {step} output channels get the bias of their first", _BIAS
        ),
        Mistake("bias-of-vector", _biases_of(partial(_number_of, step=step))).says(
            f"output channel o gets bias[o // {step}]", _BIAS
        ),
    )
)
BATCH_AND_BIAS: Final = (*BATCH, *BIAS, *BIAS_BY_VECTOR, *TAILS)
