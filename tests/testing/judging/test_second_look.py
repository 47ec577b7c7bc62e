"""No honest kernel is called wrong, and no wrong one hides in what excuses honest ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import honest
import mutants
import numpy as np
import pytest
from mutants import Array, Layer
from sampled import one_in

import refconv
from refconv.testing import CaseResult, Report, check, compare_conv2d, find_case, run_case
from refconv.testing.comparing.conventions import LESS_INFINITY, SPREAD, TRANSFORM
from refconv.testing.judging.outcome import Outcome

pytest.importorskip("scipy", reason="NumPy transforms in float64 alone")
SINGLE, HALF, DOUBLE = (honest.of_types(name) for name in ("float32", "float16", "float64"))
TF32, IF_MEANT = "as if input and weight were rounded to TF32", "If it is meant: "

RIGHT: dict[str, tuple[Callable[..., Array], dict[str, Any], str]] = {
    "split-k": (SINGLE(honest.split_k), {}, "RIGHT in the "),
    "kahan": (SINGLE(honest.kahan), {}, "RIGHT in the "),
    "winograd-f32": (SINGLE(honest.winograd2(np.float32)), {}, "RIGHT in the "),
    "fft-f32": (SINGLE(honest.fourier(np.float32)), {}, "RIGHT in the "),
    "fft-f64": (DOUBLE(honest.fourier(np.float64)), {}, "RIGHT in the "),
    "fft-f32-declared": (
        SINGLE(honest.fourier(np.float32)),
        {"algorithm": "fft"},
        "RIGHT as a kernel with an FFT in the ",
    ),
    "winograd-f16-declared": (
        HALF(honest.winograd2(np.float16)),
        {"algorithm": "winograd2"},
        "RIGHT as a kernel with Winograd's F(2, 3) in the ",
    ),
    "tf32-declared": (SINGLE(honest.tf32), {"input_dtype": "tf32"}, "RIGHT as a TF32 kernel in the "),
    "tf32-truncating": (SINGLE(honest.tf32_truncating), {"input_dtype": "tf32"}, "RIGHT as a TF32 kernel in the "),
    "tf32-of-eights": (
        SINGLE(honest.tf32_where_channels_are_eights),
        {"input_dtype": "tf32"},
        "RIGHT as a TF32 kernel in the ",
    ),
    "bf16-sums-declared": (
        SINGLE(honest.bf16_sums),
        {"accumulate_dtype": "bfloat16"},
        "RIGHT as a kernel with bfloat16 sums in the ",
    ),
    "f64-in-f32-declared": (
        DOUBLE(honest.single),
        {"accumulate_dtype": "float32", "input_dtype": "float32"},
        "RIGHT as a kernel of float32 inputs with float32 sums in the ",
    ),
}


@pytest.mark.parametrize("name", one_in(3, RIGHT))
def test_an_honest_kernel_is_right(name: str) -> None:
    kernel, how, headline = RIGHT[name]
    report = check(kernel, time_limit=None, match="real", **how)
    assert report.passed
    assert report.headline().startswith(headline)


LESS: dict[str, tuple[Callable[..., Array], str, str]] = {
    "tf32": (SINGLE(honest.tf32), f"float32: {TF32}", "--input-dtype tf32"),
    "tf32-truncating": (SINGLE(honest.tf32_truncating), f"float32: {TF32}", "--input-dtype tf32"),
    "bf16": (
        SINGLE(honest.bf16_inputs),
        "float32: as if input and weight were rounded to bfloat16",
        "--input-dtype bfloat16",
    ),
    "f16-sums": (HALF(honest.fp16_sums), "float16: as if sums were kept in float16", "--accumulate-dtype float16"),
    "bf16-sums": (SINGLE(honest.bf16_sums), "float32: as if sums were kept in bfloat16", "--accumulate-dtype bfloat16"),
    "f64-in-f32": (
        DOUBLE(honest.single),
        "float64: as if it were computed in float32",
        "--accumulate-dtype float32 --input-dtype float32",
    ),
}


@pytest.mark.parametrize("name", one_in(6, LESS))
def test_a_narrower_arithmetic_has_a_verdict_of_its_own_in_one_line(name: str) -> None:
    kernel, what, options = LESS[name]
    report = check(kernel, time_limit=None, match="real")
    assert not report.passed
    assert not report.failures
    assert not report.causes()
    assert report.headline().startswith(f"LESS PRECISE than {what}; right by that standard in the ")
    assert report.headline().endswith(f"cases that it supports. {IF_MEANT}{options}")
    assert ": LESS PRECISE (" in report.verdict()
    assert str(report) == f"{report.headline()}\n{report.verdict()}"


def test_what_is_a_little_beyond_its_bound_has_no_constant_added_to_it() -> None:
    result = run_case(SINGLE(honest.bf16_inputs), "n1-c450-o3-g1-5x4-k3-s1-p1-d1-bias-f32-real")
    assert result.outcome == Outcome.LESS_PRECISE


def test_tf32_where_channels_are_eights_alone_is_seen() -> None:
    report = check(SINGLE(honest.tf32_where_channels_are_eights), time_limit=None, match="c8- and not real")
    assert report.passed  # of whole numbers
    result = run_case(SINGLE(honest.tf32_where_channels_are_eights), "n1-c8-o3-g1-6x7-k3-s1-p1-d1-f32-real")
    assert result.outcome == Outcome.LESS_PRECISE
    assert result.standards[0] == "inputs-rounded-to-tf32"


def test_sums_of_each_type_that_are_kept_in_it_are_named_by_both() -> None:
    own, coarser = "accumulated-in-float16", "accumulated-in-bfloat16"
    half = CaseResult("n1-c8-o3-g1-6x7-k3-s1-p1-d1-f16-real", "", Outcome.LESS_PRECISE, standards=(own, coarser))
    brain = replace(half, id=half.id.replace("f16", "bf16"), standards=(coarser, own))
    found = Report("torch", "smoke", (half, brain, brain)).standards()
    assert [(standard.code, len(members)) for standard, members in found] == [(coarser, 2), (own, 1)]


# More products than bfloat16 has numbers for: 360, 288, 280 and 350 of ±1.
LONG = {
    "weight": "n1-c40-o2-g1-5x6-k3-s1-p0-d1-bf16-real",
    "weight of the input": "conv2d_input-n1-c2-o64-g2-6x5-k3-s1-p1-d1-bf16-real",
    "grad_output": "conv2d_weight-n2-c2-o6-g1-14x12-k3x2-s1-p0-d1-bf16-real",
    "grad_output of the bias": "conv2d_bias-n5-c2-o16-g2-8x11-k2-s1-p0-d1-bf16-real",
}


def in_halves(name: str, *, lost: int = 0) -> Callable[..., Array]:
    """Keep the sum of each half of the products in bfloat16, all but the last so many."""
    case = find_case(LONG[name])
    operand, axis = name.split(maxsplit=1)[0], 0 if case.op == "conv2d" else 1

    def kernel(*arguments: Any) -> Array:
        wide = {key: np.asarray(a, np.float64) for key, a in zip(case.operation.leading, arguments, strict=False)}
        place = case.operation.leading.index(operand)
        shape = list(wide[operand].shape)
        shape[axis] = 1
        number = np.arange(np.prod(shape)).reshape(shape)
        total = np.zeros(())
        for half in (0, 1):
            given = [*arguments]
            given[place] = np.where((number % 2 == half) & (number < number.size - lost), wide[operand], 0)
            total = np.asarray(total + case.operation.function(*given, dtype="float64"), case.numpy_dtype) * 1.0
        return np.asarray(total, case.numpy_dtype)

    return kernel


@pytest.mark.parametrize("name", LONG)
def test_sums_too_long_for_whole_numbers_are_looked_at_in_parts(name: str) -> None:
    pytest.importorskip("ml_dtypes")
    result = run_case(in_halves(name), LONG[name])
    assert (result.outcome, result.standards[:1]) == (Outcome.LESS_PRECISE, ("accumulated-in-bfloat16",)), str(result)


@pytest.mark.parametrize("name", LONG)
def test_one_product_that_is_lost_is_no_lesser_precision(name: str) -> None:
    pytest.importorskip("ml_dtypes")
    result = run_case(in_halves(name, lost=1), LONG[name])
    assert (result.outcome, result.standards) == (Outcome.FAILED, ()), str(result)


# Wrong kernels


@pytest.mark.parametrize("data", ["", "-uniform"])
def test_zeros_bear_the_mark_of_no_narrow_type(data: str) -> None:
    case = f"n2-c3-o8-g1-14x15-k11-s1-p0-d1-f32{data}"  # of 363 products bfloat16 has no bound, and no exact sums
    assert run_case(lambda *a: 0 * refconv.conv2d(*a), case).outcome == Outcome.FAILED


def test_small_numbers_that_are_equal_by_chance_hide_no_mistake() -> None:
    def bias_of_the_image(x: Array, w: Array, bias: Array, *rest: Any) -> Array:
        sums = refconv.conv2d(x, w, None, *rest)
        return np.asarray(sums + np.resize(bias, len(x)).reshape(-1, 1, 1, 1))

    result = run_case(bias_of_the_image, "n2-c3-o2-g1-4x9-k3x2-s1-pvalid-d1-bias-f16")
    assert (result.outcome, result.standards) == (Outcome.FAILED, ())


def test_numbers_so_large_that_each_is_a_multiple_do_not_go_round() -> None:
    result = run_case(lambda *arguments: 0 * mutants.loops(*arguments), "n1-c4-o3-g1-5x6-k3x2-s1-p0-d1-f32-overflow")
    assert result.outcome == Outcome.FAILED
    assert not [finding.code for finding in result.findings if finding.code.startswith("wraps")]


def behind(transform: Callable[[Layer], Array], wrong: Callable[[Layer], Layer]) -> Callable[..., Array]:
    """Return a kernel with a logical mistake that computes by a transform."""
    return SINGLE(lambda layer: transform(wrong(layer)))


def shifted(layer: Layer) -> Layer:
    return replace(layer, x=np.roll(layer.x, 1, axis=-1))


def last_tap_lost(layer: Layer) -> Layer:
    kernel = layer.w.copy()
    kernel[..., -1, -1] = 0
    return replace(layer, w=kernel)


def flipped(layer: Layer) -> Layer:
    return replace(layer, w=layer.w[..., ::-1, ::-1])


def one_weight_off(layer: Layer) -> Layer:
    kernel = layer.w.copy()
    kernel[:1, :1, :1, :1] += 1
    return replace(layer, w=kernel)


WRONG = {"shifted": shifted, "tap": last_tap_lost, "flipped": flipped, "weight": one_weight_off}
TRANSFORMS = {"fft": honest.fourier(np.float32), "winograd": honest.winograd2(np.float32)}


@pytest.mark.parametrize(
    "how", [{}, {"algorithm": "fft"}, {"algorithm": "winograd2"}, {"input_dtype": "tf32"}], ids=str
)
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", one_in(8, WRONG))
def test_a_logical_mistake_hides_behind_no_transform(name: str, transform: str, how: dict[str, Any]) -> None:
    for case in ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32", "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-real"):
        if how.get("algorithm", transform) != {"winograd": "winograd2"}.get(transform, transform):
            how = {"algorithm": {"winograd": "winograd2"}.get(transform, transform)}
        assert run_case(behind(TRANSFORMS[transform], WRONG[name]), case, **how).outcome == Outcome.FAILED
        right = behind(TRANSFORMS[transform], lambda layer: layer)
        assert run_case(right, case, **how).outcome.is_right or "input_dtype" in how


FFT = honest.of_types("float32", "float16")(honest.fourier(np.float32))
NOT_FINITE = ("bias-f32-nan", "bias-f32-inf", "f16-nan", "f16-inf")


@pytest.mark.parametrize("how", [{}, {"algorithm": "fft"}], ids=str)
@pytest.mark.parametrize("words", NOT_FINITE)
def test_a_transform_spreads_what_is_not_finite(words: str, how: dict[str, Any]) -> None:
    result = run_case(FFT, f"n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-{words}", **how)
    assert (result.outcome, result.comparison and result.comparison.convention) == (Outcome.BY_CONVENTION, SPREAD)


def by_fourier_where_finite(layer: Layer) -> Array:
    """Groups whose weights are finite are transformed, and the others summed."""
    sums = honest.fourier(np.float32)(replace(layer, w=np.nan_to_num(layer.w)))
    is_finite: Array = np.asarray(np.isfinite(layer.w).all(axis=(1, 2, 3)))
    return np.where(is_finite[:, np.newaxis, np.newaxis], sums, honest.single(layer))


def test_a_transform_of_what_is_finite_alone_spreads_nothing() -> None:
    result = run_case(SINGLE(by_fourier_where_finite), "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-f32-nanweight")
    assert (result.outcome, result.comparison and result.comparison.convention) == (Outcome.BY_CONVENTION, TRANSFORM)


def multiplying_by_zero(layer: Layer) -> Array:
    """Each window is a row higher than the kernel, and what is in that row is multiplied by 0."""
    x, w = (np.pad(array, ((0, 0), (0, 0), (1, 0), (0, 0))) for array in (layer.x, layer.w))
    return honest.single(replace(layer, x=x, w=w))


def filled_with_nan(layer: Layer) -> Array:
    sums = honest.single(layer)
    return sums if np.isfinite(layer.x).all() else np.full_like(sums, np.nan)


def undone_by_infinity(layer: Layer) -> Array:
    sums = honest.single(layer)
    return np.full_like(sums, np.nan) if np.isinf(layer.x).any() else sums


def off_in_one_element(layer: Layer) -> Array:
    """Beside a huge number one element is off, as by a transform; the others are not."""
    sums = filled_with_nan(layer)
    sums[0, 0, 0, 0] += 2.0**35 * (np.abs(layer.x).max() > 2.0**40)
    return sums


def one_less_where_finite(layer: Layer) -> Array:
    sums: Array = honest.fourier(np.float32)(layer) - (not np.isfinite(layer.w).all())
    return sums


def huge_is_added_everywhere(layer: Layer) -> Array:
    sums: Array = honest.fourier(np.float32)(layer) + layer.x.sum()
    return sums


def clipped(*arguments: Any) -> Array:
    return np.clip(FFT(*arguments), 0, 6)


@pytest.mark.parametrize("data", ["bias-f32-nan", "bias-f32-inf"])
def test_a_clamp_behind_a_transform_hides_no_proof(data: str) -> None:
    result = run_case(clipped, f"n1-c2-o3-g1-7x8-k3x2-s2x1-p0-d1-{data}", epilogue="relu6")
    assert (result.outcome, result.comparison and result.comparison.convention) == (Outcome.BY_CONVENTION, SPREAD)


def test_a_transform_for_float16_alone_is_seen_in_small_numbers() -> None:
    result = run_case(HALF(honest.fourier(np.float32)), "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-f16-nan")
    assert (result.outcome, result.comparison and result.comparison.convention) == (Outcome.BY_CONVENTION, SPREAD)
    assert not result.findings


@pytest.mark.parametrize("data", ["inf", "infweight"])
def test_infinity_less_infinity_is_nan(data: str) -> None:
    def in_halves(layer: Layer) -> Array:
        """Each pixel is split in a half and the rest, as two numbers of a narrower type would be."""
        half = layer.x / 2
        return honest.single(replace(layer, x=half)) + honest.single(replace(layer, x=layer.x - half, b=0 * layer.b))

    result = run_case(SINGLE(in_halves), f"n1-c2-o3-g1-5x6-k3-s1-p0-d1-f32-{data}")
    assert result.outcome == (Outcome.BY_CONVENTION if data == "inf" else Outcome.PASSED)
    assert (result.comparison and result.comparison.convention) == (LESS_INFINITY if data == "inf" else "")


def test_a_number_as_large_as_there_is_shows_where_infinity_is_read() -> None:
    def turned(layer: Layer) -> Array:
        """Infinities come out with the other sign, and so do huge numbers."""
        sums = honest.single(layer)
        return np.where(np.abs(sums) > 2.0**40, -sums, sums)

    result = run_case(SINGLE(turned), "n1-c2-o3-g1-5x6-k3-s1-p0-d1-f32-inf")
    assert result.outcome == Outcome.FAILED


def of_a_bad_weight_nothing(layer: Layer) -> Array:
    sums: Array = honest.fourier(np.float32)(layer)
    return sums if np.isfinite(layer.w).all() else np.full_like(sums, np.nan)


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (of_a_bad_weight_nothing, "nanweight"),
        (of_a_bad_weight_nothing, "infweight"),
        (multiplying_by_zero, "nan"),
        (multiplying_by_zero, "inf"),
        (filled_with_nan, "nan"),
        (off_in_one_element, "nan"),
        (undone_by_infinity, "inf"),
        (one_less_where_finite, "nanweight"),
        (huge_is_added_everywhere, "nan"),
    ],
)
def test_nothing_else_spreads_what_is_not_finite(body: Callable[[Layer], Array], data: str) -> None:
    result = run_case(SINGLE(body), f"n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-f32-{data}")
    assert result.outcome == Outcome.FAILED


@pytest.mark.parametrize(
    ("how", "outcome"), [({}, Outcome.BY_CONVENTION), ({"algorithm": "winograd2"}, Outcome.FAILED)]
)
def test_what_is_declared_is_held_to_its_own_bound(how: dict[str, Any], outcome: Outcome) -> None:
    def off(*arguments: Any) -> Array:
        """As far off as a twentieth of what a Fourier transform may be, which is more than Winograd's F(2, 3)."""
        sums = mutants.loops(*arguments)
        error = refconv.error_bound(*arguments, dtype=np.float32, algorithm="fft") / 20
        shaken: Array = (sums + error * np.where(np.arange(sums.size).reshape(sums.shape) % 2, 1, -1)).astype(
            sums.dtype
        )
        return shaken

    assert run_case(off, "n1-c2-o3-g1-7x8-k3-s1-p1-d1-f32-real", **how).outcome == outcome


