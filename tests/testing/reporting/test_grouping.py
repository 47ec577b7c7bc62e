from __future__ import annotations

from dataclasses import replace
from typing import Any

import kernels
import pytest

from refconv.testing import CaseResult, Comparison, Finding, Outcome, check, find_case
from refconv.testing.comparing.comparison import Obstacle, exception_text
from refconv.testing.diagnosis.shapes import UNKNOWN_SHAPES
from refconv.testing.judging.outcome import Ending
from refconv.testing.judging.symptoms import symptom
from refconv.testing.reporting.grouping import Cause, Group, _is_inert, _is_refused, grouped, valid_case

SMALL = "n1-c1-o1-g1-3x4-k2-s1-p0-d1x2-f32"
LARGE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
OTHER = "n1-c2-o3-g1-5x8-k3-s1-p0x2-d1-f32"
IGNORED = Finding("dilation-ignored", "the dilation is ignored", 4, 4, "D·i", ("x",), "n1")
SWAPPED = Finding("dilation-axes-swapped", "the dilation axes are swapped", reading="D_h·i")
WRONG = Comparison(elements=400, mismatched=4)


def failed(id: str, *findings: Finding, detail: str = "wrong", comparison: Comparison | None = WRONG) -> CaseResult:
    return CaseResult(id, "smoke", Outcome.FAILED, detail, comparison, findings=findings)


def passed(id: str, elements: int = 9) -> CaseResult:
    return CaseResult(id, "smoke", Outcome.PASSED, "", Comparison(elements=elements))


def test_one_cause_for_all_that_it_explains() -> None:
    large, small = failed(LARGE, IGNORED, SWAPPED), failed(SMALL, IGNORED, comparison=replace(WRONG, elements=2))
    (cause,) = grouped((large, small, passed(OTHER)))
    assert cause == Cause(
        "dilation-ignored", "the dilation is ignored", "D·i", "only where dilation_w > 1", (), "", (small, large)
    )
    assert cause.title == "2 cases fail for one reason: the dilation is ignored"
    assert cause.remarks == ["only where dilation_w > 1", "should be: D·i"]


def test_what_explains_all_of_them_as_well_is_named() -> None:
    results = (failed(LARGE, IGNORED, SWAPPED), failed(SMALL, SWAPPED, IGNORED))
    (cause,) = grouped(results)
    assert (cause.code, cause.alternatives) == ("dilation-ignored", ("dilation-axes-swapped",))
    assert cause.condition == ""  # all cases fail
    assert cause.remarks == [
        "should be: D·i",
        "explained as well: the dilation axes are swapped",
        "n1 tells them apart",
    ]


def test_of_several_tiles_that_explain_it_the_one_that_passing_cases_allow_is_named() -> None:
    words = "the input channels beyond the last whole {} of a group are left out of the sum"
    ways = [Finding("input-channel-tail-lost", words.format(step), 4, 4, "all") for step in (16, 8, 4)]
    three, six, eight = (f"n1-c{channels}-o2-g1-5x4-k2-s1-p0-d1-f32" for channels in (3, 6, 8))

    def said(*results: CaseResult) -> str:
        (cause,) = grouped(results)
        assert cause.sentence.startswith("the input channels beyond the last whole ")
        return cause.sentence.split()[7]

    assert said(failed(three, *ways)) == "16"  # nothing tells them apart
    assert said(failed(three, *ways), passed(eight)) == "8"  # as good as 4, which comes later
    assert said(failed(three, *ways), passed(eight), passed(three.replace("c3", "c4"))) == "4"
    assert said(failed(three, *ways), failed(six, *ways[:2]), passed(eight)) == "8"  # which explains all that fail
    assert said(failed(three, *ways), failed(six, ways[0]), passed(eight)) == "16"


SIZED = [
    Finding(code, code) for code in ("stride-ignored", "padding-missing", "padding-halved", "dilation-squared", "bias")
]
OF_ANOTHER_SIZE = Comparison(elements=400, obstacle=Obstacle.SHAPE)


