from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sampled import one_in

from refconv import plots
from refconv.analysis import Conv, Layers, Pool, footprint
from refconv.plots.style import COLOURS, HATCH, LINE_STYLES

pytestmark = pytest.mark.usefixtures("no_window")

# As matplotlib types what artists return, a test could compare nothing with it.
plot_footprint: Callable[..., Any] = plots.plot_footprint
plot_receptive_fields: Callable[..., Any] = plots.plot_receptive_fields


def stack(*rates: int) -> list[Conv]:
    return [Conv(3, dilation=rate) for rate in rates]


def new_axes(size: float) -> Any:
    plt = pytest.importorskip("matplotlib.pyplot")

    return plt.subplots(figsize=(size, size))[1]


def test_one_box_for_each_layer_around_the_centre() -> None:
    ax = plot_receptive_fields([Conv((3, 5), stride=2), Pool(2), Conv(1), Conv((2, 3), dilation=(4, 1)), Conv(3)])
    sizes = [(5, 3), (7, 5), (7, 5), (15, 21), (23, 29)]  # width, height
    assert [(box.get_width(), box.get_height()) for box in ax.patches] == sizes
    assert [box.get_xy() for box in ax.patches] == [(-width / 2, -height / 2) for width, height in sizes]
    assert [text.get_text() for text in ax.get_legend().get_texts()][:2] == [
        "1: Conv((3, 5), stride=2), 3×5",
        "2: Pool(2), 5×7",
    ]
    assert not any(box.get_fill() for box in ax.patches)


def test_boxes_differ_in_more_than_colour() -> None:
    to_hex = pytest.importorskip("matplotlib.colors").to_hex

    ax = plot_receptive_fields(stack(1, 1, 1, 1, 1))
    assert [box.get_linestyle() for box in ax.patches] == [*LINE_STYLES, LINE_STYLES[0]]
    assert [to_hex(box.get_edgecolor()).upper() for box in ax.patches] == list(COLOURS[:5])


def test_every_box_is_in_view_and_square() -> None:
    ax = plot_receptive_fields(stack(1, 2, 5))
    left, right = sorted(ax.get_xlim())
    bottom, top = ax.get_ylim()
    assert bottom > top  # rows count downwards
    assert left <= -8.5
    assert right >= 8.5
    assert bottom >= 8.5
    assert top <= -8.5
    assert ax.get_aspect() == 1


def test_the_pixel_in_the_middle_is_marked() -> None:
    (line,) = plot_receptive_fields([]).lines
    assert line.get_xydata().tolist() == [[0, 0]]


def test_pixels_are_counted_in_whole_numbers() -> None:
    ax = plot_receptive_fields(stack(1))
    assert all(tick == int(tick) for tick in [*ax.get_xticks(), *ax.get_yticks()])


def test_an_empty_network_has_no_legend() -> None:
    assert plot_receptive_fields([]).get_legend() is None


@pytest.mark.parametrize(
    "rates", one_in(3, [((1, 1, 1),), ((2, 2, 2),), ((1, 2, 3),), ((1, 2, 5),), ((1, 2, 9),), ((2, 4, 8),)]), ids=str
)
def test_a_footprint_has_its_count_in_every_cell(rates: tuple[int, ...]) -> None:
    for layers in (1, 2, 3):
        network = stack(*rates[:layers])
        ax = plot_footprint(network)
        counts = footprint(network).counts
        (mesh,) = ax.collections
        assert mesh.get_array().reshape(counts.shape).tolist() == counts.tolist()
        assert [int(text.get_text()) for text in ax.texts] == counts.ravel().tolist()
        assert len(ax.patches) == (counts == 0).sum()
        ax.figure.clear()


def test_counts_stand_in_the_middle_of_their_cells_and_holes_are_hatched() -> None:
    ax = plot_footprint([Conv((1, 2), dilation=(1, 2)), Conv((2, 1))])
    assert [text.get_position() for text in ax.texts] == [(x + 0.5, y + 0.5) for y in (0, 1) for x in (0, 1, 2)]
    assert [text.get_text() for text in ax.texts] == ["1", "0", "1"] * 2
    assert [(hole.get_xy(), hole.get_width(), hole.get_height()) for hole in ax.patches] == [
        ((1, 0), 1, 1),
        ((1, 1), 1, 1),
    ]
    assert {hole.get_hatch() for hole in ax.patches} == {HATCH}
    assert ax.yaxis_inverted()
    assert ax.get_aspect() == 1


def test_zero_is_white_whatever_the_smallest_count() -> None:
    (mesh,) = plot_footprint(stack(1, 1)).collections
    assert mesh.get_clim() == (0, 9)


