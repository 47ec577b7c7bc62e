from __future__ import annotations

import functools
import re
import subprocess
import sys
import threading
import time
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import kernels
import numpy as np
import pytest

import refconv
from refconv.testing import Case, CaseResult, TargetError, cases, find_case, run_case
from refconv.testing.diagnosis import causes
from refconv.testing.judging import judge
from refconv.testing.judging.judge import failed
from refconv.testing.judging.outcome import Ending, Outcome

CASE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
REJECT = "reject-stride-zero"
KERNELS = str(Path(kernels.__file__).parent)


def raising(error: BaseException) -> Any:
    def target(*arguments: Any) -> NoReturn:
        raise error

    return target


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_a_right_result_passes() -> None:
    result = run_case(kernels.right, CASE)
    assert (result.id, result.family, result.outcome) == (CASE, "smoke", "passed")
    assert result.detail == "all 400 elements agree"
    assert result.comparison is not None
    assert result.comparison.elements == 400
    assert result.seconds > 0


def test_a_wrong_result_fails() -> None:
    result = run_case(kernels.one_pixel_off, CASE)
    assert result.outcome == "failed"
    assert result.comparison is not None
    assert result.comparison.mismatched == 20  # one pixel of each of 2·10 maps
    assert result.detail == str(result.comparison)
    assert str(result).splitlines() == [
        f"{CASE}: failed",
        "  20 of 400 elements wrong; the worst is [0, 0, 3, 4]",
        f"  got  {result.comparison.actual}",
        f"  want {result.comparison.desired}",
        "  error 1, where none is allowed",
        f"  cause: {result.findings[0].sentence}",
    ]


@pytest.mark.parametrize(
    ("added", "sentence"),
    [
        ([1, 1], "1 is added at the last pixel (bottom right), whatever the data"),
        ([1, 3], "numbers of its own are added at the last pixel (bottom right), whatever the data"),
    ],
)
@pytest.mark.parametrize("name", [CASE, f"{CASE}-real", "n1-c2-o2-g1-7x8-k3x2-s1-p0-d1-f16-subnormal"])
def test_what_is_added_whatever_the_data_is_named_with_its_place(name: str, added: list[int], sentence: str) -> None:
    def kernel(*arguments: Any) -> Any:
        output = kernels.right(*arguments)
        output[..., -1, -1] += np.resize(np.asarray(added, output.dtype), output.shape[1])
        return output

    finding, *_ = run_case(kernel, name).findings
    assert (finding.code, finding.sentence) == ("constant-added", sentence)
    twice = run_case(lambda x, w, *rest: kernel(x, 2 * w, *rest), name).findings
    assert all(finding.code != "constant-added" or finding.is_traced for finding in twice)


def test_a_constant_that_is_added_everywhere_explains_nothing_besides() -> None:
    def kernel(x: Any, w: Any, *rest: Any) -> Any:
        return kernels.right(x, 2 * w, *rest) + np.float32(1)

    (finding,) = run_case(kernel, f"{CASE}-real").findings
    assert finding.is_traced
    assert "whatever the data" not in finding.sentence


def test_a_result_without_words_is_one_line() -> None:
    assert str(CaseResult("an id", "a family", Outcome.PASSED)) == "an id: passed"


def test_the_target_gets_seven_positional_arguments() -> None:
    seen: list[Any] = []

    def target(*arguments: Any) -> Any:
        seen.append(arguments)
        return kernels.right(*arguments)

    assert run_case(target, CASE).outcome == "passed"
    assert len(seen) == 2  # what is right once may be wrong again
    image, kernel, bias, stride, padding, dilation, groups = seen[0]
    assert [type(operand) for operand in (image, kernel, bias)] == [np.ndarray] * 3
    assert (stride, padding, dilation, groups) == ((2, 1), (1, 0), (1, 2), 2)


