"""How does a receptive field come about?  One line for each layer, as plain text or as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from refconv.analysis.axis_map import AxisMap, Maps
from refconv.analysis.layers import AXES, Conv, Layer, Pool
from refconv.analysis.network import Parallel
from refconv.analysis.symbols import is_symbolic

__all__: list[str] = []


class Style(NamedTuple):
    """The signs of a kind of text, and the frame around its lines."""

    times: str
    minus: str
    beside: Callable[[str], str]
    equals: str
    line_end: str
    frame: str


TEXT = Style(
    times="·", minus="−", beside="    {}".format, equals="=", line_end="\n", frame="{heading}: {rule}\n{lines}"
)
LATEX = Style(
    times=r" \cdot ",
    minus="-",
    beside=lambda layer: r" && \text{{{}}}".format(layer.replace("_", r"\_")),
    equals="&=",
    line_end=" \\\\\n",
    frame="% {heading}: {rule}\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}",
)
RULE = "r grows by (K − 1)·D·S, with S the stride so far"


def derive(layers: Sequence[Layer | Parallel], maps: Sequence[tuple[Maps, Maps]], *, latex: bool) -> str:
    """Return the derivation, once for both axes where they agree."""
    style = LATEX if latex else TEXT
    height, width = (list(_equations(layers, [both[axis] for both in maps], axis, style)) for axis in range(len(AXES)))
    parts = {"height and width": height} if height == width else {"height": height, "width": width}
    return "\n".join(_framed(heading, equations, layers, style) for heading, equations in parts.items())


def _framed(heading: str, equations: list[str], layers: Sequence[Layer | Parallel], style: Style) -> str:
    """Return the lines under each other, each with its layer beside it."""
    widest = max(map(len, equations))
    beside = ["", *map(style.beside, map(repr, layers))]
    lines = [f"{equation:<{widest}}{layer}".rstrip() for equation, layer in zip(equations, beside, strict=True)]
    return style.frame.format(heading=heading, rule=RULE, lines=style.line_end.join(lines))


def _equations(layers: Sequence[Layer | Parallel], maps: Sequence[Maps], axis: int, style: Style) -> Iterator[str]:
    """Say r_0 = 1, and how each r follows from the one before."""
    yield f"r_0 {style.equals} 1"
    for number, layer in enumerate(layers, start=1):
        below, above = maps[number - 1], maps[number]
        if len(above) > 1:
            value = "another one for every output" if style is TEXT else r"\text{another one for every output}"
        elif isinstance(layer, Conv | Pool) and below[0].period == 1:
            value = _growth(below[0], layer, axis, above[0], style)
        else:
            value = _extent(above[0], style)
        yield f"r_{number if style is TEXT or number < 10 else f'{{{number}}}'} {style.equals} {value}"


def _growth(below: AxisMap, layer: Conv | Pool, axis: int, above: AxisMap, style: Style) -> str:
    """Return ``r + (K − 1)·D·S = …``."""
    values = below.phases[0].size, layer.kernel_size[axis], layer.dilation[axis], below.shift
    size, kernel_size, dilation, stride = (_number(value, style) for value in values)
    steps = style.times.join([f"({kernel_size} {style.minus} 1)", dilation, stride])
    return f"{size} + {steps} = {_number(above.phases[0].size, style, alone=True)}"


def _extent(above: AxisMap, style: Style) -> str:
    """Return ``last − first + 1 = …`` of the phase that sees most."""
    span = max(above.phases, key=lambda span: span.size) if above.period > 1 else above.phases[0]
    first, last = (_number(value, style, alone=True) for value in (span.first, span.last))
    return f"{last} {style.minus} ({first}) + 1 = {_number(span.size, style, alone=True)}"


def _number(value: int, style: Style, *, alone: bool = False) -> str:
    """Return a number, or an expression: in brackets if it is a sum that does not stand alone."""
    if not is_symbolic(value):
        return str(value).replace("-", style.minus)
    import sympy  # noqa: PLC0415  # the caller's own expressions come from it

    text = sympy.latex(value) if style is LATEX else str(value)
    return f"({text})" if isinstance(value, sympy.Add) and not alone else str(text)
