"""Which mistakes there are for each operation: all can be made there, differ from each other, and speak of its axes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.operations import LINEAR, OPERATIONS, Call
from refconv.testing import cases, diagnose_result
from refconv.testing.diagnosis.eight_bits import EIGHT_BITS
from refconv.testing.diagnosis.mistake_tables import EVERY_MISTAKE, table_of
from refconv.testing.diagnosis.mistakes import Mistake
from refconv.testing.diagnosis.reading import Reading, spread
from refconv.testing.diagnosis.right_reading import reading_of

TABLE = Path(__file__).with_name("mistakes.txt")
PLANNED = [op for op, operation in LINEAR.items() if operation.by != "bias"]
CHECKED = [*PLANNED[::4], *(op for op in OPERATIONS if op not in LINEAR)]
STEPS: dict[str, Any] = {"stride": (2, 4, 3), "padding": ((6, 3), (5, 9), (8, 3)), "dilation": (3, 5, 8)}
EXTRA = (2, 3, 5)  # of a transposed convolution, its output padding
# Other steps, under which windows overlap, and what looks alike above does not.
CLOSE: dict[str, Any] = {"stride": (2, 1, 1), "padding": ((2, 4), (1, 3), (1, 3)), "dilation": (2, 3, 2)}
SIZE, TAPS = (5, 6, 7), (2, 3, 2)
TWOS: dict[str, Any] = {"stride": (2, 2, 2), "padding": ((1, 1),) * 3, "dilation": (1, 1, 1)}
# Steps of 1, groups of 9 channels, and room for tiles; and SAME padding of kernels that the stride steps over.
PLAIN: dict[str, Any] = {"stride": (1, 1, 1), "padding": ((1, 1),) * 3, "dilation": (1, 1, 1)}
LEFT_OVER: dict[str, Any] = {"stride": (3, 3, 3), "padding": ((1, 2),) * 3, "dilation": (1, 1, 1)}  # a row or two
BEYOND: dict[str, Any] = {"stride": (2, 2, 2), "padding": ((2, 2), (3, 3), (2, 2)), "dilation": (1, 1, 1)}  # D·(K − 1)
WIDE: dict[str, Any] = {"stride": (4, 3, 4), "padding": ((0, 0),) * 3, "dilation": (1, 1, 1)}


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape)


def call_of(
    op: str,
    change: Callable[[np.ndarray], np.ndarray] = np.asarray,
    given: dict[str, Any] = STEPS,
    size: tuple[int, ...] = SIZE,
    taps: tuple[int, ...] = TAPS,
    each: int = 3,
    images: int = 2,
    **more: Any,
) -> Call:
    """Return a call whose numbers all differ, from axis to axis and among each other."""
    operation, rank = LINEAR[op], LINEAR[op].space.rank
    steps = {name: value[-rank:] for name, value in given.items()} | {"groups": 2} | more
    if operation.is_transposed:
        extra = {id(STEPS): EXTRA, id(CLOSE): (1, 2, 1), id(WIDE): (3, 2, 3)}.get(id(given), (0, 0, 0))
        steps["output_padding"] = extra[-rank:]
    leading = (2 * each, 5 if each == 3 else each + 1) if operation.is_transposed else (max(10, each // 2 * 2), each)
    x, w = normal(images, 2 * each, *size[-rank:]), normal(*leading, *taps[-rank:])
    shape = operation.forward.function(x, w, None, **steps).shape
    x, w, y, b = (change(array) for array in (x, w, normal(*shape), normal(shape[1])))
    arguments = {"": (x, w, b), "input": (x.shape, w, y), "weight": (x, w.shape, y)}
    return Call.of(operation.function, *arguments[operation.by], **steps)


def with_nan(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[::7] = np.nan
    return array


def with_one_nan(array: np.ndarray) -> np.ndarray:
    """Put NaN in the first corner, which few taps meet."""
    array = array.copy()
    array.flat[0] = np.nan
    return array


def with_holes(array: np.ndarray) -> np.ndarray:
    """Put zeros beside NaN."""
    return np.where(np.arange(array.size).reshape(array.shape) % 3 == 0, 0, with_nan(array))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": np.asarray,
    "complex": lambda array: array * (1 + 2j) + 1j * array[::-1],
    "in another order": np.asfortranarray,
    "past float16": lambda array: array * 2.0**17,
}


@lru_cache
def readings_of(op: str) -> tuple[Reading, ...]:
    right, read, rank = call_of(op), LINEAR[op].factors[0], LINEAR[op].space.rank
    calls = [*(call_of(op, change) for change in CHANGES.values()), call_of(op, given=CLOSE)]
    calls.append(right.with_operands(**{read: with_nan(right.operands[read])}))
    calls.extend(right.with_operands(**{name: with_one_nan(right.operands[name])}) for name in LINEAR[op].factors)
    calls.append(call_of(op, given=PLAIN, size=(3, 5, 20), taps=(3, 3, 3), each=9))
    calls.append(call_of(op, given=WIDE, size=(6, 8, 7), taps=(2, 1, 1)))
    if rank == 3:
        calls.append(call_of(op, given=WIDE, size=(6, 8, 7), taps=(1, 1, 1)))
    calls.append(call_of(op, given=TWOS, taps=(3, 3, 3), images=5))
    calls.append(call_of(op, given=PLAIN, size=(20, 21, 22), taps=(5, 6, 7)))  # room for tiles, and for vectors of taps
    sizes = ((4, 4, 38), (4, 38, 4), (38, 4, 4))[:rank]  # and for the largest ones, along one axis at a time
    calls.extend(call_of(op, given=PLAIN, size=size, taps=(3, 3, 3)) for size in sizes)
    calls.append(call_of(op, given=PLAIN, size=(2, 3, 4), taps=(2, 3, 3), each=35))  # ... and of channels
    calls.append(call_of(op, given=PLAIN, size=(2, 3, 4), taps=(2, 2, 3), images=18))  # ... and of images
    calls.append(call_of(op, given=LEFT_OVER, size=(7, 10, 9)))
    calls.append(call_of(op, given=LEFT_OVER, size=(7, 10, 9), padding=((1, 1),) * rank))
    calls.append(call_of(op, with_holes))
    calls.append(call_of(op, given=BEYOND, taps=(2, 2, 2)))
    calls.append(call_of(op, given=PLAIN | {"dilation": (2, 2, 2)}, size=(5, 7, 9)))  # phases of 4 pixels and 3
    if LINEAR[op].is_transposed:
        several = (2, 1, 1), (6, 5, 6)  # which reach less than S·P, and more; without an output padding
        calls.extend(call_of(op, given=dict(WIDE), taps=taps, padding="same_upper") for taps in several)
    else:
        calls.append(call_of(op, padding=((4, 3), (3, 4), (3, 2))[-rank:], padding_mode="circular"))
    return tuple(reading_of(call) for call in calls)


def made(mistake: Mistake, reading: Reading) -> tuple[Any, ...]:
    """Return what a kernel with a mistake gives, at some places, and how large that would be by itself."""
    wrong = mistake.made(reading)
    with np.errstate(all="ignore"):
        values = np.round(wrong.values(spread(wrong.everywhere(), 60)), 6)
    parts = [np.where(np.isnan(part), np.nan, part + 0.0) for part in (values.real, values.imag)]  # one NaN, one zero
    return wrong.naturally_sized().size, *(part.astype(np.float64).tobytes() for part in parts)


RIGHT = Mistake("", lambda reading: reading)


@lru_cache
def readings_in_eight_bits(op: str) -> tuple[Reading, ...]:
    """Some of the battery's cases: of every type, layout and kind of zero point."""
    return tuple(
        reading_of(case.call()) for case in [case for case in cases("core", op=op) if case.products < 200][::12]
    )


