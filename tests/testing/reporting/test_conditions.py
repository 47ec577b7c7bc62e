from __future__ import annotations

from typing import Any

import pytest
from sampled import one_in

from refconv.testing import Case, cases, find_case
from refconv.testing.reporting.conditions import Condition, _fewest, _is_spoken_of, only_where, widest
from refconv.testing.reporting.vocabulary import TESTS, Plan

PLAIN = "n1-c4-o6-g1-8x9-k3-s1-p0-d1-f32"


def case(**changes: str) -> Case:
    """Return the plain case with some parts of its name replaced: ``case(d="d1x2")``."""
    parts = {"n": "n1", "c": "c4", "o": "o6", "g": "g1", "size": "8x9", "k": "k3", "s": "s1", "p": "p0", "d": "d1"}
    rest = {"bias": "", "dtype": "f32", "data": "", "layout": ""}
    return find_case("-".join(part for part in ({**parts, **rest} | changes).values() if part))


def holds(text: str, which: Case) -> bool:
    return TESTS[text](Plan.of(which))


# Each condition, a case that meets it, and near misses that do not.
CONDITIONS: list[tuple[str, dict[str, str], list[dict[str, str]]]] = [
    ("dilation_h > 1", {"d": "d2x1"}, [{}, {"d": "d1x2"}, {"d": "d2x1", "k": "k1x3"}]),
    ("dilation_w > 1", {"d": "d1x2"}, [{}, {"d": "d2x1"}, {"d": "d1x2", "k": "k3x1"}]),
    ("dilation > 1", {"d": "d1x2", "k": "k3x2"}, [{}, {"d": "d2", "k": "k1"}]),
    ("dilation_w > 2", {"d": "d1x3", "k": "k3x2"}, [{"d": "d1x2"}, {"d": "d1x3", "k": "k3x1"}]),
    ("stride_h > 1", {"s": "s2x1"}, [{}, {"s": "s1x2"}, {"s": "s2x1", "k": "k8x3"}]),
    ("stride_w > 1", {"s": "s1x2"}, [{}, {"s": "s2x1"}]),
    ("stride > 1", {"s": "s2x1"}, [{}]),
    ("stride_w > 2", {"s": "s1x3", "size": "8x6"}, [{"s": "s1x2"}, {"s": "s1x3", "k": "k3x9"}]),
    ("padding_h > 0", {"p": "p1x0"}, [{}, {"p": "p0x1"}]),
    ("padding_w > 0", {"p": "p0+0x0+1"}, [{}, {"p": "p1x0"}]),
    ("padding > 0", {"p": "psame"}, [{}, {"p": "psame", "k": "k1"}]),
    ("groups > 1", {"g": "g2"}, [{}]),
    ("there is a bias", {"bias": "bias"}, [{}]),
    ("batch > 1", {"n": "n2"}, [{}, {"n": ""}]),
    ("channels per group > 1", {}, [{"c": "c6", "g": "g6"}, {"c": "c1"}]),
    ("outputs per group > 1", {}, [{"c": "c6", "g": "g6"}, {"o": "o1"}]),
    ("channels > 1", {}, [{"c": "c1"}]),
    ("outputs > 1", {}, [{"o": "o1"}]),
    ("groups = 1", {}, [{"g": "g2"}]),
    ("groups = channels", {"c": "c3", "g": "g3"}, [{"c": "c1"}, {"g": "g2"}]),
    ("1 < groups < channels", {"g": "g2"}, [{}, {"c": "c6", "g": "g6"}]),
    ("dilation_h != dilation_w", {"d": "d1x2"}, [{}, {"d": "d2"}]),
    ("stride_h != stride_w", {"s": "s1x2"}, [{}, {"s": "s2"}]),
    ("padding_h != padding_w", {"p": "p1x0"}, [{}, {"p": "p1"}]),
    ("kernel_h != kernel_w", {"k": "k2x3"}, [{}]),
    ("height != width", {}, [{"size": "8x8"}]),
    ("stride_h != stride_w, even of one output", {"s": "s1x2", "size": "8x3"}, [{"s": "s2"}]),
    ("padding_h differs by side", {"p": "p1+0x1+1"}, [{"p": "p1"}, {"p": "p1+1x0+1"}]),
    ("padding differs by side", {"p": "p1+1x0+1"}, [{"p": "p1x2"}]),
    ("padding top > 0", {"p": "p1+0x0+0"}, [{"p": "p0+1x1+1"}]),
    ("padding bottom > 0", {"p": "p0+1x0+0"}, [{"p": "p1+0x1+1"}]),
    ("padding left > 0", {"p": "p0+0x1+0"}, [{"p": "p1+1x0+1"}]),
    ("padding right > 0", {"p": "p0+0x0+1"}, [{"p": "p1+1x1+0"}]),
    ("kernel_h > 1", {"k": "k2x1"}, [{"k": "k1x2"}]),
    ("kernel > 1", {"k": "k1x2"}, [{"k": "k1"}]),
    ("kernel_w > 2", {}, [{"k": "k3x2"}]),
    ("kernel_w > 4", {"k": "k3x5"}, [{"k": "k5x4"}]),
    ("size_w > 8", {"size": "8x9"}, [{"size": "9x8"}]),
    ("kernel_w is even", {"k": "k3x2"}, [{}, {"k": "k2x3"}]),
    ("kernel_w is odd, but not 1", {"k": "k2x3"}, [{"k": "k3x2"}, {"k": "k3x1"}]),
    ("size_h is odd", {"size": "9x8"}, [{"size": "8x9"}]),
    ("stride_w > kernel_w", {"s": "s1x4"}, [{"s": "s1x3"}, {"s": "s4x1"}, {"s": "s1x4", "size": "8x3"}]),
    ("stride_h > dilation_h", {"s": "s2x1"}, [{"s": "s1x2"}, {"s": "s2x1", "d": "d2x1"}]),
    ("kernel_h is no multiple of stride_h", {"s": "s2x1"}, [{}, {"s": "s1x2"}, {"s": "s3x2"}]),
    ("output_h > 1", {}, [{"k": "k8x3"}]),
    ("output_w > 8", {"size": "8x11"}, [{"size": "11x10"}]),
    ("output > 16", {"size": "19x9"}, [{"size": "18x18"}]),
    ("output_w > 32", {"size": "8x35"}, [{"size": "35x34"}]),
    ("output_h is no multiple of 4", {"size": "9x9"}, [{"size": "10x9"}]),
    ("output_w is no multiple of 2", {}, [{"size": "8x10"}]),
    ("output_w is no multiple of 16", {"size": "8x26"}, [{"size": "8x18"}]),
    ("channels are no multiple of 8", {}, [{"c": "c8"}, {"c": "c0"}]),
    ("channels are a multiple of 8", {"c": "c8"}, [{}, {"c": "c0"}]),
    ("images are a multiple of 2", {"n": "n4"}, [{}, {"n": ""}, {"n": "n3"}]),
    ("there are no channels", {"c": "c0"}, [{"c": "c1"}]),
    ("outputs are no multiple of 4", {}, [{"o": "o8"}]),
    ("outputs in an image are no multiple of 4", {"size": "9x9"}, [{"size": "10x8"}]),  # 7·7, and 8·6
    ("an image has more than 2^16 outputs", {"size": "259x258", "k": "k2x1"}, [{"size": "257x256", "k": "k2x1"}]),
    ("kernel is 1×1", {"k": "k1"}, [{"k": "k1x2"}]),
    ("output = size", {"p": "p1"}, [{}, {"p": "p1x0"}]),
    ("kernel is 2×2", {"k": "k2"}, [{"k": "k1"}, {"k": "k3x2"}]),
    ("stride = 1, even of one output", {}, [{"s": "s1x2", "size": "8x3"}]),
    ("stride = 2, even of one output", {"s": "s2", "size": "8x3"}, [{"s": "s1x2"}, {}, {"s": "s3"}]),
    ("padding is 'same...'", {"p": "psame_lower"}, [{"p": "pvalid"}, {"p": "p1"}]),
    (
        "the total of padding 'same...' is negative",
        {"p": "psame_upper", "k": "k1", "s": "s1x5"},  # of 9 pixels, windows begin at the first and at the sixth
        [{"p": "psame_upper", "k": "k1", "s": "s4x1", "size": "9x8"}, {"p": "pvalid", "k": "k1", "s": "s1x3"}],
    ),
    ("padding is 'same_upper'", {"p": "psame_upper"}, [{"p": "psame"}, {"p": "psame_lower"}]),
    ("there is no batch axis", {"n": ""}, [{}]),
    ("the type is float64", {"dtype": "f64"}, [{}]),
    ("the data are 'real'", {"data": "real"}, [{}, {"data": "nan"}]),
    ("the layout is not contiguous", {"layout": "strided"}, [{}]),
    ("a stride in memory is negative", {"layout": "negative_rows"}, [{}, {"layout": "strided"}]),
    ("the layout is 'strided'", {"layout": "strided"}, [{"layout": "fortran"}]),
]


