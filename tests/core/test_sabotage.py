"""The direct method shares nothing with the others but the plan, so that their agreement is evidence.

Each helper of the other methods is replaced by a wrong one: direct stays right, whatever the operation and the number of
axes, and the methods that use the helper do not.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import FunctionType, ModuleType
from typing import Any

import definition
import numpy as np
import pytest
from family import BY_RANK, Triple, kind_of

from refconv.core import adjoint, direct, products, sums
from refconv.core.sums import Sum
from refconv.geometry import transposed
from refconv.geometry.axis import AxisGeometry
from refconv.operations import LINEAR

HELPFUL = (products, sums, adjoint)
WAYS_BACK = {transposed.phases, transposed.read_by}  # the plan beside them is everybody's
METHODS = ("im2col", "exact", "einsum")
RANKS = (1, 2, 3)

# Of every axis all numbers differ.
GEOMETRIES: dict[str, dict[str, Any]] = {
    "stride 1": {"stride": (1, 1, 1), "padding": ((1, 2), (0, 1), (1, 0)), "dilation": (2, 1, 1)},
    "strided": {"stride": (2, 1, 3), "padding": ((2, 1), (1, 1), (0, 2)), "dilation": (1, 2, 1)},
    "circular": {"stride": (1, 2, 1), "padding": ((2, 1), (1, 2), (0, 1)), "dilation": (2, 1, 1)},
}
SIZES, KERNEL = (6, 4, 5), (4, 3, 2)


def triple(rank: int, geometry: str) -> Triple:
    """Return arrays of small whole numbers: floats, so that "exact" goes by digits; what they add up to is no float's rounding."""
    rng = np.random.default_rng(rank)
    steps = {name: value[:rank] for name, value in GEOMETRIES[geometry].items()}
    mode = "circular" if geometry == "circular" else "zeros"
    x, w = rng.integers(1, 9, (2, 4, *SIZES[:rank])), rng.integers(1, 9, (4, 2, *KERNEL[:rank]))
    found = Triple.of(x.astype(float), w.astype(float), rng, **steps, groups=2, padding_mode=mode)
    return found.each(lambda array: np.where(array == 0, 7.0, array))


TRIPLES = {(rank, geometry): triple(rank, geometry) for rank in RANKS for geometry in GEOMETRIES}
TRUTHS = {(*key, name): found.truth(name) for key, found in TRIPLES.items() for name in found.names}


def kind(name: str, geometry: str) -> str:
    """Which sum an operation is; an input's adjoint scatters where something else than zeros stands in the padding."""
    found = kind_of(LINEAR[name])
    return found if found != "input" else "scatters" if geometry == "circular" else "gathers"


# Wrong helpers


