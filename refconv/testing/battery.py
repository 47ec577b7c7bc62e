"""The battery: which cases there are, and why.

``smoke``  about 20 cases, for a test that runs at every save.
``core``   about 300: smoke; a pairwise cover of every parameter with every other; each edge case by name; and
           arguments that ought to be refused.

Cases are written as their names (see `refconv.testing.cases`).  Extents are pairwise different where nothing else is
said, so that swapped axes cannot hide.  The edge cases are the union of what the suites of PyTorch, TensorFlow, JAX,
ONNX, oneDNN and others test, and of what their bug reports show that they did not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import cycle
from typing import Final

from refconv.testing.cases import DTYPES, Case, parse_case
from refconv.testing.pairwise import pairwise_cover

__all__ = ["TIERS", "cases", "find_case"]

SMOKE: Final = (
    "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32",  # every parameter different: the default case
    "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32-real",
    "n3-c4-o5-g1-6x8-k3-s1-p1-d1-f32",  # the commonest layer there is
    "n1-c3-o4-g1-8x10-k1-s1-p0-d1-f32",  # a matrix product
    "n2-c3-o4-g1-9x7-k1-s2x3-p0-d1-bias-f32",  # 1×1 with a stride: the short cut that forgets it
    "n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32",  # padding that differs by side
    "n1-c2-o3-g1-5x8-k3-s1-p0x2-d1-f32",
    "n1-c2-o3-g1-12x13-k3-s1-p0-d2x3-f32",
    "n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32",  # an even kernel: the odd pixel goes to one side
    "n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32",
    "n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32",
    "n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32",
    "n2-c5-o5-g5-7x9-k3-s1-p1-d1-bias-f32",  # depthwise
    "n2-c4-o8-g4-7x9-k3x2-s1x2-p1x0-d1-f32",  # depthwise, multiplier 2
    "n1-c9-o6-g3-6x7-k2-s1-p1-d2-bias-f32",
    "n1-c2-o3-g1-2x3-k3x1-s1-p4-d1-f32",  # more padding than kernel
    "c3-o4-g1-7x8-k3x2-s1x2-p1-d1-bias-f32",  # no batch axis
    "n2-c3-o4-g1-7x9-k3-s1-p1-d1-bias-f32-real-channels_last",
    "n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real",
    "n1-c17-o13-g1-8x6-k3-s1-p1-d1-bias-f32-real",  # channels that no vector width divides
)

PARAMETERS: Final = {
    "batch": ("n1", "n2", "n3"),
    "channels": ("c6-o10-g1", "c6-o10-g2", "c6-o9-g3", "c5-o5-g5", "c4-o8-g4", "c1-o4-g1"),
    "size": ("7x9", "11x8", "14x13"),
    "kernel": ("k1", "k2", "k3", "k4", "k5", "k7", "k2x3", "k1x5"),
    "stride": ("s1", "s2x1", "s1x2", "s2", "s3x2"),
    "padding": ("p0", "p1", "p2x0", "p0x1", "p1+0x2+3", "pvalid", "psame", "psame_upper", "psame_lower", "p7x8"),
    "dilation": ("d1", "d1x2", "d2x1", "d2x3", "d3"),
    "bias": ("", "-bias"),
    "dtype": ("f32", "f64"),
    "data": ("", "-real"),
    "layout": ("", "-fortran", "-channels_last", "-strided", "-negative"),
}


def _pairwise_names() -> list[str]:
    """Return cases in which every value of every parameter meets every value of every other."""

    def is_possible(row: dict[str, str]) -> bool:
        return row.get("padding") != "psame" or row.get("stride", "s1") == "s1"  # PyTorch's "same" takes no stride

    names = []
    for row in pairwise_cover(PARAMETERS, is_possible):
        size = _size_that_fits(row["size"], row["kernel"], row["dilation"])
        shape = f"{row['batch']}-{row['channels']}-{size}-{row['kernel']}-{row['stride']}-{row['padding']}"
        names.append(f"{shape}-{row['dilation']}{row['bias']}-{row['dtype']}{row['data']}{row['layout']}")
    return names


def _size_that_fits(size: str, kernel: str, dilation: str) -> str:
    """Enlarge a size for which the dilated kernel is too large, padding or no padding, by that kernel's reach."""
    numbers = []
    for pixels, taps, rate in zip(*(_both(text) for text in (size, kernel[1:], dilation[1:])), strict=True):
        reach = rate * (taps - 1) + 1
        numbers.append(pixels if reach <= pixels else pixels + reach)
    return "x".join(map(str, numbers))