@pytest.mark.parametrize(("text", "met", "missed"), CONDITIONS, ids=[text for text, _, _ in CONDITIONS])
def test_a_condition_holds_where_it_says(text: str, met: dict[str, str], missed: list[dict[str, str]]) -> None:
    assert holds(text, case(**met))
    assert not any(holds(text, case(**changes)) for changes in missed)


OF_OTHERS: list[tuple[str, str, str]] = [  # a condition, a case of another operation that meets it, and one that does not
    ("stride > 1", "conv1d-n1-c1-o1-g1-9-k3-s2-p0-d1-f32", "conv1d-n1-c1-o1-g1-9-k3-s1-p0-d1-f32"),
    ("padding differs by side", "conv1d-n1-c1-o1-g1-9-k3-s1-p1+0-d1-f32", "conv1d-n1-c1-o1-g1-9-k3-s1-p1-d1-f32"),
    ("output > 8", "conv1d-n1-c1-o1-g1-11-k3-s1-p0-d1-f32", "conv1d-n1-c1-o1-g1-10-k3-s1-p0-d1-f32"),
    ("batch > 1", "conv1d-n2-c1-o1-g1-9-k3-s1-p0-d1-f32", "conv1d-c2-o1-g1-9-k3-s1-p0-d1-f32"),
    ("there is no batch axis", "conv1d-c2-o1-g1-9-k3-s1-p0-d1-f32", "conv1d-n1-c2-o1-g1-9-k3-s1-p0-d1-f32"),
    ("channels > 1", "conv1d-c2-o1-g1-9-k3-s1-p0-d1-f32", "conv1d-c1-o1-g1-9-k3-s1-p0-d1-f32"),
    ("dilation_d > 1", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d2x1x1-f32", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d1x2x2-f32"),
    ("dilation_h > 1", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d1x2x1-f32", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d2x1x2-f32"),
    ("dilation_w > 1", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d1x1x2-f32", "conv3d-n1-c1-o1-g1-7x7x7-k3-s1-p0-d2x2x1-f32"),
    ("padding front > 0", "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+0x0+0x0+0-d1-f32", "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p0x1x1-d1-f32"),
    ("padding back > 0", "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p0+1x0+0x0+0-d1-f32", "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+0x1+1x1+1-d1-f32"),
    ("output_padding > 0", "conv_transpose2d-n1-c1-o1-g1-4x5-k2-s2-p0-e0x1-d1-f32", "conv_transpose2d-n1-c1-o1-g1-4x5-k2-s2-p0-d1-f32"),
    ("the total of padding 'same...' is negative", "conv_transpose1d-n1-c1-o1-g1-4-k1-s3-psame_lower-e1-d1-f32", "conv_transpose1d-n1-c1-o1-g1-4-k1-s3-psame_lower-e2-d1-f32"),
    ("stride = kernel, even of one output", "conv1d-n1-c1-o1-g1-3-k3-s3-p0-d1-f32", "conv1d-n1-c1-o1-g1-9-k3-s2-p0-d1-f32"),
    ("output_h > 8", "conv_transpose2d-n1-c1-o1-g1-8x1-k2-s1-p0-d1-f32", "conv_transpose2d-n1-c1-o1-g1-7x9-k2-s1-p0-d1-f32"),
    ("groups = channels = outputs", "conv1d-n1-c2-o2-g2-9-k3-s1-p0-d1-f32", "conv1d-n1-c2-o4-g2-9-k3-s1-p0-d1-f32"),
    ("groups = channels = outputs", "conv1d-n1-c4-o4-g4-9-k3-s1-p0-d1-f32", "conv1d-n1-c4-o2-g2-9-k3-s1-p0-d1-f32"),
    ("groups = channels = outputs", "conv1d-n1-c2-o2-g2-9-k3-s1-p0-d1-f32", "conv1d-n1-c1-o1-g1-9-k3-s1-p0-d1-f32"),
    ("outputs per group are no multiple of 2", "conv1d-n1-c2-o2-g2-9-k3-s1-p0-d1-f32", "conv1d-n1-c2-o4-g2-9-k3-s1-p0-d1-f32"),
    ("outputs > 1", "conv_transpose2d-n1-c2-o4-g2-4x5-k2-s2-p0-d1-f32", "conv_transpose2d-n1-c2-o1-g1-4x5-k2-s2-p0-d1-f32"),
    ("outputs per group > 1", "conv_transpose2d-n1-c2-o4-g2-4x5-k2-s2-p0-d1-f32", "conv_transpose2d-n1-c2-o2-g2-4x5-k2-s2-p0-d1-f32"),
    ("channels per group > 1", "conv_transpose2d-n1-c4-o2-g2-4x5-k2-s2-p0-d1-f32", "conv_transpose2d-n1-c2-o4-g2-4x5-k2-s2-p0-d1-f32"),
    ("an image has more than 2^16 outputs", "conv1d-n1-c1-o1-g1-65537-k1-s1-p0-d1-f32", "conv1d-n1-c1-o1-g1-65536-k1-s1-p0-d1-f32"),
    ("kernel is 1×1", "conv3d-n1-c1-o1-g1-4x5x6-k1-s1-p0-d1-f32", "conv3d-n1-c1-o1-g1-4x5x6-k1x1x2-s1-p0-d1-f32"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "met", "missed"), OF_OTHERS)
def test_a_condition_on_another_operation_holds_where_it_says(text: str, met: str, missed: str) -> None:
    assert holds(text, find_case(met))
    assert not holds(text, find_case(missed))


def test_one_axis_has_no_name() -> None:
    case = find_case("conv1d-n1-c1-o1-g1-9-k3-s2-p1-d2-f32")
    named = [text for text, test in TESTS.items() if test(Plan.of(case)) and ("_h" in text or "_w" in text)]
    assert named == []
    found = only_where([case], [find_case("conv1d-n1-c1-o1-g1-9-k3-s2-p1-d1-f32")], "dilation-ignored")
    assert str(found) == "only where dilation > 1"


CORE = cases()


def split(text: str, *more: str) -> tuple[list[Case], list[Case]]:
    """Return the battery's cases that meet all conditions, and the rest."""
    met = [each for each in CORE if all(holds(one, each) for one in (text, *more))]
    return met, [each for each in CORE if each not in met]


@pytest.mark.parametrize(
    "text", one_in(12, [text for text, _, _ in CONDITIONS if text not in ("channels > 1", "height != width")])
)
def test_each_condition_is_found_in_the_battery(text: str) -> None:
    # by itself, or by another that is true of the very same cases
    failing, passing = split(text)
    found = only_where(failing, passing, "")
    assert found is not None
    assert found.passing == 0
    others = found.text.split(" and ")
    assert len(others) == 1 or text not in TESTS
    assert all(holds(other, each) for other in others for each in failing)


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (("stride_h > 1", "padding_h > 0"), "stride-ignored"),
        (("dilation_w > 1", "padding is 'same...'"), ""),
        (("groups > 1", "stride_w > 1", "there is a bias"), ""),
    ],
)
def test_conditions_are_joined_where_one_is_not_enough(texts: tuple[str, ...], hint: str) -> None:
    found = only_where(*split(*texts), hint)
    assert found is not None
    assert (set(found.text.split(" and ")), found.passing) == (set(texts), 0)


