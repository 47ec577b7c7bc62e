"""How large is the output, how far does a dilated kernel reach, and how much does SAME pad?

The questions about sizes that need no array.  Each takes one axis as ints, or two as pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from refconv.geometry import arguments
from refconv.geometry.arguments import IntOrPair, Padding, PaddingLike, Pair, as_pair, is_sequence
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import build_axes, build_axis, same_sides

__all__ = ["effective_kernel_size", "output_size", "same_padding"]


@overload
def effective_kernel_size(kernel_size: int, dilation: int = 1) -> int: ...
@overload
def effective_kernel_size(kernel_size: Sequence[int], dilation: IntOrPair = 1) -> Pair: ...
@overload
def effective_kernel_size(kernel_size: int, dilation: Sequence[int]) -> Pair: ...
def effective_kernel_size(kernel_size: IntOrPair, dilation: IntOrPair = 1) -> int | Pair:
    """Size of a dilated kernel from its first tap to its last: ``K + (K − 1)·(D − 1) = D·(K − 1) + 1``.

    Source: Dumoulin & Visin (2016), section 5.1.

    Parameters
    ----------
    kernel_size : int or pair of int
        K in taps, at least 1.
    dilation : int or pair of int
        D in pixels, at least 1.

    Returns
    -------
    int or pair of int
        In pixels; an int if both arguments are ints, and a pair (height, width) otherwise.

    Raises
    ------
    TypeError, ValueError
        If a size is not an int, is below 1, or a sequence is not a pair.

    Examples
    --------
    A kernel of 3 taps reaches as far as one of 5 at dilation 2, and as one of 7 at dilation 3.

    >>> [effective_kernel_size(3, dilation) for dilation in (1, 2, 3)]
    [3, 5, 7]
    >>> effective_kernel_size((2, 3), dilation=(4, 1))
    (5, 3)
    """
    kernels = as_pair("kernel_size", kernel_size, minimum=1)
    rates = as_pair("dilation", dilation, minimum=1)
    height, width = (AxisGeometry(0, kernels[i], dilation=rates[i]).effective_kernel_size for i in (0, 1))
    return (height, width) if is_sequence(kernel_size) or is_sequence(dilation) else height


@overload
def output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int | str | Sequence[int] = 0, dilation: int = 1
) -> int: ...
@overload
def output_size(
    input_size: Sequence[int], kernel_size: IntOrPair, stride: IntOrPair = 1, padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
) -> Pair: ...  # fmt: skip
def output_size(
    input_size: IntOrPair, kernel_size: IntOrPair, stride: IntOrPair = 1, padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
) -> int | Pair:  # fmt: skip
    """Size of a convolution's output: ``floor((H + T + B − D·(K − 1) − 1) / S) + 1`` per axis.

    Source: Dumoulin & Visin (2016), relationship 15, with the two sides of the padding told apart.

    Parameters
    ----------
    input_size : int or pair of int
        H in pixels, or (H, W).  An int asks about one axis; then every other argument is about that axis too.
    kernel_size, stride, dilation : int or pair of int
        K, S and D, at least 1.
    padding : int, pair, pair of pairs or str
        For (H, W) as in `conv2d`; for one axis an int, ``(before, after)`` or one of the strings.

    Returns
    -------
    int or pair of int
        P, or (P, Q), in pixels: like `input_size`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these forms, or the dilated kernel is larger than the padded input.

    Examples
    --------
    >>> output_size(7, 3), output_size(7, 3, dilation=2), output_size(7, 5)
    (5, 3, 3)
    >>> output_size((7, 9), (2, 3), stride=(2, 1), padding=((1, 0), (2, 3)))
    (4, 12)

    "Same" is the same only at stride 1; otherwise it is ``ceil(H / S)``.

    >>> output_size(9, 3, stride=2, padding="same_upper")
    5
    """
    with arguments.adding_context(f"input_size {input_size!r}, kernel_size {kernel_size!r}"):
        if is_sequence(input_size):
            sizes = as_pair("input_size", input_size, minimum=0)
            height, width = build_axes(sizes, kernel_size, stride, padding, dilation)
            return height.output_size, width.output_size
        [(size, taps, step, rate)] = _of_each_axis(input_size, kernel_size, stride, dilation)
        return build_axis("size", size, taps, step, rate, _as_sides(padding)).output_size


def _as_sides(padding: PaddingLike) -> Pair | str:
    """Return one axis' padding ``(before, after)``, or one of the strings: an int stands for both sides."""
    if isinstance(padding, str):
        arguments.as_padding(padding)
        return padding
    return as_pair("padding", padding, 0, "(before, after)")


