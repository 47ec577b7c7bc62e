from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import refconv
from refconv.testing import diagnose, diagnose_result

RNG = np.random.default_rng(19)
X = RNG.standard_normal((2, 3, 9, 11)).astype(np.float32)
W = RNG.standard_normal((5, 3, 3, 2)).astype(np.float32)
TRUTH = refconv.conv2d(X, W, stride=(2, 1), padding=((2, 1), (1, 2)), dilation=(2, 3))  # (2, 5, 4, 11)
ARGUMENTS = (X, W, None, (2, 1), ((2, 1), (1, 2)), (2, 3))


def test_right_numbers_of_another_type() -> None:
    (finding,) = diagnose(TRUTH.astype(np.float64), *ARGUMENTS)
    assert (finding.code, finding.sentence, finding.reading) == (
        "wrong-dtype",
        "the numbers are right, but of type float64",
        "dtype float32",
    )
    assert diagnose(TRUTH.astype(">f4"), *ARGUMENTS) == []


@pytest.mark.parametrize(
    ("axes", "code", "sentence"),
    [
        ((0, 2, 3, 1), "output-as-npqo", "the numbers are right, but the axes come as NPQO"),
        ((1, 0, 2, 3), "output-as-onpq", "the numbers are right, but the axes come as ONPQ"),
        ((0, 1, 3, 2), "output-as-noqp", "the numbers are right, but the axes come as NOQP"),
    ],
)
def test_right_numbers_with_their_axes_in_another_order(axes: tuple[int, ...], code: str, sentence: str) -> None:
    (finding,) = diagnose(TRUTH.transpose(axes), *ARGUMENTS)
    assert (finding.code, finding.sentence, finding.reading) == (code, sentence, "shape (2, 5, 4, 11)")


def test_right_numbers_in_another_shape() -> None:
    (finding,) = diagnose(TRUTH.reshape(10, 44), *ARGUMENTS)
    assert (finding.code, finding.sentence) == (
        "wrong-shape-right-numbers",
        "the numbers are right, but the shape is (10, 44)",
    )


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("dilation-ignored", {"dilation": 1}),
        ("stride-ignored", {"stride": 1}),
        ("padding-before-used-for-after", {"padding": ((2, 2), (1, 1))}),
        ("padding-missing", {"padding": 0}),
        ("reach-kernel-times-dilation", {"padding": ((2, 0), (1, 0))}),
    ],
)
def test_a_mistake_that_sizes_the_output(code: str, changes: dict[str, object]) -> None:
    parameters = {"stride": (2, 1), "padding": ((2, 1), (1, 2)), "dilation": (2, 3)} | changes
    actual = refconv.conv2d(X, W, **parameters)  # type: ignore[arg-type]
    assert actual.shape != TRUTH.shape
    findings = diagnose(actual, *ARGUMENTS)
    finding = next(finding for finding in findings if finding.code == code)
    assert finding.sentence.endswith(", and the output is sized by that")
    assert set(finding.alternatives) == {other.code for other in findings} - {code}


def test_a_shape_that_nothing_explains() -> None:
    (finding,) = diagnose(np.zeros((2, 5, 4, 12), np.float32), *ARGUMENTS)
    assert (finding.code, finding.sentence, finding.reading) == (
        "wrong-shape",
        "the shape is (2, 5, 4, 12), where (2, 5, 4, 11) was expected",
        "shape (2, 5, 4, 11)",
    )
    (finding,) = diagnose(np.zeros(TRUTH.size, np.float32), *ARGUMENTS)
    assert finding.code == "wrong-number-of-axes"
    (finding,) = diagnose(np.zeros((2, 6, 4, 11), np.float32), *ARGUMENTS)
    assert finding.code == "wrong-number-of-channels"


@pytest.mark.parametrize(
    ("function", "came_in"),
    [(refconv.conv2d, X), (refconv.conv2d, X[:0]), (refconv.conv2d, X[0]), (refconv.conv_transpose2d, X[:, :1])],
)
def test_what_came_in_is_returned(function: Callable[..., np.ndarray], came_in: np.ndarray) -> None:
    weight = np.ones((1, came_in.shape[-3], 3, 1), np.float32)
    first, *_ = diagnose_result(came_in, function, came_in, weight)
    assert (first.code, first.sentence) == ("input-returned", "it returns what it is given, as it is")


def test_other_numbers_of_the_input_s_shape_are_not_the_input() -> None:
    assert diagnose(X + 1, *ARGUMENTS)[0].code == "wrong-number-of-channels"


def test_an_unbatched_output() -> None:
    truth = refconv.conv2d(X[0], W)
    assert diagnose(truth, X[0], W) == []
    assert diagnose(truth * 0, X[0], W)[0].code == "all-zero"
