"""What a traced target reads that it should not: each difference as a finding, "it uses ..., should be ...".

From what follows a rule to what does not: another rule along an axis, other channels, images or weights throughout, and
then the simplest description of where something is lost, read besides, or read in another's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.diagnosis.axis_fit import UNREAD, AxisFit, expected_fit, fitted_axis
from refconv.testing.diagnosis.directions import Convolution, Transposed, WeightAdjoint
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.locate import listed
from refconv.testing.diagnosis.probes import NOTHING, SPACE, WEIGHTS, Trace, called
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.targets import Target


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule of each axis of space, and what should be in its place; each of the tables is over outputs and taps."""

    fits: tuple[AxisFit, ...]
    expected: tuple[AxisFit, ...]
    tables: tuple[Array, ...]

    @classmethod
    def of(cls, trace: Trace) -> Rules:
        """Turn what each element has read round, so that each output and tap has its pixel, and fit that."""
        right, rank = trace.right, trace.right.rank
        expected = tuple(expected_fit(axis, place, rank) for place, axis in enumerate(right.axes))
        outputs, taps, pixels, which = _relation(trace)
        tables = []
        for place in range(rank):
            table = np.full((*right.output.shape[2:], *right.weight.shape[2:]), UNREAD)
            reads = tuple(axis[which][::-1] for axis in (*outputs, *taps))  # of several, the first stays
            table[reads] = pixels[place][which][::-1]
            tables.append(table)
        fits = tuple(fitted_axis(table, rule) for table, rule in zip(tables, expected, strict=True))
        return cls(fits, expected, tuple(tables))

    def hold(self, trace: Trace) -> bool:
        """Whether every single read follows the rules, and all that they lead to is read."""
        outputs, taps, pixels, which = _relation(trace)
        where = tuple(axis[which] for axis in (*outputs, *taps))
        inside = np.ones(self.tables[0].shape, bool)
        for fit, axis, pixel in zip(self.fits, trace.right.axes, pixels, strict=True):
            predicted = fit.predict(inside.shape)
            inside &= (predicted >= 0) & (predicted < axis.input_size)
            if (predicted[where] != pixel[which]).any():
                return False
        right = trace.right
        maps = len(right.images) * right.channels.size
        return int(trace.counts.sum()) == int(which.sum()) == int(inside.sum()) * maps


def _relation(trace: Trace) -> tuple[list[Array], list[Array], list[Array], Array]:
    """Return for every element and tap its output, tap and pixel along each axis of space, and where it reads one."""
    right, rank = trace.right, trace.right.rank
    grid: list[Array] = list(np.indices(trace.counts.shape, sparse=True))
    of_result, of_taps = grid[2 : 2 + rank], grid[3 + rank :]
    read = [trace.read[name] for name in SPACE[-rank:]]
    parts = (of_result, of_taps, read)
    if isinstance(right, WeightAdjoint):
        parts = (of_taps, of_result, read)
    elif not isinstance(right, Convolution):
        parts = (read, of_taps, of_result)
    outputs, taps, pixels = ([np.broadcast_to(axis, trace.counts.shape) for axis in part] for part in parts)
    return outputs, taps, pixels, trace.counts == 1


def _traced(kind: str, sentence: str, should: str) -> Finding:
    return Finding(f"traced-{kind}", sentence, reading=should, is_traced=True)


def axis_problems(rules: Rules, axes: tuple[AxisGeometry, ...]) -> Iterator[Finding]:
    """Compare the rule of each axis with ``S·p + D·i − T``."""
    rank = len(axes)
    for place, (name, fit, expected) in enumerate(zip(SPACE[-rank:], rules.fits, rules.expected, strict=True)):
        if fit != expected:
            hint = _hint(fit, expected, place)
            yield _traced(f"{name}s", f"it uses {name} = {fit}{hint}", str(expected))


