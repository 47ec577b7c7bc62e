"""The gradients of all six convolutions: adjoints in each argument, reduced to those of the plane, and exchanged."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arrays import Array, whole
from drawn import Conv, convs, few
from family import Triple
from hypothesis import given
from hypothesis import strategies as st
from refusals import naming

import refconv
from refconv import grad
from refconv.geometry.axis import AxisGeometry
from refconv.operations import LINEAR

GRADIENTS = [name for name, operation in LINEAR.items() if operation.is_gradient]


def inner(first: Array, second: Array) -> Any:
    return sum((a * b for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)), 0)


@pytest.mark.parametrize("name", GRADIENTS)
@few
@given(data=st.data())
def test_each_gradient_is_the_adjoint_of_the_forward_map_in_its_own_argument(name: str, data: st.DataObject) -> None:
    operation = LINEAR[name]
    conv = data.draw(convs(operation.space.rank, largest=3, mode="zeros" if operation.is_transposed else None))
    triple = conv.triple
    gradient = triple.call(name, method=data.draw(st.sampled_from(["im2col", "direct", "exact"])))
    arriving = triple.x if operation.is_transposed else triple.y
    forward = name.removesuffix(f"_{operation.by}")
    if operation.by == "bias":
        plain = triple.call(forward)
        bias = conv.integers(gradient.shape)
        change = triple.call(forward, bias=bias) - plain
        assert gradient.shape == plain.shape[1:2]
        assert inner(change, arriving) == inner(bias, gradient)
        return
    given_name = "w" if operation.by == "weight" else "y" if operation.is_transposed else "x"
    other = conv.integers(getattr(triple, given_name).shape)
    assert gradient.shape == other.shape
    changed: dict[str, Any] = {given_name: other}
    output = replace(triple, **changed).call(forward)
    assert inner(output, arriving) == inner(other, gradient)


# The planes that a depth reads are channels


def depths_read(conv: Conv) -> list[list[int | None]]:
    """Return, for every output depth, the depth that it reads through each tap; None for zeros."""
    size, taps = conv.input.shape[2], conv.weight.shape[2]
    axis = AxisGeometry(size, taps, conv.stride[0], conv.dilation[0], conv.padding[0])
    reads = ((axis.input_index(r, k) for k in range(taps)) for r in range(axis.output_size))
    return [[axis.source_index(z, conv.padding_mode) for z in found] for found in reads]


def planes(conv: Conv, reads: list[list[int | None]]) -> Array:
    """Return (N·R, C·K_d, H, W): for every output depth an image, whose channels are the planes that it reads."""
    zeros = np.zeros_like(conv.input[:, :, 0])
    images = [np.stack([zeros if z is None else conv.input[:, :, z] for z in found], axis=2) for found in reads]
    merged = np.stack(images, axis=1)  # N, R, C, K_d, H, W
    return merged.reshape(-1, conv.input.shape[1] * conv.weight.shape[2], *conv.input.shape[3:])


@few
@given(conv=convs(3, largest=4))
def test_a_volume_is_images_with_the_planes_of_each_depth_among_their_channels(conv: Conv) -> None:
    if len(conv.input) == 0:
        return
    steps: dict[str, Any] = {"groups": conv.groups, "padding_mode": conv.padding_mode}
    steps |= {name: getattr(conv, name)[1:] for name in ("stride", "padding", "dilation")}
    (N, _, _, H, W), (O, each, K_d, K_h, K_w) = conv.input.shape, conv.weight.shape
    y, reads = conv.like_output(), depths_read(conv)
    R = len(reads)
    images, kernel = planes(conv, reads), conv.weight.reshape(O, each * K_d, K_h, K_w)
    arriving = y.swapaxes(1, 2).reshape(N * R, O, *y.shape[3:])

    forward = refconv.conv2d(images, kernel, **steps)
    np.testing.assert_array_equal(forward.reshape(N, R, O, *y.shape[3:]).swapaxes(1, 2), conv.output)

    by_weight = grad.conv2d_weight(images, kernel.shape, arriving, **steps)
    expected = grad.conv3d_weight(conv.input, conv.weight.shape, y, **conv.parameters)
    np.testing.assert_array_equal(by_weight.reshape(conv.weight.shape), expected)

    by_planes = grad.conv2d_input(images.shape, kernel, arriving, **steps).reshape(N, R, -1, K_d, H, W)
    by_input = np.zeros_like(conv.input)
    for r, found in enumerate(reads):
        for k, z in enumerate(found):
            if z is not None:
                by_input[:, :, z] += by_planes[:, r, :, k]
    expected = grad.conv3d_input(conv.input.shape, conv.weight, y, **conv.parameters)
    np.testing.assert_array_equal(by_input, expected)


def of_height_1(array: Array) -> Array:
    return array[:, :, np.newaxis]


@few
@given(conv=convs(1))
def test_a_signal_is_an_image_of_height_1(conv: Conv) -> None:
    line = conv.triple
    steps = {name: (1, value[0]) for name, value in line.parameters.items() if name in ("stride", "dilation")}
    parameters = {**line.parameters, **steps, "padding": ((0, 0), *line.parameters["padding"])}
    plane = replace(line.each(of_height_1), parameters=parameters)
    for name in line.names:
        actual, expected = line.call(name), plane.call(name.replace("1d", "2d"))
        np.testing.assert_array_equal(actual, expected if expected.ndim == 1 else expected[:, :, 0])


# Gradients of transposed convolutions lead back


@pytest.mark.parametrize("rank", [1, 2, 3])
@few
@given(data=st.data())
def test_those_of_a_transposed_convolution_are_a_convolution_and_a_weights_gradient_with_factors_exchanged(
    rank: int, data: st.DataObject
) -> None:
    triple = data.draw(convs(rank, mode="zeros", largest=4)).triple
    steps = {name: value for name, value in triple.parameters.items() if name != "padding_mode"}
    convolution = getattr(refconv, f"conv{rank}d")(triple.x, triple.w, **steps)
    np.testing.assert_array_equal(triple.call(f"conv_transpose{rank}d_input"), convolution)
    weight = getattr(grad, f"conv{rank}d_weight")(triple.x, triple.w.shape, triple.y, **steps)
    np.testing.assert_array_equal(triple.call(f"conv_transpose{rank}d_weight"), weight)
    np.testing.assert_array_equal(
        triple.call(f"conv_transpose{rank}d_bias"), getattr(grad, f"conv{rank}d_bias")(triple.x)
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pixels_beyond_every_window_arrive_at_nothing(rank: int) -> None:
    # An output padding above the stride, which a dilation allows: two pixels of the output hold nothing but the bias.
    x, w = whole(1, 2, *(3,) * rank), whole(2, 1, *(2,) * rank, seed=1)
    steps: dict[str, Any] = {"dilation": 3, "output_padding": 2}
    y = getattr(refconv, f"conv_transpose{rank}d")(x, w, **steps)
    assert y.shape[2:] == (8,) * rank
    arriving = np.ones_like(y)
    by_input = getattr(grad, f"conv_transpose{rank}d_input")(x.shape, w, arriving, **steps)
    np.testing.assert_array_equal(
        by_input, np.broadcast_to(w.sum(axis=tuple(range(1, 2 + rank)))[:, *(None,) * rank], x.shape)
    )
    arriving[(..., *(slice(6),) * rank)] = 0
    for method in ("im2col", "direct", "exact"):
        for name, arguments in (("input", (x.shape, w, arriving)), ("weight", (x, w.shape, arriving))):
            found = getattr(grad, f"conv_transpose{rank}d_{name}")(*arguments, **steps, method=method)
            assert (found == 0).all()


# What each gradient is when it is written out


def test_a_gradient_of_an_unbatched_input_is_unbatched() -> None:
    for name in GRADIENTS:
        operation = LINEAR[name]
        rank = operation.space.rank
        x, w = whole(1, 2, *(4, 3, 3)[:rank]), whole(2, 1, *(2, 1, 2)[:rank], seed=1)
        steps: dict[str, Any] = {"stride": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank}
        triple = Triple.of(x, w, np.random.default_rng(0), **steps, groups=2)
        arguments, parameters = triple.arguments(name)
        alone = [a[0] if isinstance(a, np.ndarray) and a is not w else a for a in arguments]
        alone = [a[1:] if isinstance(a, tuple) and a != w.shape else a for a in alone]
        found, batched = operation.function(*alone, **parameters), triple.call(name)
        np.testing.assert_array_equal(found, batched[0] if operation.by == "input" else batched)


@pytest.mark.parametrize("name", GRADIENTS)
def test_what_does_not_arrive_at_the_outputs_shape_is_refused(name: str) -> None:
    operation = LINEAR[name]
    rank = operation.space.rank
    if operation.by == "bias":
        with pytest.raises(ValueError, match=rf"^grad_output has {rank + 3} dimensions; it must be \(N, O, "):
            operation.function(np.ones((1,) * (rank + 3)))
        return
    x, w = np.ones((2, 2, *(5, 4, 3)[:rank])), np.ones((2, 2, *(2, 1, 2)[:rank]))
    sizes = (6, 4, 4)[:rank] if operation.is_transposed else (4, 4, 2)[:rank]
    letters = {1: ("P", "L"), 2: ("P, Q", "H, W"), 3: ("R, P, Q", "Z, H, W")}[rank][operation.is_transposed]
    given_first = (x.shape, w) if operation.by == "input" else (x, w.shape)
    for wrong in ((2, 3, *sizes), (1, 2, *sizes), (2, 2, *sizes[:-1], sizes[-1] + 1), (2, *sizes)):
        message = f"grad_output must have the output's shape (N, O, {letters}) = {(2, 2, *sizes)}"
        context = f"(input {x.shape}, weight {w.shape}, grad_output {wrong})"
        with pytest.raises(ValueError, match=f"^{re.escape(f'{message} {context}')}$"):
            operation.function(*given_first, np.ones(wrong))
    found = operation.function(*given_first, np.ones((2, 2, *sizes)))
    assert found.shape == (x if operation.by == "input" else w).shape


@pytest.mark.parametrize("name", [name for name in GRADIENTS if LINEAR[name].is_transposed and LINEAR[name].size])
def test_bad_parameters_are_refused_as_by_the_transposed_convolution(name: str) -> None:
    operation = LINEAR[name]
    x, w = np.ones((1, 2, *(3,) * operation.space.rank)), np.ones((2, 1, *(2,) * operation.space.rank))
    arguments = (x.shape, w, x) if operation.by == "input" else (x, w.shape, x)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"groups": 3}, "groups=3 … C=2"),
        ({"output_padding": 1}, "output_padding=1 … stride 1 … dilation 1 …"),
        ({"padding": "same"}, "padding='same' … 'same_upper' or 'same_lower' …"),
    ]
    for changes, words in refused:
        with pytest.raises(ValueError, match=naming(words)):
            operation.function(*arguments, **changes)
    with pytest.raises(ValueError, match=r"^method='fft' must be one of 'im2col', "):
        operation.function(*arguments, method="fft")
