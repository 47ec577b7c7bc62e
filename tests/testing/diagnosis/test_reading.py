from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.bounds.error_bound import error_bound
from refconv.geometry.axis import AxisGeometry
from refconv.operations import LINEAR, Call
from refconv.testing.diagnosis.directions import _leading, _turned_round
from refconv.testing.diagnosis.evidence import Evidence, gather
from refconv.testing.diagnosis.reading import CHUNK, Reading, spread, table
from refconv.testing.diagnosis.right_reading import reading_of

RNG = np.random.default_rng(3)
IMAGE = RNG.standard_normal((2, 6, 7, 9))
KERNEL = RNG.standard_normal((4, 3, 2, 3))
BIAS = RNG.standard_normal(4)
PARAMETERS: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 0), (2, 3)), "dilation": (1, 2), "groups": 2}
NOWHERE = [-1, -1]  # the place of nothing in a table of places


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
CALLS: dict[str, Call] = {
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


# Over one, two and three axes: steps that differ along each, an output padding above the stride, SAME, and a size.
SIZES = {1: (6,), 2: (6, 5), 3: (4, 5, 3)}
TAPS = {1: (3,), 2: (2, 3), 3: (2, 1, 3)}
STEPS: dict[str, dict[str, Any]] = {
    "sides": {"stride": (2, 1, 3), "padding": ((1, 0), (0, 2), (2, 1)), "dilation": (1, 2, 1)},
    "valid": {"stride": (1, 2, 1), "padding": "valid", "dilation": (2, 1, 1)},
    "same_upper": {"stride": (2, 3, 1), "padding": "same_upper", "dilation": (1, 2, 2)},
    "same_lower": {"stride": (3, 1, 2), "padding": "same_lower", "dilation": (2, 2, 1)},
}
BACKWARDS: dict[str, dict[str, Any]] = STEPS | {
    "past the stride": {"stride": (1, 2, 1), "dilation": (3, 4, 2), "output_padding": (2, 3, 1), "padding": ((1, 0),) * 3},
    "past every window": {"stride": (2, 1, 3), "dilation": (5, 3, 1), "output_padding": (4, 2, 2)},
    "wide steps": {"stride": (5, 4, 7), "padding": "same_upper", "output_padding": (1, 2, 0)},
    "cropped": {"stride": (1, 2, 1), "padding": ((2, 1), (3, 0), (1, 2)), "output_padding": (0, 1, 0)},
}  # fmt: skip
SIZED: dict[str, dict[str, Any]] = {
    "a size": {"stride": (3, 2, 4), "padding": ((1, 1), (0, 1), (1, 0))},
    "a size, SAME": {"stride": (2, 3, 1), "padding": "same_lower", "dilation": (1, 2, 1)},
}


def of_rank(rank: int, steps: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else value[:rank] for name, value in steps.items()} | {"groups": 2}


def calls_of(op: str) -> dict[str, Call]:
    """Return calls of an operation, by what is special in their steps; unbatched ones, too."""
    operation = LINEAR[op]
    rank, function, forward = operation.space.rank, operation.function, operation.forward.function
    all_steps = (BACKWARDS if operation.is_transposed else STEPS) | (
        SIZED if op.startswith("conv_t") and op[-1] == "d" else {}
    )
    found = {}
    for label, given in all_steps.items():
        steps, batch = of_rank(rank, given), () if label == "valid" else (2,)
        x, w = (
            normal(*batch, 4, *SIZES[rank]),
            normal(4, 3, *TAPS[rank]) if operation.is_transposed else normal(6, 2, *TAPS[rank]),
        )
        if label.startswith("a size"):
            steps["output_size"] = tuple(
                size + more for size, more in zip(forward(x, w, None, **steps).shape[-rank:], (1, 0, 1), strict=False)
            )
        y = normal(*forward(x, w, None, **steps).shape)
        arguments = {"": (x, w, normal(6)), "input": (x.shape, w, y), "weight": (x, w.shape, y), "bias": (y,)}
        found[label] = Call.of(function, *arguments[operation.by], **({} if operation.by == "bias" else steps))
    return found


@pytest.mark.parametrize("op", LINEAR)
def test_the_right_reading_predicts_the_truth_over_one_to_three_axes(op: str) -> None:
    for label, call in calls_of(op).items():
        truth, reading, reference = gather(call(), call)
        evidence = Evidence.of(truth, reading, reference)
        assert reading.own(reading.shape) == truth.shape, label
        assert evidence.count == 0
        everywhere = reading.everywhere()
        values = reading.values(everywhere).reshape(reading.shape)
        np.testing.assert_allclose(values, evidence.truth, rtol=1e-12, atol=1e-12, err_msg=label)
        turned = [places[::-3] for places in everywhere]  # some, in another order
        np.testing.assert_array_equal(reading.values(tuple(turned)), values.reshape(-1)[::-3])
        if op[-1] == "d":  # of a result, the size follows from what it takes
            assert reading.naturally_sized().size == reading.size, label


def test_the_pixels_past_every_window_hold_the_bias() -> None:
    for rank in (1, 2, 3):
        call = calls_of(f"conv_transpose{rank}d")["past every window"]
        reading = reading_of(call)
        last = tuple(np.array([size - 1]) for size in reading.shape)
        assert reading.values(last) == call.operands["bias"][-1]


LETTERS = {
    "conv1d": "NOP",
    "conv2d": "NOPQ",
    "conv3d": "NORPQ",
    "conv1d_input": "NCL",
    "conv2d_input": "NCHW",
    "conv3d_input": "NCZHW",
    "conv1d_weight": "OIK",
    "conv2d_weight": "OIHW",
    "conv3d_weight": "OIZHW",
    "conv_transpose1d": "NCL",
    "conv_transpose2d": "NCHW",
    "conv_transpose3d": "NCZHW",
    "conv_transpose1d_input": "NCP",
    "conv_transpose2d_input": "NCPQ",
    "conv_transpose3d_input": "NCRPQ",
    "conv_transpose1d_weight": "IOK",
    "conv_transpose2d_weight": "IOHW",
    "conv_transpose3d_weight": "IOZHW",
    "conv1d_bias": "O",
    "conv2d_bias": "O",
    "conv3d_bias": "O",
    "conv_transpose1d_bias": "O",
    "conv_transpose2d_bias": "O",
    "conv_transpose3d_bias": "O",
}


@pytest.mark.parametrize("op", LINEAR)
def test_the_axes_have_the_letters_that_the_caller_knows(op: str) -> None:
    calls = calls_of(op)
    letters = LETTERS[op]
    assert reading_of(calls["sides"]).own_letters == letters
    without = letters.replace("N", "")  # as "valid" is without a batch axis
    assert reading_of(calls["valid"]).own_letters == without
    assert len(calls["valid"]().shape) == len(without)


@pytest.mark.parametrize(
    ("op", "names"),
    [
        ("conv1d", ("images", "channels", "columns")),
        ("conv2d", ("images", "channels", "rows", "columns")),
        ("conv3d", ("images", "channels", "planes", "rows", "columns")),
        ("conv_transpose3d_input", ("images", "channels", "planes", "rows", "columns")),
        ("conv1d_weight", ("output channels", "input channels", "kernel columns")),
        ("conv3d_weight", ("output channels", "input channels", "kernel planes", "kernel rows", "kernel columns")),
        ("conv_transpose1d_weight", ("input channels", "output channels", "kernel columns")),
        ("conv_transpose2d_bias", ("output channels", "input channels", "kernel rows", "kernel columns")),
    ],
)
def test_the_axes_have_names(op: str, names: tuple[str, ...]) -> None:
    assert reading_of(calls_of(op)["sides"]).names == names


def test_each_operation_walks_its_own_way() -> None:
    kinds = {op: type(reading_of(calls_of(op)["sides"])).__name__ for op in LINEAR}
    by_ending = {
        ("conv", ""): "Convolution",
        ("conv", "input"): "InputAdjoint",
        ("conv", "weight"): "WeightAdjoint",
        ("conv", "bias"): "WeightAdjoint",
        ("conv_transpose", ""): "Transposed",
        ("conv_transpose", "input"): "TransposedInput",
        ("conv_transpose", "weight"): "TransposedWeight",
        ("conv_transpose", "bias"): "WeightAdjoint",
    }
    for op, kind in kinds.items():
        front = "conv_transpose" if LINEAR[op].is_transposed else "conv"
        assert kind == by_ending[front, LINEAR[op].by], op


def test_the_output_padding_is_what_the_windows_do_not_reach() -> None:
    def extras(op: str, label: str) -> Any:
        return reading_of(calls_of(op)[label]).output_padding  # type: ignore[attr-defined]

    assert extras("conv_transpose3d", "past the stride") == (2, 3, 1)
    assert extras("conv_transpose2d", "sides") == (0, 0)
    assert extras("conv_transpose2d", "a size") == (1, 0)
    assert extras("conv_transpose1d", "wide steps") == (2,)  # of a stride of 5, a kernel of 3 leaves 2
    assert extras("conv_transpose2d", "same_upper") == (0, 0)  # of strides of 2 and 3, the kernels leave nothing


@pytest.mark.parametrize("name", CALLS)
def test_the_right_reading_predicts_every_operation_of_the_family(name: str) -> None:
    problem = CALLS[name]
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
    (bound,) = ones.bounds(tuple(np.zeros((4, 1), int)), dtype)
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


@pytest.mark.parametrize(
    ("channels", "chunk", "sizes"), [(1, 4, [4, 4, 2]), (3, 12, [4, 4, 2]), (3, 11, [3, 3, 3, 1]), (3, 1, [1] * 10)]
)
def test_so_many_elements_are_laid_out_at_once_as_have_so_many_products(
    channels: int, chunk: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = reading_of(Call.of(refconv.conv2d, np.ones((1, channels, 1, 10)), np.ones((1, channels, 1, 1))))
    monkeypatch.setattr("refconv.testing.diagnosis.reading.CHUNK", chunk)
    assert [len(bias) for *_, bias in reading._chunks(reading.everywhere())] == sizes


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
    n, o, p, q = spread(places, 3)
    assert (n.tolist(), o.tolist(), p.tolist(), q.tolist()) == (
        [0, 5, 10],
        [100, 105, 110],
        [200, 205, 210],
        [300, 305, 310],
    )
    assert len(spread(places, 99)[0]) == 11


def test_what_is_read_nowhere_is_zero_without_its_bias() -> None:
    """Each row is stored one further down: the first holds what was there, zero."""
    moved = replace(right(), origin=lambda places, _: (*places[:2], places[2] - 1, places[3]))
    found = moved.values(moved.everywhere()).reshape(moved.shape)
    truth = right().values(right().everywhere()).reshape(right().shape)
    assert not found[:, :, 0].any()
    np.testing.assert_array_equal(found[:, :, 1:], truth[:, :, :-1])


@pytest.mark.parametrize(
    ("outputs", "taps"),
    [
        (2, [[[0, 0], NOWHERE], [[1, 0], NOWHERE], [[1, 0], [0, 1]]]),
        (1, [[[0, 0], NOWHERE], [NOWHERE] * 2, [NOWHERE, [0, 1]]]),
    ],
)
def test_where_what_leads_to_a_pixel_is_rounded_every_tap_may(outputs: int, taps: list[Any]) -> None:
    # Of pixel h and tap k the output (h + 1 - 3·k)/2, rounded down.
    axis = AxisGeometry(3, 2, stride=2, padding=(1, 1), dilation=3)
    assert _leading(axis, outputs, "zeros", "rounded").tolist() == taps


def test_where_outputs_are_counted_in_a_circle_those_before_the_first_are_the_last() -> None:
    # Output p reads the pixels p - 1, p and p + 1: pixel 0 is read by tap 2 of output -1, which is output 1 of two.
    leads = [[[1, 2], [0, 1], [1, 0]], [[0, 2], [1, 1], NOWHERE], [[1, 2], NOWHERE, NOWHERE]]
    assert _leading(AxisGeometry(3, 3, padding=(1, 0)), 2, "zeros", "wrapped").tolist() == leads
    # At stride 3 the pixels 3·p - 1 ... 3·p + 2: pixel 0 by tap 1 of output 0 and tap 4 of output -1.
    leads = [[[1, 4], [0, 1]], [[0, 2], NOWHERE], [[0, 3], [1, 0]], [[0, 4], [1, 1]]]
    assert _leading(AxisGeometry(4, 5, stride=3, padding=(1, 3)), 2, "zeros", "wrapped").tolist() == leads


def test_at_a_stride_of_1_nothing_is_rounded() -> None:
    leads = [[[0, 0], NOWHERE], [[0, 1], [1, 0]], [[1, 1], NOWHERE]]
    for overlaps in ("added", "rounded"):
        assert _leading(AxisGeometry(3, 2), 2, "zeros", overlaps).tolist() == leads


def test_places_that_lead_somewhere_are_turned_round() -> None:
    # [[0, 2], [2, −1]]: 0 stands at (0, 0), 1 nowhere, 2 at (0, 1) and at (1, 0).
    leads = np.array([[0, 2], [2, -1]])
    assert _turned_round(leads, 3).tolist() == [[[0, 0], NOWHERE], [NOWHERE, NOWHERE], [[0, 1], [1, 0]]]
    assert _turned_round(leads, 3, last=True).tolist() == [[[0, 0]], [NOWHERE], [[1, 0]]]
    assert _turned_round(np.full((2, 2), -1), 2).tolist() == [[NOWHERE], [NOWHERE]]
