from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import conv2d
from refconv.analysis import Conv, ConvTranspose, Layers, Parallel, Pool, Upsample
from refconv.analysis.footprint import footprint
from refconv.analysis.gridding import Gridding, gridding


def stack(*rates: int) -> list[Conv]:
    return [Conv(3, dilation=rate) for rate in rates]


# mission.md, section 3: rates, receptive field, positions used along one axis, pixels used in 2-D.
STACKS = [
    ((1, 1, 1), 7, 7, 49),
    ((2, 2, 2), 13, 7, 49),
    ((1, 2, 3), 13, 13, 169),
    ((1, 2, 5), 17, 17, 289),
    ((1, 2, 9), 25, 21, 441),
    ((2, 4, 8), 29, 15, 225),
    ((1, 2, 4, 8), 31, 31, 961),
    ((1, 2, 5, 9), 35, 35, 1225),
    ((5, 9, 17), 63, 27, 729),
    ((1, 2, 5, 9, 5, 9, 17), 97, 97, 9409),
    ((2, 3), 11, 9, 81),
    ((1, 2, 8), 23, 21, 441),
    ((1, 3, 9), 27, 27, 729),
    ((6, 12, 18), 73, 13, 169),
]


@pytest.mark.parametrize(("rates", "size", "used", "pixels"), STACKS, ids=str)
def test_the_coverage_of_published_stacks(rates: tuple[int, ...], size: int, used: int, pixels: int) -> None:
    grid = gridding(stack(*rates))
    assert (grid.height.size, grid.width.size) == (size, size)
    assert (grid.height.used, grid.width.used) == (used, used)
    assert grid.coverage == Fraction(pixels, size * size)
    assert grid.hole_free == (used == size)
    assert len(grid.holes) == size * size - pixels


def test_how_often_each_pixel_is_used() -> None:
    # mission.md, section 3: r=1,1,1 and the same numbers with zeros between for r=2,2,2; 49 in the centre in 2-D.
    assert gridding(stack(1, 1, 1)).height.counts == (1, 3, 6, 7, 6, 3, 1)
    assert gridding(stack(2, 2, 2)).width.counts == (1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1)
    assert footprint(stack(1, 1, 1)).counts[3, 3] == 49


def test_full_coverage_is_not_even_use() -> None:
    # mission.md, section 3: centre against largest axis count.
    for rates, centre, largest in (((1, 2, 4), 1, 3), ((1, 2, 4, 8), 1, 5)):
        use = gridding(stack(*rates)).height
        assert (use.centre, use.largest) == ((centre,), largest)
    assert set(gridding(stack(1, 3, 9)).height.counts) == {1}


def test_the_true_largest_gap() -> None:
    # mission.md, section 3: M_1=3 of 1,2,9.
    grid = gridding(stack(1, 2, 9))
    assert grid.largest_gap == (3, 3)
    assert grid.hdc is not None
    assert grid.hdc.max_distances[0] == 3


def test_two_axes_that_differ() -> None:
    grid = gridding([Conv((2, 3)), Conv((3, 2), dilation=(3, 2))])
    assert grid.height.counts == (1, 1, 0, 1, 1, 0, 1, 1)
    assert grid.width.counts == (1, 1, 2, 1, 1)
    assert grid.coverage == Fraction(30, 40)
    assert grid.holes == [(row, column) for row in (2, 5) for column in range(5)]
    assert grid.largest_gap == (2, 1)
    assert grid.common_factor == (1, 1)
    assert grid.rules is not None
    height, width = grid.rules
    assert (height.rates, height.kernel_sizes, height.missed, height.layer) == ((1, 3), (2, 3), 2, 2)
    assert (width.rates, width.kernel_sizes, bool(width)) == ((1, 2), (3, 2), True)
    assert not grid.hole_free
    assert grid.hdc is None
    assert grid.repairs == []


def test_holes_along_one_axis_are_holes() -> None:
    assert not gridding([Conv(3), Conv(3, dilation=(1, 4))]).hole_free
    assert not gridding([Conv(3), Conv(3, dilation=(4, 1))]).hole_free
    assert gridding([Conv(3), Conv(3, dilation=(3, 1))]).hole_free


def test_strides_and_poolings_multiply_the_rates() -> None:
    grid = gridding([Conv(3, stride=(2, 1)), Pool(2, stride=(3, 2)), Conv(2, dilation=2)])
    assert grid.rules is not None
    assert [rule.rates for rule in grid.rules] == [(1, 2, 12), (1, 1, 4)]
    assert [rule.missed for rule in grid.rules] == [5, None]
    assert grid.hdc is None


def test_a_stride_leaves_the_published_rule_without_a_say() -> None:
    assert gridding([Conv(3), Conv(3, stride=2)]).hdc is None
    assert gridding([Conv(3), Conv(3)]).hdc is not None
    assert gridding([Conv(3), Conv(5)]).hdc is None
    assert gridding([Conv(1), Conv(1)]).hdc is None
    assert gridding([Conv((3, 5))]).hdc is None


