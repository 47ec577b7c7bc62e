"""Does a network use every pixel of its receptive field, and how evenly?

Dilated convolutions on top of each other may leave holes: pixels inside the receptive field that no path leads to.  In
a chain of convolutions and poolings the exact rule decides it, axis by axis (`exact_rule`).  Branches and layers that
upsample are decided by the footprint itself, in 2-D: what two branches cover together need not be a rectangle.

Source: Wang et al. (2017), section 3.2, who named the problem gridding.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, islice
from textwrap import indent

import numpy as np

from refconv.analysis.axis_map import LayerMap
from refconv.analysis.axis_use import AxisUse, listed
from refconv.analysis.dilation_design import Design, fewest_layers
from refconv.analysis.exact_rule import HoleFree, hole_free
from refconv.analysis.footprint import Footprint, footprint
from refconv.analysis.hdc import Hdc, hdc
from refconv.analysis.layers import AXES
from refconv.analysis.network import Layers, Network, Parallel
from refconv.analysis.rate_search import RateSearch
from refconv.analysis.repair import Repair, repair_dilations
from refconv.geometry.arguments import LARGEST_INT, IntOrPair, Pair

__all__ = ["Gridding", "gridding"]

MOST_REPAIRS = 5  # in an explanation
MOST_DESIGNS = 2000  # that are ranked for one; more take longer than all the rest of it


@dataclass(frozen=True, repr=False)
class Gridding:
    """Which pixels of its receptive field one output uses.

    Attributes
    ----------
    layers : Layers
        The network.
    footprint : Footprint
        How often the output uses each pixel.
    rules : pair of HoleFree, or None
        The exact rule along the height and the width; None where the footprint decides.

    Examples
    --------
    >>> from refconv.analysis import Conv
    >>> grid = gridding([Conv(3), Conv(3, dilation=2), Conv(3, dilation=(1, 9))])
    >>> grid.coverage, grid.largest_gap, grid.common_factor, grid.hole_free
    (Fraction(21, 25), (1, 3), (1, 1), False)
    >>> grid.width.holes
    (7, 8, 16, 17)
    >>> [rule.missed for rule in grid.rules]
    [None, 7]
    """

    layers: Layers
    footprint: Footprint
    rules: tuple[HoleFree, HoleFree] | None

    @cached_property
    def height(self) -> AxisUse:
        """How often each row is used, as if the network had only rows."""
        return AxisUse(tuple(map(int, self.footprint.axis_counts[0])))

    @cached_property
    def width(self) -> AxisUse:
        """How often each column is used, as if the network had only columns."""
        return AxisUse(tuple(map(int, self.footprint.axis_counts[1])))

    @property
    def hole_free(self) -> bool:
        """Whether every pixel of the receptive field is used: by the exact rule, or by the footprint without one."""
        return all(self.rules) if self.rules else bool(self.footprint.used.all())

    @property
    def coverage(self) -> Fraction:
        """Share of the receptive field's pixels, in 2-D, that are used."""
        if self.footprint.plane is not None:
            return Fraction(int(self.footprint.used.sum()), self.footprint.used.size)
        return Fraction(self.height.used * self.width.used, self.height.size * self.width.size)

    @property
    def holes(self) -> list[Pair]:
        """The pixels that are not used, (row, column) from the receptive field's corner."""
        return [(int(row), int(column)) for row, column in np.argwhere(~self.footprint.used)]

    @property
    def largest_gap(self) -> Pair:
        """`AxisUse.largest_gap` along the height and the width."""
        return self.height.largest_gap, self.width.largest_gap

    @property
    def common_factor(self) -> Pair:
        """`AxisUse.common_factor` along the height and the width."""
        return self.height.common_factor, self.width.common_factor

    @cached_property
    def hdc(self) -> Hdc | None:
        """The HDC principles, which are about chains of one kernel size at stride 1, alike along both axes."""
        if not self.rules or self.rules[0] != self.rules[1] or self._strided:
            return None
        rule = self.rules[0]
        kernels = set(rule.kernel_sizes)
        return hdc(rule.rates, kernels.pop()) if len(kernels) == 1 and kernels != {1} else None

    @property
    def _strided(self) -> bool:
        return any(layer_map.shift > 1 for axis in (0, 1) for layer_map in _layer_maps(self.layers, axis) or [])

    @property
    def repairs(self) -> list[Repair]:
        """Rates without holes, as few changed as possible: for the chains that `hdc` is about."""
        principles = self.hdc
        return repair_dilations(principles.dilations, principles.kernel_size) if principles else []

    def explain(self) -> str:
        """Return the numbers of each axis with the exact rule, the 2-D coverage, the HDC principles and the repairs."""
        rules = self.rules or (None, None)
        height, width = _explain_axis(self.height, rules[0]), _explain_axis(self.width, rules[1])
        lines = ["height and width:", height] if height == width else ["height:", height, "width:", width]
        lines.append(f"in 2-D: {self._verdict()}")
        lines += [self.hdc.explain()] if self.hdc else []
        repairs = self.repairs[:MOST_REPAIRS]
        if repairs:
            lines += ["rates without holes, as few changed as possible:", *(f"  {repair}" for repair in repairs)]
            lines += _of_the_same_field(repairs[0])
        return "\n".join(lines)

    def _verdict(self) -> str:
        pixels = self.height.size * self.width.size
        return f"{self.coverage * pixels} of {pixels} pixels used, {'no holes' if self.hole_free else 'holes'}"

    def __repr__(self) -> str:
        return f"<Gridding {self._verdict()}>"


