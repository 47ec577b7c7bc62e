"""Run the battery over a target: `check` gives a `Report`.

A target is judged from outside.  Whatever it does with one case (raise, hang, end its process, return garbage) is that
case's result, and the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Unpack

from refconv.geometry.arguments import as_int
from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import chosen_cases, is_chosen
from refconv.testing.fuzz import fuzz as fuzz_cases
from refconv.testing.interface import Interface, Manner
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.places import MapLike, name_of, open_place
from refconv.testing.reporting.inquiry import inquire, judged
from refconv.testing.reporting.report import Report
from refconv.testing.targets import Target, check_signature

__all__ = ["check"]


def check(
    target: str | Target,
    tier: str = "core",
    workers: int = 1,
    *,
    op: str = "conv2d",
    match: str = "",
    dtype: str | Collection[str] | None = None,
    cases: Sequence[str | Case] = (),
    refusals: bool = False,
    time_limit: float | None = 20.0,
    fuzz: int = 0,
    rng: int = 0,
    map: MapLike | None = None,
    on_result: Callable[[CaseResult], object] | None = None,
    strict: bool = False,
    scale: int = 1,
    **how: Unpack[Manner],
) -> Report:
    """Judge a convolution, or another operation of the family, by the battery.

    Parameters
    ----------
    target : str or callable
        A name (``"torch"``, ``"package.module:function"``, ``"path/to/file.py:function"``) is loaded in a process of
        its own, which is started again if a case ends it.  A callable with one worker runs in threads of this process:
        a case that hangs fails, but one that crashes takes this process with it.
    tier : {"core", "smoke", "full", "networks", "kernelbench", "gpumode"}
        Which cases: see `refconv.testing.cases`.
    workers : int
        Processes among which the cases are shared; more than one needs a target that they can import.
    op : {"conv2d", "conv1d", "conv3d", "conv_transpose2d", "conv2d_input", "conv2d_weight"}
        What the target computes; it has the positional signature of refconv's own function of that name.  Of a
        framework, for a gradient, that is its automatic differentiation.
    match : str
        Only the cases in whose id or family this word stands; or words, as in ``"same and not f16"``.
    dtype : str or collection of str, optional
        Only the cases of this type, or these, such as ``"float32"``: see `refconv.testing.cases`.
    cases : sequence of str or Case, optional
        These cases, or those of these names, in place of the tier's: in the battery or not.
    refusals : bool
        Whether, last of all, arguments are run that ought to be refused.  A kernel that is undefined there is right:
        what it accepts, dies of or hangs at is listed, and fails no run.
    time_limit : float or None
        Seconds after which a case has failed; after ten in a row, all that are left have.  None, for a callable with
        one worker: no limit, and no other thread than the calling one, for a debugger.
    fuzz : int
        After those, random cases, drawn until the target has computed so many.  What it refuses is learned, and not
        drawn again.  What fails is made as small as it can be while it fails for the same cause, and each cause is
        reported once, by its smallest case; the run goes on.
    rng : int
        The seed of the random cases: the same one draws the same cases for the same target, on every machine.
    map : callable, optional
        Used as ``map(function, cases)`` to run the cases elsewhere, in place of `workers`: for instance the ``map`` of
        a Dask client's ``get_executor()``, or of an `MPIPoolExecutor`.  It must return the results in order.  The
        target, and refconv, must be importable there; a target given by name has a process of its own there, too.
    on_result : callable, optional
        Called with each CaseResult, in order, as it comes.
    strict : bool
        Whether a result that is suspect, far outside what random rounding gives and yet within its proven bound, fails
        the run.
    scale : int
        By how much smaller the batch and each axis of the images are than the tier has them.
    **how
        How the target works, in the words of `refconv.error_bound`: ``accumulate_dtype``, ``input_dtype``,
        ``algorithm``, ``confidence`` and ``epilogue``; where Winograd's algorithm does not apply, a case is direct.  A
        way out of every bound is ``rtol`` and ``atol``.  With an epilogue of steps, such as ``"scale+residual+relu"``,
        the target gets their numbers by name beside its arguments: ``scale`` and ``shift``, (O,), and ``residual``, of
        the shape of the result.  And how it wants to be called: ``arrays`` (``"numpy"``, ``"torch"`` or ``"jax"``:
        contiguous, unless ``strides``) on a ``device``, with the axes of images in the order of ``layout``, such as
        ``"NHWC"``, and of weights in that of ``weight_layout``, such as ``"HWIO"``.  What it ``supports``, types and
        features as in ``"float32,no-dilation"``, is what it is asked; the rest is unsupported.

    Returns
    -------
    Report
        Its ``passed`` is the verdict, and its text names each failed case.

    Raises
    ------
    TargetError
        If the target cannot be loaded.
    TypeError, ValueError
        If an argument is invalid, no case is left to run, or `map` returns something else than the results in order.

    Examples
    --------
    A kernel that takes a symmetric padding for granted:

    >>> import numpy as np, refconv
    >>> def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ...     if isinstance(padding, tuple) and isinstance(padding[0], tuple):
    ...         padding = tuple(before for before, after in padding)
    ...     return refconv.conv2d(input, weight, bias, stride, padding, dilation, groups)
    >>> report = check(kernel, "smoke", match="k3")
    >>> print(report.failures[0])
    n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32: failed
      shape (1, 3, 5, 5), where (1, 3, 4, 6) was expected
      cause: the padding before the first pixel is used after the last one as well, and the output is sized by that

    A gradient, of which refconv's own is right:

    >>> print(check("refconv", "smoke", op="conv2d_weight"))
    refconv --op conv2d_weight: right (20 passed, 0 failed)

    A kernel that takes the maximum with 0, of which that is said:

    >>> def rectified(*arguments):
    ...     return np.maximum(refconv.conv2d(*arguments), 0)
    >>> check(rectified, "smoke", match="f32", epilogue="relu").headline()
    'RIGHT as a kernel with relu in all 19 cases'

    One that wants its channels last, and takes no groups:

    >>> def channels_last(input, weight, bias, stride, padding, dilation, groups):
    ...     images = np.moveaxis(input, -1, -3)
    ...     return np.moveaxis(refconv.conv2d(images, weight, bias, stride, padding, dilation), -3, -1)
    >>> check(channels_last, "smoke", match="f32", layout="NHWC", supports="no-groups").headline()
    'RIGHT in the 14 of 19 cases that it supports'
    """
    if not (isinstance(target, str) or callable(target)):
        raise TypeError(f"target={target!r} must be a name or a callable, not {type(target).__name__}")
    workers = as_int("workers", workers, minimum=1)
    fuzz, rng = as_int("fuzz", fuzz, minimum=0), as_int("rng", rng, minimum=0)
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit={time_limit} must be more than 0 seconds")
    chosen = chosen_cases(tier, op, match, dtype, refusals=refusals, named=cases, scale=scale)
    interface, arithmetic = Interface.of(target, op, **how)
    if callable(target):
        check_signature(name_of(target), target, op, arithmetic.epilogue.steps)
    results: list[CaseResult] = []

    def show(result: CaseResult) -> None:
        results.append(result)
        if on_result is not None:
            on_result(result)

    with open_place(target, op, len(chosen), workers, time_limit, map, arithmetic, interface) as run:
        for result in judged([case for case in chosen if not case.rejects], run):
            show(result)
        if fuzz:
            wanted = partial(is_chosen, match=match, dtype=dtype)
            fuzz_cases(lambda case: next(run([case])), op, fuzz, rng, wanted, show)
        looked_at, experiments = inquire(results, run)
        results.clear()
        for result in run([case for case in chosen if case.rejects]):  # last: memory may be damaged by them
            show(result)
    found = (*looked_at, *results)
    named = "" if cases else tier if scale == 1 else f"{tier}, scale {scale}"
    return Report(name_of(target), named, found, op, experiments, arithmetic, strict, interface)
