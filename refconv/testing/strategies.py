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
from typing import TYPE_CHECKING, Any, NamedTuple

from refconv.geometry.arguments import check_choice
from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS
from refconv.testing.battery.cases import Case
from refconv.testing.battery.drawn import case_of, options_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Conv2dArguments", "arguments_of", "cases_of", "conv2d_arguments", "conv2d_cases"]


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
    independently of each other, and then an input that the kernel fits, sometimes one without a pixel; whole or normal
    numbers, in narrow types, too, in any memory layout.  Everything shrinks towards 1, and towards the plainest word.

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

    return st.tuples(*map(st.sampled_from, options_of(op))).map(lambda chosen: case_of(op, chosen))


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


def require_hypothesis() -> None:
    """Raise a ModuleNotFoundError that says how to install Hypothesis, where it is missing."""
    try:
        import_module("hypothesis")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "random cases need Hypothesis, which is not installed: pip install 'refconv[hypothesis]'", name="hypothesis"
        ) from None