def _of_the_same_field(repair: Repair) -> list[str]:
    """Name rates that see as much as those that were given, and leave no holes: 1, 2, 3 for 2, 2, 2."""
    before = Design(repair.before, repair.kernel_size)
    size, layers, kernel_size = before.receptive_field, len(repair.before), repair.kernel_size
    command = f"refconv design --receptive-field {size}" + (f" --kernel {kernel_size}" if kernel_size != 3 else "")
    fewest = fewest_layers(size, kernel_size)
    if fewest > layers:
        return [f"rates without holes that see as much, {size}, take {fewest} layers: {command}"]
    search = RateSearch(layers, 1, kernel_size, sum(repair.before), LARGEST_INT)
    found = sorted(islice(search.grow((), 0, 1), MOST_DESIGNS + 1))
    shown = [f"  {', '.join(map(str, rates))}" for _, rates in found[:MOST_REPAIRS] if len(found) <= MOST_DESIGNS]
    return [f"rates without holes that see as much, {size}: {command} --layers {layers}", *shown]


def gridding(network: Network, output: IntOrPair = 0) -> Gridding:
    """Which pixels of its receptive field does an output use, how evenly, and what leaves the holes?

    Parameters
    ----------
    network : sequence of layers, or a layer
        `Conv`, `Pool`, `ConvTranspose`, `Upsample` and `Parallel`, in the order in which they are applied.
    output : int or pair of int
        The output's row and column, inside an image without borders.  All see alike unless something upsamples.

    Returns
    -------
    Gridding
        ``.hole_free``, ``.coverage``, ``.holes``, ``.largest_gap``, ``.common_factor``, ``.height`` and ``.width`` with
        the counts of one axis and their evenness, and ``.explain()``.

    Raises
    ------
    TypeError, ValueError
        If something in the network is not a layer or is a symbol, or the output reads nothing.

    Notes
    -----
    The rate of a layer is its dilation times the strides of the layers before it.

    Examples
    --------
    Three layers at rate 2 use 49 of 169 pixels; at rates 1, 2 and 3 they use all of them.

    >>> from refconv.analysis import Conv, Parallel
    >>> grid = gridding([Conv(3, dilation=2)] * 3)
    >>> grid.coverage, grid.common_factor, grid.height.counts
    (Fraction(49, 169), (2, 2), (1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1))
    >>> print(gridding([Conv(3), Conv(3, dilation=2), Conv(3, dilation=3)]))
    <Gridding 169 of 169 pixels used, no holes>

    A pyramid of branches is decided by its footprint: here a cross of two strips.

    >>> grid = gridding(Parallel(Conv((3, 1), padding=(1, 0)), Conv((1, 3), padding=(0, 1))))
    >>> grid.hole_free, grid.holes
    (False, [(0, 0), (0, 2), (2, 0), (2, 2)])
    """
    layers = Layers(network)
    use = footprint(layers, output)
    if not use.total:
        raise ValueError(f"output={output!r} reads nothing, so that it has no receptive field")
    height, width = (_rule(layers, axis) for axis in range(len(AXES)))
    return Gridding(layers, use, None if height is None or width is None else (height, width))


def _layer_maps(layers: Layers, axis: int) -> list[LayerMap] | None:
    """Return the map of each layer of a chain in which all outputs read alike; None of anything else."""
    maps = [layer.axis_map(axis) for layer in layers if not isinstance(layer, Parallel)]
    return maps if len(maps) == len(layers) and all(len(layer_map.phases) == 1 for layer_map in maps) else None


def _rule(layers: Layers, axis: int) -> HoleFree | None:
    """Apply the exact rule along one axis of a chain; None where there is no chain, or nothing in it."""
    maps = _layer_maps(layers, axis)
    if not maps:
        return None
    strides = accumulate((layer_map.shift for layer_map in maps[:-1]), operator.mul, initial=1)
    taps = [layer_map.phases[0] for layer_map in maps]
    rates = [stride * progression.step for stride, progression in zip(strides, taps, strict=True)]
    return hole_free(rates, [progression.count for progression in taps])


def _explain_axis(use: AxisUse, rule: HoleFree | None) -> str:
    lines = [
        use.summary,
        use.range_of_counts,
        "decided by the footprint, for this is no chain of convolutions" if rule is None else rule.explain(),
    ]
    lines += [f"not used: {listed(use.holes)}"] if use.holes else []
    return indent("\n".join(lines), "  ")