def _both(text: str) -> tuple[int, int]:
    first, _, second = text.partition("x")
    return int(first), int(second or first)


def _edge_names() -> dict[str, list[str]]:
    """Return the edge cases by what they are there for: the rows of the report."""
    return {
        "padding": [
            *(f"n1-c2-o3-g1-6x7-k5-s1-p{p}-d1-f32" for p in range(1, 8)),
            *(f"n1-c2-o3-g1-4x5-k1-s1-p{p}-d1-bias-f32" for p in range(1, 4)),
            "n1-c1-o1-g1-4x1-k3-s1-p0x100-d1-f32",
            "n1-c2-o3-g1-9x10-k3-s1-p2+0x2+1-d1-f32",
            "n1-c2-o3-g1-9x10-k3-s1-p0+2x1+0-d1-bias-f64-real",
            "n1-c2-o3-g1-8x6-k3-s1-p3x0-d1-f32",
            "n1-c2-o3-g1-8x6-k3-s1-p0x3-d1-f32",
            "n1-c2-o3-g1-1x1-k1-s1-p1-d1-bias-f32",
            "n1-c2-o3-g1-1x1-k3-s1-p2-d1-f32",  # most taps never touch a pixel
            "n1-c2-o3-g1-5x6-k5x6-s1-p0-d1-f32",  # kernel = input
            "n1-c2-o3-g1-1x1-k1-s1-p0-d1-f32",
        ],
        "stride": [
            "n1-c2-o3-g1-5x7-k3-s3x4-p1-d1-f32",
            "n1-c2-o3-g1-11x7-k7x5-s3x5-p0-d1-f32",
            "n1-c2-o3-g1-29x30-k1-s14-p0-d1-f32",  # stride > kernel
            "n1-c2-o3-g1-10x12-k1x3-s3x5-p0-d1-bias-f32",
            "n1-c2-o3-g1-9x11-k6-s2-p0-d1-f32",  # rows at the end that nothing reads
            "n1-c2-o3-g1-13x16-k7-s5-p0-d1-f32",
            "n1-c2-o3-g1-14x15-k2x3-s3x2-p0-d4-f32",
            "n2-c3-o5-g1-7x10-k1-s2x3-p1x2-d1-bias-f32",  # 1×1 with stride and padding
        ],
        "dilation": [
            "n1-c2-o3-g1-9x10-k3-s1-p0-d2x3-f32",
            "n1-c2-o3-g1-9x10-k3-s1-p2x1-d2x1-bias-f32",
            "n1-c1-o1-g1-65x65-k3-s1-p4-d4-f32",
            "n1-c2-o3-g1-5x6-k3-s1-p7x8-d7x8-f32",  # rate > map: only the centre tap touches it
            "n1-c2-o3-g1-5x6-k2-s1-p7x8-d7x8-f32-real",
            "n1-c1-o2-g1-7x9-k1-s1-p0-d5x4-f32",  # one tap has nothing to dilate
        ],
        "same": [
            *(f"n1-c1-o2-g1-12x11-k{k}-s1-p{same}-d1-f32" for k in (2, 4, 10) for same in _SAME),
            *(f"n1-c4-o6-g2-7x9-k2-s1-p{same}-d2x3-f32" for same in _SAME),
            *(f"n1-c1-o2-g1-{size}-k3x2-s2-p{same}-d1-bias-f32" for size in ("7x8", "8x7") for same in _STRIDED_SAME),
            *(f"n1-c1-o2-g1-9x10-k2x3-s4x5-p{same}-d1-f32" for same in _STRIDED_SAME),  # stride > kernel
            *_same_widths(),
        ],
        "groups": [
            "n2-c7-o7-g7-8x9-k3x2-s1-p1x0-d1-bias-f32",
            "n2-c13-o26-g13-5x6-k3-s1-p1-d1-f32",
            "n1-c6-o6-g6-9x10-k7-s1-p3-d1-f32-real",
            "n1-c4-o4-g4-7x11-k1x9-s1-p0x4-d1-f32",
            "n1-c4-o4-g4-11x7-k9x1-s1-p4x0-d1-f32",
            "n2-c4-o6-g2-5x7-k3x2-s1-p0-d1-f32",
            "n2-c14-o21-g7-5x6-k2-s1-p0-d1-bias-f32",
            "n2-c6-o9-g3-9x8-k3x2-s2x3-p1-d1-f32",
            "n2-c8-o12-g4-9x11-k3-s2x1-p2x1-d2x1-bias-f64",
        ],
        "channels": [
            *(f"n1-c{c}-o{o}-g1-5x6-k3x2-s1-p1x0-d1-f32" for c, o in _TAILS),
            "n3-c7-o5-g1-7x7-k3-s1-p1-d1-f32",  # C = H = W
            "n2-c1-o6-g1-6x5-k3x2-s1-p0-d1-bias-f32",
            "n1-c450-o3-g1-5x4-k3-s1-p0-d1-f32",  # 4050 products
            "n1-c450-o3-g1-5x4-k3-s1-p1-d1-bias-f32-real",
        ],
        "degenerate": [
            "n0-c3-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32",  # an empty batch
            "n2-c0-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32",  # no input channels: the bias
            "c3-o4-g1-7x8-k3x2-s1-p1x0-d1-f32",  # no batch axis
            "c6-o4-g2-7x8-k3x2-s2x1-p1+0x0+1-d1-bias-f64-real",
        ],
        "memory": [
            *(f"n2-c3-o4-g1-6x8-k2x3-s1-p1x0-d1-bias-f32-{layout}" for layout in _LAYOUTS),
            "n3-c4-o6-g2-6x8-k3-s2x1-p0-d1-bias-f64-real-broadcast",
            "n3-c4-o6-g2-6x8-k3-s2x1-p0-d1-bias-f64-real-big_endian",
        ],
        "values": [
            "n1-c2-o3-g1-7x8-k3x2-s1-p0-d1-bias-f32-nan",
            "n1-c2-o3-g1-7x8-k3x2-s2x1-p0-d1-bias-f32-inf",
            "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-f32-zero",  # exactly 0 is expected
            "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-cancel",
            "n2-c4-o3-g1-7x8-k3x2-s1-p1x0-d1-bias-f32-negzero",
        ],
    }