SOME = ("padding_sides_swapped", "padding_axes_swapped", "dilation_ignored_along_width", "groups_interleaved_inputs",
        "bias_missing", "kernel_flipped", "last_columns_lost", "stride_ignored_and_cropped")  # fmt: skip
DECLARED: list[dict[str, Any]] = [
    {"input_dtype": "tf32"},
    {"accumulate_dtype": "float16"},
    {"algorithm": "winograd4"},
    {"algorithm": "fft"},
    {"confidence": 0.999},
    {"epilogue": "relu"},
    {"epilogue": "leaky_relu=0.1"},
]


PAIRS = [(name, how) for name in SOME for how in DECLARED]


@pytest.mark.parametrize(
    ("name", "how"),
    one_in(56, PAIRS),
    ids=str,
)
def test_a_wrong_kernel_is_wrong_whatever_is_declared(name: str, how: dict[str, Any]) -> None:
    kernel = getattr(mutants, name)

    def fused(*arguments: Any) -> Array:
        sums = kernel(*arguments)
        slope = np.asarray({"relu": 0, "leaky_relu=0.1": 0.1}.get(how.get("epilogue", ""), 1), sums.dtype)
        activated: Array = np.where(sums < 0, slope * sums, sums)
        return activated

    report = check(fused, "smoke", time_limit=None, match="f32", **how)
    assert report.headline().startswith("WRONG")


