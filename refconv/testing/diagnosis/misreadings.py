"""What a traced target reads that it should not: each difference as a finding, "it uses ..., should be ..."."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.diagnosis.axis_fit import UNREAD, AxisFit
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.probes import Trace, called
from refconv.testing.targets import Target

ROWS: Final = "traced-rows"
COLUMNS: Final = "traced-columns"


def expected_fit(axis: AxisGeometry, along: int) -> AxisFit:
    """``S·p + D·i − T`` along the height, and likewise along the width."""
    steps = [0, 0, 0, 0]
    steps[along], steps[2 + along] = axis.stride, axis.dilation
    return AxisFit((steps[0], steps[1], steps[2], steps[3]), -axis.padding[0])


def axis_problems(rows: AxisFit, columns: AxisFit, geometry: ConvGeometry) -> Iterator[Finding]:
    """Compare the rule of each axis with ``S·p + D·i − T``."""
    for code, name, axis, fit, along in (
        (ROWS, "row", geometry.axes[0], rows, 0),
        (COLUMNS, "column", geometry.axes[1], columns, 1),
    ):
        expected = expected_fit(axis, along)
        if fit != expected:
            yield Finding(code, f"it uses {name} = {fit}{_hint(fit, expected, along)}", reading=str(expected))


def _hint(fit: AxisFit, expected: AxisFit, along: int) -> str:
    """Say in a parameter's own name what differs, where one word does."""
    differs = [
        f"{name} {used} where {should} is asked for"
        for name, used, should in (
            ("stride", fit.steps[along], expected.steps[along]),
            ("dilation", fit.steps[2 + along], expected.steps[2 + along]),
            ("padding", -fit.start, -expected.start),
        )
        if used != should
    ]
    crossed = fit.steps[1 - along] or fit.steps[3 - along]
    words = ["its axes are swapped or sheared"] if crossed else differs
    if fit.steps[2 + along] == -expected.steps[2 + along]:
        words = ["the kernel is flipped"]
    return f": {', '.join(words)}" if words else ""


def channel_problems(channels: Array, geometry: ConvGeometry) -> Iterator[Finding]:
    """Name the first output channel that reads the wrong input channels."""
    right = np.array([[geometry.input_channel(o, c) for c in range(channels.shape[1])] for o in range(len(channels))])
    wrong = np.flatnonzero(((channels != right) & (channels != UNREAD)).any(axis=1))
    if wrong.size:
        o = int(wrong[0])
        sentence = f"output channel {o} reads input channels {channels[o].tolist()}"
        yield Finding("traced-channels", sentence, reading=f"channels {right[o].tolist()}")


def image_problems(images: Array) -> Iterator[Finding]:
    """Name the first output image that is made from another input image."""
    wrong = np.flatnonzero((images != np.arange(len(images))) & (images != UNREAD))
    if wrong.size:
        n = int(wrong[0])
        yield Finding("traced-images", f"output image {n} is made from input image {images[n]}", reading=f"image {n}")


def rule_problems(trace: Trace, rows: AxisFit, columns: AxisFit, geometry: ConvGeometry) -> Iterator[Finding]:
    """Name the first output and tap that reads something else than the rules of the axes say."""
    shape = trace.rows.shape
    grid = (shape[2], shape[3], shape[5], shape[6])
    row, column = rows.predict(grid), columns.predict(grid)
    inside = (row >= 0) & (row < geometry.axes[0].input_size) & (column >= 0) & (column < geometry.axes[1].input_size)
    row, column, inside = (rule[:, :, np.newaxis] for rule in (row, column, inside))
    follows = np.where(inside, (trace.counts == 1) & (trace.rows == row) & (trace.columns == column), trace.counts == 0)
    if follows.all():
        return
    n, o, p, q, c, i, j = first = tuple(map(int, np.argwhere(~follows)[0]))
    count = int(trace.counts[first])
    pixel = (
        f"pixel ({trace.rows[first]}, {trace.columns[first]})"
        if count == 1
        else f"{count} pixels"
        if count
        else "nothing"
    )
    should = f"pixel ({row[p, q, 0, i, j]}, {column[p, q, 0, i, j]})" if inside[p, q, 0, i, j] else "padding"
    sentence = (
        f"no affine rule fits all: output [{n}, {o}, {p}, {q}] reads {pixel} through tap ({i}, {j}) of channel {c}"
    )
    yield Finding("traced-no-rule", sentence, reading=should)


def bias_problems(target: Target, case: Case, geometry: ConvGeometry) -> Iterator[Finding]:
    """Compare what stands over a zero input with the bias."""
    bias = np.arange(1.0, geometry.out_channels + 1)
    output = called(target, case, geometry, np.zeros(case.input_shape), np.ones(case.weight_shape), bias)
    if output.size and not (output == bias[:, np.newaxis, np.newaxis]).all():
        n, o, p, q = map(int, np.argwhere(output != bias[:, np.newaxis, np.newaxis])[0])
        sentence = f"output [{n}, {o}, {p}, {q}] has {output[n, o, p, q] / bias[o]:g} times the bias of its channel"
        yield Finding("traced-bias", sentence, reading="the bias, once")
