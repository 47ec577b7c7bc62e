from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import Array, row
from refusals import naming
from tiles import set_tiles

from refconv import grad
from refconv.grad import conv2d_bias, conv2d_input, conv2d_weight

METHODS = ["im2col", "direct", "exact"]


@pytest.fixture(params=METHODS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# A convolution whose numbers all differ: H, W = 5, 7 and K = 2, 3 at stride (2, 3), dilation (3, 1), padding T, B = 1, 2
# and L, R = 0, 2.  Output (p, q) reads, through tap (i, j), pixel (2·p + 3·i − 1, 3·q + j): rows −1 2, 1 4, 3 6.
PARAMETERS: dict[str, Any] = {"stride": (2, 3), "padding": ((1, 2), (0, 2)), "dilation": (3, 1)}
IMAGE = np.arange(35).reshape(1, 1, 5, 7)
KERNEL = np.array([[[[1, 2, 3], [4, 5, 6]]]])


def only(p: int, q: int) -> Array:
    """The gradient that arrives at one output only."""
    gradient = np.zeros((1, 1, 3, 3), int)
    gradient[0, 0, p, q] = 1
    return gradient


def test_the_inputs_gradient_of_one_output_is_the_kernel_where_that_output_reads(way: str) -> None:
    gradient = conv2d_input((1, 1, 5, 7), KERNEL, only(1, 1), **PARAMETERS, method=way)
    expected = np.zeros((5, 7), int)
    expected[1, 3:6], expected[4, 3:6] = [1, 2, 3], [4, 5, 6]
    assert gradient[0, 0].tolist() == expected.tolist()
    # The last output reads the rows 3 and 6, and the columns 6, 7 and 8: one pixel is real.
    gradient = conv2d_input((1, 1, 5, 7), KERNEL, only(2, 2), **PARAMETERS, method=way)
    expected = np.zeros((5, 7), int)
    expected[3, 6] = 1
    assert gradient[0, 0].tolist() == expected.tolist()


def test_the_weights_gradient_of_one_output_is_what_that_output_reads(way: str) -> None:
    gradient = conv2d_weight(IMAGE, (1, 1, 2, 3), only(1, 1), **PARAMETERS, method=way)
    assert gradient.tolist() == [[[[10, 11, 12], [31, 32, 33]]]]
    gradient = conv2d_weight(IMAGE, (1, 1, 2, 3), only(2, 2), **PARAMETERS, method=way)
    assert gradient.tolist() == [[[[27, 0, 0], [0, 0, 0]]]]
    both = 2 * only(1, 1) + 100 * only(0, 2)  # the output above reads row 2 at column 6
    gradient = conv2d_weight(IMAGE, (1, 1, 2, 3), both, **PARAMETERS, method=way)
    assert gradient.tolist() == [[[[20, 22, 24], [62 + 2000, 64, 66]]]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # Two pixels of padding on the left and one on the right of a b c; outputs 1, 10, 100, ... stand where they read.
        ("zeros", [100, 1000, 10000]),
        ("reflect", [100, 1000 + 10 + 100000, 10000 + 1]),  # c b | a b c | b
        ("replicate", [100 + 10 + 1, 1000, 10000 + 100000]),  # a a | a b c | c
        ("circular", [100 + 100000, 1000 + 1, 10000 + 10]),  # b c | a b c | a
    ],
)
def test_what_stands_in_the_padding_comes_home(way: str, mode: str, expected: list[int]) -> None:
    arriving = row(1, 10, 100, 1000, 10000, 100000)
    sides = ((0, 0), (2, 1))
    gradient = conv2d_input((1, 1, 1, 3), row(1), arriving, padding=sides, padding_mode=mode, method=way)
    assert gradient.ravel().tolist() == expected
    turned = ((2, 1), (0, 0))
    gradient = conv2d_input(
        (1, 1, 3, 1), row(1), arriving.reshape(1, 1, 6, 1), padding=turned, padding_mode=mode, method=way
    )
    assert gradient.ravel().tolist() == expected


def test_the_weights_gradient_reads_the_padding_of_a_mode(way: str) -> None:
    arriving = row(1, 10, 100, 1000)
    gradient = conv2d_weight(
        row(2, 3, 5), (1, 1, 1, 1), arriving, padding=((0, 0), (1, 0)), padding_mode="reflect", method=way
    )
    assert gradient.item() == 3 * 1 + 2 * 10 + 3 * 100 + 5 * 1000


