"""The transposed convolution: the same lines between pixels, walked the other way.

Every input pixel is scattered through the kernel: what stands at p adds ``weight[i]`` times itself to the output pixel
S·p + D·i − T.  Nothing is inverted, and nothing is padded: what would fall outside is cropped.  It is the adjoint of a
convolution, and is planned as that convolution (`adjoint_geometry`) and computed as its adjoint (`adjoint`).
"""

from __future__ import annotations

from functools import partial

import numpy.typing as npt

from refconv.accumulation import accumulate, add_bias, as_operands
from refconv.adjoint import INPUT_METHODS, most_products
from refconv.adjoint_geometry import transposed_axes, transposed_geometry
from refconv.exact_adjoint import exact_input
from refconv.geometry.arguments import PLANE, IntOrPair, PaddingLike, check_choice
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.formats import Array

__all__ = ["conv_transpose2d"]


def conv_transpose2d(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
    *,
    method: str = "im2col",
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """2-D transposed convolution, as `torch.nn.functional.conv_transpose2d` defines it: the adjoint of `conv2d`.

    ::

        output[n, (O/G)·g + o, h, w] = bias[(O/G)·g + o] + Σ weight[c, o, i, j] · input[n, c, p, q]

    summed over the channels c of group g and over all p, q, i and j with

    ::

        S_h·p + D_h·i − T = h        S_w·q + D_w·j − L = w

    Parameters
    ----------
    input : array_like, (N, C, P, Q) or (C, P, Q)
        Of any number type, memory layout and byte order; it is not written to.
    weight : array_like, (C, O/G, K_h, K_w)
        The kernels, not flipped: the weight of the convolution from O to C channels whose adjoint this is.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or pair of int
        (S_h, S_w) and (D_h, D_w), at least 1.
    padding : int, pair or pair of pairs
        Pixels that are cropped from each side of the output: one number, (height, width), or ``((T, B), (L, R))``.
    output_padding : int or pair of int
        E, rows and columns that are added below and to the right; smaller than the stride or the dilation.  They lie
        over what the padding crops there, and beyond that hold nothing but the bias.
    groups : int
        G, a divisor of C.  Group g turns its own C/G input channels into its own O/G output channels.
    method : {"im2col", "direct", "exact"}
        How to compute it: a matrix product and `col2im`; the scatter as loops, which is slow; or correctly rounded, as
        in `conv2d`.
    dtype : dtype_like, optional
        Type to round to; ``np.float64`` gives the wide truth for float32 data.

    Returns
    -------
    ndarray, (N, O, H, W) or (O, H, W)
        With ``H = S_h·(P − 1) + D_h·(K_h − 1) + 1 + E_h − T − B``, and W likewise; of the type that `conv2d` gives.

    Raises
    ------
    ValueError
        If shapes or numbers do not fit each other; the message has them all.
    TypeError
        If an argument is of the wrong kind, or `dtype` would drop a fraction or an imaginary part.
    OverflowError
        If an exact integer result is outside the range of its type.

    Notes
    -----
    It is the transpose Aᵀ of the matrix of the convolution, for complex numbers too: nothing is conjugated.

    Sources: `torch.nn.functional.conv_transpose2d`; Dumoulin & Visin (2016), section 4; Zeiler et al.,
    "Deconvolutional networks" (2010).

    Examples
    --------
    Two pixels, two rows apart, each leave the kernel times themselves; at stride 1 they overlap and add up.

    >>> import numpy as np
    >>> image = np.array([[[1], [10]]])
    >>> kernel = np.array([[[[1], [2], [3]]]])
    >>> conv_transpose2d(image, kernel, stride=(2, 1)).ravel()
    array([ 1,  2, 13, 20, 30])
    >>> conv_transpose2d(image, kernel).ravel()
    array([ 1, 12, 23, 30])

    Padding crops; output padding gives some of it back.

    >>> conv_transpose2d(image, kernel, stride=(2, 1), padding=(1, 0)).ravel()
    array([ 2, 13, 20])
    >>> conv_transpose2d(image, kernel, stride=(2, 1), padding=(1, 0), output_padding=(1, 0)).ravel()
    array([ 2, 13, 20, 30])
    """
    check_choice("method", method, INPUT_METHODS)
    operands = as_operands(input, weight, bias)
    shapes = [operand.shape for operand in operands.values()]
    axes = transposed_axes(
        *shapes,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
        space=PLANE,
    )
    return transpose_of(operands, transposed_geometry(shapes[0], shapes[1], groups, axes), method, dtype)


def transpose_of(operands: dict[str, Array], geometry: ConvGeometry, method: str, dtype: npt.DTypeLike | None) -> Array:
    """Return the adjoint of a planned convolution, with a bias where there is one, by the type rules."""

    def transposed(image: Array, kernel: Array, *biases: Array) -> Array:
        pixels = INPUT_METHODS[method](image, kernel, geometry)
        return add_bias(pixels, biases, axes=2)

    images = operands | {"input": operands["input"].reshape(geometry.batch, *operands["input"].shape[-3:])}
    axes = geometry.height, geometry.width
    exact = partial(exact_input, axes=axes, groups=geometry.groups) if method == "exact" else None
    output = accumulate(transposed, images, terms=most_products(geometry), dtype=dtype, exact=exact)
    return output if geometry.batched else output[0]