# Transforms


def test_whole_numbers_that_come_out_rounded_are_right_by_convention() -> None:
    result = run_case(SINGLE(honest.fourier(np.float32)), "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32")
    assert (result.outcome, result.comparison and result.comparison.convention) == (Outcome.BY_CONVENTION, TRANSFORM)


@pytest.mark.slow
def test_sums_so_large_that_a_transform_errs_by_a_half_are_asked_again_with_smaller_numbers() -> None:
    def coarse(*arguments: Any) -> Array:
        """A transform that loses one in 2^16 of the norm, as long tiles may."""
        sums = refconv.conv2d(*arguments)
        off = np.float32(np.linalg.norm(arguments[0]) * np.linalg.norm(arguments[1]) * 2.0**-20)
        return sums + np.where(np.arange(sums.size).reshape(sums.shape) % 2, off, -off)

    case = "n1-c64-o3-g1-9x11-k3-s1-p1-d1-f32"
    first = run_case(coarse, case)
    assert first.outcome == Outcome.BY_CONVENTION
    wrong = run_case(lambda x, *rest: coarse(np.roll(x, 1, axis=-1), *rest), case)
    assert wrong.outcome == Outcome.FAILED


# Epilogues


@pytest.mark.parametrize(
    ("text", "steps"),
    one_in(
        2,
        [
            ("relu6", lambda y: np.clip(y, 0, 6)),
            ("relu", lambda y: np.maximum(y, 0)),
            ("leaky_relu=0.125", lambda y: np.where(y < 0, y * y.dtype.type(0.125), y)),
        ],
    ),
)
def test_an_activation_that_was_not_declared_is_named(text: str, steps: Callable[[Array], Array]) -> None:
    def fused(*arguments: Any) -> Array:
        return steps(mutants.loops(*arguments))

    report = check(fused, "smoke", time_limit=None, match="f32")
    (cause,) = report.causes()
    assert cause.code == f"epilogue-{text.partition('=')[0]}"
    assert cause.reading.endswith(f"declare --epilogue {text}")
    declared = check(fused, "smoke", time_limit=None, match="f32", epilogue=text)
    assert declared.passed
    assert declared.headline().startswith(f"RIGHT as a kernel with {text} in ")


