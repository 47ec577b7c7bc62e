from __future__ import annotations

import random
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stacks import paths_from_every_pixel, random_network

from refconv.analysis import Conv, ConvTranspose, Layers, Parallel, Pool, Region, Upsample, footprint, receptive_field
from refconv.analysis.trace import feature_maps


@pytest.mark.parametrize(
    ("rates", "size"),
    [
        # Wang et al., "Understanding convolution for semantic segmentation" (2018), section 3.2, and what follows from it.
        ((1, 1, 1), 7),
        ((2, 2, 2), 13),
        ((1, 2, 3), 13),
        ((1, 2, 5), 17),
        ((1, 2, 9), 25),
        ((2, 4, 8), 29),
        ((2, 2), 9),  # not 13, as one article has it: that takes two layers at rate 3
        ((3, 3), 13),
        ((1, 2, 4, 8), 31),
        ((1, 2, 5, 9), 35),
        ((5, 9, 17), 63),
        ((1, 2, 5, 9, 5, 9, 17), 97),
        ((2, 3), 11),
        ((1, 2, 8), 23),
        ((1, 3, 9), 27),
        ((6, 12, 18), 73),
    ],
)
def test_sizes_of_dilated_stacks(rates: tuple[int, ...], size: int) -> None:
    assert receptive_field([Conv(3, dilation=rate) for rate in rates]).size == (size, size)


def test_branches_as_in_distill() -> None:
    """Araujo, Norris & Sim (2019): (k1 s4) beside (k3 s2 with one pixel on the left, then k1 s2) is 3/4/1."""
    field = receptive_field(
        Parallel(Conv(1, stride=4), [Conv(3, stride=2, padding=((1, 0), (1, 0))), Conv(1, stride=2)])
    )
    assert (field.size, field.stride, field.padding) == ((3, 3), (4, 4), (1, 1))


def test_an_anisotropic_network_as_in_distill() -> None:
    field = receptive_field([Conv((3, 5), stride=2), Conv((3, 1), stride=2)])
    assert (field.size, field.stride) == ((7, 5), (4, 4))
    assert field.center == (3, 2)


def test_every_number_where_all_differ() -> None:
    # r = 1 + 1·2 + 2·3·3 = 21 with S = 3, and 1 + 2·1 + 1·1·2 = 5 with S = 2; T = 1 + 3·2 = 7 and 0 + 2·1 = 2.
    field = receptive_field(
        [
            Conv((2, 3), stride=(3, 2), padding=((1, 0), (0, 5)), dilation=(2, 1)),
            Pool((3, 2), stride=(5, 7), padding=((2, 9), (1, 0)), dilation=(3, 1)),
        ]
    )
    assert field.size == (21, 5)
    assert field.stride == (15, 14)
    assert field.padding == (7, 2)
    assert field.center == (3, 0)  # -7 + 10 and -2 + 2
    assert field.period == (1, 1)
    assert [row.size for row in field.table] == [(3, 3), (21, 5)]
    assert [row.stride for row in field.table] == [(3, 2), (15, 14)]
    assert [row.layers for row in field.table] == [field.layers[:1], field.layers]
    assert field.region((2, 1)) == Region(range(23, 44), range(12, 17))
    assert repr(field) == "<ReceptiveField size=(21, 5) stride=(15, 14) padding=(7, 2) center=(3, 0)>"


def test_the_centre_of_an_even_kernel_is_a_half() -> None:
    assert receptive_field([Conv((2, 4), padding=((0, 0), (1, 0)))]).center == (Fraction(1, 2), Fraction(1, 2))


def test_no_layer_sees_the_pixel_itself() -> None:
    field = receptive_field([])
    assert (field.size, field.stride, field.padding, field.center, field.table) == ((1, 1), (1, 1), (0, 0), (0, 0), ())


def test_upsampling_has_fractions_of_a_pixel_between_outputs() -> None:
    field = receptive_field([Conv(3, stride=(4, 1)), Upsample((2, 3))])
    assert field.stride == (2, Fraction(1, 3))
    assert field.period == (2, 3)
    assert field.size == (3, 3)


def test_the_size_is_that_of_the_output_that_sees_most() -> None:
    field = receptive_field([ConvTranspose((3, 4), stride=2, padding=((1, 1), (0, 0)))])
    assert field.size == (2, 2)
    assert [len(field.region((p, 0)).rows) for p in range(4)] == [1, 2, 1, 2]
    assert field.region((1, 2)) == Region(range(2), range(2))
    assert field.padding == (0, 1)
    assert field.center == (0, Fraction(-1, 2))


