from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array
from refusals import naming

from refconv import conv1d, conv3d

# `method` is the fixture of conftest.py: what conv2d can do, these can.


def test_conv1d_with_parameters_that_all_differ(method: str) -> None:
    signal = np.array([[[1, 2, 3, 4, 5, 6, 7]]])
    # Taps 3 apart, outputs 2 apart, two pixels of padding before and one after: the pixels −2 1, 0 3, 2 5, 4 7.
    output = conv1d(signal, np.array([[[10, 1]]]), [100], 2, ((2, 1),), 3, method=method)
    assert output.tolist() == [[[102, 114, 136, 150]]]
    by_name = conv1d(
        signal, np.array([[[10, 1]]]), bias=[100], stride=(2,), padding=((2, 1),), dilation=(3,), method=method
    )
    assert by_name.tolist() == output.tolist()


def test_conv1d_pads_in_every_way_that_conv2d_does(method: str) -> None:
    signal, kernel = np.array([[1, 2, 3]]), np.array([[[100, 10, 1]]])

    def padded(padding: Any, mode: str = "zeros") -> list[int]:
        pixels: list[int] = conv1d(signal, kernel, padding=padding, padding_mode=mode, method=method)[0].tolist()
        return pixels

    assert padded(0) == padded("valid") == [123]
    assert padded(1) == padded((1,)) == padded("same") == padded("same_upper") == [12, 123, 230]
    assert padded(((0, 1),)) == [123, 230]
    assert padded(1, "reflect") == [212, 123, 232]
    assert padded(1, "replicate") == [112, 123, 233]
    assert padded(1, "circular") == [312, 123, 231]


def test_conv1d_of_channels_in_groups(method: str) -> None:
    signal, kernel = np.arange(1, 5).reshape(1, 4, 1), np.arange(12).reshape(6, 2, 1)
    output = conv1d(signal, kernel, None, 1, 0, 1, 2, method=method)
    # 1·0 + 2·1, 1·2 + 2·3, 1·4 + 2·5; 3·6 + 4·7, 3·8 + 4·9, 3·10 + 4·11
    assert output.ravel().tolist() == [2, 8, 14, 46, 60, 74]


# A volume of 3 planes of 2×2 pixels holds 1 ... 12; the kernel has 2 planes of 1×2 taps.
VOLUME = np.arange(1, 13).reshape(1, 1, 3, 2, 2)
KERNEL = np.array([[[[[1, 10]], [[100, 1000]]]]])


def test_conv3d_adds_up_planes_and_taps(method: str) -> None:
    # first plane 1 2 / 3 4, second 5 6 / 7 8, third 9 10 / 11 12
    output = conv3d(VOLUME, KERNEL, [20000], method=method)
    assert output.shape == (1, 1, 2, 2, 1)
    assert output.ravel().tolist() == [26521, 28743, 30965, 33187]


def test_what_is_not_said_is_one_group_at_stride_and_dilation_1_without_padding() -> None:
    output = conv3d(np.arange(27).reshape(1, 3, 3, 3), np.ones((1, 1, 2, 2, 2), int))
    # the corner 0 + 1 + 3 + 4 + 9 + 10 + 12 + 13; a step to the right adds 8, one down 24, one into the depth 72
    assert output.ravel().tolist() == [52, 60, 76, 84, 124, 132, 148, 156]
    assert conv1d(np.array([[1, 2, 4]]), np.ones((1, 1, 2), int)).tolist() == [[3, 6]]


def test_conv3d_with_parameters_that_all_differ(method: str) -> None:
    parameters: dict[str, Any] = {
        "stride": (2, 1, 3),
        "padding": ((1, 2), (0, 1), (2, 1)),
        "dilation": (3, 1, 2),
        "method": method,
    }
    # Depths: −1 and 2, 1 and 4.  Rows: 0, 1, 2.  Columns: −2 and 0; the next, 1 and 3, would not fit 2 + 2 + 1.
    output = conv3d(VOLUME, KERNEL, **parameters)
    assert output.tolist() == [[[[[9000], [11000], [0]], [[50], [70], [0]]]]]


def test_conv3d_of_padding_by_name_and_by_mode(method: str) -> None:
    taps = np.array([100, 10, 1]).reshape(1, 1, 3, 1, 1)
    line = np.array([1, 2, 3]).reshape(1, 3, 1, 1)

    def padded(padding: Any, mode: str = "zeros") -> list[int]:
        pixels: list[int] = conv3d(line, taps, padding=padding, padding_mode=mode, method=method).ravel().tolist()
        return pixels

    assert padded("same") == padded("same_lower") == padded((1, 0, 0)) == [12, 123, 230]
    assert padded("valid") == padded(0) == [123]
    assert padded(((1, 0), (0, 0), (0, 0)), "reflect") == [212, 123]
    assert padded(((0, 1), (0, 0), (0, 0)), "replicate") == [123, 233]
    assert padded((1, 0, 0), "circular") == [312, 123, 231]