def test_of_equals_the_one_that_the_cause_speaks_of_is_taken() -> None:
    both, plain = [case(d="d1x2", s="s1x2")], [case(), case(d="d2x1"), case(s="s2x1")]
    assert str(only_where(both, plain, "dilation-ignored-along-width")) == "only where dilation_w > 1"
    assert str(only_where(both, plain, "stride-ignored-along-width")) == "only where stride_w > 1"
    assert str(only_where(both, plain, "groups-ignored+stride-ignored-along-width")) == "only where stride_w > 1"
    unequal = [case(d="d1x2")], [case(), case(d="d2")]
    assert str(only_where(*unequal, "dilation-first-for-both")) == "only where dilation_h != dilation_w"
    assert str(only_where(*unequal, "dilation-axes-swapped")) == "only where dilation_h != dilation_w"
    two = [case(d="d1x2", s="s2x1")], [case()]
    assert str(only_where(*two, "weights-reversed-along-height")) == "only where stride_h > 1"
    assert str(only_where(*two, "weights-reversed-along-width")) == "only where dilation_w > 1"
    assert str(only_where([case(d="d2")], [case()], "dilation-ignored-along-width")) == "only where dilation_w > 1"
    assert str(only_where(two[0], [case()], "stride-for-both")) == "only where stride_h != stride_w"
    assert str(only_where(two[0], [case()], "stride-axes-swapped")) == "only where stride_h != stride_w"
    # without a hint, the plainest, which comes first
    assert str(only_where(both, plain, "")) == "only where dilation_w > 1"