@pytest.mark.parametrize(
    ("counts", "codes"),
    [
        # Three mistakes in sizes may be; of four, each that explains less than a quarter is chance.
        ((1, 1, 1), ["stride-ignored", "padding-missing", "padding-halved"]),
        ((8, 1, 1), ["stride-ignored", "padding-missing", "padding-halved"]),
        ((2, 2, 2, 2), ["stride-ignored", "padding-missing", "padding-halved", "dilation-squared"]),
        ((6, 1, 1, 1), ["stride-ignored", "wrong-shape"]),
        ((3, 3, 2, 1), ["stride-ignored", "padding-missing", "wrong-shape"]),
        ((1, 1, 1, 0, 1), ["stride-ignored", "padding-missing", "padding-halved", "bias"]),  # which is of no such code
    ],
)
def test_sizes_that_many_mistakes_explain_are_explained_by_none(counts: tuple[int, ...], codes: list[str]) -> None:
    findings = [finding for finding, count in zip(SIZED, counts, strict=False) for _ in range(count)]
    results = [
        failed(f"n1-c1-o1-g1-3x{place}-k2-s1-p0-d1x2-f32", finding, comparison=OF_ANOTHER_SIZE)
        for place, finding in enumerate(findings, start=4)
    ]
    assert sorted(cause.code for cause in grouped(tuple(results))) == sorted(codes)
    of_elements = [failed(each.id, replace(each.findings[0], wrong=4, explained=4)) for each in results]
    assert {cause.code for cause in grouped(tuple(of_elements))} == {finding.code for finding in findings}


def test_beside_a_mistake_or_what_stands_everywhere_no_part_of_it_is_named() -> None:
    zeros, rows = Finding("all-zero", "zeros everywhere"), Finding("rows-past-tile-zero", "zeros in row 4")
    for findings, desired in (((IGNORED, rows), ()), ((zeros, rows), ()), ((rows, zeros), ("all-zero",))):
        (cause,) = grouped((failed(LARGE, *findings), failed(SMALL, *findings)))
        assert (cause.code, cause.alternatives) == (findings[0].code, desired)


def test_a_size_that_some_mistake_explains_is_one_more_of_those_that_none_does() -> None:
    one, other = (
        failed(name, finding, comparison=OF_ANOTHER_SIZE)
        for name, finding in zip((SMALL, LARGE), SIZED[:2], strict=True)
    )
    group = Group(symptom(one), (one,), is_explained=False)
    assert group.has(other)
    assert not group.has(
        failed(LARGE, replace(SIZED[0], wrong=4), comparison=OF_ANOTHER_SIZE)
    )  # which tells of elements
    assert not group.has(failed(LARGE, SIZED[0]))  # of the right size
    assert not group.has(passed(LARGE))


def test_the_cause_with_most_failures_comes_first() -> None:
    results = (failed(OTHER, SWAPPED), failed(LARGE, IGNORED), failed(SMALL, IGNORED))
    assert [(cause.code, len(cause.failures)) for cause in grouped(results)] == [
        ("dilation-ignored", 2),
        ("dilation-axes-swapped", 1),
    ]
    unexplained = (failed(OTHER, SWAPPED), failed(LARGE), failed(SMALL))
    assert [cause.code for cause in grouped(unexplained)] == ["dilation-axes-swapped", "unexplained"]  # what is known


@pytest.mark.parametrize(("others", "first"), [(10, "dilation-axes-swapped"), (11, "unexplained")])
def test_what_explains_a_case_among_many_that_nothing_explains_is_no_headline(others: int, first: str) -> None:
    results = (failed(OTHER, SWAPPED), *(failed(LARGE) for _ in range(others)))
    assert grouped(results)[0].code == first


def test_one_failure_is_one_case() -> None:
    (cause,) = grouped((failed(SMALL, SWAPPED),))
    assert cause.title == "1 case fails: the dilation axes are swapped"
    assert cause.remarks == ["should be: D_h·i"]