def test_conv3d_of_channels_in_groups(method: str) -> None:
    volume, kernel = np.arange(1, 5).reshape(4, 1, 1, 1), np.arange(12).reshape(6, 2, 1, 1, 1)
    output = conv3d(volume, kernel, None, 1, 0, 1, 2, method=method)
    assert output.ravel().tolist() == [2, 8, 14, 46, 60, 74]
    deep = np.arange(1, 9).reshape(4, 2, 1, 1)  # channels of two planes: 1 2, 3 4, 5 6, 7 8
    kernel = np.arange(8).reshape(2, 2, 2, 1, 1)
    output = conv3d(deep, kernel, groups=2, method=method)
    assert output.ravel().tolist() == [0 + 2 + 6 + 12, 20 + 30 + 42 + 56]


def test_conv3d_keeps_images_apart(method: str) -> None:
    batch = np.concatenate([VOLUME, 2 * VOLUME, 3 * VOLUME])
    output = conv3d(batch, KERNEL, method=method)
    assert output.shape == (3, 1, 2, 2, 1)
    assert output.flags.c_contiguous
    assert output[2].ravel().tolist() == [3 * 6521, 3 * 8743, 3 * 10965, 3 * 13187]
    np.testing.assert_array_equal(conv3d(batch[2], KERNEL, method=method), output[2])
    assert conv3d(batch[:0], KERNEL, method=method).shape == (0, 1, 2, 2, 1)


def test_depth_is_accumulated_wide_and_rounded_once(method: str) -> None:
    depths = np.array([1, 2**-11, 2**-24], np.float16).reshape(1, 3, 1, 1)
    taps = np.ones((1, 1, 3, 1, 1), np.float16)
    assert conv3d(depths, taps, method=method).item() == 1 + 2**-10  # by way of float16 or float32, 1
    assert conv3d(depths, taps, dtype=np.float64, method=method).item() == 1 + 2**-11 + 2**-24
    assert conv1d(depths[:, :, 0, 0], taps[..., 0, 0], method=method, dtype=np.float64).item() == 1 + 2**-11 + 2**-24


