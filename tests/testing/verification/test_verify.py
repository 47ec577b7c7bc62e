"""A verification passes what honest kernels return, and sees what is wrong, where it is."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
from arrays import Array
from sampled import one_in

from refconv import conv2d, error_bound_of
from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.bounds.summation import Precision
from refconv.operations import LINEAR, Call
from refconv.quantized import conv2d_integer
from refconv.testing import compare_result, verify_result
from refconv.testing.comparing.reference import Standard
from refconv.testing.verification import projection, verify
from refconv.testing.verification.projection import (
    Difference,
    _over_channels,
    difference,
    parts_of,
    projected,
    random_weights,
)

PROJECTED = [name for name, operation in LINEAR.items() if operation.asked != "weight"]


def problem(op: str, *, whole: bool = False, groups: int = 2) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return a function of the family, its leading arguments and its parameters, of 10 and 8 channels in each group."""
    operation, rng = LINEAR[op], np.random.default_rng(0)
    rank = operation.space.rank
    size, kernel = (7, 6, 5)[:rank], (3, 2, 2)[:rank]
    shapes: dict[str, Any] = {"input": (2, 10 * groups, *size), "weight": (8 * groups, 10, *kernel)}
    if operation.is_transposed:
        shapes["weight"] = (10 * groups, 8, *kernel)
    given = {"stride": (2, 1, 1)[:rank], "padding": (1, 0, 1)[:rank], "groups": groups}

    def drawn(shape: tuple[int, ...]) -> Array:
        numbers = rng.integers(-4, 5, shape) if whole else rng.standard_normal(shape)
        return numbers.astype(np.float32)

    values = {name: drawn(shape) for name, shape in shapes.items()}
    if not operation.is_gradient:
        return operation.function, (values["input"], values["weight"], drawn((8 * groups,))), given
    grad_output = drawn(operation.forward.function(values["input"], values["weight"], **given).shape)
    values |= {"grad_output": grad_output, "input_size": shapes["input"], "weight_size": shapes["weight"]}
    return (
        operation.function,
        tuple(values[name] for name in operation.leading),
        {} if operation.by == "bias" else given,
    )


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("op", LINEAR)
def test_the_truth_passes_and_one_wrong_element_does_not(op: str, whole: bool) -> None:
    function, arguments, given = problem(op, whole=whole)
    actual = function(*arguments, **given)
    found = verify_result(actual, function, *arguments, **given)
    assert (found.passed, found.suspect) == (True, False)
    assert bool(found.projections) == (op in PROJECTED)
    assert found.is_exact == (whole and op in PROJECTED)
    at = tuple(extent - 2 for extent in actual.shape)
    actual[at] += 1
    wrong = verify_result(actual, function, *arguments, **given)
    assert not wrong.passed
    assert wrong.comparison.worst_index == at
    if op in PROJECTED:
        assert wrong.failed == tuple((i, i) for i in (at[0], *at[2:]))


