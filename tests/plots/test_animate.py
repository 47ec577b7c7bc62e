from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from refconv import conv2d, conv_transpose2d, plots
from refconv.plots.scene import BLUE, GREEN, LIGHT_BLUE, LIGHT_GREEN, PALE_BLUE

pytestmark = pytest.mark.usefixtures("no_window")

# As matplotlib types what artists return, a test could compare nothing with it.
animate_conv: Callable[..., Any] = plots.animate_conv

SVG = "{http://www.w3.org/2000/svg}"
ONES = np.ones((1, 1, 3, 3), dtype=int)
COUNT = np.arange(1, 26).reshape(1, 5, 5)


def corners(cells: Any) -> list[tuple[float, float]]:
    """Return the upper left corner (x, y) of every cell of a collection."""
    found = [tuple(path.vertices.min(axis=0).tolist()) for path in cells.get_paths()]
    for (x, y), path in zip(found, cells.get_paths(), strict=True):
        assert path.vertices.tolist() == [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    return found


def maps(animation: Any) -> dict[str, list[tuple[float, float]]]:
    """Return the cells that do not move by their colour."""
    to_hex = pytest.importorskip("matplotlib.colors").to_hex

    moving = {artist for frame in animation.frames for artist in frame}
    found: dict[str, list[tuple[float, float]]] = {}
    for cells in animation.ax.collections:
        if cells not in moving and cells.get_paths():
            found.setdefault(to_hex(cells.get_facecolor()[0]).upper(), []).extend(corners(cells))
    return found


def numbers(animation: Any) -> list[str]:
    moving = {artist for frame in animation.frames for artist in frame}
    return [text.get_text() for text in animation.ax.texts if text not in moving]


def drawn(animation: Any, name: str) -> list[int]:
    """Return the numbers of a picture with one map on each side, of the input or of the output."""
    texts = numbers(animation)
    start = next(i for i, text in enumerate(texts) if text.startswith(name)) + 1
    stop = next((i for i, text in enumerate(texts) if i > start and text.startswith("output")), len(texts))
    return [int(text) for text in texts[start:stop]]


def test_the_sums_of_25_numbers() -> None:
    animation = animate_conv(COUNT, ONES)
    assert numbers(animation) == [
        "input 5×5",
        *map(str, range(1, 26)),
        "output 3×3",
        *["63", "72", "81", "108", "117", "126", "153", "162", "171"],
    ]
    assert animation.ax.get_title() == "P = Q = ⌊(5 + 0 + 0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 3"
    assert len(animation.frames) == 9
    assert animation.interval == 500


def test_blue_pixels_green_outputs_and_white_zeros() -> None:
    # Padded, the rows are 1 + 2 + 0 and the columns 0 + 3 + 2; the output has (3 − 1) + 1 rows and 5 columns, and
    # begins 1.5 cells right of the input.  Names take a row of 1.
    animation = animate_conv(np.ones((1, 2, 3)), np.ones((1, 1, 2, 1)), padding=((1, 0), (0, 2)))
    assert maps(animation) == {
        "#FFFFFF": [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (4, 2), (3, 3), (4, 3)],
        LIGHT_BLUE: [(0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3)],
        LIGHT_GREEN: [(x + 6.5, y + 1.5) for y in (0, 1) for x in range(5)],
    }
    assert animation.ax.get_xlim() == (-0.1, 11.6)
    assert animation.ax.get_ylim() == (4.1, 0)
    assert animation.ax.get_aspect() == 1


def test_zeros_are_dashed_and_numbers_stand_in_the_middle_of_their_cells_above_the_window() -> None:
    animation = animate_conv([[[1, 2]]], [[[[1]]]], padding=((0, 0), (1, 0)))
    white, blue = (cells for cells in animation.ax.collections[:3] if cells.get_paths())
    assert white.get_linestyle() != blue.get_linestyle() == [(0, None)]
    label, *texts = animation.ax.texts[:4]
    assert label.get_position() == (0, 0.8)
    assert label.get_va() == "bottom"
    assert [text.get_position() for text in texts] == [(0.5, 1.5), (1.5, 1.5), (2.5, 1.5)]
    assert {(text.get_ha(), text.get_va()) for text in texts} == {("center", "center")}
    window, weight, output = animation.frames[0]
    assert blue.get_zorder() < window.get_zorder() == output.get_zorder() < texts[0].get_zorder() < weight.get_zorder()
    assert window.get_facecolor()[0][3] == 0.5


def test_the_window_stands_on_its_taps() -> None:
    to_hex = pytest.importorskip("matplotlib.colors").to_hex

    # Rows 2·p + 3·i − 1, columns q + 2·j; cell −1 is drawn at y = 1, below the name, and cell 0 at x = 0.
    animation = animate_conv(
        np.ones((1, 6, 5)),
        np.ones((1, 1, 2, 3)),
        stride=(2, 1),
        dilation=(3, 2),
        padding=((1, 0), (0, 0)),
        numbers=False,
    )
    assert len(animation.frames) == 2
    for p, (window, output) in enumerate(animation.frames):
        assert corners(window) == [(x, y + 1) for y in (2 * p, 2 * p + 3) for x in (0, 2, 4)]
        assert to_hex(window.get_facecolor()[0]).upper() == BLUE
        assert corners(output) == [(6.5, p + 3.5)]
        assert to_hex(output.get_facecolor()[0]).upper() == GREEN


def test_weights_stand_in_the_corners_of_their_taps() -> None:
    animation = animate_conv(COUNT, np.arange(1, 7).reshape(1, 1, 2, 3), dilation=(1, 2))
    for p, (_window, *weights, _output) in enumerate(animation.frames):
        assert [text.get_text() for text in weights] == ["1", "2", "3", "4", "5", "6"]
        places = [tuple(map(int, text.get_position())) for text in weights]
        assert places == [(x, y + 1) for y in (p, p + 1) for x in (0, 2, 4)]  # the name takes the first row
        assert {(text.get_ha(), text.get_va()) for text in weights} == {("right", "bottom")}


def test_without_numbers_there_is_nothing_but_the_window_and_its_output() -> None:
    animation = animate_conv(COUNT, ONES, numbers=False)
    assert [text.get_text() for text in animation.ax.texts] == ["input 5×5", "output 3×3"]
    assert {len(frame) for frame in animation.frames} == {2}


@pytest.mark.parametrize(
    ("mode", "row"),
    [
        ("zeros", [0, 0, 1, 2, 3, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_what_stands_in_the_padding(mode: str, row: list[int]) -> None:
    animation = animate_conv([[[1, 2, 3]]], [[[[1, 10]]]], padding=((0, 0), (2, 1)), padding_mode=mode)
    assert drawn(animation, "input") == row
    assert drawn(animation, "output") == [a + 10 * b for a, b in pairwise(row)]
    repeated = PALE_BLUE if mode != "zeros" else "#FFFFFF"
    assert maps(animation)[repeated] == [(0, 1), (1, 1), (5, 1)]


def test_a_transposed_convolution() -> None:
    # 1 and 10, two apart, each leave 1, 2, 3 times themselves: 1 2 3+10 20 30.  The window reads them backwards.
    animation = animate_conv([[[1, 10]]], [[[[1, 2, 3]]]], stride=(1, 2), transposed=True)
    assert drawn(animation, "input") == [0, 0, 1, 0, 10, 0, 0]
    assert drawn(animation, "output") == [1, 2, 13, 20, 30]
    assert maps(animation)[LIGHT_BLUE] == [(2, 1), (4, 1)]
    assert animation.ax.get_title() == (
        "H = 1·(1 − 1) + 1·(1 − 1) + 1 + 0 − 0 − 0 = 1\nW = 2·(2 − 1) + 1·(3 − 1) + 1 + 0 − 0 − 0 = 5"
    )
    window, *weights, output = animation.frames[1]
    assert corners(window) == [(3, 1), (2, 1), (1, 1)]
    assert [(text.get_text(), int(text.get_position()[0])) for text in weights] == [("1", 3), ("2", 2), ("3", 1)]
    assert corners(output) == [(9.5, 1)]


def test_every_argument_of_a_transposed_convolution_is_passed_on() -> None:
    # P = 2, S = 3, D = 2, K = 2, T = 1, B = 0, E = 2: H = 3 + 2 + 1 + 2 − 1 = 7.
    weight = np.arange(1, 9).reshape(2, 2, 2, 1)
    call: dict[str, Any] = {"stride": (3, 1), "padding": ((1, 0), (0, 0)), "output_padding": (2, 0), "dilation": (2, 1)}
    for groups in (1, 2):
        animation = animate_conv(np.arange(1, 5).reshape(2, 2, 1), weight, groups=groups, transposed=True, **call)
        sums = conv_transpose2d(np.arange(1, 5).reshape(2, 2, 1), weight, groups=groups, **call)
        assert sums.shape == (2 * groups, 7, 1)
        texts = numbers(animation)
        start = texts.index("output 7×1, channel 0")
        assert [text for text in texts[start:] if text.isdecimal()] == [str(number) for number in sums.flat]
        assert animation.ax.get_title().startswith("H = 3·(2 − 1) + 2·(2 − 1) + 1 + 2 − 1 − 0 = 7\n")


def test_every_argument_of_a_convolution_is_passed_on() -> None:
    image, weight = np.arange(40).reshape(2, 4, 5), np.arange(1, 13).reshape(2, 1, 3, 2)
    call: dict[str, Any] = {"stride": (2, 1), "padding": ((2, 1), (0, 1)), "dilation": (1, 3), "groups": 2}
    for mode in ("zeros", "replicate"):
        animation = animate_conv(image, weight, padding_mode=mode, **call)
        sums = conv2d(image, weight, padding_mode=mode, **call)
        assert sums.shape == (2, 3, 3)
        texts = numbers(animation)
        start = texts.index("output 3×3, channel 0")
        assert [text for text in texts[start:] if text.isdecimal()] == [str(number) for number in sums.flat]


def test_an_output_reads_the_maps_of_its_group() -> None:
    # G = 2: outputs 0, 1 and 2 read maps 0 and 1, outputs 3, 4 and 5 maps 2 and 3.
    weight = np.arange(12).reshape(6, 2, 1, 1)
    animation = animate_conv(np.ones((4, 1, 1)), weight, groups=2)
    assert len(animation.frames) == 6
    pitch = 6 * 2 / 4  # the height of six outputs and their names, shared among four inputs
    for o, frame in enumerate(animation.frames):
        first, first_weight, second, second_weight, output = frame
        maps_read = [0, 1] if o < 3 else [2, 3]
        assert [corners(window) for window in (first, second)] == [[(0, pitch * c + 1.5)] for c in maps_read]
        assert [first_weight.get_text(), second_weight.get_text()] == [str(2 * o), str(2 * o + 1)]
        assert corners(output) == [(2.5, 2 * o + 1)]
    assert [text for text in numbers(animation) if not text.isdecimal()] == [
        *[f"input 1×1, channel {c}" for c in range(4)],
        *[f"output 1×1, channel {o}" for o in range(6)],
    ]


def test_a_transposed_output_reads_the_maps_of_its_group() -> None:
    # Weights (C, O/G, 2, 1) = (4, 3, 2, 1), 6·c + 2·o' + i: output o = 3·g + o' reads maps 2·g and 2·g + 1.
    weight = np.arange(24).reshape(4, 3, 2, 1)
    animation = animate_conv(np.ones((4, 1, 1)), weight, groups=2, transposed=True)
    weights = [[text.get_text() for text in frame if hasattr(text, "get_text")] for frame in animation.frames]
    assert weights[::2] == [  # one of two rows
        ["0", "1", "6", "7"],
        ["2", "3", "8", "9"],
        ["4", "5", "10", "11"],
        ["12", "13", "18", "19"],
        ["14", "15", "20", "21"],
        ["16", "17", "22", "23"],
    ]


def test_channels_have_numbers_where_there_are_several() -> None:
    many_in = numbers(animate_conv([[[5]], [[6]]], [[[[1]], [[1]]]]))
    assert many_in == ["input 1×1, channel 0", "5", "input 1×1, channel 1", "6", "output 1×1, channel 0", "11"]
    many_out = numbers(animate_conv([[[5]]], [[[[1]]], [[[2]]]]))
    assert many_out == ["input 1×1, channel 0", "5", "output 1×1, channel 0", "5", "output 1×1, channel 1", "10"]


def test_fractions_have_three_digits_and_whole_numbers_all() -> None:
    assert numbers(animate_conv([[[1 / 3, 1e6]]], [[[[2.0]]]])) == [
        *["input 1×2", "0.333", "1000000"],
        *["output 1×2", "0.667", "2000000"],
    ]


def test_numbers_fit_their_cells() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    def sizes(image: Any) -> tuple[float, float]:
        _, ax = plt.subplots(figsize=(4, 4))
        animation = animate_conv(image, [[[[1]]]], ax=ax)
        weight = animation.frames[0][1]
        return ax.texts[1].get_fontsize(), weight.get_fontsize()

    # The axes are .775 of 4 inches wide; 3 + 1.5 + 3 cells share them, and five digits would need more room than two.
    cell = 4 * 72 * 0.775 / 7.5
    assert sizes([[[1, 2, 3]]]) == pytest.approx((11, 6.6))
    assert sizes([[[1, 2, 30000]]]) == pytest.approx((cell / 3.75, 0.6 * cell / 3.75))


def test_a_new_figure_is_large_enough_and_a_given_one_is_drawn_on() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    # 10 + 1.5 + 8 cells of .42 inches, and 11 rows of them below half an inch for the title; no narrower than 4.4.
    figure = animate_conv(np.ones((1, 10, 10)), ONES).ax.figure
    assert figure.get_size_inches().tolist() == pytest.approx([19.5 * 0.42, 11 * 0.42 + 0.5])
    assert animate_conv(np.ones((1, 3, 3)), ONES).ax.figure.get_size_inches().tolist() == pytest.approx([4.4, 2.18])
    assert plt.get_fignums() == []
    _, ax = plt.subplots()
    assert animate_conv(COUNT, ONES, ax=ax).ax is ax
    assert ax.texts[0].get_text() == "input 5×5"
    assert not ax.axison


def test_one_frame_is_visible_at_a_time() -> None:
    animation = animate_conv([[[1, 2, 3]]], [[[[1]]]])

    def visible() -> list[list[bool]]:
        return [[artist.get_visible() for artist in frame] for frame in animation.frames]

    assert visible() == [[True] * 3, [False] * 3, [False] * 3]
    animation.show(2)
    assert visible() == [[False] * 3, [False] * 3, [True] * 3]


def test_an_svg_holds_every_frame_and_shows_them_in_turns() -> None:
    animation = animate_conv([[[1, 2, 3, 4]]], [[[[1]]]])
    animation.show(3)
    svg = animation.to_svg()
    root = ET.fromstring(svg)
    groups = [name for name in (group.get("id", "") for group in root.iter(f"{SVG}g")) if name.startswith("frame-")]
    name = groups[0][: len("frame-01234567")]
    assert sorted(groups) == [f"{name}-{frame}-{part}" for frame in range(4) for part in range(3)]
    style = list(root.iter(f"{SVG}style"))[-1].text
    assert style is not None
    assert style.strip().splitlines() == [
        f'[id^="{name}-"] {{visibility: hidden; animation: {name} 2000ms step-end infinite}}',
        f'[id^="{name}-0-"] {{visibility: visible}}',
        f"@keyframes {name} {{0% {{visibility: visible}} 25.0000% {{visibility: hidden}}}}",
        *[f'[id^="{name}-{frame}-"] {{animation-delay: {500 * frame}ms}}' for frame in (1, 2, 3)],
        f'@media (prefers-reduced-motion: reduce) {{[id^="{name}-"] {{animation: none}}}}',
    ]
    assert all(artist.get_visible() for artist in animation.frames[0])
    assert not any(artist.get_visible() for artist in animation.frames[1])


def test_two_pictures_on_one_page_have_names_of_their_own_and_one_always_the_same() -> None:
    first, second = (animate_conv([[[1, 2]]], [[[[weight]]]]).to_svg() for weight in (1, 2))
    names = [re.findall(r"@keyframes (\S+)", svg) for svg in (first, second)]
    assert names[0] != names[1]
    assert animate_conv([[[1, 2]]], [[[[1]]]])._repr_svg_() == first


def test_the_whole_figure_is_saved_whatever_part_of_it_is_drawn_on() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")

    figure = plt.figure()
    left, right = figure.subfigures(1, 2)
    left.subplots().set_title("beside it")
    svg = animate_conv([[[1, 2]]], [[[[1]]]], ax=right.subplots()).to_svg()
    assert "beside it" in svg  # matplotlib names the text that it draws as paths
    assert len(re.findall(r'<g id="axes_\d"', svg)) == 2


def test_files_are_gifs_and_svgs(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")

    animation = animate_conv([[[1, 2, 3]]], [[[[1, 1]]]])
    animation.save(tmp_path / "conv.svg")
    assert (tmp_path / "conv.svg").read_text(encoding="utf-8") == animation.to_svg()
    animation.save(str(tmp_path / "conv.gif"))
    with image_module.open(tmp_path / "conv.gif") as gif:
        assert (gif.format, gif.n_frames, gif.info["duration"]) == ("GIF", 2, 500)
    assert [artist.get_visible() for frame in animation.frames for artist in frame] == [True] * 4 + [False] * 4
    with pytest.raises(ValueError, match=r"^the name 'conv.png' must end in .gif or .svg$"):
        animation.save(tmp_path / "conv.png")


@pytest.mark.parametrize(
    ("image", "weight", "options", "message"),
    [
        (
            (2, 1, 5, 5),
            (1, 1, 3, 3),
            {},
            "input (2, 1, 5, 5) must be one image (C, H, W), and weight (1, 1, 3, 3) not be empty",
        ),
        (
            (0, 5, 5),
            (1, 0, 3, 3),
            {},
            "input (0, 5, 5) must be one image (C, H, W), and weight (1, 0, 3, 3) not be empty",
        ),
        (
            (1, 5, 5),
            (0, 1, 3, 3),
            {},
            "input (1, 5, 5) must be one image (C, H, W), and weight (0, 1, 3, 3) not be empty",
        ),
        ((1, 5, 5), (1, 1, 3, 3), {"output_padding": (0, 1)}, "output_padding=(0, 1) must be 0 unless transposed=True"),
        (
            (1, 5, 5),
            (1, 1, 3, 3),
            {"transposed": True, "padding_mode": "reflect"},
            "padding_mode='reflect' must be 'zeros' for a transposed convolution",
        ),
    ],
)
def test_bad_input(image: tuple[int, ...], weight: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        animate_conv(np.ones(image), np.ones(weight), **options)


def test_it_says_what_is_missing() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import refconv.plots\n"
        "try:\n    refconv.plots.animate_conv([[[1]]], [[[[1]]]])\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "plots need matplotlib, which is not installed: pip install 'refconv[plot]'\n"


def test_the_published_numerical_example_made_right() -> None:
    # Dumoulin & Visin's picture has 1 6 5 / 7 10 9 / 7 10 8.  By hand, in the middle above, where the window stands on
    # rows −1, 0, 1 and columns 1, 2, 3: 1·2 + 0·3 + 0·3 of row 0 and 0·1 + 1·3 + 1·0 of row 1 make 5.
    image = [[[2, 2, 3, 3, 3], [0, 1, 3, 0, 3], [2, 3, 0, 1, 3], [3, 3, 2, 1, 2], [3, 3, 0, 2, 3]]]
    kernel = [[[[2, 0, 1], [1, 0, 0], [0, 1, 1]]]]
    animation = animate_conv(image, kernel, stride=2, padding=1)
    assert drawn(animation, "output") == [1, 5, 6, 7, 8, 3, 3, 10, 4]