@pytest.mark.parametrize(
    ("text", "word", "is_about"),
    [
        ("dilation_w > 1", "_w", True),
        ("dilation_w > 1", "_h", False),
        ("outputs are no multiple of 4", "4", True),
        ("outputs are no multiple of 4", "output", False),  # which it says of 4 alone
        ("output < 14", "14", True),
        ("output < 14", "4", False),
    ],
)
def test_a_condition_is_about_parts_of_words_and_whole_numbers(text: str, word: str, is_about: bool) -> None:
    assert _is_spoken_of(text, [word]) == is_about


def test_few_failures_have_much_in_common_by_chance_so_few_words_must_do() -> None:
    odd = case(d="d1x2", s="s2x1", bias="bias")
    rest = [case(d="d1x2"), case(s="s2x1"), case(bias="bias"), case(d="d1x2", bias="bias"), case(s="s2x1", bias="bias")]
    rest += [case(d="d1x2", s="s2x1", n="n2", bias="bias", size="9x8")]
    assert only_where([odd], [*rest, odd], "") is None
    two = only_where([odd, odd], [case(d="d1x2", bias="bias"), case(s="s2x1", bias="bias")], "")
    assert two is not None
    assert set(two.tests) == {"dilation_w > 1", "stride_h > 1"}


@pytest.mark.parametrize(("failures", "joined"), [(16, 5), (15, None), (1 << 10, 5)])
def test_the_more_fail_the_more_conditions_are_joined_up_to_five(failures: int, joined: int | None) -> None:
    parts = {"bias": "bias", "dtype": "f64", "data": "real", "layout": "strided", "n": "n5", "k": "k2x3"}
    lacking = [case(**{name: word for name, word in parts.items() if name != left_out}) for left_out in parts]
    found = only_where([case(**parts)] * failures, [*lacking] * (1 if joined else 2), "")
    assert (found and (len(found.tests), found.passing)) == (joined and (joined, 1))