@pytest.mark.parametrize(("slope", "is_one"), [(0.875, True), (0.96875, False)])
def test_what_is_1_but_for_rounding_is_no_slope(slope: float, is_one: bool) -> None:
    def bent(*arguments: Any) -> Array:
        output = mutants.loops(*arguments)
        return np.where(output < 0, output * output.dtype.type(slope), output)

    causes = check(bent, "smoke", time_limit=None, match="k2x3 and f32").causes()
    assert any(cause.code.startswith("epilogue-") for cause in causes) == is_one


BEHIND = {
    "kernel_flipped": "kernel-flipped",
    "bias_twice": "bias-twice",
    "dilation_ignored_along_width": "dilation-ignored-along-width",
}


@pytest.mark.parametrize("epilogue", one_in(2, ["scale+shift+residual+leaky_relu=0.125", "relu6"]))
@pytest.mark.parametrize("name", one_in(3, BEHIND))
def test_a_wrong_kernel_is_named_behind_what_is_declared(name: str, epilogue: str) -> None:
    def fused(*arguments: Any, scale: Any = 1, shift: Any = 0, residual: Any = 0) -> Array:
        sums = getattr(mutants, name)(*arguments)
        steps = [np.reshape(each, (-1, 1, 1)).astype(sums.dtype) for each in (scale, shift)]
        found = (sums * steps[0] + steps[1] + residual).astype(sums.dtype)
        slope = found.dtype.type(0.125)
        after: Array = np.clip(found, 0, 6) if epilogue == "relu6" else np.where(found < 0, found * slope, found)
        return after

    report = check(fused, "smoke", time_limit=None, match="bias-f32", epilogue=epilogue)
    assert [cause.code for cause in report.causes()] == [BEHIND[name]]
    assert {result.id.endswith("-real") for result in report.failures} == {True, False}


