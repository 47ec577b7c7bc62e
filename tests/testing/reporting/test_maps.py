from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.reporting.maps import _short, maps_of, strip_of

DIFFERENCE = "actual − desired"

EXCERPT = Excerpt(
    "image 0, channel 0", 3, 5, ((1.0, -4.0), (0.0, math.nan)), ((1.0, 2.0), (0.0, 8.0)), ((0.0, math.inf), (0.5, 1e3))
)


def parsed(excerpt: Excerpt) -> list[ET.Element]:
    """Return the figures: what is drawn must be well-formed."""
    return ET.fromstring(maps_of(excerpt)).findall("figure")


def cells(figure: ET.Element) -> list[tuple[str, str, float, str]]:
    """Return each cell's tooltip, colour, opacity and text."""
    found = []
    for cell in figure.iter("g"):
        ground, colour = cell.findall("rect")
        assert ground.get("class") == "ground"
        assert [ground.get(key) for key in ("x", "y")] == [colour.get(key) for key in ("x", "y")]
        text = cell.findtext("text") or ""
        found.append(
            (cell.findtext("title") or "", colour.get("class") or "", float(colour.get("fill-opacity") or 0), text)
        )
    return found


def test_three_maps_side_by_side() -> None:
    assert [figure.findtext("figcaption/b") for figure in parsed(EXCERPT)] == ["actual", "desired", DIFFERENCE]
    assert [figure.find("svg").get("aria-label") for figure in parsed(EXCERPT)] == [  # type: ignore[union-attr]
        "actual",
        "desired",
        DIFFERENCE,
    ]


def test_values_are_coloured_by_sign_and_size_on_one_scale() -> None:
    actual, desired, _ = parsed(EXCERPT)
    assert cells(actual) == [
        ("[3, 5]: 1", "above", 0.081, "1"),  # 0.65 · 1/8
        ("[3, 6]: -4", "below", 0.325, "-4"),
        ("[4, 5]: 0", "above", 0.0, "0"),
        ("[4, 6]: nan", "above", 0.65, "nan"),
    ]
    assert [cell[2] for cell in cells(desired)] == [0.081, 0.163, 0.0, 0.65]
    assert actual.findtext("small") == "blue below 0, orange above, full at ±8"


def test_differences_are_signed_and_coloured_by_their_size_where_they_are_wrong() -> None:
    differences = parsed(EXCERPT)[2]
    assert cells(differences) == [
        ("[3, 5]: right", "above", 0.0, "·"),
        ("[3, 6]: -6", "below", 0.65, "-6"),
        ("[4, 5]: right", "above", 0.0, "·"),
        ("[4, 6]: +nan, 1e+03 × its bound", "above", 0.65, "nan"),
    ]
    assert differences.findtext("small") == "· right; + too much, − too little, full at ±6"


@pytest.mark.parametrize(
    ("found", "ratio", "colour", "opacity", "text", "tip"),
    [
        (5.0, 1.0, "above", 0.0, "·", "right"),  # at its bound
        (5.0, 1.001, "above", 0.163, "+2", "+2, 1 × its bound"),  # 0.65 · 2/8
        (4.0, math.inf, "above", 0.15, "+1", "+1"),  # 0.65 · 1/8 would not be seen
        (1.0, 12.5, "below", 0.163, "-2", "-2, 12.5 × its bound"),
        (math.inf, math.inf, "above", 0.65, "+inf", "+inf"),
        (-math.inf, math.inf, "below", 0.65, "-inf", "-inf"),
    ],
)
def test_a_difference_beside_the_largest(
    found: float, ratio: float, colour: str, opacity: float, text: str, tip: str
) -> None:
    figure = parsed(Excerpt("", 0, 0, ((found, 11.0),), ((3.0, 3.0),), ((ratio, 2.0),)))[2]
    assert cells(figure) == [
        (f"[0, 0]: {tip}", colour, opacity, text),
        ("[0, 1]: +8, 2 × its bound", "above", 0.65, "+8"),
    ]


