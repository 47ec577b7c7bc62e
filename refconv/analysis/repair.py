"""Which dilation rates of a stack have to change, so that no holes are left?  As few as possible.

The exact rule goes through the rates from the finest on.  Where the next one steps further than the finer ones reach, a
changed layer has to come in between, and the most that it can do is to step as far as they reach.  So the other layers
can be kept if and only if these steps need no more layers than are changed; and as a coarse layer never helps the finer
ones, the smallest number of changes is found by giving up the coarsest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from refconv.analysis.dilation_design import Design
from refconv.analysis.exact_rule import as_stack, hole_free
from refconv.geometry.arguments import as_int

__all__ = ["Repair", "repair_dilations"]

MOST_CHOICES = 10_000  # of layers to change; the coarsest, which can always be completed, come first


@dataclass(frozen=True, slots=True)
class Repair(Design):
    """Dilation rates without holes, close to given ones that have some.

    Attributes
    ----------
    dilations : tuple of int
        One rate for each layer, in the order of the layers.
    kernel_size : int
        K of every layer.
    before : tuple of int
        The rates that were given.

    Examples
    --------
    >>> print(repair_dilations([1, 2, 9])[0])
    1, 3, 9 (layer 2 from 2 to 3)
    """

    before: tuple[int, ...]

    @property
    def changes(self) -> dict[int, tuple[int, int]]:
        """``{layer: (old rate, new rate)}``, layers from 1."""
        pairs = zip(self.before, self.dilations, strict=True)
        return {layer: (old, new) for layer, (old, new) in enumerate(pairs, 1) if old != new}

    def __str__(self) -> str:
        changes = ", ".join(f"layer {layer} from {old} to {new}" for layer, (old, new) in self.changes.items())
        return f"{', '.join(map(str, self.dilations))} ({changes})"


def repair_dilations(dilations: Sequence[int], kernel_size: int = 3) -> list[Repair]:
    """Suggest how to leave no holes by changing as few dilation rates of a stack as possible.

    Each suggestion changes other layers, whose new rates step as far as the finer ones reach.

    Parameters
    ----------
    dilations : sequence of int
        One rate for each layer, at stride 1.
    kernel_size : int
        K of every layer, at least 2.

    Returns
    -------
    list of Repair
        Closest in receptive field first; empty where there are no holes to begin with.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, a rate is not an int of at least 1, or K not an int of at least 2.

    Examples
    --------
    The receptive field of 1,2,9 is 25: a changed second layer comes closer to that than a changed third.

    >>> for repair in repair_dilations([1, 2, 9]):
    ...     print(repair, repair.receptive_field)
    1, 3, 9 (layer 2 from 2 to 3) 27
    1, 2, 7 (layer 3 from 9 to 7) 21
    >>> [str(repair) for repair in repair_dilations([2, 2, 2])]
    ['1, 2, 2 (layer 1 from 2 to 1)']
    >>> repair_dilations([1, 2, 5])
    []
    """
    kernel_size = as_int("kernel_size", kernel_size, minimum=2)
    before, _ = as_stack("dilation", dilations, kernel_size)
    if hole_free(before, kernel_size):
        return []
    size = Design(before, kernel_size).receptive_field
    found = {tuple(sorted(repair.dilations)): repair for repair in reversed(list(_repairs(before, kernel_size)))}
    return sorted(found.values(), key=lambda repair: (abs(repair.receptive_field - size), repair.dilations))


def _repairs(before: tuple[int, ...], kernel_size: int) -> Iterator[Repair]:
    """Yield one repair for every choice of layers, as few as will do."""
    coarsest_first = sorted(range(len(before)), key=lambda layer: (-before[layer], layer))
    fewest = next(n for n in range(1, len(before) + 1) if _completed(before, coarsest_first[:n], kernel_size))
    for changed in islice(combinations(coarsest_first, fewest), MOST_CHOICES):
        rates = _completed(before, changed, kernel_size)
        if rates:
            yield Repair(rates, kernel_size, before)


def _completed(before: tuple[int, ...], changed: Sequence[int], kernel_size: int) -> tuple[int, ...] | None:
    """Return the rates with new ones in the changed layers, or None where these are too few to leave no holes."""
    kept = sorted(rate for layer, rate in enumerate(before) if layer not in changed)
    new, reach = _bridges(kept, kernel_size)
    if len(new) > len(changed):
        return None
    while len(new) < len(changed):
        new.append(reach)
        reach *= kernel_size
    rates = list(before)
    for layer, rate in zip(sorted(changed, key=lambda layer: (before[layer], layer)), new, strict=True):
        rates[layer] = rate
    return tuple(rates)


def _bridges(kept: Sequence[int], kernel_size: int) -> tuple[list[int], int]:
    """Return the rates that must come between the kept ones, each as large as can be, and the receptive field then."""
    bridges, reach = [], 1
    for rate in kept:
        while rate > reach:
            bridges.append(reach)
            reach *= kernel_size
        reach += (kernel_size - 1) * rate
    return bridges, reach