NAN = "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-bias-f32-nan"


def test_a_nan_may_become_a_limit_and_nothing_else() -> None:
    def returned(of: Callable[[Array], Array], text: str) -> Outcome:
        return run_case(lambda *arguments: of(refconv.conv2d(*arguments)), NAN, epilogue=text).outcome

    assert returned(lambda y: np.maximum(y, 0), "relu") == "passed"  # NaN
    assert returned(lambda y: np.fmax(y, 0), "relu") == "passed"  # the limit
    assert returned(lambda y: np.where(np.isnan(y), np.inf, np.maximum(y, 0)).astype(y.dtype), "relu") == "failed"
    assert returned(lambda y: np.fmin(np.fmax(y, 0), 6), "relu6") == "passed"
    assert returned(lambda y: np.fmax(np.fmin(y, 6), 0), "relu6") == "passed"  # the other one
    assert returned(lambda y: np.where(np.isnan(y), 3, np.clip(y, 0, 6)).astype(y.dtype), "relu6") == "failed"
    assert returned(lambda y: np.fmin(np.fmax(y, -0.1), 0.3), "clamp=-0.1,0.3") == "passed"  # rounded to float32
    assert (
        run_case(lambda *arguments: np.maximum(mutants.nan_lost(*arguments), 0), NAN, epilogue="relu").outcome
        == "failed"
    )


