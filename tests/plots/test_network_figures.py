from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refconv.analysis import Layers
from refconv.analysis.graph.counting import Use, use_of
from refconv.analysis.graph.series import graph_of
from refconv.analysis.paths import Block
from refconv.plots import networks
from refconv.plots.networks import Depth, _mark_centre, save_comparison, save_network
from refconv.plots.style import accent, ink

pytestmark = pytest.mark.usefixtures("no_window")

# As matplotlib types what artists return, a test could compare nothing with it.
draw_growth: Callable[..., Any] = networks.draw_growth
draw_use: Callable[..., Any] = networks.draw_use

DEPTHS = [
    Depth("conv1", "Conv(7, stride=2)", [7, 7], Fraction(2)),
    Depth("", "Pool(3, stride=2, padding=1)", [11, 11], Fraction(4)),
    Depth("layer1", "Parallel([], [Conv(1), Conv(3, padding=1), Conv(1)])", [19, 19], Fraction(4)),
]


def axes() -> Any:
    return pytest.importorskip("matplotlib.pyplot").subplots()[1]


def use(line: str, output: tuple[int, ...] = (0, 0)) -> Use:
    graph = graph_of(Layers.parse(line), is_line=len(output) == 1)
    return use_of(graph, graph.outputs[0], output)


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("shape", "marks"),
    [
        ((3, 5), [("s", 24, 1, "#D55E00")]),
        ((20, 12), [("s", 12, 1, "#D55E00")]),
        ((12, 40), [("s", 6, 1, "#D55E00")]),
        ((41, 9), [("+", 11, 3, "white"), ("+", 10, 1.4, "#D55E00")]),
    ],
)
def test_the_middle_is_marked_by_a_square_of_a_cell_or_by_a_cross(
    shape: tuple[int, int], marks: list[tuple[Any, ...]]
) -> None:
    _mark_centre(ax := axes(), shape)
    said = ("marker", "markersize", "markeredgewidth", "color")
    assert [tuple(getattr(line, f"get_{name}")() for name in said) for line in ax.lines] == marks
    assert {(*line.get_xdata(), *line.get_ydata()) for line in ax.lines} == {(shape[1] / 2, shape[0] / 2)}


def test_the_size_grows_over_depth_in_steps() -> None:
    ax = draw_growth(axes(), DEPTHS, (224, 224))
    line, marks, *_ = ax.lines
    assert line.get_xydata().tolist() == [[1, 7], [2, 11], [3, 19]]
    assert line.get_drawstyle() == "steps-post"
    assert marks.get_markersize() == 3
    assert [label.get_text() for label in ax.get_xticklabels()] == ["conv1", "Pool(3, stride=2, …", "layer1"]
    assert ax.get_title() == "19×19 pixels after 3 layers"


def test_the_stride_is_marked_where_it_changes_and_the_image_where_it_fits() -> None:
    ax = draw_growth(axes(), DEPTHS, (100, 60))
    assert texts(ax) == ["stride 2", "stride 4", "image: 100", "image: 60"]
    assert texts(draw_growth(axes(), DEPTHS, (400,))) == ["stride 2", "stride 4"]  # far above all that is drawn
    assert texts(draw_growth(axes(), [Depth("a", "b", [3], None), Depth("a", "b", [3], Fraction(1))])) == []
    back = [Depth("", "x", [3], Fraction(2)), Depth("", "x", [3], Fraction(2)), Depth("", "x", [3], Fraction(1))]
    assert texts(draw_growth(axes(), back)) == ["stride 2", "stride 1"]


def test_a_stride_is_written_where_the_curve_is_not() -> None:
    marks = draw_growth(axes(), DEPTHS).texts
    assert [(mark.get_text(), mark.xy, mark.xyann, mark.get_va()) for mark in marks] == [
        ("stride 2", (1, 1), (2, -2), "top"),
        ("stride 4", (2, 0), (2, 2), "bottom"),
    ]


def test_axes_that_differ_have_a_line_each() -> None:
    ax = draw_growth(axes(), [Depth("", "x", [3, 5], Fraction(1)), Depth("", "x", [5, 9], Fraction(1))])
    assert [line.get_ydata().tolist() for line in ax.lines[::2]] == [[3, 5], [5, 9]]
    assert ax.get_title() == "5×9 pixels after 2 layers"


def test_of_many_layers_the_names_are_left_out() -> None:
    ax = draw_growth(axes(), [DEPTHS[0]] * 25)
    assert ax.get_xlabel() == "layer"
    assert draw_growth(axes(), [DEPTHS[0]] * 24).get_xlabel() == ""
    assert draw_growth(axes(), [DEPTHS[0]] * 80).lines[1].get_markersize() == 0
    assert draw_growth(axes(), []).get_title() == "no layers"


def test_a_map_has_a_title_a_colour_bar_and_its_centre() -> None:
    ax = draw_use(axes(), use("k3d2 k3d2 k3d2"))
    assert ax.get_title() == "13×13, 49 of 169 used"
    assert len(texts(ax)) == 169
    assert ax.figure.axes[1].get_ylabel() == "paths to a pixel"
    (centre,) = ax.lines
    assert centre.get_xydata().tolist() == [[6.5, 6.5]]
    assert ax.yaxis_inverted()


def test_a_large_map_has_no_numbers_and_holes_are_blank() -> None:
    ax = draw_use(axes(), use("k3d60"))
    assert texts(ax) == []
    (mesh,) = ax.collections
    assert np.ma.getmaskarray(mesh.get_array()).sum() == 121 * 121 - 9
    assert len(ax.lines) == 2  # a cross with a rim


