"""The gradients of all convolutions, with the names and the order of arguments of `torch.nn.grad`.

A convolution is linear in its input, in its weight and in its bias, so that each of its gradients is the adjoint of one
linear map.  With Y for the gradient that arrives at the output, and h = S·p + D·i − T as ever,

    grad_input[n, c, h, w]   = Σ conj(weight[o, c, i, j]) · Y[n, o, p, q]    over all that read pixel (h, w)
    grad_weight[o, c, i, j]  = Σ conj(input[n, c, h, w]) · Y[n, o, p, q]     over all images and outputs
    grad_bias[o]             = Σ Y[n, o, p, q]                               over all images and outputs

A pixel that stands in the padding too, because the padding mirrors, repeats or wraps round, is read there as well, and
its gradient has a share from there.

A transposed convolution is such an adjoint itself, so that its gradients lead back: with respect to its input it is a
convolution, of Y, and with respect to its weight the same sum with the factors exchanged, Y for the input and the input
for Y.

For complex numbers the other factor is conjugated, as in PyTorch's autograd; in a transposed convolution none is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from refconv.core.adjoint import INPUT_ADJOINT, WEIGHT_ADJOINT
from refconv.core.sums import CONVOLUTION, Sum
from refconv.geometry.arguments import IntOrPair, PaddingLike, Space, as_int, check_choice, for_each_space, is_sequence
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import named_shapes, plan_convolution, split_shape
from refconv.geometry.plan import ConvGeometry
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array

# fmt: off
__all__ = [
    "conv1d_bias", "conv1d_input", "conv1d_weight",
    "conv2d_bias", "conv2d_input", "conv2d_weight",
    "conv3d_bias", "conv3d_input", "conv3d_weight",
    "conv_transpose1d_bias", "conv_transpose1d_input", "conv_transpose1d_weight",
    "conv_transpose2d_bias", "conv_transpose2d_input", "conv_transpose2d_weight",
    "conv_transpose3d_bias", "conv_transpose3d_input", "conv_transpose3d_weight",
]
# fmt: on

# What all docstrings have in common, from the methods on; `result` is the shape of each.
REST = """method : {"im2col", "direct", "exact"}
        How to compute it: a matrix product; the formula as loops, which is slow; or correctly rounded.  By the input of
        a transposed convolution it is a convolution, and has the methods of `conv${N}d`.
    dtype : dtype_like, optional
        Type to round to.

    Returns
    -------
    ndarray, $result
        Accumulated and rounded by the type rules of `conv${N}d`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As in `conv${N}d`, or if the shape of `grad_output` is not that of the output."""


@for_each_space("convNd_input", rest=REST, result="(N, C, $H) or (C, $H)")
def _input(
    space: Space, input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv${N}d` with respect to its input, as `torch.nn.grad.conv${N}d_input` defines it.

    ``grad_input[n, (C/G)·g + c, $h] = Σ conj(weight[o, c, $k]) · grad_output[n, o, $p]``

    summed over the group's output channels o and over all outputs p and taps k that read the pixel h.  Without padding
    modes, and for numbers that are their own conjugates, this is the transposed convolution of `grad_output` with the
    same weight and an output padding that makes up for what the stride left out.

    Parameters
    ----------
    input_size : sequence of int, (N, C, $H) or (C, $H)
        The shape of the input, which strides leave open: several sizes give the same output.
    weight : array_like, (O, C/G, $K)
    grad_output : array_like, (N, O, $P) or (O, $P)
        The gradient with respect to the convolution's output.
    stride, padding, dilation, groups, padding_mode
        Those of the convolution, as in `conv${N}d`.
    $rest

    Examples
    --------
    Two taps reach, at stride 2, the pixels 0 and 1, then 2 and 3; nothing reads pixel 4.

    >>> import numpy as np
    >>> kernel = np.array([1, 2]).reshape(1, 1, ${ones}2)
    >>> arriving = np.array([10, 100]).reshape(1, 1, ${ones}2)
    >>> conv${N}d_input((1, 1, ${ones}5), kernel, arriving, stride=2).ravel()
    array([ 10,  20, 100, 200,   0])
    """
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": padding_mode}
    given, size = {"grad_output": grad_output, "weight": weight}, {"input_size": input_size}
    return _gradient(INPUT_ADJOINT, plan_convolution, space, given, size, steps, method, dtype)