def test_padding_by_name(way: str) -> None:
    # SAME of 4 pixels, 3 taps, stride 2 is one pixel: on the right (upper), or on the left (lower).
    arriving = row(1, 10)
    upper = conv2d_input((1, 1, 1, 4), row(1, 2, 3), arriving, (1, 2), "same_upper", method=way)
    lower = conv2d_input((1, 1, 1, 4), row(1, 2, 3), arriving, (1, 2), "same_lower", method=way)
    assert upper.ravel().tolist() == [1, 2, 13, 20]
    assert lower.ravel().tolist() == [2, 13, 20, 30]
    weight = conv2d_weight(row(5, 6, 7, 8), (1, 1, 1, 3), arriving, (1, 2), "same_lower", method=way)
    assert weight.ravel().tolist() == [0 + 60, 5 + 70, 6 + 80]


def test_channels_images_and_groups(way: str) -> None:
    # Two groups: channels 0, 1 make outputs 0, 1, 2, and channels 2, 3 outputs 3, 4, 5.
    weight = np.arange(12).reshape(6, 2, 1, 1)
    arriving = np.array([[1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 1]]).reshape(2, 6, 1, 1)
    gradient = conv2d_input((2, 4, 1, 1), weight, arriving, groups=2, method=way)
    # channel 0: 1·0 + 2·2 + 3·4; channel 1: 1·1 + 2·3 + 3·5; channel 2: 4·6 + 5·8 + 6·10; channel 3: 4·7 + 5·9 + 6·11
    assert gradient[:, :, 0, 0].tolist() == [[16, 22, 124, 139], [0, 0, 10, 11]]
    image = np.array([[1, 2, 3, 4], [10, 20, 30, 40]]).reshape(2, 4, 1, 1)
    gradient = conv2d_weight(image, (6, 2, 1, 1), arriving, groups=2, method=way)
    # output 5 has 6 times the first image's channels and once the second's
    assert gradient[:, :, 0, 0].tolist() == [[1, 2], [2, 4], [3, 6], [12, 16], [15, 20], [18 + 30, 24 + 40]]


def test_the_biases_gradient_is_the_sum_of_each_channel() -> None:
    arriving = np.arange(24).reshape(2, 3, 2, 2)
    assert conv2d_bias(arriving).tolist() == [0 + 1 + 2 + 3 + 54, 4 + 5 + 6 + 7 + 70, 8 + 9 + 10 + 11 + 86]
    assert conv2d_bias(arriving[0]).tolist() == [6, 22, 38]
    assert conv2d_bias(np.ones((0, 3, 2, 2))).tolist() == [0, 0, 0]
    assert conv2d_bias(row(1e16, 1.0, -1e16), method="exact").tolist() == [1]
    assert conv2d_bias(row(2**-11, 1, 2**-24, dtype=np.float16)).tolist() == [1 + 2**-10]
    assert conv2d_bias(row(2**-11, 1, 2**-24, dtype=np.float16), dtype=np.float64).tolist() == [1 + 2**-11 + 2**-24]
    assert conv2d_bias(row(Fraction(1, 3), Fraction(1, 6))).tolist() == [Fraction(1, 2)]
    assert conv2d_bias(row(1 + 2j, 3j)).tolist() == [1 + 5j]
    with pytest.raises(OverflowError):
        conv2d_bias(row(2**62, 2**62))


@pytest.mark.parametrize("shape", [(2, 3), (1, 1, 2, 3, 1)])
def test_a_biases_gradient_of_another_rank_is_refused(shape: tuple[int, ...]) -> None:
    message = f"grad_output … {len(shape)} … (N, O, P, Q) or (O, P, Q)"
    with pytest.raises(ValueError, match=naming(message)):
        conv2d_bias(np.ones(shape))


def test_a_biases_gradient_of_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^method='sum' must be one of 'im2col', 'direct', 'exact'$"):
        conv2d_bias(row(1), method="sum")


def test_the_arguments_are_in_the_order_of_torch(way: str) -> None:
    weight, arriving = np.arange(36).reshape(6, 2, 1, 3), np.arange(72).reshape(2, 6, 2, 3)
    arguments: tuple[Any, ...] = ((3, 2), (1, 0), (2, 1), 2)
    names = ("stride", "padding", "dilation", "groups")
    by_name = dict(zip(names, arguments, strict=True))
    shape = (2, 4, 4, 7)  # P = (4 + 2 − 1)//3 + 1 = 2, Q = (7 − 3)//2 + 1 = 3
    gradient = conv2d_input(shape, weight, arriving, *arguments, method=way)
    assert gradient.shape == shape
    np.testing.assert_array_equal(gradient, conv2d_input(shape, weight, arriving, **by_name, method=way))
    image = np.arange(224).reshape(shape)
    gradient = conv2d_weight(image, (6, 2, 1, 3), arriving, *arguments, method=way)
    assert gradient.shape == (6, 2, 1, 3)
    np.testing.assert_array_equal(gradient, conv2d_weight(image, (6, 2, 1, 3), arriving, **by_name, method=way))