_SAME = ("same", "same_upper", "same_lower")
_STRIDED_SAME = ("same_upper", "same_lower")
_LAYOUTS = ("strided", "fortran", "channels_last", "broadcast", "negative", "read_only", "big_endian")
_TAILS = ((1, 33), (3, 19), (4, 17), (5, 13), (7, 9), (8, 7), (9, 8), (13, 5), (17, 4), (19, 3), (33, 1))


def _same_widths() -> list[str]:
    """Return SAME over widths 30 to 34, kernels 1 to 5 and dilations 1 to 4, the dialects and strides taking turns."""
    dialects = cycle(("psame", "psame_upper", "psame_lower"))
    strides = cycle((1, 2, 3, 1, 2))
    names = []
    for width in range(30, 35):
        for kernel in range(1, 6):
            for dilation in range(1, 5):
                padding, stride = next(dialects), next(strides)
                step = 1 if padding == "psame" else stride
                across = f"{_short('k', kernel)}-{_short('s', step)}-{padding}-{_short('d', dilation)}"
                names.append(f"n1-c1-o1-g1-3x{width}-{across}-f32")
    return names


def _short(letter: str, across: int) -> str:
    """Write a pair whose first number is 1."""
    return f"{letter}1" if across == 1 else f"{letter}1x{across}"


