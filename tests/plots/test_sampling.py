from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from refconv import plots
from refconv.plots.style import HATCH

pytestmark = pytest.mark.usefixtures("no_window")

# As matplotlib types what artists return, a test could compare nothing with it.
plot_sampling: Callable[..., Any] = plots.plot_sampling


def dots(ax: Any) -> dict[str, list[list[float]]]:
    return {label: group.get_offsets().tolist() for group, label in zip(*ax.get_legend_handles_labels(), strict=True)}


def test_every_tap_of_a_dilated_kernel() -> None:
    # Rows: 2·1 + 3·k − 1 = 1, 4; columns: 1·2 + 2·k − 3 = −1, 1, 3.  Offsets are (column, row).
    ax = plot_sampling((6, 5), (2, 3), dilation=(3, 2), stride=(2, 1), padding=((1, 0), (3, 2)), output=(1, 2))
    assert dots(ax) == {
        "reads a pixel": [[1, 1], [3, 1], [1, 4], [3, 4]],
        "reads padding": [[-1, 1], [-1, 4]],
    }


def test_dots_on_padding_are_hollow() -> None:
    to_hex = pytest.importorskip("matplotlib.colors").to_hex

    ax = plot_sampling(3, 3, padding=1)
    filled, hollow = ax.get_legend_handles_labels()[0]
    assert [to_hex(group.get_facecolor()[0]) for group in (filled, hollow)] == ["#0072b2", "#ffffff"]
    assert {to_hex(group.get_edgecolor()[0]) for group in (filled, hollow)} == {"#0072b2"}


def test_a_kind_of_tap_that_does_not_occur_is_not_in_the_legend() -> None:
    assert list(dots(plot_sampling(3, 3))) == ["reads a pixel"]
    assert list(dots(plot_sampling(2, 1, padding=1))) == ["reads padding"]


def test_the_image_lies_on_hatched_padding() -> None:
    ax = plot_sampling((4, 7), 2, padding=((1, 2), (3, 5)))
    padded, image = ax.patches
    assert (padded.get_xy(), padded.get_width(), padded.get_height()) == ((-3.5, -1.5), 15, 7)
    assert padded.get_hatch() == HATCH
    assert (image.get_xy(), image.get_width(), image.get_height()) == ((-0.5, -0.5), 7, 4)
    assert image.get_hatch() is None
    assert ax.get_xlim() == (-3.5, 11.5)
    assert ax.get_ylim() == (5.5, -1.5)  # rows count downwards
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column", "row")
    assert ax.get_aspect() == 1
    columns, rows = (lines.get_segments() for lines in ax.collections[:2])
    assert [line[0][0] for line in columns] == [-3.5 + n for n in range(16)]
    assert [line[0][1] for line in rows] == [-1.5 + n for n in range(8)]


def test_pixels_are_counted_in_whole_numbers() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    _, ax = plt.subplots(figsize=(3.5, 3.5))  # where matplotlib alone would count 0, 2.5, 5, 7.5 ...
    plot_sampling((12, 13), 1, ax=ax)
    assert [tick % 1 for tick in [*ax.get_xticks(), *ax.get_yticks()]] == [0] * (
        len(ax.get_xticks()) + len(ax.get_yticks())
    )


def test_the_first_output_of_a_plain_kernel_unless_told() -> None:
    assert dots(plot_sampling(4, (1, 2))) == {"reads a pixel": [[0, 0], [1, 0]]}


def test_given_axes_are_drawn_on_and_returned() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    _, ax = plt.subplots()
    assert plot_sampling(3, 1, ax=ax) is ax


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"input_size": (5, 6), "kernel_size": 3, "output": (3, 0)},
            "output=(3, 0) must lie in the output of size (3, 4)",
        ),
        (
            {"input_size": (5, 6), "kernel_size": 3, "output": (0, 4)},
            "output=(0, 4) must lie in the output of size (3, 4)",
        ),
        ({"input_size": 0, "kernel_size": 3}, "input_size=0 must be at least 1"),
        ({"input_size": 5, "kernel_size": 0}, "kernel_size=0 must be at least 1"),
        (
            {"input_size": 5, "kernel_size": 3, "dilation": 3},
            "kernel height 3 at dilation 3 spans 7 pixels; it must fit the padded input height 0 + 5 + 0 = 5",
        ),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plot_sampling(**arguments)
