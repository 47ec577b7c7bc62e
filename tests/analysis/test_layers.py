from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from refconv.analysis import Conv, ConvTranspose, Layer, Pool, Upsample


def test_conv_normalises_what_it_is_given() -> None:
    layer = Conv((3, 5), stride=2, padding=((1, 2), (3, 4)), dilation=(1, 6))
    assert (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == (
        (3, 5),
        (2, 2),
        ((1, 2), (3, 4)),
        (1, 6),
    )
    assert Conv(3) == Conv((3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert Conv(3, padding=(1, 2)).padding == ((1, 1), (2, 2))
    assert len({Conv(3), Pool(3, stride=1), Conv((3, 3))}) == 2
    assert hash(Conv(3)) == hash(Conv((3, 3)))


def test_a_layer_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Conv(3).stride = (2, 2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Conv(3), "Conv(3)"),
        (Conv((3, 5), 2, (1, 2), 4), "Conv((3, 5), stride=2, padding=(1, 2), dilation=4)"),
        (Conv(3, padding=((1, 2), (3, 3))), "Conv(3, padding=((1, 2), (3, 3)))"),
        (Conv(3, padding=((1, 2), (1, 2))), "Conv(3, padding=((1, 2), (1, 2)))"),
        (Pool(2), "Pool(2)"),
        (Pool((2, 3)), "Pool((2, 3))"),
        (Pool(2, 1), "Pool(2, stride=1)"),
        (Pool(3, 2, 1, ceil_mode=True), "Pool(3, stride=2, padding=1, ceil_mode=True)"),
        (ConvTranspose(4, 2, 1, 1, 3), "ConvTranspose(4, stride=2, padding=1, output_padding=1, dilation=3)"),
        (ConvTranspose(2), "ConvTranspose(2)"),
        (Upsample(2), "Upsample(2)"),
        (Upsample((2, 3), "bilinear"), "Upsample((2, 3), mode='bilinear')"),
    ],
)
def test_the_repr_says_what_is_not_the_default_and_can_be_evaluated(layer: Layer, text: str) -> None:
    assert repr(layer) == text
    assert eval(text) == layer


def test_a_poolings_stride_is_its_kernel_size() -> None:
    assert Pool((2, 3)).stride == (2, 3)
    assert Pool((2, 3), padding=1).dilation == (1, 1)
    assert Pool(2).ceil_mode is False


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        ("valid", ((0, 0), (0, 0))),
        ("same", ((1, 2), (2, 2))),
        ("same_upper", ((1, 2), (2, 2))),
        ("same_lower", ((2, 1), (2, 2))),
    ],
)
def test_padding_as_a_string(padding: str, sides: tuple[tuple[int, int], tuple[int, int]]) -> None:
    assert Conv((2, 3), padding=padding, dilation=(3, 2)).padding == sides  # d·(k − 1) = 3 and 4


def test_valid_is_no_matter_of_strides() -> None:
    assert Conv(3, stride=2, padding="valid") == Conv(3, stride=2)


@pytest.mark.parametrize(
    ("layer", "input_size", "output_size"),
    [
        (Conv(3, stride=2, padding=((1, 0), (0, 0)), dilation=2), 7, 2),
        (Pool(3, stride=2), 8, 3),
        (Pool(3, stride=2, ceil_mode=True), 8, 4),
        (Pool(3, stride=2, ceil_mode=True), 7, 3),
        (Pool(2, stride=2, ceil_mode=True), 7, 4),
        (Pool(1, stride=3, ceil_mode=True), 5, 2),  # a third window would start at 6
        (
            Pool(2, stride=3, padding=((1, 1), (0, 0)), ceil_mode=True),
            5,
            2,
        ),  # a third one at -1 + 6 = 5, behind the input
        (Pool(2, stride=3, padding=((1, 1), (0, 0)), ceil_mode=True), 6, 3),
        (ConvTranspose(4, stride=2, padding=1), 5, 10),  # 4·2 + 4 - 2
        (
            ConvTranspose(3, stride=3, padding=((1, 2), (0, 0)), output_padding=2, dilation=2),
            4,
            13,
        ),  # 9 - 3 + 4 + 2 + 1
        (Upsample(3), 4, 12),
    ],
)
def test_output_size_along_the_height(layer: Layer, input_size: int, output_size: int) -> None:
    assert layer.output_size(0, input_size) == output_size