@pytest.mark.parametrize(
    ("ending", "ended_by", "code", "sentence"),
    [
        (Ending.TIMED_OUT, "", "no-answer", "it gives no answer in time"),
        (Ending.NOT_RUN, "", "no-answer", "it gives no answer in time"),
        (Ending.DIED, "exit status 3", "process-died", "it ends its process, exit status 3"),
        (Ending.RAISED, "ValueError", "raises", "it raises wrong"),
    ],
)
def test_without_a_result_the_ending_is_the_cause(ending: Ending, ended_by: str, code: str, sentence: str) -> None:
    result = replace(failed(SMALL, comparison=None), ending=ending, ended_by=ended_by)
    assert symptom(result) == Finding(code, sentence)
    (cause,) = grouped((result, passed(OTHER)))
    assert (cause.code, cause.sentence) == (code, sentence)


@pytest.mark.parametrize(
    ("comparison", "code", "sentence"),
    [
        (Comparison("...", obstacle=Obstacle.SHAPE), "wrong-shape", "the result has the wrong shape"),
        (Comparison("...", obstacle=Obstacle.DTYPE), "wrong-dtype", "the result has the wrong type: ..."),
        (
            Comparison("None was returned", obstacle=Obstacle.UNREADABLE),
            "no-array",
            "the result cannot be read: None was returned",
        ),
        (WRONG, "unexplained", "numbers are wrong"),
    ],
)
def test_without_a_finding_the_symptom_is_the_cause(comparison: Comparison, code: str, sentence: str) -> None:
    result = failed(SMALL, comparison=comparison)
    assert symptom(result) == Finding(code, sentence)
    (cause,) = grouped((result, passed(OTHER)))
    assert (cause.code, cause.sentence) == (code, sentence)


def test_the_same_symptom_is_one_cause_and_another_exception_is_another() -> None:
    raised = {LARGE: "ValueError", SMALL: "ValueError", OTHER: "TypeError"}
    results = tuple(
        replace(
            failed(name, comparison=None, detail=f"raised {error}: {size} is bad"), ending=Ending.RAISED, ended_by=error
        )
        for size, (name, error) in enumerate(raised.items())
    )
    assert [(cause.sentence, [failure.id for failure in cause.failures]) for cause in grouped(results)] == [
        ("it raises ValueError: # is bad", [SMALL, LARGE]),
        ("it raises TypeError: # is bad", [OTHER]),
    ]


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("sizes (3, 4)", "sizes (#)"),
        ("sizes (5,)", "sizes (#)"),
        ("sizes [np.int64(3), np.int64(-4)] of -1.5", "sizes [#] of #"),
        ("pads=[[1 1] [ 0 2]] here", "pads=[[#]] here"),
        ("pads=[[7 1]] here", "pads=[[#]] here"),
        ("(1, 2), (3,) and [4]", "(#) and [#]"),
    ],
)
def test_numbers_in_a_message_are_blanked_however_many_axes_there_are(text: str, blanked: str) -> None:
    result = replace(failed(SMALL, comparison=None, detail=f"raised E: {text}\n at line 3"), ending=Ending.RAISED)
    assert symptom(result).sentence == f"it raises E: {blanked}"


def test_where_a_long_message_was_cut_tells_nothing() -> None:
    # 300 characters are kept of a message: how far they reach goes by its numbers.
    def said(size: int) -> str:
        error = ValueError(f"{'a' * 100} {[size] * 9} {'b' * 100} {size} {'c' * 200}")
        detail = f"raised {exception_text(error)}"
        return symptom(replace(failed(SMALL, comparison=None, detail=detail), ending=Ending.RAISED)).sentence

    assert said(1) == said(12345678) == f"it raises ValueError: {'a' * 100} [#] {'b' * 63} ..."
    assert symptom(failed(SMALL, comparison=None, detail=f"raised E: {'d' * 177}")).sentence.endswith("d" * 177)


