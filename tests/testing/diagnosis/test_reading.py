from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.bounds.error_bound import error_bound
from refconv.geometry.axis import AxisGeometry
from refconv.operations import Call
from refconv.testing.diagnosis.evidence import Evidence, gather
from refconv.testing.diagnosis.reading import CHUNK, Reading, spread, table
from refconv.testing.diagnosis.right_reading import reading_of

RNG = np.random.default_rng(3)
IMAGE = RNG.standard_normal((2, 6, 7, 9))
KERNEL = RNG.standard_normal((4, 3, 2, 3))
BIAS = RNG.standard_normal(4)
PARAMETERS: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 0), (2, 3)), "dilation": (1, 2), "groups": 2}


def right(**options: Any) -> Reading:
    return reading_of(Call.of(refconv.conv2d, IMAGE, KERNEL, BIAS, **PARAMETERS, **options))


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_the_right_reading_predicts_the_truth(padding_mode: str) -> None:
    reading = right(padding_mode=padding_mode)
    truth = refconv.conv2d(IMAGE, KERNEL, BIAS, **PARAMETERS, padding_mode=padding_mode)
    assert reading.values(reading.everywhere()).size == truth.size
    np.testing.assert_allclose(reading.values(reading.everywhere()).reshape(truth.shape), truth, rtol=1e-12, atol=1e-12)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape)


