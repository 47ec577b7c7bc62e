from __future__ import annotations

import re

import pytest

from refconv.testing import cases
from refconv.testing.battery.matching import matcher


@pytest.mark.parametrize(
    ("expression", "matching"),
    [
        ("", {"a", "b", "ab", "c"}),
        ("a", {"a", "ab"}),
        ("a and b", {"ab"}),
        ("a or b", {"a", "b", "ab"}),
        ("not a", {"b", "c"}),
        ("not not a", {"a", "ab"}),
        ("c or a and b", {"c", "ab"}),  # or binds least
        ("(c or a) and b", {"ab"}),
        ("not a and b", {"b"}),  # and not most
        ("not (a and b)", {"a", "b", "c"}),
        ("a and not (b or c)", {"a"}),
        ("((a))or c", {"a", "ab", "c"}),
        ("a or b or c", {"a", "b", "ab", "c"}),
        ("a and b and c", set()),
    ],
)
def test_expressions(expression: str, matching: set[str]) -> None:
    assert {text for text in ("a", "b", "ab", "c") if matcher(expression)(text)} == matching


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a b", "match='a b' must have and, or, or the end where it has 'b'"),
        ("a)", "match='a)' must have and, or, or the end where it has ')'"),
        ("(a or b", "match='(a or b' must have ')' where it has the end"),
        ("a and", "match='a and' must have a word where it has the end"),
        ("or a", "match='or a' must have a word where it has 'or'"),
        ("()", "match='()' must have a word where it has ')'"),
        ("not", "match='not' must have a word where it has the end"),
    ],
)
def test_an_expression_that_makes_no_sense(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        cases("smoke", match=expression)


def test_words_stand_in_the_name_or_in_the_family() -> None:
    found = cases(match="memory and f64 and not strided")
    assert {case.family for case in found} == {"memory"}
    assert found == [case for case in cases(match="memory") if case.dtype == "f64" and "strided" not in case.id]