@lru_cache
def effects(op: str) -> tuple[tuple[Any, ...], dict[Mistake, tuple[Any, ...]]]:
    """Return what a right kernel gives of all the calls, and what one with each of the mistakes does."""
    readings = readings_of(op) if op in LINEAR else readings_in_eight_bits(op)
    mistakes = table_of(readings[0]).mistakes if op in LINEAR else EIGHT_BITS
    return tuple(made(RIGHT, r) for r in readings), {m: tuple(made(m, r) for r in readings) for m in mistakes}


def without_effect(op: str) -> set[str]:
    """Return the codes of what changes nothing here."""
    operation = LINEAR[op]
    sizes = {"unread-rows-dropped", "gradient-not-cropped"}  # what a size alone shows
    modes = {"padding-zero"} if operation.is_transposed else set()  # whose padding holds zeros in any case
    windows = set() if operation.asked == "output" else {"border-renormalised"}  # of which an adjoint sees no whole one
    most = max(reading.input.size for reading in readings_of(op))
    small = {"index-wraps-at-2^16"} if most <= 2**16 else set()  # fewer elements than that
    return sizes | modes | windows | small


@pytest.mark.parametrize("op", one_in(24, PLANNED))
def test_every_mistake_can_be_made(op: str) -> None:
    right, wrong = effects(op)
    unmade = {mistake.code for mistake, effect in wrong.items() if effect == right}
    assert unmade == without_effect(op) & {mistake.code for mistake in wrong}


