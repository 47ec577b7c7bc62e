"""The battery: which cases there are, and why.

``smoke``  a few, for a test that runs at every save.
``core``   smoke; a pairwise cover of every parameter with every other; each edge case by name; and,
           only where they are asked for, arguments that ought to be refused.
``full``   core; a cover of all triples of parameters; and sweeps of one or two through all their values.
``networks``  the layers of known networks.
``kernelbench``, ``gpumode``  the problems of benchmarks of generated kernels, at the size that they have there.

docs/judge.md says what each reaches along every parameter.  Cases are written as their names (see `names`).  Extents
are pairwise different where nothing else is said, so that swapped axes cannot hide.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

from refconv.geometry.arguments import as_int, check_choice
from refconv.operations import OPERATIONS
from refconv.testing.battery.cases import DTYPES, REJECTED, Case, has_ml_dtypes
from refconv.testing.battery.cover import cover
from refconv.testing.battery.eight_bits import parameters_of
from refconv.testing.battery.lists import names_of
from refconv.testing.battery.matching import matcher
from refconv.testing.battery.names import numbers_of, parse_case, read_row
from refconv.testing.battery.parameters import PARAMETERS
from refconv.testing.battery.problems import PROBLEMS, scaled
from refconv.testing.battery.rejected import refused
from refconv.testing.battery.rows import Families

__all__ = ["cases", "find_case"]


def _cover_names(op: str, strength: int) -> list[str]:
    """Return cases in which any two, or three, parameters meet in every combination of their values."""
    operation = OPERATIONS[op]
    rank, values = operation.space.rank, PARAMETERS[operation.forward.name.removesuffix(f"_{operation.arithmetic}")]
    if operation.arithmetic:
        values = parameters_of(operation.arithmetic, values)
    if operation.is_gradient:
        values = {**values, "bias": ("",)}
    rows = cover(values, partial(_is_possible, rank=rank), strength)
    if not operation.is_transposed:
        rows = [row | {"size": _size_that_fits(row["size"], row["kernel"], row["dilation"], rank)} for row in rows]
    front = "" if op == "conv2d" else f"{op}-"
    return [front + "".join(f"{hyphen}{row.get(name, '')}" for name, hyphen in _ORDER) for row in rows]


# The parameters as a name has them; what may be missing brings its own hyphen.
_ORDER: Final = (
    *(("batch", ""), ("channels", "-"), ("size", "-"), ("kernel", "-"), ("stride", "-"), ("padding", "-")),
    *(("output_padding", ""), ("dilation", "-"), ("bias", ""), ("dtype", "-"), ("data", ""), ("layout", "")),
)


def _is_possible(row: dict[str, str], rank: int) -> bool:
    """Whether a row, complete or not, is allowed: PyTorch's "same" takes no stride, and an output padding is small."""
    if row.get("padding") == "psame" and row.get("stride", "s1") != "s1":
        return False
    extra, stride, dilation = (row.get(name) for name in ("output_padding", "stride", "dilation"))
    if not extra or stride is None or dilation is None:
        return True
    axes = zip(*(numbers_of(text, rank) for text in (extra, stride, dilation)), strict=True)
    return all(pixels < max(step, rate) for pixels, step, rate in axes)


def _size_that_fits(size: str, kernel: str, dilation: str, rank: int) -> str:
    """Enlarge a size for which the dilated kernel is too large, padding or no padding, by that kernel's reach."""
    numbers = []
    for pixels, taps, rate in zip(*(numbers_of(text, rank) for text in (size, kernel, dilation)), strict=True):
        reach = rate * (taps - 1) + 1
        numbers.append(pixels if reach <= pixels else pixels + reach)
    return "x".join(map(str, numbers))


def _parsed(families: Families, known: Iterable[Case] = ()) -> tuple[Case, ...]:
    """Return the cases of each family but those known; one that two families have stands with the first."""
    seen, found = {_told_apart(case) for case in known}, []
    for family, names in families.items():
        for name in names:
            if "bf16" in name and not has_ml_dtypes():
                continue
            case = read_row(name, family)
            if _told_apart(case) not in seen:
                seen.add(_told_apart(case))
                found.append(case)
    return tuple(found)


def _told_apart(case: Case) -> tuple[object, ...]:
    """Return what tells a case from another one: of a bias' gradient, all that it is given is what arrives."""
    if case.operation.by == "bias":
        return case.grad_output_shape, case.dtype, case.data, case.layout, case.threads
    return (case.id,)


def _smoke(op: str) -> tuple[Case, ...]:
    return _parsed({"smoke": names_of(op, "core")["smoke"]})


def _core(op: str) -> tuple[Case, ...]:
    names = names_of(op, "core")
    valid = _parsed({"smoke": names["smoke"], "pairwise": _cover_names(op, 2), **names})
    return (*valid, *(replace(case, family=REJECTED) for case in refused(op)))


def _full(op: str) -> tuple[Case, ...]:
    core = _tier("core", op)
    return (*core, *_parsed({"triples": _cover_names(op, 3), **names_of(op, "full")}, core))


