"""Which types and features was a target run with, and which did it refuse?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from refconv.testing.battery.cases import DTYPES
from refconv.testing.battery.features import FEATURES, features_of, type_of
from refconv.testing.battery.names import words_of
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome

__all__: list[str] = []

PLAIN = "plain"  # the row of cases that need none of the features
Matrix: TypeAlias = dict[str, dict[str, tuple[int, int]]]


def matrix_of(results: Iterable[CaseResult]) -> Matrix:
    """Return how many cases were run and refused, by feature and type: those that there are, in their order.

    Examples
    --------
    >>> from refconv.testing import check
    >>> matrix_of(check("refconv", "smoke", match="k1 or pvalid", supports="no-stride").results)
    {'plain': {'float32': (1, 0)}, 'bias': {'float32': (0, 2)}, 'stride': {'float32': (0, 2)},
     'valid': {'float32': (0, 1)}}
    """
    rows = (PLAIN, *FEATURES)
    counts = {row: {dtype: [0, 0] for dtype in DTYPES.values()} for row in rows}
    for result in results:
        if words_of(result.id):  # not so of what ought to be refused
            for row in features_of(result.id) or (PLAIN,):
                counts[row][type_of(result.id)][result.outcome == Outcome.UNSUPPORTED] += 1
    columns = [dtype for dtype in DTYPES.values() if any(sum(counts[row][dtype]) for row in rows)]
    return {
        row: {dtype: (counts[row][dtype][0], counts[row][dtype][1]) for dtype in columns}
        for row in rows
        if any(map(sum, counts[row].values()))
    }


def as_table(matrix: Matrix) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows in words: of the cases of a cell, all were run, none, or so many of so many."""
    short = {name: word for word, name in DTYPES.items()}
    columns = list(next(iter(matrix.values()), {}))
    rows = [
        [row.replace("output_", "output "), *(_cell(*cells[dtype]) for dtype in columns)]
        for row, cells in matrix.items()
    ]
    return ["run of", *(short[dtype] for dtype in columns)], rows


def _cell(run: int, refused: int) -> str:
    if not run + refused:
        return ""
    return "all" if not refused else "none" if not run else f"{run}/{run + refused}"
