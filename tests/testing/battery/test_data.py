from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv.testing import find_case
from refconv.testing.battery.data import CHUNK, exact_magnitude, integers, normals, uniforms
from refconv.testing.battery.eight_bits import quantities_of

Array = npt.NDArray[Any]

# The first 64-bit words of PCG64 seeded with 0, which NumPy promises never to change.
WORDS = (
    11749869230777074271,
    4976686463289251617,
    755828109848996024,
    304881062738325533,
    15002187965291974971,
    16837368535893154894,
    11190454901533422207,
    13456836363123071557,
)


def bits() -> np.random.PCG64:
    return np.random.PCG64(0)


def test_the_stream_is_the_one_that_was_pinned() -> None:
    assert tuple(map(int, bits().random_raw(8))) == WORDS


def test_integers_are_the_same_on_every_machine() -> None:
    # by hand: each word modulo 64, less 32, and one more from 0 on; 11749869230777074271 % 64 = 31, which is −1
    assert integers(bits(), (2, 4), 32).tolist() == [[-1, 2, 25, -3], [28, -18, 32, -27]]


def test_integers_leave_out_zero_and_reach_both_ends() -> None:
    values = integers(bits(), (2000,), 3)
    assert values.dtype == np.float64
    assert sorted(set(values.tolist())) == [-3, -2, -1, 1, 2, 3]


def test_the_stream_goes_on_from_array_to_array() -> None:
    stream = bits()
    assert [*integers(stream, (3,), 32), *integers(stream, (5,), 32)] == integers(bits(), (8,), 32).tolist()


def test_chunk_after_chunk_the_stream_goes_on() -> None:
    count = 2 * CHUNK + 3
    desired = [int(word) % 6 - 3 for word in bits().random_raw(count)]
    found = integers(bits(), (count,), 3, np.float32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [value + (value >= 0) for value in desired])


def test_uniform_numbers_are_the_same_on_every_machine() -> None:
    # by hand: the words' upper 24 bits; of a fan in of 4, twice that less 1, halved
    upper = [word >> 40 for word in WORDS]
    assert uniforms(bits(), (2, 4), 0, np.float32).ravel().tolist() == [bit * 2.0**-24 for bit in upper]
    assert uniforms(bits(), (8,), 4).tolist() == [bit * 2.0**-24 - 0.5 for bit in upper]
    assert upper[0] == 0xA30FEB


def test_uniform_data_are_what_kernelbench_has() -> None:
    case = find_case("conv_transpose2d-n2-c6-o4-g2-9x8-k3x2-s1-p0-d1-bias-f32-uniform")
    image, kernel, bias = case.arrays()
    assert (image.dtype, kernel.dtype, bias.dtype) == (np.float32,) * 3
    assert 0 <= image.min() < 0.1
    assert 0.9 < image.max() < 1
    for weights in (kernel, bias):  # 2 output channels of a group, of 3·2 taps
        assert 0.5 / 12**0.5 < np.abs(weights).max() <= 1 / 12**0.5
        assert weights.min() < 0 < weights.max()


def test_normals_are_the_same_on_every_machine() -> None:
    # by hand, in Python's whole numbers: the words' upper 40 bits, added up by twelve in strides of the count
    words = [int(word) >> 24 for word in bits().random_raw(36)]
    exact = [sum(words[first::3]) * 2.0**-40 - 6 for first in range(3)]
    assert normals(bits(), (3,)).tolist() == exact
    assert exact == [0.6584081076489383, 0.601978486808548, -0.4602739651190859]


def test_normals_have_mean_0_and_variance_1() -> None:
    values = normals(bits(), (100, 200))
    assert values.shape == (100, 200)
    assert abs(values.mean()) < 0.03  # four standard deviations of the mean of 20,000
    assert abs(values.var() - 1) < 0.04
    assert 3 < abs(values).max() <= 6


