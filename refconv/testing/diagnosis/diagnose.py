"""Which mistake explains a wrong output?  Re-run the reference with one named mistake at a time, and compare.

Only arrays are needed.  A mistake explains an output if it predicts every wrong element, to rounding; one that also
predicts the right elements explains it better than one that holds only in a part.  Where several explain it equally
well, all are named, with the smallest case that would tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.numbers.formats import Array
from refconv.operations import Call
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.reference import Reference
from refconv.testing.diagnosis.apart import separating_case
from refconv.testing.diagnosis.evidence import Evidence, Fit, gather
from refconv.testing.diagnosis.finding import Finding, equals, first_of_each
from refconv.testing.diagnosis.imprecision import lost_precision
from refconv.testing.diagnosis.locate import bare_regions, filled_regions
from refconv.testing.diagnosis.mistake_tables import table_of
from refconv.testing.diagnosis.mistakes import Mistake
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.shapes import shape_findings, type_findings
from refconv.testing.diagnosis.taps import tap_findings

__all__ = ["diagnose", "diagnose_result"]

Search: TypeAlias = Callable[[Evidence], list[Finding]]


def diagnose(
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
) -> list[Finding]:
    """Say why an output is wrong, from the arrays alone.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned.
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        What it was given: the arguments of `refconv.conv2d`.
    dtype : dtype_like, optional
        The type that `actual` should have; by default the result type of input and weight.

    Returns
    -------
    list of Finding
        The causes that explain the output equally well, the likeliest first, each with the others' codes; empty for an
        output that is right, or that nothing explains.

    Raises
    ------
    TypeError, ValueError
        If the arguments of the convolution are themselves invalid, or `actual` holds no numbers.

    Examples
    --------
    A kernel that is flipped, where that of a convolution, as frameworks have it, is not:

    >>> import numpy as np, refconv
    >>> x = np.arange(20.0).reshape(1, 1, 4, 5) ** 2
    >>> w = np.arange(1.0, 7).reshape(1, 1, 2, 3)
    >>> print(refconv.testing.diagnose(refconv.conv2d(x, w[:, :, ::-1, ::-1]), x, w)[0])
    kernel-flipped: the kernel is flipped: this is the true convolution of mathematics (explains 9 of 9 wrong elements)
      should be: tap i reads h = S·p + D·i − T, so the first tap reads the first pixel
    """
    call = Call.of(
        conv2d, input, weight, bias, stride, padding, dilation, groups, padding_mode=padding_mode, read=to_numpy
    )
    return causes_of(actual, call, dtype)


def diagnose_result(
    actual: object,
    function: Callable[..., Array],
    *arguments: Any,
    dtype: npt.DTypeLike | None = None,
    **parameters: Any,
) -> list[Finding]:
    """Say why the output of any operation of the family is wrong, as `diagnose` does for conv2d.

    Parameters
    ----------
    actual : array_like
        What the implementation under test returned.
    function : callable
        What it should have computed: one of the family, as in `refconv.error_bound_of`.
    *arguments, **parameters
        What it was given: those of the function, in its own order and by its own names.
    dtype : dtype_like, optional
        The type that `actual` should have; by default the result type of its factors.

    Returns
    -------
    list of Finding
        As `diagnose` has it.

    Raises
    ------
    TypeError, ValueError
        As in `diagnose`, or if `function` is none of the family.
    """
    return causes_of(actual, Call.of(function, *arguments, read=to_numpy, **parameters), dtype)


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def causes_of(actual: object, call: Call, dtype: npt.DTypeLike | None = None) -> list[Finding]:
    """Return the causes that explain what a call returned equally well."""
    array, right, reference = gather(actual, call, dtype)
    return with_separating_case(first_of_each(explanations(array, right, reference)), right)


@np.errstate(all="ignore")  # a wrong array may hold anything, also a NaN that signals
def whereabouts(actual: object, call: Call, dtype: npt.DTypeLike | None = None) -> str:
    """Return in words where an output of the right shape is wrong; empty where that is everywhere, or in no order."""
    array, right, reference = gather(actual, call, dtype)
    if array.shape != reference.truth.shape:
        return ""
    evidence = Evidence.of(array, right, reference)
    regions = bare_regions(evidence) if evidence.count else []
    return regions[0].sentence if regions else ""


def explanations(
    actual: Array, right: Reading, reference: Reference, searches: Sequence[Search] | None = None
) -> list[Finding]:
    """Return the causes that explain an output equally well: by all searches, or by those given."""
    searches = THOROUGH if searches is None else searches
    if "O" in (reference.dtype.kind, actual.dtype.kind):
        return []  # numbers of any kind at all, for which there is no bound
    if actual.dtype.kind == "c" != reference.dtype.kind:
        words = f"complex numbers come out, of type {actual.dtype}"
        return [Finding("wrong-dtype", words, reading=f"dtype {reference.dtype}")]
    if actual.shape != reference.truth.shape:
        return shape_findings(actual, right, reference, table_of(right).mistakes)
    evidence = Evidence.of(actual, right, reference)
    return first_found(searches, evidence) if evidence.count else type_findings(actual, reference.dtype)


def first_found(searches: Iterable[Search], evidence: Evidence) -> list[Finding]:
    """Return what the first search that finds anything finds."""
    return next((found for search in searches if (found := search(evidence))), [])


def uniform(evidence: Evidence) -> list[Finding]:
    """Say that one thing stands all over the output, NaN, zero or the bias alone, and what else would leave it so."""
    found = filled_regions(evidence)
    if not {f"all-{content}" for content in ("zero", "bias-alone", "nan", "infinite")} & {each.code for each in found}:
        return []
    return equals([*found, *named_alone(evidence)], evidence.count)


def named(evidence: Evidence, mistakes: Sequence[Mistake], least: Fit = Fit.WHOLE) -> list[Finding]:
    """Return the mistakes that predict the whole output, or at least its wrong elements."""
    fitting = (mistake for mistake in mistakes if fit_of(evidence, mistake) >= least)
    found = (Finding(mistake.code, mistake.sentence, reading=mistake.should) for mistake in fitting)
    return equals(found, evidence.count)


def fit_of(evidence: Evidence, mistake: Mistake) -> Fit:
    """Say how far a mistake predicts an output; one that changes nothing here predicts nothing."""
    if mistake not in evidence.tried:
        reading = mistake.made(evidence.right)
        says_something = reading is not evidence.right and reading.shape == evidence.right.shape
        evidence.tried[mistake] = evidence.fits(reading) if says_something else Fit.NONE
    return evidence.tried[mistake]


def named_alone(evidence: Evidence) -> list[Finding]:
    """Return the mistakes of the table that predict the whole output, each by itself."""
    return named(evidence, table_of(evidence.right).mistakes)


def named_in_pairs(evidence: Evidence) -> list[Finding]:
    """Return the pairs of common mistakes that predict the whole output."""
    return named(evidence, table_of(evidence.right).pairs)


def named_in_part(evidence: Evidence) -> list[Finding]:
    """Return the mistakes that predict the wrong elements, where the others are right."""
    regions = bare_regions(evidence)
    where = f"; {regions[0].sentence}" if regions else "; it is wrong in a part of the output"
    found = named(evidence, table_of(evidence.right).mistakes, Fit.PART)
    return [replace(finding, sentence=finding.sentence + where, is_partial=True) for finding in found]


def with_separating_case(findings: list[Finding], right: Reading) -> list[Finding]:
    """Add the smallest case that tells the findings apart, where there are several and they are mistakes."""
    known = table_of(right).by_code
    mistakes = [known[finding.code] for finding in findings if finding.code in known]
    if len(mistakes) < 2:
        return findings
    case = separating_case(right, mistakes)
    return [replace(finding, separating_case=case) for finding in findings]


# From what leaves no doubt to what only describes: the first that finds anything is believed.
SEARCHES: Final[tuple[Search, ...]] = (
    uniform,
    named_alone,
    filled_regions,
    named_in_pairs,
    named_in_part,
    lost_precision,
    bare_regions,
)
UNSEARCHED: Final[tuple[Search, ...]] = (filled_regions, lost_precision, bare_regions)  # without the tables
THOROUGH: Final = (*SEARCHES[:-1], tap_findings, bare_regions)  # where no target can be asked which taps it reads
