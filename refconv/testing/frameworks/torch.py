"""PyTorch: its functional operations, and its autograd for the gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array, is_ml_dtype
from refconv.operations import OPERATIONS, Operation
from refconv.testing.frameworks.adapter import Framework, Target, differentiated, native, padding_word


def tensor(array: Array, device: str = "") -> Any:
    """Return a tensor that shares an array's memory where it can, or else has its layout, but for negative strides."""
    torch = import_module("torch")
    shared = _shared(torch, array)
    if not device or shared.device == torch.device(device):
        return shared
    whole = shared.as_strided((shared.untyped_storage().nbytes() // shared.element_size(),), (1,), 0)
    return whole.to(device).as_strided(shared.shape, shared.stride())  # which `to` alone would not keep


def _tensor(array: Any) -> Any:
    return tensor(array) if isinstance(array, np.ndarray) else array


def _shared(torch: Any, array: Array) -> Any:
    if is_ml_dtype(array.dtype):  # which torch knows by the same names, and NumPy's bits by these
        bits = torch.from_numpy(np.array(native(array)).view({1: np.uint8, 2: np.int16}[array.itemsize]))
        return bits.view(getattr(torch, array.dtype.name))
    can_share = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if can_share else np.array(native(array)))


def _padding(padding: Any) -> Any:
    if isinstance(padding, str):
        return padding_word(padding, {"valid": "valid", "same": "same"})
    if any(isinstance(side, tuple) for side in padding):
        raise NotImplementedError("it pads both sides of an axis alike")
    return padding


# How PyTorch says that it does not support something: a type, types that differ, a padding's name, no pixels.
_REFUSALS: Final = (
    "not implemented for",
    "can require gradients",
    "should be the same",
    "Invalid padding string",
    "inputs are supported",
    "expected scalar type",
)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what PyTorch says of arguments that an operation does not take into NotImplementedError.

    A GPU is waited for, so that an error of its is raised here, and not by the next call.
    """
    try:
        yield
        cuda = import_module("torch").cuda
        if cuda.is_initialized():
            cuda.synchronize()
    except RuntimeError as error:
        if not any(words in str(error) for words in _REFUSALS):
            raise
        raise NotImplementedError(str(error)) from error


def _forward(operation: Operation) -> Target:
    function = getattr(import_module("torch").nn.functional, operation.forward.name)

    def torch_operation(image: Any, kernel: Any, bias: Any, stride: Any, padding: Any, *steps: Any) -> Any:
        sides = _padding(padding)
        if operation.is_transposed and isinstance(sides, str):
            raise NotImplementedError(f"it has no padding={padding!r} here")
        with refusals():
            return function(*map(_tensor, (image, kernel, bias)), stride, sides, *steps)

    return torch_operation


def _quantized(operation: Operation) -> Target:
    """Return PyTorch's quantized convolution, in the engine that its build has chosen: uint8 with int8."""
    torch = import_module("torch")
    function = getattr(import_module("torch.ao.nn.quantized.functional"), f"conv{operation.space.rank}d")

    def tensor(array: Array, scale: Array, zero: Array) -> Any:
        numbers = _tensor(array)
        if scale.ndim or zero.ndim:
            scales, zeros = (np.broadcast_to(each, len(array)) for each in (scale.astype(np.float64), zero))
            points = torch.from_numpy(zeros.astype(np.int64))
            return torch._make_per_channel_quantized_tensor(numbers, torch.from_numpy(scales.copy()), points, 0)  # noqa: SLF001
        return torch._make_per_tensor_quantized_tensor(numbers, float(scale), int(zero))  # noqa: SLF001

    def torch_quantized(
        x: Any, sx: Any, zx: Any, w: Any, sw: Any, zw: Any, sy: Any, zy: Any, bias: Any, *steps: Any
    ) -> Any:
        stride, padding, dilation, groups = steps
        sides = _padding(padding)
        if (x.dtype, w.dtype) != (np.uint8, np.int8) or isinstance(sides, str) or x.ndim != w.ndim:
            raise NotImplementedError("its engines take a batch of uint8 and a weight of int8, padded by numbers")
        real = None if bias is None else _tensor((bias * (sx.astype(np.float64) * sw)).astype(np.float32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a later release will have no such tensors
            operands = tensor(x, sx, zx), tensor(w, sw, zw), real
        options = {"scale": float(sy), "zero_point": int(zy), "dtype": torch.quint8}
        return function(*operands, stride, sides, dilation, groups, **options).int_repr()

    return torch_quantized


def _pull_back(linear: Callable[[Any], Any], shape: Any, dtype: np.dtype[Any], arriving: Array) -> Any:
    torch = import_module("torch")
    with refusals():
        argument = _tensor(np.zeros(1, dtype)).new_zeros(tuple(shape)).requires_grad_()
        return torch.autograd.grad(linear(argument), argument, _tensor(arriving))[0]


def _load(operation: Operation) -> Target:
    if operation.arithmetic:
        return _quantized(operation)
    forward = _forward(operation)
    return differentiated(operation, forward, _pull_back) if operation.is_gradient else forward


TORCH: Final = Framework(
    {name: partial(_load, operation) for name, operation in OPERATIONS.items() if operation.arithmetic != "integer"},
    {"torch": "torch"},
)
