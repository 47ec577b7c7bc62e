"""What is too large to be computed in full is verified, and a smaller case of the same parameters says why it is wrong.

The cases are small here, and what counts as large is smaller.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from arrays import Array
from memory import peak

from refconv import conv2d
from refconv.testing import CaseResult, check, run_case
from refconv.testing.battery import cases as battery_cases
from refconv.testing.battery.problems import smaller
from refconv.testing.battery.tiers import find_case
from refconv.testing.comparing.conventions import TRANSFORM
from refconv.testing.judging import judge

WHOLE = "n3-c4-o16-g1-40x50-k3x2-s2x1-p1x0-d1x2-bias-f32"
REAL = f"{WHOLE}-uniform"
TRANSPOSED = "conv_transpose1d-n2-c16-o16-g2-800-k3-s2-p1-e1-d1-f32-real"
DEPTHWISE = "n2-c16-o16-g16-40x50-k3-s1-p1-d1-f32"
TF32 = "as if input and weight were rounded to TF32"


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(battery_cases, "MOST_NUMBERS", 20_000)


def to_tf32(array: Array) -> Array:
    return ((array.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def larger(change: Any, least: int = 10_000) -> Any:
    """A kernel whose results are changed, but for small ones."""

    def target(*arguments: Any) -> Array:
        output = conv2d(*arguments)
        return change(output) if output.size >= least else output

    return target


def one_more(output: Array) -> Array:
    output[-1, 3, 2, 5] += 1
    return output


@pytest.mark.parametrize("case", [WHOLE, REAL, TRANSPOSED, DEPTHWISE])
def test_a_right_kernel_passes_by_its_sums(case: str) -> None:
    assert find_case(case).bulk > 1
    result = run_case("refconv", case)
    assert result.outcome == "passed"
    last = result.detail.splitlines()[-1]
    assert last.startswith("checked: every element" if case == DEPTHWISE else "seen: ")


@pytest.mark.parametrize("case", [WHOLE, REAL, DEPTHWISE])
def test_what_is_wrong_at_its_size_alone_is_named_so(case: str) -> None:
    result = run_case(larger(one_more), case)
    assert result.outcome == "failed"
    assert [finding.code for finding in result.findings] == ["wrong-at-size"]
    assert result.comparison is not None
    assert result.comparison.worst_index is not None
    assert result.comparison.worst_index[1:] == (3, 2, 5)
    assert result.excerpt is None


def test_a_smaller_case_says_why() -> None:
    def undilated(x: Array, w: Array, b: Array, s: Any, p: Any, d: Any, g: int) -> Array:
        return conv2d(np.pad(x, [(0, 0)] * 3 + [(0, 0)])[..., : x.shape[-1] - 1], w, b, s, p, 1, g)

    result = run_case(undilated, WHOLE)
    small = smaller(find_case(WHOLE)).id
    assert (result.id, result.family, result.outcome) == (WHOLE, "", "failed")
    assert result.findings[0].code == "dilation-ignored"
    assert f"\nas in {small}: " in result.detail
    assert result.excerpt is not None


def test_what_rounds_its_factors_is_less_precise() -> None:
    def target(x: Array, w: Array, *rest: Any) -> Array:
        return conv2d(to_tf32(x), to_tf32(w), *rest)

    result = run_case(target, REAL)
    assert (result.outcome, result.standards[0]) == ("less precise", "inputs-rounded-to-tf32")
    assert result.seconds > 0
    assert run_case(target, REAL, input_dtype="tf32").outcome == "passed"


def test_what_rounds_its_factors_in_long_sums_is_suspect() -> None:
    def target(x: Array, w: Array, *rest: Any) -> Array:
        return conv2d(to_tf32(x), to_tf32(w), *rest)

    result = run_case(target, "n1-c200-o10-g1-20x18-k3-s1-p0-d1-f32-real")
    assert result.outcome == "passed"
    assert result.comparison is not None
    assert result.comparison.is_suspect
    assert result.comparison.resembles.startswith(TF32)


@pytest.mark.parametrize(("off", "outcome"), [(0.3, "differs by convention"), (0.6, "failed")])
def test_whole_numbers_of_a_transform_are_right_to_the_nearest(off: float, outcome: str) -> None:
    result = run_case(lambda *a: conv2d(*a) + np.float32(off), WHOLE)
    assert result.outcome == outcome
    assert result.comparison is not None
    assert result.comparison.convention == (TRANSFORM if outcome != "failed" else "")


def test_what_changes_its_inputs_is_judged_by_that_alone() -> None:
    def target(x: Array, *rest: Any) -> Array:
        output = conv2d(x, *rest)
        x[0, 0, 0, 0] += 1
        return output

    result = run_case(target, WHOLE)
    assert (result.outcome, result.detail) == ("failed", "it mutates its inputs: it writes to the input")


@pytest.mark.parametrize("how", [{"algorithm": "fft"}, {"epilogue": "relu"}, {"confidence": 0.9}, {"atol": 1.0}])
def test_of_what_sums_do_not_know_it_is_not_asked(how: Any) -> None:
    result = run_case("refconv", WHOLE, **how)
    assert (result.outcome, result.ending) == ("unsupported", "not run")
    assert result.detail.startswith("a case of this size is verified by sums over its channels")


def test_a_large_case_may_take_longer_in_proportion() -> None:
    case = find_case(WHOLE)
    assert case.bulk == 3 * 16 * 20 * 48 / 20_000
    assert judge.patience(case, 10.0) == pytest.approx(23.04)
    assert judge.patience(find_case("n1-c1-o1-g1-4x5-k2-s1-p0-d1-f32"), 10.0) == 10
    assert judge.no_answer(case, 10.0).detail == "no answer within 23.04 s"


def test_a_case_of_which_none_is_small_is_not_made_smaller() -> None:
    result = run_case(larger(one_more, 1000), "n2-c40-o80-g1-10x9-k3-s1-p0-d1-f32")  # 28,800 weights
    assert (result.outcome, result.findings) == ("failed", ())
    assert "\nas in" not in result.detail


def test_a_report_of_large_cases_names_the_cause_once() -> None:
    report = check(larger(one_more), cases=[WHOLE, REAL], time_limit=None)
    assert report.headline() == "WRONG: it is wrong at this size alone"


def test_arrays_are_looked_at_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(battery_cases, "MOST_NUMBERS", 1 << 20)
    results: list[CaseResult] = []
    for data in ("", "-uniform"):
        case = find_case(f"n2-c8-o8-g1-512x512-k1-s1-p0-d1-f32{data}")
        output = case.called(conv2d, case.operands())
        asked = judge.Judge(lambda *_, output=output: output)
        taken = peak(partial(lambda asked, case: results.append(asked(case)), asked, case))
        assert taken - 2 * 8 * 512 * 512 * 4 < 24 * 2**20  # MiB beside the operands, 16 in float32
    assert [result.outcome for result in results] == ["passed", "passed"]