def test_the_smallest_case_is_the_one_with_the_fewest_numbers_in_and_out() -> None:
    names = ["n1-c1-o1-g1-3x9-k2-s1-p9-d1-f32", "n1-c1-o1-g1-5x6-k2-s1-p0-d1-f32", "n1-c1-o1-g1-3x9-k2-s1-p0-d1-f32"]
    outputs = [440, 20, 16]
    results = tuple(
        failed(name, comparison=replace(WRONG, elements=count)) for name, count in zip(names, outputs, strict=True)
    )
    (cause,) = grouped(results)
    assert [failure.id for failure in cause.failures] == [names[2], names[1], names[0]]  # 47, 54 and 471 numbers
    died = failed("n1-c1-o1-g1-6x9-k2-s1-p0-d1-f32", IGNORED, comparison=None)
    alone = failed("n1-c1-o1-g1-3x9-k2-s1-p0-d1-f32", IGNORED)
    assert grouped((alone, died))[0].failures == (died, alone)  # 58 numbers; 31 and 400


def test_a_name_that_is_no_case_is_the_largest_and_has_no_condition() -> None:
    (cause,) = grouped((failed("no case", SWAPPED), failed(SMALL, SWAPPED), passed("nor this"), passed(OTHER)))
    assert [failure.id for failure in cause.failures] == [SMALL, "no case"]
    assert cause.condition == "only where dilation_h != dilation_w"
    assert valid_case(failed("no case")) is None
    assert valid_case(failed("reject-stride-zero")) is None


def test_what_passes_by_being_empty_or_refused_proves_nothing() -> None:
    failing = failed(SMALL, IGNORED)
    empty, refused = passed(LARGE, elements=0), CaseResult(LARGE, "smoke", Outcome.PASSED, "raised ValueError")
    for silent in (empty, refused, replace(passed(LARGE), outcome=Outcome.UNSUPPORTED)):
        (cause,) = grouped((failing, silent, passed(OTHER)))
        assert cause.condition == "only where dilation_w > 1"
    (cause,) = grouped((failing, passed(LARGE, elements=1), passed(OTHER)))
    assert "dilation" not in cause.condition


def test_what_nothing_explains_is_split_by_where_it_happens_and_an_exception_is_not() -> None:
    dilated = [f"n1-c1-o{o}-g1-{h}x9-k2-s1-p0-d2x1-f32" for o in (1, 2) for h in (5, 6, 7)]
    biased = [f"n1-c1-o{o}-g1-{h}x9-k2-s1-p0-d1-bias-f32" for o in (1, 2) for h in (5, 6, 7)]
    right = [passed(f"n1-c1-o{o}-g1-{h}x9-k2-s1-p{p}-d1-f32") for o in (1, 2) for h in (5, 6, 7) for p in (0, 1)]
    wrong = [failed(name) for name in (*dilated, *biased)]
    assert sorted(len(cause.failures) for cause in grouped((*wrong, *right))) == [6, 6]
    raised = [
        replace(
            failed(name, comparison=None, detail="raised ValueError: no"), ending=Ending.RAISED, ended_by="ValueError"
        )
        for name in (*dilated, *biased)
    ]
    assert [len(cause.failures) for cause in grouped((*raised, *right))] == [12]


# Kinds of cases, each of which fails by itself: groups, stride, dilation and bias.
KINDS = (("g1", "s1", "d2x1", ""), ("g1", "s1", "d1", "bias-"), ("g1", "s1x2", "d1", ""), ("g2", "s1", "d1", ""))


def of_kind(groups: str, stride: str, dilation: str, bias: str, count: int = 3) -> list[str]:
    return [f"n1-c2-o2-{groups}-{h}x9-k2-{stride}-p0-{dilation}-{bias}f32" for h in range(5, 5 + count)]


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        ([of_kind(*kind) for kind in KINDS[:2]], [3, 3]),
        ([of_kind(*kind) for kind in KINDS[:3]], [3, 3, 3]),
        ([of_kind(*kind) for kind in KINDS], [12]),  # in more than three parts
        ([of_kind(*KINDS[0]), of_kind(*KINDS[1], count=2)], [5]),  # a part of less than three cases
        ([*(of_kind(*kind) for kind in KINDS[:2]), ["no case"]], [7]),
    ],
)
def test_what_nothing_explains_is_split_into_three_parts_of_three_cases(
    names: list[list[str]], counts: list[int]
) -> None:
    right = [passed(name) for name in of_kind("g1", "s1", "d1", "", count=6)]
    wrong = [failed(name) for each in names for name in each]
    assert [len(cause.failures) for cause in grouped((*wrong, *right))] == counts


