"""The transposed convolution: the same lines between pixels, walked the other way.

Every input pixel is scattered through the kernel: what stands at p adds ``weight[i]`` times itself to the output pixel
S·p + D·i − T.  Nothing is inverted, and nothing is padded: what would fall outside is cropped.  It is the adjoint of a
convolution with respect to its input, and is planned as that convolution (`geometry.transposed`).
"""

from __future__ import annotations

from numpy.typing import ArrayLike, DTypeLike

from refconv.core.adjoint import INPUT_ADJOINT
from refconv.geometry.arguments import IntOrPair, PaddingLike, Space, check_choice, for_each_space
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.dtypes import as_operands
from refconv.numbers.formats import Array

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


@for_each_space("conv_transposeNd")
def _transposed(
    space: Space, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *,
    output_size: IntOrPair | None = None, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """${N}-D transposed convolution, as in `torch.nn.functional.conv_transpose${N}d`: the adjoint of `conv${N}d`.

    ``output[n, (O/G)·g + o, $h] = bias[(O/G)·g + o] + Σ weight[c, o, $k] · input[n, c, $p]``

    summed over the channels c of group g and over all p and k with ``S·p + D·k − T = h`` along every axis.  That is the
    transpose Aᵀ of the convolution's matrix, for complex numbers too: nothing is conjugated.  Sources: Dumoulin & Visin
    (2016), section 4; Zeiler et al., "Deconvolutional networks" (2010).

    Parameters
    ----------
    input : array_like, (N, C, $P) or (C, $P)
        Of any number type, memory layout and byte order; it is not written to.
    weight : array_like, (C, O/G, $K)
        The kernels, not flipped: the weight of the convolution from O to C channels whose adjoint this is.
    bias : array_like, (O,), optional
        Added to every pixel of its output channel, before rounding.
    stride, dilation : int or sequence of int
        S and D, at least 1: one number, or one for each axis.
    padding : int, sequence of int, sequence of pairs or str
        Pixels that are cropped from each side of the output: one number, one for each axis, or (before, after) for
        each; or ``"valid"``, nothing; or ``"same_upper"``, ``"same_lower"``: so many that H is S·P along every axis, or
        what `output_size` says, split as in `same_padding` (ONNX's auto_pad; the first is TensorFlow's SAME as well).
    output_padding : int or sequence of int
        E, pixels that are added at the end; fewer than the stride or the dilation.  They lie over what the padding
        crops there, and beyond that hold nothing but the bias.
    output_size : int or sequence of int, optional
        ($H), in place of `output_padding`: PyTorch's output_size and, with a SAME padding, ONNX's output_shape.
    groups : int
        G, a divisor of C.  Group g turns its own C/G input channels into its own O/G output channels.
    method : {"im2col", "direct", "exact"}
        How to compute it: a matrix product and `col2im`; the scatter as loops, which is slow; or correctly rounded, as
        in `conv${N}d`.
    dtype : dtype_like, optional
        Type to round to; ``np.float64`` gives the wide truth for float32 data.

    Returns
    -------
    ndarray, (N, O, $H) or (O, $H)
        Each of them ``S·(P − 1) + D·(K − 1) + 1 + E − T − B`` pixels; of the type that `conv${N}d` gives.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv${N}d`.

    Examples
    --------
    Two pixels each leave the kernel times themselves; at stride 1 they overlap by two, at stride 2 by one.

    >>> import numpy as np
    >>> image, kernel = np.array([1, 10]).reshape(1, 1, ${ones}2), np.array([1, 2, 3]).reshape(1, 1, ${ones}3)
    >>> conv_transpose${N}d(image, kernel).ravel()
    array([ 1, 12, 23, 30])
    >>> conv_transpose${N}d(image, kernel, stride=2).ravel()
    array([ 1,  2, 13, 20, 30])

    Padding crops; the size of the output, or output padding, gives some of it back.

    >>> sides = (${zeros}(1, 1),)
    >>> conv_transpose${N}d(image, kernel, stride=2, padding=sides).ravel()
    array([ 2, 13, 20])
    >>> conv_transpose${N}d(image, kernel, stride=2, padding=sides, output_size=(${ones}4,)).ravel()
    array([ 2, 13, 20, 30])
    """
    check_choice("method", method, INPUT_ADJOINT.methods)
    operands = as_operands(input=input, weight=weight, bias=bias)
    plan = plan_transposed(
        *(operand.shape for operand in operands.values()), stride=stride, padding=padding, dilation=dilation,
        output_padding=output_padding, groups=groups, output_size=output_size, space=space,
    )  # fmt: skip
    return INPUT_ADJOINT.of(plan, method, dtype, operands)


conv_transpose1d, conv_transpose2d, conv_transpose3d = _transposed
