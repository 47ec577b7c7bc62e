"""Convolution of 8-bit integers: the exact int32 sum, and the sum brought back to 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from refconv.core.sums import CONVOLUTION
from refconv.geometry.arguments import LINE, PLANE, IntOrPair, PaddingLike, Space, check_choice, for_each_space
from refconv.geometry.build import plan_convolution
from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array, float_info
from refconv.quantized.requantize import ROUNDINGS, Scales

__all__ = ["conv1d_integer", "conv1d_quantized", "conv2d_integer", "conv2d_quantized"]

EIGHT_BITS = (np.dtype(np.int8), np.dtype(np.uint8))
FLOAT32 = float_info(np.float32)


@for_each_space("convNd_integer", spaces=(LINE, PLANE))
def _integer(
    space: Space, input: npt.ArrayLike, weight: npt.ArrayLike,
    input_zero_point: npt.ArrayLike = 0, weight_zero_point: npt.ArrayLike = 0,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1,
) -> Array:  # fmt: skip
    """Convolution of 8-bit integers with an exact 32-bit result, as ONNX's ConvInteger defines it.

    ``output[n, o, $p] = Σ (weight[o, c, $k] − Z_w[o])·(input[n, (C/G)·g + c, $h] − Z_x)``, as in `conv${N}d`; the
    padding holds Z_x, and so adds 0.

    Parameters
    ----------
    input : array_like of int8 or uint8, (N, C, $H) or (C, $H)
        Its type need not be the weight's.
    weight : array_like of int8 or uint8, (O, C/G, $K)
        The kernels, not flipped.
    input_zero_point : int
        Z_x, the number that stands for 0; in the range of the input's type.
    weight_zero_point : int or array_like of int, (O,)
        Z_w, for all output channels or for each; in the range of the weight's type.
    stride, padding, dilation, groups
        As in `conv${N}d`.

    Returns
    -------
    ndarray of int32, (N, O, $P) or (O, $P)
        Exact.

    Raises
    ------
    TypeError, ValueError
        If an array or a zero point is of another type, shape or range than these, or as in `conv${N}d`.
    OverflowError
        If a result is outside int32, where it would wrap.

    Examples
    --------
    With a zero point of 128, pixels of 130 stand for 2, and the padding for 0.

    >>> import numpy as np
    >>> image, kernel = np.full((1, ${ones}3), 130, np.uint8), np.full((1, 1, ${ones}3), 10, np.int8)
    >>> conv${N}d_integer(image, kernel, input_zero_point=128, padding=(${zeros}(1, 1),)).ravel()
    array([40, 60, 40], dtype=int32)
    """
    operands = _centred(input, weight, input_zero_point, weight_zero_point)
    return _sum(space, *operands, None, stride=stride, padding=padding, dilation=dilation, groups=groups)


conv1d_integer, conv2d_integer = _integer


@for_each_space("convNd_quantized", spaces=(LINE, PLANE))
def _quantized(  # noqa: PLR0917  # ONNX's operands, in its order
    space: Space, input: npt.ArrayLike, input_scale: npt.ArrayLike, input_zero_point: npt.ArrayLike,
    weight: npt.ArrayLike, weight_scale: npt.ArrayLike, weight_zero_point: npt.ArrayLike,
    output_scale: npt.ArrayLike, output_zero_point: npt.ArrayLike, bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1, padding: PaddingLike = 0, dilation: IntOrPair = 1, groups: int = 1, *,
    rounding: str = "onnx", dtype: npt.DTypeLike | None = None,
) -> Array:  # fmt: skip
    """Convolution of quantized numbers to quantized numbers, as ONNX's QLinearConv and TensorFlow Lite define it.

    ``output = saturate(round((sum + bias[o])·S_x·S_w[o] / S_y) + Z_y)``, where the sum is that of `conv${N}d_integer`.

    Parameters
    ----------
    input, weight : array_like of int8 or uint8
        As in `conv${N}d_integer`.
    input_zero_point, weight_zero_point : int, and int or array_like (O,)
        Z_x and Z_w, as in `conv${N}d_integer`.
    input_scale, weight_scale, output_scale : number, and for the weight also array_like, (O,)
        S_x, S_w and S_y, positive and of float32's range, taken for the numbers that they exactly are.  A model's
        scales are float32: its 0.1 is ``np.float32(0.1)``.
    output_zero_point : int
        Z_y, in the range of the output's type.
    bias : array_like of int, (O,), optional
        In int32's range and units of ``S_x·S_w[o]``, with a zero point of 0.
    stride, padding, dilation, groups
        As in `conv${N}d`.
    rounding : {"onnx", "tflite", "tflite_single"}
        How the product with ``M = S_x·S_w / S_y`` becomes a whole number.  ``"onnx"``: exact, and rounded once, ties to
        even.  ``"tflite"``: by a 31-bit multiplier and a shift, with a rounding in each, bit for bit as TensorFlow
        Lite's reference kernel.  ``"tflite_single"``: by the same multiplier, with a single rounding, ties up.
    dtype : dtype_like, optional
        int8 or uint8, the output's type; the input's if not given.

    Returns
    -------
    ndarray of int8 or uint8, (N, O, $P) or (O, $P)
        What is beyond the type's range becomes the nearest number within it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, shape or range than these, or as in `conv${N}d`.
    OverflowError
        If a sum is outside int32, or shifted to the left by ``"tflite"`` leaves it.

    Notes
    -----
    Kernels that multiply by M in float32, such as onnxruntime's and XNNPACK's, may be off by 1 where ``sum·M`` lies
    within that error of a tie.

    Sources: ONNX's operators QLinearConv and, for the rounding, QuantizeLinear; TensorFlow Lite's quantization
    specification and its reference kernel; Jacob et al. (2018), section 2.2.

    Examples
    --------
    The sums are 1, 3 and 5.  Halved, they are ties; ONNX takes the even neighbour, TensorFlow Lite the one above.

    >>> import numpy as np
    >>> image, one = np.array([1, 3, 5], np.int8).reshape(1, ${ones}3), np.ones((1, 1, ${ones}1), np.int8)
    >>> conv${N}d_quantized(image, 0.5, 0, one, 1.0, 0, 1.0, 0).ravel()
    array([0, 2, 2], dtype=int8)
    >>> conv${N}d_quantized(image, 0.5, 0, one, 1.0, 0, 1.0, 0, rounding="tflite").ravel()
    array([1, 2, 3], dtype=int8)

    At 100 times the scale the results saturate.

    >>> conv${N}d_quantized(image, 50, 0, one, 1.0, 0, 1.0, -10).ravel()
    array([ 40, 127, 127], dtype=int8)
    """
    scales = input_scale, weight_scale, output_scale
    operands = _centred(input, weight, input_zero_point, weight_zero_point)
    result = as_array("input", input).dtype if dtype is None else dtype
    finish = _requantizing(operands[1].shape[:1], scales, output_zero_point, rounding, result, rank=space.rank)
    offset = _as_bias(bias, operands[1])
    return finish(_sum(space, *operands, offset, stride=stride, padding=padding, dilation=dilation, groups=groups))


conv1d_quantized, conv2d_quantized = _quantized


def _sum(space: Space, image: Array, kernels: Array, bias: Array | None, **parameters: Any) -> Array:
    """Return the convolution of integers as int32; an OverflowError where that does not hold it."""
    operands = {"input": image, "weight": kernels} | ({} if bias is None else {"bias": bias})
    plan = plan_convolution(*(operand.shape for operand in operands.values()), space=space, **parameters)
    return CONVOLUTION.of(plan, "im2col", np.int32, operands)


def _requantizing(
    channels: tuple[int, ...], scales: Sequence[npt.ArrayLike], output_zero_point: npt.ArrayLike, rounding: str,
    dtype: npt.DTypeLike, *, rank: int,
) -> Callable[[Array], Array]:  # fmt: skip
    """Return the way from a sum back to 8 bits; all that it is told is checked before there is a sum."""
    check_choice("rounding", rounding, ROUNDINGS)
    result = _eight_bits("the output", dtype)
    zero, limits = _whole_numbers("output_zero_point", output_zero_point, result, [()]), np.iinfo(result)
    units = scales_of(*scales, channels=channels)._replace(rank=rank)

    def finish(sums: Array) -> Array:
        saturated: Array = np.clip(ROUNDINGS[rounding](sums, units) + zero, limits.min, limits.max)
        return saturated.astype(result)

    return finish


def scales_of(
    input_scale: npt.ArrayLike, weight_scale: npt.ArrayLike, output_scale: npt.ArrayLike, *, channels: tuple[int, ...]
) -> Scales:
    """Return what one unit stands for, of the sums and of the output."""
    (unit,) = _fractions("input_scale", input_scale, [()])
    units = [unit * scale for scale in _fractions("weight_scale", weight_scale, [(), channels])]
    (output,) = _fractions("output_scale", output_scale, [()])
    return Scales(units, output)


def _as_bias(bias: npt.ArrayLike | None, kernels: Array) -> Array | None:
    return None if bias is None else _whole_numbers("bias", bias, np.dtype(np.int32), [kernels.shape[:1]])


def _centred(
    input: npt.ArrayLike, weight: npt.ArrayLike, input_zero_point: npt.ArrayLike, weight_zero_point: npt.ArrayLike
) -> tuple[Array, Array]:
    """Return the differences from the zero points, which zeros can pad."""
    image, kernels = as_array("input", input), as_array("weight", weight)
    x_type, w_type = _eight_bits("input", image.dtype), _eight_bits("weight", kernels.dtype)
    middle = _whole_numbers("input_zero_point", input_zero_point, x_type, [()])
    middles = _whole_numbers("weight_zero_point", weight_zero_point, w_type, [(), kernels.shape[:1]])
    return image - middle, kernels - middles.reshape(middles.shape + (1,) * (kernels.ndim - 1))


def _eight_bits(name: str, dtype: npt.DTypeLike) -> np.dtype[Any]:
    if np.dtype(dtype) not in EIGHT_BITS:
        raise TypeError(f"{name} has dtype {np.dtype(dtype)}; it must be int8 or uint8")
    return np.dtype(dtype)


def _whole_numbers(name: str, value: npt.ArrayLike, dtype: np.dtype[Any], shapes: Sequence[tuple[int, ...]]) -> Array:
    """Return integers in the range of `dtype`, as int64."""
    array = _of_shape(name, value, shapes)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}={value!r} must be int, not {array.dtype}")
    limits = np.iinfo(dtype)
    for number in array.flat:
        if not limits.min <= number <= limits.max:
            raise ValueError(f"{name}={number} must be within {dtype}'s range {limits.min} ... {limits.max}")
    return array.astype(np.int64)


def _fractions(name: str, value: npt.ArrayLike, shapes: Sequence[tuple[int, ...]]) -> list[Fraction]:
    """Return scales as the numbers that they exactly are."""
    array = _of_shape(name, value, shapes)
    if array.dtype.kind not in "iufO":
        raise TypeError(f"{name}={value!r} must be a number, not {array.dtype}")
    for number in array.ravel().tolist():
        if not FLOAT32.smallest <= number <= FLOAT32.largest:
            raise ValueError(
                f"{name}={number!r} must be within float32's range {FLOAT32.smallest} ... {FLOAT32.largest}"
            )
    return [Fraction(*number.as_integer_ratio()) for number in array.ravel().tolist()]


def _of_shape(name: str, value: npt.ArrayLike, shapes: Sequence[tuple[int, ...]]) -> Array:
    array = as_array(name, value)
    if array.shape not in shapes:
        raise ValueError(f"{name} has shape {array.shape}; it must be {' or '.join(map(str, shapes))}")
    return array