def test_types_are_those_of_conv2d(method: str) -> None:
    third = np.array([Fraction(1, 3), Fraction(1, 6)]).reshape(1, 2, 1, 1)
    assert conv3d(third, np.ones((1, 1, 2, 1, 1), int), method=method).item() == Fraction(1, 2)
    assert conv1d(np.array([[2**62, 1]]), np.array([[[1, 1]]]), method=method).item() == 2**62 + 1
    with pytest.raises(OverflowError):
        conv3d(np.full((1, 2, 1, 1), 2**62), np.ones((1, 1, 2, 1, 1), int), method=method)
    assert conv1d(np.array([[1 + 2j]]), np.array([[[3j]]]), method=method).item() == -6 + 3j


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
def test_narrow_types_in_depth(method: str, name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    narrow = getattr(ml_dtypes, name)
    output = conv3d(
        np.ones((1, 300, 1, 1), narrow), np.ones((1, 1, 300, 1, 1), narrow), padding=(1, 0, 0), method=method
    )
    assert output.dtype == narrow
    assert float(output[0, 1, 0, 0]) == float(narrow(300.0))


def test_exact_is_correctly_rounded_over_all_taps() -> None:
    depths = np.array([1e16, 1.0, -1e16]).reshape(1, 3, 1, 1)
    assert conv3d(depths, np.ones((1, 1, 3, 1, 1)), method="exact").item() == 1
    assert conv1d(depths[:, :, 0, 0], np.ones((1, 1, 3)), method="exact").item() == 1


def test_the_operands_are_left_alone(method: str) -> None:
    volume, kernel = np.ones((1, 2, 2, 2))[:, ::-1], np.ones((1, 1, 1, 1, 1))
    volume.flags.writeable = kernel.flags.writeable = False
    conv3d(volume, kernel, method=method)[...] = 7
    conv1d(volume[0, :1, 0], kernel[0, 0], method=method)[...] = 7
    assert (volume == 1).all()


# What is refused

FUNCTIONS: dict[int, Callable[..., Array]] = {1: conv1d, 3: conv3d}
NUMBERS = {1: "a tuple (length,)", 3: "a triple (depth, height, width)"}
SIDES = {1: "((before, after),)", 3: "((front, back), (top, bottom), (left, right))"}
FIRST = {1: "length", 3: "depth"}


def refuses(rank: int, error: type[Exception], message: str, **changes: Any) -> None:
    sizes, taps = (5, 6, 7)[:rank], (2, 3, 1)[:rank]
    arguments = {"input": np.ones((2, 4, *sizes)), "weight": np.ones((6, 2, *taps)), "groups": 2, **changes}
    shapes = f"input {arguments['input'].shape}, weight {arguments['weight'].shape}"
    if "bias" in arguments:
        shapes += f", bias {np.shape(arguments['bias'])}"
    with pytest.raises(error, match=naming(f"{message} … ({shapes})")):
        FUNCTIONS[rank](**arguments)


@pytest.mark.parametrize("rank", [1, 3])
def test_bad_shapes_are_refused_with_their_own_numbers(rank: int) -> None:
    forms = {1: "(N, C, L) or (C, L)", 3: "(N, C, Z, H, W) or (C, Z, H, W)"}[rank]
    taps = {1: "K", 3: "K_d, K_h, K_w"}[rank]
    image = np.ones((2, 4, 5, 6, 7))
    words = f"input … {rank} … {forms}"
    refuses(rank, ValueError, words, input=image[(0,) * (5 - rank)])
    words = f"input has {rank + 3} dimensions; it must be {forms}"
    refuses(rank, ValueError, words, input=np.ones((1,) * (rank + 3)))
    words = f"weight has {rank + 1} dimensions; it must be (O, C/G, {taps})"
    refuses(rank, ValueError, words, weight=np.ones((1,) * (rank + 1)))
    words = "groups=3 … C=4 … O=6"
    refuses(rank, ValueError, words, groups=3)
    refuses(rank, ValueError, "weight … 2 … 4/1 = 4", groups=1)
    refuses(rank, ValueError, "bias … (5,) … (6,)", bias=np.ones(5))
    taps_of_0 = np.ones((6, 2, 0, 3, 1)[: rank + 2])
    refuses(rank, ValueError, "kernel_size[0]=0 … 1", weight=taps_of_0)
    words = f"kernel {FIRST[rank]} 2 … 9 … 10 … {FIRST[rank]} 0 + 5 + 0 = 5"
    refuses(rank, ValueError, words, dilation=(9, 1, 1)[:rank])


@pytest.mark.parametrize("rank", [1, 3])
def test_bad_numbers_are_refused(rank: int) -> None:
    for name in ("stride", "dilation"):
        refuses(rank, ValueError, f"{name}=0 … 1", **{name: 0})
        words = f"{name}=(1, 1) … 2 … {NUMBERS[rank]}"
        refuses(rank, ValueError, words, **{name: (1, 1)})
    refuses(rank, TypeError, "stride[0]=1.5 … float", stride=(1.5, 1, 1)[:rank])
    words = f"padding=(1, 1) … 2 … {NUMBERS[rank]}"
    refuses(rank, ValueError, words, padding=(1, 1))
    words = f"must be an int, {NUMBERS[rank]} or {SIDES[rank]}"
    refuses(rank, ValueError, f"padding=((1, 2), (3, 4)) {words}", padding=((1, 2), (3, 4)))
    first = {1: "(before, after)", 3: "(front, back)"}[rank]
    padding = ((1, 2, 3), (0, 0), (0, 0))[:rank]
    refuses(rank, ValueError, f"padding[0]=(1, 2, 3) … 3 … a pair {first}", padding=padding)
    words = "padding='full' must be one of 'valid', 'same', 'same_upper', 'same_lower', or numbers"
    refuses(rank, ValueError, words, padding="full")
    refuses(rank, ValueError, "stride=2 … 1 … 'same'", padding="same", stride=2)
    words = "padding_mode='mirror' … 'zeros', 'reflect', 'replicate', 'circular'"
    refuses(rank, ValueError, words, padding_mode="mirror")
    words = f"padding=(5, 5) … 4 … 'reflect' … {FIRST[rank]} 5"
    refuses(rank, ValueError, words, padding_mode="reflect", padding=(5, 0, 0)[:rank])


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_an_unknown_method_is_refused(function: Callable[..., Array]) -> None:
    with pytest.raises(ValueError, match=r"^method='fft' must be one of 'im2col', 'einsum', 'direct', 'exact'$"):
        function(np.ones((1, 1, 1)), np.ones((1, 1, 1)), method="fft")


def test_what_memory_cannot_hold_is_refused() -> None:
    words = "the padded input would have shape (1, 1, 288230376151711746, 1, 1), which is more than memory can address"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        conv3d(np.ones((1, 1, 2, 1, 1)), np.ones((1, 1, 2, 1, 1)), padding=(2**57, 0, 0))
