from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from refconv import conv2d
from refconv.testing import TargetError, trace_addressing
from refconv.testing.diagnosis.axis_fit import UNREAD, AxisFit, fitted_axis

CASE = "n2-c6-o4-g2-9x11-k3x2-s2x1-p1x2-d1x3-f32"  # row = 2·p + i − 1, column = q + 3·j − 2
RIGHT = "row = 2·p + i − 1\ncolumn = q + 3·j − 2"


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        (AxisFit((2, 0, 1, 0), -1), "2·p + i − 1"),
        (AxisFit((0, 3, 0, -2), 4), "3·q − 2·j + 4"),
        (AxisFit((-1, 0, 0, 0), 0), "−p"),
        (AxisFit((0, 0, 0, 0), 0), "0"),
        (AxisFit((0, 0, 0, 0), -7), "−7"),
        (AxisFit((1, 1, -1, 1), 10), "p + q − i + j + 10"),
    ],
)
def test_a_rule_is_written_as_a_formula(fit: AxisFit, text: str) -> None:
    assert str(fit) == text


def test_a_rule_predicts_every_pixel() -> None:
    predicted = AxisFit((5, 7, 11, 13), -2).predict((2, 3, 4, 5))
    assert predicted.shape == (2, 3, 4, 5)
    assert predicted[1, 2, 3, 4] == 5 + 14 + 33 + 52 - 2
    assert predicted[0, 0, 0, 0] == -2


def test_the_commonest_steps_are_the_rule() -> None:
    rule, other = AxisFit((3, 0, -2, 1), 9), AxisFit((1, 0, 1, 0), 0)
    read = rule.predict((5, 4, 3, 2))
    read[0] = 0  # a clamped border
    read[:, 3] = UNREAD
    assert fitted_axis(read, other) == rule


def test_what_cannot_be_told_is_as_expected() -> None:
    expected = AxisFit((3, 0, 2, 0), -1)
    assert fitted_axis(np.full((1, 1, 1, 1), 4), expected) == AxisFit((3, 0, 2, 0), 4)
    assert fitted_axis(np.full((2, 2, 2, 2), UNREAD), expected) == expected


def test_a_right_target_has_no_problems() -> None:
    addressing = trace_addressing("refconv", CASE)
    assert str(addressing) == RIGHT
    assert addressing.problems == ()
    assert addressing.case == CASE
    assert addressing.channels == ((0, 1, 2), (0, 1, 2), (3, 4, 5), (3, 4, 5))
    assert addressing.images == (0, 1)
    assert addressing.axes == (AxisFit((2, 0, 1, 0), -1), AxisFit((0, 1, 0, 3), -2))


def sized(output: np.ndarray, like: tuple[Any, ...]) -> np.ndarray:
    return output[:, :, : conv2d(*like).shape[2], : conv2d(*like).shape[3]]


