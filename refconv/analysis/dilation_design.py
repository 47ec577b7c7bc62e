"""Which dilation rates see a receptive field without holes, and use it evenly?

A chain of n layers of K taps sees ``1 + (K − 1)·Σ r_j`` pixels, and the exact rule says which rates leave no holes.
The order of the layers changes neither the pixels nor how often each is used, so rates are listed rising, and once.
"""

from __future__ import annotations

from dataclasses import dataclass

from refconv.analysis.axis_map import window
from refconv.analysis.axis_use import AxisUse
from refconv.analysis.paths import one_path, pulled
from refconv.analysis.rate_search import RateSearch
from refconv.geometry.arguments import LARGEST_INT, as_int

__all__ = ["Design", "design_dilations", "fewest_layers"]

MOST_LAYERS = 200  # a list of rates any longer has no reader, and Python's recursion has a limit


@dataclass(frozen=True, slots=True)
class Design:
    """Dilation rates for a chain of layers that has no holes.

    Attributes
    ----------
    dilations : tuple of int
        One rate for each layer; in any order they see the same pixels equally often.
    kernel_size : int
        K of every layer.

    Examples
    --------
    >>> design = Design((1, 2, 4), kernel_size=3)
    >>> design.receptive_field, design.use.largest, design.use.centre
    (15, 3, (1,))
    """

    dilations: tuple[int, ...]
    kernel_size: int

    @property
    def receptive_field(self) -> int:
        """``1 + (K − 1)·Σ r``."""
        return 1 + (self.kernel_size - 1) * sum(self.dilations)

    @property
    def use(self) -> AxisUse:
        """How often each pixel of the receptive field is used along one axis."""
        paths = one_path([0], object)
        for dilation in self.dilations:
            paths = pulled(paths, 0, window(self.kernel_size, dilation=dilation))
        return AxisUse(tuple(paths.counts))


def design_dilations(
    layers: int | None = None,
    kernel_size: int = 3,
    *,
    receptive_field: int,
    max_dilation: int | None = None,
    repeats: int = 1,
) -> list[Design]:
    """Find all dilation rates with which a chain of layers sees a receptive field of that size without holes.

    Parameters
    ----------
    layers : int, optional
        n; the fewest that can see the receptive field where it is not given.
    kernel_size : int
        K of every layer, at least 2.
    receptive_field : int
        Pixels along one axis: ``1 + (K − 1)·Σ r``.
    max_dilation : int, optional
        The largest rate allowed.
    repeats : int
        How often a group of ``layers / repeats`` rates is repeated: 2 gives sawtooths such as 1,2,3,1,2,3.

    Returns
    -------
    list of Design
        One for each choice of rates, however ordered: the most even use first, then the smaller rates.

    Raises
    ------
    TypeError, ValueError
        If an argument is not an int in its range, no such stack has that receptive field, or there are too many.

    See Also
    --------
    fewest_layers : the smallest number of layers for a receptive field
    repair_dilations : change as few rates of a given stack as possible

    Notes
    -----
    Evenness is `AxisUse.evenness`.  With repeats, m layers at one rate reach as far as one layer of ``m·(K − 1) + 1``
    taps, which is how the rule is applied to them.

    Examples
    --------
    >>> for design in design_dilations(layers=3, receptive_field=17):
    ...     print(design.dilations, design.use.counts)
    (1, 2, 5) (1, 1, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 1, 1)
    (1, 3, 4) (1, 1, 1, 1, 2, 2, 2, 2, 3, 2, 2, 2, 2, 1, 1, 1, 1)
    >>> [design.dilations for design in design_dilations(receptive_field=27)]
    [(1, 3, 9)]
    >>> [design.dilations for design in design_dilations(6, receptive_field=25, repeats=2)]
    [(1, 1, 4, 1, 1, 4), (1, 2, 3, 1, 2, 3)]
    """
    kernel_size = as_int("kernel_size", kernel_size, minimum=2)
    repeats = as_int("repeats", repeats, minimum=1)
    gain = repeats * (kernel_size - 1)
    total = _sum_of_rates(receptive_field, gain)
    most = LARGEST_INT if max_dilation is None else as_int("max_dilation", max_dilation, minimum=1)
    group = _fewest(total, gain, most) if layers is None else _group(layers, repeats)
    if group * repeats > MOST_LAYERS:
        raise ValueError(f"layers={group * repeats} must be at most {MOST_LAYERS}")
    search = RateSearch(group, repeats, kernel_size, total, most)
    search.check()
    return [Design(rates, kernel_size) for rates in search.ranked()]


def fewest_layers(receptive_field: int, kernel_size: int = 3, max_dilation: int | None = None) -> int:
    """Return the smallest number of layers that see a receptive field of that size without holes.

    Every layer takes the largest step that the finer ones allow, so the receptive field grows K-fold with each, until
    `max_dilation` lets it grow by no more than ``(K − 1)·max_dilation``.

    Parameters
    ----------
    receptive_field : int
        Pixels along one axis: a multiple of K − 1, and 1.
    kernel_size : int
        K of every layer, at least 2.
    max_dilation : int, optional
        The largest rate allowed.

    Returns
    -------
    int
        The number of layers, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not an int in its range, or no stack of K taps has that receptive field.

    Examples
    --------
    Three layers of 3×3 see at most 27 pixels; without dilation, 13 layers are needed for those.

    >>> fewest_layers(27), fewest_layers(29), fewest_layers(27, max_dilation=1)
    (3, 4, 13)
    """
    gain = as_int("kernel_size", kernel_size, minimum=2) - 1
    most = LARGEST_INT if max_dilation is None else as_int("max_dilation", max_dilation, minimum=1)
    return _fewest(_sum_of_rates(receptive_field, gain), gain, most)


def _fewest(total: int, gain: int, most: int) -> int:
    layers, reach = 0, 1
    while total > 0 and reach < most:
        layers, total, reach = layers + 1, total - reach, reach + gain * reach
    return layers + max(0, -(-total // most))


def _sum_of_rates(receptive_field: int, gain: int) -> int:
    """Return the sum that the rates must have, where each adds `gain` times itself to the receptive field."""
    size = as_int("receptive_field", receptive_field, minimum=gain + 1)
    total, rest = divmod(size - 1, gain)
    if rest:
        raise ValueError(
            f"receptive_field={size} must be 1 and a multiple of {gain}: {size - rest} and {size - rest + gain} are"
        )
    return total


def _group(layers: int, repeats: int) -> int:
    layers = as_int("layers", layers, minimum=1)
    if layers % repeats:
        raise ValueError(f"layers={layers} must be a multiple of repeats={repeats}")
    return layers // repeats
