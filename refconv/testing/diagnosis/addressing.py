"""Which pixel does a target read?  Its addressing, recovered from its outputs.

A convolution is linear, so each output can be made to tell what it reads: with a kernel of zeros but for one 1, and
pixels that hold their own numbers, it is the number of the pixel under that tap (see `probes`).  All of them together
are fitted, axis by axis, with whole numbers:

    row = a·p + b·i + c

a is the stride really used, b the dilation (negative: the kernel is flipped), −c the padding.  Cross terms, a row that
depends on q or j, are swapped or sheared axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array
from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import find_case
from refconv.testing.diagnosis.axis_fit import UNREAD, AxisFit, fitted_axis
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.misreadings import (
    COLUMNS,
    ROWS,
    axis_problems,
    bias_problems,
    channel_problems,
    expected_fit,
    image_problems,
    rule_problems,
)
from refconv.testing.diagnosis.probes import run_trace
from refconv.testing.targets import Target, load_target

__all__ = ["Addressing", "trace_addressing"]

# Every parameter different; then what a kernel may support that refuses the one before.
CASES: Final = (
    "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32",
    "n2-c3-o4-g1-7x9-k2x3-s2x1-p1x0-d1x2-f32",
    "n2-c3-o4-g1-7x9-k3-s2x1-p1x2-d1-f32",
    "n1-c3-o4-g1-7x9-k3-s1-p1-d1-f32",
    "n1-c1-o2-g1-7x9-k2x3-s1-p0-d1-f32",
)


@dataclass(frozen=True, slots=True)
class Addressing:
    """How a target addresses its arrays.

    Attributes
    ----------
    case : str
        The case whose parameters it was traced with.
    rows, columns : AxisFit
        The affine rule of each axis.
    channels : tuple of tuple of int
        For each output channel, the input channels that its kernel's channels meet: the rule of the groups.
    images : tuple of int
        The input image that each output image is made from.  Here and in `channels`, −1 is none, or several.
    problems : tuple of Finding
        How each differs from what it should be; empty for a target that addresses rightly.

    Examples
    --------
    >>> import refconv
    >>> def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ...     return refconv.conv2d(input, weight[:, :, ::-1], bias, stride, padding, dilation, groups)
    >>> print(refconv.testing.trace_addressing(kernel, "n1-c1-o1-g1-6x7-k3x2-s2x1-p1x0-d1-f32"))
    row = 2·p − i + 1, should be 2·p + i − 1
    column = q + j
    """

    case: str
    rows: AxisFit
    columns: AxisFit
    channels: tuple[tuple[int, ...], ...]
    images: tuple[int, ...]
    problems: tuple[Finding, ...]

    def __str__(self) -> str:
        """Write the two rules, each with what it should be, and any other difference."""
        about = {problem.code: f", should be {problem.reading}" for problem in self.problems}
        lines = [f"row = {self.rows}{about.get(ROWS, '')}", f"column = {self.columns}{about.get(COLUMNS, '')}"]
        others = (problem for problem in self.problems if problem.code not in (ROWS, COLUMNS))
        return "\n".join([*lines, *(f"{problem.sentence}, should be {problem.reading}" for problem in others)])


def trace_addressing(target: str | Target, case: str | Case | None = None) -> Addressing:
    """Recover from a target's outputs which pixels it reads.

    Parameters
    ----------
    target : str or callable
        As in `check`.  It is called in this process, twice for each tap of the kernel.
    case : str or Case, optional
        Whose shapes and parameters to use; by default the first of a few, from general to plain, that the target does
        not refuse.

    Returns
    -------
    Addressing
        Its text says what each axis uses, and what it should.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    ValueError
        If the target returns another shape than it should, or there is no such case, or it is not of float32 or
        float64, or has more pixels than the type can number.

    Notes
    -----
    Whatever the target raises passes through, where a case is given or the last default one is refused, too.

    Examples
    --------
    >>> print(trace_addressing("refconv"))
    row = 2·p + i − 1
    column = q + 2·j
    """
    function = load_target(target) if isinstance(target, str) else target
    if case is not None:
        return _traced(function, find_case(case) if isinstance(case, str) else case)
    for name in CASES[:-1]:
        try:
            return _traced(function, find_case(name))
        except Exception:  # noqa: BLE001, S112  # whatever it raises, it refuses these arguments
            continue
    return _traced(function, find_case(CASES[-1]))


def _traced(target: Target, case: Case) -> Addressing:
    geometry = case.plan
    digits = {"f32": 24, "f64": 53}.get(case.dtype, 0)
    if np.prod(case.input_shape) >= 2 ** (digits - 1):
        raise ValueError(
            f"case {case.id!r} has more pixels than its type can number; it must have fewer than 2^{digits - 1}"
        )
    trace = run_trace(target, case, geometry)
    rows = fitted_axis(_over_maps(trace.rows), expected_fit(geometry.axes[0], along=0))
    columns = fitted_axis(_over_maps(trace.columns), expected_fit(geometry.axes[1], along=1))
    channels = np.apply_along_axis(
        _agreed, -1, np.moveaxis(trace.channels, (1, 4), (0, 1)).reshape(*_table(geometry), -1)
    )
    images = np.apply_along_axis(_agreed, -1, trace.images.reshape(geometry.batch, -1))
    problems = (
        *axis_problems(rows, columns, geometry),
        *channel_problems(channels, geometry),
        *image_problems(images),
        *rule_problems(trace, rows, columns, geometry),
        *bias_problems(target, case, geometry),
    )
    return Addressing(
        case.id, rows, columns, tuple(tuple(map(int, row)) for row in channels), tuple(map(int, images)), problems
    )


def _table(geometry: ConvGeometry) -> tuple[int, int]:
    return geometry.out_channels, geometry.group_in_channels


def _over_maps(read: Array) -> Array:
    """Return what is read for each p, q, i and j by the first image and channels that read anything there."""
    maps = np.moveaxis(read, 4, 2)  # N, O, C/G, P, Q, K_h, K_w
    flat = maps.reshape(-1, *maps.shape[3:])
    first = (flat != UNREAD).argmax(axis=0)
    return np.asarray(np.take_along_axis(flat, first[np.newaxis], axis=0)[0])


def _agreed(numbers: Array) -> int:
    """Return the one number that is read wherever anything is, or `UNREAD`."""
    found = np.unique(numbers[numbers != UNREAD])
    return int(found[0]) if len(found) == 1 else UNREAD