@pytest.mark.parametrize(
    ("code", "name", "is_refused"),
    [
        ("padding-missing", "n1-c1-o1-g1-2x9-k3-s1-p1-d1-f32", True),  # 2 rows have no room for 3 taps
        ("padding-missing", "n1-c1-o1-g1-3x9-k3-s1-p1-d1-f32", False),
        ("padding-missing", "no case", False),
        ("a symptom", "n1-c1-o1-g1-2x9-k3-s1-p1-d1-f32", False),
        ("groups-and-dilation-swapped", "conv_transpose2d-n1-c6-o4-g1-6x5-k2x1-s1-p0-d4-f32", True),  # 6 in 4 groups
        ("groups-and-dilation-swapped", "conv_transpose2d-n1-c4-o4-g1-6x5-k2x1-s1-p0-d4-f32", False),
    ],
)
def test_a_mistake_may_have_to_refuse_a_case(code: str, name: str, *, is_refused: bool) -> None:
    group, wrong = Group(Finding(code, "..."), ()), failed(name, comparison=None)
    assert _is_refused(group, replace(wrong, ending=Ending.RAISED)) is is_refused
    assert not _is_refused(group, wrong)  # which gave a result


@pytest.mark.parametrize(("others", "codes"), [(2, ["dilation-ignored", "unexplained"]), (3, ["unexplained"])])
def test_what_explains_a_part_of_half_of_what_nothing_explains_is_a_cause(others: int, codes: list[str]) -> None:
    in_part = replace(IGNORED, is_partial=True)
    results = (failed(SMALL, in_part), failed(LARGE, in_part), *[failed(OTHER)] * others)
    assert [cause.code for cause in grouped(results)] == codes


def test_without_a_result_what_goes_in_makes_a_case_large() -> None:
    names = ["n1-c1-o1-g1-3x9-k2-s1-p0-d1-f32", "n1-c1-o1-g1-5x5-k3-s1-p0-d1-f32"]  # 27 + 4 and 25 + 9 numbers
    (cause,) = grouped(tuple(failed(name, IGNORED, comparison=None) for name in names[::-1]))
    assert [failure.id for failure in cause.failures] == names
    as_large = failed("n1-c1-o1-g1-3x8-k2-s1-p0-d1-f32", IGNORED, comparison=replace(WRONG, elements=3))  # 24 + 4 + 3
    died = failed(names[0], IGNORED, comparison=None)
    assert grouped((died, as_large))[0].failures == (died, as_large)
    assert grouped((as_large, died))[0].failures == (as_large, died)


@pytest.mark.parametrize(
    ("steps", "condition"),
    [
        ((8, 8), "only where output < 20"),
        ((4, 4), ""),  # 20 columns stand where they belong, and say nothing
        ((4, 8), ""),
    ],
)
def test_a_case_is_no_exception_where_the_mistake_changes_nothing_in_one_of_its_ways(
    steps: tuple[int, int], condition: str
) -> None:
    sentences = [f"the rows of a map are stored a whole {step} apart, or several" for step in steps]
    names = [f"n1-c1-o1-g1-5x{width}-k1-s1-p0-d1-f32" for width in (6, 12, 20)]
    findings = [Finding("output-pitch-rounded-up", sentence, 4, 4) for sentence in sentences]
    (cause,) = grouped((*map(failed, names, findings), passed(names[2])))
    assert cause.condition == condition


