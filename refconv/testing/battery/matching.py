"""Which cases does an expression choose?  pytest's grammar for -k: words joined by and, or, not and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

__all__: list[str] = []

Matcher: TypeAlias = Callable[[str], bool]

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_KEYWORDS: Final = ("and", "or", "not", "(", ")")


@lru_cache
def matcher(expression: str) -> Matcher:
    """Return whether a text matches: where a word of the expression stands in it, that word is true.

    Raises
    ------
    ValueError
        If the expression is none.

    Examples
    --------
    >>> matches = matcher("same and not (f16 or bias)")
    >>> [matches(name) for name in ("psame-d1-f32", "psame-d1-bias-f32", "p0-d1-f32")]
    [True, False, False]
    """
    parser = _Parser(expression)
    matches: Matcher = parser.either() if parser.left else lambda _: True
    if parser.left:
        raise parser.error("and, or, or the end")
    return matches


class _Parser:
    """Read an expression from the left: ``or`` binds less than ``and``, and that less than ``not``."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self.left = _TOKEN.findall(expression)

    def error(self, expected: str) -> ValueError:
        found = repr(self.left[0]) if self.left else "the end"
        return ValueError(f"match={self._expression!r} must have {expected} where it has {found}")

    def _takes(self, token: str) -> bool:
        return bool(self.left and self.left[0] == token and self.left.pop(0))

    def either(self) -> Matcher:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return lambda text: any(part(text) for part in parts)

    def _both(self) -> Matcher:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return lambda text: all(part(text) for part in parts)

    def _one(self) -> Matcher:
        if self._takes("not"):
            negated = self._one()
            return lambda text: not negated(text)
        if self._takes("("):
            inner = self.either()
            if not self._takes(")"):
                raise self.error("')'")
            return inner
        if not self.left or self.left[0] in _KEYWORDS:
            raise self.error("a word")
        word = self.left.pop(0)
        return lambda text: word in text
