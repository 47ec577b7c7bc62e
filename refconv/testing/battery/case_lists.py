"""What the battery of an operation is made of; conv2d's own, and what follows for its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from refconv.operations import OPERATIONS, Operation
from refconv.testing.battery.cases import Case
from refconv.testing.battery.data import FORWARD_DATA, ROUNDED
from refconv.testing.battery.edge_cases import EDGES, REJECTED
from refconv.testing.battery.names import as_tuple, name_of, read_case
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
    """Return the cases of an operation as those of one of its gradients, which knows no bias."""
    operation = OPERATIONS[op]

    def names(given: Iterable[str]) -> list[str]:
        found: dict[object, str] = {}  # the first of those that are told apart by nothing
        for case in (_renamed(operation, name) for name in given if _has_gradient(name)):
            found.setdefault(_told_apart(case), case.id)
        return list(found.values())

    def families(given: Families) -> dict[str, list[str]]:
        return {family: names(members) for family, members in given.items()}

    return CaseLists(
        tuple(names(lists.smoke)),
        {**lists.parameters, "bias": ("",)},
        families(lists.edges),
        tuple(_refused_gradients(operation, lists.rejected)),
        families(lists.networks),
        families(lists.sweeps),
    )


def _renamed(operation: Operation, name: str) -> Case:
    """Return the case of a gradient, with numbers of the kind that it can add up."""
    rest = name if operation.forward.name == "conv2d" else name.removeprefix(f"{operation.forward.name}-")
    case = read_case(f"{operation.name}-{rest.replace('-bias', '')}")
    if case.data not in ROUNDED and not case.largest_number():
        case = replace(case, data="real")
    return replace(case, id=name_of(case))


def _told_apart(case: Case) -> tuple[object, ...]:
    """Return what tells a case from another one: of a bias' gradient, all that it is given is what arrives."""
    return (case.grad_output_shape, case.dtype, case.data, case.layout) if case.operation.by == "bias" else (case.id,)


def _refused_gradients(operation: Operation, refused: Iterable[Case]) -> Iterator[Case]:
    """Yield what a gradient ought to refuse: what its operation does, and an arriving one of another shape."""
    rank = operation.space.rank
    size, kernel, channels = (5, 6, 7)[:rank], (2, 3, 2)[:rank], (2, 3) if operation.is_transposed else (3, 2)
    plain = Case("", (1, 2, *size), (*channels, *kernel), op=operation.forward.name, **_steps(rank))
    if operation.by == "bias":
        for name, shape in (("axis", (1, 1, 2, *size)), ("image", size)):
            reason = f"a gradient of {len(shape)} axes"
            yield replace(
                plain, id=f"{operation.name}-reject-{name}", op=operation.name, rejects=reason, grad_output_shape=shape
            )
        return
    others = (case for case in refused if case.bias_shape is None)
    front = "" if operation.forward.name == "conv2d" else f"{operation.forward.name}-"
    for case in (*others, replace(plain, id=f"{front}reject-grad-output", rejects="a grad_output of another size")):
        less = 1 if case.rejects.startswith("a grad_output") else 0
        arriving = (1, case.groups * case.weight_shape[1] if operation.is_transposed else case.weight_shape[0])
        shape = *arriving, *(extent - less for extent in _careless_size(case))
        name = case.id.removeprefix(front)
        yield replace(case, id=f"{operation.name}-{name}", op=operation.name, grad_output_shape=shape)


def _steps(rank: int) -> dict[str, Any]:
    """Return steps that say nothing, for each axis."""
    return {"stride": (1,) * rank, "padding": (0,) * rank, "dilation": (1,) * rank, "output_padding": (0,) * rank}


def _careless_size(case: Case) -> Iterator[int]:
    """Yield the size that comes out along each axis for whoever checks nothing, where the formula gives one."""
    rank, strides, dilations = case.operation.space.rank, as_tuple(case.stride), as_tuple(case.dilation)
    sides: Any = case.padding if not isinstance(case.padding, str) else (0,) * rank
    sizes = case.input_shape[-rank:], case.weight_shape[-rank:]
    for pixels, taps, stride, dilation, side, extra in zip(
        *sizes, strides, dilations, sides, case.output_padding, strict=False
    ):
        reach = dilation * (taps - 1) + 1
        if case.operation.is_transposed:
            size = stride * (pixels - 1) + reach - 2 * side + extra
        elif str(case.padding).startswith("same"):
            size = -(-pixels // stride)
        else:
            size = (pixels + 2 * side - reach) // stride + 1 if stride > 0 else pixels
        yield max(1, size)


def _has_gradient(name: str) -> bool:
    """Whether there is anything to a gradient in this case: not with data of another kind, nor of no channels.

    Nor where the output's size is asked for, which what arrives says by itself.
    """
    return not name.endswith(tuple(f"-{word}" for word in FORWARD_DATA)) and "c0-" not in name and "-h" not in name
