"""What ought to be refused: arguments that fit no convolution, each with what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from refconv.operations import OPERATIONS, Operation
from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import as_tuple

__all__: list[str] = []

_OF_CONV2D: Final = (
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


def refused(op: str) -> tuple[Case, ...]:
    """Return what an operation ought to refuse."""
    operation = OPERATIONS[op]
    if operation.is_gradient:
        return tuple(_refused_gradients(operation, refused(operation.forward.name)))
    if operation.arithmetic:
        return tuple(_refused_eight_bits(operation))
    return _OF_CONV2D if op == "conv2d" else _refused_forward(op)


def _refused_eight_bits(operation: Operation) -> Iterator[Case]:
    """Yield what a convolution of floats over as many axes refuses but a bias, where there is none."""
    for case in refused(f"conv{operation.space.rank}d"):
        if case.bias_shape is None or operation.has_bias:
            name = case.id[case.id.index("reject") :]
            yield replace(case, id=f"{operation.name}-{name}", op=operation.name, dtype="u8", other_dtype="i8")


def _refused_forward(op: str) -> tuple[Case, ...]:
    """Return what a convolution, or its transpose, ought to refuse, over as many axes as it has."""
    rank = OPERATIONS[op].space.rank
    ones, size, kernel = (1,) * rank, (5, 6, 7)[:rank], (2, 3, 2)[:rank]
    (image, weight), last = ((1, 4, *size), (4, 2, *kernel)), (1,) * (rank - 1)
    twos, last0 = (2,) * rank, (0,) * (rank - 1)
    changes = {
        "stride-zero": ("a stride of 0", {"stride": (*last, 0)}),
        "stride-negative": ("a stride of -1", {"stride": (*last, -1)}),
        "dilation-zero": ("a dilation of 0", {"dilation": (*last, 0)}),
        "padding-negative": ("a padding of -1", {"padding": (*last, -1)}),
        "padding-long": (f"a padding of {rank + 1} numbers", {"padding": (*ones, 0)}),
        "groups-zero": ("groups=0", {"groups": 0}),
        "groups-inputs": ("3 groups of 4 input channels", {"groups": 3}),
        "channels": ("5 input channels for a weight of 4", {"input_shape": (1, 5, *size)}),
        "input-axis": ("an input with an axis too many", {"input_shape": (1, 1, *image)}),
        "weight-axis": ("a weight with an axis too few", {"weight_shape": weight[:-1]}),
        "kernel-empty": ("an empty kernel", {"weight_shape": (*weight[:-1], 0)}),
        "bias-length": ("a bias of 3 for 4 output channels", {"bias_shape": (3,)}),
    }
    if OPERATIONS[op].is_transposed:
        changes |= {
            "output-padding-large": (
                "an output padding of 2 at stride 2",
                {"stride": twos, "output_padding": (*last0, 2)},
            ),
            "output-padding-negative": ("an output padding of -1", {"stride": twos, "output_padding": (*last0, -1)}),
            "cropped": ("a padding that leaves nothing", {"padding": (*last0, 9)}),
        }
    else:
        changes |= {
            "padding-unknown": ("padding='sane'", {"padding": "sane"}),
            "same-strided": ("'same' with stride 2", {"padding": "same", "stride": (2,) * rank}),
            "kernel-large": ("a kernel of 8 on 7 pixels or fewer", {"weight_shape": (4, 2, *(8,) * rank)}),
        }
    zeros = (0,) * rank
    plain = Case("", image, weight, stride=ones, padding=zeros, dilation=ones, groups=2, op=op, output_padding=zeros)
    return tuple(
        replace(plain, id=f"{op}-reject-{name}", rejects=reason, **arguments)  # type: ignore[arg-type]  # of all kinds
        for name, (reason, arguments) in changes.items()
    )


def _refused_gradients(operation: Operation, forward: Iterable[Case]) -> Iterator[Case]:
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
    others = (case for case in forward if case.bias_shape is None)
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
