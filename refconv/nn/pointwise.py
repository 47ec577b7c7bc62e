"""Layers that look at one pixel at a time: ReLU, and batch norm at inference."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from refconv.nn.operands import as_image, operating_types, refuse_integers
from refconv.numbers.dtypes import as_array, round_once
from refconv.numbers.formats import Array

__all__ = ["batch_norm", "relu"]


def relu(input: npt.ArrayLike) -> Array:
    """Rectified linear unit: ``max(x, 0)``, element by element; NaN stays NaN.

    Parameters
    ----------
    input : array_like
        Of any shape and any real type.

    Returns
    -------
    ndarray
        Of the input's shape and type.

    Raises
    ------
    TypeError
        If the input is complex, which has no order.

    Notes
    -----
    Source: Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    values = as_array("input", input)
    if values.dtype.kind == "c":
        raise TypeError(f"input has dtype {values.dtype}; it must be real, for ReLU compares (input {values.shape})")
    rectified: Array = np.maximum(values, np.zeros((), values.dtype))
    return rectified


def batch_norm(
    input: npt.ArrayLike,
    running_mean: npt.ArrayLike,
    running_var: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    bias: npt.ArrayLike | None = None,
    *,
    eps: float = 1e-5,
) -> Array:
    """Batch norm at inference, channel by channel: ``y = (x − mean) / √(var + eps) · weight + bias``.

    Parameters
    ----------
    input : array_like, (N, C, H, W) or (C, H, W)
        Of a floating or complex type.
    running_mean, running_var : array_like, (C,)
        The statistics that training has gathered.
    weight, bias : array_like, (C,), optional
        The paper's γ and β; without them 1 and 0.
    eps : float
        Added to the variance; finite and at least 0.

    Returns
    -------
    ndarray, of the input's shape
        Rounded once to the ``np.result_type`` of all the arrays.  NaN where ``var + eps`` is negative.

    Raises
    ------
    ValueError
        If shapes do not fit each other, or `eps` is negative or not finite.
    TypeError
        If the input holds integers or objects.

    Notes
    -----
    Source: Ioffe & Szegedy, "Batch normalization" (2015), algorithm 2.

    Examples
    --------
    With a mean of 1 and a variance of 4, a 7 is three standard deviations above the mean.

    >>> import numpy as np
    >>> batch_norm(np.full((1, 1, 1), 7.0), running_mean=[1], running_var=[4], weight=[10], bias=[5], eps=0)
    array([[[35.]]])
    """
    image = as_image(input)
    refuse_integers(image)
    if not 0 <= eps < math.inf:
        raise ValueError(f"eps={eps!r} must be finite and at least 0")
    per_channel = [
        _per_channel("running_mean", running_mean, image),
        _per_channel("running_var", running_var, image),
        _per_channel("weight", np.ones(image.shape[-3], image.dtype) if weight is None else weight, image),
        _per_channel("bias", np.zeros(image.shape[-3], image.dtype) if bias is None else bias, image),
    ]
    wide, result = operating_types(image, *per_channel)
    if wide.kind == "O":
        raise TypeError(
            f"an array has dtype object; it must be a floating type, for a root is taken (input {image.shape})"
        )
    x, mean, var, gamma, beta = (array.astype(wide) for array in (image, *per_channel))
    with np.errstate(all="ignore"):  # as in conv2d: what is not finite is an answer
        return round_once((x - mean) / np.sqrt(var + eps) * gamma + beta, result)


def _per_channel(name: str, value: npt.ArrayLike, image: Array) -> Array:
    """Return one number a channel as (C, 1, 1), to stand beside the image."""
    array = as_array(name, value)
    channels = image.shape[-3]
    if array.shape != (channels,):
        raise ValueError(f"{name} has shape {array.shape}; it must be (C,) = ({channels},) (input {image.shape})")
    return array[:, np.newaxis, np.newaxis]
