"""The window slides over the input: convolution arithmetic as everyone knows it, for any parameters.

Artists are drawn once, and every frame shows its own; as GIF or as one SVG.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refconv.conv import conv2d
from refconv.geometry.arguments import IntOrPair, PaddingLike, as_pair
from refconv.geometry.build import build_axes
from refconv.geometry.transposed import plan_transposed
from refconv.numbers.formats import Array
from refconv.plots.scene import Scene
from refconv.plots.sliding import SlidingAxis
from refconv.plots.style import require_matplotlib
from refconv.transpose import conv_transpose2d

if TYPE_CHECKING:
    import os

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ConvAnimation", "animate_conv"]

# Browsers run a style sheet inside an SVG wherever it is shown, <img> included; a viewer that cannot shows frame 0.
_STYLE = """<style>
[id^="{name}-"] {{visibility: hidden; animation: {name} {total}ms step-end infinite}}
[id^="{name}-0-"] {{visibility: visible}}
@keyframes {name} {{0% {{visibility: visible}} {share:.4f}% {{visibility: hidden}}}}
{delays}
@media (prefers-reduced-motion: reduce) {{[id^="{name}-"] {{animation: none}}}}
</style>
"""


@dataclass(frozen=True)
class ConvAnimation:
    """What `animate_conv` returns: axes on which one frame is to be seen at a time.

    Attributes
    ----------
    ax : matplotlib.axes.Axes
        Where it is drawn; the first frame is visible.
    frames : sequence of lists of matplotlib.artist.Artist
        What is visible in each frame alone; all else is visible in every frame.
    interval : int
        Milliseconds from frame to frame.

    Examples
    --------
    >>> animation = animate_conv(np.ones((1, 3, 4)), np.ones((1, 1, 2, 2)))
    >>> len(animation.frames)
    6
    >>> animation.to_svg().count("animation-delay")
    5
    """

    ax: Axes
    frames: Sequence[Sequence[Artist]]
    interval: int = 500

    def show(self, number: int) -> None:
        """Make one frame visible, and all others not."""
        for frame, artists in enumerate(self.frames):
            for artist in artists:
                artist.set_visible(frame == number)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole figure to a file, whose name ends in .gif or .svg; a ValueError if it does not."""
        target = Path(path)
        if target.suffix == ".svg":
            target.write_text(self.to_svg(), encoding="utf-8")
        elif target.suffix == ".gif":
            from matplotlib.animation import ArtistAnimation, PillowWriter  # noqa: PLC0415  # an extra

            writer = PillowWriter(fps=1000 / self.interval)  # type: ignore[arg-type]  # takes fractions
            ArtistAnimation(_figure(self.ax), self.frames).save(target, writer)
            self.show(0)
        else:
            raise ValueError(f"the name {target.name!r} must end in .gif or .svg")

    def to_svg(self) -> str:
        """Return the figure as one SVG that moves where a browser shows it: all frames, and a style sheet for turns."""
        from matplotlib import rc_context  # noqa: PLC0415  # an extra

        for number, frame in enumerate(self.frames):
            for part, artist in enumerate(frame):
                artist.set(visible=True, gid=f"frame-{number}-{part}")
        buffer = io.StringIO()
        with rc_context({"svg.hashsalt": "refconv"}):  # the same drawing has the same bytes
            _figure(self.ax).savefig(buffer, format="svg", metadata={"Date": None})
        self.show(0)
        return self._in_turns(buffer.getvalue())

    def _in_turns(self, svg: str) -> str:
        """Add the style sheet, under a name of its own: a page may hold many such pictures."""
        name = f"frame-{zlib.crc32(svg.encode()):08x}"
        count = len(self.frames)
        delays = [f'[id^="{name}-{k}-"] {{animation-delay: {k * self.interval}ms}}' for k in range(1, count)]
        style = _STYLE.format(name=name, total=count * self.interval, share=100 / count, delays="\n".join(delays))
        return svg.replace('id="frame-', f'id="{name}-').replace("</svg>", f"{style}</svg>")

    def _repr_svg_(self) -> str:
        return self.to_svg()


