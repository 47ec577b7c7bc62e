from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from refconv.testing import find_case
from refconv.testing.reporting.reads import reads_of

CASE = find_case("n2-c4-o6-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")


def taps(code: str, place: tuple[int, ...], name: str = CASE.id) -> list[dict[str, tuple[int, int]]]:
    """Return for each figure, as it was read and as it should be, the pixel under each tap."""
    figures = ET.fromstring(f"<div>{reads_of(find_case(name), code, place)}</div>").findall("figure")
    found = []
    for figure in figures:
        tips = [title.text or "" for title in figure.iter("title")]
        read = [re.fullmatch(r"\[(\d+), (\d+)\]: tap \((.*)\)", tip) for tip in tips]
        found.append({match[3]: (int(match[1]), int(match[2])) for match in read if match})
    return found


def test_a_flipped_kernel_reads_the_same_pixels_through_other_taps() -> None:
    # rows 2·2 + i − 1 = 3, 4 and columns 3 + 2·j = 3, 5, 7
    read, should = taps("kernel-flipped", (1, 5, 2, 3))
    assert should == {f"{i},{j}": (3 + i, 3 + 2 * j) for i in range(2) for j in range(3)}
    assert read == {f"{i},{j}": (4 - i, 7 - 2 * j) for i in range(2) for j in range(3)}


def test_what_falls_into_the_padding_is_counted() -> None:
    read, should = taps("padding-missing", (0, 0, 0, 0))
    assert should == {f"1,{j}": (0, 2 * j) for j in range(3)}
    assert read == {f"{i},{j}": (i, 2 * j) for i in range(2) for j in range(3)}
    drawn = reads_of(CASE, "padding-missing", (0, 0, 0, 0))
    assert re.findall(r"the input; (.*?)<", drawn) == ["no taps in the padding", "3 taps in the padding"]


def test_without_a_batch_axis() -> None:
    read, should = taps("dilation-ignored", (5, 2, 3), CASE.id.removeprefix("n2-"))
    assert read == {f"{i},{j}": (3 + i, 3 + j) for i in range(2) for j in range(3)}
    assert should["1,2"] == (4, 7)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("bias-missing", CASE.id),  # the same is read
        ("columns-past-tile-zero", CASE.id),  # no named mistake
        ("kernel-flipped", "conv_transpose2d-n1-c1-o1-g1-4x5-k2-s1-p0-d1-f32"),
        ("kernel-flipped", "n1-c1-o1-g1-5x17-k2-s1-p0-d1-f32"),  # too wide
        ("kernel-flipped", "n1-c1-o1-g1-9x9-k9x8-s1-p0-d1-f32"),  # too many taps
    ],
)
def test_nothing_is_drawn_where_there_is_nothing_to_see(code: str, name: str) -> None:
    assert reads_of(find_case(name), code, (0, 0, 0, 0)) == ""
