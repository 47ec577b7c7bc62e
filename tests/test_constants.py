"""The numbers that were measured or chosen are what they were: limits, budgets, sizes of tiles and of tables.

Each says in its module what chose it; whoever chooses anew prints `constants.txt` anew: ``python
tests/test_constants.py > tests/constants.txt``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import refconv

TABLE = Path(__file__).with_name("constants.txt")


def is_numbers(value: object) -> bool:
    """Whether it is a number, or a tuple or a table of numbers."""
    if isinstance(value, dict):
        return bool(value) and all(map(is_numbers, value.values()))
    if isinstance(value, tuple):
        return type(value) is tuple and bool(value) and all(map(is_numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def lines() -> Iterator[str]:
    """A line for each: its module, its name and its value."""
    for found in pkgutil.walk_packages(refconv.__path__, "refconv."):
        if found.name.endswith(".__main__"):
            continue
        module = importlib.import_module(found.name)
        said = Path(module.__file__ or "").read_text()
        for name, value in sorted(vars(module).items()):
            is_own = f"\n{name}: Final" in said or f"\n{name} = " in said
            if name.isupper() and is_own and is_numbers(value):
                in_order = dict(sorted(value.items(), key=repr)) if isinstance(value, dict) else value
                yield f"{found.name}.{name} = {in_order!r}"


def test_the_numbers_are_what_they_were() -> None:
    assert list(lines()) == TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(lines()))
