"""Hypothesis strategies: random arguments of conv2d, which shrink to the smallest that fail.

>>> from hypothesis import given, settings
>>> from refconv.testing import assert_conv2d_matches
>>> from refconv.testing.strategies import conv2d_arguments
>>> import refconv
>>> @settings(max_examples=20, database=None)
... @given(conv2d_arguments())
... def test_my_kernel(arguments):
...     assert_conv2d_matches(refconv.conv2d(*arguments), *arguments)
>>> test_my_kernel()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from refconv.geometry.arguments import Pair, check_choice
from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS
from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import LAYOUTS
from refconv.testing.battery.names import name_of, parse_case

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["Conv2dArguments", "arguments_of", "cases_of", "conv2d_arguments", "conv2d_cases"]

# The first is the plainest: that is where Hypothesis shrinks to.  Sides that differ are there twice, for most bugs are.
_PADDINGS: Final = ("equal", "by side", "valid", "same", "same_upper", "same_lower", "by side")
_TRANSPOSED: Final = ("equal", "by side", "same_upper", "same_lower")
# Pixels and taps, by how many axes there are: more than the largest kernel reaches, 13 (in three axes 7), and in one or
# two enough for a tile of 16 and a half.
_LARGEST: Final = {1: 24, 2: 24, 3: 8}
_TAPS: Final = {1: 5, 2: 5, 3: 3}


class Conv2dArguments(NamedTuple):
    """One call of conv2d, in the order of its positional arguments.

    Examples
    --------
    >>> import numpy as np, refconv
    >>> ones = np.ones((1, 1, 3, 3))
    >>> refconv.conv2d(*Conv2dArguments(ones, ones, None, (1, 1), (0, 0), (1, 1), 1)).item()
    9.0
    """

    input: Array
    weight: Array
    bias: Array | None
    stride: Any
    padding: Any
    dilation: Any
    groups: int


def conv2d_cases() -> SearchStrategy[Case]:
    """Return a strategy of cases: valid arguments of conv2d by their name, with their arrays and the truth.

    Batch, channels, groups, bias, kernel, stride, dilation and padding (equal, by side, or a string) are drawn
    independently of each other, and then an input that the kernel fits; whole or normal numbers, in float32 or float64,
    in any memory layout.  Everything shrinks towards 1, and towards the plainest word.

    Returns
    -------
    SearchStrategy
        Of `Case`.

    Raises
    ------
    ModuleNotFoundError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(conv2d_cases(), lambda case: True, settings=settings(database=None)).id
    'n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32'
    >>> find(conv2d_cases(), lambda case: case.dilation[1] > 1 and case.groups > 1, settings=settings(database=None)).id
    'n1-c2-o2-g2-1x1-k1-s1-p0-d1x2-f32'
    """
    return cases_of("conv2d")


def cases_of(op: str) -> SearchStrategy[Case]:
    """Return a strategy of cases of any operation, drawn as `conv2d_cases` are.

    Parameters
    ----------
    op : str
        As in `refconv.testing.check`.

    Returns
    -------
    SearchStrategy
        Of `Case`.

    Raises
    ------
    ValueError
        If there is no such operation.
    ModuleNotFoundError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(cases_of("conv_transpose2d"), lambda case: case.stride[1] > 1, settings=settings(database=None)).id
    'conv_transpose2d-n1-c1-o1-g1-1x1-k1-s1x2-p0-d1-f32'
    """
    check_choice("op", op, OPERATIONS)
    require_hypothesis()
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    operation = OPERATIONS[op]
    space, is_transposed = operation.space, operation.is_transposed
    layouts = [layout for layout in list(LAYOUTS)[1:] if space.rank == 2 or layout != "channels_last"]

    @st.composite
    def cases(draw: DrawFn) -> Case:
        groups = draw(st.integers(1, 4))
        channels, out_channels = groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 5))
        kind = draw(st.sampled_from(_TRANSPOSED if is_transposed else _PADDINGS))
        draw_axis = _drawn_transposed_axis if is_transposed else _drawn_axis
        axes = [draw_axis(draw, kind, space.rank) for _ in space.axes]
        batch = draw(st.sampled_from((1, 2, 3, None)))
        has_bias = operation.has_bias and draw(st.booleans())
        dtype, data = draw(st.sampled_from(("f32", "f64"))), draw(st.sampled_from(("exact", "real")))
        layout = draw(st.just("contiguous") | st.sampled_from(layouts))
        size, kernel, stride, dilation, sides, extra = zip(*(axis for axis in axes), strict=True)
        first, second = (channels, out_channels) if is_transposed else (out_channels, channels)
        case = Case(
            "",
            (*(() if batch is None else (batch,)), channels, *size),
            (first, second // groups, *kernel),
            (out_channels,) if has_bias else None,
            stride,
            kind if kind.startswith(("valid", "same")) else sides,
            dilation,
            groups,
            dtype,
            data,
            layout,
            op=op,
            output_padding=extra,
        )
        return parse_case(name_of(case))

    return cases()


def conv2d_arguments() -> SearchStrategy[Conv2dArguments]:
    """Return a strategy of conv2d's arguments, as arrays and numbers, in the order in which conv2d takes them.

    They are the arguments of `conv2d_cases`; the name of the failing case is printed beside the falsifying example, and
    `find_case` brings the case back.

    Returns
    -------
    SearchStrategy
        Of `Conv2dArguments`, a named tuple: ``kernel(*arguments)`` calls a kernel, and
        ``assert_conv2d_matches(actual, *arguments)`` judges what it returns.

    Raises
    ------
    ModuleNotFoundError
        If Hypothesis is not installed.

    Examples
    --------
    The smallest arguments with a stride along the width:

    >>> from hypothesis import find, settings
    >>> strided = find(conv2d_arguments(), lambda a: a.stride[1] > 1, settings=settings(database=None))
    >>> strided.input.shape, strided.weight.shape, strided.bias, strided[3:]
    ((1, 1, 1, 1), (1, 1, 1, 1), None, ((1, 2), (0, 0), (1, 1), 1))
    """
    return arguments_of("conv2d").map(lambda arguments: Conv2dArguments(*arguments))


def arguments_of(op: str) -> SearchStrategy[tuple[Any, ...]]:
    """Return a strategy of the arguments of any operation, in its own order: those of `cases_of`.

    Parameters
    ----------
    op : str
        As in `refconv.testing.check`.

    Returns
    -------
    SearchStrategy
        Of tuples: ``kernel(*arguments)`` calls a kernel, and ``assert_result_matches(actual, function, *arguments)``
        judges what it returns.

    Raises
    ------
    ValueError
        If there is no such operation.
    ModuleNotFoundError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> smallest = find(arguments_of("conv2d_weight"), lambda arguments: True, settings=settings(database=None))
    >>> smallest[1], smallest[3:]
    ((1, 1, 1, 1), ((1, 1), (0, 0), (1, 1), 1))
    """
    return cases_of(op).map(_noted)


def _noted(case: Case) -> tuple[Any, ...]:
    """Return a case's arguments, and have the case named beside a falsifying example."""
    from hypothesis import currently_in_test_context, note  # noqa: PLC0415  # an extra

    if currently_in_test_context():
        note(f"find_case({case.id!r})")
    return case.arguments(case.operands())


