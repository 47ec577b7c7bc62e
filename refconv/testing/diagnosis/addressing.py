"""Which pixel does a target read?  Its addressing, recovered from its outputs.

A convolution is linear, so each output can be made to tell what it reads: with a kernel of zeros but for one 1, and
pixels that hold their own numbers, it is the number of the pixel under that tap (see `probes`).  All of them together
are fitted, axis by axis, with whole numbers:

    row = a·p + b·i + c

a is the stride really used, b the dilation (negative: the kernel is flipped), −c the padding.  Cross terms, a row that
depends on q or j, are swapped or sheared axes.  A transposed convolution and the gradients follow the same rule, read
backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import find_case
from refconv.testing.diagnosis.axis_fit import AxisFit
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.misreadings import (
    Rules,
    axis_problems,
    bias_problems,
    channel_table,
    image_table,
    place_problems,
    table_problems,
)
from refconv.testing.diagnosis.probes import SPACE, run_trace
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
    axes : tuple of AxisFit
        The affine rule of each axis; empty for the gradient of a bias.
    channels : tuple of tuple of int
        For each channel of the result, those that its kernel's channels meet: the rule of the groups.
    images : tuple of int
        The image that each image of the result is made from.  Here and in `channels`, −1 is none, or several.
    problems : tuple of Finding
        How each differs from what it should be, the plainest first; empty for a target that addresses rightly.

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
    axes: tuple[AxisFit, ...]
    channels: tuple[tuple[int, ...], ...]
    images: tuple[int, ...]
    problems: tuple[Finding, ...]

    def __str__(self) -> str:
        """Write the rules, each with what it should be, and any other difference."""
        about = {problem.code: f", should be {problem.reading}" for problem in self.problems}
        rules = dict(zip(SPACE[-len(self.axes) :], self.axes, strict=False))
        lines = [f"{name} = {fit}{about.get(f'traced-{name}s', '')}" for name, fit in rules.items()]
        others = (problem for problem in self.problems if problem.code.removeprefix("traced-")[:-1] not in rules)
        return "\n".join([*lines, *(f"{problem.sentence}, should be {problem.reading}" for problem in others)])


def trace_addressing(target: str | Target, case: str | Case | None = None) -> Addressing:
    """Recover from a target's outputs which pixels it reads.

    Parameters
    ----------
    target : str or callable
        As in `check`.  It is called in this process, three times or more for each tap of the kernel.
    case : str or Case, optional
        Whose operation, shapes and parameters to use; by default the first of a few of conv2d, from general to plain,
        that the target does not refuse.

    Returns
    -------
    Addressing
        Its text says what each axis uses, and what it should.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    ValueError
        If the target returns another shape than it should, or there is no such case, or its type cannot number the
        pixels, or it has too many taps to be traced.

    Notes
    -----
    Whatever the target raises passes through, where a case is given or the last default one is refused, too.

    Examples
    --------
    >>> print(trace_addressing("refconv"))
    row = 2·p + i − 1
    column = q + 2·j
    """
    which = find_case(case) if isinstance(case, str) else case
    function = load_target(target, "conv2d" if which is None else which.op) if isinstance(target, str) else target
    if which is not None:
        return _traced(function, which)
    for name in CASES[:-1]:
        try:
            return _traced(function, find_case(name))
        except Exception:  # noqa: BLE001, S112  # whatever it raises, it refuses these arguments
            continue
    return _traced(function, find_case(CASES[-1]))


def _traced(target: Target, case: Case) -> Addressing:
    trace = run_trace(target, case)
    has_pixels = len(trace.read) > 1  # not where all that is read is the gradient itself
    rules = Rules.of(trace) if has_pixels else None
    of_axes = [] if rules is None else list(axis_problems(rules, trace.right.axes))
    of_tables = list(table_problems(trace))
    is_whole = of_axes and rules is not None and rules.hold(trace)
    of_places = [] if is_whole or of_tables else list(place_problems(trace))
    problems = (*of_tables, *of_axes, *of_places) if is_whole else (*of_tables, *of_places, *of_axes)
    of_bias = bias_problems(target, case, trace.right)
    return Addressing(
        case.id,
        () if rules is None else rules.fits,
        tuple(tuple(map(int, row)) for row in channel_table(trace)) if has_pixels else (),
        tuple(map(int, image_table(trace))) if "image" in trace.read else (),
        (*problems, *of_bias),
    )