def _figure(ax: Axes) -> Figure:
    return ax.get_figure(root=True)  # type: ignore[return-value]  # None only once they are taken out of it


def animate_conv(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    stride: IntOrPair = 1,
    padding: PaddingLike = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    transposed: bool = False,
    output_padding: IntOrPair = 0,
    numbers: bool = True,
    ax: Axes | None = None,
) -> ConvAnimation:
    """Draw a convolution as a window that slides over the blue input and makes the green output, one pixel a frame.

    Each frame shows on which cells the taps stand, and which output they give.  Of several channels, one map stands
    above the other, and an output channel reads the maps of its group.

    Parameters
    ----------
    input : array_like, (C, H, W)
        One image.
    weight : array_like, (O, C/G, K_h, K_w), or (C, O/G, K_h, K_w) of a transposed convolution
        The kernels.
    stride, padding, dilation, groups, padding_mode
        As in `refconv.conv2d`; with `transposed`, as in `refconv.conv_transpose2d`.
    transposed : bool
        Draw the transposed convolution: the pixels are spread S apart with zeros between them, and the kernel slides
        over that backwards, by single steps.
    output_padding : int or pair of int
        E of a transposed convolution.
    numbers : bool
        Write the pixels, the weights in the corners of their taps, and the results into the cells.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes, in a figure that is large enough, where it is not given.

    Returns
    -------
    ConvAnimation
        Save it as GIF or SVG.  The title is the formula of the output's size, with its numbers.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError, ValueError
        If the input is not one image, or an argument is not of these forms, as `refconv.conv2d` says.

    Notes
    -----
    Source: the pictures of Dumoulin & Visin (2016), here drawn from the arguments and with the results of `conv2d` and
    `conv_transpose2d`.

    Examples
    --------
    >>> animation = animate_conv(np.arange(1, 26).reshape(1, 5, 5), np.ones((1, 1, 3, 3), dtype=int), stride=2)
    >>> animation.ax.get_title()
    'P = Q = ⌊(5 + 0 + 0 − 1·(3 − 1) − 1) / 2⌋ + 1 = 2'
    >>> len(animation.frames)
    4
    """
    require_matplotlib()
    image, kernels = np.asarray(input), np.asarray(weight)
    if image.ndim != 3 or 0 in (image.size, kernels.size):
        raise ValueError(f"input {image.shape} must be one image (C, H, W), and weight {kernels.shape} not be empty")
    if transposed and padding_mode != "zeros":
        raise ValueError(f"padding_mode={padding_mode!r} must be 'zeros' for a transposed convolution")
    if not transposed and as_pair("output_padding", output_padding, minimum=0) != (0, 0):
        raise ValueError(f"output_padding={output_padding} must be 0 unless transposed=True")
    if transposed:
        scene = _scatter(image, kernels, stride, padding, output_padding, groups, dilation)
    else:
        output = conv2d(image, kernels, None, stride, padding, dilation, groups, padding_mode=padding_mode)
        plan = build_axes(image.shape[1:], kernels.shape[2:], stride, padding, dilation, padding_mode)
        scene = Scene(image, kernels, output, *(SlidingAxis(axis, padding_mode=padding_mode) for axis in plan))
    ax = scene.new_axes() if ax is None else ax
    scene.draw(ax, numbers=numbers)
    frames = [list(scene.frame(ax, place, numbers=numbers)) for place in np.ndindex(*scene.output.shape)]
    animation = ConvAnimation(ax, frames)
    animation.show(0)
    return animation


def _scatter(image: Array, weight: Array, *call: Any) -> Scene:
    """Return the scene of a transposed convolution; its weight becomes (O, C/G, K_h, K_w)."""
    stride, padding, output_padding, groups, dilation = call
    output = conv_transpose2d(image, weight, None, *call)
    steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    plan = plan_transposed(image.shape, weight.shape, groups=groups, **steps)
    axes = [SlidingAxis(axis, pixels) for axis, pixels in zip(plan.axes, image.shape[1:], strict=True)]
    by_group = weight.reshape(groups, len(weight) // groups, *weight.shape[1:]).swapaxes(1, 2)
    return Scene(image, by_group.reshape(len(output), -1, *weight.shape[2:]), output, *axes)