def test_no_values_at_all() -> None:
    assert integers(bits(), (0, 3), 5).shape == normals(bits(), (0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("terms", "digits", "magnitude"),
    [
        (0, 24, 32),  # 32 at most
        (18, 24, 32),
        (4050, 24, 32),  # 4051·32² = 4,148,224 <= 2^24
        (16383, 24, 32),  # 16384·32² = 2^24 exactly
        (16384, 24, 31),
        (2**22 - 1, 24, 2),
        (2**24 - 1, 24, 1),
        (2**24, 24, 0),  # a bias more, and there is none
        (4050, 53, 32),
        (17, 11, 10),  # float16: 18·10² = 1800 <= 2048 < 18·11²
    ],
)
def test_exact_magnitude(terms: int, digits: int, magnitude: int) -> None:
    assert exact_magnitude(terms, digits) == magnitude
    assert (terms + 1) * magnitude**2 <= 2**digits


def test_ones_count_what_is_added_up() -> None:
    case = find_case("n1-c3-o2-g1-4x5-k3x2-s1-p1x0-d1-bias-f32-ones")
    image, kernel, bias = case.arrays()
    assert (set(image.flat), set(kernel.flat)) == ({1.0}, {1.0})
    assert bias is not None
    # rows at the edge read 2 of 3 rows: 3 channels × 2 columns × 2 rows, and 3 inside
    desired = np.array([12, 18, 18, 12])[:, np.newaxis] + np.zeros(4)
    np.testing.assert_array_equal(case.expected()[0] - bias[:, np.newaxis, np.newaxis], [desired, desired])


def test_each_output_channel_reads_through_the_next_tap() -> None:
    case = find_case("n2-c2-o5-g1-2x3-k1x2-s1-p0-d1-f32-onetap")
    image, kernel, _ = case.arrays()
    np.testing.assert_array_equal(image.ravel(), np.arange(1, 25))
    np.testing.assert_array_equal(
        kernel.reshape(5, 4), [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    )
    # image 1, channel 0, is 13 14 15 / 16 17 18: channel 1 of the output reads its right column
    np.testing.assert_array_equal(case.expected()[1, 1], [[14, 15], [17, 18]])


@pytest.mark.parametrize("data", ["ones", "onetap"])
def test_probes_of_nothing(data: str) -> None:
    case = find_case(f"n1-c0-o4-g1-2x3-k2-s1-p0-d1-f32-{data}")
    np.testing.assert_array_equal(case.expected(), np.zeros((1, 4, 1, 2)))


# Words for the data of a case


def case_arrays(word: str) -> tuple[Array, Array]:
    image, kernel, _ = find_case(f"n1-c2-o3-g1-5x6-k3x2-s1-p1x0-d1-{word}").arrays()
    return image, kernel


@pytest.mark.parametrize(("word", "least", "normal"), [("f32", 2.0**-149, 2.0**-126), ("f64", 2.0**-1074, 2.0**-1022)])
def test_subnormal_pixels_are_whole_multiples_of_the_least_number(word: str, least: float, normal: float) -> None:
    image, kernel = case_arrays(f"{word}-subnormal")
    multiples = np.abs(image.astype(np.float64)) / least
    assert (multiples == np.rint(multiples)).all()
    assert 1 <= multiples.min() <= multiples.max() <= 32
    assert np.abs(image).max() < normal
    assert np.abs(kernel).min() >= 1


@pytest.mark.parametrize(("word", "value"), [("nanweight", np.nan), ("infweight", np.inf)])
def test_one_weight_is_not_finite(word: str, value: float) -> None:
    image, kernel = case_arrays(f"f32-{word}")
    np.testing.assert_equal(kernel[-1, 0, 0, 0], value)
    assert np.isfinite(kernel).sum() == kernel.size - 1
    assert np.isfinite(image).all()
    assert (image != 0).all()


def test_the_last_kernel_is_pruned() -> None:
    image, kernel = case_arrays("f32-pruned")
    assert not kernel[-1].any()
    assert np.flatnonzero(kernel).tolist() == list(range(0, kernel[:-1].size, 4))
    assert image.all()


def test_spread_numbers_have_exponents_from_minus_12_to_12() -> None:
    plain, spread = case_arrays("f64-real"), case_arrays("f64-spread")
    for numbers, step in zip(spread, (7, 11), strict=True):
        exponents = np.arange(numbers.size) * step % 25 - 12
        rest = np.abs(numbers.ravel() / 2.0**exponents)
        assert rest.max() <= 6  # what a sum of twelve uniform numbers less 6 is at most
        assert exponents.min() == -12
        assert exponents.max() == 12
    assert plain[0].shape == spread[0].shape


@pytest.mark.parametrize(("word", "least", "largest"), [("i8", -128, 127), ("u8", 0, 255)])
def test_extreme_integers_are_the_least_and_the_largest(word: str, least: int, largest: int) -> None:
    for numbers in case_arrays(f"{word}-extreme"):
        assert set(numbers.ravel().tolist()) == {least, largest}


def test_complex_numbers_have_two_parts_and_unsigned_ones_no_sign() -> None:
    image, kernel = case_arrays("c64")
    assert image.dtype == np.complex64
    assert (image.real != 0).all()
    assert (image.imag != 0).all()
    assert not np.array_equal(image.real, image.imag)
    assert case_arrays("u8")[0].dtype == np.uint8
    assert case_arrays("u8")[0].min() >= 1
    assert case_arrays("i8")[0].min() < 0
    assert kernel.dtype == np.complex64


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("i8-real", "has 'real' data, which whole numbers do not have"),
        ("u8-nan", "has 'nan' data, which whole numbers do not have"),
        ("f32-extreme", "has 'extreme' data, which floating-point numbers do not have"),
    ],
)
def test_data_that_a_type_does_not_have_are_refused(word: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        case_arrays(word)


def test_zero_points_of_8_bits_are_an_odd_number_off_the_middle() -> None:
    types, names = {"input": "u8", "weight": "i8"}, ("input_zero_point", "weight_zero_point", "output_zero_point")
    drawn, weights, results = quantities_of(bits(), names, types, "channelzero", kernels=999, products=18).values()
    assert set(weights.tolist()) == set(range(-51, 50, 2))
    assert (drawn.item() - 128, results.item() - 128) == (2 * 8 - 51, 2 * 40 - 51)  # 8 is the first word modulo 51
    plain = quantities_of(bits(), names, types, "symmetric", kernels=5, products=18)
    assert [zero.tolist() for zero in plain.values()] == [0, 0, 0]


def test_a_result_has_the_type_of_the_arrays_but_for_integers() -> None:
    name = "n1-c2-o3-g1-5x6-k3x2-s1-p1x0-d1-"
    assert {word: find_case(name + word).result_dtype.name for word in ("f16", "f32", "f64", "c64", "i8", "u8")} == {
        "f16": "float16",
        "f32": "float32",
        "f64": "float64",
        "c64": "complex64",
        "i8": "int64",
        "u8": "int64",
    }


def test_exact_numbers_are_as_large_as_the_type_allows() -> None:
    name = "n1-c2-o3-g1-5x6-k3x2-s1-p1x0-d1-"  # 12 products; of complex numbers twice as many
    # the square root of 2^digits / (products + 1), and 32 at most
    assert {word: find_case(name + word).largest_number() for word in ("f16", "bf16", "f32", "c64", "i8")} == {
        "f16": 12,
        "bf16": 4,
        "f32": 32,
        "c64": 32,
        "i8": 32,
    }
