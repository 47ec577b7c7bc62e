"""The transposed convolutions, of one, two and three axes."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array, row
from refusals import naming
from tiles import set_tiles

from refconv import conv_transpose1d, conv_transpose2d, conv_transpose3d

METHODS = ["im2col", "direct", "exact"]


@pytest.fixture(params=METHODS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# One image of 2×2 pixels, and a kernel of 2×3 taps.
IMAGE = np.array([[[[1, 10], [100, 1000]]]])
KERNEL = np.array([[[[1, 2, 3], [4, 5, 6]]]])


def test_every_pixel_leaves_the_kernel_times_itself(way: str) -> None:
    # Columns two apart: 3·1 + 1·10 meet in column 2.  Rows three apart at dilation 2: rows 0, 2 and 3, 5; 1 and 4 empty.
    output = conv_transpose2d(IMAGE, KERNEL, stride=(3, 2), dilation=(2, 1), method=way)
    assert output.tolist() == [
        [
            [
                [1, 2, 13, 20, 30],
                [0, 0, 0, 0, 0],
                [4, 5, 46, 50, 60],
                [100, 200, 1300, 2000, 3000],
                [0, 0, 0, 0, 0],
                [400, 500, 4600, 5000, 6000],
            ]
        ]
    ]


def test_padding_crops_each_side_by_its_own_number(way: str) -> None:
    output = conv_transpose2d(IMAGE, KERNEL, stride=(3, 2), padding=((2, 1), (1, 2)), dilation=(2, 1), method=way)
    assert output.tolist() == [[[[5, 46], [200, 1300], [0, 0]]]]


def test_output_padding_gives_back_what_is_cropped_and_beyond_that_holds_the_bias(way: str) -> None:
    parameters: dict[str, Any] = {"stride": (2, 3), "padding": ((0, 1), (1, 1)), "method": way}
    # Uncropped: rows 1·KERNEL and 100·KERNEL one below the other, columns 1 2 3 10 20 30.
    plain = conv_transpose2d(IMAGE, KERNEL, [7], **parameters)
    assert (plain - 7).tolist() == [[[[2, 3, 10, 20], [5, 6, 40, 50], [200, 300, 1000, 2000]]]]
    more = conv_transpose2d(IMAGE, KERNEL, [7], output_padding=(1, 2), **parameters)
    assert (more - 7).tolist() == [
        [
            [
                [2, 3, 10, 20, 30, 0],
                [5, 6, 40, 50, 60, 0],
                [200, 300, 1000, 2000, 3000, 0],
                [500, 600, 4000, 5000, 6000, 0],
            ]
        ]
    ]


def test_an_output_padding_of_a_stride_or_more_under_a_larger_dilation(way: str) -> None:
    output = conv_transpose2d(row(1, 10), row(3, 4), dilation=(1, 3), output_padding=(0, 2), method=way)
    assert output.tolist() == [[[[3, 30, 0, 4, 40, 0, 0]]]]


def test_channels_and_groups(way: str) -> None:
    # Four input channels in two groups, each to three outputs: weight[c, o] = 10·c + o, inputs 1, 2, 3, 4.
    image = np.arange(1, 5).reshape(1, 4, 1, 1)
    weight = (10 * np.arange(4)[:, np.newaxis] + np.arange(3)).reshape(4, 3, 1, 1)
    output = conv_transpose2d(image, weight, groups=2, method=way)
    # group 0: 1·(0, 1, 2) + 2·(10, 11, 12); group 1: 3·(20, 21, 22) + 4·(30, 31, 32)
    assert output.ravel().tolist() == [20, 23, 26, 180, 187, 194]


def test_the_bias_is_each_channels_own(way: str) -> None:
    output = conv_transpose2d(np.ones((2, 1, 1, 2)), np.ones((1, 3, 1, 1)), [1, 10, 100], method=way)
    assert output.tolist() == 2 * [[[[2, 2]], [[11, 11]], [[101, 101]]]]


def test_the_arguments_are_in_the_order_of_torch(way: str) -> None:
    arguments: tuple[Any, ...] = ([1, 2, 3, 4], (3, 2), (1, 0), (2, 1), 2, (1, 3))
    names = ("bias", "stride", "padding", "output_padding", "groups", "dilation")
    image, weight = np.arange(32).reshape(2, 4, 2, 2), np.arange(48).reshape(4, 2, 2, 3)
    output = conv_transpose2d(image, weight, *arguments, method=way)
    # H = 3·1 + 1·1 + 1 + 2 − 2 = 5 and W = 2·1 + 3·2 + 1 + 1 − 0 = 10
    assert output.shape == (2, 4, 5, 10)
    by_name = conv_transpose2d(image, weight, **dict(zip(names, arguments, strict=True)), method=way)
    np.testing.assert_array_equal(output, by_name)


def test_an_input_without_a_batch_axis_and_an_empty_batch(way: str) -> None:
    assert conv_transpose2d(IMAGE[0], KERNEL, method=way).tolist() == conv_transpose2d(IMAGE, KERNEL)[0].tolist()
    assert conv_transpose2d(np.ones((0, 1, 2, 2)), KERNEL, method=way).shape == (0, 1, 3, 4)
    assert conv_transpose2d(np.ones((2, 0, 2, 2)), np.ones((0, 3, 1, 1)), [1, 2, 3], method=way)[
        1, :, 0, 0
    ].tolist() == [1, 2, 3]


@pytest.mark.parametrize("tile", [1, 7, 47, 48, 10**6])
def test_the_size_of_a_tile_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    rng = np.random.default_rng(0)
    image, weight = rng.integers(-9, 10, (2, 4, 5, 3)), rng.integers(-9, 10, (4, 3, 2, 3))
    expected = conv_transpose2d(
        image, weight, stride=2, dilation=(3, 1), output_padding=(2, 1), groups=2, method="direct"
    )
    set_tiles(monkeypatch, tile)
    actual = conv_transpose2d(image, weight, stride=2, dilation=(3, 1), output_padding=(2, 1), groups=2)
    np.testing.assert_array_equal(actual, expected)


# Types


@pytest.mark.parametrize(
    ("input_dtype", "weight_dtype", "result"),
    [
        ("f2", "f2", "f2"),
        ("f4", "f8", "f8"),
        (">f4", ">f4", "f4"),
        ("c8", "f4", "c8"),
        ("?", "u1", "i8"),
        ("O", "i8", "O"),
    ],
)
def test_the_type_of_the_result(way: str, input_dtype: str, weight_dtype: str, result: str) -> None:
    output = conv_transpose2d(np.ones((1, 2, 1, 2), input_dtype), np.ones((2, 1, 1, 1), weight_dtype), method=way)
    assert output.dtype == np.dtype(result)
    assert output.tolist() == [[[[2, 2]]]]


def test_it_rounds_once(way: str) -> None:
    # Three taps meet in the middle: 1 + 2^-11 + 2^-24 is just above a float16 tie.
    weight = np.array([[2**-24, 2**-11, 1]], np.float16).reshape(1, 1, 1, 3)
    output = conv_transpose2d(row(1, 1, 1, dtype=np.float16), weight, method=way)
    assert output[0, 0, 0, 2] == 1 + 2**-10
    assert (
        conv_transpose2d(row(1, 1, 1, dtype=np.float16), weight, dtype=np.float64, method=way)[0, 0, 0, 2]
        == 1 + 2**-11 + 2**-24
    )


def test_integers_are_exact_or_overflow(way: str) -> None:
    assert conv_transpose2d(row(2**53, 1), row(1, 1), method=way).tolist() == [[[[2**53, 2**53 + 1, 1]]]]
    assert conv_transpose2d(row(2**62), row(1), [2**62 - 1], method=way).item() == 2**63 - 1
    assert conv_transpose2d(row(2**62, -(2**62)), row(1, 2), [5], method=way)[0, 0, 0, 1] == 2**62 + 5
    with pytest.raises(OverflowError, match=naming("9223372036854775808 … int64")):
        conv_transpose2d(row(2**62, 2**62), row(1, 1), method=way)


def test_fractions_stay_fractions(way: str) -> None:
    output = conv_transpose2d(row(Fraction(1, 3), Fraction(1, 7)), row(Fraction(1, 2), 1), method=way)
    assert output[0, 0, 0].tolist() == [Fraction(1, 6), Fraction(1, 3) + Fraction(1, 14), Fraction(1, 7)]


def test_complex_numbers_are_not_conjugated(way: str) -> None:
    assert conv_transpose2d(row(1 + 2j), row(3 + 4j), method=way).item() == -5 + 10j


def test_exact_is_the_nearest_number_where_a_sum_in_float64_is_not() -> None:
    image, weight = row(1e16, 1.0), row(1.0, 1.0, 1.0)
    image_2 = np.concatenate([image, row(1.0, -1e16)], axis=1)  # meet in one pixel: 1e16 + 1 + 1 − 1e16
    output = conv_transpose2d(image_2, np.concatenate([weight, weight]), method="exact")
    assert output[0, 0, 0].tolist() == [1e16 + 1, 2, 2, -1e16 + 1]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn"])
def test_narrow_types_are_widened_and_rounded_once(way: str, name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    narrow = getattr(ml_dtypes, name)
    output = conv_transpose2d(np.ones((1, 300, 1, 1), narrow), np.ones((300, 1, 1, 2), narrow), method=way)
    assert output.dtype == narrow
    assert output.astype(float).tolist() == [[[[float(narrow(300.0))] * 2]]]


def test_what_is_not_finite_goes_where_it_is_scattered_and_nowhere_else(way: str) -> None:
    # At stride 3 the two pixels' kernels lie side by side, with a pixel between them that neither reaches.
    output = conv_transpose2d(row(1.0, 2.0), row(np.inf, 5.0), stride=(1, 3), method=way)
    assert output.tolist() == [[[[np.inf, 5, 0, np.inf, 10]]]]
    output = conv_transpose2d(row(np.nan, 2.0, -np.inf), row(3.0, 0.0), stride=(1, 2), method=way)
    np.testing.assert_array_equal(output, [[[[np.nan, np.nan, 6, 0, -np.inf, np.nan]]]])
    output = conv_transpose2d(row(1.0, 2.0), np.ones((1, 2, 1, 1)), [np.inf, 1.0], method=way)
    assert output.tolist() == [[[[np.inf, np.inf]], [[2, 3]]]]


def test_an_infinity_beside_sums_that_overflow_on_the_way() -> None:
    big = 1.7e308
    image = np.concatenate([row(big, 0.0), row(big, 0.0), row(-big, 0.0), row(0.0, np.inf)], axis=1)
    assert conv_transpose2d(image, np.ones((4, 1, 1, 1)), method="exact").tolist() == [[[[big, np.inf]]]]


def test_the_operands_are_left_alone(way: str) -> None:
    image, weight, bias = np.ones((1, 2, 3, 3))[..., ::-1], np.ones((2, 1, 2, 2)).swapaxes(2, 3), np.ones(1)
    for operand in (image, weight, bias):
        operand.flags.writeable = False
    output = conv_transpose2d(image, weight, bias, method=way)
    output[...] = 7
    assert all((operand == 1).all() for operand in (image, weight, bias))


# One axis and three


def test_conv_transpose1d_with_parameters_that_all_differ(way: str) -> None:
    signal, kernel = np.array([[[1, 10, 100]]]), np.array([[[1, 2]]])
    # stride 4, dilation 3: 1 . . 2 10 . . 20 100 . . 200
    output = conv_transpose1d(signal, kernel, None, 4, ((2, 1),), 2, 1, 3, method=way)
    assert output.tolist() == [[[0, 2, 10, 0, 0, 20, 100, 0, 0, 200, 0]]]
    assert conv_transpose1d(signal[0], kernel, [5], (4,), method=way).tolist() == [[6, 7, 5, 5, 15, 25, 5, 5, 105, 205]]


def test_conv_transpose3d_scatters_in_depth(way: str) -> None:
    volume = np.array([[[[[1, 10]], [[100, 1000]]]]])  # two planes of one row of two pixels
    kernel = np.array([[[[[1, 2]], [[3, 4]], [[5, 6]]]]])  # three planes of one row of two taps
    output = conv_transpose3d(volume, kernel, [7], (2, 1, 3), method=way)
    assert (output[0, 0, :, 0] - 7).tolist() == [
        [1, 2, 0, 10, 20],
        [3, 4, 0, 30, 40],
        [105, 206, 0, 1050, 2060],
        [300, 400, 0, 3000, 4000],
        [500, 600, 0, 5000, 6000],
    ]
    cropped = conv_transpose3d(volume[0], kernel, [7], (2, 1, 3), ((1, 2), (0, 0), (1, 3)), (1, 0, 2), method=way)
    np.testing.assert_array_equal(cropped[0, :, 0], output[0, 0, 1:4, 0, 1:4])


def test_conv_transpose3d_with_channels_in_groups(way: str) -> None:
    volume, kernel = np.arange(1, 5).reshape(1, 4, 1, 1, 1), np.arange(24).reshape(4, 3, 2, 1, 1)
    output = conv_transpose3d(volume, kernel, groups=2, method=way)
    desired = [[1 * kernel[0, o, k] + 2 * kernel[1, o, k] for k in range(2)] for o in range(3)]
    desired += [[3 * kernel[2, o, k] + 4 * kernel[3, o, k] for k in range(2)] for o in range(3)]
    np.testing.assert_array_equal(output[0], np.array(desired))


@pytest.mark.parametrize("batch", [0, 2])
def test_conv_transpose3d_of_a_batch(way: str, batch: int) -> None:
    volume = np.arange(batch * 6).reshape(batch, 1, 3, 2, 1)
    output = conv_transpose3d(volume, np.array([1, 10]).reshape(1, 1, 2, 1, 1), method=way)
    assert output.shape == (batch, 1, 4, 2, 1)
    for n in range(batch):
        np.testing.assert_array_equal(output[n], conv_transpose3d(volume[n], np.array([1, 10]).reshape(1, 1, 2, 1, 1)))


# SAME padding and sizes that are asked for


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        # Three pixels, three taps, stride 2: 1 2 13 20 130 200 300, of which SAME keeps 3·2.
        ({}, [1, 2, 13, 20, 130, 200, 300]),
        ({"padding": "valid"}, [1, 2, 13, 20, 130, 200, 300]),
        ({"padding": "same_upper"}, [1, 2, 13, 20, 130, 200]),
        ({"padding": "same_lower"}, [2, 13, 20, 130, 200, 300]),
        ({"padding": "same_upper", "output_size": 5}, [2, 13, 20, 130, 200]),
        ({"padding": "same_upper", "output_size": 4}, [2, 13, 20, 130]),
        ({"padding": "same_lower", "output_size": 4}, [13, 20, 130, 200]),
        ({"padding": "same_upper", "output_padding": 1}, [2, 13, 20, 130, 200, 300]),
        ({"padding": "same_lower", "output_size": 8}, [1, 2, 13, 20, 130, 200, 300, 0]),
        ({"padding": "valid", "output_size": 8}, [1, 2, 13, 20, 130, 200, 300, 0]),
        ({"padding": ((1, 0),), "output_size": 6}, [2, 13, 20, 130, 200, 300]),
        ({"padding": ((1, 0),), "output_size": 7}, [2, 13, 20, 130, 200, 300, 0]),
        ({"padding": ((1, 0),), "output_padding": 1}, [2, 13, 20, 130, 200, 300, 0]),
    ],
)
def test_what_is_kept_of_a_signal(way: str, parameters: dict[str, Any], expected: list[int]) -> None:
    signal, kernel = np.array([[1, 10, 100]]), np.array([[[1, 2, 3]]])
    output = conv_transpose1d(signal, kernel, [1000], 2, **parameters, method=way)
    assert (output - 1000).tolist() == [expected]


def test_what_is_kept_of_each_axis(way: str) -> None:
    # Rows: two, of two taps, stride 2, so that nothing is cropped.  Columns: as above.
    image, kernel = np.array([[[1, 10, 100], [2, 20, 200]]]), np.array([[[[1, 2, 3], [0, 0, 1]]]])
    output = conv_transpose2d(image, kernel, stride=2, padding="same_upper", output_size=(4, 5), method=way)
    assert output.tolist() == [[[2, 13, 20, 130, 200], [0, 1, 0, 10, 0], [4, 26, 40, 260, 400], [0, 2, 0, 20, 0]]]
    volume, taps = image[:, np.newaxis], kernel[:, :, np.newaxis]
    output = conv_transpose3d(volume, taps, stride=(1, 2, 2), padding="same_lower", output_size=(1, 4, 5), method=way)
    assert output.tolist() == [[[[2, 13, 20, 130, 200], [0, 1, 0, 10, 0], [4, 26, 40, 260, 400], [0, 2, 0, 20, 0]]]]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_sizes_that_cannot_be_are_refused(rank: int) -> None:
    # (5, 6, 7) pixels under (2, 3, 1) taps give 6, 8 and 7, and no stride leaves anything open.
    size, name = {1: (7, "length"), 2: (7, "height"), 3: (7, "depth")}[rank]
    refuses(rank, ValueError, f"output_size={size} along the {name} must be 6 ... 6", output_size=(size, 8, 7)[:rank])
    words = "output_padding=1 and output_size=8 say the same; give one"
    refuses(rank, ValueError, words, output_padding=1, output_size=8, stride=2)
    words = "padding='same' … 'same_upper' or 'same_lower'"
    refuses(rank, ValueError, words, padding="same")


# What is refused

FORMS = {
    1: ("(length,)", "a tuple (length,)", "L", "K"),
    2: ("(height, width)", "a pair (height, width)", "H, W", "K_h, K_w"),
    3: ("(depth, height, width)", "a triple (depth, height, width)", "Z, H, W", "K_d, K_h, K_w"),
}
FUNCTIONS: dict[int, Callable[..., Array]] = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}


def arrays(rank: int) -> tuple[Array, Array]:
    return np.ones((2, 4, *(5, 6, 7)[:rank])), np.ones((4, 3, *(2, 3, 1)[:rank]))


def refuses(rank: int, error: type[Exception], message: str, **changes: Any) -> None:
    image, weight = arrays(rank)
    arguments = {"input": image, "weight": weight, **changes}
    shapes = f"input {arguments['input'].shape}, weight {arguments['weight'].shape}"
    if "bias" in arguments:
        shapes += f", bias {np.shape(arguments['bias'])}"
    with pytest.raises(
        error, match=naming(f"{message} ({shapes})" if "…" not in message else f"{message} … ({shapes})")
    ):
        FUNCTIONS[rank](**arguments)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_bad_shapes_are_refused_with_the_numbers(rank: int) -> None:
    image, weight = arrays(rank)
    _, _, pixels, taps = FORMS[rank]
    words = f"it must be (N, C, {pixels}) or (C, {pixels})"
    refuses(rank, ValueError, f"input has {rank} dimensions; {words}", input=image[0, 0])
    refuses(rank, ValueError, f"input has {rank + 3} dimensions; {words}", input=image[np.newaxis])
    refuses(rank, ValueError, f"weight has {rank + 1} dimensions; it must be (C, O/G, {taps})", weight=weight[0])
    refuses(rank, ValueError, "weight has 3 input channels; it must have C = 4", weight=weight[:3])
    refuses(rank, ValueError, "groups=3 … C=4", groups=3)
    refuses(rank, ValueError, "groups=0 … 1", groups=0)
    refuses(rank, ValueError, "bias … (4,) … (6,)", bias=np.ones(4), groups=2)
    refuses(rank, ValueError, "kernel_size[0]=0 … 1", weight=weight[:, :, :0])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_bad_numbers_are_refused(rank: int) -> None:
    form = FORMS[rank][1]
    four = (1, 1, 1, 1)
    for name, least in (("stride", 1), ("dilation", 1), ("output_padding", 0), ("padding", 0)):
        refuses(rank, ValueError, f"{name}={least - 1} … {least}", **{name: least - 1})
        refuses(rank, TypeError, f"{name}=1.5 … float", **{name: 1.5})
        words = f"{name}={four} … 4 … {form}"
        refuses(rank, ValueError, words, **{name: four})
        refuses(rank, ValueError, f"{name}[0]={least - 1} … {least}", **{name: (least - 1, 2, 2)[:rank]})


@pytest.mark.parametrize(
    ("stride", "dilation", "extra"), [((1, 3), (2, 1), (2, 0)), ((1, 3), (1, 2), (0, 3)), (1, 1, 1)]
)
def test_an_output_padding_that_a_larger_input_would_give_is_refused(stride: Any, dilation: Any, extra: Any) -> None:
    image, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))
    with pytest.raises(ValueError, match=r"^output_padding=\d .* stride \d .* dilation \d "):
        conv_transpose2d(image, weight, stride=stride, dilation=dilation, output_padding=extra)


def test_the_words_for_an_output_padding_and_for_what_is_cropped_away() -> None:
    words = "output_padding=3 … 2 … 1 … the width"
    refuses(2, ValueError, words, stride=2, output_padding=(1, 3))
    # H = 3·4 + 2·1 + 1 + 1 − 9 − 7 = 0
    words = "output height 15 + 1 - 9 - 7 = 0 … 1"
    refuses(2, ValueError, words, stride=3, dilation=2, padding=((9, 7), (0, 0)), output_padding=1)
    refuses(2, ValueError, "input width 0 … 1", input=np.ones((2, 4, 5, 0)))
    assert conv_transpose2d(
        np.ones((4, 5, 6)), np.ones((4, 3, 2, 3)), stride=3, dilation=2, padding=((9, 6), (0, 0)), output_padding=1
    ).shape == (3, 1, 21)


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_an_unknown_method_is_refused(function: Callable[..., Array]) -> None:
    with pytest.raises(ValueError, match=r"^method='einsum' must be one of 'im2col', 'direct', 'exact'$"):
        function(np.ones((1, 1, 1)), np.ones((1, 1, 1)), method="einsum")


def test_what_memory_cannot_hold_is_refused() -> None:
    words = "the padded output would have shape (1, 1, 1, 4611686018427387904), which is more than memory can address"
    with pytest.raises(ValueError, match=f"^{re.escape(words)} "):
        conv_transpose2d(np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 1)), stride=(1, 2**62 - 1))
    words = f"the padded output would have shape (3, 2, 1, {2**57 + 1}), which is more than memory can address"
    with pytest.raises(ValueError, match=f"^{re.escape(words)} "):
        conv_transpose2d(np.ones((3, 4, 1, 2)), np.ones((4, 1, 1, 1)), stride=(1, 2**57), groups=2)
    words = f"the padded output would have shape (1, 2, 1, {2**58 + 1}), which is more than memory can address"
    with pytest.raises(ValueError, match=f"^{re.escape(words)} "):
        conv_transpose2d(np.ones((4, 1, 2)), np.ones((4, 1, 1, 1)), stride=(1, 2**58), groups=2)


def test_a_type_that_would_drop_something_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=naming("int64 … weight … float64")):
        conv_transpose2d(row(1), row(1.5), dtype=np.int64)
