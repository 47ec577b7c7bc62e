"""Which refconv is this?"""

from importlib import import_module

__all__: list[str] = []


def version() -> str:
    """Return its version, installed or not: what an installation says may be of another checkout."""
    return str(import_module("refconv").__version__)