def test_of_four_conditions_no_two_are_fitted() -> None:
    parts, others = (
        {"bias": "bias", "dtype": "f64", "n": "n5", "c": "c5"},
        {"bias": "", "dtype": "f32", "n": "n4", "c": "c6"},
    )
    lacking = [case(**parts | {name: word}) for name, word in others.items()]
    found = only_where([case(**parts)] * 16, lacking, "")
    assert (
        found is not None
    )  # an odd batch and odd channels, or numbers of them, are not both asked for beside two words
    assert (len(found.tests), found.passing) == (3, 1)


WITH_EXCEPTIONS = {
    1: "only where dilation_w > 1 (1 such case passes)",
    2: "only where dilation_w > 1 (2 such cases pass)",
}


def test_a_few_exceptions_are_counted() -> None:
    failing, passing = [case(d="d1x2", size=f"{height}x12") for height in range(5, 15)], [case(), case(d="d2x1")]
    excepted = case(d="d1x2", size="5x12")
    assert str(only_where(failing, [*passing, excepted], "dilation-w")) == WITH_EXCEPTIONS[1]
    assert str(only_where(failing, [*passing, excepted, excepted], "dilation-w")) == WITH_EXCEPTIONS[2]
    assert only_where(failing, [*passing, *[excepted] * 3], "dilation-w") is None  # more than one for five that fail


def test_what_was_drawn_to_refute_a_condition_weighs_more_than_what_passes() -> None:
    # Of what each lets through, bit 0 is an experiment, and bits 1 and 2 are other cases that pass.
    refuted, excepted = "stride > 1", "groups > 1"
    left = {refuted: 0b001, excepted: 0b110}
    assert _fewest([*left], left, 0b111, 0b001, 1) == (excepted,)
    assert _fewest([*left], left, 0b111, 0b000, 1) == (refuted,)
    assert _fewest([*left], left, 0b111, 0b001, 2) == (refuted, excepted)  # which let nothing through together