_REJECTED: Final = (
    Case("reject-stride-zero", (1, 2, 5, 6), (3, 2, 2, 3), stride=(0, 1), rejects="a stride of 0"),
    Case("reject-stride-negative", (1, 2, 5, 6), (3, 2, 2, 3), stride=(1, -1), rejects="a stride of -1"),
    Case("reject-dilation-zero", (1, 2, 5, 6), (3, 2, 2, 3), dilation=(1, 0), rejects="a dilation of 0"),
    Case("reject-padding-negative", (1, 2, 5, 6), (3, 2, 2, 3), padding=(0, -1), rejects="a padding of -1"),
    Case("reject-padding-triple", (1, 2, 5, 6), (3, 2, 2, 3), padding=(1, 0, 1), rejects="a padding of 3 numbers"),
    Case("reject-padding-unknown", (1, 2, 5, 6), (3, 2, 2, 3), padding="sane", rejects="padding='sane'"),
    Case(
        "reject-same-strided", (1, 2, 5, 6), (3, 2, 2, 3), stride=(2, 2), padding="same", rejects="'same' with stride 2"
    ),
    Case("reject-groups-zero", (1, 2, 5, 6), (3, 2, 2, 3), groups=0, rejects="groups=0"),
    Case("reject-groups-negative", (1, 2, 5, 6), (3, 2, 2, 3), groups=-1, rejects="groups=-1"),
    Case("reject-groups-inputs", (1, 5, 5, 6), (4, 2, 2, 3), groups=2, rejects="2 groups of 5 input channels"),
    Case("reject-groups-outputs", (1, 4, 5, 6), (3, 2, 2, 3), groups=2, rejects="2 groups of 3 output channels"),
    Case("reject-channels", (1, 4, 5, 6), (3, 2, 2, 3), rejects="4 input channels for a weight of 2"),
    Case("reject-input-2d", (5, 6), (3, 2, 2, 3), rejects="an input of 2 dimensions"),
    Case("reject-input-5d", (1, 1, 2, 5, 6), (3, 2, 2, 3), rejects="an input of 5 dimensions"),
    Case("reject-weight-3d", (1, 2, 5, 6), (3, 2, 2), rejects="a weight of 3 dimensions"),
    Case("reject-kernel-empty", (1, 2, 5, 6), (3, 2, 0, 3), rejects="a kernel of height 0"),
    Case("reject-bias-length", (1, 2, 5, 6), (3, 2, 2, 3), (2,), rejects="a bias of 2 for 3 output channels"),
    Case(
        "reject-kernel-dilated",
        (1, 2, 4, 4),
        (3, 2, 3, 3),
        dilation=(2, 2),
        rejects="a dilated kernel of 5 on 4 pixels",
    ),
    Case("reject-kernel-3", (1, 2, 2, 2), (3, 2, 3, 3), rejects="a kernel of 3 on 2 pixels"),
    Case("reject-kernel-10", (1, 2, 1, 1), (3, 2, 10, 10), rejects="a kernel of 10 on 1 pixel"),
)


@lru_cache(maxsize=1)
def _tiers() -> dict[str, tuple[Case, ...]]:
    smoke = {name: parse_case(name, "smoke") for name in SMOKE}
    core = dict(smoke)
    for family, names in {"pairwise": _pairwise_names(), **_edge_names()}.items():
        for name in names:
            core.setdefault(name, parse_case(name, family))
    rejected = [replace(case, family="rejected") for case in _REJECTED]
    return {"smoke": tuple(smoke.values()), "core": (*core.values(), *rejected)}


TIERS: Final = ("smoke", "core")


def cases(tier: str = "core", *, match: str = "", dtype: str | None = None) -> list[Case]:
    """Return the battery's cases.

    Parameters
    ----------
    tier : {"core", "smoke"}
        How many: about 300, or about 20.
    match : str
        Only those in whose id or family this text stands.
    dtype : {"float32", "float64"}, optional
        Only those of this type.

    Returns
    -------
    list of Case
        In a fixed order; the same on every machine.

    Raises
    ------
    ValueError
        If there is no such tier or type.

    Examples
    --------
    >>> [case.id for case in cases("smoke", match="psame_")]
    ['n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32', 'n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32']
    """
    if tier not in TIERS:
        raise ValueError(f"tier={tier!r} must be one of {', '.join(map(repr, TIERS))}")
    short_names = {full.name: short for short, full in DTYPES.items()}
    if dtype is not None and dtype not in short_names:
        raise ValueError(f"dtype={dtype!r} must be one of {', '.join(map(repr, short_names))}")
    return [
        case
        for case in _tiers()[tier]
        if (match in case.id or match in case.family) and (dtype is None or case.dtype == short_names[dtype])
    ]


def find_case(id: str) -> Case:
    """Return the case of this name: any name of the form that `refconv.testing.cases` describes, in the battery or not.

    Parameters
    ----------
    id : str
        Such as ``"n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"``, or a rejected one's, ``"reject-stride-zero"``.

    Returns
    -------
    Case
        Equal to the battery's, if it is in the battery.

    Raises
    ------
    ValueError
        If the name does not read like one, or its numbers do not fit each other.

    Examples
    --------
    >>> find_case("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f64-real").weight_shape
    (3, 2, 3, 3)
    >>> find_case("reject-stride-zero").rejects
    'a stride of 0'
    """
    in_battery = {case.id: case for case in _tiers()["core"]}
    return in_battery[id] if id in in_battery else parse_case(id)
