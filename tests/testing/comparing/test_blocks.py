"""A comparison block by block is that of the whole, and takes 64 MiB at most at any size."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
from arrays import Array
from memory import peak
from sampled import one_in

from refconv import conv2d, error_bound
from refconv.bounds.arithmetic import Arithmetic
from refconv.operations import LINEAR
from refconv.testing import Comparison, compare_conv2d, compare_result
from refconv.testing.battery.cases import Case
from refconv.testing.battery.tiers import cases
from refconv.testing.comparing.reference import Standard

MOST = 64 * 2**20


# Of each, float64 alone would take more than that: a result of 9 million numbers or more, at little work.
LARGE: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "conv2d": ((2, 3, 300, 300), (64, 3, 1, 2), {"padding": ((0, 0), (1, 0))}),
    "conv1d": ((1, 1, 1_000_000), (10, 1, 2), {"padding": ((1, 0),)}),
    "conv3d": ((1, 2, 64, 64, 64), (40, 2, 1, 1, 2), {}),
    "conv_transpose2d": ((1, 2, 300, 300), (2, 64, 2, 1), {"stride": (2, 1)}),
}


@pytest.mark.parametrize("op", one_in(3, LARGE))
@pytest.mark.parametrize("is_right", one_in(2, [False, True]))
def test_a_comparison_takes_64_mib_at_most(op: str, is_right: bool) -> None:
    x_shape, w_shape, parameters = LARGE[op]
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, dtype=np.float32) for shape in (x_shape, w_shape))
    function = LINEAR[op].function
    actual = function(x, w, **parameters)
    assert actual.size * 8 > MOST
    actual = actual if is_right else actual + np.float32(1)
    found = list[Comparison]()
    assert peak(lambda: found.append(compare_result(actual, function, x, w, **parameters))) < MOST
    assert found[0].passed is is_right


def test_the_bound_takes_64_mib_beside_itself_at_most() -> None:
    x_shape, w_shape, parameters = LARGE["conv2d"]
    x, w = np.ones(x_shape, np.float32), np.ones(w_shape, np.float32)
    bound = error_bound(x, w, dtype=np.float32, **parameters)
    assert peak(lambda: error_bound(x, w, dtype=np.float32, **parameters)) < bound.nbytes + MOST


@pytest.mark.parametrize("op", one_in(4, LINEAR))
def test_small_blocks_find_what_one_block_finds(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [case for case in cases("smoke", op=op) if case.expected().size > 2]
    found = [case.check(_damaged(case)) for case in some]
    monkeypatch.setattr("refconv.operations.call.Call.blocks.__defaults__", (31,))
    again = [case.check(_damaged(case)) for case in some]
    for one, other in zip(found, again, strict=True):
        assert not one.passed
        assert one.mismatched == other.mismatched == 2
        assert one.first_wrong == other.first_wrong
        assert (one.elements, one.zeros, one.exempt) == (other.elements, other.zeros, other.exempt)


def _damaged(case: Case) -> Array:
    """Return the result wrong at two places, so that no convention explains it."""
    wrong = case.expected().astype(case.result_dtype).reshape(-1)
    wrong[[1, -1]] += wrong.dtype.type(3)
    return wrong.reshape(case.expected().shape)


def test_the_worst_of_all_blocks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refconv.operations.call.Call.blocks.__defaults__", (4,))
    x = np.ones((2, 1, 3, 5), np.float32)
    actual = np.ones((2, 1, 3, 5), np.float32)
    actual[0, 0, 2, 1], actual[1, 0, 1, 4], actual[1, 0, 2, 2] = 3, 7, 7
    found = compare_conv2d(actual, x, np.ones((1, 1, 1, 1), np.float32))
    assert found.first_wrong == ((0, 0, 2, 1), (1, 0, 1, 4), (1, 0, 2, 2))
    assert (found.worst_index, found.actual, found.desired, found.error) == ((1, 0, 1, 4), 7.0, 1.0, 6.0)
    assert (found.elements, found.mismatched) == (30, 3)
    unbatched = compare_conv2d(actual[1], x[1], np.ones((1, 1, 1, 1), np.float32))
    assert unbatched.worst_index == (0, 1, 4)


def test_a_bias_gradient_is_found_by_its_channel() -> None:
    function = LINEAR["conv2d_bias"].function
    found = compare_result(np.array([4.0, 5, 4]), function, np.ones((1, 3, 2, 2)))
    assert found.worst_index == (1,)


def test_the_confidence_is_for_all_blocks_together(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = np.ones((1, 8, 9, 9), np.float32), np.ones((2, 8, 3, 3), np.float32)
    actual = conv2d(x, w)
    actual[0, 0, 0, 0] += np.float32(1e-5)
    options: dict[str, Any] = {"confidence": 0.999}
    whole = compare_conv2d(actual, x, w, **options).bound
    monkeypatch.setattr("refconv.operations.call.Call.blocks.__defaults__", (7,))
    assert compare_conv2d(actual, x, w, **options).bound == pytest.approx(whole, rel=1e-9)
    assert error_bound(x, w, dtype=np.float32, **options)[0, 0, 0, 0] == pytest.approx(whole, rel=1e-6)


def test_the_tiles_of_an_algorithm_are_those_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 2, 9, 7), dtype=np.float32), rng.standard_normal((3, 2, 3, 3), dtype=np.float32)
    whole = error_bound(x, w, dtype=np.float32, algorithm="winograd4")
    monkeypatch.setattr("refconv.operations.call.Call.blocks.__defaults__", (7,))
    np.testing.assert_allclose(error_bound(x, w, dtype=np.float32, algorithm="winograd4"), whole, rtol=1e-12)


def test_blocks_are_compared_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refconv.operations.call.Call.blocks.__defaults__", (100,))
    x, w = np.ones((2, 1, 20, 20), np.float32), np.ones((1, 1, 1, 1), np.float32)
    actual = x.copy()
    actual[1, 0, 3, 4] = 2
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = compare_conv2d(actual, x, w, map=pool.map)
    assert found == compare_conv2d(actual, x, w)
    assert found.worst_index == (1, 0, 3, 4)


def _loses_all(*_: Any) -> list[Any]:
    return []


def test_a_map_that_loses_something_is_refused() -> None:
    x = np.ones((1, 1, 2, 2), np.float32)
    with pytest.raises(ValueError, match=r"^map= must return what it is given, in order; of 1 it returned 0$"):
        compare_conv2d(x, x, x[:, :, :1, :1], map=_loses_all)


def test_only_a_transform_needs_whole_images() -> None:
    algorithms = ("direct", "winograd2", "fft")
    standards = [Standard(np.dtype(np.float32), Arithmetic.of(algorithm=algorithm)) for algorithm in algorithms]
    assert [standard.needs_images for standard in standards] == [False, True, True]
