"""The house: a room imports only from rooms that stand below it, and there are few floors."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import refconv

ROOT = Path(refconv.__file__).parent

# From the top down.  What stands in one line may import from each other, as long as it is not in a circle.
HOUSE = (
    ("commands",),
    ("testing",),
    ("plots",),
    ("aspp", "nn"),
    ("bounds",),
    ("operations",),
    ("", "quantized"),  # what you import: the files of the root, and those of 8 bits
    ("core",),
    ("analysis",),
    ("geometry",),
    ("numbers",),
)
MOST_FLOORS = 11
MOST_FILES = 9  # in the root, with both doors

# Doors, which name what is behind them and hold nothing themselves.
DOORS = ("refconv", "refconv.testing", "refconv.__main__")
ALONE = {"refconv.numbers": (), "refconv.geometry": ("refconv.numbers",), "refconv.analysis": ("refconv.geometry",)}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
# A folder within a folder that is no door is part of the same room.
FOLDERS = {name for path in ROOT.rglob("*/__init__.py") if (name := name_of(path)).rpartition(".")[0] in DOORS}
FOLDERS -= set(DOORS)


def room(module: str) -> str:
    """The folder that a module is in, or a file that is in none: a room."""
    folders = [folder for folder in FOLDERS if f"{module}.".startswith(f"{folder}.")]
    return max(folders, key=len, default=module)


def line(module: str) -> int:
    """How many lines of the house are above a module's."""
    first = module.split(".")[1] if module.count(".") else ""
    named = [number for number, names in enumerate(HOUSE) if first in names]
    return named[0] if named else HOUSE.index(("", "quantized"))


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


IMPORTS = {module: imports(module, path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def wrong_imports(module: str, imported: set[str]) -> list[str]:
    """Return the imports that are not from below, nor from the same line; the door is above all but the commands."""
    inside = {name for name in imported if name != "refconv"}
    from_the_door = imported - inside if line(module) else set()
    alone = next((names for name, names in ALONE.items() if f"{module}.".startswith(f"{name}.")), None)
    if alone is not None:
        allowed = (*alone, room(module))
        inside = {name for name in inside if room(name) not in allowed}
        return sorted(inside | from_the_door)
    return sorted({name for name in inside if line(name) < line(module)} | from_the_door)


def test_a_module_imports_only_from_below() -> None:
    wrong = {module: wrong_imports(module, IMPORTS[module]) for module in sorted(set(MODULES) - set(DOORS))}
    assert len(wrong) > 200
    assert {module: names for module, names in wrong.items() if names} == {}


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("refconv.geometry.axis", "from refconv.geometry.arguments import Pair", []),
        ("refconv.geometry.axis", "import refconv.conv", ["refconv.conv"]),
        ("refconv.geometry.axis", "def f():\n    from refconv import geometry", []),
        ("refconv.geometry.plan", "from refconv.core.products import pad", ["refconv.core.products"]),
        ("refconv.numbers.formats", "from refconv.geometry.arguments import Pair", ["refconv.geometry.arguments"]),
        ("refconv.analysis.layers", "from refconv.analysis.axis_map import Span\nimport refconv.geometry.plan", []),
        ("refconv.analysis.layers", "import refconv.numbers.formats", ["refconv.numbers.formats"]),
        ("refconv.analysis.layers", "import refconv.conv\nimport refconv.testing", ["refconv.conv", "refconv.testing"]),
        ("refconv.conv", "from refconv import conv2d\nimport numpy", ["refconv"]),
        ("refconv.conv", "import refconv.sizes", []),
        ("refconv.conv", "from refconv.testing.battery.cases import Case", ["refconv.testing.battery.cases"]),
        ("refconv.core.sums", "import refconv.grad\nimport refconv.analysis", ["refconv.grad"]),
        ("refconv.operations.table", "import refconv.bounds.sums\nimport refconv.grad", ["refconv.bounds.sums"]),
        ("refconv.aspp.module", "import refconv.nn\nimport refconv.plots", ["refconv.plots"]),
        ("refconv.testing.battery.cases", "import refconv.commands.main", ["refconv.commands.main"]),
        ("refconv.commands.check", "import refconv, refconv.testing\nimport refconv.plots", []),
    ],
)
def test_an_import_from_above_is_found(module: str, source: str, wrong: list[str]) -> None:
    assert wrong_imports(module, imports(module, source)) == wrong


def test_a_relative_import_is_found() -> None:
    with pytest.raises(
        AssertionError, match=r"^refconv\.geometry\.axis has a relative import in line 1; write the name"
    ):
        imports("refconv.geometry.axis", "from .arguments import Pair")


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = list(TopologicalSorter({module: names - {module} for module, names in IMPORTS.items()}).static_order())
    assert set(MODULES) <= set(order)  # or else CycleError, which names the circle


