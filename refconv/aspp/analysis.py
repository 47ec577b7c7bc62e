"""What do ASPP's branches see?  Its convolutions as a network, and the weights of theirs that touch the map."""

from __future__ import annotations

from collections.abc import Sequence

from refconv.analysis import Conv, Parallel, ValidWeights, valid_weights
from refconv.aspp.parameters import RATES, Layer, as_rates, branches
from refconv.geometry.arguments import IntOrPair

__all__ = ["aspp_layers", "aspp_valid_weights"]


def _convolutions(rates: Sequence[int]) -> dict[str, Layer]:
    """Return the branches that convolve the map: all but the last, whose convolution sees one pixel, the mean."""
    return dict(list(branches(as_rates(rates)).items())[:-1])


def aspp_layers(rates: Sequence[int] = RATES) -> Parallel:
    """ASPP's convolutions over the map as a network, for the questions of `refconv.analysis`.

    Parameters
    ----------
    rates : sequence of int
        One for each 3×3 branch.

    Returns
    -------
    Parallel
        The 1×1 and the 3×3 convolutions.  The mean is left out: it sees every pixel of any map, and says nothing of the
        rates.  The projection is a 1×1 convolution and sees what they see.

    Raises
    ------
    TypeError, ValueError
        If the rates are not ints of at least 1.

    Examples
    --------
    The union of what the branches see: per axis the pixels at 0 and at ± each rate, the one in the middle through every
    branch.

    >>> from refconv.analysis import footprint
    >>> use = footprint(aspp_layers([1, 3]))
    >>> use.counts
    array([[1, 0, 0, 1, 0, 0, 1],
           [0, 0, 0, 0, 0, 0, 0],
           [0, 0, 1, 1, 1, 0, 0],
           [1, 0, 1, 3, 1, 0, 1],
           [0, 0, 1, 1, 1, 0, 0],
           [0, 0, 0, 0, 0, 0, 0],
           [1, 0, 0, 1, 0, 0, 1]])
    """
    convolutions = _convolutions(rates).values()
    return Parallel(*(Conv(layer.kernel_size, padding="same", dilation=layer.rate) for layer in convolutions))


def aspp_valid_weights(map_size: IntOrPair, rates: Sequence[int] = RATES) -> dict[str, ValidWeights]:
    """How many weights of each branch touch real pixels, on a map of a given size?

    Parameters
    ----------
    map_size : int or pair of int
        (H, W) of the map that ASPP reads; an int is a square.
    rates : sequence of int
        One for each 3×3 branch.

    Returns
    -------
    dict of str to ValidWeights
        For each branch that convolves the map, named as in `aspp_branches`: positions by their number of valid taps.

    Raises
    ------
    TypeError, ValueError
        If the size or the rates are not of these forms.

    Notes
    -----
    A rate as large as the map leaves the centre tap alone: the 3×3 convolution is a 1×1.
    Source: Chen et al. (2017), section 3.3 and figure 4.

    Examples
    --------
    On 33×33, the map of a 513×513 image at an output stride of 16, the branch at rate 18 never sees nine pixels:

    >>> for name, valid in aspp_valid_weights(33).items():
    ...     print(name, valid.counts)
    convs.0 {1: 1089}
    convs.1 {9: 441, 6: 504, 4: 144}
    convs.2 {9: 81, 6: 432, 4: 576}
    convs.3 {4: 900, 2: 180, 1: 9}
    """
    return {
        name: valid_weights(map_size, layer.kernel_size, layer.rate) for name, layer in _convolutions(rates).items()
    }