def test_arrays_without_a_batch_axis(way: str) -> None:
    image = IMAGE[0]
    arriving = only(1, 1)[0]
    gradient = conv2d_input(image.shape, KERNEL, arriving, **PARAMETERS, method=way)
    assert gradient.shape == (1, 5, 7)
    assert gradient[0, 1].tolist() == [0, 0, 0, 1, 2, 3, 0]
    gradient = conv2d_weight(image, KERNEL.shape, arriving, **PARAMETERS, method=way)
    assert gradient.tolist() == [[[[10, 11, 12], [31, 32, 33]]]]


def test_an_empty_batch_and_no_channels(way: str) -> None:
    nothing = np.ones((0, 1, 3, 3))
    assert conv2d_input((0, 1, 5, 7), KERNEL, nothing, **PARAMETERS, method=way).shape == (0, 1, 5, 7)
    gradient = conv2d_weight(np.ones((0, 1, 5, 7)), KERNEL.shape, nothing, **PARAMETERS, method=way)
    assert gradient.tolist() == [[[[0, 0, 0], [0, 0, 0]]]]
    assert conv2d_input((2, 0, 5, 5), np.ones((3, 0, 1, 1)), np.ones((2, 3, 5, 5)), method=way).shape == (2, 0, 5, 5)
    assert conv2d_weight(np.ones((2, 0, 5, 5)), (3, 0, 1, 1), np.ones((2, 3, 5, 5)), method=way).shape == (3, 0, 1, 1)
    assert conv2d_input((1, 1, 0, 2), row(1), np.ones((1, 1, 2, 2)), padding=(1, 0), method=way).shape == (1, 1, 0, 2)


@pytest.mark.parametrize("tile", [1, 11, 12, 24, 10**6])
def test_the_size_of_a_tile_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    rng = np.random.default_rng(0)
    image, weight = rng.integers(-9, 10, (2, 4, 6, 5)), rng.integers(-9, 10, (6, 2, 2, 3))
    arriving = rng.integers(-9, 10, (2, 6, 5, 3))
    calls: Any = (conv2d_input, (image.shape, weight, arriving)), (conv2d_weight, (image, weight.shape, arriving))
    expected = [function(*arguments, groups=2, method="direct") for function, arguments in calls]
    set_tiles(monkeypatch, tile)
    for (function, arguments), desired in zip(calls, expected, strict=True):
        np.testing.assert_array_equal(function(*arguments, groups=2), desired)


# Types


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("f2", "f2", "f2"),
        ("f4", "f8", "f8"),
        (">f4", ">f4", "f4"),
        ("c8", "f4", "c8"),
        ("?", "u1", "i8"),
        ("O", "i8", "O"),
    ],
)
def test_the_type_of_the_result(way: str, first: str, second: str, result: str) -> None:
    ones = np.ones((1, 2, 1, 1), first)
    gradient = conv2d_input((1, 2, 1, 2), ones, np.ones((1, 1, 1, 2), second), method=way)
    assert gradient.dtype == np.dtype(result)
    assert gradient.tolist() == [[[[1, 1]], [[1, 1]]]]
    gradient = conv2d_weight(np.ones((1, 2, 1, 2), first), (1, 2, 1, 1), np.ones((1, 1, 1, 2), second), method=way)
    assert gradient.dtype == np.dtype(result)
    assert gradient.tolist() == [[[[2]], [[2]]]]


def test_gradients_are_rounded_once(way: str) -> None:
    # 1 + 2^-11 + 2^-24 is just above a float16 tie.
    numbers, ones = row(1, 2**-11, 2**-24, dtype=np.float16), row(1, 1, 1, dtype=np.float16)
    assert conv2d_weight(numbers, (1, 1, 1, 1), ones, method=way).item() == 1 + 2**-10
    assert conv2d_weight(numbers, (1, 1, 1, 1), ones, dtype=np.float64, method=way).item() == 1 + 2**-11 + 2**-24
    middle = conv2d_input((1, 1, 1, 5), numbers, ones, method=way)[0, 0, 0, 2]
    assert middle == 1 + 2**-10
    wide = conv2d_input((1, 1, 1, 5), numbers, ones, dtype=np.float64, method=way)
    assert wide[0, 0, 0].tolist() == [1, 1 + 2**-11, 1 + 2**-11 + 2**-24, 2**-11 + 2**-24, 2**-24]


