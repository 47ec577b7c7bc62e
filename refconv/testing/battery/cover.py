"""Covers: few rows in which any two (or three) parameters meet in every combination of their values.

Most faults need one or two parameters to show, nearly all at most three (Kuhn, Wallace & Gallo, "Software fault
interactions and implications for software testing", 2004), so that a cover of all pairs finds nearly what all
combinations would, in about the product of the two longest lists of values instead of the product of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product

Row = dict[str, str]
Setting = tuple[str, str]  # a parameter and its value


def cover(parameters: Mapping[str, Sequence[str]], is_possible: Callable[[Row], bool], strength: int) -> list[Row]:
    """Return rows that together hold every combination, of `strength` parameters, that can stand together.

    Greedy and without chance: each row starts from the first combination still missing, and takes for each other
    parameter the value that completes most missing ones, the one used least so far where several do.

    Parameters
    ----------
    parameters : mapping of str to sequence of str
        The values of each parameter.
    is_possible : callable
        Whether a row, complete or not, is allowed.
    strength : int
        2 for all pairs, 3 for all triples.

    Returns
    -------
    list of dict
        Complete rows, the same at every call.

    Examples
    --------
    Four rows do for three parameters of two values, where all combinations would be eight.

    >>> rows = cover({"a": "01", "b": "01", "c": "01"}, lambda row: True, strength=2)
    >>> [row["a"] + row["b"] + row["c"] for row in rows]
    ['000', '011', '101', '110']
    """
    settings = [[(name, value) for value in values] for name, values in parameters.items()]
    missing = {
        frozenset(combination): None  # a dict, for its order
        for chosen in combinations(settings, strength)
        for combination in product(*chosen)
        if is_possible(dict(combination))
    }
    used: dict[Setting, int] = {setting: 0 for values in settings for setting in values}
    rows = []
    while missing:
        row = dict(next(iter(missing)))
        for values in settings:
            if values[0][0] not in row:
                allowed = [setting for setting in values if is_possible({**row, setting[0]: setting[1]})]
                name, value = max(allowed, key=lambda setting: (_gain(setting, row, strength, missing), -used[setting]))
                row[name] = value
        for combination in combinations(row.items(), strength):
            missing.pop(frozenset(combination), None)
        for setting in row.items():
            used[setting] += 1
        rows.append({name: row[name] for name in parameters})
    return rows


def _gain(setting: Setting, row: Row, strength: int, missing: Mapping[frozenset[Setting], None]) -> int:
    """Return how many missing combinations the setting would complete in the row as it stands."""
    return sum(frozenset((setting, *others)) in missing for others in combinations(row.items(), strength - 1))
