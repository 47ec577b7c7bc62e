"""PyTorch: its functional operations, and its autograd for the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array, is_ml_dtype
from refconv.testing.frameworks.adapter import Framework, Target, native, padding_word


def _tensor(array: Array) -> Any:
    torch = import_module("torch")
    if is_ml_dtype(array.dtype):  # which torch knows by the same names, and NumPy's bits by these
        bits = torch.from_numpy(np.array(array).view({1: np.uint8, 2: np.int16}[array.itemsize]))
        return bits.view(getattr(torch, array.dtype.name))
    can_share = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if can_share else np.array(native(array)))


def _tensors(image: Array, kernel: Array, bias: Array | None) -> tuple[Any, ...]:
    return _tensor(image), _tensor(kernel), None if bias is None else _tensor(bias)


def _padding(padding: Any) -> Any:
    if isinstance(padding, str):
        return padding_word(padding, {"valid": "valid", "same": "same"})
    if any(isinstance(side, tuple) for side in padding):
        raise NotImplementedError("it pads both sides of an axis alike")
    return padding


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what PyTorch says of a type that an operation does not take into NotImplementedError."""
    try:
        yield
    except RuntimeError as error:
        if not any(words in str(error) for words in ("not implemented for", "can require gradients")):
            raise
        raise NotImplementedError(str(error)) from error


def _load_convolution(rank: int) -> Target:
    convolve = getattr(import_module("torch").nn.functional, f"conv{rank}d")

    def torch_convolution(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        with _refusals():
            return convolve(*_tensors(image, kernel, bias), stride, _padding(padding), dilation, groups)

    return torch_convolution


def _load_conv_transpose2d() -> Target:
    transpose = import_module("torch").nn.functional.conv_transpose2d

    def torch_conv_transpose2d(
        image: Array,
        kernel: Array,
        bias: Array | None,
        stride: Any,
        padding: Any,
        output_padding: Any,
        groups: Any,
        dilation: Any,
    ) -> Any:
        operands = _tensors(image, kernel, bias)
        with _refusals():
            return transpose(*operands, stride, _padding(padding), output_padding, groups, dilation)

    return torch_conv_transpose2d


def _load_conv2d_input() -> Target:
    torch = import_module("torch")

    def torch_conv2d_input(
        input_size: Any, kernel: Array, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        weight = _tensor(kernel)
        with _refusals():
            image = torch.zeros(input_size, dtype=weight.dtype, requires_grad=True)
            output = torch.nn.functional.conv2d(image, weight, None, stride, _padding(padding), dilation, groups)
            return torch.autograd.grad(output, image, _tensor(grad_output))[0]

    return torch_conv2d_input


def _load_conv2d_weight() -> Target:
    torch = import_module("torch")

    def torch_conv2d_weight(
        image: Array, weight_size: Any, grad_output: Array, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        pixels = _tensor(image)
        with _refusals():
            weight = torch.zeros(weight_size, dtype=pixels.dtype, requires_grad=True)
            output = torch.nn.functional.conv2d(pixels, weight, None, stride, _padding(padding), dilation, groups)
            return torch.autograd.grad(output, weight, _tensor(grad_output))[0]

    return torch_conv2d_weight


TORCH: Final = Framework(
    operations={
        "conv2d": partial(_load_convolution, 2),
        "conv1d": partial(_load_convolution, 1),
        "conv3d": partial(_load_convolution, 3),
        "conv_transpose2d": _load_conv_transpose2d,
        "conv2d_input": _load_conv2d_input,
        "conv2d_weight": _load_conv2d_weight,
    },
    packages={"torch": "torch"},
)
