"""A finding: one cause of a wrong output, by a stable code and in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause that explains a wrong output.

    Attributes
    ----------
    code : str
        Stable, for programs: ``"dilation-ignored"``.  `docs/diagnosis.md` lists them all.
    sentence : str
        What the implementation does, for people.
    wrong, explained : int
        The wrong elements, and how many of them this cause accounts for; both 0 where the cause is not a matter of
        elements, as for a result of the wrong type.
    reading : str
        The corrected reading: what it should read instead, as a formula or in words; empty where there is none.
    alternatives : tuple of str
        Codes of causes that explain this output just as well.
    separating_case : str
        The smallest case that tells this cause and its alternatives apart; empty without alternatives, or where no
        small case does.
    is_place : bool
        Whether it says only where it is wrong, not why.
    is_partial : bool
        Whether it explains the wrong elements alone, or says what stands in a box of this output's own.
    is_traced : bool
        Whether it was read off the target's outputs in one case: what it says there may look otherwise in another.

    Examples
    --------
    >>> should = "h = S·p + D·i − T, not S·p + i − T"
    >>> finding = Finding("dilation-ignored", "the dilation is ignored", wrong=100, explained=100, reading=should)
    >>> print(finding)
    dilation-ignored: the dilation is ignored (explains 100 of 100 wrong elements)
      should be: h = S·p + D·i − T, not S·p + i − T
    """

    code: str
    sentence: str
    wrong: int = 0
    explained: int = 0
    reading: str = ""
    alternatives: tuple[str, ...] = ()
    separating_case: str = ""
    is_place: bool = False
    is_partial: bool = False
    is_traced: bool = False

    @property
    def coverage(self) -> str:
        """What it explains, in words: ``"100 of 100 wrong elements"``; empty where elements are not the matter."""
        return f"{self.explained} of {self.wrong} wrong elements" if self.wrong else ""

    def __str__(self) -> str:
        """Say the cause, what it explains, what it should be, and what would explain it as well."""
        coverage = f" (explains {self.coverage})" if self.coverage else ""
        lines = [f"{self.code}: {self.sentence}{coverage}"]
        if self.reading:
            lines.append(f"should be: {self.reading}")
        if self.alternatives:
            apart = f"; {self.separating_case} tells them apart" if self.separating_case else ""
            lines.append(f"as good: {', '.join(self.alternatives)}{apart}")
        return "\n  ".join(lines)


def equals(findings: Iterable[Finding], wrong: int = 0) -> list[Finding]:
    """Return causes that explain so many elements equally well, one of each sentence, with the others' codes.

    One code has several where a tile may be of 4 or of 8: which it is, other cases tell.
    """
    told_apart: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        told_apart.setdefault((finding.code, finding.sentence), finding)
    found = list(told_apart.values())
    codes = tuple(dict.fromkeys(finding.code for finding in found))
    others = {code: tuple(other for other in codes if other != code) for code in codes}
    return [replace(each, wrong=wrong, explained=wrong, alternatives=others[each.code]) for each in found]


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Return the first finding of each code."""
    by_code: dict[str, Finding] = {}
    for finding in findings:
        by_code.setdefault(finding.code, finding)
    return list(by_code.values())