WRONG: dict[str, tuple[Callable[..., Any], str, str]] = {
    "flipped": (
        lambda x, w, b, s, p, d, g: conv2d(x, w[:, :, ::-1], b, s, p, d, g),
        "it uses row = 2·p − i + 1: the kernel is flipped",
        "2·p + i − 1",
    ),
    "undilated": (
        lambda x, w, b, s, p, d, g: sized(conv2d(x, w, b, s, p, 1, g), (x, w, b, s, p, d, g)),
        "it uses column = q + j − 2: dilation 1 where 3 is asked for",
        "q + 3·j − 2",
    ),
    "unstrided and unpadded": (
        lambda x, w, b, s, p, d, g: sized(conv2d(x, w, b, 1, ((0, 9), (2, 2)), d, g), (x, w, b, s, p, d, g)),
        "it uses row = p + i: stride 1 where 2 is asked for, padding 0 where 1 is asked for",
        "2·p + i − 1",
    ),
    "sheared": (
        lambda x, w, b, s, p, d, g: np.stack(
            [sized(conv2d(x, w, b, s, ((1, 1), (2 - r, 9)), d, g), (x, w, b, s, p, d, g))[:, :, r] for r in range(3)]
            + [conv2d(x, w, b, s, p, d, g)[:, :, r] for r in range(3, 5)],
            axis=2,
        ),
        "it uses column = p + q + 3·j − 2: its axes are swapped or sheared",
        "q + 3·j − 2",
    ),
    "ungrouped": (
        lambda x, w, b, s, p, d, g: conv2d(x[:, [0, 2, 4, 1, 3, 5]], w, b, s, p, d, g),
        "output channel 0 reads input channels [0, 2, 4]",
        "channels [0, 1, 2]",
    ),
    "one image": (
        lambda x, w, b, s, p, d, g: conv2d(x[[1, 1]], w, b, s, p, d, g),
        "output image 0 is made from input image 1",
        "image 0",
    ),
    "wrapped": (
        lambda x, w, b, s, p, d, g: conv2d(x, w, b, s, p, d, g, padding_mode="circular"),
        "something is read in the padding: [0, 0, 0, 0] reads row 8, column 9",
        "zeros stand there, in the padding",
    ),
    "lost in a row through a tap": (
        lambda x, w, b, s, p, d, g: np.concatenate(
            [
                conv2d(x, w, b, s, p, d, g)[:, :, :2],
                conv2d(x, w * np.array([1, 0], np.float32), b, s, p, d, g)[:, :, 2:3],
                conv2d(x, w, b, s, p, d, g)[:, :, 3:],
            ],
            axis=2,
        ),
        "nothing is read in output row 2 and through tap column 1, the last",
        "[0, 0, 2, 0] reads row 3, column 1",
    ),
    "doubled": (
        lambda x, w, b, s, p, d, g: 2 * conv2d(x, w, None, s, p, d, g) + conv2d(0 * x, w, b, s, p, d, g),
        "several are added up throughout",
        "[0, 0, 0, 0] reads row 0, column 1 alone",
    ),
    "bias": (
        lambda x, w, b, s, p, d, g: conv2d(x, w, None if b is None else b * np.float32(3), s, p, d, g),
        "output [0, 0, 0, 0] has 3 times the bias of its channel",
        "the bias of its channel, once",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_target_is_read(name: str) -> None:
    target, sentence, reading = WRONG[name]
    addressing = trace_addressing(target, CASE if name != "bias" else CASE.replace("-f32", "-bias-f32"))
    problems = {problem.sentence: problem.reading for problem in addressing.problems}
    assert problems[sentence] == reading
    assert f"should be {reading}" in str(addressing)


def test_a_target_that_refuses_groups_is_traced_without() -> None:
    def target(x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, g: Any) -> Any:
        if g > 1 or max(d) > 1:
            raise NotImplementedError
        return conv2d(x, w, b, s, p, d, g)

    addressing = trace_addressing(target)
    assert addressing.case == "n2-c3-o4-g1-7x9-k3-s2x1-p1x2-d1-f32"
    assert str(addressing) == "row = 2·p + i − 1\ncolumn = q + j − 2"


def test_where_all_that_can_be_asked_is_refused_the_last_refusal_passes_through() -> None:
    def target(x: Any, w: Any, *_: Any) -> Any:
        raise NotImplementedError(f"{w.shape} over {x.shape}")

    with pytest.raises(NotImplementedError, match=r"^\(2, 1, 2, 3\) over \(1, 1, 7, 9\)$"):
        trace_addressing(target)


def test_an_image_that_is_made_from_the_first_is_told() -> None:
    def target(x: Any, *rest: Any) -> Any:
        return conv2d(x[[0] * len(x)], *rest)

    problems = {problem.sentence: problem.reading for problem in trace_addressing(target, CASE).problems}
    assert problems["output image 1 is made from input image 0"] == "image 1"


def test_what_the_target_raises_passes_through() -> None:
    def target(*arguments: Any) -> Any:
        raise ZeroDivisionError("no")

    for case in (None, CASE):
        with pytest.raises(ZeroDivisionError, match=r"^no$"):
            trace_addressing(target, case)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the result has shape \(3,\), where \(2, 4, 5, 12\) was expected"):
        trace_addressing(lambda *_: np.zeros(3), CASE)
    with pytest.raises(
        ValueError, match=r"case 'n1-.*' is too large to be traced; it may take 2000 calls and 4194304 reads"
    ):
        trace_addressing("refconv", "n1-c1-o1-g1-3000x3000-k1-s1-p0-d1-f32")
    with pytest.raises(TargetError, match=r"there is no file"):
        trace_addressing("nowhere.py:conv2d")


def test_an_unbatched_case_is_traced() -> None:
    assert str(trace_addressing("refconv", "c3-o4-g1-7x8-k3x2-s1x2-p1-d1-bias-f32")) == (
        "row = p + i − 1\ncolumn = 2·q + j − 1"
    )
