"""Pairwise cover: few rows in which every value of every parameter meets every value of every other.

Most faults need one or two parameters to show (Kuhn, Wallace & Gallo, "Software fault interactions and implications for
software testing", 2004), so that a cover of all pairs finds nearly what all combinations would, in about the product
of the two longest lists of values instead of the product of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Setting = tuple[str, str]  # a parameter and its value


def pairwise_cover(parameters: Mapping[str, Sequence[str]], is_possible: Callable[[Row], bool]) -> list[Row]:
    """Return rows that together hold every pair of values that can stand together.

    Greedy and without chance: each row starts from the first pair still missing, and takes for each other parameter
    the value that brings most missing pairs with it, the one used least so far where several do.

    Parameters
    ----------
    parameters : mapping of str to sequence of str
        The values of each parameter.
    is_possible : callable
        Whether a row, complete or not, is allowed.

    Returns
    -------
    list of dict
        Complete rows, the same at every call.

    Examples
    --------
    Four rows do for three parameters of two values, where all combinations would be eight.

    >>> rows = pairwise_cover({"a": "01", "b": "01", "c": "01"}, lambda row: True)
    >>> [row["a"] + row["b"] + row["c"] for row in rows]
    ['000', '011', '101', '110']
    """
    settings = [[(name, value) for value in values] for name, values in parameters.items()]
    missing = {
        frozenset(pair): None  # a dict, for its order
        for first, second in combinations(settings, 2)
        for pair in ((one, other) for one in first for other in second)
        if is_possible(dict(pair))
    }
    used: dict[Setting, int] = {setting: 0 for values in settings for setting in values}
    rows = []
    while missing:
        row = dict(next(iter(missing)))
        for values in settings:
            if values[0][0] not in row:
                allowed = [setting for setting in values if is_possible({**row, setting[0]: setting[1]})]
                name, value = max(allowed, key=lambda setting: (_gain(setting, row, missing), -used[setting]))
                row[name] = value
        for pair in combinations(row.items(), 2):
            missing.pop(frozenset(pair), None)
        for setting in row.items():
            used[setting] += 1
        rows.append({name: row[name] for name in parameters})
    return rows


def _gain(setting: Setting, row: Row, missing: Mapping[frozenset[Setting], None]) -> int:
    """Return how many missing pairs the setting would make with the row as it stands."""
    return sum(frozenset((setting, other)) in missing for other in row.items())