def test_the_worst_error_is_said_in_bounds() -> None:
    figure = parsed(Excerpt("", 0, 0, ((4.0, 11.0),), ((3.0, 3.0),), ((12.5, 2.0),)))[2]
    assert (figure.findtext("small") or "").endswith("full at ±8; the worst is 12.5 × its bound")


def test_wrong_elements_of_every_map() -> None:
    shown = Excerpt("", 0, 0, (), (), (), ((0, 3, 4), (0, 0, 12)))
    assert cells(ET.fromstring(strip_of(shown))) == [
        ("[0, 0]: 0 wrong", "wrong", 0.0, "·"),
        ("[0, 1]: 3 wrong", "wrong", 0.163, "3"),
        ("[0, 2]: 4 wrong", "wrong", 0.217, "4"),
        ("[1, 0]: 0 wrong", "wrong", 0.0, "·"),
        ("[1, 1]: 0 wrong", "wrong", 0.0, "·"),
        ("[1, 2]: 12 wrong", "wrong", 0.65, "12"),
    ]
    assert [strip_of(Excerpt("", 0, 0, (), (), (), wrong)) for wrong in ((), ((7,),), ((1,) * 513,))] == ["", "", ""]


def test_indices_stand_at_the_edges() -> None:
    actual = parsed(EXCERPT)[0]
    assert [text.text for text in actual.iter("text") if text.get("class") == "index"] == ["5", "6", "3", "4"]


def test_cells_lie_beside_each_other_and_fill_the_drawing() -> None:
    svg = parsed(EXCERPT)[0].find("svg")
    assert svg is not None
    assert svg.get("viewBox") == "0 0 110 110"  # a margin of 30, and 2 cells of 40
    assert [(rect.get("x"), rect.get("y")) for rect in svg.iter("rect") if rect.get("class") == "ground"] == [
        ("30", "30"),
        ("70", "30"),
        ("30", "70"),
        ("70", "70"),
    ]


@pytest.mark.parametrize(("columns", "has_numbers"), [(9, True), (10, False)])
def test_wide_maps_have_marks_and_no_numbers(columns: int, has_numbers: bool) -> None:
    actual, _, errors = parsed(
        Excerpt(
            "image 0, channel 0", 0, 0, ((7.0,) * columns,), ((5.0,) * columns,), ((0.0, 5.0) + (9.0,) * (columns - 2),)
        )
    )
    assert {cell[3] for cell in cells(actual)} == ({"7"} if has_numbers else {""})
    assert [cell[3] for cell in cells(errors)][:2] == (["·", "+2"] if has_numbers else ["·", "+"])
    assert cells(actual)[0][0] == "[0, 0]: 7"


def test_zeros_have_no_colour() -> None:
    zeros = ((0.0,),)
    assert [cells(figure)[0][2] for figure in parsed(Excerpt("image 0, channel 0", 0, 0, zeros, zeros, zeros))] == [
        0,
        0,
        0,
    ]


def test_infinities_do_not_set_the_scale() -> None:
    actual = parsed(Excerpt("image 0, channel 0", 0, 0, ((-math.inf, 2.0),), ((1.0, 2.0),), ()))[0]
    assert [(cell[1], cell[2]) for cell in cells(actual)] == [("below", 0.65), ("above", 0.65)]
    assert actual.findtext("small") == "blue below 0, orange above, full at ±2"


def test_without_errors_or_without_a_result_there_are_fewer_maps() -> None:
    rows = ((1.0,),)
    titles = [
        [figure.findtext("figcaption/b") for figure in parsed(Excerpt("image 0, channel 0", 0, 0, actual, rows, ()))]
        for actual in (rows, ())
    ]
    assert titles == [["actual", "desired"], ["desired"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-1698.0, "-1698"),
        (2.1915435791, "2.192"),
        (-0.001234567, "-1.2e-3"),
        (123456.0, "1.2e5"),
        (1e-12, "1e-12"),
        (-1.5e-12, "-1.5e-12"),
        (-1.5e300, "-1.5e300"),
        (2e6, "2e6"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert _short(value) == text


def test_colours_are_those_of_the_page() -> None:
    classes = set(re.findall(r'class="(\w+)"', maps_of(EXCERPT)))
    assert classes == {"maps", "ground", "above", "below", "index"}