def test_an_output_that_sees_nothing() -> None:
    field = receptive_field([ConvTranspose((1, 2), stride=2, padding=((1, 0), (0, 0)))])
    assert field.region(0) == Region(range(0), range(1))
    assert field.size == (1, 1)
    for quantity in ("padding", "center"):
        message = "^output 0 sees nothing along the height; ask for the region of another output$"
        with pytest.raises(ValueError, match=message):
            getattr(field, quantity)
    assert repr(field).startswith("<ReceptiveField: output 0 sees nothing")


def test_branches_of_different_strides_have_a_region_for_every_output() -> None:
    field = receptive_field([Conv(3, stride=2), Parallel(Conv(1), Conv(2, stride=(3, 1))), Conv(2)])
    # Rows: 2p ... 2p + 4 through one branch and 6p ... 6p + 10 through the other.
    assert field.region((5, 1)) == Region(range(10, 41), range(2, 9))
    assert field.outputs_seeing((12, 4)) == ([1, 2, 4, 5, 6], [0, 1, 2])
    message = "branches of strides 2, 6 along the height: every output has a region of its own"
    for quantity in ("size", "stride", "padding", "center", "period"):
        with pytest.raises(ValueError, match=f"^{message}$"):
            getattr(field, quantity)
    assert repr(field) == f"<ReceptiveField: {message}>"
    assert [repr(row)[:24] for row in field.table] == ["<ReceptiveField size=(3,"] + ["<ReceptiveField: branche"] * 2
    assert "r_2 = another one for every output" in field.explain()


def test_outputs_seeing_a_pixel() -> None:
    field = receptive_field([Conv((3, 2), stride=(2, 1), padding=((1, 1), (0, 0)), dilation=(1, 3))])
    assert field.outputs_seeing((3, 4)) == ([1, 2], [1, 2, 3, 4])
    assert field.outputs_seeing((4, 0)) == ([2], [0])
    assert field.outputs_seeing((3, 4), input_size=(4, 7)) == ([1], [1, 2, 3])
    assert receptive_field([Upsample(3)]).outputs_seeing(2) == ([6, 7, 8], [6, 7, 8])


def test_regions_and_the_borders_of_an_image() -> None:
    region = receptive_field([Conv((5, 3), padding=((2, 0), (0, 3)))]).region((1, 9))
    assert region == Region(range(-1, 4), range(9, 12))
    assert region.inside((3, 10)) == Region(range(3), range(9, 10))
    assert region.padding((3, 10)) == ((1, 1), (0, 2))
    assert region.inside((9, 12)) == Region(range(4), range(9, 12))
    assert region.padding((9, 12)) == ((1, 0), (0, 0))
    assert region.inside((2, 7)) == Region(range(2), range(7, 7))
    assert region.padding((2, 7)) == ((1, 2), (0, 3))
    above = Region(range(-5, -2), range(1))
    assert above.inside(4) == Region(range(0), range(1))
    assert above.padding(4) == ((3, 0), (0, 0))


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        ("field.region(-1)", ValueError, "output=-1 must be at least 0"),
        (
            "field.region((1, 2, 3))",
            ValueError,
            "output=(1, 2, 3) has length 3; it must be an int or a pair (row, column)",
        ),
        ("field.outputs_seeing((0, -1))", ValueError, "pixel[1]=-1 must be at least 0"),
        (
            "field.outputs_seeing((0, 0, 0))",
            ValueError,
            "pixel=(0, 0, 0) has length 3; it must be an int or a pair (row, column)",
        ),
        ("field.outputs_seeing((4, 6), 6)", ValueError, "pixel=(4, 6) must lie in the input of size (6, 6)"),
        ("field.outputs_seeing((6, 4), 6)", ValueError, "pixel=(6, 4) must lie in the input of size (6, 6)"),
        ("field.outputs_seeing(0, 0)", ValueError, "input_size=0 must be at least 1"),
        ("field.region(0).inside(0)", ValueError, "input_size=0 must be at least 1"),
        ("field.region(0).padding(0)", ValueError, "input_size=0 must be at least 1"),
        ("receptive_field('k3')", TypeError, "layer 1, 'k', must be a layer such as Conv(3), not str"),
    ],
)
def test_bad_questions_are_refused(ask: str, error: type[Exception], message: str) -> None:
    field = receptive_field([Conv(3)])
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        eval(ask, {"field": field, "receptive_field": receptive_field})


