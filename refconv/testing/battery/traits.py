"""What there is to a case beyond the plainest: a trait for each word of its name that is not the plainest there is.

What a target refuses, and what a defect needs to show itself, is said in traits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.operations import OPERATIONS
from refconv.testing.battery.names import numbers_of, numbers_text, words_of

__all__: list[str] = []

Words: TypeAlias = Mapping[str, str | None]

_PLAIN: Final = {"k": 1, "s": 1, "d": 1, "p": 0, "e": 0}  # of the numbers along each axis
_TOGETHER: Final = {"g": ("c", "o", "g"), "of": ("layout", "of"), "size": ("size", "k", "p", "d")}


def traits_of(name: str) -> frozenset[str]:
    """Return the traits of a case.

    Examples
    --------
    >>> sorted(traits_of("n2-c6-o10-g2-7x9-k3-s2x1-p1+0x0+0-d1-bias-f16-strided"))
    ['bias', 'c', 'dtype f16', 'g', 'k0', 'k1', 'layout strided', 'n', 'o', 'p by side', 'p0', 's0']
    >>> sorted(traits_of("c1-o1-g1-1x0-k1-s1-psame_upper-d1-f32"))
    ['n none', 'p same_upper', 'size 0']
    """
    words = words_of(name)
    found = {letter for letter in "ncog" if words[letter] not in (None, "0", "1")}
    found |= {f"n {words['n'] or 'none'}"} if words["n"] in (None, "0") else set()
    found |= {"size 0"} if "0" in str(words["size"]).split("x") else set()
    found |= {"c 0"} if words["c"] == "0" else set()
    found |= {f"p {words['p']}"} if words["p"] in PADDING_STRINGS else set()
    found |= {"p by side"} if "+" in str(words["p"]) else set()
    for letter, plain in _PLAIN.items():
        found |= {f"{letter}{axis}" for axis, number in enumerate(_largest(words, letter)) if number > plain}
    found |= {word for word in ("h", "bias", "threads") if words[word] is not None}
    found |= {f"{word} {words[word]}" for word in ("dtype", "bias", "other", "data", "layout", "of") if words[word]}
    return frozenset(found - {"dtype f32"})


def with_trait(words: Words, trait: str, other: Words) -> Words:
    """Return the words of one name with this trait of another, and with its size."""
    word = trait.partition(" ")[0]
    if not word[-1].isdigit():
        return {**words, "size": other["size"], **{name: other[name] for name in _TOGETHER.get(word, (word,))}}
    letter, axis = word[0], int(word[1:])
    numbers = [_PLAIN[letter]] * _rank(words)
    numbers[axis] = _largest(other, letter)[axis]
    return {**words, "size": other["size"], letter: numbers_text(*numbers)}


def _rank(words: Words) -> int:
    return OPERATIONS[words["op"] or "conv2d"].space.rank


def _largest(words: Words, letter: str) -> tuple[int, ...]:
    """Return a number for each axis: of a padding, that of the larger side; none, where it is a string."""
    text = words[letter] or "0"
    numbers = numbers_of(text, _rank(words))
    return tuple(map(max, zip(numbers[::2], numbers[1::2], strict=True))) if "+" in text else numbers
