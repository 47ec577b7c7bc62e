"""ASPP's forward pass, at inference: the branches, and their projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.aspp.parameters import NORM, PROJECTION, RATES, Layer, Parameters, as_rates, branches, read_parameters
from refconv.conv import conv2d
from refconv.nn import batch_norm, global_avg_pool2d, interpolate, relu
from refconv.nn.operands import as_image, operating_types, refuse_integers
from refconv.numbers.dtypes import round_once
from refconv.numbers.formats import Array

__all__ = ["aspp", "aspp_branches"]


def aspp(
    input: npt.ArrayLike,
    parameters: Parameters,
    rates: Sequence[int] = RATES,
    *,
    variant: str = "deeplabv3",
    eps: float = 1e-5,
) -> Array:
    """Atrous spatial pyramid pooling: DeepLabv3's module, or the simple variant, at inference.

    ::

        branch 0      f(conv(input, 1×1))
        branch i      f(conv(input, 3×3, dilation = padding = rates[i − 1]))
        last branch   resize(f(conv(mean(input), 1×1)), H×W)
        output        f(conv(concatenate(branches), 1×1))

    with ``f(x) = max(0, batch_norm(x))`` in DeepLabv3, and ``f(x) = x`` in the simple variant, whose convolutions add a
    bias.  The resizing is bilinear, which from one pixel repeats it.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of a floating type.
    parameters : mapping of str to array_like, or path
        The arrays under the names of torchvision's state dict, which `parameter_shapes` lists; or an ``.npz`` file of
        them.
    rates : sequence of int
        One for each 3×3 branch, in pixels; see `atrous_rates` for those of DeepLabv3 at an output stride.
    variant : {"deeplabv3", "simple"}
        With batch norm and ReLU, or with biases alone.
    eps : float
        What batch norm adds to the variance.

    Returns
    -------
    ndarray, (N, O, H, W) or (O, H, W)
        Computed in float64 or wider throughout, and rounded once to the ``np.result_type`` of all the arrays.

    Raises
    ------
    ValueError
        If a parameter is missing, too many or of another shape than it must be; if another argument does not fit.
    TypeError
        If the input holds integers, or an argument is of the wrong kind.

    Notes
    -----
    Source: Chen et al., "Rethinking atrous convolution for semantic image segmentation" (2017), section 3.3;
    `torchvision.models.segmentation.deeplabv3.ASPP`.

    Examples
    --------
    With all weights 1, one rate and no bias, each branch adds up what it reads of an image of ones: the 1×1 reads 1
    pixel and the mean is 1; of the 3×3 at rate 2, a corner of a 3×3 image reads 4 taps, an edge 2 and the centre 1.

    >>> import numpy as np
    >>> from refconv.aspp import parameter_shapes
    >>> shapes = parameter_shapes(1, 1, rates=[2], variant="simple")
    >>> ones = {name: np.full(shape, float(name.endswith("weight"))) for name, shape in shapes.items()}
    >>> aspp(np.ones((1, 3, 3)), ones, rates=[2], variant="simple")
    array([[[6., 4., 6.],
            [4., 3., 4.],
            [6., 4., 6.]]])
    """
    module = _Module.of(input, parameters, rates, variant, eps)
    joined = np.concatenate(list(module.branches().values()), axis=-3)
    return round_once(module.apply(PROJECTION, joined), module.result)


def aspp_branches(
    input: npt.ArrayLike,
    parameters: Parameters,
    rates: Sequence[int] = RATES,
    *,
    variant: str = "deeplabv3",
    eps: float = 1e-5,
) -> dict[str, Array]:
    """Outputs of ASPP's branches, before they are concatenated and projected.

    Parameters
    ----------
    input, parameters, rates, variant, eps
        As in `aspp`; the projection's parameters are asked for, too.

    Returns
    -------
    dict of str to ndarray, (N, O, H, W) or (O, H, W)
        ``convs.0`` for the 1×1, ``convs.1`` and on for the rates, the last for the mean; each rounded once.

    Raises
    ------
    TypeError, ValueError
        As in `aspp`.

    Examples
    --------
    >>> import numpy as np
    >>> from refconv.aspp import parameter_shapes
    >>> shapes = parameter_shapes(1, 1, rates=[2], variant="simple")
    >>> ones = {name: np.full(shape, float(name.endswith("weight"))) for name, shape in shapes.items()}
    >>> found = aspp_branches(np.ones((1, 3, 3)), ones, rates=[2], variant="simple")
    >>> list(found)
    ['convs.0', 'convs.1', 'convs.2']
    >>> found["convs.1"]
    array([[[4., 2., 4.],
            [2., 1., 2.],
            [4., 2., 4.]]])
    """
    module = _Module.of(input, parameters, rates, variant, eps)
    return {name: round_once(branch, module.result) for name, branch in module.branches().items()}


@dataclass(frozen=True, slots=True)
class _Module:
    """An input and the parameters, checked and in the type to compute in."""

    image: Array
    parameters: dict[str, Array]
    rates: tuple[int, ...]
    variant: str
    eps: float
    result: np.dtype[Any]

    @classmethod
    def of(
        cls, input: npt.ArrayLike, parameters: Parameters, rates: Sequence[int], variant: str, eps: float
    ) -> _Module:
        image = as_image(input, least=1)
        refuse_integers(image)
        rates = as_rates(rates)
        arrays = read_parameters(parameters, image.shape[-3], rates, variant)
        wide, result = operating_types(image, *arrays.values())
        widened = {name: array.astype(wide) for name, array in arrays.items()}
        return cls(image.astype(wide), widened, rates, variant, eps, result)

    def branches(self) -> dict[str, Array]:
        """Return the outputs of all branches, the mean's resized to the map."""
        *pyramid, (last, pooling) = branches(self.rates).items()
        outputs = {name: self.apply(layer, self.image) for name, layer in pyramid}
        pooled = self.apply(pooling, global_avg_pool2d(self.image))
        return outputs | {last: interpolate(pooled, self.image.shape[-2:], "bilinear")}

    def apply(self, layer: Layer, image: Array) -> Array:
        """Convolve, and do what the variant does behind a convolution."""
        weight = self.parameters[f"{layer.convolution}.weight"]
        bias = self.parameters.get(f"{layer.convolution}.bias")
        convolved = conv2d(image, weight, bias, padding="same", dilation=layer.rate)
        if self.variant == "simple":
            return convolved
        norm = {name: self.parameters[f"{layer.norm}.{name}"] for name in NORM}
        return relu(batch_norm(convolved, **norm, eps=self.eps))