def _hint(fit: AxisFit, expected: AxisFit, place: int) -> str:
    """Say in a parameter's own name what differs, where one word does."""
    tap = place + len(fit.steps) // 2
    differs = [
        f"{name} {used} where {should} is asked for"
        for name, used, should in (
            ("stride", fit.steps[place], expected.steps[place]),
            ("dilation", fit.steps[tap], expected.steps[tap]),
            ("padding", -fit.start, -expected.start),
        )
        if used != should
    ]
    crossed = any(step for index, step in enumerate(fit.steps) if index not in (place, tap))
    words = ["its axes are swapped or sheared"] if crossed else differs
    if fit.steps[tap] == -expected.steps[tap]:
        words = ["the kernel is flipped"]
    return f": {', '.join(words)}" if words else ""


def channel_table(trace: Trace) -> Array:
    """Return which channel each of the result meets as each of its group, (O, C/G); `NOTHING` where that varies."""
    flat = np.moveaxis(trace.read["channel"], (1, 2 + trace.right.rank), (0, 1))
    return np.apply_along_axis(_agreed, -1, flat.reshape(*flat.shape[:2], -1))


def image_table(trace: Trace) -> Array:
    """Return which image each of the result is made from; `NOTHING` where that varies."""
    return np.apply_along_axis(_agreed, -1, trace.read["image"].reshape(len(trace.right.images), -1))


def _agreed(numbers: Array) -> int:
    """Return the one number that is read wherever anything is, or `NOTHING`."""
    found = np.unique(numbers[numbers != NOTHING])
    return int(found[0]) if len(found) == 1 else NOTHING


def table_problems(trace: Trace) -> Iterator[Finding]:
    """Name the first channel, and the first image, of the result that reads other ones throughout."""
    if isinstance(trace.right, WeightAdjoint) or "channel" not in trace.read:
        return
    result, source, _ = _words(trace.right)
    found, should = channel_table(trace), channel_table(_should(trace))
    for o in np.flatnonzero((found != should).any(axis=1) & (found >= 0).all(axis=1))[:1]:
        words = f"{result} channel {o} reads {source} channels {found[o].tolist()}"
        yield _traced("channels", words, f"channels {should[o].tolist()}")
    images = image_table(trace) if "image" in trace.read else np.arange(0)
    for n in np.flatnonzero((images != np.arange(len(images))) & (images >= 0))[:1]:
        yield _traced("images", f"{result} image {n} is made from {source} image {images[n]}", f"image {n}")


def _should(trace: Trace) -> Trace:
    return Trace(trace.right, trace.should, trace.should, trace.right_counts, trace.right_counts)


def _words(right: Reading) -> tuple[str, str, tuple[str, ...]]:
    """Return what the result and what it reads are called, and the axes of a tap."""
    space = SPACE[-right.rank :]
    if isinstance(right, WeightAdjoint):
        return "", "input", ("image", *(f"grad_output {name}" for name in space))
    taps = ("channel of the group", *(f"tap {name}" for name in space))
    if isinstance(right, Transposed):
        return "output", "input", taps
    return ("output", "input", taps) if isinstance(right, Convolution) else ("gradient", "grad_output", taps)