def test_what_is_declared_needs_not_be_linear_and_has_no_taps_to_be_traced() -> None:
    def fused(*arguments: Any) -> Array:
        sums: Array = np.maximum(mutants.loops(*arguments), 0)
        wrong: Array = sums + np.arange(sums.size, dtype=sums.dtype).reshape(sums.shape) % 5
        return wrong

    (cause, *_) = check(fused, "smoke", time_limit=None, match="k3 and f32", epilogue="relu").causes()
    assert cause.code not in {"non-linear", "traced-right"}


def test_complex_numbers_have_no_activation_and_no_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run_case(lambda *arguments: refconv.conv2d(*arguments) + 1, "n1-c3-o4-g1-6x8-k3-s1-p1-d1-c64")
    assert (result.outcome, caught) == (Outcome.FAILED, [])


@pytest.mark.slow
def test_the_numbers_of_the_steps_are_given_by_name() -> None:
    def fused(*arguments: Any, scale: Array, shift: Array, residual: Array) -> Array:
        sums = mutants.loops(*arguments)
        each = scale.reshape(-1, 1, 1), shift.reshape(-1, 1, 1)
        activated: Array = np.maximum(sums * each[0] + each[1] + residual, 0)
        return activated

    for match in ("f32", "f32-real"):
        assert check(
            fused,
            "smoke" if match == "f32" else "core",
            time_limit=None,
            match=match,
            epilogue="scale+shift+residual+relu",
        ).passed

    def forgets(*arguments: Any, scale: Array, shift: Array, residual: Array) -> Array:
        return fused(*arguments, scale=scale, shift=0 * shift, residual=residual)

    assert not check(forgets, "smoke", time_limit=None, match="f32", epilogue="scale+shift+residual+relu").passed


