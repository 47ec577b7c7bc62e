from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest

from refconv.analysis import (
    Conv,
    ConvTranspose,
    Parallel,
    Pool,
    Region,
    Upsample,
    footprint,
    footprints,
)


def rates(*dilations: int) -> list[Conv]:
    return [Conv(3, dilation=dilation) for dilation in dilations]


# Wang et al., "Understanding convolution for semantic segmentation" (2018), figure 1 and section 3.2.
AXIS_COUNTS: dict[tuple[int, ...], list[int]] = {
    (1, 1, 1): [1, 3, 6, 7, 6, 3, 1],
    (2, 2, 2): [1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1],
    (1, 2, 5): [1, 1, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 1, 1],
    (1, 3, 9): [1] * 27,
}


@pytest.mark.parametrize("dilations", AXIS_COUNTS)
def test_counts_along_one_axis(dilations: tuple[int, ...]) -> None:
    use = footprint(rates(*dilations))
    expected = AXIS_COUNTS[dilations]
    assert use.axis_counts[0].tolist() == use.axis_counts[1].tolist() == expected
    np.testing.assert_array_equal(use.counts, np.outer(expected, expected))
    assert use.total == 27**2


@pytest.mark.parametrize(
    ("dilations", "used", "size"),
    [
        ((2, 2, 2), 7, 13),
        ((1, 2, 3), 13, 13),
        ((1, 2, 5), 17, 17),
        ((1, 2, 9), 21, 25),
        ((2, 4, 8), 15, 29),
        ((5, 9, 17), 27, 63),
        ((1, 2, 8), 21, 23),
        ((2, 3), 9, 11),
        ((6, 12, 18), 13, 73),
    ],
)
def test_pixels_used_as_published(dilations: tuple[int, ...], used: int, size: int) -> None:
    use = footprint(rates(*dilations))
    assert use.used.shape == (size, size)
    assert use.used.sum() == used**2
    np.testing.assert_array_equal(use.used, use.counts > 0)


def test_layer_by_layer() -> None:
    uses = footprints([Conv((3, 2), stride=(2, 1)), Pool((2, 3), 1, padding=1, dilation=(1, 2))])
    assert uses[0].counts.tolist() == [[1, 1]] * 3
    # Down: taps -1 and 0, two pixels each apart: 11100 + 00111.  Across: -1, 1, 3 and one more each.
    assert uses[1].axis_counts[0].tolist() == [1, 1, 2, 1, 1]
    assert uses[1].axis_counts[1].tolist() == [1, 1, 1, 1, 1, 1]
    assert uses[1].region == Region(range(-2, 3), range(-1, 5))
    assert uses[1].total == 36
    assert repr(uses[1]) == "<Footprint of 36 paths on 5x6 pixels>"
    assert footprints([]) == ()
    assert footprint([]).counts.tolist() == [[1]]


def test_the_axes_are_told_apart() -> None:
    use = footprint([Conv((2, 3), dilation=(3, 1)), Conv((1, 2), dilation=(1, 2))])
    assert use.axis_counts[0].tolist() == [1, 0, 0, 1]
    assert use.axis_counts[1].tolist() == [1, 1, 2, 1, 1]
    assert use.counts.tolist() == [[1, 1, 2, 1, 1], [0] * 5, [0] * 5, [1, 1, 2, 1, 1]]


def test_branches_add_outer_products() -> None:
    cross = footprint(Parallel(Conv((3, 1), padding=(1, 0)), Conv((1, 3), padding=(0, 1)), []))
    assert cross.counts.tolist() == [[0, 1, 0], [1, 3, 1], [0, 1, 0]]
    assert cross.axis_counts[0].tolist() == [1, 3, 1]
    assert cross.plane is not None
    assert footprint([Parallel(Conv((3, 1))), Conv(1)]).plane is None
    assert cross.total == 7


def test_blocks_on_blocks_multiply_their_paths() -> None:
    block = Parallel([], Conv(3, padding=1))
    use = footprint([block] * 4)
    assert use.total == 10**4
    near_the_border = footprint([block] * 4, (4, 5), (9, 11))
    np.testing.assert_array_equal(near_the_border.counts, use.counts)
    # At the edge, of j convolutions 1, 2, 5, 13, 35 ways down never leave it: Σ C(4, j)·3^j times these.
    assert footprint([block] * 4, (0, 5), (9, 11)).total == 1 + 24 + 270 + 1404 + 2835


def test_a_branch_that_reads_nothing_widens_what_the_others_read_by_holes() -> None:
    """Along the height alone the first branch reads rows 0 to 4, and no path of it has a column."""
    nothing = [Conv((5, 1)), ConvTranspose((1, 1), stride=(1, 2))]
    use = footprint(Parallel(nothing, [Conv((2, 2)), Upsample((1, 2))]), (0, 1))
    assert use.counts.tolist() == [[1, 1]] * 2 + [[0, 0]] * 3
    assert use.axis_counts[0].tolist() == [2, 2, 1, 1, 1]


def test_an_output_of_another_phase_reads_otherwise() -> None:
    layer = ConvTranspose((3, 4), stride=2, padding=((1, 1), (1, 1)))
    assert footprint(layer, output=(0, 0)).axis_counts[0].tolist() == [1]
    assert footprint(layer, output=(1, 0)).axis_counts[0].tolist() == [1, 1]
    assert footprint(layer, output=(5, 2)).region == Region(range(2, 4), range(2))
    assert footprint(Upsample(2, "bilinear"), output=3).region == Region(range(1, 3), range(1, 3))