def place_problems(trace: Trace) -> Iterator[Finding]:
    """Describe what is wrong most often: where, and by the first element and tap."""
    counts, right_counts = trace.counts, trace.right_counts
    one, should_be_one = counts == 1, right_counts == 1
    differ = {name: one & should_be_one & (trace.read[name] != trace.should[name]) for name in trace.read}
    masks = {
        "lost": (counts == 0) & should_be_one,
        "several": ~one & (counts != 0) & should_be_one,
        "others": np.logical_or.reduce(list(differ.values())),
        "padding": (counts != 0) & (right_counts == 0),
    }
    kind, mask = max(masks.items(), key=lambda item: int(item[1].sum()))
    if not mask.any():
        return
    within = right_counts == (kind != "padding")
    where = (
        "in the padding"
        if kind == "padding" and (mask == within).all()
        else _where(mask, within, trace) or f"by {mask.sum()} of {within.sum()} taps"
    )
    first = tuple(map(int, np.argwhere(mask)[0]))
    names = [name for name in trace.read if differ[name][first]] if kind == "others" else [*SPACE[-trace.right.rank :]]
    read, should = (", ".join(f"{name} {table[name][first]}" for name in names) for table in (trace.read, trace.should))
    element = f"[{', '.join(map(str, first[: 2 + trace.right.rank]))}]"
    example = f": {element} reads {read}"
    words, reading = {
        "lost": (f"nothing is read {where}", f"{element} reads {should}"),
        "several": (f"several are added up {where}", f"{element} reads {should} alone"),
        "others": (f"another {' and '.join(names)} is read {where}{example}", should),
        "padding": (f"something is read {where}{example}", "zeros stand there, in the padding"),
    }[kind]
    if names == [WEIGHTS]:
        words, reading = f"another channel's weights are used {where}{example}", should
    if isinstance(trace.right, WeightAdjoint):  # whose other factor is what arrives
        words, reading = (text.replace(WEIGHTS, "gradients") for text in (words, reading))
    yield _traced(kind, words, reading)


def _where(mask: Array, within: Array, trace: Trace) -> str:
    """Say where a mask holds, of all that could be: along one axis, or two, that it fills; empty where it is none."""
    result, source, tap_names = _words(trace.right)
    grid: list[Array] = list(np.indices(mask.shape, sparse=True))
    names = [name.removesuffix("s") for name in trace.right.names]
    axes = {("in", f"{result} {name}".strip()): axis for name, axis in zip(names, grid, strict=False)}
    axes |= {("through", name): axis for name, axis in zip(tap_names, grid[len(names) :], strict=True)}
    axes |= {("from", f"{source} {name}"): table for name, table in trace.should.items() if name != WEIGHTS}
    if (mask == within).all():
        return "throughout"
    sides: dict[tuple[str, str], tuple[Array, Array]] = {}
    for name, axis in axes.items():
        along = np.broadcast_to(axis, mask.shape)
        values = np.unique(along[mask])
        if len(values) < len(np.unique(along[within])):
            sides[name] = values, np.isin(along, values)
    for size in (1, 2):
        for chosen in combinations(sides, size):
            if (np.logical_and.reduce([sides[name][1] for name in chosen]) & within == mask).all():
                return " and ".join(_said(name, sides[name][0], int(np.max(axes[name]))) for name in chosen)
    return ""


def _said(name: tuple[str, str], values: Array, last: int) -> str:
    """Write along which indices: ``"through tap row 2, the last"``."""
    preposition, axis = name
    ordinal = ", the last" if len(values) == 1 and values[0] == last > 0 else ", the first" if not values[-1] else ""
    return f"{preposition} {listed(f'{axis}s', values)}{ordinal}"


def bias_problems(target: Target, case: Case, right: Reading) -> Iterator[Finding]:
    """Compare what stands where nothing is added up with the bias."""
    if case.bias_shape is None:
        return
    zeros = {name: np.zeros(operand.shape) for name, operand in case.operands().items()}
    ones, numbers = (
        called(target, case, {**zeros, "bias": bias}, right)
        for bias in (np.ones(case.bias_shape), np.arange(1.0, case.bias_shape[0] + 1))
    )
    channels = np.broadcast_to(np.arange(case.bias_shape[0]).reshape(-1, *(1,) * right.rank), ones.shape)
    wrong = np.argwhere((ones != 1) | (numbers != channels + 1))
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        times, number = ones[place], numbers[place]
        has = f"the bias of channel {int(number) - 1}" if times == 1 else f"{times:g} times the bias of its channel"
        yield _traced("bias", f"output {list(place)} has {has}", "the bias of its channel, once")