def test_the_derivation_in_text() -> None:
    assert receptive_field([Conv(3, stride=2), Pool(2), ConvTranspose(4, stride=2), Upsample(3)]).explain() == (
        "height and width: r grows by (K − 1)·D·S, with S the stride so far\n"
        "r_0 = 1\n"
        "r_1 = 1 + (3 − 1)·1·1 = 3    Conv(3, stride=2)\n"
        "r_2 = 3 + (2 − 1)·1·2 = 5    Pool(2)\n"
        "r_3 = 4 − (−4) + 1 = 9       ConvTranspose(4, stride=2)\n"
        "r_4 = 4 − (−4) + 1 = 9       Upsample(3)"
    )
    two_axes = receptive_field([Conv((3, 1), dilation=5)]).explain().split("\n")
    assert two_axes[0].startswith("height: r grows by")
    assert two_axes[2] == "r_1 = 1 + (3 − 1)·5·1 = 11    Conv((3, 1), dilation=5)"
    assert two_axes[3].startswith("width: r grows by")
    assert two_axes[5] == "r_1 = 1 + (1 − 1)·5·1 = 1    Conv((3, 1), dilation=5)"


def test_a_window_on_an_upsampling_is_derived_from_its_ends() -> None:
    lines = receptive_field([Upsample(2), Conv(3)]).explain().split("\n")
    assert lines[3] == "r_2 = 1 − (0) + 1 = 2    Conv(3)"


def test_the_derivation_in_latex() -> None:
    # As plain LaTeX: \begin{aligned} is in every mathematical environment.
    layers = [Conv(3), *[Conv(1, padding=1)] * 9]
    lines = receptive_field(layers).explain(latex=True).split("\n")
    assert lines[0] == "% height and width: r grows by (K − 1)·D·S, with S the stride so far"
    assert lines[1] == r"\begin{aligned}"
    assert lines[2] == r"r_0 &= 1 \\"
    assert lines[3] == r"r_1 &= 1 + (3 - 1) \cdot 1 \cdot 1 = 3    && \text{Conv(3)} \\"
    assert lines[12] == r"r_{10} &= 3 + (1 - 1) \cdot 1 \cdot 1 = 3 && \text{Conv(1, padding=1)}"
    assert lines[13] == r"\end{aligned}"
    (upsampled,) = receptive_field(Upsample(2, "bilinear")).explain(latex=True).split("\n")[3:4]
    assert upsampled == r"r_1 &= 0 - (-1) + 1 = 2 && \text{Upsample(2, mode='bilinear')}"
    assert r"\text{another one for every output}" in receptive_field(Parallel(Conv(1), Conv(1, stride=2))).explain(
        latex=True
    )


RANDOM = st.integers(0, 2**32)


def stack(seed: int) -> tuple[Layers, tuple[int, int], tuple[int, int]]:
    """Return a random network, an image that none of its feature maps vanishes on, and the output's size."""
    rng = random.Random(seed)
    while True:
        network, size = random_network(rng, rng.randint(1, 3)), (rng.randint(3, 8), rng.randint(3, 8))
        try:
            outputs = feature_maps(network, size)[-1]
        except ValueError:
            continue
        if outputs[0] * outputs[1] < 2000:
            return network, size, outputs


@given(RANDOM)
def test_a_changed_pixel_changes_no_output_but_those_that_see_it(seed: int) -> None:
    network, size, outputs = stack(seed)
    field = receptive_field(network)
    rng = random.Random(seed)
    pixel = rng.randrange(size[0]), rng.randrange(size[1])
    changed = paths_from_every_pixel(network, size)[pixel] != 0
    rows, columns = field.outputs_seeing(pixel, size)
    seen = np.zeros(outputs, dtype=bool)
    seen[np.ix_(rows, columns)] = True
    assert not np.any(changed & ~seen), network
    for row, column in np.argwhere(changed)[:3]:
        region = field.region((int(row), int(column))).inside(size)
        assert pixel[0] in region.rows
        assert pixel[1] in region.columns


@given(RANDOM)
def test_the_region_ends_where_the_footprint_ends(seed: int) -> None:
    network, _, outputs = stack(seed)
    rng = random.Random(seed)
    output = rng.randrange(outputs[0]), rng.randrange(outputs[1])
    use = footprint(network, output)
    if use.total:
        assert receptive_field(network).region(output) == use.region
