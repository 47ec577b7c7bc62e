from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from eight_bit_kernels import kernel_of
from sampled import one_in

import refconv
from refconv.operations import Call
from refconv.testing import check, diagnose_result, find_case, run_case
from refconv.testing.diagnosis.eight_bits import EIGHT_BITS, EightBits
from refconv.testing.diagnosis.right_reading import reading_of

BOTH = {
    "padded with 0": "padded-with-zero",
    "no Z_x": "input-zero-point-forgotten",
    "no Z_w": "weight-zero-point-forgotten",
    "pairs": "pairs-saturate-in-16-bits",
}
SCALED = {
    "wraps": "wraps-for-saturation",
    "one scale": "scale-of-first-channel",
    "cut off": "rounds-toward-zero",
    "down": "rounds-down",
    "no Z_y": "output-zero-point-forgotten",
    "relu at Z_y": "clamped-at-the-zero-point",
    "relu at 0": "clamped-at-zero",
    "bias late": "bias-in-units-of-the-output",
}
PADDED = "n1-c2-o3-g1-5x6-k2x3-s1-p1x2-d1-u8"


@pytest.mark.parametrize("op", ["conv2d_integer", "conv2d_quantized"])
def test_a_right_kernel_is_right(op: str) -> None:
    report = check(kernel_of(op), "core", op=op, match="p1x0", time_limit=None)
    assert report.passed
    assert report.counts()["passed"] > 10


@pytest.mark.parametrize(
    ("op", "wrong", "code"),
    one_in(
        14,
        [
            *(("conv2d_integer", wrong, code) for wrong, code in BOTH.items()),
            *(("conv2d_quantized", wrong, code) for wrong, code in (SCALED | {"pairs": BOTH["pairs"]}).items()),
        ],
    ),
)
def test_a_mistake_is_named_wherever_it_shows(op: str, wrong: str, code: str) -> None:
    report = check(kernel_of(op, wrong), "core", op=op, match="7x9-k2x3-s2x1-p1x0-d1x2", time_limit=None)
    assert [cause.code for cause in report.causes()] == [code]
    assert len(report.failures) > 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("half up", "rounded once, half up"),
        ("half away", "away from zero"),
        ("Z_y first", "zero point is added before"),
    ],
)
def test_a_dialect_of_rounding_is_a_convention(wrong: str, words: str) -> None:
    report = check(kernel_of("conv2d_quantized", wrong), "core", op="conv2d_quantized", match="ties", time_limit=None)
    conventions = {result.comparison.convention for result in report.results if result.comparison} - {""}
    assert report.passed
    assert any(words in convention for convention in conventions)


def test_a_product_in_float32_is_no_failure() -> None:
    assert check(kernel_of("conv2d_quantized", "float32"), "core", op="conv2d_quantized", time_limit=None).passed


def test_other_numbers_than_either_neighbour_of_a_tie_are_wrong() -> None:
    case = find_case("conv2d_quantized-n1-c3-o4-g1-8x10-k1-s1-p0-d1-bias-i8-ties")
    right = case.call()()
    for more in (-1, 1):
        moved = np.clip(right.astype(int) + more, -128, 127).astype(np.int8)
        assert not case.check(moved).passed


def test_two_dialects_of_tensorflow_lite_are_told_apart() -> None:
    case = find_case("conv2d_quantized-n1-c3-o4-g1-8x10-k1-s1-p0-d1-bias-i8-ties")
    found = {}
    for rounding in ("tflite", "tflite_single"):
        found[rounding] = case.check(case.call()(rounding=rounding)).convention
    assert "rounded twice" in found["tflite"]
    assert "rounded once" in found["tflite_single"]


def test_a_mistake_of_any_convolution_is_named_as_well() -> None:
    def flipped(x: np.ndarray, w: np.ndarray, *rest: object) -> np.ndarray:
        return refconv.quantized.conv2d_integer(x, w[:, :, ::-1, ::-1], *rest)  # type: ignore[arg-type]

    result = run_case(flipped, f"conv2d_integer-{PADDED}")
    assert result.findings[0].code == "kernel-flipped"


def test_what_pairs_are_short_of_by_hand() -> None:
    # 255·127 + 255·127 = 64770 saturates at 32767; with Z_x = 3 in the padding the first output has one such product
    call = Call.of(
        refconv.quantized.conv1d_integer,
        np.array([[[255, 255, 255]]], np.uint8),
        np.full((1, 1, 2), 127, np.int8),
        3,
        padding=1,
    )
    reading = reading_of(call)
    assert isinstance(reading, EightBits)
    assert reading.values(reading.everywhere()).tolist() == [252 * 127, 504 * 127, 504 * 127, 252 * 127]
    wrong = next(mistake for mistake in EIGHT_BITS if mistake.code == "pairs-saturate-in-16-bits").change(reading)
    assert isinstance(wrong, EightBits)
    assert wrong.values(wrong.everywhere()).tolist() == [32766 - 762, 32767 - 762, 32767 - 762, 32766 - 762]


def test_the_right_reading_is_the_truth_for_every_arithmetic() -> None:
    for name in (
        "conv2d_integer-" + PADDED,
        "conv2d_quantized-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-i8-channelzero",
    ):
        call = find_case(name).call()
        reading = reading_of(call)
        assert np.array_equal(reading.values(reading.everywhere()), call().reshape(-1))


def test_a_bias_in_real_numbers_is_named_from_the_arrays() -> None:
    x, w = np.arange(-9, 9, dtype=np.int8).reshape(1, 2, 3, 3), np.array([3, -2], np.int8).reshape(1, 2, 1, 1)
    arguments = (x, 0.25, -1, w, 0.5, 0, 0.125, 4)
    bias = np.array([2], np.int32)
    exact = refconv.quantized.conv2d_integer(x, w, -1)[0, 0].ravel().tolist()
    wrong = [max(-128, min(127, round((Fraction(s, 8) + 2) * 8) + 4)) for s in exact]
    actual = np.array(wrong, np.int8).reshape(1, 1, 3, 3)
    assert diagnose_result(actual, refconv.quantized.conv2d_quantized, *arguments, bias)[0].code == "bias-not-scaled"


def test_one_scale_of_the_weight_is_that_of_every_channel() -> None:
    x, w = np.arange(9, dtype=np.int8).reshape(1, 1, 3, 3), np.array([1, 2, 3], np.int8).reshape(3, 1, 1, 1)
    arguments = (x, 0.5, 0, w, 0.5, 0, 1.0, 2)
    wrong = refconv.quantized.conv2d_quantized(*arguments) - np.int8(2)
    found = diagnose_result(wrong, refconv.quantized.conv2d_quantized, *arguments)
    assert [finding.code for finding in found] == ["output-zero-point-forgotten"]
