from __future__ import annotations

import json
import math

import numpy as np
import pytest

from refconv.testing import CaseResult, Comparison, Finding, Outcome, TargetError, run_case
from refconv.testing.comparing.comparison import Obstacle
from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.judging.outcome import Ending
from refconv.testing.judging.wire import from_line, to_line

COMPARISON = Comparison(
    "shape (1,)",
    4,
    2,
    (0, 1),
    1 - 2j,
    complex(np.float32(0.5)),
    math.inf,
    1e-30,
    first_wrong=((0, 1), (2, 3)),
    obstacle=Obstacle.SHAPE,
)
RESULT = CaseResult(
    "n1", "family", Outcome.FAILED, "é\x1b\n", COMPARISON, 0.25, (Finding("code", "sentence", alternatives=("a", "b")),),
    Excerpt("image 0", 1, 2, ((1.0, -math.inf),), ((2.0, 3.0),), ()), Ending.RAISED, "ValueError", ("tf32",),
)  # fmt: skip


def test_a_result_comes_back_as_it_was() -> None:
    assert from_line(to_line((7, RESULT))) == (7, RESULT)
    assert to_line(RESULT).count(b"\n") == 1


def test_numbers_that_are_not_finite_come_back() -> None:
    result = from_line(to_line(CaseResult("n1", "", Outcome.PASSED, seconds=math.nan)))
    assert math.isnan(result.seconds)


def test_a_failure_with_all_that_is_found_comes_back() -> None:
    result = run_case("kernels:one_pixel_off", "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")
    assert result.findings
    assert result.excerpt is not None
    assert from_line(to_line(result)) == result


def test_a_target_that_cannot_be_loaded_comes_back() -> None:
    error = from_line(to_line(TargetError("target 'x'")))
    assert isinstance(error, TargetError)
    assert str(error) == "target 'x'"


@pytest.mark.parametrize(
    "line", [b"", b"noise\n", json.dumps({"eval": ["1"]}).encode(), b'{"Outcome": ["right"]}\n', b"\x80\x04."]
)
def test_what_is_none_of_ours_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_line(line)


def test_a_number_of_numpy_comes_back_as_one_of_python() -> None:
    assert repr(from_line(to_line((np.float32(0.5), np.int8(-3), np.complex64(1j))))) == "(0.5, -3, 1j)"