def test_output_size_along_the_width() -> None:
    assert Conv((1, 4), stride=(1, 3), padding=((0, 0), (1, 2)), dilation=(1, 2)).output_size(1, 10) == 3
    assert Pool((1, 2), stride=(1, 4), padding=((0, 0), (1, 0)), ceil_mode=True).output_size(1, 8) == 3
    assert ConvTranspose((1, 2), (1, 3), ((0, 0), (1, 0)), (0, 1), (1, 4)).output_size(1, 3) == 11
    assert Upsample((1, 5)).output_size(1, 2) == 10


def test_which_axis_is_which() -> None:
    layer = Conv((2, 3), stride=(4, 5), padding=((1, 0), (2, 0)), dilation=(6, 7))
    assert (layer.axis_map(0).shift, list(layer.axis_map(0).phases[0])) == (4, [-1, 5])
    assert (layer.axis_map(1).shift, list(layer.axis_map(1).phases[0])) == (5, [-2, 5, 12])
    transposed = ConvTranspose((2, 3), stride=(1, 2), padding=((1, 0), (0, 1)), dilation=(3, 1))
    assert [list(phase) for phase in transposed.axis_map(0).phases] == [[-2, 1]]
    assert [list(phase) for phase in transposed.axis_map(1).phases] == [[-1, 0], [0]]
    assert len(Upsample((2, 3)).axis_map(0).phases) == 2
    assert len(Upsample((2, 3), "bilinear").axis_map(1).phases) == 3


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: Conv(0), ValueError, "kernel_size=0 must be at least 1"),
    (lambda: Conv(3, stride=0), ValueError, "stride=0 must be at least 1"),
    (lambda: Conv(3, dilation=-1), ValueError, "dilation=-1 must be at least 1"),
    (lambda: Conv(3, padding=-1), ValueError, "padding=-1 must be at least 0"),
    (
        lambda: Conv(3.0),  # type: ignore[arg-type]
        TypeError,
        "kernel_size=3.0 must be an int, not float",
    ),
    (
        lambda: Conv((3, 3, 3)),
        ValueError,
        "kernel_size=(3, 3, 3) has length 3; it must be an int or a pair (height, width)",
    ),
    (
        lambda: Conv(3, stride=(1, 2), padding="same"),
        ValueError,
        "padding='same' depends on the input's size at stride (1, 2); write ((top, bottom), (left, right))",
    ),
    (
        lambda: Conv(3, padding="full"),
        ValueError,
        "padding='full' must be one of 'valid', 'same', 'same_upper', 'same_lower', or numbers",
    ),
    (lambda: Pool(2, stride=-2), ValueError, "stride=-2 must be at least 1"),
    (lambda: ConvTranspose(-3), ValueError, "kernel_size=-3 must be at least 1"),
    (lambda: ConvTranspose(3, -1), ValueError, "stride=-1 must be at least 1"),
    (lambda: ConvTranspose(3, dilation=0), ValueError, "dilation=0 must be at least 1"),
    (lambda: ConvTranspose(3, output_padding=-1), ValueError, "output_padding=-1 must be at least 0"),
    (
        lambda: ConvTranspose(3, stride=(3, 2), output_padding=2),
        ValueError,
        "output_padding=(2, 2) must be below the stride (3, 2) or the dilation (1, 1)",
    ),
    (
        lambda: ConvTranspose(3, padding="same"),  # type: ignore[arg-type]
        TypeError,
        "padding='same' must be numbers for a transposed convolution",
    ),
    (lambda: Upsample(0), ValueError, "scale=0 must be at least 1"),
    (
        lambda: Upsample(1.5),  # type: ignore[arg-type]
        TypeError,
        "scale=1.5 must be an int, not float",
    ),
    (lambda: Upsample(2, "cubic"), ValueError, "mode='cubic' must be one of 'nearest', 'bilinear'"),
    (
        lambda: ConvTranspose(2, padding=1).output_size(1, 1),
        ValueError,
        "padding=(1, 1) must leave some of the output width 2",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_bad_layers_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_output_padding_below_the_dilation_is_enough() -> None:
    assert ConvTranspose(3, dilation=3, output_padding=2).output_padding == (2, 2)
    assert ConvTranspose(2, padding=((1, 0), (0, 0))).output_size(0, 1) == 1
