"""Is a wrong output only imprecise: sums kept in a narrow type?"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from refconv.testing.evidence import Evidence
from refconv.testing.finding import Finding
from refconv.testing.locate import bare_regions
from refconv.testing.reading import Reading

NARROW: Final = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # u, by type
LIKELY: Final = 6.0  # standard deviations that random rounding errors may be out
WIDESPREAD: Final = 0.05  # of all elements: rounding spares no region
CONVINCING: Final = 0.25  # of Σ|x||w|: errors that large could be anything


def lost_precision(evidence: Evidence) -> list[Finding]:
    """Name the widest narrow type in which the sums may have been kept.

    n random roundings of relative size u add up to about ``√n·u·Σ|x||w|`` (Higham & Mary 2019); a logic error moves
    whole products, and so is larger, unless n·u is.
    """
    if evidence.count < WIDESPREAD * evidence.wrong.size or bare_regions(evidence):
        return []
    magnitudes = _magnitudes(evidence.right).values(evidence.places)
    with np.errstate(all="ignore"):
        error = np.abs(evidence.actual.astype(evidence.truth.dtype) - evidence.truth)[evidence.wrong]
    terms = evidence.right.products + 1
    for name, unit in NARROW.items():
        share = LIKELY * terms**0.5 * unit
        if unit > np.finfo(evidence.truth.dtype).eps and share <= CONVINCING and (error <= share * magnitudes).all():
            sentence = f"the errors are no larger than those of sums kept in {name}"
            should = "accumulate in float32 or wider, and round once"
            return [Finding(f"accumulated-in-{name}", sentence, evidence.count, evidence.count, should)]
    return []


def _magnitudes(reading: Reading) -> Reading:
    """Return the reading whose outputs are ``Σ|x||w| + |b|``."""
    return replace(reading.with_factors(np.abs), bias=np.abs(reading.bias))
