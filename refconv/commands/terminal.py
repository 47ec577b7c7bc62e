"""How the command line writes to a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__: list[str] = []


def open_console(*, stderr: bool = False) -> Console:
    """Return rich's console; a ValueError that says how to install it where it is missing."""
    try:
        from rich.console import Console  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ValueError("the command needs rich, which is not installed: pip install 'refconv[cli]'") from None
    return Console(stderr=stderr, highlight=False, soft_wrap=True)
