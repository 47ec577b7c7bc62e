from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from refconv import plots
from refconv.analysis import valid_weights

pytestmark = pytest.mark.usefixtures("no_window")

# As matplotlib types what artists return, a test could compare nothing with it.
plot_degeneration: Callable[..., Any] = plots.plot_degeneration
plot_valid_weights: Callable[..., Any] = plots.plot_valid_weights


def test_figure_4_of_deeplabv3() -> None:
    # mission.md, section 2: three lines, r = 1 ... 66.
    ax = plot_valid_weights(classes=(9, 4, 1))
    assert [line.get_label() for line in ax.lines] == ["9", "4", "1"]
    shares = {}
    for line in ax.lines:
        assert line.get_xdata().tolist() == list(range(1, 67))
        shares[line.get_label()] = [round(share, 4) for share in line.get_ydata().tolist()]
    checkpoints = {6: (0.6649, 0.0341, 0), 18: (0.1991, 0.3067, 0), 48: (0, 0.2736, 0.2275), 64: (0, 0.0009, 0.9394)}
    for dilation, published in checkpoints.items():
        assert tuple(shares[taps][dilation - 1] for taps in ("9", "4", "1")) == published


def test_all_six_classes_add_up_to_1() -> None:
    ax = plot_valid_weights(classes=(9, 6, 4, 3, 2, 1))
    assert np.allclose(sum(line.get_ydata() for line in ax.lines), 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["9", "6", "4", "3", "2", "1"]
    assert ax.get_legend().get_title().get_text() == "valid weights"


def test_the_legend_stands_over_the_axes_without_a_frame() -> None:
    legend = (ax := plot_valid_weights(9)).get_legend()
    corners = legend.get_bbox_to_anchor().transformed(ax.transAxes.inverted()).get_points()
    assert np.allclose(corners, [[0, 1], [0, 1]])
    assert (legend.get_frame_on(), legend.handlelength) == (False, 3)


def test_the_classes_that_occur_unless_told() -> None:
    # 3 weights are 3 by 1, and at one dilation no side of a square has both.
    assert [line.get_label() for line in plot_valid_weights(9).lines] == ["9", "6", "4", "2", "1"]
    ax = plot_valid_weights((5, 9), (3, 2), dilations=(4, 1))
    assert [line.get_label() for line in ax.lines] == ["6", "4", "3", "2", "1"]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[4, 1]] * 5
    for line in ax.lines:
        shares = [
            valid_weights((5, 9), (3, 2), dilation).fractions.get(int(line.get_label()), 0) for dilation in (4, 1)
        ]
        assert line.get_ydata().tolist() == [float(share) for share in shares]


def test_lines_differ_in_more_than_colour() -> None:
    lines = plot_valid_weights(9).lines
    assert len({line.get_marker() for line in lines}) == 5
    assert len({line.get_linestyle() for line in lines}) == 4
    assert len({line.get_color() for line in lines}) == 5


def test_there_are_about_twelve_markers_on_a_line() -> None:
    assert plot_valid_weights(65).lines[0].get_markevery() == 5
    assert plot_valid_weights(7).lines[0].get_markevery() == 1
    assert plot_valid_weights((3, 35)).lines[0].get_xdata().tolist() == list(range(1, 37))
    assert plot_valid_weights((3, 35)).lines[0].get_markevery() == 3


def test_a_3_by_3_kernel_degenerates_to_1_by_1() -> None:
    # mission.md, section 2, the second experiment.
    rng = np.random.default_rng(3)
    image, weight = rng.standard_normal((2, 8, 16, 16)), rng.standard_normal((4, 8, 3, 3))
    ax = plot_degeneration(image, weight, range(1, 18))
    (line,) = ax.lines
    assert line.get_xdata().tolist() == list(range(1, 18))
    differences = line.get_ydata()
    assert (differences[:15] > 0.1).all()
    assert (np.diff(differences[:16]) < 0).all()
    assert np.allclose(differences[15:], 0, atol=1e-12)


def test_the_degeneration_of_a_kernel_that_is_not_square() -> None:
    # At dilation 3 the outer taps of five are out of the image.  Beside the centre, the outputs read pixel p − 3 through
    # the weight 10 and pixel p + 3 through 100: 100·8, 100·16, nothing, 10·1 and 10·2.
    image = np.array([[[1, 2, 4, 8, 16]]])
    weight = np.array([[[[7, 10, 3, 100, 5]]]])
    (line,) = plot_degeneration(image, weight, [3]).lines
    assert line.get_ydata().tolist() == [(800 + 1600 + 0 + 10 + 20) / 5]


def test_signs_do_not_cancel() -> None:
    image = np.array([[[1, 0, 1]]])
    weight = np.array([[[[-1, 0, 1]]]])
    (line,) = plot_degeneration(image, weight, [2]).lines
    assert line.get_ydata().tolist() == [2 / 3]


def test_axes_are_labelled_and_given_ones_are_used() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    _, ax = plt.subplots()
    assert plot_valid_weights(5, ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dilation", "share of the positions")
    _, ax = plt.subplots()
    assert plot_degeneration(np.ones((1, 2, 2)), np.ones((1, 1, 1, 1)), [1], ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dilation", "mean |convolution − 1×1 convolution|")


@pytest.mark.parametrize("size", [(2, 3), (3, 2)])
def test_a_kernel_without_a_centre_is_refused(size: tuple[int, int]) -> None:
    message = f"weight has kernels of {size[0]}×{size[1]}; both sides must be odd for them to have a centre"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot_degeneration(np.ones((1, 5, 5)), np.ones((1, 1, *size)), [1])