def test_experiments_confirm_a_condition_or_refute_it_unless_their_data_are_not_plain() -> None:
    def dilated(height: int, data: str = "") -> str:
        return f"n1-c1-o1-g1-{height}x6-k2-s1-p0-d1x2-f32{data}"

    results = tuple(failed(dilated(height), IGNORED) for height in range(3, 8))
    agreeing = (failed(dilated(9), IGNORED), passed("n1-c1-o1-g1-3x6-k2-s1-p0-d1-f32"), failed(LARGE, SWAPPED))
    for experiments, condition, count in (
        (agreeing, "only where dilation_w > 1", 2),
        ((passed(dilated(3, "-nan")),), "only where dilation_w > 1", 1),
        ((passed(dilated(3)),), "", 0),
    ):
        (cause,) = grouped((*results, passed(OTHER)), experiments)
        assert (cause.condition, cause.experiments) == (condition, count)
    (cause,) = grouped((*results, passed(OTHER), passed(dilated(3))), agreeing)
    assert (cause.condition, cause.experiments) == ("only where dilation_w > 1 (1 such case passes)", 0)


def test_nothing_failed_for_no_reason() -> None:
    assert grouped((passed(SMALL),)) == ()


def test_two_mistakes_are_two_causes() -> None:
    def twice_wrong(*arguments: Any) -> Any:
        image, kernel, _, *rest = arguments
        if arguments[4] == "same_upper":
            raise RuntimeError("no such padding")
        return kernels.right(image, kernel, None, *rest)

    bias, raises = check(twice_wrong, "smoke").causes()
    assert (bias.code, bias.condition) == ("bias-missing", "only where there is a bias")
    assert (raises.sentence, raises.condition) == (
        "it raises RuntimeError: no such padding",
        "only where padding is 'same_upper'",
    )


def test_a_cause_is_the_same_in_another_process() -> None:
    here = check(kernels.none_when_dilated, "smoke").causes()
    there = check("kernels:none_when_dilated", "smoke").causes()
    assert [(cause.code, cause.sentence, cause.condition) for cause in here] == [
        (cause.code, cause.sentence, cause.condition) for cause in there
    ]
    # what it asks is dilation == (2, 3)
    assert here[0].condition == (
        "only where dilation_h as given < 3 and dilation_w as given > 2 and dilation_h > 1, even of one tap"
    )


BOX = Finding("some-rows", "it is wrong in rows 1, 2", 4, 4, is_place=True)
OTHER_BOX = Finding("one-row", "it is wrong in row 0 alone", 4, 4, is_place=True)
TILE = Finding("rows-past-tile", "it is wrong in the rows past the last whole tile of 4", 4, 4, is_place=True)


def codes_of(*findings: Finding) -> list[tuple[str, int]]:
    results = tuple(failed(SMALL, finding) for finding in findings)
    return [(cause.code, len(cause.failures)) for cause in grouped(results)]


def test_boxes_that_differ_from_case_to_case_are_no_reason_but_what_most_have_is() -> None:
    assert codes_of(BOX, BOX) == [("some-rows", 2)]
    third = replace(BOX, code="some-columns")
    assert codes_of(BOX, OTHER_BOX, third) == [("unexplained", 3)]
    assert codes_of(BOX, BOX, BOX, OTHER_BOX, third) == [("some-rows", 5)]
    assert codes_of(BOX, OTHER_BOX) == [("some-rows", 2)]  # half each


def test_what_most_of_them_have_is_said_with_their_number() -> None:
    places = [*[TILE] * 5, BOX, OTHER_BOX, replace(TILE, code="columns-past-tile")]
    (cause,) = grouped(tuple(failed(SMALL, place) for place in places))
    assert (cause.code, len(cause.failures)) == ("rows-past-tile", 8)
    assert cause.sentence == "in 5, it is wrong in the rows past the last whole tile of 4"


def test_a_place_in_the_same_words_is_taken_before_one_of_the_same_kind() -> None:
    eight = replace(TILE, sentence="it is wrong in the rows past the last whole tile of 8")
    (cause,) = grouped(tuple(failed(SMALL, *places) for places in [(eight, TILE)] * 2 + [(TILE,)] * 2))
    assert cause.sentence == TILE.sentence
    (cause,) = grouped(tuple(failed(SMALL, place) for place in (eight, TILE, eight, BOX)))
    assert cause.sentence == f"in 2, {eight.sentence}"  # half of them
    (cause,) = grouped(tuple(failed(SMALL, place) for place in (eight, TILE, replace(TILE, sentence="..."))))
    assert cause.code == TILE.code