conv1d_input, conv2d_input, conv3d_input = _input


@for_each_space("convNd_weight", rest=REST, result="(O, C/G, $K)")
def _weight(
    space: Space, input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    padding_mode: str = "zeros", method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv${N}d` with respect to its weight, as `torch.nn.grad.conv${N}d_weight` defines it.

    ``grad_weight[o, c, $k] = Σ conj(input[n, (C/G)·g + c, $h]) · grad_output[n, o, $p]``

    summed over all images n and outputs p, with h = S·p + D·k − T along each axis and g = o // (O/G); a zero in the
    padding is multiplied like any pixel.  It is a convolution too: of the padded input, with its channels taken for
    images and its images for channels, with `grad_output` for the kernel, and with stride and dilation exchanged.

    Parameters
    ----------
    input : array_like, (N, C, $H) or (C, $H)
    weight_size : sequence of int, (O, C/G, $K)
        The shape of the weight.
    grad_output, stride, padding, dilation, groups, padding_mode
        As in `conv${N}d_input`.
    $rest

    Examples
    --------
    Two outputs at stride 2: the first tap meets the pixels 1 and 3, the second 2 and 4.

    >>> import numpy as np
    >>> image = np.array([1, 2, 3, 4]).reshape(1, 1, ${ones}4)
    >>> arriving = np.array([10, 100]).reshape(1, 1, ${ones}2)
    >>> conv${N}d_weight(image, (1, 1, ${ones}2), arriving, stride=2).ravel()
    array([310, 420])
    """
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": padding_mode}
    given, size = {"input": input, "grad_output": grad_output}, {"weight_size": weight_size}
    return _gradient(WEIGHT_ADJOINT, plan_convolution, space, given, size, steps, method, dtype)


conv1d_weight, conv2d_weight, conv3d_weight = _weight


@for_each_space("convNd_bias", "conv_transposeNd_bias", rest=REST, result="(O,)")
def _bias(
    space: Space, grad_output: ArrayLike, *, method: str = "im2col", dtype: DTypeLike | None = None
) -> Array:  # fmt: skip
    """Gradient of `conv${N}d` and of `conv_transpose${N}d` with respect to the bias.

    ``grad_bias[o] = Σ grad_output[n, o, $p]``, summed over all images n and outputs p: a bias is the weight of one tap
    over a channel of ones.

    Parameters
    ----------
    grad_output : array_like, (N, O, $P) or (O, $P)
        The gradient with respect to the output.
    $rest

    Examples
    --------
    >>> import numpy as np
    >>> conv${N}d_bias(np.array([1, 2, 30, 40]).reshape(2, ${ones}2))
    array([ 3, 70])
    """
    check_choice("method", method, WEIGHT_ADJOINT.methods)
    arriving = as_array("grad_output", grad_output)
    plan = plan_of_ones(arriving.shape, space)
    ones = np.broadcast_to(np.ones((), arriving.dtype), plan.input_shape)
    return WEIGHT_ADJOINT.of(plan, method, dtype, {"input": ones, "grad_output": arriving}).ravel()


conv1d_bias, conv2d_bias, conv3d_bias, *_transposed_bias = _bias
conv_transpose1d_bias, conv_transpose2d_bias, conv_transpose3d_bias = _transposed_bias


@for_each_space("conv_transposeNd_input", rest=REST, result="(N, C, $P) or (C, $P)")
def _transposed_input(
    space: Space, input_size: Sequence[int], weight: ArrayLike, grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose${N}d` with respect to its input: a convolution.

    ``grad_input[n, c, $p] = Σ conj(weight[c, o, $k]) · grad_output[n, (O/G)·g + o, $h]``

    Parameters
    ----------
    input_size : sequence of int, (N, C, $P) or (C, $P)
    weight : array_like, (C, O/G, $K)
    grad_output : array_like, (N, O, $H) or (O, $H)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose${N}d`.
    $rest

    Examples
    --------
    Each pixel was scattered through 2 taps, and reads through them what arrives there.

    >>> import numpy as np
    >>> kernel = np.array([3, 4]).reshape(1, 1, ${ones}2)
    >>> arriving = np.array([1, 10, 100]).reshape(1, 1, ${ones}3)
    >>> conv_transpose${N}d_input((1, 1, ${ones}2), kernel, arriving).ravel()
    array([ 43, 430])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    given, size = {"grad_output": grad_output, "weight": weight}, {"input_size": input_size}
    return _gradient(CONVOLUTION, plan_transposed, space, given, size, steps | {"dilation": dilation}, method, dtype)


conv_transpose1d_input, conv_transpose2d_input, conv_transpose3d_input = _transposed_input


@for_each_space("conv_transposeNd_weight", rest=REST, result="(C, O/G, $K)")
def _transposed_weight(
    space: Space, input: ArrayLike, weight_size: Sequence[int], grad_output: ArrayLike,
    stride: IntOrPair = 1, padding: PaddingLike = 0, output_padding: IntOrPair = 0, groups: int = 1,
    dilation: IntOrPair = 1, *, method: str = "im2col", dtype: DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Gradient of `conv_transpose${N}d` with respect to its weight: the convolution's, with the factors exchanged.

    ``grad_weight[c, o, $k] = Σ conj(input[n, c, $p]) · grad_output[n, (O/G)·g + o, $h]``

    Parameters
    ----------
    input : array_like, (N, C, $P) or (C, $P)
    weight_size : sequence of int, (C, O/G, $K)
    grad_output : array_like, (N, O, $H) or (O, $H)
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose${N}d`.
    $rest

    Examples
    --------
    Tap 0 took pixel 1 to place 0 and pixel 2 to place 1; tap 1 one place further.

    >>> import numpy as np
    >>> image = np.array([1, 2]).reshape(1, 1, ${ones}2)
    >>> arriving = np.array([10, 100, 1000]).reshape(1, 1, ${ones}3)
    >>> conv_transpose${N}d_weight(image, (1, 1, ${ones}2), arriving).ravel()
    array([ 210, 2100])
    """
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    given, size = {"grad_output": grad_output, "input": input}, {"weight_size": weight_size}
    return _gradient(WEIGHT_ADJOINT, plan_transposed, space, given, size, steps | {"dilation": dilation}, method, dtype)


conv_transpose1d_weight, conv_transpose2d_weight, conv_transpose3d_weight = _transposed_weight


def _gradient(
    total: Sum, plan_of: Callable[..., ConvGeometry], space: Space, factors: Mapping[str, ArrayLike],
    size: Mapping[str, Sequence[int]], steps: Mapping[str, object], method: str, dtype: DTypeLike | None,
) -> Array:  # fmt: skip
    """Return a sum of the gradient that arrives with the other factor, conjugated: in the order of the plan's parts."""
    check_choice("method", method, total.methods)
    operands = {name: as_array(name, factor) for name, factor in factors.items()}
    shapes = {name.removesuffix("_size"): as_shape(name, shape) for name, shape in size.items()}
    shapes |= {name: operand.shape for name, operand in operands.items()}
    plan = plan_of(shapes["input"], shapes["weight"], space=space, **steps)
    letters, expected = space.outputs, plan.output_shape
    if plan_of is plan_transposed:  # whose plan is that of the convolution back
        letters, expected = space.pixels, plan.input_shape
    forms, expected = (f"(N, O, {letters})", expected) if plan.batched else (f"(O, {letters})", expected[1:])
    if shapes["grad_output"] != expected:
        given = named_shapes(**{name: shapes[name] for name in ("input", "weight", "grad_output")})
        raise ValueError(f"grad_output must have the output's shape {forms} = {expected} ({given})")
    for name, operand in operands.items():
        if name != "grad_output" and operand.dtype.kind in "cO":
            operands[name] = operand.conj()
    return total.of(plan, method, dtype, operands)


def as_shape(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Return a shape as a tuple of ints."""
    if not is_sequence(value):
        raise TypeError(f"{name}={value!r} must be a sequence of ints, a shape")
    return tuple(as_int(f"{name}[{axis}]", size, minimum=0) for axis, size in enumerate(value))


def plan_of_ones(arriving: Sequence[int], space: Space) -> ConvGeometry:
    """Return the plan in which a bias is the weight of a channel of ones, of one tap, by the shape of its gradient."""
    batched, batch, channels, *size = split_shape(arriving, space, "grad_output", f"O, {space.outputs}")
    return ConvGeometry(batch, 1, channels, 1, tuple(AxisGeometry(extent, 1) for extent in size), batched=bool(batched))
