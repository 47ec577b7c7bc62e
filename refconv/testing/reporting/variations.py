"""Cases like a given one, with one parameter changed: what the experiments that test a condition are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from refconv.testing.battery.cases import Case
from refconv.testing.battery.names import name_of, parse_case
from refconv.testing.reporting.vocabulary import SUFFIXES

__all__: list[str] = []

MOST_PRODUCTS: Final = 1 << 24  # of a case that is drawn, so that it takes no longer than those of the battery
FEW: Final = (1, 2, 3)  # of each parameter of an axis
CHANNELS: Final = (1, 2, 3, 4, 6, 8, 12, 16)  # in a group


# What a case and its parameters have alike.
_AS_THEY_ARE: Final = ("stride", "padding", "output_padding", "dilation", "dtype", "data", "layout")
EXPERIMENT: Final = "experiment"  # the family of cases that are drawn to test a condition


@dataclass(frozen=True, slots=True)
class Parameters:
    """A case taken apart into what may be changed by itself: `batch` is None without such an axis."""

    batch: int | None
    channels: int  # in a group
    outputs: int  # in a group
    groups: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    bias: bool
    dtype: str
    data: str
    layout: str

    @classmethod
    def of(cls, case: Case) -> Parameters:
        """Take a valid case apart."""
        rank, groups = case.operation.space.rank, case.groups
        first, second, *kernel = case.weight_shape
        return cls(
            batch=case.input_shape[0] if len(case.input_shape) == rank + 2 else None,
            channels=case.input_shape[-rank - 1] // groups,
            outputs=second if case.operation.is_transposed else first // groups,
            groups=groups,
            size=case.input_shape[-rank:],
            kernel=tuple(kernel),
            bias=case.bias_shape is not None,
            **{name: getattr(case, name) for name in _AS_THEY_ARE},
        )

    def case(self, like: Case) -> Case | None:
        """Return the case of these parameters, of the operation of another; None where there is none that is small."""
        channels, outputs = self.groups * self.channels, self.groups * self.outputs
        leading = (channels, self.outputs) if like.operation.is_transposed else (outputs, self.channels)
        case = Case(
            "",
            (*(() if self.batch is None else (self.batch,)), channels, *self.size),
            (*leading, *self.kernel),
            (outputs,) if self.bias else None,
            groups=self.groups,
            op=like.op,
            **{name: getattr(self, name) for name in _AS_THEY_ARE},
        )
        try:
            found = parse_case(name_of(case), EXPERIMENT)
            elements = math.prod(found.plan.output_shape)
        except (TypeError, ValueError):
            return None
        return found if 0 < elements * found.products <= MOST_PRODUCTS else None


def plainer(case: Case) -> Iterator[Case]:
    """Yield cases in which one parameter is what says least; then smaller images."""
    here = Parameters.of(case)
    plain: dict[str, Any] = {"layout": "contiguous", "data": "exact", "dtype": "f32", "bias": False}
    plain |= dict.fromkeys(("batch", "outputs", "channels", "groups"), 1)
    plain |= {"output_padding": _each(here.output_padding, 0), "padding": _each(here.size, 0)}
    plain |= dict.fromkeys(("dilation", "stride", "kernel"), _each(here.size, 1))
    yield from _changed(case, here, plain.items())
    for name in ("dilation", "stride", "kernel"):
        yield from _changed(case, here, ((name, numbers) for numbers in _along_each(getattr(here, name), (1,))))
    smaller = [min(n, least + stride) for n, least, stride in zip(here.size, _least(case), here.stride, strict=True)]
    yield from _changed(case, here, [("size", tuple(smaller))])


def variations(case: Case, dtypes: tuple[str, ...]) -> Iterator[Case]:
    """Yield cases in which one parameter is another one, of these types."""
    here = Parameters.of(case)
    changes: list[tuple[str, Any]] = [("batch", n) for n in FEW]
    changes += [(name, n) for name in ("channels", "outputs") for n in CHANNELS]
    changes += [("groups", n) for n in (*FEW, 20)]
    changes += [("size", tuple(n + more for n in here.size)) for more in (1, 2, 7)]
    for other in (tuple(n + 3 for n in here.size), _least(case)):
        changes += [("size", numbers) for numbers in _along_each(here.size, other, same=True)]
    for name in ("kernel", "stride", "dilation"):
        changes += [(name, _each(here.size, n)) for n in FEW]
        changes += [(name, numbers) for numbers in _along_each(getattr(here, name), (*FEW, 5))]
    changes += [("padding", _each(here.size, n)) for n in (0, 1, 2)]
    changes += [("padding", word) for word in ("same_upper", "same_lower", "valid")]
    changes += [("padding", tuple((n % 2, 1) for n in range(len(here.size))))]
    changes += [("bias", not here.bias and case.operation.has_bias)]
    changes += [("dtype", dtype) for dtype in dtypes] + [("data", data) for data in ("exact", "real")]
    changes += [("layout", layout) for layout in ("contiguous", "strided", "fortran")]
    yield from _changed(case, here, changes)
    two = tuple(max(2, taps) for taps in here.kernel)  # where there is one, a dilation says nothing
    if two != here.kernel:
        yield from _changed(case, replace(here, kernel=two), [("dilation", _each(here.size, n)) for n in FEW])


def with_quantity(case: Case, name: str, number: int) -> Case | None:
    """Return a case like this one in which a quantity of `vocabulary` is a number, if one parameter can do that."""
    here = Parameters.of(case)
    taps = math.prod(here.kernel)
    base, _, axis = name.partition("_")
    places = SUFFIXES[len(here.size)]
    chosen = [not axis or suffix == f"_{axis}" for suffix in places]
    changes: dict[str, dict[str, Any]] = {
        "C·K": {"channels": max(1, number // taps)},
        "channels": {"channels": max(1, number // here.groups)},
        "outputs": {"outputs": max(1, number // here.groups)},
        "channels per group": {"channels": number},
        "outputs per group": {"outputs": number},
        "batch": {"batch": number},
        "groups": {"groups": number},
        "pixels in an image": {"size": (*here.size[:-1], max(1, number // math.prod(here.size[:-1])))},
    }
    change = changes.get(name, {})
    if base in ("kernel", "stride", "dilation", "size"):
        before = getattr(here, base)
        change = {base: tuple(number if is_it else n for is_it, n in zip(chosen, before, strict=True))}
        if base == "kernel":  # and room for it
            grown = zip(here.size, here.kernel, change[base], here.dilation, strict=True)
            change["size"] = tuple(max(1, n + d * (now - k)) for n, k, now, d in grown)
    if base == "output" and not case.operation.is_transposed:
        axes = zip(chosen, case.plan.axes, here.size, strict=True)
        change = {"size": tuple(max(1, n + a.stride * (number - a.output_size)) if c else n for c, a, n in axes)}
    return replace(here, **change).case(case) if change else None


def _changed(case: Case, here: Parameters, changes: Any) -> Iterator[Case]:
    for name, value in changes:
        if getattr(here, name) != value and (found := replace(here, **{name: value}).case(case)):
            yield found


def _each(like: tuple[int, ...], number: int) -> tuple[int, ...]:
    return (number,) * len(like)


def _along_each(numbers: tuple[int, ...], others: tuple[int, ...], *, same: bool = False) -> Iterator[tuple[int, ...]]:
    """Yield the numbers with one of them changed: to each of some, or of those in the same place."""
    for place in range(len(numbers)):
        for other in (others[place],) if same else others:
            yield (*numbers[:place], other, *numbers[place + 1 :])


def _least(case: Case) -> tuple[int, ...]:
    """Return the size of an image that one window fills."""
    return tuple(axis.effective_kernel_size for axis in case.plan.axes)