def test_dark_cells_have_white_numbers() -> None:
    ax = plot_footprint([Conv((1, 2)), Conv((1, 2))])
    assert [text.get_text() for text in ax.texts] == ["1", "2", "1"]
    assert [text.get_color() == "white" for text in ax.texts] == [False, True, False]


def test_on_a_dark_ground_dark_and_light_change_places() -> None:
    style = pytest.importorskip("matplotlib.style")
    to_rgba = pytest.importorskip("matplotlib.colors").to_rgba

    # Two taps 2 apart, and two of those 4 apart, read pixels 0, 2, 4 and 6; the odd ones are holes.
    holes = [Conv((1, 2), dilation=(1, 2)), Conv((1, 2), dilation=(1, 4))]
    for ground, colours, edge in (("default", "Blues", "0.85"), ("dark_background", "Blues_r", "0.4")):
        with style.context(ground):
            ax, uneven = plot_footprint(holes), plot_footprint([Conv((1, 2)), Conv((1, 2))])
        assert [text.get_text() for text in ax.texts] == ["1", "0", "1", "0", "1", "0", "1"]
        assert ax.collections[0].get_cmap().name == colours
        assert [hole.get_edgecolor() for hole in ax.patches] == [to_rgba(edge)] * 3
        assert not any(hole.get_fill() or hole.get_linewidth() for hole in ax.patches)
        # Of 1 2 1, the 2 alone lies on the dark end of the blues, or, on a dark ground, on the light end.
        is_white = [text.get_color() == "white" for text in uneven.texts]
        assert is_white == ([False, True, False] if ground == "default" else [True, False, True])
        assert {text.get_color() for text in uneven.texts} == {"white", "0.25"}


def test_cells_have_a_rim_where_numbers_are_read_and_are_an_image_where_they_are_not() -> None:
    # 13 cells on axes of 72 × 0.775 × inches points: at 2 inches, 8.6 points a cell hold a digit of 5.4; at 1.2 inches,
    # 5.2 points hold one of 3.2, which is less than 3.5.
    for inches, width, is_image in ((2, 0.5, False), (1.2, 0, True)):
        ax = plot_footprint(stack(1, 5), ax=new_axes(inches))
        (mesh,) = ax.collections
        assert len(ax.texts) == (0 if is_image else 13 * 13)
        assert mesh.get_linewidth().tolist() == [width]
        assert mesh.get_rasterized() is is_image
        assert mesh.get_edgecolor().tolist() == ([] if is_image else [[1, 1, 1, 1]])


def test_numbers_fit_their_cells() -> None:
    # Cells of 2 × 72 × 0.77 / 13 points; three digits would need more room than one.
    sizes = [
        plot_footprint(network, ax=new_axes(2)).texts[0].get_fontsize() for network in (stack(2, 2, 2), stack(1, 5))
    ]
    assert sizes[0] == pytest.approx(2 * 72 * 0.77 / 13 / 1.6, rel=0.01)
    assert sizes[1] == pytest.approx(2 * 72 * 0.77 / 13 / 1.6, rel=0.01)
    assert plot_footprint(stack(1), ax=new_axes(9)).texts[0].get_fontsize() == 11
    digits = plot_footprint([Conv(5)] * 3, ax=new_axes(2)).texts[0].get_fontsize()  # up to 19² = 361
    assert digits == pytest.approx(2 * 72 * 0.77 / 13 / 2.25, rel=0.01)
    wide = plot_footprint([Conv((1, 13))], ax=new_axes(2)).texts[0].get_fontsize()
    tall = plot_footprint([Conv((13, 1))], ax=new_axes(2)).texts[0].get_fontsize()
    assert wide == pytest.approx(2 * 72 * 0.775 / 13 / 1.6, rel=0.01)
    assert tall == pytest.approx(2 * 72 * 0.77 / 13 / 1.6, rel=0.01)


def test_the_output_that_is_asked_for() -> None:
    network = Layers.parse("convt3s2p1")
    assert [text.get_text() for text in plot_footprint(network).texts] == ["1"]
    assert [text.get_text() for text in plot_footprint(network, (0, 1)).texts] == ["1", "1"]


def test_given_axes_are_drawn_on_and_returned() -> None:
    ax = new_axes(3)
    assert plot_footprint(stack(1), ax=ax) is ax
    assert plot_receptive_fields(stack(1), ax) is ax
    assert len(ax.texts) == 9


def test_new_axes_are_in_a_figure_of_their_own() -> None:
    first, second = plot_footprint(stack(1)), plot_footprint(stack(1))
    assert first.figure is not second.figure


def test_plots_say_what_is_missing_and_import_without_it() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import refconv.plots\n"
        "try:\n    refconv.plots.plot_footprint([])\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "plots need matplotlib, which is not installed: pip install 'refconv[plot]'\n"


def test_importing_the_plots_does_not_import_matplotlib() -> None:
    program = "import sys, refconv.plots; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
