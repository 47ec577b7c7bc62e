"""Verify a large result by random sums over its channels and by samples, and look closely at what is not right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from refconv.bounds.arithmetic import Arithmetic
from refconv.bounds.summation import Precision
from refconv.core.blocks import BLOCK, block_at
from refconv.core.sums import Cut
from refconv.geometry.plan import ConvGeometry, Index
from refconv.numbers.formats import Array
from refconv.numbers.parts import Places
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.blocks import Block, MapLike, blocks_of, mapped, moved
from refconv.testing.comparing.compare import compare_by_convention
from refconv.testing.comparing.comparison import Comparison, comparable, compare_elements, joined, reindexed
from refconv.testing.comparing.reference import Standard
from refconv.testing.verification.projection import PART, Part, channels, difference, parts_of, random_weights

__all__ = ["Verification", "verify_result"]

PROJECTIONS: Final = 2
FEWEST: Final = 8  # output channels of a group: of fewer, all are computed
SAMPLES: Final = 64  # random places, of all channels of a group, beside the corners
CLOSELY: Final = 16  # blocks that are computed in full where a projection fails


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    comparison : Comparison
        Of what was computed in full: the samples, and the blocks in which a projection failed; or of everything.
    projections : int
        How many sums over the output channels were looked at, at every pixel; 0 where everything was computed.
    is_exact : bool
        Whether the data are whole numbers, so that nothing is rounded and any error shows.
    worst : float
        The largest error of a projection in units of what random rounding gives.
    failed : tuple of tuple of int
        Where projections fail: for images, rows, columns ... the first and the last.
    is_wrong, suspect : bool
        Whether something is beyond what is proven; whether it is within, and far beyond what random rounding gives.
    is_rounded : bool
        Whether whole numbers are wrong, and right once each is rounded to the nearest: what a transform returns.
    """

    comparison: Comparison
    projections: int = 0
    is_exact: bool = False
    worst: float = 0.0
    failed: tuple[tuple[int, int], ...] = ()
    is_wrong: bool = False
    suspect: bool = False
    is_rounded: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong to a proven bound."""
        return self.comparison.passed and not self.is_wrong

    def __str__(self) -> str:
        """Say what was checked, what would have been seen, and what was found."""
        if not self.projections:
            return f"{self.comparison}\nchecked: every element"
        word = "right" if self.passed and not self.suspect else "suspect" if self.passed else "wrong"
        unit = "" if self.is_exact else f"; the largest error is {self.worst:.2g} × what random rounding gives"
        lines = [f"{word}: {self.projections} random sums over the channels at every pixel{unit}"]
        if self.failed:
            names = (
                ("images", "rows", "columns") if len(self.failed) == 3 else ("images", *"zhw"[-len(self.failed) + 1 :])
            )
            ranges = (f"{name} {low} to {high}" for name, (low, high) in zip(names, self.failed, strict=True))
            lines.append(f"where: {', '.join(ranges)}")
        lines.append(f"in full: {self.comparison}")
        seen = (
            "any one wrong element, certainly" if self.is_exact else "an error of over 4 bounds of a sum in one channel"
        )
        chance = "2^-18" if self.is_exact else "(2·bound/error)²"
        lines.append(f"seen: {seen}; errors in several channels, but for a probability of at most {chance}")
        return "\n".join(lines)


def verify_result(
    actual: object,
    function: Callable[..., Array],
    *arguments: Any,
    rng: int = 0,
    dtype: npt.DTypeLike | None = None,
    accumulate_dtype: npt.DTypeLike | None = None,
    input_dtype: npt.DTypeLike | None = None,
    map: MapLike = map,
    **parameters: Any,
) -> Verification:
    """Verify a large result, at a fraction of what computing it costs.

    Random sums over the output channels of each group are compared at every pixel: see `projection`.  Beside them the
    corners, and random places of every group, are computed in full and held to the ordinary bound; and so are the
    blocks in which a sum fails.  Gradients by the weight and the bias, groups of few channels, complex numbers and
    objects are computed whole.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned, of any framework.
    function : callable
        What it should have computed: one of the family, as in `refconv.error_bound_of`.
    *arguments, **parameters
        What it was given: those of the function, in its own order and by its own names.
    rng : int
        The seed of what is random.
    dtype, accumulate_dtype, input_dtype, map
        As in `compare_result`.

    Returns
    -------
    Verification
        Its ``passed`` is the verdict; ``suspect`` says that the errors are no random rounding.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `compare_result`.

    Examples
    --------
    >>> import numpy as np
    >>> from refconv import conv2d
    >>> x, w = np.ones((1, 2, 9, 9), np.float32), np.ones((16, 2, 3, 3), np.float32)
    >>> y = conv2d(x, w)
    >>> verify_result(y, conv2d, x, w).passed
    True
    >>> y[0, 5, 3, 4] += 1
    >>> found = verify_result(y, conv2d, x, w)
    >>> found.passed, found.failed, found.comparison.worst_index
    (False, ((0, 0), (3, 3), (4, 4)), (0, 5, 3, 4))
    """
    call = Call.of(function, *arguments, read=to_numpy, **parameters)
    how = Arithmetic.of(accumulate_dtype=accumulate_dtype, input_dtype=input_dtype)
    standard = Standard(call.result_dtype(dtype), how, any_integer=dtype is None)
    return verified(actual, call, standard, rng, map)


def verified(actual: object, call: Call, standard: Standard, rng: int = 0, map: MapLike = map) -> Verification:
    """Verify the result of a call; what a standard says beyond types and rounding is for results in full."""
    array = comparable(actual, call.shape, standard.dtype, any_integer=standard.any_integer)
    if isinstance(array, Comparison) or not _is_projected(call, standard.dtype):
        return Verification(compare_by_convention(actual, call, standard, map))
    return _verified(
        array.reshape(call.operation.sum.shape(call.plan)), call, standard, np.random.default_rng(rng), map
    )


def _is_projected(call: Call, result: np.dtype[Any]) -> bool:
    """Whether a sum over channels says more, for less, than the channels themselves."""
    plan, asked = call.plan, call.operation.asked
    if asked == "weight" or {result.kind, *(dtype.kind for dtype in call.dtypes)} & set("cO") or not plan.batch:
        return False
    if call.operation.arithmetic:  # of 8-bit numbers is linear in their differences from zero points
        return False
    each = plan.group_out_channels if asked == "output" else plan.group_in_channels
    if each < FEWEST or result.itemsize > 8:
        return False
    return result.kind not in "biu" or _largest_whole(call) * each * 2**11 < 2**53


def _largest_whole(call: Call) -> float:
    """Return the largest sum of magnitudes of whole numbers; infinite where they are not all whole."""
    sizes = []
    for array in call.operands.values():
        parts = np.array_split(array.reshape(-1), 1 + array.size // BLOCK)  # most data show soon that they are not
        if array.dtype.kind not in "biu" and not all(np.array_equal(part, np.rint(part)) for part in parts):
            return np.inf
        sizes.append(max(max(-float(part.min(initial=0)), float(part.max(initial=0))) for part in parts))
    return call.operation.sum.terms(call.plan) * math.prod(sizes[:2]) + sum(sizes[2:])


class _Found(NamedTuple):
    worst: float  # error, in units of what is likely
    is_odd: bool  # whether any is beyond
    failed: tuple[Array, Array] | None = None  # the first and the last, and
    is_wrong: bool = False  # whether whole numbers fail when they are rounded to the nearest, too


def _verified(array: Array, call: Call, standard: Standard, rng: np.random.Generator, map: MapLike) -> Verification:
    plan, asked = call.plan, call.operation.asked
    each = plan.group_out_channels if asked == "output" else plan.group_in_channels
    is_exact = _largest_whole(call) <= _whole_numbers(standard)
    r = random_weights((PROJECTIONS, plan.groups, each), rng, whole=is_exact)
    precision = Precision.of(np.float64 if standard.dtype.kind in "biuO" else standard.dtype, standard.how)
    look = partial(_found, precision, is_exact, PROJECTIONS * array.size // each)
    comparison, worst, suspect, is_wrong, closely = Comparison(), 0.0, False, False, list[Places]()
    low, high = np.full(array.ndim - 1, np.iinfo(int).max), np.full(array.ndim - 1, -1)
    samples = dict.fromkeys(_samples(plan, array.shape[2:], rng))
    parts = parts_of(array, call, r, precision)
    for part, found in mapped(look, parts, map):
        worst, suspect, is_wrong = max(worst, found.worst), suspect or found.is_odd, is_wrong or found.is_wrong
        if found.failed is None:
            continue
        place: Places = getattr(part.cut, asked)
        starts = np.array([at.start for at in (place[0], *place[2:]) if isinstance(at, slice)])
        low, high = np.minimum(low, starts + found.failed[0]), np.maximum(high, starts + found.failed[1])
        if len(closely) < CLOSELY:
            closely.append(place)
            own = standard._replace(is_exact=is_exact and found.is_wrong)
            comparison = joined(comparison, _compared(array, call, own, channels(part.cut, asked, each)))
    others = (at for at in samples if not any(_is_within(at, place) for place in closely))
    for sample in _stacked(block_at(plan, asked, at[0], at[1], at[2:]) for at in others):
        comparison = joined(comparison, _compared_samples(array, call, standard, sample))
    failures = tuple((int(a), int(b)) for a, b in zip(low, high, strict=True)) if (high >= 0).all() else ()
    is_rounded = is_exact and bool(failures) and not is_wrong
    suspect = suspect or bool(failures)
    return Verification(comparison, PROJECTIONS, is_exact, worst, failures, is_wrong, suspect, is_rounded)


def _whole_numbers(standard: Standard) -> float:
    """Return up to where all whole numbers are numbers of the types in which a kernel works."""
    if standard.dtype.kind in "biuO":
        return np.inf
    precision = Precision.of(standard.dtype, standard.how)
    kinds = (precision.result, precision.accumulator, precision.multiplier)
    return min(1 / kind.unit for kind in kinds if kind is not None)


def _compared(array: Array, call: Call, standard: Standard, cut: Cut) -> Comparison:
    """Compare a block in full; its index has no batch where the result has none."""
    place, part = call.within(cut)
    block = Block(place, part, array[place], axes=slice(0 if call.plan.batched else 1, None))
    return block.placed(compare_elements(block.actual, standard.reference(part)))


def _found(precision: Precision, is_exact: bool, chances: int, part: Part) -> _Found:
    look = partial(difference, precision=precision, whole=is_exact, chances=chances)
    found = look(part)
    with np.errstate(all="ignore"):
        ratio = np.fmax(found.error / found.likely, 0.0)
    worst, is_odd = float(ratio[np.isfinite(ratio)].max(initial=0.0)), bool((ratio > 1).any())
    failing = ~(found.error <= found.allowed)
    if not failing.any():
        return _Found(worst, is_odd)
    at = np.argwhere(failing.any(axis=1))
    is_wrong = not is_exact or bool(look(part._replace(actual=np.rint(part.actual))).error.any())
    return _Found(worst, is_odd, (at.min(axis=0), at.max(axis=0)), is_wrong)


def _samples(plan: ConvGeometry, size: Index, rng: np.random.Generator) -> Iterator[Index]:
    """Yield image, group, and place: the corners and middles of the first and the last, then random ones."""
    batch, groups = plan.batch, plan.groups
    lines = [sorted({0, extent // 2, extent - 1}) for extent in size]
    for place in itertools.product(*lines):
        yield 0, 0, *place
        yield batch - 1, groups - 1, *place
    for i in range(max(SAMPLES, min(batch, 256), min(groups, 256))):
        group = i % groups if i < groups else int(rng.integers(groups))
        yield i % batch, group, *(int(rng.integers(n)) for n in size)


def _is_within(at: Index, place: Places) -> bool:
    """Whether an image, a group and a place lie in a part."""
    return all(isinstance(s, slice) and s.start <= i < s.stop for i, s in zip(at, place, strict=True))


def _stacked(cuts: Iterable[Cut]) -> Iterator[list[Cut]]:
    """Yield cuts of the same plan and weights together, as images of one call, some MiB of them at a time."""
    alike: dict[Any, list[Cut]] = {}
    for cut in cuts:
        alike.setdefault((cut.plan, str(cut.weight), str(cut.input[1]), str(cut.output[1])), []).append(cut)
    for (plan, *_), found in alike.items():
        together = max(1, 4 * PART // max(math.prod(plan.input_shape), math.prod(plan.output_shape), 1))
        for start in range(0, len(found), together):
            yield found[start : start + together]


def _compared_samples(array: Array, call: Call, standard: Standard, cuts: list[Cut]) -> Comparison:
    """Compare samples in full, all in one call."""
    places, calls = zip(*(call.within(cut) for cut in cuts), strict=True)
    factors = {name: np.concatenate([c.operands[name] for c in calls]) for name in call.factors if name != "weight"}
    together = replace(calls[0].with_operands(**factors), part=replace(calls[0].plan, batch=len(cuts)))
    found = Comparison()
    for block in blocks_of(np.concatenate([array[place] for place in places]), together):
        found = joined(found, block.placed(compare_elements(block.actual, standard.reference(block.call))))
    return reindexed(found, lambda index: moved((0, *index[1:]), places[index[0]])[not call.plan.batched :])
