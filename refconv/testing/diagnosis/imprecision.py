"""Is a wrong output only imprecise: sums kept in a narrow type?"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from refconv.numbers.formats import float_info
from refconv.testing.comparing.standards import NEARLY, are_numbers_of
from refconv.testing.diagnosis.evidence import Evidence
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.locate import bare_regions
from refconv.testing.diagnosis.reading import Reading, is_floating

NARROW: Final = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # u, by type
TYPICAL: Final = 1.0  # times what is expected, that such errors may be in the root mean square; measured, 0.2 to 0.6
EXTREME: Final = 4.0  # and that a single one may be; measured, 2.0
WIDESPREAD: Final = 0.05  # of all elements: rounding spares no region


def lost_precision(evidence: Evidence) -> list[Finding]:
    """Name the widest narrow type in which the sums may have been kept.

    Each addition rounds the sum as it stands.  That of n products of both signs wanders off by about ``√k`` of them by
    the k-th, so that all errors together come to about ``u·Σ|x||w|/2``; where they have one sign, or the result is
    large, to about ``√n·u·|result|``.  A logic error moves whole products, which is more, unless n is large; but a sum
    that was kept in a type is a number of that type.
    """
    if not is_floating(evidence.dtype) or evidence.count < WIDESPREAD * evidence.wrong.size or bare_regions(evidence):
        return []
    magnitudes = _magnitudes(evidence.right).values(evidence.places)
    truth = evidence.truth[evidence.wrong]
    with np.errstate(all="ignore"):
        error = np.abs(evidence.actual[evidence.wrong].astype(truth.dtype) - truth)
        expected = 0.5 * magnitudes + (evidence.right.products + 1) ** 0.5 * np.abs(truth)
        ratio = error / expected
    for name, unit in NARROW.items():
        is_likely = np.sqrt(np.mean(ratio**2)) <= TYPICAL * unit and (ratio <= EXTREME * unit).all()
        if is_likely and _are_numbers_of(name, evidence):
            sentence = f"the errors are no larger than those of sums kept in {name}"
            should = "accumulate in float32 or wider, and round once"
            return [Finding(f"accumulated-in-{name}", sentence, evidence.count, evidence.count, should)]
    return []


def _are_numbers_of(name: str, evidence: Evidence) -> bool:
    """Whether the results, without the bias, which may be added in a wider type, are nearly all numbers of a type."""
    if evidence.truth.dtype.kind == "c":
        return True
    actual = evidence.actual.astype(np.float64)
    with np.errstate(all="ignore"):
        sums = actual - evidence.bias
        size = np.maximum(np.abs(actual), np.abs(sums))
    return bool(np.mean(are_numbers_of(float_info(name), sums, size)) >= NEARLY)


def _magnitudes(reading: Reading) -> Reading:
    """Return the reading whose elements are ``Σ|x||w| + |b|``."""
    return replace(reading.with_factors(np.abs), bias=np.abs(reading.bias))
