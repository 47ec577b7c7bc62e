"""How many weights of a padded, dilated kernel touch real pixels?  Counted in closed form: no array is made.

Near the border some taps read padding, and there the kernel acts as a smaller one.  The larger the dilation, the more
positions are near the border, until from a dilation as large as the image on only the centre tap is left: a 3×3 kernel
has become a 1×1 kernel.

Source: Chen, Papandreou, Schroff & Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017), known
as DeepLabv3, section 3.3 and figure 4.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from refconv.geometry.arguments import IntOrPair, PaddingLike, adding_context, as_pair
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import build_axes

__all__ = ["ValidWeights", "valid_weights"]


@dataclass(frozen=True, slots=True)
class ValidWeights:
    """How many output positions have how many valid taps: taps that read a real pixel and not padding.

    Attributes
    ----------
    kernel_taps : int
        ``K_h·K_w``, which every position would have without padding.
    height, width : dict of int to int
        ``{valid taps: positions}`` along one axis, the most taps first.

    Examples
    --------
    At dilation 2, each of four rows loses one of three taps to the padding; at dilation 1, the outer two of three
    columns do.

    >>> valid = valid_weights((4, 3), 3, dilation=(2, 1))
    >>> valid.height, valid.width
    ({2: 4}, {3: 1, 2: 2})
    >>> valid.counts
    {6: 4, 4: 8}
    """

    kernel_taps: int
    height: dict[int, int]
    width: dict[int, int]

    @property
    def counts(self) -> dict[int, int]:
        """``{valid taps: positions}`` in 2-D: a position at t rows and u columns of valid taps has t·u of them."""
        counts: Counter[int] = Counter()
        for rows, vertical in self.height.items():
            for columns, horizontal in self.width.items():
                counts[rows * columns] += vertical * horizontal
        return dict(sorted(counts.items(), reverse=True))

    @property
    def positions(self) -> int:
        """``P·Q``: all output positions."""
        return sum(self.height.values()) * sum(self.width.values())

    @property
    def fractions(self) -> dict[int, Fraction]:
        """``{valid taps: share of the positions}``; the shares add up to 1."""
        positions = self.positions
        return {taps: Fraction(count, positions) for taps, count in self.counts.items()}

    @property
    def degeneracy(self) -> Fraction:
        """Share of the positions at which the kernel acts as a smaller one, for want of at least one tap."""
        return 1 - self.fractions.get(self.kernel_taps, Fraction(0))


def valid_weights(
    input_size: IntOrPair,
    kernel_size: IntOrPair,
    dilation: IntOrPair,
    stride: IntOrPair = 1,
    padding: PaddingLike = "same",
) -> ValidWeights:
    """Count the output positions of a convolution by the taps that read a real pixel there.

    Tap k of output p is valid if ``0 <= S·p + D·k − T < H``.  Along one axis the taps in turn become valid and cease
    to be, at 2·K positions that a division gives, and between two of these nothing changes; so the cost depends on K
    alone.  For three taps with ``T = D`` and n positions at stride 1 this comes to

    ::

        3 taps at max(0, n − 2·D) positions      1 tap at max(0, min(n, 2·D − n))      2 taps at the rest

    Parameters
    ----------
    input_size : int or pair of int
        (H, W); an int is a square.
    kernel_size, dilation, stride : int or pair of int
        K, D and S, at least 1.
    padding : int, pair, pair of pairs or str
        As in `conv2d`; ``"same"`` is PyTorch's rule, for stride 1.

    Returns
    -------
    ValidWeights
        ``.height`` and ``.width`` for one axis each, ``.counts`` and ``.fractions`` for both, and ``.degeneracy``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these forms, or the dilated kernel is larger than the padded input.

    Notes
    -----
    Figure 4 of DeepLabv3 draws the shares of 9, 4 and 1 valid weights for a 65×65 map.  They do not add up to 1, since
    positions along the edges have 6, 3 or 2.

    Source: Chen et al. (2017), section 3.3.

    Examples
    --------
    At dilation 18, half of the positions of a 65×65 map are beside one edge, and only a fifth see all nine.

    >>> valid = valid_weights(65, 3, dilation=18)
    >>> valid.height
    {3: 29, 2: 36}
    >>> valid.counts  # 29·29, 2·29·36 and 36·36
    {9: 841, 6: 2088, 4: 1296}
    >>> {taps: round(float(share), 4) for taps, share in valid.fractions.items()}
    {9: 0.1991, 6: 0.4942, 4: 0.3067}
    >>> valid_weights(65, 3, dilation=65).counts
    {1: 4225}
    """
    with adding_context(f"input_size {input_size!r}, kernel_size {kernel_size!r}"):
        size = as_pair("input_size", input_size, minimum=0)
        kernel = as_pair("kernel_size", kernel_size, minimum=1)
        height, width = build_axes(size, kernel, stride, padding, dilation)
    rows = _count_positions(height)
    columns = dict(rows) if width == height else _count_positions(width)  # most images are square
    return ValidWeights(kernel[0] * kernel[1], rows, columns)


def valid_outputs(axis: AxisGeometry, tap: int) -> range:
    """Return the outputs p for which ``0 <= S·p + D·k − T < H``: those that read a real pixel through this tap."""
    offset = axis.input_index(0, tap)
    first = max(0, -(offset // axis.stride))  # the least p with S·p >= −offset
    stop = min(axis.output_size, (axis.input_size - 1 - offset) // axis.stride + 1)
    return range(first, max(first, stop))


def _count_positions(axis: AxisGeometry) -> dict[int, int]:
    """Return ``{valid taps: positions}`` along an axis, by sweeping over where taps become valid and cease to be."""
    change = {0: 0, axis.output_size: 0}
    for tap in range(axis.kernel_size):
        outputs = valid_outputs(axis, tap)
        if outputs:
            change[outputs.start] = change.get(outputs.start, 0) + 1
            change[outputs.stop] = change.get(outputs.stop, 0) - 1
    counts: dict[int, int] = {}
    taps = 0
    for first, after in pairwise(sorted(change)):
        taps += change[first]
        counts[taps] = counts.get(taps, 0) + after - first
    return dict(sorted(counts.items(), reverse=True))
