"""The laws of convolution, on integers, so that both sides of each are equal to the last bit."""

from __future__ import annotations

import numpy as np
from definition import convolution
from drawn import Conv, axes, convs, law
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import col2im, im2col, output_size
from refconv.analysis.valid_weights import valid_outputs
from refconv.geometry.axis import AxisGeometry

law = settings(law, max_examples=150)


@law
@given(convs())
def test_every_method_is_the_definition(conv: Conv) -> None:
    expected = convolution(conv.input, conv.weight, conv.parameters)
    expected = expected if conv.bias is None else expected + conv.bias[:, None, None]
    for method in ("direct", "einsum", "im2col"):
        np.testing.assert_array_equal(conv(method=method), expected)


@law
@given(convs())
def test_padding_is_convolving_the_padded_input(conv: Conv) -> None:
    np.testing.assert_array_equal(conv(), conv(input=conv.padded, padding=0, padding_mode="zeros"))


@law
@given(convs(), st.integers(-5, 5), st.integers(-5, 5))
def test_it_is_linear_in_the_input(conv: Conv, a: int, b: int) -> None:
    other = conv.integers(conv.input.shape)
    actual = conv(input=a * conv.input + b * other, bias=None)
    np.testing.assert_array_equal(actual, a * conv(bias=None) + b * conv(input=other, bias=None))


@law
@given(convs(), st.integers(-5, 5), st.integers(-5, 5))
def test_it_is_linear_in_the_weight(conv: Conv, a: int, b: int) -> None:
    other = conv.integers(conv.weight.shape)
    actual = conv(weight=a * conv.weight + b * other, bias=None)
    np.testing.assert_array_equal(actual, a * conv(bias=None) + b * conv(weight=other, bias=None))


@law
@given(convs())
def test_a_bias_is_added(conv: Conv) -> None:
    bias = conv.integers(conv.weight.shape[:1])
    np.testing.assert_array_equal(conv(bias=bias), conv(bias=None) + bias[:, None, None])


@law
@given(convs())
def test_leaving_out_a_strides_rows_and_columns_shifts_the_output_by_one(conv: Conv) -> None:
    (S_h, S_w), image = conv.stride, conv.padded
    longer = np.concatenate([image, conv.integers((*image.shape[:2], S_h, image.shape[3]))], axis=2)
    longer = np.concatenate([longer, conv.integers((*longer.shape[:3], S_w))], axis=3)
    whole = conv(input=longer, padding=0, padding_mode="zeros")
    shifted = conv(input=longer[:, :, S_h:, S_w:], padding=0, padding_mode="zeros")
    np.testing.assert_array_equal(shifted, whole[:, :, 1:, 1:])


@law
@given(convs())
def test_groups_are_convolutions_of_slices_side_by_side(conv: Conv) -> None:
    slices = zip(
        np.split(conv.input, conv.groups, axis=1),
        np.split(conv.weight, conv.groups),
        [None] * conv.groups if conv.bias is None else np.split(conv.bias, conv.groups),
        strict=True,
    )
    parts = [conv(input=x, weight=w, bias=b, groups=1) for x, w, b in slices]
    np.testing.assert_array_equal(conv(), np.concatenate(parts, axis=1))


@law
@given(convs(depthwise=True))
def test_depthwise_is_one_convolution_per_channel(conv: Conv) -> None:
    multiplier = len(conv.weight) // conv.groups
    whole = conv(bias=None)
    for o in range(len(conv.weight)):
        c = o // multiplier
        alone = conv(input=conv.input[:, c : c + 1], weight=conv.weight[o : o + 1], bias=None, groups=1)
        np.testing.assert_array_equal(whole[:, o : o + 1], alone)


@law
@given(convs(groups=1))
def test_a_1x1_kernel_is_a_matrix_product(conv: Conv) -> None:
    matrix = conv.integers((len(conv.weight), conv.input.shape[1]))
    S_h, S_w = conv.stride
    actual = conv(weight=matrix[:, :, None, None], bias=None)
    np.testing.assert_array_equal(actual, np.einsum("oc,nchw->nohw", matrix, conv.padded[:, :, ::S_h, ::S_w]))


@law
@given(convs())
def test_dilation_is_a_kernel_with_zeros_between_its_taps(conv: Conv) -> None:
    (D_h, D_w), (O, each, K_h, K_w) = conv.dilation, conv.weight.shape
    stuffed = np.zeros((O, each, D_h * (K_h - 1) + 1, D_w * (K_w - 1) + 1), int)
    stuffed[:, :, ::D_h, ::D_w] = conv.weight
    np.testing.assert_array_equal(conv(), conv(weight=stuffed, dilation=1))


@law
@given(convs(stride=1))
def test_dilation_is_the_plain_kernel_on_each_phase_of_the_input(conv: Conv) -> None:
    (D_h, D_w), image = conv.dilation, conv.padded
    whole = conv()
    interleaved = np.full_like(whole, 10**6)
    for r, s in np.ndindex(min(D_h, whole.shape[2]), min(D_w, whole.shape[3])):
        phase = conv(input=image[:, :, r::D_h, s::D_w], padding=0, padding_mode="zeros", dilation=1)
        interleaved[:, :, r::D_h, s::D_w] = phase
    np.testing.assert_array_equal(interleaved, whole)


@law
@given(convs(mode="zeros", groups=1))
def test_a_convolution_is_the_product_with_the_columns_of_im2col(conv: Conv) -> None:
    columns = im2col(conv.input, conv.weight.shape[2:], conv.dilation, conv.padding, conv.stride)
    matrix = conv.weight.reshape(len(conv.weight), -1)
    whole = conv(bias=None)
    np.testing.assert_array_equal((matrix @ columns).reshape(whole.shape), whole)


@law
@given(convs(mode="zeros", groups=1))
def test_col2im_is_the_adjoint_of_im2col(conv: Conv) -> None:
    kernel, x = conv.weight.shape[2:], conv.input
    columns = im2col(x, kernel, conv.dilation, conv.padding, conv.stride)
    y = conv.integers(columns.shape)
    image = col2im(y, x.shape[2:], kernel, conv.dilation, conv.padding, conv.stride)
    assert image.shape == x.shape
    assert np.vdot(columns, y) == np.vdot(x, image)


@law
@given(axes())
def test_valid_outputs_are_those_whose_pixel_is_real(axis: AxisGeometry) -> None:
    for k in range(axis.kernel_size):
        pixels = [axis.stride * p + axis.dilation * k - axis.padding[0] for p in range(axis.output_size)]
        assert list(valid_outputs(axis, k)) == [p for p, h in enumerate(pixels) if 0 <= h < axis.input_size]


@law
@given(axes())
def test_output_size_counts_the_positions_where_every_tap_is_on_the_padded_input(axis: AxisGeometry) -> None:
    size, kernel, (before, after) = axis.input_size, axis.kernel_size, axis.padding
    starts = range(-before, size + after, axis.stride)
    fitting = [start for start in starts if start + axis.dilation * (kernel - 1) < size + after]
    assert output_size(size, kernel, axis.stride, (before, after), axis.dilation) == len(fitting)


@law
@given(axes(), axes())
def test_the_output_size_of_two_axes_is_that_of_each(height: AxisGeometry, width: AxisGeometry) -> None:
    names = ("input_size", "kernel_size", "stride", "padding", "dilation")
    of_each = [tuple(getattr(axis, name) for name in names) for axis in (height, width)]
    both = output_size(*zip(*of_each, strict=True))
    assert both == tuple(output_size(*numbers) for numbers in of_each)