def test_what_follows_no_rule_is_said_with_the_place_that_all_have() -> None:
    lost = Finding("traced-lost", "nothing is read by 3 of 9 taps", is_traced=True, reading="...")
    (cause,) = grouped((failed(SMALL, lost, TILE), failed(LARGE, TILE)))
    assert (cause.code, cause.sentence) == (lost.code, f"{TILE.sentence}: {lost.sentence}")
    (cause,) = grouped((failed(SMALL, lost, TILE), failed(LARGE, TILE), failed(OTHER)))
    assert cause.sentence == lost.sentence  # not all of them
    rule = Finding("traced-rows", "row = 2·p, should be p", is_traced=True)
    (cause,) = grouped((failed(SMALL, rule, TILE), failed(LARGE, TILE)))
    assert cause.sentence == rule.sentence


@pytest.mark.parametrize("code", UNKNOWN_SHAPES)
def test_wrong_shapes_are_told_apart_by_what_is_wrong_in_them(code: str) -> None:
    problem = Comparison("...", obstacle=Obstacle.SHAPE)
    (cause,) = grouped((failed(SMALL, Finding(code, "the shape is ..."), comparison=problem), passed(OTHER)))
    assert (cause.code, cause.sentence) == (code, UNKNOWN_SHAPES[code])


def test_what_stands_in_a_box_is_a_reason() -> None:
    zeros = [
        Finding(code, "zeros stand there", 4, 4) for code in ("some-rows-zero", "one-row-zero", "some-columns-zero")
    ]
    assert [code for code, _ in codes_of(*zeros)] == ["some-rows-zero", "one-row-zero", "some-columns-zero"]


def test_shapes_that_nothing_explains_are_one_reason_without_numbers() -> None:
    shapes = [Finding("wrong-shape", f"the shape is (1, {n})", reading="shape (1, 2)") for n in (3, 4)]
    problem = Comparison("shape (1, 3), where (1, 2) was expected", obstacle=Obstacle.SHAPE)
    results = tuple(failed(SMALL, shape, comparison=problem) for shape in shapes)
    (cause,) = grouped(results)
    assert (cause.code, cause.sentence, cause.reading) == ("wrong-shape", "the result has the wrong shape", "")


def test_nothing_explains_in_the_title() -> None:
    (one,) = grouped((failed(SMALL),))
    assert one.title == "1 case fails, and nothing explains it: numbers are wrong"
    (two,) = grouped((failed(SMALL), failed(LARGE)))
    assert two.title == "2 cases fail, and nothing explains it: numbers are wrong"


@pytest.mark.parametrize(
    ("code", "name", "is_inert"),
    [
        ("all-zero", "n1-c1-o1-g1-1x1-k1-s1x2-p0x1-d1-f32", True),  # both windows lie in the padding
        ("all-zero", "n1-c1-o1-g1-1x1-k1-s1x2-p0x1-d1-bias-f32", False),
        ("traced-several", "n1-c1-o1-g1-1x9-k1-s2-p1-d1-bias-f32", True),  # the row is between two windows
        ("unexplained", "n1-c1-o1-g1-1x9-k1-s2-p1-d1-f32", True),
        ("traced-several", "n1-c1-o1-g1-1x9-k1-s1-p1-d1-f32", False),
        ("all-bias-alone", "n1-c1-o1-g1-1x1-k1-s1x2-p0x1-d1-bias-f32", True),
        ("all-bias-alone", "n1-c1-o1-g1-1x1-k1-s1-p0x1-d1-bias-f32", False),  # the one between is the pixel
    ],
)
def test_an_output_that_was_left_as_it_was_is_right_where_windows_hold_nothing(
    code: str, name: str, is_inert: bool
) -> None:
    assert _is_inert(code, frozenset(), find_case(name)) == is_inert
