"""Only where?  The simplest condition on a case's parameters that all failing cases meet, and no passing one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_

from refconv.testing.battery.cases import Case
from refconv.testing.reporting.vocabulary import GEOMETRIC, OF_TILES, TESTS, Plan, Test, thresholds

__all__: list[str] = []

BEST = 40  # of two parts, or more, that a further one is joined to
MOST_PARTS = 5  # of more, nobody sees what they have in common
EXCEPTIONS = 0.2  # for each failing case: more passing ones may not meet a condition that is to be of any use


@dataclass(frozen=True, slots=True)
class Condition:
    """What all failing cases have in common, in words, and how many passing cases have it, too."""

    tests: dict[str, Test]  # what must be true, all of it, in words and as a function of a plan
    passing: int = 0  # how many passing cases meet it, of those in which the cause would show

    @property
    def text(self) -> str:
        """The words: ``"groups > 1 and stride > 1"``."""
        return " and ".join(self.tests)

    def __call__(self, plan: Plan) -> bool:
        """Whether a case meets it."""
        return all(test(plan) for test in self.tests.values())

    def __str__(self) -> str:
        exceptions = {0: "", 1: " (1 such case passes)"}.get(self.passing, f" ({self.passing} such cases pass)")
        return f"only where {self.text}{exceptions}"


def only_where(
    failing: Sequence[Case],
    passing: Sequence[Case],
    hint: str,
    refuting: Sequence[Case] = (),
    inert: Sequence[Case] = (),
) -> Condition | None:
    """Return the simplest condition that is true of all failing cases and of no passing one, or else of few.

    Of `refuting`, passing cases that were drawn to test it, it is true of none.  Of conditions equally simple, that one
    is taken which speaks of the same things as `hint`, the cause's code and numbers in its words, and is true of the
    fewest `inert` cases: those that pass whatever the condition, since the cause changes nothing in them.  Where no
    others pass, there is nothing to measure a number by, and a condition is on the geometry, or on what the cause
    speaks of.

    Examples
    --------
    >>> from refconv.testing import find_case
    >>> plain, tall, wide = (find_case(f"n1-c1-o1-g1-9x8-k3-s1-p0-{d}-f32") for d in ("d1", "d2x1", "d1x2"))
    >>> print(only_where([wide], [plain, tall], "dilation-ignored-along-width"))
    only where dilation_w > 1
    >>> print(only_where([tall, wide], [plain], "dilation-ignored"))
    only where dilation > 1
    """
    if not failing or not (passing or inert):
        return None
    failures, passes, hard, idle = ([Plan.of(case) for case in cases] for cases in (failing, passing, refuting, inert))
    words = _words(hint)
    if passes or hard:
        tests = TESTS | thresholds(failures, [*passes, *hard, *idle])
    else:
        tests = {text: test for text, test in TESTS.items() if text in GEOMETRIC or _is_spoken_of(text, words)}
    shared = {text: test for text, test in tests.items() if all(map(test, failures))}
    left = {text: _mask(test, [*hard, *passes, *idle]) for text, test in shared.items()}  # what each would let through
    ranked = sorted(left, key=lambda text: -sum(word in text for word in words if text in TESTS or word.isalpha()))
    useful = list({left[text]: text for text in reversed(ranked)}.values())[::-1]  # of equals, the first
    everything = (1 << len(passes) + len(hard) + len(idle)) - 1
    telling = (1 << len(passes) + len(hard)) - 1
    candidates, refuting_mask = [text for text in useful if left[text] != everything], (1 << len(hard)) - 1
    chosen = _fewest(candidates, left, telling, refuting_mask, min(MOST_PARTS, len(failing).bit_length()))
    if not chosen:
        return None
    through = reduce(and_, (left[text] for text in chosen))
    best, refuted = (through & telling).bit_count(), through & refuting_mask
    if refuted or best > EXCEPTIONS * len(failing):
        return None
    return Condition({text: tests[text] for text in chosen}, best)


def _fewest(useful: list[str], left: dict[str, int], telling: int, hard: int, longest: int) -> tuple[str, ...]:
    """Return the conditions, as few as may be, that let the fewest passing cases through, of `hard` ones first.

    All pairs are tried, and of three parts or more those that the best of one part less begin with: all would be a
    million.  Of four or five, one may be fitted: several fit anything.
    """

    def attempt(chosen: tuple[str, ...], through: int) -> tuple[tuple[int, ...], tuple[str, ...], int]:
        measured = sum(text not in TESTS for text in chosen)  # a number may be chance where a word is not
        let = (through & hard).bit_count(), (through & telling).bit_count()
        return (*let, measured, through.bit_count(), len(chosen)), chosen, through

    pairs = combinations(useful, 2) if longest > 1 else ()
    longer = [attempt((one, other), left[one] & left[other]) for one, other in pairs]
    tried = [*(attempt((text,), left[text]) for text in useful), *longer]
    for parts in range(3, longest + 1):
        if not any(min(tried, default=((), (), 0))[0][:2]):
            break
        best: dict[int, tuple[str, ...]] = {}  # of those that let the same through, the first
        for _, chosen, through in sorted(longer, key=lambda attempt: attempt[0]):
            best.setdefault(through, chosen)
        more = (
            (chosen, c, through & left[c], through) for through, chosen in list(best.items())[:BEST] for c in useful
        )
        longer = [
            attempt((*chosen, c), rest)
            for chosen, c, rest, before in more
            if rest != before and (parts < 4 or sum(map(_is_fitted, (*chosen, c))) < 2)
        ]
        tried += longer
    return min(tried, key=lambda attempt: attempt[0], default=((), (), 0))[1]


def _is_fitted(text: str) -> bool:
    """Whether a part is a number, measured in the cases that there are, or of a tile."""
    return text not in TESTS or text in OF_TILES


def widest(failing: Sequence[Case], passing: Sequence[Case]) -> list[bool]:
    """Return which of the failing cases meet the condition that most of them do, and no passing one."""
    failures, passes = ([Plan.of(case) for case in cases] for cases in (failing, passing))
    masks = {(_mask(test, failures), _mask(test, passes)): None for test in TESTS.values()}
    pairs = [(a & c, b & d) for (a, b), (c, d) in combinations(masks, 2)]
    best = max((true for true, through in (*masks, *pairs) if not through), key=int.bit_count)
    return [bool(best >> place & 1) for place in range(len(failures))]


def _mask(test: Test, plans: Sequence[Plan]) -> int:
    """Return a number whose bit i says whether the test holds for plan i."""
    return sum(1 << place for place, plan in enumerate(plans) if test(plan))


def _is_spoken_of(text: str, words: list[str]) -> bool:
    """Whether a condition is about one of these words; and about multiples of a number if that is one of them."""
    _, is_of_multiples, number = text.rpartition("multiple of ")
    is_about = any(word in (text.split() if word.isdigit() else text) for word in words)
    return is_about and (not is_of_multiples or number in words)


def _words(hint: str) -> list[str]:
    """Return what a cause's code speaks of, in the words of the conditions."""
    for words, sign in {"along-width": "_w", "along-height": "_h", "for-both": "!=", "axes-swapped": "!="}.items():
        hint = hint.replace(words, sign)
    return [
        word.removesuffix("s")
        for part in hint.split("+")
        for word in part.split("-")
        if len(word) > 1 or word.isdigit()
    ]
