"""The programs of docs/, which are no package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def loaded(path: str) -> Any:
    """Return the module of a file in docs/, such as ``"gates.py"``."""
    name = f"docs_{Path(path).stem}"
    specification = importlib.util.spec_from_file_location(name, DOCS / path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # where a dataclass looks for its own
    specification.loader.exec_module(module)
    return module