@pytest.mark.parametrize("op", one_in(24, PLANNED))
def test_mistakes_of_different_codes_differ(op: str) -> None:
    right, wrong = effects(op)
    found: dict[Any, set[str]] = {}
    for mistake, effect in wrong.items():
        if effect != right:
            found.setdefault(effect, set()).add(mistake.code)
    alike = {frozenset(codes) for codes in found.values() if len(codes) > 1}
    # without a bias, it is the same whether a channel goes to another group, or is stored in its place
    excused = (
        {frozenset({"output-groups-transposed", "groups-interleaved-outputs"})} if op.endswith("_input") else set()
    )
    assert alike <= excused


def checksums(op: str) -> Iterator[str]:
    """For each code of an operation, a checksum of what its mistakes make of all calls."""
    _, wrong = effects(op)
    for code in dict.fromkeys(mistake.code for mistake in wrong):
        made = [effect for mistake, effect in wrong.items() if mistake.code == code]
        yield f"{op} {code} {zlib.crc32(repr(made).encode()):08x}"


@pytest.mark.parametrize("op", one_in(2, CHECKED))
def test_what_a_mistake_makes_is_what_it_made_before(op: str) -> None:
    """A prediction that changes unnoticed explains another kernel than the one that it was written for.

    Where one is changed on purpose, run this file with ``PYTHONPATH=tests`` and put what it prints into `mistakes.txt`.
    """
    assert list(checksums(op)) == [line for line in TABLE.read_text().splitlines() if line.split()[0] == op]


AXES_OF_PLANES = ("-axes-swapped", "-for-both", "-transposed", "-along-")


@pytest.mark.parametrize("op", PLANNED)
def test_a_mistake_speaks_of_axes_that_are_there(op: str) -> None:
    rank, mistakes = LINEAR[op].space.rank, table_of(readings_of(op)[0]).mistakes
    codes = {mistake.code for mistake in mistakes}
    if rank == 1:
        kept = {"weight-read-as-transposed", "output-groups-transposed"}  # of channels
        assert not [code for code in codes - kept if any(words in code for words in AXES_OF_PLANES)]
    along = {code.partition("-along-")[0] for code in codes if "-along-" in code}
    for axis, is_there in {"height": rank > 1, "width": rank > 1, "depth": rank > 2}.items():
        assert {code for code in codes if code.endswith(f"-along-{axis}")} == {
            f"{c}-along-{axis}" for c in along if is_there
        }
    if rank < 3:
        assert not [mistake for mistake in mistakes if "the depth" in mistake.sentence or "K_d" in mistake.sentence]


def test_of_three_axes_any_may_be_exchanged_with_the_width_and_any_be_used_for_all() -> None:
    """What a kernel for planes gets wrong with height and width, one for volumes gets wrong with the depth."""
    for op in ("conv3d", "conv_transpose3d", "conv3d_input", "conv3d_weight", "conv_transpose3d_input"):
        reading = readings_of(op)[0]
        for name, values in STEPS.items():
            for code, orders in {
                f"{name}-axes-swapped": [(0, 2, 1), (2, 1, 0)],
                f"{name}-first-for-both": [(0, 1, 1), (0, 0, 0)],
                f"{name}-second-for-both": [(0, 2, 2), (2, 2, 2)],
            }.items():
                mistakes = [mistake for mistake in table_of(reading).mistakes if mistake.code == code]
                read = [tuple(getattr(axis, name) for axis in mistake.change(reading).axes) for mistake in mistakes]
                assert sorted(read) == sorted(tuple(values[place] for place in order) for order in orders), code


@pytest.mark.parametrize("op", ["conv3d", "conv_transpose3d", "conv3d_input", "conv_transpose3d_input"])
def test_the_kernel_of_a_volume_may_be_turned_in_a_plane_or_in_space(op: str) -> None:
    call, rank = call_of(op), 3
    weight = call.operands["weight"]
    lead, (depth, height, width) = weight.shape[:2], weight.shape[2:]
    in_plane = weight.reshape(*lead, depth, width, height).swapaxes(3, 4)
    in_space = weight.reshape(*lead, width, height, depth).swapaxes(2, 4)
    for wrong, words in ((in_plane, "(K_w, K_h)"), (in_space, "(K_w, K_h, K_d)")):
        (finding, *_) = diagnose_of(call, call.with_operands(weight=np.ascontiguousarray(wrong))())
        assert (finding.code, finding.sentence) == ("kernel-transposed", f"each kernel is read as {words}")
    assert rank == len(weight.shape) - 2


def diagnose_of(call: Call, actual: Any) -> Any:
    positional = {**call.operands, **call.parameters}
    arguments = [positional[name] for name in call.operation.leading if name in positional]
    steps = {name: value for name, value in call.parameters.items() if name != call.operation.size}
    return diagnose_result(actual, call.operation.function, *arguments, **steps)