class _Axis(NamedTuple):
    size: int
    kernel: int
    stride: int
    dilation: int
    padding: Pair
    extra: int = 0  # output padding


def _drawn_steps(draw: DrawFn, padding: str, rank: int) -> _Axis:
    """Draw the kernel of an axis, and its steps and padding.

    Every kind of padding takes as many draws, though not all need them: Hypothesis holds fewer draws for simpler.
    """
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    kernel, stride, dilation = draw(st.integers(1, _TAPS[rank])), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    sides = {"equal": (before, before), "by side": (before, after)}.get(padding, (0, 0))
    return _Axis(0, kernel, 1 if padding == "same" else stride, dilation, sides)  # "same" as PyTorch has it


def _drawn_axis(draw: DrawFn, padding: str, rank: int) -> _Axis:
    """Draw one axis of a convolution, with an input that the kernel fits."""
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    axis = _drawn_steps(draw, padding, rank)
    reach = axis.dilation * (axis.kernel - 1) + 1 - sum(axis.padding)
    smallest = 1 if padding.startswith("same") else max(1, reach)
    return axis._replace(size=draw(st.integers(smallest, _LARGEST[rank])))


def _drawn_transposed_axis(draw: DrawFn, padding: str, rank: int) -> _Axis:
    """Draw one axis of a transposed convolution, with an input of which the padding leaves something."""
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    axis = _drawn_steps(draw, padding, rank)
    extra = draw(st.integers(0, max(axis.stride, axis.dilation) - 1))
    cropped = sum(axis.padding) - extra - axis.dilation * (axis.kernel - 1)
    smallest = 1 + max(0, -(-cropped // axis.stride))
    return axis._replace(size=draw(st.integers(smallest, max(smallest, _LARGEST[rank] // 2))), extra=extra)


def require_hypothesis() -> None:
    """Raise a ModuleNotFoundError that says how to install Hypothesis, where it is missing."""
    try:
        import_module("hypothesis")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "random cases need Hypothesis, which is not installed: pip install 'refconv[hypothesis]'", name="hypothesis"
        ) from None