def test_a_type_that_an_epilogue_is_not_for_is_unsupported() -> None:
    result = run_case(mutants.loops, "n1-c2-o3-g1-5x6-k3-s1-p1-d1-c64", epilogue="relu")
    assert (result.outcome, result.detail) == (
        Outcome.UNSUPPORTED,
        "epilogue='relu' is for real numbers, not complex64",
    )


# The way out


@pytest.mark.slow
def test_a_tolerance_is_a_way_out_of_exact_cases_too_and_is_said() -> None:
    def off(*arguments: Any) -> Array:
        return mutants.loops(*arguments) * np.float32(1 + 2.0**-9)

    assert not check(off, "smoke", time_limit=None, match="f32").passed
    report = check(off, "smoke", time_limit=None, match="f32", rtol=0.01, atol=0.001)
    assert report.passed
    assert report.headline().startswith("RIGHT with rtol=0.01, atol=0.001 in ")
    assert not check(off, "smoke", time_limit=None, match="f32", rtol=0.001).passed


# Suspects


def long_sum(*arguments: Any) -> Array:
    """TF32 where 2,304 products are added up, which the proven bound does not see."""
    return np.asarray(SINGLE(honest.tf32)(*arguments))


def test_what_is_far_outside_of_random_rounding_is_suspect_and_fails_where_strict() -> None:
    case = "n1-c512-o2-g1-6x7-k3-s1-p1-d1-f32-real"
    result = run_case(long_sum, case)
    assert result.comparison is not None
    assert result.outcome == Outcome.PASSED
    assert result.comparison.is_suspect
    assert TF32 in result.comparison.resembles
    honest_one = run_case(SINGLE(honest.split_k), case)
    assert honest_one.comparison is not None
    assert honest_one.comparison.surprise < 1


def test_sums_of_bfloat16_look_like_those_though_each_is_a_number_of_float16_too() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, dtype=np.float32) for shape in ((1, 256, 5, 6), (3, 256, 3, 2)))
    actual = SINGLE(honest.bf16_sums)(x, w, None, (1, 1), (0, 0), (1, 1), 1)
    assert compare_conv2d(actual, x, w).resembles.startswith("as if sums were kept in bfloat16")
