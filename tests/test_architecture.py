"""The design's rooms and floors: a module imports only from floors below its own."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import refconv

ROOT = Path(refconv.__file__).parent

FLOORS = {
    "refconv.geometry.arguments": 0,
    "refconv.numbers.formats": 0,
    "refconv.commands.terminal": 0,
    "refconv.numbers.dtypes": 1,
    "refconv.numbers.digits": 1,
    "refconv.geometry.axis": 1,
    "refconv.bounds.summation": 1,
    "refconv.geometry.plan": 2,
    "refconv.sizes": 3,
    "refconv.padding": 3,
    "refconv.bounds.winograd": 3,
    "refconv.adjoint_geometry": 3,
    "refconv.dilation": 3,
    "refconv.im2col": 4,
    "refconv.analysis": 4,  # and all in it, which must only be free of cycles: it does no convolution
    "refconv.matrix": 5,
    "refconv.adjoint": 5,
    "refconv.exact": 5,
    "refconv.conv": 6,
    "refconv.accumulation": 6,
    "refconv.conv_nd": 7,
    "refconv.error_bound": 7,
    "refconv.exact_adjoint": 7,
    "refconv.nn": 7,  # and all in it, likewise
    "refconv.quantized": 7,  # and all in it, likewise
    "refconv.aspp": 8,  # and all in it, likewise
    "refconv.transpose": 8,
    "refconv.grad": 8,
    "refconv.plots": 9,  # and all in it, likewise
    "refconv.transpose_nd": 9,
    "refconv.problem": 10,
    "refconv.family_bound": 11,
    "refconv.testing.comparing": 11,  # and all in it, likewise
    "refconv.testing.battery": 12,  # and all in it, likewise
    "refconv.testing.strategies": 13,
    "refconv.testing.frameworks": 13,  # and all in it, likewise
    "refconv.testing.targets": 14,
    "refconv.testing.diagnosis": 15,  # and all in it, likewise
    "refconv.testing.asserts": 16,
    "refconv.testing.judging": 16,  # and all in it, likewise
    "refconv.testing.reporting": 17,  # and all in it, likewise
    "refconv.testing.fuzz": 18,
    "refconv.testing.conformance": 19,
    "refconv.testing": 20,
    "refconv": 21,  # which names all houses but the commands
    "refconv.commands": 22,  # and all in it, likewise
    "refconv.commands.main": 23,
    "refconv.__main__": 24,
}


HOUSES = (
    "refconv.analysis",
    "refconv.aspp",
    "refconv.commands",
    "refconv.nn",
    "refconv.plots",
    "refconv.quantized",
    "refconv.testing.battery",
    "refconv.testing.comparing",
    "refconv.testing.diagnosis",
    "refconv.testing.frameworks",
    "refconv.testing.judging",
    "refconv.testing.reporting",
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room(module: str) -> str:
    houses = [house for house in HOUSES if f"{module}.".startswith(f"{house}.")]
    return houses[0] if houses else module


def imports(module: str, source: str) -> set[str]:
    """Return the refconv modules that a module's source imports, wherever in it, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}; write the name in full"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in names}
    return {name for name in found if name.split(".")[0] == "refconv"}


def wrong_imports(module: str, source: str) -> list[str]:
    """Return the imports that are not from a lower floor; inside one of the HOUSES, any floor of its own is lower."""
    here = room(module)
    return sorted(
        target
        for target in imports(module, source)
        if not (here == room(target) in HOUSES or FLOORS[room(target)] < FLOORS[here])
    )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_module_has_a_floor_and_imports_only_from_lower_ones(module: str) -> None:
    assert room(module) in FLOORS, f"{module} has no floor: give it one in FLOORS, above all that it imports"
    assert wrong_imports(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("refconv.geometry.axis", "from refconv.geometry.arguments import Pair", []),
        ("refconv.geometry.axis", "import refconv.conv", ["refconv.conv"]),
        ("refconv.geometry.axis", "def f():\n    from refconv import geometry", ["refconv.geometry.plan"]),
        ("refconv.numbers.formats", "from refconv.geometry.arguments import Pair", ["refconv.geometry.arguments"]),
        ("refconv.conv", "from refconv import conv2d\nimport numpy", ["refconv"]),
        ("refconv.conv", "from refconv.testing.battery.cases import Case", ["refconv.testing.battery.cases"]),
        ("refconv.testing.battery.cases", "from refconv.testing.battery.data import DATA\nimport refconv.conv", []),
        ("refconv.testing.battery.cases", "import refconv.commands.main", ["refconv.commands.main"]),
        (
            "refconv.testing.battery",
            "from refconv.testing.judging.judge import Judge",
            ["refconv.testing.judging.judge"],
        ),
        ("refconv.testing.judging.judge", "from refconv.testing.battery.cases import Case", []),
        ("refconv.analysis.layers", "from refconv.analysis.taps import Taps\nimport refconv.geometry.plan", []),
        ("refconv.analysis.layers", "import refconv.conv\nimport refconv.testing", ["refconv.conv", "refconv.testing"]),
    ],
)
def test_an_import_from_the_same_floor_or_a_higher_one_is_found(module: str, source: str, wrong: list[str]) -> None:
    assert wrong_imports(module, source) == wrong


def test_a_relative_import_is_found() -> None:
    with pytest.raises(AssertionError, match=r"^refconv\.axis has a relative import in line 1; write the name in full"):
        imports("refconv.geometry.axis", "from .arguments import Pair")


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imports(module, path.read_text()) - {module} for module, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert set(MODULES) <= set(order)


def test_importing_refconv_imports_numpy_and_nothing_heavier() -> None:
    program = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import refconv\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names) - {'numpy'}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('refconv.analysis', 'refconv.testing'))))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    third_party, houses = run.stdout.split("\n")[:2]
    assert third_party == "refconv"
    assert houses == ""


@pytest.mark.parametrize(
    "house", [name for name in refconv.__all__ if f"refconv.{name}" in (*HOUSES, "refconv.testing")]
)
def test_naming_a_house_imports_it(house: str) -> None:
    house = f"refconv.{house}"
    program = f"import sys, refconv; print({house!r} in sys.modules, {house}.__name__)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert run.stdout == f"False {house}\n"


@pytest.mark.parametrize("name", refconv.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(refconv, name).__name__.split(".")[-1] == name


def test_the_public_names_are_those_of_the_design() -> None:
    assert set(refconv.__all__) >= {
        "analysis",
        "aspp",
        "col2im",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "dilation",
        "effective_kernel_size",
        "error_bound",
        "error_bound_of",
        "grad",
        "im2col",
        "matrix",
        "nn",
        "output_size",
        "quantized",
        "same_padding",
        "testing",
    }


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"^module 'refconv' has no attribute 'conv7d'$"):
        _ = refconv.conv7d


def test_the_version_is_the_one_in_pyproject() -> None:
    assert refconv.__version__ == importlib.metadata.version("refconv")