WORDS = {
    "conv2d": ("output channel o is put into group o mod G, not into its block", "weight is (O, C/G, K_h, K_w)"),
    "conv_transpose2d_input": ("input channel c is put into group c mod G, not into its block", "weight is (C, O/G, K_h, K_w)"),
    "conv_transpose2d_weight": ("input channel c is put into group c mod G, not into its block", None),
}  # fmt: skip


@pytest.mark.parametrize("op", WORDS)
def test_each_operation_has_words_for_what_it_reads(op: str) -> None:
    known = table_of(readings_of(op)[0]).by_code
    sentence, weight = WORDS[op]
    assert known["groups-interleaved-outputs"].sentence == sentence
    if weight is not None:
        assert known["kernel-transposed"].should == weight


def test_the_words_of_a_transposed_convolutions_gradients() -> None:
    inputs = table_of(readings_of("conv_transpose2d_input")[0]).by_code
    assert {code: inputs[code].sentence for code in SENTENCES} == SENTENCES
    weights = table_of(readings_of("conv_transpose2d_weight")[0]).by_code
    assert weights["gradient-channels-swapped"].sentence == "the gradient is stored as (O/G, C)"
    assert weights["gradient-flipped"].should == "the weight's gradient is (C, O/G, K_h, K_w), as the weight is"
    assert weights["groups-all-read-first"].sentence == "every group reads the first group's channels of grad_output"
    own = table_of(readings_of("conv2d_weight")[0]).by_code
    assert own["gradient-channels-swapped"].sentence == "the gradient is stored as (C/G, O)"
    assert own["gradient-flipped"].should == "the weight's gradient is (O, C/G, K_h, K_w), as the weight is"


SENTENCES = {
    "groups-interleaved-inputs": "the channels of grad_output of a group are taken G apart, not side by side",
    "groups-ignored": "groups are ignored: every input channel reads all channels of grad_output",
    "groups-as-depthwise": "any groups are taken for depthwise: one channel of grad_output each",
    "input-read-as-nhwc": "the grad_output's memory is read as NHWC",
    "input-strides-ignored": "the grad_output's memory is read as it lies, whatever its strides",
    "output-stored-as-nhwc": "the gradient is stored as NHWC",
    "output-batch-and-channels-swapped": "the gradient is stored as (C, N)",
    "output-groups-transposed": "the input channels are stored as (C/G, G), not (G, C/G)",
    "weight-read-as-transposed": "the weight's memory is read with its two axes of channels exchanged, so that its taps are mixed up",
    "conjugate-missing": "the other factor is not conjugated",
}  # fmt: skip


def test_a_gradient_forgets_to_conjugate_and_an_operation_does_it_unasked() -> None:
    for op in PLANNED:
        codes = {mistake.code for mistake in table_of(readings_of(op)[0]).mistakes}
        assert ("conjugate-missing" in codes) == LINEAR[op].is_gradient
        assert ("conjugated" in codes) != LINEAR[op].is_gradient


@pytest.mark.parametrize("op", [op for op in PLANNED if LINEAR[op].is_gradient])
def test_a_conjugate_that_is_missing_is_named(op: str) -> None:
    operation, call = LINEAR[op], call_of(op, CHANGES["complex"])
    assert diagnose_of(call, call()) == []
    other = operation.conjugated
    wrong = call.with_operands(**{other: call.operands[other].conj()})()
    assert [finding.code for finding in diagnose_of(call, wrong)] == ["conjugate-missing"]


def test_a_vector_has_no_axes_to_go_wrong_along() -> None:
    reading = reading_of(Call.of(refconv.grad.conv3d_bias, normal(2, 3, 4, 5, 6)))
    table = table_of(reading)
    assert not [mistake.code for mistake in table.mistakes if "-along-" in mistake.code or "-axes-" in mistake.code]
    assert {"batch-first-alone", "batch-last-alone", "batch-averaged", "positions-averaged"} <= set(table.by_code)


def test_every_mistake_is_of_some_operation() -> None:
    known = {mistake for op in PLANNED for mistake in table_of(readings_of(op)[0]).mistakes}
    assert known == {mistake for mistake in EVERY_MISTAKE if mistake not in EIGHT_BITS}


@pytest.mark.parametrize("op", [op for op in PLANNED if not op.startswith("conv_transpose")])  # which refuses that
def test_every_mistake_can_be_made_where_an_axis_has_no_pixel(op: str) -> None:
    right = reading_of(call_of(op, size=(5, 0, 7), taps=(2, 1, 2), given=PLAIN))
    for mistake in (*table_of(right).mistakes, *table_of(right).pairs):
        mistake.made(right)


if __name__ == "__main__":
    print("\n".join(line for op in CHECKED for line in checksums(op)))