def test_counts_too_large_to_be_exact_are_called_so() -> None:
    ax = draw_use(axes(), use("(k3)x20"))
    assert texts(ax) == []
    assert ax.figure.axes[1].get_ylabel() == "paths to a pixel, about"


def test_an_output_that_is_not_the_first_is_named() -> None:
    assert draw_use(axes(), use("convt3s2", (1, 2))).get_title() == "output (1, 2): 1×2, 2 of 2 used"


def test_one_axis_has_a_profile() -> None:
    ax = draw_use(axes(), use("c1: k3d2 k2", (0,)))
    assert ax.get_title() == "6 pixels, 6 used"
    assert ax.lines[0].get_xydata().tolist() == [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 1]]
    assert ax.lines[1].get_xdata() == [2.5, 2.5]
    assert ax.get_ylabel() == "paths to a pixel"


def test_of_a_volume_the_middle_slice_is_drawn() -> None:
    block = Block(np.arange(27.0).reshape(3, 3, 3), (0, 0, 0))
    ax = draw_use(axes(), Use((0, 0, 0), (block,)))
    assert texts(ax) == [str(number) for number in range(9, 18)]
    assert ax.get_title() == "3×3×3, 26 of 27 used"


def test_what_reads_nothing_leaves_the_axes_empty() -> None:
    assert not draw_use(axes(), use("convt1s2", (1, 1))).collections


@pytest.mark.parametrize("dark", [False, True])
def test_few_layers_are_boxes_and_many_a_curve(tmp_path: Path, dark: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for name in ("draw_boxes", "draw_growth", "draw_use"):
        monkeypatch.setattr(f"refconv.plots.networks.{name}", lambda *_, name=name: drawn.append(name))
    monkeypatch.setattr(
        "refconv.plots.networks._save", lambda figure, path: drawn.append(f"{len(figure.axes)} in {path}")
    )
    some = use("k3")
    save_network("a", DEPTHS, some, None, dark=dark)
    save_network("b", DEPTHS * 3, some, None, dark=dark)  # 9 layers
    save_network("c", [*DEPTHS, Depth("", "x", [141, 141], Fraction(1))], None, None, dark=dark)  # 141 > 20·7
    save_network("d", [*DEPTHS, Depth("", "x", [140, 140], Fraction(1))], None, None, dark=dark)
    save_network("e", [Depth("", "x", [3], Fraction(1))], None, None, dark=dark)
    assert drawn == [
        "draw_boxes", "draw_use", "2 in a", "draw_growth", "draw_use", "2 in b", "draw_growth", "1 in c", "draw_boxes",
        "1 in d", "draw_growth", "1 in e",
    ]  # fmt: skip


def pixels(path: Path) -> Any:
    return pytest.importorskip("matplotlib.image").imread(path)[..., :3]


def test_a_figure_is_light_or_dark_and_nothing_runs_off_it(tmp_path: Path) -> None:
    labels = [
        Depth("", f"Parallel([], [Conv({size}), {'Conv(3, padding=1), ' * 9}])", [size, size], Fraction(1))
        for size in (3, 5, 9)
    ]
    for dark in (False, True):
        path = tmp_path / f"{dark}.png"
        save_network(str(path), labels, use("k3 k3d2"), (64, 64), dark=dark)
        image = pixels(path)
        ground = image[0, 0].mean()
        assert ground == (0 if dark else 1)
        edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (edges == ground).all()
        assert image.std() > 0.05


def test_a_comparison_has_a_row_for_each_network(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    rows = [
        [("Conv(3)", use("k3")), ("Conv(5)", use("k3 k5"))],
        [("Conv(7)", use("c1: k7", (0,)))],
        [("x", use("(k3)x20"))],
    ]
    save_comparison(str(path), ["k3 k5", "c1: k7", "(k3)x20"], rows, dark=False)
    height, width = pixels(path).shape[:2]
    assert (height, width) == (int(3.4 * 3 * 120), int(3.1 * 2 * 120))


def test_a_row_of_a_comparison_begins_with_the_network_and_ends_where_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    monkeypatch.setattr("refconv.plots.networks._save", lambda figure, path: figures.append((figure, path)))
    rows = [[("Conv(3)", use("k3")), ("Conv(3, dilation=2)", use("k3 k3d2"))], [("Conv(7)", use("c1: k7", (0,)))]]
    save_comparison("figure.png", ["k3 k3d2 " * 5, "c1: k7"], rows, dark=False)
    ((figure, path),) = figures
    assert path == "figure.png"
    assert figure.get_size_inches().tolist() == [6.2, 6.8]  # 3.1 inches by 3.4 for each
    # A line of the name has 30 characters at most: the first 7 words have 26, and the next would make it 31.
    assert [ax.get_ylabel() for ax in figure.axes] == ["k3 k3d2 k3 k3d2 k3 k3d2 k3\nk3d2 k3 k3d2", "", "c1: k7", ""]
    assert [ax.get_title() for ax in figure.axes] == [
        "Conv(3)\n3×3, 9 of 9 used", "Conv(3, dilation=2)\n7×7, 49 of 49 used", "Conv(7)\n7 pixels, 7 used", "",
    ]  # fmt: skip
    assert [ax.axison for ax in figure.axes] == [True, True, True, False]
    save_comparison("figure.png", ["k3"], [rows[0][:1]], dark=False)
    assert figures[1][0].get_size_inches().tolist() == [4.5, 3.4]  # as wide as a name takes at least


def test_text_and_lines_are_legible_on_either_ground() -> None:
    style = pytest.importorskip("matplotlib.style")
    assert (ink(), accent()) == ("black", "#0072B2")
    with style.context("dark_background"):
        assert (ink(), accent()) == ("white", "#56B4E9")