def test_near_the_border_padding_ends_a_path_in_every_layer() -> None:
    # Output 0 reads -1 0 1 of the first map; -1 is padding there, though its own taps -2 -1 0 would reach pixel 0.
    layers = [Conv(3, padding=1), Conv(3, padding=1)]
    assert footprint(layers, 0, 8).axis_counts[0].tolist() == [2, 2, 1]
    assert footprint(layers, 7, 8).axis_counts[0].tolist() == [1, 2, 2]
    assert footprint(layers, 7, 8).region == Region(range(5, 8), range(5, 8))
    assert footprint(layers, (0, 3), (8, 9)).counts.tolist() == np.outer([2, 2, 1], [1, 2, 3, 2, 1]).tolist()
    assert footprint(layers, 0, 1).counts.tolist() == [[1]]
    corner = footprint(layers, (7, 8), (8, 9))
    assert corner.region == Region(range(5, 8), range(6, 9))
    assert corner.axis_counts[0].tolist() == corner.axis_counts[1].tolist() == [1, 2, 2]


def test_footprints_are_equal_where_their_counts_are() -> None:
    assert footprint([Conv(3), Conv(1)]) == footprint(Parallel(Conv(3)))
    assert hash(footprint([Conv(3), Conv(1)])) == hash(footprint(Parallel(Conv(3))))
    assert footprint([Conv(3)]) != footprint([Conv(3, padding=1)])
    assert footprint([Conv(5)]) != footprint([Conv(3), Conv(3)])
    assert footprint([Conv(3)]) != 9


def test_an_output_on_padding_alone_reads_nothing() -> None:
    use = footprint(Conv(1, padding=1), output=(0, 1), input_size=3)
    assert use.total == 0
    assert use.counts.shape == (0, 1)
    message = "^this output reads no pixel, so that nothing has a share of its use$"
    with pytest.raises(ValueError, match=message):
        use.effective_size(0.5)
    with pytest.raises(ValueError, match=message):
        _ = use.standard_deviation


def test_counts_beyond_int64_are_exact() -> None:
    # 3^n paths along each axis: 3^38 fits 63 bits in total, 3^40 does not.
    assert footprint([Conv(3)] * 19).counts.dtype == np.int64
    use = footprint([Conv(3)] * 20)
    assert use.counts.dtype == object
    assert use.counts.sum() == use.total == 3**40
    central = sum(math.comb(20, 2 * k) * math.comb(2 * k, k) for k in range(11))  # the central trinomial coefficient
    assert use.counts[20, 20] == central**2
    assert type(use.counts[0, 0]) is int
    assert use.axis_counts[1].tolist()[20] == central
    assert footprint([Conv((1, 2))] * 62).counts.dtype == np.int64
    assert footprint([Conv((1, 2))] * 63).counts.dtype == object


def test_the_standard_deviation_adds_up_like_independent_steps() -> None:
    # Three taps in a row have variance 2/3, and at rate d it is d²·2/3: variances of the layers add up.
    use = footprint(rates(1, 2, 5))
    assert use.standard_deviation == pytest.approx((math.sqrt(2 / 3 * (1 + 4 + 25)),) * 2, rel=1e-14)
    height, width = footprint([Conv((2, 3), dilation=(6, 1)), Conv((1, 2))]).standard_deviation
    assert height == 3
    assert width == pytest.approx(math.sqrt(2 / 3 + 1 / 4), rel=1e-14)


def test_the_standard_deviation_weighs_branches_by_all_their_paths() -> None:
    # One path at 0 0, and six of the other branch: rows -1 0 1 and columns -1 and 1.
    use = footprint(Parallel([], Conv((3, 2), padding=((1, 1), (1, 0)), dilation=(1, 2))))
    height, width = use.standard_deviation
    assert height == pytest.approx(math.sqrt(4 / 7))
    assert width == pytest.approx(math.sqrt(6 / 7))


def test_effective_size() -> None:
    # 49 of 81 paths end in the middle 3×3 of two 3×3 layers, 9 in the middle pixel; a side of 2 holds 1 pixel of 5.
    use = footprint(rates(1, 1))
    assert [use.effective_size(Fraction(n, 81)) for n in (1, 9, 10, 49, 50, 81)] == [1, 1, 3, 3, 5, 5]
    assert footprint(Conv(2)).effective_size(0.01) == 2
    assert footprint(Conv((2, 5))).effective_size(0.5) == 3
    assert footprint(Conv((1, 9))).effective_size(1) == 9
    branches = footprint(Parallel([], Conv(3, padding=3, dilation=3)))  # 2 paths in the middle, 8 around
    assert [branches.effective_size(share) for share in (0.2, 0.21, 1)] == [1, 7, 7]


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"^share={share} must be above 0 and at most 1$"):
        footprint(Conv(3)).effective_size(share)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([Conv(3)], 6, 8), ValueError, "output=(6, 6) must lie in the output of size (6, 6)"),
        (([Conv(3)], (5, 7), (8, 9)), ValueError, "output=(5, 7) must lie in the output of size (6, 7)"),
        (([Conv(3)], (-1, 0)), ValueError, "output[0]=-1 must be at least 0"),
        (
            ([Conv(3)], (1, 2, 3)),
            ValueError,
            "output=(1, 2, 3) has length 3; it must be an int or a pair (row, column)",
        ),
        (([Conv(3)], 0, 0), ValueError, "input_size=0 must be at least 1"),
        (([3],), TypeError, "layer 1, 3, must be a layer such as Conv(3), not int"),
    ],
)
def test_bad_questions_about_footprints_are_refused(
    arguments: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        footprint(*arguments)  # type: ignore[arg-type]
