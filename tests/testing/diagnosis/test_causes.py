"""Explaining a target's failures, and grouping them; how a target behaves when it is called again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from refconv import conv2d
from refconv.testing import Finding, check, find_case
from refconv.testing.diagnosis.apart import separating_case
from refconv.testing.diagnosis.behaviour import behaviour_findings
from refconv.testing.diagnosis.causes import examined, shared_causes
from refconv.testing.diagnosis.causes import explained as causes_of_case
from refconv.testing.diagnosis.diagnose import diagnose, with_separating_case
from refconv.testing.diagnosis.mistake_tables import CONV2D
from refconv.testing.diagnosis.right_reading import reading_of

DEFAULT = find_case("n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")
REAL = find_case("n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32-real")
BOTH_DILATED = find_case("n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32")


def explained(target: Callable[..., Any], *cases: Any) -> list[list[str]]:
    """Return the codes of what explains each case, from what is returned alone."""
    called = [(case, case.called(target, case.operands())) for case in cases or (DEFAULT,)]
    return [[finding.code for finding in causes_of_case(case, actual)] for case, actual in called]


def seen(target: Callable[..., Any], case: Any = DEFAULT) -> list[str]:
    """Return the codes of what is seen when a target is called again."""
    return [finding.code for finding in examined(target, case)]


def clip(*arguments: Any) -> Any:
    return np.clip(conv2d(*arguments), -2000, 2000)


def test_a_mistake_is_found_and_narrowed_by_the_next_case() -> None:
    def target(x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, g: Any) -> Any:
        rows, columns = conv2d(x, w, b, s, p, d, g).shape[2:]
        return conv2d(x, w, b, s, p, (d[0], d[0]), g)[:, :, :rows, :columns]

    first, second = explained(target, DEFAULT, BOTH_DILATED)
    assert first[:3] == ["dilation-ignored", "dilation-first-for-both", "dilation-one-too-small"]
    assert "dilation-first-for-both" in second
    assert "dilation-ignored" not in second


CALLS = itertools.count()

BEHAVIOURS: dict[str, Callable[..., Any]] = {
    "non-linear": clip,
    "random": lambda *a: conv2d(*a) + np.random.default_rng().integers(1, 99, conv2d(*a).shape).astype(a[0].dtype),
    "mutates-inputs": lambda x, *a: [conv2d(x, *a) + np.arange(1, 6, dtype=x.dtype), np.negative(x, out=x)][0],
    "stateful": lambda *a: conv2d(*a) + np.asarray(next(CALLS) % 2 * 7 + 1, a[0].dtype),
}


@pytest.mark.parametrize("code", BEHAVIOURS)
def test_a_target_that_is_no_convolution_is_said_to_be_so(code: str) -> None:
    cases = (DEFAULT,) if code == "non-linear" else (DEFAULT, REAL)  # whose numbers it clips
    assert [seen(BEHAVIOURS[code], case) for case in cases] == [[code]] * len(cases)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (lambda x, *_: abs(x), "it is non-linear in the input: f(−x) is not −f(x)"),
        (lambda x, *_: x**3, "it is non-linear in the input: f(2·x) is not 2·f(x)"),
        (lambda x, *_: x * abs(x).max(), "it is non-linear in the input: f(2·x) is not 2·f(x)"),
        (
            lambda x, *_: x * (abs(x) / abs(x).max() > 0.5),
            "it is non-linear in the input: f(x + y) is not f(x) + f(y)",
        ),
    ],
    ids=["absolute", "cubed", "scaled", "thresholded"],
)
def test_the_law_that_fails_is_named(target: Callable[..., Any], sentence: str) -> None:
    image = np.arange(1.0, 25).reshape(1, 1, 4, 6)
    if "f(x + y)" in sentence:
        image[..., 1::2] /= 100
    operands = {"input": image, "weight": np.ones((1, 1, 2, 2))}
    (finding,) = behaviour_findings(lambda given: target(*given.values()), operands)
    assert (finding.code, finding.sentence) == ("non-linear", sentence)


def test_what_makes_zeros_of_the_smaller_numbers_is_seen_where_the_larger_are_left_out() -> None:
    def target(given: dict[str, Any]) -> Any:
        size = abs(given["input"])
        return given["input"] * (size > size.max() / 2)

    (finding,) = behaviour_findings(target, {"input": np.array([1.0, 10, 1, 10]), "weight": np.ones(1)})
    assert finding.sentence == "it is non-linear in the input: f(x + y) is not f(x) + f(y)"


def test_what_does_not_make_zeros_of_zeros_adds_a_constant() -> None:
    operands = {"input": np.arange(1.0, 9), "weight": np.ones(1), "bias": np.ones(1)}
    (finding,) = behaviour_findings(lambda given: given["input"] ** 2 + given.get("bias", 0) + 1e-9, operands)
    assert finding.code == "constant-added"
    (other,) = behaviour_findings(lambda given: given["input"] ** 2 + given.get("bias", 0), operands)
    assert other.code == "non-linear"


def test_what_is_seen_of_one_case_is_no_cause_of_others() -> None:
    (finding,) = examined(BEHAVIOURS["random"], DEFAULT)
    assert finding.is_traced


@pytest.mark.parametrize("name", ["weight", "grad_output", "bias"])
def test_the_argument_that_is_written_to_is_named(name: str) -> None:
    def call(operands: dict[str, Any]) -> Any:
        operands[name][...] += 1
        return operands["weight"]

    operands = {"weight": np.ones((1, 1, 1, 1)), "grad_output": np.ones((1, 1, 2, 2)), "bias": np.ones(1)}
    (finding,) = behaviour_findings(call, operands)
    assert finding.sentence == f"it mutates its inputs: it writes to the {name}"


def test_a_convolution_behaves() -> None:
    def call(operands: dict[str, Any]) -> Any:
        return conv2d(**operands, **DEFAULT.kwargs())

    for case in (DEFAULT, REAL):
        assert behaviour_findings(call, case.operands()) == []
    with_nan = DEFAULT.operands()
    with_nan["input"][0, 0, 0, 0] = np.nan
    assert behaviour_findings(call, with_nan) == []


def test_linearity_is_asked_of_the_first_factor_without_a_bias() -> None:
    def call(operands: dict[str, Any]) -> Any:
        return np.abs(operands["weight"]) * operands["grad_output"] + operands.get("bias", 0)

    operands = {"weight": np.arange(1.0, 5), "grad_output": np.arange(2.0, 6), "bias": np.ones(4)}
    (finding,) = behaviour_findings(call, operands)
    assert finding.sentence == "it is non-linear in the weight: f(−x) is not −f(x)"
    swapped = {name: operands[name] for name in ("grad_output", "weight", "bias")}
    assert behaviour_findings(call, swapped) == []


def test_results_that_are_none_at_all() -> None:
    assert explained(lambda *_: None) == [["none-returned"]]
    assert explained(lambda *_: "text") == [[]]
    assert explained(lambda *a: conv2d(*a).astype(np.float64)) == [["wrong-dtype"]]
    assert explained(lambda *a: conv2d(*a)[:, :, :-1]) == [["wrong-shape"]]
    assert explained(lambda *a: conv2d(*a) * np.float32(0))[0][0] == "all-zero"
    assert explained(lambda *a: conv2d(*a) * np.float32(np.nan))[0][0] == "all-nan"


def test_exact_data_that_come_out_rounded() -> None:
    def target(*arguments: Any) -> Any:
        return conv2d(*arguments) * (1 + np.float32(2**-23))

    assert explained(target) == [["inexact-sums"]]

    def in_the_last_columns(*arguments: Any) -> Any:
        result = conv2d(*arguments)
        result[..., -1] *= 1 + np.float32(2**-23)
        return result

    assert explained(in_the_last_columns) == [["inexact-sums"]]  # where is no matter then


def test_all_mistakes_of_a_code_are_looked_for() -> None:
    """Of a reduction whose tail is lost there is a mistake for each tile, 2 first, and all have one code."""

    def tail_of_eight_lost(x: Any, w: Any, *rest: Any) -> Any:
        return conv2d(x, np.where(np.arange(w.shape[1])[:, np.newaxis, np.newaxis] < w.shape[1] // 8 * 8, w, 0), *rest)

    first, second = (find_case(f"n1-c{c}-o2-g1-5x6-k2x3-s1-p0-d1-f32") for c in (11, 13))
    assert explained(tail_of_eight_lost, first) == [["input-channel-tail-lost"] * 2]  # 8 of 11, of a tile of 4 or of 8
    (cause,) = check(tail_of_eight_lost, cases=[first, second], time_limit=None).causes()
    assert "beyond the last whole 8" in cause.sentence


def test_a_case_that_is_not_searched_is_compared_with_no_mistake_and_still_located() -> None:
    briefly = replace(DEFAULT, is_searched=False)
    assert explained(lambda x, w, *a: conv2d(x, w[..., ::-1], *a), briefly) == [[]]
    assert explained(lambda *a: conv2d(*a) * np.float32(0), briefly)[0][0] == "all-zero"


def test_what_a_target_raises_when_it_is_called_again_says_nothing() -> None:
    def target(*arguments: Any) -> Any:
        raise ZeroDivisionError

    assert seen(target) == []


def test_a_target_that_is_right_when_it_is_called_again_is_stateful() -> None:
    assert seen(conv2d) == ["stateful"]


def test_what_addresses_wrongly_in_no_named_way_is_traced() -> None:
    def target(x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, g: Any) -> Any:
        output = conv2d(x, w, b, s, p, d, g)
        mixed = conv2d(np.roll(x, 1, axis=1), w, b, s, p, d, g)
        return output + mixed - conv2d(0 * x, w, b, s, p, d, g)

    assert explained(target) == [[]]
    assert seen(target) == ["traced-several"]


A, B, C = (Finding(code, code) for code in "abc")


def test_of_a_result_without_pixels_no_tap_is_said() -> None:
    def empty(*arguments: Any) -> Any:
        return conv2d(*arguments)[:, :, :0]

    case = find_case("n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32")
    assert seen(empty, case) == []
    assert explained(empty, case) == [["wrong-shape"]]


def test_failures_share_the_fewest_causes() -> None:
    groups = shared_causes([[A, B], [B, C], [B], [], [C]])
    assert groups == [(B, [0, 1, 2]), (C, [4]), (None, [3])]
    assert shared_causes([]) == []
    assert shared_causes([[A, B], [A, B]]) == [(A, [0, 1])]
    assert shared_causes([[], []]) == [(None, [0, 1])]


def test_the_separating_case_separates() -> None:
    image, kernel, bias = DEFAULT.arrays()
    actual = conv2d(np.pad(image, ((0, 0), (0, 0), (0, 2), (0, 0))), kernel, bias, (2, 1), 0, (1, 2), 2)
    findings = diagnose(actual, image, kernel, bias, **DEFAULT.kwargs())
    case = find_case(findings[0].separating_case)
    outputs = set()
    for finding in findings:
        right = reading_of(case.call())
        reading = CONV2D.by_code[finding.code].change(right)
        outputs.add(reading.values(reading.everywhere()).tobytes())
    assert len(outputs) >= len(findings) - 1 > 3


def test_two_causes_that_explain_as_much_are_told_apart() -> None:
    both = [Finding(code, code) for code in ("kernel-flipped", "bias-missing")]
    assert with_separating_case(both[:1], reading_of(DEFAULT.call())) == both[:1]
    first, second = with_separating_case(both, reading_of(DEFAULT.call()))
    assert first.separating_case == second.separating_case != ""


def test_mistakes_that_never_differ_have_no_separating_case() -> None:
    right = reading_of(DEFAULT.call())
    flipped = CONV2D.by_code["kernel-flipped"]
    assert separating_case(right, [flipped, flipped]) == ""


def leftovers(*arguments: Any) -> Any:
    """Leave what is in memory where there are no pixels, another number every time."""
    output = conv2d(*arguments)
    return output if arguments[0].size else output + np.array(next(COUNTER), output.dtype)


COUNTER = itertools.cycle([0, 1, 2])
WITHOUT_PIXELS = ["n1-c2-o3-g1-0x4-k1x2-s1-p1x0-d1-f32", "n2-c0-o2-g1-3x4-k2-s1-p0-d1-bias-f32"]


def test_what_is_left_over_where_nothing_is_added_up_is_one_cause() -> None:
    report = check(leftovers, cases=[*WITHOUT_PIXELS, "n1-c1-o1-g1-3x4-k2-s1-p0-d1-f32"], time_limit=None)
    (cause,) = report.causes()
    assert cause.code == "empty-sum"
    assert [result.outcome for result in report.results] == ["failed", "failed", "passed"]
    assert {result.id for result in cause.failures} == set(WITHOUT_PIXELS)


def test_a_shape_is_wrong_whatever_is_added_up() -> None:
    case = find_case(WITHOUT_PIXELS[1])
    assert "empty-sum" not in {finding.code for finding in causes_of_case(case, case.call()()[:, :0])}


def test_a_missing_bias_is_missing_also_where_nothing_is_added_up() -> None:
    names = [WITHOUT_PIXELS[1], "n1-c1-o2-g1-3x4-k2-s1-p0-d1-bias-f32"]

    def unbiased(x: Any, w: Any, _: Any, *rest: Any) -> Any:
        return conv2d(x, w, None, *rest)

    (cause,) = check(unbiased, cases=names, time_limit=None).causes()
    assert cause.code == "bias-missing"
    assert len(cause.failures) == 2


@pytest.mark.parametrize(("layout", "code"), [("strided", "reads-between-elements"), ("", "one-column-nan")])
def test_nan_that_stands_between_the_elements_of_a_view_tells_that_it_is_read(layout: str, code: str) -> None:
    case = find_case("-".join(["n1-c2-o3-g1-6x7-k2-s1-p0-d1-f32", *([layout] if layout else [])]))
    output = case.call()()
    output[..., -1] = np.nan
    assert causes_of_case(case, output)[0].code == code


def test_same_is_blamed_where_the_padding_is_a_word_alone() -> None:
    for padding, is_same in (("psame_upper", True), ("p0+1x0+1", False)):  # which come to the same
        case = find_case(f"n1-c1-o1-g1-6x6-k3-s2-{padding}-d1-f32")
        x, w, *_ = case.arguments(case.operands())
        codes = {finding.code for finding in causes_of_case(case, conv2d(x, w, None, 2, ((1, 0), (1, 0))))}
        assert "padding-sides-swapped" in codes
        assert ("same-without-stride" in codes) == is_same


def test_a_factor_that_makes_no_difference_is_that_of_an_earlier_call() -> None:
    operands = {"input": np.array([1.0, 2, 3]), "weight": np.array([1.0, 2, 4])}

    def called(of: Callable[[Any], Any]) -> list[str]:
        found = behaviour_findings(lambda given: given["input"] * of(given["weight"]), operands)
        return [finding.code for finding in found]

    assert called(lambda _: np.array([1.0, 2, 4])) == ["keeps-operand"]
    assert called(np.sign) == called(lambda weight: weight / max(1, np.abs(weight).max())) == called(np.asarray) == []
    assert called(lambda weight: 0 * weight) == []
    (finding,) = behaviour_findings(lambda given: 7 * given["input"], operands)
    assert finding.sentence == "the weight of an earlier call is used, or none at all: other numbers make no difference"
    endless = {**operands, "input": np.array([np.inf, 1, 2])}
    assert not behaviour_findings(lambda given: given["input"].max() * np.ones(3) + 0 * given["weight"], endless)