@pytest.mark.parametrize(
    ("case", "padding"),
    [
        ("n1-c1-o1-g1-4x5-k2-s1-p1+0x2+3-d1-f32", ((1, 0), (2, 3))),
        ("n1-c1-o1-g1-4x5-k2-s1-psame_upper-d1-f32", "same_upper"),
    ],
)
def test_padding_comes_in_pairs_of_sides_or_as_a_word(case: str, padding: object) -> None:
    def target(*arguments: Any) -> Any:
        assert arguments[2] is None  # no bias
        assert arguments[4] == padding
        return kernels.right(*arguments)

    assert run_case(target, case).outcome == "passed"


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (RuntimeError("out of luck"), "raised RuntimeError: out of luck"),
        (RuntimeError(), "raised RuntimeError"),
        (RuntimeError(" \n "), "raised RuntimeError"),
        (RuntimeError("one\ntwo\t three"), "raised RuntimeError: one two three"),
        (RuntimeError("\x1b[31mred\x07"), "raised RuntimeError: ?[31mred?"),
        (KeyError("a"), "raised KeyError: 'a'"),
        (SystemExit(3), "raised SystemExit: 3"),
        (MemoryError(), "raised MemoryError"),
        (UnspeakableError(), "raised UnspeakableError: (its message cannot be read)"),
        (RuntimeError("x" * 300), "raised RuntimeError: " + "x" * 300),
        (RuntimeError("x" * 301), "raised RuntimeError: " + "x" * 300 + " ..."),
        (RuntimeError("naïve γ"), "raised RuntimeError: naïve γ"),
    ],
    ids=repr,
)
def test_an_exception_is_a_failure_with_its_text(error: BaseException, detail: str) -> None:
    result = run_case(raising(error), CASE)
    said, place = result.detail.rsplit("\n", 1)
    assert (result.outcome, said, result.comparison) == ("failed", detail, None)
    assert re.fullmatch(r"at test_judge\.py:\d+, in target", place)
    assert result.seconds > 0


def test_not_implemented_is_unsupported() -> None:
    result = run_case(raising(NotImplementedError("no groups")), CASE)
    assert (result.outcome, result.detail) == ("unsupported", "NotImplementedError: no groups")
    assert run_case(raising(NotImplementedError()), CASE).detail == "NotImplementedError"
    assert run_case(raising(NotImplementedError()), REJECT).outcome == "unsupported"


def test_what_ought_to_be_refused_passes_if_it_is() -> None:
    result = run_case("refconv", REJECT)
    assert (result.family, result.outcome) == ("rejected", "passed")
    assert result.detail.startswith("raised ValueError: stride[0]=0 must be at least 1")
    assert run_case(raising(SystemExit(2)), REJECT).outcome == "passed"


def test_what_ought_to_be_refused_may_be_wrongly_accepted() -> None:
    result = run_case(kernels.accepts_everything, REJECT)
    assert (result.outcome, result.detail, result.comparison) == ("not refused", "accepted a stride of 0", None)


def test_the_outcomes_in_the_order_of_the_report() -> None:
    assert tuple(Outcome) == (
        "passed",
        "differs by convention",
        "less precise",
        "failed",
        "unsupported",
        "not refused",
    )


@pytest.mark.parametrize("garbage", [None, "text", [[1], [2, 3]], object()], ids=["None", "text", "ragged", "object"])
def test_garbage_is_a_failure(garbage: object) -> None:
    result = run_case(lambda *_: garbage, CASE)
    assert result.outcome == "failed"
    assert result.comparison is not None
    assert result.detail == result.comparison.problem != ""


@pytest.mark.parametrize("garbage", ["\x1b[31m", "a\nb"], ids=repr)
def test_the_text_of_garbage_is_fit_to_print(garbage: str) -> None:
    class Garbage:
        def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
            raise RuntimeError(garbage)

    detail = run_case(lambda *_: Garbage(), CASE).detail
    assert detail.isprintable(), repr(detail)


def test_a_target_that_writes_to_what_it_is_given_is_wrong_though_its_result_is_right() -> None:
    result = run_case(kernels.mutates, CASE)
    assert result.outcome == "failed"
    assert [finding.code for finding in result.findings] == ["mutates-inputs"] * len(result.findings) != []
    assert result.detail.startswith("all ")
    assert result.detail.endswith("agree, but it mutates its inputs: it writes to the input")


@pytest.mark.parametrize(("place", "name"), [(0, "input"), (1, "weight"), (2, "bias")])
def test_each_operand_is_looked_after(place: int, name: str) -> None:
    def writes(*arguments: Any) -> Any:
        result = kernels.right(*arguments)
        arguments[place].flat[-1] += 1
        return result

    assert [finding.sentence for finding in run_case(writes, CASE).findings] == [
        f"it mutates its inputs: it writes to the {name}"
    ]


def test_a_case_may_be_an_object() -> None:
    case = find_case(CASE)
    assert run_case(kernels.right, case).id == CASE


def test_a_target_may_be_a_name() -> None:
    assert run_case("kernels:right", CASE).outcome == "passed"