@pytest.mark.parametrize("op", PROJECTED)
def test_the_projection_is_the_sum_over_the_channels_of_each_group(op: str) -> None:
    function, arguments, given = problem(op)
    call = Call.of(
        function,
        *(array.astype(np.float64) if isinstance(array, np.ndarray) else array for array in arguments),
        **given,
    )
    plan, result = call.plan, call()
    r = random_weights((3, 2, result.shape[1] // 2), np.random.default_rng(1), whole=False)
    desired = np.einsum("rgo,ngop->ngrp", r, result.reshape(2, 2, result.shape[1] // 2, -1))
    found = projected(call, r)()
    np.testing.assert_allclose(found.reshape(desired.shape), desired, rtol=1e-12, atol=1e-12)
    assert plan.groups == 2


def test_weights_are_changed_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each place of 2 groups of 3·4 has 5 channels: 4 of them are 20 numbers.
    sizes: list[int] = []

    def change(array: Array) -> Array:
        sizes.append(array.size)
        return -array

    monkeypatch.setattr(projection, "BLOCK", 24)
    total = _over_channels(np.ones((2, 3, 5, 4)), np.ones((1, 2, 5)), change)
    assert sizes == [20] * 6
    assert (total == -5).all()


def test_the_weights_have_random_sizes_and_signs() -> None:
    r = random_weights((1, 1000), np.random.default_rng(0), whole=False)
    assert 0.5 <= np.abs(r).min() < 0.51
    assert 0.99 < np.abs(r).max() <= 1
    assert 400 < (r > 0).sum() < 600
    whole = random_weights((1, 1000), np.random.default_rng(0), whole=True)
    assert np.array_equal(whole, np.rint(whole))
    assert 512 <= np.abs(whole).min() < np.abs(whole).max() < 1024


def long_sums(largest: int) -> tuple[Array, Array]:
    """Whole numbers of up to so much, 2,304 products of which an output adds up."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-largest, largest + 1, shape) for shape in ((1, 256, 5, 6), (8, 256, 3, 3)))
    return x.astype(np.float32), w.astype(np.float32)


def test_of_whole_numbers_one_is_wrong_that_the_bound_would_let_pass() -> None:
    x, w = long_sums(32)
    actual = conv2d(x, w)
    actual[0, 5, 2, 1] += 1
    assert compare_result(actual, conv2d, x, w).passed
    found = verify_result(actual, conv2d, x, w)
    assert (found.passed, found.is_exact, found.is_rounded) == (False, True, False)
    assert found.comparison.first_wrong == ((0, 5, 2, 1),)
    assert found.failed == ((0, 0), (2, 2), (1, 1))


def test_whole_numbers_whose_sums_are_rounded_are_no_exact_data() -> None:
    x, w = long_sums(1000)
    found = verify_result(conv2d(x, w), conv2d, x, w)
    assert (found.passed, found.is_exact, found.suspect) == (True, False, False)


def test_whole_numbers_that_a_transform_has_rounded() -> None:
    x, w = long_sums(32)
    actual = conv2d(x, w)
    actual[0, :, 2] += 0.4
    found = verify_result(actual, conv2d, x, w)
    assert (found.passed, found.suspect, found.is_rounded) == (True, True, True)
    actual[0, 5, 1, 1] += 0.6
    assert not verify_result(actual, conv2d, x, w).is_rounded


@pytest.mark.parametrize(
    ("dtype", "outputs", "largest", "projections"),
    [
        (np.float32, 8, 1, 2),
        (np.float32, 7, 1, 0),  # of so few channels all are computed
        (np.float64, 8, 1, 2),
        (np.complex64, 8, 1, 0),
        # 8 sums of up to largest·2^19, times numbers below 2^10 and their errors, must be below 2^53 / 2
        (np.int64, 8, 2**20 - 1, 2),
        (np.int64, 8, 2**20, 0),
        (np.int64, 16, 2**19 - 1, 2),
        (np.int64, 16, 2**19, 0),
    ],
)
def test_sums_are_looked_at_where_they_say_more_for_less(
    dtype: Any, outputs: int, largest: int, projections: int
) -> None:
    x, w = np.full((1, 1, 2, 3), largest, dtype), np.full((outputs, 1, 1, 1), 2**19, dtype)
    found = verify_result(x * w[:, 0], conv2d, x, w)
    assert (found.passed, found.projections) == (True, projections)


@pytest.mark.parametrize(
    ("changed", "largest"),
    [
        ({}, 67),  # 2·2 products of up to 5·3, and 7
        ({"input": 9.0}, 4 * 9 * 3 + 7),
        ({"weight": -4.0}, 4 * 5 * 4 + 7),
        ({"bias": 8.0}, 68),
        ({"input": 0.5}, np.inf),
        ({"weight": -0.5}, np.inf),
        ({"bias": 0.5}, np.inf),
    ],
)
def test_the_largest_sum_of_whole_numbers(changed: dict[str, float], largest: float) -> None:
    operands = {"input": np.zeros((1, 2, 1, 3)), "weight": np.zeros((8, 2, 1, 2)), "bias": np.zeros(8)}
    for (name, array), number in zip(operands.items(), (-5, 3, -7), strict=True):
        array.reshape(-1)[1] = number
        array.reshape(-1)[2] = changed.get(name, 0)
    assert verify._largest_whole(Call.of(conv2d, *operands.values())) == largest


@pytest.mark.parametrize(
    ("dtype", "how", "limit"),
    [
        (np.float32, {}, 2.0**24),
        (np.float64, {}, 2.0**53),
        (np.float16, {}, 2.0**11),
        (np.float32, {"accumulate_dtype": "float16"}, 2.0**11),
        (np.float32, {"input_dtype": "bfloat16"}, 2.0**8),
        (np.int32, {}, np.inf),
    ],
)
def test_up_to_where_a_kernels_types_hold_all_whole_numbers(dtype: Any, how: dict[str, Any], limit: float) -> None:
    assert verify._whole_numbers(Standard(np.dtype(dtype), Arithmetic.of(**how))) == limit


def sampled(batch: int, groups: int, size: tuple[int, int]) -> list[tuple[int, ...]]:
    call = Call.of(conv2d, np.zeros((batch, groups, *size)), np.zeros((groups, 1, 1, 1)), groups=groups)
    return list(verify._samples(call.plan, size, np.random.default_rng(0)))


def test_samples_are_corners_and_middles_of_the_first_and_the_last_and_random_ones() -> None:
    found = sampled(3, 5, (4, 7))
    corners = [(row, column) for row in (0, 2, 3) for column in (0, 3, 6)]
    assert found[:18] == [(n, group, *place) for place in corners for n, group in ((0, 0), (2, 4))]
    others = found[18:]
    assert [place[0] for place in others] == [i % 3 for i in range(64)]
    assert [place[1] for place in others[:5]] == [0, 1, 2, 3, 4]
    for axis, extent in ((1, 5), (2, 4), (3, 7)):
        assert {place[axis] for place in others[5:]} == set(range(extent))


@pytest.mark.parametrize(
    ("batch", "groups", "count"), [(65, 1, 65), (1, 66, 66), (300, 1, 256), (1, 300, 256), (64, 64, 64)]
)
def test_there_is_a_sample_of_each_image_and_group_up_to_256(batch: int, groups: int, count: int) -> None:
    found = sampled(batch, groups, (1, 1))[2:]
    assert len(found) == count
    assert {place[0] for place in found} == set(range(min(batch, 256)))
    assert {place[1] for place in found} == set(range(min(groups, 256)))


def test_convolutions_of_8_bits_are_computed_in_full() -> None:
    x, w = np.arange(288, dtype=np.uint8).reshape(2, 4, 6, 6), np.ones((16, 4, 3, 3), np.int8)
    found = verify_result(conv2d_integer(x, w, 3, 1), conv2d_integer, x, w, 3, 1)
    assert (found.passed, found.projections) == (True, 0)


def test_two_channels_exchanged_are_seen() -> None:
    function, (x, w, bias), given = problem("conv2d", whole=True)
    actual = function(x, w, bias, **given)[:, [1, 0, *range(2, 16)]]
    assert not any(verify_result(actual, function, x, w, bias, rng=seed, **given).passed for seed in range(10))


def test_rounded_inputs_are_suspect_where_the_worst_case_allows_them() -> None:
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal((1, 256, 12, 12), dtype=np.float32),
        rng.standard_normal((16, 256, 3, 3), dtype=np.float32),
    )
    rounded = ((x.view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32)
    actual = conv2d(rounded, w)
    found = verify_result(actual, conv2d, x, w)
    assert (found.passed, found.suspect) == (True, True)
    assert found.worst > 2
    assert not verify_result(actual, conv2d, x, w, input_dtype="tf32").suspect
    assert verify_result(conv2d(x, w), conv2d, x, w).worst < 1


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_number_is_wrong(number: float) -> None:
    function, arguments, given = problem("conv2d")
    actual = function(*arguments, **given)
    actual[1, 3, 2, 1] = number
    found = verify_result(actual, function, *arguments, **given)
    assert not found.passed
    assert found.comparison.worst_index == (1, 3, 2, 1)


def test_an_input_that_is_no_number_is_looked_at_in_full() -> None:
    function, (x, w, bias), given = problem("conv2d")
    x[0, 3, 2, 2] = np.nan
    actual = function(x, w, bias, **given)
    assert verify_result(actual, function, x, w, bias, **given).comparison.passed


def test_narrow_results_are_rounded() -> None:
    function, (x, w, bias), given = problem("conv2d")
    narrow = [array.astype(np.float16) for array in (x, w, bias)]
    assert verify_result(function(*narrow, **given), function, *narrow, **given).passed
    wide = function(*(array.astype(np.float64) for array in narrow), **given)
    assert verify_result(wide, function, *(array.astype(np.float64) for array in narrow), **given).passed


def test_the_shape_and_the_type_come_first() -> None:
    function, arguments, given = problem("conv2d")
    found = verify_result(np.zeros((1, 2)), function, *arguments, **given)
    assert found.comparison.problem == "shape (1, 2), where (2, 16, 4, 5) was expected"
    assert not found.passed


def test_an_image_without_a_batch_is_counted_without_it() -> None:
    function, (x, w, bias), given = problem("conv2d")
    actual = function(x[0], w, bias, **given)
    actual[3, 2, 1] += 1
    found = verify_result(actual, function, x[0], w, bias, **given)
    assert (found.passed, found.comparison.worst_index) == (False, (3, 2, 1))


def test_parts_are_looked_at_elsewhere() -> None:
    function, arguments, given = problem("conv2d")
    actual = function(*arguments, **given)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = verify_result(actual, function, *arguments, map=pool.map, **given)
    assert found == verify_result(actual, function, *arguments, **given)


def test_on_a_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    function, arguments, given = problem("conv2d")
    actual = function(*arguments, **given)
    actual[1, 3, 2, 1] += 1
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = verify_result(actual, function, *arguments, map=client.get_executor().map, **given)
    assert found == verify_result(actual, function, *arguments, **given)


def test_it_says_what_was_checked() -> None:
    function, arguments, given = problem("conv2d", whole=True)
    lines = str(verify_result(function(*arguments, **given), function, *arguments, **given)).splitlines()
    assert lines[0] == "right: 2 random sums over the channels at every pixel"
    assert lines[1].startswith("in full: all ")
    assert lines[2].startswith("seen: any one wrong element, certainly; ")


@pytest.mark.parametrize(
    ("op", "where"),
    [("conv1d", "images 1 to 1, w 2 to 2"), ("conv3d", "images 1 to 1, z 2 to 2, h 1 to 1, w 0 to 0")],
)
def test_it_says_where_it_is_wrong(op: str, where: str) -> None:
    function, arguments, given = problem(op)
    actual = function(*arguments, **given)
    actual[(1, 3, 2, 1, 0)[: actual.ndim]] += 1
    lines = str(verify_result(actual, function, *arguments, **given)).splitlines()
    assert lines[0].startswith("wrong: 2 random sums over the channels at every pixel; the largest error is ")
    assert lines[1] == f"where: {where}"


def test_it_says_that_rounded_inputs_are_suspect() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, dtype=np.float32) for shape in ((1, 256, 6, 6), (16, 256, 3, 3)))
    rounded = ((x.view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32)
    assert str(verify_result(conv2d(rounded, w), conv2d, x, w)).startswith("suspect: 2 random sums")


def test_the_error_of_a_projection_and_what_is_allowed() -> None:
    x, w = np.full((1, 1, 1, 1), 3, np.float32), np.arange(1, 9, dtype=np.float32).reshape(8, 1, 1, 1)
    call = Call.of(conv2d, x, w)
    actual = conv2d(x, w)
    actual[0, 2] += 1
    r = np.full((1, 1, 8), 0.5)
    precision = Precision.of(np.float32)
    (part,) = parts_of(actual, call, r, precision)
    found = difference(part, precision, whole=False, chances=1)
    assert found.error.item() == 0.5
    # one rounding of each product: u·Σ|r||w||x| = 2^-24·0.5·36·3
    assert found.allowed.item() == pytest.approx(2.0**-24 * 54, rel=1e-6)
    # Of the truth no more is known than that Σ|r||w||x| is no less than its own projection, (1 - 2 + 3 ... - 8)·0.5·3 = -6.
    signs = r * np.where(np.arange(8) % 2, -1, 1)
    (part,) = parts_of(conv2d(x, w), call, signs, precision)
    found = difference(part, precision, whole=False, chances=1)
    assert found.error.item() == 0
    # √Σ r²w²x² = 0.5·3·√204 = 21.4 is more than that, and less than 54
    assert found.allowed.item() == pytest.approx(2.0**-24 * 1.5 * 204**0.5, rel=1e-6)


def test_a_sample_is_wrong_that_no_projection_shows() -> None:
    function, (x, w, bias), given = problem("conv2d")
    actual = function(x, w, bias, **given)
    actual[1, 13, 3, 4] += 2.5 * error_bound_of(function, x, w, bias, dtype=np.float32, **given)[1, 13, 3, 4]
    found = verify_result(actual, function, x, w, bias, **given)
    assert (found.passed, found.failed) == (False, ())
    assert found.comparison.first_wrong == ((1, 13, 3, 4),)
    assert found.comparison.mismatched == 1
    one = actual[1:]
    assert verify_result(one[0], function, x[1], w, bias, **given).comparison.first_wrong == ((13, 3, 4),)


def compared(dtype: Any, how: Arithmetic = DIRECT, *, wrong: float = 0.0, scale: float = 1.0) -> Difference:
    """Compare 7 = 2·3 + 1·1 and 8 = 2·5 - 1·2, added up with ½ and -1, the second of which may be wrong."""
    x = np.reshape(np.array([2, 1]) * scale, (1, 2, 1, 1)).astype(dtype)
    w = np.reshape(np.array([3, 1, 5, -2]) * scale, (2, 2, 1, 1)).astype(dtype)
    actual = np.reshape(np.array([7, 8 + wrong]) * scale**2, (1, 2, 1, 1)).astype(dtype)
    precision = Precision.of(dtype, how)
    (part,) = parts_of(actual, Call.of(conv2d, x, w), np.array([[[0.5, -1.0]]]), precision)
    return difference(part, precision, whole=False, chances=1)


DEVIATION = (2 * np.log(2e6)) ** 0.5  # that random errors exceed one time in a million
# Σr²x²w² = ¼·37 + 104, Σr²y² = ¼·49 + 64, n = 2: (2 + 9)/6 of the one and (2 + 1)/3 of the other
VARIANCE = 11 / 6 * 113.25 + 76.25


def test_what_random_rounding_gives() -> None:
    found = compared(np.float32)
    assert found.error.item() == 0
    assert found.likely.item() == pytest.approx(4 * DEVIATION * 2.0**-24 * VARIANCE**0.5, rel=1e-6)
    # as far as it is known that Σ|r||x||w| is no less: √113.25, where the projection itself is 3.5 - 8
    assert found.allowed.item() == pytest.approx(2 * 2.0**-24 * 113.25**0.5, rel=1e-5)


def test_an_error_is_allowed_what_the_worst_case_is() -> None:
    found = compared(np.float32, wrong=2.0)
    assert found.error.item() == 2
    # two roundings of ½·(6 + 1) + (10 + 2)
    assert found.allowed.item() == pytest.approx(2 * 2.0**-24 * 15.5, rel=1e-5)
    wide = compared(np.float64, wrong=2.0)
    # and in float64 what the projections themselves may lose: 2 + 2 + 8 roundings of either side
    assert wide.allowed.item() * 2**53 == pytest.approx(15.5 * (2 + 2 * 12), rel=1e-5)
    size = VARIANCE - 76.25 + 0.25 * 49 + 100  # of 10, which stands there
    assert wide.likely.item() * 2**53 == pytest.approx(4 * DEVIATION * size**0.5 + 15.5 * 24, rel=1e-5)


def test_factors_that_are_rounded_first() -> None:
    found = compared(np.float32, Arithmetic.of(input_dtype="bfloat16"), wrong=2.0)
    size2 = 0.25 * 49 + 100
    likely = 4 * DEVIATION * 2.0**-24 * (11 / 6 * 113.25 + size2) ** 0.5
    likely += 2 * DEVIATION * 2.0**-8 * ((2 * 113.25) ** 0.5 + 2 * size2**0.5)
    assert found.likely.item() == pytest.approx(likely, rel=1e-6)
    assert found.allowed.item() < 2.0**-22 * 15.5  # for these are numbers of bfloat16, which nothing is lost of


def test_results_that_are_rounded_last() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    found = compared(ml_dtypes.bfloat16)
    sums, bound = 0.5 * 7 + 8, 2 * 2.0**-24 * 113.25**0.5
    assert found.allowed.item() == pytest.approx(bound + 2.0**-8 * (sums + 2 * bound) * (1 + 2.0**-6), rel=1e-7)
    likely = 4 * DEVIATION * 2.0**-24 * VARIANCE**0.5 + DEVIATION * 2.0**-8 * 76.25**0.5
    assert found.likely.item() == pytest.approx(likely, rel=1e-6)


def test_results_of_float16_are_rounded_last_and_lose_what_is_below_its_least_number() -> None:
    found = compared(np.float16)
    # 2 roundings in float32 of √113.25; then one in float16 of ½·7 + 1·8, and Σ|r| = 1½ times its least number, 2^-24
    bound, lost = 2 * 2.0**-24 * 113.25**0.5, 1.5 * 2.0**-24
    allowed = bound + 2.0**-11 * (11.5 + 2 * bound) * (1 + 4 * 2.0**-11) + lost
    assert found.allowed.item() == pytest.approx(allowed, rel=1e-8)
    likely = 4 * DEVIATION * 2.0**-24 * VARIANCE**0.5 + DEVIATION * 2.0**-11 * 76.25**0.5 + lost
    assert found.likely.item() == pytest.approx(likely, rel=1e-8)


def test_products_that_underflow() -> None:
    found = compared(np.float32, scale=2.0**-80)
    # Σ|r| = 1½ times 2 products, each of which is lost below the least number of float32
    assert found.likely.item() * 2.0**149 == pytest.approx(3, rel=1e-3)
    assert found.allowed.item() * 2.0**149 == pytest.approx(3, rel=1e-3)
    narrow = compared(np.float16, scale=2.0**-10)
    # in float16, of which 2^-24 is the least, 1½ of that for what is returned
    lost = narrow.allowed.item() - 2.0**-11 * 11.5 * 2.0**-20
    assert lost * 2**24 == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize("op", one_in(2, PROJECTED))
def test_nothing_depends_on_how_it_is_taken_apart(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, arguments, given = problem(op)
    actual = function(*arguments, **given)
    actual[1, 3] += 1
    whole = verify_result(actual, function, *arguments, **given)
    monkeypatch.setattr(projection, "BLOCK", 100)
    monkeypatch.setattr(projection, "PART", 100)
    monkeypatch.setattr(verify, "PART", 5)
    monkeypatch.setattr(verify, "CLOSELY", 1000)
    found = verify_result(actual, function, *arguments, **given)
    assert (found.failed, found.comparison.first_wrong) == (whole.failed, whole.comparison.first_wrong)
    assert found.worst == pytest.approx(whole.worst, rel=1e-9)
