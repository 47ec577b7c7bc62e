"""The command that holds kernels to the gates of benchmarks, and the page that it writes."""

from __future__ import annotations

import numpy as np
import pytest
from scripts import loaded

from refconv import conv2d
from refconv.testing import find_case

page = loaded("gates.py")
CASE = find_case("n2-c16-o8-g1-9x12-k3x2-s1-p0-d1-bias-f32-uniform")


def gate(name: str, actual: list[float], reference: list[float]) -> bool:
    passes = page.GATES[name].passes(np.array(actual), np.array(reference))
    assert isinstance(passes, bool)
    return passes


@pytest.mark.parametrize(
    ("name", "off", "passes"),
    [
        ("robust-kbench: 1e-5", 1.9e-5, True),
        ("robust-kbench: 1e-5", 2.1e-5, False),
        ("KernelBench: 1e-4", 1.9e-4, True),
        ("KernelBench: 1e-4", 2.1e-4, False),
        ("GPU MODE: 1e-3", 1.9e-3, True),
        ("GPU MODE: 1e-3", 2.1e-3, False),
        ("CUDA-L1: 1e-2", 1.9e-2, True),
        ("CUDA-L1: 1e-2", 2.1e-2, False),
    ],
)
def test_a_tolerance_is_absolute_and_relative(name: str, off: float, passes: bool) -> None:
    assert gate(name, [1 + off, 0], [1, 0]) == passes


def test_a_correlation_sees_no_scale_and_has_no_answer_for_zeros() -> None:
    assert gate("correlation 0.99", [2, 4, 6], [1, 2, 3])
    assert not gate("correlation 0.985", [0, 0, 0], [1, 2, 3])
    # (1·-1.1 + 1.1) / ... by hand: deviations −1, 0, 1 and −1.1, 0.2, 0.9 have 2/√(2·2.06) = 0.9853
    almost = [0.9, 2.2, 2.9]
    assert (gate("correlation 0.985", almost, [1, 2, 3]), gate("correlation 0.99", almost, [1, 2, 3])) == (True, False)


@pytest.mark.parametrize("name", [*page.HONEST, *page.WRONG])
def test_honest_kernels_are_right_and_the_others_are_not(name: str) -> None:
    arguments = CASE.arguments(CASE.operands())
    output = (page.HONEST | page.WRONG)[name](*arguments)
    truth = conv2d(*arguments)
    assert (output.dtype, output.shape) == (truth.dtype, truth.shape)
    worst = np.abs(output - truth).max()
    assert worst < 1e-6 if name in page.HONEST else worst > 1e-5


def test_what_refconv_says_of_a_problem_is_the_worse_of_two() -> None:
    assert page.said(page.honest, CASE) == "right"
    assert page.said(page.WRONG["TF32"], CASE) == "less precise"
    assert page.said(page.zeros, CASE) == "wrong"
    assert page.in_words(["wrong", "right", "suspect", "wrong"]) == "1 (2 wrong, 1 suspect)"


@pytest.mark.parametrize("name", [*page.VERIFIED])
def test_a_verification_says_what_is_wrong_and_by_how_much(name: str) -> None:
    said = page.verified(page.VERIFIED[name], CASE)
    is_right = name in (*page.HONEST, "accumulators that cut off, 8 deep", "one element off by 1e-5 of the largest")
    word, comma, worst = said.rpartition(", ")
    assert (bool(comma), float(worst) > 1) == (not is_right, not is_right)
    assert is_right or word in {"wrong", "suspect"}


def test_kernels_that_cut_off_are_below_the_truth_and_others_are_wrong_where_they_say() -> None:
    arguments = CASE.arguments(CASE.operands())
    truth, output = conv2d(*arguments, dtype=np.float64), page.honest(*arguments)
    off = page.cut_off(*arguments) - truth
    assert off[truth > 0].mean() < 0 < off[truth < 0].mean()
    one = page.one_off(*arguments, share=0.5)
    assert [tuple(map(int, at)) for at in np.argwhere(one != output)] == [(1, 6, 1, 2)]
    assert one[1, 6, 1, 2] - output[1, 6, 1, 2] == pytest.approx(np.abs(output).max() / 2, rel=1e-5)
    swapped = page.exchanged(*arguments)
    assert np.array_equal(swapped, output[:, [1, 0, 2, 3, 4, 5, 6, 7]])


def test_a_gate_lets_pass_what_all_draws_pass() -> None:
    passed = page.let_pass({"honest": page.honest, "zeros": page.zeros}, CASE)
    assert {gate for (name, gate), passes in passed.items() if name == "honest" and not passes} == {
        "the same, its reference in TF32"
    }
    assert {gate for (name, gate), passes in passed.items() if name == "zeros" and passes} == set()


def test_the_page_has_a_row_for_each_kernel_and_a_column_for_each_gate() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    part = text.split(page.BEGIN)[1].split(page.END)[0]
    lines = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    assert lines[0] == ["kernel", *page.GATES, "refconv"]
    names = [*page.HONEST, *page.WRONG]
    assert [line[0] for line in lines[2 : 2 + len(names)]] == names
    assert [line[0] for line in lines[4 + len(names) :]] == [*page.OF_WEIGHTS]
    for name, *_, said in lines[2 : 2 + len(names)]:
        assert said.startswith(str(len(page.PROBLEMS) if name in page.HONEST else 0))
