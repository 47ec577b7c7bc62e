"""The battery: which cases there are, and why.

``smoke``  about 20 cases, for a test that runs at every save.
``core``   about 370: smoke; a pairwise cover of every parameter with every other; each edge case by name; and
           arguments that ought to be refused.
``full``   about 1900: core; a cover of all triples of parameters; and sweeps of one or two through all their values.
``networks``  the convolutions of ResNet-50, VGG-16, MobileNetV2, EfficientNet-B0, DeepLabv3 and ConvNeXt-T.

Cases are written as their names (see `refconv.testing.cases`).  Extents are pairwise different where nothing else is
said, so that swapped axes cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from refconv.formats import has_ml_dtypes
from refconv.testing.cases import DTYPES, Case, parse_case
from refconv.testing.cover import cover
from refconv.testing.edge_cases import EDGES, REJECTED
from refconv.testing.networks import NETWORKS
from refconv.testing.sweeps import SWEEPS

__all__ = ["cases", "find_case"]

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


def _cover_names(strength: int) -> list[str]:
    """Return cases in which any two, or three, parameters meet in every combination of their values."""

    def is_possible(row: dict[str, str]) -> bool:
        return row.get("padding") != "psame" or row.get("stride", "s1") == "s1"  # PyTorch's "same" takes no stride

    names = []
    for row in cover(PARAMETERS, is_possible, strength):
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


def _parsed(families: Mapping[str, Iterable[str]]) -> dict[str, Case]:
    """Return the cases of each family, by name; one that two families have stands with the first."""
    found: dict[str, Case] = {}
    for family, names in families.items():
        for name in names:
            if name not in found and (has_ml_dtypes() or "-bf16" not in name):
                found[name] = parse_case(name, family)
    return found


def _core() -> tuple[Case, ...]:
    valid = _parsed({"smoke": SMOKE, "pairwise": _cover_names(2), **EDGES})
    return (*valid.values(), *(replace(case, family="rejected") for case in REJECTED))


def _full() -> tuple[Case, ...]:
    core = {case.id: case for case in _tier("core")}
    more = _parsed({"triples": _cover_names(3), **SWEEPS})
    return tuple((core | {name: case for name, case in more.items() if name not in core}).values())


_TIERS: Final[dict[str, Callable[[], tuple[Case, ...]]]] = {
    "smoke": lambda: tuple(_parsed({"smoke": SMOKE}).values()),
    "core": _core,
    "full": _full,
    "networks": lambda: tuple(_parsed(NETWORKS).values()),
}
TIERS: Final = tuple(_TIERS)


@lru_cache
def _tier(name: str) -> tuple[Case, ...]:
    return _TIERS[name]()


def cases(tier: str = "core", *, match: str = "", dtype: str | None = None) -> list[Case]:
    """Return the battery's cases.

    Parameters
    ----------
    tier : {"core", "smoke", "full", "networks"}
        Which: about 370, about 20, or about 1900 of small ones; or about 130 of the sizes that known networks have.
    match : str
        Only those in whose id or family this text stands.
    dtype : str, optional
        Only those of this type: ``"float32"``, ``"float64"``, ``"float16"``, ``"bfloat16"``, ``"int8"``, ``"uint8"`` or
        ``"complex64"``.  Without ml_dtypes there are none of bfloat16.

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
    if dtype not in (None, *DTYPES.values()):
        raise ValueError(f"dtype={dtype!r} must be one of {', '.join(map(repr, DTYPES.values()))}")
    return [case for case in _tier(tier) if is_chosen(case, match, dtype)]


def is_chosen(case: Case, match: str, dtype: str | None) -> bool:
    """Whether a case has this text in its id or family, and is of this type."""
    return (match in case.id or match in case.family) and dtype in (None, DTYPES[case.dtype])


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
    in_battery = {case.id: case for case in _tier("core")}
    return in_battery[id] if id in in_battery else parse_case(id)
