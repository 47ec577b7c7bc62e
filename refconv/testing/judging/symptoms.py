"""What happened in a case, as far as it is the same from case to case, where nothing explains it."""

from __future__ import annotations

import re
from typing import Final

from refconv.testing.comparing.comparison import Obstacle
from refconv.testing.diagnosis.finding import Finding
from refconv.testing.diagnosis.shapes import UNKNOWN_SHAPES
from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Ending

__all__: list[str] = []

UNEXPLAINED: Final = "unexplained"
TELLING: Final = 180  # characters of a message, without its numbers: with them, what comes later may have been cut off


def is_cause(finding: Finding) -> bool:
    """Whether it says more than where it is wrong, or how in one case, or that a shape is none that is known."""
    return not (finding.is_place or finding.is_traced) and finding.code not in UNKNOWN_SHAPES


def symptom(result: CaseResult) -> Finding:
    """Return what happened, as far as it is the same from case to case."""
    if not result.is_answered:
        return Finding("no-answer", "it gives no answer in time")
    if result.ending == Ending.DIED:
        return Finding("process-died", f"it ends its process, {result.ended_by}")
    if result.comparison is None:
        return Finding("raises", f"it raises {_message(result)}")
    misshapen = next((finding.code for finding in result.findings if finding.code in UNKNOWN_SHAPES), "")
    if misshapen:
        return Finding(misshapen, UNKNOWN_SHAPES[misshapen])
    obstacle = result.comparison.obstacle
    sentences = {
        None: "numbers are wrong",
        Obstacle.SHAPE: "the result has the wrong shape",
        Obstacle.DTYPE: f"the result has the wrong type: {result.comparison.problem}",
        Obstacle.UNREADABLE: f"the result cannot be read: {result.comparison.problem}",
    }
    return Finding(obstacle or UNEXPLAINED, sentences[obstacle])


def _message(result: CaseResult) -> str:
    """Return the type of an exception and its text, with a sign in the place of numbers, which differ by case.

    One sign stands for a tuple or a list of any length as well, and of NumPy's numbers, for they go by the axes:
    ``(3, 4)`` and ``(5,)`` become ``(#)``, ``[np.int64(3)]`` becomes ``[#]`` and ``[[1 1] [0 2]]`` ``[[#]]``.
    """
    text = result.detail.partition("\n")[0].removeprefix("raised ")
    text = re.sub(r"-?\d[-\d.,x× ]*\d|-?\d", "#", re.sub(r"np\.\w+\(([^()]*)\)", r"\1", text))
    text = re.sub(r"([(\[]) *#[ ,]*([)\]])", r"\1#\2", text)
    text = re.sub(r"(\(#\)|\[#\])(?:[ ,]*\1)+", r"\1", text)
    return text if len(text) <= TELLING else f"{text[:TELLING].rstrip()} ..."
