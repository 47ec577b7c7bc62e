from __future__ import annotations

import itertools

import pytest

from refconv.testing.battery.cover import Row, cover

SHAPES = {
    "one": {"a": "012"},
    "two": {"a": "012", "b": "xy"},
    "a value that two parameters share": {"a": "01", "b": "01", "c": "012"},
    "one value": {"a": "0", "b": "012", "c": "01"},
    "many": {"a": "0123", "b": "01234", "c": "01", "d": "012", "e": "0", "f": "0123"},
}


def anything(row: Row) -> bool:
    return True


def pairs(row: Row) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}


def all_rows(parameters: dict[str, str]) -> list[Row]:
    return [dict(zip(parameters, values, strict=True)) for values in itertools.product(*parameters.values())]


@pytest.mark.parametrize("parameters", SHAPES.values(), ids=SHAPES)
def test_every_pair_is_there(parameters: dict[str, str]) -> None:
    rows = cover(parameters, anything, 2)
    desired = set().union(*map(pairs, all_rows(parameters)))
    assert set().union(*map(pairs, rows)) == desired
    for row in rows:
        assert list(row) == list(parameters)
        assert all(row[name] in parameters[name] for name in parameters)


def test_two_parameters_need_all_combinations() -> None:
    rows = cover({"a": "012", "b": "xy"}, anything, 2)
    assert sorted(row["a"] + row["b"] for row in rows) == ["0x", "0y", "1x", "1y", "2x", "2y"]


def test_no_row_is_there_twice_or_for_nothing() -> None:
    seen: set[frozenset[tuple[str, str]]] = set()
    for row in cover(SHAPES["many"], anything, 2):
        assert pairs(row) - seen  # each row brings a pair that those before it lack
        seen |= pairs(row)


def test_the_cover_is_small() -> None:
    # 4·5 pairs of the two longest lists need 20 rows; all combinations would be 480
    assert 20 <= len(cover(SHAPES["many"], anything, 2)) <= 26


def test_what_is_not_possible_is_left_out() -> None:
    def possible(row: Row) -> bool:
        return not (row.get("a") == "0" and row.get("b") == "1") and not (row.get("b") == "2" and row.get("c") == "0")

    parameters = {"a": "012", "b": "012", "c": "012"}
    rows = cover(parameters, possible, 2)
    assert all(map(possible, rows))
    desired = set().union(*(pairs(row) for row in all_rows(parameters) if possible(row)))
    assert set().union(*map(pairs, rows)) == desired


def test_the_cover_is_the_same_at_every_call() -> None:
    assert cover(SHAPES["many"], anything, 2) == cover(SHAPES["many"], anything, 2)


def test_the_cover_of_four_switches_worked_out_by_hand() -> None:
    # 0000: the first pair, a0 b0; nothing decides between values, so the first ones
    # 0111: a0 b1 is missing; c1, then d1, bring two and three pairs
    # 1010: a1 b0 is missing; c1 brings two; d0 and d1 bring two each and were used once each: the first
    # 1101: a1 b1 is missing; c0 brings two, d1 two
    # 0001: b0 d1 is missing; nothing else is; a and c were used evenly: the first ones
    # 1110: b1 d0 is missing; a0 and c0 were used more
    rows = cover({"a": "01", "b": "01", "c": "01", "d": "01"}, anything, 2)
    assert ["".join(row.values()) for row in rows] == ["0000", "0111", "1010", "1101", "0001", "1110"]


def test_every_triple_is_there() -> None:
    def possible(row: Row) -> bool:
        return not (row.get("a") == "0" and row.get("b") == "1")

    parameters = {"a": "012", "b": "01", "c": "01", "d": "0123"}
    rows = cover(parameters, possible, 3)
    assert all(map(possible, rows))
    triples = [
        {frozenset(triple) for row in some for triple in itertools.combinations(row.items(), 3)}
        for some in (rows, filter(possible, all_rows(parameters)))
    ]
    assert triples[0] == triples[1]
    assert 24 <= len(rows) < len([row for row in all_rows(parameters) if possible(row)]) == 40


def test_three_switches_taken_three_at_a_time_are_all_combinations() -> None:
    assert len(cover({"a": "01", "b": "01", "c": "01"}, anything, 3)) == 8


def test_four_switches_taken_three_at_a_time_need_half_of_all_combinations() -> None:
    # the rows of even parity hold every triple once, and greed finds them
    rows = ["".join(row.values()) for row in cover({"a": "01", "b": "01", "c": "01", "d": "01"}, anything, 3)]
    assert sorted(rows) == ["0000", "0011", "0101", "0110", "1001", "1010", "1100", "1111"]
