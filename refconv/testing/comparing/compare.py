"""Compare what an implementation returned with the truth: for conv2d, and for any operation of the family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from refconv.bounds.arithmetic import Arithmetic, Words, split
from refconv.bounds.epilogue import NONE
from refconv.bounds.summation import Precision
from refconv.bounds.sums import for_all
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.numbers.formats import Array
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.blocks import Block, MapLike, blocks_of, mapped
from refconv.testing.comparing.comparison import Comparison, comparable, compare_elements, errors, joined
from refconv.testing.comparing.conventions import CONVENTIONS, Judged
from refconv.testing.comparing.reference import Reference, Standard
from refconv.testing.comparing.standards import likeness, surprise_of

__all__ = ["compare_conv2d", "compare_result"]


def compare_conv2d(
    actual: object,
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    dtype: npt.DTypeLike | None = None,
    map: MapLike = map,
    **how: Unpack[Words],
) -> Comparison:
    """Compare a convolution's output with the truth; a mismatch is data, not an exception.

    An element is right if ``|actual − exact|`` is within `error_bound`, which no order of summation exceeds.  Integers
    must be equal, in any integer type that holds them; NaN and infinity must be NaN and infinity.  Where the data are
    finite but a partial sum may overflow, depending on the order, there is no bound, any result is right, and the
    element is counted as exempt; an infinity in a type narrower than the accumulator is right only where the exact
    result and its bound reach the overflow threshold.  What honest implementations do differently, such as skipping
    the taps that read padding, is no mismatch: the comparison names it as its `convention`.  What is within its bound,
    but far outside what random rounding gives, is *suspect*: `surprise` says how far, and `resembles` what it looks
    like.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned: an array of any framework, on any device, with or without a graph.
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        What it was given: the arguments of `refconv.conv2d`; the arrays may be any framework's too.
    dtype : dtype_like, optional
        The type that `actual` should have; by default the result type of input and weight.
    map : callable, optional
        Used as ``map(function, blocks)`` to compare the blocks of the result elsewhere: for instance the ``map`` of a
        Dask client's ``get_executor()``.  It must return what the function does, in order.
    **how
        How the implementation works: ``accumulate_dtype``, ``input_dtype``, ``algorithm``, ``confidence`` and
        ``epilogue``, as in `refconv.error_bound`; and a way out, ``rtol`` and ``atol``, by which
        ``atol + rtol·|truth|`` is allowed everywhere.

    Returns
    -------
    Comparison
        Its ``passed`` is the verdict, its text says what is wrong, and its ``error_in_bounds`` is the headroom.

    Raises
    ------
    TypeError, ValueError
        If the arguments of the convolution are themselves invalid: misuse is not a mismatch.
    OverflowError
        If the exact result of integers is outside the range of its type.

    Notes
    -----
    The result is compared block by block, so that a few MiB beside it and the operands are all that this takes.

    Source of the bound: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. (2002), section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.ones((1, 2, 4, 5), np.float32), np.ones((3, 2, 2, 3), np.float32)
    >>> print(compare_conv2d(np.full((1, 3, 3, 3), 12, np.float32), x, w))
    all 27 elements agree; the worst uses 0 of its bound
    >>> print(compare_conv2d(np.full((1, 3, 4, 5), 12, np.float32), x, w))
    shape (1, 3, 4, 5), where (1, 3, 3, 3) was expected

    A multiplier that rounds to TF32 loses the last bits of a third, which is wrong unless it is said.

    >>> third = np.full((1, 1, 1, 1), 1 / 3, np.float32)
    >>> rounded = np.array(0.33325195, np.float32).reshape(1, 1, 1, 1)
    >>> compare_conv2d(rounded, third, x[:, :1, :1, :1]).passed
    False
    >>> compare_conv2d(rounded, third, x[:, :1, :1, :1], input_dtype="tf32").passed
    True
    """
    call = Call.of(
        conv2d, input, weight, bias, stride, padding, dilation, groups, padding_mode=padding_mode, read=to_numpy
    )
    return _compared(actual, call, dtype, map, how)


def compare_result(
    actual: object,
    function: Callable[..., Array],
    *arguments: Any,
    dtype: npt.DTypeLike | None = None,
    map: MapLike = map,
    **parameters: Any,
) -> Comparison:
    """Compare the output of any operation of the family with the truth, as `compare_conv2d` does for one.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned, of any framework.
    function : callable
        What it should have computed: one of the family, as in `refconv.error_bound_of`.
    *arguments, **parameters
        What it was given: those of the function, in its own order and by its own names; and how it works, as in
        `compare_conv2d`.
    dtype, map
        As in `compare_conv2d`.

    Returns
    -------
    Comparison
        As `compare_conv2d` has it.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `compare_conv2d`, or if `function` is none of the family.

    Examples
    --------
    >>> import numpy as np
    >>> from refconv import conv_transpose2d
    >>> x, w = np.ones((1, 2, 3), np.float32), np.ones((1, 1, 2, 2), np.float32)
    >>> print(compare_result(np.full((1, 3, 4), 4, np.float32), conv_transpose2d, x, w))
    10 of 12 elements wrong; the worst is [0, 0, 0]
    got  4.0
    want 1.0
    error 3, 5.03e+07 × its bound 6e-08
    """
    parameters, how = split(parameters)
    return _compared(actual, Call.of(function, *arguments, read=to_numpy, **parameters), dtype, map, how)


def _compared(actual: object, call: Call, dtype: npt.DTypeLike | None, map: MapLike, words: Words) -> Comparison:
    result, how, chances = call.result_dtype(dtype), Arithmetic.of(**words), 0.0
    how.applied(call.operation)
    if problem := how.epilogue.refuse(result):
        raise ValueError(problem)
    if result.kind not in "biuO":
        chances = for_all(Precision.of(result, how), call).chances
    standard = Standard(result, how, chances, any_integer=dtype is None)
    found = compare_by_convention(actual, call, standard, map)
    if found.obstacle is not None or (found.passed and not found.is_suspect):
        return found
    block = next(block for block in _blocks(to_numpy("the result", actual), call, standard) if _is_odd(standard, block))
    like = likeness(block.actual, block.call, standard.reference(block.call), how)
    return replace(found, resembles=like)


def _is_odd(standard: Standard, block: Block) -> bool:
    comparison = _compare_block(standard, block)
    return comparison.is_suspect or not comparison.passed


def _blocks(array: Array, call: Call, standard: Standard) -> Iterator[Block]:
    """Yield a result in blocks; in one, if an epilogue has numbers for the whole of it."""
    if not standard.how.epilogue.steps:
        return blocks_of(array, call, whole=standard.needs_images)
    return iter([Block((slice(0, None),) * array.ndim, call, array)])


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def compare_by_convention(actual: object, call: Call, standard: Standard, map: MapLike = map) -> Comparison:
    """Compare with the reference block by block, and where that fails with what other conventions make of it."""
    array = comparable(actual, call.shape, standard.dtype, any_integer=standard.any_integer)
    if isinstance(array, Comparison):
        return array
    found, failed = Comparison(), list[Block]()
    for block, comparison in mapped(partial(_compare_block, standard), _blocks(array, call, standard), map):
        found = joined(found, comparison)
        failed += [] if failed or comparison.passed else [block]
    if failed:
        judged = _judged(standard, failed[0])
        for sentence, convention in CONVENTIONS.items():
            other = convention(judged)
            if other is None or not _compare_with(other, standard, failed[0]).passed:
                continue
            parts = mapped(partial(_compare_block, standard, sentence=sentence), _blocks(array, call, standard), map)
            if (agreed := _all_agree(comparison for _, comparison in parts)) is not None:
                return replace(agreed, convention=sentence)
    return found


def _all_agree(comparisons: Iterable[Comparison]) -> Comparison | None:
    """Join comparisons that all pass; None, as soon as one does not."""
    found = Comparison()
    for comparison in comparisons:
        if not comparison.passed:
            return None
        found = joined(found, comparison)
    return found


def _compare_block(standard: Standard, block: Block, sentence: str | None = None) -> Comparison:
    """Compare a block with the reference, or with what a convention makes of that, where it has something to say."""
    reference = standard.reference(block.call)
    if sentence is not None:
        other = CONVENTIONS[sentence](_judged(standard, block))
        return (
            block.placed(compare_elements(block.actual, reference))
            if other is None
            else _compare_with(other, standard, block)
        )
    error = errors(block.actual, reference)
    found = block.placed(compare_elements(block.actual, reference, error))
    if standard.is_exact or not found.passed:
        return found
    return replace(found, surprise=surprise_of(found, error, block.call, reference, standard.how))


def _judged(standard: Standard, block: Block) -> Judged:
    """Return a block as conventions see it: before any epilogue, and with nothing else allowed."""
    plain = standard._replace(how=replace(standard.how, epilogue=NONE, rtol=0.0, atol=0.0))
    return Judged(block.call, plain.how, plain.reference(block.call), block.actual, standard.is_exact)


def _compare_with(other: Reference, standard: Standard, block: Block) -> Comparison:
    """Compare a block with what a convention makes of it."""
    how = standard.how
    reference = other.after(how.applied(block.call.operation).epilogue).within(how)
    return block.placed(compare_elements(block.actual, reference))
