"""Cases like a given one: in each one parameter is another, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from refconv.testing import Case
from refconv.testing.battery.names import parse_case
from refconv.testing.reporting.variations import EXPERIMENT, plainer, variations, with_quantity

CASE = "n2-c6-o10-g2-7x9-k3x2-s2x1-p1-d1x2-bias-f64-real-strided"
TRANSPOSED = "conv_transpose1d-n2-c6-o10-g2-7-k3-s3-p1-e2-d2-f32"


def changes(name: str, found: Iterable[Case]) -> list[str]:
    """Return the words of a name that each case has no more, and those that it has instead."""
    here = name.split("-")
    texts = []
    for case in found:
        assert case.family == EXPERIMENT
        there = case.id.split("-")
        lost, new = ("-".join(word for word in one if word not in two) for one, two in [(here, there), (there, here)])
        texts.append(f"{lost}>{new}")
    return texts


@pytest.mark.parametrize(
    ("name", "desired"),
    [
        (
            CASE,
            [
                *("strided>", "real>", "f64>f32", "bias>", "n2>n1", "o10>o2", "c6>c2", "c6-o10-g2>c3-o5-g1"),
                *("p1>p0", "d1x2>d1", "s2x1>s1", "k3x2>k1"),
                *("d1x2>d1", "s2x1>s1", "k3x2>k1x2", "k3x2>k3x1"),
                "7x9>5x4",  # a reach of 1·2 + 1 and of 2·1 + 1, and one stride more
            ],
        ),
        (
            TRANSPOSED,
            # not a stride of 1, with which an output padding of 2 is refused; and 7 pixels are less than 2·2 + 1 + 3
            ["n2>n1", "o10>o2", "c6>c2", "c6-o10-g2>c3-o5-g1", "e2>", "p1>p0", "d2>d1", "k3>k1", "d2>d1", "k3>k1"],
        ),
        ("n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32", []),
        ("n2-c1-o1-g1-1x1-k1-s1-p0-d1-f32", ["n2>n1"]),  # to one product
        ("n1-c1-o1-g1-9x2-k1x2-s3x1-p0-d1-f32", ["s3x1>s1", "k1x2>k1", "s3x1>s1", "k1x2>k1", "9x2>4x2"]),
    ],
)
def test_each_parameter_is_made_as_plain_as_it_may_be_and_then_the_image_small(name: str, desired: list[str]) -> None:
    assert changes(name, plainer(parse_case(name, ""))) == desired


@pytest.mark.parametrize(
    ("name", "desired"),
    [
        (
            CASE,
            [
                *("n2>n1", "n2>n3", *(f"c6>c{2 * n}" for n in (1, 2, 4, 6, 8, 12, 16))),
                *(f"o10>o{2 * n}" for n in (1, 2, 3, 4, 6, 8, 12, 16)),
                *("c6-o10-g2>c3-o5-g1", "c6-o10-g2>c9-o15-g3", "c6-o10-g2>c60-o100-g20"),
                *("7x9>8x10", "7x9>9x11", "7x9>14x16", "7x9>10x9", "7x9>7x12", "7x9>3x9", "7x9>7x3"),
                *(
                    "k3x2>k1",
                    "k3x2>k2",
                    "k3x2>k3",
                    "k3x2>k1x2",
                    "k3x2>k2",
                    "k3x2>k5x2",
                    "k3x2>k3x1",
                    "k3x2>k3",
                    "k3x2>k3x5",
                ),
                *(
                    "s2x1>s1",
                    "s2x1>s2",
                    "s2x1>s3",
                    "s2x1>s1",
                    "s2x1>s3x1",
                    "s2x1>s5x1",
                    "s2x1>s2",
                    "s2x1>s2x3",
                    "s2x1>s2x5",
                ),
                *("d1x2>d1", "d1x2>d2", "d1x2>d3", "d1x2>d2", "d1x2>d3x2", "d1x2>d1", "d1x2>d1x3", "d1x2>d1x5"),
                *("p1>p0", "p1>p2", "p1>psame_upper", "p1>psame_lower", "p1>pvalid", "p1>p0+1x1+1"),
                *("bias>", "f64>f16", "f64>f32", "real>", "strided>", "strided>fortran"),
            ],
        ),
        (
            TRANSPOSED,
            [
                *("n2>n1", "n2>n3", *(f"c6>c{2 * n}" for n in (1, 2, 4, 6, 8, 12, 16))),
                *(f"o10>o{2 * n}" for n in (1, 2, 3, 4, 6, 8, 12, 16)),
                *("c6-o10-g2>c3-o5-g1", "c6-o10-g2>c9-o15-g3", "c6-o10-g2>c60-o100-g20"),
                *("7>8", "7>9", "7>14", "7>10", "7>5"),
                *("k3>k1", "k3>k2", "k3>k1", "k3>k2", "k3>k5", "s3>s5"),
                *("d2>d1", "d2>d3", "d2>d1", "d2>d3", "d2>d5"),
                *("p1>p0", "p1>p2", "p1>psame_upper", "p1>psame_lower", "p1>pvalid", "p1>p0+1"),
                *(">bias", "f32>f16", ">real", ">strided", ">fortran"),
            ],
        ),
    ],
)
def test_each_parameter_is_another_one_in_turn(name: str, desired: list[str]) -> None:
    assert changes(name, variations(parse_case(name, ""), ("f16", "f32"))) == desired


def test_a_dilation_is_tried_with_two_taps_where_there_is_one() -> None:
    case = parse_case("n1-c1-o1-g1-9x9-k1x3-s1-p0-d1-f32", "")
    assert changes(case.id, variations(case, ()))[-2:] == ["k1x3-d1>k2x3-d2", "k1x3-d1>k2x3-d3"]


@pytest.mark.parametrize(
    ("name", "number", "changed"),
    [
        ("C·K", 65, "c4>c20"),  # 65 // (2·3) = 10 channels in each of 2 groups
        ("C·K", 5, "c4>c2"),
        ("channels", 9, "c4>c8"),
        ("channels", 1, "c4>c2"),
        ("outputs", 9, "o6>o8"),
        ("outputs", 1, "o6>o2"),
        ("channels per group", 5, "c4>c10"),
        ("outputs per group", 5, "o6>o10"),
        ("batch", 4, "n1>n4"),
        ("groups", 3, "c4-o6-g2>c6-o9-g3"),
        ("pixels in an image", 47, "8x9>8x5"),
        ("pixels in an image", 7, None),  # a kernel of 3 at every second pixel is on no image that is 1 wide
        ("kernel_w", 5, "8x9-k2x3>8x13-k2x5"),  # 9 + 2·(5 − 3)
        ("kernel_h", 1, "8x9-k2x3>7x9-k1x3"),
        ("kernel", 4, "8x9-k2x3>10x11-k4"),
        ("stride_h", 3, "s2x1>s3x1"),
        ("stride", 3, "s2x1>s3"),
        ("dilation_w", 3, "d1x2>d1x3"),
        ("size_h", 3, "8x9>3x9"),
        ("output_h", 9, "8x9>16x9"),  # it is (8 + 2 − 2) // 2 + 1 = 5: 4 more, 2 pixels each
        ("output_w", 9, "8x9>8x13"),  # it is 9 − 2·2 = 5
        ("batch", 0, None),
        ("nothing of the kind", 3, None),
    ],
)
def test_a_quantity_is_brought_to_a_number_by_one_parameter(name: str, number: int, changed: str | None) -> None:
    case = "n1-c4-o6-g2-8x9-k2x3-s2x1-p1x0-d1x2-f32"
    found = with_quantity(parse_case(case, ""), name, number)
    assert changes(case, [found] if found else []) == ([changed] if changed else [])


@pytest.mark.parametrize(
    ("case", "name", "changed"),
    [
        ("n1-c1-o1-g1-8x9-k1-s1-p0-d1-f32", "pixels in an image", "8x9>8x1"),  # 1 // 8 is none
        ("conv1d-n1-c1-o1-g1-4-k1-s1-p0-d1-f32", "pixels in an image", "4>1"),
        ("conv1d-n1-c1-o1-g1-2-k3-s1-p2-d2-f32", "kernel", "2-k3>1-k1"),  # 2 + 2·(1 − 3) is none
        ("conv1d-n1-c1-o1-g1-4-k3-s3-p3-d1-f32", "output", "4>1"),  # (4 + 6 − 3) // 3 + 1 = 3: 2 less, 3 pixels each
        (TRANSPOSED, "output", None),
    ],
)
def test_an_image_has_a_pixel_left_and_of_a_transposed_convolution_no_output_is_asked(
    case: str, name: str, changed: str | None
) -> None:
    found = with_quantity(parse_case(case, ""), name, 1)
    assert changes(case, [found] if found else []) == ([changed] if changed else [])


def test_both_sides_of_each_axis_are_padded_in_turn_or_the_right_one_alone() -> None:
    name = "conv3d-n1-c1-o1-g1-4x5x6-k1-s1-p0-d1-f32"
    assert "p0>p0+1x1+1x0+1" in changes(name, variations(parse_case(name, ""), ()))


def test_no_case_has_more_than_16_million_products() -> None:
    case = parse_case("conv1d-n1-c4096-o1-g1-1-k1-s1-p0-d1-f32", "")
    assert with_quantity(case, "outputs", 1 << 12) is not None  # 2^12·2^12
    assert with_quantity(case, "outputs", (1 << 12) + 1) is None