def _named_tier(tier: str) -> Callable[[str], tuple[Case, ...]]:
    return lambda op: _parsed(names_of(op, tier))


_TIERS: Final[dict[str, Callable[[str], tuple[Case, ...]]]] = {
    "smoke": _smoke,
    "core": _core,
    "full": _full,
    **{tier: _named_tier(tier) for tier in ("networks", *PROBLEMS)},
}
TIERS: Final = tuple(_TIERS)


@lru_cache
def _tier(name: str, op: str) -> tuple[Case, ...]:
    return _TIERS[name](op)


def cases(
    tier: str = "core",
    *,
    op: str = "conv2d",
    match: str = "",
    dtype: str | Collection[str] | None = None,
    refusals: bool = False,
    scale: int = 1,
) -> list[Case]:
    """Return the battery's cases.

    Parameters
    ----------
    tier : {"core", "smoke", "full", "networks", "kernelbench", "gpumode"}
        Which: of conv2d about 600, about 20, or about 2500 of small ones; about 130 of the sizes that known networks
        have; or the problems of KernelBench and of GPU MODE, whose arrays have up to two thousand million numbers.
    op : str
        Of which operation: one of `refconv.operations.OPERATIONS`.  Those of other operations than conv2d and its
        gradients are fewer.
    match : str
        Only those in whose id or family this word stands; or words, as pytest's -k reads them:
        ``"same and not (f16 or bias)"``.
    dtype : str or collection of str, optional
        Only those of this type, or these, and no other: ``"float32"``, ``"float64"``, ``"float16"``, ``"bfloat16"``,
        ``"complex64"``, ``"complex128"``, ``"uint8"``, ``"int8"``, ``"int16"``, ``"int32"`` or ``"int64"``.  Without
        ml_dtypes there are none of bfloat16.
    refusals : bool
        Those as well whose arguments ought to be refused.
    scale : int
        By how much batch and images are smaller than the tier has them, along each axis: two images, and pixels for a
        few outputs, stay.

    Returns
    -------
    list of Case
        In a fixed order; the same on every machine.

    Raises
    ------
    ValueError
        If there is no such tier, operation or type, or `match` makes no sense.

    Examples
    --------
    >>> [case.id for case in cases("smoke", match="psame_")]
    ['n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32', 'n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32']
    >>> cases("smoke", op="conv_transpose2d")[0].id
    'conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32'
    """
    check_choice("tier", tier, TIERS)
    check_choice("op", op, OPERATIONS)
    for name in _types(dtype) or ():
        check_choice("dtype", name, DTYPES.values())
    chosen = [case for case in _tier(tier, op) if is_chosen(case, match, dtype) and (refusals or not case.rejects)]
    if as_int("scale", scale, minimum=1) == 1:
        return chosen
    return list({small.id: small for case in chosen if not case.rejects for small in [scaled(case, scale)]}.values())


def chosen_cases(
    tier: str,
    op: str,
    match: str,
    dtype: str | Collection[str] | None,
    *,
    refusals: bool = False,
    named: Iterable[str | Case] = (),
    scale: int = 1,
) -> list[Case]:
    """Return the battery's cases, or those that are named in place of them; a ValueError where there is none."""
    if given := [_named(case, op) if isinstance(case, str) else case for case in named]:
        for case in given:
            if case.op != op:
                raise ValueError(f"case {case.id!r} is of {case.op}, which must be op={op!r}")
        return list({case.id: case for case in given}.values())
    chosen = cases(tier, op=op, match=match, dtype=dtype, refusals=refusals, scale=scale)
    if not chosen:
        of_type = "" if dtype is None else f", and dtype={dtype!r}"
        raise ValueError(f"no case of {op} in tier {tier!r} has match={match!r} in its id or family{of_type}")
    return chosen


def is_chosen(case: Case, match: str, dtype: str | Collection[str] | None) -> bool:
    """Whether a case's id and family match an expression, and all its types are among these."""
    types = _types(dtype)
    return matcher(match)(f"{case.id} {case.family}") and (
        types is None or {DTYPES[word] for word in case.dtypes.values()} <= types
    )


def _types(dtype: str | Collection[str] | None) -> set[str] | None:
    return {dtype} if isinstance(dtype, str) else None if dtype is None else {*dtype}


def _named(name: str, op: str) -> Case:
    """Return the case of this name; a ValueError that has the nearest one of the battery where there is none."""
    try:
        return find_case(name)
    except ValueError as error:
        (nearest, *_) = (*difflib.get_close_matches(name, [case.id for case in _tier("core", op)]), "")
        raise ValueError(f"{error}; did you mean {nearest!r}?" if nearest else str(error)) from None


def find_case(id: str) -> Case:
    """Return the case of this name: any name of the right form, in the battery or not.

    `refconv.testing.battery.names` describes the form.

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
    front = id.partition("-")[0]
    in_battery = {case.id: case for case in _tier("core", front if front in OPERATIONS else "conv2d")}
    return in_battery[id] if id in in_battery else parse_case(id)
