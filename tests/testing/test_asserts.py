from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.testing import SuspectWarning, assert_conv2d_matches, assert_result_matches

IMAGE = np.ones((1, 4, 5, 6), np.float32)
KERNEL = np.ones((2, 2, 2, 3), np.float32)
BIAS = np.ones(2, np.float32)
LINE, TAPS, TALL = np.ones((3, 7), np.float32), np.ones((2, 3, 3), np.float32), np.ones((4, 1, 2, 3), np.float32)


def test_the_truth_passes_in_silence() -> None:
    assert_conv2d_matches(refconv.conv2d(IMAGE, KERNEL, groups=2), IMAGE, KERNEL, groups=2)


def test_the_full_message() -> None:
    actual = refconv.conv2d(IMAGE, KERNEL, BIAS, (2, 1), ((1, 0), (2, 1)), (1, 2), 2)
    actual[0, 1, 2, 3] += 0.5
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(actual, IMAGE, KERNEL, BIAS, (2, 1), ((1, 0), (2, 1)), (1, 2), 2)
    # 2·2·3 products and the bias, all 1, inside the image: 13, ± 13·13·2^-24
    assert str(caught.value) == (
        "1 of 30 elements wrong; the worst is [0, 1, 2, 3]\n"
        "got  13.5\n"
        "want 13.0\n"
        "error 0.5, 4.96e+04 × its bound 1e-05\n"
        "where: it is wrong in channel 1, row 2, column 3\n"
        "  input (1, 4, 5, 6) float32, weight (2, 2, 2, 3) float32, bias (2,) float32\n"
        "  stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2"
    )


def test_the_message_of_a_wrong_shape() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(np.zeros(3), IMAGE.tolist(), KERNEL.tolist(), padding="same", groups=2)
    assert str(caught.value) == (
        "shape (3,), where (1, 2, 5, 6) was expected\n"
        "  input (1, 4, 5, 6) float64, weight (2, 2, 2, 3) float64, no bias\n"
        "  stride=1, padding='same', dilation=1, groups=2"
    )


def test_the_message_says_why() -> None:
    image = np.arange(2 * 4 * 7 * 8, dtype=np.float32).reshape(2, 4, 7, 8) % 23
    kernel = np.arange(6 * 2 * 3 * 2, dtype=np.float32).reshape(6, 2, 3, 2) % 7
    actual = refconv.conv2d(image, kernel, stride=(1, 2), padding=(2, 0), dilation=(2, 1), groups=2)
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(actual, image, kernel, stride=(1, 2), padding=(2, 0), dilation=(2, 3), groups=2)
    assert str(caught.value).startswith(
        "shape (2, 6, 7, 4), where (2, 6, 7, 3) was expected\nwhy: dilation-ignored-along-width: "
    )
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(actual[..., :3], image, kernel, stride=(1, 2), padding=(2, 0), dilation=(2, 3), groups=2)
    lines = str(caught.value).splitlines()
    assert lines[4:7] == [
        "why: dilation-ignored-along-width: the dilation is ignored along the width (explains 252 of 252 wrong elements)",
        "  should be: h = S·p + D·i − T, not S·p + i − T",
        "  input (2, 4, 7, 8) float32, weight (6, 2, 3, 2) float32, no bias",
    ]
    assert len(lines) == 8


def test_a_part_that_is_wrong_is_located_and_explained() -> None:
    actual = refconv.conv2d(IMAGE, KERNEL, BIAS, groups=2)
    actual[:, 1] = 0
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(actual, IMAGE, KERNEL, BIAS, groups=2)
    assert str(caught.value).splitlines()[4:6] == [
        "where: it is wrong in the last group, from channel 1 on",
        "why: channels-last-group-zero: it is wrong in the last group, from channel 1 on: zeros stand there (explains 16 of 16 wrong elements)",
    ]


def test_a_right_output_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("it costs time")

    monkeypatch.setattr("refconv.testing.asserts.causes_of", explain)
    monkeypatch.setattr("refconv.testing.asserts.whereabouts", explain)
    assert_conv2d_matches(refconv.conv2d(IMAGE, KERNEL, groups=2), IMAGE, KERNEL, groups=2)


