"""The three HDC principles for dilation rates, with their arithmetic, and what they get wrong.

Hybrid dilated convolution (HDC) asks for rates that leave no holes.  Its published test looks at the "maximum distance
between two nonzero values", from the last layer back to the first:

    M_n = r_n        M_i = max(M_{i+1} − 2·r_i, M_{i+1} − 2·(M_{i+1} − r_i), r_i)        goal: M_2 <= K

That depends on the order of the layers, and the set of pixels that they see does not; so the test passes stacks with
holes and fails stacks without.  `exact_rule.hole_free` decides the matter, and its verdict stands beside the other.

Source: Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell, "Understanding Convolution for Semantic Segmentation" (2017),
section 3.2 and equation 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from refconv.analysis.exact_rule import HoleFree, as_stack, hole_free
from refconv.geometry.arguments import as_int

__all__ = ["Hdc", "Principle", "hdc"]


@dataclass(frozen=True, slots=True)
class Principle:
    """One of HDC's principles, applied to one stack.

    Attributes
    ----------
    name : str
        The principle in a few words.
    holds : bool or None
        Its verdict; None where it says nothing, as of M_2 where there is one layer.
    reason : str
        The numbers behind it.

    Examples
    --------
    >>> print(hdc([2, 4, 8]).no_common_factor)
    no common factor: fails (greatest common divisor 2)
    """

    name: str
    holds: bool | None
    reason: str

    def __str__(self) -> str:
        verdict = {True: "holds", False: "fails", None: "says nothing"}[self.holds]
        return f"{self.name}: {verdict} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Hdc:
    """The HDC principles and the exact verdict on one stack of dilation rates.

    Attributes
    ----------
    dilations : tuple of int
        r_1 ... r_n.
    kernel_size : int
        K.
    max_distances : tuple of int
        M_1 ... M_n.
    exact : HoleFree
        What the exact rule says.

    Examples
    --------
    >>> stack = hdc([1, 2, 5])
    >>> stack.max_distances, stack.hole_free, [principle.holds for principle in stack.principles]
    ((1, 2, 5), True, [True, True, True])
    """

    dilations: tuple[int, ...]
    kernel_size: int
    max_distances: tuple[int, ...]
    exact: HoleFree

    @property
    def hole_free(self) -> bool:
        """Whether there are no holes: the exact verdict, not the published one."""
        return bool(self.exact)

    @property
    def principles(self) -> tuple[Principle, Principle, Principle]:
        """The three of them, in the paper's order."""
        return self.short_distance, self.sawtooth, self.no_common_factor

    @property
    def short_distance(self) -> Principle:
        """``M_2 <= K``."""
        if len(self.dilations) == 1:
            return Principle("M_2 <= K", None, "there is no second layer")
        second = self.max_distances[1]
        holds = second <= self.kernel_size
        return Principle("M_2 <= K", holds, f"{second} {'<=' if holds else '>'} {self.kernel_size}")

    @property
    def sawtooth(self) -> Principle:
        """Whether rates rise within a group of layers and fall back between groups.

        The paper says it in words and by example (1,2,3,1,2,3, and 1,2,5,9 followed by 5,9,17).  Here it means that
        every rising edge has at least two layers, except for the last one, which may be cut short.
        """
        edges = rising_edges(self.dilations)
        holds = all(len(edge) > 1 for edge in edges[:-1])
        return Principle("sawtooth", holds, " | ".join(_commas(edge) for edge in edges))

    @property
    def no_common_factor(self) -> Principle:
        """Whether no number above 1 divides all rates."""
        factor = math.gcd(*self.dilations)
        return Principle("no common factor", factor == 1, f"greatest common divisor {factor}")

    @property
    def disagreement(self) -> str | None:
        """The sentence that says where ``M_2 <= K`` and the exact rule differ; None where they do not."""
        published = self.short_distance
        if published.holds is None or published.holds == self.hole_free:
            return None
        if self.hole_free:
            return f"M_2 <= K fails this stack ({published.reason}), and yet it has no holes."
        return f"M_2 <= K passes this stack ({published.reason}), and yet it has holes."

    def explain(self) -> str:
        """Return M_n ... M_1 with their arithmetic, the principles, the exact verdict, and where these differ."""
        last = len(self.dilations)
        lines = [f"M_{last} = r_{last} = {self.dilations[-1]}"]
        for i in range(last - 1, 0, -1):
            rate, after = self.dilations[i - 1], self.max_distances[i]
            terms = f"{after} - 2·{rate}, {after} - 2·({after} - {rate}), {rate}"
            values = _commas(_distances(after, rate))
            lines.append(f"M_{i} = max({terms}) = max({values}) = {self.max_distances[i - 1]}")
        lines += [*map(str, self.principles), f"exact rule: {self.exact.verdict}"]
        return "\n".join([*lines, self.disagreement] if self.disagreement else lines)


def hdc(dilations: Sequence[int], kernel_size: int = 3) -> Hdc:
    """Apply the HDC principles to a stack of dilation rates, and the exact rule beside them.

    ``M_n = r_n`` and ``M_i = max(M_{i+1} − 2·r_i, M_{i+1} − 2·(M_{i+1} − r_i), r_i)``; the principles are ``M_2 <= K``,
    rates like a sawtooth, and no common factor above 1.

    Parameters
    ----------
    dilations : sequence of int
        r_1 ... r_n, first layer first; stride 1 throughout.
    kernel_size : int
        K of every layer, at least 2.

    Returns
    -------
    Hdc
        ``.max_distances``, one verdict for each principle, the exact ``.hole_free``, and ``.explain()``.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, a rate is not an int of at least 1, or K not an int of at least 2.

    Notes
    -----
    Source: Wang et al. (2017), section 3.2 and equation 2.

    Examples
    --------
    >>> print(hdc([2, 3]).explain())
    M_2 = r_2 = 3
    M_1 = max(3 - 2·2, 3 - 2·(3 - 2), 2) = max(-1, 1, 2) = 2
    M_2 <= K: holds (3 <= 3)
    sawtooth: holds (2, 3)
    no common factor: holds (greatest common divisor 1)
    exact rule: holes: pixel 1 of 0 ... 10 is not seen
    M_2 <= K passes this stack (3 <= 3), and yet it has holes.
    """
    kernel_size = as_int("kernel_size", kernel_size, minimum=2)
    dilations, _ = as_stack("dilation", dilations, kernel_size)
    distances = [dilations[-1]]
    for rate in dilations[-2::-1]:
        distances.append(max(_distances(distances[-1], rate)))
    return Hdc(dilations, kernel_size, tuple(reversed(distances)), hole_free(dilations, kernel_size))


def _distances(after: int, rate: int) -> tuple[int, int, int]:
    """Return the three distances of which M_i is the largest, from M_{i+1} and r_i."""
    return after - 2 * rate, after - 2 * (after - rate), rate


def rising_edges(rates: Sequence[int]) -> list[tuple[int, ...]]:
    """Cut a sequence into its longest strictly rising runs: 1,2,3,1,2,2 gives (1,2,3), (1,2), (2)."""
    edges: list[tuple[int, ...]] = [(rates[0],)]
    for rate in rates[1:]:
        if rate > edges[-1][-1]:
            edges[-1] = (*edges[-1], rate)
        else:
            edges.append((rate,))
    return edges


def _commas(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
