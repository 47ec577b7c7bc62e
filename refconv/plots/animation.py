"""A figure that moves: artists that are drawn once, of which every frame shows its own; as GIF or as one SVG."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ConvAnimation"]

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
    >>> import numpy as np
    >>> from refconv.plots import animate_conv
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