# Floors


def rooms_below(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return, for every room, the rooms that it imports from; a door is none."""
    below: dict[str, set[str]] = {}
    for module, names in graph.items():
        if module not in DOORS:
            below.setdefault(room(module), set()).update(room(name) for name in names if name not in DOORS)
    return {name: found - {name} for name, found in below.items()}


def floors(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Return each room's floor: one above the highest that it imports from.  A CycleError names rooms in a circle."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(below).static_order():
        found[name] = 1 + max((found[other] for other in below.get(name, ())), default=-1)
    return found


def picture(found: Mapping[str, int], below: Mapping[str, set[str]]) -> str:
    """Draw the floors from the top down, and the way through them that makes them so many."""
    storeys = [
        f"{floor:3}  " + " ".join(sorted(name.removeprefix("refconv.") for name in found if found[name] == floor))
        for floor in sorted(set(found.values()), reverse=True)
    ]
    way = [max(found, key=lambda name: found[name])]
    while below[way[-1]]:
        way.append(max(below[way[-1]], key=lambda name: found[name]))
    return "\n".join(["", *storeys, "because " + " > ".join(name.removeprefix("refconv.") for name in way)])


def test_floors_are_drawn_from_the_imports() -> None:
    below = {"refconv.conv": {"refconv.core"}, "refconv.core": {"refconv.numbers", "refconv.geometry"}}
    below |= {"refconv.numbers": set(), "refconv.geometry": set(), "refconv.sizes": {"refconv.geometry"}}
    found = floors(below)
    assert found == {
        f"refconv.{name}": floor
        for name, floor in [("conv", 2), ("core", 1), ("sizes", 1), ("numbers", 0), ("geometry", 0)]
    }
    lines = picture(found, below).splitlines()
    assert lines[1:4] == ["  2  conv", "  1  core sizes", "  0  geometry numbers"]
    assert lines[4].startswith("because conv > core > ")


def test_rooms_are_folders_and_files_that_are_in_none() -> None:
    assert room("refconv.core.direct") == room("refconv.core") == "refconv.core"
    assert room("refconv.conv") == "refconv.conv"
    assert room("refconv.testing.battery.cases") == "refconv.testing.battery"
    below = rooms_below(
        {
            "refconv.core.sums": {"refconv.core.products", "refconv.numbers.formats", "refconv"},
            "refconv": {"refconv.conv"},
        }
    )
    assert below == {"refconv.core": {"refconv.numbers"}}


def test_there_are_no_more_floors_than_a_reader_climbs() -> None:
    below = rooms_below(IMPORTS)
    found = floors(below)
    assert len(set(found.values())) <= MOST_FLOORS, picture(found, below)


def test_the_root_holds_what_you_import() -> None:
    files = sorted(path.name for path in ROOT.glob("*.py"))
    assert len(files) <= MOST_FILES, files
    rooms = {name.split(".")[1] for name in FOLDERS}
    assert rooms == {name for names in HOUSE for name in names if name}


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
    ("module", "unneeded"),
    [
        ("refconv.testing.judging.isolation", "refconv.testing.diagnosis.causes"),  # where a target runs
        ("refconv.testing.judging.isolation", "refconv.testing.diagnosis.reading"),
        ("refconv.commands.check", "refconv.testing.reporting.html"),
        ("refconv.commands.check", "refconv.testing.reporting.junit"),
    ],
)
def test_what_a_right_kernel_does_not_need_is_not_waited_for(module: str, unneeded: str) -> None:
    program = f"import sys, {module}; print({unneeded!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert run.stdout == "False\n"


@pytest.mark.parametrize("house", [name for name in refconv.__all__ if (ROOT / name).is_dir()])
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
    assert (
        refconv.__version__
        == tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]["version"]
    )


WORKING = {"Call", "Reading", "Operator"}  # of the way through a graph: what is filled in as it is read


def test_what_is_put_together_is_not_changed_afterwards() -> None:
    parsed = [(path, ast.parse(path.read_text())) for path in sorted(ROOT.rglob("*.py"))]
    for module, node in [(path, node) for path, tree in parsed for node in ast.walk(tree)]:
        if not isinstance(node, ast.ClassDef):
            continue
        said = [ast.unparse(decorator) for decorator in node.decorator_list]
        if any(text.startswith("dataclass") for text in said):
            is_frozen = any("frozen=True" in text for text in said)
            assert is_frozen is (node.name not in WORKING or module.parent.name != "graph"), node.name