def test_integer_gradients_are_exact_or_overflow(way: str) -> None:
    assert conv2d_weight(row(2**53, 1), (1, 1, 1, 1), row(1, 1), method=way).item() == 2**53 + 1
    assert conv2d_input((1, 1, 1, 3), row(2**53, 1), row(1, 1), method=way).ravel().tolist() == [2**53, 2**53 + 1, 1]
    # Under a padding mode one pixel takes more products than there are taps: here 4 of 2^61, and 2^63 is too much.
    arriving = row(2**61, 2**61, 2**61, 2**61)
    sides = ((0, 0), (2, 1))
    call: dict[str, Any] = {"padding": sides, "padding_mode": "replicate", "method": way}
    with pytest.raises(OverflowError, match=naming("9223372036854775808 … int64")):
        conv2d_input((1, 1, 1, 1), row(1), arriving, **call)
    assert conv2d_input((1, 1, 1, 1), row(1), arriving - 1, **call).item() == 2**63 - 4
    with pytest.raises(OverflowError, match=naming("9223372036854775808 … int64")):
        conv2d_weight(row(2**62, 2**62), (1, 1, 1, 1), row(1, 1), method=way)


def test_gradients_of_fractions(way: str) -> None:
    third, half = Fraction(1, 3), Fraction(1, 2)
    assert conv2d_weight(row(third, 1), (1, 1, 1, 1), row(1, half), method=way).item() == third + half
    assert conv2d_input((1, 1, 1, 3), row(third, half), row(1, 1), method=way).ravel().tolist() == [
        third,
        third + half,
        half,
    ]


def test_the_other_factor_is_conjugated(way: str) -> None:
    assert conv2d_input((1, 1, 1, 1), row(1 + 2j), row(3 + 5j), method=way).item() == (1 - 2j) * (3 + 5j)
    assert conv2d_weight(row(1 + 2j), (1, 1, 1, 1), row(3 + 5j), method=way).item() == (1 - 2j) * (3 + 5j)
    objects = row(1 + 2j, dtype=object)
    assert conv2d_input((1, 1, 1, 1), objects, row(3 + 5j), method=way).item() == (1 - 2j) * (3 + 5j)