@pytest.mark.parametrize(
    ("left", "longest", "chosen"),
    [
        # Of three passing cases any one lets two through, any two let one, and all of them none.
        ((0b011, 0b101, 0b110), 1, [0]),
        ((0b011, 0b101, 0b110), 2, [0, 1]),
        ((0b011, 0b101, 0b110), 3, [0, 1, 2]),
        # Two do, and let another case through, that passes whatever the condition: the third would let none.
        ((0b1011, 0b1100, 0b0111), 3, [0, 1]),
        ((), 3, []),
    ],
)
def test_a_third_condition_is_joined_where_two_let_too_much_through(
    left: tuple[int, ...], longest: int, chosen: list[int]
) -> None:
    names = ["stride > 1", "groups > 1", "dilation > 1"][: len(left)]
    found = _fewest(names, dict(zip(names, left, strict=True)), 0b111, 0b000, longest)
    assert found == tuple(names[place] for place in chosen)


def test_a_number_is_chosen_where_three_words_would_have_to_be_joined() -> None:
    left = {"stride > 1": 0b011, "groups > 1": 0b101, "dilation > 1": 0b110, "output < 11": 0b000}
    assert _fewest([*left], left, 0b111, 0b000, 3) == ("output < 11",)


@pytest.mark.parametrize(
    ("passing", "chosen"),
    [
        ([{}], [True, True, True, False]),  # stride_w > 1
        ([{"s": "s1x2"}], [True, False, False, True]),  # dilation_w > 1
        ([{"s": "s1x2"}, {"d": "d1x3"}], [True, False, False, False]),  # both
        ([{"s": "s1x2", "d": "d1x3"}, {"d": "d1x3"}, {"s": "s1x2"}], [False] * 4),
    ],
)
def test_the_condition_that_most_failures_meet_may_be_of_two(passing: list[dict[str, str]], chosen: list[bool]) -> None:
    failing = [{"s": "s1x2", "d": "d1x3"}, {"s": "s1x2"}, {"s": "s1x2"}, {"d": "d1x3"}]
    assert widest([case(**each) for each in failing], [case(**each) for each in passing]) == chosen


def test_how_a_condition_reads() -> None:
    assert str(Condition({"stride > 1": TESTS["stride > 1"]})) == "only where stride > 1"
    assert str(Condition({"stride > 1": TESTS["stride > 1"]}, 1)) == "only where stride > 1 (1 such case passes)"
    assert str(Condition({"stride > 1": TESTS["stride > 1"]}, 2)) == "only where stride > 1 (2 such cases pass)"


@pytest.mark.parametrize(
    ("failing", "passing"), [([], [case()]), ([case()], []), ([case()], [case()]), ([case()] * 10, [case()])]
)
def test_nothing_to_tell_apart(failing: Any, passing: Any) -> None:
    assert only_where(failing, passing, "") is None


def test_what_passes_whatever_the_condition_only_decides_between_equals() -> None:
    """A mistake in the stride that changes nothing where there is one column: it says nothing about the others."""
    failing, telling = [case(s="s2", g="g2"), case(s="s2x1", g="g2")], [case(g="g2")]
    inert = [case(s="s2", o="o8")]
    assert str(only_where(failing, telling, "")) == "only where stride_h > 1"
    assert str(only_where(failing, [], "", inert=[case(), *inert])) == "only where groups > 1"
    both = only_where(failing, telling, "", inert=[case(s="s2x1")])
    assert both is not None
    assert set(both.tests) == {"stride_h > 1", "groups > 1"}


def test_where_nothing_passes_that_could_fail_no_number_and_no_tile_is_fitted() -> None:
    failing, larger, eight = [case(size="8x9")], [case(size="8x13")], [case(size="8x9", o="o8")]
    assert str(only_where(failing, larger, "")) == "only where output < 11"
    assert only_where(failing, [], "", inert=larger) is None
    assert str(only_where(failing, eight, "")) == "only where outputs are no multiple of 4"
    assert only_where(failing, [], "outputs-lost", inert=eight) is None
    assert str(only_where(failing, [], "outputs-beyond-4", inert=eight)) == "only where outputs are no multiple of 4"
    assert str(only_where([case(bias="bias")], [], "", inert=[case()])) == "only where there is a bias"
    assert only_where([case(dtype="f64")], [], "sum", inert=[case()]) is None
    assert str(only_where([case(dtype="f64")], [], "type-ignored", inert=[case()])) == "only where the type is float64"


def test_nothing_is_no_limit() -> None:
    empty = find_case("n0-c4-o6-g1-8x9-k3-s1-p0-d1-f32")
    assert "> 0" not in str(only_where([case()], [empty], ""))
