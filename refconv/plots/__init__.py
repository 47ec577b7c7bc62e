"""Figures: how a window slides, what it reads, how often a network uses a pixel, when a dilated kernel degenerates.

Each function draws on the Axes that it is given, or on new ones, and returns them: so figures can be put together and
styled with matplotlib, which is imported when the first is drawn.  Colours can be told apart by the colour-blind, and
nothing is said by colour alone: lines have styles and markers, cells have numbers, holes and padding are hatched.
"""

from refconv.plots.animate import ConvAnimation, animate_conv
from refconv.plots.fields import plot_footprint, plot_receptive_fields
from refconv.plots.sampling import plot_sampling
from refconv.plots.weights import plot_degeneration, plot_valid_weights

__all__ = [
    "ConvAnimation",
    "animate_conv",
    "plot_degeneration",
    "plot_footprint",
    "plot_receptive_fields",
    "plot_sampling",
    "plot_valid_weights",
]
