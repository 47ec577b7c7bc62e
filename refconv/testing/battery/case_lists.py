"""What the battery of an operation is made of; conv2d's own, and what follows for its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import FORWARD_DATA
from refconv.testing.battery.edge_cases import EDGES, REJECTED
from refconv.testing.battery.networks import NETWORKS
from refconv.testing.battery.sweeps import SWEEPS

__all__: list[str] = []

Families: TypeAlias = Mapping[str, Iterable[str]]  # names by what the cases are there for: the rows of the report


@dataclass(frozen=True, slots=True)
class CaseLists:
    """What the battery of one operation is made of; all but `rejected` are names, or parts of such.

    Parameters
    ----------
    smoke : sequence of str
        The smallest tier.
    parameters : mapping
        The values of each parameter, in the order of a name, for the covers of pairs and of triples.
    edges, networks, sweeps : mapping of str to iterable of str
        By family.
    rejected : tuple of Case
        What ought to be refused.
    """

    smoke: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    edges: Families
    rejected: tuple[Case, ...]
    networks: Families
    sweeps: Families


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

CONV2D: Final = CaseLists(SMOKE, PARAMETERS, EDGES, REJECTED, NETWORKS, SWEEPS)


def gradient_lists(op: str, lists: CaseLists) -> CaseLists:
    """Return the cases of conv2d as those of one of its gradients, which knows no bias."""

    def names(given: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(f"{op}-{name.replace('-bias', '')}" for name in given if _has_gradient(name)))

    def families(given: Families) -> dict[str, list[str]]:
        return {family: names(members) for family, members in given.items()}

    rejected = (
        *(case for case in lists.rejected if case.bias_shape is None),
        Case("reject-grad-output", (1, 2, 5, 6), (3, 2, 2, 3), rejects="a grad_output of another size"),
    )
    return CaseLists(
        tuple(names(lists.smoke)),
        {**lists.parameters, "bias": ("",)},
        families(lists.edges),
        tuple(_refused_gradient(op, case) for case in rejected),
        families(lists.networks),
        families(lists.sweeps),
    )


_ARRIVING: Final = {
    "reject-dilation-zero": (4, 6),
    "reject-padding-negative": (4, 2),
    "reject-padding-triple": (6, 4),
    "reject-same-strided": (3, 3),
    "reject-grad-output": (3, 3),
}


def _refused_gradient(op: str, case: Case) -> Case:
    """Return a refused convolution as one of its gradients, with what arrives for whoever takes it as it stands."""
    size = _ARRIVING.get(case.id, (4, 4))
    return replace(case, id=f"{op}-{case.id}", op=op, grad_output_shape=(1, case.weight_shape[0], *size))


def _has_gradient(name: str) -> bool:
    """Whether there is anything to a gradient in this case: not with data of another kind, nor of no channels."""
    return not name.endswith(tuple(f"-{word}" for word in FORWARD_DATA)) and "c0-" not in name