def test_what_is_not_finite_reaches_what_it_meets(way: str) -> None:
    # At stride 3 nothing reads pixel 2.
    gradient = conv2d_input((1, 1, 1, 5), row(np.inf, 5.0), row(1.0, 2.0), (1, 3), method=way)
    assert gradient.tolist() == [[[[np.inf, 5, 0, np.inf, 10]]]]
    # A zero in the padding is multiplied like any pixel: the first tap of the first output stands over it.
    gradient = conv2d_weight(row(1.0, 2.0), (1, 1, 1, 2), row(np.inf, 3.0), padding=((0, 0), (1, 0)), method=way)
    np.testing.assert_array_equal(gradient, [[[[np.nan, np.inf]]]])


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn"])
def test_narrow_types_are_widened_and_rounded_once(way: str, name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    narrow = getattr(ml_dtypes, name)
    ones = np.ones((1, 1, 1, 300), narrow)
    gradient = conv2d_weight(ones, (1, 1, 1, 1), ones, method=way)
    assert gradient.dtype == narrow
    assert float(gradient.item()) == float(narrow(300.0))
    gradient = conv2d_input((1, 1, 1, 1), ones.reshape(300, 1, 1, 1), ones.reshape(1, 300, 1, 1), method=way)
    assert float(gradient.item()) == float(narrow(300.0))


def test_exact_takes_no_wider_type_and_says_which_argument_has_one() -> None:
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("longdouble is float64 here")
    wide, shape = row(1.0, dtype=np.longdouble), (1, 1, 1, 1)
    calls: Any = (
        (conv2d_input, (shape, row(1.0), wide), "grad_output"),
        (conv2d_weight, (wide, shape, row(1.0)), "input"),
    )
    for function, arguments, name in calls:
        with pytest.raises(TypeError, match=f"^{name} has dtype {np.dtype(np.longdouble)}; method='exact' takes"):
            function(*arguments, dtype=np.float64, method="exact")


# What is refused


def test_a_gradient_of_another_shape_than_the_outputs_is_refused() -> None:
    shapes = "(input (1, 1, 5, 7), weight (1, 1, 2, 3), grad_output (1, 1, 3, 2))"
    message = f"grad_output must have the output's shape (N, O, P, Q) = (1, 1, 3, 3) {shapes}"
    with pytest.raises(ValueError, match=naming(message)):
        conv2d_input((1, 1, 5, 7), KERNEL, only(0, 0)[..., :2], **PARAMETERS)
    with pytest.raises(ValueError, match=naming(message)):
        conv2d_weight(IMAGE, KERNEL.shape, only(0, 0)[..., :2], **PARAMETERS)
    message = (
        "grad_output must have the output's shape (O, P, Q) = (1, 3, 3) "
        "(input (1, 5, 7), weight (1, 1, 2, 3), grad_output (1, 1, 3, 3))"
    )
    with pytest.raises(ValueError, match=naming(message)):
        conv2d_weight(IMAGE[0], KERNEL.shape, only(0, 0), **PARAMETERS)


@pytest.mark.parametrize(
    ("size", "error", "words"),
    [
        (7, TypeError, "=7 must be a sequence of ints, a shape"),
        ("1157", TypeError, "='1157' must be a sequence of ints, a shape"),
        ((1, 1, 5.0, 7), TypeError, "[2]=5.0 … float"),
        ((1, 1, 5, -7), ValueError, "[3]=-7 … 0"),
    ],
)
def test_a_size_that_is_no_shape_is_refused(size: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=naming(f"input_size{words}")):
        conv2d_input(size, KERNEL, only(0, 0))
    with pytest.raises(error, match=naming(f"weight_size{words}")):
        conv2d_weight(IMAGE, size, only(0, 0))


def test_bad_parameters_are_refused_as_by_conv2d() -> None:
    context = "(input (1, 1, 5, 7), weight (1, 1, 2, 3))"
    for name, value, words in (
        ("stride", 0, "stride=0 … 1"),
        ("groups", 3, "groups=3 … C=1 … O=1"),
        ("padding_mode", "mirror", "padding_mode='mirror' … 'zeros', 'reflect', 'replicate', 'circular'"),
    ):
        call: dict[str, Any] = {name: value}
        calls: Any = (
            (conv2d_input, (IMAGE.shape, KERNEL, only(0, 0))),
            (conv2d_weight, (IMAGE, KERNEL.shape, only(0, 0))),
        )
        for function, arguments in calls:
            with pytest.raises(ValueError, match=naming(f"{words} … {context}")):
                function(*arguments, **call)


@pytest.mark.parametrize("method", ["einsum", "", None])
def test_an_unknown_method_is_refused(method: Any) -> None:
    message = f"^method={method!r} must be one of 'im2col', 'direct', 'exact'$"
    with pytest.raises(ValueError, match=message):
        conv2d_input((1, 1, 5, 7), KERNEL, only(0, 0), **PARAMETERS, method=method)
    with pytest.raises(ValueError, match=message):
        conv2d_weight(IMAGE, KERNEL.shape, only(0, 0), **PARAMETERS, method=method)


def test_types_that_would_lose_something_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=naming("int64 … grad_output … float64")):
        conv2d_input((1, 1, 5, 7), KERNEL, 1.5 * only(0, 0), **PARAMETERS, dtype=np.int64)
    with pytest.raises(TypeError, match=naming("grad_output is None …")):
        conv2d_bias(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=naming("weight is None …")):
        conv2d_input((1, 1, 5, 7), None, only(0, 0))  # type: ignore[arg-type]


def test_the_operands_are_left_alone(way: str) -> None:
    weight, arriving, image = KERNEL.copy(), only(1, 1), IMAGE.copy()
    for operand in (weight, arriving, image):
        operand.flags.writeable = False
    conv2d_input(image.shape, weight, arriving, **PARAMETERS, method=way)[...] = 7
    conv2d_weight(image, weight.shape, arriving, **PARAMETERS, method=way)[...] = 7
    assert (weight == KERNEL).all()
    assert (arriving == only(1, 1)).all()
    assert (image == IMAGE).all()


def test_the_public_names() -> None:
    kinds, arguments = ("conv", "conv_transpose"), ("bias", "input", "weight")
    assert grad.__all__ == [f"{kind}{rank}d_{by}" for kind in kinds for rank in (1, 2, 3) for by in arguments]


def test_a_shape_is_a_sequence_of_ints_zero_among_them() -> None:
    assert grad.as_shape("size", [2, 0, 3]) == (2, 0, 3)
    with pytest.raises(ValueError, match=r"^size\[1\]=-1 must be at least 0$"):
        grad.as_shape("size", (2, -1))
    with pytest.raises(TypeError, match=r"^size=5 must be a sequence of ints, a shape$"):
        grad.as_shape("size", 5)  # type: ignore[arg-type]