def _of_each_axis(
    input_size: IntOrPair, kernel_size: IntOrPair, stride: IntOrPair, dilation: IntOrPair
) -> list[tuple[int, ...]]:
    """Return (H, K, S, D) of two axes if H is a pair; of one if it is an int, as then all of them are to be."""
    given = {"input_size": input_size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    least = {name: int(name != "input_size") for name in given}
    if is_sequence(input_size):
        return list(zip(*(as_pair(name, value, least[name]) for name, value in given.items()), strict=True))
    return [tuple(arguments.as_int(name, value, least[name]) for name, value in given.items())]


@overload
def same_padding(
    input_size: int, kernel_size: int, stride: int = 1, dilation: int = 1, *, convention: str = "tensorflow"
) -> Pair: ...
@overload
def same_padding(
    input_size: Sequence[int], kernel_size: IntOrPair, stride: IntOrPair = 1, dilation: IntOrPair = 1, *,
    convention: str = "tensorflow",
) -> Padding: ...  # fmt: skip
def same_padding(
    input_size: IntOrPair, kernel_size: IntOrPair, stride: IntOrPair = 1, dilation: IntOrPair = 1, *,
    convention: str = "tensorflow",
) -> Pair | Padding:  # fmt: skip
    """Padding that makes the output ``ceil(H / S)``, as each framework's SAME splits it between the two sides.

    ``total = max(0, (ceil(H / S) − 1)·S + D·(K − 1) + 1 − H)``; one side gets ``total // 2`` and the other the rest.

    Parameters
    ----------
    input_size : int or pair of int
        H in pixels, or (H, W).  An int asks about one axis; then every other argument is an int too.
    kernel_size, stride, dilation : int or pair of int
        K, S and D, at least 1.
    convention : {"tensorflow", "pytorch", "onnx_upper", "onnx_lower"}
        Who gets the odd pixel, and whether a stride is allowed.

    Returns
    -------
    pair of int, or pair of pairs
        ``(before, after)`` for one axis, ``((top, bottom), (left, right))`` for two; what `conv2d` takes as padding.

    Raises
    ------
    TypeError, ValueError
        If a size is not of these forms, the convention is unknown, or it is PyTorch's and the stride is not 1.

    Notes
    -----
    The dialects side by side, as (before, after), for one axis:

    ============ =========== ============== ==============
    H, K, S, D   ``pytorch`` ``tensorflow`` ``onnx_lower``
    ============ =========== ============== ==============
    7, 3, 1, 1   (1, 1)      (1, 1)         (1, 1)
    7, 2, 1, 1   (0, 1)      (0, 1)         (1, 0)
    7, 2, 1, 3   (1, 2)      (1, 2)         (2, 1)
    7, 3, 2, 1   refused     (1, 1)         (1, 1)
    8, 3, 2, 1   refused     (0, 1)         (1, 0)
    8, 3, 2, 2   refused     (1, 2)         (2, 1)
    8, 2, 3, 1   refused     (0, 0)         (0, 0)
    ============ =========== ============== ==============

    ``onnx_upper`` is ``tensorflow``.  As strings, `conv2d` calls them ``"same"`` (PyTorch), ``"same_upper"`` (ONNX and
    TensorFlow) and ``"same_lower"``.  The row 8, 3, 2, 1 is the trap: PyTorch's ``padding=1`` pads (1, 1) there, which
    gives the same output size from other pixels.

    Sources: TensorFlow's "Notes on padding" (`tf.nn`); ONNX's operator Conv, attribute ``auto_pad``; `torch.nn.Conv2d`.

    Examples
    --------
    >>> same_padding(8, 3, stride=2), same_padding(8, 3, stride=2, convention="onnx_lower")
    ((0, 1), (1, 0))
    >>> same_padding((7, 9), (2, 3), dilation=(1, 2))
    ((0, 1), (2, 2))
    """
    with arguments.adding_context(f"input_size {input_size!r}, kernel_size {kernel_size!r}"):
        axes = _of_each_axis(input_size, kernel_size, stride, dilation)
        sides = [same_sides(size, taps, step, rate, convention) for size, taps, step, rate in axes]
        return (sides[0], sides[1]) if is_sequence(input_size) else sides[0]