def test_names_of_nothing_raise() -> None:
    with pytest.raises(TargetError, match="there is no module 'no_such_module'"):
        run_case("no_such_module:function", CASE)
    with pytest.raises(ValueError, match="case 'n2' must read like"):
        run_case(kernels.right, "n2")


def test_a_time_limit_is_kept() -> None:
    result = run_case(kernels.hangs, CASE, 0.05)
    assert (result.outcome, result.detail, result.seconds) == ("failed", "no answer within 0.05 s", 0.05)


def test_a_target_within_its_time_limit_is_judged() -> None:
    assert run_case(kernels.right, CASE, 20).outcome == "passed"
    assert run_case(kernels.one_pixel_off, CASE, 20).outcome == "failed"
    assert run_case(raising(SystemExit(0)), CASE, 20).detail.startswith("raised SystemExit: 0\n")


@pytest.mark.parametrize("limit", [1e10, float("inf")])
def test_a_time_limit_may_be_longer_than_a_lifetime(limit: float) -> None:
    assert run_case(kernels.right, CASE, limit).outcome == "passed"


def test_without_a_time_limit_the_target_runs_in_the_callers_thread() -> None:
    import threading  # noqa: PLC0415  # beside its only use

    seen: list[bool] = []

    def target(*arguments: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return kernels.right(*arguments)

    run_case(target, CASE)
    run_case(target, CASE, 20)
    assert seen == [True, True, False, False]


@pytest.mark.parametrize(
    ("target", "case"),
    [
        (kernels.right, CASE),
        (kernels.one_pixel_off, CASE),
        (kernels.raises, CASE),
        (kernels.supports_nothing, CASE),
        (kernels.accepts_everything, REJECT),
    ],
)
def test_time_is_that_of_the_target(target: Any, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]

    def after(seconds: float, function: Any) -> Any:
        def called(*arguments: Any) -> Any:
            now[0] += seconds
            return function(*arguments)

        return called

    monkeypatch.setattr(judge, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(Case, "arrays", after(1000, Case.arrays))  # neither the data
    monkeypatch.setattr(Case, "check", after(1000, Case.check))  # nor the truth is the target's work
    assert run_case(after(0.25, target), case).seconds == 0.25


def test_a_case_that_hangs_does_not_keep_python_from_ending() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import kernels; from refconv.testing import run_case; "
        "print(run_case(kernels.hangs, sys.argv[2], 0.05))"
    )
    command = [sys.executable, "-c", script, KERNELS, CASE]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=kernels.HANGS / 2)
    assert run.stdout == f"{CASE}: failed\n  no answer within 0.05 s\n"


def test_a_result_cannot_be_changed() -> None:
    result = CaseResult("an id", "a family", Outcome.PASSED)
    assert (result.detail, result.comparison, result.seconds) == ("", None, 0)
    with pytest.raises(FrozenInstanceError):
        result.detail = "why"  # type: ignore[misc]
    assert not hasattr(result, "__dict__")


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), GeneratorExit("stop")], ids=repr)
def test_a_target_in_a_thread_may_raise_what_ends_threads(error: BaseException) -> None:
    result = run_case(raising(error), CASE, 20)
    assert (result.outcome, result.detail, result.seconds) == ("failed", f"raised {type(error).__name__}: stop", 0)


def test_without_a_time_limit_an_interrupt_is_the_callers() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_case(raising(KeyboardInterrupt()), CASE)


def test_failed_is_a_result_without_numbers() -> None:
    result = failed(find_case(CASE), "why", 1.5, Ending.DIED, "exit status 3")
    expected = CaseResult(CASE, "smoke", Outcome.FAILED, "why", None, 1.5)
    assert result == replace(expected, ending=Ending.DIED, ended_by="exit status 3")


def test_run_case_is_public() -> None:
    assert refconv.testing.run_case is run_case


def test_a_failure_that_hangs_when_it_is_called_again_is_a_failure_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judge, "EXPLANATION_LIMIT", 0.05)
    monkeypatch.setattr(judge.Judge, "explained", lambda _, result: result)
    monkeypatch.setattr(judge.Judge, "examined", lambda *_: time.sleep(0.5))
    result = run_case(kernels.last_pixel_doubled, CASE, 20)
    assert (result.outcome, result.findings, result.excerpt) == ("failed", (), None)


def test_what_passes_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "explained", lambda *_: pytest.fail("explained"))
    assert run_case(kernels.right, CASE).outcome == "passed"
    assert run_case(kernels.right, CASE, 20).outcome == "passed"
    assert run_case(kernels.raises, CASE).outcome == "failed"


