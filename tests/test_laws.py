"""The laws of convolution, on integers, so that both sides of each are equal to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import col2im, conv2d, im2col, output_size
from refconv.geometry.axis import AxisGeometry

Array = npt.NDArray[Any]
Pair = tuple[int, int]

law = settings(deadline=None, derandomize=True, max_examples=150)

NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@dataclass(frozen=True)
class Conv:
    """The arguments of one conv2d, and random integers to fill more arrays with."""

    input: Array
    weight: Array
    bias: Array | None
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int
    padding_mode: str
    rng: np.random.Generator

    def __call__(self, **changes: Any) -> Array:
        arguments = {name: value for name, value in vars(self).items() if name != "rng"}
        return conv2d(**{**arguments, **changes})

    def integers(self, shape: tuple[int, ...]) -> Array:
        return self.rng.integers(-9, 10, shape)

    @property
    def padded(self) -> Array:
        mode: Any = NUMPY_MODES[self.padding_mode]
        return np.pad(self.input, ((0, 0), (0, 0), *self.padding), mode=mode)


@st.composite
def axes(draw: st.DrawFn, mode: str, stride: int | None = None) -> tuple[int, int, int, int, Pair]:
    """Draw size, kernel, stride, dilation and padding of one axis, such that the kernel fits."""
    kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    size = draw(st.integers(1, 6))
    most = {"zeros": 4, "replicate": 4, "reflect": size - 1, "circular": size}[mode]
    padding = draw(st.integers(0, min(4, most))), draw(st.integers(0, min(4, most)))
    missing = dilation * (kernel - 1) + 1 - (size + sum(padding))
    return size + max(0, missing), kernel, stride or draw(st.integers(1, 3)), dilation, padding


@st.composite
def convs(
    draw: st.DrawFn, *, mode: str | None = None, stride: int | None = None, depthwise: bool = False, groups: int = 0
) -> Conv:
    """Draw the arguments of a conv2d; `mode`, `stride`, `groups` and `depthwise` pin what a law needs."""
    padding_mode = mode or draw(st.sampled_from(sorted(NUMPY_MODES)))
    height, width = draw(axes(padding_mode, stride)), draw(axes(padding_mode, stride))
    groups = groups or draw(st.integers(1, 3))
    each_in = 1 if depthwise else draw(st.integers(1, 2))
    each_out = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weight_shape = groups * each_out, each_in, height[1], width[1]
    return Conv(
        input=rng.integers(-9, 10, (draw(st.integers(0, 2)), groups * each_in, height[0], width[0])),
        weight=rng.integers(-9, 10, weight_shape),
        bias=rng.integers(-9, 10, groups * each_out) if draw(st.booleans()) else None,
        stride=(height[2], width[2]),
        padding=(height[4], width[4]),
        dilation=(height[3], width[3]),
        groups=groups,
        padding_mode=padding_mode,
        rng=rng,
    )


def definition(conv: Conv) -> Array:
    """Return the convolution by the formula, with the padding written out: nothing of refconv is in it."""
    x, w = conv.padded, conv.weight
    (S_h, S_w), (D_h, D_w) = conv.stride, conv.dilation
    O, each, K_h, K_w = w.shape
    P = (x.shape[2] - D_h * (K_h - 1) - 1) // S_h + 1
    Q = (x.shape[3] - D_w * (K_w - 1) - 1) // S_w + 1
    output = np.zeros((len(x), O, P, Q), int) if conv.bias is None else np.tile(conv.bias[:, None, None], (P, Q))
    output = np.broadcast_to(output, (len(x), O, P, Q)).copy()
    for o, c, i, j in np.ndindex(O, each, K_h, K_w):
        channel = each * (o // (O // conv.groups)) + c
        rows = x[:, channel, i * D_h :: S_h][:, :P]
        output[:, o] += w[o, c, i, j] * rows[:, :, j * D_w :: S_w][:, :, :Q]
    return output


@law
@given(convs())
def test_every_method_is_the_definition(conv: Conv) -> None:
    expected = definition(conv)
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
@given(axes("zeros"))
def test_valid_outputs_are_those_whose_pixel_is_real(numbers: tuple[int, int, int, int, Pair]) -> None:
    size, kernel, stride, dilation, (before, after) = numbers
    axis = AxisGeometry(size, kernel, stride, dilation, (before, after))
    for k in range(kernel):
        real = [p for p in range(axis.output_size) if 0 <= stride * p + dilation * k - before < size]
        assert list(axis.valid_outputs(k)) == real


@law
@given(axes("zeros"))
def test_output_size_counts_the_positions_where_every_tap_is_on_the_padded_input(
    numbers: tuple[int, int, int, int, Pair],
) -> None:
    size, kernel, stride, dilation, (before, after) = numbers
    starts = range(-before, size + after, stride)
    fitting = [start for start in starts if start + dilation * (kernel - 1) < size + after]
    assert output_size(size, kernel, stride, (before, after), dilation) == len(fitting)


@law
@given(axes("zeros"), axes("zeros"))
def test_the_output_size_of_two_axes_is_that_of_each(
    height: tuple[int, int, int, int, Pair], width: tuple[int, int, int, int, Pair]
) -> None:
    (H, K_h, S_h, D_h, rows), (W, K_w, S_w, D_w, columns) = height, width
    both = output_size((H, W), (K_h, K_w), (S_h, S_w), (rows, columns), (D_h, D_w))
    assert both == (output_size(H, K_h, S_h, rows, D_h), output_size(W, K_w, S_w, columns, D_w))
