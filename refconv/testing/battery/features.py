"""What may a kernel support, or not?  The features of a case beside its type, and what is said of them beforehand.

``"float32,float16,no-dilation"`` says: of the types these two alone, and all features but dilation;
``"stride,padding,bias"``: all types, and of the features these three alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from refconv.testing.battery.cases import DTYPES, Case
from refconv.testing.battery.names import words_of
from refconv.testing.battery.traits import traits_of

__all__: list[str] = []

# Of each feature, the traits that need it.
FEATURES: Final = {
    "unbatched": r"n none",
    "empty": r"(n|c|size) 0",
    "groups": r"g",
    "bias": r"bias",
    "stride": r"s\d",
    "padding": r"p\d",
    "asymmetric": r"p by side",  # a padding that differs by side
    "valid": r"p valid",
    "same": r"p same",
    "same_upper": r"p same_upper",
    "same_lower": r"p same_lower",
    "dilation": r"d\d",
    "output_padding": r"e\d",
    "output_size": r"h",
    "mixed": r"other .*|bias .+",  # types
    "nonfinite": r"data (nan|inf).*|data overflow",
    "subnormal": r"data subnormal.*",
    "strides": r"layout .*",
    "threads": r"threads",
}
_WORDS: Final = (*DTYPES.values(), *FEATURES)


def features_of(name: str) -> tuple[str, ...]:
    """Return the features that a case needs.

    Examples
    --------
    >>> features_of("n2-c6-o10-g2-7x9-k2x3-s2x1-p1+0x0+0-d1x2-bias-f32-strided")
    ('groups', 'bias', 'stride', 'padding', 'asymmetric', 'dilation', 'strides')
    """
    traits = traits_of(name)
    return tuple(
        feature for feature, needed in FEATURES.items() if any(re.fullmatch(needed, trait) for trait in traits)
    )


def type_of(name: str) -> str:
    """Return the type of a case's arrays: ``"float32"``."""
    return DTYPES[words_of(name)["dtype"] or ""]


def read_supports(said: str | Collection[str] | None) -> tuple[str, ...]:
    """Read what a kernel is said to support: types and features, or features that it lacks, as in ``"no-groups"``."""
    given = said.replace(",", " ").split() if isinstance(said, str) else tuple(said or ())
    for word in given:
        if word.removeprefix("no-") not in (FEATURES if word.startswith("no-") else _WORDS):
            near = get_close_matches(word, (*_WORDS, *(f"no-{feature}" for feature in FEATURES)))
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"supports={word!r} must be one of {', '.join(_WORDS)}, or no- and a feature{hint}")
    return tuple(given)


def unsupported(case: Case, supports: Collection[str]) -> str:
    """Return what a case needs that is not said to be supported; nothing, where all is, or it ought to be refused."""
    if case.rejects:
        return ""
    types, features = ([word for word in supports if word in words] for words in (DTYPES.values(), FEATURES))
    lacks = [type_of(case.id)] if types and type_of(case.id) not in types else []
    lacks += [
        feature
        for feature in features_of(case.id)
        if f"no-{feature}" in supports or (features and feature not in features)
    ]
    return f"not said to be supported: {', '.join(lacks)}" if lacks else ""