@pytest.mark.parametrize("scale", [(2, 1), (1, 3)])
def test_an_upsampled_axis_leaves_the_rule_of_the_other_without_a_say(scale: tuple[int, int]) -> None:
    assert gridding([Conv(3), Upsample(scale)]).rules is None
    assert gridding([Conv(3), Upsample(1)]).rules is not None


def test_branches_are_decided_in_2d() -> None:
    # Each axis is covered, and yet the corners are not.
    grid = gridding(Parallel(Conv((3, 1), padding=(1, 0)), Conv((1, 3), padding=(0, 1))))
    assert (grid.height.counts, grid.width.counts) == ((1, 2, 1), (1, 2, 1))
    assert grid.rules is None
    assert not grid.hole_free
    assert grid.coverage == Fraction(5, 9)
    assert grid.holes == [(0, 0), (0, 2), (2, 0), (2, 2)]


def test_the_pyramid_of_deeplabv3() -> None:
    # 1 pixel of the 1×1, and 8 more for each of three rates, of 37 × 37.
    branches = (Conv(3, padding=rate, dilation=rate) for rate in (6, 12, 18))
    grid = gridding(Parallel(Conv(1), *branches))
    assert grid.coverage == Fraction(25, 37 * 37)
    assert grid.height.positions == (0, 6, 12, 18, 24, 30, 36)
    assert grid.height.centre == (4,)
    assert grid.common_factor == (6, 6)
    assert grid.hdc is None


def test_branches_that_fill_each_others_holes() -> None:
    grid = gridding(Parallel([Conv(2, dilation=2)], [Conv(2, dilation=1), Conv(1)], [Conv((3, 2))], [Conv((2, 3))]))
    assert grid.rules is None
    assert grid.coverage == Fraction(9, 9)
    assert grid.hole_free


def test_upsampling_is_decided_by_the_footprint_of_the_output() -> None:
    network = [Conv(2, dilation=2), ConvTranspose(2, stride=2)]
    grid = gridding(network)
    assert grid.rules is None
    assert not grid.hole_free
    assert grid.holes == [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]
    network = [Conv(2), Upsample((2, 1), mode="bilinear")]
    assert [gridding(network, (row, 0)).height.counts for row in range(3)] == [(1, 2, 1)] * 3
    assert gridding([ConvTranspose(3, stride=2, padding=1)], output=(0, 1)).width.counts == (1, 1)
    assert gridding([ConvTranspose(3, stride=2, padding=1)], output=(0, 1)).height.counts == (1,)


def test_a_single_pixel_has_no_holes() -> None:
    for network in ([], [Conv(1, dilation=5)], [Conv(1, stride=3), Pool(1)]):
        grid = gridding(network)
        assert grid.hole_free
        assert grid.coverage == 1
        assert grid.largest_gap == (0, 0)


def test_the_explanation_of_a_stack_with_holes() -> None:
    assert gridding(Layers.parse("k3d1 k3d2 k3d9")).explain().splitlines() == [
        "height and width:",
        "  21 of 25 pixels used, largest gap 3, common factor 1",
        "  counts from 0 to 2, 1 in the centre",
        "  layer 1 at rate 1: 1 <= 1, reaches 3",
        "  layer 2 at rate 2: 2 <= 3, reaches 3 + 2·2 = 7",
        "  layer 3 at rate 9: 9 > 7, the receptive field of the finer layers",
        "  holes: pixel 7 of 0 ... 24 is not seen",
        "  not used: 7, 8, 16, 17",
        "in 2-D: 441 of 625 pixels used, holes",
        "M_3 = r_3 = 9",
        "M_2 = max(9 - 2·2, 9 - 2·(9 - 2), 2) = max(5, -5, 2) = 5",
        "M_1 = max(5 - 2·1, 5 - 2·(5 - 1), 1) = max(3, -3, 1) = 3",
        "M_2 <= K: fails (5 > 3)",
        "sawtooth: holds (1, 2, 9)",
        "no common factor: holds (greatest common divisor 1)",
        "exact rule: holes: pixel 7 of 0 ... 24 is not seen",
        "rates without holes, as few changed as possible:",
        "  1, 3, 9 (layer 2 from 2 to 3)",
        "  1, 2, 7 (layer 3 from 9 to 7)",
        "rates without holes that see as much, 25: refconv design --receptive-field 25 --layers 3",
        "  1, 3, 8",
    ]


def test_the_explanation_says_that_the_published_rule_passes_a_stack_with_holes() -> None:
    lines = gridding(Layers.parse("k3d2 k3d3")).explain().splitlines()
    assert "M_2 <= K passes this stack (3 <= 3), and yet it has holes." in lines
    assert lines[-3:] == [
        "  1, 3 (layer 1 from 2 to 1)",
        "  2, 1 (layer 2 from 3 to 1)",
        "rates without holes that see as much, 11, take 3 layers: refconv design --receptive-field 11",
    ]


def as_much(*rates: int, kernel_size: int = 3) -> list[str]:
    lines = gridding([Conv(kernel_size, dilation=rate) for rate in rates]).explain().splitlines()
    return lines[next(number for number, line in enumerate(lines) if "as much" in line) :]