@pytest.mark.parametrize("limit", [None, 20])
def test_what_fails_is_explained_and_shown(limit: float | None) -> None:
    result = run_case(kernels.one_pixel_off, CASE, limit)
    assert result.findings
    assert result.excerpt is not None
    assert result.excerpt.place == "image 0, channel 0"
    assert result.is_to_be_explained


def test_a_target_that_exits_when_it_is_called_again_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*arguments: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(causes, "explained", lambda *_: ())
    monkeypatch.setattr(causes, "examined", leave)
    result = run_case(kernels.last_pixel_doubled, CASE)
    assert (result.outcome, result.findings) == ("failed", ())
    assert result.excerpt is not None


@pytest.mark.parametrize(
    ("ending", "is_answered", "has_returned"),
    [
        (Ending.RETURNED, True, True),
        (Ending.RAISED, True, True),
        (Ending.DIED, True, False),
        (Ending.TIMED_OUT, False, False),
        (Ending.NOT_RUN, False, False),
    ],
)
def test_whether_a_target_came_back(ending: Ending, is_answered: bool, has_returned: bool) -> None:
    result = CaseResult("id", "family", Outcome.FAILED, ending=ending)
    assert (result.is_answered, result.has_returned) == (is_answered, has_returned)
    assert not result.is_to_be_explained


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


@decorated
def wrapped_target(*arguments: Any) -> Any:
    return np.linalg.solve(np.zeros((2, 2)), np.zeros(2))


def test_the_line_that_is_named_is_the_targets_own() -> None:
    place = run_case(wrapped_target, CASE).detail.splitlines()[-1]
    assert re.fullmatch(r"at test_judge\.py:\d+, in wrapped_target", place)
    line = int(place.partition(":")[2].partition(",")[0])
    assert "np.linalg.solve" in Path(__file__).read_text().splitlines()[line - 1]


def test_a_line_of_refconvs_own_is_not_named() -> None:
    transposed = find_case("conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32")
    result = run_case(refconv.conv2d, transposed)
    assert result.outcome == "failed"
    assert "\nat " not in result.detail


def test_two_threads_that_lock_each_other_out_are_right_and_are_not_waited_for() -> None:
    lock = threading.Lock()

    def locked(*arguments: Any) -> Any:
        with lock:
            output = kernels.right(*arguments)
            return output + 0

    case = find_case(f"{CASE}-threads")
    assert run_case(locked, case).outcome == "passed"


def test_two_threads_that_share_memory_are_wrong_each_time() -> None:
    kept: dict[str, Any] = {}

    def shares(image: Any, *arguments: Any) -> Any:
        kept["image"] = image
        assert "image" in kept  # and it is the other thread's turn
        return kernels.right(kept["image"], *arguments)

    case = find_case(f"{CASE}-threads")
    for _ in range(5):
        assert [finding.code for finding in run_case(shares, case).findings] == ["not-reentrant"]


def test_of_results_on_record_nothing_is_said_of_threads() -> None:
    (case, *_) = cases(match="threads")
    known, right = case.operands()["input"], case.called(refconv.conv2d, case.operands())

    def on_record(image: Any, *_: Any) -> Any:
        if not np.array_equal(image, known):
            raise NotImplementedError("other arguments than those on record")
        return right.copy()

    assert judge.Judge(on_record)(case).outcome == Outcome.PASSED


def test_who_supports_less_in_two_threads_at_once_is_not_reentrant() -> None:
    (case, *_) = cases(match="threads")
    inside: list[int] = []

    def one_at_a_time(*arguments: Any) -> Any:
        inside.append(1)
        try:
            if len(inside) > 1:
                raise NotImplementedError("one call at a time")
            return kernels.right(*arguments)
        finally:
            inside.pop()

    (fault,) = judge.Judge(one_at_a_time)(case).findings
    assert fault.code == "not-reentrant"
    assert fault.sentence.endswith("it raises NotImplementedError: one call at a time")


def test_what_few_elements_look_like_leaves_other_causes_open() -> None:
    def loses_the_last_taps(x: Any, w: Any, *rest: Any) -> Any:
        return kernels.right(x, np.where(np.arange(w.shape[-1]) < w.shape[-1] - 1, w, 0).astype(w.dtype), *rest)

    codes = [finding.code for finding in run_case(loses_the_last_taps, "n1-c1-o1-g1-1x1-k1x3-s1-p0x2-d1-f32").findings]
    assert codes == ["epilogue-relu", "last-taps-unread-along-width"]
