"""The right reading of a problem, whichever operation of the family it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from refconv.adjoint import conjugate
from refconv.adjoint_geometry import gradient_geometry, transposed_axes
from refconv.conv import conv2d
from refconv.conv_nd import checked_axes, conv1d, conv3d
from refconv.geometry.arguments import LINE, PLANE, VOLUME, Space, as_ints
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.plan import ConvGeometry
from refconv.grad import conv2d_bias, conv2d_input, conv2d_weight
from refconv.numbers.dtypes import wide_dtype
from refconv.numbers.formats import Array
from refconv.problem import Problem
from refconv.testing.diagnosis.directions import Convolution, InputAdjoint, Transposed, WeightAdjoint
from refconv.testing.diagnosis.forms import Form
from refconv.testing.diagnosis.reading import POINT, Reading
from refconv.transpose import conv_transpose2d
from refconv.transpose_nd import conv_transpose1d, conv_transpose3d

Operands: TypeAlias = dict[str, Array]
Parameters: TypeAlias = dict[str, Any]

_OUTPUTS: Final = {1: "NOP", 2: "NOPQ", 3: "NORPQ"}
_INPUTS: Final = {1: "NCW", 2: "NCHW", 3: "NCZHW"}
_STEPS: Final[Parameters] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def reading_of(problem: Problem) -> Reading:
    """Return the right reading of a problem."""
    operands = {name: array.astype(wide_dtype(array.dtype), copy=False) for name, array in problem.operands.items()}
    return _READERS[problem.function](operands, dict(problem.parameters))


def _convolution(operands: Operands, parameters: Parameters, space: Space) -> Reading:
    image, kernel = operands["input"], operands["weight"]
    given = _STEPS | parameters
    axes = checked_axes(space, {name: operand.shape for name, operand in operands.items()}, **given)
    depth, plan = _planned(kernel, given["groups"], axes, given.get("padding_mode", "zeros"))
    volumes = image if image.ndim == space.rank + 2 else image[np.newaxis]
    images = volumes.reshape(*volumes.shape[:2], math.prod(volumes.shape[2:-1]), volumes.shape[-1])
    planes = len(images) * depth.output_size
    return _reading(
        Convolution,
        plan,
        depth,
        {"input": images, "weight": _kernels(kernel, space)},
        form=_form(_OUTPUTS, image, space),
        shape=(planes, plan.out_channels, *plan.output_shape[2:]),
        bias=operands.get("bias"),
        depths=depth.output_size,
    )


def _transposed(operands: Operands, parameters: Parameters, space: Space) -> Reading:
    image, kernel = operands["input"], operands["weight"]
    given = _STEPS | {"output_padding": 0} | parameters
    axes = transposed_axes(*(operand.shape for operand in operands.values()), **given, space=space)
    depth, plan = _planned(kernel, given["groups"], axes)
    outputs = _form(_OUTPUTS, image, space).four(image)
    batch = len(image) if image.ndim == space.rank + 2 else 1
    extras = as_ints("output_padding", given["output_padding"], 0, space.rank, space.numbers)
    return _reading(
        Transposed,
        plan,
        depth,
        {"weight": _kernels(kernel, space), "output": outputs},
        form=_form(_INPUTS, image, space),
        shape=(batch * depth.input_size, plan.in_channels, *plan.input_shape[2:]),
        bias=operands.get("bias"),
        depths=depth.input_size,
        output_padding=(0, 0, 0, *extras)[-3:],
    )


def _input_gradient(operands: Operands, parameters: Parameters) -> Reading:
    shape = tuple(parameters.pop("input_size"))
    kernel, arriving = operands["weight"], operands["grad_output"]
    plan = gradient_geometry(shape, kernel.shape, arriving.shape, **_STEPS | {"padding_mode": "zeros"} | parameters)
    return _reading(
        InputAdjoint,
        plan,
        POINT,
        {"weight": conjugate(kernel), "output": arriving.reshape(plan.output_shape)},
        form=_form(_INPUTS, arriving, PLANE),
        shape=plan.input_shape,
    )


def _weight_gradient(operands: Operands, parameters: Parameters) -> Reading:
    shape = tuple(parameters.pop("weight_size"))
    image, arriving = operands["input"], operands["grad_output"]
    plan = gradient_geometry(image.shape, shape, arriving.shape, **_STEPS | {"padding_mode": "zeros"} | parameters)
    pixels = conjugate(image.reshape(plan.input_shape))
    return _weight_reading(plan, pixels, arriving.reshape(plan.output_shape), Form("OIHW", 2))


def _bias_gradient(operands: Operands, _: Parameters) -> Reading:
    """Take it for the gradient of a kernel of one tap that reads an image of ones."""
    arriving = operands["grad_output"]
    batch, out_channels, rows, columns = (1, *arriving.shape)[-4:]
    plan = ConvGeometry(batch, 1, out_channels, 1, AxisGeometry(rows, 1), AxisGeometry(columns, 1))
    ones = np.ones(plan.input_shape, arriving.dtype)
    return _weight_reading(plan, ones, arriving.reshape(plan.output_shape), Form("O", 0))


def _weight_reading(plan: ConvGeometry, image: Array, arriving: Array, form: Form) -> Reading:
    factors = {"input": image, "output": arriving}
    return _reading(WeightAdjoint, plan, POINT, factors, form=form, shape=plan.weight_shape)


def _planned(
    kernel: Array, groups: int, axes: tuple[AxisGeometry, ...], padding_mode: str = "zeros"
) -> tuple[AxisGeometry, ConvGeometry]:
    """Return the depth, and the plan of one plane: a transposed convolution's weight is its convolution's."""
    depth, height, width = (POINT, POINT, *axes)[-3:]
    out_channels, group_channels = kernel.shape[:2]
    return depth, ConvGeometry(1, groups * group_channels, out_channels, groups, height, width, padding_mode)


def _reading(
    kind: type[Reading],
    plan: ConvGeometry,
    depth: AxisGeometry,
    factors: dict[str, Array],
    *,
    form: Form,
    shape: tuple[int, int, int, int],
    bias: Array | None = None,
    depths: int = 1,
    **more: Any,
) -> Reading:
    """Put a reading together; what it asks for is of this shape in four axes."""
    wide = np.result_type(*factors.values())
    asked = np.broadcast_to(np.zeros((), wide), shape)
    channels = [[plan.input_channel(o, c) for c in range(plan.group_in_channels)] for o in range(plan.out_channels)]
    of_every_map = np.zeros(shape[:2], wide) if bias is None else np.tile(bias, (shape[0], 1))
    images = plan.batch if kind is WeightAdjoint else shape[0]
    return kind(
        factors.get("input", asked),
        factors.get("weight", asked),
        factors.get("output", asked),
        bias=of_every_map,
        height=plan.height,
        width=plan.width,
        size=shape[2:],
        channels=np.array(channels, np.intp).reshape(plan.out_channels, plan.group_in_channels),
        images=np.arange(images),
        form=form,
        depth=depth,
        depths=depths,
        padding_mode=plan.padding_mode,
        groups=plan.groups,
        **more,
    )


def _kernels(kernel: Array, space: Space) -> Array:
    """Return (O, C/G·K_d, K_h, K_w): the taps of one depth are laid among the channels, as in `conv_nd`."""
    *depths, height, width = (1, *kernel.shape[2:]) if space is LINE else kernel.shape[2:]
    return kernel.reshape(len(kernel), kernel.shape[1] * math.prod(depths), height, width)


def _form(names: dict[int, str], like: Array, space: Space) -> Form:
    """Return the form of a result that has a batch axis if an operand has one."""
    return Form(names[space.rank][0 if like.ndim == space.rank + 2 else 1 :], space.rank)


_READERS: Final[dict[Callable[..., Array], Callable[[Operands, Parameters], Reading]]] = {
    conv1d: partial(_convolution, space=LINE),
    conv2d: partial(_convolution, space=PLANE),
    conv3d: partial(_convolution, space=VOLUME),
    conv_transpose1d: partial(_transposed, space=LINE),
    conv_transpose2d: partial(_transposed, space=PLANE),
    conv_transpose3d: partial(_transposed, space=VOLUME),
    conv2d_input: _input_gradient,
    conv2d_weight: _weight_gradient,
    conv2d_bias: _bias_gradient,
}
