"""The laws of the family, on integers and fractions, so that both sides of each are equal to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array, fractions_of
from definition import convolution
from drawn import FORWARD, Conv, Pair, convs, law
from family import Triple
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import conv2d, conv_transpose1d, conv_transpose2d, conv_transpose3d, error_bound_of, grad
from refconv.dilation import dilate_kernel, merge_phases, split_phases
from refconv.matrix import conv2d_matrix

TRANSPOSED: dict[int, Callable[..., Array]] = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}


def in_rationals(integers: Array, rng: np.random.Generator) -> Array:
    """Fractions with denominators 1 ... 7 in place of integers."""
    fractions = [Fraction(int(value), int(rng.integers(1, 8))) for value in integers.ravel()]
    return np.array(fractions, dtype=object).reshape(integers.shape)


def inner(first: Array, second: Array) -> Any:
    """⟨first, second⟩, in the arrays' own arithmetic."""
    return sum((a * b for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)), 0)


def transposed(conv: Conv, weight: Array, y: Array, **keywords: Any) -> Array:
    """The transposed convolution to the input's size: what strides left out is output padding."""
    rank = conv.input.ndim - 2
    parameters = {name: value for name, value in conv.parameters.items() if name != "padding_mode"}
    extra = Triple(conv.input, weight, y, parameters).output_padding
    return TRANSPOSED[rank](y, weight, None, output_padding=extra, **parameters, **keywords)