TURNS: dict[str, Any] = {"stride": (2, 3), "padding": ((1, 0), (2, 3)), "dilation": (2, 1), "groups": 2}
LINE: dict[str, Any] = {"stride": 2, "padding": ((2, 1),), "dilation": 3, "groups": 2}
SPACE: dict[str, Any] = {
    "stride": (2, 1, 3),
    "padding": ((1, 2), (0, 1), (2, 0)),
    "dilation": (1, 2, 1),
    "groups": 2,
}
SCATTERED = {"output_padding": (1, 2)} | TURNS
PROBLEMS: dict[str, Problem] = {
    "conv1d": Call.of(refconv.conv1d, normal(2, 6, 11), normal(4, 3, 2), BIAS, **LINE),
    "conv1d-unbatched": Call.of(refconv.conv1d, normal(6, 11), normal(4, 3, 2), padding="same", groups=2),
    "conv3d": Call.of(refconv.conv3d, normal(2, 6, 5, 6, 7), normal(4, 3, 2, 3, 1), BIAS, **SPACE),
    "conv3d-circular": Call.of(
        refconv.conv3d, normal(2, 3, 4, 5, 6), normal(4, 3, 2, 1, 3), padding=(2, 0, 1), padding_mode="circular"
    ),
    "conv3d-unbatched": Call.of(refconv.conv3d, normal(3, 4, 5, 6), normal(4, 3, 2, 1, 3), BIAS, (2, 1, 1)),
    "transposed": Call.of(refconv.conv_transpose2d, normal(2, 4, 3, 5), normal(4, 3, 2, 3), normal(6), **SCATTERED),
    "transposed-dilated": Call.of(
        refconv.conv_transpose2d, normal(4, 3, 2), normal(4, 5, 2, 3), padding=(1, 0), output_padding=(0, 2), dilation=3
    ),
    "transposed-line": Call.of(refconv.conv_transpose1d, normal(2, 4, 5), normal(4, 3, 2), normal(6), **LINE),
    "transposed-space": Call.of(
        refconv.conv_transpose3d,
        normal(2, 4, 3, 2, 4),
        normal(4, 3, 2, 3, 1),
        normal(6),
        **SPACE | {"output_padding": (1, 0, 2)},
    ),
    "input": Call.of(refconv.grad.conv2d_input, (2, 6, 8, 12), normal(4, 3, 2, 3), normal(2, 4, 4, 5), **TURNS),
    "input-complex": Call.of(
        refconv.grad.conv2d_input, (1, 7, 8), normal(2, 1, 2, 3) * (1 + 2j), normal(2, 6, 6) * (2 - 3j)
    ),
    "weight": Call.of(refconv.grad.conv2d_weight, normal(2, 6, 8, 12), (4, 3, 2, 3), normal(2, 4, 4, 5), **TURNS),
    "weight-complex": Call.of(
        refconv.grad.conv2d_weight, normal(1, 7, 8) * (1 + 2j), (2, 1, 2, 3), normal(2, 6, 6) * (2 - 3j)
    ),
    "conv3d-thin": Call.of(refconv.conv3d, normal(1, 2, 1, 1, 2), normal(3, 2, 3, 3, 3), padding=2),
    "conv3d-no-channels": Call.of(refconv.conv3d, normal(1, 0, 2, 3, 4), normal(3, 0, 2, 2, 1), normal(3)),
    "conv1d-no-images": Call.of(refconv.conv1d, normal(0, 2, 4), normal(3, 2, 2), normal(3)),
    "transposed-no-channels": Call.of(refconv.conv_transpose2d, normal(2, 0, 3, 4), normal(0, 3, 2, 1), normal(3)),
    "transposed-no-images": Call.of(refconv.conv_transpose2d, normal(0, 2, 3, 4), normal(2, 3, 2, 1), normal(3)),
    "weight-no-images": Call.of(refconv.grad.conv2d_weight, normal(0, 2, 3, 4), (3, 2, 2, 1), normal(0, 3, 2, 4)),
    "conv2d-no-rows": Call.of(refconv.conv2d, normal(1, 2, 0, 3), normal(3, 2, 1, 2), normal(3), padding=1),
    "input-no-rows": Call.of(
        refconv.grad.conv2d_input, (1, 2, 0, 3), normal(3, 2, 1, 2), normal(1, 3, 2, 4), padding=1
    ),
    "weight-no-rows": Call.of(
        refconv.grad.conv2d_weight, normal(1, 2, 0, 3), (3, 2, 1, 2), normal(1, 3, 2, 4), padding=1
    ),
    "bias": Call.of(refconv.grad.conv2d_bias, normal(2, 4, 3, 5)),
    "bias-unbatched": Call.of(refconv.grad.conv2d_bias, normal(4, 3, 5)),
} | {
    f"{name}-{mode}": Call.of(function, *arguments, padding=((2, 1), (1, 3)), padding_mode=mode)
    for mode in ("reflect", "replicate", "circular")
    for name, function, arguments in (
        ("input", refconv.grad.conv2d_input, ((2, 3, 5, 6), normal(4, 3, 2, 3), normal(2, 4, 7, 8))),
        ("weight", refconv.grad.conv2d_weight, (normal(2, 3, 5, 6), (4, 3, 2, 3), normal(2, 4, 7, 8))),
    )
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_right_reading_predicts_every_operation_of_the_family(name: str) -> None:
    problem = PROBLEMS[name]
    truth, reading, reference = gather(problem(), problem)
    evidence = Evidence.of(truth, reading, reference)
    assert evidence.truth.shape == reading.shape
    assert reading.own(reading.shape) == truth.shape
    assert evidence.count == 0
    values = reading.values(reading.everywhere()).reshape(reading.shape)
    np.testing.assert_allclose(values, evidence.truth, rtol=1e-12, atol=1e-12)


def test_an_adjoint_reads_only_what_is_there() -> None:
    kernel, arriving = np.array([[[[1.0, np.nan, 2]]]]), np.array([[[[10.0, 100]]]])
    reading = reading_of(Call.of(refconv.conv_transpose2d, arriving, kernel, stride=(1, 4)))
    assert reading.values(reading.everywhere()).tolist()[:1] == [10]
    assert np.isnan(reading.values(reading.everywhere())).tolist() == [False, True, False, False, False, True, False]


def test_a_bound_counts_the_products_that_meet_in_an_element() -> None:
    problem = Call.of(refconv.grad.conv2d_weight, normal(2, 3, 5, 6), (4, 3, 2, 3), normal(2, 4, 4, 4))
    reading, dtype = reading_of(problem), np.dtype(np.float32)
    ones = replace(reading, input=np.ones_like(reading.input), output=np.ones_like(reading.output))
    (bound,) = ones.bounds(tuple(np.zeros((4, 1), int)), dtype)  # type: ignore[arg-type]
    assert reading.products == 2 * 4 * 4
    assert round(float(bound) * 2**24) == 32 * 33  # of 32 products and a bias, γ_33·32 in units of u


def test_the_products_of_one_element_are_counted() -> None:
    assert right().products == 3 * 2 * 3  # C/G · K_h · K_w
    scattered = Call.of(refconv.conv_transpose1d, normal(1, 10, 4), normal(10, 3, 3), stride=2, groups=2)
    assert reading_of(scattered).products == 5 * 2  # five channels of a group, and two of three taps that meet


def test_a_gradient_that_is_not_cropped_has_the_taps_that_the_stride_leaves_over() -> None:
    arriving = normal(1, 1, 4, 5)
    steps: dict[str, Any] = {"stride": (2, 3), "dilation": (1, 2)}
    reading = reading_of(Call.of(refconv.grad.conv2d_weight, normal(1, 1, 9, 19), (1, 1, 2, 3), arriving, **steps))
    # (9 − (2·3 + 1)) / 1 + 1 and (19 − (3·4 + 1)) / 2 + 1
    assert (reading.size, reading.naturally_sized().size) == ((2, 3), (3, 4))


def test_single_outputs_can_be_predicted() -> None:
    truth = refconv.conv2d(IMAGE, KERNEL, BIAS, **PARAMETERS)
    places = (np.array([1, 0]), np.array([3, 1]), np.array([2, 0]), np.array([0, 4]))
    np.testing.assert_allclose(right().values(places), truth[places], rtol=1e-12)
    nowhere = (np.zeros(0, int),) * 4
    assert right().values(nowhere).shape == right().bounds(nowhere, np.dtype(np.float32)).shape == (0,)


def test_the_bound_is_that_of_the_products_laid_out_and_none_for_whole_numbers() -> None:
    reading = reading_of(Call.of(refconv.conv2d, IMAGE, KERNEL, BIAS, (2, 1), 0, (1, 2), 2))
    ours, theirs = (error_bound(IMAGE, KERNEL, BIAS, (2, 1), 0, (1, 2), 2, dtype=d) for d in (np.float64, np.float32))
    bound = theirs + ours  # both sides of the comparison are rounded
    found = reading.bounds(reading.everywhere(), np.dtype(np.float32)).reshape(bound.shape)
    np.testing.assert_allclose(found, bound, rtol=1e-12)
    assert not reading.bounds(reading.everywhere(), np.dtype(np.int64)).any()


def test_more_products_than_fit_a_chunk_are_laid_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = right().values(right().everywhere())
    for chunk in (5 * 18, 17):  # five elements at once, and at least one
        monkeypatch.setattr("refconv.testing.diagnosis.reading.CHUNK", chunk)
        np.testing.assert_array_equal(right().values(right().everywhere()), whole)
    assert CHUNK > 5 * 18


def test_a_clamped_window_starts_on_the_image() -> None:
    image, kernel = np.array([[[[1.0, 10, 100, 1000]]]]), np.array([[[[1.0, 2]]]])
    reading = reading_of(Call.of(refconv.conv2d, image, kernel, padding=(0, 2)))
    clamped = replace(reading, padding_mode="clamped")
    assert clamped.values(clamped.everywhere()).tolist() == [21, 21, 21, 210, 2100, 1000, 0]
    image = np.array([[[[1.0, 10, 100, 1000, 10000, 100000]]]])
    reading = reading_of(Call.of(refconv.conv2d, image, kernel, None, (1, 2), (0, 2), (1, 3)))
    apart = replace(reading, padding_mode="clamped")  # windows start at −2, 0, 2 and 4
    assert apart.values(apart.everywhere()).tolist() == [2001, 2001, 200100, 10000]


def test_a_padding_too_large_to_be_reflected_holds_zeros() -> None:
    sources = table(AxisGeometry(3, 1, padding=(4, 4)), 11, "reflect")
    assert sources.ravel().tolist() == [-1, -1, 2, 1, 0, 1, 2, 1, 0, -1, -1]


def test_a_renormalised_window_weighs_what_it_has_left() -> None:
    image, kernel = np.array([[[[1.0, 10, 100]]]]), np.array([[[[1.0, 1]]]])
    reading = reading_of(Call.of(refconv.conv2d, image, kernel, padding=(0, 2)))
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
