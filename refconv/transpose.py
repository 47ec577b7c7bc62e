"""The transposed convolution: the same lines between pixels, walked the other way.

Every input pixel is scattered through the kernel: what stands at p adds ``weight[i]`` times itself to the output pixel
S·p + D·i − T.  Nothing is inverted, and nothing is padded: what would fall outside is cropped.  It is the adjoint of a
convolution with respect to its input, and is planned as that convolution (`geometry.transposed`).
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, DTypeLike

from refconv.core.sums import INPUT_ADJOINT
from refconv.geometry.arguments import LINE, PLANE, VOLUME, IntOrPair, PaddingLike, Space, check_choice
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.dtypes import as_operands
from refconv.numbers.formats import Array

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose2d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *,
    output_size: IntOrPair | None = None, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
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
    padding : int, pair, pair of pairs or str
        Pixels that are cropped from each side of the output: one number, (height, width), or ``((T, B), (L, R))``; or
        ``"valid"``, nothing; or ``"same_upper"``, ``"same_lower"``: so many that H is S_h·P, or what `output_size`
        says, split as in `same_padding` (ONNX's auto_pad; ``"same_upper"`` is TensorFlow's SAME as well).
    output_padding : int or pair of int
        E, rows and columns that are added below and to the right; smaller than the stride or the dilation.  They lie
        over what the padding crops there, and beyond that hold nothing but the bias.
    output_size : int or pair of int, optional
        (H, W), in place of `output_padding`: PyTorch's output_size and, with a SAME padding, ONNX's output_shape.
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
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps |= {"dilation": dilation, "output_size": output_size}
    return _transposed(PLANE, input, weight, bias, method, dtype, **steps)


def conv_transpose1d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *,
    output_size: IntOrPair | None = None, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """1-D transposed convolution, as `torch.nn.functional.conv_transpose1d` defines it: of a height of 1.

    ``output[n, (O/G)·g + o, l] = bias[(O/G)·g + o] + Σ weight[c, o, i] · input[n, c, p]``

    over all ``S·p + D·i − T = l``.

    Parameters
    ----------
    input : array_like, (N, C, P) or (C, P)
        As in `conv_transpose2d`.
    weight : array_like, (C, O/G, K)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, output_padding, dilation : int or tuple of one int
        S, E and D, as in `conv_transpose2d`.
    padding : int, tuple of one int or ``((before, after),)``
        Pixels that are cropped from each end of the output.
    output_size, groups, method, dtype
        As in `conv_transpose2d`.

    Returns
    -------
    ndarray, (N, O, L) or (O, L)
        With ``L = S·(P − 1) + D·(K − 1) + 1 + E − T − B``; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv_transpose2d`.

    Examples
    --------
    Every pixel is scattered through the kernel, at stride 2 with an overlap of one pixel.

    >>> import numpy as np
    >>> conv_transpose1d(np.array([[1, 10, 100]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[  1,   2,  13,  20, 130, 200, 300]])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps |= {"dilation": dilation, "output_size": output_size}
    return _transposed(LINE, input, weight, bias, method, dtype, **steps)


def conv_transpose3d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *,
    output_size: IntOrPair | None = None, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """3-D transposed convolution, as `torch.nn.functional.conv_transpose3d` defines it: the adjoint of `conv3d`.

    ``output[n, (O/G)·g + o, z, h, w] = bias[(O/G)·g + o] + Σ weight[c, o, k, i, j] · input[n, c, r, p, q]``

    over all ``S_d·r + D_d·k − F = z``, F the padding in front, and h and w as in `conv_transpose2d`.

    Parameters
    ----------
    input : array_like, (N, C, R, P, Q) or (C, R, P, Q)
        As in `conv_transpose2d`.
    weight : array_like, (C, O/G, K_d, K_h, K_w)
        The kernels, not flipped.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, output_padding, dilation : int or triple of int
        For depth, height and width, as in `conv_transpose2d`.
    padding : int, triple or triple of pairs
        Pixels that are cropped from each side of the output.
    output_size, groups, method, dtype
        As in `conv_transpose2d`.

    Returns
    -------
    ndarray, (N, O, Z, H, W) or (O, Z, H, W)
        Z, H and W each as H in `conv_transpose2d`; of the type that `conv2d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv_transpose2d`.

    Examples
    --------
    Two planes of one pixel, scattered through two taps in depth, overlap in the middle plane.

    >>> import numpy as np
    >>> volume = np.array([1, 10]).reshape(1, 1, 2, 1, 1)
    >>> conv_transpose3d(volume, np.array([3, 4]).reshape(1, 1, 2, 1, 1)).ravel()
    array([ 3, 34, 40])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    steps |= {"dilation": dilation, "output_size": output_size}
    return _transposed(VOLUME, input, weight, bias, method, dtype, **steps)


def _transposed(
    space: Space, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None,
    method: str, dtype: DTypeLike | None, **parameters: Any,
) -> Array:  # fmt: skip
    """Check, plan, add up."""
    check_choice("method", method, INPUT_ADJOINT.methods)
    operands = as_operands(input=input, weight=weight, bias=bias)
    plan = plan_transposed(*(operand.shape for operand in operands.values()), space=space, **parameters)
    return INPUT_ADJOINT.of(plan, method, dtype, operands | {"input": operands["input"].reshape(plan.output_shape)})
