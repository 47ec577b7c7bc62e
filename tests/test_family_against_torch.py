"""PyTorch as a second opinion on the family: forward, and autograd backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from arrays import Array, whole

from refconv import conv1d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, grad

torch = pytest.importorskip("torch", reason="PyTorch is a second opinion, never a dependency")
torch.set_num_threads(1)  # so small are these arrays that threads only wait for each other

METHODS = ["im2col", "direct", "exact"]


def tensors(*arrays: Array) -> list[Any]:
    return [torch.from_numpy(array) for array in arrays]


# Of every axis all parameters differ.
TRANSPOSED: list[dict[str, Any]] = [
    {},
    {"stride": (2, 3, 1)},
    {"padding": (0, 2, 1), "stride": (2, 3, 1)},
    {"stride": (3, 2, 1), "output_padding": (1, 0, 2), "dilation": (1, 2, 3)},
    {"groups": 2, "dilation": (2, 3, 1)},
    {"stride": (2, 1, 3), "padding": (1, 2, 0), "output_padding": (1, 0, 2), "groups": 4, "dilation": (2, 1, 3)},
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("parameters", TRANSPOSED, ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv_transpose(rank: int, parameters: dict[str, Any], method: str) -> None:
    ours: Any = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}[rank]
    theirs = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    ranked = {name: value[:rank] if isinstance(value, tuple) else value for name, value in parameters.items()}
    groups = parameters.get("groups", 1)
    x, w, b = whole(2, 4, *(3, 4, 2)[:rank]), whole(4, 3, *(2, 3, 3)[:rank], seed=1), whole(3 * groups, seed=2)
    desired = theirs(*tensors(x, w, b), **ranked).numpy()
    np.testing.assert_array_equal(ours(x, w, b, **ranked, method=method), desired)


def test_the_positional_arguments_of_conv_transpose2d() -> None:
    x, w, b = whole(2, 4, 3, 5), whole(4, 3, 2, 3, seed=1), whole(6, seed=2)
    arguments = (3, 2), (1, 0), (2, 1), 2, (1, 3)
    desired = torch.nn.functional.conv_transpose2d(*tensors(x, w, b), *arguments).numpy()
    np.testing.assert_array_equal(conv_transpose2d(x, w, b, *arguments), desired)


@pytest.mark.parametrize(
    ("stride", "padding", "output_padding", "dilation"),
    [(2, 0, 2, 1), (2, 0, 2, 2), (1, 0, 1, 1), (1, 4, 0, 1), (3, 4, 0, 1), (2, 0, 1, 1), (1, 0, 1, 2), (2, 5, 1, 1)],
)
def test_the_limits_of_conv_transpose2d(stride: int, padding: int, output_padding: int, dilation: int) -> None:
    x, w = whole(1, 1, 4, 4), whole(1, 1, 3, 3)
    arguments = None, stride, padding, output_padding, 1, dilation
    try:
        desired = torch.nn.functional.conv_transpose2d(*tensors(x, w), *arguments)
    except RuntimeError:
        with pytest.raises(ValueError, match=r"^output"):
            conv_transpose2d(x, w, *arguments)
    else:
        np.testing.assert_array_equal(conv_transpose2d(x, w, *arguments), desired.numpy())


FORWARD: list[dict[str, Any]] = [
    {},
    {"stride": (2, 1, 3), "padding": (1, 2, 0), "dilation": (1, 2, 3), "groups": 2},
    {"padding": "same", "dilation": (3, 2, 1)},
    {"padding": "valid", "stride": (1, 3, 2)},
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("method", ["im2col", "einsum", "direct", "exact"])
@pytest.mark.parametrize("parameters", FORWARD, ids=str)
@pytest.mark.parametrize("rank", [1, 3])
def test_conv1d_and_conv3d(rank: int, parameters: dict[str, Any], method: str) -> None:
    ours: Any = {1: conv1d, 3: conv3d}[rank]
    theirs = getattr(torch.nn.functional, f"conv{rank}d")
    ranked = {name: value[:rank] if isinstance(value, tuple) else value for name, value in parameters.items()}
    x = whole(2, 4, *(5, 6, 7)[:rank])
    w, b = whole(6, 4 // parameters.get("groups", 1), *(2, 3, 2)[:rank], seed=1), whole(6, seed=2)
    desired = theirs(*tensors(x, w, b), **ranked).numpy()
    np.testing.assert_array_equal(ours(x, w, b, **ranked, method=method), desired)


GRADIENTS: list[dict[str, Any]] = [
    {},
    {"stride": (2, 3)},
    {"padding": ((1, 2), (0, 3)), "stride": (3, 2)},
    {"dilation": (2, 3), "padding": ((2, 1), (3, 2)), "padding_mode": "reflect"},
    {"stride": (2, 1), "padding": ((5, 3), (2, 6)), "padding_mode": "replicate", "groups": 2},
    {"stride": (1, 2), "padding": ((4, 6), (7, 3)), "dilation": (3, 2), "padding_mode": "circular", "groups": 2},
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["f8", "c16"])
@pytest.mark.parametrize("parameters", GRADIENTS, ids=str)
def test_gradients_are_those_of_autograd(parameters: dict[str, Any], kind: str, method: str) -> None:
    (T, B), (L, R) = parameters.get("padding", ((0, 0), (0, 0)))
    mode = parameters.get("padding_mode", "zeros")
    rest = {name: value for name, value in parameters.items() if not name.startswith("padding")}
    x, w = whole(2, 4, 6, 7).astype(kind), whole(6, 4 // parameters.get("groups", 1), 2, 3, seed=1).astype(kind)
    b = whole(6, seed=2).astype(kind)
    if kind == "c16":
        x, w = x + 1j * whole(*x.shape, seed=3), w + 1j * whole(*w.shape, seed=4)
    leaves = [tensor.requires_grad_() for tensor in tensors(x, w, b)]
    padded = torch.nn.functional.pad(leaves[0], (L, R, T, B), mode="constant" if mode == "zeros" else mode)
    output = torch.nn.functional.conv2d(padded, *leaves[1:], **rest)
    arriving = whole(*output.shape, seed=5).astype(kind)
    if kind == "c16":
        arriving = arriving + 1j * whole(*output.shape, seed=6)
    by_input, by_weight, by_bias = torch.autograd.grad(output, leaves, torch.from_numpy(arriving))

    actual = grad.conv2d_input(x.shape, w, arriving, **parameters, method=method)
    np.testing.assert_array_equal(actual, by_input.numpy())
    actual = grad.conv2d_weight(x, w.shape, arriving, **parameters, method=method)
    np.testing.assert_array_equal(actual, by_weight.numpy())
    np.testing.assert_array_equal(grad.conv2d_bias(arriving), by_bias.numpy())


def test_the_positional_arguments_of_torchs_own_gradients() -> None:
    x, w, arriving = whole(2, 4, 6, 9), whole(6, 2, 2, 3, seed=1), whole(2, 6, 3, 4, seed=2)
    arguments = (2, 3), (1, 2), (3, 1), 2
    desired = torch.nn.grad.conv2d_input(x.shape, *tensors(w, arriving), *arguments).numpy()
    np.testing.assert_array_equal(grad.conv2d_input(x.shape, w, arriving, *arguments), desired)
    theirs = torch.nn.grad.conv2d_weight(torch.from_numpy(x), w.shape, torch.from_numpy(arriving), *arguments)
    np.testing.assert_array_equal(grad.conv2d_weight(x, w.shape, arriving, *arguments), theirs.numpy())
    # A torch.Size is a shape, too.
    np.testing.assert_array_equal(grad.conv2d_input(torch.from_numpy(x).shape, w, arriving, *arguments), desired)


def test_a_complex_transposed_convolution_conjugates_nothing() -> None:
    x, w = whole(1, 2, 3, 4) + 1j * whole(1, 2, 3, 4, seed=1), whole(2, 3, 2, 2, seed=2) + 2j
    desired = torch.nn.functional.conv_transpose2d(*tensors(x, w)).numpy()
    np.testing.assert_array_equal(conv_transpose2d(x, w), desired)


# Of every axis all parameters differ.
BACKWARD: list[dict[str, Any]] = [
    {},
    {"stride": (2, 1, 3), "padding": (1, 2, 0), "dilation": (1, 2, 3), "groups": 2},
    {"stride": (1, 3, 2), "dilation": (2, 1, 2)},
]
KINDS = ["f8", "c16"]


def filled(*shape: int, kind: str, seed: int) -> Array:
    real = whole(*shape, seed=seed).astype(kind)
    return real + 1j * whole(*shape, seed=seed + 10) if kind == "c16" else real


def check_gradients(
    name: str, forward: Any, x: Array, w: Array, b: Array, kind: str, parameters: dict[str, Any]
) -> None:
    """Hold the three gradients by every method to those of autograd."""
    leaves = [tensor.requires_grad_() for tensor in tensors(x, w, b)]
    output = forward(*leaves, **parameters)
    arriving = filled(*output.shape, kind=kind, seed=3)
    by_input, by_weight, by_bias = torch.autograd.grad(output, leaves, torch.from_numpy(arriving))
    for method in METHODS:
        found = getattr(grad, f"{name}_input")(x.shape, w, arriving, **parameters, method=method)
        np.testing.assert_array_equal(found, by_input.numpy())
        found = getattr(grad, f"{name}_weight")(x, w.shape, arriving, **parameters, method=method)
        np.testing.assert_array_equal(found, by_weight.numpy())
        np.testing.assert_array_equal(getattr(grad, f"{name}_bias")(arriving, method=method), by_bias.numpy())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parameters", BACKWARD, ids=str)
@pytest.mark.parametrize("rank", [1, 3])
def test_gradients_of_conv1d_and_conv3d_are_those_of_autograd(rank: int, parameters: dict[str, Any], kind: str) -> None:
    ranked = {name: value[:rank] if isinstance(value, tuple) else value for name, value in parameters.items()}
    x = filled(2, 4, *(6, 4, 5)[:rank], kind=kind, seed=0)
    w = filled(2, 4 // parameters.get("groups", 1), *(3, 2, 2)[:rank], kind=kind, seed=1)
    forward = getattr(torch.nn.functional, f"conv{rank}d")
    check_gradients(f"conv{rank}d", forward, x, w, filled(2, kind=kind, seed=2), kind, ranked)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parameters", TRANSPOSED, ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_gradients_of_transposed_convolutions_are_those_of_autograd(
    rank: int, parameters: dict[str, Any], kind: str
) -> None:
    ranked = {name: value[:rank] if isinstance(value, tuple) else value for name, value in parameters.items()}
    x, w = filled(2, 4, *(3, 4, 2)[:rank], kind=kind, seed=0), filled(4, 1, *(2, 3, 2)[:rank], kind=kind, seed=1)
    forward = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    bias = filled(parameters.get("groups", 1), kind=kind, seed=2)
    check_gradients(f"conv_transpose{rank}d", forward, x, w, bias, kind, ranked)


@pytest.mark.parametrize("output_size", [(11, 8), (12, 8), (11, 10), (13, 9)])
def test_an_output_size_is_that_of_torchs_layer(output_size: tuple[int, int]) -> None:
    x, w = whole(1, 2, 4, 3), whole(2, 1, 4, 3, seed=1)
    layer = torch.nn.ConvTranspose2d(2, 1, (4, 3), stride=(3, 3), padding=(1, 0), bias=False, dtype=torch.float64)
    layer.weight.data = torch.from_numpy(w)
    call: dict[str, Any] = {"stride": 3, "padding": (1, 0), "output_size": output_size}
    try:
        desired = layer(torch.from_numpy(x), output_size=output_size)
    except ValueError:
        with pytest.raises(ValueError, match=r"^output_size=\d+ along the"):
            conv_transpose2d(x, w, **call)
        return
    np.testing.assert_array_equal(conv_transpose2d(x, w, **call), desired.detach().numpy())