@dataclass(frozen=True)
class Sabotage:
    """A helper, what is wrong with its replacement, and which sums are computed with it by im2col and exact."""

    owner: Any
    helper: str
    spoil: Callable[[Any], Callable[..., Any]]
    sums: frozenset[str]
    einsum: bool = False  # whether it is used by einsum, too
    mode: str = ""  # the only padding mode under which it is used

    def __str__(self) -> str:
        owner = self.owner.__name__.split(".")[-1]
        return f"{owner}.{self.helper} {self.spoil.__name__}"

    def is_used(self, name: str, geometry: str, method: str) -> bool:
        """Whether an operation is computed with the helper."""
        mode = "circular" if geometry == "circular" and kind(name, geometry) != "bias" else "zeros"
        uses = self.einsum if method == "einsum" else kind(name, geometry) in self.sums
        return uses and self.mode in ("", mode)

    def commit(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the helper wherever it is known."""
        original = getattr(self.owner, self.helper)
        if isinstance(self.owner, ModuleType):
            replace_everywhere(patch, original, self.spoil(original))
        else:
            patch.setattr(self.owner, self.helper, self.spoil(original))


def replace_everywhere(patch: pytest.MonkeyPatch, original: object, wrong: object) -> None:
    """Put something in the place of a function, in all modules that know it by name, and in all tables of methods."""
    for module in [module for name, module in sys.modules.items() if name.startswith("refconv")]:
        for name, value in list(vars(module).items()):
            if value is original:
                patch.setattr(module, name, wrong)
            if isinstance(value, Sum):
                for method, function in value.methods.items():
                    if function is original:
                        patch.setitem(value.methods, method, wrong)
                if value.cut is original:
                    patch.setattr(module, name, value._replace(cut=wrong))  # type: ignore[arg-type]


def one_off(helper: Any) -> Callable[..., Any]:
    """One pixel further along the last axis."""

    def wrong(*arguments: Any, **keywords: Any) -> Any:
        found = helper(*arguments, **keywords)
        return [np.roll(array, 1, -1) for array in found] if isinstance(found, list) else np.roll(found, 1, -1)

    return wrong


def flipped(helper: Any) -> Callable[..., Any]:
    """The first axis behind the channels from its end to its beginning: of windows, the taps."""

    def wrong(*arguments: Any, **keywords: Any) -> Any:
        found = helper(*arguments, **keywords)
        return [np.flip(array, 2) for array in found] if isinstance(found, list) else np.flip(found, 2)

    return wrong


def doubled(helper: Any) -> Callable[..., Any]:
    """The numbers in the middle of the first axis behind the channels twice as large."""

    def wrong(*arguments: Any, **keywords: Any) -> Any:
        found = helper(*arguments, **keywords)
        arrays = [np.array(array) for array in (found if isinstance(found, list) else [found])]
        for array in arrays:
            array[:, :, array.shape[2] // 2] *= 2
        return arrays if isinstance(found, list) else arrays[0]

    return wrong


def one_tap_lost(helper: Any) -> Callable[..., Any]:
    """The last tap along the first axis is not added."""

    def wrong(view: Any, columns: Any, kernel_size: tuple[int, ...]) -> None:
        first, *others = kernel_size
        helper(view, columns, (first - 1, *others))

    return wrong


def last_lost(helper: Any) -> Callable[..., Any]:
    """Without the last part, or box."""

    def wrong(*arguments: Any) -> Any:
        return iter(list(helper(*arguments))[:-1])

    return wrong


def last_twice(helper: Any) -> Callable[..., Any]:
    """With the last part twice, which is added to itself."""

    def wrong(*arguments: Any) -> Iterable[sums.Cut]:
        found = list(helper(*arguments))
        return iter([*found, found[-1]])

    return wrong


def of_later_outputs(helper: Any) -> Callable[..., Any]:
    """What is said of the outputs after these."""

    def wrong(axis: AxisGeometry, outputs: slice) -> Any:
        return helper(axis, slice(outputs.start + 1, outputs.stop + 1))

    return wrong


def of_earlier_pixels(helper: Any) -> Callable[..., Any]:
    """What is said of an axis with one pixel of padding more at its beginning."""

    def wrong(axis: AxisGeometry, number: Any) -> Any:
        outputs, part = helper(axis, number)
        return outputs, moved(part)

    return wrong


def moved(axis: AxisGeometry) -> AxisGeometry:
    before, after = axis.padding
    return AxisGeometry(axis.input_size, axis.kernel_size, axis.stride, axis.dilation, (before + 1, after - 1))


def of_earlier_outputs(helper: Any) -> Callable[..., Any]:
    """The same phases, of which each reads one output earlier."""
    return lambda axis, outputs: ((*others, moved(back)) for *others, back in helper(axis, outputs))


def one_window_more(helper: Any) -> Callable[..., Any]:
    """What one window more would reach."""
    return lambda axis, outputs: helper(axis, outputs) + axis.stride


def of_no_channels_but_the_first(helper: Any) -> Callable[..., Any]:
    """The first of the channels alone."""

    def wrong(*arguments: Any) -> slice:
        found = helper(*arguments)
        return slice(found.start, found.start + 1)

    return wrong


def of_the_first_group(helper: Any) -> Callable[..., Any]:
    """The plan of a part with all its channels in one group."""
    return lambda *arguments: replace(helper(*arguments), groups=1)


def cut_through_all_groups(helper: Any) -> Callable[..., Any]:
    """A part whose plan has all channels in one group."""

    def wrong(*arguments: Any) -> sums.Cut:
        found: sums.Cut = helper(*arguments)
        return found._replace(plan=replace(found.plan, groups=1))

    return wrong


READS = frozenset({"output", "weight", "gathers"})  # columns of the input, or of what arrived
ALL = READS | {"bias", "scatters"}
SCATTERS = frozenset({"scatters"})


def sums_of(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


SABOTAGES = [
    Sabotage(products, "pad", one_off, READS, einsum=True),
    Sabotage(products, "pad", flipped, READS, einsum=True),
    Sabotage(products, "pad", doubled, READS | {"bias"}, einsum=True),
    Sabotage(products, "windows", one_off, READS | SCATTERS, einsum=True),
    Sabotage(products, "windows", flipped, READS | SCATTERS, einsum=True),
    Sabotage(products, "windows", doubled, READS | {"bias", "scatters"}, einsum=True),
    Sabotage(products, "columns_of", one_off, READS),
    Sabotage(products, "columns_of", flipped, READS),
    Sabotage(products, "columns_of", doubled, READS | {"bias"}),
    Sabotage(adjoint, "add_windows", one_tap_lost, SCATTERS),
    Sabotage(adjoint, "fold", one_off, SCATTERS),
    Sabotage(adjoint, "fold", flipped, SCATTERS),
    Sabotage(adjoint, "fold", doubled, SCATTERS),
    Sabotage(sums, "boxes", last_lost, ALL, einsum=True),
    Sabotage(sums, "tiles", last_lost, ALL, einsum=True),
    Sabotage(sums, "chunks", last_lost, ALL, einsum=True),
    Sabotage(sums, "joined", of_no_channels_but_the_first, ALL, einsum=True),
    Sabotage(sums, "part_of", of_the_first_group, READS | SCATTERS, einsum=True),
    Sabotage(sums, "parts_of_output", last_lost, sums_of("output", "weight", "bias"), einsum=True),
    Sabotage(sums, "part_of_output", cut_through_all_groups, sums_of("output", "weight"), einsum=True),
    Sabotage(adjoint, "parts_of_input", last_lost, sums_of("gathers", "scatters")),
    Sabotage(adjoint, "part_of_input", cut_through_all_groups, sums_of("gathers", "scatters")),
    Sabotage(sums, "by_output", last_lost, sums_of("output", "weight", "bias"), einsum=True),
    Sabotage(sums, "by_output", last_twice, sums_of("output", "weight", "bias"), einsum=True),
    Sabotage(adjoint, "by_input", last_lost, sums_of("gathers", "scatters")),
    Sabotage(adjoint, "by_input", last_twice, sums_of("gathers", "scatters")),
    Sabotage(products, "einsum", one_off, frozenset(), einsum=True),
    Sabotage(products, "einsum", flipped, frozenset(), einsum=True),
    Sabotage(products, "convolution", one_off, sums_of("output", "gathers")),
    Sabotage(products, "convolution", flipped, sums_of("output", "gathers")),
    Sabotage(adjoint, "input_adjoint", one_off, sums_of("gathers", "scatters")),
    Sabotage(adjoint, "input_adjoint", flipped, sums_of("gathers", "scatters")),
    Sabotage(adjoint, "weight_adjoint", one_off, sums_of("weight")),
    Sabotage(adjoint, "weight_adjoint", flipped, sums_of("weight")),
    Sabotage(adjoint, "weight_adjoint", doubled, sums_of("weight", "bias")),
    Sabotage(AxisGeometry, "reading", of_later_outputs, sums_of("output", "weight", "bias"), einsum=True, mode="zeros"),
    Sabotage(AxisGeometry, "reading", of_earlier_pixels, sums_of("output", "weight", "bias"), einsum=True, mode="zeros"),
    Sabotage(transposed, "read_by", of_earlier_pixels, sums_of("gathers", "scatters"), mode="zeros"),
    Sabotage(transposed, "phases", of_earlier_outputs, sums_of("gathers")),
    Sabotage(transposed, "phases", last_lost, sums_of("gathers")),
    Sabotage(AxisGeometry, "reach", one_window_more, sums_of("output", "weight", "bias"), einsum=True),
]  # fmt: skip


def check_direct(rank: int, geometry: str) -> None:
    """See that the direct method is right, for all operations."""
    for name in TRIPLES[rank, geometry].names:
        found = TRIPLES[rank, geometry].call(name, method="direct")
        assert np.array_equal(found, TRUTHS[rank, geometry, name]), f"{name} is wrong"


def methods_of(name: str) -> tuple[str, ...]:
    return METHODS if kind_of(LINEAR[name]) == "output" else METHODS[:2]


def is_right(rank: int, geometry: str, name: str, method: str) -> bool:
    """Whether a method gives the truth; it may fail, too."""
    try:
        found = TRIPLES[rank, geometry].call(name, method=method)
    except Exception:  # noqa: BLE001  # whatever a wrong helper leads to
        return False
    return np.array_equal(found, TRUTHS[rank, geometry, name])


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_all_methods_are_right_as_long_as_nothing_is_wrong(rank: int, geometry: str) -> None:
    check_direct(rank, geometry)
    names = TRIPLES[rank, geometry].names
    assert len(names) == 8 if geometry != "circular" else 4
    for name in names:
        assert all(is_right(rank, geometry, name, method) for method in methods_of(name)), name


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=str)
def test_a_wrong_helper_leaves_direct_right_and_makes_wrong_who_uses_it(sabotage: Sabotage, rank: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        sabotage.commit(patch)
        check_direct(rank, "strided")
        for geometry in GEOMETRIES:
            for name in TRIPLES[rank, geometry].names:
                for method in methods_of(name):
                    is_wrong = not is_right(rank, geometry, name, method)
                    assert is_wrong == sabotage.is_used(name, geometry, method), (name, geometry, method)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_without_any_helper_there_is_the_direct_method(rank: int, geometry: str) -> None:
    def gone(*_: object, **__: object) -> None:
        raise RuntimeError("gone")

    with pytest.MonkeyPatch.context() as patch:
        for helper in helpers():
            if helper.__name__ != "_most_read":  # with which the terms of a sum are counted, whatever adds them up
                replace_everywhere(patch, helper, gone)
        for name in ("reading", "reach"):
            patch.setattr(AxisGeometry, name, gone)
        check_direct(rank, geometry)
        for name in TRIPLES[rank, geometry].names:
            for method in methods_of(name):
                with pytest.raises(RuntimeError, match="gone"):
                    TRIPLES[rank, geometry].call(name, method=method)


def helpers() -> set[FunctionType]:
    """All functions of the other methods."""
    names = {module.__name__ for module in HELPFUL}
    own = (f for module in HELPFUL for f in vars(module).values() if getattr(f, "__module__", "") in names)
    return {f for f in (*own, *WAYS_BACK) if isinstance(f, FunctionType)}


def test_every_helper_of_the_other_methods_is_sabotaged() -> None:
    # `one_by_one` says that loops are a product, once, when the tables are made; the others choose
    # between two ways, and how large a part is.
    named = {helper for helper in helpers() if not helper.__name__.startswith("_")}
    public = named - {sums.one_by_one, products.is_narrow, products.numbers_per_output}
    assert public == {
        getattr(sabotage.owner, sabotage.helper) for sabotage in SABOTAGES if sabotage.owner is not AxisGeometry
    }
    assert {name for names in BY_RANK.values() for name in names} == set(LINEAR)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("method", ["im2col", "exact"])
@pytest.mark.parametrize("spoil", [one_off, flipped], ids=["one_off", "flipped"])
def test_few_output_channels_go_tap_by_tap_and_direct_does_not(spoil: Any, method: str, rank: int) -> None:
    rng = np.random.default_rng(rank)
    steps = {name: value[:rank] for name, value in GEOMETRIES["stride 1"].items()}
    x, w = rng.integers(1, 9, (2, 8, *SIZES[:rank])), rng.integers(1, 9, (2, 4, *KERNEL[:rank]))
    found = Triple.of(x.astype(float), w.astype(float), rng, **steps, groups=2, padding_mode="zeros")
    name, truth = f"conv{rank}d", found.truth(f"conv{rank}d")
    assert np.array_equal(found.call(name, method=method), truth)
    with pytest.MonkeyPatch.context() as patch:
        replace_everywhere(patch, products._by_taps, spoil(products._by_taps))
        assert np.array_equal(found.call(name, method="direct"), truth)
        assert not np.array_equal(found.call(name, method=method), truth)


# The sabotage itself is tested


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(
    ("which", "shared"),
    [
        (sums.CONVOLUTION, products.convolution),
        (adjoint.INPUT_ADJOINT, adjoint.input_adjoint),
        (adjoint.WEIGHT_ADJOINT, adjoint.weight_adjoint),
    ],
    ids=["convolution", "input_adjoint", "weight_adjoint"],
)
def test_a_direct_method_that_calls_a_helper_of_the_others_is_found(which: Sum, shared: Any, rank: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(which.methods, "direct", shared)
        check_direct(rank, "strided")  # and nothing shows
        Sabotage(products, "windows", one_off, ALL).commit(patch)
        with pytest.raises(AssertionError, match=" is wrong"):
            check_direct(rank, "strided")


def imports_of(module: ModuleType) -> set[str]:
    tree = ast.walk(ast.parse(inspect.getsource(module)))
    return {str(node.module) for node in tree if isinstance(node, ast.ImportFrom)} | {
        alias.name
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def test_direct_imports_the_plan_and_the_name_of_an_array() -> None:
    found = {name for name in imports_of(direct) if name.startswith("refconv")}
    assert found == {"refconv.geometry.plan", "refconv.numbers.formats"}
    assert "refconv.core.products" in imports_of(adjoint)


def test_the_definition_that_all_are_held_against_is_no_part_of_refconv() -> None:
    assert not {name for name in imports_of(definition) if name.startswith("refconv")}