@pytest.mark.parametrize("method", ["im2col", "direct"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@settings(law, max_examples=40)
@given(data=st.data())
def test_the_adjoint_law_is_exact_in_rationals(method: str, rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank, mode="zeros"))
    if 0 in conv.input.shape[2:]:
        return  # PyTorch's transposed convolutions, and ours, have no output of no pixels
    x, w, y = (in_rationals(array, conv.rng) for array in (conv.input, conv.weight, conv.like_output()))
    forward = FORWARD[rank](x, w, **conv.parameters)
    backward = transposed(conv, w, y, method=method)
    assert backward.shape == x.shape
    assert inner(forward, y) == inner(x, backward)


@pytest.mark.parametrize("method", ["im2col", "direct"])
@law
@given(conv=convs())
def test_each_gradient_is_the_adjoint_in_its_own_argument(method: str, conv: Conv) -> None:
    x, w, y = conv.input, conv.weight, conv.like_output()
    grad_input = grad.conv2d_input(x.shape, w, y, **conv.parameters, method=method)
    grad_weight = grad.conv2d_weight(x, w.shape, y, **conv.parameters, method=method)
    assert grad_input.shape == x.shape
    assert grad_weight.shape == w.shape
    other_x, other_w = conv.rng.integers(-9, 10, x.shape), conv.rng.integers(-9, 10, w.shape)
    assert inner(conv2d(other_x, w, **conv.parameters), y) == inner(other_x, grad_input)
    assert inner(conv2d(x, other_w, **conv.parameters), y) == inner(other_w, grad_weight)
    bias = conv.rng.integers(-9, 10, len(w))
    with_bias = conv2d(x, w, bias, **conv.parameters) - conv.output
    assert inner(with_bias, y) == inner(bias, grad.conv2d_bias(y))


@law
@given(conv=convs(mode="zeros"))
def test_the_gradient_of_the_input_is_the_transposed_convolution(conv: Conv) -> None:
    if 0 in conv.input.shape[2:]:
        return
    y = conv.like_output()
    desired = transposed(conv, conv.weight, y)
    np.testing.assert_array_equal(grad.conv2d_input(conv.input.shape, conv.weight, y, **conv.parameters), desired)


@law
@given(conv=convs(mode="zeros"))
def test_the_gradient_of_the_weight_is_a_convolution_with_stride_and_dilation_exchanged(conv: Conv) -> None:
    if conv.parameters["groups"] > 1 or len(conv.input) == 0:
        return
    y, (K_h, K_w) = conv.like_output(), conv.weight.shape[2:]
    swapped = conv2d(
        conv.input.swapaxes(0, 1),
        y.swapaxes(0, 1),
        stride=conv.parameters["dilation"],
        padding=conv.parameters["padding"],
        dilation=conv.parameters["stride"],
    )
    desired = swapped.swapaxes(0, 1)[:, :, :K_h, :K_w]
    np.testing.assert_array_equal(grad.conv2d_weight(conv.input, conv.weight.shape, y, **conv.parameters), desired)


@law
@given(conv=convs())
def test_a_step_in_the_input_changes_the_output_by_its_gradient(conv: Conv) -> None:
    # A convolution is linear: the difference quotient is the derivative, whatever the step.
    if conv.input.size == 0:
        return
    y = conv.like_output()
    gradient = grad.conv2d_input(conv.input.shape, conv.weight, y, **conv.parameters)
    place = tuple(conv.rng.integers(0, size) for size in conv.input.shape)
    for step in (1, -3):
        moved = conv.input.copy()
        moved[place] += step
        change = inner(conv2d(moved, conv.weight, **conv.parameters) - conv.output, y)
        assert change == step * gradient[place]


@law
@given(conv=convs())
def test_a_step_in_the_weight_changes_the_output_by_its_gradient(conv: Conv) -> None:
    y = conv.like_output()
    gradient = grad.conv2d_weight(conv.input, conv.weight.shape, y, **conv.parameters)
    place = tuple(conv.rng.integers(0, size) for size in conv.weight.shape)
    for step in (1, -3):
        moved = conv.weight.copy()
        moved[place] += step
        change = inner(conv2d(conv.input, moved, **conv.parameters) - conv.output, y)
        assert change == step * gradient[place]


@pytest.mark.parametrize("rank", [1, 3])
@settings(law, max_examples=60)
@given(data=st.data())
def test_conv1d_and_conv3d_are_the_definition(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    expected = convolution(conv.input, conv.weight, conv.parameters)
    np.testing.assert_array_equal(conv.output, expected)


@law
@given(conv=convs())
def test_the_matrix_is_the_convolution_and_its_transpose_the_gradient(conv: Conv) -> None:
    pytest.importorskip("scipy", reason="the matrix is SciPy's")
    matrix = conv2d_matrix(conv.weight, conv.input.shape[2:], **conv.parameters)
    y = conv.like_output()
    gradient = grad.conv2d_input(conv.input.shape, conv.weight, y, **conv.parameters)
    for n in range(len(conv.input)):
        np.testing.assert_array_equal(matrix @ conv.input[n].ravel(), conv.output[n].ravel())
        np.testing.assert_array_equal(matrix.T @ y[n].ravel(), gradient[n].ravel())


@law
@given(conv=convs())
def test_dilation_seen_from_the_kernel(conv: Conv) -> None:
    dilated = dilate_kernel(conv.weight, conv.parameters["dilation"])
    actual = conv2d(conv.input, dilated, **{**conv.parameters, "dilation": 1})
    np.testing.assert_array_equal(actual, conv.output)


@law
@given(conv=convs(mode="zeros", stride=1))
def test_dilation_seen_from_the_input(conv: Conv) -> None:
    padded = np.pad(conv.input, ((0, 0), (0, 0), *conv.parameters["padding"]))
    P, Q = conv.output.shape[2:]
    phases = [
        [conv2d(phase, conv.weight, groups=conv.parameters["groups"]) for phase in row[:Q]]
        for row in split_phases(padded, conv.parameters["dilation"])[:P]
    ]
    np.testing.assert_array_equal(merge_phases(phases), conv.output)


@law
@given(
    shape=st.tuples(st.integers(0, 2), st.integers(0, 7), st.integers(0, 7)),
    dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_merge_phases_undoes_split_phases(shape: tuple[int, ...], dilation: Pair) -> None:
    image = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(merge_phases(split_phases(image, dilation)), image)


def nearest(exact: Array) -> Array:
    """Round fractions to float64: Python rounds their quotients to nearest, ties to even."""
    return np.array([float(value) for value in exact.ravel()]).reshape(exact.shape)


@settings(law, max_examples=40)
@given(conv=convs())
def test_exact_gradients_are_the_nearest_numbers_to_those_in_rationals(conv: Conv) -> None:
    shapes = conv.input.shape, conv.weight.shape, conv.output.shape
    x, w, y = (conv.rng.normal(size=shape) * 10.0 ** conv.rng.integers(-9, 9, shape) for shape in shapes)
    X, W, Y = map(fractions_of, (x, w, y))
    exact = grad.conv2d_input(x.shape, w, y, **conv.parameters, method="exact")
    np.testing.assert_array_equal(exact, nearest(grad.conv2d_input(x.shape, W, Y, **conv.parameters)))
    exact = grad.conv2d_weight(x, w.shape, y, **conv.parameters, method="exact")
    np.testing.assert_array_equal(exact, nearest(grad.conv2d_weight(X, w.shape, Y, **conv.parameters)))
    np.testing.assert_array_equal(grad.conv2d_bias(y, method="exact"), nearest(grad.conv2d_bias(Y)))


@pytest.mark.parametrize("rank", [1, 2, 3])
@settings(law, max_examples=25)
@given(data=st.data())
def test_exact_transposed_convolutions_are_the_nearest_numbers_to_those_in_rationals(
    rank: int, data: st.DataObject
) -> None:
    conv = data.draw(convs(rank, mode="zeros"))
    if 0 in conv.input.shape[2:]:
        return
    w, y = (
        conv.rng.normal(size=shape) * 10.0 ** conv.rng.integers(-9, 9, shape)
        for shape in (conv.weight.shape, conv.output.shape)
    )
    desired = nearest(transposed(conv, fractions_of(w), fractions_of(y)))
    np.testing.assert_array_equal(transposed(conv, w, y, method="exact"), desired)


@law
@given(conv=convs())
def test_no_float32_gradient_leaves_the_bound(conv: Conv) -> None:
    shapes = conv.input.shape, conv.weight.shape, conv.output.shape
    x, w, y = (conv.rng.normal(size=shape).astype(np.float32) for shape in shapes)
    for function, arguments in (
        (grad.conv2d_input, (x.shape, w, y)),
        (grad.conv2d_weight, (x, w.shape, y)),
    ):
        exact = function(*arguments, **conv.parameters, method="exact", dtype=np.float64)
        bound = error_bound_of(function, *arguments, **conv.parameters, dtype=np.float32)
        assert bound.shape == exact.shape
        # As objects, float32 numbers are multiplied and added up by their own arithmetic, in float32.
        objects: list[Any] = [
            np.array(list(a.ravel()), dtype=object).reshape(a.shape) if isinstance(a, np.ndarray) else a
            for a in arguments
        ]
        honest = function(*objects, **conv.parameters, method="direct").astype(np.float64)
        assert (abs(honest - exact) <= bound).all()
