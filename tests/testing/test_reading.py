from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.error_bound import error_bound
from refconv.problem import Problem
from refconv.testing.evidence import reading_of
from refconv.testing.reading import CHUNK, Reading, spread

RNG = np.random.default_rng(3)
IMAGE = RNG.standard_normal((2, 6, 7, 9))
KERNEL = RNG.standard_normal((4, 3, 2, 3))
BIAS = RNG.standard_normal(4)
PARAMETERS: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 0), (2, 3)), "dilation": (1, 2), "groups": 2}


def right(**options: Any) -> Reading:
    return reading_of(Problem.of(refconv.conv2d, IMAGE, KERNEL, BIAS, **PARAMETERS, **options))


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_the_right_reading_predicts_the_truth(padding_mode: str) -> None:
    reading = right(padding_mode=padding_mode)
    truth = refconv.conv2d(IMAGE, KERNEL, BIAS, **PARAMETERS, padding_mode=padding_mode)
    assert reading.size_of_output == truth.size
    np.testing.assert_allclose(reading.values(reading.everywhere()).reshape(truth.shape), truth, rtol=1e-12, atol=1e-12)


def test_single_outputs_can_be_predicted() -> None:
    truth = refconv.conv2d(IMAGE, KERNEL, BIAS, **PARAMETERS)
    places = (np.array([1, 0]), np.array([3, 1]), np.array([2, 0]), np.array([0, 4]))
    np.testing.assert_allclose(right().values(places), truth[places], rtol=1e-12)
    assert right().values((np.zeros(0, int),) * 4).shape == (0,)


def test_the_bound_is_that_of_the_products_laid_out_and_none_for_whole_numbers() -> None:
    reading = reading_of(Problem.of(refconv.conv2d, IMAGE, KERNEL, BIAS, (2, 1), 0, (1, 2), 2))
    ours, theirs = (error_bound(IMAGE, KERNEL, BIAS, (2, 1), 0, (1, 2), 2, dtype=d) for d in (np.float64, np.float32))
    bound = theirs + ours  # both sides of the comparison are rounded
    found = reading.bounds(reading.everywhere(), np.dtype(np.float32)).reshape(bound.shape)
    np.testing.assert_allclose(found, bound, rtol=1e-12)
    assert not reading.bounds(reading.everywhere(), np.dtype(np.int64)).any()


def test_more_products_than_fit_a_chunk_are_laid_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = right().values(right().everywhere())
    monkeypatch.setattr("refconv.testing.reading.CHUNK", 5 * 18)
    np.testing.assert_array_equal(right().values(right().everywhere()), whole)
    assert CHUNK > 5 * 18


def test_a_clamped_window_starts_on_the_image() -> None:
    image, kernel = np.array([[[[1.0, 10, 100, 1000]]]]), np.array([[[[1.0, 2]]]])
    reading = reading_of(Problem.of(refconv.conv2d, image, kernel, padding=(0, 2)))
    clamped = replace(reading, padding_mode="clamped")
    assert clamped.values(clamped.everywhere()).tolist() == [21, 21, 21, 210, 2100, 1000, 0]


def test_a_renormalised_window_weighs_what_it_has_left() -> None:
    image, kernel = np.array([[[[1.0, 10, 100]]]]), np.array([[[[1.0, 1]]]])
    reading = reading_of(Problem.of(refconv.conv2d, image, kernel, padding=(0, 2)))
    weighed = replace(reading, renormalised=True)
    assert weighed.values(weighed.everywhere()).tolist() == [0, 2, 11, 110, 200, 0]


def test_places_are_spread_evenly_from_first_to_last() -> None:
    places = tuple(np.arange(start, start + 11) for start in (0, 100, 200, 300))
    n, o, p, q = spread(places, 3)  # type: ignore[arg-type]
    assert (n.tolist(), o.tolist(), p.tolist(), q.tolist()) == (
        [0, 5, 10],
        [100, 105, 110],
        [200, 205, 210],
        [300, 305, 310],
    )
    assert len(spread(places, 99)[0]) == 11  # type: ignore[arg-type]
