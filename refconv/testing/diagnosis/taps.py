"""Where no named mistake explains an output: which taps are missing, counted twice, or read the wrong pixel?

The output is a sum of what each tap contributes, ``Σ_c weight[o, c, i, j]·input[n, c, h, w]``.  Each class of outputs,
those whose windows lie inside the image and those that touch the padding, is solved for how often it counts each tap,
and then for how often it counts each tap at each pixel near the right one: whole numbers, if taps are what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.diagnosis.directions import Convolution
from refconv.testing.diagnosis.evidence import Evidence
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.locate import touches_padding
from refconv.testing.diagnosis.reading import Places, Reading, spread

OUTPUTS: Final = 600  # of each class that are solved for
WHOLE: Final = 1e-3  # how near to a whole number a count must come
ROUNDED: Final = 2.0**-20  # of all that goes into an output: eight roundings of float32, whatever the type is
NAMED: Final = 4  # taps that a sentence names

Tap = tuple[int, ...]
Shift = tuple[int, ...]


def tap_findings(evidence: Evidence) -> list[Finding]:
    """Express the error as taps that are missing, extra or shifted; nothing where it cannot be, or for an adjoint."""
    if not isinstance(evidence.right, Convolution):
        return []
    touching = touches_padding(evidence.right)
    parts = []
    for name, inside in (("where the window lies inside the image", ~touching), ("at the border", touching)):
        here = evidence.wrong & inside
        if here.any():
            wrong_taps = _solved(evidence, inside)
            if not wrong_taps:
                return []
            parts.append(f"{name}, {_said(wrong_taps)}")
    code = "taps-shifted" if any("reads" in part for part in parts) else "taps-miscounted"
    should = "each tap (i, j) counts once, at h = S·p + D·i − T and w = S·q + D·j − L"
    return [Finding(code, "; ".join(parts), evidence.count, evidence.count, should)]


def _solved(evidence: Evidence, inside: Array) -> dict[tuple[Tap, Shift], int]:
    """Return how often each tap is counted at each shift, where that is not as it should be."""
    places = spread(np.nonzero(np.broadcast_to(inside, evidence.wrong.shape)), OUTPUTS)
    for reach in (0, 1, 2):
        unknowns = [
            (tap, shift)
            for shift in _shifts(reach, evidence.right.rank)
            for tap in np.ndindex(evidence.right.weight.shape[2:])
        ]
        if 2 * len(unknowns) > len(places[0]):
            return {}
        counts = _counts(evidence, places, unknowns)
        if counts is not None:
            return {
                unknown: count
                for unknown, count in zip(unknowns, counts, strict=True)
                if count != (0 if any(unknown[1]) else 1)
            }
    return {}


def _shifts(reach: int, rank: int) -> Iterator[Shift]:
    steps = range(-reach, reach + 1)
    yield from sorted(product(steps, repeat=rank), key=lambda shift: (sum(map(abs, shift)), shift))


def _counts(evidence: Evidence, places: Places, unknowns: list[tuple[Tap, Shift]]) -> list[int] | None:
    """Return the whole numbers that explain what stands at the places, or None where none do."""
    contributions = np.stack([_contribution(evidence.right, places, *unknown) for unknown in unknowns], axis=1)
    n, o, *_ = places
    wanted = evidence.actual[places].astype(evidence.truth.dtype) - evidence.right.bias[n, o]
    if not (np.isfinite(contributions).all() and np.isfinite(wanted).all()):
        return None
    double = np.complex128 if wanted.dtype.kind == "c" else np.float64  # in which lstsq solves
    solution = np.linalg.lstsq(contributions.astype(double), wanted.astype(double), rcond=None)[0]
    counts = np.rint(solution.real)
    used = np.abs(contributions).max(axis=0) > 0
    as_it_should_be = np.array([not any(shift) for _, shift in unknowns], float)
    counts = np.where(used, counts, as_it_should_be)
    left = np.abs(contributions @ counts - wanted)
    is_whole = (np.abs(solution - counts)[used] < WHOLE).all()
    size = np.abs(contributions).sum(axis=1) + np.abs(wanted)
    is_exact = (left <= ROUNDED * size + evidence.bound[places]).all()
    return [int(count) for count in counts] if is_whole and is_exact else None


def _contribution(right: Reading, places: Places, tap: Tap, shift: Shift) -> Array:
    """Return what one tap adds to some outputs if it reads the pixel so far off its own."""
    alone, there = np.zeros_like(right.weight), np.zeros(right.weight.shape[2:], bool)
    there[tap] = True
    alone[:, :, there] = right.weight[:, :, there]
    axes = tuple(
        replace(axis, padding=(axis.padding[0] - step, axis.padding[1] + step))
        for axis, step in zip(right.axes, shift, strict=True)
    )
    return replace(right, weight=alone, bias=np.zeros_like(right.bias), axes=axes).values(places)


def _said(wrong_taps: dict[tuple[Tap, Shift], int]) -> str:
    """Put the taps into words."""
    words = [_tap_said(tap, shift, count) for (tap, shift), count in wrong_taps.items()]
    rest = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + rest


def _tap_said(tap: Tap, shift: Shift, count: int) -> str:
    if any(shift):
        times = "" if count == 1 else f", counted {count} times"
        named = zip(shift, ("planes", "rows", "columns")[-len(shift) :], strict=True)
        steps = " and ".join(f"{step:+d} {many}" for step, many in named)
        return f"tap {tap} reads the pixel {steps} off its own{times}"
    return f"tap {tap} is missing" if count == 0 else f"tap {tap} counts {count} times"