def test_rates_of_the_same_field_are_offered_the_most_even_first() -> None:
    assert as_much(2, 2, 2) == [
        "rates without holes that see as much, 13: refconv design --receptive-field 13 --layers 3",
        "  1, 1, 4",
        "  1, 2, 3",
    ]
    assert as_much(2, 2, kernel_size=5) == [
        "rates without holes that see as much, 17: refconv design --receptive-field 17 --kernel 5 --layers 2",
        "  1, 3",
    ]
    assert as_much(4, 8, 2, 16) == [
        "rates without holes that see as much, 61: refconv design --receptive-field 61 --layers 4",
        "  1, 2, 7, 20",
        "  1, 3, 6, 20",
        "  1, 3, 7, 19",
        "  1, 3, 8, 18",
        "  1, 3, 9, 17",
    ]
    assert len(as_much(*[4] * 12)) == 1  # too many to be ranked on the way


def test_the_explanation_of_what_has_no_published_rule() -> None:
    assert gridding([Conv((3, 2)), Pool(2)]).explain().splitlines() == [
        "height:",
        "  4 of 4 pixels used, largest gap 1, common factor 1",
        "  counts from 1 to 2, 2 and 2 in the centre",
        "  layer 1 at rate 1: 1 <= 1, reaches 3",
        "  layer 2 at rate 1: 1 <= 3, reaches 3 + 1·1 = 4",
        "  no holes: all of 0 ... 3 are seen",
        "width:",
        "  3 of 3 pixels used, largest gap 1, common factor 1",
        "  counts from 1 to 2, 2 in the centre",
        "  layer 1 at rate 1: 1 <= 1, reaches 2",
        "  layer 2 at rate 1: 1 <= 2, reaches 2 + 1·1 = 3",
        "  no holes: all of 0 ... 2 are seen",
        "in 2-D: 12 of 12 pixels used, no holes",
    ]


def test_a_long_list_of_holes_and_of_repairs_is_cut_short() -> None:
    lines = gridding(Parallel(Conv(2, dilation=13), Conv(2, dilation=13))).explain().splitlines()
    assert "  decided by the footprint, for this is no chain of convolutions" in lines
    assert "  not used: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12" in lines
    lines = gridding(Parallel(Conv(2, dilation=14))).explain().splitlines()
    assert "  not used: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 1 more" in lines
    grid = gridding(stack(2, 4, 6, 8, 10, 12, 14))
    assert len(grid.repairs) == 6  # any but the first: 4 is too far from 1
    repairs, same = (
        grid.explain().split("as few changed as possible:\n")[1].split("rates without holes that see as much")
    )
    assert len(repairs.splitlines()) == 5
    assert len(same.splitlines()) == 1  # more than are ranked on the way


def test_the_repr_says_the_verdict() -> None:
    grid = gridding(stack(1, 2, 9))
    assert isinstance(grid, Gridding)
    assert repr(grid) == "<Gridding 441 of 625 pixels used, holes>"
    assert repr(gridding(stack(1, 2))) == "<Gridding 49 of 49 pixels used, no holes>"


layers = st.builds(
    lambda kernel, stride, dilation: Conv(kernel, stride, 0, dilation),
    st.tuples(st.integers(1, 3), st.integers(1, 4)),
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
)


@given(st.lists(layers, min_size=1, max_size=3))
@settings(derandomize=True, max_examples=150)
def test_the_oracle_finds_the_same_pixels_unused(network: list[Conv]) -> None:
    """Put ones through the network backwards: a pixel is used if a one there reaches the single output."""
    grid = gridding(network)
    size = grid.height.size, grid.width.size
    image = np.eye(size[0] * size[1], dtype=int).reshape(-1, 1, *size)
    for layer in network:
        ones = np.ones((1, 1, *layer.kernel_size), int)
        image = conv2d(image, ones, stride=layer.stride, dilation=layer.dilation)
    used = image.reshape(size)
    assert grid.holes == [tuple(place) for place in np.argwhere(used == 0).tolist()]
    assert grid.hole_free == bool((used > 0).all())
    assert grid.coverage == Fraction(int((used > 0).sum()), used.size)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([Conv(3), 3],), TypeError, "layer 2, 3, must be a layer such as Conv(3), not int"),
        (([ConvTranspose(1, stride=2)], 1), ValueError, "output=1 reads nothing, so that it has no receptive field"),
        (([Conv(3)], -1), ValueError, "output=-1 must be at least 0"),
    ],
)
def test_bad_input(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        gridding(*arguments)


def test_the_first_output_is_asked_about_unless_told() -> None:
    # Output p of a kernel of 3 at stride 2, padding 1, reads pixel p/2, and where p is odd, the two beside it.
    layers = Layers.parse("convt3s2p1")
    asked = [gridding(layers), gridding(layers, 0), gridding(layers, 1), gridding(layers, (0, 1))]
    assert [(grid.height.size, grid.width.size) for grid in asked] == [(1, 1), (1, 1), (2, 2), (1, 2)]