def test_what_cannot_be_explained_is_wrong_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(*arguments: Any, **options: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("refconv.testing.asserts.causes_of", explain)
    with pytest.raises(AssertionError, match=r"^16 of 16|^32 of 32 elements wrong"):
        assert_conv2d_matches(refconv.conv2d(IMAGE, KERNEL, groups=2) + 1, IMAGE, KERNEL, groups=2)


def test_a_padding_mode_is_named() -> None:
    with pytest.raises(AssertionError, match=r"groups=2, padding_mode='circular'$"):
        assert_conv2d_matches(None, IMAGE, KERNEL, groups=2, padding=1, padding_mode="circular")


def test_a_padding_mode_is_used() -> None:
    actual = refconv.conv2d(IMAGE, KERNEL, padding=1, groups=2, padding_mode="circular")
    assert_conv2d_matches(actual, IMAGE, KERNEL, padding=1, groups=2, padding_mode="circular")
    with pytest.raises(AssertionError, match="elements wrong"):
        assert_conv2d_matches(actual, IMAGE, KERNEL, padding=1, groups=2)


def test_a_type_is_used() -> None:
    wide = refconv.conv2d(IMAGE, KERNEL, groups=2, dtype=np.float64)
    assert_conv2d_matches(wide, IMAGE, KERNEL, groups=2, dtype=np.float64)
    with pytest.raises(AssertionError, match="dtype float64, where float32 was expected"):
        assert_conv2d_matches(wide, IMAGE, KERNEL, groups=2)


@pytest.mark.parametrize(
    "changed",
    [
        {"bias": BIAS + 1},
        {"stride": (2, 1)},
        {"stride": (1, 2)},
        {"padding": (1, 0)},
        {"dilation": (2, 1)},
        {"dilation": (1, 2)},
        {"groups": 1, "weight": np.ones((2, 4, 2, 3), np.float32)},
        {"input": 2 * IMAGE},
        {"weight": 2 * KERNEL},
    ],
    ids=lambda changed: "-".join(
        f"{name}={np.ravel(value)[0]}{np.ravel(value)[-1]}" for name, value in changed.items()
    ),
)
def test_every_argument_counts(changed: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"input": IMAGE, "weight": KERNEL, "bias": BIAS, "groups": 2}
    actual = refconv.conv2d(**arguments)
    assert_conv2d_matches(actual, **arguments)
    with pytest.raises(AssertionError):
        assert_conv2d_matches(actual, **(arguments | changed))
    assert_conv2d_matches(refconv.conv2d(**(arguments | changed)), **(arguments | changed))


def test_every_default_counts() -> None:
    image, kernel = np.arange(25.0).reshape(1, 1, 5, 5), np.ones((1, 1, 2, 2))
    assert_conv2d_matches(refconv.conv2d(image, kernel, None, 1, 0, 1, 1), image, kernel)


HOW: dict[str, tuple[float, Any, Any]] = {
    # of 27 products, added up in float16; of a third, cut off after 8 digits; of 16 times as many roundings as 81
    "accumulate_dtype": (27.25, np.ones((1, 3, 3, 3), np.float32), "float16"),
    "input_dtype": (0.33203125, np.full((1, 1, 1, 1), 1 / 3, np.float32), "bfloat16"),
    "algorithm": (9 + 2.0**-15, np.ones((1, 1, 3, 3), np.float32), "winograd2"),
}


@pytest.mark.parametrize("name", HOW)
def test_how_a_kernel_works_is_passed_on(name: str) -> None:
    number, image, value = HOW[name]
    actual, kernel = np.full((1, 1, 1, 1), number, np.float32), np.ones_like(image)
    with pytest.raises(AssertionError, match="1 of 1 elements wrong"):
        assert_conv2d_matches(actual, image, kernel)
    options: dict[str, Any] = {name: value}
    assert_conv2d_matches(actual, image, kernel, **options)


def test_a_confidence_is_passed_on() -> None:
    image, actual = np.ones((1, 100, 10, 10), np.float32), np.full((1, 1, 1, 1), 10_001, np.float32)
    with pytest.warns(SuspectWarning, match="times what random rounding gives"):
        assert_conv2d_matches(actual, image, image)
    with pytest.raises(AssertionError, match=r"^all 1 elements agree; .*; suspect: "):
        assert_conv2d_matches(actual, image, image, strict=True)
    with pytest.raises(AssertionError, match="1 of 1 elements wrong"):
        assert_conv2d_matches(actual, image, image, confidence=0.99)


def test_operands_of_a_framework_are_described_as_numpy_sees_them() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    image, kernel = torch.ones(1, 1, 2, 2, requires_grad=True), torch.ones(1, 1, 1, 1)
    assert_conv2d_matches(image, image, kernel)
    with pytest.raises(AssertionError, match=r"input \(1, 1, 2, 2\) float32, weight \(1, 1, 1, 1\) float32, no bias"):
        assert_conv2d_matches(2 * image, image, kernel)


def test_misuse_is_not_a_mismatch() -> None:
    with pytest.raises(ValueError, match="groups=3 must divide both input channels C=4"):
        assert_conv2d_matches(np.zeros(1), IMAGE, KERNEL, groups=3)
    with pytest.raises(TypeError, match=r"stride=1\.5 must be an int"):
        assert_conv2d_matches(np.zeros(1), IMAGE, KERNEL, stride=1.5, groups=2)  # type: ignore[arg-type]


def test_garbage_is_a_mismatch() -> None:
    with pytest.raises(AssertionError, match=r"^TypeError: the result has dtype <U4; it must be a number type"):
        assert_conv2d_matches("text", IMAGE, KERNEL, groups=2)


def test_pytest_hides_the_frame_of_the_assert() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_conv2d_matches(None, IMAGE, KERNEL, groups=2)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_code.co_name == "assert_conv2d_matches"
    assert frames[-1].f_locals["__tracebackhide__"] is True


def test_the_truth_of_any_operation_passes_in_silence() -> None:
    assert_result_matches(refconv.conv1d(LINE, TAPS, stride=2), refconv.conv1d, LINE, TAPS, stride=2)
    assert_result_matches(refconv.conv_transpose2d(IMAGE, TALL), refconv.conv_transpose2d, IMAGE, TALL)
    arriving = np.ones((1, 2, 4, 4), np.float32)
    gradient = refconv.grad.conv2d_weight(IMAGE, KERNEL.shape, arriving, groups=2)
    assert_result_matches(gradient, refconv.grad.conv2d_weight, IMAGE, KERNEL.shape, arriving, groups=2)


def test_the_full_message_of_any_operation() -> None:
    arguments: tuple[Any, ...] = (LINE, TAPS, np.ones(2, np.float32), 2, 1)
    actual = refconv.conv1d(*arguments)
    actual[1, 2] += 0.5
    with pytest.raises(AssertionError) as caught:
        assert_result_matches(actual, refconv.conv1d, *arguments)
    lines = str(caught.value).splitlines()
    assert lines[:3] == ["1 of 8 elements wrong; the worst is [1, 2]", "got  10.5", "want 10.0"]
    assert lines[-2:] == [
        "  conv1d: input (3, 7) float32, weight (2, 3, 3) float32, bias (2,) float32",
        "  stride=2, padding=1",
    ]


@pytest.mark.parametrize(
    ("function", "arguments", "described"),
    [
        (
            refconv.conv1d,
            (np.ones((3, 7)), np.ones((2, 3, 3))),
            "input (3, 7) float64, weight (2, 3, 3) float64, no bias",
        ),
        (
            refconv.grad.conv2d_input,
            ((1, 3, 4), np.ones((2, 1, 2, 2)), np.ones((2, 2, 3))),
            "weight (2, 1, 2, 2) float64, grad_output (2, 2, 3) float64\n  input_size=(1, 3, 4)",
        ),
        (refconv.grad.conv2d_bias, (np.ones((2, 3, 4)),), "grad_output (2, 3, 4) float64"),
    ],
    ids=["conv1d", "conv2d_input", "conv2d_bias"],
)
def test_operands_are_described_as_the_operation_has_them(function: Any, arguments: Any, described: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_result_matches(None, function, *arguments)
    assert str(caught.value) == f"None was returned\n  {function.__name__}: {described}"


@pytest.mark.parametrize(
    ("types", "passes"),
    [
        ({}, False),
        ({"dtype": np.float16}, False),
        ({"accumulate_dtype": "float16"}, True),
    ],
    ids=str,
)
def test_how_an_implementation_of_any_operation_works_counts(types: dict[str, Any], passes: bool) -> None:
    # 3·7 products of 1·1 and more in float16 would be off by 2^-11 each
    signal, taps = np.full((1, 7, 3), 1.0, np.float32), np.full((1, 7, 3), 1.0, np.float32)
    actual = refconv.conv1d(signal, taps) * np.float32(1 + 2.0**-9)
    if passes:
        assert_result_matches(actual, refconv.conv1d, signal, taps, **types)
    else:
        with pytest.raises(AssertionError):
            assert_result_matches(actual, refconv.conv1d, signal, taps, **types)


def test_an_operations_inputs_may_be_rounded_first_and_its_bound_hold_with_a_confidence() -> None:
    third, one = np.full((1, 1, 1), 1 / 3, np.float32), np.ones((1, 1, 1), np.float32)
    rounded = np.full((1, 1, 1), 0.33325195, np.float32)  # to TF32
    assert_result_matches(rounded, refconv.conv1d, third, one, input_dtype="tf32")
    with pytest.raises(AssertionError):
        assert_result_matches(rounded, refconv.conv1d, third, one)
    long, ones = np.full((1, 4000, 1), 1.1, np.float32), np.ones((1, 4000, 1), np.float32)
    near_the_worst = refconv.conv1d(long, ones) * np.float32(1 + 3000 * 2.0**-24)
    with pytest.warns(SuspectWarning, match="suspect"):
        assert_result_matches(near_the_worst, refconv.conv1d, long, ones)
    with pytest.raises(AssertionError):
        assert_result_matches(near_the_worst, refconv.conv1d, long, ones, confidence=0.9)


def test_misuse_of_any_operation_is_not_a_mismatch() -> None:
    with pytest.raises(TypeError, match=r"^function=.* must be one of conv1d, "):
        assert_result_matches(0, refconv.im2col, IMAGE, 2)
    with pytest.raises(ValueError, match=r"^groups=3 must divide"):
        assert_result_matches(0, refconv.conv1d, LINE, TAPS, groups=3)
    with pytest.raises(TypeError, match="missing a required argument: 'weight'"):
        assert_result_matches(0, refconv.conv1d, LINE)


def test_pytest_hides_the_frame_of_the_assert_of_any_operation() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_result_matches(None, refconv.conv1d, LINE, TAPS)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_code.co_name == "assert_result_matches"
    assert frames[-1].f_locals["__tracebackhide__"] is True


def test_right_numbers_of_another_type_have_no_place() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_result_matches(refconv.conv1d(LINE, TAPS).astype(np.float64), refconv.conv1d, LINE, TAPS)
    assert "where:" not in str(caught.value)
    assert "why: wrong-dtype: the numbers are right, but of type float64" in str(caught.value)


def test_a_warning_stands_at_the_line_that_asserts() -> None:
    image, actual = np.ones((1, 100, 10, 10), np.float32), np.full((1, 1, 1, 1), 10_001, np.float32)
    asserts: list[Any] = [
        lambda: assert_conv2d_matches(actual, image, image),
        lambda: assert_result_matches(actual, refconv.conv2d, image, image),
    ]
    for asserted in asserts:
        with pytest.warns(SuspectWarning) as caught:
            asserted()
        line = asserted.__code__.co_firstlineno  # of the lambda, not of what calls it
        assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line)]
