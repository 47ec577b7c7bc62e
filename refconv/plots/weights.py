"""Figures of what a padded, dilated kernel turns into: its valid weights, and how close it is to a 1×1 kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from refconv.analysis import valid_weights
from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, as_pair
from refconv.plots.style import COLOURS, LINE_STYLES, MARKERS, axes_or_new, legend_above, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_degeneration", "plot_valid_weights"]


def plot_valid_weights(
    input_size: IntOrPair = 65,
    kernel_size: IntOrPair = 3,
    *,
    dilations: Iterable[int] | None = None,
    classes: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw, over the dilation, at what share of the positions a kernel has how many valid weights.

    Parameters
    ----------
    input_size, kernel_size : int or pair of int
        As for `refconv.analysis.valid_weights`, at stride 1 and with SAME padding.
    dilations : iterable of int, optional
        1 ... one more than the larger side of the input where they are not given.
    classes : sequence of int, optional
        Which numbers of valid weights to draw; all that occur where they are not given.  DeepLabv3's figure 4 has
        (9, 4, 1), which do not add up to 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes where it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each number of valid weights.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        As `refconv.analysis.valid_weights`.

    Examples
    --------
    >>> ax = plot_valid_weights(4, dilations=[1, 2, 4])
    >>> {line.get_label(): [float(share) for share in line.get_ydata()] for line in ax.lines}
    {'9': [0.25, 0.0, 0.0], '6': [0.5, 0.0, 0.0], '4': [0.25, 1.0, 0.0], '1': [0.0, 0.0, 1.0]}
    """
    ax = axes_or_new(ax)
    rates = (
        list(range(1, max(as_pair("input_size", input_size, minimum=1)) + 2)) if dilations is None else list(dilations)
    )
    shares = [valid_weights(input_size, kernel_size, rate).fractions for rate in rates]
    drawn = sorted({taps for share in shares for taps in share}, reverse=True) if classes is None else classes
    for taps, colour, marker, style in zip(drawn, cycle(COLOURS), cycle(MARKERS), cycle(LINE_STYLES), strict=False):
        values = [float(share.get(taps, 0)) for share in shares]
        every = max(1, len(rates) // 12)
        ax.plot(rates, values, label=str(taps), color=colour, marker=marker, markevery=every, linestyle=style)
    ax.set(xlabel="dilation", ylabel="share of the positions", ylim=(-0.04, 1.04))
    legend_above(ax, columns=6, title="valid weights")
    return tidy(ax)


def plot_degeneration(
    input: npt.ArrayLike, weight: npt.ArrayLike, dilations: Iterable[int], ax: Axes | None = None
) -> Axes:
    """Draw, over the dilation, how far a convolution is from the 1×1 convolution with its kernel's centre.

    The convolution pads by what keeps the size, ``D·(K − 1)/2``.  As soon as the dilation reaches the input's size, all
    other taps read padding, and the two are the same.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        The image.
    weight : array_like, (O, C, K_h, K_w)
        The kernels, of odd height and width.
    dilations : iterable of int
        D, for both axes.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes where it is not given.

    Returns
    -------
    matplotlib.axes.Axes
        One line: the mean absolute difference.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        If a kernel's side is even, so that it has no centre, or as `refconv.conv2d`.

    Examples
    --------
    Four ones under a kernel of three ones: the outer taps add up to 2, 2, 1 and 0 ones at most.

    >>> ax = plot_degeneration(np.ones((1, 1, 4)), np.ones((1, 1, 1, 3)), dilations=[1, 2, 3, 4])
    >>> [float(difference) for difference in ax.lines[0].get_ydata()]
    [1.5, 1.0, 0.5, 0.0]
    """
    ax = axes_or_new(ax)
    kernels = np.asarray(weight)
    height, width = kernels.shape[-2:]
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"weight has kernels of {height}×{width}; both sides must be odd for them to have a centre")
    rates = list(dilations)
    pointwise = conv2d(input, kernels[..., height // 2, width // 2][..., None, None])
    outputs = (conv2d(input, kernels, padding="same", dilation=rate) for rate in rates)
    ax.plot(rates, [np.abs(output - pointwise).mean() for output in outputs], color=COLOURS[0], marker=MARKERS[0])
    ax.set(xlabel="dilation", ylabel="mean |convolution − 1×1 convolution|")
    return tidy(ax)
