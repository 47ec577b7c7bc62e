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

from refconv.arguments import Padding, Pair
from refconv.formats import Array
from refconv.testing.cases import Case, pair_text, parse_case
from refconv.testing.data import LAYOUTS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["Conv2dArguments", "conv2d_arguments", "conv2d_cases"]

# The first is the plainest: that is where Hypothesis shrinks to.  Sides that differ are there twice, for most bugs are.
_PADDINGS: Final = ("equal", "by side", "valid", "same", "same_upper", "same_lower", "by side")
_LARGEST: Final = 24  # pixels: more than the largest kernel reaches, 13, and enough for a tile of 16 and a half


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
    require_hypothesis()
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    @st.composite
    def cases(draw: DrawFn) -> Case:
        groups = draw(st.integers(1, 4))
        channels, out_channels = groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 5))
        kind = draw(st.sampled_from(_PADDINGS))
        height, width = _drawn_axis(draw, kind), _drawn_axis(draw, kind)
        batch = draw(st.sampled_from(("n1-", "n2-", "n3-", "")))
        bias, dtype, data = (draw(st.sampled_from(words)) for words in (("", "-bias"), ("-f32", "-f64"), ("", "-real")))
        layout = draw(st.just("") | st.sampled_from([f"-{layout}" for layout in list(LAYOUTS)[1:]]))
        kernel, stride, dilation = (
            pair_text(letter, getattr(height, name), getattr(width, name))
            for letter, name in (("k", "kernel"), ("s", "stride"), ("d", "dilation"))
        )
        padding = kind if kind.startswith(("valid", "same")) else _padding_text((height.padding, width.padding))
        shape = f"{batch}c{channels}-o{out_channels}-g{groups}-{height.size}x{width.size}"
        return parse_case(f"{shape}-{kernel}-{stride}-p{padding}-{dilation}{bias}{dtype}{data}{layout}")

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
    return conv2d_cases().map(_arguments)


def _arguments(case: Case) -> Conv2dArguments:
    from hypothesis import currently_in_test_context, note  # noqa: PLC0415  # an extra

    if currently_in_test_context():
        note(f"find_case({case.id!r})")
    return Conv2dArguments(*case.arrays(), case.stride, case.padding, case.dilation, case.groups)


class _Axis(NamedTuple):
    size: int
    kernel: int
    stride: int
    dilation: int
    padding: Pair


def _drawn_axis(draw: DrawFn, padding: str) -> _Axis:
    """Draw one axis: the kernel and its steps, and then an input that it fits.

    Every kind of padding takes as many draws, though not all need them: Hypothesis holds fewer draws for simpler.
    """
    from hypothesis import strategies as st  # noqa: PLC0415  # an extra

    kernel, stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    if padding == "same":
        stride = 1  # PyTorch's rule
    sides = {"equal": (before, before), "by side": (before, after)}.get(padding, (0, 0))
    smallest = 1 if padding.startswith("same") else max(1, dilation * (kernel - 1) + 1 - sum(sides))
    return _Axis(draw(st.integers(smallest, _LARGEST)), kernel, stride, dilation, sides)


def _padding_text(padding: Padding) -> str:
    """Write a padding as names have it: ``1x0`` where the sides are equal, else ``1+0x2+3``."""
    (top, bottom), (left, right) = padding
    return f"{top}+{bottom}x{left}+{right}" if top != bottom or left != right else pair_text("", top, left)


def require_hypothesis() -> None:
    """Raise a ModuleNotFoundError that says how to install Hypothesis, where it is missing."""
    try:
        import_module("hypothesis")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "random cases need Hypothesis, which is not installed: pip install 'refconv[hypothesis]'", name="hypothesis"
        ) from None
